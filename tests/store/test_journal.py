"""Append, read, verify, recover: against every way a disk or a hand can spoil a journal."""

import errno
import lzma
import os
import shutil
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.evidence import GENESIS, entry_hash
from araz.store import Journal, JournalError, is_journal, pack_journal, read_journal, verify_journal
from araz.vocabulary import LATEST_TIME_US

ENTRIES = [(1_000_000 * i, f"feed-{i % 3}", bytes([i]) * (i * 7 % 40)) for i in range(12)]


def written(directory, entries=ENTRIES, batch=1, **options):
    with Journal.open(directory, **options) as journal:
        for start in range(0, len(entries), batch):
            journal.append(entries[start : start + batch])
    return directory


def contents(path):
    return [(m.received_at_us, m.source, m.payload) for m in read_journal(path)]


def segment(directory, number=1):
    return directory / f"{number:08d}.seg"


@given(
    entries=st.lists(
        st.tuples(st.integers(0, LATEST_TIME_US), st.text(min_size=1, max_size=20), st.binary(max_size=300)),
        max_size=30,
    ),
    batch=st.integers(1, 7),
    segment_bytes=st.integers(84, 900),
)
def test_what_was_appended_is_read_back_in_any_batches_and_segments(tmp_path_factory, entries, batch, segment_bytes):
    directory = written(tmp_path_factory.mktemp("j"), entries, batch, segment_bytes=segment_bytes)
    assert contents(directory) == entries
    assert [m.seq for m in read_journal(directory)] == list(range(len(entries)))
    result = verify_journal(directory)
    assert result.ok
    assert result.entries == len(entries)
    head = GENESIS
    for seq, entry in enumerate(entries):
        head = entry_hash(head, seq, *entry)
    assert result.head_hash_hex == head.hex()
    shutil.rmtree(directory)


def test_append_gives_the_messages_that_are_read_later(tmp_path):
    with Journal.open(tmp_path / "night.journal") as journal:
        messages = journal.append(ENTRIES[:5]) + journal.append([]) + journal.append(ENTRIES[5:])
        assert journal.next_seq == len(ENTRIES)
        # It can be read while it is written, without a lock.
        assert list(read_journal(journal.path)) == messages
        assert verify_journal(journal.path).head_hash_hex == journal.head_hash_hex
    assert is_journal(tmp_path / "night.journal")
    assert not is_journal(tmp_path)


def test_reopening_goes_on_where_it_ended(tmp_path):
    for entry in ENTRIES:
        written(tmp_path, [entry], segment_bytes=200)
    assert contents(tmp_path) == ENTRIES
    assert verify_journal(tmp_path).ok
    assert len(list(tmp_path.glob("*.seg"))) > 3
    assert not list(tmp_path.glob("*.torn"))


def test_every_flipped_byte_is_found_and_named(tmp_path):
    """Flip each byte of a journal of three files: never ok, and no entry after the altered one is named."""
    written(tmp_path, ENTRIES[:6], segment_bytes=150)
    files = sorted(tmp_path.glob("*.seg"))
    assert len(files) >= 3
    seq_before = 0
    for file in files:
        data = file.read_bytes()
        owners = owner_of_each_byte(data, seq_before)
        for at, owner in enumerate(owners):
            file.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
            result = verify_journal(tmp_path)
            assert not result.ok
            assert result.first_bad_seq is not None
            assert result.first_bad_seq <= owner, (file.name, at, result)
            assert result.entries == result.first_bad_seq
        file.write_bytes(data)
        seq_before = owners[-1] + 1
    assert verify_journal(tmp_path).ok


def owner_of_each_byte(data, first_seq):
    """The seq of the entry each byte belongs to, from the table in docs/journal.md alone."""
    owners, at, seq = [first_seq] * 84, 84, first_seq
    while at < len(data):
        size = 26 + int.from_bytes(data[at + 4 : at + 8], "big") + int.from_bytes(data[at + 8 : at + 10], "big") + 32
        owners += [seq] * size
        at, seq = at + size, seq + 1
    return owners


