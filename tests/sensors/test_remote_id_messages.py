"""The 25-byte codec: everything encoded comes back within half a step, unknown comes back as unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.sensors._remote_id_location import (
    HOUR_US,
    Location,
    horizontal_sigma_m,
    observed_time_us,
    vertical_sigma_m,
)
from araz.sensors._remote_id_messages import (
    EPOCH_2019_S,
    Authentication,
    BasicId,
    OperatorId,
    SelfId,
    System,
    decode_remote_id_message,
    encode_remote_id_message,
    encode_remote_id_message_pack,
    split_remote_id_payload,
)
from araz.sensors._remote_id_wire import Malformed


def maybe(strategy):
    return st.none() | strategy


TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
HEIGHT = maybe(st.floats(-999, 31_000))
NIBBLE = st.integers(0, 15)
PLACE = st.tuples(st.floats(-90, 90), st.floats(-180, 180)).filter(lambda p: max(map(abs, p)) > 1e-6)


@given(
    place=maybe(PLACE),
    heights=st.tuples(HEIGHT, HEIGHT, HEIGHT),
    agl=st.booleans(),
    speed=maybe(st.floats(0, 254)),
    course=maybe(st.floats(0, 359.9)),
    climb=maybe(st.floats(-62, 62)),
    codes=st.tuples(NIBBLE, NIBBLE, NIBBLE, NIBBLE, NIBBLE, NIBBLE),
    tenths=maybe(st.integers(0, 36_000)),
    version=st.integers(0, 2),
)
def test_location_round_trip(place, heights, agl, speed, course, climb, codes, tenths, version):
    sent = Location(
        None if place is None else place[0],
        None if place is None else place[1],
        *heights,
        agl,
        speed,
        course,
        climb,
        *codes[:5],
        tenths,
        codes[5],
    )
    raw = encode_remote_id_message(sent, version)
    assert len(raw) == 25
    back = decode_remote_id_message(raw)
    close(back.latitude_deg, sent.latitude_deg, 0.5e-7)
    close(back.longitude_deg, sent.longitude_deg, 0.5e-7)
    close(back.altitude_hae_m, sent.altitude_hae_m, 0.25)
    close(back.altitude_baro_m, sent.altitude_baro_m, 0.25)
    close(back.height_m, sent.height_m, 0.25)
    close(back.speed_mps, sent.speed_mps, 0.125 if speed is not None and speed <= 63.75 else 0.4)
    close(back.climb_mps, sent.climb_mps, 0.25)
    if course is None:
        assert back.course_deg is None
    else:
        assert abs((back.course_deg - course + 180) % 360 - 180) <= 0.5
    same = ("height_is_agl", "status", "horizontal_accuracy", "vertical_accuracy", "baro_accuracy", "speed_accuracy")
    for name in (*same, "tenths", "time_accuracy"):
        assert getattr(back, name) == getattr(sent, name)
    assert encode_remote_id_message(back, version) == raw


def close(got, wanted, within):
    if wanted is None:
        assert got is None
    else:
        assert got == pytest.approx(wanted, abs=within * 1.0001, rel=0)


@given(
    st.one_of(
        st.builds(BasicId, maybe(TEXT), st.integers(0, 2), NIBBLE),
        st.builds(SelfId, maybe(TEXT), st.integers(0, 255)),
        st.builds(OperatorId, maybe(TEXT), st.integers(0, 255)),
        st.builds(Authentication, NIBBLE, st.integers(1, 15), st.binary(min_size=23, max_size=23)),
        st.builds(
            Authentication,
            NIBBLE,
            st.just(0),
            st.binary(min_size=17, max_size=17),
            st.integers(0, 255),
            st.integers(0, 255),
            maybe(st.integers(EPOCH_2019_S + 1, EPOCH_2019_S + 2**32 - 1)),
        ),
    )
)
def test_static_messages_round_trip(sent):
    assert decode_remote_id_message(encode_remote_id_message(sent)) == sent


@given(
    place=maybe(PLACE),
    heights=st.tuples(HEIGHT, HEIGHT, HEIGHT),
    area=st.tuples(st.integers(0, 65_535), st.integers(0, 255)),
    codes=st.tuples(st.integers(0, 3), st.integers(0, 7), NIBBLE, NIBBLE),
    at_s=maybe(st.integers(EPOCH_2019_S + 1, EPOCH_2019_S + 2**32 - 1)),
)
def test_system_round_trip(place, heights, area, codes, at_s):
    sent = System(
        operator_latitude_deg=None if place is None else place[0],
        operator_longitude_deg=None if place is None else place[1],
        operator_altitude_hae_m=heights[0],
        area_ceiling_hae_m=heights[1],
        area_floor_hae_m=heights[2],
        area_count=area[0],
        area_radius_m=area[1] * 10,
        operator_location_type=codes[0],
        region=codes[1],
        eu_category=codes[2],
        eu_class=codes[3],
        at_s=at_s,
    )
    back = decode_remote_id_message(encode_remote_id_message(sent))
    close(back.operator_latitude_deg, sent.operator_latitude_deg, 0.5e-7)
    close(back.operator_longitude_deg, sent.operator_longitude_deg, 0.5e-7)
    for name in ("operator_altitude_hae_m", "area_ceiling_hae_m", "area_floor_hae_m"):
        close(getattr(back, name), getattr(sent, name), 0.25)
    rounded = {
        name: getattr(back, name)
        for name in System.__dataclass_fields__
        if name.startswith("operator_l") or name.endswith("hae_m")
    }
    assert replace(sent, **rounded | {"operator_location_type": codes[0]}) == back


def test_binary_session_ids_keep_their_bytes():
    sent = BasicId("0x" + bytes(range(20)).hex(), id_type=4)
    assert decode_remote_id_message(encode_remote_id_message(sent)) == sent


@given(st.binary(min_size=25, max_size=25))
def test_any_25_bytes_decode_or_are_refused(data):
    reason = None
    try:
        decode_remote_id_message(data)
    except Malformed as error:
        reason = error.reason
    assert reason in {None, "unknown-version", "unknown-message-type", "implausible-position"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "truncated"),
        (b"\x12" + bytes(23), "truncated"),
        (bytes.fromhex("f21900"), "empty-pack"),
        (bytes.fromhex("f21901") + bytes(24), "pack-overrun"),
        (bytes.fromhex("f2190b") + bytes(300), "bad-pack"),
        (bytes.fromhex("f21801") + bytes(25), "bad-pack"),
        (bytes.fromhex("f31901") + bytes(25), "unknown-version"),
        (bytes.fromhex("f2"), "truncated"),
    ],
)
def test_bounds_of_packs(raw, reason):
    with pytest.raises(Malformed) as caught:
        split_remote_id_payload(raw)
    assert caught.value.reason == reason


def test_pack_holds_its_messages_in_order_and_ignores_padding():
    messages = [BasicId("A1"), Location(1.0, 2.0), OperatorId("OP")]
    parts = split_remote_id_payload(encode_remote_id_message_pack(messages) + bytes(60))
    assert [type(decode_remote_id_message(part)) for part in parts] == [BasicId, Location, OperatorId]


def test_wrong_calls_name_the_remedy():
    with pytest.raises(ValueError, match="shorten"):
        encode_remote_id_message(BasicId("X" * 21))
    with pytest.raises(ValueError, match="1 to 9"):
        encode_remote_id_message_pack([])
    with pytest.raises(ValueError, match="course"):
        encode_remote_id_message(Location(speed_mps=-1.0))
    with pytest.raises(ValueError, match="version"):
        encode_remote_id_message(BasicId("X"), 3)


@given(st.integers(0, 35_999), st.integers(-550, 550), st.integers(470_000, 480_000))
def test_time_within_the_hour_wraps(tenths, late_tenths, hour):
    truth_us = hour * HOUR_US + tenths * 100_000
    assert observed_time_us(tenths, truth_us + late_tenths * 100_000) == truth_us


def test_unknown_or_absurd_time_is_the_arrival():
    assert observed_time_us(None, 123) == 123
    half_past_us = 480_000 * HOUR_US + HOUR_US // 2
    assert observed_time_us(0, half_past_us) == half_past_us


def test_accuracy_codes():
    assert horizontal_sigma_m(0) is None
    assert vertical_sigma_m(15) is None
    assert horizontal_sigma_m(10) == pytest.approx(10 / 2.4477)
    assert vertical_sigma_m(4) == pytest.approx(10 / 1.96)
