"""Throw damaged bytes at every decoder: no exception may escape, every input must be accounted for.

    python bench/fuzz.py [--inputs 200000] [--only remote-id raw] [--seed 1] [--json]

Inputs are real captures from the shelf (where it is present), frames of our own encoders, and noise. ``anywhere``: each
is damaged by flipped bits, cuts, insertions, repeated and joined pieces; most stop at the first check of a length or a
checksum. ``inside``: up to three bytes are others and length and checksum are made right again (a report: a value in
its JSON is another), so that all that lies behind them is reached. Counts are per format: inputs, observations, other
records, rejects, inputs that gave nothing (half a frame waits for its rest; a frame without Remote ID is nobody's
business).
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from araz.feeds import read_recording
from araz.sensors import (
    DECODERS,
    AsterixPlot,
    BasicId,
    Location,
    OperatorId,
    SelfId,
    System,
    encode_adsb_identification,
    encode_adsb_position,
    encode_adsb_velocity,
    encode_asterix_034,
    encode_asterix_048,
    encode_beast,
    encode_raw,
    encode_remote_id_beacon,
    encode_remote_id_ble,
    encode_remote_id_ble_long_range,
    encode_remote_id_nan,
    encode_report,
    encode_sapient_detection,
    encode_sapient_registration,
    encode_sapient_status,
    encode_sbs_identification,
    encode_sbs_position,
    encode_sbs_velocity,
)
from araz.sensors._adsb_modes import mode_s_checksum
from araz.sensors._ble import ble_checksum
from araz.vocabulary import Bearing, Feed, Format, Message, Observation, PeopleReport, Rejected, ReportKind

SHELF = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
NODE = "6f1f6a0e-3c5b-4b1e-9d55-0a61c0a10001"
NOW_US = 1_790_000_000_000_000
RECORDINGS = {
    Format.ASTERIX: ["asterix/cat_034_048.pcap", "asterix/cat062cat065.ast"],
    Format.REMOTE_ID: [
        "remote_id/odid_wifi_bcn_sample.pcap",
        "remote_id/odid_bt5_lr_sample.pcapng",
        "remote_id/mavic_multiple_spoofed.pcapng",
    ],
}


def own_frames() -> dict[Format, list[bytes]]:
    """Return clean messages of each format that our encoders make."""
    report = PeopleReport(kind=ReportKind.HEARD, reporter="post", report_id="r")
    return {
        Format.ASTERIX: [
            encode_asterix_048(25, 1, 100.0, [AsterixPlot(1000.0, 20.0, altitude_amsl_m=200.0)] * 3),
            encode_asterix_034(25, 1, 100.0),
        ],
        Format.REMOTE_ID: remote_id_frames(),
        Format.SAPIENT: [
            encode_sapient_registration(NODE, NOW_US, name="node"),
            encode_sapient_status(NODE, NOW_US, latitude_deg=39.4, longitude_deg=47.3),
            encode_sapient_detection(NODE, NOW_US, NODE, Bearing(azimuth_deg=10.0, azimuth_sigma_deg=4.0)),
        ],
        Format.SBS: [
            encode_sbs_position("4b1234", NOW_US, 39.4, 47.3, 1000.0),
            encode_sbs_velocity("4b1234", NOW_US, 60.0, 90.0),
            encode_sbs_identification("4b1234", NOW_US, "ARAZ 1"),
        ],
        Format.BEAST: [encode_beast(frame) for frame in mode_s_frames()],
        Format.RAW: [encode_raw(frame) for frame in mode_s_frames()],
        Format.REPORT: [encode_report(report, NOW_US, azimuth_deg=10.0)],
    }


def remote_id_frames() -> list[bytes]:
    """A drone that says all it can, over each of the four links."""
    mac, place = "02:00:00:00:00:01", Location(39.4, 47.3, 312.5, 290.0, 60.0, speed_mps=14.0, course_deg=201.0)
    said = [BasicId("ARZ0001"), place, System(39.4, 47.3), SelfId("test flight"), OperatorId("AZE-1")]
    links = (encode_remote_id_beacon, encode_remote_id_nan, encode_remote_id_ble_long_range)
    return [link(mac, 1, said, -60) for link in links] + [encode_remote_id_ble(mac, 1, one, -60) for one in said]


def mode_s_frames() -> list[bytes]:
    """Position even and odd, velocity and name of one aircraft."""
    return [
        *(encode_adsb_position("4b1234", 39.4, 47.3, 1000.0, odd=odd) for odd in (False, True)),
        encode_adsb_velocity("4b1234", 60.0, 90.0, 1.0),
        encode_adsb_identification("4b1234", "ARAZ 1"),
    ]


def corpus(format: Format) -> list[bytes]:
    """Return the clean messages of a format: ours, and the shelf's."""
    clean = list(own_frames().get(format, []))
    for name in RECORDINGS.get(format, []):
        if (SHELF / name).exists():
            feed = Feed(id=format.value, format=format)
            clean += [payload for _, _, payload in read_recording(SHELF / name, feed)][:400]
    return clean


def damaged(rng: np.random.Generator, clean: list[bytes]) -> bytes:
    """Return one message damaged in one to four ways."""
    data = bytearray(clean[rng.integers(len(clean))])
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(7)
        at = int(rng.integers(len(data) + 1))
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 1 and data:
            data[at % len(data)] = int(rng.integers(256))
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[:at]
        elif kind == 4:
            data[at:at] = rng.bytes(int(rng.integers(1, 40)))
        elif kind == 5:
            data += clean[rng.integers(len(clean))]
        else:
            data[at:at] = data[: int(rng.integers(len(data) + 1))]
    return bytes(data)


