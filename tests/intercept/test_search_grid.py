"""The search grid against brute force: loads thrown at random, searched for, and counted where they were missed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.geography import LocalFrame, place_from_site
from araz.intercept import Square, search, search_grid, square_name, square_of
from araz.vocabulary import Area, Site

LATITUDE, LONGITUDE = 39.4, 47.3
THROWS = 400_000


@pytest.fixture(scope="module")
def place():
    site = Site(
        name="t", time_zone="UTC", origin_latitude_deg=LATITUDE, origin_longitude_deg=LONGITUDE, origin_hae_m=100.0,
        geoid_undulation_m=10.0, border="b", own_side="right",
    )  # fmt: skip
    lat, lon, _ = LocalFrame(LATITUDE, LONGITUDE, 100.0).to_geodetic(np.array([[-9e3, 0, 0], [9e3, 0, 0]]))
    line = {"type": "LineString", "coordinates": [[float(lon[k]), float(lat[k])] for k in (0, 1)]}
    return place_from_site(site, line, {"type": "FeatureCollection", "features": []}, [])


def area_at(place, east, north, **changes):
    lat, lon, _ = place.frame.to_geodetic(np.array([[east, north, 0.0]]))
    shape = {"semi_major_m": 430.0, "semi_minor_m": 240.0, "azimuth_deg": 35.0, "probability": 0.9} | changes
    return Area(latitude_deg=float(lat[0]), longitude_deg=float(lon[0]), **shape)


def throw(area, east, north, seed):
    """Where loads lie: drawn through the ellipse's own axes, not through the room's density."""
    rng = np.random.default_rng(seed)
    sigmas = np.sqrt(-2 * np.log(1 - area.probability))
    along = rng.normal(0, area.semi_major_m / sigmas, THROWS)
    across = rng.normal(0, area.semi_minor_m / sigmas, THROWS)
    azimuth = np.deg2rad(area.azimuth_deg)
    e = east + along * np.sin(azimuth) + across * np.cos(azimuth)
    n = north + along * np.cos(azimuth) - across * np.sin(azimuth)
    return e, n, rng


@pytest.mark.parametrize(("azimuth_deg", "seed"), [(35.0, 1), (120.0, 2)])
def test_what_remains_after_searching_agrees_with_loads_thrown_at_random(place, azimuth_deg, seed):
    area = area_at(place, 730.0, -420.0, azimuth_deg=azimuth_deg)
    grid = search_grid(place, area)
    e, n, rng = throw(area, 730.0, -420.0, seed)
    names = np.array([square_name(a, b, grid.side_m) for a, b in zip(grid.east_m, grid.north_m, strict=True)])
    best = np.argsort(-grid.probability)[:12]
    is_missed = np.ones(THROWS, dtype=bool)
    for k in [*best, *best[:4]]:  # the likeliest four are walked twice
        square = square_of(names[k])
        inside = (np.abs(e - square.east_m) < square.side_m / 2) & (np.abs(n - square.north_m) < square.side_m / 2)
        is_missed &= ~(inside & (rng.random(THROWS) < 0.7))
        grid = search(grid, square, 0.7)
    left = int(is_missed.sum())
    for k in range(len(names)):
        inside = (np.abs(e - grid.east_m[k]) < grid.side_m / 2) & (np.abs(n - grid.north_m[k]) < grid.side_m / 2)
        share = float((inside & is_missed).sum()) / left
        assert share == pytest.approx(grid.probability[k], abs=4 * np.sqrt(0.25 / left) * 0.6 + 3e-4)
    assert grid.outside + grid.probability.sum() == pytest.approx(1.0)
    assert 1 - grid.missed[best[0]] == pytest.approx(1 - 0.3**2)


def test_the_area_says_what_it_says(place):
    """Nine of ten loads lie in the 90 % ellipse: summed over its squares, the grid agrees with the ellipse."""
    area = area_at(place, 0.0, 0.0, semi_major_m=2_900.0, semi_minor_m=2_900.0)
    grid = search_grid(place, area)
    radius = np.hypot(grid.east_m, grid.north_m)
    assert grid.probability[radius < 2_900.0].sum() == pytest.approx(0.9, abs=0.03)
    assert grid.outside < 0.06


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 0.95)), max_size=15))
def test_any_order_of_searches_gives_bayes_by_enumeration(place, searches):
    grid = start = search_grid(place, area_at(place, 100.0, 100.0))
    count = len(grid.probability)
    # Every hypothesis by hand: the load is in square k (or outside), and each search missed it.
    weight = np.append(start.probability, start.outside)
    for k, detection in searches:
        at = k % count
        weight[at] *= 1 - detection
        grid = search(grid, Square(grid.east_m[at], grid.north_m[at], grid.side_m), detection)
    weight /= weight.sum()
    np.testing.assert_allclose(np.append(grid.probability, grid.outside), weight, atol=1e-12)


def test_a_square_of_another_size_counts_for_the_share_it_covers(place):
    grid = search_grid(place, area_at(place, 0.0, 0.0))
    k = int(np.argmax(grid.probability))
    quarter = grid.side_m / 2
    part = Square(grid.east_m[k] - quarter / 2, grid.north_m[k] - quarter / 2, quarter)
    after = search(grid, part, 0.8)
    assert after.missed[k] == pytest.approx(1 - 0.8 / 4)
    assert (after.missed == 1).sum() == len(after.missed) - 1
    whole = search(grid, Square(float(grid.east_m[k]), float(grid.north_m[k]), grid.side_m * 2), 0.8)
    assert (whole.missed < 1).sum() == 9, "a larger square reaches into its neighbours"


def test_wrong_calls_say_what_to_do(place):
    grid = search_grid(place, area_at(place, 0.0, 0.0))
    with pytest.raises(ValueError, match="0 to 1"):
        search(grid, Square(0.0, 0.0, 100.0), 1.5)
    with pytest.raises(ValueError, match="side:column:row"):
        square_of("north of the well")
    with pytest.raises(ValueError, match="its side is one of"):
        square_of("70:1:1")
    with pytest.raises(ValueError, match="no Gaussian"):
        search_grid(place, area_at(place, 0.0, 0.0, probability=1.0))
    assert square_name(*square_of("100:-3:12")[:2], 100.0) == "100:-3:12"
