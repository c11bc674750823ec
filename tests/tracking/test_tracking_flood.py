"""A radar that sends far more false plots than it states: the tracker learns it, and the picture stays readable."""

from __future__ import annotations

import numpy as np
from tracking_lab import POLAR, POSITION, polar_of, scan, table

from araz.tracking import init, step
from araz.vocabulary import TrackingSettings


def test_a_hundred_times_the_stated_clutter_does_not_fill_the_sky():
    sensors = table({"kind": POLAR, "sigma": (10.0, 0.006, 0.01, np.nan), "clutter": 4.0, "range_m": 8000.0})
    rng, state = np.random.default_rng(4), init(sensors, TrackingSettings())
    starts = np.column_stack((rng.uniform(-4000, 4000, (20, 2)), rng.uniform(80, 300, 20)))
    heading = rng.uniform(0, 6.28, 20)
    velocity = np.column_stack((12 * np.cos(heading), 12 * np.sin(heading), np.zeros(20)))
    for k in range(60):
        z = [
            polar_of(p, v, sensors.origin_enu_m[0])[:3] + rng.normal(size=3) * sensors.sigma[0, :3]
            for p, v in zip(starts + velocity * k, velocity, strict=True)
        ]
        false = rng.uniform([300, 0, 0], [8000, 2 * np.pi, 0.15], (400, 3))
        state, events = step(state, scan(sensors, 0, k, [*z, *false]))
    assert 15 <= events.picture.is_confirmed.sum() <= 40


def test_a_patch_full_of_false_plots_does_not_become_a_swarm():
    """Four hundred a scan on two by two kilometres, as waves or rain give, and three drones outside it."""
    sensors = table({"kind": POSITION, "sigma": (10.0, 10.0, 10.0, np.nan), "clutter": 400.0, "range_m": 23_000.0})
    rng, state, false_most = np.random.default_rng(6), init(sensors, TrackingSettings()), 0
    starts, velocity = np.array([[-4000.0, 2000, 200], [-4000, 4000, 200], [-4000, 6000, 200]]), np.array([15.0, 0, 0])
    for k in range(40):
        patch = np.column_stack((rng.uniform(3000, 5000, (400, 2)), rng.uniform(0, 1000, 400)))
        state, events = step(
            state, scan(sensors, 0, k, [*(starts + velocity * k + rng.normal(0, 10.0, starts.shape)), *patch])
        )
        shown = events.picture.position_enu_m[events.picture.existence > 0.5]
        false_most = max(false_most, int((shown[:, 0] > 2500.0).sum()))
        if k >= 3:
            assert (shown[:, 0] < 0.0).sum() == 3
    assert false_most <= 12
