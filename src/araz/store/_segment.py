"""The bytes of a journal file: one header, then entries, each chained to the one before.

Segment header, 84 bytes (integers unsigned, most significant byte first):

======  =====  ====================================================================
offset  bytes  content
======  =====  ====================================================================
0       8      ``41 52 41 5A 4A 52 4E 0A``, "ARAZJRN" and a line feed
8       2      format version, 1
10      2      zero
12      8      seq of the first entry of this file
20      32     hash of the entry before it (``GENESIS`` for seq 0)
52      32     SHA-256 of bytes 0..51
======  =====  ====================================================================

Entry, 58 + s + n bytes:

==========  =====  ================================================================
offset      bytes  content
==========  =====  ================================================================
0           4      ``A5 52 5A 0A``
4           4      n, length of the payload, at most 32 MiB
8           2      s, length of the source, 1..255
10          8      seq
18          8      received_at_us, UTC
26          s      source, UTF-8
26 + s      n      payload
26 + s + n  32     hash of this entry, see ``araz.evidence.canonical_entry``
==========  =====  ================================================================

An erased entry begins with ``A5 52 45 0A``, and its n payload bytes are zero; its hash stays, so the chain and every
proof hold. An entry of the source ``@erasure`` must name it (``araz.store.erase``), else it counts as altered.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from araz.evidence import HASH_BYTES, entry_hash
from araz.vocabulary import ERASED_SOURCE, LATEST_TIME_US, Message

SEGMENT_MAGIC: Final = b"ARAZJRN\n"
ENTRY_MAGIC: Final = b"\xa5RZ\n"
ERASED_MAGIC: Final = b"\xa5RE\n"
FORMAT_VERSION: Final = 1
MAX_PAYLOAD_BYTES: Final = 1 << 25
MAX_SOURCE_BYTES: Final = 255

_HEADER = struct.Struct(">8sHHQ32s")
HEADER_BYTES: Final = _HEADER.size + HASH_BYTES
_FIXED = struct.Struct(">4sIHQQ")
MIN_ENTRY_BYTES: Final = _FIXED.size + 1 + HASH_BYTES


class Head(NamedTuple):
    """Where a chain stands: the seq that comes next, and the hash it must build on."""

    next_seq: int
    hash: bytes


class Entry(NamedTuple):
    """One whole entry: what it says, the hash before it and its own, and its bytes as they lie on the disk."""

    message: Message
    previous_hash: bytes
    hash: bytes
    data: bytes
    segment: int
    """The file of a directory in which it stands (1 for a single file), and the offset just after it there."""
    end: int

    @property
    def head(self) -> Head:
        """Where the chain stands after it."""
        return Head(self.message.seq + 1, self.hash)

    @property
    def is_erased(self) -> bool:
        """Whether its content was erased: then ``message`` tells only when it arrived."""
        return self.data.startswith(ERASED_MAGIC)


class Erased(NamedTuple):
    """What is left of an erased entry, and what the record of its erasure must say of it."""

    seq: int
    received_at_us: int
    source: str
    size: int
    hash_hex: str


def entry_after(head: Head, data: bytes) -> Entry:
    """The entry that these bytes, copied from a journal, are after ``head``; raises Damage when they are not it."""
    stream = io.BytesIO(data)
    entry = _read_one(stream, stream.read(_FIXED.size), head, 0, 1)
    if entry.end != len(data):
        raise Damage(entry.end, head.next_seq, "bytes follow it that are not of it")
    return entry


def message_in(data: bytes) -> Message | None:
    """What an entry's bytes say, its hash unchecked; None when they are no entry. For those whose chain is proved."""
    parts = _split(data, 0) if data.startswith((ENTRY_MAGIC, ERASED_MAGIC)) else None
    if parts is None or parts.end != len(data) or parts.received_at_us > LATEST_TIME_US:
        return None
    is_erased = data.startswith(ERASED_MAGIC)
    return Message(
        seq=parts.seq,
        received_at_us=parts.received_at_us,
        source=ERASED_SOURCE if is_erased else parts.source,
        payload=b"" if is_erased else parts.payload,
    )


def header_of(data: bytes) -> Erased:
    """Number, time, source, size and hash of an entry's bytes."""
    _, size, name, seq, at_us = _FIXED.unpack_from(data)
    return Erased(seq, at_us, data[_FIXED.size : _FIXED.size + name].decode(), size, data[-HASH_BYTES:].hex())


