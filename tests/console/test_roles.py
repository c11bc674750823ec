"""Every role at every path, against the table; the table against every route; sign-in, purpose and log."""

import asyncio
from collections import Counter

import pytest
from litestar import route as answers
from litestar.testing import TestClient

from araz.app._alarms import alarm_handlers
from araz.app._coverage import coverage_handlers
from araz.app._drills import drill_handlers
from araz.app._metrics import metrics_handlers
from araz.app._plan_desk import plan_handlers
from araz.app._releases import release_handlers
from araz.app._search import search_handlers
from araz.app._seizure_desk import seizure_handlers
from araz.app._signin_ways import way_handlers
from araz.console import ACCESS, OPEN, Account, Gate, Role, SignIn, create_app, rule_of

PASSWORDS = {role.value: f"the password of {role.value}" for role in Role}
#: What must hold whatever the table says: read from the jobs of the users, not from the code.
NEVER = [
    ("liaison", "POST", "/api/decisions"),
    ("patrol", "POST", "/api/decisions"),
    ("technician", "GET", "/api/alarms"),
    ("technician", "GET", "/api/decisions"),
    ("analyst", "GET", "/api/decisions"),
    ("prosecutor", "GET", "/api/rejects"),
    ("prosecutor", "WEBSOCKET", "/api/live"),
    ("commander", "POST", "/api/decisions"),
    ("commander", "POST", "/api/reports"),
    ("examiner", "POST", "/api/reports"),
]


def empty_pages():
    """The further pages' own routes, behind each an empty answer: here only who may enter is judged."""
    nobody = None
    real = [
        *alarm_handlers(nobody, "UTC", nobody), *drill_handlers(nobody, nobody, nobody),
        *search_handlers(nobody, nobody, nobody), *coverage_handlers(nobody, nobody),
        *release_handlers(nobody, nobody, nobody, nobody), *metrics_handlers(nobody, nobody),
        *plan_handlers(nobody), *seizure_handlers(nobody), *way_handlers(nobody, nobody, nobody),
    ]  # fmt: skip

    def empty(handler):
        methods = sorted(handler.http_methods & {"GET", "POST", "DELETE"})

        @answers(
            sorted(handler.paths), http_method=methods, status_code=200, include_in_schema=False, sync_to_thread=False
        )
        def answer() -> dict[str, str]:
            return {}

        return answer

    return [empty(handler) for handler in real]


class Door:
    """A console with a gate, and what the gate logged."""

    def __init__(self, night, pages):
        self.log, self.now_us = [], 1_790_000_000_000_000

        async def note(access):
            self.log.append(access)

        def check(name, password):
            if PASSWORDS.get(name) != password:
                return None
            return Account(id=name, role=Role(name), service="border service", password_hash="")

        gate = Gate(check, note, lambda: self.now_us)
        app = create_app(night.site, night.geometry, night, night.submit, night.hub, static_dir=pages,
                         clock=night.clock, gate=gate, more=empty_pages())  # fmt: skip
        self.app = app
        self.client = TestClient(app, base_url="https://127.0.0.1:8000")

    def sign_in(self, role, purpose="duty"):
        body = {"account": role, "password": PASSWORDS[role], "purpose": purpose}
        answer = self.client.post("/api/session", json=body)
        assert answer.status_code == 201, answer.text
        token = answer.headers["set-cookie"].split(";")[0]
        return {"cookie": token}


@pytest.fixture
def door(night, pages):
    made = Door(night, pages)
    with made.client:
        yield made


def routes_of(app):
    """Every method and path the application answers, in the words of the table."""
    found = set()
    for route in app.routes:
        methods = set(getattr(route, "methods", ())) or {"WEBSOCKET"}
        path = route.path.split("/{")[0] or "/"
        path = "/assets" if path.startswith("/assets/") else path
        found |= {(method, path) for method in methods - {"OPTIONS", "HEAD"}}
    return found


def test_the_table_names_every_route_and_no_other(door):
    assert routes_of(door.app) == set(ACCESS) | OPEN


def knock(client, method, path, headers):
    if method == "WEBSOCKET":
        try:
            with client.websocket_connect(path, headers=headers) as socket:
                socket.receive_json()
                return 200
        except Exception as refused:
            return {4401: 401, 4403: 403}[refused.code]
    body = {"content": b"{}", "headers": {**headers, "content-type": "application/json"}} if method == "POST" else {}
    return client.request(method, path, **{"headers": headers, "follow_redirects": False, **body}).status_code


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_every_role_at_every_path(door, role):
    for (method, path), rule in ACCESS.items():
        headers = door.sign_in(role)
        door.client.cookies.clear()
        status = knock(door.client, method, path, headers)
        assert (status != 403) == (Role(role) in rule.roles), (method, path, status)
        assert status < 500, (method, path)
        if status == 403:
            assert door.log[-1].is_granted is False
            assert door.log[-1].account == role


