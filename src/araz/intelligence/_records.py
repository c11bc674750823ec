"""The register as a frame of lines and as records: the same facts, each way without loss."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from araz.intelligence._import import LINE_SCHEMA
from araz.vocabulary import DatePrecision, Seizure, SubstanceAmount

AMOUNT_COLUMNS: Final = tuple(name for name in LINE_SCHEMA if name in SubstanceAmount.__struct_fields__)
_PRECISION: Final = {item.value: item for item in DatePrecision}
SEIZURE_COLUMNS: Final = tuple(name for name in LINE_SCHEMA if name in Seizure.__struct_fields__)


def records_of(lines: pl.DataFrame) -> list[Seizure]:
    """Return the seizures of a frame; lines of one seizure stand together and keep their order."""
    starts = lines.select(pl.arg_where(pl.col("seizure_id").ne_missing(pl.col("seizure_id").shift()))).to_series()
    heads = lines[starts].select(SEIZURE_COLUMNS).with_columns(pl.col("date", "date_to").dt.to_string("%Y-%m-%d"))
    columns = [heads[name].to_list() for name in SEIZURE_COLUMNS]
    precision = SEIZURE_COLUMNS.index("date_precision")
    columns[precision] = [_PRECISION[word] for word in columns[precision]]
    amounts = [
        SubstanceAmount(**dict(zip(AMOUNT_COLUMNS, row, strict=True))) if row[0] or row[2] is not None else None
        for row in zip(*(lines[name].to_list() for name in AMOUNT_COLUMNS), strict=True)
    ]
    firsts = starts.to_list()
    ends = [*firsts[1:], lines.height] if firsts else []
    return [
        Seizure(
            amounts=[one for one in amounts[start:end] if one is not None],
            **dict(zip(SEIZURE_COLUMNS, row, strict=True)),
        )
        for start, end, row in zip(firsts, ends, zip(*columns, strict=True), strict=True)
    ]


def lines_of(records: Iterable[Seizure]) -> pl.DataFrame:
    """Return the frame of records (``LINE_SCHEMA``; ``source_row`` is not part of a record and stays null)."""
    columns: dict[str, list[Any]] = {name: [] for name in LINE_SCHEMA if name != "source_row"}
    none = SubstanceAmount(substance="", substance_reported="")
    for record in records:
        for amount in record.amounts or [none]:
            for name in SEIZURE_COLUMNS:
                columns[name].append(getattr(record, name))
            for name in AMOUNT_COLUMNS:
                columns[name].append(getattr(amount, name))
    columns["date_precision"] = [item.value for item in columns["date_precision"]]
    for name in ("date", "date_to"):
        columns[name] = [None if text is None else dt.date.fromisoformat(text) for text in columns[name]]
    frame = pl.DataFrame({n: pl.Series(n, values, dtype=LINE_SCHEMA[n]) for n, values in columns.items()})
    return frame.with_columns(pl.lit(None, dtype=pl.UInt32).alias("source_row")).select(list(LINE_SCHEMA))
