"""Is the pick-up cut off? Class C with three patrols, under Araz's ranked options and under two plain rules.

    python bench/cut_off.py [--flights 8] [--first 101] [--draws 40] [--json]

Two bounds stand beside the rules, for the same crews and the same luck, ordered at the same first moment: whoever knew
everything (where the load falls, when the crew leaves and which way, how fast each patrol is), and the best three posts
for a planner who knew where the load falls and all the odds, but not which way this crew takes: of all choices the one
that meets most of these very crews. What lies above the first is physics: the crew is gone before anybody can be there.

Each flight is class C moved to another place along the line, simulated as wire bytes and judged by the pipeline. The
officer orders 30 s after the first card that can send somebody (priority 1 or 2 with an area), and again 30 s after
the release was told. Crews and patrols are drawn, not taken from what the planner believed of this night: the load
falls where and when the truth says, the crew stays a lognormal time and leaves by a random way out; patrols need more
or less time than planned. Every rule meets the same crews with the same luck. Met: a patrol stands on the way out
before the crew passes, or reached the true place of the load (drop area, then the search on foot) before it left.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from araz.app import _pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import scenario_path, site_path
from araz.geography import Place
from araz.intercept import rank_options
from araz.simulation import Scenario, TruthEvent, read_scenario, simulate
from araz.simulation._score_events import rate
from araz.vocabulary import Alarm, BoolArray, FloatArray, Incident, IncidentKind, Message, Patrol

#: An officer decides within this, median (field guide 2.2).
DECIDES_S = 30.0
#: Moved along the line and across it by up to so much.
ALONG_M, ACROSS_M = 4000.0, 600.0
EXIT_M = 3000.0
#: Spread of a patrol's pace and readiness about the plan (one sigma).
PACE, READY = 0.2, 0.3
#: A crew's stay: median, log sigma; and its pace off the road. The planner holds the first and the last as likely as
#: each other; the two between are neither.
CREWS = {
    "on foot: 300 s, on foot to the road": (300.0, 0.6, 1.5),
    "quick: 180 s, on foot to the road": (180.0, 0.6, 1.5),
    "between: 150 s, 3 m/s over fields": (150.0, 0.6, 3.0),
    "quick, by motorcycle: 120 s, 5 m/s over fields": (120.0, 0.6, 5.0),
}
LOAD_KINDS = (IncidentKind.CROSSING_PREDICTED, IncidentKind.CROSSING, IncidentKind.DROP)


class Flight(NamedTuple):
    """What the officer saw and what happened: (time, alarm, when its load is expected), and each true drop."""

    place: Place
    cards: list[tuple[int, Alarm, int | None]]
    drops: list[tuple[int, FloatArray]]


class Order(NamedTuple):
    """A patrol's order: the way it goes, ENU [P, 2], in seconds as planned; what it is to do there."""

    patrol_id: str
    way_enu_m: FloatArray
    travel_s: float
    is_drop: bool


def moved(scenario: Scenario, place: Place, rng: np.random.Generator) -> Scenario:
    """Return the scenario with its drones moved to another gap, over the same line."""
    along, across = rng.uniform(-ALONG_M, ALONG_M), rng.uniform(-ACROSS_M, ACROSS_M)
    first = next(actor for actor in scenario.actors if actor.drops)
    flown = _enu(place, [(w.latitude_deg, w.longitude_deg) for w in first.waypoints])
    course = flown[first.drops[0].waypoint] - flown[0]
    course = course / np.hypot(*course)
    shift = along * np.array([course[1], -course[0]]) + across * course
    actors = []
    for actor in scenario.actors:
        if actor.drops:
            points = _enu(place, [(w.latitude_deg, w.longitude_deg) for w in actor.waypoints]) + shift
            up = place.terrain.ground_up_m(points[:, 0], points[:, 1])
            lat, lon, _ = place.frame.to_geodetic(np.column_stack([points, up]))
            ways = [
                replace(w, latitude_deg=float(a), longitude_deg=float(b))
                for w, a, b in zip(actor.waypoints, lat, lon, strict=True)
            ]
            actor = replace(actor, waypoints=ways)
        actors.append(actor)
    return replace(scenario, actors=actors)


def _enu(place: Place, where: Sequence[tuple[float, float]]) -> FloatArray:
    lat, lon = np.array(where).T
    return np.asarray(place.frame.to_enu(lat, lon, np.full(len(lat), place.frame.hae_m))[:, :2], dtype=np.float64)


