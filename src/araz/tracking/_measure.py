"""What a sensor says of a state: h(x), its Jacobian, and the Kalman update one component at a time.

A detection is six components with variances, NaN where the sensor is silent (``prepare``): components are independent,
so updating by one after the other equals the joint update exactly and needs no matrix inverse.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from araz.tracking._motion import NOISE_HORIZONTAL, motion_blocks
from araz.vocabulary import FloatArray, IntArray, MeasurementKind, Scan, SensorTable

POLAR: Final = int(MeasurementKind.POLAR)
BEARING: Final = int(MeasurementKind.BEARING)
POSITION: Final = int(MeasurementKind.POSITION)
VELOCITY_SIGMA_MPS: Final = 2.0
"""Assumed for a reported velocity when the scan states none: what GNSS receivers of small drones achieve."""
FARTHEST: Final = 1e7
"""A component or sigma beyond this (metres, m/s, rad) is a broken number, and counts as not measured."""
SHARPEST: Final = 1e-5
"""No sensor is better than this (metres, m/s, rad); a smaller stated sigma would only cost digits."""
UNKNOWN_HEIGHT_M: Final = 120.0
"""Height over the sensor assumed of a plot without elevation: drones fly below 120 m by law; smugglers need not."""
NEAREST_GROUND_M: Final = 1.0
"""Closer than this to the sensor's vertical, azimuth carries no information worth its Jacobian."""


class Detections(NamedTuple):
    """A scan made ready for the kernels: ``z``, ``var`` [K, 6] (NaN = not measured), ``origin`` [K, 3], times, keys.

    ``row`` [K] are the rows of the scan.
    """

    kind: int
    z: FloatArray
    var: FloatArray
    origin: FloatArray
    one_origin: bool
    at_us: IntArray
    claim_key: IntArray
    rcs_dbsm: FloatArray
    row: IntArray


def prepare(scan: Scan, sensors: SensorTable, row: IntArray) -> Detections:
    """The rows ``row`` of a scan as components with variances; the table's sigma where the scan states none.

    A component that is not finite or beyond FARTHEST, or a range not above zero, counts as not measured; an origin that
    is not finite is replaced by the sensor's.
    """
    kind, s = int(scan.kind), scan.sensor_index
    fallback = sensors.sigma[s] if kind == sensors.kind[s] else np.full(4, np.nan)
    # copies, because the kernels are compiled for arrays that may be written
    z, sigma = np.array(scan.z[row], np.float64, order="C"), np.array(scan.sigma[row], np.float64, order="C")
    velocity = np.array(scan.velocity_enu_mps[row], np.float64, order="C")
    origin = np.array(scan.origin_enu_m[row], np.float64, order="C")
    z, var, one_origin = _components(kind, z, sigma, velocity, origin, fallback, sensors.origin_enu_m[s])
    at_us, claim_key = np.array(scan.at_us[row], np.int64), np.array(scan.claim_key[row], np.int64)
    return Detections(kind, z, var, origin, one_origin, at_us, claim_key, np.array(scan.rcs_dbsm[row], np.float64), row)


@njit(cache=True)
def _components(
    kind: int,
    measured: FloatArray,
    stated: FloatArray,
    velocity: FloatArray,
    origin: FloatArray,
    fallback: FloatArray,
    home: FloatArray,
) -> tuple[FloatArray, FloatArray, bool]:
    """Components and variances [K, 6] with NaN for what is not measured; mends ``origin`` in place, tells if one."""
    count = len(measured)
    z, var = np.full((count, 6), np.nan), np.full((count, 6), np.nan)
    one_origin = True
    for k in range(count):
        for axis in range(3):
            if not abs(origin[k, axis]) < FARTHEST:
                origin[k, axis] = home[axis]
            one_origin = one_origin and origin[k, axis] == origin[0, axis]
        for c in range(2 if kind == BEARING else 6 if kind == POSITION else 4):
            if kind == POSITION and c > 2:
                value = velocity[k, c - 3]
                sigma = stated[k, 3] if stated[k, 3] > 0.0 else fallback[3]
                sigma = sigma if sigma > 0.0 else VELOCITY_SIGMA_MPS
            else:
                value = measured[k, c]
                sigma = stated[k, c] if stated[k, c] > 0.0 else fallback[c]
            known = abs(value) < FARTHEST and 0.0 < sigma < FARTHEST and not (kind == POLAR and c == 0 and value <= 0.0)
            if known:
                z[k, c] = value
                var[k, c] = max(sigma, SHARPEST) ** 2
    return z, var, one_origin


@njit(cache=True)
def plan_positions(found: Detections) -> FloatArray:
    """Where each detection lies [K, 3], ENU metres; unknown height is guessed, a bearing has no place (NaN)."""
    place = np.full((len(found.z), 3), np.nan)
    for k in range(len(found.z)):
        z, origin = found.z[k], found.origin[k]
        if found.kind == POSITION:
            place[k, 0], place[k, 1] = z[0], z[1]
            place[k, 2] = origin[2] + UNKNOWN_HEIGHT_M if math.isnan(z[2]) else z[2]
        elif found.kind == POLAR:
            up = min(UNKNOWN_HEIGHT_M, 0.5 * z[0]) if math.isnan(z[2]) else z[0] * math.sin(z[2])
            ground = math.sqrt(max(z[0] ** 2 - up**2, 0.0))
            place[k, 0] = origin[0] + ground * math.sin(z[1])
            place[k, 1] = origin[1] + ground * math.cos(z[1])
            place[k, 2] = origin[2] + up
    return place


