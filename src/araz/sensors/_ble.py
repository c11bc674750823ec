"""Remote ID in captured Bluetooth advertisements: BLE 4 legacy and BLE 5 extended (long range).

=====  ====================================================================================================
DLT    header before the access address
=====  ====================================================================================================
251    none
256    10 bytes: channel; signal (signed dBm); noise; offences; reference address 4; flags 16 bit little-endian
       (0x0002 signal valid, 0x0400 checksum checked, 0x0800 checksum valid, bits 14-15 PHY, 2 = coded)
272    Nordic sniffer, 17 bytes: board; length 2; version 1-3; packet counter 2; kind (0x02, 0x06 radio packets);
       10; flags (0x01 checksum good, bits 4-6 PHY, 2 = coded); channel; signal (-dBm); event counter 2; time 4
=====  ====================================================================================================

Then: access address 0x8E89BED6 little-endian (advertising; others are connections and are not read); for the coded PHY
one coding indicator; header byte 0 (PDU type in the low four bits), byte 1 payload length; payload; checksum 3 bytes.
PDU types 0, 2, 4, 6: address 6 bytes little-endian, AD structures. Type 7: extended header length (low six bits of
byte 0), flags in byte 1 (bit 0: address), header, AD structures. An AD structure is length, type, data; Remote ID is
type 0x16 beginning FA-FF (UUID 0xFFFA), 0D, one byte message counter, message or pack.

Source: Bluetooth Core 5.4 volume 6 part B; F3411-22a section 5.4.6; tcpdump.org link types. Our code.
"""

from __future__ import annotations

import struct

from araz.sensors._remote_id_wire import Malformed, need
from araz.sensors._wifi import Heard

ADVERTISING_ADDRESS = 0x8E89BED6.to_bytes(4, "little")
REMOTE_ID_SERVICE = bytes.fromhex("faff0d")
SERVICE_DATA = 0x16
_LEGACY = (0x0, 0x2, 0x4, 0x6)
_EXTENDED = 0x7


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xDA6000 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def ble_checksum(pdu: bytes) -> bytes:
    """Return the three checksum bytes of an advertising PDU as captured.

    x^24 + x^10 + x^9 + x^6 + x^4 + x^3 + x + 1, start value 0x555555, bits in order of transmission.
    """
    value = 0xAAAAAA
    for byte in pdu:
        value = value >> 8 ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return value.to_bytes(3, "little")


def heard_in_ble(frame: bytes) -> list[Heard]:
    """Read a DLT 251 frame; Malformed when it is cut off or its checksum does not match."""
    return _heard(frame, None, is_coded=False, is_good=True)


def heard_in_ble_with_header(frame: bytes) -> list[Heard]:
    """Read a DLT 256 frame (table above)."""
    need(frame, 10, "a Bluetooth pseudo-header")
    flags = int.from_bytes(frame[8:10], "little")
    signal_dbm = float(struct.unpack_from("b", frame, 1)[0]) if flags & 0x0002 else None
    is_good = not flags & 0x0400 or bool(flags & 0x0800)
    return _heard(frame[10:], signal_dbm, is_coded=flags >> 14 == 2, is_good=is_good)


def heard_in_nordic(frame: bytes) -> list[Heard]:
    """Read a DLT 272 frame (table above); the sniffer's own status packets hold nothing."""
    need(frame, 7, "a Nordic sniffer header")
    if frame[3] not in (1, 2, 3):
        raise Malformed("unknown-version", f"Nordic sniffer protocol {frame[3]}; 1 to 3 are read")
    if frame[6] not in (0x02, 0x06):
        return []
    need(frame, 17, "a Nordic sniffer header")
    if frame[7] != 10:
        raise Malformed("bad-header", f"the Nordic radio header says {frame[7]} bytes; 10 are known")
    flags = frame[8]
    return _heard(frame[17:], -float(frame[10]), is_coded=flags >> 4 & 0x07 == 2, is_good=bool(flags & 0x01))


def _heard(frame: bytes, signal_dbm: float | None, *, is_coded: bool, is_good: bool) -> list[Heard]:
    need(frame, 4, "a Bluetooth frame")
    if frame[:4] != ADVERTISING_ADDRESS:
        return []
    pdu = frame[5:] if is_coded else frame[4:]
    need(pdu, 2, "a Bluetooth header")
    end = 2 + pdu[1]
    need(pdu, end + 3, "a Bluetooth packet and its checksum")
    if not is_good or ble_checksum(pdu[:end]) != pdu[end : end + 3]:
        raise Malformed("bad-checksum", "the Bluetooth checksum does not match: the packet was damaged on the air")
    kind, payload = pdu[0] & 0x0F, pdu[2:end]
    if kind in _LEGACY:
        address, data = _legacy(payload)
    elif kind == _EXTENDED:
        address, data = _extended(payload)
    else:
        return []
    return [Heard(address, signal_dbm, False, body) for body in _remote_id_data(data)]


def _legacy(payload: bytes) -> tuple[bytes | None, bytes]:
    need(payload, 6, "an advertiser address")
    return payload[5::-1], payload[6:]


def _extended(payload: bytes) -> tuple[bytes | None, bytes]:
    need(payload, 1, "an extended advertising header")
    length = payload[0] & 0x3F
    need(payload, 1 + length, "an extended advertising header")
    header, data = payload[1 : 1 + length], payload[1 + length :]
    if not header or not header[0] & 0x01:
        return None, data
    need(header, 7, "an advertiser address")
    return header[6:0:-1], data


def _remote_id_data(data: bytes) -> list[bytes]:
    bodies, at = [], 0
    while at < len(data) and data[at] != 0:
        length = data[at]
        if at + 1 + length > len(data):
            raise Malformed("element-overrun", f"an AD structure of {length} bytes runs past its advertisement")
        structure = data[at + 1 : at + 1 + length]
        if structure[0] == SERVICE_DATA and structure[1:4] == REMOTE_ID_SERVICE:
            bodies.append(structure[5:])
        at += 1 + length
    return bodies
