"""How many ASTERIX records a second Araz decodes to observations, beside libasterix only parsing the same bytes.

Usage: ``python bench/decode_asterix.py [--json] [--records N]``. Both run in this process, one after the other, three
times each; the best of three counts, because other work on the machine can only slow a run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

from asterix import base, generated

from araz.sensors._asterix import asterix_init, asterix_step
from araz.sensors._asterix_encode import AsterixPlot, encode_asterix_015, encode_asterix_048
from araz.vocabulary import Feed, Format, Message, Sensor, SensorKind

PLOTS = 25
START_US = 1_700_000_000_000_000


def datagrams(encode: Callable[..., bytes], records: int) -> list[bytes]:
    """Return datagrams of 25 plots, all different, as a busy drone radar sends them."""
    return [
        encode(25, 1, 100.0 + number / 128, [_plot(number * PLOTS + row) for row in range(PLOTS)])
        for number in range(records // PLOTS)
    ]


def _plot(number: int) -> AsterixPlot:
    return AsterixPlot(
        500.0 + number % 9_000,
        number * 0.37 % 360,
        elevation_deg=number % 20,
        range_rate_mps=number % 40 - 20.0,
        altitude_amsl_m=number % 500,
        mode_s=f"{number % 2**24:06x}" if number % 10 == 0 else None,
    )


def ours(payloads: list[bytes]) -> int:
    sensor = Sensor(id="radar", kind=SensorKind.RADAR, feed="north", latitude_deg=39.5, longitude_deg=47.0)
    state, count = asterix_init(Feed(id="north", format=Format.ASTERIX), [sensor]), 0
    for seq, payload in enumerate(payloads):
        message = Message(seq=seq, received_at_us=START_US + seq * 12_500, source="north", payload=payload)
        state, said = asterix_step(state, message)
        count += len(said)
    return count


def libasterix(payloads: list[bytes]) -> int:
    newest = {category: specs[-1].cv_uap for category, specs in generated.manifest["CATS"].items()}
    count = 0
    for payload in payloads:
        for block in base.RawDatablock.parse(base.Bits.from_bytes(payload)):
            count += len(newest[block.get_category()].parse(block.get_raw_records()))
    return count


def best_rate(function: Callable[[list[bytes]], int], payloads: list[bytes]) -> float:
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        count = function(payloads)
        best = max(best, count / (time.perf_counter() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--records", type=int, default=50_000)
    chosen = parser.parse_args()
    result = {}
    for name, encode in (("048", encode_asterix_048), ("015", encode_asterix_015)):
        payloads = datagrams(encode, chosen.records)
        result[name] = {
            "araz_records_per_s": round(best_rate(ours, payloads)),
            "libasterix_records_per_s": round(best_rate(libasterix, payloads[: max(1, len(payloads) // 10)])),
        }
    if chosen.json:
        print(json.dumps(result))
        return
    for name, rates in result.items():
        araz, other = rates["araz_records_per_s"], rates["libasterix_records_per_s"]
        times = f"{araz / other:.0f} times"
        print(f"CAT{name}: Araz {araz:,} records/s to observations; libasterix {other:,} records/s parsed ({times})")


if __name__ == "__main__":
    main()
