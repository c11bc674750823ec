"""The paths of signing in and out with a password; the page itself is built with the others."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, delete, get, post

from araz.console._described import asks
from araz.console._errors import Refused
from araz.console._gate import Gate, SignIn, session_cookie
from araz.console._requests import AnyRequest, json_of
from araz.console._sessions import Session
from araz.vocabulary import phrase


class SignedOut(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a sign-out."""

    away: str | None
    """Where the provider that vouched for the session ends its own; None where there is nothing more to end."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens a session like one's own at the other of two nodes, once."""

    ticket: str


def signin_handlers(gate: Gate) -> list[Any]:
    """Return the handlers of /api/session, and of a ticket from the other node."""

    @post("/api/session", opt=asks(body=SignIn))
    async def sign_in(request: AnyRequest) -> Response[Session]:
        done = await gate.sign_in(await json_of(request, SignIn, "session"))
        if not isinstance(done, tuple):
            raise Refused.with_body(429 if done.code == "locked" else 401, done)
        token, session = done
        return Response(session, status_code=201, headers={"set-cookie": session_cookie(token)})

    @get("/api/session", sync_to_thread=False)
    def who(request: AnyRequest) -> Session:
        return session_of(gate, request)

    @delete("/api/session", status_code=200)
    async def sign_out(request: AnyRequest) -> SignedOut:
        found = gate.session_of(dict(request.scope["headers"]))
        return SignedOut(away=None if found is None else await gate.sign_out(found[0]))

    @post("/api/session/ticket", status_code=201)
    async def ticket(request: AnyRequest) -> Ticket:
        found = gate.session_of(dict(request.scope["headers"]))
        if found is None:
            raise Refused(401, "sign-in", phrase("refused.nobody"), phrase("refused.sign-in-at"))
        return Ticket(ticket=await gate.ticket(found[0]))

    @post("/api/signin/ticket", opt=asks(body=Ticket))
    async def come_over(request: AnyRequest) -> Response[Session]:
        done = await gate.come_over((await json_of(request, Ticket, "ticket")).ticket)
        if not isinstance(done, tuple):
            raise Refused.with_body(401, done)
        token, session = done
        return Response(session, status_code=201, headers={"set-cookie": session_cookie(token)})

    return [sign_in, who, sign_out, ticket, come_over]


def session_of(gate: Gate, request: AnyRequest) -> Session:
    """Who asks; refused where nobody is signed in."""
    found = gate.session_of(dict(request.scope["headers"]))
    if found is None:
        raise Refused(401, "sign-in", phrase("refused.nobody"), phrase("refused.sign-in-at"))
    return found[1]
