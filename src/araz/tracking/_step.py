"""One scan into the tracker: put in its place in time, looked at, and what changed for those who watch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from araz.tracking._kernel import kernel
from araz.tracking._look import Look, look_once
from araz.tracking._measure import BEARING, raw_rows
from araz.tracking._picture import picture_of, places, take
from araz.tracking._sight import sector_of
from araz.tracking._state import (
    BIRTH_MEMORY_S,
    LEAST_BIRTHS_PER_S,
    TRACK_LIMIT,
    Filter,
    Past,
    State,
    Table,
)
from araz.vocabulary import BoolArray, FloatArray, IntArray, MeasurementKind, Scan, TrackChange, TrackEvents

MEMORY_US: Final = 30_000_000
"""A scan up to this much older than the newest is put in its place in time; an older one is not used, but counted."""
MEMORY_BYTES: Final = 256_000_000
"""Less is remembered where the beliefs of that time would take more than this."""

Pairs = tuple[IntArray, IntArray, FloatArray]


@dataclass(slots=True)
class _Numbers:
    """Numbers for the tracks of a step: the next free one, and those given lately, by key."""

    next_free: int
    key: IntArray
    number: IntArray

    def give(self, keys: IntArray) -> IntArray:
        """The numbers [B] of tracks just begun: the one given before, else the next."""
        if not len(self.key):
            first, self.next_free = self.next_free, self.next_free + len(keys)
            return np.arange(first, self.next_free, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.key, keys), len(self.key) - 1)
        known = self.key[place] == keys
        fresh = int(np.count_nonzero(~known))
        given = np.where(known, self.number[place], 0)
        given[~known] = np.arange(self.next_free, self.next_free + fresh)
        self.next_free += fresh
        return given


def step(state: State, scan: Scan) -> tuple[State, TrackEvents]:
    """The state after one scan of one sensor, and what changed.

    Pure and deterministic. Sources of the parts: see docs/tracking.md. A scan that is late takes its place in time: the
    belief before it is restored and every later scan applied again, so that ``State.now`` is what arrival in order
    would have given, to the bit, but for the numbers shown (in order of arrival). The cost is that of the scans since,
    at most those of 30 s; an older scan is ignored and counted in ``State.late_scans``. A scan may hold several
    detections with one claim (an aircraft heard twice); as a target gives at most one detection a look, those count as
    successive looks. Raises ValueError when the scan names no sensor of the table or its arrays disagree.
    """
    _check(state, scan)
    order = _order(scan)
    place = len(state.past)
    while place > 0 and order < state.past[place - 1].order:
        place -= 1
    if place == 0 and state.forgotten and order < state.forgotten:
        return _told(state, state.now, state.past, state.forgotten, state.next_number, state.late_scans + 1, _NO_PAIRS)
    numbers = _Numbers(state.next_number, *_given(state.past[place:]))
    past, now = list(state.past[:place]), state.past[place].before if place < len(state.past) else state.now
    pairs = _NO_PAIRS
    for at, one in enumerate((scan, *(entry.scan for entry in state.past[place:]))):
        before = now
        now, told, born = _one_scan(state, now, one, numbers)
        past.append(Past(before, one, order if at == 0 else state.past[place + at - 1].order, *born))
        pairs = told if at == 0 else pairs
    kept, forgotten = _trimmed(past, state.forgotten)
    return _told(state, now, kept, forgotten, numbers.next_free, state.late_scans, pairs)


def _check(state: State, scan: Scan) -> None:
    if not 0 <= scan.sensor_index < len(state.sensors.sensor_id):
        raise ValueError(f"sensor_index {scan.sensor_index} is not a row of the sensor table given to init")
    if int(scan.kind) not in MeasurementKind._value2member_map_:
        raise ValueError(f"scan kind {scan.kind} is none of MeasurementKind")
    count = len(scan.at_us)
    wide, narrow, high = (count, 4), (count,), (count, 3)
    if (
        scan.z.shape == wide == scan.sigma.shape
        and scan.origin_enu_m.shape == high == scan.velocity_enu_mps.shape
        and scan.claim_key.shape == narrow == scan.rcs_dbsm.shape
    ):
        return
    shapes = (
        ("z", wide),
        ("sigma", wide),
        ("origin_enu_m", high),
        ("velocity_enu_mps", high),
        ("claim_key", narrow),
        ("rcs_dbsm", narrow),
    )
    wrong = [name for name, shape in shapes if getattr(scan, name).shape != shape]
    raise ValueError(f"scan columns {wrong} do not have the shape for {count} detections; see Scan")


def _order(scan: Scan) -> tuple[Any, ...]:
    """Where a scan stands in time: by its end, then by sensor, then by content; never by arrival."""
    return (scan.at_us_end, scan.sensor_index, len(scan.at_us), _Content(scan))


class _Content:
    """What a scan says as bytes; made only where two scans of one sensor end together."""

    __slots__ = ("scan",)

    def __init__(self, scan: Scan) -> None:
        self.scan = scan

    def _bytes(self) -> bytes:
        scan = self.scan
        return b"".join((bytes([int(scan.kind)]), scan.at_us.tobytes(), scan.z.tobytes(), scan.claim_key.tobytes()))

    def __lt__(self, other: _Content) -> bool:
        return self._bytes() < other._bytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content) and self._bytes() == other._bytes()

    def __hash__(self) -> int:
        return hash(self._bytes())


def _given(past: tuple[Past, ...]) -> tuple[IntArray, IntArray]:
    """Keys, sorted, and numbers of the tracks that these scans began."""
    if not past:
        return _NO_NUMBERS, _NO_NUMBERS
    key = np.concatenate([entry.born for entry in past])
    number = np.concatenate([entry.born_number for entry in past])
    rank = np.argsort(key, kind="stable")
    return key[rank], number[rank]


def _trimmed(past: list[Past], forgotten: tuple[Any, ...]) -> tuple[tuple[Past, ...], tuple[Any, ...]]:
    """The scans still remembered, and the order of the newest that is not."""
    oldest_us = past[-1].order[0] - MEMORY_US
    drop = 0
    while past[drop].order[0] < oldest_us:
        drop += 1
    # the newest is near enough to the largest; twice, for tables were made with room for as many again
    held = sum([column.nbytes for column in past[-1].before.table])
    most = max(MEMORY_BYTES // max(2 * held, 1), 1)
    drop = max(drop, len(past) - most)
    if drop == 0:
        return tuple(past), forgotten
    return tuple(past[drop:]), past[drop - 1].order


_NO_PAIRS: Final[Pairs] = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
_NO_CHANGE: Final = np.zeros(0, np.int64)
_NO_NUMBERS: Final = np.zeros(0, np.int64)


def _looks(claim_key: IntArray) -> list[IntArray]:
    """Detection rows by look: the first of every claim and all without one, then the second, and so on."""
    rows = np.arange(len(claim_key))
    if np.count_nonzero(claim_key) < 2:
        return [rows]
    claimed = rows[claim_key != 0]
    order = claimed[np.argsort(claim_key[claimed], kind="stable")]
    keys = claim_key[order]
    first = np.r_[True, keys[1:] != keys[:-1]]
    begins = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    turn = np.zeros(len(rows), np.int64)
    turn[order] = np.arange(len(order)) - begins
    return [rows[turn == number] for number in range(int(turn.max()) + 1)]


def _one_scan(
    state: State, now: Filter, scan: Scan, numbers: _Numbers
) -> tuple[Filter, Pairs, tuple[IntArray, IntArray]]:
    """The belief after a scan that is next in time, pairs told, keys and numbers begun."""
    looks = _looks(scan.claim_key)
    told: list[Pairs] = []
    born: list[tuple[IntArray, IntArray]] = []
    for number, row in enumerate(looks):
        now, pairs, begun = _one_look(state, now, scan, row, number == len(looks) - 1, numbers)
        told.append(pairs)
        born.append(begun)
    if len(looks) == 1:
        return now, told[0], born[0]
    number_of, row_of, chance = (np.concatenate(column) for column in zip(*told, strict=True))
    key, number_given = (np.concatenate(column) for column in zip(*born, strict=True))
    return now, (number_of, row_of, chance), (key, number_given)


def _one_look(
    state: State, now: Filter, scan: Scan, row: IntArray, is_last: bool, numbers: _Numbers
) -> tuple[Filter, Pairs, tuple[IntArray, IntArray]]:
    """One look of one sensor: the belief after it, pairs told, keys and numbers of tracks begun."""
    s, view = scan.sensor_index, state.view
    raw = raw_rows(scan, state.sensors, row)
    at_us = scan.at_us_end
    dt_s = (at_us - now.at_us) * 1e-6 if now.at_us else 0.0
    silence = bool(is_last and scan.is_complete and raw.kind != BEARING and not view.is_voluntary[s])
    turn = now.turn + 1 if at_us == now.at_us else 0
    sector, counts = sector_of(scan.sector_rad), silence and bool(view.looker[s] >= 0)
    look = Look(s, at_us, turn, dt_s, counts, silence, sector, now.births_per_s)
    maps = (now.clutter_mass, now.clutter_heights, now.clutter_rates, now.clutter_scans)
    left, maps, noise, told, (begun, fresh) = look_once(view, look, raw, now.table, maps, now.noise, state.knobs)
    table = Table._make(left)
    first = len(table.gauss) - begun
    keys = table.whole[0, first:]
    given = numbers.give(keys)
    table.whole[1, first:] = given
    told[0][len(told[0]) - begun :] = given
    dropped = max(len(table.gauss) - TRACK_LIMIT, 0)
    if dropped:
        table = take(table, _most_likely(table))
    rate = now.births_per_s * math.exp(-dt_s / BIRTH_MEMORY_S) + fresh / BIRTH_MEMORY_S
    after = Filter(
        at_us,
        turn,
        table,
        *maps,
        noise,
        max(rate, LEAST_BIRTHS_PER_S),
        now.dropped_tracks + dropped,
    )
    return after, told, (keys, given)


def _most_likely(table: Table) -> IntArray:
    """Rows of the TRACK_LIMIT tracks kept when there are more: the tentative ones least likely to exist go first."""
    order = np.lexsort((table.whole[0], -table.real[0], ~table.flag[0]))
    return np.asarray(np.sort(order[:TRACK_LIMIT]))


@kernel
def _lifecycle(
    key: IntArray, number: IntArray, is_confirmed: BoolArray, old_key: IntArray, old_number: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Keys and numbers of the confirmed tracks, and numbers of those that are new among them and of those gone.

    ``old_key`` and ``old_number`` are the ones told last. Keys are looked up in a table of twice as many places.
    """
    count = 0
    for i in range(len(key)):
        count += is_confirmed[i]
    keys, numbers = np.empty(count, np.int64), np.empty(count, np.int64)
    count = 0
    for i in range(len(key)):
        if is_confirmed[i]:
            keys[count], numbers[count] = key[i], number[i]
            count += 1
    if np.array_equal(keys, old_key):
        return keys, numbers, numbers[:0], numbers[:0]
    return keys, numbers, numbers[_missing(keys, old_key)], old_number[_missing(old_key, keys)]


