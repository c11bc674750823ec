"""Ground height as a raster on the ENU plane: a level plain, stated synthetic ridges, or the user's own heights."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike

from araz.geography._frame import LocalFrame
from araz.vocabulary import FloatArray, Ridge, Site, frozen_array


@dataclass(frozen=True, slots=True, eq=False)
class TerrainRaster:
    """The user's own heights, as read from a file at the rim.

    **Shapes** ``height_amsl_m`` [A, B] metres above mean sea level, row i at ``latitude_deg[i]`` [A], column j at
    ``longitude_deg[j]`` [B]; both axes strictly rising or strictly falling. Outside, the edge is repeated.
    """

    height_amsl_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray

    def __post_init__(self) -> None:
        shape = (np.size(self.latitude_deg), np.size(self.longitude_deg))
        if np.shape(self.height_amsl_m) != shape or min(shape) < 2:
            raise ValueError(
                f"The raster's heights have shape {np.shape(self.height_amsl_m)}, its axes {shape}; "
                "give heights [latitude, longitude] with at least two of each."
            )
        for name, axis in (("latitude_deg", self.latitude_deg), ("longitude_deg", self.longitude_deg)):
            step = np.diff(np.asarray(axis, dtype=np.float64))
            if not (np.all(step > 0) or np.all(step < 0)):
                raise ValueError(f"The raster's {name} axis must rise or fall strictly; sort it and its heights.")
        if not np.all(np.isfinite(self.height_amsl_m)):
            raise ValueError("The raster has holes (NaN); fill them before use, Araz does not invent ground.")

    def amsl_m(self, latitude_deg: FloatArray, longitude_deg: FloatArray) -> FloatArray:
        """Height above mean sea level, bilinear, edge repeated; any one shape, degrees → metres."""
        row = _axis_index(np.asarray(self.latitude_deg, dtype=np.float64), latitude_deg)
        column = _axis_index(np.asarray(self.longitude_deg, dtype=np.float64), longitude_deg)
        i, j = row.astype(np.int64), column.astype(np.int64)
        i, j = np.minimum(i, len(self.latitude_deg) - 2), np.minimum(j, len(self.longitude_deg) - 2)
        v, u = row - i, column - j
        h = np.asarray(self.height_amsl_m, dtype=np.float64)
        low = h[i, j] * (1 - u) + h[i, j + 1] * u
        high = h[i + 1, j] * (1 - u) + h[i + 1, j + 1] * u
        out: FloatArray = low * (1 - v) + high * v
        return out


def _axis_index(axis: FloatArray, at: FloatArray) -> FloatArray:
    """Fractional index of values on a strictly monotone axis, clamped to it."""
    index = np.arange(len(axis), dtype=np.float64)
    if axis[0] > axis[-1]:
        axis, index = axis[::-1], index[::-1]
    return np.asarray(np.interp(at, axis, index), dtype=np.float64)


@numba.njit(cache=True)
def ground_at(
    height_up_m: FloatArray, east0_m: float, north0_m: float, cell_m: float, east_m: float, north_m: float
) -> float:
    """Bilinear ground at one point, clamped to the raster's edge; the kernel under every terrain question."""
    ny, nx = height_up_m.shape
    x = min(max((east_m - east0_m) / cell_m, 0.0), nx - 1.0)
    y = min(max((north_m - north0_m) / cell_m, 0.0), ny - 1.0)
    j = min(int(x), nx - 2)
    i = min(int(y), ny - 2)
    u = x - j
    v = y - i
    low = height_up_m[i, j] * (1.0 - u) + height_up_m[i, j + 1] * u
    high = height_up_m[i + 1, j] * (1.0 - u) + height_up_m[i + 1, j + 1] * u
    ground: float = low * (1.0 - v) + high * v
    return ground


