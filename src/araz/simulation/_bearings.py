"""Sensors that only tell a direction, in the simulated night: radio finders, microphones, cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from araz.sensors import (
    encode_sapient_detection,
    encode_sapient_registration,
    encode_sapient_status,
    sapient_ulid,
)
from araz.simulation._bodies import Body, stream
from araz.simulation._post import (
    Arrival,
    Polar,
    Post,
    emitted_s,
    in_beam,
    own_direction_deg,
    received,
    seen,
    to_polar,
)
from araz.simulation._scenario import ActorKind
from araz.vocabulary import Bearing, BoolArray, FloatArray, IntArray, SensorKind, TrackClass

STATUS_EVERY_S: Final = 10.0
#: Without a detection for this long a node gives the next one a new object number.
CONTACT_GAP_S: Final = 10.0
_NODE_TYPE: Final = {
    SensorKind.RF_BEARING: "passive rf",
    SensorKind.ACOUSTIC: "acoustic",
    SensorKind.CAMERA: "camera",
}
#: How sure each kind is of what it senses.
_SURE: Final = {SensorKind.RF_BEARING: 0.8, SensorKind.ACOUSTIC: 0.6, SensorKind.CAMERA: 0.85}
_FALSE_SURE: Final = 0.4
_TAXONOMY: Final = {
    TrackClass.MULTIROTOR: ("Air Vehicle", "UAV Rotary Wing"),
    TrackClass.FIXED_WING_DRONE: ("Air Vehicle", "UAV Fixed Wing"),
    TrackClass.MANNED_AIRCRAFT: ("Air Vehicle", "Manned Fixed Wing"),
    TrackClass.BIRD: ("Animal", "Bird"),
    TrackClass.BALLOON: ("Air Vehicle", "Lighter than Air"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """K detections before encoding: seconds of the night, radians in site axes; ``body`` −1 is nothing real."""

    at_s: FloatArray
    azimuth_rad: FloatArray
    elevation_rad: FloatArray
    body: FloatArray


def bearing_messages(post: Post, bodies: Sequence[Body]) -> Iterator[Arrival]:
    """Frames of one SAPIENT node: registration at the start, a status every 10 s, detections; in order of arrival."""
    found = directions_of(post, bodies)
    status_s = np.arange(0.5, post.duration_s, STATUS_EVERY_S)
    sent_s = np.concatenate([[0.0], status_s, found.at_s, _flood(post)])
    kind = np.repeat(
        [0, 1, 2, 3], [1, len(status_s), len(found.at_s), len(sent_s) - 1 - len(status_s) - len(found.at_s)]
    )
    which = np.concatenate([np.arange(count) for count in np.bincount(kind, minlength=4)])
    order = np.lexsort((kind, sent_s))
    makers = (_registration(post), _status(post), _detection(post, bodies, found), _noise(post))
    for at_us, index in zip(received(post, sent_s[order]), order, strict=True):
        yield Arrival(at_us, post.feed.id, makers[kind[index]](float(sent_s[index]), int(which[index])))


#: (seconds of the night, number of the message) → bytes.
Maker = Callable[[float, int], bytes]


def _registration(post: Post) -> Maker:
    name, node_type = post.sensor.id, _NODE_TYPE[post.sensor.kind]
    return lambda at_s, _: encode_sapient_registration(
        post.sensor.wire_id, post.stamp_us(at_s), name=name, node_type=node_type, status_interval_s=STATUS_EVERY_S
    )


def _status(post: Post) -> Maker:
    latitude, longitude, hae = (float(value[0]) for value in post.place.frame.to_geodetic(post.origin_enu_m[None, :]))
    return lambda at_s, number: encode_sapient_status(
        post.sensor.wire_id,
        post.stamp_us(at_s),
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_hae_m=hae,
        number=number,
    )


def _detection(post: Post, bodies: Sequence[Body], found: Directions) -> Maker:
    azimuth, elevation = own_direction_deg(post, found.azimuth_rad, found.elevation_rad)
    contacts = contact_numbers(found)
    first = {int(contact): float(at_s) for contact, at_s in reversed(list(zip(contacts, found.at_s, strict=True)))}
    sure = _SURE[post.sensor.kind]

    def encode(at_s: float, k: int) -> bytes:
        is_real = found.body[k] >= 0
        confidence = sure if is_real else _FALSE_SURE
        names = _classes(post, bodies[int(found.body[k])]) if is_real else ("Air Vehicle",)
        contact = int(contacts[k])
        return encode_sapient_detection(
            post.sensor.wire_id,
            post.stamp_us(at_s),
            sapient_ulid(post.stamp_us(first[contact]), contact),
            Bearing(
                azimuth_deg=float(azimuth[k]),
                elevation_deg=float(elevation[k]),
                azimuth_sigma_deg=post.sensor.azimuth_sigma_deg,
            ),
            classes=tuple((name, round(confidence * 0.9**level, 3)) for level, name in enumerate(names)),
            confidence=confidence,
            number=k,
        )

    return encode


def _noise(post: Post) -> Maker:
    """A flood: the node shouts one direction without end."""
    azimuth = float(stream(0, "flood", post.sensor.id).uniform(0, 360))
    return lambda at_s, number: encode_sapient_detection(
        post.sensor.wire_id,
        post.stamp_us(at_s),
        sapient_ulid(post.stamp_us(at_s), number),
        Bearing(azimuth_deg=azimuth, azimuth_sigma_deg=post.sensor.azimuth_sigma_deg),
        number=1_000_000_000 + number,
    )


def _flood(post: Post) -> FloatArray:
    times = [np.arange(from_s, to_s, 1.0 / rate) for from_s, to_s, rate in post.floods() if rate > 0]
    return np.concatenate(times) if times else np.zeros(0)


def _classes(post: Post, body: Body) -> tuple[str, ...]:
    """The node's own words: what its kind can tell apart."""
    if post.sensor.kind == SensorKind.RF_BEARING and body.transmitter_enu_m is not None:
        return ("Air Vehicle", "UAV Rotary Wing")
    if body.actor.kind == ActorKind.HELICOPTER:
        return ("Air Vehicle", "Manned Rotary Wing")
    return _TAXONOMY.get(body.nature.track_class, ("Air Vehicle",))


