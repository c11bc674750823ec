"""The plan and seizure pages' answers, held against the planner asked directly and the commands' own output."""

import asyncio
import dataclasses
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import numpy as np
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from araz.app import _plan_answer
from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._data import site_path
from araz.app._plan_desk import KEPT, PlanDesk, plan_handlers
from araz.app._seizure_desk import seizure_handlers
from araz.console import Refused
from araz.console._errors import on_refused
from araz.deployment import coverage_of, game_of_site, plan_patrols
from araz.vocabulary import PlanAsk, PlanShown, Said, in_language, phrase, phrase_of
from araz_testing import araz
from seizure_lab import crew_files, ids_file, ids_row, moved_rows
from spoken import left_in_english

TOLD = {Refused: on_refused}


@pytest.fixture(scope="module")
def place():
    place = site_from_bundle(bundle_from_file(site_path("horadiz")))[1]
    coarse = msgspec.structs.replace(
        place.site.planning, cell_m=3000.0, drop_every_m=4000.0, launch_every_m=6000.0, window_value=(1.0, 0.8)
    )
    return dataclasses.replace(place, site=msgspec.structs.replace(place.site, planning=coarse))


@pytest.fixture(scope="module")
def client(place):
    with TestClient(Litestar(plan_handlers(place), exception_handlers=TOLD)) as client:
        yield client


def shown(answer) -> PlanShown:
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=PlanShown)


def test_the_page_shows_the_planners_own_figures(client, place):
    told, game = shown(client.get("/api/plan?corner=worst")), game_of_site(place, "worst")
    plan = plan_patrols(game.instance, game.standing)
    assert (told.guarantee_kg, told.bound_kg) == pytest.approx((plan.guarantee_kg, plan.bound_kg))
    assert [post.share for post in told.posts] == pytest.approx(coverage_of(game.instance, plan).mean(axis=0))
    assert max(cell.brings_kg for cell in told.cells) == pytest.approx(plan.guarantee_kg)
    assert [sensor.id for sensor in told.sensors if sensor.share == 1] == list(
        np.array(game.instance.sensor_names)[game.standing > 0]
    )
    assert told.words[0].startswith("Guarantee")


def test_what_if_answers_for_what_was_moved_and_never_gets_worse_with_more(client):
    before = shown(client.get("/api/plan"))
    names = [sensor.id for sensor in before.sensors]
    more = shown(client.post("/api/plan", json={"standing": names, "teams": 8}))
    assert more.guarantee_kg <= before.guarantee_kg * 1.001
    assert more.cost > before.cost == 0
    away = {"id": "Post 4", "longitude_deg": 47.0, "latitude_deg": 39.6}
    moved = shown(client.post("/api/plan", json={"posts": [away]}))
    place_of = {post.id: (post.longitude_deg, post.latitude_deg) for post in moved.posts}
    assert place_of["Post 4"] == pytest.approx((47.0, 39.6), abs=1e-4)
    assert moved.bound_kg >= before.bound_kg - 1e-6
    assert shown(client.get("/api/plan")) == before, "a question changes nothing"


