"""The alarms' own figures: a monthly table on the command line, and the console's page of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
from litestar import get
from rich.console import Console
from rich.table import Table

from araz.app._config import site_bundle_of, site_from_bundle
from araz.incidents import alarm_figures
from araz.store import Records, has_records
from araz.vocabulary import Alarm, AlarmFigures, Decision

#: What ISA-18.2 and EEMUA 191 call acceptable, and what this project promises; from public summaries of the paid texts.
TARGETS = (
    "targets: ≤ 3 an hour on average, ≤ 6 in the worst ten minutes, < 1 % of the time in flood, priorities 5/15/80 %"
)
#: The night as the figures page sees it: the last so many hours.
TONIGHT_US = 12 * 3_600_000_000
MOST_MONTHS = 24


class AlarmReader(Protocol):
    """The records the figures are counted from."""

    def alarm_history(self, alarm_id: str | None = None, since_us: int = 0) -> Sequence[Alarm]:
        """Return all revisions in order of change."""

    def decisions(self, since_us: int) -> Sequence[Decision]:
        """Return decisions in order."""

    def picture_span(self) -> tuple[int, int] | None:
        """Return the times of the first and the last picture: the time that was watched."""


def months(reader: AlarmReader, zone: str, until_us: int) -> list[AlarmFigures]:
    """Return the figures of each calendar month of the site that was watched, oldest first."""
    revisions = [one for one in reader.alarm_history() if one.changed_at_us <= until_us]
    began_us = _began_us(reader, revisions)
    if began_us is None:
        return []
    decisions = reader.decisions(0)
    spans = list(_months(began_us, max(until_us, began_us + 1), zone))[-MOST_MONTHS:]
    # From the first picture and to now: hours in which nothing was watched would flatter the rate.
    return [
        alarm_figures(revisions, decisions, max(start_us, began_us), min(end_us, max(until_us, began_us + 1)), label)
        for label, start_us, end_us in spans
    ]


def _began_us(reader: AlarmReader, revisions: Sequence[Alarm]) -> int | None:
    """When the watch began: the first picture or the first alarm; None before either."""
    span = reader.picture_span()
    times = [one.raised_at_us for one in revisions] + ([] if span is None else [span[0]])
    return min(times, default=None)


def _months(from_us: int, to_us: int, zone: str) -> Iterator[tuple[str, int, int]]:
    where = ZoneInfo(zone)
    first = datetime.fromtimestamp(from_us / 1e6, where).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while _us(first) < to_us:
        following = (first + timedelta(days=32)).replace(day=1)
        yield f"{first:%Y-%m}", _us(first), _us(following)
        first = following


def _us(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1e6)


def alarm_handlers(reader: AlarmReader, zone: str, clock: Callable[[], int]) -> list[Any]:
    """Return the handlers of the alarms' page: the last twelve hours, and the months."""

    @get("/api/alarm-figures", sync_to_thread=True)
    def get_figures() -> AlarmFigures:
        now_us = clock()
        revisions = reader.alarm_history()
        began_us = min(max(now_us - TONIGHT_US, _began_us(reader, revisions) or 0), now_us - 1)
        return alarm_figures(revisions, reader.decisions(began_us), began_us, now_us)

    @get("/api/alarm-months", sync_to_thread=True)
    def get_months() -> list[AlarmFigures]:
        return months(reader, zone, clock())

    return [get_figures, get_months]


def run_alarms(out: Path, month: str, *, as_json: bool) -> int:
    """Print the monthly table of the alarms kept in a folder."""
    database = out / "records.sqlite"
    if not has_records(database):
        raise ValueError(f"{database} is not there; name the --out folder of a demo, watch or run")
    bundle = site_bundle_of(out / "night.journal")
    zone = "UTC" if bundle is None else site_from_bundle(bundle)[0].time_zone
    with Records.open(database) as records:
        last = max((one.changed_at_us for one in records.alarm_history()), default=0)
        span = records.picture_span()
        rows = months(records, zone, max(last, span[1] if span else 0) + 1)
    rows = [row for row in rows if not month or row.label == month]
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(rows, order="deterministic") + b"\n")
        return 0
    console = Console(width=None if sys.stdout.isatty() else 140)
    if not rows:
        console.print(f"No alarms{f' in {month}' if month else ''}.")
        return 0
    console.print(table_of(rows))
    console.print(TARGETS)
    return 0


def table_of(rows: Sequence[AlarmFigures]) -> Table:
    """Return one line a month, the columns an auditor asks for."""
    table = Table(title="Alarms by month")
    for name in ("month", "hours", "alarms", "P1/P2/P3", "per h", "worst 10 min", "in flood", "decided", "median",
                 "p95", "rejected", "chatter", "stale"):  # fmt: skip
        table.add_column(name, justify="left" if name == "month" else "right")
    for row in rows:
        split = "/".join(str(row.raised_by_priority.get(key, 0)) for key in "123")
        rejected = row.decisions_by_action.get("reject", 0)
        table.add_row(
            row.label, f"{(row.to_us - row.from_us) / 3.6e9:.1f}", str(row.raised), split, f"{row.per_hour:.1f}",
            str(row.worst_ten_minutes), f"{100 * row.flood_share:.1f} %", f"{row.decided}/{row.raised}",
            _seconds(row.median_decision_s), _seconds(row.p95_decision_s), str(rejected), str(len(row.chattering)),
            str(row.stale),
        )  # fmt: skip
    return table


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"
