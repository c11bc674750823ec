"""The decoder against tshark, libasterix and asterix-decoder on real recordings, and libasterix on our own bytes."""

import json
import math
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter

import dpkt
import pytest
from asterix import base, generated

from araz.sensors._asterix import asterix_init, asterix_step
from araz.sensors._asterix_encode import (
    AsterixPlot,
    AsterixTrack,
    encode_asterix_015,
    encode_asterix_034,
    encode_asterix_048,
    encode_asterix_062,
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
    ScanMark,
    Sensor,
    SensorKind,
    SensorReport,
    SensorState,
)
from araz_testing import missing

NM_M = 1852.0
#: 12 h into a UTC day.
NOON_US = 1_700_000_000_000_000 // 86_400_000_000 * 86_400_000_000 + 43_200_000_000
NOON_S = 43_200.0


def feed(**editions):
    return Feed(id="north", format=Format.ASTERIX, editions={key[1:]: value for key, value in editions.items()})


def sensor(wire_id="", sensor_id="radar"):
    return Sensor(
        id=sensor_id, kind=SensorKind.RADAR, feed="north", latitude_deg=39.5, longitude_deg=47.0, wire_id=wire_id
    )


def decode(payload, *, state=None, received_at_us=NOON_US, seq=0):
    state = asterix_init(feed(), [sensor()]) if state is None else state
    message = Message(seq=seq, received_at_us=received_at_us, source="north", payload=bytes(payload))
    return asterix_step(state, message)[1]


def datagrams(path):
    with path.open("rb") as file:
        for stamp, frame in dpkt.pcap.Reader(file):
            yield int(stamp * 1e6), bytes(dpkt.ethernet.Ethernet(frame).data.data.data)


@pytest.fixture(scope="module")
def capture(shelf):
    return shelf / "data" / "asterix" / "cat_034_048.pcap"


@pytest.fixture(scope="module")
def tshark_records(capture):
    """Every ASTERIX record of the capture as tshark reads it: (category, fields), copies included."""
    if shutil.which("tshark") is None:
        missing("tshark (Debian package tshark)")
    with capture.open("rb") as file:
        ports = {dpkt.ethernet.Ethernet(frame).data.data.dport for _, frame in dpkt.pcap.Reader(file)}
    options = [word for port in sorted(ports) for word in ("-d", f"udp.port=={port},asterix")]
    done = subprocess.run(
        ["tshark", "-r", str(capture), *options, "-T", "pdml"], capture_output=True, text=True, check=True
    )
    records = []
    for packet in ElementTree.fromstring(done.stdout).iter("packet"):
        for block in (proto for proto in packet.iter("proto") if proto.get("name") == "asterix"):
            category = next(int(f.get("show")) for f in block.iter("field") if f.get("name") == "asterix.category")
            for record in (f for f in block.iter("field") if f.get("name") == "asterix.message"):
                fields = {f.get("name"): f.get("show") for f in record.iter("field") if f.get("show")}
                records.append((category, fields))
    return records


def test_real_radar_bytes_agree_with_tshark(capture, tshark_records):
    state, plots, service, rejects = asterix_init(feed(_048="1.31", _034="1.29"), [sensor()]), [], [], []
    for seq, (at_us, payload) in enumerate(datagrams(capture)):
        message = Message(seq=seq, received_at_us=at_us, source="north", payload=payload)
        state, said = asterix_step(state, message)
        plots += [item for item in said if isinstance(item, Observation)]
        service += [item for item in said if isinstance(item, ScanMark | SensorReport)]
        rejects += [item for item in said if isinstance(item, Rejected)]
    # each packet stands twice in the capture
    assert Counter(reject.reason for reject in rejects) == {"duplicate": 50, "no-detection": 1}
    theirs = Counter(category for category, _ in tshark_records)
    assert theirs == {48: 128, 34: 34}
    assert 2 * (len(plots) + 1) == 128
    assert {len([s for s in service if isinstance(s, ScanMark)])} <= set(range(1, 18))
    seen = [f for category, f in tshark_records if category == 48 and f["asterix.048_020_TYP"] != "0"]
    assert Counter(_plot_key(plot) for plot in plots for _ in range(2)) == Counter(_tshark_key(f) for f in seen)


