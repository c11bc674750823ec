"""Both ends of the link to the posts: a post's journal to be passed on, and what the centre has of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from araz.app._runtime import BATCH, Arrival, in_batches
from araz.evidence import GENESIS
from araz.feeds import Passing, Verdict
from araz.store import Damage, Entry, Head, Journal, entry_after, message_in, read_raw
from araz.vocabulary import POST_PREFIX, Message

_HASH_BYTES: Final = len(GENESIS)


class PostJournal:
    """A post's own journal, read while it is written."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._last: Entry | None = None
        self._identity = ""

    def identity(self) -> str:
        """Hash of entry 0 (hex): which journal this is."""
        self._identity = self._identity or self.hash_of(0) or ""
        return self._identity

    def hash_of(self, seq: int) -> str | None:
        """Chain hash of an entry (hex); None where there is none."""
        entry = next(iter(read_raw(self._journal, seq)), None) if seq >= 0 else None
        return None if entry is None or entry.message.seq != seq else entry.hash.hex()

    def after(self, seq: int, count: int, size: int) -> Sequence[Passing]:
        """At most ``count`` entries and about ``size`` bytes from ``seq`` on; reads on where it stopped."""
        begun = self._last if self._last is not None and self._last.message.seq + 1 == seq else None
        found, left = list[Passing](), size
        for entry in read_raw(self._journal, seq, begun):
            found.append(Passing(entry.message.seq, entry.hash.hex(), entry.data))
            self._last, left = entry, left - len(entry.data)
            if len(found) == count or left <= 0:
                break
        return found


class PostBook:
    """Where the centre's copy of each post's journal stands; it follows from the centre's own journal."""

    def __init__(self, take: Callable[[Sequence[Arrival]], Awaitable[object]], clock: Callable[[], int]) -> None:
        self._take = take
        self._clock = clock
        self._heads: dict[str, Head] = {}
        self._identity: dict[str, str] = {}
        self.duplicates = 0

    def read(self, journal: Path) -> None:
        """Learn from the centre's journal what of each post is in it."""
        for entry in read_raw(journal):
            if entry.message.source.startswith(POST_PREFIX):
                data, post = entry.message.payload, entry.message.source.removeprefix(POST_PREFIX)
                message = message_in(data)
                if message is not None:
                    self._stand(post, Head(message.seq + 1, data[-_HASH_BYTES:]))

    def position(self, post: str) -> tuple[int, str]:
        """The sequence wanted next of a post, and the hash of the entry before it (hex, empty for none)."""
        head = self._heads.get(post)
        return (0, "") if head is None else (head.next_seq, head.hash.hex())

    async def take(self, post: str, journal: str, entries: Sequence[bytes]) -> Verdict:
        """Journal what is next of a post in one piece, drop what is known, refuse what does not continue its chain."""
        head = self._heads.get(post, Head(0, GENESIS))
        if journal != self._identity.get(post, journal):
            return Verdict.FOREIGN
        fresh, heads = list[bytes](), list[Head]()
        for data in entries:
            message = message_in(data)
            if message is None:
                return Verdict.FOREIGN
            if message.seq < head.next_seq:
                self.duplicates += 1
                continue
            if message.seq > head.next_seq:
                return Verdict.GAP
            try:
                head = entry_after(head, data).head
            except Damage:
                return Verdict.FOREIGN
            fresh.append(data)
            heads.append(head)
        if fresh:
            at_us = self._clock()
            await self._take([(at_us, POST_PREFIX + post, data) for data in fresh])
            for one in heads:
                self._stand(post, one)
        return Verdict.TAKEN

    def _stand(self, post: str, head: Head) -> None:
        if head.next_seq == 1:
            self._identity[post] = head.hash.hex()
        self._heads[post] = head


def passed_journal(journal: Path, post: str) -> Iterator[tuple[int, Message, bytes]]:
    """What the centre's journal holds of a post, in order: centre's seq, the post's message, its chain hash."""
    for entry in read_raw(journal):
        if entry.message.source == POST_PREFIX + post:
            message = message_in(entry.message.payload)
            if message is not None:
                yield entry.message.seq, message, entry.message.payload[-_HASH_BYTES:]


def restore_journal(centre: Path, post: str, out: Path) -> int:
    """Write a post's journal again from the centre's, entry by entry the same; returns their number.

    Raises ValueError where the centre has nothing of that post, where ``out`` already holds entries, and where an entry
    cannot be made again because its content was erased.
    """
    count = 0
    with Journal.open(out) as made:
        if made.next_seq:
            raise ValueError(f"{out} already holds {made.next_seq} entries; name an empty folder")
        for batch in in_batches(passed_journal(centre, post), BATCH):
            made.append([(one.received_at_us, one.source, one.payload) for _, one, _ in batch])
            count += len(batch)
            if made.head_hash_hex != batch[-1][2].hex():
                raise ValueError(
                    f"the entries of {post} up to {batch[-1][1].seq} do not give its chain again: content of them was "
                    f"erased. Remove {out}; give the post a new id in [[posts]]."
                )
    if not count:
        raise ValueError(f"{centre} holds nothing of a post {post!r}")
    return count
