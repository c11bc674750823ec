"""How the likelihood tables are fitted: histograms over soft bins, as flat as the devices behind them are few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from class_flights import Piece
from class_looks import Looks
from scipy.optimize import minimize
from scipy.special import ndtri

from araz.tracking._classify import ECHO, FEATURE_COUNT, HEIGHT, MATURE_S, ClassTable, class_table
from araz.vocabulary import BoolArray, FloatArray, IntArray, TrackClass

CLASSES: Final = len(TrackClass)
PRIOR: Final = np.array([0.40, 0.15, 0.08, 0.22, 0.05, 0.10])
"""Judgement: what a confirmed track over a border sector is, before anything is known of its motion."""
#: A ninth of what was recorded lies between two knots: *unknown*, even over them, is the average thing.
KNOTS: Final = np.array(
    [
        [1.3, 2.5, 4, 5.5, 7.5, 9.5, 12, 16, 28, 75],
        [2, 5, 6.5, 8.5, 11, 13.5, 16.5, 21, 32, 80],
        [0.05, 0.25, 0.5, 1, 2, 4, 6, 10, 20, 60],
        [1.2, 2.2, 2.8, 3.4, 4.2, 5.2, 6.7, 8.7, 13, 60],
        [0.3, 1, 1.35, 1.7, 2.1, 2.7, 3.5, 4.4, 5.5, 9.5],
        [0.22, 0.48, 0.65, 0.77, 0.89, 1, 1.13, 1.3, 1.6, 3.8],
        [0.08, 0.145, 0.185, 0.23, 0.28, 0.33, 0.4, 0.5, 0.7, 1.8],
        [-2, -0.5, -0.23, -0.1, 0, 0.08, 0.18, 0.36, 0.7, 4.5],
        [0.25, 0.42, 0.5, 0.56, 0.63, 0.71, 0.81, 1, 1.3, 3.2],
        [0.04, 0.2, 0.36, 0.55, 0.7, 0.83, 0.91, 0.955, 0.985, 1],
        [0, 20, 50, 100, 180, 320, 600, 1100, 2000, 4000],
        [-40, -34, -28, -23, -18, -13, -8, -3, 3, 12],
    ],
    dtype=float,
)
NOISE_KNOTS_MPS: Final = np.array([1.0, 2.2, 4.5])
HEIGHT_MEDIAN_M: Final = (0.0, 70.0, 180.0, 120.0, 500.0, 700.0)
HEIGHT_SPREAD: Final = (0.0, 1.1, 0.9, 1.2, 1.2, 1.0)
"""Judgement, log-normal: the recordings were made where their pilots were allowed, so their heights teach nothing."""
ECHO_DBSM: Final = ((0.0, 1.0), (-14.0, 6.0), (-13.0, 6.0), (-26.0, 7.0), (-15.0, 8.0), (6.0, 8.0))
"""From literature, no recording (docs/classes.md): mean and standard deviation over aspects and sizes."""
JUDGED_WEIGHT: Final = {HEIGHT: 0.5, ECHO: 0.7}
FLAT_DEVICES: Final = 1.5
"""The flat distribution counts as this many devices against those recorded."""
MADE_SHARE: Final = 0.4
"""Weight of what physics made in a class that has recordings too."""
SMOOTH: Final = (0.2, 0.6, 0.2)
EVERY_S: Final = 8.0
YOUNGEST_S: Final = 3.0


class Samples(NamedTuple):
    """R thinned looks: hat weights on the knots, truth [R], device number [R], whether recorded [R]."""

    look: IntArray
    truth: IntArray
    device: IntArray
    is_recorded: BoolArray
    feature: FloatArray
    noise_mps: FloatArray
    age_s: FloatArray
    devices: tuple[str, ...]


def samples(pieces: Sequence[Piece], looks: Looks) -> Samples:
    """One look every ``EVERY_S`` of each track, from ``YOUNGEST_S`` on."""
    slot = np.floor(looks.age_s / EVERY_S).astype(np.int64)
    key = looks.piece * 1_000_000 + looks.radar * 100_000 + slot
    _, first = np.unique(key, return_index=True)
    rows = first[looks.age_s[first] >= YOUNGEST_S]
    names = tuple(dict.fromkeys(_group(piece) for piece in pieces))
    number = np.array([names.index(_group(piece)) for piece in pieces])
    truth = np.array([piece.truth for piece in pieces], np.int64)
    recorded = np.array([piece.is_recorded for piece in pieces])
    of = looks.piece[rows]
    return Samples(
        rows, truth[of], number[of], recorded[of], looks.feature[rows], looks.noise_mps[rows], looks.age_s[rows], names
    )


def _group(piece: Piece) -> str:
    """What is held out together: a device; a kind of unknown thing, for a class must not learn to know the unknown."""
    return piece.kind if piece.truth == TrackClass.UNKNOWN else piece.device


def hats(knots: FloatArray, value: FloatArray) -> FloatArray:
    """Shares [R, K] of each value on the two knots beside it; rows of NaN are zero."""
    out = np.zeros((len(value), len(knots)))
    known = np.flatnonzero(np.isfinite(value))
    at = np.interp(value[known], knots, np.arange(len(knots)))
    low = np.minimum(at.astype(np.int64), len(knots) - 2)
    out[known, low], out[known, low + 1] = 1.0 - (at - low), at - low
    return out


def device_weights(s: Samples, use: BoolArray) -> FloatArray:
    """Weight [R] of each look: devices of a class count alike, what is made ``MADE_SHARE`` where recordings exist."""
    weight = np.zeros(len(s.truth))
    for c in range(CLASSES):
        for recorded in (True, False):
            mine = use & (s.truth == c) & (s.is_recorded == recorded)
            if not mine.any():
                continue
            other = (use & (s.truth == c) & (s.is_recorded != recorded)).any()
            share = (1.0 - MADE_SHARE if recorded else MADE_SHARE) if other else 1.0
            device, count = np.unique(s.device[mine], return_counts=True)
            each = np.zeros(len(s.devices))
            each[device] = share / (len(device) * count)
            weight[mine] = each[s.device[mine]]
    return weight


def table_of(s: Samples, use: BoolArray) -> FloatArray:
    """Log ratios [F, classes - 1, L, K] learned from the looks ``use``."""
    weight, levels = device_weights(s, use), hats(NOISE_KNOTS_MPS, s.noise_mps)
    count = KNOTS.shape[1]
    out = np.zeros((FEATURE_COUNT, CLASSES - 1, len(NOISE_KNOTS_MPS), count))
    kernel = _kernel(count)
    for c in range(1, CLASSES):
        mine = np.flatnonzero(use & (s.truth == c))
        devices = len(np.unique(s.device[mine]))
        for f in range(FEATURE_COUNT):
            if f in JUDGED_WEIGHT:
                out[f, c - 1] = np.log(_judged(f, c) * count)
                continue
            mass = (levels[mine] * weight[mine, None]).T @ hats(KNOTS[f], s.feature[mine, f])
            share = mass + 0.1 * mass.sum(0) / max(mass.sum(), 1e-12)
            share = share / share.sum(1, keepdims=True) @ kernel
            flat = FLAT_DEVICES / (FLAT_DEVICES + devices)
            out[f, c - 1] = np.log(((1.0 - flat) * share + flat / count) * count)
    return out


def _kernel(count: int) -> FloatArray:
    kernel = sum(np.eye(count, k=k) * v for k, v in zip((-1, 0, 1), SMOOTH, strict=True))
    return np.asarray(kernel / np.sum(kernel, axis=1, keepdims=True))


def _judged(feature: int, c: int) -> FloatArray:
    normal = ndtri((np.arange(2000) + 0.5) / 2000)
    if feature == HEIGHT:
        values = HEIGHT_MEDIAN_M[c] * np.exp(HEIGHT_SPREAD[c] * normal)
    else:
        values = ECHO_DBSM[c][0] + ECHO_DBSM[c][1] * normal
    share = hats(KNOTS[feature], values).mean(0)
    return np.asarray(0.95 * share + 0.05 / len(share))


def evidence(s: Samples, log_ratio: FloatArray, rows: IntArray) -> FloatArray:
    """Unweighted log ratios [R, F, classes] of the looks ``rows``: the kernel's arithmetic in plain arrays."""
    level = hats(NOISE_KNOTS_MPS, s.noise_mps[rows])
    mature = s.age_s[rows] / (s.age_s[rows] + MATURE_S)
    out = np.zeros((len(rows), FEATURE_COUNT, CLASSES))
    for f in range(FEATURE_COUNT):
        share = hats(KNOTS[f], s.feature[rows, f])
        out[:, f, 1:] = np.einsum("rl,clk,rk->rc", level, log_ratio[f], share) * mature[:, None]
    return out


