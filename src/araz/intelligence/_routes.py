"""From production to market: flows on a network as ranges that satisfy what was observed, never one number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from scipy import optimize

from araz.intelligence._words import place_said
from araz.vocabulary import FloatArray, LatitudeDeg, LongitudeDeg, Strict, phrase

MAX_PATHS = 5_000


class Node(Strict, frozen=True, kw_only=True):
    """A country or crossing on the network."""

    id: str
    title: str = ""
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    supply: Annotated[float, Meta(ge=0)] = 0.0
    """Share of production, any unit; above zero makes it an origin."""
    demand: Annotated[float, Meta(ge=0)] = 0.0
    """Pull of the market, any unit; above zero makes it a destination."""


class Edge(Strict, frozen=True, kw_only=True):
    """A leg that goods can take, one way."""

    start: str
    end: str
    cost: Annotated[float, Meta(gt=0)] = 1.0
    """Smuggler's cost: distance, risk and tolls in one number; an assumption, so keep it in view."""


class Network(Strict, frozen=True, kw_only=True):
    """Nodes, legs, and how strongly cost deters."""

    title: str = ""
    nodes: Annotated[list[Node], Meta(min_length=2)]
    edges: Annotated[list[Edge], Meta(min_length=1)]
    deterrence: Annotated[float, Meta(gt=0)] = 1.0
    """Prior weight of a path ∝ supply · demand · exp(−deterrence · cost)."""
    longest: Annotated[int, Meta(ge=1, le=12)] = 7
    """Legs of the longest path considered."""
    note: str = ""


class Observed(NamedTuple):
    """What is known of the flow through a node or over a leg ``A>B``: an interval."""

    place: str
    low: float
    high: float


class EdgeFlow(NamedTuple):
    """Flow over one leg: the most even answer, and every answer the observations allow."""

    start: str
    end: str
    central: float
    low: float
    high: float


class RouteFlows(NamedTuple):
    """Flows over all legs, with the paths behind them."""

    edges: list[EdgeFlow]
    paths: list[tuple[str, ...]]
    flow: FloatArray
    total: tuple[float, float, float]
    """Central, low, high."""
    notes: list[str]


def network_from_toml(text: str) -> Network:
    """Read a network; raises ValueError naming the key or the unknown node."""
    try:
        network = msgspec.toml.decode(text, type=Network)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ValueError(phrase("refusal.network", why=str(error))) from error
    known = {node.id for node in network.nodes}
    wrong = [name for edge in network.edges for name in (edge.start, edge.end) if name not in known]
    if wrong:
        raise ValueError(phrase("refusal.network-leg", place=repr(wrong[0])))
    return network


def find_paths(network: Network, closed: Sequence[str] = ()) -> tuple[list[tuple[str, ...]], FloatArray]:
    """Return every simple path from an origin to a market that avoids closed places, and its gravity weight, sum 1.

    Raises ValueError when there is none, or more than 5,000.
    """
    shut = set(closed)
    legs: dict[str, list[Edge]] = {}
    for edge in network.edges:
        if not {edge.start, edge.end, f"{edge.start}>{edge.end}"} & shut:
            legs.setdefault(edge.start, []).append(edge)
    nodes = {node.id: node for node in network.nodes}
    paths: list[tuple[str, ...]] = []
    weights: list[float] = []

    def walk(path: tuple[str, ...], cost: float, supply: float) -> None:
        here = nodes[path[-1]]
        if here.demand > 0 and len(path) > 1:
            paths.append(path)
            weights.append(supply * here.demand * math.exp(-network.deterrence * cost))
        if len(paths) > MAX_PATHS:
            raise ValueError(phrase("refusal.many-paths", most=f"{MAX_PATHS:,}"))
        if len(path) <= network.longest:
            for edge in legs.get(path[-1], []):
                if edge.end not in path:
                    walk((*path, edge.end), cost + edge.cost, supply)

    for node in network.nodes:
        if node.supply > 0 and node.id not in shut:
            walk((node.id,), 0.0, node.supply)
    if not paths:
        raise ValueError(
            phrase("refusal.no-path-closed", places=", ".join(closed)) if closed else phrase("refusal.no-path")
        )
    total = np.array(weights)
    return paths, total / total.sum()


