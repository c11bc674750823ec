"""What the Remote ID readers share: the one exception that stays inside the room, and small readers of bytes."""

from __future__ import annotations

DEGREE_SCALE = 1e7


class Malformed(Exception):
    """Bytes that cannot be used: the slug and the sentence of a ``Rejected``; never leaves the decoder."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def need(data: bytes, length: int, what: str) -> None:
    """Fail with ``truncated`` when ``data`` is shorter than ``length`` bytes."""
    if len(data) < length:
        raise Malformed("truncated", f"{what} needs {length} bytes and has {len(data)}; the capture was cut off")


def text_from(raw: bytes) -> str | None:
    """Return padded ASCII as text, or None when it is only padding; unprintable bytes are escaped, never dropped."""
    body = raw.rstrip(b"\0 ")
    if not body:
        return None
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in body)


def text_to(text: str | None, size: int) -> bytes:
    """Return text as ASCII padded with NUL to ``size`` bytes; ValueError when it does not fit."""
    if text is None:
        return bytes(size)
    raw = text.encode("ascii")
    if len(raw) > size:
        raise ValueError(f"{text!r} has {len(raw)} characters, the field holds {size}: shorten it")
    return raw.ljust(size, b"\0")


def position_from(raw_latitude: int, raw_longitude: int, scale: float, what: str) -> tuple[float, float] | None:
    """Return (latitude_deg, longitude_deg), None for the pair 0/0 that means unknown; Malformed off the earth."""
    if raw_latitude == 0 and raw_longitude == 0:
        return None
    latitude_deg, longitude_deg = raw_latitude / scale, raw_longitude / scale
    if abs(latitude_deg) > 90 or abs(longitude_deg) > 180:
        raise Malformed(
            "implausible-position", f"{what} says {latitude_deg:.4f}, {longitude_deg:.4f}: there is no such place"
        )
    return latitude_deg, longitude_deg


def mac_text(address: bytes) -> str:
    """Return a hardware address as lower-case hex with colons."""
    return address.hex(":")
