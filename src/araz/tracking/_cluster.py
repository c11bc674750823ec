"""Association and update, one cluster of tracks that share detections after the other."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._associate import STRONGEST, Messages, clusters, messages, pass_messages
from araz.tracking._gauss import SPACE, WIDTH, room_in
from araz.tracking._kernel import leaf, part
from araz.tracking._measure import SPACE as KALMAN_SPACE
from araz.tracking._measure import Age, Detections, Plot, kalman_update, plot_of
from araz.tracking._measure import Room as KalmanRoom
from araz.tracking._measure import room_in as kalman_room_in
from araz.tracking._motion import MANOEUVRE
from araz.tracking._pairs import SAME_CLAIM_GATE
from araz.tracking._rows import LANES, LaneRow, lane_row, largest, number_row, root, spread, total, where_above
from araz.tracking._scratch import Scratch, cut_reals, cut_table, cut_wholes
from araz.tracking._state import Tracks
from araz.tracking._update import LEAST_WEIGHT, Hypotheses, after_silence, update_track
from araz.vocabulary import FloatArray, IntArray

FOREIGN: Final = 1e-4
"""A detection whose claim another track of the cluster carries is that much less likely to be this one's."""


class Association(NamedTuple):
    """E pairs of a look (track, detection, chance); each detection's chance to be free, each track's to be seen."""

    track: IntArray
    detection: IntArray
    taken: FloatArray
    free: FloatArray
    detected: FloatArray


class Ages(NamedTuple):
    """Of each detection how much older than the mark it is [K], of each track how long nobody saw it [N], of the step.

    Seconds; ``since_s`` is the time since the look before, of whatever sensor.
    """

    back_s: FloatArray
    quiet_s: FloatArray
    since_s: float


class Bench(NamedTuple):
    """Scratch for the largest cluster: of its E pairs the track's and detection's place, odds, and what each would do.

    ``likelihood`` [E, LANES], ``after`` [E, 27, LANES] and ``share`` [E, LANES] are theirs by mode (``Hypotheses``);
    ``single`` and ``sure`` a track with one Gaussian, written as modes: it stands in MANOEUVRE alone.
    """

    local: IntArray
    detection: IntArray
    odds: FloatArray
    taken: FloatArray
    missed: FloatArray
    left: FloatArray
    number: IntArray
    places: IntArray
    messages: Messages
    likelihood: FloatArray
    after: FloatArray
    share: FloatArray
    single: FloatArray
    sure: FloatArray
    work: FloatArray
    kalman: FloatArray


@part
def _bench(pairs: int, scratch: Scratch) -> tuple[Bench, Scratch]:
    """A bench for so many pairs; cuts ``bench_reals`` and four whole numbers a pair."""
    whole, scratch = cut_wholes(scratch, 4 * pairs)
    reals, scratch = cut_table(scratch, 4, pairs)
    passed, scratch = messages(pairs, scratch)
    likelihood, scratch = cut_table(scratch, pairs, LANES)
    after, scratch = cut_reals(scratch, pairs * WIDTH * LANES)
    share, scratch = cut_table(scratch, pairs, LANES)
    single, scratch = cut_reals(scratch, WIDTH * LANES)
    sure, scratch = cut_table(scratch, 1, LANES)
    work, scratch = cut_reals(scratch, SPACE)
    kalman, scratch = cut_reals(scratch, KALMAN_SPACE)
    kalman[:] = 0.0
    sure[:] = 0.0
    sure[0, MANOEUVRE] = 1.0
    wholes = whole.reshape((4, pairs))
    bench = Bench(
        wholes[0],
        wholes[1],
        reals[0],
        reals[1],
        reals[2],
        reals[3],
        wholes[2],
        wholes[3],
        passed,
        likelihood,
        after.reshape((pairs, WIDTH, LANES)),
        share,
        single.reshape((1, WIDTH, LANES)),
        sure,
        work,
        kalman,
    )
    return bench, scratch


@leaf
def bench_reals(pairs: int) -> int:
    """How many numbers ``_bench`` cuts."""
    return pairs * (8 + (WIDTH + 2) * LANES) + (WIDTH + 1) * LANES + SPACE + KALMAN_SPACE


@leaf
def _modes_of(tracks: Tracks, i: int, bench: Bench) -> tuple[LaneRow, LaneRow]:
    """The modes of track i and their weights."""
    b = tracks.belief.bank[i]
    if b >= 0:
        return lane_row(tracks.belief.modes, b), lane_row(tracks.belief.weight, b)
    single, g = lane_row(bench.single, 0), number_row(tracks.belief.gauss, i)
    for q in range(WIDTH):
        single[q] = spread(g[q])
    return single, lane_row(bench.sure, 0)


