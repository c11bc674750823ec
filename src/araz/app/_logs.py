"""``araz logs``: what a seized drone's card says, held against what we recorded."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import cyclopts
import msgspec
import numpy as np
from cyclopts import Parameter
from rich.progress import track as progress

from araz.app._config import bundle_from_file, site_bundle_of, site_from_bundle
from araz.app._data import EVENTS, RECORDS, site_path
from araz.app._log_findings import findings_of, plain, sightings_of, when
from araz.app._rim import say
from araz.app._runtime import judge
from araz.evidence import archive_of
from araz.geography import Place
from araz.sensors import (
    Coverage,
    Flight,
    Sightings,
    check_bands,
    claimed_at,
    coverage,
    parts_of,
    read_flight,
    sensor_table,
)
from araz.store import Records, has_records, read_journal
from araz.vocabulary import FloatArray, Picture

logs = cyclopts.App(name="logs", help="Seized drones' logs: DJI SRT and CSV, MAVLink tlog, ArduPilot bin, PX4 ulg.")

SIGHTINGS: Final = "sightings.csv"
#: Pictures are read from the database ten minutes at a time.
WINDOW_US: Final = 600_000_000


@logs.command
def show(*files: Path) -> int:
    """Print what each log holds: layout, clock, its flights, and what was left out and why.

    Example: araz logs show DJI_0042.SRT 00000171.BIN
    """
    for file in files:
        flight = _read(file)
        say(f"{file.name}: {flight.layout}; clock {flight.clock.value}; left out {flight.skipped or 'nothing'}; "
            f"{int(flight.is_suspect.sum())} suspect fixes")  # fmt: skip
        for number, part in enumerate(parts_of(flight), 1):
            height = f", up to {np.nanmax(part.height_m):.0f} m" if np.isfinite(part.height_m).any() else ""
            say(f"  flight {number}: {when(part, 'UTC')}, {part.duration_s:.0f} s, {len(part.at_us)} fixes{height}")
    return 0


@logs.command
def match(
    *files: Path,
    records: Annotated[Path | None, Parameter(help="Folder of a night: records.sqlite or events.jsonl.")] = None,
    journal: Annotated[Path | None, Parameter(help="Journal, judged again first.")] = None,
    site: Annotated[str, Parameter(name="--site", help="Site of the records; a journal brings its own.")] = "horadiz",
    json: Annotated[bool, Parameter(help="One JSON record a line, for machines.")] = False,
    learn: Annotated[bool, Parameter(help="Write the crossings to sightings.csv beside the records.")] = True,
) -> int:
    """Match logs to the archived tracks by likelihood ratio; list the flights that nobody saw; feed the coverage map.

    The clock of the card and its altitude datum are taken as unknown within bounds (docs/logs.md).

    Example: araz logs match DJI_0042.SRT --records out/night
             araz logs match card/*.BIN --journal out/night/night.journal --json
    """
    if not files:
        raise ValueError("name at least one log, for example: araz logs match DJI_0042.SRT --records out/night")
    place, pictures, home = _archive(records, journal, site)
    archive = archive_of(place, pictures)
    span = (pictures[0].at_us, pictures[-1].at_us) if pictures else (0, 0)
    shown = progress(files, "matching", disable=json)
    findings = [finding for file in shown for finding in findings_of(file.name, _read(file), place, archive, span)]
    for finding in findings:
        say(msgspec.json.encode(plain(finding)).decode() if json else finding.sentence)
    sightings, rows = sightings_of(findings, place, archive, span)
    cover = coverage(place, sensor_table(place.site, place)) if rows else None
    if cover is not None and not json:
        _say_checks(cover, sightings)
    if cover is not None and learn:
        path = home / SIGHTINGS
        _write(path, rows, sightings, claimed_at(cover, sightings))
        if not json:
            say(f"{len(rows)} crossings written to {path}: the coverage map of this folder takes them in.")
    return 0


def _read(file: Path) -> Flight:
    try:
        return read_flight(file.read_bytes(), file.name)
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error


def _archive(records: Path | None, journal: Path | None, site_name: str) -> tuple[Place, list[Picture], Path]:
    """Place and pictures of the archive, and the folder where it lies."""
    if (records is None) == (journal is None):
        raise ValueError("give either --records FOLDER or --journal FILE, so that there is an archive to match against")
    if journal is not None:
        if not journal.exists():
            raise ValueError(f"there is no journal {journal}")
        bundle = site_bundle_of(journal)
        if bundle is None:
            raise ValueError(f"{journal} does not begin with a site; use --records with --site")
        _, place, _ = site_from_bundle(bundle)
        pictures = [event for events in judge(read_journal(journal)) for event in events if isinstance(event, Picture)]
        return place, pictures, journal.parent
    assert records is not None
    # The site by which the folder's night was judged, where its journal is there; else the named one.
    bundle = site_bundle_of(records / "night.journal") or bundle_from_file(site_path(site_name))
    return site_from_bundle(bundle)[1], list(pictures_of(records)), records


def night_file(folder: Path) -> Path:
    """Return the database of a night's folder, or its event log; ValueError when it holds neither."""
    found = next((path for name in (RECORDS, EVENTS) if has_records(path := folder / name)), None)
    if found is None:
        raise ValueError(
            f"{folder} holds neither records.sqlite nor events.jsonl; araz run … --out {folder} makes them"
        )
    return found


def pictures_of(folder: Path) -> Iterator[Picture]:
    """Yield the pictures of a night's folder in order, from its database or its event log."""
    path = night_file(folder)
    if path.suffix == ".sqlite":
        with Records.open(path) as store:
            first_us, last_us = store.picture_span() or (0, -1)
            for start_us in range(first_us, last_us + 1, WINDOW_US):
                # No two pictures share a microsecond: with this limit none is thinned out.
                yield from store.pictures(start_us, start_us + WINDOW_US - 1, limit=WINDOW_US)
        return
    decoder = msgspec.json.Decoder(Picture)
    with path.open("rb") as file:
        yield from (decoder.decode(line) for line in file if b'"type":"picture"' in line[:4000])


def _say_checks(cover: Coverage, sightings: Sightings) -> None:
    for check in check_bands(cover, sightings):
        say(f"  {check.low_agl_m:.0f} to {check.high_agl_m:.0f} m above ground: {check.crossings} crossings, "
            f"the map claims {check.claimed:.2f}, seen {check.seen:.2f}")  # fmt: skip


def _write(
    path: Path, rows: Sequence[tuple[int, float, float, str]], sightings: Sightings, claimed: FloatArray
) -> None:
    """Add the crossings to the folder's table; the same crossing again replaces nothing and is not written twice."""
    known = {(row[0], row[7]) for row in _rows_of(path)}
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(HEAD)
        for k, (at_us, latitude, longitude, log) in enumerate(rows):
            if (str(at_us), log) in known:
                continue
            place_m = (f"{sightings.east_m[k]:.1f}", f"{sightings.north_m[k]:.1f}", f"{sightings.height_agl_m[k]:.1f}")
            seen = int(sightings.is_seen[k])
            writer.writerow([at_us, f"{latitude:.7f}", f"{longitude:.7f}", *place_m, seen, log, f"{claimed[k]:.3f}"])


HEAD: Final = (
    "at_us",
    "latitude_deg",
    "longitude_deg",
    "east_m",
    "north_m",
    "height_agl_m",
    "is_seen",
    "log",
    "claimed",
)


def _rows_of(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.reader(file) if len(row) == len(HEAD) and row[0] != HEAD[0]]


def read_sightings(folder: Path) -> Sightings:
    """The crossings that ``araz logs match`` left in a folder; none where there is no table."""
    rows = _rows_of(folder / SIGHTINGS)
    table = np.asarray([[float(row[k]) for k in (3, 4, 5, 6)] for row in rows], dtype=np.float64).reshape(-1, 4)
    return Sightings(table[:, 0], table[:, 1], table[:, 2], table[:, 3] > 0)
