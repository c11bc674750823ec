"""What the tracker keeps between scans: one row a track, one array a quantity."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._classify import CLASS_TABLE, HABIT_COUNT, ClassTable
from araz.tracking._gauss import WIDTH
from araz.tracking._motion import Belief
from araz.tracking._pairs import GATE_SLACK, gate_table
from araz.tracking._rows import LANES
from araz.vocabulary import (
    BoolArray,
    FloatArray,
    IntArray,
    MeasurementKind,
    Scan,
    SensorTable,
    TrackClass,
    TrackingSettings,
)

TRACK_LIMIT: Final = 10_000
"""Most tracks kept; beyond it the tentative tracks least likely to exist go, and are counted."""

CLUTTER_CELLS: Final = 32
"""Cells along each side of a sensor's clutter map, which spans twice its range."""

FALLBACK_RANGE_M: Final = 100_000.0
"""Extent assumed for a sensor whose range is not stated (a claim receiver)."""

FIRST_BIRTHS_PER_S: Final = 0.5
LEAST_BIRTHS_PER_S: Final = 0.02
BIRTH_MEMORY_S: Final = 60.0
"""New targets a second over a sensor's disc. At start everything in the air is new, so the tracker is eager; then the
rate follows how many tracks get confirmed, so a quiet border asks for more proof and a busy sky for less."""

ECHO_LEVELS: Final = np.array([1.0, 0.65, 0.4, 0.2])
ECHO_PRIOR: Final = np.array([0.97, 0.02, 0.007, 0.003])
"""How well one sensor sees one target, as shares of the sensor's stated chance of detection, and how often that is so:
a bird, or a small drone far out, gives an echo that a radar catches only now and then."""

HEIGHT_BINS: Final = 40
HEIGHT_BIN_M: Final = 50.0
LOWEST_BIN_M: Final = -500.0
RATE_BINS: Final = 40
RATE_BIN_MPS: Final = 2.0
"""False plots by height over the sensor and by range rate, learned; the outermost bins take all beyond."""
NOISE_FACTORS: Final = 4.0 ** np.linspace(-1.5, 1.5, 13)
"""Factors on a sensor's stated variances, weighed against each other: deviations 0.35 to 2.8 times as stated."""
PLACES: Final = 3
"""Components that say where a target is: the first three of a plot."""
NOISE_PLOTS: Final = 100.0
"""A sensor's stated noise counts as if so many plots of exactly that had been seen."""
FIRST_PLOTS: Final = 50.0
"""The histograms start even, as if they had seen this many false plots."""


class Tracks(NamedTuple):
    """N Bernoulli tracks, all at the state's common time; modes M, state order east, north, up, v_east, v_north, v_up.

    **Shapes** ``belief`` where they are (see ``_motion``), ``class_probability`` [N, classes],
    ``echo`` [N, lookers, levels] (belief in ECHO_LEVELS by sensor that looks, sums to one over levels),
    ``doubt`` [N, lookers] (how far silence speaks against being in the sensor's view, 1 is none),
    ``habit`` [N, HABIT_COUNT] (how it has moved, see ``_classify``);
    everything else [N]. ``birth_existence`` is the existence the track began with. ``track_id`` is a
    key made of the detection that began the track; ``number`` is what people see, given in order of
    arrival (0: none yet).
    """

    track_id: IntArray
    number: IntArray
    belief: Belief
    existence: FloatArray
    birth_existence: FloatArray
    is_confirmed: BoolArray
    hidden: BoolArray
    started_at_us: IntArray
    updated_at_us: IntArray
    update_count: IntArray
    sensor_mask: IntArray
    claim_key: IntArray
    rcs_dbsm: FloatArray
    class_probability: FloatArray
    echo: FloatArray
    doubt: FloatArray
    habit: FloatArray


class Table(NamedTuple):
    """``Tracks`` in as few arrays as may be: each that a kernel takes or gives costs a look-up.

    ``whole`` [7, N]: keys, numbers, started, updated, counts, masks, claims; ``real`` [3, N]: existence, that at birth,
    radar cross section; ``flag`` [2, N]: confirmed, hidden. The others as in ``Tracks``, and its ``belief``.
    """

    whole: IntArray
    real: FloatArray
    flag: BoolArray
    gauss: FloatArray
    bank: IntArray
    modes: FloatArray
    weight: FloatArray
    class_probability: FloatArray
    echo: FloatArray
    doubt: FloatArray
    habit: FloatArray


