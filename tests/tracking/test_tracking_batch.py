"""One call over arrays must be the tracker itself, and refuse what cannot be meant."""

from __future__ import annotations

import numpy as np
import pytest
from tracking_lab import POLAR, POSITION, polar_of, scan, table

from araz.tracking import init, step, track, track_polar
from araz.vocabulary import TrackingSettings

KNOWN = {"detection_probability": 0.9, "clutter_per_scan": 3.0}
SCANS = 25


@pytest.fixture(scope="module")
def plots():
    """Two targets and three false plots a scan: times [K], positions [K, 3]."""
    rng = np.random.default_rng(5)
    t = np.arange(SCANS)[:, None, None]
    flown = np.array([[-800.0, 300, 100], [900.0, -200, 200]]) + t * np.array([[14.0, 6, 0], [-9.0, 11, 0.5]])
    false = rng.uniform((-2000, -2000, 0), (2000, 2000, 400), (SCANS, 3, 3))
    every = np.concatenate((flown + rng.normal(0, 10, flown.shape), false), axis=1)
    return np.repeat(np.arange(SCANS, dtype=float), 5), every.reshape(-1, 3)


def truth(at):
    return np.array([[-800.0, 300, 100], [900.0, -200, 200]]) + at * np.array([[14.0, 6, 0], [-9.0, 11, 0.5]])


def assert_finds_both(tracks, metres):
    last = tracks.position_enu_m[tracks.time_s == SCANS - 1]
    assert len(last) == 2
    apart = np.linalg.norm(last[:, None] - truth(SCANS - 1), axis=2)
    assert apart.min(axis=0).max() < metres
    seen = np.unique(tracks.track_id[(tracks.time_s > 8) & tracks.is_confirmed])
    assert len(seen) == 2


def test_gives_what_init_and_step_give(plots):
    times, places = plots
    tracks = track(times, places, sigma_m=10.0, sensor_enu_m=(0, 0, 0), max_range_m=3000.0, **KNOWN)
    sensors = table({"kind": POSITION, "pd": 0.9, "clutter": 3.0, "range_m": 3000.0, "sigma": (10, 10, 10, np.nan)})
    state, rows = init(sensors, TrackingSettings()), 0
    for k in range(SCANS):
        state, events = step(state, scan(sensors, 0, k, places[times == k]))
        there = events.picture.existence > 0.5
        mine = slice(rows, rows + int(there.sum()))
        assert (tracks.time_s[mine] == k).all()
        np.testing.assert_array_equal(tracks.track_id[mine], events.picture.track_id[there])
        np.testing.assert_array_equal(tracks.position_enu_m[mine], events.picture.position_enu_m[there])
        np.testing.assert_array_equal(tracks.covariance[mine], events.picture.covariance[there])
        rows = mine.stop
    assert rows == len(tracks.time_s) > 2 * SCANS - 10
    assert_finds_both(tracks, 25)


def test_polar_gives_what_init_and_step_give_and_finds_both(plots):
    times, places = plots
    z = np.array([polar_of(place) for place in places])
    z[:, 3] = np.nan
    sigma = (10.0, 0.01, 0.01, np.nan)
    tracks = track_polar(times, *z.T[:3], sigma=sigma, max_range_m=3000.0, **KNOWN)
    sensors = table({"kind": POLAR, "pd": 0.9, "clutter": 3.0, "range_m": 3000.0, "sigma": sigma})
    state = init(sensors, TrackingSettings())
    for k in range(SCANS):
        state, events = step(state, scan(sensors, 0, k, z[times == k]))
    there, last = events.picture.existence > 0.5, tracks.time_s == SCANS - 1
    np.testing.assert_array_equal(tracks.position_enu_m[last], events.picture.position_enu_m[there])
    assert_finds_both(tracks, 40)


def test_neither_the_zero_of_time_nor_the_order_matters(plots):
    times, places = plots
    plain = track(times, places, sigma_m=10.0, **KNOWN)
    later = track(times + 1_700_000_000.0, places, sigma_m=10.0, **KNOWN)
    np.testing.assert_array_equal(later.position_enu_m, plain.position_enu_m)
    np.testing.assert_array_equal(later.time_s - 1_700_000_000.0, plain.time_s)
    mixed = np.random.default_rng(1).permutation(len(times))
    other = track(times[mixed], places[mixed], sigma_m=10.0, **KNOWN)
    assert len(other.time_s) == len(plain.time_s)
    last = [np.sort(t.position_enu_m[t.time_s == SCANS - 1], axis=0) for t in (plain, other)]
    np.testing.assert_allclose(last[0], last[1], atol=1e-6)


