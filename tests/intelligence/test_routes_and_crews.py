"""Flows on a network against closed forms and a second solver; crews against simulated truth."""

import math
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from scipy import optimize

from araz.intelligence import (
    Observed,
    Sortie,
    close_route,
    crew_odds,
    estimate_routes,
    find_paths,
    learn_crews,
    link_sorties,
    neighbours_of,
    network_from_toml,
    provenance,
)
from seizure_lab import MAPPINGS, sorties

TWO_WAYS = """
nodes = [{id="P", latitude_deg=34, longitude_deg=66, supply=1}, {id="A", latitude_deg=34, longitude_deg=60},
 {id="B", latitude_deg=30, longitude_deg=60}, {id="M", latitude_deg=50, longitude_deg=10, demand=1}]
edges = [{start="P", end="A"}, {start="P", end="B", cost=2}, {start="A", end="M"}, {start="B", end="M"}]
"""


def test_neighbours_by_distance_and_by_cost():
    """Three ways to one market: the closed one's flow goes to the others by exp(-cost), as the closed form says."""
    network = network_from_toml("""
nodes = [{id="P", latitude_deg=34, longitude_deg=66, supply=1}, {id="A", latitude_deg=34, longitude_deg=60},
 {id="B", latitude_deg=34, longitude_deg=61}, {id="C", title="Cape", latitude_deg=30, longitude_deg=60},
 {id="M", latitude_deg=50, longitude_deg=10, demand=1}]
edges = [{start="P", end="A"}, {start="P", end="B", cost=4}, {start="P", end="C", cost=2}, {start="A", end="M"},
 {start="B", end="M"}, {start="C", end="M"}]
""")
    found = neighbours_of(network, "a")
    assert [n.title for n in found] == ["B", "Cape"]
    assert found[0].distance_km == pytest.approx(92.4, abs=0.2)
    share = math.exp(-2) / (math.exp(-2) + math.exp(-4))
    assert [n.taken for n in found] == pytest.approx([1 - share, share], rel=1e-3)
    with pytest.raises(ValueError, match="no place of the network"):
        neighbours_of(network, "Z")
    with pytest.raises(ValueError, match="closing it moves nothing"):
        neighbours_of(network, "M")


def test_gravity_alone_is_the_closed_form():
    network = network_from_toml(TWO_WAYS)
    paths, prior = find_paths(network)
    assert paths == [("P", "A", "M"), ("P", "B", "M")]
    assert prior[0] == pytest.approx(1 / (1 + math.exp(-1)))
    found = estimate_routes(network, [], total=(100, 100))
    edge = {(e.start, e.end): e for e in found.edges}
    assert edge["P", "A"].central == pytest.approx(100 * prior[0], rel=1e-4)
    assert (edge["P", "A"].low, edge["P", "A"].high) == pytest.approx((0, 100))


def test_observations_bind_and_the_ranges_are_all_there_is():
    network = network_from_toml(TWO_WAYS)
    found = estimate_routes(network, [Observed("A", 10, 30)], total=(90, 110))
    edge = {(e.start, e.end): e for e in found.edges}
    assert edge["P", "A"].central == pytest.approx(30, rel=1e-3)  # gravity wants more: the bound binds
    assert (edge["P", "A"].low, edge["P", "A"].high) == pytest.approx((10, 30))
    assert (edge["P", "B"].low, edge["P", "B"].high) == pytest.approx((60, 100))
    with pytest.raises(ValueError, match="off by at least"):
        estimate_routes(network, [Observed("A", 200, 300)], total=(90, 110))
    with pytest.raises(ValueError, match="add a leg"):
        estimate_routes(network, [Observed("B", 5, 10)], total=(90, 110), closed=["B"])


