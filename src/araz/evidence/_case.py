"""What belongs to a case: the incidents, alarms, decisions and reports that hang together, and their span of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from araz.vocabulary import Alarm, Decision, Incident, Picture, ReportReceived

MARGIN_US = 60_000_000
"""The screen and the sky are shown this long before the first and after the last thing that belongs to the case."""


class Told(NamedTuple):
    """What Araz said in a night, as it was said then; alarms with all their revisions."""

    incidents: Sequence[Incident]
    alarms: Sequence[Alarm]
    decisions: Sequence[Decision]
    reports: Sequence[ReportReceived]


class Belonging(NamedTuple):
    """What of it belongs to one case, in order of time; ``track_ids`` are the tracks it is about."""

    told: Told
    track_ids: tuple[str, ...]
    from_us: int
    to_us: int


def belonging(told: Told, name: str) -> Belonging:
    """Return what hangs together with an incident or an alarm; ValueError with the ids there are for another name.

    Incidents hang together by track, by the alarm that names them, and by what supersedes what; an alarm belongs when
    one of its revisions names such an incident or track; decisions belong to their alarms. A person's report belongs
    when it was observed in the span: it was on the table, whether it fits or not.
    """
    if not any(name == i.incident_id for i in told.incidents) and not any(name == a.alarm_id for a in told.alarms):
        known = ", ".join([a.alarm_id for a in _latest(told.alarms)] + [i.incident_id for i in told.incidents][:40])
        raise ValueError(f"there is no incident or alarm {name!r}; this night has {known or 'none'}")
    ids, alarms = _closure(told, name)
    incidents = [i for i in told.incidents if i.incident_id in ids]
    revisions = [a for a in told.alarms if a.alarm_id in alarms]
    tracks = {i.track_id for i in incidents} | {a.track_id for a in revisions}
    decisions = [d for d in told.decisions if d.alarm_id in alarms]
    times = [t for i in incidents for t in (i.known_at_us, min(i.at_us, i.known_at_us))]
    times += [a.raised_at_us for a in revisions] + [d.at_us for d in decisions]
    first, last = min(times) - MARGIN_US, max(times) + MARGIN_US
    reports = [r for r in told.reports if first <= r.observed_at_us <= last]
    kept = Told(incidents, revisions, decisions, reports)
    return Belonging(kept, tuple(sorted(t for t in tracks if t is not None)), first, last)


def _latest(alarms: Sequence[Alarm]) -> list[Alarm]:
    return list({alarm.alarm_id: alarm for alarm in alarms}.values())


def _closure(told: Told, name: str) -> tuple[set[str], set[str]]:
    """Ids of the incidents and alarms that hang together with ``name``."""
    incidents, alarms, tracks = {name}, {name}, set[str]()
    while True:
        size = len(incidents) + len(alarms) + len(tracks)
        for alarm in told.alarms:
            if alarm.alarm_id in alarms or alarm.track_id in tracks or incidents & set(alarm.incident_ids):
                alarms.add(alarm.alarm_id)
                incidents |= set(alarm.incident_ids)
                tracks |= _named(alarm.track_id)
        for incident in told.incidents:
            if incident.incident_id in incidents or incident.track_id in tracks or incident.supersedes in incidents:
                incidents |= {incident.incident_id} | _named(incident.supersedes)
                tracks |= _named(incident.track_id)
        if size == len(incidents) + len(alarms) + len(tracks):
            return incidents, alarms


def _named(name: str | None) -> set[str]:
    return set() if name is None else {name}


def span_of_tracks(pictures: Sequence[Picture], track_ids: Sequence[str]) -> tuple[int, int] | None:
    """First and last time (µs UTC) at which one of the tracks was on the screen; None when none ever was."""
    wanted = set(track_ids)
    seen = [p.at_us for p in pictures if any(t.track_id in wanted for t in p.tracks)]
    started = [t.started_at_us for p in pictures for t in p.tracks if t.track_id in wanted]
    return (min(started), max(seen)) if seen else None
