"""Compact position reporting of ADS-B: 17-bit positions within zones, even (60 zones of latitude) and odd (59).

With i = 0 even, 1 odd, S = 360 deg in the air or 90 deg on the ground, NL the number of longitude zones:

    dlat = S / (60 - i),  yz = floor(2^17 (lat mod dlat) / dlat + 1/2),  dlon = S / max(NL(rlat) - i, 1), xz alike

An even and an odd report together give the place on the earth ("global"); one report and a place known to lie within
half a zone (333 km in the air, 83 km on the ground) give it too ("local").
Source: RTCA DO-260B appendix A.1.7; our code.
"""

from __future__ import annotations

import math

_STEPS = 1 << 17
AIR_DEG = 360.0
GROUND_DEG = 90.0


def longitude_zones(latitude_deg: float) -> int:
    """Return NL, the number of longitude zones at a latitude: 59 at the equator, 1 beyond 87 degrees."""
    if abs(latitude_deg) >= 87.0:
        return 2 if abs(latitude_deg) == 87.0 else 1
    part = (1.0 - math.cos(math.pi / 30.0)) / math.cos(math.radians(latitude_deg)) ** 2
    return int(2.0 * math.pi / math.acos(1.0 - part))


def encode_cpr(latitude_deg: float, longitude_deg: float, odd: bool, span_deg: float = AIR_DEG) -> tuple[int, int]:
    """Return the 17-bit latitude and longitude of a place (equations above)."""
    zone_lat = span_deg / (60 - odd)
    y = math.floor(_STEPS * (latitude_deg % zone_lat) / zone_lat + 0.5)
    back_lat = zone_lat * (y / _STEPS + math.floor(latitude_deg / zone_lat))
    zone_lon = span_deg / max(longitude_zones(back_lat) - odd, 1)
    x = math.floor(_STEPS * (longitude_deg % zone_lon) / zone_lon + 0.5)
    return y % _STEPS, x % _STEPS


def decode_cpr_pair(even: tuple[int, int], odd: tuple[int, int], newest_is_odd: bool) -> tuple[float, float] | None:
    """Return (latitude_deg, longitude_deg) of the newer of an even and an odd airborne report.

    None when the aircraft crossed a zone border between them, so that they do not fit together.
    """
    even_y, odd_y = even[0] / _STEPS, odd[0] / _STEPS
    zone = math.floor(59 * even_y - 60 * odd_y + 0.5)
    even_lat = _signed(AIR_DEG / 60 * (zone % 60 + even_y))
    odd_lat = _signed(AIR_DEG / 59 * (zone % 59 + odd_y))
    if abs(even_lat) > 90 or abs(odd_lat) > 90 or longitude_zones(even_lat) != longitude_zones(odd_lat):
        return None
    latitude_deg = odd_lat if newest_is_odd else even_lat
    zones = longitude_zones(latitude_deg)
    even_x, odd_x = even[1] / _STEPS, odd[1] / _STEPS
    index = math.floor(even_x * (zones - 1) - odd_x * zones + 0.5)
    count = max(zones - newest_is_odd, 1)
    longitude_deg = AIR_DEG / count * (index % count + (odd_x if newest_is_odd else even_x))
    return latitude_deg, _signed(longitude_deg)


def decode_cpr_near(
    report: tuple[int, int], is_odd: bool, latitude_deg: float, longitude_deg: float, span_deg: float = AIR_DEG
) -> tuple[float, float] | None:
    """Return the place of one report that lies nearest to a known place; None beyond the poles."""
    y, x = report[0] / _STEPS, report[1] / _STEPS
    zone_lat = span_deg / (60 - is_odd)
    latitude = zone_lat * (math.floor(latitude_deg / zone_lat - y + 0.5) + y)
    if abs(latitude) > 90:
        return None
    zone_lon = span_deg / max(longitude_zones(latitude) - is_odd, 1)
    longitude = zone_lon * (math.floor(longitude_deg / zone_lon - x + 0.5) + x)
    return latitude, _signed(longitude)


def _signed(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0
