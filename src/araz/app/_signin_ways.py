"""The ways to sign in beside the password: passkeys of local accounts, and a provider of OpenID Connect."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, delete, get, post

from araz.app._oidc import Oidc, OidcRefused
from araz.app._passkeys import PasskeyRefused, Passkeys
from araz.console import (
    AnyRequest,
    Gate,
    Refused,
    Session,
    asks,
    json_of,
    purpose_objection,
    session_cookie,
    session_of,
    told_by,
)
from araz.vocabulary import phrase

COOKIE: Final = "__Host-araz-provider"
"""Binds a sign-in to the browser that began it. Lax: the way back from the provider begins on the provider's page."""
MOST_TOKENS: Final = 1_000
_HOME: Final = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Araz</title>
<meta http-equiv="refresh" content="0; url=%s"><p><a href="%s">Araz</a></p></html>
"""


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """How one may sign in here."""

    has_accounts: bool
    has_passkeys: bool
    provider: str | None
    """What the button of the provider says; None where there is none."""


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey as its owner sees it."""

    id: str
    name: str
    made_at_us: int
    used_at_us: int | None
    is_shut: bool


class KeyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new passkey, as the browser made it."""

    name: str
    credential: dict[str, Any]


class KeySignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sign-in with a passkey."""

    purpose: str
    credential: dict[str, Any]


def way_handlers(gate: Gate | None, passkeys: Passkeys | None, oidc: Oidc | None) -> list[Any]:
    """The paths of both; where one is not set up they say so."""

    @get("/api/signin", sync_to_thread=False)
    def ways(request: AnyRequest) -> Ways:
        has_name = passkeys is not None and _host(request) is not None
        return Ways(has_accounts=passkeys is not None, has_passkeys=has_name,
                    provider=None if oidc is None else oidc.provider.name)  # fmt: skip

    return [ways, *_passkey_handlers(gate, passkeys), *_provider_handlers(gate, oidc)]


def _passkey_handlers(gate: Gate | None, passkeys: Passkeys | None) -> list[Any]:
    def ready() -> tuple[Gate, Passkeys]:
        if gate is None or passkeys is None:
            raise Refused(404, "no-passkeys", phrase("refused.no-accounts"), phrase("refused.with-accounts"))
        return gate, passkeys

    def own(request: AnyRequest) -> tuple[Session, Passkeys]:
        door, keys = ready()
        session = session_of(door, request)
        if session.how == "provider":
            raise Refused(409, "not-local", phrase("refused.not-local"), phrase("refused.by-provider"))
        return session, keys

    @get("/api/passkeys", sync_to_thread=False)
    def mine(request: AnyRequest) -> list[KeyShown]:
        session, keys = own(request)
        return [msgspec.convert(key, KeyShown, from_attributes=True) for key in keys.of(session.account)]

    @post("/api/passkeys/options", status_code=200, sync_to_thread=False)
    def registration(request: AnyRequest) -> Response[bytes]:
        session, keys = own(request)
        return _json(_held(keys.registration_options, session.account, _named(request)))

    @post("/api/passkeys", opt=asks(body=KeyIn))
    async def register(request: AnyRequest) -> KeyShown:
        session, keys = own(request)
        said = await json_of(request, KeyIn, "passkey")
        name = said.name.strip()[:64] or "passkey"
        here = _named(request), _origin(request)
        key = await asyncio.to_thread(_held, keys.register, session.account, name, said.credential, *here)
        return msgspec.convert(key, KeyShown, from_attributes=True)

    @delete("/api/passkeys", status_code=200, sync_to_thread=True, opt=asks(text="id"))
    def remove(request: AnyRequest) -> list[KeyShown]:
        session, keys = own(request)
        if not keys.remove(session.account, request.query_params.get("id", "")):
            raise Refused(404, "no-passkey", phrase("refused.no-such-passkey"), phrase("refused.see-passkeys"))
        return [msgspec.convert(key, KeyShown, from_attributes=True) for key in keys.of(session.account)]

    @post("/api/signin/passkey-options", status_code=200, sync_to_thread=False)
    def question(request: AnyRequest) -> Response[bytes]:
        return _json(ready()[1].signin_options(_named(request)))

    @post("/api/signin/passkey", opt=asks(body=KeySignIn))
    async def sign_in(request: AnyRequest) -> Response[Session]:
        door, keys = ready()
        said = await json_of(request, KeySignIn, "session")
        if (objection := purpose_objection(said.purpose)) is not None:
            raise Refused.with_body(401, objection)
        try:
            who = await asyncio.to_thread(keys.sign_in, said.credential, _named(request), _origin(request))
        except PasskeyRefused as refused:
            await door.turn_away(str(said.credential.get("id", "")), "passkey", said.purpose)
            raise Refused(401, "wrong", told_by(refused), phrase("refused.or-password")) from None
        token, session = await door.admit(who, said.purpose, "passkey")
        return Response(session, status_code=201, headers={"set-cookie": session_cookie(token)})

    return [mine, registration, register, remove, question, sign_in]


