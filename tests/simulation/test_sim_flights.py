"""Recorded flights: every file on the shelf, our readings against others', and any bytes at all."""

import itertools
import json
import struct
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simworld import SCENARIOS, decode, horadiz

from araz.sensors import read_flight
from araz.sensors._flight import flight_from_fixes
from araz.sensors._flight_binary import mavlink_checksum
from araz.simulation import Truth, body_from_flight, move_to, read_scenario, simulate
from araz.simulation._fly import _near_breaks
from araz.vocabulary import Observation, Rejected

# file, fixes left, seconds, first latitude and longitude, highest above the start
SHELF = [
    ("dji_srt/mavic_2pro_new.SRT", 3547, 448, -35.080155, -60.286702, None),
    ("dji_srt/m2zoom.SRT", 993, 118.7, 31.452012, 74.398751, 52.3),
    ("dji_srt/mavic_pro.SRT", 374, 467, -20.2533, 149.0251, 118.7),
    ("dji_srt/old_format.SRT", 373, 467, -20.2533, 149.0251, 118.7),
    ("dji_srt/mavic_mini.SRT", 64, 116, 48.0771, -121.7458, 201.0),
    ("dji_srt/p4_rtk.SRT", 55, 54, -34.237922, -58.851745, 86.1),
    ("dji_srt/air2s.srt", 7, 0.533, 41.424724, 2.234156, 0.1),
    ("phoenix_pixhawk_mission1_2018-09-17.tlog", 772, 858, 49.2574, -123.2432, 20.2),
    ("stonesoup_UAV_Rot.csv", 964, 964, 50.2973285, -30.891029, 60.2),
    ("ardupilot_log171.bin", 1029, 209, -35.36237, 149.16585, 9.6),
]


def read(shelf, name):
    return read_flight((shelf / "data" / "flights" / name).read_bytes(), name)


@pytest.mark.parametrize(("name", "fixes", "seconds", "latitude", "longitude", "highest"), SHELF)
def test_each_flight_on_the_shelf(shelf, name, fixes, seconds, latitude, longitude, highest):
    flight = read(shelf, name)
    assert len(flight.at_us) == fixes
    assert np.all(np.diff(flight.at_us) > 0)
    assert flight.duration_s == pytest.approx(seconds, rel=0.02)
    assert flight.latitude_deg[0] == pytest.approx(latitude, abs=1e-4)
    assert flight.longitude_deg[0] == pytest.approx(longitude, abs=1e-4)
    assert not flight.is_suspect.any()
    if highest is None:
        assert np.isnan(flight.height_m).all(), "a log without heights has none"
    else:
        assert np.nanmax(flight.height_m) == pytest.approx(highest, abs=0.1)


def test_held_positions_are_kept_once(shelf):
    assert read(shelf, "dji_srt/m2zoom.SRT").skipped == {"repeated": 6120}
    assert read(shelf, "dji_srt/mavic_2pro_new.SRT").skipped["splices"] == 11


def test_a_glitch_is_marked_and_not_flown(shelf):
    data = (shelf / "data" / "flights" / "stonesoup_UAV_Rot.csv").read_text()
    lines = data.splitlines()
    cells = lines[400].split(",")
    lines[400] = ",".join([*cells[:4], "1893.0", *cells[5:]])
    flight = read_flight("\n".join(lines).encode())
    assert flight.is_suspect.sum() == 1
    assert move_to(flight, horadiz()).position_enu_m[:, 2].max() < 100


@pytest.mark.parametrize("name", [entry[0] for entry in SHELF[-3::2]])
def test_binary_logs_agree_with_pymavlink(shelf, oracle_python, name):
    # pymavlink is LGPL: it runs in a place of its own.
    python = oracle_python("pymavlink", "pymavlink==2.4.49")
    code = """
import json, sys
from pymavlink import mavutil
log, rows = mavutil.mavlink_connection(sys.argv[1]), []
while (m := log.recv_match(type=["GLOBAL_POSITION_INT", "GPS"])) is not None:
    if m.get_type() == "GPS":
        if m.Status >= 3: rows.append((m.Lat, m.Lng, m.Alt))
    else:
        rows.append((m.lat / 1e7, m.lon / 1e7, m.alt / 1e3))
print(json.dumps(rows))
"""
    done = subprocess.run(
        [str(python), "-c", code, str(shelf / "data" / "flights" / name)], capture_output=True, text=True, check=True
    )
    theirs = {tuple(np.round(row, 7)) for row in json.loads(done.stdout) if row[0] or row[1]}
    flight = read(shelf, name)
    ours = {
        tuple(np.round(row, 7))
        for row in zip(flight.latitude_deg, flight.longitude_deg, flight.altitude_m, strict=True)
    }
    assert len(theirs) > 500
    assert len(ours - theirs) <= 0.001 * len(ours)
    assert len(theirs - ours) <= 0.01 * len(theirs)


