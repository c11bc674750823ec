"""A recording is played as fast as it can be judged: against a wall clock that the test turns."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from araz.app._playback import LEAD_S, Playback

BEGIN_US = 1_700_000_000_000_000


class Wall:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def played(wall, playback, due_us, judging_s):
    """Wait for a batch up to ``due_us`` as the demo does, then take so long over it."""
    wall.now_s += max(0.0, playback.wait_s(due_us))
    playback.judging(due_us)
    for _ in range(10):
        wall.now_s += judging_s / 10
        assert playback.now_us() <= due_us + LEAD_S * 10 * 1e6
    playback.judging(None)


def test_a_machine_that_keeps_up_plays_at_the_speed_asked_over_gaps_of_any_length():
    wall = Wall()
    playback = Playback(BEGIN_US, 10.0, wall)
    for due_s in (1, 2, 3, 600, 601, 4000):
        played(wall, playback, BEGIN_US + due_s * 1_000_000, 0.01)
    assert playback.speed() == 10.0
    assert wall.now_s == pytest.approx(100.0 + 400.0 + 0.01, abs=0.02), "nothing was lost by judging"


def test_a_machine_too_slow_shows_the_night_slower_and_says_how_fast():
    wall = Wall()
    playback = Playback(BEGIN_US, 10.0, wall)
    for due_s in range(1, 60):
        played(wall, playback, BEGIN_US + due_s * 1_000_000, 0.5)  # half a second for each second: × 2
    assert playback.speed() == pytest.approx(2.0, abs=0.15)
    behind_s = (playback.now_us() - BEGIN_US) / 1e6 - 59
    assert 0 <= behind_s <= LEAD_S * 10, "the clock has not run on"
    for due_s in range(60, 400):
        played(wall, playback, BEGIN_US + due_s * 1_000_000, 0.001)
    assert playback.speed() == 10.0, "when the machine is free again"


def test_at_the_end_the_clock_stands():
    wall = Wall()
    playback = Playback(BEGIN_US, 10.0, wall)
    played(wall, playback, BEGIN_US + 5_000_000, 0.01)
    playback.over()
    last_us = playback.now_us()
    wall.now_s += 3600.0
    assert (playback.now_us(), playback.speed()) == (last_us, 0.0)


@given(st.lists(st.tuples(st.floats(0.01, 30.0), st.floats(0.0, 5.0)), min_size=1, max_size=40))
def test_it_never_goes_back_nor_faster_than_asked(batches):
    wall = Wall()
    playback, due_us, before_us, before_s = Playback(BEGIN_US, 10.0, wall), BEGIN_US, BEGIN_US, wall.now_s
    for gap_s, judging_s in batches:
        due_us += int(gap_s * 1e6)
        played(wall, playback, due_us, judging_s)
        now_us = playback.now_us()
        assert before_us <= now_us <= before_us + (wall.now_s - before_s) * 10e6 + 2
        assert 0 < playback.speed() <= 10.0
        before_us, before_s = now_us, wall.now_s
