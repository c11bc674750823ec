"""MISP events by pymisp, in its own environment: schema, templates in strict mode, a round trip."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_exports import AT_US, track

from araz.exchange import misp_event, read_misp
from araz.store import EventLog
from araz.vocabulary import IdentityVerdict, Picture
from araz_testing import araz

SERIAL = "remote-id:1581F5FQD244P00EXMPL"


def night():
    """A supported serial for three minutes, a spoof, a hardware address, an aircraft, a bird, a hidden stretch."""
    pictures = []
    for second in range(181):
        honest = track(
            1, claim=SERIAL, verdict=IdentityVerdict.SUPPORTED, verdict_reasons=["radar sees it"],
            latitude_deg=39.4 + 1e-5 * second, hidden=30 <= second < 90,
        )  # fmt: skip
        tracks = [honest, track(2, claim="adsb:4ca123"), track(3)]
        if second == 10:
            spoof = {
                "claim": "remote-id:FAKE",
                "verdict": IdentityVerdict.CONTRADICTED,
                "verdict_reasons": ["no radar"],
            }
            tracks += [track(4, **spoof), track(5, claim="remote-id:mac:aa:bb", altitude_amsl_m=math.nan)]
            tracks += [track(6, claim=SERIAL + "X", is_confirmed=False)]
        pictures.append(Picture(at_us=AT_US + second * 1_000_000, tracks=tracks))
    return pictures


def test_pymisp_reads_the_event_and_its_templates_hold(judge):
    raw, count = misp_event(night(), "Horadiz")
    told = judge("misp", raw)
    assert told["breaches"] == []
    assert [item["name"] for item in told["objects"]].count("uav") == 2
    assert count == len(told["objects"]) == 2 + 3 + 1 + 1
    seen = [o["values"] for o in told["objects"] if o["values"].get("uas-id") == SERIAL.partition(":")[2]]
    assert [float(v["latitude"]) for v in seen] == pytest.approx([39.4, 39.4009, 39.4015]), "hidden is not observed"
    assert seen[0]["altitude-m"] == "235.3"
    assert (seen[0]["height-reference"], seen[0]["confidence"]) == ("mean-sea-level", "98.0")
    assert seen[0]["receiver-id"] == "radar-1, rf-1"
    assert seen[0]["observation-time"].startswith("2026-03-08")
    spoof = next(o["values"] for o in told["objects"] if o["values"].get("uas-id") == "FAKE")
    assert float(spoof["confidence"]) == 0.0
    assert spoof["comment"] == "claim contradicted: no radar"
    session = next(o["values"] for o in told["objects"] if "session-id" in o["values"])
    assert session["session-id"] == "mac:aa:bb"
    assert not {"altitude-m", "height-reference", "confidence", "uas-id"} & set(session)
    uav = next(o for o in told["objects"] if o["values"].get("serial-number") == SERIAL.partition(":")[2])
    mine = [o["uuid"] for o in told["objects"] if o["values"].get("uas-id") == SERIAL.partition(":")[2]]
    assert uav["references"] == mine
    assert uav["values"]["last-seen"] > uav["values"]["first-seen"]
    assert not any("operator" in key for o in told["objects"] for key in o["values"])


def test_the_judge_can_say_no(judge):
    event = json.loads(misp_event(night(), "Horadiz")[0])
    event["Event"]["Object"][0]["Attribute"][0]["object_relation"] = "colour"
    with pytest.raises(AssertionError, match="colour"):
        judge("misp", json.dumps(event).encode())


def test_the_same_night_is_the_same_event_and_another_site_another():
    assert misp_event(night(), "Horadiz") == misp_event(night(), "Horadiz")
    here, there = (json.loads(misp_event(night(), site)[0])["Event"] for site in ("Horadiz", "Lankaran"))
    assert {o["uuid"] for o in here["Object"]}.isdisjoint(o["uuid"] for o in there["Object"])
    assert here["uuid"] != there["uuid"]


def test_a_night_in_which_nobody_named_itself_is_an_event_without_objects(judge):
    raw, count = misp_event([Picture(at_us=AT_US, tracks=[track(1)])], "Horadiz")
    assert count == 0
    assert judge("misp", raw) == {"breaches": [], "objects": []}


def read(raw):
    return read_misp(raw, source="theirs.json", received_at_us=AT_US)


def test_what_is_written_is_read_again():
    told = read(misp_event(night(), "Horadiz")[0])
    assert (told.rejected, told.others) == ([], 0)
    assert [one.serial for one in told.drones] == [SERIAL.partition(":")[2], "FAKE"]
    seen = [one for one in told.sightings if one.identity == SERIAL.partition(":")[2]]
    assert [one.at_us for one in seen] == [AT_US + k * 1_000_000 for k in (0, 90, 150)]
    assert [one.latitude_deg for one in seen] == pytest.approx([39.4, 39.4009, 39.4015], abs=1e-7)
    assert (seen[0].altitude_amsl_m, seen[0].speed_mps, seen[0].course_deg) == (235.3, 13.5, 90.0)
    assert seen[0].confidence == 98.0
    spoof = next(one for one in told.sightings if one.identity == "FAKE")
    assert spoof.confidence == 0
    session = next(one for one in told.sightings if not one.is_serial)
    assert (session.identity, session.altitude_amsl_m, session.confidence) == ("mac:aa:bb", None, None)


def test_what_pymisp_writes_is_read(judge):
    wanted = [
        ("uav", {"serial-number": "S1", "manufacturer": "DJI", "model": "Mavic 3", "type": "quadcopter"}),
        ("drone-rid-observation", {
            "uas-id": "S1", "observation-time": "2026-03-08T20:15:00+04:00", "latitude": 39.41, "longitude": 47.02,
            "altitude-m": 120.5, "height-reference": "takeoff", "operator-latitude": 39.5, "operator-longitude": 47.1,
        }),
        ("drone-rid-observation", {"session-id": "0xAB", "observation-time": "2026-03-08T16:20:00"}),
        ("drone-rid-observation", {"uas-id": "S2", "observation-time": "2026-03-08T16:20:00", "latitude": 99.0}),
        ("drone-rid-observation", {"observation-time": "2026-03-08T16:20:00", "operator-id": "AZE-7"}),
    ]  # fmt: skip
    told = read(json.dumps(judge("misp_written", json.dumps(wanted).encode())).encode())
    assert [(one.serial, one.maker, one.model) for one in told.drones] == [("S1", "DJI", "Mavic 3")]
    first, second = told.sightings
    assert (first.identity, first.latitude_deg, first.longitude_deg) == ("S1", 39.41, 47.02)
    assert first.altitude_amsl_m is None, "above the take-off place is not above the sea"
    assert second.at_us - first.at_us == 300_000_000
    assert ["latitude '99.0'" in item.detail for item in told.rejected] == [True, False]
    assert "no uas-id" in told.rejected[1].detail
    assert told.others == 2
    assert "39.5" not in repr(told.sightings), "where the operator stood is not read"


def test_an_event_is_found_in_each_of_misps_wraps():
    event = json.loads(misp_event(night(), "Horadiz")[0])
    for wrapped in ([event], {"response": [event]}, [{"response": [event]}]):
        assert len(read(json.dumps(wrapped).encode()).drones) == 2
    for nothing in (b"{}", b"[]", b"7", b'{"Event": 3}', b"no json", b"[" * 100_000):
        with pytest.raises(ValueError, match=r"theirs\.json"):
            read(nothing)


@given(st.data())
def test_a_damaged_event_is_refused_or_counted(data):
    raw = bytearray(misp_event(night()[:12], "Horadiz")[0])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=8))
    with contextlib.suppress(ValueError):
        told = read(bytes(raw))
        assert all(one.at_us >= 0 and one.identity for one in told.sightings)


def test_the_command_says_who_was_here_too(tmp_path, capsys):
    (tmp_path / "night").mkdir()
    with EventLog(tmp_path / "night" / "events.jsonl") as log:
        log.write(night()[:5])
    raw, _ = misp_event(night(), "Lankaran")
    (tmp_path / "theirs.json").write_bytes(raw)
    assert araz("misp", tmp_path / "theirs.json", "--out", tmp_path / "night") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "HERE TOO" in line] == [line for line in said if SERIAL.partition(":")[2] in line]
    assert "they hold it for a spoof" in next(line for line in said if "FAKE" in line)
    (tmp_path / "theirs.json").write_bytes(raw.replace(b'"39.4"', b'"x"'))
    assert araz("misp", tmp_path / "theirs.json") == 1
    assert "latitude 'x'" in capsys.readouterr().err
    assert araz("misp", tmp_path / "nowhere.json") == 2
