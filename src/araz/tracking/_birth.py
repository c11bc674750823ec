"""New tracks from detections nobody claimed: where they would be, and how likely they are real."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._classify import CLASS_TABLE, HABIT_COUNT
from araz.tracking._measure import POLAR, POSITION, Detections, kalman_update
from araz.tracking._motion import MANOEUVRE, MODE_COUNT, motion_blocks, process_noise, propagate
from araz.tracking._sight import lift
from araz.tracking._state import ECHO_LEVELS, ECHO_PRIOR, State, Tracks, View
from araz.vocabulary import FloatArray, IntArray

CLIMB_SIGMA_MPS: Final = 2.0
CLAIM_SPEED_SIGMA_MPS: Final = 100.0
"""Speed assumed of a claim without velocity: it may be an airliner, and its key, not its speed, says what is whose."""
UNKNOWN_HEIGHT_SIGMA_M: Final = 120.0
LEAST_FREE: Final = 0.1
"""A detection with less left over after association starts nothing."""
HIGHEST_START: Final = 0.5
"""One detection alone never makes a target more likely than not."""
LEAST_START: Final = 1e-4


@njit(cache=True)
def start_states(
    kind: int,
    rows: IntArray,
    place: FloatArray,
    z: FloatArray,
    var: FloatArray,
    origin: FloatArray,
    forward_s: FloatArray,
    speed_sigma: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Gaussians [B, 6], [B, 6, 6] of new tracks: a wide prior at the detection, updated by it, moved ``forward_s`` on.

    The prior is so much wider than the sensor's errors (100 times their deviation) that the update gives the sensor's
    own covariance to a part in ten thousand, in polar coordinates too, and conditions velocity on the range rate.
    """
    mean, cov = np.zeros((len(rows), 6)), np.zeros((len(rows), 6, 6))
    work, a, b, grow, room = (
        np.zeros((3, 6, 6)),
        np.zeros((3, 3)),
        np.zeros((3, 3)),
        np.zeros((3, 3)),
        np.zeros((2, 3, 3)),
    )
    for k in range(len(rows)):
        j = rows[k]
        wide = math.sqrt(max(var[j, 0], var[j, 1]))
        if kind == POLAR:
            across = var[j, 1] if np.isnan(var[j, 2]) else max(var[j, 1], var[j, 2])
            wide = math.sqrt(max(var[j, 0], across * z[j, 0] ** 2))
        for axis in range(3):
            mean[k, axis] = place[j, axis]
            cov[k, axis, axis] = (100.0 * wide) ** 2
            cov[k, 3 + axis, 3 + axis] = speed_sigma[j] ** 2 if axis < 2 else CLIMB_SIGMA_MPS**2
        if np.isnan(var[j, 2]):
            cov[k, 2, 2] = UNKNOWN_HEIGHT_SIGMA_M**2
        elif kind == POSITION:
            cov[k, 2, 2] = (100.0 * math.sqrt(var[j, 2])) ** 2
        if kind == POSITION and not np.isnan(var[j, 3]):
            for axis in range(3):
                if not np.isnan(var[j, 3 + axis]):
                    cov[k, 3 + axis, 3 + axis] = (100.0 * math.sqrt(var[j, 3 + axis])) ** 2
        kalman_update(kind, MANOEUVRE, mean[k], cov[k], z[j], var[j], origin[j], 0.0, work)
        if forward_s[j] > 0.0:
            motion_blocks(MANOEUVRE, forward_s[j], a, b)
            process_noise(MANOEUVRE, forward_s[j], grow)
            propagate(mean[k], cov[k], a, b, grow, room)
    return mean, cov


@njit(cache=True)
def begin(
    view: View,
    sensor: int,
    found: Detections,
    place: FloatArray,
    free: FloatArray,
    clutter: FloatArray,
    birth: FloatArray,
    back_s: FloatArray,
    speed_sigma: float,
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Detection rows [B] that begin tracks, with mean [B, M, 6], covariance, weights [B, M] and existence [B].

    r = P(unclaimed) lambda_b / (lambda_b + lambda_c). **Source** Williams 2015 (the Poisson part of the PMB), with the
    adaptive birth of Reuter et al. 2014. A bearing starts nothing. A detection newer than the common time starts at its
    own place, not moved back.
    """
    rows, existence = np.zeros(len(free), np.int64), np.zeros(len(free))
    count = 0
    for k in range(len(free)):
        chance = min(free[k] * birth[k] / max(birth[k] + clutter[k], 1e-300), HIGHEST_START)
        placed = math.isfinite(place[k].sum()) and not math.isnan(found.var[k, 0] + found.var[k, 1])
        if placed and free[k] >= LEAST_FREE and chance >= LEAST_START:
            rows[count], existence[count] = k, chance
            count += 1
    rows, existence = rows[:count].copy(), existence[:count].copy()
    speed = np.full(len(free), speed_sigma)
    for row in rows:
        if found.claim_key[row] != 0:
            speed[row] = CLAIM_SPEED_SIGMA_MPS
    mean, cov = np.zeros((count, MODE_COUNT, 6)), np.zeros((count, MODE_COUNT, 6, 6))
    weight = np.zeros((count, MODE_COUNT))
    first_mean, first_cov = start_states(found.kind, rows, place, found.z, found.var, found.origin, back_s, speed)
    mean[:, MANOEUVRE], cov[:, MANOEUVRE] = first_mean, first_cov
    weight[:, MANOEUVRE] = 1.0
    if found.kind == POLAR:
        lift(view, sensor, mean, cov, weight, np.ones(count), False)
    return rows, mean, cov, weight, existence


def first_echo(count: int, lookers: int, column: int) -> FloatArray:
    """Belief [B, lookers, levels] in how well each sensor sees a new track: the one that found it sees it well."""
    echo = np.empty((count, lookers, len(ECHO_PRIOR)))
    echo[:] = ECHO_PRIOR
    if column >= 0:
        echo[:, column] = ECHO_PRIOR * ECHO_LEVELS / (ECHO_PRIOR @ ECHO_LEVELS)
    return echo


def births(
    found: Detections,
    place: FloatArray,
    free: FloatArray,
    densities: tuple[FloatArray, FloatArray],
    back_s: FloatArray,
    state: State,
    sensor: int,
) -> tuple[Tracks, IntArray]:
    """New tentative tracks and the detection row of each; ``densities`` are those of clutter and of births [K]."""
    speed_sigma = float(state.settings.birth_speed_sigma_mps)
    rows, mean, cov, weight, existence = begin(state.view, sensor, found, place, free, *densities, back_s, speed_sigma)
    count, lookers = len(rows), state.tracks.echo.shape[1]
    no, at_us = np.zeros(count, np.bool_), found.at_us[rows]
    classes = np.empty((count, len(CLASS_TABLE.prior)))
    classes[:] = CLASS_TABLE.prior
    return Tracks(
        track_id=np.arange(state.next_id, state.next_id + count, dtype=np.int64),
        mean=mean,
        cov=cov,
        weight=weight,
        existence=existence,
        birth_existence=existence,
        is_confirmed=no,
        hidden=no,
        started_at_us=at_us,
        updated_at_us=at_us,
        update_count=np.ones(count, np.int64),
        sensor_mask=np.full(count, 1 << sensor, np.int64),
        claim_key=found.claim_key[rows],
        rcs_dbsm=found.rcs_dbsm[rows],
        class_probability=classes,
        echo=first_echo(count, lookers, int(state.view.looker[sensor])),
        doubt=np.ones((count, lookers)),
        habit=np.zeros((count, HABIT_COUNT)),
    ), rows
