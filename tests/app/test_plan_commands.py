"""araz plan and araz season from the outside: files another program reads, errors that name the remedy."""

import csv
import io
import json
from xml.etree import ElementTree

import icalendar
import numpy as np
import pytest

from araz.app._roster_files import as_cot, as_pdf
from araz.app.cli import main
from araz.deployment import LimitsConflict
from araz_testing import araz, text_of_pdf


def run(capsys, *words: object) -> tuple[int, str]:
    return int(araz(*words) or 0), capsys.readouterr().out


@pytest.fixture
def planned(tmp_path, capsys):
    game, plan = tmp_path / "i.npz", tmp_path / "p.npz"
    assert run(capsys, "plan", "example", "--cells", 60, "--duty-windows", 3, "--move-km", 80, "--out", game)[0] == 0
    code, text = run(capsys, "plan", "patrols", game, "--sensors", 6, "--no-money", "--json", "--out", plan)
    assert code == 0
    told = json.loads(text)
    assert told["bound_kg"] <= told["guarantee_kg"]
    return game, plan


def test_the_roster_is_written_for_posts_calendars_and_tak_and_stays_sealed(planned, tmp_path, capsys):
    game, plan = planned
    places, out = tmp_path / "places.json", tmp_path / "rosters"
    places.write_text(json.dumps({f"post {k + 1}": [47.0 + 0.1 * k, 39.0] for k in range(50)}))
    for night in ("2026-11-24", "2026-11-25"):
        words = ("plan", "roster", game, plan, "--night", night, "--places", places, "--out", out)
        assert run(capsys, *words)[0] == 0
    rows = list(csv.DictReader(io.StringIO((out / "2026-11-24.csv").read_text())))
    events = list(icalendar.Calendar.from_ical((out / "2026-11-24.ics").read_bytes()).walk("VEVENT"))
    tak = [ElementTree.fromstring(line) for line in (out / "2026-11-24.cot.xml").read_bytes().splitlines()]
    assert len(rows) == len(events) == len(tak) > 0
    assert rows[0]["from_utc"] == "2026-11-24T18:00:00+00:00" == events[0]["DTSTART"].dt.isoformat()
    assert tak[0].find("point").attrib["lat"] == "39.000000"
    assert (out / "2026-11-24.pdf").read_bytes().startswith(b"%PDF")
    logged = [json.loads(line) for line in (out / "inclusions.jsonl").read_text().splitlines()]
    assert all(0 <= row["probability_low"] <= row["probability"] + 1e-12 <= 1 for row in logged)
    assert {row["draw_id"][:10] for row in logged} == {"2026-11-24", "2026-11-25"}
    assert run(capsys, "plan", "verify-roster", out)[0] == 0
    sealed = out / "2026-11-24.sealed.json"
    sealed.write_bytes(sealed.read_bytes().replace(b"team 1", b"team 2", 1))
    code, text = run(capsys, "plan", "verify-roster", out)
    assert code == 1
    assert "2026-11-24" in text


def test_a_post_without_a_place_is_not_drawn_at_nought():
    row = {"draw_id": "n", "window": 0, "from_us": 0, "to_us": 1, "team": "team 1", "post": "post 1", "post_km": 1.0}
    assert as_cot([row], {}) == []


def test_the_printed_roster_shows_names_as_they_are_written():
    """Letters outside Latin-1 and signs of markup: another program finds them on the page."""
    post, sentence = "Şəki & çay", "Binding: <para> drone & nothing </b> else."
    row = {"draw_id": "n", "window": 0, "from_us": 0, "to_us": 1, "team": "team 1", "post": post, "post_km": 1.5}
    page = as_pdf([row], "ab" * 32, [sentence])
    assert page == as_pdf([row], "ab" * 32, [sentence])
    assert b"/FontFile2" in page  # the letters come with the page
    text = text_of_pdf(page)
    for words in (post, sentence, "team 1", "1.5", "ab" * 32, "Window 0: 1970-01-01 00:00"):
        assert words in text


