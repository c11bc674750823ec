"""Compile every kernel before the first real scan."""

from __future__ import annotations

from typing import Final

import numpy as np

from araz.tracking._picture import predict_picture
from araz.tracking._state import init
from araz.tracking._step import step
from araz.vocabulary import MeasurementKind, Scan, SensorTable, TrackingSettings

START_US: Final = 1_000_000_000_000
STEP_US: Final = 500_000


def warm(sensors: SensorTable, settings: TrackingSettings) -> None:
    """Run a few tiny scans of all three kinds, so that every kernel is compiled and cached.

    Takes about a minute on a machine that never ran it, a second on one that did. Raises ValueError for a sensor table
    that ``init`` refuses.
    """
    state = init(sensors, settings)
    for turn in range(6):
        kind = (MeasurementKind.POSITION, MeasurementKind.POLAR, MeasurementKind.BEARING)[turn % 3]
        state, _ = step(state, _scan(sensors, kind, START_US + turn * STEP_US))
    for later_us in (0, STEP_US):
        predict_picture(state, state.at_us + later_us)


def _scan(sensors: SensorTable, kind: MeasurementKind, at_us: int) -> Scan:
    """Two detections of two targets on the first sensor, one of them with a claim."""
    rows = {
        MeasurementKind.POSITION: [[1000.0, 2000.0, 100.0, np.nan], [-1500.0, 700.0, 80.0, np.nan]],
        MeasurementKind.POLAR: [[2238.0, 0.46, 0.045, 0.0], [1657.0, 5.15, 0.048, 3.0]],
        MeasurementKind.BEARING: [[0.46, 0.045, np.nan, np.nan], [5.15, np.nan, np.nan, np.nan]],
    }[kind]
    sigma = {MeasurementKind.POSITION: 10.0, MeasurementKind.POLAR: 0.02, MeasurementKind.BEARING: 0.02}[kind]
    return Scan(
        sensor_index=0,
        kind=kind,
        at_us_end=at_us,
        is_complete=True,
        at_us=np.array([at_us - 1000, at_us]),
        z=np.array(rows),
        sigma=np.full((2, 4), sigma),
        origin_enu_m=np.tile(sensors.origin_enu_m[0], (2, 1)),
        velocity_enu_mps=np.full((2, 3), np.nan),
        claim_key=np.array([7 if kind == MeasurementKind.POSITION else 0, 0]),
        rcs_dbsm=np.full(2, np.nan),
        message_seq=np.arange(2),
    )
