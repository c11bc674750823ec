"""The end of a look: who is confirmed, hidden, merged or gone, and the new ones join."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._classify import ClassTable, classify
from araz.tracking._gauss import WIDTH, collapse
from araz.tracking._merge import merged_into
from araz.tracking._motion import MANOEUVRE
from araz.tracking._sight import is_hidden
from araz.tracking._state import Tracks, View
from araz.vocabulary import BoolArray, FloatArray

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


@njit(cache=True, error_model="numpy")
def is_within_coast(age_us: int, update_count: int, coast_max_s: float) -> bool:
    """Whether somebody observed a track within the last ``coast_max_s``, or its share if it is hardly known."""
    return age_us <= coast_max_s * 1e6 * min(update_count / KNOWN_UPDATES, 1.0)


@njit(cache=True, error_model="numpy")
def close(
    view: View,
    tracks: Tracks,
    at_us: int,
    detected: FloatArray,
    ground_up_m: float,
    knobs: tuple[float, float, float],
    table: ClassTable,
) -> tuple[BoolArray, BoolArray, FloatArray]:
    """Confirm, classify, hide and merge the tracks in place; who stays [N], who is newly confirmed, moments [N, 27].

    ``knobs`` are confirm_existence, delete_existence and coast_max_s of the settings.
    """
    confirm, delete, coast_max_s = knobs
    moments = collapse(tracks.gauss, tracks.weight)
    count = len(moments)
    keep, fresh, grown = np.zeros(count, np.bool_), np.zeros(count, np.bool_), np.zeros(count, np.int64)
    confirmed = 0
    for i in range(count):
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
    rows = grown[:confirmed]
    seen = rows[detected[rows] >= 0.5]
    classify(table, tracks.class_probability, tracks.habit, seen, moments, tracks.rcs_dbsm, ground_up_m, at_us)
    for j in merged_into(tracks, moments, rows):
        keep[j] = False
    return keep, fresh & keep, moments


@njit(cache=True, error_model="numpy")
def compact(tracks: Tracks, keep: BoolArray, count: int, total: int, moments: FloatArray) -> tuple[Tracks, FloatArray]:
    """The table without the tracks that go: rows 0..count by ``keep``, all from there to ``total``; with the moments.

    Rows move down in place: old tracks stand first and stay, so little moves. New tracks' moments are their own.
    """
    out, to = np.empty((total, WIDTH)), 0
    for i in range(total):
        if i < count and not keep[i]:
            continue
        out[to] = moments[i] if i < count else tracks.gauss[i, MANOEUVRE]
        if to != i:
            _move(tracks, i, to)
        to += 1
    return first_rows(tracks, to), out[:to]


@njit(cache=True, error_model="numpy")
def _move(tracks: Tracks, i: int, to: int) -> None:
    tracks.track_id[to] = tracks.track_id[i]
    tracks.number[to] = tracks.number[i]
    tracks.gauss[to] = tracks.gauss[i]
    tracks.weight[to] = tracks.weight[i]
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
    tracks.class_probability[to] = tracks.class_probability[i]
    tracks.echo[to] = tracks.echo[i]
    tracks.doubt[to] = tracks.doubt[i]
    tracks.habit[to] = tracks.habit[i]


@njit(cache=True, error_model="numpy")
def first_rows(tracks: Tracks, count: int) -> Tracks:
    """The first ``count`` tracks of a table; shares its arrays."""
    return Tracks(
        tracks.track_id[:count],
        tracks.number[:count],
        tracks.gauss[:count],
        tracks.weight[:count],
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
