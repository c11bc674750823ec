"""What flies together ends together: silences of a formation's members, and plots of the others, weigh each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from tracking_lab import POSITION, scan, table

from araz.tracking import init, step
from araz.tracking._formation import COMMON_END, MOST_COMMON
from araz.vocabulary import TrackingSettings

RADAR = {"kind": POSITION, "sigma": (10.0, 10.0, 10.0, np.nan), "clutter": 1.0, "pd": 0.9}
KNOWN_S = 20
HALF_LIFE_S = TrackingSettings().survival_half_life_s


def flown(members, spacing_m=80.0, *, seen, seed=3):
    """Existence by scan [T, members] of drones side by side; ``seen`` [T][members], all seen for KNOWN_S before it."""
    rng, sensors = np.random.default_rng(seed), table(RADAR)
    state, told = init(sensors, TrackingSettings()), []
    start = np.array([[1000.0 + spacing_m * k, 3000.0, 200.0] for k in range(members)])
    for t, row in enumerate([*np.ones((KNOWN_S, members), bool), *np.asarray(seen, bool)]):
        places = (start + np.array([0.0, 15.0, 0.0]) * t + rng.normal(0, 10.0, start.shape))[row]
        state, events = step(state, scan(sensors, 0, t, [[*p, np.nan] for p in places]))
        if t < KNOWN_S - 1:
            continue
        if not told:
            names = [
                events.picture.track_id[np.abs(events.picture.position_enu_m[:, 0] - p[0]).argmin()] for p in start
            ]
        held = dict(zip(events.picture.track_id.tolist(), events.picture.existence.tolist(), strict=True))
        told.append([held.get(int(name), 0.0) for name in names])
    return np.array(told)


def enumerated(before, seen, pd):
    """P(alive) [members] after one look, summed over every way in which they may have ended, one by one or all."""
    ended = 1.0 - 0.5 ** (1.0 / HALF_LIFE_S)
    common = COMMON_END * ended
    own = 1.0 - (1.0 - ended) / (1.0 - common)
    total, alive = 0.0, np.zeros(len(before))
    for was, all_end, alone in itertools.product(
        itertools.product((False, True), repeat=len(before)),
        (False, True),
        itertools.product((False, True), repeat=len(before)),
    ):
        chance = common if all_end else 1.0 - common
        now = [w and not all_end and not a for w, a in zip(was, alone, strict=True)]
        for w, a, r in zip(was, alone, before, strict=True):
            chance *= (r if w else 1.0 - r) * (own if a else 1.0 - own)
        for n, s in zip(now, seen, strict=True):
            chance *= (pd if s else 1.0 - pd) if n else float(not s)
        total += chance
        alive += chance * np.array(now)
    return alive / total


def log_odds(p):
    return math.log(p / (1.0 - p))


@pytest.mark.parametrize(
    "seen", [(0, 0), (0, 1), (0, 1, 1), (1, 1, 0, 1), (0, 0, 1, 1)], ids=lambda s: "".join(map(str, s))
)
def test_one_look_is_near_the_sum_over_all_ways_to_end(seen):
    told = flown(len(seen), seen=[seen])
    exact = enumerated(told[0], seen, RADAR["pd"])
    for got, want, was_seen in zip(told[1], exact, seen, strict=True):
        if not was_seen:
            assert log_odds(got) == pytest.approx(log_odds(want), abs=0.2)


def test_alone_or_far_apart_silence_counts_as_it_did():
    alone, apart = flown(1, seen=[[0], [0]]), flown(2, 900.0, seen=[[0, 1], [0, 1]])
    assert apart[:, 0] == pytest.approx(alone[:, 0], abs=0.02)
    for r, after in itertools.pairwise(alone[:, 0]):
        before = r * 0.5 ** (1.0 / HALF_LIFE_S)
        assert after == pytest.approx(before * 0.1 / (1.0 - 0.9 * before), abs=0.03)


def test_one_missed_among_others_is_kept_longer_and_still_ends():
    alone = flown(1, seen=[[0]] * 6)[:, 0]
    among = flown(5, seen=[[0, 1, 1, 1, 1]] * 6)[:, 0]
    assert alone[2] < 0.5 < among[2]
    assert among[5] < 0.1


def test_all_silent_at_once_are_doubted_at_once_and_known_again_when_they_return():
    told = flown(5, seen=[[0] * 5, [0] * 5, [1] * 5, [1] * 5])
    assert (told[1] < 0.5).all()
    assert (told[2] > 0.0).all(), "doubted, not forgotten"
    assert (told[4] > 0.9).all(), "under the same names"


def test_the_silence_of_many_is_bounded():
    """A radar may miss all at once: the doubt is no more than MOST_COMMON times that of an end alone."""
    two, eight = flown(2, seen=[[0] * 2])[1], flown(8, 35.0, seen=[[0] * 8])[1]
    alone = flown(1, seen=[[0]])[1, 0]
    for r in (*two, *eight):
        assert -math.log(MOST_COMMON) <= log_odds(r) - log_odds(alone) < 0.0
