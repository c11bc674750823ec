"""SAPIENT against the other binding, real-world mistakes, and any split or damage of the stream."""

import itertools
import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage

from araz.sensors._sapient import sapient_frames, sapient_init, sapient_step
from araz.sensors._sapient_encode import (
    encode_sapient_alert,
    encode_sapient_detection,
    encode_sapient_registration,
    encode_sapient_status,
    sapient_replies,
    sapient_ulid,
)
from araz.vocabulary import (
    Bearing,
    ClaimKind,
    Feed,
    Format,
    Message,
    Observation,
    Polar,
    Position,
    Rejected,
    Sensor,
    SensorKind,
    SensorReport,
    SensorState,
)

NODE = "a8654cdf-4328-47de-81fa-c495589e30c9"
FUSION = "b1654cdf-4328-47de-81fa-c495589e30c0"
NOW_US = 1_700_000_000_000_000
OBJECT = sapient_ulid(NOW_US, 7)
FEED = Feed(id="nodes", format=Format.SAPIENT, max_message_bytes=4096)


def sensor(latitude_deg=39.5, longitude_deg=47.0):
    return Sensor(
        id="node-a",
        kind=SensorKind.RADAR,
        feed="nodes",
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        wire_id=NODE.upper(),  # letter case does not matter
    )


def run(*chunks, station=None, state=None):
    state = sapient_init(FEED, [station or sensor()]) if state is None else state
    said = []
    for seq, chunk in enumerate(chunks):
        message = Message(seq=seq, received_at_us=NOW_US + 300_000, source="nodes#1", payload=bytes(chunk))
        state, some = sapient_step(state, message)
        said += some
    return said


def framed(message):
    body = message.SerializeToString()
    return len(body).to_bytes(4, "little") + body