@njit(cache=True)
def wrap(angle: float) -> float:
    """An angle brought into [-pi, pi]; the difference of two azimuths across north stays small."""
    return angle - 2.0 * math.pi * round(angle / (2.0 * math.pi))


@njit(cache=True)
def linearise(kind: int, x: FloatArray, origin: FloatArray, h: FloatArray, jac: FloatArray) -> int:
    """Fill h [6] and its Jacobian [6, 6] at state x [6]; returns how many components the kind has.

    POLAR: range, azimuth = atan2(east, north), elevation, range rate; BEARING: azimuth, elevation; POSITION: the state.
    Angles are in ENU axes at ``origin``. Azimuth loses meaning within NEAREST_GROUND_M of the vertical.
    """
    jac[:, :] = 0.0
    if kind == POSITION:
        for c in range(6):
            h[c] = x[c]
            jac[c, c] = 1.0
        return 6
    e, n, u = x[0] - origin[0], x[1] - origin[1], x[2] - origin[2]
    ground2 = max(e * e + n * n, NEAREST_GROUND_M**2)
    ground = math.sqrt(ground2)
    r2 = ground2 + u * u
    r = math.sqrt(r2)
    az, el = (0, 1) if kind == BEARING else (1, 2)
    h[az] = math.atan2(e, n)
    jac[az, 0] = n / ground2
    jac[az, 1] = -e / ground2
    h[el] = math.atan2(u, ground)
    jac[el, 0] = -e * u / (ground * r2)
    jac[el, 1] = -n * u / (ground * r2)
    jac[el, 2] = ground / r2
    if kind == BEARING:
        return 2
    h[0] = r
    rate = (e * x[3] + n * x[4] + u * x[5]) / r
    h[3] = rate
    offset = (e, n, u)
    for axis in range(3):
        jac[0, axis] = offset[axis] / r
        jac[3, axis] = x[3 + axis] / r - offset[axis] * rate / r2
        jac[3, 3 + axis] = offset[axis] / r
    return 4


@njit(cache=True)
def linearise_back(
    kind: int,
    mode: int,
    x: FloatArray,
    origin: FloatArray,
    back_s: float,
    h: FloatArray,
    jac: FloatArray,
    work: FloatArray,
) -> int:
    """Like ``linearise`` at the state ``back_s`` seconds earlier along the mode: h(F(-back) x) and its Jacobian by x.

    ``work`` [3, 6, 6] is room to compute in.
    """
    if back_s == 0.0:
        return linearise(kind, x, origin, h, jac)
    a = work[0, :3, :3]
    b = work[0, 3:, 3:]
    motion_blocks(mode, -back_s, a, b)
    earlier = work[1, 0]
    for r in range(3):
        earlier[r] = x[r]
        earlier[3 + r] = 0.0
        for c in range(3):
            earlier[r] += a[r, c] * x[3 + c]
            earlier[3 + r] += b[r, c] * x[3 + c]
    count = linearise(kind, earlier, origin, h, jac)
    for row in range(count):
        e, n, u = jac[row, 3], jac[row, 4], jac[row, 5]
        for c in range(3):
            jac[row, 3 + c] = e * b[0, c] + n * b[1, c] + u * b[2, c]
            for k in range(3):
                jac[row, 3 + c] += jac[row, k] * a[k, c]
    return count


@njit(cache=True)
def kalman_update(
    kind: int,
    mode: int,
    x: FloatArray,
    p: FloatArray,
    z: FloatArray,
    var: FloatArray,
    origin: FloatArray,
    back_s: float,
    work: FloatArray,
) -> tuple[float, float, int]:
    """Extended Kalman update of one Gaussian in place; gives log likelihood, squared distance, components used.

    nu = z - h(x), S = H P H^T + R, K = P H^T / S for one component after the other, all linearised at the prior. For a
    detection ``back_s`` seconds older than the state, h is taken at F(-back) x and R grows by the position noise
    q |back|^3 / 3 of that time: exact for a noiseless mode, conservative otherwise. ``work`` [3, 6, 6] is scratch.
    """
    h, moved, ph = work[1, 1], work[1, 2], work[1, 3]
    jac = work[2]
    count = linearise_back(kind, mode, x, origin, back_s, h, jac, work)
    azimuth = 1 if kind == POLAR else (0 if kind == BEARING else -1)
    moved[:] = 0.0
    drift = NOISE_HORIZONTAL[mode] * abs(back_s) ** 3 / 3.0
    log_likelihood, distance2, used = 0.0, 0.0, 0
    for c in range(count):
        if math.isnan(var[c]):
            continue
        nu = z[c] - h[c]
        if c == azimuth:
            nu = wrap(nu)
        s = var[c] + drift * (jac[c, 0] ** 2 + jac[c, 1] ** 2 + jac[c, 2] ** 2)
        for a in range(6):
            nu -= jac[c, a] * moved[a]
            ph[a] = 0.0
            for b in range(6):
                ph[a] += p[a, b] * jac[c, b]
            s += jac[c, a] * ph[a]
        for a in range(6):
            gain = ph[a] / s
            moved[a] += gain * nu
            for b in range(a + 1):
                p[a, b] -= gain * ph[b]
                p[b, a] = p[a, b]
        log_likelihood -= 0.5 * (nu * nu / s + math.log(2.0 * math.pi * s))
        distance2 += nu * nu / s
        used += 1
    for a in range(6):
        x[a] += moved[a]
    return log_likelihood, distance2, used