def test_nobody_without_a_session(door):
    for method, path in ACCESS:
        door.client.cookies.clear()
        status = knock(door.client, method, path, {})
        assert status == (303 if path in ("/", "/patrol") else 401), (method, path)
    bodies = {("POST", "/api/session"), ("POST", "/api/signin/ticket")}
    for method, path in OPEN - bodies - {("GET", "/assets")}:
        assert knock(door.client, method, path, {}) == 200, path
    assert [knock(door.client, method, path, {}) for method, path in bodies] == [400, 400]
    assert door.client.post("/api/signin/ticket", json={"ticket": "guessed"}).status_code == 401
    assert door.log[-1].is_granted is False
    assert knock(door.client, "GET", "/assets/a.mjs", {}) == 200


def test_what_no_table_may_grant():
    for role, method, path in NEVER:
        assert Role(role) not in rule_of(method, path).roles, (role, method, path)
    assert rule_of("GET", "/api/unheard-of") is None
    assert rule_of("PUT", "/api/alarms") is None


@pytest.mark.parametrize(
    "path", ["/api/alarms/", "//api/alarms", "/api/../api/alarms", "/API/alarms", "/api/alarms%2f"]
)
def test_another_spelling_opens_nothing(door, path):
    headers = door.sign_in("technician")
    door.client.cookies.clear()
    assert door.client.get(path, headers=headers, follow_redirects=False).status_code in (403, 404)


def test_each_read_of_personal_data_is_logged_with_its_purpose_before_the_answer(door):
    headers = door.sign_in("prosecutor", purpose="case 17/2026")
    door.client.cookies.clear()
    before = len(door.log)
    assert door.client.get("/api/decisions", headers=headers).status_code == 200
    assert door.client.get("/api/alarms", headers={**headers, "x-purpose": "appeal"}).status_code == 200
    assert door.client.get("/api/site", headers=headers).status_code == 200
    said = [(item.what, item.purpose, item.account) for item in door.log[before:]]
    assert said == [("GET /api/decisions", "case 17/2026", "prosecutor"), ("GET /api/alarms", "appeal", "prosecutor")]


def test_who_decides_is_who_is_signed_in(door, night):
    headers = door.sign_in("officer")
    door.client.cookies.clear()
    decision = {"type": "decision", "decision_id": "d-9", "alarm_id": next(iter(night.cards)), "revision": 1}
    decision |= {"action": "acknowledge", "officer": "somebody-else", "at_us": 1_790_000_000_000_000}
    assert door.client.post("/api/decisions", json=decision, headers=headers).status_code == 201
    assert b'"officer":"officer"' in night.submitted[-1][1]


def test_sign_in_is_slow_to_guess_and_ends(door):
    wrong = {"account": "officer", "password": "no", "purpose": "duty"}
    codes = [door.client.post("/api/session", json=wrong).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    right = {**wrong, "password": PASSWORDS["officer"]}
    assert door.client.post("/api/session", json=right).status_code == 429
    door.now_us += 61_000_000
    headers = door.sign_in("officer")
    door.client.cookies.clear()
    assert door.client.get("/api/session", headers=headers).json()["role"] == "officer"
    door.now_us += 13 * 3_600_000_000
    assert door.client.get("/api/session", headers=headers).status_code == 401
    headers = door.sign_in("officer")
    door.client.cookies.clear()
    assert door.client.delete("/api/session", headers=headers).json() == {"away": None}
    assert door.client.get("/api/alarms", headers=headers).status_code == 401
    assert door.client.post("/api/session", json={**right, "purpose": " "}).status_code == 401


@pytest.mark.parametrize("name", ["officer", "n" * 300])
def test_guesses_sent_all_at_once_are_no_more_than_five(name):
    tried = []

    async def note(_):
        pass

    def check(*words):
        tried.append(words)

    async def crowd():
        gate = Gate(check, note, lambda: 1_790_000_000_000_000)
        guesses = [SignIn(account=name, password=f"guess {k}", purpose="duty") for k in range(40)]
        return await asyncio.gather(*(gate.sign_in(guess) for guess in guesses))

    assert Counter(answer.code for answer in asyncio.run(crowd())) == {"wrong": 5, "locked": 35}
    assert len(tried) == 5


def test_made_up_names_do_not_open_a_shut_account():
    async def note(_):
        pass

    async def flood():
        gate = Gate(lambda *_: None, note, lambda: 1_790_000_000_000_000)

        async def guess(name):
            return (await gate.sign_in(SignIn(account=name, password="guess", purpose="duty"))).code

        first = [await guess("officer") for _ in range(6)]
        for k in range(1_100):
            await guess(f"nobody {k}")
        return [*first, await guess("officer")]

    assert asyncio.run(flood()) == ["wrong"] * 5 + ["locked"] * 2


def test_the_cookie_is_for_this_host_over_tls_and_no_script(door):
    body = {"account": "officer", "password": PASSWORDS["officer"], "purpose": "duty"}
    cookie = door.client.post("/api/session", json=body).headers["set-cookie"]
    assert cookie.startswith("__Host-araz=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"))


def test_without_a_gate_nobody_is_asked(client):
    assert client.get("/api/alarms").status_code == 200
