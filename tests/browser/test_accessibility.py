"""axe-core on each screen: names, contrast, roles. The rules are WCAG 2.1 A and AA."""

import pytest

import axe

pytestmark = pytest.mark.browser


@pytest.fixture
def server(night_parts, serve):
    return serve(night_parts.Night(6))


@pytest.mark.parametrize("key", ["", "1", "r", "t", "s", "h", "g", "d", "p", "e", "/", "?", "Shift+ArrowLeft"])
def test_the_officers_screen(server, screen, running, key):
    page = screen(server, bypass_csp=True)
    running(page)
    axe.ready(page)
    if key == "e":
        screen.awaits("400 (Bad Request)")  # this night has no register, and the page says so
    if key:
        page.keyboard.press(key)
        page.wait_for_timeout(500)
    assert axe.violations(page) == []


def test_the_patrols_page(server, screen, until):
    page = screen(server, "/patrol?as=patrol-2", (390, 844), bypass_csp=True)
    until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
    axe.ready(page)
    page.click('[data-kind="heard"]')
    page.wait_for_timeout(500)
    assert axe.violations(page) == []
