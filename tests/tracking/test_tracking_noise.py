"""A sensor noisier or sharper than it says is found out, and one that is as it says is left alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from kernel_lab import noise_factors
from scipy.stats import norm
from tracking_lab import POLAR, POSITION, polar_of, scan, table

from araz.tracking import init, predict_picture, step
from araz.tracking._noise import CLEARLY, FIRST, LEAST_UPDATES, MEMORY_PLOTS, STRAY, STRAY_TIMES, SURE
from araz.tracking._state import NOISE_FACTORS, NOISE_PLOTS, first_noise
from araz.vocabulary import TrackingSettings

SIGMA = {POLAR: (10.0, 0.002, 0.002, 0.5), POSITION: (10.0, 10.0, 10.0, np.nan)}


def flown(kind, true_factor, seconds=90, seed=4, drones=16):
    """Drones on straight courses, seen with deviations ``true_factor`` [4] times as stated; state and events."""
    sensors, rng = table({"kind": kind, "sigma": SIGMA[kind], "clutter": 5.0}), np.random.default_rng(seed)
    begin = rng.uniform([-5000, -5000, 80], [5000, 5000, 200], (drones, 3))
    speed = rng.uniform(-20, 20, (drones, 3)) * [1, 1, 0]
    state = init(sensors, TrackingSettings())
    for t in range(seconds):
        z = []
        for p, v in zip(begin + speed * t, speed, strict=True):
            if rng.random() < 0.9:
                sharp = polar_of(p, v) if kind == POLAR else np.append(p, np.nan)
                z.append(sharp + rng.normal(size=4) * np.nan_to_num(SIGMA[kind]) * true_factor)
        state, events = step(state, scan(sensors, 0, t, z))
    return state, events, begin + speed * (seconds - 1)


@pytest.mark.parametrize("kind", [POLAR, POSITION])
def test_a_sensor_that_is_as_it_says_is_left_alone(kind):
    state, _, _ = flown(kind, np.ones(4))
    np.testing.assert_array_equal(noise_factors(state.now.learned_of(0).noise), 1.0)


@pytest.mark.parametrize("kind", [POLAR, POSITION])
@pytest.mark.parametrize("times", [2.0, 0.5])
def test_deviations_other_than_stated_are_found(kind, times):
    state, _, _ = flown(kind, np.full(4, times))
    np.testing.assert_allclose(np.sqrt(noise_factors(state.now.learned_of(0).noise)), times, rtol=0.3)


def test_each_component_is_judged_alone():
    state, _, _ = flown(POLAR, np.array([1.0, 2.5, 1.0, 1.0]))
    found = noise_factors(state.now.learned_of(0).noise)
    assert found[0] == found[2] == 1.0
    assert np.sqrt(found[1]) == pytest.approx(2.5, rel=0.3)


def test_covariance_grows_with_the_noise():
    """Squared errors over covariance stay near their three dimensions at twice the stated noise."""
    nees = []
    for seed in range(3):
        _, events, truth = flown(POSITION, np.full(4, 2.0), seed=seed)
        picture = events.picture
        for place in truth:
            rows = np.flatnonzero(picture.is_confirmed)
            gap = picture.position_enu_m[rows] - place
            at = rows[np.argmin(np.linalg.norm(gap, axis=1))]
            off = picture.position_enu_m[at] - place
            nees.append(off @ np.linalg.solve(picture.covariance[at, :3, :3], off))
    assert 1.5 < np.mean(nees) < 4.5


def test_a_look_is_weighed_by_a_gaussian_of_each_factor_and_strays():
    """The logarithm of the belief after a look, from the predicted picture and scipy's densities alone."""
    state, _, place = flown(POSITION, np.full(4, 2.0), seconds=18)
    before, sigma = state.now.learned_of(0).noise, SIGMA[POSITION][0]
    used, seen = noise_factors(before), predict_picture(state, state.at_us + 1_000_000)
    z = np.column_stack((place + np.random.default_rng(1).normal(size=place.shape) * 12.0, np.full(len(place), np.nan)))
    after, events = step(state, scan(state.sensors, 0, 18, z))
    expected, counted = np.zeros_like(before), np.zeros(3)
    sure = events.pair_probability >= SURE
    for number, j in zip(events.pair_track_id[sure], events.pair_row[sure], strict=True):
        [i] = np.flatnonzero(seen.track_id == number)
        if not seen.is_confirmed[i] or seen.update_count[i] < LEAST_UPDATES:
            continue
        gap = z[j, :3] - seen.position_enu_m[i]
        for c in range(3):
            spread = seen.covariance[i, c, c]
            if spread > sigma**2 * used[c]:
                continue
            each = norm.pdf(gap[c], scale=np.sqrt(spread + NOISE_FACTORS * sigma**2))
            stray = norm.pdf(gap[c], scale=np.sqrt(STRAY_TIMES * (spread + sigma**2)))
            expected[c] += np.log((1 - STRAY) * each + STRAY * stray) - np.log(STRAY * stray)
            counted[c] += 1
    assert (counted > 3).all()
    old = FIRST + (before - FIRST) * np.exp(-counted / MEMORY_PLOTS)[:, None]
    np.testing.assert_allclose(after.now.learned_of(0).noise, old + expected, rtol=1e-6, atol=1e-6)


