"""One sensor in the simulated night: where it stands, what it sees, and how its messages leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from araz.geography import Place, line_of_sight, turn_direction
from araz.sensors import sound_speed_mps
from araz.simulation._bodies import Body
from araz.simulation._course import Course
from araz.simulation._scenario import Fault, FaultKind
from araz.vocabulary import BoolArray, Feed, FloatArray, IntArray, Sensor

#: Network and processing, uniform.
LATENCY_S: Final = (0.020, 0.080)
#: For a person's ear, whose bearing is rough.
SOUND_MPS: Final = 340.0
#: A radar's stated range is for this cross-section.
REFERENCE_RCS_DBSM: Final = -10.0
#: Width of the range over which detection fades, as a share of the range.
FADE: Final = 0.06
NEAREST_M: Final = 30.0


class Arrival(NamedTuple):
    """What comes in at the door of Araz: when, over which feed, which bytes."""

    received_at_us: int
    source: str
    payload: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """A sensor with its place, its random stream and its faults. Times are seconds of the night."""

    sensor: Sensor
    feed: Feed
    place: Place
    origin_enu_m: FloatArray
    """[3]"""
    axes: FloatArray
    """Turn a direction from the sensor's own horizon into the site's axes [3, 3]."""
    start_us: int
    duration_s: float
    rng: np.random.Generator
    faults: tuple[Fault, ...] = ()

    def stamp_us(self, at_s: float) -> int:
        """What the sensor's own clock shows at a time of the night (its clock may be wrong)."""
        offset_s = sum(
            fault.offset_s
            for fault in self.faults
            if fault.kind == FaultKind.CLOCK_ERROR and fault.from_s <= at_s < (fault.to_s or np.inf)
        )
        return self.start_us + round((at_s + offset_s) * 1e6)

    def misalignment(self, at_s: FloatArray) -> FloatArray:
        """Errors of a radar set up wrongly, range m, azimuth rad, elevation rad, at each time [K] → [K, 3]."""
        out = np.zeros((len(at_s), 3))
        for fault in self.faults:
            if fault.kind == FaultKind.MISALIGNED:
                during = (at_s >= fault.from_s) & (at_s < (fault.to_s or np.inf))
                angles = np.radians([fault.azimuth_offset_deg, fault.elevation_offset_deg])
                out[during] += [fault.range_offset_m, *angles]
        return out

    def works(self, at_s: FloatArray) -> BoolArray:
        """Whether the sensor is not dead at each time [K]."""
        alive = np.ones(len(at_s), dtype=np.bool_)
        for fault in self.faults:
            if fault.kind == FaultKind.SENSOR_SILENT:
                alive &= (at_s < fault.from_s) | (at_s >= (fault.to_s or np.inf))
        return alive

    def floods(self) -> list[tuple[float, float, float]]:
        """(from, to, messages a second) of its floods."""
        return [
            (fault.from_s, min(fault.to_s or self.duration_s, self.duration_s), fault.rate_per_s)
            for fault in self.faults
            if fault.kind == FaultKind.FLOOD
        ]


class Polar(NamedTuple):
    """Where targets are from a sensor, site axes: metres, radians, m/s; arrays [K]."""

    range_m: FloatArray
    azimuth_rad: FloatArray
    elevation_rad: FloatArray
    range_rate_mps: FloatArray


def to_polar(origin_enu_m: FloatArray, position_enu_m: FloatArray, velocity_enu_mps: FloatArray) -> Polar:
    """Polar coordinates of positions [K, 3] seen from [3]; azimuth clockwise from the site's north, rate > 0 away."""
    relative = position_enu_m - origin_enu_m
    distance = np.maximum(np.linalg.norm(relative, axis=1), 1e-3)
    azimuth = np.arctan2(relative[:, 0], relative[:, 1]) % (2 * np.pi)
    elevation = np.arcsin(np.clip(relative[:, 2] / distance, -1.0, 1.0))
    rate = np.sum(relative * velocity_enu_mps, axis=1) / distance
    return Polar(distance, azimuth, elevation, rate)


def emitted_s(post: Post, course: Course, heard_s: FloatArray) -> FloatArray:
    """When the sound heard at times [K] left the aircraft: t = heard - |p(t) - ear| / c, seconds of the night.

    By repetition: each round divides the error by c over the aircraft's speed, five or more; twelve reach microseconds.
    """
    speed = sound_speed_mps(post.place.site.air_temperature_c)
    at_s = heard_s
    for _ in range(12):
        away = course.at(at_s)[0] - post.origin_enu_m
        at_s = heard_s - np.linalg.norm(away, axis=1) / speed
    return at_s


def in_beam(sensor: Sensor, polar: Polar) -> BoolArray:
    """Whether each target is inside the sensor's range and elevation limits [K]."""
    low, high = np.radians(sensor.min_elevation_deg), np.radians(sensor.max_elevation_deg)
    inside = (polar.range_m <= sensor.max_range_m) & (polar.range_m >= NEAREST_M)
    return np.asarray(inside & (polar.elevation_rad >= low) & (polar.elevation_rad <= high), dtype=np.bool_)


def seen(place: Place, origin_enu_m: FloatArray, position_enu_m: FloatArray, candidates: BoolArray) -> BoolArray:
    """``candidates`` [K] that no terrain hides from the origin."""
    out = candidates.copy()
    if candidates.any():
        out[candidates] = line_of_sight(place.terrain, origin_enu_m, position_enu_m[candidates])
    return out


def radar_probability(
    sensor: Sensor, place: Place, origin_enu_m: FloatArray, position_enu_m: FloatArray, rcs_dbsm: float
) -> FloatArray:
    """Chance that a radar reports a target at positions [K, 3] in one scan → [K].

    Pd · logistic((R_σ − r) / (0.06 R_σ)) with R_σ = R_max · 10^((σ + 10 dBsm)/40), the radar equation's fourth root;
    zero beyond the stated range, outside the beam, and behind terrain.
    """
    polar = to_polar(origin_enu_m, position_enu_m, np.zeros_like(position_enu_m))
    visible = seen(place, origin_enu_m, position_enu_m, in_beam(sensor, polar))
    reach = sensor.max_range_m * 10 ** ((rcs_dbsm - REFERENCE_RCS_DBSM) / 40)
    fade = 1.0 / (1.0 + np.exp(np.clip((polar.range_m - reach) / (FADE * reach), -50, 50)))
    return np.where(visible, sensor.detection_probability * fade, 0.0)


def own_direction_deg(post: Post, azimuth_rad: FloatArray, elevation_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Directions in the site's axes as the sensor gives them: from true north, 0 to 360°, and its own horizon."""
    azimuth, elevation = turn_direction(post.axes.T, azimuth_rad, elevation_rad)
    return np.degrees(azimuth) % 360.0, np.degrees(elevation)


def received(post: Post, sent_s: FloatArray) -> list[int]:
    """Arrival times [K] of messages sent at ``sent_s`` (rising): each delayed by the network, none overtaking."""
    late = sent_s + post.rng.uniform(*LATENCY_S, len(sent_s))
    ordered = np.maximum.accumulate(late) if len(late) else late
    return [post.start_us + round(float(value) * 1e6) for value in ordered]


def living(bodies: Sequence[Body], at_s: FloatArray) -> Iterator[tuple[Body, IntArray]]:
    """Each real body with the indices of ``at_s`` at which it exists, where there are any."""
    for body in bodies:
        if not body.is_real:
            continue
        index = np.asarray(np.flatnonzero(body.course.alive(at_s)), dtype=np.int64)
        if len(index):
            yield body, index
