"""Faults found on simulated nights, each reduced to a scripted picture, so that none of them is said again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from night import HEAVY, RADAR, RID, START_US, Script, alarms, claim, incidents, play, smuggler

from araz.incidents._features import course_nats, flock_now
from araz.incidents._sentences import class_words
from araz.incidents._state import Memory
from araz.incidents._succession import _inheritance, believed
from araz.vocabulary import IdentityVerdict, IncidentKind, TrackClass

#: What a tracker that is given no echo strength makes of anything at 10 m/s.
AMBIGUOUS = {TrackClass.MULTIROTOR: 0.2, TrackClass.BIRD: 0.7}


def minutes_past(at_us):
    return (at_us - START_US) / 60e6


def wheeling(track_id, seed, north_m, until_s=600.0, **changes):
    """A bird: 9 m/s always, turn rate an Ornstein-Uhlenbeck process (0.09 rad/s, 8 s), drawn back to where it lives."""
    rng = np.random.default_rng(seed)
    place, heading, rate, points = np.array([0.0, north_m]), rng.uniform(0, 2 * np.pi), 0.0, []
    for t in np.arange(0.0, until_s, 1.0):
        points.append((t, place[0], place[1], 50.0 + 8.0 * np.sin(t / 25.0)))
        rate += -rate / 8.0 + 0.09 * np.sqrt(2.0 / 8.0) * rng.normal()
        heading += rate
        back = (np.array([0.0, north_m]) - place) * (0.7 / 700.0)
        place = place + 9.0 * np.array([np.sin(heading), np.cos(heading)]) + back
    return Script(track_id, points, AMBIGUOUS, **changes)


@pytest.mark.parametrize("seed", range(6))
def test_birds_at_the_line_release_nothing_and_hardly_make_a_card(place, table, seed):
    """71 alarms in two hours were flocks that wheel over the line at 9 m/s without an echo strength."""
    birds = [wheeling(1 + k, 10 * seed + k, north) for k, north in enumerate((0.0, -600.0, -3000.0))]
    _, events = play(place, table, birds, 600.0)
    assert not incidents(events, IncidentKind.DROP)
    assert not incidents(events, IncidentKind.HOVER)
    assert not [c for c in alarms(events) if c.priority == 1]
    assert len({c.alarm_id for c in alarms(events)}) <= 1


def test_a_small_mean_velocity_in_a_turn_is_no_hover(place, table):
    """A bird circling with a radius of 12 m has a filtered velocity near zero and is never still."""
    circle = [(t, 12.0 * np.cos(0.8 * t), -900.0 + 12.0 * np.sin(0.8 * t), 40.0) for t in np.arange(60.0, 90.0, 0.5)]
    script = Script(
        1, [(0.0, 0.0, 500.0, 60.0), *circle, (200.0, 0.0, 900.0, 60.0)], HEAVY,
        jitter=lambda t, p, v: (p, v * 0.1 if 60.0 < t < 90.0 else v),
    )  # fmt: skip
    _, events = play(place, table, [script], 200.0)
    assert not incidents(events, IncidentKind.HOVER)
    assert not incidents(events, IncidentKind.DROP)


def test_what_lives_inside_and_hovers_has_released_nothing(place, table):
    """A kestrel: short flights, long stops, back and forth, never outside."""
    points, t = [(0.0, 0.0, -1500.0, 40.0)], 0.0
    for k in range(12):
        north = -1500.0 + (120.0 if k % 2 == 0 else 0.0)
        points += [(t + 12.0, 0.0, north, 40.0), (t + 24.0, 0.0, north, 25.0)]
        t += 24.0
    _, events = play(place, table, [Script(1, points, AMBIGUOUS)], t)
    assert not incidents(events, IncidentKind.DROP)
    assert not [c for c in alarms(events) if c.priority < 3]


def test_a_watcher_that_stands_high_for_minutes_released_nothing(place, table):
    points = [
        (0, 0, 2000, 250), (230, 0, -1200, 250), (350, 0, -1200, 240), (440, 0, 0, 250), (520, 0, 1100, 250),
    ]  # fmt: skip
    _, events = play(place, table, [Script(1, points, HEAVY, -20.0)], 520.0)
    assert incidents(events, IncidentKind.HOVER)
    assert not incidents(events, IncidentKind.DROP)


def high_drop(track_id=1, **changes):
    """Crosses at 450 m, comes down to 60 m on the spot 1.5 km inside, waits, climbs back, goes home."""
    points = [
        (0, 100, 1300, 450), (200, 100, -1500, 450), (265, 100, -1500, 60), (279, 100, -1500, 60),
        (344, 100, -1500, 450), (544, 100, 1300, 450),
    ]  # fmt: skip
    return Script(track_id, points, **({"chance": HEAVY, "rcs_dbsm": -15.0, "up_sigma_m": 6.0} | changes))


def test_a_release_at_the_bottom_of_a_dive_is_told_before_it_has_left(place, table):
    """It was found 200 s late at the top of the climb, 61 m off: the history had forgotten the dive."""
    _, events = play(place, table, [high_drop()], 544.0)
    (drop,) = incidents(events, IncidentKind.DROP)
    assert abs(drop.at_us - START_US - 279e6) < 6e6
    assert drop.known_at_us - START_US < 279e6 + 30e6
    enu = np.asarray(place.frame.to_enu(drop.areas[0].latitude_deg, drop.areas[0].longitude_deg, 100.0)).reshape(-1)
    assert np.hypot(enu[0] - 100.0, enu[1] + 1500.0) < 30.0
    assert not incidents(events, IncidentKind.HOVER)[1:]


def test_noisy_heights_are_no_descent(place, table):
    """The highest of sixty heights with a sigma of 15 m is always a descent to the lowest."""
    rng = np.random.default_rng(4)
    noise = {t: rng.normal(0.0, 15.0) for t in np.arange(0.0, 400.0, 0.5)}
    flat = Script(
        1, [(0, 0, 2000, 120), (230, 0, -1200, 120), (242, 0, -1200, 120), (330, -1200, -1300, 120)], HEAVY, -10.0,
        up_sigma_m=15.0, jitter=lambda t, p, v: (p + np.array([0.0, 0.0, noise[t]]), v),
    )  # fmt: skip
    _, events = play(place, table, [flat], 330.0)
    assert not any("came down" in r.text for i in incidents(events, IncidentKind.DROP) for r in i.reasons_for)


def test_along_the_line_it_crosses_once(place, table):
    """Every few seconds it said: crossed inward, went back, heads for the line."""
    points = [(t, 12.0 * t - 2000.0, 45.0 * np.sin(t / 4.0), 60.0) for t in np.arange(0.0, 300.0, 1.0)]
    _, events = play(place, table, [Script(1, points, HEAVY, -12.0)], 300.0)
    kinds = [i.kind for i in incidents(events)]
    assert kinds.count(IncidentKind.CROSSING) <= 1
    assert kinds.count(IncidentKind.RETURNED) <= 1
    assert kinds.count(IncidentKind.CROSSING_PREDICTED) + kinds.count(IncidentKind.APPROACH) <= 2


def test_a_ridge_of_eighty_seconds_makes_no_second_card(place, table):
    """The valley hides the drone longer than the tracker holds it: a new number came back as a second drone."""
    whole = smuggler()
    first, second = smuggler(1, ends=60.0), smuggler(88, starts=140.0)
    _, events = play(place, table, [first, second], 260.0)
    assert {c.alarm_id for c in alarms(events)} == {"A0001"}
    assert alarms(events)[-1].track_id == "T0088"
    drop = incidents(events, IncidentKind.DROP)
    assert len(drop) == 1
    # Something that comes the other way out of the same shadow is another story.
    back = Script(99, [(140.0, 300.0, whole.at(140.0)[0][1], 70.0), (240.0, 300.0, 2000.0, 70.0)], HEAVY, -9.0)
    state, _ = play(place, table, [smuggler(1, ends=60.0), back], 200.0)
    assert 1 not in state.memories[99].former


def test_a_mere_prediction_makes_no_news(place, table):
    """A track the tracker only carries on behind a ridge crossed the line and came down to the ground on the card."""
    _, events = play(place, table, [smuggler(seen_until=100.0)], 190.0)
    assert not incidents(events, IncidentKind.CROSSING)
    assert max(e.known_at_us for e in incidents(events)) <= START_US + 104e6
    assert max(c.changed_at_us for c in alarms(events)) <= START_US + 104e6


def test_a_bird_that_passes_a_refuted_claim_does_not_make_it_true(place, table):
    """Four of twenty spoofed identities became drones for the seconds in which a real track was near."""
    ghost = Script(1, [(0, 0, -900, 100), (120, 0, -2100, 100)], mask=RID, claim_key=11)
    passing = Script(2, [(40, 60, -1300, 90), (50, 60, -1400, 90)], AMBIGUOUS)
    claims = {11: claim("GHOST")}
    state, events = play(place, table, [ghost, passing], 70.0, claims=claims)
    assert state.identities[1].verdict is IdentityVerdict.CONTRADICTED
    assert not [c for c in alarms(events) if "ghost" in c.sentence.lower() and "is not what it says" not in c.sentence]
    # A real drone there, seen for half a minute and more, vouches for it again.
    beside = Script(2, [(30, 20, -1200, 95), (120, 20, -2100, 95)], HEAVY)
    state, _ = play(place, table, [ghost, beside], 110.0, claims=claims)
    assert state.identities[1].verdict is IdentityVerdict.SUPPORTED


def test_one_plot_on_a_forged_track_is_no_second_sensor(place, table):
    """A plot of clutter marked the track as seen by radar for good: half a minute later the forgery was a drone."""
    ghost = Script(1, [(0, 0, -900, 100), (120, 0, -2100, 100)], HEAVY, mask=RID, claim_key=11)
    claims = {11: claim("GHOST")}

    def seen(from_s, to_s):
        def inputs(t, _):
            ghost.mask = RID | (RADAR if t >= from_s else 0)
            return {"sighted": {1: START_US + int(min(t, to_s) * 1e6)} if t >= from_s else {}}

        return inputs

    state, events = play(place, table, [ghost], 110.0, claims=claims, inputs_at=seen(40.0, 40.5))
    assert state.identities[1].verdict is IdentityVerdict.CONTRADICTED
    assert all("is not what it says" in c.sentence for c in alarms(events))
    # What radars go on seeing is there, but its word is worth nothing any more.
    state, _ = play(place, table, [ghost], 110.0, claims=claims, inputs_at=seen(40.0, 120.0))
    assert state.identities[1].verdict is IdentityVerdict.SUPPORTED
    honest = Script(1, ghost.points, HEAVY, mask=RID | RADAR, claim_key=11)
    trusted, _ = play(place, table, [honest], 110.0, claims=claims)
    assert state.memories[1].belief < trusted.memories[1].belief


def test_a_start_across_the_line_is_told_before_it_has_a_course(place, table):
    """While it climbed over its launch place for three minutes nothing was said."""
    points = [(0, 0, 1700, 2), (4, 0, 1700, 2), (170, 0, 1700, 1000), (300, 0, -200, 1000)]
    _, events = play(place, table, [Script(1, points, AMBIGUOUS)], 160.0)
    first = alarms(events)[0]
    assert first.raised_at_us - START_US <= 20e6
    assert first.priority == 3
    assert "rose on the spot 1.7 km outside the line" in first.sentence
    # A farm drone's hop to 8 m is no start, nor is a mast with a noisy height.
    hop = Script(1, [(0, 0, -1000, 2), (10, 0, -1000, 8), (60, 0, -1000, 8), (160, 300, -1000, 8)], AMBIGUOUS)
    rng = np.random.default_rng(0)
    mast = Script(
        2, [(0, 500, 900, 30), (160, 500, 900, 30)], AMBIGUOUS, up_sigma_m=12.0,
        jitter=lambda t, p, v: (p + np.array([0, 0, rng.normal(0, 12.0)]), v),
    )  # fmt: skip
    _, events = play(place, table, [hop, mast], 160.0)
    assert not alarms(events)


def test_a_card_is_revised_less_than_once_a_minute(place, table):
    """The demonstration night sent 231 revisions in 14 minutes."""
    rng = np.random.default_rng(2)
    sway = {t: rng.normal(0.0, (8.0, 8.0, 12.0, 1.5, 1.5, 0.7)) for t in np.arange(0.0, 700.0, 0.5)}
    noisy = high_drop(up_sigma_m=12.0, jitter=lambda t, p, v: (p + sway[t][:3] * (0.3, 0.3, 1.0), v + sway[t][3:]))
    _, events = play(place, table, [noisy], 544.0)
    cards = alarms(events)
    assert {c.alarm_id for c in cards} == {"A0001"}
    assert len(cards) <= 1 + minutes_past(cards[-1].changed_at_us) * 1.5
    for old, new in pairwise(cards):
        soon = new.changed_at_us - old.changed_at_us < 15_000_000
        assert not soon or new.priority < old.priority or set(new.incident_ids) != set(old.incident_ids)


def test_the_card_of_a_likely_drone_does_not_call_it_a_bird(place, table):
    """Speed and height alone made the tracker say bird; the card said: Bird?, released a load."""
    script = smuggler(chance=AMBIGUOUS, rcs_dbsm=float("nan"))
    _, events = play(place, table, [script], 300.0)
    assert alarms(events)
    assert not [c for c in alarms(events) if "bird" in c.sentence.lower()]
    assert incidents(events, IncidentKind.DROP)


def test_a_straight_course_speaks_for_a_drone_and_a_turn_for_a_bird():
    def look(turn_rad, sigma):
        velocity = 12.0 * np.array([[np.sin(turn_rad), np.cos(turn_rad)]])
        return float(course_nats(velocity, np.zeros(1), np.array([12.0]), np.array([12.0]), np.array([sigma]))[0])

    assert look(0.0, 0.5) > 1.0
    assert look(0.45, 0.5) < -1.0
    # The worse the velocity is known, the less either says.
    assert 0.0 < look(0.0, 6.0) < look(0.0, 2.0) < look(0.0, 0.5)
    assert abs(look(0.45, 6.0)) < 0.3


def test_three_side_by_side_are_a_flock_and_two_are_not():
    position = np.array([[0.0, 0, 50], [30, 0, 50], [0, 40, 50], [500, 0, 50], [520, 0, 50]])
    velocity = np.array([[9.0, 0, 0], [9, 1, 0], [8, 0, 0], [9, 0, 0], [9, 0, 0]])
    assert flock_now(position, velocity).tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]


def test_a_drone_lost_without_a_release_leaves_its_turning_point(place, table):
    points = [(0, 0, 1500, 90), (150, 0, -1500, 90), (155, 60, -1540, 90), (160, 120, -1500, 90), (320, 120, 1700, 90)]
    _, events = play(place, table, [Script(1, points, HEAVY, -14.0, mask=RADAR)], 320.0)
    last = alarms(events)[-1]
    assert "went back over the line from 1.5 km inside; no release was seen" in last.sentence
    enu = np.asarray(place.frame.to_enu(last.areas[0].latitude_deg, last.areas[0].longitude_deg, 100.0)).reshape(-1)
    assert np.hypot(enu[0] - 60.0, enu[1] + 1540.0) < 80.0


def test_an_heir_is_not_told_its_elders_stop_twice():
    """Chains of bird tracks handed one doubtful stop on and on, each time as new evidence."""
    plain = Memory(track_id=1, first_seen_us=0, last_seen_us=0, belief=0.95)
    stopped = plain._replace(hovered_at_us=1)
    assert _inheritance(plain) == pytest.approx(_inheritance(stopped) + 1.5)
    assert _inheritance(plain._replace(belief=0.3)) == 0.0
    heir = plain._replace(inherited_nats=_inheritance(plain), inherited_at_us=0)
    assert 0.5 > believed(heir, 0.2, 120_000_000) > believed(heir, 0.2, 600_000_000) > 0.2


def test_a_lost_heir_can_have_waited_for_a_story_itself(place, table):
    """A crash: the heir of one story was on the list of those that wait for an heir, under its old memory."""
    first = Script(1, [(0, 0, 1500, 70), (20, 0, 1300, 70)], HEAVY)
    second = Script(2, [(5, 20, 1240, 70), (60, 20, 700, 70)], HEAVY, seen_until=21.0)
    third = Script(3, [(26, 20, 1060, 70), (60, 20, 700, 70)], HEAVY)
    state, events = play(place, table, [first, second, third], 50.0)
    assert len({c.alarm_id for c in alarms(events)}) <= 2
    assert state.memories[3].track_id == 3


def test_what_hovered_is_no_fixed_wing():
    """Flying home at 15 m/s, the quad that had just let go of its load was called a fixed-wing drone."""
    chance = np.array([0.03, 0.07, 0.9, 0.0, 0.0, 0.0])
    assert class_words(chance, float("nan"), 0.95, has_hovered=False) == "fixed-wing drone"
    assert class_words(chance, float("nan"), 0.95, has_hovered=True) == "multirotor?"
    assert class_words(np.array([0.1, 0.1, 0.0, 0.8, 0.0, 0.0]), float("nan"), 0.95, False).startswith("unknown")
    assert class_words(np.array([0.1, 0.1, 0.0, 0.8, 0.0, 0.0]), -30.0, 0.3, False) == "bird?"
