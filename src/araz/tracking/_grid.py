"""Points sorted into the cells of a grid, so that each looks only at its neighbours."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._kernel import leaf, part
from araz.tracking._rows import LANES, NumberRow, bits_above, eight
from araz.tracking._scratch import Scratch, cut_wholes
from araz.vocabulary import FloatArray, IntArray

MOST_CELLS: Final = 256
"""Cells along one side at most."""
GROUPS_A_POINT: Final = 1
FEW: Final = 64
"""Whole rows that hold no more points are sooner looked through eight at a time than by cells."""
ALL: Final = -1
"""Stands for the columns of whole rows."""


Extent = tuple[float, float, float, float]


class Grid(NamedTuple):
    """K points by cell: ``order[start[c]:start[c + 1]]`` lie in cell c; the second coordinate counts fastest."""

    order: IntArray
    start: IntArray
    low0: float
    low1: float
    width0: float
    width1: float
    count0: int
    count1: int


@leaf
def cell_of(value: float, low: float, width: float, count: int) -> int:
    """Number of the cell a value lies in; the outermost take all beyond."""
    return int(min(max((value - low) / width, 0.0), count - 1.0))


@part
def grid_of(
    first: FloatArray, second: FloatArray, limits: Extent, count0: int, count1: int, scratch: Scratch
) -> tuple[Grid, Scratch]:
    """Sort points (first, second) [K] into count0 x count1 cells over ``limits`` (low0, high0, low1, high1).

    Points with a coordinate NaN are left out. Counting sort: linear in points and cells.
    """
    width0 = max(limits[1] - limits[0], 1e-9) / count0
    width1 = max(limits[3] - limits[2], 1e-9) / count1
    cells = count0 * count1
    order, scratch = cut_wholes(scratch, len(first))
    start, scratch = cut_wholes(scratch, cells + 1)
    fill, rest = cut_wholes(scratch, cells + 1)
    cell, rest = cut_wholes(rest, len(first))
    start[:] = 0
    fill[0] = 0
    for k in range(len(first)):
        if math.isnan(first[k] + second[k]):
            cell[k] = -1
            continue
        row = cell_of(first[k], limits[0], width0, count0)
        cell[k] = row * count1 + cell_of(second[k], limits[2], width1, count1)
        start[cell[k] + 1] += 1
    for c in range(cells):
        start[c + 1] += start[c]
        fill[c + 1] = start[c + 1]
    for k in range(len(first)):
        if cell[k] >= 0:
            order[fill[cell[k]]] = k
            fill[cell[k]] += 1
    grid = Grid(order[: start[cells]], start, limits[0], limits[2], width0, width1, count0, count1)
    return grid, scratch


@leaf
def extent(first: FloatArray, second: FloatArray) -> Extent:
    """Lowest and highest of both coordinates (low0, high0, low1, high1), NaN left out; zeros where there is none."""
    low0, high0, low1, high1 = np.inf, -np.inf, np.inf, -np.inf
    for k in range(len(first)):
        if math.isnan(first[k] + second[k]):
            continue
        low0, high0 = min(low0, first[k]), max(high0, first[k])
        low1, high1 = min(low1, second[k]), max(high1, second[k])
    return (low0, high0, low1, high1) if low0 <= high0 else (0.0, 0.0, 0.0, 0.0)


@leaf
def row_of_cells(grid: Grid, row: int, from_col: int, to_col: int) -> tuple[int, int]:
    """Where in ``order`` the points of some neighbouring cells of one row begin and end."""
    first = row * grid.count1
    return grid.start[first + from_col], grid.start[first + to_col]


@leaf
def bits_within(first: NumberRow, second: NumberRow, start: int, end: int, e: float, n: float, reach2: float) -> int:
    """Which of the next ``LANES`` points from ``start`` on, before ``end``, are within a squared distance of (e, n).

    Bit k is point ``start`` + k. Eight at once cost as one: most points of the cells around are too far. The rows have
    ``LANES`` columns more than there are points.
    """
    by_e, by_n = eight(first, start) - e, eight(second, start) - n
    near: int = ~bits_above(by_e * by_e + by_n * by_n, reach2) & bits_before(start, end)
    return near


@leaf
def bits_before(start: int, end: int) -> int:
    """The bits of the next ``LANES`` points from ``start`` on that come before ``end``."""
    return (1 << min(end - start, LANES)) - 1


class Plan(NamedTuple):
    """K points by cell in plan: ``order`` by row, column and number, ``col`` [K] their columns in that order.

    ``start`` says where ``1 << shift`` neighbouring cells of a row begin, ``across`` such groups to a row: most cells
    are empty, and a table of all would cost more than to look through a group.
    """

    order: IntArray
    col: IntArray
    start: IntArray
    shift: int
    across: int
    low0: float
    low1: float
    width0: float
    width1: float
    count0: int
    count1: int


@part
def plan_grid(east: FloatArray, north: FloatArray, reach_m: float, scratch: Scratch) -> tuple[Plan, Scratch]:
    """A grid in plan whose cells are at least ``reach_m`` wide: neighbours lie in the 3 x 3 cells around a point.

    Points with a coordinate NaN are left out. Two counting sorts, by column and by group: linear in points. Cuts
    ``plan_wholes`` at most.
    """
    limits = extent(east, north)
    count0 = int(min(max((limits[1] - limits[0]) / reach_m, 1.0), MOST_CELLS))
    count1 = int(min(max((limits[3] - limits[2]) / reach_m, 1.0), MOST_CELLS))
    width0 = max(limits[1] - limits[0], 1e-9) / count0
    width1 = max(limits[3] - limits[2], 1e-9) / count1
    shift = 0
    while count1 >> shift > 0 and count0 * ((count1 >> shift) + 1) > GROUPS_A_POINT * len(east):
        shift += 1
    across = (count1 >> shift) + 1
    points, groups = len(east), count0 * across
    order, scratch = cut_wholes(scratch, points)
    cols, scratch = cut_wholes(scratch, points)
    start, scratch = cut_wholes(scratch, groups + 2)
    col_start, rest = cut_wholes(scratch, count1 + 1)
    group, rest = cut_wholes(rest, points)
    col, rest = cut_wholes(rest, points)
    by_col, rest = cut_wholes(rest, points)
    start[:] = 0
    col_start[:] = 0
    for k in range(len(east)):
        group[k] = -1
        if not math.isnan(east[k] + north[k]):
            col[k] = cell_of(north[k], limits[2], width1, count1)
            group[k] = cell_of(east[k], limits[0], width0, count0) * across + (col[k] >> shift)
            start[group[k] + 2] += 1
            col_start[col[k] + 1] += 1
    for c in range(1, len(start)):
        start[c] += start[c - 1]
    for c in range(1, len(col_start)):
        col_start[c] += col_start[c - 1]
    for k in range(len(east)):
        if group[k] >= 0:
            by_col[col_start[col[k]]] = k
            col_start[col[k]] += 1
    count = start[groups + 1]
    for place in range(count):
        k = by_col[place]
        to = start[group[k] + 1]
        order[to], cols[to] = k, col[k]
        start[group[k] + 1] += 1
    sides = (limits[0], limits[2], width0, width1, count0, count1)
    return Plan(order[:count], cols[:count], start[: groups + 1], shift, across, *sides), scratch


@leaf
def plan_wholes(points: int) -> int:
    """Whole numbers that ``plan_grid`` cuts of a scratch at most."""
    return 5 * points + max(GROUPS_A_POINT * points, MOST_CELLS) + MOST_CELLS + 3


class Around(NamedTuple):
    """Rows and columns, each from and up to, of the 3 x 3 cells around a point, and how many rows are a ``stretch``.

    Where the rows hold few points they are one stretch of ALL columns: their points stand one after the other.
    """

    row: int
    to_row: int
    step: int
    col: int
    to_col: int


@leaf
def around(plan: Plan, first: float, second: float) -> Around:
    """The cells around a point: go through ``range(row, to_row, step)``, each a ``stretch``."""
    middle = cell_of(first, plan.low0, plan.width0, plan.count0)
    row, to_row = max(middle - 1, 0), min(middle + 2, plan.count0)
    if plan.start[to_row * plan.across] - plan.start[row * plan.across] <= FEW:
        return Around(row, to_row, to_row - row, ALL, ALL)
    col = cell_of(second, plan.low1, plan.width1, plan.count1)
    return Around(row, to_row, 1, max(col - 1, 0), min(col + 2, plan.count1))


@leaf
def stretch(plan: Plan, near: Around, row: int) -> tuple[int, int]:
    """Where in ``order`` the points of the next rows of some cells begin and end."""
    if near.col == ALL:
        return plan.start[row * plan.across], plan.start[near.to_row * plan.across]
    return cells_of_row(plan, row, near.col, near.to_col)


@leaf
def cells_of_row(plan: Plan, row: int, from_col: int, to_col: int) -> tuple[int, int]:
    """Where in ``order`` the points of some neighbouring cells of one row begin and end."""
    first = row * plan.across
    begin, last = plan.start[first + (from_col >> plan.shift)], plan.start[first + plan.across]
    while begin < last and plan.col[begin] < from_col:
        begin += 1
    end = max(plan.start[first + (to_col >> plan.shift)], begin)
    while end < last and plan.col[end] < to_col:
        end += 1
    return begin, end
