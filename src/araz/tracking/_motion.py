"""How targets move: five ways, and how they change between them (interacting multiple model).

Every mode is p' = p + A v, v' = B v with 3 x 3 blocks, which makes prediction cost a third of the 6 x 6 product.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.vocabulary import FloatArray, IntArray

MODE_COUNT: Final = 5
CRUISE, MANOEUVRE, TURN_LEFT, TURN_RIGHT, HOVER = range(MODE_COUNT)

TURN_RATE_RADPS: Final = np.array([0.0, 0.0, math.radians(9.0), math.radians(-9.0), 0.0])
"""Counter-clockwise positive (east towards north). 9 deg/s lies in the middle of what small drones fly."""
NOISE_HORIZONTAL: Final = np.array([0.05, 4.0, 0.3, 0.3, 1.0])
"""White acceleration intensity, m^2/s^3: a steady drone wanders little, a manoeuvring one pulls about 2 m/s^2."""
NOISE_VERTICAL: Final = np.array([0.02, 0.5, 0.02, 0.02, 0.1])
BRAKE_S: Final = np.array([0.0, 0.0, 0.0, 0.0, 3.0])
"""Time constant with which speed dies away; 0 means it does not."""

LEAVE_RATE_PER_S: Final = np.array([0.015, 0.25, 0.10, 0.10, 0.15])
"""How often a mode is left: cruise legs last a minute, turns ten seconds."""
LEAVE_TO: Final = np.array(
    [
        [0.00, 0.20, 0.35, 0.35, 0.10],
        [0.50, 0.00, 0.15, 0.15, 0.20],
        [0.90, 0.10, 0.00, 0.00, 0.00],
        [0.90, 0.10, 0.00, 0.00, 0.00],
        [0.40, 0.60, 0.00, 0.00, 0.00],
    ]
)
START_WEIGHT: Final = np.array([0.55, 0.15, 0.12, 0.12, 0.06])
"""Mode weights once a track has its second detection; before that only MANOEUVRE runs, for one detection says nothing
about how a target moves."""


@njit(cache=True)
def motion_blocks(mode: int, dt_s: float, a: FloatArray, b: FloatArray) -> None:
    """Fill A and B [3, 3] of one mode for a step of ``dt_s`` seconds; negative steps back (braking is not undone).

    Coordinated turn (Bar-Shalom, Li & Kirubarajan 2001, eq. 11.7.1-4), constant velocity, Ornstein-Uhlenbeck braking.
    """
    a[:, :] = 0.0
    b[:, :] = 0.0
    omega = TURN_RATE_RADPS[mode]
    brake = BRAKE_S[mode]
    a[0, 0] = a[1, 1] = a[2, 2] = dt_s
    b[0, 0] = b[1, 1] = b[2, 2] = 1.0
    if omega != 0.0:
        sine, cosine = math.sin(omega * dt_s), math.cos(omega * dt_s)
        a[0, 0] = a[1, 1] = sine / omega
        a[0, 1] = -(1.0 - cosine) / omega
        a[1, 0] = (1.0 - cosine) / omega
        b[0, 0] = b[1, 1] = cosine
        b[0, 1] = -sine
        b[1, 0] = sine
    elif brake > 0.0 and dt_s > 0.0:
        keep = math.exp(-dt_s / brake)
        for axis in range(3):
            b[axis, axis] = keep
            a[axis, axis] = brake * (1.0 - keep)


@njit(cache=True)
def switching(dt_s: float) -> FloatArray:
    """Mode change probabilities [M, M] over ``dt_s`` seconds, rows sum to one: leave at a rate, at most once a step."""
    change = np.zeros((MODE_COUNT, MODE_COUNT))
    for i in range(MODE_COUNT):
        stay = math.exp(-LEAVE_RATE_PER_S[i] * dt_s)
        for j in range(MODE_COUNT):
            change[i, j] = stay if i == j else (1.0 - stay) * LEAVE_TO[i, j]
    return change


@njit(cache=True)
def mix_modes(
    mean: FloatArray, cov: FloatArray, weight: FloatArray, change: FloatArray, out_mean: FloatArray, out_cov: FloatArray
) -> FloatArray:
    """IMM mixing of one track (Blom & Bar-Shalom 1988): fills out_mean [M, 6], out_cov [M, 6, 6], gives weights [M]."""
    predicted = np.zeros(MODE_COUNT)
    share = np.zeros(MODE_COUNT)
    gap = np.zeros(6)
    for m in range(MODE_COUNT):
        for k in range(MODE_COUNT):
            predicted[m] += weight[k] * change[k, m]
        out_mean[m, :] = 0.0
        out_cov[m, :, :] = 0.0
        for k in range(MODE_COUNT):
            share[k] = weight[k] * change[k, m] / predicted[m]
            if share[k] > 1e-9:
                for a in range(6):
                    out_mean[m, a] += share[k] * mean[k, a]
        for k in range(MODE_COUNT):
            if share[k] <= 1e-9:
                continue
            for a in range(6):
                gap[a] = mean[k, a] - out_mean[m, a]
            for a in range(6):
                for b in range(a + 1):
                    out_cov[m, a, b] += share[k] * (cov[k, a, b] + gap[a] * gap[b])
        for a in range(6):
            for b in range(a):
                out_cov[m, b, a] = out_cov[m, a, b]
    return predicted


@njit(cache=True)
def propagate(
    mean: FloatArray, cov: FloatArray, a: FloatArray, b: FloatArray, grow: FloatArray, work: FloatArray
) -> None:
    """Move one Gaussian in place: p + A v, B v; covariance F P F^T + Q.

    ``grow`` [3, 3] holds, by axis (columns), the process noise of position, of position with velocity and of velocity;
    ``work`` [2, 3, 3] is room to compute in.
    """
    for r in range(3):
        for c in range(3):
            mean[r] += a[r, c] * mean[3 + c]
    e, n, u = mean[3], mean[4], mean[5]
    for r in range(3):
        mean[3 + r] = b[r, 0] * e + b[r, 1] * n + b[r, 2] * u
    # X = P_pv + A P_vv, then P_pp += A P_vp + X A^T, P_pv = X B^T, P_vv = B P_vv B^T
    x = work[0]
    y = work[1]
    for r in range(3):
        for c in range(3):
            x[r, c] = cov[r, 3 + c] + a[r, 0] * cov[3, 3 + c] + a[r, 1] * cov[4, 3 + c] + a[r, 2] * cov[5, 3 + c]
            y[r, c] = b[r, 0] * cov[3, 3 + c] + b[r, 1] * cov[4, 3 + c] + b[r, 2] * cov[5, 3 + c]
    for r in range(3):
        for c in range(r + 1):
            add = 0.0
            new = 0.0
            for k in range(3):
                add += a[r, k] * cov[c, 3 + k] + x[r, k] * a[c, k]
                new += y[r, k] * b[c, k]
            cov[r, c] += add
            cov[c, r] = cov[r, c]
            # P_vp is still needed above only in its upper block, so P_vv may be replaced now
            cov[3 + r, 3 + c] = new
            cov[3 + c, 3 + r] = new
    for r in range(3):
        for c in range(3):
            new = x[r, 0] * b[c, 0] + x[r, 1] * b[c, 1] + x[r, 2] * b[c, 2]
            cov[r, 3 + c] = new
            cov[3 + c, r] = new
    for axis in range(3):
        cov[axis, axis] += grow[0, axis]
        cov[axis, 3 + axis] += grow[1, axis]
        cov[3 + axis, axis] += grow[1, axis]
        cov[3 + axis, 3 + axis] += grow[2, axis]


@njit(cache=True)
def process_noise(mode: int, dt_s: float, grow: FloatArray) -> None:
    """White acceleration over ``dt_s`` >= 0 seconds: fills [3, 3] = (dt^3/3, dt^2/2, dt) q by axis."""
    for axis in range(3):
        q = NOISE_HORIZONTAL[mode] if axis < 2 else NOISE_VERTICAL[mode]
        grow[0, axis] = q * dt_s**3 / 3.0
        grow[1, axis] = q * dt_s**2 / 2.0
        grow[2, axis] = q * dt_s


@njit(cache=True)
def predict_tracks(
    mean: FloatArray, cov: FloatArray, weight: FloatArray, update_count: IntArray, dt_s: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """All tracks ``dt_s`` seconds on: mixing, then each mode's motion. New arrays of the same shapes.

    A negative ``dt_s`` steps back along each mode without mixing and without noise. A track with one detection runs in
    MANOEUVRE alone; with its second it starts all modes from there, with START_WEIGHT.
    """
    count = mean.shape[0]
    new_mean = np.zeros((count, MODE_COUNT, 6))
    new_cov = np.zeros((count, MODE_COUNT, 6, 6))
    new_weight = np.zeros((count, MODE_COUNT))
    change = switching(max(dt_s, 0.0))
    a = np.zeros((MODE_COUNT, 3, 3))
    b = np.zeros((MODE_COUNT, 3, 3))
    grow = np.zeros((MODE_COUNT, 3, 3))
    work = np.zeros((2, 3, 3))
    for m in range(MODE_COUNT):
        motion_blocks(m, dt_s, a[m], b[m])
        process_noise(m, max(dt_s, 0.0), grow[m])
    for i in range(count):
        alone = weight[i, MANOEUVRE] == 1.0
        if alone and update_count[i] < 2:
            new_mean[i, MANOEUVRE] = mean[i, MANOEUVRE]
            new_cov[i, MANOEUVRE] = cov[i, MANOEUVRE]
            new_weight[i, MANOEUVRE] = 1.0
        elif dt_s <= 0.0:
            new_mean[i] = mean[i]
            new_cov[i] = cov[i]
            new_weight[i] = weight[i]
        elif alone:
            for m in range(MODE_COUNT):
                new_mean[i, m] = mean[i, MANOEUVRE]
                new_cov[i, m] = cov[i, MANOEUVRE]
            new_weight[i] = START_WEIGHT
        else:
            new_weight[i] = mix_modes(mean[i], cov[i], weight[i], change, new_mean[i], new_cov[i])
        if dt_s != 0.0:
            for m in range(MODE_COUNT):
                if new_weight[i, m] > 0.0:
                    propagate(new_mean[i, m], new_cov[i, m], a[m], b[m], grow[m], work)
    return new_mean, new_cov, new_weight


@njit(cache=True)
def collapse(mean: FloatArray, cov: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """One Gaussian a track from its modes, by moments: means [N, 6] and covariances [N, 6, 6]."""
    count = mean.shape[0]
    out = np.zeros((count, 6))
    spread = np.zeros((count, 6, 6))
    gap = np.zeros(6)
    for i in range(count):
        for m in range(MODE_COUNT):
            for a in range(6):
                out[i, a] += weight[i, m] * mean[i, m, a] if weight[i, m] > 0.0 else 0.0
        for m in range(MODE_COUNT):
            if weight[i, m] <= 0.0:
                continue
            for a in range(6):
                gap[a] = mean[i, m, a] - out[i, a]
            for a in range(6):
                for b in range(a + 1):
                    spread[i, a, b] += weight[i, m] * (cov[i, m, a, b] + gap[a] * gap[b])
        for a in range(6):
            for b in range(a):
                spread[i, b, a] = spread[i, a, b]
    return out, spread
