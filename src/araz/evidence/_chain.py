"""The hash chain: each entry vouches for itself and for everything before it."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

HASH_BYTES: Final = 32

#: The hash "before" entry 0. Not zeros, so that a zeroed disk block never looks like a beginning.
GENESIS: Final = hashlib.sha256(b"Araz journal, format 1").digest()

_FIXED = struct.Struct(">QQHI")


def canonical_entry(previous_hash: bytes, seq: int, received_at_us: int, source: str, payload: bytes) -> bytes:
    """Exactly the bytes that are hashed for one entry.

    ==========  =====  ==========================================================
    offset      bytes  content (integers unsigned, most significant byte first)
    ==========  =====  ==========================================================
    0           32     hash of the previous entry, ``GENESIS`` for entry 0
    32          8      seq, from 0
    40          8      received_at_us, microseconds since 1970-01-01 UTC
    48          2      s, length of the source in bytes
    50          4      n, length of the payload in bytes
    54          s      source, UTF-8
    54 + s      n      payload as it arrived
    ==========  =====  ==========================================================

    Both lengths stand before the text they measure, so that no two entries share canonical bytes.
    Fails with ValueError when a field does not fit its bytes.
    """
    if len(previous_hash) != HASH_BYTES:
        raise ValueError(f"previous_hash has {len(previous_hash)} bytes; give the {HASH_BYTES} bytes of SHA-256")
    name = source.encode()
    try:
        fixed = _FIXED.pack(seq, received_at_us, len(name), len(payload))
    except struct.error as error:
        raise ValueError(f"entry {seq} does not fit the format ({error}); see docs/journal.md for the limits") from None
    return b"".join((previous_hash, fixed, name, payload))


def entry_hash(previous_hash: bytes, seq: int, received_at_us: int, source: str, payload: bytes) -> bytes:
    """SHA-256 of :func:`canonical_entry`, 32 bytes; fails where that fails. Source: FIPS 180-4."""
    return hashlib.sha256(canonical_entry(previous_hash, seq, received_at_us, source, payload)).digest()
