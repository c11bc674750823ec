"""Flip one bit, many times, in a case and in a journal: is it always named?

    python bench/tamper.py --case case.zip --journal NIGHT.journal [--trials 10000] [--seed 1] [--json]

The case should be small (a minute's night): each trial examines all of it.
"named" is any finding; "exact" the byte itself.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from pathlib import Path

from araz.app import verify_case
from araz.store import heads_objection, tree_of, verify_journal


def case_trials(data: bytes, trials: int, rng: random.Random) -> dict[str, object]:
    named = exact = 0
    worst = ""
    for _ in range(trials):
        place = rng.randrange(len(data))
        altered = bytearray(data)
        altered[place] ^= 1 << rng.randrange(8)
        found, _ = verify_case.examine(bytes(altered))
        hits = [item for item in found if not item.unchecked]
        named += bool(hits)
        exact += any(item.at == place for item in hits)
        worst = worst or ("" if hits else f"byte {place}")
    return {"what": "case", "bytes": len(data), "trials": trials, "named": named, "exact": exact, "missed": worst}


def journal_trials(journal: Path, trials: int, rng: random.Random) -> dict[str, object]:
    named = 0
    worst = ""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "j"
        shutil.copytree(journal, copy)
        files = [f for f in sorted(copy.iterdir()) if f.suffix == ".seg" or f.name == "heads.jsonl"]
        sizes = [f.stat().st_size for f in files]
        tree = tree_of(copy)
        for _ in range(trials):
            file = rng.choices(files, sizes)[0]
            data = bytearray(file.read_bytes())
            whole = bytes(data)
            place = rng.randrange(len(data))
            data[place] ^= 1 << rng.randrange(8)
            file.write_bytes(data)
            found = not verify_journal(copy).ok if file.suffix == ".seg" else heads_objection(copy, tree) is not None
            named += found
            worst = worst or ("" if found else f"{file.name} byte {place}")
            file.write_bytes(whole)
    return {"what": "journal", "bytes": sum(sizes), "trials": trials, "named": named, "exact": None, "missed": worst}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    rows = [(case_trials, given.case.read_bytes()), (journal_trials, given.journal)]
    for run, target in rows:
        started_s = time.process_time()
        row = run(target, given.trials, rng)
        row["cpu_s"] = round(time.process_time() - started_s, 1)
        print(json.dumps(row) if given.json else row, flush=True)


if __name__ == "__main__":
    main()
