"""Posts and centre over NATS JetStream: every journal entry of a post reaches the centre once, in order.

    post's journal ─▶ its leaf server ─▶ centre's server, stream POST-ID ─▶ centre's journal (fsync) ─▶ ack, purge

The post's journal is the store and the stream a pipe, so neither end trusts the server's memory:

- each message says at which place of the stream it must come to stand (``Nats-Expected-Last-Sequence``), so nothing is
  passed over and nothing comes twice; its id is post, sequence and chain hash;
- a post that begins, or is refused, asks the stream for its last message and goes on after it;
- the centre reads the stream from its first message whenever it begins, and drops what it has; what it lacks and the
  stream too, it asks for by making the stream anew, whose description tells where to go on.

Source: https://docs.nats.io/nats-concepts/jetstream and its headers for optimistic concurrency.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, Protocol

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

DOMAIN: Final = "centre"
#: What the stream holds at most while nobody reads it; past it the post waits, its journal holds the rest.
STREAM_BYTES: Final = 512 * 1024 * 1024
BATCH: Final = 256
BATCH_BYTES: Final = 4 * 1024 * 1024
IDLE_S: Final = 0.2
ASK_S: Final = 5.0
ACK_S: Final = 20.0
MAX_PAUSE_S: Final = 10.0
_ID: Final = "Nats-Msg-Id"
_EXPECTED: Final = "Nats-Expected-Last-Sequence"
_JOURNAL: Final = "Araz-Journal"


class Passing(NamedTuple):
    """One journal entry on its way: its sequence, its chain hash (hex), its bytes."""

    seq: int
    hash_hex: str
    data: bytes


class Outgoing(Protocol):
    """A post's journal as the link needs it; called in a worker thread."""

    def identity(self) -> str:
        """Hash of entry 0 (hex): which journal this is."""

    def hash_of(self, seq: int) -> str | None:
        """Chain hash of an entry (hex); None where there is none."""

    def after(self, seq: int, count: int, size: int) -> Sequence[Passing]:
        """At most ``count`` entries and about ``size`` bytes, from ``seq`` on."""


class Verdict(StrEnum):
    """What the centre says of a batch."""

    TAKEN = "taken"
    GAP = "gap"
    FOREIGN = "foreign"


class Incoming(Protocol):
    """The centre's journal as the link needs it."""

    def position(self, post: str) -> tuple[int, str]:
        """The sequence wanted next of a post, and the hash of the entry before it (hex, empty for none)."""

    async def take(self, post: str, journal: str, entries: Sequence[bytes]) -> Verdict:
        """Journal what is next, drop what is known already; returns once it is on the disk, OSError if it is not."""


class _AgainError(Exception):
    """Begin anew: the other end stands elsewhere than thought."""


def link_extra() -> None:
    """Raise ValueError with the remedy where the client library is not installed."""
    if importlib.util.find_spec("nats") is None:
        raise ValueError("posts need the NATS client; install it with: pip install 'araz[post]'")


async def ship_forever(url: str, post: str, journal: Outgoing, tell: Callable[[str], None]) -> NoReturn:
    """Pass a post's journal on to the centre until cancelled; ``tell`` hears of changes, in words."""

    async def once(js: JetStreamContext) -> None:
        seq, last = await _stand_of(js, post, journal)
        tell(f"the centre is there; {post} goes on with entry {seq}")
        idle_s = 0.0
        while True:
            before, (seq, last) = seq, await _ship_batch(js, post, journal, seq, last)
            idle_s = idle_s + IDLE_S if seq == before else 0.0
            if idle_s > ASK_S:
                idle_s = 0.0
                if (await js.stream_info(_stream(post))).state.last_seq != last:
                    raise _AgainError(f"{post}: the centre made the stream anew; looking where it stands")

    await _keep_on(url, once, tell, f"{post}: the centre", inbox_of(post))


async def receive_forever(url: str, post: str, incoming: Incoming, tell: Callable[[str], None]) -> NoReturn:
    """Take what a post passes on until cancelled; ``tell`` hears of changes, in words."""
    lacking: list[int] = []

    async def once(js: JetStreamContext) -> None:
        await _receive(js, post, incoming, lacking)

    await _keep_on(url, once, tell, f"{post}: the stream", "_INBOX")


async def _keep_on(
    url: str,
    once: Callable[[JetStreamContext], Coroutine[Any, Any, None]],
    tell: Callable[[str], None],
    what: str,
    inbox: str,
) -> NoReturn:
    """Connect and work, again after each failure with a growing pause; a failure is told once until it changes."""
    import nats.errors

    pause_s, told = IDLE_S, ""
    while True:
        begun_s = asyncio.get_running_loop().time()
        try:
            async with _connected(url, inbox) as js:
                await once(js)
        except _AgainError as error:
            said = str(error)
        except ValueError as error:
            said = f"{what} holds something that no post sent ({error}); trying again"
        except (nats.errors.Error, OSError, TimeoutError) as error:
            said = f"{what} is not there ({error or type(error).__name__}); trying again"
        _end_if_told()
        if said != told:
            tell(said)
        held_s = asyncio.get_running_loop().time() - begun_s
        pause_s, told = (IDLE_S, "") if held_s > 2 * ACK_S else (min(2 * pause_s, MAX_PAUSE_S), said)
        await asyncio.sleep(pause_s)


@contextlib.asynccontextmanager
async def _connected(url: str, inbox: str) -> AsyncIterator[JetStreamContext]:
    import nats

    async def quiet(_: Exception) -> None:
        """What is wrong is told by whoever waits for an answer."""

    client = await nats.connect(
        url, allow_reconnect=False, connect_timeout=int(ASK_S), error_cb=quiet, inbox_prefix=inbox.encode()
    )
    try:
        yield client.jetstream(domain=DOMAIN, timeout=ASK_S)
    finally:
        with contextlib.suppress(Exception):  # a connection that broke cannot be closed in good order
            await asyncio.wait_for(client.close(), ASK_S)


