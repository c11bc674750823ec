"""The shipped scenarios are what the field guide asks for; a bad file is named."""

from itertools import groupby

import numpy as np
import pytest
from simworld import SCENARIOS, horadiz, waypoint

from araz.simulation import Truth, TruthEvent, read_scenario, simulate

WANTED = ["A1", "B1", "C1", "C2", "D1", "E1", "F1", "G1", "H1", "I1", "J1", "L1", "X0", "X1", "X2", "X3", "X4", "demo"]


def shipped(name):
    return read_scenario((SCENARIOS / f"{name}.toml").read_text("utf-8"))


def truth_of(name):
    night = simulate(shipped(name), horadiz(), 7)
    events = [record for record in night.truth if isinstance(record, TruthEvent)]
    states: dict[str, list[Truth]] = {}
    for record in night.truth:
        if isinstance(record, Truth):
            states.setdefault(record.actor_id, []).append(record)
    return night, events, states


def kinds(events, kind):
    return [event for event in events if event.kind == kind]


def test_all_are_there_and_named_after_their_files():
    assert sorted(path.stem for path in SCENARIOS.glob("*.toml")) == sorted(WANTED)
    assert all(shipped(name).name == name for name in WANTED)


def test_the_demo_night_has_its_cast():
    night, events, states = truth_of("demo")
    scenario = shipped("demo")
    assert scenario.duration_s >= 2 * 3600 + 600
    by_id = {body.body_id: body for body in night.bodies}
    heavy = kinds(events, "drop")[0]
    assert (heavy.actor_id, heavy.drone_class, heavy.load_kg) == ("heavy", "C", 10.2)
    assert 0.37 < (heavy.at_us - scenario.start_us) / 1e6 / scenario.duration_s < 0.43
    assert [e.actor_id for e in kinds(events, "crossing-in")] == ["heavy", "small"]
    assert [e.actor_id for e in kinds(events, "crossing-out")] == ["heavy", "small"]
    assert max(s.height_agl_m for s in states["heavy"]) < 150
    assert max(s.height_agl_m for s in states["small"]) > 400
    assert by_id["survey"].actor.is_authorised
    assert not by_id["survey"].is_threat
    assert {by_id["aircraft"].class_name, by_id["helicopter"].class_name} == {"manned aircraft"}
    assert [e.claim for e in kinds(events, "false-identity")] == ["remote-id:1581F4BJD2368003FAKE"]
    assert len(kinds(events, "heard")) == 1
    assert [e.sensor_id for e in kinds(events, "sensor-silent")] == ["acoustic-3"]
    assert sum(body.class_name == "bird" for body in night.bodies) >= 10


def test_the_authorised_flight_stays_in_its_circle():
    place = horadiz()
    (permit,) = place.site.authorised
    _, _, states = truth_of("demo")
    centre = place.frame.to_enu(permit.latitude_deg, permit.longitude_deg, 170.0)[0]
    own = states["survey"]
    path = place.frame.to_enu([s.latitude_deg for s in own], [s.longitude_deg for s in own], 170.0)
    assert np.hypot(*(path - centre)[:, :2].T).max() < permit.radius_m


@pytest.mark.parametrize(
    ("name", "drops", "highest", "lowest_transit"),
    [("A1", [0.5], 1000, 900), ("B1", [3.6], 1800, 700), ("C1", [10.2], 60, 20), ("D1", [10.0] * 10, 170, 90),
     ("F1", [0.26], 45, 10), ("H1", [8.0], 50, 20)],
)  # fmt: skip
def test_each_class_flies_as_it_is_described(name, drops, highest, lowest_transit):
    _, events, states = truth_of(name)
    assert [event.load_kg for event in kinds(events, "drop")] == drops
    threats = [own for own in states.values() if own[0].is_threat]
    heights = np.array([state.height_agl_m for own in threats for state in own])
    assert heights.max() == pytest.approx(highest, rel=0.15)
    crossing = [event.at_us for event in kinds(events, "crossing-in")]
    assert crossing
    near = [s.height_agl_m for own in threats for s in own if abs(s.at_us - crossing[0]) < 3_000_000]
    assert min(near) > lowest_transit
    assert all(event.latitude_deg is not None for event in kinds(events, "drop"))


def test_c2_comes_again_after_twenty_minutes():
    _, events, _ = truth_of("C2")
    first, second = kinds(events, "drop")
    assert (second.at_us - first.at_us) / 6e7 == pytest.approx(20, abs=0.1)


