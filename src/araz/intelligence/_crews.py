"""Two sorties, one crew? Calibrated odds with what would refute them. Events are compared, never persons.

The odds are those of record linkage (Fellegi and Sunter 1969), ln p/(1 - p) = ln pi/(1 - pi) + sum b_f ln m_f/u_f:

| part | what it is | whence |
|---|---|---|
| m_f | how often a feature of one crew's two sorties differs so much | solved cases; each crew counts by its sorties |
| u_f | the same of two crews' sorties | solved cases, then the record at hand: nearly all its pairs are of two crews |
| b_f | what is left of a feature's say beside the others; 1 where all are independent | logistic fit, solved cases |
| pi | how many of the record's pairs are one crew's | the record at hand, begun from ``PRIOR`` |

All of it is done again with the solved crews weighted at random (Bayesian bootstrap over crews, as the pairs of one
crew are one observation and not many): the odds are the mean, their interval what other solved cases might have said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit, logit

from araz.vocabulary import FloatArray, IntArray

#: Before a record is seen: how often two of its sorties are one crew's, and the spread of its logit.
PRIOR: Final = 0.05
PRIOR_SPREAD: Final = 1.5
#: Reweightings of the solved crews.
DRAWS: Final = 40
#: Pull of each coefficient towards independence, and what the solved cases' u weighs beside a record, in sorties.
_RIDGE: Final = 2.0
_KEEP: Final = 10.0
#: What an empty bin is worth, in sorties.
_SMOOTH: Final = 0.1
#: Bins wide enough to be filled by a few hundred pairs. Words: different, same.
_EDGES: Final[dict[str, tuple[float, ...]]] = {
    "serial": (0.5,), "radio": (0.5,), "corridor_km": (2.0, 5.0, 15.0, 50.0), "hour": (0.5, 1.5, 4.0),
    "load_kg": (0.15, 0.4, 0.9), "drop_style": (0.5,), "gap_days": (3.0, 10.0, 30.0, 90.0),
}  # fmt: skip
_WORDS: Final = ("serial", "radio", "drop_style")


class Sortie(NamedTuple):
    """What is known of one sortie; unknown stays None and counts neither way."""

    sortie_id: str
    day: float
    """Days since any fixed day, UTC."""
    serial: str | None = None
    radio: str | None = None
    """Class of the radio habit: hopping pattern, channel, video format."""
    corridor_km: float | None = None
    """Where along the border it crossed."""
    hour: float | None = None
    """Local hour of the crossing, 0 to 24."""
    load_kg: float | None = None
    drop_style: str | None = None
    """``lowered``, ``thrown``, ``landed``, …"""


class Weight(NamedTuple):
    """One feature's say: natural log of its likelihood ratio beside the other features."""

    feature: str
    weight: float
    sentence: str


class CrewOdds(NamedTuple):
    """How likely two sorties are one crew's, with everything that was weighed."""

    one: str
    other: str
    probability: float
    low: float
    high: float
    """90 % interval: what other solved cases, and other shares of such pairs in the record, might have said."""
    prior: float
    """The probability before any feature was weighed."""
    weights: list[Weight]
    would_refute: list[str]
    """Findings that would make it improbable."""


class CrewModel(NamedTuple):
    """What solved cases say, once for each reweighting of their crews (draws first); fitted to a record or not."""

    prior: FloatArray
    """(draws,) chance that two sorties of the record are one crew's."""
    same: dict[str, FloatArray]
    """Feature → (draws, bins) m, chances of each bin for one crew's pairs."""
    different: dict[str, FloatArray]
    """Feature → (draws, bins) u."""
    coefficients: FloatArray
    """(draws, features) b_f, in the order of the features."""


def _apart(sorties: Sequence[Sortie], i: IntArray, j: IntArray) -> dict[str, FloatArray]:
    """Feature → how far the pairs (i, j) are apart, 0/1 for words; NaN where it is unknown of either."""
    found: dict[str, FloatArray] = {}
    for name in _EDGES:
        known = [getattr(sortie, "day" if name == "gap_days" else name) for sortie in sorties]
        if name in _WORDS:
            codes = {word: float(k) for k, word in enumerate(dict.fromkeys(known))}
            values = np.array([math.nan if word is None else codes[word] for word in known])
        else:
            values = np.array([math.nan if value is None else float(value) for value in known])
        if name == "load_kg":
            values = np.log(np.where(values > 0, values, math.nan))
        gap = np.abs(values[i] - values[j])
        if name in _WORDS:
            gap = np.where(np.isfinite(gap), (gap == 0).astype(float), math.nan)
        found[name] = np.minimum(gap % 24, 24 - gap % 24) if name == "hour" else gap
    return found


def _bins(apart: dict[str, FloatArray]) -> IntArray:
    """(pairs, features) index of the bin, −1 where unknown."""
    columns = [
        np.where(np.isfinite(apart[name]), np.digitize(np.nan_to_num(apart[name]), edges), -1)
        for name, edges in _EDGES.items()
    ]
    return np.column_stack(columns)


