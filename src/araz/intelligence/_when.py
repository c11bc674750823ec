"""Periods as people write them, and claims of change as the press writes them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, NamedTuple

from araz.intelligence._clean import MONTHS, Habits, month_end, number_of

_NUMBER_WORDS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "twenty": 20, "hundred": 100,
}  # fmt: skip
_MULTIPLES: Final = {
    "doubled": 2,
    "tripled": 3,
    "trebled": 3,
    "quadrupled": 4,
    "quintupled": 5,
    "halved": 0.5,
    "tenfold": 10,
}


class Period(NamedTuple):
    """A span of whole days, both ends included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        """Length, days."""
        return (self.last - self.first).days + 1

    @property
    def middle(self) -> float:
        """Mid-point, in years."""
        return self.first.year + (self.first.timetuple().tm_yday - 1 + self.days / 2) / 365.25

    def like(self, other: Period) -> bool:
        """Tell whether both cover the same part of a year (29 February apart)."""
        return self.first.strftime("%m-%d") == other.first.strftime("%m-%d") and abs(self.days - other.days) <= 1


def _months(year: int, first: int, last: int) -> Period:
    return Period(dt.date(year, first, 1), month_end(dt.date(year, last, 1)))


def period_of(text: str) -> Period | None:
    """Return the period a text names: ``2013``, ``H1 2023``, ``Q3 2024``, ``Jan-Jun 2024``, ``2023-01..2023-07``.

    None where it names none, or not one for certain.
    """
    word = " ".join(text.lower().replace("–", "-").replace("—", "-").split())
    if found := re.fullmatch(r"(\d{4})-(\d\d)\s*(?:\.\.|to|/|-)\s*(\d{4})-(\d\d)", word):
        begin, end = _safe(found[1], found[2]), _safe(found[3], found[4])
        return Period(begin, month_end(end)) if begin and end and begin <= end else None
    if (found := re.fullmatch(r"(\d{4})-(\d\d)", word)) and (day := _safe(found[1], found[2])):
        return Period(day, month_end(day))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", word):
        try:
            day = dt.date.fromisoformat(word)
        except ValueError:
            return None
        return Period(day, day)
    years = re.findall(r"\b(?:19|20|21)\d\d\b", word)
    if len(years) != 1:
        return None
    return _part_of_year(int(years[0]), re.sub(r"\b(?:19|20|21)\d\d\b", " ", word).strip(" ,.'()"))


def _safe(year: str, month: str) -> dt.date | None:
    return dt.date(int(year), int(month), 1) if 1 <= int(month) <= 12 and int(year) > 0 else None


def _part_of_year(year: int, rest: str) -> Period | None:
    rest = re.sub(r"\b(of|in|the|year)\b", " ", rest).strip()
    rest = " ".join(rest.split())
    if not rest:
        return _months(year, 1, 12)
    if found := re.fullmatch(r"h([12])|([12])h|(first|second) half", rest):
        second = "2" in found[0] or found[3] == "second"
        return _months(year, 7, 12) if second else _months(year, 1, 6)
    if found := re.fullmatch(r"q([1-4])|([1-4])q|(first|second|third|fourth) quarter", rest):
        ordinal = ["first", "second", "third", "fourth"]
        quarter = ordinal.index(found[3]) + 1 if found[3] else int(found[1] or found[2])
        return _months(year, 3 * quarter - 2, 3 * quarter)
    if found := re.fullmatch(r"(?:first )?(\d{1,2}|[a-z]+) ?(?:m|months?)?", rest):
        count = int(found[1]) if found[1].isdigit() else _NUMBER_WORDS.get(found[1], 0)
        if found[0].endswith(("m", "month", "months")) or rest.startswith("first "):
            return _months(year, 1, count) if 1 <= count <= 12 else None
    names = [name[:3] for name in re.findall(r"[a-z]+", rest)]
    if (
        names
        and len(names) <= 2
        and all(name in MONTHS for name in names)
        and re.fullmatch(r"[a-z.]+(?:\s*-\s*[a-z.]+| to [a-z.]+)?", rest)
    ):
        first, last = MONTHS.index(names[0]) + 1, MONTHS.index(names[-1]) + 1
        return _months(year, first, last) if first <= last else None
    return None


class Claim(NamedTuple):
    """What a text says of a change: a factor, or a percentage against a base period, or only a bound."""

    factor: float | None = None
    """New over old: fivefold = 5, ``fell by 40 %`` = 0.6."""
    percent: float | None = None
    """The signed percentage as written, −95 for ``95 % below``."""
    base: Period | None = None
    bound: str = ""
    """``at most`` or ``at least``, where the text gives an edge and no value."""
    text: str = ""


def claim_of(text: str) -> Claim:
    """Return what a phrase claims; a phrase that states no change gives an empty claim."""
    word = text.lower().replace("’", "'")
    bound = "at most" if re.search(r"\bup to\b|\bat most\b|\bno more than\b", word) else ""
    bound = bound or ("at least" if re.search(r"\bmore than\b|\bover\b|\bat least\b|\bexceed", word) else "")
    years = re.findall(r"\b(?:19|20|21)\d\d\b", word)
    base = period_of(years[0]) if years else None
    factor = _factor(word)
    down = re.search(
        r"([\d.,]+) ?(?:%|per ?cent)[^;]{0,30}?\b(?:below|less|lower|fewer|down|decrease|drop|fall|decline|reduction)",
        word,
    )
    down = down or re.search(
        r"\b(?:fell|fall|dropp?e?d?|declined?|decreased?|down|plummeted|plunged|reduced|cut)\b"
        r"[^;\d]{0,20}([\d.,]+) ?(?:%|per ?cent)",
        word,
    )
    up = re.search(
        r"([\d.,]+) ?(?:%|per ?cent)[^;]{0,30}?\b(?:above|more than|higher|up on|increase|rise|growth)", word
    )
    up = up or re.search(
        r"\b(?:rose|rise|increased?|increase of|grew|up|jumped|surged)\b(?! to)[^;\d]{0,20}([\d.,]+) ?(?:%|per ?cent)",
        word,
    )
    said = down or up
    percent = None if said is None else _value(said[1])
    percent = -percent if down and percent is not None else percent
    if factor is None and percent is not None:
        factor = 1 + percent / 100
    return Claim(factor=factor, percent=percent, base=base, bound=bound, text=text.strip())


def _value(text: str) -> float | None:
    """A number as English texts group it (1,234.5), a lone decimal comma too (12,5); None where it is neither."""
    found = number_of(f"0{text}" if text.startswith(".") else text.rstrip(".,"), Habits(".", ",")).value
    return found if isinstance(found, float) else None


def _factor(word: str) -> float | None:
    for name, factor in _MULTIPLES.items():
        if re.search(rf"\b{name}\b", word):
            return float(factor)
    if found := re.search(r"\b([a-z]+)[- ]?fold\b", word):
        return float(_NUMBER_WORDS[found[1]]) if found[1] in _NUMBER_WORDS else None
    if found := re.search(r"\b(\d[\d.,]*)[- ]?fold\b|(?:\bby a factor of|×|\bx ?)(\d[\d.,]*)", word):
        return _value(found[1] or found[2])
    if found := re.search(r"\b(\d[\d.,]*|[a-z]+) times\b", word):
        return (
            float(_NUMBER_WORDS[found[1]])
            if found[1] in _NUMBER_WORDS
            else _value(found[1])
            if found[1][0].isdigit()
            else None
        )
    return None
