"""The plan page: the certified plan of the site, and of what if; nothing is recorded, the commander decides."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from typing import Any, Final

import msgspec
import numpy as np
from litestar import Response, get, post

from araz.app._plan_site import degrees
from araz.console import AnyRequest, Refused, json_of
from araz.deployment import (
    Plan,
    SiteGame,
    attack_payoff,
    cell_most,
    certificate,
    coverage_of,
    game_of_site,
    next_money,
    plan_patrols,
    unseen_kg,
)
from araz.geography import Place
from araz.vocabulary import FloatArray, PlanAsk, PlanCell, PlanCorner, PlanPlace, PlanShown

#: Answers kept: the plan as it is, and a few questions.
KEPT: Final = 16
#: A dragged post waits for an answer; a gap that stays open is shown as such.
TOLERANCE: Final = 1e-3


class PlanDesk:
    """Answers for the page, one at a time: two who ask at once would only slow each other down."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._kept: OrderedDict[bytes, PlanShown] = OrderedDict()
        self._busy = threading.Lock()

    def answer(self, ask: PlanAsk) -> PlanShown:
        """The plan for a question; ValueError with the remedy where it cannot be planned."""
        key = msgspec.json.encode(ask)
        with self._busy:
            if key not in self._kept:
                self._kept[key] = self._made(ask)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return self._kept[key]

    def _made(self, ask: PlanAsk) -> PlanShown:
        game = game_of_site(self._place, ask.corner.value, ask)
        x = _standing(game, ask.standing)
        plan = plan_patrols(game.instance, x, tolerance=TOLERANCE)
        words = [*certificate(game.instance, plan, next_money(game.instance, plan)), *game.assumed]
        return _shown(self._place, game, plan, ask, words)


def _standing(game: SiteGame, names: list[str] | None) -> FloatArray:
    if names is None:
        return game.standing
    known = game.instance.sensor_names
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"There is no sensor {unknown[0]!r}; there are {', '.join(known)}.")
    return np.array([float(name in names) for name in known])


def _shown(place: Place, game: SiteGame, plan: Plan, ask: PlanAsk, words: list[str]) -> PlanShown:
    it = game.instance
    unseen = cell_most(it, unseen_kg(it, plan.sensors_on))
    brings = cell_most(it, attack_payoff(it, plan))
    cells = [
        PlanCell(longitude_deg=lon, latitude_deg=lat, along_m=along, unseen_kg=_known(a), brings_kg=_known(b))
        for (lon, lat), along, a, b in zip(
            degrees(place, game.ground.cell_enu_m), it.cell_m.tolist(), unseen, brings, strict=True
        )
    ]
    manned, nothing = coverage_of(it, plan).mean(axis=0), np.zeros(it.posts)
    return PlanShown(
        corner=ask.corner,
        guarantee_kg=plan.guarantee_kg,
        bound_kg=plan.bound_kg,
        gap=plan.gap if np.isfinite(plan.gap) else None,
        teams=int(it.teams[0]),
        cost=float(it.sensor_cost @ plan.sensors_on),
        words=words,
        cells=cells,
        posts=_spots(place, it.post_names, game.post_enu_m, manned, nothing),
        sensors=_spots(place, it.sensor_names, game.sensor_enu_m, plan.sensors_on, it.sensor_cost),
    )


def _spots(
    place: Place, names: tuple[str, ...], enu_m: FloatArray, share: FloatArray, cost: FloatArray
) -> list[PlanPlace]:
    return [
        PlanPlace(id=name, longitude_deg=lon, latitude_deg=lat, share=min(1.0, float(part)), cost=float(price))
        for name, (lon, lat), part, price in zip(names, degrees(place, enu_m), share, cost, strict=True)
    ]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def plan_handlers(place: Place | None) -> list[Any]:
    """The paths of the page: ``GET /api/plan`` (``corner``), the plan as it is; ``POST /api/plan``, what if.

    None: for a service that sees a part of the night, and is told that the plan is not for it.
    """
    desk = None if place is None else PlanDesk(place)

    def told(ask: PlanAsk) -> Response[bytes]:
        if desk is None:
            raise Refused(403, "partial-view", "your service sees a part of this sector", "ask the one that sees all")
        try:
            body = msgspec.json.encode(desk.answer(ask))
        except ValueError as error:
            raise Refused(
                400, "no-plan", str(error), "correct what it names; docs/site.md explains [planning]"
            ) from error
        return Response(body, media_type="application/json; charset=utf-8")

    @get("/api/plan")
    async def get_plan(request: AnyRequest) -> Response[bytes]:
        corner = request.query_params.get("corner", PlanCorner.LIKELY.value)
        if corner not in list(PlanCorner):
            raise Refused(400, "no-corner", f"there is no corner {corner!r}", f"ask for {', '.join(PlanCorner)}")
        return await asyncio.to_thread(told, PlanAsk(corner=PlanCorner(corner)))

    @post("/api/plan", status_code=200)
    async def what_if(request: AnyRequest) -> Response[bytes]:
        ask = await json_of(request, PlanAsk, "plan")
        return await asyncio.to_thread(told, ask)

    return [get_plan, what_if]
