"""What share each substance has, in loads and in kilograms, and whether the shares moved."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from scipy import optimize, special, stats

from araz.intelligence._totals import (
    CONSIGNMENT_CV,
    CONSIGNMENTS_KG,
    Interval,
    binomial_interval,
    drawn_again,
    share_of_two,
)
from araz.vocabulary import FloatArray, IntArray

#: Rows of the register that are sums or no drugs: in no composition.
NOT_DRUGS: Final = ("total", "alcohol", "precursor", "")


def singles(lines: pl.DataFrame, *, months: bool) -> pl.DataFrame:
    """Return the lines of drugs that may be added: single seizures, and with ``months`` the sums of one month.

    Published totals of longer periods overlap and are left out; a single seizure whose day is not known stays, but
    not in a series of months.
    """
    if months:
        single = ~pl.col("date_precision").is_in(["period", "year"])
    else:
        single = ~pl.col("date_precision").is_in(["period", "month", "year"]) | (pl.col("events") == 1)
    return lines.filter(single & ~pl.col("substance").is_in(NOT_DRUGS))


#: With fewer loads of a substance, their sizes say little of the next one: its share of loads counts beside them.
FEW_LOADS: Final = 10


class Composition(NamedTuple):
    """Shares of one period; intervals by drawing whole seizures again, so that one load cannot decide."""

    first: dt.date
    last: dt.date
    seizures: int
    kilograms: float
    largest_share: float
    """The largest single seizure's part of the kilograms."""
    kg_shares: dict[str, Interval]
    count_shares: dict[str, Interval]


class ShareTest(NamedTuple):
    """Whether the kilogram shares differ between two sets of seizures."""

    distance: float
    """Total variation between the two compositions: ½ Σ |p − q|."""
    p_value: float
    """Share of relabellings of whole seizures that differ as much; exact up to Monte-Carlo error."""
    log_ratio_change: dict[str, Interval]
    """Change of each share's centred log-ratio, with bootstrap interval; NaN where a share is zero in a period."""
    seizures: tuple[int, int]


def seizure_matrix(
    lines: pl.DataFrame, substances: Sequence[str] | None = None
) -> tuple[FloatArray, list[str], pl.DataFrame]:
    """Return kg per seizure and substance (n, s), the substances, and the seizures' (id, date); kilograms only."""
    kilos = lines.filter(
        ~pl.col("substance").is_in(NOT_DRUGS) & (pl.col("base_unit") == "kg") & pl.col("base_quantity").is_not_null()
    )
    if substances is not None:
        kilos = kilos.filter(pl.col("substance").is_in(list(substances)))
    names = list(substances) if substances is not None else sorted(kilos["substance"].unique().to_list())
    heads = (
        kilos.select("seizure_id", "date").unique("seizure_id", keep="first", maintain_order=True).with_row_index("at")
    )
    coded = kilos.join(heads.select("seizure_id", "at"), on="seizure_id")
    matrix = np.zeros((heads.height, len(names)))
    column = {name: index for index, name in enumerate(names)}
    np.add.at(
        matrix,
        (coded["at"].to_numpy(), np.array([column[s] for s in coded["substance"].to_list()], dtype=np.intp)),
        coded["base_quantity"].to_numpy(),
    )
    return matrix, names, heads


def compose(matrix: FloatArray, names: Sequence[str], *, rng: np.random.Generator, replicates: int = 1000,
            level: float = 0.95, span: tuple[dt.date, dt.date] | None = None) -> Composition:  # fmt: skip
    """Return the shares of seizures ``matrix`` (n, s) in kg and in loads, with intervals.

    An interval reaches as far as the bootstrap of whole seizures and as Student's t on the log-odds, whichever is
    wider: a bootstrap of few seizures lacks the heavy load that was not caught, the t lacks the tail. Its degrees of
    freedom are those of the equal loads that the seizures are worth, (Σt)²/Σt² − 1. Its error is that of the loads
    caught or, if wider, that of loads as uneven as all substances' are. With fewer than ten loads of a
    substance, or of all others, it reaches also as far as the exact interval of its share of loads: sizes of so few
    loads say little of the next one, and what was not seen may still be there. Fewer than five seizures say too
    little: their intervals are [0, 1]. A substance whose loads are far more uneven than all others' is covered less
    than stated.
    """
    total = float(matrix.sum())
    largest = float(matrix.sum(axis=1).max() / total) if total > 0 else math.nan
    begin, end = span if span is not None else (dt.date.min, dt.date.min)
    drawn = [_bootstrap_shares(part, rng, replicates) for part in (matrix, (matrix > 0).astype(float))]
    shares = [
        _intervals(part, draw, names, level)
        for part, draw in zip((matrix, (matrix > 0).astype(float)), drawn, strict=True)
    ]
    return Composition(begin, end, len(matrix), total, largest, *shares)


