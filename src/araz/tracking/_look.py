"""One look of one sensor, whole, inside one kernel: predict, associate, begin, end, learn."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._birth import begin
from araz.tracking._classify import classify
from araz.tracking._close import close, copy_lived, copy_tracks, first_rows, staying
from araz.tracking._cluster import Ages, Association, associate, grouped
from araz.tracking._clutter import densities, learn
from araz.tracking._formation import Before, share_in_company, swarm_odds
from araz.tracking._gauss import WIDTH
from araz.tracking._kernel import kernel, leaf, part
from araz.tracking._measure import BEARING, NUMBERS, POLAR, Detections, components, most_measured, plan_positions
from araz.tracking._motion import count_banks, predict_into
from araz.tracking._noise import factors, learn_noise, scaled
from araz.tracking._pairs import box_pairs
from araz.tracking._rows import LANES, lane_row
from araz.tracking._scratch import Scratch, aligned, cut_reals, cut_wholes
from araz.tracking._sheet import Notes, Size, notes_of, room_for, sheet_of
from araz.tracking._sight import detection_chances, learn_echo, lift
from araz.tracking._state import ECHO_PRIOR, Learned, Tracks, View, fixed_in, learned_in, reals, tracks_in
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
    """When and how a sensor looked: its row, the mark and how many marks then before, time since, sector.

    ``is_whole`` says that it was a complete one, ``births_per_s`` how many new targets come at that time.
    """

    sensor: int
    kind: int
    at_us: int
    turn: int
    dt_s: float
    is_whole: bool
    sector: tuple[float, float]
    births_per_s: float


class Numbers(NamedTuple):
    """Numbers for the tracks of a step: those given lately by key, sorted; and the next free one."""

    key: IntArray
    number: IntArray
    next_free: int


class Given(NamedTuple):
    """The arrays that a look takes and does not write to, see ``look_once``, but ``taught``, ``modes``, ``weight``.

    These are what it leaves: what the sensor has taught, and the modes of the tracks after it.
    """

    fixed: FloatArray
    lowest: Any
    plots: FloatArray
    speed_mps: FloatArray
    row: IntArray
    learned: FloatArray
    numbers: Numbers
    old_whole: IntArray
    old_flag: BoolArray
    old_real: FloatArray
    old_modes: FloatArray
    old_weight: FloatArray
    taught: FloatArray
    modes: FloatArray
    weight: FloatArray


class Told(NamedTuple):
    """How many a look had, and the next free number.

    Candidate ``pairs`` and those of the ``largest`` cluster, to hold against its ``Size``; then pairs that ``met`` the
    exact gate, tracks that stay, that are confirmed, pairs told, tracks begun, and newly confirmed ones.
    """

    pairs: int
    largest: int
    met: int
    stay: int
    confirmed: int
    told: int
    begun: int
    fresh: int
    next_free: int


@leaf
def survival(dt_s: float, hidden: bool, half_life_s: float) -> float:
    """Chance that a track is still there after ``dt_s`` seconds; terrain's shadow takes ten times as long."""
    chance: float = 0.5 ** (dt_s / (half_life_s * (HIDDEN_HALF_LIVES if hidden else 1.0)))
    return chance


