"""What registration keeps: the errors of all sensors as one Gaussian, plots that wait for a partner, the books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from araz.tracking._registration_book import Book, no_book
from araz.vocabulary import BoolArray, FloatArray, IntArray, MeasurementKind, Scan, SensorTable, TrackingSettings

RANGE, AZIMUTH, ELEVATION, CLOCK = range(4)
PER_SENSOR: Final = 4
"""Errors of a sensor, measured minus true: range m, azimuth rad, elevation rad, clock s (its stamp minus the truth)."""
PRIOR_SIGMA: Final = np.array([60.0, np.radians(1.5), np.radians(1.0), 0.5])
"""Before any evidence: how badly radars are set up. A clock further out than a second is found by its arrival times
(``araz.sensors`` health) before scans reach the tracker."""
CLAIM_CLOCK_SIGMA_S: Final = 0.3
"""A position an aircraft broadcasts is of its own time to within this."""
WALK: Final = np.array([0.05, np.radians(0.001), np.radians(0.001), 0.001])
"""How far each error may wander in a second (one sigma, grows with the root of time): 3 m and 0.06 degrees an hour."""
CLAIM_UP_M: Final = 30.0
SLOTS: Final = 6
"""Aircraft whose own positions serve as references at the same time."""
SLOT_SIGMA_M: Final = 100.0
"""A claimed place may be off by this in each axis, constantly: a claim is believed in how it moves, not in where it
says it is. Geometry then tells the claim's error from the sensor's; a spoofed place moves no radar."""
SLOT_WALK_M: Final = 0.3
SLOT_HELD_US: Final = 60_000_000
"""A slot not used for this long may go to another aircraft."""


class Anchors(NamedTuple):
    """Plots firmly held by a confirmed track that wait for another sensor's plot of it, as measured; one row each."""

    track_id: IntArray
    sensor: IntArray
    kind: IntArray
    at_us: IntArray
    z: FloatArray
    sigma: FloatArray
    origin: FloatArray
    claim_key: IntArray


class Waiting(NamedTuple):
    """Rows of one scan that are anchors, with their tracks, not yet put into the table; their first and last stamp."""

    scan: Scan
    row: IntArray
    track_id: IntArray
    first_us: int
    last_us: int


class Part(NamedTuple):
    """A sector of a turn that is not whole yet, and which of its rows moved which tracks."""

    scan: Scan
    track_id: IntArray
    row: IntArray
    probability: FloatArray


class Link(NamedTuple):
    """The last comparison of a track by two sensors, ``seen`` [3] = nu + J mean, and how many agreed ``in_a_row``."""

    at_us: int
    in_a_row: int
    seen: FloatArray
    noise: FloatArray
    jac: FloatArray
    columns: IntArray


class RegistrationState(msgspec.Struct, frozen=True, eq=False):
    """A value. **Shapes** S sensors, n = 4 S + 3 SLOTS: ``mean`` [n], ``cov`` [n, n], ``is_applied`` [S, 4].

    Rows 4 s .. 4 s + 3 are sensor s's errors (units of ``PRIOR_SIGMA``), the last 3 SLOTS the east, north, up errors of
    the aircraft in ``slot_key`` [SLOTS] (0 = free), last used ``slot_us``. ``pairs`` [S] comparisons used,
    ``restarts`` [S] how often a sensor's errors had to be learned anew, ``noise_factor`` [S] its noise over what it
    states (1 unless clearly more), ``reasons`` why it lies or is disputed, ``told_us`` [S] when it was last reported,
    ``told_pairs`` [S] with how many comparisons. ``waiting`` are anchors not yet put into the table, a scan each;
    ``since`` [S] comparisons used since the sensor's errors were last learned anew, ``turn_us`` [S] when its last turn
    to be learned from began. ``at_us`` is the time the errors have walked to. ``parts`` are sectors of turns that are
    not whole yet; ``links`` the last comparison by track, sensor of the waiting plot and sensor of the row.
    """

    sensors: SensorTable
    settings: TrackingSettings
    prior_sigma: FloatArray
    walk: FloatArray
    mean: FloatArray
    cov: FloatArray
    at_us: int
    is_applied: BoolArray
    is_lying: BoolArray
    is_disputed: BoolArray
    slot_key: IntArray
    slot_us: IntArray
    anchors: Anchors
    waiting: tuple[Waiting, ...]
    since: IntArray
    turn_us: IntArray
    book: Book
    pairs: IntArray
    restarts: IntArray
    noise_factor: FloatArray
    reasons: tuple[tuple[str, ...], ...]
    told_us: IntArray
    told_pairs: IntArray
    parts: tuple[Part, ...] = ()
    links: dict[tuple[int, int, int], Link] = {}