def estimate_routes(network: Network, observed: Sequence[Observed], *, total: tuple[float, float],
                    closed: Sequence[str] = ()) -> RouteFlows:  # fmt: skip
    """Return flows that satisfy all observations: the one nearest the gravity prior, and the range of every leg.

    Central: min Σ f ln(f/f⁰) − f + f⁰ over paths, lo ≤ A f ≤ hi (entropy; solved in its dual). Range: the least and the
    most of each leg over *all* flows with the same constraints (linear programmes). The problem is under-determined, so
    the ranges are the answer and the central flow is an illustration. ``total`` bounds all flow. Raises ValueError
    naming the observation in conflict when none satisfies them.
    """
    paths, prior = find_paths(network, closed)
    rows = [_incidence(paths, item.place) for item in observed]
    seen = [bool(row.any()) for row in rows]
    unseen = [item.place for item, yes in zip(observed, seen, strict=True) if not yes and item.low > 0]
    if unseen:
        raise ValueError(phrase("refusal.unseen-place", place=unseen[0]))
    a = np.array([np.ones(len(paths)), *(row for row, yes in zip(rows, seen, strict=True) if yes)])
    low = np.array([total[0], *(o.low for o, yes in zip(observed, seen, strict=True) if yes)], float)
    high = np.array([total[1], *(o.high for o, yes in zip(observed, seen, strict=True) if yes)], float)
    names: list[str] = [phrase("route.total"), *(o.place for o, yes in zip(observed, seen, strict=True) if yes)]
    _must_be_feasible(a, low, high, names)
    flow = _entropy(a, low, high, prior * math.sqrt(max(total[0], 1e-9) * total[1]))
    edges = sorted({pair for path in paths for pair in pairwise(path)})
    found = []
    for start, end in edges:
        row = _incidence(paths, f"{start}>{end}")
        least, most = _range(row, a, low, high)
        found.append(EdgeFlow(start, end, float(row @ flow), least, most))
    least, most = _range(np.ones(len(paths)), a, low, high)
    notes: list[str] = [phrase("route.ranges"), phrase("route.paths", n=f"{len(paths):,}")]
    return RouteFlows(found, paths, flow, (float(flow.sum()), least, most), notes)


def _incidence(paths: Sequence[tuple[str, ...]], place: str) -> FloatArray:
    start, arrow, end = place.partition(">")
    if not arrow:
        return np.array([float(place in path) for path in paths])
    return np.array([float(any(x == start and y == end for x, y in pairwise(p))) for p in paths])


def _bounds(a: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    finite = np.isfinite(high)
    return np.concatenate([a[finite], -a]), np.concatenate([high[finite], -low])


def _must_be_feasible(a: FloatArray, low: FloatArray, high: FloatArray, names: list[str]) -> None:
    """Elastic programme: the least total violation, and whose it is."""
    m, n = a.shape
    eye = np.eye(m)
    upper = np.concatenate([np.hstack([a, -eye]), np.hstack([-a, -eye])])
    limit = np.concatenate([np.where(np.isfinite(high), high, 1e15), -low])
    solved = optimize.linprog(np.concatenate([np.zeros(n), np.ones(m)]), A_ub=upper, b_ub=limit, method="highs")
    slack = np.asarray(solved.x, float)[n:]
    if float(slack.sum()) > 1e-6 * max(1.0, float(np.abs(low).max())):
        worst = int(np.argmax(slack))
        raise ValueError(phrase("refusal.no-flow", name=names[worst], by=f"{slack[worst]:,.4g}"))


def _range(row: FloatArray, a: FloatArray, low: FloatArray, high: FloatArray) -> tuple[float, float]:
    upper, limit = _bounds(a, low, high)
    least, most = (optimize.linprog(sign * row, A_ub=upper, b_ub=limit, method="highs") for sign in (1, -1))
    top = math.inf if most.status == 3 or most.fun is None else -float(most.fun)
    return max(0.0, float(least.fun or 0.0)), top


def _entropy(a: FloatArray, low: FloatArray, high: FloatArray, prior: FloatArray) -> FloatArray:
    """Dual of the entropy problem: f = f⁰ exp(Aᵀ(p − q)), p and q ≥ 0 the prices of the lower and upper bounds."""
    m = len(a)
    scale = max(float(prior.sum()), 1e-12)
    lo, hi = low / scale, np.where(np.isfinite(high), high, 1e12) / scale

    def dual(prices: FloatArray) -> tuple[float, FloatArray]:
        f = prior / scale * np.exp(np.clip(a.T @ (prices[:m] - prices[m:]), -60, 60))
        through = a @ f
        value = float(f.sum()) - float(lo @ prices[:m]) + float(hi @ prices[m:])
        return value, np.concatenate([through - lo, hi - through])

    solved = optimize.minimize(dual, np.zeros(2 * m), jac=True, method="L-BFGS-B", bounds=[(0, 50)] * (2 * m),
                               options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9})  # fmt: skip
    return np.asarray(prior * np.exp(np.clip(a.T @ (solved.x[:m] - solved.x[m:]), -60, 60)))


