"""How targets move: eight ways, and how they change between them (interacting multiple model).

Every mode is p' = p + A v, v' = B v, where A and B rotate and scale the horizontal and scale the vertical.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._gauss import SPACE, WIDTH, Room, collapse, from_moments, propagate, raw_moments, room_in
from araz.tracking._kernel import kernel, leaf, part
from araz.tracking._rows import (
    LANES,
    LaneRow,
    Lanes,
    NumberRow,
    first,
    lane_row,
    number_row,
    numbers,
    spread,
    where_above,
)
from araz.tracking._scratch import Scratch, cut_reals, scratch_of
from araz.vocabulary import FloatArray, IntArray

MODE_COUNT: Final = 8
CRUISE, MANOEUVRE, TURN_LEFT, TURN_RIGHT, FAST_LEFT, FAST_RIGHT, HOVER, RESTLESS = range(MODE_COUNT)

TURN_RATE_RADPS: Final = np.radians(np.array([0.0, 0.0, 6.0, -6.0, 11.5, -11.5, 0.0, 0.0]))
"""Counter-clockwise positive (east towards north). Small drones turn at 4 to 14 deg/s, aeroplanes at 3 and less."""
NOISE_HORIZONTAL: Final = np.array([0.05, 8.0, 0.4, 0.4, 0.5, 0.5, 0.5, 0.1])
"""White acceleration intensity, m^2/s^3: a steady drone wanders little, a manoeuvring one pulls 2 m/s^2 for 2 s; what
the turns have makes up for rates between theirs."""
NOISE_VERTICAL: Final = np.array([0.02, 0.5, 0.02, 0.02, 0.02, 0.02, 0.1, 0.02])
BRAKE_S: Final = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0])
"""Time constant with which speed dies away; 0 means it does not."""

LEAVE_RATE_PER_S: Final = np.array([0.05, 0.25, 0.10, 0.10, 0.10, 0.10, 0.07, 0.23])
"""How often a mode is left: legs last twenty seconds, turns ten, braking and hovering fifteen. RESTLESS is the straight
flight of one that has just manoeuvred: it does so again after five seconds, or is calm after a hundred."""
LEAVE_TO: Final = np.array(
    [
        [0.00, 0.20, 0.1875, 0.1875, 0.1875, 0.1875, 0.05, 0.00],
        [0.00, 0.00, 0.05, 0.05, 0.05, 0.05, 0.30, 0.50],
        [0.75, 0.05, 0.00, 0.00, 0.20, 0.00, 0.00, 0.00],
        [0.75, 0.05, 0.00, 0.00, 0.00, 0.20, 0.00, 0.00],
        [0.75, 0.05, 0.20, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.75, 0.05, 0.00, 0.20, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.80, 0.00, 0.00, 0.00, 0.00, 0.00, 0.20],
        [0.045, 0.65, 0.0225, 0.0225, 0.0225, 0.0225, 0.215, 0.00],
    ]
)
START_WEIGHT: Final = np.array([0.58, 0.10, 0.07, 0.07, 0.07, 0.07, 0.02, 0.02])
"""Mode weights once a track has its second detection; before that only MANOEUVRE runs, for one detection says nothing
about how a target moves."""


@leaf
def way_of(mode: int, dt_s: float, way: FloatArray, w: int) -> None:
    """Fill row w of ``way`` [W, 12] by ``fill_way``."""
    fill_way(mode, dt_s, number_row(way, w))


@leaf
def fill_way(mode: int, dt_s: float, way: NumberRow) -> None:
    """Fill a row with the twelve numbers of one mode's step of ``dt_s`` seconds, as ``propagate`` takes it.

    Coordinated turn (Bar-Shalom, Li & Kirubarajan 2001, eq. 11.7.1-4), constant velocity, Ornstein-Uhlenbeck braking
    (a negative step goes straight back); white acceleration adds (dt^3/3, dt^2/2, dt) q forwards and nothing backwards.
    """
    omega, brake = TURN_RATE_RADPS[mode], BRAKE_S[mode]
    way[0], way[1], way[2] = dt_s, 0.0, dt_s
    way[3], way[4], way[5] = 1.0, 0.0, 1.0
    if omega != 0.0:
        sine, cosine = math.sin(omega * dt_s), math.cos(omega * dt_s)
        way[0], way[1] = sine / omega, (1.0 - cosine) / omega
        way[3], way[4] = cosine, sine
    elif brake > 0.0 and dt_s > 0.0:
        keep = math.exp(-dt_s / brake)
        way[3] = way[5] = keep
        way[0] = way[2] = brake * (1.0 - keep)
    forward = max(dt_s, 0.0)
    for axis in range(2):
        q = NOISE_HORIZONTAL[mode] if axis == 0 else NOISE_VERTICAL[mode]
        way[6 + 3 * axis] = q * forward**3 / 3.0
        way[7 + 3 * axis] = q * forward**2 / 2.0
        way[8 + 3 * axis] = q * forward


@kernel
def ways_of(dt_s: float) -> FloatArray:
    """The numbers of every mode's step of ``dt_s`` seconds [M, 12]."""
    ways = np.empty((MODE_COUNT, 12))
    _fill_ways(dt_s, ways)
    return ways


