"""The question of crews: how likely two sorties are one crew's, why, and what would refute it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from araz.app._register import load_whole
from araz.app._rim import say
from araz.app._seizures_keep import print_json
from araz.intelligence import ROW, CrewOdds, Sortie, Table, learn_crews, link_sorties
from araz.vocabulary import phrase

SORTIE_COLUMNS: Final = ("sortie_id", "date")
#: Lowest and highest of a sortie's measures; a load of nothing is no load.
_MEASURES: Final = {"corridor_km": (-math.inf, math.inf), "hour": (0.0, 24.0), "load_kg": (1e-9, math.inf)}
_WANTED: Final = {"hour": "refusal.of-a-day", "load_kg": "refusal.more-than-nothing"}


def crews_told(season: Table, solved: Table, least: float, seed: int, names: tuple[str, str]) -> list[CrewOdds]:
    """Answer the command's question about two tables; ``names`` are theirs, for what is said of a bad row."""
    if not 0 <= least <= 1:
        raise ValueError(phrase("refusal.least", least=f"{least:g}"))
    cases = [item for item in _sorties(solved, names[1]) if item[0]]
    if not cases:
        raise ValueError(phrase("refusal.no-crew-named", name=names[1]))
    model = learn_crews(cases, rng=np.random.default_rng(seed))
    return link_sorties(model, [sortie for _, sortie in _sorties(season, names[0])], least)


def crews_json(links: Sequence[CrewOdds]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [{**dict(link._asdict()), "weights": [w._asdict() for w in link.weights]} for link in links]


def run_crews(file: Path, solved: Path, least: float, seed: int, *, as_json: bool) -> int:
    """Learn from solved cases, print the links of new sorties."""
    tables = (load_whole(file, SORTIE_COLUMNS), load_whole(solved, SORTIE_COLUMNS))
    links = crews_told(*tables, least, seed, (file.name, solved.name))
    if as_json:
        print_json(crews_json(links))
        return 0
    for link in links:
        say(
            f"{link.one} and {link.other}: {_chance(link.probability)} % one crew "
            f"(90 % interval {_chance(link.low)} to {_chance(link.high)} %; "
            f"{100 * link.prior:.2g} % before the features were weighed)"
        )
        for weight in link.weights:
            say(f"    {weight.sentence}")
        say(f"    would refute it: {'; '.join(link.would_refute)}")
    if not links:
        say(f"no two sorties reach {least:g}")
    return 0


def _chance(probability: float) -> str:
    """A chance in per cent; nothing is said to be certain."""
    return "over 99" if probability > 0.99 else "under 1" if probability < 0.01 else f"{100 * probability:.0f}"


def _sorties(table: Table, file: str) -> list[tuple[str, Sortie]]:
    """Rows of sorties with their crew where it is known; empty cells are unknown."""
    found: dict[str, tuple[str, Sortie]] = {}
    for row in table.rows.iter_rows(named=True):
        name = (row["sortie_id"] or "").strip()
        known: dict[str, Any] = {word: row[word] for word in ("serial", "radio", "drop_style") if row.get(word)}
        try:
            if not name or name in found:
                twice = phrase("refusal.sortie-twice", name=repr(name))
                raise ValueError(twice if name else phrase("refusal.sortie-unnamed"))
            known |= {column: _measure(column, row[column]) for column in _MEASURES if row.get(column)}
            day = _calendar_day(row["date"])
        except ValueError as error:
            raise ValueError(phrase("refusal.file-row", name=file, row=row[ROW], why=error.args[0])) from error
        found[name] = (row.get("crew") or "", Sortie(name, day, **known))
    return list(found.values())


def _measure(column: str, text: str) -> float:
    low, high = _MEASURES[column]
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(phrase("refusal.not-plain", column=column, text=repr(text))) from error
    if not (math.isfinite(value) and low <= value <= high):
        wanted = phrase(_WANTED.get(column, "refusal.finite"))
        raise ValueError(phrase("refusal.not-in-range", column=column, text=text, wanted=wanted))
    return value


def _calendar_day(text: str | None) -> float:
    try:
        return float(dt.date.fromisoformat(text or "").toordinal())
    except ValueError as error:
        raise ValueError(phrase("refusal.no-day", text=f"date {text!r}")) from error
