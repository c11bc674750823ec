"""What the detections do to one track: moment-matched update of every mode, and existence."""

from __future__ import annotations

from typing import Final, NamedTuple

from araz.tracking._gauss import WIDTH, Room, from_moments, raw_moments
from araz.tracking._kernel import leaf
from araz.tracking._rows import LaneRow, Lanes, lane_row, spread, total, where_above
from araz.vocabulary import FloatArray

LEAST_SHARE: Final = 1e-6
"""A hypothesis with less of a mode changes nothing that can be seen."""
LEAST_WEIGHT: Final = 1e-3
"""A mode with less takes no part in weighing detections; mixing brings it back."""


@leaf
def after_silence(existence: float, miss: float) -> float:
    """Existence of a track that silence speaks against: r (1 - pd) / (1 - r pd)."""
    return existence * (1.0 - miss) / max(1.0 - existence * miss, 1e-12)


class Hypotheses(NamedTuple):
    """E pairs of a cluster by mode: likelihoods [E, LANES], Gaussians after [E, 27, LANES], shares [E + 1, LANES]."""

    likelihood: FloatArray
    after: FloatArray
    share: FloatArray


@leaf
def update_track(
    prior: LaneRow,
    weight: LaneRow,
    still: float,
    taken: FloatArray,
    begin: int,
    end: int,
    pairs: Hypotheses,
    work: Room,
    out: LaneRow,
) -> Lanes:
    """Fill ``out`` with the moments of a track's hypotheses in every mode; gives the modes' new weights.

    Hypotheses are "missed", of weight ``still`` = beta_0 r0, and the pairs ``begin`` to ``end``, of weight ``taken`` =
    beta_j. Mode m and detection j weigh beta_j w_m l_jm / sum_m w_m l_jm (and beta_0 r0 w_m the miss); each mode keeps
    the moments of its mixture. ``out`` may be ``prior``. **Source** Williams 2015 (TOMB/P), Musicki & Evans 2004
    (JIPDA), Blom & Bloem 2002 (IMM-JPDA).
    """
    w, rest = weight[0], spread(still)
    mass = w * rest
    everything = total(mass)
    for e in range(begin, end):
        share = w * lane_row(pairs.likelihood, e)[0]
        sum_l = total(share)
        share = share * (taken[e] / sum_l if sum_l > 0.0 and taken[e] > LEAST_SHARE else 0.0)
        lane_row(pairs.share, e)[0] = share
        everything += total(share)
        mass += share
    if not everything > 0.0:
        return w
    one = where_above(mass, 0.0, 1.0 / mass, spread(0.0))
    sums, raw = lane_row(work.sums, 0), lane_row(work.raw, 0)
    portion = w * rest * one
    for q in range(6):
        sums[q] = spread(0.0)
    for q in range(6, WIDTH):
        sums[q] = portion * prior[q]
    for e in range(begin, end):
        if taken[e] > LEAST_SHARE:
            portion = lane_row(pairs.share, e)[0] * one
            raw_moments(lane_row(pairs.after, e), prior, raw)
            for q in range(WIDTH):
                sums[q] += portion * raw[q]
    from_moments(sums, prior, sums)
    for q in range(WIDTH):
        out[q] = where_above(mass, 0.0, sums[q], prior[q])
    return mass / everything