def test_an_empty_scan_is_evidence_and_one_unnamed_is_not(plots):
    times, places = plots
    kept = (times < 15) | (times >= 21)
    ids = {}
    for name, ends in (("named", np.arange(SCANS)), ("unnamed", None)):
        tracks = track(times[kept], places[kept], sigma_m=10.0, scan_times_s=ends, **KNOWN)
        ids[name] = [set(tracks.track_id[tracks.time_s == at]) for at in (14, 20, 24)]
    assert len(ids["named"][0]) == len(ids["named"][2]) == len(ids["unnamed"][2]) == 2
    assert ids["unnamed"][0] == ids["unnamed"][2]
    assert not ids["named"][1]


def test_a_slow_scan_takes_detections_of_their_own_times(plots):
    times, places = plots
    own = times - np.tile([0.0, 0.3, 0.1, 0.2, 0.4], SCANS)
    tracks = track(own, places, sigma_m=10.0, scan_times_s=np.arange(SCANS), **KNOWN)
    assert set(tracks.time_s) <= set(range(SCANS))
    assert_finds_both(tracks, 30)


def test_height_may_be_missing(plots):
    times, places = plots
    flat = track(times, places[:, :2], sigma_m=(10.0, 10.0, 1.0), **KNOWN)
    last = flat.position_enu_m[flat.time_s == SCANS - 1]
    apart = np.linalg.norm(last[:, None, :2] - truth(SCANS - 1)[:, :2], axis=2)
    assert apart.min(axis=0).max() < 30


def test_takes_lists_keeps_what_it_was_given_and_returns_what_nobody_can_write(plots):
    times, places = plots
    before = times.copy(), places.copy()
    tracks = track(list(times), places.tolist(), sigma_m=[10.0, 10.0, 10.0], **KNOWN)
    np.testing.assert_array_equal(before[0], times)
    np.testing.assert_array_equal(before[1], places)
    for name in tracks.__slots__:
        with pytest.raises(ValueError, match="read-only"):
            getattr(tracks, name)[...] = 0
    each = track(times, places, sigma_m=np.full((len(times), 1), 10.0), **KNOWN)
    np.testing.assert_array_equal(each.position_enu_m, tracks.position_enu_m)


def test_nothing_gives_nothing():
    for empty in (track([], [], sigma_m=1.0, **KNOWN), track_polar([], [], [], sigma=(1, 1, 1, 1), **KNOWN)):
        assert empty.time_s.shape == (0,)
        assert empty.covariance.shape == (0, 6, 6)
        assert empty.class_probability.shape == (0, 6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times_s": [0.0, np.nan]}, "finite time"),
        ({"times_s": [0.0, 1e12]}, "seconds, not milliseconds"),
        ({"times_s": [[0.0], [1.0]]}, r"\[K\]"),
        ({"positions_enu_m": [[0.0, 0, 0]]}, "one row a time"),
        ({"positions_enu_m": [[0.0], [1.0]]}, "one row a time"),
        ({"positions_enu_m": [[0.0, 0, 0], [np.nan, 0, 0]]}, "row 1 .* leave such"),
        ({"sigma_m": 0.0}, "positive standard deviation"),
        ({"sigma_m": [1.0, 2.0]}, "give one row"),
        ({"detection_probability": 0.0}, "above 0 and at most 1"),
        ({"detection_probability": 90}, "above 0 and at most 1"),
        ({"clutter_per_scan": -1.0}, "mean number of false"),
        ({"clutter_per_scan": np.nan}, "mean number of false"),
        ({"max_range_m": 0.0}, "how far the sensor sees"),
        ({"sensor_enu_m": (0.0, 0.0)}, "east, north, up"),
        ({"scan_times_s": [0.0, 0.5]}, "add the scan"),
    ],
)
def test_wrong_calls_say_what_to_do(change, words):
    call = {"times_s": [0.0, 1.0], "positions_enu_m": [[0.0, 0, 0], [9.0, 0, 0]], "sigma_m": 10.0, **KNOWN}
    with pytest.raises(ValueError, match=words):
        track(**(call | change))


def test_wrong_polar_calls_say_what_to_do():
    good = {"times_s": [0.0], "range_m": [900.0], "azimuth_rad": [0.2], "sigma": (5, 0.01, 0.01, 1), **KNOWN}
    track_polar(**good)
    for change, words in [
        ({"range_m": [0.0]}, "positive range_m"),
        ({"azimuth_rad": [np.nan]}, "bearings alone"),
        ({"elevation_rad": [0.1], "sigma": (5, 0.01, np.nan, 1)}, "all that is measured"),
        ({"range_rate_mps": [1.0, 2.0]}, "one row a time"),
    ]:
        with pytest.raises(ValueError, match=words):
            track_polar(**(good | change))
