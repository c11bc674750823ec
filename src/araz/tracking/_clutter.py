"""How many false plots to expect where: a plan-view map each sensor learns from what nobody claimed."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from araz.tracking._measure import BEARING, POLAR, Detections
from araz.tracking._state import (
    CLUTTER_CELLS,
    HEIGHT_BIN_M,
    HEIGHT_BINS,
    LOWEST_BIN_M,
    RATE_BIN_MPS,
    RATE_BINS,
    State,
    clutter_rate,
    sensor_radius_m,
)
from araz.vocabulary import FloatArray, IntArray

NEW_HEIGHT_M: Final = 1000.0
"""New targets are taken as even over this height: the low air a border radar is set to watch."""
RATE_SPAN_MPS: Final = 80.0
"""Range rates and velocities of new targets are taken as even over this span (two-way 40 m/s)."""
CLIMB_SPAN_MPS: Final = 20.0
PATIENCE_SCANS: Final = 10
MEMORY_SCANS: Final = 200
MEMORY_PLOTS: Final = 3000.0
"""The map starts as if it had seen PATIENCE_SCANS scans, and forgets over MEMORY_SCANS; the histograms of height and
range rate forget over MEMORY_PLOTS."""
FLOOR: Final = 0.1
"""No cell falls below this share of the even spread: a quiet cell is not a clean one."""


def cells_of(state: State, sensor: int, place: FloatArray) -> IntArray:
    """Flat cell number [K] in a sensor's clutter map; outside, the nearest edge cell; no place, cell 0."""
    radius = float(sensor_radius_m(state.sensors)[sensor])
    origin = state.sensors.origin_enu_m[sensor]
    scale = CLUTTER_CELLS / (2.0 * radius)
    at = (place[:, :2] - origin[:2] + radius) * scale
    at = np.where(np.isnan(at), 0.0, np.minimum(np.maximum(at, 0.0), CLUTTER_CELLS - 1)).astype(np.int64)
    return np.asarray(at[:, 1] * CLUTTER_CELLS + at[:, 0])


def densities(
    state: State, sensor: int, found: Detections, position: FloatArray, cell: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Density of clutter and of births at each detection [K], per unit of the measured components.

    From the map's plots a square metre of ground: times the density of false plots by height where height is measured,
    by range rate where that is, both learned (new targets are even over both), and for polar plots times the Jacobian
    dx dy dz = r^2 cos(el) dr daz del (r dr daz where elevation is not measured). A bearing's density is even round the
    compass.
    """
    measured = ~np.isnan(found.z)
    births = state.births_per_s * max(float(np.nan_to_num(state.sensors.period_s[sensor], nan=1.0)), 0.1)
    rate = float(clutter_rate(state.sensors)[sensor])
    if found.kind == BEARING:
        even = np.full(len(found.z), 1.0 / (2.0 * math.pi))
        even = np.where(measured[:, 1], even / (0.5 * math.pi), even)
        return rate * even, 0.0 * even
    radius = float(sensor_radius_m(state.sensors)[sensor])
    cell_m2 = (2.0 * radius / CLUTTER_CELLS) ** 2
    disc = cell_m2 / (math.pi * radius**2)
    mass = np.maximum(state.clutter_mass[sensor].ravel()[cell], FLOOR * rate * disc)
    per = np.full(len(found.z), 1.0 / cell_m2)
    high, fast = _bins(state, sensor, found, position)
    false = np.where(measured[:, 2], _share(state.clutter_heights[sensor], high) / HEIGHT_BIN_M * NEW_HEIGHT_M, 1.0)
    per = np.where(measured[:, 2], per / NEW_HEIGHT_M, per)
    if found.kind == POLAR:
        offset = position - found.origin
        ground = np.maximum(np.hypot(offset[:, 0], offset[:, 1]), 1.0)
        reach = np.sqrt(ground**2 + offset[:, 2] ** 2)
        per = per * np.where(measured[:, 2], reach * ground, reach)
        per = np.where(measured[:, 3], per / RATE_SPAN_MPS, per)
        wild = _share(state.clutter_rates[sensor], fast) / RATE_BIN_MPS * RATE_SPAN_MPS
        false = np.where(measured[:, 3], false * wild, false)
    else:
        per = np.where(measured[:, 3], per / RATE_SPAN_MPS**2, per)
        per = np.where(measured[:, 5], per / CLIMB_SPAN_MPS, per)
    return mass * false * per, births * disc * per


def _bins(state: State, sensor: int, found: Detections, place: FloatArray) -> tuple[IntArray, IntArray]:
    """Bin numbers [K] of height over the sensor and of range rate; where not measured, any."""
    height = np.nan_to_num(place[:, 2] - state.sensors.origin_enu_m[sensor, 2])
    high = np.clip((height - LOWEST_BIN_M) / HEIGHT_BIN_M, 0, HEIGHT_BINS - 1).astype(np.int64)
    rate = np.nan_to_num(found.z[:, 3]) / RATE_BIN_MPS + 0.5 * RATE_BINS
    return high, np.clip(rate, 0, RATE_BINS - 1).astype(np.int64)


def _share(count: FloatArray, bins: IntArray) -> FloatArray:
    """Each bin's share of the false plots, never below FLOOR of an even spread."""
    return np.asarray(np.maximum(count[bins] / count.sum(), FLOOR / len(count)))


def learn(
    state: State, sensor: int, found: Detections, place: FloatArray, cell: IntArray, unclaimed: FloatArray
) -> dict[str, Any]:
    """What changes in the state by one complete scan whose detections had ``unclaimed`` mass [K] left over.

    The map is a running mean with forgetting: c <- c + (n - c) / min(PATIENCE + scans, MEMORY); the histograms of
    height and range rate add up, scaled back to MEMORY_PLOTS.
    """
    high, fast = _bins(state, sensor, found, place)
    heights, rates = state.clutter_heights.copy(), state.clutter_rates.copy()
    for count, bins, column in ((heights, high, 2), (rates, fast, 3)):
        known = ~np.isnan(found.z[:, column])
        count[sensor] += np.bincount(bins[known], weights=unclaimed[known], minlength=count.shape[1])
        count[sensor] *= min(1.0, MEMORY_PLOTS / count[sensor].sum())
    mass = state.clutter_mass.copy()
    scans = state.clutter_scans.copy()
    seen = np.bincount(cell, weights=unclaimed, minlength=CLUTTER_CELLS**2).reshape(CLUTTER_CELLS, CLUTTER_CELLS)
    gain = 1.0 / min(PATIENCE_SCANS + int(scans[sensor]), MEMORY_SCANS)
    mass[sensor] += (seen - mass[sensor]) * gain
    scans[sensor] += 1
    return {
        "clutter_mass": mass,
        "clutter_scans": scans,
        "clutter_heights": heights,
        "clutter_rates": rates,
    }
