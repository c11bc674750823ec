"""Where a track that terrain hides can come out again, and when: flown on until some sensor could see it.

What is believed is flown on by 256 trial flights. Each takes a state from the mixture over the ways of moving, and goes
on in that way until it changes to another (the rates of ``_motion``), pushed about by that way's noise and never below
the ground. The first moment at which a sensor could see it is where and when it comes out. Trials that a sensor could
see already now are dropped: it would have. Places closer together than ``LINK_M`` are one area; each area's ellipse
is drawn to hold its share of the trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.special import ndtri

from araz.tracking._gauss import unpacked
from araz.tracking._launch import Ground, quantile, seen_per_s
from araz.tracking._motion import (
    LEAVE_RATE_PER_S,
    LEAVE_TO,
    NOISE_HORIZONTAL,
    NOISE_VERTICAL,
    mixtures,
    ways_of,
)
from araz.tracking._state import State
from araz.vocabulary import BoolArray, FloatArray, IntArray

TRIALS: Final = 256
STEP_S: Final = 2.0
LEAST_AGL_M: Final = 10.0
"""A trial that sinks flies so high over the ground: drones do not fly into hills."""
LINK_M: Final = 150.0
LEAST_CROWD: Final = 4
"""One trial between two areas does not make them one: it takes so many neighbours to link."""
LEAST_SHARE: Final = 0.1
MOST_AREAS: Final = 3
"""Areas told at most, those with less than ``LEAST_SHARE`` of the trials left out."""
HOLDS: Final = 0.9
STAND_OFF_M: Final = 25.0
"""Least spread of a place: terrain rasters and visible edges are no finer."""


@dataclass(frozen=True, slots=True, eq=False)
class Reappearance:
    """One area in which a hidden track can come out: ellipse, chance and time.

    Of those that come out here, ``HOLDS`` do inside ``centre_enu_m`` [2] (east, north, m) and ``covariance`` [2, 2],
    drawn as the 90 % ellipse of that Gaussian, and 90 % between ``from_us`` and ``to_us``. ``probability`` is the
    chance to come out here within the time asked for; the chances of all areas sum to less than one.
    """

    centre_enu_m: FloatArray
    covariance: FloatArray
    probability: float
    from_us: int
    to_us: int


def reappearances(state: State, number: int, ground_up_m: Ground, horizon_s: float = 60.0) -> tuple[Reappearance, ...]:
    """Where and when the track shown as ``number`` can come into some sensor's view, likeliest first.

    ``ground_up_m(east [N], north [N])`` gives the ground's up coordinate [N]. Empty for a track that is unknown, that a
    sensor can see now, or that hardly comes out within ``horizon_s``. The same state gives the same areas.
    """
    rows = np.flatnonzero(state.tracks.number == number)
    if not len(rows):
        return ()
    x, mode = _drawn(*(part[0] for part in mixtures(state.tracks.belief, rows)))
    steps = max(round(horizon_s / STEP_S), 1)
    is_out = _in_view(state, x, ground_up_m)
    tried, out_at = np.flatnonzero(~is_out), np.full(TRIALS, -1, np.int64)
    if not len(tried):
        return ()
    place = np.zeros((TRIALS, 2))
    for k in range(1, steps + 1):
        x, mode = _flown(x, mode, k, ground_up_m)
        new = ~is_out & _in_view(state, x, ground_up_m)
        place[new], out_at[new] = x[new, :2], k
        is_out |= new
    came = tried[out_at[tried] > 0]
    return _areas(place[came], out_at[came], len(tried), state.at_us)


def scatter(count: int, first: int, columns: int) -> FloatArray:
    """Numbers [count, columns] inside (0, 1), evenly and without pattern, made from their place alone (SplitMix64)."""
    with np.errstate(over="ignore"):
        z = np.arange(count, dtype=np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15)
        z = z + (np.arange(columns, dtype=np.uint64) + np.uint64(first + 1))[None] * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return np.asarray(((z >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def _drawn(gauss: FloatArray, weight: FloatArray) -> tuple[FloatArray, IntArray]:
    """States [TRIALS, 6] and modes [TRIALS] from a mixture gauss [M, 27], weight [M]."""
    u = scatter(TRIALS, 0, 7)
    mode = np.minimum(np.searchsorted(np.cumsum(weight), u[:, 0]), len(weight) - 1)
    mean, cov = unpacked(gauss)
    value, vector = np.linalg.eigh(cov)
    spread = vector * np.sqrt(np.maximum(value, 0.0))[:, None, :]
    return mean[mode] + np.einsum("kab,kb->ka", spread[mode], ndtri(u[:, 1:])), mode


def _flown(x: FloatArray, mode: IntArray, k: int, ground_up_m: Ground) -> tuple[FloatArray, IntArray]:
    """States and modes ``STEP_S`` later, step number k; the motion of ``propagate`` with its noise drawn."""
    u = scatter(TRIALS, 16 * k, 7)
    leave = 1.0 - np.exp(-LEAVE_RATE_PER_S[mode] * STEP_S)
    to = (u[:, :1] / leave[:, None] > np.cumsum(LEAVE_TO, axis=1)[mode]).sum(axis=1)
    mode = np.where(u[:, 0] < leave, np.minimum(to, len(LEAVE_TO) - 1), mode)
    s, c, up, r, j, keep = ways_of(STEP_S)[mode, :6].T
    e, n, v = x[:, 3], x[:, 4], x[:, 5]
    then = np.column_stack(
        (
            x[:, 0] + s * e - c * n,
            x[:, 1] + c * e + s * n,
            x[:, 2] + up * v,
            r * e - j * n,
            j * e + r * n,
            keep * v,
        )
    )
    q = np.column_stack((NOISE_HORIZONTAL[mode], NOISE_HORIZONTAL[mode], NOISE_VERTICAL[mode]))
    push = np.sqrt(q * STEP_S) * ndtri(u[:, 1:4])
    then[:, 3:] += push
    then[:, :3] += push * STEP_S / 2.0 + np.sqrt(q * STEP_S**3 / 12.0) * ndtri(u[:, 4:7])
    then[:, 2] = np.maximum(then[:, 2], ground_up_m(then[:, 0], then[:, 1]) + LEAST_AGL_M)
    return then, mode


def _in_view(state: State, x: FloatArray, ground_up_m: Ground) -> BoolArray:
    """Which of the states [K, 6] some sensor could see."""
    return np.asarray(seen_per_s(state.sensors, x[:, :3], ground_up_m(x[:, 0], x[:, 1])) > 0.0)


def _areas(place: FloatArray, at: IntArray, tried: int, at_us: int) -> tuple[Reappearance, ...]:
    """The areas of places [K, 2] where trials came out at step ``at`` [K], of ``tried`` trials."""
    if len(place) < LEAST_SHARE * tried:
        return ()
    pairs = cKDTree(place).query_pairs(LINK_M, output_type="ndarray")
    crowd = np.bincount(pairs.ravel(), minlength=len(place)) >= LEAST_CROWD
    pairs = pairs[crowd[pairs].all(axis=1)]
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(place), len(place)))
    count, group = connected_components(links, directed=False)
    made = []
    for which in range(count):
        mine = group == which
        share = float(mine.sum()) / tried
        if share < LEAST_SHARE:
            continue
        centre = place[mine].mean(axis=0)
        off = place[mine] - centre
        cov = off.T @ off / len(off) + STAND_OFF_M**2 * np.eye(2)
        distance = np.einsum("na,ab,nb->n", off, np.linalg.inv(cov), off)
        scale = max(quantile(distance, np.ones(len(off)), HOLDS) / (-2.0 * np.log1p(-HOLDS)), 0.25)
        first, last = (round(float(np.quantile(at[mine], p)) * STEP_S * 1e6) for p in (0.05, 0.95))
        begin = max(first - round(STEP_S * 1e6), 0)  # a trial came out somewhere within its last step
        made.append(Reappearance(centre, cov * scale, share, at_us + begin, at_us + last))
    return tuple(sorted(made, key=lambda one: -one.probability)[:MOST_AREAS])
