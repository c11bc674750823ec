"""Scenarios to journals, and runs to scoreboards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from araz.app._config import SITE_SOURCE, bundle_from_file, site_bundle_of, site_from_bundle
from araz.app._data import scenario_path, site_path
from araz.app._offline import progress_bar
from araz.app._rim import bytes_of, say, wall_clock_us
from araz.app._runtime import BATCH, in_batches, judge_into
from araz.app._summary import clock_text
from araz.exchange import read_courageous
from araz.geography import Place
from araz.sensors import read_flight
from araz.simulation import (
    Body,
    Scenario,
    Scoreboard,
    Truth,
    TruthRecord,
    body_from_flight,
    encode_truth,
    read_scenario,
    read_truth,
    score,
    scoreboard_table,
    simulate,
)
from araz.store import Journal
from araz.vocabulary import Event


def run_simulate(scenario_name: str, seed: int, out: Path, site_name: str, fly: Path | None) -> int:
    """Write ``night.journal`` and ``truth.jsonl`` of a scenario into a fresh folder."""
    if (out / "night.journal").exists():
        raise ValueError(f"{out} already holds a night; choose another --out or remove it")
    bundle = bundle_from_file(site_path(site_name))
    site, place, _ = site_from_bundle(bundle)
    scenario = read_scenario(scenario_path(scenario_name).read_text(encoding="utf-8"))
    flown = [] if fly is None else [_flown(fly, scenario, place)]
    night = simulate(scenario, place, seed, flown)
    out.mkdir(parents=True, exist_ok=True)
    (out / "truth.jsonl").write_bytes(b"".join(encode_truth(record) + b"\n" for record in night.truth))
    journal, count = Journal.open(out / "night.journal"), 1
    try:
        journal.append([(scenario.start_us, SITE_SOURCE, bundle)])
        with progress_bar() as bar:
            task = bar.add_task(f"simulating {scenario.name}", total=scenario.duration_s, clock="", rate="")
            for batch in in_batches(night.messages, BATCH):
                journal.append(batch)
                count += len(batch)
                at_us = batch[-1][0]
                bar.update(task, completed=(at_us - scenario.start_us) / 1e6, clock=clock_text(at_us, site.time_zone))
    finally:
        journal.close()
    say(f"{scenario.title}: {count} messages and {len(night.truth)} truth records in {out}")
    return 0


def _flown(path: Path, scenario: Scenario, place: Place) -> Body:
    return body_from_flight(read_flight(bytes_of(path, "the flight"), path.name), scenario, place)


def run_score(directory: Path, truth: Path, *, as_json: bool, courageous: Path | None = None) -> int:
    """Print how well a run, or another system's document of a trial, saw what really happened."""
    notes: list[str] = []
    if courageous is None:
        board = scoreboard(directory, truth)
    else:
        board, notes = trial_scoreboard(directory, truth, courageous)
    if as_json:
        say(msgspec.json.encode(board).decode())
    else:
        say("\n".join([*notes, scoreboard_table(board)]))
    return 0


def score_text(directory: Path, truth: Path) -> str:
    """Return the scoreboard of a run as a table."""
    return scoreboard_table(scoreboard(directory, truth))


def _truth_records(truth: Path) -> list[TruthRecord]:
    if not truth.exists():
        raise ValueError(f"there is no truth file {truth}; name one with --truth")
    with truth.open("rb") as lines:
        return read_truth(lines)


def trial_scoreboard(directory: Path, truth: Path, document: Path) -> tuple[Scoreboard, list[str]]:
    """Return the scoreboard of a COURAGEOUS document against a folder's truth, and what to know of the document.

    The format knows no drops, claims or sensor states: the truth about those is left out, so their figures are unknown
    and not zero. Heights need the site's geoid undulation, taken from the folder's journal.
    """
    records = [record for record in _truth_records(truth) if isinstance(record, Truth)]
    site = site_bundle_of(directory / "night.journal")
    undulation_m = None if site is None else site_from_bundle(site)[0].geoid_undulation_m
    raw = bytes_of(document, "the trial document")
    night = read_courageous(raw, source=document.name, received_at_us=wall_clock_us(), undulation_m=undulation_m)
    notes = [f"{night.vendor_name}, {night.system_name}: {len(night.pictures)} seconds with something shown."]
    if undulation_m is None:
        notes.append(f"Heights are not scored: {directory} has no night.journal that says the geoid's height.")
    counts = Counter(item.reason for item in night.rejected)
    notes += [f"Not used: {count} records, {reason}." for reason, count in sorted(counts.items())]
    if night.detections:
        notes.append(f"{night.detections} detections outside tracks are not scored: they follow nothing.")
    return score(records, [*night.pictures, *night.alarms]), notes


def scoreboard(directory: Path, truth: Path) -> Scoreboard:
    """Return the scoreboard; judges the folder's journal first where it holds no events yet."""
    records = _truth_records(truth)
    if not (directory / "events.jsonl").exists():
        if not (directory / "night.journal").exists():
            raise ValueError(f"{directory} holds neither events.jsonl nor night.journal; run or simulate into it first")
        judge_into(directory / "night.journal", directory / "events.jsonl")
    return score(records, _events(directory / "events.jsonl"))


def _events(path: Path) -> Iterator[Event]:
    decoder = msgspec.json.Decoder(Event)
    with path.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)
