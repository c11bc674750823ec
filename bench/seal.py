"""How long sealing, verifying and computing again take on the demo night: CPU seconds, and wall seconds at this load.

python bench/seal.py --journal out/demo/night.journal [--minutes 60] [--json]

``--minutes`` widens the case's span to at least so long, back from its end: a night rarely has an incident of an hour.
``--tracked`` computes the tracks "known now" over all of it, as if one had been shown the whole time: the worst case.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from araz.app import _case_seal, _case_tracks
from araz.app._case import recompute
from araz.app._case_seal import seal
from araz.app._keys import open_key, station_key
from araz.vocabulary import Picture


def widen(minutes: float) -> None:
    """Let every case reach back so far; what is in it is the night's own."""
    found = _case_seal.belonging

    def wider(told: object, name: str) -> object:
        belongs = found(told, name)
        return belongs._replace(from_us=min(belongs.from_us, belongs.to_us - int(minutes * 60e6)))

    _case_seal.belonging = wider


def track_all_of_it() -> None:
    """Let the tracker run over the whole span, as if a track of the case had been shown in its first picture."""
    compute, warm_us = _case_tracks.tracks_now, _case_tracks.WARM_UP_US

    def longer(messages: object, names: list[str], pictures: list[Picture]) -> object:
        first_us = next(p.at_us for p in pictures if any(t.track_id in names for t in p.tracks))
        _case_tracks.WARM_UP_US = warm_us + first_us - pictures[0].at_us
        return compute(messages, names, pictures)

    _case_seal.tracks_now = longer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--case", default="A0004")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--tracked", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    widen(given.minutes)
    if given.tracked:
        track_all_of_it()
    key = open_key(station_key(given.journal.parent, None))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.zip"

        def timed(what: str, run: Callable[[], object]) -> None:
            wall, cpu = time.monotonic(), time.process_time() + sum(os.times()[2:4])
            run()
            row = {
                "what": what,
                "cpu_s": round(time.process_time() + sum(os.times()[2:4]) - cpu, 1),
                "wall_s": round(time.monotonic() - wall, 1),
                "load": round(os.getloadavg()[0], 1),
                "case_mb": round(file.stat().st_size / 1e6, 1),
            }
            print(json.dumps(row) if given.json else row, flush=True)

        manifest = {}
        timed("seal", lambda: manifest.update(seal(given.journal, given.case, file, key, by="bench")))
        verifier = Path(__file__).resolve().parent.parent / "src/araz/app/verify_case.py"
        timed(
            "verify",
            lambda: subprocess.run([sys.executable, "-I", "-S", verifier, file], check=True, capture_output=True),
        )
        timed("recompute", lambda: recompute(file))
        span = (manifest["to_us"] - manifest["from_us"]) / 60e6
        print(json.dumps({"what": "span", "minutes": round(span, 1), "messages": manifest["messages"]}), flush=True)


if __name__ == "__main__":
    main()
