"""WORLD: what Araz keeps on disk.

**Takes** received bytes, and the events that follow from them.
**Gives** them back: the journal byte for byte and provably so, the records by query.
**Keeps** the journal (append-only, chained, durable), the records (SQLite or PostgreSQL, derivable from it), the event
log, the register of seizures (SQLite, append-only).
**May import** araz.vocabulary and araz.evidence.
**Never** interprets a payload, edits an entry, or lets a message be acted on before it is on disk.
"""

from araz.store._arbiter import Arbiter, ArbiterError, Stand
from araz.store._erasure import erase
from araz.store._errors import JournalError
from araz.store._event_log import EventLog
from araz.store._heads import HEAD_EVERY_US, HeadLine, HeadLog, add_head, heads_objection, read_heads, tree_of
from araz.store._journal import SEGMENT_BYTES, Journal
from araz.store._layout import is_journal, sync_directory
from araz.store._patient import PatientWriter
from araz.store._reading import VerifyResult, pack_journal, read_journal, read_raw, verify_journal
from araz.store._records import REJECTS_KEPT, Records, RejectCount, has_records, url_file
from araz.store._register import Register
from araz.store._segment import MAX_PAYLOAD_BYTES, Damage, Entry, Head, entry_after, message_in

__all__ = [
    "HEAD_EVERY_US",
    "MAX_PAYLOAD_BYTES",
    "REJECTS_KEPT",
    "SEGMENT_BYTES",
    "Arbiter",
    "ArbiterError",
    "Damage",
    "Entry",
    "EventLog",
    "Head",
    "HeadLine",
    "HeadLog",
    "Journal",
    "JournalError",
    "PatientWriter",
    "Records",
    "Register",
    "RejectCount",
    "Stand",
    "VerifyResult",
    "add_head",
    "entry_after",
    "erase",
    "has_records",
    "heads_objection",
    "is_journal",
    "message_in",
    "pack_journal",
    "read_heads",
    "read_journal",
    "read_raw",
    "sync_directory",
    "tree_of",
    "url_file",
    "verify_journal",
]