def erased_bytes(data: bytes) -> bytes:
    """An entry's bytes with its payload zeroed and the mark of an erased one."""
    size = header_of(data).size
    return ERASED_MAGIC + data[4 : -HASH_BYTES - size] + bytes(size) + data[-HASH_BYTES:]


class Damage(Exception):
    """The file stops being a journal at ``offset``, where entry ``seq`` should be.

    ``incomplete`` is true when the file merely ends too early: a write was cut off, or is still going on.
    """

    def __init__(self, offset: int, seq: int, reason: str, *, incomplete: bool = False) -> None:
        super().__init__(f"entry {seq} at byte {offset}: {reason}")
        self.offset = offset
        self.seq = seq
        self.reason = reason
        self.incomplete = incomplete
        self.file = ""


def encode_header(head: Head) -> bytes:
    """The 84 bytes that open a file whose first entry will be ``head.next_seq``."""
    fields = _HEADER.pack(SEGMENT_MAGIC, FORMAT_VERSION, 0, head.next_seq, head.hash)
    return fields + hashlib.sha256(fields).digest()


def decode_header(data: bytes, expected_seq: int) -> Head:
    """Read a header, or raise Damage; ``expected_seq`` only names the entry in the complaint."""
    if len(data) < HEADER_BYTES:
        raise Damage(0, expected_seq, "the file ends inside its header", incomplete=True)
    magic, version, _, first_seq, previous = _HEADER.unpack_from(data)
    if magic != SEGMENT_MAGIC:
        raise Damage(0, expected_seq, "this is not an Araz journal file")
    if hashlib.sha256(data[: _HEADER.size]).digest() != data[_HEADER.size : HEADER_BYTES]:
        raise Damage(0, expected_seq, "the file header does not match its own hash")
    if version != FORMAT_VERSION:
        raise Damage(0, expected_seq, f"format version {version} is newer than this Araz reads ({FORMAT_VERSION})")
    return Head(first_seq, previous)


def check_entry(received_at_us: int, source: str, payload: bytes) -> None:
    """Raise ValueError with a remedy when a message cannot be journalled."""
    if not 0 <= received_at_us <= LATEST_TIME_US:
        raise ValueError(f"received_at_us {received_at_us} is outside 1970..2200; give microseconds since 1970 in UTC")
    if not 1 <= len(source.encode()) <= MAX_SOURCE_BYTES:
        raise ValueError(f"source {source[:40]!r} must have 1..{MAX_SOURCE_BYTES} bytes; use the id of a feed")
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(payload)} bytes exceeds {MAX_PAYLOAD_BYTES}; split it into chunks")


def encode_entry(head: Head, received_at_us: int, source: str, payload: bytes) -> tuple[bytes, Head]:
    """The bytes of the next entry, and where the chain stands after it."""
    name = source.encode()
    digest = entry_hash(head.hash, head.next_seq, received_at_us, source, payload)
    fixed = _FIXED.pack(ENTRY_MAGIC, len(payload), len(name), head.next_seq, received_at_us)
    return b"".join((fixed, name, payload, digest)), Head(head.next_seq + 1, digest)


def read_header(stream: BinaryIO, expected: Head | None) -> Head:
    """Read a header; with ``expected`` it must continue that chain."""
    head = decode_header(stream.read(HEADER_BYTES), 0 if expected is None else expected.next_seq)
    if expected is not None and head.next_seq != expected.next_seq:
        reason = f"the file begins with entry {head.next_seq}: entries are missing, or files were put in another order"
        raise Damage(0, min(expected.next_seq, head.next_seq), reason)
    if expected is not None and head.hash != expected.hash:
        raise Damage(0, expected.next_seq, "the file does not continue the chain of the one before it")
    return head


def read_entries(stream: BinaryIO, head: Head, offset: int, segment: int = 1) -> Iterator[Entry]:
    """Yield whole entries from ``offset`` on (where the stream stands); Damage ends it where the chain does.

    Lengths are held against their limits before anything is read, so that no damaged length costs memory.
    """
    while fixed := stream.read(_FIXED.size):
        entry = _read_one(stream, fixed, head, offset, segment)
        yield entry
        head, offset = entry.head, entry.end