@leaf
def predict_tracks(old: Tracks, dt_s: float, half_life_s: float, new: Tracks, scratch: Scratch) -> None:
    """All tracks ``dt_s`` >= 0 seconds on, into the first rows of others."""
    count, lookers, levels = len(old.existence), old.echo.shape[1], old.echo.shape[2]
    predict_into(old.belief, old.update_count, dt_s, new.belief, scratch)
    seen_s, hidden_s = survival(dt_s, False, half_life_s), survival(dt_s, True, half_life_s)
    forget, fade = 1.0 - math.exp(-dt_s / ECHO_MEMORY_S), math.exp(-dt_s / DOUBT_MEMORY_S)
    for i in range(count):
        new.track_id[i], new.number[i] = old.track_id[i], old.number[i]
        new.is_confirmed[i], new.hidden[i] = old.is_confirmed[i], old.hidden[i]
        new.started_at_us[i], new.updated_at_us[i] = old.started_at_us[i], old.updated_at_us[i]
        new.update_count[i], new.sensor_mask[i] = old.update_count[i], old.sensor_mask[i]
        new.claim_key[i], new.rcs_dbsm[i] = old.claim_key[i], old.rcs_dbsm[i]
        new.birth_existence[i] = old.birth_existence[i]
        new.existence[i] = old.existence[i] * (hidden_s if old.hidden[i] else seen_s)
        for s in range(lookers):
            doubt = old.doubt[i, s]
            new.doubt[i, s] = doubt**fade if doubt < 1.0 else doubt
            for level in range(levels):
                share = old.echo[i, s, level]
                new.echo[i, s, level] = share + (ECHO_PRIOR[level] - share) * forget


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

    Every array is made here, and all work is done by leaves (``_scratch``). Where there are more candidate pairs than
    thought, the look is done again with room for them.
    """
    look = Look(sensor, kind, at_us, turn, dt_s, is_whole, (sector_from, sector_wide), births_per_s)
    count, banks = whole.shape[1], count_banks(whole[7], whole[4], dt_s)
    new_modes, new_weight = aligned(banks * WIDTH * LANES).reshape((banks, WIDTH, LANES)), np.empty((banks, LANES))
    taught = np.empty_like(learned)
    numbers = Numbers(given_key, given_number, next_number)
    before = (whole, flag, real, modes, weight)
    given = Given(fixed, lowest, plots, speed_mps, row, learned, numbers, *before, taught, new_modes, new_weight)
    size = Size(len(plots) // NUMBERS, count, banks, lookers, 64 + 4 * count, 256 + count // 4)
    scratch = room_for(size)
    told = _look(given, look, size, scratch)
    while told.pairs > size.pairs or told.largest > size.largest:
        size = Size(size.plots, count, banks, lookers, max(told.pairs, size.pairs), max(told.largest, size.largest))
        scratch = room_for(size)
        told = _look(given, look, size, scratch)
    new_whole, new_flag = np.empty((8, told.stay), np.int64), np.empty((2, told.stay), np.bool_)
    new_real, known = np.empty(told.stay * reals(lookers)), np.empty((told.confirmed + 1, lived.shape[1]))
    who, chance = np.empty((2, told.told), np.int64), np.empty(told.told)
    left = (new_whole, new_flag, new_real, known, new_modes, new_weight)
    _write(given, look, size, told, lived, left, who, chance, scratch)
    return left, taught, who, chance, (told.begun, told.fresh, told.next_free)


@leaf
def _look(given: Given, look: Look, size: Size, scratch: Scratch) -> Told:
    """One look from end to end; parts and their sources: docs/tracking.md, sections 2 to 10."""
    s, count, (view, knobs) = look.sensor, size.tracks, fixed_in(given.fixed, given.lowest)
    teaches = look.is_whole and look.kind != BEARING and view.is_voluntary[s] == 0
    counts = teaches and view.looker[s] >= 0
    for q in range(len(given.learned)):
        given.taught[q] = given.learned[q]
    learned = learned_in(given.taught)
    sheet, scratch = sheet_of(size, given.modes, given.weight, scratch)
    notes, scratch = notes_of(size, scratch)
    table, found = sheet.table, _made_ready(view, look, given, learned, sheet.row, notes, scratch)
    before = tracks_in(size.lookers, given.old_whole, given.old_flag, given.old_real, given.old_modes, given.old_weight)
    predict_tracks(before, look.dt_s, knobs.half_life_s, table, scratch)
    old = first_rows(table, count)
    _expect(view, look, counts, learned, found, old, knobs.half_life_s, notes, scratch)
    gate2, (track, detection) = knobs.gates[most_measured(found)], (notes.box[0], notes.box[1])
    box = box_pairs(
        found, old.belief.gauss, old.claim_key, notes.back_s, gate2, notes.worth, notes.density, track, detection,
        scratch,
    )  # fmt: skip
    if box > size.pairs:
        return Told(box, 0, 0, 0, 0, 0, 0, 0, 0)
    groups, rest = grouped(count, size.plots, track[:box], detection[:box], scratch)
    if groups.most > size.largest:
        return Told(box, groups.most, 0, 0, 0, 0, 0, 0, 0)
    ages, chances = Ages(notes.back_s, notes.quiet_s, look.dt_s), (notes.detect, notes.miss)
    pairs = associate(found, ages, notes.density, old, detection[:box], groups, chances, knobs.gates, sheet.pairs, rest)
    _take_in(view, look, learned, found, old, pairs, notes, scratch)
    _write_books(old, found, s, pairs)
    swarm_odds(found, notes.place, pairs.free, notes.ground, notes.swarm, scratch)
    begun = begin(
        view, s, look.at_us, look.turn, found, notes.place, pairs.free, notes.clutter, notes.birth, notes.swarm,
        notes.back_s, knobs.birth_speed_mps, table, count, sheet.began, scratch,
    )  # fmt: skip
    next_free = _number(table, count, count + begun, given.numbers)
    if teaches:
        learn(view, s, look.sector, learned, found, notes.place, pairs.free)
    limits = (knobs.confirm, knobs.delete, knobs.coast_max_s)
    fresh = close(view, old, look.at_us, pairs.detected, limits, notes.keep, scratch)
    stay, confirmed = staying(table.is_confirmed, notes.keep, count + begun, sheet.stays)
    if counts:
        seeing = (view.looker[s], notes.full, notes.looked, view.chance[s], pairs.detected)
        learn_echo(table.echo, table.doubt, *seeing, sheet.stays[:stay])
    telling = _count_told(pairs) + begun
    return Told(box, groups.most, len(pairs.track), stay, confirmed, telling, begun, fresh, next_free)


@part
def _made_ready(
    view: View, look: Look, given: Given, learned: Learned, row: IntArray, notes: Notes, scratch: Scratch
) -> Detections:
    """The scan's plots as the kernels take them, with the noise that the sensor really has."""
    s, fallback = look.sensor, view.sigma[look.sensor]
    if look.kind != view.kind[s]:
        fallback, _ = cut_reals(scratch, 4)
        fallback[:] = np.nan
    for k in range(len(row)):
        row[k] = given.row[k] if len(given.row) else k
    found = components(look.kind, given.plots, given.speed_mps, row, fallback, view.origin[s], notes.plots)
    factors(learned.noise, notes.used)
    scaled(found, notes.used)
    return found


