"""What drifts: a balloon told from a slow drone by the wind, and where it will come down."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from araz.incidents._fall import WIND_SIGMA_MPS, Spread, areas_around, largest_m, matrix, wind_enu_mps
from araz.incidents._sentences import minutes_words, side_words
from araz.incidents._state import Memory, Told
from araz.incidents._work import Work, track_name
from araz.vocabulary import FloatArray, IdentityVerdict, IncidentKind, Reason, phrase, reason

#: Drift is judged over this long, and not before so much of it was seen.
WINDOW_US: Final = 60_000_000
LEAST_US: Final = 40_000_000
#: Winds near the ground: Rayleigh with this scale (median 4.7 m/s); drones on their way: normal about 13 m/s.
WIND_SCALE_MPS: Final = 4.0
DRONE_MPS: Final = (13.0, 4.0)
#: A drone may fly any way through the air, up to this fast: what the wind's agreement is held against.
DRONE_AIR_MPS: Final = 15.0
#: A balloon keeps its velocity within gusts and the tracker's own noise.
STEADY_MPS: Final = 1.6
#: Nats: balloons are rarer than drones; the site's wind is a night's mean and can only so far speak against.
PRIOR: Final = -3.0
STEADY, UNSTEADY = 1.0, -3.0
WIND_LEAST, WIND_MOST = -1.0, 3.5
COMPANIONS, COMPANION_MPS = 2.0, 1.5
#: What floats free does not keep to so little height for a minute, and sends no claim to be an aircraft or a drone.
LOW_AGL_M, LOW = 20.0, -3.0
#: Nothing drifts so slowly for a minute; the tracker makes so much of a stop at most.
STANDS_MPS, STANDS = 1.0, -5.0
CLAIMS: Final = -5.0
SAID_PROBABILITY: Final = 0.6
STAYS_PROBABILITY: Final = 0.3
FOLLOWS_S: Final = 15.0
#: It sinks when it loses so much height a second for two minutes (it bobs by less), by four standard errors; else it is
#: foretold this far ahead. What was said is said anew after this at the earliest.
SINKING_MPS: Final = 0.5
SINKING_SIGMAS: Final = 4.0
CLIMB_US: Final = 120_000_000
SAY_EVERY_US: Final = 180_000_000
AHEAD_S: Final = 1800.0
#: How the wind it flies in changes: by so much in the time ahead (one sigma), and its rate of sinking by this share.
SHEAR_MPS: Final = 1.0
SINK_SHARE: Final = 0.3


class Drift(NamedTuple):
    """The mean of a minute: place now, velocity, its scatter about it and the climb; ENU metres and m/s."""

    east_m: float
    north_m: float
    agl_m: float
    v_east_mps: float
    v_north_mps: float
    scatter_mps: float
    sink_mps: float
    """Surely lost height a second; 0 when it rises, keeps its height, or may."""

    @property
    def speed_mps(self) -> float:
        """Over ground."""
        return math.hypot(self.v_east_mps, self.v_north_mps)


class Forecast(NamedTuple):
    """Where it will be: down when ``is_landing``, else still up after half an hour."""

    is_landing: bool
    in_s: float
    centre_m: tuple[float, float]
    spread: Spread


def drift_of(memory: Memory, now_us: int) -> Drift | None:
    """The drift of a track that was seen all the last minute; None before that, and for what was lost on the way."""
    drift = _minute_of(memory, now_us)
    return None if drift is None else drift._replace(sink_mps=_sink_mps(memory, now_us))


def _minute_of(memory: Memory, now_us: int) -> Drift | None:
    """The drift without the rate of sinking (NaN), which only a balloon's forecast asks for."""
    window = memory.since(now_us - WINDOW_US)
    if len(window) < 30 or window[-1].at_us - window[0].at_us < LEAST_US:
        return None
    span_s = (window[-1].at_us - window[0].at_us) * 1e-6
    _, x, y, _, v_east, v_north, *_ = zip(*window, strict=True)
    # From places, not from the filter's velocities: its lag and noise are not in the mean of a minute.
    east, north = ((sum(p[-5:]) - sum(p[:5])) / 5.0 / (span_s - 4.0) for p in (x, y))
    n, at = len(window), window[-1]
    scatter = math.hypot(math.dist(v_east, (east,) * n), math.dist(v_north, (north,) * n)) / math.sqrt(2.0 * n)
    return Drift(at.east_m, at.north_m, at.agl_m, east, north, scatter, math.nan)


