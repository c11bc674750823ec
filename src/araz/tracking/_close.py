"""The end of a look: who is confirmed, hidden, merged or gone, and the new ones join."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from araz.tracking._classify import ClassTable, classify
from araz.tracking._gauss import space
from araz.tracking._kernel import kernel, leaf
from araz.tracking._merge import merged_into
from araz.tracking._motion import Belief, overall
from araz.tracking._rows import number_row
from araz.tracking._sight import is_hidden
from araz.tracking._state import Tracks, View
from araz.vocabulary import BoolArray, FloatArray, IntArray

CONFIRM_UPDATES: Final = 2
HASTE: Final = 0.1
"""With two updates alone the chance that a track is nothing must be this much smaller than is asked of the others."""
STEADY_UPDATES: Final = 10.0
STEADIEST: Final = 10.0
"""A name known for long is given up later: the existence at which a confirmed track ends falls with its updates beyond
the first ten, tenfold at most."""
CONFIRMED_KNOWN_M: Final = 1200.0
TENTATIVE_KNOWN_M: Final = 400.0
"""A track whose place is known no better (standard deviation) says nothing, and would only collect false plots."""
TENTATIVE_SHARE: Final = 0.1
"""A tentative track goes once its existence falls below this share of what it began with: after a clear miss or two."""
KNOWN_UPDATES: Final = 10.0
"""A track with fewer updates is kept for their share of ``coast_max_s`` without another: twelve seconds of sixty for
one that was seen twice."""


@leaf
def is_within_coast(age_us: int, update_count: int, coast_max_s: float) -> bool:
    """Whether somebody observed a track within the last ``coast_max_s``, or its share if it is hardly known."""
    return age_us <= coast_max_s * 1e6 * min(update_count / KNOWN_UPDATES, 1.0)


@kernel
def close(
    view: View,
    tracks: Tracks,
    at_us: int,
    detected: FloatArray,
    ground_up_m: float,
    knobs: tuple[float, float, float],
    table: ClassTable,
) -> tuple[BoolArray, BoolArray]:
    """Confirm, classify, hide and merge the tracks in place; who stays [N] and who is newly confirmed [N].

    ``knobs`` are confirm_existence, delete_existence and coast_max_s of the settings.
    """
    moments, count = tracks.belief.gauss, len(tracks.existence)
    overall(tracks.belief, count, space())
    keep, fresh, grown = np.zeros(count, np.bool_), np.zeros(count, np.bool_), np.zeros(count, np.int64)
    rows = grown[: _judge(view, tracks, at_us, detected, knobs, keep, fresh, grown)]
    seen = rows[detected[rows] >= 0.5]
    classify(table, tracks.class_probability, tracks.habit, seen, moments, tracks.rcs_dbsm, ground_up_m, at_us)
    for j in merged_into(tracks, moments, rows):
        keep[j] = False
    return keep, fresh & keep


@leaf
def _judge(
    view: View,
    tracks: Tracks,
    at_us: int,
    detected: FloatArray,
    knobs: tuple[float, float, float],
    keep: BoolArray,
    fresh: BoolArray,
    grown: IntArray,
) -> int:
    """Who is confirmed, hidden, gone; fills ``keep``, ``fresh`` and the confirmed tracks' rows, gives their number."""
    (confirm, delete, coast_max_s), confirmed, moments = knobs, 0, tracks.belief.gauss
    for i in range(len(keep)):
        updates, g = tracks.update_count[i], moments[i]
        sure = confirm if updates > CONFIRM_UPDATES else 1.0 - HASTE * (1.0 - confirm)
        if not tracks.is_confirmed[i] and updates >= CONFIRM_UPDATES and tracks.existence[i] >= sure:
            tracks.is_confirmed[i] = fresh[i] = True
        known_m, floor = TENTATIVE_KNOWN_M, TENTATIVE_SHARE * tracks.birth_existence[i]
        tracks.hidden[i] = tracks.is_confirmed[i] and detected[i] < 0.5 and is_hidden(view, g)
        if tracks.is_confirmed[i]:
            grown[confirmed] = i
            confirmed += 1
            known_m, floor = CONFIRMED_KNOWN_M, delete / min(max(updates / STEADY_UPDATES, 1.0), STEADIEST)
        keep[i] = (
            tracks.existence[i] >= floor
            and is_within_coast(at_us - tracks.updated_at_us[i], updates, coast_max_s)
            and math.isfinite(g.sum())
            and g[6] + g[8] < known_m**2
        )
    return confirmed


