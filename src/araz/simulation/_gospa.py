"""The GOSPA distance between what is there and what is shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from araz.vocabulary import FloatArray, IntArray


class Gospa(NamedTuple):
    """The distance and its parts: metres; ``localisation`` is the sum of squared (p-th power) distances of pairs."""

    distance: float
    localisation: float
    missed: int
    false: int


def assign(truth: FloatArray, tracks: FloatArray, reach_m: float, power: float = 2.0) -> tuple[IntArray, IntArray]:
    """Pairs (rows of ``truth`` [M, d], rows of ``tracks`` [N, d]) nearer than ``reach_m``, cheapest in all.

    Minimises Σ min(distance, reach)^power over one-to-one pairings (Jonker-Volgenant through scipy).
    """
    if not len(truth) or not len(tracks):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    distance = np.sqrt(np.sum((truth[:, None, :] - tracks[None, :, :]) ** 2, axis=2))
    rows, columns = linear_sum_assignment(np.minimum(distance, reach_m) ** power)
    close = distance[rows, columns] < reach_m
    return np.asarray(rows[close], dtype=np.int64), np.asarray(columns[close], dtype=np.int64)


def gospa(truth: FloatArray, tracks: FloatArray, cutoff_m: float = 50.0, power: float = 2.0) -> Gospa:
    """GOSPA with α = 2 between positions [M, d] and [N, d].

    (Σ over pairs d^p + c^p/2 · (missed + false))^(1/p), minimal over all pairings. **Source** Rahmathullah,
    García-Fernández, Svensson, "Generalized optimal sub-pattern assignment metric", 2017, proposition 1.
    """
    rows, columns = assign(truth, tracks, cutoff_m, power)
    apart = np.sqrt(np.sum((truth[rows] - tracks[columns]) ** 2, axis=1)) if len(rows) else np.zeros(0)
    localisation = float(np.sum(apart**power))
    missed, false = len(truth) - len(rows), len(tracks) - len(rows)
    total = localisation + cutoff_m**power / 2 * (missed + false)
    return Gospa(float(total ** (1 / power)), localisation, missed, false)
