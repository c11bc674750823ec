"""What befalls a station, one row a fault: does it go on, or stop with a clear word, and is anything lost?

    python bench/faults.py [--json]

The real programs, 2,000 observations/s over UDP in real time and reports over HTTP (a radar's clock: in this process,
one drone; a post's brokers: its own few messages). No room: a disk of 6 MB of its own, where this process may mount
one, filled up and emptied; and the system's limit on the size of a file. The database: a PostgreSQL, stopped and
started. ``lost``: acknowledged reports that are not at their place in the journal; for a post, entries that the centre
has otherwise or not in order. ``back_s``: the most by which the time of an entry lies before that of the one before.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from araz_faults import (
    HOUR_S,
    Station,
    broker_gone,
    clock_set,
    database_gone,
    disk_full,
    file_limit,
    segment_damaged,
    sensor_clock_set,
)
from araz_postgresql import Postgres

ROOT = Path(__file__).resolve().parent.parent
DISK_BYTES = 6 << 20


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a disk of 6 MB at a folder; says whether that was allowed."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "araz-faults", str(folder)]
    is_mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


def no_room(home: Path) -> dict[str, object] | None:
    """A full disk of its own; None where none may be mounted."""
    with small_disk(home) as is_mounted:
        if not is_mounted:
            return None
        filler = home / "filler"

        def fill() -> None:
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass

        with Station(ROOT, home / "station") as station:
            return disk_full(station, "the disk is full", fill, filler.unlink)


def rows(home: Path) -> Iterator[dict[str, object]]:
    """Each fault, and what was found."""
    found = no_room(home / "disk")
    if found is not None:
        yield found
    with Station(ROOT, home / "limit") as station:
        yield disk_full(station, "no file may grow", *file_limit(station))
    for off_s in (-HOUR_S, HOUR_S):
        with Station(ROOT, home / f"clock{off_s}") as station:
            yield clock_set(station, off_s)
        yield sensor_clock_set(ROOT, home / f"sensor{off_s}", off_s)
    with Station(ROOT, home / "segment") as station:
        yield segment_damaged(station, 0.5)
    with Postgres() as server, Station(ROOT, home / "database", "--records", server.fresh("faults")) as station:
        yield database_gone(station, server.stop, server.start)
    yield broker_gone(home / "broker")


def in_short(said: str) -> str:
    """The first clause of what was said, for a table."""
    return re.split(r"; |\. |, which", said)[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    is_bad = False
    with tempfile.TemporaryDirectory() as name:
        for row in rows(Path(name)):
            shown = {**row, "said": in_short(str(row["said"]).replace(name, "…"))}
            print(json.dumps(shown) if given.json else json.dumps(shown, indent=1), flush=True)
            is_bad |= bool(row["lost"]) or not row["whole"] or not row["said"]
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
