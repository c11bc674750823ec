"""A centre of two nodes: the leading one is killed under 2,000 observations a second; when does the screen go on?

    python bench/failover.py [--trials 10] [--json]

Both nodes, their arbiter (PostgreSQL) and a browser are real and on this machine, so its load is in the figures.
``acknowledges_s``: from the kill to the first report that the other node takes; ``page_s``: to the first new picture on
the officer's page, which went there by itself. Reports are sent all the time; each that was acknowledged must stand at
its place in the journal of the node that leads at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from latency import CHROMIUM_FLAGS
from playwright.sync_api import sync_playwright

from araz.store import read_journal

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from araz_postgresql import Postgres
from araz_programs import Nodes, eventually, is_paired, is_ready

ROOT = Path(__file__).resolve().parent.parent
SHOWN = "() => window.__araz && window.__araz.pictures > 0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    dice, acknowledged, page_s, acknowledges_s = random.Random(1), dict[int, int](), list[float](), list[float]()
    number = 0
    with (
        Postgres() as arbiter,
        tempfile.TemporaryDirectory() as name,
        Nodes(ROOT, Path(name), arbiter.fresh("pair")) as nodes,
        sync_playwright() as play,
    ):
        leader, other = nodes.a, nodes.b
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        leader.start()
        eventually(is_ready, leader)
        nodes.sender.start()
        page.goto(f"http://127.0.0.1:{leader.http}/")
        for _ in range(given.trials):
            other.start()
            eventually(is_paired, leader)
            page.wait_for_function(SHOWN, timeout=120_000)
            until = time.monotonic() + dice.uniform(0.5, 2.5)
            while time.monotonic() < until or not is_paired(leader):
                number += 1
                if (seq := leader.report(number)) is not None:
                    acknowledged[number] = seq
            shown, begun = threading.Event(), time.monotonic()
            leader.process.send_signal(signal.SIGKILL)
            took = None
            while took is None or not shown.is_set():
                if took is None:
                    number += 1
                    if (seq := other.report(number)) is not None:
                        acknowledged[number] = seq
                        took = time.monotonic() - begun
                if page.url.startswith(f"http://127.0.0.1:{other.http}/") and page.evaluate(SHOWN):
                    page_s.append(time.monotonic() - begun)
                    shown.set()
                page.wait_for_timeout(20)  # the page's address is learned only in a call
            acknowledges_s.append(took)
            leader.process.wait()
            leader, other = other, leader
        browser.close()
        leader.end(signal.SIGTERM)
        kept = {message.seq: message.payload for message in read_journal(leader.folder / "night.journal")}
        lost = sum(f'"r{one}"'.encode() not in kept.get(seq, b"") for one, seq in acknowledged.items())
    row = {
        "kills": given.trials,
        "entries": len(kept),
        "reports_acknowledged": len(acknowledged),
        "lost": lost,
        "acknowledges_s": [round(min(acknowledges_s), 1), round(max(acknowledges_s), 1)],
        "page_s": [round(min(page_s), 1), round(sorted(page_s)[len(page_s) // 2], 1), round(max(page_s), 1)],
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(row) if given.json else json.dumps(row, indent=1))
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
