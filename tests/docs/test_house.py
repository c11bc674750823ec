"""The rules of the house that no linter knows: doors, purity, budgets, links, generated pages."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "araz"
ROOMS = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
PURE = {
    "vocabulary", "geography", "sensors", "tracking", "simulation", "incidents", "intercept", "evidence", "exchange",
    "intelligence", "deployment", "disclosure",
}  # fmt: skip
DOOR_LINES = ("**Takes**", "**Gives**", "**Keeps**", "**May import**", "**Never**")
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
BROWSER = ROOT / "console-ui" / "src"
#: Where a function or a file is longer than the budget, the reason is written here.
LONGER_WITH_REASON = {
    "vocabulary.ts": "generated, one type a record; nobody edits it (tests/console/test_browser_types.py)",
}


def modules(rooms):
    return [path for room in sorted(rooms) for path in sorted((SOURCE / room).rglob("*.py"))]


def name_of(path):
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_opens_with_its_five_lines(room):
    door = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text())) or ""
    for line in DOOR_LINES:
        assert line in door, f"{room}/__init__.py lacks the line {line}"


@pytest.mark.parametrize("path", modules(PURE), ids=name_of)
def test_pure_rooms_touch_no_disk(path):
    called = {node.func.id for node in ast.walk(ast.parse(path.read_text()))
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    assert not called & {"open", "print", "input", "exec", "eval"}


@pytest.mark.parametrize("path", modules(ROOMS), ids=name_of)
def test_other_rooms_are_entered_by_their_door(path):
    room = path.relative_to(SOURCE).parts[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("araz."):
            parts = node.module.split(".")
            assert parts[1] == room or not any(part.startswith("_") for part in parts), (
                f"{path.name} reaches behind the door: {node.module}"
            )


@pytest.mark.parametrize("path", modules(ROOMS), ids=name_of)
def test_the_tail_stays_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE_LINES, f"{name_of(path)} is too long: it wants to be two"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1
            key = f"{name_of(path)}:{node.name}"
            assert length <= MAX_FUNCTION_LINES or key in LONGER_WITH_REASON, f"{key} has {length} lines"


@pytest.mark.parametrize(
    "path", sorted(p for p in BROWSER.rglob("*") if p.suffix in {".ts", ".svelte", ".css"}), ids=lambda path: path.name
)
def test_the_browser_side_stays_short_too(path):
    key = str(path.relative_to(BROWSER))
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES or key in LONGER_WITH_REASON, f"{key} is too long"


def pages():
    return sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_source_files_named_in_prose_exist(page):
    for target in re.findall(r"`((?:src|tests|bench|tools|sites|scenarios|docs)/[\w./-]+\.\w+)`", page.read_text()):
        assert (ROOT / target).exists(), f"{page.name} names {target}, which is not there"


def test_generated_pages_are_fresh():
    done = subprocess.run(
        [sys.executable, "tools/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_araz_touches_nothing():
    code = (
        "import sys, builtins, socket\n"
        "def refuse(*a, **k): raise AssertionError('touched the world')\n"
        "socket.socket.__init__ = refuse\n"
        "import araz, araz.vocabulary, araz.app\n"
        "assert 'numba' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_readme_commands_are_the_makefile_targets():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", readme)):
        assert re.search(rf"^{target}:", makefile, re.M), f"the README names make {target}"


def test_commands_in_the_documents_are_understood():
    """Every `araz VERB` in prose is a verb of the command line."""
    from araz.app.cli import app

    verbs = {name for names in app for name in ([names] if isinstance(names, str) else names)}
    for page in pages():
        for verb in re.findall(r"^\s+(?:\$ )?araz ([a-z]+)", page.read_text(), re.M):
            assert verb in verbs, f"{page.name} names araz {verb}"
