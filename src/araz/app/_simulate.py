"""Scenarios to journals, and runs to scoreboards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import scenario_path, site_path
from araz.app._offline import progress_bar
from araz.app._rim import say
from araz.app._runtime import BATCH, in_batches, judge_into
from araz.app._summary import clock_text
from araz.geography import Place
from araz.sensors import read_flight
from araz.simulation import (
    Body,
    Scenario,
    Scoreboard,
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
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the flight {path}: {error.strerror}") from error
    return body_from_flight(read_flight(content, path.name), scenario, place)


def run_score(directory: Path, truth: Path, *, as_json: bool) -> int:
    """Print how well a run saw what really happened."""
    if as_json:
        say(msgspec.json.encode(scoreboard(directory, truth)).decode())
    else:
        say(score_text(directory, truth))
    return 0


def score_text(directory: Path, truth: Path) -> str:
    """Return the scoreboard of a run as a table."""
    return scoreboard_table(scoreboard(directory, truth))


def scoreboard(directory: Path, truth: Path) -> Scoreboard:
    """Return the scoreboard; judges the folder's journal first where it holds no events yet."""
    if not truth.exists():
        raise ValueError(f"there is no truth file {truth}; name one with --truth")
    if not (directory / "events.jsonl").exists():
        if not (directory / "night.journal").exists():
            raise ValueError(f"{directory} holds neither events.jsonl nor night.journal; run or simulate into it first")
        judge_into(directory / "night.journal", directory / "events.jsonl")
    with truth.open("rb") as lines:
        records = read_truth(lines)
    return score(records, _events(directory / "events.jsonl"))


def _events(path: Path) -> Iterator[Event]:
    decoder = msgspec.json.Decoder(Event)
    with path.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)
