"""Every path of the console: what it answers, and how it refuses."""

import msgspec
import pytest
from litestar.testing import TestClient

from araz.console import Hub, create_app
from araz.sensors import decode_decision, report_init, report_step
from araz.vocabulary import (
    Alarm,
    Decision,
    Incident,
    Message,
    Observation,
    Picture,
    Rejected,
    Said,
    SensorHealth,
    phrase,
    phrase_of,
)
from spoken import left_in_english

#: Another patrol's than the one of ``decision``.
ORDER = {
    "type": "intercept-option", "rank": 1, "patrol_id": "patrol-9", "action": "drop area", "latitude_deg": 39.4,
    "longitude_deg": 47.3, "arrival_s": 60.0, "arrival_sigma_s": 9.0, "margin_s": 5.0, "probability_before": 0.6,
    "route": [], "sentence": "",
}  # fmt: skip


def decision(**changes):
    base = {
        "type": "decision",
        "decision_id": "d-1",
        "alarm_id": "a-1",
        "revision": 3,
        "action": "send",
        "officer": "duty officer",
        "at_us": 1_789_236_600_000_000,
        "patrol_id": "patrol-2",
        "reason": None,
        "shelve_s": None,
    }
    return base | changes


def report(**changes):
    base = {"report_id": "r-1", "kind": "heard", "reporter": "patrol-2", "observed_at_us": 1_789_236_500_000_000}
    return base | changes


