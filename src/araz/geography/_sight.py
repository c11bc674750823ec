"""Who sees what over the ground: one slope kernel, two questions.

Along the ground track from observer o to target t (distance D), the ground rises at most with slope
s = max over 0 < d < D of (g(d) − u_o) / d; the target is seen when u_t ≥ u_o + s D and u_t ≥ g(D).
Samples lie half a cell apart (or closer), so a peak narrower than half a cell can be missed.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from araz.geography._terrain import Terrain, ground_at
from araz.vocabulary import BoolArray, FloatArray

EARTH_RADIUS_M: Final = 6_371_000.0


@numba.njit(cache=True)
def _lowest_seen(
    height_up_m: FloatArray,
    east0_m: float,
    north0_m: float,
    cell_m: float,
    observer: FloatArray,
    east_m: float,
    north_m: float,
    bend: float,
) -> float:
    """Lowest up coordinate seen above one point, never below the ground there."""
    dx = east_m - observer[0]
    dy = north_m - observer[1]
    distance = math.sqrt(dx * dx + dy * dy)
    ground = ground_at(height_up_m, east0_m, north0_m, cell_m, east_m, north_m)
    count = math.ceil(distance / (0.5 * cell_m))
    if count < 2:
        return ground
    slope = -np.inf
    for k in range(1, count):
        t = k / count
        d = t * distance
        sample = ground_at(height_up_m, east0_m, north0_m, cell_m, observer[0] + t * dx, observer[1] + t * dy)
        slope = max(slope, (sample + bend * d * d - observer[2]) / d)
    lowest: float = max(ground, observer[2] + slope * distance - bend * distance * distance)
    return lowest


@numba.njit(cache=True)
def _lowest_seen_many(
    height_up_m: FloatArray,
    east0_m: float,
    north0_m: float,
    cell_m: float,
    observer: FloatArray,
    targets: FloatArray,
    bend: float,
) -> FloatArray:
    """``_lowest_seen`` for targets [N, ≥2]."""
    out = np.empty(targets.shape[0])
    for k in range(targets.shape[0]):
        out[k] = _lowest_seen(height_up_m, east0_m, north0_m, cell_m, observer, targets[k, 0], targets[k, 1], bend)
    return out


@numba.njit(cache=True)
def _lowest_seen_raster(
    height_up_m: FloatArray,
    east0_m: float,
    north0_m: float,
    cell_m: float,
    observer: FloatArray,
    max_range_m: float,
    bend: float,
) -> NDArray[np.float32]:
    """``_lowest_seen`` for every cell centre; +inf beyond the range."""
    ny, nx = height_up_m.shape
    out = np.full((ny, nx), np.float32(np.inf), dtype=np.float32)
    for i in range(ny):
        north = north0_m + i * cell_m
        for j in range(nx):
            east = east0_m + j * cell_m
            if math.hypot(east - observer[0], north - observer[1]) <= max_range_m:
                out[i, j] = _lowest_seen(height_up_m, east0_m, north0_m, cell_m, observer, east, north, bend)
    return out


def _bend_per_m(effective_earth_factor: float) -> float:
    """How much a straight line must be raised for refraction: (1 − 1/k) / 2R per square metre of distance."""
    if not effective_earth_factor > 0:
        raise ValueError("effective_earth_factor must be above 0: 1 is geometric, 4/3 the standard radio atmosphere.")
    return (1.0 - 1.0 / effective_earth_factor) / (2.0 * EARTH_RADIUS_M)


def _observer(observer_enu_m: ArrayLike) -> FloatArray:
    observer = np.ascontiguousarray(observer_enu_m, dtype=np.float64).reshape(-1)
    if observer.shape != (3,) or not np.all(np.isfinite(observer)):
        raise ValueError(f"The observer must be one finite ENU position [3], got {observer!r}.")
    return observer


def line_of_sight(
    terrain: Terrain, observer_enu_m: ArrayLike, targets_enu_m: ArrayLike, effective_earth_factor: float = 1.0
) -> BoolArray:
    """Whether each target [N, 3] is seen from the observer [3] over the ground → [N]; NaN targets are not seen.

    ENU metres. Geometric by default; ``effective_earth_factor = 4/3`` bends the ray as a standard radio atmosphere
    does (ITU-R P.834), which gains 4 m at 15 km. Trees and houses are not in the terrain.
    """
    targets = np.ascontiguousarray(np.atleast_2d(np.asarray(targets_enu_m, dtype=np.float64)))
    if targets.shape[1] != 3:
        raise ValueError(f"Targets need shape [N, 3] (east, north, up), got {targets.shape}.")
    known: BoolArray = np.asarray(np.isfinite(targets).all(axis=1), dtype=np.bool_)
    lowest: FloatArray = _lowest_seen_many(
        terrain.height_up_m,
        terrain.east0_m,
        terrain.north0_m,
        terrain.cell_m,
        _observer(observer_enu_m),
        np.where(known[:, None], targets, 0.0),
        _bend_per_m(effective_earth_factor),
    )
    seen: BoolArray = np.logical_and(known, targets[:, 2] >= lowest)
    return seen


def visible_above(
    terrain: Terrain, observer_enu_m: ArrayLike, max_range_m: float, effective_earth_factor: float = 1.0
) -> NDArray[np.float32]:
    """Lowest ENU up coordinate seen from the observer [3] over each cell centre → float32 [ny, nx].

    Equals ``line_of_sight`` at the cell centres (to float32); +inf beyond ``max_range_m`` on the ground. The same
    ray is cast to every cell, O(cells × range / half a cell): 90,000 cells took 0.2 s on one core.
    """
    out: NDArray[np.float32] = _lowest_seen_raster(
        terrain.height_up_m,
        terrain.east0_m,
        terrain.north0_m,
        terrain.cell_m,
        _observer(observer_enu_m),
        float(max_range_m),
        _bend_per_m(effective_earth_factor),
    )
    return out
