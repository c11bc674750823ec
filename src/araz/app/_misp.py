"""``araz misp``: drones that another organisation shared, held against a night of one's own."""

from __future__ import annotations

import datetime as dt
import sys
from collections import defaultdict
from pathlib import Path

from araz.app._logs import pictures_of
from araz.app._rim import bytes_of, say, wall_clock_us
from araz.exchange import SharedSighting, read_misp


def run_misp(file: Path, night: Path | None) -> int:
    """Print the drones of a file, one a line, and those that were here too; ends with 1 when an object was refused."""
    told = read_misp(bytes_of(file, "the MISP event"), source=file.name, received_at_us=wall_clock_us())
    sightings = defaultdict[str, list[SharedSighting]](list)
    for one in told.sightings:
        sightings[one.identity].append(one)
    here = {} if night is None else claims_of(night)
    notes = {one.serial: " ".join(filter(None, (one.maker, one.model))) for one in told.drones}
    say(f"{file.name}: {len(told.sightings)} sightings and {len(told.drones)} drones; {told.others} other objects")
    for identity in sorted(set(sightings) | set(notes)):
        say(_line(identity, notes.get(identity, ""), sightings.get(identity, []), here.get(identity)))
    sys.stderr.write("".join(f"{item.detail}\n" for item in told.rejected))
    return 1 if told.rejected else 0


def claims_of(night: Path) -> dict[str, tuple[int, int]]:
    """First and last time of each claimed identity of a night's folder."""
    seen: dict[str, tuple[int, int]] = {}
    for picture in pictures_of(night):
        for track in picture.tracks:
            if track.claim is not None:
                identity = track.claim.partition(":")[2]
                seen[identity] = (seen.get(identity, (picture.at_us,))[0], picture.at_us)
    return seen


def _line(identity: str, make: str, seen: list[SharedSighting], here: tuple[int, int] | None) -> str:
    times = [one.at_us for one in seen]
    there = f"{len(seen)} sightings, {_utc(min(times))} to {_utc(max(times))}" if seen else "no sighting"
    doubt = "; they hold it for a spoof" if any(one.confidence == 0 for one in seen) else ""
    ours = "" if here is None else f"; HERE TOO, {_utc(here[0])} to {_utc(here[1])}"
    return f"  {identity}{f' ({make})' if make else ''}: {there}{doubt}{ours}"


def _utc(at_us: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_us / 1e6, dt.UTC):%Y-%m-%d %H:%M} UTC"
