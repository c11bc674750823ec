"""CAT015, reports of non-cooperative sensors, into observations.

=========  =====================================  ==========================================================
item       field                                  becomes
=========  =====================================  ==========================================================
I015/145   time of applicability, 1/128 s         ``observed_at_us``
I015/625   R 0.1 m, SDR, RR 0.1 m/s, SDRR         range, range rate and their sigmas (mono-static only)
I015/626   DV 0.01 m/s, SDDV 1/64 m/s             range rate measured by Doppler: preferred to RR
I015/627   AZ 360/2^16 deg, SDASZ 45/2^16 deg     azimuth and its sigma
I015/628   EL 180/2^16 deg, SDEL 45/2^16 deg      elevation and its sigma
I015/600   P84 180/2^31 deg, HPP 0.25 m           position, when there is no mono-static range and azimuth
I015/601   GH 0.01 m, SDGH 0.01 m                 its height above the ellipsoid
I015/300   CLS 9 bits, PRB 7 bits                 class by number (its meaning is the maker's), percent
=========  =====================================  ==========================================================
"""

from __future__ import annotations

from araz.sensors._asterix_fields import (
    NO_DETECTION,
    NOT_A_TARGET,
    TURN16_DEG,
    Context,
    parts_of,
    place,
    quantity,
    signed,
    time_of_day_us,
    unsigned,
)
from araz.sensors._asterix_tables import MalformedError
from araz.vocabulary import Bearing, Features, Observation, Polar, Position


def read_015(data: bytes, items: dict[str, int], context: Context) -> Observation:
    """Return the target report of a CAT015 record; fails with ``MalformedError`` when it is not a detection."""
    kind = data[items["000"]] >> 1 if "000" in items else 0
    if kind == 5:
        raise MalformedError("no-detection", "The radar ended this track.")
    if "020" in items and data[items["020"]] & 0x30:
        raise MalformedError("not-a-target", NOT_A_TARGET)
    return Observation(
        sensor_id=context.sensor_id,
        observed_at_us=time_of_day_us(data, items.get("145"), context.received_at_us),
        received_at_us=context.received_at_us,
        message_seq=context.message_seq,
        measurement=_measurement_015(data, items),
        features=_features_015(data, items.get("300")),
    )


def _measurement_015(data: bytes, items: dict[str, int]) -> Polar | Position | Bearing:
    """Return the best of what the record has: range and azimuth, else a position, else a direction.

    A range of a multi-static radar is a sum of two paths, no distance from the sensor: it is not read.
    """
    ranges, azimuths, elevations = (parts_of(15, data, items, name) for name in ("625", "627", "628"))
    is_mono = "020" not in items or not data[items["020"]] & 0xC0
    if is_mono and "R" in ranges and "AZ" in azimuths:
        return _polar_015(data, items, ranges, azimuths, elevations)
    position = parts_of(15, data, items, "600")
    if "P84" in position:
        return _position_015(data, items, position)
    if "AZ" not in azimuths:
        raise MalformedError(
            "no-position", "The record has no mono-static range with azimuth, no position, no azimuth."
        )
    return Bearing(
        azimuth_deg=unsigned(data, azimuths["AZ"], 2) * TURN16_DEG,
        elevation_deg=quantity(data, elevations, "EL", 2, 180.0 / 65536.0, is_signed=True),
        azimuth_sigma_deg=quantity(data, azimuths, "SDASZ", 2, 45.0 / 65536.0),
    )


def _polar_015(
    data: bytes, items: dict[str, int], ranges: dict[str, int], azimuths: dict[str, int], elevations: dict[str, int]
) -> Polar:
    range_m = signed(data, ranges["R"], 3) * 0.1
    if range_m < 0:
        raise MalformedError("bad-range", f"A mono-static range of {range_m:.1f} m cannot be.")
    doppler = parts_of(15, data, items, "626")
    rate, rate_sigma = quantity(data, doppler, "DV", 3, 0.01, is_signed=True), None
    if rate is not None:
        rate_sigma = quantity(data, doppler, "SDDV", 2, 1 / 64)
    elif "RR" in ranges:
        rate = quantity(data, ranges, "RR", 3, 0.1, is_signed=True)
        rate_sigma = quantity(data, ranges, "SDRR", 3, 0.1)
    return Polar(
        range_m=range_m,
        azimuth_deg=unsigned(data, azimuths["AZ"], 2) * TURN16_DEG,
        elevation_deg=quantity(data, elevations, "EL", 2, 180.0 / 65536.0, is_signed=True),
        range_rate_mps=rate,
        range_sigma_m=quantity(data, ranges, "SDR", 3, 0.1),
        azimuth_sigma_deg=quantity(data, azimuths, "SDASZ", 2, 45.0 / 65536.0),
        elevation_sigma_deg=quantity(data, elevations, "SDEL", 2, 45.0 / 65536.0),
        range_rate_sigma_mps=rate_sigma,
    )


def _position_015(data: bytes, items: dict[str, int], parts: dict[str, int]) -> Position:
    if "170" in items and data[items["170"]] & 0x08:
        raise MalformedError("no-detection", NO_DETECTION)
    at = parts["P84"]
    latitude, longitude = place(signed(data, at, 4) * 180.0 / 2**31, signed(data, at + 4, 4) * 180.0 / 2**31)
    heights = parts_of(15, data, items, "601")
    precision = parts.get("HPP")
    sigma = None
    if precision is not None:
        sigma = 0.25 * max(unsigned(data, precision, 2), unsigned(data, precision + 2, 2))
    return Position(
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_hae_m=quantity(data, heights, "GH", 3, 0.01, is_signed=True),
        horizontal_sigma_m=sigma,
        vertical_sigma_m=quantity(data, heights, "SDGH", 3, 0.01),
    )


def _features_015(data: bytes, at: int | None) -> Features | None:
    """Return the most probable class of I015/300; the list of numbers is the maker's own."""
    if at is None or data[at] == 0:
        return None
    words = [unsigned(data, at + 1 + 2 * row, 2) for row in range(data[at])]
    best = max(words, key=lambda word: word & 0x7F)
    return Features(class_name=f"CAT015 class {best >> 7}", class_probability=min(best & 0x7F, 100) / 100.0)
