"""Frames we write are frames others read, and come back as what was sent; every fault has its slug."""

from __future__ import annotations

import shutil
import subprocess
import zlib

import dpkt
import pytest
from remote_id_captures import FEED, SENSOR, decode_all, message, start

from araz.sensors import _remote_id
from araz.sensors._remote_id import remote_id_init, remote_id_step
from araz.sensors._remote_id_encode import (
    encode_remote_id_beacon,
    encode_remote_id_ble,
    encode_remote_id_ble_long_range,
    encode_remote_id_nan,
)
from araz.sensors._remote_id_location import Location
from araz.sensors._remote_id_messages import (
    BasicId,
    OperatorId,
    SelfId,
    System,
    encode_remote_id_message,
    encode_remote_id_message_pack,
)
from araz.vocabulary import Observation, Rejected
from araz_testing import missing

MAC = "02:00:00:00:00:01"
PLACE = Location(38.4521, 48.8765, 312.5, 290.0, 60.0, height_is_agl=True, speed_mps=14.25, course_deg=201.0)
MESSAGES = [BasicId("ARZ0001"), PLACE, System(38.4, 48.8), SelfId("test flight"), OperatorId("AZE-1")]
ENCODERS = [encode_remote_id_beacon, encode_remote_id_nan, encode_remote_id_ble_long_range]


@pytest.mark.parametrize("encode", ENCODERS)
def test_pack_comes_back_as_one_observation(encode):
    (decoded,) = decode_all([message(encode(MAC, 41, MESSAGES, -61))])
    (one,) = decoded
    assert one.sensor_id == SENSOR.id
    place, claim = one.measurement, one.claim
    assert place.latitude_deg == pytest.approx(38.4521, abs=1e-7)
    assert (place.altitude_hae_m, place.altitude_baro_m, place.altitude_agl_m) == (312.5, 290.0, 60.0)
    assert (place.speed_mps, place.course_deg, place.climb_mps) == (14.25, 201.0, None)
    assert (claim.identity, claim.identity_type, claim.transmitter) == ("ARZ0001", "serial-number", MAC)
    assert (claim.operator_id, claim.operator_latitude_deg, claim.home_longitude_deg) == ("AZE-1", 38.4, 48.8)
    assert claim.status == "airborne"
    assert (one.features.signal_dbm, one.features.description) == (-61.0, "test flight")


def test_legacy_bluetooth_messages_are_linked_by_their_transmitter():
    frames = [encode_remote_id_ble(MAC, i, one, -70) for i, one in enumerate([PLACE, BasicId("ARZ1"), PLACE])]
    other = encode_remote_id_ble("02:00:00:00:00:02", 0, PLACE)
    before, named, after, stranger = (said[0] for said in decode_all([message(f) for f in [*frames, other]]))
    assert before.claim.identity == f"mac:{MAC}"
    assert named.measurement is None
    assert named.claim.identity == after.claim.identity == "ARZ1"
    assert after.measurement is not None
    assert stranger.claim.identity == "mac:02:00:00:00:00:02"
    assert stranger.features is None


def test_a_serial_number_is_not_replaced_by_a_session_id():
    ids = [BasicId("ARZ1"), BasicId("0x" + "ab" * 20, id_type=4), PLACE]
    (decoded,) = decode_all([message(encode_remote_id_beacon(MAC, 0, ids))])
    assert decoded[0].claim.identity == "ARZ1"


def test_silence_makes_a_transmitter_unknown_again():
    state, _ = remote_id_step(start(), message(encode_remote_id_beacon(MAC, 0, [BasicId("ARZ1")]), 0, 10**15))
    late_us = 10**15 + _remote_id.FORGET_AFTER_US + 1
    _, (one,) = remote_id_step(state, message(encode_remote_id_beacon(MAC, 1, [PLACE]), 1, late_us))
    assert one.claim.identity == f"mac:{MAC}"


def test_memory_is_bounded_and_the_state_is_a_value():
    state = start()
    for i in range(_remote_id.TRANSMITTERS_MAX + 50):
        mac = f"02{i:010x}"
        after, _ = remote_id_step(state, message(encode_remote_id_ble(mac, 0, BasicId(f"S{i}")), i))
        assert len(state.known) == min(i, _remote_id.TRANSMITTERS_MAX), "the old state did not change"
        state = after
    assert bytes.fromhex("020000000000") not in state.known


def test_one_bad_message_spoils_no_pack():
    bad = bytes([0x72]) + bytes(24)
    pack = encode_remote_id_message_pack([BasicId("ARZ1"), PLACE, PLACE])
    frame = encode_remote_id_beacon(MAC, 0, [BasicId("ARZ1"), PLACE, PLACE])
    broken = frame.replace(pack, pack[:-25] + bad)
    (radiotap_end,) = (2 + int.from_bytes(frame[4:6], "little"),)
    broken = with_checksum(broken, radiotap_end)
    (decoded,) = decode_all([message(broken)])
    assert [type(one) for one in decoded] == [Observation, Rejected]
    assert decoded[1].reason == "unknown-message-type"
    assert decoded[1].raw == bad


def with_checksum(frame, start_at):
    body = frame[start_at:-4]
    return frame[:start_at] + body + zlib.crc32(body).to_bytes(4, "little")


