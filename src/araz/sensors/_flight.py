"""A recorded flight as arrays, cleaned of held, empty and impossible fixes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np

from araz.vocabulary import LATEST_TIME_US, BoolArray, FloatArray, IntArray

#: Faster than any drone in the threat classes: a fix that needs it is a glitch.
GLITCH_MPS: Final = 80.0
GLITCH_UP_MPS: Final = 40.0
#: After this many glitches in a row the receiver is taken to have moved for good: a new stretch begins.
GLITCH_RUN: Final = 10
METRES_PER_DEG: Final = 111_195.0


class LogClock(StrEnum):
    """What a log's times mean."""

    UTC = "utc"
    """From satellites or a computer's clock: seconds off at most, unless somebody set it wrong."""
    LOCAL = "local"
    """A date in some unknown time zone."""
    NONE = "none"
    """Seconds since the start, no date at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """N fixes of one flight, times rising.

    ``at_us`` microseconds on the recorder's clock; ``altitude_m`` as logged (most often above the sea), ``height_m``
    above the start; NaN where the log says nothing. ``is_suspect`` marks fixes that would need an impossible speed:
    kept for the record, not flown. ``layout`` names what was read, ``skipped`` counts the fixes left out (``repeated``:
    position held between updates; ``no-position``: 0, 0 or off the earth; ``no-fix``; ``out-of-order``).
    """

    at_us: IntArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    altitude_m: FloatArray
    height_m: FloatArray
    is_suspect: BoolArray
    layout: str
    skipped: dict[str, int]
    clock: LogClock = LogClock.NONE
    wall_offset_us: int = 0
    """Add to ``at_us`` for the recorder's own date and time: UTC or local by ``clock``, meaningless where NONE."""

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last fix."""
        return float(self.at_us[-1] - self.at_us[0]) / 1e6


#: (microseconds, latitude, longitude, altitude, height above start); NaN is unknown.
Fix = tuple[int, float, float, float, float]


def flight_from_fixes(
    fixes: Sequence[Fix],
    layout: str,
    skipped: dict[str, int] | None = None,
    clock: LogClock = LogClock.NONE,
    walls: Sequence[int] | None = None,
) -> Flight:
    """Clean fixes into a flight: rising times, positions on the earth, held values once, glitches marked.

    ``walls`` are the recorder's own date and time minus the fixes', µs, as often as it told them: the median counts,
    and none told is no clock; None where the fixes are dated themselves, or nothing is. ValueError when fewer than two
    different fixes are left.
    """
    counts = {reason: number for reason, number in (skipped or {}).items() if number}
    rows = np.array(fixes, dtype=np.float64).reshape(-1, 5)
    latitude, longitude = rows[:, 1], rows[:, 2]
    is_place = np.isfinite(latitude) & np.isfinite(longitude) & (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    is_place &= (np.abs(latitude) > 1e-6) | (np.abs(longitude) > 1e-6)
    rows = _keep(rows, is_place, counts, "no-position")
    rows = _keep(rows, (rows[:, 0] >= 0) & (rows[:, 0] < LATEST_TIME_US), counts, "impossible-time")
    rises = np.ones(len(rows), dtype=np.bool_)
    if len(rows):
        rises[1:] = rows[1:, 0] > np.maximum.accumulate(rows[:, 0])[:-1]
    rows = _keep(rows, rises, counts, "out-of-order")
    changes = np.ones(len(rows), dtype=np.bool_)
    same = np.all((rows[1:, 1:] == rows[:-1, 1:]) | (np.isnan(rows[1:, 1:]) & np.isnan(rows[:-1, 1:])), axis=1)
    changes[1:] = ~same
    if len(changes):
        changes[-1] = True
    rows = _keep(rows, changes, counts, "repeated")
    if len(rows) < 2:
        raise ValueError(f"The flight log ({layout}) has {len(rows)} usable fixes and needs two; left out: {counts}.")
    height = rows[:, 4]
    suspect = _glitches(rows[:, 0], rows[:, 1], rows[:, 2], np.where(np.isnan(height), rows[:, 3], height))
    if not np.isfinite(height).any() and np.isfinite(rows[~suspect, 3]).any():
        height = rows[:, 3] - np.nanmin(rows[~suspect, 3])
    at_us = np.asarray(rows[:, 0], dtype=np.int64)
    wall_offset_us = sorted(walls)[len(walls) // 2] if walls else 0
    clock = LogClock.NONE if walls is not None and not walls else clock
    return Flight(at_us, rows[:, 1], rows[:, 2], rows[:, 3], height, suspect, layout, counts, clock, wall_offset_us)


def parts_of(flight: Flight, gap_s: float = 60.0) -> list[Flight]:
    """The separate flights of a log: cut where nothing was recorded for ``gap_s``, or it stood still that long.

    Suspect fixes are left out. Parts with fewer than two fixes or shorter than ten seconds are no flights.
    """
    rows = np.flatnonzero(~flight.is_suspect)
    if len(rows) < 2:
        return []
    at_s = flight.at_us[rows] / 1e6
    north = flight.latitude_deg[rows] * METRES_PER_DEG
    east = flight.longitude_deg[rows] * METRES_PER_DEG * np.cos(np.radians(flight.latitude_deg[rows]))
    # Moved: farther than 3 m from where it was when it last had moved; rest is the time since then.
    part, number, moved_s, anchor = np.zeros(len(rows), dtype=np.int64), 0, at_s[0], 0
    for k in range(1, len(rows)):
        gap = at_s[k] - at_s[k - 1] > gap_s
        if gap or np.hypot(north[k] - north[anchor], east[k] - east[anchor]) > 3.0:
            number += gap or at_s[k] - moved_s > gap_s
            anchor, moved_s = k, at_s[k]
        part[k] = number
    out = []
    for value in np.unique(part):
        chosen = rows[part == value]
        if len(chosen) >= 2 and flight.at_us[chosen[-1]] - flight.at_us[chosen[0]] >= 10_000_000:
            names = ("at_us", "latitude_deg", "longitude_deg", "altitude_m", "height_m", "is_suspect")
            cut: dict[str, Any] = {name: getattr(flight, name)[chosen] for name in names}
            out.append(replace(flight, **cut))
    return out


def _keep(rows: FloatArray, wanted: BoolArray, counts: dict[str, int], reason: str) -> FloatArray:
    lost = len(rows) - int(np.count_nonzero(wanted))
    if lost:
        counts[reason] = counts.get(reason, 0) + lost
    return rows[wanted]


def _glitches(at_us: FloatArray, latitude: FloatArray, longitude: FloatArray, altitude: FloatArray) -> BoolArray:
    """Fixes outside the longest stretch that a drone could have flown [N]: True is suspect."""
    stretch = np.zeros(len(at_us), dtype=np.int64)
    last, run, number = 0, 0, 0
    for k in range(1, len(at_us)):
        if _is_possible(at_us, latitude, longitude, altitude, last, k):
            stretch[k], last, run = number, k, 0
            continue
        run += 1
        stretch[k] = -1
        if run >= GLITCH_RUN:
            number += 1
            stretch[k], last, run = number, k, 0
    sizes = np.bincount(stretch[stretch >= 0])
    return np.asarray(stretch != int(np.argmax(sizes)), dtype=np.bool_)


def _is_possible(
    at_us: FloatArray, latitude: FloatArray, longitude: FloatArray, altitude: FloatArray, a: int, b: int
) -> bool:
    # Half a second of grace: positions are held and rounded, so the shortest intervals say little.
    seconds = max((at_us[b] - at_us[a]) / 1e6, 0.5)
    north = (latitude[b] - latitude[a]) * METRES_PER_DEG
    east = (longitude[b] - longitude[a]) * METRES_PER_DEG * np.cos(np.radians(latitude[a]))
    up = altitude[b] - altitude[a]
    is_level = np.isnan(up) or abs(up) <= GLITCH_UP_MPS * seconds
    return bool(np.hypot(north, east) <= GLITCH_MPS * seconds and is_level)
