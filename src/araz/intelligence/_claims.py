"""A press article's figures → what they say, what they do not, and what would be needed to say it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from araz.intelligence._clean import number_parser
from araz.intelligence._tables import ROW, Problem, Table
from araz.intelligence._totals import (
    CONSIGNMENT_CV,
    CONSIGNMENTS_KG,
    consignment_that_would_tell,
    difference_of_totals,
    ratio_of_counts,
)
from araz.intelligence._when import Claim, Period, claim_of, period_of
from araz.intelligence._words import unit_of

_POLICING: Final = re.compile(
    r"crime|offen[cs]e|case|arrest|detain|regist|charge|convict|prosecut|user|patient|seizures?$", re.I
)
_SEIZED: Final = re.compile(r"seiz|confiscat|intercept|withdrawn|captured|found", re.I)
_MADE: Final = re.compile(r"produc|harvest|cultivat|yield|manufact", re.I)
REQUIRED: Final = ("quantity", "period", "value", "unit")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the figures say, or do not say."""

    kind: str
    """``change-of-count``, ``change-of-seizures``, ``change-of-production``, ``change``, ``claimed-change``,
    ``share-claim``, ``single-figure``."""
    quantity: str
    periods: list[str]
    values: list[float]
    unit: str
    statement: str
    """The finding in plain words."""
    verdict: str
    """``supported``, ``not supported``, ``no change``, ``change``, ``claim, not an estimate``,
    ``nothing to compare``, ``cannot be checked``."""
    numbers: dict[str, Any] = {}
    """Everything the statement is made of."""
    caveats: list[str] = []
    needed: list[str] = []
    """What data would turn a claim into an estimate."""
    rows: list[int] = []
    """Rows of the file it follows from."""


class _Figure(msgspec.Struct, frozen=True, kw_only=True):
    row: int
    quantity: str
    period_text: str
    period: Period | None
    value: float
    unit: str
    claim: Claim


def judge_claims(table: Table, production: Sequence[tuple[int, float]] = ()) -> tuple[list[Finding], list[Problem]]:
    """Return the findings of a table of figures (quantity, period, value, unit, claim_in_text) and its bad rows.

    Figures of one quantity in several periods are compared; a single figure is held against its own claim.
    ``production`` are (year, tonnes) of a series to hold claims of production against. Raises ValueError when a column
    is missing.
    """
    lacking = [name for name in REQUIRED if name not in table.header]
    if lacking:
        raise ValueError(f"the figures need the columns {', '.join(REQUIRED)}; {lacking[0]!r} is missing")
    figures, problems = _figures(table)
    findings: list[Finding] = []
    groups: dict[tuple[str, str], list[_Figure]] = {}
    for figure in figures:
        groups.setdefault((figure.quantity.casefold(), figure.unit.casefold()), []).append(figure)
    for group in groups.values():
        by_period = sorted(((f.period, f) for f in group if f.period is not None), key=lambda pair: pair[0])
        dated = [figure for _, figure in by_period]
        if group[0].unit in {"%", "percent", "per cent"}:
            findings += [_share(figure) for figure in group]
        elif len(dated) >= 2:
            findings += _comparisons(dated)
        else:
            findings += [_single(figure, production) for figure in group]
        if len(dated) >= 2:
            findings += [
                _single(f, production) for f in dated if f.claim.base is not None and f.claim.base != dated[0].period
            ]
    return findings, sorted([*table.refused, *problems])


def _figures(table: Table) -> tuple[list[_Figure], list[Problem]]:
    rows = table.rows
    texts = rows["value"].to_list()
    parse = number_parser(texts)
    claims = rows["claim_in_text"].to_list() if "claim_in_text" in table.header else [""] * len(texts)
    figures, problems = [], []
    columns = (
        rows[ROW].to_list(),
        rows["quantity"].to_list(),
        rows["period"].to_list(),
        texts,
        rows["unit"].to_list(),
        claims,
    )
    for row, quantity, when, text, unit, claim in zip(*columns, strict=True):
        number = parse(text)
        period = period_of(when) if when else None
        if not isinstance(number.value, float):
            problems.append(Problem(row, "value", number.refusal or "has no value", text))
        elif when and period is None:
            problems.append(
                Problem(row, "period", "is not a period such as 2023, H1 2023, Q2 2024, 2023-01..2023-07", when)
            )
        else:
            figures.append(_Figure(row=row, quantity=quantity, period_text=when, period=period, value=number.value,
                                   unit=unit, claim=claim_of(claim)))  # fmt: skip
    return figures, problems