def _sink_mps(memory: Memory, now_us: int) -> float:
    """Rate of sinking over the last minute, where a line through two minutes of heights says surely that it sinks."""
    heights = np.array([(s.at_us * 1e-6, s.up_m) for s in memory.since(now_us - CLIMB_US)])
    if heights[-1, 0] - heights[0, 0] < 0.8e-6 * CLIMB_US:
        return 0.0
    slope, error = _slope(heights)
    if slope > -SINKING_MPS or slope > -SINKING_SIGMAS * error:
        return 0.0
    late, _ = _slope(heights[heights[:, 0] >= heights[-1, 0] - 0.5e-6 * CLIMB_US])
    return max(-late, SINKING_MPS)


def _slope(heights: FloatArray) -> tuple[float, float]:
    """Slope and its standard error; a filter's heights are alike for seconds: one sample in five counts."""
    t, up = heights[:, 0] - heights[:, 0].mean(), heights[:, 1] - heights[:, 1].mean()
    slope = float(t @ up / (t @ t))
    noise = up - slope * t
    return slope, math.sqrt(5.0 * float(noise @ noise) / len(t) / float(t @ t))


class Cues(NamedTuple):
    """What speaks for and against a balloon, natural-log odds, in the order in which they are said; 0 says nothing."""

    wind: float
    speed: float
    steady: float
    companions: float
    stands: float
    low: float
    claims: float


def balloon_cues(drift: Drift, air_mps: FloatArray, companions: int, has_claim: bool = False) -> Cues:
    """What speaks for and against a balloon, natural-log odds: velocity against the wind's, its speed, its steadiness.

    wind: ``ln N₂(v − w; 2 m/s) π 15²`` between −1 and 3.5 (the site's wind is a night's mean); speed: Rayleigh(4 m/s)
    of winds over the normal (13, 4) of drones on their way; steady within 1.6 m/s; others that drift alike; against it
    slower than 1 m/s, below 20 m over ground, and with a claim that nobody contradicts.
    """
    off = _off_mps(drift, air_mps)
    likelihood = math.log(DRONE_AIR_MPS**2 / (2.0 * WIND_SIGMA_MPS**2)) - 0.5 * (off / WIND_SIGMA_MPS) ** 2
    speed, (mean, sigma) = max(drift.speed_mps, 0.3), DRONE_MPS
    slow = math.log(speed / WIND_SCALE_MPS**2) - 0.5 * (speed / WIND_SCALE_MPS) ** 2
    slow -= -math.log(sigma * math.sqrt(2.0 * math.pi)) - 0.5 * ((speed - mean) / sigma) ** 2
    return Cues(
        wind=round(min(max(likelihood, WIND_LEAST), WIND_MOST), 2),
        speed=round(min(max(slow, -4.0), 2.0), 2),
        steady=STEADY if drift.scatter_mps <= STEADY_MPS else UNSTEADY,
        companions=COMPANIONS if companions >= 2 else 0.0,
        stands=STANDS if drift.speed_mps < STANDS_MPS else 0.0,
        low=LOW if drift.agl_m < LOW_AGL_M else 0.0,
        claims=CLAIMS if has_claim else 0.0,
    )


def _off_mps(drift: Drift, air_mps: FloatArray) -> float:
    return float(np.hypot(drift.v_east_mps - air_mps[0], drift.v_north_mps - air_mps[1]))


def _reasons(cues: Cues, drift: Drift, air_mps: FloatArray, companions: int) -> list[Reason]:
    """The cues in words; those that say nothing are left out."""
    words = (
        phrase("why.off-wind", speed=f"{_off_mps(drift, air_mps):.0f}"),
        phrase("why.as-wind", speed=f"{max(drift.speed_mps, 0.3):.0f}"),
        phrase("why.kept", scatter=f"{drift.scatter_mps:.1f}"),
        phrase("why.companions", count=companions),
        phrase("why.stands"),
        phrase("why.only-height", height=f"{max(drift.agl_m, 0.0):.0f}"),
        phrase("why.claims"),
    )
    return [reason(text, weight) for text, weight in zip(words, cues, strict=True) if weight != 0.0]


