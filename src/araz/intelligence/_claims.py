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
from araz.intelligence._words import judged, measure_said, unit_of
from araz.vocabulary import phrase

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
        raise ValueError(phrase("refusal.lacks-column", columns=", ".join(REQUIRED), column=repr(lacking[0])))
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
            problems.append(Problem(row, "value", number.refusal or phrase("refusal.no-value"), text))
        elif when and period is None:
            problems.append(Problem(row, "period", phrase("refusal.no-such-period"), when))
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
    caveats: list[str] = [phrase("figure.periods-differ")] if per_day else []
    if before <= 0:
        return _finding("change", old, new, phrase("figure.zero"), "nothing to compare", numbers, caveats)
    ratio = after / before
    numbers |= {"ratio": ratio, "change_percent": 100 * (ratio - 1)}
    if years >= 1.5 and ratio > 0:
        numbers["per_year_percent"] = 100 * (ratio ** (1 / years) - 1)
    made = {"old": f"{old.value:,.10g}", "new": f"{new.value:,.10g}", "unit": measure_said(new.unit),
            "size": _size(ratio), "span": _span(years)}  # fmt: skip
    text = phrase("figure.ratio", **made)
    if "per_year_percent" in numbers:
        text = phrase("figure.ratio-yearly", **made, yearly=f"{numbers['per_year_percent']:.0f}")
    if said.factor is not None:
        numbers["claimed_factor"] = said.factor
        text = phrase("figure.says", head=text, claimed=_claimed(said))
    if is_mass and unit is not None and _SEIZED.search(old.quantity) and not per_day:
        return _seizures(old, new, text, numbers, unit.factor, caveats)
    if unit is None or unit.base == "piece":
        return _counts(old, new, text, numbers, said, caveats)
    kind = "change-of-production" if _MADE.search(old.quantity) else "change"
    verdict = _held(said, ratio) or "change"
    caveats = [*caveats, phrase("figure.no-interval")]
    return _finding(kind, old, new, phrase("figure.end", head=text), verdict, numbers, caveats)


def _counts(old: _Figure, new: _Figure, text: str, numbers: dict[str, Any], said: Claim, caveats: list[str]) -> Finding:
    ratio = ratio_of_counts(old.value, new.value)
    numbers["ratio_interval_95_poisson"] = [ratio.low, ratio.high]
    caveats = [*caveats, phrase("figure.poisson")]
    if _POLICING.search(f"{old.quantity} {old.unit}"):
        text = phrase("figure.policing", head=text)
        caveats.append(phrase("figure.measures-policing"))
    verdict = _held(said, numbers["ratio"]) or ("no change" if ratio.low <= 1 <= ratio.high else "change")
    return _finding("change-of-count", old, new, phrase("figure.end", head=text), verdict, numbers, caveats)


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
    band = phrase("figure.band", low=_signed(small["low_kg"]), high=_signed(small["high_kg"]),
                  small=f"{small['mean_consignment_kg']:g}", lowest=_signed(large["low_kg"]),
                  highest=_signed(large["high_kg"]), large=f"{large['mean_consignment_kg']:g}")  # fmt: skip
    verdict = "no change" if all(inside) else "change" if not any(inside) else "change only if loads are small"
    below = phrase("figure.change-below", kg=f"{threshold:,.2g}")
    words = {"no change": phrase("figure.no-change"), "change": phrase("figure.change")}
    text = phrase("figure.held", head=text, verdict=words.get(verdict, below), band=band)
    caveats = [
        *caveats,
        phrase("figure.stands-out", kg=f"{threshold:.2g}"),
        phrase("figure.not-flows"),
        phrase("figure.assumes", cv=f"{CONSIGNMENT_CV:g}"),
    ]
    return _finding("change-of-seizures", old, new, text, verdict, numbers, caveats)