def fly(name: str, seed: int) -> Flight:
    """Simulate and judge one flight; keep the cards about it and its true drops."""
    bundle = bundle_from_file(site_path("horadiz"))
    _, place, _ = site_from_bundle(bundle)
    rng = np.random.default_rng([seed, 77])
    scenario = moved(read_scenario(scenario_path(name).read_text(encoding="utf-8")), place, rng)
    night = simulate(scenario, place, seed)
    state, cards, due = None, list[tuple[int, Alarm, int | None]](), dict[str, int]()
    for seq, (at_us, source, payload) in enumerate([(scenario.start_us, SITE_SOURCE, bundle), *night.messages]):
        message = Message(seq=seq, received_at_us=at_us, source=source, payload=payload)
        state, events = _pipeline.step(state, message)
        for event in events:
            if isinstance(event, Incident) and event.kind in LOAD_KINDS and event.track_id is not None:
                due[event.track_id] = event.at_us
            if isinstance(event, Alarm) and event.areas and event.priority <= 2 and event.track_id is not None:
                cards.append((at_us, event, due.get(event.track_id)))
    drops = [
        (one.at_us, _enu(place, [(one.latitude_deg or 0.0, one.longitude_deg or 0.0)])[0])
        for one in night.truth
        if isinstance(one, TruthEvent) and one.kind == "drop"
    ]
    return Flight(place, cards, drops)


def _ranked(place: Place, patrols: Sequence[Patrol], alarm: Alarm, at_us: int, due_us: int | None) -> list[Order]:
    """Araz: each patrol its own best-ranked option."""
    orders: dict[str, Order] = {}
    for option in rank_options(place, patrols, alarm, at_us, due_us):
        if option.patrol_id not in orders:
            patrol = next(one for one in patrols if one.id == option.patrol_id)
            way = _enu(place, [(lat, lon) for lon, lat in option.route])
            orders[patrol.id] = Order(patrol.id, way, option.arrival_s - patrol.ready_s, option.action == "drop area")
    return list(orders.values())


def _to_drop(place: Place, patrols: Sequence[Patrol], alarm: Alarm) -> list[Order]:
    goal = _enu(place, [(alarm.areas[0].latitude_deg, alarm.areas[0].longitude_deg)])
    orders = []
    for patrol in patrols:
        here = _enu(place, [(patrol.latitude_deg, patrol.longitude_deg)])[0]
        travel_s, ways = place.roads.travel(here, goal, patrol.off_road_mps, patrol.speed_factor)
        orders.append(Order(patrol.id, ways[0], float(travel_s[0]), True))
    return orders


def _nearest(place: Place, patrols: Sequence[Patrol], alarm: Alarm, at_us: int, due_us: int | None) -> list[Order]:
    """The nearest patrol on the map goes to the drop area; the others stand by."""
    goal = _enu(place, [(alarm.areas[0].latitude_deg, alarm.areas[0].longitude_deg)])[0]
    apart = {p.id: np.hypot(*(_enu(place, [(p.latitude_deg, p.longitude_deg)])[0] - goal)) for p in patrols}
    return _to_drop(place, [min(patrols, key=lambda one: apart[one.id])], alarm)


def _all_there(place: Place, patrols: Sequence[Patrol], alarm: Alarm, at_us: int, due_us: int | None) -> list[Order]:
    """All three to the drop area."""
    return _to_drop(place, patrols, alarm)


#: A way out: places [P, 2] and seconds at each [P].
Way = tuple[FloatArray, FloatArray]
Rule = Callable[[Place, Sequence[Patrol], Alarm, int, int | None], list[Order]]
RULES: dict[str, Rule] = {
    "Araz's ranked options": _ranked,
    "nearest patrol to the drop area": _nearest,
    "all three to the drop area": _all_there,
}
#: Not rules: nobody can follow them, they say what is there to be had.
BOUNDS = ("bound: whoever knew everything", "bound: the best three posts for these crews, the place known")


def decisions(flight: Flight, drop_us: int) -> list[tuple[int, Alarm, int | None]]:
    """When the officer orders for this drop, on which card: the first that can send, and the one that tells of it."""
    own = [one for one in flight.cards if drop_us - 600e6 <= one[0] <= drop_us + 240e6]
    told = [one for one in own if one[0] > drop_us and "Released" in one[1].sentence]
    chosen = [*own[:1], *told[:1]]
    return [(at_us + round(DECIDES_S * 1e6), alarm, due_us) for at_us, alarm, due_us in chosen]


