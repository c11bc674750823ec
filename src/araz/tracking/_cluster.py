"""Association and update, one cluster of tracks that share detections after the other."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from araz.tracking._associate import STRONGEST, clusters, marginals
from araz.tracking._gauss import WIDTH
from araz.tracking._measure import Detections, Room, kalman_update, room
from araz.tracking._motion import MODE_COUNT
from araz.tracking._pairs import SAME_CLAIM_GATE
from araz.tracking._state import Tracks
from araz.tracking._update import LEAST_WEIGHT, after_silence, update_track
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


class Bench(NamedTuple):
    """Scratch for the largest cluster: of its E pairs the track's and detection's place, likelihoods, updated modes."""

    local: IntArray
    detection: IntArray
    likelihood: FloatArray
    odds: FloatArray
    after: FloatArray
    share: FloatArray
    work: FloatArray
    kalman: Room


@njit(cache=True, error_model="numpy")
def _bench(pairs: int) -> Bench:
    return Bench(
        np.empty(pairs, np.int64),
        np.empty(pairs, np.int64),
        np.empty((pairs, MODE_COUNT)),
        np.empty(pairs),
        np.empty((pairs * MODE_COUNT, WIDTH)),
        np.empty((pairs + 1, MODE_COUNT)),
        np.empty((2, WIDTH)),
        room(),
    )


@njit(cache=True, error_model="numpy")
def _weigh_pair(
    found: Detections,
    j: int,
    back_s: float,
    rows: FloatArray,
    weight: FloatArray,
    i: int,
    gates: FloatArray,
    wide: float,
    likelihood: FloatArray,
    after: FloatArray,
    e: int,
    work: Room,
) -> float:
    """Update every mode of track i with detection j as pair e: into rows e M + m of ``after`` [E M, 27].

    Gives log sum_m w_m l_m, -inf outside the gate; ``likelihood`` [E, M] is filled relative to the largest, which keeps
    far pairs from vanishing.
    """
    inside, highest = False, -np.inf
    for m in range(MODE_COUNT):
        likelihood[e, m] = -np.inf
        if weight[i, m] <= LEAST_WEIGHT:
            continue
        value, distance2, used = kalman_update(
            m, rows, i * MODE_COUNT + m, found, j, back_s, after, e * MODE_COUNT + m, work
        )
        likelihood[e, m] = value
        highest = max(highest, value)
        inside = inside or (used > 0 and distance2 <= wide * gates[used])
    if not inside:
        return -np.inf
    total = 0.0
    for m in range(MODE_COUNT):
        likelihood[e, m] = math.exp(likelihood[e, m] - highest)
        total += weight[i, m] * likelihood[e, m]
    return highest + math.log(total)


@njit(cache=True, error_model="numpy")
def _weigh_cluster(
    bench: Bench,
    tracks: Tracks,
    members: IntArray,
    first: IntArray,
    detection: IntArray,
    found: Detections,
    back_s: FloatArray,
    chances: tuple[FloatArray, FloatArray],
    density: FloatArray,
    gates: FloatArray,
) -> int:
    """Fill the bench with the pairs of one cluster inside the exact gate; gives their number.

    Odds are r pd sum_m w_m l_m / ((1 - r pd_miss) lambda): "this detection is this track's" against "the track was
    missed and the detection is clutter or new", with ``density`` lambda [K] of both.
    """
    count, has_owner = 0, False
    rows = tracks.gauss.reshape(len(tracks.existence) * MODE_COUNT, WIDTH)
    for local in range(len(members)):
        i = members[local]
        silence = max(1.0 - tracks.existence[i] * chances[1][i], 1e-9)
        for e in range(first[i], first[i + 1]):
            j = detection[e]
            same = tracks.claim_key[i] != 0 and tracks.claim_key[i] == found.claim_key[j]
            log_l = _weigh_pair(
                found,
                j,
                back_s[j],
                rows,
                tracks.weight,
                i,
                gates,
                SAME_CLAIM_GATE if same else 1.0,
                bench.likelihood,
                bench.after,
                count,
                bench.kalman,
            )
            if log_l == -np.inf:
                continue
            odds = tracks.existence[i] * chances[0][i] * math.exp(log_l) / (silence * density[j])
            bench.odds[count] = min(odds, STRONGEST)
            bench.local[count], bench.detection[count] = local, j
            has_owner = has_owner or same
            count += 1
    if has_owner:
        _prefer_owners(bench, count, tracks.claim_key, members, found.claim_key)
    return count


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def _marginals_of(
    bench: Bench, count: int, members: int, slot: IntArray, free: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """P(pair) [count] and P(missed) [members] of one cluster; writes the detections' chance to be free.

    ``slot`` [K] is scratch, all -1 before and after.
    """
    if count <= 1:  # most clusters: nothing to pass messages about
        missed = np.ones(members)
        if count == 0:
            return bench.odds[:0], missed
        missed[bench.local[0]] = free[bench.detection[0]] = 1.0 / (1.0 + bench.odds[0])
        return bench.odds[:1] / (1.0 + bench.odds[:1]), missed
    number, places = np.empty(count, np.int64), np.empty(count, np.int64)
    used = 0
    for e in range(count):
        j = bench.detection[e]
        if slot[j] < 0:
            slot[j] = used
            places[used] = j
            used += 1
        number[e] = slot[j]
    taken, missed, left = marginals(members, used, bench.local[:count], number, bench.odds[:count])
    for k in range(used):
        free[places[k]] = left[k]
        slot[places[k]] = -1
    return taken, missed


@njit(cache=True, error_model="numpy")
def associate(
    found: Detections,
    back_s: FloatArray,
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
    free, detected, slot = np.ones(plots), np.zeros(count), np.full(plots, -1, np.int64)
    first = np.zeros(count + 1, np.int64)
    for i in box[0]:
        first[i + 1] += 1
    for i in range(count):
        if first[i + 1] == 0:
            tracks.existence[i] = after_silence(tracks.existence[i], chances[1][i])
        first[i + 1] += first[i]
    members, start = clusters(count, plots, box[0], box[1])
    bench = _bench(_largest(members, start, first))
    track, detection, taken = np.empty(len(box[0]), np.int64), np.empty(len(box[0]), np.int64), np.empty(len(box[0]))
    told = 0
    for c in range(len(start) - 1):
        mine = members[start[c] : start[c + 1]]
        pairs = _weigh_cluster(bench, tracks, mine, first, box[1], found, back_s, chances, density, gates)
        chance, missed = _marginals_of(bench, pairs, len(mine), slot, free)
        for e in range(pairs):
            track[told + e], detection[told + e] = mine[bench.local[e]], bench.detection[e]
            taken[told + e] = chance[e]
            detected[mine[bench.local[e]]] += chance[e]
        told += pairs
        _update_cluster(bench, tracks, mine, pairs, chance, missed, chances[1], detected)
    return Association(track[:told].copy(), detection[:told].copy(), taken[:told].copy(), free, detected)


@njit(cache=True, error_model="numpy")
def _largest(members: IntArray, start: IntArray, first: IntArray) -> int:
    """Pairs of the cluster that has most, at least one."""
    largest = 1
    for c in range(len(start) - 1):
        pairs = 0
        for i in members[start[c] : start[c + 1]]:
            pairs += first[i + 1] - first[i]
        largest = max(largest, pairs)
    return largest


@njit(cache=True, error_model="numpy")
def _update_cluster(
    bench: Bench,
    tracks: Tracks,
    members: IntArray,
    pairs: int,
    taken: FloatArray,
    missed: FloatArray,
    miss: FloatArray,
    detected: FloatArray,
) -> None:
    """Modes, weights and existence of a cluster's tracks after association, in place."""
    rows, begin = tracks.gauss.reshape(len(tracks.existence) * MODE_COUNT, WIDTH), 0
    for local in range(len(members)):
        i, end = members[local], begin
        while end < pairs and bench.local[end] == local:
            end += 1
        still = missed[local] * after_silence(tracks.existence[i], miss[i])
        if end > begin:
            update_track(
                rows,
                tracks.weight,
                i,
                still,
                bench.likelihood,
                taken,
                bench.after,
                begin,
                end,
                bench.share,
                bench.work,
            )
        tracks.existence[i] = min(detected[i] + still, 1.0)
        begin = end
