"""New tracks from detections nobody claimed: where they would be, and how likely they are real."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._classify import ClassTable
from araz.tracking._gauss import DIAGONAL, WIDTH, propagate
from araz.tracking._kernel import kernel, leaf
from araz.tracking._measure import AT_ONCE, POLAR, POSITION, Detections, Room, kalman_update, room
from araz.tracking._motion import MANOEUVRE, way_of
from araz.tracking._rows import LANES, lane_row, number_row, spread
from araz.tracking._sight import lift_row
from araz.tracking._state import ECHO_LEVELS, ECHO_PRIOR, Tracks, View
from araz.vocabulary import FloatArray, IntArray

CLIMB_SIGMA_MPS: Final = 2.0
CLAIM_SPEED_SIGMA_MPS: Final = 100.0
"""Speed assumed of a claim without velocity: it may be an airliner, and its key, not its speed, says what is whose."""
UNKNOWN_HEIGHT_SIGMA_M: Final = 120.0
LEAST_FREE: Final = 0.1
"""A detection with less left over after association starts nothing."""
HIGHEST_START: Final = 0.5
"""One detection alone never makes a target more likely than not;"""
HIGHEST_GROUP: Final = 0.9
"""several new ones side by side may."""
LEAST_START: Final = 1e-4


class Bench(NamedTuple):
    """Scratch: a wide prior [1, 27], the same in every lane and after the update [1, 27, LANES], a step [1, 12]."""

    prior: FloatArray
    modes: FloatArray
    after: FloatArray
    way: FloatArray
    kalman: Room


@leaf
def start_state(
    found: Detections,
    j: int,
    place: FloatArray,
    forward_s: float,
    speed_sigma: float,
    out: FloatArray,
    o: int,
    work: Bench,
) -> None:
    """Fill row o of out [N, 27] with a new track: a wide prior at detection j, updated by it, moved ``forward_s`` on.

    The prior is so much wider than the sensor's errors (100 times their deviation) that the update gives the sensor's
    own covariance to a part in ten thousand, in polar coordinates too, and conditions velocity on the range rate.
    """
    z, var, kind, prior, g = found.z, found.var, found.kind, work.prior, number_row(out, o)
    wide2 = max(var[j, 0], var[j, 1])
    if kind == POLAR:
        across = var[j, 1] if math.isnan(var[j, 2]) else max(var[j, 1], var[j, 2])
        wide2 = max(var[j, 0], across * z[j, 0] ** 2)
    prior[:] = 0.0
    for axis in range(3):
        prior[0, axis] = place[j, axis]
        prior[0, DIAGONAL[axis]] = 1e4 * wide2
        prior[0, DIAGONAL[3 + axis]] = speed_sigma**2 if axis < 2 else CLIMB_SIGMA_MPS**2
    if math.isnan(var[j, 2]):
        prior[0, DIAGONAL[2]] = UNKNOWN_HEIGHT_SIGMA_M**2
    elif kind == POSITION:
        prior[0, DIAGONAL[2]] = 1e4 * var[j, 2]
    if kind == POSITION:
        for axis in range(3):
            if not math.isnan(var[j, 3]) and not math.isnan(var[j, 3 + axis]):
                prior[0, DIAGONAL[3 + axis]] = 1e4 * var[j, 3 + axis]
    modes, after = lane_row(work.modes, 0), lane_row(work.after, 0)
    for q in range(WIDTH):
        modes[q] = spread(prior[0, q])
    kalman_update(modes, found, j, AT_ONCE, after, work.kalman)
    for q in range(WIDTH):
        g[q] = work.after[0, q, MANOEUVRE]
    if forward_s > 0.0:
        way_of(MANOEUVRE, forward_s, work.way, 0)
        propagate(g, number_row(work.way, 0), g)


@leaf
def name_of(at_us: int, turn: int, sensor: int, row: int) -> int:
    """A track's key from the detection that began it: the same whatever else arrived, and when (a 62-bit mix).

    ``turn`` tells apart looks that ended together.
    """
    value = at_us * 4096 + (turn * 64 + sensor) * 67108859 + row
    for _ in range(2):
        value ^= (value >> 31) & 0x1FFFFFFFF
        value *= 0x5851F42D4C957F2D
    return ((value ^ ((value >> 29) & 0x7FFFFFFFF)) & 0x3FFFFFFFFFFFFFFF) | 1


@kernel
def begin(
    view: View,
    sensor: int,
    at_us: int,
    turn: int,
    found: Detections,
    place: FloatArray,
    free: FloatArray,
    clutter: FloatArray,
    birth: FloatArray,
    swarm: FloatArray,
    back_s: FloatArray,
    speed_sigma: float,
    classes: ClassTable,
    tracks: Tracks,
    count: int,
) -> IntArray:
    """Write new tentative tracks from row ``count`` of the table on; gives the detection row of each.

    r = P(unclaimed) lambda_b / (lambda_b + lambda_c), lambda_b raised by ``swarm``. **Source** Williams 2015 (the
    Poisson part of the PMB), with the adaptive birth of Reuter et al. 2014. A bearing starts nothing.
    """
    rows, lanes = np.empty(len(free), np.int64), (1, WIDTH, LANES)
    work = Bench(np.empty((1, WIDTH)), np.empty(lanes), np.empty(lanes), np.empty((1, 12)), room())
    made = _begin(
        view, sensor, at_us, turn, found, place, free, clutter, birth, swarm, back_s, speed_sigma, classes, tracks,
        count, work, rows,
    )  # fmt: skip
    return rows[:made]


@leaf
def _begin(
    view: View,
    sensor: int,
    at_us: int,
    turn: int,
    found: Detections,
    place: FloatArray,
    free: FloatArray,
    clutter: FloatArray,
    birth: FloatArray,
    swarm: FloatArray,
    back_s: FloatArray,
    speed_sigma: float,
    classes: ClassTable,
    tracks: Tracks,
    count: int,
    work: Bench,
    rows: IntArray,
) -> int:
    """Write the tracks and their detections' rows; gives how many."""
    made = 0
    column = view.looker[sensor]
    for k in range(len(free)):
        new = birth[k] * swarm[k]
        highest = HIGHEST_START if swarm[k] <= 1.0 else HIGHEST_GROUP
        chance = min(free[k] * new / max(new + clutter[k], 1e-300), highest)
        placed = math.isfinite(place[k, 0] + place[k, 1] + place[k, 2]) and not math.isnan(
            found.var[k, 0] + found.var[k, 1]
        )
        if not placed or free[k] < LEAST_FREE or chance < LEAST_START:
            continue
        i = count + made
        rows[made] = k
        made += 1
        speed = CLAIM_SPEED_SIGMA_MPS if found.claim_key[k] != 0 else speed_sigma
        start_state(found, k, place, back_s[k], speed, tracks.belief.gauss, i, work)
        tracks.track_id[i] = name_of(at_us, turn, sensor, found.row[k])
        tracks.number[i] = 0
        tracks.existence[i] = tracks.birth_existence[i] = chance
        tracks.is_confirmed[i] = tracks.hidden[i] = False
        tracks.started_at_us[i] = tracks.updated_at_us[i] = found.at_us[k]
        tracks.update_count[i] = 1
        tracks.sensor_mask[i] = 1 << sensor
        tracks.claim_key[i] = found.claim_key[k]
        tracks.rcs_dbsm[i] = found.rcs_dbsm[k]
        for c in range(len(classes.prior)):
            tracks.class_probability[i, c] = classes.prior[c]
        tracks.habit[i, :] = 0.0
        tracks.doubt[i, :] = 1.0
        first_echo(tracks.echo[i], column)
    if found.kind == POLAR:
        for i in range(count, count + made):
            lift_row(view, sensor, tracks.belief.gauss[i], False)
    return made


@leaf
def first_echo(echo: FloatArray, column: int) -> None:
    """Fill the belief [lookers, levels] in how well each sensor sees a new track: who found it sees it well."""
    for s in range(len(echo)):
        total = 0.0
        for level in range(len(ECHO_PRIOR)):
            echo[s, level] = ECHO_PRIOR[level] * (ECHO_LEVELS[level] if s == column else 1.0)
            total += echo[s, level]
        for level in range(len(ECHO_PRIOR)):
            echo[s, level] /= total
