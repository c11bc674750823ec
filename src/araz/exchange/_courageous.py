"""The COURAGEOUS trial format, version 0.4.1: what a counter-drone trial hands in, written from Araz's pictures.

===================  ==============================================================================================
member               what Araz puts there
===================  ==============================================================================================
tracks               one entry for each unbroken stretch of a confirmed track; the same ``uas_id`` across breaks
detection            one entry a sensor that gives bearings without range, as ``Arc`` from the sensor's own place
location             ``Position3d`` (degrees WGS 84, metres above the sea); ``Position2d`` where no height is known
velocity             east, north, up in m/s; left out where one of them is unknown
classification       ``UAV`` for drones, ``Other`` for birds, balloons and aircraft, ``Unknown`` otherwise
alarm                active while an alarm on the track stands; certainty its confidence, 0 where none stands
time                 Unix milliseconds UTC
===================  ==============================================================================================

**Source** the published schema of version 0.4.1 and its guide (COURAGEOUS project); the reader is
``_courageous_read.py``. **Fails** never: a picture without confirmed tracks writes nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from araz.vocabulary import CLASS_NAMES, Alarm, AlarmState, Cone, Picture, Track, TrackClass, real_tracks

COURAGEOUS_VERSION: Final = "0.4.1"
#: Not in a picture for longer than this, or hidden: what follows is a new stretch of the same track.
BREAK_US: Final = 5_000_000

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


class Place3d(msgspec.Struct, frozen=True, kw_only=True):
    """A place with its height above the sea (EGM96)."""

    lat: Latitude
    lon: Longitude
    height_amsl: float


class AlarmNow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the system alarms, and how sure it is."""

    active: bool
    certainty: Annotated[float, Meta(ge=0, le=1)]


class Enu(msgspec.Struct, frozen=True, kw_only=True):
    """Metres a second."""

    east: float
    north: float
    up: float


class _Located(msgspec.Struct, frozen=True, kw_only=True, tag_field="$type"):
    pass


class Arc(_Located, frozen=True, kw_only=True, tag="Arc"):
    """Clockwise from ``from_`` to ``to``, degrees from true north, seen from the system."""

    from_: float = msgspec.field(name="from")
    to: float


class Quad(_Located, frozen=True, kw_only=True, tag="Quad"):
    """A quarter of the compass."""

    quad: Annotated[str, Meta(pattern="^(North|East|South|West)$")]


class Bearing(_Located, frozen=True, kw_only=True, tag="Bearing"):
    """One direction, degrees clockwise from true north."""

    bearing: float


class Position2d(_Located, frozen=True, kw_only=True, tag="Position2d"):
    """A place without a height."""

    lat: Latitude
    lon: Longitude


class Position3d(_Located, frozen=True, kw_only=True, tag="Position3d"):
    """A place with its height above the sea."""

    lat: Latitude
    lon: Longitude
    height_amsl: float


class BearingElevation(_Located, frozen=True, kw_only=True, tag="BearingElevation"):
    """A ray from the system."""

    bearing: float
    elevation: Annotated[float, Meta(ge=-90, le=90)]


class BearingElevationDistance(_Located, frozen=True, kw_only=True, tag="BearingElevationDistance"):
    """A place from the system: degrees, degrees, metres along the ray."""

    bearing: float
    elevation: Annotated[float, Meta(ge=-90, le=90)]
    distance: Annotated[float, Meta(ge=0)]


Location = Arc | Quad | Bearing | Position2d | Position3d | BearingElevation | BearingElevationDistance


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a set; in a track the alarm and the location must be there."""

    time: Annotated[int, Meta(ge=0, le=253_402_300_800_000)]
    record_number: Annotated[int, Meta(ge=0)]
    classification: Annotated[str, Meta(pattern="^(Unknown|UAV|GCS|Other)$")]
    alarm: AlarmNow | UnsetType | None = UNSET
    location: Location | UnsetType | None = UNSET
    velocity: Enu | UnsetType | None = UNSET
    identification: str | UnsetType | None = UNSET
    cuas_location: Place3d | UnsetType | None = UNSET


class RecordSet(msgspec.Struct, frozen=True, kw_only=True):
    """A track or a detection set; its records stay bytes until each is looked at by itself."""

    records: list[msgspec.Raw]
    uas_id: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    uav_home_location: Place3d | UnsetType | None = UNSET


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One system's part of a trial."""

    version: str
    vendor_name: str
    system_name: str
    static_cuas_location: Place3d
    tracks: list[RecordSet]
    detection: list[RecordSet]


_UAV: Final = frozenset({CLASS_NAMES[TrackClass.MULTIROTOR], CLASS_NAMES[TrackClass.FIXED_WING_DRONE]})
_STANDING: Final = frozenset({AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED})


