"""Files become register lines row by row: taken whole, or refused with the reason; nothing is computed."""

import csv
import datetime as dt
import io
import re
import zipfile

import msgspec
import numpy as np
import openpyxl
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from araz.intelligence import (
    ROW,
    import_own,
    import_table,
    is_own_layout,
    lines_of,
    read_table,
    records_of,
    to_csv,
    to_xlsx,
)
from seizure_lab import ids_file, ids_row, imported, mapping


def one(row):
    result = imported(ids_file(ids_row(), row))
    assert result.rows == 2
    assert result.lines["source_row"].to_list()[0] == 2
    return result


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ids_row(date="2016-05-01 / 2016-05-03"), "two dates"),
        (ids_row(date="03/04/2016"), "day/month"),
        (ids_row(date="2016-02-30"), "no day of the calendar"),
        (ids_row(date=""), "no date"),
        (ids_row(date="1016-02-03"), "outside"),
        (ids_row(amount="-3"), "negative"),
        (ids_row(amount="about two"), "not a number"),
        (ids_row(amount="1.2.3,4"), "not a number"),
        (ids_row(amount="nan"), "not a number"),
        (ids_row(amount="1e999"), "not a number"),
        (ids_row(drug=""), "no substance"),
        (ids_row(place="=HYPERLINK(1)"), "formula"),
        (ids_row() + ",one,two", "fields where the header has 16"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_the_others_stay(row, reason):
    result = one(row)
    assert [problem.row for problem in result.refused] == [3]
    assert reason in result.refused[0].message
    assert result.accepted == 1


def test_an_unknown_drug_or_unit_is_kept_under_the_sources_word():
    result = one(ids_row(drug="RCS-4", unit="Barrels", amount="3"))
    assert result.refused == []
    row = result.lines.row(1, named=True)
    assert (row["substance"], row["substance_reported"]) == ("unlisted", "RCS-4")
    assert (row["quantity"], row["unit"], row["base_unit"], row["base_quantity"]) == (3.0, "Barrels", "", None)
    assert {problem.row for problem in result.changed} == {3}


def test_units_stay_as_reported_and_tablets_are_no_kilograms():
    result = imported(ids_file(ids_row(amount="511.06", unit="Gram"), ids_row(amount="20", unit="Tablet"),
                               ids_row(amount="2", unit="Thousand of tablets")))  # fmt: skip
    assert result.lines["unit"].to_list() == ["Gram", "Tablet", "Thousand of tablets"]
    assert result.lines["base_unit"].to_list() == ["kg", "tablet", "tablet"]
    assert result.lines["base_quantity"].to_list() == pytest.approx([0.51106, 20, 2000])


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["12,5", "0,460"], [12.5, 0.46]),
        (["12,5", "1,234"], [12.5, 1.234]),  # the column writes decimal commas
        (["1,234.5", "2,345"], [1234.5, 2345.0]),  # the column groups with commas
        (["1.234,5", "2.345"], [1234.5, 2345.0]),
        (["12,5", "3.25", "1,234"], [12.5, 3.25, None]),  # mixed: the lone comma could be either
        (["1,234"], [None]),
        (["6.354"], [6.354]),
        (["1,234,567"], [1234567.0]),
        (["1 234,5", "1'234.5"], [1234.5, 1234.5]),
    ],
)
def test_decimal_commas_are_read_by_the_columns_own_habits(texts, values):
    file = "date;drug;kg\n" + "\n".join(f"2020-01-01;heroin;{text}" for text in texts)
    from araz.intelligence import import_table, mapping_from_toml

    rule = 'id="t"\ntitle="t"\n[date]\ncolumn="date"\n[[amounts]]\nsubstance="drug"\nquantity="kg"\nunit_is="kg"'
    result = import_table(read_table(file.encode(), "t"), mapping_from_toml(rule))
    taken = dict(zip(result.lines["source_row"].to_list(), result.lines["quantity"].to_list(), strict=True))
    assert [taken.get(row) for row in range(2, 2 + len(texts))] == pytest.approx(values)
    assert {p.row for p in result.refused} == {row for row, v in enumerate(values, 2) if v is None}


