"""The officer's page when its node is killed: it goes to the other one by itself, and goes on showing the night."""

import json
import signal
from contextlib import nullcontext

import pytest

from araz.store import read_journal
from araz_postgresql import Postgres
from araz_programs import Nodes, door, entrance, eventually, is_ready

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE_MS = 120_000


def is_followed(node):
    return "it can take over" in node.said()


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_the_page_goes_to_the_other_node(root, tmp_path, chromium, is_signed_in):
    """Where people sign in, under another name there: no cookie is shared, and nobody is asked again."""
    words = entrance(tmp_path, d_17="officer") if is_signed_in else []
    with (
        Postgres() as arbiter,
        Nodes(root, tmp_path, arbiter.fresh("pair"), *words, has_two_names=is_signed_in) as nodes,
        chromium.new_page(viewport={"width": 1280, "height": 720}, ignore_https_errors=True) as page,
    ):
        a, there = nodes.a, nodes.pages[1]
        a.start()
        eventually(lambda: is_ready(a))
        if is_signed_in:
            assert page.request.post(f"{a.url}/api/session", data=door("d-17", "case 17")).status == 201
            page.route("**/api/session/ticket", lambda first: first.abort(), times=1)  # the page asks once more
        page.goto(f"{a.url}/")
        page.wait_for_function("() => window.__araz && window.__araz.pictures > 1", timeout=PATIENCE_MS)
        nodes.b.start()
        eventually(lambda: is_followed(a))
        told = page.expect_response("**/api/session/ticket") if is_signed_in else nullcontext()
        with told:  # it is told of the other node at each connection; what opens that one comes a moment after
            page.reload()
        page.wait_for_function("() => window.__araz && window.__araz.pictures > 1", timeout=PATIENCE_MS)
        a.end(signal.SIGKILL)
        page.wait_for_url(f"{there}/", timeout=PATIENCE_MS)
        page.wait_for_function("() => window.__araz && window.__araz.pictures > 3", timeout=PATIENCE_MS)
        page.get_by_text("Connection lost").wait_for(state="detached", timeout=PATIENCE_MS)
        page.get_by_text("radar-1").first.wait_for(timeout=PATIENCE_MS)
        if is_signed_in:
            assert page.request.get(f"{there}/api/session").json()["purpose"] == "case 17"
            told = [
                json.loads(m.payload) for m in read_journal(nodes.b.folder / "night.journal") if m.source == "@access"
            ]
            assert [one["what"] for one in told].count("sign-in by ticket") == 1
            page.goto(f"{there}/signin#ticket=used-up&to=/")  # whoever is signed in here is not asked for it
            page.wait_for_url(f"{there}/", timeout=PATIENCE_MS)