def tlog(frames):
    return b"".join(
        int(1_700_000_000_000_000 + k * 250_000).to_bytes(8, "big") + frame for k, frame in enumerate(frames)
    )


def frame_v1(message: int, extra: int, payload: bytes) -> bytes:
    body = bytes([len(payload), 0, 1, 1, message]) + payload
    return b"\xfe" + body + mavlink_checksum(body + bytes([extra])).to_bytes(2, "little")


def frame_v2(message: int, extra: int, payload: bytes, signed: bool = False) -> bytes:
    payload = payload.rstrip(b"\0") or b"\0"
    body = bytes([len(payload), int(signed), 0, 0, 1, 1]) + message.to_bytes(3, "little") + payload
    return (
        b"\xfd" + body + mavlink_checksum(body + bytes([extra])).to_bytes(2, "little") + (bytes(13) if signed else b"")
    )


def position(k: int) -> bytes:
    return struct.pack("<Iiiiihhh", k, 404_000_000 + 100 * k, 498_000_000, 120_000, 20_000, 0, 0, 0) + struct.pack(
        "<H", 0
    )


@pytest.mark.parametrize("frame", [frame_v1, frame_v2, lambda *a: frame_v2(*a, signed=True)])
def test_both_mavlink_generations(frame):
    flight = read_flight(tlog(frame(33, 104, position(k)) for k in range(8)))
    assert len(flight.at_us) == 8
    np.testing.assert_allclose(flight.latitude_deg, 40.4 + 1e-5 * np.arange(8), atol=1e-9)
    np.testing.assert_allclose(flight.height_m, 20.0)


