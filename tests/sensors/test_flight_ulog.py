"""PX4 logs written here by the ULog specification's byte tables, read by the product; and damage."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyulog import ULog

from araz.sensors import LogClock, read_flight

UTC_US = 1_773_000_000_000_000


def message(kind, body):
    return struct.pack("<HB", len(body), ord(kind)) + body


def ulog(fixes, utc=True):
    """A log of vehicle_gps_position records (the older field names)."""
    fields = "uint64_t timestamp;uint64_t time_utc_usec;int32_t lat;int32_t lon;int32_t alt;uint8_t fix_type"
    out = b"ULog\x01\x12\x35\x01" + struct.pack("<Q", 1000)
    out += message("B", bytes(40))
    out += message("F", f"vehicle_gps_position:{fields};".encode())
    out += message("A", struct.pack("<BH", 0, 7) + b"vehicle_gps_position")
    for at_us, lat, lon, alt, fix in fixes:
        values = (at_us, UTC_US + at_us if utc else 0, round(lat * 1e7), round(lon * 1e7), round(alt * 1e3), fix)
        out += message("D", struct.pack("<H", 7) + struct.pack("<QQiiiB", *values))
    return out


FIXES = [(1_000_000 * k, 39.4 + 1e-4 * k, 47.3 - 5e-5 * k, 200.0 + k, 3) for k in range(1, 40)]


def test_positions_times_and_clock_come_back():
    flight = read_flight(ulog(FIXES), "log.ulg")
    assert flight.layout.startswith("PX4 log")
    assert flight.clock is LogClock.UTC
    assert flight.at_us[0] + flight.wall_offset_us == UTC_US + 1_000_000
    np.testing.assert_allclose(flight.latitude_deg, [f[1] for f in FIXES], atol=1e-7)
    np.testing.assert_allclose(flight.longitude_deg, [f[2] for f in FIXES], atol=1e-7)
    np.testing.assert_allclose(flight.altitude_m, [f[3] for f in FIXES], atol=1e-3)


def test_agrees_with_pyulog():
    data = ulog(FIXES)
    theirs = ULog(io.BytesIO(data)).get_dataset("vehicle_gps_position").data
    flight = read_flight(data)
    np.testing.assert_allclose(flight.latitude_deg, theirs["lat"] * 1e-7)
    np.testing.assert_array_equal(flight.at_us, theirs["timestamp"])


def test_without_fix_or_time():
    assert read_flight(ulog(FIXES, utc=False)).clock is LogClock.NONE
    with pytest.raises(ValueError, match="no position"):
        read_flight(ulog([(*f[:4], 1) for f in FIXES]))


@settings(max_examples=60)
@given(st.integers(0, 2000), st.integers(0, 2000), st.binary(max_size=8))
def test_damage_is_a_flight_or_a_sentence(at, cut, junk):
    data = ulog(FIXES)
    broken = data[:8] + data[8 : 8 + at] + junk + data[8 + at : len(data) - cut]
    try:
        assert len(read_flight(broken, "log.ulg").at_us) >= 2
    except ValueError:
        return  # a sentence for the examiner, of one type
