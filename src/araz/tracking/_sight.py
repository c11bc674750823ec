"""Who sees whom: chance of detection by sensor and track, and which tracks the terrain hides from everyone."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._measure import BEARING
from araz.vocabulary import BoolArray, FloatArray, IntArray, Scan, SensorTable

RASTER_SLACK_M: Final = 3.0
"""Softness of the terrain's edge beside the track's own uncertainty: the raster's heights are not exact."""
SEEN_AFTER_ALL: Final = 0.05
"""Chance of detection granted to a track the model says is out of sight, so that one may prove the model wrong."""
NEVER_SEEN_M: Final = 1e9


@njit(cache=True)
def _clear_of_terrain(
    mean: FloatArray, cov: FloatArray, lowest: FloatArray, east0: float, north0: float, cell: float
) -> float:
    """Chance that a track is above the lowest visible height, over five places within its horizontal uncertainty."""
    spread = math.sqrt(cov[2, 2] + RASTER_SLACK_M**2)
    side_e, side_n = math.sqrt(cov[0, 0]), math.sqrt(cov[1, 1])
    total = 0.0
    for place in range(5):
        east = mean[0] + (side_e if place == 1 else (-side_e if place == 2 else 0.0))
        north = mean[1] + (side_n if place == 3 else (-side_n if place == 4 else 0.0))
        col, row = (east - east0) / cell, (north - north0) / cell
        if not (-0.5 <= col < lowest.shape[1] - 0.5 and -0.5 <= row < lowest.shape[0] - 0.5):
            total += 1.0
            continue
        height = lowest[math.floor(row + 0.5), math.floor(col + 0.5)]
        if math.isnan(height):
            total += 1.0
        elif abs(height) > NEVER_SEEN_M:
            total += 0.0 if height > 0 else 1.0
        else:
            total += 0.5 * math.erfc((height - mean[2]) / (spread * math.sqrt(2.0)))
    return total / 5.0


@njit(cache=True)
def sight(
    mean: FloatArray,
    cov: FloatArray,
    origin: FloatArray,
    max_range_m: float,
    low_rad: float,
    high_rad: float,
    sector_from: float,
    sector_width: float,
    lowest: FloatArray,
    east0: float,
    north0: float,
    cell: float,
) -> tuple[BoolArray, FloatArray]:
    """Whether each of N tracks is inside one sensor's field of view [N], and its chance of being clear of terrain [N].

    Limits that are NaN do not limit. ``sector_width`` is clockwise from ``sector_from``; 2 pi is all round.
    """
    inside = np.zeros(len(mean), np.bool_)
    clear = np.ones(len(mean))
    for i in range(len(mean)):
        e, n, u = mean[i, 0] - origin[0], mean[i, 1] - origin[1], mean[i, 2] - origin[2]
        ground = math.sqrt(e * e + n * n)
        elevation = math.atan2(u, ground)
        turn = (math.atan2(e, n) - sector_from) % (2.0 * math.pi)
        inside[i] = not (
            math.sqrt(ground * ground + u * u) > max_range_m
            or elevation < low_rad
            or elevation > high_rad
            or turn > sector_width
        )
        if inside[i] and lowest.size:
            clear[i] = _clear_of_terrain(mean[i], cov[i], lowest, east0, north0, cell)
    return inside, clear


def _sight_of(
    sensors: SensorTable, s: int, mean: FloatArray, cov: FloatArray, sector: tuple[float, float] | None
) -> tuple[BoolArray, FloatArray]:
    start, width = 0.0, 2.0 * math.pi + 1.0
    if sector is not None:
        start = sector[0] % (2.0 * math.pi)
        width = (sector[1] - sector[0]) % (2.0 * math.pi) or 2.0 * math.pi + 1.0
    return sight(
        mean,
        cov,
        sensors.origin_enu_m[s],
        float(sensors.max_range_m[s]),
        float(sensors.min_elevation_rad[s]),
        float(sensors.max_elevation_rad[s]),
        start,
        width,
        sensors.visible_above_m[s],
        float(sensors.raster_east_m),
        float(sensors.raster_north_m),
        float(sensors.cell_m),
    )


def detection_chances(
    sensors: SensorTable, scan: Scan, mean: FloatArray, cov: FloatArray, silence_counts: bool
) -> tuple[FloatArray, FloatArray]:
    """Chance of detection where there is a detection to explain, and the one that silence counts with, each [N].

    Silence is evidence only of a complete scan, of a sensor that is neither people nor a claim receiver nor a bearing
    finder (a drone that keeps quiet is not gone), and only for tracks in view and clear of terrain.
    """
    s = scan.sensor_index
    chance = float(sensors.detection_probability[s])
    inside, clear = _sight_of(sensors, s, mean, cov, scan.sector_rad)
    seen = np.where(inside, clear, 0.0) * chance
    silent = sensors.is_people[s] or sensors.is_claim[s] or int(scan.kind) == BEARING
    miss = np.minimum(seen, 0.999) if silence_counts and scan.is_complete and not silent else np.zeros(len(mean))
    return np.maximum(seen, SEEN_AFTER_ALL * chance), miss


def hidden_tracks(sensors: SensorTable, mean: FloatArray, cov: FloatArray, rows: IntArray) -> BoolArray:
    """Which of the tracks ``rows`` terrain masks from every sensor in whose field they lie (at least one must mask)."""
    masked = np.zeros(len(rows), np.bool_)
    seen = np.zeros(len(rows), np.bool_)
    if len(rows) == 0:
        return masked
    mean, cov = mean[rows], cov[rows]
    for s in range(len(sensors.sensor_id)):
        if sensors.is_people[s] or sensors.is_claim[s]:
            continue
        inside, clear = _sight_of(sensors, s, mean, cov, None)
        seen |= inside & (clear >= 0.5)
        masked |= inside & (clear < 0.5)
    return masked & ~seen
