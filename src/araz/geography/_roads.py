"""Roads as a graph, and how long it takes along and off them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from araz.geography._border import geometries_of
from araz.geography._frame import LocalFrame
from araz.vocabulary import FloatArray, IntArray, frozen_array

_ALL_PAIRS = 1_000  # nodes up to which the quickest way between any two is worked out once
_JOIN_DEG = 6  # decimals: line ends within 0.1 m of each other are one junction


@dataclass(frozen=True, slots=True, eq=False)
class RoadGraph:
    """Junctions and bends ``node_enu_m`` [V, 2]; two-way straight ``edge_node`` [E, 2] with ``edge_speed_mps`` [E].

    ``edge_name`` holds the road's name of every edge, or is empty when the source names none.
    """

    node_enu_m: FloatArray
    edge_node: IntArray
    edge_speed_mps: FloatArray
    edge_name: tuple[str, ...] = ()
    edge_start_m: FloatArray = field(init=False, repr=False)
    edge_end_m: FloatArray = field(init=False, repr=False)
    pair_s: FloatArray | None = field(init=False, repr=False, default=None)
    """Seconds between all nodes [V, V] at the edges' own speeds, and the node before; None for a large graph."""
    pair_previous: IntArray | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "node_enu_m", frozen_array(np.reshape(self.node_enu_m, (-1, 2)), np.float64))
        object.__setattr__(self, "edge_node", frozen_array(np.reshape(self.edge_node, (-1, 2)), np.int64))
        object.__setattr__(self, "edge_speed_mps", frozen_array(np.reshape(self.edge_speed_mps, -1), np.float64))
        if len(self.edge_speed_mps) != len(self.edge_node) or np.any(~(self.edge_speed_mps > 0)):
            raise ValueError("Every road edge needs one speed above 0 m/s.")
        if self.edge_name and len(self.edge_name) != len(self.edge_node):
            raise ValueError("edge_name must hold one name an edge, or none at all.")
        ends = self.node_enu_m[self.edge_node] if len(self.edge_node) else np.empty((0, 2, 2))
        object.__setattr__(self, "edge_start_m", frozen_array(ends[:, 0], np.float64))
        object.__setattr__(self, "edge_end_m", frozen_array(ends[:, 1], np.float64))
        if len(self.edge_node) > 0 and len(self.node_enu_m) <= _ALL_PAIRS:
            length = np.maximum(np.hypot(*(self.edge_end_m - self.edge_start_m).T), 1e-9)
            graph = _graph(self.edge_node, length / self.edge_speed_mps, len(self.node_enu_m))
            seconds, previous = dijkstra(graph, directed=True, return_predecessors=True)
            object.__setattr__(self, "pair_s", frozen_array(seconds, np.float64))
            object.__setattr__(self, "pair_previous", frozen_array(previous, np.int64))

    def travel(
        self, from_enu_m: ArrayLike, to_enu_m: ArrayLike, off_road_mps: float, speed_factor: float
    ) -> tuple[FloatArray, list[FloatArray]]:
        """Shortest times (s) [K] from one place [2] to places [K, 2], and the way there, ENU polylines [P, 2].

        t = min over entry and exit points of |from − entry| / v_off + road + |exit − to| / v_off, against the straight
        way off the road. Entry and exit are the feet of the perpendiculars on each edge. Roads are Dijkstra
        (scipy) at edge speed × ``speed_factor``; off the road goes straight, over anything: a river or a fence is not
        known. Fails with ValueError on a speed that is not above 0 or places that are not finite.
        """
        start = np.asarray(from_enu_m, dtype=np.float64).reshape(-1)[:2]
        goals = np.atleast_2d(np.asarray(to_enu_m, dtype=np.float64))[:, :2]
        if not (off_road_mps > 0 and speed_factor > 0):
            raise ValueError(f"off_road_mps {off_road_mps} and speed_factor {speed_factor} must be above 0.")
        if not (np.all(np.isfinite(start)) and np.all(np.isfinite(goals))):
            raise ValueError("Travel needs finite ENU places; leave out those that are unknown.")
        if len(self.edge_node) == 0:
            straight = np.hypot(*(goals - start).T) / off_road_mps
            return straight, [np.stack([start, goal]) for goal in goals]
        entry = self._access(start, off_road_mps, speed_factor)
        seconds, previous = self._from_start(entry, speed_factor)
        return self._best(start, goals, entry, seconds, previous, off_road_mps, speed_factor)

    def names_at(self, node: int) -> tuple[str, ...]:
        """Names of the roads that meet at a node, in the order of the file, each once."""
        if not self.edge_name:
            return ()
        meeting = np.flatnonzero(np.any(self.edge_node == node, axis=1))
        return tuple(dict.fromkeys(self.edge_name[edge] for edge in meeting if self.edge_name[edge]))

    def _access(self, places: FloatArray, off_road_mps: float, speed_factor: float) -> _Access:
        """Off-road seconds from places [..., 2] to the foot on every edge, and road seconds on to both its ends."""
        place = places[..., None, :]
        along = self.edge_end_m - self.edge_start_m
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
        share = np.clip(np.sum((place - self.edge_start_m) * along, axis=-1) / length**2, 0.0, 1.0)
        foot = self.edge_start_m + share[..., None] * along
        walk_s = np.hypot(place[..., 0] - foot[..., 0], place[..., 1] - foot[..., 1]) / off_road_mps
        edge_s = length / (self.edge_speed_mps * speed_factor)
        to_ends_s = np.stack([walk_s + share * edge_s, walk_s + (1 - share) * edge_s], -1)
        return _Access(foot, share, walk_s, edge_s, to_ends_s)

    def _from_start(self, entry: _Access, speed_factor: float) -> tuple[FloatArray, IntArray]:
        """Seconds to every node and its predecessor, V for the start, which may enter the roads at any node."""
        count = len(self.node_enu_m)
        at_node = np.full(count, np.inf)
        np.minimum.at(at_node, self.edge_node, entry.to_ends_s)
        if self.pair_s is not None and self.pair_previous is not None:
            total = at_node[:, None] + self.pair_s / speed_factor
            source = np.argmin(total, axis=0)
            previous = self.pair_previous[source, np.arange(count)]
            return total[source, np.arange(count)], np.where(previous < 0, count, previous)
        reached = np.flatnonzero(np.isfinite(at_node))
        start = np.full(len(reached), count)
        graph = _graph(self.edge_node, entry.edge_s, count + 1, (start, reached, at_node[reached]))
        seconds, previous = dijkstra(graph, directed=True, indices=np.array([count]), return_predecessors=True)
        return np.asarray(seconds[0], dtype=np.float64), np.asarray(previous[0], dtype=np.int64)

    def _best(
        self,
        start: FloatArray,
        goals: FloatArray,
        entry: _Access,
        seconds: FloatArray,
        previous: IntArray,
        off_road_mps: float,
        speed_factor: float,
    ) -> tuple[FloatArray, list[FloatArray]]:
        """The quickest of: straight; along one edge; by nodes. Times [K] and ways."""
        leave = self._access(goals, off_road_mps, speed_factor)
        straight_s = np.hypot(goals[:, 0] - start[0], goals[:, 1] - start[1]) / off_road_mps
        same_edge = entry.walk_s + np.abs(entry.share - leave.share) * entry.edge_s + leave.walk_s
        by_nodes = (seconds[self.edge_node] + leave.to_ends_s).reshape(len(goals), 2 * len(self.edge_node))
        one, best_end = np.argmin(same_edge, axis=1), np.argmin(by_nodes, axis=1)
        row = np.arange(len(goals))
        best_s = np.minimum(np.minimum(straight_s, same_edge[row, one]), by_nodes[row, best_end])
        ways = []
        for k, goal in enumerate(goals):
            edge, end = divmod(int(best_end[k]), 2)
            if best_s[k] == straight_s[k]:
                ways.append(np.stack([start, goal]))
            elif best_s[k] == same_edge[k, one[k]]:
                ways.append(np.stack([start, entry.foot[one[k]], leave.foot[k, one[k]], goal]))
            else:
                nodes = _walk_back(int(self.edge_node[edge, end]), previous, len(self.node_enu_m))
                way_in = np.flatnonzero(np.any(self.edge_node == nodes[0], axis=1))
                side = (self.edge_node[way_in, 1] == nodes[0]).astype(np.int64)
                first = way_in[np.argmin(entry.to_ends_s[way_in, side])]
                ways.append(np.vstack([start, entry.foot[first], self.node_enu_m[nodes], leave.foot[k, edge], goal]))
        return np.asarray(best_s, dtype=np.float64), ways