def _bootstrap_shares(matrix: FloatArray, rng: np.random.Generator, replicates: int) -> FloatArray:
    """Shares (replicates, s) of seizures drawn again with replacement."""
    sums = drawn_again(matrix, rng, replicates)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / sums.sum(axis=1, keepdims=True))


def _intervals(rows: FloatArray, drawn: FloatArray, names: Sequence[str], level: float) -> dict[str, Interval]:
    n, total = len(rows), rows.sum()
    share = rows.sum(axis=0) / total if total > 0 else np.full(rows.shape[1], math.nan)
    if n < 5 or total <= 0:
        return {name: Interval(float(p), 0.0, 1.0) for name, p in zip(names, share, strict=True)}
    low, high = np.nanquantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    # Influence of one seizure on the share: (x − p t) / T, t its own total and T the total of all.
    error = np.sqrt((((rows - share * rows.sum(axis=1, keepdims=True)) / total) ** 2).sum(axis=0))
    inside = (share > 0) & (share < 1)
    odds = special.logit(np.where(inside, share, 0.5))
    error = error / np.where(inside, share * (1 - share), 1)
    loads = (rows > 0).sum(axis=0)
    few = np.minimum(loads, n - loads) < FEW_LOADS
    error = np.where(few, error, np.maximum(error, _error_by_all_loads(rows, loads)))
    worth = total**2 / float((rows.sum(axis=1) ** 2).sum())
    reach = float(stats.t.ppf(0.5 + level / 2, max(1.0, worth - 1))) * error
    low = np.where(inside, np.minimum(low, special.expit(odds - reach)), share)
    high = np.where(inside, np.maximum(high, special.expit(odds + reach)), share)
    least, most = binomial_interval(loads, n, level)
    low, high = np.where(few, np.minimum(low, least), low), np.where(few, np.maximum(high, most), high)
    return {name: Interval(float(p), float(a), float(b)) for name, p, a, b in zip(names, share, low, high, strict=True)}


def _error_by_all_loads(rows: FloatArray, loads: IntArray) -> FloatArray:
    """Standard error of each share's log-odds where a load varies about its substance's mean as much as all loads do.

    Var = v_f + Σ_{g≠f} (T_g / Σ_{g≠f} T_g)² v_g, v = max(Σx²/T², k⁻¹ mean (x/x̄)²): of the few loads of one substance
    the rare heavy one is mostly not among them, among all loads it is.
    """
    sums = rows.sum(axis=0)
    part = np.divide(rows, sums / np.maximum(loads, 1), out=np.zeros_like(rows), where=sums > 0)
    varied = (part**2).sum() / loads.sum() / np.maximum(loads, 1)
    varied = np.maximum(varied, np.divide((rows**2).sum(axis=0), sums**2, out=np.zeros_like(sums), where=sums > 0))
    others = sums.sum() - sums
    rest = np.maximum((sums**2 * varied).sum() - sums**2 * varied, 0.0)
    return np.asarray(np.sqrt(varied + np.divide(rest, others**2, out=np.zeros_like(rest), where=others > 0)))


def composition_by_period(
    lines: pl.DataFrame, every: str = "1y", *, rng: np.random.Generator, replicates: int = 1000
) -> list[Composition]:
    """Return compositions by calendar period (``1mo``, ``1q``, ``1y``), of single seizures only; sums are left out."""
    matrix, names, heads = seizure_matrix(singles(lines, months=False))
    if not len(matrix):
        return []
    starts = heads["date"].dt.truncate(every)
    found = []
    for start in sorted(starts.unique().to_list()):
        mine = (starts == start).to_numpy()
        end = pl.select(pl.lit(start).dt.offset_by(every).dt.offset_by("-1d")).item()
        found.append(compose(matrix[mine], names, rng=rng, replicates=replicates, span=(start, end)))
    return found


