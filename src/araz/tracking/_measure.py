"""What a sensor says of a state: h(x), its Jacobian, and the Kalman update one component at a time.

A detection is six components with variances, NaN where the sensor is silent (``components``); these are independent,
so updating by one after the other equals the joint update exactly and needs no matrix inverse.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._gauss import DIAGONAL, PLACE, WIDTH
from araz.tracking._kernel import kernel, leaf
from araz.tracking._motion import MODE_COUNT, NOISE_HORIZONTAL, way_of
from araz.tracking._rows import (
    LANES,
    LaneRow,
    Lanes,
    NumberRow,
    Row,
    alike,
    at_least,
    lane_row,
    nearest,
    number_row,
    numbers,
    root,
    spread,
)
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


class Raw(NamedTuple):
    """Rows of a scan as they came, in arrays of the kernels' own: values and sigmas [K, 4], velocity, origin [K, 3].

    ``fallback`` [4] are the sigmas where none is stated, ``home`` [3] is the sensor's place; the rest as in Detections.
    """

    kind: int
    measured: FloatArray
    stated: FloatArray
    velocity: FloatArray
    origin: FloatArray
    fallback: FloatArray
    home: FloatArray
    at_us: IntArray
    claim_key: IntArray
    rcs_dbsm: FloatArray
    row: IntArray
    speed_mps: FloatArray


def raw_rows(scan: Scan, sensors: SensorTable, row: IntArray) -> Raw:
    """The rows ``row``, in rising order, of a scan for ``components``; the table's sigma where the scan states none."""
    kind, s, everything = int(scan.kind), scan.sensor_index, len(row) == len(scan.at_us)

    def own(column: Any, number: Any = np.float64) -> Any:
        # a copy, because the kernels are compiled for arrays that may be written
        return np.array(column if everything else column[row], number, order="C")

    speed = np.zeros(len(row))
    if scan.propagation_mps is not None:
        stated = np.asarray(scan.propagation_mps, np.float64)[row]
        speed = np.where(np.isfinite(stated) & (stated > 0.0), stated, 0.0)
    return Raw(
        kind,
        own(scan.z),
        own(scan.sigma),
        own(scan.velocity_enu_mps),
        own(scan.origin_enu_m),
        sensors.sigma[s] if kind == sensors.kind[s] else np.full(4, np.nan),
        sensors.origin_enu_m[s],
        own(scan.at_us, np.int64),
        own(scan.claim_key, np.int64),
        own(scan.rcs_dbsm),
        row,
        speed,
    )


def prepare(scan: Scan, sensors: SensorTable, row: IntArray) -> Detections:
    """The rows ``row``, in rising order, of a scan as components with variances."""
    return components(raw_rows(scan, sensors, row))


@kernel
def components(raw: Raw) -> Detections:
    """Detections from rows of a scan; NaN for what is not measured.

    A component that is not finite or beyond FARTHEST, or a range not above zero, counts as not measured; an origin that
    is not finite is replaced, in place, by the sensor's.
    """
    kind, origin, fallback, count = raw.kind, raw.origin, raw.fallback, len(raw.measured)
    z, var = np.full((count, 6), np.nan), np.full((count, 6), np.nan)
    one_origin = True
    for k in range(count):
        for axis in range(3):
            if not abs(origin[k, axis]) < FARTHEST:
                origin[k, axis] = raw.home[axis]
            one_origin = one_origin and origin[k, axis] == origin[0, axis]
        for c in range(2 if kind == BEARING else 6 if kind == POSITION else 4):
            if kind == POSITION and c > 2:
                value = raw.velocity[k, c - 3]
                sigma = raw.stated[k, 3] if raw.stated[k, 3] > 0.0 else fallback[3]
                sigma = sigma if sigma > 0.0 else VELOCITY_SIGMA_MPS
            else:
                value = raw.measured[k, c]
                sigma = raw.stated[k, c] if raw.stated[k, c] > 0.0 else fallback[c]
            known = abs(value) < FARTHEST and 0.0 < sigma < FARTHEST and not (kind == POLAR and c == 0 and value <= 0.0)
            if known:
                z[k, c] = value
                var[k, c] = max(sigma, SHARPEST) ** 2
    return Detections(kind, z, var, origin, one_origin, raw.at_us, raw.claim_key, raw.rcs_dbsm, raw.row, raw.speed_mps)


@leaf
def most_measured(found: Detections) -> int:
    """Measured components of the detection that has most of them; at least one, also where there is none."""
    most = 1
    for k in range(len(found.var)):
        measured = 0
        for c in range(6):
            measured += 0 if math.isnan(found.var[k, c]) else 1
        most = max(most, measured)
    return most


