"""What a track might be: a slow Bayes filter over a handful of honest likelihoods."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._state import CLASS_PRIOR
from araz.vocabulary import CLASS_NAMES, FloatArray, IntArray

# Rows are TrackClass; columns mean and standard deviation. The row of UNKNOWN is not used: unknown spreads evenly over
# ``SPAN``, so a class only gains on it where the measurement lies well inside that class.
SPEED_MPS: Final = np.array([[0, 1], [9, 6], [23, 6], [12, 4], [6, 3], [65, 30]], dtype=float)
CLIMB_MPS: Final = np.array([[0, 1], [0, 2.5], [0, 1.5], [0, 1.0], [1, 1.0], [0, 3.5]], dtype=float)
HEIGHT_M: Final = np.array([[0, 1], [90, 80], [180, 140], [90, 90], [500, 400], [900, 600]], dtype=float)
RCS_DBSM: Final = np.array([[0, 1], [-20, 6], [-16, 6], [-28, 6], [-12, 8], [6, 8]], dtype=float)
SPAN: Final = np.array([80.0, 20.0, 1500.0, 60.0])
LOOK_S: Final = 10.0
"""Kinematics of one target repeat themselves: evidence counts in full once in this time."""
FORGET_S: Final = 60.0
"""Belief leans back to the prior with this time constant, so an old guess never becomes a fact."""


@njit(cache=True)
def _log_normal(value: float, mean: float, sigma: float) -> float:
    return -0.5 * ((value - mean) / sigma) ** 2 - math.log(sigma * math.sqrt(2.0 * math.pi))


@njit(cache=True)
def classify(
    probability: FloatArray,
    rows: IntArray,
    moments: FloatArray,
    rcs_dbsm: FloatArray,
    ground_up_m: float,
    dt_s: float,
) -> None:
    """Update class posteriors [N, classes] of the tracks ``rows`` in place.

    log p <- (1 - f) log p + f log prior + g sum log L, with f = 1 - exp(-dt / FORGET_S) and g = min(dt / LOOK_S, 1). L
    are Gaussians in ground speed, climb rate, height over ``ground_up_m`` and, where measured, radar cross section;
    each is widened by the track's own uncertainty. First version: the figures are judgement, not fitted to recordings.
    """
    forget = 1.0 - math.exp(-dt_s / FORGET_S)
    gain = min(dt_s / LOOK_S, 1.0)
    classes = probability.shape[1]
    score = np.zeros(classes)
    for i in rows:
        g = moments[i]
        speed = math.sqrt(g[3] ** 2 + g[4] ** 2)
        values = (speed, g[5], g[2] - ground_up_m, rcs_dbsm[i])
        extra = (0.5 * (g[15] + g[20]), g[26], g[11], 0.0)
        for c in range(classes):
            log_l = 0.0
            for f in range(4):
                if math.isnan(values[f]):
                    continue
                table = SPEED_MPS if f == 0 else (CLIMB_MPS if f == 1 else (HEIGHT_M if f == 2 else RCS_DBSM))
                if c == 0:
                    log_l -= math.log(SPAN[f])
                else:
                    log_l += _log_normal(values[f], table[c, 0], math.sqrt(table[c, 1] ** 2 + extra[f]))
            old = math.log(max(probability[i, c], 1e-9))
            score[c] = (1.0 - forget) * old + forget * math.log(CLASS_PRIOR[c]) + gain * max(log_l, -40.0)
        highest = score.max()
        total = 0.0
        for c in range(classes):
            probability[i, c] = math.exp(score[c] - highest)
            total += probability[i, c]
        for c in range(classes):
            probability[i, c] /= total


assert len(SPEED_MPS) == len(CLASS_NAMES)
