"""One way out: bytes to another system, over a line that may be slow, cut or gone. Nothing here can hold up the night.

Messages wait in a bounded box; when it is full the oldest go, because a map wants the newest. The sender connects,
says its hello, sends, and after a failure tries again after 1, 2, 4 … 30 s. What was in the box while the line was down
and is older than ``STALE_S`` is not sent: an old position is worse than none.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from araz.feeds._sockets import address_of

MAX_WAITING: Final = 2_000
STALE_S: Final = 30.0
CONNECT_S: Final = 5.0
SEND_S: Final = 10.0
MAX_PAUSE_S: Final = 30.0
#: How long the sender sleeps when there is nothing to send.
IDLE_S: Final = 0.1
SCHEMES: Final = ("tcp", "udp")


class Outbox:
    """Messages on their way out; filled from any thread, emptied by one sender."""

    def __init__(self, limit: int = MAX_WAITING) -> None:
        self._waiting: deque[tuple[float, bytes]] = deque(maxlen=limit)
        self.sent = 0
        self.dropped = 0
        self.is_connected = False

    def put(self, messages: list[bytes]) -> None:
        """Add messages; never waits, drops the oldest when there is no room."""
        now = time.monotonic()
        for message in messages:
            if len(self._waiting) == self._waiting.maxlen:
                self.dropped += 1
            self._waiting.append((now, message))

    def take(self) -> bytes | None:
        """Return the next message that is not stale; None when there is none."""
        while True:
            try:
                put_s, message = self._waiting.popleft()
            except IndexError:
                return None
            if time.monotonic() - put_s <= STALE_S:
                return message
            self.dropped += 1


async def send_forever(
    url: str, name: str, box: Outbox, hello: Callable[[], bytes], tell: Callable[[str], None]
) -> None:
    """Send what is in the box until cancelled; ``hello`` opens each connection, ``tell`` hears of changes, in words."""
    scheme, host, port = address_of(f"output {name!r}", url, SCHEMES, "tcp://127.0.0.1:8087")
    pause_s, was_down = 1.0, False
    while True:
        try:
            if scheme == "udp":
                await _datagrams(host, port, box, hello)
            else:
                await _stream(host, port, box, hello, lambda: tell(f"{name}: connected to {url}"))
        except (OSError, TimeoutError) as error:
            if not was_down or box.is_connected:
                tell(f"{name}: {url} is not there ({error or type(error).__name__}); trying again")
            pause_s = 1.0 if box.is_connected else min(2 * pause_s, MAX_PAUSE_S)
            box.is_connected, was_down = False, True
        await asyncio.sleep(pause_s)


async def _stream(host: str, port: int, box: Outbox, hello: Callable[[], bytes], connected: Callable[[], None]) -> None:
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_S)
    # What the other side says is read and forgotten, or its buffers fill and it stops listening.
    listening = asyncio.ensure_future(_forget(reader))
    try:
        box.is_connected = True
        connected()
        writer.write(hello())

        async def send(message: bytes) -> None:
            writer.write(message)
            await asyncio.wait_for(writer.drain(), SEND_S)

        await _empty(box, send, listening.done)
        raise OSError("closed by the other side")
    finally:
        listening.cancel()
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await listening


async def _empty(box: Outbox, send: Callable[[bytes], Awaitable[object]], is_over: Callable[[], bool]) -> None:
    """Send what comes into the box, one after the other, until it is over."""
    while not is_over():
        message = box.take()
        if message is None:
            await asyncio.sleep(IDLE_S)
            continue
        await send(message)
        box.sent += 1


async def _forget(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


async def _datagrams(host: str, port: int, box: Outbox, hello: Callable[[], bytes]) -> None:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, place = found[0]
    with socket.socket(family, kind, protocol) as opened:
        opened.setblocking(False)
        if family == socket.AF_INET:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
        box.is_connected = True
        first = hello()
        if first:
            await loop.sock_sendto(opened, first, place)
        await _empty(box, lambda message: loop.sock_sendto(opened, message, place), lambda: False)
