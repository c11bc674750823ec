"""Score a night: events against truth. docs/scoreboard.md defines every figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from araz.geography import LocalFrame
from araz.simulation._board import Scoreboard, SortieScore
from araz.simulation._pairing import Gallery, Pairing, lives_of, pair
from araz.simulation._score_events import claim_figures, drop_figures, drops_of, quantile, rate
from araz.simulation._truth import Truth, TruthEvent, TruthRecord
from araz.vocabulary import (
    CLASS_NAMES,
    Alarm,
    Event,
    Incident,
    IncidentKind,
    IntArray,
    Picture,
    TrackClass,
)

#: A sortie counts as found after this many seconds in confirmed track.
FOUND_S: Final = 3
#: A false track is near something real for less than this share of its life.
REAL_SHARE: Final = 0.5
FLOOD: Final = 10
TEN_MINUTES_US: Final = 600_000_000
#: An alarm is due this long before a detectable threat crosses the line (the site's ``alarms.predict_s``).
DUE_US: Final = 240_000_000
#: Alarms about these are not about something in the air.
_NOT_IN_THE_AIR: Final = frozenset(
    {IncidentKind.FALSE_IDENTITY, IncidentKind.SENSOR_SILENT, IncidentKind.HEARD, IncidentKind.SEEN, IncidentKind.FOUND}
)


def score(truth: Iterable[TruthRecord], events: Iterable[Event]) -> Scoreboard:
    """Hold a night's events (pictures, alarms, incidents; others are passed over) against its truth.

    Errors are taken in a local frame at the middle of the truth, in metres. ValueError when there is no truth at all.
    """
    records = list(truth)
    states = [record for record in records if isinstance(record, Truth)]
    if not states:
        raise ValueError("The truth holds no state of anything: is it the truth.jsonl that araz simulate wrote?")
    frame = LocalFrame(
        float(np.median([state.latitude_deg for state in states])),
        float(np.median([state.longitude_deg for state in states])),
        float(np.median([state.altitude_hae_m for state in states])),
    )
    gallery = Gallery(frame)
    alarms: dict[str, Alarm] = {}
    latest: dict[str, Alarm] = {}
    told: dict[tuple[str, str], int] = {}
    incidents: list[Incident] = []
    for event in events:
        if isinstance(event, Picture):
            gallery.add(event)
        elif isinstance(event, Alarm):
            alarms.setdefault(event.alarm_id, event)
            latest[event.alarm_id] = event
            # A card for many tells of a member with the revision that first names it.
            for name in _named(event):
                told.setdefault((event.alarm_id, name), event.changed_at_us)
        elif isinstance(event, Incident):
            incidents.append(event)
    happened = [record for record in records if isinstance(record, TruthEvent)]
    pairing = pair(lives_of(states, frame), *gallery.shown())
    return _board(
        pairing, happened, gallery, _Said(list(alarms.values()), latest, [(k[1], at) for k, at in told.items()]),
        incidents,
    )  # fmt: skip


class _Said(NamedTuple):
    """What the officer was told: each alarm's first and last revision, and when which track was named to him."""

    alarms: list[Alarm]
    latest: dict[str, Alarm]
    told: list[tuple[str, int]]


def _named(alarm: Alarm) -> list[str]:
    """The tracks an alarm is about: its own, or those of its members."""
    if alarm.track_id is not None:
        return [alarm.track_id]
    return [member.track_id for member in alarm.members if member.track_id is not None]


def _board(
    pairing: Pairing,
    happened: Sequence[TruthEvent],
    gallery: Gallery,
    said: _Said,
    incidents: Sequence[Incident],
) -> Scoreboard:
    hours = max(float(pairing.clock_us[-1] - pairing.clock_us[0]) / 3.6e9, 1e-9)
    owners = _owners(pairing)
    sorties = [_sortie(pairing, index, said.told) for index, life in enumerate(pairing.lives) if life.is_drone]
    drops, false_drops = drops_of(happened, incidents)
    parts = {
        **_detection(pairing, sorties, owners, hours),
        **_accuracy(pairing),
        **_alarm_figures(pairing, sorties, said, incidents, owners, hours),
        **drop_figures(drops),
        **claim_figures(happened, gallery.contradicted, gallery.claims_of, incidents),
    }
    return Scoreboard(
        hours=hours,
        seconds_scored=len(pairing.clock_us),
        sorties=sorties,
        drops=drops,
        false_drops=false_drops,
        **parts,
    )


def _owners(pairing: Pairing) -> dict[str, int]:
    """Which life each track was on most of the time it was on one: track name → row of ``lives``."""
    owners = {}
    track = pairing.shown.track[pairing.pair_shown]
    for number, name in enumerate(pairing.shown.names):
        lives = pairing.pair_life[track == number]
        if len(lives):
            owners[name] = int(np.argmax(np.bincount(lives)))
    return owners


