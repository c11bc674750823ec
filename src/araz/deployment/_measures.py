"""How a season went, in figures that cannot be gamed, and the one that can beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from araz.deployment._instance import Instance
from araz.deployment._season import Season
from araz.vocabulary import FloatArray

#: Why the interception rate never stands alone.
RATE_MISLEADS = (
    "The interception rate counts caught sorties, not kilograms: who lets the heavy ones through and stops many light "
    "ones raises it and loses; and it falls when smugglers are deterred from where they are caught."
)


def exploitability_kg(instance: Instance, season: Season, bound_kg: float) -> float:
    """max_a u(a, mean of what stood) − bound: what a smuggler who knew the season's frequencies would gain (kg)."""
    value = instance.net_kg - instance.at_stake_kg * season.played
    return max(0.0, float(value.max())) - bound_kg


def weekly_through_kg(season: Season, days: int = 7, *, a_night: bool = False) -> FloatArray:
    """Kilograms through per sortie in each run of ``days`` nights, NaN where nobody flew; or ``a_night``."""
    out = []
    for first in range(0, len(season.nights), days):
        week = season.nights[first : first + days]
        per = len(week) if a_night else sum(len(night.attack) for night in week)
        out.append(sum(night.through_kg for night in week) / per if per else np.nan)
    return np.array(out, dtype=np.float64)


def through_in(season: Season, first: int, last: int) -> tuple[float, float]:
    """Kilograms through per sortie, and per night, in nights [first, last); NaN where nobody flew or there are none."""
    nights = season.nights[max(0, first) : max(0, last)]
    through, flown = sum(night.through_kg for night in nights), sum(len(night.attack) for night in nights)
    return (through / flown if flown else float("nan"), through / len(nights) if nights else float("nan"))


def half_life_nights(season: Season, from_night: int, before_kg: float, days: int = 7) -> float | None:
    """Nights until kilograms through have regained half the drop that followed a change; None: not in this season.

    The drop is ``before_kg`` less the first ``days`` nights after the change.
    """
    week = weekly_through_kg(replace(season, nights=season.nights[from_night:]), days)
    if len(week) == 0 or not np.isfinite(week[0]) or week[0] >= before_kg:
        return None
    back = np.flatnonzero(week >= 0.5 * (before_kg + week[0]))
    return float(back[0] * days) if len(back) else None


def crossing_shares(instance: Instance, season: Season, first: int, last: int, stretches: int = 24) -> FloatArray:
    """Share of flights over each stretch of border in nights [first, last); NaN where nobody flew."""
    flown = [night.attack for night in season.nights[first:last]]
    attack = np.concatenate(flown) if flown else np.zeros(0, dtype=np.int64)
    stretch = instance.crossing[attack] * stretches // len(instance.cell_m)
    count = np.bincount(stretch, minlength=stretches).astype(np.float64)
    return count / count.sum() if count.sum() > 0 else np.full(stretches, np.nan)


def displacement(instance: Instance, season: Season, night: int, span: int = 30) -> float:
    """Total variation distance, 0 to 1, between the stretches crossed before and after a night; NaN without flights."""
    before = crossing_shares(instance, season, max(0, night - span), night)
    after = crossing_shares(instance, season, night, night + span)
    return float(0.5 * np.abs(after - before).sum())


def crossing_entropy(shares: FloatArray) -> float:
    """Shannon entropy of shares in bits: how spread the crossings are."""
    kept = shares[np.isfinite(shares) & (shares > 0)]
    return float(-(kept * np.log2(kept)).sum())
