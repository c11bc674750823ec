"""What flies together turns, ends and begins together: neighbours on one course, and new plots side by side."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._grid import Plan, around, bits_within, plan_grid, stretch
from araz.tracking._kernel import leaf
from araz.tracking._measure import BEARING, POLAR, Detections
from araz.tracking._motion import MODE_COUNT, Belief
from araz.tracking._rows import LANES, NumberRow, lowest_bit, number_row
from araz.tracking._scratch import Scratch, cut_flags, cut_reals, cut_table, cut_wholes
from araz.tracking._state import Tracks
from araz.vocabulary import BoolArray, FloatArray, IntArray

REACH_M: Final = 300.0
HEIGHT_REACH_M: Final = 150.0
"""Members of a formation stand no further apart than this."""
SAME_COURSE2: Final = 9.0
COURSE_SLACK_MPS: Final = 1.0
"""Their velocities agree: squared statistical distance, with this much of their own."""
TRUST: Final = 0.6
"""Share of a neighbour's evidence on how it moves that counts as one's own; formations do break up."""
MOST_NEIGHBOURS: Final = 4.0
"""Evidence of more neighbours than this is scaled down to theirs: their errors are not independent."""
KNOWN_UPDATES: Final = 3
LEAST_SPEED_MPS: Final = 3.0
"""What stands about, or is a false track among others, has no course to share."""
LEAST_RATIO: Final = 1e-6
COMMON_END: Final = 0.8
"""Share of the ends of a formation's members that are the end of all: they land, or leave, together."""
MOST_COMMON: Final = 20.0
"""Silence about all of them speaks for that end at most so much: a radar too may miss all of them at once."""

SWARM_SHARE: Final = 0.1
"""Share of new targets that do not come alone."""
SWARM_OTHERS: Final = 3.0
SWARM_REACH_M: Final = 200.0
SWARM_HEIGHT_M: Final = 100.0
"""A swarm's member has so many others around it on average, within this distance;"""
APART_SIGMAS: Final = 4.0
APART_M: Final = 40.0
"""closer than both, two plots may be one target's: radars split them, and some report a target several times a look;"""
FEWEST_OTHERS: Final = 2
"""with fewer, chance may have put two false plots side by side."""
MOST_ODDS: Final = 1e9


@leaf
def _same_course(a: NumberRow, b: NumberRow) -> bool:
    """Whether two tracks, as rows of ``_course``, are near each other and fly one way within their errors."""
    e, n = a[0] - b[0], a[1] - b[1]
    if e * e + n * n > REACH_M**2 or abs(a[2] - b[2]) > HEIGHT_REACH_M:
        return False
    e, n = a[3] - b[3], a[4] - b[4]
    ee, en, nn = a[5] + b[5] + COURSE_SLACK_MPS**2, a[6] + b[6], a[7] + b[7] + COURSE_SLACK_MPS**2
    agree: bool = (nn * e * e - 2.0 * en * e * n + ee * n * n) / (ee * nn - en * en) < SAME_COURSE2
    return agree


@leaf
def _course(g: NumberRow, out: NumberRow) -> None:
    """Fill ``out`` [8] with position, horizontal velocity and its covariance of a track g [27]."""
    for q in range(5):
        out[q] = g[q]
    out[5], out[6], out[7] = g[15], g[19], g[20]


class Before(NamedTuple):
    """Before a look: mode weights [B, LANES], existence [N], chance of being missed [N]; and how often tracks end.

    ``ended`` [N] is the chance that a track ended since the sensor last looked, or the track was last seen.
    """

    weight: FloatArray
    existence: FloatArray
    miss: FloatArray
    ended: FloatArray


