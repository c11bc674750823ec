"""One look of one sensor, whole, inside one kernel: predict, associate, begin, end, learn."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._birth import begin, desk
from araz.tracking._classify import classify
from araz.tracking._close import close, first_rows, kept
from araz.tracking._cluster import Ages, Association, associate
from araz.tracking._clutter import densities, learn
from araz.tracking._formation import Before, share_in_company, swarm_odds
from araz.tracking._kernel import kernel, leaf
from araz.tracking._measure import BEARING, POLAR, Detections, components, most_measured, plan_positions
from araz.tracking._motion import predict_into
from araz.tracking._noise import factors, learn_noise, scaled
from araz.tracking._pairs import box_pairs
from araz.tracking._sight import detection_chances, learn_echo, lift
from araz.tracking._state import ECHO_PRIOR, PLACES, Knobs, Tracks, View, fixed_in, learned_in, reals, tracks_in
from araz.vocabulary import BoolArray, FloatArray, IntArray

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


Left = tuple[IntArray, BoolArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""The arrays of a ``Table``."""


class Look(NamedTuple):
    """When and how a sensor looked: its row, the mark and how many marks then before, time since, silence, sector.

    ``births_per_s`` is how many new targets come at that time.
    """

    sensor: int
    at_us: int
    turn: int
    dt_s: float
    silence_counts: bool
    silence_teaches: bool
    sector: tuple[float, float]
    births_per_s: float


class Numbers(NamedTuple):
    """Numbers for the tracks of a step: those given lately by key, sorted; and the next free one."""

    key: IntArray
    number: IntArray
    next_free: int


@leaf
def survival(dt_s: float, hidden: bool, half_life_s: float) -> float:
    """Chance that a track is still there after ``dt_s`` seconds; terrain's shadow takes ten times as long."""
    chance: float = 0.5 ** (dt_s / (half_life_s * (HIDDEN_HALF_LIVES if hidden else 1.0)))
    return chance


@kernel
def predict_tracks(old: Tracks, room: int, dt_s: float, half_life_s: float) -> Tracks:
    """All tracks ``dt_s`` >= 0 seconds on, in new arrays with ``room`` rows more."""
    count, lookers, levels = len(old.existence), old.echo.shape[1], old.echo.shape[2]
    total = count + room
    whole, flag, real = np.empty((8, total), np.int64), np.empty((2, total), np.bool_), np.empty(total * reals(lookers))
    new = tracks_in(lookers, whole, flag, real, old.belief.modes, old.belief.weight)
    belief = predict_into(old.belief, old.update_count, dt_s, new.belief.gauss, new.belief.bank)
    new.track_id[:count], new.number[:count] = old.track_id, old.number
    new.is_confirmed[:count], new.hidden[:count] = old.is_confirmed, old.hidden
    new.started_at_us[:count], new.updated_at_us[:count] = old.started_at_us, old.updated_at_us
    new.update_count[:count], new.sensor_mask[:count] = old.update_count, old.sensor_mask
    new.claim_key[:count], new.rcs_dbsm[:count] = old.claim_key, old.rcs_dbsm
    new.birth_existence[:count] = old.birth_existence
    seen_s, hidden_s = survival(dt_s, False, half_life_s), survival(dt_s, True, half_life_s)
    forget, fade = 1.0 - math.exp(-dt_s / ECHO_MEMORY_S), math.exp(-dt_s / DOUBT_MEMORY_S)
    for i in range(count):
        new.existence[i] = old.existence[i] * (hidden_s if old.hidden[i] else seen_s)
        for s in range(lookers):
            doubt = old.doubt[i, s]
            new.doubt[i, s] = doubt**fade if doubt < 1.0 else doubt
            for level in range(levels):
                share = old.echo[i, s, level]
                new.echo[i, s, level] = share + (ECHO_PRIOR[level] - share) * forget
    return tracks_in(lookers, whole, flag, real, belief.modes, belief.weight)


