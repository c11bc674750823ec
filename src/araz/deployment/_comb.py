"""Comb sampling: marginals become rosters that can be driven, with their exact probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from araz.deployment._instance import Instance
from araz.vocabulary import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Comb:
    """Distinct nights a comb can draw: ``placement`` [N, W, P] of 0 and 1, ``probability`` [N] (sums to 1)."""

    placement: FloatArray
    probability: FloatArray


def comb_rosters(instance: Instance, coverage: FloatArray) -> Comb:
    """Every placement that one uniform offset u draws from marginals y [W, P] (Tsai et al. 2010).

    Team j of window w stands at the post where the cumulated y, in border order, passes u + j; u is the same for all
    windows. Marginals are met exactly. An interval of posts of mass s holds ⌊s⌋ or ⌈s⌉ teams, so
    E[Σ of the m best q] reaches ``marginal_response`` whenever the posts with q ≥ θ are an interval for every θ; and
    team j goes between equal quantiles, so a move never exceeds the limit that ``add_move_rows`` put on y. Offsets in
    slivers below a millionth come from rounding and are left out, and so is a night that rounding makes move too far.
    """
    order = np.argsort(instance.post_m, kind="stable")
    ends = np.cumsum(np.clip(coverage[:, order], 0.0, 1.0), axis=1)
    total = np.minimum(np.round(ends[:, -1], 9), instance.teams)
    ends = np.minimum(ends, total[:, None])
    breaks = np.unique(np.concatenate([[0.0, 1.0], np.round(ends % 1.0, 9).ravel()]))
    width = np.diff(breaks)
    kept = width > 1e-6
    offset = (breaks[:-1] + 0.5 * width)[kept]
    most = int(np.ceil(total.max(initial=0.0)))
    slot_post = np.full((len(offset), instance.windows, max(most, 1)), -1, dtype=np.int64)
    placement = np.zeros((len(offset), instance.windows, instance.posts))
    for w in range(instance.windows):
        at = offset[:, None] + np.arange(slot_post.shape[2])[None, :]
        place = np.searchsorted(ends[w], at, side="right")
        out = at < total[w]
        post = np.where(out, order[np.minimum(place, instance.posts - 1)], -1)
        slot_post[:, w] = post
        night, slot = np.nonzero(out)
        placement[night, w, post[night, slot]] = 1.0
    share, within = width[kept], _moves_within(instance, slot_post)
    if np.any(within):
        share, placement = share[within], placement[within]
    return Comb(placement, share / share.sum())


def _moves_within(instance: Instance, slot_post: IntArray) -> BoolArray:
    """Nights [N] in which no slot moves farther than the limit; ``slot_post`` [N, W, K] is −1 where nobody is out."""
    limit = instance.limits.max_move_m
    if limit is None:
        return np.ones(len(slot_post), dtype=np.bool_)
    both = (slot_post[:, 1:] >= 0) & (slot_post[:, :-1] >= 0)
    move = np.abs(instance.post_m[slot_post[:, 1:]] - instance.post_m[slot_post[:, :-1]])
    return np.asarray(~np.any(both & (move > limit + 1e-6), axis=(1, 2)), dtype=np.bool_)
