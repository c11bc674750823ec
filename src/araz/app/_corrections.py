"""The history once late messages are judged in their place: what is new, what changed, what does not hold.

The live judgement goes on from where it is: a message older than half a minute moves no track of now. Its time is
judged again from the journal, in order of arrival at sensors and posts, and held against what was said then. The
differences become one journalled message, so a replay tells them at the same place: known since that moment, each
naming what it supersedes. Nothing said before is edited.

Source of the two clocks: event time and the time it was known, as in docs/console.md.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, site_from_bundle
from araz.app._posts import CORRECTED_SOURCE, LIFE, Passed, passed
from araz.geography import LocalFrame
from araz.store import read_journal
from araz.vocabulary import (
    POST_PREFIX,
    Correction,
    Incident,
    IncidentKind,
    Message,
    Phrase,
    Site,
    phrase,
    phrase_of,
    reason,
)

#: Judged before the first late message, so that tracks of then are there; and after the last, so that they end.
BEFORE_US: Final = 1_800_000_000
AFTER_US: Final = 120_000_000
#: What was foreseen then is no history: only what happened, was reported, or could not be seen.
HISTORY: Final = frozenset(IncidentKind) - {
    IncidentKind.APPROACH, IncidentKind.CROSSING_PREDICTED, IncidentKind.CORRECTED,
}  # fmt: skip
#: Two incidents of a kind nearer than this are one and the same, told better; nearer still, nothing changed.
SAME_US: Final = 60_000_000
SAME_M: Final = 1_000.0
UNCHANGED_US: Final = 1_000_000
UNCHANGED_M: Final = 25.0


def correct(
    journal: Path, upto_seq: int, late_us: Mapping[str, tuple[int, int]], said: Sequence[Incident]
) -> Correction:
    """Judge the span of the late messages again, and tell how it differs from what was ``said``.

    ``late_us`` are first and last late time by post. Reads the journal once for each post and once for the rest, so
    memory stays flat. Fails as reading the journal does.
    """
    from_us, to_us = min(first for first, _ in late_us.values()), max(last for _, last in late_us.values())
    state, told = pipeline.init(), list[Incident]()
    for message in in_time(journal, upto_seq, from_us - BEFORE_US, to_us + AFTER_US):
        state, events = pipeline.step(state, message)
        told += [event for event in events if isinstance(event, Incident)]
    posts, incidents = sorted(late_us), list[Incident]()
    if state is not None:
        span = (from_us - SAME_US, to_us + AFTER_US // 2)
        incidents = differences(said, told, span, state.line.place.frame, f"K{upto_seq}", posts)
    return Correction(from_us=from_us, to_us=to_us, upto_seq=upto_seq, posts=posts, incidents=incidents)


def in_time(journal: Path, upto_seq: int, from_us: int, to_us: int) -> Iterator[Message]:
    """The messages of a span as if each post's had come at once, after the site that was in force before it."""
    bundle, site, names = _site_at(journal, upto_seq, from_us)
    if bundle is None or site is None:
        return
    yield replace(bundle, received_at_us=min(bundle.received_at_us, from_us))
    lanes = [_lane(journal, upto_seq, site, name) for name in (None, *names)]
    for message in heapq.merge(*lanes, key=lambda one: one.received_at_us):
        if message.received_at_us > to_us:
            return
        if message.received_at_us >= from_us and message.seq > bundle.seq:
            yield message


def _site_at(journal: Path, upto_seq: int, from_us: int) -> tuple[Message | None, Site | None, list[str]]:
    """The last site message before a time, or the first; and the posts of which something came."""
    found, names = None, dict[str, None]()
    for message in _upto(journal, upto_seq):
        if message.source == SITE_SOURCE and (found is None or message.received_at_us <= from_us):
            found = message
        elif message.source.startswith(POST_PREFIX):
            names[message.source] = None
    return found, None if found is None else site_from_bundle(found.payload)[0], list(names)


def _upto(journal: Path, upto_seq: int) -> Iterator[Message]:
    for message in read_journal(journal):
        if message.seq > upto_seq:
            return
        yield message


