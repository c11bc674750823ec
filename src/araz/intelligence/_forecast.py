"""Forecasts of monthly series, judged by what they would have said: rolling origin, and whether they beat naive."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from araz.intelligence._conformal import interval_ends
from araz.intelligence._totals import binomial_interval
from araz.intelligence._words import model_said
from araz.vocabulary import FloatArray, phrase

Forecaster = Callable[[FloatArray, int, int], FloatArray]
"""(history, horizon, season) → the next ``horizon`` values, in the series' unit, never below zero."""
NAIVE: Final = "seasonal naive"
#: Months a model has to see, and origins whose errors make the first interval.
FIRST_ORIGIN: Final = 18
CALIBRATION: Final = 10
#: Months of the longest series: a mistyped year makes a longer one, and an answer of hours.
LONGEST: Final = 600


def seasonal_naive(history: FloatArray, horizon: int, season: int) -> FloatArray:
    """Repeat the last season; the last value where there is no full season."""
    if len(history) < season:
        return np.full(horizon, history[-1])
    return np.asarray(history[-season:][np.arange(horizon) % season])


def ets(history: FloatArray, horizon: int, season: int) -> FloatArray:
    """Exponential smoothing of ln(1 + y), damped trend, with seasons where two are seen (statsmodels)."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    seasonal = {"seasonal": "add", "seasonal_periods": season} if len(history) >= 2 * season + 2 else {}
    model = ExponentialSmoothing(
        np.log1p(history), trend="add", damped_trend=True, initialization_method="estimated", **seasonal
    )
    return _back(model.fit(optimized=True).forecast(horizon))


def arima(history: FloatArray, horizon: int, season: int) -> FloatArray:
    """ARIMA of ln(1 + y), order by AICc among two (statsmodels)."""
    from statsmodels.tsa.arima.model import ARIMA

    logs, best, lowest = np.log1p(history), None, math.inf
    for order, trend in (((1, 0, 0), "c"), ((0, 1, 1), "n")):
        fitted = ARIMA(logs, order=order, trend=trend).fit(method_kwargs={"maxiter": 40})
        if fitted.aicc < lowest:
            best, lowest = fitted, fitted.aicc
    return seasonal_naive(history, horizon, season) if best is None else _back(best.forecast(horizon))


def croston(history: FloatArray, horizon: int, season: int, alpha: float = 0.1) -> FloatArray:
    """Croston's method: smoothed size over smoothed gap of the non-zero months; for series with many zeros."""
    at = np.flatnonzero(history > 0)
    if not len(at):
        return np.zeros(horizon)
    size, gap = float(history[at[0]]), float(at[0] + 1)
    for before, now in pairwise(at):
        size += alpha * (float(history[now]) - size)
        gap += alpha * (float(now - before) - gap)
    return np.full(horizon, size / gap)


def tsb(history: FloatArray, horizon: int, season: int, alpha: float = 0.2, beta: float = 0.2) -> FloatArray:
    """Teunter-Syntetos-Babai: smoothed chance of a month with seizures times smoothed size; zeros pull it down."""
    positive = history[history > 0]
    if not len(positive):
        return np.zeros(horizon)
    chance, size = len(positive) / len(history), float(positive[0])
    for value in history:
        chance += beta * (float(value > 0) - chance)
        if value > 0:
            size += alpha * (float(value) - size)
    return np.full(horizon, chance * size)


def nb_regression(history: FloatArray, horizon: int, season: int) -> FloatArray:
    """Negative-binomial regression on a trend and one pair of harmonics, dispersion by moments (statsmodels)."""
    import statsmodels.api as sm

    n = len(history)
    design = _design(np.arange(n + horizon, dtype=float), n, season)
    mean, variance = float(history.mean()), float(history.var())
    family = sm.families.NegativeBinomial(alpha=min(5.0, max(0.01, (variance - mean) / max(mean, 1e-9) ** 2)))
    fitted = sm.GLM(history, design[:n], family=family).fit(maxiter=50)
    return np.asarray(np.minimum(fitted.predict(design[n:]), 3 * history.max() + 1))


def _design(t: FloatArray, n: int, season: int) -> FloatArray:
    angle = 2 * np.pi * t / season
    return np.column_stack([np.ones(len(t)), np.minimum(t, n) / n - 0.5, np.sin(angle), np.cos(angle)])


def _back(logs: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(np.expm1(np.minimum(logs, 30.0)), 0.0))