def test_sensors_curve_and_season_run_from_files(planned, tmp_path, capsys):
    game, plan = planned
    layout = tmp_path / "l.json"
    code, text = run(capsys, "plan", "sensors", game, "--budget", 5, "--out", layout)
    assert code == 0
    assert "Bound over all layouts" in text
    assert sum(json.loads(layout.read_text())["sensors_on"]) <= 5
    assert run(capsys, "plan", "curve", game, "--points", 3, "--out", tmp_path / "c.svg")[0] == 0
    assert ElementTree.parse(tmp_path / "c.svg").getroot().tag.endswith("svg")
    words = ("season", game, plan, "--nights", 20, "--smuggler", "bandit", "--json", "--out", tmp_path / "s")
    code, text = run(capsys, *words)
    told = json.loads(text)
    assert code == 0
    assert {row["policy"] for row in told["rows"]} == {"max-cover", "uniform", "chase", "plan", "lean", "blend"}
    assert np.isfinite(told["ceiling_kg"])
    assert (tmp_path / "s" / "season-bandit.svg").exists()
    words = ("season", game, plan, "--nights", 10, "--smuggler", "bandit+suqr", "--json", "--out", tmp_path / "s")
    assert {row["smuggler"] for row in json.loads(run(capsys, *words)[1])["rows"]} == {"bandit+suqr"}


