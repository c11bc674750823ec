"""A whole night: truth and wire bytes of a scenario at a place, from one seed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from araz.geography import Place
from araz.sensors import sensor_origins
from araz.simulation._bearings import bearing_messages
from araz.simulation._bodies import Body, make_bodies, stream
from araz.simulation._claims import adsb_messages, remote_id_messages
from araz.simulation._people import Press, people_messages, presses
from araz.simulation._post import Arrival, Post
from araz.simulation._radar import radar_messages
from araz.simulation._record import record_truth
from araz.simulation._scenario import Fault, FaultKind, Scenario
from araz.simulation._truth import TruthRecord
from araz.vocabulary import SensorKind

#: A night with a recorded flight goes on this long after it.
AFTER_FLIGHT_S: Final = 60.0
_BEARINGS: Final = frozenset({SensorKind.RF_BEARING, SensorKind.ACOUSTIC, SensorKind.CAMERA})


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """What ``simulate`` gives: the truth at once, the messages in order of arrival as they are asked for (once)."""

    truth: list[TruthRecord]
    messages: Iterator[Arrival]
    bodies: tuple[Body, ...]


def simulate(scenario: Scenario, place: Place, seed: int, flown: Sequence[Body] = ()) -> Night:
    """Simulate a scenario at a place; the same scenario, place and seed give the same bytes.

    ``flown`` are bodies from recorded flights (``body_from_flight``) that join the actors. Every part of the night has
    its own random stream, so that a fault of one sensor changes nothing for another. ValueError when the scenario
    names a sensor, feed or people's sensor that the site does not have. A recorded flight that outlasts the scenario
    makes the night longer.
    """
    _check_names(scenario, place)
    needed_s = max((body.course.end_s + AFTER_FLIGHT_S for body in flown), default=0.0)
    if needed_s > scenario.duration_s:
        scenario = msgspec.structs.replace(scenario, duration_s=needed_s)
    bodies = [*make_bodies(scenario, place, seed), *flown]
    posts = _posts(scenario, place, seed)
    people = next((post for post in posts if post.sensor.kind == SensorKind.PEOPLE), None)
    pressed = presses(people, bodies, scenario.reports) if people is not None else []
    streams = [_without_silence(post, messages) for post in posts if (messages := _messages(post, bodies, pressed))]
    merged = heapq.merge(*streams, key=lambda arrival: arrival.received_at_us)
    return Night(
        truth=record_truth(scenario, place, bodies, posts, pressed, seed),
        messages=_with_cuts(scenario, merged),
        bodies=tuple(bodies),
    )


def _posts(scenario: Scenario, place: Place, seed: int) -> list[Post]:
    site = place.site
    feeds = {feed.id: feed for feed in site.feeds}
    origins = sensor_origins(site, place)
    return [
        Post(
            sensor=sensor,
            feed=feeds[sensor.feed],
            place=place,
            origin_enu_m=origins[row],
            axes=place.frame.local_axes(sensor.latitude_deg, sensor.longitude_deg),
            start_us=scenario.start_us,
            duration_s=scenario.duration_s,
            rng=stream(seed, "sensor", sensor.id),
            faults=tuple(fault for fault in scenario.faults if fault.sensor == sensor.id),
        )
        for row, sensor in enumerate(site.sensors)
        if sensor.feed in feeds
    ]


def _messages(post: Post, bodies: Sequence[Body], pressed: Sequence[Press]) -> Iterator[Arrival] | None:
    kind = post.sensor.kind
    if kind in _BEARINGS:
        return bearing_messages(post, bodies)
    if kind == SensorKind.PEOPLE:
        return people_messages(post, pressed)
    makers: dict[SensorKind, Callable[[Post, Sequence[Body]], Iterator[Arrival]]] = {
        SensorKind.RADAR: radar_messages,
        SensorKind.REMOTE_ID_RECEIVER: remote_id_messages,
        SensorKind.ADSB_RECEIVER: adsb_messages,
    }
    maker = makers.get(kind)
    return None if maker is None else maker(post, bodies)


def _without_silence(post: Post, messages: Iterator[Arrival]) -> Iterator[Arrival]:
    """Leave out what a sensor would have sent while it is dead."""
    dead = [_span_us(post.start_us, fault) for fault in post.faults if fault.kind == FaultKind.SENSOR_SILENT]
    return (arrival for arrival in messages if not any(start <= arrival.received_at_us < end for start, end in dead))


def _span_us(start_us: int, fault: Fault) -> tuple[int, int]:
    end_us = start_us + round(fault.to_s * 1e6) if fault.to_s is not None else 1 << 62
    return start_us + round(fault.from_s * 1e6), end_us


def _with_cuts(scenario: Scenario, messages: Iterator[Arrival]) -> Iterator[Arrival]:
    """Keep the messages of a cut feed until its line is back; then they come at once, in order, before newer ones."""
    faults = (fault for fault in scenario.faults if fault.kind == FaultKind.LINK_CUT)
    cuts = sorted(((f.feed, *_span_us(scenario.start_us, f)) for f in faults), key=lambda cut: cut[2])
    if not cuts:
        yield from messages
        return
    end_us = scenario.start_us + round(scenario.duration_s * 1e6)
    kept: list[list[Arrival]] = [[] for _ in cuts]
    for arrival in messages:
        for (_, _, back_us), backlog in zip(cuts, kept, strict=True):
            if backlog and arrival.received_at_us >= back_us:
                yield from _backlog(backlog, back_us)
                backlog.clear()
        cut = next(
            (i for i, (feed, a, b) in enumerate(cuts) if feed == arrival.source and a <= arrival.received_at_us < b),
            None,
        )
        if cut is None:
            yield arrival
        else:
            kept[cut].append(arrival)
    for (_, _, back_us), backlog in zip(cuts, kept, strict=True):
        if back_us <= end_us:
            yield from _backlog(backlog, back_us)


def _backlog(backlog: Sequence[Arrival], back_us: int) -> Iterator[Arrival]:
    return (Arrival(back_us, kept.source, kept.payload) for kept in backlog)


def _check_names(scenario: Scenario, place: Place) -> None:
    sensors = {sensor.id for sensor in place.site.sensors}
    feeds = {feed.id for feed in place.site.feeds}
    for fault in scenario.faults:
        if fault.sensor and fault.sensor not in sensors:
            raise ValueError(
                f"Scenario {scenario.name}: {fault.sensor!r} is no sensor of the site; it has {sorted(sensors)}."
            )
        if fault.feed and fault.feed not in feeds:
            raise ValueError(
                f"Scenario {scenario.name}: {fault.feed!r} is no feed of the site; it has {sorted(feeds)}."
            )
    if scenario.reports and not any(sensor.kind == SensorKind.PEOPLE for sensor in place.site.sensors):
        raise ValueError(f"Scenario {scenario.name} has people's reports; give the site a sensor of kind people.")
