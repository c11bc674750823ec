"""Options against a simulated crew that stays, picks a way out and drives; and against what must never be offered."""

from __future__ import annotations

import json
import tomllib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.geography import place_from_site
from araz.intercept import Assumptions, rank_for_group, rank_options
from araz.vocabulary import Alarm, AlarmMember, AlarmState, Area, InterceptOption, Patrol, Site

NOW_US = 1_760_000_000_000_000
USUAL = Assumptions()
ON_FOOT = Assumptions(quick_share=0.0)


@pytest.fixture(scope="module")
def horadiz(root):
    folder = root / "sites" / "horadiz"
    site = msgspec.convert(tomllib.loads((folder / "site.toml").read_text(encoding="utf-8")), Site)
    files = [json.loads((folder / name).read_text(encoding="utf-8")) for name in (site.border, site.roads, site.towns)]
    return place_from_site(site, *files)


def cross_place(border_points):
    """Four straight roads of 10 km from a crossing at the origin."""
    site = Site(
        name="cross",
        time_zone="UTC",
        origin_latitude_deg=39.45,
        origin_longitude_deg=47.335,
        origin_hae_m=170.0,
        geoid_undulation_m=9.9,
        border="",
        own_side="left",
    )
    border = {"type": "LineString", "coordinates": border_points}
    arms = [(0.116, 0.0), (-0.116, 0.0), (0.0, 0.09), (0.0, -0.09)]
    features = [
        {
            "type": "Feature",
            "properties": {"name": f"Road {i}", "speed_kmh": 36},
            "geometry": {"type": "LineString", "coordinates": [[47.335, 39.45], [47.335 + x, 39.45 + y]]},
        }
        for i, (x, y) in enumerate(arms)
    ]
    return place_from_site(site, border, {"type": "FeatureCollection", "features": features})


@pytest.fixture(scope="module")
def cross():
    return cross_place([[47.0, 39.2], [47.7, 39.2]])  # 28 km south: everything is ours


def alarm_at(place, east_m, north_m, **fields) -> Alarm:
    lat, lon, _ = place.frame.to_geodetic([[east_m, north_m, 0.0]])
    area = Area(
        latitude_deg=float(lat[0]),
        longitude_deg=float(lon[0]),
        semi_major_m=70.0,
        semi_minor_m=50.0,
        azimuth_deg=10.0,
        probability=0.5,
    )
    usual = {"alarm_id": "a1", "revision": 1, "priority": 1, "state": AlarmState.ACTIVE, "sentence": ""}
    times = {"raised_at_us": NOW_US, "changed_at_us": NOW_US}
    return Alarm(**(usual | times | {"confidence": 0.9, "areas": [area]} | fields))


def patrol_at(place, east_m, north_m, name="P", **fields) -> Patrol:
    lat, lon, _ = place.frame.to_geodetic([[east_m, north_m, 0.0]])
    return Patrol(id=name, latitude_deg=float(lat[0]), longitude_deg=float(lon[0]), **fields)


def test_the_crossing_is_barred_for_all_ways_out_but_one(cross):
    """Drop on the eastern road: the crew drives on east, or through the crossing to the three other arms."""
    alarm = alarm_at(cross, 1000.0, 0.0)
    options = rank_options(cross, [patrol_at(cross, 0.0, 100.0, ready_s=0.0)], alarm, NOW_US)
    assert sorted(option.action for option in options) == ["cut-off", "drop area"]
    cut = next(option for option in options if option.action == "cut-off")
    assert cut.probability_before == pytest.approx(0.75, abs=0.01)
    assert "Road 0 / Road 1" in cut.sentence
    assert "75 % of the ways out" in cut.sentence
    assert "1.0 km west of the drop area" in cut.sentence


def test_arrival_margin_and_route_add_up(cross):
    patrol = patrol_at(cross, -2000.0, 0.0, ready_s=45.0)
    option = next(
        o
        for o in rank_options(cross, [patrol], alarm_at(cross, 1000.0, 0.0), NOW_US, assumed=ON_FOOT)
        if o.action == "drop area"
    )
    assert option.arrival_s == pytest.approx(45.0 + 3000.0 / 10.0, abs=3.0)  # the parallel bends 2 m from the axis
    assert option.margin_s == pytest.approx(300.0 - option.arrival_s, abs=0.2)
    assert option.sentence.startswith("P reaches the drop area in 6 min, 45 s after the crew is likely gone")
    lon, lat = np.array(option.route).T
    route = cross.frame.to_enu(lat, lon, 170.0)
    assert np.hypot(*np.diff(route[:, :2], axis=0).T).sum() == pytest.approx(3000.0, abs=5.0)
    assert (option.longitude_deg, option.latitude_deg) == tuple(option.route[-1])


