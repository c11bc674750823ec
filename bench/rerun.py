"""A month of archives judged again: in this process, and side by side by each engine, bytes against bytes.

    python bench/rerun.py [--nights 30] [--minutes 10] [--workers 1 2] [--engines processes ray] [--json]

Each night is scenario F1 of its own seed with its own length. ``speedup`` is wall against wall of this process alone
and falls with the machine's load; ``start_s`` is what is in it whatever the archive: wall of the engine over two
journals of seconds, its first start before not counted. ``work`` is processor seconds spent on the journals
against those of this process, which load does not move much: ``idle_speedup``, the number of workers divided by it, is
what an idle machine can give, less the start. One worker of ``processes`` is this process, so it has no row of its own.
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
from araz.app._rerun import Engine, Judged, rerun
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


def spent(journals: list[Path], out: Path, workers: int, engine: Engine) -> tuple[float, list[tuple[Path, Judged]]]:
    """Wall seconds, and what came of it."""
    begun_s = time.monotonic()
    results = rerun(journals, out, workers, engine)
    return time.monotonic() - begun_s, results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--engines", nargs="+", default=[engine.value for engine in Engine])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    asked = [(Engine(engine), workers) for engine in given.engines for workers in given.workers]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journals, short = archive(folder / "archive", given.nights, given.minutes), archive(folder / "short", 2, 0.1)
        rerun(journals[:1], folder / "warm", 1)
        wall, alone = spent(journals, folder / "alone", 1, Engine.PROCESSES)
        cpu = sum(judged.cpu_s for _, judged in alone)
        for engine, workers in asked:
            if (engine, workers) == (Engine.PROCESSES, 1):
                continue
            out = folder / f"{engine}-{workers}"
            spent(short, out / "first", workers, engine)
            start, _ = spent(short, out / "start", workers, engine)
            wall_n, both = spent(journals, out, workers, engine)
            cpu_n = sum(judged.cpu_s for _, judged in both)
            pairs = zip(alone, both, strict=True)
            rows.append({
                "engine": engine.value,
                "workers": workers,
                "nights": given.nights,
                "messages": sum(judged.messages for _, judged in alone),
                "equal": sum(one.read_bytes() == two.read_bytes() for (one, _), (two, _) in pairs),
                "wall_s": [round(wall, 1), round(wall_n, 1)],
                "start_s": round(start, 1),
                "cpu_s": [round(cpu, 1), round(cpu_n, 1)],
                "speedup": round(wall / wall_n, 2),
                "work": round(cpu_n / cpu, 3),
                "idle_speedup": round(workers * cpu / cpu_n, 2),
                "load": round(os.getloadavg()[0], 1),
            })  # fmt: skip
    for row in rows:
        print(json.dumps(row) if given.json else row, flush=True)


if __name__ == "__main__":
    main()
