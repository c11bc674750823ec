"""The whole API, asked by another program from the document the console gives of itself: by every role, by nobody."""

import inspect
import re

import pytest

import api_guesses
from api_guesses import PERSONS, ask_all, operations
from araz.console import ACCESS, OPEN
from hidden_lab import OURS, THEIRS
from two_services import Centre


@pytest.fixture(scope="module")
def centre(request, tmp_path_factory):
    with Centre(request.config.rootpath, tmp_path_factory.mktemp("api")) as made:
        yield made


@pytest.mark.parametrize("person", PERSONS, ids=lambda person: f"{person[0]} of {person[1]}")
def test_nothing_fails_and_the_table_holds(centre, person):
    statuses, wrong = ask_all(centre, person, examples=1)
    assert wrong == {}
    assert sum(statuses.values()) > 60
    assert set(statuses) <= {200, 201, 303, 400, 401, 403, 404, 409, 413, 415, 422, 429}


def test_a_grant_that_the_table_lacks_would_be_found(centre, monkeypatch):
    path = "/api/alarms"
    less = ACCESS["GET", path]._replace(roles=frozenset())
    monkeypatch.setattr(api_guesses, "ACCESS", ACCESS | {("GET", path): less})
    _, wrong = ask_all(centre, ("officer", THEIRS), 1, only=lambda operation: operation.path == path)
    assert list(wrong) == [f"officer GET {path}: granted what the table refuses"]


def test_the_document_has_every_path_of_the_table(centre):
    found = {(operation.method.upper(), operation.path) for operation in operations(centre.client, headers(centre))}
    pages = {("GET", path) for path in ("/", "/patrol", "/signin", "/sw.js", "/favicon.svg", "/assets")}
    pages |= {("GET", path) for path in ("/metrics", "/readyz")}
    streams = {("WEBSOCKET", "/api/live")}
    assert found | {("DELETE", "/api/session")} == (set(ACCESS) | OPEN) - pages - streams
    part = centre.client.get("/schema", headers=centre.sign_in("officer", OURS)).json()
    assert "/api/alarms" in part["paths"]


def headers(centre):
    return centre.sign_in("officer", THEIRS)


def test_the_document_says_all_that_a_handler_reads(centre):
    """Held against the source of each handler: no query and no body that the document does not know of."""
    document = centre.client.get("/schema", headers=headers(centre)).json()
    handlers = {
        (method, route.path): handler
        for route in centre.app.routes
        for handler in getattr(route, "route_handlers", [])
        if route.path in document["paths"]
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    }
    read = 0
    for (method, path), handler in handlers.items():
        function = handler.fn
        while hasattr(function, "func"):  # wrapped to run in a thread
            function = function.func
        operation, source = document["paths"][path][method.lower()], inspect.getsource(function)
        names = set(re.findall(r"""(?:query_params\.get\(|time_of\(request, )"(\w+)\"""", source))
        named = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert names <= named, (method, path)
        assert ("json_of(" in source) == ("requestBody" in operation), (method, path)
        read += len(names) + ("json_of(" in source)
    assert read > 25
    assert "alarm_id" in document["components"]["schemas"]["Decision"]["properties"]
    answer = document["paths"]["/api/alarms"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"type": "array", "items": {"$ref": "#/components/schemas/Alarm"}}


#: Records that say something of a person: who flew, who was seen or heard, who decided, how fast, and why.
PERSONAL = {"Track", "Alarm", "Incident", "Decision", "PeopleReport", "Rejected", "Release", "Drill"}


def test_whatever_says_something_of_a_person_is_logged(centre):
    """Read from the document: an answer that can hold such a record, however deep, is logged with its purpose."""
    document = centre.client.get("/schema", headers=headers(centre)).json()
    parts = {name: set(refs(part)) for name, part in document["components"]["schemas"].items()}
    found = set()
    for path, operations_of in document["paths"].items():
        if "get" not in operations_of:
            continue
        reached, new = set(), set(refs(operations_of["get"]["responses"]["200"]))
        while new - reached:
            reached |= new
            new = set().union(*(parts[name] for name in reached))
        if reached & PERSONAL:
            found.add(path)
            assert ACCESS["GET", path].is_personal, path
    assert {"/api/alarms", "/api/picture", "/api/pictures", "/api/screen", "/api/drills", "/api/releases"} <= found
    assert ACCESS["WEBSOCKET", "/api/live"].is_personal


def refs(part):
    return re.findall(r"#/components/schemas/(\w+)", str(part))
