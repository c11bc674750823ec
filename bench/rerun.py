"""A month of archives judged again: one process and two, their bytes held against each other, and the scaling.

    python bench/rerun.py [--nights 30] [--minutes 10] [--workers 2] [--json]

Each night is scenario F1 of its own seed with its own length. ``speedup`` is wall against wall and falls with the
machine's load; ``work`` is processor seconds of all processes against those of one, which load does not move much: the
speed-up that an idle machine can give is the number of workers divided by it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import scenario_path, site_path
from araz.app._rerun import rerun
from araz.simulation import read_scenario, simulate
from araz.store import Journal


def archive(folder: Path, nights: int, minutes: float) -> list[Path]:
    """Write the nights' journals."""
    bundle = bundle_from_file(site_path("horadiz"))
    _, place, _ = site_from_bundle(bundle)
    text = scenario_path("F1").read_text()
    before = next(line for line in text.splitlines() if line.startswith("duration_s"))
    made = []
    for number in range(nights):
        length_s = 60.0 * minutes * (0.6 + 0.8 * ((7 * number) % 10) / 9)
        scenario = read_scenario(text.replace(before, f"duration_s = {length_s:.1f}"))
        path = folder / f"night-{number + 1:02d}" / "night.journal"
        with Journal.open(path) as journal:
            journal.append([(scenario.start_us, SITE_SOURCE, bundle), *simulate(scenario, place, number, []).messages])
        made.append(path)
    return made


def cpu_s() -> float:
    """Processor seconds of this process and of the ended ones it started."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        journals = archive(Path(name) / "archive", given.nights, given.minutes)
        rerun(journals[:1], Path(name) / "warm", 1)
        spent, results = {}, {}
        for workers in (1, given.workers):
            wall, cpu = time.monotonic(), cpu_s()
            results[workers] = rerun(journals, Path(name) / str(workers), workers)
            spent[workers] = time.monotonic() - wall, cpu_s() - cpu
        equal = [
            one.read_bytes() == two.read_bytes()
            for (one, _), (two, _) in zip(results[1], results[given.workers], strict=True)
        ]
    (wall, cpu), (wall_n, cpu_n) = spent[1], spent[given.workers]
    row = {
        "nights": given.nights,
        "messages": sum(judged.messages for _, judged in results[1]),
        "equal": sum(equal),
        "workers": given.workers,
        "wall_s": [round(wall, 1), round(wall_n, 1)],
        "cpu_s": [round(cpu, 1), round(cpu_n, 1)],
        "speedup": round(wall / wall_n, 2),
        "work": round(cpu_n / cpu, 3),
        "idle_speedup": round(given.workers * cpu / cpu_n, 2),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(row) if given.json else row, flush=True)


if __name__ == "__main__":
    main()
