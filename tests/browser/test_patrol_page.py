"""The patrol's page in a real browser: two taps, no network, the true time of the press."""

import msgspec
import pytest

from araz.console import Refused
from araz.vocabulary import phrase

pytestmark = pytest.mark.browser
PHONE = (390, 844)


@pytest.fixture
def server(night_parts, serve):
    return serve(night_parts.Night(6))


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
    screen.awaits("net::ERR_")
    page.context.set_offline(True)
    before_us = server.night.clock()
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
    is_between = before_us - 1.4e6 < first["observed_at_us"] < pressed_us + 1.4e6
    assert is_between, "the time of the press, not of the delivery"
    assert second["observed_at_us"] - first["observed_at_us"] > 1.2e6
    assert first["report"]["report_id"] != second["report"]["report_id"]
    page.wait_for_timeout(4500)
    assert len(reports_of(server.night)) == 2, "nothing is delivered again"


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


def test_an_order_on_a_card_for_many_stays_about_its_member(server, screen, running, until):
    """The newest options name the other one for him; his order is the one he was sent to, with its area."""
    patrol = open_patrol(screen, server, until)
    officer = screen(server)
    running(officer)
    server.call(server.night.group_of_two)
    until(officer, lambda: officer.locator(".members li").count() == 2, "the card for many")
    officer.keyboard.press("1")
    officer.keyboard.press("Enter")
    until(patrol, lambda: "Patrol 2 to the west" in patrol.inner_text(".order"), "the order")
    server.call(server.night.sent_to, "T-0409", "patrol-2")
    patrol.wait_for_timeout(1500)
    text = patrol.inner_text(".order")
    assert "Patrol 2 to the west" in text
    assert "The western one." in text
    assert "elsewhere" not in text
    assert "within 450 m" in text, "the western area's"


def test_an_account_that_may_not_read_decisions_has_its_order_and_keeps_it(server, screen, until, monkeypatch):
    def refuse(since_us):
        text = phrase("refused.role", role=phrase("role.patrol"), what="GET /api/decisions")
        raise Refused(403, "not-your-role", text, phrase("refused.see-security"))

    monkeypatch.setattr(server.night, "decisions", refuse)
    screen.awaits("403 (Forbidden)")
    page = open_patrol(screen, server, until)
    server.call(server.night.send_patrol, "a-1", "patrol-2")
    until(page, lambda: "Patrol 2 to the drop area by the farm road" in page.inner_text(".order"), "the order")
    for _ in range(2):
        until(page, lambda: "✓ kept on this phone" in page.inner_text(".order"), "the order on the disk")
        page.reload()
        until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
        until(page, lambda: "Patrol 2 to the drop area" in page.inner_text(".order"), "the order, after a restart")


SLOW_DISK = """
const put = IDBObjectStore.prototype.put;
window.letGo = [];
IDBObjectStore.prototype.put = function (value, key) {
  if (key !== "orders") return put.call(this, value, key);
  let isHeld = true;
  window.letGo.push(() => (isHeld = false));
  const hold = () => (isHeld ? (this.get(key).onsuccess = hold) : put.call(this, value, key));
  hold();
};
"""


def test_an_order_is_shown_at_once_and_said_to_be_kept_only_when_it_is_on_the_disk(server, screen, until):
    screen.awaits("navigator.vibrate")  # nobody has tapped on the page
    page = open_patrol(screen, server, until)
    page.context.add_init_script(SLOW_DISK)
    page.reload()
    until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
    server.call(server.night.send_patrol, "a-1", "patrol-2")
    until(page, lambda: "Patrol 2 to the drop area" in page.inner_text(".order"), "the order")
    until(page, lambda: page.evaluate("() => window.letGo.length") > 0, "the writing")
    page.wait_for_timeout(500)
    assert "kept on this phone" not in page.inner_text(".order")
    page.evaluate("() => { window.letGo.forEach((go) => go()); window.letGo.push = (go) => go(); }")
    until(page, lambda: "✓ kept on this phone" in page.inner_text(".order"), "the order on the disk")


