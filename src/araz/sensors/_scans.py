"""Observations into scans: what one sensor saw in one look, as arrays, with both ends of the look known.

A look ends at the sensor's own mark (north crossing, end of frame); a sensor that sends no marks is given one when
the next look begins or a quarter of its period passes in silence. A slow turn is cut into sectors as its plots come.
Bearings, claims and reports do not wait.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np

from araz.geography import LocalFrame, turn_direction
from araz.sensors._models import KIND, default_sigma, sound_speed_mps
from araz.sensors._turns import Beam, cut_at, is_short, marked, may_cut, sector_between, watched
from araz.vocabulary import (
    Bearing,
    Claim,
    ClaimKind,
    Decoded,
    FloatArray,
    MeasurementKind,
    Observation,
    Polar,
    Position,
    ReportKind,
    Scan,
    ScanMark,
    Sensor,
    SensorKind,
    Site,
    frozen_array,
)

#: Rows of one scan: a sensor that floods must not stop the others. A drone radar gives tens.
MAX_ROWS: Final = 4096
#: Pressure altitude used as a height is off by the day's pressure (8 m/hPa, ±15 hPa).
BARO_SIGMA_M: Final = 120.0
EARTH_RADIUS_M: Final = 6_371_000.0
DEGREE: Final = np.pi / 180.0

_NAMESPACE: Final = {
    ClaimKind.ADSB: "icao",
    ClaimKind.MODE_S: "icao",
    ClaimKind.REMOTE_ID: "uas",
    ClaimKind.DRONE_ID: "uas",
}


@lru_cache(maxsize=8192)
def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1 or 1


def claim_key(claim: Claim | None) -> int:
    """Return a stable 63-bit key, equal for equal identities; 0 for none.

    ADS-B and Mode S share the ICAO address; Remote ID and DroneID the serial number. The number another system
    gave its own track or object names nothing in the world and has key 0.
    """
    if claim is None or claim.kind not in _NAMESPACE:
        return 0
    return _key(f"{_NAMESPACE[claim.kind]}:{claim.identity}")


class _Look(msgspec.Struct, frozen=True):
    """The look of one sensor that has not ended: its rows, and when the first and the last arrived."""

    rows: tuple[Observation, ...] = ()
    first_observed_us: int = 0
    last_received_us: int = 0
    has_marks: bool = False
    dropped: int = 0
    beam: Beam = Beam()


class ScansState(msgspec.Struct, frozen=True):
    """Unfinished looks by sensor; sensors in the order of the site file."""

    sensors: Mapping[str, tuple[int, Sensor]]
    frame: LocalFrame
    undulation_m: float
    origins: FloatArray
    origins_hae_m: FloatArray
    axes: FloatArray
    """Turn a sensor's directions [S, 3, 3] into the site's: its north and its horizon are not ours, 0.1° at 15 km."""
    looks: Mapping[str, _Look]
    sound_mps: float = 340.3
    dropped_rows: int = 0


def scans_init(site: Site, frame: LocalFrame, origins_enu_m: FloatArray) -> ScansState:
    """Return the state before the first message; ``origins_enu_m`` [S, 3] as in ``sensor_origins``."""
    count = len(origins_enu_m)
    latitude, longitude, height = frame.to_geodetic(origins_enu_m) if count else (np.zeros(0),) * 3
    return ScansState(
        sensors={sensor.id: (index, sensor) for index, sensor in enumerate(site.sensors)},
        frame=frame,
        undulation_m=site.geoid_undulation_m,
        origins=origins_enu_m,
        origins_hae_m=height,
        axes=np.array([frame.local_axes(*place) for place in zip(latitude, longitude, strict=True)]).reshape(-1, 3, 3),
        looks={},
        sound_mps=sound_speed_mps(site.air_temperature_c),
    )


def scans_step(
    state: ScansState,
    decoded: Sequence[Decoded],
    now_us: int,
    clock_offset_us: Mapping[str, int] | None = None,
    only: frozenset[str] | None = None,
) -> tuple[ScansState, list[Scan]]:
    """Add what was decoded, and return the looks that ended by ``now_us``; with ``only``, looks of those sensors.

    ``clock_offset_us`` by sensor is added to its observation times (received minus observed, where a sensor's clock is
    known to be wrong). Observation times never lie after the arrival.
    """
    offsets = clock_offset_us or {}
    looks = dict(state.looks)
    scans: list[Scan] = []
    heard: dict[str, None] = {}
    for item in decoded:
        if isinstance(item, Observation):
            if item.measurement is not None and item.sensor_id in state.sensors:
                _add(state, looks, scans, _on_time(item, offsets.get(item.sensor_id, 0)))
                heard[item.sensor_id] = None
        elif isinstance(item, ScanMark) and item.sensor_id in state.sensors:
            _mark(state, looks, scans, item, offsets.get(item.sensor_id, 0))
    _cut(state, looks, scans, heard)
    _overdue(state, looks, scans, now_us, only)
    return msgspec.structs.replace(state, looks=looks), scans


def _on_time(item: Observation, offset_us: int) -> Observation:
    at_us = min(item.observed_at_us + offset_us, item.received_at_us)
    return item if at_us == item.observed_at_us else msgspec.structs.replace(item, observed_at_us=at_us)


def _waits(sensor: Sensor) -> bool:
    """True for sensors whose looks have an end; the others' observations go on at once."""
    return sensor.kind == SensorKind.RADAR


