"""Mode S frames out of a byte stream: Beast (binary) and AVR (text); a chunk may end anywhere.

Beast: ``1a``, type, 6 bytes receiver ticks, 1 byte signal, frame; a ``1a`` inside is doubled.

====  ============================  ====  ==============================================
type  frame                         type  frame
====  ============================  ====  ==============================================
'1'   Mode A/C, 2 bytes, skipped    '3'   Mode S long, 14 bytes
'2'   Mode S short, 7 bytes         '4'   Radarcape status, 14 bytes, skipped
====  ============================  ====  ==============================================

AVR: ``*hex;`` or with ticks ``@`` + 12 digits + hex ``;`` or with ticks and signal ``<`` + 14 digits + hex ``;``. An
all-zero or two-byte frame (heartbeat, Mode A/C) is skipped. Receiver ticks count from an unknown start and the signal
is relative to full scale, not dBm: neither is used. Source: the Mode-S Beast wiki and dump1090's README; our code.
"""

from __future__ import annotations

from typing import NamedTuple

ESCAPE = 0x1A
_PREFIX_BYTES = 7
_BEAST_BYTES = {0x31: 2, 0x32: 7, 0x33: 14, 0x34: 14}
_BEAST_MODE_S = (0x32, 0x33)
_AVR_DIGITS = {"*": 0, "@": 12, "<": 14}
#: The longest text between two semicolons; more is another protocol.
TEXT_MAX = 256


class Cut(NamedTuple):
    """Frames found, faults (reason, detail, bytes), and the bytes to keep for the next chunk."""

    frames: list[bytes]
    faults: list[tuple[str, str, bytes]]
    rest: bytes


def cut_beast(data: bytes) -> Cut:
    """Cut a piece of a Beast stream; bytes between frames and broken frames are faults, never silent."""
    frames: list[bytes] = []
    faults: list[tuple[str, str, bytes]] = []
    at = 0
    while at < len(data):
        start = data.find(ESCAPE, at)
        if start != at:
            lost = data[at:] if start < 0 else data[at:start]
            faults.append(("out-of-step", f"{len(lost)} bytes that begin no Beast frame: is the port right?", lost))
            if start < 0:
                return Cut(frames, faults, b"")
            at = start
        if at + 1 >= len(data):
            return Cut(frames, faults, data[at:])
        size = _BEAST_BYTES.get(data[at + 1])
        if size is None:
            faults.append(
                ("unknown-beast-type", f"Beast type 0x{data[at + 1]:02x}; 1 to 4 are known", data[at : at + 2])
            )
            at += 1 if data[at + 1] == ESCAPE else 2
            continue
        body, end = _unescape(data, at + 2, _PREFIX_BYTES + size)
        if body is None and end >= len(data):
            return Cut(frames, faults, data[at:])
        if body is None:
            faults.append(("truncated", "a Beast frame was cut by the next one", data[at:end]))
        elif data[at + 1] in _BEAST_MODE_S:
            frames.append(body[_PREFIX_BYTES:])
        at = end
    return Cut(frames, faults, b"")


def _unescape(data: bytes, at: int, size: int) -> tuple[bytes | None, int]:
    """Return (body, end); body None when a new frame begins (end there) or the data ends (end at or past it)."""
    plain = data[at : at + size]
    if len(plain) == size and ESCAPE not in plain:
        return plain, at + size
    body = bytearray()
    while len(body) < size:
        if at >= len(data):
            return None, at
        if data[at] == ESCAPE:
            if at + 1 >= len(data):
                return None, len(data)
            if data[at + 1] != ESCAPE:
                return None, at
            at += 1
        body.append(data[at])
        at += 1
    return bytes(body), at


def cut_avr(data: bytes) -> Cut:
    """Cut a piece of AVR text; what is not a frame between two semicolons is a fault."""
    *pieces, rest = data.split(b";")
    frames: list[bytes] = []
    faults: list[tuple[str, str, bytes]] = []
    for piece in pieces:
        text = piece.strip()
        frame = _avr_frame(text.decode("ascii", "replace"))
        if frame is None:
            faults.append(("bad-line", "an AVR frame is *hex; or @ticks+hex; and this is neither", text))
        elif len(frame) > 2 and any(frame):
            frames.append(frame)
    rest = rest.lstrip()
    if len(rest) > TEXT_MAX:
        faults.append(("bad-line", f"{len(rest)} bytes without a semicolon: this is not AVR text", rest))
        rest = b""
    return Cut(frames, faults, rest)


def _avr_frame(text: str) -> bytes | None:
    skip = _AVR_DIGITS.get(text[:1])
    if skip is None or len(text) < 1 + skip + 4:
        return None
    try:
        return bytes.fromhex(text[1:])[skip // 2 :] if " " not in text else None
    except ValueError:
        return None
