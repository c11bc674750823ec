"""A small proving ground for tracker tests: sensor tables, scans, and the textbook filter to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np

from araz.vocabulary import MeasurementKind, Scan, SensorTable

T0 = 1_700_000_000_000_000
POLAR, BEARING, POSITION = MeasurementKind.POLAR, MeasurementKind.BEARING, MeasurementKind.POSITION


def table(*sensors: dict[str, Any], raster: np.ndarray | None = None, cell_m: float = 100.0) -> SensorTable:
    """A sensor table of the given rows; ``raster`` [ny, nx] is what every sensor sees over, centred on the site."""
    count = len(sensors)

    def column(name: str, default: float) -> np.ndarray:
        return np.array([row.get(name, default) for row in sensors], float)

    lowest = np.full((1, 1), -np.inf, np.float32) if raster is None else raster.astype(np.float32)
    ny, nx = lowest.shape
    return SensorTable(
        sensor_id=tuple(f"s{i}" for i in range(count)),
        kind=np.array([row.get("kind", POSITION) for row in sensors], np.int64),
        origin_enu_m=np.array([row.get("origin", (0.0, 0.0, 0.0)) for row in sensors], float),
        sigma=np.array([row.get("sigma", (10.0, 10.0, 10.0, np.nan)) for row in sensors], float),
        detection_probability=column("pd", 0.9),
        clutter_per_scan=column("clutter", 1.0),
        max_range_m=column("range_m", 20_000.0),
        min_elevation_rad=column("low", -np.pi / 2),
        max_elevation_rad=column("high", np.pi / 2),
        period_s=column("period", 1.0),
        is_people=np.array([row.get("people", False) for row in sensors], bool),
        is_claim=np.array([row.get("claims", False) for row in sensors], bool),
        visible_above_m=np.repeat(lowest[None], count, axis=0),
        raster_east_m=-(nx - 1) / 2 * cell_m,
        raster_north_m=-(ny - 1) / 2 * cell_m,
        cell_m=cell_m,
    )


def scan(
    sensors: SensorTable,
    s: int,
    at_s: float,
    z: Any = (),
    *,
    kind: MeasurementKind | None = None,
    complete: bool = True,
    keys: Any = None,
    back_s: Any = 0.0,
    velocity: Any = None,
    origin: Any = None,
    rcs: float = np.nan,
    sector: tuple[float, float] | None = None,
) -> Scan:
    """A scan of sensor ``s`` ending ``at_s`` seconds after T0; rows of ``z`` may be shorter than four."""
    rows = [list(row) + [np.nan] * (4 - len(row)) for row in z]
    count = len(rows)
    at = T0 + round(at_s * 1e6)
    return Scan(
        sensor_index=s,
        kind=MeasurementKind(int(sensors.kind[s])) if kind is None else kind,
        at_us_end=at,
        is_complete=complete,
        at_us=at - np.round(np.broadcast_to(back_s, count) * 1e6).astype(np.int64),
        z=np.array(rows, float).reshape(count, 4),
        sigma=np.tile(sensors.sigma[s], (count, 1)),
        origin_enu_m=np.tile(sensors.origin_enu_m[s] if origin is None else origin, (count, 1)).astype(float),
        velocity_enu_mps=np.full((count, 3), np.nan)
        if velocity is None
        else np.array(velocity, float).reshape(count, 3),
        claim_key=np.zeros(count, np.int64) if keys is None else np.array(keys, np.int64),
        rcs_dbsm=np.full(count, rcs),
        message_seq=np.arange(count, dtype=np.int64),
        sector_rad=sector,
    )


def polar_of(position: Any, velocity: Any = (0.0, 0.0, 0.0), origin: Any = (0.0, 0.0, 0.0)) -> np.ndarray:
    """Range, compass azimuth, elevation and range rate, written without the tracker."""
    d = np.asarray(position, float) - np.asarray(origin, float)
    r = np.linalg.norm(d)
    azimuth = np.arctan2(d[0], d[1]) % (2 * np.pi)
    return np.array([r, azimuth, np.arcsin(d[2] / r), d @ np.asarray(velocity, float) / r])


def transition(dt: float, q_horizontal: float, q_vertical: float) -> tuple[np.ndarray, np.ndarray]:
    """Textbook constant-velocity F and Q in the order east, north, up, v_east, v_north, v_up."""
    f = np.eye(6)
    f[:3, 3:] = dt * np.eye(3)
    q = np.diag([q_horizontal, q_horizontal, q_vertical])
    noise = np.block([[q * dt**3 / 3, q * dt**2 / 2], [q * dt**2 / 2, q * dt]])
    return f, noise
