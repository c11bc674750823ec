"""What aircraft say of themselves: Remote ID beacons and ADS-B lines, true or false."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from araz.sensors import (
    BasicId,
    Location,
    System,
    encode_remote_id_beacon,
    encode_sbs_identification,
    encode_sbs_position,
    encode_sbs_velocity,
)
from araz.simulation._bodies import Body
from araz.simulation._post import Arrival, Post, received, seen, to_polar
from araz.simulation._scenario import ActorKind, Honesty
from araz.vocabulary import FloatArray

Spoken = BasicId | Location | System
HOUR_US: Final = 3_600_000_000
FOOT_M: Final = 0.3048
#: GNSS of a small aircraft, one axis.
GNSS_SIGMA_M: Final = 2.0
GNSS_UP_SIGMA_M: Final = 4.0
#: 18 dBm and free space at 2.4 GHz: −22 dBm at 1 m; fading of 3 dB.
SIGNAL_AT_1_M_DBM: Final = -22.0
FADING_DB: Final = 3.0
#: F3411 codes for the accuracies above: under 10 m in the plane, under 10 m in height.
HORIZONTAL_CODE: Final = 10
VERTICAL_CODE: Final = 4
#: A call sign is sent this many seconds apart.
IDENTIFY_EVERY: Final = 5
#: Pressure altitude minus height above the sea on this night (a high of 1016 hPa).
PRESSURE_OFFSET_M: Final = -25.0
_AIRCRAFT_TYPE: Final = {ActorKind.FIXED_WING: 1, ActorKind.BALLOON: 8}


def remote_id_messages(post: Post, bodies: Sequence[Body]) -> Iterator[Arrival]:
    """Beacons a receiver catches, once a second from each transmitter that it has in range and in sight."""
    parts = [_beacons(post, body) for body in bodies if body.actor.remote_id is not None]
    yield from sorted((arrival for part in parts for arrival in part), key=lambda arrival: arrival[0])


def claimed_enu_m(body: Body, position_enu_m: FloatArray) -> FloatArray:
    """What a body says its position is [K, 3]: its course, or its course moved by the lie."""
    remote_id = body.actor.remote_id
    if remote_id is None or remote_id.honesty == Honesty.HONEST:
        return position_enu_m
    moved: FloatArray = position_enu_m + np.array([remote_id.offset_east_m, remote_id.offset_north_m, 0.0])
    return moved


def is_false(body: Body) -> bool:
    """Whether what a body says of its position is a lie."""
    remote_id = body.actor.remote_id
    return remote_id is not None and (not body.is_real or remote_id.honesty != Honesty.HONEST)


def serial_of(body: Body) -> str:
    """Serial number a body broadcasts: members of a swarm of decoys get numbers of their own."""
    remote_id = body.actor.remote_id
    assert remote_id is not None
    return (
        remote_id.serial if body.actor.count == 1 else f"{remote_id.serial[:17]}{int(body.body_id.split('.')[-1]):03d}"
    )


def mac_of(serial: str) -> str:
    """A locally administered hardware address that is always the same for a serial."""
    number = zlib.crc32(serial.encode())
    return "02:00:" + ":".join(f"{(number >> shift) & 255:02x}" for shift in (24, 16, 8, 0))


def _beacons(post: Post, body: Body) -> list[Arrival]:
    course, rng = body.course, post.rng
    at_s = np.arange(max(course.start_s, 0.0) + rng.uniform(0, 1), min(course.end_s, post.duration_s), 1.0)
    if not len(at_s):
        return []
    position, velocity = course.at(at_s)
    antenna = position if body.transmitter_enu_m is None else np.broadcast_to(body.transmitter_enu_m, position.shape)
    distance = to_polar(post.origin_enu_m, antenna, np.zeros_like(position)).range_m
    hears = seen(post.place, post.origin_enu_m, np.ascontiguousarray(antenna), distance <= post.sensor.max_range_m)
    hears &= rng.random(len(at_s)) < post.sensor.detection_probability
    signal = SIGNAL_AT_1_M_DBM - 20 * np.log10(distance) + rng.normal(0, FADING_DB, len(at_s))
    noise = rng.standard_normal(position.shape) * [GNSS_SIGMA_M, GNSS_SIGMA_M, GNSS_UP_SIGMA_M]
    said = claimed_enu_m(body, position) + noise
    latitude, longitude, hae = post.place.frame.to_geodetic(said)
    height = post.place.terrain.height_agl_m(said)
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    course_deg = np.degrees(np.arctan2(velocity[:, 0], velocity[:, 1])) % 360
    serial = serial_of(body)
    kept = np.flatnonzero(hears)
    arrivals = received(post, at_s[kept])
    fixed = _fixed(body, serial)
    out = []
    for at_us, k in zip(arrivals, kept, strict=True):
        location = Location(
            latitude_deg=float(latitude[k]),
            longitude_deg=float(longitude[k]),
            altitude_hae_m=float(hae[k]),
            height_m=float(height[k]),
            height_is_agl=True,
            speed_mps=float(speed[k]),
            course_deg=float(course_deg[k]),
            climb_mps=float(velocity[k, 2]),
            horizontal_accuracy=HORIZONTAL_CODE,
            vertical_accuracy=VERTICAL_CODE,
            tenths=post.stamp_us(float(at_s[k])) % HOUR_US // 100_000,
        )
        messages: list[Spoken] = [fixed[0], location, *fixed[1:]]
        payload = encode_remote_id_beacon(mac_of(serial), int(k) & 0xFF, messages, float(signal[k]))
        out.append(Arrival(at_us, post.feed.id, payload))
    return out


def _fixed(body: Body, serial: str) -> list[Spoken]:
    """Basic ID, and System where the operator's place is given."""
    remote_id = body.actor.remote_id
    assert remote_id is not None
    messages: list[Spoken] = [BasicId(uas_id=serial, id_type=1, aircraft_type=_AIRCRAFT_TYPE.get(body.actor.kind, 2))]
    if remote_id.operator_latitude_deg is not None:
        messages.append(
            System(
                operator_latitude_deg=remote_id.operator_latitude_deg,
                operator_longitude_deg=remote_id.operator_longitude_deg,
            )
        )
    return messages


