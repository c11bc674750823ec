"""Which detections could belong to which tracks: a grid in the sensor's own coordinates, then gate boxes."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from scipy.special import chdtri

from araz.tracking._gauss import PLACE, ROW
from araz.tracking._grid import Grid, bits_before, extent, grid_of, row_of_cells
from araz.tracking._kernel import leaf, part
from araz.tracking._measure import NEAREST_GROUND_M, POLAR, POSITION, Detections, azimuth_at, delay_s, linearise, wrap
from araz.tracking._rows import LANES, NumberRow, bits_above, eight, lowest_bit, number_row
from araz.tracking._scratch import Scratch, cut_reals, cut_table
from araz.vocabulary import FloatArray, IntArray

GATE_SLACK: Final = 2.0
"""Targets pull away harder than any mode says; where false plots are thin, a far plot is still more likely the target's
own than false or new. The gate only saves work: the odds decide."""
SAME_CLAIM_GATE: Final = 4.0
"""A detection claiming what the track already claims may lie this many times further out (squared distance)."""
SLACK: Final = 1.5
"""The first gate takes the track's overall moments; a mode of its own may reach further."""
LEAST_ODDS: Final = 1e-7
"""A pair that is less likely than this against \"missed, and clutter\" cannot change anything."""
ROOT_TWO_PI: Final = math.sqrt(2.0 * math.pi)
CELL_PLOTS: Final = 0.5
MOST_CELLS: Final = 128


@lru_cache(maxsize=16)
def gate_table(probability: float) -> FloatArray:
    """Squared distance that holds ``probability`` of the true detections, by number of components 0..6 (chi-square)."""
    return np.array([0.0, *(float(chdtri(k, 1.0 - probability)) for k in range(1, 7))])


@leaf
def describe(
    kind: int,
    moments: FloatArray,
    i: int,
    origin: FloatArray,
    j: int,
    h: FloatArray,
    jacobian: FloatArray,
    spread: FloatArray,
    rate: FloatArray,
) -> int:
    """Fill predicted components h, their covariance H P H^T [6, 6] and rates, of row i of moments; their number.

    ``jacobian`` [36] is scratch of one kind, zeros at first.
    """
    g, jac = number_row(moments, i), number_row(jacobian, 0)
    if kind == POSITION:  # the components are the state itself
        for c in range(6):
            h[c] = g[c]
            for d in range(c + 1):
                spread[c, d] = g[ROW[c] + d]
            rate[c] = g[3 + c] if c < 3 else 0.0
        return 6
    count = linearise(kind, g, number_row(origin, j), number_row(h, 0), jac)
    for c in range(count):
        last = 6 if c == 3 else 3  # range rate alone looks at velocity
        for a in range(last):
            total = 0.0
            for b in range(last):
                total += g[PLACE[a, b]] * jac[6 * c + b]
            jac[30 + a] = total
        for d in range(c + 1):
            total = 0.0
            for a in range(6 if d == 3 else 3):
                total += jac[6 * d + a] * jac[30 + a]
            spread[c, d] = total
        rate[c] = jac[6 * c] * g[3] + jac[6 * c + 1] * g[4] + jac[6 * c + 2] * g[5]
    return count


@leaf
def sketch(
    kind: int,
    g: FloatArray,
    i: int,
    origin: FloatArray,
    j: int,
    h: FloatArray,
    spread: FloatArray,
    rate: FloatArray,
) -> None:
    """Fill components 0 and 1 of row i of g, their variances and rates of change: enough to find the cells."""
    if kind == POSITION:
        h[0], h[1] = g[i, 0], g[i, 1]
        spread[0, 0], spread[1, 1] = g[i, 6], g[i, 8]
        rate[0], rate[1] = g[i, 3], g[i, 4]
        return
    e, n, u = g[i, 0] - origin[j, 0], g[i, 1] - origin[j, 1], g[i, 2] - origin[j, 2]
    ground2 = max(e * e + n * n, NEAREST_GROUND_M**2)
    one = 1.0 / math.sqrt(ground2 + u * u)
    a, b, c = e * one, n * one, u * one
    h[0], h[1] = 1.0 / one, math.atan2(e, n)
    spread[0, 0] = (
        a * a * g[i, 6]
        + b * b * g[i, 8]
        + c * c * g[i, 11]
        + 2.0 * (a * b * g[i, 7] + a * c * g[i, 9] + b * c * g[i, 10])
    )
    rate[0] = a * g[i, 3] + b * g[i, 4] + c * g[i, 5]
    a, b = n / ground2, -e / ground2
    spread[1, 1] = a * a * g[i, 6] + b * b * g[i, 8] + 2.0 * a * b * g[i, 7]
    rate[1] = a * g[i, 3] + b * g[i, 4]


