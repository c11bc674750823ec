"""The squares of a drop area as the patrol's page and the map show them."""

from __future__ import annotations

import msgspec

from araz.vocabulary._quantities import DistanceM, LatitudeDeg, LongitudeDeg, Probability, TimeUs


class SearchSquare(msgspec.Struct, frozen=True, kw_only=True, tag="search-square"):
    """One square of the site's lattice, and the chance that the load lies in it given every search so far."""

    name: str
    """``side:column:row`` on the site's lattice; what a report names as searched."""
    east_m: float
    """Of its centre, from the plan's centre, site frame."""
    north_m: float
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    """Of its centre."""
    probability: Probability
    searched: Probability
    """Chance that a load in it would have been found by now; 0 where nobody looked."""


class SearchPlan(msgspec.Struct, frozen=True, kw_only=True, tag="search-plan"):
    """Where to look for the load of one alarm, at one time."""

    alarm_id: str
    at_us: TimeUs
    side_m: DistanceM
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    """Centre of the squares."""
    squares: list[SearchSquare]
    outside: Probability
    """Chance that the load lies in none of them."""
    walked_once: Probability
    """Assumed chance that a square walked once gives up its load."""