def _plot_key(plot):
    polar = plot.measurement
    claim = plot.claim
    return (
        round(polar.range_m / NM_M * 256),
        round(polar.azimuth_deg * 65536 / 360),
        round(plot.observed_at_us % 86_400_000_000 / 1e6 * 128),
        None if claim is None else claim.identity,
        None if claim is None or claim.callsign is None else claim.callsign,
        None if polar.altitude_amsl_m is None else round(polar.altitude_amsl_m / 0.3048),
    )


def _tshark_key(fields):
    address = fields.get("asterix.048_220_VALUE")
    name = (fields.get("asterix.048_240_VALUE") or "").strip() or None
    height = fields.get("asterix.048_110_3DHEIGHT", fields.get("asterix.048_110_3DH"))
    return (
        round(float(fields["asterix.048_040_RHO"]) * 256),
        round(float(fields["asterix.048_040_THETA"]) * 65536 / 360),
        round(float(fields["asterix.048_140_VALUE"]) * 128),
        None if address is None else f"{int(address, 16):06x}",
        None if address is None else name,
        None if height is None else round(float(height)),
    )


def test_service_messages_agree_with_tshark(capture, tshark_records):
    seen, marks, reports = set(), [], []
    state = asterix_init(feed(), [sensor()])
    for seq, (at_us, payload) in enumerate(datagrams(capture)):
        if payload in seen:
            continue
        seen.add(payload)
        state, said = asterix_step(state, Message(seq=seq, received_at_us=at_us, source="north", payload=payload))
        marks += [item for item in said if isinstance(item, ScanMark)]
        reports += [item for item in said if isinstance(item, SensorReport)]
    fields = [f for category, f in tshark_records if category == 34]
    north = [f for f in fields if f["asterix.034_000_VALUE"] == "1"]
    assert 2 * len([mark for mark in marks if mark.sector_from_deg is None]) == len(north)
    sectors = {float(f["asterix.034_020_VALUE"]) for f in fields if "asterix.034_020_VALUE" in f}
    assert {mark.sector_to_deg for mark in marks if mark.sector_to_deg is not None} <= sectors
    periods = {float(f["asterix.034_041_VALUE"]) for f in fields if "asterix.034_041_VALUE" in f}
    assert {report.scan_period_s for report in reports} - {None} == periods
    assert SensorState.OK in {report.state for report in reports}


def test_system_tracks_agree_with_libasterix_and_asterix_decoder(shelf, oracle_python):
    path = shelf / "data" / "asterix" / "cat062cat065.ast"
    said = decode(path.read_bytes())
    tracks = [item for item in said if isinstance(item, Observation)]
    assert [type(item).__name__ for item in said] == ["Observation", "Observation", "Rejected"]
    assert said[2].reason == "unsupported-category"
    ours = [x for t in tracks for x in (t.measurement.latitude_deg, t.measurement.longitude_deg)]
    records = libasterix_records(path.read_bytes(), "1.18")
    theirs = [quantity(record, "105", name) for record in records for name in ("LAT", "LON")]
    assert ours == pytest.approx(theirs, abs=1e-12)
    code = (
        "import asterix, json, sys; data = open(sys.argv[1], 'rb').read(); "
        "print(json.dumps([[r['I105']['Lat']['val'], r['I105']['Lon']['val'], r['I070']['ToT']['val']] "
        "for r in asterix.parse(data) if r['category'] == 62]))"
    )
    python = oracle_python("asterix-decoder", "asterix-decoder>=0.7")
    done = subprocess.run([str(python), "-c", code, str(path)], capture_output=True, text=True, check=True)
    peer = json.loads(done.stdout)
    assert [x for lat, lon, _ in peer for x in (lat, lon)] == pytest.approx(ours, abs=1e-6)
    ours_s = [t.observed_at_us % 86_400_000_000 / 1e6 for t in tracks]
    assert [at for *_, at in peer] == pytest.approx(ours_s, abs=0.004)
    assert tracks[1].claim.kind == ClaimKind.MODE_S
    assert tracks[1].claim.callsign == "SXD4723"
    assert tracks[0].claim.identity == "25/100/4980"


