"""The coverage page in a real browser: the map's claim, who is not counted, and the answer to the last question."""

import threading

import pytest

from araz.app._coverage import CoverageDesk

pytestmark = pytest.mark.browser


@pytest.fixture
def server(night_parts, serve):
    return serve(night_parts.Night(6))


def test_the_map_answers_the_last_question_however_late_an_earlier_answer_comes(
    server, screen, running, until, monkeypatch
):
    answer, may_go, gone = CoverageDesk.answer, threading.Event(), threading.Event()

    def slow_for_small(desk, quarry, at_us):
        made = answer(desk, quarry, at_us)
        if quarry == "small":
            assert may_go.wait(60)
            gone.set()
        return made

    monkeypatch.setattr(CoverageDesk, "answer", slow_for_small)
    page = screen(server)
    running(page)
    page.keyboard.press("v")
    until(page, lambda: "for: heavy multirotor" in page.inner_text(".drawer"), "the map of the heavy target")
    text = page.inner_text(".drawer")
    assert "In the red, silence means little." in text
    assert "Not counted: acoustic-3" in text
    assert "Weather not told" in text
    with page.expect_response("**/api/coverage?quarry=small*") as late:
        page.click('input[value="small"]')
        with page.expect_response("**/api/coverage?quarry=heavy*"):
            page.click('input[value="heavy"]')
        may_go.set()
    assert late.value.ok
    assert gone.is_set()
    page.wait_for_timeout(500)
    assert "for: heavy multirotor" in page.inner_text(".drawer"), "the small target's answer came too late"
    page.click('input[value="small"]')
    until(page, lambda: "for: small quadcopter" in page.inner_text(".drawer"), "the map of the small target")


def test_a_map_that_cannot_be_made_says_why(server, screen, running, until, monkeypatch):
    def broken(desk, quarry, at_us):
        raise OSError("no room")

    page = screen(server)
    running(page)
    monkeypatch.setattr(CoverageDesk, "answer", broken)
    screen.awaits("500 (Internal Server Error)")
    page.keyboard.press("v")
    until(page, lambda: "read the log of araz" in page.inner_text(".drawer"), "cause and remedy")
