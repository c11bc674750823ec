"""Whether a change of level explains more than persistence would: an AR(1) null whose coefficient is itself uncertain.

A series that wanders (each month like the one before) looks as if its level changed. Random order, the usual null, has
no memory and calls such wandering a change. Here the residuals keep their memory: with phi the AR(1) coefficient,

    e_t = r_t - phi r_(t-1),   in random order,   x_t = phi x_(t-1) + e_t

The residuals' lag-one correlation is biased down, because the model took the largest wander away. So phi is drawn from
the values under which so small a correlation would still be seen after the same model was taken away (the confidence
distribution of phi, by simulation; its upper part, because too small a phi costs false alarms and too large a one only
power). With phi = 0 this is the permutation test.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from araz.vocabulary import FloatArray, IntArray

#: Values of phi tried, and series simulated at each.
_PHI: Final = np.linspace(0.0, 0.95, 20)
_SERIES: Final = 200
#: The part of phi's confidence distribution that is drawn from, from above: 4 and 6 % alarms at phi 0.7 and 0.85 in 100
#: series each. 0.2 gave 8.7 % at 0.85; with 0.1 a step from 4 to 14 a month was found in 2 of 20 series of 36 months
#: (11 with this, 12 with 0.2).
_UPPER: Final = 0.15
#: Numbers held at once.
_CHUNK: Final = 4_000_000
#: A stretch may begin and end at so many places; in longer series at every second, third … one.
_PLACES: Final = 120


def splits(n: int, shortest: int) -> IntArray:
    """Return the pairs (0, k) of a series of n: its level changes at k."""
    ends = np.arange(shortest, n - shortest + 1)
    return np.column_stack([np.zeros_like(ends), ends])


def stretches(n: int, shortest: int) -> IntArray:
    """Return the pairs (i, j), 0 < i < j < n: the level is another one from i to before j; none in short series."""
    step = max(1, -(-n // _PLACES))
    places = np.arange(shortest, n - shortest + 1, step)
    i, j = np.triu_indices(len(places), 1)
    keep = places[j] - places[i] >= shortest
    return np.column_stack([places[i[keep]], places[j[keep]]])


def explained(rows: FloatArray, pairs: IntArray) -> FloatArray:
    """Share of each row's variance that each pair's two levels explain (rows, pairs): S² n / (m (n − m) SS).

    S is the sum of the m centred values from i to before j, SS the sum of all squares.
    """
    n = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(centred, axis=1)], axis=1)
    inside = sums[:, pairs[:, 1]] - sums[:, pairs[:, 0]]
    m = pairs[:, 1] - pairs[:, 0]
    spread = (centred**2).sum(axis=1, keepdims=True)
    return np.asarray(inside**2 * (n / (m * (n - m))) / np.maximum(spread, 1e-300))


def persistent_p_value(
    data: FloatArray, pairs: IntArray, rng: np.random.Generator, replicates: int
) -> tuple[float, tuple[int, int]]:
    """Return the p-value of the best pair against persistence, and that pair.

    p = (1 + #{replicates that explain as much}) / (1 + replicates).
    """
    at, best, residual = (value[0] for value in _fitted(data[None], pairs))
    phi = _possible_phi(residual, pairs, rng, replicates)
    whitened = np.empty((replicates, len(data)))
    whitened[:, 1:] = residual[1:] - phi[:, None] * residual[:-1]
    whitened[:, 0] = residual[0] * np.sqrt(1 - phi**2)
    null = _coloured(rng.permuted(whitened, axis=1), phi)
    reached = _fitted(null, pairs)[1]
    p_value = (1 + float(np.sum(reached >= best - 1e-12))) / (1 + replicates)
    return p_value, (int(pairs[at, 0]), int(pairs[at, 1]))


def _fitted(rows: FloatArray, pairs: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Of each row the best pair, the share it explains, and what is left of the row without its two levels."""
    step = max(1, _CHUNK // len(pairs))
    parts = [explained(rows[k : k + step], pairs) for k in range(0, len(rows), step)]
    at = np.concatenate([part.argmax(axis=1) for part in parts])
    share = np.concatenate([part.max(axis=1) for part in parts])
    time = np.arange(rows.shape[1])
    inside = (time >= pairs[at, 0][:, None]) & (time < pairs[at, 1][:, None])
    m = inside.sum(axis=1, keepdims=True)
    own = (rows * inside).sum(axis=1, keepdims=True) / m
    other = (rows * ~inside).sum(axis=1, keepdims=True) / (rows.shape[1] - m)
    return at, share, rows - np.where(inside, own, other)


def _possible_phi(residual: FloatArray, pairs: IntArray, rng: np.random.Generator, replicates: int) -> FloatArray:
    """Draw phi from the upper part of its confidence distribution: P(correlation as small as seen | phi) = u."""
    noise = rng.standard_normal((len(_PHI) * _SERIES, len(residual)))
    made = _coloured(noise, np.repeat(_PHI, _SERIES))
    seen = _lag_one(_fitted(made, pairs)[2]).reshape(len(_PHI), _SERIES)
    as_small = np.minimum.accumulate((seen <= _lag_one(residual[None])[0]).mean(axis=1))
    return np.asarray(np.interp(-_UPPER * rng.uniform(size=replicates), -as_small, _PHI))


def _coloured(noise: FloatArray, phi: FloatArray) -> FloatArray:
    series = np.empty_like(noise)
    series[:, 0] = noise[:, 0] / np.sqrt(1 - phi**2)
    for t in range(1, noise.shape[1]):
        series[:, t] = phi * series[:, t - 1] + noise[:, t]
    return series


def _lag_one(rows: FloatArray) -> FloatArray:
    return np.asarray((rows[:, 1:] * rows[:, :-1]).sum(axis=1) / np.maximum((rows**2).sum(axis=1), 1e-300))
