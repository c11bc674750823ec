"""Looking back, judged by the joint Gaussian, by truth made without the tracker, and by recorded flights."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2
from smoothing_lab import (
    STEP_S,
    as_modelled,
    flown,
    follow,
    launched,
    longest,
    masked_radar,
    nees,
    radar,
    rmse,
    seen_by,
    wander,
)
from tracking_lab import POSITION, T0, scan, table, transition

from araz.tracking import Trail, init, launch_area, place_at, smooth, step, trail_of, trail_step, trails_init
from araz.tracking._motion import MANOEUVRE, NOISE_HORIZONTAL, NOISE_VERTICAL, mixtures
from araz.tracking._smooth import links, unpack
from araz.tracking._trail import thinned
from araz.vocabulary import TrackingSettings

SIGMA, SPEED, CLIMB = 10.0, 15.0, 2.0
GAPS = (0.0, 1.0, 1.0, 0.3, 2.5, 1.0, 4.0, 0.5, 1.0, 1.0, 12.0, 1.0)
"""Seconds before each scan of the linear case: uneven, with a hole."""
H = [0, 1]


@pytest.fixture(scope="module")
def linear():
    """One target, sure detection, no clutter, and a track kept in one mode by letting it count one update."""
    rng = np.random.default_rng(11)
    at_s = np.cumsum(GAPS)
    z = np.array([800.0, -500.0, 120.0]) + at_s[:, None] * [12.0, 7.0, 0.2] + rng.normal(0, SIGMA, (len(at_s), 3))
    sensors = table({"kind": POSITION, "pd": 1.0, "clutter": 0.0, "sigma": (SIGMA, SIGMA, SIGMA, np.nan)})
    state, beliefs = init(sensors, TrackingSettings()), []
    for k, when in enumerate(at_s):
        state, _ = step(state, scan(sensors, 0, when, [z[k]]))
        whole = state.now.table.whole.copy()
        whole[4] = 1  # update_count
        state = replace(state, now=state.now._replace(table=state.now.table._replace(whole=whole)))
        beliefs.append(state.now)
    return at_s, z, beliefs


def joint_gaussian(at_s, z):
    """Every state at once, of prior, motion and measurements: means [K, 6], covariance [6 K, 6 K]."""
    count = len(at_s)
    information, vector = np.zeros((6 * count, 6 * count)), np.zeros(6 * count)
    prior = np.diag([1e6] * 3 + [SPEED**2] * 2 + [CLIMB**2])
    information[:6, :6] += np.linalg.inv(prior)
    vector[:6] += np.linalg.inv(prior) @ np.r_[z[0], np.zeros(3)]
    for k in range(count):
        here = slice(6 * k, 6 * k + 6)
        information[here, here][:3, :3] += np.eye(3) / SIGMA**2
        vector[here][:3] += z[k] / SIGMA**2
        if k:
            before = slice(6 * k - 6, 6 * k)
            f, q = transition(at_s[k] - at_s[k - 1], NOISE_HORIZONTAL[MANOEUVRE], NOISE_VERTICAL[MANOEUVRE])
            qi = np.linalg.inv(q)
            information[before, before] += f.T @ qi @ f
            information[here, here] += qi
            information[before, here] -= f.T @ qi
            information[here, before] -= qi @ f
    cov = np.linalg.inv(information)
    return (cov @ vector).reshape(count, 6), cov


def trail_from(beliefs, at_s):
    modes = [mixtures(belief.tracks.belief, [0]) for belief in beliefs]
    gauss, weight = (np.concatenate(part) for part in zip(*modes, strict=True))
    count = np.ones(len(beliefs), np.int64)
    found = links(gauss, weight, count, np.append(np.diff(at_s), 0.0))
    at_us = np.array([belief.at_us for belief in beliefs])
    return Trail(1, at_us, found.belief, found.rest, found.gain, count)


def test_equals_the_dense_joint_gaussian(linear):
    at_s, z, beliefs = linear
    smoothed = smooth(trail_from(beliefs, at_s), 0.0)
    mean, cov = joint_gaussian(at_s, z)
    np.testing.assert_allclose(smoothed.mean, mean, rtol=1e-4, atol=2e-3)
    for k in range(len(at_s)):
        here = slice(6 * k, 6 * k + 6)
        np.testing.assert_allclose(smoothed.covariance[k], cov[here, here], rtol=1e-3, atol=2e-3)
        if k + 1 < len(at_s):
            np.testing.assert_allclose(smoothed.cross[k], cov[here, 6 * k + 6 : 6 * k + 12], rtol=1e-3, atol=5e-3)


def test_between_two_scans_equals_the_joint_gaussian_with_one_more_state(linear):
    """A scan that measured nothing adds a state and no knowledge."""
    at_s, z, beliefs = linear
    smoothed = smooth(trail_from(beliefs, at_s), 0.0)
    for between in (0.4, 7.0, 15.5):
        mean, cov = bridge(at_s, z, between)
        place, spread = place_at(smoothed, T0 + round(between * 1e6))
        np.testing.assert_allclose(place, mean, rtol=1e-4, atol=5e-3)
        np.testing.assert_allclose(spread, cov, rtol=1e-3, atol=5e-3)


def bridge(at_s, z, between):
    """State and covariance at a time without a measurement, by the joint Gaussian of all times."""
    k = int(np.searchsorted(at_s, between))
    times = np.insert(at_s, k, between)
    far = np.insert(z, k, 0.0, axis=0)
    mean, cov = joint_gaussian(times, far)
    # Take the made-up measurement out again: information - H' H / sigma^2.
    here = slice(6 * k, 6 * k + 6)
    information = np.linalg.inv(cov)
    vector = information @ mean.ravel()
    information[here, here][:3, :3] -= np.eye(3) / SIGMA**2
    cov = np.linalg.inv(information)
    return (cov @ vector).reshape(-1, 6)[k], cov[here, here]


def test_one_entry_is_the_filter(linear):
    at_s, _, beliefs = linear
    trail = trail_from(beliefs[:1], at_s[:1])
    smoothed = smooth(trail)
    np.testing.assert_allclose(smoothed.mean[0], trail.belief[0, :6])
    np.testing.assert_allclose(smoothed.covariance[0], unpack(trail.belief)[1][0], rtol=1e-9)
    place, _ = place_at(smoothed, int(trail.at_us[0]))
    np.testing.assert_allclose(place, trail.belief[0, :6])
    with pytest.raises(ValueError, match="outside the trail"):
        place_at(smoothed, int(trail.at_us[0]) + 1)


def flight(world, seed, **how):
    rng = np.random.default_rng(seed)
    truth = world(rng, how.pop("duration_s", 90.0))
    state, trails = follow(radar(), truth, rng, **how)
    return truth, state, trails


def true_at(truth, trail):
    return truth[np.round((trail.at_us - T0) * 1e-6 / STEP_S).astype(int)]


@pytest.fixture(scope="module")
def runs():
    """Trails of 30 flights drawn from the model and 60 that no mode made, half of them scanned unevenly."""
    found = {}
    for world, count in ((as_modelled, 30), (wander, 60)):
        found[world] = []
        for seed in range(count):
            truth, state, trails = flight(world, seed, every_s=1.0 if seed % 2 else (0.5, 2.5))
            trail = longest(state, trails)
            if trail is not None:
                found[world].append((truth, trail))
    return found


def gain_of(trail, doubt, part=slice(0, 6)):
    """Least eigenvalue [K] of what smoothing takes off the filter's covariance, and of what is left, without units."""
    before, after = (c[:, part, part] for c in (unpack(trail.belief)[1], smooth(trail, doubt).covariance))
    scale = np.sqrt(np.einsum("kaa->ka", before))
    unit = scale[:, :, None] * scale[:, None, :]
    return np.linalg.eigvalsh((before - after) / unit).min(axis=1), np.linalg.eigvalsh(after / unit).min(axis=1)


