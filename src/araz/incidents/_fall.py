"""Where a load falls, and where one may be dropped: ellipses on the ground."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.geography import Place, ellipse_from_covariance
from araz.vocabulary import Area, FloatArray, Wind

GRAVITY_MPS2: Final = 9.80665
#: A 10 kg box of 0.4 × 0.3 × 0.3 m (Cd·A 0.13 m²) falls at 36 m/s at most, a 0.5 kg packet of 0.15 m at 16 m/s.
TERMINAL_SPEED_MPS: Final = 25.0
TERMINAL_LOG_SIGMA: Final = 0.35
#: The site's wind is a mean over the night; gusts and shear are not in it.
WIND_SIGMA_MPS: Final = 2.0
#: A hovering multirotor still moves: one sigma a horizontal axis.
RELEASE_SPEED_SIGMA_MPS: Final = 1.0
#: A load bounces and rolls, and swings under the aircraft before: metres, and metres a metre of height.
ROLL_SIGMA_M: Final = 2.0
ROLL_SIGMA_PER_M: Final = 0.07
#: Where loads are dropped when nothing else is known: field.md 3.2, class C and the night of section 1.
PRIOR_NEAR_M: Final = 500.0
PRIOR_FAR_M: Final = 3000.0
#: A course holds to about this (one sigma) over minutes.
COURSE_SIGMA_RAD: Final = 0.2
AREA_PROBABILITIES: Final = (0.5, 0.9)
#: How far the load lay from the place said in 50 and 90 % of simulated drops, squared, in units of the covariance of
#: place and ground; a Gaussian has 1.39 and 4.61. The mean of a stop is known better than the filter says (89 drops);
#: of a flight the moment is known well or badly (71 drops). What the air does keeps its Gaussian.
STOP_QUANTILES: Final = (0.85, 3.0)
PASS_QUANTILES: Final = (0.7, 6.0)
#: A horizontal covariance as (east², east·north, north²), m².
Spread = tuple[float, float, float]


class Fall(NamedTuple):
    """A fall: seconds, ground displacement east and north, and its covariances [2, 2] in square metres.

    ``air``: from the wind and the load's terminal speed; ``ground``: from the release, the swing and the roll.
    """

    time_s: float
    offset_m: FloatArray
    air: FloatArray
    ground: FloatArray

    @property
    def covariance(self) -> FloatArray:
        """Of the whole fall."""
        return self.air + self.ground


def wind_enu_mps(wind: Wind) -> FloatArray:
    """The wind as a velocity of the air, east and north [2]; the site file says where it comes *from*."""
    angle = np.deg2rad(wind.from_deg)
    return np.array([-np.sin(angle), -np.cos(angle)]) * wind.speed_mps


def fall_time_s(height_m: float, terminal_mps: float) -> float:
    """Time to fall from rest with quadratic drag: ``t = (v/g) acosh(exp(g h / v²))``, seconds; 0 at no height."""
    x = GRAVITY_MPS2 * max(height_m, 0.0) / terminal_mps**2
    # acosh(e^x) = x + ln(1 + sqrt(1 - e^-2x)), which does not overflow for a balloon's height.
    return float(terminal_mps / GRAVITY_MPS2 * (x + np.log1p(np.sqrt(-np.expm1(-2.0 * x)))))


def glide_s(time_s: float, terminal_mps: float) -> float:
    """How many seconds of its first velocity through the air a falling load keeps: ``(v/g) gd(g t / v)``.

    With the drag set by the fall speed, ``du/dt = -(g/v) tanh(g t/v) u``, so ``u = u0 sech(g t/v)`` and its integral
    is the Gudermannian. Good while the load moves slower sideways than it falls.
    """
    return float(terminal_mps / GRAVITY_MPS2 * 2.0 * np.arctan(np.tanh(0.5 * GRAVITY_MPS2 * time_s / terminal_mps)))


def fall_offset_m(height_m: float, velocity_mps: FloatArray, wind_mps: FloatArray, terminal_mps: float) -> FloatArray:
    """Ground displacement [2] of a load: ``w t + (v0 - w) glide``; ENU metres, ``velocity_mps`` over ground."""
    time_s = fall_time_s(height_m, terminal_mps)
    offset: FloatArray = wind_mps * time_s + (velocity_mps - wind_mps) * glide_s(time_s, terminal_mps)
    return offset


def fall(height_m: float, velocity_mps: FloatArray, wind: Wind) -> Fall:
    """The fall of an unknown load from ``height_m`` above ground: mean and covariance.

    Terminal speed is log-normal, wind and release speed are normal; the covariance is first order in each.
    """
    air = wind_enu_mps(wind)
    time_s = fall_time_s(height_m, TERMINAL_SPEED_MPS)
    kept_s = glide_s(time_s, TERMINAL_SPEED_MPS)
    spread = np.exp(TERMINAL_LOG_SIGMA)
    ends = [fall_offset_m(height_m, velocity_mps, air, TERMINAL_SPEED_MPS * k) for k in (1.0 / spread, 1.0, spread)]
    slope = 0.5 * (ends[2] - ends[0])
    wind_sigma = WIND_SIGMA_MPS * (time_s - kept_s)
    release_sigma = RELEASE_SPEED_SIGMA_MPS * kept_s
    roll_sigma = ROLL_SIGMA_M + ROLL_SIGMA_PER_M * max(height_m, 0.0)
    air_covariance = np.outer(slope, slope) + np.eye(2) * wind_sigma**2
    return Fall(time_s, ends[1], air_covariance, np.eye(2) * (release_sigma**2 + roll_sigma**2))


def areas_around(
    place: Place,
    east_m: float,
    north_m: float,
    covariance: FloatArray,
    quantiles: tuple[float, float] | None = None,
    normal: FloatArray | None = None,
) -> tuple[Area, ...]:
    """The 50 % and 90 % ellipses on the ground, centre in WGS 84: of a normal distribution, or ``x' C⁻¹ x`` given.

    ``normal`` [2, 2] is a part that adds to the covariance and stays Gaussian whatever the quantiles of the rest.
    """
    east, north = np.array([east_m]), np.array([north_m])
    up = place.terrain.ground_up_m(east, north)
    latitude, longitude, hae = place.frame.to_geodetic(np.stack([east, north, up], axis=1))
    result = []
    for k, probability in enumerate(AREA_PROBABILITIES):
        wider = 1.0 if quantiles is None else quantiles[k] / (-2.0 * math.log1p(-probability))
        spread = covariance * wider if normal is None else covariance * wider + normal
        major, minor, azimuth = ellipse_from_covariance(spread, probability)
        result.append(
            Area(
                latitude_deg=float(latitude[0]),
                longitude_deg=float(longitude[0]),
                semi_major_m=round(float(major), 1),
                semi_minor_m=round(float(minor), 1),
                azimuth_deg=round(float(azimuth) % 360.0, 1),
                probability=probability,
                altitude_hae_m=round(float(hae[0]), 1),
            )
        )
    return tuple(result)


def release_area(
    place: Place,
    east_m: float,
    north_m: float,
    agl_m: float,
    covariance: FloatArray,
    quantiles: tuple[float, float] | None = None,
) -> tuple[FloatArray, FloatArray, tuple[Area, ...]]:
    """Landing point [2], covariance [2, 2] and areas of a load released at a hover; ``covariance`` is the hover's."""
    drop = fall(agl_m, np.zeros(2), place.site.wind)
    centre = np.array([east_m, north_m]) + drop.offset_m
    areas = areas_around(place, float(centre[0]), float(centre[1]), covariance + drop.ground, quantiles, drop.air)
    return centre, covariance + drop.covariance, areas


