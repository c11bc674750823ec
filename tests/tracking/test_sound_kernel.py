"""The kernel's update by ear against the textbook's, and a scan's place on the way to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_lab import updated
from sound_lab import SOUND_MPS, heard_scan, late_bearing, late_update
from tracking_lab import BEARING, POSITION, scan, table

from araz.tracking import _measure as measure
from araz.tracking import init, step
from araz.tracking._motion import NOISE_HORIZONTAL
from araz.tracking._sound import travel_s
from araz.vocabulary import TrackingSettings


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_the_update_by_ear_is_the_textbooks(seed):
    rng = np.random.default_rng(seed)
    x = np.array([*rng.uniform(300, 800, 2), rng.uniform(30, 120), *rng.uniform(-20, 20, 2), 0.0])
    p = np.diag([30.0**2] * 3 + [2.0**2] * 3)
    ear, sigma = np.zeros(3), np.radians([4.0, 8.0])
    z = late_bearing(x, ear) + rng.normal(size=2) * sigma
    late = travel_s(*x, SOUND_MPS)
    row = np.array([[*z, *[np.nan] * 4]])
    var = np.array([[*sigma**2, *[np.nan] * 4]])
    none = np.zeros(1, np.int64)
    found = measure.Detections(
        int(BEARING), row, var, np.zeros((1, 3)), True, none, none, np.zeros(1), none, np.full(1, SOUND_MPS)
    )
    mean, cov, *_ = updated(x, p, found)
    # the noise of the seconds the sound was on its way, which the textbook's update leaves out
    drift = np.sqrt(NOISE_HORIZONTAL[0] * late**3 / 3.0) / np.linalg.norm(x[:2])
    right, spread = late_update(x, p, z, np.hypot(sigma, drift), ear)
    np.testing.assert_allclose(mean, right, atol=0.05 + 0.01 * np.abs(right - x).max())
    np.testing.assert_allclose(cov, spread, atol=0.02 * p.max())


def test_an_ear_pulls_a_track_to_where_the_drone_is_and_not_to_where_it_was():
    sensors = table(
        {"kind": POSITION, "sigma": (10.0, 10.0, 10.0, np.nan)},
        {"kind": BEARING, "sigma": (np.radians(1.0), np.radians(2.0), np.nan, np.nan), "origin": (600.0, 0.0, 0.0)},
    )

    def place(t):
        return np.array([0.0, -200.0 + 18.0 * t, 80.0])

    offs = {}
    for late in (True, False):
        rng, state = np.random.default_rng(3), init(sensors, TrackingSettings())
        for t in range(12):
            state, _ = step(state, scan(sensors, 0, t, [place(t) + rng.normal(size=3) * 10.0], complete=False))
        for t in range(12, 30):
            heard = heard_scan(sensors, 1, t, place(t), np.array([0.0, 18.0, 0.0]), rng.normal(size=2) * 0.01)
            state, events = step(state, heard if late else replace(heard, propagation_mps=None))
        offs[late] = events.picture.position_enu_m[0, 1] - place(29)[1]
    assert abs(offs[True]) < 12.0
    assert offs[False] < -20.0
