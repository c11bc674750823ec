"""The game cut from a site: its border, roads, sensors and posts, at one corner of what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import msgspec
import numpy as np
from scipy.sparse import csr_array

from araz.deployment._ground import Ground, ground_of
from araz.deployment._instance import Instance, Limits
from araz.deployment._ways import Craft, Ways, hazard_of, undominated, ways_of
from araz.geography import Place
from araz.intercept import Assumptions, probabilities_in_time
from araz.sensors import sensor_table
from araz.vocabulary import (
    FloatArray,
    IntArray,
    Interval,
    PlanAircraft,
    PlanAsk,
    PlanCorner,
    PlanMove,
    Planning,
    PlanPost,
    Quarry,
    Sensor,
    SensorKind,
    Uncertain,
    frozen_array,
    phrase,
)

Placed = TypeVar("Placed", PlanPost, Sensor)
#: A response below this is none.
_LEAST_Q = 0.02
#: Receivers of what aircraft say of themselves, and people, see no smuggler on their own account.
_DEAF = (SensorKind.ADSB_RECEIVER, SensorKind.PEOPLE, SensorKind.TRACK_SOURCE)


@dataclass(frozen=True, slots=True, eq=False)
class SiteGame:
    """A game and where its parts lie, ENU metres [N, 2] at the site's origin; ``standing`` [S]: 1, already there.

    The first sensors are the site's own, at cost 0; the others are ``planning.sensors``. ``assumed``: sentences that
    say what the site file left open and what was taken instead.
    """

    instance: Instance
    ground: Ground
    post_enu_m: FloatArray
    sensor_enu_m: FloatArray
    standing: FloatArray
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Sector:
    """What does not depend on sensors and posts: kept, so that a moved post costs no flight."""

    place: Place
    ground: Ground
    crafts: tuple[Craft, ...]
    ways: Ways


def game_of_site(place: Place, corner: PlanCorner = PlanCorner.LIKELY, ask: PlanAsk | None = None) -> SiteGame:
    """The game of a place whose site file has ``[planning]``; ``ask``: with sensors or posts moved, other teams.

    **Detection** is the coverage map's model on the flight itself (``leg_hazard``). **Response** q = a · P(A < D): A
    normal about alert + ready + travel on the road graph, D the crew's lognormal stay, both as in ``intercept``; the
    clock starts when the load is on the ground, as if nothing had been seen before. **Corners**: what every attack
    brings rises with load and falls with everything that helps us whatever is planned, so a plan's guarantee at
    ``worst`` holds for all values inside the intervals at once (each interval is checked: low ≤ likely ≤ high).
    Fails with ValueError when the file has no ``[planning]`` or one that does not fit, or a name moved is unknown.
    """
    planning = place.site.planning
    if planning is None:
        raise ValueError(phrase("refusal.no-planning", name=place.site.name))
    at, sector = _At(corner), _sector(place, corner)
    ground, ways = sector.ground, sector.ways
    sensors, posts = _sensors(place, planning), planning.posts or _posts_of_patrols(place)
    if not posts:
        raise ValueError(phrase("refusal.no-waiting"))
    if ask is not None:
        sensors, posts = _moved(sensors, ask.sensors, "sensor"), _moved(posts, ask.posts, "post")
        planning = msgspec.structs.replace(planning, teams=ask.teams or planning.teams)
    post_enu_m = _places(place, posts)
    response = _response(place, planning, posts, post_enu_m, ground, at)
    hazard = np.column_stack([_column(sector, sensor) for sensor in sensors] or [np.zeros((len(ways.launch), 0))])
    group, met = ways.crossing * len(sector.crafts) + ways.aircraft, response[ways.aircraft, ways.drop]
    kept = undominated(group, np.column_stack([hazard, met]))
    own = len(sensors) - len(planning.sensors)
    instance = _instance(place, planning, at, ground, ways.at(kept), hazard[kept], response, posts, sensors)
    return SiteGame(
        instance, ground, post_enu_m, _places(place, sensors), frozen_array(np.arange(len(sensors)) < own, np.float64),
        _assumed(planning, ground),
    )  # fmt: skip


@lru_cache(maxsize=4)
def _sector(place: Place, corner: PlanCorner) -> _Sector:
    planning, at = place.site.planning, _At(corner)
    assert planning is not None
    ground, crafts = ground_of(place, planning), tuple(_craft(craft, at) for craft in planning.aircraft)
    return _Sector(place, ground, crafts, ways_of(place, ground, crafts))


@lru_cache(maxsize=96)
def _column(sector: _Sector, sensor: Sensor) -> FloatArray:
    """Hazard [N] of one sensor along every way of the sector."""
    alone = replace(sector.place, site=msgspec.structs.replace(sector.place.site, sensors=[sensor]))
    hazard = hazard_of(alone, sensor_table(alone.site, alone), sector.ground, sector.crafts, sector.ways)
    column: FloatArray = frozen_array(hazard[:, 0], np.float64)
    return column


def _moved(items: list[Placed], moves: list[PlanMove], word: str) -> list[Placed]:
    known = {item.id for item in items}
    where = {move.id: {"longitude_deg": move.longitude_deg, "latitude_deg": move.latitude_deg} for move in moves}
    if not where.keys() <= known:
        unknown = sorted(where.keys() - known)[0]
        raise ValueError(f"There is no {word} {unknown!r}; there are {', '.join(sorted(known)) or 'none'}.")
    return [msgspec.structs.replace(item, **where.get(item.id, {})) for item in items]


class _At:
    """Reads uncertain figures at one corner: ``helps`` those that are better for us when they are larger.

    Worst is the end that helps the smuggler, best the end that helps us.
    """

    def __init__(self, corner: PlanCorner) -> None:
        self._corner = corner

    def helps(self, value: Uncertain) -> float:
        return self._end(value, "low", "high")

    def hurts(self, value: Uncertain) -> float:
        return self._end(value, "high", "low")

    def _end(self, value: Uncertain, worst: str, best: str) -> float:
        if not isinstance(value, Interval):
            return float(value)
        if not value.low <= value.likely <= value.high:
            raise ValueError(f"The interval {value} needs low ≤ likely ≤ high.")
        ends = {PlanCorner.WORST: worst, PlanCorner.BEST: best, PlanCorner.LIKELY: "likely"}
        return float(getattr(value, ends[self._corner]))


def _sensors(place: Place, planning: Planning) -> list[Sensor]:
    """The site's own sensors that can see a smuggler, then every candidate as if it were built."""
    own = {sensor.id: sensor for sensor in place.site.sensors if sensor.kind not in _DEAF}
    out = dict(own)
    for item in planning.sensors:
        if item.like not in own:
            raise ValueError(
                f"planning.sensors {item.id} is like {item.like!r}, which is none of the site's sensors that can see: "
                f"{', '.join(own) or 'none'}."
            )
        if item.id in out:
            raise ValueError(f"planning.sensors names {item.id} twice, or as a sensor that stands already.")
        where = {"latitude_deg": item.latitude_deg, "longitude_deg": item.longitude_deg}
        out[item.id] = msgspec.structs.replace(own[item.like], id=item.id, wire_id="", **where)
    return list(out.values())


