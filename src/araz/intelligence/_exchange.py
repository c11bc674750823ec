"""The register's own layout, out and in again: CSV and XLSX, lossless, and inert in a spreadsheet."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Final

import polars as pl
import xlsxwriter

from araz.intelligence._clean import (
    Parsed,
    backwards,
    count_parser,
    date_parser,
    judge,
    percent_parser,
    precision_parser,
    quantity_parser,
    time_parser,
)
from araz.intelligence._import import LINE_SCHEMA, ImportResult, bases_of, conversions_of
from araz.intelligence._tables import ROW, Problem, Table
from araz.intelligence._words import MODE_NAMES, SUBSTANCE_NAMES, UNLISTED

#: A text that begins so would be computed by a spreadsheet; it leaves with an apostrophe before it.
_LIVE: Final = r"^(['=+\-@\t\r])"
_OWN: Final = {"seizure_id", "date", "substance", "quantity", "unit", "base_unit"}
_TEXTS: Final = [name for name, kind in LINE_SCHEMA.items() if kind == pl.String]


def is_own_layout(header: list[str]) -> bool:
    """Tell a table written by :func:`to_csv` or :func:`to_xlsx`."""
    return set(header) >= _OWN


def to_csv(lines: pl.DataFrame) -> bytes:
    """Return lines as CSV (UTF-8 with a mark, so that a spreadsheet shows Cyrillic); floats keep every digit."""
    return b"\xef\xbb\xbf" + _inert(lines).write_csv().encode()


def _inert(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.select(list(LINE_SCHEMA)).with_columns(pl.col(_TEXTS).str.replace(_LIVE, "'$1"))


def to_xlsx(lines: pl.DataFrame) -> bytes:
    """Return lines as a workbook of one sheet; no text in it is a formula or a link.

    A number that the format's 16 digits would round is written as text, so that nothing is lost. At most 1,048,575
    lines fit a sheet: more raise ValueError.
    """
    if lines.height > 1_048_575:
        raise ValueError(f"{lines.height:,} lines do not fit an .xlsx sheet; export CSV, or a part (--from, --to)")
    buffer = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet("seizures")
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(LINE_SCHEMA):
            sheet.write_string(0, column, name, bold)
        for row, values in enumerate(_inert(lines).iter_rows(), start=1):
            for column, value in enumerate(values):
                if isinstance(value, str):
                    if value:
                        sheet.write_string(row, column, value)
                elif isinstance(value, dt.date):
                    sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()), day)
                elif value is not None and float(f"{value:.16g}") == value:
                    sheet.write_number(row, column, value)
                elif value is not None:
                    sheet.write_string(row, column, repr(value))
    return buffer.getvalue()


def import_own(table: Table) -> ImportResult:
    """Read the register's own layout; a seizure with one bad line is refused whole, each line with its reason.

    Base unit and quantity are computed again from the reported ones, whatever the file says of them, and a remark made.
    """
    live = re.compile("^'(['=+\\-@\t\r])")
    texts = {
        name: table.rows[name].str.replace(live.pattern, "$1") if name in table.header else _empty(table.rows.height)
        for name in LINE_SCHEMA
    }
    refusals: list[pl.DataFrame] = []

    def keep(values: pl.Series, refusal: pl.Series, name: str) -> pl.Series:
        part = pl.DataFrame({"row": table.rows[ROW], "column": name, "message": refusal, "value": texts[name]})
        refusals.append(part.filter(refusal.is_not_null()))
        return values

    frame = pl.DataFrame({name: _parse(texts[name], name, keep) for name in LINE_SCHEMA})
    keep(frame["date_to"], backwards(frame["date"], frame["date_to"]), "date_to")
    base = bases_of(frame["unit"])
    summed = (frame["quantity"] * base["factor"]).alias("base_quantity")
    stale = texts["base_quantity"].to_frame("value").with_columns(pl.Series("row", table.rows[ROW]))
    stale = stale.filter(frame["base_quantity"].ne_missing(summed))
    frame = frame.with_columns(base["base"].fill_null("").alias("base_unit"), summed, table.rows[ROW])
    first = pl.concat(refusals).unique("row", keep="first", maintain_order=True)
    problems = {row[0]: Problem(*row) for row in first.iter_rows()}
    mine = frame.filter(pl.col(ROW).is_in(list(problems)))["seizure_id"].unique().to_list()
    for row, which in frame.filter(pl.col("seizure_id").is_in(mine)).select(ROW, "seizure_id").iter_rows():
        problems.setdefault(row, Problem(row, "seizure_id", "another line of this seizure was refused", which))
    lines = frame.filter(~pl.col(ROW).is_in(list(problems)))
    lines = lines.with_columns(pl.col(ROW).alias("source_row")).select(list(LINE_SCHEMA))
    rows = table.rows.height + len(table.refused)
    refused = sorted([*table.refused, *problems.values()])
    remarks = [
        Problem(row, "base_quantity", "computed again from quantity and unit", value)
        for value, row in stale.iter_rows()
        if row not in problems
    ]
    return ImportResult(lines, refused, remarks, rows, "araz-register", conversions_of(lines))


def _empty(height: int) -> pl.Series:
    return pl.Series([""], dtype=pl.String).new_from_index(0, height)


def _parse(texts: pl.Series, name: str, keep: Callable[[pl.Series, pl.Series, str], pl.Series]) -> pl.Series:
    kind = LINE_SCHEMA[name]
    if name == "source_row":
        return pl.Series([None], dtype=pl.UInt32).new_from_index(0, texts.len())
    values, refusal = texts, texts.clear(texts.len())
    if (parse := _WORD.get(name) or _KIND.get(str(kind))) is not None:
        values, refusal, _ = judge(texts, parse, kind)
    if name in {"seizure_id", "date"}:
        refusal = refusal.set(texts == "", "must not be empty")
    if kind == pl.String:
        values = values.fill_null("day" if name == "date_precision" else "")
    return keep(values, refusal, name)


def _one_of(words: tuple[str, ...], what: str) -> Callable[[str], Parsed]:
    return lambda t: Parsed(value=t) if t in words else Parsed(refusal=f"is no {what}; there are {', '.join(words)}")


def _own_time(text: str) -> Parsed:
    found = time_parser(text)
    return found if found.value == text else Parsed(refusal="is no time of day (HH:MM)")


_WORD: Final[dict[str, Callable[[str], Parsed]]] = {
    "substance": _one_of((*SUBSTANCE_NAMES, UNLISTED), "substance of the register"),
    "transport": _one_of(MODE_NAMES, "transport mode"),
    "date_precision": precision_parser,
    "purity_percent": percent_parser([], "."),
    "time_of_day": _own_time,
}
_KIND: Final[dict[str, Callable[[str], Parsed]]] = {
    "Date": date_parser(("%Y-%m-%d",)), "Float64": quantity_parser([], "."), "Int64": count_parser,
}  # fmt: skip
