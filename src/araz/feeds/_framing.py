"""Where one message ends on a TCP stream, for the formats that say so themselves.

============================  ==================================================================
format                        one payload is
============================  ==================================================================
SAPIENT                       a whole message with its 4-byte little-endian length before it
ASTERIX                       a whole data block (category 1, length 2 with header, records)
report, decision              a line: one JSON object
SBS, Beast, raw               whatever has arrived, at most 64 KiB: their decoders find the ends
============================  ==================================================================

A length is judged before its bytes are waited for, so that a message of 100 MB costs four bytes.
"""

from __future__ import annotations

import asyncio
from typing import Final

from araz.vocabulary import Feed, Format

CHUNK_BYTES: Final = 65_536
LINE_FORMATS: Final = frozenset({Format.REPORT, Format.DECISION})


class BadStream(Exception):
    """The stream cannot be followed any further; the connection must be closed."""

    def __init__(self, reason: str, detail: str, raw: bytes) -> None:
        super().__init__(detail)
        self.reason = reason
        self.raw = raw


def reader_limit(feed: Feed) -> int:
    """Bytes the stream may buffer: a line must fit, all else is waited for by length."""
    return max(CHUNK_BYTES, feed.max_message_bytes) if feed.format in LINE_FORMATS else CHUNK_BYTES


async def read_message(reader: asyncio.StreamReader, feed: Feed) -> bytes:
    """Return the next payload, or no bytes at the end; BadStream when the peer breaks the framing."""
    if feed.format == Format.SAPIENT:
        start = await _exactly(reader, 4, b"", feed)
        return await _exactly(reader, int.from_bytes(start, "little"), start, feed) if start else b""
    if feed.format == Format.ASTERIX:
        start = await _exactly(reader, 3, b"", feed)
        size = int.from_bytes(start[1:], "big")
        if start and size < 3:
            raise BadStream("bad-length", f"a data block claims {size} bytes; at least 3 are needed", start)
        return await _exactly(reader, size - 3, start, feed) if start else b""
    if feed.format in LINE_FORMATS:
        return await _line(reader, feed)
    return await reader.read(CHUNK_BYTES)


async def _exactly(reader: asyncio.StreamReader, size: int, start: bytes, feed: Feed) -> bytes:
    """Return ``start`` and ``size`` more bytes; none when the stream ends between two messages."""
    if size > feed.max_message_bytes:
        detail = f"a message claims {size} bytes, more than max_message_bytes ({feed.max_message_bytes}) of the feed"
        raise BadStream("too-long", detail, start)
    try:
        return start + await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if not start and not error.partial:
            return b""
        raise BadStream("truncated", "the connection ended inside a message", start + error.partial) from None


async def _line(reader: asyncio.StreamReader, feed: Feed) -> bytes:
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return error.partial.strip()
        except asyncio.LimitOverrunError:
            detail = f"a line is longer than max_message_bytes ({feed.max_message_bytes}) of the feed"
            raise BadStream("too-long", detail, await reader.read(CHUNK_BYTES)) from None
        if line.strip():
            return line.strip()