@kernel
def look_once(
    fixed: FloatArray,
    lowest: Any,
    sensor: int,
    kind: int,
    at_us: int,
    turn: int,
    dt_s: float,
    is_whole: bool,
    sector_from: float,
    sector_wide: float,
    births_per_s: float,
    plots: FloatArray,
    speed_mps: FloatArray,
    row: IntArray,
    learned: FloatArray,
    given_key: IntArray,
    given_number: IntArray,
    next_number: int,
    lookers: int,
    whole: IntArray,
    flag: BoolArray,
    real: FloatArray,
    lived: FloatArray,
    modes: FloatArray,
    weight: FloatArray,
) -> tuple[Left, FloatArray, IntArray, FloatArray, tuple[int, int, int]]:
    """The tracks after one look, a ``Table`` but for its lookers, and what it taught and told.

    That is the sensor's learned row, number and row of the scan of the pairs told [2, E] and their probabilities [E],
    how many tracks began and were confirmed, and the next free number. Nothing given is written to. Records are taken
    apart for the way in and out: Numba looks up the class of each that passes, and every part of it by name.
    """
    view, knobs = fixed_in(fixed, lowest)
    fallback = view.sigma[sensor]
    if kind != view.kind[sensor]:
        fallback = np.full(4, np.nan)
    found = components(kind, plots, speed_mps, row, fallback, view.origin[sensor])
    teaches = is_whole and kind != BEARING and view.is_voluntary[sensor] == 0
    counts = teaches and view.looker[sensor] >= 0
    look = Look(sensor, at_us, turn, dt_s, counts, teaches, (sector_from, sector_wide), births_per_s)
    before = tracks_in(lookers, whole, flag, real, modes, weight)
    numbers = Numbers(given_key, given_number, next_number)
    return _look(view, look, found, before, lived, learned, numbers, knobs)


@kernel
def _look(
    view: View,
    look: Look,
    found: Detections,
    before: Tracks,
    lived: FloatArray,
    taught: FloatArray,
    numbers: Numbers,
    knobs: Knobs,
) -> tuple[Left, FloatArray, IntArray, FloatArray, tuple[int, int, int]]:
    """One look from end to end; parts and their sources: docs/tracking.md, sections 2 to 10."""
    s, count, plots = look.sensor, len(before.existence), len(found.z)
    new_taught = taught.copy()
    learned = learned_in(new_taught)
    used = factors(learned.noise)
    scaled(found, used)
    table = predict_tracks(before, plots, look.dt_s, knobs.half_life_s)
    old = first_rows(table, table.belief, count)
    moments = old.belief.gauss
    place = plan_positions(found)
    clutter, birth, ground = densities(view, s, look.births_per_s, learned, found, place)
    chances = np.zeros((4, count))
    detect, miss, full, looked = chances[0], chances[1], chances[2], chances[3]
    detection_chances(
        view, s, look.silence_counts, look.sector, moments, old.echo, old.doubt, detect, miss, full, looked
    )
    of_plots, of_tracks = np.empty((2, plots)), np.empty((4, count))
    back_s, density, worth, quiet_s = of_plots[0], of_plots[1], of_tracks[0], of_tracks[1]
    was = Before(old.belief.weight.copy(), of_tracks[2], miss, of_tracks[3])
    for k in range(plots):
        back_s[k], density[k] = (look.at_us - found.at_us[k]) * 1e-6, clutter[k] + birth[k]
    _remember(old, look.at_us, view.period_s[s], knobs.half_life_s, was, quiet_s)
    for i in range(count):
        worth[i] = old.existence[i] * detect[i] / max(1.0 - old.existence[i] * miss[i], 1e-9)
    box = box_pairs(found, moments, old.claim_key, back_s, knobs.gates[most_measured(found)], worth, density)
    pairs = associate(found, Ages(back_s, quiet_s, look.dt_s), density, old, box, (detect, miss), knobs.gates)
    if found.kind != BEARING:
        share_in_company(old, was, pairs.detected)
    if look.silence_counts:
        learn_echo(old.echo, old.doubt, view.looker[s], full, looked, view.chance[s], pairs.detected)
    if found.kind == POLAR:
        lift(view, s, old.belief, pairs.detected)
    if view.looker[s] >= 0 and found.kind != BEARING:
        sums, scratch = np.ones(learned.noise.shape), np.zeros(84 + PLACES)
        learn_noise(learned.noise, used, found, back_s, old, pairs, sums, scratch)
    _write_books(old, found, s, pairs)
    swarm = swarm_odds(found, place, pairs.free, ground)
    rows, lanes, kalman = desk(plots)
    rows = rows[: begin(
        view, s, look.at_us, look.turn, found, place, pairs.free, clutter, birth, swarm, back_s,
        knobs.birth_speed_mps, table, count, rows, lanes, kalman,
    )]  # fmt: skip
    next_free = _number(table, count, count + len(rows), numbers)
    told = _count_told(pairs) + len(rows)
    who, chance = np.empty((2, told), np.int64), np.empty(told)
    _tell(table, count, pairs, found.row, rows, who, chance)
    if look.silence_teaches:
        learn(view, s, look.sector, learned, found, place, pairs.free)
    limits = (knobs.confirm, knobs.delete, knobs.coast_max_s)
    keep, fresh = close(view, old, look.at_us, pairs.detected, limits)
    stay, whole, flag, real, known = kept(before, lived, table, keep, count + len(rows))
    which, seen = _seen(stay, flag[0], pairs.detected)
    classify(knobs.classes, known, which, seen, table.belief.gauss, table.rcs_dbsm, knobs.ground_up_m, look.at_us)
    left = (whole, flag, real, known, table.belief.modes, table.belief.weight)
    return left, new_taught, who, chance, (len(rows), fresh, next_free)


