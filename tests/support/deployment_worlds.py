"""Tiny games that can be solved by listing everything, and the listing."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations, product

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from araz.deployment import Instance, Limits


def tiny(
    seed: int, *, posts: int = 5, teams: int = 2, windows: int = 1, cells: int = 7, sorties: int = 1,
    limits: Limits | None = None, sensors: int = 3,
) -> Instance:  # fmt: skip
    """Random values, detections and responses without any order along the border."""
    rng = np.random.default_rng(seed)
    count = cells * windows
    window = np.repeat(np.arange(windows), cells)
    q = rng.uniform(0.05, 0.95, (count, posts)) * (rng.uniform(size=(count, posts)) < 0.7)
    return Instance(
        value_kg=rng.uniform(3, 20, count),
        cost_kg=rng.uniform(0, 2, count),
        base_detection=rng.uniform(0.2, 0.9, count),
        crossing=np.tile(np.arange(cells), windows),
        window=window,
        aircraft=np.zeros(count, int),
        drop=np.arange(count),
        launch=np.arange(count),
        hazard=csr_array(rng.uniform(0, 1.5, (count, sensors)) * (rng.uniform(size=(count, sensors)) < 0.5)),
        response_row=np.arange(count),
        response=csr_array(q),
        row_window=window,
        cell_m=np.arange(cells) * 1000.0,
        post_m=np.arange(posts) * 1000.0 + 100.0,
        sensor_m=np.arange(sensors) * 2000.0,
        sensor_cost=np.ones(sensors),
        teams=np.full(windows, teams),
        limits=limits or Limits(),
        sorties=sorties,
    )


def nights(instance: Instance) -> list[np.ndarray]:
    """Every night [W, P] that keeps team numbers and the move limit, by listing."""
    posts = range(instance.posts)
    single = [list(combinations(posts, int(k))) for k in instance.teams]
    out = []
    for night in product(*single):
        limit = instance.limits.max_move_m
        ok = limit is None or all(_reachable(instance.post_m, a, b, limit) for a, b in pairwise(night))
        if ok:
            placement = np.zeros((instance.windows, instance.posts))
            for w, chosen in enumerate(night):
                placement[w, list(chosen)] = 1.0
            out.append(placement)
    return out


def _reachable(post_m, before, after, limit) -> bool:
    """Whether some one-to-one assignment keeps every move within the limit, by trying all of them."""
    return any(
        all(abs(post_m[a] - post_m[b]) <= limit for a, b in zip(before, order, strict=True))
        for order in permutations(after)
    )


def payoffs(instance: Instance, detected: np.ndarray, night: np.ndarray) -> np.ndarray:
    """Smuggler's kilograms per sortie for every attack against one night, straight from the definition."""
    q = instance.response.toarray()[instance.response_row] * night[instance.window]
    best = np.sort(q, axis=1)[:, ::-1][:, : instance.sorties].sum(axis=1) / instance.sorties
    penalty = 0.0 if instance.penalty_kg is None else instance.penalty_kg
    return instance.value_kg - instance.cost_kg - (instance.value_kg + penalty) * detected * best


def value_by_listing(instance: Instance, detected: np.ndarray) -> float:
    """Value of the whole game (staying at home pays 0), a linear programme over every night."""
    matrix = np.array([payoffs(instance, detected, night) for night in nights(instance)])
    count = len(matrix)
    cost = np.r_[np.zeros(count), 1.0]
    upper = np.c_[matrix.T, -np.ones(matrix.shape[1])]
    done = linprog(
        cost, A_ub=upper, b_ub=np.zeros(len(upper)), A_eq=np.r_[np.ones(count), 0.0][None], b_eq=[1.0],
        bounds=[(0, None)] * count + [(0, None)], method="highs",
    )  # fmt: skip
    return float(done.fun)
