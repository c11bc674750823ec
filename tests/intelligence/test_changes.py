"""Change points and shocks at their stated level, against simulated truth and a second library."""

import numpy as np
import pytest
import ruptures
from scipy import stats

from araz.intelligence import change_points, read_market, serial_correlation, supply_shock
from araz.intelligence._persistence import explained, splits, stretches


def wandering(rng, phi, n=48):
    """Counts whose level follows itself."""
    level = np.zeros(n)
    for t in range(1, n):
        level[t] = phi * level[t - 1] + rng.normal(0, 0.3)
    return rng.poisson(20 * np.exp(level))


@pytest.mark.parametrize("phi", [0.0, 0.7, 0.85])
def test_no_change_gives_alarms_at_the_stated_rate(phi):
    """Without persistence and with it; random order alone would call 28 % of the wandering series changed."""
    rng, trials = np.random.default_rng(5), 60
    alarms = sum(bool(change_points(wandering(rng, phi), rng=rng, replicates=79)) for _ in range(trials))
    assert alarms / trials <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / trials)


def test_a_change_is_found_in_most_cases():
    rng, trials = np.random.default_rng(6), 25
    found = 0
    for _ in range(trials):
        parts = [rng.negative_binomial(5, 0.25, 30), rng.negative_binomial(5, 0.12, 18)]
        found += any(c.low <= 30 <= c.high for c in change_points(np.concatenate(parts), rng=rng, replicates=59))
    assert found >= 15


def test_the_share_explained_is_that_of_least_squares():
    rng = np.random.default_rng(3)
    data = np.concatenate([rng.normal(0, 1, 12), rng.normal(1.0, 1, 12)])
    pairs = splits(24, 3)
    share = explained(data[None], pairs)[0]
    for (begin, end), value in zip(pairs, share, strict=True):
        inside = np.arange(24) < end
        assert begin == 0
        fitted = np.where(inside, data[inside].mean(), data[~inside].mean())
        assert value == pytest.approx(1 - ((data - fitted) ** 2).sum() / ((data - data.mean()) ** 2).sum())
    assert not len(stretches(6, 3)), "six months have no stretch between two others"


def test_two_changes_are_found_where_a_second_library_finds_them():
    rng = np.random.default_rng(9)
    values = np.concatenate([rng.poisson(10, 30), rng.poisson(25, 25), rng.poisson(8, 30)])
    found = change_points(values, rng=rng, alpha=0.01)
    other = ruptures.Dynp(model="l2", min_size=3).fit(np.sqrt(values)[:, None]).predict(2)[:-1]
    assert set(other) <= {c.at for c in found}
    assert len(found) <= 3
    assert found[0].low <= 30 <= found[0].high
    assert found[0].before == pytest.approx(10, abs=2)


def test_a_yearly_wave_is_no_change_when_the_season_is_removed():
    rng = np.random.default_rng(2)
    rate = 30 + 20 * np.sin(2 * np.pi * np.arange(60) / 12)
    assert change_points(rng.poisson(rate), rng=rng, season=12) == []
    with pytest.raises(ValueError, match="at least 6"):
        change_points(np.ones(4), rng=rng)


def test_serial_correlation_is_the_textbook_value():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=4000)
    series = stats.zscore(np.convolve(noise, [1, 0.5], "valid"))
    assert serial_correlation(series) == pytest.approx(0.4, abs=0.05)


def test_a_shock_passes_through_at_its_lag_and_chance_does_not():
    rng = np.random.default_rng(6)
    made = dict(zip(range(1990, 2012), np.exp(np.cumsum(rng.normal(0, 0.4, 22))), strict=True))
    caught = {year + 1: value * np.exp(rng.normal(0, 0.1)) for year, value in made.items()}
    found = supply_shock(made, caught, rng=rng, replicates=199)
    assert found.best.years == 1
    assert found.p_value < 0.02
    alarms = 0
    for _ in range(60):
        other = dict(zip(made, np.exp(np.cumsum(rng.normal(0, 0.4, 22))), strict=True))
        alarms += supply_shock(made, other, rng=rng, replicates=99).p_value <= 0.05
    assert alarms <= 9


def test_the_short_real_series_is_refused():
    found = supply_shock(
        {2022: 6200, 2023: 333, 2024: 433}, {2022: 1963, 2023: 1887, 2024: 524}, rng=np.random.default_rng(0)
    )
    assert found.best is None
    assert "eight" in found.refused


@pytest.mark.parametrize(
    ("seized", "price", "verdict"),
    [
        (0.2, -0.1, "more traffic"),
        (0.2, 0.15, "better enforcement"),
        (-0.2, 0.1, "less traffic"),
        (0.0, -0.1, "no reading"),
    ],
)
def test_price_and_purity_are_read_with_seizures(seized, price, verdict):
    years = range(2000, 2012)
    rng = np.random.default_rng(3)
    caught = {y: np.exp(seized * (y - 2000) + rng.normal(0, 0.05)) for y in years}
    cost = {y: np.exp(price * (y - 2000) + rng.normal(0, 0.02)) for y in years}
    found = read_market(caught, cost)
    assert found.verdict == verdict
    pure = read_market(caught, cost, {y: 50 * np.exp(price * (y - 2000)) / 4 for y in years})
    assert abs(pure.price.percent_per_year) < 1
    with pytest.raises(ValueError, match="five"):
        read_market({2000: 1.0}, cost)
