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

    def convergence_deg(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> FloatArray:
        """Azimuth, in the site's axes, of true north at another place [N]: site azimuth = true azimuth + this.

        γ = atan2(−sin φ sin Δλ, sin φ₀ sin φ cos Δλ + cos φ₀ cos φ), the north vector at (φ, λ) seen on the tangent
        plane at (φ₀, λ₀). Degrees, positive clockwise; −0.11° at 15 km east of 39.5° N, a third of a good radar's
        azimuth σ, so a sensor far from the origin must be corrected by it.
        """
        phi = np.radians(np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64)))
        phi0 = np.radians(self.latitude_deg)
        delta = np.radians(np.asarray(longitude_deg, dtype=np.float64) - self.longitude_deg)
        east = -np.sin(phi) * np.sin(delta)
        north = np.sin(phi0) * np.sin(phi) * np.cos(delta) + np.cos(phi0) * np.cos(phi)
        gamma: FloatArray = np.degrees(np.arctan2(east, north))
        return gamma

    def local_axes(self, latitude_deg: float, longitude_deg: float) -> FloatArray:
        """Rotation [3, 3] that turns a vector in another place's own east, north, up axes into the site's axes.

        R = T₀ Tᵀ, with T the rows east, north, up of a place in Earth-fixed axes. It holds both the convergence and
        the tilt of the other place's horizontal (0.135° at 15 km): site vector = R @ local vector, unit free.
        """
        there = _axes_in_earth(float(latitude_deg), float(longitude_deg))
        rotation: FloatArray = _axes_in_earth(self.latitude_deg, self.longitude_deg) @ there.T
        return rotation


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
