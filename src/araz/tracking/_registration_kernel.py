"""The arithmetic of comparisons, one pair after the other; what it computes stands in ``_registration_pairs``."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._measure import BEARING, POLAR, POSITION, wrap
from araz.tracking._sound import travel_s
from araz.vocabulary import BoolArray, FloatArray, IntArray

MAX_GAP_S: Final = 1.0
"""Plots further apart in time are not compared: the target may have turned."""
LEAST: Final = 16
"""Comparisons with one partner before anything is said about the two."""
ACCELERATION_MPS2: Final = 2.0
"""A target's usual change of velocity, for the noise of bringing one plot to the other's time."""
BLURRED_RAD: Final = 0.1
"""A plot so noisy that from the other sensor it spans more than this is not compared: nothing is linear there."""
NOTHING: Final = 1e12
"""Variance of a component that was not measured."""
# columns of the kernel's table, one pair a row
MEASURED, SIGMA, VIEWER, SPEED, PLOT, DEVIATION, ORIGIN, PLOT_ERROR, SLOT_ERROR, VIEWER_ERROR = (
    0, 3, 6, 9, 10, 13, 16, 19, 22, 25,
)  # fmt: skip
GAP, UP, UP_VARIANCE, VELOCITY, VELOCITY_COV, IS_POLAR, FACTOR, WIDTH = 28, 29, 30, 31, 34, 43, 44, 45


@njit(inline="always", error_model="numpy")
def to_place(r: float, azimuth: float, elevation: float, out: FloatArray, by: FloatArray) -> None:
    """Place relative to the viewer and its derivative by range, azimuth, elevation."""
    sin_a, cos_a, sin_e, cos_e = math.sin(azimuth), math.cos(azimuth), math.sin(elevation), math.cos(elevation)
    by[0, 0], by[1, 0], by[2, 0] = cos_e * sin_a, cos_e * cos_a, sin_e
    by[0, 1], by[1, 1], by[2, 1] = r * cos_e * cos_a, -r * cos_e * sin_a, 0.0
    by[0, 2], by[1, 2], by[2, 2] = -r * sin_e * sin_a, -r * sin_e * cos_a, r * cos_e
    for i in range(3):
        out[i] = r * by[i, 0]


@njit(inline="always", error_model="numpy")
def to_view(east: float, north: float, up: float, out: FloatArray, by: FloatArray) -> None:
    """Range, azimuth, elevation of a place relative to the viewer and their derivative by the place."""
    ground2 = max(east * east + north * north, 1.0)
    ground, r2 = math.sqrt(ground2), ground2 + up * up
    r = math.sqrt(r2)
    out[0], out[1], out[2] = r, math.atan2(east, north), math.atan2(up, ground)
    by[0, 0], by[0, 1], by[0, 2] = east / r, north / r, up / r
    by[1, 0], by[1, 1], by[1, 2] = north / ground2, -east / ground2, 0.0
    by[2, 0], by[2, 1], by[2, 2] = -east * up / (ground * r2), -north * up / (ground * r2), ground / r2


@njit(inline="always", error_model="numpy")
def product(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    """Fill ``out`` with a b, all 3 x 3."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]


@njit(inline="always", error_model="numpy")
def unbend(
    t: FloatArray, z: FloatArray, start: FloatArray, place: FloatArray, seen: FloatArray, nu: FloatArray
) -> None:
    """Take off the mean of what B sees of a noisy plot minus what it sees of the plot's mean.

    Half the second derivative times the variance along each component of the plot, by differences at sqrt(3) sigma: at
    close range a blurred place looks further off than it is, which would pass for an error of the sensor.
    ``z`` [2, 3]: the plot, its deviation.
    """
    moved, view, by = np.empty(3), np.empty(3), np.empty((3, 3))
    bend = np.zeros(3)
    for c in range(3):
        for side in range(2):
            step = math.sqrt(3.0) * z[1, c] * (1.0 - 2.0 * side)
            for i in range(3):
                moved[i] = z[0, i] + (step if i == c else 0.0)
            if t[IS_POLAR] > 0.0:
                to_place(moved[0], moved[1], moved[2], view, by)
                for i in range(3):
                    moved[i] = view[i] + t[ORIGIN + i]
            for i in range(3):
                moved[i] += place[i] - start[i] - t[VIEWER + i]
            to_view(moved[0], moved[1], moved[2], view, by)
            bend[0] += (view[0] - seen[0]) / 6.0
            bend[1] += wrap(view[1] - seen[1]) / 6.0
            bend[2] += (view[2] - seen[2]) / 6.0
    for i in range(3):
        if math.isfinite(bend[i]):
            nu[i] -= bend[i]


