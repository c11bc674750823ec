"""Scenarios the shelf's generator cannot make: the same fields, other skies.

`generate(variant, targets, seed, scans)` returns what `../shared/bench/tracking_peers.py gen` would write to an
.npz, and beside it ``true_sig_cart`` and ``true_sig_sph``, the noise that was drawn where the stated one is wrong.
Only the known-association bound may read those, ``truth``, ``alive``, ``omega`` and ``src``. The base variant draws
from the same distributions as the shelf's generator, from other random numbers.

Every target is simulated in steps of one second and seen in every ``every_s``-th of them. A group (one target, or a
swarm of five) shares one plan: a turn rate, an acceleration and a wish to stand still for each second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SIDE_M = np.array([[-10e3, 10e3], [500.0, 20.5e3], [0.0, 1000.0]])
SIGMA_CART_M = 10.0
SIGMA_SPH = np.array([np.deg2rad(0.1), np.deg2rad(0.1), 5.0, 0.5])
NOISE, NOISE_UP = 0.05, 0.01
SWARM, SPACING_M = 5, np.array([60.0, 60.0, 20.0])
SWARM_CHANCE = 0.5 / SWARM / (0.5 / SWARM + 0.5)
HOT_SHARE, HOT_HALF_M = 0.3, 1000.0


@dataclass(frozen=True)
class Variant:
    """What differs from the shelf's scenario."""

    name: str
    words: str
    pd: float = 0.9
    clutter: float = 100.0
    every_s: int = 1
    noise_factor: float = 1.0
    speed_mps: tuple[float, float] = (10.0, 30.0)
    stops: bool = False


VARIANTS = (
    Variant("base", "the shelf's distributions, other random numbers"),
    Variant("pd-0.7", "detection probability 0.7", pd=0.7),
    Variant("clutter-300", "300 false plots a scan", clutter=300.0),
    Variant("every-3-s", "a scan every 3 s", every_s=3),
    Variant("stops", "targets brake, hover, go on another way or straight back", stops=True),
    Variant("40-mps", "36 to 44 m/s, the same turn rates", speed_mps=(36.0, 44.0)),
    Variant("noise-x2", "noise twice as stated", noise_factor=2.0),
    Variant("noise-half", "noise half as stated", noise_factor=0.5),
)


class Plan(NamedTuple):
    """A group's wishes for each second [T]: turn rate rad/s, acceleration m/s² [T, 2], standing still."""

    turn: np.ndarray
    push: np.ndarray
    hold: np.ndarray


class Sky(NamedTuple):
    """Truth at each second: state x, vx, y, vy, z, vz [T, N, 6], alive [T, N], turn rate [T, N]."""

    truth: np.ndarray
    alive: np.ndarray
    turn: np.ndarray


def generate(variant: Variant, targets: int, seed: int, scans: int = 100) -> dict[str, np.ndarray]:
    """Return the fields of a scenario file; equal arguments give equal arrays."""
    rng = np.random.default_rng([seed, targets, *variant.name.encode()])
    whole = simulate(rng, variant, targets, scans * variant.every_s)
    sky = Sky(*(part[:: variant.every_s] for part in whole))
    fields = observe(rng, variant, sky)
    fields |= {"truth": sky.truth, "alive": sky.alive, "omega": sky.turn}
    numbers = {
        "dt": float(variant.every_s),
        "pd": variant.pd,
        "lam_c": variant.clutter,
        "vol": float(np.prod(SIDE_M[:, 1] - SIDE_M[:, 0])),
        "q_true": NOISE,
        "qz_true": NOISE_UP,
        "sig_cart": SIGMA_CART_M,
        "sig_sph": SIGMA_SPH,
        "true_sig_cart": SIGMA_CART_M * variant.noise_factor,
        "true_sig_sph": SIGMA_SPH * variant.noise_factor,
        "seed": seed,
        "N": targets,
    }
    return fields | {name: np.asarray(value) for name, value in numbers.items()}


def simulate(rng: np.random.Generator, variant: Variant, targets: int, seconds: int) -> Sky:
    """Truth of all groups."""
    sky = Sky(
        np.full((seconds, targets, 6), np.nan),
        np.zeros((seconds, targets), bool),
        np.zeros((seconds, targets)),
    )
    first_free = 0
    while first_free < targets:
        swarm = rng.random() < SWARM_CHANCE and first_free + SWARM <= targets
        members = np.arange(first_free, first_free + (SWARM if swarm else 1))
        fly_group(rng, variant, sky, members)
        first_free += len(members)
    return sky


def fly_group(rng: np.random.Generator, variant: Variant, sky: Sky, members: np.ndarray) -> None:
    """Draw one group's life and plan, and write its members' truth into ``sky``."""
    seconds, count = len(sky.truth), len(members)
    begin = 0 if rng.random() < 0.6 else int(rng.integers(1, int(0.6 * seconds)))
    end = min(seconds, begin + int(rng.integers(int(0.4 * seconds), seconds + 1)))
    heading = rng.uniform(-np.pi, np.pi)
    velocity = rng.uniform(*variant.speed_mps) * np.array([np.cos(heading), np.sin(heading)])
    plan = (stopping_plan if variant.stops else turning_plan)(rng, seconds, begin, velocity)
    position = rng.uniform(SIDE_M[:, 0] + [2e3, 2e3, 150.0], SIDE_M[:, 1] - [2e3, 2e3, 500.0])
    p = np.tile(position, (count, 1)) + (rng.normal(size=(count, 3)) * SPACING_M if count > 1 else 0.0)
    v = np.column_stack((np.tile(velocity, (count, 1)), rng.normal(0, 0.3, count)))
    for t in range(begin, end):
        sky.truth[t, members, 0::2], sky.truth[t, members, 1::2] = p, v
        sky.alive[t, members], sky.turn[t, members] = True, plan.turn[t]
        p, v = one_second(rng, p, v, plan, t)


