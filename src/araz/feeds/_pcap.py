"""Capture files, block by block: pcap and pcapng.

pcap: a 24-byte header (magic ``A1B2C3D4`` microseconds or ``A1B23C4D`` nanoseconds, in either byte order; link type in
its last 4 bytes, of which the low 16 bits count), then records of 16 bytes (seconds, fraction, bytes captured, bytes on
the wire) and the packet.

pcapng: blocks of type, total length, body padded to 4 bytes, total length again:

==========  ==============================================================================
type        body
==========  ==============================================================================
0A0D0D0A    section header: byte-order magic ``1A2B3C4D``; interfaces are numbered anew
00000001    interface: link type (2), reserved (2), snap length (4), options
            (9: time resolution, power of 10, or of 2 with the high bit; 14: offset, s)
00000006    enhanced packet: interface (4), time high (4), low (4), captured (4), wire (4)
00000003    simple packet: wire length (4); no time
00000002    packet (old): interface (2), drops (2), then as the enhanced packet
==========  ==============================================================================

Source: libpcap's pcap-savefile(5), draft-ietf-opsawg-pcapng. Both formats are read with one packet in memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

#: No link layer of ours carries more in one packet; a damaged length costs no more memory than this.
MAX_BLOCK_BYTES: Final = 1 << 22
_OPTION_TIME_RESOLUTION = 9
_OPTION_TIME_OFFSET = 14


class Packet(NamedTuple):
    """One captured packet: when (None: the file does not say), on which kind of link, and its bytes."""

    at_us: int | None
    link_type: int
    data: bytes


class BadCapture(Exception):
    """The file stops making sense; what came before it stands."""


class _Interface(NamedTuple):
    link_type: int
    ticks_per_s: int
    offset_s: int


def is_capture(path: Path | str) -> bool:
    """Tell a pcap or pcapng file by its first 4 bytes; raises OSError when it cannot be read."""
    with Path(path).open("rb") as stream:
        return begins_capture(stream.read(4))


def begins_capture(start: bytes) -> bool:
    """Tell a capture by its first 4 bytes."""
    return start[:4] in _PCAP_MAGICS or start[:4] == _SECTION


def read_packets(stream: BinaryIO) -> Iterator[Packet]:
    """Yield the packets of a pcap or pcapng stream; BadCapture ends it where the file is damaged or cut off."""
    magic = stream.read(4)
    if magic in _PCAP_MAGICS:
        order, ticks_per_s = _PCAP_MAGICS[magic]
        yield from _read_pcap(stream, order, ticks_per_s)
    elif magic == _SECTION:
        yield from _read_pcapng(stream)
    else:
        raise BadCapture("the file is neither pcap nor pcapng")


_PCAP_MAGICS: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 10**6),
    b"\xd4\xc3\xb2\xa1": ("<", 10**6),
    b"\xa1\xb2\x3c\x4d": (">", 10**9),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9),
}
_SECTION: Final = b"\x0a\x0d\x0d\x0a"


def _exactly(stream: BinaryIO, size: int, what: str) -> bytes:
    if size > MAX_BLOCK_BYTES:
        raise BadCapture(f"{what} claims {size} bytes, more than any packet has")
    data = stream.read(size)
    if len(data) < size:
        raise BadCapture(f"the file ends inside {what}")
    return data


def _read_pcap(stream: BinaryIO, order: str, ticks_per_s: int) -> Iterator[Packet]:
    header = _exactly(stream, 20, "the file header")
    link_type = struct.unpack_from(order + "I", header, 16)[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    while start := stream.read(16):
        if len(start) < 16:
            raise BadCapture("the file ends inside a packet header")
        seconds, fraction, captured, _ = record.unpack(start)
        data = _exactly(stream, captured, "a packet")
        yield Packet(seconds * 1_000_000 + fraction * 1_000_000 // ticks_per_s, link_type, data)


def _read_pcapng(stream: BinaryIO) -> Iterator[Packet]:
    """The first 4 bytes, a section header's type, are already read."""
    order, interfaces, kind = "<", list[_Interface](), _SECTION
    while kind:
        if kind == _SECTION:
            order, interfaces = _read_section(stream), []
        else:
            body = _read_block(stream, order)
            number = struct.unpack(order + "I", kind)[0]
            if number == 1:
                interfaces.append(_interface(body, order))
            elif number in _PACKET_BLOCKS:
                yield _packet(number, body, order, interfaces)
        kind = stream.read(4)
        if 0 < len(kind) < 4:
            raise BadCapture("the file ends inside a block")


def _read_section(stream: BinaryIO) -> str:
    start = _exactly(stream, 8, "a section header")
    order = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}.get(start[4:])
    if order is None:
        raise BadCapture("a section header has no byte order")
    (total,) = struct.unpack_from(order + "I", start)
    if total < 28 or total % 4:
        raise BadCapture("a section header has an impossible length")
    _exactly(stream, total - 12, "a section header")
    return order


def _read_block(stream: BinaryIO, order: str) -> bytes:
    (total,) = struct.unpack(order + "I", _exactly(stream, 4, "a block"))
    if total < 12 or total % 4:
        raise BadCapture("a block has an impossible length")
    return _exactly(stream, total - 8, "a block")[:-4]


def _interface(body: bytes, order: str) -> _Interface:
    if len(body) < 8:
        raise BadCapture("an interface block is too short")
    (link_type,) = struct.unpack_from(order + "H", body)
    ticks_per_s, offset_s, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == _OPTION_TIME_RESOLUTION and len(value) == 1:
            base, power = (2, value[0] & 0x7F) if value[0] & 0x80 else (10, value[0])
            ticks_per_s = base ** min(power, 64)
        elif code == _OPTION_TIME_OFFSET and len(value) == 8:
            (offset_s,) = struct.unpack(order + "q", value)
        elif code == 0:
            break
        at += 4 + size + (-size % 4)
    return _Interface(link_type, ticks_per_s, offset_s)


#: Block number -> layout of what stands before the packet; the last field is the captured length (see the table).
_PACKET_BLOCKS: Final = {6: "IIIII", 3: "I", 2: "HHIIII"}


def _packet(number: int, body: bytes, order: str, interfaces: list[_Interface]) -> Packet:
    layout = struct.Struct(order + _PACKET_BLOCKS[number])
    if len(body) < layout.size:
        raise BadCapture("a packet block is too short")
    fields = layout.unpack_from(body)
    index = 0 if number == 3 else fields[0]
    if index >= len(interfaces):
        raise BadCapture(f"a packet names interface {index}, which the file has not described")
    interface = interfaces[index]
    if number == 3:
        return Packet(None, interface.link_type, body[4 : 4 + fields[0]])
    high, low, captured = fields[-4:-1]
    if layout.size + captured > len(body):
        raise BadCapture("a packet is longer than its block")
    at_us = ((high << 32) | low) * 1_000_000 // interface.ticks_per_s + interface.offset_s * 1_000_000
    return Packet(at_us, interface.link_type, body[layout.size : layout.size + captured])
