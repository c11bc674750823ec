"""A centre of two nodes: the leading one is killed under 2,000 observations a second; when does the screen go on?

    python bench/failover.py [--trials 10] [--json]

Both nodes, their arbiter (PostgreSQL) and a browser are real and on this machine, so its load is in the figures. An
officer has signed in, over TLS; the nodes have two names, so that no cookie goes with the page.
``acknowledges_s``: from the kill to the first report that the other node takes, under the session of before;
``page_s``: to the first new picture on the officer's page, which went there by itself. ``sign_ins``: how those in the
journal were made; a page that stands before the form a minute after a kill ends the bench. Reports are sent all the
time; each that was acknowledged must stand at its place in the journal of the node that leads at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from latency import CHROMIUM_FLAGS
from playwright.sync_api import Page, sync_playwright

from araz.app._aside import ACCESS_SOURCE
from araz.store import read_journal

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from araz_postgresql import Postgres
from araz_programs import Nodes, Program, door, entrance, eventually, is_paired, is_ready

ROOT = Path(__file__).resolve().parent.parent
#: So long may a page stand before the form.
PATIENCE_S = 60.0
SHOWN = "() => window.__araz && window.__araz.pictures > 0"


def words(home: Path) -> list[object]:
    """Accounts and a certificate; what their commands say is no part of the bench's lines."""
    with contextlib.redirect_stdout(sys.stderr):
        return entrance(home, d_17="officer", t_1="technician")


def judged(folder: Path, acknowledged: dict[int, int]) -> tuple[int, int, dict[str, int]]:
    """Entries in a node's journal, acknowledged reports that are not at their place, and how people signed in."""
    journal = list(read_journal(folder / "night.journal"))
    kept = {message.seq: message.payload for message in journal}
    lost = sum(f'"r{one}"'.encode() not in kept.get(seq, b"") for one, seq in acknowledged.items())
    reads = [json.loads(message.payload) for message in journal if message.source == ACCESS_SOURCE]
    sign_ins = Counter(one["what"].removeprefix("sign-in by ") for one in reads if "sign-in by" in one["what"])
    return len(kept), lost, dict(sign_ins)


class Reports:
    """Reports one after another, each sent once; ``acknowledged``: the journal entry of each that was."""

    def __init__(self) -> None:
        self.acknowledged = dict[int, int]()
        self._numbers = itertools.count(1)

    def send(self, node: Program) -> bool:
        """Send the next one; whether it was acknowledged."""
        seq = node.report(number := next(self._numbers))
        if seq is not None:
            self.acknowledged[number] = seq
        return seq is not None

    def send_for(self, least_s: float, leader: Program) -> None:
        """Send for so long at least, and until both nodes are a pair."""
        until = time.monotonic() + least_s
        while time.monotonic() < until or not is_paired(leader):
            self.send(leader)


def killed(leader: Program, other: Program, page: Page, shown_at: str, reports: Reports) -> tuple[float, float]:
    """Kill the leader: after how many seconds the other acknowledges a report, and shows the officer's page."""
    begun, took_s, shown_s = time.monotonic(), None, None
    leader.process.send_signal(signal.SIGKILL)
    while took_s is None or shown_s is None:
        if took_s is None and reports.send(other):
            took_s = time.monotonic() - begun
        if shown_s is None and page.url == shown_at and page.evaluate(SHOWN):
            shown_s = time.monotonic() - begun
        page.wait_for_timeout(20)  # the page's address is learned only in a call
        if time.monotonic() - begun > PATIENCE_S and "/signin" in page.url:
            raise SystemExit(f"the officer is asked to sign in again: {page.url}")
    return took_s, shown_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    dice, reports, page_s, acknowledges_s = random.Random(1), Reports(), list[float](), list[float]()
    with (
        Postgres() as arbiter,
        tempfile.TemporaryDirectory() as name,
        Nodes(ROOT, Path(name), arbiter.fresh("pair"), *words(Path(name)), has_two_names=True) as nodes,
        sync_playwright() as play,
    ):
        leader, other = nodes.a, nodes.b
        shown_at = dict(zip((leader, other), nodes.pages, strict=True))
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 720}, ignore_https_errors=True)
        leader.start()
        eventually(is_ready, leader)
        leader.cookie, leader.overseer = leader.sign_in("d-17"), leader.sign_in("t-1")
        other.cookie, other.overseer = leader.cookie, leader.overseer
        assert page.request.post(f"{leader.url}/api/session", data=door("d-17")).status == 201
        nodes.sender.start()
        page.goto(f"{leader.url}/")
        for _ in range(given.trials):
            other.start()
            eventually(is_paired, leader)
            page.wait_for_function(SHOWN, timeout=120_000)
            reports.send_for(dice.uniform(0.5, 2.5), leader)
            took_s, shown_s = killed(leader, other, page, f"{shown_at[other]}/", reports)
            page_s.append(shown_s)
            acknowledges_s.append(took_s)
            leader.process.wait()
            leader, other = other, leader
        browser.close()
        leader.end(signal.SIGTERM)
        entries, lost, sign_ins = judged(leader.folder, reports.acknowledged)
    row = {
        "kills": given.trials,
        "entries": entries,
        "reports_acknowledged": len(reports.acknowledged),
        "lost": lost,
        "sign_ins": sign_ins,
        "acknowledges_s": [round(min(acknowledges_s), 1), round(max(acknowledges_s), 1)],
        "page_s": [round(min(page_s), 1), round(sorted(page_s)[len(page_s) // 2], 1), round(max(page_s), 1)],
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(row) if given.json else json.dumps(row, indent=1))
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
