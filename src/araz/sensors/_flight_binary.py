"""Binary flight logs: MAVLink telemetry logs and ArduPilot DataFlash logs.

Telemetry log (.tlog): 8 bytes big-endian microseconds since 1970, then one MAVLink frame, again and again.

=======  ==============================================================================================
frame    bytes
=======  ==============================================================================================
v1       FE, length, sequence, system, component, message (1), payload, checksum (2)
v2       FD, length, flags, flags, sequence, system, component, message (3, little-endian), payload with trailing
         zeros cut, checksum (2), signature (13) when bit 0 of the first flags is set
checksum CRC-16/MCRF4XX over all but the start byte, then over one byte that belongs to the message
33       GLOBAL_POSITION_INT: time u32 ms; latitude, longitude i32 1e-7 deg; altitude, height above home i32 mm
24       GPS_RAW_INT: time u64 us; latitude, longitude i32 1e-7 deg; altitude i32 mm; 4 x u16; fix type u8
=======  ==============================================================================================

DataFlash log (.bin): A3 95, message number, body. Message 128 (FMT) describes the others: number u8, length u8, name
(4), format letters (16), column names (64); every letter is a type, of which ``c C e E`` are hundredths, ``L`` 1e-7.
Sources: the MAVLink serialisation guide and ArduPilot's logging documentation; the code is ours (pymavlink is LGPL).
"""

from __future__ import annotations

import struct
from typing import Any, Final

from araz.sensors._flight import Fix, Flight, LogClock, flight_from_fixes

_NAN: Final = float("nan")
GLOBAL_POSITION_INT: Final = 33
GPS_RAW_INT: Final = 24
_CHECK_BYTE: Final = {GLOBAL_POSITION_INT: 104, GPS_RAW_INT: 24}
_FULL_LENGTH: Final = {GLOBAL_POSITION_INT: 28, GPS_RAW_INT: 30}
_FIX_3D: Final = 3
#: 6 January 1980, and the leap seconds since 2017.
GPS_EPOCH_US: Final = 315_964_800_000_000
LEAP_US: Final = 18_000_000
_DATAFLASH_HEAD: Final = b"\xa3\x95"
_FMT: Final = 128
_LETTERS: Final = {
    "a": "64s", "b": "b", "B": "B", "h": "h", "H": "H", "i": "i", "I": "I", "f": "f", "d": "d", "n": "4s", "N": "16s",
    "Z": "64s", "c": "h", "C": "H", "e": "i", "E": "I", "L": "i", "M": "B", "q": "q", "Q": "Q", "g": "2s",
}  # fmt: skip
_SCALE: Final = {"c": 0.01, "C": 0.01, "e": 0.01, "E": 0.01, "L": 1e-7}


def mavlink_checksum(data: bytes) -> int:
    """CRC-16/MCRF4XX (polynomial 1021 reflected, start FFFF, no final inversion)."""
    crc = 0xFFFF
    for byte in data:
        mixed = byte ^ (crc & 0xFF)
        mixed = (mixed ^ (mixed << 4)) & 0xFF
        crc = (crc >> 8) ^ (mixed << 8) ^ (mixed << 3) ^ (mixed >> 4)
    return crc & 0xFFFF


def looks_like_tlog(data: bytes) -> bool:
    """Whether a MAVLink frame with a plausible time stands within the first bytes."""
    return any(
        data[at + 8] in (0xFE, 0xFD) and 946_684_800_000_000 < int.from_bytes(data[at : at + 8], "big") < 1 << 53
        for at in range(max(0, min(len(data) - 9, 512)))
    )


def looks_like_ardupilot(data: bytes) -> bool:
    """Whether the file opens with a DataFlash format message."""
    return data[:3] == _DATAFLASH_HEAD + bytes([_FMT])


def read_tlog(data: bytes) -> Flight:
    """Return the vehicle's flight from a telemetry log: fused positions where there are any, else GPS with a 3D fix.

    Frames whose checksum fails are skipped and counted; after a damaged frame the next good one is searched.
    """
    fused: dict[int, list[Fix]] = {}
    raw: dict[int, list[Fix]] = {}
    skipped = {"bad-checksum": 0, "no-fix": 0}
    at = 0
    while at + 16 < len(data):
        frame = _frame(data, at + 8)
        if frame is None:
            at += 1
            continue
        system, message, payload, is_good, size = frame
        if message in _CHECK_BYTE:
            if not is_good:
                skipped["bad-checksum"] += 1
                at += 1
                continue
            at_us = int.from_bytes(data[at : at + 8], "big")
            body = payload.ljust(_FULL_LENGTH[message], b"\0")
            if message == GLOBAL_POSITION_INT:
                _, latitude, longitude, altitude, height = struct.unpack_from("<Iiiii", body)
                fix = (at_us, latitude / 1e7, longitude / 1e7, altitude / 1e3, height / 1e3)
                fused.setdefault(system, []).append(fix)
            elif body[28] < _FIX_3D:
                skipped["no-fix"] += 1
            else:
                _, latitude, longitude, altitude = struct.unpack_from("<Qiii", body)
                raw.setdefault(system, []).append((at_us, latitude / 1e7, longitude / 1e7, altitude / 1e3, _NAN))
        at += 8 + size
    for name, by_system in (("fused", fused), ("GPS", raw)):
        best = max(by_system.values(), key=lambda fixes: sum(1 for fix in fixes if fix[1] or fix[2]), default=[])
        if sum(1 for fix in best if fix[1] or fix[2]) >= 2:
            return flight_from_fixes(best, f"MAVLink telemetry log, {name}", skipped, LogClock.UTC)
    raise ValueError("The telemetry log holds no position: neither GLOBAL_POSITION_INT nor GPS_RAW_INT with a 3D fix.")


