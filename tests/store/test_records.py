"""Records: what is written comes back whole, and the database holds nothing the events do not."""

import contextlib
import itertools
import sqlite3

import msgspec
import pytest
import sqlalchemy

import araz_testing as cli
from araz.app._data import RECORDS, demo_files
from araz.app._logs import pictures_of
from araz.app._runtime import Night, arrivals_of, judge, keep_records_at
from araz.store import REJECTS_KEPT, EventLog, Records, has_records, read_journal, url_file
from araz.vocabulary import (
    Alarm,
    AlarmState,
    Area,
    Decision,
    DecisionAction,
    Event,
    Incident,
    IncidentKind,
    PeopleReport,
    Picture,
    Rejected,
    ReportKind,
    ReportReceived,
    SensorHealth,
    SensorState,
)


def alarm(alarm_id="A1", revision=0, state=AlarmState.ACTIVE, at_us=10):
    area = Area(latitude_deg=39.4, longitude_deg=47.0, semi_major_m=50, semi_minor_m=20, azimuth_deg=9, probability=0.9)
    return Alarm(
        alarm_id=alarm_id,
        revision=revision,
        priority=1,
        state=state,
        raised_at_us=10,
        changed_at_us=at_us,
        sentence="A drone crosses",
        confidence=0.8,
        areas=[area],
    )


def incident(n, at_us):
    return Incident(incident_id=f"I{n}", kind=IncidentKind.DROP, at_us=at_us - 5, known_at_us=at_us, track_id="T1")


def health(at_us, state, sensor_id="radar"):
    return SensorHealth(
        sensor_id=sensor_id,
        at_us=at_us,
        state=state,
        sentence="ok",
        last_heard_us=None,
        messages=1,
        observations=1,
        rejects=0,
        reject_reasons={"b": 2, "a": 1},
    )


def reject(n, source="radar", reason="truncated"):
    return Rejected(source=source, received_at_us=n, message_seq=n, reason=reason, detail="Cut off.", raw=b"\xff\x00")


DECISION = Decision(
    decision_id="D1", alarm_id="A1", revision=0, action=DecisionAction.SEND, officer="duty", at_us=20, patrol_id="P1"
)
REPORT = ReportReceived(
    report=PeopleReport(kind=ReportKind.HEARD, reporter="post-3", report_id="R1"), observed_at_us=5, received_at_us=7
)


@pytest.fixture(params=["sqlite", "postgresql"])
def records(tmp_path, request):
    """The records in both stores: everything below holds for each."""
    if request.param == "postgresql":
        url_file(tmp_path / "records.sqlite").write_text(request.getfixturevalue("postgresql"))
    with Records.open(tmp_path / "records.sqlite") as opened:
        yield opened


def test_every_kind_of_event_comes_back_as_it_was(records):
    events = [
        alarm(),
        alarm(revision=1, state=AlarmState.ACKNOWLEDGED, at_us=20),
        alarm("A2"),
        incident(1, 10),
        incident(2, 30),
        DECISION,
        REPORT,
        Picture(at_us=10, tracks=[]),
        health(10, SensorState.OK),
        reject(1),
    ]
    records.write(events[:5], 3)
    records.write(events[5:])
    records.write([])
    assert records.alarms() == [events[1], events[2]]
    assert records.alarm_history() == [events[0], events[2], events[1]]
    assert records.alarm_history("A1", since_us=15) == [events[1]]
    assert records.incidents() == events[3:5]
    assert records.incidents(since_us=11) == events[4:5]
    assert records.decisions() == [DECISION]
    assert records.reports() == [REPORT]
    assert records.health() == [events[8]]
    assert records.rejects("radar") == [events[9]]
    assert records.rejects("else") == []


def test_the_states_of_a_past_time_are_those_that_had_begun(records):
    radar_ok, radar_same, radar_dead = (
        health(10, SensorState.OK),
        health(20, SensorState.OK),
        health(30, SensorState.SILENT),
    )
    ear_ok = health(25, SensorState.OK, "ear")
    records.write([radar_ok, radar_same])
    records.write([ear_ok, radar_dead])
    told = {at_us: records.health_at(at_us) for at_us in (9, 10, 24, 25, 29, 30, 10**15)}
    assert told == {
        9: [],
        10: [radar_ok],
        24: [radar_ok],
        25: [ear_ok, radar_ok],
        29: [ear_ok, radar_ok],
        30: [ear_ok, radar_dead],
        10**15: [ear_ok, radar_dead],
    }


def test_all_events_of_the_vocabulary_have_a_place(records):
    from araz.store._records import _ROUTES

    assert set(_ROUTES) == set(Event.__args__)


