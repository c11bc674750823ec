"""Seizures as the register keeps them, and the logged chances that turn them into flows."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from araz.vocabulary._quantities import Count, Probability, TimeUs

IsoDate = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="Calendar date, YYYY-MM-DD.")]
Quantity = Annotated[float, Meta(ge=0, description="Amount in the unit reported with it.")]
Percent = Annotated[
    float, Meta(ge=0, le=100, description="Per cent.", extra={"unit": "%"}, extra_json_schema={"unit": "%"})
]


class DatePrecision(StrEnum):
    """What the date of a seizure is known to."""

    DAY = "day"
    REPORT_DAY = "report-day"
    """The day it was reported; the seizure was that day or shortly before."""
    MONTH = "month"
    YEAR = "year"
    PERIOD = "period"
    """A sum over all days from ``date`` to ``date_to``."""


class SubstanceAmount(msgspec.Struct, frozen=True, kw_only=True, tag="substance-amount", omit_defaults=True, gc=False):
    """One substance of one seizure: the quantity and unit as reported, never converted in place."""

    substance: str
    """Name in the register's word list, for example ``heroin``."""
    substance_reported: str
    """The word in the source."""
    quantity: Quantity | None = None
    """In ``unit``; unknown stays unknown."""
    unit: str = ""
    """The word in the source: Kilogram, Gram, Tablet, …"""
    base_unit: str = ""
    """``kg``, ``tablet``, ``capsule``, ``ampoule``, ``litre``, ``piece``, ``hectare``, or empty: unit not listed."""
    base_quantity: Annotated[float, Meta(ge=0)] | None = None
    """Derived: the same amount in ``base_unit``. Sums are taken within one base unit, never across."""
    purity_percent: Percent | None = None
    price: Annotated[float, Meta(ge=0)] | None = None
    """Per ``price_unit``, as reported."""
    price_unit: str = ""


class Seizure(msgspec.Struct, frozen=True, kw_only=True, tag="seizure", omit_defaults=True, gc=False):
    """One seizure, or one published sum of seizures; persons appear as a count and nothing else."""

    seizure_id: str
    date: IsoDate
    date_to: IsoDate | None = None
    """Last day, where the record covers more than one."""
    date_precision: DatePrecision = DatePrecision.DAY
    date_note: str = ""
    """What the source adds, for example ``year inferred``."""
    time_of_day: Annotated[str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = ""
    """Local time of the seizure, ``HH:MM``, where the source has it."""
    events: Annotated[int, Meta(ge=0)] | None = None
    """How many seizures the record sums; 1 for a single one, unknown for a published total."""
    country: str = ""
    region: str = ""
    place: str = ""
    agency: str = ""
    amounts: list[SubstanceAmount] = []
    origin: str = ""
    departure: str = ""
    transit: str = ""
    destination: str = ""
    transport: str = ""
    """Mode: ``drone``, ``foot``, ``boat``, ``road``, ``air``, ``rail``, ``mail``, ``sea``, ``other`` or empty."""
    transport_reported: str = ""
    concealment: str = ""
    outcome: str = ""
    cue: str = ""
    """What first gave it away, as reported."""
    persons: Count | None = None
    """Persons held: a count."""
    incident_id: str = ""
    source: str = ""


class SeizureRevision(msgspec.Struct, frozen=True, kw_only=True, tag="seizure-revision", omit_defaults=True, gc=False):
    """One entry of the register's history; an edit is a new revision, a removal one without a record."""

    seizure_id: str
    revision: Count
    changed_at_us: TimeUs
    changed_by: str
    """Post or role, never a person's name."""
    reason: str
    batch_id: str = ""
    """The import it came with; empty for an edit by hand."""
    source_row: Count | None = None
    """Row of the imported file, the first row after the header being 2."""
    record: Seizure | None = None
    """None: withdrawn."""


class LoggedInclusion(msgspec.Struct, frozen=True, kw_only=True, tag="logged-inclusion"):
    """The chance, fixed before the shift, that a sortie through this cell in this window would be seized."""

    draw_id: str
    """The sealed draw of one night and window; all cells of one draw share it."""
    cell_id: str
    """Border cell or sector of the roster; a seizure is matched to it by this name."""
    from_us: TimeUs
    to_us: TimeUs
    """The window is [from_us, to_us)."""
    mode: str = ""
    """Transport mode or aircraft class it holds for; empty: every mode."""
    probability: Probability
    """Detection times response, averaged over the *mixture* the roster was drawn from, not over what was drawn."""
    probability_low: Probability | None = None
    """Interval of the modelled chance, where the detection model states one."""
    probability_high: Probability | None = None
    is_audit: bool = False
    """This draw belongs to the random-audit share."""


class RosterLog(msgspec.Struct, frozen=True, kw_only=True, tag="roster-log"):
    """Everything later estimates need from one season of sealed rosters."""

    site_id: str
    from_us: TimeUs
    to_us: TimeUs
    inclusions: list[LoggedInclusion]
    audit_share: Probability | None = None
    note: str = ""
