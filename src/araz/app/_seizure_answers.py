"""What the analyst's page is told: report, shares, series, routes, catches, claims, crews, displacement, register."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from araz.app._register import whole
from araz.app._seizures_ask import changes_json, forecast_json
from araz.app._seizures_crews import SORTIE_COLUMNS, crews_json, crews_told
from araz.app._seizures_keep import find, history_of, month_of, plain_json, told_json
from araz.app._seizures_moved import moved_told
from araz.app._seizures_place import EFFORT_COLUMNS, WHERE_COLUMNS, routes_told, where_told
from araz.app._seizures_say import EVERY, claims_of, lines_from, shares_json, shares_over_time, traced_report
from araz.console import Refused
from araz.intelligence import (
    change_points,
    forecast,
    monthly_series,
    network_from_toml,
    read_table,
    report_html,
    serial_correlation,
    singles,
)
from araz.vocabulary import LANGUAGES, phrase

#: Rows of the register shown at once.
MOST_ROWS: Final = 200
#: Sorties weighed at once: half a million pairs.
MOST_SORTIES: Final = 1_000
#: The same draws every time: a figure that changes when the page is opened again is no figure.
SEED: Final = 1
#: Chance of any alarm in a series without change: the command's default.
ALPHA: Final = 0.05


class SeizureDesk:
    """Answers from one register; every question opens it anew, so an import in another process is seen."""

    def __init__(self, register: Path | None) -> None:
        self._kept = register

    @property
    def _register(self) -> Path:
        if self._kept is None:
            raise Refused(403, "partial-view", phrase("refusal.partial"), phrase("refusal.ask-whole"))
        return self._kept

    def report(self, month: str) -> bytes:
        """The monthly report's value; ``""``: the last month of the register."""
        lines = lines_from(self._register)
        return told_json(traced_report(lines, self._month(lines, month), SEED)[0])

    def report_page(self, month: str, language: str) -> bytes:
        """The same as one HTML page in a language, to print or to keep."""
        if language not in LANGUAGES:
            wrong = phrase("refused.no-language", name=repr(language))
            raise Refused(400, "no-language", wrong, phrase("refused.ask-for", choices=", ".join(LANGUAGES)))
        lines = lines_from(self._register)
        report = traced_report(lines, self._month(lines, month), SEED, language=language)[0]
        return report_html(report, language).encode()

    def composition(self, every: str, country: str | None) -> bytes:
        """Shares by substance over time, as araz seizures composition --json prints them."""
        if every not in EVERY:
            wrong = phrase("refused.no-period", name=repr(every))
            raise Refused(400, "no-period", wrong, phrase("refused.ask-for", choices=", ".join(EVERY)))
        return plain_json(shares_json(*shares_over_time(lines_from(self._register, country), every, None, SEED)))

    def find(self, query: dict[str, str]) -> bytes:
        """Seizures and their sums, as araz seizures list --json prints them."""
        names = ("substance", "country", "transport", "text", "since", "until")
        asked = {name: query[name] for name in names if query.get(name)}
        return plain_json(find(self._register, **asked, limit=MOST_ROWS).as_json())

    def history(self, seizure_id: str) -> bytes:
        """Every revision of one seizure with who, when and why, as araz seizures history --json prints it."""
        return plain_json(history_of(self._register, seizure_id))

    def series(self, query: dict[str, str]) -> bytes:
        """A monthly series, its changes and its forecast, as araz seizures changes and forecast --json print them."""
        what = query.get("what") or "loads"
        if what not in ("loads", "kg"):
            raise ValueError(f"{what!r} is neither loads nor kg")
        substance = query.get("substance") or None
        days, values = monthly_series(
            lines_from(self._register, query.get("country") or None), substance, what, EVERY["month"]
        )
        found = change_points(values, alpha=ALPHA, rng=np.random.default_rng(SEED), season=12)
        told: dict[str, object] = {
            "months": [f"{day:%Y-%m}" for day in days],
            "values": values,
            "changes": changes_json(days, found, ALPHA, serial_correlation(values)),
        }
        try:
            told |= {"forecast": {substance or "all drugs": forecast_json(forecast(values))}, "refused": None}
        except ValueError as error:
            told |= {"forecast": None, "refused": error.args[0]}
        return told_json(told)

    def routes(self, query: dict[str, str]) -> bytes:
        """Flows as ranges, what a closure would do, what a seizure says, as araz seizures routes --json prints it."""
        close, at, whence, whither = (
            query.get(name, "") for name in ("close", "seizure_at", "departure", "destination")
        )
        found = routes_told(
            lines_from(self._register), close=close, seizure_at=at, departure=whence, destination=whither
        )
        return told_json(found.as_json())

    def displacement(
        self, treated: str, buffer: list[str], control: list[str], since: str, every: str, country: str,
        network: str, neighbours: int,
    ) -> bytes:  # fmt: skip
        """Whether a closure or deployment moved it, as araz seizures displacement --json prints it."""
        found = moved_told(
            lines_from(self._register, country or None), treated, buffer, control, since, every, SEED,
            network=network_from_toml(network) if network else None, neighbours=neighbours,
        )  # fmt: skip
        return told_json(found.as_json())

    @staticmethod
    def crews(csv: str, solved_csv: str, least: float) -> bytes:
        """The likeliest pairs of sorties, as araz seizures crews --json prints them, and of how many."""
        names = (phrase("crew.the-season"), phrase("crew.the-solved"))
        files = zip((csv, solved_csv), names, strict=True)
        season, solved = (whole(read_table(one.encode(), "sorties.csv"), name, SORTIE_COLUMNS) for one, name in files)
        for table in (season, solved):
            if table.rows.height > MOST_SORTIES:
                raise ValueError(phrase("refusal.many-sorties", n=f"{table.rows.height:,}", most=f"{MOST_SORTIES:,}"))
        links = crews_told(season, solved, least, SEED, names)
        return told_json({
            "sorties": season.rows.height, "pairs": len(links), "links": crews_json(links[:MOST_ROWS])
        })  # fmt: skip

    @staticmethod
    def where(csv: str, effort_csv: str, length_km: float, cells: int) -> bytes:
        """Catches beside the effort along the border, as araz seizures where --json prints it."""
        caught = whole(read_table(csv.encode(), "catches.csv"), phrase("caught.the-catches"), WHERE_COLUMNS)
        worked = None
        if effort_csv:
            worked = whole(read_table(effort_csv.encode(), "effort.csv"), phrase("caught.the-effort"), EFFORT_COLUMNS)
        names = (phrase("caught.catches"), phrase("caught.effort"))
        return told_json(where_told(caught, worked, length_km, cells, SEED, names=names).as_json())

    @staticmethod
    def claims(name: str, csv: str) -> bytes:
        """What an article's figures say and what they do not, as araz seizures claims --json prints it."""
        table = read_table(csv.encode(), name if name.endswith(".csv") else f"{name}.csv")
        findings, problems = claims_of([(name, table)])
        if not findings and not problems:
            raise ValueError(phrase("refusal.figures-columns", name=name, header=", ".join(table.header)))
        return told_json({"findings": findings, "refused": problems})

    @staticmethod
    def _month(lines: pl.DataFrame, month: str) -> dt.date:
        if month:
            return month_of(month)
        last = singles(lines, months=True)["date"].max()
        if not isinstance(last, dt.date):
            raise ValueError(phrase("refusal.empty"))
        return last.replace(day=1)