def _graph(
    edge_node: IntArray, edge_s: FloatArray, count: int, more: tuple[IntArray, IntArray, FloatArray] | None = None
) -> csr_array:
    """Seconds between nodes both ways, and one way for ``more`` (rows, columns, seconds), as a sparse matrix."""
    rows, columns = edge_node.ravel("F"), edge_node[:, ::-1].ravel("F")
    cost = np.concatenate([edge_s, edge_s])
    if more is not None:
        rows, columns, cost = (np.concatenate([a, b]) for a, b in zip((rows, columns, cost), more, strict=True))
    cost = np.maximum(cost, 1e-9)
    # Parallel edges would be summed by the sparse format: keep the quickest of each pair.
    order = np.lexsort((cost, columns, rows))
    rows, columns, cost = rows[order], columns[order], cost[order]
    first = np.concatenate([[True], (np.diff(rows) != 0) | (np.diff(columns) != 0)])
    return csr_array((cost[first], (rows[first], columns[first])), shape=(count, count))


@dataclass(frozen=True, slots=True, eq=False)
class _Access:
    """From places [...] to every edge: foot [..., E, 2], share along it [..., E], seconds off the road [..., E].

    Also the seconds along the whole edge [E], and from the place to its two ends [..., E, 2].
    """

    foot: FloatArray
    share: FloatArray
    walk_s: FloatArray
    edge_s: FloatArray
    to_ends_s: FloatArray


