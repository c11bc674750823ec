"""People as sensors: their reports, the cones they and the direction finders open, and the tracks that answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from araz.incidents._alarms import Proposal, Words, propose
from araz.incidents._fall import areas_around
from araz.incidents._features import Features
from araz.incidents._sentences import clock, distance_words
from araz.incidents._state import Context, Report, Shown, State
from araz.incidents._work import Work, track_name
from araz.vocabulary import (
    Area,
    Bearing,
    Cone,
    FloatArray,
    IncidentKind,
    IntArray,
    Observation,
    ReportKind,
    ReportReceived,
    SensorKind,
    TrackPicture,
    phrase,
    reason,
    said_of,
)

#: A pointing arm in the dark (one sigma), when the report gives none.
PERSON_SIGMA_RAD: Final = np.deg2rad(15.0)
#: A heavy multirotor is heard to about 1.5 km on a still night; seen farther. field.md 2.1.
REACH_M: Final = {"heard": 1500.0, "seen": 3000.0, "found": 300.0}
#: Without a bearing only a near track may answer.
NEAR_M: Final = 1000.0
#: A report waits this long for a track, and becomes a card after the second time without one.
WAIT_US: Final = 90_000_000
ALARM_AFTER_US: Final = 15_000_000
KEEP_US: Final = 300_000_000
CONE_US: Final = 20_000_000
MAX_CONES: Final = 64
#: Only what could be a drone answers a report.
ANSWER_PROBABILITY: Final = 0.2
FOUND_NEAR_M: Final = 500.0


def new_cones(context: Context, cones: tuple[Cone, ...], new: Sequence[Observation], now_us: int) -> tuple[Cone, ...]:
    """Recent bearings as cones, the newest last; the age and the number of them are bounded."""
    kept = [c for c in cones if now_us - c.observed_at_us <= CONE_US]
    index = {name: i for i, name in enumerate(context.names)}
    kept.extend(
        _cone(context, index[observation.sensor_id], observation, observation.measurement)
        for observation in new
        if isinstance(observation.measurement, Bearing) and observation.sensor_id in index
    )
    return tuple(kept[-MAX_CONES:])


def _cone(context: Context, sensor: int, observation: Observation, bearing: Bearing) -> Cone:
    report, table = observation.report, context.table
    latitude, longitude = bearing.latitude_deg, bearing.longitude_deg
    if (latitude is None or longitude is None) and report is not None:
        latitude, longitude = report.latitude_deg, report.longitude_deg
    if latitude is None or longitude is None:
        latitude, longitude = context.stands[sensor]
    if bearing.azimuth_sigma_deg is not None:
        sigma = bearing.azimuth_sigma_deg
    else:
        sigma = float(np.rad2deg(PERSON_SIGMA_RAD if report is not None else table.sigma[sensor, 0]))
    reach = REACH_M.get(report.kind.value, 1500.0) if report is not None else float(table.max_range_m[sensor])
    who = (
        _heard_by(context, sensor, observation)
        if report is None
        else phrase("people.cone", kind=phrase(f"incident.{report.kind.value}"), who=report.reporter)
    )
    return Cone(
        sensor_id=observation.sensor_id,
        observed_at_us=observation.observed_at_us,
        latitude_deg=latitude,
        longitude_deg=longitude,
        azimuth_deg=bearing.azimuth_deg % 360.0,
        half_width_deg=round(float(min(2.0 * np.nan_to_num(sigma, nan=10.0), 90.0)), 1),
        reach_m=reach,
        label=str(who),
        said=said_of(who),
    )


def _heard_by(context: Context, sensor: int, observation: Observation) -> str:
    words = observation.features.class_name if observation.features is not None else None
    what = phrase(f"sensor-kind.{context.kinds[sensor].value}") if words is None else words
    return phrase("people.cone-sensor", sensor=context.names[sensor], what=what)


def cones_of(state: State, now_us: int) -> list[Cone]:
    """Bearings of the last 20 s, as cones (never points)."""
    return [c for c in state.cones if 0 <= now_us - c.observed_at_us <= CONE_US]


def _stand(context: Context, sensor: int | None, observation: Observation) -> tuple[float, float]:
    """Where the observer stood, ENU east and north."""
    report, bearing = observation.report, observation.measurement
    latitude = longitude = None
    if isinstance(bearing, Bearing):
        latitude, longitude = bearing.latitude_deg, bearing.longitude_deg
    if (latitude is None or longitude is None) and report is not None:
        latitude, longitude = report.latitude_deg, report.longitude_deg
    if latitude is not None and longitude is not None:
        height = context.place.site.origin_hae_m
        enu = np.asarray(context.place.frame.to_enu(latitude, longitude, height)).reshape(-1)
        return float(enu[0]), float(enu[1])
    origin = context.table.origin_enu_m[sensor] if sensor is not None else np.zeros(3)
    return float(origin[0]), float(origin[1])


def hear(work: Work, observations: Sequence[Observation]) -> None:
    """Take in new reports: an event each, an incident each (``nothing`` makes none)."""
    index = {name: i for i, name in enumerate(work.context.names)}
    for observation in observations:
        report = observation.report
        if report is None:
            continue
        work.events.append(
            ReportReceived(
                report=report, observed_at_us=observation.observed_at_us, received_at_us=observation.received_at_us
            )
        )
        if report.kind is not ReportKind.NOTHING:
            work.reports.append(_taken(work, observation, index.get(observation.sensor_id)))
    work.reports = [r for r in work.reports if work.now_us - r.known_at_us < KEEP_US][-100:]


def _taken(work: Work, observation: Observation, sensor: int | None) -> Report:
    report, bearing = observation.report, observation.measurement
    assert report is not None
    east, north = _stand(work.context, sensor, observation)
    azimuth, sigma = None, float(PERSON_SIGMA_RAD)
    if isinstance(bearing, Bearing):
        azimuth = float(np.deg2rad(bearing.azimuth_deg))
        sigma = sigma if bearing.azimuth_sigma_deg is None else float(np.deg2rad(max(bearing.azimuth_sigma_deg, 1.0)))
    why = phrase("people.reported", who=report.reporter)
    if report.text:
        why = phrase("people.reported-text", who=report.reporter, text=report.text)
    incident = work.incident(
        IncidentKind(report.kind.value),
        observation.observed_at_us,
        _words("", report.kind.value, report.reporter, azimuth),
        confidence=0.9 if report.kind is ReportKind.FOUND else 0.6,
        areas=_report_areas(work.context, report.kind.value, east, north, azimuth, sigma),
        reasons_for=[reason(why)],
        sensor_id=observation.sensor_id,
    )
    return Report(
        observation.observed_at_us,
        work.now_us,
        report.reporter,
        report.kind.value,
        east,
        north,
        azimuth,
        sigma,
        incident,
    )


def _words(part: str, kind: str, who: str, azimuth_rad: float | None) -> str:
    """Who reports what, and in which direction; ``part`` is ``-part`` for the beginning of a longer sentence."""
    if azimuth_rad is None:
        return phrase(f"people.{kind}{part}", who=who)
    return phrase(f"people.{kind}{part}-at", who=who, azimuth=f"{np.rad2deg(azimuth_rad) % 360.0:.0f}")


def _report_areas(
    context: Context, kind: str, east: float, north: float, azimuth: float | None, sigma: float
) -> tuple[Area, ...]:
    """Where the reported thing is: along the bearing to half the reach, or around the person."""
    reach = REACH_M[kind]
    if kind == "found" or azimuth is None:
        spread = 30.0 if kind == "found" else reach / 2.0
        return areas_around(context.place, east, north, np.eye(2) * spread**2)
    along = np.array([np.sin(azimuth), np.cos(azimuth)])
    side = np.array([along[1], -along[0]])
    middle = reach / 2.0
    covariance = np.outer(along, along) * (reach / 4.0) ** 2 + np.outer(side, side) * (middle * sigma) ** 2
    return areas_around(context.place, east + along[0] * middle, north + along[1] * middle, covariance)


def _misfit(report: Report, picture: TrackPicture, rows: IntArray) -> FloatArray:
    """Squared normalised difference between the report and each track at the report's time [n]; inf out of reach."""
    ago = (picture.at_us - report.observed_at_us) * 1e-6
    place = picture.position_enu_m[rows, :2] - picture.velocity_enu_mps[rows, :2] * ago
    offset = place - np.array([report.east_m, report.north_m])
    distance = np.maximum(np.hypot(offset[:, 0], offset[:, 1]), 20.0)
    c = picture.covariance[rows]
    spread = 0.5 * (c[:, 0, 0] + c[:, 1, 1]) + ago**2 * (0.5 * (c[:, 3, 3] + c[:, 4, 4]) + 4.0)
    reach = REACH_M[report.kind] * 1.5 + np.sqrt(spread)
    if report.azimuth_rad is None:
        return np.where(distance < NEAR_M, (distance / NEAR_M) ** 2, np.inf)
    away = np.arctan2(offset[:, 0], offset[:, 1]) - report.azimuth_rad
    away = (away + np.pi) % (2.0 * np.pi) - np.pi
    variance = report.sigma_rad**2 + spread / distance**2
    return np.where(distance < reach, away**2 / variance, np.inf)