def contact_numbers(found: Directions) -> IntArray:
    """The node's object number of each detection [K]: one a body, a new one after a gap, one each for false ones."""
    numbers = np.zeros(len(found.at_s), dtype=np.int64)
    last: dict[int, tuple[float, int]] = {}
    issued = 0
    for k, (at_s, body) in enumerate(zip(found.at_s.tolist(), found.body.astype(int).tolist(), strict=True)):
        before = last.get(body) if body >= 0 else None
        if before is None or at_s - before[0] > CONTACT_GAP_S:
            issued += 1
            number = issued
        else:
            number = before[1]
        last[body] = (at_s, number)
        numbers[k] = number
    return numbers


def directions_of(post: Post, bodies: Sequence[Body]) -> Directions:
    """What the sensor detects over the night, with its noise and its false alarms, by time."""
    sensor, rng = post.sensor, post.rng
    looks = np.arange(rng.uniform(0, sensor.period_s), post.duration_s, sensor.period_s)
    parts = [_of_body(post, body, index, looks) for index, body in enumerate(bodies)]
    number = rng.poisson(sensor.clutter_per_scan, len(looks))
    count = int(number.sum())
    top = min(np.radians(sensor.max_elevation_deg), 0.5)
    false = Directions(
        np.repeat(looks, number), rng.uniform(0, 2 * np.pi, count), rng.uniform(0.0, top, count), np.full(count, -1.0)
    )
    parts.append(false)
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in Directions.__slots__]
    order = np.argsort(joined[0], kind="stable")
    return Directions(*(column[order] for column in joined))


def _of_body(post: Post, body: Body, index: int, looks: FloatArray) -> Directions:
    sensor, rng = post.sensor, post.rng
    if not _can_sense(post, body):
        return Directions(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
    # Sound heard now left the aircraft a while ago, from where it was then; it is heard after the aircraft is gone.
    shown_s = emitted_s(post, body.course, looks) if sensor.kind == SensorKind.ACOUSTIC else looks
    alive = body.course.alive(shown_s)
    at_s, shown_s = looks[alive], shown_s[alive]
    if not len(at_s):
        return Directions(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
    position, velocity = body.course.at(shown_s)
    if body.transmitter_enu_m is not None:
        position = np.broadcast_to(body.transmitter_enu_m, position.shape).copy()
        velocity = np.zeros_like(position)
    polar = to_polar(post.origin_enu_m, position, velocity)
    hit = _reaches(post, body, polar, position) & (rng.random(len(at_s)) < sensor.detection_probability)
    noise = rng.standard_normal((2, int(hit.sum())))
    return Directions(
        at_s[hit],
        polar.azimuth_rad[hit] + noise[0] * np.radians(sensor.azimuth_sigma_deg),
        np.clip(polar.elevation_rad[hit] + noise[1] * np.radians(sensor.elevation_sigma_deg), -np.pi / 2, np.pi / 2),
        np.full(int(hit.sum()), float(index)),
    )


def _can_sense(post: Post, body: Body) -> bool:
    kind = post.sensor.kind
    if kind == SensorKind.RF_BEARING:
        return body.emits_radio or body.actor.remote_id is not None
    if kind == SensorKind.ACOUSTIC:
        return body.is_real and body.acoustic_range_m > 0
    return body.is_real and body.actor.kind != ActorKind.VEHICLE


def _reaches(post: Post, body: Body, polar: Polar, position: FloatArray) -> BoolArray:
    """In range and, but for sound, in sight; sound bends over ridges, and reaches as far as the aircraft is loud."""
    if post.sensor.kind == SensorKind.ACOUSTIC:
        limit = min(body.acoustic_range_m, post.sensor.max_range_m * 4)
        return np.asarray(polar.range_m <= limit, dtype=np.bool_)
    return seen(post.place, post.origin_enu_m, position, in_beam(post.sensor, polar))
