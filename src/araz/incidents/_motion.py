"""One watched track, second by second: which side of the line, when it stood still, when it turned."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from araz.incidents._features import Features
from araz.incidents._state import HISTORY_SAMPLES, Hover, Memory, Sample
from araz.vocabulary import TrackPicture

#: A side is believed beyond two sigma of the track's place, within these bounds.
SIDE_MARGIN_M: Final = (15.0, 250.0)
#: A track first seen inside came over the line when its path leads back over it within this time and depth.
CAME_OVER_S: Final = 60.0
CAME_OVER_DEPTH_M: Final = 800.0
#: A side must last this long to be believed: the first time, and each time after it (then also farther from the line).
FIRST_SIDE_US: Final = 2_000_000
NEXT_SIDE_US: Final = 8_000_000
NEXT_SIDE_M: Final = 120.0
#: Still is who stays this near a place for this long; half of its place's sigma is allowed on top.
STILL_US: Final = 5_000_000
STILL_M: Final = 8.0
STILL_SIGMAS: Final = 0.3
#: A stop speaks for a drone from the site's hover time and this on.
MORE_S: Final = 2.0
#: A gap, and a distance, after which a hover is a new one.
HOVER_GAP_US: Final = 10_000_000
HOVER_APART_M: Final = 50.0
#: A hover counts as one after steady flight when that ended at most this long before.
LEG_BEFORE_US: Final = 90_000_000
#: Standing still means something once it was not standing before: metres flown, or metres climbed on the spot.
FLOWN_M: Final = 100.0
CLIMBED_M: Final = 25.0
PREDICTION_GAP_US: Final = 60_000_000
#: Rising on the spot by this much, and by three sigma of the height, is a start or a load let go.
ROSE_M: Final = 30.0
ROSE_SIGMAS: Final = 3.0
LANDED_AGL_M: Final = 8.0
LANDED_S: Final = 6.0


def watch(
    memory: Memory | None, seen: Features, i: int, hover_s: float, picture: TrackPicture, stale_us: int
) -> Memory:
    """What is remembered of row ``i`` after this second; a mere prediction adds nothing but that it is still there."""
    row, now = int(seen.row[i]), picture.at_us
    p, v = picture.position_enu_m[row], picture.velocity_enu_mps[row]
    sample = Sample(
        now, float(p[0]), float(p[1]), float(p[2]), float(v[0]), float(v[1]), float(v[2]),
        float(seen.agl_m[i]), float(seen.border_m[i]),
    )  # fmt: skip
    before = memory or Memory(track_id=int(seen.track_id[i]), first_seen_us=now, last_seen_us=now)
    if memory is not None and now - int(picture.updated_at_us[row]) > stale_us:
        return memory._replace(last_seen_us=now)
    since, last = _prediction(before, bool(np.isfinite(seen.time_to_line_s[i])), now)
    history = (*before.history[-HISTORY_SAMPLES + 1 :], sample)
    hover = _hover(before, history, picture.covariance[row])
    deepest = before.deepest
    if sample.border_m < 0.0 and (deepest is None or sample.border_m < deepest[0]):
        deepest = (sample.border_m, sample.east_m, sample.north_m)
    # In a flock the plots of several make one that seems to stand or rise.
    is_clear = not bool(seen.is_crowded[i])
    # One copy a second for what always changes; the rare turns below make their own.
    after = before._replace(
        last_seen_us=now,
        updated_us=int(picture.updated_at_us[row]),
        history=history,
        hover=hover,
        hovered_at_us=now if is_clear and _has_hovered(hover, history, hover_s) else before.hovered_at_us,
        rose_at_us=now if is_clear and hover is not None and _rose(hover, history) else before.rose_at_us,
        deepest=deepest,
        predicted_since_us=since,
        predicted_last_us=last,
    )
    after = _side(after, seen, i, sample)
    return _landing(after, sample, float(picture.covariance[row, 2, 2]))


def _side(memory: Memory, seen: Features, i: int, sample: Sample) -> Memory:
    """The side after this second: another one is believed when it lasts, and the more so the second time."""
    is_first = memory.crossed_at_us is None and memory.left_at_us is None
    margin = min(max(2.0 * float(seen.border_sigma_m[i]), SIDE_MARGIN_M[0]), SIDE_MARGIN_M[1])
    margin = margin if is_first else max(margin, NEXT_SIDE_M)
    side = 1 if sample.border_m > margin else -1 if sample.border_m < -margin else memory.side
    if side == memory.side:
        return memory if memory.side_since_us is None else memory._replace(side_wanted=side, side_since_us=None)
    if memory.side != 0:
        if memory.side_wanted != side or memory.side_since_us is None:
            return memory._replace(side_wanted=side, side_since_us=sample.at_us)
        if sample.at_us - memory.side_since_us < (FIRST_SIDE_US if is_first else NEXT_SIDE_US):
            return memory
    return _turned(memory._replace(side_wanted=0, side_since_us=None), side, seen, i, sample)


def _turned(memory: Memory, side: int, seen: Features, i: int, sample: Sample) -> Memory:
    """What a new side means: first seen there, come in, gone back, or gone out."""
    if memory.side == 0:
        closing = float(seen.closing_mps[i])
        came = side < 0 and closing > 3.0 and sample.border_m > -CAME_OVER_DEPTH_M
        came = came and sample.border_m + CAME_OVER_S * closing > 0.0 and sample.agl_m > 15.0
        memory = memory._replace(side=side, first_side=side, came_over=came)
        at, where = _crossing(memory)
        return memory._replace(crossed_at_us=at, crossing_border_m=where) if came else memory
    at, where = _crossing(memory)
    if side < 0:
        return memory._replace(
            side=side, crossed_at_us=at, crossing_border_m=where, came_over=False,
            returned_at_us=None, left_at_us=None, landed_at_us=None,
        )  # fmt: skip
    if memory.crossed_at_us is not None:
        return memory._replace(side=side, returned_at_us=at)
    return memory._replace(side=side, left_at_us=at, crossing_border_m=where)


def _crossing(memory: Memory) -> tuple[int, tuple[float, float]]:
    """When and where the track met the line: the last change of sign in its history, or straight back from here."""
    for a, b in zip(reversed(memory.history[:-1]), reversed(memory.history[1:]), strict=True):
        if (a.border_m >= 0.0) != (b.border_m >= 0.0):
            f = a.border_m / (a.border_m - b.border_m)
            where = a.east_m + f * (b.east_m - a.east_m), a.north_m + f * (b.north_m - a.north_m)
            return a.at_us + round(f * (b.at_us - a.at_us)), where
    last = memory.history[-1]
    speed = max(math.hypot(last.v_east_mps, last.v_north_mps), 0.1)
    back = abs(last.border_m) / speed
    return last.at_us, (last.east_m - back * last.v_east_mps, last.north_m - back * last.v_north_mps)


def _hover(memory: Memory, history: tuple[Sample, ...], covariance: np.ndarray) -> Hover | None:
    """The stop going on or last seen: it stays within a few metres of where it was ``STILL_US`` ago.

    Places, not speeds: a bird that turns has a small mean velocity for seconds, and yet flies on.
    """
    hover, at = memory.hover, history[-1]
    window = [s for s in history[-7:] if at.at_us - s.at_us <= STILL_US]
    spread = (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1]))
    reach = STILL_M + STILL_SIGMAS * min(float(np.sqrt(max(0.5 * (spread[0] + spread[2]), 0.0))), 30.0)
    first = window[0]
    up_sigma = float(np.sqrt(max(covariance[2, 2], 0.0)))
    is_still = at.at_us - first.at_us >= 0.8 * STILL_US and all(
        math.hypot(s.east_m - first.east_m, s.north_m - first.north_m) < reach for s in window
    )
    if not is_still:
        return hover if hover is None or hover.ended_us is not None else hover._replace(ended_us=hover.last_us)
    if hover is not None and at.at_us - hover.last_us <= HOVER_GAP_US and _apart_m(hover, at) <= HOVER_APART_M:
        return hover._replace(
            last_us=at.at_us, ended_us=None, samples=hover.samples + 1, sum_east_m=hover.sum_east_m + at.east_m,
            sum_north_m=hover.sum_north_m + at.north_m, sum_agl_m=hover.sum_agl_m + at.agl_m,
            covariance=spread, slow_s=(at.at_us - hover.started_us) * 1e-6, up_sigma_m=up_sigma,
        )  # fmt: skip
    leg = memory.leg_at_us
    after_leg = leg is not None and first.at_us - leg <= LEG_BEFORE_US
    # One long stop may be seen as several: what the first came after, all came after.
    after_leg = after_leg or (hover is not None and hover.after_leg and _apart_m(hover, at) <= HOVER_APART_M)
    return Hover(
        first.at_us, at.at_us, None, len(window), sum(s.east_m for s in window), sum(s.north_m for s in window),
        sum(s.agl_m for s in window), spread, (at.at_us - first.at_us) * 1e-6, after_leg, up_sigma,
    )  # fmt: skip


def _rose(hover: Hover, history: tuple[Sample, ...]) -> bool:
    """Whether it is rising on the spot: from the low of this stop to now."""
    if hover.ended_us is not None or history[-1].v_up_mps < 1.0:
        return False
    heights = [s.agl_m for s in history if s.at_us >= hover.started_us]
    if len(heights) < 6:
        return False
    now, low = float(np.median(heights[-3:])), float(np.quantile(heights, 0.2))
    return now - low >= max(ROSE_M, ROSE_SIGMAS * hover.up_sigma_m)


def _apart_m(hover: Hover, at: Sample) -> float:
    return math.hypot(hover.sum_east_m / hover.samples - at.east_m, hover.sum_north_m / hover.samples - at.north_m)


def _has_hovered(hover: Hover | None, history: tuple[Sample, ...], hover_s: float) -> bool:
    """Whether this stop is long enough to speak for a drone: the filter makes shorter ones of a turning flock."""
    return hover is not None and hover.ended_us is None and hover.slow_s >= hover_s + MORE_S and _has_flown(history)


def _has_flown(history: tuple[Sample, ...]) -> bool:
    """Whether it went somewhere, or straight up, in what is remembered: a post or a tree does neither."""
    at, heights = history[-1], [s.agl_m for s in history]
    far = max(math.hypot(s.east_m - at.east_m, s.north_m - at.north_m) for s in history)
    return bool(far >= FLOWN_M or max(heights) - min(heights) >= CLIMBED_M)


def _prediction(memory: Memory, is_predicted: bool, now_us: int) -> tuple[int | None, int | None]:
    """Since when, and when last, the path led over the line; forgotten after a gap."""
    since, last = memory.predicted_since_us, memory.predicted_last_us
    if is_predicted:
        return (now_us if since is None else since), now_us
    return (None, None) if last is not None and now_us - last > PREDICTION_GAP_US else (since, last)


def _landing(memory: Memory, at: Sample, variance_up_m2: float) -> Memory:
    hover = memory.hover
    if memory.landed_at_us is not None or at.agl_m > LANDED_AGL_M or variance_up_m2 > 64.0:
        return memory
    if hover is None or hover.ended_us is not None or hover.slow_s < LANDED_S:
        return memory
    if max(s.agl_m for s in memory.history) < 20.0:
        return memory
    return memory._replace(landed_at_us=at.at_us)
