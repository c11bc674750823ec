"""The fused history after a cut: what posts tell late is known late, changes nothing said, and ends up complete."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from araz.app._centre import late_spans, said_in
from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._corrections import HISTORY, correct
from araz.app._post_book import PostBook, passed_journal
from araz.app._posts import CORRECTED_SOURCE, LATE_US
from araz.app._runtime import Night, judge
from araz.store import read_journal, read_raw
from araz.tracking import _step
from araz.vocabulary import Correction, Incident, IncidentKind
from araz_posts import SECOND_US, chain_of, night_over, post_journal

POSTS = ["P06", "P07"]
BEGIN_S, CUT_S, REJOIN_S, END_S = 420, 500, 735, 748


class Chain:
    """A centre that heard two posts, cut off from CUT_S to REJOIN_S; and the same night heard by one machine."""

    def __init__(self, folder: Path, night, *, cut: bool) -> None:
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
        self.feed(direct, (CUT_S, REJOIN_S) if cut else (0, 0))

    async def take(self, arrivals):
        return self.night.take(arrivals)

    def feed(self, direct, cut_s):
        """Deliver second by second: what a post has reaches the centre 0.3 s later, nothing while it is cut off."""
        cut = [self.start_us + (second - BEGIN_S) * SECOND_US for second in cut_s]
        waiting = {post: list(read_raw(journal)) for post, journal in self.journals.items()}
        for second in range(END_S - BEGIN_S + 1):
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


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    site_file = chain_of(tmp_path_factory.mktemp("site"), POSTS)
    return site_file, *night_over(site_file, BEGIN_S, END_S)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, night):
    chain = Chain(tmp_path_factory.mktemp("whole"), night, cut=False)
    yield chain
    chain.night.close()


@pytest.fixture(scope="module")
def mended(tmp_path_factory, night):
    chain = Chain(tmp_path_factory.mktemp("cut"), night, cut=True)
    chain.before = list(chain.events)
    chain.found = chain.correct()
    yield chain
    chain.night.close()


def test_the_night_over_posts_tells_what_one_machine_would(whole):
    kinds = {one.kind.value for one in whole.known()}
    assert {"crossing", "drop", "hover", "heard"} <= kinds
    assert late_spans(whole.night) == {}


def test_nothing_is_lost_or_twice_and_the_order_is_exact(mended):
    for post, journal in mended.journals.items():
        sent = [(one.message.received_at_us, one.message.source, one.message.payload) for one in read_raw(journal)]
        held = list(passed_journal(mended.night.journal.path, post))
        assert [(one.received_at_us, one.source, one.payload) for _, one, _ in held] == sent
        assert [digest for _, _, digest in held] == [one.hash for one in read_raw(journal)]


def test_while_cut_off_the_centre_does_not_know_and_says_that_it_is_blind(mended):
    then = [one for one in mended.before if isinstance(one, Incident)]
    assert not {IncidentKind.CROSSING, IncidentKind.DROP} & {one.kind for one in then}
    assert {one.sensor_id for one in then if one.kind is IncidentKind.SENSOR_SILENT} >= {"radar-06", "radar-07"}


def test_after_rejoining_the_history_is_that_of_the_uncut_night(mended, whole):
    known, uncut = mended.known(), whole.known()
    assert [(one.kind, one.sensor_id) for one in known] == [(one.kind, one.sensor_id) for one in uncut]
    # The uncut centre hears all of it 0.3 s later than its posts, so its rules look at other moments.
    assert all(abs(one.at_us - other.at_us) < 2 * SECOND_US for one, other in zip(known, uncut, strict=True))
    places = [
        (one.areas[0], other.areas[0]) for one, other in zip(known, uncut, strict=True) if one.areas and other.areas
    ]
    assert len(places) >= 1
    for here, there in places:
        north_m = 111_200 * (here.latitude_deg - there.latitude_deg)
        assert abs(north_m) < 100
    assert mended.found.posts == POSTS
    assert late_spans(mended.night) == {}


def test_nothing_said_is_edited_and_late_knowledge_says_since_when(mended):
    assert mended.events[: len(mended.before)] == mended.before
    late = [one for one in mended.events[len(mended.before) :] if isinstance(one, Incident)]
    assert {one.known_at_us for one in late} == {mended.now_us}
    drop = next(one for one in late if one.kind is IncidentKind.DROP)
    assert drop.at_us < mended.start_us + (REJOIN_S - BEGIN_S) * SECOND_US
    assert drop.supersedes is None
    assert "P06, P07 was cut off" in drop.sentence
    gone = [one for one in late if one.kind is IncidentKind.CORRECTED]
    assert {one.supersedes for one in gone} <= {one.incident_id for one in mended.before if isinstance(one, Incident)}
    assert any("radar-06" in one.sentence for one in gone)


def test_a_replay_of_the_centres_journal_tells_the_same_at_the_same_place(mended):
    again = [event for events in judge(read_journal(mended.night.journal.path)) for event in events]
    assert msgspec.json.encode(again) == msgspec.json.encode(mended.events)


def test_late_begins_where_the_trackers_memory_ends():
    assert LATE_US == _step.MEMORY_US