def compare_shares(before: FloatArray, after: FloatArray, names: Sequence[str], *, rng: np.random.Generator,
                   replicates: int = 999) -> ShareTest:  # fmt: skip
    """Test whether two sets of seizures have the same kilogram shares, by relabelling whole seizures.

    p = (1 + #{d* ≥ d}) / (1 + replicates). Raises ValueError with fewer than five seizures on a side.
    """
    if min(len(before), len(after)) < 5:
        raise ValueError(
            f"{len(before)} and {len(after)} seizures: at least five on each side are needed to compare shares"
        )
    everything, n = np.concatenate([before, after]), len(before)
    seen = _variation(before.sum(axis=0), after.sum(axis=0))
    total = everything.sum(axis=0)
    worse = 0
    for _ in range(replicates):
        chosen = rng.permutation(len(everything))[:n]
        part = everything[chosen].sum(axis=0)
        worse += _variation(part, total - part) >= seen - 1e-12
    drawn = [_bootstrap_shares(part, rng, replicates) for part in (before, after)]
    change = _centred(drawn[1]) - _centred(drawn[0])
    point = _centred(after.sum(axis=0)[None] / after.sum()) - _centred(before.sum(axis=0)[None] / before.sum())
    intervals = {}
    for index, name in enumerate(names):
        column = change[:, index]
        good = column[np.isfinite(column)]
        solid = len(good) > 0.9 * replicates and math.isfinite(point[0, index])
        low, high = np.quantile(good, [0.025, 0.975]) if solid else (math.nan, math.nan)
        intervals[name] = Interval(float(point[0, index]), float(low), float(high))
    return ShareTest(seen, (1 + worse) / (1 + replicates), intervals, (n, len(after)))


def _variation(one: FloatArray, other: FloatArray) -> float:
    a, b = one.sum(), other.sum()
    return float(0.5 * np.abs(one / a - other / b).sum()) if a > 0 and b > 0 else math.nan


def _centred(shares: FloatArray) -> FloatArray:
    """Centred log-ratio over the parts present; absent parts become NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(shares > 0, np.log(np.where(shares > 0, shares, 1.0)), np.nan)
    present = np.isfinite(logs)
    means = np.where(present, logs, 0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    return np.asarray(logs - means[:, None])


class DirichletMultinomial(NamedTuple):
    """Counts by substance that vary more between periods than one multinomial allows."""

    shares: FloatArray
    concentration: float
    """α₀; large: the periods share one composition."""
    correlation: float
    """Intra-period correlation 1/(1 + α₀): 0 is a plain multinomial."""
    log_likelihood: float
    multinomial_log_likelihood: float
    p_value: float
    """Of no over-dispersion: ½ P(χ²₁ > 2 Δ), the parameter lying on the edge."""


def fit_dirichlet_multinomial(counts: FloatArray) -> DirichletMultinomial:
    """Fit counts (periods, substances) by maximum likelihood.

    ln P = ln Γ(α₀) − ln Γ(n + α₀) + Σ ln Γ(x + α) − ln Γ(α) + the multinomial coefficient, α = α₀ p.
    Raises ValueError with fewer than two periods or substances that occur.
    """
    data = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(data.shape) < 2:
        raise ValueError("a composition over time needs at least two periods and two substances with counts")
    n, pooled = data.sum(axis=1), data.sum(axis=0) / data.sum()
    coefficient = float((special.gammaln(n + 1) - special.gammaln(data + 1).sum(axis=1)).sum())

    def minus(theta: FloatArray) -> float:
        logits = np.append(theta[1:], 0.0)
        alpha = math.exp(theta[0]) * special.softmax(logits)
        value = special.gammaln(alpha.sum()) - special.gammaln(n + alpha.sum())
        return -float(value.sum() + (special.gammaln(data + alpha) - special.gammaln(alpha)).sum())

    start = np.append(math.log(20.0), np.log(pooled[:-1] / pooled[-1]))
    bounds = [(-5.0, 14.0)] + [(-20.0, 20.0)] * (len(pooled) - 1)
    best = optimize.minimize(minus, start, method="L-BFGS-B", bounds=bounds)
    plain = coefficient + float((data * np.log(pooled)).sum())
    shares = np.zeros(counts.shape[1])
    shares[counts.sum(axis=0) > 0] = special.softmax(np.append(best.x[1:], 0.0))
    reached, alpha0 = coefficient - float(best.fun), math.exp(best.x[0])
    gain = max(0.0, 2 * (reached - plain))
    p = 0.5 * float(stats.chi2.sf(gain, 1)) if gain > 0 else 1.0
    return DirichletMultinomial(shares, alpha0, 1 / (1 + alpha0), reached, plain, p)


class Turn(NamedTuple):
    """Two substances' shares of each other in published totals, before and after."""

    falling: str
    rising: str
    periods: list[tuple[dt.date, dt.date]]
    shares: list[list[Interval]]
    """Share of the falling one, per period, one interval for each plausible mean consignment (5, 30, 100 kg)."""
    odds_ratios: list[Interval]
    """Odds of the falling one, after over before, all periods pooled; one for each consignment size."""
    holds: bool
    """Every interval of the odds ratio lies on one side of 1."""
    sentence: str
    rows: list[int]