@kernel
def plan_positions(found: Detections) -> FloatArray:
    """Where each detection lies [K, 3], ENU metres; unknown height is guessed, a bearing has no place (NaN)."""
    place = np.full((len(found.z), 3), np.nan)
    for k in range(len(found.z)):
        first, second, third = found.z[k, 0], found.z[k, 1], found.z[k, 2]
        if found.kind == POSITION:
            place[k, 0], place[k, 1] = first, second
            place[k, 2] = found.origin[k, 2] + UNKNOWN_HEIGHT_M if math.isnan(third) else third
        elif found.kind == POLAR:
            up = min(UNKNOWN_HEIGHT_M, 0.5 * first) if math.isnan(third) else first * math.sin(third)
            ground = math.sqrt(max(first**2 - up**2, 0.0))
            place[k, 0] = found.origin[k, 0] + ground * math.sin(second)
            place[k, 1] = found.origin[k, 1] + ground * math.cos(second)
            place[k, 2] = found.origin[k, 2] + up
    return place


@leaf
def wrap(angle: Any) -> Any:
    """An angle brought into [-pi, pi], lane by lane too; the difference of two azimuths across north stays small."""
    return angle - 2.0 * math.pi * nearest(angle / (2.0 * math.pi))


@leaf
def azimuth_at(kind: int) -> int:
    """Which component of a kind is the azimuth, whose differences ``wrap``; -1 for none."""
    return 1 if kind == POLAR else (0 if kind == BEARING else -1)


@leaf
def linearise(kind: int, x: Row, origin: FloatArray, j: int, h: Row, jac: Row) -> int:
    """Fill h [6] and its Jacobian [36], row by row, at the state x [6]; returns how many components the kind has.

    POLAR: range, azimuth = atan2(east, north), elevation, range rate; BEARING: azimuth, elevation; POSITION: the state.
    Angles are in ENU axes at row j of ``origin``. Azimuth loses meaning within NEAREST_GROUND_M of the vertical.
    """
    zero = alike(x[0], 0.0)
    for q in range(36):
        jac[q] = zero
    if kind == POSITION:
        for c in range(6):
            h[c] = x[c]
            jac[7 * c] = alike(zero, 1.0)
        return 6
    e, n, u = x[0] - origin[j, 0], x[1] - origin[j, 1], x[2] - origin[j, 2]
    ground2 = at_least(e * e + n * n, NEAREST_GROUND_M**2)
    ground = root(ground2)
    r2 = ground2 + u * u
    reach = root(r2)
    az, el = (0, 1) if kind == BEARING else (1, 2)
    h[az] = math.atan2(e, n)
    jac[6 * az] = n / ground2
    jac[6 * az + 1] = -e / ground2
    h[el] = math.atan2(u, ground)
    jac[6 * el] = -e * u / (ground * r2)
    jac[6 * el + 1] = -n * u / (ground * r2)
    jac[6 * el + 2] = ground / r2
    if kind == BEARING:
        return 2
    one = 1.0 / reach
    h[0] = reach
    rate = (e * x[3] + n * x[4] + u * x[5]) * one
    h[3] = rate
    jac[0] = jac[21] = e * one
    jac[1] = jac[22] = n * one
    jac[2] = jac[23] = u * one
    jac[18] = (x[3] - e * one * rate) * one
    jac[19] = (x[4] - n * one * rate) * one
    jac[20] = (x[5] - u * one * rate) * one
    return 4


@leaf
def linearise_back(
    kind: int, way: Row, x: Row, origin: FloatArray, j: int, h: Row, jac: Row, earlier: Row, speed_mps: float
) -> int:
    """Like ``linearise`` at an earlier state along a mode: h(F(-back) x) and its Jacobian by x.

    Where ``speed_mps`` > 0, part of ``back`` is the time the sound took, which moves with the state: the Jacobian by
    the place heard is turned by I - v u' / (c + u.v), see ``_sound``. ``way`` are the numbers of the
    mode's step back (``way_of``); ``earlier`` [6] is scratch.
    """
    s, c, up, r, turn, keep = way[0], way[1], way[2], way[3], way[4], way[5]
    earlier[0] = x[0] + s * x[3] - c * x[4]
    earlier[1] = x[1] + c * x[3] + s * x[4]
    earlier[2] = x[2] + up * x[5]
    earlier[3] = r * x[3] - turn * x[4]
    earlier[4] = turn * x[3] + r * x[4]
    earlier[5] = keep * x[5]
    count = linearise(kind, earlier, origin, j, h, jac)
    if speed_mps > 0.0:
        _turn_by_delay(earlier, origin, j, speed_mps, jac, count)
    for row in range(count):
        at = 6 * row
        e, n, u = jac[at + 3], jac[at + 4], jac[at + 5]
        jac[at + 3] = r * e + turn * n + s * jac[at] + c * jac[at + 1]
        jac[at + 4] = r * n - turn * e + s * jac[at + 1] - c * jac[at]
        jac[at + 5] = keep * u + up * jac[at + 2]
    return count