@leaf
def _expect(
    view: View,
    look: Look,
    silence_counts: bool,
    learned: Learned,
    found: Detections,
    old: Tracks,
    half_life_s: float,
    notes: Notes,
    scratch: Scratch,
) -> None:
    """Fill in what is known of plots and tracks before they meet."""
    s, detect, miss = look.sensor, notes.detect, notes.miss
    plan_positions(found, notes.place)
    densities(
        view, s, look.births_per_s, learned, found, notes.place, notes.clutter, notes.birth, notes.ground, scratch
    )
    miss[:] = 0.0
    detection_chances(
        view, s, silence_counts, look.sector, old.belief.gauss, old.echo, old.doubt, detect, miss, notes.full,
        notes.looked,
    )  # fmt: skip
    for k in range(len(found.z)):
        notes.back_s[k] = (look.at_us - found.at_us[k]) * 1e-6
        notes.density[k] = notes.clutter[k] + notes.birth[k]
    for b in range(len(old.belief.weight)):
        lane_row(notes.before.weight, b)[0] = lane_row(old.belief.weight, b)[0]
    _remember(old, look.at_us, view.period_s[s], half_life_s, notes.before, notes.quiet_s)
    for i in range(len(detect)):
        notes.worth[i] = old.existence[i] * detect[i] / max(1.0 - old.existence[i] * miss[i], 1e-9)


@leaf
def _take_in(
    view: View,
    look: Look,
    learned: Learned,
    found: Detections,
    old: Tracks,
    pairs: Association,
    notes: Notes,
    scratch: Scratch,
) -> None:
    """What the pairs say beyond the update of each track: of its company, of heights, of the noise."""
    s = look.sensor
    if found.kind != BEARING:
        share_in_company(old, notes.before, pairs.detected, scratch)
    if found.kind == POLAR:
        lift(view, s, old.belief, pairs.detected, scratch)
    if view.looker[s] >= 0 and found.kind != BEARING:
        learn_noise(learned.noise, notes.used, found, notes.back_s, old, pairs, scratch)


@leaf
def _write(
    given: Given,
    look: Look,
    size: Size,
    told: Told,
    lived: FloatArray,
    left: Left,
    who: IntArray,
    chance: FloatArray,
    scratch: Scratch,
) -> None:
    """Fill in what a look leaves: the tracks that stay, what was told, and the classes of those seen."""
    sheet, scratch = sheet_of(size, given.modes, given.weight, scratch)
    table, rows, (whole, flag, real, known, modes, weight) = sheet.table, sheet.stays[: told.stay], left
    room, met = sheet.pairs, told.met
    pairs = Association(room.track[:met], room.detection[:met], room.taken[:met], room.free, room.detected)
    _tell(table, size.tracks, pairs, sheet.row, sheet.began[: told.begun], who, chance)
    copy_tracks(table, rows, tracks_in(size.lookers, whole, flag, real, modes, weight))
    copy_lived(given.old_flag[0], lived, rows, flag[0], known)
    which, scratch = cut_wholes(scratch, told.stay)
    seen, scratch = cut_wholes(scratch, told.stay)
    count = _seen(rows, flag[0], pairs.detected, which, seen)
    knobs = fixed_in(given.fixed, given.lowest)[1]
    classify(
        knobs.classes, known, which[:count], seen[:count], table.belief.gauss, table.rcs_dbsm, knobs.ground_up_m,
        look.at_us, scratch,
    )  # fmt: skip


@leaf
def _seen(rows: IntArray, confirmed: BoolArray, detected: FloatArray, which: IntArray, seen: IntArray) -> int:
    """Fill in which of the confirmed tracks that stay a detection moved, by number among them and by row; how many."""
    count, known = 0, 0
    for k in range(len(rows)):
        if confirmed[k]:
            if detected[rows[k]] >= 0.5:
                which[count], seen[count] = known, rows[k]
                count += 1
            known += 1
    return count


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
