"""ROOM 5b: what can be proved later.

**Takes** entries of a journal and their hashes, records of a night, keys as text; a seized log and recorded tracks.
**Gives** the bytes that are chained and signed, the tree over them with its proofs, what belongs to a case, custody;
likelihood ratios of log and track.
**Keeps** nothing.
**May import** sensors, geography, vocabulary; numpy, msgspec, the standard library's hashing, ``cryptography``.
**Never** touches a disk, a clock or a socket.
"""

from araz.evidence._against import Against, OtherClass, SensorSaid, against, distance_m
from araz.evidence._case import Belonging, Told, belonging, span_of_tracks
from araz.evidence._chain import GENESIS, HASH_BYTES, canonical_entry, entry_hash
from araz.evidence._custody import (
    Accepted,
    Custody,
    CustodyRecord,
    Destroyed,
    Examined,
    Exhibit,
    ExhibitTaken,
    HandRegistered,
    Offered,
    Photograph,
    Photographed,
    ReturnedToOwner,
    What,
    custody_of,
    custody_step,
    sign_record,
)
from araz.evidence._log_match import ArchivedTrack, Match, archive_of, match_log
from araz.evidence._merkle import (
    EMPTY_ROOT,
    Frontier,
    MerkleTree,
    frontier_append,
    frontier_root,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
)
from araz.evidence._signing import (
    Signed,
    TreeHead,
    canonical_json,
    fingerprint,
    is_head_signed,
    is_signed_by,
    load_key,
    new_key,
    public_pem,
    sign_head,
    witness_objection,
)

__all__ = [
    "EMPTY_ROOT",
    "GENESIS",
    "HASH_BYTES",
    "Accepted",
    "Against",
    "ArchivedTrack",
    "Belonging",
    "Custody",
    "CustodyRecord",
    "Destroyed",
    "Examined",
    "Exhibit",
    "ExhibitTaken",
    "Frontier",
    "HandRegistered",
    "Match",
    "MerkleTree",
    "Offered",
    "OtherClass",
    "Photograph",
    "Photographed",
    "ReturnedToOwner",
    "SensorSaid",
    "Signed",
    "Told",
    "TreeHead",
    "What",
    "against",
    "archive_of",
    "belonging",
    "canonical_entry",
    "canonical_json",
    "custody_of",
    "custody_step",
    "distance_m",
    "entry_hash",
    "fingerprint",
    "frontier_append",
    "frontier_root",
    "is_consistent",
    "is_head_signed",
    "is_signed_by",
    "leaf_hash",
    "load_key",
    "match_log",
    "new_key",
    "public_pem",
    "root_from_inclusion",
    "sign_head",
    "sign_record",
    "span_of_tracks",
    "witness_objection",
]
