"""Roads as a graph, and how long it takes along and off them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "node_enu_m", frozen_array(np.reshape(self.node_enu_m, (-1, 2)), np.float64))
        object.__setattr__(self, "edge_node", frozen_array(np.reshape(self.edge_node, (-1, 2)), np.int64))
        object.__setattr__(self, "edge_speed_mps", frozen_array(np.reshape(self.edge_speed_mps, -1), np.float64))
        if len(self.edge_speed_mps) != len(self.edge_node) or np.any(~(self.edge_speed_mps > 0)):
            raise ValueError("Every road edge needs one speed above 0 m/s.")
        if self.edge_name and len(self.edge_name) != len(self.edge_node):
            raise ValueError("edge_name must hold one name an edge, or none at all.")

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
        seconds, previous = self._from_start(entry)
        ways = [self._best(start, goal, entry, seconds, previous, off_road_mps, speed_factor) for goal in goals]
        return np.array([way[0] for way in ways], dtype=np.float64), [way[1] for way in ways]

    def nodes_within(self, centre_enu_m: ArrayLike, radius_m: float) -> IntArray:
        """Indices of the nodes within ``radius_m`` of a place [2], nearest first."""
        distance = np.hypot(*(self.node_enu_m - np.asarray(centre_enu_m, dtype=np.float64)[:2]).T)
        near = np.flatnonzero(distance <= radius_m)
        return near[np.argsort(distance[near], kind="stable")]

    def names_at(self, node: int) -> tuple[str, ...]:
        """Names of the roads that meet at a node, in the order of the file, each once."""
        if not self.edge_name:
            return ()
        meeting = np.flatnonzero(np.any(self.edge_node == node, axis=1))
        return tuple(dict.fromkeys(self.edge_name[edge] for edge in meeting if self.edge_name[edge]))

    def _access(self, place: FloatArray, off_road_mps: float, speed_factor: float) -> _Access:
        """Off-road seconds to the foot on every edge, and road seconds from there to both its ends."""
        a, b = self.node_enu_m[self.edge_node[:, 0]], self.node_enu_m[self.edge_node[:, 1]]
        along = b - a
        length = np.maximum(np.hypot(*along.T), 1e-9)
        share = np.clip(np.sum((place - a) * along, axis=1) / length**2, 0.0, 1.0)
        foot = a + share[:, None] * along
        walk_s = np.hypot(*(place - foot).T) / off_road_mps
        edge_s = length / (self.edge_speed_mps * speed_factor)
        return _Access(
            foot, share, walk_s, edge_s, np.stack([walk_s + share * edge_s, walk_s + (1 - share) * edge_s], 1)
        )

    def _from_start(self, entry: _Access) -> tuple[FloatArray, IntArray]:
        """Seconds to every node and its predecessor; node V is the start, joined to all nodes at their entry time."""
        count = len(self.node_enu_m)
        at_node = np.full(count, np.inf)
        np.minimum.at(at_node, self.edge_node, entry.to_ends_s)
        reached = np.flatnonzero(np.isfinite(at_node))
        rows = np.concatenate([self.edge_node[:, 0], self.edge_node[:, 1], np.full(len(reached), count)])
        columns = np.concatenate([self.edge_node[:, 1], self.edge_node[:, 0], reached])
        cost = np.maximum(np.concatenate([entry.edge_s, entry.edge_s, at_node[reached]]), 1e-9)
        # Parallel edges would be summed by the sparse format: keep the quickest of each pair.
        order = np.lexsort((cost, columns, rows))
        rows, columns, cost = rows[order], columns[order], cost[order]
        first = np.concatenate([[True], (np.diff(rows) != 0) | (np.diff(columns) != 0)])
        graph = csr_array((cost[first], (rows[first], columns[first])), shape=(count + 1, count + 1))
        seconds, previous = dijkstra(graph, directed=True, indices=np.array([count]), return_predecessors=True)
        return np.asarray(seconds[0], dtype=np.float64), np.asarray(previous[0], dtype=np.int64)

    def _best(
        self,
        start: FloatArray,
        goal: FloatArray,
        entry: _Access,
        seconds: FloatArray,
        previous: IntArray,
        off_road_mps: float,
        speed_factor: float,
    ) -> tuple[float, FloatArray]:
        """The quickest of: straight; along one edge; by nodes."""
        leave = self._access(goal, off_road_mps, speed_factor)
        straight_s = float(np.hypot(*(goal - start))) / off_road_mps
        same_edge = entry.walk_s + np.abs(entry.share - leave.share) * entry.edge_s + leave.walk_s
        by_nodes = seconds[self.edge_node] + leave.to_ends_s
        one, (edge, end) = int(np.argmin(same_edge)), np.unravel_index(int(np.argmin(by_nodes)), by_nodes.shape)
        best_s = min(straight_s, float(same_edge[one]), float(by_nodes[edge, end]))
        if best_s == straight_s:
            return best_s, np.stack([start, goal])
        if best_s == same_edge[one]:
            return best_s, np.stack([start, entry.foot[one], leave.foot[one], goal])
        nodes = _walk_back(int(self.edge_node[edge, end]), previous, len(self.node_enu_m))
        way_in = np.flatnonzero(np.any(self.edge_node == nodes[0], axis=1))
        side = (self.edge_node[way_in, 1] == nodes[0]).astype(np.int64)
        first = way_in[np.argmin(entry.to_ends_s[way_in, side])]
        return best_s, np.vstack([start, entry.foot[first], self.node_enu_m[nodes], leave.foot[edge], goal])


@dataclass(frozen=True, slots=True, eq=False)
class _Access:
    """From a place to every edge: foot [E, 2], share along it [E], seconds off the road [E].

    Also the seconds along the whole edge [E], and from the place to its two ends [E, 2].
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