def _shares(bins: IntArray, weight: FloatArray, feature: int) -> FloatArray:
    """Chances of one feature's bins, each bin with a little beforehand."""
    known = bins[:, feature] >= 0
    size = len(list(_EDGES.values())[feature]) + 1
    count = np.bincount(bins[known, feature], weight[known], size) + _SMOOTH
    return np.asarray(count / count.sum())


def _says(bins: IntArray, same: Sequence[FloatArray], different: Sequence[FloatArray]) -> FloatArray:
    """(pairs, features) ln m/u, 0 where unknown."""
    said = np.zeros(bins.shape)
    for feature, (one, two) in enumerate(zip(same, different, strict=True)):
        known = bins[:, feature] >= 0
        said[known, feature] = np.log(one / two)[bins[known, feature]]
    return said


def learn_crews(solved: Sequence[tuple[str, Sortie]], *, rng: np.random.Generator, draws: int = DRAWS) -> CrewModel:
    """Learn from sorties whose crew is known: (crew, sortie). The first draw weights all crews alike.

    Raises ValueError with fewer than 30 pairs of one crew or of two, or fewer than five crews of two sorties and more.
    """
    i, j = np.triu_indices(len(solved), 1)
    codes = {crew: k for k, crew in enumerate(dict.fromkeys(crew for crew, _ in solved))}
    crew = np.array([codes[name] for name, _ in solved], int)
    size = np.bincount(crew, minlength=len(codes))
    same = crew[i] == crew[j]
    if min(int(same.sum()), int((~same).sum())) < 30 or int((size >= 2).sum()) < 5:
        raise ValueError(
            f"{int(same.sum())} pairs of one crew and {int((~same).sum())} of two, {int((size >= 2).sum())} crews "
            "with two sorties or more; at least 30 of each kind of pair and five such crews are needed"
        )
    bins = _bins(_apart([sortie for _, sortie in solved], i, j))
    # A crew with ten sorties has 45 pairs but is ten sorties' worth of knowledge.
    worth = np.where(same, 2 / size[crew[i]], 2 / len(solved))
    features = range(len(_EDGES))
    found = []
    for draw in range(draws):
        of_crew = np.ones(len(codes)) if draw == 0 else rng.exponential(size=len(codes))
        weight = worth * np.where(same, of_crew[crew[i]], of_crew[crew[i]] * of_crew[crew[j]])
        m, u = ([_shares(bins, weight * side, f) for f in features] for side in (same, ~same))
        found.append((m, u, _fit(_says(bins, m, u), same, weight)))
    same_of, different_of = (
        {name: np.array([row[side][f] for row in found]) for f, name in enumerate(_EDGES)} for side in (0, 1)
    )
    return CrewModel(np.full(draws, PRIOR), same_of, different_of, np.array([row[2] for row in found]))


def _fit(said: FloatArray, same: FloatArray, weight: FloatArray) -> FloatArray:
    """Logistic coefficients b_f, each pulled to 1, by damped Newton steps; the base rate is known, so no constant."""
    start = np.ones(said.shape[1])
    base = float(logit((weight * same).sum() / weight.sum()))
    sign = np.where(same, -1.0, 1.0)

    def loss(b: FloatArray) -> float:
        return float(
            (weight * np.logaddexp(0, sign * (base + said @ b))).sum() + 0.5 * _RIDGE * ((b - start) ** 2).sum()
        )

    b, reached = start, loss(start)
    for _ in range(40):
        p = expit(base + said @ b)
        slope = said.T @ (weight * (p - same)) + _RIDGE * (b - start)
        step = np.linalg.solve((said * (weight * p * (1 - p))[:, None]).T @ said + _RIDGE * np.eye(len(b)), slope)
        while np.abs(step).max() > 1e-9 and loss(b - step) > reached:
            step = step / 2
        b, before = b - step, reached
        reached = loss(b)
        if before - reached < 1e-8 * (1 + abs(before)):
            break
    return np.asarray(b)


def fit_to_record(model: CrewModel, sorties: Sequence[Sortie]) -> CrewModel:
    """Return the model with u and pi of a record whose crews are not known, such as a season's sorties.

    u = (all pairs − pi m)/(1 − pi), beside what the solved cases said; pi by its posterior on a grid, prior
    logit-normal, each sortie counted once although it stands in n − 1 pairs. The draws carry pi's quantiles. Fewer than
    three sorties say nothing and change nothing.
    """
    n = len(sorties)
    if n < 3:
        return model
    bins = _bins(_apart(sorties, *np.triu_indices(n, 1)))
    share = [float((bins[:, f] >= 0).mean()) * n for f in range(len(_EDGES))]
    everyone = [_shares(bins, np.full(len(bins), 2 / n), f) for f in range(len(_EDGES))]
    grid = logit(PRIOR) + np.linspace(-3, 3, 61) * PRIOR_SPREAD
    chance, different, odds = PRIOR, model.different, np.ones(1)
    for _ in range(3):  # u and pi by turns; a third turn changes neither
        different = {
            name: _different(everyone[f], model.same[name], model.different[name], chance, share[f])
            for f, name in enumerate(_EDGES)
        }
        likelihood = np.exp(np.minimum(_evidence(model._replace(different=different), bins, [0])[0], 50.0))
        told = np.array([np.log1p(expit(x) * (likelihood - 1)).sum() for x in grid]) * 2 / (n - 1)
        posterior = np.exp((told - told.max()) - np.linspace(-3, 3, 61) ** 2 / 2)
        odds = np.cumsum(posterior) / posterior.sum()
        chance = float((posterior * expit(grid)).sum() / posterior.sum())
    at = np.interp((np.arange(len(model.prior)) + 0.5) / len(model.prior), odds, grid)
    return CrewModel(expit(at), model.same, different, model.coefficients)


