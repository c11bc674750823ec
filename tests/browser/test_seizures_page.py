"""The analyst's page in a real browser: report, shares, claims and register of a register made by the import."""

import re

import pytest

import axe
from araz_testing import araz
from seizure_lab import crew_files, ids_file, ids_row, moved_rows
from spoken import english_in

pytestmark = pytest.mark.browser


@pytest.fixture
def server(night_parts, serve, tmp_path):
    drugs = ("Heroin", "Marijuana", "Opium")
    days = [f"{2021 + k % 3}-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in range(60)]
    rows = [ids_row(day, drugs[k % 7 % 3], str(1 + k % 5), place="Horadiz") for k, day in enumerate(days)]
    (tmp_path / "in.csv").write_bytes(ids_file(*rows))
    assert araz("seizures", "import", tmp_path / "in.csv", "--register", tmp_path / "r.sqlite") == 0
    night = night_parts.Night(2)
    night.register = tmp_path / "r.sqlite"
    return serve(night)


def test_report_shares_claims_and_register(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("e")
    until(page, lambda: "Seizures in December 2023" in page.inner_text(".drawer"), "the report of the last month")
    assert page.locator(".drawer svg").count() >= 1
    assert page.locator(".drawer details").count() >= 1, "rows behind a number are one click away"
    page.fill('input[placeholder="2026-10"]', "2022-05")
    page.keyboard.press("Enter")
    until(page, lambda: "Seizures in May 2022" in page.inner_text(".drawer"), "the month asked for")
    page.click("text=Shares over time")
    until(page, lambda: page.locator(".drawer meter").count() >= 3, "shares with their meters")
    page.click(".drawer >> text=Register")
    until(page, lambda: "60 seizures, 60 shown" in page.inner_text(".drawer"), "the register")
    page.fill(".drawer input >> nth=0", "heroin")
    page.keyboard.press("Enter")
    until(page, lambda: "60 seizures" not in page.inner_text(".drawer"), "a narrower question")
    assert "Horadiz" in page.inner_text(".drawer")
    page.click(".drawer table button >> nth=0")
    until(page, lambda: "import of in.csv – entered" in page.inner_text(".drawer"), "the history of a record")
    page.click("text=Claims")
    figures = "quantity,period,value,unit,claim_in_text\nseized,H1 2023,2921,kg,\nseized,H1 2024,2844,kg,\n"
    page.set_input_files('input[type="file"]', {"name": "f.csv", "mimeType": "text/csv", "buffer": figures.encode()})
    until(page, lambda: "no change" in page.inner_text(".drawer"), "the verdict")


def test_series_routes_on_the_map_and_catches_beside_the_effort(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("e")
    page.click("text=Changes and forecast")
    until(page, lambda: "No change of level beyond chance" in page.inner_text(".drawer"), "the series")
    assert page.locator(".drawer polyline.said").count() == 1, "the forecast is another line than what was seen"
    page.click(".drawer >> text=Routes")
    until(page, lambda: "L" in (page.locator("path.land").get_attribute("d") or ""), "outlines under the routes")
    assert page.locator(".drawer .place").count() == 16
    page.click('.drawer [aria-label="Close Azerbaijan"] circle')
    until(page, lambda: page.locator(".drawer tr.shut").count() >= 3, "closed legs")
    table = page.inner_text(".drawer table")
    assert "BEFORE" in table.upper()
    page.select_option(".drawer select >> nth=1", "GEO")
    until(page, lambda: "Seized at" in page.inner_text(".drawer"), "whence and whither")
    page.click(".drawer >> text=Where and when")
    caught = "position_km,date\n" + "".join(f"{7 * k % 100},2024-0{1 + k % 9}-05\n" for k in range(20))
    page.set_input_files(
        ".drawer input[type=file] >> nth=0", {"name": "c.csv", "mimeType": "text/csv", "buffer": caught.encode()}
    )
    until(page, lambda: "says nothing of where they cross" in page.inner_text(".drawer"), "the warning")
    assert page.locator(".drawer polyline").count() == 1
    assert page.locator(".drawer polyline.said").count() == 0, "where they were caught is seen, however unsure"
    hours = b"position_km,hours\n10,50\n"
    page.set_input_files(
        ".drawer input[type=file] >> nth=1", {"name": "e.csv", "mimeType": "text/csv", "buffer": hours}
    )
    until(page, lambda: page.locator(".drawer rect.none").count() == 19, "where nobody was")
    assert page.inner_text(".drawer").count("nothing known") == 19


def test_the_pages_say_all_they_say_in_azerbaijani(server, screen, running, until):
    page = screen(server, "/?lang=az")
    running(page)
    page.keyboard.press("e")

    def check(holds, what):
        until(
            page, lambda: holds in page.inner_text(".drawer") and "hesablanır" not in page.inner_text(".drawer"), what
        )
        assert english_in(page.inner_text(".drawer").replace("in.csv", "")) == set(), what

    check("Müsadirələr: dekabr 2023", "the report")
    link = page.get_attribute(".drawer a", "href")
    assert english_in(re.sub(r"<[^>]*>", " ", page.request.get(server.url + link).text())) == set()
    page.click(".drawer >> text=Zaman üzrə paylar")
    check("tiryək", "shares")
    page.click(".drawer >> text=Dəyişmələr və proqnoz")
    check("mövsümi təkrar", "the series")
    page.keyboard.press("x")
    until(page, lambda: "seasonal naive" in page.inner_text(".drawer"), "the same answer in the other language")
    page.keyboard.press("x")
    page.click(".drawer >> text=Reyestr")
    check("60 müsadirə, 60 göstərilir", "the register")
    page.click(".drawer table button >> nth=0")
    check("in.csv idxal olunub – daxil edilib", "the history of a record")
    page.click(".drawer >> text=Marşrutlar")
    check("Əfqanıstan", "the routes")
    page.select_option(".drawer select >> nth=1", "GEO")
    check("Gürcüstan müsadirəsi", "whence and whither")
    page.set_viewport_size({"width": 390, "height": 844})
    for choice in page.locator(".drawer select").all():
        box, drawer = choice.bounding_box(), page.locator(".drawer").bounding_box()
        assert box["x"] + box["width"] <= drawer["x"] + drawer["width"], "a long leg's name stays inside a phone's page"
    page.set_viewport_size({"width": 1280, "height": 720})
    page.click(".drawer >> text=Harada və nə vaxt")
    caught = "position_km,date\n" + "".join(f"{7 * k % 100},2024-0{1 + k % 9}-05\n" for k in range(20))
    files = ".drawer input[type=file] >> nth=0"
    page.set_input_files(files, {"name": "c.csv", "mimeType": "text/csv", "buffer": caught.encode()})
    check("Ən güclü toplanma", "clusters")
    screen.awaits("400 (Bad Request)")
    page.set_input_files(files, {"name": "c.csv", "mimeType": "text/csv", "buffer": b"position_km,date\n4,yesterday\n"})
    check("tarix deyil", "a refusal")
    page.click(".drawer >> text=İddialar")
    figures = (
        "quantity,period,value,unit,claim_in_text\nseized,H1 2023,2921,kg,\nseized,H1 2024,2844,kg,\n"
        "drug offences,2013,2709,cases,\ndrug offences,2023,10057,cases,fivefold\norigin Iran,2023,95,%,up to 95 %\n"
        "opium production,2023,330,t,95 % below 2021\n"
    )
    page.set_input_files(files, {"name": "f.csv", "mimeType": "text/csv", "buffer": figures.encode()})
    until(page, lambda: "iddiadır" in page.inner_text(".drawer"), "claims")
    said = (
        page.inner_text(".drawer").replace("drug offences", "").replace("95 % below 2021", "").replace("up to 95 %", "")
    )
    assert english_in(said) <= {"seized"}


def test_crews_and_displacement_in_pictures_in_both_languages(night_parts, serve, screen, running, until, tmp_path):
    (tmp_path / "in.csv").write_bytes(ids_file(*moved_rows()))
    assert araz("seizures", "import", tmp_path / "in.csv", "--register", tmp_path / "r.sqlite") == 0
    night = night_parts.Night(2)
    night.register = tmp_path / "r.sqlite"
    page = screen(serve(night), "/?lang=az", bypass_csp=True)
    running(page)
    axe.ready(page)
    page.keyboard.press("e")
    page.click(".drawer >> text=Eyni dəstə?")
    for index, text in enumerate(crew_files()):
        page.set_input_files(
            f".drawer input[type=file] >> nth={index}",
            {"name": "f.csv", "mimeType": "text/csv", "buffer": text.encode()},
        )
    until(page, lambda: page.locator(".drawer ol > li").count() == 30, "the pairs of five crews of four")
    assert page.locator(".drawer .matrix text").count() == 40, "twenty sorties, named on both sides"
    assert page.locator(".drawer ol > li > details[open]").count() == 1, "the likeliest is told whole"
    assert "eyni radio vərdişi (lehinə" in page.inner_text(".drawer ol > li >> nth=0")
    names = ("sortie_id, date və məlum olduqda serial, radio, corridor_km, hour, load_kg, drop_style", "crew sütunu")
    said = page.inner_text(".drawer")
    for name in names:
        said = said.replace(name, "")
    assert english_in(said) == set()
    assert axe.violations(page) == []
    page.click(".drawer >> text=Yerini dəyişdimi?")
    for index, text in enumerate(("Horadiz", "Goytapa", "Lankaran", "2013-09-01")):
        page.fill(f".drawer form input >> nth={index}", text)
    page.keyboard.press("Enter")
    until(page, lambda: "Yerini dəyişib." in page.inner_text(".drawer"), "the answer")
    assert page.locator(".drawer figure rect").count() == 48, "what pretended dates show, there and beside"
    assert page.locator(".drawer .ratios circle").count() == 2
    assert page.locator(".drawer polyline").count() == 4, "three areas, and what was foretold of one"
    assert english_in(page.inner_text(".drawer")) == set()
    page.click(".drawer h4 >> nth=0")  # a letter is no key while a field has the focus
    page.keyboard.press("x")
    until(page, lambda: "Displaced. The treated area's rate is" in page.inner_text(".drawer"), "the other language")
    assert axe.violations(page) == []
    page.fill(".drawer form input >> nth=2", "Elsewhere")
    assert "Lankaran" in page.inner_text(".drawer .legend .control"), "as asked, not as typed since"
    page.fill(".drawer form input >> nth=2", "Lankaran")
    page.fill(".drawer form input >> nth=3", "2012-03-01")
    page.keyboard.press("Enter")
    until(page, lambda: "Refused: 2 periods before and 38 after" in page.inner_text(".drawer"), "where it cannot tell")
    given_up = []
    page.on("requestfailed", lambda asked: given_up.append(asked.url))
    page.route("**/api/seizures/displacement", lambda _: None)
    page.click(".drawer form button")
    until(page, lambda: "computing" in page.inner_text(".drawer"), "a question that nobody answers")
    page.click(".drawer >> text=One crew?")
    until(page, lambda: [url for url in given_up if url.endswith("/displacement")], "given up with its page")


def test_no_register_says_how_to_make_one(night_parts, serve, screen, running, until):
    page = screen(serve(night_parts.Night(2)))
    running(page)
    screen.awaits("400 (Bad Request)")
    page.keyboard.press("e")
    until(page, lambda: "araz seizures import" in page.inner_text(".drawer"), "the remedy")