@njit(inline="always", error_model="numpy")
def plot_of(t: FloatArray, z: FloatArray, start: FloatArray, by: FloatArray) -> bool:
    """Fill the anchor's plot and deviation ``z`` [2, 3], the place and its derivative; is the height a guess."""
    is_polar = t[IS_POLAR] > 0.0
    for i in range(3):
        z[0, i], z[1, i] = t[PLOT + i] - t[PLOT_ERROR + i], t[DEVIATION + i]
    is_guess = math.isnan(z[0, 2])
    if is_guess and is_polar:
        far = max(z[0, 0], 1.0)
        z[0, 2] = math.asin(min(max((t[UP] - t[ORIGIN + 2]) / far, -0.99), 0.99))
        z[1, 2] = math.sqrt(t[UP_VARIANCE]) / far
    elif is_guess:
        z[0, 2], z[1, 2] = t[UP], math.sqrt(t[UP_VARIANCE])
    if is_polar:
        to_place(z[0, 0], z[0, 1], z[0, 2], start, by)
        for i in range(3):
            start[i] += t[ORIGIN + i]
    else:
        for i in range(3):
            start[i] = z[0, i]
            for j in range(3):
                by[i, j] = 1.0 if i == j else 0.0
    return is_guess


@njit(inline="always", error_model="numpy")
def carry(t: FloatArray, z: FloatArray, start: FloatArray, by: FloatArray, place: FloatArray, cov: FloatArray) -> float:
    """Fill the place [3] and its covariance [3, 3] at the time the other sensor shows; gives the seconds between."""
    v = t[VELOCITY : VELOCITY + 3]
    gap: float = t[GAP]
    gap -= travel_s(
        start[0] + v[0] * gap - t[VIEWER], start[1] + v[1] * gap - t[VIEWER + 1],
        start[2] + v[2] * gap - t[VIEWER + 2], v[0], v[1], v[2], t[SPEED],
    )  # fmt: skip
    for i in range(3):
        place[i] = start[i] + v[i] * gap
    drift = (0.5 * ACCELERATION_MPS2 * gap * gap) ** 2
    for i in range(3):
        for j in range(3):
            total = gap * gap * t[VELOCITY_COV + 3 * i + j] + (drift if i == j else 0.0)
            for c in range(3):
                total += by[i, c] * z[1, c] * z[1, c] * by[j, c]
            cov[i, j] = total
    return gap


@njit(inline="always", error_model="numpy")
def fill_slopes(
    kind: int, t: FloatArray, h: FloatArray, hj: FloatArray, is_guess: bool, i: int, jac: FloatArray
) -> None:
    """Fill component i of a comparison's derivative ``jac`` [3, 11] by both sensors' errors and clocks."""
    is_polar = t[IS_POLAR] > 0.0
    rate = h[i, 0] * t[VELOCITY] + h[i, 1] * t[VELOCITY + 1] + h[i, 2] * t[VELOCITY + 2]
    jac[i, 3], jac[i, 7] = -rate, rate
    if kind == POSITION:
        jac[i, 8 + i] = 1.0
    else:
        jac[i, i] = 1.0
    for j in range(3):
        if is_polar and not (j == 2 and is_guess):
            jac[i, 4 + j] = -hj[i, j]
        elif not is_polar and kind != POSITION:
            jac[i, 8 + j] = -hj[i, j]


