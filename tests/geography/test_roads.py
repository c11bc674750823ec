"""Travel times against networkx on the same graph, and routes against their own times."""

from __future__ import annotations

from itertools import pairwise

import networkx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.geography import LocalFrame, RoadGraph, roads_from_geojson

FRAME = LocalFrame(39.45, 47.335, 169.9)


def random_roads(seed: int, count: int = 14) -> RoadGraph:
    rng = np.random.default_rng(seed)
    nodes = rng.uniform(-3000, 3000, (count, 2))
    edges = {tuple(sorted(rng.choice(count, 2, replace=False))) for _ in range(2 * count)}
    return RoadGraph(nodes, np.array(sorted(edges)), rng.uniform(3.0, 25.0, len(edges)))


def oracle_s(roads: RoadGraph, start, goal, off_road_mps, factor) -> float:
    """Shortest path by networkx, with the feet of both places cut into every edge as nodes of their own."""
    graph = networkx.Graph()
    graph.add_edge("start", "goal", weight=np.hypot(*(goal - start)) / off_road_mps)
    for (a, b), speed in zip(roads.edge_node, roads.edge_speed_mps, strict=True):
        line = shapely.LineString(roads.node_enu_m[[a, b]])
        stops = [(0.0, int(a)), (line.length, int(b))]
        for name, place in (("start", start), ("goal", goal)):
            along = line.project(shapely.Point(place))
            foot = (name, int(a), int(b))
            stops.append((along, foot))
            graph.add_edge(name, foot, weight=line.distance(shapely.Point(place)) / off_road_mps)
        stops.sort(key=lambda stop: stop[0])
        for (s1, n1), (s2, n2) in pairwise(stops):
            graph.add_edge(n1, n2, weight=(s2 - s1) / (speed * factor))
    return networkx.dijkstra_path_length(graph, "start", "goal")


@settings(max_examples=40)
@given(st.integers(0, 100_000), st.floats(0.5, 5.0), st.floats(0.5, 2.0))
def test_times_equal_networkx(seed, off_road_mps, factor):
    roads, rng = random_roads(seed), np.random.default_rng(seed)
    start, goals = rng.uniform(-4000, 4000, 2), rng.uniform(-4000, 4000, (4, 2))
    seconds, _ = roads.travel(start, goals, off_road_mps, factor)
    expected = [oracle_s(roads, start, goal, off_road_mps, factor) for goal in goals]
    assert np.allclose(seconds, expected, rtol=1e-9, atol=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 100_000))
def test_the_route_takes_the_time_it_is_said_to_take(seed):
    roads, rng = random_roads(seed), np.random.default_rng(seed)
    start, goals = rng.uniform(-4000, 4000, 2), rng.uniform(-4000, 4000, (3, 2))
    seconds, ways = roads.travel(start, goals, 1.5, 1.0)
    lines = [shapely.LineString(roads.node_enu_m[pair]) for pair in roads.edge_node]
    for goal, time_s, way in zip(goals, seconds, ways, strict=True):
        assert np.allclose(way[[0, -1]], [start, goal])
        total = 0.0
        for a, b in pairwise(way):
            piece = shapely.LineString([a, b])
            on = [v for line, v in zip(lines, roads.edge_speed_mps, strict=True) if line.buffer(1e-3).covers(piece)]
            total += piece.length / max([1.5, *on])
        assert total == pytest.approx(time_s, rel=1e-6, abs=1e-3)


def test_without_roads_it_is_a_straight_walk():
    roads = RoadGraph(np.empty((0, 2)), np.empty((0, 2)), np.empty(0))
    seconds, ways = roads.travel([0.0, 0.0], [[300.0, 400.0]], 2.0, 1.0)
    assert seconds[0] == 250.0
    assert np.array_equal(ways[0], [[0.0, 0.0], [300.0, 400.0]])


def test_standing_still_takes_no_time_and_no_goal_is_no_time():
    roads = random_roads(1)
    assert roads.travel([10.0, 10.0], [[10.0, 10.0]], 1.0, 1.0)[0][0] == pytest.approx(0.0, abs=1e-9)
    seconds, ways = roads.travel([0.0, 0.0], np.empty((0, 2)), 1.0, 1.0)
    assert len(seconds) == len(ways) == 0


