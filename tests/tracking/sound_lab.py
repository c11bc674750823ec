"""Bearings by ear: exact ones of a straight flight, and the textbook update by one, written without the tracker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from tracking_lab import BEARING, scan

from araz.vocabulary import Scan, SensorTable

SOUND_MPS = 340.3


def heard_from(position: Any, velocity: Any, ear: Any, speed: float = SOUND_MPS) -> tuple[np.ndarray, float]:
    """Where a straight flight was when the sound heard now left it, and how long ago: the root of |d - v t| = c t."""
    d, v = np.asarray(position, float) - ear, np.asarray(velocity, float)
    longest = np.linalg.norm(d) / (speed - np.linalg.norm(v)) + 1.0
    late = brentq(lambda t: np.linalg.norm(d - v * t) - speed * t, 0.0, longest, xtol=1e-12)
    return np.asarray(position, float) - v * late, float(late)


def late_bearing(state: Any, ear: Any, speed: float = SOUND_MPS) -> np.ndarray:
    """Azimuth and elevation [2] heard now of a target in state [6]."""
    place, _ = heard_from(state[:3], state[3:], ear, speed)
    east, north, up = place - ear
    return np.array([np.arctan2(east, north), np.arctan2(up, np.hypot(east, north))])


def late_update(
    x: Any, p: Any, z: Any, sigma: Any, ear: Any, speed: float = SOUND_MPS
) -> tuple[np.ndarray, np.ndarray]:
    """Extended Kalman update [6], [6, 6] by one late bearing, its Jacobian by finite differences."""
    step = np.array([1e-2] * 3 + [1e-4] * 3)
    jac = np.stack(
        [(late_bearing(x + d, ear, speed) - late_bearing(x - d, ear, speed)) / (2 * d.sum()) for d in np.diag(step)],
        axis=1,
    )
    s = jac @ p @ jac.T + np.diag(np.square(sigma))
    gain = p @ jac.T @ np.linalg.inv(s)
    nu = np.asarray(z) - late_bearing(x, ear, speed)
    nu[0] = np.angle(np.exp(1j * nu[0]))
    return x + gain @ nu, p - gain @ s @ gain.T


def heard_scan(
    sensors: SensorTable, s: int, at_s: float, position: Any, velocity: Any, noise: Any = (0.0, 0.0)
) -> Scan:
    """The scan of an ear at ``at_s`` of a target that flies straight through ``position`` at that time."""
    z = late_bearing(np.concatenate([position, velocity]), sensors.origin_enu_m[s]) + noise
    bare = scan(sensors, s, at_s, [z], kind=BEARING, complete=False)
    return replace(bare, propagation_mps=np.array([SOUND_MPS]))
