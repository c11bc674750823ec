"""What flies without a route: flocks of birds, and balloons that go with the wind. Whole nights at once, as arrays."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm
from scipy.signal import lfilter

from araz.geography import Place
from araz.simulation._course import Course
from araz.vocabulary import FloatArray, Wind

STEP_S = 0.5
TURN_RATE_RAD_S = 0.09
TURN_MEMORY_S = 8.0
HEADING_MEMORY_S = 15.0


def oscillator(rng: np.random.Generator, count: int, radius_m: float, speed_mps: float) -> FloatArray:
    """A damped oscillator pushed by noise, every ``STEP_S``: x[k] = a₁x[k−1] + a₂x[k−2] + n[k] → [count].

    a₁, a₂ are the poles of x″ = −ω²x − 2ζωx′ over one step, ω = speed / radius, ζ = 0.3; n is scaled so that the
    stationary standard deviation is ``radius_m`` (then about ``speed_mps`` in velocity). **Source** the AR(2) variance
    of Box and Jenkins.
    """
    omega, damping = speed_mps / radius_m, 0.3
    dynamics = np.array([[0.0, 1.0], [-(omega**2), -2 * damping * omega]])
    step = expm(dynamics * STEP_S)
    a1, a2 = float(np.trace(step)), -float(np.linalg.det(step))
    settle = int(6.0 / (damping * omega) / STEP_S)
    noise = rng.standard_normal(count + settle)
    raw: FloatArray = np.asarray(lfilter([0.0, 1.0], [1.0, -a1, -a2], noise), dtype=np.float64)
    variance = (1 - a2) / ((1 + a2) * ((1 - a2) ** 2 - a1**2))
    return np.asarray(raw[settle:] * (radius_m / np.sqrt(variance)), dtype=np.float64)


def wheeling(rng: np.random.Generator, count: int, spread_m: float, speed_mps: float) -> FloatArray:
    """Flight that keeps its speed and turns at random round the origin: x′ = v·u(ψ) − kx → [count, 2].

    The turn rate is an Ornstein-Uhlenbeck process (0.09 rad/s, 8 s), so headings are kept for τ ≈ 15 s;
    k = v²τ / 2 spread² holds the flight to ``spread_m`` (standard deviation each way) and changes its speed by about
    k·spread. One sample every ``STEP_S``.
    """
    keep = float(np.exp(-STEP_S / TURN_MEMORY_S))
    kick = TURN_RATE_RAD_S * np.sqrt(1 - keep**2)
    pull = speed_mps**2 * HEADING_MEMORY_S / spread_m**2 / 2
    settle = int((5 / pull + 10 * TURN_MEMORY_S) / STEP_S)
    rate = lfilter([kick], [1.0, -keep], rng.standard_normal(count + settle))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rate) * STEP_S
    ahead = np.stack([np.sin(heading), np.cos(heading)], axis=1) * speed_mps * STEP_S
    path = lfilter([1.0], [1.0, -np.exp(-pull * STEP_S)], ahead, axis=0)
    return np.asarray(path[settle:], dtype=np.float64)


def flock(
    place: Place,
    rng: np.random.Generator,
    centre_enu_m: FloatArray,
    radius_m: float,
    height_agl_m: float,
    speed_mps: float,
    members: int,
    start_s: float,
    end_s: float,
) -> list[Course]:
    """``members`` birds that wander together round a point (ENU east, north [2]) from ``start_s`` to ``end_s``.

    Each keeps its own place in the flock, some 15 m across; heights never fall below 5 m above the ground.
    """
    count = max(2, int((end_s - start_s) / STEP_S) + 1)
    leader = wheeling(rng, count, radius_m / 2, speed_mps) + centre_enu_m
    courses = []
    for _ in range(members):
        own = np.stack([oscillator(rng, count, 15.0, 1.5) for _ in range(2)], axis=1)
        plane = leader + own
        height = np.maximum(height_agl_m + oscillator(rng, count, height_agl_m / 4, 0.7), 5.0)
        up = place.terrain.ground_up_m(plane[:, 0], plane[:, 1]) + height
        position = np.column_stack([plane, up])
        courses.append(Course(start_s, STEP_S, position, np.gradient(position, STEP_S, axis=0)))
    return courses


def balloon(
    place: Place,
    rng: np.random.Generator,
    start_enu_m: FloatArray,
    height_agl_m: float,
    climb_mps: float,
    wind: Wind,
    start_s: float,
    end_s: float,
) -> Course:
    """A balloon let go at a point (ENU [2]): climbs to its height, then drifts with the wind and its gusts."""
    count = max(2, int((end_s - start_s) / STEP_S) + 1)
    to_rad = np.radians(wind.from_deg + 180.0)
    mean = wind.speed_mps * np.array([np.sin(to_rad), np.cos(to_rad)])
    clock = np.arange(count) * STEP_S
    sway = np.stack([oscillator(rng, count, 60.0, 0.6) for _ in range(2)], axis=1)
    plane = start_enu_m + clock[:, None] * mean + sway - sway[0]
    floor = place.terrain.ground_up_m(plane[:1, 0], plane[:1, 1])[0]
    up = floor + height_agl_m * (1 - np.exp(-clock * climb_mps / height_agl_m)) + oscillator(rng, count, 5.0, 0.3)
    ground = place.terrain.ground_up_m(plane[:, 0], plane[:, 1])
    position = np.column_stack([plane, np.maximum(up, ground + 2.0)])
    return Course(start_s, STEP_S, position, np.gradient(position, STEP_S, axis=0))
