"""New tracks from detections nobody claimed: where they would be, and how likely they are real."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from araz.tracking._measure import BEARING, POLAR, POSITION, Detections, kalman_update
from araz.tracking._motion import MANOEUVRE, MODE_COUNT, motion_blocks, process_noise, propagate
from araz.tracking._state import CLASS_PRIOR, ECHO_LEVELS, ECHO_PRIOR, Tracks
from araz.vocabulary import FloatArray, IntArray

CLIMB_SIGMA_MPS: Final = 2.0
CLAIM_SPEED_SIGMA_MPS: Final = 100.0
"""Speed assumed of a claim without velocity: it may be an airliner, and its key, not its speed, says what is whose."""
UNKNOWN_HEIGHT_M: Final = 120.0
UNKNOWN_HEIGHT_SIGMA_M: Final = 120.0
"""Height over the sensor assumed of a plot without elevation: drones fly below 120 m by law; smugglers need not."""
LEAST_FREE: Final = 0.1
"""A detection with less left over after association starts nothing."""
HIGHEST_START: Final = 0.5
"""One detection alone never makes a target more likely than not."""
LEAST_START: Final = 1e-4


def plan_positions(found: Detections) -> FloatArray:
    """Where each detection lies [K, 3], ENU metres; unknown height is guessed, a bearing has no place (NaN)."""
    place = np.full((len(found.z), 3), np.nan)
    guess = found.origin[:, 2] + UNKNOWN_HEIGHT_M
    if found.kind == POSITION:
        place[:, :2] = found.z[:, :2]
        place[:, 2] = np.where(np.isnan(found.z[:, 2]), guess, found.z[:, 2])
    elif found.kind == POLAR:
        r, azimuth, elevation = found.z[:, 0], found.z[:, 1], found.z[:, 2]
        flat = np.isnan(elevation)
        up = np.where(flat, np.minimum(UNKNOWN_HEIGHT_M, 0.5 * r), r * np.sin(np.where(flat, 0.0, elevation)))
        ground = np.sqrt(np.maximum(r**2 - up**2, 0.0))
        place[:, 0] = found.origin[:, 0] + ground * np.sin(azimuth)
        place[:, 1] = found.origin[:, 1] + ground * np.cos(azimuth)
        place[:, 2] = found.origin[:, 2] + up
    return place


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


def first_echo(count: int, lookers: int, column: int) -> FloatArray:
    """Belief [B, lookers, levels] in how well each sensor sees a new track: the one that found it sees it well."""
    echo = np.tile(ECHO_PRIOR, (count, lookers, 1))
    if column >= 0:
        echo[:, column] = ECHO_PRIOR * ECHO_LEVELS / (ECHO_PRIOR @ ECHO_LEVELS)
    return echo


def births(
    found: Detections,
    place: FloatArray,
    free: FloatArray,
    clutter: FloatArray,
    birth: FloatArray,
    back_s: FloatArray,
    speed_sigma: float,
    sensor: int,
    next_id: int,
    lookers: int,
    column: int,
) -> tuple[Tracks, IntArray]:
    """New tentative tracks and the detection row of each: r = P(unclaimed) lambda_b / (lambda_b + lambda_c).

    **Source** Williams 2015 (the Poisson part of the PMB), with the adaptive birth of Reuter et al.
    2014. A bearing starts nothing. A detection newer than the common time starts at its own place, not moved back.
    """
    existence = np.minimum(free * birth / np.maximum(birth + clutter, 1e-300), HIGHEST_START)
    placed = np.isfinite(place).all(axis=1) & ~np.isnan(found.var[:, :2]).any(axis=1)
    rows = np.flatnonzero(placed & (free >= LEAST_FREE) & (existence >= LEAST_START) & (found.kind != BEARING))
    count = len(rows)
    mean, cov, weight = (
        np.zeros((count, MODE_COUNT, 6)),
        np.zeros((count, MODE_COUNT, 6, 6)),
        np.zeros((count, MODE_COUNT)),
    )
    speed = np.where(found.claim_key != 0, CLAIM_SPEED_SIGMA_MPS, speed_sigma)
    mean[:, MANOEUVRE], cov[:, MANOEUVRE] = start_states(
        found.kind, rows, place, found.z, found.var, found.origin, back_s, speed
    )
    weight[:, MANOEUVRE] = 1.0
    return Tracks(
        track_id=np.arange(next_id, next_id + count, dtype=np.int64),
        mean=mean,
        cov=cov,
        weight=weight,
        existence=existence[rows],
        birth_existence=existence[rows],
        is_confirmed=np.zeros(count, np.bool_),
        hidden=np.zeros(count, np.bool_),
        started_at_us=found.at_us[rows],
        updated_at_us=found.at_us[rows],
        update_count=np.ones(count, np.int64),
        sensor_mask=np.full(count, 1 << sensor, np.int64),
        claim_key=found.claim_key[rows],
        rcs_dbsm=found.rcs_dbsm[rows],
        class_probability=np.tile(CLASS_PRIOR, (count, 1)),
        echo=first_echo(count, lookers, column),
        doubt=np.ones((count, lookers)),
    ), rows