@part
def _detection_grid(found: Detections, scratch: Scratch) -> tuple[Grid, Scratch]:
    """The detections by cell of components 0 and 1; about ``CELL_PLOTS`` in each, azimuth over the whole circle."""
    first, scratch = cut_reals(scratch, len(found.z))
    second, scratch = cut_reals(scratch, len(found.z))
    for k in range(len(found.z)):
        first[k], second[k] = found.z[k, 0], found.z[k, 1]
    limits = extent(first, second)
    if found.kind == POLAR:
        limits = (limits[0], limits[1], -math.pi, math.pi)
        for k in range(len(second)):
            second[k] = wrap(second[k])
    side = int(min(max(math.sqrt(len(first) / CELL_PLOTS), 1.0), MOST_CELLS))
    return grid_of(first, second, limits, side, side, scratch)


@leaf
def _likelihood(
    found: Detections,
    j: int,
    count: int,
    h: FloatArray,
    spread: FloatArray,
    rate: FloatArray,
    back_s: float,
    gate2: float,
    work: FloatArray,
) -> float:
    """Likelihood of detection j for a track's overall moments, -1 outside the gate; ``work`` [6, 7] is scratch.

    nu^T S^-1 nu and |S| by Cholesky over the measured components, S = H P H^T + R.
    """
    azimuth = azimuth_at(found.kind)
    distance2, volume, used = 0.0, 1.0, 0
    for c in range(2, count):  # most are out of the box by what the cells do not tell
        gap = found.z[j, c] - (h[c] - rate[c] * back_s)
        if c != azimuth and gap * gap > gate2 * (spread[c, c] + found.var[j, c]):
            return -1.0
    for c in range(count):
        noise = found.var[j, c]
        if math.isnan(noise):
            continue
        gap = found.z[j, c] - (h[c] - rate[c] * back_s)
        if c == azimuth:
            gap = wrap(gap)
        if gap * gap > gate2 * (spread[c, c] + noise):
            return -1.0
        total, at = spread[c, c] + noise, 0
        for d in range(c):
            if math.isnan(found.var[j, d]):
                continue
            value = spread[c, d]
            for k in range(at):
                value -= work[used, k] * work[at, k]
            work[used, at] = value / work[at, at]
            total -= work[used, at] ** 2
            gap -= work[used, at] * work[at, 6]
            at += 1
        root = math.sqrt(max(total, 1e-12 * noise))
        work[used, used], work[used, 6] = root, gap / root
        distance2 += work[used, 6] ** 2
        volume *= root * ROOT_TWO_PI
        if distance2 > gate2:
            return -1.0
        used += 1
    return math.exp(-0.5 * distance2) / volume


@leaf
def _cells(found: Detections, search: Search, moments: FloatArray, i: int, far2: float) -> tuple[int, int, int, int]:
    """First and last row and column of the cells the gate of track i touches; columns of azimuth may run past the end.

    Leaves ``sketch`` of the track in the scratch of ``search``. One cell where there is no grid.
    """
    if not search.gridded:
        return 0, 0, 0, 0
    grid, h, spread, rate = search.grid, search.h, search.spread, search.rate
    sketch(found.kind, moments, i, found.origin, 0, h, spread, rate)
    reach = math.sqrt(far2 * (spread[0, 0] + search.widest[0])) + abs(rate[0]) * search.oldest
    row0 = int(min(max(math.floor((h[0] - reach - grid.low0) / grid.width0), 0.0), grid.count0 - 1.0))
    row1 = int(min(math.floor((h[0] + reach - grid.low0) / grid.width0), grid.count0 - 1.0))
    reach = math.sqrt(far2 * (spread[1, 1] + search.widest[1])) + abs(rate[1]) * search.oldest
    left = math.floor((h[1] - reach - grid.low1) / grid.width1)
    right = math.floor((h[1] + reach - grid.low1) / grid.width1)
    if found.kind == POLAR:
        left = max(left, -grid.count1)
        right = min(right, left + grid.count1 - 1.0, 2.0 * grid.count1 - 1.0)
    else:
        left, right = min(max(left, 0.0), grid.count1 - 1.0), min(right, grid.count1 - 1.0)
    return row0, row1, int(left), int(right)