def refused(answer, status, code):
    """The one error shape, whatever went wrong."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "remedy", "message_said", "remedy_said"}
    for name in ("message", "remedy"):
        said = msgspec.convert(error[f"{name}_said"], Said)
        assert phrase_of(error[name], said) == phrase(said.key, **{k: str(v) for k, v in said.values.items()})
        # What the decoder says of a body, and the words that a field may have, are said as they are.
        free = [said.values[place] for place in ("text", "choices") if place in said.values]
        assert left_in_english(error[name], said, free) == set()
    assert error["code"] == code
    return error


def test_records_arrive_as_the_vocabulary_defines_them(client, night):
    def read(path, kind):
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=kind)

    assert read("/api/alarms", list[Alarm]) == night.alarms()
    assert read("/api/incidents", list[Incident]) == night.incidents(0)
    since = night.kept_incidents[3].known_at_us
    assert read(f"/api/incidents?since_us={since}", list[Incident]) == night.kept_incidents[3:]
    assert {one.sensor_id for one in read("/api/health", list[SensorHealth])} == {
        "power P06",  # a post's battery stands among the sensors
        *(s.id for s in night.site.sensors),
    }
    assert read("/api/decisions", list[Decision]) == []
    rejects = read("/api/rejects?sensor=rf-1", list[Rejected])
    assert rejects == night.rejects("nodes")
    assert read("/api/rejects?sensor=radar-1", list[Rejected]) == []


def test_health_of_a_past_time_is_that_of_the_records(client, night):
    def states(at_us):
        answer = client.get(f"/api/health?at_us={at_us}")
        return {one.sensor_id: one.state for one in msgspec.json.decode(answer.content, type=list[SensorHealth])}

    began_us = night.health_at(night.clock())[0].at_us
    assert states(began_us - 1) == {}
    assert states(began_us) == {one.sensor_id: one.state for one in night.health_at(began_us)}
    assert states(night.clock())["acoustic-3"] != states(began_us)["acoustic-3"]
    assert client.get("/api/health?at_us=yesterday").status_code == 400


def test_the_site_has_what_the_map_needs(client, night):
    site = client.get("/api/site").json()
    assert site["name"] == night.site.name
    assert {one["id"] for one in site["sensors"]} == {one.id for one in night.site.sensors}
    assert {one["id"] for one in site["patrols"]} == {one.id for one in night.site.patrols}
    assert {one["sensor_id"] for one in site["coverage"]} == {s.id for s in night.site.sensors if s.kind != "people"}
    assert len(site["terrain"]["corners"]) == 4


def test_pictures_are_thinned_and_bounded(client, night):
    first, last = night.history[0].at_us, night.history[99].at_us
    answer = client.get(f"/api/pictures?from_us={first}&to_us={last}&step_us=10000000")
    shown = [one.at_us for one in msgspec.json.decode(answer.content, type=list[Picture])]
    assert shown == [night.history[k].at_us for k in range(0, 100, 5)]
    assert len(client.get(f"/api/pictures?from_us={first}&to_us={last}&step_us=1&limit=3").json()) == 3


def test_a_picture_is_the_newest_at_or_before(client, night):
    wanted = night.history[7]
    assert client.get(f"/api/picture?at_us={wanted.at_us}").json()["at_us"] == wanted.at_us
    assert client.get(f"/api/picture?at_us={wanted.at_us + 1_999_999}").json()["at_us"] == wanted.at_us
    refused(client.get("/api/picture?at_us=5"), 404, "no-picture")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/nothing", 404, "not-found"),
        ("/api/picture", 400, "bad-request"),
        ("/api/picture?at_us=soon", 400, "bad-request"),
        ("/api/picture?at_us=-1", 400, "bad-request"),
        ("/api/incidents?since_us=9999999999999999999", 400, "bad-request"),
        ("/api/pictures?from_us=9&to_us=1", 400, "bad-request"),
        ("/api/pictures?from_us=1&to_us=9&step_us=0", 400, "bad-request"),
        ("/api/pictures?from_us=1&to_us=9&limit=0", 400, "bad-request"),
        ("/api/rejects?sensor=nobody", 404, "no-sensor"),
        ("/api/rejects", 404, "no-sensor"),
    ],
)
def test_wrong_questions_are_refused_in_one_shape(client, path, status, code):
    refused(client.get(path), status, code)


def test_wrong_method_has_the_same_shape(client):
    refused(client.delete("/api/alarms"), 405, "wrong-method")


def test_a_fault_of_ours_is_a_sentence_without_its_traceback(client, night, monkeypatch):
    def broken():
        raise RuntimeError("secret detail")

    monkeypatch.setattr(night, "alarms", broken)
    error = refused(client.get("/api/alarms"), 500, "internal")
    assert "secret" not in str(error)


def test_a_decision_is_journalled_as_it_was_taken(client, night):
    answer = client.post("/api/decisions", json=decision())
    assert answer.status_code == 201
    assert answer.json() == {
        "id": "d-1",
        "seq": 1,
        "received_at_us": answer.json()["received_at_us"],
        "repeated": False,
    }
    [(source, payload)] = night.submitted
    assert source == "console"
    assert decode_decision(payload) == msgspec.convert(decision(), Decision)


def test_a_decision_delivered_twice_is_recorded_once(client, night):
    first, second = (client.post("/api/decisions", json=decision()) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json() | {"repeated": True}
    assert len(night.submitted) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"patrol_id": None},
        {"order": ORDER},
        {"action": "reject"},
        {"action": "reject", "reason": "  "},
        {"action": "shelve"},
        {"action": "shelve", "shelve_s": 1e9},
        {"decision_id": ""},
        {"officer": "x" * 200},
        {"reason": "x" * 3000},
    ],
)
def test_an_incomplete_decision_is_refused_and_not_journalled(client, night, changes):
    refused(client.post("/api/decisions", json=decision(**changes)), 422, "incomplete")
    assert night.submitted == []


@pytest.mark.parametrize("changes", [{"action": "shoot"}, {"revision": -1}, {"at_us": "now"}, {"type": "alarm"}])
def test_a_decision_of_wrong_type_names_the_field(client, night, changes):
    error = refused(client.post("/api/decisions", json=decision(**changes)), 400, "bad-decision")
    assert next(iter(changes)) in error["message"] or "type" in error["message"]
    assert night.submitted == []


def test_bodies_must_be_json_and_small(client, night):
    refused(
        client.post("/api/decisions", content=b"{", headers={"content-type": "application/json"}), 400, "bad-decision"
    )
    refused(client.post("/api/decisions", content=b"a=1", headers={"content-type": "text/plain"}), 415, "not-json")
    refused(client.post("/api/decisions", json=decision(reason="x" * 70_000)), 413, "too-large")
    refused(client.post("/api/reports", data={"kind": "heard"}), 415, "not-json")
    assert night.submitted == []


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/api/decisions", b'{"reason":"\xff\xfe"}', "bad-decision"),
        ("/api/reports", b'{"text":"\xff\xfe"}', "bad-report"),
    ],
)
def test_a_body_that_is_no_utf8_is_refused_with_the_cause(client, night, path, body, code):
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert "utf-8" in refused(answer, 400, code)["message"].lower()
    assert night.submitted == []


def test_a_failed_journal_is_an_error_and_may_be_tried_again(client, night, monkeypatch):
    async def full(source, payload):
        raise OSError("disk full")

    monkeypatch.setattr(type(night), "submit", full)
    app = create_app(night.site, night.geometry, night, full, night.hub, clock=night.clock)
    with TestClient(app, base_url="http://127.0.0.1") as broken:
        refused(broken.post("/api/decisions", json=decision()), 500, "internal")
        refused(broken.post("/api/decisions", json=decision()), 500, "internal")


def test_a_report_keeps_the_time_of_its_press_and_its_bearing(client, night):
    sent = report(azimuth_deg=135.5, azimuth_sigma_deg=12.0, latitude_deg=39.4, longitude_deg=47.3, text="two rotors")
    assert client.post("/api/reports", json=sent).status_code == 201
    [(source, payload)] = night.submitted
    assert source == "reports"
    feed = next(one for one in night.site.feeds if one.id == "reports")
    message = Message(seq=1, received_at_us=1_789_236_600_000_000, source=source, payload=payload)
    _, [seen] = report_step(report_init(feed, night.site.sensors), message)
    assert isinstance(seen, Observation)
    assert seen.observed_at_us == sent["observed_at_us"]
    assert (seen.measurement.azimuth_deg, seen.measurement.azimuth_sigma_deg) == (135.5, 12.0)
    assert (seen.report.kind, seen.report.reporter, seen.report.report_id) == ("heard", "patrol-2", "r-1")
    assert (seen.report.latitude_deg, seen.report.longitude_deg, seen.report.text) == (39.4, 47.3, "two rotors")


def test_a_report_delivered_twice_is_recorded_once(client, night):
    answers = [client.post("/api/reports", json=report()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len(night.submitted) == 1
    assert client.post("/api/reports", json=report(report_id="r-2")).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "smelt"},
        {"report_id": ""},
        {"reporter": ""},
        {"observed_at_us": 0},
        {"azimuth_deg": 361},
        {"azimuth_sigma_deg": -1},
        {"azimuth_sigma_deg": 0},
        {"latitude_deg": 39.0},
        {"latitude_deg": 91.0, "longitude_deg": 1.0},
        {"text": "x" * 3000},
    ],
)
def test_an_impossible_report_is_refused(client, night, changes):
    refused(client.post("/api/reports", json=report(**changes)), 422, "incomplete")
    assert night.submitted == []


def test_a_misspelt_field_of_a_report_is_an_error(client):
    error = refused(client.post("/api/reports", json=report(azimut_deg=3)), 400, "bad-report")
    assert "azimut_deg" in error["message"]


def test_every_answer_forbids_what_is_foreign(client):
    for path in ("/", "/patrol", "/api/alarms", "/api/nothing", "/assets/a.mjs"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http:" not in policy
        assert "https:" not in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert client.get("/api/alarms").headers["cache-control"] == "no-store"


def test_foreign_hosts_and_origins_are_refused(client, night):
    refused(client.get("/api/alarms", headers={"host": "evil.example"}), 403, "foreign-host")
    answer = client.post("/api/decisions", json=decision(), headers={"origin": "https://evil.example"})
    refused(answer, 403, "foreign-origin")
    assert night.submitted == []
    assert (
        client.post("/api/decisions", json=decision(), headers={"origin": "http://127.0.0.1:8000"}).status_code == 201
    )


def test_pages_and_parts_are_served(client):
    assert "officer" in client.get("/").text
    assert "patrol" in client.get("/patrol").text
    assert client.get("/assets/a.mjs").headers["content-type"].startswith("text/javascript")
    assert client.get("/sw.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/favicon.svg").headers["content-type"].startswith("image/svg+xml")
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/assets/../index.html").status_code == 404


def test_without_built_pages_the_remedy_is_named(night):
    app = create_app(night.site, night.geometry, night, night.submit, Hub(), clock=night.clock)
    with TestClient(app, base_url="http://127.0.0.1:1") as bare:
        assert "make ui" in refused(bare.get("/"), 404, "not-built")["remedy"]
        assert bare.get("/api/alarms").status_code == 200


def test_somebody_must_be_allowed_in(night):
    with pytest.raises(ValueError, match="allowed_hosts"):
        create_app(night.site, night.geometry, night, night.submit, Hub(), night.clock, allowed_hosts=())


def test_searched_squares_travel_with_the_report(client, night):
    sent = report(kind="nothing", searched=["100:-3:12", "200:0:4"], search_detection=0.5)
    assert client.post("/api/reports", json=sent).status_code == 201
    [(source, payload)] = night.submitted
    feed = next(one for one in night.site.feeds if one.id == "reports")
    message = Message(seq=1, received_at_us=1_789_236_600_000_000, source=source, payload=payload)
    _, [seen] = report_step(report_init(feed, night.site.sensors), message)
    assert (seen.report.searched, seen.report.search_detection) == (["100:-3:12", "200:0:4"], 0.5)
    for wrong in ({"kind": "heard"}, {"searched": ["the well"]}, {"search_detection": 1.5}):
        refused(client.post("/api/reports", json=sent | {"report_id": "new"} | wrong), 422, "incomplete")
    assert len(night.submitted) == 1
