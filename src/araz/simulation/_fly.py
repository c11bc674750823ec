"""A recorded flight moved to the site: turned and shifted as one piece, its heights kept above the ground."""

from __future__ import annotations

from typing import Final

import numpy as np

from araz.geography import LocalFrame, Place
from araz.sensors import Flight, sensor_origins
from araz.simulation._bodies import Body, nature_of
from araz.simulation._course import Course
from araz.simulation._post import radar_probability
from araz.simulation._scenario import Actor, ActorKind, Scenario
from araz.vocabulary import FloatArray, SensorKind

FLOWN: Final = "flown"
STEP_S: Final = 0.2
#: Where a log tells no height at all.
UNKNOWN_HEIGHT_M: Final = 60.0
LOWEST_M: Final = 1.0
#: The aircraft stands in the air this long before the first and after the last fix, or a clip of half a second could
#: not be seen by any radar.
HOLD_S: Final = 30.0
#: Positions rounded coarser than this (0.5 m) are smoothed over 5 s, finer ones over 1 s, and over 5 s at breaks.
COARSE_DEG: Final = 5e-6
SMOOTH_COARSE_S: Final = 5.0
SMOOTH_FINE_S: Final = 1.0
#: A recording has a break where its fixes lie further apart than this, and three times further than they mostly do.
BREAK_S: Final = 1.2
#: Distances from a radar at which a place for the flight is sought, and in how many directions.
SEEK_M: Final = (1500.0, 2500.0, 3500.0)
SEEK_DIRECTIONS: Final = 24


def move_to(
    flight: Flight,
    place: Place,
    *,
    start_s: float = 60.0,
    turn_deg: float = 0.0,
    latitude_deg: float | None = None,
    longitude_deg: float | None = None,
) -> Course:
    """Return the flight as a course at the site: turned clockwise by ``turn_deg``, its middle put on the given place.

    Without a place it goes where the site's radars see the whole of it best, 1.5 to 3.5 km from one of them. Heights
    above the start become heights above the site's ground (at least 1 m; 60 m where the log has none). Suspect fixes
    are not flown. ENU metres, seconds of the night; the course begins at ``start_s`` with 30 s of standing still.
    """
    at_s, plane, height = _track(flight)
    angle = np.radians(turn_deg)
    turned = plane @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if latitude_deg is None or longitude_deg is None:
        middle = _best_place(place, turned, height)
    else:
        middle = place.frame.to_enu(latitude_deg, longitude_deg, place.site.origin_hae_m)[0, :2]
    return _course(place, at_s, turned + middle, height, start_s)


def body_from_flight(
    flight: Flight,
    scenario: Scenario,
    place: Place,
    *,
    start_s: float = 60.0,
    turn_deg: float = 0.0,
    latitude_deg: float | None = None,
    longitude_deg: float | None = None,
    kind: ActorKind = ActorKind.QUAD,
) -> Body:
    """Return a recorded flight as one more body for ``simulate``, which makes the night long enough; see ``move_to``.

    Its id is ``flown``; it counts as a threat, with nothing to hear for a radio finder (the log says nothing of its
    link). ValueError when the scenario has an actor of that name.
    """
    if any(actor.id == FLOWN for actor in scenario.actors):
        raise ValueError(f"Scenario {scenario.name} already has an actor {FLOWN!r}; choose another, such as X0.")
    course = move_to(
        flight, place, start_s=start_s, turn_deg=turn_deg, latitude_deg=latitude_deg, longitude_deg=longitude_deg
    )
    actor = Actor(id=FLOWN, kind=kind, start_s=start_s, emits_radio=False)
    return Body(FLOWN, actor, nature_of(kind), course)


