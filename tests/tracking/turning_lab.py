"""Two radars that turn over one drone: every plot as old as its azimuth makes it, and a picture each second."""

from __future__ import annotations

from typing import Any

import numpy as np
from smoothing_lab import STEP_S
from tracking_lab import POLAR, T0, polar_of, scan, table

from araz.tracking import init, predict_picture, step
from araz.vocabulary import TrackingSettings

NEAR = {"kind": POLAR, "pd": 0.9, "clutter": 0.05, "range_m": 8000.0, "period": 1.0}
FAR = {"kind": POLAR, "pd": 0.85, "clutter": 0.05, "range_m": 18000.0, "period": 2.5}
SIGMA = ((8.0, np.radians(0.4), np.radians(0.8), 0.5), (15.0, np.radians(0.3), np.radians(1.0), 0.5))
SETTLED_S, ITS_OWN_M = 10.0, 150.0


def _radars(truth: np.ndarray, rng: np.random.Generator) -> Any:
    """A near radar 3 km and a far one 5.5 km from the middle of a flight [K, 6], below its lowest."""
    middle, rows = truth[:, :3].mean(axis=0), []
    angle = rng.uniform(0, 2 * np.pi)
    for row, sigma, reach in zip((NEAR, FAR), SIGMA, (3000.0, 5500.0), strict=True):
        away = middle[:2] + reach * np.array([np.cos(angle), np.sin(angle)])
        rows.append({**row, "sigma": sigma, "origin": (*away, truth[:, 2].min() - 20.0)})
        angle += rng.uniform(1, 4)
    return table(*rows)


def _turns(sensors: Any, s: int, truth: np.ndarray, rng: np.random.Generator) -> list[tuple[float, int, list, float]]:
    """Of each turn of one radar: when it ends, whose it is, its plots, and how old they are then."""
    period, found = float(sensors.period_s[s]), []
    begin = rng.uniform(0, period)
    while begin + period <= (len(truth) - 1) * STEP_S:
        k = int(begin / STEP_S)
        azimuth = polar_of(truth[k, :3], truth[k, 3:], sensors.origin_enu_m[s])[1]
        mark = round((begin + period) / STEP_S)
        k = min(round((begin + azimuth / (2 * np.pi) * period) / STEP_S), mark)
        z = polar_of(truth[k, :3], truth[k, 3:], sensors.origin_enu_m[s]) + rng.normal(0, 1, 4) * SIGMA[s]
        is_seen = rng.random() < sensors.detection_probability[s]
        found.append((mark * STEP_S, s, [z] if is_seen else [], (mark - k) * STEP_S))
        begin += period
    return found


def turning_run(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of each second of a flight [K, 6]: squared error on the ground (m^2), and in units of its covariance [S, 2]."""
    sensors = _radars(truth, rng)
    state, second, rows = init(sensors, TrackingSettings()), SETTLED_S, []
    turns = [*_turns(sensors, 0, truth, rng), *_turns(sensors, 1, truth, rng)]
    for mark, s, z, old in sorted(turns, key=lambda turn: turn[:2]):
        while second < mark:
            picture = predict_picture(state, T0 + round(second * 1e6))
            gap = (picture.position_enu_m - truth[round(second / STEP_S), :3])[picture.is_confirmed, :2]
            if len(gap) and np.hypot(*gap.T).min() < ITS_OWN_M:
                i = int(np.hypot(*gap.T).argmin())
                cov = picture.covariance[picture.is_confirmed][i, :2, :2]
                rows.append((gap[i] @ gap[i], gap[i] @ np.linalg.solve(cov, gap[i])))
            second += 1.0
        state, _ = step(state, scan(sensors, s, mark, z, back_s=old))
    return np.array(rows).reshape(-1, 2)
