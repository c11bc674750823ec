"""What never moves on the map: the line, roads, towns, the ground, and what each sensor sees; made once a site."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from araz.disclosure import Box, box_of
from araz.geography import Place
from araz.sensors import sensor_origins
from araz.vocabulary import BoolArray, FloatArray, SensorTable, Site

GRID_SIDE: Final = 200
"""Cells a side of the map's ground raster: finer than a pixel at the zoom of a whole sector."""
COVERAGE_AGL_M: Final = 100.0
"""Coverage is drawn for a target this high above the ground: a loaded multirotor crossing at night."""
BAND_M: Final = 6_000.0
"""How far from the line the sky must be watched; what is not, is hatched."""
RAYS: Final = 120
Json = dict[str, Any]


def site_geometry(
    site: Site,
    place: Place,
    table: SensorTable,
    border_geojson: Mapping[str, Any],
    roads_geojson: Mapping[str, Any] | None = None,
) -> Json:
    """Return the JSON object behind ``GET /api/site``.

    Rasters are row-major from the south-west corner: heights int16 metres little-endian, masks one bit a cell (the
    first cell is the high bit), all in base64. ``corners`` are longitude, latitude of NW, NE, SE, SW.
    Fails with ValueError when ``table`` is not of ``site``.
    """
    if table.sensor_id != tuple(sensor.id for sensor in site.sensors):
        raise ValueError("the sensor table belongs to another site; make it with sensor_table(site, place)")
    step = max(1, -(-max(place.terrain.height_up_m.shape) // GRID_SIDE))
    ground = place.terrain.height_up_m[::step, ::step]
    east = place.terrain.east0_m + np.arange(ground.shape[1]) * place.terrain.cell_m * step
    north = place.terrain.north0_m + np.arange(ground.shape[0]) * place.terrain.cell_m * step
    grid = np.meshgrid(east, north)
    distance = place.border.signed_distance_m(grid[0].ravel(), grid[1].ravel()).reshape(ground.shape)
    return {
        "name": site.name,
        "time_zone": site.time_zone,
        "center": [site.origin_longitude_deg, site.origin_latitude_deg],
        "geoid_undulation_m": site.geoid_undulation_m,
        "border": dict(border_geojson),
        "roads": dict(roads_geojson) if roads_geojson else {"type": "FeatureCollection", "features": []},
        "towns": [{"name": name, "longitude_deg": lon, "latitude_deg": lat} for name, lat, lon in place.towns],
        "terrain": {
            "columns": int(ground.shape[1]),
            "rows": int(ground.shape[0]),
            "cell_m": place.terrain.cell_m * step,
            "corners": _corners(place, east, north),
            "height_m": _base64(np.clip(ground, -30_000, 30_000).round().astype("<i2")),
            "other_side": _bits(distance > 0),
            "band": _bits(np.abs(distance) <= BAND_M),
            "band_m": BAND_M,
        },
        "sensors": [msgspec.to_builtins(sensor) for sensor in site.sensors],
        "patrols": [msgspec.to_builtins(patrol) for patrol in site.patrols],
        "areas": [
            {
                "id": area.id,
                "owner": area.owner or site.service,
                "is_hidden": area.is_hidden,
                "corners": _lon_lat(place, _ring(box_of(site, area))),
            }
            for area in site.areas
        ],
        "coverage": _coverage(site, place, table, grid, step),
        "coverage_agl_m": COVERAGE_AGL_M,
    }


def _coverage(site: Site, place: Place, table: SensorTable, grid: Any, step: int) -> list[Json]:
    """Per sensor the cells in which it sees a target at COVERAGE_AGL_M, and an outline; people watch no area."""
    out: list[Json] = []
    ground = place.terrain.height_up_m
    origins = sensor_origins(site, place)
    for row, sensor in enumerate(site.sensors):
        if table.is_people[row] or table.is_claim[row]:
            continue
        sees = table.visible_above_m[row] <= ground + COVERAGE_AGL_M
        near = np.hypot(grid[0] - origins[row, 0], grid[1] - origins[row, 1]) <= sensor.max_range_m
        outline = _outline(place, sees, origins[row], sensor.max_range_m)
        out.append({"sensor_id": sensor.id, "mask": _bits(sees[::step, ::step] & near), "outline": outline})
    return out


def _outline(place: Place, sees: BoolArray, origin: FloatArray, max_range_m: float) -> list[list[float]]:
    """The farthest place seen in each of RAYS directions, as a closed ring of longitude, latitude."""
    terrain = place.terrain
    azimuth = np.linspace(0, 2 * np.pi, RAYS + 1)
    reach = np.arange(terrain.cell_m, max_range_m + terrain.cell_m, terrain.cell_m).clip(max=max_range_m)
    east = origin[0] + np.sin(azimuth)[:, None] * reach
    north = origin[1] + np.cos(azimuth)[:, None] * reach
    column = np.rint((east - terrain.east0_m) / terrain.cell_m).astype(int).clip(0, sees.shape[1] - 1)
    row = np.rint((north - terrain.north0_m) / terrain.cell_m).astype(int).clip(0, sees.shape[0] - 1)
    farthest = np.where(sees[row, column], reach, 0.0).max(axis=1)
    ring = np.stack([origin[0] + np.sin(azimuth) * farthest, origin[1] + np.cos(azimuth) * farthest], axis=1)
    return _lon_lat(place, ring)


def _ring(box: Box) -> FloatArray:
    west, south, east, north = box
    return np.array([[west, north], [east, north], [east, south], [west, south]])


def _corners(place: Place, east: FloatArray, north: FloatArray) -> list[list[float]]:
    half = (east[1] - east[0]) / 2
    west, far = east[0] - half, east[-1] + half
    south, top = north[0] - half, north[-1] + half
    return _lon_lat(place, np.array([[west, top], [far, top], [far, south], [west, south]]))


def _lon_lat(place: Place, points_enu_m: FloatArray) -> list[list[float]]:
    return [[round(x, 6), round(y, 6)] for x, y in place.longitude_latitude_deg(points_enu_m).tolist()]


def _bits(mask: BoolArray) -> str:
    return _base64(np.packbits(mask.ravel()))


def _base64(array: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
