"""The analyst's page: the monthly report, shares over time, claims and the register, by the commands' own code."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import polars as pl
from litestar import Response, get, post
from msgspec import Meta

from araz.app._seizures_keep import find, plain_json
from araz.app._seizures_say import EVERY, claims_of, lines_from, shares_json, shares_over_time
from araz.console import AnyRequest, Refused, json_of
from araz.intelligence import monthly_report, read_table, report_html

#: Rows of the register shown at once.
MOST_ROWS: Final = 200
#: The same draws every time: a figure that changes when the page is opened again is no figure.
SEED: Final = 1


class ClaimsIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An article's figures as CSV: quantity, period, value, unit, claim_in_text."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    csv: str


class SeizureDesk:
    """Answers from one register; every question opens it anew, so an import in another process is seen."""

    def __init__(self, register: Path | None) -> None:
        self._kept = register

    @property
    def _register(self) -> Path:
        if self._kept is None:
            raise Refused(403, "partial-view", "your service sees a part of this sector", "ask the one that sees all")
        return self._kept

    def report(self, month: str) -> bytes:
        """The monthly report's value; ``""``: the last month of the register."""
        lines = lines_from(self._register)
        return plain_json(monthly_report(lines, self._month(lines, month), seed=SEED))

    def report_page(self, month: str) -> str:
        """The same as one HTML page, to print or to keep."""
        lines = lines_from(self._register)
        return report_html(monthly_report(lines, self._month(lines, month), seed=SEED))

    def composition(self, every: str, country: str | None) -> bytes:
        """Shares by substance over time, as araz seizures composition --json prints them."""
        return plain_json(shares_json(*shares_over_time(lines_from(self._register, country), every, None, SEED)))

    def find(self, query: dict[str, str]) -> bytes:
        """Seizures and their sums, as araz seizures list --json prints them."""
        names = ("substance", "country", "transport", "text", "since", "until")
        asked = {name: query[name] for name in names if query.get(name)}
        return plain_json(find(self._register, **asked, limit=MOST_ROWS).as_json())

    @staticmethod
    def claims(given: ClaimsIn) -> bytes:
        """What an article's figures say and what they do not, as araz seizures claims --json prints it."""
        table = read_table(given.csv.encode(), given.name if given.name.endswith(".csv") else f"{given.name}.csv")
        findings, problems = claims_of([(given.name, table)])
        if not findings and not problems:
            raise ValueError(f"{given.name} needs the columns quantity, period, value, unit; it has {table.header}")
        return plain_json({"findings": findings, "refused": problems})

    @staticmethod
    def _month(lines: pl.DataFrame, month: str) -> dt.date:
        if month:
            try:
                return dt.date.fromisoformat(f"{month}-01")
            except ValueError as error:
                raise ValueError(f"{month!r} is no month; write YYYY-MM") from error
        days = lines.filter(lines["date_precision"] == "day")["date"].drop_nulls().to_list()
        if not days:
            raise ValueError("the register holds no seizure of a known day; araz seizures import FILE adds some")
        return dt.date(max(days).year, max(days).month, 1)


def seizure_handlers(register: Path | None) -> list[Any]:
    """The paths of the page; each answer is what the command of the same name gives.

    None: for a service that sees a part of the night, and is told that the register is not for it.
    """
    desk = SeizureDesk(register)

    @get("/api/seizures", sync_to_thread=True)
    def get_seizures(request: AnyRequest) -> Response[bytes]:
        return _told(lambda: desk.find(dict(request.query_params.items())))

    @get("/api/seizures/report", sync_to_thread=True)
    def get_report(request: AnyRequest) -> Response[bytes]:
        return _told(lambda: desk.report(request.query_params.get("month", "")))

    @get("/api/seizures/report.html", sync_to_thread=True)
    def get_report_page(request: AnyRequest) -> Response[bytes]:
        page = _told(lambda: desk.report_page(request.query_params.get("month", "")).encode())
        return Response(page.content, media_type="text/html; charset=utf-8")

    @get("/api/seizures/composition", sync_to_thread=True)
    def get_composition(request: AnyRequest) -> Response[bytes]:
        every = request.query_params.get("every", "year")
        if every not in EVERY:
            raise Refused(400, "no-period", f"there is no period {every!r}", f"ask for {', '.join(EVERY)}")
        return _told(lambda: desk.composition(every, request.query_params.get("country") or None))

    @post("/api/seizures/claims", status_code=200)
    async def post_claims(request: AnyRequest) -> Response[bytes]:
        given = await json_of(request, ClaimsIn, "claims")
        return await asyncio.to_thread(_told, lambda: desk.claims(given))

    return [get_seizures, get_report, get_report_page, get_composition, post_claims]


def _told(answer: Callable[[], bytes]) -> Response[bytes]:
    try:
        return Response(answer(), media_type="application/json; charset=utf-8")
    except (ValueError, OSError) as error:
        raise Refused(400, "no-answer", str(error), "correct what it names, then ask again") from error
