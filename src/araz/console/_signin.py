"""The paths of signing in and out with a password; the page itself is built with the others."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, delete, get, post

from araz.console._described import asks
from araz.console._errors import Refused
from araz.console._gate import Gate, Session, SignIn, session_cookie
from araz.console._requests import AnyRequest, json_of


class SignedOut(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a sign-out."""

    away: str | None
    """Where the provider that vouched for the session ends its own; None where there is nothing more to end."""


def signin_handlers(gate: Gate) -> list[Any]:
    """Return the handlers of /api/session."""

    @post("/api/session", opt=asks(body=SignIn))
    async def sign_in(request: AnyRequest) -> Response[Session]:
        done = await gate.sign_in(await json_of(request, SignIn, "session"))
        if not isinstance(done, tuple):
            raise Refused(429 if done.code == "locked" else 401, done.code, done.message, done.remedy)
        token, session = done
        return Response(session, status_code=201, headers={"set-cookie": session_cookie(token)})

    @get("/api/session", sync_to_thread=False)
    def who(request: AnyRequest) -> Session:
        return session_of(gate, request)

    @delete("/api/session", status_code=200, sync_to_thread=True)
    def sign_out(request: AnyRequest) -> SignedOut:
        found = gate.session_of(dict(request.scope["headers"]))
        return SignedOut(away=None if found is None else gate.sign_out(found[0]))

    return [sign_in, who, sign_out]


def session_of(gate: Gate, request: AnyRequest) -> Session:
    """Who asks; refused where nobody is signed in."""
    found = gate.session_of(dict(request.scope["headers"]))
    if found is None:
        raise Refused(401, "sign-in", "nobody is signed in", "sign in at /signin")
    return found[1]
