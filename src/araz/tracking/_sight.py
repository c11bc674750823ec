"""Who sees whom: chance of detection by sensor and track, and which tracks the terrain hides from everyone."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._state import ECHO_LEVELS, View
from araz.vocabulary import FloatArray

RASTER_SLACK_M: Final = 3.0
"""Softness of the terrain's edge beside the track's own uncertainty: the raster's heights are not exact."""
SEEN_AFTER_ALL: Final = 0.05
"""Chance of detection granted to a track the model says is out of sight, so that one may prove the model wrong."""
NEVER_SEEN_M: Final = 1e9
ALL_ROUND: Final = (0.0, 2.0 * math.pi + 1.0)
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
def sight(view: View, s: int, mean: FloatArray, cov: FloatArray, sector: tuple[float, float]) -> tuple[bool, float]:
    """Whether one track is inside sensor s's field of view, and its chance of being clear of terrain.

    Limits that are NaN do not limit. ``sector`` is where it begins and how wide it is, clockwise; see ``ALL_ROUND``.
    """
    home = view.origin[s]
    e, n, u = mean[0] - home[0], mean[1] - home[1], mean[2] - home[2]
    ground = math.sqrt(e * e + n * n)
    if math.sqrt(ground * ground + u * u) > view.max_range_m[s]:
        return False, 1.0
    elevation = math.atan2(u, ground)
    if elevation < view.low_rad[s] or elevation > view.high_rad[s]:
        return False, 1.0
    if (math.atan2(e, n) - sector[0]) % (2.0 * math.pi) > sector[1]:
        return False, 1.0
    return True, _clear_of_terrain(mean, cov, view.lowest[s], view.east0, view.north0, view.cell)


def sector_of(sector_rad: tuple[float, float] | None) -> tuple[float, float]:
    """Begin and width of a scan's sector."""
    if sector_rad is None:
        return ALL_ROUND
    return sector_rad[0] % (2.0 * math.pi), (sector_rad[1] - sector_rad[0]) % (2.0 * math.pi) or ALL_ROUND[1]


@njit(cache=True)
def detection_chances(
    view: View,
    s: int,
    silence_counts: bool,
    sector: tuple[float, float],
    mean: FloatArray,
    cov: FloatArray,
    echo: FloatArray,
    doubt: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chance of detection where there is a detection to explain, the one that silence counts with, and the full one.

    Each [N]; the last is the chance by the table and the terrain alone, before how well this sensor sees this target,
    of which ``echo`` [N, lookers, levels] is the belief. ``doubt`` [N, lookers] weakens the terrain's chance: a ridge
    hides a target or not, and goes on doing so, so that each further silence says less: c d / (c d + 1 - c).
    """
    column = view.looker[s]
    seen, miss, full = np.zeros(len(mean)), np.zeros(len(mean)), np.zeros(len(mean))
    for i in range(len(mean)):
        inside, clear = sight(view, s, mean[i], cov[i], sector)
        share = 1.0
        if column >= 0:
            share = 0.0
            for level in range(len(ECHO_LEVELS)):
                share += echo[i, column, level] * ECHO_LEVELS[level]
            clear *= doubt[i, column] / max(clear * doubt[i, column] + 1.0 - clear, 1e-12)
        full[i] = clear * view.chance[s] if inside else 0.0
        seen[i] = max(full[i] * share, SEEN_AFTER_ALL * view.chance[s] * share)
        if silence_counts:
            miss[i] = min(full[i] * share, 0.999)
    return seen, miss, full


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
    view: View,
    s: int,
    mean: FloatArray,
    cov: FloatArray,
    weight: FloatArray,
    detected: FloatArray,
    only_below: bool,
) -> None:
    """What sensor s has just seen is above the lowest height it can see: condition the tracks on it, in place.

    Height is cut off normally at v: with a = (v - m) / s and g = phi(a) / (1 - Phi(a)), mean m + s g, variance
    s^2 (1 + a g - g^2); the other components follow by their correlation. ``only_below`` spares modes already above.
    """
    lowest, east0, north0, cell = view.lowest[s], view.east0, view.north0, view.cell
    for i in range(len(mean)):
        for m in range(mean.shape[1]):
            if weight[i, m] <= 0.0 or detected[i] < 0.5:
                continue
            x, p = mean[i, m], cov[i, m]
            col, row = math.floor((x[0] - east0) / cell + 0.5), math.floor((x[1] - north0) / cell + 0.5)
            if not (0 <= col < lowest.shape[1] and 0 <= row < lowest.shape[0]):
                continue
            low = lowest[row, col]
            if math.isnan(low) or abs(low) > NEVER_SEEN_M or (only_below and x[2] >= low):
                continue
            sigma = math.sqrt(p[2, 2])
            a = (low - x[2]) / sigma
            if abs(a) > LIFT_SIGMAS:
                continue
            g = math.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi) / (0.5 * math.erfc(a / math.sqrt(2.0)))
            move, keep = sigma * g, max(1.0 + a * g - g * g, 0.01)
            scale = (1.0 - keep) / p[2, 2]
            gain = p[:, 2] / p[2, 2]
            column = p[:, 2].copy()
            for r in range(6):
                x[r] += gain[r] * move
                for c in range(6):
                    p[r, c] -= column[r] * column[c] * scale


@njit(cache=True)
def is_hidden(view: View, mean: FloatArray, cov: FloatArray) -> bool:
    """Whether terrain masks one track from every sensor in whose field it lies (at least one must mask)."""
    masked = False
    for s in range(len(view.chance)):
        if view.is_voluntary[s]:
            continue
        inside, clear = sight(view, s, mean, cov, ALL_ROUND)
        if inside and clear >= 0.5:
            return False
        masked = masked or inside
    return masked
