"""Which sources and places are open to a service. What the site file does not open is closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from araz.geography import LocalFrame
from araz.vocabulary import Feed, FloatArray, Format, PublishedArea, Site


class Box(NamedTuple):
    """A published area in the site's frame: ENU metres at the origin, west and south edge included."""

    west_m: float
    south_m: float
    east_m: float
    north_m: float

    def holds(self, east_m: float, north_m: float) -> bool:
        """Whether a place lies in it."""
        return self.west_m <= east_m < self.east_m and self.south_m <= north_m < self.north_m


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What one service may see of one site."""

    service: str
    frame: LocalFrame
    window_us: int
    closed_feeds: frozenset[str]
    closed_sensors: Mapping[str, Feed]
    """The feeds of the sensors it may not see, by the sensors' names."""
    published: Mapping[str, tuple[str, Box]]
    """Owner and box of the areas it is told of instead."""
    hidden: Mapping[str, tuple[str, Box]]
    """Owner and box of the places in which it sees nothing."""
    mute: frozenset[str]
    """Owners of sources of which nothing is ever said."""

    def enu_m(self, latitude_deg: Sequence[float], longitude_deg: Sequence[float]) -> FloatArray:
        """East and north of places [N, 2], metres; heights do not matter to a box."""
        return self.frame.to_enu(latitude_deg, longitude_deg, self.frame.hae_m)[:, :2]


def owner_of(site: Site, item: Feed | PublishedArea) -> str:
    """The service that a feed or an area belongs to."""
    return item.owner or site.service


def _is_open(site: Site, item: Feed | PublishedArea, service: str) -> bool:
    return service == owner_of(site, item) or service in item.shown_to


def sees_all(site: Site, service: str) -> bool:
    """Whether nothing of the site is closed to a service; a site without services has one alone, which sees all."""
    if not _names_services(site):
        return True
    hidden = [area for area in site.areas if area.is_hidden]
    return all(_is_open(site, feed, service) for feed in _seeing(site)) and all(
        _is_open(site, area, service) for area in hidden
    )


def _seeing(site: Site) -> list[Feed]:
    """The feeds that say what is in the air; officers' decisions follow from the picture they were shown."""
    return [feed for feed in site.feeds if feed.format != Format.DECISION]


def _names_services(site: Site) -> bool:
    return bool(site.service) or any(f.owner for f in site.feeds) or any(a.owner for a in site.areas)


def rules_of(site: Site, service: str) -> Rules:
    """What a service may see. It never gets the decisions of a picture that is not its own: their numbers differ."""
    closed = [f for f in site.feeds if f.format == Format.DECISION or not _is_open(site, f, service)]
    by_id = {feed.id: feed for feed in closed}
    silent = [feed for feed in closed if feed.format != Format.DECISION]
    named = {feed.area for feed in silent if feed.area}
    return Rules(
        service=service,
        frame=LocalFrame(site.origin_latitude_deg, site.origin_longitude_deg, site.origin_hae_m),
        window_us=round(site.disclosure.window_s * 1e6),
        closed_feeds=frozenset(by_id),
        closed_sensors={sensor.id: by_id[sensor.feed] for sensor in site.sensors if sensor.feed in by_id},
        published={a.id: (owner_of(site, a), box_of(site, a)) for a in site.areas if a.id in named},
        hidden={a.id: (owner_of(site, a), box_of(site, a)) for a in site.areas
                if a.is_hidden and not _is_open(site, a, service)},
        mute=frozenset(owner_of(site, feed) for feed in silent if not feed.area),
    )  # fmt: skip


def open_site(site: Site, service: str) -> Site:
    """The site as a service may see it: without closed feeds and their sensors, and without others' outputs.

    Planning speaks of all sensors and posts, so only who sees all has it.
    """
    closed = rules_of(site, service).closed_feeds
    return replace(
        site,
        feeds=[feed for feed in site.feeds if feed.id not in closed],
        sensors=[sensor for sensor in site.sensors if sensor.feed not in closed],
        outputs=[output for output in site.outputs if output.service == service],
        planning=site.planning if sees_all(site, service) else None,
        posts=[
            replace(post, feeds=[feed for feed in post.feeds if feed not in closed], outputs=[], battery_wh=None)
            for post in site.posts
            if not closed.issuperset(post.feeds)
        ],
    )


def closed_owners(site: Site, service: str, sensors: Iterable[str]) -> frozenset[str]:
    """The services that must release what these sensors moved before a service may see it."""
    feeds = {feed.id: feed for feed in site.feeds}
    of_sensor = {sensor.id: feeds[sensor.feed] for sensor in site.sensors}
    asked = [of_sensor[name] for name in sensors if name in of_sensor]
    return frozenset(owner_of(site, feed) for feed in asked if not _is_open(site, feed, service))


def box_of(site: Site, area: PublishedArea) -> Box:
    """The box of an area, ENU metres."""
    side = site.disclosure.cell_m
    (west, south), (east, north) = area.from_cell, area.to_cell
    return Box(west * side, south * side, (east + 1) * side, (north + 1) * side)


def site_objection(site: Site, frame: LocalFrame) -> str | None:
    """What is wrong with a site's visibility, as a sentence with the remedy; None when it holds together.

    A published area must hold all that the sensors of its feed reach: else where its tracks begin would tell where
    the sensor stands.
    """
    areas = {area.id: area for area in site.areas}
    for area in site.areas:
        if area.to_cell[0] < area.from_cell[0] or area.to_cell[1] < area.from_cell[1]:
            return f"[[areas]] {area.id!r}: to_cell lies south or west of from_cell; exchange them"
    for feed in site.feeds:
        if feed.area and feed.area not in areas:
            return f"feed {feed.id!r} names the area {feed.area!r}, which is not in [[areas]]; add it"
        for sensor in site.sensors if feed.area else ():
            if sensor.feed != feed.id:
                continue
            east, north = frame.to_enu(sensor.latitude_deg, sensor.longitude_deg, frame.hae_m)[0, :2]
            box, reach = box_of(site, areas[feed.area]), sensor.max_range_m
            if not (box.holds(east - reach, north - reach) and box.holds(east + reach, north + reach)):
                return (
                    f"the area {feed.area!r} does not hold all that {sensor.id!r} reaches ({reach:.0f} m round it), so "
                    "it would betray where that stands; take more cells, or larger ones ([disclosure] cell_m)"
                )
    return None