class Closure(NamedTuple):
    """Where flow would go if a leg or node were closed: change of each leg, as a range."""

    start: str
    end: str
    before: float
    after: float
    after_low: float
    after_high: float


def close_route(network: Network, flows: RouteFlows, closed: str) -> list[Closure]:
    """Say where flow would go if a place were closed: what went elsewhere stays, what is lost looks for another way.

    Lost flow L is that of the paths through the place. Each leg keeps K and takes between 0 and L of it, unless no
    open path uses it: range [K, K + L]; the central value spreads L over the open paths by their gravity weight. All
    of L is assumed to go on; deterrence would lower every upper end. Legs are sorted by what they gain.
    """
    open_paths, weight = find_paths(network, [closed])
    shut = _incidence(flows.paths, closed) > 0
    lost = float(flows.flow[shut].sum())
    kept_flow = np.where(shut, 0.0, flows.flow)
    rows = []
    for start, end in sorted({pair for path in flows.paths for pair in pairwise(path)}):
        leg = f"{start}>{end}"
        here = _incidence(flows.paths, leg)
        kept, taken = float(here @ kept_flow), _incidence(open_paths, leg)
        most = kept + (lost if taken.any() else 0.0)
        rows.append(Closure(start, end, float(here @ flows.flow), kept + lost * float(taken @ weight), kept, most))
    return sorted(rows, key=lambda row: row.before - row.after)


class Provenance(NamedTuple):
    """What one seizure says about where it came from and was going."""

    origins: dict[str, float]
    destinations: dict[str, float]
    paths: int
    sentence: str


def provenance(
    flows: RouteFlows, place: str, departure: str = "", destination: str = "", *, titles: dict[str, str] | None = None
) -> Provenance:
    """Return P(origin) and P(destination) of goods seized at a place, given what its papers say.

    P(path | seizure) ∝ central flow of the paths through the place that agree. ``titles`` names places in the
    sentence. Raises ValueError when no path agrees.
    """
    keep = np.array([place in p and (not departure or departure in p[: p.index(place) + 1])
                     and (not destination or p[-1] == destination) for p in flows.paths])  # fmt: skip
    weight = flows.flow * keep
    if weight.sum() <= 0:
        raise ValueError(
            phrase("refusal.no-agreeing-path", place=place, departure=repr(departure), destination=repr(destination))
        )
    weight = weight / weight.sum()
    ends: tuple[dict[str, float], dict[str, float]] = ({}, {})
    for path, share in zip(flows.paths, weight.tolist(), strict=True):
        for side, name in zip(ends, (path[0], path[-1]), strict=True):
            if share > 0:
                side[name] = side.get(name, 0.0) + share
    best = max(ends[0], key=lambda k: ends[0][k]), max(ends[1], key=lambda k: ends[1][k])
    at, whence, whither = (place_said((titles or {}).get(name) or name) for name in (place, *best))
    shares = [f"{100 * found[name]:.0f}" for found, name in zip(ends, best, strict=True)]
    text = phrase("route.seized", at=at, whence=whence, whence_percent=shares[0], whither=whither,
                  whither_percent=shares[1])  # fmt: skip
    return Provenance(*ends, int(keep.sum()), text)
