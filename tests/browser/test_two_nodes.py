"""The officer's page when its node is killed: it goes to the other one by itself, and goes on showing the night."""

import signal

import pytest

from araz_postgresql import Postgres
from araz_programs import Nodes, eventually, is_paired, is_ready

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE_MS = 120_000


def test_the_page_goes_to_the_other_node(root, tmp_path, chromium):
    with (
        Postgres() as arbiter,
        Nodes(root, tmp_path, arbiter.fresh("pair")) as nodes,
        chromium.new_page(viewport={"width": 1280, "height": 720}) as page,
    ):
        nodes.a.start()
        eventually(lambda: is_ready(nodes.a))
        page.goto(f"http://127.0.0.1:{nodes.a.http}/")
        page.wait_for_function("() => window.__araz && window.__araz.pictures > 1", timeout=PATIENCE_MS)
        nodes.b.start()
        eventually(lambda: is_paired(nodes.a))
        page.reload()  # it is told of the other node at each connection
        page.wait_for_function("() => window.__araz && window.__araz.pictures > 1", timeout=PATIENCE_MS)
        nodes.a.end(signal.SIGKILL)
        page.wait_for_url(f"http://127.0.0.1:{nodes.b.http}/", timeout=PATIENCE_MS)
        page.wait_for_function("() => window.__araz && window.__araz.pictures > 3", timeout=PATIENCE_MS)
        page.get_by_text("Connection lost").wait_for(state="detached", timeout=PATIENCE_MS)
        page.get_by_text("radar-1").first.wait_for(timeout=PATIENCE_MS)
