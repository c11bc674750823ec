"""What people did beside the sensors, at both nodes: custody, photographs, the register, sessions.

    araz custody … ─▶ station's door ─▶ the night's journal, acknowledged ─▶ act: each node's own files

The journal is the one thing that two nodes have in common, and an entry counts only when both disks have it. So what
must outlive a node goes through it, and each node makes its files from it. What a file has already stays as it is: a
journal read again from its start changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from araz.app._aside import CUSTODY_SOURCE, PHOTOGRAPH_SOURCE, REGISTER_SOURCE, SESSION_SOURCE
from araz.app._station import Item
from araz.evidence import CustodyRecord, custody_of, custody_step
from araz.store import Journal, Register, read_journal
from araz.vocabulary import Message, SeizureRevision

log = logging.getLogger("araz")

CUSTODY: Final = "custody.journal"
PHOTOGRAPHS: Final = "photographs"
#: Words of sessions remembered for a console that opens later: more than a shift has.
MOST_WORDS: Final = 20_000
#: Revisions of the register in one entry.
REVISIONS: Final = 500
_REVISIONS: Final = msgspec.json.Decoder(list[SeizureRevision])


class Office:
    """The files of one node's folder that follow from its journal's own words."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.register: Path | None = None
        """The register of seizures, where it lies in this folder; None: it is not this station's."""
        self._words: deque[bytes] = deque(maxlen=MOST_WORDS)
        self._hear: Callable[[bytes], None] = lambda _: None
        self._carried: set[object] = set()
        """What stands in the journal: signatures of custody, hashes of photographs, seizure and revision."""

    def hear_sessions(self, hear: Callable[[bytes], None]) -> None:
        """Tell every word of the sessions so far, and every later one in the thread that judges."""
        self._hear = hear
        for word in list(self._words):
            hear(word)

    def act(self, message: Message) -> None:
        """Follow one entry of the journal. A file that cannot be written is logged: the entry has it."""
        try:
            if message.source == SESSION_SOURCE:
                self._words.append(message.payload)
                self._hear(message.payload)
            elif message.source == CUSTODY_SOURCE:
                self._keep_record(message.payload)
            elif message.source == PHOTOGRAPH_SOURCE:
                self._keep_photograph(message.payload)
            elif message.source == REGISTER_SOURCE:
                self._keep_revisions(message.payload)
        except (OSError, ValueError) as error:
            log.error("entry %d of the journal (%s) is in none of this node's files: %s", message.seq,
                      message.source, error)  # fmt: skip

    def objection(self, items: Sequence[Item]) -> str:
        """Why what a command hands over cannot be recorded; empty when it can."""
        heads: dict[str, int] | None = None
        state = custody_of(self._records())[0]
        for source, payload in items:
            if source == CUSTODY_SOURCE:
                after = custody_step(state, msgspec.json.decode(payload, type=CustodyRecord))
                if isinstance(after, str):
                    return after
                state = after
            elif source == REGISTER_SOURCE:
                if self.register is None:
                    return "this station has no register in its folder; start it with --register in --out"
                if heads is None:
                    with Register.open(self.register) as register:
                        heads = register.heads()
                for revision in _REVISIONS.decode(payload):
                    if revision.revision != heads.get(revision.seizure_id, -1) + 1:
                        return f"somebody changed the seizure {revision.seizure_id} meanwhile; look at it again"
                    heads[revision.seizure_id] = revision.revision
            elif source != PHOTOGRAPH_SOURCE:
                return f"nobody may write {source!r} here"
        return ""

    def lacking(self) -> Iterator[list[Item]]:
        """What lies in this folder and not in the journal: recorded while no station ran. Photographs first."""
        for path in sorted((self._out / PHOTOGRAPHS).glob("*")):
            if path.name not in self._carried and len(path.name) == 64:
                yield [(PHOTOGRAPH_SOURCE, path.read_bytes())]
        if (self._out / CUSTODY).exists():
            for message in read_journal(self._out / CUSTODY):
                if msgspec.json.decode(message.payload, type=CustodyRecord).signature not in self._carried:
                    yield [(CUSTODY_SOURCE, message.payload)]
        if self.register is not None and self.register.exists():
            with Register.open(self.register) as register:
                fresh = [one for one in register.revisions() if (one.seizure_id, one.revision) not in self._carried]
            yield from ([item] for item in register_items(fresh))

    def _records(self) -> list[CustodyRecord]:
        log = self._out / CUSTODY
        return read_custody(log) if log.exists() else []

    def _keep_record(self, payload: bytes) -> None:
        record = msgspec.json.decode(payload, type=CustodyRecord)
        self._carried.add(record.signature)
        if all(one.signature != record.signature for one in self._records()):
            with Journal.open(self._out / CUSTODY) as journal:
                journal.append([(record.at_us, CUSTODY_SOURCE, payload)])

    def _keep_photograph(self, payload: bytes) -> None:
        name = hashlib.sha256(payload).hexdigest()
        self._carried.add(name)
        place = self._out / PHOTOGRAPHS / name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_suffix(".part")
            with part.open("wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            part.replace(place)

    def _keep_revisions(self, payload: bytes) -> None:
        revisions = _REVISIONS.decode(payload)
        self._carried |= {(one.seizure_id, one.revision) for one in revisions}
        if self.register is None:
            raise ValueError("this node was started without --register in its --out folder")
        with Register.open(self.register) as register:
            heads = register.heads({one.seizure_id for one in revisions})
            register.add([one for one in revisions if one.revision > heads.get(one.seizure_id, -1)])


def read_custody(log: Path) -> list[CustodyRecord]:
    """The records of a custody journal, in order; every link of its chain is checked on the way."""
    if not log.exists():
        raise ValueError(f"there is no custody journal {log}; register a hand first: araz custody hand --help")
    return [msgspec.json.decode(message.payload, type=CustodyRecord) for message in read_journal(log)]


def register_items(revisions: Sequence[SeizureRevision]) -> Iterator[Item]:
    """Revisions as items, so many in each."""
    for first in range(0, len(revisions), REVISIONS):
        yield REGISTER_SOURCE, msgspec.json.encode(revisions[first : first + REVISIONS])
