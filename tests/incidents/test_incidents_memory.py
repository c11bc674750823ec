"""Out empty and back full, the same gap again, a scout that watches, a drone that goes down: each told once and why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from night import HEAVY, START_US, Script, alarms, healthy, incidents, play, smuggler

from araz.incidents._state import Memory
from araz.vocabulary import IncidentKind, SensorState


def out_and_back(back=2, wait_s=240.0, back_east=0.0, back_mps=10.0):
    """Out of our side at 14 m/s, gone for minutes, back over the line under another number."""
    out = Script(1, [(0, 0, -1500, 60), (180, 0, 1020, 60)], HEAVY, -9.0)
    start = 180.0 + wait_s
    home = Script(
        back, [(start, back_east, 1020, 60), (start + 2500.0 / back_mps, back_east, -1480, 60)], HEAVY, -9.0,
        starts=start,
    )  # fmt: skip
    return out, home, start + 2400.0 / back_mps


def test_out_empty_back_full_is_a_reverse_sortie(place, table):
    out, home, end_s = out_and_back()
    _, events = play(place, table, [out, home], end_s)
    [said] = incidents(events, IncidentKind.REVERSE_SORTIE)
    assert said.track_id == "T0002"
    assert abs((said.at_us - START_US) / 1e6 - (420.0 + 102.0)) < 5.0, "when it came back over the line"
    left = [i for i in incidents(events, IncidentKind.CROSSING) if "outward" in i.sentence]
    assert said.supersedes == left[0].incident_id
    assert any("slower" in r.text for r in said.reasons_for), "14 m/s out, 10 m/s in"
    assert any("may be another" in r.text for r in said.reasons_against)
    area = said.areas[-1]
    centre = place.frame.to_enu(area.latitude_deg, area.longitude_deg, place.frame.hae_m)[0, :2]
    assert np.hypot(*centre) < 60.0
    card = next(c for c in reversed(alarms(events)) if c.track_id == "T0002")
    assert said.incident_id in card.incident_ids
    assert any("reverse sortie" in r.text for r in card.reasons_for)


@pytest.mark.parametrize(("wait_s", "back_east"), [(240.0, 4000.0), (4000.0, 0.0)])
def test_elsewhere_or_much_later_is_another_flight(place, table, wait_s, back_east):
    out, home, end_s = out_and_back(wait_s=wait_s, back_east=back_east)
    state, first = play(place, table, [out], 200.0)
    _, second = play(place, table, [home], end_s, state=state, from_s=180.0 + wait_s)
    assert incidents([*first, *second], IncidentKind.CROSSING)
    assert not incidents([*first, *second], IncidentKind.REVERSE_SORTIE)


def later(track, after_s, east_m):
    script = smuggler(track)
    script.points = [(t + after_s, e + east_m, n, u) for t, e, n, u in script.points]
    return script


def test_a_second_sortie_through_the_same_gap_names_the_first(place, table):
    _, events = play(place, table, [smuggler(1), later(2, 400.0, 150.0), later(3, 400.0, 5000.0)], 600.0)
    [said] = incidents(events, IncidentKind.REPEAT_SORTIE)
    assert said.track_id == "T0002"
    assert "T0001" in said.sentence
    assert "sortie 2" in said.sentence
    assert any("chance" in r.text for r in said.reasons_against)


def test_a_swarm_that_crosses_at_once_is_no_repeat(place, table):
    _, events = play(place, table, [later(k, 5.0 * k, 150.0 * k) for k in range(1, 5)], 200.0)
    assert len(incidents(events, IncidentKind.CROSSING)) == 4
    assert not incidents(events, IncidentKind.REPEAT_SORTIE)


def test_a_scout_that_circles_is_said_once_and_a_passing_drone_never(place, table):
    circle = [(0.0, 0.0, 3000.0, 90.0), (150.0, 0.0, 900.0, 90.0)]
    for k in range(1, 90):
        angle = 0.2 * k
        circle.append((150.0 + 5.0 * k, 250.0 * np.sin(angle), 650.0 + 250.0 * np.cos(angle), 90.0))
    _, events = play(place, table, [Script(1, circle, HEAVY, -9.0), later(2, 0.0, 4000.0)], 560.0)
    [said] = incidents(events, IncidentKind.LOITER)
    assert said.track_id == "T0001"
    assert "outside" in said.sentence
    centre = place.frame.to_enu(said.areas[0].latitude_deg, said.areas[0].longitude_deg, place.frame.hae_m)[0, :2]
    assert np.hypot(*(centre - [0.0, 650.0])) < 100.0
    assert said.reasons_for
    assert said.reasons_against


def falling(agl_m=40.0):
    """Flies in at 80 m, sinks at 4 m/s over fields, and is last seen a few metres up."""
    fall_s = (80.0 - agl_m) / 4.0
    return Script(
        1, [(0, 0, 2000, 80), (200, 0, -800, 80), (200 + fall_s, 60.0, -800 - 5.0 * fall_s, agl_m)], HEAVY, -9.0,
        seen_until=200.0 + fall_s, ends=200.0 + fall_s + 6.0,
    )  # fmt: skip


def test_what_sinks_to_the_ground_in_the_radars_sight_is_down(place, table):
    script = falling()
    _, events = play(place, table, [script], 260.0)
    [said] = incidents(events, IncidentKind.DOWN)
    where, _ = script.at(script.seen_until)
    centre = place.frame.to_enu(said.areas[0].latitude_deg, said.areas[0].longitude_deg, place.frame.hae_m)[0, :2]
    assert np.hypot(*(centre - where[:2])) < 60.0
    assert "inside" in said.sentence
    assert any("missed it since" in r.text for r in said.reasons_for)


def test_a_dead_radars_silence_is_no_wreck(place, table):
    def dead(t):
        return healthy(t, radar_1=SensorState.SILENT if t > 215.0 else SensorState.OK)

    _, events = play(place, table, [falling()], 260.0, health=dead)
    assert not incidents(events, IncidentKind.DOWN)


def test_what_is_lost_in_level_flight_is_lost_not_down(place, table):
    script = Script(1, [(0, 0, 2000, 80), (400, 0, -3600, 80)], HEAVY, -9.0, seen_until=220.0, ends=226.0)
    _, events = play(place, table, [script], 270.0)
    assert incidents(events, IncidentKind.CROSSING)
    assert not incidents(events, IncidentKind.DOWN)


@given(st.lists(st.tuples(st.sampled_from(list(IncidentKind)[:17]), st.integers(0, 10_000)), min_size=50, max_size=300))
def test_what_still_stands_is_remembered_however_much_else_was_said(told):
    """The latest two of each kind: a drone that crossed once and then hovers a hundred times crossed once."""
    memory = Memory(track_id=1, first_seen_us=0, last_seen_us=0)
    for number, (kind, at_us) in enumerate(told):
        memory = memory.with_incident(kind, at_us, f"I{number}")
    latest = {}
    for kind, at_us in told:
        latest.setdefault(kind, []).append(at_us)
    for kind, times in latest.items():
        assert all(memory.has_incident(kind, at_us) for at_us in times[-2:])
    order = [int(incident[1:]) for _, incident in memory.incidents]
    assert order == sorted(order)
    assert len(order) == 40
    assert order[-1] == len(told) - 1


def test_forty_stops_after_a_crossing_are_no_second_crossing(place, table):
    """Flies on and stops, again and again, deep inside: said 31 stops ago, it would be said anew every second."""
    points = [(0.0, 0.0, 1500.0, 60.0), (130.0, 0.0, -320.0, 60.0)]
    for stop in range(40):
        t, east = points[-1][0], points[-1][1]
        side = 260.0 if stop % 2 == 0 else -260.0
        points += [(t + 12.0, east, -320.0, 60.0), (t + 32.0, east + side, -320.0, 60.0)]
    _, events = play(place, table, [Script(1, points, HEAVY, -9.0)], points[-1][0])
    assert len(incidents(events, IncidentKind.HOVER)) > 31
    assert len(incidents(events, IncidentKind.CROSSING)) == 1
