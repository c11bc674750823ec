"""Heads of a journal: each minute, signed, and at odds with any journal that was rewritten behind them."""

import json
import resource

import pytest

from araz.evidence import is_consistent, load_key, new_key, sign_head, witness_objection
from araz.store import HeadLog, Journal, JournalError, heads_objection, read_heads, tree_of

START_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000


def entries(first, count, minute):
    at = START_US + minute * MINUTE_US
    return [(at + k, "radar-1", b"message %d" % (first + k)) for k in range(count)]


@pytest.fixture
def night(tmp_path):
    """Five minutes, a small segment each, the key that signed."""
    key = load_key(new_key())
    with Journal.open(tmp_path / "j", segment_bytes=400) as journal:
        heads = HeadLog(journal.path, lambda head: sign_head(head, "station", key))
        for minute in range(5):
            journal.append(entries(7 * minute, 7, minute))
            heads.note(START_US + minute * MINUTE_US + 10)
            assert heads.note(START_US + minute * MINUTE_US + 11) is None
    return tmp_path / "j", key


def test_one_head_a_minute_fits_the_tree(night):
    journal, _ = night
    lines, tree = read_heads(journal), tree_of(journal)
    assert [line.head.tree_size for line in lines] == [7, 14, 21, 28, 35]
    assert [tree.root(line.head.tree_size).hex() for line in lines] == [line.head.root_hash for line in lines]
    assert heads_objection(journal, tree) is None
    assert tree.size == 35


def test_a_new_process_goes_on_where_the_old_one_stopped(night):
    journal, key = night
    with (journal / "heads.jsonl").open("ab") as file:
        file.write(b'{"head":{"at')  # the power went while a head was written
    with Journal.open(journal) as writer:
        writer.append(entries(35, 3, 9))
        head = HeadLog(journal, lambda item: sign_head(item, "station", key)).note(START_US + 9 * MINUTE_US)
    assert head.tree_size == 38
    assert heads_objection(journal, tree_of(journal)) is None
    assert len(read_heads(journal)) == 6


def test_every_bit_of_the_heads_is_watched(night):
    journal, _ = night
    file, tree = journal / "heads.jsonl", tree_of(journal)
    data = file.read_bytes()
    missed = []
    for place in range(0, len(data), 23):
        for bit in (0, 3, 6):
            altered = bytearray(data)
            altered[place] ^= 1 << bit
            file.write_bytes(bytes(altered))
            if heads_objection(journal, tree) is None:
                missed.append((place, bit))
    file.write_bytes(data)
    assert missed == []


def test_every_single_bit_of_a_head_is_named(tmp_path):
    """All of them: letters that change their case, line ends, a key of another kind."""
    key = load_key(new_key())
    with Journal.open(tmp_path / "j") as journal:
        journal.append(entries(0, 7, 0))
        HeadLog(journal.path, lambda head: sign_head(head, "station", key)).note(START_US + MINUTE_US)
    file, tree = tmp_path / "j" / "heads.jsonl", tree_of(tmp_path / "j")
    data = file.read_bytes()
    missed = []
    for place in range(len(data)):
        for bit in range(8):
            altered = bytearray(data)
            altered[place] ^= 1 << bit
            file.write_bytes(altered)
            if heads_objection(tmp_path / "j", tree) is None:
                missed.append((place, bit))
    assert missed == []


def test_a_journal_rewritten_with_its_chain_is_found_out(night, tmp_path):
    journal, _ = night
    with Journal.open(tmp_path / "forged") as writer:
        for minute in range(5):
            writer.append([(at, source, text.replace(b"message 3", b"message x")) for at, source, text in
                           entries(7 * minute, 7, minute)])  # fmt: skip
    assert "does not fit" in heads_objection(journal, tree_of(tmp_path / "forged"))
    with Journal.open(tmp_path / "short") as writer:
        writer.append(entries(0, 7, 0))
    assert "cut off" in heads_objection(journal, tree_of(tmp_path / "short"))


def test_the_other_service_signs_only_what_was_added_to(night):
    journal, _ = night
    tree, lines = tree_of(journal), read_heads(journal)
    known, head = lines[1].head, lines[4].head
    proof = tree.consistency_proof(known.tree_size, head.tree_size)
    assert is_consistent(14, tree.root(14), 35, tree.root(35), proof)
    assert witness_objection(None, known, []) is None
    assert witness_objection(known, head, proof) is None
    assert "unaltered" in witness_objection(known, head, proof[:-1])
    assert "shrank" in witness_objection(head, known, proof)


def test_a_line_that_is_no_head_is_told(night):
    journal, _ = night
    (journal / "heads.jsonl").write_text(json.dumps({"x": 1}) + "\n")
    with pytest.raises(JournalError, match="Line 1"):
        read_heads(journal)


def test_a_head_that_found_no_room_leaves_nothing_and_comes_a_minute_later(night):
    """The system's own limit on a file's size, as on a full disk: half a line fits."""
    journal, key = night
    file = journal / "heads.jsonl"
    before, limits = file.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal.open(journal) as writer:
        writer.append(entries(35, 3, 9))
        heads = HeadLog(journal, lambda item: sign_head(item, "station", key))
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
            with pytest.raises(OSError):
                heads.note(START_US + 9 * MINUTE_US)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert file.read_bytes() == before
        assert heads.note(START_US + 9 * MINUTE_US + 1_000_000) is None
        assert heads.note(START_US + 10 * MINUTE_US).tree_size == 38
    assert heads_objection(journal, tree_of(journal)) is None
