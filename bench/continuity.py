"""Names that last: behind a ridge, through a crossing of swarms, and from two sensors instead of one.

    python bench/continuity.py [--runs 60] [--json]

Every flight is drawn anew. `ridge`: one drone with turns flies 20 to 40 s in the shadow of a ridge the tracker knows;
`kept` is the share that comes out under the name it went in with, `told_hidden` the share of shadow seconds in which
the track was shown as hidden (lost behind terrain, not gone). After a third of the shadow it is told where it can
come out, in areas drawn to hold nine in ten: `area_holds` is how often one did, `area_and_time_hold` how often at the
time told too, `area_radius_m_p50` the radius of a circle as large as they. `swarms`: two swarms of four cross at an
angle; `kept` is the share of drones that bear the same name ten seconds before they meet and fifteen after. `fused`:
two radars of different quality and a pair of bearing finders; root mean square error of the fused track beside each
radar's own. `nees`: squared error of positions over covariance and its three dimensions (1 is honest; ± is 95 % of
its mean over the runs), and the share inside the 95 % ellipse on the ground. `turning`: two radars that turn in 1 s and
2.5 s over drones made by none of the tracker's modes, and pictures each second: each plot is as old as its azimuth
makes it, and the picture later still; `nees` on the ground, of two dimensions.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "tracking"))
from smoothing_lab import wander
from tracking_lab import BEARING, POLAR, T0, polar_of, scan, table
from turning_lab import turning_run

from araz.tracking import REAPPEARANCE_HOLDS, Reappearance, init, predict_picture, reappearances, step
from araz.vocabulary import SensorTable, TrackingSettings, TrackPicture

RADAR = {"kind": POLAR, "sigma": (8.0, 0.006, 0.008, 0.5), "clutter": 4.0, "range_m": 9000.0}
SHADOW_S = 30


def flight(rng: np.random.Generator, seconds: int, speed_mps: float = 15.0) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities [T, 3] of a drone that turns now and then at 4 to 12 degrees a second."""
    heading, place, turn, left = rng.uniform(-0.3, 0.3), np.array([0.0, 0.0]), 0.0, rng.uniform(5, 20)
    places, velocities = [], []
    for _ in range(seconds):
        velocity = speed_mps * np.array([np.cos(heading), np.sin(heading)])
        places.append([*place, 120.0])
        velocities.append([*velocity, 0.0])
        place, heading, left = place + velocity, heading + turn, left - 1
        if left < 0:
            turn = 0.0 if turn else np.radians(rng.uniform(4, 12)) * rng.choice([-1, 1])
            left = rng.uniform(3, 8) if turn else rng.uniform(8, 25)
    return np.array(places), np.array(velocities)


def plots(
    rng: np.random.Generator, sensors: SensorTable, s: int, where: np.ndarray, how: np.ndarray
) -> list[np.ndarray]:
    """What radar ``s`` reports of targets [K, 3]: with chance 0.9 each, and false plots."""
    seen = [
        polar_of(p, v, sensors.origin_enu_m[s]) + rng.normal(size=4) * sensors.sigma[s]
        for p, v in zip(where, how, strict=True)
        if rng.random() < sensors.detection_probability[s]
    ]
    false = rng.uniform([300, 0, 0, -25], [9000, 2 * np.pi, 0.12, 25], (rng.poisson(sensors.clutter_per_scan[s]), 4))
    return [*seen, *false]


def nearest(picture: TrackPicture, place: np.ndarray, within_m: float = 150.0) -> int:
    """Number of the confirmed track nearest a place; 0 when none is near."""
    rows = np.flatnonzero(picture.is_confirmed)
    if not len(rows):
        return 0
    gap = np.linalg.norm(picture.position_enu_m[rows, :2] - place[:2], axis=1)
    return int(picture.track_id[rows[gap.argmin()]]) if gap.min() < within_m else 0


class Ridge(NamedTuple):
    """One drone behind a ridge: did its name come out with it, share of the time told, and of the areas told.

    ``area`` and ``time``: the place and moment at which it came out lie in an area told, and in that one's time;
    ``extent_m`` is the radius of a circle as large as all areas told. Of the areas told after a third of the shadow.
    """

    kept: bool
    told: float
    area: bool
    time: bool
    extent_m: float


