"""The gate before the console: sign in, be told no, be logged. Without accounts (localhost alone) there is none."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from litestar import Request, Response
from litestar.types import ASGIApp, Receive, Scope, Send

from araz.console._access import Role, is_open, rule_of
from araz.console._errors import Refused, answer, objection
from araz.console._ports import Clock
from araz.console._sessions import Session, Sessions, SessionWord, key_of
from araz.console._wire import ErrorBody
from araz.vocabulary import phrase

SESSION_US: Final = 12 * 3600 * 1_000_000
"""A shift: then everybody signs in again."""
MAX_FAILURES: Final = 5
LOCKED_US: Final = 60_000_000
"""So long an account is shut after ``MAX_FAILURES`` wrong passwords in a row."""
FAILURE_PLACES: Final = 4_096
"""Failures are counted in so many places, a name's place by the process's own secret hash: made-up names neither fill
the memory nor drive a real name's count out of it."""
COOKIE: Final = "__Host-araz"
"""The prefix makes browsers refuse it without TLS, with a domain, or with another path."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in: a post or an officer's number, never a name."""

    id: str
    role: Role
    service: str
    password_hash: str
    """Argon2id, PHC format."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is, by whichever way it was shown: what a session is made from."""

    id: str
    role: Role
    service: str


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /api/session."""

    account: str
    password: str
    purpose: str


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the access log: who used which path for which purpose; written before the answer."""

    at_us: int
    account: str
    role: str
    what: str
    purpose: str
    is_granted: bool


Check = Callable[[str, str], Account | None]
"""Account of an id and a password, None for a wrong one; slow by intent, called in a thread."""
NoteAccess = Callable[[Access], Awaitable[None]]
KeepSession = Callable[[SessionWord], Awaitable[None]]
"""Has a word of the sessions where every node of the centre hears it; back when it is safe there."""
OfService = Callable[[str, ASGIApp], ASGIApp | None]
"""What a service is shown: of its name and the application of those who see all; None refuses."""


def purpose_objection(purpose: str) -> ErrorBody | None:
    """Why a purpose is none; None when it says what for."""
    if purpose.strip() and len(purpose) <= 200:
        return None
    return objection("no-purpose", phrase("refused.no-purpose"), phrase("refused.give-purpose"))


def session_cookie(token: str) -> str:
    """The header that gives a browser its session."""
    return f"{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict"