def test_the_entropy_flow_is_that_of_a_second_solver():
    shipped = network_from_toml((MAPPINGS.parent / "routes" / "opiates.toml").read_text("utf-8"))
    network = msgspec.structs.replace(shipped, longest=4)
    observed = [Observed("AZE", 5, 9), Observed("TUR", 40, 60), Observed("PAK>GULF", 2, 4)]
    found = estimate_routes(network, observed, total=(300, 400))
    paths, prior = find_paths(network)
    places = [[float(o.place in path) for path in paths] for o in observed[:2]]
    leg = [float(("PAK", "GULF") in pairwise(path)) for path in paths]
    a = np.array([[1.0] * len(paths), *places, leg])
    f0 = prior * math.sqrt(300 * 400)

    def goal(flow):
        f = np.maximum(flow, 1e-9)
        return float((f * np.log(f / f0) - f).sum()), np.log(f / f0)

    low, high = np.array([300, 5, 40, 2]), np.array([400, 9, 60, 4])
    limits = [{"type": "ineq", "fun": lambda f: a @ f - low}, {"type": "ineq", "fun": lambda f: high - a @ f}]
    other = optimize.minimize(
        goal,
        f0,
        jac=True,
        method="SLSQP",
        constraints=limits,
        bounds=[(1e-9, None)] * len(paths),
        options={"maxiter": 300, "ftol": 1e-10},
    )
    assert other.success
    mine = float((found.flow * np.log(found.flow / f0) - found.flow).sum())
    through = a @ found.flow
    assert np.all(through >= np.array([300, 5, 40, 2]) * (1 - 1e-4))
    assert np.all(through <= np.array([400, 9, 60, 4]) * (1 + 1e-4))
    assert mine == pytest.approx(other.fun, rel=1e-4)
    for edge in found.edges:
        assert edge.low - 1e-6 <= edge.central <= edge.high + 1e-6 * max(1, edge.high) + 1e-3


def test_a_closed_leg_sends_the_flow_elsewhere_as_a_range():
    network = network_from_toml(TWO_WAYS)
    rows = close_route(network, estimate_routes(network, [], total=(100, 100)), "A")
    gained = {(row.start, row.end): row for row in rows}
    assert gained["P", "B"].after == pytest.approx(100, rel=1e-4)
    assert (gained["P", "B"].after_low, gained["P", "B"].after_high) == pytest.approx((gained["P", "B"].before, 100))
    assert gained["P", "A"].after == 0
    assert rows[0].before < 30


def test_what_a_seizure_says_of_its_origin():
    network = network_from_toml((MAPPINGS.parent / "routes" / "opiates.toml").read_text("utf-8"))
    flows = estimate_routes(network, [], total=(100, 100))
    found = provenance(flows, "AZE", destination="RUS")
    assert sum(found.origins.values()) == pytest.approx(1)
    assert found.destinations == {"RUS": pytest.approx(1)}
    with pytest.raises(ValueError, match="agrees"):
        provenance(flows, "AZE", destination="GULF")


def pairs_of(found):
    return [(a, b, x == y) for i, (x, a) in enumerate(found) for y, b in found[i + 1 :]]


def test_the_odds_are_calibrated_on_sorties_not_learned_from():
    rng = np.random.default_rng(6)
    learned = pairs_of(sorties(rng))
    model = learn_crews(learned, prior=sum(same for *_, same in learned) / len(learned))
    judged = [(crew_odds(model, a, b).probability, same) for a, b, same in pairs_of(sorties(rng))]
    p, truth = np.array([x for x, _ in judged]), np.array([y for _, y in judged])
    for low, high in ((0, 0.1), (0.1, 0.5), (0.5, 1.01)):
        inside = (p >= low) & (p < high)
        assert inside.sum() > 20
        assert truth[inside].mean() == pytest.approx(p[inside].mean(), abs=0.15)
    brier = float(((p - truth) ** 2).mean())
    assert brier < 0.7 * float(((truth.mean() - truth) ** 2).mean())


def test_every_link_says_why_and_what_would_refute_it():
    rng = np.random.default_rng(1)
    model = learn_crews(pairs_of(sorties(rng)))
    one, other = Sortie("a", 1, "sn1", "2", 40.0, 2.0, 12.0), Sortie("b", 4, "sn1", "2", 41.0, 2.4, 13.0)
    found = crew_odds(model, one, other)
    assert found.probability > 0.5
    assert {w.feature for w in found.weights} == {"serial", "radio", "corridor_km", "hour", "load_kg", "gap_days"}
    assert any("another way of letting the load go" in text for text in found.would_refute)
    bare = crew_odds(model, Sortie("a", 1), Sortie("b", 4))
    assert abs(bare.probability - model.prior) < 0.1
    assert [item.one for item in link_sorties(model, [one, other, Sortie("c", 200, "sn9", "5", 120.0, 22.0, 5.0)])] == [
        "a"
    ]
    with pytest.raises(ValueError, match="30"):
        learn_crews([(one, other, True)])