def test_a_predicted_load_still_in_the_air_is_met(cross):
    patrol = patrol_at(cross, -2000.0, 0.0, ready_s=45.0)
    alarm = alarm_at(cross, 1000.0, 0.0)
    sure = [o for o in rank_options(cross, [patrol], alarm, NOW_US, NOW_US + 600_000_000) if o.action == "drop area"]
    assert "4 min before the load" in sure[0].sentence
    assert sure[0].probability_before > 0.98


@pytest.mark.parametrize("quick_share", [0.0, 0.5, 1.0])
def test_the_chance_is_what_a_simulated_crew_gives(horadiz, quick_share):
    """A crew walks or rides, stays a lognormal time and leaves by a random way; each option's chance must come true."""
    alarm = alarm_at(horadiz, -4100.0, -4900.0)
    rng = np.random.default_rng(5)
    count = 40_000
    is_quick = rng.random(count) < quick_share
    leaves_s = rng.lognormal(np.log(np.where(is_quick, 120.0, 300.0)), 0.6, count)
    drop = np.array([-4100.0, -4900.0])
    nodes = horadiz.roads.node_enu_m
    far = np.hypot(*(nodes - drop).T) > 3000.0
    exits = sorted({int(n) for edge in horadiz.roads.edge_node for n in edge if far[n] and not far[edge].all()})
    ways = [horadiz.roads.travel(drop, nodes[exits], pace, 1.0)[1] for pace in (1.5, 5.0)]
    exit_of = rng.integers(0, len(exits), count)
    checked = 0
    assumed = Assumptions(quick_share=quick_share)
    for option in rank_options(horadiz, horadiz.site.patrols, alarm, NOW_US, assumed=assumed):
        arrival_s = rng.normal(option.arrival_s, option.arrival_sigma_s, count)
        if option.action == "drop area":
            met = arrival_s < leaves_s
        else:
            at = horadiz.frame.to_enu(option.latitude_deg, option.longitude_deg, 169.9)[0, :2]
            crew_s = np.array([horadiz.roads.travel(drop, [at], pace, 1.0)[0][0] for pace in (1.5, 5.0)])
            passes = np.array([[np.hypot(*(way - at).T).min() < 2.0 for way in kind] for kind in ways])
            kind = is_quick.astype(int)
            met = (arrival_s < leaves_s + crew_s[kind]) & passes[kind, exit_of]
        assert met.mean() == pytest.approx(option.probability_before, abs=0.015), option.sentence
        checked += 1
    assert checked == 5


def test_three_patrols_meet_the_crew_in_most_drops_of_the_valley(horadiz):
    """FIELD GATE: a cut-off is reached in at least 60 % of drops, all three patrols sent as offered."""
    rng = np.random.default_rng(8)
    met, count = 0, 60
    for _ in range(count):
        drop = np.array([rng.uniform(-5200, -3400), rng.uniform(-6000, -3800)])
        alarm = alarm_at(horadiz, *drop)
        options = rank_options(horadiz, horadiz.site.patrols, alarm, NOW_US + 20_000_000)
        leaves_s = rng.lognormal(np.log(300.0), 0.6) - 20.0
        nodes = horadiz.roads.node_enu_m
        far = np.hypot(*(nodes - drop).T) > 3000.0
        exits = sorted({int(n) for edge in horadiz.roads.edge_node for n in edge if far[n] and not far[edge].all()})
        way = horadiz.roads.travel(drop, nodes[[rng.choice(exits)]], 1.5, 1.0)[1][0]
        for option in options:
            if option.action != "cut-off":
                continue
            at = horadiz.frame.to_enu(option.latitude_deg, option.longitude_deg, 169.9)[0, :2]
            crew_s = leaves_s + horadiz.roads.travel(drop, [at], 1.5, 1.0)[0][0]
            arrival_s = rng.normal(option.arrival_s, option.arrival_sigma_s)
            if arrival_s < crew_s and np.hypot(*(way - at).T).min() < 2.0:
                met += 1
                break
    assert met / count >= 0.6


def test_ranked_by_chance_then_arrival_and_at_most_five(horadiz):
    many = [patrol_at(horadiz, -500.0 * i, 300.0 * i, f"P{i}") for i in range(8)]
    options = rank_options(horadiz, many, alarm_at(horadiz, -4100.0, -4900.0), NOW_US)
    assert [o.rank for o in options] == [1, 2, 3, 4, 5]
    keys = [(-o.probability_before, o.arrival_s) for o in options]
    assert keys == sorted(keys)
    assert options == rank_options(horadiz, many, alarm_at(horadiz, -4100.0, -4900.0), NOW_US)