@leaf
def _fill_ways(dt_s: float, ways: FloatArray) -> None:
    for m in range(MODE_COUNT):
        way_of(m, dt_s, ways, m)


@kernel
def switching(dt_s: float) -> FloatArray:
    """Mode change probabilities [M, M] over ``dt_s`` seconds, rows sum to one: leave at a rate, at most once a step."""
    change = np.empty((MODE_COUNT, MODE_COUNT))
    _fill_switching(dt_s, change)
    return change


@leaf
def _fill_switching(dt_s: float, change: FloatArray) -> None:
    """Fill the part for modes of ``change`` [M or more, M or more] by ``switching``."""
    for i in range(MODE_COUNT):
        stay = math.exp(-LEAVE_RATE_PER_S[i] * dt_s)
        for j in range(MODE_COUNT):
            change[i, j] = stay if i == j else (1.0 - stay) * LEAVE_TO[i, j]


@leaf
def mix_modes(g: LaneRow, weight: NumberRow, change: LaneRow, work: Room, out: LaneRow) -> Lanes:
    """IMM mixing (Blom & Bar-Shalom 1988) of the modes g [27] into ``out``; gives the weights after it.

    All modes' moments are taken about the first one's mean, so that mixing is one product of small matrices.
    ``weight`` [LANES] are numbers here, ``change`` that of ``Steps``.
    """
    about, raw, part = work.about, work.raw, numbers(work.raw)
    for axis in range(6):
        about[axis] = first(g[axis])
    raw_moments(g, about, raw)
    after = weight[0] * change[0]
    for k in range(1, LANES):
        after += weight[k] * change[k]
    one = where_above(after, 0.0, 1.0 / after, spread(0.0))
    s0, s1, s2 = weight[0] * change[0] * one, weight[1] * change[1] * one, weight[2] * change[2] * one
    s3, s4, s5 = weight[3] * change[3] * one, weight[4] * change[4] * one, weight[5] * change[5] * one
    s6, s7 = weight[6] * change[6] * one, weight[7] * change[7] * one
    for q in range(WIDTH):
        at = q * LANES
        out[q] = (
            part[at] * s0
            + part[at + 1] * s1
            + part[at + 2] * s2
            + part[at + 3] * s3
            + part[at + 4] * s4
            + part[at + 5] * s5
            + part[at + 6] * s6
            + part[at + 7] * s7
        )
    from_moments(out, about, out)
    return after


class Steps(NamedTuple):
    """All modes' steps over one time: how they change [LANES, LANES], ways [M, 12], and these as lanes [12, LANES].

    ``change`` [k, m] is the chance of k to m, zero where no mode is; lanes that no mode uses go the first mode's way.
    """

    dt_s: float
    change: FloatArray
    ways: FloatArray
    lanes: FloatArray


@part
def _steps_of(dt_s: float, scratch: Scratch) -> tuple[Steps, Scratch]:
    """What ``predict_modes`` and ``start_modes`` need for ``dt_s`` seconds; backwards without mixing and noise."""
    room, scratch = cut_reals(scratch, LANES * LANES + 12 * (MODE_COUNT + LANES))
    change, ways = room[: LANES * LANES], room[LANES * LANES : LANES * LANES + 12 * MODE_COUNT]
    steps = Steps(
        dt_s,
        change.reshape((LANES, LANES)),
        ways.reshape((MODE_COUNT, 12)),
        room[LANES * LANES + 12 * MODE_COUNT :].reshape((12, LANES)),
    )
    change[:] = 0.0
    _fill_switching(max(dt_s, 0.0), steps.change)
    _fill_ways(dt_s, steps.ways)
    for m in range(LANES):
        for q in range(12):
            steps.lanes[q, m] = steps.ways[m if m < MODE_COUNT else 0, q]
    return steps, scratch


@leaf
def predict_modes(
    modes: FloatArray,
    weight: FloatArray,
    b: int,
    steps: Steps,
    work: Room,
    out: FloatArray,
    out_weight: FloatArray,
    o: int,
    gauss: FloatArray,
    i: int,
) -> None:
    """Row b of modes [B, 27, LANES] and weight [B, LANES] moved on: mixing, then each mode's motion, into row o of out.

    Row i of ``gauss`` [N, 27] becomes the moments over the modes. A step back or of no time does not mix.
    """
    g, to, way = lane_row(modes, b), lane_row(out, o), lane_row(steps.lanes, 0)
    after = lane_row(out_weight, o)
    if steps.dt_s <= 0.0:
        after[0] = lane_row(weight, b)[0]
        propagate(g, way, to)
    else:
        after[0] = mix_modes(g, number_row(weight, b), lane_row(steps.change, 0), work, to)
        propagate(to, way, to)
    collapse(to, after[0], work, number_row(gauss, i))