@leaf
def _widest(found: Detections, back_s: FloatArray) -> tuple[tuple[float, float], float, bool]:
    """Largest variance of components 0 and 1, age of the oldest detection, and whether any makes a claim."""
    widest0, widest1, oldest, has_claims = 0.0, 0.0, 0.0, False
    for j in range(len(found.z)):
        if not math.isnan(found.var[j, 0]):
            widest0 = max(widest0, found.var[j, 0])
        if not math.isnan(found.var[j, 1]):
            widest1 = max(widest1, found.var[j, 1])
        oldest = max(oldest, abs(back_s[j]))
        has_claims = has_claims or found.claim_key[j] != 0
    return (widest0, widest1), oldest, has_claims


@leaf
def _place_likelihood(
    g: NumberRow, z: NumberRow, var: NumberRow, rate0: float, rate1: float, back_s: float, gate2: float
) -> float:
    """``_likelihood`` of a place alone, of all three components: the same operations, written out."""
    n0, n1, n2 = var[0], var[1], var[2]
    t0, t1, t2 = g[6] + n0, g[8] + n1, g[11] + n2
    g0 = z[0] - (g[0] - rate0 * back_s)
    g1 = z[1] - (g[1] - rate1 * back_s)
    g2 = z[2] - (g[2] - g[5] * back_s)
    if g2 * g2 > gate2 * t2 or g0 * g0 > gate2 * t0 or g1 * g1 > gate2 * t1:
        return -1.0
    root0 = math.sqrt(max(t0, 1e-12 * n0))
    l10, l20, w0 = g[7] / root0, g[9] / root0, g0 / root0
    root1 = math.sqrt(max(t1 - l10**2, 1e-12 * n1))
    l21, w1 = (g[10] - l20 * l10) / root1, (g1 - l10 * w0) / root1
    root2 = math.sqrt(max(t2 - l20**2 - l21**2, 1e-12 * n2))
    w2 = (g2 - l20 * w0 - l21 * w1) / root2
    distance2 = w0**2 + w1**2 + w2**2
    if distance2 > gate2:
        return -1.0
    volume = root0 * ROOT_TWO_PI * (root1 * ROOT_TWO_PI) * (root2 * ROOT_TWO_PI)
    return math.exp(-0.5 * distance2) / volume


@leaf
def _are_places(found: Detections) -> bool:
    """Whether every detection is a place of three components and nothing else, seen at once."""
    if found.kind != POSITION:
        return False
    for k in range(len(found.z)):
        if math.isnan(found.var[k, 0] + found.var[k, 1] + found.var[k, 2]) or found.speed_mps[k] > 0.0:
            return False
        for c in range(3, 6):
            if not math.isnan(found.var[k, c]):
                return False
    return True


@leaf
def _look_likelihood(
    h: NumberRow, own: NumberRow, rate: NumberRow, z: NumberRow, var: NumberRow, back_s: float, gate2: float
) -> float:
    """``_likelihood`` of a radar's whole look, of all four components: the same operations, written out.

    ``own`` [36] is the covariance H P H^T by rows of six.
    """
    n0, n1, n2, n3 = var[0], var[1], var[2], var[3]
    t0, t1, t2, t3 = own[0] + n0, own[7] + n1, own[14] + n2, own[21] + n3
    g2, g3 = z[2] - (h[2] - rate[2] * back_s), z[3] - (h[3] - rate[3] * back_s)
    if g2 * g2 > gate2 * t2 or g3 * g3 > gate2 * t3:
        return -1.0
    g0, g1 = z[0] - (h[0] - rate[0] * back_s), wrap(z[1] - (h[1] - rate[1] * back_s))
    if g0 * g0 > gate2 * t0 or g1 * g1 > gate2 * t1:
        return -1.0
    root0 = math.sqrt(max(t0, 1e-12 * n0))
    l10, l20, l30, w0 = own[6] / root0, own[12] / root0, own[18] / root0, g0 / root0
    root1 = math.sqrt(max(t1 - l10**2, 1e-12 * n1))
    l21, l31, w1 = (own[13] - l20 * l10) / root1, (own[19] - l30 * l10) / root1, (g1 - l10 * w0) / root1
    root2 = math.sqrt(max(t2 - l20**2 - l21**2, 1e-12 * n2))
    l32, w2 = (own[20] - l30 * l20 - l31 * l21) / root2, (g2 - l20 * w0 - l21 * w1) / root2
    root3 = math.sqrt(max(t3 - l30**2 - l31**2 - l32**2, 1e-12 * n3))
    w3 = (g3 - l30 * w0 - l31 * w1 - l32 * w2) / root3
    distance2 = w0**2 + w1**2 + w2**2 + w3**2
    if distance2 > gate2:
        return -1.0
    volume = root0 * ROOT_TWO_PI * (root1 * ROOT_TWO_PI) * (root2 * ROOT_TWO_PI) * (root3 * ROOT_TWO_PI)
    return math.exp(-0.5 * distance2) / volume


