"""Who is whose: marginal association probabilities by loopy belief propagation (Williams & Lau 2014)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from araz.vocabulary import FloatArray, IntArray

MAX_SWEEPS: Final = 200
TOLERANCE: Final = 1e-7
STRONGEST: Final = 1e8
"""Weights are capped here: certainty beyond it would only cost digits in 1 + sum - own."""


@njit(cache=True, error_model="numpy")
def marginals(
    tracks: int, detections: int, track: IntArray, detection: IntArray, odds: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Association marginals of a sparse bipartite graph, by messages along its E edges until they settle.

    ``odds`` psi [E] is the weight of "this detection came from this track" against "the track was missed and
    the detection is clutter or new". With mu and nu the messages track -> detection and back,

        mu_ij = psi_ij / (1 + sum_{j' != j} psi_ij' nu_ij'),      nu_ij = 1 / (1 + sum_{i' != i} mu_i'j).

    **Gives** P(j from i) [E], P(i missed) [tracks], P(j from no track) [detections]. Exact on trees (no two tracks
    sharing two detections), an approximation otherwise. **Source** Williams & Lau, IEEE TAES 50(4), 2014. Edges come
    sorted by track; the sweep always ends (it converges, Williams & Lau 2010), here after MAX_SWEEPS at the latest.
    """
    edges = len(track)
    psi = np.minimum(odds, STRONGEST)
    mu, nu = np.zeros(edges), np.ones(edges)
    by_track, by_detection = np.ones(tracks), np.ones(detections)
    for _ in range(MAX_SWEEPS):
        by_track[:] = 1.0
        for e in range(edges):
            by_track[track[e]] += psi[e] * nu[e]
        by_detection[:] = 1.0
        for e in range(edges):
            mu[e] = psi[e] / max(1.0, by_track[track[e]] - psi[e] * nu[e])
            by_detection[detection[e]] += mu[e]
        change = 0.0
        for e in range(edges):
            new = 1.0 / max(1.0, by_detection[detection[e]] - mu[e])
            change = max(change, abs(new - nu[e]))
            nu[e] = new
        if change < TOLERANCE:
            break
    by_track[:] = 1.0
    for e in range(edges):
        by_track[track[e]] += psi[e] * nu[e]
    taken = np.empty(edges)
    for e in range(edges):
        taken[e] = psi[e] * nu[e] / by_track[track[e]]
    return taken, 1.0 / by_track, 1.0 / by_detection


@njit(cache=True, error_model="numpy")
def clusters(tracks: int, detections: int, track: IntArray, detection: IntArray) -> tuple[IntArray, IntArray]:
    """Tracks that share detections, directly or through others, in one cluster (union-find over E pairs).

    **Gives** the tracks that have pairs, cluster by cluster, and where each cluster begins (one more entry than
    clusters). Pairs come sorted by track; clusters come in the order of their first track, tracks in their own.
    """
    parent, first = np.arange(tracks), np.full(detections, -1, np.int64)
    for e in range(len(track)):
        i, j = track[e], detection[e]
        if first[j] < 0:
            first[j] = i
            continue
        a, b = i, first[j]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)  # the root is a cluster's first track
    size, number = np.zeros(tracks + 1, np.int64), np.full(tracks, -1, np.int64)
    count, last = 0, -1
    for e in range(len(track)):
        if track[e] == last:
            continue
        last = track[e]
        root = last
        while parent[root] != root:
            root = parent[root]
        if number[root] < 0:
            number[root] = count
            count += 1
        number[last] = number[root]
        size[number[root] + 1] += 1
    start = size[: count + 1]
    for c in range(count):
        start[c + 1] += start[c]
    fill, members = start.copy(), np.empty(start[count], np.int64)
    last = -1
    for e in range(len(track)):
        if track[e] != last:
            last = track[e]
            members[fill[number[last]]] = last
            fill[number[last]] += 1
    return members, start
