"""How many false plots to expect where: a plan-view map each sensor learns from what nobody claimed."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from araz.tracking._kernel import leaf, part
from araz.tracking._measure import BEARING, POLAR, Detections
from araz.tracking._scratch import Scratch, cut_wholes
from araz.tracking._state import (
    CLUTTER_CELLS,
    HEIGHT_BIN_M,
    HEIGHT_BINS,
    LOWEST_BIN_M,
    RATE_BIN_MPS,
    RATE_BINS,
    Learned,
    View,
)
from araz.vocabulary import FloatArray

NEW_HEIGHT_M: Final = 1000.0
"""New targets are taken as even over this height: the low air a border radar is set to watch."""
RATE_SPAN_MPS: Final = 80.0
"""Range rates and velocities of new targets are taken as even over this span (two-way 40 m/s)."""
CLIMB_SPAN_MPS: Final = 20.0
PATIENCE_SCANS: Final = 10.0
MEMORY_SCANS: Final = 200.0
MEMORY_PLOTS: Final = 3000.0
"""The map starts as if it had seen PATIENCE_SCANS scans, and forgets over MEMORY_SCANS; the histograms of height and
range rate forget over MEMORY_PLOTS. More patience where plots are rare would help a slow target in an empty sky, but
let a radar that sends far more false plots than it states fill the picture with tracks."""
FLOOR: Final = 0.1
"""No cell falls below this share of the even spread: a quiet cell is not a clean one."""
FINER: Final = 2
CROWD: Final = 8.0
CROWD_TIMES: Final = 8.0
"""Plots of one look beyond so many in a quarter of a cell, and beyond so many times the mean of all quarters of the
disc, are waves, rain or a flock before they are as many targets;"""
CROWD_WHOLES: Final = (FINER * CLUTTER_CELLS) ** 2 // 2
"""Half a whole number counts the plots of a quarter."""
EDGE: Final = 0.5
"""and a quarter beside such a one may be so much of it: its edge lies somewhere in there."""


@leaf
def _bin(value: float, lowest: float, width: float, count: int) -> int:
    """Number of the bin that holds a value; the outermost take all beyond."""
    return int(min(max((value - lowest) / width, 0.0), count - 1.0))


@leaf
def _quarter(view: View, sensor: int, place: FloatArray, k: int) -> tuple[int, int]:
    """Row and column of a plot in the plan-view map with cells a quarter as large.

    Outside the map the nearest edge counts; a detection without a place, in the first.
    """
    radius, home = view.radius_m[sensor], view.origin[sensor]
    width, count = 2.0 * radius / (FINER * CLUTTER_CELLS), FINER * CLUTTER_CELLS
    if math.isnan(place[k, 0] + place[k, 1]):
        return 0, 0
    return _bin(place[k, 1] - home[1], -radius, width, count), _bin(place[k, 0] - home[0], -radius, width, count)


@leaf
def _bins(view: View, sensor: int, found: Detections, place: FloatArray, k: int) -> tuple[int, int, int, int]:
    """Row and column in the plan-view map (``_quarter``), bins of height and of range rate; -1 where not measured."""
    (north, east), high, fast = _quarter(view, sensor, place, k), -1, -1
    if not math.isnan(found.z[k, 2]) and found.kind != BEARING:
        high = _bin(place[k, 2] - view.origin[sensor, 2], LOWEST_BIN_M, HEIGHT_BIN_M, HEIGHT_BINS)
    if not math.isnan(found.z[k, 3]) and found.kind == POLAR:
        fast = _bin(found.z[k, 3], -0.5 * RATE_BINS * RATE_BIN_MPS, RATE_BIN_MPS, RATE_BINS)
    return north // FINER, east // FINER, high, fast


@part
def _crowds(view: View, sensor: int, place: FloatArray, scratch: Scratch) -> tuple[Any, float]:
    """How many plots this look has in each quarter of a cell, and beyond how many they are a crowd (inf: nowhere).

    People and receivers of claims report no false plots by the score: theirs never are.
    """
    (room, _), fullest = cut_wholes(scratch, CROWD_WHOLES), 0
    crowd = room.view(np.int32).reshape((FINER * CLUTTER_CELLS, FINER * CLUTTER_CELLS))
    room[:] = 0
    if view.is_voluntary[sensor]:
        return crowd, math.inf
    for k in range(len(place)):
        row, col = _quarter(view, sensor, place, k)
        crowd[row, col] += 1
        fullest = max(fullest, crowd[row, col])
    usual = max(CROWD, CROWD_TIMES * len(place) / (0.25 * math.pi * crowd.size))
    return crowd, usual if fullest > usual else math.inf


@leaf
def _crowd_at(crowd: Any, row: int, col: int) -> float:
    """How full a quarter of a cell may be: as it is, or as the edge of the fullest beside it."""
    most = 0.0
    for r in range(max(row - 1, 0), min(row + 2, len(crowd))):
        for c in range(max(col - 1, 0), min(col + 2, len(crowd))):
            most = max(most, crowd[r, c])
    full: float = max(crowd[row, col], EDGE * most)
    return full


@leaf
def densities(
    view: View,
    sensor: int,
    births_per_s: float,
    learned: Learned,
    found: Detections,
    place: FloatArray,
    clutter: FloatArray,
    birth: FloatArray,
    ground_density: FloatArray,
    scratch: Scratch,
) -> None:
    """Fill in the density of clutter and births at each detection [K] per unit of what is measured, of clutter per m^2.

    From the map's plots a square metre of ground: times the density of false plots by height where height is measured,
    by range rate where that is, both learned (new targets are even over both), and for polar plots times the Jacobian
    dx dy dz = r^2 cos(el) dr daz del (r dr daz where elevation is not measured). A bearing's density is even round the
    compass. A quarter of a cell that holds more plots in this look than the map has learned, by more than is usual, is
    as full as it now is.
    """
    mass, heights, rates = learned.mass, learned.heights, learned.rates
    radius, rate = view.radius_m[sensor], view.plots[sensor]
    cell_m2 = (2.0 * radius / CLUTTER_CELLS) ** 2
    disc = cell_m2 / (math.pi * radius**2)
    new = births_per_s * view.period_s[sensor] * disc
    all_high, all_fast = heights.sum(), rates.sum()
    crowd, usual = _crowds(view, sensor, place, scratch)
    for k in range(len(place)):
        if found.kind == BEARING:
            clutter[k] = rate / (2.0 * math.pi) / (1.0 if math.isnan(found.z[k, 1]) else 0.5 * math.pi)
            birth[k] = ground_density[k] = 0.0
            continue
        row, col, high, fast = _bins(view, sensor, found, place, k)
        per, false = 1.0 / cell_m2, 1.0
        if high >= 0:
            per /= NEW_HEIGHT_M
            false *= max(heights[high] / all_high, FLOOR / HEIGHT_BINS) / HEIGHT_BIN_M * NEW_HEIGHT_M
        if found.kind == POLAR:
            e, n, u = (
                place[k, 0] - found.origin[k, 0],
                place[k, 1] - found.origin[k, 1],
                place[k, 2] - found.origin[k, 2],
            )
            ground = max(math.sqrt(e * e + n * n), 1.0)
            reach = math.sqrt(ground * ground + u * u)
            per *= reach * ground if high >= 0 else reach
            if fast >= 0:
                per /= RATE_SPAN_MPS
                false *= max(rates[fast] / all_fast, FLOOR / RATE_BINS) / RATE_BIN_MPS * RATE_SPAN_MPS
        else:
            per /= 1.0 if math.isnan(found.z[k, 3]) else RATE_SPAN_MPS**2
            per /= 1.0 if math.isnan(found.z[k, 5]) else CLIMB_SPAN_MPS
        plots = max(mass[row, col], FLOOR * rate * disc)
        if usual < math.inf:
            north, east = _quarter(view, sensor, place, k)
            plots = max(plots, FINER**2 * (_crowd_at(crowd, north, east) - usual))
        clutter[k] = plots * false * per
        birth[k] = new * per
        ground_density[k] = plots / cell_m2


@leaf
def learn(
    view: View,
    sensor: int,
    sector: tuple[float, float],
    learned: Learned,
    found: Detections,
    place: FloatArray,
    unclaimed: FloatArray,
) -> None:
    """Learn, in place, from one complete scan whose detections had ``unclaimed`` mass [K] left over.

    The map is a running mean with forgetting: c <- c + (n - c) / min(PATIENCE + scans, MEMORY); of a sector (begin and
    width) it forgets the part that the sector is of a turn, and the turn counts where it goes over north. The
    histograms of height and range rate add up, scaled back to MEMORY_PLOTS.
    """
    mass, heights, rates = learned.mass, learned.heights, learned.rates
    gain = 1.0 / min(PATIENCE_SCANS + learned.scans[0], MEMORY_SCANS)
    keep = 1.0 - gain * min(sector[1] / (2.0 * math.pi), 1.0)
    for row in range(CLUTTER_CELLS):
        for col in range(CLUTTER_CELLS):
            mass[row, col] *= keep
    for k in range(len(place)):
        row, col, high, fast = _bins(view, sensor, found, place, k)
        mass[row, col] += gain * unclaimed[k]
        if high >= 0:
            heights[high] += unclaimed[k]
        if fast >= 0:
            rates[fast] += unclaimed[k]
    _fade(heights)
    _fade(rates)
    if sector[0] + sector[1] >= 2.0 * math.pi:
        learned.scans[0] += 1.0


@leaf
def _fade(plots: FloatArray) -> None:
    """Scale a histogram back to MEMORY_PLOTS, in place."""
    keep = min(1.0, MEMORY_PLOTS / plots.sum())
    for k in range(len(plots)):
        plots[k] *= keep
