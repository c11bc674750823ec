"""Estimators against other programs for the same question: scipy, statsmodels, pandas, statsforecast and plain loops.

statsforecast is heavy and runs in an environment of its own.
"""

import json
import math
import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.stats.rates import confint_poisson
from statsmodels.tsa.stattools import acf

from araz.intelligence import (
    compare_shares,
    compose,
    croston,
    effort_rates,
    fit_self_exciting,
    monthly_series,
    read_market,
    seasonal_naive,
    serial_correlation,
    shift_of_mix,
    space_time_scan,
    supply_shock,
    tsb,
)
from araz.intelligence._near_repeat import _em  # its likelihood is maximised anew
from seizure_lab import NAMES, day, lines, loads


def test_the_interval_of_a_share_of_many_loads_is_scipys_bootstrap():
    rng = np.random.default_rng(2)
    matrix = loads(rng, 400)
    found = compose(matrix, NAMES, rng=rng, replicates=2000).kg_shares["heroin"]
    other = stats.bootstrap(
        (matrix[:, 0], matrix.sum(axis=1)), lambda one, all_of, axis: one.sum(axis=axis) / all_of.sum(axis=axis),
        paired=True, vectorized=True, n_resamples=2000, method="percentile", rng=rng,
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.02)


def test_the_p_value_of_two_mixes_is_that_of_scipys_permutations():
    rng = np.random.default_rng(3)
    before, after = loads(rng, 25), loads(rng, 25, (0.3, 0.5, 0.2))
    found = compare_shares(before, after, NAMES, rng=rng, replicates=1999)

    def apart(x, y):
        one, other = np.concatenate([before, after])[x.astype(int)], np.concatenate([before, after])[y.astype(int)]
        return 0.5 * np.abs(one.sum(axis=0) / one.sum() - other.sum(axis=0) / other.sum()).sum()

    other = stats.permutation_test(
        (np.arange(25), np.arange(25, 50)), apart, n_resamples=1999, alternative="greater", rng=rng
    )
    assert found.distance == pytest.approx(other.statistic)
    assert found.p_value == pytest.approx(other.pvalue, abs=3 * math.sqrt(0.5 / 1999))


def test_a_moved_mode_is_judged_as_by_the_chi_square_test():
    """Single events in blocks of one: both test the same table."""
    rng = np.random.default_rng(5)
    after = np.repeat([False, True], 60).tolist()
    for turn in (0.5, 0.62, 0.75):
        mode = ["foot" if rng.random() < (turn if late else 0.5) else "drone" for late in after]
        table = pd.crosstab(pd.Series(after), pd.Series(mode))
        found = shift_of_mix("mode", mode, after, rng=rng, replicates=1999)
        assert found.p_value == pytest.approx(stats.fisher_exact(table).pvalue, abs=0.06)


def test_serial_correlation_is_statsmodels():
    values = np.random.default_rng(1).gamma(2, 3, 50).cumsum()
    assert serial_correlation(values) == pytest.approx(acf(values, nlags=1, fft=False)[1])


def test_the_correlation_at_each_lag_is_pearsons():
    rng = np.random.default_rng(4)
    made = {year: float(rng.gamma(3)) for year in range(1995, 2014)}
    caught = {year: float(rng.gamma(3)) for year in range(1997, 2016)}
    one, other = (np.log(pd.Series(series)).diff().dropna() for series in (made, caught))
    for lag in supply_shock(made, caught, rng=rng, replicates=9).lags:
        both = pd.concat([one.rename(lambda year, lag=lag: year + lag.years), other], axis=1).dropna()
        assert lag.pairs == len(both)
        assert lag.correlation == pytest.approx(stats.pearsonr(both[0], both[1]).statistic)


def test_the_slope_of_a_market_is_the_middle_of_all_pairs():
    rng = np.random.default_rng(6)
    caught = {year: float(rng.gamma(3)) for year in range(2000, 2011)}
    pairs = [(math.log(caught[b]) - math.log(caught[a])) / (b - a) for a in caught for b in caught if b > a]
    found = read_market(caught, dict.fromkeys(caught, 1.0)).seizures
    assert found.percent_per_year == pytest.approx(100 * math.expm1(float(np.median(pairs))))


def test_a_series_by_month_is_pandas_resampled():
    rng = np.random.default_rng(7)
    days, kilos = [day(d) for d in rng.integers(0, 700, 80)], rng.gamma(1, 5, 80)
    frame = pd.DataFrame({"kg": kilos}, index=pd.to_datetime(days)).resample("MS")
    months, values = monthly_series(lines(days, ["heroin"] * 80, kilos), "heroin", "kg")
    assert values == pytest.approx(frame["kg"].sum().to_numpy())
    assert months == [one.date() for one in frame["kg"].sum().index]
    assert (
        monthly_series(lines(days, ["heroin"] * 80, kilos), None, "loads")[1].tolist() == frame["kg"].count().tolist()
    )


