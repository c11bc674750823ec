"""Sign-in by OpenID Connect: authorization code with PKCE; the token's claim says the role, an unknown one none.

    browser ─▶ /signin/provider ─▶ provider ─▶ /signin/back?code ─▶ token endpoint ─▶ ID token ─▶ claim ─▶ role, service

The ID token is checked for its signature (keys of the provider, fetched anew when one is unknown), issuer, audience,
authorised party, time, and the nonce of this very browser. Source: OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9207.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
import threading
import tomllib
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec

from araz.console import Identity, Role

PENDING_S: Final = 600.0
"""So long a sign-in that was begun may take."""
MOST_PENDING: Final = 1_000
KEYS_S: Final = 300.0
"""So long fetched keys are used without asking for them again: a key that was withdrawn is refused after that."""
REFETCH_S: Final = 5.0
"""Keys are not fetched more often than this, whatever tokens name."""
LEEWAY_S: Final = 60
"""Clocks of provider and station may differ by this."""
TIMEOUT_S: Final = 10.0
MAX_ANSWER: Final = 1_000_000
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of the claim, and the role and service it gives."""

    value: str
    role: Role
    service: str


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings file of ``--oidc``."""

    issuer: str
    client_id: str
    redirect_uri: str
    """The console's own address followed by /signin/back, as the provider knows it."""
    name: str = "single sign-on"
    """What the button says."""
    client_secret_file: str = ""
    """A file with the secret, beside the settings; empty for a public client, which PKCE alone protects."""
    scope: str = "openid profile"
    account_claim: str = "sub"
    grants_claim: str = "groups"
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    ca_file: str = ""
    """Certificate of the authority behind the provider's TLS; empty for those of the system."""
    grants: list[Grant]


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of the provider's own description."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None


class OidcRefused(Exception):
    """A sign-in that is refused: a short code for the page, a sentence for the log."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class _Pending(NamedTuple):
    nonce: str
    verifier: str
    purpose: str
    browser: str
    until_s: float


class SignedIn(NamedTuple):
    """Who came back, what for, and the token that a later sign-out names."""

    identity: Identity
    purpose: str
    id_token: str


Fetch = Callable[[str, bytes | None, Mapping[str, str]], bytes]
"""``fetch(url, body, headers)`` returns the answer's body; OSError for anything but 200."""


def read_provider(path: Path) -> tuple[Provider, str]:
    """The settings and the secret; ValueError with the remedy for a file that cannot be meant so."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text()), type=Provider)
        secret = (path.parent / found.client_secret_file).read_text().strip() if found.client_secret_file else ""
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{path} holds no provider ({error}); see docs/security.md, OpenID Connect") from None
    for url in (found.issuer, found.redirect_uri):
        _check_address(url, path)
    if urlsplit(found.redirect_uri).path != "/signin/back":
        raise ValueError(f"{path}: redirect_uri is {found.redirect_uri}; it ends in /signin/back")
    if not found.algorithms or any(name.startswith(("HS", "none")) for name in found.algorithms):
        raise ValueError(f"{path}: algorithms are of public keys, for example RS256 and ES256")
    if not found.grants:
        raise ValueError(f"{path}: without [[grants]] nobody could sign in")
    return found, secret


def _check_address(url: str, path: Path) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"{path}: {url} is not https, which only an address of this machine may be")


def fetcher(ca_file: Path | None) -> Fetch:
    """Fetch over TLS, by the system's authorities or the one given; an address redirected elsewhere is refused."""
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))

    def fetch(url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        request = urllib.request.Request(url, body, {"accept": "application/json", **headers})
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read(MAX_ANSWER))

    return fetch


