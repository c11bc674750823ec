"""Crossings in memory: the drone that went out and comes back full, and the gap that is used again."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from araz.incidents._fall import areas_around
from araz.incidents._sentences import clock, distance_words
from araz.incidents._state import Crossed, Memory
from araz.incidents._work import Work, track_name
from araz.vocabulary import Area, IncidentKind, Reason, phrase, reason

#: A reverse sortie comes back within this time, and to within this distance of where it went out.
REVERSE_US: Final = (60_000_000, 3_600_000_000)
REVERSE_M: Final = 1500.0
#: Believed of the same track, and of another number that comes back where one went out.
SAME_TRACK, SAME_PLACE = 0.95, 0.7
#: The same gap: so near on the line, by another flight, this much later (a swarm crosses at once), within half a day.
GAP_M: Final = 500.0
GAP_US: Final = (180_000_000, 12 * 3_600_000_000)
MOST_KEPT: Final = 256
#: A load costs a multirotor speed: this much of a difference speaks.
SLOWER_MPS: Final = 1.0
SPEED_US: Final = 60_000_000


def note_crossing(work: Work, memory: Memory, incident_id: str, confidence: float) -> Memory:
    """Remember a crossing that was said, and say what the earlier ones make of it."""
    is_inward = memory.side < 0
    at_us = (memory.crossed_at_us if is_inward else memory.left_at_us) or work.now_us
    where = memory.crossing_border_m or (memory.history[-1].east_m, memory.history[-1].north_m)
    now = Crossed(at_us, memory.track_id, *where, is_inward, incident_id, _speed_mps(memory, at_us))
    if is_inward:
        memory = _reverse(work, memory, now, confidence)
        memory = _repeat(work, memory, now, confidence)
    work.crossings[:] = [c for c in work.crossings if work.now_us - c.at_us < GAP_US[1]][-MOST_KEPT + 1 :]
    work.crossings.append(now)
    return memory


def _speed_mps(memory: Memory, at_us: int) -> float:
    near = [math.hypot(s.v_east_mps, s.v_north_mps) for s in memory.history if abs(s.at_us - at_us) <= SPEED_US]
    return sum(near) / max(len(near), 1)


def _apart_m(a: Crossed, b: Crossed) -> float:
    return math.hypot(a.east_m - b.east_m, a.north_m - b.north_m)


def _reverse(work: Work, memory: Memory, now: Crossed, confidence: float) -> Memory:
    """Out from our side and back over the line: it went out empty and comes back full."""
    out = [
        c
        for c in work.crossings
        if not c.is_inward and not c.is_answered and REVERSE_US[0] <= now.at_us - c.at_us <= REVERSE_US[1]
    ]
    own = {memory.track_id, *memory.former}
    same = [c for c in out if c.track_id in own] or [c for c in out if _apart_m(c, now) <= REVERSE_M]
    if not same:
        return memory
    left = min(same, key=lambda c: (c.track_id not in own, _apart_m(c, now)))
    work.crossings[work.crossings.index(left)] = left._replace(is_answered=True)
    is_own, away_min = left.track_id in own, (now.at_us - left.at_us) / 60e6
    slower = left.speed_mps - now.speed_mps
    speaks_for = [
        reason(phrase("why.went-out", time=clock(left.at_us), minutes=f"{away_min:.0f}")),
        reason(phrase("why.came-back", distance=distance_words(_apart_m(left, now)))),
    ]
    against = [] if is_own else [reason(phrase("why.maybe-other", track=track_name(left.track_id)))]
    if abs(slower) >= SLOWER_MPS:
        key, list_ = ("why.slower", speaks_for) if slower > 0.0 else ("why.no-slower", against)
        list_.append(reason(phrase(key, back=f"{now.speed_mps:.0f}", out=f"{left.speed_mps:.0f}")))
    sentence = phrase("event.reverse", track=track_name(memory.track_id))
    return _said(
        work, memory, IncidentKind.REVERSE_SORTIE, now, sentence, confidence * (SAME_TRACK if is_own else SAME_PLACE),
        speaks_for, against, left.incident_id,
    )  # fmt: skip


def _repeat(work: Work, memory: Memory, now: Crossed, confidence: float) -> Memory:
    """Another flight came over the same stretch tonight: its crew may use this gap again."""
    own = {memory.track_id, *memory.former}
    before = [
        c
        for c in work.crossings
        if c.is_inward and c.track_id not in own and GAP_US[0] <= now.at_us - c.at_us <= GAP_US[1]
    ]
    same = [c for c in before if _apart_m(c, now) <= GAP_M]
    if not same:
        return memory
    points = work.context.place.border.points_enu_m
    length_m = sum(math.dist(a, b) for a, b in zip(points[:-1].tolist(), points[1:].tolist(), strict=True))
    chance = 1.0 - (1.0 - min(2.0 * GAP_M / max(length_m, 1.0), 1.0)) ** len(before)
    last = same[-1]
    reasons = [
        reason(
            phrase(
                "why.near-crossing",
                distance=distance_words(_apart_m(c, now)),
                track=track_name(c.track_id),
                time=clock(c.at_us),
            )
        )
        for c in same[-3:]
    ]
    against = [reason(phrase("why.by-chance", chance=f"{max(chance, 0.01):.0%}"))]
    sentence = phrase(
        "event.repeat", track=track_name(memory.track_id), before=track_name(last.track_id), count=len(same) + 1,
        minutes=f"{(now.at_us - last.at_us) / 60e6:.0f}",
    )  # fmt: skip
    return _said(
        work, memory, IncidentKind.REPEAT_SORTIE, now, sentence, confidence * (1.0 - chance), reasons, against, None
    )


def _said(
    work: Work, memory: Memory, kind: IncidentKind, now: Crossed, sentence: str, confidence: float,
    speaks_for: list[Reason], against: list[Reason], supersedes: str | None,
) -> Memory:  # fmt: skip
    incident = work.incident(
        kind, now.at_us, sentence, confidence=confidence, track=memory.track_id, areas=areas_of(work, now),
        reasons_for=speaks_for, reasons_against=against, supersedes=supersedes,
    )  # fmt: skip
    return memory.with_incident(kind, now.at_us, incident)._replace(notes=(*memory.notes[-3:], sentence))


def areas_of(work: Work, now: Crossed) -> tuple[Area, ...]:
    """Where on the line: the place of the crossing within the width of a gap."""
    return areas_around(work.context.place, now.east_m, now.north_m, np.eye(2) * (0.5 * GAP_M) ** 2)
