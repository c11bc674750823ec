"""Whether a closure or a deployment moved it, or there is no evidence, or no way to tell."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np

from araz.intelligence._totals import Interval
from araz.intelligence._words import category_said, judged, kind_said
from araz.vocabulary import BoolArray, FloatArray, phrase

#: Fewer events than this before the change, in any of the three areas, carry no ratio.
FEWEST_BEFORE: Final = 10
FEWEST_PERIODS: Final = 6
_BINS: Final = 24


class Quotient(NamedTuple):
    """The weighted displacement quotient, where it is defined."""

    value: float | None
    meaning: str


class Placebos(NamedTuple):
    """How large a change of level pretended orders of time show, beside the one that was seen: |ln ratio|."""

    edges: FloatArray
    """(bins + 1) edges of the size, from nothing to the largest."""
    direct: list[int]
    """Pretended orders in each bin, treated area against the control; so for the neighbours."""
    neighbours: list[int]
    seen_direct: float
    seen_neighbours: float


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
    pretended: Placebos | None = None
    """None where refused."""


def weighted_displacement_quotient(before: Sequence[float], after: Sequence[float]) -> Quotient:
    """Return WDQ = (B₁/C₁ − B₀/C₀) / (A₁/C₁ − A₀/C₀) of counts (treated A, buffer B, control C).

    Undefined where the control is zero or A did not fall against it. Below −1 displacement exceeds the gain, −1 to 0
    partial displacement, above 0 diffusion, above 1 diffusion exceeds the direct effect. Bowers and Johnson 2003.
    """
    a0, b0, c0 = before
    a1, b1, c1 = after
    if min(c0, c1) <= 0:
        return Quotient(None, phrase("moved.quotient-no-control"))
    gain = a1 / c1 - a0 / c0
    if gain >= 0:
        return Quotient(None, phrase("moved.quotient-no-fall"))
    value = (b1 / c1 - b0 / c0) / gain
    steps = (
        (-1.0, "moved.quotient-exceeds"),
        (-1e-12, "moved.quotient-partly"),
        (1e-12, "moved.quotient-nothing"),
        (1.0, "moved.quotient-spread"),
    )
    return Quotient(value, phrase(next((key for edge, key in steps if value < edge), "moved.quotient-spread-most")))


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
        return _refused(quotient, phrase("moved.no-fit"))
    trend = _pre_trend(counts[:, :change])
    if trend < alpha / 5:
        return _refused(quotient, phrase("moved.apart-before", p=f"{trend:.3f}"))
    p_values, pretended = _placebo(counts, change, effort, rng, replicates)
    return _verdict(*fit, p_values, quotient, alpha, replicates)._replace(pretended=pretended)


def _refused(quotient: Quotient, reason: str) -> Displacement:
    return Displacement(
        None, None, None, None, quotient, None, judged("refused"), phrase("moved.refused", why=reason), 0
    )


def _refusal(counts: FloatArray, change: int, effort: FloatArray | None) -> str:
    periods = counts.shape[1]
    if np.any(~np.isfinite(counts)) or np.any(counts < 0):
        return phrase("moved.count-unknown")
    if min(change, periods - change) < FEWEST_PERIODS:
        return phrase("moved.few-periods", before=change, after=periods - change, least=FEWEST_PERIODS)
    few = [
        key
        for key, row in zip(("moved.the-treated", "moved.the-buffer", "moved.the-control"), counts, strict=True)
        if row[:change].sum() < FEWEST_BEFORE
    ]
    if few:
        return phrase("moved.few-before", least=FEWEST_BEFORE, area=phrase(few[0]))
    if effort is not None and (effort.shape != counts.shape or np.any(effort <= 0)):
        return phrase("moved.no-effort")
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
) -> tuple[tuple[float, float], Placebos]:
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
    edges = np.linspace(0, max(float(gaps.max()), 1e-9), _BINS + 1)
    bars = [np.histogram(row[1:], edges)[0].tolist() for row in gaps]
    seen = Placebos(edges, bars[0], bars[1], float(gaps[0, 0]), float(gaps[1, 0]))
    return (float(beaten[0]), float(beaten[1])), seen


def _verdict(direct: Interval, neighbours: Interval, dispersion: float, p_values: tuple[float, float],
             quotient: Quotient, alpha: float, placebos: int) -> Displacement:  # fmt: skip
    moved = p_values[1] <= alpha and not neighbours.low <= 1 <= neighbours.high
    verdict = "no evidence of displacement" if not moved else "displaced" if neighbours.estimate > 1 else "diffused"
    fell = direct.high < 1 and p_values[0] <= alpha
    last = {
        "displaced": "moved.rose-beside" if fell else "moved.rose-without-fall",
        "diffused": "moved.fell-too",
        "no evidence of displacement": "moved.no-evidence",
    }[verdict]
    ratios = {"direct": direct, "neighbours": neighbours}
    said = phrase(
        "moved.said", last=phrase(last),
        **{name: phrase("moved.ratio", ratio=f"{r.estimate:.2f}", low=f"{r.low:.2f}", high=f"{r.high:.2f}")
           for name, r in ratios.items()},
    )  # fmt: skip
    if verdict == "displaced" and not fell:
        verdict = "no evidence of displacement"
    return Displacement(
        direct, neighbours, p_values[0], p_values[1], quotient, dispersion, judged(verdict), said, placebos
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
    shown = "moved.as-expected" if low <= 0 <= high else "moved.more" if low > 0 else "moved.less"
    said = phrase("moved.against", effect=f"{effect.estimate:+,.0f}", low=f"{low:+,.0f}", high=f"{high:+,.0f}",
                  shown=phrase(shown))  # fmt: skip
    return Counterfactual(edges[1], edges[0], edges[2], effect, said)


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
            phrase("moved.mix-few", before=int(old.sum()), after=int(new.sum()), kind=kind_said(kind)),
        )
    per_block = np.zeros((blocks.max() + 1, len(names)))
    np.add.at(per_block, (blocks, code), 1)
    is_late = np.zeros(len(per_block), bool)
    is_late[blocks[late]] = True
    seen = _mix_distance(per_block, is_late)
    beaten = sum(_mix_distance(per_block, rng.permutation(is_late)) >= seen - 1e-12 for _ in range(replicates))
    p_value = (1 + beaten) / (1 + replicates)
    moved = new / new.sum() - old / old.sum()
    ends = (category_said(kind, names[int(pick(moved))]) for pick in (np.argmin, np.argmax))
    largest = phrase("moved.from-to", **dict(zip(("old", "new"), ends, strict=True)))
    return Shift(
        kind,
        *tables,
        seen,
        p_value,
        largest,
        phrase("moved.mix-moved", kind=kind_said(kind), largest=largest)
        if p_value <= 0.05
        else phrase("moved.mix-stays", kind=kind_said(kind)),
    )


def _mix_distance(per_block: FloatArray, late: BoolArray) -> float:
    old, new = per_block[~late].sum(axis=0), per_block[late].sum(axis=0)
    return float(0.5 * np.abs(old / max(old.sum(), 1) - new / max(new.sum(), 1)).sum())
