"""The chain, held against a second writing of its table and against hashlib."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.evidence import GENESIS, HASH_BYTES, canonical_entry, entry_hash

HASHES = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, 2**64 - 1)


@given(HASHES, NUMBERS, NUMBERS, st.text(max_size=30), st.binary(max_size=200))
def test_hash_is_sha256_of_the_table(previous, seq, at_us, source, payload):
    name = source.encode()
    table = previous + seq.to_bytes(8, "big") + at_us.to_bytes(8, "big")
    table += len(name).to_bytes(2, "big") + len(payload).to_bytes(4, "big") + name + payload
    assert canonical_entry(previous, seq, at_us, source, payload) == table
    assert entry_hash(previous, seq, at_us, source, payload) == hashlib.sha256(table).digest()


@given(st.binary(max_size=6), st.binary(max_size=6), st.integers(0, 6))
def test_moving_bytes_between_source_and_payload_changes_the_hash(a, b, cut):
    text = (a + b).hex()
    cut = min(cut, len(text))
    whole = entry_hash(GENESIS, 0, 0, text, b"")
    split = entry_hash(GENESIS, 0, 0, text[:cut], text[cut:].encode())
    assert (whole == split) == (cut == len(text))


def test_a_known_chain_stays_what_it_was():
    """Old journals must verify for ever: these values may never change."""
    first = entry_hash(GENESIS, 0, 1_700_000_000_000_000, "radar", b"\x30\x00\x03")
    second = entry_hash(first, 1, 1_700_000_000_000_001, "posts", b"{}")
    assert GENESIS.hex() == "00c6601ceb22f86d2ccef762d7d83c2b4951a82b20715cd5068ddcb96063b598"
    assert second.hex() == "5766c5d992586b420aea857fbedfb49059612f8423e1d3cef02a6a33a22683f9"


@pytest.mark.parametrize("previous", [b"", bytes(31), bytes(33)])
def test_a_previous_hash_of_wrong_length_is_refused(previous):
    with pytest.raises(ValueError, match=str(HASH_BYTES)):
        entry_hash(previous, 0, 0, "a", b"")


@pytest.mark.parametrize(("seq", "at_us", "source"), [(-1, 0, "a"), (0, 2**64, "a"), (0, 0, "a" * 70_000)])
def test_a_field_that_does_not_fit_is_refused(seq, at_us, source):
    with pytest.raises(ValueError, match="see docs"):
        entry_hash(GENESIS, seq, at_us, source, b"")