def _provider_handlers(gate: Gate | None, oidc: Oidc | None) -> list[Any]:
    tokens: OrderedDict[str, str] = OrderedDict()
    if gate is not None and oidc is not None:

        def farewell(session: str) -> str | None:
            id_token = tokens.pop(session, None)
            return None if id_token is None else oidc.sign_out_url(id_token)

        gate.farewell = farewell

    def ready() -> tuple[Gate, Oidc]:
        if gate is None or oidc is None:
            raise Refused(404, "no-provider", phrase("refused.no-provider"), phrase("refused.with-oidc"))
        return gate, oidc

    @get("/signin/provider", sync_to_thread=True, opt=asks(text="purpose"))
    def away(request: AnyRequest) -> Response[bytes]:
        _, provider = ready()
        purpose = request.query_params.get("purpose", "")
        if purpose_objection(purpose) is not None:
            return _home("/signin?refused=purpose")
        try:
            url, browser = provider.begin(purpose)
        except OidcRefused as refused:
            return _home(f"/signin?{urlencode({'refused': refused.code})}")
        cookie = f"{COOKIE}={browser}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"
        return Response(b"", status_code=303, headers={"location": url, "set-cookie": cookie})

    @get("/signin/back", opt=asks(text="state code iss? error?"))
    async def back(request: AnyRequest) -> Response[bytes]:
        door, provider = ready()
        browser = request.cookies.get(COOKIE, "")
        try:
            found = await asyncio.to_thread(provider.finish, dict(request.query_params), browser)
        except OidcRefused as refused:
            await door.turn_away("", f"provider: {refused}"[:200], "")
            return _home(f"/signin?{urlencode({'refused': refused.code})}")
        token, session = await door.admit(found.identity, found.purpose, "provider")
        tokens[token] = found.id_token
        while len(tokens) > MOST_TOKENS:
            tokens.popitem(last=False)
        # A page of ours leads on: the session's cookie is Strict, and a redirect that began at the provider lacks it.
        return _home("/patrol" if session.role.value == "patrol" else "/", session_cookie(token))

    return [away, back]


def _home(place: str, cookie: str | None = None) -> Response[bytes]:
    where = place.encode()
    headers = {"cache-control": "no-store"} | ({} if cookie is None else {"set-cookie": cookie})
    return Response(_HOME % (where, where), media_type="text/html; charset=utf-8", headers=headers)


def _json(body: bytes) -> Response[bytes]:
    return Response(body, media_type="application/json; charset=utf-8")


def _held(step: Any, *words: Any) -> Any:
    try:
        return step(*words)
    except PasskeyRefused as refused:
        raise Refused(409, "no-passkey", told_by(refused), phrase("refused.begin-again")) from None


def _host(request: AnyRequest) -> str | None:
    """The name under which the console was opened, which a passkey is bound to; None for a bare address."""
    name = request.url.hostname or ""
    try:
        ip_address(name)
    except ValueError:
        return name or None
    return None


def _named(request: AnyRequest) -> str:
    name = _host(request)
    if name is None:
        raise Refused(409, "no-name", phrase("refused.passkey-name"), phrase("refused.by-name"))
    return name


def _origin(request: AnyRequest) -> str:
    return f"{request.url.scheme}://{request.headers['host'].lower()}"
