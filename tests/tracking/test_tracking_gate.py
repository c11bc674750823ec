"""The sorted gate against every pair tried by hand, and how tracks begin from detections."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_lab import linearised, paired
from scipy.stats import chi2
from tracking_lab import POLAR, POSITION, polar_of, scan, table

from araz.tracking import init, step
from araz.tracking._gauss import packed, unpacked
from araz.tracking._measure import prepare, wrap
from araz.tracking._pairs import SLACK, gate_table
from araz.vocabulary import TrackChange, TrackingSettings

SIGMA = {POLAR: (10.0, 0.01, 0.01, 1.0), POSITION: (15.0, 15.0, 15.0, np.nan)}


def some_tracks(rng, count, spread_m):
    mean = rng.normal(size=(count, 6)) * [spread_m, spread_m, 50, 10, 10, 1] + [4000, 3000, 200, 0, 0, 0]
    root = rng.normal(size=(count, 6, 6)) * [20, 20, 20, 4, 4, 2]
    return mean, root.transpose(0, 2, 1) @ root + np.eye(6)


@pytest.mark.parametrize("kind", [POLAR, POSITION])
@pytest.mark.parametrize(("count", "spread_m"), [(60, 400.0), (45, 5.0)], ids=["scattered", "crowd beyond capacity"])
@pytest.mark.parametrize("turn", [0.0, 2.5, 3.7], ids=["ahead", "aside", "astern"])
def test_gate_finds_exactly_the_pairs_brute_force_finds(kind, count, spread_m, turn):
    """Also where azimuth jumps from +180 to -180 degrees: the whole scene turned about the sensor."""
    rng = np.random.default_rng(count)
    sensors = table({"kind": kind, "sigma": SIGMA[kind], "origin": (50.0, -20.0, 10.0)})
    mean, cov = some_tracks(rng, count, spread_m)
    c, s = np.cos(turn), np.sin(turn)
    spin = np.kron(np.eye(2), np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]))
    mean, cov = mean @ spin.T, spin @ cov @ spin.T
    truth = mean + rng.normal(size=(count, 6)) * [30, 30, 30, 3, 3, 1]
    sensor = sensors.origin_enu_m[0]
    z = [polar_of(x[:3], x[3:], sensor) if kind == POLAR else x[:3] for x in truth]
    found = prepare(scan(sensors, 0, 0, z), sensors, np.arange(count))
    gates, keys, sure = gate_table(0.99), np.zeros(count, np.int64), np.full(count, 1e300)
    measured = 4 if kind == POLAR else 3
    track, detection = paired(
        found, packed(mean, cov), keys, np.zeros(count), gates[measured], sure, np.full(count, 1e-9)
    )
    expected = set()
    for i in range(count):
        h, jac = linearised(kind, mean[i], sensors.origin_enu_m[0])
        use = [k for k in range(len(h)) if not np.isnan(found.var[0, k])]
        for j in range(count):
            nu = found.z[j, use] - h[use]
            if kind == POLAR:
                nu[1] = wrap(nu[1])
            spread = jac[use] @ cov[i] @ jac[use].T + np.diag(found.var[j, use])
            if nu @ np.linalg.solve(spread, nu) <= SLACK * chi2.ppf(0.99, len(use)):
                expected.add((i, j))
    assert set(zip(track.tolist(), detection.tolist(), strict=True)) == expected
    assert len(expected) > (10 if spread_m > 100 else 64 + 16 * count)
    assert (np.diff(track) >= 0).all()


def test_places_alone_pair_as_they_do_beside_a_plot_without_height():
    """Written out for places of three components; one plot of two takes the general way for all."""
    rng = np.random.default_rng(9)
    sensors = table({"kind": POSITION, "sigma": SIGMA[POSITION]})
    mean, cov = some_tracks(rng, 40, 60.0)
    z = mean[:, :3] + rng.normal(size=(40, 3)) * 25.0
    flat = np.vstack((z, [*z[0, :2], np.nan]))
    pairs = []
    for plots in (z, flat):
        found = prepare(scan(sensors, 0, 0, plots), sensors, np.arange(len(plots)))
        count = len(plots)
        keys, worth = np.zeros(40, np.int64), np.full(40, 0.5)
        track, detection = paired(found, packed(mean, cov), keys, np.zeros(count), 16.0, worth, np.full(count, 1e-7))
        pairs.append(set(zip(track.tolist(), detection.tolist(), strict=True)))
    assert pairs[0] == {pair for pair in pairs[1] if pair[1] < 40}
    assert 40 < len(pairs[0]) < 1500


def test_a_pair_too_unlikely_to_matter_is_left_out():
    """The same pair where false plots are rare, and where they are so many that it could never win."""
    sensors = table({"kind": POSITION, "sigma": SIGMA[POSITION]})
    mean, cov = some_tracks(np.random.default_rng(1), 1, 1.0)
    found = prepare(scan(sensors, 0, 0, [mean[0, :3] + 40.0]), sensors, np.arange(1))
    for density, pairs in ((1e-9, 1), (1e6, 0)):
        got = paired(
            found, packed(mean, cov), np.zeros(1, np.int64), np.zeros(1), 30.0, np.ones(1), np.full(1, density)
        )
        assert len(got[0]) == pairs


def test_gate_table_is_chi_square():
    np.testing.assert_allclose(gate_table(0.999)[1:], chi2.ppf(0.999, np.arange(1, 7)), rtol=1e-9)


@pytest.mark.parametrize("rate", [0.0, 14.0])
def test_a_track_begins_where_the_plot_says_with_the_radar_s_own_errors(rate):
    """Against the textbook conversion: covariance J R J^T, and velocity conditioned on the range rate."""
    sigma = (8.0, 0.01, 0.02, 0.5)
    sensors = table({"kind": POLAR, "sigma": sigma, "origin": (100.0, -300.0, 15.0)})
    r, az, el = 3500.0, 0.8, 0.06
    state, _ = step(init(sensors, TrackingSettings()), scan(sensors, 0, 0, [[r, az, el, rate]]))
    mean, cov = (part[0] for part in unpacked(state.tracks.belief.gauss))
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
    assert state.now.births_per_s < 0.1


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
