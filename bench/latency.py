"""From a sensor's message to the officer's screen, with 200 tracks and 2,000 observations a second.

    python bench/latency.py [--tracks 200] [--rate 2000] [--seconds 30] [--json]

Starts the real product (`araz watch`) on a site with two radars, sends ASTERIX over UDP from this process, and opens
the console in headless Chromium. The browser notes, for each picture it has drawn, how long ago the oldest message that
is new in it reached the socket; both clocks are this machine's. Reported: median, p95, p99 of those, and frames/s.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from araz.app._rim import free_port
from araz.sensors import AsterixPlot, encode_asterix_034, encode_asterix_048

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_FLAGS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


def busy_site(folder: Path, udp_port: int) -> Path:
    """Write the Horadiz site with one radar that looks twice a second on a port of our own."""
    source = ROOT / "sites" / "horadiz"
    for name in ("border.geojson", "roads.geojson", "towns.json"):
        (folder / name).write_bytes((source / name).read_bytes())
    text = (source / "site.toml").read_text()
    text = re.sub(r'url = "(udp|tcp|tcp-listen)://[^"]*"', 'url = ""', text)
    text = text.replace('format = "asterix"\nurl = ""', f'format = "asterix"\nurl = "udp://127.0.0.1:{udp_port}"', 1)
    path = folder / "site.toml"
    path.write_text(text)
    return path


class Swarm:
    """Targets that fly circles round the radar, and clutter beside them."""

    def __init__(self, tracks: int, rate: int, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.centre_m = self.rng.uniform(-5000, 5000, (tracks, 2))
        self.phase = self.rng.uniform(0, 2 * np.pi, tracks)
        self.clutter = max(0, rate - tracks)

    def look(self, at_s: float) -> list[bytes]:
        """Return the datagrams of one look at a time of day."""
        angle = self.phase + at_s / 40.0
        east = self.centre_m[:, 0] + 500 * np.sin(angle)
        north = self.centre_m[:, 1] + 500 * np.cos(angle)
        plots = [
            AsterixPlot(
                math.hypot(x, y) + self.rng.normal(0, 8), math.degrees(math.atan2(x, y)) % 360, altitude_amsl_m=300
            )
            for x, y in zip(east, north, strict=True)
        ]
        plots += [
            AsterixPlot(r, a, altitude_amsl_m=h)
            for r, a, h in zip(
                self.rng.uniform(300, 8000, self.clutter), self.rng.uniform(0, 360, self.clutter),
                self.rng.uniform(200, 1500, self.clutter), strict=True,
            )
        ]  # fmt: skip
        clock_s = at_s % 86400
        parts = [encode_asterix_048(25, 1, clock_s, plots[k : k + 60]) for k in range(0, len(plots), 60)]
        return [*parts, encode_asterix_034(25, 1, clock_s)]


def send_for(swarm: Swarm, seconds: float, port: int, looks_per_s: float = 1.0) -> None:
    """Send looks in real time."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    begin = time.time()
    for k in range(int(seconds * looks_per_s)):
        wait_s = begin + k / looks_per_s - time.time()
        if wait_s > 0:
            time.sleep(wait_s)
        for datagram in swarm.look(time.time()):
            out.sendto(datagram, ("127.0.0.1", port))


def measure(tracks: int, rate: int, seconds: float) -> dict[str, object]:
    """Run product, sender and browser; return the figures."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        udp, http = free_port(socket.SOCK_DGRAM), free_port()
        site = busy_site(Path(folder), udp)
        watch = subprocess.Popen(
            [sys.executable, "-m", "araz.app.cli", "watch", "--site", str(site), "--out", f"{folder}/out",
             "--port", str(http)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(watch.wait)
        stack.callback(watch.terminate)
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        for _ in range(120):
            try:
                page.goto(f"http://127.0.0.1:{http}/")
                break
            except Exception:
                time.sleep(0.5)
        swarm = Swarm(tracks, rate)
        send_for(swarm, 15, udp)  # tracks form, kernels load
        page.evaluate("() => { window.__araz.latencyMs.length = 0; window.__araz.framesBefore = window.__araz.frames }")
        begin = time.time()
        send_for(swarm, seconds, udp)
        state = page.evaluate("() => window.__araz")
        span_s = time.time() - begin
        figures = np.array(state["latencyMs"], dtype=float)
        browser.close()
    return {
        "tracks": tracks,
        "observations_per_s": rate,
        "pictures": len(figures),
        "latency_ms_p50": round(float(np.percentile(figures, 50))),
        "latency_ms_p95": round(float(np.percentile(figures, 95))),
        "latency_ms_p99": round(float(np.percentile(figures, 99))),
        "frames_per_s": round((state["frames"] - state["framesBefore"]) / span_s, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--rate", type=int, default=2000, help="observations a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    row = measure(args.tracks, args.rate, args.seconds)
    print(json.dumps(row) if args.json else row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