def posterior(ratio: FloatArray, weight: FloatArray, prior: FloatArray = PRIOR) -> FloatArray:
    """Class posterior [R, classes] of evidence [R, F, classes]."""
    score = np.einsum("rfc,f->rc", ratio, weight) + np.log(prior)
    score -= score.max(1, keepdims=True)
    p = np.exp(score)
    return np.asarray(p / p.sum(1, keepdims=True))


def folds(s: Samples) -> list[IntArray]:
    """Device numbers held out together: each recorded device and each unknown kind alone, made ones in eight."""
    recorded = [np.array([d]) for d in np.unique(s.device[s.is_recorded | (s.truth == 0)])]
    made = np.unique(s.device[~s.is_recorded & (s.truth != 0)])
    return recorded + [made[k::8] for k in range(8)]


def held_out_evidence(s: Samples) -> FloatArray:
    """Evidence [R, F, classes] of every look by tables that never saw its device."""
    out = np.zeros((len(s.truth), FEATURE_COUNT, CLASSES))
    for fold in folds(s):
        mine = np.isin(s.device, fold)
        rows = np.flatnonzero(mine)
        out[rows] = evidence(s, table_of(s, ~mine), rows)
    return out


def population(s: Samples, use: BoolArray) -> FloatArray:
    """Weights [R] under which classes come as often as ``PRIOR`` says and devices of a class alike."""
    weight = device_weights(s, use)
    for c in range(CLASSES):
        mine = s.truth == c
        total = weight[mine].sum()
        if total > 0:
            weight[mine] *= PRIOR[c] / total
    return np.asarray(weight / weight.sum())


