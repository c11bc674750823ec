"""The bytes of a night: the same from the same seed, decodable without a reject, as noisy as the site says."""

import hashlib
import itertools

import msgspec
import numpy as np
import pytest
from scipy.stats import chi2
from simworld import SCENARIOS, actor, at_site, decode, horadiz, night, waypoint, where

from araz.sensors import sensor_origins
from araz.simulation import Truth, TruthEvent, encode_truth, read_scenario, read_truth, simulate
from araz.simulation._post import to_polar
from araz.vocabulary import Bearing, Observation, Polar, Position, Rejected, ReportKind, ScanMark, SensorReport

START_US = 1_773_345_600_000_000


def hover(
    name: str, east: float, north: float, height: float, kind: str = "multirotor", seconds: float = 900.0, **more
):
    return actor(name, kind, [waypoint(east, north, height, 10, seconds)], **more)


def hash_of(scenario, seed: int, place=None) -> dict[str, str]:
    digests: dict[str, hashlib._Hash] = {}
    night_ = simulate(scenario, place or horadiz(), seed)
    for arrival in night_.messages:
        digest = digests.setdefault(arrival.source, hashlib.sha256())
        digest.update(arrival.received_at_us.to_bytes(8, "big") + arrival.payload)
    truth = hashlib.sha256(b"\n".join(encode_truth(record) for record in night_.truth))
    return {"truth": truth.hexdigest(), **{source: digest.hexdigest() for source, digest in sorted(digests.items())}}


def shipped(name: str):
    return read_scenario((SCENARIOS / f"{name}.toml").read_text("utf-8"))


def test_the_same_seed_gives_the_same_bytes():
    first = hash_of(shipped("F1"), 7)
    assert first == hash_of(shipped("F1"), 7)
    other = hash_of(shipped("F1"), 8)
    assert all(first[source] != other[source] for source in first)


def test_a_fault_of_one_sensor_changes_nothing_for_the_others():
    text = (SCENARIOS / "F1.toml").read_text("utf-8")
    broken = read_scenario(text + '\n[[faults]]\nkind = "clock-error"\nsensor = "radar-1"\noffset_s = 3.0\n')
    before, after = hash_of(shipped("F1"), 7), hash_of(broken, 7)
    changed = {source for source in before if before[source] != after[source]}
    assert changed == {"radar-1", "truth"}


@pytest.mark.parametrize("name", ["C1", "J1", "G1"])
def test_every_payload_decodes_without_a_reject(name):
    place = horadiz()
    messages = list(simulate(shipped(name), place, 3).messages)
    assert all(a.received_at_us <= b.received_at_us for a, b in itertools.pairwise(messages))
    found = decode(place, messages)
    assert [item for item in found if isinstance(item, Rejected)] == []
    seen = {item.sensor_id for item in found if isinstance(item, Observation)}
    assert {"radar-1", "radar-2", "rf-1", "acoustic-1"} <= seen
    assert ("rid-1" in seen) == (name == "J1")
    assert ("people" in seen) == (name == "C1")


def test_the_demo_night_decodes_without_a_reject():
    place = horadiz()
    found = decode(place, list(simulate(shipped("demo"), place, 1).messages))
    assert not any(isinstance(item, Rejected) for item in found)
    assert {item.sensor_id for item in found} == {sensor.id for sensor in place.site.sensors}


def plots(place, scenario, sensor_id="radar-1", seed=5):
    found = decode(place, list(simulate(scenario, place, seed).messages))
    return [item for item in found if isinstance(item, Observation) and item.sensor_id == sensor_id]


