"""Looking back: the smoother beside the filter, and how often areas hold the truth.

    python bench/smoothing.py [--flights 300] [--json]

Flights drawn from the tracker's own model, flights that none of its modes made, the shelf's recorded flights, and
launches in hills, each under one radar (8 m, 0.4 deg, 0.6 deg, 0.5 m/s, detection probability 0.9, a scan a second).
Coverage counts every entry of every trail; of launches, every flight once. Seeds are none of the tests'.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import chi2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "tracking"))

import smoothing_lab as lab
from tracking_lab import T0

from araz.tracking import launch_area, place_at, smooth
from araz.tracking._smooth import unpack

ROOT = Path(__file__).resolve().parent.parent
HORIZONTAL, ALL = [0, 1], list(range(6))
FIRST_SEED = 70_000
LONGEST_S = 300.0


def trails(name: str, truths: Iterator[np.ndarray], origin: Any = None) -> dict[str, object]:
    """Return the row of one kind of flight."""
    found: list[tuple[np.ndarray, ...]] = []
    between: list[float] = []
    for seed, truth in enumerate(truths):
        rng = np.random.default_rng(FIRST_SEED + seed)
        start = (0.0, 0.0, 0.0) if origin is None else tuple(origin(truth, rng))
        state, kept = lab.follow(lab.radar(origin=start), truth[: int(LONGEST_S / lab.STEP_S)], rng)
        trail = lab.longest(state, kept)
        if trail is None:
            continue
        true = truth[np.round((trail.at_us - T0) * 1e-6 / lab.STEP_S).astype(int)]
        before, after = unpack(trail.belief), smooth(trail)
        found.append((before[0] - true, before[1], after.mean - true, after.covariance))
        for at_us in (trail.at_us[:-1] + trail.at_us[1:]) // 2:
            place, cov = place_at(after, int(at_us))
            error = place - truth[round((int(at_us) - T0) * 1e-6 / lab.STEP_S)]
            between.append(float(lab.nees(error[None], cov[None], HORIZONTAL)[0]))
    filtered, filter_cov, smoothed, smooth_cov = (np.concatenate(part) for part in zip(*found, strict=True))
    inside = lab.nees(smoothed, smooth_cov, HORIZONTAL)
    return {
        "what": name,
        "flights": len(found),
        "position_rmse_m": {"filter": lab.rmse(filtered[:, :3]), "smoother": lab.rmse(smoothed[:, :3])},
        "velocity_rmse_mps": {"filter": lab.rmse(filtered[:, 3:]), "smoother": lab.rmse(smoothed[:, 3:])},
        "nees_of_6": {
            "filter": float(lab.nees(filtered, filter_cov, ALL).mean()),
            "smoother": float(lab.nees(smoothed, smooth_cov, ALL).mean()),
        },
        "filter_holds": shares(lab.nees(filtered, filter_cov, HORIZONTAL)),
        "smoother_holds": shares(inside),
        "between_scans_holds": shares(np.array(between)),
    }


def shares(value: np.ndarray) -> dict[str, float]:
    """Return how often the horizontal ellipse of 50, 90 and 95 % holds the truth."""
    return {f"{p:.0%}": round(float(np.mean(value < chi2.ppf(p, 2))), 3) for p in (0.5, 0.9, 0.95)}


def launches(count: int) -> list[dict[str, object]]:
    """Return the rows of launch areas: all, first seen climbing, first seen level."""
    rows = []
    for seed in range(count):
        rng = np.random.default_rng(FIRST_SEED + seed)
        sensors, truth = lab.masked_radar(rng), lab.launched(rng, 150.0)
        state, kept = lab.follow(sensors, truth, rng)
        trail = lab.longest(state, kept)
        if trail is None:
            continue
        smoothed = smooth(trail)
        area = launch_area(smoothed, sensors, lambda east, north: np.zeros(len(east)))
        off = truth[0, :2] - area.centre_enu_m
        distance = off @ np.linalg.inv(area.covariance) @ off
        first = round((int(trail.at_us[0]) - T0) * 1e-6 / lab.STEP_S)
        radius = [float(np.sqrt(np.sqrt(np.linalg.det(area.covariance)) * area.scale[p])) for p in (0.5, 0.9)]
        inside = [bool(distance <= area.scale[p]) for p in (0.5, 0.9)]
        rows.append(
            (*inside, *radius, np.hypot(*off), np.hypot(*(smoothed.mean[0, :2] - truth[0, :2])), truth[first, 5])
        )
    table = np.array(rows, float)
    climbing = table[:, 6] > 1.0
    kinds = (
        ("launch", climbing | True),
        ("launch, first seen climbing", climbing),
        ("launch, first seen level", ~climbing),
    )
    return [launch_row(name, table[which]) for name, which in kinds if which.any()]


def launch_row(name: str, table: np.ndarray) -> dict[str, object]:
    """Return one row of launch areas."""
    middle = np.median(table, axis=0)
    return {
        "what": name,
        "flights": len(table),
        "area_holds": {"50%": round(float(table[:, 0].mean()), 3), "90%": round(float(table[:, 1].mean()), 3)},
        "radius_m_p50": {"50%": float(middle[2]), "90%": float(middle[3])},
        "centre_off_m_p50": float(middle[4]),
        "first_place_off_m_p50": float(middle[5]),
        "off_m_mean": {"centre": float(table[:, 4].mean()), "first place": float(table[:, 5].mean())},
    }


def three_km_off(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A radar's place [3]: 3 km from the flight's middle, 20 m below its lowest."""
    angle = rng.uniform(0, 2 * np.pi)
    place = truth[:, :3].mean(axis=0) + 3000.0 * np.array([np.cos(angle), np.sin(angle), 0.0])
    place[2] = truth[:, 2].min() - 20.0
    return place


def drawn(world: Any, count: int) -> Iterator[np.ndarray]:
    """Flights of 90 s."""
    return (world(np.random.default_rng(2 * FIRST_SEED + seed), 90.0) for seed in range(count))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = [
        trails("drawn from the model", drawn(lab.as_modelled, args.flights // 4)),
        trails("made by none of the modes", drawn(lab.wander, args.flights // 4)),
    ]
    shelf = ROOT.parent / "shared"
    if (shelf / "data" / "flights").exists():
        for name, truth in lab.flown(shelf).items():
            rows.append(trails(name, iter([truth] * 3), three_km_off))
    rows += launches(args.flights)
    for row in rows:
        print(json.dumps(row) if args.json else row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
