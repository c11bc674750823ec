"""Late and out of order: whatever order the scans come in, the tracker ends where order would have taken it."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_lab import POLAR, polar_of, scan, table

from araz.tracking import _step as stepping
from araz.tracking import init, step
from araz.vocabulary import MeasurementKind, TrackingSettings

RADAR = {"kind": POLAR, "sigma": (8.0, 0.006, 0.006, 0.5), "clutter": 3.0, "range_m": 9000.0}
PEOPLE = {"kind": MeasurementKind.BEARING, "sigma": (0.2, np.nan, np.nan, np.nan), "people": True}
STARTS = np.array([[0.0, 3000.0, 120.0], [80.0, 3050.0, 120.0], [-2500.0, 1200.0, 90.0]])
VELOCITY = np.array([[12.0, 3.0, 0.0], [12.0, 3.0, 0.0], [4.0, -9.0, 0.5]])


def night(seed, seconds):
    """Two radars out of step and a person's bearing, three targets, clutter; in order of time."""
    sensors = table(RADAR, {**RADAR, "origin": (2500.0, -800.0, 20.0), "period": 1.5}, PEOPLE)
    rng, made = np.random.default_rng(seed), []
    looks = [(t, 0) for t in np.arange(0.0, seconds)] + [(t, 1) for t in np.arange(0.4, seconds, 1.5)]
    looks += [(t, 2) for t in np.arange(2.3, seconds, 5.0)]
    for t, s in sorted(looks):
        where = STARTS + VELOCITY * t
        if s == 2:
            made.append(
                scan(
                    sensors, s, t, [[float(np.arctan2(where[0, 0], where[0, 1])) + rng.normal(0, 0.2)]], complete=False
                )
            )
            continue
        z = [
            polar_of(p, v, sensors.origin_enu_m[s]) + rng.normal(size=4) * sensors.sigma[s]
            for p, v in zip(where, VELOCITY, strict=True)
            if rng.random() < 0.9
        ]
        clutter = rng.uniform([500, 0, 0, -20], [9000, 6.28, 0.1, 20], (rng.poisson(2), 4))
        made.append(scan(sensors, s, t, [*z, *clutter]))
    return sensors, made


def run(sensors, scans):
    state = init(sensors, TrackingSettings())
    for one in scans:
        state, events = step(state, one)
    return state, events


def assert_same_belief(one, other):
    """To the bit, all but the numbers shown, which are given in order of arrival."""
    for field in one._fields:
        name = "tracks" if field == "table" else field
        mine, its = getattr(one, name), getattr(other, name)
        if name == "tracks":
            for column in mine._fields:
                if column == "belief":
                    for part in mine.belief._fields:
                        np.testing.assert_array_equal(
                            getattr(mine.belief, part), getattr(its.belief, part), err_msg=part
                        )
                elif column != "number":
                    np.testing.assert_array_equal(getattr(mine, column), getattr(its, column), err_msg=column)
        else:
            np.testing.assert_array_equal(mine, its, err_msg=name)


@pytest.fixture(scope="module")
def short():
    return night(1, 3)


def test_every_order_of_a_short_night_ends_in_the_same_belief(short):
    sensors, scans = short
    few = scans[:5]
    expected, _ = run(sensors, few)
    assert len(expected.tracks.existence) > 3
    for order in permutations(range(5)):
        got, _ = run(sensors, [few[k] for k in order])
        assert got.late_scans == 0
        assert_same_belief(got.now, expected.now)


LONG = night(7, 25)
LONG_STATE = None


@settings(deadline=None, max_examples=12)
@given(st.lists(st.floats(0.0, 12.0), min_size=len(LONG[1]), max_size=len(LONG[1])))
def test_random_delays_change_nothing(delays):
    global LONG_STATE
    sensors, scans = LONG
    if LONG_STATE is None:
        LONG_STATE = run(sensors, scans)
    arrival = np.argsort([one.at_us_end + delay * 1e6 for one, delay in zip(scans, delays, strict=True)], kind="stable")
    got, events = run(sensors, [scans[k] for k in arrival])
    assert_same_belief(got.now, LONG_STATE[0].now)
    assert events.picture.is_confirmed.sum() == LONG_STATE[1].picture.is_confirmed.sum()


def test_numbers_people_see_survive_a_late_scan():
    """A track keeps the number it was shown with, though the past in which it began is computed again."""
    sensors, scans = night(3, 20)
    state = init(sensors, TrackingSettings())
    shown, late = {}, scans[6]
    for one in [*scans[:6], *scans[7:]]:
        state, events = step(state, one)
        shown |= dict(zip(state.tracks.track_id.tolist(), state.tracks.number.tolist(), strict=True))
    before = events.picture.track_id[events.picture.is_confirmed].tolist()
    state, events = step(state, late)
    for key, number in zip(state.tracks.track_id.tolist(), state.tracks.number.tolist(), strict=True):
        assert shown.get(key, number) == number
    assert set(before) <= set(events.picture.track_id[events.picture.is_confirmed].tolist())
    assert len(set(state.tracks.number.tolist())) == len(state.tracks.number)


def test_what_is_remembered_is_bounded(monkeypatch):
    sensors, scans = night(2, 50)
    state, _ = run(sensors, scans)
    assert scans[-1].at_us_end - state.past[0].scan.at_us_end <= stepping.MEMORY_US
    oldest = state.past[0].scan
    assert run(sensors, [*scans, scans[0]])[0].late_scans == 1
    monkeypatch.setattr(stepping, "MEMORY_BYTES", 1_000_000)
    small, _ = run(sensors, scans)
    assert len(small.past) < len(state.past)
    assert_same_belief(small.now, state.now)
    assert oldest.at_us_end > scans[0].at_us_end
