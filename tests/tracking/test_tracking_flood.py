"""A radar that sends far more false plots than it states: the tracker learns it, and the picture stays readable."""

from __future__ import annotations

import numpy as np
from tracking_lab import POLAR, polar_of, scan, table

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
