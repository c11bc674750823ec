"""ROOM 5b: what can be proved later.

**Takes** the fields of a journal entry and the hash of the entry before it.
**Gives** the 32 bytes that chain the two.
**Keeps** nothing.
**May import** araz.vocabulary and the standard library's hashing.
**Never** touches a disk, a clock or a socket.
"""

from araz.evidence._chain import GENESIS, HASH_BYTES, canonical_entry, entry_hash

__all__ = ["GENESIS", "HASH_BYTES", "canonical_entry", "entry_hash"]