def test_a_stated_decimal_sign_is_not_trusted_where_the_column_breaks_it():
    """The UNODC layout states the point; one 12,5 shows that its writer used commas, and 1,234 kg may be 1.234 kg."""
    kept = imported(ids_file(ids_row(amount="1,234"), ids_row(amount="2.345"))).lines
    assert kept["quantity"].to_list() == [1234.0, 2.345]
    mixed = imported(ids_file(ids_row(amount="1,234"), ids_row(amount="2.345"), ids_row(amount="12,5")))
    assert mixed.lines["quantity"].to_list() == [2.345, 12.5]
    assert [(p.row, "may be thousands or a decimal" in p.message) for p in mixed.refused] == [(2, True)]


def test_cyrillic_is_kept_and_the_wrong_encoding_is_named():
    assert imported(ids_file(ids_row(place="поселок Жана-Аул"))).lines["place"][0] == "поселок Жана-Аул"
    data = ids_file().decode() + "\n" + ids_row(place="Астара")
    with pytest.raises(ValueError, match="--encoding cp1251"):
        imported(data.encode("cp1251"))
    assert imported(data.encode("cp1251"), encoding="cp1251").lines["place"][0] == "Астара"


def workbook(rows, merge=None):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    if merge:
        sheet.merge_cells(merge)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


HEADER = ["date", "sector", "drone_outcome", "first_cue", "marijuana_kg", "methamphetamine_kg", "opium_kg", "heroin_kg",
          "methadone_tablets", "detained", "date_precision", "source_url"]  # fmt: skip


def case(date="2025-01-02", kg: object = 4.5, sector="Horadiz"):
    return [date, sector, "", "", kg, 0, 0, 0, 0, 1, "day", "https://example.org"]


def test_a_workbooks_formula_is_refused_and_never_computed():
    result = imported(workbook([HEADER, case(), case(kg="=2+2"), case(dt.date(2025, 2, 3))]), "a.xlsx")
    assert [(p.row, "formula" in p.message, "E3" in p.message) for p in result.refused] == [(3, True, True)]
    assert result.lines["date"].to_list() == [dt.date(2025, 1, 2), dt.date(2025, 2, 3)]
    assert result.lines["persons"].to_list() == [1, 1]


