"""Recorded flights: DJI video subtitles and tables of numbers; binary logs are told apart and handed on.

=====================  ==================================================================================
layout of a DJI .SRT   position and height
=====================  ==================================================================================
bracketed              ``[latitude: 41.4] [longitude: 2.2] [altitude: 117.0]`` (also ``longtitude``, blanks before
                       the colon, ``[rel_alt: 1.2 abs_alt: 120.3]``, altitude missing)
GPS (a, b, n)          ``GPS (-121.7458, 48.0771, 17), D 221.21m, H 200.70m``: H above home
GPS(a,b,n)             ``GPS(149.0251,-20.2533,16) BAROMETER:1.9`` or ``Hb:1.9``: above home
=====================  ==================================================================================

In the two older layouts a is the longitude; some firmware swaps them. A number beyond ±90 decides; otherwise a is the
longitude. n counts satellites. Times are the subtitle's own, which exist in every layout. Where the date in the text
runs ahead of them the video was cut from several clips: there the aircraft is taken to have flown straight on to where
the next clip begins, at 12 m/s.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import cos, hypot, radians
from typing import Final

from araz.sensors._flight import METRES_PER_DEG, Fix, Flight, LogClock, flight_from_fixes
from araz.sensors._flight_binary import looks_like_ardupilot, looks_like_tlog, read_ardupilot, read_tlog
from araz.sensors._flight_ulog import looks_like_ulog, read_ulog

_NAN: Final = float("nan")
_NUMBER: Final = r"(-?\d+(?:\.\d+)?)"
_CUE: Final = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[,.](\d{1,3})\s*-->")
_LATITUDE: Final = re.compile(r"\[\s*latitude\s*:\s*" + _NUMBER, re.IGNORECASE)
_LONGITUDE: Final = re.compile(r"\[\s*long?t?itude\s*:\s*" + _NUMBER, re.IGNORECASE)
_ALTITUDE: Final = re.compile(r"(?<!rel_)(?:abs_alt|altitude)\s*:\s*" + _NUMBER, re.IGNORECASE)
_RELATIVE: Final = re.compile(r"rel_alt\s*:\s*" + _NUMBER, re.IGNORECASE)
_GPS: Final = re.compile(r"GPS\s*\(\s*" + _NUMBER + r"\s*,\s*" + _NUMBER, re.IGNORECASE)
_ABOVE_HOME: Final = re.compile(r"(?:\bH|BAROMETER:|\bHb:)\s*" + _NUMBER + r"(?=m|\s|$)")
_DATE: Final = re.compile(r"(\d{4})[.-](\d{1,2})[.-](\d{1,2}) (\d{1,2}):(\d{2}):(\d{2})")
#: A date this far ahead of the subtitle's time is the join of two clips.
SPLICE_S: Final = 3.0
SPLICE_MPS: Final = 12.0
#: A time after 2001 is a date; before, it is seconds since some start.
DATED_US: Final = 1_000_000_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_TIME_NAMES: Final = (
    "at_us", "t_us", "time_us", "time_ms", "timestamp", "time", "datetime", "utc", "date_time", "time_s",
    "elapsed", "t", "seconds",
)  # fmt: skip
_LATITUDE_NAMES: Final = ("latitude", "lat", "latitude_deg", "gps_lat", "osd.latitude")
_LONGITUDE_NAMES: Final = ("longitude", "lon", "lng", "long", "longitude_deg", "gps_lon", "osd.longitude")
_ALTITUDE_NAMES: Final = (
    "altitude", "alt", "altitude_m", "altitude_amsl_m", "altitude_hae_m", "abs_alt", "gps_alt", "ele",
)  # fmt: skip
_HEIGHT_NAMES: Final = ("height", "rel_alt", "relative_altitude", "height_m", "height_agl_m", "agl", "osd.height")


def read_flight(data: bytes, name: str = "") -> Flight:
    """Return the flight in a file's bytes; its content decides the format, its name only breaks ties.

    Reads DJI .SRT, CSV with a header, MAVLink .tlog, ArduPilot .bin and PX4 .ulg. ValueError says what was expected.
    """
    if looks_like_ardupilot(data):
        return read_ardupilot(data)
    if looks_like_ulog(data):
        return read_ulog(data)
    if looks_like_tlog(data):
        return read_tlog(data)
    text = data.decode("utf-8-sig", errors="replace")
    if _CUE.search(text[:4000]):
        return read_dji_srt(text)
    if "," in text[:4000] or ";" in text[:4000] or "\t" in text[:4000]:
        return read_csv(text)
    raise ValueError(
        f"{name or 'The file'} is no flight log Araz reads: DJI .SRT, CSV with a header, MAVLink .tlog, "
        "ArduPilot .bin, PX4 .ulg."
    )


def read_dji_srt(text: str) -> Flight:
    """Return the flight of a DJI subtitle file (layouts above); ValueError when no subtitle holds a position."""
    fixes: list[Fix] = []
    layouts: set[str] = set()
    cues = list(_CUE.finditer(text))
    counts = {"no-position": 0, "splices": 0}
    join = _Join()
    walls: list[int] = []
    for number, cue in enumerate(cues):
        end = cues[number + 1].start() if number + 1 < len(cues) else len(text)
        body = text[cue.end() : end]
        hours, minutes, seconds, fraction = cue.groups()
        at_us = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1_000_000 + int(fraction.ljust(3, "0")) * 1000
        date_s, found = _date_s(body), _bracketed(body) or _gps(body)
        if found is None:
            counts["no-position"] += 1
            continue
        layouts.add(found[0])
        counts["splices"] += join.add(at_us, date_s, found[1], found[2])
        fixes.append((at_us + join.added_us, *found[1:]))
        if date_s is not None:
            walls.append(date_s * 1_000_000 - at_us - join.added_us)
    layout = "DJI SRT, " + (" and ".join(sorted(layouts)) or "no position")
    return flight_from_fixes(fixes, layout, counts, LogClock.LOCAL, walls)


class _Join:
    """Time to add where clips were joined; lives inside ``read_dji_srt`` only."""

    def __init__(self) -> None:
        self.added_us = 0
        self.last: tuple[int, int | None, float, float] | None = None

    def add(self, at_us: int, date_s: int | None, latitude: float, longitude: float) -> bool:
        """Take the next fix; True when a join lies before it."""
        last, self.last = self.last, (at_us, date_s, latitude, longitude)
        if last is None or last[1] is None or date_s is None:
            return False
        if date_s - last[1] - (at_us - last[0]) / 1e6 < SPLICE_S:
            return False
        north = (latitude - last[2]) * METRES_PER_DEG
        east = (longitude - last[3]) * METRES_PER_DEG * cos(radians(latitude))
        self.added_us += round(hypot(north, east) / SPLICE_MPS * 1e6)
        return True


def _date_s(body: str) -> int | None:
    """Seconds of the recorder's own date, in its own zone: only differences mean something."""
    found = _DATE.search(body)
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = map(int, found.groups())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1)


