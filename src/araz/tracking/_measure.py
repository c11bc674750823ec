"""What a sensor says of a state: h(x), its Jacobian, and the Kalman update one component at a time.

A detection is six components with variances, NaN where the sensor is silent (``prepare``): components are independent,
so updating by one after the other equals the joint update exactly and needs no matrix inverse.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from araz.tracking._gauss import DIAGONAL, PLACE, WIDTH
from araz.tracking._motion import NOISE_HORIZONTAL, way_of
from araz.tracking._sound import travel_s
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

    ``row`` [K] are the rows of the scan, ``speed_mps`` [K] how fast what was detected travelled (0: at once).
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
    speed_mps: FloatArray


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
    speed = np.zeros(len(row))
    if scan.propagation_mps is not None:
        stated = np.asarray(scan.propagation_mps, np.float64)[row]
        speed = np.where(np.isfinite(stated) & (stated > 0.0), stated, 0.0)
    rcs_dbsm = np.array(scan.rcs_dbsm[row], np.float64)
    return Detections(kind, z, var, origin, one_origin, at_us, claim_key, rcs_dbsm, row, speed)


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
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


@njit(inline="always", error_model="numpy")
def wrap(angle: float) -> float:
    """An angle brought into [-pi, pi]; the difference of two azimuths across north stays small."""
    return angle - 2.0 * math.pi * round(angle / (2.0 * math.pi))


@njit(inline="always", error_model="numpy")
def linearise(kind: int, x: FloatArray, i: int, origin: FloatArray, j: int, h: FloatArray, jac: FloatArray) -> int:
    """Fill h [6] and its Jacobian [6, 6] at state row i of x [.., >= 6]; returns how many components the kind has.

    POLAR: range, azimuth = atan2(east, north), elevation, range rate; BEARING: azimuth, elevation; POSITION: the state.
    Angles are in ENU axes at row j of ``origin``. Azimuth loses meaning within NEAREST_GROUND_M of the vertical.
    """
    for r in range(6):
        for c in range(6):
            jac[r, c] = 0.0
    if kind == POSITION:
        for c in range(6):
            h[c] = x[i, c]
            jac[c, c] = 1.0
        return 6
    e, n, u = x[i, 0] - origin[j, 0], x[i, 1] - origin[j, 1], x[i, 2] - origin[j, 2]
    ground2 = max(e * e + n * n, NEAREST_GROUND_M**2)
    ground = math.sqrt(ground2)
    r2 = ground2 + u * u
    reach = math.sqrt(r2)
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
    one = 1.0 / reach
    h[0] = reach
    rate = (e * x[i, 3] + n * x[i, 4] + u * x[i, 5]) * one
    h[3] = rate
    jac[0, 0] = jac[3, 3] = e * one
    jac[0, 1] = jac[3, 4] = n * one
    jac[0, 2] = jac[3, 5] = u * one
    jac[3, 0] = (x[i, 3] - e * one * rate) * one
    jac[3, 1] = (x[i, 4] - n * one * rate) * one
    jac[3, 2] = (x[i, 5] - u * one * rate) * one
    return 4


@njit(inline="always", error_model="numpy")
def linearise_back(
    kind: int,
    way: FloatArray,
    x: FloatArray,
    i: int,
    origin: FloatArray,
    j: int,
    h: FloatArray,
    jac: FloatArray,
    earlier: FloatArray,
    speed_mps: float,
) -> int:
    """Like ``linearise`` at an earlier state along a mode: h(F(-back) x) and its Jacobian by x.

    Where ``speed_mps`` > 0, part of ``back`` is the time the sound took, which moves with the state: the Jacobian by
    the place heard is turned by I - v u' / (c + u.v), see ``_sound``. Row 0 of ``way`` are the numbers of the
    mode's step back (``way_of``); ``earlier`` [1, 6] is scratch.
    """
    s, c, up, r, turn, keep = way[0, 0], way[0, 1], way[0, 2], way[0, 3], way[0, 4], way[0, 5]
    earlier[0, 0] = x[i, 0] + s * x[i, 3] - c * x[i, 4]
    earlier[0, 1] = x[i, 1] + c * x[i, 3] + s * x[i, 4]
    earlier[0, 2] = x[i, 2] + up * x[i, 5]
    earlier[0, 3] = r * x[i, 3] - turn * x[i, 4]
    earlier[0, 4] = turn * x[i, 3] + r * x[i, 4]
    earlier[0, 5] = keep * x[i, 5]
    count = linearise(kind, earlier, 0, origin, j, h, jac)
    if speed_mps > 0.0:
        _turn_by_delay(earlier, origin, j, speed_mps, jac, count)
    for row in range(count):
        e, n, u = jac[row, 3], jac[row, 4], jac[row, 5]
        jac[row, 3] = r * e + turn * n + s * jac[row, 0] + c * jac[row, 1]
        jac[row, 4] = r * n - turn * e + s * jac[row, 1] - c * jac[row, 0]
        jac[row, 5] = keep * u + up * jac[row, 2]
    return count


@njit(cache=True, error_model="numpy")
def _turn_by_delay(x: FloatArray, origin: FloatArray, j: int, speed_mps: float, jac: FloatArray, count: int) -> None:
    """Jacobian rows by the place heard become rows by the place now: H (I - v u' / (c + u.v)), in place."""
    e, n, u = x[0, 0] - origin[j, 0], x[0, 1] - origin[j, 1], x[0, 2] - origin[j, 2]
    r = max(math.sqrt(e * e + n * n + u * u), NEAREST_GROUND_M)
    closing = speed_mps + (e * x[0, 3] + n * x[0, 4] + u * x[0, 5]) / r
    for row in range(count):
        share = (jac[row, 0] * x[0, 3] + jac[row, 1] * x[0, 4] + jac[row, 2] * x[0, 5]) / (max(closing, 1.0) * r)
        jac[row, 0] -= share * e
        jac[row, 1] -= share * n
        jac[row, 2] -= share * u


@njit(cache=True, error_model="numpy")
def delay_s(x: FloatArray, i: int, origin: FloatArray, j: int, back_s: float, speed_mps: float) -> float:
    """How long what detection j shows was on its way from the target in row i of x, taken to fly straight on."""
    return travel_s(
        x[i, 0] - x[i, 3] * back_s - origin[j, 0],
        x[i, 1] - x[i, 4] * back_s - origin[j, 1],
        x[i, 2] - x[i, 5] * back_s - origin[j, 2],
        x[i, 3],
        x[i, 4],
        x[i, 5],
        speed_mps,
    )


class Room(NamedTuple):
    """Scratch of the Kalman update: h [6], P H^T [6], H [6, 6], an earlier state [1, 6], a step back [1, 12]."""

    h: FloatArray
    ph: FloatArray
    jac: FloatArray
    earlier: FloatArray
    way: FloatArray


@njit(cache=True, error_model="numpy")
def room() -> Room:
    """Scratch for ``kalman_update``."""
    return Room(np.empty(6), np.empty(6), np.empty((6, 6)), np.empty((1, 6)), np.empty((1, 12)))


@njit(inline="always", error_model="numpy")
def _condition(g: FloatArray, o: int, ph: FloatArray, nu: float, s: float) -> None:
    """Condition Gaussian o of g in place: x += P H^T nu / S, P -= P H^T H P / S, with ``ph`` = P H^T [6]."""
    one = 1.0 / s
    p0, p1, p2, p3, p4, p5 = ph[0], ph[1], ph[2], ph[3], ph[4], ph[5]
    k0, k1, k2, k3, k4, k5 = p0 * one, p1 * one, p2 * one, p3 * one, p4 * one, p5 * one
    g[o, 0] += k0 * nu
    g[o, 1] += k1 * nu
    g[o, 2] += k2 * nu
    g[o, 3] += k3 * nu
    g[o, 4] += k4 * nu
    g[o, 5] += k5 * nu
    g[o, 6] -= k0 * p0
    g[o, 7] -= k1 * p0
    g[o, 8] -= k1 * p1
    g[o, 9] -= k2 * p0
    g[o, 10] -= k2 * p1
    g[o, 11] -= k2 * p2
    g[o, 12] -= k3 * p0
    g[o, 13] -= k3 * p1
    g[o, 14] -= k3 * p2
    g[o, 15] -= k3 * p3
    g[o, 16] -= k4 * p0
    g[o, 17] -= k4 * p1
    g[o, 18] -= k4 * p2
    g[o, 19] -= k4 * p3
    g[o, 20] -= k4 * p4
    g[o, 21] -= k5 * p0
    g[o, 22] -= k5 * p1
    g[o, 23] -= k5 * p2
    g[o, 24] -= k5 * p3
    g[o, 25] -= k5 * p4
    g[o, 26] -= k5 * p5


@njit(inline="always", error_model="numpy")
def kalman_update(
    mode: int, prior: FloatArray, i: int, found: Detections, j: int, back_s: float, out: FloatArray, o: int, work: Room
) -> tuple[float, float, int]:
    """Extended Kalman update of Gaussian i of prior with detection j into row o of out.

    nu = z - h(x), S = H P H^T + R, K = P H^T / S for one component after the other, all linearised at the prior. For a
    detection ``back_s`` seconds older than the state, h is taken at F(-back) x and R grows by the position noise
    q |back|^3 / 3 of that time: exact for a noiseless mode, conservative otherwise. Sound's travel time joins
    ``back_s``. **Gives** log likelihood, squared distance, components used.
    """
    kind, z, var, speed = found.kind, found.z, found.var, found.speed_mps[j]
    if speed > 0.0:
        back_s += delay_s(prior, i, found.origin, j, back_s, speed)
    for q in range(WIDTH):
        out[o, q] = prior[i, q]
    distance2, volume, used = 0.0, 1.0, 0
    if kind == POSITION and back_s == 0.0:  # the components are the state: H picks a column
        for c in range(6):
            if math.isnan(var[j, c]):
                continue
            s = out[o, DIAGONAL[c]] + var[j, c]
            nu = z[j, c] - out[o, c]
            for a in range(6):
                work.ph[a] = out[o, PLACE[a, c]]
            _condition(out, o, work.ph, nu, s)
            distance2 += nu * nu / s
            volume *= 2.0 * math.pi * s
            used += 1
        return -0.5 * (distance2 + math.log(volume)), distance2, used
    if back_s == 0.0:
        count = linearise(kind, prior, i, found.origin, j, work.h, work.jac)
    else:
        way_of(mode, -back_s, work.way, 0)
        count = linearise_back(kind, work.way, prior, i, found.origin, j, work.h, work.jac, work.earlier, speed)
    azimuth = 1 if kind == POLAR else (0 if kind == BEARING else -1)
    drift = NOISE_HORIZONTAL[mode] * abs(back_s) ** 3 / 3.0
    jac, ph = work.jac, work.ph
    for c in range(count):
        if math.isnan(var[j, c]):
            continue
        nu = z[j, c] - work.h[c]
        if c == azimuth:
            nu = wrap(nu)
        j0, j1, j2, j3, j4, j5 = jac[c, 0], jac[c, 1], jac[c, 2], jac[c, 3], jac[c, 4], jac[c, 5]
        s = var[j, c] + drift * (j0 * j0 + j1 * j1 + j2 * j2)
        for a in range(6):
            ph[a] = out[o, PLACE[a, 0]] * j0 + out[o, PLACE[a, 1]] * j1 + out[o, PLACE[a, 2]] * j2
        if back_s != 0.0 or c == 3 or kind == POSITION:  # the others see position alone
            for a in range(6):
                ph[a] += out[o, PLACE[a, 3]] * j3 + out[o, PLACE[a, 4]] * j4 + out[o, PLACE[a, 5]] * j5
        s += j0 * ph[0] + j1 * ph[1] + j2 * ph[2] + j3 * ph[3] + j4 * ph[4] + j5 * ph[5]
        nu -= j0 * (out[o, 0] - prior[i, 0]) + j1 * (out[o, 1] - prior[i, 1]) + j2 * (out[o, 2] - prior[i, 2])
        nu -= j3 * (out[o, 3] - prior[i, 3]) + j4 * (out[o, 4] - prior[i, 4]) + j5 * (out[o, 5] - prior[i, 5])
        _condition(out, o, ph, nu, s)
        distance2 += nu * nu / s
        volume *= 2.0 * math.pi * s
        used += 1
    return -0.5 * (distance2 + math.log(volume)), distance2, used