def test_e1_starts_and_ends_on_our_side():
    _, events, states = truth_of("E1")
    order = [event.kind for event in events if event.kind in {"crossing-in", "crossing-out"}]
    assert order == ["crossing-out", "crossing-in"]
    assert states["reverse"][0].inside
    assert states["reverse"][-1].inside


def test_g1_eight_balloons_drift_over():
    _, events, states = truth_of("G1")
    assert len({event.actor_id for event in kinds(events, "crossing-in")}) == 8
    assert {own[0].class_name for own in states.values() if own[0].is_threat} == {"balloon"}


def test_h1_and_i1_are_silent_on_the_air():
    for name in ("H1", "I1", "D1"):
        night, _, _ = truth_of(name)
        assert not any(body.emits_radio or body.actor.remote_id for body in night.bodies if body.is_threat)


def test_i1_is_masked_three_times_for_half_a_minute():
    _, _, states = truth_of("I1")
    hidden = [len(list(run)) for seen, run in groupby(state.detectable for state in states["silent"]) if not seen]
    assert len(hidden) == 3
    assert all(25 <= seconds <= 40 for seconds in hidden)


def test_j1_twenty_lies_and_one_drone():
    night, events, states = truth_of("J1")
    assert len({event.claim for event in kinds(events, "false-identity")}) == 20
    assert [own for own in states if states[own][0].is_threat] == ["heavy"]
    assert next(body for body in night.bodies if body.body_id == "heavy").actor.remote_id is None


def test_l1_comes_in_and_carries_nothing():
    _, events, _ = truth_of("L1")
    assert kinds(events, "crossing-in")
    assert not kinds(events, "drop")


def test_x1_has_ten_hours_and_no_threat():
    night, events, states = truth_of("X1")
    assert shipped("X1").duration_s == 36_000
    assert not any(body.is_threat for body in night.bodies)
    assert not kinds(events, "drop")
    assert {own[0].class_name for own in states.values()} == {"bird", "multirotor", "manned aircraft"}


def test_x2_x3_x4_have_their_faults():
    _, events, _ = truth_of("X2")
    assert [event.sensor_id for event in kinds(events, "sensor-silent")] == ["radar-1"]
    cut = shipped("X3").faults[0]
    assert (cut.kind, cut.to_s - cut.from_s) == ("link-cut", 6 * 3600.0)
    clock = shipped("X4").faults[0]
    assert (clock.kind, abs(clock.offset_s)) == ("clock-error", 3.0)


HEAD = 'name = "T"\ntitle = "t"\nstart_at = 2026-03-12T20:00:00Z\nduration_s = 60\n'
ONE = f'[[actors]]\nid = "a"\nkind = "quad"\nwaypoints = [{waypoint(0, 0, 50)}]\n'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (HEAD + "heigth = 3\n", "heigth"),
        (HEAD + ONE.replace("quad", "zeppelin"), "zeppelin"),
        (HEAD + ONE + ONE, "ids must differ"),
        (HEAD + '[[actors]]\nid = "a"\nkind = "quad"\n', "waypoints"),
        (HEAD + '[[actors]]\nid = "a"\nkind = "decoy"\n' + ONE.split("\n", 3)[3], "remote_id"),
        (HEAD + ONE + "drops = [{ waypoint = 4, load_kg = 1.0 }]\n", "beyond"),
        (HEAD + '[[faults]]\nkind = "flood"\n', "sensor"),
        (HEAD + '[[reports]]\nreporter = "P"\nlatitude_deg = 0\nlongitude_deg = 0\nactor = "ghost"\n', "ghost"),
        ("name = ", "TOML|Invalid|cannot be used"),
    ],
)
def test_a_bad_scenario_is_refused_with_its_reason(text, word):
    with pytest.raises(ValueError, match=word):
        read_scenario(text)


def test_a_fault_of_an_unknown_sensor_is_refused():
    scenario = read_scenario(HEAD + '[[faults]]\nkind = "sensor-silent"\nsensor = "radar-9"\n')
    with pytest.raises(ValueError, match="radar-9"):
        simulate(scenario, horadiz(), 1)


def test_a_time_without_a_zone_is_utc():
    assert read_scenario(HEAD).start_us == read_scenario(HEAD.replace("00Z", "00")).start_us
    assert read_scenario(HEAD.replace("00Z", "00+04:00")).start_us == read_scenario(HEAD).start_us - 4 * 3_600_000_000
