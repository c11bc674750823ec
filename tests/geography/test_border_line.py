"""The line against shapely's distances and against sides that cannot be argued with."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from araz.geography import BorderLine, LocalFrame, border_from_geojson

FRAME = LocalFrame(39.45, 47.335, 169.9)


@st.composite
def eastward_lines(draw):
    """A line that never turns back west: above it is left, whatever its bends."""
    steps = draw(st.lists(st.tuples(st.floats(1.0, 500.0), st.floats(-3000.0, 3000.0)), min_size=2, max_size=20))
    return np.column_stack([np.cumsum([s[0] for s in steps]), [s[1] for s in steps]])


@given(eastward_lines(), st.integers(0, 1000))
def test_distance_equals_shapely_and_left_is_above(points, seed):
    rng = np.random.default_rng(seed)
    east = rng.uniform(points[0, 0], points[-1, 0], 50)
    north = rng.uniform(-4000, 4000, 50)
    signed = BorderLine(points, "right").signed_distance_m(east, north)
    oracle = shapely.distance(shapely.points(east, north), shapely.LineString(points))
    assert np.allclose(np.abs(signed), oracle, atol=1e-6)
    is_above = north > np.interp(east, points[:, 0], points[:, 1])
    clear = oracle > 1e-6
    assert ((signed > 0) == is_above)[clear].all()


@given(eastward_lines(), st.integers(0, 1000))
def test_walking_it_the_other_way_with_the_other_side_is_the_same_line(points, seed):
    at = np.random.default_rng(seed).uniform(-5000, 15_000, (2, 50))
    one = BorderLine(points, "left").signed_distance_m(*at)
    other = BorderLine(points[::-1].copy(), "right").signed_distance_m(*at)
    assert np.allclose(one, other, atol=1e-6)


def test_a_sharp_bend_does_not_turn_the_side_over():
    """Behind the tip of a hairpin both segments are equally near, and one of them lies."""
    hairpin = np.array([[0.0, 0.0], [1000.0, 10.0], [0.0, 20.0]])
    signed = BorderLine(hairpin, "left").signed_distance_m([1500.0, 1500.0, 1500.0, 500.0], [-90.0, 10.0, 90.0, 10.0])
    assert (signed[:3] > 0).all()
    assert signed[3] < 0


def test_beyond_its_ends_the_line_goes_straight_on():
    line = BorderLine([[0.0, 0.0], [1000.0, 0.0]], "left")
    signed = line.signed_distance_m([-500.0, -500.0, 2000.0, 2000.0], [3.0, -3.0, 3.0, -3.0])
    assert (np.sign(signed) == [-1, 1, -1, 1]).all()
    assert np.allclose(np.abs(signed), np.hypot([500, 500, 1000, 1000], 3.0))


def test_unknown_stays_unknown():
    signed = BorderLine([[0.0, 0.0], [1.0, 0.0]], "left").signed_distance_m([np.nan, 0.0], [0.0, np.nan])
    assert np.isnan(signed).all()


def test_pieces_that_join_are_one_line_and_repeated_points_are_dropped():
    pieces = {
        "type": "Feature",
        "properties": {},
        "geometry": {
            "type": "MultiLineString",
            "coordinates": [[[47.2, 39.3], [47.3, 39.4]], [[47.3, 39.4], [47.4, 39.5]]],
        },
    }
    whole = {"type": "LineString", "coordinates": [[47.2, 39.3], [47.3, 39.4], [47.3, 39.4], [47.4, 39.5]]}
    one, other = (border_from_geojson(data, FRAME, "left").points_enu_m for data in (pieces, whole))
    assert np.allclose(one, other)
    assert len(other) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"type": "FeatureCollection", "features": []}, "one line"),
        ({"type": "MultiLineString", "coordinates": [[[1, 1], [2, 2]], [[5, 5], [6, 6]]]}, "one line"),
        ({"type": "Point", "coordinates": [1, 1]}, "one line"),
        ({"no": "type"}, "not GeoJSON"),
        ({"type": "Feature", "geometry": None}, "not GeoJSON"),
    ],
)
def test_a_file_that_is_no_single_line_is_refused(data, words):
    with pytest.raises(ValueError, match=words):
        border_from_geojson(data, FRAME, "left")


def test_a_line_needs_two_points_and_a_side():
    with pytest.raises(ValueError, match="left or right"):
        BorderLine([[0.0, 0.0], [1.0, 0.0]], "north")
    with pytest.raises(ValueError, match="1 points"):
        BorderLine([[0.0, 0.0], [0.0, 0.0]], "left")
    with pytest.raises(ValueError, match="finite"):
        BorderLine([[0.0, np.nan], [0.0, 0.0]], "left")


def test_a_place_on_a_bent_border():
    border = BorderLine(np.array([[0, 0], [10, 0], [10, 10.0]]), "left")
    east, north = np.array([4.0, 12, np.nan]), np.array([3.0, 5, 0])
    along, off = border.along_m(east, north), np.abs(border.signed_distance_m(east, north))
    assert along[:2].tolist() == [4, 15]
    assert off[:2].tolist() == [3, 2]
    assert np.isnan(along[2])


@given(eastward_lines(), st.integers(0, 1000))
def test_the_way_along_the_line_equals_shapely(points, seed):
    rng, line = np.random.default_rng(seed), shapely.LineString(points)
    at_m, off = rng.uniform(0, line.length, 50), rng.uniform(-4000, 4000, (2, 50))
    on = BorderLine(points, "left").along_m(*shapely.get_coordinates(shapely.line_interpolate_point(line, at_m)).T)
    assert np.allclose(on, at_m, atol=1e-5)
    along = BorderLine(points, "left").along_m(*off)
    foot = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
    assert np.allclose(np.hypot(*(foot.T - off)), shapely.distance(shapely.points(*off), line), atol=1e-5)
