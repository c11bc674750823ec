"""Trails: what is kept of each confirmed track so that one can look back; a value beside the tracker's state.

A late scan rewrites the last half minute, so a trail only takes beliefs that no scan can change any more: the one
before the oldest scan still remembered (``State.past``). What is younger is read from there when somebody asks.
By then it is known which tracks were confirmed, so a trail begins with the track's very first detection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._gauss import WIDTH
from araz.tracking._motion import mixtures
from araz.tracking._smooth import Links, Trail, joined, links
from araz.tracking._state import Filter, Past, State
from araz.vocabulary import FloatArray, IntArray

ENTRY_LIMIT: Final = 256
"""Entries a trail keeps (0.7 kB each); beyond it the one goes whose loss widens the gap least for its age."""
TRAIL_LIMIT: Final = 512
"""Trails kept, together at most 95 MB; then the one that ended first makes room, and if none ended, none is begun."""
KEEP_US: Final = 600_000_000
"""A trail is kept this long after its track ended."""
AWAIT_US: Final = 120_000_000
"""A confirmed track's first belief turns up in the past within this, if ever."""


@dataclass(frozen=True, slots=True, eq=False)
class Trails:
    """The trails by track number, up to belief ``last``; ``past`` are the scans then remembered.

    ``awaited`` tells by track number when it was first told as confirmed, for those followed or to be followed.
    """

    trail: Mapping[int, Trail]
    last: Filter | None
    past: tuple[Past, ...]
    awaited: Mapping[int, int]


def trails_init() -> Trails:
    """No trails yet."""
    return Trails({}, None, (), {})


def trail_step(trails: Trails, state: State) -> Trails:
    """The trails after one more ``step`` of the tracker; call it after each, or scans are missing between two entries.

    Pure. Cost: 40 microseconds a confirmed track and scan.
    """
    if not state.past:
        return trails
    awaited = _awaited(trails.awaited, state)
    trail, last = trails.trail, trails.last
    final = settled(last, trails.past, state)
    for belief in final:
        trail = _lengthened(trail, last, belief, awaited)
        last = belief
    if final:
        trail, awaited = _tidied(trail, awaited, state.at_us)
    return Trails(trail, last, state.past, awaited)


def settled(last: Filter | None, past: Sequence[Past], state: State) -> list[Filter]:
    """The beliefs that no scan can change any more since ``last``, in order; ``past`` are the scans remembered then."""
    final = [entry.before for entry in past[1:] if not state.forgotten < entry.order] if state.forgotten else []
    if state.past and state.past[0].before is not last:
        final.append(state.past[0].before)
    return final


class BeliefRow(NamedTuple):
    """One belief about one track: mean place [3] (ENU, m), Gaussians and weights by mode [M, 27], [M], detections."""

    at_us: int
    place_enu_m: FloatArray
    gauss: FloatArray
    weight: FloatArray
    update_count: int


def belief_rows(belief: Filter, numbers: Collection[int]) -> dict[int, BeliefRow]:
    """What a belief says of each of the tracks that it has."""
    tracks = belief.tracks
    rows = [row for row, number in enumerate(tracks.number.tolist()) if number in numbers]
    if not rows:
        return {}
    gauss, weight = mixtures(tracks.belief, rows)
    place, count = tracks.belief.gauss[rows, :3], tracks.update_count[rows].tolist()
    return {
        int(tracks.number[row]): BeliefRow(belief.at_us, place[i], gauss[i], weight[i], count[i])
        for i, row in enumerate(rows)
    }


def trail_from(number: int, rows: Sequence[BeliefRow]) -> Trail:
    """The trail of beliefs in order of time, all links made at once; of two at the same time the later counts."""
    at_us = np.array([row.at_us for row in rows])
    keep = np.append(at_us[1:] > at_us[:-1], True)
    kept = [row for row, is_kept in zip(rows, keep.tolist(), strict=True) if is_kept]
    gauss, weight = np.array([row.gauss for row in kept]), np.array([row.weight for row in kept])
    at_us, count = at_us[keep], np.array([row.update_count for row in kept])
    found = links(gauss, weight, count, np.append(np.diff(at_us) * 1e-6, 0.0))
    return Trail(number, at_us, found.belief, found.rest, found.gain, count)


def young_beliefs(state: State) -> list[Filter]:
    """The beliefs that a late scan may still change, in order; the last is the present one."""
    return [entry.before for entry in state.past] + [state.now]


def trail_of(trails: Trails, state: State, number: int) -> Trail | None:
    """The trail of the track shown as ``number``, up to now; None where it was never confirmed or is forgotten."""
    trails = trail_step(trails, state)
    young = [rows[number] for belief in young_beliefs(state) if (rows := belief_rows(belief, {number}))]
    old = trails.trail.get(number)
    if old is None and number not in trails.awaited and number not in state.confirmed_number:
        return None
    if not young:
        return old
    new = trail_from(number, young)
    return new if old is None else _stitched(old, new)


def _stitched(old: Trail, new: Trail) -> Trail:
    """The old trail followed by a younger one, which begins where the old one ends."""
    end = int(np.searchsorted(old.at_us, new.at_us[0]))
    return Trail(
        old.number,
        np.concatenate((old.at_us[:end], new.at_us)),
        np.concatenate((old.belief[:end], new.belief)),
        np.concatenate((old.rest[:end], new.rest)),
        np.concatenate((old.gain[:end], new.gain)),
        np.concatenate((old.update_count[:end], new.update_count)),
    )


