"""A foreign table and its mapping → register lines and a report of every row changed or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import polars as pl

from araz.intelligence._clean import (
    Column,
    Parsed,
    backwards,
    count_parser,
    date_parser,
    fiscal_month_parser,
    judge,
    percent_parser,
    period_end,
    period_parser,
    precision_parser,
    quantity_parser,
    time_parser,
)
from araz.intelligence._mapping import TEXT_FIELDS, AmountRule, Mapping, columns_of
from araz.intelligence._tables import ROW, Problem, Table
from araz.intelligence._words import UNLISTED, mode_of, substance_of, unit_of

#: The register as a frame: one row per amount; a seizure without amounts has one row with an empty substance.
LINE_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "seizure_id": pl.String, "date": pl.Date, "date_to": pl.Date, "date_precision": pl.String, "date_note": pl.String,
    "time_of_day": pl.String, "events": pl.Int64, "country": pl.String, "region": pl.String, "place": pl.String,
    "agency": pl.String,
    "substance": pl.String, "substance_reported": pl.String, "quantity": pl.Float64, "unit": pl.String,
    "base_unit": pl.String, "base_quantity": pl.Float64, "purity_percent": pl.Float64, "price": pl.Float64,
    "price_unit": pl.String, "origin": pl.String, "departure": pl.String, "transit": pl.String,
    "destination": pl.String, "transport": pl.String, "transport_reported": pl.String, "concealment": pl.String,
    "outcome": pl.String, "cue": pl.String, "persons": pl.Int64, "incident_id": pl.String, "source": pl.String,
    "source_row": pl.UInt32,
}  # fmt: skip


class Conversion(NamedTuple):
    """How amounts in one reported unit are summed: ``base_quantity = quantity × factor``, in ``base_unit``."""

    unit: str
    base_unit: str
    amounts: int
    factor: float | None


class ImportResult(NamedTuple):
    """What an import would put into the register, and its report; ``lines`` and ``refused`` cover every row."""

    lines: pl.DataFrame
    refused: list[Problem]
    changed: list[Problem]
    rows: int
    """Rows in the file, the header not counted."""
    mapping_id: str
    conversions: list[Conversion]
    """Every unit met, and what its amounts also stand as; the reported quantity and unit are kept unchanged."""

    @property
    def accepted(self) -> int:
        """Rows that became seizures."""
        return int(self.lines["source_row"].n_unique())

    @property
    def sentence(self) -> str:
        """The report in one line."""
        return (
            f"{self.rows:,} rows: {self.accepted:,} taken ({self.lines.height:,} "
            f"amounts), {len(self.refused):,} refused, "
            f"{len(self.changed):,} remarks"
        )


class _Work:
    """Cleaned columns and the first refusal of each row, while one table is read."""

    def __init__(self, table: Table, mapping: Mapping) -> None:
        self.rows = table.rows
        self.mapping = mapping
        self.number = table.rows[ROW]
        self.refusals: list[pl.DataFrame] = []
        self.remarks: list[pl.DataFrame] = []

    def text(self, column: str) -> pl.Series:
        """A column as text; the mapping's words for unknown become empty."""
        if not column:
            return pl.Series([""], dtype=pl.String).new_from_index(0, self.rows.height)
        series = self.rows[column]
        return series.set(series.str.to_lowercase().is_in(self.mapping.empty_words), "")

    def take(self, column: Column, name: str, texts: pl.Series) -> pl.Series:
        """Keep a column's refusals and remarks, return its values."""
        for kind, found in ((self.refusals, column.refusal), (self.remarks, column.note)):
            if found.null_count() < found.len():
                part = pl.DataFrame({"row": self.number, "column": name, "message": found, "value": texts})
                kind.append(part.filter(found.is_not_null()))
        return column.value

    def refuse(self, where: pl.Series, name: str, message: str, texts: pl.Series) -> None:
        """Refuse the rows where a condition holds."""
        if where.any():
            part = pl.DataFrame({"row": self.number, "column": name, "message": message, "value": texts})
            self.refusals.append(part.filter(where))

    def remark(self, where: pl.Series, name: str, message: str, texts: pl.Series) -> None:
        """Note something on the rows where a condition holds; they are kept."""
        if where.any():
            part = pl.DataFrame({"row": self.number, "column": name, "message": message, "value": texts})
            self.remarks.append(part.filter(where))


