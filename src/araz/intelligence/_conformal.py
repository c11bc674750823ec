"""Intervals around a forecast from the errors it has made: adaptive conformal, each tail by itself.

Settings were chosen on simulated series (steady, seasonal, falling to a quarter, rising fourfold, wandering, heavy
loads, mostly empty months; 48 months, five models): the largest share of series with 85 to 95 % of outcomes inside
90 % intervals. Of two settings alike there, the one nearer to 90 % was taken after both were seen on the US series.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from araz.vocabulary import FloatArray

#: How much one outcome moves a tail's level, and how far below zero it may go.
GAMMA: Final = 0.2
FLOOR: Final = 0.2
#: Weight of an error against the one a month younger: a series that has changed forgets what it was.
DECAY: Final = 0.9
#: How far past the largest of n errors an end is put when the tail's level is zero: ``BEYOND`` / n of it.
BEYOND: Final = 5.0
#: Errors that count: an older one, however large, belongs to another time.
WINDOW: Final = 36
#: Errors known before the first interval moves a level, and the widest a tail may become.
_FIRST: Final = 4
_WIDEST: Final = 0.4


def interval_ends(
    errors: FloatArray, level: float, first: int, *, gamma: float = GAMMA, decay: float = DECAY, floor: float = FLOOR
) -> tuple[FloatArray, FloatArray]:
    """Return what to add to a forecast for its lower and upper end, (origins, horizon); NaN before origin ``first``.

    ``errors``: outcome minus forecast, (origins, horizon), NaN where unknown; row k + h is known h + 1 origins later.
    Each end is the weighted quantile at 1 − a of the last ``WINDOW`` errors known at the origin, weights
    ``decay``^age, the unknown next error counted among them; a begins at (1 − level)/2 and moves by
    γ ((1 − level)/2 − missed) with every outcome on its side. Zero is always inside. A break is missed until the
    first outcome after it is known, at every horizon. gamma = 0, decay = 1: split conformal on the window.
    Source: Gibbs and Candès 2021 (γ), Barber and others 2023 (weights).
    """
    sides = []
    for side in (-errors, errors):
        ends = np.full(errors.shape, np.nan)
        for step in range(errors.shape[1]):
            a, told = (1 - level) / 2, 0
            for k in range(_FIRST, len(errors)):
                known = max(0, k - step)
                for j in range(told, known):
                    if np.isfinite(ends[j, step]):
                        a += gamma * ((1 - level) / 2 - float(side[j, step] > ends[j, step]))
                        a = min(_WIDEST, max(-floor, a))
                told = max(told, known)
                past = side[:known, step]
                past = past[np.isfinite(past)][-WINDOW:]
                if len(past):
                    ends[k, step] = max(0.0, _quantile(past, 1 - a, decay))
        ends[:first] = np.nan
        sides.append(ends)
    return -sides[0], sides[1]


def _quantile(values: FloatArray, share: float, decay: float) -> float:
    """Weighted quantile, oldest value first, one more value of weight 1 still to come; beyond the last, stretched."""
    weights = decay ** np.arange(len(values), 0, -1.0)
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / (weights.sum() + 1)
    at = int(np.searchsorted(below, share - 1e-12))
    if at < len(values):
        return float(values[order[at]])
    worth = float(weights.sum() ** 2 / (weights**2).sum())
    beyond = float((share - below[-1]) / (1 - below[-1]))
    return max(0.0, float(values[order[-1]])) * (1 + BEYOND * beyond / worth)
