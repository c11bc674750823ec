"""Two sorties, one crew? Calibrated odds with what would refute them. Events are compared, never persons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from araz.vocabulary import FloatArray

FEATURES: Final = ("serial", "radio", "corridor_km", "hour", "load_kg", "drop_style", "gap_days")
#: Before any evidence: how often two sorties drawn at random on one stretch are one crew's.
PRIOR: Final = 0.05


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
    """One feature's say: natural log of the likelihood ratio."""

    feature: str
    weight: float
    sentence: str


class CrewOdds(NamedTuple):
    """How likely two sorties are one crew's, with everything that was weighed."""

    one: str
    other: str
    probability: float
    weights: list[Weight]
    would_refute: list[str]
    """Findings that would make it improbable."""


class CrewModel(NamedTuple):
    """Likelihood ratios learned from pairs that are known to be one crew's or not."""

    prior: float
    tables: dict[str, tuple[FloatArray, FloatArray]]
    """Feature → (bin edges, log-ratio per bin); for words the two bins are different and same."""
    scale: float
    """Calibration: the summed log-odds are multiplied by it, as the features are not independent."""


def _distances(a: Sortie, b: Sortie) -> dict[str, float]:
    """Feature → distance of the pair; 0/1 for words; features unknown in either are left out."""
    found: dict[str, float] = {}
    for name in ("serial", "radio", "drop_style"):
        x, y = getattr(a, name), getattr(b, name)
        if x is not None and y is not None:
            found[name] = float(x == y)
    if a.corridor_km is not None and b.corridor_km is not None:
        found["corridor_km"] = abs(a.corridor_km - b.corridor_km)
    if a.hour is not None and b.hour is not None:
        gap = abs(a.hour - b.hour) % 24
        found["hour"] = min(gap, 24 - gap)
    if a.load_kg and b.load_kg:
        found["load_kg"] = abs(math.log(a.load_kg / b.load_kg))
    found["gap_days"] = abs(a.day - b.day)
    return found


#: Bins wide enough to be filled by a few hundred pairs. Words: different, same.
_EDGES: Final[dict[str, tuple[float, ...]]] = {
    "serial": (0.5,), "radio": (0.5,), "drop_style": (0.5,), "corridor_km": (2.0, 5.0, 15.0, 50.0),
    "hour": (0.5, 1.5, 4.0), "load_kg": (0.15, 0.4, 0.9), "gap_days": (3.0, 10.0, 30.0, 90.0),
}  # fmt: skip


def learn_crews(pairs: Sequence[tuple[Sortie, Sortie, bool]], prior: float = PRIOR) -> CrewModel:
    """Learn likelihood ratios from pairs of sorties with a known answer (solved cases, or simulation).

    ln LR of a bin = ln (k₁ + ½)/(n₁ + ½ B) − ln (k₀ + ½)/(n₀ + ½ B); then one scale is fitted so that the odds are
    calibrated on the pairs. Raises ValueError with fewer than 30 pairs of either kind.
    """
    same = np.array([answer for *_, answer in pairs], bool)
    if min(int(same.sum()), int((~same).sum())) < 30:
        raise ValueError(
            f"{int(same.sum())} pairs of one crew and {int((~same).sum())} of two; at least 30 of each are needed"
        )
    measured = [_distances(a, b) for a, b, _ in pairs]
    tables: dict[str, tuple[FloatArray, FloatArray]] = {}
    for name, edges in _EDGES.items():
        known = np.array([name in row for row in measured])
        values = np.array([row.get(name, 0.0) for row in measured])
        bins = np.digitize(values, edges)
        one, two = (np.bincount(bins[known & side], minlength=len(edges) + 1) + 0.5 for side in (same, ~same))
        tables[name] = (np.array(edges), np.log(one / one.sum()) - np.log(two / two.sum()))
    raw = CrewModel(prior, tables, 1.0)
    sums = np.array([sum(w.weight for w in _weights(raw, row)) for row in measured])
    base = math.log(same.mean() / (1 - same.mean()))
    grid = np.linspace(0.1, 1.2, 111)
    losses = [float(np.logaddexp(0, np.where(same, -1, 1) * (base + scale * sums)).mean()) for scale in grid]
    return CrewModel(prior, tables, float(grid[int(np.argmin(losses))]))


def _weights(model: CrewModel, row: dict[str, float]) -> list[Weight]:
    found = []
    for name, value in row.items():
        edges, logs = model.tables[name]
        weight = model.scale * float(logs[int(np.digitize(value, edges))])
        found.append(Weight(name, weight, _words(name, value, weight)))
    return sorted(found, key=lambda item: -abs(item.weight))


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


def crew_odds(model: CrewModel, one: Sortie, other: Sortie) -> CrewOdds:
    """Return the calibrated odds that two sorties are one crew's: logit p = logit prior + Σ ln LR.

    A serial number can be cloned and an aircraft sold, so even the same serial is only a weight.
    """
    row = _distances(one, other)
    weights = _weights(model, row)
    logit = math.log(model.prior / (1 - model.prior)) + sum(item.weight for item in weights)
    probability = 1 / (1 + math.exp(-logit))
    refute = [text for name, text in _REFUTES.items() if name not in row]
    refute.append("the two sorties in the air at one time, further apart than one crew can serve")
    return CrewOdds(one.sortie_id, other.sortie_id, probability, weights, refute)


_REFUTES: Final = {
    "serial": "two different serial numbers read from the recovered aircraft",
    "radio": "two different radio habits, once both sorties are recorded",
    "drop_style": "another way of letting the load go",
    "load_kg": "loads of different classes, once weighed",
    "hour": "crossing hours far apart, once both are timed",
    "corridor_km": "crossings in different corridors, once both are placed",
}


def link_sorties(model: CrewModel, sorties: Sequence[Sortie], least: float = 0.5) -> list[CrewOdds]:
    """Return all pairs at or above a probability, most likely first; none is a statement about a person."""
    found = [crew_odds(model, a, b) for i, a in enumerate(sorties) for b in sorties[i + 1 :]]
    return sorted((item for item in found if item.probability >= least), key=lambda item: -item.probability)