@numba.njit(cache=True)
def _ground_many(
    height_up_m: FloatArray, east0_m: float, north0_m: float, cell_m: float, east_m: FloatArray, north_m: FloatArray
) -> FloatArray:
    """``ground_at`` for points [N]."""
    out = np.empty(east_m.shape[0])
    for k in range(east_m.shape[0]):
        if np.isfinite(east_m[k]) and np.isfinite(north_m[k]):
            out[k] = ground_at(height_up_m, east0_m, north0_m, cell_m, east_m[k], north_m[k])
        else:
            out[k] = np.nan
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Terrain:
    """The ground as ENU up coordinates: cell (0, 0) is centred at (``east0_m``, ``north0_m``), rows go north.

    **Frame** ENU at the site origin; curvature is in the numbers, so a straight line in ENU is a straight line of
    sight. **Fails** with ValueError on a raster under 2 × 2, with a hole, or with a cell size that is not positive.
    """

    height_up_m: FloatArray
    east0_m: float
    north0_m: float
    cell_m: float

    def __post_init__(self) -> None:
        height = np.asarray(self.height_up_m)
        if height.ndim != 2 or min(height.shape) < 2 or not self.cell_m > 0 or not np.all(np.isfinite(height)):
            raise ValueError(f"Terrain needs at least 2 × 2 finite heights and cell_m > 0, got {height.shape}.")
        object.__setattr__(self, "height_up_m", frozen_array(height, np.float64))

    @property
    def extent_enu_m(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the raster's outermost cell centres, metres ENU."""
        ny, nx = self.height_up_m.shape
        east_m, north_m = self.east0_m + (nx - 1) * self.cell_m, self.north0_m + (ny - 1) * self.cell_m
        return self.east0_m, self.north0_m, east_m, north_m

    def ground_up_m(self, east_m: ArrayLike, north_m: ArrayLike) -> FloatArray:
        """ENU up coordinate of the ground [N], bilinear; outside the raster the edge is repeated, NaN stays NaN."""
        east, north = np.broadcast_arrays(
            np.atleast_1d(np.asarray(east_m, dtype=np.float64)), np.asarray(north_m, dtype=np.float64)
        )
        flat: FloatArray = _ground_many(
            self.height_up_m, self.east0_m, self.north0_m, self.cell_m, east.flatten(), north.flatten()
        )
        return flat.reshape(east.shape)

    def height_agl_m(self, position_enu_m: ArrayLike) -> FloatArray:
        """Height above ground [N] of positions [N, 3], along the site's up axis (within 0.1 % of the plumb line)."""
        enu = np.atleast_2d(np.asarray(position_enu_m, dtype=np.float64))
        agl: FloatArray = enu[:, 2] - self.ground_up_m(enu[:, 0], enu[:, 1])
        return agl


def ridge_height_m(ridge_crest_m: FloatArray, height_m: float, half_width_m: float, points_m: FloatArray) -> FloatArray:
    """Height a ridge adds at points [N, 2]: h/2 (1 + cos(π d / w)) for distance d < w from its crest [M, 2], else 0.

    A raised cosine has no edge, so sight over the ridge changes smoothly. ENU metres; stated, not surveyed.
    """
    distance = np.full(len(points_m), np.inf)
    starts, ends = ridge_crest_m[:-1], ridge_crest_m[1:]
    for start, end in zip(starts, ends, strict=True):
        along = end - start
        t = np.clip(((points_m - start) @ along) / max(float(along @ along), 1e-12), 0.0, 1.0)
        distance = np.minimum(distance, np.hypot(*(points_m - start - t[:, None] * along).T))
    return np.where(distance < half_width_m, 0.5 * height_m * (1 + np.cos(np.pi * distance / half_width_m)), 0.0)


def _ridges_m(ridges: list[Ridge], frame: LocalFrame, points_m: FloatArray) -> FloatArray:
    """The highest of all ridges at points [N, 2]; crossing ridges join, they do not pile up."""
    height = np.zeros(len(points_m))
    for ridge in ridges:
        if len(ridge.crest) < 2 or ridge.half_width_m <= 0:
            raise ValueError("A ridge needs a crest of two points or more and a half_width_m above 0.")
        longitude, latitude = np.asarray(ridge.crest, dtype=np.float64).T
        crest = frame.to_enu(latitude, longitude, frame.hae_m)[:, :2]
        height = np.maximum(height, ridge_height_m(crest, ridge.height_m, ridge.half_width_m, points_m))
    return height


def terrain_from_site(site: Site, frame: LocalFrame, raster: TerrainRaster | None = None) -> Terrain:
    """The site's ground on its square raster: base or user's raster, plus ridges, bent with the Earth.

    A height above sea level becomes HAE by the site's undulation, and HAE becomes an ENU up coordinate by inverting
    the frame: up ← up + (wanted HAE − HAE at up). The residual shrinks by the square of the tilt of the plumb
    line (< 1e-4 at 50 km) each round, so two rounds are exact to under a millimetre.
    """
    described = site.terrain
    half_count = int(described.half_size_m // described.cell_m)
    if half_count < 1:
        raise ValueError("terrain.half_size_m must be at least one terrain.cell_m.")
    axis = np.arange(-half_count, half_count + 1) * described.cell_m
    east, north = (grid.ravel() for grid in np.meshgrid(axis, axis))
    ridge = _ridges_m(described.ridges, frame, np.stack([east, north], axis=1))
    up = np.zeros(len(east))
    for _ in range(2):
        latitude, longitude, hae = frame.to_geodetic(np.stack([east, north, up], axis=1))
        base = np.full(len(east), described.base_amsl_m) if raster is None else raster.amsl_m(latitude, longitude)
        up = up + base + site.geoid_undulation_m + ridge - hae
    shape = (len(axis), len(axis))
    return Terrain(up.reshape(shape), float(axis[0]), float(axis[0]), described.cell_m)