def test_smoothing_never_increases_the_covariance_of_one_mode(linear):
    at_s, _, beliefs = linear
    for doubt in (0.0, 0.8, 5.0):
        taken, left = gain_of(trail_from(beliefs, at_s), doubt)
        assert taken.min() > -1e-9
        assert left.min() > 0


def test_smoothing_seldom_increases_the_covariance_of_many_modes(runs):
    """Only where the next scan surprised the filter, which then knew less than it had thought."""
    place = slice(0, 3)
    taken, left = (np.concatenate(x) for x in zip(*(gain_of(t, 0.8, place) for _, t in runs[wander]), strict=True))
    assert np.mean(taken > -1e-6) > 0.9
    assert left.min() > 0
    before = np.concatenate([np.linalg.det(unpack(t.belief)[1][:-1]) for _, t in runs[wander]])
    after = np.concatenate([np.linalg.det(smooth(t).covariance[:-1]) for _, t in runs[wander]])
    assert np.median(after / before) < 0.2


def test_errors_are_clearly_smaller_than_the_filter_s(runs):
    for world, share in ((as_modelled, 0.7), (wander, 0.7)):
        filtered = np.concatenate([t.belief[:, :6] - true_at(x, t) for x, t in runs[world]])
        smoothed = np.concatenate([smooth(t).mean - true_at(x, t) for x, t in runs[world]])
        assert rmse(smoothed[:, :3]) < share * rmse(filtered[:, :3])
        assert rmse(smoothed[:, 3:]) < 0.6 * rmse(filtered[:, 3:])


