"""Sectors of a turn put together again, for what must see all plots of a look beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace as with_fields
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from araz.tracking._registration_state import Part, RegistrationState
from araz.tracking._sight import sector_of
from araz.vocabulary import Scan, TrackEvents

FULL_RAD: Final = 2.0 * math.pi - 0.1
"""So wide together, sectors are a turn."""


def whole_turn(
    state: RegistrationState, scan: Scan, events: TrackEvents
) -> tuple[RegistrationState, Scan | None, TrackEvents]:
    """The look that ends with this scan and what it did to the tracks; None while its turn is not whole.

    A scan without a sector is a look of its own, and ends what was begun.
    """
    s = scan.sensor_index
    own = [part for part in state.parts if part.scan.sensor_index == s]
    if scan.sector_rad is None:
        return (replace(state, parts=_without(state, s)) if own else state), scan, events
    own.append(Part(scan, events.pair_track_id, events.pair_row, events.pair_probability))
    if sum(sector_of(part.scan.sector_rad)[1] for part in own) < FULL_RAD:
        return replace(state, parts=(*_without(state, s), *own)), None, events
    first_row = np.cumsum([0, *(len(part.scan.at_us) for part in own[:-1])])
    together = with_fields(
        events,
        pair_track_id=np.concatenate([part.track_id for part in own]),
        pair_row=np.concatenate([part.row + first for part, first in zip(own, first_row, strict=True)]),
        pair_probability=np.concatenate([part.probability for part in own]),
    )
    return replace(state, parts=_without(state, s)), _joined([part.scan for part in own]), together


def _without(state: RegistrationState, sensor: int) -> tuple[Part, ...]:
    return tuple(part for part in state.parts if part.scan.sensor_index != sensor)


def _joined(scans: Sequence[Scan]) -> Scan:
    """One scan with the rows of all, one after the other, that ends with the last."""
    names = ("at_us", "z", "sigma", "origin_enu_m", "velocity_enu_mps", "claim_key", "rcs_dbsm", "message_seq")
    columns: dict[str, Any] = {name: np.concatenate([getattr(scan, name) for scan in scans]) for name in names}
    return with_fields(scans[-1], **columns, is_complete=all(scan.is_complete for scan in scans), sector_rad=None)
