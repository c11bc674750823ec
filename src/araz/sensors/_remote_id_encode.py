"""Remote ID as a receiver would capture it, for the simulation and tests: inverse of ``_wifi.py`` and ``_ble.py``."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from araz.sensors._ble import ADVERTISING_ADDRESS, REMOTE_ID_SERVICE, SERVICE_DATA, ble_checksum
from araz.sensors._remote_id_messages import (
    RemoteIdMessage,
    encode_remote_id_message,
    encode_remote_id_message_pack,
)
from araz.sensors._wifi import ACTION, BEACON, NAN_ACTION, NAN_REMOTE_ID_SERVICE, REMOTE_ID_ELEMENT

_BROADCAST = b"\xff" * 6
_NAN_CLUSTER = bytes.fromhex("506f9a010000")


def encode_remote_id_beacon(
    transmitter_mac: str, counter: int, messages: Sequence[RemoteIdMessage], rssi_dbm: float | None = None
) -> bytes:
    """Return a Wi-Fi beacon with a message pack, as a feed message: link type 127, radiotap, 802.11 with checksum.

    ``transmitter_mac`` like ``02:00:00:00:00:01``, ``counter`` the 8-bit message counter.
    """
    mac = _mac(transmitter_mac)
    element = REMOTE_ID_ELEMENT + bytes([counter & 0xFF]) + encode_remote_id_message_pack(messages)
    ssid = b"\x00\x00"
    fixed = struct.pack("<QHH", counter * 102_400, 100, 0x0000)
    body = fixed + ssid + bytes([221, len(element)]) + element
    return _radiotap(_management(BEACON, _BROADCAST, mac, mac, body), rssi_dbm)


def encode_remote_id_nan(
    transmitter_mac: str, counter: int, messages: Sequence[RemoteIdMessage], rssi_dbm: float | None = None
) -> bytes:
    """Return a Wi-Fi NAN service discovery frame with a message pack, as a feed message of link type 127."""
    info = bytes([counter & 0xFF]) + encode_remote_id_message_pack(messages)
    service = NAN_REMOTE_ID_SERVICE + bytes([1, 0, 0x10, len(info)]) + info
    body = NAN_ACTION + b"\x03" + struct.pack("<H", len(service)) + service
    receiver = bytes.fromhex("516f9a010000")
    return _radiotap(_management(ACTION, receiver, _mac(transmitter_mac), _NAN_CLUSTER, body), rssi_dbm)


def encode_remote_id_ble(
    transmitter_mac: str, counter: int, message: RemoteIdMessage, rssi_dbm: float | None = None
) -> bytes:
    """Return a BLE 4 legacy advertisement of one message, as a feed message of link type 256."""
    payload = REMOTE_ID_SERVICE + bytes([counter & 0xFF]) + encode_remote_id_message(message)
    structure = bytes([len(payload) + 1, SERVICE_DATA]) + payload
    pdu_payload = _mac(transmitter_mac)[::-1] + structure
    return _ble(bytes([0x42, len(pdu_payload)]) + pdu_payload, rssi_dbm, is_coded=False)


def encode_remote_id_ble_long_range(
    transmitter_mac: str, counter: int, messages: Sequence[RemoteIdMessage], rssi_dbm: float | None = None
) -> bytes:
    """Return a BLE 5 extended advertisement (coded PHY) with a message pack, as a feed message of link type 256."""
    payload = REMOTE_ID_SERVICE + bytes([counter & 0xFF]) + encode_remote_id_message_pack(messages)
    structure = bytes([len(payload) + 1, SERVICE_DATA]) + payload
    header = bytes([0x09, 0x09]) + _mac(transmitter_mac)[::-1] + b"\x00\x00"
    pdu_payload = header + structure
    if len(pdu_payload) > 255:
        raise ValueError(f"{len(messages)} messages do not fit in one extended advertisement: send nine or fewer")
    return _ble(bytes([0x47, len(pdu_payload)]) + pdu_payload, rssi_dbm, is_coded=True)


def _ble(pdu: bytes, rssi_dbm: float | None, *, is_coded: bool) -> bytes:
    flags = 0x0001 | 0x0400 | 0x0800 | (0 if rssi_dbm is None else 0x0002) | (0x8000 if is_coded else 0)
    signal = 0 if rssi_dbm is None else _signal(rssi_dbm)
    head = struct.pack("<BbbB4sH", 0, signal, 0, 0, bytes(4), flags)
    coding = b"\x00" if is_coded else b""
    return struct.pack(">H", 256) + head + ADVERTISING_ADDRESS + coding + pdu + ble_checksum(pdu)


def _management(kind: int, receiver: bytes, transmitter: bytes, bssid: bytes, body: bytes) -> bytes:
    frame = bytes([kind, 0, 0, 0]) + receiver + transmitter + bssid + b"\x00\x00" + body
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def _radiotap(frame: bytes, rssi_dbm: float | None) -> bytes:
    fields = b"\x10" if rssi_dbm is None else b"\x10" + struct.pack("b", _signal(rssi_dbm))
    present = 0x02 if rssi_dbm is None else 0x22
    return struct.pack(">H", 127) + struct.pack("<BBHI", 0, 0, 8 + len(fields), present) + fields + frame


def _signal(rssi_dbm: float) -> int:
    return max(-128, min(127, round(rssi_dbm)))


def _mac(text: str) -> bytes:
    raw = bytes.fromhex(text.replace(":", "").replace("-", ""))
    if len(raw) != 6:
        raise ValueError(f"{text!r} is not a hardware address: write six bytes like 02:00:00:00:00:01")
    return raw
