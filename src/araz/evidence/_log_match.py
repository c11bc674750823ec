"""A seized drone's log against the archive: which recorded tracks are this flight, and how much more likely that is.

For a track with thinned positions x_i at times t_i (one in ``THIN_S`` seconds, so that the tracker's errors are about
independent) and a log whose position at log time u is y(u):

    L(d) = V(d) prod_i N(x_i - y(t_i + d); 0, C_i + s_log^2 I) / q(x_i | x_{i-1})
    LR   = integral pi(d) L(d) dd / ( 1 - e + e integral u(d) L(d) dd )

pi(d) is the prior of the log clock's error (below), C_i the track's own covariance. q is what an unrelated aircraft
would do: anywhere in the watched area first, then a random walk of ``OTHER_SPEED_MPS``. V is the same ratio for the
heights, with one unknown constant altitude error a ~ N(0, ``ALTITUDE_SIGMA_M``^2) integrated in closed form. Only times
that both cover count; fewer than ``LEAST_SAMPLES`` of them say nothing (LR = 1 is not claimed: the pair is not judged).
The denominator is the other hypothesis in full: smugglers repeat themselves, so with chance e = ``SAME_ROUTE`` another
sortie flew the very same route at another time, u(d) = 1 / archive. Fit alone therefore never gives more than 1 / e;
what lies above comes from the clock. A log without a date cannot do better, and should not.

=============  ===========================================================================================
log's clock    pi(d), seconds
=============  ===========================================================================================
UTC            0.95 N(0, 2^2) + 0.05 N(0, 60^2): from satellites, rarely from a clock somebody set
local          the sum of N(zone, 60^2) over all quarter hours from -12 h to +14 h; half the weight on the
               site's own zone and its neighbours' (given by the caller)
none           even over the archive
=============  ===========================================================================================

bench/log_match.py judges the calibration on repeated routes (docs/measured.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from araz.vocabulary import BoolArray, FloatArray, IntArray, Picture

if TYPE_CHECKING:  # the journal's hashes come through the same door, and must not wait for maps and kernels
    from araz.geography import Place
    from araz.sensors import Flight, LogClock

THIN_S: Final = 8.0
LEAST_SAMPLES: Final = 3
#: Chance that an unrelated track is another sortie on the log's own route: repeat sorties are a habit (field guide).
SAME_ROUTE: Final = 0.1
LOG_SIGMA_M: Final = 5.0
LOG_UP_SIGMA_M: Final = 8.0
ALTITUDE_SIGMA_M: Final = 60.0
OTHER_SPEED_MPS: Final = 10.0
OTHER_CLIMB_MPS: Final = 2.0
OTHER_HEIGHT_SIGMA_M: Final = 150.0
#: Clock errors looked at, apart: finer than a position error over a drone's speed.
STEP_S: Final = 0.5
UTC_SIGMA_S: Final = 2.0
SET_SIGMA_S: Final = 60.0
#: Track positions farther off than so many sigmas are not told apart any more: models have tails.
WORST_NATS: Final = -25.0
_CHI2_95: Final = 5.991


@dataclass(frozen=True, slots=True, eq=False)
class ArchivedTrack:
    """One recorded track: microseconds [N], ENU metres [N, 3], horizontal covariance [N, 2, 2], height sigma [N]."""

    track_id: str
    at_us: IntArray
    position_enu_m: FloatArray
    covariance_m2: FloatArray
    up_sigma_m: FloatArray


class Match(NamedTuple):
    """A track held against a log: natural log of the likelihood ratio, and the clock and altitude errors that fit."""

    track_id: str
    log_ratio: float
    clock_error_s: float
    """Log's wall clock minus the archive's."""
    altitude_error_m: float
    samples: int
    distance_m: float
    """Median horizontal distance at the best clock error."""

    @property
    def probability(self) -> float:
        """Posterior chance with even odds before: LR / (1 + LR)."""
        return float(1.0 / (1.0 + np.exp(-np.clip(self.log_ratio, -50, 50))))


def archive_of(place: Place, pictures: Sequence[Picture]) -> list[ArchivedTrack]:
    """The tracks of an archive's pictures, each as arrays; predictions without a new observation are left out."""
    rows: dict[str, list[tuple[float, ...]]] = {}
    seen: dict[str, int] = {}
    for picture in pictures:
        for track in picture.tracks:
            if not track.is_confirmed or track.hidden or seen.get(track.track_id) == track.updated_at_us:
                continue
            seen[track.track_id] = track.updated_at_us
            major, minor = track.ellipse_semi_major_m**2 / _CHI2_95, track.ellipse_semi_minor_m**2 / _CHI2_95
            turn = np.radians(track.ellipse_azimuth_deg)
            east, north = np.sin(turn), np.cos(turn)
            rows.setdefault(track.track_id, []).append(
                (
                    float(picture.at_us), track.latitude_deg, track.longitude_deg, track.altitude_hae_m,
                    major * east**2 + minor * north**2, (major - minor) * east * north,
                    major * north**2 + minor * east**2, track.altitude_sigma_m,
                )
            )  # fmt: skip
    out = []
    for name, items in rows.items():
        columns = np.asarray(items, dtype=np.float64)
        position = place.frame.to_enu(columns[:, 1], columns[:, 2], columns[:, 3])
        covariance = columns[:, [4, 5, 5, 6]].reshape(-1, 2, 2)
        out.append(ArchivedTrack(name, columns[:, 0].astype(np.int64), position, covariance, columns[:, 7]))
    return out