def matrix(spread: Spread) -> FloatArray:
    """A covariance (xx, xy, yy) as [2, 2]."""
    xx, xy, yy = spread
    return np.array([[xx, xy], [xy, yy]])


def largest_m(spread: Spread) -> float:
    """Semi-major axis of the 90 % ellipse of a covariance (xx, xy, yy): ``sqrt(-2 ln(1 - 0.9) λ)``, metres."""
    xx, xy, yy = spread
    largest = 0.5 * (xx + yy) + math.hypot(0.5 * (xx - yy), xy)
    return math.sqrt(4.605 * max(largest, 0.0))


def expected_drop(
    crossing_m: tuple[float, float], direction: tuple[float, float], flown_inside_m: float, spread: Spread
) -> tuple[tuple[float, float], Spread, tuple[float, float]]:
    """Prior drop place ahead: centre, covariance (xx, xy, yy) and (near, far) metres inside, along the course.

    Uniform between 500 and 3,000 m past the crossing point, less what was flown already; a course error of
    ``COURSE_SIGMA_RAD`` widens it sideways. It is a prior, and is said to be one.
    """
    near = max(PRIOR_NEAR_M, flown_inside_m + 100.0)
    far = max(PRIOR_FAR_M, near + 1000.0)
    middle = 0.5 * (near + far)
    along, across = (far - near) ** 2 / 12.0, (COURSE_SIGMA_RAD * middle) ** 2
    x, y = direction
    total = (
        spread[0] + along * x * x + across * y * y,
        spread[1] + (along - across) * x * y,
        spread[2] + along * y * y + across * x * x,
    )
    return (crossing_m[0] + middle * x, crossing_m[1] + middle * y), total, (near, far)
