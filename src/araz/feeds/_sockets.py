"""Sockets, opened as the site file says."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from araz.vocabulary import Feed, Format

#: Asked of the system for a datagram socket; what it grants is its own affair (net.core.rmem_max).
RECEIVE_BUFFER_BYTES: Final = 1 << 23
SCHEMES: Final = ("udp", "tcp", "tcp-listen")


class Address(NamedTuple):
    """Where a feed comes from, or an output goes."""

    scheme: str
    host: str
    port: int


def parse_url(feed: Feed) -> Address:
    """Take a feed's url apart; ValueError says what a good one looks like."""
    address = address_of(f"feed {feed.id!r}", feed.url, SCHEMES, "udp://0.0.0.0:8600")
    if feed.format == Format.REMOTE_ID and address.scheme != "udp":
        raise ValueError(f"feed {feed.id!r}: captured radio frames have no ends on a TCP stream; use udp://HOST:PORT")
    return address


def address_of(what: str, url: str, schemes: Sequence[str], example: str) -> Address:
    """Take a url apart; ValueError says what a good one looks like."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in schemes or not parts.hostname or port is None:
        forms = " or ".join(f"{scheme}://HOST:PORT" for scheme in schemes)
        raise ValueError(f"{what}: url {url!r} is not of the form {forms}; for example {example}")
    return Address(parts.scheme, parts.hostname, port)


async def datagram_socket(address: Address) -> socket.socket:
    """A bound UDP socket with a large buffer; a multicast address is joined. Raises OSError when it cannot be."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        group = ipaddress.ip_address(place[0])
        if group.is_multicast and group.version == 4:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group.packed + bytes(4))
        opened.bind(place)
    except BaseException:
        opened.close()
        raise
    return opened


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Let the system probe a silent peer: a dead one is noticed after about a minute even without our timeout."""
    opened = transport.get_extra_info("socket")
    if opened is None:
        return
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