def forecast(drift: Drift) -> Forecast:
    """Where a balloon comes down, or is in half an hour: place + velocity × time; the balloon is its own wind gauge.

    Time to the ground: height / rate of sinking, 30 % (one sigma); the wind it meets differs by 1 m/s an axis.
    """
    t = max(drift.agl_m, 0.0) / drift.sink_mps if drift.sink_mps > 0.0 else math.inf
    is_landing, t = (True, max(t, 1.0)) if t <= AHEAD_S else (False, AHEAD_S)
    x, y = drift.v_east_mps, drift.v_north_mps
    wide, time = (SHEAR_MPS * t) ** 2 + 60.0**2, (SINK_SHARE * t) ** 2 if is_landing else 0.0
    return Forecast(
        is_landing, t, (drift.east_m + x * t, drift.north_m + y * t),
        (wide + time * x * x, time * x * y, wide + time * y * y),
    )  # fmt: skip


def judge_balloons(work: Work) -> list[int]:
    """Note how likely each watched track is a balloon, say it once with its forecast; gives those that are."""
    drifts = {
        track: drift
        for track, memory in work.memories.items()
        if memory.heir is None
        and work.now_us - memory.updated_us <= work.context.stale_us
        and (drift := _minute_of(memory, work.now_us)) is not None
    }
    air, found = wind_enu_mps(work.context.place.site.wind), []
    velocity = np.array([(drift.v_east_mps, drift.v_north_mps) for drift in drifts.values()]).reshape(-1, 2)
    off = velocity[:, None] - velocity
    companions = (np.hypot(off[..., 0], off[..., 1]) < COMPANION_MPS).sum(axis=1) - 1
    for (track, drift), alike in zip(drifts.items(), companions.tolist(), strict=True):
        identity = work.identities.get(track)
        has_claim = identity is not None and identity.verdict is not IdentityVerdict.CONTRADICTED
        cues = balloon_cues(drift, air, alike, has_claim)
        chance = 1.0 / (1.0 + math.exp(-(PRIOR + sum(cues))))
        before = work.memories[track]
        # One minute's figures are a noisy witness: the belief follows them over a quarter of a minute.
        chance = before.balloon + (chance - before.balloon) / FOLLOWS_S
        memory = before._replace(balloon=chance)
        is_one = chance >= (SAID_PROBABILITY if memory.forecast is None else STAYS_PROBABILITY)
        if is_one and memory.likely_since_us is not None:
            memory = _say(work, memory, drift, chance, partial(_reasons, cues, drift, air, alike))
            found.append(track)
        work.memories[track] = memory
    return found


def _say(work: Work, memory: Memory, drift: Drift, chance: float, reasons: Callable[[], list[Reason]]) -> Memory:
    """The incident, once; again when the forecast has left the area that was said."""
    before = memory.forecast
    if before is not None and work.now_us - before.said_us < SAY_EVERY_US:
        return memory
    ahead = forecast(drift._replace(sink_mps=_sink_mps(memory, work.now_us)))
    if before is not None and not _is_news(before, ahead):
        return memory
    cues = reasons()
    incident = work.incident(
        IncidentKind.BALLOON, work.now_us + int(ahead.in_s * 1e6),
        phrase("event.balloon", track=track_name(memory.track_id), speed=f"{drift.speed_mps:.0f}",
               height=f"{drift.agl_m:.0f}", forecast=forecast_words(work, ahead)),
        confidence=chance * memory.belief, track=memory.track_id,
        areas=areas_around(work.context.place, *ahead.centre_m, matrix(ahead.spread)),
        reasons_for=[cue for cue in cues if cue.weight > 0.0], reasons_against=[c for c in cues if c.weight < 0.0],
        supersedes=memory.latest_incident(IncidentKind.BALLOON),
    )  # fmt: skip
    memory = memory.with_incident(IncidentKind.BALLOON, work.now_us, incident)
    return memory._replace(forecast=Told(work.now_us, ahead.centre_m, ahead.is_landing))


def _is_news(before: Told, ahead: Forecast) -> bool:
    """Whether a forecast says another thing: half an hour ahead moves on with the balloon, a landing place stays."""
    if before.is_landing is not ahead.is_landing:
        return True
    moved = math.hypot(before.centre_m[0] - ahead.centre_m[0], before.centre_m[1] - ahead.centre_m[1])
    return ahead.is_landing and moved > largest_m(ahead.spread)


def forecast_words(work: Work, ahead: Forecast) -> str:
    """``comes down 2.1 km inside in 4–8 min.`` or where it is in half an hour if it stays up."""
    border = float(work.context.place.border.signed_distance_m(*(np.array([x]) for x in ahead.centre_m))[0])
    where = side_words(border)
    if ahead.is_landing:
        return phrase("card.comes-down", side=where, when=minutes_words(0.7 * ahead.in_s, 1.4 * ahead.in_s))
    return phrase("card.stays-up", side=where, minutes=f"{ahead.in_s / 60.0:.0f}")
