"""Ellipses against Monte Carlo and chi-square; circles and polygons against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from araz.geography import ellipse_from_covariance, inside_circle, inside_ellipse, inside_polygon


@settings(max_examples=30)
@given(
    st.floats(0.5, 500),
    st.floats(0.5, 500),
    st.floats(-0.99, 0.99),
    st.sampled_from([0.5, 0.9, 0.95]),
    st.integers(0, 99),
)
def test_the_ellipse_holds_what_it_says(sigma_east, sigma_north, correlation, probability, seed):
    off = correlation * sigma_east * sigma_north
    covariance = np.array([[sigma_east**2, off], [off, sigma_north**2]])
    major, minor, azimuth = ellipse_from_covariance(covariance, probability)
    sample = np.random.default_rng(seed).multivariate_normal([7.0, -3.0], covariance, 20_000)
    share = inside_ellipse(sample, [7.0, -3.0], major, minor, azimuth).mean()
    assert share == pytest.approx(probability, abs=5 * math.sqrt(probability * (1 - probability) / 20_000))
    assert major >= minor >= 0
    assert 0 <= azimuth < 180


def test_axes_are_the_chi_square_quantile_and_azimuth_turns_from_north():
    scale = math.sqrt(chi2.ppf(0.9, 2))
    major, minor, azimuth = ellipse_from_covariance(np.diag([9.0, 4.0]), 0.9)
    assert (major, minor, azimuth) == (pytest.approx(3 * scale), pytest.approx(2 * scale), pytest.approx(90.0))
    assert ellipse_from_covariance(np.diag([4.0, 9.0]), 0.9)[2] % 180 == pytest.approx(0.0, abs=1e-9)
    assert ellipse_from_covariance([[5.0, 4.0], [4.0, 5.0]], 0.9)[2] == pytest.approx(45.0)
    assert ellipse_from_covariance([[5.0, -4.0], [-4.0, 5.0]], 0.9)[2] == pytest.approx(135.0)


def test_what_is_no_covariance_or_no_probability_is_refused():
    with pytest.raises(ValueError, match="negative eigenvalue"):
        ellipse_from_covariance([[1.0, 2.0], [2.0, 1.0]], 0.5)
    with pytest.raises(ValueError, match="finite"):
        ellipse_from_covariance([[np.nan, 0.0], [0.0, 1.0]], 0.5)
    for probability in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            ellipse_from_covariance(np.eye(2), probability)


def test_circle_and_polygon():
    at = np.array([[0.0, 0.0, 99.0], [3.0, 4.0, 0.0], [3.1, 4.0, 0.0]])
    assert inside_circle(at, [0.0, 0.0], 5.0).tolist() == [True, True, False]
    assert inside_polygon(at, [[-1, -1], [3.05, -1], [3.05, 9], [-1, 9]]).tolist() == [True, True, False]
    assert inside_ellipse([[0.0, 10.0], [10.0, 0.0]], [0.0, 0.0], 10.0, 2.0, 0.0).tolist() == [True, False]