def test_a_damaged_frame_is_skipped_and_counted():
    data = bytearray(tlog(frame_v2(33, 104, position(k)) for k in range(8)))
    data[3 * (len(data) // 8) + 24] ^= 0xFF
    flight = read_flight(bytes(data))
    assert len(flight.at_us) == 7
    assert flight.skipped["bad-checksum"] == 1


def test_the_checksum_is_the_standards():
    assert mavlink_checksum(b"123456789") == 0x6F91


@pytest.mark.parametrize(
    "text",
    [
        "t_us,lat,lon,alt\n0,40.0,49.0,100\n1000000,40.0001,49.0,101\n2000000,40.0002,49.0,102\n",
        "time;Latitude (deg);Longitude (deg);Height [m]\n"
        "2026-01-01T00:00Z;40.0;49.0;0\n2026-01-01T00:00:01Z;40.0001;49.0;1\n",
        "latitude\tlongitude\n40.0\t49.0\n40.0001\t49.0\n",
        "timestamp,latitude,longitude\n1767225600000,40.0,49.0\n1767225601000,40.0001,49.0\n",
    ],
)
def test_tables_by_the_names_of_their_columns(text):
    flight = read_flight(text.encode())
    assert np.diff(flight.at_us).tolist() == [1_000_000] * (len(flight.at_us) - 1)
    assert flight.latitude_deg[1] == 40.0001


@pytest.mark.parametrize("body", ["GPS(149.0251,-20.2533,16)", "GPS(-20.2533,149.0251,16)"])
def test_swapped_latitude_and_longitude_are_told_by_size(body):
    cues = "".join(f"{k}\n00:00:0{k},000 --> 00:00:0{k + 1},000\n{body} BAROMETER:{k}.0\n\n" for k in range(4))
    flight = read_flight(cues.encode())
    assert (flight.latitude_deg[0], flight.longitude_deg[0]) == (-20.2533, 149.0251)


def test_zero_zero_is_no_place():
    flight = flight_from_fixes([(0, 0.0, 0.0, 1.0, 1.0), (1, 1.0, 1.0, 1.0, 1.0), (2, 1.00001, 1.0, 1.0, 1.0)], "t")
    assert len(flight.at_us) == 2
    assert flight.skipped == {"no-position": 1}


@pytest.mark.parametrize("data", [b"", b"\0" * 300, b"hello", b"a,b\n1,2\n", b"\xa3\x95\x80" + b"x" * 200])
def test_no_flight_is_refused_with_what_was_expected(data):
    with pytest.raises(ValueError):
        read_flight(data)


HEADS = [
    b"",
    b"\xa3\x95\x80",
    (1_700_000_000_000_000).to_bytes(8, "big") + b"\xfd",
    b"1\n00:00:01,000 --> x\nGPS(",
    b"lat,lon\n",
]


@given(st.sampled_from(HEADS), st.binary(max_size=400))
def test_any_bytes_are_a_flight_or_a_value_error(head, data):
    try:
        flight = read_flight(head + data)
    except ValueError:
        return
    assert len(flight.at_us) >= 2


def test_moving_is_rigid(shelf):
    flight = read(shelf, "stonesoup_UAV_Rot.csv")
    place = horadiz()
    straight, turned = (
        move_to(flight, place),
        move_to(flight, place, turn_deg=90.0, latitude_deg=39.46, longitude_deg=47.30),
    )
    some = np.arange(0, len(straight.position_enu_m), 500)
    a, b = straight.position_enu_m[some, :2], turned.position_enu_m[some, :2]
    for i, j in itertools.combinations(range(len(some)), 2):
        assert np.hypot(*(a[i] - a[j])) == pytest.approx(np.hypot(*(b[i] - b[j])), abs=1e-6)
    first, second = a[3] - a[0], b[3] - b[0]
    np.testing.assert_allclose(second, [first[1], -first[0]], atol=1e-6)
    middle = place.frame.to_enu(39.46, 47.30, 170.0)[0, :2]
    b_all = turned.position_enu_m[:, :2]
    np.testing.assert_allclose((b_all.min(axis=0) + b_all.max(axis=0)) / 2, middle, atol=5)
    height = place.terrain.height_agl_m(straight.position_enu_m)
    assert height.max() == pytest.approx(np.nanmax(flight.height_m), abs=1.5)


@pytest.mark.parametrize("name", [entry[0] for entry in SHELF])
def test_a_flight_pulls_no_harder_than_a_drone_can(shelf, name):
    """Where clips are spliced, and where a recording begins in full flight, nobody knows how it was flown."""
    course = move_to(read(shelf, name), horadiz(), latitude_deg=39.46, longitude_deg=47.30)
    pull = np.gradient(course.velocity_enu_mps[:, :2], 0.2, axis=0)
    assert np.hypot(*pull.T).max() < 7.0


def test_what_lies_near_a_break_or_an_end_is_not_known():
    at_s = np.arange(0.0, 200.0)
    at_s = at_s[(at_s <= 100.0) | (at_s >= 110.0)]
    near = _near_breaks(np.array([-20.0, 2.0, 55.0, 105.0, 117.5, 125.0, 193.0]), at_s)
    np.testing.assert_allclose(near, [1.0, 1.0, 0.0, 1.0, 0.5, 0.0, 0.8])


@pytest.mark.parametrize("name", [entry[0] for entry in SHELF])
def test_every_flight_flies_inside_radar_coverage(shelf, name):
    place = horadiz()
    scenario = read_scenario((SCENARIOS / "X0.toml").read_text("utf-8"))
    flown = body_from_flight(read(shelf, name), scenario, place)
    night = simulate(scenario, place, 2, [flown])
    own = [record for record in night.truth if isinstance(record, Truth) and record.actor_id == "flown"]
    assert len(own) >= flown.course.end_s - flown.course.start_s - 1
    assert np.mean([record.detectable for record in own]) > 0.95
    assert max(record.speed_mps for record in own) < 30
    assert min(record.height_agl_m for record in own) > 0.9


def test_a_flown_night_decodes_and_is_long_enough(shelf):
    place = horadiz()
    scenario = read_scenario((SCENARIOS / "X0.toml").read_text("utf-8"))
    flown = body_from_flight(read(shelf, "stonesoup_UAV_Rot.csv"), scenario, place)
    messages = list(simulate(scenario, place, 2, [flown]).messages)
    assert (messages[-1].received_at_us - scenario.start_us) / 1e6 > flown.course.end_s
    found = decode(place, messages)
    assert not any(isinstance(item, Rejected) for item in found)
    assert sum(isinstance(item, Observation) for item in found) > 5000
