"""CAT048, radar plots, into observations.

=========  =====================================  ==========================================================
item       field                                  becomes
=========  =====================================  ==========================================================
I048/140   time of day, 1/128 s                   ``observed_at_us``
I048/020   TYP, SIM, RAB, TST, ERR                what the plot is; no-detections and test targets are rejected
I048/040   RHO 1/256 NM, THETA 360/2^16 deg       range and azimuth (slant, from local true north)
I048/042   X, Y 1/128 NM, signed                  range and azimuth, only when I048/040 is missing
I048/110   height of a 3-D radar, 25 ft, signed   altitude above mean sea level
I048/120   CAL 1 m/s, signed; D doubtful          range rate, only when not doubtful
I048/130   PAM (else SAM) 1 dBm, signed           signal level
I048/220   aircraft address, 24 bits              Mode S claim
I048/240   8 characters of 6 bits                 call sign of that claim
=========  =====================================  ==========================================================
"""

from __future__ import annotations

from functools import lru_cache
from math import atan2, degrees, hypot
from typing import Final

from araz.sensors._asterix_fields import (
    FOOT_M,
    NM_M,
    NO_DETECTION,
    NOT_A_TARGET,
    TURN16_DEG,
    Context,
    callsign,
    signed,
    time_of_day_us,
)
from araz.sensors._asterix_tables import MalformedError, part_offsets
from araz.vocabulary import Claim, ClaimKind, Features, Observation, Polar

_TYP_048: Final = (
    "no detection",
    "primary",
    "secondary",
    "secondary and primary",
    "Mode S all-call",
    "Mode S roll-call",
    "Mode S all-call and primary",
    "Mode S roll-call and primary",
)


@lru_cache(maxsize=4096)
def _features_048(kind: int | None, signal_dbm: int | None) -> Features | None:
    if kind is None and signal_dbm is None:
        return None
    return Features(signal_dbm=signal_dbm, description=None if kind is None else _TYP_048[kind])


def read_048(data: bytes, items: dict[str, int], context: Context) -> Observation:
    """Return the plot of a CAT048 record; fails with ``MalformedError`` when it is not a detection of a target."""
    kind = _kind_048(data, items.get("020"))
    polar = _polar_048(data, items)
    return Observation(
        sensor_id=context.sensor_id,
        observed_at_us=time_of_day_us(data, items.get("140"), context.received_at_us),
        received_at_us=context.received_at_us,
        message_seq=context.message_seq,
        measurement=polar,
        claim=_claim_048(data, items),
        features=_features_048(kind, _signal_048(data, items.get("130"))),
    )


def _kind_048(data: bytes, at: int | None) -> int | None:
    if at is None:
        return None
    first = data[at]
    kind = first >> 5
    if kind == 0:
        raise MalformedError("no-detection", NO_DETECTION)
    if first & 0x12:
        raise MalformedError("not-a-target", NOT_A_TARGET)
    if first & 1 and data[at + 1] & 0xC0:
        if data[at + 1] & 0x80:
            raise MalformedError("not-a-target", NOT_A_TARGET)
        raise MalformedError(
            "extended-range", "The range is above 256 NM and stands in the RE item, which is not read."
        )
    return kind


def _polar_048(data: bytes, items: dict[str, int]) -> Polar:
    at = items.get("040")
    if at is not None:
        range_m = ((data[at] << 8) | data[at + 1]) * (NM_M / 256.0)
        azimuth_deg = ((data[at + 2] << 8) | data[at + 3]) * TURN16_DEG
    elif (at := items.get("042")) is not None:
        east, north = signed(data, at, 2) * (NM_M / 128.0), signed(data, at + 2, 2) * (NM_M / 128.0)
        range_m, azimuth_deg = hypot(east, north), degrees(atan2(east, north)) % 360.0
    else:
        raise MalformedError("no-position", "The record has neither I048/040 nor I048/042: nothing to place.")
    height = items.get("110")
    doppler = items.get("120")
    return Polar(
        range_m=range_m,
        azimuth_deg=azimuth_deg,
        range_rate_mps=None if doppler is None else _doppler_048(data, doppler),
        altitude_amsl_m=None if height is None else _height_048(data, height),
    )


def _height_048(data: bytes, at: int) -> float:
    steps = ((data[at] & 0x3F) << 8) | data[at + 1]
    return 25.0 * FOOT_M * (steps - 0x4000 if steps & 0x2000 else steps)


def _doppler_048(data: bytes, at: int) -> float | None:
    """Return CAL of I048/120 unless marked doubtful; positive is taken as going away (the edition does not say)."""
    cal = part_offsets(48, "120", data, at).get("CAL")
    if cal is None or data[cal] & 0x80:
        return None
    speed = ((data[cal] & 0x03) << 8) | data[cal + 1]
    return float(speed - 1024 if speed & 0x200 else speed)


def _signal_048(data: bytes, at: int | None) -> int | None:
    if at is None:
        return None
    parts = part_offsets(48, "130", data, at)
    level = parts.get("PAM", parts.get("SAM"))
    return None if level is None else signed(data, level, 1)


def _claim_048(data: bytes, items: dict[str, int]) -> Claim | None:
    at = items.get("220")
    if at is None:
        return None
    name = items.get("240")
    return Claim(
        kind=ClaimKind.MODE_S,
        identity=data[at : at + 3].hex(),
        identity_type="icao",
        callsign=None if name is None else callsign(data, name),
    )