def _sortie(pairing: Pairing, index: int, told: Sequence[tuple[str, int]]) -> SortieScore:
    life = pairing.lives[index]
    own = pairing.pair_life == index
    seconds, tracks = pairing.pair_second[own], pairing.shown.track[pairing.pair_shown[own]]
    detectable = pairing.detectable[:, index]
    in_track = np.zeros(len(pairing.clock_us), dtype=np.bool_)
    in_track[seconds] = True
    error = np.hypot(*pairing.error_m[pairing.error_life == index, :2].T)
    first_us = int(pairing.clock_us[np.argmax(detectable)]) if detectable.any() else None
    due_us = _due_us(pairing, index)
    names = {pairing.shown.names[track] for track in np.unique(tracks)}
    raised = [at_us for name, at_us in told if name in names and _was_on(name, at_us, pairing, index)]
    return SortieScore(
        actor_id=life.actor_id,
        class_name=life.class_name,
        is_threat=life.is_threat,
        airborne_s=float(pairing.exists[:, index].sum()),
        detectable_s=float(detectable.sum()),
        time_in_track=float((in_track & detectable).sum() / detectable.sum()) if detectable.any() else None,
        to_track_s=_since(first_us, [int(pairing.clock_us[seconds[0]])] if len(seconds) else []),
        alarm_due=due_us is not None,
        to_alarm_s=_since(due_us, raised),
        identity_switches=int(np.count_nonzero(np.diff(tracks))),
        tracks=len(names),
        cep50_m=quantile(error, 0.5),
        r95_m=quantile(error, 0.95),
    )


def _due_us(pairing: Pairing, index: int) -> int | None:
    """First moment at which it is detectable and inside, or will be inside within ``DUE_US``; None when never."""
    life = pairing.lives[index]
    inside_us = life.at_us[life.inside]
    if not len(inside_us):
        return None
    following = np.searchsorted(inside_us, pairing.clock_us)
    soon = inside_us[np.minimum(following, len(inside_us) - 1)] - pairing.clock_us
    due = pairing.detectable[:, index] & (following < len(inside_us)) & (soon <= DUE_US)
    return int(pairing.clock_us[np.argmax(due)]) if due.any() else None


def _was_on(name: str, at_us: int, pairing: Pairing, index: int) -> bool:
    """An alarm is about this sortie when a track it names was on it within a minute of the alarm."""
    number = pairing.shown.names.index(name)
    rows = (pairing.pair_life == index) & (pairing.shown.track[pairing.pair_shown] == number)
    times = pairing.clock_us[pairing.pair_second[rows]]
    return bool(len(times)) and bool(np.min(np.abs(times - at_us)) <= 60_000_000)


def _since(first_us: int | None, times: Sequence[int]) -> float | None:
    """Seconds from the first chance to the earliest of the times; never below zero (a finder may be before a radar)."""
    return None if first_us is None or not times else max(0.0, (min(times) - first_us) / 1e6)


def _detection(
    pairing: Pairing, sorties: Sequence[SortieScore], owners: dict[str, int], hours: float
) -> dict[str, Any]:
    drones = np.array([life.is_drone for life in pairing.lives], dtype=np.bool_)
    had_chance = [sortie for sortie in sorties if sortie.detectable_s >= FOUND_S]
    found = sum(1 for sortie in had_chance if (sortie.time_in_track or 0) * sortie.detectable_s >= FOUND_S)
    tracked = pairing.detectable[pairing.pair_second, pairing.pair_life] & drones[pairing.pair_life]
    seconds = int(pairing.detectable[:, drones].sum())
    false = _false_tracks(pairing)
    birds = sum(1 for life in owners.values() if pairing.lives[life].class_name == CLASS_NAMES[TrackClass.BIRD])
    near, paired = pairing.near_seconds, len(pairing.pair_shown)
    shares = [sortie.time_in_track for sortie in sorties if sortie.time_in_track is not None]
    switches = sum(sortie.identity_switches for sortie in sorties)
    latency = [sortie.to_track_s for sortie in sorties if sortie.to_track_s is not None]
    return {
        "detection_per_sortie": rate(found, len(had_chance)),
        "detection_per_second": rate(int(tracked.sum()), seconds),
        "time_in_track": float(np.mean(shares)) if shares else None,
        "false_tracks": false,
        "false_tracks_per_hour": false / hours,
        "bird_tracks_per_hour": birds / hours,
        "redundant_share": (near - paired) / near if near else None,
        "identity_switches": switches,
        "identity_switches_per_sortie": switches / len(had_chance) if had_chance else None,
        "track_latency_p50_s": quantile(latency, 0.5),
        "track_latency_p95_s": quantile(latency, 0.95),
    }


