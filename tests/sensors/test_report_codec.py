"""People's reports and decisions: round trips, duplicates, and any bytes at all."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from araz.sensors import decode_decision, encode_decision, encode_report, report_init, report_step
from araz.vocabulary import (
    Bearing,
    Decision,
    DecisionAction,
    Feed,
    Format,
    Message,
    Observation,
    PeopleReport,
    Rejected,
    ReportKind,
    Sensor,
    SensorKind,
)

FEED = Feed(id="reports", format=Format.REPORT)
PEOPLE = Sensor(id="people", kind=SensorKind.PEOPLE, feed="reports", latitude_deg=39.4, longitude_deg=47.3)


def message(payload, seq=0):
    return Message(seq=seq, received_at_us=2_000_000, source="reports", payload=payload)


@given(
    kind=st.sampled_from(list(ReportKind)),
    place=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    azimuth=st.none() | st.floats(0, 360),
    text=st.none() | st.text(max_size=50),
    at_us=st.integers(0, 10**15),
)
def test_a_report_survives_the_wire(kind, place, azimuth, text, at_us):
    latitude, longitude = place or (None, None)
    report = PeopleReport(
        kind=kind, reporter="post-4", report_id="r1", latitude_deg=latitude, longitude_deg=longitude, text=text
    )
    payload = encode_report(report, at_us, azimuth_deg=azimuth, azimuth_sigma_deg=None)
    _, [got] = report_step(report_init(FEED, [PEOPLE]), message(payload))
    assert isinstance(got, Observation)
    assert got.report == report
    assert got.observed_at_us == at_us
    assert got.received_at_us == 2_000_000
    assert got.sensor_id == "people"
    if azimuth is None:
        assert got.measurement is None
    else:
        assert isinstance(got.measurement, Bearing)
        assert got.measurement.azimuth_deg == azimuth
        assert got.measurement.latitude_deg == latitude


def test_a_press_delivered_twice_counts_once():
    payload = encode_report(PeopleReport(kind=ReportKind.HEARD, reporter="p", report_id="same"), 1)
    state, [first] = report_step(report_init(FEED, [PEOPLE]), message(payload))
    _, [second] = report_step(state, message(payload, seq=1))
    assert isinstance(first, Observation)
    assert isinstance(second, Rejected)
    assert second.reason == "duplicate"


def test_half_a_place_is_refused_not_completed():
    wire = msgspec.json.encode(
        {"observed_at_us": 1, "report": {"type": "people-report", "kind": "heard", "reporter": "p", "report_id": "x",
                                         "latitude_deg": 39.0}}
    )  # fmt: skip
    _, [got] = report_step(report_init(FEED, [PEOPLE]), message(wire))
    assert isinstance(got, Rejected)
    assert "longitude_deg" in got.detail


@given(st.binary(max_size=300))
def test_any_bytes_end_as_a_record(payload):
    _, got = report_step(report_init(FEED, [PEOPLE]), message(payload))
    assert len(got) == 1
    assert isinstance(decode_decision(payload), Decision | str)


def test_deeply_nested_json_is_refused():
    _, [got] = report_step(report_init(FEED, [PEOPLE]), message(b"[" * 100_000))
    assert isinstance(got, Rejected)
    assert isinstance(decode_decision(b"[" * 100_000), str)


def test_a_decision_survives_the_wire():
    decision = Decision(
        decision_id="d", alarm_id="A0001", revision=2, action=DecisionAction.SEND, officer="post", at_us=5,
        patrol_id="patrol-2", reason="nearest",
    )  # fmt: skip
    assert decode_decision(encode_decision(decision)) == decision
