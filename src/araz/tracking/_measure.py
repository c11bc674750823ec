"""What a sensor says of a state: h(x), its Jacobian, and the Kalman update one component at a time.

A detection is six components with variances, NaN where the sensor is silent (``components``); these are independent,
so updating by one after the other equals the joint update exactly and needs no matrix inverse.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._gauss import DIAGONAL, PLACE, ROW, WIDTH, Values, conditioned, lay, propagate, values
from araz.tracking._kernel import as_python, leaf, part
from araz.tracking._motion import BRAKE_S, CRUISE, MODE_COUNT, NOISE_HORIZONTAL, NOISE_VERTICAL, fill_way
from araz.tracking._rows import (
    LANES,
    LaneRow,
    Lanes,
    NumberRow,
    Row,
    alike,
    at_least,
    beyond,
    lane,
    lane_row,
    nearest,
    number_row,
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

    ``row`` [K] are the rows of the scan, ``speed_mps`` [K] how fast what it shows travelled (0: at once).
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


_KINDS: Final = [np.dtype(np.float64)] * 5 + [np.dtype(np.int64)] * 2
NO_ROWS: Final = np.zeros(0, np.int64)
_SEEN_AT_ONCE: Final = np.zeros(0)
_NO_PLOTS: Final = np.zeros(0)
NUMBERS: Final = 17
"""Numbers of a plot in what ``plots_of`` gives."""


def plots_of(scan: Scan, row: IntArray = NO_ROWS) -> tuple[FloatArray, FloatArray]:
    """The rows ``row``, in rising order, of a scan for ``components``, all where none are named; and how fast it came.

    One column after the other [17 K], for a copy costs less than to hand over an array: values [K, 4] and sigmas
    [K, 4], velocity [K, 3], origin [K, 3], radar cross section [K], then, as whole numbers, times [K] and claim keys
    [K]. The other array is ``speed_mps`` [K] as in Detections, [0] where all is seen at once.
    """
    columns: list[Any] = [
        scan.z, scan.sigma, scan.velocity_enu_mps, scan.origin_enu_m, scan.rcs_dbsm, scan.at_us, scan.claim_key
    ]  # fmt: skip
    speed = _SEEN_AT_ONCE
    if scan.propagation_mps is not None:
        stated = np.asarray(scan.propagation_mps, np.float64)
        speed = np.where(np.isfinite(stated) & (stated > 0.0), stated, 0.0)
    if len(row):
        columns = [column[row] for column in columns]
        speed = speed[row] if len(speed) else speed
    try:
        is_plain = [column.dtype for column in columns] == _KINDS
        together = bytearray().join(columns if is_plain else _plain(columns))
    except TypeError:  # one is not side by side in memory
        together = bytearray().join(_plain(columns))
    return np.frombuffer(together) if together else _NO_PLOTS, speed


def _plain(columns: list[Any]) -> list[Any]:
    """The columns of numbers as kernels take them."""
    return [np.ascontiguousarray(column, kind) for column, kind in zip(columns, _KINDS, strict=True)]


def prepare(scan: Scan, sensors: SensorTable, row: IntArray) -> Detections:
    """The rows ``row``, in rising order, of a scan as components with variances."""
    s, (plots, speed) = scan.sensor_index, plots_of(scan, row)
    fallback = sensors.sigma[s] if int(scan.kind) == sensors.kind[s] else np.full(4, np.nan)
    real, home = np.empty(PLOT_REALS * (len(plots) // NUMBERS)), sensors.origin_enu_m[s]
    return as_python(components)(int(scan.kind), plots, speed, row, fallback, home, real)


PLOT_REALS: Final = 16
"""How many numbers a plot takes that is made ready."""


@part
def components(
    kind: int,
    plots: FloatArray,
    speed_mps: FloatArray,
    row: IntArray,
    fallback: FloatArray,
    home: FloatArray,
    real: FloatArray,
) -> Detections:
    """Detections from rows of a scan, see ``plots_of``, in ``real`` [PLOT_REALS K]; NaN for what is not measured.

    A component that is not finite or beyond FARTHEST, or a range not above zero, counts as not measured; an origin that
    is not finite is replaced by the sensor's, ``home`` [3]. ``fallback`` [4] are the sigmas where none is stated.
    """
    count = len(plots) // NUMBERS
    values, sigmas, velocity = plots[: 4 * count], plots[4 * count : 8 * count], plots[8 * count : 11 * count]
    origins, echoes = plots[11 * count : 14 * count], plots[14 * count : 15 * count]
    whole = plots[15 * count :].view(np.int64)
    z, var, origin = (
        real[: 6 * count].reshape((count, 6)),
        real[6 * count : 12 * count].reshape((count, 6)),
        real[12 * count : 15 * count].reshape((count, 3)),
    )
    real[: 12 * count] = np.nan
    if len(speed_mps) < count:
        speed_mps = real[15 * count :]
        speed_mps[:] = 0.0
    one_origin = True
    for k in range(count):
        for axis in range(3):
            place = origins[3 * k + axis]
            origin[k, axis] = place if abs(place) < FARTHEST else home[axis]
            one_origin = one_origin and origin[k, axis] == origin[0, axis]
        for c in range(2 if kind == BEARING else 6 if kind == POSITION else 4):
            if kind == POSITION and c > 2:
                value, stated = velocity[3 * k + c - 3], sigmas[4 * k + 3]
                sigma = stated if stated > 0.0 else fallback[3]
                sigma = sigma if sigma > 0.0 else VELOCITY_SIGMA_MPS
            else:
                value, stated = values[4 * k + c], sigmas[4 * k + c]
                sigma = stated if stated > 0.0 else fallback[c]
            known = abs(value) < FARTHEST and 0.0 < sigma < FARTHEST and not (kind == POLAR and c == 0 and value <= 0.0)
            if known:
                z[k, c] = value
                var[k, c] = max(sigma, SHARPEST) ** 2
    return Detections(kind, z, var, origin, one_origin, whole[:count], whole[count:], echoes, row, speed_mps)


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


@leaf
def plan_positions(found: Detections, place: FloatArray) -> None:
    """Fill in where each detection lies [K, 3], ENU metres; unknown height is guessed, a bearing has no place (NaN)."""
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
        else:
            place[k, 0] = place[k, 1] = place[k, 2] = math.nan


@leaf
def wrap(angle: Any) -> Any:
    """An angle brought into [-pi, pi], lane by lane too; the difference of two azimuths across north stays small."""
    return angle - 2.0 * math.pi * nearest(angle / (2.0 * math.pi))


@leaf
def azimuth_at(kind: int) -> int:
    """Which component of a kind is the azimuth, whose differences ``wrap``; -1 for none."""
    return 1 if kind == POLAR else (0 if kind == BEARING else -1)


@leaf
def linearise(kind: int, x: Row, origin: NumberRow, h: Row, jac: Row) -> int:
    """Fill h [6] and its Jacobian [36], row by row, at the state x [6]; returns how many components the kind has.

    POLAR: range, azimuth = atan2(east, north), elevation, range rate; BEARING: azimuth, elevation; POSITION: the state.
    Angles are in ENU axes at ``origin`` [3]. Azimuth loses meaning within NEAREST_GROUND_M of the vertical. What is
    zero of a kind's Jacobian is not written: ``jac`` comes with zeros, and serves one kind.
    """
    if kind == POSITION:
        for c in range(6):
            h[c] = x[c]
            jac[7 * c] = alike(x[0], 1.0)
        return 6
    e, n, u = x[0] - origin[0], x[1] - origin[1], x[2] - origin[2]
    ground2 = at_least(e * e + n * n, NEAREST_GROUND_M**2)
    ground = root(ground2)
    r2 = ground2 + u * u
    reach = root(r2)
    az, el = (0, 1) if kind == BEARING else (1, 2)
    h[az] = math.atan2(e, n)
    jac[6 * az] = n / ground2
    jac[6 * az + 1] = -e / ground2
    jac[6 * az + 2] = alike(e, 0.0)
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
def _turn_by_delay(x: Row, origin: NumberRow, speed_mps: float, jac: Row, count: int) -> None:
    """Jacobian rows by the place heard become rows by the place now: H (I - v u' / (c + u.v)), in place."""
    e, n, u = x[0] - origin[0], x[1] - origin[1], x[2] - origin[2]
    r = at_least(root(e * e + n * n + u * u), NEAREST_GROUND_M)
    closing = at_least(speed_mps + (e * x[3] + n * x[4] + u * x[5]) / r, 1.0)
    for row in range(count):
        at = 6 * row
        share = (jac[at] * x[3] + jac[at + 1] * x[4] + jac[at + 2] * x[5]) / (closing * r)
        jac[at] -= share * e
        jac[at + 1] -= share * n
        jac[at + 2] -= share * u


@leaf
def delay_s(x: NumberRow, origin: NumberRow, back_s: float, speed_mps: float, m: int, lanes: int) -> float:
    """How long what a detection shows was on its way from the target, taken to fly straight on.

    The target's state is lane m of ``lanes`` in a row of numbers x.
    """
    return travel_s(
        x[m] - x[3 * lanes + m] * back_s - origin[0],
        x[lanes + m] - x[4 * lanes + m] * back_s - origin[1],
        x[2 * lanes + m] - x[5 * lanes + m] * back_s - origin[2],
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


class Plot(NamedTuple):
    """One detection as rows: components and variances [6], origin [3]; how fast what it shows travelled (0: at once).

    A record of arrays handed on costs more than the arithmetic on it; rows do not.
    """

    kind: int
    z: NumberRow
    var: NumberRow
    origin: NumberRow
    speed_mps: float


@leaf
def plot_of(found: Detections, j: int) -> Plot:
    """Detection j."""
    z, var, origin = number_row(found.z, j), number_row(found.var, j), number_row(found.origin, j)
    return Plot(found.kind, z, var, origin, found.speed_mps[j])


SPACE: Final = 104 * LANES
"""How many numbers a ``Room`` takes."""


class Room(NamedTuple):
    """Scratch of the Kalman update, rows of lanes: h [6], H [36], zeros at first, steps [12].

    The steps go back to when a detection left its target, and ahead again; ``own`` [6] is the noise taken out for
    that time, of position, of it with velocity, of velocity, horizontal and vertical, ``rest`` [3] the horizontal
    noise of the time that stays in the prior; L D L^T of a covariance [27] and one mode's step [12], numbers.
    """

    h: LaneRow
    jac: LaneRow
    back: LaneRow
    ahead: LaneRow
    own: LaneRow
    rest: LaneRow
    low: LaneRow
    way: NumberRow


@leaf
def room_in(space: FloatArray) -> Room:
    """Scratch for ``kalman_update``, in SPACE numbers, zeros at first, of one kind of detections."""
    h = lane_row(space, 0)
    back, own, low = beyond(h, 42), beyond(h, 66), beyond(h, 75)
    return Room(h, beyond(h, 6), back, beyond(back, 12), own, beyond(own, 6), low, numbers(beyond(low, WIDTH)))


@leaf
def _fill_steps(prior: LaneRow, plot: Plot, back_s: float, quiet_s: float, which: Lanes, work: Room) -> None:
    """Fill each mode's step back to when a detection left its target, and ahead again, in the lanes ``which`` > 0.

    Of the L seconds between, the noise Q(o) of the last o = min(L, ``quiet_s``) is ``own``; that of the b = L - o
    before, seen from the earlier end, q (b^3 / 3, -b^2 / 2, b), is ``rest``. A braking mode steps straight, for braking
    undone blows up.
    """
    x, own, way = numbers(prior), numbers(work.own), work.way
    back, ahead, rest = numbers(work.back), numbers(work.ahead), numbers(work.rest)
    speed = plot.speed_mps
    for m in range(LANES):
        if not lane(which, m) > 0.0:
            continue
        mode, late_s = m if m < MODE_COUNT else 0, back_s
        if speed > 0.0:
            late_s += delay_s(x, plot.origin, back_s, speed, m, LANES)
        straight = CRUISE if BRAKE_S[mode] > 0.0 else mode
        for step in range(2):
            fill_way(straight, -late_s if step == 0 else late_s, way)
            for q in range(6):
                if step == 0:
                    back[q * LANES + m] = way[q]
                else:
                    ahead[q * LANES + m] = way[q]
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
def _step_back(prior: LaneRow, plot: Plot, age: Age, out: LaneRow, work: Room) -> None:
    """Move each mode to when a detection left its target, into ``out``, and fill what undoes it.

    What moved the target since it was last seen is independent of all that was seen: that noise comes out of the prior.
    Mixing gives a mode less of it than all that time makes; where the prior does not hold it, only the noise of the
    step just made comes out.
    """
    own = work.own
    _fill_steps(prior, plot, age.back_s, max(age.quiet_s, age.since_s), spread(1.0), work)
    _add_noise(prior, -1.0, own, out)
    if age.quiet_s > age.since_s:
        _fill_steps(prior, plot, age.back_s, age.since_s, -_is_sound(out, work.low), work)
        _add_noise(prior, -1.0, own, out)
    propagate(out, work.back, out)


@leaf
def _by_place(x: Row, z: NumberRow, var: NumberRow, rest: Any, out: Row) -> tuple[Any, Any, int]:
    """``by_state`` of a place alone, of all three components: the same operations, written out."""
    two_pi, z0, z1, z2, v0, v1, v2 = 2.0 * math.pi, z[0], z[1], z[2], var[0], var[1], var[2]
    g = values(x)
    s0, nu0 = g[6] + v0 + rest, z0 - g[0]
    g = conditioned(g, g[6], g[7], g[9], g[12], g[16], g[21], nu0, s0)
    s1, nu1 = g[8] + v1 + rest, z1 - g[1]
    g = conditioned(g, g[7], g[8], g[10], g[13], g[17], g[22], nu1, s1)
    s2, nu2 = g[11] + v2 + rest, z2 - g[2]
    g = conditioned(g, g[9], g[10], g[11], g[14], g[18], g[23], nu2, s2)
    lay(g, out)
    distance2 = nu0 * nu0 / s0 + nu1 * nu1 / s1 + nu2 * nu2 / s2
    return distance2, two_pi * s0 * (two_pi * s1) * (two_pi * s2), 3


@leaf
def by_state(x: Row, plot: Plot, rest: Row, out: Row) -> tuple[Any, Any, int]:
    """Gaussians x [27] conditioned on a POSITION, into ``out``: its components are the state, so H picks a column."""
    z, var = plot.z, plot.var
    if not math.isnan(var[0] + var[1] + var[2]) and math.isnan(var[3]) and math.isnan(var[4]) and math.isnan(var[5]):
        return _by_place(x, z, var, rest[0], out)
    lay(values(x), out)
    distance2, volume, used = alike(x[0], 0.0), alike(x[0], 1.0), 0
    for c in range(6):
        if math.isnan(var[c]):
            continue
        g = values(out)
        s, nu = out[DIAGONAL[c]] + var[c] + (rest[0] if c < 3 else rest[2]), z[c] - out[c]
        p0, p1, p2 = out[PLACE[0, c]], out[PLACE[1, c]], out[PLACE[2, c]]
        lay(conditioned(g, p0, p1, p2, out[PLACE[3, c]], out[PLACE[4, c]], out[PLACE[5, c]], nu, s), out)
        distance2 += nu * nu / s
        volume *= 2.0 * math.pi * s
        used += 1
    return distance2, volume, used


@leaf
def _seen(
    g: Values, x: LaneRow, jac: LaneRow, c: int, nu: Lanes, var: float, rest: Lanes
) -> tuple[Values, Lanes, Lanes]:
    """Gaussians g conditioned on component c, which sees position alone; with nu and S."""
    at = 6 * c
    j0, j1, j2 = jac[at], jac[at + 1], jac[at + 2]
    p0 = g[6] * j0 + g[7] * j1 + g[9] * j2
    p1 = g[7] * j0 + g[8] * j1 + g[10] * j2
    p2 = g[9] * j0 + g[10] * j1 + g[11] * j2
    p3 = g[12] * j0 + g[13] * j1 + g[14] * j2
    p4 = g[16] * j0 + g[17] * j1 + g[18] * j2
    p5 = g[21] * j0 + g[22] * j1 + g[23] * j2
    nu -= j0 * (g[0] - x[0]) + j1 * (g[1] - x[1]) + j2 * (g[2] - x[2])
    s = var + rest * (j0 * j0 + j1 * j1 + j2 * j2) + (j0 * p0 + j1 * p1 + j2 * p2)
    return conditioned(g, p0, p1, p2, p3, p4, p5, nu, s), nu, s


@leaf
def _seen_rate(
    g: Values, x: LaneRow, jac: LaneRow, nu: Lanes, var: float, rest: LaneRow
) -> tuple[Values, Lanes, Lanes]:
    """``_seen`` of a range rate, which sees position and velocity."""
    j0, j1, j2, j3, j4, j5 = jac[18], jac[19], jac[20], jac[21], jac[22], jac[23]
    p0 = g[6] * j0 + g[7] * j1 + g[9] * j2 + (g[12] * j3 + g[16] * j4 + g[21] * j5)
    p1 = g[7] * j0 + g[8] * j1 + g[10] * j2 + (g[13] * j3 + g[17] * j4 + g[22] * j5)
    p2 = g[9] * j0 + g[10] * j1 + g[11] * j2 + (g[14] * j3 + g[18] * j4 + g[23] * j5)
    p3 = g[12] * j0 + g[13] * j1 + g[14] * j2 + (g[15] * j3 + g[19] * j4 + g[24] * j5)
    p4 = g[16] * j0 + g[17] * j1 + g[18] * j2 + (g[19] * j3 + g[20] * j4 + g[25] * j5)
    p5 = g[21] * j0 + g[22] * j1 + g[23] * j2 + (g[24] * j3 + g[25] * j4 + g[26] * j5)
    nu -= j0 * (g[0] - x[0]) + j1 * (g[1] - x[1]) + j2 * (g[2] - x[2])
    nu -= j3 * (g[3] - x[3]) + j4 * (g[4] - x[4]) + j5 * (g[5] - x[5])
    s = var + rest[0] * (j0 * j0 + j1 * j1 + j2 * j2) + (j3 * p3 + j4 * p4 + j5 * p5)
    s += rest[2] * (j3 * j3 + j4 * j4 + j5 * j5) + 2.0 * rest[1] * (j0 * j3 + j1 * j4 + j2 * j5)
    s += j0 * p0 + j1 * p1 + j2 * p2
    return conditioned(g, p0, p1, p2, p3, p4, p5, nu, s), nu, s


@leaf
def _by_look(x: LaneRow, plot: Plot, rest: LaneRow, out: LaneRow, work: Room) -> tuple[Lanes, Lanes, int]:
    """Gaussians x [27] conditioned on a POLAR or BEARING, linearised at their means, into ``out``."""
    distance2, volume, used, two_pi = spread(0.0), spread(1.0), 0, 2.0 * math.pi
    h, jac, z, var = work.h, work.jac, plot.z, plot.var
    count, azimuth = linearise(plot.kind, x, plot.origin, h, jac), azimuth_at(plot.kind)
    if plot.speed_mps > 0.0:
        _turn_by_delay(x, plot.origin, plot.speed_mps, jac, count)
    if count == 4 and not math.isnan(var[0] + var[1] + var[2] + var[3]):
        # a whole look stays in registers
        g, nu0, s0 = _seen(values(x), x, jac, 0, z[0] - h[0], var[0], rest[0])
        g, nu1, s1 = _seen(g, x, jac, 1, wrap(z[1] - h[1]), var[1], rest[0])
        g, nu2, s2 = _seen(g, x, jac, 2, z[2] - h[2], var[2], rest[0])
        g, nu3, s3 = _seen_rate(g, x, jac, z[3] - h[3], var[3], rest)
        lay(g, out)
        distance2 = nu0 * nu0 / s0 + nu1 * nu1 / s1 + nu2 * nu2 / s2 + nu3 * nu3 / s3
        return distance2, two_pi * s0 * (two_pi * s1) * (two_pi * s2) * (two_pi * s3), 4
    g = values(x)
    for c in range(count):
        if math.isnan(var[c]):
            continue
        nu = z[c] - h[c]
        if c == azimuth:
            nu = wrap(nu)
        if c == 3:
            g, nu, s = _seen_rate(g, x, jac, nu, var[c], rest)
        else:
            g, nu, s = _seen(g, x, jac, c, nu, var[c], rest[0])
        distance2 += nu * nu / s
        volume *= two_pi * s
        used += 1
    lay(g, out)
    return distance2, volume, used


@leaf
def kalman_update(prior: LaneRow, plot: Plot, age: Age, out: LaneRow, work: Room) -> tuple[Lanes, Lanes, int]:
    """Extended Kalman update of all modes' Gaussians [27] with a detection, from ``prior`` into ``out``.

    nu = z - h(x), S = H P H^T + R, K = P H^T / S for one component after the other, all linearised at the prior. A
    detection older than the state moves each mode back to its time, updates it there and moves it on again; the noise
    of the time in which nobody saw the target comes out of the prior first and is added after, as if the detection had
    come in order (``_step_back`` says what of a longer time is approximate). Sound's travel time joins ``back_s``.
    **Gives** squared distance d2 and |2 pi S| by mode and the components used; the likelihood is
    exp(-d2 / 2) / sqrt|2 pi S|.
    """
    at_once, rest = age.back_s == 0.0 and not plot.speed_mps > 0.0, work.rest
    if at_once:
        rest[0] = rest[1] = rest[2] = spread(0.0)
    else:
        _step_back(prior, plot, age, out, work)
    then = prior if at_once else out
    if plot.kind == POSITION:
        distance2, volume, used = by_state(then, plot, rest, out)
    else:
        distance2, volume, used = _by_look(then, plot, rest, out, work)
    if not at_once:
        propagate(out, work.ahead, out)
        _add_noise(out, 1.0, work.own, out)
    return distance2, volume, used
