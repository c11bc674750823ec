"""Where and when along the border, always beside the effort: "where we caught" is not "where they cross"."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from araz.vocabulary import FloatArray, phrase


class BorderDensity(NamedTuple):
    """Events per kilometre along the border, with a band, and the same per unit of effort where effort is known."""

    at_km: FloatArray
    per_km: FloatArray
    low: FloatArray
    high: FloatArray
    bandwidth_km: float
    effort_per_km: FloatArray | None
    per_effort: FloatArray | None
    """Events per unit of effort; NaN where there was next to none: nothing is known there, not zero."""
    label: str


def border_density(position_km: FloatArray, length_km: float, *, effort_km: FloatArray | None = None,
                   effort: FloatArray | None = None, bandwidth_km: float | None = None, points: int = 200,
                   level: float = 0.95) -> BorderDensity:  # fmt: skip
    """Return a kernel density along a border, mirrored at both ends so that no mass is lost beyond them.

    f(s) = Σ w_i, w_i = N(s − s_i; h²) + mirrors, h by Silverman's rule unless given. The band is pointwise, that of a
    weighted sum of Poisson counts with v = Σ w_i² and k the kernel's peak (Fay and Feuer 1997): low from the gamma
    distribution of shape f²/v and scale v/f, high from (f + k)²/(v + k²) and (v + k²)/(f + k), so that a stretch with
    few events is in doubt; it knows nothing of what smoothing moved. ``effort_km`` and ``effort`` are where patrols
    were and how much (hours); the ratio is given only where the effort density exceeds a tenth of its mean. Raises
    ValueError on positions outside the border or fewer than three.
    """
    places = np.asarray(position_km, float)
    if len(places) < 3 or np.any(~np.isfinite(places)) or np.any((places < 0) | (places > length_km)):
        raise ValueError(phrase("refusal.positions", n=len(places), km=f"{length_km:g}"))
    spread = min(float(places.std(ddof=1)), float(np.subtract(*np.percentile(places, [75, 25]))) / 1.34 or math.inf)
    width = bandwidth_km if bandwidth_km is not None else max(0.9 * spread * len(places) ** -0.2, length_km / 500)
    at = np.linspace(0, length_km, points)
    kernel = _kernel(at, places, width, length_km)
    low, high = _band(kernel, 1 / (width * math.sqrt(2 * math.pi)), level)
    label = phrase("caught.alone")
    if effort_km is None or effort is None:
        return BorderDensity(at, kernel.sum(axis=0), low, high, width, None, None, label)
    worked = np.asarray(effort, float) @ _kernel(at, np.asarray(effort_km, float), width, length_km)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(worked > 0.1 * worked.mean(), kernel.sum(axis=0) / worked, np.nan)
    label = phrase("caught.beside")
    return BorderDensity(at, kernel.sum(axis=0), low, high, width, worked, ratio, label)


def _band(weights: FloatArray, peak: float, level: float) -> tuple[FloatArray, FloatArray]:
    total, squares = weights.sum(axis=0), np.maximum((weights**2).sum(axis=0), 1e-300)
    some = total > 1e-9 * peak
    scale = squares / np.where(some, total, 1.0)
    low = np.where(some, stats.gamma.ppf(0.5 - level / 2, np.where(some, total / scale, 1.0), scale=scale), 0.0)
    scale = (squares + peak**2) / (total + peak)
    return low, np.asarray(stats.gamma.ppf(0.5 + level / 2, (total + peak) / scale, scale=scale))


def _kernel(at: FloatArray, places: FloatArray, width: float, length: float) -> FloatArray:
    images = np.concatenate([places, -places, 2 * length - places])
    z = (at[None] - images[:, None]) / width
    values = np.exp(-0.5 * z**2) / (width * math.sqrt(2 * math.pi))
    return np.asarray(values.reshape(3, len(places), len(at)).sum(axis=0))


class EffortRate(NamedTuple):
    """Events per unit of effort in one cell, exact Poisson interval; NaN where there was no effort."""

    cell: int
    events: int
    effort: float
    rate: float
    low: float
    high: float


def effort_rates(events: FloatArray, effort: FloatArray, level: float = 0.95) -> list[EffortRate]:
    """Return rates with Garwood intervals: [χ²_{α/2}(2k)/2, χ²_{1−α/2}(2k+2)/2] / effort; without effort, unknown."""
    tail = (1 - level) / 2
    rows = []
    for cell, (count, hours) in enumerate(zip(events, effort, strict=True)):
        k = int(count)
        if hours <= 0:
            rows.append(EffortRate(cell, k, float(hours), math.nan, math.nan, math.nan))
            continue
        low = float(stats.chi2.ppf(tail, 2 * k)) / 2 if k else 0.0
        rows.append(
            EffortRate(
                cell, k, float(hours), k / hours, low / hours, float(stats.chi2.ppf(1 - tail, 2 * k + 2)) / 2 / hours
            )
        )
    return rows


class Cluster(NamedTuple):
    """The stretch and span with the most events beyond what its place and its time would bring."""

    first_cell: int
    last_cell: int
    first_period: int
    last_period: int
    observed: int
    expected: float
    p_value: float


def space_time_scan(cell: FloatArray, period: FloatArray, cells: int, periods: int, *, rng: np.random.Generator,
                    permutations: int = 199) -> Cluster:  # fmt: skip
    """Find the strongest cluster by the space-time permutation scan (Kulldorff 2005) along a border.

    Expected μ = (events of the cells)·(events of the periods)/N, so standing hot spots and busy times are conditioned
    out; ratio (c/μ)^c ((N−c)/(N−μ))^(N−c), c > μ, over stretches of up to half the cells and half the periods;
    p from permuting the periods over the events, each time taking the maximum.
    """
    where, when = np.asarray(cell, int), np.asarray(period, int)
    if len(where) < 5 or where.min() < 0 or where.max() >= cells or when.min() < 0 or when.max() >= periods:
        raise ValueError(phrase("refusal.few-events", n=len(where), cells=cells, periods=periods))
    best, place = _scan(_table(where, when, cells, periods)[None])
    null, _ = _scan(np.array([_table(where, rng.permutation(when), cells, periods) for _ in range(permutations)]))
    p_value = (1 + float((null >= best[0] - 1e-12).sum())) / (1 + permutations)
    a, b, c, d = place
    table = _table(where, when, cells, periods)
    expected = table[a : b + 1].sum() * table[:, c : d + 1].sum() / table.sum()
    return Cluster(a, b, c, d, int(table[a : b + 1, c : d + 1].sum()), float(expected), p_value)


def _table(where: FloatArray, when: FloatArray, cells: int, periods: int) -> FloatArray:
    table = np.zeros((cells, periods))
    np.add.at(table, (where.astype(int), when.astype(int)), 1)
    return table


def _scan(tables: FloatArray) -> tuple[FloatArray, tuple[int, int, int, int]]:
    """Largest log-ratio of each table (k, cells, periods), and where it lies in the first."""
    k, cells, periods = tables.shape
    whole = np.zeros((k, cells + 1, periods + 1))
    whole[:, 1:, 1:] = tables.cumsum(axis=1).cumsum(axis=2)
    n = whole[0, -1, -1]
    best, place = np.zeros(k), (0, 0, 0, 0)
    for wide in range(1, max(1, cells // 2) + 1):
        strip = whole[:, wide:] - whole[:, :-wide]
        rows = strip[:, :, -1]
        for long in range(1, max(1, periods // 2) + 1):
            count = strip[:, :, long:] - strip[:, :, :-long]
            columns = whole[:, -1, long:] - whole[:, -1, :-long]
            mu = rows[:, :, None] * columns[:, None, :] / n
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = count * np.log(count / mu) + np.where(
                    count < n, (n - count) * np.log((n - count) / (n - mu)), 0
                )
            ratio = np.where((count > mu) & (count > 1), np.nan_to_num(ratio), 0.0)
            top = ratio.reshape(k, -1).max(axis=1)
            if top[0] > best[0]:
                a, c = np.unravel_index(int(ratio[0].argmax()), ratio[0].shape)
                place = (int(a), int(a) + wide - 1, int(c), int(c) + long - 1)
            best = np.maximum(best, top)
    return best, place
