"""A watched corridor goes blind in a simulated night: one cause, one card; and weather through the journal."""

import msgspec
import numpy as np

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import site_path
from araz.simulation import read_scenario, simulate
from araz.vocabulary import Alarm, AlarmState, Incident, IncidentKind, Message, Rejected, Weather

START = "2026-03-01T20:00:00Z"
NIGHT = f"""
name = "blind"
title = "a radar dies and comes back"
start_at = {START}
duration_s = 110.0
[[faults]]
kind = "sensor-silent"
sensor = "radar-2"
from_s = 30.0
to_s = 80.0
"""


def run(extra=()):
    bundle = bundle_from_file(site_path("horadiz"))
    _, place, _ = site_from_bundle(bundle)
    scenario = read_scenario(NIGHT)
    night = simulate(scenario, place, 3)
    arrivals = [(scenario.start_us, SITE_SOURCE, bundle), *night.messages]
    for at_s, source, payload in extra:
        arrivals.append((scenario.start_us + round(at_s * 1e6), source, payload))
    arrivals.sort(key=lambda arrival: arrival[0])
    state, said = None, []
    for seq, (at_us, source, payload) in enumerate(arrivals):
        state, events = pipeline.step(state, Message(seq=seq, received_at_us=at_us, source=source, payload=payload))
        said.extend(events)
    return scenario.start_us, state, said


def test_dead_radar_is_one_card_that_names_what_it_leaves_blind():
    start_us, state, said = run()
    lost = [e for e in said if isinstance(e, Incident) and e.kind is IncidentKind.COVERAGE_LOST]
    back = [e for e in said if isinstance(e, Incident) and e.kind is IncidentKind.COVERAGE_RESTORED]
    assert len(lost) == 1
    assert len(back) == 1
    # Dead from 30 s, silent by its site entry after 10 s more; judged once a second.
    assert 39e6 <= lost[0].known_at_us - start_us <= 44e6
    assert lost[0].sensor_id == "radar-2"
    assert back[0].supersedes == lost[0].incident_id
    alarms = {e.alarm_id: e for e in said if isinstance(e, Alarm)}
    assert len(alarms) == 1
    blind = [e for e in said if isinstance(e, Alarm) and "blind" in e.sentence]
    assert blind[0].revision == 1
    assert blind[0].priority == 2
    assert "radar-2 dead" in blind[0].sentence
    assert alarms.popitem()[1].state is AlarmState.CLEARED
    # Judged against the map's own geometry: every blind piece is farther from radar-1 than it sees.
    worst = [c for c in state.corridors if c.is_blind]
    assert worst == []


def test_rain_blinds_and_clears_and_nonsense_is_refused():
    rain = msgspec.json.encode(Weather(rain_mm_per_h=90.0))
    start_us, state, said = run([(10.0, "@weather", rain), (25.0, "@weather", b"{}x"), (28.0, "@weather", b"{}")])
    cards = [e for e in said if isinstance(e, Alarm) and e.raised_at_us - start_us < 20e6]
    assert {e.alarm_id for e in cards} == {cards[0].alarm_id}
    assert "watched corridors blind" in cards[0].sentence
    assert any("rain of 90 mm/h" in reason.text for reason in cards[0].reasons_for)
    assert cards[-1].state is AlarmState.CLEARED
    assert [e.reason for e in said if isinstance(e, Rejected)] == ["bad-weather"]
    assert state.weather == Weather()


def test_blind_pieces_are_those_the_living_radar_cannot_reach():
    start_us, state, said = run([(20.0, "@weather", b"{}")])
    del start_us, said
    radar = state.line.table.sensor_id.index("radar-1")
    reach = state.line.table.max_range_m[radar]
    from araz.sensors import watch_corridors
    from araz.vocabulary import SensorHealth, SensorState

    dead = {
        s.id: SensorHealth(
            sensor_id=s.id, at_us=0, state=SensorState.SILENT if s.id == "radar-2" else SensorState.OK, sentence="",
            last_heard_us=None, messages=0, observations=0, rejects=0, reject_reasons={},
        )
        for s in state.line.site.sensors
    }  # fmt: skip
    found = watch_corridors(state.line.place, state.line.table, state.line.watches, dead, Weather(), 0)
    for watch, corridor in zip(state.line.watches, found, strict=True):
        distance = np.linalg.norm(watch.points_enu_m - state.line.table.origin_enu_m[radar], axis=1)
        if distance.min() > reach:
            assert corridor.is_blind
            assert corridor.probability == 0.0
        if distance.max() < 0.6 * reach and corridor.blind_share == 0.0:
            assert corridor.probability > 0.95
    assert 3 < sum(c.is_blind for c in found) < len(found)