def tracks_in(table: Table) -> Tracks:
    """The columns of a table by name; shares its arrays."""
    whole, real, flag, gauss, bank, modes, weight, classes, echo, doubt, habit = table
    return Tracks(
        whole[0], whole[1], Belief(gauss, bank, modes, weight), real[0], real[1], flag[0], flag[1], whole[2], whole[3],
        whole[4], whole[5], whole[6], real[2], classes, echo, doubt, habit,
    )  # fmt: skip


class View(NamedTuple):
    """What the kernels need of the sensor table [S]; ``radius_m`` is half the side of a sensor's clutter map.

    ``looker`` is a sensor's column in ``Tracks.echo``, -1 for those whose silence never counts.
    """

    origin: FloatArray
    chance: FloatArray
    radius_m: FloatArray
    max_range_m: FloatArray
    low_rad: FloatArray
    high_rad: FloatArray
    plots: FloatArray
    period_s: FloatArray
    is_voluntary: BoolArray
    looker: IntArray
    lowest: Any
    east0: float
    north0: float
    cell: float


class Knobs(NamedTuple):
    """The settings as the kernels take them, the squared gates [7] by number of components, class likelihoods."""

    half_life_s: float
    confirm: float
    delete: float
    coast_max_s: float
    birth_speed_mps: float
    ground_up_m: float
    gates: FloatArray
    classes: ClassTable


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """What the tracker believes at one time; it follows from the scans up to then, in their order of time, alone.

    **Shapes** ``clutter_mass`` [S, cells, cells] expected false plots a scan and cell, ``clutter_scans`` [S] scans
    learned from, ``clutter_heights`` [S, HEIGHT_BINS] and ``clutter_rates`` [S, RATE_BINS] false plots counted, fading.
    ``noise`` [S, PLACES, factors] is the logarithm of the belief in each factor on a sensor's variances.
    ``births_per_s`` is the running rate of confirmed tracks, ``at_us`` is 0 before the first scan, ``turn`` counts the
    looks before that ended then as well, ``dropped_tracks`` those lost to ``TRACK_LIMIT``. Its arrays are not
    flagged read-only, because Numba would compile every kernel twice (once more after unpickling, which drops the
    flag); the kernels only ever write to arrays made in the same step.
    """

    at_us: int
    turn: int
    table: Table
    clutter_mass: FloatArray
    clutter_heights: FloatArray
    clutter_rates: FloatArray
    clutter_scans: IntArray
    noise: FloatArray
    births_per_s: float
    dropped_tracks: int

    @property
    def tracks(self) -> Tracks:
        """The tracks by name."""
        return tracks_in(self.table)


