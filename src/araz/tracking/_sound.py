"""Sound is late: a bearing heard at t shows where the target was when the sound left it.

With d the place and v the velocity of the target relative to the ear at the moment of hearing, c the speed of sound,
the sound left tau seconds ago, where

    |d - v tau| = c tau,   so   tau = (-d.v + sqrt((d.v)^2 + (c^2 - v^2) |d|^2)) / (c^2 - v^2)   for |v| < c.

The place heard is p_e = d - v tau. With u = p_e / |p_e| its derivative by the state is

    d p_e = (I - v u' / (c + u.v)) (d d - tau d v),

so a bearing H_b gets the Jacobian H_b (I - v u' / (c + u.v)) by position, and -tau times that by velocity.
"""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True)
def travel_s(
    east_m: float, north_m: float, up_m: float, east_mps: float, north_mps: float, up_mps: float, speed_mps: float
) -> float:
    """How long ago the sound heard now left a target at d, moving with v (relative to the ear), seconds.

    0 when ``speed_mps`` is not a positive finite number (radio, light); for a target faster than sound r / c.
    """
    if not (0.0 < speed_mps < 1e7):
        return 0.0
    distance2 = east_m * east_m + north_m * north_m + up_m * up_m
    along = east_m * east_mps + north_m * north_mps + up_m * up_mps
    spare = speed_mps * speed_mps - (east_mps * east_mps + north_mps * north_mps + up_mps * up_mps)
    if spare <= 0.0:
        return math.sqrt(distance2) / speed_mps
    return (math.sqrt(along * along + spare * distance2) - along) / spare
