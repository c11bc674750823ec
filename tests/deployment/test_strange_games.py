"""Games that nobody would draw: the certificate is right there too, and every command's rooms go through."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from araz.deployment import (
    Smuggler,
    certificate,
    detection,
    draw_roster,
    fewest_sensors,
    inclusion_rows,
    layout_value,
    lean_to,
    next_money,
    plan_layout,
    plan_patrols,
    plan_policy,
    play_season,
    roster_rows,
)
from deployment_worlds import tiny, value_by_listing


def _same_sites(game):
    hazard = game.hazard.toarray()
    hazard[:, 1] = hazard[:, 0]
    return game.with_(hazard=csr_array(hazard), sensor_m=np.zeros(3))


def _parts(rows, posts):
    """1 where a drop place and a post are in the same half."""
    return ((np.arange(rows) < rows / 2)[:, None] == (np.arange(posts) < posts / 2)).astype(float)


STRANGE = {
    "one cell, one post, one site": tiny(1, cells=1, posts=1, teams=1, sensors=1),
    "no sites": tiny(1, sensors=0),
    "no teams": tiny(3, teams=0),
    "as many teams as posts": tiny(3, teams=3, posts=3),
    "no post reaches anything": tiny(4).with_(response=csr_array((7, 5))),
    "nothing is worth a gram": tiny(4).with_(value_kg=np.zeros(7)),
    "every flight costs more than it brings": tiny(4).with_(cost_kg=np.full(7, 99.0)),
    "loads from a gram to a ton": tiny(5).with_(value_kg=10.0 ** np.arange(-3, 4), cost_kg=np.zeros(7)),
    "two sites in one place": _same_sites(tiny(6)),
    "sites that cost nothing": tiny(6).with_(sensor_cost=np.zeros(3)),
    "nothing sees anything": tiny(6).with_(base_detection=np.zeros(7), hazard=csr_array((7, 3))),
    "only sensors see": tiny(6).with_(base_detection=np.zeros(7)),
    "everything is seen": tiny(6).with_(base_detection=np.ones(7)),
    "sensors that miss nothing": tiny(6).with_(hazard=tiny(6).hazard * 1e4, base_detection=np.zeros(7)),
    "all posts in one place": tiny(6).with_(post_m=np.zeros(5)),
    "a window without teams": tiny(7, windows=2).with_(teams=np.array([0, 2])),
    "every post stops everything": tiny(6).with_(response=csr_array(np.ones((7, 5)))),
    "more sorties than teams": tiny(8, sorties=5),
    "a catch costs half a load more": tiny(9).with_(penalty_kg=0.5 * tiny(9).value_kg),
    "a catch costs ten loads": tiny(9).with_(penalty_kg=10.0 * tiny(9).value_kg),
    "roads in two parts": tiny(6).with_(response=csr_array(tiny(6).response * _parts(7, 5))),
    "all ways alike": tiny(6).with_(value_kg=np.full(7, 7.0), cost_kg=np.ones(7)),
    "a line as long as the world": tiny(6).with_(cell_m=np.arange(7) * 6e6, post_m=np.linspace(0.0, 4e7, 5)),
}


def _enclosed(game, x) -> None:
    plan, value = plan_patrols(game, x, tolerance=1e-6), value_by_listing(game, detection(game, x))
    room = 1e-5 * max(1.0, value)
    assert plan.bound_kg <= value + room
    assert plan.guarantee_kg >= value - room
    assert len(certificate(game, plan, next_money(game, plan))) >= 4


def _layouts_enclosed(game, budget) -> None:
    every = [np.array(x) for x in product((0.0, 1.0), repeat=game.sensors)]
    found = plan_layout(game, budget)
    best = min(value_by_listing(game, detection(game, x)) for x in every if x @ game.sensor_cost <= budget)
    assert found.cost <= budget + 1e-9
    assert found.bound_kg <= best + 1e-5 * max(1.0, best)
    reach = {tuple(x): layout_value(game, x) for x in every}
    for level in (0.0, 0.5 * (max(reach.values()) + min(reach.values())), 2.0 * max(reach.values()) + 1.0):
        cover = fewest_sensors(game, level)
        holds = [np.array(x) @ game.sensor_cost for x, kg in reach.items() if kg <= level]
        assert cover is not None or not holds
        assert cover is None or (cover.kept and cover.least_cost <= min(holds, default=np.inf) + 1e-6)


@pytest.mark.parametrize("game", STRANGE.values(), ids=list(STRANGE))
def test_a_strange_game_gets_a_right_certificate_a_season_and_a_roster(game):
    none = np.zeros(game.sensors)
    _enclosed(game, none)
    _layouts_enclosed(game, 1.0)
    plan = plan_patrols(game, none)
    leant = lean_to(game, plan, np.ones(game.attacks), 0.05)
    assert leant.guarantee_kg <= 1.05 * plan.guarantee_kg + 1e-5
    play_season(game, none, plan_policy(game, plan, 0.1), Smuggler.HEDGE, np.random.default_rng(1), nights=5)
    night = draw_roster(game, plan, np.random.default_rng(2), draw_id="n", starts_at_us=0, window_s=10.0)
    assert len(roster_rows(game, night)) == np.minimum(game.teams, game.posts).sum()
    assert all(0.0 <= row.probability <= 1.0 for row in inclusion_rows(game, night))


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000), teams=st.integers(0, 3), cells=st.integers(1, 5), windows=st.integers(1, 2),
    sorties=st.integers(1, 2), spread=st.floats(0.0, 3.0), blind=st.floats(0.0, 1.0), budget=st.floats(0.0, 6.0),
)  # fmt: skip
def test_no_certificate_is_wrong_whatever_the_loads_costs_and_budgets(
    seed, teams, cells, windows, sorties, spread, blind, budget
):
    rng = np.random.default_rng(seed)
    game = tiny(seed, teams=teams, cells=cells, windows=windows, sorties=sorties, posts=4, sensors=4)
    game = game.with_(
        value_kg=game.value_kg * 10.0 ** rng.uniform(-spread, 1, game.attacks),
        base_detection=game.base_detection * (rng.uniform(size=game.attacks) > blind),
        sensor_cost=np.round(rng.uniform(0, 4, 4), 1),
    )
    _enclosed(game, rng.integers(0, 2, 4).astype(float))
    _layouts_enclosed(game, budget)
