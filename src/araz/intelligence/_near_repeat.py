"""Pairs of events close in space and time: Knox, and a self-exciting process along the border."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import spatial

from araz.vocabulary import FloatArray, IntArray


class NearRepeat(NamedTuple):
    """Knox table: rows are bands of distance, columns bands of time."""

    observed: IntArray
    mean_ratio: FloatArray
    """Observed over the mean of the permutations."""
    median_ratio: FloatArray
    p_value: FloatArray
    """(1 + permutations with as many pairs) / (1 + permutations)."""


def near_repeat(east_m: FloatArray, north_m: FloatArray, time_days: FloatArray, distance_edges_m: FloatArray,
                time_edges_days: FloatArray, *, rng: np.random.Generator, permutations: int = 99,
                times_open_above: bool = False) -> NearRepeat:  # fmt: skip
    """Count pairs of events by distance and time apart, and by how much they exceed permuted times.

    Bands are closed above, the first one below too: [a, b], (b, c], …; ``times_open_above`` makes those of time
    [a, b), [b, c), …. Permuting the times keeps each place and each time, so neither a busy place nor a busy week
    counts. Each pair is counted once. Raises ValueError on fewer than two events, unknown values or unordered edges.
    """
    points = np.column_stack([east_m, north_m]).astype(float)
    times = np.asarray(time_days, float)
    if len(points) < 2 or np.any(~np.isfinite(points)) or np.any(~np.isfinite(times)):
        raise ValueError("near repeats need at least two events, each with a known place and time")
    if np.any(np.diff(distance_edges_m) <= 0) or np.any(np.diff(time_edges_days) <= 0):
        raise ValueError("the edges of the bands must rise")
    pairs = spatial.cKDTree(points).query_pairs(float(distance_edges_m[-1]), output_type="ndarray")
    apart = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    row = _band(apart, distance_edges_m, open_above=False)
    pairs, row = pairs[row >= 0], row[row >= 0]
    shape = (len(distance_edges_m) - 1, len(time_edges_days) - 1)

    def count(order: FloatArray) -> IntArray:
        column = _band(np.abs(order[pairs[:, 0]] - order[pairs[:, 1]]), time_edges_days, open_above=times_open_above)
        inside = column >= 0
        return np.bincount(row[inside] * shape[1] + column[inside], minlength=shape[0] * shape[1]).reshape(shape)

    observed = count(times)
    null = np.array([count(rng.permutation(times)) for _ in range(permutations)])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, median = observed / null.mean(axis=0), observed / np.median(null, axis=0)
    return NearRepeat(observed, mean, median, (1 + (null >= observed).sum(axis=0)) / (1 + permutations))


def _band(values: FloatArray, edges: FloatArray, *, open_above: bool) -> IntArray:
    """Index of the band of each value, −1 outside."""
    edges = np.asarray(edges, float)
    index = np.digitize(values, edges, right=not open_above) - 1
    if not open_above:
        index = np.where(values == edges[0], 0, index)
    return np.where((index >= 0) & (index < len(edges) - 1), index, -1).astype(np.int64)


class SelfExciting(NamedTuple):
    """How much one event raises the chance of another nearby soon after."""

    branching: float
    """Mean number of events that follow directly from one."""
    decay_days: float
    spread_km: float
    p_value: float
    """Of no following at all: by permuting the times over the places."""
    events: int


def fit_self_exciting(position_km: FloatArray, time_days: FloatArray, length_km: float, duration_days: float, *,
                      rng: np.random.Generator, permutations: int = 39) -> SelfExciting:  # fmt: skip
    """Fit λ(t, x) = μ b(x) + Σ θ/τ e^{−Δt/τ} N(Δx; σ²) along the border by expectation–maximisation.

    b(x) is a kernel density of all events, so a standing hot spot is background and not excitement; a slow change of
    the whole level would pass as excitement, which the permutation test conditions out. Needs ten events or more.
    """
    order = np.argsort(time_days)
    x, t = np.asarray(position_km, float)[order], np.asarray(time_days, float)[order]
    if len(x) < 10 or np.any(~np.isfinite(x)) or np.any(~np.isfinite(t)):
        raise ValueError(f"{len(x)} events; a self-exciting process needs at least ten with known place and time")
    fit = _em(x, t, length_km, duration_days)
    null = [_em(rng.permutation(x), t, length_km, duration_days)[3] for _ in range(permutations)]
    p_value = (1 + sum(value >= fit[3] for value in null)) / (1 + permutations)
    return SelfExciting(fit[0], fit[1], fit[2], p_value, len(x))


def _em(
    x: FloatArray, t: FloatArray, length: float, duration: float, rounds: int = 60
) -> tuple[float, float, float, float]:
    n = len(x)
    gap_t, gap_x = t[:, None] - t[None], x[:, None] - x[None]
    earlier = np.tril(np.ones((n, n), bool), -1)
    width = max(length / 20, 1.06 * float(x.std()) * n**-0.2)
    # leave-one-out, or every event would explain itself
    density = np.exp(-0.5 * (gap_x / width) ** 2)
    np.fill_diagonal(density, 0)
    background = 0.1 / length + 0.9 * density.sum(axis=1) / ((n - 1) * width * math.sqrt(2 * math.pi))
    theta, tau, sigma, mu, likelihood = 0.3, duration / 20, length / 40, 0.7 * n / duration, 0.0
    for _ in range(rounds):
        follow = np.where(earlier, theta / tau * np.exp(-np.where(earlier, gap_t, 0) / tau), 0.0)
        follow *= np.exp(-0.5 * (gap_x / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
        own = mu * background
        rate = own + follow.sum(axis=1)
        part = follow / rate[:, None]
        total = float(part.sum())
        likelihood = float(np.log(rate).sum()) - mu * duration - theta * n
        mu, theta = float((own / rate).sum()) / duration, max(total / n, 1e-6)
        tau = max(float((part * gap_t).sum()) / max(total, 1e-9), duration / 2000)
        sigma = max(math.sqrt(float((part * gap_x**2).sum()) / max(total, 1e-9)), length / 2000)
    return theta, tau, sigma, likelihood
