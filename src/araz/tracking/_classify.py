"""What a track might be: likelihoods, fitted to recordings, of how it has moved so far and how strong its echo is.

A track remembers its habits (slow averages of its motion); the posterior is a function of these habits alone, so that
one thing seen in a hundred looks counts once, and an old guess never hardens into a fact.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._class_table import KNOTS, LOG_RATIO, NOISE_KNOTS_MPS, PRIOR, WEIGHT
from araz.tracking._kernel import leaf
from araz.tracking._rows import LANES, Lanes, lane, lane_row, largest, spread, total
from araz.tracking._scratch import Scratch, cut_reals
from araz.vocabulary import FloatArray, IntArray

FEATURE_NAMES: Final = (
    "mean speed", "fastest", "slowest", "velocity changes", "turn rate", "brakes or turns", "acceleration", "climb",
    "climb changes", "straightness", "height", "echo",
)  # fmt: skip
FEATURE_COUNT: Final = len(FEATURE_NAMES)
HEIGHT, ECHO = FEATURE_COUNT - 2, FEATURE_COUNT - 1

# Columns of a track's habits; SHORT and LONG are velocities of three columns each.
LAST_S, AGE_S, SHORT, LONG, SPEED, SQUARED, UP_SQUARED, NOISE, SLOWEST, FASTEST, ALONG, ACROSS, OVER_GROUND = (
    0, 1, 2, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16,
)  # fmt: skip
HABIT_COUNT: Final = 17
CLASS_COUNT: Final = len(PRIOR)
LIVED_COUNT: Final = CLASS_COUNT + HABIT_COUNT

SHORT_S: Final = 5.0
LONG_S: Final = 60.0
"""Time constants of the averages: what it does now, and what it usually does."""
SETTLED_S: Final = 8.0
"""Fastest and slowest count from this age on: a new track's first velocities are guesses."""
EXTREME_S: Final = 600.0
"""The fastest and slowest speeds seen are forgotten with this time constant."""
MATURE_S: Final = 6.0
"""Habits weigh age / (age + this): a track just begun has none."""
LONGEST_STEP_S: Final = 5.0
"""A track out of sight did who knows what: a longer gap counts as this much time."""
ROUGHEST_MPS: Final = 8.0
"""A velocity known no better (standard deviation an axis) tells nothing of habits."""
SLOW_MPS: Final = 2.0
"""Below this speed a course is mostly noise: rates of turn and straightness divide by no less."""
FAINT_MPS2: Final = 0.05


class ClassTable(NamedTuple):
    """The likelihoods, an argument everywhere: Numba's cache would not notice a new table.

    ``prior`` [classes], ``weight`` [features], ``knots`` [features, K] in each feature's unit, ``noise_knots_mps`` [L],
    ``log_ratio`` [features, classes - 1, L, K]: ln p(feature | class, noise) - ln p(feature | unknown). ``beside`` has
    the same, times the weight, with a knot's classes side by side, the first zero: row (f L + l) K + k is a row of
    lanes [1, LANES]. ``log_prior`` [1, 1, LANES] is -inf where no class is.
    """

    prior: FloatArray
    weight: FloatArray
    knots: FloatArray
    noise_knots_mps: FloatArray
    log_ratio: FloatArray
    beside: FloatArray
    log_prior: FloatArray


class Likelihoods(NamedTuple):
    """What of a ``ClassTable`` a look needs."""

    noise_knots_mps: FloatArray
    knots: FloatArray
    log_prior: FloatArray
    beside: FloatArray


def class_table(
    prior: FloatArray, weight: FloatArray, knots: FloatArray, noise_knots_mps: FloatArray, log_ratio: FloatArray
) -> ClassTable:
    """The table with its likelihoods laid out for the kernels."""
    features, classes, levels, count = log_ratio.shape
    beside = np.zeros((features, levels, count, LANES))
    beside[..., 1 : classes + 1] = (weight[:, None, None, None] * log_ratio).transpose(0, 2, 3, 1)
    log_prior = np.full((1, 1, LANES), -np.inf)
    log_prior[0, 0, : classes + 1] = np.log(prior)
    return ClassTable(
        prior, weight, knots, noise_knots_mps, log_ratio, beside.reshape(features * levels * count, 1, LANES), log_prior
    )