def _false_tracks(pairing: Pairing) -> int:
    """Tracks near something real for less than half of their life; seconds in which Araz disowned them do not count."""
    shown = pairing.shown
    if not len(shown.track):
        return 0
    counted = pairing.near | ~shown.disowned
    life = np.bincount(shown.track[counted], minlength=len(shown.names))
    real = np.bincount(shown.track[pairing.near], minlength=len(shown.names))
    return int(np.count_nonzero((life > 0) & (real < REAL_SHARE * life)))


def _accuracy(pairing: Pairing) -> dict[str, Any]:
    drones = np.array([life.is_drone for life in pairing.lives], dtype=np.bool_)
    own = drones[pairing.error_life] if len(pairing.error_life) else np.zeros(0, dtype=np.bool_)
    offset = pairing.error_m[own]
    error, height = np.hypot(offset[:, 0], offset[:, 1]), np.abs(offset[:, 2])
    ellipse = pairing.shown.ellipse[pairing.error_shown[own]]
    azimuth = np.radians(ellipse[:, 2])
    along = offset[:, 0] * np.sin(azimuth) + offset[:, 1] * np.cos(azimuth)
    across = offset[:, 0] * np.cos(azimuth) - offset[:, 1] * np.sin(azimuth)
    inside = (along / np.maximum(ellipse[:, 0], 1e-9)) ** 2 + (across / np.maximum(ellipse[:, 1], 1e-9)) ** 2 <= 1.0
    inside = inside[np.isfinite(ellipse).all(axis=1)]  # formats without an ellipse say nothing that could hold
    in_space = pairing.gospa_m if np.isfinite(pairing.gospa_m).all() else pairing.gospa_m[:0]
    known = height[np.isfinite(height)]
    return {
        "position_cep50_m": quantile(error, 0.5),
        "position_r95_m": quantile(error, 0.95),
        "altitude_error_p50_m": quantile(known, 0.5),
        "altitude_error_p95_m": quantile(known, 0.95),
        "ellipse_coverage": float(inside.mean()) if len(inside) else None,
        "gospa_m": float(in_space.mean()) if len(in_space) else None,
        "gospa_horizontal_m": float(pairing.gospa_plane_m.mean()) if len(pairing.gospa_plane_m) else None,
    }


def _alarm_figures(
    pairing: Pairing,
    sorties: Sequence[SortieScore],
    said: _Said,
    incidents: Sequence[Incident],
    owners: dict[str, int],
    hours: float,
) -> dict[str, Any]:
    threats = [sortie for sortie in sorties if sortie.is_threat and sortie.alarm_due]
    latency = [sortie.to_alarm_s for sortie in threats if sortie.to_alarm_s is not None]
    kinds = {incident.incident_id: incident.kind for incident in incidents}
    nuisance = sum(
        1 for alarm in said.alarms if _is_nuisance(said.latest[alarm.alarm_id], alarm, kinds, pairing, owners)
    )
    raised = np.sort(np.array([alarm.raised_at_us for alarm in said.alarms], dtype=np.int64))
    worst, flood = _worst(raised, pairing.clock_us)
    return {
        "alarm_latency_p50_s": quantile(latency, 0.5),
        "alarm_latency_p95_s": quantile(latency, 0.95),
        "threats_alarmed": rate(len(latency), len(threats)),
        "alarms": len(said.alarms),
        "alarms_per_hour": len(said.alarms) / hours,
        "alarms_worst_ten_minutes": worst,
        "share_of_time_in_flood": flood,
        "nuisance_alarms": nuisance,
        "nuisance_alarms_per_ten_hours": nuisance / hours * 10,
    }


def _is_nuisance(
    last: Alarm, first: Alarm, kinds: dict[str, IncidentKind], pairing: Pairing, owners: dict[str, int]
) -> bool:
    """An alarm about something in the air that was no threat; one for many is a nuisance when none of them was."""
    about = {kinds[incident] for incident in first.incident_ids if incident in kinds}
    if about and about <= _NOT_IN_THE_AIR:
        return False
    names = _named(last) if last.members else _named(first)
    return bool(names) and not any(_is_threat(name, pairing, owners) for name in names)


def _is_threat(name: str, pairing: Pairing, owners: dict[str, int]) -> bool:
    life = owners.get(name)
    return life is not None and pairing.lives[life].is_threat


def _worst(raised_us: IntArray, clock_us: IntArray) -> tuple[int, float]:
    """Most alarms in any ten minutes, and the share of seconds that end ten minutes with more than ten."""
    if not len(raised_us):
        return 0, 0.0
    worst = int(np.max(np.arange(len(raised_us)) - np.searchsorted(raised_us, raised_us - TEN_MINUTES_US, "right") + 1))
    recent = np.searchsorted(raised_us, clock_us, "right") - np.searchsorted(
        raised_us, clock_us - TEN_MINUTES_US, "right"
    )
    return worst, float(np.mean(recent > FLOOD))
