"""What surely comes is told before one far radar can say what it is, a few a half hour; near ones wait to be known."""

from __future__ import annotations

from night import START_US, Script, alarms, healthy, play

from araz.incidents import _start
from araz.vocabulary import SensorState


def comes(track_id=1, at_s=0.0, east_m=300.0, **changes):
    """Comes at 13 m/s from 1.2 km outside, seen with 3.5 m/s of noise an axis, as one far radar sees it."""
    points = [(at_s, east_m, 1200.0, 60.0), (at_s + 85.0, east_m, 95.0, 60.0)]
    return Script(track_id, points, **({"sigma_m": 24.0, "speed_sigma_mps": 3.5} | changes))


def seconds(alarm):
    return (alarm.raised_at_us - START_US) / 1e6


def test_an_unknown_one_that_comes_is_told_low_and_early_and_the_same_card_rises(place, table):
    _, events = play(place, table, [comes()], 80.0)
    cards = alarms(events)
    assert {card.alarm_id for card in cards} == {"A0001"}
    assert seconds(cards[0]) <= 8.0
    assert cards[0].priority == 3
    assert cards[0].confidence < 0.5, "it says how little is known"
    assert "Too early to tell a drone from a bird" in cards[0].sentence
    later = next(card for card in cards if card.priority < 3)
    assert "coming" in later.sentence
    assert later.confidence >= 0.8
    assert all(card.priority == 3 for card in cards[: cards.index(later)])


def test_what_a_near_radar_sees_well_waits_the_seconds_it_takes_to_know(place, table):
    _, far = play(place, table, [comes()], 12.0)
    _, near = play(place, table, [comes(sigma_m=8.0, speed_sigma_mps=0.7)], 12.0)
    assert alarms(far)
    assert not alarms(near)


def radar_out(t):
    return healthy(t, radar_1=SensorState.SILENT if t >= 20.0 else SensorState.OK)


def test_while_a_radar_of_the_line_is_out_two_plots_that_come_are_told(place, table):
    """Nobody near will tell soon; with every radar there, the same one waits until more is known."""
    vague = comes(at_s=30.0, speed_sigma_mps=6.0)
    _, events = play(place, table, [vague], 36.0, health=radar_out)
    told = [card for card in alarms(events) if card.track_id]
    assert seconds(told[0]) <= 32.0
    assert told[0].priority == 3
    assert any("radar-1" in text for text in told[0].not_seen)
    _, events = play(place, table, [vague], 36.0)
    assert not alarms(events)


def test_a_radar_whose_lie_is_known_is_corrected_and_sees(place, table):
    """A clock seconds ahead is said and taken off: what comes waits to be known, as on any night."""

    def lying(t):
        return healthy(t, radar_1=SensorState.LYING if t >= 20.0 else SensorState.OK)

    _, events = play(place, table, [comes(at_s=30.0, speed_sigma_mps=6.0)], 36.0, health=lying)
    assert not [card for card in alarms(events) if card.track_id]


def test_what_comes_where_one_was_lost_that_was_told_of_has_no_card_of_its_own(place, table):
    """It may be that one, which keeps its card; another that comes elsewhere meanwhile is told at once."""
    path = [(0.0, 300.0, 1900.0, 60.0), (140.0, 300.0, 80.0, 60.0)]
    elder = Script(1, path, ends=80.0, seen_until=58.0)
    again = Script(2, path, starts=80.0, sigma_m=24.0, speed_sigma_mps=6.0)
    other = comes(3, at_s=80.0, east_m=1500.0, speed_sigma_mps=6.0)
    _, events = play(place, table, [elder, again, other], 138.0, health=radar_out)
    told = {card.alarm_id: card.track_id for card in reversed(alarms(events)) if card.track_id}
    assert sorted(told.values()) == ["T0001", "T0003"]
    story = [card.track_id for card in alarms(events) if card.track_id in {"T0001", "T0002"}]
    assert story[0] == "T0001"
    assert story[-1] == "T0002", "the same card goes on with the track that took over"
    assert len({card.alarm_id for card in alarms(events) if card.track_id in {"T0001", "T0002"}}) == 1


def test_while_a_radar_is_out_two_in_half_an_hour_are_enough_too(place, table):
    scripts = [comes(k, at_s=30.0 + 3.0 * k, east_m=900.0 * k, speed_sigma_mps=6.0) for k in range(1, 6)]
    _, events = play(place, table, scripts, 55.0, health=radar_out)
    told = {card.track_id for card in alarms(events) if card.track_id and "Too early" in card.sentence}
    assert told == {"T0001", "T0002"}


def test_what_flies_along_the_line_or_away_is_not_told(place, table):
    along = Script(1, [(0.0, -600.0, 500.0, 60.0), (60.0, 180.0, 500.0, 60.0)], sigma_m=24.0, speed_sigma_mps=3.5)
    away = Script(2, [(0.0, 2000.0, 500.0, 60.0), (60.0, 2000.0, 1280.0, 60.0)], sigma_m=24.0, speed_sigma_mps=3.5)
    _, events = play(place, table, [along, away], 55.0)
    assert not alarms(events)


def test_two_that_came_to_nothing_are_enough_for_half_an_hour(place, table):
    """Each turns away before it can be known; the third is not told, and the first after half an hour is."""

    def bird(k, at_s):
        turns = [(at_s, 800.0 * k, 1200.0, 60.0), (at_s + 14.0, 800.0 * k, 1018.0, 60.0)]
        return Script(k, [*turns, (at_s + 40.0, 800.0 * k, 1350.0, 60.0)], sigma_m=24.0, speed_sigma_mps=3.5)

    birds = [bird(1, 0.0), bird(2, 60.0), bird(3, 120.0), bird(4, 1900.0)]
    state, events = None, []
    for first, last in ((0.0, 170.0), (1895.0, 1920.0)):
        state, new = play(place, table, birds, last, state=state, from_s=first)
        events += new
    raised = {card.alarm_id: card.track_id for card in reversed(alarms(events))}
    assert list(raised.values())[::-1] == ["T0001", "T0002", "T0004"]


def test_a_bird_that_turns_far_away_is_no_start(place, table, monkeypatch):
    """Seen with 3 m/s of noise nobody can swear that it ever moved; but it did not stand from its first moment."""
    points = [(30.0, 300.0, 900.0, 40.0), (60.0, 540.0, 900.0, 40.0), (75.0, 540.0, 900.0, 40.0)]
    bird = Script(1, points, sigma_m=24.0, speed_sigma_mps=3.0)
    _, events = play(place, table, [bird], 72.0)
    assert not alarms(events)
    monkeypatch.setattr(_start, "FIRST_S", 1000.0)
    _, events = play(place, table, [bird], 72.0)
    assert "as a drone starts" in alarms(events)[0].sentence
