"""From actors to bodies: every single thing that moves in the night, with its course and what it gives away."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from araz.geography import Place
from araz.simulation._course import Course
from araz.simulation._drift import balloon, flock
from araz.simulation._route import Limits, Release, _Ground, fly_route, ground_of, waypoints_enu
from araz.simulation._scenario import Actor, ActorKind, Scenario
from araz.vocabulary import CLASS_NAMES, FloatArray, TrackClass, Wind

_DRONE_KINDS: Final = frozenset({ActorKind.MULTIROTOR, ActorKind.QUAD, ActorKind.FIXED_WING})


@dataclass(frozen=True, slots=True)
class Nature:
    """What is usual for a kind of thing."""

    track_class: TrackClass
    rcs_dbsm: float
    limits: Limits
    acoustic_range_m: float


#: RCS: −8 to −19 dBsm measured for five drones at 24 GHz; a bird of a gull's size about −25, a light aircraft 5.
#: Sound: 290-710 m for small quads down to 90 m in noise, 500 m for 6 kg, more with weight (field guide, S48, S49).
_NATURE: Final = {
    ActorKind.MULTIROTOR: Nature(TrackClass.MULTIROTOR, -8.0, Limits(2.4, 1.6, 4.0, 15.0, True), 600.0),
    ActorKind.QUAD: Nature(TrackClass.MULTIROTOR, -15.0, Limits(2.4, 1.6, 5.0, 0.9, True), 250.0),
    ActorKind.FIXED_WING: Nature(TrackClass.FIXED_WING_DRONE, -10.0, Limits(4.0, 1.5, 3.0, 15.0, False), 500.0),
    ActorKind.BIRD_FLOCK: Nature(TrackClass.BIRD, -25.0, Limits(4.0, 2.0, 3.0, 1.0, False), 0.0),
    ActorKind.BALLOON: Nature(TrackClass.BALLOON, -15.0, Limits(1.0, 1.0, 1.5, 2.0, True), 0.0),
    ActorKind.MANNED_AIRCRAFT: Nature(TrackClass.MANNED_AIRCRAFT, 5.0, Limits(5.0, 2.0, 6.0, 1200.0, False), 1500.0),
    ActorKind.HELICOPTER: Nature(TrackClass.MANNED_AIRCRAFT, 8.0, Limits(2.5, 1.5, 5.0, 3000.0, True), 2500.0),
    ActorKind.VEHICLE: Nature(TrackClass.UNKNOWN, 8.0, Limits(2.0, 1.0, 5.0, 2000.0, True), 100.0),
    ActorKind.DECOY: Nature(TrackClass.UNKNOWN, -99.0, Limits(2.4, 1.6, 4.0, 2.0, True), 0.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One thing for one flight. ``is_real`` is False for a decoy: its course is only claimed.

    ``course_in_night`` ends with the night; ``transmitter_enu_m`` [3] is where a decoy's radio really stands.
    """

    body_id: str
    actor: Actor
    nature: Nature
    course: Course
    releases: tuple[Release, ...] = ()
    is_real: bool = True
    transmitter_enu_m: FloatArray | None = None

    @property
    def class_name(self) -> str:
        """Word of the vocabulary for what it is."""
        return CLASS_NAMES[self.nature.track_class]

    @property
    def rcs_dbsm(self) -> float:
        """Mean radar cross-section."""
        return self.nature.rcs_dbsm if self.actor.rcs_dbsm is None else self.actor.rcs_dbsm

    @property
    def acoustic_range_m(self) -> float:
        """How far a microphone hears it."""
        return self.nature.acoustic_range_m if self.actor.acoustic_range_m is None else self.actor.acoustic_range_m

    @property
    def emits_radio(self) -> bool:
        """Whether it has a link that a radio finder hears; aircraft radios are not in its bands."""
        if self.actor.emits_radio is not None:
            return self.actor.emits_radio
        return self.actor.kind in {ActorKind.MULTIROTOR, ActorKind.QUAD}

    @property
    def is_airborne(self) -> bool:
        """False for what drives or only claims to fly."""
        return self.is_real and self.actor.kind != ActorKind.VEHICLE

    @property
    def is_drone(self) -> bool:
        """A real drone of any size."""
        return self.is_real and self.actor.kind in _DRONE_KINDS

    @property
    def is_threat(self) -> bool:
        """What an officer wants an alarm for."""
        if self.actor.is_threat is not None:
            return self.actor.is_threat and self.is_real
        return self.is_drone and not self.actor.is_authorised


