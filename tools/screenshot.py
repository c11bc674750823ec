"""Write docs/img/console.png again: the demo night in a real browser, as the officer sees it after the first drop.

    python tools/screenshot.py [--speed 40]

Needs Debian's chromium (`make peers`). Look at the picture before it is committed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from araz.app._rim import free_port

TARGET = Path(__file__).resolve().parent.parent / "docs" / "img" / "console.png"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
#: Real seconds for the night to come so far, and for the map to be drawn afterwards.
PATIENCE_S = 900.0
SETTLE_S = 4.0


def has_dropped(url: str) -> bool:
    """Whether the running console knows of a drop."""
    try:
        with urllib.request.urlopen(f"{url}/api/incidents", timeout=10) as answer:
            return any(incident["kind"] == "drop" for incident in json.load(answer))
    except (urllib.error.URLError, ConnectionError):
        return False


def main() -> int:
    """Run the demo, wait for the drop, photograph the screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", type=float, default=40.0, help="times real time")
    speed = parser.parse_args().speed
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        port = free_port()
        demo = subprocess.Popen(
            [sys.executable, "-m", "araz.app.cli", "demo", "--speed", str(speed), "--port", str(port),
             "--out", f"{folder}/night"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(demo.wait)
        stack.callback(demo.terminate)
        url, end = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE_S
        while not has_dropped(url):
            if demo.poll() is not None or time.monotonic() > end:
                print("the night ended, or 15 minutes passed, without a drop: no picture", file=sys.stderr)
                return 1
            time.sleep(1.0)
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path="/usr/bin/chromium", args=FLAGS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(url)
        page.wait_for_selector("[data-alarm]")
        time.sleep(SETTLE_S)
        page.screenshot(path=str(TARGET))
        browser.close()
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