def _single(figure: _Figure, production: Sequence[tuple[int, float]]) -> Finding:
    claim, numbers = figure.claim, {"value": figure.value}
    if claim.percent is not None and claim.base is not None and claim.percent > -100:
        return _against_base(figure, claim.percent, claim.base, production)
    caveats: list[str] = [phrase("figure.edge")] if claim.bound else []
    text = phrase("figure.single", at=_at(figure))
    if claim.text:
        text = phrase("figure.single-says", at=_at(figure), text=claim.text)
    return _finding("single-figure", figure, None, text, "nothing to compare", numbers, caveats)


def _against_base(figure: _Figure, percent: float, base: Period, production: Sequence[tuple[int, float]]) -> Finding:
    """``330 t, 95 % below 2021`` says what 2021 was; the percentage is rounded, so the base is a range."""
    digits = 0.5 if float(percent).is_integer() else 0.05
    implied = figure.value / (1 + percent / 100)
    edges = sorted(figure.value / max(1e-9, 1 + (percent + step) / 100) for step in (-digits, digits))
    numbers: dict[str, Any] = {"value": figure.value, "change_percent": percent, "base_year": base.first.year,
                               "implied_base": implied, "implied_base_range": edges}  # fmt: skip
    text = phrase("figure.fall" if percent < 0 else "figure.rise", at=_at(figure), percent=f"{abs(percent):g}",
                  year=base.first.year, implied=f"{implied:,.0f}", unit=measure_said(figure.unit),
                  low=f"{edges[0]:,.0f}", high=f"{edges[1]:,.0f}")  # fmt: skip
    caveats: list[str] = [phrase("figure.base-missing")]
    verdict, end = "cannot be checked", phrase("figure.end", head=text)
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
        caveats = [] if exact else [phrase("figure.series-lacks", year=base.first.year, near=year)]
        end = phrase("figure.against", head=text, tonnes=f"{tonnes:,.0f}", year=year, change=_minus(f"{change:+.1f}"))
    return _finding("claimed-change", figure, None, end, verdict, numbers, caveats)


def _share(figure: _Figure) -> Finding:
    edge: str = f"{figure.value:g}"
    if figure.claim.bound in ("at most", "at least"):
        edge = phrase(f"figure.share-{figure.claim.bound.replace(' ', '-')}", value=edge)
    text = phrase("figure.share" if figure.period else "figure.share-no-period", edge=edge, quantity=figure.quantity)
    caveats: list[str] = [phrase("figure.only-edge")] if figure.claim.bound == "at most" else []
    caveats.append(phrase("figure.not-a-sample"))
    needed: list[str] = [
        phrase(f"figure.needs-{name}") for name in ("population", "origin", "chance", "laboratory", "loads")
    ]
    return _finding(
        "share-claim",
        figure,
        None,
        text,
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
                   unit=old.unit, statement=text, verdict=judged(verdict), numbers=clean, caveats=caveats,
                   needed=list(needed),
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
        return _minus(f"{said.percent:+g} %")
    if said.factor in {2, 3, 4, 5, 6, 10}:
        return phrase(f"figure.fold-{said.factor:g}")
    return phrase("figure.fold", n=f"{said.factor:g}")


def _size(ratio: float) -> str:
    return phrase("figure.fold", n=f"{ratio:.1f}") if ratio >= 1.995 else _minus(f"{100 * (ratio - 1):+.1f} %")


def _minus(text: str) -> str:
    """The sign before a number as it is printed, not as it is typed."""
    return text.replace("-", "−")


def _signed(kg: float) -> str:
    return _minus(f"{kg:+,.0f}")


def _span(years: float) -> str:
    whole = round(years)
    if abs(years - whole) < 0.05 and whole >= 1:
        return phrase(f"figure.span-{whole}") if whole in (1, 2, 3, 5, 10, 20) else phrase("figure.years", n=whole)
    return phrase("figure.years", n=f"{years:.1f}") if years >= 1 else phrase("figure.months", n=f"{years * 12:.0f}")


def _at(figure: _Figure) -> str:
    made = {"value": f"{figure.value:,.10g}", "unit": measure_said(figure.unit), "quantity": figure.quantity}
    if figure.period_text:
        return phrase("figure.at-period", **made, period=figure.period_text)
    return phrase("figure.at", **made)
