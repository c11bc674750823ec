"""Where a track was launched: flown back from its first smoothed state, before anybody saw it.

How long it had flown unseen is not known, so all its likely flights are tried: 4,096 of them, half first seen while
climbing, spread evenly (Halton) over the first state's Gaussian and over what is usual. Each begins on the ground,
climbs, then holds height:

    launch = p - (t_cruise + s t_climb) R(psi) v,      t_climb = (p_up - ground) / climb,

and weighs as much as it explains: w = P(no sensor saw it on the way) x p(v_up | climbing, or at its height). The area
is the mean and covariance of the weighted launch points, and each ellipse is drawn to hold its share of their weight,
so that a long tail does not make a small ellipse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from araz.tracking._smooth import SmoothedTrail
from araz.vocabulary import BoolArray, FloatArray, IntArray, MeasurementKind, SensorTable

TRIALS: Final = 2048
STEPS: Final = 24
"""Moments of each trial flight at which it is asked who could have seen it."""
CLIMB_MPS: Final = 3.5
CLIMB_SPREAD: Final = 0.4
"""Small drones climb at 2 to 6 m/s: median and spread of the logarithm."""
CRUISE_MEAN_S: Final = 60.0
"""Unseen flight at height, exponential; what sensors would have seen cuts it short."""
CLIMBING_SHARE: Final = 0.8
"""How often the first sight is during the climb, before anything else is known."""
LEVEL_MPS: Final = 0.7
CLIMBING_MPS: Final = 0.8
"""Spread of the vertical speed about none when at height, about the climb when climbing."""
BEND_RAD: Final = 0.12
"""How far the way flown bends off the first course, for each square root of a second."""
STAND_OFF_M: Final = 5.0
"""Least spread of the place, beside all else: a launch has an extent."""
NOT_SEEN_BELOW_M: Final = 3.0

Ground = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class LaunchArea:
    """Centre [2] (east, north, m), covariance [2, 2], and by probability the factor of the covariance's ellipse.

    The ellipse of probability p is all x with (x - c)^T covariance^-1 (x - c) <= ``scale``[p].
    ``flown_s`` is the mean time flown before it was first seen.
    """

    centre_enu_m: FloatArray
    covariance: FloatArray
    scale: dict[float, float]
    flown_s: float

    def ellipse(self, probability: float) -> FloatArray:
        """Covariance [2, 2] of the Gaussian whose ellipse of that probability this area's is.

        Feed it to ``ellipse_from_covariance(cov, probability)``; KeyError for a probability the area was not made for.
        """
        return np.asarray(self.covariance * self.scale[probability] / (-2.0 * np.log1p(-probability)))


def launch_area(
    smoothed: SmoothedTrail, sensors: SensorTable, ground_up_m: Ground, probabilities: tuple[float, ...] = (0.5, 0.9)
) -> LaunchArea:
    """The area a track was launched in; ENU metres at the site.

    ``ground_up_m(east [N], north [N])`` gives the ground's up coordinate [N] (``Terrain.ground_up_m``). The first state
    is the one after the first detection. Deterministic. A track that was launched before the tracker began, or
    from beyond every sensor's range, is only known to have come from there: the area is then long, along the way back.
    """
    trial = np.tile(_halton(TRIALS, 10), (2, 1))
    normal = ndtri(trial)
    root = np.linalg.cholesky(smoothed.covariance[0] + 1e-6 * np.eye(6))
    state = smoothed.mean[0] + normal[:, :6] @ root.T
    climb = CLIMB_MPS * np.exp(CLIMB_SPREAD * normal[:, 6])
    is_climbing = np.arange(2 * TRIALS) < TRIALS
    cruise_s = np.where(is_climbing, 0.0, -CRUISE_MEAN_S * np.log(trial[:, 7]))
    agl = np.maximum(state[:, 2] - ground_up_m(state[:, 0], state[:, 1]), 0.0)
    climb_s = agl / climb
    bend = BEND_RAD * np.sqrt(cruise_s) * normal[:, 8]
    slant = trial[:, 9]
    back = -np.stack(
        (
            np.cos(bend) * state[:, 3] - np.sin(bend) * state[:, 4],
            np.sin(bend) * state[:, 3] + np.cos(bend) * state[:, 4],
        ),
        1,
    )
    launch = state[:, :2] + back * (cruise_s + slant * climb_s)[:, None]
    weight = _fits(state[:, 5], climb, is_climbing)
    weight = weight * _unseen(sensors, state[:, :3], back, cruise_s, climb_s, slant, ground_up_m)
    total = weight.sum()
    weight = weight / total if total > 0.0 else np.full(len(weight), 1.0 / len(weight))
    centre = weight @ launch
    off = launch - centre
    cov = (off * weight[:, None]).T @ off + STAND_OFF_M**2 * np.eye(2)
    distance = np.einsum("na,ab,nb->n", off, np.linalg.inv(cov), off)
    scale = {p: quantile(distance, weight, p) for p in probabilities}
    return LaunchArea(centre, cov, scale, float(weight @ (cruise_s + climb_s)))


def _halton(count: int, dimensions: int) -> FloatArray:
    """Points [count, dimensions] inside the unit cube, the same every time (Halton 1960)."""
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)[:dimensions]
    out = np.zeros((count, dimensions))
    for d, base in enumerate(primes):
        index, share = np.arange(1, count + 1) + 20, 1.0
        while index.any():
            share /= base
            out[:, d] += share * (index % base)
            index = index // base
    return out


def _fits(v_up: FloatArray, climb: FloatArray, is_climbing: BoolArray) -> FloatArray:
    """How well each trial explains its vertical speed: climbing at its rate, or level."""
    about, spread = np.where(is_climbing, climb, 0.0), np.where(is_climbing, CLIMBING_MPS, LEVEL_MPS)
    share = np.where(is_climbing, CLIMBING_SHARE, 1.0 - CLIMBING_SHARE)
    return np.asarray(share * np.exp(-0.5 * ((v_up - about) / spread) ** 2) / spread)


def _unseen(
    sensors: SensorTable,
    place: FloatArray,
    back: FloatArray,
    cruise_s: FloatArray,
    climb_s: FloatArray,
    slant: FloatArray,
    ground_up_m: Ground,
) -> FloatArray:
    """Chance [N] that no sensor saw the trial flight before: exp(-integral of sum pd / period over the way in view)."""
    total_s = cruise_s + climb_s
    part = (np.arange(STEPS) + 0.5) / STEPS
    ago_s = total_s[:, None] * part
    in_climb_s = np.maximum(ago_s - cruise_s[:, None], 0.0)
    moved_s = np.minimum(ago_s, cruise_s[:, None]) + slant[:, None] * in_climb_s
    where = place[:, None, :2] + back[:, None] * moved_s[..., None]
    low = ground_up_m(where[..., 0].ravel(), where[..., 1].ravel()).reshape(ago_s.shape)
    # On the way down it loses the height it then had over the ground, evenly; at height it holds its level.
    fall = np.divide(in_climb_s, climb_s[:, None], out=np.zeros_like(ago_s), where=climb_s[:, None] > 0.0)
    up = low + (place[:, None, 2] - low) * (1.0 - np.minimum(fall, 1.0))
    rate = seen_per_s(sensors, np.column_stack((where.reshape(-1, 2), up.ravel())), low.ravel())
    # The last look before the first detection missed it or could not see it; that look is not counted twice.
    return np.asarray(np.exp(-rate.reshape(ago_s.shape).sum(axis=1) * total_s / STEPS))


def seen_per_s(sensors: SensorTable, where: FloatArray, low: FloatArray) -> FloatArray:
    """Detections a second [N] that all looking sensors together would make of a target at each place [N, 3]."""
    column = np.floor((where[:, 0] - sensors.raster_east_m) / sensors.cell_m + 0.5).astype(np.int64)
    row = np.floor((where[:, 1] - sensors.raster_north_m) / sensors.cell_m + 0.5).astype(np.int64)
    ny, nx = sensors.visible_above_m.shape[1:]
    on = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
    rate = np.zeros(len(where))
    for s in _lookers(sensors):
        d = where - sensors.origin_enu_m[s]
        reach = np.linalg.norm(d, axis=1)
        elevation = np.arcsin(np.clip(d[:, 2] / np.maximum(reach, 1.0), -1.0, 1.0))
        seen = where[:, 2] > low + NOT_SEEN_BELOW_M
        if np.isfinite(sensors.max_range_m[s]):
            seen &= reach <= sensors.max_range_m[s]
        seen &= ~(elevation < sensors.min_elevation_rad[s]) & ~(elevation > sensors.max_elevation_rad[s])
        edge = np.full(len(where), -np.inf)
        edge[on] = sensors.visible_above_m[s, row[on], column[on]]
        seen &= ~(where[:, 2] < edge)
        period = sensors.period_s[s] if np.isfinite(sensors.period_s[s]) else 1.0
        rate += np.where(seen, sensors.detection_probability[s] / max(float(period), 0.1), 0.0)
    return rate


def _lookers(sensors: SensorTable) -> IntArray:
    """Rows of the sensors whose silence says something."""
    voluntary = sensors.is_people | sensors.is_claim
    return np.flatnonzero(~voluntary & (sensors.kind != MeasurementKind.BEARING))


def quantile(value: FloatArray, weight: FloatArray, probability: float) -> float:
    """The value that holds so much of the weight."""
    order = np.argsort(value)
    held = np.cumsum(weight[order])
    return float(value[order][min(int(np.searchsorted(held, probability * held[-1])), len(value) - 1)])
