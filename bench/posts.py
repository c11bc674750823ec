"""Posts cut off for a day and rejoined: what the centre's journal lacks, holds twice, or holds in another order.

    python bench/posts.py [--posts 10] [--hours 24] [--every-s 10] [--json]

Real servers; the clock of the messages is simulated. Each post writes one hour with the line up, then goes on for so
many hours while its leaf server is down, then the line is back. While it catches up, every server, the centre and the
links are killed without warning at moments drawn by a seed. Judged is the centre's journal against each post's, entry
by entry: time, source, payload and chain hash.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from araz.app._nats_server import NatsServer, centre_server, leaf_server
from araz.app._post_book import passed_journal
from araz.app._rim import free_port
from araz.store import Journal, read_raw, verify_journal

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from araz_posts import Centre, end, ship

START_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000
#: When the centre hears of it all.
END_US = START_US + 30 * HOUR_US


def arrivals(dice: random.Random, from_us: int, to_us: int, every_s: float) -> list[tuple[int, str, bytes]]:
    """A post's messages of a span: ticks and plots, of sizes as sensors send them."""
    step_us = int(every_s * 1e6)
    return [
        (at_us, "radar", dice.randbytes(dice.randrange(20, 400))) if dice.random() < 0.7 else (at_us, "@tick", b"")
        for at_us in range(from_us, to_us, step_us)
    ]


def killed(server: NatsServer) -> None:
    os.kill(server.pid, signal.SIGKILL)


async def until(reached: Callable[[], bool], what: str) -> None:
    begun = time.monotonic()
    while not reached():
        if time.monotonic() - begun > 1800:
            raise SystemExit(f"not reached in half an hour: {what}")
        await asyncio.sleep(0.05)


async def night(folder: Path, posts: list[str], hours: float, every_s: float) -> dict[str, int]:
    """Run it; return how often what was killed, and the entries that came again and were dropped."""
    dice = random.Random(5)
    address = f"127.0.0.1:{free_port()}"
    hour = arrivals(dice, START_US, START_US + HOUR_US, every_s)
    day = arrivals(dice, START_US + HOUR_US, START_US + int((1 + hours) * HOUR_US), every_s)
    writers = {post: Journal.open(folder / post / "night.journal") for post in posts}
    for post, writer in writers.items():
        writer.append([(START_US, "@site", post.encode() * 9000), *hour])
    kills, dropped = Counter(), 0
    with contextlib.ExitStack() as stack:
        hub = stack.enter_context(centre_server(folder / "hub", address, posts, None))
        leaves = {post: leaf_server(folder / post, address, post, None) for post in posts}
        for leaf in leaves.values():
            stack.enter_context(leaf)
        centre = Centre(folder / "centre", hub.url, posts, END_US)

        links = {post: ship(leaves[post], post, folder) for post in posts}
        count = len(hour) + 1
        await until(lambda: all(centre.book.position(post)[0] == count for post in posts), "the first hour")
        for leaf in leaves.values():  # the line is cut
            leaf.close()
        for writer in writers.values():
            for first in range(0, len(day), 500):
                writer.append(day[first : first + 500])
            writer.close()
        for leaf in leaves.values():
            leaf.__enter__()
        keepers = [asyncio.ensure_future(one.keep(lambda _: None)) for one in (hub, *leaves.values())]
        count += len(day)

        def arrived() -> int:
            return sum(centre.book.position(post)[0] for post in posts)

        marks = sorted(dice.uniform(0.1, 0.95) for _ in range(8))
        for number, mark in enumerate(marks):
            await until(lambda mark=mark: arrived() >= mark * count * len(posts), f"{mark:.0%}")
            what = ("centre", "leaf", "link", "hub")[number % 4]
            kills[what] += 1
            post = dice.choice(posts)
            if what == "hub":
                killed(hub)
            elif what == "leaf":
                killed(leaves[post])
            elif what == "link":
                await end([links[post]])
                links[post] = ship(leaves[post], post, folder)
            else:
                dropped += centre.book.duplicates
                await centre.killed()
                centre = Centre(folder / "centre", hub.url, posts, END_US)
        await until(lambda: arrived() == count * len(posts), "the end")
        dropped += centre.book.duplicates
        await end([*links.values(), *keepers])
        await centre.killed()
    return {"kills": sum(kills.values()), "dropped_on_arrival": dropped}


def judged(folder: Path, posts: list[str]) -> dict[str, int]:
    """Hold what the centre has of each post against the post's own journal."""
    found = Counter(sent=0, lost=0, duplicates=0, out_of_order=0, altered=0)
    for post in posts:
        own = {
            one.message.seq: (one.message.received_at_us, one.message.source, one.message.payload, one.hash)
            for one in read_raw(folder / post / "night.journal")
        }
        held = list(passed_journal(folder / "centre", post))
        times = Counter(one.seq for _, one, _ in held)
        order = [one.seq for _, one, _ in held]
        found["sent"] += len(own)
        found["lost"] += len(own.keys() - times.keys())
        found["duplicates"] += sum(times.values()) - len(times)
        found["out_of_order"] += sum(after <= before for before, after in pairwise(order))
        found["altered"] += sum(
            own.get(one.seq) != (one.received_at_us, one.source, one.payload, digest) for _, one, digest in held
        )
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=10)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--every-s", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    posts = [f"P{number:02d}" for number in range(1, given.posts + 1)]
    with tempfile.TemporaryDirectory() as name:
        folder, cpu_s = Path(name), time.process_time()
        told = asyncio.run(night(folder, posts, given.hours, given.every_s))
        cpu_s = time.process_time() - cpu_s
        row = {
            "posts": given.posts, "hours_cut": given.hours, **judged(folder, posts), **told,
            "centre_journal_holds": verify_journal(folder / "centre").ok,
            "entries_per_cpu_s": 0,
        }  # fmt: skip
        row["entries_per_cpu_s"] = round(row["sent"] / cpu_s)
    print(json.dumps(row) if given.json else row, flush=True)


if __name__ == "__main__":
    main()
