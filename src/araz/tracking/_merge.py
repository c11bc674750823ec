"""Two tracks of one target: the younger goes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from araz.tracking._state import Tracks
from araz.vocabulary import FloatArray, IntArray

MERGE_DISTANCE2: Final = 1.0
"""Squared statistical distance of two whole states (six components) below which they are one target."""
MERGE_REACH_M: Final = 200.0


@njit(cache=True)
def _close_pairs(
    mean: FloatArray, cov: FloatArray, rows: IntArray, key: IntArray, reach_m: float, limit: float
) -> IntArray:
    """For each track the row of an older track it merges into, else -1; ``rows`` are the candidates sorted by east."""
    into = np.full(len(mean), -1, np.int64)
    for first in range(len(rows)):
        for second in range(first + 1, len(rows)):
            i, j = min(rows[first], rows[second]), max(rows[first], rows[second])
            if abs(mean[rows[second], 0] - mean[rows[first], 0]) > reach_m:
                break
            if into[i] >= 0 or into[j] >= 0 or (key[i] != 0 and key[j] != 0 and key[i] != key[j]):
                continue
            gap = mean[i] - mean[j]
            if abs(gap[1]) > reach_m or abs(gap[2]) > reach_m:
                continue
            both = cov[i] + cov[j]
            if gap @ np.linalg.solve(both, gap) < limit:
                into[j] = i
    return into


@njit(cache=True)
def merged_into(tracks: Tracks, mean: FloatArray, cov: FloatArray, rows: IntArray) -> IntArray:
    """Rows of the tracks that are an older one's double; the older inherits claim and sensors, in place.

    Tracks claiming different things never merge. Rows are in order of birth, so the lower row is the older.
    """
    if len(rows) < 2:
        return rows[:0]
    by_east = rows[np.argsort(mean[:, 0][rows], kind="mergesort")]
    into = _close_pairs(mean, cov, by_east, tracks.claim_key, MERGE_REACH_M, MERGE_DISTANCE2)
    doubles = np.flatnonzero(into >= 0)
    for j in doubles:
        i = into[j]
        tracks.existence[i] = max(tracks.existence[i], tracks.existence[j])
        tracks.updated_at_us[i] = max(tracks.updated_at_us[i], tracks.updated_at_us[j])
        tracks.sensor_mask[i] |= tracks.sensor_mask[j]
        if tracks.claim_key[i] == 0:
            tracks.claim_key[i] = tracks.claim_key[j]
    return doubles
