"""Each sensor's constant errors, learned from targets that several see, taken off before tracking, and told.

The state of the filter is every sensor's errors in range, azimuth, elevation and clock, and the place error of up to
SLOTS aircraft that say where they are: one Gaussian. Between scans each error walks slowly; every scan gives
comparisons (``_registration_pairs``), which update it as an extended Kalman filter. Sources: docs/registration.md.
"""

from __future__ import annotations

from dataclasses import replace as with_fields
from typing import Final

import numpy as np
from msgspec.structs import replace

from araz.tracking._registration_book import note, note_look
from araz.tracking._registration_chain import borne_out
from araz.tracking._registration_kernel import lone_pairs
from araz.tracking._registration_pairs import MOST_CELLS, Pairs, compare, distance2, in_gate, near, three
from araz.tracking._registration_rate import begun, hold, learns_from
from araz.tracking._registration_report import judged
from araz.tracking._registration_state import (
    CLOCK,
    PER_SENSOR,
    SLOT_HELD_US,
    RegistrationState,
    errors_of,
    registration_init,
    stated_sigma,
    take,
    without,
)
from araz.tracking._registration_turns import whole_turn
from araz.vocabulary import (
    BoolArray,
    FloatArray,
    IntArray,
    MeasurementKind,
    Scan,
    SensorRegistration,
    TrackEvents,
    TrackPicture,
)

__all__ = ["RegistrationState", "registration_correct", "registration_init", "registration_step"]

FIRM: Final = 0.95
"""A detection belongs to a track for this purpose when the tracker says so with this probability."""
MOST_PAIRS: Final = 12
"""Comparisons used of one scan: the errors are constant, so more would only cost time."""
HUBER: Final = 2.5
"""A comparison whose squared distance per component exceeds this counts with so much more noise."""
JUDGE_US: Final = 5_000_000
LOOK_SHARE: Final = 0.25
"""A sensor is expected to see what others see within this share of its range, where even a small target is seen."""


def registration_correct(state: RegistrationState, scan: Scan, now_us: int | None = None) -> Scan:
    """The scan with its sensor's errors taken off, those that are sure; the very same scan where none is.

    z - b, stamp - tau, and sigma^2 + var(b) for what was corrected. No time is moved beyond ``now_us``.
    """
    applied = state.is_applied[scan.sensor_index]
    if not applied.any():
        return scan
    mean, sigma = (rows[scan.sensor_index] for rows in errors_of(state))
    z, noise = scan.z.copy(), scan.sigma.copy()
    table = state.sensors.sigma[scan.sensor_index]
    shift = {MeasurementKind.POLAR: 0, MeasurementKind.BEARING: 1}.get(scan.kind)
    for c in range(3 if shift is not None else 0):
        column = c - (shift or 0)
        if column < 0 or not applied[c]:
            continue
        z[:, column] -= mean[c]
        stated = np.where(noise[:, column] > 0.0, noise[:, column], table[column])
        noise[:, column] = np.hypot(stated, sigma[c])
        if c == 1:
            z[:, column] %= 2.0 * np.pi
    if scan.kind == MeasurementKind.POLAR:
        z[:, 0] = np.where(z[:, 0] <= 0.0, np.minimum(scan.z[:, 0], 1.0), z[:, 0])
    late_us = round(1e6 * float(mean[CLOCK])) if applied[CLOCK] else 0
    latest_us = np.iinfo(np.int64).max if now_us is None else now_us
    at_us = np.maximum(np.minimum(scan.at_us - late_us, np.maximum(scan.at_us, latest_us)), 0)
    end_us = max(min(scan.at_us_end - late_us, max(scan.at_us_end, latest_us)), 0)
    for array in (z, noise, at_us):
        array.flags.writeable = False
    sector = scan.sector_rad
    if sector is not None and applied[1]:
        sector = sector[0] - float(mean[1]), sector[1] - float(mean[1])
    return with_fields(scan, z=z, sigma=noise, at_us=at_us, at_us_end=int(end_us), sector_rad=sector)