def _track(flight: Flight) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Even clock [K], east and north about the middle [K, 2], height above the start [K], smoothed."""
    good = ~flight.is_suspect
    at_s = (flight.at_us[good] - flight.at_us[good][0]) / 1e6
    latitude, longitude = flight.latitude_deg[good], flight.longitude_deg[good]
    frame = LocalFrame(float(latitude[0]), float(longitude[0]), 0.0)
    plane = frame.to_enu(latitude, longitude, 0.0)[:, :2]
    height = flight.height_m[good]
    known = np.isfinite(height)
    height = np.interp(at_s, at_s[known], height[known]) if known.any() else np.full(len(at_s), UNKNOWN_HEIGHT_M)
    total_s = float(at_s[-1]) + 2 * HOLD_S
    clock = np.arange(0.0, total_s + STEP_S, STEP_S)
    columns = np.stack([np.interp(clock - HOLD_S, at_s, column) for column in (plane[:, 0], plane[:, 1], height)], 1)
    rough = _smoothed(columns, SMOOTH_COARSE_S)
    if _resolution(latitude) > COARSE_DEG:
        columns = rough
    else:
        fine = _smoothed(columns, SMOOTH_FINE_S)
        columns = fine + _near_breaks(clock - HOLD_S, at_s)[:, None] * (rough - fine)
    middle = (columns[:, :2].min(axis=0) + columns[:, :2].max(axis=0)) / 2
    return clock, columns[:, :2] - middle, np.maximum(columns[:, 2], LOWEST_M)


def _resolution(latitude_deg: FloatArray) -> float:
    steps = np.abs(np.diff(latitude_deg))
    steps = steps[steps > 1e-9]
    return float(steps.min()) if len(steps) else 0.0


def _near_breaks(clock: FloatArray, at_s: FloatArray) -> FloatArray:
    """1 within 5 s of a break in the fixes and of their ends, falling to 0 at 10 s [K].

    What was flown there is not known: spliced clips meet at an angle and begin in full flight, and no drone turns or
    stops from 12 m/s within a second.
    """
    steps = np.diff(at_s)
    torn = np.flatnonzero(steps > max(BREAK_S, 3.0 * float(np.median(steps))))
    start = np.concatenate([[-np.inf], at_s[torn], at_s[-1:]])
    end = np.concatenate([at_s[:1], at_s[torn + 1], [np.inf]])
    gap = np.maximum(start[None, :] - clock[:, None], clock[:, None] - end[None, :]).min(axis=1)
    return np.asarray(np.clip(2.0 - gap / SMOOTH_COARSE_S, 0.0, 1.0), dtype=np.float64)


def _smoothed(columns: FloatArray, width_s: float) -> FloatArray:
    """Twice the moving average over ``width_s``, the ends repeated: held and rounded positions become a flight."""
    width = round(width_s / STEP_S)
    width += 1 - width % 2
    half = width // 2
    for _ in range(2):
        padded = np.pad(columns, ((half, half), (0, 0)), mode="edge")
        total = np.cumsum(np.vstack([np.zeros((1, columns.shape[1])), padded]), axis=0)
        columns = np.asarray((total[width:] - total[:-width]) / width, dtype=np.float64)
    return columns


def _course(place: Place, at_s: FloatArray, plane: FloatArray, height: FloatArray, start_s: float) -> Course:
    up = place.terrain.ground_up_m(plane[:, 0], plane[:, 1]) + height
    position = np.column_stack([plane, up])
    return Course(start_s + float(at_s[0]), STEP_S, position, np.gradient(position, STEP_S, axis=0))


def _best_place(place: Place, plane: FloatArray, height: FloatArray) -> FloatArray:
    """East and north [2] where the mean chance of detection over the flight is best; the first best one wins."""
    site = place.site
    radars = [
        (sensor, origin)
        for sensor, origin in zip(site.sensors, sensor_origins(site, place), strict=True)
        if sensor.kind == SensorKind.RADAR
    ]
    if not radars:
        return np.zeros(2)
    rcs_dbsm = nature_of(ActorKind.QUAD).rcs_dbsm
    some = np.linspace(0, len(plane) - 1, min(len(plane), 120)).astype(np.int64)
    best, best_chance = np.zeros(2), -1.0
    for _, origin in radars:
        for distance in SEEK_M:
            for direction in np.linspace(0, 2 * np.pi, SEEK_DIRECTIONS, endpoint=False):
                middle = origin[:2] + distance * np.array([np.sin(direction), np.cos(direction)])
                moved: FloatArray = plane[some] + middle
                course = _course(
                    place,
                    np.asarray(some * STEP_S, dtype=np.float64),
                    moved,
                    np.asarray(height[some], dtype=np.float64),
                    0.0,
                )
                position = course.position_enu_m
                chances = [radar_probability(s, place, o, position, rcs_dbsm) for s, o in radars]
                chance = round(float(np.max(chances, axis=0).mean()), 6)
                if chance > best_chance:
                    best, best_chance = np.asarray(middle, dtype=np.float64), chance
    return best
