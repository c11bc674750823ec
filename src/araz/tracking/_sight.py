"""Who sees whom: chance of detection by sensor and track, and which tracks the terrain hides from everyone."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._measure import BEARING
from araz.tracking._state import ECHO_LEVELS
from araz.vocabulary import BoolArray, FloatArray, IntArray, Scan, SensorTable

RASTER_SLACK_M: Final = 3.0
"""Softness of the terrain's edge beside the track's own uncertainty: the raster's heights are not exact."""
SEEN_AFTER_ALL: Final = 0.05
"""Chance of detection granted to a track the model says is out of sight, so that one may prove the model wrong."""
NEVER_SEEN_M: Final = 1e9
LIFT_SIGMAS: Final = 3.0
"""A height that far below what the sensor can see is no error of measurement: there the terrain model is wrong."""


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
    sensors: SensorTable,
    scan: Scan,
    mean: FloatArray,
    cov: FloatArray,
    echo: FloatArray,
    doubt: FloatArray,
    silence_counts: bool,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chance of detection where there is a detection to explain, the one that silence counts with, and the full one.

    Each [N]; the last is the chance by the table and the terrain alone, before how well this sensor sees this target.
    ``echo`` [N, levels] is the belief in that. ``doubt`` [N] weakens the terrain's chance: a ridge hides a target or
    not, and goes on doing so, so that each further silence says less: c d / (c d + 1 - c).

    Silence is evidence only of a complete scan, of a sensor that is neither people nor a claim receiver nor a bearing
    finder (a drone that keeps quiet is not gone), and only for tracks in view and clear of terrain.
    """
    s = scan.sensor_index
    chance = float(sensors.detection_probability[s])
    inside, clear = _sight_of(sensors, s, mean, cov, scan.sector_rad)
    clear = clear * doubt / np.maximum(clear * doubt + 1.0 - clear, 1e-12)
    full = np.where(inside, clear, 0.0) * chance
    share = echo @ ECHO_LEVELS
    seen = full * share
    silent = sensors.is_people[s] or sensors.is_claim[s] or int(scan.kind) == BEARING
    miss = np.minimum(seen, 0.999) if silence_counts and scan.is_complete and not silent else np.zeros(len(mean))
    return np.maximum(seen, SEEN_AFTER_ALL * chance * share), miss, full


@njit(cache=True)
def learn_echo(
    echo: FloatArray, doubt: FloatArray, column: int, full: FloatArray, chance: float, detected: FloatArray
) -> None:
    """Bayes on how well a sensor sees each track, in place: echo [N, lookers, levels] by one complete scan.

    q_l <- q_l (b pd_l / sum q pd + (1 - b) (1 - pd_l) / (1 - sum q pd)), b = ``detected`` [N], pd_l = ``full`` x level.
    The doubt [N, lookers] that it is in view grows by 1 - pd with silence, pd = ``chance`` x share, and ends when seen.
    """
    for i in range(len(echo)):
        if full[i] < 1e-3:
            continue
        q = echo[i, column]
        seen = 0.0
        for k in range(len(q)):
            seen += q[k] * full[i] * ECHO_LEVELS[k]
        silent = max(1.0 - chance * seen / full[i], 0.05)
        doubt[i, column] = detected[i] + (1.0 - detected[i]) * max(doubt[i, column] * silent, 1e-3)
        total = 0.0
        for k in range(len(q)):
            pd = full[i] * ECHO_LEVELS[k]
            q[k] *= detected[i] * pd / seen + (1.0 - detected[i]) * (1.0 - pd) / (1.0 - seen)
            total += q[k]
        for k in range(len(q)):
            q[k] /= total


@njit(cache=True)
def lift(
    mean: FloatArray,
    cov: FloatArray,
    weight: FloatArray,
    rows: IntArray,
    only_below: bool,
    lowest: FloatArray,
    east0: float,
    north0: float,
    cell: float,
) -> None:
    """What a sensor has just seen is above the lowest height it can see: condition the tracks ``rows`` on it, in place.

    Height is cut off normally at v: with a = (v - m) / s and g = phi(a) / (1 - Phi(a)), mean m + s g, variance
    s^2 (1 + a g - g^2); the other components follow by their correlation. ``only_below`` spares modes already above.
    """
    for i in rows:
        for m in range(mean.shape[1]):
            if weight[i, m] <= 0.0:
                continue
            x, p = mean[i, m], cov[i, m]
            col, row = math.floor((x[0] - east0) / cell + 0.5), math.floor((x[1] - north0) / cell + 0.5)
            if not (0 <= col < lowest.shape[1] and 0 <= row < lowest.shape[0]):
                continue
            low = lowest[row, col]
            if math.isnan(low) or abs(low) > NEVER_SEEN_M or (only_below and x[2] >= low):
                continue
            s = math.sqrt(p[2, 2])
            a = (low - x[2]) / s
            if abs(a) > LIFT_SIGMAS:
                continue
            g = math.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi) / (0.5 * math.erfc(a / math.sqrt(2.0)))
            move, keep = s * g, max(1.0 + a * g - g * g, 0.01)
            scale = (1.0 - keep) / p[2, 2]
            gain = p[:, 2] / p[2, 2]
            column = p[:, 2].copy()
            for r in range(6):
                x[r] += gain[r] * move
                for c in range(6):
                    p[r, c] -= column[r] * column[c] * scale


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
