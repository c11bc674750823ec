"""The end of a look: who is confirmed, hidden, merged or gone, and the new ones join."""

from __future__ import annotations

import math
from typing import Any, Final

from araz.tracking._classify import LIVED_COUNT
from araz.tracking._gauss import SPACE, WIDTH
from araz.tracking._kernel import leaf, part
from araz.tracking._merge import merge
from araz.tracking._motion import Belief, overall
from araz.tracking._rows import copy_row, number_row
from araz.tracking._scratch import Scratch, cut_flags, cut_reals, cut_wholes
from araz.tracking._sight import is_hidden
from araz.tracking._state import ECHO_LEVELS, Tracks, View
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


@leaf
def close(
    view: View,
    tracks: Tracks,
    at_us: int,
    detected: FloatArray,
    knobs: tuple[float, float, float],
    keep: BoolArray,
    scratch: Scratch,
) -> int:
    """Confirm, hide and merge the tracks in place; fills in who stays [N], gives how many are newly confirmed.

    ``knobs`` are confirm_existence, delete_existence and coast_max_s of the settings.
    """
    space, scratch = cut_reals(scratch, SPACE)
    fresh, scratch = cut_flags(scratch, len(keep))
    grown, scratch = cut_wholes(scratch, len(keep))
    overall(tracks.belief, len(keep), space)
    rows = grown[: _judge(view, tracks, at_us, detected, knobs, keep, fresh, grown)]
    merge(tracks, tracks.belief.gauss, rows, keep, scratch)
    confirmed = 0
    for i in range(len(keep)):
        confirmed += fresh[i] and keep[i]
    return confirmed


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
    fresh[:] = False
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


@leaf
def staying(is_confirmed: BoolArray, keep: BoolArray, total: int, rows: IntArray) -> tuple[int, int]:
    """Fill in the rows of the tracks that stay; gives how many, and how many of them are confirmed.

    Of the first those that ``keep`` says, of the new ones behind them all up to row ``total``.
    """
    count, confirmed = 0, 0
    for i in range(total):
        if i >= len(keep) or keep[i]:
            rows[count] = i
            count += 1
            confirmed += is_confirmed[i]
    return count, confirmed


@leaf
def copy_tracks(old: Tracks, rows: IntArray, new: Tracks) -> None:
    """Copy row ``rows[k]`` of the tracks to row k.

    The modes of those gone stay where they are, unused: the next prediction leaves them behind.
    """
    _copy_numbers(old.track_id, rows, new.track_id)
    _copy_numbers(old.number, rows, new.number)
    _copy_numbers(old.belief.bank, rows, new.belief.bank)
    _copy_numbers(old.existence, rows, new.existence)
    _copy_numbers(old.birth_existence, rows, new.birth_existence)
    _copy_numbers(old.is_confirmed, rows, new.is_confirmed)
    _copy_numbers(old.hidden, rows, new.hidden)
    _copy_numbers(old.started_at_us, rows, new.started_at_us)
    _copy_numbers(old.updated_at_us, rows, new.updated_at_us)
    _copy_numbers(old.update_count, rows, new.update_count)
    _copy_numbers(old.sensor_mask, rows, new.sensor_mask)
    _copy_numbers(old.claim_key, rows, new.claim_key)
    _copy_numbers(old.rcs_dbsm, rows, new.rcs_dbsm)
    for k in range(len(rows)):
        copy_row(number_row(old.belief.gauss, rows[k]), WIDTH, number_row(new.belief.gauss, k))
        for s in range(old.doubt.shape[1]):
            new.doubt[k, s] = old.doubt[rows[k], s]
            for level in range(len(ECHO_LEVELS)):
                new.echo[k, s, level] = old.echo[rows[k], s, level]


@leaf
def _copy_numbers(old: Any, rows: IntArray, new: Any) -> None:
    for k in range(len(rows)):
        new[k] = old[rows[k]]


@leaf
def copy_lived(was: BoolArray, lived: FloatArray, rows: IntArray, confirmed: BoolArray, new: FloatArray) -> None:
    """Copy the rows of ``lived`` of the tracks that stay, confirmed before or just now, and the last one."""
    seen, source, to = 0, 0, 0
    for k in range(len(rows)):
        while seen < rows[k] and seen < len(was):
            source += was[seen]
            seen += 1
        if confirmed[k]:
            i = source if rows[k] < len(was) and was[rows[k]] else len(lived) - 1
            copy_row(number_row(lived, i), LIVED_COUNT, number_row(new, to))
            to += 1
    copy_row(number_row(lived, len(lived) - 1), LIVED_COUNT, number_row(new, to))


@part
def first_rows(tracks: Tracks, count: int) -> Tracks:
    """The first ``count`` tracks of a table, with all modes; shares its arrays."""
    belief = tracks.belief
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
        tracks.echo[:count],
        tracks.doubt[:count],
    )
