"""What the confirmed tracks look like, all at once: running statistics, features and the evidence matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from araz.incidents._fall import wind_enu_mps
from araz.incidents._state import Context, Stats
from araz.incidents._weights import CLASS_WITHOUT_ECHO, LIKENESS_CUES, LIKENESS_PRIOR
from araz.vocabulary import BoolArray, Claim, ClaimKind, FloatArray, IntArray, TrackClass, TrackPicture

#: Memory of the running means: long enough that a bird shows its wandering, short enough to forget a turn.
MEAN_TAU_S: Final = 12.0
#: The course is held against its own mean over this time: a bird has turned by then, a drone on a leg has not.
LAG_TAU_S: Final = 7.0
#: Turn (rad, one sigma) within the lag of something that wanders; a drone turns in this share of its seconds only.
WANDER_RAD: Final = 0.3
DRONE_TURNS: Final = 0.03
#: Seconds of one flight repeat themselves: only one in this many counts as new evidence, and it is forgotten slowly.
COURSE_REPEATS_S: Final = 8.0
COURSE_FORGET_S: Final = 120.0
#: The course of something slower than this says nothing.
COURSE_MIN_MPS: Final = 2.5
#: Who never surely moved faster than this may stand; that it does is said from these log odds on, and from less in its
#: first seconds: of what is seen but now and then the plots may be of several birds.
STAND_MPS: Final = 2.5
STAND_NATS: Final = 2.5
STAND_SOON_NATS: Final = 2.0
STAND_SOON_S: Final = 8.0
#: What the filter makes of two first plots can be too sure of itself: who is fast by two sigma, but never was by three,
#: must show more.
TOP_SIGMAS: Final = (2.0, 3.0)
STAND_DOUBTED_NATS: Final = 3.5
#: What stands wavers by this (one sigma an axis); birds fly at this speed over ground, either way along it and across.
WAVERS_MPS: Final = 1.0
BIRD_MPS: Final = (9.0, 3.0)
_DIRECTIONS: Final = np.arange(16) * (2.0 * np.pi / 16)
#: Beside another track this near their plots may be mixed up: that one of them stands says nothing.
CROWD_M: Final = 150.0
#: A flock: two or more others this close at about the same velocity.
FLOCK_M: Final = 80.0
FLOCK_MPS: Final = 6.0
FLOCK_TAU_S: Final = 20.0
#: A crossing within the site's prediction time is foreseen from this chance on: at an even chance the noise of the
#: speed alone tells every second one late. Its path is then followed this much farther than that time.
CROSS_PROBABILITY: Final = 0.3
FARTHER: Final = 1.25
#: No track is judged by its motion before it was watched this long with this many updates.
MIN_AGE_S: Final = 3.0
MIN_UPDATES: Final = 4
#: What stands is told by its plots that stay together: sooner, and by a radar's, for a claim can say anything.
MIN_STANDING_AGE_S: Final = 1.0
MIN_STANDING_UPDATES: Final = 3
CLAIM_NONE, CLAIM_DRONE, CLAIM_MANNED, CLAIM_OTHER = 0, 1, 2, 3
_CLAIM_CODES: Final = {
    ClaimKind.REMOTE_ID: CLAIM_DRONE,
    ClaimKind.DRONE_ID: CLAIM_DRONE,
    ClaimKind.ADSB: CLAIM_MANNED,
    ClaimKind.MODE_S: CLAIM_MANNED,
}
_COLUMN: Final = {cue.name: i for i, cue in enumerate(LIKENESS_CUES)}


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of n confirmed tracks, one row each; ``row`` points into the picture. SI, ENU.

    ``closing_mps`` is the speed towards the line seen from outside (positive: coming). ``time_to_line_s`` [n] is NaN
    when no crossing within the site's prediction time is foreseen, or the present velocity leads nowhere over the line;
    ``cross_probability`` [n] is the chance of one, from the covariance of place and velocity.
    """

    row: IntArray
    track_id: IntArray
    speed_mps: FloatArray
    agl_m: FloatArray
    border_m: FloatArray
    border_sigma_m: FloatArray
    closing_mps: FloatArray
    time_to_line_s: FloatArray
    cross_probability: FloatArray
    steadiness: FloatArray
    course_nats: FloatArray
    course_sigma_rad: FloatArray
    flock_share: FloatArray
    age_s: FloatArray
    claim_code: IntArray
    sensor_kinds: IntArray
    is_mature: BoolArray
    is_standing: BoolArray
    """Its velocity says that it stands, apart from all others, and it was never surely seen to move."""
    is_crowded: BoolArray
    """Another track is so near that plots of the two may be mixed up."""


