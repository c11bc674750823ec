"""Blind drills: ordered by the shift lead, flown beside the night, their results on a page."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
from litestar import Response, get, post

from araz.app._pipeline import DRILL_SOURCE
from araz.console import AnyRequest, Clock, Refused, Submit, asks, json_of
from araz.vocabulary import WATERMARK, Drill, DrillOrder, phrase

#: A drill begins within this time of its order, at a moment the officer cannot know.
LONGEST_WAIT_S = 12 * 3600.0


class DrillReader(Protocol):
    """The records the results are read from."""

    def drills(self) -> Sequence[Drill]:
        """Return how each drill ended."""


class DrillIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shift lead's order: some time within ``within_s``, drawn by the seed."""

    ordered_by: str
    within_s: float = 3600.0
    seed: int = 0


def drill_handlers(reader: DrillReader, submit: Submit, clock: Clock) -> list[Any]:
    """Return the handlers of the drills: order one, read the results."""

    @get("/api/drills", sync_to_thread=True)
    def get_drills() -> list[Drill]:
        return list(reader.drills())

    @post("/api/drills", opt=asks(body=DrillIn))
    async def post_drill(request: AnyRequest) -> Response[dict[str, str]]:
        asked = await json_of(request, DrillIn, "drill")
        if not (0.0 <= asked.within_s <= LONGEST_WAIT_S and asked.seed >= 0 and 0 < len(asked.ordered_by) <= 128):
            raise Refused(422, "incomplete", phrase("refused.no-drill"), phrase("refused.give-drill"))
        wait_s = float(np.random.default_rng(asked.seed).uniform(0.0, asked.within_s))
        order = DrillOrder(
            drill_id=f"{WATERMARK}{uuid.uuid4().hex[:8]}", starts_at_us=clock() + int(wait_s * 1e6), seed=asked.seed,
            ordered_by=asked.ordered_by,
        )  # fmt: skip
        await submit(DRILL_SOURCE, msgspec.json.encode(order))
        return Response({"drill_id": order.drill_id}, status_code=201)

    return [get_drills, post_drill]
