"""A mapping file says where in a foreign table each field of the register stands."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from araz.vocabulary import DatePrecision, Strict

#: Text fields of the register that a mapping may fill from a column or with a constant.
TEXT_FIELDS: Final = (
    "date_note", "country", "region", "place", "agency", "origin", "departure", "transit", "destination",
    "transport", "concealment", "outcome", "cue", "incident_id", "source", "time_of_day",
)  # fmt: skip


class DateRule(Strict, frozen=True, kw_only=True):
    """Where the date is: one column, or a fiscal year and a month, or a period ``2023-01..2023-07``."""

    column: str = ""
    formats: tuple[str, ...] = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y")
    """Tried in this order; day and month with slashes are ambiguous and must be stated here to be taken."""
    column_to: str = ""
    """Column of the last day, where a row covers several."""
    precision_column: str = ""
    precision: DatePrecision = DatePrecision.DAY
    fiscal_year: str = ""
    month: str = ""
    fiscal_year_starts: Annotated[int, Meta(ge=1, le=12)] = 1
    period: str = ""
    """Column of ``first month..last month``."""


class AmountRule(Strict, frozen=True, kw_only=True):
    """One amount a row: either the substance and unit stand in columns, or the column itself means them."""

    substance: str = ""
    substance_is: str = ""
    quantity: str
    unit: str = ""
    unit_is: str = ""
    purity: str = ""
    price: str = ""
    price_unit: str = ""
    zero_is_none: bool = False
    """A wide table writes 0 for each substance that was not there: no amount then."""


class Mapping(Strict, frozen=True, kw_only=True):
    """How one layout becomes the register; the shipped ones lie in ``araz/intelligence/mappings``."""

    id: str
    title: str
    recognised_by: list[str] = []
    """Columns by which a file is known to have this layout."""
    date: DateRule
    amounts: Annotated[list[AmountRule], Meta(min_length=1)]
    columns: dict[str, str] = {}
    """Register field → column."""
    constants: dict[str, str] = {}
    """Register field → text for every row that has none."""
    seizure_id: str = ""
    """Column of an identity of the source's own; empty: made from the row's content."""
    events: str = ""
    events_is: Annotated[int, Meta(ge=0)] | None = None
    persons: str = ""
    decimal: Literal["auto", ".", ","] = "auto"
    empty_words: tuple[str, ...] = ("unknown", "n/a", "na", "-", "none", "not specified")
    """Words that say nothing is known; they become empty, never a value."""
    note: str = ""


def mapping_from_toml(text: str, name: str = "mapping") -> Mapping:
    """Return a mapping; raises ValueError naming the key that is wrong."""
    try:
        mapping = msgspec.toml.decode(text, type=Mapping)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        raise ValueError(f"{name}: {error}; see docs/intelligence.md for the keys of a mapping file") from error
    wrong = sorted({*mapping.columns, *mapping.constants} - set(TEXT_FIELDS))
    if wrong:
        raise ValueError(f"{name}: no register field {wrong[0]!r}; there are {', '.join(TEXT_FIELDS)}")
    return mapping


def columns_of(mapping: Mapping) -> list[str]:
    """Return every column the mapping reads, in its order."""
    rule = mapping.date
    found = [rule.column, rule.column_to, rule.precision_column, rule.fiscal_year, rule.month, rule.period]
    for amount in mapping.amounts:
        found += [amount.substance, amount.quantity, amount.unit, amount.purity, amount.price, amount.price_unit]
    found += [*mapping.columns.values(), mapping.seizure_id, mapping.events, mapping.persons]
    return list(dict.fromkeys(name for name in found if name))


def recognise(header: list[str], mappings: list[Mapping]) -> Mapping:
    """Return the one mapping whose marks are all in the header; raises ValueError with what there is."""
    found = [m for m in mappings if m.recognised_by and set(m.recognised_by) <= set(header)]
    if not found:
        known = "; ".join(f"{m.id} ({', '.join(m.recognised_by)})" for m in mappings)
        raise ValueError(
            f"no shipped layout has these columns: {', '.join(header)}; give --mapping FILE. Known: {known}"
        )
    return max(found, key=lambda m: len(m.recognised_by))