def libasterix_records(payload, edition):
    """Return libasterix's records of a datagram, with every category it does not find in ``edition`` left out."""
    wanted = tuple(int(part) for part in edition.split("."))
    records = []
    for block in base.RawDatablock.parse(base.Bits.from_bytes(payload)):
        for spec in generated.manifest["CATS"].get(block.get_category(), []):
            if spec.cv_edition == wanted:
                parsed = spec.cv_uap.parse(block.get_raw_records())
                assert not isinstance(parsed, ValueError), parsed
                records += parsed
    return records


def value(record, item, *path):
    node = record.get_item(item)
    if node is None:
        return None
    variation = node.variation
    for name in path:
        node = variation.get_item(name)
        if node is None:
            return None
        variation = node.variation
    return variation


def quantity(record, item, *path):
    found = value(record, item, *path)
    return None if found is None else found.content.as_quantity()


PLOTS = [
    AsterixPlot(5_230.0, 359.999, altitude_amsl_m=310.0, range_rate_mps=-14.0),
    AsterixPlot(812.0, 0.0, altitude_amsl_m=-20.0, range_rate_mps=3.0, mode_s="4b1a2c", callsign="AHY12"),
    AsterixPlot(9_999.0, 181.3),
]


@pytest.mark.parametrize("edition", ["1.27", "1.28", "1.29", "1.30", "1.31", "1.32"])
def test_libasterix_reads_our_048(edition):
    payload = encode_asterix_048(25, 1, NOON_S + 0.5, PLOTS)
    records = libasterix_records(payload, edition)
    ours = [item.measurement for item in decode(payload)]
    assert len(records) == len(ours) == 3
    for record, polar, plot in zip(records, ours, PLOTS, strict=True):
        assert quantity(record, "040", "RHO") * NM_M == pytest.approx(polar.range_m, abs=1e-6)
        assert quantity(record, "040", "THETA") == pytest.approx(polar.azimuth_deg, abs=1e-9)
        assert quantity(record, "140") == NOON_S + 0.5
        height = quantity(record, "110", "3DH")
        assert (None if height is None else height * 0.3048) == pytest.approx(polar.altitude_amsl_m)
        assert quantity(record, "120", "CAL", "CAL") == polar.range_rate_mps
        assert polar.range_m == pytest.approx(plot.range_m, abs=3.7)
    assert value(records[1], "240").content.as_string().strip() == "AHY12"


@pytest.mark.parametrize("edition", ["1.0", "1.1", "1.2"])
def test_libasterix_reads_our_015(edition):
    plots = [AsterixPlot(4_321.04, 12.5, elevation_deg=-1.25, range_rate_mps=-17.33), AsterixPlot(100.0, 200.0)]
    payload = encode_asterix_015(25, 2, NOON_S, plots, range_sigma_m=4.0, azimuth_sigma_deg=0.5, elevation_sigma_deg=1)
    records, ours = libasterix_records(payload, edition), [item.measurement for item in decode(payload)]
    for record, polar in zip(records, ours, strict=True):
        assert quantity(record, "625", "R") == pytest.approx(polar.range_m)
        assert quantity(record, "625", "SDR") == pytest.approx(polar.range_sigma_m)
        assert quantity(record, "626", "DV") == pytest.approx(polar.range_rate_mps)
        assert quantity(record, "627", "AZ") == pytest.approx(polar.azimuth_deg)
        assert quantity(record, "627", "SDASZ") == pytest.approx(polar.azimuth_sigma_deg)
        assert quantity(record, "628", "EL") == pytest.approx(polar.elevation_deg)
        assert quantity(record, "628", "SDEL") == pytest.approx(polar.elevation_sigma_deg)
        assert quantity(record, "145") == NOON_S
    assert ours[0].range_m == pytest.approx(4_321.0)


