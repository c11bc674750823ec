"""The commands of the seizure register as a person types them."""

import csv
import hashlib
import json
import re
import subprocess

import msgspec
import openpyxl
import polars as pl
import pytest

from araz.app._register import Book
from araz.app.cli import main
from araz.intelligence import to_csv
from araz.store import JournalError
from seizure_lab import ids_file, ids_row, imported
from spoken import english_in

CASES = """date,date_precision,sector,drone_outcome,first_cue,marijuana_kg,methamphetamine_kg,opium_kg,\
heroin_kg,methadone_tablets,detained,source_url
2025-03-21,day,Lankaran,dropped,heard,6.354,0,0,0,0,2,https://example.org/1
2025-04-06,day,Horadiz,intercepted,,14.2,0.040,0,0,1500,0,https://example.org/2
2025-04-07 2025-04-09,day,Horadiz,intercepted,,1,0,0,0,0,0,https://example.org/3
"""


@pytest.fixture
def araz(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.csv").write_text(CASES)

    def run(line):
        with pytest.raises(SystemExit) as stop:
            main(["seizures", *line.split()])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return run


def test_a_register_from_import_to_history(araz, tmp_path):
    code, out, _ = araz("import cases.csv --register r.sqlite --report bad.csv")
    assert code == 0
    assert "2 taken (4 amounts), 1 refused" in out
    assert "row 4, date: holds two dates" in out
    assert [row["row"] for row in csv.DictReader((tmp_path / "bad.csv").read_text().splitlines())] == ["4"]
    assert "0 new seizures, 0 changed, 2 as before" in araz("import cases.csv --register r.sqlite")[1]
    listed = json.loads(araz("list --register r.sqlite --json")[1])
    assert listed["seizures"] == 2
    assert {(s["substance"], s["base_unit"]): round(s["base_quantity"], 3) for s in listed["sums"]} == {
        ("marijuana", "kg"): 20.554, ("methamphetamine", "kg"): 0.04, ("methadone", "tablet"): 1500.0,
    }  # fmt: skip
    which = listed["records"][0]["seizure_id"]
    code, _, err = araz(f"edit {which} marijuana.quantity=-1 --reason x --register r.sqlite")
    assert (code, "negative" in err) == (2, True)
    assert araz(f"edit {which[:8]} marijuana.quantity=6.5 --reason laboratory --register r.sqlite")[0] == 0
    assert "6.354" in araz(f"history {which} --register r.sqlite")[1]
    assert araz(f"edit {which} --withdraw --reason twice --register r.sqlite")[0] == 0
    assert "1 seizures" in araz("list --register r.sqlite")[1]
    assert "is withdrawn" in araz(f"edit {which} place=x --reason y --register r.sqlite")[2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [("marijuana.purity_percent=150", "more than 100 %"), ("date_to=2025-03-20", "last day is before the first"),
     ("marijuana.base_quantity=9", "is not field=value")],
)  # fmt: skip
def test_an_edit_obeys_what_an_import_obeys(araz, change, reason):
    araz("import cases.csv --register r.sqlite")
    which = json.loads(araz("list --register r.sqlite --json")[1])["records"][0]["seizure_id"]
    code, _, err = araz(f"edit {which} {change} --reason x --register r.sqlite")
    assert (code, reason in err) == (2, True)
    assert json.loads(araz("list --register r.sqlite --json")[1])["seizures"] == 2


def test_a_corrected_quantity_or_unit_changes_the_sum(araz):
    araz("import cases.csv --register r.sqlite")
    which = json.loads(araz("list --register r.sqlite --json")[1])["records"][0]["seizure_id"]
    araz(f"edit {which} marijuana.quantity=7 --reason laboratory --register r.sqlite")
    assert "marijuana: 21.2 kg" in araz("list --register r.sqlite")[1]
    araz(f"edit {which} marijuana.unit=g --reason laboratory --register r.sqlite")
    assert "marijuana: 14.207 kg" in araz("list --register r.sqlite")[1]


def test_what_two_people_do_at_once_is_refused_or_kept_and_never_lost(araz, tmp_path, monkeypatch):
    araz("import cases.csv --register r.sqlite")
    with Book(tmp_path / "r.sqlite") as one, Book(tmp_path / "r.sqlite") as other:
        which = one.frame()["seizure_id"][0]
        read = one.register.history(which)[-1]
        other.change(read, msgspec.structs.replace(read.record, place="Horadiz"), "post 2", "seen there")
        with pytest.raises(JournalError, match="meanwhile"):
            one.change(read, msgspec.structs.replace(read.record, place="Astara"), "post 1", "told so")
        late, lines = import_of("2025-05-01"), import_of("2025-06-01")
        add = one.register.add

        def after_the_other(revisions):
            other.take(late, "post 2", "r", "b")
            add(revisions)

        monkeypatch.setattr(one.register, "add", after_the_other)
        one.take(lines, "post 1", "r", "b")
        assert one.frame()["seizure_id"].n_unique() == 4
        assert set(one.frame().filter(pl.col("seizure_id") == which)["place"]) == {"Horadiz"}


def import_of(day):
    return imported(ids_file(ids_row(day))).lines


def test_out_and_in_again_through_a_workbook(araz, tmp_path):
    araz("import cases.csv --register r.sqlite")
    araz("export out.xlsx --register r.sqlite")
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").active.max_row == 5
    assert "2 new seizures" in araz("import out.xlsx --register again.sqlite")[1]
    one, two = (
        json.loads(araz(f"list --register {name} --json")[1])["records"] for name in ("r.sqlite", "again.sqlite")
    )
    assert one == two


def test_strict_writes_nothing_and_dry_run_too(araz, tmp_path):
    assert araz("import cases.csv --register r.sqlite --strict")[0] == 1
    assert araz("import cases.csv --register r.sqlite --dry-run")[0] == 0
    assert not (tmp_path / "r.sqlite").exists()
    code, _, err = araz("list --register r.sqlite")
    assert (code, "no register at r.sqlite" in err) == (2, True)


def test_an_unknown_layout_names_the_known_ones(araz, tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    code, _, err = araz("import x.csv")
    assert code == 2
    assert "unodc-ids" in err
    assert "--mapping" in err


def test_claims_of_another_article_as_json(araz, tmp_path):
    (tmp_path / "f.csv").write_text(
        "quantity,period,value,unit,claim_in_text\nhashish seized,2020,100,kg,\nhashish seized,2021,104,kg,soared\n"
        "share of heroin from Utopia,,80,%,at least 80 %\n"
    )
    said = json.loads(araz("claims f.csv --json")[1])
    assert [f["verdict"] for f in said["findings"]] == ["no change", "claim, not an estimate"]
    assert said["findings"][0]["rows"] == [2, 3]


def test_flows_refuse_without_probabilities_and_estimate_with_them(araz, tmp_path):
    (tmp_path / "s.csv").write_text("draw_id,cell_id,quantity\n" + "".join(f"n{i},a,10\n" for i in range(8)))
    (tmp_path / "none.json").write_text('{"type":"roster-log","site_id":"s","from_us":0,"to_us":1,"inclusions":[]}')
    code, out, _ = araz("flows s.csv --roster none.json")
    assert (code, "no roster with known probabilities" in out) == (1, True)
    entry = '{"type":"logged-inclusion","draw_id":"n%d","cell_id":"a","from_us":0,"to_us":1,"probability":0.25}\n'
    (tmp_path / "log.jsonl").write_text("".join(entry % i for i in range(8)))
    said = json.loads(araz("flows s.csv --roster log.jsonl --json")[1])
    assert said["total"]["estimate"] == pytest.approx(320)


def test_flows_read_the_log_as_the_planner_writes_it(araz, tmp_path, capsys):
    for words in ("example --cells 60 --duty-windows 3 --move-km 80 --out i.npz",
                  "patrols i.npz --sensors 6 --no-money --out p.npz",
                  "roster i.npz p.npz --night 2026-11-24 --out rosters"):  # fmt: skip
        with pytest.raises(SystemExit):
            main(["plan", *words.split()])
    capsys.readouterr()
    log = [json.loads(line) for line in (tmp_path / "rosters" / "inclusions.jsonl").read_text().splitlines()]
    seen = [row for row in log if row["probability"] >= 0.02][:8]
    rows = [f"{row['draw_id']},{row['cell_id']},10,{row['mode']}" for row in seen]
    (tmp_path / "s.csv").write_text("\n".join(["draw_id,cell_id,quantity,mode", *rows]))
    said = json.loads(araz("flows s.csv --roster rosters/inclusions.jsonl --json")[1])
    assert said["total"]["estimate"] == pytest.approx(sum(10 / row["probability"] for row in seen))


def test_a_row_that_counts_is_not_left_out_unsaid(araz, tmp_path):
    (tmp_path / "none.json").write_text('{"type":"roster-log","site_id":"s","from_us":0,"to_us":1,"inclusions":[]}')
    (tmp_path / "short.csv").write_text("draw_id,cell_id,quantity\nn1,a,10\nn2,a\n")
    code, _, err = araz("flows short.csv --roster none.json")
    assert (code, "row 3: 2 fields" in err) == (2, True)
    (tmp_path / "e.csv").write_text("x,y,date\n0,0,2025-01-01\n0,0\n150,0,2025-01-05\n")
    code, _, err = araz("near-repeat e.csv")
    assert (code, "row 3: 2 fields" in err) == (2, True)


def test_the_list_is_cut_between_seizures_and_the_report_is_inert(araz, tmp_path):
    (tmp_path / "live.csv").write_text(CASES.replace("2025-04-06,day", "soon,day").replace("date,", "=cmd(),", 1))
    (tmp_path / "m.toml").write_text(
        'id="m"\ntitle="m"\n[date]\ncolumn="=cmd()"\n[[amounts]]\nsubstance_is="heroin"\nquantity="heroin_kg"\n'
        'unit_is="kg"\n'
    )
    araz("import live.csv --mapping m.toml --register x.sqlite --report bad.csv")
    assert {row["column"] for row in csv.DictReader((tmp_path / "bad.csv").read_text().splitlines())} == {"'=cmd()"}
    araz("import cases.csv --register r.sqlite")
    kept = json.loads(araz("list --register r.sqlite --json --limit 2")[1])["records"]
    assert [len(record["amounts"]) for record in kept] == [1, 3]
    code, _, err = araz("list --register cases.csv")
    assert (code, "no register" in err) == (2, True)


def test_totals_that_overlap_are_neither_added_nor_taken_for_seizures(araz, tmp_path):
    sums = "".join(f"2023-01..2023-{m:02d},{m},{m}000,0,,,,,,,\n" for m in range(1, 13))
    header = ("period,total_kg,heroin_kg,marijuana_kg,opium_kg,hashish_kg,cocaine_kg,psychotropic_kg,other_kg,"
              "methadone_tablets,source_url\n")  # fmt: skip
    (tmp_path / "sums.csv").write_text(header + sums)
    assert json.loads(araz("routes sums.csv --json")[1])["observed"] == []
    code, _, err = araz("composition sums.csv --split 2023-06-01")
    assert (code, "five on each side" in err) == (2, True)
    rows = [ids_row(f"2023-{m:02d}-02", drug=d) for m in range(1, 11) for d in ("Heroin", "Morphine")]
    pair = ids_file(*(row for row in rows)).decode().replace("Morphine", "Heroin")
    (tmp_path / "one.csv").write_text(pair)
    araz("import one.csv --register r.sqlite")
    (tmp_path / "r.csv").write_bytes(two_amounts(tmp_path / "r.sqlite"))
    assert json.loads(araz("routes r.csv --json")[1])["observed"][0]["high"] is None


def two_amounts(register):
    """The same twenty seizures with two amounts each: forty lines, and still fewer than thirty seizures."""
    with Book(register) as book:
        lines = book.frame()
    return to_csv(pl.concat([lines, lines.with_columns(pl.lit("morphine").alias("substance"))]).sort("seizure_id"))


def test_a_month_as_page_and_pdf(araz, tmp_path):
    assert araz("report 2025-04 --register cases.csv --out rep")[0] == 0
    assert (tmp_path / "rep" / "report.pdf").read_bytes()[:5] == b"%PDF-"
    page, rows = (tmp_path / "rep" / "report.html").read_text(), (tmp_path / "rep" / "report-rows.csv").read_bytes()
    assert "14.2" in page
    assert hashlib.sha256(rows).hexdigest() in page
    told = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "rep" / "report.pdf", "-"], capture_output=True, text=True
    )
    assert hashlib.sha256(rows).hexdigest() in told.stdout
    assert re.search(r"marijuana +kg +1 +14\.2 ", told.stdout), "a number and a name stand on one line, unbroken"
    assert "page 1" in told.stdout
    again = (tmp_path / "rep" / "report.pdf").read_bytes()
    araz("report 2025-04 --register cases.csv --out rep")
    assert (tmp_path / "rep" / "report.pdf").read_bytes() == again


