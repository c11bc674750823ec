"""Texts of a table → values, each distinct text judged once, each change and refusal with its reason."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import polars as pl

from araz.vocabulary import DatePrecision, phrase

_DIGITS: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SPACES: Final = re.compile(r"[\s\u00a0\u202f']")
_THREE_DIGITS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+|[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
_AMBIGUOUS: Final = phrase("refusal.thousands")
_NO_NUMBER: Final = phrase("refusal.no-number")
_DATES_IN: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_WITH_TIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_DAY_NUMBER: Final = re.compile(r"[2-7]\d{4}(?:\.\d+)?")
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EARLIEST: Final = dt.date(1900, 1, 1)
LATEST: Final = dt.date(2200, 1, 1)


class Parsed(NamedTuple):
    """What became of one text: a value, or a refusal, perhaps with a note of what was changed."""

    value: object = None
    refusal: str | None = None
    note: str | None = None


class Column(NamedTuple):
    """A cleaned column: values, and per row the refusal and the note (null where there is none)."""

    value: pl.Series
    refusal: pl.Series
    note: pl.Series


def judge(texts: pl.Series, parse: Callable[[str], Parsed], dtype: pl.DataType | type[pl.DataType]) -> Column:
    """Apply a parser to each *distinct* text of a column; empty text is unknown: null without remark."""
    distinct = texts.unique().drop_nulls()
    keys = [text for text in distinct.to_list() if text]
    parsed = [parse(text) for text in keys]
    table = pl.DataFrame(
        {
            "text": pl.Series(keys, dtype=pl.String),
            "value": pl.Series([item.value for item in parsed], dtype=dtype),
            "refusal": pl.Series([item.refusal and str(item.refusal) for item in parsed], dtype=pl.String),
            "note": pl.Series([item.note for item in parsed], dtype=pl.String),
        }
    )
    joined = pl.DataFrame({"text": texts}).join(table, on="text", how="left", maintain_order="left")
    return Column(joined["value"], joined["refusal"], joined["note"])


class Habits(NamedTuple):
    """What the unambiguous numbers of a column say about its separators."""

    decimal: str
    """``.``, ``,``, or empty: both occur."""
    grouped: str
    """The sign seen to separate thousands (in ``1,234.5``), or empty."""


def habits_of(texts: Iterable[str], decimal: str = "auto") -> Habits:
    """Read a column's habits from its unambiguous members.

    A stated decimal sign is taken as it is; but where one member breaks it (``12,5`` beside a stated ``.``), the other
    sign no longer tells thousands: a lone ``1,234`` could be a thousand times too much.
    """
    seen, grouped = set(), set()
    for text in texts:
        bare = _SPACES.sub("", text)
        if "," in bare and "." in bare:
            last = max(bare.rfind(","), bare.rfind("."))
            seen.add(bare[last])
            grouped.add("," if bare[last] == "." else ".")
        elif "," in bare and not _THREE_DIGITS.fullmatch(bare):
            seen.add(",")
        elif "." in bare and not _THREE_DIGITS.fullmatch(bare):
            seen.add(".")
    if decimal != "auto":
        other = "," if decimal == "." else "."
        return Habits(decimal, "" if other in seen else other)
    only = "." if not seen else seen.pop() if len(seen) == 1 else ""
    return Habits(only, grouped.pop() if len(grouped) == 1 and only else "")


def number_parser(texts: Iterable[str], decimal: str = "auto") -> Callable[[str], Parsed]:
    """Return the parser of one column's numbers.

    A text with both signs has the last one as decimal sign. A lone sign before exactly three digits can be either:
    the column decides by its unambiguous members; where they do not, the row is refused.
    """
    habits = habits_of(texts, decimal)
    return lambda text: number_of(text, habits)


def number_of(text: str, habits: Habits) -> Parsed:
    """Parse one number by its column's habits; what could be either is refused."""
    bare = _SPACES.sub("", text)
    plain: str | None = bare
    if "," in bare and "." in bare:
        plain = _both_signs(bare)
    elif _THREE_DIGITS.fullmatch(bare):
        mark = "," if "," in bare else "."
        if bare.count(mark) > 1 or (habits.grouped == mark and habits.decimal != mark):
            plain = bare.replace(mark, "")
        elif habits.decimal == mark:
            plain = bare.replace(mark, ".")
        else:
            return Parsed(refusal=_AMBIGUOUS)
    elif bare.count(",") == 1:
        plain = bare.replace(",", ".")
    if plain is None or not _DIGITS.fullmatch(plain) or not math.isfinite(float(plain)):
        return Parsed(refusal=_NO_NUMBER)
    note = None if plain == text and text.isascii() else f"read as {float(plain):.15g}"
    return Parsed(value=float(plain), note=note)