def test_manoeuvres_do_not_pass_for_noise():
    """Drones that fly straight back every 20 s: plots far off their tracks, and the sensor as good as it says."""
    sigma = (30.0, 30.0, 30.0, np.nan)
    sensors, rng = table({"kind": POSITION, "sigma": sigma, "clutter": 5.0}), np.random.default_rng(8)
    place = rng.uniform([-5000, -5000, 80], [5000, 5000, 200], (16, 3))
    speed = rng.uniform(-30, 30, (16, 3)) * [1, 1, 0]
    state = init(sensors, TrackingSettings())
    for t in range(160):
        if t % 20 == 0:
            speed *= -1
        place = place + speed
        z = np.column_stack((place, np.full(16, np.nan)))
        z += rng.normal(size=z.shape) * np.nan_to_num(np.array(sigma))
        state, _ = step(state, scan(sensors, 0, t, z))
        np.testing.assert_array_equal(noise_factors(state.now.learned_of(0).noise), 1.0)


def test_the_belief_before_the_first_plot_is_that_of_exact_plots():
    """NOISE_PLOTS plots as far off as a standard deviation each, and so no factor."""
    expected = NOISE_PLOTS * (norm.logpdf(1.0, scale=np.sqrt(NOISE_FACTORS)) - norm.logpdf(0.0))
    np.testing.assert_allclose(first_noise(), expected)
    np.testing.assert_array_equal(noise_factors(np.tile(first_noise(), (3, 1))), 1.0)


def test_a_factor_is_the_mean_of_the_belief_and_none_near_one():
    belief = np.tile(first_noise(), (3, 1))
    sharp = np.full(len(NOISE_FACTORS), -50.0)
    sharp[[10, 11]] = 0.0
    belief[1] = sharp
    near = np.full(len(NOISE_FACTORS), -50.0)
    near[7] = 0.0
    belief[2] = near
    assert NOISE_FACTORS[7] < CLEARLY
    np.testing.assert_allclose(noise_factors(belief), [1.0, np.sqrt(NOISE_FACTORS[10] * NOISE_FACTORS[11]), 1.0])


def test_what_was_learned_is_part_of_the_state():
    state, _, _ = flown(POSITION, np.full(4, 2.0), seconds=40)
    again = pickle.loads(pickle.dumps(state))
    sensors = state.sensors
    more = scan(sensors, 0, 41, [[0.0, 0.0, 100.0, np.nan]])
    np.testing.assert_array_equal(
        step(state, more)[0].now.learned_of(0).noise, step(again, more)[0].now.learned_of(0).noise
    )