@leaf
def _are_looks(found: Detections) -> bool:
    """Whether every detection is a radar's look of four components, seen at once."""
    if found.kind != POLAR:
        return False
    for k in range(len(found.z)):
        if math.isnan(found.var[k, 0] + found.var[k, 1] + found.var[k, 2] + found.var[k, 3]):
            return False
        if found.speed_mps[k] > 0.0:
            return False
    return True


class Search(NamedTuple):
    """What the search for pairs needs beside tracks and detections, and its scratch.

    ``near`` [5, K + LANES] are components 0 and 1, their variances and ages, as the grid orders the plots, so that
    those of a cell lie side by side, and eight at once cost as one. ``places``: see ``_are_places``, ``looks``:
    ``_are_looks``.
    """

    gridded: bool
    places: bool
    looks: bool
    grid: Grid
    near: FloatArray
    widest: tuple[float, float]
    oldest: float
    has_claims: bool
    h: FloatArray
    rate: FloatArray
    spread: FloatArray
    jac: FloatArray
    work: FloatArray


@part
def _search(found: Detections, back_s: FloatArray, scratch: Scratch) -> tuple[Search, Scratch]:
    (grid, scratch), (widest, oldest, has_claims) = _detection_grid(found, scratch), _widest(found, back_s)
    width = len(grid.order) + LANES
    room, scratch = cut_reals(scratch, 126)
    near, scratch = cut_table(scratch, 5, width)
    room[:] = 0.0
    for place in range(len(grid.order)):
        j = grid.order[place]
        for c in range(2):
            near[c, place], near[2 + c, place] = found.z[j, c], found.var[j, c]
        near[4, place] = back_s[j]
    gridded = found.kind == POSITION or (found.kind == POLAR and found.one_origin)
    rows = (room[:6], room[6:12], room[12:48].reshape((6, 6)), room[48:84], room[84:126].reshape((6, 7)))
    search = Search(gridded, _are_places(found), _are_looks(found), grid, near, widest, oldest, has_claims, *rows)
    return search, scratch


@leaf
def box_pairs(
    found: Detections,
    moments: FloatArray,
    track_key: IntArray,
    back_s: FloatArray,
    gate2: float,
    worth: FloatArray,
    density: FloatArray,
    track: IntArray,
    detection: IntArray,
    scratch: Scratch,
) -> int:
    """Fill in pairs (track, detection) [E] inside a wide gate and worth a thought, ordered by track; gives how many.

    Of those that find no room nothing else is told.

    ``moments`` [N, 27] are the tracks'. By these, a pair must lie within the gate times ``SLACK`` and its odds
    ``worth`` [N] = r pd / (1 - r pd) times likelihood over ``density`` [K] must reach ``LEAST_ODDS``. A track meets
    only the cells its gate touches, so cost grows with near pairs. Bearings, and scans seen from several places, are
    small: there every pair is looked at. Rows of a polar or position scan without components 0 and 1 pair with nothing.
    """
    if len(found.z) == 0:
        return 0
    search, _ = _search(found, back_s, scratch)
    return _pairs(found, moments, track_key, back_s, gate2, worth, density, search, track, detection)


class Box(NamedTuple):
    """Components 0 and 1 of a track, how fast they change, and their variances."""

    first: float
    second: float
    rate0: float
    rate1: float
    var0: float
    var1: float


