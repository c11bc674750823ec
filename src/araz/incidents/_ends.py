"""Tracks that stay, and tracks that end: the scout that watches, and the drone that went down."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import numpy as np

from araz.incidents._fall import areas_around
from araz.incidents._identity import radar_looks
from araz.incidents._sentences import clock, distance_words, side_words
from araz.incidents._state import Memory, Sample
from araz.incidents._work import Work, track_name
from araz.vocabulary import IncidentKind, phrase, reason

#: A scout stays within this of one place for so long, in the air, this near to the line.
LOITER_US: Final = 180_000_000
LOITER_M: Final = 400.0
LOITER_NEAR_M: Final = 3000.0
LOITER_AGL_M: Final = 15.0
LOITER_AGAIN_US: Final = 600_000_000
LEG_US: Final = 600_000_000
#: What had such a leg is believed at least so far, though its circles now speak for a bird.
LEAST_BELIEF: Final = 0.5
#: Judged so long after the last look: by then the radars would have seen it, were it still up.
DOWN_AFTER_US: Final = (8_000_000, 60_000_000)
#: It was sinking this fast in the last seconds, and would have met the ground within so many.
SINKING_MPS: Final = 1.5
#: It flew a steady leg as a likely drone no longer before.
LATELY_US: Final = 120_000_000
GROUND_WITHIN_S: Final = 15.0
LAST_US: Final = 5_000_000
#: Odds (natural log) by which the radars' silence must speak against its still flying there.
SILENCE_NATS: Final = 3.0
#: Where a wreck lies beside the last course, one sigma an axis.
WRECK_M: Final = 30.0


def find_loiter(work: Work, memory: Memory) -> Memory:
    """Say once in ten minutes that what came as a drone comes stays about one place in the air near the line.

    It needs a leg of steady flight as a likely drone before: who circles looks like a bird, and a bird never had one.
    """
    if memory.leg_at_us is None or work.now_us - memory.leg_at_us > LEG_US:
        return memory
    if memory.drop is not None or (memory.loiter_at_us and work.now_us - memory.loiter_at_us < LOITER_AGAIN_US):
        return memory
    window = memory.since(work.now_us - LOITER_US)
    if len(window) < 100 or window[-1].at_us - window[0].at_us < 0.95 * LOITER_US:
        return memory
    # Two places so far apart are not both near one: spares what flies on the sums below.
    if math.dist(window[0][1:3], window[-1][1:3]) > 2.0 * LOITER_M:
        return memory
    at = np.array([(s.east_m, s.north_m) for s in window])
    middle = at.mean(axis=0)
    away_m = float(np.hypot(*(at - middle).T).max())
    border_m = float(np.median([s.border_m for s in window]))
    if away_m > LOITER_M or abs(border_m) > LOITER_NEAR_M or float(np.median([s.agl_m for s in window])) < LOITER_AGL_M:
        return memory
    flown_m = sum(math.dist(a[1:3], b[1:3]) for a, b in pairwise(window))
    incident = work.incident(
        IncidentKind.LOITER, window[0].at_us,
        phrase("event.loiter", track=track_name(memory.track_id), distance=distance_words(max(away_m, 50.0)),
               side=side_words(border_m), minutes=f"{LOITER_US / 60e6:.0f}"),
        confidence=max(memory.belief, LEAST_BELIEF), track=memory.track_id,
        areas=areas_around(work.context.place, float(middle[0]), float(middle[1]), np.cov(at.T) + np.eye(2) * 25.0**2),
        reasons_for=(
            reason(phrase("why.leg", time=clock(memory.leg_at_us))),
            reason(phrase("why.in-air", height=f"{np.median([s.agl_m for s in window]):.0f}")),
            reason(phrase("why.flown", flown=distance_words(flown_m),
                          away=distance_words(float(np.hypot(*(at[-1] - at[0])))))),
        ),
        reasons_against=(reason(phrase("why.let-nothing")),),
    )  # fmt: skip
    return memory.with_incident(IncidentKind.LOITER, window[0].at_us, incident)._replace(loiter_at_us=work.now_us)


def find_down(work: Work, memory: Memory) -> Memory:
    """Say that a likely drone went down: it sank towards the ground and the radars that see there see it no more.

    Only where their silence is evidence: the odds that they would all have missed it, had it flown on at its last
    height, from their detection probability, range and terrain, must be below 1 : 20. Else it is lost, not gone.
    """
    silent_us = work.now_us - memory.updated_us
    if not DOWN_AFTER_US[0] <= silent_us <= DOWN_AFTER_US[1] or memory.is_down or memory.landed_at_us is not None:
        return memory
    if memory.leg_at_us is None or memory.updated_us - memory.leg_at_us > LATELY_US:
        return memory
    last = [s for s in memory.since(memory.updated_us - LAST_US) if s.at_us <= memory.updated_us]
    if len(last) < 3:
        return memory
    sink = -float(np.mean([s.v_up_mps for s in last]))
    agl = max(last[-1].agl_m, 0.0)
    if sink < SINKING_MPS or agl / sink > GROUND_WITHIN_S:
        return memory
    nats = _silence_nats(work, last[-1], silent_us * 1e-6)
    if nats < SILENCE_NATS:
        return memory
    return _down(work, memory, last[-1], agl / sink, sink, nats)


def _silence_nats(work: Work, last: Sample, silent_s: float) -> float:
    """How unlikely the radars' silence is had it flown on as high as it was seen last."""
    position = np.array([[last.east_m, last.north_m, last.up_m]])
    return float(radar_looks(work.context, work.inputs.health, work.now_us, position, silent_s)[0])


def _down(work: Work, memory: Memory, last: Sample, fall_s: float, sink: float, nats: float) -> Memory:
    place = work.context.place
    east, north = last.east_m + fall_s * last.v_east_mps, last.north_m + fall_s * last.v_north_mps
    v = np.array([last.v_east_mps, last.v_north_mps])
    spread = np.eye(2) * WRECK_M**2 + np.outer(v, v) * (0.5 * fall_s) ** 2
    border_m = float(place.border.signed_distance_m(np.array([east]), np.array([north]))[0])
    at_us = memory.updated_us + int(fall_s * 1e6)
    incident = work.incident(
        IncidentKind.DOWN, at_us,
        phrase("event.down", track=track_name(memory.track_id), side=side_words(border_m), sink=f"{sink:.0f}"),
        confidence=memory.belief * (1.0 - math.exp(-nats)) * 0.8, track=memory.track_id,
        areas=areas_around(place, east, north, spread),
        reasons_for=(
            reason(phrase("why.sank", sink=f"{sink:.0f}", height=f"{last.agl_m:.0f}")),
            reason(phrase("why.radars-miss"), round(nats, 1)),
        ),
        reasons_against=(reason(phrase("why.maybe-landed")),),
    )  # fmt: skip
    return memory.with_incident(IncidentKind.DOWN, at_us, incident)._replace(is_down=True)
