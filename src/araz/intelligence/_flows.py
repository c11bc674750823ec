"""Seizures under rosters with known probabilities → what crossed; without them, a refusal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from araz.intelligence._totals import Interval, drawn_again
from araz.vocabulary import BoolArray, FloatArray, LoggedInclusion, RosterLog

#: Below this chance of seizure a cell says next to nothing: a single load would count for fifty.
FLOOR: Final = 0.02
FEWEST: Final = 5


class FlowEstimate(NamedTuple):
    """What crossed where it could be seen, and how much of the border that was."""

    total: Interval | None
    """Flow of the season, in the unit of the quantities; None when refused."""
    long_run: Interval | None
    """The same with the interval of a season like this one: whole draws are drawn again."""
    by_cell: dict[str, Interval]
    seized: float
    """The raw sum, for comparison: it is not a flow."""
    seizures: int
    effective: float
    """(Σ w)² / Σ w²: how many equally weighted seizures the estimate rests on."""
    unobservable_share: float
    """Share of logged cell-windows whose chance of seizure is below the floor: nothing is known of the flow there."""
    model_range: tuple[float, float] | None
    """The total if every logged chance were at the end of its own interval; None where none is logged."""
    refused: str | None
    notes: list[str]


def estimate_flow(
    log: RosterLog, seized_draw: Sequence[str], seized_cell: Sequence[str], quantity: FloatArray,
    mode: Sequence[str] | None = None, *, floor: float = FLOOR, level: float = 0.95, replicates: int = 2000,
    rng: np.random.Generator,
) -> FlowEstimate:  # fmt: skip
    """Return the Horvitz–Thompson flow of a season of logged rosters.

    F̂ = Σ v_i / π_i over the seizures; Var F̂ = Σ_g (1 − π_g)/π_g² (Σ_{i∈g} v_i)², g all seizures of one draw and cell:
    they share a patrol, so they count as seen together. Interval on the log scale, never below what was seized.
    Covers the flow through cells with π ≥ floor; it is wrong in proportion where the logged chance is wrong.
    Refuses, with the reason, without a log, with fewer than five seizures, or where a seizure has no logged chance.
    Source: Horvitz and Thompson 1952; planning.md 2.3.
    """
    values = np.asarray(quantity, float)
    table = _table(log.inclusions)
    blind = float(np.mean([item.probability < floor for item in log.inclusions])) if log.inclusions else math.nan
    modes = [""] * len(values) if mode is None else list(mode)
    if not len(seized_draw) == len(seized_cell) == len(modes) == len(values):
        raise ValueError(
            f"{len(seized_draw)} draws, {len(seized_cell)} cells, {len(modes)} modes and {len(values)} quantities; "
            "give one of each per seizure"
        )
    keys = list(zip(seized_draw, seized_cell, modes, strict=True))
    logged = [item for key in keys if (item := _find(table, key)) is not None]
    refusal = _refusal(table, keys, logged, values, floor)
    if refusal is not None:
        return FlowEstimate(None, None, {}, float(values.sum()), len(values), 0.0, blind, None, refusal, [])
    chances = np.array([item.probability for item in logged])
    keep = chances >= floor
    weight = np.where(keep, 1 / np.maximum(chances, floor), 0.0)
    cells = np.array(seized_cell)
    groups = _groups([f"{draw}\0{cell}" for draw, cell, _ in keys])
    variance = _group_variance(values, chances, groups, keep)
    notes = _notes(log, blind, floor, int((~keep).sum()), mode is None)
    draws = sorted({item.draw_id for item in log.inclusions})
    return FlowEstimate(
        total=_log_interval(float((values * weight).sum()), variance, float(values[keep].sum()), level),
        long_run=_resampled(values * weight, seized_draw, draws, level, replicates, rng),
        by_cell={
            cell: _cell_interval(values, weight, chances, groups, keep & (cells == cell), level)
            for cell in sorted(set(seized_cell))
        },
        seized=float(values.sum()), seizures=len(values),
        effective=float(weight.sum() ** 2 / (weight**2).sum()) if keep.any() else 0.0,
        unobservable_share=blind, model_range=_model_range(logged, values, keep), refused=None, notes=notes,
    )  # fmt: skip


_Key = tuple[str, str, str]
_Table = dict[tuple[str, str], dict[str, LoggedInclusion]]


def _table(inclusions: Iterable[LoggedInclusion]) -> _Table:
    """Draw and cell → mode → what was logged."""
    table: _Table = {}
    for item in inclusions:
        table.setdefault((item.draw_id, item.cell_id), {})[item.mode] = item
    return table


def _find(table: _Table, key: _Key) -> LoggedInclusion | None:
    """The chance logged for the mode, else the one for every mode, else, for an unknown mode, the only one."""
    here = table.get(key[:2], {})
    only = next(iter(here.values())) if len(here) == 1 and not key[2] else None
    return here.get(key[2]) or here.get("") or only


def _refusal(
    table: _Table, keys: Sequence[_Key], logged: Sequence[LoggedInclusion], values: FloatArray, floor: float
) -> str | None:
    if not table:
        return (
            "no roster with known probabilities: seizures under patrols that were placed by "
            "judgement are not flows, and no weighting makes them so"
        )
    if np.any(~np.isfinite(values)) or np.any(values < 0):
        return "a seizure without a quantity, or with one below zero, cannot be weighted; correct it first"
    for draw, cell, mode in keys:
        item, here = _find(table, (draw, cell, mode)), table.get((draw, cell), {})
        if item is None and here:
            return (
                f"no logged probability for mode {mode or 'unknown'} of cell {cell} in draw {draw}: the log has "
                f"{', '.join(sorted(here))}; name the mode of each seizure"
            )
        if item is None:
            return (
                f"no logged probability for cell {cell} in draw {draw}: a seizure from outside "
                "the roster (a tip, another service) has no weight; leave it out and say so"
            )
        if item.probability == 0:
            return (
                f"cell {cell} in draw {draw} is logged with chance 0 but a load was seized "
                "there: the log does not describe what was done"
            )
    usable = sum(item.probability >= floor for item in logged)
    if usable < FEWEST:
        return f"{usable} seizures with a usable chance; at least {FEWEST} are needed before an interval means anything"
    return None


def _groups(keys: Sequence[str]) -> FloatArray:
    return np.unique(np.array(keys), return_inverse=True)[1].astype(float)


def _group_variance(values: FloatArray, chances: FloatArray, groups: FloatArray, keep: BoolArray) -> float:
    index = groups.astype(int)
    sums = np.bincount(index, np.where(keep, values, 0.0))
    chance = np.bincount(index, chances) / np.bincount(index)
    return float(((1 - chance) / np.maximum(chance, 1e-9) ** 2 * sums**2).sum())


def _cell_interval(values: FloatArray, weight: FloatArray, chances: FloatArray, groups: FloatArray, mine: BoolArray,
                   level: float) -> Interval:  # fmt: skip
    variance = _group_variance(values, chances, groups, mine)
    return _log_interval(float((values * weight)[mine].sum()), variance, float(values[mine].sum()), level)


def _log_interval(total: float, variance: float, seized: float, level: float) -> Interval:
    if total <= 0:
        return Interval(total, 0.0, math.nan)
    # lognormal with the estimate's mean and variance: an HT total is skewed to the right
    sigma = math.sqrt(math.log1p(variance / total**2))
    z = float(stats.norm.ppf(0.5 + level / 2)) * sigma
    return Interval(total, max(seized, total * math.exp(-z)), total * math.exp(z))


def _resampled(weighted: FloatArray, drawn: Sequence[str], draws: list[str], level: float, replicates: int,
               rng: np.random.Generator) -> Interval:  # fmt: skip
    at = {name: index for index, name in enumerate(draws)}
    sums = np.asarray(np.bincount([at[name] for name in drawn], weighted, minlength=len(draws)), float)
    totals = drawn_again(sums, rng, replicates)
    low, high = np.quantile(totals, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(sums.sum()), float(low), float(high))


def _model_range(logged: Sequence[LoggedInclusion], values: FloatArray, keep: BoolArray) -> tuple[float, float] | None:
    if all(item.probability_low is None for item in logged):
        return None
    used = [(v, item) for v, item, k in zip(values, logged, keep, strict=True) if k]
    low = sum(v / (item.probability_high or item.probability) for v, item in used)
    high = sum(v / max(item.probability_low or item.probability, 1e-9) for v, item in used)
    return float(low), float(high)


def _notes(log: RosterLog, blind: float, floor: float, dropped: int, any_mode: bool) -> list[str]:
    notes = [
        f"{100 * blind:.1f} % of the logged cell-windows had a chance of seizure below {floor:g}: the "
        "flow there is unobservable and not in the total."
    ]
    if dropped:
        notes.append(
            f"{dropped} seizures were made where the chance was below {floor:g}; they are left out of the total."
        )
    if any_mode and any(item.mode for item in log.inclusions):
        notes.append("The log distinguishes modes but the seizures do not: the chance for every mode was used.")
    notes.append(
        "The estimate is wrong in proportion where the logged chance is wrong: "
        "calibrate detection with own test flights."
    )
    return notes
