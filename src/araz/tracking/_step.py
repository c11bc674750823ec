"""One scan through the tracker: predict, gate, associate, update, begin, end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from araz.tracking._associate import marginals, pair_odds
from araz.tracking._birth import births, plan_positions
from araz.tracking._classify import classify
from araz.tracking._clutter import cells_of, densities, learn
from araz.tracking._gate import GATE_SLACK, find_pairs, gate_table
from araz.tracking._measure import BEARING, POLAR, Detections, prepare
from araz.tracking._merge import merged_into
from araz.tracking._motion import collapse, predict_tracks
from araz.tracking._picture import join, picture_of, survival, take, within_coast
from araz.tracking._sight import detection_chances, hidden_tracks, learn_echo, lift
from araz.tracking._state import BIRTH_MEMORY_S, ECHO_PRIOR, LEAST_BIRTHS_PER_S, TRACK_LIMIT, State, Tracks
from araz.tracking._update import update_tracks
from araz.vocabulary import FloatArray, IntArray, MeasurementKind, Scan, TrackChange, TrackEvents, TrackPicture

LATE_LIMIT_US: Final = 2_000_000
"""A scan that ended longer before the newest one is not used; it is counted."""
ECHO_CERTAIN: Final = np.array([1.0, 0.0, 0.0, 0.0])
ECHO_MEMORY_S: Final = 120.0
"""How well a sensor sees a target changes with its distance and attitude: belief leans back to the prior."""
DOUBT_MEMORY_S: Final = 20.0
"""A target on the move comes out from behind a ridge: doubt fades."""
PAIR_FLOOR: Final = 0.01
CLAIM_SURE: Final = 0.5
"""A claim goes to a track that took its detection with at least this probability."""
RCS_GAIN: Final = 0.1
"""Weight of a new radar cross section in a track's running mean (in dB)."""
CONFIRM_UPDATES: Final = 2
HASTE: Final = 0.1
"""With two updates alone the chance that a track is nothing must be this much smaller than is asked of the others."""
STEADY_UPDATES: Final = 10.0
STEADIEST: Final = 10.0
"""A name known for long is given up later: the existence at which a confirmed track ends falls with its updates beyond
the first ten, tenfold at most."""
CONFIRMED_KNOWN_M: Final = 1200.0
TENTATIVE_KNOWN_M: Final = 400.0
"""A track whose place is known no better (standard deviation) says nothing, and would only collect false plots."""
TENTATIVE_SHARE: Final = 0.1
"""A tentative track goes once its existence falls below this share of what it began with: after a clear miss or two."""


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
    now = state.tracks.track_id[state.tracks.is_confirmed]
    ended = had[:0] if len(now) == len(had) else np.setdiff1d(had, now, assume_unique=True)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Association:
    """E pairs of a look (track, detection, chance); each detection's chance to be free, each track's to be seen."""

    track: IntArray
    detection: IntArray
    taken: FloatArray
    free: FloatArray
    detected: FloatArray


def _one_look(
    state: State, scan: Scan, row: IntArray, *, is_last: bool
) -> tuple[State, IntArray, tuple[IntArray, IntArray, FloatArray]]:
    """One look of one sensor: the new state, ids newly confirmed, and the pairs (track id, scan row, probability)."""
    s = scan.sensor_index
    found = prepare(scan, state.sensors, row)
    silence = is_last and scan.at_us_end >= state.at_us
    at_us = max(scan.at_us_end, state.at_us)
    dt_s = (at_us - state.at_us) * 1e-6 if state.at_us else 0.0
    back_s = np.asarray((at_us - found.at_us) * 1e-6, np.float64)
    tracks = _predicted(state, dt_s)
    place = plan_positions(found)
    cell = cells_of(state, s, place)
    clutter, birth = densities(state, s, found, place, cell)
    pairs = _associate(state, scan, tracks, found, back_s, clutter + birth, silence)
    _write_books(tracks, found, s, pairs)
    _lift(state, s, found, tracks, np.flatnonzero(pairs.detected >= 0.5), only_below=True)
    speed_sigma = state.settings.birth_speed_sigma_mps
    new, new_rows = births(
        found,
        place,
        pairs.free,
        clutter,
        birth,
        back_s,
        speed_sigma,
        s,
        state.next_id,
        tracks.echo.shape[1],
        int(state.looker[s]),
    )
    _lift(state, s, found, new, np.arange(len(new_rows)), only_below=False)
    strong = pairs.taken > PAIR_FLOOR
    told = (
        np.concatenate((tracks.track_id[pairs.track[strong]], new.track_id)),
        np.concatenate((row[pairs.detection[strong]], row[new_rows])),
        np.concatenate((pairs.taken[strong], pairs.free[new_rows])),
    )
    voluntary = state.sensors.is_claim[s] or state.sensors.is_people[s]
    learned = {}
    if silence and scan.is_complete and found.kind != BEARING and not voluntary:
        learned = learn(state, s, found, place, cell, pairs.free)
    next_id = state.next_id + len(new_rows)
    state = replace(state, at_us=at_us, tracks=tracks, next_id=next_id, **learned)
    state, fresh = _close(state, new, dt_s, pairs.detected)
    return state, fresh, told