@pytest.mark.parametrize("edition", ["1.16", "1.17", "1.18", "1.19", "1.20", "1.21"])
def test_libasterix_reads_our_062(edition):
    tracks = [
        AsterixTrack(77, 39.41234, 47.98765, 812.0, (-12.5, 30.0), -2.0, "600123", "AZX1"),
        AsterixTrack(78, -1.0, -179.9999, altitude_baro_m=1000.0),
    ]
    payload = encode_asterix_062(1, 2, NOON_S, tracks)
    records, ours = libasterix_records(payload, edition), [item.measurement for item in decode(payload)]
    for record, place in zip(records, ours, strict=True):
        assert quantity(record, "105", "LAT") == pytest.approx(place.latitude_deg)
        assert quantity(record, "105", "LON") == pytest.approx(place.longitude_deg)
        height, level = quantity(record, "130"), quantity(record, "136")
        assert (None if height is None else height * 0.3048) == pytest.approx(place.altitude_hae_m)
        assert (None if level is None else level * 30.48) == pytest.approx(place.altitude_baro_m)
    east, north = quantity(records[0], "185", "VX"), quantity(records[0], "185", "VY")
    assert math.hypot(east, north) == pytest.approx(ours[0].speed_mps)
    assert math.degrees(math.atan2(east, north)) % 360 == pytest.approx(ours[0].course_deg)
    assert quantity(records[0], "220") * 0.3048 / 60 == pytest.approx(ours[0].climb_mps)


@pytest.mark.parametrize("edition", ["1.27", "1.28", "1.29"])
def test_libasterix_reads_our_034(edition):
    (record,) = libasterix_records(encode_asterix_034(1, 2, NOON_S, sector_deg=90, period_s=4, status="ok"), edition)
    assert quantity(record, "020") == 90.0
    assert quantity(record, "041") == 4.0


def test_sectors_and_north_become_marks_and_status_a_report():
    state, said = asterix_init(feed(), [sensor()]), []
    for seq, at in enumerate((None, 0.0, 90.0, 90.0)):
        payload = encode_asterix_034(1, 2, NOON_S + seq, sector_deg=at, period_s=4.0, status=SensorState.DEGRADED)
        message = Message(seq=seq, received_at_us=NOON_US, source="north", payload=payload)
        state, some = asterix_step(state, message)
        said.append(some)
    assert isinstance(said[0][0], ScanMark)
    assert said[0][0].sector_from_deg is None
    assert (said[0][1].scan_period_s, said[0][1].state) == (4.0, SensorState.DEGRADED)
    assert [type(item) for item in said[1]] == [SensorReport]  # where the first sector began is not known
    assert (said[2][0].sector_from_deg, said[2][0].sector_to_deg) == (0.0, 90.0)
    assert [type(item) for item in said[3]] == [SensorReport]  # the same edge again: no sector between


def test_time_of_day_takes_the_day_nearest_to_arrival():
    midnight = NOON_US + 43_200_000_000
    late = decode(encode_asterix_048(1, 2, 86_399.5, PLOTS[:1]), received_at_us=midnight + 200_000)
    early = decode(encode_asterix_048(1, 2, 0.5, PLOTS[:1]), received_at_us=midnight - 200_000)
    assert late[0].observed_at_us == midnight - 500_000
    assert early[0].observed_at_us == midnight + 500_000


def test_a_missing_time_is_the_arrival_and_an_impossible_one_a_reject():
    without = bytes.fromhex("30 0008 90 0102 1000 4000".replace(" ", ""))  # I010, I040
    assert decode(bytes([48, 0, 10, 0x90, 1, 2, 0x10, 0, 0x40, 0]))[0].observed_at_us == NOON_US
    assert decode(bytes([48, 0, 13, 0xD0, 1, 2, 0xFF, 0xFF, 0xFF, 0x10, 0, 0x40, 0]))[0].reason == "bad-time"
    assert decode(without)  # a length that is too short is said, not raised


