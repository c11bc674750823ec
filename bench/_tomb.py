"""The filter of Williams 2015 (TOMB/P), written anew for `williams15.py`: the paper's method with the scenario's own
model.

Track-oriented marginal multi-Bernoulli/Poisson: targets never seen are a Poisson mixture of Gaussians, every plot
may begin a Bernoulli track, marginal association by belief propagation (Williams & Lau 2014), and after each scan
every track's hypotheses become one Gaussian. One linear Gaussian motion model, no gate: small scenes only.
**Source** J. L. Williams, "Marginal multi-Bernoulli filters", IEEE TAES 51(3), 2015, section IV.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST_TRACK, LEAST_UNSEEN, ROUNDS = 1e-5, 1e-5, 100


class Model(NamedTuple):
    """Motion x' = F x + N(0, Q), plots z = H x + N(0, R), chances, false plots a square metre, births a scan."""

    flow: np.ndarray
    noise: np.ndarray
    look: np.ndarray
    error: np.ndarray
    seen: float
    survive: float
    clutter: float
    birth_weight: float
    birth_mean: np.ndarray
    birth_cov: np.ndarray


class Mixture(NamedTuple):
    """Weights or existences [n], means [n, d], covariances [n, d, d]."""

    weight: np.ndarray
    mean: np.ndarray
    cov: np.ndarray


def gaussian(weight: float, mean: np.ndarray, cov: np.ndarray) -> Mixture:
    """One component."""
    return Mixture(np.array([weight]), mean[None], cov[None])


def joined(*parts: Mixture) -> Mixture:
    return Mixture(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def moved(model: Model, old: Mixture) -> Mixture:
    """A scan later."""
    cov = model.flow @ old.cov @ model.flow.T + model.noise
    return Mixture(old.weight * model.survive, old.mean @ model.flow.T, cov)


def compared(model: Model, old: Mixture, plots: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Likelihood [n, K], posterior mean [n, K, d] and covariance [n, d, d] of each component with each plot."""
    spread = model.look @ old.cov @ model.look.T + model.error
    inverse = np.linalg.inv(spread)
    gain = old.cov @ model.look.T @ inverse
    off = plots[None] - (old.mean @ model.look.T)[:, None]
    exponent = np.einsum("nka,nab,nkb->nk", off, inverse, off)
    scale = np.sqrt(np.linalg.det(2 * np.pi * spread))
    mean = old.mean[:, None] + np.einsum("nab,nkb->nka", gain, off)
    return np.exp(-exponent / 2) / scale[:, None], mean, old.cov - gain @ model.look @ old.cov


def collapsed(weight: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [n, d] and covariance [n, d, d] of mixtures along the second axis; weights [n, K] need not sum to one."""
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    centre = np.einsum("nk,nka->na", share, mean)
    off = mean - centre[:, None]
    return centre, np.einsum("nk,nkab->nab", share, cov) + np.einsum("nk,nka,nkb->nab", share, off, off)


def others(values: np.ndarray, axis: int) -> np.ndarray:
    """The sum of all but each, never below zero by rounding."""
    return np.maximum(values.sum(axis=axis, keepdims=True) - values, 0.0)


def marginals(odds: np.ndarray, fresh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(track i made plot j) [n, K] and P(plot j is nobody's old) [K], by belief propagation.

    ``odds`` [n, K] against a miss; ``fresh`` [K] the weight of a new target or a false plot.
    """
    back = np.ones_like(odds) / np.maximum(fresh, 1e-300)
    for _ in range(ROUNDS):
        taken = odds * back
        forth = odds / (1 + others(taken, 1))
        back = 1 / (fresh + others(forth, 0))
    taken = odds * back
    forth = odds / (1 + others(taken, 1))
    return taken / (1 + taken.sum(axis=1, keepdims=True)), fresh / (fresh + forth.sum(axis=0))


def begun(model: Model, unseen: Mixture, plots: np.ndarray) -> tuple[np.ndarray, Mixture]:
    """Weight [K] of "new or false" for each plot, and the track each would begin, existence given that it is."""
    like, mean, cov = compared(model, unseen, plots)
    each = (model.seen * unseen.weight[:, None] * like).T
    whole = model.clutter + each.sum(axis=1)
    wide = np.broadcast_to(cov, (len(plots), *cov.shape))
    centre, spread = collapsed(each, mean.transpose(1, 0, 2), wide)
    return whole, Mixture(each.sum(axis=1) / whole, centre, spread)


def updated(model: Model, tracks: Mixture, unseen: Mixture, plots: np.ndarray) -> Mixture:
    """Tracks after a scan, new ones behind the old."""
    r = tracks.weight
    like, mean, cov = compared(model, tracks, plots)
    miss = 1 - r * model.seen
    fresh, new = begun(model, unseen, plots)
    mine, nobodys = marginals(r[:, None] * model.seen * like / miss[:, None], fresh)
    coast = (1 - mine.sum(axis=1)) * r * (1 - model.seen) / miss
    weight = np.column_stack((coast, mine))
    means = np.concatenate((tracks.mean[:, None], mean), axis=1)
    covs = np.concatenate((tracks.cov[:, None], np.repeat(cov[:, None], len(plots), axis=1)), axis=1)
    old = Mixture(weight.sum(axis=1), *collapsed(weight, means, covs))
    return joined(old, new._replace(weight=new.weight * nobodys))


def track_all(model: Model, scans: list[np.ndarray], unseen_at_first: float) -> list[Mixture]:
    """Tracks after every scan."""
    size = len(model.birth_mean)
    tracks = Mixture(np.zeros(0), np.zeros((0, size)), np.zeros((0, size, size)))
    unseen = gaussian(unseen_at_first, model.birth_mean, model.birth_cov)
    after = []
    for number, plots in enumerate(scans):
        if number:
            born = gaussian(model.birth_weight, model.birth_mean, model.birth_cov)
            tracks, unseen = moved(model, tracks), joined(moved(model, unseen), born)
        tracks = updated(model, tracks, unseen, plots)
        tracks = Mixture(*(column[tracks.weight > LEAST_TRACK] for column in tracks))
        unseen = unseen._replace(weight=unseen.weight * (1 - model.seen))
        unseen = Mixture(*(column[unseen.weight > LEAST_UNSEEN] for column in unseen))
        after.append(tracks)
    return after
