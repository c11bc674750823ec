"""ROOM 5b: what can be proved later.

**Takes** the fields of a journal entry and the hash of the entry before it; a seized log and the recorded tracks.
**Gives** the 32 bytes that chain the two; likelihood ratios of log and track.
**Keeps** nothing.
**May import** sensors, geography, vocabulary; numpy and the standard library's hashing.
**Never** touches a disk, a clock or a socket.
"""

from araz.evidence._chain import GENESIS, HASH_BYTES, canonical_entry, entry_hash
from araz.evidence._log_match import ArchivedTrack, Match, archive_of, match_log

__all__ = [
    "GENESIS",
    "HASH_BYTES",
    "ArchivedTrack",
    "Match",
    "archive_of",
    "canonical_entry",
    "entry_hash",
    "match_log",
]