def test_a_month_in_azerbaijani_as_page_and_pdf(araz, tmp_path):
    assert araz("report 2025-04 --register cases.csv --out rep --lang az")[0] == 0
    page, rows = (
        (tmp_path / "rep" / "report.html").read_text("utf-8"),
        (tmp_path / "rep" / "report-rows.csv").read_bytes(),
    )
    told = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "rep" / "report.pdf", "-"], capture_output=True, text=True
    )
    for text in (re.sub(r"<style>.*</style>|<[^>]*>", " ", page), told.stdout):
        assert "Müsadirələr: aprel 2025" in text
        assert hashlib.sha256(rows).hexdigest() in text
        assert english_in(text) == set()
    assert re.search(r"marixuana +kq +1 +14\.2 ", told.stdout)
    assert "səhifə 1" in told.stdout
    assert "ayın bütün müsadirələri" in rows.decode()


def test_the_pdf_holds_letters_of_every_script(araz, tmp_path):
    (tmp_path / "c.csv").write_bytes(ids_file(*(ids_row("2025-04-02") for _ in range(6))))
    araz("report 2025-04 --register c.csv --out rep")
    fonts = re.findall(rb"/BaseFont /([A-Za-z+-]+)", (tmp_path / "rep" / "report.pdf").read_bytes())
    shown = {name.split(b"+")[-1] for name in fonts} - {b"Helvetica"}  # reportlab opens each page with it
    assert shown == {b"DejaVuSans", b"DejaVuSans-Bold"}


def test_near_repeats_of_a_file(araz, tmp_path):
    (tmp_path / "e.csv").write_text("x,y,date\n0,0,2025-01-01\n0,0,2025-01-04\n150,0,05/01/2025\n")
    said = json.loads(araz("near-repeat e.csv --permutations 9 --json")[1])
    assert said["observed"] == [[1, 0, 0], [2, 0, 0], [0, 0, 0], [0, 0, 0]]
