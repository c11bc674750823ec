"""Drills fly beside the night: never in its records, gone when something real appears, the same again in a replay."""

from __future__ import annotations

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file
from araz.app._data import site_path
from araz.app._drills import drill_handlers
from araz.app._export import run_export
from araz.exchange import csv_of_tracks, geojson_of, output_init, output_step
from araz.sensors import encode_decision, encode_report
from araz.store import Journal, Records
from araz.vocabulary import (
    WATERMARK,
    Alarm,
    AlarmState,
    Decision,
    DecisionAction,
    Drill,
    DrillOrder,
    ExportFormat,
    Incident,
    Message,
    Output,
    OutputFormat,
    PeopleReport,
    Picture,
    Rejected,
    ReportKind,
    is_drill,
)

#: 2026-11-24 18:00 UTC: night at the site.
START_US = 1_795_543_200_000_000


def order(starts_s=20.0, name="x1", seed=3):
    return DrillOrder(drill_id=name, starts_at_us=START_US + int(starts_s * 1e6), seed=seed, ordered_by="shift lead")


def play(extra=(), until_s=60.0, answer=None):
    """Tick each second with further messages (second, source, payload); ``answer`` decides on the first card."""
    bundle = bundle_from_file(site_path("horadiz"))
    messages, events, state = [(0.0, SITE_SOURCE, bundle)], [], pipeline.init()
    messages += [(float(s), pipeline.TICK_SOURCE, b"") for s in range(1, int(until_s))] + list(extra)
    journal = []
    for seq, (second, source, payload) in enumerate(sorted(messages, key=lambda one: one[0])):
        journal.append(Message(seq=seq, received_at_us=START_US + int(second * 1e6), source=source, payload=payload))
        state, said = pipeline.step(state, journal[-1])
        events += said
        card = next((one.alarm for one in said if isinstance(one, Drill) and one.alarm is not None), None)
        if answer is not None and card is not None:
            decision = answer(card, journal[-1].received_at_us)
            answer = None
            extra_message = Message(
                seq=len(messages), received_at_us=journal[-1].received_at_us + 1, source="console",
                payload=encode_decision(decision),
            )  # fmt: skip
            journal.append(extra_message)
            state, said = pipeline.step(state, extra_message)
            events += said
    return journal, events


def of_order(**changes):
    return (10.0, pipeline.DRILL_SOURCE, msgspec.json.encode(order(**changes)))


def drills(events):
    return [one for one in events if isinstance(one, Drill)]


def nothing_real_is_a_drill(events):
    """What an exporter takes: pictures, incidents, alarms, decisions. None holds the drill by type, id or text."""
    real = [one for one in events if isinstance(one, Picture | Incident | Alarm | Decision)]
    assert real
    assert all(WATERMARK.encode() not in msgspec.json.encode(one) for one in real)
    assert not any(is_drill(one) for one in real)


def test_a_drill_shows_a_track_and_a_card_and_is_never_among_the_real():
    _, events = play([of_order()], 330.0)
    shown = drills(events)
    assert all(one.drill_id == "DRILL-x1" and is_drill(one) for one in shown)
    assert shown[0].at_us >= START_US + 20_000_000, "not before its time"
    cards = [one.alarm for one in shown if one.alarm is not None]
    assert {card.priority for card in cards} == {1, 2}
    assert all(is_drill(card) for card in cards)
    assert all(is_drill(one.track) for one in shown if one.track is not None)
    assert max(card.priority for card in cards) == cards[0].priority == 2, "first foretold, then over the line"
    assert min(one.track.border_distance_m for one in shown if one.track) == pytest.approx(-1200, abs=15)
    nothing_real_is_a_drill(events)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A night's folder as a watch keeps it: a drill flew, and something real stopped it."""
    folder = tmp_path_factory.mktemp("night")
    report = encode_report(
        PeopleReport(kind=ReportKind.FOUND, reporter="post-4", report_id="r1"), START_US + 45_000_000
    )
    _, events = play([of_order(), (45.0, "reports", report)], 60.0)
    assert [one for one in drills(events) if one.alarm is not None], "it flew"
    with Journal.open(folder / "night.journal") as journal:
        journal.append([(START_US, SITE_SOURCE, bundle_from_file(site_path("horadiz")))])
    with Records.open(folder / "records.sqlite") as book:
        book.write(events)
        assert len(book.drills()) == 1
        assert book.incidents()
    return folder


@pytest.mark.parametrize("form", list(ExportFormat))
def test_no_export_holds_a_drill(kept, form, tmp_path):
    assert run_export(kept, form, tmp_path / "out", "test") == 0
    assert b"DRILL" not in (tmp_path / "out").read_bytes()