@kernel
def _seen(rows: IntArray, confirmed: BoolArray, detected: FloatArray) -> tuple[IntArray, IntArray]:
    """Which of the confirmed tracks that stay a detection moved, by number among them and by row."""
    found, count, known = np.empty((2, len(rows)), np.int64), 0, 0
    for k in range(len(rows)):
        if confirmed[k]:
            if detected[rows[k]] >= 0.5:
                found[0, count], found[1, count] = known, rows[k]
                count += 1
            known += 1
    return found[0, :count], found[1, :count]


@leaf
def _remember(
    tracks: Tracks, at_us: int, period_s: float, half_life_s: float, was: Before, quiet_s: FloatArray
) -> None:
    """Fill in existence before the look, how long nobody saw each track, how likely it ended since the last look."""
    ended, ended_hidden = 1.0 - survival(period_s, False, half_life_s), 1.0 - survival(period_s, True, half_life_s)
    for i in range(len(quiet_s)):
        was.existence[i] = tracks.existence[i]
        quiet_s[i] = (at_us - tracks.updated_at_us[i]) * 1e-6
        was.ended[i] = ended_hidden if tracks.hidden[i] else ended
        if quiet_s[i] < period_s:
            was.ended[i] = 1.0 - survival(quiet_s[i], tracks.hidden[i], half_life_s)


@leaf
def _number(tracks: Tracks, first: int, end: int, numbers: Numbers) -> int:
    """Number the tracks just begun, in rows ``first`` to ``end``: as given before, else the next; gives the next."""
    next_free = numbers.next_free
    for i in range(first, end):
        low, high = 0, len(numbers.key)
        while low < high:
            middle = (low + high) // 2
            if numbers.key[middle] < tracks.track_id[i]:
                low = middle + 1
            else:
                high = middle
        if low < len(numbers.key) and numbers.key[low] == tracks.track_id[i]:
            tracks.number[i] = numbers.number[low]
        else:
            tracks.number[i] = next_free
            next_free += 1
    return next_free


@leaf
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


@leaf
def _count_told(pairs: Association) -> int:
    """How many pairs are worth telling."""
    count = 0
    for e in range(len(pairs.track)):
        count += pairs.taken[e] > PAIR_FLOOR
    return count


@leaf
def _tell(
    tracks: Tracks,
    first: int,
    pairs: Association,
    row: IntArray,
    new_row: IntArray,
    who: IntArray,
    chance: FloatArray,
) -> None:
    """Fill in track number and scan row [2, E] and probability [E] of the pairs worth telling.

    All above ``PAIR_FLOOR``, then those of the detections ``new_row`` that began the tracks from row ``first`` on.
    """
    at = 0
    for e in range(len(pairs.track)):
        if pairs.taken[e] > PAIR_FLOOR:
            who[0, at], who[1, at] = tracks.number[pairs.track[e]], row[pairs.detection[e]]
            chance[at] = pairs.taken[e]
            at += 1
    for k in range(len(new_row)):
        who[0, at], who[1, at] = tracks.number[first + k], row[new_row[k]]
        chance[at] = pairs.free[new_row[k]]
        at += 1
