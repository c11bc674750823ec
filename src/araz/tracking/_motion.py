"""How targets move: seven ways, and how they change between them (interacting multiple model).

Every mode is p' = p + A v, v' = B v, where A and B rotate and scale the horizontal and scale the vertical.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._gauss import WIDTH, from_moments, propagate, raw_moments
from araz.vocabulary import FloatArray, IntArray

MODE_COUNT: Final = 7
CRUISE, MANOEUVRE, TURN_LEFT, TURN_RIGHT, FAST_LEFT, FAST_RIGHT, HOVER = range(MODE_COUNT)

TURN_RATE_RADPS: Final = np.radians(np.array([0.0, 0.0, 6.0, -6.0, 11.5, -11.5, 0.0]))
"""Counter-clockwise positive (east towards north). Small drones turn at 4 to 14 deg/s, aeroplanes at 3 and less."""
NOISE_HORIZONTAL: Final = np.array([0.05, 4.0, 0.15, 0.15, 0.2, 0.2, 0.5])
"""White acceleration intensity, m^2/s^3: a steady drone wanders little, a manoeuvring one pulls about 2 m/s^2."""
NOISE_VERTICAL: Final = np.array([0.02, 0.5, 0.02, 0.02, 0.02, 0.02, 0.1])
BRAKE_S: Final = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0])
"""Time constant with which speed dies away; 0 means it does not."""

LEAVE_RATE_PER_S: Final = np.array([0.05, 0.25, 0.10, 0.10, 0.10, 0.10, 0.07])
"""How often a mode is left: legs last twenty seconds, turns ten, braking and hovering fifteen."""
LEAVE_TO: Final = np.array(
    [
        [0.00, 0.12, 0.22, 0.22, 0.22, 0.22, 0.00],
        [0.50, 0.00, 0.05, 0.05, 0.05, 0.05, 0.30],
        [0.75, 0.05, 0.00, 0.00, 0.20, 0.00, 0.00],
        [0.75, 0.05, 0.00, 0.00, 0.00, 0.20, 0.00],
        [0.75, 0.05, 0.20, 0.00, 0.00, 0.00, 0.00],
        [0.75, 0.05, 0.00, 0.20, 0.00, 0.00, 0.00],
        [0.20, 0.80, 0.00, 0.00, 0.00, 0.00, 0.00],
    ]
)
START_WEIGHT: Final = np.array([0.60, 0.10, 0.07, 0.07, 0.07, 0.07, 0.02])
"""Mode weights once a track has its second detection; before that only MANOEUVRE runs, for one detection says nothing
about how a target moves."""


@njit(cache=True, error_model="numpy")
def way_of(mode: int, dt_s: float, way: FloatArray, w: int) -> None:
    """Fill row w with the twelve numbers of one mode's step of ``dt_s`` seconds, as ``propagate`` takes it.

    Coordinated turn (Bar-Shalom, Li & Kirubarajan 2001, eq. 11.7.1-4), constant velocity, Ornstein-Uhlenbeck braking
    (a negative step goes straight back); white acceleration adds (dt^3/3, dt^2/2, dt) q forwards and nothing backwards.
    """
    omega, brake = TURN_RATE_RADPS[mode], BRAKE_S[mode]
    way[w, 0], way[w, 1], way[w, 2] = dt_s, 0.0, dt_s
    way[w, 3], way[w, 4], way[w, 5] = 1.0, 0.0, 1.0
    if omega != 0.0:
        sine, cosine = math.sin(omega * dt_s), math.cos(omega * dt_s)
        way[w, 0], way[w, 1] = sine / omega, (1.0 - cosine) / omega
        way[w, 3], way[w, 4] = cosine, sine
    elif brake > 0.0 and dt_s > 0.0:
        keep = math.exp(-dt_s / brake)
        way[w, 3] = way[w, 5] = keep
        way[w, 0] = way[w, 2] = brake * (1.0 - keep)
    forward = max(dt_s, 0.0)
    for axis in range(2):
        q = NOISE_HORIZONTAL[mode] if axis == 0 else NOISE_VERTICAL[mode]
        way[w, 6 + 3 * axis] = q * forward**3 / 3.0
        way[w, 7 + 3 * axis] = q * forward**2 / 2.0
        way[w, 8 + 3 * axis] = q * forward


@njit(cache=True, error_model="numpy")
def ways_of(dt_s: float) -> FloatArray:
    """The numbers of every mode's step of ``dt_s`` seconds [M, 12]."""
    ways = np.empty((MODE_COUNT, 12))
    for m in range(MODE_COUNT):
        way_of(m, dt_s, ways, m)
    return ways


