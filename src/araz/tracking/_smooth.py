"""Looking back: what all the scans say about where a track was, at every moment it was followed.

A filter tells x_k from the scans up to k. A smoother tells it from all of them, going backwards over links

    p(x_k | x_k+1, scans up to k) = N(a + G x_k+1, B),      G = C P'^-1,  a = x - G x',  B = P - G P' G^T,

with x, P the filtered moments, x', P' those predicted for the next scan and C = Cov(x_k, x_k+1). With x^s, P^s the
smoothed moments of k+1 this is Rauch, Tung & Striebel 1965: x + G (x^s - x'), P + G (P^s - P') G^T. The filter's
belief is a mixture over ways of moving; x', P' and C are the exact moments of that mixture, mixing included, so this
is the best linear step back from them. It does not weigh the modes again by what came later, as
Helmick, Blair & Hoffman 1995 (IEEE Trans. Information Theory 41(6)) do.

A link only depends on the belief at its start, and two of them in a row are one again (Särkkä & García-Fernández 2021,
IEEE TAC 66(1)), so a long trail is thinned without changing what is left of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._gauss import PLACE, packed
from araz.tracking._motion import (
    MANOEUVRE,
    MODE_COUNT,
    NOISE_HORIZONTAL,
    NOISE_VERTICAL,
    START_WEIGHT,
    switching,
    ways_of,
)
from araz.vocabulary import FloatArray, IntArray

MODEL_DOUBT: Final = 0.8
"""Smoothing trusts the ways of moving over many seconds, and real aircraft keep to none of them: the plain smoother's
covariance is told this much larger, never larger than the filter's. Flights that none of the modes made then lie in
their areas about as often as they say (docs/smoothing.md)."""
BRIDGE_MODE: Final = MANOEUVRE
"""Between two scans nobody saw how it moved: the widest of the modes. It adds q dt^3 / 192 at most: 1 m^2 over 4 s."""


class Links(NamedTuple):
    """Beliefs [K, 27] and how each follows from the next: N(rest mean + gain x_next, rest covariance).

    ``rest`` [K, 27] holds a and B as one packed Gaussian, ``gain`` [K, 6, 6] is G.
    """

    belief: FloatArray
    rest: FloatArray
    gain: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """What one track was believed to do after each scan, with the links between; the last one's link means nothing.

    **Shapes** ``at_us`` [K] rising, ``belief`` [K, 27], ``rest`` [K, 27], ``gain`` [K, 6, 6] (see ``Links``),
    ``update_count`` [K]: detections so far, so that a scan without one shows as no rise. ``number`` is what people see.
    """

    number: int
    at_us: IntArray
    belief: FloatArray
    rest: FloatArray
    gain: FloatArray
    update_count: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class SmoothedTrail:
    """Where a track was, given all its scans: at_us [K], mean [K, 6], covariance [K, 6, 6].

    ``cross`` [K-1, 6, 6] is Cov(x_k, x_k+1). State: east, north, up (m, ENU at the site), and their rates (m/s).
    """

    number: int
    at_us: IntArray
    mean: FloatArray
    covariance: FloatArray
    cross: FloatArray
    update_count: IntArray


def unpack(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means [..., 6] and covariances [..., 6, 6] of packed rows [..., 27]."""
    return rows[..., :6], rows[..., PLACE]


