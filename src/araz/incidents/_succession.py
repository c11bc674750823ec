"""A story outlives a track number: when the tracker loses a drone and finds it again, the new track takes over.

An officer must not see a second drone, nor a drop without a crossing, because a hard stop broke a track.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from araz.incidents._features import Features
from araz.incidents._state import Memory
from araz.incidents._work import Work

#: The elder must have gone without an update this long, and not longer ago than this.
STALE_US: Final = 3_000_000
LONGEST_US: Final = 60_000_000
#: The heir must have begun after the elder's last update, but for this (births overlap the last doubtful updates).
OVERLAP_US: Final = 10_000_000
#: How far from the elder's path the heir may appear: metres, and metres a second of the gap.
NEAR_M: Final = 60.0
NEAR_MPS: Final = 4.0


def succeed(work: Work, seen: Features, likely: np.ndarray) -> None:
    """Hand the memory and the card of a lost track to the new track that appeared on its path."""
    picture = work.inputs.picture
    elders = [m for m in work.memories.values() if m.heir is None and _is_lost(m, work.now_us)]
    if not elders:
        return
    for i in np.flatnonzero(likely):
        track = int(seen.track_id[i])
        if track in work.memories:
            continue
        row = int(seen.row[i])
        started = int(picture.started_at_us[row])
        sigma = float(seen.border_sigma_m[i])
        place = picture.position_enu_m[row].tolist()
        misses = [(_miss_m(m, started, place, work.now_us, sigma), m.track_id) for m in elders if m.track_id != track]
        if not misses or min(misses)[0] > 0.0:
            continue
        elder = work.memories[min(misses)[1]]
        _hand_over(work, elder, track)
        elders.remove(elder)


def _is_lost(memory: Memory, now_us: int) -> bool:
    return bool(memory.history) and STALE_US <= now_us - memory.updated_us <= LONGEST_US


def _miss_m(elder: Memory, started_us: int, place: list[float], now_us: int, sigma_m: float) -> float:
    """How far outside its gate the heir is, metres; at most 0 when it fits, infinite when the times do not."""
    if started_us < elder.updated_us - OVERLAP_US:
        return math.inf
    last = next((s for s in reversed(elder.history) if s.at_us <= elder.updated_us), elder.history[-1])
    gap = max((now_us - last.at_us) * 1e-6, 0.0)
    # It may have flown on, stopped at once, or anything between: the nearest point of that stretch counts.
    east, north = last.v_east_mps * gap, last.v_north_mps * gap
    x, y = place[0] - last.east_m, place[1] - last.north_m
    length = east * east + north * north
    along = 0.0 if length == 0.0 else min(max((x * east + y * north) / length, 0.0), 1.0)
    distance = math.hypot(x - along * east, y - along * north)
    return distance - (NEAR_M + NEAR_MPS * gap + 2.0 * min(sigma_m, 100.0))


def _hand_over(work: Work, elder: Memory, heir: int) -> None:
    known = tuple(s for s in elder.history if s.at_us <= elder.updated_us)
    work.memories[heir] = replace(elder, track_id=heir, history=known, former=(*elder.former, elder.track_id)[-5:])
    work.memories[elder.track_id] = replace(elder, heir=heir, history=())
    old, new = f"track:{elder.track_id}", f"track:{heir}"
    alarm_id = work.card_of_key.pop(old, None)
    if alarm_id is None:
        return
    work.card_of_key[new] = alarm_id
    card = work.cards[alarm_id]
    members = tuple(new if key == old else key for key in card.members)
    work.cards[alarm_id] = replace(card, key=new if card.key == old else card.key, members=members)