def one_second(
    rng: np.random.Generator, p: np.ndarray, v: np.ndarray, plan: Plan, t: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities [n, 3] one second later: turned, pushed or braked to a stand, with white noise."""
    plane = (v[:, 0] + 1j * v[:, 1])[:, None]
    w = plan.turn[t]
    moved = plane * ((np.exp(1j * w) - 1) / (1j * w) if abs(w) > 1e-9 else 1.0)
    turned = plane * np.exp(1j * w)
    if plan.hold[t]:
        moved, turned = plane * (1 - np.exp(-0.7)) / 0.7, plane * np.exp(-0.7)
    shift = np.column_stack((moved.real, moved.imag, v[:, 2]))
    then = np.column_stack((turned.real, turned.imag, v[:, 2]))
    shift[:, :2] += plan.push[t] / 2
    then[:, :2] += plan.push[t]
    root = np.linalg.cholesky(np.array([[1 / 3, 1 / 2], [1 / 2, 1]]))
    drawn = np.einsum("ab,nbk->nak", root, rng.normal(size=(len(p), 2, 3))) * np.sqrt([NOISE, NOISE, NOISE_UP])
    return p + shift + drawn[:, 0], then + drawn[:, 1]


def turning_plan(rng: np.random.Generator, seconds: int, begin: int, velocity: np.ndarray) -> Plan:
    """Straight legs of 10 to 29 s between turns of 5 to 15 s at 4 to 14 degrees a second."""
    turn = np.zeros(seconds)
    t = begin + int(rng.integers(5, 25))
    while t < seconds:
        length = int(rng.integers(5, 16))
        turn[t : t + length] = np.deg2rad(rng.uniform(4, 14)) * rng.choice([-1, 1])
        t += length + int(rng.integers(10, 30))
    return Plan(turn, np.zeros((seconds, 2)), np.zeros(seconds, bool))


def stopping_plan(rng: np.random.Generator, seconds: int, begin: int, velocity: np.ndarray) -> Plan:
    """Legs of 8 to 25 s; between them brake at 1.5 to 4 m/s², hover 5 to 25 s or not at all, and leave another way.

    Half the stops end in the opposite course: without a hover that is one push through zero and back.
    """
    push, hold = np.zeros((seconds, 2)), np.zeros(seconds, bool)
    v, t = velocity.copy(), begin + int(rng.integers(5, 20))
    while t < seconds:
        t = hurry(rng, push, t, -v)
        if rng.random() < 0.6:
            length = int(rng.integers(5, 26))
            hold[t : t + length] = True
            t += length
        back = np.arctan2(-v[1], -v[0])
        course = back if rng.random() < 0.5 else rng.uniform(-np.pi, np.pi)
        v = rng.uniform(8, 22) * np.array([np.cos(course), np.sin(course)])
        t = hurry(rng, push, t, v) + int(rng.integers(8, 26))
    return Plan(np.zeros(seconds), push, hold)


def hurry(rng: np.random.Generator, push: np.ndarray, t: int, change: np.ndarray) -> int:
    """Write an even acceleration that changes the velocity by ``change``; return the second when it is done."""
    length = max(1, round(float(np.linalg.norm(change)) / rng.uniform(1.5, 4.0)))
    push[t : t + length] = change / length
    return t + length


def observe(rng: np.random.Generator, variant: Variant, sky: Sky) -> dict[str, np.ndarray]:
    """Detections of all scans in both views, clutter among them, in random order within a scan."""
    hot = rng.uniform(SIDE_M[:2, 0] + 3e3, SIDE_M[:2, 1] - 3e3)
    rows = [one_scan(rng, variant, sky, t, hot) for t in range(len(sky.truth))]
    names = ("cart", "sph", "src")
    fields = {name: np.concatenate([row[k] for row in rows]) for k, name in enumerate(names)}
    return fields | {"scan": np.repeat(np.arange(len(rows)), [len(row[2]) for row in rows])}


def one_scan(
    rng: np.random.Generator, variant: Variant, sky: Sky, t: int, hot: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cartesian detections [K, 3], spherical ones [K, 4] and whose they are [K] (-1: nobody's)."""
    seen = np.flatnonzero(sky.alive[t] & (rng.random(sky.alive.shape[1]) < variant.pd))
    p, v = sky.truth[t, seen, 0::2], sky.truth[t, seen, 1::2]
    factor, false = variant.noise_factor, rng.poisson(variant.clutter)
    cart = p + rng.normal(size=p.shape) * SIGMA_CART_M * factor
    sph = spherical(p, v) + rng.normal(size=(len(seen), 4)) * SIGMA_SPH * factor
    place = rng.uniform(SIDE_M[:, 0], SIDE_M[:, 1], (false, 3))
    warm = rng.binomial(false, HOT_SHARE)
    place[:warm, :2] = hot + rng.uniform(-HOT_HALF_M, HOT_HALF_M, (warm, 2))
    noise = spherical(place, np.zeros_like(place))
    noise[:, 3] = rng.uniform(-30, 30, false)
    order = rng.permutation(len(seen) + false)
    whose = np.r_[seen, np.full(false, -1)]
    return np.vstack((cart, place))[order], np.vstack((sph, noise))[order], whose[order].astype(int)


def spherical(p: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Elevation, angle from x towards y, range, range rate of points seen from the origin."""
    r = np.linalg.norm(p, axis=1)
    angles = np.arcsin(p[:, 2] / r), np.arctan2(p[:, 1], p[:, 0])
    return np.column_stack((*angles, r, np.sum(p * v, axis=1) / r))