def _bracketed(body: str) -> tuple[str, float, float, float, float] | None:
    latitude, longitude = _LATITUDE.search(body), _LONGITUDE.search(body)
    if latitude is None or longitude is None:
        return None
    return (
        "bracketed",
        float(latitude[1]),
        float(longitude[1]),
        _found(_ALTITUDE.search(body)),
        _found(_RELATIVE.search(body)),
    )


def _gps(body: str) -> tuple[str, float, float, float, float] | None:
    place = _GPS.search(body)
    if place is None:
        return None
    a, b = float(place[1]), float(place[2])
    latitude, longitude = (a, b) if abs(b) > 90 else (b, a)
    return "GPS (longitude, latitude)", latitude, longitude, _NAN, _found(_ABOVE_HOME.search(body[place.end() :]))


def _found(match: re.Match[str] | None) -> float:
    return _NAN if match is None else float(match[1])


def read_csv(text: str) -> Flight:
    """Return the flight of a table: columns by their names, times as numbers or ISO dates.

    Names are compared in lower case, without units in parentheses or after a blank. A time column's
    name may tell its unit (``t_us``, ``time_ms``, ``time_s``); else numbers above 10¹⁴ are microseconds, above 10¹¹
    milliseconds, the rest seconds. ValueError lists the columns when one is missing.
    """
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=head.count)
    rows = list(csv.reader(lines[lines.index(head) :], delimiter=delimiter))
    columns = [_plain(name) for name in rows[0]]
    latitude, longitude = _column(columns, _LATITUDE_NAMES), _column(columns, _LONGITUDE_NAMES)
    if latitude is None or longitude is None:
        raise ValueError(f"The table needs columns named latitude and longitude; it has {rows[0]}.")
    time, to_us = _clock(columns, rows)
    altitude, height = _column(columns, _ALTITUDE_NAMES), _column(columns, _HEIGHT_NAMES)
    fixes: list[Fix] = []
    bad = 0
    for number, row in enumerate(rows[1:]):
        at_us = number * 1_000_000 if time is None else to_us(_cell(row, time))
        where = _number(_cell(row, latitude)), _number(_cell(row, longitude))
        if at_us is None:
            bad += 1
            continue
        fixes.append((at_us, *where, _number(_cell(row, altitude)), _number(_cell(row, height))))
    has_date = bool(fixes) and fixes[0][0] > DATED_US
    return flight_from_fixes(fixes, "CSV", {"no-time": bad}, LogClock.UTC if has_date else LogClock.NONE)


def _plain(name: str) -> str:
    return re.split(r"[\s(\[]", name.strip().lower(), maxsplit=1)[0]


def _column(columns: Sequence[str], names: Sequence[str]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


def _cell(row: Sequence[str], column: int | None) -> str:
    return row[column] if column is not None and column < len(row) else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return _NAN


def _clock(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[int | None, Callable[[str], int | None]]:
    """The first time column whose first value can be read; without one, a row is a second."""
    for name in _TIME_NAMES:
        if name in columns:
            column = columns.index(name)
            to_us = _named_unit(name) or _time_us
            if any(to_us(_cell(row, column)) is not None for row in rows[1:4]):
                return column, to_us
    return None, _time_us


def _named_unit(name: str) -> Callable[[str], int | None] | None:
    """Reading of a column whose name tells its unit, such as ``t_us``; None for the others."""
    scale = {"_us": 1.0, "_ms": 1e3, "_s": 1e6}.get("_" + name.rpartition("_")[2])
    if scale is None or "_" not in name:
        return None

    def read(text: str) -> int | None:
        value = _number(text)
        return round(value * scale) if abs(value) * scale < 1e18 else None

    return read


def _time_us(text: str) -> int | None:
    value = _number(text)
    if value == value and abs(value) < 1e18:
        return round(value) if value > 1e14 else round(value * 1000) if value > 1e11 else round(value * 1e6)
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
