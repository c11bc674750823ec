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
    options = [
        option
        for patrol in patrols
        if patrol.is_available and math.isfinite(patrol.latitude_deg) and math.isfinite(patrol.longitude_deg)
        for option in race.options_of(patrol)
    ]
    options.sort(key=lambda option: (-option.probability_before, option.arrival_s, option.patrol_id, option.action))
    return tuple(_ranked(option, rank) for rank, option in enumerate(options[: assumed.most_options], start=1))


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
class _Race:
    """One alarm's race, the same for every patrol; times in seconds from now."""

    place: Place
    drop_enu_m: FloatArray
    area: Area
    load_s: float
    cuts: CutOffs
    assumed: Assumptions

    def options_of(self, patrol: Patrol) -> list[InterceptOption]:
        """A patrol's way to the drop area, and its best cut-off."""
        at = self.place.frame.to_enu(patrol.latitude_deg, patrol.longitude_deg, self.place.frame.hae_m)[0, :2]
        goals = np.vstack([self.drop_enu_m, self.cuts.place_enu_m])
        travel_s, ways = self.place.roads.travel(at, goals, patrol.off_road_mps, patrol.speed_factor)
        allowed = [self._stays_ours(way) for way in ways]
        options = [self._to_drop(patrol, float(travel_s[0]), ways[0])] if allowed[0] else []
        blocks = [
            self._to_cut_off(patrol, index, float(travel_s[index + 1]), ways[index + 1])
            for index in range(len(self.cuts.node))
            if allowed[index + 1]
        ]
        if blocks:
            options.append(max(blocks, key=lambda option: (option.probability_before, -option.arrival_s)))
        return options

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

    def _to_cut_off(self, patrol: Patrol, index: int, travel_s: float, way_enu_m: FloatArray) -> InterceptOption:
        arrival_s, sigma_s = patrol.ready_s + travel_s, self._sigma_s(patrol, travel_s, 0.0)
        passes_s = self.load_s + float(self.cuts.crew_s[index])
        in_time = probability_in_time(arrival_s, sigma_s, passes_s, self.assumed)
        margin_s = passes_s + self.assumed.crew_dwell_median_s - arrival_s
        share = float(self.cuts.share[index])
        offset = self.cuts.place_enu_m[index] - self.drop_enu_m
        names = self.place.roads.names_at(self.cuts.node[index])
        sentence = cut_off_sentence(patrol.id, names, offset, arrival_s, margin_s, in_time, share)
        return self._option(patrol, "cut-off", way_enu_m, (arrival_s, sigma_s, margin_s, in_time * share), sentence)

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
