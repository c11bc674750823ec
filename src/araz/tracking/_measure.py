"""What a sensor says of a state: h(x), its Jacobian, and the Kalman update one component at a time.

A detection is six components with variances, NaN where the sensor is silent (``components``); these are independent,
so updating by one after the other equals the joint update exactly and needs no matrix inverse.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._gauss import DIAGONAL, PLACE, ROW, WIDTH, propagate
from araz.tracking._kernel import kernel, leaf
from araz.tracking._motion import BRAKE_S, CRUISE, MODE_COUNT, NOISE_HORIZONTAL, NOISE_VERTICAL, way_of
from araz.tracking._rows import (
    LANES,
    LaneRow,
    Lanes,
    NumberRow,
    Row,
    alike,
    at_least,
    lane,
    lane_row,
    nearest,
    numbers,
    root,
    spread,
    where_above,
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
LEAST_PIVOT: Final = 1e-3
"""With less of a variance left in a pivot, more noise was taken out of a covariance than it held."""
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


class Age(NamedTuple):
    """How much older than the state a detection is, how long nobody had seen its track, and since the look before."""

    back_s: float
    quiet_s: float
    since_s: float


AT_ONCE: Final = Age(0.0, 0.0, 0.0)


class Room(NamedTuple):
    """Scratch of the Kalman update, of lanes: h [1, 6], H [1, 36], the state it is taken at [1, 6], steps [1, 12].

    The steps go back to when a detection left its target, and ahead again; ``own`` [1, 6] is the noise taken out for
    that time, of position, of it with velocity, of velocity, horizontal and vertical, ``rest`` [1, 3] the horizontal
    noise of the time that stays in the prior; L D L^T of a covariance [1, 27] and one mode's step [1, 12].
    """

    h: FloatArray
    jac: FloatArray
    at: FloatArray
    back: FloatArray
    ahead: FloatArray
    own: FloatArray
    rest: FloatArray
    low: FloatArray
    way: FloatArray


@kernel
def room() -> Room:
    """Scratch for ``kalman_update``."""
    return Room(
        np.empty((1, 6, LANES)),
        np.empty((1, 36, LANES)),
        np.empty((1, 6, LANES)),
        np.zeros((1, 12, LANES)),
        np.zeros((1, 12, LANES)),
        np.empty((1, 6, LANES)),
        np.empty((1, 3, LANES)),
        np.empty((1, WIDTH, LANES)),
        np.empty((1, 12)),
    )


@leaf
def _fill_steps(
    prior: LaneRow, found: Detections, j: int, back_s: float, quiet_s: float, which: Lanes, work: Room
) -> None:
    """Fill each mode's step back to when detection j left its target, and ahead again, in the lanes ``which`` > 0.

    Of the L seconds between, the noise Q(o) of the last o = min(L, ``quiet_s``) is ``own``; that of the b = L - o
    before, seen from the earlier end, q (b^3 / 3, -b^2 / 2, b), is ``rest``. A braking mode steps straight, for braking
    undone blows up.
    """
    x, own = numbers(prior), numbers(lane_row(work.own, 0))
    back, ahead, rest = (
        numbers(lane_row(work.back, 0)),
        numbers(lane_row(work.ahead, 0)),
        numbers(lane_row(work.rest, 0)),
    )
    speed = found.speed_mps[j]
    for m in range(LANES):
        if not lane(which, m) > 0.0:
            continue
        mode, late_s = m if m < MODE_COUNT else 0, back_s
        if speed > 0.0:
            late_s += delay_s(x, found.origin, j, back_s, speed, m, LANES)
        straight = CRUISE if BRAKE_S[mode] > 0.0 else mode
        for step in range(2):
            way_of(straight, -late_s if step == 0 else late_s, work.way, 0)
            for q in range(6):
                if step == 0:
                    back[q * LANES + m] = work.way[0, q]
                else:
                    ahead[q * LANES + m] = work.way[0, q]
        out_s = min(max(late_s, 0.0), quiet_s)
        in_s = abs(late_s - out_s)
        for axis in range(2):
            noise = NOISE_HORIZONTAL[mode] if axis == 0 else NOISE_VERTICAL[mode]
            own[3 * axis * LANES + m] = noise * out_s**3 / 3.0
            own[(3 * axis + 1) * LANES + m] = noise * out_s**2 / 2.0
            own[(3 * axis + 2) * LANES + m] = noise * out_s
        rest[m] = NOISE_HORIZONTAL[mode] * in_s**3 / 3.0
        rest[LANES + m] = -NOISE_HORIZONTAL[mode] * in_s**2 / 2.0
        rest[2 * LANES + m] = NOISE_HORIZONTAL[mode] * in_s


@leaf
def _add_noise(g: LaneRow, times: float, noise: LaneRow, out: LaneRow) -> None:
    """Gaussians g [27] with ``times`` the noise [6] of ``_fill_steps`` added, into ``out`` (may be the same)."""
    for q in range(WIDTH):
        out[q] = g[q]
    for axis in range(3):
        at = 0 if axis < 2 else 3
        out[DIAGONAL[axis]] += times * noise[at]
        out[PLACE[axis, 3 + axis]] += times * noise[at + 1]
        out[DIAGONAL[3 + axis]] += times * noise[at + 2]


@leaf
def _is_sound(g: LaneRow, low: LaneRow) -> Lanes:
    """1 where every pivot of a covariance in g [27] keeps ``LEAST_PIVOT`` of its variance, by L D L^T; else -1."""
    sound = spread(1.0)
    for c in range(6):
        for d in range(c + 1):
            value = g[ROW[c] + d]
            for k in range(d):
                value -= low[ROW[c] + k] * low[ROW[d] + k] * low[ROW[k] + k]
            low[ROW[c] + d] = value if c == d else value / low[ROW[d] + d]
        sound = where_above(low[ROW[c] + c] - LEAST_PIVOT * g[ROW[c] + c], 0.0, sound, spread(-1.0))
    return sound


@leaf
def _step_back(prior: LaneRow, found: Detections, j: int, age: Age, out: LaneRow, work: Room) -> None:
    """Move each mode to when detection j left its target, into ``out``, and fill what undoes it.

    What moved the target since it was last seen is independent of all that was seen: that noise comes out of the prior.
    Mixing gives a mode less of it than all that time makes; where the prior does not hold it, only the noise of the
    step just made comes out.
    """
    own = lane_row(work.own, 0)
    _fill_steps(prior, found, j, age.back_s, max(age.quiet_s, age.since_s), spread(1.0), work)
    _add_noise(prior, -1.0, own, out)
    if age.quiet_s > age.since_s:
        _fill_steps(prior, found, j, age.back_s, age.since_s, -_is_sound(out, lane_row(work.low, 0)), work)
        _add_noise(prior, -1.0, own, out)
    propagate(out, lane_row(work.back, 0), out)


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
def _by_state(g: LaneRow, found: Detections, j: int, rest: LaneRow) -> tuple[Lanes, Lanes, int]:
    """Condition Gaussians g [27] on a POSITION, whose components are the state: H picks a column."""
    distance2, volume, used = spread(0.0), spread(1.0), 0
    for c in range(6):
        if math.isnan(found.var[j, c]):
            continue
        s, nu = g[DIAGONAL[c]] + found.var[j, c] + (rest[0] if c < 3 else rest[2]), found.z[j, c] - g[c]
        p0, p1, p2 = g[PLACE[0, c]], g[PLACE[1, c]], g[PLACE[2, c]]
        _condition(g, p0, p1, p2, g[PLACE[3, c]], g[PLACE[4, c]], g[PLACE[5, c]], nu, s)
        distance2 += nu * nu / s
        volume *= 2.0 * math.pi * s
        used += 1
    return distance2, volume, used


@leaf
def _by_look(g: LaneRow, found: Detections, j: int, rest: LaneRow, work: Room) -> tuple[Lanes, Lanes, int]:
    """Condition Gaussians g [27] on a POLAR or BEARING, linearised at their means."""
    distance2, volume, used = spread(0.0), spread(1.0), 0
    h, jac, x = lane_row(work.h, 0), lane_row(work.jac, 0), lane_row(work.at, 0)
    for q in range(6):
        x[q] = g[q]
    count, azimuth = linearise(found.kind, x, found.origin, j, h, jac), azimuth_at(found.kind)
    if found.speed_mps[j] > 0.0:
        _turn_by_delay(x, found.origin, j, found.speed_mps[j], jac, count)
    for c in range(count):
        if math.isnan(found.var[j, c]):
            continue
        at, nu = 6 * c, found.z[j, c] - h[c]
        if c == azimuth:
            nu = wrap(nu)
        j0, j1, j2 = jac[at], jac[at + 1], jac[at + 2]
        p0 = g[6] * j0 + g[7] * j1 + g[9] * j2
        p1 = g[7] * j0 + g[8] * j1 + g[10] * j2
        p2 = g[9] * j0 + g[10] * j1 + g[11] * j2
        p3 = g[12] * j0 + g[13] * j1 + g[14] * j2
        p4 = g[16] * j0 + g[17] * j1 + g[18] * j2
        p5 = g[21] * j0 + g[22] * j1 + g[23] * j2
        nu -= j0 * (g[0] - x[0]) + j1 * (g[1] - x[1]) + j2 * (g[2] - x[2])
        s = found.var[j, c] + rest[0] * (j0 * j0 + j1 * j1 + j2 * j2)
        if c == 3:  # the others see position alone
            j3, j4, j5 = jac[at + 3], jac[at + 4], jac[at + 5]
            p0 += g[12] * j3 + g[16] * j4 + g[21] * j5
            p1 += g[13] * j3 + g[17] * j4 + g[22] * j5
            p2 += g[14] * j3 + g[18] * j4 + g[23] * j5
            p3 += g[15] * j3 + g[19] * j4 + g[24] * j5
            p4 += g[19] * j3 + g[20] * j4 + g[25] * j5
            p5 += g[24] * j3 + g[25] * j4 + g[26] * j5
            s += j3 * p3 + j4 * p4 + j5 * p5
            nu -= j3 * (g[3] - x[3]) + j4 * (g[4] - x[4]) + j5 * (g[5] - x[5])
            s += rest[2] * (j3 * j3 + j4 * j4 + j5 * j5) + 2.0 * rest[1] * (j0 * j3 + j1 * j4 + j2 * j5)
        s += j0 * p0 + j1 * p1 + j2 * p2
        _condition(g, p0, p1, p2, p3, p4, p5, nu, s)
        distance2 += nu * nu / s
        volume *= 2.0 * math.pi * s
        used += 1
    return distance2, volume, used


@leaf
def kalman_update(
    prior: LaneRow, found: Detections, j: int, age: Age, out: LaneRow, work: Room
) -> tuple[Lanes, Lanes, int]:
    """Extended Kalman update of all modes' Gaussians [27] with detection j, from ``prior`` into ``out``.

    nu = z - h(x), S = H P H^T + R, K = P H^T / S for one component after the other, all linearised at the prior. A
    detection older than the state moves each mode back to its time, updates it there and moves it on again; the noise
    of the time in which nobody saw the target comes out of the prior first and is added after, as if the detection had
    come in order (``_step_back`` says what of a longer time is approximate). Sound's travel time joins ``back_s``.
    **Gives** squared distance d2 and |2 pi S| by mode and the components used; the likelihood is
    exp(-d2 / 2) / sqrt|2 pi S|.
    """
    at_once, rest = age.back_s == 0.0 and not found.speed_mps[j] > 0.0, lane_row(work.rest, 0)
    if at_once:
        for q in range(WIDTH):
            out[q] = prior[q]
        rest[0] = rest[1] = rest[2] = spread(0.0)
    else:
        _step_back(prior, found, j, age, out, work)
    if found.kind == POSITION:
        distance2, volume, used = _by_state(out, found, j, rest)
    else:
        distance2, volume, used = _by_look(out, found, j, rest, work)
    if not at_once:
        propagate(out, lane_row(work.ahead, 0), out)
        _add_noise(out, 1.0, lane_row(work.own, 0), out)
    return distance2, volume, used
