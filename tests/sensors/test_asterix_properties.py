"""Round trips within a step of the format, and that no bytes whatever break the decoder."""

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.sensors._asterix import asterix_init, asterix_step
from araz.sensors._asterix_encode import (
    AsterixPlot,
    AsterixTrack,
    encode_asterix_015,
    encode_asterix_048,
    encode_asterix_062,
)
from araz.vocabulary import Feed, Format, Message, Observation, Rejected, ScanMark, Sensor, SensorKind, SensorReport

NOON_US = 1_700_000_000_000_000 // 86_400_000_000 * 86_400_000_000 + 43_200_000_000
FEED = Feed(id="north", format=Format.ASTERIX)
RADAR = Sensor(id="radar", kind=SensorKind.RADAR, feed="north", latitude_deg=39.5, longitude_deg=47.0)
KINDS = (Observation, Rejected, ScanMark, SensorReport)


def decode(payload):
    message = Message(seq=0, received_at_us=NOON_US, source="north", payload=payload)
    return asterix_step(asterix_init(FEED, [RADAR]), message)[1]


def reals(low, high):
    return st.floats(low, high, allow_nan=False)


def maybe(strategy):
    return st.none() | strategy


plots = st.builds(
    AsterixPlot,
    reals(0, 60_000),
    reals(0, 359.999),
    maybe(reals(-89, 89)),
    maybe(reals(-300, 300)),
    maybe(reals(-400, 9_000)),
    maybe(st.integers(0, 2**24 - 1).map(lambda n: f"{n:06x}")),
    st.none(),
    reals(0, 86_399.9),
)
tracks = st.builds(
    AsterixTrack,
    st.integers(0, 65_535),
    reals(-90, 90),
    reals(-180, 180),
    maybe(reals(-400, 20_000)),
    maybe(st.tuples(reals(-300, 300), reals(-300, 300))),
    maybe(reals(-30, 30)),
    maybe(st.integers(0, 2**24 - 1).map(lambda n: f"{n:06x}")),
    st.none(),
    st.none(),
    st.none(),
)


def near(found, sent, step):
    return (found is None) == (sent is None) and (sent is None or abs(found - sent) <= 0.5 * step + 1e-9)


def turn(first_deg, second_deg):
    return abs((first_deg - second_deg + 180) % 360 - 180)


@given(st.lists(plots, min_size=1, max_size=20))
def test_048_comes_back_within_a_step(sent):
    found = decode(encode_asterix_048(9, 8, 0.0, sent))
    assert len(found) == len(sent)
    for item, plot in zip(found, sent, strict=True):
        polar = item.measurement
        assert near(polar.range_m, plot.range_m, 1852 / 256)
        assert turn(polar.azimuth_deg, plot.azimuth_deg) <= 0.5 * 360 / 65536 + 1e-9
        assert near(polar.altitude_amsl_m, plot.altitude_amsl_m, 7.62)
        assert near(polar.range_rate_mps, plot.range_rate_mps, 1.0)
        assert (item.claim is None) == (plot.mode_s is None)
        assert item.claim is None or item.claim.identity == plot.mode_s
        clock_us = (item.observed_at_us - plot.time_of_day_s * 1e6 + 43_200e6) % 86_400e6 - 43_200e6
        assert abs(clock_us) <= 0.5e6 / 128 + 1
        assert abs(item.observed_at_us - NOON_US) <= 43_200_000_000


@given(st.lists(plots, min_size=1, max_size=20))
def test_015_comes_back_within_a_step(sent):
    found = decode(encode_asterix_015(9, 8, 0.0, sent))
    assert len(found) == len(sent)
    for item, plot in zip(found, sent, strict=True):
        polar = item.measurement
        assert near(polar.range_m, plot.range_m, 0.1)
        assert turn(polar.azimuth_deg, plot.azimuth_deg) <= 0.5 * 360 / 65536 + 1e-9
        assert near(polar.elevation_deg, plot.elevation_deg, 180 / 65536)
        assert near(polar.range_rate_mps, plot.range_rate_mps, 0.01)


@given(st.lists(tracks, min_size=1, max_size=20))
def test_062_comes_back_within_a_step(sent):
    found = decode(encode_asterix_062(9, 8, 0.0, sent))
    assert len(found) == len(sent)
    for item, track in zip(found, sent, strict=True):
        place = item.measurement
        assert near(place.latitude_deg, track.latitude_deg, 180 / 2**25)
        assert near(place.longitude_deg, track.longitude_deg, 180 / 2**25)
        assert near(place.altitude_hae_m, track.altitude_hae_m, 6.25 * 0.3048)
        assert near(place.climb_mps, track.climb_mps, 6.25 * 0.3048 / 60)
        assert (place.speed_mps is None) == (track.velocity_mps is None)
        assert item.claim.identity == (track.mode_s or f"9/8/{track.track_number}")


def check(payload):
    """Every datagram says something, never raises, and says no more than its bytes can hold."""
    said = decode(payload)
    assert said
    assert all(isinstance(item, KINDS) for item in said)
    assert len(said) <= 2 * len(payload) + 2


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_are_answered(payload):
    check(payload)


@given(st.sampled_from([15, 34, 48, 62]), st.binary(min_size=1, max_size=300))
@settings(max_examples=1_000)
def test_any_records_are_answered(category, records):
    check(bytes([category]) + (3 + len(records)).to_bytes(2, "big") + records)


@pytest.fixture(scope="module")
def real(shelf):
    with (shelf / "data" / "asterix" / "cat_034_048.pcap").open("rb") as file:
        frames = [bytes(dpkt.ethernet.Ethernet(frame).data.data.data) for _, frame in dpkt.pcap.Reader(file)]
    return sorted(set(frames))


def test_any_octet_of_real_bytes_may_be_wrong(real):
    for number, payload in enumerate(real):
        for at in range(number % 3, len(payload), 3):
            check(payload[:at] + bytes([payload[at] ^ (0x01, 0x80, 0xFF)[at // 3 % 3]]) + payload[at + 1 :])
            check(payload[:at])
