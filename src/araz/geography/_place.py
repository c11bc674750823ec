"""Everything geographic of a site, in one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from araz.geography._border import BorderLine, border_from_geojson
from araz.geography._frame import LocalFrame
from araz.geography._roads import RoadGraph, roads_from_geojson
from araz.geography._terrain import Terrain, TerrainRaster, terrain_from_site
from araz.geography._zones import Zone
from araz.vocabulary import FloatArray, Site


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The site's ground, line, roads and names; ``towns`` are (name, latitude, longitude) in degrees."""

    frame: LocalFrame
    terrain: Terrain
    border: BorderLine
    roads: RoadGraph
    towns: tuple[tuple[str, float, float], ...]
    site: Site
    zones: tuple[Zone, ...] = ()
    """UAS geographical zones, in the order of their file."""

    def longitude_latitude_deg(self, enu_m: FloatArray) -> FloatArray:
        """Longitude and latitude [N, 2] (degrees, WGS 84) of places on the ground, ENU metres [N, 2]."""
        up = self.terrain.ground_up_m(enu_m[:, 0], enu_m[:, 1])
        latitude, longitude, _ = self.frame.to_geodetic(np.column_stack([enu_m, up]))
        return np.column_stack([longitude, latitude])


def _town(entry: Any) -> tuple[str, float, float]:
    """One town of ``towns.json``: GeoNames' ``{"name", "lat", "lng"}`` with numbers as text, or a triple."""
    try:
        if isinstance(entry, Mapping):
            return str(entry["name"]), float(entry["lat"]), float(entry["lng"])
        name, latitude, longitude = entry
        return str(name), float(latitude), float(longitude)
    except (KeyError, TypeError, ValueError) as cause:
        raise ValueError(f"The town {entry!r} needs a name, lat and lng.") from cause


def place_from_site(
    site: Site,
    border_geojson: Mapping[str, Any],
    roads_geojson: Mapping[str, Any] | None = None,
    towns: Sequence[Any] = (),
    raster: TerrainRaster | None = None,
    zones: Sequence[Zone] = (),
) -> Place:
    """The place a site file describes, from its files already read (GeoJSON as mappings, towns as parsed JSON).

    No roads file gives an empty graph (all travel is off the road). Fails with a ValueError that names the culprit.
    """
    frame = LocalFrame(site.origin_latitude_deg, site.origin_longitude_deg, site.origin_hae_m)
    return Place(
        frame=frame,
        terrain=terrain_from_site(site, frame, raster),
        border=border_from_geojson(border_geojson, frame, site.own_side),
        roads=roads_from_geojson(roads_geojson or {"type": "FeatureCollection", "features": []}, frame),
        towns=tuple(_town(entry) for entry in towns),
        site=site,
        zones=tuple(zones),
    )
