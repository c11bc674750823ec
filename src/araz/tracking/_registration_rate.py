"""How often registration learns: a sensor has a turn every few seconds, and only when another's plots wait for it.

Constant errors do not need every scan. The rate depends on the stamps of the scans and on how many comparisons were
used, never on a clock, so a replay learns the same. What a skipped scan would have told is not counted as known:
the errors walk on over the gap.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec.structs import replace

from araz.tracking._registration_state import RegistrationState, Waiting, anchors_of, join, take
from araz.vocabulary import IntArray, Scan

SETTLED_US: Final = 10_000_000
"""A sensor whose errors are known has a turn this often, one of which less is known in proportion more often."""
SETTLED: Final = 450
"""Comparisons used of a sensor, since its errors were last learned anew, at which they count as known."""
SETTLED_CLAIM: Final = 90
"""... and of a source of claims: a reference, with which the others compare themselves in turns of their own."""
TURN_US: Final = 1_000_000
"""A turn lasts one complete scan; of a sensor that sends plots singly (claims, bearings), all within this."""
REACH_US: Final = 1_500_000
"""A plot of another sensor is worth a look when it is this near in time: MAX_GAP_S and the error of two clocks."""
HELD_US: Final = 4_000_000
MOST_ANCHORS: Final = 1024


def learns_from(state: RegistrationState, scan: Scan) -> bool:
    """Whether this scan is to be learned from: its sensor has a turn, and a plot of another sensor waits nearby."""
    if not len(scan.at_us) and not scan.is_complete:
        return False
    s = scan.sensor_index
    ago_us = scan.at_us_end - int(state.turn_us[s])
    enough = SETTLED_CLAIM if state.sensors.is_claim[s] else SETTLED
    every_us = SETTLED_US * min(int(state.since[s]), enough) // enough
    in_turn = not scan.is_complete and 0 <= ago_us < TURN_US
    if 0 <= ago_us < every_us and not in_turn:
        return False
    first_us = int(scan.at_us.min()) if len(scan.at_us) else scan.at_us_end
    first_us, last_us = first_us - REACH_US, scan.at_us_end + REACH_US
    for rows in state.waiting:
        if rows.scan.sensor_index != s and rows.last_us > first_us and rows.first_us < last_us:
            return True
    table = state.anchors
    return bool(((table.sensor != s) & (table.at_us > first_us) & (table.at_us < last_us)).any())


def begun(state: RegistrationState, scan: Scan) -> RegistrationState:
    """The state in the sensor's turn, the waiting plots in one table, without old ones."""
    turn_us, s = state.turn_us, scan.sensor_index
    if scan.is_complete or not 0 <= scan.at_us_end - int(turn_us[s]) < TURN_US:
        turn_us = turn_us.copy()
        turn_us[s] = scan.at_us_end
    oldest_us = scan.at_us_end - HELD_US
    fresh = [anchors_of(state, rows) for rows in state.waiting if rows.last_us > oldest_us]
    anchors = join((state.anchors, *fresh), MOST_ANCHORS) if fresh else state.anchors
    anchors = take(anchors, np.flatnonzero(anchors.at_us > oldest_us))
    return replace(state, turn_us=turn_us, anchors=anchors, waiting=())


def hold(state: RegistrationState, scan: Scan, row: IntArray, track_id: IntArray) -> RegistrationState:
    """The state with some rows of a scan waiting, one or more; whole scans that are too old are let go."""
    at_us = scan.at_us[row].tolist()
    kept = tuple(rows for rows in state.waiting if rows.last_us > scan.at_us_end - HELD_US)
    return replace(state, waiting=(*kept, Waiting(scan, row, track_id, min(at_us), max(at_us))))
