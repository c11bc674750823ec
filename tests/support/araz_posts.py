"""A short chain of posts, one night over it, and both ends of a link: for the tests of posts and their bench."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import data_dir, scenario_path
from araz.app._nats_server import NatsServer
from araz.app._post_book import PostBook, PostJournal
from araz.feeds import receive_forever, ship_forever
from araz.simulation import read_scenario, simulate
from araz.store import Journal

SECOND_US = 1_000_000


def chain_of(folder: Path, keep: list[str]) -> Path:
    """Write the shipped chain with these posts only; return the site file."""
    shipped = data_dir("sites") / "chain" / "site.toml"
    head, *parts = re.split(r"(?=# -+ post P\d\d\n)", shipped.read_text())
    people = parts[-1][parts[-1].index('[[sensors]]\nid = "people"') :]
    kept = [part.removesuffix(people) for part in parts if re.match(r"# -+ post (P\d\d)", part)[1] in keep]
    text = (head + "".join(kept) + people).replace("../horadiz", str(data_dir("sites") / "horadiz"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(text)
    return folder / "site.toml"


def night_over(site_file: Path, from_s: float, to_s: float) -> tuple[int, bytes, list[tuple[int, str, bytes]]]:
    """A heavy drone that crosses near P06 and drops its load: start (µs), site bundle, arrivals of a span of it."""
    bundle = bundle_from_file(site_file)
    _, place, _ = site_from_bundle(bundle)
    text = scenario_path("C1").read_text().replace("duration_s = 1500.0", f"duration_s = {to_s}")
    scenario = read_scenario(text)
    start_us = scenario.start_us
    span = [
        one
        for one in simulate(scenario, place, 3, []).messages
        if start_us + from_s * SECOND_US <= one[0] < start_us + to_s * SECOND_US
    ]
    return start_us + int(from_s * SECOND_US), bundle, span


def post_journal(folder: Path, start_us: int, bundle: bytes, arrivals: list[tuple[int, str, bytes]]) -> Path:
    """A post's journal of these arrivals; its tick each second is left out."""
    with Journal.open(folder / "night.journal") as journal:
        journal.append([(start_us, SITE_SOURCE, bundle), *arrivals])
    return folder / "night.journal"


class Centre:
    """A centre's journal and its readers; ``killed`` ends it without a word, as kill -9 would."""

    def __init__(self, folder: Path, url: str, posts: Iterable[str], at_us: int = 5) -> None:
        self.journal = Journal.open(folder)
        self.book = PostBook(self._take, lambda: at_us)
        self.book.read(folder)
        self.said: list[str] = []
        self.tasks = [asyncio.ensure_future(receive_forever(url, post, self.book, self.said.append)) for post in posts]

    async def _take(self, arrivals: Sequence[tuple[int, str, bytes]]) -> None:
        self.journal.append(arrivals)

    async def killed(self) -> None:
        await end(self.tasks)
        self.journal.close()


def ship(
    server: NatsServer, post: str, folder: Path, tell: Callable[[str], None] = lambda _: None
) -> asyncio.Task[Any]:
    """A post's end of the link: passes its journal under ``folder`` on."""
    return asyncio.ensure_future(ship_forever(server.url, post, PostJournal(folder / post / "night.journal"), tell))


async def end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel these and wait until they are gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
