"""Coverage truth: where, how high and how surely a target would be noticed, now.

For a target that flies straight through a cell at one height for the dwell T:

    noticed  = 1 - prod (1 - p_i)                      any look reports it
    tracked  = P(m hits within w consecutive looks)    a confirmed track

over the looks i of the dwell in the order in which they fall, p_i the chance where the target then is. Only sensors
that give positions count for ``tracked``, and of those only looks that could see it at all: the tracker knows the
terrain too. m and w (``HITS``, ``WINDOW``) are the two figures fitted to the tracker (bench/coverage_map.py,
docs/measured.md). Both chances are averaged over ways through the cell and heights of the band last: half a cell in a
ridge's shadow hides half of the flights, not half of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from araz.geography import Place
from araz.sensors._dwell import dwell_chances
from araz.sensors._look_chance import health_factor, listens, look_chance
from araz.vocabulary import (
    FloatArray,
    Quarry,
    SensorHealth,
    SensorTable,
    Weather,
    frozen_array,
)

#: Height bands above ground, metres: under the ridges, the heavy carriers' usual heights, the small quads' new ones.
BANDS_AGL_M: Final = ((10.0, 30.0), (30.0, 60.0), (60.0, 120.0), (120.0, 300.0), (300.0, 1000.0))
#: A drone at 15 m/s crosses a 500 m cell in this time.
DWELL_S: Final = 30.0
CELL_M: Final = 500.0
#: Ways through a cell, places looked at along each, heights in a band.
WAYS: Final = 8
STEPS: Final = 5
HEIGHTS: Final = 3
#: How far along its way a target comes in the dwell.
SPEED_MPS: Final = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The map: ``noticed`` and ``tracked`` [bands, ny, nx], float32 chances for the dwell, of one target.

    **Frame** ENU at the site origin; cell (0, 0) is centred at (``east_m[0]``, ``north_m[0]``), rows go north.
    ``look`` [sensors, bands, ny, nx] is each sensor's chance in one look, health included, in the table's order.
    """

    bands_agl_m: tuple[tuple[float, float], ...]
    east_m: FloatArray
    north_m: FloatArray
    cell_m: float
    dwell_s: float
    quarry: Quarry
    weather: Weather
    sensor_id: tuple[str, ...]
    look: NDArray[np.float32]
    noticed: NDArray[np.float32]
    tracked: NDArray[np.float32]


def coverage(
    place: Place,
    table: SensorTable,
    *,
    quarry: Quarry | None = None,
    weather: Weather | None = None,
    health: Mapping[str, SensorHealth] | None = None,
    bands_agl_m: Sequence[tuple[float, float]] = BANDS_AGL_M,
    dwell_s: float = DWELL_S,
    cell_m: float = CELL_M,
    extent_enu_m: tuple[float, float, float, float] | None = None,
) -> Coverage:
    """Return the coverage of a site's sensors over the terrain's raster, or over (west, south, east, north).

    ``health`` None is planning: every sensor works. ``weather`` None is the site's (None there: clear and quiet).
    40 × 40 km at 500 m takes about a second on one core. ValueError when a band is upside down or the extent empty.
    """
    quarry, weather = quarry or quarry_of(place), weather or weather_of(place)
    if any(not 0 <= low < high for low, high in bands_agl_m) or not dwell_s > 0 or not cell_m > 0:
        raise ValueError(f"Bands need 0 ≤ low < high, dwell_s and cell_m above 0; got {bands_agl_m}, {dwell_s}.")
    east, north = _cells(place, cell_m, extent_enu_m)
    asked = (quarry, weather, health_factors(place, health))
    ground = _ways(place, east, north, cell_m, SPEED_MPS * dwell_s)
    shape = (len(table.sensor_id), len(bands_agl_m), len(north), len(east))
    look = np.zeros(shape, dtype=np.float32)
    noticed, tracked = np.zeros(shape[1:], dtype=np.float32), np.zeros(shape[1:], dtype=np.float32)
    for band, (low, high) in enumerate(bands_agl_m):
        for step in range(HEIGHTS):
            height = low + (high - low) * (step + 0.5) / HEIGHTS
            points = ground + np.array([0.0, 0.0, height])
            ways = look_chances(place, table, points, *asked).reshape(shape[0], -1, STEPS)
            both = dwell_chances(table, ways, dwell_s)
            look[:, band] += ways.reshape(shape[0], *shape[2:], -1).mean(axis=3) / HEIGHTS
            noticed[band] += both[0].reshape(*shape[2:], WAYS).mean(axis=2) / HEIGHTS
            tracked[band] += both[1].reshape(*shape[2:], WAYS).mean(axis=2) / HEIGHTS
    return Coverage(
        bands_agl_m=tuple((float(low), float(high)) for low, high in bands_agl_m),
        east_m=frozen_array(east, np.float64),
        north_m=frozen_array(north, np.float64),
        cell_m=cell_m,
        dwell_s=dwell_s,
        quarry=quarry,
        weather=weather,
        sensor_id=table.sensor_id,
        look=frozen_array(look, np.float32),
        noticed=frozen_array(noticed, np.float32),
        tracked=frozen_array(tracked, np.float32),
    )


