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


@njit(cache=True)
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


@njit(cache=True)
def pair_odds(
    existence: FloatArray,
    detect: FloatArray,
    miss: FloatArray,
    weight: FloatArray,
    track: IntArray,
    detection: IntArray,
    log_likelihood: FloatArray,
    density: FloatArray,
    track_key: IntArray,
    claim_key: IntArray,
) -> FloatArray:
    """Weights [E] = r pd sum_m w_m l_m / ((1 - r pd_miss)(lambda_clutter + lambda_birth)); a claim's own track first.

    ``detect`` [N] is the chance of detection used for a detection that is there, ``miss`` [N] the one that silence
    counts with (0 where silence is no evidence). ``density`` [K] is that of clutter and births at the detection.
    """
    odds = np.zeros(len(track))
    owned = np.zeros(len(density), np.bool_)
    for e in range(len(track)):
        i, j = track[e], detection[e]
        likelihood = 0.0
        for m in range(weight.shape[1]):
            if weight[i, m] > 1e-6:
                likelihood += weight[i, m] * np.exp(log_likelihood[e, m])
        silence = max(1.0 - existence[i] * miss[i], 1e-9)
        odds[e] = min(existence[i] * detect[i] * likelihood / (silence * density[j]), STRONGEST)
        if claim_key[j] != 0 and claim_key[j] == track_key[i]:
            owned[j] = True
    for e in range(len(track)):
        if owned[detection[e]] and track_key[track[e]] != claim_key[detection[e]]:
            odds[e] *= 1e-4
    return odds
