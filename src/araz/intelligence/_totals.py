"""How far a total of seizures, a count, or their ratio can wander by chance alone."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from araz.vocabulary import FloatArray

#: Mean consignment, kg: a courier, a vehicle's load, a lorry's. The true one is unknown, so all three are shown.
CONSIGNMENTS_KG: Final = (5.0, 30.0, 100.0)
#: Standard deviation of a consignment over its mean; loads vary more than exponentially.
CONSIGNMENT_CV: Final = 1.5
_CHUNK: Final = 4_000_000


class Interval(NamedTuple):
    """An estimate and the interval that holds the truth with the level stated beside it."""

    estimate: float
    low: float
    high: float


def drawn_again(rows: FloatArray, rng: np.random.Generator, replicates: int) -> FloatArray:
    """Return sums (replicates, …) of n rows drawn again n times with replacement: the bootstrap of a total.

    Weights are drawn in parts, so that a million rows take no more memory than four million numbers.
    """
    n = len(rows)
    if not n:
        return np.zeros((replicates, *rows.shape[1:]))
    step, chance = max(1, _CHUNK // n), np.full(n, 1 / n)
    sizes = [min(step, replicates - start) for start in range(0, replicates, step)]
    return np.concatenate([rng.multinomial(n, chance, size=size) @ rows for size in sizes])


def total_half_width(total: float, mean: float, cv: float = CONSIGNMENT_CV, level: float = 0.95) -> float:
    """Return the half-width of a compound-Poisson total's interval, in the total's unit.

    N loads of mean m and coefficient of variation c: Var(ΣX) = N·E[X²] = T·m·(1 + c²), T = N·m.
    Normal approximation: too narrow below some ten loads (T < 10 m). planning.md 2.2.
    """
    return float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(max(total, 0.0) * mean * (1 + cv**2))


def difference_of_totals(
    old: float, new: float, mean: float, cv: float = CONSIGNMENT_CV, level: float = 0.95
) -> Interval:
    """Return new − old with its interval when both are compound-Poisson totals: variances add."""
    half = math.hypot(total_half_width(old, mean, cv, level), total_half_width(new, mean, cv, level))
    return Interval(new - old, new - old - half, new - old + half)


def ratio_of_totals(old: float, new: float, mean: float, cv: float = CONSIGNMENT_CV, level: float = 0.95) -> Interval:
    """Return new / old with its interval on the log scale: Var(ln T) = m·(1 + c²) / T for each total.

    Undefined (NaN) when either is zero.
    """
    if old <= 0 or new <= 0:
        return Interval(math.nan, math.nan, math.nan)
    sigma = math.sqrt(mean * (1 + cv**2) * (1 / old + 1 / new))
    z = float(stats.norm.ppf(0.5 + level / 2)) * sigma
    return Interval(new / old, new / old * math.exp(-z), new / old * math.exp(z))


def consignment_that_would_tell(old: float, new: float, cv: float = CONSIGNMENT_CV, level: float = 0.95) -> float:
    """Return the largest mean consignment at which the difference would still stand out from chance.

    m* = Δ² / (z²·(T₀ + T₁)·(1 + c²)); above it the two totals do not differ at the level.
    """
    z = float(stats.norm.ppf(0.5 + level / 2))
    spread = z**2 * (old + new) * (1 + cv**2)
    return (new - old) ** 2 / spread if spread > 0 else math.nan


def ratio_of_counts(old: float, new: float, level: float = 0.95) -> Interval:
    """Return new / old of two Poisson counts with the exact conditional interval (Clopper-Pearson on new | sum).

    Counts of people's reports vary more than Poisson, so the interval is a lower bound of the doubt.
    """
    if old <= 0:
        return Interval(math.nan, math.nan, math.inf)
    low, high = map(float, binomial_interval(new, new + old, level))
    return Interval(new / old, low / (1 - low), high / (1 - high))


def binomial_interval(
    hits: FloatArray | float, trials: FloatArray | float, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return the exact interval of each share ``hits`` / ``trials`` (Clopper and Pearson 1934)."""
    hits, trials = np.asarray(hits), np.asarray(trials)
    low = np.where(hits > 0, stats.beta.ppf(0.5 - level / 2, hits, trials - hits + 1), 0.0)
    high = np.where(hits < trials, stats.beta.ppf(0.5 + level / 2, hits + 1, trials - hits), 1.0)
    return low[()], high[()]


def share_of_two(one: float, other: float, mean: float, cv: float = CONSIGNMENT_CV, level: float = 0.95) -> Interval:
    """Return one / (one + other) of two compound-Poisson totals, interval on the log-odds scale."""
    odds = ratio_of_totals(other, one, mean, cv, level)
    return Interval(*(value / (1 + value) for value in odds))