@kernel
def compact(tracks: Tracks, keep: BoolArray, count: int, total: int) -> Tracks:
    """The table without the tracks that go: rows 0..count by ``keep``, all from there to ``total``.

    Rows move down in place: old tracks stand first and stay, so little moves. The modes of those gone stay where they
    are, unused: the next prediction leaves them behind.
    """
    stay, first = np.empty(total, np.int64), 0
    while first < count and keep[first]:
        first += 1
    kept = first
    for i in range(first, total):
        if i >= count or keep[i]:
            stay[kept] = i
            kept += 1
    stay, lookers, levels = stay[:kept], tracks.echo.shape[1], tracks.echo.shape[2]
    _move_numbers(tracks, stay, first)
    _move_rows(tracks.belief.gauss, stay, first)
    _move_rows(tracks.class_probability, stay, first)
    _move_rows(tracks.echo.reshape(len(tracks.echo), lookers * levels), stay, first)
    _move_rows(tracks.doubt, stay, first)
    _move_rows(tracks.habit, stay, first)
    return first_rows(tracks, tracks.belief, kept)


@leaf
def _move_numbers(tracks: Tracks, stay: IntArray, first: int) -> None:
    """Move the columns of one number each: row ``stay[k]`` to row k, from ``first`` on."""
    for to in range(first, len(stay)):
        i = stay[to]
        tracks.track_id[to] = tracks.track_id[i]
        tracks.number[to] = tracks.number[i]
        tracks.belief.bank[to] = tracks.belief.bank[i]
        tracks.existence[to] = tracks.existence[i]
        tracks.birth_existence[to] = tracks.birth_existence[i]
        tracks.is_confirmed[to] = tracks.is_confirmed[i]
        tracks.hidden[to] = tracks.hidden[i]
        tracks.started_at_us[to] = tracks.started_at_us[i]
        tracks.updated_at_us[to] = tracks.updated_at_us[i]
        tracks.update_count[to] = tracks.update_count[i]
        tracks.sensor_mask[to] = tracks.sensor_mask[i]
        tracks.claim_key[to] = tracks.claim_key[i]
        tracks.rcs_dbsm[to] = tracks.rcs_dbsm[i]


@leaf
def _move_rows(table: FloatArray, stay: IntArray, first: int) -> None:
    """The same for a column of several numbers each."""
    for to in range(first, len(stay)):
        old, new = number_row(table, stay[to]), number_row(table, to)
        for k in range(table.shape[1]):
            new[k] = old[k]


@kernel
def first_rows(tracks: Tracks, belief: Belief, count: int) -> Tracks:
    """The first ``count`` tracks of a table, with all modes of ``belief``; shares its arrays."""
    return Tracks(
        tracks.track_id[:count],
        tracks.number[:count],
        Belief(belief.gauss[:count], belief.bank[:count], belief.modes, belief.weight),
        tracks.existence[:count],
        tracks.birth_existence[:count],
        tracks.is_confirmed[:count],
        tracks.hidden[:count],
        tracks.started_at_us[:count],
        tracks.updated_at_us[:count],
        tracks.update_count[:count],
        tracks.sensor_mask[:count],
        tracks.claim_key[:count],
        tracks.rcs_dbsm[:count],
        tracks.class_probability[:count],
        tracks.echo[:count],
        tracks.doubt[:count],
        tracks.habit[:count],
    )
