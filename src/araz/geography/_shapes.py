"""Ellipses, circles and polygons on the ENU plane."""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import ArrayLike

from araz.vocabulary import BoolArray


def ellipse_from_covariance(covariance_m2: ArrayLike, probability: float) -> tuple[float, float, float]:
    """Semi-major (m), semi-minor (m) and azimuth of the major axis (degrees from north, [0, 180)) of the ellipse that
    holds a normal error of covariance [2, 2] (east, north; m²) with ``probability``.

    Scale k² = −2 ln(1 − p), the quantile of χ² with two degrees of freedom. Fails with ValueError when p is not
    inside (0, 1) or the matrix is not a covariance.
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(f"probability is {probability}; an ellipse needs one between 0 and 1, both excluded.")
    matrix = np.asarray(covariance_m2, dtype=np.float64)
    if matrix.shape != (2, 2) or not np.all(np.isfinite(matrix)):
        raise ValueError(f"The covariance must be a finite [2, 2] of east and north, got {matrix.shape}.")
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    if values[0] < -1e-9 * max(float(values[1]), 1e-9):
        raise ValueError("The covariance has a negative eigenvalue; it is no covariance.")
    scale = math.sqrt(-2.0 * math.log1p(-probability))
    azimuth_deg = math.degrees(math.atan2(float(vectors[0, 1]), float(vectors[1, 1]))) % 180.0
    minor, major = (scale * math.sqrt(max(float(value), 0.0)) for value in values)
    return major, minor, azimuth_deg


def inside_ellipse(
    position_enu_m: ArrayLike, centre_enu_m: ArrayLike, semi_major_m: float, semi_minor_m: float, azimuth_deg: float
) -> BoolArray:
    """Whether positions [N, ≥2] lie in an ellipse on the plane → [N]; azimuth of the major axis from north."""
    offset = np.atleast_2d(np.asarray(position_enu_m, dtype=np.float64))[:, :2] - np.asarray(centre_enu_m)[:2]
    angle = math.radians(azimuth_deg)
    along = offset @ np.array([math.sin(angle), math.cos(angle)])
    across = offset @ np.array([math.cos(angle), -math.sin(angle)])
    inside: BoolArray = (along / max(semi_major_m, 1e-9)) ** 2 + (across / max(semi_minor_m, 1e-9)) ** 2 <= 1.0
    return inside


def inside_circle(position_enu_m: ArrayLike, centre_enu_m: ArrayLike, radius_m: float) -> BoolArray:
    """Whether positions [N, ≥2] lie within ``radius_m`` of the centre on the plane → [N]; the rim counts as inside."""
    offset = np.atleast_2d(np.asarray(position_enu_m, dtype=np.float64))[:, :2] - np.asarray(centre_enu_m)[:2]
    inside: BoolArray = np.hypot(offset[:, 0], offset[:, 1]) <= radius_m
    return inside


def inside_polygon(position_enu_m: ArrayLike, ring_enu_m: ArrayLike) -> BoolArray:
    """Whether positions [N, ≥2] lie in a closed ring [M, 2] on the plane → [N]; by shapely, the rim undefined."""
    enu = np.atleast_2d(np.asarray(position_enu_m, dtype=np.float64))
    inside: BoolArray = shapely.contains_xy(shapely.Polygon(np.asarray(ring_enu_m)), enu[:, 0], enu[:, 1])
    return inside
