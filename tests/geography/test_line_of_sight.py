"""Sight against a brute force that steps a hundred times finer, and against the horizon formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import gaussian_filter

from araz.geography import Terrain, line_of_sight, visible_above

EARTH_RADIUS_M = 6_371_000.0


def hills(seed: int, size: int = 41, roughness_m: float = 60.0) -> Terrain:
    rough = np.random.default_rng(seed).normal(0, 1, (size, size))
    smooth = gaussian_filter(rough, 2.0, mode="nearest")
    return Terrain(roughness_m * smooth / np.abs(smooth).max(), -2000.0, -2000.0, 100.0)


def clearance_m(terrain: Terrain, observer: np.ndarray, target: np.ndarray) -> float:
    """Least height of the straight line over the ground, stepping 1 m, ends left out."""
    ny, nx = terrain.height_up_m.shape
    axes = (terrain.north0_m + 100.0 * np.arange(ny), terrain.east0_m + 100.0 * np.arange(nx))
    ground = RegularGridInterpolator(axes, terrain.height_up_m)
    count = int(np.hypot(*(target - observer)[:2])) + 2
    t = np.linspace(0.0, 1.0, count)[1:]
    line = observer + t[:, None] * (target - observer)
    return float(np.min(line[:, 2] - ground(line[:, [1, 0]])))


def test_agrees_with_brute_force_wherever_it_is_not_a_close_call():
    decisive = blocked = 0
    for seed in range(12):
        terrain, rng = hills(seed), np.random.default_rng(seed + 100)
        observer = np.array([*rng.uniform(-1900, 1900, 2), 0.0])
        observer[2] = terrain.ground_up_m(*observer[:2])[0] + rng.uniform(2, 20)
        targets = np.column_stack([rng.uniform(-1900, 1900, (80, 2)), np.zeros(80)])
        targets[:, 2] = terrain.ground_up_m(targets[:, 0], targets[:, 1]) + rng.uniform(0, 40, 80)
        seen = line_of_sight(terrain, observer, targets)
        for target, is_seen in zip(targets, seen, strict=True):
            clearance = clearance_m(terrain, observer, target)
            if abs(clearance) > 0.5:
                decisive += 1
                blocked += clearance < 0
                assert is_seen == (clearance > 0), (seed, observer, target, clearance)
    assert decisive > 700
    assert blocked > 150


@settings(max_examples=25)
@given(
    st.integers(0, 10_000),
    st.floats(-1900, 1900),
    st.floats(-1900, 1900),
    st.floats(1, 100),
    st.sampled_from([1.0, 4 / 3]),
)
def test_visible_above_is_line_of_sight_at_every_cell_centre(seed, east, north, mast_m, factor):
    terrain = hills(seed % 20)
    observer = [east, north, terrain.ground_up_m(east, north)[0] + mast_m]
    lowest = visible_above(terrain, observer, 1e9, factor).astype(np.float64)
    axis = -2000.0 + 100.0 * np.arange(41)
    grid_east, grid_north = (grid.ravel() for grid in np.meshgrid(axis, axis))
    above = np.column_stack([grid_east, grid_north, lowest.ravel() + 0.01])
    below = np.column_stack([grid_east, grid_north, lowest.ravel() - 0.01])
    assert line_of_sight(terrain, observer, above, factor).all()
    assert not line_of_sight(terrain, observer, below, factor).any()
    assert (lowest >= terrain.height_up_m - 1e-3).all()


def test_beyond_the_range_nothing_is_seen():
    lowest = visible_above(hills(1), [0.0, 0.0, 100.0], 500.0)
    assert lowest.dtype == np.float32
    assert np.isinf(lowest[0, 0])
    assert np.isfinite(lowest[20, 24])
    assert np.isinf(lowest[20, 26])


@pytest.mark.parametrize("factor", [1.0, 4 / 3])
def test_over_a_level_plain_the_horizon_is_where_the_formula_says(factor):
    """Hidden height at distance D from a mast h: (D − √(2kRh))² / 2kR."""
    axis = np.arange(-100.0, 40_000.0, 200.0)
    east = np.broadcast_to(axis, (3, len(axis)))
    terrain = Terrain(-(east**2) / (2 * EARTH_RADIUS_M), -100.0, -200.0, 200.0)
    mast_m, radius = 20.0, factor * EARTH_RADIUS_M
    hidden_m = visible_above(terrain, [0.0, 0.0, mast_m], 1e9, factor)[1] - terrain.height_up_m[1]
    horizon_m = np.sqrt(2 * radius * mast_m)
    expected = np.where(axis > horizon_m, (axis - horizon_m) ** 2 / (2 * radius), 0.0)
    assert np.abs(hidden_m - expected).max() < 0.1


def test_raising_a_target_never_hides_it():
    terrain = hills(5)
    rng = np.random.default_rng(0)
    targets = np.column_stack([rng.uniform(-1900, 1900, (300, 2)), rng.uniform(-60, 100, 300)])
    observer = [0.0, 0.0, terrain.ground_up_m(0.0, 0.0)[0] + 10.0]
    low = line_of_sight(terrain, observer, targets)
    high = line_of_sight(terrain, observer, targets + np.array([0.0, 0.0, 25.0]))
    assert not (low & ~high).any()


def test_below_ground_unknown_and_wrong_calls():
    terrain = hills(2)
    assert not line_of_sight(terrain, [0.0, 0.0, 500.0], [[100.0, 100.0, -500.0], [np.nan, 0.0, 0.0]]).any()
    assert line_of_sight(terrain, [0.0, 0.0, 500.0], np.empty((0, 3))).shape == (0,)
    with pytest.raises(ValueError, match="observer"):
        line_of_sight(terrain, [0.0, np.nan, 1.0], [[0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="shape"):
        line_of_sight(terrain, [0.0, 0.0, 1.0], [[0.0, 0.0]])
    with pytest.raises(ValueError, match="above 0"):
        visible_above(terrain, [0.0, 0.0, 1.0], 100.0, 0.0)
