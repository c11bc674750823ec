"""A release in flight: a fixed wing that flies over the place, lets go, and is lighter after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Final

import numpy as np

from araz.geography import Place
from araz.incidents._fall import PASS_QUANTILES, areas_around, fall
from araz.incidents._state import Drop, Memory, Sample
from araz.vocabulary import FloatArray, phrase, reason

#: Looked for once it has turned this far off the course it came on and flies home for so many seconds.
TURNED_DEG: Final = 120.0
HOME_SAMPLES: Final = 4
#: Seconds compared before and after each moment; a turn or a gust within them is averaged.
BEFORE_US: Final = 15_000_000
AFTER_US: Final = (3_000_000, 18_000_000)
LEAST_SAMPLES: Final = 5
#: What each sign is worth, natural-log odds a unit, and the most it may say: nobody has labelled releases in flight.
CLIMB_M: Final = 12.0
GAIN_MPS: Final = 1.5
BEND_DEG: Final = 30.0
MOST_NATS: Final = 2.0
PRIOR_NATS: Final = -2.5
MIN_PROBABILITY: Final = 0.55
MOST_PROBABILITY: Final = 0.85
#: The tracker shows a change of course and height about this long after it, give or take (one sigma), and so far off.
LAG_US: Final = 3_000_000
MOMENT_S: Final = 2.0
ASIDE_M: Final = 15.0
#: Each of the three must speak: a turn for home alone is no release.
LEAST_NATS: Final = 0.2
SLOWEST_MPS: Final = 8.0


def find_pass(place: Place, memory: Memory) -> Drop | None:
    """The likeliest release in flight of a track that came over the line, never stopped, and flies home again.

    At each moment inside: ``Σ clip(change / unit, 0, 2)`` of height, speed and course, mean of 3–18 s after less mean
    of 15 s before. The moment with the largest sum, less the tracker's lag of 3 s, is named; the logistic of the sum
    (prior −2.5) is the belief, at most 0.85. None while nothing, or too little, speaks for one. The area is the fall
    from there, widened by 2 s along the way and 15 m, with the tails of simulated drops.
    """
    crossed = memory.crossed_at_us
    if crossed is None or memory.drop is not None or memory.returned_at_us is not None or memory.hover is not None:
        return None
    if not _nears_the_line(memory, crossed):
        return None
    inside = [s for s in memory.since(crossed) if s.border_m < 0.0]
    if len(inside) < 4 * LEAST_SAMPLES or not _has_turned(inside):
        return None
    scores = _signs(inside)
    k = int(np.argmax(scores.sum(axis=1)))
    probability = min(1.0 / (1.0 + math.exp(-(PRIOR_NATS + float(scores[k].sum())))), MOST_PROBABILITY)
    if probability < MIN_PROBABILITY:
        return None
    before = [s for s in inside if s.at_us <= inside[k].at_us - LAG_US]
    return _drop(place, before[-1] if before else inside[k], probability, scores[k])


def _nears_the_line(memory: Memory, crossed_us: int) -> bool:
    """Whether its last seconds inside each brought it nearer to the line: asked first, since few do."""
    inside = (s for s in reversed(memory.history) if s.border_m < 0.0 and s.at_us >= crossed_us)
    return all(later.border_m > sooner.border_m for later, sooner in pairwise(islice(inside, HOME_SAMPLES)))


def _has_turned(inside: Sequence[Sample]) -> bool:
    came, goes = _course(inside[: len(inside) // 4]), _course(inside[-HOME_SAMPLES:])
    return _angle_deg(came, goes) >= TURNED_DEG


def _signs(inside: Sequence[Sample]) -> FloatArray:
    """Log odds that height, speed and course give to a release at each sample [n, 3]."""
    at = np.array([s.at_us for s in inside])
    velocity = np.array([(s.v_east_mps, s.v_north_mps) for s in inside])
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    sums = np.vstack([np.zeros(4), np.cumsum(np.column_stack([[s.agl_m for s in inside], speed, velocity]), axis=0)])
    here = np.arange(at.size) + 1
    since = np.searchsorted(at, at - BEFORE_US)
    begin, end = np.searchsorted(at, at + AFTER_US[0]), np.searchsorted(at, at + AFTER_US[1], side="right")
    result = np.zeros((at.size, 3))
    slowest = np.array([speed[a:b].min() for a, b in zip(since, here, strict=True)])
    enough = (here - since >= LEAST_SAMPLES) & (end - begin >= LEAST_SAMPLES) & (slowest >= SLOWEST_MPS)
    k = np.flatnonzero(enough)
    before, after = sums[here[k]] - sums[since[k]], sums[end[k]] - sums[begin[k]]
    change = after[:, :2] / (end - begin)[k, None] - before[:, :2] / (here - since)[k, None]
    bend = np.array([_angle_deg(a, b) for a, b in zip(before[:, 2:].tolist(), after[:, 2:].tolist(), strict=True)])
    signs = np.column_stack([change[:, 0] / CLIMB_M, change[:, 1] / GAIN_MPS, bend / BEND_DEG]).clip(0.0, MOST_NATS)
    result[k] = np.where(signs.min(axis=1, keepdims=True) >= LEAST_NATS, signs, 0.0)
    return result


def _course(samples: Sequence[Sample]) -> tuple[float, float]:
    return sum(s.v_east_mps for s in samples), sum(s.v_north_mps for s in samples)


def _angle_deg(a: Sequence[float], b: Sequence[float]) -> float:
    length = math.hypot(*a) * math.hypot(*b)
    cosine = 1.0 if length == 0.0 else (a[0] * b[0] + a[1] * b[1]) / length
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


def _drop(place: Place, at: Sample, probability: float, signs: FloatArray) -> Drop:
    velocity = np.array([at.v_east_mps, at.v_north_mps])
    height_m = max(at.agl_m, 0.0)
    load = fall(height_m, velocity, place.site.wind)
    centre = np.array([at.east_m, at.north_m]) + load.offset_m
    spread: FloatArray = load.ground + np.outer(velocity, velocity) * MOMENT_S**2 + np.eye(2) * ASIDE_M**2
    names = phrase("drop.pass-climbed"), phrase("drop.pass-faster"), phrase("drop.pass-turned")
    border = float(np.asarray(place.border.signed_distance_m(centre[:1], centre[1:])).ravel()[0])
    return Drop(
        at_us=at.at_us,
        probability=probability,
        east_m=float(centre[0]),
        north_m=float(centre[1]),
        agl_m=height_m,
        border_m=border,
        areas=areas_around(place, float(centre[0]), float(centre[1]), spread, PASS_QUANTILES, load.air),
        reasons_for=tuple(
            reason(name, round(value, 2)) for name, value in zip(names, signs.tolist(), strict=True) if value > 0.1
        ),
        reasons_against=(reason(phrase("drop.pass-guess"), -1.0),),
    )