def registration_step(
    state: RegistrationState, scan: Scan, events: TrackEvents
) -> tuple[RegistrationState, list[SensorRegistration]]:
    """Learn from one scan; ``scan`` as the sensor gave it, ``events`` of the tracker's step on the corrected one.

    A turn that comes in sectors is learned from when it is whole: in a part of it a plot has no rivals, and stands for
    a target that it is not.

    Returns the new state and the reports that are due: every half minute for a sensor with new comparisons, and within
    JUDGE_US when a correction or a verdict changes.
    """
    state, whole, events = whole_turn(state, scan, events)
    if whole is None:
        return state, []
    scan = whole
    at_us = max(state.at_us, scan.at_us_end)
    is_new, is_due = at_us // JUDGE_US != state.at_us // JUDGE_US, learns_from(state, scan)
    is_firm = scan.kind != MeasurementKind.BEARING and bool((events.pair_probability > FIRM).any())
    if not (is_new or is_due or is_firm):
        return state, []
    picture = events.picture
    usable = np.flatnonzero(picture.is_confirmed & (picture.existence > 0.9))
    if not is_new and not len(usable):
        return state, []
    scan = _with_keys(scan, state)
    used = np.zeros(len(scan.at_us), np.bool_)
    if is_new or is_due:
        state = _walked(state, at_us)
    if is_due and len(usable):
        state, used = _learned(begun(state, scan), scan, picture, usable)
    if is_firm and len(usable):
        state = _held(state, scan, events, usable, used)
    return judged(state) if is_new else (state, [])


def _with_keys(scan: Scan, state: RegistrationState) -> Scan:
    """A source of positions without identities is one that is always off by the same: its number is its key."""
    if scan.kind != MeasurementKind.POSITION or scan.claim_key.all():
        return scan
    return with_fields(scan, claim_key=np.where(scan.claim_key == 0, -1 - scan.sensor_index, scan.claim_key))


def _walked(state: RegistrationState, at_us: int) -> RegistrationState:
    """Errors may have wandered since the last scan, but never know less than before any evidence."""
    dt_s = 1e-6 * (at_us - state.at_us) if state.at_us else 0.0
    if dt_s <= 0.0:
        return replace(state, at_us=at_us)
    cov = state.cov.copy()
    index = np.arange(len(cov))
    room = np.maximum(state.prior_sigma**2 - cov[index, index], 0.0)
    cov[index, index] += np.minimum(state.walk**2 * dt_s, room)
    return replace(state, cov=cov, at_us=at_us)


def _learned(
    state: RegistrationState, scan: Scan, picture: TrackPicture, usable: IntArray
) -> tuple[RegistrationState, BoolArray]:
    """Compare the scan's rows with waiting plots; the state after it, and which rows were used up."""
    used = np.zeros(len(scan.at_us), np.bool_)
    rows = {int(track): int(row) for row, track in zip(usable, picture.track_id[usable], strict=True)}
    track_row = np.array([rows.get(track, -1) for track in state.anchors.track_id.tolist()], np.int64)
    if not (track_row >= 0).any():
        return state, used
    measured, sigma = three(scan.kind, scan.z), three(scan.kind, stated_sigma(state, scan))
    stride = max(1, round(len(track_row) * len(used) / MOST_CELLS))
    track_row = np.where(state.anchors.track_id % stride == 0, track_row, -1)
    anchor, row = near(scan, measured, state.anchors, track_row, picture)
    if not len(row):
        return _looked(state, scan, picture, track_row, row), used
    state, has_place = _with_slots(state, scan, anchor, row)
    anchor, row = anchor[has_place], row[has_place]
    pairs = compare(state, scan, measured, sigma, anchor, row, track_row[anchor], picture)
    tight, wide = distance2(pairs, state.cov), distance2(pairs, np.diag(state.prior_sigma**2))
    fits, possible = in_gate(pairs, tight), in_gate(pairs, wide)
    state = _looked(state, scan, picture, track_row, track_row[anchor[possible | fits]])
    if not (fits | possible).any():
        return state, used
    chosen, misfit = lone_pairs(track_row[anchor], row, fits, possible)
    state = _noted(state, scan, pairs, chosen, misfit)
    a_sensor = state.anchors.sensor[anchor]
    honest = ~(state.is_lying[a_sensor] | state.is_lying[scan.sensor_index])
    chosen = chosen[honest[chosen]]
    used[row[chosen]] = True
    return _taught(state, scan, pairs, chosen, tight) if len(chosen) else state, used