def _different(everyone: FloatArray, same: FloatArray, learned: FloatArray, chance: float, share: float) -> FloatArray:
    rest = np.maximum(everyone - chance * same, 0.02 * everyone)
    return np.asarray((_KEEP * learned + share * rest / rest.sum(axis=1, keepdims=True)) / (_KEEP + share))


def _evidence(model: CrewModel, bins: IntArray, draws: Sequence[int]) -> FloatArray:
    """(draws, pairs) Σ b_f ln m/u."""
    rows = []
    for k in draws:
        said = _says(bins, [model.same[name][k] for name in _EDGES], [model.different[name][k] for name in _EDGES])
        rows.append(said @ model.coefficients[k])
    return np.array(rows)


def _probabilities(model: CrewModel, bins: IntArray) -> FloatArray:
    return np.asarray(expit(_evidence(model, bins, range(len(model.prior))) + logit(model.prior)[:, None]))


def crew_odds(model: CrewModel, one: Sortie, other: Sortie) -> CrewOdds:
    """Return the odds that two sorties are one crew's, each feature's say, and what would refute it.

    A serial number can be cloned and an aircraft sold, so even the same serial is only a weight.
    """
    apart = _apart([one, other], np.array([0]), np.array([1]))
    bins = _bins(apart)
    return _told(model, one, other, {name: float(gap[0]) for name, gap in apart.items()}, bins,
                 _probabilities(model, bins)[:, 0])  # fmt: skip


def _told(model: CrewModel, one: Sortie, other: Sortie, apart: dict[str, float], bins: IntArray,
          probability: FloatArray) -> CrewOdds:  # fmt: skip
    weights = []
    for feature, name in enumerate(_EDGES):
        at = int(bins[0, feature])
        if at >= 0:
            says = model.coefficients[:, feature] * np.log(model.same[name][:, at] / model.different[name][:, at])
            weights.append(Weight(name, float(says.mean()), _words(name, apart[name], float(says.mean()))))
    refute = [text for name, text in _REFUTES.items() if not math.isfinite(apart[name])]
    refute.append("the two sorties in the air at one time, further apart than one crew can serve")
    low, high = np.quantile(probability, [0.05, 0.95])
    return CrewOdds(
        one.sortie_id,
        other.sortie_id,
        float(probability.mean()),
        float(low),
        float(high),
        float(model.prior.mean()),
        sorted(weights, key=lambda item: -abs(item.weight)),
        refute,
    )


def _words(name: str, value: float, weight: float) -> str:
    speaks = "for" if weight > 0 else "against"
    text = {
        "serial": "the same serial number" if value else "different serial numbers",
        "radio": "the same radio habit" if value else "different radio habits",
        "drop_style": "the load was let go the same way" if value else "the loads were let go differently",
        "corridor_km": f"crossings {value:.1f} km apart",
        "hour": f"hours {value:.1f} h apart",
        "load_kg": f"loads a factor {math.exp(value):.1f} apart" if value < 5 else "loads of another order",
        "gap_days": f"{value:.0f} days apart",
    }[name]
    return f"{text} ({speaks}, {abs(weight):.1f})"


_REFUTES: Final = {
    "serial": "two different serial numbers read from the recovered aircraft",
    "radio": "two different radio habits, once both sorties are recorded",
    "drop_style": "another way of letting the load go",
    "load_kg": "loads of different classes, once weighed",
    "hour": "crossing hours far apart, once both are timed",
    "corridor_km": "crossings in different corridors, once both are placed",
}


def link_sorties(model: CrewModel, sorties: Sequence[Sortie], least: float = 0.5) -> list[CrewOdds]:
    """Return all pairs of a record at or above a probability, most likely first; none is a statement about a person.

    The model is fitted to the record first (``fit_to_record``).
    """
    if len(sorties) < 2:
        return []
    i, j = np.triu_indices(len(sorties), 1)
    apart = _apart(sorties, i, j)
    bins = _bins(apart)
    fitted = fit_to_record(model, sorties)
    chances = _probabilities(fitted, bins)
    found = [
        _told(fitted, sorties[i[k]], sorties[j[k]], {name: float(gap[k]) for name, gap in apart.items()},
              bins[k : k + 1], chances[:, k])
        for k in np.flatnonzero(chances.mean(axis=0) >= least)
    ]  # fmt: skip
    return sorted(found, key=lambda item: -item.probability)
