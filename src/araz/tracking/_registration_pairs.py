"""Two sensors' measurements of one target, brought to one time: what is left over shows the sensors' errors.

Sensor B measured z_B with stamp t_B; a track was firmly held by sensor A's plot z_A with stamp t_A, so
y_A = place(z_A) carries A's errors. To first order, with v the track's velocity, h_B what B sees of a place, H_B its
derivative, J_A = d place / d z_A, b the constant errors and tau the clock errors (stamp minus truth):

    nu = z_B - h_B(y_A + v (t_B - t_A)) = b_B - H_B v tau_B - H_B (J_A b_A - v tau_A) + noise,

in which the target itself no longer stands. The noise is R_B + H_B (J_A R_A J_A' + (t_B - t_A)^2 P_v + Q) H_B'.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._registration_state import ELEVATION, PER_SENSOR, Anchors, RegistrationState
from araz.tracking._sound import travels_s
from araz.vocabulary import BoolArray, FloatArray, IntArray, MeasurementKind, Scan, TrackPicture

MAX_GAP_S: Final = 1.0
"""Plots further apart in time are not compared: the target may have turned."""
ACCELERATION_MPS2: Final = 2.0
"""A target's usual change of velocity, for the noise of bringing one plot to the other's time."""
GATE: Final = (0.0, 15.1, 18.4, 21.1)
"""Squared distance (chi-square, 1 in 10,000) by the number of components compared."""
BLURRED_RAD: Final = 0.1
"""A plot so noisy that from the other sensor it spans more than this is not compared: nothing is linear there."""
MOST_CELLS: Final = 300_000
"""Anchors times rows looked at in one scan; beyond it only every second, third, ... track is."""
NOTHING: Final = 1e12
"""Variance of a component that was not measured."""


class Pairs(NamedTuple):
    """C candidate comparisons: anchor and row; ``nu`` [C, 3] (0 where not measured), noise [C, 3, 3], jac [C, 3, 11].

    ``columns`` [C, 11] are the rows of the state that ``jac`` belongs to: B's four errors, A's four, the claimed
    aircraft's three. ``to_anchor`` [C, 3, 3] turns ``nu`` into the anchor sensor's components, ``compared`` [C] tells
    how many components were. ``is_light`` [C]: the anchor's noise is small beside the row's: it may be used again.
    ``factor`` [C] is what the stated noise was multiplied by, for sensors that are noisier than they say.
    """

    anchor: IntArray
    row: IntArray
    nu: FloatArray
    noise: FloatArray
    jac: FloatArray
    columns: IntArray
    compared: IntArray
    to_anchor: FloatArray
    is_light: BoolArray
    factor: FloatArray


def three(kind: int, z: FloatArray) -> FloatArray:
    """Range, azimuth, elevation [K, 3] (NaN where not measured), or east, north, up, of rows of a scan's ``z``."""
    if kind == MeasurementKind.BEARING:
        return np.column_stack([np.full(len(z), np.nan), z[:, :2]])
    return z[:, :3].copy()