def prefixed(data, *parts):
    """The same workbook with every tag of its sheet under a prefix, as some programs write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.infolist():
            xml = old.read(item)
            if item.filename.startswith("xl/worksheets/sheet"):
                xml = re.sub(rb"<(/?)(\w+)", rb"<\1x:\2", xml).replace(b"xmlns=", b"xmlns:x=")
            new.writestr(item, xml)
    return out.getvalue()


def test_a_formula_or_merge_under_a_prefix_is_refused_too():
    result = imported(prefixed(workbook([HEADER, case(), case(kg="=2+2"), case(), case()], merge="B4:B5")), "a.xlsx")
    assert [(p.row, p.message[:8]) for p in result.refused] == [(3, "cell E3 "), (4, "merged c"), (5, "merged c")]
    assert result.lines["date"].to_list() == [dt.date(2025, 1, 2)]


def test_an_empty_field_beyond_the_header_is_no_field():
    rows = "\n".join(f"{line}," for line in ids_file(ids_row(), ids_row()).decode().splitlines())
    assert (imported(rows.encode()).accepted, imported(rows.encode()).refused) == (2, [])


def test_merged_cells_are_refused_and_a_merged_header_stops_the_file():
    result = imported(workbook([HEADER, case(), case(), case()], merge="B3:B4"), "a.xlsx")
    assert [p.row for p in result.refused] == [3, 4]
    assert "merged" in result.refused[0].message
    with pytest.raises(ValueError, match="merged over A1:B1"):
        imported(workbook([HEADER, case()], merge="A1:B1"), "a.xlsx")


@pytest.mark.parametrize(
    "data", [b"", b"  \n", b"PK\x03\x04rubbish", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x", b"a,a\n1,2", b"a\0b"]
)
def test_a_file_that_is_no_table_is_one_sentence(data):
    with pytest.raises(ValueError, match=r"is|header|holds"):
        read_table(data, "x")


@given(st.binary(max_size=400) | st.text('ab*^$=,;\n" 1', max_size=200).map(str.encode))
@example(b"*,^a$\n=1,2\n\n3,4,5\n6,7")
def test_any_bytes_give_a_table_or_a_sentence(data):
    try:
        table = read_table(data, "x")
    except ValueError:
        return
    numbers = [*table.rows[ROW], *(problem.row for problem in table.refused)]
    assert len(set(numbers)) == len(numbers)
    text = data.decode("utf-8-sig")
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=text.partition("\n")[0].count)))
    assert set(numbers) == {number for number, record in enumerate(records, 1) if record} - {1}
    assert not any(value.startswith("=") for name in table.header for value in table.rows.get_column(name))


CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12).map(str.strip)
TAME = st.sampled_from(["", "=1+1", "-x", "+a", "@b", "'=c", "'d", "Horadiz", 'ə, "q"', "Астара"])


@settings(max_examples=25)
@given(st.lists(st.tuples(TAME | CELL, st.floats(0, 1e9), st.integers(0, 99)), min_size=1, max_size=12), st.booleans())
def test_a_register_goes_out_and_comes_back_the_same(rows, as_xlsx):
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["date", "where", "drug", "q", "unit", "n"])
    drugs = ["Heroin", "opium", "made up"]
    for index, (place, quantity, count) in enumerate(rows):
        writer.writerow(
            ["2024-05-06", place, drugs[index % 3], repr(quantity), ["kg", "g", "Tablet", "?"][index % 4], count]
        )
    from araz.intelligence import import_table, mapping_from_toml

    rule = ('id="t"\ntitle="t"\npersons="n"\n[date]\ncolumn="date"\n[[amounts]]\nsubstance="drug"\nquantity="q"\n'
            'unit="unit"\n[columns]\nplace="where"')  # fmt: skip
    before = import_table(read_table(file.getvalue().encode(), "t"), mapping_from_toml(rule)).lines
    table = read_table((to_xlsx if as_xlsx else to_csv)(before), "out")
    assert is_own_layout(table.header)
    after = import_own(table)
    assert after.refused == []
    assert after.lines.drop("source_row").equals(before.drop("source_row"))
    assert lines_of(records_of(before)).drop("source_row").equals(before.drop("source_row"))


def test_an_exported_workbook_holds_no_formula_for_another_reader():
    before = imported(ids_file(ids_row(place="Astara"))).lines.with_columns(pl.lit("=cmd()").alias("place"))
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(before))).active
    header = [cell.value for cell in sheet[1]]
    cell = sheet.cell(2, header.index("place") + 1)
    assert (cell.value, cell.data_type) == ("'=cmd()", "s")
    assert sheet.cell(2, header.index("quantity") + 1).value == 1.5
    assert b",'=cmd()," in to_csv(before)


def test_one_bad_line_takes_its_whole_seizure_with_it():
    text = to_csv(imported(ids_file(ids_row(), ids_row(amount="2"))).lines).decode()
    same = text.splitlines()
    doubled = "\n".join([same[0], same[1], same[1].replace("1.5", "-1.5"), same[2]]).encode()
    result = import_own(read_table(doubled, "x"))
    assert [p.row for p in result.refused] == [2, 3]
    assert result.accepted == 1


def test_a_base_quantity_that_does_not_follow_is_computed_again_and_remarked():
    text = to_csv(imported(ids_file(ids_row(amount="1500", unit="Gram"))).lines).decode()
    result = import_own(read_table(text.replace("kg,1.5,", "litre,7.5,").encode(), "x"))
    assert result.lines.select("base_unit", "base_quantity").rows() == [("kg", 1.5)]
    assert [(p.row, p.column, p.value) for p in result.changed] == [(2, "base_quantity", "7.5")]


def test_the_shelf_is_read_row_for_row(shelf):
    folder = shelf / "data" / "drugs"
    rows = list(csv.DictReader((folder / "unodc_ids_region_subset.csv").read_text("utf-8").splitlines()))
    result = imported((folder / "unodc_ids_region_subset.csv").read_bytes())
    assert result.accepted + len(result.refused) == len(rows)
    heroin = result.lines.filter((pl.col("substance") == "heroin") & (pl.col("base_unit") == "kg"))[
        "base_quantity"
    ].sum()
    expected = sum(float(r["AMOUNT"]) * {"Kilogram": 1, "Gram": 1e-3}[r["DRUG_UNIT"]] for r in rows
                   if r["DRUG_NAME"] == "Heroin" and r["DRUG_UNIT"] in {"Kilogram", "Gram"}
                   and r["AMOUNT"])  # fmt: skip
    assert heroin == pytest.approx(expected, rel=1e-12)


def test_the_fiscal_year_of_the_american_table_begins_in_october(shelf):
    path = shelf / "data" / "drugs" / "cbp_nationwide_drugs_fy19_fy22.csv"
    result = imported(path.read_bytes())
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    pounds = sum(float(r["Sum Qty (lbs)"]) for r in rows if r["FY"] == "2019" and r["Month (abbv)"] == "OCT")
    october = result.lines.filter(pl.col("date") == dt.date(2018, 10, 1))
    assert october["quantity"].sum() == pytest.approx(pounds)
    assert october["base_quantity"].sum() == pytest.approx(0.45359237 * pounds)
    assert result.lines["date_to"].to_list()[0] == dt.date(2019, 4, 30)
    assert set(october["date_precision"]) == {"month"}


def test_press_cases_keep_what_was_inferred_and_hold_no_zero_amounts(shelf):
    result = imported((shelf / "data" / "drugs" / "az_drone_incidents.csv").read_bytes())
    assert result.accepted == 11
    assert (result.lines["quantity"] > 0).all()
    assert set(result.lines["transport"]) == {"drone"}
    first = result.lines.row(0, named=True)
    assert first["date_note"] == "day (year inferred)"
    assert mapping("press-drone").note == ""


def test_thirty_thousand_rows_lose_nothing():
    rng = np.random.default_rng(5)
    kilos = rng.gamma(0.5, 20, 30_000).round(3)
    rows = [ids_row(amount=str(k), date=f"20{10 + i % 15}-0{1 + i % 9}-1{i % 9}") for i, k in enumerate(kilos.tolist())]
    result = imported(ids_file(*rows))
    assert result.accepted == 30_000
    assert result.lines["base_quantity"].sum() == pytest.approx(kilos.sum())


def test_a_time_of_day_is_read_noted_or_refused_and_comes_back():
    own = "seizure_id,date,substance,quantity,unit,base_unit,time_of_day\n"
    rows = [f"s{k},2025-03-0{k + 1},heroin,1,kg,kg,{time}\n" for k, time in enumerate(("21:30", "", "25:00", "9:05"))]
    found = import_own(read_table((own + "".join(rows)).encode(), "own.csv"))
    assert found.lines["time_of_day"].to_list() == ["21:30", ""]
    assert [(p.row, p.column) for p in found.refused] == [(4, "time_of_day"), (5, "time_of_day")]
    again = import_own(read_table(to_csv(lines_of(records_of(found.lines))), "again.csv"))
    assert again.lines["time_of_day"].to_list() == ["21:30", ""]
    timed = msgspec.structs.replace(mapping("unodc-ids"), columns={"place": "PLACE", "time_of_day": "AT"})
    head, *rest = ids_file(*(ids_row(f"2016-05-0{k + 1}") for k in range(4))).decode().splitlines()
    times = ("9:05", "23.59.10", "night", "")
    text = "\n".join([f"{head},AT", *(f"{row},{at}" for row, at in zip(rest, times, strict=True))])
    table = read_table(text.encode(), "timed.csv")
    press = import_table(table, timed)
    assert press.lines["time_of_day"].to_list() == ["09:05", "23:59", "", ""]
    assert not [p for p in press.refused if p.column == "AT"], "the seizure stands without its hour"
    assert [p.row for p in press.changed if p.column == "AT"] == [2, 3, 4]


@given(
    rows=st.lists(
        st.lists(st.text("ab =1é\t ", max_size=3), max_size=5).map(",".join) | st.sampled_from(["", ",,,,", " "]),
        max_size=8,
    ),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_a_file_without_quotation_marks_is_read_as_the_csv_reader_reads_it(rows, ending):
    """Lines are split by the column; Python's own reader, which a quoted file goes through, is the judge."""
    text = ending.join(["x,y,z", *rows])
    plain, slow = read_table(text.encode(), "t"), read_table((text + ending + '"",,').encode(), "t")
    last = 2 + len(rows)
    assert plain.header == slow.header
    assert plain.rows.rows() == [row for row in slow.rows.rows() if row[-1] != last]
    assert plain.refused == [problem for problem in slow.refused if problem.row != last]