def blank(**timestamp):
    message = SapientMessage(node_id=NODE)
    message.timestamp.seconds = timestamp.get("seconds", NOW_US // 1_000_000)
    return message


PLOT = Polar(range_m=4321.5, azimuth_deg=123.25, elevation_deg=3.5, range_sigma_m=8.0, azimuth_sigma_deg=0.4)
PLACE = Position(
    latitude_deg=39.51,
    longitude_deg=47.02,
    altitude_hae_m=410.0,
    speed_mps=15.0,
    course_deg=350.0,
    climb_mps=-1.5,
    horizontal_sigma_m=12.0,
    vertical_sigma_m=20.0,
)
CLASSES = (("Air Vehicle", 0.9), ("UAV Rotary Wing", 0.75))


def test_a_plot_and_a_place_come_back():
    frames = [
        encode_sapient_detection(NODE, NOW_US, OBJECT, PLOT, classes=CLASSES, confidence=0.5),
        encode_sapient_detection(NODE, NOW_US, OBJECT, PLACE),
        encode_sapient_detection(NODE, NOW_US, OBJECT, Bearing(azimuth_deg=1.0, azimuth_sigma_deg=3.0)),
    ]
    plot, place, bearing = run(b"".join(frames))
    assert plot.measurement == PLOT
    assert plot.observed_at_us == NOW_US
    assert (plot.claim.kind, plot.claim.identity) == (ClaimKind.SENSOR_OBJECT, OBJECT)
    assert plot.features.class_name == "Air Vehicle/UAV Rotary Wing"
    assert plot.features.class_probability == pytest.approx(0.75)
    assert plot.features.detection_probability == pytest.approx(0.5)
    for name in PLACE.__struct_fields__:
        assert getattr(place.measurement, name) == (
            None if getattr(PLACE, name) is None else pytest.approx(getattr(PLACE, name), rel=1e-9)
        )
    assert bearing.measurement == Bearing(azimuth_deg=1.0, azimuth_sigma_deg=3.0)


def test_the_other_binding_reads_what_we_write(sapient_judge):
    frames = [
        encode_sapient_registration(NODE, NOW_US, name="North radar", node_type="passive rf"),
        encode_sapient_status(NODE, NOW_US, state=SensorState.DEGRADED, latitude_deg=39.5, longitude_deg=47.0),
        encode_sapient_detection(NODE, NOW_US, OBJECT, PLOT, classes=CLASSES),
        encode_sapient_detection(NODE, NOW_US, OBJECT, PLACE),
        encode_sapient_alert(NODE, NOW_US, "antenna stuck", alert_type=4),
        sapient_replies(encode_sapient_registration(NODE, NOW_US), FUSION, NOW_US),
        sapient_replies(encode_sapient_alert(NODE, NOW_US, "x", number=5), FUSION, NOW_US),
    ]
    registration, status, plot, place, alert, accepted, known = (item["content"] for item in sapient_judge(frames))
    assert registration["registration"]["nodeDefinition"] == [{"nodeType": "NODE_TYPE_PASSIVE_RF"}]
    assert registration["registration"]["name"] == "North radar"
    assert registration["timestamp"] == "2023-11-14T22:13:20Z"
    assert status["statusReport"]["system"] == "SYSTEM_WARNING"
    assert status["statusReport"]["nodeLocation"]["x"] == 47.0
    found = plot["detectionReport"]["rangeBearing"]
    assert (found["range"], found["azimuth"], found["elevation"]) == (4321.5, 123.25, 3.5)
    assert found["coordinateSystem"] == "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_M"
    assert found["datum"] == "RANGE_BEARING_DATUM_TRUE"
    assert plot["detectionReport"]["classification"][0]["subClass"][0]["type"] == "UAV Rotary Wing"
    assert (place["detectionReport"]["location"]["x"], place["detectionReport"]["location"]["y"]) == (47.02, 39.51)
    assert place["detectionReport"]["location"]["datum"] == "LOCATION_DATUM_WGS84_E"
    assert place["detectionReport"]["enuVelocity"]["upRate"] == -1.5
    assert alert["alert"]["alertType"] == "ALERT_TYPE_ERROR"
    assert accepted["registrationAck"] == {"acceptance": True}
    assert accepted["destinationId"] == NODE
    assert known["alertAck"]["alertAckStatus"] == "ALERT_ACK_STATUS_ACCEPTED"
    assert known["alertAck"]["alertId"] == sapient_ulid(NOW_US, 5)


WRITER = """
import json, sys
from google.protobuf import json_format
from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2
for line in sys.stdin:
    data = json_format.ParseDict(json.loads(line), sapient_message_pb2.SapientMessage()).SerializeToString()
    print((len(data).to_bytes(4, "little") + data).hex())
"""


def test_what_the_other_binding_writes_is_read(oracle_python):
    head = {"timestamp": "2023-11-14T22:13:20Z", "nodeId": NODE}
    polar = {"range": 1500.0, "azimuth": 200.5, "elevation": 2.0, "coordinateSystem": 1, "datum": 1}
    place = {"x": 47.02, "y": 39.51, "z": 300.0, "coordinateSystem": 1, "datum": 1}
    kind = [{"type": "Air Vehicle", "confidence": 0.8, "subClass": [{"type": "UAV Rotary Wing", "level": 1}]}]
    report = {"reportId": OBJECT, "objectId": OBJECT, "classification": kind}
    said = [
        {**head, "detectionReport": {**report, "rangeBearing": polar}},
        {**head, "detectionReport": {**report, "location": place}},
        {**head, "statusReport": {"reportId": OBJECT, "system": "SYSTEM_OK", "info": "INFO_NEW", "mode": "default"}},
    ]
    python = oracle_python("sapient-msg", "sapient-msg")
    lines = "\n".join(map(json.dumps, said))
    done = subprocess.run([str(python), "-c", WRITER], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    plot, position, status = run(b"".join(bytes.fromhex(line) for line in done.stdout.splitlines()))
    assert (plot.measurement.range_m, plot.measurement.azimuth_deg) == (1500.0, 200.5)
    assert plot.observed_at_us == NOW_US
    assert plot.features.class_name == "Air Vehicle/UAV Rotary Wing"
    assert (position.measurement.latitude_deg, position.measurement.altitude_hae_m) == (39.51, 300.0)
    assert status.state is SensorState.OK


@pytest.mark.parametrize(
    ("system", "azimuth", "reach"),
    [(1, 90.0, 2000.0), (2, 1.5707963267948966, 2000.0), (3, 90, 2), (4, 1.5707963267948966, 2)],
)
def test_units_of_range_and_bearing(system, azimuth, reach):
    message = blank()
    report = message.detection_report.range_bearing
    report.azimuth, report.range, report.coordinate_system, report.datum = azimuth, reach, system, 1
    (item,) = run(framed(message))
    assert item.measurement.azimuth_deg == pytest.approx(90.0)
    assert item.measurement.range_m == pytest.approx(2000.0)


@pytest.mark.parametrize(("datum", "reason"), [(0, "unknown-north"), (2, "unknown-north"), (4, "unknown-north")])
def test_a_north_nobody_knows_is_rejected(datum, reason):
    message = blank()
    report = message.detection_report.range_bearing
    report.azimuth, report.range, report.coordinate_system, report.datum = 10.0, 100.0, 1, datum
    assert run(framed(message))[0].reason == reason


def test_grid_north_is_turned_to_true_north():
    message = blank()
    report = message.detection_report.range_bearing
    report.azimuth, report.range, report.coordinate_system, report.datum = 0.0, 1000.0, 1, 3
    station = sensor()
    (item,) = run(framed(message), station=station)
    # independent: walk 1 km up the grid of UTM zone 38 and take the true direction
    to_grid = Transformer.from_crs("EPSG:4326", "EPSG:32638", always_xy=True)
    east, north = to_grid.transform(station.longitude_deg, station.latitude_deg)
    longitude, latitude = to_grid.transform(east, north + 1000.0, direction="INVERSE")
    true_deg, _, _ = Geod(ellps="WGS84").inv(station.longitude_deg, station.latitude_deg, longitude, latitude)
    assert (item.measurement.azimuth_deg - true_deg + 180) % 360 - 180 == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("zone", ["38S", "38N", "38"])
def test_utm_is_read_and_band_s_is_not_the_southern_half(zone):
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32638", always_xy=True).transform(47.02, 39.51)
    message = blank()
    place = message.detection_report.location
    place.x, place.y, place.coordinate_system, place.datum, place.utm_zone = east, north, 3, 2, zone
    place.z = 400.0
    (item,) = run(framed(message))
    assert item.measurement.latitude_deg == pytest.approx(39.51, abs=1e-8)
    assert item.measurement.longitude_deg == pytest.approx(47.02, abs=1e-8)
    assert (item.measurement.altitude_amsl_m, item.measurement.altitude_hae_m) == (400.0, None)


def location(x, y, system, zone=""):
    message = blank()
    place = message.detection_report.location
    place.x, place.y, place.coordinate_system, place.datum, place.utm_zone = x, y, system, 1, zone
    return framed(message)


def test_radians():
    (item,) = run(location(0.8206571402162163, 0.6895796590837893, 2))
    assert (item.measurement.longitude_deg, item.measurement.latitude_deg) == pytest.approx((47.0202, 39.51), abs=1e-3)


@pytest.mark.parametrize(
    ("x", "y", "system", "zone", "words"),
    [
        (39.51, 47.02, 1, "", "swapped"),
        (51.1739726374, -1.82237671048, 3, "30U", "degrees labelled UTM"),  # as in a published sample
        (0.0, 0.0, 1, "", "too far"),
        (500_000.0, 4_400_000.0, 3, "31S", "too far"),
        (1e300, 1.0, 1, "", "too far"),
    ],
)
def test_places_that_cannot_be_are_rejected_with_the_likely_mistake(x, y, system, zone, words):
    (item,) = run(location(x, y, system, zone))
    assert item.reason == "implausible-position"
    assert words in item.detail


@pytest.mark.parametrize(("x", "reason"), [(float("nan"), "not-a-number"), (float("inf"), "not-a-number")])
def test_no_number_is_no_place(x, reason):
    assert run(location(x, 39.5, 1))[0].reason == reason


def test_kilometres_per_hour_are_taken_from_the_registration():
    hello = SapientMessage.FromString(encode_sapient_registration(NODE, NOW_US)[4:])
    units = hello.registration.mode_definition[0].detection_definition[0].velocity_type.enu_velocity_units
    units.east_north_rate_units = units.up_rate_units = 2
    detection = encode_sapient_detection(NODE, NOW_US, OBJECT, PLACE)
    said = run(framed(hello), detection)
    assert said[1].measurement.speed_mps == pytest.approx(15.0 / 3.6)
    assert said[1].measurement.climb_mps == pytest.approx(-1.5 / 3.6)
    assert run(detection)[0].measurement.speed_mps == pytest.approx(15.0)


def test_registration_status_and_alert_are_reports():
    said = run(
        encode_sapient_registration(NODE, NOW_US, name="North"),
        encode_sapient_status(NODE, NOW_US, latitude_deg=39.5, longitude_deg=47.0, altitude_hae_m=300.0),
        encode_sapient_status(NODE, NOW_US, state=SensorState.FAILED),
        encode_sapient_alert(NODE, NOW_US, "antenna stuck"),
    )
    assert [type(item) for item in said] == [SensorReport] * 4
    assert [item.state for item in said] == [
        SensorState.OK,
        SensorState.OK,
        SensorState.FAILED,
        SensorState.DEGRADED,
    ]
    assert "radar North" in said[0].detail
    assert (said[1].latitude_deg, said[1].longitude_deg, said[1].altitude_hae_m) == (39.5, 47.0, 300.0)
    assert "antenna stuck" in said[3].detail


def test_an_alert_with_a_place_of_its_own_is_an_observation():
    message = blank()
    message.alert.description = "drone seen"
    message.alert.range_bearing.azimuth = 5.0
    message.alert.range_bearing.coordinate_system = message.alert.range_bearing.datum = 1
    (item,) = run(framed(message))
    assert isinstance(item.measurement, Bearing)
    assert item.features.description == "drone seen"
    message.alert.associated_detection.add(node_id=NODE, object_id=OBJECT)
    assert isinstance(run(framed(message))[0], SensorReport)


def test_weapons_are_refused_and_told_so():
    hello = encode_sapient_registration(NODE, NOW_US, node_type="jammer")
    said = run(hello, encode_sapient_detection(NODE, NOW_US, OBJECT, PLOT))
    assert [item.reason for item in said] == ["effector", "effector"]
    reply = SapientMessage.FromString(sapient_replies(hello, FUSION, NOW_US)[4:])
    assert reply.registration_ack.acceptance is False


def test_tasks_acks_and_errors_are_counted_not_obeyed():
    task, ack, error, empty = blank(), blank(), blank(), blank()
    task.task.task_id = OBJECT
    ack.registration_ack.acceptance = True
    error.error.error_message.append("no such class")
    said = run(*map(framed, (task, ack, error, empty)), b"\x00\x00\x00\x00")
    assert [item.reason for item in said] == ["not-for-us", "not-for-us", "peer-error", *["empty-message"] * 2]
    assert sapient_replies(framed(task), FUSION, NOW_US) == b""


def test_a_stranger_is_named_with_the_remedy():
    (item,) = run(encode_sapient_detection(FUSION, NOW_US, OBJECT, PLOT))
    assert item.reason == "unknown-sensor"
    assert f'wire_id = "{FUSION}"' in item.detail


def test_a_clock_a_day_off_is_reported_once_and_arrival_is_used():
    early = encode_sapient_detection(NODE, 1_000_000, OBJECT, PLOT)
    said = run(early, early)
    assert [type(item) for item in said] == [SensorReport, Observation, Observation]
    assert said[0].state == SensorState.LYING
    assert {item.observed_at_us for item in said[1:]} == {NOW_US + 300_000}


def test_a_missing_time_is_the_arrival():
    message = SapientMessage.FromString(encode_sapient_detection(NODE, NOW_US, OBJECT, PLOT)[4:])
    message.ClearField("timestamp")
    (item,) = run(framed(message))
    assert item.observed_at_us == NOW_US + 300_000


def test_too_long_a_frame_is_rejected_and_the_stream_starts_anew():
    good = encode_sapient_detection(NODE, NOW_US, OBJECT, PLOT)
    said = run(good + (5000).to_bytes(4, "little") + b"xx", good)
    assert [type(item) for item in said] == [Observation, Rejected, Observation]
    assert said[1].reason == "too-long"


STREAM = b"".join(
    [
        encode_sapient_registration(NODE, NOW_US, name="North"),
        encode_sapient_status(NODE, NOW_US),
        *[encode_sapient_detection(NODE, NOW_US + n, OBJECT, PLOT, classes=CLASSES, number=n) for n in range(3)],
        encode_sapient_detection(NODE, NOW_US, OBJECT, PLACE),
    ]
)
WHOLE = run(STREAM)


def without_seq(items):
    return [json.dumps(repr(item).replace(f"message_seq={item.message_seq}", "")) for item in items]


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_any_split_of_the_stream_says_the_same(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    assert without_seq(run(*chunks)) == without_seq(WHOLE)


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
@settings(max_examples=400)
def test_a_damaged_octet_breaks_nothing(at, flip):
    said = run(STREAM[:at] + bytes([STREAM[at] ^ flip]) + STREAM[at + 1 :])
    assert all(isinstance(item, Observation | SensorReport | Rejected) for item in said)


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_message_is_answered(body):
    said = run(len(body).to_bytes(4, "little") + body)
    assert said
    assert all(isinstance(item, Observation | SensorReport | Rejected) for item in said)
    sapient_replies(body, FUSION, NOW_US)
    sapient_replies(len(body).to_bytes(4, "little") + body, FUSION, NOW_US)


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 300))
def test_what_is_kept_is_bounded(remainder, chunk, limit):
    frames, rest, problem = sapient_frames(remainder, chunk, limit)
    assert len(rest) < 4 + limit
    if problem is None:
        assert b"".join(len(f).to_bytes(4, "little") + f for f in frames) + rest == remainder + chunk
