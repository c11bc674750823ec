"""The leading node of a pair: what it acknowledges the other has too, or the arbiter wrote that it leads alone.

    append (own disk) ─▶ sent to the other ─▶ its disk ─▶ confirm ─▶ judged, shown, acknowledged

==========  ==========================================  ================================
mode        the arbiter's row says                       an entry counts as soon as it is
==========  ==========================================  ================================
ALONE       this node leads alone                        on this disk
JOINING     the same; the other is nearly level          on both disks
PAIRED      this node leads, the other has everything    on both disks
==========  ==========================================  ================================
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from araz.app._post_book import PostJournal
from araz.feeds import Channel
from araz.store import Arbiter, ArbiterError, Entry, Journal, Stand, read_raw

log = logging.getLogger("araz")

#: A node that leads is heard at least so often.
BEAT_S: Final = 0.4
#: A follower that says nothing for so long is gone, and the leader goes on alone.
FOLLOWER_SILENCE_S: Final = 3.0
#: Entries in one message to the follower, and their bytes.
BATCH: Final = 512
BATCH_BYTES: Final = 4 * 1024 * 1024
#: An arbiter that did not answer is asked again after so long.
ASK_AGAIN_S: Final = 5.0
#: How often a node that cannot decide says so.
SAY_EVERY_S: Final = 10.0


class Fenced(Exception):
    """Nothing may be acknowledged here any more: another node leads. The program ends, and starts again to follow."""


class Hail(msgspec.Struct, frozen=True, kw_only=True):
    """What a follower says first: who it is, where its journal stands, and the hashes of its last entries (hex)."""

    node: str
    next_seq: int
    last: list[str]


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """The leader's answer: how many entries the two journals have in common."""

    keep: int
    refused: str = ""
    """Why it is no follower."""


class Mode(StrEnum):
    """Whose disk must have an entry before it counts."""

    ALONE = "alone"
    JOINING = "joining"
    PAIRED = "paired"


