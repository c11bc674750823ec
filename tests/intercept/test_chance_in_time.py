"""The race's chance against scipy's lognormal and against Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import lognorm

from araz.intercept import Assumptions, probability_in_time

USUAL = Assumptions()


@settings(max_examples=40)
@given(st.floats(0, 3000), st.floats(0, 400), st.floats(-1000, 2000), st.integers(0, 1000))
def test_equals_monte_carlo(arrival_s, sigma_s, load_s, seed):
    rng = np.random.default_rng(seed)
    arrival = rng.normal(arrival_s, sigma_s, 40_000)
    leaves = load_s + rng.lognormal(np.log(USUAL.crew_dwell_median_s), USUAL.crew_dwell_log_sigma, 40_000)
    assert probability_in_time(arrival_s, sigma_s, load_s, USUAL) == pytest.approx((arrival < leaves).mean(), abs=0.02)


@given(st.floats(0.1, 5000))
def test_with_a_certain_arrival_it_is_the_lognormals_tail(arrival_s):
    tail = lognorm.sf(arrival_s, USUAL.crew_dwell_log_sigma, scale=USUAL.crew_dwell_median_s)
    assert probability_in_time(arrival_s, 0.0, 0.0, USUAL) == pytest.approx(tail, abs=1e-12)


@given(st.floats(0, 3000), st.floats(0, 300), st.floats(-500, 1000), st.floats(0, 1000))
def test_later_is_never_better(arrival_s, sigma_s, load_s, delay_s):
    early = probability_in_time(arrival_s, sigma_s, load_s, USUAL)
    late = probability_in_time(arrival_s + delay_s, sigma_s, load_s, USUAL)
    assert 0.0 <= late <= early + 1e-9
    assert early <= 1.0


def test_assumptions_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="above 0"):
        Assumptions(crew_dwell_median_s=0.0)
    with pytest.raises(ValueError, match="not negative"):
        Assumptions(travel_spread=-0.1)
