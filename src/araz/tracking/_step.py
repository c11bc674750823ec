"""One scan through the tracker: predict, gate, associate, update, begin, end."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from araz.tracking._birth import births
from araz.tracking._classify import CLASS_TABLE
from araz.tracking._close import close, join
from araz.tracking._clutter import densities, learn
from araz.tracking._gate import GATE_SLACK, gate_table
from araz.tracking._look import associate, predict, strong_pairs
from araz.tracking._measure import BEARING, plan_positions, prepare
from araz.tracking._motion import collapse
from araz.tracking._picture import picture_of, take
from araz.tracking._sight import sector_of
from araz.tracking._state import BIRTH_MEMORY_S, LEAST_BIRTHS_PER_S, TRACK_LIMIT, State, Tracks
from araz.vocabulary import FloatArray, IntArray, MeasurementKind, Scan, TrackChange, TrackEvents, TrackPicture

LATE_LIMIT_US: Final = 2_000_000
"""A scan that ended longer before the newest one is not used; it is counted."""
LATE_SILENCE_US: Final = 250_000
"""Silence of a scan that ended not longer before the newest one still counts: two radars' marks cross."""

Moments = tuple[FloatArray, FloatArray]


def step(state: State, scan: Scan) -> tuple[State, TrackEvents]:
    """The state after one scan of one sensor, and what changed.

    Pure and deterministic. Sources of the parts: see docs/tracking.md. A scan may hold several detections with one
    claim (an aircraft heard twice); as a target gives at most one detection a look, those count as successive looks.
    A scan that ended more than 2 s before the newest one is ignored and counted in ``State.late_scans``; a younger late
    scan is used at the present time with its detections brought forward, and its silence does not count.
    Raises ValueError when the scan names no sensor of the table or its arrays disagree.
    """
    _check(state, scan)
    if scan.at_us_end < state.at_us - LATE_LIMIT_US:
        state = replace(state, late_scans=state.late_scans + 1)
        return state, _no_events(state)
    before = state.tracks
    pairs: list[tuple[IntArray, IntArray, FloatArray]] = []
    confirmed: list[IntArray] = []
    looks = _looks(scan.claim_key)
    for number, row in enumerate(looks):
        state, moments, fresh, pair = _one_look(state, scan, row, is_last=number == len(looks) - 1)
        confirmed.append(fresh)
        pairs.append(pair)
    new_ids = np.concatenate(confirmed)
    had = np.concatenate((before.track_id[before.is_confirmed], new_ids))
    now = state.tracks.track_id[state.tracks.is_confirmed]
    ended = had[:0] if len(now) == len(had) else np.setdiff1d(had, now, assume_unique=True)
    events = TrackEvents(
        picture=picture_of(state.at_us, state.tracks, *moments),
        changed_id=np.concatenate((new_ids, ended)),
        change=np.repeat(np.array([TrackChange.CONFIRMED, TrackChange.ENDED], np.int64), (len(new_ids), len(ended))),
        pair_track_id=np.concatenate([pair[0] for pair in pairs]),
        pair_row=np.concatenate([pair[1] for pair in pairs]),
        pair_probability=np.concatenate([pair[2] for pair in pairs]),
    )
    return state, events


def _check(state: State, scan: Scan) -> None:
    if not 0 <= scan.sensor_index < len(state.sensors.sensor_id):
        raise ValueError(f"sensor_index {scan.sensor_index} is not a row of the sensor table given to init")
    if int(scan.kind) not in MeasurementKind._value2member_map_:
        raise ValueError(f"scan kind {scan.kind} is none of MeasurementKind")
    count = len(scan.at_us)
    shapes: dict[str, tuple[int, ...]] = {
        "z": (count, 4),
        "sigma": (count, 4),
        "origin_enu_m": (count, 3),
        "velocity_enu_mps": (count, 3),
    }
    shapes |= {"claim_key": (count,), "rcs_dbsm": (count,)}
    wrong = [name for name, shape in shapes.items() if getattr(scan, name).shape != shape]
    if wrong:
        raise ValueError(f"scan columns {wrong} do not have the shape for {count} detections; see Scan")


def _picture(state: State) -> TrackPicture:
    tracks = state.tracks
    return picture_of(state.at_us, tracks, *collapse(tracks.mean, tracks.cov, tracks.weight))


def _no_events(state: State) -> TrackEvents:
    integer = np.zeros(0, np.int64)
    return TrackEvents(_picture(state), integer, integer, integer, integer, np.zeros(0))