def courageous_of(
    pictures: Iterable[Picture],
    alarms: Sequence[Alarm],
    system: Place3d,
    ground_amsl_m: Callable[[float, float], float],
    system_name: str,
) -> tuple[bytes, int]:
    """Return the document and the number of its records.

    ``alarms`` are all revisions; ``ground_amsl_m`` gives the ground's height (m, AMSL) at a latitude and longitude,
    for the sensors whose bearings become detections.
    """
    standing, numbers = _Standing(alarms), _Numbers()
    tracks: dict[str, _Stretches] = {}
    bearings: dict[str, list[msgspec.Raw]] = {}
    seen: set[tuple[str, int, float]] = set()
    for picture in pictures:
        for track in real_tracks(picture):
            if track.is_confirmed:
                key = f"{track.started_at_us}.{track.track_id}"
                own = tracks.setdefault(key, _Stretches(track.track_id))
                own.add(picture.at_us, track, numbers, standing)
        for cone in picture.cones:
            key_of_cone = (cone.sensor_id, cone.observed_at_us, cone.azimuth_deg)
            if key_of_cone not in seen:
                seen.add(key_of_cone)
                bearings.setdefault(cone.sensor_id, []).append(_bearing(cone, numbers, ground_amsl_m))
    document = Document(
        version=COURAGEOUS_VERSION,
        vendor_name="Araz",
        system_name=system_name,
        static_cuas_location=system,
        tracks=[part for number, own in enumerate(tracks.values(), 1) for part in own.sets(number)],
        detection=[RecordSet(name=sensor, records=records) for sensor, records in bearings.items()],
    )
    return msgspec.json.encode(document), numbers.last


class _Numbers:
    """Record numbers, one after the other over the whole document."""

    last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


class _Standing:
    """Which alarms stood on a track at a time, and how sure the surest was; an alarm may pass to other tracks."""

    def __init__(self, alarms: Iterable[Alarm]) -> None:
        self._revisions: dict[str, tuple[list[int], list[Alarm]]] = {}
        self._on: dict[str, set[str]] = {}
        for alarm in sorted(alarms, key=lambda a: (a.changed_at_us, a.revision)):
            times, revisions = self._revisions.setdefault(alarm.alarm_id, ([], []))
            times.append(alarm.changed_at_us)
            revisions.append(alarm)
            for track_id in _sure_of(alarm):
                self._on.setdefault(track_id, set()).add(alarm.alarm_id)

    def at(self, track_id: str, at_us: int) -> AlarmNow:
        sure = []
        for alarm_id in self._on.get(track_id, ()):
            times, revisions = self._revisions[alarm_id]
            row = bisect_right(times, at_us) - 1
            if row >= 0 and revisions[row].state in _STANDING:
                sure += [value for name, value in _sure_of(revisions[row]).items() if name == track_id]
        return AlarmNow(active=bool(sure), certainty=round(max(sure, default=0.0), 4))


def _sure_of(alarm: Alarm) -> dict[str, float]:
    """How sure a card is of each track it is about: its own, or on a card for many each member's."""
    own = {} if alarm.track_id is None else {alarm.track_id: alarm.confidence}
    return own | {member.track_id: member.confidence for member in alarm.members if member.track_id is not None}


class _Stretches:
    """The records of one track, a list for each stretch in view."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: list[list[msgspec.Raw]] = []
        self._last_us: int | None = None

    def add(self, at_us: int, track: Track, numbers: _Numbers, standing: _Standing) -> None:
        if track.hidden:  # nobody sees it now: what would be written is a prediction
            self._last_us = None
            return
        if self._last_us is None or at_us - self._last_us > BREAK_US:
            self._parts.append([])
        self._last_us = at_us
        record = Record(
            time=at_us // 1000,
            record_number=numbers.next(),
            classification=_classification(track),
            alarm=standing.at(track.track_id, at_us),
            location=_location(track),
            velocity=_velocity(track),
            identification=track.claim if track.claim is not None else UNSET,
        )
        self._parts[-1].append(msgspec.Raw(msgspec.json.encode(record)))

    def sets(self, number: int) -> Iterator[RecordSet]:
        for part in self._parts:
            yield RecordSet(uas_id=number, name=self._name, records=part)


def _classification(track: Track) -> str:
    if track.class_name in _UAV:
        return "UAV"
    return "Unknown" if track.class_name == CLASS_NAMES[TrackClass.UNKNOWN] else "Other"


def _location(track: Track) -> Location:
    latitude, longitude = round(track.latitude_deg, 7), round(track.longitude_deg, 7)
    if math.isfinite(track.altitude_amsl_m):
        return Position3d(lat=latitude, lon=longitude, height_amsl=round(track.altitude_amsl_m, 2))
    return Position2d(lat=latitude, lon=longitude)


def _velocity(track: Track) -> Enu | UnsetType:
    if not all(math.isfinite(value) for value in (track.speed_mps, track.course_deg, track.climb_mps)):
        return UNSET
    course = math.radians(track.course_deg)
    east, north = track.speed_mps * math.sin(course), track.speed_mps * math.cos(course)
    return Enu(east=round(east, 3), north=round(north, 3), up=round(track.climb_mps, 3))


def _bearing(cone: Cone, numbers: _Numbers, ground_amsl_m: Callable[[float, float], float]) -> msgspec.Raw:
    low, high = cone.azimuth_deg - cone.half_width_deg, cone.azimuth_deg + cone.half_width_deg
    record = Record(
        time=cone.observed_at_us // 1000,
        record_number=numbers.next(),
        classification="Unknown",
        location=Arc(from_=round(low % 360.0, 3), to=round(high % 360.0, 3)),
        identification=cone.label,
        cuas_location=Place3d(
            lat=cone.latitude_deg,
            lon=cone.longitude_deg,
            height_amsl=round(ground_amsl_m(cone.latitude_deg, cone.longitude_deg), 1),
        ),
    )
    return msgspec.Raw(msgspec.json.encode(record))