def _frame(data: bytes, at: int) -> tuple[int, int, bytes, bool, int] | None:
    """(system, message, payload, checksum holds, size) of the frame at a place; None when there is none.

    The checksum is worked out for the messages that are used; others are taken at their length.
    """
    start = data[at]
    if start == 0xFE and at + 8 <= len(data):
        head, length = 6, data[at + 1]
        system, message, signature = data[at + 3], data[at + 5], 0
    elif start == 0xFD and at + 12 <= len(data):
        head, length = 10, data[at + 1]
        system, message = data[at + 5], int.from_bytes(data[at + 7 : at + 10], "little")
        signature = 13 if data[at + 2] & 1 else 0
    else:
        return None
    size = head + length + 2 + signature
    if at + size > len(data):
        return None
    payload = data[at + head : at + head + length]
    extra = _CHECK_BYTE.get(message)
    if extra is None:
        # An unused message: believe its length only when another frame (or the end) follows it.
        follows = at + size + 8
        is_framed = follows >= len(data) or data[follows] in (0xFE, 0xFD)
        return (system, message, payload, True, size) if is_framed else None
    stated = int.from_bytes(data[at + head + length : at + head + length + 2], "little")
    is_good = mavlink_checksum(data[at + 1 : at + head + length] + bytes([extra])) == stated
    return system, message, payload, is_good, size


def read_ardupilot(data: bytes) -> Flight:
    """Return the flight of a DataFlash log: its GPS messages with a 3D fix; damaged stretches are passed over."""
    formats: dict[int, tuple[str, int, str, list[str]]] = {}
    fixes: list[Fix] = []
    walls: list[int] = []
    no_fix = 0
    at = 0
    while (at := data.find(_DATAFLASH_HEAD, at)) >= 0 and at + 3 <= len(data):
        number = data[at + 2]
        if number == _FMT:
            _add_format(formats, data[at + 3 : at + 89])
            at += 89
            continue
        known = formats.get(number)
        if known is None or at + known[1] > len(data):
            at += 1
            continue
        name, length, letters, columns = known
        if name == "GPS":
            row = _gps_row(data[at + 3 : at + length], letters, columns)
            if row is None:
                no_fix += 1
            else:
                fixes.append(_fix_of(row))
                walls.extend(_wall_us(row, fixes[-1][0]))
        at += length
    return flight_from_fixes(fixes, "ArduPilot DataFlash log", {"no-fix": no_fix}, LogClock.UTC, walls)


def _add_format(formats: dict[int, tuple[str, int, str, list[str]]], body: bytes) -> None:
    if len(body) < 86:
        return
    number, length = body[0], body[1]
    name, letters, columns = (
        part.split(b"\0")[0].decode("ascii", errors="replace") for part in (body[2:6], body[6:22], body[22:86])
    )
    if length >= 3 and all(letter in _LETTERS for letter in letters):
        formats[number] = (name, length, letters, columns.split(","))


def _gps_row(body: bytes, letters: str, columns: list[str]) -> dict[str, Any] | None:
    """Return the columns of a GPS message of the first receiver; None without a 3D fix, or when they do not fit."""
    layout = "<" + "".join(_LETTERS[letter] for letter in letters)
    if struct.calcsize(layout) > len(body):
        return None
    values = struct.unpack_from(layout, body)
    row = {
        name: value * _SCALE[letter] if letter in _SCALE else value
        for name, letter, value in zip(columns, letters, values, strict=False)
    }
    if row.get("Status", 0) < _FIX_3D or row.get("I", 0) != 0 or "Lat" not in row or "Lng" not in row:
        return None
    return row


def _wall_us(row: dict[str, Any], at_us: int) -> list[int]:
    """UTC minus the log's clock from GPS week and milliseconds; none where the receiver does not know the week."""
    # Older logs tell the milliseconds of the GPS week as TimeMS, newer ones as GMS.
    week, ms = row.get("GWk", row.get("Week", 0)), row.get("GMS", None if "TimeUS" in row else row.get("TimeMS"))
    if not week or ms is None:
        return []
    return [GPS_EPOCH_US + int(week) * 604_800_000_000 + int(ms) * 1000 - LEAP_US - at_us]


def _fix_of(row: dict[str, Any]) -> Fix:
    time = row["TimeUS"] if "TimeUS" in row else row.get("TimeMS", row.get("T", 0)) * 1000
    return int(time), float(row["Lat"]), float(row["Lng"]), float(row.get("Alt", _NAN)), float(row.get("RelAlt", _NAN))
