"""The commands of place: near repeats, where and when along the border, routes."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from araz.app._register import load_whole, numbers
from araz.app._rim import say
from araz.app._seizures_keep import print_json, progress
from araz.app._seizures_say import lines_from
from araz.intelligence import (
    ROW,
    BorderDensity,
    Closure,
    Cluster,
    EffortRate,
    Network,
    Observed,
    Provenance,
    RouteFlows,
    SelfExciting,
    Table,
    border_density,
    close_route,
    effort_rates,
    estimate_routes,
    fit_self_exciting,
    near_repeat,
    network_from_toml,
    provenance,
    singles,
    space_time_scan,
)
from araz.vocabulary import FloatArray, phrase

WHERE_COLUMNS: Final = ("position_km", "date")
EFFORT_COLUMNS: Final = ("position_km", "hours")
ROUTES = Path(__file__).resolve().parent.parent / "intelligence" / "routes"


def _days(table: Table, column: str, name: str) -> FloatArray:
    days = []
    for text, row in zip(table.rows[column].to_list(), table.rows[ROW].to_list(), strict=True):
        for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
            try:
                days.append(dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC).timestamp() / 86400)
                break
            except ValueError:
                continue
        else:
            raise ValueError(phrase("refusal.not-date", name=name, row=row, text=repr(text)))
    return np.array(days)


def run_near_repeat(file: Path, x: str, y: str, date: str, distances: Sequence[float], days: Sequence[float],
                    permutations: int, seed: int, *, open_above: bool, as_json: bool) -> int:  # fmt: skip
    """Print the Knox table."""
    table = load_whole(file, (x, y, date))
    east, north, times = numbers(table, x, file.name), numbers(table, y, file.name), _days(table, date, file.name)
    with progress().status(f"pairing {len(times):,} events"):
        found = near_repeat(east, north, times, np.array(distances, float), np.array(days, float),
                            rng=np.random.default_rng(seed), permutations=permutations,
                            times_open_above=open_above)  # fmt: skip
    if as_json:
        print_json({"events": len(times), **found._asdict()})
        return 0
    say(f"{len(times):,} events; pairs (ratio to the median of {permutations} permutations, p)")
    for row, (low, high) in enumerate(itertools.pairwise(distances)):
        cells = [
            f"{found.observed[row, c]:>8,} ({found.median_ratio[row, c]:.2f}, p {found.p_value[row, c]:.2f})"
            for c in range(len(days) - 1)
        ]
        say(f"  {low:g} to {high:g} m: {'  '.join(cells)}")
    return 0


class WhereTold(NamedTuple):
    """Catches along the border beside the effort, cell by cell, and what clusters among them."""

    edges_km: FloatArray
    counts: FloatArray
    density: BorderDensity
    rates: list[EffortRate]
    """Per cell; empty where no effort is given."""
    cluster: Cluster | None
    """None below five catches."""
    self_exciting: SelfExciting | None
    """None below ten catches."""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {"label": self.density.label, "edges_km": self.edges_km, "counts": self.counts,
                "density": self.density._asdict(), "rates": [r._asdict() for r in self.rates],
                "cluster": self.cluster and self.cluster._asdict(),
                "self_exciting": self.self_exciting and self.self_exciting._asdict(),
                "sentences": self.sentences()}  # fmt: skip

    def sentences(self) -> list[str]:
        """What clusters, in words."""
        said: list[str] = []
        cluster, excited = self.cluster, self.self_exciting
        if cluster is not None:
            west, east = self.edges_km[cluster.first_cell], self.edges_km[cluster.last_cell + 1]
            said.append(
                phrase("caught.cluster", west=f"{west:.1f}", east=f"{east:.1f}", first=cluster.first_period,
                       last=cluster.last_period, observed=cluster.observed, expected=f"{cluster.expected:.1f}",
                       p=f"{cluster.p_value:.3f}")
            )  # fmt: skip
        if excited is not None:
            said.append(
                phrase("caught.excited" if excited.p_value <= 0.05 else "caught.not-excited",
                       p=f"{excited.p_value:.3f}", followers=f"{excited.branching:.2f}",
                       days=f"{excited.decay_days:.1f}", km=f"{excited.spread_km:.1f}")
            )  # fmt: skip
        return said


def where_told(caught: Table, worked: Table | None, length_km: float, cells: int, seed: int, *,
               names: tuple[str, str] = ("catches", "effort")) -> WhereTold:  # fmt: skip
    """Answer the command's question about two tables; ``names`` are theirs, for what is said of a bad row."""
    if not (math.isfinite(length_km) and length_km > 0 and 1 <= cells <= 500):
        raise ValueError(phrase("refusal.border", km=f"{length_km:g}", n=cells))
    at, times = numbers(caught, "position_km", names[0]), _days(caught, "date", names[0])
    rng = np.random.default_rng(seed)
    places = hours = None
    if worked is not None:
        places, hours = numbers(worked, "position_km", names[1]), numbers(worked, "hours", names[1])
        if np.any(hours < 0) or np.any((places < 0) | (places > length_km)):
            raise ValueError(phrase("refusal.hours", name=names[1], km=f"{length_km:g}"))
    edges = np.linspace(0, length_km, cells + 1)
    counts = np.histogram(at, edges)[0].astype(float)
    density = border_density(at, length_km, effort_km=places, effort=hours)
    cell = np.clip(np.digitize(at, edges) - 1, 0, cells - 1)
    weeks = ((times - times.min()) // 7).astype(int)
    cluster = excited = None
    if len(at) >= 5:
        cluster = space_time_scan(cell.astype(float), weeks.astype(float), cells, int(weeks.max()) + 1, rng=rng)
    if len(at) >= 10:
        excited = fit_self_exciting(at, times - times.min(), length_km, float(np.ptp(times)) + 1, rng=rng)
    work = None if places is None or hours is None else np.histogram(places, edges, weights=hours)[0]
    return WhereTold(edges, counts, density, [] if work is None else effort_rates(counts, work), cluster, excited)


def run_where(file: Path, length_km: float, effort: Path | None, cells: int, seed: int, *, as_json: bool) -> int:
    """Print density, rates per effort, the strongest cluster and self-excitation along the border."""
    caught = load_whole(file, WHERE_COLUMNS)
    worked = None if effort is None else load_whole(effort, EFFORT_COLUMNS)
    with progress().status("scanning"):
        found = where_told(caught, worked, length_km, cells, seed, names=(file.name, effort.name if effort else ""))
    if as_json:
        print_json(found.as_json())
        return 0
    say(found.density.label)
    for index in range(cells):
        beside = ""
        if found.rates:
            rate = found.rates[index]
            beside = f", {rate.effort:,.0f} h" + (
                ": no effort, nothing is known"
                if np.isnan(rate.rate)
                else f", {1000 * rate.rate:.1f} per 1,000 h ({1000 * rate.low:.1f} to {1000 * rate.high:.1f})"
            )
        low, high = found.edges_km[index : index + 2]
        say(f"  {low:6.1f} to {high:6.1f} km: {found.counts[index]:4.0f} caught{beside}")
    for sentence in found.sentences():
        say(sentence)
    return 0


def load_network(name: str) -> Network:
    """Return a shipped network by name, or one from a file."""
    path = Path(name) if name.endswith(".toml") else ROUTES / f"{name}.toml"
    if not path.exists():
        raise ValueError(
            f"no network {name!r}; shipped: {', '.join(p.stem for p in ROUTES.glob('*.toml'))}; or give a .toml file"
        )
    return network_from_toml(path.read_text("utf-8"))


def observed_from(
    lines: pl.DataFrame, network: Network, substances: Sequence[str], chance: tuple[float, float]
) -> list[Observed]:
    """Seizures of a country bound its flow: S/π_high ≤ F ≤ S/π_low, S the tonnes of a year.

    A country with fewer than 30 seizures in the register is not reported in full: no upper bound follows from it.
    Published totals of periods overlap and are left out.
    """
    kilos = pl.col("substance").is_in(list(substances)) & (pl.col("base_unit") == "kg")
    mine = singles(lines, months=True).filter(kilos)
    found = []
    for node in network.nodes:
        title = node.title.split(" and ")[0].lower()
        here = mine.filter(pl.col("country").str.to_lowercase().str.starts_with(title))
        if not title or here.is_empty():
            continue
        years = here["date"].dt.year().n_unique()
        tonnes = float(here["base_quantity"].sum()) / 1000 / years
        seizures = here.unique("seizure_id")["events"].fill_null(1).sum()
        found.append(Observed(node.id, tonnes / chance[1], tonnes / chance[0] if seizures >= 30 else math.inf))
    return found


class RoutesTold(NamedTuple):
    """Flows on a network, what a closure would do to them, and what one seizure says."""

    network: Network
    observed: list[Observed]
    flows: RouteFlows
    closure: list[Closure]
    provenance: Provenance | None

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        places = {
            n.id: {"title": n.title, "latitude_deg": n.latitude_deg, "longitude_deg": n.longitude_deg}
            for n in self.network.nodes
        }
        told = self.provenance
        return {"nodes": places, "observed": [o._asdict() for o in self.observed],
                "edges": [e._asdict() for e in self.flows.edges], "total": self.flows.total,
                "closure": [c._asdict() for c in self.closure], "provenance": told and told._asdict(),
                "notes": self.flows.notes}  # fmt: skip


def routes_told(lines: pl.DataFrame | None, network: str = "opiates",
                substances: Sequence[str] = ("heroin", "morphine"), total: tuple[float, float] = (200.0, 500.0),
                chance: tuple[float, float] = (0.02, 0.3), close: str = "", seizure_at: str = "", departure: str = "",
                destination: str = "") -> RoutesTold:  # fmt: skip
    """Answer the command's question; raises ValueError for a place that the network lacks."""
    net = load_network(network)
    legs = {place for edge in net.edges for place in (edge.start, edge.end, f"{edge.start}>{edge.end}")}
    for place in (close, seizure_at):
        if place and place not in legs:
            places = ", ".join(n.id for n in net.nodes)
            raise ValueError(phrase("refusal.no-place", place=repr(place), places=places))
    observed = [] if lines is None else observed_from(lines, net, substances, chance)
    flows = estimate_routes(net, observed, total=total)
    closure = close_route(net, flows, close) if close else []
    titles = {node.id: node.title for node in net.nodes}
    told = provenance(flows, seizure_at, departure, destination, titles=titles) if seizure_at else None
    return RoutesTold(net, observed, flows, closure, told)


def run_routes(source: Path | None, network: str, substances: Sequence[str],
               total: tuple[float, float], chance: tuple[float, float], close: str, seizure_at: str,
               departure: str, destination: str, *, as_json: bool) -> int:  # fmt: skip
    """Print flows as ranges, what a closure would do, and what a seizure says."""
    found = routes_told(None if source is None else lines_from(source), network, substances, total, chance, close,
                        seizure_at, departure, destination)  # fmt: skip
    if as_json:
        print_json(found.as_json())
        return 0
    net, observed, flows, closure, told = found
    titles = {node.id: node.title or node.id for node in net.nodes}
    for item in observed:
        say(
            f"observed at {titles[item.place]}: {item.low:,.2f} to {item.high:,.2f} t a year, for a "
            f"chance of seizure of {chance[0]:g} to {chance[1]:g}"
        )
    for edge in sorted(flows.edges, key=lambda e: -e.central):
        say(
            f"  {titles[edge.start]} → {titles[edge.end]}: {edge.low:,.1f} to {edge.high:,.1f} "
            f"t a year (most even: {edge.central:,.1f})"
        )
    for gain in [c for c in closure if abs(c.after - c.before) > 0.01 * total[1]][:8]:
        say(
            f"  with {close} closed, {titles[gain.start]} → {titles[gain.end]}: {gain.before:,.1f} → "
            f"{gain.after:,.1f} ({gain.after_low:,.1f} to {gain.after_high:,.1f})"
        )
    if told is not None:
        say(told.sentence)
    for note in flows.notes:
        say(note)
    return 0
