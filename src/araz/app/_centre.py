"""What a centre does beside watching: it takes what its posts pass on, and corrects the history after a cut."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

import msgspec

from araz.app._corrections import AFTER_US, SAME_US, correct
from araz.app._live import Live
from araz.app._nats_server import NatsServer, centre_server
from araz.app._post_book import PostBook
from araz.app._posts import CORRECTED_SOURCE
from araz.app._rim import say
from araz.app._runtime import Night
from araz.feeds import receive_forever
from araz.vocabulary import Correction, Incident, Site

log = logging.getLogger("araz")

#: A span of late messages that grew no more for so long is complete, for now.
QUIET_S: Final = 5.0


def open_centre(site: Site, out: Path, address: str, keys: Path | None) -> NatsServer:
    """The server on which the posts of a site call; ValueError when the site has none."""
    if not site.posts:
        raise ValueError("the site has no [[posts]]; add them (docs/posts.md), or leave --posts out")
    return centre_server(out / "nats", address, [post.id for post in site.posts], keys)


async def run_centre(live: Live, server: NatsServer, site: Site) -> None:
    """What runs beside the centre's console: the server, one reader a post, the corrections."""
    book = PostBook(live.take_all, live.clock)
    await asyncio.to_thread(book.read, live.night.journal.path)
    await asyncio.to_thread(server.__enter__)
    try:
        readers = [receive_forever(server.url, post.id, book, say) for post in site.posts]
        await asyncio.gather(server.keep(say), *readers, correct_forever(live))
    finally:
        server.close()


def late_spans(night: Night) -> dict[str, tuple[int, int]]:
    """First and last time of what came late and was not judged yet, by post."""
    posts = {} if night.state is None else night.state.posts
    return {name: memory.late_us for name, memory in posts.items() if memory.late_us is not None}


def said_in(night: Night, late_us: Mapping[str, tuple[int, int]]) -> list[Incident]:
    """What was said of the span of late messages until now."""
    from_us = min(first for first, _ in late_us.values()) - SAME_US
    to_us = max(last for _, last in late_us.values()) + AFTER_US
    return [one for one in night.records.incidents() if from_us <= one.at_us <= to_us]


async def correct_forever(live: Live) -> None:
    """Judge spans of late messages again once they are complete, in a process of its own: the night never waits."""
    seen: Mapping[str, tuple[int, int]] = {}
    while True:
        await asyncio.sleep(QUIET_S)
        late_us = late_spans(live.night)
        if late_us and late_us == seen:
            try:
                found = await _correction(live, late_us)
                await live.take(live.clock(), CORRECTED_SOURCE, msgspec.json.encode(found))
                say(_sentence(found))
            except (OSError, ValueError, BrokenProcessPool) as error:
                log.error("the history of %s was not corrected: %s; it is tried again", ", ".join(late_us), error)
        seen = late_us


async def _correction(live: Live, late_us: Mapping[str, tuple[int, int]]) -> Correction:
    """The correction, computed beside; forking would copy the locks of this process's threads, so it is spawned."""
    said = await asyncio.to_thread(said_in, live.night, late_us)
    journal, upto_seq = live.night.journal.path, live.night.journal.next_seq - 1
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, correct, journal, upto_seq, dict(late_us), said)


def _sentence(found: Correction) -> str:
    kinds: Sequence[str] = [incident.kind.value for incident in found.incidents]
    what = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))) or "nothing"
    return f"{', '.join(found.posts)} came late and was judged again; in the history changes: {what}"
