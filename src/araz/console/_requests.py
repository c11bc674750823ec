"""What every handler asks of a request: its JSON body, checked, and whole numbers of its query."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from litestar import Request

from araz.console._errors import Refused
from araz.vocabulary import LATEST_TIME_US, phrase

MAX_BODY_BYTES: Final = 65_536

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


async def json_of(request: AnyRequest, kind: type[T], what: str, most_bytes: int = MAX_BODY_BYTES) -> T:
    """Decode the JSON body into ``kind``; refuses with the field that is wrong.

    Only what calls itself JSON is taken, which another site's form cannot send.
    """
    said = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if said != "application/json":
        other = phrase("refused.not-json", kind=said or phrase("refused.no-type"))
        raise Refused(415, "not-json", other, phrase("refused.send-json"))
    body = await request.body()
    if len(body) > most_bytes:
        size = phrase("refused.too-large", what=what, n=len(body))
        raise Refused(413, "too-large", size, phrase("refused.at-most", most=most_bytes))
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        remedy = phrase("refused.as-described", name=kind.__name__)
        raise Refused(400, f"bad-{what}", phrase("refused.body", text=str(error)), remedy) from error


def time_of(request: AnyRequest, name: str, default: int | None = None) -> int:
    """Return a whole number of microseconds (or a count) from the query; refuses what is none."""
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    try:
        value = int(text if text is not None else "")
    except ValueError:
        value = -1
    if not 0 <= value <= LATEST_TIME_US:
        wrong = phrase("refused.whole", name=name, text=repr(text))
        raise Refused(400, "bad-request", wrong, phrase("refused.give-whole", name=name))
    return value
