"""What speaks against: who could have seen it and did not, what else it may have been, where nobody saw anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from araz.evidence._case import Belonging
from araz.vocabulary import (
    IdentityVerdict,
    IncidentKind,
    Picture,
    Sensor,
    SensorHealth,
    SensorState,
    Site,
    Track,
    phrase,
    phrase_of,
    phrases_of,
)

LOST_AFTER_US: Final = 5_000_000
"""A track not updated for longer than this was followed by calculation alone."""
NEAR_M: Final = 300.0
"""Two tracks closer than this may have been taken for each other."""
EARTH_RADIUS_M: Final = 6_371_000.0


class SensorSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What one sensor has to do with the case: a track within reach and unseen speaks against it, or is explained."""

    sensor_id: str
    kind: str
    updated: bool
    """It moved a track of the case at least once."""
    in_range_s: float
    """Seconds a track of the case was within its stated range; terrain is not held against it."""
    nearest_m: float | None
    states: list[str]
    """What was known of its health in the span, oldest first: a sentence each."""
    was_well: bool


class OtherClass(msgspec.Struct, frozen=True, kw_only=True):
    """What else a track was taken for, for how many seconds of the span."""

    track_id: str
    class_name: str
    seconds: int
    highest_probability: float


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in the records that speaks against the case, or weakens it; empty lists mean: looked, none found."""

    sensors: list[SensorSaid]
    classes: list[OtherClass]
    reasons: list[str]
    """Reasons against that incidents and alarms themselves gave, each once."""
    not_seen: list[str]
    verdicts: list[str]
    """What became of claimed identities: contradicted, supported, untested."""
    lost_s: int
    """Seconds in which no sensor saw the track and its place was calculated."""
    near: list[str]
    """Other tracks that came close: may they have been taken for each other?"""
    spoofs: list[str]
    """False identities told in the span, whether on these tracks or not."""


def against(
    belongs: Belonging,
    pictures: Sequence[Picture],
    site: Site,
    health: Sequence[SensorHealth],
    spoofs: Sequence[str] = (),
) -> Against:
    """Gather what speaks against a case from the pictures of its span (one a second), its site, and sensors' health.

    ``health`` are the records with which states changed, up to the end of the span, oldest first. Distances are on a
    sphere (0.5 %). What no record shows is not found: absence here is no proof.
    """
    wanted = set(belongs.track_ids)
    shown = [(p, [t for t in p.tracks if t.track_id in wanted]) for p in pictures]
    incidents, alarms = belongs.told.incidents, belongs.told.alarms
    reasons = [r for item in incidents for r in item.reasons_against]
    reasons += [r for item in alarms for r in item.reasons_against]
    false = [i for i in incidents if i.kind is IncidentKind.FALSE_IDENTITY]
    return Against(
        sensors=[_sensor(sensor, shown, health) for sensor in site.sensors],
        classes=_classes(shown),
        reasons=list(dict.fromkeys(phrase_of(r.text, r.said) for r in reasons)),
        not_seen=list(dict.fromkeys(text for one in alarms for text in phrases_of(one.not_seen, one.not_seen_said))),
        verdicts=_verdicts(shown),
        lost_s=sum(bool(ours) and all(p.at_us - t.updated_at_us > LOST_AFTER_US for t in ours) for p, ours in shown),
        near=_near(shown),
        spoofs=[*spoofs, *(phrase_of(i.sentence, i.said) for i in false)],
    )


def _sensor(sensor: Sensor, shown: Sequence[tuple[Picture, list[Track]]], health: Sequence[SensorHealth]) -> SensorSaid:
    distances = [
        min(distance_m(sensor.latitude_deg, sensor.longitude_deg, t.latitude_deg, t.longitude_deg) for t in ours)
        for _, ours in shown
        if ours
    ]
    end_us = shown[-1][0].at_us if shown else 0
    states = [item for item in health if item.sensor_id == sensor.id and item.at_us <= end_us]
    begin_us = shown[0][0].at_us if shown else 0
    # What it was when the span began, and every change in it.
    told = [item for i, item in enumerate(states) if item.at_us >= begin_us or i + 1 == len(states)
            or states[i + 1].at_us > begin_us]  # fmt: skip
    return SensorSaid(
        sensor_id=sensor.id,
        kind=sensor.kind.value,
        updated=any(sensor.id in t.sensors for _, ours in shown for t in ours),
        in_range_s=float(sum(d <= sensor.max_range_m for d in distances)),
        nearest_m=min(distances) if distances else None,
        states=[phrase_of(item.sentence, item.said) for item in told],
        was_well=bool(told) and all(item.state is SensorState.OK for item in told),
    )


def _classes(shown: Sequence[tuple[Picture, list[Track]]]) -> list[OtherClass]:
    seen: dict[tuple[str, str], list[float]] = {}
    for _, ours in shown:
        for track in ours:
            seen.setdefault((track.track_id, track.class_name), []).append(track.class_probability)
    rows = [
        OtherClass(track_id=track_id, class_name=name, seconds=len(values), highest_probability=max(values))
        for (track_id, name), values in seen.items()
    ]
    return sorted(rows, key=lambda row: (row.track_id, -row.seconds))


def _verdicts(shown: Sequence[tuple[Picture, list[Track]]]) -> list[str]:
    found: dict[str, None] = {}
    for _, ours in shown:
        for track in ours:
            if track.verdict is not IdentityVerdict.NONE:
                why = phrases_of(track.verdict_reasons, track.verdict_said)
                said = {
                    "track": track.track_id,
                    "claim": track.claim or "",
                    "verdict": phrase(f"verdict.{track.verdict.value}"),
                }
                key = "claim.verdict-why" if why else "claim.verdict"
                found[phrase(key, reasons=why, **said)] = None
    return list(found)


def _near(shown: Sequence[tuple[Picture, list[Track]]]) -> list[str]:
    least: dict[tuple[str, str], float] = {}
    for picture, ours in shown:
        for mine in ours:
            for other in picture.tracks:
                if other.track_id != mine.track_id and other.is_confirmed:
                    d = distance_m(mine.latitude_deg, mine.longitude_deg, other.latitude_deg, other.longitude_deg)
                    pair = mine.track_id, other.track_id
                    least[pair] = min(d, least.get(pair, math.inf))
    return [f"{a} – {b}: {d:.0f} m" for (a, b), d in sorted(least.items()) if d <= NEAR_M]


def distance_m(latitude_a_deg: float, longitude_a_deg: float, latitude_b_deg: float, longitude_b_deg: float) -> float:
    """Distance on a sphere in metres: d = R sqrt(Δφ² + (cos φ Δλ)²), good to 0.5 % over a sector."""
    mean = math.radians((latitude_a_deg + latitude_b_deg) / 2)
    east = math.radians(longitude_b_deg - longitude_a_deg) * math.cos(mean)
    return EARTH_RADIUS_M * math.hypot(math.radians(latitude_b_deg - latitude_a_deg), east)
