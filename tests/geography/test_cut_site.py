"""The cutter on a map of two square countries, small enough to check by eye."""

from __future__ import annotations

import importlib.util

import pytest
import shapely


@pytest.fixture(scope="module")
def cutter(root):
    spec = importlib.util.spec_from_file_location("cut_site", root / "tools" / "cut_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def topology():
    """West and East share arc 0, the line x = 10 walked north; scale 0.1, so arcs count tenths of a degree."""
    return {
        "transform": {"scale": [0.1, 0.1], "translate": [5.0, 0.0]},
        "arcs": [
            [[50, 0], [0, 40], [0, 60]],  # (10, 0) → (10, 4) → (10, 10)
            [[50, 100], [-50, 0], [0, -100], [50, 0]],  # round the west, back to (10, 0)
            [[50, 100], [50, 0], [0, -100], [-50, 0]],  # round the east
        ],
        "objects": {
            "countries": {
                "geometries": [
                    {"type": "Polygon", "properties": {"name": "West"}, "arcs": [[0, 1]]},
                    {"type": "MultiPolygon", "properties": {"name": "East"}, "arcs": [[[-1, -3]]]},
                ]
            }
        },
    }


def test_arcs_are_steps_then_scaled(cutter, topology):
    points = [x for point in cutter.decode_arc(topology, 0) for x in point]
    assert points == pytest.approx([10.0, 0.0, 10.0, 4.0, 10.0, 10.0])


@pytest.mark.parametrize(("ours", "theirs", "inner"), [("West", "East", (7.0, 5.0)), ("East", "West", (13.0, 5.0))])
def test_the_line_is_cut_to_the_box_and_the_side_is_right(cutter, topology, ours, theirs, inner):
    line, side = cutter.border_line(topology, ours, theirs, shapely.box(8.0, 2.0, 12.0, 8.0))
    assert sorted(line) == [[10.0, 2.0], [10.0, 4.0], [10.0, 8.0]]
    (ax, ay), (bx, by) = line[0], line[-1]
    left = (bx - ax) * (inner[1] - ay) - (by - ay) * (inner[0] - ax) > 0
    assert side == ("left" if left else "right")


def test_a_wrong_name_or_box_ends_with_a_sentence(cutter, topology):
    with pytest.raises(SystemExit, match="no country"):
        cutter.border_line(topology, "West", "North", shapely.box(0, 0, 20, 20))
    with pytest.raises(SystemExit, match="share no line"):
        cutter.border_line(topology, "West", "East", shapely.box(0, 0, 6, 6))


def test_towns_keep_to_the_box(cutter):
    cities = [
        {"name": "B", "lat": "5", "lng": "9", "country": "W"},
        {"name": "A", "lat": "4", "lng": "9", "country": "W"},
        {"name": "far", "lat": "50", "lng": "9", "country": "W"},
    ]
    assert [town["name"] for town in cutter.towns_in(cities, shapely.box(8, 2, 12, 8))] == ["A", "B"]
