"""One call from arrays of detections to tracks, for those who have a file and not a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from araz.tracking._state import init
from araz.tracking._step import step
from araz.vocabulary import (
    BoolArray,
    FloatArray,
    IntArray,
    MeasurementKind,
    Scan,
    SensorTable,
    TrackClass,
    TrackingSettings,
    TrackPicture,
    frozen_array,
)

START_US: Final = 1_000_000_000_000
"""The tracker's time of the first scan; its own zero means "before the first scan"."""
LONGEST_S: Final = 1e9
ROOM: Final = 1.02
"""A sensor whose range is not given reaches this much beyond its farthest detection."""
COLUMNS: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {
    "track_id": (np.int64, ()),
    "position_enu_m": (np.float64, (3,)),
    "velocity_enu_mps": (np.float64, (3,)),
    "covariance": (np.float64, (6, 6)),
    "existence": (np.float64, ()),
    "class_probability": (np.float64, (len(TrackClass),)),
    "is_confirmed": (np.bool_, ()),
}
"""The columns of a picture that the table takes, and what a row of each is."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackTable:
    """Tracks after each scan, one row a track and scan, in order of time; arrays are read-only.

    **Shapes** M rows: ``time_s`` [M] of the scan, ``track_id`` [M] (stable, never reused), ``position_enu_m`` [M, 3],
    ``velocity_enu_mps`` [M, 3], ``covariance`` [M, 6, 6] (m, m/s; east, north, up, then their rates),
    ``existence`` [M], ``class_probability`` [M, len(TrackClass)], ``is_confirmed`` [M] (sure enough for an alarm: later
    than existence, and never on one or two detections among many false ones).
    """

    time_s: FloatArray
    track_id: IntArray
    position_enu_m: FloatArray
    velocity_enu_mps: FloatArray
    covariance: FloatArray
    existence: FloatArray
    class_probability: FloatArray
    is_confirmed: BoolArray


def track(
    times_s: Any,
    positions_enu_m: Any,
    *,
    sigma_m: Any,
    detection_probability: float,
    clutter_per_scan: float,
    scan_times_s: Any = None,
    sensor_enu_m: Any = None,
    max_range_m: float | None = None,
    min_existence: float = 0.5,
    settings: TrackingSettings | None = None,
) -> TrackTable:
    """Tracks from positions that one sensor measured: the same engine as `init` and `step`, over all scans at once.

    ``times_s`` [K] seconds from any zero, in any order; ``positions_enu_m`` [K, 3] or [K, 2] (height unknown), metres
    east, north, up in one local frame; ``sigma_m`` one standard deviation, one an axis [3], one a detection [K, 1] or
    both [K, 3]. ``clutter_per_scan`` is the mean number of false detections a scan.

    Detections of one time are one scan. ``scan_times_s`` says when scans ended where that is not so: a detection
    belongs to the first scan that ends no earlier, and a scan without any is evidence that nothing was there. The
    sensor covers a disc; by default one around all detections, else ``max_range_m`` around ``sensor_enu_m`` [3]. Rows
    with existence above ``min_existence`` are returned. Theory and sources: docs/tracking.md. Raises ValueError for
    arrays that do not fit each other or numbers outside their range.
    """
    times = _times(times_s)
    z = _columns(positions_enu_m, len(times), "positions_enu_m", (2, 3))
    if not np.isfinite(z[:, :2]).all():
        row = int(np.flatnonzero(~np.isfinite(z[:, :2]).all(axis=1))[0])
        raise ValueError(f"positions_enu_m row {row} has no finite east and north; leave such detections out")
    sigma = np.full((len(times), 4), np.nan)
    sigma[:, :3] = _sigma(sigma_m, len(times), "sigma_m")
    origin = _origin(sensor_enu_m, z)
    reach = float(np.linalg.norm(z[:, :2] - origin[:2], axis=1).max(initial=1.0)) * ROOM
    reach = reach if max_range_m is None else max_range_m
    table = _table(MeasurementKind.POSITION, origin, reach, detection_probability, clutter_per_scan)
    return _run(table, times, z, sigma, scan_times_s, min_existence, settings)


def track_polar(
    times_s: Any,
    range_m: Any,
    azimuth_rad: Any,
    elevation_rad: Any = None,
    range_rate_mps: Any = None,
    *,
    sigma: Any,
    detection_probability: float,
    clutter_per_scan: float,
    scan_times_s: Any = None,
    sensor_enu_m: Any = (0.0, 0.0, 0.0),
    max_range_m: float | None = None,
    min_existence: float = 0.5,
    settings: TrackingSettings | None = None,
) -> TrackTable:
    """Tracks from what one radar at ``sensor_enu_m`` measured: range, azimuth, and more if it has them.

    ``azimuth_rad`` counts clockwise from north, ``elevation_rad`` from the horizon up, ``range_rate_mps`` is negative
    when approaching; each [K], unknown ones None or NaN. ``sigma`` is (range m, azimuth rad, elevation rad, range rate
    m/s), one set [4] or one a detection [K, 4]; NaN or any number where nothing is measured. Else as `track`.
    """
    times = _times(times_s)
    parts = [range_m, azimuth_rad, elevation_rad, range_rate_mps]
    names = ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")
    columns = [_columns(part, len(times), name, (1,))[:, 0] for part, name in zip(parts, names, strict=True)]
    z = np.column_stack(columns)
    bad = ~(np.isfinite(z[:, :2]).all(axis=1) & (z[:, 0] > 0))
    if bad.any():
        raise ValueError(
            f"row {int(np.flatnonzero(bad)[0])} has no positive range_m or no finite azimuth_rad; leave such "
            "detections out (bearings alone go through init and step)"
        )
    errors = _sigma(sigma, len(times), "sigma", width=4, needed=np.isfinite(z))
    reach = float(z[:, 0].max(initial=1.0)) * ROOM if max_range_m is None else max_range_m
    table = _table(MeasurementKind.POLAR, _origin(sensor_enu_m, z), reach, detection_probability, clutter_per_scan)
    return _run(table, times, z, errors, scan_times_s, min_existence, settings)


def _times(times_s: Any) -> FloatArray:
    """Detection times as a vector, refused where one is not a time."""
    times = np.asarray(times_s, np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError(
            f"times_s must be one finite time a detection [K], not an array of shape {times.shape} with gaps"
        )
    if len(times) and float(np.ptp(times)) > LONGEST_S:
        raise ValueError(f"times_s span {float(np.ptp(times)):.3g} s; they must be seconds, not milliseconds or ticks")
    return times


def _columns(values: Any, count: int, name: str, widths: tuple[int, ...]) -> FloatArray:
    """Values as [count, 4], NaN where nothing was given."""
    full = np.full((count, 4), np.nan)
    if values is None:
        return full
    array = np.asarray(values, np.float64)
    array = array[:, None] if array.ndim == 1 and 1 in widths else array
    if array.ndim == 1 and not len(array):
        array = array.reshape(0, widths[-1])
    if array.ndim != 2 or len(array) != count or array.shape[1] not in widths:
        raise ValueError(f"{name} has shape {np.shape(values)}; for {count} times it must be one row a time")
    full[:, : array.shape[1]] = array
    return full


def _sigma(values: Any, count: int, name: str, width: int = 3, needed: Any = None) -> FloatArray:
    """Standard deviations [count, width], positive wherever something was measured."""
    try:
        sigma = np.array(np.broadcast_to(np.asarray(values, np.float64), (count, width)))
    except ValueError:
        raise ValueError(f"{name} has shape {np.shape(values)}; give one row [{width}] or one a detection") from None
    wrong = ~(np.isfinite(sigma) & (sigma > 0)) & (np.ones_like(sigma, bool) if needed is None else needed)
    if wrong.any():
        raise ValueError(
            f"{name} must be a positive standard deviation for all that is measured; it holds {sigma[wrong][0]}"
        )
    return sigma


def _origin(sensor_enu_m: Any, z: FloatArray) -> FloatArray:
    """The sensor's place [3]; without one, the middle of all detections on the plane."""
    if sensor_enu_m is None:
        if not len(z):
            return np.zeros(3)
        return np.append((z[:, :2].min(axis=0) + z[:, :2].max(axis=0)) / 2, 0.0)
    origin = np.asarray(sensor_enu_m, np.float64)
    if origin.shape != (3,) or not np.isfinite(origin).all():
        raise ValueError(f"sensor_enu_m must be east, north, up in metres [3], not {sensor_enu_m!r}")
    return origin


