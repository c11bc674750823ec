"""Faults that befall a running station, the real `araz watch`: full disk, clock set, damaged journal, database gone.

Each fault is a function of a station and returns what was found: what was acknowledged, lost and refused, whether it
went on, and the words in which it was told. Tests ask that of one station each; bench/faults.py makes the table of it.
"""

from __future__ import annotations

import contextlib
import re
import resource
import signal
import socket
import threading
import time
import urllib.error
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from araz.app._rim import free_port
from araz.sensors import AsterixPlot, encode_asterix_034, encode_asterix_048
from araz.store import read_journal, verify_journal
from araz_programs import Program, eventually, is_ready

#: Runs `araz` on a machine whose clock is so many seconds off as a file says.
ON_A_SET_CLOCK = """
import sys, time
from pathlib import Path
real, off = time.time_ns, Path(sys.argv.pop(1))
time.time_ns = lambda: real() + int(off.read_text()) * 1_000_000_000
from araz.app.cli import main
main()
"""
HOUR_S = 3600


class Station(Program):
    """`araz watch` with one radar and a patrol that reports; it remembers what was acknowledged."""

    def __init__(self, root: Path, home: Path, *words: object, looks_per_s: float = 4.0, plots: int = 500) -> None:
        site = home / "site"
        site.mkdir(parents=True)
        self.udp = free_port(socket.SOCK_DGRAM)
        text = (root / "sites" / "horadiz" / "site.toml").read_text()
        text = re.sub(r'url = "udp://127.0.0.1:8601"', f'url = "udp://127.0.0.1:{self.udp}"', text)
        (site / "site.toml").write_text(re.sub(r'url = "(udp://127.0.0.1:8602|tcp[^"]*)"', 'url = ""', text))
        for name in ("border.geojson", "roads.geojson", "towns.json"):
            (site / name).write_bytes((root / "sites" / "horadiz" / name).read_bytes())
        super().__init__(home / "out", "watch", "--site", site / "site.toml", *words)
        self.clock_off = home / "clock"
        self.clock_off.write_text("0")
        self.command[2:4] = ["-c", ON_A_SET_CLOCK, str(self.clock_off)]
        self.journal = self.folder / "night.journal"
        self.acknowledged: dict[int, bytes] = {}
        self.refusals: list[str] = []
        self.marks = self.number = 0
        self._looks_per_s, self._plots = looks_per_s, plots
        self._ends = threading.Event()

    def __enter__(self) -> Station:
        self.start()
        threading.Thread(target=self._send, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self.end()

    def _send(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not self._ends.wait(1.0 / self._looks_per_s):
                clock_s = time.time() % 86400
                for first in range(0, self._plots, 50):
                    plots = [AsterixPlot(2000.0 + 40 * k, (7 * k + self.marks) % 360, altitude_amsl_m=300.0)
                             for k in range(first, min(first + 50, self._plots))]  # fmt: skip
                    out.sendto(encode_asterix_048(25, 1, clock_s, plots), ("127.0.0.1", self.udp))
                out.sendto(encode_asterix_034(25, 1, clock_s), ("127.0.0.1", self.udp))
                self.marks += 1

    def reports(self) -> bool:
        """Send one report; whether it was acknowledged. A refusal's words are kept."""
        self.number += 1
        body = {"kind": "heard", "reporter": "post-4", "report_id": f"r{self.number}", "azimuth_deg": 170.0,
                "observed_at_us": time.time_ns() // 1000}  # fmt: skip
        try:
            self.acknowledged[self.post("/api/reports", body)["seq"]] = f'"r{self.number}"'.encode()
        except urllib.error.HTTPError as error:
            self.refusals.append(error.read().decode())
            return False
        return True

    def figure(self, name: str) -> float | None:
        """One of its figures; None while it is not told."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics").decode(), re.MULTILINE)
        return None if found is None else float(found[1])

    def told(self, words: str) -> str:
        """The first line of its log with these words; empty where there is none."""
        return next((line for line in self.said().splitlines() if words in line), "")

    def found(self, fault: str, said: str, *, goes_on: bool) -> dict[str, object]:
        """Kill it, and hold its journal against what it acknowledged."""
        self._ends.set()
        self.end(signal.SIGKILL)
        kept = {message.seq: message for message in read_journal(self.journal)}
        result = verify_journal(self.journal)
        return {
            "fault": fault,
            "entries": len(kept),
            "acknowledged": len(self.acknowledged),
            "refused": len(self.refusals),
            "lost": sum(one not in kept[seq].payload if seq in kept else 1 for seq, one in self.acknowledged.items()),
            "whole": result.ok or result.is_torn,
            "back_s": max((a.received_at_us - b.received_at_us for a, b in pairwise(kept.values())), default=0) / 1e6,
            "goes_on": goes_on,
            "said": said,
        }


def is_not_ready(station: Program) -> bool:
    return not is_ready(station)


def disk_full(station: Station, name: str, fill: Callable[[], None], free: Callable[[], None]) -> dict[str, object]:
    """No room for some seconds, then room again."""
    for _ in range(5):
        eventually(station.reports)
    fill()
    eventually(lambda: not station.reports())
    eventually(is_not_ready, station)
    said = eventually(lambda: station.told("could not be written"))
    for _ in range(5):
        station.reports()
    free()
    eventually(station.reports)
    eventually(is_ready, station)
    for _ in range(5):
        eventually(station.reports)
    return station.found(name, said, goes_on=True)


def file_limit(station: Station) -> tuple[Callable[[], None], Callable[[], None]]:
    """The system's limit on the size of a file of one running process, as on a full disk; no rights are needed."""
    before = resource.prlimit(station.process.pid, resource.RLIMIT_FSIZE)

    def fill() -> None:
        size = max(file.stat().st_size for file in station.journal.glob("*.seg"))
        resource.prlimit(station.process.pid, resource.RLIMIT_FSIZE, (size + 10_000, before[1]))

    return fill, lambda: resource.prlimit(station.process.pid, resource.RLIMIT_FSIZE, before)


def clock_set(station: Station, off_s: int) -> dict[str, object]:
    """The machine's clock jumps while it watches; it is killed and started on the clock that now holds."""
    for _ in range(3):
        eventually(station.reports)
    before_s = station.figure("araz_data_time_seconds")
    station.clock_off.write_text(str(off_s))
    said = eventually(lambda: station.told("the station's clock is"))
    eventually(lambda: station.figure('araz_rejected_total{feed="clock",reason="clock-step"}') == 1)
    eventually(lambda: 2 < station.figure("araz_data_time_seconds") - before_s < 600)
    for _ in range(3):
        eventually(station.reports)
    station.end()
    ended_us = [message.received_at_us for message in read_journal(station.journal)][-1]
    station.start()
    for _ in range(3):
        eventually(station.reports)
    eventually(lambda: (station.figure("araz_data_time_seconds") or 0) * 1e6 > ended_us + 2_000_000)
    return station.found(f"the machine's clock jumps by {off_s / HOUR_S:+g} h", said, goes_on=True)


def segment_damaged(station: Station, at: float) -> dict[str, object]:
    """One byte of the journal is another when it is started again: at a share of the way through its last file."""
    for _ in range(10):
        eventually(station.reports)
    station.end()
    last = max(station.journal.glob("*.seg"))
    whole = last.read_bytes()
    place = int(at * len(whole))
    last.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with contextlib.suppress(AssertionError):  # it ends at once, which is what is asked for
        station.start()
    code, said = station.process.wait(60), station.told("araz: ")
    last.write_bytes(whole)  # the byte as it was, from a copy say: the start must have changed nothing else
    return station.found("a byte of the journal altered", said, goes_on=code == 0)


def database_gone(station: Station, stop: Callable[[], None], start: Callable[[], None]) -> dict[str, object]:
    """The database of the records ends, and is there again after some seconds."""
    for _ in range(3):
        eventually(station.reports)
    stop()
    said = eventually(lambda: station.told("the records cannot be written"))
    for _ in range(5):
        eventually(station.reports)
    start()
    eventually(lambda: station.told("the records are written again"))
    eventually(lambda: station.figure("araz_records_waiting") == 0)
    return station.found("the database of the records gone", said, goes_on=True)
