"""Made borders: seeded instances of any size, for measurement, tests and a first look. Nothing here is surveyed."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr

from araz.deployment._instance import Instance, Limits
from araz.vocabulary import FloatArray, IntArray


class Aircraft(NamedTuple):
    """A class of drone: what it carries (value-weighted kg), how far off it drops, what it costs, how loud it is."""

    name: str
    load_kg: float
    offsets_m: tuple[float, ...]
    """Where it drops, along the border from where it crosses."""
    depth_m: float
    cost_kg: float
    visibility: float
    rf_silent: bool
    pickup_s: float


AIRCRAFT: Final = (
    Aircraft("light", 9.0, (0.0,), 1_500.0, 0.4, 0.7, False, 1_500.0),
    Aircraft("heavy", 20.0, (-6_000.0, 0.0, 6_000.0), 5_000.0, 1.5, 1.0, False, 1_900.0),
    Aircraft("silent", 14.0, (0.0,), 3_000.0, 1.0, 0.8, True, 1_700.0),
)
#: A border of 700 km, as on the shelf's page.
LENGTH_M: Final = 700_000.0


def made_instance(
    cells: int,
    seed: int = 1,
    *,
    posts: int | None = None,
    teams: int | None = None,
    sites: int | None = None,
    windows: int = 4,
    limits: Limits | None = None,
    sorties: int = 1,
    aircraft: tuple[Aircraft, ...] = AIRCRAFT,
) -> Instance:
    """A border of 700 km cut into cells, with fractal relief, valleys that slow the roads, and towns that pay.

    About 17 attacks a cell. Defaults scale as planning.md 4.1 does: a post for 8 cells (at most 240), a team for 4
    posts, a candidate sensor site for 5 cells. Same arguments, same instance.
    """
    if cells < 1:
        raise ValueError(f"cells is {cells}; a border has at least 1.")
    rng = np.random.default_rng(seed)
    posts = max(2, min(240, round(0.12 * cells))) if posts is None else posts
    teams = max(1, posts // 4) if teams is None else teams
    sites = max(2, cells // 5) if sites is None else sites
    cell_m = (np.arange(cells) + 0.5) * LENGTH_M / cells
    relief = fractal(rng, cell_m, 60_000.0)
    market = np.exp(0.35 * fractal(rng, cell_m, 150_000.0))
    crossing, window, kind, drop_m = _attacks(cells, windows, cell_m, aircraft)
    drops, drop = np.unique(np.round(drop_m / 100.0).astype(np.int64), return_inverse=True)
    load = np.array([craft.load_kg for craft in aircraft])[kind]
    value_kg = load * np.interp(drop_m, cell_m, market) * (1.0 - 0.08 * (window % 3))
    drops_m = np.asarray(drops * 100.0, dtype=np.float64)
    ways = (drops_m, drop, kind, window)
    row_window, response_row, response = _response(rng, posts, ways, aircraft, cell_m, relief)
    sensor_m = (np.arange(sites) + rng.uniform(0.2, 0.8, sites)) * LENGTH_M / sites
    return Instance(
        value_kg=value_kg,
        cost_kg=np.array([craft.cost_kg for craft in aircraft])[kind],
        base_detection=np.full(len(kind), 0.1),
        crossing=crossing,
        window=window,
        aircraft=kind,
        drop=drop,
        launch=crossing,
        hazard=_hazard(rng, sensor_m, cell_m, relief, crossing, kind, aircraft),
        response_row=response_row,
        response=response,
        row_window=row_window,
        cell_m=cell_m,
        post_m=_post_m(posts),
        sensor_m=sensor_m,
        sensor_cost=np.ones(sites),
        teams=np.full(windows, teams),
        limits=limits or Limits(),
        sorties=sorties,
        aircraft_names=tuple(craft.name for craft in aircraft),
    )


def fractal(rng: np.random.Generator, at_m: FloatArray, longest_m: float) -> FloatArray:
    """A rough profile [N] of unit size: octaves of interpolated noise, each half as long and 0.6 times as high."""
    out, size, step = np.zeros(len(at_m)), 1.0, longest_m
    for _ in range(6):
        knots = np.arange(-1.0, LENGTH_M / step + 2.0) * step
        out += size * np.interp(at_m, knots, rng.normal(size=len(knots)))
        size, step = 0.6 * size, 0.5 * step
    return out


def evenly(instance: Instance, count: int) -> FloatArray:
    """X [S] with ``count`` of the candidate sites, evenly by number along the border: the usual way to begin."""
    if not 0 <= count <= instance.sensors:
        raise ValueError(f"{count} sensors asked for, {instance.sensors} candidate sites; give a number between.")
    x = np.zeros(instance.sensors)
    order = np.argsort(instance.sensor_m, kind="stable")
    x[order[((np.arange(count) + 0.5) * instance.sensors / max(count, 1)).astype(np.int64)]] = 1.0
    return x


def _post_m(posts: int) -> FloatArray:
    return np.asarray((np.arange(posts) + 0.5) * LENGTH_M / posts, dtype=np.float64)


def _attacks(
    cells: int, windows: int, cell_m: FloatArray, aircraft: tuple[Aircraft, ...]
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Crossing, window, kind and drop place of every attack whose drop lies on the border's stretch."""
    ways = [(kind, offset) for kind, craft in enumerate(aircraft) for offset in craft.offsets_m]
    crossing, window, way = (
        grid.ravel() for grid in np.meshgrid(np.arange(cells), np.arange(windows), np.arange(len(ways)), indexing="ij")
    )
    kind = np.array([kind for kind, _ in ways])[way]
    drop_m = cell_m[crossing] + np.array([offset for _, offset in ways])[way]
    inside = (drop_m >= 0) & (drop_m <= LENGTH_M)
    # A heavy drone does not fly to both sides everywhere: a third of the detours has no road behind it.
    inside &= ~((np.abs(drop_m - cell_m[crossing]) > 1.0) & ((crossing * 7 + way) % 3 == 0))
    return crossing[inside], window[inside], kind[inside], drop_m[inside]


