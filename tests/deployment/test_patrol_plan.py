"""The plan against the whole game written out, and against closed forms of the literature."""

from itertools import combinations, combinations_with_replacement

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from araz.deployment import (
    Instance,
    Limits,
    attack_payoff,
    broken_limits,
    comb_rosters,
    coverage_of,
    detection,
    evenly,
    fewest_sensors,
    lean_to,
    made_instance,
    next_money,
    plan_layout,
    plan_patrols,
    solve_marginals,
)
from araz.deployment._lp import Programme
from araz.deployment._response import response_table, top_response
from deployment_worlds import payoffs, tiny, value_by_listing


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000), teams=st.integers(1, 3), windows=st.integers(1, 2), sorties=st.integers(1, 3),
    spread=st.booleans(),
)  # fmt: skip
def test_bound_value_and_guarantee_stand_in_order_and_the_gap_closes(seed, teams, windows, sorties, spread):
    instance = tiny(seed, teams=teams, windows=windows, sorties=sorties)
    x = np.array([1.0, 0.0, 1.0])
    detected = detection(instance, x)
    value = value_by_listing(instance, detected)
    plan = plan_patrols(instance, x, tolerance=1e-6, spread=spread)
    assert solve_marginals(instance, detected).bound_kg <= value + 1e-6
    assert plan.bound_kg <= value + 1e-6
    assert plan.guarantee_kg == pytest.approx(value, rel=2e-6, abs=2e-6)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), limit=st.sampled_from([0.0, 1000.0, 2000.0]), sorties=st.integers(1, 2))
def test_with_a_move_limit_the_plan_stays_between_bound_and_the_listed_value(seed, limit, sorties):
    instance = tiny(seed, teams=2, windows=2, sorties=sorties, limits=Limits(max_move_m=limit))
    detected = detection(instance, np.zeros(3))
    value = value_by_listing(instance, detected)
    plan = plan_patrols(instance, np.zeros(3), tolerance=1e-6)
    assert plan.bound_kg <= value + 1e-6
    assert plan.guarantee_kg >= value - 1e-6
    for night in plan.lotteries[0].placement:
        assert broken_limits(instance, night) == []


