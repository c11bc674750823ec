"""Truth records of a night: every body at every second, and what happened when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from araz.geography import Place
from araz.simulation._bodies import Body, stream
from araz.simulation._claims import is_false, serial_of
from araz.simulation._fall import comes_to_rest
from araz.simulation._people import Press
from araz.simulation._post import Post, radar_probability
from araz.simulation._scenario import ActorKind, Scenario
from araz.simulation._truth import Truth, TruthEvent, TruthRecord
from araz.vocabulary import BoolArray, FloatArray, SensorKind

#: Birds are recorded this often, everything else each second.
BIRD_PERIOD_S: Final = 5.0
EVEN_CHANCE: Final = 0.5


def record_truth(
    scenario: Scenario, place: Place, bodies: Sequence[Body], posts: Sequence[Post], pressed: Sequence[Press], seed: int
) -> list[TruthRecord]:
    """Return all truth of a night, by time; decoys have events only, for there is nothing in the air.

    ``seed`` is the night's: where a load comes to rest is luck.
    """
    records: list[TruthRecord] = []
    radars = [post for post in posts if post.sensor.kind == SensorKind.RADAR]
    for body in bodies:
        if body.actor.remote_id is not None:
            records.append(_claim_event(scenario, body))
        if body.is_real:
            records.extend(_of_body(scenario, place, body, radars, seed))
    for fault in scenario.faults:
        at_us = scenario.start_us + round(fault.from_s * 1e6)
        records.append(TruthEvent(kind=fault.kind.value, at_us=at_us, sensor_id=fault.sensor or None))
    for press in pressed:
        at_us = scenario.start_us + round(press.at_s * 1e6)
        records.append(_event(press.report.kind.value, at_us, press.body))
    return sorted(records, key=lambda record: record.at_us)


def _claim_event(scenario: Scenario, body: Body) -> TruthEvent:
    kind = "false-identity" if is_false(body) else "honest-identity"
    at_us = scenario.start_us + round(body.course.start_s * 1e6)
    return _event(kind, at_us, body, claim=f"remote-id:{serial_of(body)}")


def _event(kind: str, at_us: int, body: Body, **more: Any) -> TruthEvent:
    return TruthEvent(
        kind=kind,
        at_us=at_us,
        actor_id=body.body_id,
        class_name=body.class_name,
        drone_class=body.actor.drone_class or None,
        is_threat=body.is_threat,
        **more,
    )


def _of_body(scenario: Scenario, place: Place, body: Body, radars: Sequence[Post], seed: int) -> list[TruthRecord]:
    period_s = BIRD_PERIOD_S if body.actor.kind == ActorKind.BIRD_FLOCK else 1.0
    first = np.ceil(body.course.start_s / period_s) * period_s
    at_s = np.arange(first, min(body.course.end_s, scenario.duration_s) + 1e-6, period_s)
    if not len(at_s):
        return []
    position, velocity = body.course.at(at_s)
    detectable = np.zeros(len(at_s), dtype=np.bool_)
    for post in radars:
        chance = radar_probability(post.sensor, place, post.origin_enu_m, position, body.rcs_dbsm)
        detectable |= (chance >= EVEN_CHANCE) & post.works(at_s)
    latitude, longitude, hae = place.frame.to_geodetic(position)
    height = place.terrain.height_agl_m(position)
    side = place.border.signed_distance_m(position[:, 0], position[:, 1])
    speed = np.linalg.norm(velocity, axis=1)
    states: list[TruthRecord] = [
        Truth(
            at_us=scenario.start_us + round(float(at_s[k]) * 1e6),
            actor_id=body.body_id,
            class_name=body.class_name,
            latitude_deg=round(float(latitude[k]), 7),
            longitude_deg=round(float(longitude[k]), 7),
            altitude_hae_m=round(float(hae[k]), 2),
            height_agl_m=round(float(height[k]), 2),
            speed_mps=round(float(speed[k]), 2),
            airborne=body.is_airborne,
            detectable=bool(detectable[k]),
            is_threat=body.is_threat,
            inside=bool(side[k] < 0),
        )
        for k in range(len(at_s))
    ]
    return states + _events(scenario, place, body, at_s, position, detectable, seed)


def _events(
    scenario: Scenario,
    place: Place,
    body: Body,
    at_s: FloatArray,
    position: FloatArray,
    detectable: BoolArray,
    seed: int,
) -> list[TruthRecord]:
    """Launch, first chance to see it, crossings, drops and landing of a drone or balloon; others have none."""
    if not (body.is_drone or body.actor.kind == ActorKind.BALLOON):
        return []

    def at(kind: str, moment_s: float, where: FloatArray, **more: Any) -> TruthEvent:
        latitude, longitude, hae = (float(value[0]) for value in place.frame.to_geodetic(where[None, :]))
        at_us = scenario.start_us + round(moment_s * 1e6)
        return _event(kind, at_us, body, latitude_deg=latitude, longitude_deg=longitude, altitude_hae_m=hae, **more)

    out: list[TruthRecord] = [at("launch", float(at_s[0]), position[0])]
    if detectable.any():
        k = int(np.argmax(detectable))
        out.append(at("detectable", float(at_s[k]), position[k]))
    side = place.border.signed_distance_m(position[:, 0], position[:, 1])
    for k in np.flatnonzero(np.diff(np.sign(side)) != 0).tolist():
        kind = "crossing-in" if side[k + 1] < side[k] else "crossing-out"
        part = side[k] / (side[k] - side[k + 1])
        where = position[k] * (1 - part) + position[k + 1] * part
        out.append(at(kind, float(at_s[k] + part * (at_s[k + 1] - at_s[k])), where))
    for k, release in enumerate(body.releases):
        wind, luck = scenario.wind or place.site.wind, stream(seed, "load", body.body_id, str(k))
        where, how = release.position_enu_m, release.velocity_enu_mps
        ground = comes_to_rest(place, where, how, release.load_kg, wind, luck)
        latitude, longitude, _ = (float(v[0]) for v in place.frame.to_geodetic(release.position_enu_m[None, :]))
        lost = {"load_kg": release.load_kg, "release_latitude_deg": latitude, "release_longitude_deg": longitude}
        out.append(at("drop", release.at_s, ground, **lost))
    if body.course.end_s < scenario.duration_s - 1.0:
        out.append(at("landing", body.course.end_s, position[-1]))
    return out
