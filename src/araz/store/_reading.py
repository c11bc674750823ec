"""Reading, verifying and packing journals; nothing here needs the writer's lock."""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import msgspec

from araz.evidence import GENESIS, leaf_hash
from araz.store._errors import JournalError
from araz.store._layout import XZ_MAGIC, segment_numbers, segment_path, sync_directory
from araz.store._segment import (
    HEADER_BYTES,
    Damage,
    Entry,
    Erased,
    Head,
    check_entry,
    decode_header,
    encode_entry,
    encode_header,
    header_of,
    read_entries,
    read_header,
)
from araz.vocabulary import ERASED_SOURCE, ERASURE_SOURCE, Message


class VerifyResult(NamedTuple):
    """What a check of the whole chain found; ``sentence`` says it for people."""

    ok: bool
    entries: int
    """Whole, unaltered entries before the first bad one."""
    head_hash_hex: str
    """Hash of the last of them: equal to one noted elsewhere, or the end was cut off."""
    first_bad_seq: int | None
    sentence: str
    latest_us: int
    """Latest time of arrival among them; 0 when there are none."""
    leaves: list[bytes]
    """Their leaves in the tree over all entries, 32 bytes each: what the heads are held against."""
    is_torn: bool = False
    """Not ok, but only because the end is half on disk: it is being written, or opening the journal repairs it."""


def read_journal(path: Path | str) -> Iterator[Message]:
    """Yield the messages of a journal: a directory of segments, one segment file, or one file packed with xz.

    Memory stays flat. A journal that is still being written ends at its last whole entry. Every hash is checked on
    the way; JournalError names the first entry that does not fit, after the good ones before it were yielded.
    """
    for entry in read_raw(path):
        yield entry.message


def verify_journal(path: Path | str) -> VerifyResult:
    """Check every byte of a journal against its chain, and name the first entry that was altered.

    Unlike reading, it also refuses an unfinished last entry. What the chain alone cannot show is an end cut off at an
    entry's edge: compare ``head_hash_hex`` and ``entries`` with what was noted elsewhere.
    """
    leaves, head, latest_us = list[bytes](), Head(0, GENESIS), 0
    erased, recorded = dict[int, Erased](), set[Erased]()

    def result(bad: int | None, sentence: str) -> VerifyResult:
        return VerifyResult(bad is None, len(leaves), head.hash.hex(), bad, sentence, latest_us, leaves)

    try:
        for entry in _entries(Path(path)):
            head, latest_us = entry.head, max(latest_us, entry.message.received_at_us)
            leaves.append(leaf_hash(entry.hash))
            if entry.is_erased:
                erased[entry.message.seq] = header_of(entry.data)
            elif entry.message.source == ERASURE_SOURCE:
                recorded.update(erasures_in(entry.message.payload))
    except Damage as damage:
        file = f" in {damage.file}" if damage.file else ""
        hint = " It may still be written, or opening it repairs it." if damage.incomplete else ""
        sentence = f"Entry {damage.seq}{file} at byte {damage.offset} is not what was written: {damage.reason}.{hint}"
        return result(damage.seq, sentence)._replace(is_torn=damage.incomplete)
    except (OSError, EOFError, lzma.LZMAError) as error:
        return result(head.next_seq, f"Entry {head.next_seq} cannot be read: {error}.")
    unrecorded = [seq for seq, left in erased.items() if left not in recorded]
    if unrecorded:
        return result(
            unrecorded[0], f"Entry {unrecorded[0]} was erased, and no record of this journal says so and why."
        )
    sentence = f"All {len(leaves)} entries are as they were written; the last has hash {head.hash.hex()}."
    if erased:
        sentence += f" The content of {len(erased)} of them was erased, each with its reason on record."
    return result(None, sentence)


def pack_journal(
    journal: Path | str | Iterable[Message | tuple[int, str, bytes]], out: Path | str, *, preset: int = 6
) -> str:
    """Write a journal as one xz file that can be sent, and return the hash of its last entry (hex).

    Takes a journal's path, or messages in order; their seq is given anew from 0. The same messages give the same
    bytes. The file appears under its name only when it is whole. Fails as :func:`read_journal` does.
    """
    target = Path(out)
    source = read_journal(journal) if isinstance(journal, str | Path) else journal
    head = Head(0, GENESIS)
    unfinished = target.with_name(target.name + ".part")
    try:
        with lzma.open(unfinished, "wb", preset=preset) as file:
            file.write(encode_header(head))
            for item in source:
                entry = (item.received_at_us, item.source, item.payload) if isinstance(item, Message) else item
                if entry[1] == ERASED_SOURCE:
                    raise ValueError(
                        "content of this journal was erased; copy its directory, a packed one has new hashes"
                    )
                check_entry(*entry)
                data, head = encode_entry(head, *entry)
                file.write(data)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_directory(target.parent)
    return head.hash.hex()


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """The record that must stand in the journal before content is erased: which entries, by whom, why."""

    by: str
    reason: str
    entries: list[Erased]


