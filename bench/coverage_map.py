"""Is the coverage map true: flights through its cells, at its heights, through the real pipeline.

    python bench/coverage_map.py [--nights 60] [--seed 1] [--workers 1] [--json]

Every night has one layout (the Horadiz sector or a random one: ridges, radars, posts), one state of health and
weather, and some forty flights of thirty seconds, each through a random cell at a random height of its band, drawn so
that every decile of the map's claim is met. ``claimed`` is the mean of the map's ``tracked`` over the flights of a row,
``measured`` the share of them on which the pipeline showed a confirmed track (within 150 m) before the thirty seconds
were over, with its 95 % interval (Wilson). Flights, sensors and clutter come from the simulator, whose radar is the
same formula with an exact ray to the target in place of the map's raster: what is judged is the map's cells, bands and
dwell, and the step from looks to tracks; not whether a real radar keeps its data sheet.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._runtime import judge
from araz.geography import Place
from araz.sensors import BANDS_AGL_M, Coverage, coverage, sensor_table
from araz.simulation import rate, read_scenario, simulate
from araz.vocabulary import (
    Message,
    Picture,
    Quarry,
    SensorHealth,
    SensorState,
    SensorTable,
    Site,
    Weather,
)

ROOT = Path(__file__).resolve().parent.parent
DWELL_S = 30.0
WAVE_S = 75.0
WAVES = 6
APART_M = 2500.0
NEAR_M = 150.0
SPEED_MPS = 15.0
DECILES = np.linspace(0.0, 1.0, 11)
QUARRIES = {
    "heavy": (Quarry(), "multirotor"),
    "small": (Quarry(name="small quad", rcs_dbsm=-15.0, acoustic_range_m=250.0), "quad"),
}


class Flown(NamedTuple):
    """One flight: where it belongs in the tables, what the map claimed, whether a track was shown."""

    band: int
    layout: str
    condition: str
    quarry: str
    claimed: float
    is_tracked: bool


class Case(NamedTuple):
    """One night's world."""

    bundle: bytes
    site: Site
    place: Place
    table: SensorTable
    layout: str
    condition: str
    health: dict[str, SensorHealth] | None
    faults: str


def messages_of(start_us: int, bundle: bytes, arrivals: Iterable[tuple[int, str, bytes]]) -> Iterator[Message]:
    """A night's messages as its journal would hold them, the site first."""
    for seq, (at_us, source, payload) in enumerate(chain([(start_us, SITE_SOURCE, bundle)], arrivals)):
        yield Message(seq=seq, received_at_us=at_us, source=source, payload=payload)


def record(name: str, state: SensorState) -> SensorHealth:
    """A health record that says only the state."""
    return SensorHealth(
        sensor_id=name, at_us=0, state=state, sentence="", last_heard_us=None, messages=0, observations=0, rejects=0,
        reject_reasons={},
    )  # fmt: skip


def random_site(site: Site, rng: np.random.Generator) -> str:
    """TOML lines that move the sensors and the ridges of the Horadiz file to random places, with random qualities."""
    text = (ROOT / "sites" / "horadiz" / "site.toml").read_text()
    head, _, rest = text.partition("[[terrain.ridges]]")
    rest = "[wind]" + rest.partition("[wind]")[2]
    ridges = []
    for _ in range(int(rng.integers(2, 6))):
        lon, lat = (
            site.origin_longitude_deg + rng.uniform(-0.1, 0.1),
            site.origin_latitude_deg + rng.uniform(-0.08, 0.08),
        )
        turn = rng.uniform(0, np.pi)
        step = rng.uniform(0.005, 0.03) * np.array([np.cos(turn), np.sin(turn)])
        ridges.append(
            f"[[terrain.ridges]]\ncrest = [[{lon:.5f}, {lat:.5f}], [{lon + step[0]:.5f}, {lat + step[1]:.5f}]]\n"
            f"height_m = {rng.uniform(30, 160):.0f}\nhalf_width_m = {rng.uniform(400, 1200):.0f}\n"
        )
    out = []
    for part in (head + "\n".join(ridges) + "\n" + rest).split("[[sensors]]"):
        if 'kind = "radar"' in part and "wire_id" in part:
            for key, low, high, digits in (
                ("max_range_m", 5000, 14000, 0), ("detection_probability", 0.6, 0.95, 2),
                ("period_s", 1.0, 3.0, 1), ("clutter_per_scan", 1, 12, 0), ("height_agl_m", 8, 25, 0),
            ):  # fmt: skip
                part = swap(part, key, f"{rng.uniform(low, high):.{digits}f}")
            part = swap(part, "latitude_deg", f"{site.origin_latitude_deg + rng.uniform(-0.05, 0.05):.5f}")
            part = swap(part, "longitude_deg", f"{site.origin_longitude_deg + rng.uniform(-0.07, 0.07):.5f}")
        out.append(part)
    return "[[sensors]]".join(out)


