"""Log against track: true pairs, other flights, and the hard case: the same flight moved in time."""

from pathlib import Path

import numpy as np
import pytest

from araz.app._config import bundle_from_file, site_from_bundle
from araz.evidence import ArchivedTrack, match_log
from araz.evidence._log_match import SAME_ROUTE
from araz.sensors import Flight, LogClock

ROOT = Path(__file__).resolve().parents[2]
START_US = 1_773_000_000_000_000
SPAN = (START_US, START_US + 7_200_000_000)


@pytest.fixture(scope="module")
def place():
    return site_from_bundle(bundle_from_file(ROOT / "sites" / "horadiz" / "site.toml"))[1]


def route(rng, seconds=240):
    """A drone's way [T, 3] at 1 Hz: legs of 20 to 60 s at 12 m/s."""
    heading, at, left, rows = rng.uniform(0, 2 * np.pi), np.append(rng.uniform(-5000, 5000, 2), 80.0), 0.0, []
    for _ in range(seconds):
        if left <= 0:
            heading, left = heading + rng.uniform(-2, 2), rng.uniform(20, 60)
        at = at + np.array([12 * np.sin(heading), 12 * np.cos(heading), rng.normal(0, 0.3)])
        left -= 1
        rows.append(at.copy())
    return np.array(rows)


def track(name, way, start_s, rng, sigma_m=12.0):
    """What a tracker made of it: errors that last some seconds, an honest covariance."""
    noise = np.zeros_like(way)
    for k in range(1, len(way)):
        noise[k] = 0.8 * noise[k - 1] + 0.6 * rng.normal(0, [sigma_m, sigma_m, 2 * sigma_m])
    count = len(way)
    covariance = np.tile(np.eye(2) * sigma_m**2, (count, 1, 1))
    at_us = START_US + ((start_s + np.arange(count)) * 1e6).astype(np.int64)
    return ArchivedTrack(name, at_us, way + noise, covariance, np.full(count, 2 * sigma_m))


def log(place, way, start_s, rng, clock=LogClock.UTC, error_s=0.0, altitude_error_m=0.0):
    latitude, longitude, hae = place.frame.to_geodetic(way + rng.normal(0, 2, way.shape))
    altitude = hae - place.site.geoid_undulation_m + altitude_error_m
    at_us = (np.arange(len(way)) * 1e6).astype(np.int64)
    offset_us = START_US + round((start_s + error_s) * 1e6) if clock is not LogClock.NONE else 0
    none = np.zeros(len(way), dtype=np.bool_)
    return Flight(at_us, latitude, longitude, altitude, altitude * np.nan, none, "test", {}, clock, offset_us)


def judged(place, flight, archive):
    return {m.track_id: m for m in match_log(flight, place, archive, span_us=SPAN, zones_h=(4.0,))}


def test_true_pairs_win_and_moved_flights_do_not(place):
    """The ratio of other flights, the same route flown 25 minutes later included, obeys its bound."""
    rng = np.random.default_rng(8)
    true, moved, other = [], [], []
    for _ in range(25):
        way, stranger = route(rng), route(rng)
        archive = [track("T1", way, 600, rng), track("T2", way, 2100, rng), track("T3", stranger, 640, rng)]
        found = judged(place, log(place, way, 600, rng, error_s=rng.normal(0, 2), altitude_error_m=40), archive)
        true.append(found["T1"].log_ratio)
        moved.append(found["T2"].log_ratio if "T2" in found else -50.0)
        other.append(found["T3"].log_ratio if "T3" in found else -50.0)
        assert found["T1"].altitude_error_m == pytest.approx(40, abs=15)
    assert min(true) > np.log(100)
    false = np.array(moved + other)
    # A calibrated ratio is misleading by a factor x in at most one false pair of x; seven in fifty is beyond chance.
    assert (false > np.log(10)).sum() <= 7
    assert max(moved) < np.log(10)


def test_without_a_date_fit_alone_gives_no_more_than_the_habit_of_repeating_allows(place):
    rng = np.random.default_rng(2)
    way = route(rng)
    archive = [track("T1", way, 600, rng), track("T2", way, 2100, rng)]
    found = judged(place, log(place, way, 0, rng, clock=LogClock.NONE), archive)
    for match in found.values():
        assert np.log(5) < match.log_ratio <= np.log(1 / SAME_ROUTE) + 1e-6


def test_local_clock_four_hours_off_is_found(place):
    rng = np.random.default_rng(3)
    way = route(rng)
    flight = log(place, way, 600, rng, clock=LogClock.LOCAL, error_s=4 * 3600 + 20.0)
    found = judged(place, flight, [track("T1", way, 600, rng)])
    assert found["T1"].clock_error_s == pytest.approx(4 * 3600 + 20, abs=3)
    assert found["T1"].log_ratio > np.log(10)


def test_utc_clock_hours_off_brings_no_track(place):
    rng = np.random.default_rng(4)
    way = route(rng)
    assert judged(place, log(place, way, 600, rng, error_s=7200.0), [track("T1", way, 600, rng)]) == {}


def test_track_too_short_to_judge_is_not_judged(place):
    rng = np.random.default_rng(5)
    way = route(rng)
    assert judged(place, log(place, way, 600, rng), [track("T1", way[:12], 600, rng)]) == {}
    flight = log(place, way[:1], 0, rng)
    with pytest.raises(ValueError, match="parts_of"):
        match_log(flight, place, [], span_us=SPAN)