def _craft(craft: PlanAircraft, at: _At) -> Craft:
    speed_mps = at.hurts(craft.speed_mps)
    if not speed_mps > 0:
        raise ValueError(f"planning.aircraft {craft.name} has speed_mps {speed_mps:g}; give one above 0.")
    quarry = Quarry(
        name=craft.name, rcs_dbsm=craft.rcs_dbsm, acoustic_range_m=craft.acoustic_range_m,
        emits_radio=not craft.is_radio_silent,
    )  # fmt: skip
    return Craft(at.hurts(craft.range_m), speed_mps, craft.heights_agl_m, quarry, craft.returns)


def _posts_of_patrols(place: Place) -> list[PlanPost]:
    return [
        PlanPost(
            id=patrol.id, latitude_deg=patrol.latitude_deg, longitude_deg=patrol.longitude_deg,
            ready_s=patrol.ready_s, off_road_mps=patrol.off_road_mps,
        )
        for patrol in place.site.patrols
    ]  # fmt: skip


def _places(place: Place, items: Sequence[PlanPost | Sensor]) -> FloatArray:
    """ENU metres [N, 2] of what the site file gives in degrees."""
    if not items:
        return np.zeros((0, 2))
    latitude, longitude = np.array([[item.latitude_deg, item.longitude_deg] for item in items]).T
    return place.frame.to_enu(latitude, longitude, place.frame.hae_m)[:, :2]


