"""Recordings without packets: where one message ends, and when it was received if the recording says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple

import msgspec

#: A line longer than this is handed on in pieces, so that a file without line ends costs no memory.
MAX_LINE_BYTES: Final = 1 << 20


class Piece(NamedTuple):
    """One message, and when it was received (us since 1970 UTC); None: the recording does not say."""

    payload: bytes
    at_us: int | None = None
    ticks_12mhz: int | None = None
    """A receiver's own counter, which tells how much later than the one before."""


class BadRecording(Exception):
    """The file stops making sense; ``raw`` is where."""

    def __init__(self, reason: str, detail: str, raw: bytes) -> None:
        super().__init__(detail)
        self.reason = reason
        self.raw = raw


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines with their ends, none longer than ``MAX_LINE_BYTES``, empty ones left out."""
    while line := stream.readline(MAX_LINE_BYTES):
        if line.strip():
            yield line


def sbs_pieces(stream: BinaryIO) -> Iterator[Piece]:
    """SBS lines; fields 9 and 10 are the date and time at which the recorder logged them, taken as UTC."""
    for line in lines(stream):
        fields = line.split(b",", 10)
        yield Piece(line, _sbs_time_us(fields[8], fields[9]) if len(fields) > 9 else None)


def _sbs_time_us(date: bytes, time: bytes) -> int | None:
    try:
        text = f"{date.decode().strip().replace('/', '-')}T{time.decode().strip()}"
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except (ValueError, UnicodeDecodeError):
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def avr_pieces(stream: BinaryIO) -> Iterator[Piece]:
    """AVR lines ``*hex;``, or ``@`` with 12 hex digits of a 12 MHz counter before the frame."""
    for line in lines(stream):
        text = line.strip()
        try:
            yield Piece(line, None, int(text[1:13], 16) if text.startswith(b"@") else None)
        except ValueError:
            yield Piece(line)


class _Received(msgspec.Struct):
    received_at_us: int | None = None
    observed_at_us: int | None = None


def json_pieces(stream: BinaryIO) -> Iterator[Piece]:
    """One JSON object a line; ``received_at_us`` or else ``observed_at_us`` in it is taken as its arrival."""
    for line in lines(stream):
        payload = line.strip()
        try:
            times = msgspec.json.decode(payload, type=_Received)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield Piece(payload)
            continue
        yield Piece(payload, times.observed_at_us if times.received_at_us is None else times.received_at_us)


def beast_pieces(stream: BinaryIO) -> Iterator[Piece]:
    """Beast frames: ``1A``, type ``31``..``34``, 6 bytes of a 12 MHz counter, signal, frame;
    inside, ``1A`` is doubled.
    """
    rest = b""
    while chunk := stream.read(65_536):
        data = rest + chunk
        at = _frame_start(data, 0)
        if at == -1:
            at = len(data) - 1
        if at > 0:
            yield Piece(data[:at])
        while (following := _frame_start(data, at + 2)) != -1:
            yield Piece(data[at:following], None, _beast_ticks(data[at:following]))
            at = following
        rest = data[at:]
        if len(rest) > MAX_LINE_BYTES:
            yield Piece(rest)
            rest = b""
    if rest:
        yield Piece(rest, None, _beast_ticks(rest))


def _frame_start(data: bytes, start: int) -> int:
    """The next ``1A`` with a type after it that is not the second half of a doubled one; -1 when there is none."""
    while (at := data.find(b"\x1a", start)) != -1 and at + 1 < len(data):
        if data[at + 1] == 0x1A:
            start = at + 2
        elif data[at + 1] in b"1234":
            return at
        else:
            start = at + 1
    return -1


def _beast_ticks(frame: bytes) -> int | None:
    body = frame[2:].replace(b"\x1a\x1a", b"\x1a")
    return int.from_bytes(body[:6], "big") if len(body) >= 7 else None


def asterix_pieces(stream: BinaryIO) -> Iterator[Piece]:
    """Data blocks: category (1), length with this header (2), records. One block a message."""
    while start := stream.read(3):
        size = int.from_bytes(start[1:], "big")
        if len(start) < 3 or size < 3:
            raise BadRecording("bad-length", f"a data block claims {size} bytes; at least 3 are needed", start)
        body = stream.read(size - 3)
        if len(body) < size - 3:
            raise BadRecording("truncated", "the file ends inside a data block; copy it again", start + body)
        yield Piece(start + body)


def sapient_pieces(stream: BinaryIO, max_bytes: int) -> Iterator[Piece]:
    """Messages with their length in 4 bytes, least significant first, before them; one message a piece."""
    while start := stream.read(4):
        size = int.from_bytes(start, "little")
        if len(start) < 4 or size > max_bytes:
            detail = f"a message claims {size} bytes, more than max_message_bytes ({max_bytes}) of the feed"
            raise BadRecording("too-long" if len(start) == 4 else "truncated", detail, start)
        body = stream.read(size)
        if len(body) < size:
            raise BadRecording("truncated", "the file ends inside a message; copy it again", start + body)
        yield Piece(start + body)
