"""The COURAGEOUS trial format against its schema, pyproj, and the score that a night has without the detour."""

import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from araz.exchange import Place3d, courageous_of, read_courageous
from araz.geography import LocalFrame
from araz.simulation import Truth, score
from araz.vocabulary import Alarm, AlarmMember, AlarmState, Cone, Picture, Rejected, Track

START_US = 1_773_345_600_000_000
UNDULATION_M = 9.9
FRAME = LocalFrame(39.45, 47.30, 180.0)
SYSTEM = Place3d(lat=39.45, lon=47.30, height_amsl=170.1)


def state(second, actor, east, north):
    latitude, longitude, hae = (float(v[0]) for v in FRAME.to_geodetic([[east, north, 80.0]]))
    return Truth(
        at_us=START_US + second * 1_000_000, actor_id=actor, class_name="multirotor", latitude_deg=latitude,
        longitude_deg=longitude, altitude_hae_m=hae, height_agl_m=80.0, speed_mps=12.0, airborne=True,
        detectable=True, is_threat=actor == "a", inside=actor == "a",
    )  # fmt: skip


TRUTH = [state(k, "a", 12.0 * k, 500.0) for k in range(60)] + [state(k, "b", 900.0, 12.0 * k) for k in range(60)]


def track(name, truth, offset, **more):
    enu = FRAME.to_enu(truth.latitude_deg, truth.longitude_deg, truth.altitude_hae_m) + offset
    latitude, longitude, hae = (float(v[0]) for v in FRAME.to_geodetic(enu))
    usual = Track(
        track_id=name, latitude_deg=latitude, longitude_deg=longitude, altitude_hae_m=hae,
        altitude_amsl_m=hae - UNDULATION_M, altitude_agl_m=80.0, altitude_sigma_m=5.0, speed_mps=12.0,
        course_deg=90.0 if truth.actor_id == "a" else 0.0, climb_mps=0.0, ellipse_semi_major_m=20.0,
        ellipse_semi_minor_m=20.0, ellipse_azimuth_deg=0.0, existence=0.99, is_confirmed=True,
        class_name="multirotor", class_probability=0.9, started_at_us=START_US, updated_at_us=truth.at_us, sensors=[],
    )  # fmt: skip
    return msgspec.structs.replace(usual, **more)


def night():
    """A tracker with noise, holes, a hidden stretch and one false track."""
    rng = np.random.default_rng(5)
    by_second = {}
    for truth in TRUTH:
        by_second.setdefault(truth.at_us, []).append(truth)
    pictures = []
    for second, (at_us, states) in enumerate(sorted(by_second.items())):
        tracks = [
            track(f"T{i}", s, rng.normal(0, 8, 3), hidden=i == 1 and 20 <= second < 30)
            for i, s in enumerate(states)
            if not (i == 0 and 40 <= second < 48)
        ]
        if second > 30:
            tracks.append(track("T9", states[0], np.array([3000.0, 0, 0]), class_name="unknown"))
        cone = Cone(
            sensor_id="acoustic-1", observed_at_us=at_us - second % 3 * 1_000_000, latitude_deg=39.44,
            longitude_deg=47.31, azimuth_deg=3.0, half_width_deg=8.0, reach_m=500.0, label="acoustic-1: Air Vehicle",
        )  # fmt: skip
        pictures.append(Picture(at_us=at_us, tracks=tracks, cones=[cone]))
    return pictures


def alarm(revision, second, state, track_id):
    return Alarm(
        alarm_id="A1", revision=revision, priority=1, state=state, raised_at_us=START_US + 10_000_000,
        changed_at_us=START_US + second * 1_000_000, sentence="s", confidence=0.8, track_id=track_id,
    )  # fmt: skip


#: Raised on T9's forerunner, passed to T0, cleared.
ALARMS = [alarm(1, 10, AlarmState.ACTIVE, "T0"), alarm(2, 50, AlarmState.CLEARED, "T0")]


def written(pictures=None, alarms=ALARMS):
    return courageous_of(pictures or night(), alarms, SYSTEM, lambda latitude, longitude: 161.0, "under test")[0]


def read(raw, undulation_m=UNDULATION_M):
    return read_courageous(raw, source="theirs.json", received_at_us=START_US, undulation_m=undulation_m)


def test_what_is_written_keeps_the_schema_and_the_judge_can_say_no(judge):
    raw = written([*night(), Picture(at_us=START_US + 99_000_000, tracks=[track("T7", TRUTH[0], 0.0,
                   altitude_amsl_m=math.nan, speed_mps=math.nan)])])  # fmt: skip
    assert judge("courageous", raw) == 0
    broken = json.loads(raw)
    del broken["tracks"][0]["records"][0]["alarm"]
    broken["detection"][0]["records"][0]["location"]["$type"] = "Sector"
    assert judge("courageous", json.dumps(broken).encode()) == 2


