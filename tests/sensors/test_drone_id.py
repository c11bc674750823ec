"""DJI DroneID: a record built field by field from the published layout reads back; faults are named."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.sensors._drone_id import DRONE_ID_DEGREE_SCALE, decode_drone_id
from araz.sensors._remote_id_wire import Malformed

HEAD = bytes.fromhex("586213")
#: One step of the format, 1e-7 rad, in degrees.
STEP_DEG = 1 / DRONE_ID_DEGREE_SCALE


def raw(degrees):
    return round(degrees * DRONE_ID_DEGREE_SCALE)


def telemetry(version, place, operator=(0.0, 0.0), home=(0.0, 0.0), state=0x33, serial=b"1CXYZ0000000001"):
    head = struct.pack("<BHH16sii", version, 7, state, serial, raw(place[1]), raw(place[0]))
    moving = struct.pack("<hhhhh", 120, 35, 400, -250, 10)
    tail = struct.pack("<iiBB20s", raw(home[1]), raw(home[0]), 41, 0, b"")
    if version == 1:
        return HEAD + b"\x10" + head + moving + struct.pack("<hhh", 1, 2, 3) + tail
    phone = struct.pack("<hQii", 9000, 1_700_000_000_000, raw(operator[0]), raw(operator[1]))
    return HEAD + b"\x10" + head + moving + phone + tail


LATITUDE = st.floats(-89, 89).filter(lambda x: abs(x) > 1e-3)
LONGITUDE = st.floats(-179, 179)
PLACE = st.tuples(LATITUDE, LONGITUDE)


@given(st.sampled_from([1, 2]), PLACE, PLACE, PLACE)
def test_positions_read_back(version, place, operator, home):
    one = decode_drone_id(telemetry(version, place, operator, home))
    assert (one.latitude_deg, one.longitude_deg) == pytest.approx(place, abs=STEP_DEG)
    assert (one.home_latitude_deg, one.home_longitude_deg) == pytest.approx(home, abs=STEP_DEG)
    if version == 2:
        assert (one.operator_latitude_deg, one.operator_longitude_deg) == pytest.approx(operator, abs=STEP_DEG)
    else:
        assert one.operator_latitude_deg is None
    assert (one.serial, one.status, one.product, one.sequence) == ("1CXYZ0000000001", "airborne", 41, 7)


def test_unknown_stays_unknown():
    one = decode_drone_id(telemetry(2, (0.0, 0.0), serial=b"", state=0))
    assert (one.serial, one.latitude_deg, one.operator_latitude_deg, one.home_latitude_deg) == (None,) * 4
    assert one.status == "ground"


def test_purpose_record_names_the_serial():
    record = HEAD + b"\x11" + struct.pack("<16sB10sB", b"1CXYZ0000000001", 3, b"abcdef", 6) + b"survey of a field"
    one = decode_drone_id(record)
    assert (one.serial, one.description, one.status) == ("1CXYZ0000000001", "abc; survey", None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\x00\x62\x13\x10" + bytes(90), "unknown-message-type"),
        (HEAD + b"\x12" + bytes(90), "unknown-message-type"),
        (HEAD + b"\x10\x03" + bytes(90), "unknown-version"),
        (telemetry(2, (46.0, 7.0))[:60], "truncated"),
        (telemetry(1, (46.0, 7.0))[:50], "truncated"),
        (HEAD + b"\x11" + bytes(20), "truncated"),
        (telemetry(2, (95.0, 7.0)), "implausible-position"),
        (telemetry(2, (46.0, 7.0), home=(46.0, 190.0)), "implausible-position"),
    ],
)
def test_faults(data, reason):
    with pytest.raises(Malformed) as caught:
        decode_drone_id(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=120))
def test_any_bytes_decode_or_are_refused(data):
    for start in (b"", HEAD, HEAD + b"\x10\x02", HEAD + b"\x11"):
        try:
            decode_drone_id(start + data)
        except Malformed as error:
            reason = error.reason
        else:
            reason = "read"
        assert reason
