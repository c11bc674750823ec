"""The plan page: the certified plan of the site, and of what if; nothing is recorded, the commander decides."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
from litestar import Response, get, post

from araz.console import AnyRequest, Refused, asks, json_of, told_by
from araz.geography import Place
from araz.vocabulary import PlanAsk, PlanCorner, PlanShown, phrase, told_with

#: Answers kept: the plan as it is, and a few questions.
KEPT: Final = 16


class PlanDesk:
    """Answers for the page; asked from one thread."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._kept: OrderedDict[bytes, PlanShown] = OrderedDict()

    def answer(self, ask: PlanAsk) -> PlanShown:
        """The plan for a question; ValueError with the remedy where it cannot be planned."""
        # The planner is loaded with the first question: a night that nobody plans begins sooner.
        from araz.app._plan_answer import plan_shown

        key = msgspec.json.encode(ask)
        if key not in self._kept:
            self._kept[key] = plan_shown(self._place, ask)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def plan_handlers(place: Place | None) -> list[Any]:
    """The paths of the page: ``GET /api/plan`` (``corner``), the plan as it is; ``POST /api/plan``, what if.

    None: for a service that sees a part of the night, and is told that the plan is not for it.
    """
    desk = None if place is None else PlanDesk(place)
    # One answer at a time: two who ask at once would only slow each other down. Who waits holds none of the threads
    # that the night takes its messages on.
    one = ThreadPoolExecutor(1, "plan")

    def told(ask: PlanAsk) -> Response[bytes]:
        if desk is None:
            raise Refused(403, "partial-view", phrase("refusal.partial"), phrase("refusal.ask-whole"))
        try:
            body = msgspec.json.encode(told_with(desk.answer(ask)))
        except ValueError as error:
            raise Refused(400, "no-plan", told_by(error), phrase("refusal.correct-plan")) from error
        return Response(body, media_type="application/json; charset=utf-8")

    @get("/api/plan", opt=asks(words={"corner?": PlanCorner}))
    async def get_plan(request: AnyRequest) -> Response[bytes]:
        corner = request.query_params.get("corner", PlanCorner.LIKELY.value)
        if corner not in list(PlanCorner):
            wrong = phrase("refused.no-corner", name=repr(corner))
            raise Refused(400, "no-corner", wrong, phrase("refused.ask-for", choices=", ".join(PlanCorner)))
        return await asyncio.get_running_loop().run_in_executor(one, told, PlanAsk(corner=PlanCorner(corner)))

    @post("/api/plan", status_code=200, opt=asks(body=PlanAsk))
    async def what_if(request: AnyRequest) -> Response[bytes]:
        ask = await json_of(request, PlanAsk, "plan")
        return await asyncio.get_running_loop().run_in_executor(one, told, ask)

    return [get_plan, what_if]
