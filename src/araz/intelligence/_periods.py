"""Published totals that grow through a year, taken apart into the months between, with the error that leaves."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import polars as pl

from araz.intelligence._totals import CONSIGNMENTS_KG, total_half_width


class Increment(NamedTuple):
    """What was added between two published totals of one year."""

    substance: str
    base_unit: str
    first: dt.date
    last: dt.date
    amount: float
    error: float
    """Half-width of the published figures themselves: rounding of both, and the mismatch of parts and total."""
    chance_half_width: float | None
    """95 % half-width by chance at the middle plausible consignment (30 kg); None for tablets."""
    remark: str
    source_rows: list[int]


def difference_cumulative(lines: pl.DataFrame) -> list[Increment]:
    """Return the increments of cumulative totals: those that begin on the same day are one series.

    Δ = T(b) − T(a), error = r(a) + r(b) + |mismatch(a)| + |mismatch(b)|: r is half a unit of the last decimal
    published, mismatch the total less the sum of its parts. The first total of a series stands for itself. One that
    shrank is a correction of earlier months: a negative increment, kept, and said. Lines without ``date_to`` are left
    out.
    """
    spans = lines.filter(
        pl.col("date_to").is_not_null() & (pl.col("date_precision") == "period") & pl.col("base_quantity").is_not_null()
    )
    mismatch = _mismatches(spans)
    found: list[Increment] = []
    for keys, part in spans.sort("date_to").group_by(
        ["country", "agency", "date", "substance", "base_unit"], maintain_order=True
    ):
        _, _, first, substance, unit = keys
        before, before_row, begin, seen_error = 0.0, None, first, 0.0
        for end, amount, row, key in part.select("date_to", "base_quantity", "source_row", "seizure_id").iter_rows():
            error = _rounding(amount) + (abs(mismatch.get(key, 0.0)) if unit == "kg" else 0.0)
            delta = amount - before
            chance = total_half_width(max(delta, 0.0), CONSIGNMENTS_KG[1]) if unit == "kg" else None
            remark = "" if delta >= 0 else "smaller than the total before it: earlier months were corrected downwards"
            rows = [item for item in (before_row, row) if item is not None]
            found.append(Increment(substance, unit, begin, end, delta, error + seen_error, chance, remark, rows))
            before, before_row, begin, seen_error = amount, row, end + dt.timedelta(days=1), error
    return sorted(found, key=lambda item: (item.first, item.last, item.substance))


def _mismatches(spans: pl.DataFrame) -> dict[str, float]:
    """Total less the sum of its parts, kg, per published row that has both."""
    kilos = spans.filter(pl.col("base_unit") == "kg")
    sums = kilos.group_by("seizure_id").agg(
        pl.col("base_quantity").filter(pl.col("substance") == "total").first().alias("total"),
        pl.col("base_quantity").filter(pl.col("substance") != "total").sum().alias("parts"),
        (pl.col("substance") != "total").sum().alias("count"),
    )
    known = sums.filter(pl.col("total").is_not_null() & (pl.col("count") > 0))
    return {key: total - parts for key, total, parts in known.select("seizure_id", "total", "parts").iter_rows()}


def _rounding(amount: float) -> float:
    """Half a unit of the last decimal of the figure as written."""
    _, _, decimals = repr(amount).partition(".")
    digits = 0 if decimals in {"", "0"} or "e" in decimals else len(decimals)
    return float(0.5 * 10.0**-digits)