def _comparisons(dated: list[_Figure]) -> list[Finding]:
    """First against last, then each neighbouring pair of like periods when there are more than two."""
    pairs = [(dated[0], dated[-1])]
    if len(dated) > 2:
        pairs += [(a, b) for a, b in itertools.pairwise(dated) if (a, b) != pairs[0]]
    said = next((f.claim for f in reversed(dated) if f.claim.factor is not None), Claim())
    return [_pair(old, new, said if index == 0 else Claim()) for index, (old, new) in enumerate(pairs)]


def _pair(old: _Figure, new: _Figure, said: Claim) -> Finding:
    assert old.period is not None
    assert new.period is not None
    years = new.period.middle - old.period.middle
    per_day = not old.period.like(new.period) and abs(old.period.days - new.period.days) > 2
    before, after = (old.value / old.period.days, new.value / new.period.days) if per_day else (old.value, new.value)
    unit = unit_of(old.unit)
    is_mass = unit is not None and unit.base == "kg"
    numbers: dict[str, Any] = {"old": old.value, "new": new.value, "years": round(years, 2)}
    caveats = (
        ["The periods differ in length: rates per day are compared, and the season may differ."] if per_day else []
    )
    if before <= 0:
        return _finding(
            "change", old, new, "The first figure is zero: no ratio exists.", "nothing to compare", numbers, caveats
        )
    ratio = after / before
    numbers |= {"ratio": ratio, "change_percent": 100 * (ratio - 1)}
    if years >= 1.5 and ratio > 0:
        numbers["per_year_percent"] = 100 * (ratio ** (1 / years) - 1)
    text = f"{old.value:,.10g} → {new.value:,.10g} {new.unit} is {_size(ratio)} in {_span(years)}"
    if "per_year_percent" in numbers:
        text += f", {numbers['per_year_percent']:.0f} % a year"
    if said.factor is not None:
        numbers["claimed_factor"] = said.factor
        text += f" (the text says {_claimed(said)})"
    if is_mass and unit is not None and _SEIZED.search(old.quantity) and not per_day:
        return _seizures(old, new, text, numbers, unit.factor, caveats)
    if unit is None or unit.base == "piece":
        return _counts(old, new, text, numbers, said, caveats)
    kind = "change-of-production" if _MADE.search(old.quantity) else "change"
    verdict = _held(said, ratio) or "change"
    return _finding(kind, old, new, text + ".", verdict, numbers, [*caveats, "No interval is stated with the figures."])


def _counts(old: _Figure, new: _Figure, text: str, numbers: dict[str, Any], said: Claim, caveats: list[str]) -> Finding:
    ratio = ratio_of_counts(old.value, new.value)
    numbers["ratio_interval_95_poisson"] = [ratio.low, ratio.high]
    caveats = [*caveats, "The interval is that of Poisson counts, the least doubt there can be."]
    if _POLICING.search(f"{old.quantity} {old.unit}"):
        text += "; registrations measure policing too"
        caveats.append("Registrations measure policing too: more officers, other priorities "
            "or other rules of counting change "
                       "them without any change in drugs.")  # fmt: skip
    verdict = _held(said, numbers["ratio"]) or ("no change" if ratio.low <= 1 <= ratio.high else "change")
    return _finding("change-of-count", old, new, text + ".", verdict, numbers, caveats)


