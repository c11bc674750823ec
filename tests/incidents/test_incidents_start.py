"""What stands in the air from the first is told at once; what stood there all along is not."""

from __future__ import annotations

import numpy as np
import pytest
from night import HEAVY, RADAR, RID, START_US, Script, alarms, play

from araz.incidents._features import standing_nats

#: Rises to 40 m in 12 s, 600 m outside the line, waits, then comes.
START = [(30.0, 100.0, 600.0, 2.0), (42.0, 100.0, 600.0, 40.0), (50.0, 100.0, 600.0, 40.0), (110.0, 100.0, 0.0, 40.0)]


def seconds(alarm):
    return (alarm.raised_at_us - START_US) / 1e6


def test_a_drone_that_starts_is_told_within_six_seconds(place, table):
    _, events = play(place, table, [Script(1, START, HEAVY)], 45.0)
    first = alarms(events)[0]
    assert first.priority == 3
    assert seconds(first) <= 36.0
    assert "as a drone starts" in first.sentence
    assert any("nothing had stood before" in r.text for r in first.reasons_for)


def test_three_plots_that_stay_together_are_a_start(place, table):
    _, events = play(place, table, [Script(1, START, HEAVY)], 34.0)
    assert seconds(alarms(events)[0]) <= 32.5


def test_a_start_is_a_radars_to_tell_for_a_claim_can_say_anything(place, table):
    """Until its other evidence speaks: what is claimed to stand may be a place that somebody made up."""
    told = {}
    for mask in (RADAR, RID):
        _, events = play(place, table, [Script(1, START, mask=mask)], 40.0)
        told[mask] = [card for card in alarms(events) if "as a drone starts" in card.sentence]
    assert told[RADAR]
    assert not told[RID]


@pytest.mark.parametrize(("from_s", "is_told"), [(0.0, True), (9.0, False)])
def test_of_what_is_seen_but_now_and_then_more_is_asked(place, table, from_s, is_told):
    """Odds of 2.1 nats for standing: enough in the first seconds; later its plots may be of several birds."""
    sigma = next(s for s in np.arange(2.0, 6.0, 0.05) if standing_nats(np.zeros((1, 2)), np.eye(2)[None] * s**2) < 2.1)
    stands = [(30.0, 100.0, 600.0, 20.0), (60.0, 100.0, 600.0, 20.0)]
    # until then it moves as fast as what nobody can call sure
    moves = lambda t, p, v: (p, v + np.array([8.0 if t < 30.0 + from_s else 0.0, 0.0, 0.0]))  # noqa: E731
    _, events = play(place, table, [Script(1, stands, HEAVY, speed_sigma_mps=float(sigma), jitter=moves)], 46.0)
    assert bool([card for card in alarms(events) if "as a drone starts" in card.sentence]) is is_told


def test_what_flies_from_its_first_moment_is_no_start(place, table):
    bird = Script(1, [(30.0, -300.0, 600.0, 40.0), (90.0, 300.0, 600.0, 40.0)])
    _, events = play(place, table, [bird], 80.0)
    assert not alarms(events)


def test_a_tree_is_told_once_and_a_drone_beside_it_still(place, table):
    """The same place again is scenery; 300 m off it is not."""
    tree = [
        Script(k, [(t, 100.0, 600.0, 15.0), (t + 20.0, 100.0, 600.0, 15.0)], HEAVY) for k, t in ((1, 30.0), (2, 60.0))
    ]
    other = Script(3, [(90.0, 400.0, 600.0, 15.0), (100.0, 400.0, 600.0, 15.0)], HEAVY)
    _, events = play(place, table, [*tree, other], 105.0)
    assert {a.track_id for a in alarms(events)} == {"T0001", "T0003"}


def test_what_stood_when_the_watch_began_is_no_start(place, table):
    post = Script(1, [(0.0, 100.0, 600.0, 15.0), (60.0, 100.0, 600.0, 15.0)], HEAVY)
    _, events = play(place, table, [post], 50.0)
    assert not alarms(events)


def test_a_start_on_our_side_is_told_at_night(place, table):
    inside = Script(1, [(t, e, -n, u) for t, e, n, u in START], HEAVY)
    _, events = play(place, table, [inside], 45.0)
    assert len({a.alarm_id for a in alarms(events)}) == 1


def test_standing_is_the_odds_of_two_ways_to_move():
    """Against the odds counted: velocities of a stander and of a bird, seen with one noise, in a small box."""
    rng, n = np.random.default_rng(4), 400_000
    spread = np.array([[4.0, 1.0], [1.0, 2.0]])
    noise = rng.multivariate_normal(np.zeros(2), spread, (2, n))
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    stands = noise[0] + rng.normal(0.0, 1.0, (n, 2))
    flies = noise[1] + 9.0 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0.0, 3.0, (n, 2))
    for at in ([1.0, 0.5], [3.0, -2.0], [4.5, 3.0]):
        counts = [int((np.abs(seen - at).max(axis=1) < 0.5).sum()) for seen in (stands, flies)]
        assert min(counts) > 100
        odds = float(standing_nats(np.array([at]), spread[None])[0])
        assert abs(odds - np.log(counts[0] / counts[1])) < 0.3


def test_one_far_radar_takes_longer_to_say_that_something_stands():
    near, far = (standing_nats(np.zeros((1, 2)), np.eye(2)[None] * sigma**2)[0] for sigma in (1.0, 6.0))
    assert near > 5.0 > 2.0 > far > 0.0


def test_a_false_speed_of_its_first_seconds_is_forgiven(place, table):
    """Two plots with a false one between them make a filter sure of a speed that nothing had."""

    def jitter(t, p, v):
        return p, v + np.array([4.2 if t < 32.0 else 0.0, 0.0, 0.0])

    _, events = play(place, table, [Script(1, START, HEAVY, jitter=jitter)], 45.0)
    assert "as a drone starts" in alarms(events)[0].sentence
    assert seconds(alarms(events)[0]) <= 37.0


@pytest.mark.parametrize("sigmas", [-1.0, 0.0, 1.0])
def test_who_comes_is_told_four_minutes_before_the_line_whatever_the_noise_of_its_speed(place, table, sigmas):
    """Believed a drone for a while, it was told 15 s late: its speed read one metre a second too low."""
    speed, sigma = 13.0, 0.7
    script = Script(
        1, [(0, 300, 4000, 70), (400, 300, 4000 - 400 * speed, 70)], HEAVY, -9.0,
        jitter=lambda t, p, v: (p, v + np.array([0.0, -sigma * sigmas, 0.0])),
    )  # fmt: skip
    due_s = (4000.0 - place.site.alarms.predict_s * speed) / speed
    _, events = play(place, table, [script], due_s + 30.0)
    told_s = (alarms(events)[0].raised_at_us - START_US) / 1e6
    assert told_s - due_s <= 6.0
    assert told_s - due_s >= -45.0, "and not long before"