def _awaited(awaited: Mapping[int, int], state: State) -> Mapping[int, int]:
    """With the tracks just told as confirmed."""
    fresh = [number for number in state.confirmed_number.tolist() if number not in awaited]
    return {**awaited, **dict.fromkeys(fresh, state.at_us)} if fresh else awaited


def _lengthened(
    trail: Mapping[int, Trail], last: Filter | None, belief: Filter, awaited: Mapping[int, int]
) -> Mapping[int, Trail]:
    """The trails with one more belief, linked to the one before."""
    now, rows = _rows_of(belief, awaited)
    if not len(rows):
        return trail
    here = belief.tracks.belief.gauss[rows]
    before = _links_to(last, belief, awaited) if last is not None else {}
    longer, counts = dict(trail), belief.tracks.update_count[rows]
    for i, number in enumerate(now.tolist()):
        entry = Links(here[i : i + 1], np.zeros((1, WIDTH)), np.zeros((1, 6, 6)))
        old = longer.get(number)
        if old is None and not _make_room(longer, last):
            continue
        longer[number] = _one_longer(old, number, belief.at_us, int(counts[i]), entry, before.get(number))
    return longer


def _rows_of(belief: Filter, awaited: Mapping[int, int]) -> tuple[IntArray, IntArray]:
    """Numbers and rows of the tracks that are followed."""
    number = belief.tracks.number
    wanted = np.fromiter(awaited, np.int64, len(awaited))
    rows = np.flatnonzero(np.isin(number, wanted))
    return number[rows], rows


def _links_to(last: Filter, belief: Filter, awaited: Mapping[int, int]) -> dict[int, tuple[FloatArray, FloatArray]]:
    """Rest and gain by track number, from the belief before to this one."""
    number, rows = _rows_of(last, awaited)
    dt_s = np.full(len(rows), (belief.at_us - last.at_us) * 1e-6)
    found = links(*mixtures(last.tracks.belief, rows), last.tracks.update_count[rows], dt_s)
    return {n: (found.rest[i], found.gain[i]) for i, n in enumerate(number.tolist())}


def _one_longer(
    old: Trail | None,
    number: int,
    at_us: int,
    count: int,
    entry: Links,
    link: tuple[FloatArray, FloatArray] | None,
) -> Trail:
    """A trail with one more entry; one at the same time takes the last one's place, for links do not know updates."""
    times, counts = np.array([at_us]), np.array([count])
    if old is None or link is None:
        return Trail(number, times, entry.belief, entry.rest, entry.gain, counts)
    end = len(old.at_us) - (1 if old.at_us[-1] == at_us else 0)
    rest, gain = np.concatenate((old.rest[:end], entry.rest)), np.concatenate((old.gain[:end], entry.gain))
    if end == len(old.at_us):
        rest[-2], gain[-2] = link
    longer = Trail(
        number,
        np.concatenate((old.at_us[:end], times)),
        np.concatenate((old.belief[:end], entry.belief)),
        rest,
        gain,
        np.concatenate((old.update_count[:end], counts)),
    )
    return thinned(longer, ENTRY_LIMIT)


def thinned(trail: Trail, limit: int) -> Trail:
    """The trail with at most ``limit`` >= 2 entries; what is smoothed at those left stays the same.

    The first and the last entry stay; of the others goes the one with the least (t_k+1 - t_k-1) / age, age counted from
    the last, so that old times are kept at coarser steps than recent ones.
    """
    while len(trail.at_us) > limit:
        at = trail.at_us
        gap = (at[2:] - at[:-2]) / (at[-1] - at[1:-1])
        k = int(np.argmin(gap)) + 1
        rest, gain = np.delete(trail.rest, k, 0), np.delete(trail.gain, k, 0)
        rest[k - 1], gain[k - 1] = joined(trail.rest[k - 1], trail.gain[k - 1], trail.rest[k], trail.gain[k])
        trail = Trail(
            trail.number,
            np.delete(at, k),
            np.delete(trail.belief, k, 0),
            rest,
            gain,
            np.delete(trail.update_count, k),
        )
    return trail


def _make_room(trail: dict[int, Trail], last: Filter | None) -> bool:
    """Whether one more trail may begin; one whose track ended goes for it."""
    if len(trail) < TRAIL_LIMIT:
        return True
    first = min(trail.values(), key=lambda one: int(one.at_us[-1]))
    if last is None or first.at_us[-1] >= last.at_us:
        return False
    del trail[first.number]
    return True


def _tidied(
    trail: Mapping[int, Trail], awaited: Mapping[int, int], now_us: int
) -> tuple[Mapping[int, Trail], Mapping[int, int]]:
    """Without the trails that ended long ago, and without waiting for what never came."""
    old = [number for number, one in trail.items() if one.at_us[-1] < now_us - KEEP_US]
    lost = [number for number, at in awaited.items() if number not in trail and at < now_us - AWAIT_US]
    if not old and not lost:
        return trail, awaited
    kept = {number: one for number, one in trail.items() if number not in old}
    return kept, {number: at for number, at in awaited.items() if number not in old and number not in lost}
