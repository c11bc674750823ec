"""Erasing leaves every proof valid, says why, and cannot be used to hide anything."""

import pytest

from araz.evidence import leaf_hash, load_key, new_key, root_from_inclusion, sign_head
from araz.store import HeadLog, Journal, erase, heads_objection, read_journal, read_raw, tree_of, verify_journal

START_US = 1_790_000_000_000_000
SECRET = b"resident of house 7 heard it"


@pytest.fixture
def journal(tmp_path):
    path, key = tmp_path / "j", load_key(new_key())
    with Journal.open(path, segment_bytes=500) as writer:
        for k in range(30):
            text = SECRET + b" %d" % k if k % 3 == 0 else b"plot %d" % k
            writer.append([(START_US + k, "reports" if k % 3 == 0 else "radar-1", text)])
        HeadLog(path, lambda head: sign_head(head, "station", key)).write()
    return path


def test_the_content_goes_and_every_proof_stays(journal):
    before, leaves = tree_of(journal), [leaf_hash(raw.hash) for raw in read_raw(journal)]
    assert (
        erase(journal, lambda m: m.source == "reports" and m.seq < 20, by="office", reason="90 days", at_us=START_US)
        == 7
    )
    assert all(SECRET + b" 3" not in file.read_bytes() for file in journal.iterdir())
    result = verify_journal(journal)
    assert result.ok, result.sentence
    assert "7 of them was erased" in result.sentence
    tree = tree_of(journal)
    assert tree.root(30) == before.root()
    assert heads_objection(journal, tree) is None
    proof = tree.inclusion_proof(3, 30)
    assert root_from_inclusion(leaves[3], 3, 30, proof) == before.root()
    messages = list(read_journal(journal))
    assert (messages[3].source, messages[3].payload, messages[3].received_at_us) == ("@erased", b"", START_US + 3)
    assert messages[4].payload == b"plot 4"
    assert b"90 days" in messages[30].payload


def test_it_goes_on_after_a_restart_and_again(journal):
    erase(journal, lambda m: m.seq == 0, by="office", reason="r", at_us=START_US)
    assert erase(journal, lambda m: m.seq in (0, 3), by="office", reason="r", at_us=START_US) == 1
    with Journal.open(journal) as writer:
        writer.append([(START_US + 99, "radar-1", b"later")])
    assert verify_journal(journal).ok


def test_an_entry_erased_by_hand_counts_as_altered(journal):
    from araz.store._segment import erased_bytes

    raw = next(raw for raw in read_raw(journal) if raw.message.seq == 1)
    file = journal / "00000001.seg"
    file.write_bytes(file.read_bytes().replace(raw.data, erased_bytes(raw.data)))
    result = verify_journal(journal)
    assert not result.ok
    assert result.first_bad_seq == 1
    assert "no record" in result.sentence


def test_every_bit_of_an_erased_journal_is_watched(journal):
    erase(journal, lambda m: m.seq in (0, 3), by="office", reason="r", at_us=START_US)
    file = journal / "00000001.seg"
    data, missed = file.read_bytes(), []
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << (place % 8)
        file.write_bytes(bytes(altered))
        if verify_journal(journal).ok:
            missed.append(place)
    assert missed == []


def test_without_a_reason_nothing_goes(journal, tmp_path):
    with pytest.raises(ValueError, match="reason"):
        erase(journal, lambda m: True, by="office", reason=" ", at_us=START_US)
    with pytest.raises(ValueError, match="directory"):
        erase(tmp_path / "x.xz", lambda m: True, by="office", reason="r", at_us=START_US)
