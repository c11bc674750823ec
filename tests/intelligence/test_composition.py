"""Shares, their intervals and their test, against simulated truth and scipy."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy import stats

from araz.intelligence import compare_shares, compose, composition_by_period, fit_dirichlet_multinomial
from araz.intelligence._composition import _error_by_all_loads  # held against its closed form
from seizure_lab import NAMES, day, lines, loads


def test_the_interval_of_a_share_covers_the_truth():
    rng = np.random.default_rng(11)
    hits, trials = 0, 250
    for _ in range(trials):
        found = compose(loads(rng, 120), NAMES, rng=rng, replicates=300)
        hits += found.kg_shares["heroin"].low <= 0.5 <= found.kg_shares["heroin"].high
    assert 0.88 <= hits / trials <= 0.98


@pytest.mark.parametrize("heavy", [False, True])
def test_few_seizures_are_given_the_doubt_of_few(heavy):
    """A bootstrap alone holds the truth in 87 of 100 such cases."""
    rng = np.random.default_rng(12)
    hits, trials = dict.fromkeys((5, 10, 20), 0), 250
    for _ in range(trials):
        for n in hits:
            matrix = loads(rng, n)
            if heavy:
                matrix = (matrix > 0) * rng.lognormal(2, 1.5, (n, 1))
            share = compose(matrix, NAMES, rng=rng, replicates=150).kg_shares["heroin"]
            hits[n] += share.low <= 0.5 <= share.high
    assert min(hits.values()) / trials >= 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / trials)


def test_a_small_share_of_many_uneven_loads_borrows_the_tail_of_all():
    """Of twenty loads of 250 the rare heavy one is mostly not among them: without the others' tail 88 of 100 hold."""
    rng = np.random.default_rng(14)
    hits, wide, trials = 0, 0.0, 250
    for _ in range(trials):
        matrix = np.eye(3)[rng.choice(3, 250, p=(0.5, 0.42, 0.08))] * rng.lognormal(2, 1.5, (250, 1))
        share = compose(matrix, NAMES, rng=rng, replicates=100).kg_shares[NAMES[2]]
        hits += share.low <= 0.08 <= share.high
        wide += share.high - share.low
    assert hits / trials >= 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / trials)
    assert wide / trials < 0.25


def test_loads_as_uneven_as_all_others_are_given_no_more_error_than_their_own():
    """Closed form: equal loads of two substances, Var(logit p) = 1/a + 1/b."""
    matrix = np.repeat(np.eye(2), (30, 70), axis=0) * np.array([5.0, 2.0])
    said = _error_by_all_loads(matrix, np.array([30, 70]))
    assert said == pytest.approx([np.sqrt(1 / 30 + 1 / 70)] * 2)


def test_one_small_load_among_eleven_may_have_been_a_large_one():
    """Seen once, weighing next to nothing: its share of kilograms is not known to be nothing."""
    matrix = np.full((11, 2), [10.0, 0.0])
    matrix[0, 1] = 0.03
    found = compose(matrix, NAMES[:2], rng=np.random.default_rng(1))
    once = stats.binomtest(1, 11).proportion_ci(0.95, "exact")
    assert found.kg_shares[NAMES[1]].high == pytest.approx(once.high)


def test_what_was_not_seen_is_not_said_to_be_absent():
    rng = np.random.default_rng(13)
    matrix = np.column_stack([np.full(20, 3.0), np.zeros(20), np.zeros(20)])
    found = compose(matrix, NAMES, rng=rng)
    exact = stats.binomtest(0, 20).proportion_ci(0.95, "exact")
    for shares in (found.count_shares, found.kg_shares):
        unseen, only = shares[NAMES[1]], shares[NAMES[0]]
        assert (unseen.estimate, unseen.low) == (0.0, 0.0)
        assert unseen.high == pytest.approx(exact.high)
        assert (only.low, only.high) == pytest.approx((1 - exact.high, 1.0))


def test_one_large_load_does_not_decide():
    rng = np.random.default_rng(2)
    matrix = np.tile([[0.0, 5.0, 0.0]], (40, 1))
    matrix[0] = [500.0, 0, 0]
    found = compose(matrix, NAMES, rng=rng)
    assert found.kg_shares["heroin"].estimate > 0.7
    assert found.kg_shares["heroin"].low < 0.05
    assert found.largest_share > 0.7


def test_the_test_of_shares_fires_at_its_level_and_has_power():
    rng = np.random.default_rng(4)
    trials, alarms, found = 120, 0, 0
    for _ in range(trials):
        alarms += compare_shares(loads(rng, 40), loads(rng, 40), NAMES, rng=rng, replicates=99).p_value <= 0.05
        late = loads(rng, 40, (0.1, 0.7, 0.2))
        found += compare_shares(loads(rng, 40), late, NAMES, rng=rng, replicates=99).p_value <= 0.05
    assert alarms / trials <= 0.12
    assert found / trials >= 0.6
    with pytest.raises(ValueError, match="five"):
        compare_shares(loads(rng, 4), loads(rng, 40), NAMES, rng=rng)


def test_periods_hold_only_single_seizures_in_kilograms():
    rng = np.random.default_rng(1)
    frame = lines([day(i) for i in range(0, 720, 10)], ["heroin", "opium"] * 36, [1.0, 3.0] * 36)
    sums = lines([day(5)] * 5, ["heroin"] * 3 + ["total"] * 2, [900.0] * 5, [f"t{i}" for i in range(5)]).with_columns(
        pl.Series("date_precision", ["period", "month", "year", "day", "day"]), events=pl.lit(40, dtype=pl.Int64)
    )
    tablets = lines([day(6)], ["heroin"], [900.0], ["p"]).with_columns(base_unit=pl.lit("tablet"))
    frame = pl.concat([frame, sums, tablets])
    found = composition_by_period(frame, rng=rng)
    years = [(dt.date(year, 1, 1), dt.date(year, 12, 31)) for year in (2015, 2016)]
    assert [(item.first, item.last) for item in found] == years
    assert [(item.seizures, item.kilograms) for item in found] == [(37, 73.0), (35, 71.0)]
    assert found[0].kg_shares["opium"].estimate == pytest.approx(0.75, abs=0.02)
    assert found[0].count_shares["opium"].estimate == pytest.approx(0.5, abs=0.02)


def test_dirichlet_multinomial_agrees_with_scipy_and_finds_its_truth():
    rng = np.random.default_rng(8)
    alpha = 6 * np.array([0.5, 0.3, 0.2])
    counts = np.array([rng.multinomial(60, rng.dirichlet(alpha)) for _ in range(80)], float)
    found = fit_dirichlet_multinomial(counts)
    log_likelihood = sum(
        stats.dirichlet_multinomial.logpmf(row.astype(int), found.concentration * found.shares, 60) for row in counts
    )
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-6)
    truth = sum(stats.dirichlet_multinomial.logpmf(row.astype(int), alpha, 60) for row in counts)
    assert found.log_likelihood >= truth - 1e-6
    assert 4 < found.concentration < 9
    assert found.p_value < 1e-6
    plain = np.array([rng.multinomial(60, [0.5, 0.3, 0.2]) for _ in range(30)], float)
    assert fit_dirichlet_multinomial(plain).p_value > 0.01
