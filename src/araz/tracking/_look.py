"""One look inside the kernels: predict, associate, update, and write each track's books."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from araz.tracking._associate import marginals, pair_odds
from araz.tracking._gate import find_pairs
from araz.tracking._measure import BEARING, POLAR, Detections
from araz.tracking._motion import collapse, predict_tracks
from araz.tracking._sight import detection_chances, learn_echo, lift
from araz.tracking._state import ECHO_PRIOR, Tracks, View
from araz.tracking._update import update_tracks
from araz.vocabulary import FloatArray, IntArray

ECHO_MEMORY_S: Final = 120.0
"""How well a sensor sees a target changes with its distance and attitude: belief leans back to the prior."""
DOUBT_MEMORY_S: Final = 20.0
"""A target on the move comes out from behind a ridge: doubt fades."""
HIDDEN_HALF_LIVES: Final = 10.0
"""Belief in a track that terrain hides from every sensor decays so many times slower."""
PAIR_FLOOR: Final = 0.01
CLAIM_SURE: Final = 0.5
"""A claim goes to a track that took its detection with at least this probability."""
RCS_GAIN: Final = 0.1
"""Weight of a new radar cross section in a track's running mean (in dB)."""


class Association(NamedTuple):
    """E pairs of a look (track, detection, chance); each detection's chance to be free, each track's to be seen."""

    track: IntArray
    detection: IntArray
    taken: FloatArray
    free: FloatArray
    detected: FloatArray


@njit(cache=True)
def survival(dt_s: float, hidden: bool, half_life_s: float) -> float:
    """Chance that a track is still there after ``dt_s`` seconds; terrain's shadow takes ten times as long."""
    chance: float = 0.5 ** (dt_s / (half_life_s * (HIDDEN_HALF_LIVES if hidden else 1.0)))
    return chance


@njit(cache=True)
def predict(tracks: Tracks, dt_s: float, half_life_s: float) -> tuple[Tracks, FloatArray, FloatArray]:
    """All tracks ``dt_s`` >= 0 seconds on, as new arrays, and their moments over the modes [N, 6], [N, 6, 6]."""
    mean, cov, weight = predict_tracks(tracks.mean, tracks.cov, tracks.weight, tracks.update_count, dt_s)
    existence, echo, doubt = tracks.existence.copy(), tracks.echo.copy(), tracks.doubt.copy()
    forget, fade = 1.0 - math.exp(-dt_s / ECHO_MEMORY_S), math.exp(-dt_s / DOUBT_MEMORY_S)
    for i in range(len(existence)):
        existence[i] *= survival(dt_s, tracks.hidden[i], half_life_s)
        for s in range(echo.shape[1]):
            doubt[i, s] = doubt[i, s] ** fade if doubt[i, s] < 1.0 else 1.0
            for level in range(echo.shape[2]):
                echo[i, s, level] += (ECHO_PRIOR[level] - echo[i, s, level]) * forget
    moved = Tracks(
        tracks.track_id,
        mean,
        cov,
        weight,
        existence,
        tracks.birth_existence,
        tracks.is_confirmed.copy(),
        tracks.hidden.copy(),
        tracks.started_at_us,
        tracks.updated_at_us.copy(),
        tracks.update_count.copy(),
        tracks.sensor_mask.copy(),
        tracks.claim_key.copy(),
        tracks.rcs_dbsm.copy(),
        tracks.class_probability.copy(),
        echo,
        doubt,
        tracks.habit.copy(),
    )
    one_mean, one_cov = collapse(mean, cov, weight)
    return moved, one_mean, one_cov


@njit(cache=True)
def associate(
    view: View,
    s: int,
    found: Detections,
    back_s: FloatArray,
    density: FloatArray,
    tracks: Tracks,
    moments: tuple[FloatArray, FloatArray],
    gates: FloatArray,
    silence_counts: bool,
    sector: tuple[float, float],
) -> Association:
    """Gate, weigh, associate and update the tracks, in place; ``moments`` are theirs over the modes.

    ``silence_counts`` when nothing heard is evidence: a complete look of a sensor that looks by itself.
    """
    mean, cov, weight, existence, key = tracks.mean, tracks.cov, tracks.weight, tracks.existence, tracks.claim_key
    detect, miss, full = detection_chances(
        view, s, silence_counts, sector, moments[0], moments[1], tracks.echo, tracks.doubt
    )
    track, detection, log_l = find_pairs(mean, cov, weight, key, found, back_s, gates, moments[0], moments[1])
    odds = pair_odds(existence, detect, miss, weight, track, detection, log_l, density, key, found.claim_key)
    taken, missed, free = marginals(len(existence), len(density), track, detection, odds)
    kind, z, var, origin = found.kind, found.z, found.var, found.origin
    detected = update_tracks(
        kind, mean, cov, weight, existence, miss, z, var, origin, back_s, track, detection, log_l, taken, missed
    )
    if silence_counts:
        learn_echo(tracks.echo, tracks.doubt, view.looker[s], full, view.chance[s], detected)
    if kind == POLAR:
        lift(view, s, mean, cov, weight, detected, True)
    pairs = Association(track, detection, taken, free, detected)
    _write_books(tracks, found, s, pairs)
    return pairs


@njit(cache=True)
def _write_books(tracks: Tracks, found: Detections, sensor: int, pairs: Association) -> None:
    """Counts, times, sensors, radar cross section and claims of the tracks a detection moved, in place."""
    for i in range(len(pairs.detected)):
        if pairs.detected[i] >= 0.5:
            tracks.update_count[i] += 0 if found.kind == BEARING else 1
            tracks.sensor_mask[i] |= 1 << sensor
    for e in range(len(pairs.track)):
        i, j = pairs.track[e], pairs.detection[e]
        if pairs.detected[i] >= 0.5 and pairs.taken[e] > PAIR_FLOOR:
            tracks.updated_at_us[i] = max(tracks.updated_at_us[i], found.at_us[j])
        if pairs.taken[e] < CLAIM_SURE:
            continue
        rcs, old, key = found.rcs_dbsm[j], tracks.rcs_dbsm[i], found.claim_key[j]
        if math.isfinite(rcs):
            tracks.rcs_dbsm[i] = rcs if math.isnan(old) else old + RCS_GAIN * (rcs - old)
        if key != 0:
            for other in range(len(tracks.claim_key)):
                if tracks.claim_key[other] == key:
                    tracks.claim_key[other] = 0
            tracks.claim_key[i] = key


@njit(cache=True)
def strong_pairs(pairs: Association) -> IntArray:
    """Rows of the pairs worth telling."""
    return np.flatnonzero(pairs.taken > PAIR_FLOOR)
