"""How many false plots to expect where: a plan-view map each sensor learns from what nobody claimed."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from araz.tracking._measure import BEARING, POLAR, Detections
from araz.tracking._state import CLUTTER_CELLS, State, clutter_rate, sensor_radius_m
from araz.vocabulary import FloatArray, IntArray

CLUTTER_HEIGHT_M: Final = 1000.0
"""False plots are taken as even over this height: the low air a border radar is set to watch."""
RATE_SPAN_MPS: Final = 80.0
"""False range rates and velocities are taken as even over this span (two-way 40 m/s)."""
CLIMB_SPAN_MPS: Final = 20.0
PATIENCE_SCANS: Final = 10
MEMORY_SCANS: Final = 60
"""The map starts as if it had seen PATIENCE_SCANS scans, and forgets over MEMORY_SCANS."""
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

    From the map's plots a square metre of ground: divided by the height they spread over where height is measured, by
    the span of velocities where velocity is, and for polar plots times the Jacobian dx dy dz = r^2 cos(el) dr daz del
    (r dr daz where elevation is not measured). A bearing's density is even round the compass.
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
    per = np.where(measured[:, 2], per / CLUTTER_HEIGHT_M, per)
    if found.kind == POLAR:
        offset = position - found.origin
        ground = np.maximum(np.hypot(offset[:, 0], offset[:, 1]), 1.0)
        reach = np.sqrt(ground**2 + offset[:, 2] ** 2)
        per = per * np.where(measured[:, 2], reach * ground, reach)
        per = np.where(measured[:, 3], per / RATE_SPAN_MPS, per)
    else:
        per = np.where(measured[:, 3], per / RATE_SPAN_MPS**2, per)
        per = np.where(measured[:, 5], per / CLIMB_SPAN_MPS, per)
    return mass * per, births * disc * per


def learn(state: State, sensor: int, cell: IntArray, unclaimed: FloatArray) -> tuple[FloatArray, IntArray]:
    """The clutter maps after one complete scan whose detections ``cell`` [K] had ``unclaimed`` mass [K] left over.

    A running mean with forgetting: c <- c + (n - c) / min(PATIENCE + scans, MEMORY).
    """
    mass = state.clutter_mass.copy()
    scans = state.clutter_scans.copy()
    seen = np.bincount(cell, weights=unclaimed, minlength=CLUTTER_CELLS**2).reshape(CLUTTER_CELLS, CLUTTER_CELLS)
    gain = 1.0 / min(PATIENCE_SCANS + int(scans[sensor]), MEMORY_SCANS)
    mass[sensor] += (seen - mass[sensor]) * gain
    scans[sensor] += 1
    return mass, scans
