"""A UDP socket read in gulps, so that a burst does not overflow the system's buffer while the loop turns."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final

from araz.feeds._inbox import Lane

#: Datagrams read before other sockets get their turn.
GULP: Final = 256
#: The longest datagram there is, and one more.
_LARGEST_BYTES: Final = 65_536
#: Linux: each message brings the number the system has dropped on this socket (socket(7), SO_RXQ_OVFL).
_SO_RXQ_OVFL: Final = 40
_ROOM_FOR_COUNT: Final = socket.CMSG_SPACE(4)


class Datagrams:
    """Hands every datagram of a bound socket to ``accept(lane, data)``, and the system's losses to the lane."""

    def __init__(self, opened: socket.socket, lane: Lane, accept: Callable[[Lane, bytes], None]) -> None:
        self._socket, self._lane, self._accept = opened, lane, accept
        self._dropped = 0
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with contextlib.suppress(OSError):  # other systems drop without a word
            opened.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)

    @property
    def port(self) -> int:
        """The local port."""
        port: int = self._socket.getsockname()[1]
        return port

    async def read_for_ever(self) -> None:
        """Read until cancelled, then close the socket; raises OSError when the socket breaks."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._gulp)
        try:
            await self._failed
        finally:
            loop.remove_reader(self._socket)
            self._socket.close()

    def _gulp(self) -> None:
        try:
            for _ in range(GULP):
                data, notes, _, _ = self._socket.recvmsg(_LARGEST_BYTES, _ROOM_FOR_COUNT)
                self._note_drops(notes)
                self._accept(self._lane, data)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            if not self._failed.done():
                self._failed.set_exception(error)

    def _note_drops(self, notes: list[tuple[int, int, bytes]]) -> None:
        for level, kind, value in notes:
            if level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL and len(value) == 4:
                (total,) = struct.unpack("=I", value)
                if total != self._dropped:
                    self._lane.refuse((total - self._dropped) & 0xFFFFFFFF)
                    self._dropped = total
