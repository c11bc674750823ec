"""Helicopters, gliders and fire aircraft that really flew: manned tracks, and no drone alarm.

Each recording is sent as SBS bytes to a site laid across its own middle, so that the aircraft cross the line again and
again, low and slow. The recordings end in gaps and jumps: these are real receivers.
"""

import gzip
import json

import msgspec
import numpy as np
import pytest

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, Bundle
from araz.sensors import encode_sbs_identification, encode_sbs_position, encode_sbs_velocity
from araz.vocabulary import Alarm, IdentityVerdict, Message, Picture, Rejected

RECORDINGS = ["rega_sg", "samu31", "sisteron", "calfire", "liguria"]


def site_bundle(latitude, longitude):
    toml = f"""
name = "foreign"
time_zone = "UTC"
origin_latitude_deg = {latitude}
origin_longitude_deg = {longitude}
origin_hae_m = 300.0
geoid_undulation_m = 45.0
border = "border.geojson"
own_side = "left"
[[feeds]]
id = "adsb"
format = "sbs"
[[sensors]]
id = "adsb-1"
kind = "adsb-receiver"
feed = "adsb"
latitude_deg = {latitude}
longitude_deg = {longitude}
silent_after_s = 0
"""
    line = {"type": "LineString", "coordinates": [[longitude, latitude - 0.5], [longitude, latitude + 0.5]]}
    border = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": line}]}
    bundle = Bundle(version=1, site_toml=toml, files={"border.geojson": json.dumps(border)})
    return msgspec.json.encode(bundle, order="deterministic")


def known(value):
    return value is not None and value == value


def middle_of(rows):
    return np.median([[row["latitude"], row["longitude"]] for row in rows], axis=0)


def within_reach(rows):
    """What one receiver could hear: the fire aircraft are from all over a continent."""
    rows = [row for row in rows if known(row.get("latitude"))]
    latitude, longitude = middle_of(rows)
    return [r for r in rows if abs(r["latitude"] - latitude) < 2.5 and abs(r["longitude"] - longitude) < 3.0]


def heard_steadily(rows):
    """Aircraft heard five times within 30 s at least once; the fire aircraft's fixes are often minutes apart."""
    times = {}
    for row in rows:
        times.setdefault(f"adsb:{row['icao24']}", []).append(row["timestamp"] / 1000)
    return {
        claim
        for claim, at in times.items()
        if any(b - a <= 30 for a, b in zip(sorted(at), sorted(at)[4:], strict=False))
    }


def messages_of(rows):
    """The recording as SBS bytes: one chunk per position, with the velocity before it."""
    rows = sorted(rows, key=lambda row: row["timestamp"])
    middle = middle_of(rows)
    start_us = int(rows[0]["timestamp"]) * 1000
    yield Message(seq=0, received_at_us=start_us, source=SITE_SOURCE, payload=site_bundle(*map(float, middle)))
    for seq, row in enumerate(rows, 1):
        at_us, icao24 = int(row["timestamp"]) * 1000, row["icao24"]
        text = encode_sbs_identification(icao24, at_us, (row.get("callsign") or "NONE")[:8])
        if known(row.get("groundspeed")) and known(row.get("track")):
            climb = row.get("vertical_rate")
            climb_mps = 0.00508 * climb if known(climb) else 0.0
            text += encode_sbs_velocity(icao24, at_us, 0.514444 * row["groundspeed"], row["track"] % 360, climb_mps)
        altitude_ft = row["altitude"] if known(row.get("altitude")) else 0.0
        text += encode_sbs_position(icao24, at_us, row["latitude"], row["longitude"], altitude_ft)
        yield Message(seq=seq, received_at_us=at_us, source="adsb", payload=text)


@pytest.mark.parametrize("name", RECORDINGS)
def test_aircraft_are_manned_and_alarm_nobody(shelf, name):
    with gzip.open(shelf / "data" / "adsb" / "traffic_samples" / f"{name}.json.gz") as packed:
        rows = within_reach(json.load(packed))
    assert len(rows) > 300
    state, seen, events = pipeline.init(), {}, []
    for message in messages_of(rows):
        state, said = pipeline.step(state, message)
        events += [event for event in said if isinstance(event, Alarm | Rejected)]
        for event in said:
            for track in event.tracks if isinstance(event, Picture) else []:
                if track.is_confirmed:
                    seen.setdefault(track.claim, []).append(track)
    assert set(seen) - {None} <= {f"adsb:{row['icao24']}" for row in rows}
    assert heard_steadily(rows) <= set(seen)
    last = [tracks[-1] for claim, tracks in seen.items() if claim is not None]
    assert {track.class_name for track in last} == {"manned aircraft"}
    assert IdentityVerdict.CONTRADICTED not in {track.verdict for track in last}
    assert [event.sentence for event in events if isinstance(event, Alarm)] == []
    assert not [event.detail for event in events if isinstance(event, Rejected)]