@leaf
def _weigh_pair(
    plot: Plot,
    age: Age,
    prior: LaneRow,
    weight: LaneRow,
    gates: FloatArray,
    wide: float,
    after: LaneRow,
    of_modes: LaneRow,
    work: KalmanRoom,
) -> float:
    """Update every mode with a detection, into ``after``; gives sum_m w_m l_m, -1 outside the gate.

    Likelihoods, into ``of_modes``, are kept relative to the nearest mode's distance, so that far pairs do not vanish; a
    mode of hardly any weight has none.
    """
    distance2, volume, used = kalman_update(prior, plot, age, after, work)
    w = weight[0]
    nearest2 = -largest(where_above(w, LEAST_WEIGHT, -distance2, spread(-np.inf)))
    if used == 0 or not nearest2 <= wide * gates[used]:
        return -1.0
    likelihood = where_above(w, LEAST_WEIGHT, math.exp(0.5 * (nearest2 - distance2)) / root(volume), spread(0.0))
    of_modes[0] = likelihood
    whole: float = math.exp(-0.5 * nearest2) * total(w * likelihood)
    return whole


@leaf
def _weigh_cluster(
    bench: Bench,
    tracks: Tracks,
    members: IntArray,
    first: IntArray,
    detection: IntArray,
    found: Detections,
    ages: Ages,
    chances: tuple[FloatArray, FloatArray],
    density: FloatArray,
    gates: FloatArray,
) -> int:
    """Fill the bench with the pairs of one cluster inside the exact gate; gives their number.

    Odds are r pd sum_m w_m l_m / ((1 - r pd_miss) lambda): "this detection is this track's" against "the track was
    missed and the detection is clutter or new", with ``density`` lambda [K] of both.
    """
    count, has_owner, work = 0, False, kalman_room_in(bench.kalman)
    for local in range(len(members)):
        i = members[local]
        silence = max(1.0 - tracks.existence[i] * chances[1][i], 1e-9)
        modes, weight = _modes_of(tracks, i, bench)
        for e in range(first[i], first[i + 1]):
            j = detection[e]
            same = tracks.claim_key[i] != 0 and tracks.claim_key[i] == found.claim_key[j]
            wide = SAME_CLAIM_GATE if same else 1.0
            age = Age(ages.back_s[j], ages.quiet_s[i], ages.since_s)
            after, of_modes = lane_row(bench.after, count), lane_row(bench.likelihood, count)
            likelihood = _weigh_pair(plot_of(found, j), age, modes, weight, gates, wide, after, of_modes, work)
            if likelihood < 0.0:
                continue
            odds = tracks.existence[i] * chances[0][i] * likelihood / (silence * density[j])
            bench.odds[count] = min(odds, STRONGEST)
            bench.local[count], bench.detection[count] = local, j
            has_owner = has_owner or same
            count += 1
    if has_owner:
        _prefer_owners(bench, count, tracks.claim_key, members, found.claim_key)
    return count


@leaf
def _prefer_owners(bench: Bench, count: int, track_key: IntArray, members: IntArray, claim_key: IntArray) -> None:
    """Where a track carries a detection's claim, the detection is hardly another track's."""
    for e in range(count):
        j = bench.detection[e]
        if claim_key[j] == 0 or track_key[members[bench.local[e]]] == claim_key[j]:
            continue
        for other in range(count):
            if bench.detection[other] == j and track_key[members[bench.local[other]]] == claim_key[j]:
                bench.odds[e] *= FOREIGN
                break


@leaf
def _marginals_of(bench: Bench, count: int, members: int, slot: IntArray, free: FloatArray) -> None:
    """P(pair) [count] and P(missed) [members] of one cluster into the bench, each detection's chance into ``free``.

    ``slot`` [K] is scratch, all -1 before and after.
    """
    if count <= 1:  # most clusters: nothing to pass messages about
        for local in range(members):
            bench.missed[local] = 1.0
        if count == 1:
            bench.missed[bench.local[0]] = free[bench.detection[0]] = 1.0 / (1.0 + bench.odds[0])
            bench.taken[0] = bench.odds[0] / (1.0 + bench.odds[0])
        return
    used = 0
    for e in range(count):
        j = bench.detection[e]
        if slot[j] < 0:
            slot[j] = used
            bench.places[used] = j
            used += 1
        bench.number[e] = slot[j]
    pass_messages(
        members,
        used,
        count,
        bench.local,
        bench.number,
        bench.odds,
        bench.messages,
        bench.taken,
        bench.missed,
        bench.left,
    )
    for k in range(used):
        free[bench.places[k]] = bench.left[k]
        slot[bench.places[k]] = -1