def _table(
    kind: MeasurementKind, origin: FloatArray, reach_m: float, detection_probability: float, clutter_per_scan: float
) -> SensorTable:
    """The one sensor, over open ground."""
    if not 0 < detection_probability <= 1:
        raise ValueError(f"detection_probability is {detection_probability}; give a probability above 0 and at most 1")
    if not 0 <= clutter_per_scan < np.inf:
        raise ValueError(f"clutter_per_scan is {clutter_per_scan}; give the mean number of false detections a scan")
    if not 0 < reach_m < np.inf:
        raise ValueError(f"max_range_m is {reach_m}; give how far the sensor sees, in metres")
    one = np.ones(1)
    return SensorTable(
        sensor_id=("sensor",),
        kind=np.array([kind], np.int64),
        origin_enu_m=origin[None],
        sigma=np.full((1, 4), np.nan),
        detection_probability=one * detection_probability,
        clutter_per_scan=one * clutter_per_scan,
        max_range_m=one * reach_m,
        min_elevation_rad=one * -np.pi / 2,
        max_elevation_rad=one * np.pi / 2,
        period_s=one,
        is_people=np.zeros(1, bool),
        is_claim=np.zeros(1, bool),
        visible_above_m=np.full((1, 1, 1), -np.inf, np.float32),
        raster_east_m=0.0,
        raster_north_m=0.0,
        cell_m=1.0,
    )


