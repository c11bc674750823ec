"""What the centre makes of a post's journal entries, and a post of the sector's site file; pure.

The centre journals an entry of a post as it is, under ``@post:ID``, at its own time of arrival. Judged is what is
inside: at the time it reached the post, as the feed it came from. What is older than the tracker can put in its place
is not judged here; it waits for a correction (``_corrections.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from araz.sensors import rejected
from araz.store import message_in
from araz.vocabulary import POST_PREFIX, Format, Message, PowerReading, Rejected, Site

#: A message that reached its post longer ago is late: the tracker remembers half a minute.
LATE_US: Final = 30_000_000
#: Source of a post's battery: a ``PowerReading`` as JSON.
POWER_SOURCE: Final = "@power"
#: Source of what late messages changed in the history: a ``Correction`` as JSON.
CORRECTED_SOURCE: Final = "@corrected"
#: A post's own words that mean something at the centre; its site, clock and drills are its own affair.
SHARED_WORDS: Final = frozenset({POWER_SOURCE, "@problem"})
#: What the other words of a post become: a sign of life.
LIFE: Final = "@tick"


class PostMemory(msgspec.Struct, frozen=True):
    """What is remembered of one post: the newest time at it, and the span of late messages nobody has judged yet."""

    heard_us: int = 0
    late_us: tuple[int, int] | None = None
    readings: tuple[PowerReading, ...] = ()
    readings_count: int = 0


class Passed(NamedTuple):
    """A message on its way into the judgement: by which post, as it reached it, and whether it is late."""

    message: Message
    post: str | None = None
    is_late: bool = False


def site_of_post(site: Site, post_id: str) -> Site:
    """The part of a sector that a post judges alone: its feeds, their sensors, and every patrol; the same frame.

    Feeds of reports and decisions without an address stay: people at the post use them. Raises ValueError for a post
    that the site does not have.
    """
    post = next((one for one in site.posts if one.id == post_id), None)
    if post is None:
        known = ", ".join(one.id for one in site.posts) or "none"
        raise ValueError(f"the site has no post {post_id!r} (it has: {known}); add it to [[posts]]")
    own = [
        feed
        for feed in site.feeds
        if feed.id in post.feeds or (not feed.url and feed.format in (Format.REPORT, Format.DECISION))
    ]
    return replace(
        site,
        name=f"{site.name}, post {post.id}",
        feeds=own,
        sensors=[sensor for sensor in site.sensors if sensor.feed in {feed.id for feed in own}],
        outputs=[output for output in site.outputs if output.id in post.outputs],
        posts=[post],
    )


def sensors_of_posts(site: Site) -> Mapping[str, frozenset[str]]:
    """Ids of the sensors behind each post."""
    return {
        post.id: frozenset(sensor.id for sensor in site.sensors if sensor.feed in post.feeds) for post in site.posts
    }


def passed(message: Message, site: Site, now_us: int) -> Passed | Rejected:
    """Open an entry that a post passed on; any other message goes through as it is."""
    if not message.source.startswith(POST_PREFIX):
        return Passed(message)
    post = message.source.removeprefix(POST_PREFIX)
    inner = message_in(message.payload)
    if inner is None:
        return rejected(message, "bad-post-entry", "not an entry of a journal: both ends must run the same format")
    if all(one.id != post for one in site.posts):
        return rejected(message, "unknown-post", f"no [[posts]] entry has the id {post!r}; add one to the site file")
    source = inner.source
    formats = {feed.id: feed.format for feed in site.feeds}
    is_own_word = source.startswith("@") and source not in SHARED_WORDS
    # A post's officer answers the post's cards, which are not the centre's.
    if is_own_word or formats.get(source.partition("#")[0]) == Format.DECISION:
        source = LIFE
    is_late = inner.received_at_us < now_us - LATE_US
    return Passed(replace(inner, seq=message.seq, source=source), post, is_late and source != LIFE)


def noted(memory: PostMemory, one: Passed) -> PostMemory:
    """The memory of a post after one more message of it."""
    at_us = one.message.received_at_us
    late_us = memory.late_us
    if one.is_late:
        late_us = (at_us, at_us) if late_us is None else (min(late_us[0], at_us), max(late_us[1], at_us))
    return replace(memory, heard_us=max(memory.heard_us, at_us), late_us=late_us)


def settled(memory: PostMemory, to_us: int) -> PostMemory:
    """The memory of a post once everything late up to ``to_us`` was judged."""
    if memory.late_us is None:
        return memory
    return replace(memory, late_us=None if memory.late_us[1] <= to_us else (to_us, memory.late_us[1]))


def source_of(message: Message) -> str:
    """The source of what a message says: for a post's entry that of the entry inside; empty where it is none."""
    if not message.source.startswith(POST_PREFIX):
        return message.source
    inner = message_in(message.payload)
    return "" if inner is None else inner.source
