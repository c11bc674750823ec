"""A real browser before a real server; both are missing on some machines and must not be in CI."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import time
from pathlib import Path

import pytest

from araz_testing import missing

ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
CHROMIUM = Path("/usr/bin/chromium")
HERE = Path(__file__).resolve().parent
PATIENCE_S = 90.0


@pytest.fixture(scope="session")
def night_parts():
    """The invented night, loaded once under one name by whoever comes first."""
    if "fake_night" not in sys.modules:
        spec = importlib.util.spec_from_file_location("fake_night", HERE / "fake_night.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["fake_night"] = module
        spec.loader.exec_module(module)
    return sys.modules["fake_night"]


@pytest.fixture(scope="session")
def chromium(night_parts):
    if not CHROMIUM.exists():
        missing("Debian's chromium (apt install chromium)")
    if not (night_parts.STATIC / "index.html").exists():
        missing("the built console (make ui)")
    if importlib.util.find_spec("playwright") is None:
        missing("the browser's driver (pip install playwright)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def serve(night_parts):
    """Return a function that puts a night on a free port; it answers until every page of the test is closed."""
    with contextlib.ExitStack() as nights:
        yield lambda night: nights.enter_context(night_parts.Server(night))


@pytest.fixture
def screen(chromium, serve):
    """Return a function that opens a page on a night; afterwards nothing may have gone wrong in the browser."""
    opened, complaints, foreign, awaited = [], [], [], []

    def open_screen(server, path="/", size=(1280, 720), **options):
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        page = context.new_page()
        opened.append(context)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                foreign.append(asked.url) if not asked.url.startswith((server.url, "blob:", "data:")) else None
            ),
        )
        page.goto(server.url + path)
        return page

    # A complaint comes some time after its cause, so a test names what it awaits and nothing is cleared on the way.
    open_screen.awaits = awaited.append
    yield open_screen
    for context in opened:
        context.close()
    assert foreign == [], "the console asks nobody outside this machine"
    assert [said for said in complaints if not any(part in said for part in awaited)] == []


@pytest.fixture
def until():
    """Return a function that waits for a Python condition; the page's policy forbids evaluated strings."""

    def wait(page, holds, what="it"):
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"{what} did not happen within {PATIENCE_S:.0f} s"
            page.wait_for_timeout(100)

    return wait


@pytest.fixture
def running(until):
    """Return a function that waits until pictures arrive, frames are drawn and the desk has its first card."""

    def wait(page):
        ask = (
            "() => !!window.__araz && window.__araz.pictures > 1 && window.__araz.frames > 2 && window.__araz.drawn > 0"
        )
        until(page, lambda: page.evaluate(ask), "the first drawn picture")
        # The cards come by another road than the pictures: a key pressed before them means nothing.
        until(page, lambda: page.locator("[data-alarm]").count() > 0, "the first card")

    return wait