def test_the_plan_as_it_is_stays_kept_however_many_questions_are_asked(place, monkeypatch):
    made = []
    monkeypatch.setattr(_plan_answer, "plan_shown", lambda place, ask: made.append(ask) or ask)
    desk = PlanDesk(place)
    for teams in range(1, 3 * KEPT):
        desk.answer(PlanAsk())
        desk.answer(PlanAsk(teams=teams))
    assert made.count(PlanAsk()) == 1


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"posts": [{"id": "x", "longitude_deg": 47, "latitude_deg": 39}]}, "no post 'x'"),
        ({"standing": ["x"]}, "no sensor 'x'"),
        ({"teams": 0}, "teams"),
        ({"corner": "x"}, "corner"),
        ({"posts": [{"id": "Post 4", "longitude_deg": 470, "latitude_deg": 39}]}, "longitude_deg"),
    ],
)
def test_a_question_that_does_not_fit_is_refused_by_name(client, body, word):
    answer = client.post("/api/plan", json=body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


def test_a_site_without_planning_says_what_to_write(place):
    bare = dataclasses.replace(place, site=msgspec.structs.replace(place.site, planning=None))
    with TestClient(Litestar(plan_handlers(bare), exception_handlers=TOLD)) as client:
        assert "[planning]" in client.get("/api/plan").json()["error"]["message"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A register and one console before it: the process that answers is begun once."""
    folder = tmp_path_factory.mktemp("kept")
    drugs = ("Heroin", "Marijuana", "Opium")
    rows = [
        ids_row(f"{2021 + k % 3}-{1 + k % 12:02d}-{1 + k % 28:02d}", drugs[k % 7 % 3], str(1 + k % 5))
        for k in range(60)
    ]
    (folder / "in.csv").write_bytes(ids_file(*rows))
    assert araz("seizures", "import", folder / "in.csv", "--register", folder / "r.sqlite") == 0
    with TestClient(Litestar(seizure_handlers(folder / "r.sqlite"), exception_handlers=TOLD)) as client:
        yield folder, client


@pytest.fixture
def here(kept, monkeypatch):
    """The register's folder; commands are run in it."""
    monkeypatch.chdir(kept[0])
    return kept[0]


@pytest.fixture
def register(kept, here):
    return kept[1]


def printed(capsys, *words):
    capsys.readouterr()
    araz("seizures", *words)
    return json.loads(capsys.readouterr().out)


def without_said(answer, least):
    """What the command prints of an answer; beside it stands what each sentence was made of, in both languages."""
    said = msgspec.convert(answer.pop("said"), dict[str, Said])
    assert len(said) >= least
    for text, one in said.items():
        assert phrase_of(text, one) == phrase(one.key, **{name: _again(value) for name, value in one.values.items()})
        assert left_in_english(text, one) == set(), text
    return answer


def _again(value):
    if isinstance(value, Said):
        return phrase(value.key, **{name: _again(one) for name, one in value.values.items()})
    return [_again(one) for one in value] if isinstance(value, list) else value


def test_the_analysts_page_says_what_the_commands_say(register, here, capsys):
    listed = printed(capsys, "list", "--register", "r.sqlite", "--limit", 200, "--from", "2022-01-01", "--json")
    assert 0 < listed["seizures"] < 60
    assert register.get("/api/seizures?since=2022-01-01").json() == listed
    shares = printed(capsys, "composition", "r.sqlite", "--every", "year", "--json")
    assert register.get("/api/seizures/composition?every=year").json() == shares
    araz("seizures", "report", "2023-03", "--register", "r.sqlite", "--out", "report")
    page = register.get("/api/seizures/report.html?month=2023-03")
    assert page.text == (here / "report" / "report.html").read_text("utf-8")
    told = register.get("/api/seizures/report?month=2023-03").json()
    assert told["title"] in page.text
    assert register.get("/api/seizures/report").json()["month"] == "2023-12", "the last month of the register"


def test_series_routes_and_history_are_the_commands_own(register, capsys):
    told = register.get("/api/seizures/series?substance=heroin&what=kg").json()
    heroin = ("r.sqlite", "--substance", "heroin", "--what", "kg", "--json")
    assert told["changes"] == printed(capsys, "changes", *heroin)
    assert len(told["months"]) == len(told["values"]) == told["changes"]["periods"]
    assert told["forecast"] == printed(capsys, "forecast", *heroin)
    routes = printed(capsys, "routes", "r.sqlite", "--close", "IRN>AZE", "--seizure-at", "AZE", "--json")
    asked = register.get("/api/seizures/routes", params={"close": "IRN>AZE", "seizure_at": "AZE"})
    assert without_said(asked.json(), 3) == routes
    which = register.get("/api/seizures").json()["records"][0]["seizure_id"]
    araz("seizures", "edit", which, "place=Imishli", "--reason", "the report names it", "--register", "r.sqlite")
    history = register.get(f"/api/seizures/history?id={which[:10]}").json()
    assert history == printed(capsys, "history", which, "--register", "r.sqlite", "--json")
    assert [one["record"]["place"] for one in history] == ["Astara", "Imishli"]


def test_a_short_series_is_shown_without_a_forecast_and_says_why(tmp_path):
    (tmp_path / "in.csv").write_bytes(ids_file(*(ids_row(f"2021-{month:02d}-03") for month in range(1, 13))))
    assert araz("seizures", "import", tmp_path / "in.csv", "--register", tmp_path / "few.sqlite") == 0
    with TestClient(Litestar(seizure_handlers(tmp_path / "few.sqlite"), exception_handlers=TOLD)) as client:
        told = client.get("/api/seizures/series").json()
    assert told["values"] == [1.0] * 12
    assert (told["forecast"], "at least 36" in told["refused"]) == (None, True)


def test_where_is_the_commands_own_and_says_where_nobody_was(register, here, capsys):
    rows = [f"{3 * k % 40},2024-{1 + k % 12:02d}-05" for k in range(12)]
    caught, effort = "position_km,date\n" + "\n".join(rows) + "\n", "position_km,hours\n5,100\n15,40\n"
    (here / "at.csv").write_text(caught)
    (here / "work.csv").write_text(effort)
    said = printed(capsys, "where", "at.csv", "--length-km", "40", "--effort", "work.csv", "--cells", "4", "--json")
    asked = {"csv": caught, "effort_csv": effort, "length_km": 40, "cells": 4}
    told = without_said(register.post("/api/seizures/where", json=asked).json(), 3)
    assert told == said
    assert [rate["effort"] for rate in told["rates"]] == [100, 40, 0, 0]
    assert told["rates"][3]["rate"] is None, "no patrol, nothing known"
    alone = register.post("/api/seizures/where", json={**asked, "effort_csv": ""}).json()
    assert "no effort is given" in alone["label"]


def test_claims_are_judged_as_the_command_judges_them(register, here, capsys):
    figures = "quantity,period,value,unit,claim_in_text\nseized,H1 2023,2921,kg,\nseized,H1 2024,2844,kg,fell\n"
    (here / "figures.csv").write_text(figures)
    said = printed(capsys, "claims", "figures.csv", "--json")
    told = register.post("/api/seizures/claims", json={"name": "figures.csv", "csv": figures}).json()
    assert without_said(told, 5)["findings"] == said["findings"] != []
    bad = figures + "seized,when,1,kg,\n"
    refused = register.post("/api/seizures/claims", json={"name": "figures.csv", "csv": bad}).json()
    row = phrase_of(refused["refused"][0], msgspec.convert(refused["said"][refused["refused"][0]], Said))
    assert str(row).startswith("figures.csv, row 4, period: is not a period such as 2023")
    assert in_language(row, "az").startswith("figures.csv, sətir 4, period: 2023, H1 2023")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/seizures/report?month=2023-3x", "no month"),
        ("/api/seizures?since=yesterday", "no day"),
        ("/api/seizures/composition?every=week", "no period"),
        ("/api/seizures/series?what=money", "neither loads nor kg"),
        ("/api/seizures/series?substance=cocaine", "seizures"),
        ("/api/seizures/routes?close=XXX", "the network has no 'XXX'"),
        ("/api/seizures/history?id=zzz", "zzz"),
    ],
)
def test_a_wrong_question_to_the_register_is_refused(register, path, word):
    answer = register.get(path)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    if word not in ("no period", "neither loads nor kg"):  # no page asks so
        refused_in_both(answer.json()["error"])


