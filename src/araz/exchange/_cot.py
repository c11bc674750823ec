"""Cursor on Target 2.0 events, as TAK clients and servers read them.

==========  ===========================================================================================================
attribute   meaning
==========  ===========================================================================================================
type        ``a-f-A-M-H-Q`` and the like: affiliation u (unknown) always, but f for an authorised flight and n for
            aircraft whose ADS-B physics supports. Never h: hostile is for people to say
hae         height above the WGS 84 ellipsoid, metres; 9999999 when unknown, never 0 and never a height above the sea
ce, le      radius and half height that hold the truth with 90 %, metres; 9999999 when unknown
time,       when it was generated, from when it holds, until when a client shows it
start,
stale
==========  ===========================================================================================================

A drop area is a drawing (``u-d-c-c``) with an ellipse, at the height of the ground at its centre. A patrol's order is
a go-to point (``b-m-p-w-GOTO``) on the ground. A track that ended is deleted (``t-x-d-d``) instead of left to go stale.
Source: MITRE MP090284 (CoT user guide), the event schema 2.0, and what TAK clients accept.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Final

from araz.vocabulary import Alarm, Area, Decision, IdentityVerdict, InterceptOption, Track

UNKNOWN_M: Final = 9_999_999.0
TRACK_STALE_S: Final = 15.0
AREA_STALE_S: Final = 1800.0
#: From the 95 % ellipse to the 90 % one, and from one sigma to 90 %.
CE90_OF_95: Final = math.sqrt(4.605 / 5.991)
LE90_OF_SIGMA: Final = 1.645
_SHAPE: Final = {
    "multirotor": "A-M-H-Q",
    "fixed-wing drone": "A-M-F-Q",
    "manned aircraft": "A-C-F",
    "balloon": "A-C-L",
}
_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def cot_hello(site: str, at_us: int) -> bytes:
    """Return who speaks on a new connection: a client with a name and no place, which no map draws.

    OpenTAKServer keeps messages by their sender, and throws away those of a sender that gave no ``takv`` before. No
    ``__group``: its handler ends the line where that comes before its own queue is open.
    """
    event = _event(f"araz.{site}", "t-x-c", at_us, AREA_STALE_S)
    _point(event, 0.0, 0.0, None, None, None)
    detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "contact", callsign=f"Araz {site}")
    ET.SubElement(detail, "takv", device="station", platform="Araz")
    return _bytes(event)


def cot_of_track(track: Track, site: str) -> bytes:
    """Return one track as a CoT event; its time is that of its last observation."""
    event = _event(track_uid(track, site), _type_of(track), track.updated_at_us, TRACK_STALE_S)
    _point(
        event,
        track.latitude_deg,
        track.longitude_deg,
        track.altitude_hae_m,
        CE90_OF_95 * track.ellipse_semi_major_m,
        LE90_OF_SIGMA * track.altitude_sigma_m,
    )
    detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "contact", callsign=f"{track.track_id} {track.class_name}")
    ET.SubElement(detail, "track", course=_number(track.course_deg, 1), speed=_number(track.speed_mps, 2))
    ET.SubElement(detail, "precisionlocation", geopointsrc="Calc", altsrc="Calc")
    ET.SubElement(detail, "remarks", source="araz").text = _remarks(track)
    return _bytes(event)


def cot_removed(uid: str, at_us: int) -> bytes:
    """Return the event that takes a track or an area off the others' maps."""
    event = _event(f"{uid}-end", "t-x-d-d", at_us, 10.0)
    _point(event, 0.0, 0.0, None, None, None)
    detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "link", uid=uid, relation="p-p", type="none")
    ET.SubElement(detail, "__forcedelete")
    return _bytes(event)


def cot_of_alarm(alarm: Alarm, site: str) -> list[bytes]:
    """Return an alarm's areas as drawings, one an area; nothing for an alarm without a place."""
    return [_area(area, area_uid(alarm, number, site), alarm) for number, area in enumerate(alarm.areas)]


