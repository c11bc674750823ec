"""ROOM 1: the ground, the line and the roads, as arrays.

**Takes** the site's description, already-read GeoJSON and raster arrays.
**Gives** the local frame, terrain and who can see what over it, the border line, roads and travel times, ellipses.
**Keeps** nothing.
**May import** vocabulary; numpy, numba, scipy, pyproj, shapely.
**Never** opens a file, knows a sensor's format, or decides anything.
"""

from araz.geography._border import BorderLine, border_from_geojson
from araz.geography._frame import LocalFrame, turn_direction
from araz.geography._place import Place, place_from_site
from araz.geography._roads import RoadGraph, roads_from_geojson
from araz.geography._shapes import ellipse_from_covariance, inside_circle, inside_ellipse, inside_polygon
from araz.geography._sight import line_of_sight, visible_above
from araz.geography._terrain import Terrain, TerrainRaster, terrain_from_site
from araz.geography._zones import (
    Zone,
    ZoneAuthority,
    ZoneDatum,
    ZoneHours,
    ZoneKind,
    ZoneLimit,
    ZonePeriod,
    ZoneVolume,
    zone_area_km2,
    zones_at,
)

__all__ = [
    "BorderLine",
    "LocalFrame",
    "Place",
    "RoadGraph",
    "Terrain",
    "TerrainRaster",
    "Zone",
    "ZoneAuthority",
    "ZoneDatum",
    "ZoneHours",
    "ZoneKind",
    "ZoneLimit",
    "ZonePeriod",
    "ZoneVolume",
    "border_from_geojson",
    "ellipse_from_covariance",
    "inside_circle",
    "inside_ellipse",
    "inside_polygon",
    "line_of_sight",
    "place_from_site",
    "roads_from_geojson",
    "terrain_from_site",
    "turn_direction",
    "visible_above",
    "zone_area_km2",
    "zones_at",
]
