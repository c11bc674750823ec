"""Second by second: what was in the air, what was shown, and which was which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from araz.geography import LocalFrame
from araz.simulation._gospa import assign, gospa
from araz.simulation._truth import DRONES, Truth
from araz.vocabulary import CLASS_NAMES, BoolArray, FloatArray, IdentityVerdict, IntArray, Picture, Track, TrackClass

#: A shown track further than this from everything real shows nothing real (R95 of the gate is 75 m; twice that).
REACH_M: Final = 150.0
CUTOFF_M: Final = 50.0
#: A picture older than this is no picture of now.
STALE_US: Final = 2_000_000
#: Truth is interpolated over at most this (birds are recorded every 5 s).
GAP_US: Final = 6_000_000
_BIRD: Final = CLASS_NAMES[TrackClass.BIRD]
_NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Life:
    """One actor's truth: times [N] rising, ENU [N, 3], whether it could be detected and was on our side [N]."""

    actor_id: str
    class_name: str
    is_threat: bool
    at_us: IntArray
    position_enu_m: FloatArray
    detectable: BoolArray
    inside: BoolArray

    @property
    def is_drone(self) -> bool:
        """A drone of any kind, friend or not."""
        return self.class_name in DRONES


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """All confirmed tracks of all pictures that are scored, one row each; ``second`` is the row of the clock."""

    second: IntArray
    track: IntArray
    position_enu_m: FloatArray
    ellipse: FloatArray
    """[N, 3]: semi-axes in metres and azimuth in degrees of the 95 % ellipse."""
    disowned: BoolArray
    """The track's claim stands contradicted: Araz itself says that what is claimed here is not so."""
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """The night, paired. ``clock_us`` [S] is when each scored second looked; pairs are rows [P].

    ``error_m`` [Q, 3] is shown minus true (east, north, up) of the same things paired nearest in all each second, by
    ``error_life`` and ``error_shown`` [Q]: among ten abreast a pair that stays may be a neighbour's from its first
    second on, which says nothing of how well a place is known. ``near`` [N] says which rows of ``shown`` lie within
    reach of anything real. GOSPA per second [S] over what had to be seen: detectable and no bird; in space NaN
    where a track has no height.
    Disowned tracks where nothing real is are not held against the picture.
    """

    clock_us: IntArray
    lives: tuple[Life, ...]
    shown: Shown
    exists: BoolArray
    detectable: BoolArray
    pair_second: IntArray
    pair_life: IntArray
    pair_shown: IntArray
    error_life: IntArray
    error_shown: IntArray
    error_m: FloatArray
    near: BoolArray
    near_seconds: int
    """Tracks near something real, counted every second (a picture may be looked at twice)."""
    gospa_m: FloatArray
    gospa_plane_m: FloatArray


def lives_of(truth: Iterable[Truth], frame: LocalFrame) -> tuple[Life, ...]:
    """Group truth by actor, in order of first appearance; only what is airborne."""
    rows: dict[str, list[Truth]] = {}
    for record in truth:
        if record.airborne:
            rows.setdefault(record.actor_id, []).append(record)
    return tuple(_life(actor_id, sorted(own, key=lambda r: r.at_us), frame) for actor_id, own in rows.items())


def _life(actor_id: str, own: Sequence[Truth], frame: LocalFrame) -> Life:
    position = frame.to_enu(
        [record.latitude_deg for record in own],
        [record.longitude_deg for record in own],
        [record.altitude_hae_m for record in own],
    )
    return Life(
        actor_id=actor_id,
        class_name=own[0].class_name,
        is_threat=own[0].is_threat,
        at_us=np.array([record.at_us for record in own], dtype=np.int64),
        position_enu_m=position,
        detectable=np.array([record.detectable for record in own], dtype=np.bool_),
        inside=np.array([record.inside for record in own], dtype=np.bool_),
    )


