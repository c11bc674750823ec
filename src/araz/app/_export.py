"""``araz export``: an archived night in other systems' words."""

from __future__ import annotations

import heapq
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from araz.app._config import site_bundle_of, site_from_bundle
from araz.app._logs import night_file, pictures_of
from araz.app._rim import say
from araz.app._views import view_of_journal
from araz.exchange import Place3d, courageous_of, csv_of_tracks, geojson_of, misp_event, output_init, output_step
from araz.geography import Place
from araz.store import Records
from araz.vocabulary import Alarm, Decision, Event, ExportFormat, Incident, Output, OutputFormat


def run_export(folder: Path, format: ExportFormat, out: Path | None, site: str, service: str = "") -> int:
    """Write the tracks, areas and orders of a night's folder; to standard output without ``out``.

    ``service``: what that service may see, computed again from the journal; empty: all.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; give the --out of araz run or araz watch")
    if service:
        with tempfile.TemporaryDirectory() as home:
            seen = view_of_journal(folder / "night.journal", service, Path(home))
            return run_export(folder if seen is None else seen, format, out, site)
    # Before --out is opened, so that a wrong folder costs no file.
    night_file(folder)
    place = _place_of(folder) if format is ExportFormat.COURAGEOUS else None
    if out is None:
        _write(folder, format, sys.stdout.buffer, site, place)
        return 0
    with out.open("wb") as file:
        count = _write(folder, format, file, site, place)
    what = {ExportFormat.GEOJSON: "features", ExportFormat.CSV: "lines", ExportFormat.COT: "events",
            ExportFormat.MISP: "objects", ExportFormat.COURAGEOUS: "records"}[format]  # fmt: skip
    say(f"{count} {what} written to {out}")
    return 0


def _write(folder: Path, format: ExportFormat, file: BinaryIO, site: str, place: Place | None) -> int:
    if format is ExportFormat.CSV:
        return sum(1 for line in csv_of_tracks(pictures_of(folder)) if file.write(line.encode()))
    if format is ExportFormat.GEOJSON:
        incidents, alarms, _ = _rest(folder)
        collection = geojson_of(pictures_of(folder), incidents, alarms)
        file.write(msgspec.json.encode(collection))
        return len(collection["features"])
    if place is not None:
        document, count = _courageous(folder, place)
        file.write(document)
        return count
    if format is ExportFormat.MISP:
        event, count = misp_event(pictures_of(folder), site)
        file.write(event)
        return count
    state = output_init(Output(id="export", format=OutputFormat.COT, url=""), site)
    count = 0
    for events in _in_order(folder):
        state, messages = output_step(state, events)
        for message in messages:
            file.write(message)
        count += len(messages)
    return count


def _place_of(folder: Path) -> Place:
    bundle = site_bundle_of(folder / "night.journal")
    if bundle is None:
        raise ValueError(
            f"{folder} has no night.journal that begins with a site, so nothing says where the system stood; "
            "copy the night's journal beside its events"
        )
    return site_from_bundle(bundle)[1]


def _courageous(folder: Path, place: Place) -> tuple[bytes, int]:
    site = place.site
    _, alarms, _ = _rest(folder)
    system = Place3d(
        lat=site.origin_latitude_deg,
        lon=site.origin_longitude_deg,
        height_amsl=round(site.origin_hae_m - site.geoid_undulation_m, 2),
    )

    def ground_amsl_m(latitude_deg: float, longitude_deg: float) -> float:
        enu = place.frame.to_enu(latitude_deg, longitude_deg, site.origin_hae_m)
        up = place.terrain.ground_up_m(enu[:, 0], enu[:, 1])
        hae = place.frame.to_geodetic(np.column_stack([enu[:, :2], np.atleast_1d(up)]))[2]
        return float(hae[0]) - site.geoid_undulation_m

    return courageous_of(pictures_of(folder), alarms, system, ground_amsl_m, f"Araz, {site.name}")


def _in_order(folder: Path) -> Iterator[list[Event]]:
    """Pictures, alarms and decisions in the order in which they were known."""
    _, alarms, decisions = _rest(folder)
    parts: list[Iterable[tuple[int, Event]]] = [
        [(alarm.changed_at_us, alarm) for alarm in alarms],
        [(decision.at_us, decision) for decision in decisions],
        ((picture.at_us, picture) for picture in pictures_of(folder)),
    ]
    for _, event in heapq.merge(*parts, key=lambda item: item[0]):
        yield [event]


def _rest(folder: Path) -> tuple[list[Incident], list[Alarm], list[Decision]]:
    """Incidents, every revision of the alarms, decisions."""
    path = night_file(folder)
    if path.suffix == ".sqlite":
        with Records.open(path) as store:
            return store.incidents(), store.alarm_history(), store.decisions()
    decoder = msgspec.json.Decoder(Incident | Alarm | Decision)
    kinds = (b'"type":"incident"', b'"type":"alarm"', b'"type":"decision"')
    with path.open("rb") as file:
        found = [decoder.decode(line) for line in file if any(kind in line[:40] for kind in kinds)]
    return (
        [r for r in found if isinstance(r, Incident)],
        [r for r in found if isinstance(r, Alarm)],
        [r for r in found if isinstance(r, Decision)],
    )
