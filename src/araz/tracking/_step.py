"""One scan into the tracker: put in its place in time, looked at, and what changed for those who watch."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from araz.tracking._kernel import kernel
from araz.tracking._look import look_once
from araz.tracking._measure import NO_ROWS, plots_of
from araz.tracking._picture import picture_of, take
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

Pairs = tuple[IntArray, FloatArray]
"""Number and row of the scan [2, E], and probability [E]."""
CONFIRMED, ENDED = int(TrackChange.CONFIRMED), int(TrackChange.ENDED)
Given = tuple[IntArray, IntArray]
"""Keys, sorted, and numbers of tracks."""


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
    past, now = state.past[:place], state.now if place == len(state.past) else state.past[place].before
    given, next_number = _given(state.past[place:]), state.next_number
    before = now
    now, pairs, born, next_number = _one_scan(state, now, scan, given, next_number)
    past = (*past, Past(before, scan, order, born))
    for entry in state.past[place:]:
        before = now
        now, _, born, next_number = _one_scan(state, now, entry.scan, given, next_number)
        past = (*past, Past(before, entry.scan, entry.order, born))
    kept, forgotten = _trimmed(past, state.forgotten)
    return _told(state, now, kept, forgotten, next_number, state.late_scans, pairs)


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


def _given(past: tuple[Past, ...]) -> Given:
    """Keys and numbers of the tracks that these scans began."""
    if not past:
        return _NO_NUMBERS
    key, number = np.concatenate([entry.born for entry in past], axis=1)
    rank = np.argsort(key, kind="stable")
    return key[rank], number[rank]


def _trimmed(past: tuple[Past, ...], forgotten: tuple[Any, ...]) -> tuple[tuple[Past, ...], tuple[Any, ...]]:
    """The scans still remembered, and the order of the newest that is not."""
    oldest_us = past[-1].order[0] - MEMORY_US
    drop = 0
    while past[drop].order[0] < oldest_us:
        drop += 1
    # the newest is near enough to the largest; twice, for what is shown of it may be kept as long
    table = past[-1].before.table
    held = table.whole.nbytes + table.flag.nbytes + table.real.nbytes + table.lived.nbytes + table.modes.nbytes
    drop = max(drop, len(past) - max(MEMORY_BYTES // max(2 * (held + table.weight.nbytes), 1), 1))
    if drop == 0:
        return past, forgotten
    return past[drop:], past[drop - 1].order


_NO_PAIRS: Final[Pairs] = (np.zeros((2, 0), np.int64), np.zeros(0))
_NO_CHANGE: Final = np.zeros(0, np.int64)
_NO_NUMBERS: Final[Given] = (_NO_CHANGE, _NO_CHANGE)


def _looks(claim_key: IntArray) -> list[IntArray]:
    """Detection rows by look: the first of every claim and all without one, then the second, and so on.

    The rows of a scan that is one look are not named.
    """
    if np.count_nonzero(claim_key) < 2:
        return _ONE_LOOK
    rows = np.arange(len(claim_key))
    claimed = rows[claim_key != 0]
    order = claimed[np.argsort(claim_key[claimed], kind="stable")]
    keys = claim_key[order]
    first = np.r_[True, keys[1:] != keys[:-1]]
    begins = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    turn = np.zeros(len(rows), np.int64)
    turn[order] = np.arange(len(order)) - begins
    return [rows[turn == number] for number in range(int(turn.max()) + 1)]


_ONE_LOOK: Final = [NO_ROWS]


def _one_scan(
    state: State, now: Filter, scan: Scan, given: Given, next_number: int
) -> tuple[Filter, Pairs, IntArray, int]:
    """The belief after a scan that is next in time, pairs told, keys and numbers begun [2, B], the next number."""
    looks = _looks(scan.claim_key)
    if len(looks) == 1:
        return _one_look(state, now, scan, looks[0], True, given, next_number)
    told: list[Pairs] = []
    born: list[IntArray] = []
    for number, row in enumerate(looks):
        is_last = number == len(looks) - 1
        now, pairs, begun, next_number = _one_look(state, now, scan, row, is_last, given, next_number)
        told.append(pairs)
        born.append(begun)
    pairs = np.concatenate([who for who, _ in told], axis=1), np.concatenate([chance for _, chance in told])
    return now, pairs, np.concatenate(born, axis=1), next_number


def _one_look(
    state: State, now: Filter, scan: Scan, row: IntArray, is_last: bool, given: Given, next_number: int
) -> tuple[Filter, Pairs, IntArray, int]:
    """One look of one sensor: the belief after it, pairs told, keys and numbers begun [2, B], the next number."""
    s, at_us, old, learned = scan.sensor_index, scan.at_us_end, now.table, now.learned
    dt_s = (at_us - now.at_us) * 1e-6 if now.at_us else 0.0
    turn = now.turn + 1 if at_us == now.at_us else 0
    (plots, speed_mps), (begin_rad, width_rad) = plots_of(scan, row), sector_of(scan.sector_rad)
    left, taught, who, chance, (begun, fresh, next_number) = look_once(
        state.fixed, state.sensors.visible_above_m, s, int(scan.kind), at_us, turn, dt_s, is_last and scan.is_complete,
        begin_rad, width_rad, now.births_per_s, plots, speed_mps, row, learned[s], given[0], given[1], next_number,
        old.lookers, old.whole, old.flag, old.real, old.lived, old.modes, old.weight,
    )  # fmt: skip
    table = Table(old.lookers, *left)
    count = table.whole.shape[1]
    born = table.whole[:2, count - begun :]
    dropped = max(count - TRACK_LIMIT, 0)
    if dropped:
        table = take(table, _most_likely(table))
    rate = now.births_per_s * math.exp(-dt_s / BIRTH_MEMORY_S) + fresh / BIRTH_MEMORY_S
    after = Filter(
        at_us,
        turn,
        table,
        (*learned[:s], taught, *learned[s + 1 :]),
        max(rate, LEAST_BIRTHS_PER_S),
        now.dropped_tracks + dropped,
    )
    return after, (who, chance), born, next_number


def _most_likely(table: Table) -> IntArray:
    """Rows of the TRACK_LIMIT tracks kept when there are more: the tentative ones least likely to exist go first."""
    order = np.lexsort((table.whole[0], -table.real[: table.whole.shape[1]], ~table.flag[0]))
    return np.asarray(np.sort(order[:TRACK_LIMIT]))


@kernel
def _lifecycle(
    whole: IntArray, flag: BoolArray, old_key: IntArray, old_number: IntArray, none: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Keys and numbers of the confirmed tracks, numbers of those new among them and of those gone, and which.

    ``old_key`` and ``old_number`` are the ones told last, given back where nothing changed, with ``none`` as changes.
    Keys are looked up in a table of twice as many places.
    """
    count = 0
    for i in range(whole.shape[1]):
        if flag[0, i]:
            if count == len(old_key) or whole[0, i] != old_key[count] or whole[1, i] != old_number[count]:
                count = -1
                break
            count += 1
    if count == len(old_key):
        return old_key, old_number, none, none
    confirmed = np.flatnonzero(flag[0])
    keys, numbers = whole[0][confirmed], whole[1][confirmed]
    fresh, gone = numbers[_missing(keys, old_key)], old_number[_missing(old_key, keys)]
    change = np.full(len(fresh) + len(gone), CONFIRMED)
    change[len(fresh) :] = ENDED
    return keys, numbers, np.concatenate((fresh, gone)), change


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
    table = now.table
    keys, numbers, changed, change = _lifecycle(
        table.whole, table.flag, state.confirmed, state.confirmed_number, _NO_CHANGE
    )
    after = State(
        state.sensors, state.settings, state.fixed, now, past, forgotten, keys, numbers, next_number, late_scans
    )
    (number, row), chance = pairs
    return after, TrackEvents(picture_of(now.at_us, table), changed, change, number, row, chance)
