"""What the plan page asks and is told: a plan with its figures, and where everything in it lies."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from araz.vocabulary._quantities import DistanceM, LatitudeDeg, LongitudeDeg, Probability


class PlanCorner(StrEnum):
    """Which end of every interval of the site's planning is taken."""

    LIKELY = "likely"
    WORST = "worst"
    BEST = "best"


class PlanMove(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sensor or a post put somewhere else, by its name."""

    id: Annotated[str, Meta(max_length=200)]
    longitude_deg: LongitudeDeg
    latitude_deg: LatitudeDeg


class PlanAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to the planner: what if these stood elsewhere, what if others stood. Nothing is recorded."""

    corner: PlanCorner = PlanCorner.LIKELY
    posts: Annotated[list[PlanMove], Meta(max_length=500)] = []
    sensors: Annotated[list[PlanMove], Meta(max_length=500)] = []
    standing: Annotated[list[str], Meta(max_length=500)] | None = None
    """Names of the sensors that stand; unknown: those that stand now."""
    teams: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """On duty in every window; unknown: as the site file says."""


class PlanCell(msgspec.Struct, frozen=True, kw_only=True):
    """One border cell under the plan; no figure where no way crosses it."""

    longitude_deg: LongitudeDeg
    latitude_deg: LatitudeDeg
    along_m: DistanceM
    unseen_kg: float | None
    """Most kilograms that one sortie over it is expected to carry unseen."""
    brings_kg: float | None
    """Most that a sortie over it brings its sender under the plan, his own cost taken off; below 0 he stays home."""


class PlanPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor or a post of the plan."""

    id: str
    longitude_deg: LongitudeDeg
    latitude_deg: LatitudeDeg
    share: Probability
    """Post: how often it is manned, mean over the windows. Sensor: 1 when it stands, 0 when it could."""
    cost: float = 0.0


class PlanShown(msgspec.Struct, frozen=True, kw_only=True):
    """A certified plan as the page shows it."""

    corner: PlanCorner
    guarantee_kg: float
    bound_kg: float
    gap: float | None
    """Guarantee over bound, less one; unknown when the bound is 0 and the guarantee is not."""
    teams: int
    cost: float
    """Of the sensors that stand beyond the site's own."""
    words: list[str]
    """The certificate, sentence by sentence, and what was assumed."""
    cells: list[PlanCell]
    posts: list[PlanPlace]
    sensors: list[PlanPlace]
