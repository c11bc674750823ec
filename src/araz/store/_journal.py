"""The journal's writer: what was received, in the order received, on disk before anything acts on it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from araz.evidence import GENESIS
from araz.store._closing import Closing
from araz.store._errors import JournalError
from araz.store._layout import segment_numbers, segment_path, sync_directory, write_all
from araz.store._reading import read_raw
from araz.store._recovery import recover_segment, set_file_aside, set_tail_aside, set_torn_header_aside
from araz.store._segment import HEADER_BYTES, Damage, Head, check_entry, encode_entry, encode_header, entry_after
from araz.vocabulary import Message

SEGMENT_BYTES: Final = 64 * 1024 * 1024


class _Opened(NamedTuple):
    number: int
    size: int
    head: Head
    recovered: str | None


class Journal(Closing):
    """An append-only directory of chained segments with one writer.

    ``append`` returns only after the bytes are on disk; whoever acts on the messages it returns acts on nothing that
    a power cut can take back. ``recovered`` is a sentence when opening had to repair something, else None.
    """

    def __init__(self, path: Path, lock: int, segment_bytes: int, opened: _Opened) -> None:
        """Use :meth:`open`."""
        self.path = path
        self.recovered = opened.recovered
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._number, self._size, self._head = opened.number, opened.size, opened.head
        self._file: int | None = os.open(segment_path(path, opened.number), os.O_WRONLY | os.O_APPEND)
        self._broken: str | None = None

    @classmethod
    def open(cls, path: Path | str, *, segment_bytes: int = SEGMENT_BYTES) -> Journal:
        """Create a journal, or resume one after its last whole entry.

        Raises JournalError when another process writes it, or when its last file cannot be made sense of.
        ``segment_bytes`` is the size after which a new file is begun.
        """
        if segment_bytes < HEADER_BYTES:
            raise ValueError(f"segment_bytes must be at least {HEADER_BYTES}; the default is {SEGMENT_BYTES}")
        directory = Path(path)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = _take_lock(directory)
        except JournalError:
            raise
        except OSError as error:
            raise JournalError(
                f"The journal {directory} cannot be opened: {error}. Check the path and rights."
            ) from None
        try:
            return cls(directory, lock, segment_bytes, _open_last(directory))
        except (OSError, Damage) as error:
            os.close(lock)
            raise JournalError(
                f"The journal {directory} cannot be resumed: {error}. Keep it for examination ('araz verify' tells "
                f"more) and start with a new journal directory."
            ) from None
        except BaseException:
            os.close(lock)
            raise

    @property
    def next_seq(self) -> int:
        """The seq the next message will get."""
        return self._head.next_seq

    @property
    def head_hash_hex(self) -> str:
        """Hash of the last entry: note it elsewhere, and nobody can cut the end off unseen."""
        return self._head.hash.hex()

    def append(self, entries: Sequence[tuple[int, str, bytes]]) -> list[Message]:
        """Write (received_at_us, source, payload) entries with one fsync, and give them their seq.

        All or none: on a full disk or another I/O error the file is cut back to where it was, the chain does not
        move, and JournalError says what to do; the same entries may be appended again. Raises ValueError for an entry
        that no journal can hold, before anything is written.
        """
        self._check_open()
        if not entries:
            return []
        for entry in entries:
            check_entry(*entry)
        head, pieces, messages = self._head, [], []
        for received_at_us, source, payload in entries:
            messages.append(
                Message(seq=head.next_seq, received_at_us=received_at_us, source=source, payload=bytes(payload))
            )
            data, head = encode_entry(head, received_at_us, source, payload)
            pieces.append(data)
        self._keep(pieces, head)
        return messages

    def append_same(self, entries: Sequence[bytes]) -> list[Message]:
        """Write entries as they lie in another journal, of which this one is the beginning; one fsync, all or none.

        Raises Damage for what does not continue the chain, before anything is written; else as :meth:`append`.
        """
        self._check_open()
        head, messages = self._head, []
        for data in entries:
            entry = entry_after(head, data)
            head = entry.head
            messages.append(entry.message)
        if messages:
            self._keep(entries, head)
        return messages

    def cut(self, next_seq: int) -> None:
        """Set the entries from ``next_seq`` on aside, in ``.torn`` files beside: writing goes on before them."""
        self._check_open()
        assert self._file is not None
        if next_seq >= self._head.next_seq:
            return
        last = next(read_raw(self.path, next_seq - 1)) if next_seq else None
        number, size = (1, HEADER_BYTES) if last is None else (last.segment, last.end)
        os.close(self._file)
        for later in range(self._number, number, -1):
            set_file_aside(segment_path(self.path, later))
        set_tail_aside(segment_path(self.path, number), size)
        self._number, self._size = number, size
        self._head = Head(0, GENESIS) if last is None else last.head
        self._file = os.open(segment_path(self.path, number), os.O_WRONLY | os.O_APPEND)

    def _check_open(self) -> None:
        if self._file is None:
            raise JournalError(f"The journal {self.path} is closed; open it again to write.")
        if self._broken is not None:
            raise JournalError(self._broken)

    def _keep(self, pieces: Sequence[bytes], head: Head) -> None:
        """Write whole entries, after which the chain stands at ``head``."""
        try:
            if self._size >= self._segment_bytes and self._size > HEADER_BYTES:
                self._rotate()
            block = b"".join(pieces)
            assert self._file is not None
            write_all(self._file, block)
            os.fsync(self._file)
        except OSError as error:
            self._cut_back()
            raise JournalError(
                f"The journal {self.path} could not be written: {error}. Nothing of these {len(pieces)} messages was "
                f"kept, all earlier ones are safe. Free disk space or mend the disk; then writing goes on."
            ) from error
        self._size += len(block)
        self._head = head

    def _rotate(self) -> None:
        assert self._file is not None
        file = _create_segment(self.path, self._number + 1, self._head)
        os.close(self._file)
        self._file, self._number, self._size = file, self._number + 1, HEADER_BYTES

    def _cut_back(self) -> None:
        assert self._file is not None
        try:
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)
        except OSError as error:
            self._broken = (
                f"The journal {self.path} could not be brought back to its last whole entry: {error}. "
                f"Mend the disk, then open the journal again: opening repairs it."
            )

    def close(self) -> None:
        """Close the files and let another writer in; closing twice does nothing."""
        if self._file is None:
            return
        os.close(self._file)
        os.close(self._lock)
        self._file = None


def _take_lock(directory: Path) -> int:
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise JournalError(
            f"The journal {directory} is being written by another Araz (process {holder}). Stop that one first, or "
            f"give this one a journal of its own; reading needs no lock."
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _open_last(directory: Path) -> _Opened:
    said: list[str] = []
    numbers = segment_numbers(directory)
    while numbers and segment_path(directory, numbers[-1]).stat().st_size < HEADER_BYTES:
        said.append(set_torn_header_aside(segment_path(directory, numbers.pop())))
    if not numbers:
        os.close(_create_segment(directory, 1, Head(0, GENESIS)))
        sync_directory(directory.parent)
        return _Opened(1, HEADER_BYTES, Head(0, GENESIS), " ".join(said) or None)
    number = numbers[-1]
    found = recover_segment(segment_path(directory, number))
    said += [found.sentence] if found.sentence else []
    size = found.size
    if found.sealed:
        number, size = number + 1, HEADER_BYTES
        os.close(_create_segment(directory, number, found.head))
    return _Opened(number, size, found.head, " ".join(said) or None)


def _create_segment(directory: Path, number: int, head: Head) -> int:
    path = segment_path(directory, number)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
    try:
        write_all(file, encode_header(head))
        os.fsync(file)
        sync_directory(directory)
    except OSError:
        os.close(file)
        path.unlink(missing_ok=True)
        raise
    return file
