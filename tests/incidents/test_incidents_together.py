"""What flies in company is one event; what drifts is told from what is flown, and its landing is foretold."""

from __future__ import annotations

import numpy as np
import pytest
from night import (
    HEAVY,
    RADAR,
    RID,
    START_US,
    Script,
    alarms,
    claim,
    incidents,
    make_place,
    make_table,
    play,
    smuggler,
)

from araz.incidents._balloon import Drift, forecast
from araz.simulation._drift import balloon
from araz.vocabulary import AlarmState, IncidentKind, Wind


def abreast(count, apart_m):
    scripts = [smuggler(k) for k in range(1, count + 1)]
    for k, script in enumerate(scripts):
        script.points = [(t, e + apart_m * k, n, u) for t, e, n, u in script.points]
    return scripts


@pytest.mark.parametrize("apart_m", [200.0, 500.0], ids=["near", "by a chain"])
def test_three_in_company_are_one_card_and_one_swarm(place, table, apart_m):
    _, events = play(place, table, abreast(3, apart_m), 150.0)
    shown = {c.alarm_id: c for c in alarms(events)}
    [card] = [c for c in shown.values() if c.state is AlarmState.ACTIVE]
    assert {m.track_id for m in card.members} == {"T0001", "T0002", "T0003"}
    [swarm] = incidents(events, IncidentKind.SWARM)
    assert all(name in swarm.sentence for name in ("T0001", "T0002", "T0003"))
    assert swarm.areas
    assert swarm.reasons_for


def test_three_apart_are_three_cards_and_no_swarm(place, table):
    _, events = play(place, table, abreast(3, 1500.0), 150.0)
    assert {c.track_id for c in alarms(events)} == {"T0001", "T0002", "T0003"}
    assert not incidents(events, IncidentKind.SWARM)


def test_a_swarm_that_grows_says_so_and_names_what_it_said_before(place, table):
    scripts = abreast(5, 200.0)
    for script in scripts[3:]:
        script.starts = 60.0
    _, events = play(place, table, scripts, 150.0)
    first, second = incidents(events, IncidentKind.SWARM)
    assert second.supersedes == first.incident_id
    assert second.sentence.startswith("5 ")


def drifter(track, rng, place, wind, start=(0.0, 2500.0), height_m=200.0, sink_mps=0.0, until_s=900.0):
    """A balloon of the simulator, seen by a tracker with 8 m of noise a second; sinks at a steady rate if told to."""
    course = balloon(place, rng, np.array(start), height_m, 1.5, wind, 0.0, until_s + 2000.0)
    seconds = np.arange(0.0, until_s + 1900.0)
    at = np.array([course.at(np.array([t]))[0][0] for t in seconds])
    ground = place.terrain.ground_up_m(at[:, 0], at[:, 1])
    agl = np.maximum(at[:, 2] - ground - sink_mps * np.maximum(seconds - 300.0, 0.0), 0.0)
    points = [(float(t), float(p[0]), float(p[1]), float(h)) for t, p, h in zip(seconds, at, agl, strict=True)]
    truth = np.column_stack([at[:, :2], agl])

    def jitter(t, p, v):
        return p + rng.normal(0.0, 4.0, 3), v + rng.normal(0.0, 0.4, 3)

    return Script(track, points, jitter=jitter, ends=until_s), truth


@pytest.mark.parametrize("seed", range(3))
def test_a_balloon_in_the_sites_wind_is_told_by_its_drift(seed):
    wind = Wind(speed_mps=6.0, from_deg=0.0)
    place = make_place(wind)
    script, _ = drifter(1, np.random.default_rng(seed), place, wind, until_s=300.0)
    _, events = play(place, make_table(place), [script], 300.0)
    said = incidents(events, IncidentKind.BALLOON)
    assert said, "six metres a second with the wind for minutes"
    assert said[0].areas
    assert any("wind" in r.text for r in said[0].reasons_for)
    assert all("drifts" in a.sentence for a in alarms(events) if a.changed_at_us > said[0].known_at_us + 20_000_000)
    assert all(a.priority >= 2 for a in alarms(events))


