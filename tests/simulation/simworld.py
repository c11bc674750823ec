"""The demo site's place, and small scenarios on it, for the tests of the simulation."""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from pathlib import Path

import msgspec

from araz.geography import Place, place_from_site
from araz.sensors import DECODERS
from araz.simulation import Arrival, read_scenario
from araz.vocabulary import Decoded, Feed, Message, Sensor, Site

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"


@lru_cache(maxsize=1)
def horadiz() -> Place:
    folder = ROOT / "sites" / "horadiz"
    site = msgspec.convert(tomllib.loads((folder / "site.toml").read_text("utf-8")), Site)
    border, roads, towns = (
        json.loads((folder / f"{name}").read_text("utf-8")) for name in (site.border, site.roads, site.towns)
    )
    return place_from_site(site, border, roads, towns)


def at_site(**sensors: dict) -> Place:
    """The place with only the named sensors, each changed as told."""
    place = horadiz()
    kept = [
        msgspec.structs.replace(sensor, **sensors[key])
        for sensor in place.site.sensors
        if (key := sensor.id.replace("-", "_")) in sensors
    ]
    site = msgspec.structs.replace(place.site, sensors=kept)
    return Place(place.frame, place.terrain, place.border, place.roads, place.towns, site)


def where(east_m: float, north_m: float) -> tuple[float, float]:
    latitude, longitude, _ = horadiz().frame.to_geodetic([[east_m, north_m, 0.0]])
    return float(latitude[0]), float(longitude[0])


def waypoint(east_m: float, north_m: float, height: float, speed: float = 12.0, hover: float = 0.0) -> str:
    latitude, longitude = where(east_m, north_m)
    return (
        f"{{ latitude_deg = {latitude:.7f}, longitude_deg = {longitude:.7f}, height_agl_m = {height}, "
        f"speed_mps = {speed}, hover_s = {hover} }}"
    )


def actor(name: str, kind: str, points: list[str], **more: str) -> str:
    extra = "".join(f"{key} = {value}\n" for key, value in more.items())
    return f'[[actors]]\nid = "{name}"\nkind = "{kind}"\nwaypoints = [{", ".join(points)}]\n{extra}'


def night(*parts: str, duration_s: float = 120.0):
    head = f'name = "T"\ntitle = "t"\nstart_at = 2026-03-12T20:00:00Z\nduration_s = {duration_s}\n'
    return read_scenario(head + "\n".join(parts))


def decode(place: Place, arrivals: list[Arrival]) -> list[Decoded]:
    """What Araz's own decoders make of the messages."""
    feeds: dict[str, Feed] = {feed.id: feed for feed in place.site.feeds}
    sensors: list[Sensor] = list(place.site.sensors)
    states: dict[str, object] = {}
    out: list[Decoded] = []
    for seq, arrival in enumerate(arrivals):
        feed = feeds[arrival.source]
        decoder = DECODERS[feed.format]
        state = states.get(feed.id) or decoder.init(feed, sensors)
        message = Message(seq=seq, received_at_us=arrival.received_at_us, source=feed.id, payload=arrival.payload)
        states[feed.id], found = decoder.step(state, message)
        out.extend(found)
    return out
