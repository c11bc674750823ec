"""The tree, and what a stranger checks it with, against a transcription of RFC 6962's own recursion, its published
vectors, and every altered proof."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.app import verify_case
from araz.app.verify_case import root_of
from araz.evidence import (
    EMPTY_ROOT,
    Frontier,
    MerkleTree,
    frontier_append,
    frontier_root,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
)

#: The log of the Certificate Transparency project's own tests: eight entries and the roots of their first n.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(data):
    """RFC 6962, 2.1, word by word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while 2 * k < len(data):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def tree_of(count):
    data = [hashlib.sha256(b"%d" % i).digest() for i in range(count)]
    return data, MerkleTree([leaf_hash(item) for item in data])


def test_published_roots():
    tree = MerkleTree([leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES])
    assert [tree.root(n + 1).hex() for n in range(8)] == ROOTS
    assert tree.root(0) == EMPTY_ROOT


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 31, 65])
def test_every_size_every_entry_every_older_tree(count):
    data, tree = tree_of(count)
    root = tree.root()
    assert root == mth(data)
    for index in range(count):
        proof = tree.inclusion_proof(index)
        assert root_from_inclusion(leaf_hash(data[index]), index, count, proof) == root
        wrong = root_from_inclusion(leaf_hash(b"another"), index, count, proof)
        assert wrong != root
        if proof:
            assert root_from_inclusion(leaf_hash(data[index]), index, count, proof[:-1]) != root
            assert root_from_inclusion(leaf_hash(data[index]), index, count, [*proof, proof[0]]) != root
    for old in range(1, count + 1):
        proof = tree.consistency_proof(old)
        for is_added_to in (is_consistent, verify_case.is_consistent):
            assert is_added_to(old, mth(data[:old]), count, root, proof)
            assert not is_added_to(old, mth([*data[: old - 1], b"x"]), count, root, proof)
            if old < count:
                other = mth([*data[: old - 1], b"x", *data[old:]])
                assert not is_added_to(old, mth(data[:old]), count, other, proof)


@given(st.integers(0, 200))
def test_a_growing_tree_has_the_same_root(count):
    data, tree = tree_of(count)
    frontier = Frontier()
    for item in data:
        frontier = frontier_append(frontier, leaf_hash(item))
    assert (frontier.size, frontier_root(frontier)) == (count, tree.root())


@given(st.integers(1, 90), st.data())
def test_any_subset_is_proved_and_no_other_passes(count, data):
    entries, tree = tree_of(count)
    chosen = sorted(data.draw(st.sets(st.integers(0, count - 1))))
    proof = tree.subset_proof(chosen)
    leaves = {i: leaf_hash(entries[i]) for i in chosen}
    assert root_of(count, leaves, proof) == (tree.root() if chosen else None)  # no message proves nothing
    if chosen:
        gone = data.draw(st.sampled_from(chosen))
        less = {i: leaf for i, leaf in leaves.items() if i != gone}
        assert root_of(count, less, proof) != tree.root()
        assert root_of(count, {**leaves, gone: leaf_hash(b"another")}, proof) != tree.root()
    else:
        assert proof == [tree.root()]
    if proof:
        assert root_of(count, leaves, proof[:-1]) != tree.root()


def test_a_wrong_call_is_told():
    _, tree = tree_of(5)
    for call in (lambda: tree.inclusion_proof(5), lambda: tree.consistency_proof(0), lambda: tree.root(6),
                 lambda: tree.subset_proof([2, 1]), lambda: tree.subset_proof([9])):  # fmt: skip
        with pytest.raises(ValueError):
            call()
