"""From a captured packet to what UDP or TCP carried.

==========  ==========================================================================================
link type   what stands before IP
==========  ==========================================================================================
1           Ethernet: 12 bytes of addresses, EtherType (2); VLAN tags 8100/88A8/9100 add 4 each
113         Linux cooked: 14 bytes, EtherType (2)
276         Linux cooked 2: EtherType (2), 18 bytes
0, 108      loopback: address family (4)
12, 14,     IP itself
101, 228,
229
==========  ==========================================================================================

IPv4: RFC 791; IPv6 with its extension headers: RFC 8200; UDP: RFC 768; TCP: RFC 9293. Checksums are not judged: network
cards fill them in after the capture.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LINKS_WITH_IP: Final = frozenset({0, 1, 12, 14, 101, 108, 113, 228, 229, 276})
_VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
#: IPv6 extension headers that are stepped over: hop-by-hop, routing, destination options, mobility.
_EXTENSIONS = frozenset({0, 43, 60, 135})
_FRAGMENT = 44


class Carried(NamedTuple):
    """What a packet carried: ``protocol`` is "udp" or "tcp"; else ``skipped`` says in a slug why there is nothing."""

    protocol: str
    payload: bytes
    skipped: str | None = None


def _nothing(reason: str) -> Carried:
    return Carried("", b"", reason)


def carried(link_type: int, data: bytes) -> Carried:
    """Take link, IP and transport headers off; never fails: packets without such content say why."""
    if link_type not in LINKS_WITH_IP:
        return _nothing("unknown-link-type")
    if link_type == 1:
        at = 12
        while int.from_bytes(data[at : at + 2], "big") in _VLAN_TAGS:
            at += 4
        return _network(int.from_bytes(data[at : at + 2], "big"), data[at + 2 :])
    if link_type == 113:
        return _network(int.from_bytes(data[14:16], "big"), data[16:])
    if link_type == 276:
        return _network(int.from_bytes(data[:2], "big"), data[20:])
    ip = data[4:] if link_type in (0, 108) else data
    return _network({4: _IPV4, 6: _IPV6}.get(ip[0] >> 4, 0) if ip else 0, ip)


def _network(ether_type: int, ip: bytes) -> Carried:
    if ether_type == _IPV4:
        return _ipv4(ip)
    if ether_type == _IPV6:
        return _ipv6(ip)
    return _nothing("not-ip")


def _ipv4(ip: bytes) -> Carried:
    header_bytes = (ip[0] & 0x0F) * 4 if ip else 0
    total = int.from_bytes(ip[2:4], "big")
    if len(ip) < 20 or header_bytes < 20:
        return _nothing("truncated")
    if int.from_bytes(ip[6:8], "big") & 0x3FFF:
        return _nothing("ip-fragment")
    # A total of 0 is left by cards that cut large packets themselves; bytes after the total are Ethernet's padding.
    return _transport(ip[9], ip[header_bytes : total or None])


def _ipv6(ip: bytes) -> Carried:
    if len(ip) < 40:
        return _nothing("truncated")
    size, kind = int.from_bytes(ip[4:6], "big"), ip[6]
    rest = ip[40 : 40 + size] if size else ip[40:]
    while kind in _EXTENSIONS and len(rest) >= 8:
        kind, rest = rest[0], rest[(rest[1] + 1) * 8 :]
    return _nothing("ip-fragment") if kind == _FRAGMENT else _transport(kind, rest)


def _transport(kind: int, segment: bytes) -> Carried:
    if kind == _UDP:
        size = int.from_bytes(segment[4:6], "big")
        if len(segment) < 8 or size < 8 or size > len(segment):
            return _nothing("truncated")
        return Carried("udp", segment[8:size])
    if kind == _TCP:
        header_bytes = (segment[12] >> 4) * 4 if len(segment) >= 20 else 0
        return Carried("tcp", segment[header_bytes:]) if header_bytes >= 20 else _nothing("truncated")
    return _nothing("not-udp-or-tcp")