class Groups(NamedTuple):
    """Clusters of tracks that share detections, see ``clusters``: their pairs lie from ``first`` [N + 1] of a track on.

    ``most`` are the pairs of the cluster that has most, at least one.
    """

    members: IntArray
    start: IntArray
    first: IntArray
    most: int


@part
def grouped(
    tracks: int, detections: int, track: IntArray, detection: IntArray, scratch: Scratch
) -> tuple[Groups, Scratch]:
    """The clusters of the candidate pairs, ordered by track."""
    first, scratch = cut_wholes(scratch, tracks + 1)
    members, start, scratch = clusters(tracks, detections, track, detection, scratch)
    first[:] = 0
    for i in track:
        first[i + 1] += 1
    for i in range(tracks):
        first[i + 1] += first[i]
    return Groups(members, start, first, _largest(members, start, first)), scratch


@part
def associate(
    found: Detections,
    ages: Ages,
    density: FloatArray,
    tracks: Tracks,
    box: IntArray,
    groups: Groups,
    chances: tuple[FloatArray, FloatArray],
    gates: FloatArray,
    out: Association,
    scratch: Scratch,
) -> Association:
    """Weigh, associate and update the tracks, in place: their modes, weights and existence; ``out`` is filled.

    ``box`` are the detections of the candidate pairs, ordered by track; ``chances`` [N] of detection with a detection
    to explain, and of being missed where silence counts. A cluster is done as a whole while its numbers are near at
    hand.

        r' = sum_j beta_j + beta_0 r0,   r0 = r (1 - pd) / (1 - r pd).
    """
    bench, scratch = _bench(groups.most, scratch)
    slot, scratch = cut_wholes(scratch, len(density))
    for j in range(len(density)):
        out.free[j], slot[j] = 1.0, -1
    for i in range(len(tracks.existence)):
        out.detected[i] = 0.0
        if groups.first[i] == groups.first[i + 1]:
            tracks.existence[i] = after_silence(tracks.existence[i], chances[1][i])
    told = _each_cluster(found, ages, density, tracks, box, groups, chances, gates, bench, slot, out)
    return Association(out.track[:told], out.detection[:told], out.taken[:told], out.free, out.detected)


@leaf
def _each_cluster(
    found: Detections,
    ages: Ages,
    density: FloatArray,
    tracks: Tracks,
    box: IntArray,
    groups: Groups,
    chances: tuple[FloatArray, FloatArray],
    gates: FloatArray,
    bench: Bench,
    slot: IntArray,
    out: Association,
) -> int:
    """One cluster after the other; fills its pairs into ``out`` and gives their number."""
    told, start = 0, groups.start
    for c in range(len(start) - 1):
        mine = groups.members[start[c] : start[c + 1]]
        pairs = _weigh_cluster(bench, tracks, mine, groups.first, box, found, ages, chances, density, gates)
        _marginals_of(bench, pairs, len(mine), slot, out.free)
        for e in range(pairs):
            i, at = mine[bench.local[e]], told + e
            out.track[at], out.detection[at], out.taken[at] = i, bench.detection[e], bench.taken[e]
            out.detected[i] += bench.taken[e]
        told += pairs
        _update_cluster(bench, tracks, mine, pairs, chances[1], out.detected)
    return told


@leaf
def _largest(members: IntArray, start: IntArray, first: IntArray) -> int:
    """Pairs of the cluster that has most, at least one."""
    most = 1
    for c in range(len(start) - 1):
        pairs = 0
        for i in members[start[c] : start[c + 1]]:
            pairs += first[i + 1] - first[i]
        most = max(most, pairs)
    return most


@leaf
def _update_cluster(
    bench: Bench,
    tracks: Tracks,
    members: IntArray,
    pairs: int,
    miss: FloatArray,
    detected: FloatArray,
) -> None:
    """Modes, weights and existence of a cluster's tracks after association, in place."""
    begin, work = 0, room_in(bench.work)
    for local in range(len(members)):
        i, end = members[local], begin
        while end < pairs and bench.local[end] == local:
            end += 1
        still = bench.missed[local] * after_silence(tracks.existence[i], miss[i])
        if end > begin:
            modes, weight = _modes_of(tracks, i, bench)
            mine = Hypotheses(
                lane_row(bench.likelihood, begin), lane_row(bench.after, begin), lane_row(bench.share, begin)
            )
            taken = number_row(bench.taken, begin)
            weights = update_track(modes, weight, still, taken, end - begin, mine, work)
            if tracks.belief.bank[i] >= 0:
                weight[0] = weights
            else:
                for q in range(WIDTH):
                    tracks.belief.gauss[i, q] = bench.single[0, q, MANOEUVRE]
        tracks.existence[i] = min(detected[i] + still, 1.0)
        begin = end