def test_wrong_files_and_impossible_limits_end_with_a_sentence(planned, tmp_path, capsys):
    game, _ = planned
    for words in (
        ("plan", "patrols", tmp_path / "none.npz"),
        ("season", game, game),
        ("season", game, game, "--smuggler", "x"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        assert ended.value.code == 2
        assert "araz:" in capsys.readouterr().err
    game, plan = planned
    for words, told in (
        (("plan", "curve", game, "--points", 1), "points is 1; a curve has at least 2."),
        (("season", game, plan, "--nights", 0), "nights is 0; a season has at least 1."),
        (("season", game, plan, "--nights", 2, "--epsilon", -0.1), "epsilon is -0.1;"),
    ):
        assert told in _refused(capsys, *words)
    tight = tmp_path / "tight.npz"
    run(capsys, "plan", "example", "--cells", 60, "--duty-windows", 1, "--pool", 2, "--teams", 2, "--out", tight)
    with pytest.raises(SystemExit):
        main(["plan", "patrols", str(tight)])
    assert "raise pool to" in capsys.readouterr().err
    assert issubclass(LimitsConflict, ValueError)


def _refused(capsys, *words: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.splitlines()[-1].startswith("araz: ")
    return told


def test_the_file_that_was_written_is_the_one_that_is_named(tmp_path, capsys):
    written = tmp_path / "game.npz"
    assert str(written) in run(capsys, "plan", "example", "--cells", 20, "--out", tmp_path / "game")[1]
    text = run(capsys, "plan", "patrols", written, "--no-money", "--out", tmp_path / "tonight")[1]
    assert str(tmp_path / "tonight.npz") in text
    assert (tmp_path / "tonight.npz").exists()


def _files(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_json_of_a_season_too_short_for_a_figure_holds_null_and_no_nan(planned, tmp_path, capsys):
    game, plan = planned

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    words = ("season", game, plan, "--nights", 1, "--smuggler", "bandit", "--json", "--out", tmp_path / "s")
    code, text = run(capsys, *words)
    assert code == 0
    for told in (text, (tmp_path / "s" / "season.json").read_text()):
        rows = json.loads(told, parse_constant=refuse)["rows"]
        assert any(None in (event["displacement"], *event["sortie_kg"]) for event in rows[0]["events"])


def test_only_changes_with_a_name_are_drawn(planned):
    from araz.app._plan_files import read_instance
    from araz.app._plan_pictures import season_picture
    from araz.app._season import season_changes

    changes = season_changes(read_instance(planned[0]), 100)
    named = [change for change in changes if change.label]
    assert 0 < len(named) < len(changes)
    picture = season_picture((), changes, 5.0)
    for change in named:
        assert picture.count(f">{change.label}<") == 1


def test_a_season_shows_its_events_as_figures_beside_those_of_a_hand_made_count(planned, tmp_path, capsys):
    """Supply doubles: more kilograms a night, not a sortie; heavier drones: more a sortie. A year after the other."""
    game, plan = planned
    words = ("season", game, plan, "--nights", 440, "--smuggler", "suqr", "--out", tmp_path / "s")
    code, text = run(capsys, *words)
    assert code == 0
    rows = json.loads((tmp_path / "s" / "season.json").read_text())["rows"]
    row = next(row for row in rows if row["policy"] == "plan")
    events = {event["label"]: event for event in row["events"]}
    assert list(events) == ["new deployment", "stretch closed", "supply doubles", "heavy comes", "silent alone"]
    before, after = events["supply doubles"]["night_kg"]
    assert after > 1.6 * before
    before, after = events["supply doubles"]["sortie_kg"]
    assert 0.8 < after / before < 1.25
    before, after = events["heavy comes"]["sortie_kg"]
    assert after > 1.2 * before
    assert events["stretch closed"]["displacement"] > 0.1
    assert len(row["yearly_through_kg"]) == 2
    for label in events:
        assert f"{label}  " in text


def test_the_bench_takes_no_sensors_for_a_number(capsys, monkeypatch):
    import runpy
    import sys
    from pathlib import Path

    bench = Path(__file__).resolve().parents[2] / "bench" / "plan_scale.py"
    monkeypatch.setattr(sys, "argv", [str(bench), "--cells", "30", "--sensors", "0", "--json"])
    runpy.run_path(str(bench), run_name="__main__")
    assert json.loads(capsys.readouterr().out)["sensors"] == 0


def test_a_night_is_drawn_once_and_what_was_sealed_stays(planned, tmp_path, capsys):
    game, plan = planned
    out = tmp_path / "rosters"
    words = ("plan", "roster", game, plan, "--out", out, "--night")
    assert run(capsys, *words, "2026-11-24")[0] == 0
    before = _files(out)
    for same_night in ("2026-11-24", "20261124"):
        assert "2026-11-24" in _refused(capsys, *words, same_night)
    _refused(capsys, *words, "2026-11-25", "--places", tmp_path / "missing.json")
    assert _files(out) == before
    assert run(capsys, "plan", "verify-roster", out)[0] == 0


def test_a_run_that_stopped_before_its_seal_leaves_the_night_to_be_drawn(planned, tmp_path, capsys):
    game, plan = planned
    out = tmp_path / "rosters"
    words = ("plan", "roster", game, plan, "--out", out, "--night")
    for night in ("2026-11-24", "2026-11-25"):
        run(capsys, *words, night)
    chain = out / "seals.jsonl"
    chain.write_text(chain.read_text().splitlines(keepends=True)[0])
    code, text = run(capsys, "plan", "verify-roster", out)
    assert code == 1
    assert "2026-11-25" in text
    assert run(capsys, *words, "2026-11-25")[0] == 0
    assert run(capsys, "plan", "verify-roster", out) == (0, "2 rosters and their logs are as they were sealed.\n")


@pytest.mark.parametrize("wrong", ["altered", "added to", "left out", "gone", "twice"])
def test_a_log_of_chances_that_is_not_the_sealed_one_is_found(wrong, planned, tmp_path, capsys):
    game, plan = planned
    out = tmp_path / "rosters"
    for night in ("2026-11-24", "2026-11-25"):
        run(capsys, "plan", "roster", game, plan, "--night", night, "--out", out)
    log = out / "inclusions.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    mine = [line for line in lines if "2026-11-25" in line]
    assert 0 < len(mine) < len(lines)
    row = json.loads(mine[0])
    more = mine[0].replace("}", ', "note": "x"}')
    row["probability"] += 0.01
    log.write_text({
        "altered": "".join(lines).replace(mine[0], json.dumps(row) + "\n"),
        "added to": "".join(lines).replace(mine[0], more), "left out": "".join(lines[:-1]),
        "gone": "".join(lines[: -len(mine)]), "twice": "".join(mine + lines),
    }[wrong])  # fmt: skip
    code, text = run(capsys, "plan", "verify-roster", out)
    assert code == 1
    assert "2026-11-25" in text
    assert "inclusions.jsonl" in text


def test_files_that_are_none_end_with_a_sentence_and_no_traceback(planned, tmp_path, capsys):
    game, plan = planned
    for name, content in (("empty", b""), ("cut", game.read_bytes()[:-400]), ("text", b"no archive")):
        bad = tmp_path / f"{name}.npz"
        bad.write_bytes(content)
        assert str(bad) in _refused(capsys, "plan", "patrols", bad)
        assert str(bad) in _refused(capsys, "plan", "roster", game, bad, "--night", "2026-11-24")
    for content in ("{}", "[1, 0]", '{"sensors_on": "all"}', ""):
        (tmp_path / "layout.json").write_text(content)
        assert "layout" in _refused(capsys, "plan", "patrols", game, "--layout", tmp_path / "layout.json")
    (tmp_path / "layout.json").write_text('{"sensors_on": [1]}')
    assert "sensors_on needs 12" in _refused(capsys, "plan", "patrols", game, "--layout", tmp_path / "layout.json")
    for content in ("[]", '{"post 1": [47]}', '{"post 1": [47, 139]}', '{"post 1": 3}'):
        (tmp_path / "places.json").write_text(content)
        words = ("plan", "roster", game, plan, "--night", "2026-11-24", "--places", tmp_path / "places.json")
        assert "places.json" in _refused(capsys, *words, "--out", tmp_path / "rosters")
    assert not (tmp_path / "rosters").exists()


@pytest.fixture(scope="module")
def coarse_site(tmp_path_factory):
    """The shipped sector with few cells, beside its own files."""
    from araz.app._data import site_path

    folder = tmp_path_factory.mktemp("site")
    for path in site_path("horadiz").parent.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    text = (folder / "site.toml").read_text()
    few = "[planning]\ncell_m = 3000.0\ndrop_every_m = 4000.0\nlaunch_every_m = 6000.0\n"
    (folder / "site.toml").write_text(text.replace("[planning]\n", few))
    return folder / "site.toml"


def test_a_site_is_planned_from_its_file_with_certificate_picture_and_places(coarse_site, tmp_path, capsys):
    plan, layout = tmp_path / "p.npz", tmp_path / "l.json"
    code, text = run(capsys, "plan", "site", coarse_site, "--out", tmp_path / "i.npz")
    assert code == 0
    assert "7 sensors standing, 12 places for more (likely values)" in text
    code, text = run(capsys, "plan", "sensors", coarse_site, "--budget", 9, "--out", layout)
    assert "Stands: radar-1, radar-2, acoustic-1" in text  # what stands already costs nothing and stays
    code, text = run(capsys, "plan", "patrols", coarse_site, "--layout", layout, "--no-money", "--out", plan)
    assert code == 0
    held = [float(text.split(f"{words} ")[1].split(" kg")[0]) for words in ("more than", "below", "rosters hold")]
    assert held[1] <= held[0] < held[2]
    drawn = ElementTree.parse(plan.with_suffix(".svg")).getroot()
    assert drawn.tag.endswith("svg")
    run(capsys, "plan", "roster", coarse_site, plan, "--night", "2026-11-24", "--out", tmp_path / "r")
    points = [
        ElementTree.fromstring(line) for line in (tmp_path / "r" / "2026-11-24.cot.xml").read_bytes().splitlines()
    ]
    assert len(points) == 12  # three teams in four windows, each at a post whose place the site knows
    assert all(39 < float(point.find("point").attrib["lat"]) < 40 for point in points)


def test_a_corner_of_one_set_of_values_and_sensors_by_number_at_a_site_are_refused(planned, coarse_site, capsys):
    assert "--corner needs a site" in _refused(capsys, "plan", "patrols", planned[0], "--corner", "worst")
    assert "--layout" in _refused(capsys, "plan", "patrols", coarse_site, "--sensors", 3)
    assert "no site" in _refused(capsys, "plan", "patrols", "nowhere")
