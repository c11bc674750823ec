"""The sector as places: border cells, where a drone may start over there, where its load may fall on our side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from araz.geography import Place
from araz.vocabulary import BoolArray, FloatArray, IntArray, Planning, frozen_array, phrase

#: Roads are walked in steps of this length when drop places are looked for.
_STEP_M = 100.0
#: A load does not fall on the line itself: the drone is over our ground by then.
_NEAREST_DROP_M = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Places in ENU metres [N, 2] at the site origin: cells with their distance along the line, launches, drops."""

    cell_enu_m: FloatArray
    cell_m: FloatArray
    launch_enu_m: FloatArray
    drop_enu_m: FloatArray
    launch_roads_known: bool
    """Whether the road file has roads over there; where it has none, every place over there counts as one to start."""


def ground_of(place: Place, planning: Planning) -> Ground:
    """Cut the part of the line inside the terrain into cells, and find launch and drop places along it.

    Launch places stand square to the line, at each depth, every so far; with roads over there only those near one.
    Drop places lie on our roads, one in a square. Fails with ValueError where the sector has no line or no drop place.
    """
    line = place.border.points_enu_m
    along = np.asarray(np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))]), dtype=np.float64)
    middle = (np.arange(int(along[-1] // planning.cell_m), dtype=np.float64) + 0.5) * planning.cell_m
    cell_m = _inside(place, along, np.asarray(middle, dtype=np.float64))
    if len(cell_m) == 0:
        raise ValueError(phrase("refusal.no-cell", metres=f"{planning.cell_m:g}"))
    drops = _drops(place, planning)
    if len(drops) == 0:
        raise ValueError(phrase("refusal.no-drop-road", metres=f"{planning.drop_depth_m:g}"))
    launches, known = _launches(place, planning, along)
    if len(launches) == 0:
        raise ValueError(phrase("refusal.no-launch"))
    return Ground(
        frozen_array(_at(place, along, cell_m), np.float64),
        frozen_array(cell_m, np.float64),
        frozen_array(launches, np.float64),
        frozen_array(drops, np.float64),
        known,
    )


def _at(place: Place, along: FloatArray, at_m: FloatArray) -> FloatArray:
    """Points [N, 2] of the line at distances along it."""
    line = place.border.points_enu_m
    return np.column_stack([np.interp(at_m, along, line[:, 0]), np.interp(at_m, along, line[:, 1])])


def _within(place: Place, enu_m: FloatArray) -> BoolArray:
    west, south, east, north = place.terrain.extent_enu_m
    x, y = enu_m[:, 0], enu_m[:, 1]
    return np.asarray((x > west) & (x < east) & (y > south) & (y < north))


def _inside(place: Place, along: FloatArray, at_m: FloatArray) -> FloatArray:
    return at_m[_within(place, _at(place, along, at_m))]


def _launches(place: Place, planning: Planning, along: FloatArray) -> tuple[FloatArray, bool]:
    at_m = _inside(place, along, np.arange(0.5 * planning.launch_every_m, along[-1], planning.launch_every_m))
    ahead = _at(place, along, at_m + 1.0) - _at(place, along, at_m - 1.0)
    left = np.column_stack([-ahead[:, 1], ahead[:, 0]]) / np.maximum(np.hypot(*ahead.T), 1e-9)[:, None]
    there = -left if place.border.own_side == "left" else left
    feet = _at(place, along, at_m)
    places = np.concatenate([feet + depth * there for depth in planning.launch_depths_m])
    # Behind a sharp bend the square way over there may lead home again.
    places = places[place.border.signed_distance_m(places[:, 0], places[:, 1]) > 0.0]
    roads = _road_points(place)
    far = roads[place.border.signed_distance_m(roads[:, 0], roads[:, 1]) > 0.0] if len(roads) else roads
    if len(far) == 0:
        return places, False
    gap = np.array([np.hypot(*(far - one).T).min() for one in places])
    return places[gap <= planning.access_m], True


def _drops(place: Place, planning: Planning) -> FloatArray:
    roads = _road_points(place)
    if len(roads) == 0:
        return roads
    depth = -place.border.signed_distance_m(roads[:, 0], roads[:, 1])
    roads = roads[(depth >= _NEAREST_DROP_M) & (depth <= planning.drop_depth_m) & _within(place, roads)]
    square: IntArray = np.floor(roads / planning.drop_every_m).astype(np.int64)
    _, first = np.unique(square, axis=0, return_index=True)
    return roads[np.sort(first)]


def _road_points(place: Place) -> FloatArray:
    """Points along all roads, every ``_STEP_M`` [N, 2]."""
    roads = place.roads
    out = [np.empty((0, 2))]
    for start, end in zip(roads.edge_start_m, roads.edge_end_m, strict=True):
        count = max(2, int(np.hypot(*(end - start)) // _STEP_M) + 1)
        out.append(start + np.linspace(0.0, 1.0, count)[:, None] * (end - start))
    return np.concatenate(out)
