"""Neighbours in plan: the groups of cells give what a table of all cells gives."""

import numpy as np
import pytest
from numba import njit

from araz.tracking._grid import MOST_CELLS, around, cells_of_row, extent, grid_of, plan_grid, plan_wholes, row_of_cells
from araz.tracking._grid import stretch as stretch_of
from araz.tracking._scratch import scratch_of

REACH_M = 200.0


def sky(seed: int, count: int, east_m: float, north_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Points over a rectangle, some of them on the edges of cells and some without a place."""
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(0.0, east_m, count), rng.normal(0.0, 0.25 * north_m, count)
    east[: count // 3] = np.round(east[: count // 3], -2)
    north[count // 2 : count // 2 + count // 9] = np.nan
    return east, north


@pytest.mark.parametrize(("east_m", "north_m"), [(2e4, 2e4), (100.0, 3e4), (3e4, 100.0), (2e3, 2e3), (2e5, 2e5)])
@pytest.mark.parametrize("count", [0, 1, 40, 3000])
def test_groups_of_cells_hold_what_a_table_of_all_cells_holds(count, east_m, north_m):
    east, north = sky(count, count, east_m, north_m)
    limits = extent(east, north)
    sides = [int(min(max((limits[k + 1] - limits[k]) / REACH_M, 1.0), MOST_CELLS)) for k in (0, 2)]
    rng = np.random.default_rng(1)
    row, col = rng.integers(sides[0], size=300), rng.integers(sides[1], size=300)
    cells = np.column_stack((row, col, np.minimum(col + rng.integers(1, 4, 300), sides[1])))
    order, ends = np.full((2, count), -1), np.full((2, 300, 2), -1)
    scratch = scratch_of(0, plan_wholes(count) + 2 * (sides[0] * sides[1] + 1 + count), 0)
    assert by_both(east, north, limits, *sides, cells, order, ends, scratch)
    np.testing.assert_array_equal(order[0], order[1])
    np.testing.assert_array_equal(ends[0], ends[1])


@njit(_nrt=False)  # not cached: the cache would follow this file, not what it calls
def by_both(east, north, limits, count0, count1, cells, order, ends, scratch):
    """Points in order, and where those of some cells begin and end, by groups and by a table of all cells."""
    plan, scratch = plan_grid(east, north, REACH_M, scratch)
    whole, scratch = grid_of(east, north, limits, count0, count1, scratch)
    for k in range(len(plan.order)):
        order[0, k] = plan.order[k]
    for k in range(len(whole.order)):
        order[1, k] = whole.order[k]
    for q in range(len(cells)):
        ends[0, q] = cells_of_row(plan, cells[q, 0], cells[q, 1], cells[q, 2])
        ends[1, q] = row_of_cells(whole, cells[q, 0], cells[q, 1], cells[q, 2])
    return plan.count0 == count0 and plan.count1 == count1


@njit(_nrt=False)  # not cached: the cache would follow this file, not what it calls
def neighbours(east, north, near, scratch):
    """Mark in ``near`` [K, K] which points are among those looked through for each; gives the longest stretch."""
    plan, longest = plan_grid(east, north, REACH_M, scratch)[0], 0
    for k in range(len(east)):
        cells = around(plan, east[k], north[k])
        for row in range(cells.row, cells.to_row, cells.step):
            begin, end = stretch_of(plan, cells, row)
            longest = max(longest, end - begin)
            for place in range(begin, end):
                near[k, plan.order[place]] += 1
    return longest


@pytest.mark.parametrize(("east_m", "north_m"), [(2e4, 2e4), (100.0, 3e4), (3e4, 100.0), (2e3, 2e3)])
@pytest.mark.parametrize("count", [2, 60, 900])
def test_whole_rows_or_cells_hold_every_neighbour_once(count, east_m, north_m):
    """Against all distances: who is within reach is looked at, nobody twice, and not everybody where there are many."""
    east, north = sky(count, count, east_m, north_m)
    placed = np.isfinite(north)
    east, north = east[placed], north[placed]
    near = np.zeros((len(east), len(east)), np.int64)
    longest = neighbours(east, north, near, scratch_of(0, plan_wholes(len(east)), 0))
    within = np.hypot(east[:, None] - east, north[:, None] - north) <= REACH_M
    assert near.max() == 1
    assert (near[within] == 1).all()
    assert longest <= 64 or max(east_m, north_m) < 3e4
