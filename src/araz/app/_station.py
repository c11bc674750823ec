"""The door of a running station to the commands on its machine: what they record, it records, at both nodes.

Of two nodes only the one that leads may write, and what it writes counts when both disks have it. So a command that
records something in a station's folder hands it to the station while that runs; without one it writes by itself.
The door is a socket in the folder: whoever may write there may knock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

SOCKET: Final = "station.sock"
#: A station answers once both nodes have it: seconds, when the other one is gone.
PATIENCE_S: Final = 60.0
MOST_BYTES: Final = 48 * 1024 * 1024
#: What is recorded: source, and payload.
Item = tuple[str, bytes]
#: Records items and returns an empty text, or why not.
Record = Callable[[Sequence[Item]], Awaitable[str]]


def handed_over(folder: Path, items: Sequence[Item]) -> bool:
    """Have the station of a folder record items, all or none; False when none runs there.

    Raises ValueError with the station's words when it does not record them, or does not answer.
    """
    with _path(folder) as path, socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(path)
        except OSError:
            return False
        line.settimeout(PATIENCE_S)
        try:
            line.sendall(_framed(msgspec.msgpack.encode(items)))
            with line.makefile("rb") as answer:
                size = int.from_bytes(answer.read(4))
                refused = msgspec.msgpack.decode(answer.read(size), type=str)
        except (OSError, msgspec.DecodeError) as error:
            raise ValueError(
                f"the station in {folder} did not answer ({error}): look whether it was recorded, then try again"
            ) from None
    if refused:
        raise ValueError(f"not recorded: {refused}")
    return True


async def keep_door(folder: Path, record: Record) -> None:
    """Answer whoever knocks, one after the other, for ever."""
    turn = asyncio.Lock()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                size = int.from_bytes(await reader.readexactly(4))
                if size > MOST_BYTES:
                    said = f"{size} bytes at once are more than {MOST_BYTES}; record it in parts"
                else:
                    items = msgspec.msgpack.decode(await reader.readexactly(size), type=list[Item])
                    async with turn:
                        said = await record(items)
            except msgspec.DecodeError as error:
                said = f"not understood: {error}; command and station must be of one version"
            writer.write(_framed(msgspec.msgpack.encode(said)))
            await writer.drain()
        writer.close()

    (folder / SOCKET).unlink(missing_ok=True)
    before = os.umask(0o077)
    try:
        with _path(folder) as path:
            server = await asyncio.start_unix_server(answer, path)
    finally:
        os.umask(before)
    try:
        async with server:
            await server.serve_forever()
    finally:
        (folder / SOCKET).unlink(missing_ok=True)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


@contextlib.contextmanager
def _path(folder: Path) -> Iterator[str]:
    """A path to the socket that is short however long the folder's is: the system takes about a hundred letters."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield str(folder / SOCKET)
        return
    try:
        yield f"/proc/self/fd/{opened}/{SOCKET}"
    finally:
        os.close(opened)
