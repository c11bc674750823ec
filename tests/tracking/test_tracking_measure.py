"""Measurement models against finite differences and against the joint Kalman update written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_lab import cut, linearised, moved, updated
from tracking_lab import polar_of, transition

from araz.tracking import _measure as measure
from araz.tracking._gauss import packed, unpacked
from araz.tracking._motion import CRUISE, HOVER, MANOEUVRE, MODE_COUNT, NOISE_HORIZONTAL, NOISE_VERTICAL

KINDS = (measure.POLAR, measure.BEARING, measure.POSITION)
places = st.tuples(*(st.floats(-20_000, 20_000) for _ in range(2)), st.floats(-200, 4000)).filter(
    lambda p: np.hypot(p[0], p[1]) > 50
)
speeds = st.tuples(*(st.floats(-60, 60) for _ in range(3)))


def h_of(kind, x, origin):
    return linearised(kind, x, origin)


@given(places, speeds, st.sampled_from(KINDS))
def test_jacobian_equals_finite_differences(place, speed, kind):
    x = np.array([*place, *speed])
    origin = np.zeros(3)
    if np.hypot(x[0], x[1]) < 400:  # so close, differences of 1 m are not small
        return
    _, jac = h_of(kind, x, origin)
    for c in range(6):
        step = np.zeros(6)
        step[c] = 0.01
        gap = h_of(kind, x + step, origin)[0] - h_of(kind, x - step, origin)[0]
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


def seen(kind, z, var, origin=(0.0, 0.0, 0.0)):
    """One detection of those components."""
    row, width = np.full((2, 6), np.nan), len(z)
    row[0, :width], row[1, :width] = z, var
    none = np.zeros(1, np.int64)
    origin = np.array(origin, float)[None]
    return measure.Detections(kind, row[:1], row[1:], origin, True, none, none, np.zeros(1), none, np.zeros(1))


def told(x, p, kind, z, var):
    """The textbook's extended Kalman update by all components together, far from where azimuth wraps."""
    h, jac = h_of(kind, x, np.zeros(3))
    s = jac @ p @ jac.T + np.diag(var)
    gain = p @ jac.T @ np.linalg.inv(s)
    return x + gain @ (z - h), p - gain @ s @ gain.T


@pytest.mark.parametrize("mode", [CRUISE, MANOEUVRE])
@pytest.mark.parametrize("kind", [measure.POLAR, measure.POSITION])
@pytest.mark.parametrize(("back_s", "steps"), [(0.4, (1.0,)), (2.5, (3.0,)), (2.5, (1.0, 1.0, 1.0))])
def test_a_plot_older_than_the_mark_does_what_it_had_done_in_order(mode, kind, back_s, steps):
    """What moved the target since is no error of the plot: a range rate 2.5 s old says little of the speed now."""
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 6)) * [15, 15, 10, 3, 3, 1]
    q = (NOISE_HORIZONTAL[mode], NOISE_VERTICAL[mode])
    x0, p0 = np.array([900.0, -1200.0, 150.0, 12.0, -9.0, 1.0]), root.T @ root

    def on(x, p, dt):
        f, noise = transition(dt, *q)
        return f @ x, f @ p @ f.T + noise

    x, p = x0, p0
    for dt in steps:
        x, p = on(x, p, dt)
    then = on(x0, p0, sum(steps) - back_s)
    h, _ = h_of(kind, then[0], np.zeros(3))
    var = np.array([64.0, 5e-5, 1e-4, 0.25] if kind == measure.POLAR else [64.0, 64.0, 64.0, 1.0, 1.0, 1.0])
    z = h + rng.normal(size=len(h)) * np.sqrt(var)
    right, spread = on(*told(*then, kind, z, var), back_s)
    mean, cov, *_ = updated(x, p, seen(kind, z, var), mode, (back_s, sum(steps), steps[-1]))
    np.testing.assert_allclose(mean, right, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(cov, spread, rtol=1e-7, atol=1e-7)


@given(st.integers(0, 10_000), st.sampled_from([0.3, 1.0, 4.0]), st.floats(0, 6), st.sampled_from([0.0, 0.05, 1.0]))
def test_a_track_that_holds_less_noise_than_the_silence_made_stays_sound(seed, back_s, quiet_s, since_s):
    """Mixing takes noise from a mode, and a neighbour's look may have told something: no more comes out than is in."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, 6)) * rng.choice([0.05, 1.0]) * np.array([9, 9, 5, 1, 1, 0.5])
    x = np.array([900.0, -1200.0, 150.0, 12.0, -9.0, 1.0])
    plot = seen(measure.POLAR, h_of(measure.POLAR, x, np.zeros(3))[0], [64.0, 5e-5, 1e-4, 0.25])
    for mode in range(MODE_COUNT):
        held = moved(mode, since_s, packed(x, root.T @ root + 0.01 * np.eye(6))[None])
        mean, cov = (part[0] for part in unpacked(held))
        after, spread, log_l, *_ = updated(mean, cov, plot, mode, (back_s, quiet_s, since_s))
        assert np.isfinite(log_l)
        assert np.isfinite(after).all()
        assert np.linalg.eigvalsh(spread)[0] > 0.0


@pytest.mark.parametrize("mode", range(MODE_COUNT))
@pytest.mark.parametrize("dt", [0.0, 0.3, 1.0, 12.5])
def test_stepping_back_undoes_stepping_on(mode, dt):
    """All modes but the braking one, which cannot be undone without blowing up and steps back straight."""
    start = packed(np.random.default_rng(0).normal(size=(4, 6)) * 20, np.tile(np.eye(6), (4, 1, 1)))
    if mode != HOVER:
        np.testing.assert_allclose(moved(mode, -dt, moved(mode, dt, start))[:, :6], start[:, :6], atol=1e-9)
    else:
        np.testing.assert_allclose(moved(mode, -dt, start)[:, :3], start[:, :3] - dt * start[:, 3:6])


@pytest.mark.parametrize("sure", [1.0, 0.65])
@pytest.mark.parametrize("low_m", [20.0, 55.0])
def test_what_was_seen_is_above_the_lowest_height_as_surely_as_it_was_seen(low_m, sure):
    """Against draws: of ``sure`` of them only those above the height are left, the others stay as they were."""
    rng = np.random.default_rng(4)
    root = rng.normal(size=(6, 6)) * [[20.0], [20.0], [15.0], [2.0], [2.0], [1.0]]
    mean, whole = np.array([900.0, -300.0, 30.0, 12.0, 3.0, -1.0]), root @ root.T
    draws = rng.multivariate_normal(mean, whole, 2_000_000)
    above = draws[draws[:, 2] >= low_m]
    few = round(len(above) * (1.0 - sure) / sure)
    mixed = np.concatenate(
        (above, draws[:few]) if few <= len(draws) else (above[: round(len(draws) * sure / (1.0 - sure))], draws)
    )
    got_mean, got = cut(mean, whole, low_m, sure)
    deviation = np.sqrt(np.diag(whole))
    np.testing.assert_allclose(got_mean, mixed.mean(axis=0), atol=0.01 * deviation.max(), rtol=0)
    np.testing.assert_allclose(
        got / np.outer(deviation, deviation), np.cov(mixed.T) / np.outer(deviation, deviation), atol=0.02
    )
    assert np.linalg.eigvalsh(got).min() > 0.0
