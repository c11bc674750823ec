"""The crew's side of the race: how long it stays, which ways it can leave, and the chance to be there first."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from araz.geography import Place
from araz.vocabulary import FloatArray


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is assumed about people, stated here because nobody has measured it; a site may know better.

    The crew stays for a lognormal time after the load is down: it waits near by, walks to the load, carries it off. A
    share of crews is quick: on motorcycles over the fields. Nobody knows which kind comes tonight, so options are
    weighed by both: posts near the load meet who walks, posts farther out meet both.
    """

    crew_dwell_median_s: float = 300.0
    crew_dwell_log_sigma: float = 0.6
    """68 % of crews stay between 165 s and 547 s."""
    crew_off_road_mps: float = 1.5
    crew_speed_factor: float = 1.0
    quick_share: float = 0.5
    """The crews that ride; 0 plans for those on foot alone."""
    quick_dwell_median_s: float = 120.0
    quick_off_road_mps: float = 5.0
    travel_spread: float = 0.2
    """Standard deviation of a patrol's travel time, as a share of it."""
    ready_spread: float = 0.3
    """The same for its time to get going."""
    cut_off_radius_m: float = 3_000.0
    """Roads are watched this far round the drop area."""
    most_options: int = 5

    def __post_init__(self) -> None:
        positive = (self.crew_dwell_median_s, self.crew_dwell_log_sigma, self.crew_off_road_mps, self.crew_speed_factor,
                    self.quick_dwell_median_s, self.quick_off_road_mps)  # fmt: skip
        not_negative = (self.travel_spread, self.ready_spread, self.cut_off_radius_m, self.quick_share)
        if min(positive) <= 0 or min(not_negative) < 0 or self.quick_share > 1:
            raise ValueError(
                "Assumed times, spreads and speeds of the crew must be above 0, the share of quick ones from 0 to 1, "
                "and the others not negative."
            )

    def crews(self) -> tuple[tuple[float, Assumptions], ...]:
        """Each kind of crew with its share: the assumptions as if all were of that kind."""
        walking = replace(self, quick_share=0.0)
        riding = replace(
            walking, crew_dwell_median_s=self.quick_dwell_median_s, crew_off_road_mps=self.quick_off_road_mps
        )
        return tuple(
            (share, kind) for share, kind in ((1.0 - self.quick_share, walking), (self.quick_share, riding)) if share
        )


#: Nodes and weights of the Gauss–Hermite rule, worked out once.
_NODE, _WEIGHT = np.polynomial.hermite_e.hermegauss(40)


def probability_in_time(arrival_s: float, arrival_sigma_s: float, load_s: float, assumed: Assumptions) -> float:
    """P(A < L + D): arrival A normal (mean, σ), load down at L (s from the same zero), dwell D lognormal.

    E over A of the survival of D, 1 − Φ((ln(A − L) − ln m) / s) for A > L, else 1; by Gauss–Hermite quadrature with
    40 nodes (within 0.005 of Monte Carlo in the tests). A crew that leaves only at L + D + c is asked with L + c.
    """
    return float(
        probabilities_in_time(np.array([arrival_s]), np.array([arrival_sigma_s]), np.array([load_s]), assumed)[0]
    )


