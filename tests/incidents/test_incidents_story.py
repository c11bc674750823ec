"""Scripted nights: each thing that can happen makes its incident and its card, and the harmless make none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from night import (
    ADSB,
    HEAVY,
    LATITUDE,
    LONGITUDE,
    RADAR,
    RID,
    START_US,
    Script,
    alarms,
    claim,
    healthy,
    incidents,
    picture,
    play,
    smuggler,
)

from araz.geography import Zone, ZoneDatum, ZoneKind, ZoneLimit, ZoneVolume
from araz.incidents import cones_of, tracks_of
from araz.tracking import Reappearance
from araz.vocabulary import (
    AlarmState,
    Bearing,
    ClaimKind,
    Decision,
    DecisionAction,
    IdentityVerdict,
    IncidentKind,
    Observation,
    PeopleReport,
    Position,
    Rejected,
    ReportKind,
    ReportReceived,
    SensorState,
    TrackClass,
    in_language,
    phrase,
    phrase_of,
)


def test_a_sortie_is_told_from_approach_to_return(place, table):
    state, events = play(place, table, [smuggler()], 620.0)
    kinds = [e.kind for e in incidents(events)]
    for kind in ("crossing-predicted", "crossing", "hover", "drop", "returned"):
        assert kinds.count(IncidentKind(kind)) == 1, kind
    cards = alarms(events)
    assert {c.alarm_id for c in cards} == {"A0001"}
    assert [c.revision for c in cards] == list(range(1, len(cards) + 1))
    assert cards[0].priority == 2
    assert cards[0].raised_at_us <= START_US + 8_000_000
    crossing = next(c for c in cards if "entering" in c.sentence)
    assert crossing.priority == 1
    assert crossing.sentence.startswith("Heavy multirotor?, no Remote ID, 14 m/s, 70 m above ground, entering")
    assert "no Remote ID heard, though rid-1 is in range" in crossing.not_seen
    drop = incidents(events, IncidentKind.DROP)[0]
    assert drop.supersedes is not None
    lat, lon = drop.areas[0].latitude_deg, drop.areas[0].longitude_deg
    enu = np.asarray(place.frame.to_enu(lat, lon, 100.0)).reshape(-1)
    assert np.hypot(enu[0] - 300.0, enu[1] + 1200.0) < 60.0
    assert drop.areas[0].semi_major_m < drop.areas[1].semi_major_m < 120.0
    # The release, not the flight away, dates the drop.
    assert abs(drop.at_us - START_US - (3200 / 14.0 + 8.0) * 1e6) < 4e6
    for old, new in pairwise(cards):
        assert new.changed_at_us - old.changed_at_us >= 5_000_000 or set(new.incident_ids) != set(old.incident_ids)
    assert state.cards["A0001"].alarm.state is AlarmState.ACTIVE


def test_the_drop_card_is_cleared_after_half_an_hour_and_forgotten(place, table):
    state, events = play(place, table, [smuggler()], 460.0)
    for minute in range(8, 75):
        state, new = play(place, table, [], minute * 60 + 0.5, state=state, from_s=minute * 60.0)
        events += new
    assert alarms(events)[-1].state is AlarmState.CLEARED
    assert not state.cards
    assert not state.memories
    assert not state.card_of_key


def test_a_turn_away_clears_the_card(place, table):
    script = Script(1, [(0, 0, 1500, 70), (40, 0, 900, 70), (140, 0, 2400, 70), (400, 5000, 4000, 70)], HEAVY, -9.0)
    _, events = play(place, table, [script], 400.0)
    assert next(c.priority for c in alarms(events)) == 2
    assert alarms(events)[-1].state is AlarmState.CLEARED
    assert not incidents(events, IncidentKind.CROSSING)


def bird(track_id=5, seed=1, rcs=-29.0, chance=None):
    rng = np.random.default_rng(seed)
    heading, p, points = np.pi, np.array([0.0, 900.0]), []
    for t in range(0, 300):
        points.append((float(t), p[0], p[1], 60.0 + 10 * np.sin(t / 20)))
        heading += rng.normal(0, 0.25)
        p = p + 11.0 * np.array([np.sin(heading), np.cos(heading) - 0.3])
    return Script(track_id, points, chance or {}, rcs)


@pytest.mark.parametrize("seed", range(8))
def test_birds_wandering_over_the_line_make_no_card(place, table, seed):
    _, events = play(place, table, [bird(5, seed), bird(6, seed + 50, chance={TrackClass.BIRD: 0.6})], 300.0)
    assert not [c for c in alarms(events) if c.priority < 3]
    assert not [c for c in alarms(events) if c.track_id == "T0006"]


def test_a_migrating_bird_known_as_one_makes_no_card(place, table):
    script = Script(1, [(0, 0, 2000, 150), (400, 0, -3000, 150)], {TrackClass.BIRD: 0.7}, -28.0)
    _, events = play(place, table, [script], 400.0)
    assert not alarms(events)


def test_a_helicopter_on_adsb_makes_no_drone_card(place, table):
    script = Script(
        1, [(0, 0, 2500, 100), (60, 0, 0, 100), (70, 0, -100, 90), (100, 0, -105, 90), (200, 0, 2000, 100)],
        {TrackClass.MULTIROTOR: 0.6}, 5.0, mask=RADAR | ADSB, claim_key=7,
    )  # fmt: skip
    _, events = play(place, table, [script], 200.0, claims={7: claim("4ca123", ClaimKind.ADSB)})
    assert not alarms(events)
    # Without any claim, its speed and echo still keep it from being a drone.
    fast = Script(1, [(0, 0, 6000, 300), (200, 0, -6000, 300)], {}, 8.0)
    _, events = play(place, table, [fast], 200.0)
    assert not alarms(events)


def test_adsb_alone_without_radar_stays_untested_and_silent(place, table):
    script = Script(1, [(0, 60_000, 9000, 800), (300, 60_000, -3000, 800)], mask=ADSB, claim_key=7)
    state, events = play(place, table, [script], 300.0, claims={7: claim("4ca123", ClaimKind.ADSB)})
    assert not alarms(events)
    assert state.identities[1].verdict is IdentityVerdict.UNTESTED


def test_an_authorised_flight_makes_no_card_and_its_verdict_says_why(place, table):
    claims = {9: claim("friend-1")}
    state, events = play(place, table, [smuggler(mask=RADAR | RID, claim_key=9)], 300.0, claims=claims)
    assert not alarms(events)
    assert state.identities[1].verdict is IdentityVerdict.AUTHORISED
    # Outside its circle the same name does not excuse it.
    far = Script(1, [(0, 9000, 2000, 70), (300, 9000, -2200, 70)], HEAVY, -9.0, mask=RADAR | RID, claim_key=9)
    state, events = play(place, table, [far], 300.0, claims=claims)
    assert state.identities[1].verdict is IdentityVerdict.SUPPORTED
    assert alarms(events)


def zoned(place, *kinds):
    """The place with one round zone of each kind over its middle, from the ground to 120 m."""
    ground, top = ZoneLimit(0.0, ZoneDatum.AGL), ZoneLimit(120.0, ZoneDatum.AGL)
    volume = ZoneVolume(None, (LONGITUDE, LATITUDE), 5000.0, ground, top)
    zones = [Zone(kind.name[:7], "AZE", None, kind, None, (), (), (volume,), ()) for kind in kinds]
    return replace(place, zones=tuple(zones))


def test_a_free_zone_excuses_who_stays_on_our_side_and_nobody_who_came_over(place, table):
    claims, free = {9: claim("STRANGER")}, zoned(place, ZoneKind.NO_RESTRICTION)
    farmer = Script(
        1, [(0, 300, -600, 70), (40, 300, -200, 70), (70, 300, -60, 70), (150, 300, -900, 70)], HEAVY, -9.0,
        mask=RADAR | RID, claim_key=9,
    )  # fmt: skip
    state, events = play(free, table, [farmer], 120.0, claims=claims)
    assert state.identities[1].verdict is IdentityVerdict.AUTHORISED
    assert "zone NO_REST is free to fly in" in state.identities[1].reasons[-1]
    assert not alarms(events)
    # The same flight without the zone, and above the zone, is a stranger near the line.
    for where, script in ((place, farmer), (free, replace(farmer, points=[(*p[:3], 150.0) for p in farmer.points]))):
        state, _ = play(where, table, [script], 60.0, claims=claims)
        assert state.identities[1].verdict is IdentityVerdict.SUPPORTED
    # Who comes over the line into the zone is told as ever, also when its track changes number on our side.
    over = smuggler(mask=RADAR | RID, claim_key=9)
    state, events = play(free, table, [over], 200.0, claims=claims)
    assert alarms(events)
    assert state.identities[1].verdict is IdentityVerdict.SUPPORTED
    assert "came from the other side" in state.identities[1].reasons[-1]

    def told(t, events):
        east, north, _ = over.at(t)[0]
        latitude, longitude, _ = free.frame.to_geodetic([[east, north, 0.0]])
        where = Position(latitude_deg=float(latitude[0]), longitude_deg=float(longitude[0]))
        return {"observations": [Observation(
            sensor_id="rid-1", observed_at_us=START_US + int(t * 1e6), received_at_us=START_US + int(t * 1e6),
            measurement=where, claim=claims[9],
        )]}  # fmt: skip

    renumbered = [replace(over, ends=160.0), replace(over, track_id=2, starts=161.0)]
    state, _ = play(free, table, renumbered, 200.0, claims=claims, inputs_at=told)
    assert state.identities[2].verdict is IdentityVerdict.SUPPORTED


def test_other_zones_only_add_their_words(place, table):
    claims = {9: claim("STRANGER"), 8: claim("friend-1")}
    inside = [(0, 300, -600, 70), (60, 300, -900, 70)]
    both = zoned(place, ZoneKind.NO_RESTRICTION, ZoneKind.PROHIBITED)
    stranger = Script(1, inside, HEAVY, -9.0, mask=RADAR | RID, claim_key=9)
    friend = Script(2, [(0, 1300, -600, 70), (60, 1300, -900, 70)], HEAVY, -9.0, mask=RADAR | RID, claim_key=8)
    state, _ = play(both, table, [stranger, friend], 30.0, claims=claims)
    assert state.identities[1].verdict is IdentityVerdict.SUPPORTED
    assert state.identities[1].reasons[-1] == "in zone PROHIBI, where flying is prohibited"
    assert state.identities[2].verdict is IdentityVerdict.AUTHORISED


def test_clutter_flicker_makes_no_card(place, table):
    scripts = [
        Script(100 + k, [(10.0 * k, 100, 200 - 10 * k, 40), (10.0 * k + 3.5, 110, 150 - 10 * k, 40)], {}, -18.0)
        for k in range(30)
    ]
    _, events = play(place, table, scripts, 320.0)
    assert not alarms(events)
    assert not incidents(events)


def test_a_ghost_with_a_remote_id_is_contradicted_and_an_honest_one_supported(place, table):
    ghost = Script(1, [(0, 0, 1500, 100), (120, 0, 300, 100)], mask=RID, claim_key=11)
    honest = Script(2, [(0, 2500, 1500, 100), (120, 2500, 2900, 100)], HEAVY, -12.0, mask=RID | RADAR, claim_key=12)
    claims = {11: claim("GHOST"), 12: claim("HONEST")}
    state, events = play(place, table, [ghost, honest], 60.0, claims=claims)
    assert state.identities[1].verdict is IdentityVerdict.CONTRADICTED
    assert state.identities[2].verdict is IdentityVerdict.SUPPORTED
    found = incidents(events, IncidentKind.FALSE_IDENTITY)
    assert [i.track_id for i in found] == ["T0001"]
    assert "no radar saw anything" in found[0].reasons_for[0].text
    assert [c.priority for c in alarms(events) if c.track_id == "T0001"] == [2]
    # A dead radar proves nothing.
    state, events = play(
        place, table, [ghost], 60.0, claims=claims, health=lambda t: healthy(t, radar_1=SensorState.SILENT)
    )
    assert state.identities[1].verdict is IdentityVerdict.UNTESTED


def test_a_claim_beside_a_radar_track_is_supported(place, table):
    scripts = [Script(1, [(0, 0, 1500, 100), (120, 0, 300, 100)], mask=RID, claim_key=11), smuggler(2)]
    scripts[1].points = [(0, 40, 1520, 100), (120, 40, 320, 100)]
    state, _ = play(place, table, scripts, 60.0, claims={11: claim("REAL")})
    assert state.identities[1].verdict is IdentityVerdict.SUPPORTED


def test_twenty_spoofed_identities_share_one_card_and_the_real_drone_keeps_its_own(place, table):
    ghosts = [
        Script(
            10 + k, [(0, 300.0 * k - 2850, 1500, 100), (250, 300.0 * k - 2850, -500, 100)], mask=RID, claim_key=100 + k
        )
        for k in range(20)
    ]
    claims = {100 + k: claim(f"SPOOF-{k}") for k in range(20)}
    _, events = play(place, table, [*ghosts, smuggler(1)], 260.0, claims=claims)
    shown = {c.alarm_id: c for c in alarms(events)}
    assert len(shown) <= 4
    group = [c for c in shown.values() if "20 alarms" in c.sentence]
    assert len(group) == 1
    assert len({i.track_id for i in incidents(events, IncidentKind.FALSE_IDENTITY)}) == 20
    live = [c for c in shown.values() if c.state is AlarmState.ACTIVE]
    assert sorted(c.track_id or "" for c in live) == ["", "T0001"]
    assert next(c for c in live if c.track_id).priority == 1


def test_one_identity_in_two_places_is_contradicted(place, table):
    def inputs(t, _):
        lat, lon, hae = place.frame.to_geodetic(np.array([[0.0 if int(t) % 2 else 4000.0, 800.0, 100.0]]))
        at = START_US + int(t * 1e6)
        position = Position(latitude_deg=float(lat[0]), longitude_deg=float(lon[0]), altitude_hae_m=float(hae[0]))
        seen = Observation(
            sensor_id="rid-1", observed_at_us=at, received_at_us=at, measurement=position, claim=claim("TWIN")
        )
        return {"observations": [seen] if t == int(t) else []}

    script = Script(1, [(0, 0, 800, 100), (60, 400, 800, 100)], mask=RID | RADAR, claim_key=5)
    state, events = play(place, table, [script], 20.0, claims={5: claim("TWIN")}, inputs_at=inputs)
    assert state.identities[1].verdict is IdentityVerdict.CONTRADICTED
    assert "two places" in state.identities[1].reasons[0]
    assert incidents(events, IncidentKind.FALSE_IDENTITY)


def test_a_flood_of_drones_ends_on_one_card(place, table):
    scripts = [smuggler(k) for k in range(1, 21)]
    for k, script in enumerate(scripts):
        script.points = [(t + 3 * k, e + 150 * k, n, u) for t, e, n, u in script.points]
    _, events = play(place, table, scripts, 230.0)
    shown = {c.alarm_id: c for c in alarms(events)}
    assert len(shown) <= 10
    group = next(c for c in shown.values() if "one card for all" in c.sentence)
    assert group.priority == 1
    assert "20 alarms" in group.sentence
    assert [c.alarm_id for c in shown.values() if c.state is AlarmState.ACTIVE] == [group.alarm_id]


def test_hover_outside_near_the_line_is_priority_three_once(place, table):
    script = Script(1, [(0, 0, 1900, 100), (100, 0, 600, 100), (400, 0, 600, 100)], HEAVY, -10.0)
    _, events = play(place, table, [script], 400.0)
    assert incidents(events, IncidentKind.HOVER)
    last = alarms(events)[-1]
    assert "standing still 600 m outside" in last.sentence
    assert last.priority == 3


def test_landing_inside_after_a_crossing_is_act_now(place, table):
    script = Script(1, [(0, 0, 900, 60), (120, 0, -800, 60), (140, 0, -900, 3), (180, 0, -900, 3)], HEAVY, -10.0)
    _, events = play(place, table, [script], 180.0)
    assert incidents(events, IncidentKind.LANDING)
    assert alarms(events)[-1].priority == 1
    assert "landed" in alarms(events)[-1].sentence


def test_a_farm_drone_that_never_crossed_makes_no_act_now_card(place, table):
    points, t = [], 0.0
    for row in range(8):
        ends = (-2000.0, -2200.0) if row % 2 == 0 else (-2200.0, -2000.0)
        points += [
            (t, 20.0 * row, ends[0], 12),
            (t + 30, 20.0 * row, ends[1], 12),
            (t + 34, 20.0 * row + 20, ends[1], 12),
        ]
        t += 34.0 + 1e-3
    _, events = play(place, table, [Script(1, points, HEAVY, -12.0)], t)
    assert not [c for c in alarms(events) if c.priority < 3]


def test_a_reverse_sortie_is_noticed_going_out(place, table):
    script = Script(1, [(0, 0, -1500, 50), (200, 0, 1300, 50)], HEAVY, -12.0)
    _, events = play(place, table, [script], 200.0)
    crossing = incidents(events, IncidentKind.CROSSING)
    assert len(crossing) == 1
    assert "outward" in crossing[0].sentence
    assert {c.priority for c in alarms(events)} == {3}


def test_a_dead_sensor_is_said_and_its_recovery_too(place, table):
    def health(t):
        return healthy(t, acoustic_3=SensorState.SILENT) if 10 < t < 40 else healthy(t)

    _, events = play(place, table, [], 60.0, health=health)
    found = incidents(events, IncidentKind.SENSOR_SILENT)
    assert len(found) == 1
    assert found[0].sensor_id == "acoustic-3"
    cards = alarms(events)
    assert [c.state for c in cards] == [AlarmState.ACTIVE, AlarmState.CLEARED]
    assert "acoustic-3 dead since 18:00 UTC; quiet there means little." in cards[0].sentence
    _, events = play(place, table, [smuggler()], 40.0, health=health)
    card = [c for c in alarms(events) if c.track_id][-1]
    _, events = play(place, table, [smuggler()], 30.0, health=lambda t: healthy(t, acoustic_3=SensorState.LYING))
    lies = [text for c in alarms(events) if c.track_id for text in c.not_seen if "acoustic-3" in text]
    assert lies[0] == "acoustic-3 lying since 18:00 UTC; its plots may stand elsewhere"
    assert card.not_seen


def test_a_clock_that_is_known_to_be_wrong_is_no_blind_radar(place, table):
    words = phrase("health.clock-ahead", sensor="radar-1", seconds="2.7")
    wrong = {"state": SensorState.LYING, "sentence": str(words), "said": words.said}

    def health(t):
        return [msgspec.structs.replace(r, **wrong) if r.sensor_id == "radar-1" else r for r in healthy(t)]

    _, events = play(place, table, [], 30.0, health=health)
    [card] = alarms(events)
    assert card.sentence == "radar-1 lying since 18:00 UTC: radar-1's clock is 2.7 s ahead; its times are corrected."
    assert in_language(phrase_of(card.sentence, card.said), "az").startswith("radar-1 saat ")


def heard_at(place, t_s, azimuth, kind=ReportKind.HEARD, east=0.0, north=0.0):
    lat, lon, _ = place.frame.to_geodetic(np.array([[east, north, 0.0]]))
    at = START_US + int(t_s * 1e6)
    report = PeopleReport(
        kind=kind, reporter="post-4", report_id="r1", latitude_deg=float(lat[0]), longitude_deg=float(lon[0])
    )
    bearing = None if azimuth is None else Bearing(azimuth_deg=azimuth, azimuth_sigma_deg=10.0)
    return Observation(
        sensor_id="post-4", observed_at_us=at, received_at_us=at + 1000, measurement=bearing, report=report
    )


def test_a_heard_drone_waits_for_the_radar_and_joins_it(place, table):
    late = smuggler()
    late.points = [(20.0, 300, 900, 70), (80.0, 300, 60, 70)]

    def inputs(t, _):
        return {"observations": [heard_at(place, 5.0, 16.0)] if t == 5.0 else []}

    state, events = play(place, table, [late], 60.0, inputs_at=inputs)
    assert len([e for e in events if isinstance(e, ReportReceived)]) == 1
    first, second = incidents(events, IncidentKind.HEARD)
    assert first.track_id is None
    assert second.track_id == "T0001"
    assert second.supersedes == first.incident_id
    assert any("heard or seen by post-4" in c.sentence for c in alarms(events))
    assert cones_of(state, START_US + 60_000_000) == []
    state, _ = play(place, table, [late], 20.0, inputs_at=inputs)
    cones = cones_of(state, START_US + 20_000_000)
    assert [c.label for c in cones] == ["heard by post-4"]


def test_a_heard_drone_without_a_track_is_priority_three_after_a_while(place, table):
    def inputs(t, _):
        return {"observations": [heard_at(place, 5.0, 16.0)] if t == 5.0 else []}

    off = smuggler()
    off.points = [(0.0, -900, 300, 70), (60.0, -900, -300, 70)]
    _, events = play(place, table, [off], 40.0, inputs_at=inputs)
    cards = [c for c in alarms(events) if c.track_id is None]
    assert [c.priority for c in cards] == [3]
    assert cards[0].raised_at_us - START_US >= 19_000_000
    assert len(incidents(events, IncidentKind.HEARD)) == 1


def test_found_near_a_drop_confirms_it_and_elsewhere_is_a_card(place, table):
    def inputs(t, _):
        if t == 280.0:
            return {"observations": [heard_at(place, t, None, ReportKind.FOUND, 320.0, -1190.0)]}
        return {"observations": [heard_at(place, t, None, ReportKind.NOTHING)] if t == 30.0 else []}

    _, events = play(place, table, [smuggler()], 300.0, inputs_at=inputs)
    found = incidents(events, IncidentKind.FOUND)
    assert [f.track_id for f in found] == [None, "T0001"]
    assert {c.alarm_id for c in alarms(events)} == {"A0001"}
    _, events = play(place, table, [], 300.0, inputs_at=inputs)
    assert [c.priority for c in alarms(events) if c.revision == 1] == [2]


def decision(action, alarm_id="A0001", at_s=0.0, **more):
    return Decision(
        decision_id="d",
        alarm_id=alarm_id,
        revision=1,
        action=action,
        officer="desk-1",
        at_us=START_US + int(at_s * 1e6),
        **more,
    )


def test_decisions_become_revisions_and_are_echoed(place, table):
    def inputs(t, _):
        if t == 20.0:
            return {"decisions": [decision(DecisionAction.SEND, patrol_id="patrol-2", reason="near")]}
        return {"decisions": [decision(DecisionAction.REJECT, alarm_id="A9999")] if t == 21.0 else []}

    _, events = play(place, table, [smuggler()], 260.0, inputs_at=inputs)
    assert len([e for e in events if isinstance(e, Decision)]) == 2
    assert [e.reason for e in events if isinstance(e, Rejected)] == ["unknown-alarm"]
    sent = next(c for c in alarms(events) if c.decided_by)
    assert sent.state is AlarmState.ACKNOWLEDGED
    assert sent.decision_reason == "sent patrol-2: near"
    states = [(c.changed_at_us - START_US, c.state) for c in alarms(events)]
    # A sent patrol is not asked about again at the crossing, only at the drop.
    assert all(s is AlarmState.ACKNOWLEDGED for at, s in states if 20e6 <= at < 237e6)
    assert states[-1][1] is AlarmState.ACTIVE


def test_a_rejected_card_stays_rejected_until_a_drop(place, table):
    def inputs(t, _):
        return {"decisions": [decision(DecisionAction.REJECT, reason="ours")] if t == 20.0 else []}

    _, events = play(place, table, [smuggler()], 236.0, inputs_at=inputs)
    assert alarms(events)[-1].state is AlarmState.REJECTED
    _, events = play(place, table, [smuggler()], 260.0, inputs_at=inputs)
    assert alarms(events)[-1].state is AlarmState.ACTIVE
    assert "Released a load" in alarms(events)[-1].sentence


def test_a_shelved_card_wakes_when_its_time_is_over(place, table):
    def inputs(t, _):
        return {"decisions": [decision(DecisionAction.SHELVE, shelve_s=60.0)] if t == 10.0 else []}

    _, events = play(place, table, [smuggler()], 100.0, inputs_at=inputs)
    states = {(c.state, (c.changed_at_us - START_US) // 1_000_000) for c in alarms(events)}
    assert (AlarmState.SHELVED, 10) in states
    assert (AlarmState.ACTIVE, 70) in states


def test_tracks_of_gives_every_height_with_its_datum(place, table):
    state, _ = play(place, table, [smuggler(claim_key=3)], 30.0, claims={3: claim("X")})
    now = picture(place, [smuggler(claim_key=3)], 30.0)
    (track,) = tracks_of(state, now, place, {3: claim("X")}, table.sensor_id)
    assert track.track_id == "T0001"
    assert track.altitude_hae_m - track.altitude_amsl_m == pytest.approx(10.0)
    assert track.altitude_agl_m == pytest.approx(70.0, abs=0.5)
    assert track.border_distance_m == pytest.approx(2000.0 - 14.0 * 30.0, rel=0.01)
    assert track.course_deg == pytest.approx(180.0, abs=0.1)
    assert track.ellipse_semi_major_m == pytest.approx(8.0 * np.sqrt(5.991), rel=1e-3)
    assert track.sensors == ["radar-1"]
    assert track.claim == "remote-id:X"
    assert track.verdict is IdentityVerdict.SUPPORTED
    assert track.latitude_deg == pytest.approx(LATITUDE, abs=0.03)
    assert track.longitude_deg == pytest.approx(LONGITUDE, abs=0.03)


def test_a_hidden_track_carries_where_it_can_come_out(place, table):
    state, _ = play(place, table, [smuggler()], 30.0)
    now = picture(place, [smuggler()], 30.0)
    found = Reappearance(np.array([300.0, -200.0]), np.diag([100.0**2, 40.0**2]), 0.6, START_US, START_US + 9_000_000)
    seen = replace(now, hidden=np.array([True]))
    (track,) = tracks_of(state, seen, place, {}, table.sensor_id, reappears={1: (found,)})
    (one,) = track.reappears
    assert (one.probability, one.from_us, one.to_us) == (0.6, START_US, START_US + 9_000_000)
    hae = place.frame.to_geodetic([[300.0, -200.0, 0.0]])[2]
    back = place.frame.to_enu(one.area.latitude_deg, one.area.longitude_deg, hae)
    np.testing.assert_allclose(np.ravel(back)[:2], [300.0, -200.0], atol=0.1)
    # 90 % of a plane Gaussian lies within sqrt(-2 ln 0.1) deviations; the longer axis points east.
    assert one.area.semi_major_m == pytest.approx(100.0 * np.sqrt(-2 * np.log(0.1)))
    assert one.area.semi_minor_m == pytest.approx(40.0 * np.sqrt(-2 * np.log(0.1)))
    assert one.area.azimuth_deg == pytest.approx(90.0)
    (track,) = tracks_of(state, now, place, {}, table.sensor_id, reappears={1: (found,)})
    assert track.reappears == []


def test_a_story_outlives_a_broken_track(place, table):
    """The tracker loses the drone at its hard stop and finds it under another number: one card, and still a drop."""
    stop = 3200 / 14.0
    first = smuggler(1, ends=stop + 1.0)
    second = smuggler(77, starts=stop + 4.0)
    _, events = play(place, table, [first, second], 345.0)
    assert {c.alarm_id for c in alarms(events)} == {"A0001"}
    assert [i.track_id for i in incidents(events, IncidentKind.DROP)] == ["T0077"]
    assert [i.track_id for i in incidents(events, IncidentKind.RETURNED)] == ["T0077"]
    assert any("lost as T0001" in r.text for r in alarms(events)[-1].reasons_for)
    # Far from where the first was lost, the second is its own drone, which starts there.
    second.points = [(t, e + 900.0, n, u) for t, e, n, u in second.points]
    _, events = play(place, table, [first, second], 300.0)
    assert {c.track_id: c.sentence.count("starts") for c in alarms(events)} == {"T0001": 0, "T0077": 1}
    assert not any("lost as" in r.text for c in alarms(events) for r in c.reasons_for)
    assert not incidents(events, IncidentKind.DROP)


def test_a_track_that_was_never_lost_keeps_its_story_when_a_neighbour_took_it_for_its_elder(place, table):
    """Two side by side: the first goes unseen for eight seconds, the second is born beside it; both are told of."""
    first, second = smuggler(1), smuggler(2)
    second.points = [(t, e + 90.0, n, u) for t, e, n, u in first.points]
    second.starts = 64.0
    state, events = play(place, table, [first], 60.0)
    first.seen_until = 60.0
    state, more = play(place, table, [first, second], 68.0, state=state, from_s=60.0)
    assert state.memories[1].heir == 2, "the second was taken for the first"
    first.seen_until = None
    state, last = play(place, table, [first, second], 320.0, state=state, from_s=68.0)
    assert state.memories[1].heir is None
    events = [*events, *more, *last]
    assert {i.track_id for i in incidents(events, IncidentKind.DROP)} == {"T0001", "T0002"}
    cards = {c.alarm_id: c for c in alarms(events)}
    assert {c.track_id for c in cards.values()} == {"T0001", "T0002"}
    assert all(c.priority == 1 for c in cards.values())


def test_of_three_that_turn_at_once_each_gets_its_own_heir(place, table):
    """Abreast, lost in a turn for two seconds, and found 120 m aside, nearest to a neighbour's path."""
    elders, heirs = [], []
    for k in range(3):
        elder = Script(1 + k, [(0, 150.0 * k, 3000, 100), (160, 150.0 * k, -1000, 100)], HEAVY, -9.0, ends=150.0)
        heir = Script(11 + k, [(152, 150.0 * k + 110.0, -750, 100), (300, 150.0 * k + 110.0, 3000, 100)], HEAVY, -9.0)
        elders.append(elder)
        heirs.append(heir)
    _, events = play(place, table, [*elders, *heirs], 290.0)
    back = {i.track_id for i in incidents(events, IncidentKind.RETURNED)}
    assert back == {"T0011", "T0012", "T0013"}
    state, _ = play(place, table, [*elders, *heirs], 170.0)
    assert [state.memories[11 + k].former for k in range(3)] == [(1,), (2,), (3,)]