def test_an_order_that_comes_while_all_are_asked_for_stays(server, screen, until):
    screen.awaits("navigator.vibrate")  # nobody has tapped on the page
    page, asked = open_patrol(screen, server, until), []
    page.route("**/api/decisions?*", lambda route: asked.append(route))
    page.reload()
    until(page, lambda: asked, "the question")
    answer = asked[0].fetch()
    server.call(server.night.send_patrol, "a-1", "patrol-2")
    until(page, lambda: "Patrol 2 to the drop area" in page.inner_text(".order"), "the order")
    with page.expect_request("**/api/search?*"):  # of the order that there is after the answer
        asked[0].fulfill(response=answer)
    assert "Patrol 2 to the drop area" in page.inner_text(".order")


BROKEN = "IDBObjectStore.prototype.{} = () => {{ throw new DOMException('broken', 'UnknownError'); }}"
OLD = {"report_id": "old-1", "kind": "heard", "reporter": "patrol-2", "observed_at_us": 1_789_236_000_000_000}


def test_a_report_leaves_a_phone_whose_memory_is_broken(server, screen, until):
    page = open_patrol(screen, server, until)
    page.context.add_init_script(BROKEN.format("get"))
    page.reload()
    until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
    page.click('[data-kind="seen"]')
    until(page, lambda: reports_of(server.night), "the report in the journal")
    until(page, lambda: "✓ sent" in page.inner_text(".sent"), "the mark")


def test_old_reports_are_removed_only_once_they_are_kept_anew(server, screen, until):
    page = open_patrol(screen, server, until)
    old = msgspec.json.encode([{"report": OLD, "state": "queued", "trouble": ""}]).decode()
    page.evaluate("(text) => localStorage.setItem('araz.reports', text)", old)
    page.context.add_init_script(f"if (!localStorage.getItem('whole')) {{ {BROKEN.format('put')} }}")
    page.reload()
    until(page, lambda: reports_of(server.night), "the report in the journal")
    left = "() => localStorage.getItem('araz.reports')"
    assert page.evaluate(left) == old, "not on the disk, so not removed"
    page.evaluate("() => localStorage.setItem('whole', 'yes')")
    page.reload()
    until(page, lambda: page.evaluate(left) is None, "removed, now that they are kept")
    until(page, lambda: "✓ sent" in page.inner_text(".sent"), "the mark")
    assert [sent["report"]["report_id"] for sent in reports_of(server.night)] == ["old-1"], "delivered once"


def squares_of(page):
    """Name and opacity (the likelihood as drawn) of each square, and how many carry the mark of a search."""
    script = """() => [...document.querySelectorAll('[data-square]')].map((g) =>
        [g.dataset.square, parseFloat(g.querySelector('rect').getAttribute('fill').split('/')[1])])"""
    return dict(page.evaluate(script)), page.locator(".search .walked").count()


def test_squares_searched_without_a_network_count_at_once_and_arrive_with_their_time(server, screen, until):
    night = server.night
    page = open_patrol(screen, server, until)
    until(page, lambda: page.evaluate("() => navigator.serviceWorker.controller !== null"), "the worker")
    page.reload()  # under the worker's eyes, so that it keeps what the page is made of
    until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
    server.call(night.send_patrol, "a-1", "patrol-2")
    until(page, lambda: page.locator("[data-square]").count() > 20, "the squares of the drop area")
    before, walked = squares_of(page)
    best = max(before, key=before.get)
    assert walked == 0

    screen.awaits("net::ERR_")
    page.context.set_offline(True)
    page.locator(f'[data-square="{best}"]').tap()
    page.tap(".search .send")
    pressed_us = night.clock()
    until(page, lambda: squares_of(page)[1] == 1, "the mark, without a network")
    alone, _ = squares_of(page)
    assert alone[best] < 0.6 * before[best]
    assert reports_of(night) == []
    page.reload()
    until(page, lambda: squares_of(page)[1] == 1, "order, squares and search again, still without a network")
    assert "queued" in page.inner_text(".sent")
    assert "Patrol 2 to the drop area" in page.inner_text(".order")

    page.context.set_offline(False)
    until(page, lambda: reports_of(night), "the report in the journal")
    [sent] = reports_of(night)
    assert (sent["report"]["kind"], sent["report"]["searched"]) == ("nothing", [best])
    assert abs(sent["observed_at_us"] - pressed_us) < 3e6, "the time of the press"
    until(page, lambda: "✓ sent" in page.inner_text(".sent"), "the mark")
    until(page, lambda: squares_of(page)[1] == 1, "the squares as Araz knows them")
    assert squares_of(page)[0] == pytest.approx(alone, abs=0.02), "the phone had reckoned as Araz does"
