"""The sorted gate against every pair tried by hand, and how tracks begin from detections."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from tracking_lab import POLAR, POSITION, polar_of, scan, table

from araz.tracking import init, step
from araz.tracking._gate import find_pairs, gate_table
from araz.tracking._measure import linearise, prepare, wrap
from araz.tracking._motion import MANOEUVRE, MODE_COUNT
from araz.vocabulary import TrackChange, TrackingSettings

SIGMA = {POLAR: (10.0, 0.01, 0.01, 1.0), POSITION: (15.0, 15.0, 15.0, np.nan)}


def some_tracks(rng, count, spread_m):
    mean = np.zeros((count, MODE_COUNT, 6))
    cov = np.zeros((count, MODE_COUNT, 6, 6))
    weight = np.zeros((count, MODE_COUNT))
    mean[:, MANOEUVRE] = rng.normal(size=(count, 6)) * [spread_m, spread_m, 50, 10, 10, 1] + [4000, 3000, 200, 0, 0, 0]
    for i in range(count):
        root = rng.normal(size=(6, 6)) * [20, 20, 20, 4, 4, 2]
        cov[i, MANOEUVRE] = root.T @ root + np.eye(6)
    weight[:, MANOEUVRE] = 1.0
    return mean, cov, weight


@pytest.mark.parametrize("kind", [POLAR, POSITION])
@pytest.mark.parametrize(("count", "spread_m"), [(30, 400.0), (45, 5.0)], ids=["scattered", "crowd beyond capacity"])
def test_gate_finds_exactly_the_pairs_brute_force_finds(kind, count, spread_m):
    rng = np.random.default_rng(count)
    sensors = table({"kind": kind, "sigma": SIGMA[kind], "origin": (50.0, -20.0, 10.0)})
    mean, cov, weight = some_tracks(rng, count, spread_m)
    truth = mean[:, MANOEUVRE] + rng.normal(size=(count, 6)) * [30, 30, 30, 3, 3, 1]
    sensor = sensors.origin_enu_m[0]
    z = [polar_of(x[:3], x[3:], sensor) if kind == POLAR else x[:3] for x in truth]
    found = prepare(scan(sensors, 0, 0, z), sensors, np.arange(count))
    gates = gate_table(0.99)
    keys = np.zeros(count, np.int64)
    moments = mean[:, MANOEUVRE].copy(), cov[:, MANOEUVRE].copy()
    track, detection, log_l = find_pairs(mean, cov, weight, keys, found, np.zeros(count), gates, *moments)
    expected = set()
    h, jac = np.zeros(6), np.zeros((6, 6))
    for i in range(count):
        used = linearise(int(kind), mean[i, MANOEUVRE], sensors.origin_enu_m[0], h, jac)
        use = [c for c in range(used) if not np.isnan(found.var[0, c])]
        for j in range(count):
            nu = found.z[j, use] - h[use]
            if kind == POLAR:
                nu[1] = wrap(nu[1])
            s = jac[use] @ cov[i, MANOEUVRE] @ jac[use].T + np.diag(found.var[j, use])
            if nu @ np.linalg.solve(s, nu) <= chi2.ppf(0.99, len(use)):
                expected.add((i, j))
    assert set(zip(track.tolist(), detection.tolist(), strict=True)) == expected
    assert len(expected) > (10 if spread_m > 100 else 64 + 16 * count)
    assert (np.diff(track) >= 0).all()
    assert np.isfinite(log_l[:, MANOEUVRE]).all()


def test_gate_table_is_chi_square():
    np.testing.assert_allclose(gate_table(0.999)[1:], chi2.ppf(0.999, np.arange(1, 7)), rtol=1e-9)


@pytest.mark.parametrize("rate", [0.0, 14.0])
def test_a_track_begins_where_the_plot_says_with_the_radar_s_own_errors(rate):
    """Against the textbook conversion: covariance J R J^T, and velocity conditioned on the range rate."""
    sigma = (8.0, 0.01, 0.02, 0.5)
    sensors = table({"kind": POLAR, "sigma": sigma, "origin": (100.0, -300.0, 15.0)})
    r, az, el = 3500.0, 0.8, 0.06
    state, _ = step(init(sensors, TrackingSettings()), scan(sensors, 0, 0, [[r, az, el, rate]]))
    mean, cov = state.tracks.mean[0, MANOEUVRE], state.tracks.cov[0, MANOEUVRE]
    sight = np.array([np.cos(el) * np.sin(az), np.cos(el) * np.cos(az), np.sin(el)])
    np.testing.assert_allclose(mean[:3], sensors.origin_enu_m[0] + r * sight, atol=1e-6)
    jac = np.column_stack(
        (
            sight,
            r * np.array([np.cos(el) * np.cos(az), -np.cos(el) * np.sin(az), 0]),
            r * np.array([-np.sin(el) * np.sin(az), -np.sin(el) * np.cos(az), np.cos(el)]),
        )
    )
    expected = jac @ np.diag(np.square(sigma[:3])) @ jac.T
    np.testing.assert_allclose(cov[:3, :3], expected, rtol=2e-3, atol=0.5)
    prior = np.diag([15.0**2, 15.0**2, 2.0**2])
    gain = prior @ sight / (sight @ prior @ sight + sigma[3] ** 2)
    np.testing.assert_allclose(mean[3:], gain * rate, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(cov[3:, 3:], prior - np.outer(gain, sight) @ prior, rtol=1e-3, atol=1e-2)


def test_clutter_alone_confirms_next_to_nothing():
    """Five minutes of a radar with eight false plots a scan: an operator may see a ghost, not a swarm."""
    sensors = table({"kind": POLAR, "sigma": (5.0, 0.009, 0.009, 0.4), "clutter": 8.0, "range_m": 8000.0})
    state, rng, ghosts = init(sensors, TrackingSettings()), np.random.default_rng(3), 0
    for k in range(300):
        n = rng.poisson(8)
        reach, azimuth = 8000 * np.sqrt(rng.uniform(0.01, 1, n)), rng.uniform(0, 2 * np.pi, n)
        z = np.column_stack((reach, azimuth, rng.uniform(0, 0.12, n), rng.uniform(-20, 20, n)))
        state, events = step(state, scan(sensors, 0, k, z))
        ghosts += int((events.change == TrackChange.CONFIRMED).sum())
    assert ghosts <= 4
    assert state.births_per_s < 0.1


def test_a_flat_and_a_full_radar_share_the_same_tracks():
    """Two radars, two places, two clocks, one in two dimensions: two targets stay two tracks."""
    full = {"kind": POLAR, "sigma": (5.0, 0.009, 0.009, 0.4), "clutter": 2.0}
    flat = {"kind": POLAR, "sigma": (20.0, 0.017, np.nan, np.nan), "clutter": 2.0, "origin": (3000.0, -1000.0, 30.0)}
    sensors = table(full, {**flat, "period": 4.0})
    state, rng = init(sensors, TrackingSettings()), np.random.default_rng(9)
    starts, velocity = np.array([[0.0, 3000, 120], [900.0, 3800, 90]]), np.array([[10.0, 5, 0], [-12.0, 3, 0]])
    for k in range(60):
        for s in (0, 1) if k % 4 == 3 else (0,):
            z = []
            for p, v in zip(starts + velocity * k, velocity, strict=True):
                row = polar_of(p, v, sensors.origin_enu_m[s]) + rng.normal(size=4) * np.nan_to_num(sensors.sigma[s])
                z.append(np.where(np.isnan(sensors.sigma[s]), np.nan, row))
            state, events = step(state, scan(sensors, s, k + 0.2 * s, z))
    shown = events.picture.is_confirmed
    assert shown.sum() == 2
    assert events.picture.sensor_mask[shown].tolist() == [0b11, 0b11]
    assert sorted(events.picture.track_id[shown].tolist()) == [1, 2]