def claim_codes(claim_key: IntArray, claims: Mapping[int, Claim]) -> IntArray:
    """What each track's claim says it is: none, a drone, a manned aircraft, or something else [n]."""
    if not claim_key.any():
        return np.zeros(claim_key.shape, dtype=np.int64)
    return np.array([_claim_code(int(key), claims) for key in claim_key], dtype=np.int64)


def _claim_code(key: int, claims: Mapping[int, Claim]) -> int:
    if key == 0:
        return CLAIM_NONE
    claim = claims.get(key)
    return CLAIM_OTHER if claim is None else _CLAIM_CODES.get(claim.kind, CLAIM_OTHER)


def course_sigma_rad(speed: FloatArray, speed_sigma: FloatArray) -> FloatArray:
    """Noise of a course, one sigma [n]: ``√(0.05² + (0.7 σ_v / v)²)``, rad; from 1 m/s on."""
    return np.asarray(np.hypot(0.05, 0.7 * speed_sigma / np.maximum(speed, 1.0)), dtype=np.float64)


def course_nats(
    velocity: FloatArray, lag_east: FloatArray, lag_north: FloatArray, speed: FloatArray, speed_sigma: FloatArray
) -> FloatArray:
    """Log odds of one look at the course [n]: drone on a leg against wanderer, from the turn ``x`` since the lag.

    Drone: 97 % N(0, s²), else any turn; wanderer: N(0, s² + 0.3²); s² = 0.05² + (0.7 σ_v / v)², so a slow or ill-known
    velocity says little. **Units** m/s, rad. **Source** a likelihood ratio; 0.3 rad in 7 s is judgement.
    """
    cross = velocity[:, 0] * lag_north - velocity[:, 1] * lag_east
    along = velocity[:, 0] * lag_east + velocity[:, 1] * lag_north
    turn = np.arctan2(cross, along)
    noise = course_sigma_rad(speed, speed_sigma) ** 2
    wide = noise + WANDER_RAD**2
    drone = (1.0 - DRONE_TURNS) * np.exp(-0.5 * turn**2 / noise) / np.sqrt(2.0 * np.pi * noise) + DRONE_TURNS / np.pi
    bird = np.exp(-0.5 * turn**2 / wide) / np.sqrt(2.0 * np.pi * wide) + 1e-3
    return np.asarray(np.log(drone / bird), dtype=np.float64)


def standing_nats(velocity: FloatArray, spread: FloatArray) -> FloatArray:
    """Log odds of one look at the velocity [n, 2] with its covariance [n, 2, 2]: standing against flying like a bird.

    ``ln N(v; 0, C + 1²) − ln mean_θ N(v; 9 m/s towards θ, C + 3²)``: a bird's speed over ground in any direction.
    **Units** m/s. **Source** a likelihood ratio; the bird's speeds are judgement. Not finite where C is not.
    """

    def log_normal(off: FloatArray, c: FloatArray) -> FloatArray:
        xx, xy, yy = c[:, 0, 0], c[:, 0, 1], c[:, 1, 1]
        det = xx * yy - xy**2
        x, y = off[..., 0], off[..., 1]
        return np.asarray(-0.5 * (yy * x * x - 2.0 * xy * x * y + xx * y * y) / det - 0.5 * np.log(det))

    speed, sigma = BIRD_MPS
    ring = speed * np.stack([np.cos(_DIRECTIONS), np.sin(_DIRECTIONS)], axis=1)
    flies = log_normal(velocity[None, :, :] - ring[:, None, :], spread + sigma**2 * np.eye(2))
    flies = np.logaddexp.reduce(flies, axis=0) - np.log(len(_DIRECTIONS))
    return np.asarray(log_normal(velocity, spread + WAVERS_MPS**2 * np.eye(2)) - flies)


def flock_now(position: FloatArray, velocity: FloatArray) -> FloatArray:
    """1 where two or more other tracks fly within ``FLOCK_M`` at about the same velocity, else 0 [n]."""
    gap = np.hypot(position[:, None, 0] - position[None, :, 0], position[:, None, 1] - position[None, :, 1])
    drift = np.hypot(velocity[:, None, 0] - velocity[None, :, 0], velocity[:, None, 1] - velocity[None, :, 1])
    beside = (gap < FLOCK_M) & (drift < FLOCK_MPS)
    return np.asarray(beside.sum(axis=1) >= 3, dtype=np.float64)