def met(
    flight: Flight,
    drop: tuple[int, FloatArray],
    rule: Rule,
    draw: np.random.Generator,
    leaves_s: float,
    ways_out: Sequence[Way],
) -> bool:
    """Whether one crew is met under one rule; ``draw`` gives the luck of patrols and crew, the same for every rule."""
    place, (drop_us, where) = flight.place, drop
    patrols = {patrol.id: patrol for patrol in place.site.patrols}
    pace, ready, choice = _luck(draw, list(patrols))
    under: dict[str, tuple[Order, float]] = {}
    for at_us, alarm, due_us in decisions(flight, drop_us):
        now_s = (at_us - drop_us) / 1e6
        now = [_where(place, patrols[name], under.get(name), now_s) for name in patrols]
        for order in rule(place, now, alarm, at_us, due_us):
            # Who is on his way is ready; who was never sent has to get going first.
            starts_s = (
                now_s if order.patrol_id in under else now_s + ready[order.patrol_id] * patrols[order.patrol_id].ready_s
            )
            timed = order._replace(travel_s=order.travel_s * pace[order.patrol_id])
            under[order.patrol_id] = (timed, starts_s)
    way = ways_out[int(choice * len(ways_out))] if ways_out else None
    return any(_meets(place, patrols[name], order, at, where, leaves_s, way) for name, (order, at) in under.items())


