"""Two centre nodes: one leads, the other follows its journal entry by entry and takes over when it is gone."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from araz.app._pair_file import Sides, check_pair_exposure
from araz.app._pair_follower import Follower, holds
from araz.app._pair_leader import Leader
from araz.app._rim import say
from araz.app._runtime import Night
from araz.feeds import tls_contexts
from araz.store import Arbiter, ArbiterError, Stand
from araz.vocabulary import Message

#: A leader that was heard so lately is called again, not replaced.
GRACE_S: Final = 1.0
PAUSE_S: Final = 0.2
#: Batches that may wait to be judged; past it the leader waits.
MOST_BATCHES: Final = 256


class Pair:
    """One node's part: it begins as the arbiter says, and may come to lead; who led and leads no more ends."""

    def __init__(self, sides: Sides, keys: Path | None, night: Night, tell: Callable[[str], None] = say) -> None:
        check_pair_exposure(sides, keys)
        self.sides = sides
        self._night, self._tell = night, tell
        door, line = (None, None) if keys is None else tls_contexts(keys, sides.own.id)
        self._door = door
        self._arbiter = Arbiter(sides.arbiter, sides.name)
        self._follower = Follower(
            sides.own.id, sides.other.id, sides.other.address, line, self._arbiter, night.journal, tell
        )
        self._leader: Leader | None = None
        self._heard_s = time.monotonic()
        self._heard: queue.Queue[list[Message] | BaseException] = queue.Queue(MOST_BATCHES)
        """What is on this disk and not yet judged; an empty batch is the end: this node leads."""
        self._has_all = False
        self._is_closed = False

    @property
    def is_leading(self) -> bool:
        """Whether this node takes messages and decisions: it has judged all that the other one sent."""
        return self._leader is not None and self._has_all

    @property
    def is_paired(self) -> bool:
        """Whether the other node has everything that counts."""
        return self._leader is not None and self._leader.is_paired

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken here at the moment."""
        if self._leader is None or not self._has_all:
            return f"this node follows node {self.sides.other.id}"
        return self._leader.doubt

    def begin(self) -> None:
        """Find the part to play; before the night is read, for what nobody acknowledged may have to be set aside."""
        while not self._begun():
            time.sleep(PAUSE_S)

    def _begun(self) -> bool:
        journal = self._night.journal
        try:
            now = self._arbiter.read()
            if now is None:
                now = self._arbiter.change(None, self.sides.own.id, True, journal.next_seq, journal.head_hash_hex)
        except ArbiterError as error:
            self._follower.say_once(f"{error}: this node waits for it, to know whether it leads")
            return False
        if now is not None and now.leader == self.sides.own.id and holds(journal, now):
            self._lead(now)
            self._has_all = True
            return True
        if self._follower.call(may_cut=True):
            return True
        self._has_all = self._may_lead()
        return self._has_all

    def catch_up(self) -> None:
        """Follow until this node knows what the leader knows, so that its console has something to show."""
        if self.is_leading:
            return
        threading.Thread(target=self._hear, name="pair hear", daemon=True).start()
        while not self._has_all and not (self._follower.is_level and self._night.state is not None):
            self._next()

    async def follow(self, shown: Callable[[int], None]) -> None:
        """Judge what comes until this node leads; ``shown`` hears the time of the oldest message of each batch."""
        while not self._has_all:
            oldest_us = await asyncio.to_thread(self._next)
            if oldest_us is not None:
                shown(oldest_us)

    def _next(self) -> int | None:
        """Judge the next batch; None once there is no more to come, or for a pause."""
        try:
            messages = self._heard.get(timeout=0.5)
        except queue.Empty:
            return None
        if isinstance(messages, BaseException):
            raise messages
        self._has_all = not messages
        if messages:
            self._night.act(messages)
        return min((message.received_at_us for message in messages), default=None)

    def _hear(self) -> None:
        """Have what the leader sends on this disk and say so, however long judging it takes; then lead."""
        try:
            while self._leader is None and not self._is_closed:
                messages = self._follower.receive()
                if messages is not None:
                    self._heard_s = time.monotonic()
                    if messages:
                        self._heard.put(messages)
                elif not self._follower.call() and time.monotonic() - self._heard_s > GRACE_S and self._may_lead():
                    break
                elif not self._follower.is_connected:
                    time.sleep(PAUSE_S)
            self._heard.put([])
        except BaseException as error:
            self._heard.put(error)
        finally:
            self._follower.close()

    def _may_lead(self) -> bool:
        stand = self._follower.take_over()
        if stand is not None:
            self._lead(stand)
        return stand is not None

    def _lead(self, stand: Stand) -> None:
        self._follower.close()
        self._leader = Leader(
            self.sides.own.id, self.sides.other.id, self.sides.own.address, self._door, self._arbiter, stand,
            self._night.journal, self._tell,
        )  # fmt: skip
        self._night.confirm = self._leader.confirm

    def close(self) -> None:
        """Acknowledge nothing more, and hang up."""
        self._is_closed = True
        if self._leader is not None:
            self._leader.close()
        self._follower.close()
        self._arbiter.close()


async def in_turn(
    pair: Pair, shown: Callable[[int], None], lead: Callable[[], list[Coroutine[Any, Any, None]]]
) -> None:
    """Follow, and once this node leads do what a leader does; ends what waits for confirmation when it is cancelled."""
    try:
        await pair.follow(shown)
        await asyncio.gather(*lead())
    finally:
        pair.close()