@njit(cache=True, error_model="numpy")
def fill_pairs(
    kind: int, table: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray, FloatArray, FloatArray]:
    """Return nu [C, 3], noise [C, 3, 3], jac [C, 3, 11], number compared [C], to_anchor [C, 3, 3], share [C].

    ``table`` [C, WIDTH] holds the pairs, seen by a sensor of ``kind``; share is the anchor's part of the variance of
    the second component. See ``_registration_pairs.Pairs``.
    """
    count = len(table)
    nu, noise, jac = np.zeros((count, 3)), np.zeros((count, 3, 3)), np.zeros((count, 3, 11))
    compared, to_anchor, share = np.zeros(count, np.int64), np.empty((count, 3, 3)), np.empty(count)
    z, start, place, seen = np.empty((2, 3)), np.empty(3), np.empty(3), np.empty(3)
    by, h, own, back = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    hj, cov, hc, dump = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    for k in range(count):
        t = table[k]
        is_polar = t[IS_POLAR] > 0.0
        is_guess = plot_of(t, z, start, by)
        gap = carry(t, z, start, by, place, cov)
        if is_polar:
            to_view(place[0] - t[ORIGIN], place[1] - t[ORIGIN + 1], place[2] - t[ORIGIN + 2], dump, own)
        else:
            own[:] = np.eye(3)
        if kind == POSITION:
            h[:] = np.eye(3)
            back[:] = h
            for i in range(3):
                nu[k, i] = t[MEASURED + i] - t[SLOT_ERROR + i] - place[i]
        else:
            to_view(place[0] - t[VIEWER], place[1] - t[VIEWER + 1], place[2] - t[VIEWER + 2], seen, h)
            to_place(seen[0], seen[1], seen[2], dump, back)
            for i in range(3):
                nu[k, i] = t[MEASURED + i] - t[VIEWER_ERROR + i] - seen[i]
            nu[k, 1] = wrap(nu[k, 1])
            unbend(t, z, start, place, seen, nu[k])
        product(own, back, to_anchor[k])
        product(h, by, hj)
        product(h, cov, hc)
        for i in range(3):
            for j in range(3):
                to_anchor[k, i, j] = -to_anchor[k, i, j]
                noise[k, i, j] = hc[i, 0] * h[j, 0] + hc[i, 1] * h[j, 1] + hc[i, 2] * h[j, 2]
        share[k] = noise[k, 1, 1]
        is_void = abs(gap) > MAX_GAP_S or (kind != POSITION and share[k] > BLURRED_RAD**2)
        for i in range(3):
            noise[k, i, i] += t[SIGMA + i] ** 2
        for i in range(3):
            is_missing = is_void or (i == 2 and is_guess and not is_polar)
            if is_missing or not math.isfinite(nu[k, i]) or not math.isfinite(t[SIGMA + i]):
                nu[k, i] = 0.0
                noise[k, i, :] = 0.0
                noise[k, :, i] = 0.0
                noise[k, i, i] = NOTHING / t[FACTOR] ** 2
                continue
            compared[k] += 1
            fill_slopes(kind, t, h, hj, is_guess, i, jac[k])
        noise[k] *= t[FACTOR] ** 2
    return nu, noise, jac, compared, to_anchor, share


@njit(cache=True, error_model="numpy")
def squared_distances(
    nu: FloatArray, noise: FloatArray, jac: FloatArray, columns: IntArray, cov: FloatArray
) -> FloatArray:
    """Squared distances nu' (J P J' + R)^-1 nu of C comparisons, by Cholesky; infinite where singular."""
    count, wide = len(nu), columns.shape[1]
    out, s, jp, y = np.empty(count), np.empty((3, 3)), np.empty((3, wide)), np.empty(3)
    for k in range(count):
        for i in range(3):
            for b in range(wide):
                total = 0.0
                for a in range(wide):
                    total += jac[k, i, a] * cov[columns[k, a], columns[k, b]]
                jp[i, b] = total
        for i in range(3):
            for j in range(i + 1):
                total = noise[k, i, j]
                for b in range(wide):
                    total += jp[i, b] * jac[k, j, b]
                for c in range(j):
                    total -= s[i, c] * s[j, c]
                s[i, j] = math.sqrt(total) if i == j else total / s[j, j]
        distance2 = 0.0
        for i in range(3):
            total = nu[k, i]
            for c in range(i):
                total -= s[i, c] * y[c]
            y[i] = total / s[i, i]
            distance2 += y[i] * y[i]
        out[k] = distance2 if math.isfinite(distance2) else math.inf
    return out


