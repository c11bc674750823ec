"""What the detections do to the tracks: moment-matched update of every mode, existence, and the books of each track."""

from __future__ import annotations

import numpy as np
from numba import njit

from araz.tracking._measure import kalman_update
from araz.tracking._motion import MODE_COUNT
from araz.vocabulary import FloatArray, IntArray


@njit(cache=True)
def _after_silence(existence: float, miss: float) -> float:
    """Existence of a track that silence speaks against: r (1 - pd) / (1 - r pd)."""
    return existence * (1.0 - miss) / max(1.0 - existence * miss, 1e-12)


@njit(cache=True)
def update_tracks(
    kind: int,
    mean: FloatArray,
    cov: FloatArray,
    weight: FloatArray,
    existence: FloatArray,
    miss: FloatArray,
    z: FloatArray,
    var: FloatArray,
    origin: FloatArray,
    back_s: FloatArray,
    track: IntArray,
    detection: IntArray,
    log_likelihood: FloatArray,
    taken: FloatArray,
    missed: FloatArray,
) -> FloatArray:
    """Bernoulli update of every track with a pair, in place; gives the chance [N] that some detection was the track's.

    r' = sum_j beta_j + beta_0 r0 with r0 = r (1 - pd) / (1 - r pd). Within the track, mode m and hypothesis j weigh
    beta_j w_m l_jm / sum_m w_m l_jm (and beta_0 r0 w_m for the miss); each mode keeps the moments of its own mixture.
    **Source** Williams 2015 (TOMB/P), Musicki & Evans 2004 (JIPDA), Blom & Bloem 2002 (IMM-JPDA).
    """
    detected = np.zeros(len(existence))
    has_pairs = np.zeros(len(existence), np.bool_)
    start = 0
    room = np.zeros((6, 6, 6))
    while start < len(track):
        i = track[start]
        stop = start
        has_pairs[i] = True
        while stop < len(track) and track[stop] == i:
            detected[i] += taken[stop]
            stop += 1
        still = missed[i] * _after_silence(existence[i], miss[i])
        share = _hypothesis_shares(weight[i], log_likelihood[start:stop], taken[start:stop], still)
        total = share.sum()
        if total > 0.0:
            for m in range(MODE_COUNT):
                mass = share[:, m].sum()
                weight[i, m] = mass / total
                if mass > 0.0:
                    _match_moments(
                        kind,
                        m,
                        mean[i, m],
                        cov[i, m],
                        z,
                        var,
                        origin,
                        back_s,
                        detection[start:stop],
                        share[:, m] / mass,
                        room,
                    )
            existence[i] = min(detected[i] + still, 1.0)
        start = stop
    for i in range(len(existence)):
        if not has_pairs[i]:
            existence[i] = _after_silence(existence[i], miss[i])
    return detected


@njit(cache=True)
def _hypothesis_shares(weight: FloatArray, log_likelihood: FloatArray, taken: FloatArray, still: float) -> FloatArray:
    """Joint weights [1 + pairs, M] of hypothesis (miss first) and mode, of one track."""
    pairs = len(taken)
    share = np.zeros((pairs + 1, MODE_COUNT))
    for m in range(MODE_COUNT):
        share[0, m] = still * weight[m]
    for e in range(pairs):
        if taken[e] < 1e-6:
            continue
        highest = -np.inf
        for m in range(MODE_COUNT):
            if weight[m] > 1e-6:
                highest = max(highest, log_likelihood[e, m])
        total = 0.0
        for m in range(MODE_COUNT):
            if weight[m] > 1e-6:
                share[e + 1, m] = weight[m] * np.exp(log_likelihood[e, m] - highest)
                total += share[e + 1, m]
        for m in range(MODE_COUNT):
            share[e + 1, m] *= taken[e] / total
    return share


@njit(cache=True)
def _match_moments(
    kind: int,
    mode: int,
    mean: FloatArray,
    cov: FloatArray,
    z: FloatArray,
    var: FloatArray,
    origin: FloatArray,
    back_s: FloatArray,
    detection: IntArray,
    share: FloatArray,
    room: FloatArray,
) -> None:
    """Replace one mode's Gaussian by the moments of its hypotheses (miss first); ``room`` [5, 6, 6] is scratch."""
    x, shift = room[0, 0], room[0, 1]
    p, second, work = room[1], room[2], room[3:6]
    for a in range(6):
        shift[a] = 0.0
        for b in range(a + 1):
            second[a, b] = share[0] * cov[a, b]
    for e in range(len(detection)):
        part = share[e + 1]
        if part <= 1e-9:
            continue
        j = detection[e]
        x[:] = mean
        p[:, :] = cov
        kalman_update(kind, mode, x, p, z[j], var[j], origin[j], back_s[j], work)
        for a in range(6):
            x[a] -= mean[a]
            shift[a] += part * x[a]
            for b in range(a + 1):
                second[a, b] += part * (p[a, b] + x[a] * x[b])
    for a in range(6):
        mean[a] += shift[a]
        for b in range(a + 1):
            cov[a, b] = second[a, b] - shift[a] * shift[b]
            cov[b, a] = cov[a, b]
