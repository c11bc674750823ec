"""ADS-B as a receiver would deliver it, for the simulation and the tests: SBS lines, Mode S frames, Beast and AVR.

Message of an ADS-B frame (56 bits from bit 32), type code first:

==================  ================================================================================================
identification      type code 4 (set A), 3 (B) or 2 (C) in 5 bits, category 3, eight characters of 6 bits
position in the air 11 (pressure altitude) or 20 (GNSS height); status 2, antenna 1, altitude 12 (25 ft - 1000 ft,
                    Q bit), time 1, odd 1, latitude 17, longitude 17
velocity            19, subtype 1 (3 bits); 1, 1, 3 bits; west 1, east-west speed + 1 in kt 10; south 1,
                    north-south 10; source 1, down 1, climb / 64 ft/min + 1 in 9; 2 bits; below 1,
                    (GNSS - pressure) / 25 ft + 1 in 7
==================  ================================================================================================
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from araz.sensors._adsb_cpr import encode_cpr
from araz.sensors._adsb_frames import ESCAPE
from araz.sensors._adsb_modes import CATEGORIES, FEET_M, FEET_PER_MINUTE_MPS, KNOT_MPS, mode_s_checksum

_CHARACTERS = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ##### ###############0123456789######"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_adsb_identification(icao24: str, callsign: str, aircraft_type: str | None = None) -> bytes:
    """Return the 14-byte frame with a callsign of up to eight characters and an emitter category (``CATEGORIES``)."""
    type_code, category = next(
        ((code, names.index(aircraft_type)) for code, names in CATEGORIES.items() if aircraft_type in names), (4, 0)
    )
    if aircraft_type is not None and category == 0:
        raise ValueError(f"{aircraft_type!r} is no emitter category: choose one of {CATEGORIES}")
    text = callsign.upper().ljust(8)
    if len(text) > 8 or any(character not in _CHARACTERS or character == "#" for character in text):
        raise ValueError(f"{callsign!r} is no callsign: up to eight letters, digits and spaces")
    value = type_code << 3 | category
    for character in text:
        value = value << 6 | _CHARACTERS.index(character)
    return _frame(icao24, value)


def encode_adsb_position(
    icao24: str, latitude_deg: float, longitude_deg: float, altitude_ft: float, *, odd: bool, is_gnss: bool = False
) -> bytes:
    """Return the 14-byte frame of a position in the air; send even and odd in turn, half a second apart."""
    steps = round((altitude_ft + 1000.0) / 25.0)
    if not 0 <= steps < 1 << 11:
        raise ValueError(f"altitude {altitude_ft} ft is outside -1000 to 50175 ft")
    altitude = steps >> 4 << 5 | 0x10 | steps & 0x0F
    latitude, longitude = encode_cpr(latitude_deg, longitude_deg, odd)
    value = (20 if is_gnss else 11) << 51 | altitude << 36 | int(odd) << 34 | latitude << 17 | longitude
    return _frame(icao24, value)


def encode_adsb_velocity(
    icao24: str,
    speed_mps: float,
    course_deg: float,
    climb_mps: float | None = None,
    hae_minus_baro_m: float | None = None,
) -> bytes:
    """Return the 14-byte frame of a velocity over ground below 1021 kt; the steps are 1 kt, 64 ft/min and 25 ft."""
    east = round(speed_mps * math.sin(math.radians(course_deg)) / KNOT_MPS)
    north = round(speed_mps * math.cos(math.radians(course_deg)) / KNOT_MPS)
    if max(abs(east), abs(north)) > 1021:
        raise ValueError(f"{speed_mps} m/s is faster than a subsonic velocity message can say")
    climb = None if climb_mps is None else round(climb_mps / FEET_PER_MINUTE_MPS / 64)
    above = None if hae_minus_baro_m is None else round(hae_minus_baro_m / FEET_M / 25)
    value = 19 << 3 | 1
    value = value << 5 | 0
    value = value << 1 | (east < 0)
    value = value << 10 | abs(east) + 1
    value = value << 1 | (north < 0)
    value = value << 10 | abs(north) + 1
    value = value << 1 | 1
    value = value << 10 | _signed_step(climb, 9)
    value = value << 2
    value = value << 8 | _signed_step(above, 7)
    return _frame(icao24, value)


def encode_raw(frame: bytes) -> bytes:
    """Return a frame as an AVR line."""
    return b"*" + frame.hex().upper().encode() + b";\n"


def encode_beast(frame: bytes, ticks: int = 0, signal: int = 0x80) -> bytes:
    """Return a frame in the Beast stream; ``ticks`` of 12 MHz, ``signal`` 0-255 relative to full scale."""
    kind = {7: b"2", 14: b"3"}.get(len(frame))
    if kind is None:
        raise ValueError(f"a Mode S frame has 7 or 14 bytes, this one {len(frame)}")
    body = (ticks % (1 << 48)).to_bytes(6, "big") + bytes([signal]) + frame
    return bytes([ESCAPE]) + kind + body.replace(b"\x1a", b"\x1a\x1a")


def encode_sbs_position(
    icao24: str, at_us: int, latitude_deg: float, longitude_deg: float, altitude_ft: float, callsign: str = ""
) -> bytes:
    """Return an SBS line MSG,3: pressure altitude in feet, place in degrees."""
    fields = {10: callsign, 11: f"{altitude_ft:.0f}", 14: f"{latitude_deg:.5f}", 15: f"{longitude_deg:.5f}", 21: "0"}
    return _sbs_line(3, icao24, at_us, fields)


def encode_sbs_velocity(icao24: str, at_us: int, speed_mps: float, course_deg: float, climb_mps: float = 0.0) -> bytes:
    """Return an SBS line MSG,4: whole knots, degrees and feet a minute."""
    fields = {
        12: f"{speed_mps / KNOT_MPS:.0f}",
        13: f"{course_deg % 360:.0f}",
        16: f"{climb_mps / FEET_PER_MINUTE_MPS:.0f}",
    }
    return _sbs_line(4, icao24, at_us, fields)


def encode_sbs_identification(icao24: str, at_us: int, callsign: str) -> bytes:
    """Return an SBS line MSG,1."""
    return _sbs_line(1, icao24, at_us, {10: callsign})


def _sbs_line(kind: int, icao24: str, at_us: int, values: dict[int, str]) -> bytes:
    at = _EPOCH + timedelta(microseconds=at_us)
    date, clock = at.strftime("%Y/%m/%d"), at.strftime("%H:%M:%S.%f")[:-3]
    fields = ["MSG", str(kind), "1", "1", icao24.upper(), "1", date, clock, date, clock, *[""] * 12]
    for index, value in values.items():
        fields[index] = value
    return (",".join(fields) + "\r\n").encode("ascii")


def _signed_step(step: int | None, bits: int) -> int:
    """Return sign bit and value + 1 in ``bits``; zero is "no information", values beyond the field are held."""
    if step is None:
        return 0
    return int(step < 0) << bits | min(abs(step) + 1, (1 << bits) - 1)


def _frame(icao24: str, message: int) -> bytes:
    address = bytes.fromhex(icao24)
    if len(address) != 3:
        raise ValueError(f"{icao24!r} is not an ICAO address: six hexadecimal digits")
    body = bytes([17 << 3 | 5]) + address + message.to_bytes(7, "big")
    return body + mode_s_checksum(body).to_bytes(3, "big")
