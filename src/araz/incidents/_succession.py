"""A story outlives a track number: when the tracker loses a drone and finds it again, the new track takes over.

An officer must not see a second drone, nor a drop without a crossing, because a hard stop broke a track.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from araz.incidents._features import Features
from araz.incidents._state import Memory, Sample
from araz.incidents._weights import LIKENESS_CUES, LIKENESS_PRIOR
from araz.incidents._work import Work
from araz.vocabulary import BoolArray, FloatArray

#: The elder must have gone without an update for longer than its sensors need (`Context.stale_us`), and not longer ago
#: than this.
LONGEST_US: Final = 60_000_000
#: So many observations after it was given up show that a track was never lost: one may be a false plot.
RESUMED_LOOKS: Final = 3
#: A story an officer was told of waits longer: a drone behind a ridge is lost, not gone.
TOLD_LONGEST_US: Final = 150_000_000
#: After this long the heir must also fly on as the elder did, and be more than a speck.
SHORT_US: Final = 20_000_000
COURSE_COSINE: Final = 0.4
SPEED_RATIO: Final = 1.7
HEIR_PROBABILITY: Final = 0.15
#: An heir that already has a memory may still take a story over while it is this young and has none of its own.
YOUNG_US: Final = 30_000_000
#: The heir must have begun after the elder's last update, but for this (births overlap the last doubtful updates).
OVERLAP_US: Final = 10_000_000
#: A successor has its elder's evidence but for what it shows itself anyhow (speed, height, radar, life), and at most so
#: much of it, fading: the longer it is watched, the more it speaks for itself.
SHOWN_ANYHOW_NATS: Final = 2.0
MOST_NATS: Final = 3.5
FADE_S: Final = 120.0
_WEIGHT: Final = {cue.name: cue.weight_for for cue in LIKENESS_CUES}
#: How far from the elder's path the heir may appear: metres, and metres a second of the gap.
NEAR_M: Final = 60.0
NEAR_MPS: Final = 4.0
#: Within this gap it may have turned.
TURN_S: Final = 12.0
FAR_SHARE: Final = 1e6


def succeed(work: Work, seen: Features, probability: FloatArray, likely: BoolArray) -> None:
    """Hand the memories and cards of lost tracks to the new tracks that appeared where they can have come.

    Jointly: of all ways to pair them, the one whose heirs lie deepest within their elders' gates, so that of ten that
    turn at once each gets its own.
    """
    elders = [m for m in work.memories.values() if m.heir is None and _is_lost(work, m)]
    if not elders:
        return
    started = work.inputs.picture.started_at_us
    heirs = [
        int(i) for i in np.flatnonzero(likely) if _may_inherit(work, int(seen.track_id[i]), int(started[seen.row[i]]))
    ]
    if not heirs:
        return
    shares = np.array([[_gate_share(work, m, seen, i, float(probability[i])) for i in heirs] for m in elders])
    # An heir outside the gate costs more than any number of pairs inside it: pairing goes first, then nearness.
    rows, columns = linear_sum_assignment(np.where(shares <= 1.0, shares, FAR_SHARE))
    for a, b in zip(rows.tolist(), columns.tolist(), strict=True):
        if shares[a, b] <= 1.0:
            _hand_over(work, elders[a], int(seen.track_id[heirs[b]]))


def resume(elder: Memory, updated_us: int, now_us: int) -> Memory:
    """The elder after a second in which its track was still there: observed again and again, it was never lost.

    Then its heir was another that flew near by, and both have a story: the heir keeps the card and the release that
    was told of, the elder what it did before, and gets a card of its own.
    """
    if updated_us <= elder.updated_us:
        return elder._replace(last_seen_us=now_us)
    elder = elder._replace(last_seen_us=now_us, updated_us=updated_us, resumed=elder.resumed + 1)
    if elder.resumed < RESUMED_LOOKS:
        return elder
    return elder._replace(heir=None, resumed=0, hover=None, drop=None)


def may_be_told(work: Work, seen: Features, i: int) -> bool:
    """Whether a track flies where one can be that is lost and has a card: it may be that one, and needs none yet."""
    return any(
        m.heir is None
        and f"track:{m.track_id}" in work.card_of_key
        and _is_lost(work, m)
        and _gate_share(work, m, seen, i, HEIR_PROBABILITY) <= 1.0
        for m in work.memories.values()
    )


def _is_lost(work: Work, memory: Memory) -> bool:
    if not memory.history:
        return False
    longest = TOLD_LONGEST_US if f"track:{memory.track_id}" in work.card_of_key else LONGEST_US
    return work.context.stale_us <= work.now_us - memory.updated_us <= longest


def _may_inherit(work: Work, track: int, started_us: int) -> bool:
    """Whether a track is new to us, or young and without a story of its own."""
    own = work.memories.get(track)
    if own is None:
        return True
    is_free = own.heir is None and not own.former and not own.incidents and f"track:{track}" not in work.card_of_key
    return is_free and work.now_us - started_us <= YOUNG_US


def _flies_on(elder: Memory, now_us: int, velocity: list[float], probability: float) -> bool:
    """After a long gap: whether the heir has about the elder's course and speed, and might be a drone at all."""
    if now_us - elder.updated_us <= SHORT_US:
        return True
    if probability < HEIR_PROBABILITY:
        return False
    last = _last_seen(elder)
    before, after = math.hypot(last.v_east_mps, last.v_north_mps), math.hypot(velocity[0], velocity[1])
    along = last.v_east_mps * velocity[0] + last.v_north_mps * velocity[1]
    return _is_alike(before, after) and along >= COURSE_COSINE * before * after


