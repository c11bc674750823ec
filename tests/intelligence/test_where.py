"""Where and when, against brute force, known constants, simulated truth and stated levels."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from araz.intelligence import (
    border_density,
    effort_rates,
    fit_self_exciting,
    near_repeat,
    space_time_scan,
)
from araz.intelligence._where import _band  # its reduction to equal weights is judged


def test_pairs_are_those_of_brute_force_to_the_edge_of_each_band():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 12, (2, 120)) * 100.0
    t = rng.integers(0, 60, 120).astype(float)
    space, time = np.array([0, 0.1, 200, 400, 600.0]), np.array([0, 7, 14, 21.0])
    found = near_repeat(x, y, t, space, time, rng=rng, permutations=19)
    table = np.zeros((4, 3), int)
    for i in range(120):
        for j in range(i):
            d, gap = np.hypot(x[i] - x[j], y[i] - y[j]), abs(t[i] - t[j])
            row = next((k for k in range(4) if (space[k] < d or (k == 0 and d == 0)) and d <= space[k + 1]), None)
            column = next(
                (k for k in range(3) if (time[k] < gap or (k == 0 and gap == 0)) and gap <= time[k + 1]), None
            )
            if row is not None and column is not None:
                table[row, column] += 1
    assert found.observed.tolist() == table.tolist()
    open_above = near_repeat(x, y, t, space, time, rng=rng, permutations=1, times_open_above=True).observed
    assert open_above.sum() <= table.sum()
    with pytest.raises(ValueError, match="rise"):
        near_repeat(x, y, t, space[::-1], time, rng=rng)


def test_the_published_counts_of_burkitts_lymphoma():
    """188 cases, West Nile 1961-75, within 20 units and 5 days, as the package pointpats publishes them.

    All four counts exactly; the expected ones are products of margins, the mean of permutations up to its error.
    """
    rows = np.loadtxt(Path(__file__).with_name("burkitt.csv"), delimiter=",", skiprows=1)
    space, time = np.array([0, 20, 1e6]), np.array([0, 5, 1e6])
    found = near_repeat(*rows.T, space, time, rng=np.random.default_rng(1), permutations=999)
    assert found.observed.tolist() == [[13, 3416], [39, 14110]]
    expected = np.array([[10.143, 3418.857], [41.857, 14107.143]])
    assert found.observed / found.mean_ratio == pytest.approx(expected, rel=0.03)
    assert found.p_value[0, 0] == pytest.approx(0.21, abs=0.06)


def test_near_repeats_at_their_level_and_when_they_are_there():
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(100):
        x, t = rng.uniform(0, 5000, 80), rng.uniform(0, 300, 80)
        alarms += near_repeat(x, x * 0, t, np.array([0, 300.0]), np.array([0, 7.0]), rng=rng).p_value[0, 0] <= 0.05
    assert alarms <= 12
    x, t = np.concatenate([x, x[:30] + 50]), np.concatenate([t, t[:30] + 2])
    assert near_repeat(x, x * 0, t, np.array([0, 300.0]), np.array([0, 7.0]), rng=rng).p_value[0, 0] == 0.01


def test_a_self_exciting_process_is_told_from_a_poisson_one():
    rng = np.random.default_rng(2)
    x, t = list(rng.uniform(0, 100, 90)), list(rng.uniform(0, 365, 90))
    alarms = sum(
        fit_self_exciting(rng.uniform(0, 100, 60), rng.uniform(0, 365, 60), 100, 365, rng=rng, permutations=19).p_value
        <= 0.05
        for _ in range(12)
    )
    assert alarms <= 2
    for place, when in zip(list(x), list(t), strict=True):
        if rng.random() < 0.5:
            x.append(float(np.clip(place + rng.normal(0, 1), 0, 100)))
            t.append(when + rng.exponential(4))
    found = fit_self_exciting(np.array(x), np.array(t), 100, 375, rng=rng, permutations=19)
    assert found.p_value == 0.05
    assert 0.1 < found.branching < 0.6
    assert found.decay_days == pytest.approx(4, rel=0.7)


def test_the_density_holds_all_its_mass_and_is_blank_without_effort():
    rng = np.random.default_rng(1)
    places = np.concatenate([rng.normal(20, 3, 60), rng.uniform(0, 100, 40)])
    places = np.clip(places, 0, 100)
    found = border_density(places, 100, bandwidth_km=4, points=1001)
    assert np.trapezoid(found.per_km, found.at_km) == pytest.approx(100, rel=1e-3)
    free = stats.gaussian_kde(places, bw_method=4 / places.std(ddof=1))
    assert found.per_km[500] == pytest.approx(100 * free(50.0)[0], rel=1e-3)
    assert "says nothing of where they cross" in found.label
    with_effort = border_density(places, 100, effort_km=np.array([10.0, 20, 30]), effort=np.array([5.0, 80, 5]))
    assert np.isnan(with_effort.per_effort[-1])
    assert np.isfinite(with_effort.per_effort[40])


def test_the_band_of_the_density_holds_the_truth_where_few_were_caught_too():
    """Pointwise coverage over all of a border with a busy and an empty end; with equal weights it is Garwood's."""
    rng, held, quiet = np.random.default_rng(4), [], []
    for _ in range(60):
        found = border_density(rng.beta(2, 4, rng.poisson(120)) * 100, 100.0, bandwidth_km=4)
        inside = slice(10, 190)  # the mirror at 0 km is not made for a density that is nothing there
        truth = 120 * stats.beta.pdf(found.at_km / 100, 2, 4)[inside] / 100
        hold = (found.low[inside] <= truth) & (truth <= found.high[inside])
        held.append(hold.mean())
        quiet.append(hold[truth < 0.4].mean())
    assert 0.93 <= np.mean(held) <= 0.99
    assert np.mean(quiet) >= 0.93
    low, high = _band(np.ones((7, 1)), 1.0, 0.95)
    garwood = effort_rates(np.array([7]), np.array([1.0]))[0]
    assert (low[0], high[0]) == pytest.approx((garwood.low, garwood.high))
    assert _band(np.zeros((3, 1)), 1.0, 0.95)[1][0] == pytest.approx(-np.log(0.025))


def test_rates_per_effort_are_exact_and_unknown_without_effort():
    none, some, blind = effort_rates(np.array([0, 4, 3]), np.array([10.0, 20, 0]))
    assert (none.low, none.high) == (0.0, pytest.approx(-np.log(0.025) / 10))
    assert stats.poisson.sf(3, some.low * 20) == pytest.approx(0.025)
    assert stats.poisson.cdf(4, some.high * 20) == pytest.approx(0.025)
    assert np.isnan(blind.rate)


def test_the_scan_finds_its_cluster_and_keeps_its_level():
    rng = np.random.default_rng(8)
    weights = rng.dirichlet(np.ones(12))
    alarms = 0
    for _ in range(40):
        cell, day = rng.choice(12, 90, p=weights), rng.integers(0, 20, 90)
        alarms += space_time_scan(cell, day, 12, 20, rng=rng, permutations=39).p_value <= 0.05
    assert alarms <= 7
    cell, day = np.concatenate([cell, rng.integers(4, 6, 25)]), np.concatenate([day, rng.integers(8, 11, 25)])
    found = space_time_scan(cell, day, 12, 20, rng=rng, permutations=99)
    assert found.p_value == 0.01
    assert found.first_cell in {3, 4}
    assert 7 <= found.first_period <= found.last_period <= 11
