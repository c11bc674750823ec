"""Recordings: the same bytes as live, from a file, with the time of their arrival."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from araz.feeds._packets import carried
from araz.feeds._pcap import BadCapture, begins_capture, read_packets
from araz.feeds._text import (
    BadRecording,
    Piece,
    asterix_pieces,
    avr_pieces,
    beast_pieces,
    json_pieces,
    sapient_pieces,
    sbs_pieces,
)
from araz.vocabulary import LATEST_TIME_US, RAW_KEPT_BYTES, Feed, Format, Rejected

Arrival = tuple[int, str, bytes]
Problems = Callable[[Rejected], None]

#: Between two messages of a recording that tells no time: enough to keep their order.
STEP_US: Final = 1000
#: Formats whose messages are datagrams; over TCP they cannot be told apart.
_DATAGRAM: Final = frozenset({Format.ASTERIX})
#: The counter of a Mode S receiver; a jump above this is a restart of the receiver, not a silence.
_TICKS_PER_US: Final = 12
_LONGEST_PAUSE_US: Final = 3_600_000_000


def read_recording(
    path: Path | str, feed: Feed, *, start_at_us: int = 0, problems: Problems | None = None
) -> Iterator[Arrival]:
    """Yield (received_at_us, source, payload) of a recording, one message in memory at a time.

    What the file is, its content tells (pcap, pcapng, or bytes of the feed's format); ``source`` is the feed's id.
    **Time** of arrival: the capture's; SBS: the time logged in the line; JSON lines: ``received_at_us`` or
    ``observed_at_us``; Beast and ``@`` AVR: ``start_at_us`` plus the receiver's 12 MHz counter; all else (ASTERIX and
    SAPIENT files, ``*`` AVR, lines without a time): ``STEP_US`` after the one before, from ``start_at_us``. It never
    runs backwards. What cannot be used goes to ``problems`` as Rejected and ends the file if the rest is lost.
    Raises OSError when the file cannot be read. A journal is read by ``araz.store.read_journal``: ValueError here.
    """
    place, report = Path(path), problems if problems is not None else _ignore
    with place.open("rb") as stream:
        start = stream.peek(8)[:8]
        if start.startswith((b"ARAZJRN\n", b"\xfd7zXZ\x00")):
            raise ValueError(f"{place} is a journal, which keeps its own sources; read it with araz.store.read_journal")
        if begins_capture(start):
            yield from _captured(stream, feed, start_at_us, report)
        else:
            yield from _timed(stream, feed, start_at_us, report)


def _ignore(_: Rejected) -> None:
    return None


def _rejected(feed: Feed, at_us: int, reason: str, detail: str, raw: bytes = b"") -> Rejected:
    at_us = min(max(at_us, 0), LATEST_TIME_US)
    return Rejected(source=feed.id, received_at_us=at_us, reason=reason, detail=detail, raw=raw[:RAW_KEPT_BYTES])


def _captured(stream: BinaryIO, feed: Feed, start_at_us: int, report: Problems) -> Iterator[Arrival]:
    at_us, skipped, first_raw = start_at_us, Counter[str](), dict[str, bytes]()
    try:
        for packet in read_packets(stream):
            told = packet.at_us if packet.at_us is not None and 0 <= packet.at_us <= LATEST_TIME_US else None
            at_us = max(at_us, told if told is not None else at_us + STEP_US)
            if feed.format == Format.REMOTE_ID:
                yield at_us, feed.id, struct.pack(">H", packet.link_type) + packet.data
                continue
            content = carried(packet.link_type, packet.data)
            reason = content.skipped
            if reason is None and content.protocol == "tcp" and feed.format in _DATAGRAM:
                reason = "not-udp"
            if reason is not None:
                skipped[reason] += 1
                first_raw.setdefault(reason, packet.data)
            elif content.payload:
                yield at_us, feed.id, content.payload
    except BadCapture as error:
        report(_rejected(feed, at_us, "bad-capture", f"{error}; the packets before it were read. Copy the file again."))
    for reason, count in sorted(skipped.items()):
        detail = f"{count} packet(s) of the capture carry nothing for this feed ({reason})"
        report(_rejected(feed, at_us, reason, detail, first_raw[reason]))


def _timed(stream: BinaryIO, feed: Feed, start_at_us: int, report: Problems) -> Iterator[Arrival]:
    at_us, ticks, is_first = start_at_us, None, True
    try:
        for piece in _pieces(stream, feed):
            if not is_first or piece.at_us is not None:
                at_us = max(at_us, _time_of(piece, at_us, ticks))
            if piece.ticks_12mhz is not None:
                ticks = piece.ticks_12mhz
            is_first = False
            yield at_us, feed.id, piece.payload
    except BadRecording as error:
        report(_rejected(feed, at_us, error.reason, f"{error}. The rest of the file was not read.", error.raw))


def _time_of(piece: Piece, at_us: int, ticks: int | None) -> int:
    if piece.at_us is not None and 0 <= piece.at_us <= LATEST_TIME_US:
        return piece.at_us
    if piece.ticks_12mhz is not None and ticks is not None:
        pause_us = (piece.ticks_12mhz - ticks) // _TICKS_PER_US
        return at_us + (pause_us if 0 <= pause_us <= _LONGEST_PAUSE_US else STEP_US)
    return at_us + STEP_US


def _pieces(stream: BinaryIO, feed: Feed) -> Iterator[Piece]:
    match feed.format:
        case Format.ASTERIX:
            return asterix_pieces(stream)
        case Format.SAPIENT:
            return sapient_pieces(stream, feed.max_message_bytes)
        case Format.SBS:
            return sbs_pieces(stream)
        case Format.BEAST:
            return beast_pieces(stream)
        case Format.RAW:
            return avr_pieces(stream)
        case Format.REPORT | Format.DECISION:
            return json_pieces(stream)
        case Format.REMOTE_ID:
            detail = "Remote ID is read from pcap and pcapng captures; this file is neither"
            raise BadRecording("not-a-capture", detail, stream.read(RAW_KEPT_BYTES))
