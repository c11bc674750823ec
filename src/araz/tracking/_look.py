"""One look of one sensor, whole, inside one kernel: predict, associate, begin, end, learn."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._birth import begin
from araz.tracking._close import close, compact, first_rows
from araz.tracking._cluster import Ages, Association, associate
from araz.tracking._clutter import densities, learn
from araz.tracking._formation import Before, share, swarm_odds
from araz.tracking._kernel import kernel, leaf
from araz.tracking._measure import BEARING, POLAR, Detections, Raw, components, most_measured, plan_positions
from araz.tracking._motion import Belief, predict
from araz.tracking._noise import factors, learn_noise, scaled
from araz.tracking._pairs import box_pairs
from araz.tracking._sight import detection_chances, learn_echo, lift
from araz.tracking._state import ECHO_PRIOR, Knobs, Table, Tracks, View
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

Maps = tuple[FloatArray, FloatArray, FloatArray, IntArray]
Left = tuple[
    IntArray, FloatArray, BoolArray, FloatArray, IntArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray,
    FloatArray,
]  # fmt: skip
"""A ``Table`` as a plain tuple, for Numba looks up the class of every record it gives."""


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


@leaf
def survival(dt_s: float, hidden: bool, half_life_s: float) -> float:
    """Chance that a track is still there after ``dt_s`` seconds; terrain's shadow takes ten times as long."""
    chance: float = 0.5 ** (dt_s / (half_life_s * (HIDDEN_HALF_LIVES if hidden else 1.0)))
    return chance


@kernel
def _roomy(old: Table, room: int, belief: Belief) -> tuple[Tracks, tuple[IntArray, FloatArray, BoolArray]]:
    """The tracks copied into arrays with ``room`` more rows, all but the belief; and those of the single columns."""
    count, total = len(old.gauss), len(old.gauss) + room
    lookers, levels, classes = old.echo.shape[1], old.echo.shape[2], old.class_probability.shape[1]
    whole, real, flag = np.zeros((7, total), np.int64), np.empty((3, total)), np.empty((2, total), np.bool_)
    whole[:, :count], real[:, :count], flag[:, :count] = old.whole, old.real, old.flag
    tracks = Tracks(
        whole[0],
        whole[1],
        belief,
        real[0],
        real[1],
        flag[0],
        flag[1],
        whole[2],
        whole[3],
        whole[4],
        whole[5],
        whole[6],
        real[2],
        np.empty((total, classes)),
        np.empty((total, lookers, levels)),
        np.empty((total, lookers)),
        np.empty((total, old.habit.shape[1])),
    )
    tracks.class_probability[:count] = old.class_probability
    tracks.echo[:count] = old.echo
    tracks.doubt[:count] = old.doubt
    tracks.habit[:count] = old.habit
    return tracks, (whole, real, flag)


@kernel
def predict_tracks(
    old: Table, room: int, dt_s: float, half_life_s: float
) -> tuple[Tracks, tuple[IntArray, FloatArray, BoolArray]]:
    """All tracks ``dt_s`` >= 0 seconds on, in new arrays with ``room`` rows more; and those of the single columns."""
    count = len(old.gauss)
    belief = Belief(old.gauss, old.bank, old.modes, old.weight)
    table, columns = _roomy(old, room, predict(belief, old.whole[4], dt_s, room))
    seen_s, hidden_s = survival(dt_s, False, half_life_s), survival(dt_s, True, half_life_s)
    forget, fade = 1.0 - math.exp(-dt_s / ECHO_MEMORY_S), math.exp(-dt_s / DOUBT_MEMORY_S)
    lookers, levels = table.echo.shape[1], table.echo.shape[2]
    for i in range(count):
        table.existence[i] *= hidden_s if table.hidden[i] else seen_s
        for s in range(lookers):
            if table.doubt[i, s] < 1.0:
                table.doubt[i, s] = table.doubt[i, s] ** fade
            for level in range(levels):
                table.echo[i, s, level] += (ECHO_PRIOR[level] - table.echo[i, s, level]) * forget
    return table, columns