def test_a_torn_tail_at_every_byte_of_the_last_entry_recovers(tmp_path):
    whole = written(tmp_path / "whole", ENTRIES[:4])
    data = segment(whole).read_bytes()
    last_at = owner_of_each_byte(data, 0).index(3)
    for cut in range(last_at + 1, len(data)):
        directory = tmp_path / f"cut-{cut}"
        shutil.copytree(whole, directory)
        segment(directory).write_bytes(data[:cut])
        assert contents(directory) == ENTRIES[:3]
        assert not verify_journal(directory).ok
        with Journal.open(directory) as journal:
            assert f"{cut - last_at} bytes" in journal.recovered
            assert journal.next_seq == 3
            journal.append(ENTRIES[3:])
        assert contents(directory) == ENTRIES
        assert verify_journal(directory).ok
        torn = list(directory.glob("*.torn"))
        assert [path.read_bytes() for path in torn] == [data[last_at:cut]]
        shutil.rmtree(directory)


@pytest.mark.parametrize("kept", [0, 1, 50, 83])
def test_a_torn_header_of_a_new_segment_recovers(tmp_path, kept):
    written(tmp_path, ENTRIES[:2], segment_bytes=84)
    file = segment(tmp_path, 3)
    file.write_bytes(segment(tmp_path, 2).read_bytes()[:kept])
    with Journal.open(tmp_path) as journal:
        assert "held no entry" in journal.recovered
        journal.append(ENTRIES[2:])
    assert contents(tmp_path) == ENTRIES
    assert verify_journal(tmp_path).ok


def test_zeros_after_a_power_cut_are_set_aside(tmp_path):
    written(tmp_path, ENTRIES[:3])
    with segment(tmp_path).open("ab") as file:
        file.write(bytes(4096))
    with Journal.open(tmp_path) as journal:
        assert "4096 bytes" in journal.recovered
        journal.append(ENTRIES[3:])
    assert contents(tmp_path) == ENTRIES
    with Journal.open(tmp_path) as journal:
        assert journal.recovered is None


@pytest.mark.parametrize("part", ["length", "payload", "hash"])
def test_an_altered_middle_is_kept_and_does_not_cost_the_entries_after_it(tmp_path, part):
    written(tmp_path, ENTRIES[:8])
    data = bytearray(segment(tmp_path).read_bytes())
    owners = owner_of_each_byte(bytes(data), 0)
    at = {"length": owners.index(4) + 5, "payload": owners.index(4) + 34, "hash": owners.index(5) - 1}[part]
    data[at] ^= 0x10
    segment(tmp_path).write_bytes(data)
    with Journal.open(tmp_path) as journal:
        assert "Entry 4" in journal.recovered
        assert journal.next_seq == 8
        journal.append(ENTRIES[8:])
    assert segment(tmp_path).read_bytes() == bytes(data)
    assert not list(tmp_path.glob("*.torn"))
    assert verify_journal(tmp_path).first_bad_seq == 4
    good = []
    with pytest.raises(JournalError, match="entry 4"):
        good.extend(read_journal(tmp_path))
    assert [m.seq for m in good] == [0, 1, 2, 3]


def test_missing_swapped_and_shortened_segments_are_named(tmp_path):
    original = written(tmp_path / "o", segment_bytes=200)
    files = sorted(original.glob("*.seg"))
    starts = [int.from_bytes(file.read_bytes()[12:20], "big") for file in files]

    def spoilt(name):
        directory = tmp_path / name
        shutil.copytree(original, directory)
        return directory, sorted(directory.glob("*.seg"))

    directory, copies = spoilt("missing")
    copies[1].unlink()
    assert verify_journal(directory).first_bad_seq == starts[1]
    directory, copies = spoilt("first missing")
    copies[0].unlink()
    assert verify_journal(directory).first_bad_seq == 0
    directory, copies = spoilt("swapped")
    second = copies[1].read_bytes()
    copies[1].write_bytes(copies[2].read_bytes())
    copies[2].write_bytes(second)
    assert verify_journal(directory).first_bad_seq == starts[1]
    directory, copies = spoilt("entry cut from the end of a middle file")
    data = copies[1].read_bytes()
    copies[1].write_bytes(data[: owner_of_each_byte(data, starts[1]).index(starts[2] - 1)])
    assert verify_journal(directory).first_bad_seq == starts[2] - 1
    directory, copies = spoilt("half an entry cut from the end of a middle file")
    copies[1].write_bytes(copies[1].read_bytes()[:-5])
    assert verify_journal(directory).first_bad_seq == starts[2] - 1
    with pytest.raises(JournalError, match="altered"):
        list(read_journal(directory))