def test_pictures_are_thinned_evenly_and_keep_the_last(records):
    records.write([Picture(at_us=t, tracks=[]) for t in range(100)])
    assert [p.at_us for p in records.pictures(0, 100)] == list(range(100))
    assert [p.at_us for p in records.pictures(10, 49, limit=4)] == [19, 29, 39, 49]
    assert len(records.pictures(0, 100, limit=7)) <= 7
    assert records.picture_at(50).at_us == 50
    assert records.picture_at(10**9).at_us == 99
    assert records.picture_at(-1) is None
    assert records.picture_span() == (0, 99)
    with pytest.raises(ValueError, match="at least one"):
        records.pictures(0, 1, limit=0)


def test_health_keeps_the_latest_and_only_the_changes(records):
    ok, silent = SensorState.OK, SensorState.SILENT
    records.write([health(1, ok), health(2, ok), health(1, ok, "camera")])
    records.write([health(3, silent)])
    records.write([health(4, silent), health(5, ok)])
    assert [(h.sensor_id, h.at_us) for h in records.health()] == [("camera", 1), ("radar", 5)]
    assert [(h.at_us, h.state) for h in records.health_history("radar")] == [(1, ok), (3, silent), (5, ok)]
    assert len(records.health_history()) == 4


def test_rejects_are_all_counted_and_the_last_kept_whole(records):
    for start in range(0, 2500, 500):
        records.write([reject(n) for n in range(start, start + 500)])
    records.write([reject(9000, "sapient#17", "too-long"), reject(9001, "sapient#18", "too-long")])
    kept = records.rejects("radar", limit=10_000)
    assert [r.received_at_us for r in kept] == list(range(2499, 2499 - REJECTS_KEPT, -1))
    assert records.reject_counts() == [("radar", "truncated", 2500, 2499), ("sapient", "too-long", 2, 9001)]
    assert [r.source for r in records.rejects("sapient#99")] == ["sapient#18", "sapient#17"]


def test_records_are_derivable(records, tmp_path):
    batches = [([alarm(), reject(1), health(1, SensorState.OK)], 1), ([alarm(revision=1), reject(2), DECISION], 2)]
    for events, seq in batches:
        records.write(events, seq)

    def everything(r):
        return r.alarms(), r.alarm_history(), r.decisions(), r.health_history(), r.rejects(), r.reject_counts()

    before = everything(records)
    records.rebuild(batches)
    assert everything(records) == before
    records.clear()
    assert not any(everything(records))
    with Records.open(tmp_path / "records.sqlite") as second:
        records.write([alarm()])
        assert second.alarms() == [alarm()]


def test_both_stores_answer_a_night_alike(tmp_path, postgresql):
    """Everything that can be asked, of a judged night: the same records in the same order, byte for byte."""
    events = [event for said in judge(itertools.islice(read_journal(demo_files()[0]), 1500)) for event in said]
    answers = []
    for name in ("sqlite", "postgresql"):
        path = tmp_path / name / "records.sqlite"
        path.parent.mkdir()
        if name == "postgresql":
            url_file(path).write_text(postgresql)
        assert has_records(path) == (name == "postgresql")
        with Records.open(path) as store:
            store.write(events)
            store.write(events[:50])
            first_us, last_us = store.picture_span()
            asked = [
                store.alarms(), store.alarm_history(), store.incidents(), store.decisions(), store.reports(),
                store.pictures(first_us, last_us), store.pictures(first_us, last_us, 7), store.picture_at(last_us - 1),
                store.health(), store.health_history(), store.health_at(last_us), store.rejects(),
                store.alarms_known(last_us, last_us), store.incidents_known(first_us + 9_000_000, last_us),
            ]  # fmt: skip
            answers.append((msgspec.json.encode(asked), store.reject_counts()))
        assert path.exists() == (name == "sqlite")
    assert len(answers[0][0]) > 20_000
    assert answers[0] == answers[1]


def test_a_night_keeps_its_records_where_the_one_setting_says(tmp_path, postgresql, capsys):
    """The night writes there, starts again from there, and the other commands find them there."""
    out = tmp_path / "night"
    out.mkdir()
    keep_records_at(out, postgresql)
    assert url_file(out / RECORDS).stat().st_mode & 0o077 == 0
    arrivals = list(itertools.islice(arrivals_of(demo_files()[0]), 400))
    with contextlib.closing(Night(out)) as night:
        night.take(arrivals)
        before = night.records.health(), night.records.picture_span(), night.records.reject_counts()
    assert before[1] is not None
    with contextlib.closing(Night(out)) as night:
        assert night.resume() == 401  # one more says by which software
        assert (night.records.health(), night.records.picture_span(), night.records.reject_counts()) == before
    assert not (out / RECORDS).exists()
    assert cli.araz("alarms", out) == 0
    cli.araz("doctor", "--out", out)
    assert "PostgreSQL answers" in capsys.readouterr().out
    assert len(list(pictures_of(out))) > 5


