"""From an alarm with a drop area to what the officer can order, best first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from araz.geography import Place
from araz.intercept._crew import Assumptions, CutOffs, cut_offs, probability_in_time
from araz.intercept._words import cut_off_sentence, drop_area_sentence
from araz.vocabulary import Alarm, Area, FloatArray, InterceptOption, Patrol

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
    the crew's median departure (cut-off: its passing there). ``probability_before`` is the chance to stand there in
    time; at a cut-off it is multiplied by the share of exits that pass the point, so that all options compare.
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
    options = [course.drop_area for course in courses if course.drop_area is not None]
    options += _spread(courses, race.cuts.passes)
    options.sort(key=lambda option: (-option.probability_before, option.arrival_s, option.patrol_id, option.action))
    return tuple(_ranked(option, rank) for rank, option in enumerate(_kept(options, assumed.most_options), start=1))


def _can_be_sent(patrol: Patrol) -> bool:
    return patrol.is_available and math.isfinite(patrol.latitude_deg) and math.isfinite(patrol.longitude_deg)


def _kept(options: list[InterceptOption], most: int) -> list[InterceptOption]:
    """The first ``most``, but never without the best way to the drop area itself: the load lies there."""
    kept = options[:most]
    to_drop = next((option for option in options if option.action == "drop area"), None)
    if to_drop is not None and kept and to_drop not in kept:
        kept[-1] = to_drop
    return kept


def _spread(courses: list[_Courses], passes: FloatArray) -> list[InterceptOption]:
    """One cut-off a patrol, spread over the ways out: greedily the pair that adds most to the chance that somebody
    stands in the crew's way, mean over exits of 1 − Π (1 − passes × in time).
    """
    open_way = np.ones(len(passes))
    left = [course for course in courses if course.cut_offs]
    chosen: list[InterceptOption] = []
    while left:
        _, course, block = max(
            (
                (float(np.mean(open_way * passes[:, block.point]) * block.in_time), course, block)
                for course in left
                for block in course.cut_offs
            ),
            key=lambda entry: (round(entry[0], 6), entry[2].option.probability_before, -entry[2].option.arrival_s),
        )
        open_way = open_way * (1.0 - passes[:, block.point] * block.in_time)
        chosen.append(block.option)
        left = [other for other in left if other is not course]
    return chosen


def _ranked(option: InterceptOption, rank: int) -> InterceptOption:
    fields = {name: getattr(option, name) for name in option.__struct_fields__}
    return InterceptOption(**(fields | {"rank": rank}))


def _drop_enu_m(place: Place, alarm: Alarm) -> FloatArray | None:
    """The centre of the drop area on the ENU plane [2], or None when the alarm has none."""
    if not alarm.areas:
        return None
    area = alarm.areas[0]
    enu: FloatArray = place.frame.to_enu(area.latitude_deg, area.longitude_deg, place.frame.hae_m)[0, :2]
    return enu if np.all(np.isfinite(enu)) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One cut-off one patrol could man: column of ``CutOffs.passes``, chance to be in time, the option."""

    point: int
    in_time: float
    option: InterceptOption


