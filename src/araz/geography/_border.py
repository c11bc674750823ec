"""The border line: how far, and on which side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import shapely
from numpy.typing import ArrayLike
from shapely.geometry import shape
from shapely.ops import linemerge

from araz.geography._frame import LocalFrame
from araz.vocabulary import FloatArray, frozen_array


@numba.njit(cache=True)
def _signed_distance(points: FloatArray, east_m: FloatArray, north_m: FloatArray) -> FloatArray:
    """Distance to the line, positive on its left.

    The nearest segment alone gives the wrong side near a sharp bend: there the nearest point is the shared corner, and
    the two segments may disagree. The sum of their unit directions (the pseudonormal, turned) decides instead; at the
    line's ends the one last segment, prolonged, decides.
    """
    count = points.shape[0]
    out = np.empty(east_m.shape[0])
    for k in range(east_m.shape[0]):
        best = np.inf
        corner = 0
        segment = 0
        for s in range(count - 1):
            dx = points[s + 1, 0] - points[s, 0]
            dy = points[s + 1, 1] - points[s, 1]
            px = east_m[k] - points[s, 0]
            py = north_m[k] - points[s, 1]
            t = (px * dx + py * dy) / (dx * dx + dy * dy)
            t = min(max(t, 0.0), 1.0)
            squared = (px - t * dx) ** 2 + (py - t * dy) ** 2
            if squared < best:
                best = squared
                segment = s
                corner = s if t <= 0.0 else (s + 1 if t >= 1.0 else -1)
        ux = 0.0
        uy = 0.0
        base = segment if corner < 0 else corner
        for s in (segment, segment) if corner < 0 else (corner - 1, corner):
            if 0 <= s < count - 1:
                dx = points[s + 1, 0] - points[s, 0]
                dy = points[s + 1, 1] - points[s, 1]
                length = math.sqrt(dx * dx + dy * dy)
                ux += dx / length
                uy += dy / length
        cross = ux * (north_m[k] - points[base, 1]) - uy * (east_m[k] - points[base, 0])
        distance = math.sqrt(best) if not math.isnan(east_m[k] + north_m[k]) else np.nan
        out[k] = distance if cross >= 0.0 else -distance
    return out


@dataclass(frozen=True, slots=True, eq=False)
class BorderLine:
    """The line as ENU points [M, 2] in walking order; ``own_side`` ("left" or "right") is ours.

    **Fails** with ValueError on fewer than two different points or another word for the side. Repeated points are
    dropped. Beyond its ends the line is taken as going straight on, so that a track there still has a side.
    """

    points_enu_m: FloatArray
    own_side: str

    def __post_init__(self) -> None:
        points = np.asarray(self.points_enu_m, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not np.all(np.isfinite(points)):
            raise ValueError(f"The border line needs finite ENU points [M, 2], got shape {points.shape}.")
        different = np.concatenate([[True], np.any(np.diff(points, axis=0) != 0.0, axis=1)])
        if self.own_side not in ("left", "right") or different.sum() < 2:
            raise ValueError(
                f"own_side is {self.own_side!r} with {different.sum()} points; say left or right, 2 or more."
            )
        object.__setattr__(self, "points_enu_m", frozen_array(points[different], np.float64))

    def signed_distance_m(self, east_m: ArrayLike, north_m: ArrayLike) -> FloatArray:
        """Metres to the line [N]: positive on the other side, negative on ours; NaN stays NaN."""
        east, north = np.broadcast_arrays(
            np.atleast_1d(np.asarray(east_m, dtype=np.float64)), np.asarray(north_m, dtype=np.float64)
        )
        left: FloatArray = _signed_distance(self.points_enu_m, east.flatten(), north.flatten()).reshape(east.shape)
        return -left if self.own_side == "left" else left

    def along_m(self, east_m: ArrayLike, north_m: ArrayLike) -> FloatArray:
        """Metres along the line, from its first point, to its point nearest to each place [N]; NaN stays NaN."""
        east, north = np.broadcast_arrays(
            np.atleast_1d(np.asarray(east_m, dtype=np.float64)), np.asarray(north_m, dtype=np.float64)
        )
        places, step = np.stack([east, north], axis=-1), np.diff(self.points_enu_m, axis=0)
        length = np.hypot(*step.T)
        start = np.concatenate([[0.0], np.cumsum(length)[:-1]])
        away = places[:, None, :] - self.points_enu_m[:-1]
        share = np.clip(np.einsum("nsk,sk->ns", away, step) / length**2, 0.0, 1.0)
        foot = self.points_enu_m[:-1] + share[..., None] * step
        nearest = np.argmin(np.hypot(*np.moveaxis(places[:, None, :] - foot, -1, 0)), axis=1)
        row = np.arange(len(places))
        return np.asarray(start[nearest] + share[row, nearest] * length[nearest], dtype=np.float64)


def geometries_of(data: Mapping[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """All (shapely geometry, properties) of a GeoJSON object of any kind; ValueError names what is wrong."""
    try:
        if data["type"] == "FeatureCollection":
            return [pair for feature in data["features"] for pair in geometries_of(feature)]
        if data["type"] == "Feature":
            return [(shape(data["geometry"]), dict(data.get("properties") or {}))]
        return [(shape(dict(data)), {})]
    except (KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as cause:
        raise ValueError(
            f"This is not GeoJSON Araz can read ({cause!r}); expected features with geometries."
        ) from cause


def border_from_geojson(data: Mapping[str, Any], frame: LocalFrame, own_side: str) -> BorderLine:
    """The border of a GeoJSON LineString (or pieces that join end to end), longitude and latitude degrees.

    Fails with ValueError when it holds no line or several that do not join: the side would be a guess.
    """
    parts = [part for geometry, _ in geometries_of(data) for part in shapely.get_parts(geometry)]
    lines = [part for part in parts if part.geom_type == "LineString"]
    merged = lines[0] if len(lines) == 1 else linemerge(lines) if lines else None
    if merged is None or merged.geom_type != "LineString":
        raise ValueError(
            "The border file must hold one line, or pieces that join into one; cut it to the sector first."
        )
    longitude, latitude = shapely.get_coordinates(merged).T
    return BorderLine(frame.to_enu(latitude, longitude, frame.hae_m)[:, :2], own_side)
