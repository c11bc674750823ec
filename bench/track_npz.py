"""Run Araz's tracker on a scenario file of the shelf's tracking bench, and write its tracks.

    python bench/track_npz.py IN.npz OUT.npz --view cart|sph [--score ../shared/bench/tracking_peers.py] [--json]

Reads what a sensor would know (scan, cart or sph, dt, noise, pd, clutter), never ``src``; ``truth`` and ``alive`` go to
the shelf's own ``score`` alone, and only when asked. The scenario's bearing counts from the x axis towards y; ours is
a compass azimuth. A track is reported from the scan on in which it more likely exists than not, the Bernoulli filter's
own estimate (``is_confirmed`` is for alarms, and asks for more). Nothing reported uses a
later scan. Compile time is not in the figures: the first ``--warm`` scans run once beforehand.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from pathlib import Path

import numpy as np

from araz.tracking import init, step
from araz.vocabulary import MeasurementKind, Scan, SensorTable, TrackingSettings

START_US = 1_700_000_000_000_000
REPORT_EXISTENCE = 0.5


def sensor_table(scenario: dict, view: str) -> SensorTable:
    """The one radar of a scenario, at the origin, with what the scenario says a tracker may know."""
    polar = view == "sph"
    sigma = np.full((1, 4), np.nan)
    if polar:
        el, az, r, rate = scenario["sig_sph"]
        sigma[0] = r, az, el, rate
    else:
        sigma[0, :3] = float(scenario["sig_cart"])
    one = np.ones(1)
    return SensorTable(
        sensor_id=("radar",),
        kind=np.array([MeasurementKind.POLAR if polar else MeasurementKind.POSITION], np.int64),
        origin_enu_m=np.zeros((1, 3)),
        sigma=sigma,
        detection_probability=one * float(scenario["pd"]),
        clutter_per_scan=one * float(scenario["lam_c"]),
        max_range_m=one * 23_000.0,
        min_elevation_rad=one * -np.pi / 2,
        max_elevation_rad=one * np.pi / 2,
        period_s=one * float(scenario["dt"]),
        is_people=np.zeros(1, bool),
        is_claim=np.zeros(1, bool),
        visible_above_m=np.full((1, 1, 1), -np.inf, np.float32),
        raster_east_m=0.0,
        raster_north_m=0.0,
        cell_m=1.0,
    )


def scans_of(scenario: dict, view: str) -> list[Scan]:
    """The scenario's detections as scans, rotated to compass azimuth."""
    polar = view == "sph"
    dt_us = round(float(scenario["dt"]) * 1e6)
    table = sensor_table(scenario, view)
    bounds = np.searchsorted(scenario["scan"], np.arange(int(scenario["scan"].max()) + 2))
    made = []
    for t in range(len(bounds) - 1):
        rows = slice(bounds[t], bounds[t + 1])
        count = bounds[t + 1] - bounds[t]
        z = np.full((count, 4), np.nan)
        if polar:
            el, bearing, r, rate = scenario["sph"][rows].T
            z[:] = np.column_stack((r, np.pi / 2 - bearing, el, rate))
        else:
            z[:, :3] = scenario["cart"][rows]
        at_us = START_US + t * dt_us
        made.append(
            Scan(
                sensor_index=0,
                kind=MeasurementKind.POLAR if polar else MeasurementKind.POSITION,
                at_us_end=at_us,
                is_complete=True,
                at_us=np.full(count, at_us, np.int64),
                z=z,
                sigma=np.tile(table.sigma, (count, 1)),
                origin_enu_m=np.zeros((count, 3)),
                velocity_enu_mps=np.full((count, 3), np.nan),
                claim_key=np.zeros(count, np.int64),
                rcs_dbsm=np.full(count, np.nan),
                message_seq=np.arange(count, dtype=np.int64),
            )
        )
    return made


def track(scenario: dict, view: str, warm: int) -> dict:
    """Tracks of the whole scenario and the time they took."""
    scans = scans_of(scenario, view)
    state = init(sensor_table(scenario, view), TrackingSettings())
    for scan in scans[:warm]:
        state, _ = step(state, scan)
    state = init(sensor_table(scenario, view), TrackingSettings())
    number, ids, places = [], [], []
    wall, cpu = time.perf_counter(), time.process_time()
    for t, scan in enumerate(scans):
        state, events = step(state, scan)
        picture = events.picture
        shown = picture.existence > REPORT_EXISTENCE
        ids.append(picture.track_id[shown])
        places.append(picture.position_enu_m[shown])
        number.append(np.full(len(ids[-1]), t))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    tracks = {"scan": np.concatenate(number), "id": np.concatenate(ids), "xyz": np.concatenate(places)}
    return {"tracks": tracks, "wall_s": wall, "cpu_s": cpu, "detections": sum(len(scan.at_us) for scan in scans)}


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
        line |= shelf_score(args.score, scenario, run["tracks"])
    print(json.dumps(line) if args.json else "  ".join(f"{key} {value}" for key, value in line.items()))


if __name__ == "__main__":
    main()
