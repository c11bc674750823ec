"""Which format is this? Told by content, never by name."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from araz.feeds._packets import LINKS_WITH_IP, carried
from araz.feeds._pcap import BadCapture, begins_capture, read_packets
from araz.vocabulary import Format

_LOOK_BYTES: Final = 65_536
_LOOK_PACKETS: Final = 200
#: Radiotap, 802.11, PPI, and the Bluetooth link types that Remote ID captures come with.
_RADIO_LINKS: Final = frozenset({105, 119, 127, 163, 192, 251, 256, 272})
_SBS_STARTS: Final = (b"MSG,", b"SEL,", b"ID,", b"AIR,", b"STA,", b"CLK,")
_ENOUGH: Final = 6
_MAX_SAPIENT_BYTES: Final = 16_777_216


def sniff_format(path: Path | str) -> Format | None:
    """Return the format of a recording, or None when its content is none that Araz reads (a journal, too).

    Looks at the first 64 KiB, or 200 packets. Raises OSError when the file cannot be read.
    """
    with Path(path).open("rb") as stream:
        if begins_capture(stream.peek(4)[:4]):
            return _of_capture(stream)
        return format_of_bytes(stream.read(_LOOK_BYTES))


def _of_capture(stream: BinaryIO) -> Format | None:
    try:
        for packet in itertools.islice(read_packets(stream), _LOOK_PACKETS):
            if packet.link_type in _RADIO_LINKS:
                return Format.REMOTE_ID
            if packet.link_type in LINKS_WITH_IP:
                found = format_of_bytes(carried(packet.link_type, packet.data).payload)
                if found is not None:
                    return found
    except BadCapture:
        pass
    return None


def format_of_bytes(data: bytes) -> Format | None:
    """Return the format that ``data``, the start of a stream or one datagram, looks like."""
    text = data.lstrip(b"\r\n\t \x00\xef\xbb\xbf")
    if text.startswith(_SBS_STARTS):
        return Format.SBS
    if text[:1] in (b"*", b"@") and text[1:15].isalnum() and b";" in text[:64]:
        return Format.RAW
    if text.startswith(b"{"):
        return _of_json(text.split(b"\n", 1)[0])
    if data[:1] == b"\x1a" and data[1:2] in (b"1", b"2", b"3", b"4"):
        return Format.BEAST
    if text[:512].isascii() and text[:512].decode("ascii").replace("\r", "").replace("\n", "").isprintable():
        return None  # text of another kind; as lengths, its letters would pass for long messages
    if _is_chain(data, _asterix_size, 3):
        return Format.ASTERIX
    return Format.SAPIENT if _is_chain(data, _sapient_size, 5) else None


def _of_json(line: bytes) -> Format | None:
    """A decision names its alarm, a report its reporter; other JSON is none of ours."""
    if b'"alarm_id"' in line and b'"action"' in line:
        return Format.DECISION
    return Format.REPORT if b'"reporter"' in line or b'"people-report"' in line else None


def _asterix_size(data: bytes, at: int) -> int:
    """Bytes of the data block at ``at``: category not 0, a length that leaves room for a field specification."""
    size = int.from_bytes(data[at + 1 : at + 3], "big")
    return size if data[at] and size > 4 else 0


def _sapient_size(data: bytes, at: int) -> int:
    """Bytes of the message at ``at``: its protobuf begins with time stamp (0A) or node id (12)."""
    size = int.from_bytes(data[at : at + 4], "little")
    return size + 4 if 2 < size <= _MAX_SAPIENT_BYTES and data[at + 4] in (0x0A, 0x12) else 0


def _is_chain(data: bytes, size_at: Callable[[bytes, int], int], need: int) -> bool:
    """Tell whether messages follow each other without a gap to the end of what was looked at."""
    at = count = 0
    while at + need <= len(data):
        size = size_at(data, at)
        if size == 0:
            return False
        at, count = at + size, count + 1
    # Where the look ends inside a message, several before it must have fitted: text can pass for one long message.
    return count > 0 and (at == len(data) or (count >= _ENOUGH and len(data) >= _LOOK_BYTES))
