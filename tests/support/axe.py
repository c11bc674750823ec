"""The accessibility rules (WCAG 2.1 A and AA) of axe-core, run on a page as it stands; open it with ``bypass_csp``."""

from pathlib import Path

from araz_testing import missing

AXE = Path(__file__).resolve().parents[2] / "console-ui" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]});
  return found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html.slice(0, 120)).join(" | "));
}"""


def ready(page):
    """Load the rules into a page."""
    if not AXE.exists():
        missing("axe-core (npm ci in console-ui)")
    page.add_script_tag(path=str(AXE))


def violations(page):
    """What breaks the rules, each with the elements; empty is right."""
    return page.evaluate(RUN)
