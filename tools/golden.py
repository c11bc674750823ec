"""Write the golden files again, and look at the diff before committing it.

    python tools/golden.py            # the story Araz tells of the golden journal
    python tools/golden.py --journal  # also the journal itself: only when the format gains a version

The journal (scenario F1, seed 1) is the first format's, kept so that a later Araz must still read it. The story is its
incidents and alarms, a line each, without figures that any retuning moves.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from araz.app import _pipeline as pipeline
from araz.app._simulate import run_simulate
from araz.store import pack_journal, read_journal
from araz.vocabulary import Alarm, Incident, SensorHealth

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
JOURNAL = FOLDER / "f1-format1.journal.xz"
STORY = FOLDER / "f1-story.txt"


def story(journal: Path) -> Iterator[str]:
    """Yield the lines of the story: seconds into the night, and what was said."""
    state, start_us = pipeline.init(), None
    for message in read_journal(journal):
        start_us = message.received_at_us if start_us is None else start_us
        state, events = pipeline.step(state, message)
        for event in events:
            at_s = (state.now_us - start_us) // 1_000_000
            if isinstance(event, Incident):
                yield f"{at_s:5d} {event.incident_id} {event.kind.value} {event.track_id or event.sensor_id or ''}"
            elif isinstance(event, Alarm):
                yield f"{at_s:5d} {event.alarm_id}.{event.revision} P{event.priority} {event.state.value}"
            elif isinstance(event, SensorHealth) and event.messages <= 1:
                yield f"{at_s:5d} {event.sensor_id} {event.state.value}"


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