def _add(state: ScansState, looks: dict[str, _Look], scans: list[Scan], item: Observation) -> None:
    index, sensor = state.sensors[item.sensor_id]
    if not _waits(sensor):
        scans.extend(_scans_of(state, index, sensor, (item,), item.observed_at_us, is_complete=False))
        return
    look = looks.get(item.sensor_id, _Look())
    new_look = look.rows and item.observed_at_us - look.first_observed_us > 0.5e6 * sensor.period_s
    if new_look and not look.has_marks:
        scans.extend(_scans_of(state, index, sensor, look.rows, look.rows[-1].observed_at_us, is_complete=True))
        look = msgspec.structs.replace(look, rows=())
    if len(look.rows) >= MAX_ROWS:
        looks[item.sensor_id] = msgspec.structs.replace(look, dropped=look.dropped + 1)
        return
    first_us = look.first_observed_us if look.rows else item.observed_at_us
    looks[item.sensor_id] = msgspec.structs.replace(
        look,
        rows=(*look.rows, item),
        first_observed_us=first_us,
        last_received_us=item.received_at_us,
        beam=watched(look.beam, sensor, item),
    )


def _cut(state: ScansState, looks: dict[str, _Look], scans: list[Scan], heard: Iterable[str]) -> None:
    """Tell the part of a turn that the beam has passed, up to the newest plot."""
    for sensor_id in heard:
        look = looks.get(sensor_id)
        index, sensor = state.sensors[sensor_id]
        if look is None or not look.rows or not may_cut(sensor):
            continue
        newest = max(look.rows, key=lambda row: row.observed_at_us)
        after = cut_at(look.beam, sensor, newest, float(default_sigma(sensor)[1]))
        if after is not None:
            looks[sensor_id] = _told(state, scans, index, sensor, look, after, newest.observed_at_us)


def _told(
    state: ScansState, scans: list[Scan], index: int, sensor: Sensor, look: _Look, after: Beam, at_us: int
) -> _Look:
    """Tell what was seen since the last cut, and return the look that begins."""
    sector, is_known = sector_between(look.beam, after, sensor)
    if sector is not None:
        from_rad, to_rad = turn_direction(state.axes[index], np.array(sector), np.zeros(2))[0].tolist()
        sector = from_rad, to_rad
    scans.extend(_scans_of(state, index, sensor, look.rows, at_us, is_complete=is_known, sector_rad=sector))
    return msgspec.structs.replace(look, rows=(), beam=after)


def _mark(state: ScansState, looks: dict[str, _Look], scans: list[Scan], mark: ScanMark, offset_us: int) -> None:
    """End a look at the sensor's mark.

    A sector mark of a rotating radar does not end it: its plots trail the beam by a sector or more, so the
    look is the whole turn, from north to north.
    """
    index, sensor = state.sensors[mark.sensor_id]
    look = looks.get(mark.sensor_id, _Look())
    if mark.sector_from_deg is None:
        north_us = min(mark.observed_at_us + offset_us, mark.received_at_us)
        at_us = max([north_us, *(row.observed_at_us for row in look.rows)])
        is_cut = bool(look.rows) or not is_short(look.beam, sensor, north_us)
        after = marked(look.beam, north_us, is_cut=is_cut)
        look = (
            _told(state, scans, index, sensor, look, after, at_us)
            if is_cut
            else msgspec.structs.replace(look, beam=after)
        )
    looks[mark.sensor_id] = msgspec.structs.replace(look, has_marks=True)


