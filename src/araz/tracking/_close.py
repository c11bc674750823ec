"""The end of a look: who is confirmed, hidden, merged or gone, and the new ones join."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from araz.tracking._classify import Likelihoods, classify
from araz.tracking._gauss import space
from araz.tracking._kernel import kernel, leaf
from araz.tracking._merge import merged_into
from araz.tracking._motion import Belief, overall
from araz.tracking._rows import number_row
from araz.tracking._sight import is_hidden
from araz.tracking._state import Tracks, View, reals, tracks_in
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
    table: Likelihoods,
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
def kept(tracks: Tracks, keep: BoolArray, total: int) -> tuple[IntArray, BoolArray, FloatArray]:
    """``whole``, ``flag`` and ``real`` of the ``Table`` without the tracks that go.

    Of the old ones those that ``keep`` says stay, of the others all up to row ``total``. The modes of those gone stay
    where they are, unused: the next prediction leaves them behind.
    """
    rows, count = np.empty(total, np.int64), 0
    for i in range(total):
        if i >= len(keep) or keep[i]:
            rows[count] = i
            count += 1
    rows, lookers, levels = rows[:count], tracks.echo.shape[1], tracks.echo.shape[2]
    whole, flag, real = np.empty((8, count), np.int64), np.empty((2, count), np.bool_), np.empty(count * reals(lookers))
    new = tracks_in(lookers, whole, flag, real, tracks.belief.modes, tracks.belief.weight)
    _copy_numbers(tracks, rows, new)
    _copy_rows(tracks.belief.gauss, rows, new.belief.gauss)
    _copy_rows(tracks.class_probability, rows, new.class_probability)
    _copy_rows(tracks.echo.reshape(len(tracks.echo), lookers * levels), rows, new.echo.reshape(count, lookers * levels))
    _copy_rows(tracks.doubt, rows, new.doubt)
    _copy_rows(tracks.habit, rows, new.habit)
    return whole, flag, real


@leaf
def _copy_numbers(old: Tracks, rows: IntArray, new: Tracks) -> None:
    """Copy the columns of one number each: row ``rows[k]`` to row k."""
    for to in range(len(rows)):
        i = rows[to]
        new.track_id[to] = old.track_id[i]
        new.number[to] = old.number[i]
        new.belief.bank[to] = old.belief.bank[i]
        new.existence[to] = old.existence[i]
        new.birth_existence[to] = old.birth_existence[i]
        new.is_confirmed[to] = old.is_confirmed[i]
        new.hidden[to] = old.hidden[i]
        new.started_at_us[to] = old.started_at_us[i]
        new.updated_at_us[to] = old.updated_at_us[i]
        new.update_count[to] = old.update_count[i]
        new.sensor_mask[to] = old.sensor_mask[i]
        new.claim_key[to] = old.claim_key[i]
        new.rcs_dbsm[to] = old.rcs_dbsm[i]


@leaf
def _copy_rows(old: FloatArray, rows: IntArray, new: FloatArray) -> None:
    """The same for a column of several numbers each."""
    for to in range(len(rows)):
        source, out = number_row(old, rows[to]), number_row(new, to)
        for k in range(old.shape[1]):
            out[k] = source[k]


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
