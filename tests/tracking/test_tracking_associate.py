"""Belief propagation against every joint association, one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_lab import marginals


def brute_force(odds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Marginals of all one-to-one associations of the dense table [N, K] of weights."""
    n, k = odds.shape
    taken, total = np.zeros((n, k)), 0.0
    for choice in itertools.product(range(-1, k), repeat=n):
        used = [j for j in choice if j >= 0]
        if len(used) != len(set(used)):
            continue
        weight = np.prod([odds[i, j] for i, j in enumerate(choice) if j >= 0])
        total += weight
        for i, j in enumerate(choice):
            if j >= 0:
                taken[i, j] += weight
    taken /= total
    return taken, 1 - taken.sum(1), 1 - taken.sum(0)


def by_messages(odds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    track, detection = np.nonzero(odds)
    taken, missed, free = marginals(*odds.shape, track, detection, odds[track, detection])
    dense = np.zeros(odds.shape)
    dense[track, detection] = taken
    return dense, missed, free


weights = st.floats(-6, 8).map(np.exp)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(weights, min_size=n, max_size=n)), st.booleans())
def test_exact_for_one_track_or_one_detection(values, one_track):
    odds = np.array(values)[None, :] if one_track else np.array(values)[:, None]
    for ours, exact in zip(by_messages(odds), brute_force(odds), strict=True):
        np.testing.assert_allclose(ours, exact, atol=1e-6)


@given(st.lists(weights, min_size=7, max_size=7))
def test_exact_on_a_chain(values):
    """Each track shares one detection with the next: no loops, so the messages are exact."""
    odds = np.zeros((4, 5))
    for n, (i, j) in enumerate([(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)]):
        odds[i, j] = values[n]
    for ours, exact in zip(by_messages(odds), brute_force(odds), strict=True):
        np.testing.assert_allclose(ours, exact, atol=1e-5)


@given(st.integers(2, 4), st.integers(2, 4), st.data())
def test_close_to_exact_with_loops_and_always_a_distribution(n, k, data):
    odds = np.array([[data.draw(st.one_of(st.just(0.0), weights)) for _ in range(k)] for _ in range(n)])
    taken, missed, free = by_messages(odds)
    exact, _, _ = brute_force(odds)
    np.testing.assert_allclose(taken.sum(1) + missed, 1, atol=1e-6)
    assert (taken.sum(0) <= 1 + 1e-3).all()
    assert ((free >= 0) & (free <= 1)).all()
    # The worst of 25,000 random tables: every weight at an end of its range, small and dense.
    assert np.abs(taken - exact).max() < 0.45


def test_errors_are_small_on_average():
    """Williams & Lau find errors of a few per cent; weights even in their logarithm, a fifth of them zero."""
    rng, errors = np.random.default_rng(4), []
    for _ in range(400):
        shape = tuple(rng.integers(2, 5, 2))
        odds = np.exp(rng.uniform(-6, 8, shape)) * (rng.random(shape) > 0.2)
        errors.append(np.abs(by_messages(odds)[0] - brute_force(odds)[0]).mean())
    assert np.mean(errors) < 0.01
    assert np.quantile(errors, 0.95) < 0.03


def test_certainty_is_kept():
    odds = np.array([[1e12, 1e-3], [1e-3, 1e12]])
    taken, _, _ = by_messages(odds)
    np.testing.assert_allclose(taken, np.eye(2), atol=1e-6)


def test_two_equal_targets_share_two_equal_detections():
    taken, missed, _ = by_messages(np.full((2, 2), 1e4))
    np.testing.assert_allclose(taken, 0.5, atol=0.02)
    assert missed == pytest.approx(np.zeros(2), abs=0.02)


def test_nothing_to_associate():
    empty = np.zeros(0, np.int64)
    taken, missed, free = marginals(2, 3, empty, empty, np.zeros(0))
    assert len(taken) == 0
    np.testing.assert_array_equal(missed, 1)
    np.testing.assert_array_equal(free, 1)
