"""CAT062, tracks of another system, into observations.

=========  =====================================  ==========================================================
item       field                                  becomes
=========  =====================================  ==========================================================
I062/070   time of track, 1/128 s                 ``observed_at_us``
I062/105   latitude, longitude 180/2^25 deg       position
I062/130   geometric altitude 6.25 ft             height above the ellipsoid
I062/135   barometric altitude 25 ft, QNH bit     above mean sea level when QNH was applied, else pressure altitude
I062/136   measured flight level 25 ft            pressure altitude
I062/185   VX east, VY north 0.25 m/s             speed and course
I062/220   rate of climb 6.25 ft/min              climb
I062/380   ADR, ID, EMC                           Mode S claim with call sign and aircraft type
I062/500   APW 180/2^25 deg, AGA 6.25 ft          sigmas
=========  =====================================  ==========================================================
"""

from __future__ import annotations

from math import atan2, cos, degrees, hypot, radians
from typing import Final

from araz.sensors._asterix_fields import (
    FOOT_M,
    NOT_A_TARGET,
    Context,
    callsign,
    parts_of,
    place,
    quantity,
    signed,
    time_of_day_us,
    unsigned,
)
from araz.sensors._asterix_tables import MalformedError
from araz.vocabulary import Claim, ClaimKind, Observation, Position

_METRES_PER_DEG: Final = 111_195.0
#: I062/380 EMC: what the aircraft says it is.
_EMITTER: Final = {
    1: "light aircraft",
    3: "medium aircraft",
    5: "heavy aircraft",
    10: "rotorcraft",
    11: "glider",
    12: "lighter than air",
    13: "unmanned aerial vehicle",
    15: "ultralight",
    16: "parachutist",
}


def read_062(data: bytes, items: dict[str, int], context: Context) -> Observation:
    """Return the track of a CAT062 record; fails with ``MalformedError`` when it is no track of a target seen now."""
    _check_status_062(data, items.get("080"))
    return Observation(
        sensor_id=context.sensor_id,
        observed_at_us=time_of_day_us(data, items.get("070"), context.received_at_us),
        received_at_us=context.received_at_us,
        message_seq=context.message_seq,
        measurement=_position_062(data, items),
        claim=_claim_062(data, items),
    )


def _check_status_062(data: bytes, at: int | None) -> None:
    """Refuse simulated, ended and coasting tracks: second part SIM, TSE; fourth part CST."""
    if at is None or not data[at] & 1:
        return
    if data[at + 1] & 0x80:
        raise MalformedError("not-a-target", NOT_A_TARGET)
    if data[at + 1] & 0x40:
        raise MalformedError("no-detection", "The sending system ended this track.")
    if data[at + 1] & 1 and data[at + 2] & 1 and data[at + 3] & 0x80:
        raise MalformedError("no-detection", "The sending system coasts this track: no sensor saw it of late.")


def _position_062(data: bytes, items: dict[str, int]) -> Position:
    at = items.get("105")
    if at is None:
        raise MalformedError("no-position", "The record has no I062/105: ask the sending system for WGS 84 positions.")
    latitude, longitude = place(signed(data, at, 4) * 180.0 / 2**25, signed(data, at + 4, 4) * 180.0 / 2**25)
    baro, amsl = _barometric_062(data, items)
    speed, course = None, None
    if (at := items.get("185")) is not None:
        east, north = signed(data, at, 2) * 0.25, signed(data, at + 2, 2) * 0.25
        speed, course = hypot(east, north), degrees(atan2(east, north)) % 360.0
    accuracy = parts_of(62, data, items, "500")
    return Position(
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_hae_m=quantity(data, items, "130", 2, 6.25 * FOOT_M, is_signed=True),
        altitude_amsl_m=amsl,
        altitude_baro_m=baro,
        speed_mps=speed,
        course_deg=course,
        climb_mps=quantity(data, items, "220", 2, 6.25 * FOOT_M / 60.0, is_signed=True),
        horizontal_sigma_m=_sigma_062(data, accuracy.get("APW"), latitude),
        vertical_sigma_m=quantity(data, accuracy, "AGA", 1, 6.25 * FOOT_M) if "130" in items else None,
    )


def _barometric_062(data: bytes, items: dict[str, int]) -> tuple[float | None, float | None]:
    """Return (pressure altitude, altitude above mean sea level) of I062/135 and I062/136."""
    baro = quantity(data, items, "136", 2, 25.0 * FOOT_M, is_signed=True)
    at = items.get("135")
    if at is None:
        return baro, None
    steps = unsigned(data, at, 2) & 0x7FFF
    altitude = 25.0 * FOOT_M * (steps - 0x8000 if steps & 0x4000 else steps)
    if data[at] & 0x80:
        return baro, altitude
    return (altitude if baro is None else baro), None


def _sigma_062(data: bytes, at: int | None, latitude_deg: float) -> float | None:
    """Return the larger of the two standard deviations in metres; 0 is what senders write for unknown."""
    if at is None:
        return None
    unit_m = 180.0 / 2**25 * _METRES_PER_DEG
    north, east = unsigned(data, at, 2) * unit_m, unsigned(data, at + 2, 2) * unit_m * cos(radians(latitude_deg))
    return max(north, east) or None


def _claim_062(data: bytes, items: dict[str, int]) -> Claim | None:
    parts = parts_of(62, data, items, "380")
    if "ADR" in parts:
        at = parts["ADR"]
        return Claim(
            kind=ClaimKind.MODE_S,
            identity=data[at : at + 3].hex(),
            identity_type="icao",
            aircraft_type=_EMITTER.get(data[parts["EMC"]]) if "EMC" in parts else None,
            callsign=callsign(data, parts["ID"]) if "ID" in parts else None,
        )
    if "040" not in items:
        return None
    source = items.get("010")
    system = "" if source is None else f"{data[source]}/{data[source + 1]}/"
    return Claim(kind=ClaimKind.SYSTEM_TRACK, identity=f"{system}{unsigned(data, items['040'], 2)}")
