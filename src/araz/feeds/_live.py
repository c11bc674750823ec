"""Live feeds: every peer read at its own pace, every message handed on in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from araz.feeds._datagrams import Datagrams
from araz.feeds._framing import BadStream, read_message, reader_limit
from araz.feeds._inbox import Inbox, Lane, Taken
from araz.feeds._sockets import Address, datagram_socket, keep_alive, parse_url
from araz.vocabulary import RAW_KEPT_BYTES, Feed, Format, Rejected

Sink = Callable[[int, str, bytes], Awaitable[object]]
Problem = Callable[[Rejected], object]
Reply = Callable[[str, bytes, int], bytes | None]

#: Peers that one listening feed keeps at a time.
MAX_PEERS: Final = 64
#: Pauses between tries to open a socket or reach a peer: doubled from the first to the last.
FIRST_PAUSE_S: Final = 0.5
LAST_PAUSE_S: Final = 30.0


async def run_feeds(
    feeds: Sequence[Feed],
    sink: Sink,
    on_problem: Problem,
    clock_us: Callable[[], int],
    *,
    reply: Reply | None = None,
    idle_timeout_s: float = 300.0,
    first_pause_s: float = FIRST_PAUSE_S,
    on_ready: Callable[[str, int], object] | None = None,
) -> None:
    """Read every feed that has a url, until cancelled.

    ``clock_us`` tells the time of arrival, microseconds since 1970, UTC.
    ``sink(received_at_us, source, payload)`` is called for a batch of messages at once, in order for each source, each
    feed in its turn, and awaited: it returns when the message is safe. When it raises OSError (a full disk), the same
    messages are offered again until taken, after those of their batch that were; senders wait meanwhile. Then
    ``reply(source, payload, now_us)`` may answer on the connection: no bytes say nothing, None closes it.
    ``source`` is the feed's id; for peers that connect to us, and for SAPIENT, ``id#n`` with an n that is new for each
    connection, also after a restart. ``on_problem`` gets what went wrong as Rejected, with the reasons ``overload``,
    ``too-long``, ``truncated``, ``bad-length``, ``idle-peer``, ``disconnected``, ``connect-failed``, ``listen-failed``,
    ``too-many-peers``, ``peer-not-reading``, ``not-kept``. A peer silent for ``idle_timeout_s`` is disconnected.
    ``on_ready(feed_id, port)`` tells when a listening feed listens.
    Raises ValueError for a url that is none, before anything is opened, and whatever else ``sink`` raises.
    """
    opened = [(feed, parse_url(feed)) for feed in feeds if feed.url]
    try:
        async with asyncio.TaskGroup() as tasks:
            live = _Live(tasks, sink, on_problem, reply, idle_timeout_s, first_pause_s, on_ready, clock_us)
            tasks.create_task(live.deliver_for_ever())
            for feed, address in opened:
                tasks.create_task(live.keep_open(feed, address))
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class _Live:
    """What the tasks of one ``run_feeds`` share."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        sink: Sink,
        on_problem: Problem,
        reply: Reply | None,
        idle_timeout_s: float,
        first_pause_s: float,
        on_ready: Callable[[str, int], object] | None,
        clock_us: Callable[[], int],
    ) -> None:
        self.tasks, self.sink, self.on_problem, self.reply = tasks, sink, on_problem, reply
        self.idle_timeout_s, self.first_pause_s = idle_timeout_s, first_pause_s
        self.on_ready, self.clock_us = on_ready, clock_us
        self.inbox = Inbox()
        self.last_connection = 0

    def report(self, source: str, reason: str, detail: str, raw: bytes = b"") -> None:
        rejected = Rejected(
            source=source, received_at_us=self.clock_us(), reason=reason, detail=detail, raw=raw[:RAW_KEPT_BYTES]
        )
        self.on_problem(rejected)

    async def deliver_for_ever(self) -> None:
        while True:
            batch = await self.inbox.take()
            for lane, count, first in self.inbox.refusals():
                detail = f"{count} datagrams came faster than they could be kept: flood, or slow disk"
                self.report(lane.source, "overload", detail, first)
            await self._deliver(batch)
            for taken in batch:
                if self.reply is not None:
                    self._answer(taken, self.reply)
                taken.lane.settle()

    async def _deliver(self, batch: list[Taken]) -> None:
        pause_s = self.first_pause_s
        while batch:
            calls = (self.sink(taken.at_us, taken.lane.source, taken.payload) for taken in batch)
            results = await asyncio.gather(*calls, return_exceptions=True)
            failed = [(taken, error) for taken, error in zip(batch, results, strict=True) if _is_error(error)]
            for _, error in failed:
                if not isinstance(error, OSError):
                    assert isinstance(error, BaseException)
                    raise error
            if not failed:
                return
            batch = [taken for taken, _ in failed]
            detail = f"{len(batch)} messages wait to be kept: {failed[0][1]}"
            self.report(batch[0].lane.source, "not-kept", detail, batch[0].payload)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_PAUSE_S)

    def _answer(self, taken: Taken, reply: Reply) -> None:
        lane = taken.lane
        if lane.transport is None:
            return
        data = reply(lane.source, taken.payload, self.clock_us())
        if data is None:
            lane.transport.close()
        elif data and not lane.answer(data):
            lane.transport.abort()
            self.report(lane.source, "peer-not-reading", "the peer does not read its answers and was disconnected")

    async def keep_open(self, feed: Feed, address: Address) -> None:
        """Open a feed again and again, waiting longer after each failure in a row."""
        open_once = {"udp": self._udp, "tcp": self._connect, "tcp-listen": self._listen}[address.scheme]
        pause_s = self.first_pause_s
        while True:
            heard = asyncio.Event()
            try:
                await open_once(feed, address, heard)
            except OSError as error:
                reason = "connect-failed" if address.scheme == "tcp" else "listen-failed"
                detail = f"{feed.url} cannot be opened: {error}. Trying again; check address, cable and firewall."
                self.report(feed.id, reason, detail)
            pause_s = self.first_pause_s if heard.is_set() else pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_PAUSE_S)

    async def _udp(self, feed: Feed, address: Address, heard: asyncio.Event) -> None:
        lane = Lane(feed, feed.id, self.inbox)
        reader = Datagrams(await datagram_socket(address), lane, self._accept_datagram)
        self._tell_ready(feed, reader.port, heard)
        await reader.read_for_ever()

    def _accept_datagram(self, lane: Lane, data: bytes) -> None:
        limit = lane.feed.max_message_bytes
        if len(data) > limit:
            detail = f"a datagram of {len(data)} bytes exceeds max_message_bytes ({limit}) of the feed"
            self.report(lane.source, "too-long", detail, data)
        elif data:
            lane.offer(self.clock_us(), data)

    async def _connect(self, feed: Feed, address: Address, heard: asyncio.Event) -> None:
        limit = reader_limit(feed)
        async with asyncio.timeout(LAST_PAUSE_S):
            reader, writer = await asyncio.open_connection(address.host, address.port, limit=limit)
        source = self._new_source(feed) if feed.format == Format.SAPIENT else feed.id
        await self._converse(Lane(feed, source, self.inbox, writer.transport), reader, writer, heard)
        self.report(source, "disconnected", f"{feed.url} ended, or was silent too long; connecting again")

    async def _listen(self, feed: Feed, address: Address, heard: asyncio.Event) -> None:
        peers: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            source = self._new_source(feed)
            if len(peers) >= MAX_PEERS:
                writer.transport.abort()
                detail = f"{MAX_PEERS} peers are connected already; one more was turned away"
                self.report(source, "too-many-peers", detail)
                return
            lane = Lane(feed, source, self.inbox, writer.transport)
            peer = self.tasks.create_task(self._converse(lane, reader, writer, asyncio.Event()))
            peers.add(peer)
            peer.add_done_callback(peers.discard)

        server = await asyncio.start_server(accept, address.host, address.port, limit=reader_limit(feed))
        self._tell_ready(feed, server.sockets[0].getsockname()[1], heard)
        async with server:
            await server.serve_forever()

    async def _converse(
        self, lane: Lane, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: asyncio.Event
    ) -> None:
        """Read one peer to its end; whatever the peer does, the others go on."""
        keep_alive(writer.transport)
        try:
            while True:
                async with asyncio.timeout(self.idle_timeout_s):
                    payload = await read_message(reader, lane.feed)
                if not payload:
                    return
                heard.set()
                await lane.put(self.clock_us(), payload)
        except BadStream as error:
            detail = f"{error}; its connection was closed"
            self.report(lane.source, error.reason, detail, error.raw)
        except TimeoutError:
            detail = f"nothing was heard for {self.idle_timeout_s:g} s; the connection is half-open or the peer hangs"
            self.report(lane.source, "idle-peer", detail)
        except OSError as error:
            self.report(lane.source, "disconnected", f"the connection broke: {error}")
        finally:
            await self._close(lane, writer)

    async def _close(self, lane: Lane, writer: asyncio.StreamWriter) -> None:
        """Close once what was heard is taken and answered: a peer that stops sending still gets its answer."""
        try:
            if self.reply is not None and not writer.transport.is_closing():
                await lane.settled()
        finally:
            writer.close()

    def _new_source(self, feed: Feed) -> str:
        """A name no earlier connection had, also before a restart: it counts from the time in milliseconds."""
        self.last_connection = max(self.last_connection + 1, self.clock_us() // 1000)
        return f"{feed.id}#{self.last_connection}"

    def _tell_ready(self, feed: Feed, port: int, heard: asyncio.Event) -> None:
        heard.set()
        if self.on_ready is not None:
            self.on_ready(feed.id, port)


def _is_error(result: object) -> bool:
    return isinstance(result, BaseException)
