"""By which software a part of a night ran."""

from __future__ import annotations

import msgspec

from araz.vocabulary._quantities import Count, TimeUs


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """One installed library: its version, and the SHA-256 (hex) of the list of its files with their hashes."""

    version: str
    record_sha256: str


class Software(msgspec.Struct, frozen=True, kw_only=True, tag="software"):
    """Everything that decides which numbers come out: Araz by the hash of its source, what it computes with, and where.

    The same ``source_sha256``, ``lock_sha256`` and ``processor`` give the same numbers, bit for bit.
    """

    araz: str
    source_sha256: str
    """Of every source file of Araz, in order of their names."""
    lock_sha256: str
    """Of Python's version and of all ``libraries``: one hash in place of a list."""
    python: str
    processor: str
    """The kind for which the numeric kernels are compiled; the last bits may differ from kind to kind."""
    libraries: dict[str, Library]


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """From which journal entry on a night ran by which software."""

    from_us: TimeUs
    first_seq: Count
    software: Software