def match_log(
    flight: Flight,
    place: Place,
    archive: Sequence[ArchivedTrack],
    *,
    span_us: tuple[int, int],
    area_m2: float = 4e8,
    zones_h: Sequence[float] = (),
) -> list[Match]:
    """Hold one flight of a log against every track of an archive; best first. See the formulas above.

    ``span_us`` is the time the archive covers; ``area_m2`` the ground it watches; ``zones_h`` the time zones a local
    clock most likely shows (hours east of UTC). Tracks that no admissible clock error brings together with the log are
    not in the answer.
    """
    if len(flight.at_us) < 2:
        raise ValueError("The flight has fewer than two fixes; cut the log with parts_of first.")
    wall_us = flight.at_us + flight.wall_offset_us
    course, heights = _course(flight, place)
    found = []
    for track in archive:
        thin = _thinned(track)
        if len(thin) < LEAST_SAMPLES:
            continue
        match = _judged(track, thin, wall_us, course, heights, flight.clock, span_us, area_m2, zones_h)
        if match is not None:
            found.append(match)
    return sorted(found, key=lambda match: -match.log_ratio)


def _course(flight: Flight, place: Place) -> tuple[FloatArray, FloatArray]:
    """ENU of the fixes [N, 2] and up coordinates [N]: as logged above the sea, else above the ground of the start."""
    hae = flight.altitude_m + place.site.geoid_undulation_m
    enu = place.frame.to_enu(
        flight.latitude_deg, flight.longitude_deg, np.where(np.isfinite(hae), hae, place.frame.hae_m)
    )
    up = enu[:, 2].copy()
    up[~np.isfinite(hae)] = np.nan
    if not np.isfinite(up).any() and np.isfinite(flight.height_m).any():
        up = flight.height_m + place.terrain.ground_up_m(enu[:1, 0], enu[:1, 1])[0]
    return enu[:, :2], up


def _thinned(track: ArchivedTrack) -> IntArray:
    """Rows of a track at least THIN_S apart."""
    kept: list[int] = []
    for k, at_us in enumerate(track.at_us.tolist()):
        if not kept or at_us - track.at_us[kept[-1]] >= THIN_S * 1e6:
            kept.append(k)
    return np.asarray(kept, dtype=np.int64)