@dataclass(frozen=True, slots=True, eq=False)
class _Courses:
    """All one patrol could do."""

    drop_area: InterceptOption | None
    cut_offs: tuple[_Block, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Race:
    """One alarm's race, the same for every patrol; times in seconds from now."""

    place: Place
    drop_enu_m: FloatArray
    area: Area
    load_s: float
    cuts: CutOffs
    assumed: Assumptions

    def courses_of(self, patrol: Patrol) -> _Courses:
        """A patrol's way to the drop area, and to every cut-off."""
        at = self.place.frame.to_enu(patrol.latitude_deg, patrol.longitude_deg, self.place.frame.hae_m)[0, :2]
        goals = np.vstack([self.drop_enu_m, self.cuts.place_enu_m])
        travel_s, ways = self.place.roads.travel(at, goals, patrol.off_road_mps, patrol.speed_factor)
        return _Courses(
            self._to_drop(patrol, float(travel_s[0]), ways[0]) if self._stays_ours(ways[0]) else None,
            tuple(
                self._to_cut_off(patrol, point, float(travel_s[point + 1]), ways[point + 1])
                for point in range(len(self.cuts.node))
                if self._stays_ours(ways[point + 1])
            ),
        )

    def _stays_ours(self, way_enu_m: FloatArray) -> bool:
        """Whether a way [P, 2] keeps to our side (the patrol's own place is never held against it)."""
        steps = [np.linspace(a, b, 2 + int(np.hypot(*(b - a)) // 100.0)) for a, b in pairwise(way_enu_m)]
        dense = np.vstack(steps)
        side = self.place.border.signed_distance_m(dense[:, 0], dense[:, 1])
        return bool(side.max() <= max(float(side[0]), 0.0) + _OVER_THE_LINE_M and side[-1] < _OVER_THE_LINE_M)

    def _sigma_s(self, patrol: Patrol, travel_s: float, search_m: float) -> float:
        """Spread of the arrival: travel, readiness, and the search on foot for the true place."""
        parts = (
            self.assumed.travel_spread * travel_s,
            self.assumed.ready_spread * patrol.ready_s,
            search_m / patrol.off_road_mps,
        )
        return math.sqrt(sum(part**2 for part in parts))

    def _to_drop(self, patrol: Patrol, travel_s: float, way_enu_m: FloatArray) -> InterceptOption:
        sigma_of_area_m = self.area.semi_major_m / math.sqrt(
            -2.0 * math.log1p(-min(self.area.probability, 0.999)) or 1.0
        )
        arrival_s, sigma_s = patrol.ready_s + travel_s, self._sigma_s(patrol, travel_s, sigma_of_area_m)
        chance = probability_in_time(arrival_s, sigma_s, self.load_s, self.assumed)
        margin_s = self.load_s + self.assumed.crew_dwell_median_s - arrival_s
        sentence = drop_area_sentence(patrol.id, arrival_s, self.load_s, margin_s, chance)
        return self._option(patrol, "drop area", way_enu_m, (arrival_s, sigma_s, margin_s, chance), sentence)

    def _to_cut_off(self, patrol: Patrol, index: int, travel_s: float, way_enu_m: FloatArray) -> _Block:
        arrival_s, sigma_s = patrol.ready_s + travel_s, self._sigma_s(patrol, travel_s, 0.0)
        passes_s = self.load_s + float(self.cuts.crew_s[index])
        in_time = probability_in_time(arrival_s, sigma_s, passes_s, self.assumed)
        margin_s = passes_s + self.assumed.crew_dwell_median_s - arrival_s
        share = float(self.cuts.passes[:, index].mean())
        offset = self.cuts.place_enu_m[index] - self.drop_enu_m
        names = self.place.roads.names_at(self.cuts.node[index])
        sentence = cut_off_sentence(patrol.id, names, offset, arrival_s, margin_s, in_time, share)
        option = self._option(patrol, "cut-off", way_enu_m, (arrival_s, sigma_s, margin_s, in_time * share), sentence)
        return _Block(index, in_time, option)

    def _option(
        self, patrol: Patrol, action: str, way_enu_m: FloatArray, figures: tuple[float, ...], sentence: str
    ) -> InterceptOption:
        up = self.place.terrain.ground_up_m(way_enu_m[:, 0], way_enu_m[:, 1])
        latitude, longitude, _ = self.place.frame.to_geodetic(np.column_stack([way_enu_m, up]))
        arrival_s, sigma_s, margin_s, chance = figures
        return InterceptOption(
            rank=0,
            patrol_id=patrol.id,
            action=action,
            latitude_deg=round(float(latitude[-1]), 6),
            longitude_deg=round(float(longitude[-1]), 6),
            arrival_s=round(arrival_s, 1),
            arrival_sigma_s=round(sigma_s, 1),
            margin_s=round(margin_s, 1),
            probability_before=round(chance, 4),
            route=[(round(float(x), 6), round(float(y), 6)) for x, y in zip(longitude, latitude, strict=True)],
            sentence=sentence,
        )
