"""What whole sensors can do for 1 / D: inequalities that no fraction of a sensor can cheat."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from araz.vocabulary import BoolArray, FloatArray, IntArray

#: Below this chance of being seen −1 / D goes on as a straight line, so that a cut stays finite.
FLOOR: Final = 0.02


def whole_cuts(
    indptr: IntArray, sensor: IntArray, hazard: FloatArray, unseen: FloatArray, x: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """For every row of hazards [H, S] the tightest of some cuts −1 / D(x) ≤ ``constant`` + ``slope`` · x at x [S].

    Rows as compressed sparse rows; ``unseen`` [H] = 1 − d0, D = 1 − unseen · exp(−Σ λ x). Gives slope (one a hazard),
    constant [H] and the cut's value at x [H]. h = −1 / D is a concave function of a sum, so it is submodular in the set
    of sensors, and for a set S

        h(x) ≤ h(S) + Σ_{j ∉ S} [h(S + j) − h(S)] x_j + Σ_{i ∈ S} ζ_i (1 − x_i),
        ζ_i = max over T outside S of h(S − i + T) − h(S) − Σ_{j ∈ T} [h(S + j) − h(S)]

    holds for every x of 0 and 1 (lifting is sequence-independent: Ahmed and Atamtürk 2011; the best T is a run of the
    largest hazards) and is exact at S. S runs over the sets of the largest x. A tangent instead holds for fractions
    too, and credits a third of a sensor with most of what a whole one does.
    """
    cuts: tuple[FloatArray, FloatArray, FloatArray] = _whole_cuts(indptr, sensor, hazard, unseen, x)
    return cuts


@njit(cache=True)
def minus_inverse(unseen: float) -> float:
    """−1 / (1 − unseen), from ``FLOOR`` down on its tangent: concave, never below the reciprocal's."""
    seen = 1.0 - unseen
    return -1.0 / seen if seen >= FLOOR else -1.0 / FLOOR + (seen - FLOOR) / FLOOR**2


@njit(cache=True)
def _whole_cuts(
    indptr: IntArray, sensor: IntArray, hazard: FloatArray, unseen: FloatArray, x: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = len(unseen)
    slope, constant, value = np.zeros(len(hazard)), np.zeros(rows), np.full(rows, np.inf)
    for row in range(rows):
        own = slice(indptr[row], indptr[row + 1])
        lam, share = hazard[own], x[sensor[own]]
        chosen, total, large = np.zeros(len(lam), np.bool_), 0.0, np.argsort(-lam)
        order = np.argsort(-share)
        for k in range(len(lam) + 1):
            if k > 0:
                if share[order[k - 1]] <= 1e-9:
                    break
                chosen[order[k - 1]] = True
                total += lam[order[k - 1]]
            each, base = _lifted(lam, chosen, total, large, unseen[row])
            here = base + np.sum(each * share)
            if here < value[row]:
                value[row], constant[row], slope[own] = here, base, each
    return slope, constant, value


@njit(cache=True)
def _lifted(
    lam: FloatArray, chosen: BoolArray, total: float, large: IntArray, unseen: float
) -> tuple[FloatArray, float]:
    """Slope of each sensor and constant of the cut at one set."""
    at = minus_inverse(unseen * np.exp(-total))
    each, constant = np.zeros(len(lam)), at
    for j in range(len(lam)):
        if not chosen[j]:
            each[j] = minus_inverse(unseen * np.exp(-total - lam[j])) - at
    for i in range(len(lam)):
        if chosen[i]:
            without, paid = total - lam[i], 0.0
            best = minus_inverse(unseen * np.exp(-without))
            for j in large:
                if not chosen[j]:
                    without += lam[j]
                    paid += each[j]
                    now = minus_inverse(unseen * np.exp(-without)) - paid
                    if now <= best:
                        break
                    best = now
            each[i] = at - best
            constant += best - at
    return each, constant
