"""Why a track is taken for what it is: what each feature speaks for each class."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.tracking._classify import (
    AGE_S,
    CLASS_TABLE,
    ECHO,
    FEATURE_COUNT,
    FEATURE_NAMES,
    NOISE,
    features_of,
    log_ratios,
)
from araz.tracking._rows import LANES
from araz.vocabulary import CLASS_NAMES, FloatArray, TrackPicture

_UNITS: Final = ("m/s", "m/s", "m/s", "m/s", "°/s", "", "m/s²", "m/s", "m/s", "", "m", "dBsm")
_MEANING: Final = (
    "flies {} on average", "fastest {}", "slowest {}", "its velocity changes by {}", "turns at {}",
    "speeds up and brakes {} times as much as it turns", "speeds up and brakes at {}", "climbs {} on average",
    "its climb changes by {}", "straightness {}", "{} over the sensors' ground", "echo of {}",
)  # fmt: skip


class ClassReason(NamedTuple):
    """One feature's evidence: its value (see ``words``) and log ratios [classes] against *unknown*, in nats."""

    feature: str
    value: float
    log_ratio: FloatArray

    @property
    def words(self) -> str:
        """``flies 9.5 m/s on average``."""
        number = FEATURE_NAMES.index(self.feature)
        figure = f"{self.value:.0f}" if abs(self.value) >= 20.0 or number == ECHO else f"{self.value:.2g}"
        return _MEANING[number].format(f"{figure} {_UNITS[number]}".rstrip())


def explain_class(picture: TrackPicture, row: int) -> tuple[ClassReason, ...]:
    """What each known feature of a track speaks for each class; prior times the product is its posterior.

    log p(class) = ln prior(class) + sum of ``log_ratio`` + constant, at the track's last look. Empty when the picture
    carries no habits or the track has none yet. Source: ``_classify.py``.
    """
    if picture.habit is None:
        return ()
    feature, ratio = np.zeros(FEATURE_COUNT), np.zeros((FEATURE_COUNT, 1, LANES))
    habit = picture.habit[row].copy()
    features_of(habit, float(picture.rcs_dbsm[row]), feature)
    log_ratios(CLASS_TABLE, feature, math.sqrt(habit[NOISE]), float(habit[AGE_S]), ratio)
    known = np.flatnonzero(np.isfinite(feature))
    return tuple(ClassReason(FEATURE_NAMES[f], float(feature[f]), ratio[f, 0, : len(CLASS_NAMES)]) for f in known)


def class_log_odds(picture: TrackPicture, row: int, class_index: int) -> tuple[tuple[float, ClassReason], ...]:
    """Each reason's log odds for one class against all others, heaviest first: above zero speaks for it.

    The others are weighed by what the remaining features make of them:
    o_f = r_f(c) - ln sum over k of q_f(k) exp(r_f(k)), with q_f(k) proportional to the posterior of k without f.
    """
    reasons = explain_class(picture, row)
    out = []
    for reason in reasons:
        without = np.log(CLASS_TABLE.prior) + sum(
            (other.log_ratio for other in reasons if other is not reason), start=np.zeros(len(CLASS_NAMES))
        )
        rest = np.delete(np.arange(len(CLASS_NAMES)), class_index)
        share = np.exp(without[rest] - without[rest].max())
        others = math.log(float(share @ np.exp(reason.log_ratio[rest])) / float(share.sum()))
        out.append((float(reason.log_ratio[class_index]) - others, reason))
    return tuple(sorted(out, key=lambda pair: -abs(pair[0])))
