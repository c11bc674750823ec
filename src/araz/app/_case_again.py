"""A case computed again: each part by the software that made it, and in words what it means when that is not here.

==========================  ==================================  ===========================
part                        made by                             computed again from
==========================  ==================================  ===========================
the screens "known then"    what derived the night's records    all messages since the site
the tracks "known now"      what sealed the case                the messages of the span
==========================  ==================================  ===========================

Only what the same software makes on the same kind of processor can be compared bit for bit. Another version may place
a track some metres elsewhere; that says nothing against the case, and is never told as if it did.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from araz.app import verify_case
from araz.app._case_seal import json_lines
from araz.app._case_tracks import tracks_now
from araz.app._rim import say
from araz.app._runtime import judge
from araz.app._software import PROGRAMS, Programs, differences, in_force, name_of, programs_of, software
from araz.app._summary import clock_text
from araz.evidence import canonical_json, distance_m
from araz.vocabulary import Message, Picture, Software

#: Where something was, by time and name: latitudes and longitudes.
Places = dict[tuple[int, str], list[tuple[float, float]]]
SAME: Final = 0
ALTERED: Final = 1
NOT_COMPARED: Final = 2


class Part(StrEnum):
    """What of a case is computed again."""

    NOW = "now"
    THEN = "then"


class Found(NamedTuple):
    """How what was computed compares with the case: how many pieces, are they equal, and how they differ in words."""

    what: str
    is_same: bool
    apart: str


def compute_again(
    file: Path, files: dict[str, bytes], manifest: dict[str, Any], others: Sequence[Path], part: Part | None
) -> int:
    """Compute the parts of a case that was checked, say how each compares, and return the worst exit status.

    ``others`` are Pythons in which other versions of Araz are installed. Raises ValueError for one that has none.
    """
    programs = programs_of(files[PROGRAMS])
    pythons = [(python, _software_in(python)) for python in others]
    if part is None:
        _say_by_what(programs, manifest)
    results = []
    for one, maker in ((Part.NOW, programs.sealed), (Part.THEN, programs.judged)):
        if part not in (None, one):
            continue
        if one is Part.THEN and not manifest["whole_night"]:
            say("What was on the screen: not in this case (it holds the span alone); the station's journal has it.")
        elif maker is not None and (python := _python_of(maker, pythons)) is not None:
            done = _run(python, ["recompute", str(file.resolve()), "--part", one.value])
            say(f"With {python}:\n{(done.stdout or done.stderr).decode(errors='replace').strip()}")
            results.append(done.returncode if done.returncode in (SAME, ALTERED) else NOT_COMPARED)
        else:
            compared = _now(files, manifest) if one is Part.NOW else _then(files, manifest)
            results.append(_verdict(compared, maker))
    # 1 weighs more than 2: that something was altered must not hide behind something not compared.
    return max(results, key=lambda status: (0, 2, 1)[status], default=SAME)


def _say_by_what(programs: Programs, manifest: dict[str, Any]) -> None:
    ran = in_force(programs.ran, manifest["from_us"], manifest["to_us"])
    for one in ran:
        since = clock_text(one.from_us, manifest["time_zone"])
        say(f"The night ran by Araz {name_of(one.software)} from {since} local time on.")
    if not ran:
        say("The journal of this night does not say by which version it ran.")
    by = "a version that nobody noted" if programs.judged is None else f"Araz {name_of(programs.judged)}"
    say(f"The screens in the case were derived from the journal by {by}; it was sealed by Araz "
        f"{name_of(programs.sealed)}; this is Araz {name_of(software())}.")  # fmt: skip


def _verdict(found: Found, maker: Software | None) -> int:
    """Say what a comparison means; returns its exit status."""
    other = ["a version that nobody noted"] if maker is None else differences(maker, software())
    if found.is_same:
        by = "" if not other else f", although other software made them ({'; '.join(other)})"
        say(f"{found.what}, the same, bit for bit{by}.")
        return SAME
    if not other:
        say(f"{found.what}, NOT THE SAME although the same software made them on the same kind of processor: "
            f"{found.apart}. The case shows what its messages do not give, or this machine computes wrongly: compute "
            "it on another machine before anything is concluded.")  # fmt: skip
        return ALTERED
    name = "the version that made them" if maker is None else f"Araz {name_of(maker)}"
    say(f"{found.what}, made by other software and so not compared bit for bit ({'; '.join(other)}). Computed by the "
        f"software here, {found.apart}. This says nothing against the case; for a comparison to the last bit install "
        f"{name} and name its Python: araz case recompute CASE.zip --with PYTHON")  # fmt: skip
    return NOT_COMPARED


def _now(files: dict[str, bytes], manifest: dict[str, Any]) -> Found:
    mine = tracks_now(messages_of(files), manifest["tracks"], _shown(files))
    theirs = json.loads(files["tracks_now.json"])
    places: list[Places] = [{}, {}]
    for into, tracks in zip(places, (theirs, mine), strict=True):
        for track in tracks:
            for point in track["points"]:
                at = point["at_us"], track["track_id"]
                into.setdefault(at, []).append((point["latitude_deg"], point["longitude_deg"]))
    return Found(f"Tracks known now: {len(theirs)}", canonical_json(mine) == files["tracks_now.json"], _apart(*places))


def _then(files: dict[str, bytes], manifest: dict[str, Any]) -> Found:
    theirs = _shown(files)
    mine = [p for p in _pictures(files) if manifest["from_us"] <= p.at_us <= manifest["to_us"]]
    wanted = set(manifest["tracks"])
    places: list[Places] = [
        # By time alone: another version may number its tracks otherwise.
        {(p.at_us, ""): [(t.latitude_deg, t.longitude_deg) for t in p.tracks if names is None or t.track_id in names]
         for p in pictures}
        for pictures, names in ((theirs, wanted), (mine, None))
    ]  # fmt: skip
    is_same = json_lines(mine) == gzip.decompress(files["tracks_then.jsonl.gz"])
    return Found(f"Screens known then: {len(theirs)}", is_same, _apart(*places))


def _apart(theirs: Places, mine: Places) -> str:
    """How far what was computed lies from what the case shows, in words: for each place of it the nearest one."""
    gaps_m = [
        min(distance_m(*place, *other) for other in mine[key])
        for key, places in theirs.items() for place in places if mine.get(key)
    ]  # fmt: skip
    count = sum(map(len, theirs.values()))
    if not gaps_m:
        return f"at none of the {count} places of its tracks there is a track at the same time"
    return (
        f"at {len(gaps_m)} of the {count} places of its tracks there is a track at the same time: {gaps_m.count(0.0)} "
        f"are the same place, and the largest difference is {max(gaps_m):.2g} m"
    )


def _python_of(maker: Software, pythons: Sequence[tuple[Path, Software]]) -> Path | None:
    """A Python with the software that made a part, where this process has another; the lock counts where there are
    two of the same source.
    """
    if not differences(maker, software()):
        return None
    fitting = [item for item in pythons if item[1].source_sha256 == maker.source_sha256]
    fitting.sort(key=lambda item: item[1].lock_sha256 != maker.lock_sha256)
    return fitting[0][0] if fitting else None


def _software_in(python: Path) -> Software:
    done = _run(python, ["software"])
    try:
        return msgspec.json.decode(done.stdout, type=Software)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError(
            f"{python} runs no Araz that says what it is; give the Python of an environment in which it is installed, "
            "for example /opt/araz-0.9/bin/python"
        ) from None


def _run(python: Path, words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """``araz case …`` by another Python, which must not find this one's Araz."""
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    command = [str(python), "-P", "-m", "araz.app.cli", "case", *words]
    try:
        return subprocess.run(command, env=own, check=False, capture_output=True)
    except OSError as error:
        raise ValueError(f"{python} cannot be run ({error}); give the path of a python program") from None


def case_files(data: bytes) -> dict[str, bytes]:
    """The files of a case that was checked."""
    return {member.name: member.data for member in verify_case._by_directory(data) or []}


def messages_of(files: dict[str, bytes]) -> Iterator[Message]:
    """The messages of a case, in order."""
    for entry in verify_case.entries_of(files[verify_case.MESSAGES]):
        yield Message(seq=entry.seq, received_at_us=entry.at_us, source=entry.source, payload=entry.payload)


def _shown(files: dict[str, bytes]) -> list[Picture]:
    pictures = msgspec.json.Decoder(Picture)
    return [pictures.decode(line) for line in gzip.decompress(files["tracks_then.jsonl.gz"]).splitlines()]


def _pictures(files: dict[str, bytes]) -> Iterator[Picture]:
    for events in judge(messages_of(files)):
        yield from (event for event in events if isinstance(event, Picture))