class Gallery:
    """Collects pictures as they pass: of each second the last, as rows of numbers, and what was said of claims.

    A ten-hour night holds a million track records: they are not kept as objects.
    """

    def __init__(self, frame: LocalFrame) -> None:
        self.frame = frame
        self.claims_of: dict[str, set[str]] = {}
        self.contradicted: set[str] = set()
        self._names: dict[str, int] = {}
        self._times: list[int] = []
        self._rows: list[FloatArray] = []

    def add(self, picture: Picture) -> None:
        """Take the next picture; pictures come in order of time."""
        if self._times and picture.at_us < self._times[-1]:
            raise ValueError("Pictures must come in order of time; give the events in the order they were said.")
        if self._times and picture.at_us // 1_000_000 == self._times[-1] // 1_000_000:
            self._times.pop()
            self._rows.pop()
        rows = [_row(self._names, track) for track in picture.tracks if track.is_confirmed]
        self._times.append(picture.at_us)
        self._rows.append(np.array(rows, dtype=np.float64).reshape(-1, 8))
        for track in picture.tracks:
            if track.claim is not None:
                self.claims_of.setdefault(track.track_id, set()).add(track.claim)
                if track.verdict == IdentityVerdict.CONTRADICTED:
                    self.contradicted.add(track.claim)

    def _enu(self, table: FloatArray) -> FloatArray:
        """Where each row is shown [N, 3]; a track without a height has a place on the ground plane and no ``up``."""
        if not len(table):
            return np.zeros((0, 3))
        is_level = np.isnan(table[:, 3])
        enu = self.frame.to_enu(table[:, 1], table[:, 2], np.where(is_level, self.frame.hae_m, table[:, 3]))
        enu[is_level, 2] = _NAN
        return enu

    def shown(self) -> tuple[IntArray, Shown]:
        """Return (the time of each kept picture [S'], the confirmed tracks in them)."""
        table = np.concatenate(self._rows) if self._rows else np.zeros((0, 8))
        second = np.repeat(np.arange(len(self._rows)), [len(rows) for rows in self._rows])
        shown = Shown(
            second=np.asarray(second, dtype=np.int64),
            track=table[:, 0].astype(np.int64),
            position_enu_m=self._enu(table),
            ellipse=table[:, 4:7],
            disowned=np.asarray(table[:, 7] > 0, dtype=np.bool_),
            names=tuple(self._names),
        )
        return np.array(self._times, dtype=np.int64), shown


def _row(names: dict[str, int], track: Track) -> tuple[float, ...]:
    return (
        names.setdefault(track.track_id, len(names)),
        track.latitude_deg,
        track.longitude_deg,
        track.altitude_hae_m,
        track.ellipse_semi_major_m,
        track.ellipse_semi_minor_m,
        track.ellipse_azimuth_deg,
        track.verdict == IdentityVerdict.CONTRADICTED,
    )


def pair(lives: tuple[Life, ...], picture_us: IntArray, shown: Shown) -> Pairing:
    """Pair truth and tracks at every second from the first truth or picture to the last.

    A second looks at the newest picture that is not more than 2 s old, and at the truth at that picture's time; without
    such a picture everything that flies then is missed. A pair stays while its two are within reach and the rest is
    paired nearest in all (CLEAR MOT: Bernardin and Stiefelhagen, EURASIP JIVP 2008, 2.1), so a bird that passes under a
    drone is no change of its name. It fails to see two tracks change places until they are a reach apart.
    """
    clock_us, picture_row = _clock(lives, picture_us)
    exists, detectable, position = _truth_on(lives, clock_us)
    starts = np.searchsorted(shown.second, np.arange(len(picture_us) + 1))
    is_bird = np.array([life.class_name == _BIRD for life in lives], dtype=np.bool_)
    near = np.zeros(len(shown.second), dtype=np.bool_)
    pairs: list[tuple[IntArray, IntArray, IntArray]] = []
    errors: list[tuple[IntArray, IntArray, FloatArray]] = []
    distances = np.zeros((2, len(clock_us)))
    near_seconds = 0
    last = np.full(len(lives), -1, dtype=np.int64)  # the track each had a second ago; −1: none
    for second in range(len(clock_us)):
        row = picture_row[second]
        tracks = np.arange(starts[row], starts[row + 1]) if row >= 0 else np.zeros(0, dtype=np.int64)
        alive = np.flatnonzero(exists[second])
        if not len(alive) and not len(tracks):
            continue
        real, seen = position[second, alive], shown.position_enu_m[tracks]
        rows, columns = _stay(real[:, :2], seen[:, :2], last[alive], shown.track[tracks])
        last[alive] = -1
        last[alive[rows]] = shown.track[tracks[columns]]
        if len(alive) and len(tracks):
            gaps = real[:, None, :2] - seen[None, :, :2]
            near[tracks] = np.min(np.sum(gaps**2, axis=2), axis=0) < REACH_M**2
            near_seconds += int(np.count_nonzero(near[tracks]))
        pairs.append((np.full(len(rows), second), alive[rows], tracks[columns]))
        true, nearest = assign(real[rows, :2], seen[columns, :2], REACH_M)
        true, nearest = rows[true], columns[nearest]
        errors.append((alive[true], tracks[nearest], seen[nearest] - real[true]))
        must = detectable[second, alive] & ~is_bird[alive]
        free = np.ones(len(tracks), dtype=np.bool_)
        free[columns[~must[rows]]] = False
        free &= near[tracks] | ~shown.disowned[tracks]
        is_known = bool(np.isfinite(seen[free]).all())  # a track without a height has no distance in space
        distances[0, second] = gospa(real[must], seen[free], CUTOFF_M).distance if is_known else _NAN
        distances[1, second] = gospa(real[must, :2], seen[free, :2], CUTOFF_M).distance
    nothing = np.zeros(0, dtype=np.int64)
    at, life, track = (np.concatenate([nothing, *(part[k] for part in pairs)]) for k in range(3))
    error_life, error_shown = (np.concatenate([nothing, *(part[k] for part in errors)]) for k in range(2))
    return Pairing(
        clock_us=clock_us,
        lives=lives,
        shown=shown,
        exists=exists,
        detectable=detectable,
        pair_second=at,
        pair_life=life,
        pair_shown=track,
        error_life=error_life,
        error_shown=error_shown,
        error_m=np.concatenate([np.zeros((0, 3)), *(part[2] for part in errors)]),
        near=near,
        near_seconds=near_seconds,
        gospa_m=distances[0],
        gospa_plane_m=distances[1],
    )