@leaf
def share_in_company(tracks: Tracks, before: Before, detected: FloatArray, scratch: Scratch) -> None:
    """Let neighbours on one course share what a look says of how they move and whether they are there; in place.

    **Turns.** With w the mode weights before the look and w' after it, neighbour j speaks for mode m with w'_jm / w_jm:

        w''_im ~ w'_im prod_j (w'_jm / w_jm)^(TRUST),

    for a formation turns as one, and five noisy tracks show a turn sooner than one does. Two drones that part fly
    different courses within seconds, and then no longer count.

    **Ends.** Of the chance 1 - r_i that a track nobody sees now has ended, the part that came since the sensor last
    looked, times COMMON_END, is an end of all, f; the neighbours' plots and silences weigh it with

        L = prod_j (1 - d_j) / (1 - r_j pd_j),    (1 - r_i)'' = (1 - r_i') (1 - f + f L), up to the norm,

    d_j being the chance that j was detected: one who is missed among others that are seen has more likely not ended,
    and all at once silent more likely have. Where a look's silence does not count, pd_j is 0.
    """
    moments, bank = tracks.belief.gauss, tracks.belief.bank
    (rows, scratch), count = cut_wholes(scratch, len(bank)), 0
    for i in range(len(bank)):
        known = bank[i] >= 0 and tracks.update_count[i] >= KNOWN_UPDATES and before.existence[i] > 0.5
        if known and moments[i, 3] ** 2 + moments[i, 4] ** 2 >= LEAST_SPEED_MPS**2:
            rows[count] = i
            count += 1
    if count < 2:
        return
    rows = rows[:count]
    plan, scratch = cut_table(scratch, 2, count + LANES)
    by_mode, scratch = cut_table(scratch, 3 * count + 1, MODE_COUNT)
    common, scratch = cut_reals(scratch, count)
    done, scratch = cut_flags(scratch, count)
    for a in range(count):
        plan[0, a], plan[1, a] = moments[rows[a], 0], moments[rows[a], 1]
        common[a], done[a] = 1.0, False
    grid, _ = plan_grid(plan[0, :count], plan[1, :count], REACH_M, scratch)
    speech, new, near = by_mode[:count], by_mode[count : 2 * count], by_mode[2 * count :]
    new[:] = 0.0
    _listen(tracks.belief, before, detected, rows, grid, near, plan, speech, done, new, common)
    for a in range(count):
        i = rows[a]
        if detected[i] < 0.5:
            tracks.existence[i] = after_company(tracks.existence[i], before.existence[i], before.ended[i], common[a])


@leaf
def after_company(existence: float, before: float, ended: float, ratio: float) -> float:
    """Existence of a track nobody saw, given what was seen of its neighbours: see ``share_in_company``, **Ends**."""
    gone = 1.0 - before
    if gone <= 0.0 or existence <= 0.0:
        return existence
    part = COMMON_END * min(ended * before / gone, 1.0)
    lost = (1.0 - existence) * (1.0 - part + part * min(ratio, MOST_COMMON))
    left: float = existence / (existence + lost)
    return left


@leaf
def _speak(before: NumberRow, after: NumberRow, out: NumberRow) -> None:
    """Fill ``out`` [MODE_COUNT] with what a track's detections say for each mode: ln(w' / w)."""
    for m in range(MODE_COUNT):
        ratio = after[m] / before[m] if before[m] > 0.0 else 1.0
        out[m] = math.log(max(ratio, LEAST_RATIO))


@leaf
def _listen(
    belief: Belief,
    before: Before,
    detected: FloatArray,
    rows: IntArray,
    grid: Plan,
    near: FloatArray,
    plan: FloatArray,
    speech: FloatArray,
    done: BoolArray,
    new: FloatArray,
    common: FloatArray,
) -> None:
    """The sums and products of ``share_in_company`` over the neighbours of tracks ``rows``, then new weights, in place.

    ``near`` [count + 1, 8] is scratch: the tracks' courses as the grid orders them, then the one in hand; ``plan`` [2,
    count + LANES]: where they are.
    """
    moments, bank, weight, count = belief.gauss, belief.bank, belief.weight, len(rows)
    for place in range(len(grid.order)):
        _course(number_row(moments, rows[grid.order[place]]), number_row(near, place))
        plan[0, place], plan[1, place] = near[place, 0], near[place, 1]
    own, east, north = number_row(near, count), number_row(plan, 0), number_row(plan, 1)
    for a in range(count):
        i, others = rows[a], 0
        _course(number_row(moments, i), own)
        cells = around(grid, moments[i, 0], moments[i, 1])
        for row in range(cells.row, cells.to_row, cells.step):
            begin, end = stretch(grid, cells, row)
            for start in range(begin, end, LANES):
                bits = bits_within(east, north, start, end, own[0], own[1], REACH_M**2)
                while bits != 0:
                    place, bits = start + lowest_bit(bits), bits & (bits - 1)
                    if not _same_course(own, number_row(near, place)):
                        continue
                    b = grid.order[place]
                    j = rows[b]
                    if a == b:
                        continue
                    common[a] *= (1.0 - detected[j]) / (1.0 - before.existence[j] * before.miss[j])
                    if detected[j] < 0.5:
                        continue
                    if not done[b]:
                        _speak(number_row(before.weight, bank[j]), number_row(weight, bank[j]), number_row(speech, b))
                        done[b] = True
                    for m in range(MODE_COUNT):
                        new[a, m] += speech[b, m]
                    others += 1
        if others == 0:
            new[a, 0] = np.nan
            continue
        scale = TRUST * min(1.0, MOST_NEIGHBOURS / others)
        highest = -np.inf
        for m in range(MODE_COUNT):
            new[a, m] *= scale
            highest = max(highest, new[a, m])
        for m in range(MODE_COUNT):
            new[a, m] = weight[bank[i], m] * math.exp(new[a, m] - highest)
    for a in range(count):
        total = new[a].sum()
        if total > 0.0:
            for m in range(MODE_COUNT):
                weight[bank[rows[a]], m] = new[a, m] / total


