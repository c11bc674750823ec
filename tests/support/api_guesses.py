"""Schemathesis asks the real console of two services what nobody would, as every role and as nobody.

Each answer is held against the table of roles: no server error, nothing granted that the table does not grant, nothing
refused that it grants, every refusal in the one shape.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Unsatisfiable

from araz.console import ACCESS, OPEN, Role
from hidden_lab import OURS, THEIRS

#: Who asks: every role of the service that sees all, one that sees a part, and nobody.
PERSONS = [*((role.value, THEIRS) for role in Role), ("officer", OURS), (None, None)]
#: Signing out ends the session that the next question needs: it has tests of its own.
LEFT_OUT = {("DELETE", "/api/session")}


def operations(client, headers):
    """The operations of the document that the console itself gives."""
    import schemathesis

    found = schemathesis.openapi.from_dict(client.get("/schema", headers=headers).json())
    for result in found.get_all_operations():
        operation = result.ok()
        if (operation.method.upper(), operation.path) not in LEFT_OUT:
            yield operation


def judged(role, method, path, answer):
    """What is wrong with an answer, in a word; None when nothing is."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    code = ""
    if answer.status_code >= 400:
        try:
            code = answer.json()["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return "a refusal of another shape"
    if (method, path) in OPEN:
        return None
    if role is None:
        return None if code == "sign-in" or answer.status_code == 303 else "nobody was let in"
    may = Role(role) in ACCESS[method, path].roles
    if may != (code != "not-your-role"):
        return "refused what the table grants" if may else "granted what the table refuses"
    return None


def sent(case, client):
    """What a case sends, in the words of the client that asks: query, body, and the type the body claims."""
    said = case.as_transport_kwargs(base_url=str(client.base_url))
    more = {name: said[name] for name in ("params", "json", "data") if said.get(name) is not None}
    if isinstance(more.get("data"), bytes | str):
        more["content"] = more.pop("data")
    named = dict(said.get("headers") or {}).items()
    return more | {"headers": {k: v for k, v in named if k.lower() in ("content-type", "accept")}}


def ask_all(centre, person, examples, seed=0, only=lambda operation: True):
    """Ask every operation ``examples`` times, right and wrong, as one person; the statuses, and what was wrong."""
    from schemathesis import GenerationMode

    role, service = person
    headers = {} if role is None else centre.sign_in(role, service, "fuzz")
    statuses, wrong = Counter(), {}

    def ask_one(method, path, strategy):
        @seeded(seed)
        @settings(
            max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=strategy)
        def ask(case):
            more = sent(case, centre.client)
            centre.client.cookies.clear()
            more["headers"] |= headers
            answer = centre.client.request(method, path, follow_redirects=False, **more)
            statuses[answer.status_code] += 1
            what = judged(role, method, path, answer)
            if what is not None:
                wrong[f"{role} {method} {path}: {what}"] = repr(more)[:300]

        ask()

    for operation in operations(centre.client, centre.sign_in("officer", THEIRS, "reader")):
        method, path = operation.method.upper(), operation.path
        for mode in GenerationMode if only(operation) else ():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # What takes neither query nor body cannot be asked wrongly.
                with contextlib.suppress(Unsatisfiable):
                    ask_one(method, path, operation.as_strategy(generation_mode=mode))
    return statuses, wrong
