"""What the tracker keeps between scans: one row a track, one array a quantity."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np

from araz.tracking._classify import (
    CLASS_TABLE,
    FEATURE_COUNT,
    HABIT_COUNT,
    ClassTable,
    Likelihoods,
)
from araz.tracking._gauss import WIDTH
from araz.tracking._kernel import as_python, leaf, part
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
NOISE_PLOTS: Final = 50.0
"""A sensor's stated noise counts as if so many plots of exactly that had been seen."""
FIRST_PLOTS: Final = 50.0
"""The histograms start even, as if they had seen this many false plots."""


class Tracks(NamedTuple):
    """N Bernoulli tracks, all at the state's common time; modes M, state order east, north, up, v_east, v_north, v_up.

    **Shapes** ``belief`` where they are (see ``_motion``),
    ``echo`` [N, lookers, levels] (belief in ECHO_LEVELS by sensor that looks, sums to one over levels),
    ``doubt`` [N, lookers] (how far silence speaks against being in the sensor's view, 1 is none),
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
    echo: FloatArray
    doubt: FloatArray


class Table(NamedTuple):
    """``Tracks`` in as few arrays as may be: each that a kernel takes or gives costs a look-up.

    ``whole`` [8, N]: keys, numbers, started, updated, counts, masks, claims, banks; ``flag`` [2, N]: confirmed, hidden;
    ``real`` [reals N]: the other numbers, one quantity after the other, see ``tracks_in``. ``lived``
    [C + 1, LIVED_COUNT]: class posteriors and habits (``_classify``) of the C confirmed tracks in their order, then
    those of any that is not confirmed, which learns nothing. ``modes`` and ``weight`` are those of ``Belief``,
    ``lookers`` how many sensors look.
    """

    lookers: int
    whole: IntArray
    flag: BoolArray
    real: FloatArray
    lived: FloatArray
    modes: FloatArray
    weight: FloatArray


GAUSS_AT: Final = 3
ECHO_AT: Final = GAUSS_AT + WIDTH
"""How many numbers of a track come before these in ``Table.real``."""


@leaf
def reals(lookers: int) -> int:
    """How many numbers of a track are in ``Table.real``."""
    return ECHO_AT + lookers * (1 + len(ECHO_LEVELS))


@part
def tracks_in(
    lookers: int, whole: IntArray, flag: BoolArray, real: FloatArray, modes: FloatArray, weight: FloatArray
) -> Tracks:
    """The columns of a ``Table`` by name; shares its arrays."""
    count, levels = whole.shape[1], len(ECHO_LEVELS)
    gauss, echo = GAUSS_AT * count, ECHO_AT * count
    doubt = echo + lookers * levels * count
    return Tracks(
        whole[0],
        whole[1],
        Belief(real[gauss:echo].reshape((count, WIDTH)), whole[7], modes, weight),
        real[:count],
        real[count : 2 * count],
        flag[0],
        flag[1],
        whole[2],
        whole[3],
        whole[4],
        whole[5],
        whole[6],
        real[2 * count : gauss],
        real[echo:doubt].reshape((count, lookers, levels)),
        real[doubt:].reshape((count, lookers)),
    )


def named(table: Table) -> Tracks:
    """``tracks_in`` outside kernels."""
    return as_python(tracks_in)(table.lookers, table.whole, table.flag, table.real, table.modes, table.weight)


class Learned(NamedTuple):
    """What the scans of one sensor have taught, in one row of numbers [LEARNED].

    ``mass`` [cells, cells] expected false plots a scan and cell, ``heights`` [HEIGHT_BINS] and ``rates`` [RATE_BINS]
    false plots counted, fading, ``noise`` [PLACES, factors] the logarithm of the belief in each factor on its
    variances, ``scans`` [1] how many it has learned from.
    """

    mass: FloatArray
    heights: FloatArray
    rates: FloatArray
    noise: FloatArray
    scans: FloatArray


@part
def learned_in(row: FloatArray) -> Learned:
    """What was learned, by name; shares the row."""
    heights = CLUTTER_CELLS * CLUTTER_CELLS
    rates = heights + HEIGHT_BINS
    noise = rates + RATE_BINS
    scans = noise + PLACES * len(NOISE_FACTORS)
    return Learned(
        row[:heights].reshape((CLUTTER_CELLS, CLUTTER_CELLS)),
        row[heights:rates],
        row[rates:noise],
        row[noise:scans].reshape((PLACES, len(NOISE_FACTORS))),
        row[scans:],
    )


class View(NamedTuple):
    """What the kernels need of the sensor table [S]; ``radius_m`` is half the side of a sensor's clutter map.

    ``looker`` is a sensor's column in ``Tracks.echo``, -1 for those whose silence never counts; ``is_open`` says that
    no terrain stands in a sensor's way anywhere.
    """

    origin: FloatArray
    sigma: FloatArray
    chance: FloatArray
    radius_m: FloatArray
    max_range_m: FloatArray
    low_rad: FloatArray
    high_rad: FloatArray
    plots: FloatArray
    period_s: FloatArray
    kind: IntArray
    is_voluntary: IntArray
    looker: IntArray
    is_open: IntArray
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
    classes: Likelihoods


def fixed_numbers(view: View, settings: TrackingSettings, classes: ClassTable) -> FloatArray:
    """All that stays the same from look to look, but the terrain, as one row of numbers; see ``fixed_in``."""
    counts = np.array([view.lowest.shape[0], len(classes.noise_knots_mps), classes.knots.shape[1]], float)
    settled = (
        settings.survival_half_life_s, settings.confirm_existence, settings.delete_existence, settings.coast_max_s,
        settings.birth_speed_sigma_mps, np.nanmedian(view.origin[:, 2]), view.east0, view.north0, view.cell,
    )  # fmt: skip
    gates = GATE_SLACK * gate_table(settings.gate_probability)
    likelihoods = (classes.noise_knots_mps, classes.knots, classes.log_prior, classes.beside)
    whole = np.concatenate((view.kind, view.is_voluntary, view.looker, view.is_open), dtype=np.int64)
    columns = (counts, np.array(settled, float), gates, *likelihoods, *view[:9], whole.view(float))
    return np.concatenate(columns, axis=None)


@part
def fixed_in(fixed: FloatArray, lowest: Any) -> tuple[View, Knobs]:
    """Sensors and settings by name; shares the row."""
    count, levels, knots = int(fixed[0]), int(fixed[1]), int(fixed[2])
    gates, noise_knots = 12, 19
    knot = noise_knots + levels
    log_prior = knot + FEATURE_COUNT * knots
    beside = log_prior + LANES
    origin = beside + FEATURE_COUNT * levels * knots * LANES
    sigma = origin + 3 * count
    after = sigma + 11 * count
    columns, whole = fixed[sigma + 4 * count : after].reshape((7, count)), fixed[after:].view(np.int64)
    view = View(
        fixed[origin:sigma].reshape((count, 3)),
        fixed[sigma : sigma + 4 * count].reshape((count, 4)),
        columns[0],
        columns[1],
        columns[2],
        columns[3],
        columns[4],
        columns[5],
        columns[6],
        whole[:count],
        whole[count : 2 * count],
        whole[2 * count : 3 * count],
        whole[3 * count :],
        lowest,
        fixed[9],
        fixed[10],
        fixed[11],
    )
    classes = Likelihoods(
        fixed[noise_knots:knot],
        fixed[knot:log_prior].reshape((FEATURE_COUNT, knots)),
        fixed[log_prior:beside].reshape((1, 1, LANES)),
        fixed[beside:origin].reshape((FEATURE_COUNT * levels * knots, 1, LANES)),
    )
    return view, Knobs(fixed[3], fixed[4], fixed[5], fixed[6], fixed[7], fixed[8], fixed[gates:noise_knots], classes)


class Filter(NamedTuple):
    """What the tracker believes at one time; it follows from the scans up to then, in their order of time, alone.

    ``learned`` is what each sensor's scans have taught, a row of ``Learned`` each. ``births_per_s`` is the running rate
    of confirmed tracks, ``at_us`` is 0 before the first scan, ``turn`` counts the looks before that ended then as well,
    ``dropped_tracks`` those lost to ``TRACK_LIMIT``. Its arrays are not flagged read-only, because Numba would compile
    every kernel twice (once more after unpickling, which drops the flag); the kernels only ever write to arrays made in
    the same step.
    """

    at_us: int
    turn: int
    table: Table
    learned: tuple[FloatArray, ...]
    births_per_s: float
    dropped_tracks: int

    @property
    def tracks(self) -> Tracks:
        """The tracks by name."""
        return named(self.table)

    def learned_of(self, sensor: int) -> Learned:
        """What the scans of one sensor have taught, by name."""
        return as_python(learned_in)(self.learned[sensor])


class Past(NamedTuple):
    """One scan used: the belief before it, its place in the order of time, the tracks it began.

    ``born`` [2, B] are their keys and numbers.
    """

    before: Filter
    scan: Scan
    order: tuple[Any, ...]
    born: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The tracker's whole memory, a value: picklable, and never written after it was handed out.

    ``past`` are the scans of the last half minute, so that a late one can be put in its place; ``forgotten`` is the
    order of the newest one no longer kept. ``confirmed`` are the keys of the confirmed tracks last told,
    ``next_number`` the next track's. ``late_scans`` counts scans too old to use. ``fixed`` are the sensor table and
    the settings as the kernels take them; the ``ground_up_m`` in it is the sensors' median height, from which classes
    count theirs.
    """

    sensors: SensorTable
    settings: TrackingSettings
    fixed: FloatArray
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
    def view(self) -> View:
        """The sensor table as the kernels take it."""
        return as_python(fixed_in)(self.fixed, self.sensors.visible_above_m)[0]

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
        lookers=lookers,
        whole=np.zeros((8, 0), np.int64),
        flag=np.zeros((2, 0), np.bool_),
        real=np.zeros(0),
        lived=np.concatenate((CLASS_TABLE.prior, np.zeros(HABIT_COUNT)))[None],
        modes=np.zeros((0, WIDTH, LANES)),
        weight=np.zeros((0, LANES)),
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
    view = view_of(sensors)
    now = Filter(
        at_us=0,
        turn=0,
        table=no_tracks(int(view.looker.max(initial=-1)) + 1),
        learned=nothing_learned(sensors),
        births_per_s=FIRST_BIRTHS_PER_S,
        dropped_tracks=0,
    )
    return State(
        sensors=sensors,
        settings=settings,
        fixed=fixed_numbers(view, settings, CLASS_TABLE),
        now=now,
        past=(),
        forgotten=(),
        confirmed=np.zeros(0, np.int64),
        confirmed_number=np.zeros(0, np.int64),
        next_number=1,
        late_scans=0,
    )


