"""PX4 flight logs (.ulg, ULog format version 1), parsed by pyulog (BSD-3).

==========================  =======================================================================================
message                     what is taken
==========================  =======================================================================================
vehicle_global_position     fused: lat, lon deg; alt m above the sea
vehicle_gps_position        lat, lon 1e-7 deg, alt mm (older); latitude_deg, longitude_deg, altitude_msl_m (newer);
                            fix_type >= 3; time_utc_usec minus timestamp gives UTC
home_position               alt: heights are above it
==========================  =======================================================================================

Source: the PX4 user guide, "ULog File Format". A file cut off in flight (the usual end) is read up to the cut.
"""

from __future__ import annotations

import io
import struct
from typing import Any, Final

import numpy as np
from pyulog import ULog

from araz.sensors._flight import Fix, Flight, LogClock, flight_from_fixes
from araz.vocabulary import FloatArray

_MAGIC: Final = b"ULog\x01\x12\x35"
_WANTED: Final = ["vehicle_global_position", "vehicle_gps_position", "home_position"]
_FIX_3D: Final = 3


def looks_like_ulog(data: bytes) -> bool:
    """Whether the file opens with ULog's magic bytes."""
    return data[: len(_MAGIC)] == _MAGIC


def read_ulog(data: bytes) -> Flight:
    """Return the flight of a PX4 log: fused positions where there are any, else GPS with a 3D fix.

    ValueError when the file is damaged before its first position.
    """
    try:
        log = ULog(io.BytesIO(data), _WANTED)
    # A damaged file makes the parser fail in many ways; each is the same news for the examiner.
    except (Exception, SystemExit) as error:
        raise ValueError(f"The PX4 log is damaged: {type(error).__name__}: {error}.") from error
    found: dict[str, Any] = {}
    for item in log.data_list:
        found.setdefault(item.name, item.data)
    gps, home = found.get("vehicle_gps_position"), found.get("home_position")
    clock, offset_us = _utc(gps)
    home_m = float(home["alt"][-1]) if home is not None and len(home.get("alt", ())) else np.nan
    for name, read in (("vehicle_global_position", _fused), ("vehicle_gps_position", _satellite)):
        if name not in found:
            continue
        try:
            columns = read(found[name])
        except (KeyError, IndexError, ValueError, struct.error):
            continue
        if len(columns) >= 2:
            fixes: list[Fix] = [
                (int(t), float(lat), float(lon), float(alt), float(alt) - home_m) for t, lat, lon, alt in columns
            ]
            return flight_from_fixes(fixes, f"PX4 log, {name}", None, clock, offset_us)
    raise ValueError(
        "The PX4 log holds no position: neither vehicle_global_position nor a fix in vehicle_gps_position."
    )


def _fused(data: Any) -> FloatArray:
    return np.column_stack([data["timestamp"], data["lat"], data["lon"], data["alt"]])


def _satellite(data: Any) -> FloatArray:
    good = np.asarray(data["fix_type"]) >= _FIX_3D
    if "latitude_deg" in data:
        columns = [data["timestamp"], data["latitude_deg"], data["longitude_deg"], data["altitude_msl_m"]]
    else:
        columns = [data["timestamp"], data["lat"] * 1e-7, data["lon"] * 1e-7, data["alt"] * 1e-3]
    return np.column_stack(columns)[good]


def _utc(gps: Any) -> tuple[LogClock, int]:
    """UTC minus the time since the start, from the receiver; NONE where it never knew the time."""
    if gps is None or "time_utc_usec" not in gps:
        return LogClock.NONE, 0
    utc, at = np.asarray(gps["time_utc_usec"], dtype=np.int64), np.asarray(gps["timestamp"], dtype=np.int64)
    known = utc > 0
    if not known.any():
        return LogClock.NONE, 0
    return LogClock.UTC, int(np.median(utc[known] - at[known]))