def test_rates_per_effort_are_statsmodels_exact_ones():
    for events, hours in ((0, 10.0), (4, 20.0), (37, 500.0)):
        found = effort_rates(np.array([events]), np.array([hours]))[0]
        other = confint_poisson(events, hours, method="exact-c")
        assert (found.low, found.high) == pytest.approx(tuple(np.nan_to_num(other)), abs=1e-9)


def test_the_strongest_cluster_is_that_of_plain_loops():
    rng = np.random.default_rng(9)
    cell, period = rng.integers(0, 6, 50), rng.integers(0, 8, 50)
    cell[:9], period[:9] = 2, rng.integers(3, 5, 9)
    table = np.zeros((6, 8))
    np.add.at(table, (cell, period), 1)
    best, place = 0.0, None
    for a in range(6):
        for b in range(a, min(6, a + 3)):
            for c in range(8):
                for d in range(c, min(8, c + 4)):
                    seen = table[a : b + 1, c : d + 1].sum()
                    mu = table[a : b + 1].sum() * table[:, c : d + 1].sum() / 50
                    if seen > max(mu, 1):
                        ratio = seen * math.log(seen / mu)
                        ratio += (50 - seen) * math.log((50 - seen) / (50 - mu)) if seen < 50 else 0
                        if ratio > best:
                            best, place = ratio, (a, b, c, d, int(seen), mu)
    found = space_time_scan(cell.astype(float), period.astype(float), 6, 8, rng=rng, permutations=9)
    assert found[:5] == place[:5]
    assert found.expected == pytest.approx(place[5])


def test_the_self_exciting_fit_is_the_maximum_of_its_likelihood():
    """A general optimiser from where the fit stopped finds next to nothing better."""
    rng = np.random.default_rng(10)
    x, t = rng.uniform(0, 100, 60), rng.uniform(0, 300, 60)
    follows = rng.random(60) < 0.5
    x = np.clip(np.concatenate([x, x[follows] + rng.normal(0, 1, follows.sum())]), 0, 100)
    t = np.concatenate([t, t[follows] + rng.exponential(4, follows.sum())])
    order = np.argsort(t)
    x, t, duration = x[order], t[order], float(np.ptp(t)) + 1
    n, width = len(x), max(5.0, 1.06 * float(x.std()) * len(x) ** -0.2)
    density = np.array([
        0.1 / 100 + 0.9 * sum(stats.norm.pdf(x[i] - x[j], 0, width) for j in range(n) if j != i) / (n - 1)
        for i in range(n)
    ])  # fmt: skip
    theta, tau, sigma, reached = _em(x, t, 100.0, duration)

    def minus(parts):
        mu, branching, decay, spread = np.exp(parts)
        rate = mu * density
        for i in range(n):
            gap = t[i] - t[:i]
            rate[i] += (branching / decay * np.exp(-gap / decay) * stats.norm.pdf(x[i] - x[:i], 0, spread)).sum()
        return -(np.log(rate).sum() - mu * duration - branching * n)

    start = np.log([(1 - theta) * n / duration, theta, tau, sigma])
    best = optimize.minimize(minus, start, method="Nelder-Mead", options={"maxiter": 250})
    assert -best.fun - reached < 0.05
    assert np.exp(best.x[1:]) == pytest.approx([theta, tau, sigma], rel=0.15)
    assert fit_self_exciting(x, t, 100.0, duration, rng=rng, permutations=1).branching == pytest.approx(theta)


PEERS = """
import json, sys
import numpy as np
from statsforecast.models import CrostonClassic, SeasonalNaive, TSB

series, told = json.load(sys.stdin), {}
for name, model in (("croston", CrostonClassic()), ("tsb", TSB(alpha_d=0.2, alpha_p=0.2)),
                    ("naive", SeasonalNaive(season_length=12))):
    told[name] = [model.forecast(y=np.array(values), h=3)["mean"].tolist() for values in series]
print(json.dumps(told))
"""


def test_the_simple_forecasts_are_those_of_another_library(oracle_python):
    rng = np.random.default_rng(11)
    series = [(rng.gamma(2, 5, 60) * (rng.random(60) < share)).tolist() for share in (0.2, 0.5, 1.0)]
    done = subprocess.run(
        [oracle_python("statsforecast", "statsforecast"), "-W", "ignore", "-c", PEERS],
        input=json.dumps(series), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    for name, mine in (("croston", croston), ("tsb", tsb), ("naive", seasonal_naive)):
        for values, other in zip(series, told[name], strict=True):
            # TSB's chance begins elsewhere there, which after 60 months weighs 0.8^60
            assert mine(np.array(values), 3, 12) == pytest.approx(other, rel=2e-5), name
