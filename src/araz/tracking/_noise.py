"""How noisy a sensor really is: its stated variances times a factor for each component, learned from what it sends.

    p(k | plots) ~ p0(k) prod [(1 - STRAY) N(nu; 0, H P H^T + k R) + STRAY N(nu; 0, STRAY_TIMES (H P H^T + R))],

over the confirmed tracks' own detections, one component after the other, k on a grid. The belief starts as if
``NOISE_PLOTS`` plots of exactly the stated noise had been seen, and forgets over ``MEMORY_PLOTS``. A factor that is not
clearly off one is taken as one: what is stated is right until shown otherwise. Range rate and velocity keep their
stated noise: how a target speeds up is known no better.
"""

from __future__ import annotations

import math
from typing import Final

from araz.tracking._cluster import Association
from araz.tracking._kernel import leaf
from araz.tracking._measure import Detections, azimuth_at, wrap
from araz.tracking._pairs import describe
from araz.tracking._scratch import Scratch, cut_reals, cut_table
from araz.tracking._state import NOISE_FACTORS, PLACES, Tracks, first_noise
from araz.vocabulary import FloatArray

FIRST: Final = first_noise()
"""The belief leans back to this one."""
MEMORY_PLOTS: Final = 2000.0
CLEARLY: Final = 1.6
"""Variances that many times the stated ones, or so many times smaller, are no chance and no manoeuvre."""
SURE: Final = 0.95
LEAST_UPDATES: Final = 8
STRAY: Final = 0.06
"""So often a gap says nothing of the plot: a manoeuvre not yet understood, another's detection."""
STRAY_TIMES: Final = 30.0
"""How much wider such gaps spread than those of a plot as stated, as variances."""
MOST_PAIRS: Final = 24
"""Pairs learned from in one look, the oldest tracks' first: enough, and few beside the rest of the work."""


@leaf
def factors(belief: FloatArray, out: FloatArray) -> None:
    """Fill the factors [PLACES] on a sensor's stated variances from the logarithm of the belief [PLACES, levels]."""
    for c in range(PLACES):
        highest, weight, mean = -math.inf, 0.0, 0.0
        for k in range(len(NOISE_FACTORS)):
            highest = max(highest, belief[c, k])
        for k in range(len(NOISE_FACTORS)):
            share = math.exp(belief[c, k] - highest)
            weight += share
            mean += share * math.log(NOISE_FACTORS[k])
        factor = math.exp(mean / weight)
        out[c] = 1.0 if 1.0 / CLEARLY <= factor <= CLEARLY else factor


@leaf
def scaled(found: Detections, used: FloatArray) -> None:
    """Multiply the variances of a scan by the factors ``used`` [PLACES], in place."""
    for k in range(len(found.var)):
        for c in range(PLACES):
            found.var[k, c] *= used[c]


@leaf
def learn_noise(
    belief: FloatArray,
    used: FloatArray,
    found: Detections,
    back_s: FloatArray,
    tracks: Tracks,
    pairs: Association,
    scratch: Scratch,
) -> None:
    """Bring the belief [PLACES, levels] up to date with one look, in place.

    ``used`` are the factors in ``found``. ``tracks`` are those of the look, their overall moments still the
    predicted ones.
    """
    room, scratch = cut_reals(scratch, 84 + PLACES)
    sums, scratch = cut_table(scratch, PLACES, len(NOISE_FACTORS))
    h, rate, spread, jac, seen = room[:6], room[6:12], room[12:48].reshape((6, 6)), room[48:84], room[84:]
    room[:] = 0.0
    sums[:] = 1.0
    _add(sums, seen, used, found, back_s, tracks, pairs, h, jac, spread, rate)
    for c in range(PLACES):
        keep = math.exp(-seen[c] / MEMORY_PLOTS)
        for k in range(belief.shape[1]):
            belief[c, k] = FIRST[k] + (belief[c, k] - FIRST[k]) * keep + math.log(sums[c, k])


@leaf
def _add(
    sums: FloatArray,
    seen: FloatArray,
    used: FloatArray,
    found: Detections,
    back_s: FloatArray,
    tracks: Tracks,
    pairs: Association,
    h: FloatArray,
    jac: FloatArray,
    spread: FloatArray,
    rate: FloatArray,
) -> None:
    """Multiply ``sums`` [PLACES, levels] by what a look's sure pairs say over strays, counted in ``seen``.

    A pair's likelihood is 1 to 260 times that of a stray, so the product over MOST_PAIRS is a number.
    """
    azimuth, told = azimuth_at(found.kind), 0
    for e in range(len(pairs.track)):
        i, j = pairs.track[e], pairs.detection[e]
        is_sure = pairs.taken[e] >= SURE and tracks.is_confirmed[i] and tracks.update_count[i] >= LEAST_UPDATES
        if not is_sure or tracks.belief.bank[i] < 0:
            continue
        if told == MOST_PAIRS:
            break
        told += 1
        count = describe(found.kind, tracks.belief.gauss, i, found.origin, j, h, jac, spread, rate)
        for c in range(min(count, PLACES)):
            # a track known worse than the plot says more of how targets move than of the plot
            if math.isnan(found.var[j, c]) or spread[c, c] > found.var[j, c]:
                continue
            gap = found.z[j, c] - (h[c] - rate[c] * back_s[j])
            if c == azimuth:
                gap = wrap(gap)
            seen[c] += 1.0
            stated = found.var[j, c] / used[c]
            stray = STRAY_TIMES * (spread[c, c] + stated)
            for k in range(sums.shape[1]):
                s = spread[c, c] + NOISE_FACTORS[k] * stated
                better = (1.0 / STRAY - 1.0) * math.sqrt(stray / s)
                sums[c, k] *= 1.0 + better * math.exp(0.5 * gap * gap * (1.0 / stray - 1.0 / s))