class Gate:
    """The sessions, the table of rules before every path, the log behind it.

    ``keep`` has the words of the sessions outlive this process and reach the other node; None: they die with it.
    ``still`` says whether a session from before this process, or from the other node, would be given today.
    """

    def __init__(
        self, check: Check, note: NoteAccess, clock: Clock, keep: KeepSession | None = None,
        still: Callable[[Session], bool] = lambda _: True,
    ) -> None:  # fmt: skip
        self._check = check
        self._note = note
        self._clock = clock
        self._keep = keep
        self._still = still
        self.sessions = Sessions()
        self._failures: dict[int, tuple[int, int]] = {}
        self.farewell: Callable[[str], str | None] = lambda _: None
        """Where the provider behind a session ends its own; set by whoever signs people in through one."""

    async def sign_in(self, wanted: SignIn) -> tuple[str, Session] | ErrorBody:
        """Return a new token and its session, or why not."""
        now_us, name = self._clock(), wanted.account[:128]
        place = hash(name) % FAILURE_PLACES
        count, last_us = self._failures.get(place, (0, 0))
        if count >= MAX_FAILURES and now_us - last_us < LOCKED_US:
            return objection("locked", phrase("refused.locked"), phrase("refused.wait-minute"))
        if (no_purpose := purpose_objection(wanted.purpose)) is not None:
            return no_purpose
        # Counted before the check, which takes its time: guesses sent all at once are no more than five either.
        self._failures[place] = count + 1, now_us
        account = await asyncio.to_thread(self._check, wanted.account, wanted.password)
        if account is None:
            await self.turn_away(name, "password", wanted.purpose)
            return objection("wrong", phrase("refused.wrong"), phrase("refused.again"))
        self._failures.pop(place, None)
        who = Identity(id=account.id, role=account.role, service=account.service)
        return await self.admit(who, wanted.purpose, "password")

    async def admit(self, who: Identity, purpose: str, how: str) -> tuple[str, Session]:
        """Return a new token and its session for somebody whose identity was shown, logged first."""
        session = Session(account=who.id, role=who.role, service=who.service, purpose=purpose,
                          until_us=self._clock() + SESSION_US, how=how)  # fmt: skip
        await self._log(who.id, who.role, f"sign-in by {how}", purpose, True)
        return await self._opened(session), session

    async def _opened(self, session: Session) -> str:
        token = secrets.token_urlsafe(32)
        await self._tell(SessionWord(key=key_of(token), session=session))
        return token

    async def _tell(self, word: SessionWord) -> None:
        if self._keep is not None:
            await self._keep(word)
        self.sessions.hear(word)

    async def ticket(self, token: str) -> str:
        """Return what opens a session like this one at the other node, once, when this node is gone."""
        made = secrets.token_urlsafe(32)
        await self._tell(SessionWord(key=key_of(made), ticket_of=key_of(token)))
        return made

    async def come_over(self, ticket: str) -> tuple[str, Session] | ErrorBody:
        """Return a new token and its session for a ticket of the other node, logged first; it ends when that would."""
        session = self.sessions.spend(ticket, self._clock())
        if session is None or not self._still(session):
            await self.turn_away("", "ticket", "")
            return objection("no-ticket", phrase("refused.no-ticket"), phrase("refused.sign-in"))
        await self._tell(SessionWord(key=key_of(ticket)))
        await self._log(session.account, session.role, "sign-in by ticket", session.purpose, True)
        return await self._opened(session), session

    async def turn_away(self, name: str, how: str, purpose: str) -> None:
        """Log a sign-in that was refused."""
        await self._log(name[:128], "", f"sign-in by {how}", purpose[:200], False)

    async def sign_out(self, token: str) -> str | None:
        """End a session; returns where the provider that vouched for it ends its own, if it has such a place."""
        await self._tell(SessionWord(key=key_of(token)))
        return self.farewell(token)

    def session_of(self, headers: dict[bytes, bytes]) -> tuple[str, Session] | None:
        """The token and session that a request's cookie carries, if it still holds."""
        try:
            jar = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return None
        token = jar[COOKIE].value if COOKIE in jar else ""
        session = self.sessions.of(token, self._clock())
        return None if session is None or not self._still(session) else (token, session)

    async def refusal(self, method: str, path: str, headers: dict[bytes, bytes]) -> tuple[int, ErrorBody] | None:
        """Why a request is refused, as status and body; None lets it through, logged where the rule wants it."""
        found = self.session_of(headers)
        if found is None:
            return 401, objection("sign-in", phrase("refused.nobody"), phrase("refused.sign-in-at"))
        session, rule = found[1], rule_of(method, path)
        is_granted = rule is not None and session.role in rule.roles
        if rule is None or rule.is_personal or not is_granted:
            purpose = unquote(headers.get(b"x-purpose", b"").decode("latin-1"))[:200] or session.purpose
            await self._log(session.account, session.role, f"{method} {path[:200]}", purpose, is_granted)
        if not is_granted:
            text = phrase("refused.role", role=phrase(f"role.{session.role.value}"), what=f"{method} {path}")
            return 403, objection("not-your-role", text, phrase("refused.see-security"))
        return None

    async def _log(self, account: str, role: str, what: str, purpose: str, is_granted: bool) -> None:
        access = Access(at_us=self._clock(), account=account, role=str(role), what=what, purpose=purpose,
                        is_granted=is_granted)  # fmt: skip
        await self._note(access)

    def wrap(self, app: ASGIApp, of_service: OfService | None = None) -> ASGIApp:
        """Put the gate before an application; whoever is let in sees that of his service (None: all see ``app``)."""

        async def gated(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] not in ("http", "websocket"):
                await app(scope, receive, send)
                return
            method = "WEBSOCKET" if str(scope["type"]) == "websocket" else str(scope.get("method"))
            path = scope["path"]
            if is_open(method, path):
                await app(scope, receive, send)
                return
            try:
                refused = await self.refusal(method, path, dict(scope["headers"]))
            except Refused as error:  # nothing is read where the log cannot say so: this node follows
                refused = error.status_code, error.body
            inner: ASGIApp | None = app
            found = self.session_of(dict(scope["headers"])) if refused is None else None
            is_own = path.startswith(("/api/session", "/api/passkeys"))  # of the account, not of what its service sees
            if found is not None and of_service is not None and not is_own:
                inner = of_service(found[1].service, app)
                if inner is None:
                    text = phrase("refused.no-view", service=found[1].service)
                    refused = 403, objection("no-view", text, phrase("refused.ask-owner"))
            if refused is None and inner is not None:
                await inner(scope, receive, send)
            elif refused is not None:
                await _refuse(*refused, scope, receive, send)

        return gated


async def _refuse(status: int, body: ErrorBody, scope: Any, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4401 if status == 401 else 4403, "reason": body.code})
    elif status == 401 and scope["path"] in ("/", "/patrol"):
        away = Response(b"", status_code=303, headers={"location": "/signin"})
        await away.to_asgi_response(app=None, request=Request(scope, receive, send))(scope, receive, send)
    else:
        response = answer(status, body).to_asgi_response(app=None, request=Request(scope, receive, send))
        await response(scope, receive, send)
