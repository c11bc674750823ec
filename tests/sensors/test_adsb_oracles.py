"""ADS-B judged by others: a real flight through our frames, dump1090 on the wire, pyModeS in its own environment."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import subprocess
import time

import pytest

from araz.sensors._adsb import adsb_init, beast_step, raw_step, sbs_step
from araz.sensors._adsb_encode import (
    encode_adsb_identification,
    encode_adsb_position,
    encode_adsb_velocity,
    encode_raw,
)
from araz.sensors._adsb_modes import FEET_M, FEET_PER_MINUTE_MPS, KNOT_MPS
from araz.vocabulary import Feed, Format, Message, Observation, Rejected
from araz_testing import missing

FEED = Feed(id="adsb", format=Format.RAW)


def decode(step, chunks):
    state, said = adsb_init(FEED, []), []
    for i, (at_us, chunk) in enumerate(chunks):
        state, decoded = step(state, Message(seq=i, received_at_us=at_us, source="adsb", payload=chunk))
        said += decoded
    assert not [one for one in said if isinstance(one, Rejected)]
    return [one for one in said if isinstance(one, Observation)]


def frames_of(row, odd):
    speed, climb = row["groundspeed"] * KNOT_MPS, row["vertical_rate"] * FEET_PER_MINUTE_MPS
    above = (row["geoaltitude"] - row["altitude"]) * FEET_M
    yield encode_adsb_identification(row["icao24"], row["callsign"].strip(), "rotorcraft")
    yield encode_adsb_velocity(row["icao24"], speed, row["track"], climb, above)
    yield encode_adsb_position(row["icao24"], row["latitude"], row["longitude"], row["altitude"], odd=odd)


@pytest.fixture(scope="module")
def helicopter(shelf):
    """Return the rows of a real ambulance helicopter's flight that are complete."""
    path = shelf / "data/adsb/traffic_samples/samu31.json.gz"
    rows = json.loads(gzip.decompress(path.read_bytes()))
    needed = ("latitude", "longitude", "altitude", "geoaltitude", "groundspeed", "track", "vertical_rate", "callsign")
    return [row for row in rows if all(row.get(name) is not None for name in needed)]


def test_a_real_flight_survives_the_air(helicopter):
    # Both formats at each point: the flight was sampled too slowly for pairs.
    chunks = [
        (row["timestamp"] * 1000 + odd, b"".join(map(encode_raw, frames_of(row, odd))))
        for row in helicopter
        for odd in (False, True)
    ]
    said = {one.observed_at_us: one for one in decode(raw_step, chunks)}
    assert len(helicopter) > 300
    for row in helicopter:
        one = said[row["timestamp"] * 1000 + 1]
        place = one.measurement
        assert place.latitude_deg == pytest.approx(row["latitude"], abs=1e-4)
        assert place.longitude_deg == pytest.approx(row["longitude"], abs=1e-4)
        assert place.altitude_baro_m == pytest.approx(row["altitude"] * FEET_M, abs=12.6 * FEET_M)
        assert place.altitude_hae_m == pytest.approx(row["geoaltitude"] * FEET_M, abs=25.1 * FEET_M)
        assert place.speed_mps == pytest.approx(row["groundspeed"] * KNOT_MPS, abs=KNOT_MPS)
        assert (one.claim.identity, one.claim.callsign) == (row["icao24"], row["callsign"].strip())


def free_ports(count):
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def connect(port):
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("dump1090 did not open its port")