def test_the_load_itself_is_never_crowded_out(cross):
    slow = [patrol_at(cross, 0.0, 50.0 * i, f"P{i}", off_road_mps=0.2) for i in range(6)]
    options = rank_options(cross, slow, alarm_at(cross, 1000.0, 1500.0), NOW_US)
    assert [option.action for option in options] == ["cut-off"] * 4 + ["drop area"]
    assert options[-1].probability_before < 0.05


def test_a_card_for_many_sends_each_patrol_to_a_member_of_its_own(cross):
    far, near = alarm_at(cross, -4000.0, 0.0).areas, alarm_at(cross, 3000.0, 0.0).areas
    words = {"confidence": 0.9, "told_at_us": NOW_US, "sentence": ""}
    members = [
        AlarmMember(name="T0002", track_id="T0002", priority=1, areas=far, **words),
        AlarmMember(name="T0001", track_id="T0001", priority=2, areas=near, **words),
        AlarmMember(name="T0003", track_id="T0003", priority=2, **words),
        AlarmMember(name="T0004", track_id="T0004", priority=3, areas=near, **words),
    ]
    alarm = alarm_at(cross, -4000.0, 0.0, members=members)
    patrols = [patrol_at(cross, -3000.0, 0.0, "W"), patrol_at(cross, 3500.0, 0.0, "E"), patrol_at(cross, 0.0, 0.0, "M")]
    due = {"T0001": NOW_US + 60_000_000}
    first, second = rank_for_group(cross, patrols, alarm, NOW_US, due)
    assert [o.rank for o in (first, second)] == [1, 2]
    assert [o.track_id for o in (first, second)] == ["T0002", "T0001"]
    assert first.patrol_id != second.patrol_id
    assert first.sentence.startswith("T0002: ")
    # Each is what a card of the member's own would have offered the patrols that are left.
    alone = rank_options(cross, patrols, alarm_at(cross, -4000.0, 0.0, areas=far), NOW_US)[0]
    assert (alone.patrol_id, alone.arrival_s) == (first.patrol_id, first.arrival_s)
    left = [p for p in patrols if p.id != first.patrol_id]
    alone = rank_options(cross, left, alarm_at(cross, 3000.0, 0.0, areas=near), NOW_US, due["T0001"])[0]
    assert (alone.patrol_id, alone.margin_s) == (second.patrol_id, second.margin_s)


def test_who_was_sent_to_a_member_stays_with_it_and_is_offered_to_no_other(cross):
    """The nearest patrol of the second member was sent to the first: the newest options say so too."""
    far, near = alarm_at(cross, -4000.0, 0.0).areas, alarm_at(cross, 3000.0, 0.0).areas
    words = {"confidence": 0.9, "told_at_us": NOW_US, "sentence": ""}
    patrols = [patrol_at(cross, -3000.0, 0.0, "W"), patrol_at(cross, 3500.0, 0.0, "E"), patrol_at(cross, 0.0, 0.0, "M")]
    for sent in ("E", "M", "W"):
        members = [
            AlarmMember(name="T0002", track_id="T0002", priority=1, areas=far, patrols=[sent], **words),
            AlarmMember(name="T0001", track_id="T0001", priority=2, areas=near, **words),
        ]
        first, second = rank_for_group(cross, patrols, alarm_at(cross, -4000.0, 0.0, members=members), NOW_US, {})
        assert (first.track_id, first.patrol_id) == ("T0002", sent)
        left = [patrol for patrol in patrols if patrol.id != sent]
        alone = rank_options(cross, left, alarm_at(cross, 3000.0, 0.0, areas=near), NOW_US)[0]
        assert (second.track_id, second.patrol_id) == ("T0001", alone.patrol_id)


def test_a_way_out_over_the_line_is_the_other_sides_business():
    """The line 5 km south of the crossing: the southern arm ends over it and is no exit of ours."""
    near_line = cross_place([[47.0, 39.405], [47.7, 39.405]])
    option = rank_options(near_line, [patrol_at(near_line, 0.0, 100.0)], alarm_at(near_line, 1000.0, 0.0), NOW_US)
    cut = next(o for o in option if o.action == "cut-off")
    assert "67 % of the ways out" in cut.sentence