def test_a_twice_as_fast_patrol_on_a_long_road_needs_half_the_road_time():
    roads = RoadGraph([[0.0, 0.0], [10_000.0, 0.0]], [[0, 1]], [10.0])
    slow, fast = (roads.travel([0.0, 0.0], [[10_000.0, 0.0]], 1.5, factor)[0][0] for factor in (1.0, 2.0))
    assert (slow, fast) == (pytest.approx(1000.0), pytest.approx(500.0))


def test_of_parallel_roads_the_quickest_counts_and_they_do_not_add_up():
    nodes = [[-5000.0, 0.0], [0.0, 0.0], [10_000.0, 0.0], [15_000.0, 0.0]]
    roads = RoadGraph(nodes, [[0, 1], [1, 2], [1, 2], [2, 1], [2, 3]], [10.0, 10.0, 20.0, 5.0, 10.0])
    seconds, _ = roads.travel(nodes[0], [nodes[3]], 1.5, 1.0)
    assert seconds[0] == pytest.approx(500.0 + 500.0 + 500.0)


def road(coordinates, **properties):
    return {"type": "Feature", "properties": properties, "geometry": {"type": "LineString", "coordinates": coordinates}}


def test_lines_join_at_a_shared_point_and_keep_their_names():
    roads = roads_from_geojson(
        {
            "type": "FeatureCollection",
            "features": [
                road([[47.30, 39.45], [47.33, 39.45], [47.36, 39.45]], name="Long road", speed_kmh=60),
                road([[47.33, 39.45], [47.33, 39.48]], name="Side road", speed_kmh=30),
                road([[47.31, 39.44], [47.31, 39.46]], name="Bridge", speed_kmh=90),
            ],
        },
        FRAME,
    )
    assert len(roads.node_enu_m) == 6
    assert np.allclose(roads.edge_speed_mps * 3.6, [60, 60, 30, 90])
    assert roads.names_at(1) == ("Long road", "Side road")


@pytest.mark.parametrize("speed", [None, 0, -5, "fast"])
def test_a_road_without_a_speed_is_named(speed):
    data = {
        "type": "FeatureCollection",
        "features": [road([[47.3, 39.4], [47.4, 39.4]], name="Old road", speed_kmh=speed)],
    }
    with pytest.raises(ValueError, match="Old road"):
        roads_from_geojson(data, FRAME)


def test_wrong_calls_say_why():
    roads = random_roads(2)
    with pytest.raises(ValueError, match="above 0"):
        roads.travel([0.0, 0.0], [[1.0, 1.0]], 0.0, 1.0)
    with pytest.raises(ValueError, match="finite"):
        roads.travel([0.0, np.nan], [[1.0, 1.0]], 1.0, 1.0)
    with pytest.raises(ValueError, match="speed"):
        RoadGraph([[0.0, 0.0], [1.0, 0.0]], [[0, 1]], [0.0])
    with pytest.raises(ValueError, match="edge_name"):
        RoadGraph([[0.0, 0.0], [1.0, 0.0]], [[0, 1]], [1.0], ("a", "b"))


@pytest.mark.parametrize("seed", range(3))
def test_a_graph_too_large_for_all_pairs_gives_the_same_times(monkeypatch, seed):
    """Above a size the ways between all nodes are not kept: each journey then runs its own Dijkstra."""
    small = random_roads(seed)
    monkeypatch.setattr("araz.geography._roads._ALL_PAIRS", 0)
    large = random_roads(seed)
    assert small.pair_s is not None
    assert large.pair_s is None
    rng = np.random.default_rng(seed + 100)
    start, goals = rng.uniform(-3000, 3000, 2), rng.uniform(-3000, 3000, (12, 2))
    first, second = small.travel(start, goals, 1.3, 0.8), large.travel(start, goals, 1.3, 0.8)
    np.testing.assert_allclose(first[0], second[0], rtol=1e-9)
    for k, goal in enumerate(goals):
        alone, (way,) = small.travel(start, goal, 1.3, 0.8)
        assert alone[0] == pytest.approx(first[0][k])
        np.testing.assert_array_equal(way, first[1][k])