def _overdue(
    state: ScansState, looks: dict[str, _Look], scans: list[Scan], now_us: int, only: frozenset[str] | None
) -> None:
    """End looks that nothing will end: a quarter period of silence, or a lost mark."""
    for sensor_id, look in looks.items():
        if not look.rows or (only is not None and sensor_id not in only):
            continue
        index, sensor = state.sensors[sensor_id]
        silence_s = (1.2 if look.has_marks else 0.25) * sensor.period_s
        if now_us - look.last_received_us > 1e6 * silence_s:
            at_us = max(row.observed_at_us for row in look.rows)
            scans.extend(_scans_of(state, index, sensor, look.rows, at_us, is_complete=True))
            looks[sensor_id] = msgspec.structs.replace(look, rows=())


def _scans_of(
    state: ScansState,
    index: int,
    sensor: Sensor,
    rows: Sequence[Observation],
    at_us: int,
    *,
    is_complete: bool,
    sector_rad: tuple[float, float] | None = None,
) -> list[Scan]:
    """Return one scan per kind of measurement in ``rows``; an empty complete look is one empty scan."""
    by_kind: dict[MeasurementKind, list[Observation]] = {}
    for row in rows:
        kind = MeasurementKind.POSITION
        if isinstance(row.measurement, Polar):
            kind = MeasurementKind.POLAR
        elif isinstance(row.measurement, Bearing):
            kind = MeasurementKind.BEARING
        by_kind.setdefault(kind, []).append(row)
    if not by_kind and is_complete:
        by_kind[KIND[sensor.kind]] = []
    part = (at_us, is_complete, sector_rad)
    return [_scan(state, index, sensor, kind, group, part) for kind, group in by_kind.items()]


def _scan(
    state: ScansState,
    index: int,
    sensor: Sensor,
    kind: MeasurementKind,
    rows: Sequence[Observation],
    part: tuple[int, bool, tuple[float, float] | None],
) -> Scan:
    count = len(rows)
    z, sigma, origin, velocity = (np.full((count, width), np.nan) for width in (4, 4, 3, 3))
    sigma[:], origin[:] = default_sigma(sensor), state.origins[index]
    if kind == MeasurementKind.POLAR:
        _fill_polar(rows, z, sigma, float(state.origins_hae_m[index]) - state.undulation_m)
        z[:, 1], z[:, 2] = turn_direction(state.axes[index], z[:, 1], z[:, 2])
    elif kind == MeasurementKind.BEARING:
        _fill_bearing(state, index, rows, z, sigma, origin)
    elif count:
        _fill_position(state, rows, z, sigma, velocity)
    rcs = [None if row.features is None else row.features.rcs_dbsm for row in rows]
    keys = [claim_key(row.claim) for row in rows]
    return Scan(
        sensor_index=index,
        kind=kind,
        at_us_end=part[0],
        is_complete=part[1],
        sector_rad=part[2],
        at_us=frozen_array([row.observed_at_us for row in rows], np.int64),
        z=frozen_array(z, np.float64),
        sigma=frozen_array(sigma, np.float64),
        origin_enu_m=frozen_array(origin, np.float64),
        velocity_enu_mps=frozen_array(velocity, np.float64),
        claim_key=frozen_array(keys, np.int64),
        rcs_dbsm=frozen_array(rcs, np.float64),
        message_seq=frozen_array([row.message_seq for row in rows], np.int64),
        propagation_mps=_propagation(state, sensor, kind, rows),
    )


def _propagation(
    state: ScansState, sensor: Sensor, kind: MeasurementKind, rows: Sequence[Observation]
) -> FloatArray | None:
    """Return how fast what was noticed travelled [K], infinite for radio and light; None when all was at once."""
    if kind != MeasurementKind.BEARING:
        return None
    is_ear = sensor.kind == SensorKind.ACOUSTIC
    heard = [is_ear or (row.report is not None and row.report.kind == ReportKind.HEARD) for row in rows]
    if not any(heard):
        return None
    speed_mps: FloatArray = frozen_array(np.where(heard, state.sound_mps, np.inf), np.float64)
    return speed_mps


def _column(values: Sequence[float | None]) -> FloatArray:
    """Return the values as an array, NaN where unknown."""
    return np.array(values, dtype=np.float64)


def _keep_known(column: FloatArray, values: Sequence[float | None], unit: float = 1.0) -> None:
    """Overwrite the sensor's default where the message states its own value, in ``unit``."""
    if values.count(None) == len(values):
        return
    stated = _column(values)
    np.copyto(column, stated * unit, where=~np.isnan(stated))