def test_areas_hold_the_truth_as_often_as_they_say(runs):
    """All entries of 30 flights drawn from the model and of 60 that no mode made; figures: bench/smoothing.py."""
    for world, low in ((as_modelled, 0.86), (wander, 0.80)):
        error = [smooth(t).mean - true_at(x, t) for x, t in runs[world]]
        value = np.concatenate([nees(e, smooth(t).covariance, H) for e, (_, t) in zip(error, runs[world], strict=True)])
        assert low < np.mean(value < chi2.ppf(0.9, 2)) < 0.96
        assert 0.42 < np.mean(value < chi2.ppf(0.5, 2)) < 0.62


def test_nees_of_flights_drawn_from_the_model(runs):
    """Middle of each flight: mean NEES of six numbers over 30 flights inside the 95 % band of honest to cautious."""
    middle = []
    for truth, trail in runs[as_modelled]:
        k = len(trail.at_us) // 2
        smoothed = smooth(trail)
        error = smoothed.mean[k : k + 1] - true_at(truth, trail)[k : k + 1]
        middle.append(float(nees(error, smoothed.covariance[k : k + 1], list(range(6)))[0]))
    assert np.mean(middle) < chi2.ppf(0.975, 6 * len(middle)) / len(middle)


def behind_a_ridge(rng):
    """A drone that flies straight into the shadow of a ridge, bends there, and comes out of it; the shadow is 300 m."""
    at_s = np.arange(0.0, 80.0, STEP_S)
    heading = np.clip((at_s - 40.0) * 0.05, 0.0, 0.5)
    velocity = 13.0 * np.stack((np.cos(heading), np.sin(heading), np.zeros_like(at_s)), 1)
    velocity[:, 2] = 0.0
    place = np.array([-500.0, rng.uniform(1500, 3500), 120.0]) + np.cumsum(velocity, axis=0) * STEP_S
    raster = np.full((81, 81), -1e9, np.float32)
    raster[:, 40:43] = 5000.0
    return radar(raster=raster), np.hstack((place, velocity))