def test_cartesian_only_becomes_polar():
    # I010, I042: x = -1 NM, y = 1 NM
    (plot,) = decode(bytes([48, 0, 11, 0x81, 0x08, 1, 2, 0xFF, 0x80, 0, 0x80]))
    assert plot.measurement.range_m == pytest.approx(math.sqrt(2) * NM_M)
    assert plot.measurement.azimuth_deg == pytest.approx(315.0)


def test_bistatic_range_is_not_read_as_a_distance():
    payload = bytearray(encode_asterix_015(1, 2, NOON_S, [AsterixPlot(5_000.0, 45.0, elevation_deg=2.0)]))
    descriptor = payload.index(bytes([1, 2, 2, 0])) + 3
    payload[descriptor] = 0x40
    (item,) = decode(payload)
    assert isinstance(item.measurement, Bearing)
    assert item.measurement.azimuth_deg == pytest.approx(45.0)


@pytest.mark.parametrize(("octet", "reason"), [(0x00, "no-detection"), (0x30, "not-a-target"), (0x22, "not-a-target")])
def test_what_is_no_detection_is_said_not_placed(octet, reason):
    payload = bytes([48, 0, 11, 0xB0, 1, 2, octet, 0x10, 0, 0x40, 0])
    assert decode(payload)[0].reason == reason


def test_good_records_before_a_cut_stay():
    payload = encode_asterix_048(1, 2, NOON_S, PLOTS)
    said = decode(payload[:-3])
    assert [type(item).__name__ for item in said] == ["Observation", "Observation", "Rejected", "Rejected"]
    assert {item.reason for item in said[2:]} == {"truncated"}


def test_copies_are_counted_within_two_seconds_only():
    state = asterix_init(feed(), [sensor()])
    payload = encode_asterix_048(1, 2, NOON_S, PLOTS[:1])
    kinds = []
    for seq, after_us in enumerate((0, 1_900_000, 3_950_000)):
        message = Message(seq=seq, received_at_us=NOON_US + after_us, source="north", payload=payload)
        state, said = asterix_step(state, message)
        kinds.append(getattr(said[0], "reason", "plot"))
    assert kinds == ["plot", "duplicate", "plot"]


def test_sources_are_told_apart_and_strangers_named_with_the_remedy():
    state = asterix_init(feed(), [sensor("25/1", "a"), sensor("25/2", "b")])
    payload = b"".join(encode_asterix_048(25, sic, NOON_S, PLOTS[:1]) for sic in (1, 2, 3))
    first, second, stranger = decode(payload, state=state)
    assert (first.sensor_id, second.sensor_id) == ("a", "b")
    assert stranger.reason == "unknown-sensor"
    assert 'wire_id = "25/3"' in stranger.detail


@pytest.mark.parametrize(
    ("editions", "wire_id", "words"),
    [
        ({"_048": "1.99"}, "", "1.32"),
        ({"_021": "2.4"}, "", "048"),
        ({}, "25-1", "25/201"),
        ({}, "256/1", "SAC/SIC"),
    ],
)
def test_a_wrong_site_file_fails_at_the_start_with_the_remedy(editions, wire_id, words):
    with pytest.raises(ValueError, match=words):
        asterix_init(feed(**editions), [sensor(wire_id)])


def test_too_much_for_one_datagram_and_too_far_for_048_are_refused():
    with pytest.raises(ValueError, match="send fewer"):
        encode_asterix_048(1, 2, NOON_S, PLOTS[:1] * 5_000)
    with pytest.raises(ValueError, match="256 NM"):
        encode_asterix_048(1, 2, NOON_S, [AsterixPlot(500_000.0, 0.0)])


def test_measurement_types_by_category():
    assert isinstance(decode(encode_asterix_015(1, 2, NOON_S, PLOTS))[0].measurement, Polar)
    assert isinstance(decode(encode_asterix_062(1, 2, NOON_S, [AsterixTrack(1, 0.0, 0.0)]))[0].measurement, Position)