def fit_weights(s: Samples, ratio: FloatArray, use: BoolArray) -> FloatArray:
    """How far each feature may be believed [F], 0 to 1: least log loss on held-out evidence, judged ones fixed.

    Features that say the same thing twice get less each: the tempering of a naive Bayes sum.
    """
    rows = np.flatnonzero(use)
    mass, found, truth = population(s, use)[rows], ratio[rows], s.truth[rows]
    free = [f for f in range(FEATURE_COUNT) if f not in JUDGED_WEIGHT]
    weight = np.zeros(FEATURE_COUNT)
    for f, value in JUDGED_WEIGHT.items():
        weight[f] = value

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        weight[free] = x
        p = posterior(found, weight)
        nats = -np.log(np.maximum(p[np.arange(len(rows)), truth], 1e-12))
        pull = p.copy()
        pull[np.arange(len(rows)), truth] -= 1.0
        slope = np.einsum("r,rc,rfc->f", mass, pull, found)[free]
        return float(mass @ nats), slope

    best = minimize(loss, np.full(len(free), 0.4), jac=True, bounds=[(0.0, 1.0)] * len(free), method="L-BFGS-B")
    weight[free] = best.x
    return weight


def fit(s: Samples) -> ClassTable:
    """The table that ships: fitted to everything, weights from held-out evidence."""
    everything = np.ones(len(s.truth), np.bool_)
    return class_table(
        PRIOR, fit_weights(s, held_out_evidence(s), everything), KNOTS, NOISE_KNOTS_MPS, table_of(s, everything)
    )
