"""How Stone Soup's measurement models become rows of the sensor table and columns of a scan.

===============================  =======================================  ====================================
Stone Soup's model               its measurement                          ours
===============================  =======================================  ====================================
LinearGaussian                   x, y (, z)                               POSITION: east, north (, up)
CartesianToBearingRange          bearing, range                           POLAR: range, azimuth = π/2 − bearing
CartesianToElevationBearingRange elevation, bearing, range                POLAR, with elevation
…RangeRate                       elevation, bearing, range, range rate    POLAR, with both
===============================  =======================================  ====================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from araz.vocabulary import FloatArray, MeasurementKind, SensorTable

COLUMNS: Final = {
    "LinearGaussian": (MeasurementKind.POSITION, (0, 1, 2)),
    "CartesianToBearingRange": (MeasurementKind.POLAR, (1, 0)),
    "CartesianToElevationBearingRange": (MeasurementKind.POLAR, (2, 1, 0)),
    "CartesianToElevationBearingRangeRate": (MeasurementKind.POLAR, (2, 1, 0, 3)),
}
"""By name of the model: our kind, and for each element of its measurement the column of ours."""


def kind_of(model: Any) -> tuple[MeasurementKind, tuple[int, ...]]:
    name = type(model).__name__
    if name not in COLUMNS:
        raise ValueError(f"{name} is not a model this adapter takes; give one of {', '.join(COLUMNS)}")
    return COLUMNS[name]


def measured(model: Any, vector: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Our columns [4] and their standard deviations [4] of one measurement."""
    kind, columns = kind_of(model)
    cov = np.asarray(model.covar(), np.float64)
    if np.any(cov != np.diag(np.diag(cov))):
        raise ValueError(f"{type(model).__name__} has correlated errors; Araz takes a diagonal noise_covar")
    z, sigma = np.full(4, np.nan), np.full(4, np.nan)
    rows = list(columns[: len(vector)])
    z[rows], sigma[rows] = vector, np.sqrt(np.diag(cov))
    if kind == MeasurementKind.POLAR:
        z[1] = np.pi / 2 - z[1]
    return z, sigma


def place(model: Any, otherwise: FloatArray) -> FloatArray:
    """Where the sensor stood [3]; a model of the plane stands at height 0."""
    offset = getattr(model, "translation_offset", None)
    if offset is None:
        return otherwise
    flat = np.ravel(np.asarray(offset, np.float64))
    return np.append(flat, np.zeros(3 - len(flat)))


def sensor_of(models: list[Any], detection: Any) -> int:
    """The row of the sensor that made a detection: its very model, one at the same place, or the only one."""
    model = detection.measurement_model
    if model is None and len(models) == 1:
        return 0
    same = [row for row, known in enumerate(models) if known is model]
    alike = [row for row, known in enumerate(models) if type(known) is type(model)]
    here = [row for row in alike if np.array_equal(place(models[row], np.zeros(3)), place(model, np.zeros(3)))]
    for rows in (same, here, alike):
        if len(rows) == 1:
            return rows[0]
    raise ValueError(
        f"a detection's measurement_model {type(model).__name__} cannot be matched to one of the {len(models)} given; "
        "set it on the detection to the very object given to stone_soup_tracker"
    )


def state_order(position: tuple[int, ...], velocity: tuple[int, ...], models: list[Any]) -> list[int]:
    """For each element of Stone Soup's state vector the element of ours (east, north, up, then their rates)."""
    width = 2 * len(position)
    if len(position) not in (2, 3) or sorted(position + velocity) != list(range(width)):
        raise ValueError(
            f"position mapping {position} and velocity mapping {velocity} do not fill a state of {width}; "
            "Araz estimates position and velocity in two or three dimensions"
        )
    for model in models:
        if tuple(getattr(model, "velocity_mapping", velocity)) != velocity:
            raise ValueError(f"a model's velocity_mapping {model.velocity_mapping} is not {velocity}; make them agree")
        if tuple(model.mapping)[: len(position)] != position or model.ndim_state != width:
            raise ValueError("all measurement models must have one mapping and one ndim_state; make them agree")
        if np.any(np.asarray(getattr(model, "rotation_offset", 0.0), np.float64) != 0.0):
            raise ValueError("a rotated sensor (rotation_offset) is not supported; rotate its measurements first")
        if np.any(np.asarray(getattr(model, "velocity", 0.0), np.float64) != 0.0):
            raise ValueError("a sensor with a velocity is not supported; take its part out of the range rate first")
    order = [0] * width
    for axis, (p, v) in enumerate(zip(position, velocity, strict=True)):
        order[p], order[v] = axis, axis + 3
    return order


def table_of(
    models: list[Any],
    detection_probability: float,
    clutter_per_scan: float,
    max_range_m: float,
    centre: Sequence[float],
) -> SensorTable:
    """One row a model, over open ground."""
    if not models:
        raise ValueError("measurement_model is an empty list; give the model of each sensor")
    if not (0 < detection_probability <= 1 and 0 <= clutter_per_scan < np.inf and 0 < max_range_m < np.inf):
        raise ValueError(
            f"detection_probability {detection_probability}, clutter_per_scan {clutter_per_scan} and max_range_m "
            f"{max_range_m} must be a probability above 0, a count and a positive distance"
        )
    one = np.ones(len(models))
    return SensorTable(
        sensor_id=tuple(f"sensor-{row}" for row in range(len(models))),
        kind=np.array([kind_of(model)[0] for model in models], np.int64),
        origin_enu_m=np.array([place(model, np.asarray(centre, np.float64)) for model in models]),
        sigma=np.full((len(models), 4), np.nan),
        detection_probability=one * detection_probability,
        clutter_per_scan=one * clutter_per_scan,
        max_range_m=one * max_range_m,
        min_elevation_rad=one * -np.pi / 2,
        max_elevation_rad=one * np.pi / 2,
        period_s=one,
        is_people=np.zeros(len(models), bool),
        is_claim=np.zeros(len(models), bool),
        visible_above_m=np.full((len(models), 1, 1), -np.inf, np.float32),
        raster_east_m=0.0,
        raster_north_m=0.0,
        cell_m=1.0,
    )