def _associate(
    state: State,
    scan: Scan,
    tracks: Tracks,
    found: Detections,
    back_s: FloatArray,
    density: FloatArray,
    silence: bool,
) -> _Association:
    """Gate, weigh, associate and update the tracks, in place."""
    mean, cov, weight, existence, key = tracks.mean, tracks.cov, tracks.weight, tracks.existence, tracks.claim_key
    moments = collapse(mean, cov, weight)
    column = int(state.looker[scan.sensor_index])
    echo = tracks.echo[:, column] if column >= 0 else np.tile(ECHO_CERTAIN, (len(existence), 1))
    doubt = tracks.doubt[:, column] if column >= 0 else np.ones(len(existence))
    detect, miss, full = detection_chances(state.sensors, scan, *moments, echo, doubt, silence)
    gates = GATE_SLACK * gate_table(state.settings.gate_probability)
    track, detection, log_l = find_pairs(mean, cov, weight, key, found, back_s, gates, *moments)
    odds = pair_odds(existence, detect, miss, weight, track, detection, log_l, density, key, found.claim_key)
    taken, missed, free = marginals(len(existence), len(density), track, detection, odds)
    z, var, origin = found.z, found.var, found.origin
    detected = update_tracks(
        found.kind, mean, cov, weight, existence, miss, z, var, origin, back_s, track, detection, log_l, taken, missed
    )
    if column >= 0 and silence and scan.is_complete:
        learn_echo(
            tracks.echo,
            tracks.doubt,
            column,
            full,
            float(state.sensors.detection_probability[scan.sensor_index]),
            detected,
        )
    return _Association(track, detection, taken, free, detected)


def _lift(state: State, sensor: int, found: Detections, tracks: Tracks, rows: IntArray, *, only_below: bool) -> None:
    """Raise what a sensor's polar plots moved above the terrain, in place."""
    table = state.sensors
    if found.kind == POLAR and len(rows):
        lowest, east0, north0 = table.visible_above_m[sensor], float(table.raster_east_m), float(table.raster_north_m)
        lift(tracks.mean, tracks.cov, tracks.weight, rows, only_below, lowest, east0, north0, float(table.cell_m))


def _predicted(state: State, dt_s: float) -> Tracks:
    """All tracks at the new time, as arrays of this step's own."""
    old = state.tracks
    mean, cov, weight = predict_tracks(old.mean, old.cov, old.weight, old.update_count, dt_s)
    copies = {name: getattr(old, name).copy() for name in Tracks.__slots__ if name not in ("mean", "cov", "weight")}
    copies["existence"] = old.existence * survival(state, dt_s)
    if dt_s > 0.0:
        copies["doubt"] = copies["doubt"] ** math.exp(-dt_s / DOUBT_MEMORY_S)
        copies["echo"] += (ECHO_PRIOR - copies["echo"]) * (1.0 - math.exp(-dt_s / ECHO_MEMORY_S))
    return Tracks(mean=mean, cov=cov, weight=weight, **copies)