def test_flags_in_frame_control_do_not_hide_a_beacon():
    frame = bytearray(encode_remote_id_beacon(MAC, 0, MESSAGES))
    at = 2 + int.from_bytes(frame[4:6], "little")
    frame[at + 1] = 0xFF
    (decoded,) = decode_all([message(with_checksum(bytes(frame), at))])
    assert isinstance(decoded[0], Observation)


def test_probe_response_and_bare_80211():
    frame = bytearray(encode_remote_id_beacon(MAC, 0, MESSAGES))
    at = 2 + int.from_bytes(frame[4:6], "little")
    frame[at] = 0x50
    (decoded,) = decode_all([message(b"\x00\x69" + bytes(frame[at:-4]))])
    assert decoded[0].claim.identity == "ARZ0001"
    assert decoded[0].features.signal_dbm is None


def test_bare_bluetooth_link_layer():
    (decoded,) = decode_all([message(b"\x00\xfb" + encode_remote_id_ble(MAC, 0, BasicId("ARZ1"))[12:])])
    assert decoded[0].claim.identity == "ARZ1"


def faults():
    beacon = encode_remote_id_beacon(MAC, 0, MESSAGES, -60)
    ble = encode_remote_id_ble(MAC, 0, BasicId("ARZ1"), -60)
    bare = b"\x00\x69" + bytes(beacon[12:-4])
    off_earth = bytearray(encode_remote_id_message(PLACE))
    off_earth[5:9] = (910_000_000).to_bytes(4, "little")
    nan = encode_remote_id_nan(MAC, 0, MESSAGES)
    yield "link type", b"\x00\x01" + bytes(60), "unknown-link-type"
    yield "nothing", b"", "unknown-link-type"
    yield "no radiotap", beacon[:6], "truncated"
    yield "radiotap version", b"\x00\x7f\x01" + beacon[3:], "bad-radiotap"
    yield "radiotap overrun", beacon[:4] + b"\xff\x0f" + beacon[6:], "truncated"
    yield "present words", b"\x00\x7f\x00\x00\x08\x00\x00\x00\x00\x80", "truncated"
    yield "damaged", beacon[:-20] + b"\x99" + beacon[-19:], "bad-checksum"
    yield "element overrun", bare[:-30], "element-overrun"
    yield "half an element", bare + b"\x00", "element-overrun"
    yield "short beacon", bare[:30], "truncated"
    yield "bluetooth cut", ble[:-4], "truncated"
    yield "bluetooth damaged", ble[:-6] + b"\x99" + ble[-5:], "bad-checksum"
    yield "off the earth", bare.replace(encode_remote_id_message(PLACE), bytes(off_earth)), "implausible-position"
    yield "NAN overrun", b"\x00\x69" + nan[11:-4].replace(b"\x03\x8b\x00", b"\x03\xff\x00"), "element-overrun"
    yield "nordic version", b"\x01\x10" + bytes(30), "unknown-version"


@pytest.mark.parametrize(("what", "payload", "reason"), [pytest.param(*one, id=one[0]) for one in faults()])
def test_faults_are_counted_by_name(what, payload, reason):
    _, decoded = remote_id_step(start(), message(payload))
    rejects = [one for one in decoded if isinstance(one, Rejected)]
    assert [one.reason for one in rejects] == [reason]
    assert rejects[0].source == FEED.id


def test_without_a_site_the_feed_is_the_sensor():
    assert remote_id_init(FEED, []).sensor_id == FEED.id


@pytest.fixture(scope="module")
def dissect(tmp_path_factory):
    """Return a function (feed message) -> the text of tshark's dissection."""
    program = shutil.which("tshark")
    if program is None:
        missing("tshark")
    folder = tmp_path_factory.mktemp("frames")

    def text(payload):
        path = folder / "frame.pcap"
        with path.open("wb") as file:
            dpkt.pcap.Writer(file, linktype=int.from_bytes(payload[:2], "big")).writepkt(payload[2:], ts=1.0)
        command = [program, "-r", str(path), "-V", "-o", "wlan.check_checksum:TRUE"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return text


def test_tshark_reads_the_frames_we_write(dissect):
    beacon = dissect(encode_remote_id_beacon(MAC, 7, MESSAGES, -61))
    assert "Beacon frame" in beacon
    assert "Antenna signal: -61 dBm" in beacon
    assert "[correct]" in beacon
    assert "FCS Status: Good" in beacon
    assert "Malformed" not in beacon
    nan = dissect(encode_remote_id_nan(MAC, 7, MESSAGES, -61))
    assert "Service ID: 88:69:19:9d:92:09" in nan
    assert "Service Info: 07-f2-19-05" in nan
    for frame in (
        encode_remote_id_ble(MAC, 7, MESSAGES[0], -61),
        encode_remote_id_ble_long_range(MAC, 7, MESSAGES, -61),
    ):
        ble = dissect(frame)
        assert "UUID 16: ASTM Remote ID (0xfffa)" in ble
        assert "Service Data: 0d07" in ble
        assert f"Advertising Address: {MAC}" in ble
        assert "incorrect" not in ble.lower()