def test_the_guarantee_is_the_worst_over_all_sets_of_simultaneous_sorties():
    """Any two sorties, the best assignment of teams to them: no set beats two copies of the worst attack."""
    for seed in range(6):
        instance = tiny(seed, teams=2, sorties=2)
        plan = plan_patrols(instance, np.zeros(3))
        detected = detection(instance, np.zeros(3))
        (lottery,) = plan.lotteries
        worst = 0.0
        for pair in combinations_with_replacement(range(instance.attacks), 2):
            saved = 0.0
            for placement, chance in zip(lottery.placement[:, 0], lottery.probability, strict=True):
                posts = np.flatnonzero(placement)
                worth = np.array(
                    [instance.value_kg[a] * detected[a] * instance.response.toarray()[a, posts] for a in pair]
                )
                rows, columns = linear_sum_assignment(-worth)
                saved += chance * worth[rows, columns].sum()
            worst = max(worst, sum(instance.net_kg[a] for a in pair) - saved)
        assert plan.guarantee_kg == pytest.approx(worst / 2, abs=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_washburn_and_wood_value_is_one_over_maxflow(seed):
    """One evader on a path, one inspector on an arc: interception = 1 / maxflow with capacities 1/p."""
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    for i in range(7):
        for j in range(i + 1, 7):
            if j == i + 1 or rng.uniform() < 0.4:
                graph.add_edge(i, j, p=rng.uniform(0.2, 0.9))
    for _, _, arc in graph.edges(data=True):
        arc["capacity"] = 1.0 / arc["p"]
    arcs = list(graph.edges)
    paths = list(nx.all_simple_edge_paths(graph, 0, 6))
    q = np.array([[graph.edges[arc]["p"] if arc in path else 0.0 for arc in arcs] for path in paths])
    instance = _certain(q, teams=1)
    plan = plan_patrols(instance, tolerance=1e-9)
    flow = nx.maximum_flow_value(graph, 0, 6)
    assert 1.0 - plan.guarantee_kg == pytest.approx(1.0 / flow, abs=1e-7)
    assert 1.0 - plan.bound_kg == pytest.approx(1.0 / flow, abs=1e-7)


@pytest.mark.parametrize(("cells", "teams"), [(7, 1), (7, 3), (12, 5), (4, 4), (4, 6)])
def test_identical_cells_with_disjoint_response_share_the_teams(cells, teams):
    plan = plan_patrols(_certain(np.eye(cells), teams))
    assert 1.0 - plan.guarantee_kg == pytest.approx(min(1.0, teams / cells), abs=1e-7)


def _certain(q, teams) -> Instance:
    """Attacks worth 1 kg, always seen, that a team at post p stops with q."""
    count, posts = q.shape
    zero = np.zeros(count, int)
    return Instance(
        value_kg=np.ones(count), cost_kg=np.zeros(count), base_detection=np.ones(count), crossing=np.arange(count),
        window=zero, aircraft=zero, drop=np.arange(count), launch=zero, hazard=csr_array((count, 0)),
        response_row=np.arange(count), response=csr_array(q), row_window=zero, cell_m=np.arange(count) * 1.0,
        post_m=np.arange(posts) * 1.0, sensor_m=np.zeros(0), sensor_cost=np.zeros(0), teams=np.array([teams]),
    )  # fmt: skip


def test_the_printed_mixture_proves_the_bound_by_arithmetic_alone():
    """Weak duality: against the smuggler's mixture no placement saves more than what a listing of posts allows."""
    instance = made_instance(200, 3)
    x = evenly(instance, 25)
    proof = solve_marginals(instance, detection(instance, x))
    mu = proof.mixture / max(proof.mixture.sum(), 1.0)
    stake = mu * instance.at_stake_kg * detection(instance, x)
    # The best night against μ: every set of posts of every window listed, 134,596 each, without any programme.
    night = np.zeros((instance.windows, instance.posts))
    for w in range(instance.windows):
        sets = np.array(list(combinations(range(instance.posts), instance.teams[w])))
        meant = np.flatnonzero((mu > 0) & (instance.window == w))
        q = instance.response[instance.response_row[meant]].toarray()
        saved = sum((stake[a] * row[sets].max(axis=1) for a, row in zip(meant, q, strict=True)), np.zeros(len(sets)))
        night[w, sets[saved.argmax()]] = 1
    assert mu @ payoffs(instance, detection(instance, x), night) >= proof.bound_kg - 1e-6
    assert stake.sum() > 0


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), sorties=st.integers(1, 3))
def test_a_comb_meets_its_marginals_and_is_exact_for_unimodal_response(seed, sorties):
    rng = np.random.default_rng(seed)
    posts, teams = 9, int(rng.integers(1, 6))
    peak = rng.integers(0, posts, 12)
    slope = rng.uniform(0.05, 0.5, (12, 1))
    q = np.maximum(0.0, 0.95 - slope * np.abs(np.arange(posts)[None] - peak[:, None]))
    instance = _certain(q, teams).with_(sorties=sorties)
    y = rng.dirichlet(np.ones(posts)) * teams
    while y.max() > 1:
        y = np.minimum(y, 1) + (teams - np.minimum(y, 1).sum()) * (y < 1) / max((y < 1).sum(), 1)
    comb = comb_rosters(instance, y[None])
    assert comb.probability @ comb.placement[:, 0] == pytest.approx(y, abs=1e-6)
    assert set(comb.placement.sum(axis=(1, 2))) == {float(teams)}
    mean = sum(
        chance * np.sort(q * night[0], axis=1)[:, ::-1][:, :sorties].sum(axis=1)
        for night, chance in zip(comb.placement, comb.probability, strict=True)
    )
    from araz.deployment._response import marginal_response, response_table

    assert mean / sorties == pytest.approx(marginal_response(response_table(instance), y), abs=1e-5)