def _read_one(stream: BinaryIO, fixed: bytes, head: Head, offset: int, segment: int) -> Entry:
    seq = head.next_seq
    if len(fixed) < _FIXED.size:
        raise Damage(offset, seq, "the file ends inside an entry", incomplete=True)
    magic, payload_bytes, source_bytes, entry_seq, received_at_us = _FIXED.unpack(fixed)
    if magic not in (ENTRY_MAGIC, ERASED_MAGIC):
        raise Damage(offset, seq, "no entry begins here")
    if payload_bytes > MAX_PAYLOAD_BYTES or not 1 <= source_bytes <= MAX_SOURCE_BYTES:
        raise Damage(offset, seq, "its lengths are impossible")
    if entry_seq != seq or received_at_us > LATEST_TIME_US:
        raise Damage(offset, seq, "its number or time was altered")
    size = source_bytes + payload_bytes + HASH_BYTES
    body = stream.read(size)
    if len(body) < size:
        raise Damage(offset, seq, "the file ends inside an entry", incomplete=True)
    payload, digest = body[source_bytes:-HASH_BYTES], body[-HASH_BYTES:]
    try:
        source = body[:source_bytes].decode()
    except UnicodeDecodeError:
        raise Damage(offset, seq, "its source is no text") from None
    if magic == ERASED_MAGIC:
        if payload.strip(b"\0"):
            raise Damage(offset, seq, "it is marked as erased and holds bytes")
        source, payload = ERASED_SOURCE, b""
    elif entry_hash(head.hash, seq, received_at_us, source, payload) != digest:
        raise Damage(offset, seq, "its content does not match its hash")
    message = Message(seq=seq, received_at_us=received_at_us, source=source, payload=payload)
    return Entry(message, head.hash, digest, fixed + body, segment, offset + _FIXED.size + size)


def find_next_entry(data: bytes, head: Head) -> tuple[int, Head] | None:
    """Find the first whole entry after the damaged one that begins ``data``: (offset, head to read it with).

    ``head`` is where the chain stood before the damage. An entry carries the hash it builds on in the 32 bytes before
    it, so it can be checked without the damaged one; should those very bytes be the damage, the hash that the damaged
    entry ought to have is tried too. Returns None when nothing whole follows: then the damage is a torn tail.
    """
    mended = _mended(data, head)
    budget = 4 * len(data) + (1 << 16)  # bytes to hash: a payload full of false beginnings must not hold up a start
    at = data.find(ENTRY_MAGIC, 1)
    while at != -1 and budget > 0:
        found = _split(data, at)
        # No more entries than fit can lie between: a made-up number inside a payload cannot carry us far.
        if found is not None and head.next_seq < found.seq <= head.next_seq + 1 + at // MIN_ENTRY_BYTES:
            guesses = [data[at - HASH_BYTES : at]] if at >= HASH_BYTES else []
            guesses += [mended[1]] if mended is not None and mended[0] == at else []
            for previous in guesses:
                budget -= len(found.payload)
                if entry_hash(previous, found.seq, found.received_at_us, found.source, found.payload) == found.digest:
                    return at, Head(found.seq, previous)
        at = data.find(ENTRY_MAGIC, at + 1)
    return None


class _Parts(NamedTuple):
    seq: int
    received_at_us: int
    source: str
    payload: bytes
    digest: bytes
    end: int


def _split(data: bytes, at: int) -> _Parts | None:
    """Take what looks like an entry at ``at`` apart, unchecked; None when its lengths do not fit."""
    if len(data) - at < MIN_ENTRY_BYTES:
        return None
    _, payload_bytes, source_bytes, seq, received_at_us = _FIXED.unpack_from(data, at)
    name_at = at + _FIXED.size
    hash_at = name_at + source_bytes + payload_bytes
    if source_bytes > MAX_SOURCE_BYTES or hash_at + HASH_BYTES > len(data):
        return None
    source = data[name_at : name_at + source_bytes].decode(errors="replace")
    payload = data[name_at + source_bytes : hash_at]
    return _Parts(seq, received_at_us, source, payload, data[hash_at : hash_at + HASH_BYTES], hash_at + HASH_BYTES)


def _mended(data: bytes, head: Head) -> tuple[int, bytes] | None:
    """The end of the damaged entry and the hash it ought to have, if only its hash is wrong."""
    parts = _split(data, 0)
    if parts is None or parts.seq != head.next_seq:
        return None
    return parts.end, entry_hash(head.hash, parts.seq, parts.received_at_us, parts.source, parts.payload)