def erasures_in(payload: bytes) -> list[Erased]:
    """Entries named by a message of the source ``@erasure``; none for anything that is no such record."""
    try:
        return msgspec.json.decode(payload, type=Erasure).entries
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def read_raw(path: Path | str, first_seq: int = 0, after: Entry | None = None) -> Iterator[Entry]:
    """Yield entries from ``first_seq`` on, with their hashes and bytes; a directory is not read before it.

    With ``after``, an entry of the same directory, reading goes on where that one ends. Ends and fails as
    :func:`read_journal` does.
    """
    place = Path(path)
    try:
        begin = None if after is None else (after.segment, after.head, after.end)
        for entry in _entries(place, first_seq) if begin is None else _directory_entries(place, *begin):
            if entry.message.seq >= first_seq:
                yield entry
    except Damage as damage:
        if damage.incomplete:
            return
        raise JournalError(
            f"The journal {path} was altered: entry {damage.seq} at byte {damage.offset}: {damage.reason}. Everything "
            f"before it is sound; run 'araz verify', keep the files for examination, and go on in a new directory."
        ) from None
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise JournalError(f"The journal {path} cannot be read: {error}. Check the path, or copy it again.") from None


def _entries(path: Path, first_seq: int = 0) -> Iterator[Entry]:
    """Entries of any kind of journal, in order; raises Damage, with the file's name, where the chain breaks."""
    if not path.is_dir():
        return _file_entries(path)
    return _directory_entries(path, *_start_of(path, first_seq))


def _start_of(directory: Path, seq: int) -> tuple[int, Head]:
    """The last segment that begins at or before ``seq``, and where the chain stands there."""
    for number in reversed(segment_numbers(directory) if seq else []):
        with segment_path(directory, number).open("rb") as stream:
            data = stream.read(HEADER_BYTES)
        if len(data) == HEADER_BYTES and (head := decode_header(data, seq)).next_seq <= seq:
            return number, head
    return 1, Head(0, GENESIS)


def _file_entries(path: Path) -> Iterator[Entry]:
    with path.open("rb") as raw:
        packed = raw.read(len(XZ_MAGIC)) == XZ_MAGIC
        raw.seek(0)
        with closing(lzma.LZMAFile(raw) if packed else raw) as opened:
            stream = cast(BinaryIO, opened)
            try:
                yield from read_entries(stream, read_header(stream, None), HEADER_BYTES)
            except Damage as damage:
                # A packed file is never still being written, nor is a header: an end inside them is damage.
                damage.incomplete = damage.incomplete and not packed and damage.offset > 0
                raise


def _directory_entries(directory: Path, number: int, head: Head, offset: int = 0) -> Iterator[Entry]:
    """Entries from segment ``number`` on, there from byte ``offset`` on (0: from its header)."""
    if not segment_numbers(directory):
        raise FileNotFoundError(f"{directory} holds no segment (00000001.seg)")
    while segment_path(directory, number).exists():
        for entry in _segment_entries(directory, number, head, offset):
            yield entry
            head = entry.head
        number, offset = number + 1, 0
    later = [n for n in segment_numbers(directory) if n > number]
    if later:
        damage = Damage(
            0, head.next_seq, f"the file is missing, though {segment_path(directory, later[0]).name} exists"
        )
        damage.file = segment_path(directory, number).name
        raise damage


def _segment_entries(directory: Path, number: int, head: Head, offset: int) -> Iterator[Entry]:
    """Entries of one segment, however long the writer still adds to it.

    A segment is finished once the next one exists. That must be known *before* its end is read, else the entries
    written in between would look like missing ones.
    """
    path, following = segment_path(directory, number), segment_path(directory, number + 1)
    with path.open("rb") as stream:
        try:
            finished = following.exists()
            if offset == 0:
                head, offset = read_header(stream, head), HEADER_BYTES
            stream.seek(offset)
            while True:
                try:
                    for entry in read_entries(stream, head, offset, number):
                        yield entry
                        head, offset = entry.head, entry.end
                except Damage as damage:
                    if not damage.incomplete or not following.exists() or finished:
                        damage.incomplete = damage.incomplete and not finished
                        raise
                if finished or not following.exists():
                    return
                finished = True
                stream.seek(offset)
        except Damage as damage:
            damage.file = path.name
            raise
