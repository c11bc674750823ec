"""Flight along waypoints: a point mass with limited acceleration that follows the ground, and lets loads go.

Every 0.1 s the pilot wants a velocity towards the waypoint, braking with half of what the aircraft can when it will
hover there (v = sqrt(2 · a/2 · d)), and the aircraft changes its velocity by at most a · dt. Height: the wanted climb
is the height error over 2 s plus the slope of the ground ahead, held to the climb limit.

After a drop the thrust is too large for the lighter aircraft: it accelerates upwards by g · load / mass, held to
3 m/s², for 1.2 s, until the pilot (or its controller) has corrected; from then on it is as agile as an empty one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np

from araz.geography import Place
from araz.simulation._course import Course
from araz.simulation._scenario import Drop, Waypoint
from araz.vocabulary import FloatArray

STEP_S = 0.1
GRAVITY_MPS2 = 9.81
JUMP_S = 1.2
JUMP_MAX_MPS2 = 3.0
LOADED_SHARE = 0.6
"""A loaded aircraft has this share of its agility."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an airframe can do: accelerations in m/s², climb in m/s, mass in kg without the load."""

    acceleration_mps2: float
    climb_acceleration_mps2: float
    climb_mps: float
    mass_kg: float
    can_hover: bool


@dataclass(frozen=True, slots=True)
class Release:
    """A load let go: when (seconds of the night), where (ENU), how fast, how heavy."""

    at_s: float
    position_enu_m: FloatArray
    velocity_enu_mps: FloatArray
    load_kg: float


class _Ground:
    """Bilinear ground height with plain floats: one look-up a step, too small for arrays."""

    def __init__(self, place: Place) -> None:
        terrain = place.terrain
        self.rows = [[float(value) for value in row] for row in terrain.height_up_m]
        self.east0, self.north0, self.cell = terrain.east0_m, terrain.north0_m, terrain.cell_m
        self.last_row, self.last_column = len(self.rows) - 1, len(self.rows[0]) - 1

    def __call__(self, east: float, north: float) -> float:
        x = min(max((east - self.east0) / self.cell, 0.0), self.last_column - 1e-9)
        y = min(max((north - self.north0) / self.cell, 0.0), self.last_row - 1e-9)
        j, i = int(x), int(y)
        u, v = x - j, y - i
        low, high = self.rows[i], self.rows[i + 1]
        return (low[j] * (1 - u) + low[j + 1] * u) * (1 - v) + (high[j] * (1 - u) + high[j + 1] * u) * v


def waypoints_enu(place: Place, waypoints: list[Waypoint]) -> FloatArray:
    """East and north [N, 2] of waypoints, metres at the site origin."""
    ground = place.frame.to_enu(
        [point.latitude_deg for point in waypoints],
        [point.longitude_deg for point in waypoints],
        place.site.origin_hae_m,
    )
    return np.asarray(ground[:, :2], dtype=np.float64)


def ground_of(place: Place) -> _Ground:
    """Return the ground as a fast function of one point; build it once a night."""
    return _Ground(place)


def fly_route(
    ground: _Ground,
    points_enu_m: FloatArray,
    waypoints: list[Waypoint],
    drops: list[Drop],
    limits: Limits,
    start_s: float,
) -> tuple[Course, list[Release]]:
    """Fly waypoints [N, 2] from the first, at its height, to the last; return the course and what was let go.

    ENU metres, seconds of the night. The flight ends at the last waypoint after its hover. A leg that cannot be flown
    (an orbit round a point too close for the turn) ends after twice its straight time plus a minute.
    """
    pilot = _Pilot(ground, limits, points_enu_m, waypoints, sum(drop.load_kg for drop in drops), start_s)
    by_waypoint = {drop.waypoint: drop for drop in drops}
    for index in range(len(waypoints)):
        if index:
            pilot.leg(index)
        drop = by_waypoint.get(index)
        hover_s = waypoints[index].hover_s
        if drop is None:
            pilot.hover(index, hover_s)
        else:
            before_s = hover_s / 2 if drop.after_s is None else min(drop.after_s, hover_s)
            pilot.hover(index, before_s)
            pilot.release(drop.load_kg)
            pilot.hover(index, hover_s - before_s)
    if len(pilot.positions) < 2:
        pilot.hover(0, STEP_S)
    course = Course(start_s, STEP_S, np.array(pilot.positions), np.array(pilot.velocities))
    return course, pilot.releases


