"""ASTM F3411-22a broadcast messages, 25 bytes each: Basic ID, Authentication, Self ID, System, Operator ID, and packs.

Byte 0 of every message is ``type << 4 | protocol version``; versions 0 (F3411-19) to 2 (F3411-22a) share the tables
below. Numbers are little-endian. Location/Vector has its own file, ``_remote_id_location.py``.

====================  ====================================================================================
message (type)        bytes
====================  ====================================================================================
Basic ID (0x0)        1: ID type << 4 | aircraft type; 2-21: UAS ID, ASCII, NUL padded (types 3, 4: binary)
Location (0x1)        see ``_remote_id_location.py``
Authentication (0x2)  1: auth type << 4 | page; page 0: 2 last page, 3 length, 4-7 seconds since 2019-01-01,
                      8-24 data; other pages: 2-24 data
Self ID (0x3)         1: description type; 2-24: text
System (0x4)          1: class region << 2 (3 bits) | operator location type (2 bits); 2-5, 6-9: operator
                      latitude, longitude, 1e-7 deg (0/0 unknown); 10-11: aircraft in area; 12: radius, 10 m;
                      13-14, 15-16: ceiling, floor; 17: EU category << 4 | EU class; 18-19: operator altitude
                      (heights 0.5 m - 1000 m above the ellipsoid, raw 0 unknown); 20-23: seconds since 2019-01-01
Operator ID (0x5)     1: ID type; 2-21: text
Pack (0xF)            1: size of one message, 25; 2: count, 1-9; then the messages
====================  ====================================================================================

Source: ASTM F3411-22a section 5.4 as published by the opendroneid project; the code is ours.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from araz.sensors._remote_id_location import Location, decode_location, encode_location, height_from, height_to
from araz.sensors._remote_id_wire import DEGREE_SCALE, Malformed, need, position_from, text_from, text_to

MESSAGE_BYTES = 25
#: F3411-22a allows nine messages in a pack, F3411-19 ten.
PACK_MESSAGES_MAX = 10
NEWEST_VERSION = 2
#: 2019-01-01T00:00:00Z, from which Remote ID counts seconds.
EPOCH_2019_S = 1_546_300_800

ID_TYPES = ("none", "serial-number", "registration", "utm", "session")
AIRCRAFT_TYPES = (
    None, "aeroplane", "multirotor", "gyroplane", "hybrid-lift", "ornithopter", "glider", "kite", "free-balloon",
    "captive-balloon", "airship", "parachute", "rocket", "tethered", "ground-obstacle", "other",
)  # fmt: skip
OPERATOR_LOCATION_TYPES = ("take-off", "live", "fixed")


@dataclass(frozen=True, slots=True)
class BasicId:
    """Who it says it is; ``uas_id`` None when the field is empty. Binary ids (UTM, session) read as ``0x`` hex."""

    uas_id: str | None
    id_type: int = 1
    aircraft_type: int = 2


@dataclass(frozen=True, slots=True)
class Authentication:
    """One page of a signature. Araz keeps it and does not verify it: there is no public key to hold it against."""

    auth_type: int
    page: int
    data: bytes
    last_page: int | None = None
    length: int | None = None
    at_s: int | None = None


@dataclass(frozen=True, slots=True)
class SelfId:
    """Free text of the operator."""

    text: str | None
    description_type: int = 0


@dataclass(frozen=True, slots=True)
class System:
    """Where the operator is; heights above the ellipsoid, ``at_s`` seconds since 1970; unknown is None."""

    operator_latitude_deg: float | None = None
    operator_longitude_deg: float | None = None
    operator_altitude_hae_m: float | None = None
    operator_location_type: int = 0
    region: int = 0
    area_count: int = 1
    area_radius_m: int = 0
    area_ceiling_hae_m: float | None = None
    area_floor_hae_m: float | None = None
    eu_category: int = 0
    eu_class: int = 0
    at_s: int | None = None


@dataclass(frozen=True, slots=True)
class OperatorId:
    """The operator's registration, as sent."""

    operator_id: str | None
    operator_id_type: int = 0


RemoteIdMessage = BasicId | Location | Authentication | SelfId | System | OperatorId


