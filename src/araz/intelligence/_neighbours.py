"""Who a place's neighbours are: by distance, and by where a smuggler's cost would send what a closure stops."""

from __future__ import annotations

from typing import Final, NamedTuple

from pyproj import Geod

from araz.intelligence._routes import Network, close_route, estimate_routes
from araz.vocabulary import phrase

_GEOD: Final = Geod(ellps="WGS84")


class Neighbour(NamedTuple):
    """A place of the network that is neither origin nor market."""

    id: str
    title: str
    distance_km: float
    taken: float
    """Share of what went through the closed place that would go through this one instead; paths may use several."""


def neighbours_of(network: Network, place: str) -> list[Neighbour]:
    """Return the other transit places, nearest first, each with the share of the place's flow it would take.

    Flow of 1 is spread over all paths by the network's gravity prior; then the place is closed and its flow spread over
    the open paths in the same way. Costs are assumptions, so are the shares. ValueError when the place is no transit
    place of the network, or when nothing is left open without it.
    """
    nodes = {node.id: node for node in network.nodes}
    here = next((n for n in network.nodes if place.lower() in (n.id.lower(), n.title.lower())), None)
    if here is None:
        raise ValueError(phrase("refusal.not-in-network", place=repr(place), places=", ".join(sorted(nodes))))
    flows = estimate_routes(network, [], total=(1.0, 1.0))
    through = sum(float(f) for path, f in zip(flows.paths, flows.flow, strict=True) if here.id in path[1:-1])
    if through <= 0:
        raise ValueError(phrase("refusal.nothing-through", place=here.id))
    gains: dict[str, float] = {}
    for leg in close_route(network, flows, here.id):
        gains[leg.end] = gains.get(leg.end, 0.0) + leg.after - leg.before
    found = [
        Neighbour(
            node.id,
            node.title or node.id,
            _GEOD.inv(here.longitude_deg, here.latitude_deg, node.longitude_deg, node.latitude_deg)[2] / 1000,
            max(0.0, gains.get(node.id, 0.0)) / through,
        )
        for node in network.nodes
        if node.id != here.id and node.supply == 0 and node.demand == 0
    ]
    return sorted(found, key=lambda item: item.distance_km)