@leaf
def _turn_by_delay(x: Row, origin: FloatArray, j: int, speed_mps: float, jac: Row, count: int) -> None:
    """Jacobian rows by the place heard become rows by the place now: H (I - v u' / (c + u.v)), in place."""
    e, n, u = x[0] - origin[j, 0], x[1] - origin[j, 1], x[2] - origin[j, 2]
    r = at_least(root(e * e + n * n + u * u), NEAREST_GROUND_M)
    closing = at_least(speed_mps + (e * x[3] + n * x[4] + u * x[5]) / r, 1.0)
    for row in range(count):
        at = 6 * row
        share = (jac[at] * x[3] + jac[at + 1] * x[4] + jac[at + 2] * x[5]) / (closing * r)
        jac[at] -= share * e
        jac[at + 1] -= share * n
        jac[at + 2] -= share * u


@leaf
def delay_s(x: NumberRow, origin: FloatArray, j: int, back_s: float, speed_mps: float, m: int, lanes: int) -> float:
    """How long what detection j shows was on its way from the target, taken to fly straight on.

    The target's state is lane m of ``lanes`` in a row of numbers x.
    """
    return travel_s(
        x[m] - x[3 * lanes + m] * back_s - origin[j, 0],
        x[lanes + m] - x[4 * lanes + m] * back_s - origin[j, 1],
        x[2 * lanes + m] - x[5 * lanes + m] * back_s - origin[j, 2],
        x[3 * lanes + m],
        x[4 * lanes + m],
        x[5 * lanes + m],
        speed_mps,
    )


class Room(NamedTuple):
    """Scratch of the Kalman update, of lanes: h [1, 6], H [1, 36], an earlier state [1, 6], steps back [1, 12].

    Beside them their noise [1, 1], of lanes too, and one mode's step [1, 12].
    """

    h: FloatArray
    jac: FloatArray
    earlier: FloatArray
    ways: FloatArray
    drift: FloatArray
    way: FloatArray


@kernel
def room() -> Room:
    """Scratch for ``kalman_update``."""
    return Room(
        np.empty((1, 6, LANES)),
        np.empty((1, 36, LANES)),
        np.empty((1, 6, LANES)),
        np.empty((1, 12, LANES)),
        np.empty((1, 1, LANES)),
        np.empty((1, 12)),
    )


@leaf
def _step_back(prior: LaneRow, found: Detections, j: int, back_s: float, work: Room) -> None:
    """Fill each mode's step back to when detection j left its target, and the position noise q |back|^3 / 3 of it."""
    x, ways, drift = numbers(prior), numbers(lane_row(work.ways, 0)), number_row(work.drift, 0)
    speed = found.speed_mps[j]
    for m in range(LANES):
        mode, late_s = m if m < MODE_COUNT else 0, back_s
        if speed > 0.0:
            late_s += delay_s(x, found.origin, j, back_s, speed, m, LANES)
        way_of(mode, -late_s, work.way, 0)
        for q in range(12):
            ways[q * LANES + m] = work.way[0, q]
        drift[m] = NOISE_HORIZONTAL[mode] * abs(late_s) ** 3 / 3.0


@leaf
def _condition(
    g: LaneRow, p0: Lanes, p1: Lanes, p2: Lanes, p3: Lanes, p4: Lanes, p5: Lanes, nu: Lanes, s: Lanes
) -> None:
    """Condition Gaussians g in place: x += P H^T nu / S, P -= P H^T H P / S, with ``p0`` to ``p5`` = P H^T."""
    one = 1.0 / s
    k0, k1, k2, k3, k4, k5 = p0 * one, p1 * one, p2 * one, p3 * one, p4 * one, p5 * one
    g[0] += k0 * nu
    g[1] += k1 * nu
    g[2] += k2 * nu
    g[3] += k3 * nu
    g[4] += k4 * nu
    g[5] += k5 * nu
    g[6] -= k0 * p0
    g[7] -= k1 * p0
    g[8] -= k1 * p1
    g[9] -= k2 * p0
    g[10] -= k2 * p1
    g[11] -= k2 * p2
    g[12] -= k3 * p0
    g[13] -= k3 * p1
    g[14] -= k3 * p2
    g[15] -= k3 * p3
    g[16] -= k4 * p0
    g[17] -= k4 * p1
    g[18] -= k4 * p2
    g[19] -= k4 * p3
    g[20] -= k4 * p4
    g[21] -= k5 * p0
    g[22] -= k5 * p1
    g[23] -= k5 * p2
    g[24] -= k5 * p3
    g[25] -= k5 * p4
    g[26] -= k5 * p5


