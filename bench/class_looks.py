"""What the real tracker knows of each trajectory at each look, for fitting and judging classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from class_flights import STEP_S, Piece

from araz.tracking import init, step
from araz.tracking._classify import AGE_S, FEATURE_COUNT, FEATURE_NAMES, NOISE, features_of
from araz.tracking._gauss import unpacked
from araz.vocabulary import FloatArray, IntArray, MeasurementKind, Scan, SensorTable, TrackingSettings

START_US: Final = 1_700_000_000_000_000
SPACING_M: Final = 40_000.0
NEAR_M: Final = 500.0
QUICK: Final = [FEATURE_NAMES.index(name) for name in ("turn rate", "brakes or turns", "acceleration")]


class Radar(NamedTuple):
    """A radar-like sensor: seconds a turn, standard deviations, chance of detection."""

    period_s: float
    plane_m: float
    height_m: float
    chance: float


#: From a good short-range radar to a coarse one far out.
RADARS: Final = (
    Radar(1.0, 8.0, 12.0, 0.9), Radar(2.0, 15.0, 20.0, 0.9), Radar(2.5, 25.0, 40.0, 0.8), Radar(4.0, 20.0, 30.0, 0.9),
    Radar(4.0, 45.0, 60.0, 0.9),
)  # fmt: skip


class Looks(NamedTuple):
    """R looks at all pieces: ``piece`` [R] row of the list, ``radar`` [R], ``feature`` [R, F], ``noise_mps`` [R],
    ``age_s`` [R], ``at_s`` [R] since the piece began; ``simple`` [R, 7] is what the table before this one took: speed,
    climb, height, their variances, and the seconds since the look before (0 where the track is new)."""

    piece: IntArray
    radar: IntArray
    feature: FloatArray
    noise_mps: FloatArray
    age_s: FloatArray
    at_s: FloatArray
    simple: FloatArray


def _sensor(radar: Radar) -> SensorTable:
    one = np.ones(1)
    return SensorTable(
        sensor_id=("radar",),
        kind=np.array([MeasurementKind.POSITION], np.int64),
        origin_enu_m=np.zeros((1, 3)),
        sigma=np.array([[radar.plane_m, radar.plane_m, radar.height_m, np.nan]]),
        detection_probability=radar.chance * one,
        clutter_per_scan=1.0 * one,
        max_range_m=2e6 * one,
        min_elevation_rad=-np.pi / 2 * one,
        max_elevation_rad=np.pi / 2 * one,
        period_s=radar.period_s * one,
        is_people=np.zeros(1, np.bool_),
        is_claim=np.zeros(1, np.bool_),
        visible_above_m=np.full((1, 1, 1), -np.inf, np.float32),
        raster_east_m=0.0,
        raster_north_m=0.0,
        cell_m=100.0,
    )


def watch(pieces: Sequence[Piece], radars: Sequence[Radar] = RADARS, seed: int = 1) -> Looks:
    """Fly all pieces at once, far apart, past each radar in turn, through the real tracker."""
    parts = [
        _watched(pieces, number, radar, np.random.default_rng([seed, number])) for number, radar in enumerate(radars)
    ]
    return Looks(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _watched(pieces: Sequence[Piece], number: int, radar: Radar, rng: np.random.Generator) -> Looks:
    sensor, side = _sensor(radar), int(np.ceil(np.sqrt(len(pieces))))
    home = np.array(
        [[(k % side - side / 2) * SPACING_M, (k // side - side / 2) * SPACING_M, 0.0] for k in range(len(pieces))]
    )
    sigma = np.array([radar.plane_m, radar.plane_m, radar.height_m])
    longest = max(len(piece.position_m) for piece in pieces) * STEP_S
    state, rows, last = init(sensor, TrackingSettings()), [], dict[int, tuple[float, int]]()
    for at_s in np.arange(0.5, longest - 1.0, radar.period_s):
        k = at_s / STEP_S
        alive = np.array([n for n, piece in enumerate(pieces) if k < len(piece.position_m) - 1], np.int64)
        true = np.array([_at(pieces[n], k) for n in alive]) + home[alive]
        seen = rng.random(len(alive)) < radar.chance
        found = true[seen] + rng.standard_normal((int(seen.sum()), 3)) * sigma
        state, events = step(state, _scan(found, sigma, round(START_US + at_s * 1e6)))
        tracks = state.tracks
        mean, cov = unpacked(tracks.belief.gauss)
        shown = np.flatnonzero(tracks.is_confirmed & (tracks.updated_at_us == state.at_us))
        for i in shown:
            gap = np.linalg.norm(true[:, :2] - mean[i, :2], axis=1)
            near = int(np.argmin(gap))
            if gap[near] > NEAR_M:
                continue
            feature, habit = np.zeros(FEATURE_COUNT), events.picture.habit[i]
            features_of(habit, np.nan, feature)
            if pieces[alive[near]].is_coarse:
                feature[QUICK] = np.nan
            before = last.get(int(tracks.track_id[i]))
            since = at_s - before[0] if before is not None else 0.0
            last[int(tracks.track_id[i])] = (at_s, int(alive[near]))
            simple = [
                *mean[i, 3:6],
                mean[i, 2],
                (cov[i, 3, 3] + cov[i, 4, 4]) / 2,
                cov[i, 5, 5],
                cov[i, 2, 2],
                since,
                tracks.track_id[i],
            ]
            rows.append((alive[near], number, feature, np.sqrt(habit[NOISE]), habit[AGE_S], at_s, simple))
    columns = list(zip(*rows, strict=True))
    return Looks(*(np.array(column, np.int64 if n < 2 else np.float64) for n, column in enumerate(columns)))


def _at(piece: Piece, k: float) -> FloatArray:
    low = int(k)
    here, there = piece.position_m[low], piece.position_m[low + 1]
    return np.asarray(here - piece.position_m[0] * [1, 1, 0] + (k - low) * (there - here), np.float64)


def _scan(found: FloatArray, sigma: FloatArray, at_us: int) -> Scan:
    count = len(found)
    return Scan(
        sensor_index=0,
        kind=MeasurementKind.POSITION,
        at_us_end=at_us,
        is_complete=True,
        at_us=np.full(count, at_us, np.int64),
        z=np.column_stack([found, np.full(count, np.nan)]),
        sigma=np.tile(np.r_[sigma, np.nan], (count, 1)),
        origin_enu_m=np.zeros((count, 3)),
        velocity_enu_mps=np.full((count, 3), np.nan),
        claim_key=np.zeros(count, np.int64),
        rcs_dbsm=np.full(count, np.nan),
        message_seq=np.arange(count, dtype=np.int64),
    )