def import_table(table: Table, mapping: Mapping) -> ImportResult:
    """Apply a mapping to a table: a row is taken whole or refused with its reason, and nothing is dropped unsaid.

    Raises ValueError when the table lacks a column the mapping reads. The frame returned has ``LINE_SCHEMA``;
    quantities stay in the unit reported, ``base_quantity`` is the same amount in kg, tablets, litres … where the unit
    is listed. Identities follow from the content, so the same file imported twice gives the same seizures.
    """
    lacking = [name for name in columns_of(mapping) if name not in table.header]
    if lacking:
        raise ValueError(
            f"the mapping {mapping.id} reads column {lacking[0]!r}, which the file "
            f"lacks; it has {', '.join(table.header)}"
        )
    work = _Work(table, mapping)
    base = _base_fields(work)
    amounts = [_amount(work, rule) for rule in mapping.amounts]
    refused = _first_per_row(work.refusals)
    lines = _join(base, amounts, {problem.row for problem in refused})
    return ImportResult(
        lines=lines,
        refused=sorted([*table.refused, *refused]),
        changed=_kept_remarks(work.remarks, refused),
        rows=table.rows.height + len(table.refused),
        mapping_id=mapping.id,
        conversions=conversions_of(lines),
    )


def conversions_of(lines: pl.DataFrame) -> list[Conversion]:
    """List every reported unit with the base unit it is summed in and how often it occurs."""
    met = lines.filter(pl.col("quantity").is_not_null()).group_by("unit", "base_unit").agg(pl.len())
    return [
        Conversion(unit, base, count, known.factor if (known := unit_of(unit)) is not None and base else None)
        for unit, base, count in met.sort("len", "unit", descending=[True, False]).iter_rows()
    ]


def _first_per_row(parts: list[pl.DataFrame]) -> list[Problem]:
    if not parts:
        return []
    return [Problem(*row) for row in pl.concat(parts).unique("row", keep="first", maintain_order=True).iter_rows()]


def _kept_remarks(parts: list[pl.DataFrame], refused: list[Problem]) -> list[Problem]:
    if not parts:
        return []
    gone = {problem.row for problem in refused}
    return sorted(Problem(*row) for row in pl.concat(parts).iter_rows() if row[0] not in gone)


def _base_fields(work: _Work) -> pl.DataFrame:
    mapping, fields = work.mapping, {}
    for name in TEXT_FIELDS:
        texts = work.text(mapping.columns.get(name, ""))
        constant = mapping.constants.get(name, "")
        fields[name] = texts.set(texts == "", constant) if constant else texts
    reported = fields["transport"]
    fields["transport_reported"] = reported
    fields["transport"] = judge(reported, lambda word: Parsed(value=mode_of(word)), pl.String).value.fill_null("")
    times = fields["time_of_day"]
    fields["time_of_day"] = work.take(
        judge(times, time_parser, pl.String), mapping.columns.get("time_of_day", ""), times
    ).fill_null("")
    fields |= _dates(work)
    for name, column in (("events", mapping.events), ("persons", mapping.persons)):
        texts = work.text(column)
        fields[name] = work.take(judge(texts, count_parser, pl.Int64), column, texts)
    if not mapping.events and mapping.events_is is not None:
        fields["events"] = fields["events"].fill_null(mapping.events_is)
    fields["seizure_id"] = _identities(work)
    fields["source_row"] = work.number
    return pl.DataFrame(fields)


def _dates(work: _Work) -> dict[str, pl.Series]:
    rule = work.mapping.date
    if rule.fiscal_year:
        texts = pl.DataFrame({"y": work.text(rule.fiscal_year), "m": work.text(rule.month)}).select(
            pl.concat_str("y", pl.lit("|"), "m").alias("t")
        )["t"]
        first = work.take(judge(texts, fiscal_month_parser(rule.fiscal_year_starts), pl.Date), rule.month, texts)
        last = first.dt.month_end()
    elif rule.period:
        texts = work.text(rule.period)
        first = work.take(judge(texts, period_parser, pl.Date), rule.period, texts)
        last = judge(texts, period_end, pl.Date).value
    else:
        texts = work.text(rule.column)
        first = work.take(judge(texts, date_parser(rule.formats), pl.Date), rule.column, texts)
        ends = work.text(rule.column_to)
        last = work.take(judge(ends, date_parser(rule.formats), pl.Date), rule.column_to, ends)
        wrong = backwards(first, last)
        work.take(Column(last, wrong, wrong.clear(len(wrong))), rule.column_to, ends)
    work.refuse(texts == "", rule.column or rule.period or rule.fiscal_year, "has no date", texts)
    remarks = work.text(rule.precision_column)
    precision = work.take(judge(remarks, precision_parser, pl.String), rule.precision_column, remarks)
    note = pl.select(pl.when(precision != remarks).then(remarks).otherwise(pl.lit(""))).to_series()
    found = {"date": first, "date_to": last, "date_precision": precision.fill_null(rule.precision.value)}
    return {**found, "date_note": note} if rule.precision_column else found