CLASS_TABLE: Final = class_table(PRIOR, WEIGHT, KNOTS, NOISE_KNOTS_MPS, LOG_RATIO)


@leaf
def remember(habit: FloatArray, mean: FloatArray, ground_up_m: float, at_s: float) -> None:
    """Add one look to the habits of one track in place: ``habit`` [HABIT_COUNT], ``mean`` [27] (see ``_gauss``).

    Averages x <- x + g (new - x) with g = max(1 - exp(-dt / T), dt / age): a plain mean while the track is younger than
    the time constant T. Nothing happens while the velocity is known worse than ``ROUGHEST_MPS``.
    """
    noise = 0.5 * (mean[15] + mean[20])
    if not noise < ROUGHEST_MPS**2:
        return
    first = habit[AGE_S] <= 0.0
    dt = 1.0 if first else min(max(at_s - habit[LAST_S], 0.0), LONGEST_STEP_S)
    habit[LAST_S] = max(at_s, habit[LAST_S])
    habit[OVER_GROUND] = mean[2] - ground_up_m
    habit[AGE_S] += dt
    share = dt / habit[AGE_S]
    short, long = max(1.0 - math.exp(-dt / SHORT_S), share), max(1.0 - math.exp(-dt / LONG_S), share)
    east, north = habit[SHORT], habit[SHORT + 1]
    for axis in range(3):
        habit[SHORT + axis] += short * (mean[3 + axis] - habit[SHORT + axis])
        habit[LONG + axis] += long * (mean[3 + axis] - habit[LONG + axis])
    squared = mean[3] ** 2 + mean[4] ** 2
    habit[SPEED] += long * (math.sqrt(squared) - habit[SPEED])
    habit[SQUARED] += long * (squared - habit[SQUARED])
    habit[UP_SQUARED] += long * (mean[5] ** 2 - habit[UP_SQUARED])
    habit[NOISE] += long * (noise - habit[NOISE])
    speed = math.sqrt(habit[SHORT] ** 2 + habit[SHORT + 1] ** 2)
    if habit[AGE_S] <= SETTLED_S:
        habit[SLOWEST] = habit[FASTEST] = speed
    fade = 1.0 - math.exp(-dt / EXTREME_S)
    habit[SLOWEST] = min(habit[SLOWEST] + fade * (speed - habit[SLOWEST]), speed)
    habit[FASTEST] = max(habit[FASTEST] + fade * (speed - habit[FASTEST]), speed)
    if not first and dt > 0.0:
        along = abs(speed - math.sqrt(east**2 + north**2)) / dt
        across = abs(east * habit[SHORT + 1] - north * habit[SHORT]) / max(speed, 1.0) / dt
        habit[ALONG] += long * (along - habit[ALONG])
        habit[ACROSS] += long * (across - habit[ACROSS])


@leaf
def features_of(habit: FloatArray, rcs_dbsm: float, out: FloatArray) -> None:
    """Fill ``out`` [FEATURE_COUNT] in the order of ``FEATURE_NAMES``; NaN is unknown and says nothing.

    Over about the last minute: mean speed, its extremes (m/s), standard deviation of the velocity vector (m/s), turn
    rate (degrees a second), acceleration along the course over that across it, acceleration along (m/s^2), mean climb
    and its standard deviation (m/s), length of the mean velocity over the mean speed; then height over the sensors'
    ground (m) and echo (dBsm).
    """
    if habit[AGE_S] <= 0.0:
        out[:] = math.nan
        return
    out[HEIGHT], out[ECHO] = habit[OVER_GROUND], rcs_dbsm
    usual = habit[LONG] ** 2 + habit[LONG + 1] ** 2
    out[0], out[1], out[2] = habit[SPEED], habit[FASTEST], habit[SLOWEST]
    out[3] = math.sqrt(max(habit[SQUARED] - usual, 0.0))
    out[4] = math.degrees(habit[ACROSS] / max(habit[SPEED], SLOW_MPS))
    out[5] = habit[ALONG] / max(habit[ACROSS], FAINT_MPS2)
    out[6] = habit[ALONG]
    out[7] = habit[LONG + 2]
    out[8] = math.sqrt(max(habit[UP_SQUARED] - habit[LONG + 2] ** 2, 0.0))
    out[9] = math.sqrt(usual) / max(habit[SPEED], SLOW_MPS)