@kernel
def look_once(
    view: View, look: Look, raw: Raw, before: Table, maps: Maps, noise: FloatArray, knobs: Knobs
) -> tuple[Left, Maps, FloatArray, tuple[IntArray, IntArray, FloatArray], tuple[int, int]]:
    """The tracks after one look, a ``Table``, and what it taught and told.

    That is the learned maps and noise, pairs told, how many tracks began and were confirmed.
    Pairs are (track number, row of the scan, probability) of all above ``PAIR_FLOOR``, then the new tracks'. Nothing
    given is written to. Parts and their sources: docs/tracking.md, sections 2 to 10.
    """
    s, count = look.sensor, len(before.gauss)
    found, used = components(raw), factors(noise[s])
    scaled(found, used)
    plots = len(found.z)
    back_s = np.empty(plots)
    for k in range(plots):
        back_s[k] = (look.at_us - found.at_us[k]) * 1e-6
    table, columns = predict_tracks(before, plots, look.dt_s, knobs.half_life_s)
    old = first_rows(table, table.belief, count)
    moments = old.belief.gauss
    place = plan_positions(found)
    clutter, birth, ground = densities(view, s, look.births_per_s, maps[:3], found, place)
    detect, miss, full, looked = detection_chances(
        view, s, look.silence_counts, look.sector, moments, old.echo, old.doubt
    )
    density = clutter + birth
    was = Before(old.belief.weight.copy(), old.existence.copy(), miss, np.empty(count))
    worth, quiet_s = np.empty(count), np.empty(count)
    for i in range(count):
        quiet_s[i] = (look.at_us - old.updated_at_us[i]) * 1e-6
        was.ended[i] = 1.0 - survival(min(quiet_s[i], view.period_s[s]), old.hidden[i], knobs.half_life_s)
        worth[i] = old.existence[i] * detect[i] / max(1.0 - old.existence[i] * miss[i], 1e-9)
    box = box_pairs(found, moments, old.claim_key, back_s, knobs.gates[most_measured(found)], worth, density)
    pairs = associate(found, Ages(back_s, quiet_s, look.dt_s), density, old, box, (detect, miss), knobs.gates)
    if found.kind != BEARING:
        share(old, was, pairs.detected)
    if look.silence_counts:
        learn_echo(old.echo, old.doubt, view.looker[s], full, looked, view.chance[s], pairs.detected)
    if found.kind == POLAR:
        lift(view, s, old.belief, pairs.detected)
    learned = noise
    if view.looker[s] >= 0 and found.kind != BEARING:
        learned = noise.copy()
        learned[s] = learn_noise(noise[s], used, found, back_s, old, pairs)
    _write_books(old, found, s, pairs)
    swarm = swarm_odds(found, place, pairs.free, ground)
    rows = begin(
        view, s, look.at_us, look.turn, found, place, pairs.free, clutter, birth, swarm, back_s,
        knobs.birth_speed_mps, knobs.classes, table, count,
    )  # fmt: skip
    told = _told(old, pairs, found.row, rows)
    if look.silence_teaches:
        maps = learn(view, s, look.sector, maps[:3], maps[3], found, place, pairs.free)
    limits = (knobs.confirm, knobs.delete, knobs.coast_max_s)
    keep, fresh = close(view, old, look.at_us, pairs.detected, knobs.ground_up_m, limits, knobs.classes)
    stay = compact(table, keep, count, count + len(rows))
    n, (whole, real, flag) = len(stay.existence), columns
    left = (
        whole[:, :n].copy(), real[:, :n].copy(), flag[:, :n].copy(), stay.belief.gauss, stay.belief.bank,
        stay.belief.modes, stay.belief.weight, stay.class_probability, stay.echo, stay.doubt, stay.habit,
    )  # fmt: skip
    return left, maps, learned, told, (len(rows), int(fresh.sum()))


@kernel
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


@kernel
def _told(
    tracks: Tracks, pairs: Association, row: IntArray, new_row: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Track number, scan row and probability of the pairs worth telling, then of the detections that began tracks.

    Tracks just begun have no number yet: 0.
    """
    most = len(pairs.track) + len(new_row)
    number, rows, chance = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    count = 0
    for e in range(len(pairs.track)):
        if pairs.taken[e] > PAIR_FLOOR:
            number[count], rows[count] = tracks.number[pairs.track[e]], row[pairs.detection[e]]
            chance[count] = pairs.taken[e]
            count += 1
    for k in range(len(new_row)):
        number[count], rows[count], chance[count] = 0, row[new_row[k]], pairs.free[new_row[k]]
        count += 1
    return number[:count], rows[:count], chance[:count]
