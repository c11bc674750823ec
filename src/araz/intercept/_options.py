"""From an alarm with a drop area to what the officer can order, best first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from msgspec.structs import replace

from araz.geography import Place
from araz.intercept._crew import Assumptions, CutOffs, cut_offs, probabilities_in_time
from araz.intercept._words import cut_off_sentence, drop_area_sentence
from araz.vocabulary import Alarm, Area, BoolArray, FloatArray, InterceptOption, Patrol, Phrase, phrase, phrase_of

_OVER_THE_LINE_M = 100.0  # a route may overshoot the (generalised) line by this much before it is refused


def rank_options(
    place: Place,
    patrols: Sequence[Patrol],
    alarm: Alarm,
    now_us: int,
    expected_at_us: int | None = None,
    assumed: Assumptions | None = None,
) -> tuple[InterceptOption, ...]:
    """At most five options, by the chance to meet the crew, then by arrival; empty when nothing honest can be said.

    ``alarm.areas[0]`` is the drop area; the load is down at ``expected_at_us`` (a prediction, or the drop's own time),
    else at ``alarm.raised_at_us``. Arrival = readiness + quickest way (road and foot). ``margin_s`` is measured against
    the crews' median departure (cut-off: passing there), a mean over their kinds. ``probability_before`` is the chance
    to stand there in time; at a cut-off it is multiplied by the share of exits that pass the point, so that all options
    compare. Both are means over the kinds of crew, as likely as assumed.
    Patrols that are unavailable or nowhere are left out, as are ways that lead over the line. Nobody is sent over the
    line: a drop area centred on the other side has cut-offs only.
    """
    assumed = assumed or Assumptions()
    drop = _drop_enu_m(place, alarm)
    if drop is None:
        return ()
    load_s = ((alarm.raised_at_us if expected_at_us is None else expected_at_us) - now_us) / 1e6
    race = _Race(place, drop, alarm.areas[0], load_s, cut_offs(place, drop, assumed), assumed)
    courses = [race.courses_of(patrol) for patrol in patrols if _can_be_sent(patrol)]
    plans = [course.drop_area for course in courses if course.drop_area is not None]
    plans += _spread(courses, race)
    plans.sort(key=lambda plan: (-plan.chance, plan.arrival_s, plan.patrol.id, plan.point is not None))
    return tuple(race.option(plan, rank) for rank, plan in enumerate(_kept(plans, assumed.most_options), start=1))


def rank_for_group(
    place: Place,
    patrols: Sequence[Patrol],
    alarm: Alarm,
    now_us: int,
    expected_at_us: Mapping[str, int],
    assumed: Assumptions | None = None,
) -> tuple[InterceptOption, ...]:
    """For a card for many: to each member, most urgent first, the best that a patrol not yet spoken for can do.

    One option a patrol, at most five; each names its member in ``track_id`` and in its sentence. ``expected_at_us``
    says by track when its load is down. Members without an area, or that need nobody (priority 3), get none. Who was
    sent to a member stays with it: its option is his, and no other member is offered him.
    """
    assumed, options = assumed or Assumptions(), list[InterceptOption]()
    taken = {name for member in alarm.members for name in member.patrols}
    free = [patrol for patrol in patrols if patrol.id not in taken]
    for member in alarm.members:
        if len(options) == assumed.most_options:
            break
        if not member.areas or member.priority > 2:
            continue
        own = replace(alarm, areas=member.areas, raised_at_us=member.told_at_us)
        due_us = None if member.track_id is None else expected_at_us.get(member.track_id)
        sent = [patrol for patrol in patrols if patrol.id in member.patrols]
        best = next(iter(rank_options(place, sent or free, own, now_us, due_us, assumed)), None)
        if best is None:
            continue
        words = phrase("option.member", member=member.name, option=phrase_of(best.sentence, best.said))
        options.append(
            replace(best, rank=len(options) + 1, track_id=member.track_id, sentence=str(words), said=words.said)
        )
        free = [patrol for patrol in free if patrol.id != best.patrol_id]
    return tuple(options)


def _can_be_sent(patrol: Patrol) -> bool:
    return patrol.is_available and math.isfinite(patrol.latitude_deg) and math.isfinite(patrol.longitude_deg)


def _kept(plans: list[_Plan], most: int) -> list[_Plan]:
    """The first ``most``, but never without the best way to the drop area itself: the load lies there."""
    kept = plans[:most]
    to_drop = next((plan for plan in plans if plan.point is None), None)
    if to_drop is not None and kept and to_drop not in kept:
        kept[-1] = to_drop
    return kept


def _spread(courses: list[_Courses], race: _Race) -> list[_Plan]:
    """One cut-off a patrol, spread over the ways out: greedily the pair that adds most to the chance that somebody
    stands in the crew's way, mean over kinds of crew and exits of 1 − Π (1 − passes × in time).
    """
    passes = race.cuts.passes
    open_way = np.ones(passes.shape[:2])
    left = [course for course in courses if course.cut_offs]
    chosen: list[_Plan] = []
    while left:
        added = np.einsum("s,sx,sxc->sc", race.weights, open_way, passes) / passes.shape[1]
        course, plan = max(
            ((course, plan) for course in left for plan in course.cut_offs),
            key=lambda pair: (
                round(float(added[:, pair[1].point] @ pair[1].in_times), 6),
                pair[1].chance,
                -pair[1].arrival_s,
            ),
        )
        open_way = open_way * (1.0 - passes[:, :, plan.point] * plan.in_times[:, None])
        chosen.append(plan)
        left = [other for other in left if other is not course]
    return chosen


def _drop_enu_m(place: Place, alarm: Alarm) -> FloatArray | None:
    """The centre of the drop area on the ENU plane [2], or None when the alarm has none."""
    if not alarm.areas:
        return None
    area = alarm.areas[0]
    enu: FloatArray = place.frame.to_enu(area.latitude_deg, area.longitude_deg, place.frame.hae_m)[0, :2]
    return enu if np.all(np.isfinite(enu)) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """One thing one patrol could do: to the drop area (``point`` None) or to a column of ``CutOffs.passes``.

    Times in seconds from now; ``in_time`` is the chance to be there first, ``chance`` that times the share of exits;
    ``in_times`` the former by kind of crew [S].
    """

    patrol: Patrol
    point: int | None
    way_enu_m: FloatArray
    in_times: FloatArray
    arrival_s: float
    sigma_s: float
    margin_s: float
    in_time: float
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class _Courses:
    """All one patrol could do."""

    drop_area: _Plan | None
    cut_offs: tuple[_Plan, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Race:
    """One alarm's race, the same for every patrol; times in seconds from now."""

    place: Place
    drop_enu_m: FloatArray
    area: Area
    load_s: float
    cuts: CutOffs
    assumed: Assumptions

    @property
    def weights(self) -> FloatArray:
        """How likely each kind of crew is [S]."""
        return np.array([share for share, _ in self.assumed.crews()])

    @property
    def through(self) -> FloatArray:
        """How likely a crew is of a kind and passes the drop area, or each cut-off [S, 1 + C]."""
        shares = np.concatenate([np.ones((len(self.weights), 1)), self.cuts.shares], axis=1)
        return np.asarray(self.weights[:, None] * shares, dtype=np.float64)

    def courses_of(self, patrol: Patrol) -> _Courses:
        """A patrol's way to the drop area, and to every cut-off: row 0 is the drop area."""
        travel_s, ways, is_ours = _ways(
            self.place, self.drop_enu_m, self.cuts.node, patrol.latitude_deg, patrol.longitude_deg,
            patrol.off_road_mps, patrol.speed_factor,
        )  # fmt: skip
        arrival_s = patrol.ready_s + travel_s
        sigma_s = np.hypot(self.assumed.travel_spread * travel_s, self.assumed.ready_spread * patrol.ready_s)
        sigma_s[0] = math.hypot(sigma_s[0], self._search_m() / patrol.off_road_mps)
        crews, through = [crew for _, crew in self.assumed.crews()], self.through
        leaves_s = self.load_s + np.concatenate([np.zeros((len(crews), 1)), self.cuts.crew_s], axis=1)
        in_times = np.array([
            probabilities_in_time(arrival_s, sigma_s, row, crew) for crew, row in zip(crews, leaves_s, strict=True)
        ])  # fmt: skip
        gone_s = leaves_s + np.array([[crew.crew_dwell_median_s] for crew in crews])
        margin_s = (through * gone_s).sum(axis=0) / through.sum(axis=0) - arrival_s
        chance = (through * in_times).sum(axis=0)
        rows = np.stack([arrival_s, sigma_s, margin_s, chance / through.sum(axis=0), chance], axis=1).tolist()
        plans = [_Plan(patrol, None if k == 0 else k - 1, ways[k], in_times[:, k], *row) for k, row in enumerate(rows)]
        allowed = tuple(plan for plan, ours in zip(plans, is_ours, strict=True) if ours)
        has_drop = bool(allowed) and allowed[0].point is None
        return _Courses(allowed[0] if has_drop else None, allowed[1:] if has_drop else allowed)

    def _search_m(self) -> float:
        """How far from the middle of the area the load lies, one sigma: the search on foot for the true place."""
        return self.area.semi_major_m / math.sqrt(-2.0 * math.log1p(-min(self.area.probability, 0.999)) or 1.0)

    def option(self, plan: _Plan, rank: int) -> InterceptOption:
        """A plan as it is shown: the way in WGS 84, the sentence, rounded figures."""
        way, words = plan.way_enu_m, self._sentence(plan)
        up = self.place.terrain.ground_up_m(way[:, 0], way[:, 1])
        latitude, longitude, hae = self.place.frame.to_geodetic(np.column_stack([way, up]))
        return InterceptOption(
            rank=rank,
            patrol_id=plan.patrol.id,
            action="drop area" if plan.point is None else "cut-off",
            latitude_deg=round(float(latitude[-1]), 6),
            longitude_deg=round(float(longitude[-1]), 6),
            arrival_s=round(plan.arrival_s, 1),
            arrival_sigma_s=round(plan.sigma_s, 1),
            margin_s=round(plan.margin_s, 1),
            probability_before=round(plan.chance, 4),
            route=[(round(float(x), 6), round(float(y), 6)) for x, y in zip(longitude, latitude, strict=True)],
            sentence=str(words),
            said=words.said,
            altitude_hae_m=round(float(hae[-1]), 1),
        )

    def _sentence(self, plan: _Plan) -> Phrase:
        if plan.point is None:
            return drop_area_sentence(plan.patrol.id, plan.arrival_s, self.load_s, plan.margin_s, plan.in_time)
        share = float(self.through[:, plan.point + 1].sum())
        offset = self.cuts.place_enu_m[plan.point] - self.drop_enu_m
        names = self.place.roads.names_at(self.cuts.node[plan.point])
        return cut_off_sentence(plan.patrol.id, names, offset, plan.arrival_s, plan.margin_s, plan.in_time, share)


def _ways(
    place: Place, drop_enu_m: FloatArray, nodes: tuple[int, ...], latitude_deg: float, longitude_deg: float,
    off_road_mps: float, speed_factor: float,
) -> tuple[FloatArray, list[FloatArray], BoolArray]:  # fmt: skip
    """Seconds, ways, and whether each keeps to our side, from a patrol's place to the drop area and to road nodes."""
    at = _stands_at(place, latitude_deg, longitude_deg)
    travel_s, ways = place.roads.travel(np.array(at), drop_enu_m, off_road_mps, speed_factor)
    node_s, node_ways, is_ours = _ways_to_nodes(place, nodes, *at, off_road_mps, speed_factor)
    stays = np.concatenate([_stay_ours(place, ways), is_ours])
    return np.concatenate([travel_s, node_s]), [*ways, *node_ways], stays


@lru_cache(maxsize=64)
def _ways_to_nodes(
    place: Place, nodes: tuple[int, ...], east_m: float, north_m: float, off_road_mps: float, speed_factor: float
) -> tuple[FloatArray, tuple[FloatArray, ...], BoolArray]:
    """The part that a new estimate of the drop does not change: asked again for every revision of a card."""
    if not nodes:
        return np.zeros(0), (), np.zeros(0, dtype=np.bool_)
    goals = place.roads.node_enu_m[list(nodes)]
    seconds, ways = place.roads.travel(np.array([east_m, north_m]), goals, off_road_mps, speed_factor)
    return seconds, tuple(ways), _stay_ours(place, ways)


def _stay_ours(place: Place, ways: Sequence[FloatArray]) -> BoolArray:
    """Whether ways [P, 2] keep to our side (the patrol's own place is never held against it) [N]."""
    bends = np.vstack(ways)
    ends = np.cumsum([len(way) for way in ways])
    leg = np.hypot(*np.diff(bends, axis=0, append=bends[-1:]).T)
    side = _sides(place, bends)
    # No point of a leg is farther over than half of what its two ends and its length add up to.
    bound = 0.5 * (side + np.append(side[1:], side[-1]) + leg)
    bound[ends - 1] = side[ends - 1]
    result = np.zeros(len(ways), dtype=np.bool_)
    for k, way in enumerate(ways):
        part = slice(ends[k] - len(way), ends[k])
        limit = max(float(side[part.start]), 0.0) + _OVER_THE_LINE_M
        is_clear = bound[part].max() <= limit or _sides(place, _every_100_m(way)).max() <= limit
        result[k] = is_clear and side[part.stop - 1] < _OVER_THE_LINE_M
    return result


def _sides(place: Place, points_enu_m: FloatArray) -> FloatArray:
    return np.asarray(place.border.signed_distance_m(points_enu_m[:, 0], points_enu_m[:, 1]), dtype=np.float64)


@lru_cache(maxsize=64)
def _stands_at(place: Place, latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    east, north, _ = place.frame.to_enu(latitude_deg, longitude_deg, place.frame.hae_m)[0].tolist()
    return east, north


def _every_100_m(way_enu_m: FloatArray) -> FloatArray:
    """A way with its bends, and points between them at most 100 m apart."""
    step = np.diff(way_enu_m, axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(step[:, 0], step[:, 1]))])
    at = np.union1d(along, np.arange(0.0, along[-1], 100.0))
    return np.column_stack([np.interp(at, along, way_enu_m[:, k]) for k in (0, 1)])
