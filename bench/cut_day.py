"""A whole day's cut between posts and centre: is the fused history that of an uncut day, and what does it cost?

    python bench/cut_day.py [--every 10] [--json]

Two posts are cut off for 24 h and 235 s. In that time a drone drops its load in the first minutes, and the same again a
day later; between them the sky is empty and the posts' radars turn (a mark each ``--every`` seconds). After rejoining,
the centre judges all of it again and appends one correction. Held against a centre whose line was never cut: the same
incidents in the air, of the same kinds. ``untouched``: nothing said before was edited. Seconds are of the processor.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from araz.app._config import site_from_bundle
from araz.sensors import encode_asterix_034
from araz.vocabulary import Incident, IncidentKind, SensorKind

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from araz_posts import SECOND_US, chain_of, night_over
from cut_chain import BEGIN_S, CUT_S, END_S, POSTS, REJOIN_S, Chain

ROOT = Path(__file__).resolve().parent.parent
#: What is said of sensors and of what they leave unwatched.
SENSORS = (IncidentKind.SENSOR_SILENT, IncidentKind.COVERAGE_LOST, IncidentKind.COVERAGE_RESTORED)
#: A flight shifted by this much says the same time of day in its bytes.
DAY_S = 86_400


def two_days(site_file: Path, every_s: int) -> tuple[Path, int, bytes, list[tuple[int, str, bytes]]]:
    """The night of the tests, a quiet day, and the same night again."""
    start_us, bundle, flight = night_over(site_file, BEGIN_S, END_S)
    radars = [one for one in site_from_bundle(bundle)[0].sensors if one.kind is SensorKind.RADAR]
    quiet = []
    for second in range(END_S - BEGIN_S, DAY_S, every_s):
        at_us = start_us + second * SECOND_US
        for radar in radars:
            sac, sic = (int(part) for part in radar.wire_id.split("/"))
            quiet.append((at_us, radar.feed, encode_asterix_034(sac, sic, (at_us / 1e6) % DAY_S)))
    again = [(at_us + DAY_S * SECOND_US, feed, data) for at_us, feed, data in flight]
    return site_file, start_us, bundle, [*flight, *quiet, *again]


def measure(every_s: int) -> dict[str, Any]:
    """Both centres over the same two days."""
    length_s = END_S - BEGIN_S
    beats = [*range(length_s + 1), *range(length_s + 1, DAY_S, every_s), *range(DAY_S, DAY_S + length_s + 1)]
    with tempfile.TemporaryDirectory() as name:
        night = two_days(chain_of(Path(name) / "site", POSTS), every_s)
        spent = [time.process_time()]
        whole = Chain(Path(name) / "whole", night, beats_s=beats)
        spent.append(time.process_time())
        cut = Chain(Path(name) / "cut", night, cut_s=(CUT_S, DAY_S + REJOIN_S), beats_s=beats)
        spent.append(time.process_time())
        before = list(cut.events)
        found = cut.correct()
        spent.append(time.process_time())
        known, uncut = flown(cut), flown(whole)
        off_s = [abs(one.at_us - two.at_us) / 1e6 for one, two in zip(known, uncut, strict=False)]
        late = [one for one in cut.events[len(before) :] if isinstance(one, Incident)]
        row = {
            "cut_h": round((DAY_S + REJOIN_S - CUT_S) / 3600, 2),
            "late_messages": sum(len(list(late_of(journal))) for journal in cut.journals.values()),
            "told_then": sum(isinstance(one, Incident) for one in before),
            "appended": len(late),
            "untouched": cut.events[: len(before)] == before,
            "known_as_uncut": [(one.kind, one.sensor_id) for one in known] == [(o.kind, o.sensor_id) for o in uncut],
            "drops_known": sum(one.kind.value == "drop" for one in known),
            "kinds": [[one.kind.value for one in some] for some in (known, uncut)],
            "largest_time_off_s": round(max(off_s), 1),
            "live_cpu_s": [round(spent[1] - spent[0], 1), round(spent[2] - spent[1], 1)],
            "correction_cpu_s": round(spent[3] - spent[2], 1),
            "correction_bytes": len(json.dumps([str(one) for one in found.incidents])),
        }
        whole.night.close()
        cut.night.close()
    return row


def flown(chain: Chain) -> list[Incident]:
    """What happened in the air and was heard, as known now; how the sensors stood is counted with what was appended."""
    return [one for one in chain.known() if one.kind not in SENSORS]


def late_of(journal: Path) -> list[int]:
    """Times of a post's messages."""
    from araz.store import read_journal

    return [message.received_at_us for message in read_journal(journal)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=10, help="seconds between two marks of a quiet radar")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    row = measure(given.every)
    print(json.dumps(row) if given.json else row, flush=True)


if __name__ == "__main__":
    main()