def _both_signs(bare: str) -> str | None:
    last = max(bare.rfind(","), bare.rfind("."))
    other = "," if bare[last] == "." else "."
    if not re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(other)}\d{{3}})+", bare[:last]):
        return None
    return bare[:last].replace(other, "") + "." + bare[last + 1 :]


def quantity_parser(texts: Iterable[str], decimal: str = "auto") -> Callable[[str], Parsed]:
    """Return a parser that also refuses what is below zero."""
    parse = number_parser(texts, decimal)

    def judged(text: str) -> Parsed:
        found = parse(text)
        if isinstance(found.value, float) and found.value < 0:
            return Parsed(refusal="is negative; an amount seized is zero or more")
        return found

    return judged


def percent_parser(texts: Iterable[str], decimal: str = "auto") -> Callable[[str], Parsed]:
    """Return a parser that refuses what is below zero or more than a hundred."""
    parse = quantity_parser(texts, decimal)

    def judged(text: str) -> Parsed:
        found = parse(text)
        if isinstance(found.value, float) and found.value > 100:
            return Parsed(refusal="is more than 100 % pure")
        return found

    return judged


def count_parser(text: str) -> Parsed:
    """Parse a count: a whole number, zero or more."""
    found = number_of(text, Habits(".", ","))
    if found.refusal is not None:
        return found
    value = found.value
    assert isinstance(value, float)
    if value < 0 or not value.is_integer() or value > 1e9:
        return Parsed(refusal="is not a count (a whole number, zero or more)")
    return Parsed(value=int(value), note=found.note if text != str(int(value)) else None)


