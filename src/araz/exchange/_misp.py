"""MISP events: drones that named themselves, as objects ``drone-rid-observation`` and ``uav``.

=======================  ==========================================================================================
drone-rid-observation    the first and every later minute of a Remote ID or DroneID claim on a confirmed track
uas-id, session-id       the claimed identity; a bare hardware address or session number is a session, no serial
latitude … heading-deg   where the *track* was (degrees WGS 84, metres above the sea, m/s, degrees)
receiver-id              the sensors that saw it
confidence               0 where physics contradicts the claim, 100 × existence where it supports it, else left out
comment                  the verdict with its reasons
-----------------------  ------------------------------------------------------------------------------------------
uav                      one a claimed serial number: first and last seen, the verdict; refers to its observations
=======================  ==========================================================================================

An operator's place is a person's and is never written. Nothing is marked for detection (``to_ids``), nothing is
published, distribution is the own organisation. Identifiers follow from the content, so the same night written twice
gives the same event. **Source** MISP core format 2.5, object templates of misp-objects (version 1 and 4).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from araz.vocabulary import ClaimKind, IdentityVerdict, Picture, Track, real_tracks

MINUTE_US: Final = 60_000_000
_SPEAKS: Final = {ClaimKind.REMOTE_ID.value, ClaimKind.DRONE_ID.value}
_OBSERVATION: Final = ("drone-rid-observation", "cb36a578-feb2-4516-a57b-b2b3f23e6029", "1", "transport")
_UAV: Final = ("uav", "1d103a64-e30d-4c8c-931c-3e86b83db992", "4", "misc")
#: MISP's type of each relation that is no plain text.
_TYPES: Final = {
    "observation-time": "datetime", "first-seen": "datetime", "last-seen": "datetime", "comment": "comment",
    **dict.fromkeys(("latitude", "longitude", "altitude-m", "speed-mps", "heading-deg", "confidence"), "float"),
}  # fmt: skip
_CORRELATED: Final = frozenset({"uas-id", "session-id", "serial-number", "receiver-id"})
Json = dict[str, Any]


def misp_event(pictures: Iterable[Picture], site: str) -> tuple[bytes, int]:
    """Return the event of a night as JSON, and how many objects it holds; no object where nobody named itself."""
    last_us: dict[str, int] = {}
    found: dict[str, list[Json]] = {}
    spans: dict[str, tuple[int, int, Track]] = {}
    first_us: int | None = None
    for picture in pictures:
        first_us = picture.at_us if first_us is None else first_us
        for track in real_tracks(picture):
            if not track.is_confirmed or track.hidden or track.claim is None:
                continue
            kind, _, identity = track.claim.partition(":")
            if kind not in _SPEAKS or not identity:
                continue
            spans[track.claim] = (spans.get(track.claim, (picture.at_us,))[0], picture.at_us, track)
            if picture.at_us - last_us.get(track.claim, -MINUTE_US) >= MINUTE_US:
                last_us[track.claim] = picture.at_us
                found.setdefault(track.claim, []).append(_observation(site, picture.at_us, track, identity))
    start_us = first_us or 0
    objects = []
    for claim, observations in found.items():
        identity = claim.partition(":")[2]
        if _is_serial(identity):
            objects.append(_uav(site, identity, *spans[claim], observations))
        objects += observations
    event = {
        "uuid": str(_identifier(site, "event", str(start_us))),
        "info": f"Drones that named themselves at {site}",
        "date": _moment(start_us)[:10],
        "timestamp": str(start_us // 1_000_000),
        "threat_level_id": "4",
        "analysis": "0",
        "distribution": "0",
        "published": False,
        "Attribute": [],
        "Object": objects,
    }
    return msgspec.json.encode({"Event": event}), len(objects)


def _is_serial(identity: str) -> bool:
    """Hardware addresses and binary session numbers change from flight to flight; they name no aircraft."""
    return not identity.lower().startswith(("mac:", "0x"))


def _observation(site: str, at_us: int, track: Track, identity: str) -> Json:
    values = {
        "observation-time": _moment(at_us),
        "uas-id" if _is_serial(identity) else "session-id": identity,
        "latitude": round(track.latitude_deg, 7),
        "longitude": round(track.longitude_deg, 7),
        "altitude-m": round(track.altitude_amsl_m, 1),
        "height-reference": "mean-sea-level" if math.isfinite(track.altitude_amsl_m) else None,
        "speed-mps": round(track.speed_mps, 2),
        "heading-deg": round(track.course_deg, 1) % 360.0,
        "receiver-id": ", ".join(track.sensors) or None,
        "confidence": _confidence(track),
        "comment": _verdict(track),
    }
    return _object(_OBSERVATION, site, f"{track.claim}|{at_us}", at_us, values)


def _uav(site: str, identity: str, first_us: int, last_us: int, track: Track, observations: list[Json]) -> Json:
    values = {
        "serial-number": identity,
        "type": "unknown",
        "first-seen": _moment(first_us),
        "last-seen": _moment(last_us),
        "notes": _verdict(track),
    }
    own = _object(_UAV, site, f"uav|{identity}", last_us, values)
    own["ObjectReference"] = [
        {
            "uuid": str(_identifier(site, own["uuid"], other["uuid"])),
            "object_uuid": own["uuid"],
            "referenced_uuid": other["uuid"],
            "relationship_type": "observed-in",
            "comment": "",
        }
        for other in observations
    ]
    return own


def _confidence(track: Track) -> float | None:
    if track.verdict is IdentityVerdict.CONTRADICTED:
        return 0.0
    if track.verdict in (IdentityVerdict.SUPPORTED, IdentityVerdict.AUTHORISED):
        return round(100 * track.existence, 1)
    return None


def _verdict(track: Track) -> str:
    return f"claim {track.verdict.value}: {'; '.join(track.verdict_reasons) or 'no reason given'}"


def _object(
    template: tuple[str, str, str, str], site: str, what: str, at_us: int, values: Mapping[str, str | float | None]
) -> Json:
    name, template_uuid, version, category = template
    own = _identifier(site, name, what)
    return {
        "uuid": str(own),
        "name": name,
        "meta-category": category,
        "template_uuid": template_uuid,
        "template_version": version,
        "timestamp": str(at_us // 1_000_000),
        "distribution": "5",
        "comment": "",
        "Attribute": [
            {
                "uuid": str(uuid5(own, relation)),
                "object_relation": relation,
                "type": _TYPES.get(relation, "text"),
                "category": "Other",
                "value": str(value),
                "to_ids": False,
                "disable_correlation": relation not in _CORRELATED,
                "distribution": "5",
                "timestamp": str(at_us // 1_000_000),
            }
            for relation, value in values.items()
            if value is not None and not (isinstance(value, float) and not math.isfinite(value))
        ],
        "ObjectReference": [],
    }


def _identifier(site: str, kind: str, what: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:araz:{site}:{kind}:{what}")


def _moment(at_us: int) -> str:
    return dt.datetime.fromtimestamp(at_us / 1e6, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