@leaf
def start_modes(
    single: FloatArray,
    s: int,
    steps: Steps,
    work: Room,
    out: FloatArray,
    out_weight: FloatArray,
    o: int,
    gauss: FloatArray,
    i: int,
) -> None:
    """Row s of single [N, 27], a track's second time seen, moved on in every mode, with START_WEIGHT; see above."""
    to = lane_row(out, o)
    propagate(number_row(single, s), lane_row(steps.lanes, 0), to)
    for m in range(LANES):
        out_weight[o, m] = START_WEIGHT[m] if m < MODE_COUNT else 0.0
    collapse(to, lane_row(out_weight, o)[0], work, number_row(gauss, i))


PREDICT_REALS: Final = LANES * LANES + 12 * (MODE_COUNT + LANES) + SPACE
"""How many numbers ``predict_into`` cuts."""


class Belief(NamedTuple):
    """Where N targets are: one Gaussian each in ``gauss`` [N, 27], and the modes of those seen at least twice.

    ``bank`` [N] is a target's row in ``modes`` [B, 27, LANES] and ``weight`` [B, LANES] (sums to one; lanes beyond
    the modes are zero), -1 where ``gauss`` is all there is. Of the others ``gauss`` is the moments over the modes.
    Rows of ``modes`` that no target names belong to targets that are gone.
    """

    gauss: FloatArray
    bank: IntArray
    modes: FloatArray
    weight: FloatArray


@kernel
def predict(old: Belief, update_count: IntArray, dt_s: float, more: int) -> Belief:
    """The belief ``dt_s`` seconds on, with ``more`` rows left open at its end.

    A negative ``dt_s`` steps back along each mode without mixing and without noise. A track with one detection runs in
    MANOEUVRE alone; with its second it starts all modes from there, with START_WEIGHT.
    """
    total, banks = len(old.bank) + more, count_banks(old.bank, update_count, dt_s)
    gauss, bank = np.empty((total, WIDTH)), np.empty(total, np.int64)
    new = Belief(gauss, bank, np.empty((banks, WIDTH, LANES)), np.empty((banks, LANES)))
    predict_into(old, update_count, dt_s, new, scratch_of(PREDICT_REALS, 0, 0))
    return new


@leaf
def _starts_modes(bank: int, update_count: int, dt_s: float) -> bool:
    """Whether a target has modes after a step."""
    return bank >= 0 or (update_count >= 2 and dt_s > 0.0)


@leaf
def count_banks(bank: IntArray, update_count: IntArray, dt_s: float) -> int:
    """How many targets have modes after a step."""
    count = 0
    for i in range(len(bank)):
        count += _starts_modes(bank[i], update_count[i], dt_s)
    return count


@leaf
def predict_into(old: Belief, update_count: IntArray, dt_s: float, new: Belief, scratch: Scratch) -> None:
    """``predict`` into the first rows of a belief with as many ``modes`` as it takes; the rows left have no bank."""
    steps, scratch = _steps_of(dt_s, scratch)
    space, scratch = cut_reals(scratch, SPACE)
    way, work, banks = number_row(steps.ways, MANOEUVRE), room_in(space), 0
    for i in range(len(new.bank)):
        new.bank[i] = -1
        if i < len(old.bank) and _starts_modes(old.bank[i], update_count[i], dt_s):
            new.bank[i] = banks
            banks += 1
    for i in range(len(old.bank)):
        b, o = old.bank[i], new.bank[i]
        if o < 0:
            propagate(number_row(old.gauss, i), way, number_row(new.gauss, i))
        elif b < 0:
            start_modes(old.gauss, i, steps, work, new.modes, new.weight, o, new.gauss, i)
        else:
            predict_modes(old.modes, old.weight, b, steps, work, new.modes, new.weight, o, new.gauss, i)


@leaf
def overall(belief: Belief, count: int, scratch: FloatArray) -> None:
    """Bring the first ``count`` rows of ``gauss`` up to date with the modes, in place."""
    work = room_in(scratch)
    for i in range(count):
        b = belief.bank[i]
        if b >= 0:
            collapse(lane_row(belief.modes, b), lane_row(belief.weight, b)[0], work, number_row(belief.gauss, i))


def mixtures(belief: Belief, rows: Any) -> tuple[FloatArray, FloatArray]:
    """Gaussians [K, M, 27] and weights [K, M] by mode of some rows; one seen once stands in MANOEUVRE alone."""
    bank = belief.bank[rows]
    has = bank >= 0
    gauss, weight = np.zeros((len(bank), MODE_COUNT, WIDTH)), np.zeros((len(bank), MODE_COUNT))
    gauss[has] = belief.modes[bank[has], :, :MODE_COUNT].swapaxes(1, 2)
    weight[has] = belief.weight[bank[has], :MODE_COUNT]
    gauss[~has, MANOEUVRE] = belief.gauss[rows][~has]
    weight[~has, MANOEUVRE] = 1.0
    return gauss, weight