def quarry_of(place: Place) -> Quarry:
    """The target the site's coverage map speaks of."""
    settings = place.site.coverage
    name = f"radio-silent target of {settings.rcs_dbsm:g} dBsm, heard to {settings.acoustic_range_m:g} m"
    return Quarry(name=name, rcs_dbsm=settings.rcs_dbsm, acoustic_range_m=settings.acoustic_range_m)


def weather_of(place: Place) -> Weather:
    """The weather the site file states; None fields are unknown."""
    site = place.site
    return Weather(
        rain_mm_per_h=site.coverage.rain_mm_per_h,
        visibility_m=site.coverage.visibility_m,
        wind_mps=site.wind.speed_mps,
        noise_db=site.coverage.noise_db,
    )


def health_factors(place: Place, health: Mapping[str, SensorHealth] | None) -> dict[str, float] | None:
    """Share of each sensor's chance that its health leaves; None in, None out (planning: all work)."""
    return None if health is None else {s.id: health_factor(health.get(s.id)) for s in place.site.sensors}


def look_chances(
    place: Place,
    table: SensorTable,
    points_enu_m: FloatArray,
    quarry: Quarry,
    weather: Weather,
    factors: Mapping[str, float] | None = None,
) -> FloatArray:
    """Chance of one look of every sensor at points [N, 3] → [S, N].

    ``factors`` (``health_factors``) is what each sensor's health leaves of it; None: all work; not named: none.
    """
    out = np.zeros((len(table.sensor_id), len(points_enu_m)))
    for row, sensor in enumerate(place.site.sensors):
        factor = 1.0 if factors is None else factors.get(sensor.id, 0.0)
        if factor > 0 and listens(sensor, quarry):
            out[row] = factor * look_chance(sensor, table, row, points_enu_m, quarry, weather)
    return out


def _cells(
    place: Place, cell_m: float, extent_enu_m: tuple[float, float, float, float] | None
) -> tuple[FloatArray, FloatArray]:
    """Centres of the cells, east [nx] and north [ny]."""
    if extent_enu_m is None:
        extent_enu_m = place.terrain.extent_enu_m
    west, south, east, north = extent_enu_m
    if not (east > west and north > south):
        raise ValueError(f"The extent {extent_enu_m} is empty; give west < east and south < north, metres ENU.")
    count = [max(1, int((high - low) // cell_m)) for low, high in ((west, east), (south, north))]
    centres = [(np.arange(n, dtype=np.float64) + 0.5) * cell_m for n in count]
    return np.asarray(west + centres[0], dtype=np.float64), np.asarray(south + centres[1], dtype=np.float64)


def _ways(place: Place, east: FloatArray, north: FloatArray, cell_m: float, length_m: float) -> FloatArray:
    """Places on the ground of the ways through each cell [ny * nx * WAYS * STEPS, 3], ENU metres."""
    number = np.arange(WAYS)
    # A lattice without rows (Roberts' R2) spreads the middles of the ways over the cell; headings go round the half.
    offset = (np.outer(number + 0.5, (0.7548776662, 0.5698402910)) % 1.0 - 0.5) * cell_m
    heading = np.pi * (number * 3 % WAYS + 0.5) / WAYS
    along = ((np.arange(STEPS) + 0.5) / STEPS - 0.5) * length_m
    shape = (len(north), len(east), WAYS, STEPS)
    x = np.broadcast_to(east[:, None, None] + offset[:, :1] + np.sin(heading)[:, None] * along, shape).ravel()
    y = np.broadcast_to(north[:, None, None, None] + offset[:, 1:] + np.cos(heading)[:, None] * along, shape).ravel()
    return np.column_stack([x, y, place.terrain.ground_up_m(x, y)])
