"""Bytes of a CSV or XLSX file → a table of texts, and what is wrong with it; nothing in it is ever computed."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from araz.vocabulary import phrase

#: A workbook that unpacks to more is refused: a small file can hold a very large one.
MAX_UNPACKED_BYTES: Final = 4_000_000_000
#: Name of the column of row numbers: no header can hold it.
ROW: Final = "\0row"
MAX_CELL_CHARS: Final = 32_767
_SEPARATOR: Final = re.compile(r"sep=([,;\t|])\r?\n", re.IGNORECASE)
_FORMULA: Final = re.compile(rb'<(?:[\w.-]+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d+)"[^>]*>\s*<(?:[\w.-]+:)?f[\s>/]')
_FORMULA_CELL: Final = phrase("refusal.cell-formula")
_LONG_CELL: Final = phrase("refusal.cell-too-long")
_MERGE: Final = re.compile(rb'<(?:[\w.-]+:)?mergeCell\b[^>]*?\bref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')


class Problem(NamedTuple):
    """What is wrong with one row, or with the file (``row`` 0), in words a person can act on."""

    row: int
    column: str
    message: str
    value: str = ""


class Table(NamedTuple):
    """A header and its rows as text."""

    header: list[str]
    rows: pl.DataFrame
    """One String column per header name, then ``ROW`` (UInt32): the number a spreadsheet shows, the header being 1."""
    refused: list[Problem]
    """Rows that could not be taken at all; they are not in ``rows``."""


def read_table(data: bytes, name: str, sheet: str | None = None, encoding: str | None = None) -> Table:
    """Return the table in a file's bytes; told apart by content, not by the name.

    Raises ValueError with cause and remedy when there is no header to go by: an empty file, a merged or doubled
    header, an encoding that is not UTF-8, a workbook that is damaged or unpacks to more than 4 GB.
    """
    if not data.strip():
        raise ValueError(phrase("refusal.file-empty", name=name))
    if data[:4] == b"PK\x03\x04":
        return _read_workbook(data, name, sheet)
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise ValueError(f"{name} is an old or protected Excel file; save it as .xlsx without a password")
    if name.lower().endswith((".xlsx", ".xlsm")):
        raise ValueError(f"{name} is no workbook, whatever its name says; save it again as .xlsx, or name it .csv")
    return _read_csv(data, name, encoding)


def _read_csv(data: bytes, name: str, encoding: str | None) -> Table:
    if encoding is None and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError(phrase("refusal.utf-16", name=name))
    try:
        text = data.decode(encoding or "utf-8-sig")
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(
            phrase("refusal.encoding", name=name, encoding=encoding or "UTF-8", error=str(error))
        ) from error
    if "\0" in text:
        raise ValueError(phrase("refusal.zero-bytes", name=name))
    told = _SEPARATOR.match(text)  # a line for spreadsheets only, which they do not show
    text = text[told.end() :] if told else text
    first = text.partition("\n")[0]
    delimiter = told[1] if told else max(",;\t|", key=first.count)
    # Strict: a quotation mark left open would take the rows after it for one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row, rows = 0, []
    try:
        header = _header(next(reader, []), name)
        row = 1
        plain = text.replace("\r\n", "\n")
        if '"' not in plain and "\r" not in plain:
            return _without_formulas(header, *_split_lines(plain, delimiter, len(header)))
        for row, cells in enumerate(reader, start=2):
            rows.append((row, cells))
    except csv.Error as error:
        raise ValueError(phrase("refusal.quotation", name=name, row=row + 1, error=str(error))) from error
    kept, numbers, refused = _fitting(rows, len(header))
    return _without_formulas(header, _columns(kept, len(header)), numbers, refused)


def _fitting(rows: Iterable[tuple[int, list[str]]], width: int) -> tuple[list[list[str]], list[int], list[Problem]]:
    """Rows as wide as the header, what stands beyond it blank; their numbers; the others with their reason."""
    kept, numbers, refused = [], [], []
    for number, row in rows:
        if len(row) == width or (len(row) > width and not any(map(str.strip, row[width:]))):
            kept.append(row[:width])
            numbers.append(number)
        elif row:
            refused.append(Problem(number, "", _odd_row(len(row), width), _shown(row)))
    return kept, numbers, refused


@cache
def _odd_row(fields: int, width: int) -> str:
    return phrase("refusal.fields", n=fields, width=width)


def _columns(rows: list[list[str]], width: int) -> list[pl.Series]:
    columns = list(zip(*rows, strict=True)) if rows else [()] * width
    return [pl.Series("", column, dtype=pl.String) for column in columns]


def _split_lines(text: str, delimiter: str, width: int) -> tuple[list[pl.Series], list[int], list[Problem]]:
    """The same rows of a text without a quotation mark, where a line is a row: split by the column, not by the row."""
    lines = pl.Series("line", text.split("\n")[1:], dtype=pl.String)
    found = pl.DataFrame({"line": lines, "number": pl.int_range(2, 2 + len(lines), eager=True)})
    fields = pl.col("line").str.count_matches(delimiter, literal=True) + 1
    fits = (fields == width) & (pl.col("line") != "")
    split = found.filter(fits)
    odd = found.filter(~fits & (pl.col("line") != ""))
    cut = ((number, line.split(delimiter)) for line, number in odd.iter_rows())
    wider, more, refused = _fitting(cut, width)
    names = [f"f{index}" for index in range(width)]
    parts = split["line"].str.split_exact(delimiter, width - 1).struct.rename_fields(names).struct.unnest()
    both = [pl.concat([parts[name].alias(""), late]) for name, late in zip(names, _columns(wider, width), strict=True)]
    numbers = split["number"].to_list() + more
    if more:  # back into the order of the file
        order = pl.Series(numbers).arg_sort()
        both, numbers = [column[order] for column in both], sorted(numbers)
    return both, numbers, refused


def _header(cells: Sequence[str], name: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise ValueError(phrase("refusal.no-header", name=name))
    doubled = sorted({cell for cell in header if header.count(cell) > 1})
    if doubled:
        which = repr(doubled[0]) if doubled[0] else phrase("refusal.empty-name")
        raise ValueError(phrase("refusal.doubled", name=name, which=which))
    return header


def _shown(cells: Iterable[str]) -> str:
    return ", ".join(cells)[:200]


def _without_formulas(
    header: list[str], columns: Sequence[pl.Series], numbers: list[int], refused: list[Problem]
) -> Table:
    """Set aside every row with a cell that a spreadsheet would compute, or that is too long for one."""
    frame = pl.DataFrame({h: column.alias(h) for h, column in zip(header, columns, strict=True)})
    frame = frame.with_columns(pl.all().str.strip_chars(), pl.Series(ROW, numbers, dtype=pl.UInt32))
    bad: dict[int, Problem] = {}
    for column in header:
        texts = frame.get_column(column).alias("texts")  # polars takes a header such as "*" or "^a$" for a pattern
        odd = frame.filter(texts.str.starts_with("=") | (texts.str.len_chars() > MAX_CELL_CHARS))
        for value, row in zip(odd.get_column(column).to_list(), odd[ROW].to_list(), strict=True):
            bad.setdefault(row, Problem(row, column, _FORMULA_CELL if value[0] == "=" else _LONG_CELL, value[:200]))
    if bad:
        frame = frame.filter(~pl.col(ROW).is_in(list(bad)))
    return Table(header, frame, sorted([*refused, *bad.values()]))


def _read_workbook(data: bytes, name: str, sheet: str | None) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
            if unpacked > MAX_UNPACKED_BYTES:
                raise ValueError(f"{name} unpacks to {unpacked / 1e9:.1f} GB; split it, or export CSV")
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        title = sheet if sheet is not None else book.sheet_names[0]
        if title not in book.sheet_names:
            raise ValueError(f"{name} has no sheet {title!r}; there are {', '.join(book.sheet_names)}")
        cells = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
        xml = _sheet_xml(data, title)
    except (CalamineError, zipfile.BadZipFile, KeyError, IndexError) as error:
        raise ValueError(f"{name} is not a readable workbook ({error}); save it again as .xlsx") from error
    if not cells:
        raise ValueError(f"{name}, sheet {title!r}, is empty")
    merged = _merged_rows(xml, name)
    has_any = b"<f" in xml or b":f" in xml
    formulas = {int(row): column.decode() for column, row in _FORMULA.findall(xml)} if has_any else {}
    if 1 in formulas:
        raise ValueError(f"{name}: the header holds a formula in {formulas[1]}1; paste its value")
    header = _header([_text(cell) for cell in cells[0]], name)
    return _rows_of(header, cells[1:], {**merged, **_formula_words(formulas)})


def _formula_words(formulas: dict[int, str]) -> dict[int, str]:
    return {
        row: f"cell {col}{row} holds a formula, which is never computed; paste its value"
        for row, col in formulas.items()
    }


def _rows_of(header: list[str], cells: list[list[Any]], marked: dict[int, str]) -> Table:
    width, kept, numbers, refused = len(header), [], [], []
    for number, cellrow in enumerate(cells, start=2):
        row = [_text(cell) for cell in cellrow[:width]]
        row += [""] * (width - len(row))
        beyond = [text for text in map(_text, cellrow[width:]) if text]
        if number in marked:
            refused.append(Problem(number, "", marked[number], _shown(row)))
        elif beyond:
            refused.append(Problem(number, "", f"{len(beyond)} cells beyond the header", _shown(beyond)))
        elif any(row):
            kept.append(row)
            numbers.append(number)
    return _without_formulas(header, _columns(kept, len(header)), numbers, refused)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ", timespec="seconds")
    return cell.isoformat() if isinstance(cell, dt.date) else str(cell)


def _sheet_xml(data: bytes, title: str) -> bytes:
    """Return the raw XML of one sheet: the values reader does not tell a formula from a value."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
        names = [_attribute(tag, "name") for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book)]
        ids = re.findall(r"<(?:\w+:)?sheet\b[^>]*?\br?:?id=\"([^\"]+)\"", book)
        link = ids[names.index(title)] if title in names and len(ids) == len(names) else ids[0]
        tags = re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", links)
        target = next(_attribute(tag, "Target") for tag in tags if _attribute(tag, "Id") == link)
        return archive.read(target.lstrip("/") if target.startswith("/") else f"xl/{target}")


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    text = found.group(1) if found else ""
    for mark, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(mark, letter)
    return text


def _merged_rows(xml: bytes, name: str) -> dict[int, str]:
    """Rows touched by merged cells; raises when the header is: a merged name belongs to no one column."""
    rows: dict[int, str] = {}
    for left, top, right, bottom in _MERGE.findall(xml):
        where = f"{left.decode()}{int(top)}:{right.decode()}{int(bottom)}"
        if int(top) == 1:
            raise ValueError(f"{name}: the header is merged over {where}; unmerge it and give each column its own name")
        for row in range(int(top), min(int(bottom), int(top) + 100_000) + 1):
            rows[row] = f"merged cells {where}: whose value it is cannot be told; unmerge them"
    return rows