def _seizures(old: _Figure, new: _Figure, text: str, numbers: dict[str, Any], kg: float, caveats: list[str]) -> Finding:
    first, last = old.value * kg, new.value * kg
    table = []
    for mean in CONSIGNMENTS_KG:
        gap = difference_of_totals(first, last, mean)
        table.append({"mean_consignment_kg": mean, "difference_kg": gap.estimate,
                      "low_kg": gap.low, "high_kg": gap.high,
                      "low_percent": 100 * gap.low / first, "high_percent": 100 * gap.high / first})  # fmt: skip
    threshold = consignment_that_would_tell(first, last)
    numbers |= {"difference_kg": last - first, "intervals_95": table, "consignment_cv": CONSIGNMENT_CV,
                "stands_out_below_mean_consignment_kg": threshold}  # fmt: skip
    inside = [row["low_kg"] <= 0 <= row["high_kg"] for row in table]
    small, large = table[0], table[-1]
    band = f"95 % interval {small['low_kg']:+,.0f} to {small['high_kg']:+,.0f} kg at " \
           f"{small['mean_consignment_kg']:g} kg a load, " \
           f"{large['low_kg']:+,.0f} to {large['high_kg']:+,.0f} kg at {large['mean_consignment_kg']:g} kg"  # fmt: skip
    verdict = "no change" if all(inside) else "change" if not any(inside) else "change only if loads are small"
    words = {
        "no change": "no change at any plausible consignment size",
        "change": "a change at every plausible consignment size",
    }
    text += (
        ": "
        f"{words.get(verdict, 'a change only if the mean load is below ' + format(threshold, ',.2g') + ' kg')} ({band})"
    )
    caveats = [
        *caveats,
        f"It would stand out only if the mean load were below {threshold:.2g} kg.",
        "Seizures are not flows: they follow effort, tips and luck as well as traffic.",
        f"Compound Poisson, load CV {CONSIGNMENT_CV:g}; the number of seizures behind "
        "the totals would replace this assumption.",
    ]
    return _finding("change-of-seizures", old, new, _minus(text) + ".", verdict, numbers, caveats)


def _single(figure: _Figure, production: Sequence[tuple[int, float]]) -> Finding:
    claim, numbers = figure.claim, {"value": figure.value}
    if claim.percent is not None and claim.base is not None and claim.percent > -100:
        return _against_base(figure, claim.percent, claim.base, production)
    caveats = ["“At least” and “at most” are edges, not estimates."] if claim.bound else []
    text = f"{_at(figure)}: one figure, no comparison in the data"
    text += f"; the text says “{claim.text}”." if claim.text else "."
    return _finding("single-figure", figure, None, text, "nothing to compare", numbers, caveats)


def _against_base(figure: _Figure, percent: float, base: Period, production: Sequence[tuple[int, float]]) -> Finding:
    """``330 t, 95 % below 2021`` says what 2021 was; the percentage is rounded, so the base is a range."""
    digits = 0.5 if float(percent).is_integer() else 0.05
    implied = figure.value / (1 + percent / 100)
    edges = sorted(figure.value / max(1e-9, 1 + (percent + step) / 100) for step in (-digits, digits))
    numbers: dict[str, Any] = {"value": figure.value, "change_percent": percent, "base_year": base.first.year,
                               "implied_base": implied, "implied_base_range": edges}  # fmt: skip
    fall = "a fall of" if percent < 0 else "a rise of"
    text = (
        f"{_at(figure)} is {fall} {abs(percent):g} % from {base.first.year}: it implies "
        f"{implied:,.0f} {figure.unit} then ({edges[0]:,.0f} to {edges[1]:,.0f})"
    )
    verdict, caveats = "cannot be checked", ["The base year's figure is not in the data; the percentage is the text's."]
    near = sorted(production, key=lambda item: (abs(item[0] - base.first.year), item[0]))
    unit = unit_of(figure.unit)
    if near and unit is not None and unit.base == "kg" and _MADE.search(figure.quantity):
        year, tonnes = near[0]
        change = 100 * (figure.value * unit.factor / 1000 / tonnes - 1)
        numbers |= {"series_year": year, "series_tonnes": tonnes, "series_change_percent": change}
        # The nearest year is another year: it can agree with the text, not prove it.
        exact = year == base.first.year
        agrees = "supported" if exact else "agrees with the nearest year"
        differs = "not supported" if exact else "differs from the nearest year"
        verdict = agrees if abs(change - percent) <= 2 else differs
        caveats = (
            [] if year == base.first.year else [f"The series has no {base.first.year}; {year} is the nearest year."]
        )
        text += f"; against the series' {tonnes:,.0f} t of {year} it is {_minus(f'{change:+.1f}')} %"
    return _finding("claimed-change", figure, None, text + ".", verdict, numbers, caveats)


