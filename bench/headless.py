"""How fast the demo night is judged, and whether memory stays flat.

    python bench/headless.py [--json] [--night DIR_OR_XZ]

Reads a journal (the shipped demo night), writes its own journal, events and records as the product does, and samples
the process's memory at each tenth of the night. Peak memory is what the operating system says, not an estimate.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from araz.app._data import demo_files
from araz.app._runtime import BATCH, Night, arrivals_of, in_batches


def resident_mib() -> float:
    """Return the memory this process holds now, MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--night", type=Path, default=None, help="another journal")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    journal = args.night or demo_files()[0]
    messages = list(arrivals_of(journal))
    span_s = (messages[-1][0] - messages[0][0]) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        night = Night(Path(folder))
        night.take(messages[:BATCH])  # compiles, outside the clock
        rest = messages[BATCH:]
        memory, every = [], max(1, len(rest) // BATCH // 10)
        wall_s, cpu_s = time.monotonic(), time.process_time()
        for index, batch in enumerate(in_batches(rest, BATCH)):
            night.take(batch)
            if index % every == 0:
                memory.append(round(resident_mib(), 1))
        wall_s, cpu_s = time.monotonic() - wall_s, time.process_time() - cpu_s
        night.close()
    span_s -= (rest[0][0] - messages[0][0]) / 1e6
    row = {
        "messages": len(rest),
        "night_s": round(span_s),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "times_real_time_wall": round(span_s / wall_s),
        "times_real_time_cpu": round(span_s / cpu_s),
        "messages_per_cpu_s": round(len(rest) / cpu_s),
        "memory_mib": memory,
    }
    print(json.dumps(row) if args.json else row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
