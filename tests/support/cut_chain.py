"""A centre over posts whose line was cut, and what it makes of their late words: for the tests and their bench."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from araz.app._centre import late_spans, said_in
from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._corrections import HISTORY, correct
from araz.app._post_book import PostBook
from araz.app._posts import CORRECTED_SOURCE
from araz.app._runtime import Night
from araz.store import read_raw
from araz.vocabulary import Correction, Incident, IncidentKind
from araz_posts import SECOND_US, post_journal

POSTS = ["P06", "P07"]
BEGIN_S, CUT_S, REJOIN_S, END_S = 420, 500, 735, 748


class Chain:
    """A centre that heard two posts, cut off for a while; and the same night heard by one machine.

    ``cut_s``: seconds of the night between which nothing passes. ``beats_s``: seconds at which the centre is fed.
    """

    def __init__(self, folder: Path, night, *, cut_s=(0, 0), beats_s=range(END_S - BEGIN_S + 1)) -> None:
        site_file, self.start_us, bundle, arrivals = night
        site, _, _ = site_from_bundle(bundle)
        feeds = {feed: post.id for post in site.posts for feed in post.feeds}
        self.journals = {
            post: post_journal(
                folder / post, self.start_us, bundle_from_file(site_file, post),
                [one for one in arrivals if feeds.get(one[1].partition("#")[0]) == post],
            )
            for post in POSTS
        }  # fmt: skip
        self.events: list[object] = []
        self.night = Night(folder / "centre", listeners=[self.events.extend])
        self.night.set_site(bundle, self.start_us)
        self.now_us = self.start_us
        self.book = PostBook(self.take, lambda: self.now_us)
        direct = [one for one in arrivals if one[1].partition("#")[0] not in feeds]
        self.feed(direct, cut_s, beats_s)

    async def take(self, arrivals):
        return self.night.take(arrivals)

    def feed(self, direct, cut_s, beats_s):
        """Deliver beat by beat: what a post has reaches the centre 0.3 s later, nothing while it is cut off."""
        cut = [self.start_us + (second - BEGIN_S) * SECOND_US for second in cut_s]
        waiting = {post: list(read_raw(journal)) for post, journal in self.journals.items()}
        for second in beats_s:
            end_us = self.start_us + second * SECOND_US + 300_000
            own = [one for one in direct if self.now_us <= one[0] < end_us]
            self.now_us = end_us
            self.night.take([*own, (end_us, "@tick", b"")])
            if cut[0] <= end_us < cut[1]:
                continue
            for post, left in waiting.items():
                ready = [one for one in left if one.message.received_at_us < end_us - 300_000]
                del left[: len(ready)]
                for first in range(0, len(ready), 100):
                    batch = [one.data for one in ready[first : first + 100]]
                    identity = self.book._identity.get(post, ready[0].hash.hex())
                    assert asyncio.run(self.book.take(post, identity, batch)) == "taken"

    def correct(self) -> Correction:
        late_us = late_spans(self.night)
        journal = self.night.journal
        found = correct(journal.path, journal.next_seq - 1, late_us, said_in(self.night, late_us))
        self.now_us += SECOND_US
        self.night.take([(self.now_us, CORRECTED_SOURCE, msgspec.json.encode(found))])
        return found

    def known(self) -> list[Incident]:
        """What happened as known now: every incident that no correction and no later word of its kind replaces."""
        incidents = [one for one in self.events if isinstance(one, Incident)]
        kind = {one.incident_id: one.kind for one in incidents}
        gone = {one.supersedes for one in incidents if one.kind in (IncidentKind.CORRECTED, kind.get(one.supersedes))}
        last = [one for one in incidents if one.incident_id not in gone and one.kind in HISTORY]
        return sorted(last, key=lambda one: (one.kind, one.sensor_id or "", one.at_us))
