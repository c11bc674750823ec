"""One error shape: every refusal says what is wrong and what to do."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException

from araz.console._wire import ErrorAnswer, ErrorBody
from araz.vocabulary import Phrase, phrase, phrase_of

_log = logging.getLogger(__name__)
_CODES = {400: "bad-request", 405: "wrong-method", 413: "too-large"}


class Refused(HTTPException):
    """A request the console cannot serve; becomes an `ErrorAnswer`."""

    def __init__(self, status: int, code: str, message: Phrase, remedy: Phrase) -> None:
        super().__init__(detail=message, status_code=status)
        self._made = (status, code, message, remedy)
        self.body = objection(code, message, remedy)

    def __reduce__(self) -> tuple[type[Refused], tuple[int, str, Phrase, Phrase]]:
        return Refused, self._made

    @classmethod
    def with_body(cls, status: int, body: ErrorBody) -> Refused:
        """The refusal of an objection that was raised elsewhere."""
        message, remedy = phrase_of(body.message, body.message_said), phrase_of(body.remedy, body.remedy_said)
        return cls(status, body.code, message, remedy)


def objection(code: str, message: Phrase, remedy: Phrase) -> ErrorBody:
    """What went wrong and what to do, from the catalogue: whoever reads it may speak either language."""
    return ErrorBody(
        code=code, message=str(message), remedy=str(remedy), message_said=message.said, remedy_said=remedy.said
    )


def told_by(error: Exception) -> Phrase:
    """What an error says: a phrase where it was raised with one, else its words as those of a program."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Phrase) else phrase("refused.program", text=str(error))


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
        nothing = phrase("refused.nothing-at", path=request.url.path)
        return answer(404, objection("not-found", nothing, phrase("refused.see-schema")))
    extra = error.extra if isinstance(error.extra, list) else []
    details = [f"{item.get('key', '?')}: {item.get('message', '')}" for item in extra if isinstance(item, dict)]
    text = "; ".join(details) or error.detail or "the request was refused"
    code = _CODES.get(error.status_code, f"http-{error.status_code}")
    return answer(error.status_code, objection(code, phrase("refused.program", text=text), phrase("refused.correct")))


def on_any(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a fault of ours without its traceback, which goes to the log."""
    _log.error("console failed on %s %s", request.method, request.url.path, exc_info=error)
    return answer(500, objection("internal", phrase("refused.fault"), phrase("refused.fault-remedy")))