def test_radar_noise_has_the_sites_sigmas():
    place = at_site(radar_1={"clutter_per_scan": 0.0, "detection_probability": 1.0})
    seen = plots(place, night(hover("h", 500, 1500, 300), duration_s=800.0))
    assert len(seen) > 780
    sensor = place.site.sensors[0]
    origin = sensor_origins(place.site, place)[0]
    up = float(place.terrain.ground_up_m(np.array([500.0]), np.array([1500.0]))[0]) + 300
    truth = to_polar(origin, np.array([[500.0, 1500.0, up]]), np.zeros((1, 3)))
    axes = place.frame.local_axes(sensor.latitude_deg, sensor.longitude_deg)
    gamma = np.degrees(np.arctan2(axes[0, 1], axes[1, 1]))
    range_error = np.array([o.measurement.range_m for o in seen]) - truth.range_m
    azimuth_error = np.array([o.measurement.azimuth_deg for o in seen]) + gamma - np.degrees(truth.azimuth_rad)
    # CAT048 rounds the range to 1852/256 m and the velocity to 1 m/s: a uniform error on top.
    expected = {"range": sensor.range_sigma_m**2 + (1852 / 256) ** 2 / 12, "azimuth": sensor.azimuth_sigma_deg**2}
    low, high = (chi2.ppf(q, len(seen)) for q in (1e-4, 1 - 1e-4))
    for name, error in (("range", range_error), ("azimuth", azimuth_error)):
        assert low < np.sum(error**2) / expected[name] < high, name
    rates = np.array([o.measurement.range_rate_mps for o in seen])
    assert low < np.sum(rates**2) / (sensor.range_rate_sigma_mps**2 + 1 / 12) < high


def test_radar_height_has_the_sigma_of_its_elevation():
    place = at_site(radar_1={"clutter_per_scan": 0.0, "detection_probability": 1.0})
    seen = plots(place, night(hover("h", 500, 1500, 300), duration_s=800.0))
    truth = 160.0 + 300.0
    error = np.array([o.measurement.altitude_amsl_m for o in seen]) - truth
    distance = np.mean([o.measurement.range_m for o in seen])
    expected = distance * np.radians(place.site.sensors[0].elevation_sigma_deg)
    assert abs(error.mean()) < 4 * expected / np.sqrt(len(seen)) + 1.0
    assert error.std() == pytest.approx(expected, rel=0.12)


def test_pd_and_clutter_are_the_sites():
    place = at_site(radar_1={"clutter_per_scan": 3.0, "detection_probability": 0.8})
    with_target = len(plots(place, night(hover("h", 500, 1500, 300), duration_s=800.0)))
    without = len(plots(place, night(hover("h", 50_000, 1500, 300), duration_s=800.0), seed=6))
    assert without == pytest.approx(2400, abs=5 * np.sqrt(2400))
    assert with_target - without == pytest.approx(640, abs=5 * np.sqrt(4800 + 128))


def test_clutter_lies_over_the_ground():
    place = at_site(radar_2={"clutter_per_scan": 20.0})
    seen = plots(place, night(hover("h", 50_000, 1500, 300), duration_s=600.0), "radar-2")
    height = np.array([o.measurement.altitude_amsl_m for o in seen]) - 160.0
    spread = np.array([o.measurement.range_m for o in seen]) * np.radians(1.0)
    assert np.mean(height < -3 * spread - 10) < 0.01


def test_behind_the_ridge_there_is_no_plot():
    place = at_site(
        radar_1={"clutter_per_scan": 0.0, "detection_probability": 1.0},
        radar_2={"clutter_per_scan": 0.0, "detection_probability": 1.0},
    )
    assert plots(place, night(hover("low", -900, -7500, 25), duration_s=300.0)) == []
    night_ = simulate(night(hover("low", -900, -7500, 25), duration_s=300.0), place, 1)
    assert not any(record.detectable for record in night_.truth if isinstance(record, Truth))
    assert len(plots(place, night(hover("high", -900, -7500, 400), duration_s=300.0))) > 200


