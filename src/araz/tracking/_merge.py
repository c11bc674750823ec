"""Two tracks of one target: the younger goes."""

from __future__ import annotations

import math
from typing import Final

from araz.tracking._gauss import DIAGONAL
from araz.tracking._grid import Plan, around, bits_before, plan_grid, stretch
from araz.tracking._kernel import leaf
from araz.tracking._rows import LANES, NumberRow, bits_above, eight, lowest_bit, number_row
from araz.tracking._scratch import Scratch, cut_flags, cut_table
from araz.tracking._state import Tracks
from araz.vocabulary import BoolArray, FloatArray, IntArray

MERGE_DISTANCE2: Final = 1.0
"""Squared statistical distance of two whole states (six components) below which they are one target."""
MERGE_REACH_M: Final = 200.0


@leaf
def _distance2(a: FloatArray, b: FloatArray, work: FloatArray) -> float:
    """Squared statistical distance of two tracks [27], gap^T (P_a + P_b)^-1 gap, by Cholesky; ``work`` is [6, 7]."""
    total, q = 0.0, 6
    for r in range(6):
        for c in range(r + 1):
            value = a[q] + b[q]
            q += 1
            for k in range(c):
                value -= work[r, k] * work[c, k]
            work[r, c] = math.sqrt(max(value, 1e-12)) if r == c else value / work[c, c]
        gap = a[r] - b[r]
        for k in range(r):
            gap -= work[r, k] * work[k, 6]
        work[r, 6] = gap / work[r, r]
        total += work[r, 6] ** 2
    return total


@leaf
def merge(tracks: Tracks, moments: FloatArray, rows: IntArray, keep: BoolArray, scratch: Scratch) -> None:
    """Keep no longer the tracks that are an older one's double; the older inherits claim and sensors, in place.

    Tracks claiming different things never merge. ``rows`` are in order of birth, so the lower is the older.
    """
    count = len(rows)
    if count < 2:
        return
    work, scratch = cut_table(scratch, 6, 7)
    near, scratch = cut_table(scratch, count + 1, 6)
    plan, scratch = cut_table(scratch, 4, count + LANES)
    gone, scratch = cut_flags(scratch, len(moments))
    for k in range(count):
        plan[0, k], plan[1, k] = moments[rows[k], 0], moments[rows[k], 1]
        gone[rows[k]] = False
    grid, _ = plan_grid(plan[0, :count], plan[1, :count], MERGE_REACH_M, scratch)
    _merge(tracks, moments, rows, grid, near, plan, gone, work, keep)


@leaf
def _merge(
    tracks: Tracks,
    moments: FloatArray,
    rows: IntArray,
    grid: Plan,
    near: FloatArray,
    plan: FloatArray,
    gone: BoolArray,
    work: FloatArray,
    keep: BoolArray,
) -> None:
    """``merge``; ``gone`` are the doubles found so far.

    Scratch are ``near`` [count + 1, 6], places and their variances as the grid orders them, and ``plan`` [4, count +
    LANES], the same in plan: eight at once cost as one, and most are too far.
    """
    for place in range(len(grid.order)):
        _place(number_row(moments, rows[grid.order[place]]), number_row(near, place))
        plan[0, place], plan[1, place] = near[place, 0], near[place, 1]
        plan[2, place], plan[3, place] = near[place, 3], near[place, 4]
    own = number_row(near, len(rows))
    east, north, var_e, var_n = number_row(plan, 0), number_row(plan, 1), number_row(plan, 2), number_row(plan, 3)
    for i in rows:
        if gone[i]:
            continue
        _place(number_row(moments, i), own)
        cells = around(grid, moments[i, 0], moments[i, 1])
        for row in range(cells.row, cells.to_row, cells.step):
            begin, end = stretch(grid, cells, row)
            for start in range(begin, end, LANES):
                by_e, by_n = eight(east, start) - own[0], eight(north, start) - own[1]
                far = bits_above(by_e * by_e, MERGE_DISTANCE2 * (eight(var_e, start) + own[3]))
                far |= bits_above(by_n * by_n, MERGE_DISTANCE2 * (eight(var_n, start) + own[4]))
                bits = ~far & bits_before(start, end)
                while bits != 0:
                    place, bits = start + lowest_bit(bits), bits & (bits - 1)
                    if not _is_near(own, number_row(near, place)):
                        continue
                    j = rows[grid.order[place]]
                    mine, its = tracks.claim_key[i], tracks.claim_key[j]
                    if j <= i or gone[j] or (mine != 0 and its != 0 and mine != its):
                        continue
                    if _distance2(moments[i], moments[j], work) >= MERGE_DISTANCE2:
                        continue
                    gone[j], keep[j] = True, False
                    _inherit(tracks, i, j)


@leaf
def _place(g: NumberRow, out: NumberRow) -> None:
    """Fill ``out`` [6] with the position of a track g [27] and its variances."""
    for axis in range(3):
        out[axis], out[3 + axis] = g[axis], g[DIAGONAL[axis]]


@leaf
def _is_near(a: NumberRow, b: NumberRow) -> bool:
    """Whether two tracks could be one by their places: cheap, and never against the exact test."""
    for axis in range(3):
        gap = a[axis] - b[axis]
        if abs(gap) > MERGE_REACH_M or gap * gap > MERGE_DISTANCE2 * (a[3 + axis] + b[3 + axis]):
            return False
    return True


@leaf
def _inherit(tracks: Tracks, elder: int, younger: int) -> None:
    tracks.existence[elder] = max(tracks.existence[elder], tracks.existence[younger])
    tracks.updated_at_us[elder] = max(tracks.updated_at_us[elder], tracks.updated_at_us[younger])
    tracks.sensor_mask[elder] |= tracks.sensor_mask[younger]
    if tracks.claim_key[elder] == 0:
        tracks.claim_key[elder] = tracks.claim_key[younger]
