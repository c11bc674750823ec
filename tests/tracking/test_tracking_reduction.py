"""The whole tracker on its simplest case must equal the Kalman filter, and that the joint Gaussian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kernel_lab import belief_of, moved
from scipy.linalg import expm
from tracking_lab import POSITION, scan, table, transition

from araz.tracking import init, step
from araz.tracking._gauss import SPACE, packed, unpacked
from araz.tracking._motion import (
    HOVER,
    LEAVE_TO,
    MANOEUVRE,
    MODE_COUNT,
    NOISE_HORIZONTAL,
    NOISE_VERTICAL,
    START_WEIGHT,
    TURN_RATE_RADPS,
    Belief,
    mixtures,
    overall,
    predict,
    switching,
)
from araz.tracking._rows import LANES
from araz.vocabulary import TrackingSettings

SIGMA, SPEED, CLIMB = 10.0, 15.0, 2.0
STEPS = 12
NO_MODES = np.zeros((0, 27, LANES))


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(11)
    t = np.arange(STEPS)[:, None]
    return np.array([800.0, -500.0, 120.0]) + t * [12.0, 7.0, 0.2] + rng.normal(0, SIGMA, (STEPS, 3))


@pytest.fixture(scope="module")
def tracked(measured):
    """One target, sure detection, no clutter, one mode: a track stays in MANOEUVRE while it counts one update."""
    sensors = table({"kind": POSITION, "pd": 1.0, "clutter": 0.0, "sigma": (SIGMA, SIGMA, SIGMA, np.nan)})
    state = init(sensors, TrackingSettings())
    for k in range(STEPS):
        state, _ = step(state, scan(sensors, 0, k, [measured[k]]))
        whole = state.now.table.whole.copy()
        whole[4] = 1  # update_count
        state = replace(state, now=state.now._replace(table=state.now.table._replace(whole=whole)))
    tracks = state.tracks
    assert len(tracks.track_id) == 1
    mean, cov = unpacked(tracks.belief.gauss)
    return mean[0], cov[0]


def prior(z):
    return np.r_[z, np.zeros(3)], np.diag([1e6] * 3 + [SPEED**2] * 2 + [CLIMB**2])


def test_equals_the_textbook_kalman_filter(measured, tracked):
    f, q = transition(1.0, NOISE_HORIZONTAL[MANOEUVRE], NOISE_VERTICAL[MANOEUVRE])
    h, r = np.eye(3, 6), SIGMA**2 * np.eye(3)
    x, p = prior(measured[0])
    for k in range(STEPS):
        if k:
            x, p = f @ x, f @ p @ f.T + q
        s = h @ p @ h.T + r
        gain = p @ h.T @ np.linalg.inv(s)
        x, p = x + gain @ (measured[k] - h @ x), (np.eye(6) - gain @ h) @ p
    np.testing.assert_allclose(tracked[0], x, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(tracked[1], p, rtol=1e-3, atol=1e-3)


def test_equals_the_dense_joint_gaussian(measured, tracked):
    """All states at once: one sparse information matrix of prior, motion and measurements, solved densely."""
    f, q = transition(1.0, NOISE_HORIZONTAL[MANOEUVRE], NOISE_VERTICAL[MANOEUVRE])
    x0, p0 = prior(measured[0])
    information, vector = np.zeros((6 * STEPS, 6 * STEPS)), np.zeros(6 * STEPS)
    information[:6, :6] += np.linalg.inv(p0)
    vector[:6] += np.linalg.inv(p0) @ x0
    qi = np.linalg.inv(q)
    for k in range(STEPS):
        here = slice(6 * k, 6 * k + 6)
        information[here, here][:3, :3] += np.eye(3) / SIGMA**2
        vector[here][:3] += measured[k] / SIGMA**2
        if k:
            before = slice(6 * k - 6, 6 * k)
            information[before, before] += f.T @ qi @ f
            information[here, here] += qi
            information[before, here] -= f.T @ qi
            information[here, before] -= qi @ f
    cov = np.linalg.inv(information)
    np.testing.assert_allclose(tracked[0], (cov @ vector)[-6:], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(tracked[1], cov[-6:, -6:], rtol=1e-3, atol=1e-3)


def flow_of(mode, dt):
    """Transition [6, 6] of a mode, read off ``propagate`` one unit vector at a time."""
    return moved(mode, dt, packed(np.eye(6), np.zeros((6, 6, 6))))[:, :6].T


@pytest.mark.parametrize("mode", range(MODE_COUNT))
@pytest.mark.parametrize("dt", [0.1, 1.0, 7.0])
def test_motion_is_the_exponential_of_its_differential_equation(mode, dt):
    w = TURN_RATE_RADPS[mode]
    flow = np.zeros((6, 6))
    flow[:3, 3:] = np.eye(3)
    flow[3, 4], flow[4, 3] = -w, w
    if mode == HOVER:
        flow[3:, 3:] = -np.eye(3) / 3.0
    np.testing.assert_allclose(flow_of(mode, dt), expm(flow * dt), atol=1e-9)


@pytest.mark.parametrize("dt", [0.0, 0.25, 3.0])
def test_prediction_equals_the_textbook_imm(dt):
    rng = np.random.default_rng(3)
    mean = rng.normal(size=(1, MODE_COUNT, 6)) * 20
    root = rng.normal(size=(1, MODE_COUNT, 6, 6))
    cov = root @ root.transpose(0, 1, 3, 2) + np.eye(6)
    weight = np.array([[0.25, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05]])
    change = switching(dt)
    np.testing.assert_allclose(change.sum(1), 1)
    np.testing.assert_allclose(LEAVE_TO.sum(1), 1)
    np.testing.assert_allclose(START_WEIGHT.sum(), 1)
    new = predict(belief_of(mean, cov, weight), np.array([5]), dt, 0)
    rows, new_weight = mixtures(new, [0])
    new_mean, new_cov = unpacked(rows[0])
    predicted = weight[0] @ change
    np.testing.assert_allclose(new_weight[0], predicted)
    for m in range(MODE_COUNT):
        share = weight[0] * change[:, m] / predicted[m]
        x = share @ mean[0]
        p = sum(share[k] * (cov[0, k] + np.outer(mean[0, k] - x, mean[0, k] - x)) for k in range(MODE_COUNT))
        f = flow_of(m, dt)
        _, q = transition(dt, NOISE_HORIZONTAL[m], NOISE_VERTICAL[m])
        np.testing.assert_allclose(new_mean[m], f @ x, atol=1e-9)
        np.testing.assert_allclose(new_cov[m], f @ p @ f.T + q, atol=1e-8)

    one, spread = unpacked(new.gauss)
    middle = new_weight[0] @ new_mean
    gap = new_mean - middle
    np.testing.assert_allclose(one[0], middle, atol=1e-9)
    np.testing.assert_allclose(
        spread[0],
        np.einsum("m,mab->ab", new_weight[0], new_cov + gap[:, :, None] * gap[:, None, :]),
        atol=1e-8,
    )


def test_a_second_detection_starts_every_mode_and_a_first_one_none():
    one = Belief(packed(np.arange(6.0)[None], 2 * np.eye(6)[None]), np.array([-1]), NO_MODES, NO_MODES[:, 0])
    still, begun = predict(one, np.array([1]), 2.0, 0), predict(one, np.array([2]), 2.0, 0)
    assert still.bank.tolist() == [-1]
    np.testing.assert_allclose(still.gauss, moved(MANOEUVRE, 2.0, one.gauss))
    rows, weight = mixtures(begun, [0])
    np.testing.assert_array_equal(weight[0], START_WEIGHT)
    for m in range(MODE_COUNT):
        np.testing.assert_allclose(rows[0, m], moved(m, 2.0, one.gauss)[0])


def test_overall_keeps_mean_and_covariance_of_the_mixture():
    mean = np.zeros((1, MODE_COUNT, 6))
    mean[0, 1, 0] = 10.0
    belief = belief_of(mean, np.tile(np.eye(6), (1, MODE_COUNT, 1, 1)), [[0.5, 0.5, 0, 0, 0, 0, 0, 0]])
    overall(belief, 1, np.empty(SPACE))
    one, spread = unpacked(belief.gauss)
    assert one[0, 0] == 5
    assert spread[0, 0, 0] == pytest.approx(1 + 25)
    assert spread[0, 1, 1] == pytest.approx(1)
