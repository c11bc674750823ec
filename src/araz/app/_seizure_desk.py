"""The analyst's page: the report, shares, series, routes, claims, crews and the register, by the commands' own code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from araz.app._questions import Questions
from araz.console import AnyRequest, Refused, asks, json_of, told_by
from araz.vocabulary import phrase

if TYPE_CHECKING:
    from araz.app._seizure_answers import SeizureDesk


JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
#: A file of a season's sorties is some ten thousand rows at most; whoever has more has the commands.
MOST_BYTES: Final = 1_000_000


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


class CrewsIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A season's sorties and the solved cases as CSV (sortie_id, date, what is known; crew where it is solved)."""

    csv: str
    solved_csv: str
    least: Annotated[float, Meta(ge=0, le=1)] = 0.5


class MovedIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that was closed or reinforced, its neighbours, a control, the day; a network (TOML) tells neighbours."""

    treated: Annotated[str, Meta(min_length=1, max_length=200)]
    buffer: Annotated[list[str], Meta(max_length=50)] = []
    control: Annotated[list[str], Meta(min_length=1, max_length=50)]
    since: str
    every: Literal["month", "quarter"] = "month"
    country: str = ""
    network: str = ""
    neighbours: Annotated[int, Meta(ge=1, le=20)] = 1


def desk_of(register: Path | None) -> SeizureDesk:
    """Who answers; made where the questions are answered, so that the night never loads tables and statistics."""
    from araz.app._seizure_answers import SeizureDesk

    return SeizureDesk(register)


def seizure_handlers(register: Path | None) -> list[Any]:
    """The paths of the page; each answer is what the command of the same name gives.

    None: for a service that sees a part of the night, and is told that the register is not for it.
    """
    questions = Questions(partial(desk_of, register))

    async def told(request: AnyRequest, method: str, *given: Any, media_type: str = JSON) -> Response[bytes]:
        try:
            body = await questions.answer(request, method, *given)
        except (ValueError, OSError) as error:
            raise Refused(400, "no-answer", told_by(error), phrase("refusal.correct")) from error
        return Response(body, media_type=media_type)

    def asked(
        path: str, fields: str, method: str, given: Callable[[dict[str, str]], tuple[Any, ...]], media_type: str = JSON
    ) -> Any:
        """A question by the fields of its address."""

        @get(path, opt=asks(text=fields))
        async def ask(request: AnyRequest) -> Response[bytes]:
            fields_given = given(dict(request.query_params.items()))
            return await told(request, method, *fields_given, media_type=media_type)

        return ask

    def sent(path: str, kind: type[msgspec.Struct], what: str) -> Any:
        """A question with files."""

        @post(path, status_code=200, opt=asks(body=kind))
        async def send(request: AnyRequest) -> Response[bytes]:
            return await told(request, what, *msgspec.structs.astuple(await json_of(request, kind, what, MOST_BYTES)))

        return send

    return [
        asked("/api/seizures", "substance? country? transport? text? since? until?", "find", lambda q: (q,)),
        asked("/api/seizures/report", "month", "report", lambda q: (q.get("month", ""),)),
        asked(
            "/api/seizures/report.html", "month? lang?", "report_page",
            lambda q: (q.get("month", ""), q.get("lang", "en")), HTML,
        ),
        asked(
            "/api/seizures/composition", "every? country?", "composition",
            lambda q: (q.get("every", "year"), q.get("country") or None),
        ),
        asked("/api/seizures/history", "id", "history", lambda q: (q.get("id", ""),)),
        asked("/api/seizures/series", "what? substance? country?", "series", lambda q: (q,)),
        asked("/api/seizures/routes", "close? seizure_at? departure? destination?", "routes", lambda q: (q,)),
        sent("/api/seizures/where", WhereIn, "where"),
        sent("/api/seizures/claims", ClaimsIn, "claims"),
        sent("/api/seizures/crews", CrewsIn, "crews"),
        sent("/api/seizures/displacement", MovedIn, "displacement"),
    ]  # fmt: skip
