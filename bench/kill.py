"""kill -9 at random instants while a station writes as fast as it can: is anything lost that it had acknowledged?

python bench/kill.py --trials 1000 [--json]

Each trial forks a station that takes the golden night in batches, decisions among them, judges it, stores it, and tells
its parent after each batch what it acknowledged. The parent kills it after a random time, opens what is left, and holds
it against what was sent. Promise: 0 acknowledged messages lost, every torn tail repaired and said.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from araz.app._runtime import Arrival, Night, arrivals_of, in_batches
from araz.sensors import encode_decision
from araz.store import Journal, verify_journal
from araz.vocabulary import Decision, DecisionAction

ROOT = Path(__file__).resolve().parent.parent


def arrivals() -> list[Arrival]:
    """The golden night, with a decision after every fiftieth message."""
    spec = importlib.util.spec_from_file_location("golden", ROOT / "tools" / "golden.py")
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    out: list[Arrival] = []
    for number, arrival in enumerate(arrivals_of(golden.JOURNAL)):
        out.append(arrival)
        if number % 50 == 49:
            at_us = arrival[0]
            decision = Decision(decision_id=f"d-{number}", alarm_id="A0001", revision=1, officer="officer-1",
                                action=DecisionAction.ACKNOWLEDGE, at_us=at_us)  # fmt: skip
            out.append((at_us, "console", encode_decision(decision)))
    return out


def station(out: Path, sent: Sequence[Arrival], told: int, batch: int) -> None:
    """Take everything, again and again, until killed; after each batch tell how many were acknowledged."""
    night, count = Night(out, log_events=False), 0
    while True:
        for some in in_batches(sent, batch):
            count += len(night.take(some))
            os.write(told, struct.pack("<Q", count))


def trial(sent: Sequence[Arrival], chance: random.Random) -> Counter[str]:
    """One station, killed; what was found."""
    folder = Path(tempfile.mkdtemp(prefix="araz-kill-"))
    read, write = os.pipe()
    batch = chance.choice((1, 8, 64, 512))
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            station(folder, sent, write, batch)
        finally:
            os._exit(1)
    os.close(write)
    first = os.read(read, 8)  # it has begun to acknowledge
    time.sleep(chance.uniform(0.0, 0.3))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    told = first + b"".join(iter(lambda: os.read(read, 1 << 20), b""))
    os.close(read)
    acknowledged = struct.unpack("<Q", told[-8:])[0] if told else 0
    found = judged(folder, sent, acknowledged)
    found["died otherwise"] += os.WTERMSIG(status) != signal.SIGKILL
    shutil.rmtree(folder)
    return found


def judged(folder: Path, sent: Sequence[Arrival], acknowledged: int) -> Counter[str]:
    """Hold what is left against what was sent."""
    path, found = folder / "night.journal", Counter[str]()
    torn = verify_journal(path).is_torn
    with Journal.open(path) as journal:
        said = journal.recovered
    result = verify_journal(path)
    kept = list(arrivals_of(path))
    decisions = sum(source == "console" for _, source, _ in kept[:acknowledged])
    found.update(
        {
            "acknowledged": acknowledged,
            "decisions acknowledged": decisions,
            "lost": max(0, acknowledged - len(kept)),
            "altered": sum(one != sent[k % len(sent)] for k, one in enumerate(kept)),
            "torn tails": int(torn),
            "torn tails not said": int(torn and not said),
            "not whole after opening": int(not result.ok),
        }
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sent, chance, total = arrivals(), random.Random(given.seed), Counter[str]()
    warm = Path(tempfile.mkdtemp(prefix="araz-kill-"))
    night = Night(warm, log_events=False)  # kernels are loaded once, before the forks
    night.take(sent[:600])
    night.close()
    shutil.rmtree(warm)
    for _ in range(given.trials):
        total.update(trial(sent, chance))
        total["trials"] += 1
    bad = ("lost", "altered", "torn tails not said", "not whole after opening", "died otherwise")
    row = {key: total[key] for key in ("trials", "acknowledged", "decisions acknowledged", "torn tails", *bad)}
    print(msgspec.json.encode(row).decode() if given.json else json.dumps(row, indent=1), flush=True)
    sys.exit(any(total[key] for key in bad))


if __name__ == "__main__":
    main()