def _response(
    place: Place, planning: Planning, posts: list[PlanPost], post_enu_m: FloatArray, ground: Ground, at: _At
) -> FloatArray:
    """Q [K, D, P]: chance that a team of each post is at each drop before each aircraft's crew has left it."""
    assumed, factor = Assumptions(), at.helps(planning.road_factor)
    free, alert_s = at.helps(planning.availability), at.hurts(planning.alert_s)
    if not (factor > 0 and free <= 1):
        raise ValueError(f"planning.road_factor {factor:g} must be above 0, availability {free:g} at most 1.")
    out = np.zeros((len(planning.aircraft), len(ground.drop_enu_m), len(posts)))
    for p, post in enumerate(posts):
        travel_s, _ = place.roads.travel(post_enu_m[p], ground.drop_enu_m, post.off_road_mps, factor)
        arrival_s = alert_s + post.ready_s + travel_s
        spread_s = np.hypot(assumed.travel_spread * travel_s, assumed.ready_spread * post.ready_s)
        for k, craft in enumerate(planning.aircraft):
            stay_s = at.helps(craft.pickup_s)
            if stay_s <= 0:
                continue  # gone at once: nobody is ever in time
            crew = replace(assumed, crew_dwell_median_s=stay_s)
            out[k, :, p] = free * probabilities_in_time(arrival_s, spread_s, np.zeros_like(arrival_s), crew)
    return np.where(out >= _LEAST_Q, out, 0.0)


def _instance(
    place: Place,
    planning: Planning,
    at: _At,
    ground: Ground,
    ways: Ways,
    hazard: FloatArray,
    response: FloatArray,
    posts: list[PlanPost],
    sensors: list[Sensor],
) -> Instance:
    windows, count = len(planning.window_value), len(ways.crossing)
    window = np.repeat(np.arange(windows), count)

    def every(values: IntArray) -> IntArray:
        return np.tile(values, windows)

    load_kg = np.array([at.hurts(craft.load_kg) for craft in planning.aircraft])
    cost_kg = np.array([at.helps(craft.cost_kg) for craft in planning.aircraft])
    worth = np.array([at.hurts(value) for value in planning.window_value])
    rows, row_of = np.unique(ways.aircraft * len(ground.drop_enu_m) + ways.drop, return_inverse=True)
    q = response.reshape(-1, response.shape[2])[rows]
    limits = Limits(
        max_move_m=planning.max_move_m, duty_windows=planning.duty_windows, rest_windows=planning.rest_windows,
        pool=planning.pool,
    )  # fmt: skip
    own = len(sensors) - len(planning.sensors)
    return Instance(
        value_kg=load_kg[every(ways.aircraft)] * worth[window],
        cost_kg=cost_kg[every(ways.aircraft)],
        base_detection=np.full(len(window), at.helps(planning.unaided_detection)),
        crossing=every(ways.crossing),
        window=window,
        aircraft=every(ways.aircraft),
        drop=every(ways.drop),
        launch=every(ways.launch),
        hazard=csr_array(np.tile(at.helps(planning.detection_factor) * hazard, (windows, 1))),
        response_row=(np.arange(windows)[:, None] * len(rows) + row_of.reshape(1, -1)).ravel(),
        response=csr_array(np.tile(q, (windows, 1))),
        row_window=np.repeat(np.arange(windows), len(rows)),
        cell_m=ground.cell_m,
        post_m=place.border.along_m(*_places(place, posts).T),
        sensor_m=place.border.along_m(*_places(place, sensors).T),
        sensor_cost=np.array([0.0] * own + [item.cost for item in planning.sensors]),
        teams=np.full(windows, planning.teams),
        limits=limits,
        sorties=planning.sorties,
        penalty_kg=np.full(len(window), planning.penalty_kg) if planning.penalty_kg > 0 else None,
        aircraft_names=tuple(craft.name for craft in planning.aircraft),
        post_names=tuple(post.id for post in posts),
        sensor_names=tuple(sensor.id for sensor in sensors),
    )


def _assumed(planning: Planning, ground: Ground) -> tuple[str, ...]:
    out: list[str] = []
    if not ground.launch_roads_known:
        out.append(phrase("planned.no-roads-there"))
    if not planning.posts:
        out.append(phrase("planned.no-posts"))
    if not planning.sensors:
        out.append(phrase("planned.no-sites"))
    return tuple(out)
