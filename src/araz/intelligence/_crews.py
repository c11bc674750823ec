"""Two sorties, one crew? Calibrated odds with what would refute them. Events are compared, never persons.

The odds are those of record linkage (Fellegi and Sunter 1969) where two crews may share their habits (radio, hour,
load, way of dropping), as those taught by one school do. With T and H the sums of b_f ln m_f/u_f over all features and
over the habits, ln p/(1 - p) = ln pi/(1 - pi) + T - ln(1 - s + s exp H): the habits together say no more than 1/s.

| part | what it is | whence |
|---|---|---|
| m_f | how often a feature of one crew's two sorties differs so much | solved cases, each crew by its sorties; record |
| u_f | the same of two crews' sorties that share no habits | solved cases, then the record: nearly all its pairs |
| b_f | what is left of a feature's say beside the others; 1 where all are independent | logistic fit, solved cases |
| s | how many pairs of two crews share their habits | solved cases, then the record |
| pi | how many of the record's pairs are one crew's | the record at hand, begun from ``PRIOR`` |

All of it is done again with the solved crews weighted at random (Bayesian bootstrap over crews, as the pairs of one
crew are one observation and not many): the odds are the mean, their interval what other solved cases might have said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import expit, logit

from araz.vocabulary import FloatArray, IntArray, phrase

#: Before a record is seen: how often two of its sorties are one crew's, and the spread of its logit.
PRIOR: Final = 0.05
PRIOR_SPREAD: Final = 1.5
#: The same of s, and the spread from solved cases to a record.
SCHOOL: Final = 0.03
SCHOOL_SPREAD: Final = 1.5
#: What the record's pairs weigh when pi and s are read from them: each sortie so often, and not once a pair. At two,
#: the 90 % interval of pi still holds in the simulated worlds (docs/measured.md).
_COUNTED: Final = 2.0
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
_HABITS: Final = np.array([name in ("radio", "hour", "load_kg", "drop_style") for name in _EDGES])


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
    school: FloatArray
    """(draws,) s, chance that two crews share their habits."""
    worth: float
    """Sorties that the solved cases are worth beside a record's: sorties less crews."""


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
            phrase("refusal.few-solved", one=int(same.sum()), two=int((~same).sum()), crews=int((size >= 2).sum()))
        )
    bins = _bins(_apart([sortie for _, sortie in solved], i, j))
    # A crew with ten sorties has 45 pairs but is ten sorties' worth of knowledge.
    worth = np.where(same, 2 / size[crew[i]], 2 / len(solved))
    kinds, kind_of = np.unique(np.column_stack([bins, same]), axis=0, return_inverse=True)
    bins, alike = kinds[:, :-1], kinds[:, -1] == 1
    found: list[tuple[list[FloatArray], list[FloatArray], FloatArray, float]] = []
    for draw in range(draws):
        of_crew = np.ones(len(codes)) if draw == 0 else rng.exponential(size=len(codes))
        each = worth * np.where(same, of_crew[crew[i]], of_crew[crew[i]] * of_crew[crew[j]])
        weight = np.bincount(kind_of.ravel(), each, len(kinds))
        m, u = ([_shares(bins, weight * side, f) for f in range(len(_EDGES))] for side in (alike, ~alike))
        school = found[0][3] if found else SCHOOL
        for _ in range(1 if found else 3):  # u of crews that share no habits needs s, and s needs u
            rest = [_rest(u[f], m[f], school) if _HABITS[f] else u[f] for f in range(len(_EDGES))]
            b, school = _fit(_says(bins, m, rest), alike, np.asarray(weight))
        found.append((m, rest, b, school))
    return CrewModel(
        np.full(draws, PRIOR),
        {name: np.array([row[0][f] for row in found]) for f, name in enumerate(_EDGES)},
        {name: np.array([row[1][f] for row in found]) for f, name in enumerate(_EDGES)},
        np.array([row[2] for row in found]),
        np.array([row[3] for row in found]),
        float(len(solved) - len(codes)),
    )


def _rest(everyone: FloatArray, same: FloatArray, chance: FloatArray | float) -> FloatArray:
    """Bins of the other part of a mixture, (all − c m)/(1 − c)."""
    rest = np.maximum(everyone - chance * same, 0.02 * everyone)
    return np.asarray(rest / rest.sum(axis=-1, keepdims=True))