@pytest.fixture
def dump1090():
    """Return sockets (raw in, SBS out, Beast out) of a running dump1090."""
    program = shutil.which("dump1090-mutability")
    if program is None:
        missing("dump1090-mutability")
    names = ("ri", "ro", "sbs", "bi", "bo")
    ports = dict(zip(names, free_ports(5), strict=True))
    options = [part for name, port in ports.items() for part in (f"--net-{name}-port", str(port))]
    command = [program, "--net-only", "--net-bind-address", "127.0.0.1", "--quiet", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sockets = [connect(ports[name]) for name in ("ri", "sbs", "bo")]
        yield sockets
        for one in sockets:
            one.close()
    finally:
        process.terminate()
        process.wait()


def collect(one, wanted, count):
    """Read until ``wanted`` was seen ``count`` times, or nothing comes for two seconds."""
    one.settimeout(2)
    data = b""
    while data.count(wanted) < count:
        try:
            chunk = one.recv(65_536)
        except TimeoutError:
            break
        if not chunk:
            break
        data += chunk
    return data


def test_dump1090_hears_what_we_hear(dump1090):
    raw_in, sbs_out, beast_out = dump1090
    lines = []
    for i in range(40):
        place = (38.5 + i * 4e-4, 48.5 - i * 3e-4, 2000 + 25 * i)
        lines += [
            encode_raw(encode_adsb_position("4ca251", *place, odd=bool(i % 2))),
            encode_raw(encode_adsb_velocity("4ca251", 60.0, 328.0, 2.0, 40.0)),
            encode_raw(encode_adsb_identification("4ca251", "ARZ12", "rotorcraft")),
        ]
    time.sleep(0.3)
    for line in lines:
        raw_in.sendall(line)
        time.sleep(0.005)
    sbs, beast = collect(sbs_out, b"\n", len(lines)), collect(beast_out, b"\x1a3", len(lines))
    now_us = 1_700_000_000_000_000
    ours = decode(raw_step, [(now_us, b"".join(lines))])
    through_beast = decode(beast_step, [(now_us, beast)])
    through_sbs = decode(sbs_step, [(now_us, sbs)])
    assert len(ours) == len(through_beast) == len(through_sbs) == 39
    assert [one.measurement for one in ours] == [one.measurement for one in through_beast]
    for mine, theirs in zip(ours, through_sbs, strict=True):
        assert mine.measurement.latitude_deg == pytest.approx(theirs.measurement.latitude_deg, abs=1e-4)
        assert mine.measurement.longitude_deg == pytest.approx(theirs.measurement.longitude_deg, abs=1e-4)
        assert mine.measurement.altitude_baro_m == pytest.approx(theirs.measurement.altitude_baro_m)
    last, other = ours[-1], through_sbs[-1]
    assert last.measurement.speed_mps == pytest.approx(other.measurement.speed_mps, abs=KNOT_MPS)
    assert last.measurement.climb_mps == pytest.approx(other.measurement.climb_mps)
    assert last.claim.callsign == other.claim.callsign == "ARZ12"


PYMODES = """
import json, sys
from pyModeS import PipeDecoder
pipe = PipeDecoder()
for line in sys.stdin:
    at, frame = line.split()
    said = pipe.decode(frame, timestamp=float(at))
    print(json.dumps({k: v for k, v in dict(said).items() if isinstance(v, (int, float, str, bool, type(None)))}))
"""


def test_pymodes_reads_the_frames_we_write(oracle_python, helicopter):
    python = oracle_python("pymodes", "pymodes>=3")
    rows, lines = helicopter[:120], []
    for row in rows:
        for odd in (False, True):
            lines += [f"{row['timestamp'] / 1000 + odd * 0.1} {frame.hex()}" for frame in frames_of(row, odd)]
    done = subprocess.run(
        [str(python), "-c", PYMODES], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == 6 * len(rows)
    assert all(one["crc_valid"] for one in said)
    placed = 0
    for row, (name, motion, _, _, _, place) in zip(rows, zip(*[iter(said)] * 6, strict=True), strict=True):
        assert name["callsign"].strip() == row["callsign"].strip()
        assert name["wake_vortex"] == "Rotorcraft"
        assert motion["groundspeed"] == pytest.approx(row["groundspeed"], abs=1.0)
        assert motion["vertical_rate"] == pytest.approx(row["vertical_rate"], abs=33)
        assert place["altitude"] == pytest.approx(row["altitude"], abs=13)
        if place.get("latitude") is not None:
            placed += 1
            assert place["latitude"] == pytest.approx(row["latitude"], abs=1e-4)
            assert place["longitude"] == pytest.approx(row["longitude"], abs=1e-4)
    assert placed > 100
