"""Every question that is put to the register, asked as a person types it, over files small enough to check by hand."""

import csv
import datetime as dt
import json
import re

import numpy as np
import pytest

from araz.app.cli import main
from seizure_lab import areas, ids_file, ids_row, sorties

SECTORS = """
nodes = [
 {id="O", latitude_deg=39, longitude_deg=47, supply=1},
 {id="M", latitude_deg=41, longitude_deg=49, demand=1},
 {id="h", title="Horadiz", latitude_deg=39.45, longitude_deg=47.35},
 {id="n", title="Near", latitude_deg=39.4, longitude_deg=47.5},
 {id="g", title="Goytapa", latitude_deg=39.1, longitude_deg=48.6},
 {id="l", title="Lankaran", latitude_deg=38.75, longitude_deg=48.85},
]
edges = [{start="O", end="h"}, {start="O", end="n", cost=8}, {start="O", end="g", cost=1.5},
 {start="O", end="l", cost=2.5}, {start="h", end="M"}, {start="n", end="M"}, {start="g", end="M"},
 {start="l", end="M"}]
"""


def loads(path, rows):
    """A file in the UNODC's layout of (date, place, kilograms)."""
    path.write_bytes(ids_file(*(ids_row(str(day), amount=str(kg), place=place) for day, place, kg in rows)))


