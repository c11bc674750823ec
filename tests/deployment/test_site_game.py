"""The game cut from a site, judged by slow counting, by the coverage map and by values drawn from the intervals."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._data import site_path
from araz.deployment import _from_site, game_of_site, guarantee_in, plan_patrols, solve_marginals
from araz.deployment import detection as detection_of
from araz.deployment._ways import DWELL_S, STEPS, Craft, leg_hazard, undominated
from araz.sensors import dwell_chances, lone_chances, look_chances, sensor_table, weather_of
from araz.vocabulary import Interval, Quarry

CRAFT = Craft(20_000.0, 15.0, (60.0,), Quarry(), True)


@pytest.fixture(scope="module")
def horadiz():
    return site_from_bundle(bundle_from_file(site_path("horadiz")))[1]


def changed(place, **planning):
    """The place with a coarse [planning], quick to solve, and what is given changed."""
    coarse = {"cell_m": 3000.0, "drop_every_m": 4000.0, "launch_every_m": 6000.0, "window_value": (1.0, 0.8)}
    new = msgspec.structs.replace(place.site.planning, **{**coarse, **planning})
    return dataclasses.replace(place, site=msgspec.structs.replace(place.site, planning=new))


def test_one_sensor_alone_is_the_coverage_maps_own_chance_of_a_track(horadiz):
    table = sensor_table(horadiz.site, horadiz)
    look = np.random.default_rng(1).uniform(0, 0.4, (len(table.sensor_id), 50, STEPS))
    look[[s.kind != "radar" for s in horadiz.site.sensors]] = 0.0
    for row in np.flatnonzero(look.any(axis=(1, 2))):
        only = np.where(np.arange(len(look))[:, None, None] == row, look, 0.0)
        assert lone_chances(table, look, DWELL_S)[row] == pytest.approx(dwell_chances(table, only, DWELL_S)[1])


def test_the_hazard_of_a_leg_is_what_counting_looks_gives(horadiz):
    """Every look drawn ten thousand times: three hits within eight looks of a dwell make a track."""
    rng, table = np.random.default_rng(3), sensor_table(horadiz.site, horadiz)
    start, end = np.array([[1500.0, -3800.0]]), np.array([[-2500.0, 500.0]])
    hazard = leg_hazard(horadiz, table, start, end, CRAFT, 60.0)[0]
    length = float(np.hypot(*(end - start)[0]))
    missed = np.ones((len(table.sensor_id), 10_000))
    for dwell in range(int(np.ceil(length / (CRAFT.speed_mps * DWELL_S)))):
        for s, period in enumerate(table.period_s):
            at_s = np.arange(0.5 * period, DWELL_S, period)
            place_s = (np.floor(at_s / DWELL_S * STEPS) + 0.5) * DWELL_S / STEPS + dwell * DWELL_S
            share = place_s * CRAFT.speed_mps / length
            xy = start + share[:, None] * (end - start)
            up = horadiz.terrain.ground_up_m(*xy.T) + 60.0
            p = look_chances(horadiz, table, np.column_stack([xy, up]), CRAFT.quarry, weather_of(horadiz))[s]
            p = (p * (share <= 1))[p * (share <= 1) > 0]  # looks that could not see it are no looks
            hits = np.pad(rng.uniform(size=(10_000, len(p))) < p, ((0, 0), (7, 0)))
            runs = sum(hits[:, k : hits.shape[1] - 7 + k].astype(int) for k in range(8))
            missed[s] *= ~(runs >= 3).any(axis=1)
    assert (1.0 - np.exp(-hazard)) == pytest.approx(1.0 - missed.mean(axis=1), abs=0.02)
    assert hazard.max() > 1.0


def test_ways_left_out_change_nothing(horadiz, monkeypatch):
    place = changed(horadiz)
    game = game_of_site(place)
    monkeypatch.setattr(_from_site, "undominated", lambda group, bad: np.ones(len(group), bool))
    whole = game_of_site(place)
    assert whole.instance.attacks > 1.5 * game.instance.attacks
    for x in (game.standing, np.ones(game.instance.sensors)):
        few, all_ = (solve_marginals(g.instance, detection_of(g.instance, x)).bound_kg for g in (game, whole))
        assert few == pytest.approx(all_, abs=1e-6)


def test_only_beaten_ways_are_left_out():
    rng = np.random.default_rng(5)
    group, bad = rng.integers(0, 4, 120), rng.integers(0, 3, (120, 3)).astype(float)
    kept = undominated(group, bad)
    for n in np.flatnonzero(~kept):
        assert any(group[m] == group[n] and np.all(bad[m] <= bad[n]) for m in np.flatnonzero(kept))
    for n in np.flatnonzero(kept):
        others = [m for m in np.flatnonzero(kept) if m != n and group[m] == group[n]]
        assert not any(np.all(bad[m] <= bad[n]) for m in others)


def test_the_response_is_the_race_run_many_times(horadiz):
    place = changed(horadiz)
    game, rng = game_of_site(place), np.random.default_rng(2)
    planning, ground, row = place.site.planning, game.ground, 0
    it = game.instance
    attack = int(np.flatnonzero(it.response_row == row)[0])
    craft, drop = planning.aircraft[it.aircraft[attack]], ground.drop_enu_m[it.drop[attack]]
    for p, post in enumerate(planning.posts):
        travel_s, _ = place.roads.travel(game.post_enu_m[p], drop[None], post.off_road_mps, planning.road_factor.likely)
        ready = rng.normal(post.ready_s, 0.3 * post.ready_s, 40_000)
        arrival = planning.alert_s.likely + ready + rng.normal(travel_s[0], 0.2 * travel_s[0], 40_000)
        stay = craft.pickup_s.likely * np.exp(0.6 * rng.normal(size=40_000))
        met = planning.availability.likely * float((arrival < stay).mean())
        assert it.response[[row], [p]] == pytest.approx(met, abs=0.025)  # below 0.02 counts as none


def test_the_worst_corner_holds_for_every_value_inside_the_intervals(horadiz):
    place, rng = changed(horadiz), np.random.default_rng(4)
    worst = game_of_site(place, "worst")
    plan = plan_patrols(worst.instance, worst.standing)

    def drawn(value):
        if isinstance(value, Interval):
            return float(rng.uniform(value.low, value.high))
        if isinstance(value, msgspec.Struct):
            names = [field.name for field in msgspec.structs.fields(value)]
            return msgspec.structs.replace(value, **{name: drawn(getattr(value, name)) for name in names})
        return [drawn(one) for one in value] if isinstance(value, list) else value

    held = []
    for _ in range(4):
        inside = msgspec.structs.replace(place.site, planning=drawn(place.site.planning))
        game = game_of_site(dataclasses.replace(place, site=inside))
        held.append(guarantee_in(game.instance, plan))
    assert max(held) <= plan.guarantee_kg + 1e-6
    assert min(held) < plan.guarantee_kg - 0.1
    bounds = [plan_patrols(game_of_site(place, c).instance, worst.standing).bound_kg for c in ("best", "likely")]
    assert bounds[0] < bounds[1] < plan.bound_kg


def test_what_does_not_fit_is_refused_with_its_remedy(horadiz):
    planning = horadiz.site.planning
    bare = dataclasses.replace(horadiz, site=msgspec.structs.replace(horadiz.site, planning=None))
    with pytest.raises(ValueError, match=r"no \[planning\]"):
        game_of_site(bare)
    upside_down = Interval(low=3.0, likely=2.0, high=4.0)
    wrong = {
        "like 'x'": {"sensors": [msgspec.structs.replace(planning.sensors[0], like="x")]},
        "twice": {"sensors": [planning.sensors[0], planning.sensors[0]]},
        "low ≤ likely": {"alert_s": upside_down},
        "range_m": {"aircraft": [msgspec.structs.replace(planning.aircraft[0], range_m=100.0)]},
        "cell_m": {"cell_m": 200_000.0},
        "drop_depth_m": {"drop_depth_m": 100.0},
    }
    for sentence, change in wrong.items():
        with pytest.raises(ValueError, match=sentence):
            game_of_site(changed(horadiz, **change))
