"""One watched track, second by second: which side of the line, when it stood still, when it turned."""

from __future__ import annotations

from dataclasses import replace
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
#: Slow seconds before a hover is opened, and gaps after which it is a new one.
HOVER_OPEN_S: Final = 2.0
HOVER_GAP_US: Final = 4_000_000
PREDICTION_GAP_US: Final = 10_000_000
LANDED_AGL_M: Final = 8.0
LANDED_S: Final = 6.0


def watch(memory: Memory | None, seen: Features, i: int, slow_s: float, picture: TrackPicture) -> Memory:
    """What is remembered of row ``i`` after this second."""
    row, now = int(seen.row[i]), picture.at_us
    p, v = picture.position_enu_m[row], picture.velocity_enu_mps[row]
    sample = Sample(
        now, float(p[0]), float(p[1]), float(p[2]), float(v[0]), float(v[1]), float(v[2]),
        float(seen.agl_m[i]), float(seen.border_m[i]),
    )  # fmt: skip
    before = memory or Memory(track_id=int(seen.track_id[i]), first_seen_us=now, last_seen_us=now)
    since, last = _prediction(before, bool(np.isfinite(seen.time_to_line_s[i])), now)
    # One copy a second for what always changes; the rare turns below make their own.
    after = replace(
        before,
        last_seen_us=now,
        updated_us=int(picture.updated_at_us[row]),
        history=(*before.history[-HISTORY_SAMPLES + 1 :], sample),
        hover=_hover(before.hover, sample, slow_s, picture.covariance[row]),
        predicted_since_us=since,
        predicted_last_us=last,
    )
    after = _side(after, seen, i, sample)
    return _landing(after, sample, slow_s, float(picture.covariance[row, 2, 2]))


def _side(memory: Memory, seen: Features, i: int, sample: Sample) -> Memory:
    margin = min(max(2.0 * float(seen.border_sigma_m[i]), SIDE_MARGIN_M[0]), SIDE_MARGIN_M[1])
    side = 1 if sample.border_m > margin else -1 if sample.border_m < -margin else memory.side
    if side == memory.side:
        return memory
    if memory.side == 0:
        closing = float(seen.closing_mps[i])
        came = side < 0 and closing > 3.0 and sample.border_m > -CAME_OVER_DEPTH_M
        came = came and sample.border_m + CAME_OVER_S * closing > 0.0 and sample.agl_m > 15.0
        memory = replace(memory, side=side, first_side=side, came_over=came)
        return replace(memory, crossed_at_us=sample.at_us, crossing_border_m=_crossing(memory)) if came else memory
    if side < 0:
        return replace(
            memory, side=side, crossed_at_us=sample.at_us, crossing_border_m=_crossing(memory), came_over=False,
            returned_at_us=None, left_at_us=None, landed_at_us=None,
        )  # fmt: skip
    if memory.crossed_at_us is not None:
        return replace(memory, side=side, returned_at_us=sample.at_us)
    return replace(memory, side=side, left_at_us=sample.at_us)


def _crossing(memory: Memory) -> tuple[float, float]:
    """Where the track met the line: the last change of sign in its history, or straight back from here."""
    for a, b in zip(reversed(memory.history[:-1]), reversed(memory.history[1:]), strict=True):
        if a.border_m >= 0.0 > b.border_m:
            f = a.border_m / (a.border_m - b.border_m)
            return a.east_m + f * (b.east_m - a.east_m), a.north_m + f * (b.north_m - a.north_m)
    last = memory.history[-1]
    speed = max(float(np.hypot(last.v_east_mps, last.v_north_mps)), 0.1)
    back = abs(last.border_m) / speed
    return last.east_m - back * last.v_east_mps, last.north_m - back * last.v_north_mps


def _hover(hover: Hover | None, at: Sample, slow_s: float, covariance: np.ndarray) -> Hover | None:
    if slow_s < HOVER_OPEN_S:
        if hover is not None and hover.ended_us is None and slow_s == 0.0:
            return hover._replace(ended_us=hover.last_us)
        return hover
    spread = (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1]))
    is_same = hover is not None and at.at_us - hover.last_us <= HOVER_GAP_US
    if hover is None or not is_same:
        started = at.at_us - int(slow_s * 1e6)
        return Hover(started, at.at_us, None, 1, at.east_m, at.north_m, at.agl_m, spread, slow_s)
    return hover._replace(
        last_us=at.at_us, ended_us=None, samples=hover.samples + 1, sum_east_m=hover.sum_east_m + at.east_m,
        sum_north_m=hover.sum_north_m + at.north_m, sum_agl_m=hover.sum_agl_m + at.agl_m,
        covariance=spread, slow_s=(at.at_us - hover.started_us) * 1e-6,
    )  # fmt: skip


def _prediction(memory: Memory, is_predicted: bool, now_us: int) -> tuple[int | None, int | None]:
    """Since when, and when last, the path led over the line; forgotten after a gap."""
    since, last = memory.predicted_since_us, memory.predicted_last_us
    if is_predicted:
        return (now_us if since is None else since), now_us
    return (None, None) if last is not None and now_us - last > PREDICTION_GAP_US else (since, last)


def _landing(memory: Memory, at: Sample, slow_s: float, variance_up_m2: float) -> Memory:
    if memory.landed_at_us is not None or slow_s < LANDED_S or at.agl_m > LANDED_AGL_M or variance_up_m2 > 64.0:
        return memory
    if max(s.agl_m for s in memory.history) < 20.0:
        return memory
    return replace(memory, landed_at_us=at.at_us)