def _end_if_told() -> None:
    """Raise CancelledError again where the client library took it for the end of its own waiting."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def inbox_of(post: str) -> str:
    """Where answers to a post come: an own place, so that no post hears what is said to another."""
    return f"araz.inbox.{post}"


def _stream(post: str) -> str:
    return f"POST-{post}"


def _subject(post: str) -> str:
    return f"araz.post.{post}"


async def _stand_of(js: JetStreamContext, post: str, journal: Outgoing) -> tuple[int, int]:
    """The entry to go on with, and the place of the last message in the stream."""
    info = await js.stream_info(_stream(post))
    # A stream that was made just now is not asked for a message: nats-server 2.9 can die of it.
    if not info.state.messages:
        wanted, _, before = (info.config.description or "0:").partition(":")
        await _check_same(post, journal, int(wanted) - 1, before)
        return int(wanted), info.state.last_seq
    last = await js.get_last_msg(_stream(post), _subject(post))
    _, seq, known = (last.headers or {}).get(_ID, "").rsplit(".", 2)
    await _check_same(post, journal, int(seq), known)
    return int(seq) + 1, last.seq or 0


async def _check_same(post: str, journal: Outgoing, seq: int, known: str) -> None:
    """Refuse to mix two journals under one post."""
    if seq >= 0 and await asyncio.to_thread(journal.hash_of, seq) != known:
        raise _AgainError(
            f"{post}: the centre holds another journal under this id (its entry {seq} is not ours), so nothing is "
            f"passed on; the post goes on alone. Bring its journal back (araz post restore), or give it a new id."
        )


async def _ship_batch(js: JetStreamContext, post: str, journal: Outgoing, seq: int, last: int) -> tuple[int, int]:
    batch = await asyncio.to_thread(journal.after, seq, BATCH, BATCH_BYTES)
    if not batch:
        await asyncio.sleep(IDLE_S)
        return seq, last
    identity = await asyncio.to_thread(journal.identity)
    waiting = []
    for place, entry in enumerate(batch):
        headers = {_ID: f"{post}.{entry.seq}.{entry.hash_hex}", _EXPECTED: str(last + place), _JOURNAL: identity}
        waiting.append(await js.publish_async(_subject(post), entry.data, headers=headers))
    acks = await asyncio.wait_for(asyncio.gather(*waiting), ACK_S)
    if any(ack.duplicate for ack in acks) or acks[-1].seq != last + len(batch):
        raise _AgainError(f"{post}: the stream stands elsewhere than thought; looking again")
    return batch[-1].seq + 1, acks[-1].seq


async def _receive(js: JetStreamContext, post: str, incoming: Incoming, lacking: list[int]) -> None:
    from nats.errors import TimeoutError as NothingError

    reader = await _reader(js, post, incoming)
    while True:
        try:
            messages = await reader(BATCH, ASK_S)
        except NothingError:
            _end_if_told()
            await js.stream_info(_stream(post))  # raises when the server or the stream is gone
            continue
        _end_if_told()
        journal = (messages[0].headers or {}).get(_JOURNAL, "")
        try:
            verdict = await incoming.take(post, journal, [message.data for message in messages])
        except (OSError, ValueError) as error:
            raise _AgainError(f"{post}: what came was not kept, so it stays in the stream: {error}") from error
        if verdict is Verdict.GAP:
            await _ask_again(js, post, incoming.position(post)[0], lacking)
        if verdict is Verdict.FOREIGN:
            raise _AgainError(
                f"{post} sends another journal than the one we hold; nothing of it is taken. Give that post a new id "
                f"in [[posts]], or bring its old journal back."
            )
        lacking.clear()
        for message in messages:
            await message.ack()
        # The last message stays: from it the post knows where it stands. To the server, up to 1 means all.
        if (place := messages[-1].metadata.sequence.stream) > 1:
            await js.purge_stream(_stream(post), seq=place)


async def _reader(js: JetStreamContext, post: str, incoming: Incoming) -> Callable[[int, float], Awaitable[list[Msg]]]:
    """Make the stream where it is missing, and read it from its first message."""
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, StorageType, StreamConfig
    from nats.js.errors import NotFoundError

    try:
        await js.stream_info(_stream(post))
    except NotFoundError:
        seq, before = incoming.position(post)
        await js.add_stream(
            StreamConfig(
                name=_stream(post), subjects=[_subject(post)], description=f"{seq}:{before}",
                storage=StorageType.FILE, max_bytes=STREAM_BYTES, discard=DiscardPolicy.NEW, duplicate_window=120,
            )
        )  # fmt: skip
    with contextlib.suppress(NotFoundError):
        await js.delete_consumer(_stream(post), "centre")
    reader = await js.pull_subscribe(
        _subject(post), durable="centre", stream=_stream(post),
        config=ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, deliver_policy=DeliverPolicy.ALL, max_ack_pending=8 * BATCH, ack_wait=60
        ),
    )  # fmt: skip
    return lambda count, patience_s: reader.fetch(count, timeout=patience_s)


async def _ask_again(js: JetStreamContext, post: str, wanted: int, lacking: list[int]) -> NoReturn:
    """Read the stream anew; if entry ``wanted`` is still not in it, make it anew, which asks the post for it."""
    if lacking[-1:] == [wanted]:
        await js.delete_stream(_stream(post))
    lacking[:] = [wanted]
    raise _AgainError(f"{post}: entry {wanted} is missing in the stream; asking for it again")
