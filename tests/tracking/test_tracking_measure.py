"""Measurement models against finite differences and against the joint Kalman update written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_lab import linearised, moved, updated
from tracking_lab import polar_of

from araz.tracking import _measure as measure
from araz.tracking._gauss import packed
from araz.tracking._motion import HOVER, MODE_COUNT

KINDS = (measure.POLAR, measure.BEARING, measure.POSITION)
places = st.tuples(*(st.floats(-20_000, 20_000) for _ in range(2)), st.floats(-200, 4000)).filter(
    lambda p: np.hypot(p[0], p[1]) > 50
)
speeds = st.tuples(*(st.floats(-60, 60) for _ in range(3)))


def h_of(kind, x, origin, mode=0, back_s=0.0):
    return linearised(kind, x, origin, mode, back_s)


@given(places, speeds, st.sampled_from(KINDS), st.integers(0, MODE_COUNT - 1), st.sampled_from([0.0, 0.7, -0.4, 3.0]))
def test_jacobian_equals_finite_differences(place, speed, kind, mode, back_s):
    x = np.array([*place, *speed])
    origin = np.zeros(3)
    moved = x[:3] - back_s * x[3:]
    if np.hypot(moved[0], moved[1]) < 400:  # so close, differences of 1 m are not small
        return
    _, jac = h_of(kind, x, origin, mode, back_s)
    for c in range(6):
        step = np.zeros(6)
        step[c] = 0.01
        up, down = h_of(kind, x + step, origin, mode, back_s)[0], h_of(kind, x - step, origin, mode, back_s)[0]
        gap = up - down
        for row in range(len(gap)):
            slope = measure.wrap(gap[row]) / 0.02 if kind != measure.POSITION and abs(gap[row]) > 3 else gap[row] / 0.02
            assert slope == pytest.approx(jac[row, c], rel=2e-4, abs=2e-6)


@given(places, speeds)
def test_polar_is_compass_range_and_rate(place, speed):
    h, _ = h_of(measure.POLAR, np.array([*place, *speed]), np.zeros(3))
    expected = polar_of(place, speed)
    assert h[0] == pytest.approx(expected[0])
    assert measure.wrap(h[1] - expected[1]) == pytest.approx(0, abs=1e-9)
    assert h[2:] == pytest.approx(expected[2:], abs=1e-9)


@pytest.mark.parametrize(("place", "azimuth"), [((0, 100, 0), 0), ((100, 0, 0), np.pi / 2), ((-100, 0, 0), -np.pi / 2)])
def test_azimuth_counts_clockwise_from_north(place, azimuth):
    h, _ = h_of(measure.BEARING, np.array([*place, 0, 0, 0], float), np.zeros(3))
    assert h[0] == pytest.approx(azimuth)


@given(st.floats(-1000, 1000))
def test_wrap_keeps_the_direction(angle):
    wrapped = measure.wrap(angle)
    assert -np.pi - 1e-9 <= wrapped <= np.pi + 1e-9
    assert np.cos(wrapped) == pytest.approx(np.cos(angle), abs=1e-9)
    assert np.sin(wrapped) == pytest.approx(np.sin(angle), abs=1e-9)


@pytest.mark.parametrize("missing", [(), (2,), (3,), (2, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_component_by_component_equals_the_joint_update(kind, missing):
    rng = np.random.default_rng(7)
    root = rng.normal(size=(6, 6)) * [30, 30, 20, 5, 5, 2]
    p0 = root.T @ root
    x0 = np.array([900.0, -1200.0, 150.0, 10.0, -5.0, 1.0])
    origin = np.array([100.0, 50.0, 10.0])
    h, jac = h_of(kind, x0, origin)
    z = np.full(6, np.nan)
    z[: len(h)] = h + rng.normal(size=len(h)) * [5, 0.01, 0.01, 1, 1, 1][: len(h)]
    var = np.full(6, np.nan)
    var[: len(h)] = np.array([25, 1e-4, 1e-4, 1, 1, 1.0])[: len(h)]
    var[list(missing)] = np.nan
    use = [c for c in range(len(h)) if not np.isnan(var[c])]
    hj, r = jac[use], np.diag(var[use])
    s = hj @ p0 @ hj.T + r
    gain = p0 @ hj.T @ np.linalg.inv(s)
    nu = z[use] - h[use]
    none = np.zeros(1, np.int64)
    found = measure.Detections(kind, z[None], var[None], origin[None], True, none, none, np.zeros(1), none, np.zeros(1))
    x, p, log_l, d2, used = updated(x0, p0, found)
    assert used == len(use)
    np.testing.assert_allclose(x, x0 + gain @ nu, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(p, p0 - gain @ s @ gain.T, rtol=1e-7, atol=1e-7)
    assert d2 == pytest.approx(nu @ np.linalg.solve(s, nu))
    assert log_l == pytest.approx(-0.5 * (d2 + np.linalg.slogdet(2 * np.pi * s)[1]))


@pytest.mark.parametrize("mode", range(MODE_COUNT))
@pytest.mark.parametrize("dt", [0.0, 0.3, 1.0, 12.5])
def test_stepping_back_undoes_stepping_on(mode, dt):
    """All modes but the braking one, which cannot be undone without blowing up and steps back straight."""
    start = packed(np.random.default_rng(0).normal(size=(4, 6)) * 20, np.tile(np.eye(6), (4, 1, 1)))
    if mode != HOVER:
        np.testing.assert_allclose(moved(mode, -dt, moved(mode, dt, start))[:, :6], start[:, :6], atol=1e-9)
    else:
        np.testing.assert_allclose(moved(mode, -dt, start)[:, :3], start[:, :3] - dt * start[:, 3:6])