def registration_init(sensors: SensorTable, settings: TrackingSettings) -> RegistrationState:
    """The state before the first scan: every error zero within its prior, nothing corrected."""
    count = len(sensors.sensor_id)
    prior = np.tile(PRIOR_SIGMA, (count, 1))
    prior[sensors.is_claim, CLOCK] = CLAIM_CLOCK_SIGMA_S
    sigma = np.concatenate([prior.ravel(), np.full(3 * SLOTS, SLOT_SIGMA_M)])
    integers, flags = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    return RegistrationState(
        sensors=sensors,
        settings=settings,
        prior_sigma=sigma,
        walk=np.concatenate([np.tile(WALK, count), np.full(3 * SLOTS, SLOT_WALK_M)]),
        mean=np.zeros(len(sigma)),
        cov=np.diag(sigma**2),
        at_us=0,
        is_applied=np.zeros((count, PER_SENSOR), np.bool_),
        is_lying=flags,
        is_disputed=flags,
        slot_key=np.zeros(SLOTS, np.int64),
        slot_us=np.zeros(SLOTS, np.int64),
        anchors=no_anchors(),
        waiting=(),
        since=integers,
        turn_us=integers,
        book=no_book(count),
        pairs=integers,
        restarts=integers,
        noise_factor=np.ones(count),
        reasons=((),) * count,
        told_us=integers,
        told_pairs=integers,
    )


def no_anchors() -> Anchors:
    """An empty table."""
    integers = np.zeros(0, np.int64)
    return Anchors(
        integers, integers, integers, integers, np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((0, 3)), integers
    )


def take(anchors: Anchors, rows: IntArray) -> Anchors:
    """The anchors at some rows."""
    columns: list[Any] = [column[rows] for column in anchors]
    return Anchors(*columns)


def stated_sigma(state: RegistrationState, scan: Scan) -> FloatArray:
    """The scan's standard deviations; the sensor's own where it states none.

    A claimed height is off by the day's pressure, which stays: that part is the slot's, the rest is CLAIM_UP_M at most.
    """
    fallback = state.sensors.sigma[scan.sensor_index]
    sigma = scan.sigma.copy()
    if scan.kind == state.sensors.kind[scan.sensor_index]:
        sigma = np.where(sigma > 0.0, sigma, fallback)
    if scan.kind == MeasurementKind.POSITION:
        sigma[:, 2] = np.minimum(sigma[:, 2], CLAIM_UP_M)
    return sigma


def anchors_of(state: RegistrationState, waiting: Waiting) -> Anchors:
    """The waiting rows of a scan as rows of the table."""
    scan, row = waiting.scan, waiting.row
    return Anchors(
        waiting.track_id,
        np.full(len(row), scan.sensor_index),
        np.full(len(row), int(scan.kind)),
        scan.at_us[row],
        scan.z[row],
        stated_sigma(state, scan)[row],
        scan.origin_enu_m[row],
        scan.claim_key[row],
    )


def join(tables: Sequence[Anchors], most: int) -> Anchors:
    """All tables in one, the oldest rows beyond ``most`` left out."""
    columns: list[Any] = [np.concatenate(column)[-most:] for column in zip(*tables, strict=True)]
    return Anchors(*columns)


def errors_of(state: RegistrationState) -> tuple[FloatArray, FloatArray]:
    """Estimated errors [S, 4] and their standard deviations [S, 4]."""
    last = PER_SENSOR * len(state.pairs)
    sigma = np.sqrt(np.diagonal(state.cov)[:last])
    return state.mean[:last].reshape(-1, PER_SENSOR), sigma.reshape(-1, PER_SENSOR)


def components_of(kind: int) -> tuple[int, ...]:
    """The errors a sensor of this kind has; a source of positions is a reference and has none that is corrected."""
    if kind == MeasurementKind.POLAR:
        return RANGE, AZIMUTH, ELEVATION, CLOCK
    if kind == MeasurementKind.BEARING:
        return AZIMUTH, ELEVATION, CLOCK
    return (CLOCK,)


def without(mean: FloatArray, cov: FloatArray, rows: IntArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance with some rows back at their prior ``sigma`` [n], tied to nothing."""
    mean, cov = mean.copy(), cov.copy()
    mean[rows] = 0.0
    cov[rows, :] = 0.0
    cov[:, rows] = 0.0
    cov[rows, rows] = sigma[rows] ** 2
    return mean, cov
