"""The analyst's page: the monthly report, shares over time, claims and the register, by the commands' own code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from araz.console import AnyRequest, Refused, asks, json_of

if TYPE_CHECKING:
    from araz.app._seizure_answers import SeizureDesk

_ONE = threading.Lock()
"""One answer at a time: each keeps a core busy, and the fits silence warnings for the whole process."""


class ClaimsIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An article's figures as CSV: quantity, period, value, unit, claim_in_text."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    csv: str


class WhereIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Catches along the border as CSV (position_km, date) and, beside them, the effort (position_km, hours)."""

    csv: str
    effort_csv: str = ""
    length_km: Annotated[float, Meta(gt=0, le=40_000)]
    cells: Annotated[int, Meta(ge=1, le=500)] = 20


def seizure_handlers(register: Path | None) -> list[Any]:
    """The paths of the page; each answer is what the command of the same name gives.

    None: for a service that sees a part of the night, and is told that the register is not for it.
    """

    def desk() -> SeizureDesk:
        # polars and the statistics are loaded with the first question: a night that nobody asks begins sooner.
        from araz.app._seizure_answers import SeizureDesk

        return SeizureDesk(register)

    @get("/api/seizures", sync_to_thread=True, opt=asks(text="substance? country? transport? text? since? until?"))
    def get_seizures(request: AnyRequest) -> Response[bytes]:
        return _told(lambda: desk().find(dict(request.query_params.items())))

    @get("/api/seizures/report", sync_to_thread=True, opt=asks(text="month"))
    def get_report(request: AnyRequest) -> Response[bytes]:
        return _told(lambda: desk().report(request.query_params.get("month", "")))

    @get("/api/seizures/report.html", sync_to_thread=True, opt=asks(text="month"))
    def get_report_page(request: AnyRequest) -> Response[bytes]:
        page = _told(lambda: desk().report_page(request.query_params.get("month", "")).encode())
        return Response(page.content, media_type="text/html; charset=utf-8")

    @get("/api/seizures/composition", sync_to_thread=True, opt=asks(text="every? country?"))
    def get_composition(request: AnyRequest) -> Response[bytes]:
        asked = request.query_params
        return _told(lambda: desk().composition(asked.get("every", "year"), asked.get("country") or None))

    @get("/api/seizures/history", sync_to_thread=True, opt=asks(text="id"))
    def get_history(request: AnyRequest) -> Response[bytes]:
        return _told(lambda: desk().history(request.query_params.get("id", "")))

    @get("/api/seizures/series", sync_to_thread=True, opt=asks(text="what? substance? country?"))
    def get_series(request: AnyRequest) -> Response[bytes]:
        return _told(lambda: desk().series(dict(request.query_params.items())))

    @get("/api/seizures/routes", sync_to_thread=True, opt=asks(text="close? seizure_at? departure? destination?"))
    def get_routes(request: AnyRequest) -> Response[bytes]:
        return _told(lambda: desk().routes(dict(request.query_params.items())))

    @post("/api/seizures/where", status_code=200, opt=asks(body=WhereIn))
    async def post_where(request: AnyRequest) -> Response[bytes]:
        given = await json_of(request, WhereIn, "catches")
        return await asyncio.to_thread(
            _told, lambda: desk().where(given.csv, given.effort_csv, given.length_km, given.cells)
        )

    @post("/api/seizures/claims", status_code=200, opt=asks(body=ClaimsIn))
    async def post_claims(request: AnyRequest) -> Response[bytes]:
        given = await json_of(request, ClaimsIn, "claims")
        return await asyncio.to_thread(_told, lambda: desk().claims(given.name, given.csv))

    return [
        get_seizures, get_report, get_report_page, get_composition, get_history, get_series, get_routes, post_where,
        post_claims,
    ]  # fmt: skip


def _told(answer: Callable[[], bytes]) -> Response[bytes]:
    try:
        with _ONE:
            return Response(answer(), media_type="application/json; charset=utf-8")
    except (ValueError, OSError) as error:
        raise Refused(400, "no-answer", str(error), "correct what it names, then ask again") from error
