"""The console of two services: every path a role may read, and the live stream, show each service its own night."""

import shutil

import msgspec
import pytest

from araz.app._runtime import Night
from araz.console import ACCESS, Role
from hidden_lab import OURS, THEIRS
from two_services import Centre

SECRET = "hidden-radar"
#: The sensors' names may be on the screen of the service that sees all: else nothing would prove that the words differ.
TELLING = {"/api/site", "/api/health", "/api/picture", "/api/pictures", "/api/screen", "/api/incidents"}


#: Plan and register speak of the whole sector: a part of it has neither.
OF_THE_WHOLE = ("/api/plan", "/api/seizures")


@pytest.fixture(scope="module")
def centre(request, tmp_path_factory):
    with Centre(request.config.rootpath, tmp_path_factory.mktemp("centre")) as made:
        yield made


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_every_path_of_every_role_shows_a_service_its_own_night(centre, role):
    paths = {path for (method, path), rule in ACCESS.items() if method == "GET" and Role(role) in rule.roles}
    for path in sorted(path for path in paths if path.startswith("/api/")):
        whole = centre.get(path, centre.sign_in(role, THEIRS))
        part = centre.get(path, centre.sign_in(role, OURS))
        if path.startswith(OF_THE_WHOLE):
            assert (part.status_code, part.json()["error"]["code"]) == (403, "partial-view"), path
        else:
            assert part.status_code == whole.status_code, path
        assert SECRET not in part.text, path
        assert (SECRET in whole.text) == (path in TELLING) or path in ("/api/alarms", "/api/incidents"), path


def test_a_service_that_the_site_never_names_sees_nothing(centre):
    for path in ("/", "/api/site", "/api/incidents", "/api/releases"):
        answer = centre.get(path, centre.sign_in("liaison", "customs"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "no-view")


def test_the_picture_says_what_is_withheld(centre):
    part = centre.get("/api/picture", centre.sign_in("officer", OURS)).json()
    assert [(one["area_id"], one["owner"]) for one in part["withheld"]] == [("box", THEIRS)]
    assert centre.get("/api/picture", centre.sign_in("officer", THEIRS)).json()["withheld"] == []
    assert centre.get("/api/site", centre.sign_in("officer", OURS)).json()["areas"][0]["id"] == "box"


def test_the_live_stream_is_the_service_s_own(centre):
    headers = centre.sign_in("officer", OURS)
    with centre.client.websocket_connect("/api/live", headers=headers) as socket:
        frames = [socket.receive_json() for _ in range(3)]
    picture = next(frame for frame in frames if frame["type"] == "picture")
    assert picture["picture"]["withheld"][0]["area_id"] == "box"
    assert picture["oldest_message_us"] is None
    assert SECRET not in str(frames)


@pytest.mark.parametrize("path", ["/api/decisions", "/api/reports", "/api/weather"])
def test_whoever_sees_a_part_decides_nothing(centre, path):
    bodies = {
        "/api/decisions": {"type": "decision", "decision_id": "d", "alarm_id": "A1", "revision": 1,
                           "action": "acknowledge", "officer": "x", "at_us": 1},
        "/api/reports": {"report_id": "r", "kind": "heard", "reporter": "p", "observed_at_us": 1},
        "/api/weather": {"type": "weather"},
    }  # fmt: skip
    before = centre.night.messages
    answer = centre.client.post(path, json=bodies[path], headers=centre.sign_in("officer", OURS))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "partial-view")
    assert centre.night.messages == before


def test_two_officers_release_an_alarm_and_the_other_service_sees_it(centre):
    whole = centre.night.views.whole
    alarm_id = next(one.alarm_id for one in whole.alarms.values() if whole.owners(one, OURS))
    body = {"release_id": "r-7", "step": "ask", "alarm_id": alarm_id, "to_service": OURS, "reason": "joint operation"}

    def post(number, service=THEIRS, role="officer", **more):
        headers = centre.sign_in(role, service, number)
        return centre.client.post("/api/releases", json=body | more, headers=headers)

    def seen():
        return [one["alarm_id"] for one in centre.get("/api/alarms", centre.sign_in("liaison", OURS)).json()]

    assert post(1, alarm_id="A9999").status_code == 404
    assert post(1, reason=" ").status_code == 409
    assert "31 days" in post(1, until_us=0).json()["error"]["message"], "an end that was given is never the shift's"
    # To whoever sees a part, a number that the whole night has and one that it has not are the same.
    known, unknown = (post(1, OURS, to_service=THEIRS, alarm_id=name) for name in (alarm_id, "A9999"))
    assert (known.status_code, known.text.replace(alarm_id, "A9999")) == (404, unknown.text)
    asked = post(1, role="liaison")
    assert (asked.status_code, asked.json()["state"], asked.json()["asked"]["role"]) == (201, "asked", "liaison")
    assert asked.json()["asked"]["until_us"] == centre.now_us + 12 * 3_600_000_000
    assert "a liaison cannot answer" in post(2, step="confirm", role="liaison").json()["error"]["message"]
    same = post(1, step="confirm", role="liaison")
    assert "cannot answer" in same.json()["error"]["message"]
    assert post(3, release_id="r-8").status_code == 201
    same = post(3, release_id="r-8", step="confirm")
    assert (same.status_code, same.json()["error"]["message"]) == (409, "four eyes: who asked cannot confirm it")
    assert f"R-{alarm_id}" not in seen()
    refused = post(2, release_id="r-8", step="refuse", reason="too early").json()
    assert (refused["state"], refused["refused"]["reason"]) == ("refused", "too early")
    assert post(2, step="confirm").json()["state"] == "granted"
    assert f"R-{alarm_id}" in seen()
    told = centre.get("/api/releases", centre.sign_in("liaison", OURS)).json()
    assert (told["to_services"], told["is_granting"]) == ([], False)
    assert [(one["state"], one["asked"]["account"]) for one in told["releases"]] == [
        ("refused", f"officer|{THEIRS}|3"), ("granted", f"liaison|{THEIRS}|1"),
    ]  # fmt: skip
    assert told["releases"][1]["confirmed"]["account"] == f"officer|{THEIRS}|2"
    mine = centre.get("/api/releases", centre.sign_in("officer", THEIRS, 2)).json()
    assert (mine["to_services"], mine["is_granting"], mine["releases"]) == ([OURS], True, told["releases"])
    assert post(1, step="revoke").status_code == 201
    state = next(a for a in centre.get("/api/alarms", centre.sign_in("liaison", OURS)).json()
                 if a["alarm_id"] == f"R-{alarm_id}")  # fmt: skip
    assert state["state"] == "cleared"


def test_the_views_are_the_same_after_a_restart(centre, tmp_path):
    """Nothing but the journal is needed: a new process arrives at the same night, released alarms included."""
    shutil.copytree(centre.night.out / "night.journal", tmp_path / "out" / "night.journal")
    again = Night(tmp_path / "out", log_events=False, services=[OURS, THEIRS, "customs"])
    again.resume()
    now, then = centre.night.views.of(OURS).records, again.views.of(OURS).records
    for ask in ("alarm_history", "incidents", "health", "decisions"):
        assert getattr(now, ask)() == getattr(then, ask)()
    assert now.pictures(0, 1 << 60, 100_000) == then.pictures(0, 1 << 60, 100_000)
    assert msgspec.json.encode(now.alarms()).count(b'"R-A') == 1
    again.close()
