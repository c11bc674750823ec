"""Score the shipped scenarios, one row each.

    python bench/scenarios.py [--only C1 A1 ...] [--seed 1] [--json]

Each is simulated as wire bytes, judged by the pipeline and scored against its truth. X1 lasts ten hours.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from araz.app._data import data_dir
from araz.app._simulate import run_simulate, scoreboard
from araz.simulation import Scoreboard

KEPT = (
    "hours", "time_in_track", "identity_switches_per_sortie", "false_tracks_per_hour", "track_latency_p95_s",
    "alarm_latency_p95_s", "position_cep50_m", "position_r95_m", "ellipse_coverage", "gospa_m", "alarms_per_hour",
    "alarms_worst_ten_minutes", "nuisance_alarms_per_ten_hours", "false_drops", "drop_centre_cep50_m",
)  # fmt: skip
RATES = ("detection_per_sortie", "threats_alarmed", "drop_recall", "spoofs_flagged", "honest_flagged")


def judge(name: str, seed: int) -> dict[str, object]:
    """Return the row of one scenario."""
    started_s = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "night"
        run_simulate(name, seed, out, "horadiz", None)
        board = scoreboard(out, out / "truth.jsonl")
    assert isinstance(board, Scoreboard)
    values = msgspec.to_builtins(board)
    rates = {key: f"{values[key]['hits']} of {values[key]['cases']}" for key in RATES}
    return {"scenario": name, **rates, **{key: values[key] for key in KEPT},
            "cpu_s": round(time.process_time() - started_s, 1)}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="these scenarios")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    names = args.only or sorted(path.stem for path in data_dir("scenarios").glob("*.toml") if path.stem != "X0")
    for name in names:
        row = judge(name, args.seed)
        print(json.dumps(row) if args.json else row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
