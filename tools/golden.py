"""Write the golden files again, and look at the diff before committing it.

    python tools/golden.py            # the story Araz tells of the golden journal
    python tools/golden.py --journal  # also the journal itself: only when the format gains a version

The journal (scenario F1, seed 1) is the first format's, kept so that a later Araz must still read it. The story is what
each sensor said in it: tracks and alarms are left out, since every better tracker moves them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from araz.app._runtime import judge
from araz.app._simulate import run_simulate
from araz.store import pack_journal, read_journal
from araz.vocabulary import Rejected, SensorHealth

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
JOURNAL = FOLDER / "f1-format1.journal.xz"
STORY = FOLDER / "f1-story.txt"


def story(journal: Path) -> list[str]:
    """Return the lines of the story: what each sensor and feed said in all, and what was refused and why."""
    health: dict[str, SensorHealth] = {}
    refused: Counter[str] = Counter()
    for events in judge(read_journal(journal)):
        for event in events:
            if isinstance(event, SensorHealth):
                health[event.sensor_id] = event
            elif isinstance(event, Rejected):
                refused[f"{event.source} {event.reason}"] += 1
    lines = [f"{h.sensor_id}: {h.state}, {h.messages} messages, {h.observations} observations" for h in health.values()]
    return sorted(lines) + [f"refused {name}: {count}" for name, count in sorted(refused.items())]


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--journal", action="store_true", help="simulate and pack the journal too")
    if parser.parse_args().journal or not JOURNAL.exists():
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "night"
            run_simulate("F1", 1, out, "horadiz", None)
            print("head", pack_journal(out / "night.journal", JOURNAL))
    STORY.write_text("\n".join(story(JOURNAL)) + "\n")
    print(f"{STORY.name}: {len(STORY.read_text().splitlines())} lines")


if __name__ == "__main__":
    main()
