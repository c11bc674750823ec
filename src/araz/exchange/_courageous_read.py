"""The COURAGEOUS trial format, version 0.4.1, read: any system's tracks and alarms as pictures that can be scored.

Each record is checked by itself: one that breaks the schema is a counted ``Rejected``, the others stand. The guide's
own sample gives one record number twice, so repeats are counted and kept. Records of a ground control station stand
in the same track as the drone's and are not flown: they are counted apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import UNSET

from araz.exchange._courageous import (
    COURAGEOUS_VERSION,
    Arc,
    Bearing,
    BearingElevation,
    BearingElevationDistance,
    Document,
    Location,
    Place3d,
    Position2d,
    Position3d,
    Quad,
    Record,
    RecordSet,
)
from araz.geography import LocalFrame
from araz.vocabulary import RAW_KEPT_BYTES, Alarm, AlarmState, Cone, Picture, Rejected, Track

_SECOND_US: Final = 1_000_000
_NAN: Final = math.nan
#: How far a bearing without range is drawn.
_REACH_M: Final = 5_000.0
_QUARTERS: Final = {"North": 0.0, "East": 90.0, "South": 180.0, "West": 270.0}
_CLASSES: Final = {"UAV": "drone", "Other": "other", "Unknown": "unknown"}


@dataclass(frozen=True, slots=True, eq=False)
class TrialNight:
    """What a document says: pictures and alarms in order of time, and what could not be used."""

    vendor_name: str
    system_name: str
    pictures: list[Picture]
    alarms: list[Alarm]
    rejected: list[Rejected]
    stations: int
    """Records of ground control stations."""
    detections: int
    """Records outside tracks that say a place."""
    repeats: int
    """Records whose number another record has too."""


@dataclass(slots=True)
class _Night:
    """What is gathered while reading: of each second each aircraft's last record, and the second's cones."""

    source: str
    received_at_us: int
    undulation_m: float | None
    rejected: list[Rejected] = field(default_factory=list)
    rows: dict[int, dict[int, tuple[Record, Track]]] = field(default_factory=dict)
    cones: dict[int, list[Cone]] = field(default_factory=dict)
    alarms: dict[int, list[tuple[int, bool, float]]] = field(default_factory=dict)
    started_us: dict[int, int] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    stations: int = 0
    detections: int = 0
    repeats: int = 0

    def reject(self, reason: str, detail: str, raw: bytes) -> None:
        self.rejected.append(
            Rejected(
                source=self.source, received_at_us=self.received_at_us, reason=reason, detail=detail,
                raw=raw[:RAW_KEPT_BYTES],
            )
        )  # fmt: skip


def read_courageous(raw: bytes, *, source: str, received_at_us: int, undulation_m: float | None) -> TrialNight:
    """Return a document's night.

    ``undulation_m`` is the geoid's height above the ellipsoid where the trial was; without it heights stay unknown
    (NaN), because theirs are above the sea and a track's are above the ellipsoid. Of each aircraft the last record of
    each second is kept and carried along its own velocity to the second's last record, under a second away.
    Raises ValueError, with the remedy, when the whole is no document of version 0.4.1.
    """
    document = _document(raw)
    night = _Night(source, received_at_us, undulation_m)
    for entry in document.tracks:
        _track_set(night, entry, document.static_cuas_location)
    for entry in document.detection:
        _detection_set(night, entry, document.static_cuas_location)
    return TrialNight(
        vendor_name=document.vendor_name,
        system_name=document.system_name,
        pictures=list(_pictures(night)),
        alarms=_alarms(night),
        rejected=night.rejected,
        stations=night.stations,
        detections=night.detections,
        repeats=night.repeats,
    )


def _document(raw: bytes) -> Document:
    class Version(msgspec.Struct):
        version: str = ""

    try:
        version = msgspec.json.decode(raw, type=Version).version
        if version != COURAGEOUS_VERSION:
            raise ValueError(
                f"this is no COURAGEOUS document of version {COURAGEOUS_VERSION}: its version is "
                f"{version or 'not said'}; ask for one of {COURAGEOUS_VERSION}"
            )
        return msgspec.json.decode(raw, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise ValueError(f"this is no COURAGEOUS {COURAGEOUS_VERSION} document: {cause}") from cause


def _records(night: _Night, entry: RecordSet) -> Iterator[tuple[Record, bytes]]:
    for part in entry.records:
        raw = bytes(part)
        try:
            record = msgspec.json.decode(raw, type=Record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
            night.reject("bad-record", f"a record breaks the schema: {cause}; the others are used", raw)
            continue
        night.repeats += record.record_number in night.numbers
        night.numbers.add(record.record_number)
        yield record, raw


def _track_set(night: _Night, entry: RecordSet, static: Place3d) -> None:
    if entry.uas_id is None or entry.uas_id is UNSET:
        for part in entry.records:
            night.reject("no-uas-id", "a track without uas_id belongs to nothing; give each track one", bytes(part))
        return
    for record, raw in _records(night, entry):
        if not record.location or not record.alarm:
            what = "location" if not record.location else "alarm"
            night.reject(f"no-{what}", f"a record of a track has no {what}; the format asks for it", raw)
        elif record.classification == "GCS":
            night.stations += 1
        else:
            _take(night, entry.uas_id, entry.name or str(entry.uas_id), record, static)


def _take(night: _Night, uas_id: int, name: str, record: Record, static: Place3d) -> None:
    assert record.alarm
    assert record.location
    at_us = record.time * 1000
    night.alarms.setdefault(uas_id, []).append((at_us, record.alarm.active, record.alarm.certainty))
    place = _place(record.location, record.cuas_location or static)
    if place is None:
        cone = _cone(record.location, record.cuas_location or static, name, at_us, record.classification)
        night.cones.setdefault(at_us // _SECOND_US, []).append(cone)
        return
    night.started_us[uas_id] = min(at_us, night.started_us.get(uas_id, at_us))
    second = night.rows.setdefault(at_us // _SECOND_US, {})
    if uas_id not in second or second[uas_id][0].time <= record.time:
        second[uas_id] = record, _track(night, uas_id, record, place)


def _track(night: _Night, uas_id: int, record: Record, place: tuple[float, float, float]) -> Track:
    latitude, longitude, amsl = place
    hae = _NAN if night.undulation_m is None else amsl + night.undulation_m
    velocity = record.velocity or None
    at_us = record.time * 1000
    return Track(
        track_id=str(uas_id), latitude_deg=latitude, longitude_deg=longitude, altitude_hae_m=hae,
        altitude_amsl_m=amsl, altitude_agl_m=_NAN, altitude_sigma_m=_NAN,
        speed_mps=_NAN if velocity is None else math.hypot(velocity.east, velocity.north),
        course_deg=_NAN if velocity is None else math.degrees(math.atan2(velocity.east, velocity.north)) % 360.0,
        climb_mps=_NAN if velocity is None else velocity.up,
        ellipse_semi_major_m=_NAN, ellipse_semi_minor_m=_NAN, ellipse_azimuth_deg=_NAN, existence=_NAN,
        is_confirmed=True, class_name=_CLASSES[record.classification], class_probability=_NAN,
        started_at_us=night.started_us[uas_id], updated_at_us=at_us, sensors=[],
    )  # fmt: skip


def _detection_set(night: _Night, entry: RecordSet, static: Place3d) -> None:
    for record, _ in _records(night, entry):
        if not record.location:
            continue  # the format allows a detection that knows no place
        at_us, system = record.time * 1000, record.cuas_location or static
        if record.classification == "GCS":
            night.stations += 1
        elif _place(record.location, system) is not None:
            night.detections += 1
        else:
            cone = _cone(record.location, system, entry.name or "detection", at_us, record.classification)
            night.cones.setdefault(at_us // _SECOND_US, []).append(cone)


def _place(location: Location, system: Place3d) -> tuple[float, float, float] | None:
    """Latitude, longitude, AMSL of a location that says a place; None for a direction."""
    match location:
        case Position3d():
            return location.lat, location.lon, location.height_amsl
        case Position2d():
            return location.lat, location.lon, _NAN
        case BearingElevationDistance():
            # The ray starts at a height above the sea; over a trial's few kilometres the geoid runs with the ellipsoid.
            frame = LocalFrame(system.lat, system.lon, system.height_amsl)
            azimuth, elevation = math.radians(location.bearing), math.radians(location.elevation)
            ground = location.distance * math.cos(elevation)
            enu = [[ground * math.sin(azimuth), ground * math.cos(azimuth), location.distance * math.sin(elevation)]]
            latitude, longitude, amsl = frame.to_geodetic(enu)
            return float(latitude[0]), float(longitude[0]), float(amsl[0])
    return None


def _cone(location: Location, system: Place3d, name: str, at_us: int, what: str) -> Cone:
    middle, half = _direction(location)
    return Cone(
        sensor_id=name, observed_at_us=at_us, latitude_deg=system.lat, longitude_deg=system.lon,
        azimuth_deg=middle % 360.0, half_width_deg=half, reach_m=_REACH_M, label=what,
    )  # fmt: skip


def _direction(location: Location) -> tuple[float, float]:
    match location:
        case Bearing() | BearingElevation():
            return location.bearing, 0.0
        case Quad():
            return _QUARTERS[location.quad], 45.0
        case Arc():
            half = (location.to - location.from_) % 360.0 / 2
            return location.from_ + half, half
    raise AssertionError(location)  # every other location says a place


def _pictures(night: _Night) -> Iterator[Picture]:
    for second in sorted(night.rows.keys() | night.cones.keys()):
        own = night.rows.get(second, {})
        cones = night.cones.get(second, [])
        at_us = max([record.time * 1000 for record, _ in own.values()] + [cone.observed_at_us for cone in cones])
        tracks = [_carried(record, track, at_us) for _, (record, track) in sorted(own.items())]
        yield Picture(at_us=at_us, tracks=tracks, cones=cones)


def _carried(record: Record, track: Track, at_us: int) -> Track:
    """The track where its own velocity brings it by ``at_us``."""
    if not record.velocity or at_us == track.updated_at_us:
        return track
    seconds = (at_us - track.updated_at_us) * 1e-6
    frame = LocalFrame(track.latitude_deg, track.longitude_deg, 0.0)
    velocity = record.velocity
    latitude, longitude, _ = frame.to_geodetic([[velocity.east * seconds, velocity.north * seconds, 0.0]])
    return msgspec.structs.replace(
        track,
        latitude_deg=float(latitude[0]),
        longitude_deg=float(longitude[0]),
        altitude_hae_m=track.altitude_hae_m + velocity.up * seconds,
        altitude_amsl_m=track.altitude_amsl_m + velocity.up * seconds,
    )


def _alarms(night: _Night) -> list[Alarm]:
    """One alarm each time an aircraft's alarm goes from off to on."""
    found = []
    for uas_id, states in night.alarms.items():
        was, number = False, 0
        for at_us, is_active, certainty in sorted(states):
            if is_active and not was:
                number += 1
                found.append(_alarm(uas_id, number, at_us, certainty))
            was = is_active
    return sorted(found, key=lambda alarm: (alarm.raised_at_us, alarm.alarm_id))


def _alarm(uas_id: int, number: int, at_us: int, certainty: float) -> Alarm:
    return Alarm(
        alarm_id=f"{uas_id}.{number}", revision=1, priority=1, state=AlarmState.ACTIVE, raised_at_us=at_us,
        changed_at_us=at_us, sentence=f"{uas_id} raised its alarm.", confidence=certainty, track_id=str(uas_id),
    )  # fmt: skip