def _identities(work: _Work) -> pl.Series:
    """Return an identity per row: the source's own, else a digest of mapping, content and the number of its copy."""
    own = work.text(work.mapping.seizure_id)
    if work.mapping.seizure_id:
        work.refuse(own == "", work.mapping.seizure_id, "has no identity", own)
        doubled = own.is_duplicated() & (own != "")
        work.refuse(
            doubled & ~own.is_first_distinct(), work.mapping.seizure_id, "repeats the identity of a row above", own
        )
        return own
    content = work.rows.drop(ROW).select(pl.concat_str(pl.all(), separator="\x1f").alias("t"))["t"]
    copy = pl.DataFrame({"t": content}).select(pl.int_range(pl.len()).over("t").alias("copy"))["copy"]
    work.remark(
        copy > 0,
        "",
        "is the same as a row above, letter by letter; kept: two small loads can be alike",
        content.str.slice(0, 120),
    )
    head = work.mapping.id.encode()
    digests = [
        hashlib.blake2b(head + b"\x1f" + text.encode() + b"\x1f%d" % number, digest_size=10).hexdigest()
        for text, number in zip(content.to_list(), copy.to_list(), strict=True)
    ]
    return pl.Series(digests, dtype=pl.String)


def _amount(work: _Work, rule: AmountRule) -> pl.DataFrame:
    quantity = _number(work, rule.quantity, quantity_parser)
    word = work.text(rule.substance) if rule.substance else _constant(work, rule.substance_is)
    substance = judge(word, lambda text: Parsed(value=substance_of(text)), pl.String).value
    work.remark(
        (substance == UNLISTED).fill_null(value=False),
        rule.substance,
        f"unknown drug: kept as {UNLISTED!r} with the source's word",
        word,
    )
    if rule.substance:
        work.refuse(word == "", rule.substance, "has no substance", word)
    unit_word = work.text(rule.unit) if rule.unit else _constant(work, rule.unit_is)
    base = bases_of(unit_word)
    strange = base["base"].is_null() & quantity.is_not_null()
    work.remark(strange & (unit_word != ""), rule.unit, "unit not listed: kept as reported, in no sum", unit_word)
    work.remark(strange & (unit_word == ""), rule.unit, "has a quantity without a unit: kept, in no sum", unit_word)
    purity, price = _number(work, rule.purity, percent_parser), _number(work, rule.price, quantity_parser)
    frame = pl.DataFrame(
        {
            "source_row": work.number, "substance": substance.fill_null(""), "substance_reported": word,
            "quantity": quantity, "unit": unit_word, "base_unit": base["base"].fill_null(""),
            "base_quantity": quantity * base["factor"],
            "purity_percent": purity, "price": price, "price_unit": work.text(rule.price_unit),
        }
    )  # fmt: skip
    absent = pl.col("quantity").is_null() if not rule.substance else pl.lit(value=False)
    return frame.filter(~absent & ~((pl.col("quantity") == 0) & rule.zero_is_none).fill_null(value=False))


def _constant(work: _Work, text: str) -> pl.Series:
    return pl.Series([text], dtype=pl.String).new_from_index(0, work.rows.height)


def _number(work: _Work, column: str, parser: Callable[[Iterable[str], str], Callable[[str], Parsed]]) -> pl.Series:
    texts = work.text(column)
    parse = parser(texts.unique().to_list(), work.mapping.decimal)
    return work.take(judge(texts, parse, pl.Float64), column, texts)


def bases_of(words: pl.Series) -> pl.DataFrame:
    """Return the ``base`` unit of each reported unit and its ``factor``; null where the unit is not listed."""
    distinct = [word for word in words.unique().to_list() if word]
    known = {word: found for word in distinct if (found := unit_of(word)) is not None}
    table = pl.DataFrame(
        {"unit": list(known), "base": [u.base for u in known.values()], "factor": [u.factor for u in known.values()]},
        schema={"unit": pl.String, "base": pl.String, "factor": pl.Float64},
    )
    return pl.DataFrame({"unit": words}).join(table, on="unit", how="left", maintain_order="left")


def _join(base: pl.DataFrame, amounts: list[pl.DataFrame], refused: set[int]) -> pl.DataFrame:
    """Put amounts beside their seizure; a seizure without any keeps one line."""
    order = pl.concat([part.with_columns(pl.lit(i).alias("n")) for i, part in enumerate(amounts)])
    joined = base.join(order, on="source_row", how="left", maintain_order="left_right")
    if refused:
        joined = joined.filter(~pl.col("source_row").is_in(list(refused)))
    texts = [name for name, kind in LINE_SCHEMA.items() if kind == pl.String]
    filled = joined.with_columns(pl.col(texts).fill_null(""))
    return filled.sort("source_row", "n", maintain_order=True, nulls_last=True).select(
        pl.col(name).cast(kind) for name, kind in LINE_SCHEMA.items()
    )