def _looks(claim_key: IntArray) -> list[IntArray]:
    """Detection rows by look: the first of every claim and all without one, then the second, and so on."""
    rows = np.arange(len(claim_key))
    claimed = rows[claim_key != 0]
    if len(claimed) < 2:
        return [rows]
    order = claimed[np.argsort(claim_key[claimed], kind="stable")]
    keys = claim_key[order]
    first = np.r_[True, keys[1:] != keys[:-1]]
    begins = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    turn = np.zeros(len(rows), np.int64)
    turn[order] = np.arange(len(order)) - begins
    return [rows[turn == number] for number in range(int(turn.max()) + 1)]


def _one_look(
    state: State, scan: Scan, row: IntArray, *, is_last: bool
) -> tuple[State, Moments, IntArray, tuple[IntArray, IntArray, FloatArray]]:
    """One look of one sensor: the new state, its tracks' moments, ids newly confirmed, and the pairs told."""
    s, view, settings = scan.sensor_index, state.view, state.settings
    found = prepare(scan, state.sensors, row)
    at_us = max(scan.at_us_end, state.at_us)
    dt_s = (at_us - state.at_us) * 1e-6 if state.at_us else 0.0
    silence = is_last and scan.is_complete and scan.at_us_end >= state.at_us - LATE_SILENCE_US
    silence = silence and found.kind != BEARING and not view.is_voluntary[s]
    back_s = np.asarray((at_us - found.at_us) * 1e-6, np.float64)
    tracks, mean, cov = predict(state.tracks, dt_s, float(settings.survival_half_life_s))
    place = plan_positions(found)
    maps = (state.clutter_mass, state.clutter_heights, state.clutter_rates)
    clutter, birth = densities(view, s, state.births_per_s, maps, found, place)
    gates = GATE_SLACK * gate_table(settings.gate_probability)
    counts, sector = bool(silence and view.looker[s] >= 0), sector_of(scan.sector_rad)
    pairs = associate(view, s, found, back_s, clutter + birth, tracks, (mean, cov), gates, counts, sector)
    new, new_rows = births(found, place, pairs.free, (clutter, birth), back_s, state, s)
    strong = strong_pairs(pairs)
    told = (
        np.concatenate((tracks.track_id[pairs.track[strong]], new.track_id)),
        row[np.concatenate((pairs.detection[strong], new_rows))],
        np.concatenate((pairs.taken[strong], pairs.free[new_rows])),
    )
    learned = (*maps, state.clutter_scans)
    if silence:
        learned = learn(view, s, maps, state.clutter_scans, found, place, pairs.free)
    state, moments, fresh = _closed(state, tracks, new, at_us, dt_s, pairs.detected, learned)
    return state, moments, fresh, told


def _closed(
    state: State,
    tracks: Tracks,
    new: Tracks,
    at_us: int,
    dt_s: float,
    detected: FloatArray,
    learned: tuple[FloatArray, FloatArray, FloatArray, IntArray],
) -> tuple[State, Moments, IntArray]:
    """The state after a look, the moments of its tracks, and the ids newly confirmed."""
    settings = state.settings
    knobs = (float(settings.confirm_existence), float(settings.delete_existence), float(settings.coast_max_s))
    keep, fresh, *moments = close(state.view, tracks, at_us, detected, state.ground_up_m, knobs, CLASS_TABLE)
    fresh_ids = tracks.track_id[fresh]
    everyone, mean, cov = join(tracks, np.flatnonzero(keep), new, *moments)
    dropped = max(len(everyone.track_id) - TRACK_LIMIT, 0)
    if dropped:
        rows = _most_likely(everyone)
        everyone, mean, cov = take(everyone, rows), mean[rows], cov[rows]
    rate = state.births_per_s * math.exp(-dt_s / BIRTH_MEMORY_S) + len(fresh_ids) / BIRTH_MEMORY_S
    closed = State(
        sensors=state.sensors,
        settings=settings,
        view=state.view,
        ground_up_m=state.ground_up_m,
        at_us=at_us,
        tracks=everyone,
        next_id=state.next_id + len(new.track_id),
        clutter_mass=learned[0],
        clutter_heights=learned[1],
        clutter_rates=learned[2],
        clutter_scans=learned[3],
        births_per_s=max(rate, LEAST_BIRTHS_PER_S),
        late_scans=state.late_scans,
        dropped_tracks=state.dropped_tracks + dropped,
    )
    return closed, (mean, cov), fresh_ids


def _most_likely(tracks: Tracks) -> IntArray:
    """Rows of the TRACK_LIMIT tracks kept when there are more: the tentative ones least likely to exist go first."""
    order = np.lexsort((tracks.track_id, -tracks.existence, ~tracks.is_confirmed))
    return np.asarray(np.sort(order[:TRACK_LIMIT]))
