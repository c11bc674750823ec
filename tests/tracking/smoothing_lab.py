"""Flights for looking back: truth made without the tracker, measured by a radar, followed, smoothed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tracking_lab import POLAR, polar_of, scan, table

from araz.geography import place_from_site
from araz.sensors import read_flight
from araz.simulation import body_from_flight, read_scenario
from araz.tracking import init, step, trail_of, trail_step, trails_init
from araz.tracking._motion import CRUISE
from araz.tracking._smooth import _motions
from araz.vocabulary import Site, TrackingSettings

ROOT = Path(__file__).resolve().parent.parent.parent
STEP_S = 0.05
HOLD_S = 30.0
"""How long a recorded flight stands still before and after, which is no part of it."""
RADAR_SIGMA = (8.0, np.radians(0.4), np.radians(0.6), 0.5)


def radar(**extra: Any) -> Any:
    """A surveillance radar as the field guide has them."""
    raster = extra.pop("raster", None)
    row = {"kind": POLAR, "pd": 0.9, "clutter": 0.05, "sigma": RADAR_SIGMA, "range_m": 8000.0}
    return table({**row, **extra}, raster=raster)


def wander(rng: np.random.Generator, duration_s: float) -> np.ndarray:
    """Legs, turns and stops of a drone [K, 6], every ``STEP_S``; none of it is one of the tracker's modes.

    A guidance law chases a heading and a speed with limits on both, and gusts push.
    """
    count = int(duration_s / STEP_S) + 1
    out = np.empty((count, 6))
    speed, heading = rng.uniform(8, 18), rng.uniform(0, 2 * np.pi)
    wanted_speed, wanted_heading, wanted_climb, climb = speed, heading, 0.0, 0.0
    where = np.r_[rng.uniform(-2500, 2500, 2) + np.array([0, 3000]), rng.uniform(60, 200)]
    gust, due = np.zeros(3), rng.uniform(5, 20)
    for k in range(count):
        if k * STEP_S > due:
            due += rng.uniform(8, 30)
            wanted_heading = heading + rng.choice([0.0, 1.0, -1.0]) * rng.uniform(0.3, 2.5)
            wanted_speed = rng.choice([0.3, rng.uniform(6, 20)], p=[0.15, 0.85])
            wanted_climb = rng.choice([0.0, rng.uniform(-2, 2)])
        turn = np.clip((wanted_heading - heading) / 1.0, -0.2, 0.2)
        heading += turn * STEP_S
        speed += np.clip((wanted_speed - speed) / 1.5, -2.5, 2.5) * STEP_S
        climb += np.clip(wanted_climb - climb, -1.0, 1.0) * STEP_S
        gust += (-gust / 4.0) * STEP_S + rng.normal(0, 0.35, 3) * np.sqrt(STEP_S)
        velocity = np.r_[speed * np.cos(heading), speed * np.sin(heading), climb] + gust * [1, 1, 0.5]
        where = where + velocity * STEP_S
        out[k] = np.r_[where, velocity]
    return out


def flown(shelf: Path) -> dict[str, np.ndarray]:
    """The shelf's recorded flights [K, 6] of half a minute and more, flown at the demo site, every ``STEP_S``."""
    place, found = _place(), {}
    scenario = read_scenario((ROOT / "scenarios" / "X0.toml").read_text("utf-8"))
    for path in sorted((shelf / "data" / "flights").rglob("*")):
        if path.suffix.lower() not in {".srt", ".tlog", ".csv", ".bin"}:
            continue
        flight = read_flight(path.read_bytes(), path.name)
        course = body_from_flight(flight, scenario, place, latitude_deg=39.46, longitude_deg=47.30).course
        at_s = np.arange(course.start_s + HOLD_S, course.end_s - HOLD_S, STEP_S)
        if len(at_s) * STEP_S >= 30.0:
            found[path.name] = np.hstack(course.at(at_s))
    return found


def _place() -> Any:
    folder = ROOT / "sites" / "horadiz"
    site = msgspec.convert(tomllib.loads((folder / "site.toml").read_text("utf-8")), Site)
    border, roads, towns = (
        json.loads((folder / name).read_text("utf-8")) for name in (site.border, site.roads, site.towns)
    )
    return place_from_site(site, border, roads, towns)


