"""The release of a load, found from motion: descent, hover, jump in climb or acceleration, turn for home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from araz.geography import Place
from araz.incidents._fall import STOP_QUANTILES, matrix, release_area
from araz.incidents._state import Drop, Hover, Memory, Sample
from araz.incidents._weights import DROP_CUES, DROP_PRIOR
from araz.incidents._witness import witnessed
from araz.vocabulary import phrase, reason

#: A departure is judged from the third second after the hover to this one.
JUDGE_FROM_S: Final = 3.0
JUDGE_TO_S: Final = 40.0
MIN_DEPARTURE_MPS: Final = 4.0
#: A descent and a climb on one spot, each this much and this many sigma of the height, are judged before it leaves.
VERTICAL_M: Final = 25.0
VERTICAL_SIGMAS: Final = 3.0
LEAST_SPLIT: Final = 15
#: The tracker overshoots a hard stop: its place is taken from what comes this long after.
SETTLE_US: Final = 4_000_000
#: What was never seen outside must have flown this far to where it stopped, as no resident bird does.
AFAR_M: Final = 600.0
#: A stop longer than this, higher than any winch reaches, is watching.
LOITER_S: Final = 60.0
LOITER_AGL_M: Final = 100.0
#: Belief at which a release is said to have happened, and when nobody saw it come over the line.
MIN_PROBABILITY: Final = 0.6
STRANGER_PROBABILITY: Final = 0.85
#: A stop is a release only with one of these: any stop is followed by a gain of speed.
RELEASE_CUES: Final = ("climb", "turn for home", "witness")
_CUE: Final = {cue.name: cue for cue in DROP_CUES}


class _Said(NamedTuple):
    """One cue as it speaks here; zero weight says nothing."""

    name: str
    weight: float
    text: str


def find_drop(place: Place, memory: Memory, now_us: int) -> Drop | None:
    """The release at the last hover of this track, or None while nothing (or too little) speaks for one."""
    hover = memory.hover
    if hover is None or not hover.after_leg or (memory.drop is not None and memory.drop.at_us >= hover.started_us):
        return None
    before, during, after = _parts(memory, hover, now_us)
    if not after or not during:
        return None
    cues = _cues(place, memory, before, during, after)
    has_released = any(cue.weight > 0.0 for cue in cues if cue.name in RELEASE_CUES)
    log_odds = DROP_PRIOR + sum(cue.weight for cue in cues)
    probability = float(1.0 / (1.0 + np.exp(-log_odds)))
    is_stranger = memory.crossed_at_us is None
    if probability < (STRANGER_PROBABILITY if is_stranger else MIN_PROBABILITY) or not has_released:
        return None
    if is_stranger and not _came_from_afar(memory, hover):
        return None
    if memory.drop is not None and probability <= memory.drop.probability:
        return None
    low = _lowest_agl_m(during)
    agl = max(low, 0.0)
    at_bottom = [s for s in during if s.agl_m <= low + max(5.0, hover.up_sigma_m)]
    released = at_bottom[-1]
    settled = [s for s in at_bottom if s.at_us - during[0].at_us >= SETTLE_US]
    east, north = (float(np.mean([s[k] for s in (settled if len(settled) >= 3 else at_bottom)])) for k in (1, 2))
    centre, _, areas = release_area(place, east, north, agl, matrix(hover.covariance), STOP_QUANTILES)
    border = float(np.asarray(place.border.signed_distance_m(centre[:1], centre[1:])).ravel()[0])
    reasons = [reason(cue.text, round(cue.weight, 2)) for cue in cues if cue.weight != 0.0]
    return Drop(
        at_us=released.at_us,
        probability=probability,
        east_m=float(centre[0]),
        north_m=float(centre[1]),
        agl_m=agl,
        border_m=border,
        areas=areas,
        reasons_for=tuple(r for r in reasons if r.weight > 0.0),
        reasons_against=tuple(r for r in reasons if r.weight < 0.0),
    )


def _came_from_afar(memory: Memory, hover: Hover) -> bool:
    """Whether it was first seen far from where it stopped, and had not been here before: a kestrel has."""
    east, north = hover.sum_east_m / hover.samples, hover.sum_north_m / hover.samples
    far = [float(np.hypot(s.east_m - east, s.north_m - north)) for s in memory.history if s.at_us < hover.started_us]
    if not far or max(far) < AFAR_M:
        return False
    return min(far[: far.index(max(far)) + 1]) >= 0.5 * AFAR_M


def _parts(memory: Memory, hover: Hover, now_us: int) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[Sample]]:
    """The minute before a stop, the stop, and what came after; nothing after while it is too early or late to judge."""
    before = [s for s in memory.history if hover.started_us - 60_000_000 <= s.at_us < hover.started_us]
    during = [s for s in memory.history if hover.started_us <= s.at_us <= hover.last_us]
    if hover.ended_us is None:
        # It still stands over the place: judged only once it has come down, waited and gone up again.
        return before, *_split(during, hover.up_sigma_m)
    after = [s for s in memory.history if s.at_us > hover.ended_us]
    since = (now_us - hover.ended_us) * 1e-6
    is_due = JUDGE_FROM_S <= since <= JUDGE_TO_S and len(before) >= 3 and len(after) >= 2
    return before, during, after if is_due and _speed(after[-1]) >= MIN_DEPARTURE_MPS else []


def _split(during: Sequence[Sample], up_sigma_m: float) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """A stop in which it came down and rose again: what was before and at the bottom, and the climb after it."""
    if len(during) < LEAST_SPLIT:
        return during, []
    least = max(VERTICAL_M, VERTICAL_SIGMAS * up_sigma_m)
    low = _lowest_agl_m(during)
    bottom = max(k for k, s in enumerate(during) if s.agl_m <= low + max(5.0, up_sigma_m))
    start = float(np.median([s.agl_m for s in during[:5]]))
    now = float(np.median([s.agl_m for s in during[-3:]]))
    if start - low < least or now - low < least:
        return during, []
    return during[: bottom + 1], during[bottom + 1 :]


def _speed(sample: Sample) -> float:
    return float(np.hypot(sample.v_east_mps, sample.v_north_mps))


def _lowest_agl_m(during: Sequence[Sample]) -> float:
    """Height of the release: the low end of the hover, not one low sample."""
    return float(np.quantile([s.agl_m for s in during], 0.2))


def _cues(
    place: Place, memory: Memory, before: Sequence[Sample], during: Sequence[Sample], after: Sequence[Sample]
) -> list[_Said]:
    """Weight and sentence of every cue."""
    hover = memory.hover
    assert hover is not None
    low = _lowest_agl_m(during)
    bottom = next(k for k, s in enumerate(during) if s.agl_m <= low + 1.0)
    # Means of five seconds: the highest of sixty noisy heights would always be a descent.
    heights = np.array([s.agl_m for s in (*before, *during[: bottom + 1])])
    descent = float(max(np.convolve(heights, np.full(5, 0.2), "valid"))) - low if len(heights) >= 5 else 0.0
    came_down = descent >= max(8.0, 2.0 * hover.up_sigma_m)
    rising = [*during[bottom:], *(s for s in after if s.at_us - during[-1].at_us <= 20_000_000)]
    climb = max(_mean_climb(rising, k) for k in range(max(len(rising) - 3, 1)))
    early = [s for s in after if s.at_us - during[-1].at_us <= 8_000_000]
    gain = max((_speed(s) for s in early), default=0.0) - min(_speed(s) for s in during)
    is_leaving = _speed(after[-1]) >= MIN_DEPARTURE_MPS
    turn = _turn_deg(before, after) if is_leaving else 90.0
    homeward = after[-1].border_m - after[0].border_m
    border = float(np.median([s.border_m for s in during]))
    stood_s = (during[-1].at_us - during[0].at_us) * 1e-6
    share = min(hover.slow_s / max(place.site.alarms.hover_s, 1.0), 1.0)
    has_crossed = memory.crossed_at_us is not None
    witness = witnessed(memory, during[0].at_us, during[-1].at_us)
    sure = 0.0 if witness is None else witness.confidence
    stood, height, turned = f"{stood_s:.0f}", f"{low:.0f}", f"{turn:.0f}"
    return [
        _cue("descent", came_down, descent < 3.0, phrase("drop.came-down", height=f"{descent:.0f}"),
             phrase("drop.no-descent")),
        _Said("hover", _CUE["hover"].weight_for * share, phrase("drop.hovered", seconds=stood)),
        _cue("loiter", False, stood_s > LOITER_S and low > LOITER_AGL_M and climb < 1.5, "",
             phrase("drop.watches", seconds=stood, height=height)),
        _cue("climb", climb >= 1.5, climb < 0.5, phrase("drop.climbed", climb=f"{climb:.1f}"),
             phrase("drop.no-climb")),
        _cue("acceleration", gain >= 5.0, False, phrase("drop.gained", speed=f"{gain:.0f}"), ""),
        _cue("turn for home", turn > 120.0, turn < 60.0, phrase("drop.turned-back", turn=turned),
             phrase("drop.went-on", turn=turned)),
        _cue("homeward", homeward > 15.0 and border < 0.0, False, phrase("drop.homeward"), ""),
        _cue("inside", border < 0.0, border >= 0.0, phrase("drop.inside"), phrase("drop.outside")),
        _cue("low", low < 150.0, low > 200.0, phrase("drop.low", height=height),
             phrase("drop.high", height=height)),
        _Said("witness", _CUE["witness"].weight_for * sure,
              "" if witness is None else phrase("drop.witness", sensor=witness.sensor_id, sure=f"{sure:.0%}")),
        _cue("crossed", has_crossed, memory.first_side < 0 and not has_crossed, phrase("drop.came-over"),
             phrase("drop.never-outside")),
    ]  # fmt: skip


def _cue(name: str, is_for: bool, is_against: bool, says_for: str, says_against: str) -> _Said:
    if is_for:
        return _Said(name, _CUE[name].weight_for, says_for)
    return _Said(name, _CUE[name].weight_against, says_against) if is_against else _Said(name, 0.0, "")


def _mean_climb(after: Sequence[Sample], k: int) -> float:
    return float(np.mean([s.v_up_mps for s in after[k : k + 3]]))


def _turn_deg(before: Sequence[Sample], after: Sequence[Sample]) -> float:
    """Angle between the course flown in and the course flown out, degrees."""
    came = np.sum([[s.v_east_mps, s.v_north_mps] for s in before if _speed(s) > 3.0] or [[0.0, 0.0]], axis=0)
    left = np.sum([[s.v_east_mps, s.v_north_mps] for s in after[1:]] or [[0.0, 0.0]], axis=0)
    length = float(np.linalg.norm(came) * np.linalg.norm(left))
    if length == 0.0:
        return 90.0
    return float(np.degrees(np.arccos(np.clip(np.dot(came, left) / length, -1.0, 1.0))))