MODELS: Final[dict[str, Forecaster]] = {
    NAIVE: seasonal_naive, "ETS": ets, "ARIMA": arima, "Croston": croston, "TSB": tsb, "NB regression": nb_regression,
}  # fmt: skip
MEAN: Final = "mean of all"


class Score(NamedTuple):
    """One model over all origins and horizons."""

    model: str
    mase: float
    crps: float
    coverage: float
    """Share of outcomes inside the interval; beside it the level it aimed at."""
    level: float
    width: float
    """Mean width of the intervals on ln(1 + y): exp of it is how many times the lower end the upper one is."""
    interval_score: float
    """Mean of the width and, for each outcome outside, 2/(1 − level) times how far (same scale); less is better."""
    judged: int
    p_versus_naive: float
    """Of no better absolute error than seasonal naive (Diebold-Mariano, small-sample form, one-sided)."""
    failures: int
    """Origins where the model did not fit and naive stood in."""
    coverage_low: float
    coverage_high: float
    """Exact 95 % binomial interval of the coverage, as if the outcomes were independent: the least doubt there is."""

    @property
    def as_stated(self) -> bool:
        """The coverage seen agrees with the level that was aimed at; a short series cannot tell more."""
        return self.coverage_low <= self.level <= self.coverage_high


class Forecast(NamedTuple):
    """What comes next, and how well such statements have held."""

    model: str
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    level: float
    scores: list[Score]
    beats_naive: bool
    sentence: str


def forecast(values: FloatArray, *, horizon: int = 3, season: int = 12, level: float = 0.9,
             models: Sequence[str] | None = None) -> Forecast:  # fmt: skip
    """Forecast a monthly series and judge every model by rolling origin on the same series.

    Interval: adaptive conformal on ln(1 + y), from the model's own past errors of that horizon known at the origin
    (``_conformal``); a break in the series is missed until its first month is known. The model with the least MASE is
    shown; where it does not beat seasonal naive, naive is shown and that is said. Raises ValueError below 36
    months and above 600.
    """
    data = np.asarray(values, float)
    least = FIRST_ORIGIN + CALIBRATION + horizon + 5
    if len(data) < least or np.any(~np.isfinite(data)) or np.any(data < 0):
        raise ValueError(phrase("ahead.short", n=len(data), least=least, horizon=horizon))
    if len(data) > LONGEST:
        raise ValueError(phrase("ahead.long", n=len(data)))
    names = list(MODELS) if models is None else list(models)
    predictions, failures = _roll(data, horizon, season, names)
    errors = {name: _errors(data, rows) for name, rows in predictions.items()}
    scores = [
        _score(name, data, predictions, errors, failures.get(name, 0), horizon, season, level) for name in predictions
    ]
    ranked = sorted(scores, key=lambda score: score.mase)
    winner = ranked[0]
    beats = winner.model != NAIVE and winner.p_versus_naive < 0.05
    shown = winner.model if beats else NAIVE
    ahead = predictions[shown][len(data) - FIRST_ORIGIN]
    low, high = (ends[-1] for ends in interval_ends(errors[shown], level, CALIBRATION))
    words = phrase(
        "ahead.beats" if beats else "ahead.naive",
        model=model_said(winner.model),
        mase=f"{winner.mase:.2f}",
        naive=f"{_of(scores, NAIVE).mase:.2f}",
        p=f"{winner.p_versus_naive:.{3 if beats else 2}f}",
    )
    return Forecast(
        shown, ahead, _back(np.log1p(ahead) + low), _back(np.log1p(ahead) + high), level, ranked, beats, words
    )


def _of(scores: list[Score], model: str) -> Score:
    return next(score for score in scores if score.model == model)


def _roll(
    data: FloatArray, horizon: int, season: int, names: list[str]
) -> tuple[dict[str, FloatArray], dict[str, int]]:
    """Predictions (origins, horizon) of each model; origin row k has seen the first FIRST_ORIGIN + k months."""
    if NAIVE not in names:
        names = [NAIVE, *names]
    origins = range(FIRST_ORIGIN, len(data) + 1)
    failures: dict[str, int] = {}
    found: dict[str, FloatArray] = {}
    import_module("statsmodels.api")  # it sets warning filters of its own when first imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fits that end at a bound or a starting value are what they are
        for name in names:
            rows = []
            for origin in origins:
                ahead = _safely(MODELS[name], data[:origin], horizon, season)
                if ahead is None:
                    failures[name] = failures.get(name, 0) + 1
                    ahead = seasonal_naive(data[:origin], horizon, season)
                rows.append(ahead)
            found[name] = np.array(rows)
    if len(names) > 2:
        found[MEAN] = _back(np.mean([np.log1p(rows) for rows in found.values()], axis=0))
    return found, failures