def _lane(journal: Path, upto_seq: int, site: Site, source: str | None) -> Iterator[Message]:
    """One post's messages as they reached it, or with None the centre's own."""
    for message in _upto(journal, upto_seq):
        if source is None:
            if not message.source.startswith(POST_PREFIX) and message.source != CORRECTED_SOURCE:
                yield message
        elif message.source == source:
            one = passed(message, site, message.received_at_us)
            if isinstance(one, Passed) and one.message.source != LIFE:
                yield one.message


def differences(
    said: Sequence[Incident],
    told: Sequence[Incident],
    span_us: tuple[int, int],
    frame: LocalFrame,
    name: str,
    posts: Sequence[str],
) -> list[Incident]:
    """What ``told`` has that ``said`` has not, has otherwise, and what of ``said`` it does not have; by time."""
    open_said, found = _history(said, span_us), list[Incident]()
    names = ", ".join(posts)
    why = phrase("event.came-late", posts=names)
    for incident in _history(told, span_us):
        near = [one for one in open_said if _apart(one, incident, frame) is not None]
        nearest = min(near, key=lambda one: abs(one.at_us - incident.at_us), default=None)
        if nearest is not None:
            open_said.remove(nearest)
            if _is_unchanged(nearest, incident, frame):
                continue
        track = None if incident.track_id is None else f"{name}-{incident.track_id}"
        words = phrase_of(incident.sentence, incident.said)
        found.append(
            replace(
                incident,
                incident_id=f"{name}-{incident.incident_id}",
                track_id=track if nearest is None else nearest.track_id,
                supersedes=None if nearest is None else nearest.incident_id,
                reasons_against=[*incident.reasons_against, reason(why)],
                **_said(phrase("event.late", sentence=words, late=why) if incident.sentence else why),
            )
        )
    for incident in open_said:
        found.append(
            Incident(
                incident_id=f"{name}-{incident.incident_id}-not",
                kind=IncidentKind.CORRECTED,
                at_us=incident.at_us,
                known_at_us=incident.known_at_us,
                track_id=incident.track_id,
                sensor_id=incident.sensor_id,
                supersedes=incident.incident_id,
                **_said(phrase("event.not-so", posts=names, sentence=phrase_of(incident.sentence, incident.said))),
            )
        )
    return sorted(found, key=lambda one: (one.at_us, one.incident_id))


def _said(words: Phrase) -> dict[str, Any]:
    return {"sentence": str(words), "said": words.said}


def _history(incidents: Sequence[Incident], span_us: tuple[int, int]) -> list[Incident]:
    """The last word on everything that happened in a span."""
    kinds = {one.incident_id: one.kind for one in incidents}
    # A drop supersedes the crossing before it as news; both happened.
    replaced = {
        one.supersedes
        for one in incidents
        if one.supersedes is not None and one.kind in (IncidentKind.CORRECTED, kinds.get(one.supersedes))
    }
    first_us, last_us = span_us
    return [
        one
        for one in incidents
        if one.kind in HISTORY and one.incident_id not in replaced and first_us <= one.at_us <= last_us
    ]


def _apart(one: Incident, other: Incident, frame: LocalFrame) -> tuple[int, float] | None:
    """How far two incidents of one kind are apart in time (µs) and place (m); None when they are not the same."""
    if one.kind is not other.kind or one.sensor_id != other.sensor_id:
        return None
    apart_us, apart_m = abs(one.at_us - other.at_us), 0.0
    if one.areas and other.areas:
        here, there = (
            frame.to_enu(area.latitude_deg, area.longitude_deg, frame.hae_m)[0]
            for area in (one.areas[0], other.areas[0])
        )
        apart_m = float(sum((a - b) ** 2 for a, b in zip(here[:2], there[:2], strict=True)) ** 0.5)
    return (apart_us, apart_m) if apart_us <= SAME_US and apart_m <= SAME_M else None


def _is_unchanged(one: Incident, other: Incident, frame: LocalFrame) -> bool:
    apart = _apart(one, other, frame)
    return apart is not None and apart[0] <= UNCHANGED_US and apart[1] <= UNCHANGED_M