def decode_remote_id_message(data: bytes) -> RemoteIdMessage:
    """Decode one 25-byte message (tables above); Malformed when it is cut off, of another version or unknown type."""
    need(data, MESSAGE_BYTES, "a Remote ID message")
    kind, version = data[0] >> 4, data[0] & 0x0F
    if version > NEWEST_VERSION:
        raise Malformed("unknown-version", f"Remote ID protocol version {version}; 0 to {NEWEST_VERSION} are read")
    decode = _DECODE.get(kind)
    if decode is None:
        raise Malformed("unknown-message-type", f"Remote ID message type 0x{kind:X} is not in F3411-22a")
    return decode(data[:MESSAGE_BYTES])


def encode_remote_id_message(message: RemoteIdMessage, version: int = NEWEST_VERSION) -> bytes:
    """Return the 25 bytes of one message (tables above); ValueError for a value that has no place in its field."""
    if not 0 <= version <= NEWEST_VERSION:
        raise ValueError(f"protocol version {version}: choose 0 to {NEWEST_VERSION}")
    kind, body = _ENCODE[type(message)](message)
    return bytes([kind << 4 | version]) + body.ljust(MESSAGE_BYTES - 1, b"\0")


def encode_remote_id_message_pack(messages: Sequence[RemoteIdMessage], version: int = NEWEST_VERSION) -> bytes:
    """Return a message pack (type 0xF) of one to nine messages."""
    if not 1 <= len(messages) <= PACK_MESSAGES_MAX - 1:
        raise ValueError(f"{len(messages)} messages: a pack holds 1 to {PACK_MESSAGES_MAX - 1}")
    head = bytes([0xF0 | version, MESSAGE_BYTES, len(messages)])
    return head + b"".join(encode_remote_id_message(message, version) for message in messages)


def split_remote_id_payload(data: bytes) -> list[bytes]:
    """Cut what follows the message counter into 25-byte messages: the messages of a pack, or the single one.

    Malformed when the pack is empty, names another message size, or runs past the bytes that are there. Bytes
    after the pack are padding (Bluetooth fills the advertisement) and are ignored.
    """
    need(data, 1, "a Remote ID payload")
    if data[0] >> 4 != 0xF:
        need(data, MESSAGE_BYTES, "a Remote ID message")
        return [data[:MESSAGE_BYTES]]
    need(data, 3, "a message pack")
    version, size, count = data[0] & 0x0F, data[1], data[2]
    if version > NEWEST_VERSION:
        raise Malformed("unknown-version", f"Remote ID protocol version {version}; 0 to {NEWEST_VERSION} are read")
    if size != MESSAGE_BYTES:
        raise Malformed("bad-pack", f"the pack says its messages have {size} bytes; F3411 has {MESSAGE_BYTES}")
    if count == 0:
        raise Malformed("empty-pack", "a message pack with no message: the transmitter has nothing to say yet")
    if count > PACK_MESSAGES_MAX:
        raise Malformed("bad-pack", f"the pack says it holds {count} messages; at most {PACK_MESSAGES_MAX} are allowed")
    if 3 + MESSAGE_BYTES * count > len(data):
        raise Malformed("pack-overrun", f"{count} messages do not fit in the {len(data)} bytes of this pack")
    return [data[3 + MESSAGE_BYTES * i : 3 + MESSAGE_BYTES * (i + 1)] for i in range(count)]


def _decode_basic_id(data: bytes) -> BasicId:
    id_type, raw = data[1] >> 4, data[2:22]
    binary = id_type in (3, 4) and any(raw)
    return BasicId(uas_id="0x" + raw.hex() if binary else text_from(raw), id_type=id_type, aircraft_type=data[1] & 0x0F)


def _encode_basic_id(message: BasicId) -> tuple[int, bytes]:
    text = message.uas_id
    binary = message.id_type in (3, 4) and text is not None and text.startswith("0x")
    raw = bytes.fromhex(text[2:]).ljust(20, b"\0") if binary and text else text_to(text, 20)
    return 0x0, struct.pack("<B20s", _nibbles(message.id_type, message.aircraft_type), raw)


