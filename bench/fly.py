"""Fly every recorded flight on the shelf under the demo site's sensors, and score it.

    python bench/fly.py [--seed 1] [--json] [FILE ...]

Each flight is moved to the site (see docs/simulation.md), simulated as wire bytes in the empty scenario X0, judged by
the pipeline and scored: one row a flight. Without FILE, all flights of ../shared/data/flights.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import msgspec

from araz.app._simulate import run_simulate, scoreboard

FLIGHTS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "flights"
SUFFIXES = {".srt", ".tlog", ".csv", ".bin"}


def fly(path: Path, seed: int) -> dict[str, object]:
    """Return the row of one flight."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "flown"
        run_simulate("X0", seed, out, "horadiz", path)
        board = msgspec.to_builtins(scoreboard(out, out / "truth.jsonl"))
    sortie = board["sorties"][0] if board.get("sorties") else {}
    return {"flight": path.name, **sortie, **{k: v for k, v in board.items() if not isinstance(v, list | dict)}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    files = args.files or sorted(p for p in FLIGHTS.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit("no flights: name files, or lay the shelf (../shared) beside the project")
    for path in files:
        row = fly(path, args.seed)
        print(json.dumps(row) if args.json else row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