def _taught(
    state: RegistrationState, scan: Scan, pairs: Pairs, chosen: IntArray, far2: FloatArray
) -> RegistrationState:
    """Use up the plots of the chosen comparisons, and learn from those whose pairing others bear out."""
    b, anchor = scan.sensor_index, pairs.anchor[chosen]
    state, is_borne = borne_out(state, pairs, chosen, b)
    keep = np.ones(len(state.anchors.at_us), np.bool_)
    keep[anchor[~pairs.is_light[chosen]]] = False
    chosen = chosen[is_borne]
    if len(chosen) > MOST_PAIRS:
        chosen = chosen[(np.arange(MOST_PAIRS) * len(chosen)) // MOST_PAIRS]
    if len(chosen):
        more = _more(state, b, state.anchors.sensor[pairs.anchor[chosen]])
        state = _updated(state, pairs, chosen, far2)
        state = replace(state, pairs=state.pairs + more, since=state.since + more)
    return replace(state, anchors=take(state.anchors, np.flatnonzero(keep)))


def _more(state: RegistrationState, sensor: int, partner: IntArray) -> IntArray:
    """New comparisons of each sensor [S] that say something of its errors: to a radar a bearing finder says nothing."""
    kind = state.sensors.kind
    is_heard = (kind[partner] == MeasurementKind.BEARING) != (kind[sensor] == MeasurementKind.BEARING)
    more = np.bincount(partner[~is_heard | (kind[partner] != MeasurementKind.POLAR)], minlength=len(state.pairs))
    more[sensor] += int(np.count_nonzero(~is_heard | (kind[sensor] != MeasurementKind.POLAR)))
    return more


def _updated(state: RegistrationState, pairs: Pairs, chosen: IntArray, far2: FloatArray) -> RegistrationState:
    """One Kalman update with all chosen comparisons, their noise independent; Joseph form, so P stays positive.

    A bearing finder learns from a radar and moves none (``_considered``): a gain of zero there, as in Schmidt's filter.
    """
    m, n = 3 * len(chosen), len(state.mean)
    weight = np.maximum(1.0, far2[chosen] / (HUBER * pairs.compared[chosen]))
    h, r = np.zeros((m, n)), np.zeros((m, m))
    for i, k in enumerate(chosen.tolist()):
        rows = slice(3 * i, 3 * i + 3)
        np.add.at(h[rows].T, pairs.columns[k], pairs.jac[k].T)
        r[rows, rows] = pairs.noise[k] * weight[i]
    ph = state.cov @ h.T
    gain = np.linalg.solve(h @ ph + r, ph.T).T
    for i, k in enumerate(chosen.tolist()):
        gain[_considered(state, pairs.columns[k]), 3 * i : 3 * i + 3] = 0.0
    keep = np.eye(n) - gain @ h
    cov = keep @ state.cov @ keep.T + gain @ r @ gain.T
    return replace(state, mean=state.mean + gain @ pairs.nu[chosen].ravel(), cov=0.5 * (cov + cov.T))


def _considered(state: RegistrationState, columns: IntArray) -> IntArray:
    """Rows of the state that a comparison leaves as they are: a radar's errors, where the other is a bearing finder.

    What is heard may be another's transmitter: one that stood beneath birds moved a radar's plots by 150 m.
    """
    pair = [int(columns[0]) // PER_SENSOR, int(columns[PER_SENSOR]) // PER_SENSOR]
    kinds = [int(state.sensors.kind[one]) if one < len(state.pairs) else -1 for one in pair]
    if MeasurementKind.BEARING not in kinds:
        return np.zeros(0, np.int64)
    radars = [one for one, kind in zip(pair, kinds, strict=True) if kind == MeasurementKind.POLAR]
    return np.concatenate([PER_SENSOR * one + np.arange(PER_SENSOR) for one in radars] or [np.zeros(0, np.int64)])


def _with_slots(
    state: RegistrationState, scan: Scan, anchor: IntArray, row: IntArray
) -> tuple[RegistrationState, BoolArray]:
    """Give each claimed place a slot for its error, where one is free; also which comparisons need none or have one."""
    from_anchor = state.anchors.kind[anchor] == MeasurementKind.POSITION
    needs = from_anchor | (scan.kind == MeasurementKind.POSITION)
    key = np.where(from_anchor, state.anchors.claim_key[anchor], scan.claim_key[row])
    if not needs.any():
        return state, ~needs
    slot_key, slot_us, mean, cov = state.slot_key.copy(), state.slot_us.copy(), state.mean, state.cov
    for new in np.unique(key[needs]).tolist():
        slot = int(np.argmin(slot_us))
        if new in slot_key:
            slot = int(np.flatnonzero(slot_key == new)[0])
        elif slot_key[slot] == 0 or state.at_us - slot_us[slot] > SLOT_HELD_US:
            slot_key[slot] = new
            rows = PER_SENSOR * len(state.pairs) + 3 * slot + np.arange(3)
            mean, cov = without(mean, cov, rows, state.prior_sigma)
        else:
            continue
        slot_us[slot] = state.at_us
    state = replace(state, slot_key=slot_key, slot_us=slot_us, mean=mean, cov=cov)
    return state, ~needs | np.isin(key, slot_key)


def _looked(
    state: RegistrationState, scan: Scan, picture: TrackPicture, track_row: IntArray, found_row: IntArray
) -> RegistrationState:
    """Count the targets near a sensor that others held within the last second, and those it has a plot of."""
    if not scan.is_complete or scan.kind != MeasurementKind.POLAR:
        return state
    s, sensors = scan.sensor_index, state.sensors
    recent = (track_row >= 0) & (state.anchors.sensor != s) & (state.anchors.kind == MeasurementKind.POLAR)
    recent &= np.abs(state.anchors.at_us - scan.at_us_end) < 1_500_000
    if not recent.any():
        return state
    held = np.array(sorted(set(track_row[recent].tolist())), np.int64)
    there = picture.position_enu_m[held]
    away = there - sensors.origin_enu_m[s]
    distance = np.linalg.norm(away, axis=1)
    elevation = np.arcsin(np.clip(away[:, 2] / np.maximum(distance, 1.0), -1.0, 1.0))
    inside = (distance < LOOK_SHARE * sensors.max_range_m[s]) & (distance > 200.0)
    inside &= (elevation > sensors.min_elevation_rad[s]) & (elevation < sensors.max_elevation_rad[s])
    expected = held[inside & (there[:, 2] > sensors.lowest_seen_m(s, there[:, 0], there[:, 1]) + 10.0)]
    found = len(set(expected.tolist()) & set(found_row.tolist()))
    return replace(state, book=note_look(state.book, s, len(expected), found, len(scan.at_us)))


def _noted(state: RegistrationState, scan: Scan, pairs: Pairs, chosen: IntArray, misfit: IntArray) -> RegistrationState:
    """Write the comparisons into the books of both sensors."""
    which = np.concatenate([chosen, misfit])
    if not len(which):
        return state
    fitted = np.arange(len(which)) < len(chosen)
    a_sensor, b, book = state.anchors.sensor[pairs.anchor[which]], scan.sensor_index, state.book
    errors, _ = errors_of(state)
    stated = pairs.noise[which] / pairs.factor[which, None, None] ** 2
    deviation = np.sqrt(stated[:, np.arange(3), np.arange(3)])
    missing = (pairs.jac[which] == 0.0).all(axis=2)
    value = np.where(missing, np.nan, pairs.nu[which] + errors[b, :3])
    if scan.kind != MeasurementKind.POSITION:
        book = note(book, b, a_sensor, value, deviation, fitted)
    turn = pairs.to_anchor[which]
    theirs = np.einsum("cij,cj->ci", turn, pairs.nu[which])
    spread = np.sqrt(np.einsum("cij,cjk,cik->ci", turn, stated, turn))
    is_whole = pairs.compared[which] == 3
    is_polar = state.anchors.kind[pairs.anchor[which]] == MeasurementKind.POLAR
    for s in np.unique(a_sensor[is_polar]).tolist():
        mine = np.flatnonzero(is_polar & (a_sensor == s))
        own = np.where(is_whole[mine, None], theirs[mine] + errors[s, :3], np.nan)
        book = note(book, s, np.full(len(mine), b), own, spread[mine], fitted[mine])
    return replace(state, book=book)


def _held(
    state: RegistrationState, scan: Scan, events: TrackEvents, usable: IntArray, used: BoolArray
) -> RegistrationState:
    """Let the rows that a confirmed track firmly holds wait for another sensor's plot."""
    firm = np.flatnonzero(events.pair_probability > FIRM)
    known = set(events.picture.track_id[usable].tolist())
    pairs = zip(firm.tolist(), events.pair_track_id[firm].tolist(), events.pair_row[firm].tolist(), strict=True)
    firm = np.array([k for k, track, row in pairs if track in known and not used[row]], np.int64)
    row, track = events.pair_row[firm], events.pair_track_id[firm]
    whole = np.isfinite(scan.z[row, 0] + scan.z[row, 1])
    return hold(state, scan, row[whole], track[whole]) if whole.any() else state