def refused_in_both(error):
    for name in ("message", "remedy"):
        assert not left_in_english(error[name], msgspec.convert(error[f"{name}_said"], Said))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"csv": "date\n2024-01-05\n"}, "position_km"),
        ({"csv": "position_km,date\nnan,2024-01-05\n"}, "row 2: position_km is not a number"),
        ({"csv": "position_km,date\n4,05/13/2024\n"}, "row 2"),
        ({"effort_csv": "position_km,hours\n4,-1\n"}, "below zero"),
        ({"length_km": 0}, "length_km"),
    ],
)
def test_catches_that_do_not_fit_are_refused_by_row(register, change, word):
    asked = {"csv": "position_km,date\n1,2024-01-05\n", "length_km": 40, **change}
    answer = register.post("/api/seizures/where", json=asked)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    if word != "length_km":  # the shape of the question, which the page gives
        refused_in_both(answer.json()["error"])


def test_crews_are_the_commands_own(register, here, capsys):
    season, solved = crew_files()
    (here / "season.csv").write_text(season)
    (here / "solved.csv").write_text(solved)
    said = printed(capsys, "crews", "season.csv", "--solved", "solved.csv", "--least", "0.2", "--json")
    asked = {"csv": season, "solved_csv": solved, "least": 0.2}
    told = without_said(register.post("/api/seizures/crews", json=asked).json(), 10)
    assert told == {"sorties": 20, "pairs": len(said), "links": said}
    assert said[0]["one"].split("-")[0] == said[0]["other"].split("-")[0], "the likeliest pair is one crew's"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"csv": "sortie_id\na\n"}, "the season's sorties needs a column 'date'"),
        ({"csv": "sortie_id,date,hour\na,2025-01-01,99\n"}, "the season's sorties, row 2: hour is 99"),
        ({"solved_csv": "sortie_id,date\na,2025-01-01\n"}, "the solved cases: no row names its crew"),
        ({"solved_csv": "sortie_id,date,crew\na,2025-01-01,c\n"}, "five such crews are needed"),
        ({"csv": "sortie_id,date\n" + "".join(f"{k},2025-01-01\n" for k in range(1001))}, "at most 1,000"),
    ],
)
def test_sorties_that_do_not_fit_are_refused_by_row(register, change, word):
    season, solved = crew_files()
    answer = register.post("/api/seizures/crews", json={"csv": season, "solved_csv": solved, **change})
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    refused_in_both(answer.json()["error"])


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """A register of what ``moved_rows`` tells."""
    folder, rows = tmp_path_factory.mktemp("moved"), moved_rows()
    (folder / "in.csv").write_bytes(ids_file(*rows))
    assert araz("seizures", "import", folder / "in.csv", "--register", folder / "r.sqlite") == 0
    with TestClient(Litestar(seizure_handlers(folder / "r.sqlite"), exception_handlers=TOLD)) as client:
        yield folder, client