@leaf
def _plan_sigma_m(found: Detections, k: int) -> float:
    """The larger of a plot's two standard deviations in plan, metres."""
    across = found.var[k, 1] * (found.z[k, 0] ** 2 if found.kind == POLAR else 1.0)
    return math.sqrt(max(found.var[k, 0], across))


@leaf
def swarm_odds(
    found: Detections,
    place: FloatArray,
    free: FloatArray,
    ground_density: FloatArray,
    odds: FloatArray,
    scratch: Scratch,
) -> None:
    """Fill in how much likelier a new target is at each detection [K] for those beside it: odds on the birth density.

    With share p of the births in swarms, a member has rho others around it, even over the disc of area V:

        (1 - p) + p e^(-rho) prod_j (1 + rho q_j / (V c_j)),

    the likelihood ratio of the neighbours j that stand clearly apart, against false plots of density c [1/m^2], q_j
    being their chance to be nobody else's. Where false plots stand close the factor stays near one. **Source** a
    Neyman-Scott cluster process.
    """
    odds[:] = 1.0
    if found.kind == BEARING or len(free) < 2:
        return
    near, scratch = cut_table(scratch, len(free), 4)
    plan, scratch = cut_table(scratch, 2, len(free) + LANES)
    grid, _ = plan_grid(place[:, 0], place[:, 1], SWARM_REACH_M, scratch)
    _count_others(found, place, free, ground_density, grid, near, plan, odds)


@leaf
def _count_others(
    found: Detections,
    place: FloatArray,
    free: FloatArray,
    ground_density: FloatArray,
    grid: Plan,
    near: FloatArray,
    plan: FloatArray,
    odds: FloatArray,
) -> None:
    """The products of ``swarm_odds``; scratch are ``near`` [K, 4], places as the grid orders them, and their factors,
    and ``plan`` [2, K + LANES], the same places in plan.
    """
    area = math.pi * SWARM_REACH_M**2
    for at in range(len(grid.order)):
        j, other = grid.order[at], number_row(near, at)
        other[0], other[1], other[2] = place[j, 0], place[j, 1], place[j, 2]
        plan[0, at], plan[1, at] = place[j, 0], place[j, 1]
        counts = free[j] >= 0.1 and found.claim_key[j] == 0
        other[3] = 1.0 + SWARM_OTHERS * free[j] / (area * ground_density[j]) if counts else 0.0
    east, north = number_row(plan, 0), number_row(plan, 1)
    for k in range(len(free)):
        if free[k] < 0.1 or math.isnan(place[k, 0] + place[k, 1]):
            continue
        cells = around(grid, place[k, 0], place[k, 1])
        product, others = 1.0, 0
        apart = max(APART_M, APART_SIGMAS * _plan_sigma_m(found, k))
        for row in range(cells.row, cells.to_row, cells.step):
            begin, end = stretch(grid, cells, row)
            for start in range(begin, end, LANES):
                bits = bits_within(east, north, start, end, place[k, 0], place[k, 1], SWARM_REACH_M**2)
                while bits != 0:
                    other, bits = number_row(near, start + lowest_bit(bits)), bits & (bits - 1)
                    e, n, u = other[0] - place[k, 0], other[1] - place[k, 1], other[2] - place[k, 2]
                    far2 = e * e + n * n  # a plot itself is not apart from itself
                    if apart**2 < far2 < SWARM_REACH_M**2 and abs(u) < SWARM_HEIGHT_M and other[3] > 0.0:
                        product *= other[3]
                        others += 1
        if others >= FEWEST_OTHERS:
            odds[k] = 1.0 - SWARM_SHARE + SWARM_SHARE * math.exp(-SWARM_OTHERS) * min(product, MOST_ODDS)