@kernel
def _shown(
    whole: IntArray, flag: BoolArray, gauss: FloatArray, old_key: IntArray, old_number: IntArray
) -> tuple[tuple[IntArray, IntArray, IntArray, IntArray], tuple[FloatArray, FloatArray, FloatArray]]:
    """``_lifecycle`` and ``places`` of a table, in one call."""
    return _lifecycle(whole[0], whole[1], flag[0], old_key, old_number), places(gauss)


@kernel
def _missing(keys: IntArray, among: IntArray) -> BoolArray:
    """Which of the keys (well mixed, above zero) are not among others."""
    places = 4
    while places < 2 * len(among):
        places *= 2
    table, missing = np.zeros(places, np.int64), np.ones(len(keys), np.bool_)
    for key in among:
        at = key & (places - 1)
        while table[at] != 0:
            at = (at + 1) & (places - 1)
        table[at] = key
    for k in range(len(keys)):
        at = keys[k] & (places - 1)
        while table[at] != 0 and table[at] != keys[k]:
            at = (at + 1) & (places - 1)
        missing[k] = table[at] == 0
    return missing


def _told(
    state: State,
    now: Filter,
    past: tuple[Past, ...],
    forgotten: tuple[Any, ...],
    next_number: int,
    late_scans: int,
    pairs: Pairs,
) -> tuple[State, TrackEvents]:
    """The new state, and what is told: the picture now, who was confirmed or ended, who took which detection."""
    table, change = now.table, _NO_CHANGE
    (keys, numbers, fresh, ended), shown = _shown(
        table.whole, table.flag, table.gauss, state.confirmed, state.confirmed_number
    )
    changed = fresh
    if len(fresh) or len(ended):
        changed = np.concatenate((fresh, ended))
        change = np.repeat(np.array([TrackChange.CONFIRMED, TrackChange.ENDED], np.int64), (len(fresh), len(ended)))
    after = State(
        state.sensors, state.settings, state.view, state.knobs, now, past, forgotten, keys, numbers,
        next_number, late_scans,
    )  # fmt: skip
    return after, TrackEvents(picture_of(now.at_us, table, shown), changed, change, *pairs)
