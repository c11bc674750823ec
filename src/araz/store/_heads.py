"""The heads of a journal: each minute, in one signed line, what the journal held. ``heads.jsonl`` lies beside it.

A head is worth as much as the place where a copy of it lies: send it to the other service, which signs it too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from araz.evidence import (
    Frontier,
    MerkleTree,
    Signed,
    TreeHead,
    canonical_json,
    frontier_append,
    frontier_root,
    is_head_signed,
    leaf_hash,
)
from araz.store._errors import JournalError
from araz.store._layout import write_all
from araz.store._reading import read_raw
from araz.store._segment import Entry

HEADS_FILE: Final = "heads.jsonl"
HEAD_EVERY_US: Final = 60_000_000

Sign = Callable[[TreeHead], Signed]


class HeadLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file: the head, who signed it, and what is needed to let the tree grow from there."""

    head: TreeHead
    signed: list[Signed]
    nodes: list[str]
    """Roots of the full subtrees, hex, largest first."""


class HeadLog:
    """Writes a head whenever a minute of arrivals has passed; reads the journal itself, so it cannot be told lies.

    A cut-off last line (power) is written anew: a head follows from the journal.
    """

    def __init__(self, journal: Path | str, sign: Sign | None = None) -> None:
        self.journal = Path(journal)
        self._file = self.journal / HEADS_FILE
        self._sign = sign
        last = _last_line(self._file)
        self._frontier = Frontier() if last is None else _frontier_of(last)
        self._head = None if last is None else last.head
        self._next_us = 0 if last is None else last.head.at_us + HEAD_EVERY_US
        self._read: Entry | None = None

    def note(self, now_us: int) -> TreeHead | None:
        """Write a head if the last one is a minute old and something came since; returns it, else None.

        OSError when the file cannot be written: nothing of the head is kept, and it is tried again in a minute.
        """
        if now_us < self._next_us:
            return None
        try:
            return self.write()
        except OSError:
            self._next_us = now_us + HEAD_EVERY_US
            raise

    def write(self) -> TreeHead | None:
        """Write a head of everything the journal holds now; None when nothing came since the last."""
        frontier, head = self._frontier, self._head
        journal = "" if head is None else head.journal
        read = self._read
        for raw in read_raw(self.journal, frontier.size, read):
            journal = journal or raw.hash.hex()
            frontier = frontier_append(frontier, leaf_hash(raw.hash))
            read = raw
        if read is None or frontier.size == self._frontier.size:
            return None
        head = TreeHead(
            journal=journal,
            tree_size=frontier.size,
            root_hash=frontier_root(frontier).hex(),
            entry_hash=read.hash.hex(),
            at_us=read.message.received_at_us,
        )
        signed = [] if self._sign is None else [self._sign(head)]
        line = HeadLine(head=head, signed=signed, nodes=[node.hex() for node in frontier.nodes])
        add_head(self.journal, line)
        self._frontier, self._head, self._read = frontier, head, read
        self._next_us = head.at_us + HEAD_EVERY_US
        return head


def read_heads(journal: Path | str) -> list[HeadLine]:
    """The heads written beside a journal, oldest first; none for a packed journal. A cut-off last line is left out.

    Raises JournalError for a line that is no head.
    """
    file = Path(journal) / HEADS_FILE
    return list(_lines(file)) if file.is_file() else []


def heads_objection(journal: Path | str, tree: MerkleTree) -> str | None:
    """The first head beside a journal that does not fit its entries or its own signature; None when all fit."""
    try:
        lines = read_heads(journal)
    except JournalError as error:
        return str(error)
    for number, line in enumerate(lines, 1):
        head = line.head
        where = f"Head {number} of {HEADS_FILE} ({head.tree_size} entries)"
        if head.tree_size > tree.size:
            return f"{where} knows more entries than the {tree.size} there are: the journal's end was cut off."
        try:
            grown = frontier_root(_frontier_of(line)).hex()
        except ValueError:
            grown = ""
        if not tree.root(head.tree_size).hex() == head.root_hash == grown:
            return f"{where} does not fit the entries: the journal or the head was altered."
        for hand in line.signed:
            if not is_head_signed(head, hand):
                return f"{where} has a wrong signature of {hand.by!r}."
    return None


def tree_of(journal: Path | str) -> MerkleTree:
    """The Merkle tree of a whole journal; reads all of it, 64 bytes of memory an entry."""
    return MerkleTree([leaf_hash(raw.hash) for raw in read_raw(journal)])


def add_head(journal: Path | str, line: HeadLine) -> None:
    """Add a line to the heads, synced; on an OSError the file is cut back, so that none begins inside this one."""
    descriptor = os.open(Path(journal) / HEADS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        try:
            write_all(descriptor, canonical_json(line) + b"\n")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _lines(file: Path) -> Iterator[HeadLine]:
    decoder = msgspec.json.Decoder(HeadLine)
    data = file.read_bytes()
    *lines, rest = data.split(b"\n")
    if _is_plain(rest[:-1], decoder):
        lines.append(rest)  # a whole line whose end was altered; a cut-off one is left out
    for number, line in enumerate(lines, 1):
        try:
            found = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JournalError(f"Line {number} of {file} is no head: {error}. Keep the file for examination.") from None
        if not _is_plain(line, decoder):
            raise JournalError(f"Line {number} of {file} was altered: not as it was written. Keep it for examination.")
        yield found


def _is_plain(line: bytes, decoder: msgspec.json.Decoder[HeadLine]) -> bool:
    """Whether a line is a head in the one way it is written: else a letter could change its case unseen."""
    try:
        found = decoder.decode(line)
        return canonical_json(found) == line and all(bytes.fromhex(node).hex() == node for node in found.nodes)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return False


def _last_line(file: Path) -> HeadLine | None:
    """The last whole line; what a power cut left of another is cut off, for a head can be made again."""
    if not file.is_file():
        return None
    data = file.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(file, whole)
    lines = list(_lines(file))
    return lines[-1] if lines else None


def _frontier_of(line: HeadLine) -> Frontier:
    return Frontier(line.head.tree_size, tuple(bytes.fromhex(node) for node in line.nodes))
