"""Sensors against every layout written out."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from araz.deployment import (
    cost_curve,
    detection,
    evenly,
    fewest_sensors,
    layout_value,
    made_instance,
    plan_layout,
    solve_marginals,
)
from araz.deployment._joint import Cuts
from araz.deployment._whole_cuts import whole_cuts
from deployment_worlds import tiny, value_by_listing


def layouts(count, most):
    for k in range(most + 1):
        for chosen in combinations(range(count), k):
            x = np.zeros(count)
            x[list(chosen)] = 1
            yield x


@settings(max_examples=8)
@given(seed=st.integers(0, 5_000), budget=st.integers(0, 3))
def test_bound_and_layout_enclose_the_best_of_all_layouts(seed, budget):
    instance = tiny(seed, sensors=5, teams=2)
    best = min(value_by_listing(instance, detection(instance, x)) for x in layouts(5, budget))
    marginal_best = min(layout_value(instance, x) for x in layouts(5, budget))
    found = plan_layout(instance, budget, target=0.0)
    assert found.bound_kg <= best + 1e-5
    assert found.value_kg >= marginal_best - 1e-5
    assert found.sensors_on.sum() <= budget
    assert found.value_kg <= marginal_best * 1.05 + 1e-6


@settings(max_examples=8)
@given(seed=st.integers(0, 5_000), share=st.floats(0.1, 0.9))
def test_fewest_sensors_keeps_its_promise_and_its_least_cost_is_no_lie(seed, share):
    instance = tiny(seed, sensors=5, teams=2)
    low, high = layout_value(instance, np.ones(5)), layout_value(instance, np.zeros(5))
    level = low + share * (high - low) + 1e-3
    cover = fewest_sensors(instance, level)
    truth = min(x.sum() for x in layouts(5, 5) if layout_value(instance, x) <= level)
    assert cover is not None
    assert cover.kept
    assert cover.least_cost <= truth + 1e-6
    assert cover.cost >= cover.least_cost - 1e-6
    assert cover.cost <= truth + 1


@settings(max_examples=40)
@given(seed=st.integers(0, 100_000), sensors=st.integers(1, 8), whole=st.booleans())
def test_the_cuts_for_whole_sensors_hold_at_every_set_and_are_exact_at_their_own(seed, sensors, whole):
    rng = np.random.default_rng(seed)
    hazard = rng.exponential(1.0, (3, sensors)) * (rng.uniform(size=(3, sensors)) < 0.7)
    unseen = np.array([1.0, rng.uniform(), 0.0])
    x = rng.uniform(size=sensors) if not whole else np.round(rng.uniform(size=sensors))
    start = np.arange(4) * sensors
    slope, constant, value = whole_cuts(start, np.tile(np.arange(sensors), 3), hazard.ravel(), unseen, x)
    sets = np.array(list(product((0.0, 1.0), repeat=sensors)))
    allowed = constant + sets @ slope.reshape(3, sensors).T
    truth = -1.0 / np.maximum(1.0 - unseen * np.exp(-sets @ hazard.T), 1e-12)
    assert (allowed >= truth - 1e-9 * np.abs(allowed)).all()
    assert value == pytest.approx(constant + slope.reshape(3, sensors) @ x)
    if whole:
        seen = 1.0 - unseen * np.exp(-hazard @ x)
        clear = seen > 0.02
        assert value[clear] == pytest.approx(-1.0 / seen[clear], rel=1e-9)


def test_a_cut_gives_a_part_of_a_sensor_no_more_than_its_part():
    """The formula itself credits a third of this sensor with 97 % of what the whole one adds; the cut with a third."""
    lone = (np.array([0, 1]), np.array([0]), np.array([6.0]), np.array([0.9]))
    (_, _, (none,)), (_, _, (third,)), (_, _, (full,)) = (whole_cuts(*lone, np.array([at])) for at in (0.0, 1 / 3, 1.0))
    assert third == pytest.approx(none + (full - none) / 3)
    assert -1.0 / (1 - 0.9 * np.exp(-2.0)) > none + 0.97 * (full - none)


@settings(max_examples=6)
@given(seed=st.integers(0, 5_000), share=st.floats(0.0, 0.98))
def test_what_refutes_a_layout_leaves_it_no_patrols_below_its_value_and_hurts_no_layout_that_holds(seed, share):
    """The cuts of a proof, solved for the layout they came from, and for every other against its own value."""
    instance = tiny(seed, sensors=4, teams=2)
    own = np.random.default_rng(seed).integers(0, 2, 4).astype(float)
    proof = solve_marginals(instance, detection(instance, own))
    cuts, level = Cuts(instance), share * proof.bound_kg
    cuts.refute(own, proof)
    if proof.bound_kg > 0.01:
        assert not _holds(cuts, instance, own, level)
    for x in layouts(4, 4):
        assert _holds(cuts, instance, x, layout_value(instance, x) + 1e-3)


def _holds(cuts, instance, x, level_kg) -> bool:
    """Whether any patrols with whole sensors x keep every cut at a level."""
    left, right = cuts.rows(level_kg, np.arange(cuts.count))
    left, asked = left.toarray(), np.isfinite(right)
    sensors, teams = len(x), np.kron(np.eye(instance.windows), np.ones(instance.posts))
    found = linprog(
        np.zeros(teams.shape[1]), A_ub=-left[asked][:, sensors:], b_ub=left[asked][:, :sensors] @ x - right[asked],
        A_eq=teams, b_eq=np.minimum(instance.teams, instance.posts), bounds=(0, 1),
    )  # fmt: skip
    return found.status == 0


def test_a_promise_no_layout_can_keep_is_refused():
    instance = tiny(3, sensors=5)
    assert fewest_sensors(instance, layout_value(instance, np.ones(5)) * 0.5) is None
    ((_, cover),) = cost_curve(instance, np.array([layout_value(instance, np.ones(5)) * 0.5]))
    assert cover is None


def test_money_that_buys_nothing_leaves_no_gap():
    instance = tiny(9, sensors=5, teams=2)
    for budget in (0.0, 0.5):
        found = plan_layout(instance, budget)
        assert (found.cost, found.gap) == (0.0, 0.0)
        assert found.bound_kg == pytest.approx(layout_value(instance, np.zeros(5)), abs=1e-3)


def test_three_hundred_cells_close_to_one_per_cent_and_beat_even_spacing():
    instance = made_instance(300, 8)
    found = plan_layout(instance, 20.0)
    assert found.gap <= 0.01
    assert found.cost <= 20.0
    assert found.value_kg <= layout_value(instance, evenly(instance, 20)) + 1e-9


def test_a_layout_asked_for_in_no_time_still_spends_the_budget_and_beats_even_spacing():
    for seed in (1, 8):
        instance = made_instance(200, seed)
        hasty = plan_layout(instance, 12.0, go_on=lambda: False)
        assert hasty.cost == 12.0
        assert hasty.value_kg < layout_value(instance, evenly(instance, 12))
        assert hasty.value_kg == pytest.approx(layout_value(instance, hasty.sensors_on), abs=1e-2)
        assert hasty.bound_kg <= plan_layout(instance, 12.0).value_kg + 1e-6


def test_no_programme_is_stopped_by_a_clock(monkeypatch):
    """A limit in seconds gives a loaded machine another layout than an idle one."""
    from araz.deployment._lp import Programme

    told, option = [], Programme.option
    monkeypatch.setattr(Programme, "option", lambda self, name, value: (told.append(name), option(self, name, value)))
    instance = tiny(3, sensors=5, teams=2)
    fewest_sensors(instance, layout_value(instance, np.ones(5)) * 1.2)
    assert "mip_max_nodes" in told
    assert not any("time" in name for name in told)


def test_a_negative_budget_is_a_wrong_call():
    with pytest.raises(ValueError, match="budget"):
        plan_layout(tiny(1), -1.0)


def test_the_cost_curve_never_asks_more_for_less(capsys):
    """Sensors that cost nothing always stand, and a layout that holds a harder promise holds an easier one."""
    instance = tiny(3, posts=6, teams=2, cells=12, sensors=8)
    instance = instance.with_(sensor_cost=np.array([0.0, 0.0, 8, 1, 3, 8, 1, 3]))
    best, worst = (layout_value(instance, np.full(8, on)) for on in (1.0, 0.0))
    covers = [cover for _, cover in cost_curve(instance, np.linspace(best * 1.01, worst, 6))]
    costs = [cover.cost for cover in covers]
    assert costs == sorted(costs, reverse=True)
    assert all(cover.least_cost <= cover.cost + 1e-6 and cover.kept for cover in covers)
    assert all(cover.sensors_on[:2].all() for cover in covers)
    assert plan_layout(instance, 5).sensors_on[:2].all()