def test_a_small_target_fades_before_a_large_one():
    place = at_site(radar_1={"clutter_per_scan": 0.0, "detection_probability": 1.0})
    counts = [
        len(plots(place, night(hover("h", -800, 4600, 300, rcs_dbsm=str(rcs)), duration_s=200.0)))
        for rcs in (-10.0, -17.0, -25.0)
    ]
    assert counts[0] > 190
    assert 0 <= counts[2] < counts[1] < counts[0]


def test_every_turn_ends_with_a_mark_and_the_plots_come_before_it():
    place = at_site(radar_1={})
    found = decode(place, list(simulate(night(hover("h", 500, 1500, 300)), place, 1).messages))
    marks = [item.observed_at_us for item in found if isinstance(item, ScanMark)]
    assert len(marks) == 120
    assert np.abs(np.diff(marks) - 1_000_000).max() < 10_000
    last = 0
    for item in found:
        if isinstance(item, ScanMark):
            last = item.observed_at_us
        elif isinstance(item, Observation):
            assert item.observed_at_us >= last - 10_000


def test_an_acoustic_bearing_is_of_where_the_sound_left():
    place = at_site(acoustic_1={"clutter_per_scan": 0.0, "azimuth_sigma_deg": 0.01, "detection_probability": 1.0})
    # It flies past 400 m away, at 15 m/s: the sound is 1.2 s old, 18 m or 2.5 degrees behind.
    past = actor(
        "p", "multirotor", [waypoint(300, -300, 60, 15), waypoint(2300, -300, 60, 15)], acoustic_range_m="1000.0"
    )
    scenario = night(past, duration_s=150.0)
    seen = plots(place, scenario, "acoustic-1")
    body = simulate(scenario, place, 5).bodies[0]
    origin = sensor_origins(place.site, place)[0]
    lags = []
    for item in seen:
        at_s = np.array([(item.observed_at_us - START_US) / 1e6])
        now = to_polar(origin, *body.course.at(at_s))
        then = to_polar(origin, *body.course.at(at_s - now.range_m / 340.0))
        axes = place.frame.local_axes(place.site.sensors[0].latitude_deg, place.site.sensors[0].longitude_deg)
        gamma = np.degrees(np.arctan2(axes[0, 1], axes[1, 1]))
        heard = item.measurement.azimuth_deg + gamma
        assert heard == pytest.approx(np.degrees(then.azimuth_rad[0]), abs=0.1)
        lags.append(abs(np.degrees(now.azimuth_rad[0]) - heard))
    assert len(seen) > 50
    assert max(lags) > 1.5


def test_a_radio_finder_hears_only_what_sends():
    place = at_site(rf_1={"clutter_per_scan": 0.0})
    assert len(plots(place, night(hover("h", -500, 800, 80)), "rf-1")) > 80
    assert plots(place, night(hover("h", -500, 800, 80, emits_radio="false")), "rf-1") == []


def test_remote_id_says_where_it_is_or_where_it_lies():
    place = at_site(rid_1={"detection_probability": 1.0})
    honest = hover("h", 500, 800, 100, remote_id='{ serial = "SERIAL0000000000001" }')
    lying = hover(
        "l", 500, 800, 100, remote_id='{ serial = "SERIAL0000000000002", honesty = "offset", offset_east_m = 900.0 }'
    )
    seen = plots(place, night(honest, lying), "rid-1")
    for serial, east in (("SERIAL0000000000001", 500.0), ("SERIAL0000000000002", 1400.0)):
        own = [o.measurement for o in seen if o.claim.identity == serial and isinstance(o.measurement, Position)]
        assert len(own) > 115
        enu = place.frame.to_enu(
            [m.latitude_deg for m in own], [m.longitude_deg for m in own], [m.altitude_hae_m for m in own]
        )
        np.testing.assert_allclose(enu.mean(axis=0)[:2], [east, 800.0], atol=2.0)
    kinds = {
        record.claim: record.kind
        for record in simulate(night(honest, lying), place, 1).truth
        if isinstance(record, TruthEvent) and record.claim
    }
    assert kinds == {
        "remote-id:SERIAL0000000000001": "honest-identity",
        "remote-id:SERIAL0000000000002": "false-identity",
    }


