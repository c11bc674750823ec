"""ASTM F3411-22a Location/Vector, the message that moves: 25 bytes, type 0x1, little-endian.

======  ==========================================================================  =====================
bytes   field and step                                                              unknown
======  ==========================================================================  =====================
0       0x1 << 4 | protocol version
1       status << 4 | height type << 2 | east-west << 1 | speed multiplier
2       direction, 1 deg; plus 180 deg when the east-west bit is set                361 deg
3       speed, 0.25 m/s; with the multiplier 0.75 m/s + 63.75 m/s                   255 m/s
4       vertical speed, signed, 0.5 m/s                                             63 m/s
5-8     latitude, signed, 1e-7 deg                                                  0 with longitude 0
9-12    longitude, signed, 1e-7 deg
13-14   pressure altitude (1013.25 hPa), 0.5 m - 1000 m                             raw 0 (-1000 m)
15-16   geodetic altitude (WGS 84 ellipsoid), 0.5 m - 1000 m                        raw 0
17-18   height above take-off (type 0) or ground (type 1), 0.5 m - 1000 m           raw 0
19      vertical accuracy << 4 | horizontal accuracy (enumerations below)           0
20      pressure altitude accuracy << 4 | speed accuracy                            0
21-22   tenths of a second since the full hour, UTC                                 0xFFFF, above 36000
23      timestamp accuracy, 0.1 s (low four bits)                                   0
======  ==========================================================================  =====================

Accuracies are 95 % bounds: horizontal the radius of a circle (divide by 2.448 for the standard deviation of one
axis), vertical an interval (divide by 1.960). Values the standard reserves read as unknown.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from araz.sensors._remote_id_wire import DEGREE_SCALE, position_from

STATUSES = ("undeclared", "ground", "airborne", "emergency", "remote-id-failure")
HORIZONTAL_ACCURACY_M = (
    None, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0, 1.0,
)  # fmt: skip
VERTICAL_ACCURACY_M = (None, 150.0, 45.0, 25.0, 10.0, 3.0, 1.0)
SPEED_ACCURACY_MPS = (None, 10.0, 3.0, 1.0, 0.3)
#: Radius of the circle that holds 95 % of a two-dimensional normal, and half-width for one dimension.
SIGMAS_IN_95_CIRCLE = 2.4477
SIGMAS_IN_95_INTERVAL = 1.9600
HOUR_US = 3_600_000_000
#: A timestamp further than this from the arrival is a wrong clock, and the arrival time is the better guess.
CLOCK_LIMIT_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Location:
    """Where the aircraft says it is. Every unknown is None; ``tenths`` are tenths of a second within the hour."""

    latitude_deg: float | None = None
    longitude_deg: float | None = None
    altitude_hae_m: float | None = None
    altitude_baro_m: float | None = None
    height_m: float | None = None
    height_is_agl: bool = False
    speed_mps: float | None = None
    course_deg: float | None = None
    climb_mps: float | None = None
    status: int = 2
    horizontal_accuracy: int = 0
    vertical_accuracy: int = 0
    baro_accuracy: int = 0
    speed_accuracy: int = 0
    tenths: int | None = None
    time_accuracy: int = 0


def decode_location(data: bytes) -> Location:
    """Decode 25 bytes (table above); Malformed for a position that is not on the earth."""
    flags, direction, speed, climb, latitude, longitude = struct.unpack_from("<BBBbii", data, 1)
    baro, hae, height, accuracy, accuracy2, tenths, time_accuracy = struct.unpack_from("<HHHBBHB", data, 13)
    place = position_from(latitude, longitude, DEGREE_SCALE, "the aircraft's position")
    return Location(
        latitude_deg=None if place is None else place[0],
        longitude_deg=None if place is None else place[1],
        altitude_hae_m=height_from(hae),
        altitude_baro_m=height_from(baro),
        height_m=height_from(height),
        height_is_agl=bool(flags & 0x04),
        speed_mps=_speed_from(speed, bool(flags & 0x01)),
        course_deg=_course_from(direction, bool(flags & 0x02)),
        climb_mps=climb * 0.5 if abs(climb) <= 124 else None,
        status=flags >> 4,
        horizontal_accuracy=accuracy & 0x0F,
        vertical_accuracy=accuracy >> 4,
        baro_accuracy=accuracy2 >> 4,
        speed_accuracy=accuracy2 & 0x0F,
        tenths=tenths if tenths <= 36_000 else None,
        time_accuracy=time_accuracy & 0x0F,
    )


def encode_location(message: Location) -> tuple[int, bytes]:
    """Return (type, bytes 1 to 23) of the table above; ValueError for a value without a place in its field."""
    speed, fast = _speed_to(message.speed_mps)
    direction = 361 if message.course_deg is None else round(message.course_deg) % 360
    east_west = direction >= 180
    climb = 126 if message.climb_mps is None else max(-124, min(124, round(message.climb_mps * 2)))
    return 0x1, struct.pack(
        "<BBBbiiHHHBBHB",
        (message.status & 0x0F) << 4 | message.height_is_agl << 2 | east_west << 1 | fast,
        direction - 180 if east_west else direction,
        speed,
        climb,
        round((message.latitude_deg or 0.0) * DEGREE_SCALE),
        round((message.longitude_deg or 0.0) * DEGREE_SCALE),
        height_to(message.altitude_baro_m),
        height_to(message.altitude_hae_m),
        height_to(message.height_m),
        (message.vertical_accuracy & 0x0F) << 4 | message.horizontal_accuracy & 0x0F,
        (message.baro_accuracy & 0x0F) << 4 | message.speed_accuracy & 0x0F,
        0xFFFF if message.tenths is None else message.tenths,
        message.time_accuracy & 0x0F,
    )


def height_from(raw: int) -> float | None:
    """Return metres of a 16-bit height (0.5 m - 1000 m), None for raw 0."""
    return None if raw == 0 else raw * 0.5 - 1000.0


def height_to(height_m: float | None) -> int:
    """Return the 16-bit height; heights beyond the field are held at its ends, unknown is 0."""
    return 0 if height_m is None else max(1, min(0xFFFF, round((height_m + 1000.0) * 2)))


def horizontal_sigma_m(accuracy: int) -> float | None:
    """Return the standard deviation of one horizontal axis for an accuracy code, None when unknown or reserved."""
    bound = HORIZONTAL_ACCURACY_M[accuracy] if accuracy < len(HORIZONTAL_ACCURACY_M) else None
    return None if bound is None else bound / SIGMAS_IN_95_CIRCLE


def vertical_sigma_m(accuracy: int) -> float | None:
    """Return the standard deviation of the height for an accuracy code, None when unknown or reserved."""
    bound = VERTICAL_ACCURACY_M[accuracy] if accuracy < len(VERTICAL_ACCURACY_M) else None
    return None if bound is None else bound / SIGMAS_IN_95_INTERVAL


def observed_time_us(tenths: int | None, received_at_us: int) -> int:
    """Resolve tenths of a second within the hour to the full time nearest the arrival.

    Unknown, or further than ``CLOCK_LIMIT_US`` from the arrival (a transmitter without a clock sends 0): the arrival.
    """
    if tenths is None:
        return received_at_us
    in_hour_us = tenths * 100_000
    difference_us = (in_hour_us - received_at_us + HOUR_US // 2) % HOUR_US - HOUR_US // 2
    observed_us = received_at_us + difference_us
    return observed_us if abs(difference_us) <= CLOCK_LIMIT_US and observed_us >= 0 else received_at_us


def _speed_from(raw: int, fast: bool) -> float | None:
    if not fast:
        return raw * 0.25
    return None if raw == 255 else raw * 0.75 + 63.75


def _speed_to(speed_mps: float | None) -> tuple[int, bool]:
    if speed_mps is None:
        return 255, True
    if speed_mps < 0:
        raise ValueError(f"speed {speed_mps} m/s is negative: give the speed over ground and a course")
    if round(speed_mps * 4) <= 255:
        return round(speed_mps * 4), False
    return min(254, round((speed_mps - 63.75) / 0.75)), True


def _course_from(raw: int, east_west: bool) -> float | None:
    course_deg = raw + 180 if east_west else raw
    return float(course_deg % 360) if course_deg <= 360 else None
