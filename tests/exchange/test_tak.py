"""Cursor on Target against a real TAK server, takproto and the schema's own rules.

The server is taky; test_opentakserver.py has the other one.
"""

import asyncio
import math
import socket
import subprocess
import time
import xml.etree.ElementTree as ET
from datetime import datetime

import msgspec
import pytest
import takproto
from hypothesis import given
from hypothesis import strategies as st

from araz.app._rim import free_port
from araz.exchange import cot_of_alarm, cot_of_order, cot_of_track, cot_removed, output_hello, output_init, output_step
from araz.feeds import Outbox, send_forever
from araz.vocabulary import (
    Alarm,
    AlarmMember,
    AlarmState,
    Area,
    Decision,
    DecisionAction,
    IdentityVerdict,
    InterceptOption,
    Output,
    OutputFormat,
    Picture,
    Track,
)

AT_US = 1_773_000_000_000_000


def track(**changes):
    fields = {
        "track_id": "T0007", "latitude_deg": 39.4012345, "longitude_deg": 47.3123456, "altitude_hae_m": 245.25,
        "altitude_amsl_m": 235.35, "altitude_agl_m": 72.0, "altitude_sigma_m": 10.0, "speed_mps": 13.5,
        "course_deg": 321.0, "climb_mps": 0.2, "ellipse_semi_major_m": 40.0, "ellipse_semi_minor_m": 20.0,
        "ellipse_azimuth_deg": 30.0, "existence": 0.98, "is_confirmed": True, "class_name": "multirotor",
        "class_probability": 0.9, "started_at_us": AT_US - 60_000_000, "updated_at_us": AT_US, "sensors": ["radar-1"],
    }  # fmt: skip
    return Track(**{**fields, **changes})


AREA = Area(
    latitude_deg=39.41, longitude_deg=47.32, semi_major_m=120.0, semi_minor_m=60.0, azimuth_deg=45.0, probability=0.9
)
OPTION = InterceptOption(
    rank=1, patrol_id="Patrol 2", action="drop area", latitude_deg=39.411, longitude_deg=47.321, arrival_s=300.0,
    arrival_sigma_s=60.0, margin_s=120.0, probability_before=0.8, route=[], sentence="Patrol 2 is there first.",
)  # fmt: skip
ALARM = Alarm(
    alarm_id="A0001", revision=1, priority=1, state=AlarmState.ACTIVE, raised_at_us=AT_US, changed_at_us=AT_US,
    sentence="T0007 released a load <1 km inside & went home.", confidence=0.9, areas=[AREA], options=[OPTION],
)  # fmt: skip
SEND = Decision(
    decision_id="d-1", alarm_id="A0001", revision=1, action=DecisionAction.SEND, officer="duty officer",
    at_us=AT_US + 5_000_000, patrol_id="Patrol 2",
)  # fmt: skip


def parts(message):
    event = ET.fromstring(message)
    return event, event.find("point").attrib


def test_height_is_hae_and_errors_are_ninety_percent():
    event, point = parts(cot_of_track(track(), "Horadiz"))
    assert float(point["hae"]) == pytest.approx(245.2, abs=0.1)  # not 235, which is above the sea
    assert float(point["le"]) == pytest.approx(16.4, abs=0.1)
    assert float(point["ce"]) == pytest.approx(40 * math.sqrt(4.605 / 5.991), abs=0.1)
    assert (float(point["lat"]), float(point["lon"])) == pytest.approx((39.4012345, 47.3123456), abs=1e-7)
    assert event.get("type") == "a-u-A-M-H-Q"
    assert float(event.find("detail/track").get("speed")) == 13.5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_unknown_height_is_the_unknown_value(value):
    _, point = parts(cot_of_track(track(altitude_hae_m=value, altitude_sigma_m=value), "Horadiz"))
    assert float(point["hae"]) == 9999999.0
    assert float(point["le"]) == 9999999.0
    for message in (*cot_of_alarm(ALARM, "s"), cot_of_order(SEND, OPTION, ALARM, "s"), cot_removed("x", AT_US)):
        assert float(parts(message)[1]["hae"]) == 9999999.0


@given(
    st.sampled_from(list(IdentityVerdict)), st.sampled_from(["multirotor", "bird", "unknown", "manned aircraft", "x"]),
    st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=30),
)  # fmt: skip
def test_never_hostile_always_xml_and_never_stale_at_birth(verdict, name, claim):
    event, _ = parts(cot_of_track(track(verdict=verdict, class_name=name, claim=claim), "Horadiz"))
    assert event.get("type").split("-")[1] in "unf"
    start, stale = (datetime.fromisoformat(event.get(key)) for key in ("start", "stale"))
    assert stale > start  # TAK drops a track whose stale is not after its start


def test_takproto_reads_the_same_numbers():
    packed = takproto.xml2proto(cot_of_track(track(), "Horadiz").decode())
    found = takproto.parse_proto(bytearray(packed)).cotEvent
    assert (found.lat, found.lon, found.hae) == pytest.approx((39.4012345, 47.3123456, 245.2), abs=0.06)
    assert found.uid == "araz.Horadiz.1772999940.T0007"
    assert found.detail.track.speed == pytest.approx(13.5)