def crowded(position: FloatArray) -> BoolArray:
    """Which places have another within ``CROWD_M`` on the ground plane [n]."""
    gap = np.hypot(position[:, None, 0] - position[None, :, 0], position[:, None, 1] - position[None, :, 1])
    return np.asarray((gap < CROWD_M).sum(axis=1) >= 2, dtype=np.bool_)


def update_stats(
    stats: Stats, picture: TrackPicture, rows: IntArray, speed: FloatArray, speed_sigma: FloatArray, stale_us: int
) -> Stats:
    """Statistics after one more second; tracks no longer in ``rows`` are dropped, new ones start."""
    order = np.argsort(picture.track_id[rows], kind="stable")
    ids = picture.track_id[rows][order]
    velocity = picture.velocity_enu_mps[rows][order]
    speed, speed_sigma = speed[order], speed_sigma[order]
    at = np.full(ids.shape, picture.at_us, dtype=np.int64)
    unit = velocity[:, :2] / np.maximum(speed, 0.5)[:, None]
    place = np.minimum(np.searchsorted(stats.track_id, ids), max(stats.track_id.size - 1, 0))
    known = stats.track_id[place] == ids if stats.track_id.size else np.zeros(ids.shape, dtype=np.bool_)

    def before(values: FloatArray, start: FloatArray) -> FloatArray:
        return np.where(known, values[place], start) if stats.track_id.size else start

    step_s = np.where(known, (at - stats.at_us[place]) * 1e-6, 0.0) if stats.track_id.size else np.zeros(ids.shape)
    step_s = np.maximum(step_s, 0.0)
    zero = np.zeros(ids.shape)

    def mean(values: FloatArray, new: FloatArray, tau_s: float = MEAN_TAU_S) -> FloatArray:
        old = before(values, new)
        return old + (1.0 - np.exp(-step_s / tau_s)) * (new - old)

    def top(values: FloatArray, sigmas: float) -> FloatArray:
        return np.maximum(before(values, zero), np.where(is_fresh_now, speed - sigmas * speed_sigma, 0.0))

    lag = before(stats.lag_east_mps, velocity[:, 0]), before(stats.lag_north_mps, velocity[:, 1])
    is_fresh_now = picture.at_us - picture.updated_at_us[rows][order] <= stale_us
    is_fresh = (speed > COURSE_MIN_MPS) & is_fresh_now
    look = np.where(is_fresh, course_nats(velocity, *lag, speed, speed_sigma), 0.0)
    course = before(stats.course_nats, zero) * np.exp(-step_s / COURSE_FORGET_S) + look * step_s / COURSE_REPEATS_S
    cue = LIKENESS_CUES[_COLUMN["course"]]
    flock = flock_now(picture.position_enu_m[rows][order], velocity)
    return Stats(
        track_id=ids,
        at_us=at,
        heading_east=mean(stats.heading_east, unit[:, 0]),
        heading_north=mean(stats.heading_north, unit[:, 1]),
        mean_speed_mps=mean(stats.mean_speed_mps, speed),
        lag_east_mps=mean(stats.lag_east_mps, velocity[:, 0], LAG_TAU_S),
        lag_north_mps=mean(stats.lag_north_mps, velocity[:, 1], LAG_TAU_S),
        course_nats=np.clip(course, cue.weight_against, cue.weight_for),
        flock_share=mean(stats.flock_share, flock, FLOCK_TAU_S),
        top_mps=top(stats.top_mps, TOP_SIGMAS[0]),
        sure_top_mps=top(stats.sure_top_mps, TOP_SIGMAS[1]),
    )