def seen_by(sensors: Any, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the radar measures of a state [6]."""
    return polar_of(truth[:3], truth[3:], sensors.origin_enu_m[0]) + rng.normal(0, 1, 4) * RADAR_SIGMA


def nees(error: np.ndarray, cov: np.ndarray, part: list[int]) -> np.ndarray:
    """Squared error in units of its covariance [K], of some of the six numbers."""
    inverse = np.linalg.inv(cov[:, part][:, :, part])
    return np.einsum("ka,kab,kb->k", error[:, part], inverse, error[:, part])


def rmse(error: np.ndarray) -> float:
    """Root mean square length of errors [K, n]."""
    return float(np.sqrt((error**2).sum(axis=1).mean()))


def follow(
    sensors: Any,
    truth: np.ndarray,
    rng: np.random.Generator,
    *,
    every_s: Any = 1.0,
    hidden: Any = None,
    watch: Any = None,
):
    """The state and trails after a radar watched ``truth``; ``every_s`` may be a range to draw from."""
    state, trails = init(sensors, TrackingSettings()), trails_init()
    at_s, last_s = 0.0, (len(truth) - 1) * STEP_S
    while at_s <= last_s:
        here = truth[round(at_s / STEP_S)]
        at_s = round(at_s / STEP_S) * STEP_S
        seen = rng.random() < 0.9 and not (hidden and hidden[0] <= at_s < hidden[1]) and is_in_view(sensors, here[:3])
        z = seen_by(sensors, here, rng)
        state, _ = step(state, scan(sensors, 0, at_s, [z] if seen else []))
        trails = trail_step(trails, state)
        if watch is not None:
            watch(state)
        at_s += every_s if np.isscalar(every_s) else rng.uniform(*every_s)
    return state, trails


def longest(state: Any, trails: Any) -> Any:
    """The trail with the most entries."""
    numbers = set(trails.trail) | set(state.confirmed_number.tolist())
    found = [one for one in (trail_of(trails, state, number) for number in numbers) if one is not None]
    return max(found, key=lambda one: len(one.at_us), default=None)


def as_modelled(rng: np.random.Generator, duration_s: float) -> np.ndarray:
    """A flight [K, 6] drawn from the tracker's own model: modes that change at their rates, each with its noise."""
    flow, noise, change = _motions(np.array([STEP_S]))
    root = np.linalg.cholesky(noise[0])
    mode, out = CRUISE, np.empty((int(duration_s / STEP_S) + 1, 6))
    heading, speed = rng.uniform(0, 2 * np.pi), rng.uniform(8, 18)
    out[0] = [
        *(rng.uniform(-2500, 2500, 2) + np.array([0, 3000])),
        rng.uniform(100, 300),
        *speed * np.array([np.cos(heading), np.sin(heading)]),
        0,
    ]
    for k in range(1, len(out)):
        mode = rng.choice(len(change[0]), p=change[0, mode])
        out[k] = flow[0, mode] @ out[k - 1] + root[mode] @ rng.normal(size=6)
    return out


def masked_radar(rng: np.random.Generator) -> Any:
    """A radar in hills: what it sees begins at an angle of 0 to 3 degrees that changes with the direction."""
    half, cell = 80, 100.0
    east, north = np.meshgrid(np.arange(-half, half + 1) * cell, np.arange(-half, half + 1) * cell)
    azimuth, reach = np.arctan2(east, north), np.hypot(east, north)
    shape = sum(rng.normal() * np.cos((m * azimuth) + rng.uniform(0, 6.3)) for m in (1, 2, 3, 5)) / 2.0
    mask = np.radians(np.clip(0.9 + 0.9 * shape, 0.0, 3.0))
    return radar(
        raster=np.where(reach > 300.0, 10.0 + reach * np.tan(mask), -1e9).astype(np.float32), origin=(0.0, 0.0, 10.0)
    )


def launched(rng: np.random.Generator, duration_s: float = 120.0) -> np.ndarray:
    """A flight [K, 6] from the ground (up 0): up to its height, straight or leaning, then legs with bends in them."""
    reach, azimuth = rng.uniform(1500, 6000), rng.uniform(0, 2 * np.pi)
    where = np.array([reach * np.sin(azimuth), reach * np.cos(azimuth), 0.0])
    height, climb, speed = rng.uniform(40, 150), rng.uniform(2.0, 6.0), rng.uniform(8, 18)
    heading, lean = rng.uniform(0, 2 * np.pi), rng.choice([0.0, rng.uniform(0.2, 0.9)])
    out, now, up, due, wanted = np.empty((int(duration_s / STEP_S) + 1, 6)), 0.0, 0.0, rng.uniform(15, 60), heading
    gust = np.zeros(3)
    for k in range(len(out)):
        is_up = where[2] >= height
        if k * STEP_S > due:
            due += rng.uniform(15, 60)
            wanted = heading + rng.uniform(-1.2, 1.2)
        heading += np.clip(wanted - heading, -0.15, 0.15) * STEP_S
        now += np.clip((speed if is_up else lean * speed) - now, -2.5, 2.5) * STEP_S
        up += np.clip((0.0 if is_up else climb) - up, -2.0, 2.0) * STEP_S
        gust += (-gust / 4.0) * STEP_S + rng.normal(0, 0.3, 3) * np.sqrt(STEP_S)
        velocity = np.array([now * np.sin(heading), now * np.cos(heading), up]) + gust * [1, 1, 0.3]
        where = np.maximum(where + velocity * STEP_S, [-np.inf, -np.inf, 0.0])
        out[k] = np.r_[where, velocity]
    return out


def is_in_view(sensors: Any, where: np.ndarray) -> bool:
    """Whether the radar's raster lets it see a place."""
    raster, half = sensors.visible_above_m[0], (sensors.visible_above_m.shape[1] - 1) // 2
    column, row = (round(float(c) / sensors.cell_m) + half for c in where[:2])
    if not (0 <= row < len(raster) and 0 <= column < len(raster)):
        return bool(np.linalg.norm(where - sensors.origin_enu_m[0]) <= sensors.max_range_m[0])
    return bool(where[2] >= raster[row, column])