def _decode_authentication(data: bytes) -> Authentication:
    auth_type, page = data[1] >> 4, data[1] & 0x0F
    if page:
        return Authentication(auth_type=auth_type, page=page, data=data[2:])
    last_page, length, at_s = struct.unpack_from("<BBI", data, 2)
    return Authentication(
        auth_type=auth_type, page=0, data=data[8:], last_page=last_page, length=length, at_s=_seconds_from(at_s)
    )


def _encode_authentication(message: Authentication) -> tuple[int, bytes]:
    head = bytes([_nibbles(message.auth_type, message.page)])
    room = 23 if message.page else 17
    if len(message.data) > room:
        raise ValueError(f"{len(message.data)} bytes of signature: page {message.page} holds {room}")
    if message.page:
        return 0x2, head + message.data
    fixed = struct.pack("<BBI", message.last_page or 0, message.length or 0, _seconds_to(message.at_s))
    return 0x2, head + fixed + message.data


def _decode_self_id(data: bytes) -> SelfId:
    return SelfId(text=text_from(data[2:]), description_type=data[1])


def _encode_self_id(message: SelfId) -> tuple[int, bytes]:
    return 0x3, bytes([message.description_type]) + text_to(message.text, 23)


def _decode_system(data: bytes) -> System:
    flags, latitude, longitude, count, radius, ceiling, floor, eu, altitude, at_s = struct.unpack_from(
        "<BiiHBHHBHI", data, 1
    )
    place = position_from(latitude, longitude, DEGREE_SCALE, "the operator's position")
    return System(
        operator_latitude_deg=None if place is None else place[0],
        operator_longitude_deg=None if place is None else place[1],
        operator_altitude_hae_m=height_from(altitude),
        operator_location_type=flags & 0x03,
        region=flags >> 2 & 0x07,
        area_count=count,
        area_radius_m=radius * 10,
        area_ceiling_hae_m=height_from(ceiling),
        area_floor_hae_m=height_from(floor),
        eu_category=eu >> 4,
        eu_class=eu & 0x0F,
        at_s=_seconds_from(at_s),
    )


def _encode_system(message: System) -> tuple[int, bytes]:
    return 0x4, struct.pack(
        "<BiiHBHHBHI",
        (message.region & 0x07) << 2 | message.operator_location_type & 0x03,
        round((message.operator_latitude_deg or 0.0) * DEGREE_SCALE),
        round((message.operator_longitude_deg or 0.0) * DEGREE_SCALE),
        message.area_count,
        message.area_radius_m // 10,
        height_to(message.area_ceiling_hae_m),
        height_to(message.area_floor_hae_m),
        _nibbles(message.eu_category, message.eu_class),
        height_to(message.operator_altitude_hae_m),
        _seconds_to(message.at_s),
    )


def _decode_operator_id(data: bytes) -> OperatorId:
    return OperatorId(operator_id=text_from(data[2:22]), operator_id_type=data[1])


def _encode_operator_id(message: OperatorId) -> tuple[int, bytes]:
    return 0x5, bytes([message.operator_id_type]) + text_to(message.operator_id, 20)


def _nibbles(high: int, low: int) -> int:
    if not (0 <= high <= 15 and 0 <= low <= 15):
        raise ValueError(f"{high} and {low} must each fit in four bits")
    return high << 4 | low


def _seconds_from(raw: int) -> int | None:
    return None if raw == 0 else EPOCH_2019_S + raw


def _seconds_to(at_s: int | None) -> int:
    if at_s is None:
        return 0
    if not 0 < at_s - EPOCH_2019_S < 1 << 32:
        raise ValueError(f"{at_s} s is outside 2019 to 2155: Remote ID counts seconds from 2019-01-01")
    return at_s - EPOCH_2019_S


_DECODE: Mapping[int, Callable[[bytes], RemoteIdMessage]] = {
    0x0: _decode_basic_id,
    0x1: decode_location,
    0x2: _decode_authentication,
    0x3: _decode_self_id,
    0x4: _decode_system,
    0x5: _decode_operator_id,
}
_ENCODE: Mapping[type, Callable[[Any], tuple[int, bytes]]] = {
    BasicId: _encode_basic_id,
    Location: encode_location,
    Authentication: _encode_authentication,
    SelfId: _encode_self_id,
    System: _encode_system,
    OperatorId: _encode_operator_id,
}
