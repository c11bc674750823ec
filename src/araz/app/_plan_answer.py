"""The certified plan of a site for one question of the plan page, as the page shows it."""

from __future__ import annotations

from typing import Final

import numpy as np

from araz.app._plan_site import degrees
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
from araz.vocabulary import FloatArray, PlanAsk, PlanCell, PlanPlace, PlanShown

#: A dragged post waits for an answer; a gap that stays open is shown as such.
TOLERANCE: Final = 1e-3


def plan_shown(place: Place, ask: PlanAsk) -> PlanShown:
    """The plan for a question; ValueError with the remedy where it cannot be planned."""
    game = game_of_site(place, ask.corner, ask)
    x = _standing(game, ask.standing)
    plan = plan_patrols(game.instance, x, tolerance=TOLERANCE)
    words = [*certificate(game.instance, plan, next_money(game.instance, plan)), *game.assumed]
    return _shown(place, game, plan, ask, words)


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
