"""The patrol's page in a real browser: two taps, no network, the true time of the press."""

import msgspec
import pytest

pytestmark = pytest.mark.browser
PHONE = (390, 844)


@pytest.fixture
def server(night_parts):
    with night_parts.Server(night_parts.Night(6)) as running:
        yield running


def reports_of(night):
    return [msgspec.json.decode(payload) for source, payload in night.submitted if source == "reports"]


def open_patrol(screen, server, until):
    page = screen(server, "/patrol?as=patrol-2", PHONE, has_touch=True)
    until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
    until(page, lambda: page.input_value("select") == "patrol-2", "the names")
    return page


def test_one_press_is_a_report(server, screen, until):
    page = open_patrol(screen, server, until)
    before = server.night.clock()
    page.click('[data-kind="seen"]')
    until(page, lambda: reports_of(server.night), "the report in the journal")
    [sent] = reports_of(server.night)
    assert sent["report"]["kind"] == "seen"
    assert sent["report"]["reporter"] == "patrol-2"
    assert sent.get("azimuth_deg") is None, "no bearing is not north"
    assert sent["report"]["latitude_deg"] is None
    assert before - 2e6 < sent["observed_at_us"] < server.night.clock() + 2e6
    until(page, lambda: "✓ sent" in page.inner_text(".sent"), "the mark")


def test_the_dial_gives_the_bearing(server, screen, until):
    page = open_patrol(screen, server, until)
    dial = page.locator(".bearing svg").bounding_box()
    x, y = dial["x"] + dial["width"] / 2, dial["y"] + dial["height"] / 2
    page.mouse.move(x, y - 60)
    page.mouse.down()
    page.mouse.move(x + 50, y + 50, steps=5)
    page.mouse.up()
    page.click('[data-kind="heard"]')
    until(page, lambda: reports_of(server.night), "the report in the journal")
    [sent] = reports_of(server.night)
    assert sent["azimuth_deg"] == pytest.approx(135, abs=2)
    assert sent["azimuth_sigma_deg"] == 15


def test_offline_presses_wait_and_arrive_once_with_their_own_time(server, screen, until):
    page = open_patrol(screen, server, until)
    page.context.set_offline(True)
    page.click('[data-kind="heard"]')
    pressed_us = server.night.clock()
    page.wait_for_timeout(1500)
    page.click('[data-kind="found"]')
    until(page, lambda: page.inner_text(".sent").count("queued") == 2, "two queued marks")
    assert reports_of(server.night) == []
    page.wait_for_timeout(2000)
    page.context.set_offline(False)
    until(page, lambda: len(reports_of(server.night)) == 2, "both reports")
    until(page, lambda: page.inner_text(".sent").count("✓ sent") == 2, "two sent marks")
    first, second = reports_of(server.night)
    assert (first["report"]["kind"], second["report"]["kind"]) == ("heard", "found")
    assert abs(first["observed_at_us"] - pressed_us) < 1.4e6, "the time of the press, not of the delivery"
    assert second["observed_at_us"] - first["observed_at_us"] > 1.2e6
    assert first["report"]["report_id"] != second["report"]["report_id"]
    page.wait_for_timeout(4500)
    assert len(reports_of(server.night)) == 2, "nothing is delivered again"
    screen.complaints.clear()  # the browser itself complains of being offline


def test_what_waits_survives_closing_the_page(server, screen, until):
    page = open_patrol(screen, server, until)
    until(page, lambda: page.evaluate("() => navigator.serviceWorker.controller !== null"), "the worker")
    page.reload()
    until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
    page.context.set_offline(True)
    page.click('[data-kind="nothing"]')
    until(page, lambda: "queued" in page.inner_text(".sent"), "the queued mark")
    page.reload()
    until(page, lambda: page.locator(".sent p").count() == 1, "the page opened without a network")
    assert "queued" in page.inner_text(".sent")
    page.context.set_offline(False)
    until(page, lambda: len(reports_of(server.night)) == 1, "the report")
    screen.complaints.clear()


def test_the_order_appears_when_the_officer_sends(server, screen, running, until):
    patrol = open_patrol(screen, server, until)
    officer = screen(server)
    running(officer)
    assert "No order" in patrol.inner_text(".order")
    officer.keyboard.press("1")
    officer.keyboard.press("Enter")
    until(patrol, lambda: "Patrol 2 to the drop area by the farm road" in patrol.inner_text(".order"), "the order")
    text = patrol.inner_text(".order")
    for piece in ("drop area", "within 700 m", "time left", "Do not touch the load"):
        assert piece in text