def test_what_was_erased_leaves_the_other_store_too(tmp_path, postgresql, capsys):
    out = tmp_path / "night"
    out.mkdir()
    keep_records_at(out, postgresql)
    words = ["--source", "radar-1", "--older-than-days", 0, "--by", "office", "--reason", "order 12"]
    with contextlib.closing(Night(out)) as night:
        night.take(list(itertools.islice(arrivals_of(demo_files()[0]), 400)))
        assert night.records.picture_span() is not None
    assert cli.araz("erase", out / "night.journal", *words) == 0
    assert "the records in PostgreSQL" in capsys.readouterr().out
    with Records.open(out / RECORDS) as records:
        assert records.picture_span() is None
        assert records.health() == []
    keep_records_at(out, "postgresql://araz@127.0.0.1:1/night")
    assert cli.araz("erase", out / "night.journal", *words) == 2
    assert "run the same command again" in capsys.readouterr().err


def test_another_store_is_refused_by_its_name(tmp_path):
    url_file(tmp_path / "records.sqlite").write_text("mysql://somebody@somewhere/night")
    with pytest.raises(ValueError, match="postgresql://USER"):
        Records.open(tmp_path / "records.sqlite")


def test_the_event_log_is_the_same_bytes_for_the_same_events(tmp_path):
    events = [alarm(), health(1, SensorState.OK), reject(1), DECISION]
    for name in ("a", "b"):
        with EventLog(tmp_path / name) as log:
            log.write(events[:2])
            log.write(iter(events[2:]))
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    assert [msgspec.json.decode(line, type=Event) for line in data.splitlines()] == events
    with EventLog(tmp_path / "a", append=True) as log:
        log.write(events[:1])
        log.flush()
        assert len((tmp_path / "a").read_bytes().splitlines()) == 5
    with EventLog(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_bytes() == b""


#: The tables of incidents and alarms as the first version made them, 24 November 2026.
FIRST_TABLES = """
CREATE TABLE alarms (alarm_id VARCHAR NOT NULL, revision INTEGER NOT NULL, state VARCHAR NOT NULL, raised_at_us BIGINT
  NOT NULL, changed_at_us BIGINT NOT NULL, message_seq BIGINT, json BLOB NOT NULL, PRIMARY KEY (alarm_id, revision));
CREATE TABLE incidents (incident_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, at_us BIGINT NOT NULL, known_at_us BIGINT
  NOT NULL, track_id VARCHAR, supersedes VARCHAR, message_seq BIGINT, json BLOB NOT NULL, PRIMARY KEY (incident_id));
INSERT INTO alarms VALUES ('A1', 0, 'active', 10, 10, 3, '{"type":"alarm","alarm_id":"A1","revision":0,"priority":1,
  "state":"active","raised_at_us":10,"changed_at_us":10,"sentence":"A drone crosses","confidence":0.8}');
INSERT INTO incidents VALUES ('I1', 'drop', 5, 10, 'T1', NULL, 3, '{"type":"incident","incident_id":"I1","kind":"drop",
  "at_us":5,"known_at_us":10,"track_id":"T1"}');
"""


def test_a_database_of_the_first_version_is_read_and_goes_on(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "records.sqlite")) as old:
        old.executescript(FIRST_TABLES)
    with Records.open(tmp_path / "records.sqlite") as records:
        assert [(one.alarm_id, one.sentence) for one in records.alarms()] == [("A1", "A drone crosses")]
        assert records.incidents() == [incident(1, 10)]
        records.write([alarm("A2"), Picture(at_us=1, tracks=[])])
        assert [one.alarm_id for one in records.alarms()] == ["A1", "A2"]
        records.clear()
        assert records.alarms() == []


def test_tables_of_another_version_are_made_anew_when_the_night_is_derived_again(records):
    records.write([alarm(), DECISION])
    with records._engine.begin() as connection:
        connection.execute(sqlalchemy.text("alter table alarms drop column message_seq"))
        connection.execute(sqlalchemy.text("alter table decisions add column mood varchar"))
    records.clear()
    records.write([alarm(), DECISION])
    assert records.alarms() == [alarm()]
    assert records.decisions() == [DECISION]