@njit(cache=True, error_model="numpy")
def switching(dt_s: float) -> FloatArray:
    """Mode change probabilities [M, M] over ``dt_s`` seconds, rows sum to one: leave at a rate, at most once a step."""
    change = np.zeros((MODE_COUNT, MODE_COUNT))
    for i in range(MODE_COUNT):
        stay = math.exp(-LEAVE_RATE_PER_S[i] * dt_s)
        for j in range(MODE_COUNT):
            change[i, j] = stay if i == j else (1.0 - stay) * LEAVE_TO[i, j]
    return change


@njit(cache=True, error_model="numpy")
def mix_modes(
    rows: FloatArray,
    weight: FloatArray,
    i: int,
    change: FloatArray,
    out: FloatArray,
    out_weight: FloatArray,
    work: FloatArray,
) -> None:
    """IMM mixing of track i (Blom & Bar-Shalom 1988) from rows [N M, 27] into out [N M, 27] and out_weight [N, M].

    All modes' moments are taken about the first one's mean, so that mixing is one product of small matrices; ``work``
    [M, 27] is scratch. The sum over the seven modes is written out: as a loop it runs three times slower.
    """
    at = i * MODE_COUNT
    for k in range(MODE_COUNT):
        raw_moments(rows, at + k, rows, at, work, k)
    for m in range(MODE_COUNT):
        total = 0.0
        for k in range(MODE_COUNT):
            total += weight[i, k] * change[k, m]
        out_weight[i, m] = total
        one = 1.0 / total if total > 0.0 else 0.0
        s0, s1 = weight[i, 0] * change[0, m] * one, weight[i, 1] * change[1, m] * one
        s2, s3 = weight[i, 2] * change[2, m] * one, weight[i, 3] * change[3, m] * one
        s4, s5 = weight[i, 4] * change[4, m] * one, weight[i, 5] * change[5, m] * one
        s6 = weight[i, 6] * change[6, m] * one
        o = at + m
        for q in range(WIDTH):
            out[o, q] = (
                s0 * work[0, q]
                + s1 * work[1, q]
                + s2 * work[2, q]
                + s3 * work[3, q]
                + s4 * work[4, q]
                + s5 * work[5, q]
                + s6 * work[6, q]
            )
        from_moments(out, o, rows, at, out, o)


@njit(cache=True, error_model="numpy")
def predict_into(
    gauss: FloatArray,
    weight: FloatArray,
    update_count: IntArray,
    dt_s: float,
    out: FloatArray,
    out_weight: FloatArray,
) -> None:
    """All tracks ``dt_s`` seconds on: mixing, then each mode's motion; fills out [N, M, 27] and out_weight [N, M].

    A negative ``dt_s`` steps back along each mode without mixing and without noise. A track with one detection runs in
    MANOEUVRE alone; with its second it starts all modes from there, with START_WEIGHT. Modes of weight zero come
    zeroed.
    """
    change, ways, count = switching(max(dt_s, 0.0)), ways_of(dt_s), len(gauss)
    rows, to = gauss.reshape(count * MODE_COUNT, WIDTH), out.reshape(count * MODE_COUNT, WIDTH)
    work = np.empty((MODE_COUNT, WIDTH))
    for i in range(count):
        at = i * MODE_COUNT
        alone = weight[i, MANOEUVRE] == 1.0
        if alone and (update_count[i] < 2 or dt_s <= 0.0):
            for m in range(MODE_COUNT):
                out_weight[i, m] = 1.0 if m == MANOEUVRE else 0.0
                if m == MANOEUVRE:
                    propagate(rows, at + m, ways, m, to, at + m)
                else:
                    for q in range(WIDTH):
                        to[at + m, q] = 0.0
        elif alone:
            for m in range(MODE_COUNT):
                out_weight[i, m] = START_WEIGHT[m]
                propagate(rows, at + MANOEUVRE, ways, m, to, at + m)
        elif dt_s <= 0.0:
            for m in range(MODE_COUNT):
                out_weight[i, m] = weight[i, m]
                propagate(rows, at + m, ways, m, to, at + m)
        else:
            mix_modes(rows, weight, i, change, to, out_weight, work)
            for m in range(MODE_COUNT):
                propagate(to, at + m, ways, m, to, at + m)


@njit(cache=True, error_model="numpy")
def predict_tracks(
    gauss: FloatArray, weight: FloatArray, update_count: IntArray, dt_s: float
) -> tuple[FloatArray, FloatArray]:
    """All tracks ``dt_s`` seconds on, as new arrays; see ``predict_into``."""
    out, out_weight = np.empty(gauss.shape), np.empty(weight.shape)
    predict_into(gauss, weight, update_count, dt_s, out, out_weight)
    return out, out_weight
