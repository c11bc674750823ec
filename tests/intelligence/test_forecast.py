"""Forecasts against hand-made answers, simulated truth and the real monthly series."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from araz.intelligence import croston, forecast, seasonal_naive, tsb
from araz.intelligence._conformal import WINDOW, interval_ends  # judged against its definition
from araz.intelligence._forecast import _crps  # each is judged against its definition
from araz.intelligence._totals import binomial_interval
from seizure_lab import SERIES, imported, series_of

FAST = ["seasonal naive", "Croston", "TSB", "NB regression"]


def test_the_simple_models_by_hand():
    assert seasonal_naive(np.arange(14.0), 3, 12).tolist() == [2, 3, 4]
    assert seasonal_naive(np.array([3.0, 5.0]), 2, 12).tolist() == [5, 5]
    # sizes 4 then 6, gaps 2 then 2: size 4 + 0.1·2, gap 2
    assert croston(np.array([0, 4.0, 0, 6.0]), 1, 12)[0] == pytest.approx(4.2 / 2)
    assert tsb(np.zeros(5), 2, 12).tolist() == [0, 0]
    chance, size = 2 / 3, 2.0
    for value in (2.0, 0.0, 4.0):
        chance += 0.2 * ((value > 0) - chance)
        size += 0.2 * (value - size) if value > 0 else 0
    assert tsb(np.array([2.0, 0, 4.0]), 1, 12)[0] == pytest.approx(chance * size)


def test_the_score_is_its_definition():
    rng = np.random.default_rng(1)
    ensemble, outcome = rng.gamma(2, 3, 40), 5.0
    pairs = np.abs(ensemble[:, None] - ensemble[None]).mean()
    assert _crps(ensemble, outcome) == pytest.approx(np.abs(ensemble - outcome).mean() - pairs / 2)


def test_intervals_cover_and_on_noise_a_mean_beats_last_year_by_what_theory_says():
    rng = np.random.default_rng(8)
    covered, judged, gains = 0.0, 0, []
    for _ in range(8):
        found = forecast(rng.negative_binomial(10, 0.2, 72), models=FAST)
        best = next(score for score in found.scores if score.model == "TSB")
        covered, judged = covered + best.coverage * best.judged, judged + best.judged
        gains.append(best.mase / next(score for score in found.scores if score.model == "seasonal naive").mase)
    assert 0.85 <= covered / judged <= 0.95
    # last year's value errs by the noise of two months, a smoothed mean (weight 0.2) by that of one and a ninth
    assert np.mean(gains) == pytest.approx(np.sqrt((1 + 0.2 / 1.8) / 2), abs=0.1)


def test_split_conformal_is_the_case_without_steps_and_weights():
    """Ends are the ⌈(n + 1) 0.95⌉-th smallest known error on each side; nothing later than the origin counts."""
    rng = np.random.default_rng(3)
    errors = rng.normal(size=(60, 2))
    low, high = interval_ends(errors, 0.9, 25, gamma=0.0, decay=1.0)
    for k in range(25, 60):
        for step in range(2):
            known = np.sort(errors[: k - step, step][-WINDOW:])
            rank = int(np.ceil((len(known) + 1) * 0.95))
            if rank <= len(known):
                assert high[k, step] == known[rank - 1]
                assert low[k, step] == known[len(known) - rank]
    assert np.isnan(high[:25]).all()
    later = errors.copy()
    later[40:] += 100
    assert interval_ends(later, 0.9, 25)[1][:41, 0].tolist() == pytest.approx(
        interval_ends(errors, 0.9, 25)[1][:41, 0].tolist(), nan_ok=True
    )


def test_a_break_is_missed_and_then_held():
    """The level falls to a quarter: nobody holds the first months, the side that was missed alone grows wide."""
    rng = np.random.default_rng(4)
    held, split = [], []
    for _ in range(10):
        errors = rng.normal(0, 0.15, (31, 3))
        for step in range(3):
            errors[19 - step :, step] -= 1.39
        for found, settings in ((held, {}), (split, {"gamma": 0.0, "decay": 1.0})):
            low, high = interval_ends(errors, 0.9, 10, **settings)
            found.append(np.mean((low <= errors)[13:] & (errors <= high)[13:]))
        first_known = 20
        assert np.all(interval_ends(errors, 0.9, 10)[0][first_known] < -1.0)
    assert np.mean(held) > 0.84
    assert np.mean(held) > np.mean(split) + 0.03


@pytest.mark.parametrize("kind", SERIES)
def test_intervals_hold_on_every_kind_of_series(kind):
    rng = np.random.default_rng(11)
    covered, judged = 0.0, 0
    for _ in range(6):
        for score in forecast(series_of(rng, kind), models=["seasonal naive", "TSB", "Croston"]).scores:
            covered, judged = covered + score.coverage * score.judged, judged + score.judged
            assert score.interval_score >= score.width > 0
    assert 0.85 <= covered / judged <= 0.95


def test_what_so_few_outcomes_tell_of_an_interval_is_told():
    """Clopper and Pearson, against scipy's; 42 of 48 agree with 90 %, 35 do not."""
    for hits in (0, 1, 35, 42, 48):
        other = stats.binomtest(hits, 48).proportion_ci(0.95, "exact")
        assert binomial_interval(hits, 48) == pytest.approx((other.low, other.high))
    found = forecast(np.random.default_rng(1).negative_binomial(10, 0.2, 60), models=["seasonal naive", "TSB"])
    for score in found.scores:
        assert score.coverage_low <= score.coverage <= score.coverage_high
        assert score.as_stated == (score.coverage_low <= 0.9 <= score.coverage_high)
    assert binomial_interval(42, 48)[0] < 0.9 < binomial_interval(42, 48)[1]
    assert binomial_interval(35, 48)[1] < 0.9


def test_a_seasonal_series_is_not_beaten_and_that_is_said():
    rng = np.random.default_rng(2)
    season = rng.gamma(2, 40, 12)
    found = forecast(np.tile(season, 6) * rng.gamma(400, 1 / 400, 72), models=["seasonal naive", "Croston", "TSB"])
    assert not found.beats_naive
    assert found.model == "seasonal naive"
    assert "no model beats seasonal naive" in found.sentence
    assert np.all((found.low <= found.mean) & (found.mean <= found.high))


def test_a_short_or_holed_series_is_refused():
    with pytest.raises(ValueError, match="at least 36"):
        forecast(np.ones(30))
    with pytest.raises(ValueError, match="mistyped year"):
        forecast(np.ones(601))
    holed = np.ones(60)
    holed[4] = np.nan
    with pytest.raises(ValueError, match="known"):
        forecast(holed)


def test_the_american_series(shelf):
    lines = imported((shelf / "data" / "drugs" / "cbp_nationwide_drugs_fy19_fy22.csv").read_bytes()).lines
    monthly = lines.filter(pl.col("substance") == "cocaine").group_by("date").agg(pl.col("events").sum()).sort("date")
    assert monthly.height == 48
    found = forecast(monthly["events"].to_numpy().astype(float), models=[*FAST[:3], "ETS"])
    assert {score.model for score in found.scores} == {*FAST[:3], "ETS", "mean of all"}
    assert all(score.judged == found.scores[0].judged > 40 for score in found.scores)
