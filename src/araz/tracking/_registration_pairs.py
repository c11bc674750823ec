"""Two sensors' measurements of one target, brought to one time: what is left over shows the sensors' errors.

Sensor B measured z_B with stamp t_B; a track was firmly held by sensor A's plot z_A with stamp t_A, so
y_A = place(z_A) carries A's errors. To first order, with v the track's velocity, h_B what B sees of a place, H_B its
derivative, J_A = d place / d z_A, b the constant errors and tau the clock errors (stamp minus truth):

    nu = z_B - h_B(y_A + v (t_B - t_A)) = b_B - H_B v tau_B - H_B (J_A b_A - v tau_A) + noise,

in which the target itself no longer stands. The noise is R_B + H_B (J_A R_A J_A' + (t_B - t_A)^2 P_v + Q) H_B'.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from araz.tracking import _registration_kernel as kernel
from araz.tracking._registration_kernel import MAX_GAP_S
from araz.tracking._registration_state import PER_SENSOR, Anchors, RegistrationState
from araz.vocabulary import BoolArray, FloatArray, IntArray, MeasurementKind, Scan, TrackPicture

GATE: Final = (0.0, 15.1, 18.4, 21.1)
"""Squared distance (chi-square, 1 in 10,000) by the number of components compared."""
MOST_CELLS: Final = 300_000
"""Anchors times rows looked at in one scan; beyond it only every second, third, ... track is."""


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


def near(scan: Scan, measured: FloatArray, anchors: Anchors, track_row: IntArray, picture: TrackPicture) -> IntArray:
    """Anchors and rows (two columns) that could be one target, the nearest in time of each track and row.

    Coarse: in the plan within 500 m + 0.12 (both ranges), or for bearings within 0.35 rad.
    """
    fits = (track_row >= 0) & (anchors.sensor != scan.sensor_index)
    if scan.kind == MeasurementKind.POSITION:
        fits &= anchors.kind != MeasurementKind.POSITION
    if not len(scan.at_us) or not fits.any():
        return np.zeros((2, 0), np.int64)
    place = picture.position_enu_m[track_row]
    away = place - anchors.origin
    return kernel.near_pairs(
        int(scan.kind),
        anchors.at_us,
        np.where(fits, track_row, -1),
        place,
        np.sqrt((away * away).sum(axis=1)),
        scan.at_us.copy(),
        measured,
        scan.origin_enu_m.copy(),
        round(1e6 * (MAX_GAP_S + 3.0)),
    )


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
    b, count, anchors = scan.sensor_index, len(row), state.anchors
    a_sensor, first = anchors.sensor[anchor], PER_SENSOR * len(state.pairs)
    errors = state.mean[:first].reshape(-1, PER_SENSOR)
    is_polar = anchors.kind[anchor] == MeasurementKind.POLAR
    slot, slot_error = _slots(state, np.where(is_polar, scan.claim_key[row], anchors.claim_key[anchor]))
    factor = np.maximum(state.noise_factor[a_sensor], state.noise_factor[b])
    table = np.empty((count, kernel.WIDTH))
    plot_error = np.where(is_polar[:, None], errors[a_sensor, :3], slot_error)
    for at, columns in (
        (kernel.MEASURED, measured[row]),
        (kernel.SIGMA, sigma[row]),
        (kernel.VIEWER, scan.origin_enu_m[row]),
        (kernel.PLOT, anchors.z[anchor, :3]),
        (kernel.DEVIATION, anchors.sigma[anchor, :3]),
        (kernel.ORIGIN, anchors.origin[anchor]),
        (kernel.PLOT_ERROR, plot_error),
        (kernel.SLOT_ERROR, slot_error),
        (kernel.VIEWER_ERROR, errors[b, :3]),
        (kernel.VELOCITY, picture.velocity_enu_mps[track_row]),
    ):
        table[:, at : at + 3] = columns
    table[:, kernel.SPEED] = 0.0 if scan.propagation_mps is None else scan.propagation_mps[row]
    table[:, kernel.GAP] = 1e-6 * (scan.at_us[row] - anchors.at_us[anchor]) - errors[b, 3] + errors[a_sensor, 3]
    table[:, kernel.UP] = picture.position_enu_m[track_row, 2]
    covariance = picture.covariance[track_row]
    table[:, kernel.UP_VARIANCE] = covariance[:, 2, 2]
    table[:, kernel.VELOCITY_COV : kernel.VELOCITY_COV + 9] = covariance[:, 3:, 3:].reshape(count, 9)
    table[:, kernel.IS_POLAR], table[:, kernel.FACTOR] = is_polar, factor
    nu, noise, jac, compared, to_anchor, share = kernel.fill_pairs(int(scan.kind), table)
    columns = np.empty((count, 11), np.int64)
    columns[:, :4] = PER_SENSOR * b + np.arange(4)
    columns[:, 4:8] = (PER_SENSOR * a_sensor)[:, None] + np.arange(4)
    columns[:, 8:] = (first + 3 * slot)[:, None] + np.arange(3)
    is_light = (share < 0.3 * sigma[row, 1] ** 2) & (scan.kind == MeasurementKind.BEARING)
    return Pairs(anchor, row, nu, noise, jac, columns, compared, to_anchor, is_light, factor)


def _slots(state: RegistrationState, keys: IntArray) -> tuple[IntArray, FloatArray]:
    """Slot and believed error [C, 3] of each claim; where the claim has no slot (or there is none) slot 0, error 0."""
    matches = (state.slot_key[None, :] == keys[:, None]) & (keys != 0)[:, None]
    slot = np.argmax(matches, axis=1)
    errors = state.mean[PER_SENSOR * len(state.pairs) :].reshape(-1, 3)
    return slot, np.where(matches.any(axis=1)[:, None], errors[slot], 0.0)


def distance2(pairs: Pairs, cov: FloatArray) -> FloatArray:
    """Squared distance nu' (J P J' + R)^-1 nu of each comparison, with the errors known to covariance ``cov``."""
    return kernel.squared_distances(pairs.nu, pairs.noise, pairs.jac, pairs.columns, cov)


def in_gate(pairs: Pairs, far2: FloatArray) -> BoolArray:
    """Comparisons with something measured, whose squared distance is inside the gate for that many components."""
    return np.asarray((pairs.compared > 0) & (far2 <= np.array(GATE)[pairs.compared]), dtype=np.bool_)
