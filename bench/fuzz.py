"""Throw damaged bytes at every decoder: no exception may escape, every input must be accounted for.

    python bench/fuzz.py [--inputs 200000] [--seed 1] [--json]

Inputs are real captures from the shelf (where it is present), frames of our own encoders, and noise; each is damaged by
flipped bits, cuts, insertions, repeated and joined pieces. Counts are per format: inputs, observations, other records,
rejects, inputs that gave nothing (half a frame waits for its rest; a frame without Remote ID is nobody's business).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from araz.feeds import read_recording
from araz.sensors import (
    DECODERS,
    AsterixPlot,
    encode_adsb_position,
    encode_asterix_034,
    encode_asterix_048,
    encode_beast,
    encode_raw,
    encode_report,
    encode_sapient_detection,
    encode_sapient_registration,
    encode_sapient_status,
    encode_sbs_position,
)
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
    frame = encode_adsb_position("4b1234", 39.4, 47.3, 1000.0, odd=True)
    report = PeopleReport(kind=ReportKind.HEARD, reporter="post", report_id="r")
    return {
        Format.ASTERIX: [
            encode_asterix_048(25, 1, 100.0, [AsterixPlot(1000.0, 20.0, altitude_amsl_m=200.0)] * 3),
            encode_asterix_034(25, 1, 100.0),
        ],
        Format.REMOTE_ID: [b"\x00\x69" + bytes(60)],
        Format.SAPIENT: [
            encode_sapient_registration(NODE, NOW_US, name="node"),
            encode_sapient_status(NODE, NOW_US, latitude_deg=39.4, longitude_deg=47.3),
            encode_sapient_detection(NODE, NOW_US, NODE, Bearing(azimuth_deg=10.0, azimuth_sigma_deg=4.0)),
        ],
        Format.SBS: [encode_sbs_position("4b1234", NOW_US, 39.4, 47.3, 1000.0)],
        Format.BEAST: [encode_beast(frame)],
        Format.RAW: [encode_raw(frame)],
        Format.REPORT: [encode_report(report, NOW_US, azimuth_deg=10.0)],
    }


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


def fuzz(format: Format, inputs: int, seed: int) -> dict[str, object]:
    """Feed a decoder damaged messages; any exception is a finding and ends the run."""
    rng = np.random.default_rng([seed, list(Format).index(format)])
    clean, decoder = corpus(format), DECODERS[format]
    feed = Feed(id=format.value, format=format)
    state = decoder.init(feed, [])
    counts = dict.fromkeys(("observations", "other", "rejects", "nothing"), 0)
    started_s = time.process_time()
    for k in range(inputs):
        payload = damaged(rng, clean)
        message = Message(seq=k, received_at_us=NOW_US + k * 1000, source=format.value, payload=payload)
        try:
            state, decoded = decoder.step(state, message)
        except Exception as error:
            raise SystemExit(f"{format.value}: {type(error).__name__}: {error} on {payload.hex()}") from error
        for item in decoded:
            kind = {Observation: "observations", Rejected: "rejects"}.get(type(item), "other")
            counts[kind] += 1
        counts["nothing"] += not decoded
    return {"format": format.value, "inputs": inputs, **counts, "cpu_s": round(time.process_time() - started_s, 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=200_000, help="damaged inputs in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    each = -(-args.inputs // len(DECODERS))
    rows = [fuzz(format, each, args.seed) for format in DECODERS]
    for row in rows:
        print(json.dumps(row) if args.json else row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
