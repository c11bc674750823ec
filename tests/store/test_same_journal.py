"""A journal that follows another: the same bytes, and an end that nobody acknowledged gives way, set aside."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.store import Damage, Journal, read_journal, read_raw, verify_journal


def filled(path, payloads, segment_bytes=400):
    with Journal.open(path, segment_bytes=segment_bytes) as journal:
        for payload in payloads:
            journal.append([(7, "radar", payload)])
    return path


def chain(path):
    return [entry.data for entry in read_raw(path)]


def test_a_follower_has_the_same_bytes_and_takes_no_others(tmp_path):
    ours = chain(filled(tmp_path / "a", [bytes([k]) * 50 for k in range(20)]))
    with Journal.open(tmp_path / "b") as follower:
        messages = follower.append_same(ours[:12])
        assert [message.seq for message in messages] == list(range(12))
        with pytest.raises(Damage):
            follower.append_same(ours[13:])  # one is missing
        changed = bytearray(ours[13])
        changed[40] ^= 1
        with pytest.raises(Damage):
            follower.append_same([ours[12], bytes(changed)])
        assert follower.next_seq == 12
        follower.append_same(ours[12:])
    assert chain(tmp_path / "b") == ours
    assert verify_journal(tmp_path / "b").ok


@settings(max_examples=40)
@given(count=st.integers(1, 14), keep=st.integers(0, 14), more=st.integers(0, 5), size=st.integers(90, 600))
def test_a_cut_keeps_what_is_before_and_sets_the_rest_aside(tmp_path_factory, count, keep, more, size):
    path = tmp_path_factory.mktemp("j") / "j"
    before = chain(filled(path, [bytes([k]) * 60 for k in range(count)], size))
    with Journal.open(path, segment_bytes=size) as journal:
        journal.cut(keep)
        kept = min(keep, count)
        assert journal.next_seq == kept
        journal.append([(8, "other", bytes([k])) for k in range(more)])
    assert chain(path)[:kept] == before[:kept]
    assert [message.source for message in read_journal(path)] == ["radar"] * kept + ["other"] * more
    assert verify_journal(path).ok
    aside = b"".join(one.read_bytes() for one in sorted(path.glob("*.torn")))
    assert all(data in aside for data in before[kept:])
