"""Sensors that only tell a direction, in the simulated night: radio finders, microphones, cameras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from araz.simulation._bodies import Body
from araz.simulation._post import SOUND_MPS, Arrival, Polar, Post, in_beam, seen, to_polar
from araz.simulation._scenario import ActorKind
from araz.vocabulary import BoolArray, FloatArray, SensorKind

#: A camera tells what it sees; a microphone only that rotors turn.
CAMERA_SURE: Final = 0.8
MICROPHONE_SURE: Final = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """K detections before encoding: seconds of the night, radians in site axes; ``body`` −1 is nothing real."""

    at_s: FloatArray
    azimuth_rad: FloatArray
    elevation_rad: FloatArray
    body: FloatArray


def bearing_messages(post: Post, bodies: Sequence[Body]) -> Iterator[Arrival]:
    """Frames of one SAPIENT node: registration, status, detections, in order of arrival."""
    directions_of(post, bodies)
    yield from ()


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
    at_s = looks[body.course.alive(looks)]
    if not len(at_s) or not _can_sense(post, body):
        return Directions(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
    position, velocity = body.course.at(at_s)
    if body.transmitter_enu_m is not None:
        position = np.broadcast_to(body.transmitter_enu_m, position.shape).copy()
        velocity = np.zeros_like(position)
    polar = to_polar(post.origin_enu_m, position, velocity)
    if sensor.kind == SensorKind.ACOUSTIC:
        # Sound heard now left the aircraft a while ago, from where it was then.
        position, velocity = body.course.at(at_s - polar.range_m / SOUND_MPS)
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