def links(gauss: FloatArray, weight: FloatArray, update_count: IntArray, dt_s: FloatArray) -> Links:
    """The links from beliefs gauss [K, M, 27], weight [K, M] to the states ``dt_s`` [K] >= 0 seconds later.

    With w_jm = w_j pi_jm the weight of moving in mode j before and m after, y = x_j - x, c_m, f_m and R_m the sums over
    j of w_jm, w_jm y and w_jm (P_j + y y^T), and u_m = F_m x - x':

        x' = sum c_m F_m x + F_m f_m,   C = sum R_m F_m^T + f_m u_m^T,
        P' = sum F_m R_m F_m^T + F_m f_m u_m^T + u_m f_m^T F_m^T + c_m (u_m u_m^T + Q_m).

    Mixing and start of the modes as in ``_motion.predict``. Where P' is singular the gain is the least squares one.
    """
    flow, noise, change = _motions(dt_s)
    joint = _joint_weights(weight, update_count, dt_s, change)
    each = np.where(weight[..., None] > 0.0, gauss, 0.0)
    means, covs = unpack(each)
    x = np.einsum("kj,kja->ka", weight, means)
    y = np.where(weight[..., None] > 0.0, means - x[:, None], 0.0)
    second = covs + y[..., :, None] * y[..., None, :]
    c = joint.sum(axis=1)
    f = np.einsum("kjm,kja->kma", joint, y)
    r = np.einsum("kjm,kjab->kmab", joint, second)
    moved = np.einsum("kmab,kb->kma", flow, x)
    shift = np.einsum("kmab,kmb->kma", flow, f)
    ahead = np.einsum("km,kma->ka", c, moved) + shift.sum(axis=1)
    u = moved - ahead[:, None]
    flow_t = flow.swapaxes(-1, -2)
    cross = (r @ flow_t + f[..., :, None] * u[..., None, :]).sum(axis=1)
    lean = shift[..., :, None] * u[..., None, :]
    extra = c[..., None, None] * (u[..., :, None] * u[..., None, :] + noise)
    spread = (flow @ r @ flow_t + lean + lean.swapaxes(-1, -2) + extra).sum(axis=1)
    p = r.sum(axis=1)
    gain = _divided(cross, spread)
    gain[dt_s <= 0.0] = np.eye(6)
    rest = p - gain @ spread @ gain.swapaxes(-1, -2)
    return Links(packed(x, p), packed(x - np.einsum("kab,kb->ka", gain, ahead), _symmetric(rest)), gain)


