"""What happens when a journal is opened again: find its end, set torn bytes aside, never lose a whole entry."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import NamedTuple

from araz.store._layout import sync_directory
from araz.store._segment import (
    HEADER_BYTES,
    Damage,
    Head,
    find_next_entry,
    read_entries,
    read_header,
)


class Found(NamedTuple):
    """State of the last segment after repair: where to go on, and what there is to say about it."""

    head: Head
    size: int
    sealed: bool
    """The file holds damage that is followed by whole entries: leave it as it is, go on in a new file."""
    sentence: str | None


def recover_segment(path: Path) -> Found:
    """Scan one segment to its end, and repair a torn tail; raises Damage when its header is no header."""
    with path.open("rb") as stream:
        head, offset = read_header(stream, None), HEADER_BYTES
        try:
            for entry in read_entries(stream, head, offset):
                head, offset = entry.head, entry.end
        except Damage as damage:
            stream.seek(damage.offset)
            return _repair(path, damage, head, stream.read())
    return Found(head, offset, False, None)


def set_torn_header_aside(path: Path) -> str:
    """Rename a file whose header was never finished, so that it held no entry yet; returns the sentence."""
    side = set_file_aside(path)
    return f"The file {path.name} had just been begun and held no entry; it was renamed to {side.name}."


def set_file_aside(path: Path) -> Path:
    """Rename a file, so that it is no longer of the journal; returns its new name."""
    side = _side_path(path, 0)
    path.rename(side)
    sync_directory(path.parent)
    return side


def set_tail_aside(path: Path, offset: int) -> None:
    """Set what a file holds from a byte on aside; nothing where it ends there."""
    tail = path.read_bytes()[offset:]
    if tail:
        _set_aside(path, offset, tail)


def _repair(path: Path, damage: Damage, head: Head, tail: bytes) -> Found:
    following = find_next_entry(tail, head)
    if following is not None:
        return _seal(path, damage, tail, *following)
    side = _set_aside(path, damage.offset, tail)
    what = "an entry that was only half written" if damage.incomplete else f"bytes that are no entry ({damage.reason})"
    return Found(
        head,
        damage.offset,
        False,
        f"The journal ended in {what}: {len(tail)} bytes at byte {damage.offset} of {path.name} were moved to "
        f"{side.name}. Entries up to {head.next_seq - 1} are whole; nothing that was acknowledged by a finished write "
        f"lies in those bytes unless the disk itself changed them.",
    )


def _seal(path: Path, damage: Damage, tail: bytes, offset: int, head: Head) -> Found:
    """Walk over whatever is whole after the damage, leaving the file untouched."""
    first_whole, gaps, stream = head.next_seq, 1, io.BytesIO(tail)
    while True:
        end = stream.seek(offset)
        try:
            for entry in read_entries(stream, head, offset):
                head, end = entry.head, entry.end
            break
        except Damage:
            following = find_next_entry(tail[end:], head)
            if following is None:
                break
            offset, head, gaps = end + following[0], following[1], gaps + 1
    return Found(
        head,
        damage.offset + len(tail),
        True,
        f"Entry {damage.seq} in {path.name} at byte {damage.offset} was altered ({damage.reason}), and whole entries "
        f"follow from {first_whole} on ({gaps} damaged place(s)). The file is left as it is; writing goes on in a new "
        f"one after entry {head.next_seq - 1}. Run 'araz verify' and keep this file for examination.",
    )


def _set_aside(path: Path, offset: int, tail: bytes) -> Path:
    """Copy the tail to a side file, durably, and only then cut it off: nothing vanishes."""
    side = _side_path(path, offset)
    with side.open("xb") as file:
        file.write(tail)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return side


def _side_path(path: Path, offset: int) -> Path:
    side = path.with_name(f"{path.name}.{offset}.torn")
    count = 1
    while side.exists():
        count += 1
        side = path.with_name(f"{path.name}.{offset}.{count}.torn")
    return side
