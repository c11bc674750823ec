"""GeoJSON (RFC 7946): tracks as points or whole paths, incidents and alarms with their areas as polygons.

Coordinates are longitude, latitude, height above the WGS 84 ellipsoid, as the RFC wants; an unknown height is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from araz.vocabulary import Alarm, Area, Incident, Picture, Track, is_drill, real_tracks

#: Corners of an ellipse.
CORNERS: Final = 48
_PER_DEG_M: Final = 111_195.0
Json = dict[str, Any]


def geojson_of(pictures: Iterable[Picture], incidents: Sequence[Incident] = (), alarms: Sequence[Alarm] = ()) -> Json:
    """Return one FeatureCollection: a line for each track's path with its last state, a polygon for each area.

    A track seen in one picture only is a point. Times are microseconds UTC in the properties, one a vertex of a path.
    Of an alarm only its last revision is drawn: earlier areas no longer hold. A path of which any height is unknown has
    none at all, because readers want one number of axes a line.
    """
    paths: dict[str, list[tuple[int, list[float]]]] = {}
    last: dict[str, Track] = {}
    for picture in pictures:
        for track in real_tracks(picture):
            if track.is_confirmed:
                name = f"{track.started_at_us}.{track.track_id}"
                paths.setdefault(name, []).append((picture.at_us, _place(track)))
                last[name] = track
    features = [_path(last[name], path) for name, path in paths.items()]
    for incident in (one for one in incidents if not is_drill(one)):
        features += [_polygon(area, _words(incident)) for area in incident.areas]
    last_of = {
        alarm.alarm_id: alarm for alarm in sorted(alarms, key=lambda alarm: alarm.revision) if not is_drill(alarm)
    }
    for alarm in last_of.values():
        features += [_polygon(area, _words(alarm)) for area in alarm.areas]
    return {"type": "FeatureCollection", "features": features}


def _place(track: Track) -> list[float]:
    place = [round(track.longitude_deg, 7), round(track.latitude_deg, 7)]
    return [*place, round(track.altitude_hae_m, 1)] if math.isfinite(track.altitude_hae_m) else place


def _path(track: Track, path: Sequence[tuple[int, list[float]]]) -> Json:
    plain = {key: value for key, value in msgspec.to_builtins(track).items() if key != "verdict_said"}
    properties = {**plain, "at_us": [at_us for at_us, _ in path]}
    axes = min(len(place) for _, place in path)
    places = [place[:axes] for _, place in path]
    if len(places) == 1:
        return {"type": "Feature", "geometry": {"type": "Point", "coordinates": places[0]}, "properties": properties}
    return {"type": "Feature", "geometry": {"type": "LineString", "coordinates": places}, "properties": properties}


def _words(record: Incident | Alarm) -> Json:
    plain = msgspec.to_builtins(record)
    return {key: value for key, value in plain.items() if isinstance(value, str | int | float) or value is None}


def ellipse_ring(area: Area) -> list[list[float]]:
    """Longitude and latitude (degrees, to 7 places) round an area's ellipse, counter-clockwise, closed [49][2].

    On a sphere of 111,195 m a degree: good to 0.5 % of the semi-axes; fails at the poles.
    """
    turn = math.radians(area.azimuth_deg)
    ring = []
    for k in range(CORNERS + 1):
        angle = -2 * math.pi * (k % CORNERS) / CORNERS
        along, across = area.semi_major_m * math.cos(angle), area.semi_minor_m * math.sin(angle)
        north = along * math.cos(turn) - across * math.sin(turn)
        east = along * math.sin(turn) + across * math.cos(turn)
        longitude = area.longitude_deg + east / (_PER_DEG_M * math.cos(math.radians(area.latitude_deg)))
        ring.append([round(longitude, 7), round(area.latitude_deg + north / _PER_DEG_M, 7)])
    return ring


def _polygon(area: Area, properties: Json) -> Json:
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ellipse_ring(area)]},
        "properties": {**properties, "probability": area.probability},
    }