def nature_of(kind: ActorKind) -> Nature:
    """What is usual for a kind of actor."""
    return _NATURE[kind]


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random stream of one part of the night: independent of every other part, fixed by seed and names."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def make_bodies(scenario: Scenario, place: Place, seed: int) -> list[Body]:
    """Return every body of the night, in the order of the file; each is cut at the night's end.

    An actor that starts after the end of the night gives none.
    """
    ground = ground_of(place)
    wind = scenario.wind or place.site.wind
    bodies: list[Body] = []
    for actor in scenario.actors:
        for repeat in range(actor.repeats):
            start_s = actor.start_s + repeat * actor.repeat_every_s
            if start_s >= scenario.duration_s - 1.0:
                continue
            name = actor.id if actor.repeats == 1 else f"{actor.id}-{repeat + 1}"
            rng = stream(seed, "actor", name)
            bodies.extend(_bodies(actor, name, place, ground, wind, rng, start_s, scenario.duration_s))
    return bodies


def _bodies(
    actor: Actor,
    name: str,
    place: Place,
    ground: _Ground,
    wind: Wind,
    rng: np.random.Generator,
    start_s: float,
    night_s: float,
) -> list[Body]:
    nature = nature_of(actor.kind)
    end_s = min(night_s, actor.end_s or night_s)
    transmitter = _transmitter(actor, place)
    names = [name] if actor.count == 1 else [f"{name}.{member + 1}" for member in range(actor.count)]
    if actor.wander is not None:
        w = actor.wander
        centre = place.frame.to_enu(w.latitude_deg, w.longitude_deg, place.site.origin_hae_m)[0, :2]
        courses = flock(place, rng, centre, w.radius_m, w.height_agl_m, w.speed_mps, actor.count, start_s, end_s)
        return [
            Body(n, actor, nature, c, (), transmitter is None, transmitter) for n, c in zip(names, courses, strict=True)
        ]
    bodies = []
    points = waypoints_enu(place, actor.waypoints)
    for member, one in enumerate(names):
        shift = _beside(points, member, actor.spacing_m) if actor.count > 1 else np.zeros(2)
        if actor.kind == ActorKind.BALLOON:
            height = actor.waypoints[0].height_agl_m
            lag_s = start_s + member * 20.0
            if lag_s >= end_s - 1.0:
                continue
            course = balloon(place, rng, points[0] + shift, height, nature.limits.climb_mps, wind, lag_s, end_s)
            bodies.append(Body(one, actor, nature, course))
            continue
        course, releases = fly_route(
            ground, points + shift, actor.waypoints, actor.drops, _limits(actor, nature), start_s
        )
        kept = tuple(release for release in releases if release.at_s <= night_s)
        bodies.append(Body(one, actor, nature, course.cut(night_s), kept, transmitter is None, transmitter))
    return bodies


def _limits(actor: Actor, nature: Nature) -> Limits:
    usual = nature.limits
    if actor.mass_kg is None:
        return usual
    return Limits(
        usual.acceleration_mps2, usual.climb_acceleration_mps2, usual.climb_mps, actor.mass_kg, usual.can_hover
    )


def _beside(points: FloatArray, member: int, spacing_m: float) -> FloatArray:
    """Offset [2] of one member of a formation: in line abreast, left and right of the first leg in turn."""
    along = points[min(1, len(points) - 1)] - points[0]
    length = float(np.hypot(*along))
    across = np.array([along[1], -along[0]]) / length if length > 1.0 else np.array([1.0, 0.0])
    place = (member + 1) // 2 * (1 if member % 2 else -1)
    return np.asarray(across * spacing_m * place, dtype=np.float64)


def _transmitter(actor: Actor, place: Place) -> FloatArray | None:
    """ENU [3] of a decoy's radio, 2 m above the ground; None for everything else."""
    if actor.kind != ActorKind.DECOY or actor.transmitter_latitude_deg is None:
        return None
    where = place.frame.to_enu(
        actor.transmitter_latitude_deg, actor.transmitter_longitude_deg or 0.0, place.site.origin_hae_m
    )[0]
    up = float(place.terrain.ground_up_m(where[:1], where[1:2])[0]) + 2.0
    return np.array([where[0], where[1], up])