NETWORK = """
nodes = [{id="O", latitude_deg=39, longitude_deg=47, supply=1}, {id="M", latitude_deg=41, longitude_deg=49, demand=1},
 {id="n", latitude_deg=40, longitude_deg=48}]
edges = [{start="O", end="n"}, {start="n", end="M"}]
"""
MOVED = {"treated": "Horadiz", "buffer": ["Goytapa"], "control": ["Lankaran"], "since": "2013-09-01"}


def test_displacement_is_the_commands_own_with_what_a_picture_needs(moved, monkeypatch, capsys):
    folder, client = moved
    monkeypatch.chdir(folder)
    line = ("--treated", "Horadiz", "--buffer", "Goytapa", "--control", "Lankaran", "--from", "2013-09-01")
    said = printed(capsys, "displacement", "r.sqlite", *line, "--json")
    told = without_said(client.post("/api/seizures/displacement", json=MOVED).json(), 9)
    assert told == said
    assert told["displacement"]["verdict"] == "displaced"
    assert len(told["periods"]) == len(told["treated"]) == len(told["displacement"]["counts"]) == 40
    assert told["periods"][told["change"]] == "2013-09"
    tried = told["displacement"]["pretended"]
    for name, p in (("direct", "p_direct"), ("neighbours", "p_neighbours")):
        beyond = sum(
            n for n, edge in zip(tried[name], tried["edges"][1:], strict=True) if edge >= tried[f"seen_{name}"]
        )
        assert sum(tried[name]) == told["displacement"]["placebos"]
        assert beyond >= round(told["displacement"][p] * 500) - 1, "no order counted in p lies left of what was seen"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"treated": "Nowhere"}, "no seizures at Nowhere"),
        ({"buffer": []}, "name the neighbours"),
        ({"since": "soon"}, "'soon' is no day"),
        ({"network": NETWORK}, "'Horadiz' is no place of the network"),
    ],
)
def test_a_wrong_question_of_displacement_is_refused(moved, change, word):
    answer = moved[1].post("/api/seizures/displacement", json=MOVED | change)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    refused_in_both(answer.json()["error"])


