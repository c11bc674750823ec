"""The analyst's page: the monthly report, shares over time, claims and the register, by the commands' own code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from araz.console import AnyRequest, Refused, asks, json_of

if TYPE_CHECKING:
    from araz.app._seizure_answers import SeizureDesk


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
    # One answer at a time: each keeps a core busy, and the fits silence warnings for the whole process. Who waits holds
    # none of the threads that the night takes its messages on.
    one = ThreadPoolExecutor(1, "seizures")

    async def told(answer: Callable[[], bytes], media_type: str = "application/json") -> Response[bytes]:
        try:
            body = await asyncio.get_running_loop().run_in_executor(one, answer)
        except (ValueError, OSError) as error:
            raise Refused(400, "no-answer", str(error), "correct what it names, then ask again") from error
        return Response(body, media_type=f"{media_type}; charset=utf-8")

    def desk() -> SeizureDesk:
        # polars and the statistics are loaded with the first question: a night that nobody asks begins sooner.
        from araz.app._seizure_answers import SeizureDesk

        return SeizureDesk(register)

    @get("/api/seizures", opt=asks(text="substance? country? transport? text? since? until?"))
    async def get_seizures(request: AnyRequest) -> Response[bytes]:
        return await told(lambda: desk().find(dict(request.query_params.items())))

    @get("/api/seizures/report", opt=asks(text="month"))
    async def get_report(request: AnyRequest) -> Response[bytes]:
        return await told(lambda: desk().report(request.query_params.get("month", "")))

    @get("/api/seizures/report.html", opt=asks(text="month"))
    async def get_report_page(request: AnyRequest) -> Response[bytes]:
        month = request.query_params.get("month", "")
        return await told(lambda: desk().report_page(month).encode(), "text/html")

    @get("/api/seizures/composition", opt=asks(text="every? country?"))
    async def get_composition(request: AnyRequest) -> Response[bytes]:
        asked = request.query_params
        return await told(lambda: desk().composition(asked.get("every", "year"), asked.get("country") or None))

    @get("/api/seizures/history", opt=asks(text="id"))
    async def get_history(request: AnyRequest) -> Response[bytes]:
        return await told(lambda: desk().history(request.query_params.get("id", "")))

    @get("/api/seizures/series", opt=asks(text="what? substance? country?"))
    async def get_series(request: AnyRequest) -> Response[bytes]:
        return await told(lambda: desk().series(dict(request.query_params.items())))

    @get("/api/seizures/routes", opt=asks(text="close? seizure_at? departure? destination?"))
    async def get_routes(request: AnyRequest) -> Response[bytes]:
        return await told(lambda: desk().routes(dict(request.query_params.items())))

    @post("/api/seizures/where", status_code=200, opt=asks(body=WhereIn))
    async def post_where(request: AnyRequest) -> Response[bytes]:
        given = await json_of(request, WhereIn, "catches")
        return await told(lambda: desk().where(given.csv, given.effort_csv, given.length_km, given.cells))

    @post("/api/seizures/claims", status_code=200, opt=asks(body=ClaimsIn))
    async def post_claims(request: AnyRequest) -> Response[bytes]:
        given = await json_of(request, ClaimsIn, "claims")
        return await told(lambda: desk().claims(given.name, given.csv))

    return [
        get_seizures, get_report, get_report_page, get_composition, get_history, get_series, get_routes, post_where,
        post_claims,
    ]  # fmt: skip