def turn_in_totals(lines: pl.DataFrame, event: dt.date, effect_from: dt.date | None = None) -> Turn:
    """Find the pair of substances whose shares of published totals crossed most around an event.

    Takes the longest total of each year; ``effect_from`` is when an effect could first show (default: the event).
    s = A/(A+B), interval on the log-odds scale from compound-Poisson totals. Raises ValueError when a side is empty.
    """
    table = _yearly(lines)
    since = effect_from or event
    before, after = table.filter(pl.col("date_to") < since), table.filter(pl.col("date") >= since)
    if before.is_empty() or after.is_empty():
        raise ValueError(
            f"the totals have no period wholly {'before' if before.is_empty() else 'from'} {since}: nothing to compare"
        )
    pooled = [
        dict(part.group_by("substance").agg(pl.col("base_quantity").sum()).iter_rows()) for part in (before, after)
    ]
    shares = [{name: kg / sum(side.values()) for name, kg in side.items()} for side in pooled]
    moved = {
        name: shares[1].get(name, 0.0) - shares[0].get(name, 0.0)
        for name in {*shares[0], *shares[1]} - {"other", "psychotropic"}
    }
    falling, rising = min(moved, key=lambda k: moved[k]), max(moved, key=lambda k: moved[k])
    periods, intervals, rows = [], [], []
    for keys, part in table.group_by(["date", "date_to"], maintain_order=True):
        kg = dict(zip(part["substance"], part["base_quantity"], strict=True))
        if falling in kg and rising in kg:
            periods.append((keys[0], keys[1]))
            intervals.append([share_of_two(kg[falling], kg[rising], mean) for mean in CONSIGNMENTS_KG])
            rows += part["source_row"].drop_nulls().unique().to_list()
    odds = [_odds_ratio(pooled[0], pooled[1], falling, rising, mean) for mean in CONSIGNMENTS_KG]
    holds = all(ratio.high < 1 or ratio.low > 1 for ratio in odds)
    words = _turn_words(falling, rising, periods, intervals, odds, event, holds)
    return Turn(falling, rising, periods, intervals, odds, holds, words, sorted(set(rows)))


def _odds_ratio(before: dict[str, float], after: dict[str, float], one: str, other: str, mean: float) -> Interval:
    """Odds one : other, after over before; Var(ln OR) = m (1 + c²) Σ 1/T over the four totals."""
    totals = (before.get(one, 0.0), before.get(other, 0.0), after.get(one, 0.0), after.get(other, 0.0))
    if min(totals) <= 0:
        return Interval(math.nan, math.nan, math.nan)
    ratio = totals[2] / totals[3] * totals[1] / totals[0]
    z = float(stats.norm.ppf(0.975)) * math.sqrt(mean * (1 + CONSIGNMENT_CV**2) * sum(1 / t for t in totals))
    return Interval(ratio, ratio * math.exp(-z), ratio * math.exp(z))


def _yearly(lines: pl.DataFrame) -> pl.DataFrame:
    """The longest period of each starting day, parts only."""
    parts = lines.filter(
        ~pl.col("substance").is_in(NOT_DRUGS) & (pl.col("base_unit") == "kg") & pl.col("date_to").is_not_null()
    )
    longest = parts.group_by("date").agg(pl.col("date_to").max())
    return parts.join(longest, on=["date", "date_to"]).sort("date", "date_to", "substance")


def _turn_words(falling: str, rising: str, periods: list[tuple[dt.date, dt.date]], intervals: list[list[Interval]],
                odds: list[Interval], event: dt.date, holds: bool) -> str:  # fmt: skip
    wide = [group[-1] for group in intervals]
    series = "; ".join(
        f"{100 * i.estimate:.0f} % ({100 * i.low:.0f} to {100 * i.high:.0f}) in {a:%Y-%m} to {b:%Y-%m}"
        for (a, b), i in zip(periods, wide, strict=True)
    )
    ratios = ", ".join(
        f"{o.estimate:.2f} ({o.low:.2f} to {o.high:.2f}) at {m:g} kg"
        for o, m in zip(odds, CONSIGNMENTS_KG, strict=True)
    )
    verdict = (
        "a turn at every plausible consignment size"
        if holds
        else "not shown: at a plausible consignment size it could be chance"
    )
    return (
        f"From {falling} to {rising}: {falling}'s share of the two is {series}; odds "
        f"after over before {ratios} a load: {verdict}. "
        f"95 % intervals; those of the shares are for loads of {CONSIGNMENTS_KG[-1]:g} kg, the "
        f"widest. It came after {event.isoformat()}; "
        "whether because of it, totals cannot say: effort, prices and other routes moved too."
    )
