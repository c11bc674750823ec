"""Five hundred moving tracks on the officer's screen: frames a second, and where their time goes.

    python bench/smooth.py [--tracks 500] [--seconds 8] [--runs 3] [--json]

An invented night sends ten pictures a second, the most the product sends; headless Chromium shows them, first still,
then while the map is dragged and zoomed. The same page with an empty sky is measured beside it. Twice: with the
compositor that Chromium itself takes where there is no graphics processor, and with an emulated one (SwiftShader).

`shown_per_s` counts frames the compositor really drew, not what the page asked for. Milliseconds are processor time,
not wall time, so other work on the machine changes them little; `script_ms` is what a frame costs in our script,
`picture_ms` what taking in one picture costs, `main_ms` everything on the page's thread per frame (with the drawing of
the canvas in main memory), `graphics_ms` the graphics process, which on a machine with a graphics processor is that
one's work. Of several runs the one with the most frames is told, with the machine's load at its start.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE_EVERY_S = 0.1
FLAGS = {
    "software": ["--disable-gpu"],
    "emulated": ["--use-angle=swiftshader"],
}
COMMON_FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-background-networking"]
CATEGORIES = ["toplevel", "devtools.timeline", "__metadata", "viz"]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def night(tracks: int) -> Iterator[str]:
    """Serve an invented night from a process of its own; give its address."""
    command = [sys.executable, "tests/browser/fake_night.py", "--port", "0", "--tracks", str(tracks)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    server = subprocess.Popen(
        [*command, "--tick", str(PICTURE_EVERY_S)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


def graphics_cpu_s(browser: Browser) -> float:
    """Return the processor time the graphics process has taken so far."""
    session = browser.new_browser_cdp_session()
    told = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    total = 0.0
    for process in told:
        if process["type"] == "GPU":
            fields = Path(f"/proc/{process['id']}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return total


def traced(browser: Browser, page: Page, work: Callable[[], None]) -> list[dict[str, Any]]:
    """Do ``work`` and return the browser's trace of it."""
    session = browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    done: list[object] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda told: done.append(told))
    wanted = {"includedCategories": CATEGORIES, "excludedCategories": ["*"]}
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": wanted})
    work()
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(50)
    session.detach()
    return events


def still(page: Page, seconds: float) -> None:
    page.wait_for_timeout(seconds * 1000)


def dragged(page: Page, seconds: float) -> None:
    """Drag the map in loops, and zoom in and out now and then."""
    end = time.monotonic() + seconds
    page.mouse.move(450, 350)
    page.mouse.down()
    step = 0
    while time.monotonic() < end:
        step += 1
        page.mouse.move(450 + 100 * math.sin(step / 12), 350 + 80 * math.cos(step / 9))
        if step % 40 == 0:
            page.mouse.up()
            page.mouse.wheel(0, -120 if (step // 40) % 2 else 120)
            page.mouse.down()
    page.mouse.up()


def cost(events: list[dict[str, Any]], pictures: int, wall_s: float) -> dict[str, object]:
    """Return frames and their processor time from a trace."""
    frames = [event for event in events if event["name"] == "FireAnimationFrame" and "tdur" in event]
    page = Counter((event["pid"], event["tid"]) for event in frames).most_common(1)[0][0]
    mine = [event for event in events if event.get("ph") == "X" and (event["pid"], event["tid"]) == page]
    frames = [event for event in mine if event["name"] == "FireAnimationFrame" and "tdur" in event]
    spans = [(event["ts"], event["ts"] + event["dur"]) for event in frames]
    starts = np.array([begin for begin, _ in spans])
    ends = np.array([end for _, end in spans])
    other = []
    for event in mine:
        if event["name"] == "FunctionCall" and "tdur" in event:
            k = int(np.searchsorted(starts, event["ts"], side="right")) - 1
            if k < 0 or event["ts"] > ends[k]:
                other.append(event["tdur"] / 1000)
    script = np.array([event["tdur"] for event in frames]) / 1000
    taken = np.sort(np.array(other))[::-1][: max(1, pictures)] if other else np.zeros(1)
    main = sum(event.get("tdur", 0) for event in mine if event["name"] == "ThreadControllerImpl::RunTask") / 1000
    shown = sum(1 for event in events if event["name"] == "DirectRenderer::DrawFrame" and event["ph"] in ("X", "B"))
    return {
        "shown_per_s": round(shown / wall_s, 1),
        "asked_per_s": round(len(frames) / wall_s, 1),
        "pictures_per_s": round(pictures / wall_s, 1),
        "script_ms_p50": round(float(np.percentile(script, 50)), 2),
        "script_ms_p95": round(float(np.percentile(script, 95)), 2),
        "picture_ms_p50": round(float(np.percentile(taken, 50)), 2),
        "picture_ms_p95": round(float(np.percentile(taken, 95)), 2),
        "main_ms": round(main / max(1, len(frames)), 1),
    }


def measure(compositor: str, tracks: int, seconds: float) -> list[dict[str, object]]:
    """Open the page on a night and measure it still and dragged."""
    rows = []
    with night(tracks) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*COMMON_FLAGS, *FLAGS[compositor]]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(url)
        while not page.evaluate("() => !!window.__araz && window.__araz.pictures > 5"):
            page.wait_for_timeout(100)
        page.wait_for_timeout(3000)  # the machine code is made while it runs
        for name, work in (("still", still), ("dragged", dragged)):
            load = os.getloadavg()[0]
            span: dict[str, float] = {}

            def counted(work: Callable[[Page, float], None] = work, span: dict[str, float] = span) -> None:
                pictures = page.evaluate("() => window.__araz.pictures")
                graphics_s, begin = graphics_cpu_s(browser), time.monotonic()
                work(page, seconds)
                span["wall_s"] = time.monotonic() - begin
                span["graphics_s"] = graphics_cpu_s(browser) - graphics_s
                span["pictures"] = page.evaluate("() => window.__araz.pictures") - pictures

            figures = cost(traced(browser, page, counted), int(span["pictures"]), span["wall_s"])
            shown = max(1.0, float(str(figures["shown_per_s"])) * span["wall_s"])
            rows.append(
                {"compositor": compositor, "tracks": tracks, "map": name, **figures}
                | {"graphics_ms": round(1000 * span["graphics_s"] / shown, 1), "load": round(load, 1)}
            )
        browser.close()
    return rows


def best(runs: list[list[dict[str, object]]]) -> list[dict[str, object]]:
    """Return, for each thing measured, the run with the most frames."""
    return [max(same, key=lambda row: float(str(row["shown_per_s"]))) for same in zip(*runs, strict=True)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    plan = [(kind, tracks) for kind in FLAGS for tracks in (args.tracks, 0)]
    runs = [[row for kind, tracks in plan for row in measure(kind, tracks, args.seconds)] for _ in range(args.runs)]
    for row in best(runs):
        print(json.dumps(row) if args.json else row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