def place_of(polar: FloatArray, origin: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Places [K, 3] of range, azimuth, elevation [K, 3] seen from origins [K, 3], and their derivative [K, 3, 3]."""
    r, azimuth, elevation = polar.T
    sin_a, cos_a, sin_e, cos_e = np.sin(azimuth), np.cos(azimuth), np.sin(elevation), np.cos(elevation)
    ray = np.stack([cos_e * sin_a, cos_e * cos_a, sin_e], axis=1)
    by_azimuth = np.stack([r * cos_e * cos_a, -r * cos_e * sin_a, np.zeros_like(r)], axis=1)
    by_elevation = np.stack([-r * sin_e * sin_a, -r * sin_e * cos_a, r * cos_e], axis=1)
    return origin + r[:, None] * ray, np.stack([ray, by_azimuth, by_elevation], axis=2)


def view_of(place: FloatArray, origin: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Range, azimuth, elevation [K, 3] of places [K, 3] seen from origins [K, 3], and their derivative [K, 3, 3]."""
    east, north, up = (place - origin).T
    ground2 = np.maximum(east**2 + north**2, 1.0)
    ground = np.sqrt(ground2)
    r = np.sqrt(ground2 + up**2)
    polar = np.stack([r, np.arctan2(east, north), np.arctan2(up, ground)], axis=1)
    zero = np.zeros_like(r)
    rows = [
        np.stack([east / r, north / r, up / r], axis=1),
        np.stack([north / ground2, -east / ground2, zero], axis=1),
        np.stack([-east * up / (ground * r**2), -north * up / (ground * r**2), ground / r**2], axis=1),
    ]
    return polar, np.stack(rows, axis=1)


def wrapped(angle: FloatArray) -> FloatArray:
    """Angles in [-pi, pi]."""
    return np.asarray(angle - 2.0 * math.pi * np.round(angle / (2.0 * math.pi)))


def near(scan: Scan, measured: FloatArray, anchors: Anchors, track_row: IntArray, picture: TrackPicture) -> FloatArray:
    """Anchors and rows (two columns) that could be one target, the nearest in time of each track and row.

    Coarse: in the plan within 500 m + 0.12 (both ranges), or for bearings within 0.35 rad.
    """
    gap_us = np.abs(anchors.at_us[:, None] - scan.at_us[None, :])
    fits = (gap_us <= 1e6 * (MAX_GAP_S + 3.0)) & (track_row >= 0)[:, None]
    fits &= (anchors.sensor != scan.sensor_index)[:, None]
    if scan.kind == MeasurementKind.POSITION:
        fits &= (anchors.kind != MeasurementKind.POSITION)[:, None]
    place = picture.position_enu_m[track_row]
    if scan.kind == MeasurementKind.BEARING:
        seen, _ = view_of(place, np.broadcast_to(scan.origin_enu_m[:1], place.shape))
        fits &= np.abs(wrapped(measured[None, :, 1] - seen[:, None, 1])) < 0.35
    else:
        there = measured
        reach = np.full(len(measured), 500.0)
        if scan.kind == MeasurementKind.POLAR:
            flat = np.where(np.isnan(measured), 0.0, measured)
            there, _ = place_of(flat, scan.origin_enu_m)
            reach = 500.0 + 0.12 * flat[:, 0]
        own = 0.12 * np.linalg.norm(place - anchors.origin, axis=1)
        far2 = (place[:, None, 0] - there[None, :, 0]) ** 2 + (place[:, None, 1] - there[None, :, 1]) ** 2
        fits &= far2 < (own[:, None] + reach[None, :]) ** 2
    a, k = np.nonzero(fits)
    order = np.lexsort((gap_us[a, k], k, anchors.track_id[a]))
    a, k = a[order], k[order]
    first = np.ones(len(a), np.bool_)
    first[1:] = (anchors.track_id[a][1:] != anchors.track_id[a][:-1]) | (k[1:] != k[:-1])
    return np.stack([a[first], k[first]])


class _Start(NamedTuple):
    """The anchors' plots as places [C, 3] with their errors taken off: derivative, noise, and what was not measured."""

    place: FloatArray
    plot: FloatArray
    deviation: FloatArray
    by_plot: FloatArray
    noise: FloatArray
    is_polar: BoolArray
    guessed_elevation: BoolArray
    guessed_height: BoolArray
    slot: IntArray
    slot_error: FloatArray


def compare(
    state: RegistrationState,
    scan: Scan,
    measured: FloatArray,
    sigma: FloatArray,
    anchor: IntArray,
    row: IntArray,
    track_row: IntArray,
    picture: TrackPicture,
) -> Pairs:
    """The comparisons of some anchors with some rows, at the current estimates; see the head of this file.

    ``measured``, ``sigma`` [K, 3] as in ``three``. Pairs that turn out further apart than MAX_GAP_S, once the clocks'
    errors are taken off, get no component (count 0).
    """
    b, count = scan.sensor_index, len(row)
    a_sensor, origin = state.anchors.sensor[anchor], state.anchors.origin[anchor]
    errors = state.mean[: PER_SENSOR * len(state.pairs)].reshape(-1, PER_SENSOR)
    velocity = picture.velocity_enu_mps[track_row]
    start = _start(state, scan, anchor, row, track_row, picture)
    gap_s = 1e-6 * (scan.at_us[row] - state.anchors.at_us[anchor]) - errors[b, 3] + errors[a_sensor, 3]
    if scan.propagation_mps is not None:
        heard_from = start.place + velocity * gap_s[:, None] - scan.origin_enu_m[row]
        gap_s = gap_s - travels_s(heard_from, velocity, scan.propagation_mps[row])
    place = start.place + velocity * gap_s[:, None]
    bring = gap_s[:, None, None] ** 2 * picture.covariance[track_row][:, 3:, 3:]
    bring += ((0.5 * ACCELERATION_MPS2 * gap_s**2) ** 2)[:, None, None] * np.eye(3)
    if scan.kind == MeasurementKind.POSITION:
        seen, h_b = place, np.broadcast_to(np.eye(3), (count, 3, 3))
        nu, back = measured[row] - start.slot_error - seen, h_b
    else:
        seen, h_b = view_of(place, scan.origin_enu_m[row])
        nu, back = measured[row] - errors[b, :3] - seen, place_of(seen, scan.origin_enu_m[row])[1]
        nu[:, 1] = wrapped(nu[:, 1])
        nu -= _bend(start, place, seen, origin, scan.origin_enu_m[row])
    missing = ~np.isfinite(nu) | ~np.isfinite(sigma[row]) | (np.abs(gap_s) > MAX_GAP_S)[:, None]
    missing |= start.guessed_height[:, None] & (np.arange(3) == 2)
    through = np.einsum("cij,cjk,clk->cil", h_b, start.noise + bring, h_b)
    missing |= (through[:, [1], [1]] > BLURRED_RAD**2) & (scan.kind != MeasurementKind.POSITION)
    noise = through + np.einsum("ci,ij->cij", sigma[row] ** 2, np.eye(3))
    factor = np.maximum(state.noise_factor[a_sensor], state.noise_factor[b])
    noise *= factor[:, None, None] ** 2
    noise = np.where(missing[:, :, None] | missing[:, None, :], 0.0, noise)
    noise += np.where(missing, NOTHING, 0.0)[:, :, None] * np.eye(3)
    own = np.where(start.is_polar[:, None, None], view_of(place, origin)[1], np.eye(3))
    jac = np.where(missing[:, :, None], 0.0, _jacobian(scan.kind, h_b, start, velocity))
    first = PER_SENSOR * len(state.pairs)
    blocks = (np.full(count, PER_SENSOR * b), PER_SENSOR * a_sensor, first + 3 * start.slot)
    columns = np.concatenate([at[:, None] + np.arange(n) for at, n in zip(blocks, (4, 4, 3), strict=True)], axis=1)
    is_light = (through[:, 1, 1] < 0.3 * sigma[row, 1] ** 2) & (scan.kind == MeasurementKind.BEARING)
    nu = np.where(missing, 0.0, nu)
    return Pairs(anchor, row, nu, noise, jac, columns, 3 - missing.sum(axis=1), -own @ back, is_light, factor)


def _start(
    state: RegistrationState, scan: Scan, anchor: IntArray, row: IntArray, track_row: IntArray, picture: TrackPicture
) -> _Start:
    """Turn the anchors' plots into places; an elevation or height the plot lacks is the track's, with its variance."""
    anchors, up = state.anchors, picture.position_enu_m[track_row, 2]
    up_variance = picture.covariance[track_row, 2, 2]
    is_polar = anchors.kind[anchor] == MeasurementKind.POLAR
    errors = state.mean[: PER_SENSOR * len(state.pairs)].reshape(-1, PER_SENSOR)[anchors.sensor[anchor], :3]
    slot, slot_error = _slots(state, np.where(is_polar, scan.claim_key[row], anchors.claim_key[anchor]))
    z = anchors.z[anchor, :3] - np.where(is_polar[:, None], errors, slot_error)
    variance = anchors.sigma[anchor, :3] ** 2
    unknown = np.isnan(z[:, 2])
    flat, high = unknown & is_polar, unknown & ~is_polar
    far = np.maximum(z[:, 0], 1.0)
    steep = np.arcsin(np.clip((up - anchors.origin[anchor, 2]) / far, -0.99, 0.99))
    z[:, 2] = np.where(flat, steep, np.where(high, up, z[:, 2]))
    variance[:, 2] = np.where(flat, up_variance / far**2, np.where(high, up_variance, variance[:, 2]))
    place, by_plot = place_of(z, anchors.origin[anchor])
    place = np.where(is_polar[:, None], place, z)
    by_plot = np.where(is_polar[:, None, None], by_plot, np.eye(3))
    noise = np.einsum("cij,cj,ckj->cik", by_plot, variance, by_plot)
    return _Start(place, z, np.sqrt(variance), by_plot, noise, is_polar, flat, high, slot, slot_error)


def _bend(start: _Start, place: FloatArray, seen: FloatArray, origin: FloatArray, viewer: FloatArray) -> FloatArray:
    """Mean of what B sees of a noisy plot minus what it sees of the plot's mean [C, 3].

    Half the second derivative times the variance along each component of the plot, by differences at sqrt(3) sigma: at
    close range a blurred place looks further off than it is, which would pass for an error of the sensor.
    """
    out = np.zeros_like(seen)
    for c in range(3):
        step = np.zeros_like(start.plot)
        step[:, c] = np.sqrt(3.0) * start.deviation[:, c]
        for sign in (1.0, -1.0):
            there, _ = place_of(start.plot + sign * step, origin)
            moved = np.where(start.is_polar[:, None], there - start.place, sign * step)
            away = view_of(place + moved, viewer)[0] - seen
            away[:, 1] = wrapped(away[:, 1])
            out += away / 6.0
    return np.where(np.isfinite(out), out, 0.0)


def _jacobian(kind: int, h_b: FloatArray, start: _Start, velocity: FloatArray) -> FloatArray:
    """Derivative [C, 3, 11] of ``nu`` by B's errors, A's errors and the claimed place's error."""
    jac = np.zeros((len(velocity), 3, 11))
    through, rate = h_b @ start.by_plot, np.einsum("cij,cj->ci", h_b, velocity)
    jac[:, :, 3], jac[:, :, 7] = -rate, rate
    is_polar = start.is_polar[:, None, None]
    if kind == MeasurementKind.POSITION:
        jac[:, :, 8:] = np.eye(3)
    else:
        jac[:, :, :3] = np.eye(3)
        jac[:, :, 8:] = np.where(is_polar, 0.0, -through)
    jac[:, :, 4:7] = np.where(is_polar, -through, 0.0)
    jac[start.guessed_elevation, :, 4 + ELEVATION] = 0.0
    return jac


def _slots(state: RegistrationState, keys: IntArray) -> tuple[IntArray, FloatArray]:
    """Slot and believed error [C, 3] of each claim; where the claim has no slot (or there is none) slot 0, error 0."""
    matches = (state.slot_key[None, :] == keys[:, None]) & (keys != 0)[:, None]
    slot = np.argmax(matches, axis=1)
    errors = state.mean[PER_SENSOR * len(state.pairs) :].reshape(-1, 3)
    return slot, np.where(matches.any(axis=1)[:, None], errors[slot], 0.0)


def distance2(pairs: Pairs, cov: FloatArray) -> FloatArray:
    """Squared distance nu' (J P J' + R)^-1 nu of each comparison, with the errors known to covariance ``cov``."""
    block = cov[pairs.columns[:, :, None], pairs.columns[:, None, :]]
    spread = pairs.jac @ block @ pairs.jac.transpose(0, 2, 1) + pairs.noise
    solved = np.linalg.solve(spread, pairs.nu[:, :, None])[:, :, 0]
    return np.asarray(np.sum(pairs.nu * solved, axis=1))


def in_gate(pairs: Pairs, far2: FloatArray) -> BoolArray:
    """Comparisons with something measured, whose squared distance is inside the gate for that many components."""
    return np.asarray((pairs.compared > 0) & (far2 <= np.array(GATE)[pairs.compared]), dtype=np.bool_)
