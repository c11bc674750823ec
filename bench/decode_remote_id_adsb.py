"""How many captured Remote ID frames and ADS-B messages one core decodes a second, from bytes to observations.

    python bench/decode_remote_id_adsb.py [--json] [--seconds 2]

Inputs are frames of our own encoders (a beacon pack of five messages, a Bluetooth message, one aircraft's position and
velocity in each ADS-B format) and, where the shelf of recordings lies beside the project, the real Parrot capture with
the other people's Wi-Fi in it. The best of the runs within the time is reported: the machine is shared.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import dpkt

from araz.sensors._adsb import adsb_init, beast_step, raw_step, sbs_step
from araz.sensors._adsb_encode import (
    encode_adsb_position,
    encode_adsb_velocity,
    encode_beast,
    encode_raw,
    encode_sbs_position,
    encode_sbs_velocity,
)
from araz.sensors._remote_id import remote_id_init, remote_id_step
from araz.sensors._remote_id_encode import encode_remote_id_beacon, encode_remote_id_ble
from araz.sensors._remote_id_location import Location
from araz.sensors._remote_id_messages import BasicId, OperatorId, SelfId, System
from araz.vocabulary import Feed, Format, Message

PARROT = Path(__file__).resolve().parents[2] / "shared/data/remote_id/parrot_anafi4_real.pcapng"
NOW_US = 1_700_000_000_000_000
MAC = "02:00:00:00:00:01"


def remote_id_inputs() -> dict[str, list[bytes]]:
    places = [Location(38.45 + i * 1e-5, 48.87, 300.0, speed_mps=12.0, course_deg=80.0) for i in range(2000)]
    rest = [BasicId("ARZ1"), System(38.4, 48.8), SelfId("bench"), OperatorId("OP1")]
    inputs = {
        "remote-id beacon, 5 messages": [
            encode_remote_id_beacon(MAC, i, [*rest, one], -60) for i, one in enumerate(places)
        ],
        "remote-id bluetooth, 1 message": [encode_remote_id_ble(MAC, i, one, -60) for i, one in enumerate(places)],
    }
    if PARROT.exists():
        with PARROT.open("rb") as file:
            inputs["remote-id real capture"] = [b"\x00\x7f" + frame for _, frame in dpkt.pcapng.Reader(file)]
    return inputs


def adsb_inputs() -> dict[str, tuple[Callable, list[bytes]]]:
    frames, lines = [], []
    for i in range(2000):
        latitude = 38.45 + i * 1e-5
        frames += [
            encode_adsb_position("4ca251", latitude, 48.87, 3000, odd=bool(i % 2)),
            encode_adsb_velocity("4ca251", 60, 80, 1),
        ]
        lines += [
            encode_sbs_position("4ca251", NOW_US, latitude, 48.87, 3000),
            encode_sbs_velocity("4ca251", NOW_US, 60, 80, 1),
        ]
    return {
        "adsb sbs": (sbs_step, lines),
        "adsb beast": (beast_step, [encode_beast(frame, i) for i, frame in enumerate(frames)]),
        "adsb raw": (raw_step, [encode_raw(frame) for frame in frames]),
    }


def rate(step: Callable, state: object, payloads: list[bytes], seconds: float) -> float:
    """Return the best rate of inputs a second over whole runs of the inputs."""
    messages = [
        Message(seq=i, received_at_us=NOW_US + i * 1000, source="bench", payload=payload)
        for i, payload in enumerate(payloads)
    ]
    best, until = 0.0, time.perf_counter() + seconds
    while best == 0.0 or time.perf_counter() < until:
        now, begin = state, time.perf_counter()
        for one in messages:
            now, _ = step(now, one)
        best = max(best, len(messages) / (time.perf_counter() - begin))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each input is repeated")
    options = parser.parse_args()
    results = {}
    for name, payloads in remote_id_inputs().items():
        start = remote_id_init(Feed(id="bench", format=Format.REMOTE_ID), [])
        results[name] = rate(remote_id_step, start, payloads, options.seconds)
    for name, (step, payloads) in adsb_inputs().items():
        results[name] = rate(step, adsb_init(Feed(id="bench", format=Format.RAW), []), payloads, options.seconds)
    if options.json:
        print(json.dumps({name: round(value) for name, value in results.items()}))
        return
    for name, value in results.items():
        print(f"{name:35s} {value:10,.0f} inputs/s")


if __name__ == "__main__":
    main()
