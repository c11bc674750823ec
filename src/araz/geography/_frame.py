"""The site's local frame: east, north, up metres on the plane that touches the ellipsoid at the origin.

Why one tangent plane, and what it costs at the rim, is written in ``docs/decisions/0003-local-frame-and-heights.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pyproj import Transformer

from araz.vocabulary import FloatArray


@lru_cache(maxsize=64)
def _topocentric(latitude_deg: float, longitude_deg: float, hae_m: float) -> Any:
    """The PROJ pipeline longitude, latitude, height → east, north, up; one a frame, because building it costs 1 ms."""
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
        f"+step +proj=topocentric +ellps=WGS84 +lat_0={latitude_deg!r} +lon_0={longitude_deg!r} +h_0={hae_m!r}"
    )


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """East, north, up axes at one WGS 84 point; a value that can be pickled and compared.

    **Frame** the plane touches the ellipsoid normal at the origin, so ``up`` is not a height: at distance r level
    ground lies r²/2R below the plane (18 m at 15 km). **Source** EPSG method 9837 (geographic to topocentric), by PROJ.
    """

    latitude_deg: float
    longitude_deg: float
    hae_m: float

    def __post_init__(self) -> None:
        values = (self.latitude_deg, self.longitude_deg, self.hae_m)
        if not all(np.isfinite(values)) or abs(self.latitude_deg) > 90 or abs(self.longitude_deg) > 360:
            raise ValueError(f"The frame's origin {values} is no place on Earth; give degrees, degrees and metres HAE.")

    def to_enu(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike, hae_m: ArrayLike) -> FloatArray:
        """Geodetic WGS 84 degrees and HAE metres to ENU metres [N, 3]; scalars and arrays broadcast, NaN stays NaN."""
        latitude, longitude, hae = np.broadcast_arrays(
            np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64)),
            np.asarray(longitude_deg, dtype=np.float64),
            np.asarray(hae_m, dtype=np.float64),
        )
        pipeline = _topocentric(float(self.latitude_deg), float(self.longitude_deg), float(self.hae_m))
        enu = np.stack(pipeline.transform(longitude.flatten(), latitude.flatten(), hae.flatten()), axis=-1)
        return np.where(np.isfinite(enu), enu, np.nan)

    def to_geodetic(self, position_enu_m: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """ENU metres [N, 3] to latitude [N], longitude [N] (degrees) and HAE [N] (metres); NaN stays NaN.

        Fails with ValueError when the last axis does not hold east, north and up.
        """
        enu = np.atleast_2d(np.asarray(position_enu_m, dtype=np.float64))
        if enu.ndim != 2 or enu.shape[1] != 3:
            raise ValueError(f"to_geodetic needs positions of shape [N, 3] (east, north, up), got {enu.shape}.")
        pipeline = _topocentric(float(self.latitude_deg), float(self.longitude_deg), float(self.hae_m))
        known = np.isfinite(enu).all(axis=1)
        out = np.full((3, len(enu)), np.nan)
        if known.any():
            out[:, known] = pipeline.transform(enu[known, 0], enu[known, 1], enu[known, 2], direction="INVERSE")
        return out[1], out[0], out[2]

    def local_axes(self, latitude_deg: float, longitude_deg: float) -> FloatArray:
        """Rotation [3, 3] that turns a vector in another place's own east, north, up axes into the site's axes.

        R = T₀ Tᵀ, with T the rows east, north, up of a place in Earth-fixed axes: site vector = R @ local vector, unit
        free. It holds the turn of north (meridian convergence, 0.11° at 15 km east of 39.5° N) and the tilt of the
        other place's horizontal (0.135° at 15 km).
        """
        there = _axes_in_earth(float(latitude_deg), float(longitude_deg))
        rotation: FloatArray = _axes_in_earth(self.latitude_deg, self.longitude_deg) @ there.T
        return rotation


def turn_direction(axes: FloatArray, azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Azimuth (−π to π) and elevation [N], radians, of directions [N] in the axes that a rotation turns them into.

    The vector (sin α cos ε, cos α cos ε, sin ε) by ``axes`` [3, 3], or one rotation a direction [N, 3, 3]: those of
    ``local_axes`` lead from a sensor's own horizon to the site's, their transpose back. An elevation that is not known
    (NaN) stays so, and its azimuth is turned as if level.
    """
    azimuth, elevation = np.asarray(azimuth_rad, dtype=np.float64), np.asarray(elevation_rad, dtype=np.float64)
    is_level = np.isnan(elevation)
    level = np.where(is_level, 0.0, elevation)
    east, north, up = np.sin(azimuth) * np.cos(level), np.cos(azimuth) * np.cos(level), np.sin(level)
    east, north, up = (axes[..., k, 0] * east + axes[..., k, 1] * north + axes[..., k, 2] * up for k in range(3))
    return np.arctan2(east, north), np.where(is_level, np.nan, np.arcsin(np.clip(up, -1.0, 1.0)))


def _axes_in_earth(latitude_deg: float, longitude_deg: float) -> FloatArray:
    """Unit vectors east, north, up (rows) of a place in Earth-centred, Earth-fixed axes."""
    phi, lam = np.radians(latitude_deg), np.radians(longitude_deg)
    return np.array(
        [
            [-np.sin(lam), np.cos(lam), 0.0],
            [-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)],
            [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)],
        ]
    )