def _fit(said: FloatArray, same: FloatArray, weight: FloatArray) -> tuple[FloatArray, float]:
    """Logistic coefficients b_f, each pulled to 1, and s, pulled to ``SCHOOL``; the base rate is known: no constant."""
    base = float(logit((weight * same).sum() / weight.sum()))
    sign = np.where(same, -1.0, 1.0)
    start = np.append(np.ones(said.shape[1]), logit(SCHOOL))
    pull = np.append(np.full(said.shape[1], _RIDGE), SCHOOL_SPREAD**-2)

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        b, s = at[:-1], float(expit(at[-1]))
        shared = np.exp(np.minimum(said[:, _HABITS] @ b[_HABITS], 50.0))
        either = 1 - s + s * shared
        told = base + said @ b - np.log(either)
        off = weight * (expit(told) - same)
        slope = np.append(said.T @ off, -(off * (shared - 1) / either).sum() * s * (1 - s)) + pull * (at - start)
        slope[:-1][_HABITS] -= said[:, _HABITS].T @ (off * s * shared / either)
        value = (weight * np.logaddexp(0, sign * told)).sum() + 0.5 * (pull * (at - start) ** 2).sum()
        return float(value), slope

    bounds = [(0.0, 3.0)] * said.shape[1] + [(-9.0, 1.0)]
    best = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12}).x
    return best[:-1], float(expit(best[-1]))


def fit_to_record(model: CrewModel, sorties: Sequence[Sortie]) -> CrewModel:
    """Return the model with m, u, s and pi of a record whose crews are not known, such as a season's sorties.

    u = (all pairs − c m)/(1 − c), c = pi, for a habit pi + (1 − pi) s, beside what the solved cases said; m of pairs
    weighted by their odds, beside the solved cases by their sorties; pi and s by their posterior on a grid, prior
    logit-normal. The draws carry its quantiles. Fewer than three sorties say nothing and change nothing; few leave pi
    and s near where they began, and wide.
    """
    n = len(sorties)
    if n < 3:
        return model
    pairs = _bins(_apart(sorties, *np.triu_indices(n, 1)))
    bins, count = np.unique(pairs, axis=0, return_counts=True)
    record = _Record(n, bins, count.astype(float), model)
    same, different, middle = model.same, model.different, float(logit(np.median(model.school)))
    at_pi, at_s = logit(PRIOR) + _GRID * PRIOR_SPREAD, middle + _GRID[::2] * SCHOOL_SPREAD
    chance, school, fitted = PRIOR, float(expit(middle)), model
    for turn in range(5):  # a sixth changes none of them
        if turn:
            same = record.same(expit(_evidence(fitted, bins, [0])[0] + logit(chance)))
        different = record.different(same, np.full((len(model.prior), 1), chance), school)
        fitted = model._replace(same=same, different=different, school=np.full(len(model.prior), school))
        posterior = record.posterior(fitted, at_pi, at_s)
        chance = float(posterior.sum(axis=1) @ expit(at_pi))
        school = float(posterior.sum(axis=0) @ expit(at_s))
    level = (np.arange(len(model.prior)) + 0.5) / len(model.prior)
    pi = np.interp(level, np.cumsum(posterior.sum(axis=1)), at_pi)
    # s given pi, its levels in an order that goes with no order of pi (golden section).
    given = [posterior[np.abs(at_pi - value).argmin()].cumsum() for value in pi]
    golden = (np.arange(len(pi)) * 0.618034 + 0.5) % 1
    s = expit(np.array([np.interp(q, row / row[-1], at_s) for q, row in zip(golden, given, strict=True)]))
    prior = expit(pi)
    return model._replace(
        prior=prior, same=same, different=record.different(same, prior[:, None], s[:, None]), school=s
    )


#: Where pi and s are looked for, in spreads from where they begin.
_GRID: Final = np.linspace(-3, 3, 31)


