"""Flows on a network against closed forms and a second solver."""

import math
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from scipy import optimize

from araz.intelligence import (
    Observed,
    close_route,
    estimate_routes,
    find_paths,
    neighbours_of,
    network_from_toml,
    provenance,
)
from seizure_lab import MAPPINGS

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
