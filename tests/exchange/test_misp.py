"""MISP events by pymisp, in its own environment: schema, templates in strict mode, a round trip."""

import json
import math

import pytest
from test_exports import AT_US, track

from araz.exchange import misp_event
from araz.vocabulary import IdentityVerdict, Picture

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
