"""New tracks from detections nobody claimed: where they would be, and how likely they are real."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from araz.tracking._gauss import DIAGONAL, WIDTH, propagate
from araz.tracking._kernel import leaf
from araz.tracking._measure import (
    AT_ONCE,
    POLAR,
    POSITION,
    Detections,
    Plot,
    Room,
    kalman_update,
    plot_of,
    room_in,
)
from araz.tracking._measure import SPACE as KALMAN_SPACE
from araz.tracking._motion import MANOEUVRE, fill_way
from araz.tracking._rows import LANES, LaneRow, NumberRow, beyond, lane, lane_row, number_row, numbers, spread
from araz.tracking._scratch import Scratch, cut_reals
from araz.tracking._sight import cut_below, lowest_seen
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


BENCH_REALS: Final = (2 * WIDTH + 2) * LANES


class Bench(NamedTuple):
    """Scratch rows: a prior of lanes and what it is after the update [27], a step [12], the update's own."""

    modes: LaneRow
    after: LaneRow
    way: NumberRow
    kalman: Room


@leaf
def _bench_in(lanes: FloatArray, kalman: FloatArray) -> Bench:
    modes = lane_row(lanes, 0)
    return Bench(modes, beyond(modes, WIDTH), numbers(beyond(modes, 2 * WIDTH)), room_in(kalman))


@leaf
def start_state(plot: Plot, place: NumberRow, forward_s: float, speed_sigma: float, g: NumberRow, work: Bench) -> None:
    """Fill g [27] with a new track: a wide prior at a detection, updated by it, moved ``forward_s`` on.

    The prior is so much wider than the sensor's errors (100 times their deviation) that the update gives the sensor's
    own covariance to a part in ten thousand, in polar coordinates too, and conditions velocity on the range rate.
    """
    var = plot.var
    wide2 = max(var[0], var[1])
    if plot.kind == POLAR:
        across = var[1] if math.isnan(var[2]) else max(var[1], var[2])
        wide2 = max(var[0], across * plot.z[0] ** 2)
    for q in range(WIDTH):
        g[q] = 0.0
    for axis in range(3):
        g[axis] = place[axis]
        g[DIAGONAL[axis]] = 1e4 * wide2
        g[DIAGONAL[3 + axis]] = speed_sigma**2 if axis < 2 else CLIMB_SIGMA_MPS**2
    if math.isnan(var[2]):
        g[DIAGONAL[2]] = UNKNOWN_HEIGHT_SIGMA_M**2
    elif plot.kind == POSITION:
        g[DIAGONAL[2]] = 1e4 * var[2]
    if plot.kind == POSITION:
        for axis in range(3):
            if not math.isnan(var[3]) and not math.isnan(var[3 + axis]):
                g[DIAGONAL[3 + axis]] = 1e4 * var[3 + axis]
    if plot.kind == POSITION and not plot.speed_mps > 0.0:
        _place_at(g, plot)
    else:
        for q in range(WIDTH):
            work.modes[q] = spread(g[q])
        kalman_update(work.modes, plot, AT_ONCE, work.after, work.kalman)
        for q in range(WIDTH):
            g[q] = lane(work.after[q], MANOEUVRE)
    if forward_s > 0.0:
        fill_way(MANOEUVRE, forward_s, work.way)
        propagate(g, work.way, g)


@leaf
def _place_at(g: NumberRow, plot: Plot) -> None:
    """Condition g [27], whose numbers do not depend on each other, on a POSITION, in place: each by itself."""
    for c in range(6):
        if not math.isnan(plot.var[c]):
            p = g[DIAGONAL[c]]
            gain = p * (1.0 / (p + plot.var[c]))
            g[c] += gain * (plot.z[c] - g[c])
            g[DIAGONAL[c]] = p - gain * p


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


@leaf
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
    tracks: Tracks,
    count: int,
    rows: IntArray,
    scratch: Scratch,
) -> int:
    """Write new tentative tracks from row ``count`` of the table on, and the detection row of each; gives how many.

    r = P(unclaimed) lambda_b / (lambda_b + lambda_c), lambda_b raised by ``swarm``. **Source** Williams 2015 (the
    Poisson part of the PMB), with the adaptive birth of Reuter et al. 2014. A bearing starts nothing.
    """
    lanes, scratch = cut_reals(scratch, BENCH_REALS)
    kalman, scratch = cut_reals(scratch, KALMAN_SPACE)
    kalman[:] = 0.0
    made, work = 0, _bench_in(lanes, kalman)
    column, lowest = view.looker[sensor], view.lowest[sensor]
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
        g = number_row(tracks.belief.gauss, i)
        start_state(plot_of(found, k), number_row(place, k), back_s[k], speed, g, work)
        if found.kind == POLAR:
            low = lowest_seen(lowest, view.east0, view.north0, view.cell, g[0], g[1])
            if not math.isnan(low):
                cut_below(g, low, 1.0)
        tracks.track_id[i] = name_of(at_us, turn, sensor, found.row[k])
        tracks.number[i] = 0
        tracks.existence[i] = tracks.birth_existence[i] = chance
        tracks.is_confirmed[i] = tracks.hidden[i] = False
        tracks.started_at_us[i] = tracks.updated_at_us[i] = found.at_us[k]
        tracks.update_count[i] = 1
        tracks.sensor_mask[i] = 1 << sensor
        tracks.claim_key[i] = found.claim_key[k]
        tracks.rcs_dbsm[i] = found.rcs_dbsm[k]
        tracks.doubt[i, :] = 1.0
        first_echo(tracks.echo[i], column)
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
