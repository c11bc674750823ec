"""CAT034, a radar's service messages, into scan marks and sensor reports.

=========  =======================================  ========================================================
item       field                                    becomes
=========  =======================================  ========================================================
I034/000   1 north marker                           a mark of a full turn
           2 sector crossing                        a mark from the previous sector's azimuth to this one
           4, 6, 7 jamming strobe, 5 solar storm    a report: degraded
           3 geographical filtering                 a report
I034/020   sector number 360/256 deg                the azimuth where the sector begins
I034/030   time of day 1/128 s                      ``observed_at_us``
I034/041   antenna rotation period 1/128 s          ``scan_period_s``
I034/050   COM: NOGO; overloads, time source,       state failed; degraded; else ok
           PSR, SSR, MDS: no channel, overload
I034/120   height 1 m, lat., long. 180/2^23 deg     where the radar says it stands (WGS 84)
=========  =======================================  ========================================================
"""

from __future__ import annotations

from typing import Final

from araz.sensors._asterix_fields import Context, place, signed, time_of_day_us, unsigned
from araz.sensors._asterix_tables import MalformedError, part_offsets
from araz.vocabulary import ScanMark, SensorReport, SensorState

_TEXT: Final = {
    2: None,
    1: None,
    3: "geographical filtering",
    4: "jamming strobe",
    5: "solar storm",
    6: "SSR jamming strobe",
    7: "Mode S jamming strobe",
}
_DISTURBED: Final = frozenset({4, 5, 6, 7})
_COM: Final = ((0x10, "data processor overload"), (0x08, "transmission overload"), (0x02, "time source invalid"))


def read_034(
    data: bytes, items: dict[str, int], context: Context, previous_sector_deg: float | None
) -> tuple[list[ScanMark | SensorReport], float | None]:
    """Return what a service message says, and the azimuth of its sector (``None`` when it is no sector crossing).

    The first sector after a start has no beginning, and the same edge crossed again may be a repeat or a turn: both
    give a report and no mark, because a mark is read as "here it looked". Fails with ``MalformedError`` without a known
    message type.
    """
    kind = data[items["000"]] if "000" in items else 0
    if kind not in _TEXT:
        raise MalformedError("bad-type", f"CAT034 message type {kind} is not one of 1 to 7.")
    at_us = time_of_day_us(data, items.get("030"), context.received_at_us)
    said: list[ScanMark | SensorReport] = []
    sector_deg: float | None = None
    if kind == 1:
        said.append(_mark(context, at_us, None, None))
    elif kind == 2:
        if "020" not in items:
            raise MalformedError("no-sector", "A sector crossing without I034/020 marks nothing.")
        sector_deg = data[items["020"]] * (360.0 / 256.0)
        if previous_sector_deg is not None and sector_deg != previous_sector_deg:
            said.append(_mark(context, at_us, previous_sector_deg, sector_deg))
    if not said or not items.keys().isdisjoint(("041", "050", "120")):
        said.append(_report(data, items, context, at_us, kind))
    return said, sector_deg


def _mark(context: Context, at_us: int, from_deg: float | None, to_deg: float | None) -> ScanMark:
    return ScanMark(
        sensor_id=context.sensor_id,
        observed_at_us=at_us,
        received_at_us=context.received_at_us,
        message_seq=context.message_seq,
        sector_from_deg=from_deg,
        sector_to_deg=to_deg,
    )


def _report(data: bytes, items: dict[str, int], context: Context, at_us: int, kind: int) -> SensorReport:
    state, faults = SensorState.UNKNOWN, list[str]()
    if "050" in items:
        state, faults = _status(data, items["050"])
    if kind in _DISTURBED:
        state = SensorState.FAILED if state == SensorState.FAILED else SensorState.DEGRADED
    text = _TEXT[kind]
    details = ([text] if text else []) + faults
    period = unsigned(data, items["041"], 2) / 128.0 if "041" in items else 0.0
    latitude, longitude, height = _own_place(data, items.get("120"))
    return SensorReport(
        sensor_id=context.sensor_id,
        observed_at_us=at_us,
        received_at_us=context.received_at_us,
        message_seq=context.message_seq,
        state=state,
        detail=", ".join(details) or None,
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_hae_m=height,
        scan_period_s=period or None,
    )


def _status(data: bytes, at: int) -> tuple[SensorState, list[str]]:
    """Return the state by I034/050 and what is wrong.

    The flag "monitoring system disconnected" says nothing about the measurements and is not counted as a fault.
    """
    parts = part_offsets(34, "050", data, at)
    faults = []
    common = data[parts["COM"]] if "COM" in parts else 0
    faults += [text for bit, text in _COM if common & bit]
    for name in ("PSR", "SSR", "MDS"):
        if name in parts:
            octet = data[parts[name]]
            faults += [f"{name} without a channel"] if not octet & 0x60 else []
            faults += [f"{name} overload"] if octet & 0x10 else []
    if common & 0x80:
        return SensorState.FAILED, ["not released for operational use", *faults]
    return (SensorState.DEGRADED if faults else SensorState.OK), faults


def _own_place(data: bytes, at: int | None) -> tuple[float | None, float | None, float | None]:
    if at is None:
        return None, None, None
    latitude, longitude = place(signed(data, at + 2, 3) * 180.0 / 2**23, signed(data, at + 5, 3) * 180.0 / 2**23)
    return latitude, longitude, float(signed(data, at, 2))
