"""The hot path: a scan and a picture are records of arrays, one row a detection or a track."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def frozen_array(values: Any, dtype: Any) -> Any:
    """A read-only, C-ordered array of ``dtype``; copies only when it must.

    Fails with the numpy error when ``values`` cannot be converted. A writable array handed in is copied,
    so that nobody keeps a back door into a frozen record.
    """
    array = np.ascontiguousarray(values, dtype=dtype)
    if array.flags.writeable:
        array = array.copy() if array is values or array.base is not None else array
        array.flags.writeable = False
    return array


class MeasurementKind(IntEnum):
    """Which columns of ``Scan.z`` mean what."""

    POLAR = 0
    BEARING = 1
    POSITION = 2


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What one sensor saw up to one mark: K detections of one kind, as arrays.

    =========  ==============================================================================
    kind       columns of ``z`` and ``sigma`` [K, 4], NaN where unknown
    =========  ==============================================================================
    POLAR      range_m, azimuth_rad (clockwise from true north), elevation_rad, range_rate_mps
    BEARING    azimuth_rad, elevation_rad, NaN, NaN
    POSITION   east_m, north_m, up_m, NaN (velocity in ``velocity_enu_mps``)
    =========  ==============================================================================

    **Frame** ENU at the site origin; polar and bearing angles are taken in the site's ENU axes at
    ``origin_enu_m`` (the sensor, or the person who moved) [K, 3]. **Shapes** ``at_us`` [K] observation times;
    ``claim_key`` [K], 0 when nothing is claimed, else equal for equal claims; ``message_seq`` [K] the journal entry.
    ``sector_rad`` is (from, to) clockwise, or None for the sensor's whole field of view. A scan with K = 0 is
    meaningful when ``is_complete``: the sensor looked and saw nothing.

    ``propagation_mps`` [K] is how fast what was detected travelled: for sound about 343 m/s, so that a bearing taken at
    t shows where the target was at t - r/c. None, NaN or infinite: at once (radio, light).
    """

    sensor_index: int
    kind: MeasurementKind
    at_us_end: int
    is_complete: bool
    at_us: IntArray
    z: FloatArray
    sigma: FloatArray
    origin_enu_m: FloatArray
    velocity_enu_mps: FloatArray
    claim_key: IntArray
    rcs_dbsm: FloatArray
    message_seq: IntArray
    sector_rad: tuple[float, float] | None = None
    propagation_mps: FloatArray | None = None


class TrackClass(IntEnum):
    """Columns of the class posterior; Unknown first, because it is the default."""

    UNKNOWN = 0
    MULTIROTOR = 1
    FIXED_WING_DRONE = 2
    BIRD = 3
    BALLOON = 4
    MANNED_AIRCRAFT = 5


CLASS_NAMES: Final = ("unknown", "multirotor", "fixed-wing drone", "bird", "balloon", "manned aircraft")


@dataclass(frozen=True, slots=True, eq=False)
class TrackPicture:
    """All tracks at one time, one row each; state order east, north, up, v_east, v_north, v_up.

    **Shapes** N tracks: ``position_enu_m`` [N, 3], ``velocity_enu_mps`` [N, 3], ``covariance`` [N, 6, 6]
    (m, m/s), ``class_probability`` [N, len(TrackClass)]. ``track_id`` is stable for the life of the track and never
    reused. ``sensor_mask`` bit i is set when sensor i has updated the track; ``claim_key`` is 0 or the
    claim the track carries. ``updated_at_us`` is the last observation, ``hidden`` says the last known place is
    masked by terrain from every sensor (lost, not gone). ``habit`` [N, H] is how each track has moved, which
    ``araz.tracking.explain_class`` reads; None where a picture did not come from the tracker.
    """

    at_us: int
    track_id: IntArray
    is_confirmed: BoolArray
    existence: FloatArray
    position_enu_m: FloatArray
    velocity_enu_mps: FloatArray
    covariance: FloatArray
    class_probability: FloatArray
    started_at_us: IntArray
    updated_at_us: IntArray
    update_count: IntArray
    sensor_mask: IntArray
    claim_key: IntArray
    rcs_dbsm: FloatArray
    hidden: BoolArray
    habit: FloatArray | None = None


class TrackChange(IntEnum):
    """Lifecycle of a track."""

    CONFIRMED = 1
    ENDED = 2


@dataclass(frozen=True, slots=True, eq=False)
class TrackEvents:
    """What one tracking step gives: the picture after it, and the changes of lifecycle in it.

    ``changed_id`` [C] and ``change`` [C] (values of TrackChange). ``pair_track_id`` [A], ``pair_row`` [A] (row of
    the scan), ``pair_probability`` [A]: which detections moved which tracks, for evidence and for claims.
    """

    picture: TrackPicture
    changed_id: IntArray
    change: IntArray
    pair_track_id: IntArray
    pair_row: IntArray
    pair_probability: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SensorTable:
    """What the tracker knows of S sensors, one row each, in the order of the site file.

    ``origin_enu_m`` [S, 3]; ``sigma`` [S, 4] default standard deviations in the columns of a Scan of that sensor's
    kind; ``detection_probability`` [S] inside the field of view; ``clutter_per_scan`` [S] mean false plots;
    ``max_range_m`` [S]; ``period_s`` [S]; ``is_people`` [S] and ``is_claim`` [S] mark sensors whose silence is no
    evidence. ``visible_above_m`` [S, ny, nx] is the lowest ENU up coordinate at which sensor s sees over the terrain,
    on a raster whose cell (0, 0) is centred at (``raster_east_m``, ``raster_north_m``), ``cell_m`` apart; a place off
    the raster counts as visible.
    """

    sensor_id: tuple[str, ...]
    kind: IntArray
    origin_enu_m: FloatArray
    sigma: FloatArray
    detection_probability: FloatArray
    clutter_per_scan: FloatArray
    max_range_m: FloatArray
    min_elevation_rad: FloatArray
    max_elevation_rad: FloatArray
    period_s: FloatArray
    is_people: BoolArray
    is_claim: BoolArray
    visible_above_m: NDArray[np.float32]
    raster_east_m: float
    raster_north_m: float
    cell_m: float

    def lowest_seen_m(self, sensor: int, east_m: FloatArray, north_m: FloatArray) -> FloatArray:
        """Lowest up coordinate at which a sensor sees over the terrain at each place [N]; −inf off the raster."""
        raster = self.visible_above_m[sensor]
        column = np.rint((east_m - self.raster_east_m) / self.cell_m).astype(np.int64)
        row = np.rint((north_m - self.raster_north_m) / self.cell_m).astype(np.int64)
        on = (column >= 0) & (column < raster.shape[1]) & (row >= 0) & (row < raster.shape[0])
        lowest = np.full(len(east_m), -np.inf)
        lowest[on] = raster[row[on], column[on]]
        return lowest
