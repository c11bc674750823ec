"""Who is whose: marginal association probabilities by loopy belief propagation (Williams & Lau 2014)."""

from __future__ import annotations

from typing import Final, NamedTuple

from araz.tracking._kernel import leaf, part
from araz.tracking._scratch import Scratch, cut_table, cut_wholes
from araz.vocabulary import FloatArray, IntArray

MAX_SWEEPS: Final = 200
TOLERANCE: Final = 1e-7
STRONGEST: Final = 1e8
"""Weights are capped here: certainty beyond it would only cost digits in 1 + sum - own."""


class Messages(NamedTuple):
    """Scratch for as many edges as there are: messages there and back, and their sums at both ends."""

    mu: FloatArray
    nu: FloatArray
    by_track: FloatArray
    by_detection: FloatArray


@part
def messages(edges: int, scratch: Scratch) -> tuple[Messages, Scratch]:
    """Room for ``pass_messages``."""
    rows, scratch = cut_table(scratch, 4, edges)
    return Messages(rows[0], rows[1], rows[2], rows[3]), scratch


@leaf
def pass_messages(
    tracks: int,
    detections: int,
    edges: int,
    track: IntArray,
    detection: IntArray,
    psi: FloatArray,
    work: Messages,
    taken: FloatArray,
    missed: FloatArray,
    left: FloatArray,
) -> None:
    """Fill the association marginals of a sparse bipartite graph, by messages along E edges until they settle.

    ``psi`` [E], at most STRONGEST, is the weight of "this detection came from this track" against "the track was missed
    and the detection is clutter or new". With mu and nu the messages track -> detection and back,

        mu_ij = psi_ij / (1 + sum_{j' != j} psi_ij' nu_ij'),      nu_ij = 1 / (1 + sum_{i' != i} mu_i'j).

    Fills P(j from i) [E], P(i missed) [tracks], P(j from no track) [detections]. Exact on trees (no two tracks
    sharing two detections), an approximation otherwise. **Source** Williams & Lau, IEEE TAES 50(4), 2014. Edges come
    sorted by track; the sweep always ends (it converges, Williams & Lau 2010), here after MAX_SWEEPS at the latest.
    """
    mu, nu, by_track, by_detection = work.mu, work.nu, work.by_track, work.by_detection
    for e in range(edges):
        nu[e] = 1.0
    for sweep in range(MAX_SWEEPS + 1):
        for i in range(tracks):
            by_track[i] = 1.0
        for e in range(edges):
            by_track[track[e]] += psi[e] * nu[e]
        if sweep == MAX_SWEEPS:
            break
        for j in range(detections):
            by_detection[j] = 1.0
        for e in range(edges):
            mu[e] = psi[e] / max(1.0, by_track[track[e]] - psi[e] * nu[e])
            by_detection[detection[e]] += mu[e]
        change = 0.0
        for e in range(edges):
            new = 1.0 / max(1.0, by_detection[detection[e]] - mu[e])
            change = max(change, abs(new - nu[e]))
            nu[e] = new
        if change < TOLERANCE:
            for i in range(tracks):
                by_track[i] = 1.0
            for e in range(edges):
                by_track[track[e]] += psi[e] * nu[e]
            break
    for e in range(edges):
        taken[e] = psi[e] * nu[e] / by_track[track[e]]
    for i in range(tracks):
        missed[i] = 1.0 / by_track[i]
    for j in range(detections):
        left[j] = 1.0 / by_detection[j]


@part
def clusters(
    tracks: int, detections: int, track: IntArray, detection: IntArray, scratch: Scratch
) -> tuple[IntArray, IntArray, Scratch]:
    """Tracks that share detections, directly or through others, in one cluster (union-find over E pairs).

    **Gives** the tracks that have pairs, cluster by cluster, and where each cluster begins (one more entry than
    clusters). Pairs come sorted by track; clusters come in the order of their first track, tracks in their own.
    """
    members, scratch = cut_wholes(scratch, tracks)
    size, scratch = cut_wholes(scratch, tracks + 1)
    fill, rest = cut_wholes(scratch, tracks + 1)
    parent, rest = cut_wholes(rest, tracks)
    number, rest = cut_wholes(rest, tracks)
    first, rest = cut_wholes(rest, detections)
    for i in range(tracks):
        parent[i], number[i], size[i + 1] = i, -1, 0
    size[0] = fill[0] = 0
    for j in range(detections):
        first[j] = -1
    for e in range(len(track)):
        i, j = track[e], detection[e]
        if first[j] < 0:
            first[j] = i
            continue
        a, b = i, first[j]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)  # the root is a cluster's first track
    count, last = 0, -1
    for e in range(len(track)):
        if track[e] == last:
            continue
        last = track[e]
        root = last
        while parent[root] != root:
            root = parent[root]
        if number[root] < 0:
            number[root] = count
            count += 1
        number[last] = number[root]
        size[number[root] + 1] += 1
    start = size[: count + 1]
    for c in range(count):
        start[c + 1] += start[c]
        fill[c + 1] = start[c + 1]
    last = -1
    for e in range(len(track)):
        if track[e] != last:
            last = track[e]
            members[fill[number[last]]] = last
            fill[number[last]] += 1
    return members[: start[count]], start, scratch