class Leader:
    """Serves the follower and says when an entry counts; two threads, and one for each connection."""

    def __init__(
        self, own: str, other: str, listens: tuple[str, int], tls: ssl.SSLContext | None, arbiter: Arbiter,
        stand: Stand, journal: Journal, tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._own, self._other, self._tls, self._tell = own, other, tls, tell
        self._arbiter, self._stand, self._journal = arbiter, stand, journal
        self._state = threading.Condition()
        self._asking = threading.Lock()
        """Held, before ``_state``, by whoever asks the arbiter or gives up what it asks for."""
        self._mode = Mode.ALONE if stand.is_alone else Mode.PAIRED
        self._channel: Channel | None = None
        self._reached = 0
        self._target = 0
        self._unwritten_s: float | None = None
        """When to ask again for what the arbiter did not answer to; None where all is written."""
        self._confirmed = journal.next_seq
        self._heard_s = time.monotonic()
        self._doubt: str | None = None
        self._end: str | None = None
        self._door = socket.create_server(listens)
        for work in (self._answer, self._watch):
            threading.Thread(target=work, name=f"pair {work.__name__}", daemon=True).start()

    @property
    def is_paired(self) -> bool:
        """Whether the other node has everything that counts."""
        return self._mode is Mode.PAIRED and self._channel is not None

    @property
    def doubt(self) -> str | None:
        """Why nothing can be acknowledged at the moment; None when all is well."""
        return self._doubt

    def confirm(self, next_seq: int) -> None:
        """Wait until the entries before ``next_seq`` count; raises Fenced when they never will."""
        with self._state:
            self._state.notify_all()
            while self._end is None and self._mode is not Mode.ALONE and self._reached < next_seq:
                self._state.wait(1.0)
            if self._end is not None:
                raise Fenced(self._end)
            self._confirmed = max(self._confirmed, next_seq)

    def close(self, why: str = "this node was stopped") -> None:
        """Acknowledge nothing any more."""
        with self._state:
            self._end = self._end or why
            channel = self._channel
            self._state.notify_all()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits there; a mere close would not
        self._door.close()
        if channel is not None:
            channel.close()

    def _watch(self) -> None:
        """Go on alone, with the arbiter's word, once the follower is gone."""
        said_s = 0.0
        while self._end is None:
            time.sleep(0.1)
            if self._mode is not Mode.PAIRED or time.monotonic() - self._heard_s < FOLLOWER_SILENCE_S:
                continue
            try:
                self._go_alone(f"node {self._other} is gone")
            except ArbiterError as error:
                self._doubt = f"neither node {self._other} nor the arbiter answers, so nothing is acknowledged: {error}"
                if time.monotonic() - said_s > SAY_EVERY_S:
                    said_s = time.monotonic()
                    log.error("%s. Mend either; all waits until then", self._doubt)
                self._unwritten_s = time.monotonic() + ASK_AGAIN_S
                time.sleep(0.5)

    def _go_alone(self, why: str) -> None:
        """Have the arbiter write that this node leads alone, even if it says so: what is still on its way is void."""
        with self._asking:
            now = self._arbiter.read()
            if now is None or now.leader != self._own:
                self.close(_other_leads(now))
                return
            after = self._arbiter.change(now, self._own, True, now.next_seq, now.hash_hex)
            if after is None:
                return  # somebody was faster: the next look tells who
            with self._state:
                self._stand, self._mode, self._doubt, self._unwritten_s = after, Mode.ALONE, None, None
                self._state.notify_all()
        self._tell(f"{why}: this node goes on alone, and acknowledges what it alone holds")

    def _answer(self) -> None:
        while self._end is None:
            try:
                connected, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connected,), name="pair serve", daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        channel = Channel(connected, FOLLOWER_SILENCE_S)
        try:
            if self._tls is not None:
                channel.secure(self._tls)
            self._follow_up(channel)
        except (OSError, msgspec.DecodeError) as error:
            log.info("node %s: %s", self._other, error)
        finally:
            channel.close()
            with self._asking, self._state:
                if self._channel is channel:
                    self._channel = None
                    if self._mode is Mode.JOINING:
                        self._mode = Mode.ALONE
                    self._state.notify_all()

    def _follow_up(self, channel: Channel) -> None:
        hail = msgspec.json.decode(channel.receive(), type=Hail)
        channel.check_named(self._other)
        keep = common(self._journal, hail)
        if hail.node != self._other or keep is None:
            why = f"node {hail.node} has another night in its journal than node {self._own}; empty its --out folder"
            channel.send(msgspec.json.encode(Welcome(keep=0, refused=why)))
            log.error("%s", why)
            return
        if self._mode is Mode.PAIRED and keep < self._confirmed:
            # It lost what it had: while it lacks that, it may not take over.
            self._go_alone(f"node {hail.node} came back with {keep} of {self._confirmed} entries")
        channel.send(msgspec.json.encode(Welcome(keep=keep)))
        with self._state:
            older, self._channel, self._reached = self._channel, channel, keep
        if older is not None:
            older.close()
        reader = PostJournal(self._journal.path)
        while self._end is None:
            with self._state:
                if self._reached >= self._journal.next_seq:
                    self._state.wait(BEAT_S)
                reached, stands = self._reached, self._journal.next_seq
            most = min(BATCH, stands - reached)
            batch = [one.data for one in reader.after(reached, most, BATCH_BYTES)] if most else []
            channel.send(msgspec.msgpack.encode((stands, batch)))
            (reached,) = msgspec.msgpack.decode(channel.receive(), type=tuple[int])
            with self._state:
                if self._channel is not channel:
                    return
                self._reached, self._heard_s, self._doubt = reached, time.monotonic(), None
                self._state.notify_all()
            self._join(channel)

    def _join(self, channel: Channel) -> None:
        """Have the arbiter write that the other may take over, once it is level; before that, both must have all."""
        with self._asking:
            with self._state:
                if self._mode is Mode.ALONE and self._reached + BATCH >= self._journal.next_seq:
                    # First nothing more counts that it lacks, then it is measured: what counted before lies below.
                    self._mode, self._target = Mode.JOINING, self._journal.next_seq
                is_unwritten = self._unwritten_s is not None and self._unwritten_s < time.monotonic()
                is_asked = self._mode is Mode.JOINING or is_unwritten
                is_due = is_asked and self._reached >= self._target and self._channel is channel
                target, before = self._target, self._stand
            if not is_due:
                return
            head = "" if target == 0 else (PostJournal(self._journal.path).hash_of(target - 1) or "")
            try:
                after = self._arbiter.change(before, self._own, False, target, head)
                now = after or self._arbiter.read()
            except ArbiterError as error:
                # It may stand there: to count alone again, the arbiter must be asked.
                self._mode, self._unwritten_s = Mode.PAIRED, time.monotonic() + ASK_AGAIN_S
                log.error("node %s follows, but %s", self._other, error)
                return
            if now is None or now.leader != self._own:
                self.close(_other_leads(now))
                return
            with self._state:
                # Refused, but by no other node: an earlier change of ours came late. It is asked again from there.
                self._stand = now
                if after is not None or not now.is_alone:
                    self._mode, self._unwritten_s = Mode.PAIRED, None
        if after is not None:
            self._tell(f"node {self._other} follows and has everything: it can take over")


def _other_leads(now: Stand | None) -> str:
    who = "nobody leads" if now is None else f"node {now.leader} leads now"
    return f"{who}, by the arbiter's word: this node acknowledges nothing more; start it again, to follow"


def common(journal: Journal, hail: Hail) -> int | None:
    """How many entries a follower's journal has in common with ours; None where it is another night's."""
    first = hail.next_seq - len(hail.last)
    if hail.next_seq == 0:
        return 0
    ours: Sequence[Entry] = () if first >= journal.next_seq else tuple(_entries(journal, first, len(hail.last)))
    keep = None
    for place, entry in enumerate(ours):
        if entry.hash.hex() != hail.last[place]:
            break
        keep = first + place + 1
    return 0 if keep is None and first == 0 and journal.next_seq == 0 else keep


def _entries(journal: Journal, first: int, count: int) -> list[Entry]:
    found = []
    for entry in read_raw(journal.path, first):
        found.append(entry)
        if len(found) == count:
            break
    return found
