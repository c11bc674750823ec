"""The file of two centre nodes: who they are, where they meet, and the arbiter; the same at both."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from araz.app._accounts import LOOPBACK
from araz.app._rim import bytes_of

EXAMPLE = 'id = "a", listens = "10.0.0.5:7430", console = "https://10.0.0.5:8471"'


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the two."""

    id: str
    """Its name, and that of its certificate."""
    listens: str
    """HOST:PORT on which the other one calls."""
    console: str
    """Address of its console as browsers have it: where their page goes when the other node is gone."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``listens``."""
        host, _, port = self.listens.rpartition(":")
        return host, int(port)


class PairFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    name: str
    """Of the pair, in the arbiter."""
    arbiter: str
    """postgresql://USER:PASSWORD@HOST/DATABASE, on a third machine."""
    nodes: list[Node]


class Sides(NamedTuple):
    """The file as one node reads it."""

    name: str
    arbiter: str
    own: Node
    other: Node


def read_pair(path: Path) -> PairFile:
    """Read the file; ValueError, with what a good one looks like, for one that cannot be used."""
    try:
        found = msgspec.toml.decode(bytes_of(path, "the file of the pair"), type=PairFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}; see docs/operations.md, Two nodes") from error
    nodes = {node.id: node for node in found.nodes}
    if len(found.nodes) != 2 or len(nodes) != 2:
        raise ValueError(f"{path} must have two [[nodes]] with ids of their own, each for example: {EXAMPLE}")
    for node in found.nodes:
        host, _, port = node.listens.rpartition(":")
        web = urlsplit(node.console)
        if not host or not port.isdecimal() or web.scheme not in ("http", "https") or not web.netloc or web.path:
            raise ValueError(f"{path}: node {node.id!r} is not as for example: {EXAMPLE}")
    return found


def read_sides(path: Path, own: str) -> Sides:
    """Read the file as node ``own``; ValueError as :func:`read_pair`, and for a node that it has not."""
    found = read_pair(path)
    nodes = {node.id: node for node in found.nodes}
    if own not in nodes:
        raise ValueError(f"{path} has no node {own!r}; give --node {' or '.join(nodes)}")
    return Sides(found.name, found.arbiter, nodes.pop(own), next(iter(nodes.values())))


def check_pair_exposure(sides: Sides, keys: Path | None) -> None:
    """Refuse a line between the nodes that leaves this machine without TLS; ValueError with the remedy."""
    hosts = {sides.own.address[0], sides.other.address[0]}
    if keys is None and not hosts <= set(LOOPBACK):
        raise ValueError(
            f"the nodes are not both on this machine: give --keys with ca.crt, {sides.own.id}.crt and "
            f"{sides.own.id}.key (araz post keys CENTRE-HOST {sides.own.id} {sides.other.id} --out keys)"
        )
