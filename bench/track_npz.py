"""Run Araz's tracker on a scenario file of the shelf's tracking bench, and write its tracks.

    python bench/track_npz.py IN.npz OUT.npz --view cart|sph [--score ../shared/bench/tracking_peers.py] [--json]

Reads what a sensor would know (scan, cart or sph, dt, noise, pd, clutter), never ``src``; ``truth`` and ``alive`` go to
the shelf's own ``score`` alone, and only when asked. The scenario's bearing counts from the x axis towards y; ours is
a compass azimuth. A track is reported from the scan on in which it more likely exists than not, the Bernoulli filter's
own estimate (``is_confirmed`` is for alarms, and asks for more). Nothing reported uses a
later scan. Compile time is not in the figures: the first ``--warm`` scans run once beforehand. Of each picture the
places reported are taken out while the clock runs, as the shelf does with its peers, and the rest is let go; the
memory is kept between scans, as the programs do (``araz.tracking.keep_memory``).

With ``--score`` a second run, off the clock, holds each reported track's covariance against its error (the nearest
target within 100 m, one to one; tracks of three updates and more): ``nees``, of position and velocity and six where
honest; ``nees_in_95``, the share of them under the 95 % quantile of six degrees of freedom; ``in_95``, the share of
targets inside the 95 % ellipse on the ground.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

from araz.tracking import init, keep_memory, step
from araz.tracking._batch import _scan, _table
from araz.vocabulary import MeasurementKind, Scan, SensorTable, TrackingSettings

FARTHEST_M = 23_000.0
"""How far the shelf's radar sees; that of a wider sky sees as far as its farthest plot."""
REPORT_EXISTENCE = 0.5
KNOWN_UPDATES, NEAR_M = 3, 100.0
STATE = [0, 2, 4, 1, 3, 5]
"""The scenario's x, vx, y, vy, z, vz as place and velocity."""


def sensor_table(scenario: dict, view: str) -> SensorTable:
    """The one radar of a scenario, at the origin, with what the scenario says a tracker may know."""
    kind = MeasurementKind.POLAR if view == "sph" else MeasurementKind.POSITION
    ranges_m = scenario["sph"][:, 2] if view == "sph" else np.linalg.norm(scenario["cart"], axis=1)
    reach_m = max(FARTHEST_M, float(ranges_m.max(initial=0.0)))
    table = _table(kind, np.zeros(3), reach_m, float(scenario["pd"]), float(scenario["lam_c"]))
    table.period_s[:] = float(scenario["dt"])
    return table


def scans_of(scenario: dict, view: str) -> list[Scan]:
    """The scenario's detections as scans, rotated to compass azimuth."""
    table, dt_s = sensor_table(scenario, view), float(scenario["dt"])
    whole = np.full((len(scenario["scan"]), 4), np.nan)
    if view == "sph":
        el, bearing, r, rate = scenario["sph"].T
        whole[:] = np.column_stack((r, np.pi / 2 - bearing, el, rate))
        sigma = scenario["sig_sph"][[2, 1, 0, 3]]
    else:
        whole[:, :3] = scenario["cart"]
        sigma = np.append(np.full(3, float(scenario["sig_cart"])), np.nan)
    bounds = np.searchsorted(scenario["scan"], np.arange(int(scenario["scan"].max(initial=0)) + 2))
    made = []
    for t in range(len(bounds) - 1):
        rows = np.arange(bounds[t], bounds[t + 1])
        times_s, sigmas = np.full(len(rows), t * dt_s), np.tile(sigma, (len(rows), 1))
        made.append(_scan(table, t * dt_s, times_s, whole[rows], sigmas, rows))
    return made


def track(scenario: dict, view: str, warm: int) -> dict:
    """Tracks of the whole scenario and the time they took."""
    scans = scans_of(scenario, view)
    state = init(sensor_table(scenario, view), TrackingSettings())
    for scan in scans[:warm]:
        state, _ = step(state, scan)
    state = init(sensor_table(scenario, view), TrackingSettings())
    ids, places = [], []
    wall, cpu = time.perf_counter(), time.process_time()
    for scan in scans:
        state, events = step(state, scan)
        shown = events.picture.existence > REPORT_EXISTENCE
        ids.append(events.picture.track_id[shown])
        places.append(events.picture.position_enu_m[shown])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    tracks = {
        "scan": np.repeat(np.arange(len(ids)), [len(rows) for rows in ids]),
        "id": np.concatenate(ids),
        "xyz": np.concatenate(places),
    }
    return {"tracks": tracks, "wall_s": wall, "cpu_s": cpu, "detections": sum(len(scan.at_us) for scan in scans)}


def honesty(scenario: dict, view: str) -> dict:
    """Squared error over covariance of six components, mean and share in its 95 % band; share in the ground ellipse."""
    state, nees, inside = init(sensor_table(scenario, view), TrackingSettings()), [], []
    for t, scan in enumerate(scans_of(scenario, view)):
        state, events = step(state, scan)
        seen = events.picture
        known = np.flatnonzero((seen.existence > REPORT_EXISTENCE) & (seen.update_count >= KNOWN_UPDATES))
        truth = scenario["truth"][t][scenario["alive"][t]][:, STATE]
        apart_m = np.linalg.norm(truth[:, None, :3] - seen.position_enu_m[known][None], axis=-1)
        for i, j in zip(*linear_sum_assignment(np.minimum(apart_m, NEAR_M) ** 2), strict=True):
            if apart_m[i, j] >= NEAR_M:
                continue
            said = np.concatenate((seen.position_enu_m[known[j]], seen.velocity_enu_mps[known[j]]))
            error, covariance = truth[i] - said, seen.covariance[known[j]]
            nees.append(error @ np.linalg.solve(covariance, error))
            inside.append(error[:2] @ np.linalg.solve(covariance[:2, :2], error[:2]) < chi2.ppf(0.95, 2))
    if not nees:
        return {}
    in_band = np.mean(np.array(nees) < chi2.ppf(0.95, 6))
    shares = {"nees_in_95": round(float(in_band), 3), "in_95": round(float(np.mean(inside)), 3)}
    return {"nees": round(float(np.mean(nees)), 2)} | shares


def shelf_score(path: Path, scenario: dict, tracks: dict) -> dict:
    """The shelf's own judgement."""
    spec = importlib.util.spec_from_file_location("tracking_peers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.score(scenario, tracks)


def main() -> None:
    """Read the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--view", choices=("cart", "sph"), default="cart")
    parser.add_argument("--score", type=Path, help="the shelf's tracking_peers.py, to judge the tracks with")
    parser.add_argument("--warm", type=int, default=100, help="scans run once before the clock starts")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    keep_memory()
    with np.load(args.scenario) as stored:
        scenario = dict(stored)
    run = track(scenario, args.view, args.warm)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, wall_s=run["wall_s"], **run["tracks"])
    line = {
        "tracker": "araz",
        "view": args.view,
        "N": int(scenario["N"]),
        "seed": int(scenario["seed"]),
        "detections": run["detections"],
        "cpu_s": round(run["cpu_s"], 3),
        "wall_s": round(run["wall_s"], 3),
        "detections_per_cpu_s": round(run["detections"] / run["cpu_s"]),
    }
    if args.score is not None:
        line |= shelf_score(args.score, scenario, run["tracks"]) | honesty(scenario, args.view)
    print(json.dumps(line) if args.json else "  ".join(f"{key} {value}" for key, value in line.items()))


if __name__ == "__main__":
    main()
