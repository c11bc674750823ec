"""SBS (BaseStation) lines, port 30003: comma-separated text, one message a line.

=====  ==============================  =====  =========================================
field  meaning                         field  meaning
=====  ==============================  =====  =========================================
0      MSG (SEL, ID, AIR, STA, CLK     11     altitude, ft (an H at its end: GNSS)
       are about the program: skipped) 12     ground speed, kt
1      transmission type, 1-8          13     track, deg
4      ICAO address, 6 hex digits      14-15  latitude, longitude, deg
6-7    date, time the message came     16     vertical rate, ft/min
10     callsign                        21     on the ground: -1 or 1
=====  ==============================  =====  =========================================

Empty is unknown. Date and time are read as UTC and used when within 10 s of the arrival; a receiver set to local time
would otherwise be wrong by hours. Source: the BaseStation page of woodair.net; our code.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from araz.sensors._adsb_modes import FEET_M, FEET_PER_MINUTE_MPS, KNOT_MPS, Said, scaled
from araz.sensors._remote_id_wire import Malformed

#: A generated time further from the arrival than this is another clock's, and the arrival is used.
CLOCK_LIMIT_US = 10_000_000
#: The longest line; more is another protocol.
LINE_MAX = 1024
_OTHER_KINDS = frozenset({"SEL", "ID", "AIR", "STA", "CLK"})
_HEX = frozenset("0123456789abcdefABCDEF")


def read_sbs(line: str, received_at_us: int) -> Said | None:
    """Return what a line says (table above), None for a line about the program; Malformed for anything else."""
    fields = line.split(",")
    if fields[0] in _OTHER_KINDS:
        return None
    if fields[0] != "MSG" or len(fields) < 22:
        raise Malformed("bad-line", f"an SBS line begins with MSG and has 22 fields, this one has {len(fields)}")
    kind, address = fields[1].strip(), fields[4].strip()
    if kind not in "12345678" or len(kind) != 1:
        raise Malformed("bad-line", f"SBS transmission type {kind[:20]!r}; 1 to 8 are known")
    digits = address.removeprefix("~")
    if len(digits) != 6 or not _HEX.issuperset(digits):
        raise Malformed("bad-line", f"{address[:20]!r} is not an ICAO address of six hexadecimal digits")
    latitude_deg, longitude_deg = _place(fields[14], fields[15])
    has_velocity = any(fields[i].strip() for i in (12, 13, 16))
    altitude = fields[11].strip()
    height_m = scaled(_number(altitude.removesuffix("H"), "altitude"), FEET_M)
    return Said(
        identity=address.lower(),
        callsign=fields[10].strip() or None,
        on_ground=_flag(fields[21]) if kind in "238" else None,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        has_velocity=has_velocity,
        speed_mps=_not_negative(scaled(_number(fields[12], "ground speed"), KNOT_MPS)),
        course_deg=_course(_number(fields[13], "track")),
        climb_mps=scaled(_number(fields[16], "vertical rate"), FEET_PER_MINUTE_MPS),
        altitude_baro_m=None if altitude.endswith("H") else height_m,
        altitude_hae_m=height_m if altitude.endswith("H") else None,
        observed_at_us=sbs_time_us(fields[6], fields[7], received_at_us),
    )


def sbs_time_us(date: str, clock: str, received_at_us: int) -> int:
    """Return the generated time where it is one and near the arrival, else the arrival."""
    try:
        at = datetime.fromisoformat(f"{date.strip().replace('/', '-')}T{clock.strip()}").replace(tzinfo=UTC)
        at_us = round(at.timestamp() * 1e6)
    except (ValueError, OverflowError):
        return received_at_us
    return at_us if abs(at_us - received_at_us) <= CLOCK_LIMIT_US else received_at_us


def _place(latitude: str, longitude: str) -> tuple[float | None, float | None]:
    latitude_deg, longitude_deg = _number(latitude, "latitude"), _number(longitude, "longitude")
    if latitude_deg is None or longitude_deg is None or (latitude_deg == 0 and longitude_deg == 0):
        return None, None
    if abs(latitude_deg) > 90 or abs(longitude_deg) > 180:
        raise Malformed("implausible-position", f"{latitude_deg}, {longitude_deg}: there is no such place")
    return latitude_deg, longitude_deg


def _number(text: str, what: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Malformed("bad-line", f"the {what} {text[:20]!r} is not a number")
    return value


def _course(course_deg: float | None) -> float | None:
    return None if course_deg is None else course_deg % 360.0


def _not_negative(speed_mps: float | None) -> float | None:
    if speed_mps is not None and speed_mps < 0:
        raise Malformed("bad-line", "a negative ground speed")
    return speed_mps


def _flag(text: str) -> bool | None:
    return {"-1": True, "1": True, "0": False}.get(text.strip())
