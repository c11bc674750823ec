"""One scan through the tracker: predict, gate, associate, update, begin, end."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from araz.tracking._associate import marginals, pair_odds
from araz.tracking._birth import births, plan_positions
from araz.tracking._classify import classify
from araz.tracking._clutter import cells_of, densities, learn
from araz.tracking._gate import find_pairs, gate_table
from araz.tracking._measure import BEARING, Detections, prepare
from araz.tracking._merge import merged_into
from araz.tracking._motion import collapse, predict_tracks
from araz.tracking._picture import join, picture_of, survival, take, within_coast
from araz.tracking._sight import detection_chances, hidden_tracks
from araz.tracking._state import TRACK_LIMIT, State, Tracks
from araz.tracking._update import update_tracks
from araz.vocabulary import FloatArray, IntArray, MeasurementKind, Scan, TrackChange, TrackEvents, TrackPicture

LATE_LIMIT_US: Final = 2_000_000
"""A scan that ended longer before the newest one is not used; it is counted."""
PAIR_FLOOR: Final = 0.01
CLAIM_SURE: Final = 0.5
"""A claim goes to a track that took its detection with at least this probability."""
CONFIRM_UPDATES: Final = 2
TENTATIVE_SHARE: Final = 0.03
"""A tentative track goes once its existence falls below this share of what it began with: after two clear misses."""


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
        state, fresh, pair = _one_look(state, scan, row, is_last=number == len(looks) - 1)
        confirmed.append(fresh)
        pairs.append(pair)
    new_ids = np.concatenate(confirmed)
    had = np.concatenate((before.track_id[before.is_confirmed], new_ids))
    ended = np.setdiff1d(had, state.tracks.track_id)
    events = TrackEvents(
        picture=_picture(state),
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
) -> tuple[State, IntArray, tuple[IntArray, IntArray, FloatArray]]:
    """One look of one sensor: the new state, ids newly confirmed, and the pairs (track id, scan row, probability)."""
    s = scan.sensor_index
    found = prepare(scan, state.sensors, row)
    late = scan.at_us_end < state.at_us
    at_us = max(scan.at_us_end, state.at_us)
    dt_s = (at_us - state.at_us) * 1e-6 if state.at_us else 0.0
    back_s = np.asarray((at_us - found.at_us) * 1e-6, np.float64)
    tracks = _predicted(state, dt_s)
    silence = is_last and not late
    one_mean, one_cov = collapse(tracks.mean, tracks.cov, tracks.weight)
    detect, miss = detection_chances(state.sensors, scan, one_mean, one_cov, silence)
    place = plan_positions(found)
    cell = cells_of(state, s, np.nan_to_num(place[:, 0]), np.nan_to_num(place[:, 1]))
    clutter, birth = densities(state, s, found, place, cell)
    gates = gate_table(state.settings.gate_probability)
    track, detection, log_l = find_pairs(tracks.mean, tracks.cov, tracks.weight, tracks.claim_key, found, back_s, gates)
    odds = pair_odds(
        tracks.existence,
        detect,
        miss,
        tracks.weight,
        track,
        detection,
        log_l,
        clutter + birth,
        tracks.claim_key,
        found.claim_key,
    )
    taken, missed, free = marginals(len(tracks.track_id), len(row), track, detection, odds)
    detected = update_tracks(
        found.kind,
        tracks.mean,
        tracks.cov,
        tracks.weight,
        tracks.existence,
        miss,
        found.z,
        found.var,
        found.origin,
        back_s,
        track,
        detection,
        log_l,
        taken,
        missed,
    )
    _write_books(state, tracks, found, s, track, detection, taken, detected)
    new, new_rows = births(
        found, place, free, clutter, birth, back_s, state.settings.birth_speed_sigma_mps, s, state.next_id
    )
    strong = taken > PAIR_FLOOR
    pairs = (
        np.concatenate((tracks.track_id[track[strong]], new.track_id)),
        np.concatenate((row[detection[strong]], row[new_rows])),
        np.concatenate((taken[strong], free[new_rows])),
    )
    mass, scans = state.clutter_mass, state.clutter_scans
    if (
        silence
        and scan.is_complete
        and found.kind != BEARING
        and not (state.sensors.is_claim[s] or state.sensors.is_people[s])
    ):
        mass, scans = learn(state, s, cell, free)
    state = replace(
        state,
        at_us=at_us,
        tracks=tracks,
        next_id=state.next_id + len(new_rows),
        clutter_mass=mass,
        clutter_scans=scans,
    )
    state, fresh = _close(state, new, dt_s, detected)
    return state, fresh, pairs


def _predicted(state: State, dt_s: float) -> Tracks:
    """All tracks at the new time, as arrays of this step's own."""
    old = state.tracks
    mean, cov, weight = predict_tracks(old.mean, old.cov, old.weight, old.update_count, dt_s)
    copies = {name: getattr(old, name).copy() for name in Tracks.__slots__ if name not in ("mean", "cov", "weight")}
    copies["existence"] = old.existence * survival(state, dt_s)
    return Tracks(mean=mean, cov=cov, weight=weight, **copies)


