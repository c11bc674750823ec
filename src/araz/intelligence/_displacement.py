"""Whether a closure or a deployment moved it, or there is no evidence, or no way to tell."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np

from araz.intelligence._totals import Interval
from araz.vocabulary import BoolArray, FloatArray

#: Fewer events than this before the change, in any of the three areas, carry no ratio.
FEWEST_BEFORE: Final = 10
FEWEST_PERIODS: Final = 6


class Quotient(NamedTuple):
    """The weighted displacement quotient, where it is defined."""

    value: float | None
    meaning: str


class Displacement(NamedTuple):
    """What a closure or deployment did to its own area and to its neighbours."""

    direct: Interval | None
    """Rate ratio after : before in the treated area, against the control."""
    neighbours: Interval | None
    """The same in the buffer: above 1 displacement, below 1 diffusion of the benefit."""
    p_direct: float | None
    p_neighbours: float | None
    """By placebo: the share of pretended dates in the time before that look as strong."""
    quotient: Quotient
    dispersion: float | None
    verdict: str
    """``displaced``, ``diffused``, ``no evidence of displacement``, or ``refused``."""
    sentence: str
    placebos: int


def weighted_displacement_quotient(before: Sequence[float], after: Sequence[float]) -> Quotient:
    """Return WDQ = (B₁/C₁ − B₀/C₀) / (A₁/C₁ − A₀/C₀) of counts (treated A, buffer B, control C).

    Undefined where the control is zero or A did not fall against it. Below −1 displacement exceeds the gain, −1 to 0
    partial displacement, above 0 diffusion, above 1 diffusion exceeds the direct effect. Bowers and Johnson 2003.
    """
    a0, b0, c0 = before
    a1, b1, c1 = after
    if min(c0, c1) <= 0:
        return Quotient(None, "undefined: the control area has no events in one period")
    gain = a1 / c1 - a0 / c0
    if gain >= 0:
        return Quotient(
            None, "undefined: the treated area did not fall against the control, so there is nothing to displace"
        )
    value = (b1 / c1 - b0 / c0) / gain
    steps = (
        (-1.0, "displacement exceeds the gain"),
        (-1e-12, "partial displacement"),
        (1e-12, "no effect on the neighbours"),
        (1.0, "diffusion of the benefit"),
    )
    return Quotient(value, next((text for edge, text in steps if value < edge), "diffusion exceeds the direct effect"))


def displacement(treated: FloatArray, buffer: FloatArray, control: FloatArray, change: int, *,
                 effort: FloatArray | None = None, alpha: float = 0.05,
                 rng: np.random.Generator, replicates: int = 499) -> Displacement:  # fmt: skip
    """Test whether events moved from a treated area to its neighbours after period ``change``.

    Counts per period of three areas, negative binomial: ln μ = area + period + θ₁·A·after + θ₂·B·after + ln effort.
    exp θ₂ is the neighbours' rate ratio against the control; its interval is the model's. The p-values are placebos:
    blocks of periods in random order, which keeps the short persistence of the series. Refuses, with the
    reason, where periods or counts are too few or the areas did not move together before. A buffer need not be near:
    take the neighbours by smuggler's cost as well as by distance.
    """
    counts = np.array([treated, buffer, control], float)
    quotient = weighted_displacement_quotient(
        counts[:, :change].sum(axis=1).tolist(), counts[:, change:].sum(axis=1).tolist()
    )
    reason = _refusal(counts, change, effort)
    if reason:
        return _refused(quotient, reason)
    fit = _fit(counts, change, effort)
    if fit is None:
        return _refused(quotient, "the regression did not converge on these counts")
    trend = _pre_trend(counts[:, :change])
    if trend < alpha / 5:
        return _refused(
            quotient,
            f"the areas did not move together before the change (p = {trend:.3f}), so the control is no counterfactual",
        )
    p_values = _placebo(counts, change, effort, rng, replicates)
    return _verdict(*fit, p_values, quotient, alpha, replicates)


def _refused(quotient: Quotient, reason: str) -> Displacement:
    return Displacement(None, None, None, None, quotient, None, "refused", f"Refused: {reason}.", 0)


def _refusal(counts: FloatArray, change: int, effort: FloatArray | None) -> str:
    periods = counts.shape[1]
    if np.any(~np.isfinite(counts)) or np.any(counts < 0):
        return "a period's count is unknown or negative"
    if min(change, periods - change) < FEWEST_PERIODS:
        return (
            f"{change} periods before and {periods - change} after; at least {FEWEST_PERIODS} on each side are needed"
        )
    few = [
        name
        for name, row in zip(("treated area", "buffer", "control"), counts, strict=True)
        if row[:change].sum() < FEWEST_BEFORE
    ]
    if few:
        return f"fewer than {FEWEST_BEFORE} events before the change in the {few[0]}"
    if effort is not None and (effort.shape != counts.shape or np.any(effort <= 0)):
        return "effort must be given and above zero for each area and period"
    return ""


def _design(change: int, periods: int) -> FloatArray:
    rows = []
    for area in range(3):
        for t in range(periods):
            after = float(t >= change)
            months = [float(t == k) for k in range(1, periods)]
            rows.append([1.0, float(area == 0), float(area == 1), after * (area == 0), after * (area == 1), *months])
    return np.array(rows)


def _fit(counts: FloatArray, change: int, effort: FloatArray | None) -> tuple[Interval, Interval, float] | None:
    """Poisson first; the dispersion by moments from its Pearson residuals; then negative binomial with it."""
    sm: Any = import_module("statsmodels.api")
    x, y = _design(change, counts.shape[1]), counts.ravel()
    offset = None if effort is None else np.log(effort.ravel())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            first = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset).fit(maxiter=50)
            mu = first.fittedvalues
            free = len(y) - x.shape[1]
            alpha = max(1e-4, float((((y - mu) ** 2 - mu * free / len(y)) / np.maximum(mu, 1e-6) ** 2).sum() / free))
            fitted = sm.GLM(y, x, family=sm.families.NegativeBinomial(alpha=min(alpha, 10.0)), offset=offset).fit(
                maxiter=50
            )
        except (ValueError, np.linalg.LinAlgError):
            return None
    # the estimated dispersion costs degrees of freedom: Pearson scale, t quantile
    scale = max(1.0, float(fitted.pearson_chi2) / free)
    from scipy import stats

    t = float(stats.t.ppf(0.975, free))
    out = []
    for index in (3, 4):
        theta, se = float(fitted.params[index]), float(fitted.bse[index]) * math.sqrt(scale)
        if not math.isfinite(se) or abs(theta) > 15:
            return None
        out.append(Interval(math.exp(theta), math.exp(theta - t * se), math.exp(theta + t * se)))
    return out[0], out[1], alpha


def _log_ratios(counts: FloatArray) -> FloatArray:
    """ln((x + ½)/(control + ½)) of treated and buffer per period, (2, periods)."""
    return np.asarray(np.log(counts[:2] + 0.5) - np.log(counts[2] + 0.5))


def _pre_trend(counts: FloatArray) -> float:
    """The smaller p of a trend in either log-ratio before the change, Bonferroni for the two."""
    from scipy import stats

    t = np.arange(counts.shape[1])
    return min(1.0, 2 * min(float(stats.linregress(t, row).pvalue) for row in _log_ratios(counts)))


def _placebo(
    counts: FloatArray, change: int, effort: FloatArray | None, rng: np.random.Generator, replicates: int
) -> tuple[float, float]:
    """Pretend: blocks of about n^⅓ periods in random order; the share whose after − before gap is as large."""
    scaled = counts if effort is None else counts / effort * effort.mean()
    ratios, n = _log_ratios(scaled), counts.shape[1]
    blocks = np.array_split(np.arange(n), max(6, round(n / n ** (1 / 3))))
    orders = [np.arange(n)]
    for _ in range(replicates):
        order = np.concatenate([blocks[b] for b in rng.permutation(len(blocks))])
        orders.append(np.roll(order, int(rng.integers(n))))
    shuffled = ratios[:, np.array(orders)]
    gaps = np.abs(shuffled[:, :, change:].mean(axis=2) - shuffled[:, :, :change].mean(axis=2))
    beaten = (gaps >= gaps[:, :1] - 1e-12).mean(axis=1)
    return float(beaten[0]), float(beaten[1])


def _verdict(direct: Interval, neighbours: Interval, dispersion: float, p_values: tuple[float, float],
             quotient: Quotient, alpha: float, placebos: int) -> Displacement:  # fmt: skip
    moved = p_values[1] <= alpha and not neighbours.low <= 1 <= neighbours.high
    verdict = "no evidence of displacement" if not moved else "displaced" if neighbours.estimate > 1 else "diffused"
    fell = direct.high < 1 and p_values[0] <= alpha
    first = (
        f"The treated area's rate is {direct.estimate:.2f} times what the control says "
        f"({direct.low:.2f} to {direct.high:.2f}), its neighbours' {neighbours.estimate:.2f} times "
        f"({neighbours.low:.2f} to {neighbours.high:.2f})"
    )
    last = {
        "displaced": "events rose among the neighbours when they fell here: displacement"
        if fell
        else "events rose among the neighbours, but the treated area did not fall: something else raised them",
        "diffused": "the neighbours fell too: the benefit spread, or something else lowered both",
        "no evidence of displacement": "no evidence of displacement; an effect inside the interval is not excluded",
    }[verdict]
    if verdict == "displaced" and not fell:
        verdict = "no evidence of displacement"
    return Displacement(
        direct, neighbours, p_values[0], p_values[1], quotient, dispersion, verdict, f"{first}: {last}.", placebos
    )


class Counterfactual(NamedTuple):
    """What a series would have been without the change, by a local level fitted before it."""

    expected: FloatArray
    low: FloatArray
    high: FloatArray
    effect: Interval
    """Sum of observed − expected after the change."""
    sentence: str


def counterfactual(values: FloatArray, change: int, controls: FloatArray | None = None, *, season: int | None = None,
                   level: float = 0.95, rng: np.random.Generator) -> Counterfactual:  # fmt: skip
    """Fit a local level (with season and control regressors) to what came before, and forecast it over what came after.

    UnobservedComponents (statsmodels) on ln(1 + y); the effect's interval is that of simulated paths, so the errors of
    a wandering level accumulate in it. Raises ValueError below 12 periods before the change.
    """
    if change < 12 or change >= len(values):
        raise ValueError(f"{change} periods before the change; a structural model needs at least 12, and one after")
    uc: Any = import_module("statsmodels.tsa.statespace.structural")
    logs = np.log1p(np.asarray(values, float))
    options: dict[str, Any] = {"level": "llevel"}
    if season is not None and change >= 2 * season:
        options["freq_seasonal"] = [{"period": season, "harmonics": 2}]
    past = None if controls is None else np.log1p(controls[:change])
    future = None if controls is None else np.log1p(controls[change:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = uc.UnobservedComponents(logs[:change], exog=past, **options).fit(disp=False, maxiter=200)
        paths = fitted.simulate(len(logs) - change, anchor="end", repetitions=2000, exog=future, rng=rng)
    drawn = np.expm1(np.asarray(paths).reshape(len(logs) - change, -1))
    edges = np.quantile(drawn, [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=1)
    gap = np.asarray(values[change:], float).sum() - drawn.sum(axis=0)
    low, middle, high = np.quantile(gap, [0.5 - level / 2, 0.5, 0.5 + level / 2])
    effect = Interval(float(middle), float(low), float(high))
    shown = (
        "no change beyond what the model expects"
        if low <= 0 <= high
        else "more than expected"
        if low > 0
        else "less than expected"
    )
    return Counterfactual(
        edges[1],
        edges[0],
        edges[2],
        effect,
        f"{effect.estimate:+,.0f} ({low:+,.0f} to {high:+,.0f}) against the counterfactual: {shown}.",
    )


class Shift(NamedTuple):
    """One kind of displacement: whether the mix of categories moved at a date."""

    kind: str
    before: dict[str, int]
    after: dict[str, int]
    distance: float
    """Total variation between the two mixes."""
    p_value: float | None
    largest: str
    verdict: str


def shift_of_mix(kind: str, categories: Sequence[str], is_after: Sequence[bool], *, block: Sequence[int] | None = None,
                 rng: np.random.Generator, replicates: int = 999) -> Shift:  # fmt: skip
    """Test whether the mix of places, modes, hours or substances moved at a date, by permuting whole blocks of time.

    ``block`` gives each event its block (day, week): events of one block stay together. Events without a category are
    left out. Refuses (p None) with fewer than ten events or five blocks on a side.
    """
    known = [
        (c, a, b)
        for c, a, b in zip(categories, is_after, block if block is not None else range(len(categories)), strict=True)
        if c
    ]
    names = sorted({c for c, _, _ in known})
    code = np.array([names.index(c) for c, _, _ in known], dtype=int)
    late = np.array([a for _, a, _ in known], dtype=bool)
    blocks = np.unique(np.array([b for _, _, b in known]), return_inverse=True)[1] if known else np.zeros(0, int)
    old, new = (np.bincount(code[side], minlength=max(len(names), 1)) for side in (~late, late))
    tables = (dict(zip(names, old.tolist(), strict=False)), dict(zip(names, new.tolist(), strict=False)))
    sides = [len(set(blocks[side].tolist())) for side in (~late, late)]
    if min(old.sum(), new.sum()) < 10 or min(sides) < 5:
        return Shift(
            kind,
            *tables,
            math.nan,
            None,
            "",
            f"refused: {int(old.sum())} events before and {int(new.sum())} after with a known {kind}; "
            "at least ten, in five blocks, are needed on each side",
        )
    per_block = np.zeros((blocks.max() + 1, len(names)))
    np.add.at(per_block, (blocks, code), 1)
    is_late = np.zeros(len(per_block), bool)
    is_late[blocks[late]] = True
    seen = _mix_distance(per_block, is_late)
    beaten = sum(_mix_distance(per_block, rng.permutation(is_late)) >= seen - 1e-12 for _ in range(replicates))
    p_value = (1 + beaten) / (1 + replicates)
    moved = new / new.sum() - old / old.sum()
    largest = f"{names[int(np.argmin(moved))]} → {names[int(np.argmax(moved))]}"
    return Shift(
        kind,
        *tables,
        seen,
        p_value,
        largest,
        f"the {kind} moved, most from {largest}" if p_value <= 0.05 else f"no evidence that the {kind} moved",
    )


def _mix_distance(per_block: FloatArray, late: BoolArray) -> float:
    old, new = per_block[~late].sum(axis=0), per_block[late].sum(axis=0)
    return float(0.5 * np.abs(old / max(old.sum(), 1) - new / max(new.sum(), 1)).sum())
