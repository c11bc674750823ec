"""ADS-B: published frames, round trips of our own, chunks cut anywhere, and every fault by name."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
import rs1090
from hypothesis import given
from hypothesis import strategies as st

from araz.sensors import _adsb
from araz.sensors._adsb import adsb_init, beast_step, raw_step, sbs_step
from araz.sensors._adsb_cpr import GROUND_DEG, decode_cpr_near, decode_cpr_pair, encode_cpr, longitude_zones
from araz.sensors._adsb_encode import (
    encode_adsb_identification,
    encode_adsb_position,
    encode_adsb_velocity,
    encode_beast,
    encode_raw,
    encode_sbs_identification,
    encode_sbs_position,
    encode_sbs_velocity,
)
from araz.sensors._adsb_modes import FEET_M, KNOT_MPS, mode_s_checksum, read_mode_s
from araz.sensors._adsb_sbs import sbs_time_us
from araz.sensors._remote_id_wire import Malformed
from araz.vocabulary import ClaimKind, Feed, Format, Message, Observation, Rejected, Sensor, SensorKind

FEED = Feed(id="adsb", format=Format.RAW)
SENSOR = Sensor(id="mast", kind=SensorKind.ADSB_RECEIVER, feed="adsb", latitude_deg=38.5, longitude_deg=48.5)
NOW_US = 1_700_000_000_000_000
STEPS = {"sbs": sbs_step, "beast": beast_step, "raw": raw_step}


def run(step, chunks, sensors=(), gap_us=100_000):
    state, said = adsb_init(FEED, sensors), []
    for i, chunk in enumerate(chunks):
        one = Message(seq=i, received_at_us=NOW_US + i * gap_us, source="adsb", payload=chunk)
        state, decoded = step(state, one)
        said += decoded
    return state, said


def flight(n=6, latitude_deg=38.6, longitude_deg=48.7):
    yield encode_adsb_identification("4ca251", "ARZ12", "rotorcraft")
    yield encode_adsb_velocity("4ca251", 61.0, 200.0, -3.0, 45.0)
    for i in range(n):
        yield encode_adsb_position("4ca251", latitude_deg + i * 1e-3, longitude_deg, 2500, odd=bool(i % 2))


# Frames published with their meaning in J. Sun, "The 1090 Megahertz Riddle".
def test_published_identification_velocity_and_airspeed():
    assert read_mode_s(bytes.fromhex("8D4840D6202CC371C32CE0576098")).callsign == "KLM1023"
    said = read_mode_s(bytes.fromhex("8D485020994409940838175B284F"))
    assert said.speed_mps == pytest.approx(159.2 * KNOT_MPS, abs=0.1)
    assert said.course_deg == pytest.approx(182.88, abs=0.01)
    assert said.climb_mps == pytest.approx(-832 * FEET_M / 60)
    airspeed = read_mode_s(bytes.fromhex("8DA05F219B06B6AF189400CBC33F"))
    assert (airspeed.speed_mps, airspeed.course_deg) == (None, None), "airspeed is not motion over the ground"


def test_published_position_pair():
    pair = ["8D40621D58C386435CC412692AD6", "8D40621D58C382D690C8AC2863A7"]
    _, said = run(raw_step, [encode_raw(bytes.fromhex(x)) for x in pair])
    (one,) = said
    assert one.measurement.latitude_deg == pytest.approx(52.25720, abs=1e-5)
    assert one.measurement.longitude_deg == pytest.approx(3.91937, abs=1e-5)
    assert one.measurement.altitude_baro_m == pytest.approx(38_000 * FEET_M)
    assert one.measurement.altitude_hae_m is None
    assert (one.claim.kind, one.claim.identity, one.claim.callsign) == (ClaimKind.ADSB, "40621d", None)


def test_published_ground_position_needs_the_receivers_place():
    frame = encode_raw(bytes.fromhex("8C4841753AAB238733C8CD4020B1"))
    assert run(raw_step, [frame])[1] == []
    schiphol = Sensor(id="m", kind=SensorKind.ADSB_RECEIVER, feed="adsb", latitude_deg=51.99, longitude_deg=4.375)
    (one,) = run(raw_step, [frame], [schiphol])[1]
    judge = rs1090.decode("8C4841753AAB238733C8CD4020B1", reference=(51.99, 4.375))
    assert one.measurement.latitude_deg == pytest.approx(judge["latitude"], abs=1e-6)
    assert one.measurement.longitude_deg == pytest.approx(judge["longitude"], abs=1e-6)
    assert one.claim.status == "ground"


@given(st.floats(-89, 89), st.floats(-180, 179.999), st.booleans(), st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_compact_positions_round_trip(latitude, longitude, odd, off_north, off_east):
    even_report, odd_report = (encode_cpr(latitude, longitude, is_odd) for is_odd in (False, True))
    pair = decode_cpr_pair(even_report, odd_report, odd)
    near = decode_cpr_near(odd_report if odd else even_report, odd, latitude + off_north, longitude + off_east)
    ground = encode_cpr(latitude, longitude, odd, GROUND_DEG)
    on_ground = decode_cpr_near(ground, odd, latitude + off_north / 4, longitude + off_east / 4, GROUND_DEG)
    for place, within in ((pair, 5.1 / 111_000), (near, 5.1 / 111_000), (on_ground, 1.3 / 111_000)):
        if place is None:
            assert place is pair, "only a pair may straddle a zone border"
            assert min(abs(longitude_zones(latitude + d) - longitude_zones(latitude - d)) for d in (1e-4,)) == 1
            continue
        assert abs(place[0] - latitude) <= within
        east = (place[1] - longitude + 180) % 360 - 180
        zones = max(longitude_zones(latitude) - 2, 1)
        assert abs(east) <= 360 / zones / 2**17


def test_longitude_zones_at_the_published_borders():
    assert [longitude_zones(x) for x in (0, 10.4, 10.5, 59.9, 60.1, 86.9, 87, 87.1, -89)] == [
        59, 59, 58, 30, 29, 2, 2, 1, 1,
    ]  # fmt: skip


@given(st.floats(0, 250), st.floats(0, 359.9), st.floats(-50, 50), st.none() | st.floats(-900, 900))
def test_velocity_round_trip(speed, course, climb, above):
    said = read_mode_s(encode_adsb_velocity("4ca251", speed, course, climb, above))
    east, north = (said.speed_mps * f(math.radians(said.course_deg or 0.0)) for f in (math.sin, math.cos))
    assert east == pytest.approx(speed * math.sin(math.radians(course)), abs=0.51 * KNOT_MPS)
    assert north == pytest.approx(speed * math.cos(math.radians(course)), abs=0.51 * KNOT_MPS)
    assert said.climb_mps == pytest.approx(climb, abs=32.1 * FEET_M / 60)
    if above is None or abs(above) < 12.5 * FEET_M:
        # rs1090 reads a difference of zero as unknown, which is safe: the height above the ellipsoid stays None.
        assert said.hae_minus_baro_m is None
    else:
        assert said.hae_minus_baro_m == pytest.approx(above, abs=12.6 * FEET_M)


@pytest.mark.parametrize(
    "kind", ["light", "heavy", "rotorcraft", "glider", "lighter-than-air", "ultralight", "unmanned", None]
)
def test_identification_round_trip(kind):
    said = read_mode_s(encode_adsb_identification("abcdef", "TEST42", kind))
    assert (said.identity, said.callsign, said.aircraft_type) == ("abcdef", "TEST42", kind)


@given(st.floats(-1000, 49_900), st.booleans())
def test_altitude_says_its_datum(altitude_ft, is_gnss):
    said = read_mode_s(encode_adsb_position("abcdef", 1.0, 2.0, altitude_ft, odd=False, is_gnss=is_gnss))
    known, unknown = said.altitude_baro_m, said.altitude_hae_m
    if is_gnss:
        known, unknown = unknown, known
    assert known == pytest.approx(altitude_ft * FEET_M, abs=12.6 * FEET_M)
    assert unknown is None


@pytest.mark.parametrize(("step", "encode"), [(raw_step, encode_raw), (beast_step, encode_beast)])
def test_a_flight_becomes_observations_with_all_that_is_known(step, encode):
    _, said = run(step, [encode(frame) for frame in flight()], [SENSOR])
    assert len(said) == 5, "the first position is half a pair"
    for i, one in enumerate(said, 1):
        place = one.measurement
        assert one.sensor_id == "mast"
        assert place.latitude_deg == pytest.approx(38.6 + i * 1e-3, abs=1e-4)
        assert place.longitude_deg == pytest.approx(48.7, abs=1e-4)
        assert place.speed_mps == pytest.approx(61, abs=0.5)
        assert place.climb_mps == pytest.approx(-3, abs=0.2)
        assert place.altitude_hae_m == pytest.approx(2500 * FEET_M + 45, abs=8)
        assert (one.claim.identity, one.claim.callsign) == ("4ca251", "ARZ12")
        assert (one.claim.aircraft_type, one.claim.status) == ("rotorcraft", "airborne")


def sbs_flight():
    yield encode_sbs_identification("4CA251", NOW_US - 50_000, "ARZ12")
    yield encode_sbs_velocity("4CA251", NOW_US, 61.0, 200.0, -3.0)
    for i in range(6):
        yield encode_sbs_position("4CA251", NOW_US + i * 100_000, 38.6 + i * 1e-3, 48.7, 2500)


def test_sbs_flight():
    _, said = run(sbs_step, list(sbs_flight()), [SENSOR])
    assert len(said) == 6
    for i, one in enumerate(said):
        assert one.observed_at_us == NOW_US + i * 100_000
        assert one.measurement.latitude_deg == pytest.approx(38.6 + i * 1e-3)
        assert one.measurement.altitude_baro_m == pytest.approx(2500 * FEET_M)
        assert one.measurement.speed_mps == pytest.approx(61, abs=0.26)
        assert one.claim.callsign == "ARZ12"


STREAMS = {
    "sbs": b"".join(sbs_flight()),
    "raw": b"".join(map(encode_raw, flight())),
    "beast": b"".join(encode_beast(frame, 0x1A1A1A, 0x1A) for frame in flight()),
}


@pytest.mark.parametrize("name", STREAMS)
@given(cuts=st.lists(st.integers(0, 700), max_size=12))
def test_chunks_may_end_anywhere(name, cuts):
    stream, step = STREAMS[name], STEPS[name]
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    whole, pieces = (run(step, given_chunks, gap_us=0)[1] for given_chunks in ([stream], chunks))
    assert [(x.measurement, x.claim) for x in whole] == [(x.measurement, x.claim) for x in pieces]
    assert whole


@pytest.mark.parametrize("name", STREAMS)
def test_damaged_streams_never_raise_and_never_invent(name):
    rng = random.Random(name)
    for _ in range(400):
        stream = bytearray(STREAMS[name])
        for _ in range(rng.randint(1, 6)):
            stream[rng.randrange(len(stream))] ^= 1 << rng.randrange(8)
        _, said = run(STEPS[name], [bytes(stream)])
        assert all(isinstance(one, Observation | Rejected) for one in said)
        if name != "sbs":  # text without a checksum can lie
            places = [one.measurement for one in said if isinstance(one, Observation)]
            assert all(abs(p.latitude_deg - 38.6) < 0.01 and abs(p.longitude_deg - 48.7) < 1e-4 for p in places)


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.lists(st.binary(max_size=200), max_size=4))
def test_any_bytes(name, data):
    state, said = run(STEPS[name], data)
    assert all(isinstance(one, Observation | Rejected) for one in said)
    assert len(state.rest) <= 1024


@given(st.binary(min_size=14, max_size=14))
def test_any_frame_with_a_sound_checksum(data):
    body = bytes([17 << 3]) + data[1:11]
    try:
        said = read_mode_s(body + mode_s_checksum(body).to_bytes(3, "big"))
    except Malformed as error:
        said = error.reason
    assert said == "undecodable" or said.identity == data[1:4].hex()


#: A published all-call reply; its checksum carries interrogator code 22.
ALL_CALL = bytes.fromhex("5D484FDEA248F5")
GOOD = encode_adsb_identification("4ca251", "ARZ12")


@pytest.mark.parametrize(
    ("step", "payload", "reason"),
    [
        (raw_step, encode_raw(GOOD[:-1] + bytes([GOOD[-1] ^ 1])), "bad-checksum"),
        (raw_step, encode_raw(GOOD[:-1]), "bad-length"),
        (raw_step, encode_raw(bytes([3 << 3]) + bytes(5) + b"\x01"), "unknown-format"),
        (raw_step, b"*8D4X;\n", "bad-line"),
        (raw_step, b"hello;\n", "bad-line"),
        (raw_step, b"x" * 300, "bad-line"),
        (raw_step, encode_raw(ALL_CALL[:-1] + bytes([ALL_CALL[-1] ^ 0x80])), "bad-checksum"),
        (beast_step, b"junk" + encode_beast(GOOD), "out-of-step"),
        (beast_step, b"\x1a9", "unknown-beast-type"),
        (beast_step, encode_beast(GOOD)[:9] + encode_beast(GOOD), "truncated"),
        (sbs_step, b"MSG,3,1,1\n", "bad-line"),
        (sbs_step, b"HELLO\n", "bad-line"),
        (sbs_step, encode_sbs_position("4ca251", NOW_US, 38.6, 48.7, 1).replace(b"4CA251", b"XYZ"), "bad-line"),
        (sbs_step, encode_sbs_position("4ca251", NOW_US, 98.6, 48.7, 1), "implausible-position"),
        (sbs_step, encode_sbs_position("4ca251", NOW_US, 38.6, 48.7, 1).replace(b"38.60000", b"nan"), "bad-line"),
        (sbs_step, encode_sbs_position("4ca251", NOW_US, 38.6, 48.7, 1).replace(b"MSG,3", b"MSG,9"), "bad-line"),
        (sbs_step, encode_sbs_velocity("4ca251", NOW_US, 50, 1).replace(b",97,", b",-97,"), "bad-line"),
        (sbs_step, b"x" * 2000, "bad-line"),
    ],
)
def test_faults_are_counted_by_name(step, payload, reason):
    _, said = run(step, [payload])
    assert [one.reason for one in said if isinstance(one, Rejected)] == [reason]


@pytest.mark.parametrize(
    ("step", "payload"),
    [
        (raw_step, b"*0000;\n*02E197B00179C3;\n" + encode_raw(ALL_CALL)),
        (beast_step, b"\x1a1" + bytes(9) + b"\x1a4" + bytes(21)),
        (sbs_step, b"\r\nSTA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,,,RM\r\n"),
    ],
)
def test_sound_messages_without_a_position_are_quiet(step, payload):
    assert run(step, [payload])[1] == []


def test_ticks_and_signal_prefixes_of_avr():
    frames = [f.hex().encode() for f in flight(2)]
    lines = [b"@0123456789AB" + frames[2] + b";", b"<0123456789AB80" + frames[3] + b";"]
    assert len(run(raw_step, lines)[1]) == 1


def test_far_places_and_old_halves_are_no_position():
    far = [encode_raw(f) for f in flight(2, latitude_deg=50.0)]
    (one,) = run(raw_step, far, [SENSOR])[1]
    assert one.reason == "implausible-position"
    halves = [encode_raw(f) for f in list(flight(2))[2:]]
    assert run(raw_step, halves, gap_us=11_000_000)[1] == []


def test_memory_is_bounded_by_number_and_age():
    lines = [encode_sbs_identification(f"{i:06x}", NOW_US, "X") for i in range(_adsb.AIRCRAFT_MAX + 10)]
    state, _ = run(sbs_step, [b"".join(lines)])
    assert len(state.aircraft) == _adsb.AIRCRAFT_MAX
    assert "000000" not in state.aircraft
    late = Message(seq=1, received_at_us=NOW_US + 61_000_000, source="adsb", payload=b"\n")
    after, _ = sbs_step(state, late)
    assert len(after.aircraft) == 0
    assert len(state.aircraft) == _adsb.AIRCRAFT_MAX


def test_a_velocity_of_long_ago_is_not_current():
    first = b"".join(sbs_flight())
    last = encode_sbs_position("4ca251", NOW_US, 38.6, 48.7, 2500)
    _, said = run(sbs_step, [first, last], gap_us=20_000_000)
    assert said[-1].measurement.speed_mps is None
    assert said[-1].claim.callsign == "ARZ12"


def test_sbs_times_of_another_clock_are_not_used():
    near, far = "22:13:25.000", "21:13:25.000"
    assert sbs_time_us("2023/11/14", near, NOW_US) == NOW_US + 5_000_000
    assert sbs_time_us("2023/11/14", far, NOW_US) == NOW_US
    assert sbs_time_us("", "", NOW_US) == NOW_US


def test_zero_zero_is_unknown():
    assert run(sbs_step, [encode_sbs_position("4ca251", NOW_US, 0.0, 0.0, 2500)])[1] == []


def test_addresses_that_are_not_icao_are_marked():
    frame = bytearray(encode_adsb_identification("4ca251", "ARZ12"))
    frame[0] = 18 << 3 | 2
    frame[-3:] = mode_s_checksum(bytes(frame[:-3])).to_bytes(3, "big")
    assert read_mode_s(bytes(frame)).identity == "~4ca251"


def test_wrong_calls_name_the_remedy():
    with pytest.raises(ValueError, match="category"):
        encode_adsb_identification("4ca251", "X", "zeppelin")
    with pytest.raises(ValueError, match="callsign"):
        encode_adsb_identification("4ca251", "TOO LONG A NAME")
    with pytest.raises(ValueError, match="altitude"):
        encode_adsb_position("4ca251", 0, 0, 60_000, odd=False)
    with pytest.raises(ValueError, match="ICAO"):
        encode_adsb_velocity("4c", 1, 1)
    with pytest.raises(ValueError, match="bytes"):
        encode_beast(b"123")
