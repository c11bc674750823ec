"""The commands that keep the register: import, export, list, history, edit."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl
from rich.console import Console
from rich.table import Table as Screen

from araz.app._register import Book, batch_of, load_lines, shipped_mappings
from araz.app._rim import say
from araz.intelligence import (
    ImportResult,
    Problem,
    import_own,
    is_own_layout,
    lines_of,
    read_table,
    records_of,
    to_csv,
    to_xlsx,
)
from araz.vocabulary import Phrase, Seizure, SeizureRevision, phrase, told_with

SHOWN = 12


def progress() -> Console:
    """Return where progress goes: standard error, so that --json stays clean."""
    return Console(stderr=True)


def print_json(value: object) -> None:
    """Print one JSON value, indented; NaN becomes null."""
    say(msgspec.json.format(plain_json(value), indent=2).decode())


def plain_json(value: object) -> bytes:
    """Return one JSON value; arrays become lists and NaN becomes null."""
    return msgspec.json.encode(value, enc_hook=_plain)


def told_json(value: object) -> bytes:
    """Return the same as `plain_json` for a page: under ``said``, what each sentence was made of (`told_with`)."""
    return msgspec.json.encode(told_with(value, _plain), enc_hook=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Phrase):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise NotImplementedError(f"cannot write {type(value)} as JSON")


def run_import(file: Path, register: Path, mapping: str, sheet: str | None, encoding: str | None, by: str, *,
               strict: bool, dry_run: bool, report: Path | None, as_json: bool) -> int:  # fmt: skip
    """Import one file; see the command's help."""
    with progress().status(f"reading {file.name}") as status:
        result = load_lines(file, mapping, sheet, encoding)
        counts = (0, 0, 0)
        stopped = strict and bool(result.refused)
        if not dry_run and not stopped and result.accepted:
            status.update(f"writing {result.accepted:,} seizures to {register}")
            with Book(register) as book:
                counts = book.take(result.lines, by, f"import of {file.name}", batch_of(file))
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_bytes(_report_csv(result))
    if as_json:
        print_json(_import_json(result, counts, written=not dry_run and not stopped))
    else:
        _show_import(result, counts, dry_run=dry_run, stopped=stopped)
    return 1 if stopped or not result.accepted else 0


def _report_csv(result: ImportResult) -> bytes:
    rows = [("refused", *p) for p in result.refused] + [("remark", *p) for p in result.changed]
    frame = pl.DataFrame(rows, schema=["kind", "row", "column", "message", "value"], orient="row", strict=False)
    inert = pl.col("column", "message", "value").cast(pl.String).str.replace(r"^([=+\-@\t\r])", "'$1")
    return frame.with_columns(inert).write_csv().encode()


def _import_json(result: ImportResult, counts: tuple[int, int, int], *, written: bool) -> dict[str, Any]:
    return {
        "layout": result.mapping_id,
        "rows": result.rows,
        "taken": result.accepted,
        "amounts": result.lines.height,
        "refused": [p._asdict() for p in result.refused],
        "remarks": [p._asdict() for p in result.changed],
        "conversions": [c._asdict() for c in result.conversions],
        "written": written,
        "new": counts[0],
        "changed": counts[1],
        "unchanged": counts[2],
    }


def _show_import(result: ImportResult, counts: tuple[int, int, int], *, dry_run: bool, stopped: bool) -> None:
    say(f"{result.mapping_id}: {result.sentence}")
    for unit in result.conversions:
        also = (
            f"also stand as {unit.base_unit} (× {unit.factor:g})"
            if unit.factor is not None
            else "stand as reported, in no sum"
        )
        say(f"  {unit.amounts:,} amount{'' if unit.amounts == 1 else 's'} in {unit.unit or '(no unit)'} {also}")
    for title, problems in (("refused", result.refused), ("remark", result.changed)):
        for problem in problems[:SHOWN]:
            say(f"  {title}: {sentence_of(problem)}")
        if len(problems) > SHOWN:
            say(f"  {title}: and {len(problems) - SHOWN:,} more; --report FILE lists all")
    if stopped:
        say("nothing was written, because --strict and rows were refused")
    elif dry_run:
        say("nothing was written (--dry-run)")
    else:
        say(f"{counts[0]:,} new seizures, {counts[1]:,} changed, {counts[2]:,} as before")