def test_a_decoy_is_heard_where_it_stands_and_nowhere_seen():
    place = at_site(
        radar_1={"clutter_per_scan": 0.0}, rf_1={"clutter_per_scan": 0.0, "azimuth_sigma_deg": 0.01}, rid_1={}
    )
    latitude, longitude = where(900.0, -1200.0)
    decoy = hover(
        "d", 2000, 1500, 100, "decoy",
        transmitter_latitude_deg=f"{latitude:.7f}", transmitter_longitude_deg=f"{longitude:.7f}",
        remote_id='{ serial = "FAKE" }',
    )  # fmt: skip
    found = decode(place, list(simulate(night(decoy), place, 1).messages))
    by_sensor = {}
    for item in found:
        if isinstance(item, Observation):
            by_sensor.setdefault(item.sensor_id, []).append(item)
    assert set(by_sensor) == {"rf-1", "rid-1"}
    azimuths = [o.measurement.azimuth_deg for o in by_sensor["rf-1"]]
    assert np.median(azimuths) == pytest.approx(90.0, abs=0.2)
    assert not any(isinstance(record, Truth) for record in simulate(night(decoy), place, 1).truth)


def test_adsb_tells_position_velocity_and_callsign():
    place = at_site(adsb_1={"detection_probability": 1.0})
    plane = actor(
        "p", "manned_aircraft", [waypoint(8000, 6000, 1200, 70), waypoint(-8000, 6000, 1200, 70)],
        adsb='{ icao24 = "4b8e21", callsign = "AZQ417" }',
    )  # fmt: skip
    seen = plots(place, night(plane, duration_s=100.0), "adsb-1")
    positions = [o.measurement for o in seen if isinstance(o.measurement, Position)]
    assert {o.claim.identity for o in seen} == {"4b8e21"}
    assert any(o.claim.callsign == "AZQ417" for o in seen)
    speeds = [m.speed_mps for m in positions if m.speed_mps is not None]
    assert speeds
    assert np.median(speeds) == pytest.approx(70, abs=1)


def test_a_person_hears_it_once_with_an_honest_bearing():
    latitude, longitude = where(0.0, 0.0)
    report = (
        f'[[reports]]\nkind = "heard"\nreporter = "Post 1"\nlatitude_deg = {latitude}\nlongitude_deg = {longitude}\n'
        'actor = "h"\nwithin_m = 500.0\ndelay_s = 6.0\n'
    )
    fly = actor("h", "multirotor", [waypoint(-1500, 100, 60, 12), waypoint(1500, 100, 60, 12)])
    errors = []
    for seed in range(25):
        place = at_site(people={})
        (item,) = list(decode(place, list(simulate(night(fly, report, duration_s=300.0), place, seed).messages)))
        assert item.report.kind == ReportKind.HEARD
        assert isinstance(item.measurement, Bearing)
        body = simulate(night(fly, duration_s=300.0), place, seed).bodies[0]
        position, _ = body.course.at(np.array([(item.observed_at_us - START_US) / 1e6 - 6.0 - 1.5]))
        errors.append(
            (item.measurement.azimuth_deg - np.degrees(np.arctan2(position[0, 0], position[0, 1])) + 180) % 360 - 180
        )
    assert np.std(errors) == pytest.approx(15.0, rel=0.4)


FAULTS = {
    "silent": '[[faults]]\nkind = "sensor-silent"\nsensor = "radar-1"\nfrom_s = 60.0\n',
    "clock": '[[faults]]\nkind = "clock-error"\nsensor = "radar-1"\noffset_s = 3.0\n',
    "flood": '[[faults]]\nkind = "flood"\nsensor = "radar-1"\nfrom_s = 30.0\nto_s = 40.0\nrate_per_s = 500.0\n',
    "shout": '[[faults]]\nkind = "flood"\nsensor = "rf-1"\nfrom_s = 30.0\nto_s = 40.0\nrate_per_s = 500.0\n',
    "cut": '[[faults]]\nkind = "link-cut"\nfeed = "radar-1"\nfrom_s = 30.0\nto_s = 90.0\n',
}