@njit(cache=True, error_model="numpy")
def lone_pairs(track: IntArray, row: IntArray, fits: BoolArray, possible: BoolArray) -> tuple[IntArray, IntArray]:
    """Of C pairs of a track and a row, those that fit and share neither with another that fits; and the misfits.

    A misfit is possible but does not fit, its track and its row fit nothing else, and share no other possible pair.
    """
    by_track, by_row = np.zeros((2, track.max() + 1), np.int64), np.zeros((2, row.max() + 1), np.int64)
    for k in range(len(track)):
        by_track[0, track[k]] += fits[k]
        by_row[0, row[k]] += fits[k]
        by_track[1, track[k]] += possible[k]
        by_row[1, row[k]] += possible[k]
    is_lone, is_misfit = fits.copy(), possible & ~fits
    for k in range(len(track)):
        t, r = track[k], row[k]
        is_lone[k] &= by_track[0, t] == 1 and by_row[0, r] == 1
        is_misfit[k] &= by_track[0, t] == 0 and by_row[0, r] == 0 and by_track[1, t] == 1 and by_row[1, r] == 1
    return np.flatnonzero(is_lone), np.flatnonzero(is_misfit)


@njit(cache=True, error_model="numpy")
def near_pairs(
    kind: int,
    anchor_us: IntArray,
    track_row: IntArray,
    place: FloatArray,
    own: FloatArray,
    at_us: IntArray,
    seen: FloatArray,
    viewer: FloatArray,
    most_us: int,
) -> IntArray:
    """Anchor and row [2, C] of each target and row that are close together, the anchor nearest in time.

    ``track_row`` [N] target of each anchor (-1 = not looked at), ``place`` [N, 3] where it is, ``own`` [N] its distance
    from the anchor's sensor; rows ``at_us`` [K], ``seen`` [K, 3] as measured, from ``viewer`` [K, 3].
    """
    best = np.full((track_row.max() + 1, len(at_us)), -1, np.int64)
    there, by = np.empty(3), np.empty((3, 3))
    found = 0
    for k in range(len(at_us)):
        reach = 500.0
        if kind == POLAR:
            elevation = 0.0 if math.isnan(seen[k, 2]) else seen[k, 2]
            to_place(seen[k, 0], seen[k, 1], elevation, there, by)
            there += viewer[k]
            reach += 0.12 * seen[k, 0]
        elif kind == POSITION:
            there[:] = seen[k]
        for a in range(len(track_row)):
            gap_us = abs(anchor_us[a] - at_us[k])
            if track_row[a] < 0 or gap_us > most_us:
                continue
            if kind == BEARING:
                azimuth = math.atan2(place[a, 0] - viewer[k, 0], place[a, 1] - viewer[k, 1])
                is_near = abs(wrap(seen[k, 1] - azimuth)) < 0.35
            else:
                far2 = (place[a, 0] - there[0]) ** 2 + (place[a, 1] - there[1]) ** 2
                is_near = far2 < (0.12 * own[a] + reach) ** 2
            if is_near:
                other = best[track_row[a], k]
                found += other < 0
                if other < 0 or gap_us < abs(anchor_us[other] - at_us[k]):
                    best[track_row[a], k] = a
    out, n = np.empty((2, found), np.int64), 0
    for t in range(len(best)):
        for k in range(len(at_us)):
            if best[t, k] >= 0:
                out[0, n], out[1, n] = best[t, k], k
                n += 1
    return out


# The types are stated so that it is compiled beforehand: the first comparisons come late in a night.
@njit("f8[:,::1](f8[:,::1], f8[:,::1], f8[::1])", cache=True, error_model="numpy")
def scatter(value: FloatArray, noise: FloatArray, believed: FloatArray) -> FloatArray:
    """``size``, ``ratio``, ``shift``, ``memory`` [4, 3] of the books' ``Found`` for comparisons [K, 3]."""
    out = np.full((4, 3), np.nan)
    for c in range(3):
        known = np.isfinite(value[:, c])
        if known.sum() < LEAST:
            continue
        v, n = value[known, c], noise[known, c]
        away = v - np.median(v)
        out[0, c], out[1, c] = 1.4826 * np.median(np.abs(away)), 1.4826 * np.median(np.abs(away / n))
        total = 0.0
        for k in range(len(v) - LEAST, len(v)):
            total += min(max((v[k] - believed[c]) / n[k], -5.0), 5.0)
        out[2, c] = abs(total / LEAST) * np.sqrt(LEAST)
        out[3, c] = np.sum(away[1:] * away[:-1]) / max(np.sum(away * away), 1e-12)
    return out