def test_a_way_that_leads_over_the_line_is_not_offered(cross):
    """A patrol and a drop on both flanks of a salient of the other side: the straight walk would cut through it."""
    salient = {
        "type": "LineString",
        "coordinates": [[47.0, 39.40], [47.33, 39.40], [47.335, 39.47], [47.34, 39.40], [47.7, 39.40]],
    }
    place = place_from_site(cross.site, salient)
    patrol, alarm = patrol_at(place, -2000.0, 0.0), alarm_at(place, 2000.0, 0.0)
    assert rank_options(place, [patrol], alarm, NOW_US) == ()
    assert len(rank_options(place, [patrol_at(place, 3000.0, 0.0)], alarm, NOW_US)) == 1


def test_cut_offs_are_spread_over_the_ways_out(horadiz):
    options = rank_options(horadiz, horadiz.site.patrols, alarm_at(horadiz, -4100.0, -4900.0), NOW_US)
    places = [(o.latitude_deg, o.longitude_deg) for o in options if o.action == "cut-off"]
    assert len(places) == 3
    assert len(set(places)) == 3


@settings(max_examples=25)
@given(
    st.floats(-12_000, 9_000), st.floats(-9_000, 9_000), st.integers(-600, 1800), st.integers(0, 3), st.floats(0.2, 2.0)
)
def test_whatever_the_alarm_every_option_is_sound(horadiz, east, north, lead_s, unavailable, factor):
    patrols = [
        msgspec.structs.replace(patrol, is_available=index >= unavailable, speed_factor=factor)
        for index, patrol in enumerate(horadiz.site.patrols)
    ]
    options = rank_options(horadiz, patrols, alarm_at(horadiz, east, north), NOW_US, NOW_US + lead_s * 1_000_000)
    assert len(options) <= 5
    available = {patrol.id for patrol in patrols if patrol.is_available}
    side = horadiz.border.signed_distance_m(east, north)[0]
    for option in options:
        again = msgspec.json.decode(msgspec.json.encode(option), type=InterceptOption)  # ranges are checked here
        assert again.patrol_id in available
        lon, lat = np.array(option.route).T
        route = horadiz.frame.to_enu(lat, lon, 169.9)
        assert horadiz.border.signed_distance_m(route[:, 0], route[:, 1]).max() < 100.0
        assert option.sentence.startswith(option.patrol_id)
        if side > 100.0:
            assert option.action == "cut-off"


def test_nothing_honest_to_say_says_nothing(horadiz):
    patrols = horadiz.site.patrols
    assert rank_options(horadiz, patrols, alarm_at(horadiz, 0.0, 0.0, areas=[]), NOW_US) == ()
    assert rank_options(horadiz, [], alarm_at(horadiz, 0.0, 0.0), NOW_US) == ()
    nowhere = Patrol(id="lost", latitude_deg=float("nan"), longitude_deg=47.3)
    assert rank_options(horadiz, [nowhere], alarm_at(horadiz, 0.0, 0.0), NOW_US) == ()
    idle = [msgspec.structs.replace(patrol, is_available=False) for patrol in patrols]
    assert rank_options(horadiz, idle, alarm_at(horadiz, 0.0, 0.0), NOW_US) == ()


def test_a_patrol_far_from_any_road_is_offered_with_its_true_slowness(cross):
    options = rank_options(cross, [patrol_at(cross, 6000.0, 6000.0)], alarm_at(cross, 0.0, 0.0), NOW_US)
    assert all(option.arrival_s > 60.0 + 4000.0 / 1.5 for option in options if option.action == "drop area")
    assert all(option.probability_before < 0.05 for option in options if option.action == "drop area")


def test_without_roads_only_the_walk_is_offered(cross):
    bare = place_from_site(cross.site, {"type": "LineString", "coordinates": [[47.0, 39.2], [47.7, 39.2]]})
    options = rank_options(bare, [patrol_at(bare, 300.0, 0.0)], alarm_at(bare, 0.0, 0.0), NOW_US)
    assert [option.action for option in options] == ["drop area"]
    assert options[0].arrival_s == pytest.approx(60.0 + 200.0, abs=1.0)


def test_the_place_to_stand_has_the_ground_s_height_above_the_ellipsoid(horadiz):
    alarm = alarm_at(horadiz, -4100.0, -4900.0)
    for option in rank_options(horadiz, [patrol_at(horadiz, -500.0, 300.0)], alarm, NOW_US):
        east, north, up = horadiz.frame.to_enu(option.latitude_deg, option.longitude_deg, option.altitude_hae_m)[0]
        ground = horadiz.terrain.ground_up_m(np.array([east]), np.array([north]))[0]
        assert abs(up - ground) < 1.0
