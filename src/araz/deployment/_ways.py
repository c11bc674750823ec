"""Ways over the line: launch, crossing, drop, aircraft and height; what would see each; those worth considering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from araz.deployment._ground import Ground
from araz.geography import Place
from araz.sensors import lone_chances, look_chances, weather_of
from araz.vocabulary import BoolArray, FloatArray, IntArray, Quarry, SensorTable

#: A flight is cut into dwells of this length, looked at in so many places each, like a cell of the coverage map.
DWELL_S = 30.0
STEPS = 5
#: A drone goes at most this far round, of the straight way from launch to drop.
_DETOUR = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """N ways over the line: indices of launch, crossing, drop, aircraft and of the height it flies at."""

    launch: IntArray
    crossing: IntArray
    drop: IntArray
    aircraft: IntArray
    height: IntArray

    def at(self, rows: IntArray | BoolArray) -> Ways:
        """Some of them."""
        return Ways(self.launch[rows], self.crossing[rows], self.drop[rows], self.aircraft[rows], self.height[rows])


@dataclass(frozen=True, slots=True)
class Craft:
    """One class of drone at one corner of what is known of it."""

    range_m: float
    speed_mps: float
    heights_agl_m: tuple[float, ...]
    quarry: Quarry
    returns: bool


def leg_hazard(
    place: Place, table: SensorTable, start_enu_m: FloatArray, end_enu_m: FloatArray, craft: Craft, height_agl_m: float
) -> FloatArray:
    """Hazard [N, S] on straight legs from [N, 2] to [N, 2] at a height over the ground below.

    λ = −Σ ln(1 − p) over dwells of 30 s from the leg's start, p the chance that this sensor alone makes a track of
    it in the dwell, by the coverage map's own model. Tracks that only begin across two dwells, or by two sensors
    together, are not counted: the hazard is on the low side.
    """
    length_m = np.hypot(*(end_enu_m - start_enu_m).T)
    dwells = max(1, int(np.ceil(length_m.max(initial=0.0) / (craft.speed_mps * DWELL_S))))
    along_m = (np.arange(dwells * STEPS) + 0.5) * DWELL_S / STEPS * craft.speed_mps
    share = along_m / np.maximum(length_m, 1e-9)[:, None]
    xy = start_enu_m[:, None, :] + np.minimum(share, 1.0)[..., None] * (end_enu_m - start_enu_m)[:, None, :]
    flat = xy.reshape(-1, 2)
    up = place.terrain.ground_up_m(flat[:, 0], flat[:, 1]) + height_agl_m
    look = look_chances(place, table, np.column_stack([flat, up]), craft.quarry, weather_of(place))
    look = look.reshape(len(table.sensor_id), *share.shape) * (share <= 1.0)
    chance = lone_chances(table, look.reshape(len(look), -1, STEPS), DWELL_S)
    lost = np.log1p(-np.minimum(chance, 1.0 - 1e-9)).reshape(len(look), len(length_m), dwells).sum(axis=2)
    return np.asarray(-lost.T, dtype=np.float64)


def ways_of(place: Place, ground: Ground, crafts: tuple[Craft, ...]) -> Ways:
    """Every way within each aircraft's range; what a better way beats always is left out later.

    d(launch, crossing) + d(crossing, drop), twice where it flies back, ≤ range; at most 1.5 times the straight way.
    Fails with ValueError when no aircraft reaches any drop place.
    """
    out_m = _distances(ground.launch_enu_m, ground.cell_enu_m)
    in_m = _distances(ground.cell_enu_m, ground.drop_enu_m)
    straight = _distances(ground.launch_enu_m, ground.drop_enu_m)
    total = out_m[:, :, None] + in_m[None]
    direct = total <= _DETOUR * straight[:, None, :]
    # A leg that leaves its own side is a crossing somewhere else, and counted there.
    direct &= _stays(place, ground.launch_enu_m, ground.cell_enu_m, 1.0)[:, :, None]
    direct &= _stays(place, ground.drop_enu_m, ground.cell_enu_m, -1.0).T[None]
    parts: list[tuple[IntArray, ...]] = []
    for k, craft in enumerate(crafts):
        way = np.nonzero(direct & (total * (2.0 if craft.returns else 1.0) <= craft.range_m))
        parts += [(*way, np.full(len(way[0]), k), np.full(len(way[0]), h)) for h in range(len(craft.heights_agl_m))]
    launch, crossing, drop, aircraft, height = (np.concatenate(column) for column in zip(*parts, strict=True))
    if len(launch) == 0:
        raise ValueError("No aircraft of planning.aircraft reaches a drop place and comes back; check range_m.")
    return Ways(launch, crossing, drop, aircraft, height)


def hazard_of(place: Place, table: SensorTable, ground: Ground, crafts: tuple[Craft, ...], ways: Ways) -> FloatArray:
    """Hazard [N, S] of the place's sensors along each way: out over there, then in over our ground."""
    cells, out = len(ground.cell_enu_m), np.zeros((len(ways.launch), len(table.sensor_id)))
    for k, craft in enumerate(crafts):
        for h, height in enumerate(craft.heights_agl_m):
            mine = np.flatnonzero((ways.aircraft == k) & (ways.height == h))
            crossing = ways.crossing[mine]
            for end, far in ((ways.launch[mine], ground.launch_enu_m), (ways.drop[mine], ground.drop_enu_m)):
                leg, at = np.unique(end * cells + crossing, return_inverse=True)
                there, line = far[leg // cells], ground.cell_enu_m[leg % cells]
                start, stop = (there, line) if far is ground.launch_enu_m else (line, there)
                out[mine] += leg_hazard(place, table, start, stop, craft, height)[at.reshape(-1)]
    return out


def undominated(group: IntArray, bad: FloatArray) -> BoolArray:
    """Keep [N] of the ways of each group that no other is as good as or better in every column of ``bad`` [N, D].

    A way that another beats in hazard, response and cost at once is never the smuggler's only best: z* stays what it
    is. Of equals the first stays.
    """
    kept = np.ones(len(group), dtype=np.bool_)
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        mine = np.unique(bad[rows], axis=0, return_index=True)[1]
        kept[rows] = False
        rows = rows[np.sort(mine)]
        rows = rows[np.argsort(bad[rows].sum(axis=1), kind="stable")]
        good: list[int] = []
        for row in rows:  # only a way of smaller sum can beat another
            if not good or not np.any(np.all(bad[good] <= bad[row], axis=1)):
                good.append(int(row))
        kept[good] = True
    return kept


def _distances(a_enu_m: FloatArray, b_enu_m: FloatArray) -> FloatArray:
    return np.hypot(a_enu_m[:, None, 0] - b_enu_m[None, :, 0], a_enu_m[:, None, 1] - b_enu_m[None, :, 1])


def _stays(place: Place, from_enu_m: FloatArray, cell_enu_m: FloatArray, side: float) -> BoolArray:
    """Whether the straight leg from each place to each cell stays on its side of the line, to 300 m of it [N, C]."""
    share = np.array([0.2, 0.4, 0.6, 0.8])[:, None, None, None]
    points = from_enu_m[:, None, :] + share * (cell_enu_m[None] - from_enu_m[:, None, :])
    flat = points.reshape(-1, 2)
    signed = place.border.signed_distance_m(flat[:, 0], flat[:, 1]).reshape(points.shape[:-1])
    return np.asarray(np.all(side * signed > -300.0, axis=0), dtype=np.bool_)