def test_a_drone_at_the_same_place_is_no_balloon():
    wind = Wind(speed_mps=6.0, from_deg=0.0)
    place = make_place(wind)
    _, events = play(place, make_table(place), [smuggler(1)], 320.0)
    slow = Script(2, [(0, 0, 2000, 70), (400, 0, -800, 70)], HEAVY, -9.0)
    _, more = play(make_place(), make_table(make_place()), [slow], 330.0)
    assert not incidents([*events, *more], IncidentKind.BALLOON), "7 m/s across the wind is flown"


def test_a_drone_that_comes_and_stands_still_is_no_balloon():
    """It hovers for minutes in the site's gentle wind: no way of telling the two by the wind's agreement alone."""
    place = make_place(Wind(speed_mps=2.0, from_deg=0.0))
    watcher = Script(1, [(0, 0, 1500, 90), (60, 0, 900, 90), (400, 0, 900, 90)], HEAVY, -9.0)
    _, events = play(place, make_table(place), [watcher], 390.0)
    assert alarms(events)
    assert not incidents(events, IncidentKind.BALLOON)
    assert not [a for a in alarms(events) if "drifts" in a.sentence]


@pytest.mark.parametrize(("agl_m", "key"), [(8.0, 5), (60.0, 5), (8.0, 0)], ids=["says so", "says so, higher", "low"])
def test_a_farm_drone_that_goes_with_the_wind_is_no_balloon_and_no_card(agl_m, key):
    wind = Wind(speed_mps=6.0, from_deg=0.0)
    place = make_place(wind)
    legs = [(0, 0, -900, agl_m), (150, 0, -1800, agl_m), (160, 30, -1800, agl_m), (310, 30, -900, agl_m)]
    farm = Script(1, legs, HEAVY, -12.0, mask=RADAR | (RID if key else 0), claim_key=key)
    _, events = play(place, make_table(place), [farm], 300.0, claims={5: claim("FARM-7")} if key else {})
    assert not incidents(events, IncidentKind.BALLOON)
    assert not [a for a in alarms(events) if "balloon" in a.sentence]


def test_forecasts_hold_the_simulators_balloons_as_often_as_they_say():
    """Sinking balloons of the simulator: the 90 % area of the landing, foretold two minutes after it began to sink."""
    held, landings = {0.5: 0, 0.9: 0}, 0
    for seed in range(6):
        rng = np.random.default_rng(100 + seed)
        wind = Wind(speed_mps=float(rng.uniform(4.0, 8.0)), from_deg=float(rng.uniform(-40.0, 40.0)))
        place = make_place(wind)
        script, truth = drifter(
            1, rng, place, wind, (0.0, 3000.0), sink_mps=float(rng.uniform(0.8, 1.5)), until_s=460.0
        )
        _, events = play(place, make_table(place), [script], 460.0)
        landing = [i for i in incidents(events, IncidentKind.BALLOON) if "comes down" in i.sentence]
        if not landing:
            continue
        landings += 1
        down_s = int(np.argmax(truth[:, 2] <= 0.0))
        where = truth[down_s, :2]
        told_s = (landing[0].known_at_us - START_US) / 1e6
        assert abs((landing[0].at_us - START_US) / 1e6 - down_s) < 10.0 + 0.6 * (down_s - told_s), "two sigma"
        for area in landing[0].areas:
            centre = place.frame.to_enu(area.latitude_deg, area.longitude_deg, place.frame.hae_m)[0, :2]
            azimuth = np.radians(area.azimuth_deg)
            along = (where - centre) @ [np.sin(azimuth), np.cos(azimuth)]
            across = (where - centre) @ [np.cos(azimuth), -np.sin(azimuth)]
            held[area.probability] += (along / area.semi_major_m) ** 2 + (across / area.semi_minor_m) ** 2 <= 1.0
    assert landings >= 4, "most are heard of in time"
    assert held[0.9] >= 0.8 * landings, "the simulator's wind does not change with height: the areas are wide for it"


def test_a_forecast_is_where_the_drift_leads():
    sinking = forecast(Drift(0.0, 0.0, 200.0, 5.0, -2.0, 0.5, 1.0))
    assert sinking.is_landing
    assert sinking.in_s == pytest.approx(200.0)
    assert sinking.centre_m == pytest.approx((1000.0, -400.0))
    level = forecast(Drift(0.0, 0.0, 200.0, 5.0, -2.0, 0.5, 0.0))
    assert not level.is_landing
    assert level.centre_m == pytest.approx((9000.0, -3600.0))