def _write_books(tracks: Tracks, found: Detections, sensor: int, pairs: _Association) -> None:
    """Counts, times, sensors, radar cross section and claims of the tracks a detection moved, in place."""
    if len(pairs.track) == 0:
        return
    sure = np.flatnonzero(pairs.detected >= 0.5)
    newest = np.zeros(len(pairs.detected), np.int64)
    np.maximum.at(newest, pairs.track, np.where(pairs.taken > PAIR_FLOOR, found.at_us[pairs.detection], 0))
    tracks.updated_at_us[sure] = np.maximum(tracks.updated_at_us[sure], newest[sure])
    if found.kind != BEARING:
        tracks.update_count[sure] += 1
    tracks.sensor_mask[sure] |= 1 << sensor
    best = np.flatnonzero(pairs.taken >= CLAIM_SURE)
    rows, columns = pairs.track[best], pairs.detection[best]
    rcs = found.rcs_dbsm[columns]
    known = np.isfinite(rcs)
    if known.any():
        old = tracks.rcs_dbsm[rows[known]]
        tracks.rcs_dbsm[rows[known]] = np.where(np.isnan(old), rcs[known], old + RCS_GAIN * (rcs[known] - old))
    key = found.claim_key[columns]
    for i, claim in zip(rows[key != 0], key[key != 0], strict=True):
        tracks.claim_key[tracks.claim_key == claim] = 0
        tracks.claim_key[i] = claim


def _close(state: State, new: Tracks, dt_s: float, detected: FloatArray) -> tuple[State, IntArray]:
    """Confirm, classify, hide, merge and remove; then add the new tracks. Gives ids newly confirmed."""
    tracks, settings = state.tracks, state.settings
    sure = np.where(
        tracks.update_count > CONFIRM_UPDATES,
        settings.confirm_existence,
        1.0 - HASTE * (1.0 - settings.confirm_existence),
    )
    ready = (tracks.existence >= sure) & (tracks.update_count >= CONFIRM_UPDATES)
    fresh = ready & ~tracks.is_confirmed
    tracks.is_confirmed[fresh] = True
    grown = np.flatnonzero(tracks.is_confirmed)
    mean, cov = collapse(tracks.mean, tracks.cov, tracks.weight)
    seen = grown[detected[grown] >= 0.5]
    ground = float(np.nanmedian(state.sensors.origin_enu_m[:, 2]))
    classify(tracks.class_probability, seen, mean, cov, tracks.rcs_dbsm, ground, min(max(dt_s, 0.0), 5.0))
    tracks.hidden[:] = False
    tracks.hidden[grown] = hidden_tracks(state.sensors, mean, cov, grown)
    steady = np.minimum(np.maximum(tracks.update_count / STEADY_UPDATES, 1.0), STEADIEST)
    keep = np.where(
        tracks.is_confirmed,
        tracks.existence >= settings.delete_existence / steady,
        tracks.existence >= TENTATIVE_SHARE * tracks.birth_existence,
    )
    keep &= within_coast(state, state.at_us)
    keep &= np.isfinite(mean).all(axis=1)
    unsure_m2 = cov[:, 0, 0] + cov[:, 1, 1]
    keep &= unsure_m2 < np.where(tracks.is_confirmed, CONFIRMED_KNOWN_M, TENTATIVE_KNOWN_M) ** 2
    keep &= merged_into(tracks, mean, cov, grown) < 0
    everyone = join(take(tracks, np.flatnonzero(keep)), new)
    kept, dropped = _within_limit(everyone)
    fresh_ids = tracks.track_id[fresh & keep]
    rate = state.births_per_s * math.exp(-dt_s / BIRTH_MEMORY_S) + len(fresh_ids) / BIRTH_MEMORY_S
    rate = max(rate, LEAST_BIRTHS_PER_S)
    return replace(state, tracks=kept, births_per_s=rate, dropped_tracks=state.dropped_tracks + dropped), fresh_ids


def _within_limit(tracks: Tracks) -> tuple[Tracks, int]:
    """At most TRACK_LIMIT tracks: the tentative ones least likely to exist go first; how many went."""
    excess = len(tracks.track_id) - TRACK_LIMIT
    if excess <= 0:
        return tracks, 0
    order = np.lexsort((tracks.track_id, -tracks.existence, ~tracks.is_confirmed))
    return take(tracks, np.sort(order[:TRACK_LIMIT])), excess
