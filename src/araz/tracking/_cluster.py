"""Association and update, one cluster of tracks that share detections after the other."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._associate import STRONGEST, Messages, clusters, messages, pass_messages
from araz.tracking._gauss import WIDTH, room_in, space
from araz.tracking._kernel import kernel, leaf
from araz.tracking._measure import Age, Detections, Plot, kalman_update, plot_of
from araz.tracking._measure import Room as KalmanRoom
from araz.tracking._measure import room_in as kalman_room_in
from araz.tracking._measure import space as kalman_space
from araz.tracking._motion import MANOEUVRE
from araz.tracking._pairs import SAME_CLAIM_GATE
from araz.tracking._rows import LANES, LaneRow, lane_row, largest, number_row, root, spread, total, where_above
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


@kernel
def _bench(pairs: int) -> Bench:
    whole, real, lanes = (
        np.empty((4, pairs), np.int64),
        np.empty((4, pairs)),
        np.empty((pairs + 1) * (WIDTH + 2) * LANES),
    )
    after, share = pairs * LANES, pairs * (1 + WIDTH) * LANES
    single = share + pairs * LANES
    sure = lanes[single + WIDTH * LANES : single + (WIDTH + 1) * LANES].reshape((1, LANES))
    sure[:] = 0.0
    sure[0, MANOEUVRE] = 1.0
    return Bench(
        whole[0],
        whole[1],
        real[0],
        real[1],
        real[2],
        real[3],
        whole[2],
        whole[3],
        messages(pairs),
        lanes[:after].reshape((pairs, LANES)),
        lanes[after:share].reshape((pairs, WIDTH, LANES)),
        lanes[share:single].reshape((pairs, LANES)),
        lanes[single : single + WIDTH * LANES].reshape((1, WIDTH, LANES)),
        sure,
        space(),
        kalman_space(),
    )


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


@kernel
def associate(
    found: Detections,
    ages: Ages,
    density: FloatArray,
    tracks: Tracks,
    box: tuple[IntArray, IntArray],
    chances: tuple[FloatArray, FloatArray],
    gates: FloatArray,
) -> Association:
    """Weigh, associate and update the tracks, in place: their modes, weights and existence.

    ``box`` are the candidate pairs, ordered by track; ``chances`` [N] of detection with a detection to explain, and of
    being missed where silence counts. A cluster is done as a whole while its numbers are near at hand.

        r' = sum_j beta_j + beta_0 r0,   r0 = r (1 - pd) / (1 - r pd).
    """
    plots, count = len(density), len(tracks.existence)
    chance, whole = np.zeros(plots + count), np.zeros(plots + count + 1, np.int64)
    free, detected, slot, first = chance[:plots], chance[plots:], whole[:plots], whole[plots:]
    for j in range(plots):
        free[j], slot[j] = 1.0, -1
    for i in box[0]:
        first[i + 1] += 1
    for i in range(count):
        if first[i + 1] == 0:
            tracks.existence[i] = after_silence(tracks.existence[i], chances[1][i])
        first[i + 1] += first[i]
    members, start = clusters(count, plots, box[0], box[1])
    bench = _bench(_largest(members, start, first))
    pairs = np.empty((2, len(box[0])), np.int64)
    found_pairs = (pairs[0], pairs[1], np.empty(len(box[0])))
    told = _each_cluster(
        found, ages, density, tracks, box[1], chances, gates, members, start, first, bench, slot, free, detected,
        found_pairs,
    )  # fmt: skip
    track, detection, taken = found_pairs
    return Association(track[:told], detection[:told], taken[:told], free, detected)


@leaf
def _each_cluster(
    found: Detections,
    ages: Ages,
    density: FloatArray,
    tracks: Tracks,
    box: IntArray,
    chances: tuple[FloatArray, FloatArray],
    gates: FloatArray,
    members: IntArray,
    start: IntArray,
    first: IntArray,
    bench: Bench,
    slot: IntArray,
    free: FloatArray,
    detected: FloatArray,
    out: tuple[IntArray, IntArray, FloatArray],
) -> int:
    """One cluster after the other; fills its pairs into ``out`` and gives their number."""
    told = 0
    for c in range(len(start) - 1):
        mine = members[start[c] : start[c + 1]]
        pairs = _weigh_cluster(bench, tracks, mine, first, box, found, ages, chances, density, gates)
        _marginals_of(bench, pairs, len(mine), slot, free)
        for e in range(pairs):
            i = mine[bench.local[e]]
            out[0][told + e], out[1][told + e], out[2][told + e] = i, bench.detection[e], bench.taken[e]
            detected[i] += bench.taken[e]
        told += pairs
        _update_cluster(bench, tracks, mine, pairs, chances[1], detected)
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