class _Record(NamedTuple):
    """The pairs of a record: its sorties, the kinds of pairs and how many of each."""

    sorties: int
    bins: IntArray
    pairs: FloatArray
    learned: CrewModel

    def different(
        self, same: dict[str, FloatArray], chance: FloatArray, school: FloatArray | float
    ) -> dict[str, FloatArray]:
        found = {}
        for f, name in enumerate(_EDGES):
            weight = self.pairs * 2 / self.sorties
            known = float(self.pairs[self.bins[:, f] >= 0].sum() / self.pairs.sum()) * self.sorties
            mixed = chance + (1 - chance) * school if _HABITS[f] else chance
            rest = _rest(_shares(self.bins, weight, f)[None], same[name], mixed)
            found[name] = (_KEEP * self.learned.different[name] + known * rest) / (_KEEP + known)
        return found

    def same(self, probability: FloatArray) -> dict[str, FloatArray]:
        """Return m beside the solved cases' m; as there a crew counts by its sorties, here by the mean crew's."""
        expected = probability * self.pairs
        weight = expected * 2 / (1 + expected.sum() * 2 / self.sorties)
        found = {}
        for f, name in enumerate(_EDGES):
            here = float(weight[self.bins[:, f] >= 0].sum())
            of_solved = self.learned.worth * self.learned.same[name]
            found[name] = (of_solved + here * _shares(self.bins, weight, f)) / (self.learned.worth + here)
        return found

    def posterior(self, model: CrewModel, at_pi: FloatArray, at_s: FloatArray) -> FloatArray:
        """(pi, s) chances of a grid in logits, prior normal in ``_GRID``."""
        said = _says(self.bins, *([table[name][0] for name in _EDGES] for table in (model.same, model.different)))
        said = said * model.coefficients[0]
        shared = np.exp(np.minimum(said[:, _HABITS].sum(axis=1), 50.0))
        crew = np.exp(np.minimum(said.sum(axis=1), 50.0))
        either = 1 + expit(at_s)[:, None] * (shared - 1)
        told = np.array([np.log(p * crew + (1 - p) * either) @ self.pairs for p in expit(at_pi)])
        told = told * _COUNTED * 2 / (self.sorties - 1) - _GRID[:, None] ** 2 / 2 - _GRID[::2] ** 2 / 2
        chances = np.exp(told - told.max())
        return np.asarray(chances / chances.sum())


def _evidence(model: CrewModel, bins: IntArray, draws: Sequence[int]) -> FloatArray:
    """(draws, pairs) Σ b_f ln m/u − ln(1 − s + s exp H)."""
    rows = []
    for k in draws:
        said = _says(bins, [model.same[name][k] for name in _EDGES], [model.different[name][k] for name in _EDGES])
        said = said * model.coefficients[k]
        rows.append(said.sum(axis=1) - _shared(said[:, _HABITS].sum(axis=1), model.school[k]))
    return np.array(rows)


def _shared(habits: FloatArray, school: FloatArray | float) -> FloatArray:
    """ln(1 − s + s exp H): what the habits say that another crew of one school explains as well."""
    return np.asarray(np.log1p(school * np.expm1(np.minimum(habits, 50.0))))


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
    weights, habits = [], np.zeros(len(model.prior))
    for feature, name in enumerate(_EDGES):
        at = int(bins[0, feature])
        if at >= 0:
            says = model.coefficients[:, feature] * np.log(model.same[name][:, at] / model.different[name][:, at])
            weights.append(Weight(name, float(says.mean()), _words(name, apart[name], float(says.mean()))))
            habits = habits + says if _HABITS[feature] else habits
    shared = -float(_shared(habits, model.school).mean())
    if habits.any():
        text = phrase("crew.school", percent=f"{100 * float(model.school.mean()):.1f}")
        weights.append(Weight("shared_habits", shared, _weighed(text, shared)))
    refute: list[str] = [phrase(key) for name, key in _REFUTES.items() if not math.isfinite(apart[name])]
    refute.append(phrase("crew.refute-air"))
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
    if name in _WORDS:
        text = phrase(f"crew.{'same' if value else 'other'}-{name.replace('_', '-')}")
    elif name == "load_kg":
        far = value >= 5
        text = phrase("crew.loads-of-another-order") if far else phrase("crew.loads", factor=f"{math.exp(value):.1f}")
    elif name == "gap_days":
        text = phrase("crew.gap", days=f"{value:.0f}")
    else:
        text = phrase("crew.hours" if name == "hour" else "crew.crossings", gap=f"{value:.1f}")
    return _weighed(text, weight)


def _weighed(text: str, weight: float) -> str:
    side = phrase("crew.for" if weight > 0 else "crew.against")
    return phrase("crew.weighed", what=text, side=side, weight=f"{abs(weight):.1f}")


_REFUTES: Final = {
    "serial": "crew.refute-serial",
    "radio": "crew.refute-radio",
    "drop_style": "crew.refute-drop-style",
    "load_kg": "crew.refute-load",
    "hour": "crew.refute-hour",
    "corridor_km": "crew.refute-corridor",
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
