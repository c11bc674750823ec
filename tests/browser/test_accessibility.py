"""axe-core on each screen: names, contrast, roles. The rules are WCAG 2.1 A and AA."""

from pathlib import Path

import pytest

from araz_testing import missing

pytestmark = pytest.mark.browser
AXE = Path(__file__).resolve().parents[2] / "console-ui" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]});
  return found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html.slice(0, 120)).join(" | "));
}"""


@pytest.fixture
def server(night_parts, serve):
    if not AXE.exists():
        missing("axe-core (npm ci in console-ui)")
    return serve(night_parts.Night(6))


@pytest.mark.parametrize("key", ["", "1", "r", "t", "s", "h", "g", "d", "p", "e", "/", "?", "Shift+ArrowLeft"])
def test_the_officers_screen(server, screen, running, key):
    page = screen(server, bypass_csp=True)
    running(page)
    page.add_script_tag(path=str(AXE))
    if key == "e":
        screen.awaits("400 (Bad Request)")  # this night has no register, and the page says so
    if key:
        page.keyboard.press(key)
        page.wait_for_timeout(500)
    assert page.evaluate(RUN) == []


def test_the_patrols_page(server, screen, until):
    page = screen(server, "/patrol?as=patrol-2", (390, 844), bypass_csp=True)
    until(page, lambda: "connected" in page.inner_text(".link"), "the connection")
    page.add_script_tag(path=str(AXE))
    page.click('[data-kind="heard"]')
    page.wait_for_timeout(500)
    assert page.evaluate(RUN) == []