class Oidc:
    """One provider: begins sign-ins, finishes them, and knows its keys. Stands being called from several threads."""

    def __init__(self, provider: Provider, secret: str, fetch: Fetch, now_s: Callable[[], float]) -> None:
        self.provider = provider
        self._secret, self._fetch, self._now_s = secret, fetch, now_s
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._found: _Document | None = None
        self._keys: Any = None
        self._keys_s = self._found_s = float("-inf")
        self._lock = threading.RLock()

    def begin(self, purpose: str) -> tuple[str, str]:
        """Where to send the browser, and the secret of its cookie; raises OidcRefused when the provider is away."""
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        with self._lock:
            self._pending[state] = _Pending(nonce, verifier, purpose, browser, self._now_s() + PENDING_S)
            while len(self._pending) > MOST_PENDING:
                self._pending.popitem(last=False)
        query = {
            "response_type": "code", "client_id": self.provider.client_id, "redirect_uri": self.provider.redirect_uri,
            "scope": self.provider.scope, "state": state, "nonce": nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self._document().authorization_endpoint}?{urlencode(query)}", browser

    def finish(self, said: Mapping[str, str], browser: str) -> SignedIn:
        """Who came back with these query parameters and this cookie; OidcRefused for whoever did not sign in here."""
        with self._lock:
            pending = self._pending.pop(said.get("state", ""), None)
        if pending is None or pending.until_s < self._now_s():
            raise OidcRefused("stale", "the sign-in was not begun here, was used already, or took too long")
        if not secrets.compare_digest(pending.browser.encode(), browser.encode()):
            raise OidcRefused("stale", "another browser began this sign-in")
        if said.get("iss", self.provider.issuer) != self.provider.issuer:
            raise OidcRefused("token", f"the answer is of {said['iss']!r}")
        if "code" not in said:
            raise OidcRefused("provider", f"the provider refused: {said.get('error', 'no code')[:100]}")
        raw = self._exchange(said["code"], pending.verifier)
        return SignedIn(self._identity(self.claims_of(raw, pending.nonce)), pending.purpose, raw)

    def sign_out_url(self, id_token: str) -> str | None:
        """Where the provider's own session ends; None where it offers no such place."""
        try:
            place = self._document().end_session_endpoint
        except OidcRefused:
            return None
        back = self.provider.redirect_uri.removesuffix("/back")
        query = {"id_token_hint": id_token, "post_logout_redirect_uri": back, "client_id": self.provider.client_id}
        return None if place is None else f"{place}?{urlencode(query)}"

    def claims_of(self, raw: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that holds in every respect; OidcRefused with the first that does not."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        last: Exception | None = None
        for is_new in (False, True):
            try:
                token = jwt.decode(raw, self._key_set(is_new), algorithms=list(self.provider.algorithms))
                break
            except (JoseError, ValueError, KeyError, TypeError) as error:
                last = error
        else:
            raise OidcRefused("token", f"the token's signature does not hold: {last}")
        need: jwt.ClaimsOption = {"essential": True}
        rules = jwt.JWTClaimsRegistry(
            now=int(self._now_s()), leeway=LEEWAY_S, exp=need, iat=need, sub=need,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": self.provider.client_id},
            nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            rules.validate(token.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise OidcRefused("token", f"the token does not hold: {error}") from None
        audience, party = token.claims["aud"], token.claims.get("azp", self.provider.client_id)
        is_shared = isinstance(audience, list) and len(audience) > 1
        if party != self.provider.client_id or (is_shared and "azp" not in token.claims):
            raise OidcRefused("token", "the token was made for another party")
        return dict(token.claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        account = claims.get(self.provider.account_claim)
        values = claims.get(self.provider.grants_claim, [])
        values = [values] if isinstance(values, str) else values if isinstance(values, list) else []
        found = {(grant.role, grant.service) for grant in self.provider.grants if grant.value in values}
        if not isinstance(account, str) or not 0 < len(account) <= 128:
            raise OidcRefused("account", f"the token names no account in {self.provider.account_claim}")
        if not found:
            raise OidcRefused("no-role", f"{account} has no role here: {self.provider.grants_claim} grants none")
        if len(found) > 1:
            raise OidcRefused("two-roles", f"{account} has several roles here, and nobody says which")
        role, service = found.pop()
        return Identity(id=account, role=role, service=service)

    def _exchange(self, code: str, verifier: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.provider.redirect_uri,
                "code_verifier": verifier}  # fmt: skip
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self._secret:
            pair = f"{self.provider.client_id}:{self._secret}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            form["client_id"] = self.provider.client_id
        raw = self._asked(self._document().token_endpoint, urlencode(form).encode(), headers).get("id_token")
        if not isinstance(raw, str):
            raise OidcRefused("provider", "the provider gave no ID token")
        return raw

    def _document(self) -> _Document:
        """The provider's own description, which must be of the issuer that was named."""
        with self._lock:
            if self._found is None or self._now_s() - self._found_s > KEYS_S:
                said = self._asked(f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration", None, {})
                try:
                    found = msgspec.convert(said, _Document)
                except msgspec.ValidationError as error:
                    raise OidcRefused("provider", f"the provider's description lacks something: {error}") from None
                if found.issuer != self.provider.issuer:
                    raise OidcRefused("provider", f"the provider calls itself {found.issuer!r}")
                self._found, self._found_s = found, self._now_s()
            return self._found

    def _key_set(self, is_new: bool) -> Any:
        """The provider's keys; ``is_new`` after a token that none of them signed, for keys are changed."""
        from joserfc.jwk import KeySet

        with self._lock:
            age_s = self._now_s() - self._keys_s
            if self._keys is None or age_s > KEYS_S or (is_new and age_s > REFETCH_S):
                found: Any = self._asked(self._document().jwks_uri, None, {})
                self._keys = KeySet.import_key_set(found)
                self._keys_s = self._now_s()
            return self._keys

    def _asked(self, url: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        try:
            return msgspec.json.decode(self._fetch(url, body, headers), type=dict[str, Any])
        except (OSError, HTTPException, ValueError) as error:
            raise OidcRefused("provider", f"the provider does not answer at {urlsplit(url).path}: {error}") from None