def sound_asterix(data: bytes) -> bytes:
    """A block whose length is right."""
    return data[:1] + struct.pack(">H", len(data) & 0xFFFF) + data[3:]


def sound_sapient(data: bytes) -> bytes:
    """A frame whose length is right."""
    return struct.pack("<I", max(0, len(data) - 4)) + data[4:]


def sound_remote_id(data: bytes) -> bytes:
    """A captured frame whose checksum is right, for Wi-Fi with radiotap and for Bluetooth with its header."""
    link = data[:2]
    if link == struct.pack(">H", 127) and len(data) >= 14:
        begin = 2 + int.from_bytes(data[4:6], "little")
        return data[:-4] + zlib.crc32(data[begin:-4]).to_bytes(4, "little")
    if link == struct.pack(">H", 256) and len(data) >= 24:
        begin = 17 if int.from_bytes(data[10:12], "little") >> 14 == 2 else 16
        pdu = data[begin : begin + 1] + bytes([min(255, len(data) - begin - 5)]) + data[begin + 2 : begin + 257]
        pdu = pdu[: 2 + pdu[1]]
        return data[:begin] + pdu + ble_checksum(pdu)
    return data


def sound_mode_s(write: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A frame of 14 bytes whose parity is right, as ``write`` puts it into a stream."""

    def made(data: bytes) -> bytes:
        frame = data[:11].ljust(11, b"\0")
        return write(frame + mode_s_checksum(frame).to_bytes(3, "big"))

    return made


def sound_line(data: bytes) -> bytes:
    """One line, ended."""
    return data.replace(b"\n", b"") + b"\n"


#: What is damaged, where it is not the message itself, and how a message is made of it whose first checks hold.
SOUND: dict[Format, tuple[Callable[[], list[bytes]] | None, Callable[[bytes], bytes]]] = {
    Format.ASTERIX: (None, sound_asterix),
    Format.SAPIENT: (None, sound_sapient),
    Format.REMOTE_ID: (None, sound_remote_id),
    Format.SBS: (None, sound_line),
    Format.BEAST: (mode_s_frames, sound_mode_s(encode_beast)),
    Format.RAW: (mode_s_frames, sound_mode_s(encode_raw)),
}
NUMBERS = (-1, 0, 1, 2**31, 2**53, 2**63, 1e308, -1e-308, 90.0, 180.0, 360.0, 1e-9)
TEXTS = ("", "seen", "heard", "drop", "x" * 3000, "\u0000", "\ud7ff", "39.4")
OTHERS = (None, True, [], {}, [[1]], {"a": 1})


def other_value(rng: np.random.Generator, value: Any) -> Any:
    """A JSON value in which one value somewhere is another, mostly of its own kind, or gone."""
    if isinstance(value, dict) and value and rng.random() < 0.95:
        name = list(value)[rng.integers(len(value))]
        if rng.random() < 0.1:
            return {key: one for key, one in value.items() if key != name}
        return {**value, name: other_value(rng, value[name])}
    pool = NUMBERS if isinstance(value, int | float) else TEXTS if isinstance(value, str) else OTHERS
    pool = pool if rng.random() < 0.7 else NUMBERS + TEXTS + OTHERS
    return pool[rng.integers(len(pool))]


def damaged_inside(rng: np.random.Generator, format: Format, clean: list[bytes], number: int) -> bytes:
    """Return one message in which no to three bytes are others, and whose length and checksum are right."""
    data = bytearray(clean[rng.integers(len(clean))])
    if format is Format.REPORT:
        said = json.loads(data)
        said["report"]["report_id"] = str(number)  # else the press is known, and no more is read of it
        return json.dumps(other_value(rng, said)).encode()
    for _ in range(rng.integers(4)):
        at = rng.integers(len(data))
        data[at] = rng.integers(256) if rng.random() < 0.5 else data[at] ^ 1 << int(rng.integers(8))
    return SOUND[format][1](bytes(data))


def fuzz(format: Format, inputs: int, seed: int, *, inside: bool) -> dict[str, object]:
    """Feed a decoder damaged messages; any exception is a finding and ends the run."""
    rng = np.random.default_rng([seed, list(Format).index(format), *([1] if inside else [])])
    clean, decoder = corpus(format), DECODERS[format]
    contents = SOUND[format][0] if inside and format in SOUND else None
    clean = clean if contents is None else contents()
    feed = Feed(id=format.value, format=format)
    state = decoder.init(feed, [])
    counts = dict.fromkeys(("observations", "other", "rejects", "nothing"), 0)
    started_s = time.process_time()
    for k in range(inputs):
        payload = damaged_inside(rng, format, clean, k) if inside else damaged(rng, clean)
        message = Message(seq=k, received_at_us=NOW_US + k * 1000, source=format.value, payload=payload)
        try:
            state, decoded = decoder.step(state, message)
        except Exception as error:
            raise SystemExit(f"{format.value}: {type(error).__name__}: {error} on {payload.hex()}") from error
        for item in decoded:
            kind = {Observation: "observations", Rejected: "rejects"}.get(type(item), "other")
            counts[kind] += 1
        counts["nothing"] += not decoded
    where = "inside" if inside else "anywhere"
    cpu_s = round(time.process_time() - started_s, 1)
    return {"format": format.value, "damaged": where, "inputs": inputs, **counts, "cpu_s": cpu_s}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=200_000, help="damaged inputs in all")
    parser.add_argument("--only", nargs="*", choices=[format.value for format in DECODERS])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    formats = [format for format in DECODERS if not args.only or format.value in args.only]
    each = -(-args.inputs // (2 * len(formats)))
    for format in formats:
        for inside in (False, True):
            row = fuzz(format, each, args.seed, inside=inside)
            print(json.dumps(row) if args.json else row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
