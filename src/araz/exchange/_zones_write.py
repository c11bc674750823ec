"""Zones written as ED-269 or ED-318; what a format cannot say is left out and said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import shapely

from araz.exchange._zones_read import WEEK
from araz.geography import Zone, ZoneAuthority, ZoneDatum, ZoneHours, ZoneKind, ZoneLimit, ZonePeriod, ZoneVolume
from araz.vocabulary import ZoneFormat

#: ED-318 wants a number where there is no upper limit; this is the one in use.
NO_LIMIT_M: Final = 99_999
#: Both formats keep identifiers this short.
IDENTIFIER_CHARACTERS: Final = 7
Json = dict[str, Any]


def write_zones(zones: Sequence[Zone], form: ZoneFormat, *, title: str, issued_at_us: int) -> tuple[bytes, list[str]]:
    """Return the file's bytes, and a sentence for each zone that the format cannot say."""
    kept, left = [], []
    for zone in zones:
        objection = _objection(zone, form)
        if objection:
            left.append(f"zone {zone.label}: {objection}")
        else:
            kept.append(zone)
    document: Json
    if form is ZoneFormat.ED269:
        document = {"title": title, "description": "", "features": [_ed269(zone) for zone in kept]}
    else:
        document = {
            "type": "FeatureCollection",
            "name": title,
            "metadata": {"issued": _moment(issued_at_us), "provider": [_said(title)]},
            "features": [_ed318(zone) for zone in kept],
        }
    return msgspec.json.format(msgspec.json.encode(document), indent=1), left


def _objection(zone: Zone, form: ZoneFormat) -> str | None:
    if len(zone.identifier) > IDENTIFIER_CHARACTERS:
        return f"the format allows identifiers of {IDENTIFIER_CHARACTERS} characters"
    if form is ZoneFormat.ED269 and zone.kind is ZoneKind.USPACE:
        return "ED-269 has no U-space zones"
    if form is ZoneFormat.ED269 and any(
        limit.height_m is not None and limit.datum is ZoneDatum.HAE
        for v in zone.volumes
        for limit in (v.lower, v.upper)
    ):
        return "ED-269 has no heights above the ellipsoid"
    return None


def _ed269(zone: Zone) -> Json:
    return _known({
        "identifier": zone.identifier,
        "country": zone.country,
        "name": zone.name,
        "type": "COMMON",
        "restriction": zone.kind.value.replace("AUTHORIZATION", "AUTHORISATION"),
        "restrictionConditions": zone.conditions,
        "reason": list(zone.reasons) or None,
        "applicability": [_ed269_period(period) for period in zone.periods] or [{"permanent": "YES"}],
        "zoneAuthority": [_authority(who) for who in zone.authorities],
        "geometry": [_ed269_volume(volume) for volume in zone.volumes],
    })  # fmt: skip


def _ed269_period(period: ZonePeriod) -> Json:
    is_open = period.from_us is None and period.to_us is None
    return _known({"permanent": "YES" if is_open else "NO", **_period(period)})


def _ed269_volume(volume: ZoneVolume) -> Json:
    shape: Json
    if volume.outline is not None:
        shape = {"type": "Polygon", "coordinates": _rings(volume.outline)}
    else:
        shape = {"type": "Circle", "center": list(volume.centre_deg or ()), "radius": volume.radius_m}
    return _known({
        "uomDimensions": "M",
        "lowerLimit": _whole(volume.lower.height_m),
        "lowerVerticalReference": volume.lower.datum.value,
        "upperLimit": _whole(volume.upper.height_m),
        "upperVerticalReference": volume.upper.datum.value,
        "horizontalProjection": shape,
    })  # fmt: skip


def _ed318(zone: Zone) -> Json:
    properties = _known({
        "identifier": zone.identifier,
        "country": zone.country,
        "name": None if zone.name is None else [_said(zone.name)],
        "type": zone.kind.value,
        "variant": "COMMON",
        "restrictionConditions": zone.conditions,
        "reason": list(zone.reasons) or None,
        "limitedApplicability": [_period(period) for period in zone.periods] or None,
        "zoneAuthority": [
            {"purpose": "INFORMATION", **_authority(who), **_spoken(who)} for who in zone.authorities
        ],
    })  # fmt: skip
    parts = [_ed318_shape(volume) for volume in zone.volumes]
    geometry = parts[0] if len(parts) == 1 else {"type": "GeometryCollection", "geometries": parts}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _ed318_shape(volume: ZoneVolume) -> Json:
    layer = {
        "upper": _height(volume.upper, NO_LIMIT_M), "upperReference": volume.upper.datum.value,
        "lower": _height(volume.lower, 0), "lowerReference": volume.lower.datum.value, "uom": "m",
    }  # fmt: skip
    if volume.outline is not None:
        return {"type": "Polygon", "coordinates": _rings(volume.outline), "layer": layer}
    extent = {"subType": "Circle", "radius": volume.radius_m}
    return {"type": "Point", "coordinates": list(volume.centre_deg or ()), "extent": extent, "layer": layer}


def _height(limit: ZoneLimit, otherwise: float) -> float:
    return otherwise if limit.height_m is None else round(limit.height_m, 2)


def _whole(height_m: float | None) -> int | None:
    """ED-269 has whole metres."""
    return None if height_m is None else round(height_m)


def _rings(outline: shapely.Polygon) -> list[list[list[float]]]:
    return [[[x, y] for x, y in ring.coords] for ring in (outline.exterior, *outline.interiors)]


def _period(period: ZonePeriod) -> Json:
    return _known({
        "startDateTime": _moment(period.from_us),
        "endDateTime": _moment(period.to_us),
        "schedule": [_hours(hours) for hours in period.hours] or None,
    })  # fmt: skip


def _hours(hours: ZoneHours) -> Json:
    days = ["ANY"] if len(hours.days) == 7 else [WEEK[day] for day in sorted(hours.days)]
    return {"day": days, "startTime": _clock(hours.start_s), "endTime": _clock(hours.end_s)}


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}:{second % 60:02d}.00Z"


def _moment(at_us: int | None) -> str | None:
    if at_us is None:
        return None
    return dt.datetime.fromtimestamp(at_us // 1_000_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _authority(who: ZoneAuthority) -> Json:
    return _known({
        "name": who.name, "service": who.service, "email": who.email, "siteURL": who.site_url, "phone": who.phone,
        "purpose": who.purpose, "intervalBefore": who.interval_before,
    })  # fmt: skip


def _spoken(who: ZoneAuthority) -> Json:
    """The two texts that ED-318 has by language."""
    texts = {"name": who.name, "service": who.service}
    return {key: [_said(text)] for key, text in texts.items() if text is not None}


def _said(text: str) -> Json:
    return {"text": text, "lang": "en-GB"}


def _known(members: Mapping[str, Any]) -> Json:
    return {key: value for key, value in members.items() if value is not None}
