"""Four eyes in a real browser over TLS: one asks, another grants or refuses, the other's liaison reads along."""

import pytest

from araz_testing import araz
from hidden_lab import OURS, THEIRS
from served import Served
from two_services import Centre

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def centre(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("releases")
    assert araz("account", "certificate", "localhost", "--out", out / "tls") == 0
    made = Centre(request.config.rootpath, out / "night")
    with Served(made.app, out / "tls") as server:
        made.url = server.url
        yield made
    made.night.close()


@pytest.fixture
def person(centre, screen, until):
    """Return a function that signs somebody in and opens the page of releases."""

    screen.awaits("401")  # the page to sign in asks for an icon that only the console has

    def enter(role, service, number=1, language="en"):
        page = screen(centre, "/signin", ignore_https_errors=True)
        page.fill("input[name=account]", f"{role}|{service}|{number}")
        page.fill("input[name=password]", "x")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{centre.url}/")
        if language != "en":
            page.goto(f"{centre.url}/?lang={language}")
        page.wait_for_selector(".rail")
        page.keyboard.press("b")
        page.wait_for_selector(".drawer table")
        return page

    return enter


def answer(page, row, why, button):
    place = page.locator(f'tr[data-release="{row}"]')
    place.get_by_label("Reason for the answer").fill(why)
    place.get_by_role("button", name=button).click()


def test_one_asks_another_grants_the_liaison_reads_along(centre, person, until):
    asker, second, other = person("liaison", THEIRS), person("commander", THEIRS, 2), person("liaison", OURS)

    whole = centre.night.views.whole
    hidden = next(a.alarm_id for a in whole.alarms.values() if a.state == "active" and whole.owners(a, OURS))

    def ask(reason):
        asker.locator(".drawer form select").first.select_option(hidden)
        asker.get_by_label("Reason", exact=True).fill(reason)
        asker.get_by_role("button", name="Ask for a release").click()
        until(asker, lambda: reason in asker.inner_text(".drawer tbody"), "the wish")
        return asker.locator("tr[data-release]").first.get_attribute("data-release")

    def seen(page, release_id, state):
        row = page.locator(f'tr[data-release="{release_id}"]')
        until(page, lambda: row.count() == 1 and row.get_attribute("data-state") == state, f"{state} on a screen")
        return row.inner_text()

    asker.wait_for_selector(".drawer form")
    until(other, lambda: "Your service is told here" in other.inner_text(".drawer"), "the page of the other service")
    assert "Nothing was asked for yet" in other.inner_text(".drawer")
    assert other.locator(".drawer form").count() == 0
    assert asker.locator(".drawer form select").nth(1).locator("option").all_inner_texts() == [OURS]
    first = ask("joint operation")
    assert "another person must answer" in seen(asker, first, "asked")
    assert asker.get_by_role("button", name="Grant").count() == 0
    assert "waits for the second person" in seen(other, first, "asked")
    assert other.locator(".drawer tbody button").count() == 0
    seen(second, first, "asked")
    assert second.get_by_role("button", name="Grant").is_disabled(), "no reason was given yet"
    answer(second, first, "agreed with the shift lead", "Grant")
    told = seen(other, first, "granted")
    assert f"commander|{THEIRS}|2 granted: agreed with the shift lead" in told
    until(other, lambda: f"Released by {THEIRS}: alarm {hidden}" in other.inner_text("body"), "the alarm on their desk")

    second_wish = ask("a second wish")
    seen(second, second_wish, "asked")
    answer(second, second_wish, "not needed", "Refuse")
    assert "refused: not needed" in seen(other, second_wish, "refused")
    seen(asker, second_wish, "refused")
    assert asker.locator(f'tr[data-release="{second_wish}"] button').count() == 0
    third = ask("a third wish")
    answer(asker, third, "a mistake", "Take back")
    seen(other, third, "withdrawn")

    answer(asker, first, "operation is over", "Take back")
    assert "taken back" in seen(second, first, "revoked")
    steps = [m.payload for m in centre.messages() if m.source == "@release"]
    assert len(steps) == 7
    assert all(b'"role":"liaison"' in step or b'"role":"commander"' in step for step in steps)


def test_it_ends_by_itself_and_says_so_in_azerbaijani(centre, person, until):
    asker, second = person("officer", THEIRS, 1, "az"), person("officer", THEIRS, 2)
    alarms = asker.locator(".drawer form select").first.locator("option").all_inner_texts()
    english = {f"{one.alarm_id}: {one.sentence[:60]}" for one in centre.night.views.whole.alarms.values()}
    assert alarms
    assert not english & set(alarms), "the alarms are named in the reader's language"
    asker.get_by_label("Səbəb", exact=True).fill("birgə əməliyyat")
    asker.get_by_label("Saat").fill("1")
    asker.get_by_role("button", name="Buraxılış istə").click()
    row = second.locator('tr[data-state="asked"]')
    until(second, lambda: row.count() == 1, "the wish")
    release_id = row.get_attribute("data-release")
    answer(second, release_id, "agreed", "Grant")
    mine = asker.locator(f'tr[data-release="{release_id}"]')
    until(asker, lambda: mine.get_attribute("data-state") == "granted", "the grant")
    assert "icazə verilib" in mine.inner_text()
    centre.now_us += 7_200_000_000  # the page counts on between two words of the server
    until(asker, lambda: mine.get_attribute("data-state") == "ended", "its end")
    assert "vaxtı bitib" in mine.inner_text()
