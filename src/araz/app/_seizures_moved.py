"""The question of displacement: did a closure or a deployment move it, to whom, and in what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from araz.app._rim import say
from araz.app._seizures_keep import day_of, print_json
from araz.app._seizures_place import load_network
from araz.app._seizures_say import EVERY, lines_from
from araz.intelligence import (
    FEWEST_BEFORE,
    Counterfactual,
    Displacement,
    Network,
    Shift,
    counterfactual,
    displacement,
    neighbours_of,
    shift_of_mix,
)
from araz.vocabulary import FloatArray, phrase


class Beside(NamedTuple):
    """What one kind of neighbours says."""

    by: str
    places: list[str]
    counts: FloatArray
    found: Displacement

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        found = self.found
        parts = {name: getattr(found, name) for name in ("direct", "neighbours", "quotient", "pretended")}
        told = {name: part and part._asdict() for name, part in parts.items()}
        return {"by": self.by, "places": self.places, "counts": self.counts, **found._asdict(), **told}


class MovedTold(NamedTuple):
    """Counts of the areas by period, what each kind of neighbours says, and in what the seizures moved."""

    periods: list[str]
    change: int
    """The first period that begins on the day of the change or after."""
    treated: FloatArray
    control: FloatArray
    neighbours: list[Beside]
    counterfactual: Counterfactual | None
    """None with fewer than twelve periods before, or too few events in them."""
    shifts: list[Shift]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        seen = self.counterfactual
        told = [one.as_json() for one in self.neighbours]
        return {
            "periods": self.periods, "change": self.change, "treated": self.treated, "control": self.control,
            "counterfactual": None if seen is None else seen._asdict() | {"effect": seen.effect._asdict()},
            "displacement": told[0], "neighbours": told, "notes": self.notes,
            "shifts": [s._asdict() for s in self.shifts],
        }  # fmt: skip


def moved_told(lines: pl.DataFrame, treated: str, buffer: Sequence[str], control: Sequence[str], since: str,
               every: str, seed: int, *, network: Network | None = None, neighbours: int = 1) -> MovedTold:  # fmt: skip
    """Answer the command's question; ValueError with the remedy where it cannot be put."""
    lines = lines.filter(pl.col("date_precision").is_in(["day", "report-day"])).unique(
        "seizure_id", keep="first", maintain_order=True
    )
    if lines.is_empty():
        raise ValueError(phrase("refusal.no-dated"))
    lines = lines.with_columns(
        pl.when(pl.col("region") != "").then("region").otherwise("place").alias("where"),
        pl.col("time_of_day").map_elements(_watch, return_dtype=pl.String).alias("hour"),
    )
    sets, notes = _neighbour_sets(treated, buffer, control, network, neighbours)
    day = day_of(since)
    first = lines["date"].dt.truncate(EVERY[every])
    starts = pl.select(pl.date_range(pl.lit(first.min()), pl.lit(first.max()), EVERY[every])).to_series()
    change = int(np.sum(starts.to_numpy() < np.datetime64(day)))
    rng = np.random.default_rng(seed)
    here, beyond = (_counts(lines, names, starts, every) for names in ([treated], control))
    beside = []
    for by, names in sets:
        counts = _counts(lines, names, starts, every)
        beside.append(Beside(by, names, counts, displacement(here, counts, beyond, change, rng=rng)))
    after = (lines["date"] >= day).to_list()
    weeks = (lines["date"].dt.epoch("d") // 7).to_list()
    shifts = [
        shift_of_mix(kind, lines[column].to_list(), after, block=weeks, rng=rng)
        for kind, column in (("place", "where"), ("mode", "transport"), ("hour", "hour"), ("substance", "substance"))
    ]
    enough = 12 <= change < len(starts) and here[:change].sum() >= FEWEST_BEFORE
    seen = counterfactual(here, change, beyond[:, None], rng=rng) if enough else None
    periods = [f"{start:%Y-%m}" for start in starts]
    return MovedTold(periods, change, here, beyond, beside, seen, shifts, notes)


def run_displacement(source: Path, treated: str, buffer: Sequence[str], control: list[str], since: str, every: str,
                     country: str | None, seed: int, *, network: str = "", neighbours: int = 1,
                     as_json: bool) -> int:  # fmt: skip
    """Print displacement to each kind of neighbours, and in place, mode, hour and substance."""
    found = moved_told(lines_from(source, country), treated, buffer, control, since, every, seed,
                       network=load_network(network) if network else None, neighbours=neighbours)  # fmt: skip
    if as_json:
        print_json(found.as_json())
        return 0
    for note in found.notes:
        say(note)
    for one in found.neighbours:
        _say_displacement(f"neighbours {one.by} ({', '.join(one.places)}): ", one.found)
    if found.counterfactual is not None:
        say(f"{treated}, against what its past and the control foretold: {found.counterfactual.sentence}")
    for shift in found.shifts:
        say(
            f"{shift.kind}: {shift.verdict}"
            + (f" (distance {shift.distance:.2f}, p = {shift.p_value:.3f})" if shift.p_value is not None else "")
        )
    return 0


def _say_displacement(head: str, found: Displacement) -> None:
    verdict = "" if found.verdict == "refused" else f"{found.verdict.upper()}: "
    say(f"{head}{verdict}{found.sentence}")
    quotient = "undefined" if found.quotient.value is None else f"{found.quotient.value:.2f}"
    say(f"  weighted displacement quotient {quotient}: {found.quotient.meaning}")
    if found.p_neighbours is not None:
        say(
            f"  placebo p: treated {found.p_direct:.3f}, neighbours "
            f"{found.p_neighbours:.3f} ({found.placebos} orders of time)"
        )


def _watch(time_of_day: str) -> str:
    """The four-hour watch of a local time, or nothing."""
    if not time_of_day:
        return ""
    begin = int(time_of_day[:2]) // 4 * 4
    return f"{begin:02d}-{begin + 4:02d} h"


def _neighbour_sets(
    treated: str, buffer: Sequence[str], control: Sequence[str], network: Network | None, count: int
) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """The named neighbours, and those of the network by distance and by cost; and what to know of them."""
    sets: list[tuple[str, list[str]]] = [(phrase("moved.as-named"), list(buffer))] if buffer else []
    if network is None:
        if not sets:
            raise ValueError(phrase("refusal.no-neighbours"))
        return sets, []
    shut = {name.lower() for name in control}
    everyone = neighbours_of(network, treated)
    free = [n for n in everyone if not {n.id.lower(), n.title.lower()} & shut]
    costly = sorted((n for n in free if n.taken > 0), key=lambda n: -n.taken)[:count]
    if not free or not costly:
        raise ValueError(phrase("refusal.nobody-free", place=treated))
    sets += [(phrase("moved.by-distance"), [n.title for n in free[:count]]),
             (phrase("moved.by-cost"), [n.title for n in costly])]  # fmt: skip
    notes: list[str] = [
        phrase("moved.takes", place=n.title, km=f"{n.distance_km:,.0f}", percent=f"{100 * n.taken:.0f}")
        for n in everyone
        if n.taken > 0.005 or n in free[:count]
    ]
    notes += [
        phrase("moved.unclean", place=n.title, percent=f"{100 * n.taken:.0f}")
        for n in everyone
        if n not in free and n.taken > 0.1
    ]
    return sets, notes


def _counts(lines: pl.DataFrame, names: Sequence[str], starts: pl.Series, every: str) -> FloatArray:
    mine = lines.filter(
        pl.any_horizontal(
            pl.col(column).str.to_lowercase().str.contains(name.lower(), literal=True)
            for name in names
            for column in ("place", "where")
        )
    )
    if mine.is_empty():
        raise ValueError(phrase("refusal.nothing-at", places=", ".join(names)))
    got = dict(mine.group_by(pl.col("date").dt.truncate(EVERY[every])).agg(pl.len()).iter_rows())
    return np.array([got.get(start, 0) for start in starts.to_list()], float)
