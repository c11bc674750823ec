"""Register lines → a series over time without gaps."""

from __future__ import annotations

import datetime as dt

import polars as pl

from araz.intelligence._composition import singles
from araz.intelligence._words import substance_said
from araz.vocabulary import FloatArray, phrase


def monthly_series(
    lines: pl.DataFrame, substance: str | None, what: str, every: str = "1mo"
) -> tuple[list[dt.date], FloatArray]:
    """Return the first day of each period from first to last, and kilograms or the number of seizures in it.

    ``what`` is ``kg`` or ``loads``; sums of a month count their events. Totals of longer periods are
    left out.
    A period without seizures is zero: the register says nothing was seized, not that it is unknown.
    Raises ValueError when nothing is left.
    """
    mine = singles(lines, months=True)
    if substance is not None:
        mine = mine.filter(pl.col("substance") == substance)
    if what == "kg":
        mine = mine.filter(pl.col("base_unit") == "kg")
        value = pl.col("base_quantity").sum()
    else:
        mine = mine.unique(["seizure_id"], keep="first", maintain_order=True)
        value = pl.col("events").fill_null(1).sum()
    if mine.is_empty():
        raise ValueError(
            phrase(
                "refusal.no-series",
                what=substance_said(substance) if substance else phrase("refusal.any-drug"),
                measure=phrase(f"measure.of-{what}"),
            )
        )
    got = mine.group_by(pl.col("date").dt.truncate(every).alias("start")).agg(value.alias("value"))
    first, last = got["start"].min(), got["start"].max()
    assert isinstance(first, dt.date)
    assert isinstance(last, dt.date)
    whole = pl.DataFrame({"start": pl.date_range(first, last, every, eager=True)}).join(got, on="start", how="left")
    return whole["start"].to_list(), whole["value"].fill_null(0).cast(pl.Float64).to_numpy()
