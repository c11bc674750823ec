"""Where a hidden track can come out, against arithmetic, the filter's own moments, and evenness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest
from tracking_lab import POLAR, T0, polar_of, scan, table

from araz.tracking import REAPPEARANCE_HOLDS, init, reappearances, step
from araz.tracking import _reappear as reappear
from araz.tracking._gauss import unpacked
from araz.tracking._motion import mixtures, predict
from araz.vocabulary import TrackingSettings

RADAR = {"kind": POLAR, "sigma": (8.0, 0.003, 0.004, 0.5), "clutter": 1.0, "range_m": 9000.0}
CELL_M, BEGINS_M, ENDS_M, SPEED_MPS = 50.0, 1475.0, 1825.0, 20.0


def flat(east, north):
    return np.zeros_like(east)


def behind(seconds, until_m):
    """A drone flies straight east into a shadow running north and south; the state ``until_m`` east, and its number."""
    axis = (np.arange(161) - 80) * CELL_M
    low = np.full((161, 161), -100.0, np.float32)
    low[:, (axis > BEGINS_M) & (axis < ENDS_M)] = 300.0
    sensors, rng = table(RADAR, raster=low, cell_m=CELL_M), np.random.default_rng(5)
    state, number = init(sensors, TrackingSettings()), 0
    for k in range(seconds):
        place = np.array([900.0 + SPEED_MPS * k, 2000.0, 120.0])
        if place[0] > until_m:
            break
        seen = not BEGINS_M <= place[0] < ENDS_M
        z = polar_of(place, [SPEED_MPS, 0, 0]) + rng.normal(size=4) * sensors.sigma[0]
        state, events = step(state, scan(sensors, 0, k, [z] if seen else []))
        shown = events.picture.track_id[events.picture.is_confirmed]
        number = int(shown[0]) if len(shown) else number
    return state, number, events.picture


@pytest.fixture(scope="module")
def hidden():
    return behind(60, 1600.0)


def test_a_straight_flight_comes_out_ahead_when_arithmetic_says(hidden):
    state, number, picture = hidden
    assert picture.hidden[picture.track_id == number].all()
    found = reappearances(state, number, flat)
    assert found
    out_us = T0 + round((ENDS_M - 900.0) / SPEED_MPS * 1e6)
    likeliest = found[0]
    off = np.array([ENDS_M, 2000.0]) - likeliest.centre_enu_m
    distance2 = off @ np.linalg.solve(likeliest.covariance, off)
    assert distance2 <= -2 * np.log(1 - REAPPEARANCE_HOLDS)
    assert likeliest.from_us <= out_us <= likeliest.to_us
    assert likeliest.probability > 0.4
    assert 0.6 < sum(one.probability for one in found) <= 1.0


def test_nothing_is_said_of_a_track_in_view_or_of_none(hidden):
    state, number, _ = behind(60, 1300.0)
    assert reappearances(state, number, flat) == ()
    assert reappearances(hidden[0], 12345, flat) == ()


def test_nothing_is_said_when_it_cannot_come_out_in_time(hidden):
    assert reappearances(hidden[0], hidden[1], flat, horizon_s=2.0) == ()


def test_twice_the_same(hidden):
    state, number, _ = hidden
    once, again = reappearances(state, number, flat), reappearances(state, number, flat)
    for a, b in zip(once, again, strict=True):
        assert (a.probability, a.from_us, a.to_us) == (b.probability, b.from_us, b.to_us)
        np.testing.assert_array_equal(a.covariance, b.covariance)


def test_trials_spread_as_the_filter_says(hidden, monkeypatch):
    """Many trials against the exact moments of the mixture, now and one step on."""
    monkeypatch.setattr(reappear, "TRIALS", 40_000)
    state, number, _ = hidden
    rows = np.flatnonzero(state.tracks.number == number)
    x, mode = reappear._drawn(*(part[0] for part in mixtures(state.tracks.belief, rows)))
    later, _ = reappear._flown(x, mode, 1, flat)
    ahead = predict(state.tracks.belief, state.tracks.update_count, reappear.STEP_S, 0)
    for trial, gauss in ((x, state.tracks.belief.gauss[rows]), (later, ahead.gauss[rows])):
        mean, cov = (part[0] for part in unpacked(gauss))
        sigma = np.sqrt(np.diag(cov))
        np.testing.assert_allclose((trial.mean(axis=0) - mean) / sigma, 0.0, atol=0.03)
        np.testing.assert_allclose(np.cov(trial.T) / np.outer(sigma, sigma), cov / np.outer(sigma, sigma), atol=0.06)


def test_trials_stay_above_ground(hidden):
    def hill(east, north):
        return np.full_like(east, 500.0)

    state, number, _ = hidden
    rows = np.flatnonzero(state.tracks.number == number)
    x, mode = reappear._drawn(*(part[0] for part in mixtures(state.tracks.belief, rows)))
    assert (reappear._flown(x, mode, 1, hill)[0][:, 2] >= 500.0 + reappear.LEAST_AGL_M).all()


def test_scattered_numbers_are_even_and_without_pattern():
    u = reappear.scatter(4000, 3, 6)
    assert ((u > 0) & (u < 1)).all()
    for column in u.T:
        assert kstest(column, "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(u.T) - np.eye(6)).max() < 0.08
    assert abs(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]) < 0.06