def answer(work: Work, seen: Features, probability: FloatArray) -> None:
    """Join waiting reports to the tracks whose bearing agrees within three sigma; card the unanswered."""
    picture = work.inputs.picture
    candidates = np.flatnonzero((probability > ANSWER_PROBABILITY) & (seen.age_s >= 3.0))
    for k, report in enumerate(work.reports):
        age = work.now_us - report.observed_at_us
        if report.kind == "found":
            _found(work, k, report)
            continue
        if report.track_id is None and age < WAIT_US and candidates.size:
            misfit = _misfit(report, picture, seen.row[candidates])
            best = int(np.argmin(misfit))
            others = np.sort(misfit)[1] if misfit.size > 1 else np.inf
            if misfit[best] < 9.0 and (report.azimuth_rad is not None or others == np.inf):
                _join(work, k, report, int(seen.track_id[candidates[best]]))
                continue
        if report.track_id is None and work.now_us - report.known_at_us >= ALARM_AFTER_US:
            _unanswered(work, report)


def _join(work: Work, k: int, report: Report, track_id: int) -> None:
    said_at = clock(report.observed_at_us)
    words = phrase(f"people.{report.kind}-is", who=report.reporter, time=said_at, track=track_name(track_id))
    kind = IncidentKind(report.kind)
    incident = work.incident(
        kind, report.observed_at_us, words, confidence=0.85, track=track_id,
        supersedes=report.incident_id, reasons_for=[reason(phrase("people.bearing-agrees"))],
    )  # fmt: skip
    work.reports[k] = report._replace(track_id=track_id, incident_id=incident)
    memory = work.memories.get(track_id)
    if memory is not None and report.reporter not in memory.people:
        memory = memory.with_incident(kind, report.observed_at_us, incident)
        work.memories[track_id] = memory._replace(people=(*memory.people, report.reporter))


