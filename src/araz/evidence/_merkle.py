"""One tree over all entries of a journal: a case shows its own messages, proves where they stand, and no others.

The tree is that of RFC 6962, section 2.1 (Certificate Transparency), over the hashes of the journal's entries:

    leaf(d) = SHA-256(00 || d),    node(l, r) = SHA-256(01 || l || r),
    MTH(D[n]) = node(MTH(D[0:k]), MTH(D[k:n])),  k the largest power of two below n;  MTH({}) = SHA-256("").

All hashes are 32 bytes. A proof that does not fit raises nothing: it gives another root, or False.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(00 || data): the leaf of one entry, ``data`` being the entry's hash in the chain. RFC 6962, 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 || left || right), so that no leaf can pass for a node. RFC 6962, 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier(NamedTuple):
    """What must be kept to let a tree grow: its size, and the roots of its full subtrees, largest first."""

    size: int = 0
    nodes: tuple[bytes, ...] = ()


def frontier_append(frontier: Frontier, leaf: bytes) -> Frontier:
    """Add one leaf: as many subtrees join as the size has trailing one bits. At most 64 nodes are kept."""
    nodes, size = list(frontier.nodes), frontier.size
    while size & 1:
        leaf, size = node_hash(nodes.pop(), leaf), size >> 1
    return Frontier(frontier.size + 1, (*nodes, leaf))


def frontier_root(frontier: Frontier) -> bytes:
    """MTH of the tree, 32 bytes."""
    if not frontier.nodes:
        return EMPTY_ROOT
    root = frontier.nodes[-1]
    for left in reversed(frontier.nodes[:-1]):
        root = node_hash(left, root)
    return root


class MerkleTree:
    """A whole tree in memory, 64 bytes a leaf: what proofs are made from. Its leaves are ``leaf_hash`` values."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels: list[list[bytes]] = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def root(self, size: int | None = None) -> bytes:
        """MTH of the first ``size`` leaves (all, when None); ValueError where there are fewer."""
        size = self._checked(self.size if size is None else size)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH(index, D[size]) of RFC 6962, 2.1.1, from the leaf upwards; ValueError for an index outside."""
        size = self._checked(self.size if size is None else size)
        if not 0 <= index < size:
            raise ValueError(f"entry {index} is not among the {size} of the tree; ask for 0..{size - 1}")
        low, high, path = 0, size, list[bytes]()
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low = middle
        return path[::-1]

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """PROOF(old_size, D[size]) of RFC 6962, 2.1.2: the tree of ``old_size`` leaves was only added to."""
        size = self._checked(self.size if size is None else size)
        if not 0 < old_size <= size:
            raise ValueError(f"a tree of {size} entries never had {old_size}; ask for 1..{size}")
        low, high, whole, path = 0, size, True, list[bytes]()
        while old_size < high:
            middle = low + _split(high - low)
            if old_size <= middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low, whole = middle, False
        if not whole:
            path.append(self._range(low, high))
        return path[::-1]

    def subset_proof(self, indices: Sequence[int]) -> list[bytes]:
        """Hashes of the largest subtrees that hold none of ``indices`` (rising), left to right.

        With the leaves at ``indices`` they give the root (``root_of`` of a case's verifier): one proof for any set of
        entries, k runs cost at most 2 k log2(n) hashes. PATH of RFC 6962 for several leaves, each hash said once.
        """
        if any(b <= a for a, b in pairwise(indices)):
            raise ValueError("the indices must rise; sort them and drop repeats")
        if indices and not 0 <= indices[0] <= indices[-1] < self.size:
            raise ValueError(f"an index lies outside the tree of {self.size} entries")
        return list(self._outside(0, self.size, indices)) if self.size else []

    def _outside(self, low: int, high: int, indices: Sequence[int]) -> Iterator[bytes]:
        inside = bisect_left(indices, high) - bisect_left(indices, low)
        if inside == 0:
            yield self._range(low, high)
        elif inside < high - low:
            middle = low + _split(high - low)
            yield from self._outside(low, middle, indices)
            yield from self._outside(middle, high, indices)

    def _range(self, low: int, high: int) -> bytes:
        width = high - low
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self._levels[level][low >> level]
        middle = low + _split(width)
        return node_hash(self._range(low, middle), self._range(middle, high))

    def _checked(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} entries, not {size}")
        return size


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Root that ``proof`` gives for a leaf at ``index`` of ``size``; None for a wrong length. RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return None
    node, last = index, size - 1
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            leaf = node_hash(sibling, leaf)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        node, last = node >> 1, last >> 1
    return leaf if last == 0 else None


def is_consistent(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a tree of ``old_size`` leaves was only added to until it had ``size``. RFC 9162, 2.1.4.2."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return old == old_root and new == root and last == 0


def _split(size: int) -> int:
    """Largest power of two below ``size`` (> 1)."""
    return 1 << (size - 1).bit_length() - 1