def cot_of_order(decision: Decision, option: InterceptOption, alarm: Alarm, site: str) -> bytes:
    """Return the order to a patrol as a point to go to, with what to do there and by when.

    On a card for many it speaks of the member that the option is for.
    """
    event = _event(f"araz.{site}.order.{decision.decision_id}", "b-m-p-w-GOTO", decision.at_us, AREA_STALE_S)
    _point(event, option.latitude_deg, option.longitude_deg, option.altitude_hae_m, None, None)
    detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "contact", callsign=f"{option.patrol_id}: {option.action}")
    due = _time(decision.at_us + round(option.arrival_s * 1e6))
    members = [member for member in alarm.members if member.track_id is not None and member.track_id == option.track_id]
    sentence = members[0].sentence if members else alarm.sentence
    words = f"{option.sentence} Expected there {due}. {alarm.alarm_id}: {sentence}"
    ET.SubElement(detail, "remarks", source="araz").text = words
    return _bytes(event)


def track_uid(track: Track, site: str) -> str:
    """A name that no other night reuses: site, start of the track, number."""
    return f"araz.{site}.{track.started_at_us // 1_000_000}.{track.track_id}"


def area_uid(alarm: Alarm, number: int, site: str) -> str:
    """The name of one of an alarm's areas, the same in every revision."""
    return f"araz.{site}.{alarm.alarm_id}.{number}"


def _area(area: Area, uid: str, alarm: Alarm) -> bytes:
    event = _event(uid, "u-d-c-c", alarm.changed_at_us, AREA_STALE_S)
    _point(event, area.latitude_deg, area.longitude_deg, area.altitude_hae_m, area.semi_major_m, None)
    detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "contact", callsign=f"{alarm.alarm_id} {area.probability:.0%} area")
    shape = ET.SubElement(detail, "shape")
    ET.SubElement(
        shape,
        "ellipse",
        major=_number(area.semi_major_m, 1),
        minor=_number(area.semi_minor_m, 1),
        angle=_number(area.azimuth_deg % 360.0, 1),
    )
    words = f"{alarm.sentence} Holds the place with {area.probability:.0%}."
    ET.SubElement(detail, "remarks", source="araz").text = words
    return _bytes(event)


def _type_of(track: Track) -> str:
    shape = _SHAPE.get(track.class_name, "A")
    if track.verdict is IdentityVerdict.AUTHORISED:
        return f"a-f-{shape}"
    is_supported = track.verdict is IdentityVerdict.SUPPORTED and track.class_name == "manned aircraft"
    return f"a-n-{shape}" if is_supported else f"a-u-{shape}"


def _remarks(track: Track) -> str:
    words = [
        f"{track.class_name} {track.class_probability:.0%}, exists {track.existence:.0%}",
        f"{_known(track.altitude_agl_m)} above ground, {_known(track.altitude_amsl_m)} AMSL",
        f"seen by {', '.join(track.sensors) or 'nobody yet'}",
    ]
    if track.claim is not None:
        words.append(f"claims {track.claim} ({track.verdict.value})")
    if track.hidden:
        words.append("behind terrain: lost, not gone")
    return "; ".join(words) + "."


def _known(height_m: float) -> str:
    return f"{height_m:.0f} m" if math.isfinite(height_m) else "unknown height"


def _event(uid: str, kind: str, at_us: int, stale_s: float) -> ET.Element:
    return ET.Element(
        "event",
        version="2.0",
        uid=uid,
        type=kind,
        how="m-f",
        time=_time(at_us),
        start=_time(at_us),
        stale=_time(at_us + round(stale_s * 1e6)),
    )


def _point(
    event: ET.Element,
    latitude_deg: float,
    longitude_deg: float,
    hae_m: float | None,
    ce_m: float | None,
    le_m: float | None,
) -> None:
    ET.SubElement(
        event,
        "point",
        lat=f"{latitude_deg:.7f}",
        lon=f"{longitude_deg:.7f}",
        hae=_metres(hae_m),
        ce=_metres(ce_m),
        le=_metres(le_m),
    )


def _metres(value: float | None) -> str:
    return _number(UNKNOWN_M if value is None or not math.isfinite(value) else value, 1)


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"


def _time(at_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _bytes(event: ET.Element) -> bytes:
    body: bytes = ET.tostring(event, encoding="utf-8")
    return _HEAD + body  # nothing after it: some servers read on from there, and no declaration may follow a newline