def test_a_track_that_ends_is_taken_away_and_an_order_follows_its_decision():
    state = output_init(Output(id="tak", format=OutputFormat.COT, url="tcp://h:1"), "Horadiz")
    state, first = output_step(state, [Picture(at_us=AT_US, tracks=[track(), track(track_id="T9", class_name="bird")])])
    state, soon = output_step(state, [Picture(at_us=AT_US + 200_000, tracks=[track()])])
    state, area = output_step(state, [ALARM])
    state, order = output_step(state, [SEND])
    state, gone = output_step(state, [Picture(at_us=AT_US + 2_000_000, tracks=[])])
    assert [len(m) for m in (first, soon, area, order, gone)] == [1, 0, 1, 1, 1]
    assert parts(order[0])[0].get("type") == "b-m-p-w-GOTO"
    assert "Patrol 2" in order[0].decode()
    event, _ = parts(gone[0])
    assert event.get("type") == "t-x-d-d"
    assert event.find("detail/link").get("uid") == parts(first[0])[0].get("uid")
    ellipse = parts(area[0])[0].find("detail/shape/ellipse").attrib
    assert (float(ellipse["major"]), float(ellipse["minor"]), float(ellipse["angle"])) == (120.0, 60.0, 45.0)


@pytest.mark.parametrize("end", [AlarmState.REJECTED, AlarmState.CLEARED])
def test_areas_that_no_longer_hold_are_taken_away_once(end):
    state = output_init(Output(id="tak", format=OutputFormat.COT, url="tcp://h:1"), "Horadiz")
    changes = [
        {"areas": [AREA, AREA]},
        {"areas": [AREA]},
        {"areas": [AREA], "state": AlarmState.ACKNOWLEDGED},
        {"areas": [AREA], "state": end},
        {"areas": [AREA], "state": end, "sentence": "said again"},
    ]
    said = []
    for number, change in enumerate(changes):
        alarm = msgspec.structs.replace(ALARM, revision=number + 1, changed_at_us=AT_US + number * 1_000_000, **change)
        state, messages = output_step(state, [alarm])
        events = [parts(message)[0] for message in messages]
        said.append([(e.get("type"), e.get("uid")) for e in events if e.get("type") != "t-x-d-d"])
        said[-1] += [("gone", e.find("detail/link").get("uid")) for e in events if e.get("type") == "t-x-d-d"]
    first, second = (f"araz.Horadiz.A0001.{number}" for number in range(2))
    assert said == [
        [("u-d-c-c", first), ("u-d-c-c", second)],
        [("u-d-c-c", first), ("gone", second)],
        [("u-d-c-c", first)],
        [("gone", first)],
        [],
    ]