def swap(text: str, key: str, value: str) -> str:
    """Set a key of one TOML table."""
    lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in text.split("\n")]
    return "\n".join(lines)


def case_of(seed: int) -> Case:
    """One night's world: every other layout is random; health and weather in turn."""
    rng = np.random.default_rng([seed, 7])
    bundle = bundle_from_file(ROOT / "sites" / "horadiz" / "site.toml")
    layout = "horadiz"
    if seed % 2:
        layout = "random"
        parts = msgspec.json.decode(bundle)
        parts["site_toml"] = random_site(site_from_bundle(bundle)[0], rng)
        bundle = msgspec.json.encode(parts)
    site, place, _ = site_from_bundle(bundle)
    condition, health, faults = "all well", None, ""
    if seed // 2 % 3 == 1:
        dead = ["radar-1", "radar-2"][seed // 6 % 2]
        condition = "one radar dead"
        states = {s.id: SensorState.SILENT if s.id == dead else SensorState.OK for s in site.sensors}
        health = {name: record(name, state) for name, state in states.items()}
        faults = f'[[faults]]\nkind = "sensor-silent"\nsensor = "{dead}"\nfrom_s = 0.0\n'
    return Case(bundle, site, place, sensor_table(site, place), layout, condition, health, faults)


def draws(case: Case, cover: Coverage, rng: np.random.Generator) -> Iterator[list[tuple[int, int, int]]]:
    """Waves of (band, row, column): cells far enough apart, the map's claim spread over its deciles."""
    bins = np.clip(np.digitize(cover.tracked, DECILES) - 1, 0, 9)
    bins[cover.tracked < 0.02] = -1
    for _ in range(WAVES):
        wave: list[tuple[int, int, int]] = []
        for decile in rng.permutation(10):
            band = int(rng.integers(len(cover.bands_agl_m)))
            found = np.argwhere(bins[band] == decile)
            if not len(found):
                continue
            row, column = found[rng.integers(len(found))]
            far = all(
                np.hypot(cover.east_m[column] - cover.east_m[c], cover.north_m[row] - cover.north_m[r]) > APART_M
                for _, r, c in wave
            )
            if far:
                wave.append((band, int(row), int(column)))
        yield wave


def night_of(
    case: Case, cover: Coverage, kind: str, rng: np.random.Generator
) -> tuple[str, list[tuple[float, int, float]]]:
    """Scenario text of a night, and (start, band, claim) of each flight."""
    actors, flights = [], []
    for number, wave in enumerate(draws(case, cover, rng)):
        for band, row, column in wave:
            start_s = 20.0 + number * WAVE_S + rng.uniform(0, 5)
            low, high = cover.bands_agl_m[band]
            height, heading = rng.uniform(low, high), rng.uniform(0, 2 * np.pi)
            jitter = rng.uniform(-0.5, 0.5, 2) * cover.cell_m
            middle = np.array([cover.east_m[column], cover.north_m[row]]) + jitter
            half = 0.5 * SPEED_MPS * DWELL_S * np.array([np.sin(heading), np.cos(heading)])
            ends = np.column_stack([[middle - half, middle + half], [0.0, 0.0]])
            latitude, longitude, _ = case.place.frame.to_geodetic(ends)
            points = "\n".join(
                f"[[actors.waypoints]]\nlatitude_deg = {latitude[k]:.7f}\nlongitude_deg = {longitude[k]:.7f}\n"
                f"height_agl_m = {height:.1f}\nspeed_mps = {SPEED_MPS}\n"
                for k in range(2)
            )
            actors.append(
                f'[[actors]]\nid = "f{len(flights):03d}"\nkind = "{kind}"\nstart_s = {start_s:.2f}\n'
                f"emits_radio = false\n{points}"
            )
            flights.append((start_s, band, float(cover.tracked[band, row, column])))
    duration = 20.0 + WAVES * WAVE_S + 10
    head = f'name = "coverage"\ntitle = "coverage"\nstart_at = 2026-03-01T20:00:00Z\nduration_s = {duration}\n'
    return head + "\n".join(actors) + case.faults, flights


def run(seed: int) -> list[Flown]:
    """One night flown and judged."""
    case = case_of(seed)
    rng = np.random.default_rng([seed, 11])
    name = list(QUARRIES)[seed // 4 % 2]
    quarry, kind = QUARRIES[name]
    cover = coverage(case.place, case.table, quarry=quarry, weather=Weather(), health=case.health, dwell_s=DWELL_S)
    text, flights = night_of(case, cover, kind, rng)
    scenario = read_scenario(text)
    night = simulate(scenario, case.place, seed)
    shown = [False] * len(flights)
    start_us = scenario.start_us
    for event in chain.from_iterable(judge(messages_of(start_us, case.bundle, night.messages))):
        if isinstance(event, Picture):
            mark(case, event, (event.at_us - start_us) / 1e6, night.bodies, flights, shown)
    return [
        Flown(band, case.layout, case.condition, name, claim, is_tracked)
        for (_, band, claim), is_tracked in zip(flights, shown, strict=True)
    ]


def mark(
    case: Case, picture: Picture, at_s: float, bodies: Any, flights: list[tuple[float, int, float]], shown: list[bool]
) -> None:
    """Note the flights with a confirmed track on them in a picture; a second of grace for the picture's own pace."""
    tracks = [track for track in picture.tracks if track.is_confirmed]
    if not tracks:
        return
    where = case.place.frame.to_enu(
        [t.latitude_deg for t in tracks], [t.longitude_deg for t in tracks], [t.altitude_hae_m for t in tracks]
    )
    for k, (start_s, _, _) in enumerate(flights):
        if shown[k] or not start_s <= at_s <= start_s + DWELL_S + 1.0:
            continue
        place = bodies[k].course.at(np.array([at_s]))[0][0]
        shown[k] = bool(np.hypot(*(where[:, :2] - place[:2]).T).min() < NEAR_M)


def row(name: str, flown: list[Flown]) -> dict[str, Any]:
    """One row of a table."""
    hits, cases = sum(f.is_tracked for f in flown), len(flown)
    claimed = float(np.mean([f.claimed for f in flown])) if flown else float("nan")
    share = rate(hits, cases)
    measured = float("nan") if share.share is None else share.share
    return {
        "row": name, "flights": cases, "claimed": claimed, "measured": measured, "low": share.low, "high": share.high,
        "off": measured - claimed,
    }  # fmt: skip


def tables(flown: list[Flown]) -> dict[str, list[dict[str, Any]]]:
    """Calibration by height band, by the map's claim, by layout, condition and target; worst first in each."""
    bands = [f"{low:.0f}-{high:.0f} m above ground" for low, high in BANDS_AGL_M]
    out = {
        "height": [row(name, [f for f in flown if f.band == k]) for k, name in enumerate(bands)],
        "claim": [
            row(f"claimed {low:.1f}-{low + 0.1:.1f}", [f for f in flown if low <= f.claimed < low + 0.1 + (low > 0.85)])
            for low in np.round(DECILES[:-1], 1)
        ],
        "condition": [row(c, [f for f in flown if f.condition == c]) for c in sorted({f.condition for f in flown})],
        "layout": [row(c, [f for f in flown if f.layout == c]) for c in sorted({f.layout for f in flown})],
        "target": [row(c, [f for f in flown if f.quarry == c]) for c in sorted({f.quarry for f in flown})],
    }
    return {name: sorted(rows, key=lambda r: -abs(r["off"]) if r["flights"] else 0.0) for name, rows in out.items()}


def main() -> None:
    """Fly, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seeds = range(given.seed * 1000, given.seed * 1000 + given.nights)
    flown: list[Flown] = []
    with ProcessPoolExecutor(given.workers) as pool:
        for number, part in enumerate(pool.map(run, seeds), 1):
            flown.extend(part)
            sys.stderr.write(f"\r{number}/{given.nights} nights, {len(flown)} flights")
    sys.stderr.write("\n")
    found = tables(flown)
    if given.json:
        for name, rows in found.items():
            for r in rows:
                print(json.dumps({"table": name, **r}))
        return
    for name, rows in found.items():
        print(f"\n{name:28}{'flights':>8}{'claimed':>9}{'measured':>10}{'95 % interval':>16}{'off':>8}")
        for r in rows:
            if r["flights"]:
                print(
                    f"{r['row']:28}{r['flights']:8d}{r['claimed']:9.3f}{r['measured']:10.3f}"
                    f"{r['low']:9.2f} to {r['high']:.2f}{r['off']:+8.3f}"
                )


if __name__ == "__main__":
    main()
