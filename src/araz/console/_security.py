"""What a browser may do with these pages, and from where they may be asked for."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from araz.console._errors import answer, objection
from araz.console._wire import ErrorBody
from araz.vocabulary import phrase

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # The patrol's page asks for place and compass; nothing else is ever needed.
    "permissions-policy": "geolocation=(self), accelerometer=(self), magnetometer=(self), gyroscope=(self), camera=()",
}
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


#: What the page of the other node may ask here: whether it should come.
READY: Final = "/readyz"


def guard(app: ASGIApp, allowed_hosts: frozenset[str], other_node: str = "") -> ASGIApp:
    """Wrap ``app``: a foreign Host (DNS rebinding) or Origin (another site's page) is refused, headers are added.

    Of two nodes, the page of each may ask the other whether it is ready, and nothing else.
    """
    policy = CONTENT_SECURITY_POLICY.replace("connect-src 'self'", f"connect-src 'self' {other_node}".rstrip())

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        told = dict(scope["headers"])
        is_other = bool(other_node) and scope["path"] == READY and told.get(b"origin") == other_node.encode()
        if is_other:
            del told[b"origin"]
        refusal = _refusal(told, allowed_hosts)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["content-security-policy"] = policy
                if is_other:
                    headers["access-control-allow-origin"] = other_node
                if scope["path"].startswith("/api"):
                    headers["cache-control"] = "no-store"
            await send(message)

        await app(scope, receive, send_with_headers)

    return guarded


def _refusal(headers: dict[bytes, bytes], allowed_hosts: frozenset[str]) -> ErrorBody | None:
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if _hostname(host) not in allowed_hosts:
        text = phrase("refused.foreign-host", host=repr(host))
        return objection("foreign-host", text, phrase("refused.open-localhost"))
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin.decode("latin-1").lower()).netloc != host:
        text = phrase("refused.foreign-origin", origin=repr(origin.decode("latin-1")))
        return objection("foreign-origin", text, phrase("refused.open-itself"))
    return None


def _hostname(host: str) -> str:
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.split(":", 1)[0]


async def _refuse(refusal: ErrorBody, scope: Any, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": refusal.code})
        return
    await answer(403, refusal).to_asgi_response(app=None, request=Request(scope, receive, send))(scope, receive, send)
