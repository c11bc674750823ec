"""What the detections do to one track: moment-matched update of every mode, and existence."""

from __future__ import annotations

from typing import Final, NamedTuple

from araz.tracking._gauss import WIDTH, Room, from_moments, raw_moments
from araz.tracking._kernel import leaf
from araz.tracking._rows import LaneRow, Lanes, NumberRow, beyond, spread, total, where_above

LEAST_SHARE: Final = 1e-6
"""A hypothesis with less of a mode changes nothing that can be seen."""
LEAST_WEIGHT: Final = 1e-3
"""A mode with less takes no part in weighing detections; mixing brings it back."""


@leaf
def after_silence(existence: float, miss: float) -> float:
    """Existence of a track that silence speaks against: r (1 - pd) / (1 - r pd)."""
    return existence * (1.0 - miss) / max(1.0 - existence * miss, 1e-12)


class Hypotheses(NamedTuple):
    """E pairs by mode: likelihoods [E], Gaussians after [E 27], shares [E] of lanes, as rows one after the other."""

    likelihood: LaneRow
    after: LaneRow
    share: LaneRow


@leaf
def update_track(
    prior: LaneRow, weight: LaneRow, still: float, taken: NumberRow, count: int, pairs: Hypotheses, work: Room
) -> Lanes:
    """Bring ``prior`` to the moments of a track's hypotheses in every mode; gives the modes' new weights.

    Hypotheses are "missed", of weight ``still`` = beta_0 r0, and the ``count`` pairs, of weight ``taken`` = beta_j.
    Mode m and detection j weigh beta_j w_m l_jm / sum_m w_m l_jm (and beta_0 r0 w_m the miss); each mode keeps
    the moments of its mixture. **Source** Williams 2015 (TOMB/P), Musicki & Evans 2004 (JIPDA), Blom & Bloem 2002
    (IMM-JPDA).
    """
    w, rest, shares = weight[0], spread(still), pairs.share
    mass = w * rest
    everything = total(mass)
    for e in range(count):
        share = w * pairs.likelihood[e]
        sum_l = total(share)
        share = share * (taken[e] / sum_l if sum_l > 0.0 and taken[e] > LEAST_SHARE else 0.0)
        shares[e] = share
        everything += total(share)
        mass += share
    if not everything > 0.0:
        return w
    one = where_above(mass, 0.0, 1.0 / mass, spread(0.0))
    sums, raw = work.sums, work.raw
    portion = w * rest * one
    for q in range(6):
        sums[q] = spread(0.0)
    for q in range(6, WIDTH):
        sums[q] = portion * prior[q]
    for e in range(count):
        if taken[e] > LEAST_SHARE:
            portion = shares[e] * one
            raw_moments(beyond(pairs.after, WIDTH * e), prior, raw)
            for q in range(WIDTH):
                sums[q] += portion * raw[q]
    from_moments(sums, prior, sums)
    for q in range(WIDTH):
        prior[q] = where_above(mass, 0.0, sums[q], prior[q])
    return mass / everything