def sentence_of(problem: Problem) -> str:
    """Return one problem as a line for people."""
    told = phrase("refusal.row", row=problem.row, why=problem.message)
    if problem.column:
        told = phrase("refusal.row-column", row=problem.row, column=problem.column, why=problem.message)
    value = repr(problem.value.replace(chr(31), " | ")[:80])
    return phrase("refusal.row-value", where=told, value=value) if problem.value else told


def day_of(text: str) -> dt.date:
    """Parse a day; raises ValueError with the form wanted."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(phrase("refusal.no-day", text=repr(text))) from error


def month_of(text: str) -> dt.date:
    """Parse a month into its first day; raises ValueError with the form wanted."""
    try:
        return dt.date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise ValueError(phrase("refusal.no-month", text=repr(text))) from error


def between(frame: pl.DataFrame, since: str | None, until: str | None) -> pl.DataFrame:
    """Keep lines dated from one day to another; raises ValueError for a text that is no day."""
    if since is not None:
        frame = frame.filter(pl.col("date") >= day_of(since))
    if until is not None:
        frame = frame.filter(pl.col("date") <= day_of(until))
    return frame


def run_export(file: Path, register: Path, since: str | None, until: str | None) -> int:
    """Write the register to a file by its ending."""
    writers = {".csv": to_csv, ".xlsx": to_xlsx}
    if file.suffix.lower() not in writers:
        raise ValueError(f"{file.name} ends neither in .csv nor in .xlsx")
    _must_exist(register)
    with progress().status(f"writing {file.name}"), Book(register) as book:
        lines = between(book.frame(), since, until)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(writers[file.suffix.lower()](lines))
    say(f"{lines['seizure_id'].n_unique():,} seizures, {lines.height:,} lines in {file}")
    return 0


def _must_exist(register: Path) -> None:
    if not register.exists():
        raise ValueError(phrase("refusal.no-register-here", path=str(register)))


def select_lines(
    frame: pl.DataFrame,
    substance: str | None = None,
    country: str | None = None,
    transport: str | None = None,
    text: str | None = None,
) -> pl.DataFrame:
    """Filter lines by exact substance and transport, and by part of country or place in any case and script."""
    if substance is not None:
        frame = frame.filter(pl.col("substance") == substance)
    if transport is not None:
        frame = frame.filter(pl.col("transport") == transport)
    if country is not None:
        frame = frame.filter(pl.col("country").str.to_lowercase().str.contains(country.lower(), literal=True))
    if text is not None:
        anywhere = pl.concat_str("place", "region", "source", "agency", separator="\n").str.to_lowercase()
        frame = frame.filter(anywhere.str.contains(text.lower(), literal=True))
    return frame


class Found(NamedTuple):
    """What a question to the register finds: all lines, the seizures, sums by substance and unit, lines to show."""

    lines: pl.DataFrame
    ids: pl.Series
    sums: pl.DataFrame
    shown: pl.DataFrame

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {"seizures": len(self.ids), "sums": self.sums.to_dicts(), "records": records_of(self.shown)}


def find(
    register: Path, substance: str | None = None, country: str | None = None, transport: str | None = None,
    text: str | None = None, since: str | None = None, until: str | None = None, limit: int = 20,
) -> Found:  # fmt: skip
    """Ask the register; raises ValueError where there is none."""
    _must_exist(register)
    with Book(register) as book:
        frame = between(select_lines(book.frame(), substance, country, transport, text), since, until)
    known = frame.filter((pl.col("base_unit") != "") & pl.col("base_quantity").is_not_null())
    sums = (
        known.group_by("substance", "base_unit")
        .agg(pl.len().alias("amounts"), pl.col("base_quantity").sum())
        .sort("base_unit", "base_quantity", descending=[False, True])
    )
    ids = frame["seizure_id"].unique(maintain_order=True)
    return Found(frame, ids, sums, frame.filter(pl.col("seizure_id").is_in(ids.head(limit).implode())))


def run_list(register: Path, substance: str | None, country: str | None, transport: str | None, text: str | None,
             since: str | None, until: str | None, limit: int, *, as_json: bool) -> int:  # fmt: skip
    """List and sum."""
    found = find(register, substance, country, transport, text, since, until, limit)
    frame, ids, sums, rows = found
    if as_json:
        print_json(found.as_json())
        return 0
    table = Screen("seizure", "date", "place", "substance", "as reported", "mode", box=None)
    for row in rows.iter_rows(named=True):
        reported = "" if row["quantity"] is None else f"{row['quantity']:,.6g} {row['unit']}"
        place = ", ".join(part for part in (row["place"], row["region"], row["country"]) if part)
        table.add_row(
            row["seizure_id"][:8], str(row["date"]), place[:40], row["substance"] or "–", reported, row["transport"]
        )
    Console(file=sys.stdout).print(table)
    say(f"{len(ids):,} seizures" + (f", the first {limit} shown" if len(ids) > limit else ""))
    for row in sums.iter_rows(named=True):
        say(f"  {row['substance']}: {row['base_quantity']:,.6g} {row['base_unit']} in {row['amounts']:,} amounts")
    spans = frame.filter(pl.col("date_precision") == "period").height
    if spans:
        say(
            f"  {spans:,} lines are published totals of periods that may overlap: do not "
            "add them; see araz seizures difference"
        )
    return 0


def history_of(register: Path, seizure_id: str) -> list[SeizureRevision]:
    """Revisions of one seizure, or the last twenty of all; raises ValueError for an identity that is none."""
    _must_exist(register)
    with Book(register) as book:
        return book.register.history(book.resolve(seizure_id)) if seizure_id else book.register.changes(20)


def run_history(register: Path, seizure_id: str, *, as_json: bool) -> int:
    """Show revisions."""
    found = history_of(register, seizure_id)
    if as_json:
        print_json(found)
        return 0
    before: Seizure | None = None
    for revision in found:
        day = dt.datetime.fromtimestamp(revision.changed_at_us / 1e6, dt.UTC)
        what = "withdrawn" if revision.record is None else _changes(before, revision.record) if seizure_id else ""
        say(
            f"{revision.seizure_id[:8]} revision {revision.revision}, {day:%Y-%m-%d %H:%M} UTC, "
            f"{revision.changed_by}: {revision.reason}{' – ' + what if what else ''}"
        )
        before = revision.record
    return 0


def _changes(before: Seizure | None, after: Seizure) -> str:
    if before is None:
        return "entered"
    names = [name for name in after.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    return "; ".join(f"{name}: {_short(getattr(before, name))} → {_short(getattr(after, name))}" for name in names)


def _short(value: object) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)[:200]


def run_edit(register: Path, seizure_id: str, changes: Sequence[str], by: str, reason: str, *, withdraw: bool) -> int:
    """Add a revision by hand, checked by the same rules as an import."""
    _must_exist(register)
    if not reason.strip():
        raise ValueError("--reason is empty; the history needs to know why")
    if bool(changes) == withdraw:
        raise ValueError("give field=value changes, or --withdraw, and not both")
    with Book(register) as book:
        which = book.resolve(seizure_id)
        read = book.register.history(which)[-1]
        if read.record is None and not withdraw:
            raise ValueError(f"seizure {which} is withdrawn; import it again to bring it back")
        changed = None if withdraw or read.record is None else edited(read.record, changes)
        revision = book.change(read, changed, by, reason)
    say(f"seizure {which} is at revision {revision.revision}{': withdrawn' if withdraw else ''}")
    return 0


def edited(record: Seizure, changes: Sequence[str]) -> Seizure:
    """Apply ``field=value`` changes through the register's own reader, so that an edit obeys what an import obeys."""
    frame = lines_of([record])
    for change in changes:
        name, equals, value = change.partition("=")
        substance, dot, field = name.partition(".")
        field = field if dot else name
        if (
            not equals
            or field not in frame.columns
            or field in {"seizure_id", "base_unit", "base_quantity", "source_row"}
        ):
            raise ValueError(f"{change!r} is not field=value with a field of the register: {', '.join(frame.columns)}")
        texts = frame[field].cast(pl.String)
        here = (frame["substance"] == substance) if dot else pl.Series([True] * frame.height)
        if not here.any():
            raise ValueError(f"this seizure holds no {substance!r}")
        frame = frame.with_columns(
            pl.Series(field, [value if yes else old for yes, old in zip(here, texts, strict=True)])
        )
    table = read_table(to_csv(frame), "the edit")
    assert is_own_layout(table.header)
    result = import_own(table)
    if result.refused:
        raise ValueError("the edit is refused: " + sentence_of(result.refused[0]))
    return records_of(result.lines)[0]


def run_layouts(*, as_json: bool) -> int:
    """List shipped layouts."""
    mappings = shipped_mappings()
    if as_json:
        print_json([{"id": m.id, "title": m.title, "recognised_by": m.recognised_by, "note": m.note} for m in mappings])
        return 0
    for mapping in mappings:
        say(f"{mapping.id}: {mapping.title} ({', '.join(mapping.recognised_by)})")
    return 0