def _sides(context: Context, position: FloatArray, velocity: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Signed distance to the line and speed towards it, both [n]."""
    n = position.shape[0]
    ahead = position[:, :2] + velocity[:, :2]
    east = np.concatenate([position[:, 0], ahead[:, 0]])
    north = np.concatenate([position[:, 1], ahead[:, 1]])
    signed = np.asarray(context.place.border.signed_distance_m(east, north), dtype=np.float64)
    return signed[:n], signed[:n] - signed[n:]


def time_to_line_s(context: Context, position: FloatArray, velocity: FloatArray, horizon_s: float) -> FloatArray:
    """Seconds until each straight path first lies inside [n]; NaN when not within ``horizon_s``."""
    grid = np.linspace(0.0, horizon_s, 25)
    east = position[:, 0, None] + velocity[:, 0, None] * grid
    north = position[:, 1, None] + velocity[:, 1, None] * grid
    signed = np.asarray(context.place.border.signed_distance_m(east.ravel(), north.ravel())).reshape(east.shape)
    inside = signed < 0.0
    first = np.argmax(inside, axis=1)
    result = np.full(position.shape[0], np.nan)
    for i in np.flatnonzero(inside.any(axis=1) & (first > 0)):
        k = int(first[i])
        a, b = signed[i, k - 1], signed[i, k]
        result[i] = grid[k - 1] + (grid[k] - grid[k - 1]) * a / (a - b)
    return result


def _kinds_of(context: Context, mask: IntArray) -> IntArray:
    """How many kinds of sensors have seen each track [n]."""
    kinds = (context.claim_bits, context.radar_bits, context.bearing_bits, context.people_bits)
    return np.asarray(np.sum([(mask & bits) != 0 for bits in kinds], axis=0), dtype=np.int64)


def _stands(context: Context, stats: Stats, picture: TrackPicture, rows: IntArray, age_s: FloatArray) -> BoolArray:
    """Whether a radar's plots say of each track that it stands, and never surely moved [n]."""
    nats = standing_nats(picture.velocity_enu_mps[rows][:, :2], picture.covariance[rows][:, 3:5, 3:5])
    least = np.where(age_s <= STAND_SOON_S, STAND_SOON_NATS, STAND_NATS)
    return np.asarray(
        (nats >= np.where(stats.top_mps < STAND_MPS, least, STAND_DOUBTED_NATS))
        & (picture.update_count[rows] >= MIN_STANDING_UPDATES)
        & (age_s >= MIN_STANDING_AGE_S)
        & ((picture.sensor_mask[rows] & context.radar_bits) != 0)
        & (stats.sure_top_mps < STAND_MPS)
        & (picture.at_us - picture.updated_at_us[rows] <= context.stale_us)
    )


def features_of(
    context: Context, stats: Stats, picture: TrackPicture, claims: Mapping[int, Claim]
) -> tuple[Features, Stats]:
    """Features of every confirmed track, and the statistics after them."""
    settings = context.place.site.alarms
    finite = np.isfinite(picture.position_enu_m).all(axis=1) & np.isfinite(picture.velocity_enu_mps).all(axis=1)
    rows = np.flatnonzero(picture.is_confirmed & finite)
    rows = rows[np.argsort(picture.track_id[rows], kind="stable")]
    position, velocity = picture.position_enu_m[rows], picture.velocity_enu_mps[rows]
    covariance = picture.covariance[rows]
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    agl = np.asarray(context.place.terrain.height_agl_m(position), dtype=np.float64)
    position_sigma = np.sqrt(np.maximum(0.5 * (covariance[:, 0, 0] + covariance[:, 1, 1]), 0.0))
    speed_sigma = np.sqrt(np.maximum(0.5 * (covariance[:, 3, 3] + covariance[:, 4, 4]), 0.0))
    stats = update_stats(stats, picture, rows, speed, speed_sigma, context.stale_us)
    border, closing = _sides(context, position, velocity)
    horizon = settings.predict_s
    spread = np.maximum(np.hypot(position_sigma, horizon * np.hypot(speed_sigma, 1.0)), 1.0)
    cross: FloatArray = ndtr((closing * horizon - border) / spread)
    to_line = np.full(rows.shape, np.nan)
    coming = np.flatnonzero(
        (border > 0.0) & (closing > 0.5) & (border < closing * horizon * 2.0) & (cross >= CROSS_PROBABILITY)
    )
    if coming.size:
        to_line[coming] = time_to_line_s(context, position[coming], velocity[coming], horizon * FARTHER)
    is_crowded = crowded(position)
    age: FloatArray = (picture.updated_at_us[rows] - picture.started_at_us[rows]).astype(np.float64) * 1e-6
    updates, exists = picture.update_count[rows], picture.existence[rows] >= settings.min_existence
    is_standing = exists & _stands(context, stats, picture, rows, age) & ~is_crowded
    return (
        Features(
            row=rows,
            track_id=picture.track_id[rows],
            speed_mps=speed,
            agl_m=agl,
            border_m=border,
            border_sigma_m=position_sigma,
            closing_mps=closing,
            time_to_line_s=to_line,
            cross_probability=cross,
            steadiness=np.hypot(stats.heading_east, stats.heading_north),
            course_nats=stats.course_nats,
            course_sigma_rad=course_sigma_rad(speed, speed_sigma),
            flock_share=stats.flock_share,
            age_s=age,
            claim_code=claim_codes(picture.claim_key[rows], claims),
            sensor_kinds=_kinds_of(context, picture.sensor_mask[rows]),
            is_mature=is_standing | (exists & (updates >= MIN_UPDATES) & (age >= MIN_AGE_S)),
            is_crowded=is_crowded,
            is_standing=is_standing,
        ),
        stats,
    )


def is_night(at_us: int, longitude_deg: float) -> bool:
    """Local mean solar time between 20:00 and 05:00."""
    hour = (at_us / 3_600_000_000.0 + longitude_deg / 15.0) % 24.0
    return hour >= 20.0 or hour < 5.0


def evidence(
    context: Context,
    picture: TrackPicture,
    seen: Features,
    stats: Stats,
    contradicted: BoolArray,
    heard: BoolArray,
    hovered: BoolArray,
    rose: BoolArray,
    stood: BoolArray,
) -> FloatArray:
    """Log odds each cue moves for each track [n, cues], columns as ``LIKENESS_CUES``."""
    n, site = seen.row.shape[0], context.place.site
    result = np.zeros((n, len(LIKENESS_CUES)))

    def put(name: str, is_for: BoolArray, is_against: BoolArray | None = None) -> None:
        cue = LIKENESS_CUES[_COLUMN[name]]
        column = np.where(is_for, cue.weight_for, 0.0)
        result[:, _COLUMN[name]] = column if is_against is None else np.where(is_against, cue.weight_against, column)

    chance = picture.class_probability[seen.row]
    drone = chance[:, TrackClass.MULTIROTOR] + chance[:, TrackClass.FIXED_WING_DRONE]
    other = chance[:, TrackClass.BIRD] + chance[:, TrackClass.BALLOON] + chance[:, TrackClass.MANNED_AIRCRAFT]
    cue = LIKENESS_CUES[_COLUMN["class"]]
    ratio = np.log((np.nan_to_num(drone) + 0.03) / (np.nan_to_num(other) + 0.03))
    rcs = picture.rcs_dbsm[seen.row]
    # Without an echo the class rests on speed and height, in which birds and drones are alike.
    trust = np.where(np.isfinite(rcs), 1.0, CLASS_WITHOUT_ECHO)
    result[:, _COLUMN["class"]] = trust * np.clip(ratio, cue.weight_against, cue.weight_for)
    speed, nothing = stats.mean_speed_mps, np.zeros(n, dtype=np.bool_)
    put("speed", (speed >= 9.0) & (speed <= 35.0), speed > 35.0)
    high = seen.agl_m > site.alarms.manned_altitude_agl_m
    put("fast", nothing, (speed > 50.0) | ((speed > 35.0) & high))
    result[:, _COLUMN["course"]] = seen.course_nats
    put("flock", nothing, seen.flock_share > 0.5)
    put("hover", hovered)
    put("rose", rose)
    put("stood", stood)
    put("height", (seen.agl_m > 5.0) & (seen.agl_m < 1200.0), seen.agl_m > 2000.0)
    put("manned claim", nothing, (seen.claim_code == CLAIM_MANNED) & ~contradicted)
    put("remote id", (seen.claim_code == CLAIM_DRONE) & ~contradicted)
    put("echo", (rcs >= -20.0) & (rcs <= 0.0), (rcs < -25.0) | (rcs > 3.0))
    put("people", heard)
    night = np.full(n, is_night(picture.at_us, site.origin_longitude_deg))
    put("toward us", night & np.isfinite(seen.time_to_line_s))
    put("sensors", (seen.sensor_kinds >= 2) & ~contradicted)
    put("radar", (picture.sensor_mask[seen.row] & context.radar_bits) != 0)
    updates = picture.update_count[seen.row]
    # What starts is young by its nature.
    put("life", (seen.age_s >= 15.0) & (updates >= 10), ((seen.age_s < 5.0) | (updates < 5)) & ~stood)
    air = wind_enu_mps(site.wind)
    drift = np.hypot(picture.velocity_enu_mps[seen.row, 0] - air[0], picture.velocity_enu_mps[seen.row, 1] - air[1])
    put("wind", nothing, np.full(n, site.wind.speed_mps > 2.0) & (drift < 1.5) & (seen.age_s > 8.0))
    return result


def likeness(weights: FloatArray) -> FloatArray:
    """Probability that each track is a drone [n]: logistic of the prior and the sum of its evidence [n, cues]."""
    result: FloatArray = 1.0 / (1.0 + np.exp(-(LIKENESS_PRIOR + weights.sum(axis=1))))
    return result


def without_youth(probability: FloatArray, weights: FloatArray) -> FloatArray:
    """The likeness [n] without what its short life speaks against it; ``weights`` [n, cues]."""
    youth = np.minimum(weights[:, _COLUMN["life"]], 0.0)
    result: FloatArray = probability / (probability + (1.0 - probability) * np.exp(youth))
    return result
