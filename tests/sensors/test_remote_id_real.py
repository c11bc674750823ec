"""Real captures, judged by tshark for the link layer and by their published counts for the contents."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remote_id_captures import CAPTURES, SENSOR, decode_all, message, read_capture, start

from araz.sensors._ble import ble_checksum, heard_in_nordic
from araz.sensors._remote_id import remote_id_step
from araz.sensors._remote_id_messages import (
    BasicId,
    OperatorId,
    SelfId,
    System,
    decode_remote_id_message,
    split_remote_id_payload,
)
from araz.sensors._wifi import heard_in_radiotap
from araz.vocabulary import ClaimKind, Observation, Rejected
from araz_testing import missing

FOLDER = "data/remote_id"


@pytest.fixture(scope="module")
def tshark():
    """Return a function (path, display filter, fields) -> rows of text, the judge of the link layer."""
    program = shutil.which("tshark")
    if program is None:
        missing("tshark")

    def rows(path, keep, *fields):
        chosen = [part for name in fields for part in ("-e", name)]
        command = [program, "-r", str(path), *(("-Y", keep) if keep else ()), "-T", "fields", *chosen]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    return rows


def test_parrot_is_one_drone_with_1140_positions(shelf):
    messages = read_capture(shelf / FOLDER / "parrot_anafi4_real.pcapng")
    said = [one for decoded in decode_all(messages) for one in decoded]
    assert all(isinstance(one, Observation) for one in said)
    assert len(said) == 1140
    assert {one.sensor_id for one in said} == {SENSOR.id}
    # The first frames carry no Basic ID; until one comes the transmitter is all there is.
    names = [one.claim.identity for one in said]
    first = names.index("1588E040445AC004418")
    assert set(names[:first]) == {"mac:" + said[0].claim.transmitter}
    assert set(names[first:]) == {"1588E040445AC004418"}
    for one in said:
        place = one.measurement
        assert (place.altitude_hae_m, place.altitude_baro_m, place.altitude_agl_m) == (None, None, None)
        assert place.latitude_deg == pytest.approx(47.1986, abs=1e-3)
        assert place.longitude_deg == pytest.approx(8.7302, abs=1e-3)
        assert abs(one.observed_at_us - one.received_at_us) < 3_000_000
        assert -90 <= one.features.signal_dbm <= -20


def test_beacon_sample_has_five_messages_in_each_frame(shelf):
    messages = read_capture(shelf / FOLDER / "odid_wifi_bcn_sample.pcap")
    kinds = Counter()
    for one in messages:
        (heard,) = heard_in_radiotap(one.payload[2:])
        for part in split_remote_id_payload(heard.body):
            kinds[type(decode_remote_id_message(part)).__name__] += 1
    assert kinds == dict.fromkeys(("BasicId", "Location", "SelfId", "System", "OperatorId"), 21)
    said = [one for decoded in decode_all(messages) for one in decoded]
    assert len(said) == 21
    assert {one.claim.identity for one in said} == {"MFG1A0123456789"}
    assert {one.claim.operator_id for one in said} == {"GBR-OP-123ABCD"}
    assert {one.features.description for one in said} == {"Recreational"}
    assert all(one.measurement is not None for one in said)


def test_every_bluetooth_frame_is_explained(shelf, tshark):
    path = shelf / FOLDER / "odid_bt5_lr_sample.pcapng"
    messages = read_capture(path)
    judged = tshark(path, "", "nordic_ble.crcok", "nordic_ble.rssi", "btle.advertising_address")
    assert len(messages) == len(judged) == 274
    outcomes = Counter()
    for one, decoded, (is_good, rssi, address) in zip(messages, decode_all(messages), judged, strict=True):
        (what,) = decoded
        outcomes[what.reason if isinstance(what, Rejected) else "observation"] += 1
        assert (isinstance(what, Rejected) and what.reason == "bad-checksum") or is_good == "1"
        if isinstance(what, Observation):
            assert what.claim.transmitter == address
            assert what.features.signal_dbm == float(rssi)
            assert what.claim.identity == "SSEVTFG93700070"
            assert what.measurement is None, "this demo transmitter had no GNSS: 0/0 is unknown"
        frame = one.payload[2:]
        pdu = frame[22:]
        end = 2 + pdu[1]
        assert (ble_checksum(pdu[:end]) == pdu[end : end + 3]) == bool(frame[8] & 1), (
            "our checksum agrees with the radio"
        )
    # 30 damaged on the air, 19 sound packs that announce no message, the rest decoded.
    assert outcomes == {"observation": 225, "bad-checksum": 30, "empty-pack": 19}


def test_bluetooth_frames_carry_the_same_bytes_tshark_sees(shelf, tshark):
    path = shelf / FOLDER / "odid_bt5_lr_sample.pcapng"
    judged = tshark(path, "nordic_ble.crcok == 1", "frame.number", "btcommon.eir_ad.entry.service_data")
    messages = read_capture(path)
    for number, data in judged:
        (heard,) = heard_in_nordic(messages[int(number) - 1].payload[2:])
        assert bytes.fromhex(data)[2:] == heard.body


@pytest.mark.parametrize(
    ("name", "oui", "count"),
    [
        ("parrot_anafi4_real.pcapng", 0xFA0BBC, 1140),
        ("odid_wifi_bcn_sample.pcap", 0xFA0BBC, 21),
        ("mavic_multiple_spoofed.pcapng", 0x263712, 77),
    ],
)
def test_wifi_elements_are_the_ones_tshark_sees(shelf, tshark, name, oui, count):
    path = shelf / FOLDER / name
    fields = ("frame.number", "wlan.ta", "radiotap.dbm_antsignal", "wlan.tag.oui", "wlan.tag.vendor.data")
    judged = tshark(path, f"wlan.tag.oui == 0x{oui:06x}", *fields)
    assert len(judged) == count
    messages = read_capture(path)
    ours = {i + 1: heard for i, one in enumerate(messages) if (heard := heard_in_radiotap(one.payload[2:]))}
    assert sorted(ours) == sorted(int(row[0]) for row in judged)
    for number, transmitter, signal, ouis, data in judged:
        (heard,) = ours[int(number)]
        assert heard.transmitter.hex(":") == transmitter
        assert heard.signal_dbm == float(signal.split(",")[0])
        assert str(oui) in ouis.split(",")
        theirs = data.split(",")[-1]
        if oui == 0xFA0BBC:
            assert bytes.fromhex(theirs)[2:] == heard.body, "tshark's data begins with type 0D and the counter"
        else:
            assert bytes.fromhex(theirs) == heard.body


def test_spoofed_mavics_are_claims_of_fifteen_transmitters(shelf):
    messages = read_capture(shelf / FOLDER / "mavic_multiple_spoofed.pcapng")
    said = [one for decoded in decode_all(messages) for one in decoded]
    assert len(said) == 77
    assert {one.claim.kind for one in said} == {ClaimKind.DRONE_ID}
    assert len({one.claim.transmitter for one in said}) == 15
    assert len({one.claim.identity for one in said}) == 15
    for one in said:
        assert one.measurement.latitude_deg == pytest.approx(46.8, abs=0.2)
        assert one.measurement.longitude_deg == pytest.approx(7.7, abs=0.3)
        assert one.measurement.altitude_hae_m is None, "DJI's height units are disputed and stay raw"


def test_other_peoples_wifi_is_not_kept(shelf):
    messages = read_capture(shelf / FOLDER / "parrot_anafi4_real.pcapng")
    said = decode_all(messages)
    assert sum(not decoded for decoded in said) == 5091 - 1140


@pytest.mark.parametrize("name", CAPTURES)
def test_damaged_captures_never_raise(shelf, name):
    messages = read_capture(shelf / FOLDER / name)
    rng = random.Random(name)
    state = start()
    for _ in range(4000):
        one = bytearray(rng.choice(messages).payload)
        for _ in range(rng.randint(1, 4)):
            one[rng.randrange(len(one))] ^= 1 << rng.randrange(8)
        cut = bytes(one[: rng.randint(0, len(one))]) if rng.random() < 0.5 else bytes(one)
        state, decoded = remote_id_step(state, message(cut))
        assert all(isinstance(what, Observation | Rejected) for what in decoded)


def test_truncating_a_frame_with_remote_id_is_never_silent(shelf):
    frame = read_capture(shelf / FOLDER / "odid_wifi_bcn_sample.pcap")[0].payload
    for end in range(len(frame) - 12):
        _, decoded = remote_id_step(start(), message(frame[:end]))
        # A cut exactly between two elements leaves a sound beacon of somebody, without Remote ID.
        if not decoded:
            assert end < frame.index(bytes.fromhex("fa0bbc0d"))
        assert all(isinstance(what, Rejected) for what in decoded)


@given(st.sampled_from([105, 127, 251, 256, 272, 1, 0]), st.binary(max_size=300))
def test_any_bytes_of_any_link_type(link_type, data):
    _, decoded = remote_id_step(start(), message(link_type.to_bytes(2, "big") + data))
    assert all(isinstance(what, Observation | Rejected) for what in decoded)


def test_static_messages_of_the_parrot(shelf):
    kinds = Counter()
    for one in read_capture(shelf / FOLDER / "parrot_anafi4_real.pcapng"):
        for heard in heard_in_radiotap(one.payload[2:]):
            kinds.update(type(decode_remote_id_message(part)) for part in split_remote_id_payload(heard.body))
    assert kinds[BasicId] == kinds[System] == kinds[OperatorId] == 385
    assert kinds[SelfId] == 0