@pytest.mark.parametrize(
    "tail", ['Asia,,Azerbaijan,,"Asta', 'Asia,,Azerbaijan,,"Astara,2016-05-01,Heroin,1,Kilogram,,,,,,,']
)
@pytest.mark.parametrize("after", [[], [ids_row()]])
def test_an_open_quotation_mark_never_swallows_the_rows_after_it(tail, after):
    with pytest.raises(ValueError, match="row 3: a quotation mark is left open"):
        imported(ids_file(ids_row(), tail, *after))


@given(
    cells=st.lists(st.tuples(*[st.text('ab;,|\t"\n é=', max_size=5)] * 3), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;|\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    told=st.booleans(),
)
def test_whatever_a_csv_writer_wrote_is_read_back_cell_by_cell(cells, delimiter, quoting, told):
    """Every row is taken or refused by number, none is lost or split; the writer is the judge."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows([("x", "y", "z"), *cells])
    text = f"sep={delimiter}\n" * told + out.getvalue()
    table = read_table(text.encode("utf-8" if told else "utf-8-sig"), "t")
    live = [number for number, row in enumerate(cells, 2) if any(cell.strip().startswith("=") for cell in row)]
    assert [problem.row for problem in table.refused] == live
    read = {row[-1]: row[:-1] for row in table.rows.iter_rows()}
    wanted = {n: tuple(c.strip() for c in row) for n, row in enumerate(cells, 2) if n not in live}
    assert read == wanted


@pytest.mark.parametrize(
    ("text", "day", "words"),
    [
        ("42491", None, "a spreadsheet's day number (2016-05-01"),
        ("2016-05-01T22:10:00+04:00", dt.date(2016, 5, 1), "its time of day is left out"),
        ("2016-05-01 22:10", dt.date(2016, 5, 1), "its time of day is left out"),
        ("1395-02-12", None, "Iranian or Islamic calendar"),
        ("1437-07-24", None, "Iranian or Islamic calendar"),
        ("1 May 2016", None, "write YYYY-MM-DD"),
        ("01.05.2016", dt.date(2016, 5, 1), "read as 2016-05-01"),
    ],
)
def test_dates_in_other_forms_are_read_or_told_what_to_do(text, day, words):
    found = imported(ids_file(ids_row(text)))
    assert found.lines["date"].to_list() == ([] if day is None else [day])
    assert [words in problem.message for problem in [*found.refused, *found.changed]] == [True]


def test_utf_16_is_named_and_read_when_told():
    data = ids_file(ids_row(place="Астара")).decode().encode("utf-16")
    with pytest.raises(ValueError, match="--encoding utf-16"):
        imported(data)
    assert imported(data, encoding="utf-16").lines["place"].to_list() == ["Астара"]