def _share(figure: _Figure) -> Finding:
    edge = {"at most": "up to ", "at least": "at least "}.get(figure.claim.bound, "")
    text = (
        f"“{edge}{figure.value:g} %” ({figure.quantity}) is a claim, not an estimate: "
        "it comes without numerator, denominator"
    )
    text += " or interval" if figure.period else ", period or interval"
    caveats = (
        ["An “up to” gives only an edge: any smaller share agrees with it."] if figure.claim.bound == "at most" else []
    )
    caveats.append(
        "Seized goods with a known origin are not a sample of the goods in circulation: "
        "they over-state the routes that are watched."
    )
    needed = [
        "the period and the population the share is of (kilograms, loads or doses; seized or in circulation)",
        "origin of each seizure by a stated rule (documents, crossing place, chemical "
        "profile), unknown origin counted as unknown",
        "the chance that a load on each route is seized: logged inclusion "
        "probabilities of the patrol rosters, for weighting",
        "laboratory profiling of a random sample of seizures and street purchases, with its error rates",
        "the number of loads, so that an interval can be stated",
    ]
    return _finding(
        "share-claim",
        figure,
        None,
        text + ".",
        "claim, not an estimate",
        {"value_percent": figure.value, "bound": figure.claim.bound},
        caveats,
        needed,
    )


def _finding(kind: str, old: _Figure, new: _Figure | None, text: str, verdict: str, numbers: dict[str, Any],
             caveats: list[str], needed: Sequence[str] = ()) -> Finding:  # fmt: skip
    both = [old] if new is None else [old, new]
    clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in numbers.items()}
    return Finding(kind=kind, quantity=old.quantity, periods=[f.period_text for f in both],
                   values=[f.value for f in both],
                   unit=old.unit, statement=text, verdict=verdict, numbers=clean, caveats=caveats, needed=list(needed),
                   rows=[f.row for f in both])  # fmt: skip


def _held(said: Claim, ratio: float) -> str:
    """Hold a claimed factor against the computed one; a factor in words is good to half its last digit."""
    if said.factor is None:
        return ""
    room = 0.01 if said.percent is not None else 0.5 if said.factor >= 1.5 else 0.05
    if said.bound == "at least":
        return "supported" if ratio >= said.factor - room else "not supported"
    if said.bound == "at most":
        return "supported" if ratio <= said.factor + room else "not supported"
    return "supported" if abs(ratio - said.factor) <= room else "not supported"


def _claimed(said: Claim) -> str:
    if said.percent is not None:
        return f"{said.percent:+g} %"
    names = {2: "twofold", 3: "threefold", 4: "fourfold", 5: "fivefold", 6: "sixfold", 10: "tenfold"}
    return names.get(round(said.factor or 0) if said.factor in {2, 3, 4, 5, 6, 10} else 0, f"{said.factor:g}-fold")


def _size(ratio: float) -> str:
    return f"{ratio:.1f}-fold" if ratio >= 1.995 else f"{100 * (ratio - 1):+.1f} %".replace("-", "−")


def _minus(text: str) -> str:
    """The sign before a number as it is printed, not as it is typed."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def _span(years: float) -> str:
    whole = round(years)
    names = {1: "one year", 2: "two years", 3: "three years", 5: "five years", 10: "ten years", 20: "twenty years"}
    if abs(years - whole) < 0.05 and whole >= 1:
        return names.get(whole, f"{whole} years")
    return f"{years:.1f} years" if years >= 1 else f"{years * 12:.0f} months"


def _at(figure: _Figure) -> str:
    return f"{figure.value:,.10g} {figure.unit} ({figure.quantity}" + (
        f", {figure.period_text})" if figure.period_text else ")"
    )