def _motions(dt_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Transition and noise of every mode [K, M, 6, 6] and mode changes [K, M, M] over each of ``dt_s`` [K]."""
    once, which = np.unique(dt_s, return_inverse=True)
    way = np.array([ways_of(float(dt)) for dt in once]).reshape(-1, MODE_COUNT, 12)
    change = np.array([switching(float(dt)) for dt in once]).reshape(-1, MODE_COUNT, MODE_COUNT)
    flow = np.zeros((*way.shape[:2], 6, 6))
    flow[..., [0, 1, 2], [0, 1, 2]] = 1.0
    s, c, up, r, j, keep = (way[..., q] for q in range(6))
    flow[..., 0, 3], flow[..., 0, 4], flow[..., 1, 3], flow[..., 1, 4] = s, -c, c, s
    flow[..., 3, 3], flow[..., 3, 4], flow[..., 4, 3], flow[..., 4, 4] = r, -j, j, r
    flow[..., 2, 5], flow[..., 5, 5] = up, keep
    noise = np.zeros_like(flow)
    for a, first in ((0, 6), (1, 6), (2, 9)):
        noise[..., a, a] = way[..., first]
        noise[..., a, a + 3] = noise[..., a + 3, a] = way[..., first + 1]
        noise[..., a + 3, a + 3] = way[..., first + 2]
    return flow[which], noise[which], change[which]


def _joint_weights(weight: FloatArray, update_count: IntArray, dt_s: FloatArray, change: FloatArray) -> FloatArray:
    """Weight [K, M before, M after] of moving in one mode, then another; of young tracks see ``_motion.predict``."""
    joint = weight[:, :, None] * change
    alone = weight[:, MANOEUVRE] == 1.0
    stays = alone & ((update_count < 2) | (dt_s <= 0.0))
    joint[alone] = 0.0
    joint[stays, MANOEUVRE, MANOEUVRE] = 1.0
    joint[alone & ~stays, MANOEUVRE] = START_WEIGHT
    return joint


def _divided(cross: FloatArray, spread: FloatArray) -> FloatArray:
    """C P'^-1 [K, 6, 6]; least squares where P' has no inverse (a track that knows a number exactly)."""
    try:
        return np.asarray(np.linalg.solve(spread, cross.swapaxes(-1, -2)).swapaxes(-1, -2))
    except np.linalg.LinAlgError:
        return np.asarray(cross @ np.linalg.pinv(spread, hermitian=True))


def _symmetric(matrix: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (matrix + matrix.swapaxes(-1, -2)))


def joined(
    first_rest: FloatArray, first_gain: FloatArray, then_rest: FloatArray, then_gain: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Rest [27] and gain [6, 6] of two links in a row: a1 + G1 a2, B1 + G1 B2 G1^T, and G1 G2."""
    a1, b1 = unpack(first_rest)
    a2, b2 = unpack(then_rest)
    return packed(a1 + first_gain @ a2, _symmetric(b1 + first_gain @ b2 @ first_gain.T)), first_gain @ then_gain


def smooth(trail: Trail, model_doubt: float = MODEL_DOUBT) -> SmoothedTrail:
    """What all the scans say about the states of a trail (Rauch, Tung & Striebel 1965); see the head of this file.

    Covariances told are (1 + doubt) P^s, but no more than the filter's P in directions where P^s is below it (it is
    not where the next scan surprised the filter). With ``model_doubt`` 0 they are the plain smoother's. ENU metres and
    m/s. The last state is the filter's. Raises ValueError for a trail without an entry.
    """
    count = len(trail.at_us)
    if not count:
        raise ValueError("the trail is empty; smooth one that trail_of returned")
    mean, cov = (part.copy() for part in unpack(trail.belief))
    rest_mean, rest_cov = unpack(trail.rest)
    cross = np.empty((count - 1, 6, 6))
    for k in range(count - 2, -1, -1):
        gain = trail.gain[k]
        cross[k] = gain @ cov[k + 1]
        mean[k] = rest_mean[k] + gain @ mean[k + 1]
        cov[k] = _symmetric(rest_cov[k] + cross[k] @ gain.T)
    if model_doubt > 0.0:
        larger = _doubted(cov, unpack(trail.belief)[1], model_doubt)
        cov = _symmetric(larger @ cov @ larger.swapaxes(-1, -2))
        cross = larger[:-1] @ cross @ larger[1:].swapaxes(-1, -2)
    return SmoothedTrail(trail.number, trail.at_us, mean, cov, cross, trail.update_count)


def _doubted(cov: FloatArray, most: FloatArray, doubt: float) -> FloatArray:
    """T [K, 6, 6] so that T P^s T^T is (1 + doubt) P^s, at most P, in the axes where P is one and P^s is diagonal."""
    root = np.linalg.cholesky(most)
    inverse = np.linalg.inv(root)
    share, axes = np.linalg.eigh(_symmetric(inverse @ cov @ inverse.swapaxes(-1, -2)))
    share = np.maximum(share, 1e-12)
    told = np.minimum((1.0 + doubt) * share, np.maximum(share, 1.0))
    return np.asarray((root @ axes * np.sqrt(told / share)[:, None, :]) @ axes.swapaxes(-1, -2) @ inverse)


def place_at(smoothed: SmoothedTrail, at_us: int) -> tuple[FloatArray, FloatArray]:
    """State [6] and covariance [6, 6] at a moment of the trail, also between its scans; ENU metres and m/s.

    Between x_0 and x_1 of the trail, T apart, under white acceleration, t after the first (Q, F over t and T - t):

        x_t = F_t x_0 + J (x_1 - F_T x_0) + e,   J = Q_t F_T-t^T Q_T^-1,   e ~ N(0, Q_t - J F_T-t Q_t),

    with the smoothed joint Gaussian of x_0 and x_1. Raises ValueError outside the trail, which says nothing there.
    """
    first_us, last_us = int(smoothed.at_us[0]), int(smoothed.at_us[-1])
    if not first_us <= at_us <= last_us:
        raise ValueError(f"at_us {at_us} is outside the trail, which tells of {first_us} to {last_us}")
    k = int(np.searchsorted(smoothed.at_us, at_us, side="right")) - 1
    if smoothed.at_us[k] == at_us:
        return smoothed.mean[k].copy(), smoothed.covariance[k].copy()
    flow_t, noise_t = _drift((at_us - int(smoothed.at_us[k])) * 1e-6)
    flow_rest, noise_rest = _drift((int(smoothed.at_us[k + 1]) - at_us) * 1e-6)
    pull = noise_t @ flow_rest.T @ np.linalg.inv(flow_rest @ noise_t @ flow_rest.T + noise_rest)
    before = flow_t - pull @ flow_rest @ flow_t
    mean = before @ smoothed.mean[k] + pull @ smoothed.mean[k + 1]
    mixed = before @ smoothed.cross[k] @ pull.T
    cov = before @ smoothed.covariance[k] @ before.T + pull @ smoothed.covariance[k + 1] @ pull.T + mixed + mixed.T
    return mean, _symmetric(cov + noise_t - pull @ flow_rest @ noise_t)


def _drift(dt_s: float) -> tuple[FloatArray, FloatArray]:
    """Transition and noise [6, 6] of constant velocity with ``BRIDGE_MODE``'s white acceleration."""
    q = np.diag([NOISE_HORIZONTAL[BRIDGE_MODE], NOISE_HORIZONTAL[BRIDGE_MODE], NOISE_VERTICAL[BRIDGE_MODE]])
    flow = np.eye(6)
    flow[:3, 3:] = dt_s * np.eye(3)
    return flow, np.block([[q * dt_s**3 / 3.0, q * dt_s**2 / 2.0], [q * dt_s**2 / 2.0, q * dt_s]])
