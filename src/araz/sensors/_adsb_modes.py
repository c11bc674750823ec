"""Mode S frames, 7 or 14 bytes: the checksum is ours, the fields of the message are read by ``rs1090``.

=========================  ==================================================================================
downlink format            what is done
=========================  ==================================================================================
17, 18 (ADS-B, TIS-B)      24-bit checksum must be the last three bytes; then the message is read
11 (all-call reply)        checksum must match but for the low 7 bits (interrogator code); says nothing new
0, 4, 5, 16, 19-21, 24-    military, or the checksum is mixed with the address and proves nothing: not read
others                     reserved: rejected
=========================  ==================================================================================

Type code of a message (first 5 bits after the address): 1-4 identification, 5-8 position on the ground, 9-18 in the air
with pressure altitude, 20-22 in the air with GNSS height, 19 velocity, 31 status (position accuracy). Speeds come in
knots, heights in feet, climb in feet a minute; all leave this file in SI units.

Source: ICAO Annex 10 volume IV, RTCA DO-260B. ``rs1090`` (MIT) reads the fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import rs1090

from araz.sensors._remote_id_location import SIGMAS_IN_95_CIRCLE
from araz.sensors._remote_id_wire import Malformed

FEET_M = 0.3048
KNOT_MPS = 1852.0 / 3600.0
FEET_PER_MINUTE_MPS = FEET_M / 60.0
#: Emitter categories: set A for type code 4, B for 3, C for 2; the first entry of a set is "no information".
CATEGORIES = {
    4: (None, "light", "small", "large", "high-vortex", "heavy", "high-performance", "rotorcraft"),
    3: (None, "glider", "lighter-than-air", "parachutist", "ultralight", None, "unmanned", "space"),
    2: (None, "emergency-vehicle", "service-vehicle", "obstacle", "obstacle", "obstacle", None, None),
}
#: Navigation accuracy category of the position: radius that holds 95 %.
NACP_RADIUS_M = (
    None, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0,
)  # fmt: skip
_GENERATOR = 0xFFF409
_UNPROVEN = frozenset({0, 4, 5, 16, 19, 20, 21, *range(24, 32)})


@dataclass(frozen=True, slots=True)
class Said:
    """What one message says of one aircraft; None is "this message does not say"."""

    identity: str
    callsign: str | None = None
    aircraft_type: str | None = None
    on_ground: bool | None = None
    cpr: tuple[int, int] | None = None
    cpr_is_odd: bool = False
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    has_velocity: bool = False
    speed_mps: float | None = None
    course_deg: float | None = None
    climb_mps: float | None = None
    altitude_baro_m: float | None = None
    altitude_hae_m: float | None = None
    hae_minus_baro_m: float | None = None
    horizontal_sigma_m: float | None = None
    observed_at_us: int | None = None


def _checksum_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 16
        for _ in range(8):
            value = (value << 1 ^ (_GENERATOR if value & 0x800000 else 0)) & 0xFFFFFF
        table.append(value)
    return tuple(table)


_TABLE = _checksum_table()


def mode_s_checksum(data: bytes) -> int:
    """Return the 24-bit remainder of the Mode S generator 0x1FFF409: the last three bytes of an ADS-B frame."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFFFF) ^ _TABLE[value >> 16 ^ byte]
    return value


def read_mode_s(frame: bytes) -> Said | None:
    """Return what a frame says, None where it is sound and says nothing of use; Malformed per the table above."""
    if not frame:
        raise Malformed("truncated", "an empty Mode S frame")
    kind = frame[0] >> 3
    length = 14 if kind >= 16 else 7
    if len(frame) != length:
        raise Malformed("bad-length", f"downlink format {kind} has {length} bytes, this frame {len(frame)}")
    if kind in _UNPROVEN:
        return None
    if kind not in (11, 17, 18):
        raise Malformed("unknown-format", f"downlink format {kind} is reserved: noise taken for a frame")
    remainder = mode_s_checksum(frame[:-3]) ^ int.from_bytes(frame[-3:], "big")
    if remainder & (0xFFFF80 if kind == 11 else 0xFFFFFF):
        raise Malformed("bad-checksum", "the Mode S checksum does not match: the frame was damaged on the air")
    return None if kind == 11 else _extended_squitter(frame, kind)


def _extended_squitter(frame: bytes, kind: int) -> Said | None:
    fields = cast("dict[str, Any] | None", rs1090.decode(frame.hex()))
    if fields is None:
        raise Malformed("undecodable", f"type code {frame[4] >> 3} with values the standard does not define")
    # A DF18 frame with another control field than 0 or 6 carries an address that is not ICAO's: marked as such.
    foreign = kind == 18 and frame[0] & 0x07 not in (0, 6)
    identity = ("~" if foreign else "") + frame[1:4].hex()
    type_code = frame[4] >> 3
    if 1 <= type_code <= 4:
        return _identification(identity, type_code, frame[4] & 0x07, fields)
    if 5 <= type_code <= 8:
        return _on_ground(identity, fields)
    if 9 <= type_code <= 18 or 20 <= type_code <= 22:
        return _in_the_air(identity, fields)
    if type_code == 19:
        return _velocity(identity, fields)
    return _status(identity, fields) if type_code == 31 else Said(identity=identity)


def _identification(identity: str, type_code: int, category: int, fields: dict[str, Any]) -> Said:
    callsign = str(fields.get("callsign") or "").replace("#", "").strip()
    types = CATEGORIES.get(type_code)
    return Said(identity=identity, callsign=callsign or None, aircraft_type=types[category] if types else None)


def _on_ground(identity: str, fields: dict[str, Any]) -> Said:
    return Said(
        identity=identity,
        on_ground=True,
        cpr=(fields["lat_cpr"], fields["lon_cpr"]),
        cpr_is_odd=fields["parity"] == "odd",
        has_velocity=True,
        speed_mps=scaled(fields.get("groundspeed"), KNOT_MPS),
        course_deg=fields.get("track"),
    )


def _in_the_air(identity: str, fields: dict[str, Any]) -> Said:
    altitude_m = scaled(fields.get("altitude"), FEET_M)
    is_gnss = fields.get("source") == "GNSS"
    return Said(
        identity=identity,
        on_ground=False,
        cpr=(fields["lat_cpr"], fields["lon_cpr"]),
        cpr_is_odd=fields["parity"] == "odd",
        altitude_baro_m=None if is_gnss else altitude_m,
        altitude_hae_m=altitude_m if is_gnss else None,
    )


def _velocity(identity: str, fields: dict[str, Any]) -> Said:
    # Airspeed and heading (subtypes 3 and 4) are not motion over the ground.
    return Said(
        identity=identity,
        has_velocity=True,
        speed_mps=scaled(fields.get("groundspeed"), KNOT_MPS),
        course_deg=fields.get("track"),
        climb_mps=scaled(fields.get("vertical_rate"), FEET_PER_MINUTE_MPS),
        hae_minus_baro_m=scaled(fields.get("geo_minus_baro"), FEET_M),
    )


def _status(identity: str, fields: dict[str, Any]) -> Said:
    accuracy = fields.get("NACp")
    radius_m = NACP_RADIUS_M[accuracy] if isinstance(accuracy, int) and accuracy < len(NACP_RADIUS_M) else None
    return Said(identity=identity, horizontal_sigma_m=None if radius_m is None else radius_m / SIGMAS_IN_95_CIRCLE)


def scaled(value: float | None, unit: float) -> float | None:
    """Return a value in SI units, None where it is unknown."""
    return None if value is None else value * unit
