"""The fused history after a cut: what posts tell late is known late, changes nothing said, and ends up complete."""

import msgspec
import pytest

from araz.app._centre import late_spans
from araz.app._post_book import passed_journal
from araz.app._posts import LATE_US
from araz.app._runtime import judge
from araz.store import read_journal, read_raw
from araz.tracking import _step
from araz.vocabulary import Incident, IncidentKind
from araz_posts import SECOND_US, chain_of, night_over
from cut_chain import BEGIN_S, CUT_S, END_S, POSTS, REJOIN_S, Chain


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    site_file = chain_of(tmp_path_factory.mktemp("site"), POSTS)
    return site_file, *night_over(site_file, BEGIN_S, END_S)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, night):
    chain = Chain(tmp_path_factory.mktemp("whole"), night)
    yield chain
    chain.night.close()


@pytest.fixture(scope="module")
def mended(tmp_path_factory, night):
    chain = Chain(tmp_path_factory.mktemp("cut"), night, cut_s=(CUT_S, REJOIN_S))
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
