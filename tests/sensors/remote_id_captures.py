"""Captures of the shelf as feed messages, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import dpkt

from araz.sensors._remote_id import RemoteIdState, remote_id_init, remote_id_step
from araz.vocabulary import Decoded, Feed, Format, Message, Sensor, SensorKind

FEED = Feed(id="rid", format=Format.REMOTE_ID)
SENSOR = Sensor(id="roof", kind=SensorKind.REMOTE_ID_RECEIVER, feed="rid", latitude_deg=47.0, longitude_deg=8.0)
CAPTURES = (
    "parrot_anafi4_real.pcapng",
    "mavic_multiple_spoofed.pcapng",
    "odid_wifi_bcn_sample.pcap",
    "odid_bt5_lr_sample.pcapng",
)


def message(payload: bytes, seq: int = 0, received_at_us: int = 1_700_000_000_000_000) -> Message:
    return Message(seq=seq, received_at_us=received_at_us, source="rid", payload=payload)


def read_capture(path: Path) -> list[Message]:
    """Return the frames of a capture as messages: link type, then the frame."""
    with path.open("rb") as file:
        reader = (dpkt.pcapng if path.suffix == ".pcapng" else dpkt.pcap).Reader(file)
        prefix = reader.datalink().to_bytes(2, "big")
        rows = list(reader)
    return [message(prefix + frame, i, round(at * 1e6)) for i, (at, frame) in enumerate(rows)]


def start() -> RemoteIdState:
    return remote_id_init(FEED, [SENSOR])


def decode_all(messages: list[Message]) -> list[list[Decoded]]:
    """Return what each message said, one after the other from a fresh state."""
    state, said = start(), []
    for one in messages:
        state, decoded = remote_id_step(state, one)
        said.append(decoded)
    return said
