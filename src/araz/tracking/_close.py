"""The end of a look: who is confirmed, hidden, merged or gone, and the new ones join."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from araz.tracking._classify import ClassTable, classify
from araz.tracking._merge import merged_into
from araz.tracking._motion import MANOEUVRE, collapse
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


@njit(cache=True)
def is_within_coast(age_us: int, update_count: int, coast_max_s: float) -> bool:
    """Whether somebody observed a track within the last ``coast_max_s``, or its share if it is hardly known."""
    return age_us <= coast_max_s * 1e6 * min(update_count / KNOWN_UPDATES, 1.0)


@njit(cache=True)
def close(
    view: View,
    tracks: Tracks,
    at_us: int,
    detected: FloatArray,
    ground_up_m: float,
    knobs: tuple[float, float, float],
    table: ClassTable,
) -> tuple[BoolArray, BoolArray, FloatArray, FloatArray]:
    """Confirm, classify, hide and merge the tracks in place; which stay [N], which are newly confirmed, their moments.

    ``knobs`` are confirm_existence, delete_existence and coast_max_s of the settings.
    """
    confirm, delete, coast_max_s = knobs
    mean, cov = collapse(tracks.mean, tracks.cov, tracks.weight)
    count = len(mean)
    keep, fresh, grown = np.zeros(count, np.bool_), np.zeros(count, np.bool_), np.zeros(count, np.int64)
    confirmed = 0
    for i in range(count):
        updates = tracks.update_count[i]
        sure = confirm if updates > CONFIRM_UPDATES else 1.0 - HASTE * (1.0 - confirm)
        if not tracks.is_confirmed[i] and updates >= CONFIRM_UPDATES and tracks.existence[i] >= sure:
            tracks.is_confirmed[i] = fresh[i] = True
        tracks.hidden[i] = tracks.is_confirmed[i] and is_hidden(view, mean[i], cov[i])
        known_m, floor = TENTATIVE_KNOWN_M, TENTATIVE_SHARE * tracks.birth_existence[i]
        if tracks.is_confirmed[i]:
            grown[confirmed] = i
            confirmed += 1
            known_m, floor = CONFIRMED_KNOWN_M, delete / min(max(updates / STEADY_UPDATES, 1.0), STEADIEST)
        keep[i] = (
            tracks.existence[i] >= floor
            and is_within_coast(at_us - tracks.updated_at_us[i], updates, coast_max_s)
            and np.isfinite(mean[i]).all()
            and cov[i, 0, 0] + cov[i, 1, 1] < known_m**2
        )
    rows = grown[:confirmed]
    seen = rows[detected[rows] >= 0.5]
    classify(table, tracks.class_probability, tracks.habit, seen, mean, cov, tracks.rcs_dbsm, ground_up_m, at_us)
    for j in merged_into(tracks, mean, cov, rows):
        keep[j] = False
    return keep, fresh & keep, mean, cov


@njit(cache=True)
def _joined(old: Any, keep: Any, new: Any) -> Any:
    out = np.empty((len(keep) + len(new), *old.shape[1:]), old.dtype)
    for i in range(len(keep)):
        out[i] = old[keep[i]]
    for i in range(len(new)):
        out[len(keep) + i] = new[i]
    return out


@njit(cache=True)
def join(
    tracks: Tracks, keep: IntArray, new: Tracks, mean: FloatArray, cov: FloatArray
) -> tuple[Tracks, FloatArray, FloatArray]:
    """The tracks at rows ``keep`` and the new ones, as new arrays, with the moments of all over their modes."""
    everyone = Tracks(
        _joined(tracks.track_id, keep, new.track_id),
        _joined(tracks.mean, keep, new.mean),
        _joined(tracks.cov, keep, new.cov),
        _joined(tracks.weight, keep, new.weight),
        _joined(tracks.existence, keep, new.existence),
        _joined(tracks.birth_existence, keep, new.birth_existence),
        _joined(tracks.is_confirmed, keep, new.is_confirmed),
        _joined(tracks.hidden, keep, new.hidden),
        _joined(tracks.started_at_us, keep, new.started_at_us),
        _joined(tracks.updated_at_us, keep, new.updated_at_us),
        _joined(tracks.update_count, keep, new.update_count),
        _joined(tracks.sensor_mask, keep, new.sensor_mask),
        _joined(tracks.claim_key, keep, new.claim_key),
        _joined(tracks.rcs_dbsm, keep, new.rcs_dbsm),
        _joined(tracks.class_probability, keep, new.class_probability),
        _joined(tracks.echo, keep, new.echo),
        _joined(tracks.doubt, keep, new.doubt),
        _joined(tracks.habit, keep, new.habit),
    )
    new_mean, new_cov = new.mean[:, MANOEUVRE].copy(), new.cov[:, MANOEUVRE].copy()
    return everyone, _joined(mean, keep, new_mean), _joined(cov, keep, new_cov)
