"""Neighbours in plan: the groups of cells give what a table of all cells gives."""

import numpy as np
import pytest

from araz.tracking._grid import MOST_CELLS, cells_of_row, extent, grid_of, plan_grid, row_of_cells

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
    plan, whole = plan_grid(east, north, REACH_M), grid_of(east, north, limits, *sides)
    assert [plan.count0, plan.count1] == sides
    np.testing.assert_array_equal(plan.order, whole.order)
    rng = np.random.default_rng(1)
    for _ in range(300):
        row, col = int(rng.integers(plan.count0)), int(rng.integers(plan.count1))
        to_col = min(col + int(rng.integers(1, 4)), plan.count1)
        assert cells_of_row(plan, row, col, to_col) == row_of_cells(whole, row, col, to_col)