class _Pilot:
    """The state of one flight while it is flown; lives inside ``fly_route`` only."""

    def __init__(
        self,
        ground: _Ground,
        limits: Limits,
        points: FloatArray,
        waypoints: list[Waypoint],
        load_kg: float,
        start_s: float,
    ) -> None:
        self.ground, self.limits, self.waypoints = ground, limits, waypoints
        self.points = [(float(east), float(north)) for east, north in points]
        self.load_kg, self.start_s, self.jump_steps = load_kg, start_s, 0
        self.jump_mps2 = 0.0
        self.east, self.north = self.points[0]
        self.up = ground(self.east, self.north) + waypoints[0].height_agl_m
        self.ve, self.vn, self.vu = 0.0, 0.0, 0.0
        if not limits.can_hover and len(self.points) > 1:
            dx, dy = self.points[1][0] - self.east, self.points[1][1] - self.north
            far = hypot(dx, dy) or 1.0
            self.ve, self.vn = dx / far * waypoints[1].speed_mps, dy / far * waypoints[1].speed_mps
        self.positions = [(self.east, self.north, self.up)]
        self.velocities = [(self.ve, self.vn, self.vu)]
        self.releases: list[Release] = []

    def leg(self, index: int) -> None:
        """Fly to waypoint ``index`` until it is reached (and, before a hover, its height too)."""
        goal = self.points[index]
        point = self.waypoints[index]
        stops = self.limits.can_hover and (point.hover_s > 0 or index == len(self.waypoints) - 1)
        reach = 2.0 if stops else 0.6 * point.speed_mps**2 / self._agility() + 5.0
        climb_s = abs(self.up - self.ground(*goal) - point.height_agl_m) / self.limits.climb_mps
        straight_s = hypot(goal[0] - self.east, goal[1] - self.north) / point.speed_mps
        for _ in range(int((2 * straight_s + 3 * climb_s + 60) / STEP_S)):
            far = hypot(goal[0] - self.east, goal[1] - self.north)
            is_high_enough = abs(self.up - self.ground(self.east, self.north) - point.height_agl_m) < 2.0
            if far < reach and (not stops or is_high_enough):
                return
            self._step(goal, point, stops)

    def hover(self, index: int, seconds: float) -> None:
        """Stay at waypoint ``index``."""
        for _ in range(round(seconds / STEP_S)):
            self._step(self.points[index], self.waypoints[index], self.limits.can_hover)

    def release(self, load_kg: float) -> None:
        """Let a load go now."""
        at_s = self.start_s + STEP_S * (len(self.positions) - 1)
        position, velocity = np.array(self.positions[-1]), np.array(self.velocities[-1])
        self.releases.append(Release(at_s, position, velocity, load_kg))
        self.load_kg = max(0.0, self.load_kg - load_kg)
        self.jump_steps = round(JUMP_S / STEP_S)
        self.jump_mps2 = min(JUMP_MAX_MPS2, GRAVITY_MPS2 * load_kg / self.limits.mass_kg)

    def _agility(self) -> float:
        return self.limits.acceleration_mps2 * (LOADED_SHARE if self.load_kg > 0.1 * self.limits.mass_kg else 1.0)

    def _step(self, goal: tuple[float, float], point: Waypoint, stops: bool) -> None:
        agility = self._agility()
        dx, dy = goal[0] - self.east, goal[1] - self.north
        far = hypot(dx, dy)
        speed = min(point.speed_mps, sqrt(agility * far)) if stops else point.speed_mps
        want = (dx / far * speed, dy / far * speed) if far > 1e-6 else (0.0, 0.0)
        ce, cn = want[0] - self.ve, want[1] - self.vn
        change = hypot(ce, cn)
        if self.jump_steps > 0:
            self.jump_steps -= 1
            self.vu += self.jump_mps2 * STEP_S
        else:
            share = min(1.0, agility * STEP_S / change) if change > 1e-12 else 0.0
            self.ve, self.vn = self.ve + ce * share, self.vn + cn * share
            self._climb(point.height_agl_m)
        self.east += self.ve * STEP_S
        self.north += self.vn * STEP_S
        self.up += self.vu * STEP_S
        self.positions.append((self.east, self.north, self.up))
        self.velocities.append((self.ve, self.vn, self.vu))

    def _climb(self, height_agl_m: float) -> None:
        below = self.ground(self.east, self.north)
        ahead = self.ground(self.east + 2 * self.ve, self.north + 2 * self.vn)
        want = (below + height_agl_m - self.up) / 2.0 + (ahead - below) / 2.0
        want = min(max(want, -self.limits.climb_mps), self.limits.climb_mps)
        most = self.limits.climb_acceleration_mps2 * STEP_S
        self.vu += min(max(want - self.vu, -most), most)