@pytest.fixture(scope="module")
def taky(oracle_python, tmp_path_factory):
    """A real TAK server from PyPI (taky, MIT), in an environment of its own; gives its port."""
    python = oracle_python("taky", "taky==0.10")
    home, port = tmp_path_factory.mktemp("taky"), free_port()
    setup = [str(python.parent / "takyctl"), "setup", "--no-ssl", "--public-ip", "127.0.0.1", "--bind-ip", "127.0.0.1"]
    subprocess.run([*setup, str(home / "site")], check=True, capture_output=True, timeout=120)
    config = home / "site" / "taky.conf"
    text = config.read_text()
    lines = [f"port = {port}" if line.strip().startswith("port") else line for line in text.splitlines()]
    lines = ["mon_ip =" if line.strip().startswith("mon_ip") else line for line in lines]
    config.write_text("\n".join(lines) + "\n")
    server = subprocess.Popen(
        [str(python.parent / "taky"), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        except OSError:
            assert server.poll() is None, "taky ended at once"
            time.sleep(0.1)
    yield port
    server.terminate()
    server.wait(10)


def ident(uid):
    return (
        f'<event version="2.0" uid="{uid}" type="a-f-G" how="h-e" time="2026-03-01T00:00:00Z" '
        f'start="2026-03-01T00:00:00Z" stale="2036-03-01T00:00:00Z"><point lat="39" lon="47" hae="0" ce="1" le="1"/>'
        f'<detail><contact callsign="{uid}"/><__group name="Cyan" role="Team Member"/></detail></event>'
    ).encode()


def test_areas_and_orders_stand_on_the_ground_above_the_ellipsoid():
    area, option = (
        msgspec.structs.replace(AREA, altitude_hae_m=41.5),
        msgspec.structs.replace(OPTION, altitude_hae_m=-27.0),
    )
    [drawn] = cot_of_alarm(msgspec.structs.replace(ALARM, areas=[area]), "s")
    assert parts(drawn)[1]["hae"] == "41.5"
    assert parts(cot_of_order(SEND, option, ALARM, "s"))[1]["hae"] == "-27.0"


def test_an_order_on_a_card_for_many_is_about_its_member_whatever_the_newest_options_say():
    """The decision's own order goes out: its place, and the words of the member it names."""
    words = {"priority": 1, "confidence": 0.9, "told_at_us": AT_US}
    members = [
        AlarmMember(name="T0001", track_id="T0001", sentence="The first one.", **words),
        AlarmMember(name="T0002", track_id="T0002", sentence="The other one.", **words),
    ]
    newest = msgspec.structs.replace(OPTION, track_id="T0001", latitude_deg=39.5)
    group = msgspec.structs.replace(ALARM, members=members, options=[newest])
    order = msgspec.structs.replace(OPTION, track_id="T0002", latitude_deg=39.6)
    state = output_init(Output(id="tak", format=OutputFormat.COT, url="tcp://h:1"), "Horadiz")
    state, _ = output_step(state, [group])
    _, [sent] = output_step(state, [msgspec.structs.replace(SEND, order=order)])
    assert float(parts(sent)[1]["lat"]) == 39.6
    assert "The other one." in sent.decode()
    _, [old] = output_step(state, [SEND])
    assert float(parts(old)[1]["lat"]) == 39.5, "a decision of before names the patrol only"


def told_in_a_night(url):
    """What an output says of a track, an area, an order and the track's end, each now; its state, and the messages."""
    state = output_init(Output(id="tak", format=OutputFormat.COT, url=url), "Horadiz")
    now_us = time.time_ns() // 1000
    area, order = (msgspec.structs.replace(one, altitude_hae_m=m) for one, m in ((AREA, 41.5), (OPTION, -27.0)))
    sent = []
    for event in (
        Picture(at_us=now_us, tracks=[track(updated_at_us=now_us)]),
        msgspec.structs.replace(ALARM, changed_at_us=now_us, areas=[area]),
        msgspec.structs.replace(SEND, at_us=SEND.at_us + now_us - AT_US, order=order),
        Picture(at_us=now_us + 2_000_000, tracks=[]),
    ):
        state, messages = output_step(state, [event])
        sent += messages
    return state, sent


def relayed(state, sent, port, joins):
    """What a patrol's client gets of it from a server; ``joins`` puts the client there, given reader and writer."""
    box, told = Outbox(), []
    hello = output_hello(state, time.time_ns() // 1000)

    async def both():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await joins(writer)
        sender = asyncio.ensure_future(send_forever(state.output.url, "tak", box, lambda: hello, told.append))
        box.put(sent)
        got = b""
        async with asyncio.timeout(120):
            while not all(word in got for word in (b"T0007", b"u-d-c-c", b"b-m-p-w-GOTO", b"__forcedelete")):
                chunk = await reader.read(65536)
                assert chunk, "the server closed the line"
                got += chunk
        sender.cancel()
        writer.close()
        return got.decode()

    text = asyncio.run(both())
    assert any("connected" in line for line in told)
    return text


def judge_relayed(text):
    """Our heights and our removal, whatever the server did with the words around them."""
    events = text.split("<event ")
    assert 'hae="245.' in next(p for p in events if "T0007 multirotor" in p)
    assert 'hae="41.5"' in next(p for p in events if "u-d-c-c" in p)
    assert 'hae="-27.0"' in next(p for p in events if "b-m-p-w-GOTO" in p)
    removal = next(p for p in events if "__forcedelete" in p)
    assert 'uid="araz.Horadiz.1772999940.T0007"' in removal


def test_real_tak_server_relays_our_tracks_areas_orders_and_removals(taky):
    """A patrol's client on the server gets what we send, with our height and our ellipse."""

    async def joins(writer):
        writer.write(ident("PATROL-2"))
        await writer.drain()
        await asyncio.sleep(0.5)

    judge_relayed(relayed(*told_in_a_night(f"tcp://127.0.0.1:{taky}"), taky, joins))


def test_whoever_speaks_says_so_first_and_is_on_no_map():
    """What parsers of a stream of documents ask for: nothing between one event's end and the next declaration."""
    hello = output_hello(output_init(Output(id="x", format=OutputFormat.COT, url=""), "Horadiz"), AT_US)
    event, point = parts(hello)
    assert event.find("detail/takv").get("platform") == "Araz"
    assert (float(point["lat"]), float(point["lon"]), event.get("type")[:2]) == (0, 0, "t-")
    for message in (hello, cot_of_track(track(), "s"), *cot_of_alarm(ALARM, "s"), cot_removed("x", AT_US)):
        assert message.startswith(b"<?xml")
        assert message.endswith(b"</event>")


def test_a_dead_peer_never_blocks_and_the_newest_survive():
    box, told = Outbox(limit=10), []

    async def run():
        sender = asyncio.ensure_future(
            send_forever(f"tcp://127.0.0.1:{free_port()}", "tak", box, lambda: b"", told.append)
        )
        for number in range(100):
            box.put([b"%d" % number])
        await asyncio.sleep(0.5)
        sender.cancel()

    asyncio.run(run())
    assert box.dropped == 90
    assert box.take() == b"90"
    assert "trying again" in told[0]
