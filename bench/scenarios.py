"""What the judged nights say of each scenario beside the gates: tracks, names, places and ellipses.

    python bench/scenarios.py [--code HASH] [--json]

Reads the boards that ``bench/night.py`` kept, of the source that stands here or of ``--code``: rates over all sorties
of all seeds, the other columns as means over the nights that have them. The scenario with the smallest ellipse
coverage stands first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import msgspec
from night import KEPT, Night, code_state

MEANS = (
    "time_in_track", "identity_switches_per_sortie", "false_tracks_per_hour", "position_cep50_m", "position_r95_m",
    "ellipse_coverage", "gospa_m", "alarms_per_hour",
)  # fmt: skip


def row_of(name: str, nights: Sequence[Night]) -> dict[str, object]:
    """Return the row of one scenario from its nights."""
    found = sum(n.board.detection_per_sortie.hits for n in nights)
    cases = sum(n.board.detection_per_sortie.cases for n in nights)
    row: dict[str, object] = {"scenario": name, "seeds": len(nights), "found": f"{found} of {cases}"}
    for column in MEANS:
        known = [value for n in nights if (value := getattr(n.board, column)) is not None]
        row[column] = sum(known) / len(known) if known else None
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--code", help="the source that judged them (git rev-parse HEAD:src)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder = KEPT / (args.code or code_state())[:12]
    nights = [msgspec.json.decode(path.read_bytes(), type=Night) for path in sorted(folder.glob("*.json"))]
    if not nights:
        raise SystemExit(f"no judged night in {folder}: run make bench-night first, or name its source with --code")
    by_name: dict[str, list[Night]] = {}
    for night in nights:
        by_name.setdefault(night.scenario, []).append(night)
    rows = [row_of(name, own) for name, own in by_name.items()]
    rows.sort(key=lambda row: 2.0 if row["ellipse_coverage"] is None else float(str(row["ellipse_coverage"])))
    for row in rows:
        print(json.dumps(row) if args.json else row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
