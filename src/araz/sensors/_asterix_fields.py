"""Numbers, times, places and names as ASTERIX writes them, the same in every category."""

from __future__ import annotations

from typing import Final, NamedTuple

from araz.sensors._asterix_tables import MalformedError, part_offsets

NM_M: Final = 1852.0
FOOT_M: Final = 0.3048
#: One step of a 16-bit full turn.
TURN16_DEG: Final = 360.0 / 65536.0
DAY_US: Final = 86_400_000_000

NOT_A_TARGET: Final = "It is a test, simulated or fixed target of the sender's own, not something in the air."
NO_DETECTION: Final = "The sender coasts or ended this track: it saw nothing this time."
_ICAO: Final = " ABCDEFGHIJKLMNOPQRSTUVWXYZ                     0123456789      "


class Context(NamedTuple):
    """What every record of one datagram shares."""

    sensor_id: str
    received_at_us: int
    message_seq: int


def signed(data: bytes, at: int, octets: int) -> int:
    """Return a two's complement integer."""
    return int.from_bytes(data[at : at + octets], "big", signed=True)


def unsigned(data: bytes, at: int, octets: int) -> int:
    """Return an unsigned integer."""
    return int.from_bytes(data[at : at + octets], "big")


def quantity(
    data: bytes, parts: dict[str, int], name: str, octets: int, unit: float, *, is_signed: bool = False
) -> float | None:
    at = parts.get(name)
    if at is None:
        return None
    return int.from_bytes(data[at : at + octets], "big", signed=is_signed) * unit


def parts_of(category: int, data: bytes, items: dict[str, int], item: str) -> dict[str, int]:
    at = items.get(item)
    return {} if at is None else part_offsets(category, item, data, at)


def time_of_day_us(data: bytes, at: int | None, received_at_us: int) -> int:
    """Return UTC microseconds of a time of day in 1/128 s, on the day that brings it closest to the arrival.

    At midnight a plot of 23:59:59 may arrive at 00:00:00 and, where clocks differ, the other way round. A missing time
    is the arrival. Fails with ``MalformedError`` for a time of day after 24 h: that clock says nothing.
    """
    if at is None:
        return received_at_us
    ticks = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2]
    if ticks > 11_059_200:
        raise MalformedError(
            "bad-time", f"The time of day is {ticks / 128:.1f} s, after 24 h. Check the radar's clock."
        )
    of_day_us = ticks * 15625 // 2
    observed = received_at_us - received_at_us % DAY_US + of_day_us
    if observed - received_at_us > DAY_US // 2:
        return observed - DAY_US if observed >= DAY_US else observed
    return observed + DAY_US if received_at_us - observed > DAY_US // 2 else observed


def callsign(data: bytes, at: int) -> str | None:
    """Return 8 characters of 6 bits (ICAO Annex 10), without trailing blanks; ``None`` when all are blank."""
    bits = unsigned(data, at, 6)
    text = "".join(_ICAO[(bits >> shift) & 63] for shift in range(42, -6, -6)).strip()
    return text or None


def place(latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    """Return the pair when it is on the earth; fails with ``MalformedError`` otherwise."""
    if abs(latitude_deg) > 90.0 or abs(longitude_deg) > 180.0:
        detail = f"Latitude {latitude_deg:.5f}, longitude {longitude_deg:.5f} are not on the earth: wrong edition?"
        raise MalformedError("implausible-position", detail)
    return latitude_deg, longitude_deg
