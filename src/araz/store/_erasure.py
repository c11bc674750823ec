"""Retention: content of personal messages is erased, its hash stays; first the reason is on record, then it goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from araz.store._errors import JournalError
from araz.store._journal import Journal
from araz.store._layout import is_journal, segment_path
from araz.store._reading import Erasure, read_raw
from araz.store._segment import erased_bytes, header_of
from araz.vocabulary import ERASED_SOURCE, ERASURE_SOURCE, POST_PREFIX, Message

#: Entries named in one record: its message stays far below what a journal takes.
NAMED_AT_ONCE: Final = 10_000


def erase(journal: Path | str, wanted: Callable[[Message], bool], *, by: str, reason: str, at_us: int) -> int:
    """Erase the content of the messages ``wanted`` picks; returns how many.

    Their number, time, source, size and hash stay, so chain, heads, cases and proofs hold. A record under ``@erasure``
    (who, why, which) is on disk before the first byte goes; after a crash in between the same call goes on. Messages
    that Araz itself wrote (``@site``, ``@erasure``) are never taken. Raises ValueError without a reason, JournalError
    when another process writes the journal. What the disk's own hardware keeps of old blocks is beyond this.
    """
    if not reason.strip() or not by.strip():
        raise ValueError("an erasure needs a reason and somebody who answers for it; give both")
    place = Path(journal)
    if not (place.is_dir() and is_journal(place)):
        raise ValueError(f"{place} is not the directory of a journal; content of packed files cannot be erased")
    with Journal.open(place) as writer:
        gone = [header_of(raw.data) for raw in read_raw(place) if _may_go(raw.message) and wanted(raw.message)]
        for first in range(0, len(gone), NAMED_AT_ONCE):
            record = Erasure(by=by, reason=reason, entries=gone[first : first + NAMED_AT_ONCE])
            writer.append([(at_us, ERASURE_SOURCE, msgspec.json.encode(record))])
        _overwrite(place, {item.seq for item in gone})
    return len(gone)


def _may_go(message: Message) -> bool:
    is_own_word = message.source.startswith("@") and not message.source.startswith(POST_PREFIX)
    return message.source != ERASED_SOURCE and not is_own_word


def _overwrite(directory: Path, gone: set[int]) -> None:
    for number, entries in groupby(read_raw(directory), key=lambda entry: entry.segment):
        mine = [
            (entry.end - len(entry.data), erased_bytes(entry.data)) for entry in entries if entry.message.seq in gone
        ]
        if not mine:
            continue
        with segment_path(directory, number).open("r+b") as stream:
            for offset, data in mine:
                if os.pwrite(stream.fileno(), data, offset) != len(data):
                    raise JournalError(f"{stream.name} could not be written; mend the disk and erase again")
            os.fsync(stream.fileno())
