"""kill -9 at random instants under 2,000 observations a second: is anything lost that was acknowledged?

    python bench/kill.py [--trials 1000] [--cuts 500] [--programs 100] [--only writer cut program] [--json]

``writer``: a forked night (journal, judging, records in SQLite; small segments in half of the trials) takes looks of
2,000 observations with decisions between, in batches of 1 to 512 messages, as fast as the machine goes. Half are killed
at any instant, half just after a batch was begun. ``cut``: killed there, and of what was not synced only a part, of
random length, is left on the disk, as after a power cut. ``program``: `araz watch` itself, 2,000 observations/s over
UDP in real time, reports and decisions over HTTP, ten lives on one folder; killed 0.1 to 2 s after it answers.

After each kill the night is opened again (`program`: the program is started again; `writer`, `cut`: in a fifth of the
trials judged again from its start). Counted: acknowledged messages, decisions among them, that are not at their place
byte for byte, acknowledged decisions that are not in the records, torn tails found before, and those of which the
opening said nothing, or whose bytes are not in the file beside that it named.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import random
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import numpy as np
from latency import Swarm, busy_site

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file
from araz.app._rim import free_port
from araz.app._runtime import Arrival, Night, arrivals_of, in_batches
from araz.sensors import AsterixPlot, decode_decision, encode_asterix_034, encode_asterix_048, encode_decision
from araz.store import SEGMENT_BYTES, Journal, heads_objection, read_raw, tree_of, verify_journal
from araz.vocabulary import Decision, DecisionAction

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from araz_programs import Program

START_US = 1_790_000_000_000_000
RATE = 2000
PLOTS = 20
LOOKS = 24
#: Share of the trials in which the night is also judged again from its start: that costs as much as the trial.
JUDGED_AGAIN = 0.2
#: Marks on the pipe to the parent: what the number beside them says.
BEGUN, SYNCED, TAKEN = range(3)
MARK = struct.Struct("<BQ")
BAD = (
    "lost", "altered", "decisions_lost", "torn_not_said", "torn_not_kept", "not_whole_after", "heads_unfit",
    "ended_otherwise",
)  # fmt: skip


def arrivals(folder: Path) -> list[Arrival]:
    """The site, then looks of 2,000 observations in messages of 20, a decision after every 25 of them."""
    rng = np.random.default_rng(1)
    out: list[Arrival] = [(START_US, SITE_SOURCE, bundle_from_file(busy_site(folder, 1)))]
    for second in range(1, LOOKS + 1):
        at_us = START_US + second * 1_000_000
        clock_s = at_us / 1e6 % 86400
        for part in range(RATE // PLOTS):
            plots = [
                AsterixPlot(2000.0 + 40 * (k + PLOTS * part), (7 * k + second) % 360, altitude_amsl_m=300.0)
                if part < 3 else AsterixPlot(rng.uniform(300, 8000), rng.uniform(0, 360), altitude_amsl_m=300.0)
                for k in range(PLOTS)
            ]  # fmt: skip
            out.append((at_us, "radar-1", encode_asterix_048(25, 1, clock_s, plots)))
            if part % 25 == 24:
                decision = Decision(decision_id=f"d-{second}-{part}", alarm_id="A0001", revision=1,
                                    officer="officer-1", action=DecisionAction.ACKNOWLEDGE, at_us=at_us)  # fmt: skip
                out.append((at_us, "console", encode_decision(decision)))
        out += [(at_us, "radar-1", encode_asterix_034(25, 1, clock_s)), (at_us, "@tick", b"")]
    return out


def station(out: Path, sent: list[Arrival], told: int, batch: int, segment_bytes: int) -> None:
    """Take everything and end; tell before each batch, when it is synced, and when it is acknowledged."""
    night = Night(out, log_events=False)
    night.journal.close()
    night.journal = Journal.open(night.journal.path, segment_bytes=segment_bytes)
    night.confirm = lambda next_seq: mark(told, SYNCED, next_seq)
    for some in in_batches(sent, batch):
        mark(told, BEGUN, night.journal.next_seq)
        mark(told, TAKEN, night.take(some)[-1].seq + 1)


def mark(told: int, what: int, number: int) -> None:
    os.write(told, MARK.pack(what, number))


def trial(sent: list[Arrival], chance: random.Random, *, is_cut: bool) -> Counter[str]:
    """One station, killed; what was found."""
    folder = Path(tempfile.mkdtemp(prefix="araz-kill-"))
    read, write = os.pipe()
    batch, segment_bytes = chance.choice((1, 8, 64, 512)), chance.choice((SEGMENT_BYTES, 100_000))
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            station(folder, sent, write, batch, segment_bytes)
        finally:
            os._exit(1)
    os.close(write)
    marks = [MARK.unpack(os.read(read, MARK.size))]
    while marks[-1][0] != TAKEN:  # it has begun to acknowledge
        marks.append(MARK.unpack(os.read(read, MARK.size)))
    begun = time.monotonic()
    if is_cut or chance.random() < 0.5:
        for _ in range(chance.randrange(1, 2 + 2 * (len(sent) // batch))):
            if not (data := os.read(read, MARK.size)):
                break
            marks.append(MARK.unpack(data))
            if marks[-1][0] == BEGUN and chance.random() < 0.1:
                break
        time.sleep(chance.choice((0.0, 1e-4, 1e-3, 5e-3)) * chance.random())
    else:
        time.sleep(chance.uniform(0.0, 0.3))
    os.kill(child, signal.SIGKILL)
    alive_s = time.monotonic() - begun
    _, status = os.waitpid(child, 0)
    rest = b"".join(iter(lambda: os.read(read, 1 << 20), b""))
    os.close(read)
    marks += list(MARK.iter_unpack(rest[: len(rest) // MARK.size * MARK.size]))
    acknowledged, synced = (max((n for what, n in marks if what == kind), default=0) for kind in (TAKEN, SYNCED))
    is_over = acknowledged == len(sent)  # it had taken all before the signal came
    found = Counter(ended_otherwise=int(os.WTERMSIG(status) != signal.SIGKILL and not is_over))
    if is_cut:
        found["unsynced_bytes_cut"] = cut(folder / "night.journal", max(synced, acknowledged), chance)
    found.update(judged(folder, sent, acknowledged, reads_itself=chance.random() < JUDGED_AGAIN))
    found["alive_ms"] = round(alive_s * 1e3)
    shutil.rmtree(folder)
    return found


def cut(journal: Path, synced: int, chance: random.Random) -> int:
    """Leave of what the last file holds beyond the synced entries a part of random length; return what went."""
    last = sorted(journal.glob("*.seg"))[-1]
    whole = [entry for entry in read_raw(journal) if entry.message.seq < synced and entry.segment == int(last.stem)]
    size, kept = last.stat().st_size, whole[-1].end if whole else 84
    if size <= kept:
        return 0
    at = chance.randrange(kept, size)
    os.truncate(last, at)
    return size - at


def judged(folder: Path, sent: list[Arrival], acknowledged: int, *, reads_itself: bool) -> Counter[str]:
    """Open what is left as the program does, and hold it against what was sent."""
    path = folder / "night.journal"
    torn, is_torn = torn_bytes(path)
    decided = [decode_decision(payload) for _, source, payload in sent[:acknowledged] if source == "console"]
    recorded = {decision.decision_id for decision in decided}
    with contextlib.closing(Night(folder, log_events=False)) as night:
        said = night.journal.recovered or ""
        if reads_itself:
            night.resume()
            recorded = {decision.decision_id for decision in night.records.decisions()}
    kept = list(arrivals_of(path))
    return Counter(
        {
            "acknowledged": acknowledged,
            "decisions_acknowledged": len(decided),
            "judged_again": int(reads_itself),
            "lost": max(0, acknowledged - len(kept)),
            "altered": sum(one != right for one, right in zip(kept, sent, strict=False)),
            "decisions_lost": sum(decision.decision_id not in recorded for decision in decided),
            **tail_findings(path, is_torn, torn, said),
        }
    )


def torn_bytes(path: Path) -> tuple[bytes, bool]:
    """What the last file holds beyond its last whole entry, and whether there is any."""
    last = sorted(path.glob("*.seg"))[-1]
    ends = [entry.end for entry in read_raw(path) if entry.segment == int(last.stem)]
    data = last.read_bytes()
    tail = data[ends[-1] if ends else 84 :] if len(data) >= 84 else data
    return tail, bool(tail) or len(data) < 84


def tail_findings(path: Path, is_torn: bool, torn: bytes, said: str) -> dict[str, int]:
    """Whether the opened journal is whole, and the torn tail was told and is in the file beside that was named."""
    beside = [file for file in path.glob("*.torn") if file.name in said]
    result = verify_journal(path)
    return {
        "torn_tails": int(is_torn),
        "torn_not_said": int(is_torn != bool(said)),
        "torn_not_kept": int(is_torn and [file.read_bytes() for file in beside] != [torn]),
        "not_whole_after": int(not result.ok),
        "heads_unfit": int(heads_objection(path, tree_of(path)) is not None),
    }


class Station:
    """`araz watch` with a radar that sends 2,000 observations a second, and people who report and decide."""

    def __init__(self, home: Path) -> None:
        self.udp = free_port(socket.SOCK_DGRAM)
        self.program = Program(home / "out", "watch", "--site", busy_site(home, self.udp))
        self.acknowledged: dict[int, bytes] = {}
        self.decisions: list[str] = []
        self.ends = threading.Event()
        self.sender = threading.Thread(target=self._send, daemon=True)

    def _send(self) -> None:
        swarm, begin, k = Swarm(50, RATE // 4), time.time(), 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not self.ends.wait(max(0.0, begin + k / 4 - time.time())):
                k += 1
                for datagram in swarm.look(time.time()):
                    out.sendto(datagram, ("127.0.0.1", self.udp))

    def people(self, until: threading.Event) -> None:
        """Report and decide, one after the other, until told or nobody answers."""
        number = len(self.acknowledged)
        while not until.is_set():
            number += 1
            decision = {"decision_id": str(uuid.uuid4()), "alarm_id": "A0001", "revision": 1, "officer": "officer-1",
                        "action": "acknowledge", "at_us": time.time_ns() // 1000}  # fmt: skip
            try:
                seq = self.program.post("/api/decisions", decision)["seq"]
                self.decisions.append(decision["decision_id"])
                self.acknowledged[seq] = decision["decision_id"].encode()
            except OSError:
                return
            if (seq := self.program.report(number)) is not None:
                self.acknowledged[seq] = f'"r{number}"'.encode()


def lives(count: int, chance: random.Random) -> Counter[str]:
    """One folder, the program started and killed so often; what was found."""
    found = Counter[str]()
    with tempfile.TemporaryDirectory(prefix="araz-kill-") as name:
        station = Station(Path(name))
        path = station.program.folder / "night.journal"
        station.sender.start()
        station.program.start()
        for _ in range(count):
            until = threading.Event()
            people = [threading.Thread(target=station.people, args=(until,)) for _ in range(2)]
            for one in people:
                one.start()
            time.sleep(chance.uniform(0.1, 2.0))
            station.program.end()
            until.set()
            for one in people:
                one.join()
            found["ended_otherwise"] += station.program.process.returncode != -signal.SIGKILL
            torn, is_torn = torn_bytes(path)
            told = len(station.program.said())
            station.program.start()
            said = "".join(
                line for line in station.program.said()[told:].splitlines() if ".torn" in line or "begun and" in line
            )
            recorded = {one["decision_id"] for one in json.loads(station.program.get("/api/decisions"))}
            found["decisions_lost"] += sum(one not in recorded for one in station.decisions)
            kept = {entry.message.seq: entry.message.payload for entry in read_raw(path)}
            found["lost"] += sum(seq not in kept for seq in station.acknowledged)
            found["altered"] += sum(one not in kept.get(seq, one) for seq, one in station.acknowledged.items())
            # The program writes on: judged whole is the journal up to where it stands now.
            found["torn_tails"] += is_torn
            beside = [file.read_bytes() for file in path.glob("*.torn") if file.name in said]
            found["torn_not_said"] += is_torn != bool(said)
            found["torn_not_kept"] += is_torn and beside != [torn]
            found["trials"] += 1
            found["judged_again"] += 1
        station.ends.set()
        station.program.end(signal.SIGTERM)
        result = verify_journal(path)
        found["not_whole_after"] += not result.ok
        found["heads_unfit"] += heads_objection(path, tree_of(path)) is not None
        found["acknowledged"] = len(station.acknowledged)
        found["decisions_acknowledged"] = len(station.decisions)
        found["entries"] = result.entries
    return found


def writers(count: int, chance: random.Random, *, is_cut: bool) -> Counter[str]:
    """So many trials of the forked night."""
    total = Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        sent = arrivals(Path(name))
        # Kernels are loaded and the site is read once, before the forks: the pipeline is pure, so it is the same site.
        pipeline.configured = functools.cache(pipeline.configured)
        with contextlib.closing(Night(Path(name) / "warm", log_events=False)) as night:
            night.take(sent[: len(sent) // 4])
    for number in range(count):
        total.update(trial(sent, chance, is_cut=is_cut))
        total["trials"] += 1
        if number % 50 == 49:
            sys.stderr.write(f"{number + 1}: {dict(total)}\n")
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--programs", type=int, default=100)
    parser.add_argument("--only", nargs="*", choices=["writer", "cut", "program"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    chance, is_bad = random.Random(given.seed), False
    parts = {"writer": given.trials, "cut": given.cuts, "program": given.programs}
    for what, count in parts.items():
        if not count or (given.only and what not in given.only):
            continue
        if what == "program":
            total = Counter[str]()
            for first in range(0, count, 10):
                total.update(lives(min(10, count - first), chance))
                sys.stderr.write(f"{first + 10}: {dict(total)}\n")
        else:
            total = writers(count, chance, is_cut=what == "cut")
        keys = ("trials", "judged_again", "acknowledged", "decisions_acknowledged", "torn_tails", *BAD)
        rate = (total["acknowledged"] - total["decisions_acknowledged"]) * PLOTS / max(1, total["alive_ms"]) * 1e3
        row = {
            "killed": what,
            "observations_per_s": RATE if what == "program" else round(rate, -2),
            **{key: total[key] for key in keys},
        }
        print(json.dumps(row) if given.json else json.dumps(row, indent=1), flush=True)
        is_bad |= any(total[key] for key in BAD)
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