def test_breaks_keep_their_uas_id_and_alarms_stand_while_they_stand():
    document = json.loads(written())
    of_track = [(entry["name"], entry["uas_id"], len(entry["records"])) for entry in document["tracks"]]
    assert of_track == [("T0", 1, 40), ("T0", 1, 12), ("T1", 2, 20), ("T1", 2, 30), ("T9", 3, 29)]
    assert [entry["records"][0]["classification"] for entry in document["tracks"]] == [*["UAV"] * 4, "Unknown"]
    active = {r["time"] // 1000 for e in document["tracks"] for r in e["records"] if r["alarm"]["active"]}
    assert (min(active), max(active)) == (START_US // 1_000_000 + 10, START_US // 1_000_000 + 49)
    numbers = [r["record_number"] for part in ("tracks", "detection") for e in document[part] for r in e["records"]]
    assert len(set(numbers)) == len(numbers)
    bearings = document["detection"][0]["records"]
    assert len(bearings) == 20, "a bearing that stays on the screen is one detection"
    assert bearings[0]["location"] == {"$type": "Arc", "from": 355.0, "to": 11.0}
    assert bearings[0]["cuas_location"]["height_amsl"] == 161.0


def test_an_alarm_that_passes_to_another_track_leaves_the_first():
    passed = [alarm(1, 10, AlarmState.ACTIVE, "T0"), alarm(2, 30, AlarmState.ACTIVE, "T1")]
    document = json.loads(written(alarms=passed))
    last = max(r["time"] for e in document["tracks"] if e["name"] == "T0" for r in e["records"] if r["alarm"]["active"])
    assert last == (START_US + 29_000_000) // 1000


def test_a_card_that_becomes_one_for_many_stands_on_each_of_them_as_sure_as_it_is_of_it():
    members = [
        AlarmMember(name=name, track_id=name, priority=2, confidence=sure, told_at_us=START_US, sentence="s")
        for name, sure in (("T0", 0.8), ("T1", 0.6))
    ]
    many = msgspec.structs.replace(alarm(2, 30, AlarmState.ACTIVE, None), members=members)
    document = json.loads(written(alarms=[alarm(1, 10, AlarmState.ACTIVE, "T0"), many]))
    stood = {
        name: [
            (r["time"] // 1000 - START_US // 1_000_000, r["alarm"]["certainty"])
            for e in document["tracks"] if e["name"] == name for r in e["records"] if r["alarm"]["active"]
        ]
        for name in ("T0", "T1", "T9")
    }  # fmt: skip
    assert stood["T0"][0] == (10, 0.8)
    assert stood["T0"][-1] == (59, 0.8)
    assert stood["T1"][0] == (30, 0.6)
    assert not stood["T9"]


def test_a_night_scores_the_same_by_way_of_the_format():
    seen = [msgspec.structs.replace(p, tracks=[t for t in p.tracks if not t.hidden]) for p in night()]
    direct = score(TRUTH, [*seen, ALARMS[0]])
    told = read(written())
    assert not told.rejected
    assert told.repeats == 0
    detour = score(TRUTH, [*told.pictures, *told.alarms])
    for name in (
        "detection_per_sortie", "detection_per_second", "time_in_track", "false_tracks", "identity_switches",
        "threats_alarmed", "alarms", "seconds_scored", "alarm_latency_p95_s",
    ):  # fmt: skip
        assert getattr(detour, name) == getattr(direct, name), name
    for name in ("position_cep50_m", "position_r95_m", "altitude_error_p95_m", "gospa_m", "gospa_horizontal_m"):
        assert getattr(detour, name) == pytest.approx(getattr(direct, name), abs=0.02), name
    assert detour.false_tracks == 1
    assert direct.ellipse_coverage is not None
    assert detour.ellipse_coverage is None, "the format has no ellipse: unknown, not never"


def test_without_the_geoid_heights_stay_unknown_and_places_are_still_scored():
    board = score(TRUTH, read(written(), undulation_m=None).pictures)
    assert board.altitude_error_p50_m is None
    assert board.gospa_m is None
    assert 5 < board.position_cep50_m < 15


def document(*records, static=SYSTEM, detection=(), uas_id=7):
    return json.dumps({
        "version": "0.4.1", "vendor_name": "V", "system_name": "S", "static_cuas_location": msgspec.to_builtins(static),
        "tracks": [{"uas_id": uas_id, "records": list(records)}], "detection": [{"records": list(detection)}],
    }).encode()  # fmt: skip


def record(number, time_ms=START_US // 1000, location=None, **more):
    location = location or {"$type": "Position3d", "lat": 39.46, "lon": 47.31, "height_amsl": 200.0}
    alarm = {"active": True, "certainty": 0.7}
    usual = {"time": time_ms, "record_number": number, "classification": "UAV", "alarm": alarm, "location": location}
    return {**usual, **more}


@pytest.mark.parametrize(
    ("bearing", "elevation", "distance"), [(43.6, 2.2, 1500.0), (271.0, 0.0, 9000.0), (0, 30, 800)]
)
def test_a_place_by_bearing_elevation_and_distance_is_where_geodesy_puts_it(bearing, elevation, distance):
    kind = "BearingElevationDistance"
    raw = document(
        record(1, location={"$type": kind, "bearing": bearing, "elevation": elevation, "distance": distance})
    )
    found = read(raw).pictures[0].tracks[0]
    ground = distance * math.cos(math.radians(elevation))
    longitude, latitude, _ = Geod(ellps="WGS84").fwd(SYSTEM.lon, SYSTEM.lat, bearing, ground)
    assert (found.latitude_deg, found.longitude_deg) == pytest.approx((latitude, longitude), abs=5e-6)  # arc and chord
    rise = distance * math.sin(math.radians(elevation)) + ground**2 / 2 / 6.371e6
    assert found.altitude_amsl_m == pytest.approx(SYSTEM.height_amsl + rise, abs=0.2)
    assert found.altitude_hae_m == pytest.approx(found.altitude_amsl_m + UNDULATION_M)


def test_every_kind_of_direction_is_a_cone_and_a_place_without_height_is_a_track_without_height():
    kinds = [
        ({"$type": "Bearing", "bearing": -10.0}, (350.0, 0.0)),
        ({"$type": "BearingElevation", "bearing": 43.5, "elevation": 2.2}, (43.5, 0.0)),
        ({"$type": "Quad", "quad": "West"}, (270.0, 45.0)),
        ({"$type": "Arc", "from": 350.0, "to": 20.0}, (5.0, 15.0)),
    ]
    flat = {"$type": "Position2d", "lat": 39.46, "lon": 47.31}
    raw = document(
        record(0, location=flat), detection=[record(k, location=where) for k, (where, _) in enumerate(kinds)]
    )
    picture = read(raw).pictures[0]
    assert [(cone.azimuth_deg, cone.half_width_deg) for cone in picture.cones] == [wanted for _, wanted in kinds]
    assert math.isnan(picture.tracks[0].altitude_amsl_m)
    assert picture.tracks[0].latitude_deg == 39.46


def test_aircraft_reported_at_different_moments_of_a_second_are_shown_together():
    t = START_US // 1000
    velocity = {"east": 0.0, "north": 20.0, "up": -1.0}
    raw = json.loads(document(record(1, t + 100, velocity=velocity)))
    raw["tracks"].append({"uas_id": 8, "records": [record(2, t + 900)]})
    picture = read(json.dumps(raw).encode()).pictures[0]
    moved, still = picture.tracks
    assert picture.at_us == START_US + 900_000
    assert moved.latitude_deg - still.latitude_deg == pytest.approx(16.0 / 111_030, rel=0.01)
    assert moved.altitude_amsl_m == pytest.approx(199.2)


def test_bad_records_are_counted_and_the_others_stand():
    good = record(1)
    bad = [
        record(2, location={"$type": "Sector", "from": 1}),
        record(3, alarm={"active": True, "certainty": 1.5}),
        {k: v for k, v in record(4).items() if k != "alarm"},
        record(5, location={"$type": "Position3d", "lat": 139.0, "lon": 47.31, "height_amsl": 1.0}),
        record(-6), "text", None,
    ]  # fmt: skip
    told = read(document(good, *bad, record(1, classification="GCS"), detection=[record(9)]))
    assert sorted(item.reason for item in told.rejected) == [*["bad-record"] * 6, "no-alarm"]
    assert all(isinstance(item, Rejected) and item.raw for item in told.rejected)
    assert [t.track_id for p in told.pictures for t in p.tracks] == ["7"]
    assert (told.stations, told.detections, told.repeats) == (1, 1, 1)
    orphan = read(document(good, uas_id=None))
    assert [item.reason for item in orphan.rejected] == ["no-uas-id"]


@pytest.mark.parametrize(
    ("raw", "word"),
    [(b"\xff\x00", "no COURAGEOUS"), (b"[]", "no COURAGEOUS"), (b'{"version":"0.3.1"}', "0.3.1"),
     (b"{}", "not said"), (b'{"version":"0.4.1"}', "missing"), (b"[" * 100_000, "no COURAGEOUS")],
)  # fmt: skip
def test_what_is_no_document_is_one_sentence(raw, word):
    with pytest.raises(ValueError, match=word):
        read(raw)


@given(st.data())
def test_no_bytes_stop_the_reader(data):
    raw = bytearray(document(record(1), record(2), detection=[record(3)]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        told = read(bytes(raw))
    except ValueError:
        return
    for picture in told.pictures:
        assert all(abs(t.latitude_deg) <= 90 for t in picture.tracks)
