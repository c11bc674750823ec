"""Where a series of counts or kilograms changed level, at a stated rate of false alarms; and what moved with supply."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import stats

from araz.intelligence._persistence import explained, persistent_p_value, splits, stretches
from araz.vocabulary import FloatArray


class ChangePoint(NamedTuple):
    """A change of level."""

    at: int
    """Index of the first period of the new level."""
    low: int
    high: int
    """Indices it may lie between: the positions within two log-likelihood units of it, its neighbours held fixed."""
    p_value: float
    before: float
    after: float


def change_points(values: FloatArray, *, alpha: float = 0.05, rng: np.random.Generator, replicates: int = 499,
                  shortest: int = 3, season: int | None = None) -> list[ChangePoint]:  # fmt: skip
    """Find changes of level by splitting, each split tested against series that persist as this one does.

    Two models of the values' square roots: one split, and a stretch with a level of its own. Statistic: the share of
    variance the best of each explains. Null: the model's residuals, prewhitened by an AR(1), in random order, coloured
    again, with the coefficient drawn from what the residuals' own correlation leaves possible (``_persistence``); so a
    series without change or trend gives any alarm with probability about alpha, also when its values follow each other.
    p is twice the smaller of the two. Each further split is tested at half the level of the one before.
    ``season`` (12 for months) removes month means first, where there are at least three seasons.
    The price is power: in short series, and where levels rise in steps, a change may pass for persistence.
    """
    data = np.sqrt(np.maximum(np.asarray(values, float), 0.0))
    if len(data) < 2 * shortest or np.any(~np.isfinite(data)):
        raise ValueError(
            f"{len(data)} periods, of which {int(np.sum(~np.isfinite(data)))} unknown: a "
            f"change needs at least {2 * shortest} known ones"
        )
    if season is not None and len(data) >= 3 * season:
        means = np.array([data[k::season].mean() for k in range(season)])
        data = data - means[np.arange(len(data)) % season]
    found: list[ChangePoint] = []
    _split(data, 0, np.asarray(values, float), found, alpha, rng, replicates, shortest)
    return sorted(found)


def _split(data: FloatArray, offset: int, values: FloatArray, found: list[ChangePoint], alpha: float,
           rng: np.random.Generator, replicates: int, shortest: int) -> None:  # fmt: skip
    n = len(data)
    if n < 2 * shortest or np.ptp(data) == 0:
        return
    p_value, edges = _best_model(data, rng, replicates, shortest)
    if p_value > alpha:
        return
    bounds = [0, *edges, n]
    for number, at in enumerate(edges, 1):
        left, right = bounds[number - 1], bounds[number + 1]
        low, high = _range_of(data, left, at, right, shortest)
        before, after = values[offset + left : offset + at], values[offset + at : offset + right]
        found.append(
            ChangePoint(offset + at, offset + low, offset + high, p_value, float(before.mean()), float(after.mean()))
        )
    for left, right in pairwise(bounds):
        _split(data[left:right], offset + left, values, found, alpha / 2, rng, replicates, shortest)


def _best_model(
    data: FloatArray, rng: np.random.Generator, replicates: int, shortest: int
) -> tuple[float, tuple[int, ...]]:
    """Twice the smaller p of the two models, and where the level changes in the model with that p."""
    tried = [persistent_p_value(data, pairs, rng, replicates) for pairs in (splits(len(data), shortest),
             stretches(len(data), shortest)) if len(pairs)]  # fmt: skip
    p_value, (begin, end) = min(tried)
    return min(1.0, len(tried) * p_value), (end,) if begin == 0 else (begin, end)


def _range_of(data: FloatArray, left: int, at: int, right: int, shortest: int) -> tuple[int, int]:
    """First and last place of the change at ``at`` within two log-likelihood units of the best between its bounds."""
    part = data[left:right]
    pairs = splits(len(part), shortest)
    fit = -len(part) / 2 * np.log1p(-np.minimum(explained(part[None], pairs)[0], 1 - 1e-12))
    near = left + pairs[fit >= fit[pairs[:, 1] == at - left].max(initial=-np.inf) - 2, 1]
    return (int(near.min()), int(near.max())) if len(near) else (at, at)


def serial_correlation(values: FloatArray) -> float:
    """Return the lag-one correlation of a series: how closely its values follow each other, change included."""
    data = np.asarray(values, float) - np.mean(values)
    bottom = float((data**2).sum())
    return float((data[1:] * data[:-1]).sum() / bottom) if bottom > 0 else 0.0


class Lag(NamedTuple):
    """How seizures moved some years after production."""

    years: int
    correlation: float
    pairs: int


class ShockReading(NamedTuple):
    """Production beside seizures: the lag at which their changes agree best, or why nothing can be said."""

    lags: list[Lag]
    best: Lag | None
    p_value: float | None
    """Of the best of all lags, by shuffling the years of production: choosing the lag is paid for."""
    refused: str | None


def supply_shock(production: dict[int, float], seizures: dict[int, float], *, max_lag: int = 3,
                 rng: np.random.Generator, replicates: int = 999) -> ShockReading:  # fmt: skip
    """Correlate yearly changes of ln production with those of ln seizures, 0 to ``max_lag`` years later.

    Refuses below eight pairs of changes at every lag: with fewer, the best of four lags looks good by chance alone.
    """
    made, caught = _changes(production), _changes(seizures)
    lags = [_lag(made, caught, lag) for lag in range(max_lag + 1)]
    usable = [lag for lag in lags if lag.pairs >= 8]
    if not usable:
        most = max((lag.pairs for lag in lags), default=0)
        return ShockReading(
            lags,
            None,
            None,
            f"{most} pairs of yearly changes; at least eight are needed. Laid side by side, "
            "the two series can be looked at, not tested",
        )
    best = max(usable, key=lambda lag: abs(lag.correlation))
    years, values = list(made), np.array(list(made.values()))
    beaten = 0
    for _ in range(replicates):
        shuffled = dict(zip(years, rng.permutation(values).tolist(), strict=True))
        beaten += (
            max(abs(_lag(shuffled, caught, lag.years).correlation) for lag in usable) >= abs(best.correlation) - 1e-12
        )
    return ShockReading(lags, best, (1 + beaten) / (1 + replicates), None)


def _changes(series: dict[int, float]) -> dict[int, float]:
    return {
        y: math.log(series[y] / series[y - 1]) for y in sorted(series) if series.get(y - 1, 0) > 0 and series[y] > 0
    }


def _lag(made: dict[int, float], caught: dict[int, float], lag: int) -> Lag:
    both = [(value, caught[year + lag]) for year, value in made.items() if year + lag in caught]
    if len(both) < 3:
        return Lag(lag, math.nan, len(both))
    one, other = np.array(both).T
    spread = one.std() * other.std()
    return Lag(
        lag, float(np.mean((one - one.mean()) * (other - other.mean())) / spread) if spread > 0 else 0.0, len(both)
    )


class Slope(NamedTuple):
    """Change a year, per cent, with its interval."""

    percent_per_year: float
    low: float
    high: float
    years: int


class MarketReading(NamedTuple):
    """Seizures, price and purity read together."""

    seizures: Slope
    price: Slope
    """Of the purity-adjusted price where purity is given: what a pure gram costs."""
    purity_adjusted: bool
    reading: str
    verdict: str
    """``more traffic``, ``better enforcement``, ``less traffic``, ``less enforcement``, or ``no reading``."""


def read_market(seizures: dict[int, float], price: dict[int, float], purity_percent: dict[int, float] | None = None, *,
                level: float = 0.95) -> MarketReading:  # fmt: skip
    """Read trends together: more seizures at a stable or falling price mean more traffic, at a rising one enforcement.

    Slopes are Theil–Sen on logarithms with rank intervals. Needs five common years; a slope whose interval holds zero
    is "stable" for price and no trend for seizures. Source: UNODC World Drug Report 2006, methodology.
    """
    adjusted = (
        price
        if purity_percent is None
        else {y: p / (purity_percent[y] / 100) for y, p in price.items() if purity_percent.get(y, 0) > 0}
    )
    years = sorted(set(seizures) & set(adjusted))
    if len(years) < 5:
        raise ValueError(
            f"{len(years)} years with both seizures and price; at least five are needed to read them together"
        )
    caught, cost = _slope(years, seizures, level), _slope(years, adjusted, level)
    words = {
        (1, 1): ("better enforcement", "seizures rose and so did the price: perhaps better enforcement, or demand"),
        (1, 0): ("more traffic", "seizures rose while the price did not: more traffic"),
        (1, -1): ("more traffic", "seizures rose while the price fell: more traffic"),
        (-1, 1): ("less traffic", "seizures fell while the price rose: less traffic"),
        (-1, 0): ("no reading", "seizures fell at a stable price: less enforcement or other routes; it cannot be told"),
        (-1, -1): ("less enforcement", "seizures and price both fell: less enforcement, the market well supplied"),
    }
    verdict, text = words.get((_sign(caught), _sign(cost)), ("no reading", "seizures show no trend beyond chance"))
    return MarketReading(caught, cost, purity_percent is not None, text, verdict)


def _slope(years: list[int], series: dict[int, float], level: float) -> Slope:
    logs = np.log([max(series[y], 1e-9) for y in years])
    found = stats.theilslopes(logs, years, alpha=level)
    middle, low, high = (100 * math.expm1(float(x)) for x in (found.slope, found.low_slope, found.high_slope))
    return Slope(middle, low, high, len(years))


def _sign(slope: Slope) -> int:
    return 1 if slope.low > 0 else -1 if slope.high < 0 else 0
