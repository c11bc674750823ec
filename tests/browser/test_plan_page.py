"""The plan page in a real browser: the certificate, a post dragged on the map, two plans side by side."""

import pytest

from spoken import english_in

pytestmark = pytest.mark.browser


def test_a_dragged_post_shows_what_it_would_change_and_back_is_as_before(night_parts, serve, screen, running, until):
    server = serve(night_parts.Night(2))
    page = screen(server)
    running(page)
    page.keyboard.press("p")
    until(page, lambda: "Guarantee: no attack" in page.inner_text(".drawer"), "the certificate")
    kept = page.inner_text(".two tbody")
    assert "kg" in kept
    assert page.inner_text('[data-figure="guarantee"]') == "–", "nothing was asked yet"
    handle = page.locator('[data-handle="post patrol-2"]').bounding_box()
    assert page.locator('[data-handle="sensor site-east"]').count() == 1
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 60, steps=6)
    page.mouse.up()
    until(page, lambda: "kg" in page.inner_text('[data-figure="guarantee"]'), "the answer to what if")
    moved = page.locator('[data-handle="post patrol-2"]').bounding_box()
    assert abs(moved["x"] - handle["x"] - 40) < 8
    page.click("text=Back to kept")
    until(page, lambda: page.inner_text('[data-figure="guarantee"]') == "–", "the kept plan alone")
    assert page.inner_text(".two tbody") == kept
    back = page.locator('[data-handle="post patrol-2"]').bounding_box()
    assert abs(back["x"] - handle["x"]) < 3, "the handle is where the kept plan has it"
    page.keyboard.press("p")
    until(page, lambda: page.locator(".plan-handle").count() == 0, "a map without handles")


def test_everything_works_by_keys_and_a_second_plan_can_be_kept(night_parts, serve, screen, running, until):
    page = screen(serve(night_parts.Night(2)))
    running(page)
    page.keyboard.press("p")
    until(page, lambda: "Guarantee: no attack" in page.inner_text(".drawer"), "the certificate")
    page.get_by_label("site-east (1)").focus()
    page.keyboard.press("Space")
    until(page, lambda: "kg" in page.inner_text('[data-figure="guarantee"]'), "the answer with one sensor more")
    page.click("text=Keep what if")
    until(page, lambda: page.inner_text('[data-figure="guarantee"]') == "–", "what if became the kept plan")
    page.get_by_role("button", name="one team more").click()
    until(page, lambda: "+1" in page.inner_text(".two tbody"), "the difference of one team")
    page.select_option("select", "post patrol-1")
    with page.expect_response("**/api/plan") as answer:
        page.get_by_role("button", name="north", exact=True).click()
    asked = answer.value.request.post_data_json
    assert asked["teams"] == 3, "what was asked before still holds"
    assert "site-east" in asked["standing"]
    assert asked["posts"][0]["id"] == "patrol-1"


def test_the_certificate_is_read_in_azerbaijani(night_parts, serve, screen, running, until):
    page = screen(serve(night_parts.Night(2)), "/?lang=az")
    running(page)
    page.keyboard.press("p")
    until(page, lambda: "Zəmanət: məhz bu növbə" in page.inner_text(".drawer"), "the certificate")
    assert english_in(page.inner_text(".drawer")) == set()
    assert " kg" not in page.inner_text(".drawer")
    page.keyboard.press("x")
    until(page, lambda: "Guarantee: no attack" in page.inner_text(".drawer"), "the same in English")


def test_a_question_the_planner_refuses_says_why(night_parts, serve, screen, running, until, monkeypatch):
    from araz.app._plan_desk import PlanDesk

    def refuse(desk, ask):
        raise ValueError("No road of ours lies within reach.")

    monkeypatch.setattr(PlanDesk, "answer", refuse)
    page = screen(serve(night_parts.Night(2)))
    running(page)
    screen.awaits("400 (Bad Request)")
    page.keyboard.press("p")
    until(page, lambda: "No road of ours lies" in page.inner_text(".drawer"), "the cause")