def bounds(
    flight: Flight, drop: tuple[int, FloatArray], draws: Sequence[np.random.Generator], leaves_s: Sequence[float],
    ways_out: Sequence[Way],
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Whether each crew [draws] could be met by one who knew all, and under the best three posts for them all."""
    place, (drop_us, where), ordered = flight.place, drop, decisions(flight, drop[0])
    if not ordered:
        return np.zeros(len(draws)), np.zeros(len(draws))
    now_s = (ordered[0][0] - drop_us) / 1e6
    patrols = place.site.patrols
    # Where a crew's way bends, wherever it goes; and the load itself.
    posts = np.unique(np.round(np.concatenate([where[None], *(way for way, _ in ways_out)]), 1), axis=0)
    posts = np.concatenate([where[None], posts])
    passes_s = np.full((len(ways_out) + 1, len(posts)), np.nan)
    for row, (way, at_s) in enumerate(ways_out):
        gap = np.hypot(*(way[:, None] - posts).T).T
        passes_s[row] = np.where(gap.min(axis=0) < 5.0, at_s[gap.argmin(axis=0)], np.nan)
    passes_s[:, 0] = 0.0
    starts = _enu(place, [(patrol.latitude_deg, patrol.longitude_deg) for patrol in patrols])
    travel_s = np.stack([
        place.roads.travel(start, posts, patrol.off_road_mps, patrol.speed_factor)[0]
        for start, patrol in zip(starts, patrols, strict=True)
    ])  # fmt: skip
    there = np.zeros((len(draws), len(patrols), len(posts)), dtype=np.bool_)
    for j, draw in enumerate(draws):
        pace, ready, choice = _luck(draw, [patrol.id for patrol in patrols])
        row = int(choice * len(ways_out)) if ways_out else -1
        arrives = now_s + np.array([[ready[p.id] * p.ready_s] for p in patrols])
        arrives = arrives + travel_s * np.array([[pace[p.id]] for p in patrols])
        there[j] = arrives < leaves_s[j] + passes_s[row]
    return there.any(axis=(1, 2)), _best_posts(there)


def _best_posts(there: BoolArray) -> FloatArray:
    """Whether each crew is met [draws] under the one choice of a post for each patrol that meets most of them."""
    met = np.zeros((1, len(there)), dtype=np.bool_)
    for patrol in range(there.shape[1]):
        # Posts that bar the same crews are one; what another one contains adds nothing.
        mine = np.unique(there[:, patrol].T, axis=0)
        met = np.unique((met[:, None] | mine[None]).reshape(-1, len(there)), axis=0)
    return met[met.sum(axis=1).argmax()].astype(np.float64)


def _luck(draw: np.random.Generator, names: Sequence[str]) -> tuple[dict[str, float], dict[str, float], float]:
    """Each patrol's pace and readiness against the plan, and which way the crew takes, 0 to 1."""
    pace = {name: float(np.clip(draw.normal(1.0, PACE), 0.5, 1.8)) for name in names}
    ready = {name: float(np.clip(draw.normal(1.0, READY), 0.3, 2.0)) for name in names}
    return pace, ready, draw.random()


def _where(place: Place, patrol: Patrol, under: tuple[Order, float] | None, now_s: float) -> Patrol:
    """A patrol as the screen shows it now: on its way by the share of the time gone, ready when it was sent before."""
    if under is None:
        return patrol
    order, starts_s = under
    share = min(max((now_s - starts_s) / max(order.travel_s, 1.0), 0.0), 1.0)
    step = np.hypot(*np.diff(order.way_enu_m, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(step)])
    at = np.array([np.interp(share * along[-1], along, order.way_enu_m[:, k]) for k in (0, 1)])
    up = place.terrain.ground_up_m(at[:1], at[1:])
    lat, lon, _ = place.frame.to_geodetic(np.column_stack([at[None, :], up]))
    return replace(patrol, latitude_deg=float(lat[0]), longitude_deg=float(lon[0]), ready_s=0.0)


def _ways_out(place: Place, where: FloatArray, off_road_mps: float) -> list[Way]:
    """Each quickest way from the load out of 3 km on our side."""
    roads = place.roads
    far = np.hypot(*(roads.node_enu_m - where).T) > EXIT_M
    ours = place.border.signed_distance_m(roads.node_enu_m[:, 0], roads.node_enu_m[:, 1]) < 0.0
    exits = sorted({int(n) for edge in roads.edge_node for n in edge if far[n] and ours[n] and not far[edge].all()})
    if not exits:
        return []
    seconds, ways = roads.travel(where, roads.node_enu_m[exits], off_road_mps, 1.0)
    found = []
    for total_s, way in zip(seconds.tolist(), ways, strict=True):
        at_s = roads.travel(where, way, off_road_mps, 1.0)[0]
        found.append((way, np.minimum(at_s, total_s)))
    return found


def _meets(
    place: Place, patrol: Patrol, order: Order, starts_s: float, where: FloatArray, leaves_s: float,
    way: Way | None,
) -> bool:  # fmt: skip
    arrives_s = starts_s + order.travel_s
    goal = order.way_enu_m[-1]
    if order.is_drop:
        search_s = float(np.hypot(*(goal - where))) / patrol.off_road_mps
        return arrives_s + search_s < leaves_s
    if way is None:
        return False
    gap = np.hypot(*(way[0] - goal).T)
    k = int(np.argmin(gap))
    return bool(gap[k] < 5.0) and arrives_s < leaves_s + float(way[1][k])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, default=8, help="flights of class C, each at a place of its own")
    parser.add_argument("--first", type=int, default=101, help="first seed")
    parser.add_argument("--draws", type=int, default=40, help="crews a drop")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    flights = []
    for seed in range(args.first, args.first + args.flights):
        print(f"… class C, seed {seed}", file=sys.stderr, flush=True)
        flights.append(fly("C1", seed))
    drops = [(flight, drop) for flight in flights for drop in flight.drops]
    told = sum(bool(decisions(flight, drop[0])) for flight, drop in drops)
    for words, (median_s, spread, off_road_mps) in CREWS.items():
        ways = [_ways_out(flight.place, where, off_road_mps) for flight, (_, where) in drops]
        found: dict[str, FloatArray] = {}
        for name, rule in RULES.items():
            found[name] = np.array([
                [
                    met(flight, drop, rule, np.random.default_rng([9, k, j]), _stay_s(k, j, median_s, spread), ways[k])
                    for j in range(args.draws)
                ]
                for k, (flight, drop) in enumerate(drops)
            ])  # fmt: skip
        could = [
            bounds(
                flight, drop, [np.random.default_rng([9, k, j]) for j in range(args.draws)],
                [_stay_s(k, j, median_s, spread) for j in range(args.draws)], ways[k],
            )
            for k, (flight, drop) in enumerate(drops)
        ]  # fmt: skip
        found[BOUNDS[0]], found[BOUNDS[1]] = (np.array(one) for one in zip(*could, strict=True))
        for name, hits in found.items():
            share = rate(int(hits.sum()), hits.size)
            row = {
                "crew": words, "rule": name, "met": share.share, "to reach": "≥ 0.70",
                "worst drop": float(hits.mean(axis=1).min()), "drops": len(drops), "told in time to order": told,
                "crews": hits.size,
            }  # fmt: skip
            print(json.dumps(row, ensure_ascii=False) if args.json else row, flush=True)
    return 0


def _stay_s(k: int, j: int, median_s: float, spread: float) -> float:
    """How long one crew stays after the load is down: the same crew for every rule."""
    return float(median_s * np.exp(spread * np.random.default_rng([8, k, j]).standard_normal()))


if __name__ == "__main__":
    sys.exit(main())