@pytest.mark.parametrize("form", list(OutputFormat))
def test_no_live_output_holds_a_drill_even_if_somebody_took_it_out_of_its_record(form):
    """A drill's track in a picture, its alarm and its decision among the real: nothing of them leaves."""
    _, events = play([of_order()], 60.0)
    shown = next(one for one in drills(events) if one.alarm is not None and one.track is not None)
    sent = Decision(
        decision_id="d1", alarm_id=shown.alarm.alarm_id, revision=1, action=DecisionAction.SEND, officer="duty officer",
        at_us=shown.at_us, patrol_id="patrol-1",
    )  # fmt: skip
    leaked = [Picture(at_us=shown.at_us, tracks=[shown.track]), shown.alarm, sent, *events]
    _, messages = output_step(output_init(Output(id="o", format=form, url="tcp://h:1"), "Horadiz"), leaked)
    assert all(b"DRILL" not in message for message in messages)
    features = geojson_of([leaked[0]], [], [shown.alarm])["features"]
    assert (features, list(csv_of_tracks([leaked[0]]))[1:]) == ([], [])


def test_a_drill_nobody_decides_is_missed():
    _, events = play([of_order()], 600.0)
    assert [one.state for one in drills(events)[-1:]] == ["missed"]


def test_the_decision_ends_it_with_the_time_it_took_and_reaches_no_real_alarm():
    def answer(card, now_us):
        return Decision(
            decision_id="d1", alarm_id=card.alarm_id, revision=card.revision, action=DecisionAction.SEND,
            patrol_id="patrol-1", officer="duty", at_us=now_us + 23_000_000,
        )  # fmt: skip

    _, events = play([of_order()], 60.0, answer)
    last = drills(events)[-1]
    assert (last.state, last.decision_s) == ("decided", pytest.approx(23.0))
    assert last.decision.decision_id == "d1"
    assert not [one for one in events if isinstance(one, Decision)], "no patrol is sent by a drill"
    assert not [one for one in events if isinstance(one, Rejected) and one.reason == "unknown-alarm"]
    nothing_real_is_a_drill(events)


@pytest.mark.parametrize("second", [5.0, 35.0])
def test_real_traffic_stops_a_drill_or_keeps_it_from_beginning(second):
    told = PeopleReport(kind=ReportKind.HEARD, reporter="post-4", report_id="r1")
    payload = encode_report(told, START_US + int(second * 1e6), azimuth_deg=180.0)
    _, events = play([of_order(), (second, "reports", payload)], 90.0)
    assert any(isinstance(one, Incident) for one in events), "the report is real"
    last = drills(events)[-1]
    assert last.state == ("refused" if second < 20.0 else "stopped")
    assert "real traffic" in last.why
    assert last.at_us - START_US <= (max(second, 20.0) + 1.5) * 1e6, "at once"
    assert (last.track, last.alarm) == (None, None)


def test_the_same_journal_gives_the_same_drill_and_bad_orders_are_counted():
    bad = (11.0, pipeline.DRILL_SOURCE, b"{}")
    journal, events = play([of_order(), bad], 60.0)
    state, again = pipeline.init(), []
    for message in journal:
        state, said = pipeline.step(state, message)
        again += said
    assert msgspec.json.encode(again) == msgspec.json.encode(events)
    assert [one.reason for one in events if isinstance(one, Rejected)] == ["bad-drill"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"ordered_by":"\xff"}', 400), (b"{}", 400), (b'{"ordered_by":""}', 422), (b'{"ordered_by":"lead"}', 201)],
)
def test_an_order_is_taken_or_refused_with_the_cause(body, status):
    taken = []

    async def submit(source, payload):
        taken.append(source)

    handlers = drill_handlers(None, submit, lambda: START_US)
    with TestClient(Litestar(handlers)) as client:
        sent = client.post("/api/drills", content=body, headers={"content-type": "application/json"})
        assert sent.status_code == status, sent.text
        assert client.post("/api/drills", content=body).status_code == 415
    assert taken == ([pipeline.DRILL_SOURCE] if status == 201 else [])


def test_a_second_drill_waits_its_turn():
    _, events = play([of_order(), (40.0, pipeline.DRILL_SOURCE, msgspec.json.encode(order(41.0, "x2")))], 60.0)
    refused = [one for one in drills(events) if one.state == "refused"]
    assert [one.drill_id for one in refused] == ["DRILL-x2"]
    assert drills(events)[-1].drill_id == "DRILL-x1"
    assert drills(events)[-1].alarm.state is AlarmState.ACTIVE
