"""Simulate the demo night and pack it, with its truth, for shipping in scenarios/demo.

    python tools/ship_night.py [--seed 1]

Run it when the scenario, the site or the simulation changes; the files are committed, so that a demo simulates nothing.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
import tempfile
from pathlib import Path

from araz.app._data import demo_files
from araz.app._simulate import run_simulate
from araz.store import pack_journal


def main() -> None:
    """Write the two files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    journal, truth = demo_files()
    journal.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "night"
        run_simulate("demo", seed, out, "horadiz", None)
        head = pack_journal(out / "night.journal", journal)
        with (out / "truth.jsonl").open("rb") as plain, lzma.open(truth, "wb", preset=6) as packed:
            shutil.copyfileobj(plain, packed)
    for path in (journal, truth):
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")
    print(f"head {head}")


if __name__ == "__main__":
    main()