def test_a_thousand_cells_close_with_moves_and_saturation():
    instance = made_instance(1000, 5, limits=Limits(max_move_m=40_000.0), sorties=2)
    plan = plan_patrols(instance, evenly(instance, 120), tolerance=1e-3, spread=False)
    assert plan.closed
    assert plan.guarantee_kg <= plan.bound_kg * 1.001
    assert attack_payoff(instance, plan).max() == pytest.approx(plan.guarantee_kg)
    for night in plan.lotteries[0].placement:
        assert broken_limits(instance, night) == []
    assert coverage_of(instance, plan).sum(axis=1) == pytest.approx(instance.teams.astype(float))


def test_stopping_early_keeps_bound_below_guarantee_and_says_that_the_gap_is_open():
    instance = made_instance(400, 2)
    x = evenly(instance, 80)
    whole = plan_patrols(instance, x, tolerance=1e-6)
    hasty = plan_patrols(instance, x, tolerance=1e-6, go_on=lambda: False)
    assert hasty.bound_kg <= whole.bound_kg + 1e-6
    assert hasty.guarantee_kg >= whole.guarantee_kg - 1e-6
    assert not hasty.closed


def test_a_spread_plan_keeps_the_guarantee_and_leaves_less_elsewhere():
    instance = made_instance(300, 4)
    x = evenly(instance, 40)
    bare = plan_patrols(instance, x, spread=False)
    spread = plan_patrols(instance, x)
    assert spread.guarantee_kg <= bare.bound_kg * 1.001 + 1e-6
    assert attack_payoff(instance, spread).mean() < attack_payoff(instance, bare).mean()


def test_a_spread_plan_keeps_a_guarantee_far_below_the_best_load():
    """Where every site is equipped, attacks worth little decide: leaving them out once opened the gap by a third."""
    instance = made_instance(200, 2, posts=120, teams=30)
    instance = instance.with_(base_detection=np.ones(instance.attacks))
    x = np.ones(instance.sensors)
    bare = plan_patrols(instance, x, spread=False)
    assert bare.guarantee_kg < 0.25 * instance.net_kg.max()
    assert plan_patrols(instance, x).guarantee_kg <= bare.guarantee_kg + 1e-6


@pytest.mark.parametrize("work", ["patrols", "leaning", "money", "layout", "cover"])
def test_when_time_is_up_few_programmes_are_still_solved(work, monkeypatch):
    """A room has no clock: time is up after the first HiGHS run. Without asking, 18 to 52 more were made here."""
    instance = made_instance(100, 2, posts=60, teams=6)
    instance = instance.with_(base_detection=np.full(instance.attacks, 0.5))
    x = evenly(instance, 8)
    plan = plan_patrols(instance, x, spread=False)
    runs, solve = [], Programme.solve
    monkeypatch.setattr(Programme, "solve", lambda self: (runs.append(1), solve(self))[1])

    def go_on():
        return len(runs) < 1

    if work == "patrols":
        plan_patrols(instance, x, go_on=go_on)
    elif work == "leaning":
        lean_to(instance, plan, np.ones(instance.attacks), 0.05, go_on=go_on)
    elif work == "money":
        assert next_money(instance, plan, go_on=go_on) is None
    elif work == "layout":
        plan_layout(instance, 6.0, go_on=go_on)
    else:
        fewest_sensors(instance, 20.8, go_on=go_on)
    assert 1 <= len(runs) <= 17


@given(seed=st.integers(0, 5_000), sorties=st.integers(1, 3))
def test_the_best_of_the_manned_posts_is_what_sorting_them_gives(seed, sorties):
    instance, rng = tiny(seed, posts=6, teams=3, windows=2, sorties=sorties), np.random.default_rng(seed)
    placements = (rng.uniform(size=(5, 2, 6)) < 0.4).astype(float)
    found = top_response(response_table(instance), placements.reshape(5, -1))
    q = instance.response.toarray()
    for row in range(len(q)):
        for night, placement in enumerate(placements):
            best = np.sort(q[row] * placement[instance.row_window[row]])[::-1][:sorties]
            assert found[row, night] == pytest.approx(best.sum() / sorties)