def _fill_polar(rows: Sequence[Observation], z: FloatArray, sigma: FloatArray, sensor_amsl_m: float) -> None:
    """Fill polar columns; a height in place of an elevation becomes the angle at which it is seen.

    sin(elevation) = (height - sensor height) / range - range / (2 R), R = 6,371 km the earth's radius; NaN when no
    such angle exists (a height further above the sensor than the range allows).
    """
    plots = [row.measurement for row in rows if isinstance(row.measurement, Polar)]
    z[:, 0] = [plot.range_m for plot in plots]
    z[:, 1] = np.radians([plot.azimuth_deg for plot in plots])
    z[:, 2] = np.radians(_column([plot.elevation_deg for plot in plots]))
    height_m = _column([plot.altitude_amsl_m for plot in plots]) - sensor_amsl_m
    sine = height_m / np.maximum(z[:, 0], 1.0) - z[:, 0] / (2.0 * EARTH_RADIUS_M)
    angle = np.arcsin(np.where(np.abs(sine) < 1.0, sine, np.nan))
    z[:, 2] = np.where(np.isnan(z[:, 2]), angle, z[:, 2])
    z[:, 3] = [plot.range_rate_mps for plot in plots]
    _keep_known(sigma[:, 0], [plot.range_sigma_m for plot in plots])
    _keep_known(sigma[:, 1], [plot.azimuth_sigma_deg for plot in plots], DEGREE)
    _keep_known(sigma[:, 2], [plot.elevation_sigma_deg for plot in plots], DEGREE)
    _keep_known(sigma[:, 3], [plot.range_rate_sigma_mps for plot in plots])


def _fill_bearing(
    state: ScansState, index: int, rows: Sequence[Observation], z: FloatArray, sigma: FloatArray, origin: FloatArray
) -> None:
    bearings = [row.measurement for row in rows if isinstance(row.measurement, Bearing)]
    axes = np.repeat(state.axes[index][None], len(rows), axis=0)
    for k, bearing in enumerate(bearings):
        if bearing.latitude_deg is not None and bearing.longitude_deg is not None:
            at = state.frame.to_enu(bearing.latitude_deg, bearing.longitude_deg, 0.0).reshape(3)
            origin[k, :2] = at[:2]
            axes[k] = state.frame.local_axes(bearing.latitude_deg, bearing.longitude_deg)
    azimuth_deg, elevation_deg = [b.azimuth_deg for b in bearings], _column([b.elevation_deg for b in bearings])
    z[:, 0], z[:, 1] = turn_direction(axes, np.radians(azimuth_deg), np.radians(elevation_deg))
    _keep_known(sigma[:, 0], [b.azimuth_sigma_deg for b in bearings], DEGREE)
    _keep_known(sigma[:, 1], [b.elevation_sigma_deg for b in bearings], DEGREE)


def _fill_position(
    state: ScansState, rows: Sequence[Observation], z: FloatArray, sigma: FloatArray, velocity: FloatArray
) -> None:
    places = [row.measurement for row in rows if isinstance(row.measurement, Position)]
    height = np.array([_height_hae_m(place, state.undulation_m) for place in places])
    z[:, :3] = state.frame.to_enu(
        np.array([p.latitude_deg for p in places]),
        np.array([p.longitude_deg for p in places]),
        np.where(np.isnan(height), 0.0, height),
    )
    z[np.isnan(height), 2] = np.nan
    baro_only = np.array(
        [p.altitude_hae_m is None and p.altitude_amsl_m is None and p.altitude_baro_m is not None for p in places]
    )
    sigma[baro_only, 2] = BARO_SIGMA_M
    _keep_known(sigma[:, 0], [p.horizontal_sigma_m for p in places])
    _keep_known(sigma[:, 1], [p.horizontal_sigma_m for p in places])
    _keep_known(sigma[:, 2], [p.vertical_sigma_m for p in places])
    course = np.radians(_column([p.course_deg for p in places]))
    speed = _column([p.speed_mps for p in places])
    velocity[:, 0], velocity[:, 1] = speed * np.sin(course), speed * np.cos(course)
    velocity[:, 2] = [p.climb_mps for p in places]


def _height_hae_m(place: Position, undulation_m: float) -> float:
    """Return the best height above the ellipsoid, NaN when none was sent; pressure altitude is the last resort."""
    if place.altitude_hae_m is not None:
        return place.altitude_hae_m
    if place.altitude_amsl_m is not None:
        return place.altitude_amsl_m + undulation_m
    if place.altitude_baro_m is not None:
        return place.altitude_baro_m + undulation_m
    return np.nan
