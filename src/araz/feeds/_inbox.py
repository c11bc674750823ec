"""What has arrived and is not yet taken: one bounded lane for each peer, emptied in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from araz.vocabulary import Feed

#: A datagram lane holds this much, then counts what it cannot take; a stream lane makes its peer wait.
DATAGRAMS: Final = 16_384
DATAGRAM_BYTES: Final = 1 << 24
STREAM_BYTES: Final = 1 << 20
#: What the sink gets at once: enough for one disk sync to carry thousands a second, and little to wait for.
BATCH_MESSAGES: Final = 1024
BATCH_BYTES: Final = 1 << 23
#: Answers a peer may leave unread before its connection is closed.
UNREAD_BYTES: Final = 1 << 20


class Lane:
    """The queue of one peer or one datagram socket."""

    def __init__(self, feed: Feed, source: str, inbox: Inbox, transport: asyncio.WriteTransport | None = None) -> None:
        self.feed = feed
        self.source = source
        self.transport = transport
        self.refused = 0
        self.first_refused = b""
        self._inbox = inbox
        self._queue: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._space = asyncio.Event()
        self._space.set()
        self._unsettled = 0
        self._settled = asyncio.Event()
        self._settled.set()

    def offer(self, at_us: int, payload: bytes) -> None:
        """Take a datagram, or count it as refused when the lane is full."""
        if len(self._queue) >= DATAGRAMS or self._bytes >= DATAGRAM_BYTES:
            self.refuse(1, payload)
            return
        self._put(at_us, payload)

    def refuse(self, count: int, first: bytes = b"") -> None:
        """Count datagrams that were lost here, or already in the system's buffer (then their bytes are unknown)."""
        self.first_refused = self.first_refused or first
        self.refused += count
        self._inbox.note_refusal(self)

    async def put(self, at_us: int, payload: bytes) -> None:
        """Take a piece of a stream as soon as there is room: until then nothing more is read, and the peer waits."""
        await self._space.wait()
        self._put(at_us, payload)

    def _put(self, at_us: int, payload: bytes) -> None:
        self._queue.append((at_us, payload))
        self._bytes += len(payload)
        self._unsettled += 1
        self._settled.clear()
        if self._bytes >= STREAM_BYTES:
            self._space.clear()
        if len(self._queue) == 1:
            self._inbox.note_arrival(self)

    def pop(self) -> tuple[int, bytes]:
        """Give the oldest message."""
        at_us, payload = self._queue.popleft()
        self._bytes -= len(payload)
        if self._bytes < STREAM_BYTES:
            self._space.set()
        return at_us, payload

    def settle(self) -> None:
        """One message was taken by the sink and answered."""
        self._unsettled -= 1
        if self._unsettled == 0:
            self._settled.set()

    async def settled(self) -> None:
        """Wait until everything put in was settled."""
        await self._settled.wait()

    def __len__(self) -> int:
        return len(self._queue)

    def answer(self, data: bytes) -> bool:
        """Write to the peer; False when it has left too much unread to be waited for."""
        if self.transport is None or self.transport.is_closing():
            return True
        self.transport.write(data)
        return self.transport.get_write_buffer_size() <= UNREAD_BYTES


class Taken(NamedTuple):
    """One message on its way to the sink."""

    lane: Lane
    at_us: int
    payload: bytes


class Inbox:
    """All lanes; those with something in them stand in a ring and give one message at a time."""

    def __init__(self) -> None:
        self._ring: deque[Lane] = deque()
        self._refusing: dict[Lane, None] = {}
        self._arrived = asyncio.Event()

    def note_arrival(self, lane: Lane) -> None:
        """Put a lane that was empty at the end of the ring."""
        self._ring.append(lane)
        self._arrived.set()

    def note_refusal(self, lane: Lane) -> None:
        """Remember that a lane is counting what it refuses."""
        self._refusing[lane] = None

    async def take(self) -> list[Taken]:
        """Wait for something, then give a batch, each lane in its turn: a flood waits for nobody but itself."""
        await self._arrived.wait()
        batch: list[Taken] = []
        size = 0
        while self._ring and len(batch) < BATCH_MESSAGES and size < BATCH_BYTES:
            lane = self._ring.popleft()
            at_us, payload = lane.pop()
            batch.append(Taken(lane, at_us, payload))
            size += len(payload)
            if len(lane):
                self._ring.append(lane)
        if not self._ring:
            self._arrived.clear()
        return batch

    def refusals(self) -> list[tuple[Lane, int, bytes]]:
        """What was refused since last asked: (lane, how many, the first of them)."""
        found = [(lane, lane.refused, lane.first_refused) for lane in self._refusing]
        for lane in self._refusing:
            lane.refused, lane.first_refused = 0, b""
        self._refusing.clear()
        return found
