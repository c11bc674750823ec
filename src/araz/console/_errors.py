"""One error shape: every refusal says what is wrong and what to do."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException

from araz.console._wire import ErrorAnswer, ErrorBody
from araz.vocabulary import Phrase

_log = logging.getLogger(__name__)
_CODES = {400: "bad-request", 405: "wrong-method", 413: "too-large"}


class Refused(HTTPException):
    """A request the console cannot serve; becomes an `ErrorAnswer`."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(detail=message, status_code=status)
        self._made = (status, code, message, remedy)
        said = [text.said if isinstance(text, Phrase) else None for text in (message, remedy)]
        self.body = ErrorBody(
            code=code, message=str(message), remedy=str(remedy), message_said=said[0], remedy_said=said[1]
        )

    def __reduce__(self) -> tuple[type[Refused], tuple[int, str, str, str]]:
        return Refused, self._made


def told_by(error: Exception) -> str:
    """What an error says: a phrase where it was raised with one."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Phrase) else str(error)


def answer(status: int, body: ErrorBody) -> Response[bytes]:
    """Return the error as JSON, encoded here so that no handler can change its shape."""
    return Response(
        msgspec.json.encode(ErrorAnswer(error=body)), status_code=status, media_type="application/json; charset=utf-8"
    )


def on_refused(_: Request[Any, Any, Any], refused: Refused) -> Response[bytes]:
    """Turn our own refusals into the one shape."""
    return answer(refused.status_code, refused.body)


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Turn the framework's refusals (unknown path, bad parameter) into the one shape."""
    if isinstance(error, NotFoundException):
        text, remedy = f"there is nothing at {request.url.path}", "see /schema for the paths there are"
        return answer(404, ErrorBody(code="not-found", message=text, remedy=remedy))
    extra = error.extra if isinstance(error.extra, list) else []
    details = [f"{item.get('key', '?')}: {item.get('message', '')}" for item in extra if isinstance(item, dict)]
    text = "; ".join(details) or error.detail or "the request was refused"
    code = _CODES.get(error.status_code, f"http-{error.status_code}")
    return answer(error.status_code, ErrorBody(code=code, message=text, remedy="correct the request and send it again"))


def on_any(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a fault of ours without its traceback, which goes to the log."""
    _log.error("console failed on %s %s", request.method, request.url.path, exc_info=error)
    remedy = "try again; if it stays, read the log of araz"
    return answer(500, ErrorBody(code="internal", message="the console failed on this request", remedy=remedy))