def _write_books(
    state: State,
    tracks: Tracks,
    found: Detections,
    sensor: int,
    track: IntArray,
    detection: IntArray,
    taken: FloatArray,
    detected: FloatArray,
) -> None:
    """Counts, times, sensors, radar cross section and claims of the tracks a detection moved, in place."""
    if len(track) == 0:
        return
    best = np.flatnonzero(taken >= 0.5)
    rows, columns = track[best], detection[best]
    sure = np.flatnonzero(detected >= 0.5)
    newest = np.zeros(len(detected), np.int64)
    np.maximum.at(newest, track, np.where(taken > PAIR_FLOOR, found.at_us[detection], 0))
    tracks.updated_at_us[sure] = np.maximum(tracks.updated_at_us[sure], newest[sure])
    if found.kind != BEARING:
        tracks.update_count[sure] += 1
    tracks.sensor_mask[sure] |= 1 << sensor
    rcs = found.rcs_dbsm[columns]
    known = np.isfinite(rcs)
    old = tracks.rcs_dbsm[rows[known]]
    tracks.rcs_dbsm[rows[known]] = np.where(np.isnan(old), rcs[known], old + 0.1 * (rcs[known] - old))
    key = found.claim_key[columns]
    for i, claim in zip(rows[key != 0], key[key != 0], strict=True):
        tracks.claim_key[tracks.claim_key == claim] = 0
        tracks.claim_key[i] = claim


def _close(state: State, new: Tracks, dt_s: float, detected: FloatArray) -> tuple[State, IntArray]:
    """Confirm, classify, hide, merge and remove; then add the new tracks. Gives ids newly confirmed."""
    tracks, settings = state.tracks, state.settings
    ready = (tracks.existence >= settings.confirm_existence) & (tracks.update_count >= CONFIRM_UPDATES)
    fresh = ready & ~tracks.is_confirmed
    tracks.is_confirmed[fresh] = True
    grown = np.flatnonzero(tracks.is_confirmed)
    mean, cov = collapse(tracks.mean, tracks.cov, tracks.weight)
    seen = grown[detected[grown] >= 0.5]
    ground = float(np.nanmedian(state.sensors.origin_enu_m[:, 2]))
    classify(tracks.class_probability, seen, mean, cov, tracks.rcs_dbsm, ground, min(max(dt_s, 0.0), 5.0))
    tracks.hidden[:] = False
    tracks.hidden[grown] = hidden_tracks(state.sensors, mean, cov, grown)
    keep = np.where(
        tracks.is_confirmed,
        tracks.existence >= settings.delete_existence,
        tracks.existence >= TENTATIVE_SHARE * tracks.birth_existence,
    )
    keep &= within_coast(state, state.at_us)
    keep &= np.isfinite(mean).all(axis=1)
    keep &= merged_into(tracks, mean, cov, grown) < 0
    everyone = join(take(tracks, np.flatnonzero(keep)), new)
    kept, dropped = _within_limit(everyone)
    fresh_ids = tracks.track_id[fresh & keep]
    return replace(state, tracks=kept, dropped_tracks=state.dropped_tracks + dropped), fresh_ids


def _within_limit(tracks: Tracks) -> tuple[Tracks, int]:
    """At most TRACK_LIMIT tracks: the tentative ones least likely to exist go first; how many went."""
    excess = len(tracks.track_id) - TRACK_LIMIT
    if excess <= 0:
        return tracks, 0
    order = np.lexsort((tracks.track_id, -tracks.existence, ~tracks.is_confirmed))
    return take(tracks, np.sort(order[:TRACK_LIMIT])), excess