def table(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def every_month(counts):
    return [(dt.date(2012 + m // 12, m % 12 + 1, 5), "Astara", 2.0) for m, n in enumerate(counts) for _ in range(n)]


@pytest.fixture
def ask(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    loads(tmp_path / "step.csv", every_month([*rng.poisson(4, 18), *rng.poisson(14, 18)]))
    loads(tmp_path / "years.csv", [(dt.date(2010 + k, 6, 1), "Astara", 1.3**k) for k in range(7)])
    moved = list(zip(("Horadiz", "Goytapa", "Lankaran"), areas(rng, direct=0.3, neighbours=1.8), strict=True))
    nights = [(place, m, k) for place, row in moved for m, n in enumerate(row) for k in range(int(n))]
    (tmp_path / "sectors.toml").write_text(SECTORS)
    near = [("Near", m, 0) for m in range(len(moved[0][1])) for _ in range(3)]
    rows = [
        {"seizure_id": f"{place}{m}.{k}.{i}", "date": f"{2012 + m // 12}-{m % 12 + 1:02d}-{1 + (k + i) % 28:02d}",
         "substance": "heroin", "quantity": 1, "unit": "kg", "base_unit": "kg", "events": 1, "place": place,
         "time_of_day": f"{'21' if m < 20 else '02'}:30"}
        for i, (place, m, k) in enumerate(nights + near)
    ]  # fmt: skip
    table(tmp_path / "own.csv", list(rows[0]), [list(row.values()) for row in rows])
    loads(tmp_path / "moved.csv", [(dt.date(2012 + m // 12, m % 12 + 1, 1 + k % 28), at, 1.0) for at, m, k in nights])
    loads(tmp_path / "few.csv", [(dt.date(2015, 1, 1 + k), "Astara", 100.0) for k in range(20)])
    turned = [
        (year, "Heroin" if year < 2013 else "Opium", month) for year in range(2011, 2015) for month in range(1, 10)
    ]
    (tmp_path / "mix.csv").write_bytes(ids_file(*(ids_row(f"{y}-0{m}-01", drug=drug) for y, drug, m in turned)))
    table(tmp_path / "made.csv", ["year", "opium_tonnes"], [[2010 + k, 100 + k] for k in range(7)])
    table(tmp_path / "price.csv", ["Country", *range(2010, 2017)], [["Bulgaria", *(50 - 3 * k for k in range(7))]])
    table(tmp_path / "purity.csv", ["Country", *range(2010, 2017)], [["Bulgaria", *(50 - 3 * k for k in range(7))]])
    table(tmp_path / "at.csv", ["position_km", "date"], [[5 + 10 * (k % 4), f"2025-03-{k + 1:02d}"] for k in range(12)])
    table(tmp_path / "work.csv", ["position_km", "hours"], [[5, 30], [15, 60], [25, 10]])
    table(tmp_path / "sums.csv", ["period", "total_kg", "heroin_kg", "marijuana_kg", "opium_kg", "hashish_kg",
                                  "cocaine_kg", "psychotropic_kg", "other_kg", "methadone_tablets", "source_url"],
          [["2023-01..2023-07", 30, 10, 20, "", "", "", "", "", "", ""],
           ["2023-01..2023-08", 45, 13, 32, "", "", "", "", "", "", ""]])  # fmt: skip
    names = ("sortie_id", "date", "serial", "radio", "corridor_km", "hour", "load_kg", "drop_style")
    known = [(crew, s._replace(day=dt.date.fromordinal(736000 + int(s.day)))) for crew, s in sorties(rng)]
    table(tmp_path / "solved.csv", [*names, "crew"], [["" if v is None else v for v in (*s, c)] for c, s in known])
    habit = ["sn1", "2", 40, 2, 12, "lowered"]
    table(tmp_path / "new.csv", names, [["a", "2025-01-01", *habit], ["b", "2025-01-04", *habit],
                                        ["c", "2025-06-01", "sn9", "5", 120, 22, 6, "thrown"]])  # fmt: skip

    def run(line):
        with pytest.raises(SystemExit) as stop:
            main(["seizures", *line.split()])
        captured = capsys.readouterr()
        assert stop.value.code == 0, captured.err
        return captured.out

    return run


def displaced(said):
    kinds = {shift["kind"]: shift for shift in said["shifts"]}
    assert kinds["place"]["p_value"] < 0.05
    assert "refused" in kinds["mode"]["verdict"]  # no load's transport is known
    assert said["counterfactual"]["effect"]["high"] < 0
    return said["displacement"]["verdict"] == "displaced"


def costly(said):
    """The nearer sector is dear, so the neighbour by cost is the farther one; the control is found unclean."""
    kinds = {entry["by"]: entry for entry in said["neighbours"]}
    assert kinds["by distance"]["places"] == ["Near"]
    assert kinds["by cost"]["places"] == ["Goytapa"]
    assert kinds["by cost"]["verdict"] == "displaced"
    assert kinds["by distance"]["verdict"] != "displaced"
    assert any("Lankaran is the control" in note for note in said["notes"])
    hours = next(shift for shift in said["shifts"] if shift["kind"] == "hour")
    return hours["p_value"] < 0.05 and hours["largest"] == "20-24 h → 00-04 h"


def routed(said):
    (at,) = said["observed"]
    assert at == {"place": "AZE", "low": pytest.approx(2 / 0.3), "high": None}  # 20 seizures: no upper bound
    through = [edge for edge in said["edges"] if edge["end"] == "AZE"]
    assert sum(edge["central"] for edge in through) >= 2 / 0.3 * 0.99
    return all(e["after"] == 0 for e in said["closure"] if (e["start"], e["end"]) == ("IRN", "AZE"))


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("changes step.csv", lambda a: [c["date"] for c in a["changes"]] == ["2013-07-01"]),
        ("forecast step.csv",
         lambda a: len(a["all drugs"]["mean"]) == 3 and a["all drugs"]["low"] < a["all drugs"]["high"]),
        ("shocks years.csv --production made.csv",
         lambda a: "eight" in a["refused"] and a["seized_kg"]["2016"] == pytest.approx(1.3**6)),
        ("market years.csv --price price.csv --country bulgaria",
         lambda a: a["verdict"] == "more traffic" and a["seizures"]["percent_per_year"] == pytest.approx(30)),
        ("market years.csv --price price.csv --purity purity.csv --country bulgaria",
         lambda a: a["price"]["percent_per_year"] == pytest.approx(0, abs=1e-9)),
        ("displacement moved.csv --treated Horadiz --buffer Goytapa --control Lankaran --from 2013-09-01", displaced),
        ("displacement own.csv --treated Horadiz --network sectors.toml --control Lankaran --from 2013-09-01", costly),
        ("where at.csv --length-km 40 --cells 4 --effort work.csv",
         lambda a: [r["events"] for r in a["rates"]] == [3, 3, 3, 3]
         and [r["rate"] for r in a["rates"]] == [0.1, 0.05, 0.3, None]),
        ("routes few.csv --close IRN>AZE", routed),
        ("crews new.csv --solved solved.csv",
         lambda a: [(link["one"], link["other"]) for link in a] == [("a", "b")] and a[0]["would_refute"]),
        ("composition step.csv --split 2013-07-01",
         lambda a: sum(p["seizures"] for p in a["periods"]) == sum(a["test"]["seizures"])
         and a["test"]["p_value"] == 1),
        ("composition mix.csv", lambda a: a["spread"]["p_value"] < 1e-6 and a["spread"]["correlation"] > 0.3),
        ("difference sums.csv", lambda a: {(i["substance"], i["first"], i["amount"]) for i in a}
         >= {("heroin", "2023-08-01", 3.0), ("marijuana", "2023-08-01", 12.0)}),
        ("layouts", lambda a: {"unodc-ids", "cbp", "press-drone"} <= {m["id"] for m in a}),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else "",
)  # fmt: skip
def test_every_question_has_its_answer_for_machines_and_for_people(ask, line, holds):
    assert holds(json.loads(ask(f"{line} --json")))
    assert len(ask(line).splitlines()) >= 1


def test_no_two_sorties_are_said_to_be_one_crews_for_certain(ask):
    said = " ".join(ask("crews new.csv --solved solved.csv").split())
    assert "100 %" not in said
    assert re.search(
        r"a and b: (over 99|\d\d) % one crew \(90 % interval (over )?\d+ to (over )?\d\d %; .* before", said
    ), said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,2026-01-01,,,5,99,3,", "hour is 99; it is 0 to 24"),
        ("a,2026-01-01,,,5,2,-3,", "load_kg is -3; it is more than nothing"),
        ("a,2026-01-01,,,inf,2,3,", "corridor_km is inf; it is a finite number"),
        ('a,2026-01-01,,,"5,5",2,3,', "corridor_km '5,5' is not a number"),
        ("a,01/02/2026,,,5,2,3,", "date '01/02/2026' is no day"),
        (",2026-01-01,,,5,2,3,", "sortie_id is empty"),
        ("b,2026-01-01,,,5,2,3,", "sortie_id 'b' stands twice"),
    ],
)
def test_a_sortie_that_cannot_be_is_refused_with_its_row(tmp_path, capsys, row, said):
    path = tmp_path / "bad.csv"
    path.write_text(
        f"sortie_id,date,serial,radio,corridor_km,hour,load_kg,drop_style\nb,2026-01-01,,,5,2,3,\n{row}\n", "utf-8"
    )
    with pytest.raises(SystemExit) as ended:
        main(["seizures", "crews", str(path), "--solved", str(path)])
    assert ended.value.code == 2
    assert f"bad.csv, row 3: {said}" in " ".join(capsys.readouterr().err.split())


def test_solved_cases_without_crews_and_a_text_named_xlsx_are_refused_with_the_remedy(tmp_path, capsys):
    plain, fake = tmp_path / "plain.csv", tmp_path / "fake.xlsx"
    plain.write_text("sortie_id,date\na,2026-01-01\n", "utf-8")
    fake.write_text("no workbook", "utf-8")
    for line, said in (
        (["crews", str(plain), "--solved", str(plain)], "no row names its crew; give solved cases with a column crew"),
        (["crews", str(plain), "--solved", str(plain), "--least", "2"], "--least is 2; a probability is 0 to 1"),
        (["import", str(fake), "--register", str(tmp_path / "r")], "fake.xlsx is no workbook, whatever its name says"),
    ):
        with pytest.raises(SystemExit):
            main(["seizures", *line])
        assert said in " ".join(capsys.readouterr().err.split())