def test_a_rewritten_entry_with_a_fitting_hash_breaks_the_next_link(tmp_path):
    written(tmp_path, ENTRIES[:3])
    written(tmp_path / "forged", [ENTRIES[0], (ENTRIES[1][0], ENTRIES[1][1], b"\x02" * 7), ENTRIES[2]])
    true, forged = segment(tmp_path).read_bytes(), segment(tmp_path / "forged").read_bytes()
    second, third = (owner_of_each_byte(true, 0).index(seq) for seq in (1, 2))
    segment(tmp_path).write_bytes(true[:second] + forged[second:third] + true[third:])
    assert verify_journal(tmp_path).first_bad_seq == 2


def test_impossible_lengths_cost_no_memory(tmp_path):
    written(tmp_path, ENTRIES[:3])
    data = bytearray(segment(tmp_path).read_bytes())
    at = owner_of_each_byte(bytes(data), 0).index(1)
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    segment(tmp_path).write_bytes(data)
    tracemalloc.start()
    assert verify_journal(tmp_path).first_bad_seq == 1
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_one_writer_only(tmp_path):
    with Journal.open(tmp_path), pytest.raises(JournalError, match=f"process {os.getpid()}"):
        Journal.open(tmp_path)
    Journal.open(tmp_path).close()


def test_a_closed_journal_and_bad_entries_say_what_to_do(tmp_path):
    journal = Journal.open(tmp_path)
    for bad in [(-1, "a", b""), (LATEST_TIME_US + 1, "a", b""), (0, "", b""), (0, "a" * 256, b"")]:
        with pytest.raises(ValueError, match=r"us|source"):
            journal.append([ENTRIES[0], bad])
    assert journal.next_seq == 0
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append(ENTRIES)
    assert contents(tmp_path) == []


@pytest.mark.parametrize("room", [0, 10, 26, 100, 500])
def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path, monkeypatch, room):
    journal = Journal.open(tmp_path)
    journal.append(ENTRIES[:2])
    before = segment(tmp_path).read_bytes()
    left = [room]

    def write(file, data, real=os.write):
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = real(file, data[: left[0]])
        left[0] -= done
        return done

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(JournalError, match="Free disk space"):
            journal.append(ENTRIES[2:])
    assert segment(tmp_path).read_bytes() == before
    journal.append(ENTRIES[2:])
    journal.close()
    assert contents(tmp_path) == ENTRIES
    assert verify_journal(tmp_path).ok


def test_a_failed_sync_is_not_acknowledged(tmp_path, monkeypatch):
    journal = Journal.open(tmp_path)
    journal.append(ENTRIES[:2])
    fails = [True]

    def fsync(file, real=os.fsync):
        if fails.pop() if fails else False:
            raise OSError(errno.EIO, "Input/output error")
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(JournalError, match="Input/output error"):
        journal.append(ENTRIES[2:])
    journal.append(ENTRIES[2:])
    journal.close()
    assert contents(tmp_path) == ENTRIES


