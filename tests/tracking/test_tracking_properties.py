"""Whatever the sensors send: the picture stays finite, its covariances stay covariances, and errors match them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_lab import BEARING, POLAR, POSITION, T0, scan, table, transition

from araz.tracking import init, predict_picture, step
from araz.vocabulary import TrackingSettings

SENSORS = table(
    {"kind": POLAR, "sigma": (8.0, 0.004, 0.006, 0.5), "clutter": 5.0, "origin": (100.0, 0.0, 20.0)},
    {"kind": POLAR, "sigma": (20.0, 0.02, np.nan, np.nan), "clutter": 5.0, "origin": (-2000.0, 900.0, 5.0)},
    {"kind": POSITION, "sigma": (4.0, 4.0, 8.0, 1.0), "clutter": 0.0, "claims": True},
    {"kind": BEARING, "sigma": (0.05, 0.05, np.nan, np.nan), "people": True},
)
anything = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-30, 30), st.just(float("nan")))
ranges = st.floats(1, 15_000)
polar = st.tuples(st.one_of(ranges, anything), st.floats(-7, 7), st.one_of(st.floats(-0.5, 1.5), anything), anything)
position = st.tuples(*(st.one_of(st.floats(-15_000, 15_000), anything) for _ in range(3)), st.just(float("nan")))
bearing = st.tuples(st.floats(-7, 7), anything, anything, anything)
one_scan = st.integers(0, 3).flatmap(
    lambda s: st.tuples(
        st.just(s),
        st.floats(-3, 5),
        st.lists((polar, polar, position, bearing)[s], max_size=6),
        st.booleans(),
        st.lists(st.sampled_from([0, 0, 5, 6]), min_size=6, max_size=6),
        st.floats(0, 3),
    )
)


def healthy(picture):
    for array in (picture.position_enu_m, picture.velocity_enu_mps, picture.covariance, picture.existence):
        assert np.isfinite(array).all()
    assert np.isfinite(picture.class_probability).all()
    assert ((picture.existence >= 0) & (picture.existence <= 1)).all()
    assert len(set(picture.track_id.tolist())) == len(picture.track_id)
    for p in picture.covariance:
        np.testing.assert_array_equal(p, p.T)
        scale = np.sqrt(np.diag(p))
        assert (scale > 0).all()
        assert np.linalg.eigvalsh(p / np.outer(scale, scale)).min() > 0


@settings(max_examples=60)
@given(st.lists(one_scan, min_size=1, max_size=12))
def test_random_scans_never_break_the_picture(scans):
    state, at = init(SENSORS, TrackingSettings()), 0.0
    for s, wait, z, complete, keys, back in scans:
        at += wait
        state, events = step(state, scan(SENSORS, s, at, z, complete=complete, keys=keys[: len(z)], back_s=back))
        healthy(events.picture)
        assert not events.picture.position_enu_m.flags.writeable
    for ahead in (-500_000, 0, 2_000_000, 30_000_000):
        healthy(predict_picture(state, state.at_us + ahead))


def test_empty_scans_are_harmless():
    state = init(SENSORS, TrackingSettings())
    assert len(predict_picture(state, T0).track_id) == 0
    for k in range(5):
        for s in range(4):
            state, events = step(state, scan(SENSORS, s, k))
            assert len(events.picture.track_id) == 0
    assert state.at_us == T0 + 4_000_000


def nees(seed, turn_radps=0.0):
    """Normalised squared error of the confirmed track nearest to the truth, for each scan after the tenth."""
    rng = np.random.default_rng(seed)
    sensors = table({"kind": POSITION, "sigma": (10.0, 10.0, 10.0, np.nan), "clutter": 1.0, "pd": 0.95})
    state = init(sensors, TrackingSettings())
    x = np.array([*rng.uniform(-3000, 3000, 2), 150, *rng.uniform(-20, 20, 2), 0.0])
    f, q = transition(1.0, 0.05, 0.02)
    values = []
    for k in range(50):
        z = [x[:3] + rng.normal(0, 10, 3)] if rng.random() < 0.95 else []
        state, events = step(state, scan(sensors, 0, k, z))
        picture = events.picture
        if k > 10 and picture.is_confirmed.any():
            gap = np.hstack((picture.position_enu_m, picture.velocity_enu_mps)) - x
            gap[~picture.is_confirmed] = 1e9
            i = np.linalg.norm(gap[:, :3], axis=1).argmin()
            values.append(gap[i] @ np.linalg.solve(picture.covariance[i], gap[i]))
        x = f @ x + rng.multivariate_normal(np.zeros(6), q)
    return values


def test_errors_are_what_the_covariance_says():
    """Six components: 6 on average for a perfect filter; the manoeuvre modes make ours a little cautious."""
    values = np.concatenate([nees(seed) for seed in range(12)])
    assert len(values) > 12 * 36
    assert 2.5 < values.mean() < 7.5
    assert np.quantile(values, 0.95) < 16.0