def probabilities_in_time(
    arrival_s: FloatArray, arrival_sigma_s: FloatArray, load_s: FloatArray, assumed: Assumptions
) -> FloatArray:
    """The same for many races at once [N]."""
    late = arrival_s[:, None] + arrival_sigma_s[:, None] * _NODE - load_s[:, None]
    log_ratio = np.log(np.maximum(late, 1e-9) / assumed.crew_dwell_median_s) / assumed.crew_dwell_log_sigma
    stays = np.where(late <= 0.0, 1.0, ndtr(-log_ratio))
    return np.asarray(np.clip(stays @ _WEIGHT / math.sqrt(2.0 * math.pi), 0.0, 1.0), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CutOffs:
    """Road points [C] that crews of S kinds may pass: node, ENU place [C, 2], seconds from the drop [S, C].

    ``passes`` [S, X, C] is 1 where the quickest way to exit x passes point c, else 0; its mean over X is a point's
    share.
    """

    node: tuple[int, ...]
    place_enu_m: FloatArray
    crew_s: FloatArray
    passes: FloatArray

    @property
    def shares(self) -> FloatArray:
        """Of the ways out of each kind of crew, the part that passes each point [S, C]."""
        return np.asarray(self.passes.mean(axis=1), dtype=np.float64)


def _none(kinds: int) -> CutOffs:
    return CutOffs((), np.empty((0, 2)), np.empty((kinds, 0)), np.empty((kinds, 1, 0)))


def cut_offs(place: Place, drop_enu_m: FloatArray, assumed: Assumptions) -> CutOffs:
    """Junctions and exits on our side that the crew's quickest ways out pass, from the drop area [2].

    An exit is the first road node outside the radius; all exits are taken as equally likely (nobody knows where the
    crew lives), and a point's share is the part of the exits whose quickest way passes it. Where the roads end inside
    the radius there is no exit and no cut-off.
    """
    roads, crews = place.roads, [crew for _, crew in assumed.crews()]
    if len(roads.edge_node) == 0:
        return _none(len(crews))
    ours = place.border.signed_distance_m(roads.node_enu_m[:, 0], roads.node_enu_m[:, 1]) < 0.0
    inside = np.hypot(*(roads.node_enu_m - drop_enu_m).T) <= assumed.cut_off_radius_m
    # An edge with one end inside leads out; a road that crosses the disc between two far nodes leads out twice.
    first, second = roads.edge_node.T
    near = _edge_distance_m(roads.node_enu_m[first], roads.node_enu_m[second], drop_enu_m) <= assumed.cut_off_radius_m
    leads_out = np.zeros(len(inside), dtype=np.bool_)
    leads_out[roads.edge_node[near].ravel()] = True
    exits = np.flatnonzero(leads_out & ~inside & ours)
    if len(exits) == 0:
        return _none(len(crews))
    degree = np.bincount(roads.edge_node.ravel(), minlength=len(inside))
    junctions = np.flatnonzero(inside & ours & (degree >= 3))
    candidates = np.concatenate([exits, junctions])
    places = roads.node_enu_m[candidates]
    found = [roads.travel(drop_enu_m, places, crew.crew_off_road_mps, crew.crew_speed_factor) for crew in crews]
    passes = np.array([[_passes(way, places) for way in ways[: len(exits)]] for _, ways in found])
    kept = passes.any(axis=(0, 1))
    nodes = tuple(int(node) for node in candidates[kept])
    return CutOffs(nodes, places[kept], np.array([crew_s for crew_s, _ in found])[:, kept], passes[:, :, kept])


def _passes(way_enu_m: FloatArray, places_enu_m: FloatArray) -> FloatArray:
    """1 where a way [P, 2] has a bend at a place [C, 2] (to 1 m), else 0."""
    gap = np.hypot(way_enu_m[:, None, 0] - places_enu_m[None, :, 0], way_enu_m[:, None, 1] - places_enu_m[None, :, 1])
    return np.asarray(gap.min(axis=0) < 1.0, dtype=np.float64)


def _edge_distance_m(start_enu_m: FloatArray, end_enu_m: FloatArray, place_enu_m: FloatArray) -> FloatArray:
    """Distance of a place [2] from straight edges [E]."""
    along = end_enu_m - start_enu_m
    squared = np.maximum(np.sum(along**2, axis=1), 1e-9)
    t = np.clip(np.sum((place_enu_m - start_enu_m) * along, axis=1) / squared, 0.0, 1.0)
    return np.asarray(np.hypot(*(place_enu_m - start_enu_m - t[:, None] * along).T), dtype=np.float64)