def test_behind_a_ridge_the_gap_is_bridged():
    """Some twenty seconds nobody sees it: the filter's place wanders off, the smoother's comes back to it."""
    filtered, smoothed, held = [], [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sensors, truth = behind_a_ridge(rng)
        state, trails = follow(sensors, truth, rng)
        trail = longest(state, trails)
        true = true_at(truth, trail)
        gap = (true[:, 0] > -50.0) & (true[:, 0] < 250.0)
        if trail.at_us[-1] < T0 + 75e6:
            continue
        assert np.ptp(trail.update_count[gap]) <= 1
        result = smooth(trail)
        filtered.append((trail.belief[:, :6] - true)[gap])
        smoothed.append((result.mean - true)[gap])
        held.append(nees(smoothed[-1], result.covariance[gap], H) < chi2.ppf(0.9, 2))
    assert len(held) >= 8
    assert rmse(np.concatenate(smoothed)[:, :2]) < 0.5 * rmse(np.concatenate(filtered)[:, :2])
    assert np.mean(np.concatenate(held)) > 0.75


def test_trail_holds_every_scan_and_begins_with_the_first_detection():
    """The chain kept step by step is the chain of all beliefs, first and tentative ones included."""
    rng = np.random.default_rng(1)
    sensors, truth = radar(), as_modelled(rng, 90.0)
    state, trails, beliefs = init(sensors, TrackingSettings()), trails_init(), []

    def watch(now):
        beliefs.append(now.now)

    state, trails = follow(sensors, truth, rng, watch=watch)
    trail = longest(state, trails)
    rows = [(b, np.flatnonzero(b.tracks.number == trail.number)) for b in beliefs]
    rows = [(b, int(row[0])) for b, row in rows if len(row)]
    assert trail.update_count[0] == 1
    np.testing.assert_array_equal(trail.at_us, [b.at_us for b, _ in rows])
    modes = [mixtures(b.tracks.belief, [i]) for b, i in rows]
    columns = [np.concatenate(part) for part in zip(*modes, strict=True)]
    columns.append(np.array([b.tracks.update_count[i] for b, i in rows]))
    want = links(*columns, np.append(np.diff(trail.at_us) * 1e-6, 0.0))
    np.testing.assert_allclose(trail.belief, want.belief, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(trail.rest[:-1], want.rest[:-1], atol=1e-9)
    np.testing.assert_allclose(trail.gain[:-1], want.gain[:-1], atol=1e-9)


def test_a_late_scan_takes_its_place_in_the_trail():
    rng = np.random.default_rng(3)
    sensors, truth = radar(), as_modelled(rng, 60.0)
    scans = [scan(sensors, 0, float(t), [seen_by(sensors, truth[round(t / STEP_S)], rng)]) for t in range(60)]
    late = scans[:20] + scans[21:40] + [scans[20]] + scans[40:]
    trails = []
    for order in (scans, late):
        state, kept = init(sensors, TrackingSettings()), trails_init()
        for one in order:
            state, _ = step(state, one)
            kept = trail_step(kept, state)
        trails.append(longest(state, kept))
    np.testing.assert_array_equal(trails[0].at_us, trails[1].at_us)
    np.testing.assert_array_equal(trails[0].belief, trails[1].belief)
    np.testing.assert_array_equal(trails[0].gain[:-1], trails[1].gain[:-1])


def test_thinning_changes_nothing_of_what_is_left(runs):
    for _, trail in runs[wander][:5]:
        whole, less = smooth(trail), smooth(thinned(trail, 20))
        assert len(less.at_us) == 20
        assert less.at_us[0] == whole.at_us[0]
        assert less.at_us[-1] == whole.at_us[-1]
        kept = np.isin(whole.at_us, less.at_us)
        np.testing.assert_allclose(less.mean, whole.mean[kept], rtol=1e-7, atol=1e-6)
        np.testing.assert_allclose(less.covariance, whole.covariance[kept], rtol=1e-6, atol=1e-6)


def test_trails_are_a_value_and_bounded():
    rng = np.random.default_rng(4)
    state, trails = follow(radar(), wander(rng, 60.0), rng, every_s=0.1)
    trail = longest(state, trails)
    assert max(len(one.at_us) for one in trails.trail.values()) <= 256
    again_state, again = pickle.loads(pickle.dumps((state, trails)))
    other = trail_of(again, again_state, trail.number)
    np.testing.assert_array_equal(other.belief, trail.belief)
    assert trail_of(trails, state, 10_000) is None
    for _ in range(2):
        trails = trail_step(trails, state)
    np.testing.assert_array_equal(trail_of(trails, state, trail.number).gain, trail.gain)


def test_launch_areas_hold_the_launch_as_often_as_they_say():
    """Forty flights here; bench/smoothing.py measures hundreds. The band is three binomial deviations wide."""
    inside = []
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        sensors, truth = masked_radar(rng), launched(rng)
        state, trails = follow(sensors, truth, rng)
        trail = longest(state, trails)
        if trail is None:
            continue
        area = launch_area(smooth(trail), sensors, lambda east, north: np.zeros(len(east)))
        off = truth[0, :2] - area.centre_enu_m
        distance = off @ np.linalg.inv(area.covariance) @ off
        inside.append([distance <= area.scale[p] for p in (0.5, 0.9)])
        assert area.scale[0.5] < area.scale[0.9]
        assert area.flown_s > 0
    half, most = np.mean(inside, axis=0)
    assert len(inside) >= 30
    assert 0.26 < half < 0.74
    assert 0.75 < most <= 1.0


def test_recorded_flights(shelf):
    """Real flights under a simulated radar: the smoother's error is clearly below the filter's."""
    filtered, smoothed, inside = [], [], []
    for seed, (name, truth) in enumerate(sorted(flown(shelf).items())):
        rng = np.random.default_rng(seed)
        origin = truth[:, :3].mean(axis=0) + np.array([2500.0, 1500.0, 0.0])
        origin[2] = truth[:, 2].min() - 20.0
        state, trails = follow(radar(origin=tuple(origin)), truth[:2400], rng)
        trail = longest(state, trails)
        assert trail is not None, name
        result, true = smooth(trail), true_at(truth, trail)
        filtered.append(trail.belief[:, :6] - true)
        smoothed.append(result.mean - true)
        inside.append(nees(smoothed[-1], result.covariance, H) < chi2.ppf(0.9, 2))
    before, after = np.concatenate(filtered), np.concatenate(smoothed)
    assert rmse(after[:, :3]) < 0.75 * rmse(before[:, :3])
    assert rmse(after[:, 3:]) < 0.6 * rmse(before[:, 3:])
    assert np.mean(np.concatenate(inside)) > 0.75


def test_launch_area_of_a_single_detection(linear):
    """One plot says nothing of how it flew: the area is wide, finite, and the larger probability the larger ellipse."""
    at_s, _, beliefs = linear
    area = launch_area(smooth(trail_from(beliefs[:1], at_s[:1])), radar(), lambda east, north: np.zeros(len(east)))
    assert np.isfinite(area.centre_enu_m).all()
    assert np.linalg.eigvalsh(area.covariance).min() >= 25.0 - 1e-6
    half, most = (np.linalg.det(area.ellipse(p)) * np.log1p(-p) ** 2 for p in (0.5, 0.9))
    assert half < most