def _last_seen(memory: Memory) -> Sample:
    return next((s for s in reversed(memory.history) if s.at_us <= memory.updated_us), memory.history[-1])


def _gate_share(work: Work, elder: Memory, seen: Features, i: int, probability: float) -> float:
    """How far into its elder's gate a track lies: 0 on the elder's path, 1 at the edge; infinite when it cannot be it.

    The gate is the stretch flown on or stopped on, 60 m + 4 m/s × gap + 2 sigma wide; and for a short gap, for one that
    flies about as fast, wherever a turn can have taken it: speed × gap + 60 m + 2 sigma about its last place.
    """
    picture, now_us, row = work.inputs.picture, work.now_us, int(seen.row[i])
    velocity = picture.velocity_enu_mps[row].tolist()
    is_early = int(picture.started_at_us[row]) < elder.updated_us - OVERLAP_US
    if is_early or int(seen.track_id[i]) == elder.track_id or not _flies_on(elder, now_us, velocity, probability):
        return math.inf
    last = _last_seen(elder)
    gap = max((now_us - last.at_us) * 1e-6, 0.0)
    # It may have flown on, stopped at once, or anything between: the nearest point of that stretch counts.
    east, north = last.v_east_mps * gap, last.v_north_mps * gap
    place = picture.position_enu_m[row].tolist()
    x, y = place[0] - last.east_m, place[1] - last.north_m
    length = east * east + north * north
    along = 0.0 if length == 0.0 else min(max((x * east + y * north) / length, 0.0), 1.0)
    room = NEAR_M + 2.0 * min(float(seen.border_sigma_m[i]), 100.0)
    share = math.hypot(x - along * east, y - along * north) / (room + NEAR_MPS * gap)
    speed = math.hypot(last.v_east_mps, last.v_north_mps)
    if gap <= TURN_S and _is_alike(speed, math.hypot(velocity[0], velocity[1])):
        share = min(share, math.hypot(x, y) / (room + speed * gap))
    return share


def _is_alike(before_mps: float, after_mps: float) -> bool:
    return before_mps < SPEED_RATIO * after_mps and after_mps < SPEED_RATIO * before_mps


def believed(memory: Memory, probability: float, now_us: int) -> float:
    """Likeness with what it inherited: the log odds add, the inherited part fades with ``FADE_S``."""
    if memory.inherited_nats == 0.0:
        return probability
    fade = math.exp(-max(now_us - memory.inherited_at_us, 0) * 1e-6 / FADE_S)
    p = min(max(probability, 1e-6), 1.0 - 1e-6)
    return 1.0 / (1.0 + math.exp(-(math.log(p / (1.0 - p)) + memory.inherited_nats * fade)))


def _inheritance(elder: Memory) -> float:
    """What the elder's course said: its log odds without what the heir shows, or has from the same memory, itself."""
    p = min(max(elder.belief, 1e-6), 1.0 - 1e-6)
    told = (elder.hovered_at_us, elder.rose_at_us, elder.people or None)
    again = sum(_WEIGHT[name] for name, fact in zip(("hover", "rose", "people"), told, strict=True) if fact is not None)
    return min(max(math.log(p / (1.0 - p)) - LIKENESS_PRIOR - SHOWN_ANYHOW_NATS - again, 0.0), MOST_NATS)


def _hand_over(work: Work, elder: Memory, heir: int) -> None:
    known = tuple(s for s in elder.history if s.at_us <= elder.updated_us)
    work.memories[heir] = elder._replace(
        track_id=heir, history=known, former=(*elder.former, elder.track_id)[-5:],
        inherited_nats=_inheritance(elder), inherited_at_us=work.now_us,
    )  # fmt: skip
    work.memories[elder.track_id] = elder._replace(heir=heir, history=())
    old, new = f"track:{elder.track_id}", f"track:{heir}"
    alarm_id = work.card_of_key.pop(old, None)
    if alarm_id is None:
        return
    work.card_of_key[new] = alarm_id
    card = work.cards[alarm_id]
    told, said = (tuple(m._replace(key=new) if m.key == old else m for m in all_) for all_ in (card.told, card.said))
    work.cards[alarm_id] = replace(card, key=new if card.key == old else card.key, told=told, said=said)