def _walk_back(node: int, previous: IntArray, start: int) -> list[int]:
    """Nodes from the first on the road to ``node``."""
    nodes = [node]
    while previous[nodes[-1]] != start:
        nodes.append(int(previous[nodes[-1]]))
    return nodes[::-1]


def roads_from_geojson(data: Mapping[str, Any], frame: LocalFrame) -> RoadGraph:
    """The graph of GeoJSON lines with ``speed_kmh``; lines join where they share a vertex (to 0.1 m).

    Two lines that cross without a shared vertex do not join (a bridge). Fails with ValueError naming a line without a
    speed above 0.
    """
    index: dict[tuple[float, float], int] = {}
    edges: list[tuple[int, int]] = []
    speeds: list[float] = []
    names: list[str] = []
    for geometry, properties in geometries_of(data):
        speed_kmh = properties.get("speed_kmh")
        if not isinstance(speed_kmh, int | float) or not speed_kmh > 0:
            raise ValueError(f"The road {properties.get('name', '?')!r} has speed_kmh {speed_kmh!r}; give one above 0.")
        for part in shapely.get_parts(geometry):
            keys = [(round(x, _JOIN_DEG), round(y, _JOIN_DEG)) for x, y in shapely.get_coordinates(part)]
            nodes = [index.setdefault(key, len(index)) for key in keys]
            pairs = [(a, b) for a, b in pairwise(nodes) if a != b]
            edges.extend(pairs)
            speeds.extend([speed_kmh / 3.6] * len(pairs))
            names.extend([str(properties.get("name") or "")] * len(pairs))
    longitude, latitude = np.array(list(index), dtype=np.float64).reshape(-1, 2).T
    nodes_m = frame.to_enu(latitude, longitude, frame.hae_m)[:, :2] if index else np.empty((0, 2))
    return RoadGraph(nodes_m, np.array(edges, dtype=np.int64), np.array(speeds, dtype=np.float64), tuple(names))
