"""What the analyst's page is told: the monthly report, shares over time, claims and the register."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import polars as pl

from araz.app._seizures_keep import find, plain_json
from araz.app._seizures_say import claims_of, lines_from, shares_json, shares_over_time
from araz.console import Refused
from araz.intelligence import monthly_report, read_table, report_html

#: Rows of the register shown at once.
MOST_ROWS: Final = 200
#: The same draws every time: a figure that changes when the page is opened again is no figure.
SEED: Final = 1


class SeizureDesk:
    """Answers from one register; every question opens it anew, so an import in another process is seen."""

    def __init__(self, register: Path | None) -> None:
        self._kept = register

    @property
    def _register(self) -> Path:
        if self._kept is None:
            raise Refused(403, "partial-view", "your service sees a part of this sector", "ask the one that sees all")
        return self._kept

    def report(self, month: str) -> bytes:
        """The monthly report's value; ``""``: the last month of the register."""
        lines = lines_from(self._register)
        return plain_json(monthly_report(lines, self._month(lines, month), seed=SEED))

    def report_page(self, month: str) -> str:
        """The same as one HTML page, to print or to keep."""
        lines = lines_from(self._register)
        return report_html(monthly_report(lines, self._month(lines, month), seed=SEED))

    def composition(self, every: str, country: str | None) -> bytes:
        """Shares by substance over time, as araz seizures composition --json prints them."""
        return plain_json(shares_json(*shares_over_time(lines_from(self._register, country), every, None, SEED)))

    def find(self, query: dict[str, str]) -> bytes:
        """Seizures and their sums, as araz seizures list --json prints them."""
        names = ("substance", "country", "transport", "text", "since", "until")
        asked = {name: query[name] for name in names if query.get(name)}
        return plain_json(find(self._register, **asked, limit=MOST_ROWS).as_json())

    @staticmethod
    def claims(name: str, csv: str) -> bytes:
        """What an article's figures say and what they do not, as araz seizures claims --json prints it."""
        table = read_table(csv.encode(), name if name.endswith(".csv") else f"{name}.csv")
        findings, problems = claims_of([(name, table)])
        if not findings and not problems:
            raise ValueError(f"{name} needs the columns quantity, period, value, unit; it has {table.header}")
        return plain_json({"findings": findings, "refused": problems})

    @staticmethod
    def _month(lines: pl.DataFrame, month: str) -> dt.date:
        if month:
            try:
                return dt.date.fromisoformat(f"{month}-01")
            except ValueError as error:
                raise ValueError(f"{month!r} is no month; write YYYY-MM") from error
        days = lines.filter(lines["date_precision"] == "day")["date"].drop_nulls().to_list()
        if not days:
            raise ValueError("the register holds no seizure of a known day; araz seizures import FILE adds some")
        return dt.date(max(days).year, max(days).month, 1)
