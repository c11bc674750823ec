"""The register as a frame of lines and as records: the same facts, each way without loss."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

import polars as pl

from araz.intelligence._import import LINE_SCHEMA
from araz.vocabulary import DatePrecision, Seizure, SubstanceAmount

AMOUNT_COLUMNS: Final = tuple(name for name in LINE_SCHEMA if name in SubstanceAmount.__struct_fields__)
_PRECISION: Final = {item.value: item for item in DatePrecision}
SEIZURE_COLUMNS: Final = tuple(name for name in LINE_SCHEMA if name in Seizure.__struct_fields__)


def records_of(lines: pl.DataFrame) -> list[Seizure]:
    """Return the seizures of a frame; lines of one seizure stand together and keep their order."""
    ids = lines["seizure_id"].to_list()
    head = [lines[name].to_list() for name in SEIZURE_COLUMNS]
    body = list(zip(*(lines[name].to_list() for name in AMOUNT_COLUMNS), strict=True))
    records = []
    for _, group in groupby(range(len(ids)), key=ids.__getitem__):
        indices = list(group)
        values: dict[str, Any] = {name: column[indices[0]] for name, column in zip(SEIZURE_COLUMNS, head, strict=True)}
        values["date"] = values["date"].isoformat()
        values["date_to"] = None if values["date_to"] is None else values["date_to"].isoformat()
        values["date_precision"] = _PRECISION[values["date_precision"]]
        rows = [body[index] for index in indices]
        amounts = [
            SubstanceAmount(**dict(zip(AMOUNT_COLUMNS, r, strict=True))) for r in rows if r[0] or r[2] is not None
        ]
        records.append(Seizure(amounts=amounts, **values))
    return records


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