def came_out(found: tuple[Reappearance, ...], place: np.ndarray, at_us: int) -> tuple[bool, bool, float]:
    """Whether an area holds the place where it came out, whether its time does too, and how large all are."""
    scale, holds = -2.0 * np.log(1.0 - REAPPEARANCE_HOLDS), []
    for one in found:
        off = place[:2] - one.centre_enu_m
        if off @ np.linalg.solve(one.covariance, off) <= scale:
            holds.append(one.from_us <= at_us <= one.to_us)
    large = sum(scale * float(np.sqrt(np.linalg.det(one.covariance))) for one in found)
    return bool(holds), any(holds), float(np.sqrt(large))


def ridge_run(seed: int) -> Ridge | None:
    """One drone behind a ridge; None if it is not 20 to 40 s behind it."""
    rng = np.random.default_rng([seed, 1])
    places, velocities = flight(rng, 110)
    start = int(rng.integers(25, 40))
    places += np.array([1500.0 - places[start, 0], rng.uniform(1500, 3000), 0.0])
    cell_m, side = 50.0, 161
    axis = (np.arange(side) - side // 2) * cell_m
    low = np.full((side, side), -100.0, np.float32)
    low[:, (axis >= 1500.0) & (axis < 1500.0 + 15.0 * SHADOW_S)] = 220.0  # a ridge along the border, and its shadow
    col = np.clip(np.round((places[:, 0] + axis[-1]) / cell_m).astype(int), 0, side - 1)
    row = np.clip(np.round((places[:, 1] + axis[-1]) / cell_m).astype(int), 0, side - 1)
    masked = low[row, col] > places[:, 2]
    inside = np.flatnonzero(masked)
    if not 20 <= len(inside) <= 40 or inside[-1] - inside[0] >= len(inside) or inside[-1] > 100:
        return None
    sensors, names, told, found = table(RADAR, raster=low, cell_m=cell_m), [], 0, ()
    state = init(sensors, TrackingSettings())
    for k in range(inside[-1] + 9):
        there = [] if masked[k] else [k]
        state, events = step(state, scan(sensors, 0, k, plots(rng, sensors, 0, places[there], velocities[there])))
        names.append(nearest(events.picture, places[k]))
        if masked[k]:
            at = np.flatnonzero(events.picture.track_id == names[inside[0] - 2])
            told += int(len(at) > 0 and bool(events.picture.hidden[at[0]]))
        if k == inside[len(inside) // 3]:
            found = reappearances(state, names[inside[0] - 2], lambda east, north: np.zeros_like(east))
    before, after = names[inside[0] - 2], names[-1]
    out = inside[-1] + 1
    area, time, extent = came_out(found, places[out], T0 + int(out) * 1_000_000)
    return Ridge(before != 0 and before == after, told / len(inside), area, time, extent)


def swarm_run(seed: int) -> float:
    """Two swarms of four cross: share of drones that keep their name."""
    rng = np.random.default_rng([seed, 2])
    angle = rng.uniform(0.6, 2.4)
    ways = [np.array([15.0, 0.0, 0.0]), 15.0 * np.array([np.cos(angle), np.sin(angle), 0.0])]
    meet, seconds = np.array([2500.0, 2500.0, 120.0]), 80
    offsets = rng.normal(0, [45.0, 45.0, 12.0], (2, 4, 3))
    sensors = table({**RADAR, "sigma": (8.0, 0.003, 0.004, 0.5)})
    state, names = init(sensors, TrackingSettings()), {}
    for k in range(seconds):
        where = np.concatenate([meet + way * (k - 45) + offset for way, offset in zip(ways, offsets, strict=True)])
        how = np.repeat(ways, 4, axis=0)
        state, events = step(state, scan(sensors, 0, k, plots(rng, sensors, 0, where, how)))
        if k in (35, 60):
            names[k] = [nearest(events.picture, place, 60.0) for place in where]
    return float(np.mean([a == b != 0 for a, b in zip(names[35], names[60], strict=True)]))


def fused_run(seed: int) -> dict[str, list[float]]:
    """Errors of a drone's track from both radars and two finders, and from each radar alone."""
    rng = np.random.default_rng([seed, 3])
    places, velocities = flight(rng, 90)
    places += np.array([800.0, 1200.0, 0.0])
    finder = {"kind": BEARING, "sigma": (0.05, np.nan, np.nan, np.nan), "period": 2.0}
    worse = {**RADAR, "sigma": (20.0, 0.015, 0.02, np.nan), "origin": (3500.0, 500.0, 20.0), "period": 3.0}
    sensors = table(
        RADAR, worse, {**finder, "origin": (0.0, 3000.0, 10.0)}, {**finder, "origin": (3000.0, 3000.0, 10.0)}
    )
    states = {name: init(sensors, TrackingSettings()) for name in ("fused", "first", "second")}
    use = {"fused": (0, 1, 2, 3), "first": (0,), "second": (1,)}
    out: dict[str, list[float]] = {name: [] for name in (*states, "nees", "inside")}
    for k in range(90):
        looks = [(0, 0.0)] + [(1, 0.3)] * (k % 3 == 0) + [(2, 0.5), (3, 0.6)] * (k % 2 == 0)
        made = []
        for s, late in looks:
            place, velocity = places[k] + velocities[k] * late, velocities[k]
            if s < 2:
                made.append((s, scan(sensors, s, k + late, plots(rng, sensors, s, place[None], velocity[None]))))
            else:
                away = place - sensors.origin_enu_m[s]
                bearing = np.arctan2(away[0], away[1]) + rng.normal(0, 0.05)
                made.append((s, scan(sensors, s, k + late, [[bearing]], complete=False)))
        for name, state in states.items():
            for s, one in made:
                if s in use[name]:
                    state, _ = step(state, one)
                    states[name] = state
            if k < 15 or k % 3:  # all have looked, and settled
                continue
            picture = predict_picture(state, made[0][1].at_us_end + 600_000)  # all at one time
            now = places[k] + velocities[k] * 0.6
            rows = np.flatnonzero(picture.is_confirmed)
            if not len(rows):
                continue
            gap = picture.position_enu_m[rows] - now
            row = int(np.linalg.norm(gap[:, :2], axis=1).argmin())
            error = gap[row]
            if np.linalg.norm(error[:2]) > 250.0:
                continue
            out[name].append(float(error[:2] @ error[:2]))
            if name == "fused":
                cov = picture.covariance[rows[row]][:3, :3]
                out["nees"].append(float(error @ np.linalg.solve(cov, error)) / 3.0)
                ground = error[:2] @ np.linalg.solve(cov[:2, :2], error[:2])
                out["inside"].append(float(ground < chi2.ppf(0.95, 2)))
    return out


def measure(runs: int) -> list[dict]:
    """The page's rows."""
    ridge = [run for run in map(ridge_run, range(4 * runs)) if run is not None][:runs]
    swarms = [swarm_run(seed) for seed in range(runs)]
    fused = [fused_run(seed) for seed in range(runs)]
    every = {name: np.concatenate([run[name] for run in fused]) for name in ("fused", "first", "second", "inside")}
    rms = {name: round(float(np.sqrt(values.mean())), 1) for name, values in every.items()}
    each = np.array([np.mean(run["nees"]) for run in fused])
    turning = [
        turning_run(wander(np.random.default_rng([seed, 4]), 120.0), np.random.default_rng([seed, 5]))
        for seed in range(runs)
    ]
    every_turn, each_turn = np.concatenate(turning), np.array([run[:, 1].mean() / 2.0 for run in turning])
    return [
        {
            "what": "behind a ridge, 20 to 40 s",
            "runs": len(ridge),
            "kept": share(ridge, "kept"),
            "told_hidden": share(ridge, "told"),
            "area_holds": share(ridge, "area"),
            "area_and_time_hold": share(ridge, "time"),
            "area_radius_m_p50": round(float(np.median([run.extent_m for run in ridge]))),
        },
        {"what": "swarms of four cross", "runs": runs, "kept": round(float(np.mean(swarms)), 3)},
        {
            "what": "two radars and two finders",
            "runs": runs,
            "fused_rms_m": rms["fused"],
            "first_radar_rms_m": rms["first"],
            "second_radar_rms_m": rms["second"],
            "nees": spread(each),
            "in_95": round(float(every["inside"].mean()), 3),
        },
        {
            "what": "two radars that turn, pictures each second",
            "runs": runs,
            "fused_rms_m": round(float(np.sqrt(every_turn[:, 0].mean())), 1),
            "nees": spread(each_turn),
            "in_95": round(float(np.mean(every_turn[:, 1] < chi2.ppf(0.95, 2))), 3),
        },
    ]


def spread(each: np.ndarray) -> str:
    """Mean over the runs and 95 % of its error."""
    return f"{each.mean():.2f} ± {1.96 * each.std() / np.sqrt(len(each)):.2f}"


def share(runs: list[Ridge], name: str) -> float:
    """Mean of one of the figures."""
    return round(float(np.mean([getattr(run, name) for run in runs])), 3)


def main() -> None:
    """Read the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for line in measure(args.runs):
        print(json.dumps(line) if args.json else "  ".join(f"{key} {value}" for key, value in line.items()), flush=True)


if __name__ == "__main__":
    main()