def adsb_messages(post: Post, bodies: Sequence[Body]) -> Iterator[Arrival]:
    """SBS lines of a receiver: position and velocity once a second, a call sign every five."""
    parts = [_lines(post, body) for body in bodies if body.actor.adsb is not None]
    yield from sorted((arrival for part in parts for arrival in part), key=lambda arrival: arrival[0])


def _lines(post: Post, body: Body) -> list[Arrival]:
    adsb = body.actor.adsb
    assert adsb is not None
    course, rng = body.course, post.rng
    at_s = np.arange(max(course.start_s, 0.0) + rng.uniform(0, 1), min(course.end_s, post.duration_s), 1.0)
    if not len(at_s):
        return []
    position, velocity = course.at(at_s)
    near = to_polar(post.origin_enu_m, position, velocity).range_m <= post.sensor.max_range_m
    hears = seen(post.place, post.origin_enu_m, position, near)
    hears &= rng.random(len(at_s)) < post.sensor.detection_probability
    latitude, longitude, hae = post.place.frame.to_geodetic(position)
    pressure_ft = (hae - post.place.site.geoid_undulation_m + PRESSURE_OFFSET_M) / FOOT_M
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    course_deg = np.degrees(np.arctan2(velocity[:, 0], velocity[:, 1])) % 360
    kept = np.flatnonzero(hears)
    out = []
    for at_us, k in zip(received(post, at_s[kept]), kept, strict=True):
        stamp = post.stamp_us(float(at_s[k]))
        altitude_ft = round(float(pressure_ft[k]) / 25) * 25.0
        payload = encode_sbs_position(adsb.icao24, stamp, float(latitude[k]), float(longitude[k]), altitude_ft)
        payload += encode_sbs_velocity(adsb.icao24, stamp, float(speed[k]), float(course_deg[k]), float(velocity[k, 2]))
        if k % IDENTIFY_EVERY == 0:
            payload = encode_sbs_identification(adsb.icao24, stamp, adsb.callsign) + payload
        out.append(Arrival(at_us, post.feed.id, payload))
    return out
