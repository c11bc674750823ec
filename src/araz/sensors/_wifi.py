"""Remote ID and DJI DroneID in captured Wi-Fi frames: radiotap, beacon and probe response elements, NAN actions.

Radiotap header (DLT 127; little-endian): 0 version 0; 2-3 length; 4-7 present bits (bit 31: another word follows);
then the fields whose bit is set, each aligned to its size: TSFT 8, flags 1 (0x10 checksum at the end), rate 1,
channel 4 (align 2), FHSS 2, antenna signal 1 (signed dBm).

802.11 management header, 24 bytes: 0-1 frame control (0x80 beacon, 0x50 probe response, 0xD0 action; the flags in the
second byte are ignored), 10-15 transmitter, then for beacon and probe response 12 fixed bytes and elements (id, length,
data). The elements read:

==========================  =============================================================================
element 221 beginning       data
==========================  =============================================================================
FA-0B-BC 0D                 one byte message counter, then a Remote ID message or pack
26-37-12                    DJI DroneID, see ``_drone_id.py``
==========================  =============================================================================

NAN service discovery: action category 4, action 9, 50-6F-9A 13, attributes (id, 16-bit length); attribute 3 with
service id 88-69-19-9D-92-09: 7 requestor, 8 control (bit 6 binding bitmap, 2 matching filter, 3 response filter,
4 service info), then those fields, then the service info: message counter, message pack.

A well-formed frame without any of these is somebody's Wi-Fi: nothing of it is kept.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from araz.sensors._remote_id_wire import Malformed, need

REMOTE_ID_ELEMENT = bytes.fromhex("fa0bbc0d")
DRONE_ID_ELEMENT = bytes.fromhex("263712")
NAN_ACTION = bytes.fromhex("0409506f9a13")
NAN_REMOTE_ID_SERVICE = bytes.fromhex("8869199d9209")
BEACON, PROBE_RESPONSE, ACTION = 0x80, 0x50, 0xD0
_MANAGEMENT_BYTES = 24
_RADIOTAP_FIELDS = ((8, 8), (1, 1), (1, 1), (4, 2), (2, 1), (1, 1))


class Heard(NamedTuple):
    """A payload for the message decoders: ``is_drone_id`` tells DJI's format from F3411, ``body`` has no counter."""

    transmitter: bytes | None
    signal_dbm: float | None
    is_drone_id: bool
    body: bytes


def heard_in_radiotap(frame: bytes) -> list[Heard]:
    """Read a DLT 127 frame (tables above); Malformed when its headers or elements do not fit in it."""
    need(frame, 8, "a radiotap header")
    length = int.from_bytes(frame[2:4], "little")
    if frame[0] != 0 or length < 8:
        raise Malformed("bad-radiotap", "this is not a radiotap header: check the link type of the capture")
    need(frame, length, "the radiotap header")
    flags, signal_dbm = _radiotap_fields(frame[:length])
    return heard_in_80211(frame[length:], signal_dbm, has_checksum=bool(flags & 0x10))


def _radiotap_fields(header: bytes) -> tuple[int, float | None]:
    present = int.from_bytes(header[4:8], "little")
    offset, word = 8, present
    while word >> 31:
        need(header, offset + 4, "the radiotap present words")
        word = int.from_bytes(header[offset : offset + 4], "little")
        offset += 4
    flags, signal_dbm = 0, None
    for bit, (size, align) in enumerate(_RADIOTAP_FIELDS):
        if not present >> bit & 1:
            continue
        offset += -offset % align
        need(header, offset + size, "the radiotap fields")
        if bit == 1:
            flags = header[offset]
        elif bit == 5:
            signal_dbm = float(struct.unpack_from("b", header, offset)[0])
        offset += size
    return flags, signal_dbm


def heard_in_80211(frame: bytes, signal_dbm: float | None = None, *, has_checksum: bool = False) -> list[Heard]:
    """Read a DLT 105 frame (tables above); ``has_checksum`` when four checksum bytes end it."""
    need(frame, 2, "an 802.11 frame")
    if frame[0] not in (BEACON, PROBE_RESPONSE, ACTION):
        return []
    need(frame, _MANAGEMENT_BYTES + (4 if has_checksum else 0), "an 802.11 management frame")
    if has_checksum:
        body, checksum = frame[:-4], int.from_bytes(frame[-4:], "little")
        if zlib.crc32(body) != checksum:
            raise Malformed("bad-checksum", "the 802.11 checksum does not match: the frame was damaged on the air")
        frame = body
    transmitter, body = frame[10:16], frame[_MANAGEMENT_BYTES:]
    if frame[0] == ACTION:
        return [Heard(transmitter, signal_dbm, False, info) for info in _nan_service_infos(body)]
    need(body, 12, "the fixed fields of a beacon")
    heard = []
    for number, data in _elements(body[12:]):
        if number != 221:
            continue
        if data.startswith(REMOTE_ID_ELEMENT):
            heard.append(Heard(transmitter, signal_dbm, False, data[5:]))
        elif data.startswith(DRONE_ID_ELEMENT):
            heard.append(Heard(transmitter, signal_dbm, True, data[3:]))
    return heard


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    at, end = 0, len(data)
    while at + 2 <= end:
        number, length = data[at], data[at + 1]
        if at + 2 + length > end:
            raise Malformed("element-overrun", f"element {number} needs {length} bytes, {end - at - 2} are left")
        yield number, data[at + 2 : at + 2 + length]
        at += 2 + length
    if at != end:
        raise Malformed("element-overrun", "one byte is left after the last element: the frame was cut off")


def _nan_service_infos(body: bytes) -> Iterator[bytes]:
    """Yield the Remote ID service infos of a NAN service discovery frame, without their message counters."""
    if not body.startswith(NAN_ACTION):
        return
    at = len(NAN_ACTION)
    while at < len(body):
        need(body[at:], 3, "a NAN attribute")
        number, length = body[at], int.from_bytes(body[at + 1 : at + 3], "little")
        if at + 3 + length > len(body):
            raise Malformed("element-overrun", f"NAN attribute {number} runs past the end of its frame")
        data = body[at + 3 : at + 3 + length]
        if number == 0x03 and data.startswith(NAN_REMOTE_ID_SERVICE):
            yield _nan_service_info(data)[1:]
        at += 3 + length


def _nan_service_info(data: bytes) -> bytes:
    need(data, 9, "a NAN service descriptor")
    control, at = data[8], 9
    if control & 0x40:
        at += 2
    for bit in (0x04, 0x08):
        if control & bit:
            need(data, at + 1, "a NAN filter")
            at += 1 + data[at]
    if not control & 0x10:
        raise Malformed("truncated", "the NAN service descriptor carries no service info: no Remote ID in it")
    need(data, at + 1, "a NAN service info")
    length = data[at]
    need(data, at + 1 + length, "a NAN service info")
    return data[at + 1 : at + 1 + length]