@leaf
def kalman_update(
    prior: LaneRow, found: Detections, j: int, back_s: float, out: LaneRow, work: Room
) -> tuple[Lanes, Lanes, int]:
    """Extended Kalman update of all modes' Gaussians [27] with detection j, from ``prior`` into ``out``.

    nu = z - h(x), S = H P H^T + R, K = P H^T / S for one component after the other, all linearised at the prior. For a
    detection ``back_s`` seconds older than the state, h is taken at F(-back) x and R grows by the position noise
    q |back|^3 / 3 of that time: exact for a noiseless mode, conservative otherwise. Sound's travel time joins
    ``back_s``. **Gives** squared distance d2 and |2 pi S| by mode and the components used; the likelihood is
    exp(-d2 / 2) / sqrt|2 pi S|.
    """
    kind, z, var = found.kind, found.z, found.var
    for q in range(WIDTH):
        out[q] = prior[q]
    distance2, volume, used = spread(0.0), spread(1.0), 0
    at_once = back_s == 0.0 and not found.speed_mps[j] > 0.0
    if kind == POSITION and at_once:  # the components are the state: H picks a column
        for c in range(6):
            if math.isnan(var[j, c]):
                continue
            s, nu = out[DIAGONAL[c]] + var[j, c], z[j, c] - out[c]
            p0, p1, p2 = out[PLACE[0, c]], out[PLACE[1, c]], out[PLACE[2, c]]
            _condition(out, p0, p1, p2, out[PLACE[3, c]], out[PLACE[4, c]], out[PLACE[5, c]], nu, s)
            distance2 += nu * nu / s
            volume *= 2.0 * math.pi * s
            used += 1
        return distance2, volume, used
    h, jac, drift = lane_row(work.h, 0), lane_row(work.jac, 0), spread(0.0)
    if at_once:
        count = linearise(kind, prior, found.origin, j, h, jac)
    else:
        _step_back(prior, found, j, back_s, work)
        drift, way, earlier = lane_row(work.drift, 0)[0], lane_row(work.ways, 0), lane_row(work.earlier, 0)
        count = linearise_back(kind, way, prior, found.origin, j, h, jac, earlier, found.speed_mps[j])
    azimuth = azimuth_at(kind)
    for c in range(count):
        if math.isnan(var[j, c]):
            continue
        at, nu = 6 * c, z[j, c] - h[c]
        if c == azimuth:
            nu = wrap(nu)
        j0, j1, j2, j3, j4, j5 = jac[at], jac[at + 1], jac[at + 2], jac[at + 3], jac[at + 4], jac[at + 5]
        p0 = out[6] * j0 + out[7] * j1 + out[9] * j2
        p1 = out[7] * j0 + out[8] * j1 + out[10] * j2
        p2 = out[9] * j0 + out[10] * j1 + out[11] * j2
        p3 = out[12] * j0 + out[13] * j1 + out[14] * j2
        p4 = out[16] * j0 + out[17] * j1 + out[18] * j2
        p5 = out[21] * j0 + out[22] * j1 + out[23] * j2
        nu -= j0 * (out[0] - prior[0]) + j1 * (out[1] - prior[1]) + j2 * (out[2] - prior[2])
        s = var[j, c] + drift * (j0 * j0 + j1 * j1 + j2 * j2)
        if not at_once or c == 3 or kind == POSITION:  # the others see position alone
            p0 += out[12] * j3 + out[16] * j4 + out[21] * j5
            p1 += out[13] * j3 + out[17] * j4 + out[22] * j5
            p2 += out[14] * j3 + out[18] * j4 + out[23] * j5
            p3 += out[15] * j3 + out[19] * j4 + out[24] * j5
            p4 += out[19] * j3 + out[20] * j4 + out[25] * j5
            p5 += out[24] * j3 + out[25] * j4 + out[26] * j5
            s += j3 * p3 + j4 * p4 + j5 * p5
            nu -= j3 * (out[3] - prior[3]) + j4 * (out[4] - prior[4]) + j5 * (out[5] - prior[5])
        s += j0 * p0 + j1 * p1 + j2 * p2
        _condition(out, p0, p1, p2, p3, p4, p5, nu, s)
        distance2 += nu * nu / s
        volume *= 2.0 * math.pi * s
        used += 1
    return distance2, volume, used