def _safely(model: Forecaster, history: FloatArray, horizon: int, season: int) -> FloatArray | None:
    """A model's forecast, or None where it did not converge to numbers a person could believe."""
    try:
        ahead = model(history, horizon, season)
    except (ValueError, FloatingPointError, np.linalg.LinAlgError, IndexError):
        return None
    bound = 10 * (float(history.max()) + 1)
    return ahead if np.all(np.isfinite(ahead)) and np.all(ahead < bound) else None


def _errors(data: FloatArray, rows: FloatArray) -> FloatArray:
    """ln(1 + y) − ln(1 + ŷ), (origins, horizon); NaN where the outcome is not known yet."""
    errors = np.full(rows.shape, np.nan)
    for k in range(len(rows)):
        outcome = data[FIRST_ORIGIN + k : FIRST_ORIGIN + k + rows.shape[1]]
        errors[k, : len(outcome)] = np.log1p(outcome) - np.log1p(rows[k, : len(outcome)])
    return errors


def _past(errors: FloatArray, k: int, step: int) -> FloatArray:
    """Errors of this horizon whose outcome was known at origin k."""
    known = errors[: max(0, k - step), step]
    return np.asarray(known[np.isfinite(known)])


def _score(name: str, data: FloatArray, predictions: dict[str, FloatArray], errors: dict[str, FloatArray], failed: int,
           horizon: int, season: int, level: float) -> Score:  # fmt: skip
    scaled, crps, inside, gaps = [], [], [], []
    low, high = interval_ends(errors[name], level, CALIBRATION)
    widths, scored = [], []
    for k in range(CALIBRATION + horizon, len(predictions[name])):
        origin = FIRST_ORIGIN + k
        scale = float(np.mean(np.abs(data[season:origin] - data[: origin - season]))) or 1.0
        for step in range(min(horizon, len(data) - origin)):
            outcome, said = float(data[origin + step]), float(predictions[name][k, step])
            scaled.append(abs(outcome - said) / scale)
            gaps.append((k, (abs(outcome - float(predictions[NAIVE][k, step])) - abs(outcome - said)) / scale))
            error, bottom, top = (float(part[k, step]) for part in (errors[name], low, high))
            inside.append(bottom <= error <= top)
            widths.append(top - bottom)
            scored.append(top - bottom + 2 / (1 - level) * max(0.0, bottom - error, error - top))
            crps.append(_crps(_back(math.log1p(said) + _past(errors[name], k, step)), outcome))
    return Score(
        name,
        float(np.mean(scaled)),
        float(np.mean(crps)),
        float(np.mean(inside)),
        level,
        float(np.mean(widths)),
        float(np.mean(scored)),
        len(scaled),
        _diebold_mariano(gaps, horizon),
        failed,
        *map(float, binomial_interval(int(np.sum(inside)), len(inside))),
    )


def _crps(ensemble: FloatArray, outcome: float) -> float:
    """E|X − y| − ½ E|X − X′| of an ensemble: the continuous ranked probability score, in the unit of the series."""
    ordered = np.sort(ensemble)
    n = len(ordered)
    spread = float((ordered * (2 * np.arange(1, n + 1) - n - 1)).sum()) / n**2
    return float(np.abs(ordered - outcome).mean()) - spread


def _diebold_mariano(gaps: list[tuple[int, float]], horizon: int) -> float:
    """One-sided p that the gain over naive is not above zero; origins' mean gains, overlap of h − 1 allowed for."""
    origins = sorted({k for k, _ in gaps})
    gain = np.array([np.mean([g for k, g in gaps if k == origin]) for origin in origins])
    n = len(gain)
    if n < 5 or np.allclose(gain, 0):
        return 1.0
    centred = gain - gain.mean()
    variance = float((centred**2).mean())
    for lag in range(1, min(horizon, n - 1)):
        variance += 2 * (1 - lag / horizon) * float((centred[lag:] * centred[:-lag]).sum()) / n
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = float(gain.mean()) / math.sqrt(max(variance, 1e-12) / n) * math.sqrt(max(correction, 0.05))
    return float(stats.t.sf(statistic, n - 1))