class Past(NamedTuple):
    """One scan used: the belief before it, its place in the order of time, the tracks it began and their numbers."""

    before: Filter
    scan: Scan
    order: tuple[Any, ...]
    born: IntArray
    born_number: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The tracker's whole memory, a value: picklable, and never written after it was handed out.

    ``past`` are the scans of the last half minute, so that a late one can be put in its place; ``forgotten`` is the
    order of the newest one no longer kept. ``confirmed`` are the keys of the confirmed tracks last told,
    ``next_number`` the next track's. ``late_scans`` counts scans too old to use. ``view`` is the sensor table as the
    kernels take it, ``knobs`` the settings; its ``ground_up_m`` is the sensors' median height, from which classes count
    theirs.
    """

    sensors: SensorTable
    settings: TrackingSettings
    view: View
    knobs: Knobs
    now: Filter
    past: tuple[Past, ...]
    forgotten: tuple[Any, ...]
    confirmed: IntArray
    confirmed_number: IntArray
    next_number: int
    late_scans: int

    @property
    def tracks(self) -> Tracks:
        """The tracks now."""
        return self.now.tracks

    @property
    def at_us(self) -> int:
        """The time of the newest scan used; 0 before the first."""
        return self.now.at_us

    @property
    def dropped_tracks(self) -> int:
        """How many tracks were lost to ``TRACK_LIMIT`` so far."""
        return self.now.dropped_tracks


def no_tracks(lookers: int = 1) -> Table:
    """An empty table of tracks, with room for what ``lookers`` sensors see of each."""
    return Table(
        whole=np.zeros((7, 0), np.int64),
        real=np.zeros((3, 0)),
        flag=np.zeros((2, 0), np.bool_),
        gauss=np.zeros((0, WIDTH)),
        bank=np.zeros(0, np.int64),
        modes=np.zeros((0, WIDTH, LANES)),
        weight=np.zeros((0, LANES)),
        class_probability=np.zeros((0, len(TrackClass))),
        echo=np.zeros((0, lookers, len(ECHO_LEVELS))),
        doubt=np.zeros((0, lookers)),
        habit=np.zeros((0, HABIT_COUNT)),
    )


def init(sensors: SensorTable, settings: TrackingSettings) -> State:
    """The state before the first scan: no tracks, and each sensor's false plots spread evenly over its disc.

    Raises ValueError when the table has no sensor, more than 63 (one bit each in ``sensor_mask``), or arrays of
    unequal length.
    """
    count = len(sensors.sensor_id)
    if not 0 < count <= 63:
        raise ValueError(f"the sensor table has {count} sensors; give between 1 and 63 (one bit of sensor_mask each)")
    arrays = {f.name: getattr(sensors, f.name) for f in fields(sensors)}
    copies: dict[str, Any] = {k: np.array(v, order="C") for k, v in arrays.items() if isinstance(v, np.ndarray)}
    wrong = [name for name, value in copies.items() if len(value) != count]
    if wrong:
        raise ValueError(f"sensor table columns {wrong} do not have one row for each of the {count} sensors")
    sensors = replace(sensors, **copies)
    radius = sensor_radius_m(sensors)
    share = (2.0 * radius / CLUTTER_CELLS) ** 2 / (np.pi * radius**2)
    mass = clutter_rate(sensors) * share
    view = view_of(sensors)
    now = Filter(
        at_us=0,
        turn=0,
        table=no_tracks(int(view.looker.max(initial=-1)) + 1),
        clutter_mass=np.tile(mass[:, None, None], (1, CLUTTER_CELLS, CLUTTER_CELLS)),
        clutter_heights=np.full((count, HEIGHT_BINS), FIRST_PLOTS / HEIGHT_BINS),
        clutter_rates=np.full((count, RATE_BINS), FIRST_PLOTS / RATE_BINS),
        clutter_scans=np.zeros(count, np.int64),
        noise=np.tile(first_noise(), (count, PLACES, 1)),
        births_per_s=FIRST_BIRTHS_PER_S,
        dropped_tracks=0,
    )
    return State(
        sensors=sensors,
        settings=settings,
        view=view,
        knobs=Knobs(
            float(settings.survival_half_life_s),
            float(settings.confirm_existence),
            float(settings.delete_existence),
            float(settings.coast_max_s),
            float(settings.birth_speed_sigma_mps),
            float(np.nanmedian(sensors.origin_enu_m[:, 2])),
            GATE_SLACK * gate_table(settings.gate_probability),
            CLASS_TABLE,
        ),
        now=now,
        past=(),
        forgotten=(),
        confirmed=np.zeros(0, np.int64),
        confirmed_number=np.zeros(0, np.int64),
        next_number=1,
        late_scans=0,
    )


def first_noise() -> FloatArray:
    """The logarithm of the belief in each noise factor before the first plot: NOISE_PLOTS plots of factor one."""
    return np.asarray(-0.5 * NOISE_PLOTS * (np.log(NOISE_FACTORS) + 1.0 / NOISE_FACTORS))


def view_of(sensors: SensorTable) -> View:
    """The sensor table as the kernels take it."""
    voluntary = sensors.is_people | sensors.is_claim
    looks = ~(voluntary | (sensors.kind == MeasurementKind.BEARING))
    return View(
        origin=sensors.origin_enu_m,
        chance=sensors.detection_probability,
        radius_m=sensor_radius_m(sensors),
        max_range_m=sensors.max_range_m,
        low_rad=sensors.min_elevation_rad,
        high_rad=sensors.max_elevation_rad,
        plots=clutter_rate(sensors),
        period_s=np.maximum(np.nan_to_num(sensors.period_s, nan=1.0), 0.1),
        is_voluntary=voluntary,
        looker=np.where(looks, np.cumsum(looks) - 1, -1),
        lowest=sensors.visible_above_m,
        east0=float(sensors.raster_east_m),
        north0=float(sensors.raster_north_m),
        cell=float(sensors.cell_m),
    )


def sensor_radius_m(sensors: SensorTable) -> FloatArray:
    """Half the side of each sensor's clutter map [S], metres; the stated range where there is one."""
    stated = np.isfinite(sensors.max_range_m) & (sensors.max_range_m > 0)
    return np.where(stated, sensors.max_range_m, FALLBACK_RANGE_M)


def clutter_rate(sensors: SensorTable) -> FloatArray:
    """Mean false plots a scan [S]; at least one in a thousand scans, since no sensor is perfect."""
    return np.maximum(np.nan_to_num(sensors.clutter_per_scan, nan=1.0), 1e-3)
