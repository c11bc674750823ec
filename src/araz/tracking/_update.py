"""What the detections do to one track: moment-matched update of every mode, and existence."""

from __future__ import annotations

from typing import Final

from numba import njit

from araz.tracking._gauss import WIDTH, from_moments, raw_moments
from araz.tracking._motion import MODE_COUNT
from araz.vocabulary import FloatArray

LEAST_SHARE: Final = 1e-6
"""A hypothesis with less of a mode changes nothing that can be seen."""
LEAST_WEIGHT: Final = 1e-3
"""A mode with less takes no part in weighing detections; mixing brings it back."""


@njit(cache=True, error_model="numpy")
def after_silence(existence: float, miss: float) -> float:
    """Existence of a track that silence speaks against: r (1 - pd) / (1 - r pd)."""
    return existence * (1.0 - miss) / max(1.0 - existence * miss, 1e-12)


@njit(cache=True, error_model="numpy")
def update_track(
    rows: FloatArray,
    weight: FloatArray,
    i: int,
    still: float,
    likelihood: FloatArray,
    taken: FloatArray,
    after: FloatArray,
    begin: int,
    end: int,
    share: FloatArray,
    work: FloatArray,
) -> None:
    """Replace the modes of track i in rows [N M, 27] and weight [N, M] by the moments of its hypotheses, in place.

    Hypotheses are "missed", of weight ``still`` = beta_0 r0, and the pairs ``begin`` to ``end``, of weight ``taken`` =
    beta_j, with ``likelihood`` [E, M] scaled by detection and ``after`` [E M, 27] the modes updated with each. Mode m
    and detection j weigh beta_j w_m l_jm / sum_m w_m l_jm (and beta_0 r0 w_m the miss); each mode keeps the moments of
    its mixture. ``share`` [E + 1, M] and ``work`` [2, 27] are scratch. **Source** Williams 2015 (TOMB/P), Musicki &
    Evans 2004 (JIPDA), Blom & Bloem 2002 (IMM-JPDA).
    """
    everything = 0.0
    for m in range(MODE_COUNT):
        share[end, m] = still * weight[i, m]
        everything += share[end, m]
    for e in range(begin, end):
        total = 0.0
        for m in range(MODE_COUNT):
            share[e, m] = weight[i, m] * likelihood[e, m] if weight[i, m] > LEAST_WEIGHT else 0.0
            total += share[e, m]
        scale = taken[e] / total if total > 0.0 and taken[e] > LEAST_SHARE else 0.0
        for m in range(MODE_COUNT):
            share[e, m] *= scale
            everything += share[e, m]
    if not everything > 0.0:
        return
    for m in range(MODE_COUNT):
        mass = 0.0
        for e in range(begin, end + 1):
            mass += share[e, m]
        weight[i, m] = mass / everything
        if mass > 0.0:
            _match_moments(rows, i * MODE_COUNT + m, after, m, share, begin, end, mass, work)


@njit(cache=True, error_model="numpy")
def _match_moments(
    rows: FloatArray,
    at: int,
    after: FloatArray,
    m: int,
    share: FloatArray,
    begin: int,
    end: int,
    mass: float,
    work: FloatArray,
) -> None:
    """Replace one mode's Gaussian, row ``at``, by the moments of its hypotheses (see ``update_track``)."""
    portion = share[end, m] / mass
    for q in range(WIDTH):
        work[1, q] = portion * rows[at, q] if q >= 6 else 0.0
    for e in range(begin, end):
        portion = share[e, m] / mass
        if portion <= LEAST_SHARE:
            continue
        raw_moments(after, e * MODE_COUNT + m, rows, at, work, 0)
        for q in range(WIDTH):
            work[1, q] += portion * work[0, q]
    from_moments(work, 1, rows, at, rows, at)