def test_a_disk_that_cannot_even_be_cut_back_stops_the_writer(tmp_path, monkeypatch):
    journal = Journal.open(tmp_path)
    journal.append(ENTRIES[:2])

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        patch.setattr(os, "ftruncate", broken)
        with pytest.raises(JournalError):
            journal.append(ENTRIES[2:])
    with pytest.raises(JournalError, match="open the journal again"):
        journal.append(ENTRIES[2:])
    journal.close()
    # Bytes that reached the disk unacknowledged may be kept: they are whole entries.
    with Journal.open(tmp_path) as journal:
        assert journal.next_seq >= 2
    assert verify_journal(tmp_path).ok


LIMITED = """
import resource, signal, sys
from araz.store import Journal, JournalError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal.open(sys.argv[1])
journal.append([(1, "a", b"x" * 1000)])
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limit[1]))
try:
    journal.append([(2, "a", b"y" * 1000)] * 10)
except JournalError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
print(len(journal.append([(3, "a", b"z")])))
"""


def test_a_file_size_limit_of_the_system_is_survived(tmp_path):
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert done.stdout.rstrip().endswith("1")
    assert [payload[:1] for _, _, payload in contents(tmp_path)] == [b"x", b"z"]
    assert verify_journal(tmp_path).ok


def test_packing_is_repeatable_and_reads_back(tmp_path):
    directory = written(tmp_path / "night.journal", segment_bytes=200)
    head = pack_journal(directory, tmp_path / "a.xz")
    assert head == verify_journal(directory).head_hash_hex
    pack_journal(iter(ENTRIES), tmp_path / "b.xz")
    pack_journal(read_journal(directory), tmp_path / "c.xz")
    assert (tmp_path / "a.xz").read_bytes() == (tmp_path / "b.xz").read_bytes() == (tmp_path / "c.xz").read_bytes()
    assert list(read_journal(tmp_path / "a.xz")) == list(read_journal(directory))
    result = verify_journal(tmp_path / "a.xz")
    assert (result.ok, result.head_hash_hex) == (True, head)
    # Unpacked by any xz tool it is a journal too, and so is one segment alone.
    (tmp_path / "plain").write_bytes(lzma.decompress((tmp_path / "a.xz").read_bytes()))
    assert contents(tmp_path / "plain") == ENTRIES
    assert min(m.seq for m in read_journal(segment(directory, 2))) > 0
    assert all(is_journal(tmp_path / name) for name in ("a.xz", "plain", "night.journal"))
    assert not list(tmp_path.glob("*.part"))


def test_every_flipped_or_missing_byte_of_a_packed_journal_is_found(tmp_path):
    file = tmp_path / "a.xz"
    pack_journal(ENTRIES[:4], file)
    data = file.read_bytes()
    for at in range(len(data)):
        file.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        assert not verify_journal(file).ok, at
        file.write_bytes(data[:at])
        assert not verify_journal(file).ok, at
        with pytest.raises(JournalError):
            list(read_journal(file))


def test_reading_a_large_packed_journal_keeps_memory_flat(tmp_path):
    file = tmp_path / "big.xz"
    block = bytes(range(256)) * 64
    pack_journal(((i, "a", block) for i in range(3000)), file, preset=0)
    tracemalloc.start()
    assert sum(len(m.payload) for m in read_journal(file)) == 3000 * len(block)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_what_is_no_journal_is_said(tmp_path):
    (tmp_path / "x").write_bytes(b"hello, this is not a journal" * 10)
    for path in (tmp_path / "x", tmp_path / "absent", tmp_path):
        with pytest.raises(JournalError):
            list(read_journal(path))
        result = verify_journal(path)
        assert (result.ok, result.first_bad_seq) == (False, 0)
    assert not is_journal(tmp_path / "x")
    assert not is_journal(tmp_path / "absent")


def test_the_store_is_opened_without_maps_and_kernels():
    """Whoever only reads a journal waits for no compiler: seconds and 100 MB on a post's small machine."""
    heavy = "{'numba', 'scipy', 'shapely', 'pyproj', 'araz.geography', 'araz.sensors'}"
    words = [sys.executable, "-c", f"import sys, araz.store; print(sorted({heavy} & set(sys.modules)))"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == "[]"