def arrivals(fault: str = ""):
    place = at_site(radar_1={}, rf_1={})
    return place, list(simulate(night(hover("h", 500, 1500, 300), FAULTS.get(fault, "")), place, 4).messages)


def test_a_silent_sensor_says_nothing_more():
    _, messages = arrivals("silent")
    assert max(m.received_at_us for m in messages if m.source == "radar-1") < START_US + 60_000_000
    assert max(m.received_at_us for m in messages if m.source == "posts") > START_US + 115_000_000


def test_a_wrong_clock_shifts_what_it_says_and_not_when_it_arrives():
    (place, good), (_, bad) = arrivals(), arrivals("clock")
    assert [m.received_at_us for m in good] == [m.received_at_us for m in bad]
    right = [o.observed_at_us for o in decode(place, good) if isinstance(o, Observation) and o.sensor_id == "radar-1"]
    wrong = [o.observed_at_us for o in decode(place, bad) if isinstance(o, Observation) and o.sensor_id == "radar-1"]
    assert np.abs(np.array(wrong) - np.array(right) - 3_000_000).max() < 10_000


@pytest.mark.parametrize(("fault", "source"), [("flood", "radar-1"), ("shout", "posts")])
def test_a_flood_is_as_large_as_told_and_decodes(fault, source):
    (_, calm), (place, flooded) = arrivals(), arrivals(fault)
    count = [sum(m.source == source for m in messages) for messages in (calm, flooded)]
    assert count[1] - count[0] == pytest.approx(5000, abs=2)
    assert not any(isinstance(item, Rejected) for item in decode(place, flooded))


def test_a_cut_line_loses_and_disorders_nothing():
    (_, whole), (_, cut) = arrivals(), arrivals("cut")
    assert [m.payload for m in whole if m.source == "radar-1"] == [m.payload for m in cut if m.source == "radar-1"]
    assert all(a.received_at_us <= b.received_at_us for a, b in itertools.pairwise(cut))
    late = [m for m in cut if m.received_at_us == START_US + 90_000_000]
    assert len(late) > 100
    inside = [
        m for m in cut if m.source == "radar-1" and START_US + 30_000_000 < m.received_at_us < START_US + 90_000_000
    ]
    assert inside == []


def test_nodes_register_first_and_report_every_ten_seconds():
    place, messages = arrivals()
    own = [item for item in decode(place, messages) if isinstance(item, SensorReport) and item.sensor_id == "rf-1"]
    assert own[0].observed_at_us - START_US < 1_000_000
    assert len(own) == 13


def test_truth_survives_its_file():
    records = simulate(night(hover("h", 500, 1500, 300)), horadiz(), 4).truth
    assert read_truth([encode_truth(record) + b"\n" for record in records]) == records
    with pytest.raises(ValueError, match="Line 2"):
        read_truth([encode_truth(records[0]), b"{}"])


def test_a_015_radar_sends_elevation():
    place = at_site(radar_1={"clutter_per_scan": 0.0})
    feeds = [msgspec.structs.replace(feed, editions={"015": "1.1", "034": "1.29"}) for feed in place.site.feeds]
    place = type(place)(
        place.frame,
        place.terrain,
        place.border,
        place.roads,
        place.towns,
        msgspec.structs.replace(place.site, feeds=feeds),
    )
    seen = plots(place, night(hover("h", 500, 1500, 300)))
    assert len(seen) > 80
    assert all(isinstance(o.measurement, Polar) and o.measurement.elevation_deg is not None for o in seen)