def test_where_displacement_cannot_be_told_it_says_so_in_both_languages(moved):
    """Too few periods on one side: an answer, not an error."""
    told = moved[1].post("/api/seizures/displacement", json=MOVED | {"since": "2012-03-01"}).json()
    assert told["displacement"]["verdict"] == "refused"
    assert told["displacement"]["pretended"] is None
    assert "at least 6 on each side" in without_said(told, 6)["displacement"]["sentence"]


def test_no_register_names_the_import(tmp_path):
    app = Litestar(seizure_handlers(tmp_path / "none.sqlite"), exception_handlers=TOLD)
    with TestClient(app) as client:
        assert "araz seizures import" in client.get("/api/seizures/report").json()["error"]["message"]


def test_questions_that_wait_hold_no_thread_of_the_night(place, monkeypatch):
    """The night takes its messages on the loop's own threads; a page that asks for long leaves all of them free."""
    begun, ends = threading.Event(), threading.Event()

    def slowly(*_, **__):
        begun.set()
        ends.wait(60)
        raise ValueError("enough")

    async def ask_and_take() -> list[int]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        app = httpx.ASGITransport(app=Litestar(plan_handlers(place), exception_handlers=TOLD))
        async with httpx.AsyncClient(transport=app, base_url="http://araz") as client:
            asked = [asyncio.create_task(client.get("/api/plan")) for _ in range(3)]
            while not begun.is_set():
                await asyncio.sleep(0.01)
            try:
                await asyncio.wait_for(asyncio.to_thread(int), 20)
            finally:
                ends.set()
                answers = await asyncio.gather(*asked)
        return [answer.status_code for answer in answers]

    monkeypatch.setattr(_plan_answer, "plan_shown", slowly)
    assert asyncio.run(ask_and_take()) == [400] * 3


def test_a_night_begins_without_tables_and_planner():
    """Both pages load what they need with their first question; the handlers wait for nothing."""
    heavy = "{'polars', 'highspy', 'scipy.stats', 'araz.deployment', 'araz.intelligence'}"
    code = (
        "import sys\nfrom pathlib import Path\n"
        "import araz.app._live\n"
        "from araz.app._plan_desk import plan_handlers\n"
        "from araz.app._seizure_desk import seizure_handlers\n"
        "plan_handlers(object()), seizure_handlers(Path('r.sqlite'))\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_who_sees_a_part_of_the_night_gets_neither_plan_nor_register():
    with TestClient(Litestar([*plan_handlers(None), *seizure_handlers(None)], exception_handlers=TOLD)) as client:
        pages = ("report", "composition", "series", "routes", "history")
        for path in ("/api/plan", "/api/seizures", *(f"/api/seizures/{page}" for page in pages)):
            assert client.get(path).status_code == 403, path
        assert client.post("/api/plan", json={}).status_code == 403


def test_the_site_of_a_partial_view_holds_no_planning(place):
    from araz.disclosure import open_site, sees_all

    feeds = [msgspec.structs.replace(feed, owner="x") if feed.id == "posts" else feed for feed in place.site.feeds]
    site = msgspec.structs.replace(place.site, service="home", feeds=feeds)
    assert sees_all(site, "home") is False
    assert open_site(site, "home").planning is None


def test_a_register_of_monthly_sums_has_a_last_month_too(shelf, tmp_path):
    """The American table knows months and no days."""
    table = shelf / "data" / "drugs" / "cbp_nationwide_drugs_fy19_fy22.csv"
    assert araz("seizures", "import", table, "--register", tmp_path / "r.sqlite") == 0
    with TestClient(Litestar(seizure_handlers(tmp_path / "r.sqlite"), exception_handlers=TOLD)) as client:
        assert client.get("/api/seizures/report").json()["month"] == "2022-09"