@leaf
def place_on(knots: FloatArray, value: float) -> tuple[int, float]:
    """The knot below ``value`` and the share of the way to the next one; held at both ends.

    Counted, not searched: the processor guesses when a search ends, and guesses wrong.
    """
    low = 0
    for k in range(1, len(knots) - 1):
        low += value > knots[k]
    part = (value - knots[low]) / (knots[low + 1] - knots[low])
    return low, min(max(part, 0.0), 1.0)


@leaf
def _ratio(table: Likelihoods | ClassTable, f: int, value: float, level: int, up: float) -> Lanes:
    """What feature f, when it is ``value``, speaks for each class of a track seen for long; see ``log_ratios``."""
    low, part = place_on(table.knots[f], value)
    count = table.knots.shape[1]
    quiet = (f * len(table.noise_knots_mps) + level) * count + low
    rough = quiet + count
    a, b = lane_row(table.beside, quiet)[0], lane_row(table.beside, quiet + 1)[0]
    c, d = lane_row(table.beside, rough)[0], lane_row(table.beside, rough + 1)[0]
    steady = a + part * (b - a)
    return steady + up * (c + part * (d - c) - steady)


@leaf
def log_ratios(
    table: Likelihoods | ClassTable, feature: FloatArray, noise_mps: float, age_s: float, out: FloatArray
) -> None:
    """Fill ``out`` [features, 1, LANES] with what each feature speaks for each class against *unknown*, in nats.

    r = w_f m ln(p(x_f | class, noise) / p(x_f | unknown)), bilinear between the knots of the table; m is
    age / (age + MATURE_S). A feature that is NaN is silent (zeros). Unknown is even over the knots, hence its zeros.
    """
    level, up = place_on(table.noise_knots_mps, noise_mps)
    mature = age_s / (age_s + MATURE_S)
    for f in range(len(out)):
        silent = math.isnan(feature[f])
        lane_row(out, f)[0] = spread(0.0) if silent else mature * _ratio(table, f, feature[f], level, up)


@leaf
def classify(
    table: Likelihoods,
    lived: FloatArray,
    which: IntArray,
    rows: IntArray,
    moments: FloatArray,
    rcs_dbsm: FloatArray,
    ground_up_m: float,
    at_us: int,
    scratch: Scratch,
) -> None:
    """Add the look at ``at_us`` to the habits of the tracks ``rows`` and write their class posteriors, in place.

    p(class) is proportional to prior(class) exp(sum of r_f), see ``log_ratios``. **Shapes** ``lived`` [C, LIVED_COUNT]:
    class posteriors, then habits; ``which`` [M] are the tracks' rows of it, ``rows`` [M] of ``moments`` [N, 27] and
    ``rcs_dbsm`` [N]. Never fails: unknown features are silent.
    """
    feature, _ = cut_reals(scratch, FEATURE_COUNT)
    for k in range(len(rows)):
        i, probability, habit = rows[k], lived[which[k], :CLASS_COUNT], lived[which[k], CLASS_COUNT:]
        remember(habit, moments[i], ground_up_m, at_us * 1e-6)
        features_of(habit, rcs_dbsm[i], feature)
        level, up = place_on(table.noise_knots_mps, math.sqrt(habit[NOISE]))
        spoken = spread(0.0)
        for f in range(FEATURE_COUNT):
            if not math.isnan(feature[f]):
                spoken += _ratio(table, f, feature[f], level, up)
        score = lane_row(table.log_prior, 0)[0] + habit[AGE_S] / (habit[AGE_S] + MATURE_S) * spoken
        share = math.exp(score - largest(score))
        share = share / total(share)
        for c in range(CLASS_COUNT):
            probability[c] = lane(share, c)