def nothing_learned(sensors: SensorTable) -> tuple[FloatArray, ...]:
    """Each sensor's row of ``Learned`` before its first scan: false plots even over its disc, noise as stated."""
    radius = sensor_radius_m(sensors)
    mass = clutter_rate(sensors) * ((2.0 * radius / CLUTTER_CELLS) ** 2 / (np.pi * radius**2))
    heights, rates = (np.full(bins, FIRST_PLOTS / bins) for bins in (HEIGHT_BINS, RATE_BINS))
    noise = np.tile(first_noise(), PLACES)
    return tuple(np.concatenate((np.full(CLUTTER_CELLS**2, cell), heights, rates, noise, [0.0])) for cell in mass)


def first_noise() -> FloatArray:
    """The logarithm of the belief in each noise factor before the first plot: NOISE_PLOTS plots of factor one."""
    return np.asarray(-0.5 * NOISE_PLOTS * (np.log(NOISE_FACTORS) + 1.0 / NOISE_FACTORS))


def view_of(sensors: SensorTable) -> View:
    """The sensor table as the kernels take it."""
    voluntary = sensors.is_people | sensors.is_claim
    looks = ~(voluntary | (sensors.kind == MeasurementKind.BEARING))
    return View(
        origin=sensors.origin_enu_m,
        sigma=sensors.sigma,
        chance=sensors.detection_probability,
        radius_m=sensor_radius_m(sensors),
        max_range_m=sensors.max_range_m,
        low_rad=sensors.min_elevation_rad,
        high_rad=sensors.max_elevation_rad,
        plots=clutter_rate(sensors),
        period_s=np.maximum(np.nan_to_num(sensors.period_s, nan=1.0), 0.1),
        kind=sensors.kind,
        is_voluntary=voluntary.astype(np.int64),
        looker=np.where(looks, np.cumsum(looks) - 1, -1),
        is_open=np.asarray(np.isneginf(sensors.visible_above_m).all(axis=(1, 2)), np.int64),
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
