"""Faults that befall a running station, the real `araz watch`: full disk, clock set, damaged journal, database gone.

Each fault is a function of a station and returns what was found: what was acknowledged, lost and refused, whether it
went on, and the words in which it was told. Tests ask that of one station each; bench/faults.py makes the table of it.
"""

from __future__ import annotations

import contextlib
import math
import re
import resource
import signal
import socket
import subprocess
import time
import urllib.error
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file
from araz.app._post_book import passed_journal
from araz.app._rim import free_port
from araz.app._runtime import Night
from araz.sensors import AsterixPlot, encode_asterix_034, encode_asterix_048
from araz.store import read_journal, read_raw, verify_journal
from araz.vocabulary import SensorHealth
from araz_posts import chain_of
from araz_programs import Program, Radar, eventually, horadiz_at, is_ready

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
        udp = free_port(socket.SOCK_DGRAM)
        super().__init__(home / "out", "watch", "--site", horadiz_at(root, site, udp), *words)
        self.clock_off = home / "clock"
        self.clock_off.write_text("0")
        self.command[2:4] = ["-c", ON_A_SET_CLOCK, str(self.clock_off)]
        self.journal = self.folder / "night.journal"
        self.acknowledged: dict[int, bytes] = {}
        self.refusals: list[str] = []
        self.number = 0
        self.radar = Radar(udp, looks_per_s, plots)

    def __enter__(self) -> Station:
        self.start()
        self.radar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.radar.stop()
        self.end()

    def reports(self) -> bool:
        """Send one report; whether it was acknowledged. A refusal's words are kept."""
        self.number += 1
        try:
            self.acknowledged[self.reported(self.number)] = f'"r{self.number}"'.encode()
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
        self.radar.stop()
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


START_US = 1_790_000_000_000_000


def sensor_clock_set(root: Path, out: Path, off_s: int) -> dict[str, object]:
    """A radar's clock jumps while it follows a drone: the night beside the same one with a clock that stays right."""
    (*right, place), _ = _drone_night(root, out / "right", 0)
    (*jumped, other), said = _drone_night(root, out / "jumped", off_s)
    apart_m = 111_000 * math.dist(place, other)  # the same scatter and the same clock again: the same place
    kept = len(list(read_journal(out / "jumped" / "night.journal")))
    return {
        "fault": f"a radar's clock jumps by {off_s / HOUR_S:+g} h", "entries": kept, "acknowledged": kept, "lost": 0,
        "whole": verify_journal(out / "jumped" / "night.journal").ok, "goes_on": jumped == right and apart_m < 5,
        "said": said,
    }  # fmt: skip


def _drone_night(root: Path, out: Path, off_s: int) -> tuple[tuple[object, object, tuple[float, float]], str]:
    """One drone comes, after 80 of 160 s its radar's clock is off: tracks, their alarms, the first one's place."""
    arrivals = [(START_US, SITE_SOURCE, bundle_from_file(root / "sites" / "horadiz" / "site.toml"))]
    for second in range(160):
        at_us, east_m, north_m = START_US + second * 1_000_000, 500.0, 15.0 * second - 6500.0
        clock_s = (at_us / 1e6 + (off_s if second >= 80 else 0)) % 86400
        scatter_m = 8.0 * math.sin(7.0 * second)
        plot = AsterixPlot(math.hypot(east_m, north_m) + scatter_m, math.degrees(math.atan2(east_m, north_m)) % 360,
                           altitude_amsl_m=230.0)  # fmt: skip
        arrivals += [
            (at_us + 40_000, "radar-1", encode_asterix_048(25, 1, clock_s, [plot])),
            (at_us + 50_000, "radar-1", encode_asterix_034(25, 1, clock_s)),
            (at_us + 60_000, pipeline.TICK_SOURCE, b""),
        ]
    said: list[str] = []
    with contextlib.closing(Night(out, log_events=False)) as night:
        night.listen(lambda events: said.extend(
            one.sentence for one in events if isinstance(one, SensorHealth) and "clock" in one.sentence
        ))  # fmt: skip
        acknowledged = sum(len(night.take([arrival])) for arrival in arrivals)
        assert acknowledged >= len(arrivals)
        tracks = pipeline.picture(night.believed).tracks
        cards = [(one.alarm_id, one.track_id, one.state.value) for one in night.records.alarms() if one.track_id]
    return ([one.track_id for one in tracks], cards, (tracks[0].latitude_deg, tracks[0].longitude_deg)), said[
        0
    ] if said else ""


def broker_gone(home: Path) -> dict[str, object]:
    """Both NATS servers between a post and its centre are killed, while the post goes on writing its journal."""
    site, udp = chain_of(home / "site", ["P06"]), free_port(socket.SOCK_DGRAM)
    text = re.sub(r"udp://127.0.0.1:\d+", f"udp://127.0.0.1:{udp}", site.read_text())
    site.write_text(re.sub(r"tcp-listen://127.0.0.1:\d+", f"tcp-listen://127.0.0.1:{free_port()}", text))
    address = f"127.0.0.1:{free_port()}"
    centre = Program(home / "centre", "watch", "--site", site, "--posts", address)
    post = Program(home / "post", "post", "--site", site, "--post", "P06", "--centre", address)

    def at_post() -> list[bytes]:
        return [one.message.payload for one in read_raw(home / "post" / "night.journal")]

    def at_centre() -> list[bytes]:
        return [one.payload for _, one, _ in passed_journal(home / "centre" / "night.journal", "P06")]

    def marks(count: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for number in range(count):
                out.sendto(encode_asterix_034(25, 6, (time.time() - number) % 86400), ("127.0.0.1", udp))
                time.sleep(0.01)

    def arrived(count: int) -> bool:
        return len(at_centre()) >= count

    try:
        centre.start()
        post.start()
        marks(50)
        eventually(arrived, 50)
        for program in (centre, post):
            subprocess.run(["pkill", "-KILL", "-P", str(program.process.pid), "nats-server"], check=True)
        marks(50)
        eventually(lambda: "nats-server ended" in centre.said() and "nats-server ended" in post.said())
        marks(50)
        eventually(arrived, len(at_post()))
    finally:
        post.end(signal.SIGTERM)
        centre.end(signal.SIGTERM)
    sent, held = at_post(), at_centre()
    return {
        "fault": "both message brokers killed", "entries": len(sent), "acknowledged": len(held),
        "lost": sum(a != b for a, b in zip(sent, held, strict=False)),
        "whole": verify_journal(home / "centre" / "night.journal").ok, "goes_on": True,
        "said": next(line for line in centre.said().splitlines() if "nats-server ended" in line),
    }  # fmt: skip