def _run(
    table: SensorTable,
    times: FloatArray,
    z: FloatArray,
    sigma: FloatArray,
    scan_times_s: Any,
    min_existence: float,
    settings: TrackingSettings | None,
) -> TrackTable:
    """All scans through the tracker."""
    ends = np.unique(times) if scan_times_s is None else np.unique(_times(scan_times_s))
    whose = np.searchsorted(ends, times)
    if len(times) and int(whose.max()) == len(ends):
        raise ValueError(
            f"a detection at {times.max()} s is later than the last of scan_times_s; add the scan it is of"
        )
    if not len(ends):
        return _gathered([], [])
    period_s = float(np.median(np.diff(ends))) if len(ends) > 1 else 1.0
    table.period_s[:] = period_s
    state = init(table, settings or TrackingSettings())
    order = np.lexsort((times, whose))
    bounds = np.searchsorted(whose[order], np.arange(len(ends) + 1))
    shown: list[dict[str, Any]] = []
    for number, end in enumerate(ends):
        rows = order[bounds[number] : bounds[number + 1]]
        scan = _scan(table, float(end - ends[0]), times[rows] - ends[0], z[rows], sigma[rows], rows)
        state, events = step(state, scan)
        shown.append(_shown(events.picture, min_existence))
    return _gathered([float(end) for end in ends], shown)


def _scan(table: SensorTable, end_s: float, at_s: FloatArray, z: FloatArray, sigma: FloatArray, rows: IntArray) -> Scan:
    """One whole look of the sensor."""
    count = len(z)
    return Scan(
        sensor_index=0,
        kind=MeasurementKind(int(table.kind[0])),
        at_us_end=START_US + round(end_s * 1e6),
        is_complete=True,
        at_us=START_US + np.round(at_s * 1e6).astype(np.int64),
        z=z,
        sigma=sigma,
        origin_enu_m=np.tile(table.origin_enu_m, (count, 1)),
        velocity_enu_mps=np.full((count, 3), np.nan),
        claim_key=np.zeros(count, np.int64),
        rcs_dbsm=np.full(count, np.nan),
        message_seq=rows.astype(np.int64),
    )


def _shown(picture: TrackPicture, min_existence: float) -> dict[str, Any]:
    """The rows of a picture that the table takes, by column; the rest of it is let go, which is most."""
    rows = picture.existence > min_existence
    return {name: getattr(picture, name)[rows] for name in COLUMNS}


def _gathered(times_s: list[float], shown: list[dict[str, Any]]) -> TrackTable:
    """The rows of all pictures under each other."""
    columns = {
        name: frozen_array(np.concatenate([np.zeros((0, *shape)), *(rows[name] for rows in shown)]), kind)
        for name, (kind, shape) in COLUMNS.items()
    }
    times = np.repeat(times_s, [len(rows["track_id"]) for rows in shown])
    return TrackTable(time_s=frozen_array(times, np.float64), **columns)