def time_parser(text: str) -> Parsed:
    """Parse a time of day to HH:MM; what is none is left empty and noted, because the seizure stands without it."""
    found = re.fullmatch(r"(\d{1,2})[:.](\d{2})(?:[:.]\d{2})?", text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return Parsed(value="", note="is no time of day (HH:MM); left empty")
    value = f"{int(found[1]):02d}:{found[2]}"
    return Parsed(value=value, note=None if value == text else f"read as {value}")


def date_parser(formats: tuple[str, ...]) -> Callable[[str], Parsed]:
    """Return the parser of a date column; two dates in one cell are refused, never chosen between."""

    def parse(text: str) -> Parsed:
        found = {day for day in (_try(text, form) for form in formats) if day is not None}
        if not found and (timed := _WITH_TIME.fullmatch(text)) and (day := _try(timed[1], "%Y-%m-%d")):
            return _in_range(day, f"read as {day}; its time of day is left out")
        if len(found) == 1:
            day = found.pop()
            return _in_range(day, None if text == day.isoformat() else f"read as {day}")
        if len(_DATES_IN.findall(text)) > 1 or len(found) > 1:
            return Parsed(refusal="holds two dates; give one, or first and last day in columns of their own")
        if re.fullmatch(r"\d{1,2}/\d{1,2}/\d{2,4}", text):
            return Parsed(refusal="may be day/month or month/day; state date.formats in the mapping")
        if _DAY_NUMBER.fullmatch(text):
            day = dt.date(1899, 12, 30) + dt.timedelta(days=int(float(text)))
            return Parsed(
                refusal=f"is a spreadsheet's day number ({day} if its day 1 is 1900-01-01); give the cells a date "
                "format and save again"
            )
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return Parsed(refusal="is no day of the calendar; look it up in the source")
        return Parsed(
            refusal=f"is not a date in a format of the mapping ({', '.join(formats)}); write YYYY-MM-DD, or state "
            "date.formats"
        )

    return parse


def _in_range(day: dt.date, note: str | None) -> Parsed:
    if EARLIEST <= day < LATEST:
        return Parsed(value=day, note=note)
    other = "; a year of the Iranian or Islamic calendar? convert it first" if 1300 <= day.year < 1500 else ""
    return Parsed(refusal=f"is outside 1900 to 2199{other}")


def backwards(first: pl.Series, last: pl.Series) -> pl.Series:
    """Return the refusal of each row whose last day is before its first."""
    return pl.select(pl.when(last < first).then(pl.lit("the last day is before the first"))).to_series()


def _try(text: str, form: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None


def period_parser(text: str) -> Parsed:
    """Parse ``2023-01..2023-07`` (or one month, or one year) into its first day; :func:`period_end` gives the last."""
    span = _span(text)
    return Parsed(value=span[0]) if span else Parsed(refusal="is not a period such as 2023-01..2023-07")


def period_end(text: str) -> Parsed:
    """Parse the last day of a period."""
    span = _span(text)
    return Parsed(value=span[1]) if span else Parsed(refusal="is not a period such as 2023-01..2023-07")


def _span(text: str) -> tuple[dt.date, dt.date] | None:
    first, _, last = text.partition("..")
    begin, end = _month_or_year(first), _month_or_year(last or first)
    if begin is None or end is None or end[1] < begin[0]:
        return None
    return begin[0], end[1]


def _month_or_year(text: str) -> tuple[dt.date, dt.date] | None:
    found = re.fullmatch(r"\s*(\d{4})(?:-(\d{2}))?\s*", text)
    if not found or not 1900 <= int(found[1]) < 2200:
        return None
    year, month = int(found[1]), int(found[2]) if found[2] else None
    if month is None:
        return dt.date(year, 1, 1), dt.date(year, 12, 31)
    return (dt.date(year, month, 1), month_end(dt.date(year, month, 1))) if 1 <= month <= 12 else None


def month_end(day: dt.date) -> dt.date:
    """Return the last day of a month."""
    later = day.replace(day=28) + dt.timedelta(days=4)
    return later - dt.timedelta(days=later.day)


def fiscal_month_parser(starts: int) -> Callable[[str], Parsed]:
    """Return the parser of ``fiscal year|month``: fiscal 2019 from October holds October 2018."""

    def parse(text: str) -> Parsed:
        year, _, month = text.partition("|")
        number = _month_number(month)
        if not re.fullmatch(r"(19|20|21)\d\d(\s*\(.*\))?", year.strip()) or number is None:
            return Parsed(refusal="is not a fiscal year and a month")
        calendar = int(year.strip()[:4]) - (1 if starts > 1 and number >= starts else 0)
        return Parsed(value=dt.date(calendar, number, 1))

    return parse


def _month_number(text: str) -> int | None:
    word = text.strip().lower()
    if word[:3] in MONTHS:
        return MONTHS.index(word[:3]) + 1
    return int(word) if word.isdigit() and 1 <= int(word) <= 12 else None


def precision_parser(text: str) -> Parsed:
    """Parse a remark such as ``day (year inferred)`` or ``report date`` into a precision; the remark is kept."""
    word = text.lower()
    for start, value in (("day", DatePrecision.DAY), ("report", DatePrecision.REPORT_DAY)):
        if word.startswith(start):
            return Parsed(value=value.value)
    names = {item.value for item in DatePrecision}
    return (
        Parsed(value=word)
        if word in names
        else Parsed(refusal="is no date precision: day, report-day, month, year, period")
    )