def _response(
    rng: np.random.Generator,
    posts: int,
    ways: tuple[FloatArray, IntArray, IntArray, IntArray],
    aircraft: tuple[Aircraft, ...],
    cell_m: FloatArray,
    relief: FloatArray,
) -> tuple[IntArray, IntArray, csr_array]:
    """Q = Φ((T_pickup − T_alert − T_road) / 240 s): roads cross ridges slowly, and posts differ by road and depth."""
    drops_m, drop, kind, window = ways
    post_m = _post_m(posts)
    climb_m = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(relief)))]) * 2_500.0
    post_along_m, drop_along_m = (at_m + np.interp(at_m, cell_m, climb_m) for at_m in (post_m, drops_m))
    depth_m, speed_mps = rng.uniform(0.0, 6_000.0, posts), rng.uniform(11.0, 19.0, posts)
    off_road_s = rng.uniform(60.0, 420.0, len(drops_m))
    rows, response_row = np.unique(np.stack([drop, kind, window], 1), axis=0, return_inverse=True)
    index, columns, data = [], [], []
    pickup_s = np.array([craft.pickup_s for craft in aircraft])
    inland_m = np.array([craft.depth_m for craft in aircraft])
    for p in range(posts):
        road_m = np.abs(drop_along_m - post_along_m[p]) + depth_m[p]
        road_s = road_m[rows[:, 0]] / speed_mps[p] + off_road_s[rows[:, 0]] + 0.02 * inland_m[rows[:, 1]]
        late = 1.0 + 0.05 * (rows[:, 2] % 3)
        q = 0.95 * ndtr((pickup_s[rows[:, 1]] - 240.0 - road_s * late) / 240.0)
        near = np.flatnonzero(q > 0.02)
        index.append(near)
        columns.append(np.full(len(near), p))
        data.append(q[near])
    matrix = csr_array((np.concatenate(data), (np.concatenate(index), np.concatenate(columns))), (len(rows), posts))
    return rows[:, 2], np.asarray(response_row).reshape(-1), matrix


def _hazard(
    rng: np.random.Generator,
    sensor_m: FloatArray,
    cell_m: FloatArray,
    relief: FloatArray,
    crossing: IntArray,
    kind: IntArray,
    aircraft: tuple[Aircraft, ...],
) -> csr_array:
    """λ = h exp(−(d / R)²), cut where the relief between stands higher than both ends; RF hears no silent drone."""
    is_rf = rng.uniform(size=len(sensor_m)) < 0.4
    index, columns, data = [], [], []
    visibility = np.array([craft.visibility for craft in aircraft])
    silent = np.array([craft.rf_silent for craft in aircraft])
    for s, at_m in enumerate(sensor_m):
        range_m = 9_000.0 if is_rf[s] else 6_000.0
        near = np.flatnonzero(np.abs(cell_m - at_m) < 2.0 * range_m)
        here = float(np.interp(at_m, cell_m, relief)) + 0.4
        seen = np.array([_between(relief, cell_m, at_m, int(c)) <= max(here, relief[c] + 0.25) for c in near])
        at_cell = np.zeros(len(cell_m))
        at_cell[near] = np.where(seen, 2.2, 0.25) * np.exp(-(((cell_m[near] - at_m) / range_m) ** 2))
        hazard = at_cell[crossing] * visibility[kind] * np.where(is_rf[s] & silent[kind], 0.0, 1.0)
        rows = np.flatnonzero(hazard > 0.01)
        index.append(rows)
        columns.append(np.full(len(rows), s))
        data.append(hazard[rows])
    shape = (len(crossing), len(sensor_m))
    return csr_array((np.concatenate(data), (np.concatenate(index), np.concatenate(columns))), shape)


def _between(relief: FloatArray, cell_m: FloatArray, at_m: float, cell: int) -> float:
    """Highest relief strictly between a sensor and a cell; −inf when they are neighbours."""
    first = int(np.searchsorted(cell_m, at_m))
    low, high = (first, cell) if first <= cell else (cell + 1, first)
    return float(relief[low:high].max()) if high > low else -np.inf
