"""Watched corridors: how well each way over the line is seen now, and why not better.

The chance is ``dwell_chances``' ``tracked`` at places 250 m apart along the path, on its middle and both edges, at
three heights between the corridor's own; the corridor's chance is the mean. Where the site names no corridors, the line
itself is watched, ``PIECE_M`` at a time, wherever the sensors in good health would see enough of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import shapely

from araz.geography import Place
from araz.sensors._coverage import DWELL_S, look_chances, quarry_of
from araz.sensors._dwell import dwell_chances
from araz.sensors._look_chance import health_factor, noise_over_quiet_db, radar_reach_m, reach_m
from araz.vocabulary import (
    Corridor,
    CorridorCoverage,
    FloatArray,
    Phrase,
    Quarry,
    SensorHealth,
    SensorKind,
    SensorState,
    SensorTable,
    Weather,
    phrase,
    said_of,
)

STEP_M: Final = 250.0
PIECE_M: Final = 2_000.0
HEIGHTS: Final = 3
#: Blind is left again only this far above the limit, so that a corridor at the limit does not chatter.
MARGIN: Final = 0.1
_CLEAR: Final = Weather()


class Watch(NamedTuple):
    """A corridor with the places asked about [N, 3] (ENU metres) and its chance when all is well."""

    corridor: Corridor
    points_enu_m: FloatArray
    nominal: float


def corridor_watches(place: Place, table: SensorTable) -> tuple[Watch, ...]:
    """The corridors of a site, their places and their chances with all sensors healthy in clear weather.

    Named corridors are always watched, also those that are blind from the start; pieces of the line only where they
    would be seen.
    """
    quarry = quarry_of(place)
    named = place.site.corridors
    watches = []
    for corridor in named or _pieces(place):
        points = _points(place, corridor)
        look = look_chances(place, table, points, quarry, _CLEAR)
        nominal = float(dwell_chances(table, look, DWELL_S)[1].mean())
        if named or nominal >= corridor.least_probability + MARGIN:
            watches.append(Watch(corridor, points, nominal))
    return tuple(watches)


def watch_corridors(
    place: Place,
    table: SensorTable,
    watches: tuple[Watch, ...],
    health: Mapping[str, SensorHealth],
    weather: Weather,
    at_us: int,
    blind_before: frozenset[str] = frozenset(),
) -> list[CorridorCoverage]:
    """How well each corridor is seen now; a sensor not heard yet counts as working until its silence is noticed.

    ``blind_before`` are the corridors that were blind a moment ago: they see again only ``MARGIN`` above the limit.
    """
    quarry = quarry_of(place)
    believed = {
        s.id: record
        for s in place.site.sensors
        if (record := health.get(s.id)) is not None and record.state != SensorState.UNKNOWN
    }
    factors = {s.id: health_factor(believed[s.id]) if s.id in believed else 1.0 for s in place.site.sensors}
    taken = _weather_causes(place, quarry, weather)
    out = []
    for watch in watches:
        look = look_chances(place, table, watch.points_enu_m, quarry, weather, factors)
        tracked = dwell_chances(table, look, DWELL_S)[1]
        name, mean = watch.corridor.id, float(tracked.mean())
        limit = watch.corridor.least_probability
        is_blind = mean < limit + (MARGIN if name in blind_before else 0.0)
        lost = _lost(place, table, watch, quarry, factors)
        causes = [_why(believed[name]) for name in lost] + taken
        sentence = _sentence(name, mean, watch.nominal, is_blind, causes)
        out.append(
            CorridorCoverage(
                corridor_id=name,
                at_us=at_us,
                probability=round(mean, 3),
                nominal_probability=round(watch.nominal, 3),
                blind_share=round(float((tracked < limit).mean()), 3),
                is_blind=is_blind,
                causes=[str(cause) for cause in causes],
                causes_said=[said_of(cause) for cause in causes],
                sensors_lost=lost,
                points=len(tracked),
                sentence=str(sentence),
                said=sentence.said,
            )
        )
    return out


def _pieces(place: Place) -> list[Corridor]:
    """The line inside the terrain's raster, cut into pieces that are named by their middle's distance along it."""
    box = shapely.box(*place.terrain.extent_enu_m)
    pieces = []
    for part in shapely.get_parts(shapely.LineString(place.border.points_enu_m).intersection(box)):
        if part.geom_type != "LineString":
            continue
        count = max(1, round(part.length / PIECE_M))
        for k in range(count):
            ends = (k * part.length / count, (k + 1) * part.length / count)
            at = np.arange(ends[0], ends[1] + 1.0, min(STEP_M, (ends[1] - ends[0]) / 2))
            xy = shapely.get_coordinates(shapely.line_interpolate_point(part, at))
            path = [(longitude, latitude) for longitude, latitude in place.longitude_latitude_deg(xy).tolist()]
            # A name in no language: kilometres along the line.
            name = f"km {ends[0] / 1000:.0f}–{ends[1] / 1000:.0f}"
            pieces.append(Corridor(id=name, path=path))
    return pieces


def _points(place: Place, corridor: Corridor) -> FloatArray:
    """Places of a corridor [N, 3]: along, across and up."""
    longitude, latitude = np.asarray(corridor.path, dtype=np.float64).T
    xy = place.frame.to_enu(latitude, longitude, place.site.origin_hae_m)[:, :2]
    if len(xy) > 1:
        line = shapely.LineString(xy)
        at = np.linspace(0.0, line.length, max(2, round(line.length / STEP_M) + 1))
        xy = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
        along = np.gradient(xy, axis=0)
        across = np.column_stack([along[:, 1], -along[:, 0]]) / np.maximum(np.linalg.norm(along, axis=1), 1e-9)[:, None]
    else:
        across = np.array([[1.0, 0.0]])
    wide = np.concatenate([xy + side * corridor.half_width_m * across for side in (-1.0, 0.0, 1.0)])
    ground = place.terrain.ground_up_m(wide[:, 0], wide[:, 1])
    low, high = corridor.from_agl_m, max(corridor.to_agl_m, corridor.from_agl_m + 1.0)
    heights = low + (high - low) * (np.arange(HEIGHTS) + 0.5) / HEIGHTS
    return np.concatenate([np.column_stack([wide, ground + height]) for height in heights])


def _lost(place: Place, table: SensorTable, watch: Watch, quarry: Quarry, factors: Mapping[str, float]) -> list[str]:
    """Sensors whose health keeps them from seeing a corridor that they would otherwise see."""
    weak = {s.id: 1.0 for s in place.site.sensors if factors[s.id] < 1.0 and s.kind is SensorKind.RADAR}
    if not weak:
        return []
    would = look_chances(place, table, watch.points_enu_m, quarry, _CLEAR, weak)
    return [name for row, name in enumerate(table.sensor_id) if name in weak and would[row].max(initial=0.0) > 0.1]


def _why(record: SensorHealth) -> str:
    if record.is_lying:
        return phrase("corridor.contradicted", sensor=record.sensor_id)
    return phrase("corridor.is", sensor=record.sensor_id, state=phrase(f"state.{record.state.value}"))


def _weather_causes(place: Place, quarry: Quarry, weather: Weather) -> list[str]:
    """What the weather takes, where it takes a tenth of a sensor's reach or more."""
    causes: list[str] = []
    for sensor in place.site.sensors:
        if sensor.kind == SensorKind.RADAR and weather.rain_mm_per_h:
            dry, wet = (radar_reach_m(sensor.max_range_m, quarry, w) for w in (_CLEAR, weather))
            if wet < 0.9 * dry:
                rain, share = f"{weather.rain_mm_per_h:g}", f"{1 - wet / dry:.0%}"
                causes.append(phrase("corridor.rain", rain=rain, share=share, sensor=sensor.id))
        elif sensor.kind == SensorKind.CAMERA and reach_m(sensor, quarry, weather) < 0.9 * sensor.max_range_m:
            reach = f"{reach_m(sensor, quarry, weather):.0f}"
            causes.append(phrase("corridor.sees", sensor=sensor.id, reach=reach))
        elif sensor.kind == SensorKind.ACOUSTIC and noise_over_quiet_db(weather) >= 3.0:
            reach = f"{reach_m(sensor, quarry, weather):.0f}"
            causes.append(phrase("corridor.noise", sensor=sensor.id, reach=reach))
    return causes


def _sentence(name: str, now: float, nominal: float, is_blind: bool, causes: list[str]) -> Phrase:
    why = phrase("corridor.causes", causes=causes) if causes else ""
    key = "corridor.blind" if is_blind else "corridor.watched"
    return phrase(key, corridor=name, now=f"{now:.0%}", nominal=f"{nominal:.0%}", causes=why)