def _prior(errors_s: FloatArray, clock: LogClock, span_s: float, zones_h: Sequence[float]) -> FloatArray:
    """Density of the clock's error, 1/s."""
    from araz.sensors import LogClock

    def normal(at: float, sigma: float) -> FloatArray:
        out: FloatArray = np.exp(-0.5 * ((errors_s - at) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        return out

    if clock == LogClock.UTC:
        return 0.95 * normal(0.0, UTC_SIGMA_S) + 0.05 * normal(0.0, SET_SIGMA_S)
    if clock == LogClock.NONE:
        return np.full(len(errors_s), 1.0 / span_s)
    every = np.arange(-12.0, 14.25, 0.25)
    likely = list(zones_h) or every.tolist()
    weights = [(h, 0.5 / len(every)) for h in every.tolist()] + [(h, 0.5 / len(likely)) for h in likely]
    density: FloatArray = np.sum([w * normal(3600.0 * h, SET_SIGMA_S) for h, w in weights], axis=0)
    return density


def _judged(
    track: ArchivedTrack,
    thin: IntArray,
    wall_us: IntArray,
    course: FloatArray,
    heights: FloatArray,
    clock: LogClock,
    span_us: tuple[int, int],
    area_m2: float,
    zones_h: Sequence[float],
) -> Match | None:
    base_us = int(wall_us[0])
    log_s = (wall_us - base_us) / 1e6
    at_s = (track.at_us[thin] - base_us) / 1e6
    # Log time of a track sample is its time plus the clock's error.
    low, high = log_s[0] - at_s[-1], log_s[-1] - at_s[0]
    errors = np.arange(np.ceil(low / STEP_S), np.floor(high / STEP_S) + 1) * STEP_S
    span_s = max((span_us[1] - span_us[0]) / 1e6, 1.0)
    prior = _prior(errors, clock, span_s, zones_h)
    if prior.max(initial=0.0) < 1e-12:
        return None
    when = at_s[None, :] + errors[:, None]
    inside = (when >= log_s[0]) & (when <= log_s[-1])
    enough = inside.sum(axis=1) >= LEAST_SAMPLES
    if not enough.any():
        return None
    errors, prior, when, inside = errors[enough], prior[enough], when[enough], inside[enough]
    place = np.stack([np.interp(when, log_s, course[:, axis]) for axis in (0, 1)], axis=2)
    gap = track.position_enu_m[thin, :2] - place
    level = np.where(
        inside, _level_nats(gap, track.covariance_m2[thin]) - _other_nats(track, thin, inside, area_m2), 0.0
    )
    upright, altitude = _height_nats(track, thin, np.interp(when, log_s, heights), inside)
    fit = np.sum(level, axis=1) + upright
    with np.errstate(divide="ignore"):
        nats = fit + np.log(prior * STEP_S)
    best = int(np.argmax(nats))
    other = float(np.logaddexp(np.log1p(-SAME_ROUTE), np.log(SAME_ROUTE * STEP_S / span_s) + _log_sum(fit)))
    total = float(_log_sum(nats) - other)
    distance = np.hypot(*gap[best, inside[best]].T)
    return Match(
        track.track_id, total, float(errors[best]), float(altitude[best]), int(inside[best].sum()),
        float(np.median(distance)),
    )  # fmt: skip


def _log_sum(nats: FloatArray) -> float:
    top = float(nats.max())
    return top + float(np.log(np.sum(np.exp(nats - top)))) if np.isfinite(top) else top


def _level_nats(gap: FloatArray, covariance: FloatArray) -> FloatArray:
    """Log density of horizontal gaps [D, n, 2] under the track's covariance [n, 2, 2] plus the log's own error."""
    total = covariance + LOG_SIGMA_M**2 * np.eye(2)
    inverse = np.linalg.inv(total)
    square = np.einsum("dni,nij,dnj->dn", gap, inverse, gap)
    out: FloatArray = np.maximum(-0.5 * square, WORST_NATS) - 0.5 * np.log((2 * np.pi) ** 2 * np.linalg.det(total))
    return out


def _other_nats(track: ArchivedTrack, thin: IntArray, inside: BoolArray, area_m2: float) -> FloatArray:
    """Log density of the track's positions had another aircraft flown it [D, n]: the first anywhere, then a walk."""
    seconds = np.diff(track.at_us[thin]) / 1e6
    sigma = OTHER_SPEED_MPS * seconds
    step = np.diff(track.position_enu_m[thin, :2], axis=0)
    walk = -0.5 * np.sum((step / sigma[:, None]) ** 2, axis=1) - np.log(2 * np.pi * sigma**2)
    out = np.broadcast_to(np.concatenate([[-np.log(area_m2)], walk]), inside.shape).copy()
    first = np.argmax(inside, axis=1)
    out[np.arange(len(out)), first] = -np.log(area_m2)
    return out


def _height_nats(
    track: ArchivedTrack, thin: IntArray, log_up_m: FloatArray, inside: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Log ratio of the heights [D] with one unknown altitude error integrated out, and that error's mean [D]."""
    gap = log_up_m - track.position_enu_m[thin, 2]
    weight = np.where(inside & np.isfinite(gap), 1.0 / (track.up_sigma_m[thin] ** 2 + LOG_UP_SIGMA_M**2), 0.0)
    gap = np.where(weight > 0, gap, 0.0)
    precision = 1.0 / ALTITUDE_SIGMA_M**2 + weight.sum(axis=1)
    mean = (weight * gap).sum(axis=1) / precision
    square = np.maximum((weight * gap**2).sum(axis=1) - precision * mean**2, 0.0)
    count = (weight > 0).sum(axis=1)
    log_weight = np.where(weight > 0, np.log(np.maximum(weight, 1e-12)), 0.0).sum(axis=1)
    same = -0.5 * square + 0.5 * log_weight - 0.5 * count * np.log(2 * np.pi)
    same = np.maximum(same - 0.5 * np.log(ALTITUDE_SIGMA_M**2 * precision), WORST_NATS * np.maximum(count, 1))
    return same - _other_height_nats(track, thin, weight > 0), mean


def _other_height_nats(track: ArchivedTrack, thin: IntArray, used: BoolArray) -> FloatArray:
    """Log density of the track's heights had another aircraft flown it [D]."""
    up = track.position_enu_m[thin, 2]
    sigma = np.hypot(OTHER_CLIMB_MPS * np.diff(track.at_us[thin]) / 1e6, track.up_sigma_m[thin[1:]])
    walk = -0.5 * (np.diff(up) / sigma) ** 2 - 0.5 * np.log(2 * np.pi * sigma**2)
    start = -0.5 * np.log(2 * np.pi * OTHER_HEIGHT_SIGMA_M**2)
    each = np.broadcast_to(np.concatenate([[start], walk]), used.shape).copy()
    any_used = used.any(axis=1)
    first = np.argmax(used, axis=1)
    each[np.flatnonzero(any_used), first[any_used]] = start
    out: FloatArray = np.where(used, each, 0.0).sum(axis=1)
    return out
