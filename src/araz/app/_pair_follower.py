"""The following node of a pair: has an entry on its disk before it says so, takes over when the leader is gone."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Final

import msgspec

from araz.app._pair_leader import Fenced, Hail, Welcome
from araz.feeds import Channel
from araz.store import Arbiter, ArbiterError, Damage, Journal, Stand, read_raw
from araz.vocabulary import Message

#: A leader that says nothing for so long is gone.
LEADER_SILENCE_S: Final = 1.6
#: After that it is called once more for so long, before the arbiter is asked.
CALL_S: Final = 0.6
#: Hashes of the last entries that are told: more than a leader can have written without our word.
LAST: Final = 8192
#: A journal that lacks no more than this has caught up: under load new ones come all the time.
LEVEL: Final = 512


class Follower:
    """Follows the leader's journal; all of it is called from one thread at a time."""

    def __init__(
        self, own: str, other: str, address: tuple[str, int], tls: ssl.SSLContext | None, arbiter: Arbiter,
        journal: Journal, tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._own, self._other, self._address, self._tls = own, other, address, tls
        self._arbiter, self._journal, self._tell = arbiter, journal, tell
        self._channel: Channel | None = None
        self._said = ""
        self.is_level = False
        """Whether this journal is the leader's, but for what arrives just now."""

    @property
    def is_connected(self) -> bool:
        """Whether the leader is on the line."""
        return self._channel is not None

    def call(self, *, may_cut: bool = False) -> bool:
        """Call the leader; False when it does not answer. ``may_cut``: nothing was judged yet.

        Raises Fenced when this journal holds what the leader's does not: entries that nobody acknowledged are set
        aside by a new start, and another night's journal is refused.
        """
        try:
            channel = Channel(socket.create_connection(self._address, CALL_S), LEADER_SILENCE_S)
        except OSError:
            return False
        try:
            if self._tls is not None:
                channel.secure(self._tls, is_client=True)
                channel.check_named(self._other)
            channel.send(msgspec.json.encode(hail_of(self._own, self._journal)))
            welcome = msgspec.json.decode(channel.receive(), type=Welcome)
        except (OSError, msgspec.DecodeError):
            channel.close()
            return False
        if welcome.refused:
            channel.close()
            raise Fenced(welcome.refused)
        if welcome.keep < self._journal.next_seq:
            if not may_cut:
                channel.close()
                raise Fenced(f"this node's journal went further than node {self._other}'s: start again, to follow it")
            count = self._journal.next_seq - welcome.keep
            self._journal.cut(welcome.keep)
            self._tell(f"{count} entries that nobody acknowledged were set aside in {self._journal.path}")
        self._channel = channel
        return True

    def receive(self) -> list[Message] | None:
        """The next entries, on this disk and said to be; empty for a sign of life, None when the leader is gone."""
        if self._channel is None:
            return None
        try:
            stands, entries = msgspec.msgpack.decode(self._channel.receive(), type=tuple[int, list[bytes]])
            messages = self._journal.append_same(entries)
            self._channel.send(msgspec.msgpack.encode((self._journal.next_seq,)))
        except (OSError, msgspec.DecodeError, Damage) as error:
            self._channel.close()
            self._channel = None
            self.say_once(f"node {self._other} is not followed any more ({error or type(error).__name__})")
            return None
        self.is_level = self._journal.next_seq + LEVEL >= stands
        if self.is_level:
            self.say_once(f"follows node {self._other}")
        return messages

    def take_over(self) -> Stand | None:
        """Lead from now on, if the arbiter agrees; None, and why is told once, when it does not."""
        try:
            now = self._arbiter.read()
            if now is None:
                return None
            if not holds(self._journal, now):
                self.say_once("this node's journal is not the one that was level with the other's, so it leads nothing "
                               "until it followed")  # fmt: skip
                return None
            if now.leader == self._own:
                return now
            if now.is_alone:
                self.say_once(f"node {self._other} led alone, so this node lacks what it wrote last: start that one "
                               "again; or, where it is lost for ever, docs/operations.md, Two nodes")  # fmt: skip
                return None
            after = self._arbiter.change(now, self._own, True, now.next_seq, now.hash_hex)
        except ArbiterError as error:
            self.say_once(f"node {self._other} is gone and {error}: this node waits")
            return None
        if after is not None:
            self._tell(f"node {self._other} is gone: this node leads now, with {self._journal.next_seq} entries")
        return after

    def say_once(self, sentence: str) -> None:
        """Tell how it stands, unless that was the last that was told."""
        if sentence != self._said:
            self._said = sentence
            self._tell(sentence)

    def close(self) -> None:
        """Hang up."""
        if self._channel is not None:
            self._channel.close()


def hail_of(node: str, journal: Journal) -> Hail:
    """What a follower says of itself."""
    count = journal.next_seq
    last = [entry.hash.hex() for entry in read_raw(journal.path, max(0, count - LAST))] if count else []
    return Hail(node=node, next_seq=count, last=last)


def holds(journal: Journal, stand: Stand) -> bool:
    """Whether a journal has the entry at which both were last level."""
    if stand.next_seq == 0:
        return True
    found = next(iter(read_raw(journal.path, stand.next_seq - 1)), None) if journal.next_seq >= stand.next_seq else None
    return found is not None and found.hash.hex() == stand.hash_hex
