"""The analyst's page: the monthly report, shares over time, claims and the register, by the commands' own code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from araz.console import AnyRequest, Refused, asks, json_of, told_by
from araz.vocabulary import phrase

if TYPE_CHECKING:
    from araz.app._seizure_answers import SeizureDesk


JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"


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

    async def told(answer: Callable[[], bytes], media_type: str = JSON) -> Response[bytes]:
        try:
            body = await asyncio.get_running_loop().run_in_executor(one, answer)
        except (ValueError, OSError) as error:
            raise Refused(400, "no-answer", told_by(error), phrase("refusal.correct")) from error
        return Response(body, media_type=media_type)

    def desk() -> SeizureDesk:
        # polars and the statistics are loaded with the first question: a night that nobody asks begins sooner.
        from araz.app._seizure_answers import SeizureDesk

        return SeizureDesk(register)

    def asked(
        path: str, fields: str, answer: Callable[[SeizureDesk, dict[str, str]], bytes], media_type: str = JSON
    ) -> Any:
        """A question by the fields of its address."""

        @get(path, opt=asks(text=fields))
        async def ask(request: AnyRequest) -> Response[bytes]:
            return await told(lambda: answer(desk(), dict(request.query_params.items())), media_type)

        return ask

    @post("/api/seizures/where", status_code=200, opt=asks(body=WhereIn))
    async def post_where(request: AnyRequest) -> Response[bytes]:
        given = await json_of(request, WhereIn, "catches")
        return await told(lambda: desk().where(given.csv, given.effort_csv, given.length_km, given.cells))

    @post("/api/seizures/claims", status_code=200, opt=asks(body=ClaimsIn))
    async def post_claims(request: AnyRequest) -> Response[bytes]:
        given = await json_of(request, ClaimsIn, "claims")
        return await told(lambda: desk().claims(given.name, given.csv))

    return [
        asked("/api/seizures", "substance? country? transport? text? since? until?", lambda of, q: of.find(q)),
        asked("/api/seizures/report", "month", lambda of, q: of.report(q.get("month", ""))),
        asked(
            "/api/seizures/report.html", "month? lang?",
            lambda of, q: of.report_page(q.get("month", ""), q.get("lang", "en")).encode(), HTML,
        ),
        asked(
            "/api/seizures/composition", "every? country?",
            lambda of, q: of.composition(q.get("every", "year"), q.get("country") or None),
        ),
        asked("/api/seizures/history", "id", lambda of, q: of.history(q.get("id", ""))),
        asked("/api/seizures/series", "what? substance? country?", lambda of, q: of.series(q)),
        asked("/api/seizures/routes", "close? seizure_at? departure? destination?", lambda of, q: of.routes(q)),
        post_where,
        post_claims,
    ]  # fmt: skip
