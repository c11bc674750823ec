"""From the chances of single looks to the chance that a target is noticed, and that it becomes a track."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from araz.vocabulary import FloatArray, IntArray, MeasurementKind, SensorTable

#: A track is confirmed by so many detections within so many consecutive looks: fitted to the tracker.
HITS: Final = 3
WINDOW: Final = 8


def dwell_chances(table: SensorTable, look: FloatArray, dwell_s: float) -> tuple[FloatArray, FloatArray]:
    """(noticed, tracked) [N] of targets that give sensor s the chance ``look`` [S, N, K] at K places on their way.

    The K places follow each other over ``dwell_s`` seconds; ``look`` [S, N] is a target that stays where it is. Each
    sensor looks once a period, half a period after the start the first time. ValueError on another shape.
    """
    ways = look[:, :, None] if look.ndim == 2 else look
    if ways.ndim != 3 or ways.shape[0] != len(table.sensor_id):
        raise ValueError(f"look needs shape [{len(table.sensor_id)}, N] or [.., N, K], got {look.shape}.")
    row, step = _schedule(table, ways.shape[2], dwell_s, [s for s in range(len(ways)) if ways[s].any()])
    silent = np.ones(ways.shape[1])
    for s in np.unique(row):
        counts = np.bincount(step[row == s], minlength=ways.shape[2])
        silent *= np.prod((1.0 - ways[s]) ** counts, axis=1)
    places = table.kind[row] != MeasurementKind.BEARING
    tracked = _scan_chance(np.ascontiguousarray(ways), row[places], step[places], HITS, WINDOW)
    return 1.0 - silent, tracked


def lone_chances(table: SensorTable, look: FloatArray, dwell_s: float) -> FloatArray:
    """Chance [S, N] that each sensor alone reports a target often enough for a track, ``look`` as in ``dwell_chances``.

    For a sensor of bearings it is the chance of as many bearings: enough for people to be told where to listen.
    ValueError on another shape than [S, N, K].
    """
    if look.ndim != 3 or look.shape[0] != len(table.sensor_id):
        raise ValueError(f"look needs shape [{len(table.sensor_id)}, N, K], got {look.shape}.")
    out = np.zeros(look.shape[:2])
    for s in np.flatnonzero(look.any(axis=(1, 2))):
        _, step = _schedule(table, look.shape[2], dwell_s, [int(s)])
        alone = np.ascontiguousarray(look[s : s + 1])
        out[s] = _scan_chance(alone, np.zeros_like(step), step, HITS, WINDOW)
    return out


def _schedule(table: SensorTable, steps: int, dwell_s: float, rows: list[int]) -> tuple[IntArray, IntArray]:
    """Sensor and place of every look of the dwell, in order of time."""
    times = [np.arange(0.5 * table.period_s[s], dwell_s, table.period_s[s]) for s in rows]
    row = np.concatenate([np.full(len(t), s) for s, t in zip(rows, times, strict=True)] or [np.zeros(0)])
    at_s = np.concatenate(times or [np.zeros(0)])
    order = np.argsort(at_s, kind="stable")
    step = np.minimum((at_s[order] / dwell_s * steps).astype(np.int64), steps - 1)
    return row[order].astype(np.int64), step


@njit(cache=True, error_model="numpy")
def _scan_chance(look: FloatArray, row: IntArray, step: IntArray, hits: int, window: int) -> FloatArray:
    """P(``hits`` detections within ``window`` consecutive looks) [N]: a Markov chain over the last looks' outcomes."""
    states = 1 << (window - 1)
    enough = np.zeros(2 * states, np.bool_)
    for s in range(2 * states):
        ones = 0
        for bit in range(window):
            ones += (s >> bit) & 1
        enough[s] = ones >= hits
    out = np.zeros(look.shape[1])
    belief, after = np.zeros(states), np.zeros(states)
    for n in range(look.shape[1]):
        belief[:] = 0.0
        belief[0] = 1.0
        done = 0.0
        for i in range(len(row)):
            p = look[row[i], n, step[i]]
            if p <= 0.0:
                continue
            after[:] = 0.0
            for s in range(states):
                if belief[s] == 0.0:
                    continue
                last = (s << 1) & (2 * states - 1)
                after[last & (states - 1)] += belief[s] * (1.0 - p)
                if enough[last | 1]:
                    done += belief[s] * p
                else:
                    after[(last | 1) & (states - 1)] += belief[s] * p
            belief, after = after, belief
            if done > 0.9999:  # near enough: what is left moves nothing a person sees
                break
        out[n] = min(done, 1.0)
    return out
