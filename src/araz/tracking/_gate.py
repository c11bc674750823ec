"""Which detections could belong to which tracks: a sorted sweep over one coordinate, boxes, then the exact gate."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numba import njit
from scipy.special import chdtri

from araz.tracking._measure import BEARING, POLAR, POSITION, Detections, kalman_update, linearise, wrap
from araz.tracking._motion import MODE_COUNT
from araz.vocabulary import FloatArray, IntArray

GATE_SLACK: Final = 2.0
"""Targets pull away harder than any mode says; where false plots are thin, a far plot is still more likely the target's
own than false or new. The gate only saves work: the odds decide."""
SAME_CLAIM_GATE: Final = 4.0
"""A detection claiming what the track already claims may lie this many times further out (squared distance)."""


@lru_cache(maxsize=16)
def gate_table(probability: float) -> FloatArray:
    """Squared distance that holds ``probability`` of the true detections, by number of components 0..6 (chi-square)."""
    table = np.array([0.0, *(float(chdtri(k, 1.0 - probability)) for k in range(1, 7))])
    return table


@njit(cache=True)
def _claims_agree(track_key: int, detection_key: int) -> bool:
    return track_key == 0 or detection_key == 0 or track_key == detection_key


@njit(cache=True)
def _describe(
    kind: int,
    x: FloatArray,
    p: FloatArray,
    origin: FloatArray,
    h: FloatArray,
    jac: FloatArray,
    var: FloatArray,
    rate: FloatArray,
) -> int:
    """Fill predicted components h, their variances H P H^T and their rates of change; gives their number."""
    if kind == POSITION:  # the components are the state itself
        for c in range(6):
            h[c] = x[c]
            var[c] = p[c, c]
            rate[c] = x[3 + c] if c < 3 else 0.0
        return 6
    count = linearise(kind, x, origin, h, jac)
    for c in range(count):
        total = 0.0
        for a in range(6):
            for b in range(6):
                total += jac[c, a] * p[a, b] * jac[c, b]
        var[c] = total
        rate[c] = jac[c, 0] * x[3] + jac[c, 1] * x[4] + jac[c, 2] * x[5]
    return count


@njit(cache=True)
def box_pairs(
    kind: int,
    one_origin: bool,
    mean: FloatArray,
    cov: FloatArray,
    track_key: IntArray,
    z: FloatArray,
    var: FloatArray,
    origin: FloatArray,
    back_s: FloatArray,
    claim_key: IntArray,
    order: IntArray,
    sort_value: FloatArray,
    gate2: float,
    capacity: int,
) -> tuple[int, IntArray, IntArray]:
    """Pairs whose every component lies in the track's gate box; also their number, which may exceed ``capacity``.

    ``order`` sorts the detections by component 0 (east, or range); ``sort_value`` are those values sorted, so a track
    only meets the detections near it. Angles and moving observers are not sorted: those scans are small.
    """
    track, detection = np.zeros(capacity, np.int64), np.zeros(capacity, np.int64)
    h, spread, rate, jac = np.zeros(6), np.zeros(6), np.zeros(6), np.zeros((6, 6))
    azimuth = 1 if kind == POLAR else (0 if kind == BEARING else -1)
    widest = np.sqrt(np.nanmax(var[:, 0])) if len(order) and not np.isnan(var[:, 0]).all() else 0.0
    oldest = np.abs(back_s).max() if len(order) else 0.0
    can_sort = kind == POSITION or (kind == POLAR and one_origin)
    found = 0
    for i in range(mean.shape[0]):
        first, last = 0, len(order)
        count = 0
        if one_origin and len(order):
            count = _describe(kind, mean[i], cov[i], origin[0], h, jac, spread, rate)
        if can_sort and len(order):
            reach = 2.0 * math.sqrt(gate2) * (math.sqrt(spread[0]) + widest) + abs(rate[0]) * oldest
            first = np.searchsorted(sort_value, h[0] - reach)
            last = np.searchsorted(sort_value, h[0] + reach)
        for place in range(first, last):
            j = order[place]
            if not _claims_agree(track_key[i], claim_key[j]):
                continue
            if not one_origin:
                count = _describe(kind, mean[i], cov[i], origin[j], h, jac, spread, rate)
            wide = gate2 * SAME_CLAIM_GATE if track_key[i] != 0 and track_key[i] == claim_key[j] else gate2
            inside = True
            for c in range(count):
                if math.isnan(var[j, c]):
                    continue
                gap = z[j, c] - (h[c] - rate[c] * back_s[j])
                if c == azimuth:
                    gap = wrap(gap)
                if gap * gap > wide * (spread[c] + var[j, c]) * 1.5:
                    inside = False
                    break
            if inside:
                if found < capacity:
                    track[found] = i
                    detection[found] = j
                found += 1
    return found, track[: min(found, capacity)], detection[: min(found, capacity)]


@njit(cache=True)
def mode_likelihoods(
    kind: int,
    mean: FloatArray,
    cov: FloatArray,
    weight: FloatArray,
    track_key: IntArray,
    z: FloatArray,
    var: FloatArray,
    origin: FloatArray,
    back_s: FloatArray,
    claim_key: IntArray,
    track: IntArray,
    detection: IntArray,
    gates: FloatArray,
) -> tuple[IntArray, FloatArray]:
    """Log likelihood of each pair under each mode [E, M] and the pairs inside the exact gate (their places)."""
    pairs = len(track)
    log_likelihood = np.full((pairs, MODE_COUNT), -np.inf)
    keep = np.zeros(pairs, np.int64)
    x, p, work = np.zeros(6), np.zeros((6, 6)), np.zeros((3, 6, 6))
    kept = 0
    for e in range(pairs):
        i, j = track[e], detection[e]
        wide = SAME_CLAIM_GATE if track_key[i] != 0 and track_key[i] == claim_key[j] else 1.0
        inside = False
        for m in range(MODE_COUNT):
            if weight[i, m] <= 1e-6:
                continue
            x[:] = mean[i, m]
            p[:, :] = cov[i, m]
            value, distance2, used = kalman_update(kind, m, x, p, z[j], var[j], origin[j], back_s[j], work)
            log_likelihood[e, m] = value
            if used > 0 and distance2 <= wide * gates[used]:
                inside = True
        if inside:
            keep[kept] = e
            kept += 1
    return keep[:kept], log_likelihood


@njit(cache=True)
def _sorted_rows(found: Detections) -> tuple[IntArray, FloatArray]:
    """Detections by component 0, and those values; a bearing scan as it is, the others without rows that lack it."""
    if found.kind == BEARING:
        return np.arange(len(found.z)), found.z[:, 0].copy()
    rows = np.flatnonzero(~np.isnan(found.z[:, 0]))
    values = found.z[:, 0][rows]
    order = np.argsort(values, kind="mergesort")
    return rows[order], values[order]


@njit(cache=True)
def find_pairs(
    mean: FloatArray,
    cov: FloatArray,
    weight: FloatArray,
    track_key: IntArray,
    found: Detections,
    back_s: FloatArray,
    gates: FloatArray,
    one_mean: FloatArray,
    one_cov: FloatArray,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Gated pairs, ordered by track: track rows [E], detection rows [E] and log likelihoods by mode [E, M].

    ``one_mean`` [N, 6] and ``one_cov`` [N, 6, 6] are the tracks' moments over their modes. Rows of a polar or
    position scan without component 0 pair with nothing.
    """
    order, sort_value = _sorted_rows(found)
    components = 1
    for k in range(len(found.var)):
        components = max(components, min(6, int((~np.isnan(found.var[k])).sum())))
    gate2 = gates[components]
    capacity = 64 + 8 * (len(mean) + len(order))
    while True:
        count, track, detection = box_pairs(
            found.kind,
            found.one_origin,
            one_mean,
            one_cov,
            track_key,
            found.z,
            found.var,
            found.origin,
            back_s,
            found.claim_key,
            order,
            sort_value,
            gate2,
            capacity,
        )
        if count <= capacity:
            break
        capacity = count
    keep, log_likelihood = mode_likelihoods(
        found.kind,
        mean,
        cov,
        weight,
        track_key,
        found.z,
        found.var,
        found.origin,
        back_s,
        found.claim_key,
        track,
        detection,
        gates,
    )
    return track[keep], detection[keep], log_likelihood[keep]