def _stay(real: FloatArray, seen: FloatArray, last: IntArray, names: IntArray) -> tuple[IntArray, IntArray]:
    """Pair what is real [L, 2] with what is seen [N, 2]: the pairs of a second ago first, the rest nearest in all."""
    rows, columns = np.nonzero(last[:, None] == names[None, :])
    stays = np.sum((real[rows] - seen[columns]) ** 2, axis=1) < REACH_M**2
    rows, columns = rows[stays], columns[stays]
    left = np.setdiff1d(np.arange(len(real)), rows, assume_unique=True)
    over = np.setdiff1d(np.arange(len(seen)), columns, assume_unique=True)
    more, others = assign(real[left], seen[over], REACH_M)
    return np.concatenate((rows, left[more])), np.concatenate((columns, over[others]))


def _clock(lives: tuple[Life, ...], picture_us: IntArray) -> tuple[IntArray, IntArray]:
    """The scored seconds: time of the picture each looks at, and its row (−1: none, then the full second)."""
    ends = [life.at_us[[0, -1]] for life in lives] + ([picture_us[[0, -1]]] if len(picture_us) else [])
    if not ends:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    first, last = min(int(end[0]) for end in ends) // 1_000_000, max(int(end[1]) for end in ends) // 1_000_000
    seconds = np.arange(first, last + 1) * 1_000_000
    row = np.searchsorted(picture_us, seconds + 999_999, side="right") - 1
    fresh = row >= 0
    fresh[fresh] = seconds[fresh] - picture_us[row[fresh]] <= STALE_US
    row = np.where(fresh, row, -1)
    at_us = np.where(fresh, picture_us[np.maximum(row, 0)] if len(picture_us) else seconds, seconds)
    return np.asarray(at_us, dtype=np.int64), np.asarray(row, dtype=np.int64)


def _truth_on(lives: tuple[Life, ...], clock_us: IntArray) -> tuple[BoolArray, BoolArray, FloatArray]:
    """Truth at each scored second: exists [S, L], detectable [S, L], position [S, L, 3]; linear between records."""
    shape = (len(clock_us), len(lives))
    exists, detectable = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    position = np.full((*shape, 3), _NAN)
    for index, life in enumerate(lives):
        after = np.clip(np.searchsorted(life.at_us, clock_us, side="left"), 0, len(life.at_us) - 1)
        before = np.maximum(after - 1, 0)
        inside = (clock_us >= life.at_us[0]) & (clock_us <= life.at_us[-1])
        inside &= (life.at_us[after] - life.at_us[before]) <= GAP_US
        span = np.maximum(life.at_us[after] - life.at_us[before], 1)
        part = np.clip((clock_us - life.at_us[before]) / span, 0.0, 1.0)
        exists[:, index] = inside
        detectable[:, index] = inside & life.detectable[np.where(part < 0.5, before, after)]
        mixed = life.position_enu_m[before] * (1 - part[:, None]) + life.position_enu_m[after] * part[:, None]
        position[:, index] = mixed
    return exists, detectable, position
