"""The tracker's kernels for rows and lanes, made callable from Python for tests."""

from __future__ import annotations

import numpy as np
from numba import njit

from araz.tracking import _measure as measure
from araz.tracking._associate import STRONGEST, Messages, pass_messages
from araz.tracking._gauss import packed, propagate, unpacked
from araz.tracking._measure import Age, kalman_update, linearise, plot_of, room_in
from araz.tracking._motion import MODE_COUNT, Belief, way_of
from araz.tracking._noise import PLACES, factors
from araz.tracking._pairs import box_pairs
from araz.tracking._rows import LANES, lane_row, number_row
from araz.tracking._scratch import scratch_of
from araz.tracking._sight import cut_below


@njit
def _propagate_each(rows, way, out):
    for i in range(len(rows)):
        propagate(number_row(rows, i), number_row(way, 0), number_row(out, i))


@njit
def _linearise(kind, x, origin, h, jac):
    return linearise(kind, number_row(x, 0), number_row(origin, 0), number_row(h, 0), number_row(jac, 0))


@njit
def _update(prior, found, age, out, figures, space):
    distance2, volume, used = kalman_update(
        lane_row(prior, 0), plot_of(found, 0), age, lane_row(out, 0), room_in(space)
    )
    to = lane_row(figures, 0)
    to[0], to[1] = volume, distance2
    return used


@njit
def _cut(rows, low_m, sure):
    for i in range(len(rows)):
        cut_below(number_row(rows, i), low_m, sure)


def cut(x, p, low_m, sure):
    """Mean [6] and covariance [6, 6] of a Gaussian, with probability ``sure`` known to be above a height."""
    row = packed(x, p)[None].copy()
    _cut(row, low_m, sure)
    mean, cov = unpacked(row)
    return mean[0], cov[0]


def moved(mode, dt, rows):
    """Gaussians [K, 27] after ``dt`` seconds of one mode."""
    way, out = np.zeros((1, 12)), np.zeros((len(rows), 27))
    way_of(mode, dt, way, 0)
    _propagate_each(np.ascontiguousarray(rows), way, out)
    return out


def linearised(kind, x, origin):
    """h and its Jacobian of as many components as the kind has."""
    h, jac = np.zeros(6), np.zeros(36)
    count = _linearise(int(kind), np.array(x, float)[None], np.array(origin, float)[None], h, jac)
    return h[:count], jac.reshape(6, 6)[:count]


def updated(x, p, found, mode=0, age=(0.0, 0.0, 0.0)):
    """Mean, covariance, log likelihood, squared distance and components used, of one Gaussian and detection 0."""
    prior, out, figures = np.empty((1, 27, LANES)), np.empty((1, 27, LANES)), np.empty((1, 2, LANES))
    prior[0] = packed(x, p)[:, None]
    used = _update(prior, found, Age(*age), out, figures, np.zeros(measure.SPACE))
    mean, cov = (part[0] for part in unpacked(np.ascontiguousarray(out[:, :, mode])))
    return mean, cov, -0.5 * (figures[0, 1, mode] + np.log(figures[0, 0, mode])), figures[0, 1, mode], used


def paired(found, moments, keys, back_s, gate2, worth, density):
    """Candidate pairs (track, detection) [E]; asked again with more room where there are more."""
    room, scratch = np.empty((2, 64), np.int64), scratch_of(10 * len(found.z) + 300, 10 * len(found.z) + 10, 0)
    while True:
        count = box_pairs(found, moments, keys, back_s, gate2, worth, density, *room, scratch)
        if count <= room.shape[1]:
            return room[:, :count]
        room = np.empty((2, count), np.int64)


def noise_factors(belief):
    """The factors [PLACES] on the stated variances by the belief in each."""
    out = np.empty(PLACES)
    factors(belief, out)
    return out


def marginals(tracks, detections, track, detection, odds):
    """P(j from i) [E], P(i missed) [tracks] and P(j from no track) [detections] of E pairs, by messages."""
    taken, missed, left = np.empty(len(odds)), np.empty(tracks), np.empty(detections)
    work, psi = Messages(*np.empty((4, max(len(odds), tracks, detections)))), np.minimum(odds, STRONGEST)
    pass_messages(tracks, detections, len(odds), track, detection, psi, work, taken, missed, left)
    return taken, missed, left


def belief_of(mean, cov, weight):
    """A belief of N tracks from means [N, M, 6], covariances [N, M, 6, 6] and weights [N, M]; moments left open."""
    count = len(mean)
    modes, lanes = np.zeros((count, 27, LANES)), np.zeros((count, LANES))
    modes[:, :, :MODE_COUNT] = packed(mean, cov).swapaxes(1, 2)
    lanes[:, :MODE_COUNT] = weight
    return Belief(np.zeros((count, 27)), np.arange(count), modes, lanes)
