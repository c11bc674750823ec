"""A short chain of posts and one night over it, shared by the tests of posts and their bench."""

from __future__ import annotations

import re
from pathlib import Path

from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import data_dir, scenario_path
from araz.simulation import read_scenario, simulate
from araz.store import Journal

SECOND_US = 1_000_000


def chain_of(folder: Path, keep: list[str]) -> Path:
    """Write the shipped chain with these posts only; return the site file."""
    shipped = data_dir("sites") / "chain" / "site.toml"
    head, *parts = re.split(r"(?=# -+ post P\d\d\n)", shipped.read_text())
    people = parts[-1][parts[-1].index('[[sensors]]\nid = "people"') :]
    kept = [part.removesuffix(people) for part in parts if re.match(r"# -+ post (P\d\d)", part)[1] in keep]
    text = (head + "".join(kept) + people).replace("../horadiz", str(data_dir("sites") / "horadiz"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(text)
    return folder / "site.toml"


def night_over(site_file: Path, from_s: float, to_s: float) -> tuple[int, bytes, list[tuple[int, str, bytes]]]:
    """A heavy drone that crosses near P06 and drops its load: start (µs), site bundle, arrivals of a span of it."""
    bundle = bundle_from_file(site_file)
    _, place, _ = site_from_bundle(bundle)
    text = scenario_path("C1").read_text().replace("duration_s = 1500.0", f"duration_s = {to_s}")
    scenario = read_scenario(text)
    start_us = scenario.start_us
    span = [
        one
        for one in simulate(scenario, place, 3, []).messages
        if start_us + from_s * SECOND_US <= one[0] < start_us + to_s * SECOND_US
    ]
    return start_us + int(from_s * SECOND_US), bundle, span


def post_journal(folder: Path, start_us: int, bundle: bytes, arrivals: list[tuple[int, str, bytes]]) -> Path:
    """A post's journal of these arrivals; its tick each second is left out."""
    with Journal.open(folder / "night.journal") as journal:
        journal.append([(start_us, SITE_SOURCE, bundle), *arrivals])
    return folder / "night.journal"