@leaf
def _bits_near(search: Search, start: int, end: int, box: Box, far2: float, kind: int) -> int:
    """Which of the next ``LANES`` plots from ``start`` on, before ``end``, lie within ``far2`` by components 0 and 1.

    Squared distance; all of them where there is no grid. Bit k is plot ``start`` + k.
    """
    if not search.gridded:
        return bits_before(start, end)
    near, width = number_row(search.near, 0), search.near.shape[1]
    age = eight(near, 4 * width + start)
    gap = eight(near, start) - box.first + box.rate0 * age
    side = eight(near, width + start) - box.second + box.rate1 * age
    if kind == POLAR:
        side = wrap(side)
    far = bits_above(gap * gap, far2 * (box.var0 + eight(near, 2 * width + start)))
    far |= bits_above(side * side, far2 * (box.var1 + eight(near, 3 * width + start)))
    near_bits: int = ~far & bits_before(start, end)
    return near_bits


@leaf
def _cells_from(grid: Grid, row: int, col: int, last: int) -> tuple[int, int, int]:
    """Where the plots of a row's cells from ``col`` to ``last`` begin and end, and the column after; in two parts where
    azimuth begins anew.
    """
    from_col = col + grid.count1 if col < 0 else (col - grid.count1 if col >= grid.count1 else col)
    to_col = min(from_col + last - col + 1, grid.count1)
    begin, end = row_of_cells(grid, row, from_col, to_col)
    return begin, end, col + to_col - from_col


@leaf
def _pairs(
    found: Detections,
    moments: FloatArray,
    track_key: IntArray,
    back_s: FloatArray,
    gate2: float,
    worth: FloatArray,
    density: FloatArray,
    search: Search,
    track: IntArray,
    detection: IntArray,
) -> int:
    """``box_pairs`` of a scan that has detections."""
    h, rate, spread, grid, gridded = search.h, search.rate, search.spread, search.grid, search.gridded
    total = 0
    for i in range(len(moments)):
        count, mine = 0, track_key[i]
        far2 = gate2 * SLACK * (SAME_CLAIM_GATE if search.has_claims and mine != 0 else 1.0)
        row0, row1, col0, col1 = _cells(found, search, moments, i, far2)
        box = Box(h[0], h[1], rate[0], rate[1], spread[0, 0], spread[1, 1])
        for row in range(row0, row1 + 1):
            col = col0
            while col <= col1:
                begin, end, col = _cells_from(grid, row, col, col1) if gridded else (0, len(found.z), col + 1)
                start, bits = begin - LANES, 0
                while True:
                    while bits == 0 and start + LANES < end:
                        start += LANES
                        bits = _bits_near(search, start, end, box, far2, found.kind)
                    if bits == 0:
                        break
                    place, bits = start + lowest_bit(bits), bits & (bits - 1)
                    j = grid.order[place] if gridded else place
                    its = found.claim_key[j]
                    if mine != 0 and its != 0 and mine != its:
                        continue
                    same = mine != 0 and mine == its
                    wide, late_s = gate2 * SLACK * (SAME_CLAIM_GATE if same else 1.0), back_s[j]
                    g = number_row(moments, i)
                    if search.places:
                        z, var = number_row(found.z, j), number_row(found.var, j)
                        likelihood = _place_likelihood(g, z, var, box.rate0, box.rate1, late_s, wide)
                    else:
                        if count == 0 or not found.one_origin:
                            count = describe(found.kind, moments, i, found.origin, j, h, search.jac, spread, rate)
                        if found.speed_mps[j] > 0.0:
                            origin = number_row(found.origin, j)
                            late_s += delay_s(g, origin, late_s, found.speed_mps[j], 0, 1)
                        if search.looks:
                            z, var, own = number_row(found.z, j), number_row(found.var, j), number_row(spread, 0)
                            seen, moving = number_row(h, 0), number_row(rate, 0)
                            likelihood = _look_likelihood(seen, own, moving, z, var, late_s, wide)
                        else:
                            likelihood = _likelihood(found, j, count, h, spread, rate, late_s, wide, search.work)
                    if likelihood < 0.0 or (not same and worth[i] * likelihood < LEAST_ODDS * density[j]):
                        continue
                    if total < len(track):
                        track[total], detection[total] = i, j
                    total += 1
    return total
