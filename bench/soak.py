"""Hours of 2,000 observations a second on a simulated clock: does memory stay flat, and the time a look takes?

    python bench/soak.py [--hours 24] [--most-s 5000] [--rate 2000] [--tracks 200] [--json]

The night is the product's own (journal with fsync, pipeline, heads, records in SQLite), one look of the radar a second
on the simulated clock, as fast as the machine goes; ``--most-s`` seconds of wall time after its start it stops and says
how far it came. Targets live ten minutes in the mean and others begin elsewhere: tracks and alarms come and go. Clutter
is drawn from 256 looks encoded beforehand, each given the time of its look: making it anew costs a quarter of the run.
``memory_mib``, ``look_cpu_ms_p50`` and ``_p95``: in each tenth of the hours, the first after five minutes of warming.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from headless import resident_mib
from latency import Swarm, busy_site

from araz.app._config import bundle_from_file
from araz.app._runtime import Night
from araz.sensors import AsterixPlot, encode_asterix_048

START_US = 1_790_000_000_000_000
WARM_S = 300
MEAN_LIFE_S = 600.0
#: Seconds of the night between two samples.
SAMPLE_S = 60
POOL = 256
PER_BLOCK = 60


class Changing(Swarm):
    """A swarm of which now and then one leaves and another begins elsewhere, never over the radar itself."""

    def __init__(self, tracks: int, rate: int) -> None:
        super().__init__(tracks, rate)
        self.centre_m = self.places(tracks)
        clutter, self.clutter = self.clutter, 0
        self.pool = [self.blocks(clutter) for _ in range(POOL)]

    def blocks(self, count: int) -> list[tuple[bytes, np.ndarray]]:
        """Clutter of one look in blocks, each with where the three bytes of every record's time stand in it."""
        draw = self.rng.uniform
        plots = [AsterixPlot(draw(300, 8000), draw(0, 360), altitude_amsl_m=draw(200, 1500)) for _ in range(count)]
        made = list[tuple[bytes, np.ndarray]]()
        for k in range(0, count, PER_BLOCK):
            # Two times of which no byte is the same: what differs is the time.
            early, late = (encode_asterix_048(25, 1, ticks / 128, plots[k : k + PER_BLOCK]) for ticks in (0, 0x7FFFFF))
            at = np.flatnonzero(np.frombuffer(early, np.uint8) != np.frombuffer(late, np.uint8))
            made.append((early, at.reshape(-1, 3)))
        return made

    def cluttered(self, at_s: float) -> list[bytes]:
        """One look's clutter, at its time."""
        clock = list(int(at_s % 86400 * 128).to_bytes(3, "big"))
        parts = list[bytes]()
        for block, at in self.pool[self.rng.integers(POOL)]:
            data = np.frombuffer(block, np.uint8).copy()
            data[at] = clock
            parts.append(data.tobytes())
        return parts

    def places(self, count: int) -> np.ndarray:
        """Centres of circles, east and north of the radar."""
        range_m, angle = self.rng.uniform(1500, 7000, count), self.rng.uniform(0, 2 * np.pi, count)
        return np.stack([range_m * np.sin(angle), range_m * np.cos(angle)], axis=1)

    def look(self, at_s: float) -> list[bytes]:
        """One look; as the day goes on, every target is replaced at random."""
        new = self.rng.random(len(self.phase)) < 1.0 / MEAN_LIFE_S
        self.centre_m[new] = self.places(int(new.sum()))
        self.phase[new] = self.rng.uniform(0, 2 * np.pi, int(new.sum()))
        return [*self.cluttered(at_s), *super().look(at_s)]


def soak(hours: float, most_s: float, rate: int, tracks: int) -> dict[str, object]:
    """Run it; return the figures."""
    swarm, looks, begun = Changing(tracks, rate), int(hours * 3600), time.monotonic()
    took_ms, memory, spans = list[float](), list[float](), list[tuple[float, float]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        night = Night(folder / "out", log_events=False)
        night.set_site(bundle_from_file(busy_site(folder, 1)), START_US)
        done = 0
        for second in range(1, WARM_S + looks + 1):
            at_us = START_US + second * 1_000_000
            arrivals = [(at_us, "radar-1", data) for data in swarm.look(at_us / 1e6)]
            cpu_s = time.process_time()
            night.take([*arrivals, (at_us, "@tick", b"")])
            if second <= WARM_S:
                continue
            done += 1
            took_ms.append((time.process_time() - cpu_s) * 1e3)
            if done % SAMPLE_S == 0:
                memory.append(resident_mib())
                spans.append((float(np.percentile(took_ms, 50)), float(np.percentile(took_ms, 95))))
                took_ms.clear()
                if done % 600 == 0:
                    sys.stderr.write(f"{done / 3600:.2f} h, {memory[-1]:.0f} MiB, {spans[-1]}\n")
                if time.monotonic() - begun > most_s:
                    break
        journal_mib = sum(file.stat().st_size for file in night.journal.path.iterdir()) / 2**20
        records_mib = (folder / "out" / "records.sqlite").stat().st_size / 2**20
        alarms, incidents = len(night.records.alarms()), len(night.records.incidents())
        night.close()
    tenths = np.array_split(np.arange(len(memory)), 10)
    late = np.arange(len(memory) // 2, len(memory))
    slope = float(np.polyfit(late / (3600 / SAMPLE_S), np.array(memory)[late], 1)[0]) if len(late) > 2 else None
    return {
        "hours": round(done / 3600, 2), "observations": done * rate, "tracks": tracks,
        "times_real_time": round((done + WARM_S) / (time.monotonic() - begun), 1),
        "memory_mib": [round(float(np.mean([memory[k] for k in part]))) for part in tenths if len(part)],
        "memory_mib_per_h": None if slope is None else round(slope, 2),
        "look_cpu_ms_p50": [round(float(np.mean([spans[k][0] for k in part]))) for part in tenths if len(part)],
        "look_cpu_ms_p95": [round(float(np.mean([spans[k][1] for k in part]))) for part in tenths if len(part)],
        "alarms": alarms, "incidents": incidents,
        "journal_mib": round(journal_mib), "records_mib": round(records_mib),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--most-s", type=float, default=5000.0, help="stop after so many seconds of wall time")
    parser.add_argument("--rate", type=int, default=2000, help="observations a second")
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    row = soak(given.hours, given.most_s, given.rate, given.tracks)
    print(json.dumps(row) if given.json else json.dumps(row, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