def _unanswered(work: Work, report: Report) -> None:
    says = _words("-part", report.kind, report.reporter, report.azimuth_rad)
    at = phrase("people.at-time", report=_words("-part", report.kind, report.reporter, None),
                time=clock(report.observed_at_us))  # fmt: skip
    propose(
        work,
        Proposal(
            key=f"report:{report.reporter}",
            kind="report",
            priority=3,
            confidence=0.5,
            shown=Shown(report.kind, report.incident_id, 0.0, 0.0, 0.0, 0.0, report.east_m, report.north_m, 0.0),
            words=lambda: Words(
                phrase("people.no-sensor", report=says),
                (reason(at),),
                (reason(phrase("people.no-track"), -0.5),),
                (phrase("unseen.along"),),
                _report_areas(
                    work.context, report.kind, report.east_m, report.north_m, report.azimuth_rad, report.sigma_rad
                ),
            ),
            to_decide=phrase("ask.second-post"),
            incident_ids=(report.incident_id,),
        ),
    )


def _found(work: Work, k: int, report: Report) -> None:
    """A find near a known drop confirms it (said once); elsewhere it is a card of its own."""
    if report.is_alarmed:
        return
    work.reports[k] = report._replace(is_alarmed=True)
    for memory in work.memories.values():
        drop = memory.drop
        if drop is None or np.hypot(drop.east_m - report.east_m, drop.north_m - report.north_m) > FOUND_NEAR_M:
            continue
        away = float(np.hypot(drop.east_m - report.east_m, drop.north_m - report.north_m))
        incident = work.incident(
            IncidentKind.FOUND, report.observed_at_us,
            phrase("people.found-it", who=report.reporter, distance=distance_words(away),
                   track=track_name(memory.track_id)),
            confidence=0.95, track=memory.track_id, supersedes=report.incident_id,
        )  # fmt: skip
        memory = memory.with_incident(IncidentKind.FOUND, report.observed_at_us, incident)
        work.memories[memory.track_id] = memory
        return
    propose(
        work,
        Proposal(
            key=f"found:{report.incident_id}",
            kind="report",
            priority=2,
            confidence=0.9,
            shown=Shown("found", report.incident_id, 0.0, 0.0, 0.0, 0.0, report.east_m, report.north_m, 0.0),
            words=lambda: Words(
                phrase("people.found-alone", who=report.reporter),
                (reason(phrase("people.reported-time", who=report.reporter, time=clock(report.observed_at_us))),),
                areas=_report_areas(work.context, "found", report.east_m, report.north_m, None, 0.0),
            ),
            to_decide=phrase("ask.secure"),
            incident_ids=(report.incident_id,),
        ),
    )


def is_people(context: Context, sensor_id: str) -> bool:
    """Whether a sensor is a person (whose silence is normal)."""
    return sensor_id in context.names and context.kinds[context.names.index(sensor_id)] is SensorKind.PEOPLE
