"""UAS geographical zones read from ED-269 and ED-318 (EUROCAE), whichever the file is.

================  =========================================  ===================================================
what              ED-269                                     ED-318
================  =========================================  ===================================================
the file          ``features`` or ``UASZoneList``            GeoJSON FeatureCollection
kind              ``restriction`` (REQ_AUTHORISATION)        ``type`` (REQ_AUTHORIZATION), USPACE besides
shape             ``horizontalProjection`` Polygon, Circle   Polygon, MultiPolygon, Point with ``extent``
heights           ``lowerLimit`` … in ``uomDimensions``      ``layer`` in ``uom``
circle's radius   in ``uomDimensions``                       metres
time              ``applicability``                          ``limitedApplicability``
================  =========================================  ===================================================

A zone of which any part cannot be used is a counted ``Rejected`` as a whole: half a zone would mislead. **Fails** with
ValueError when the file is neither.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import shapely

from araz.geography import (
    Zone,
    ZoneAuthority,
    ZoneDatum,
    ZoneHours,
    ZoneKind,
    ZoneLimit,
    ZonePeriod,
    ZoneVolume,
)
from araz.vocabulary import RAW_KEPT_BYTES, Rejected

FOOT_M: Final = 0.3048
WEEK: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class ZoneFile:
    """What a file of zones says, and what of it could not be used."""

    form: str
    """``ED-269`` or ``ED-318``."""
    zones: tuple[Zone, ...]
    rejected: tuple[Rejected, ...]


class _Unusable(ValueError):
    """A part of a zone cannot be used: ``args`` are a slug and a sentence."""


def read_zones(raw: bytes, *, source: str, received_at_us: int) -> ZoneFile:
    """Return the zones of a file, in its order."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise ValueError(f"{source} is not JSON: {cause}") from cause
    if not isinstance(document, dict):
        raise ValueError(f"{source} holds no zones: ED-269 and ED-318 files are JSON objects")
    is_geojson = document.get("type") == "FeatureCollection"
    features = document.get("features", None if is_geojson else document.get("UASZoneList"))
    if not isinstance(features, list):
        raise ValueError(f"{source} is neither ED-269 (features or UASZoneList) nor ED-318 (a FeatureCollection)")
    zones, rejected = [], []
    for feature in features:
        try:
            zones.append(_ed318(feature) if is_geojson else _ed269(feature))
        except (_Unusable, LookupError, TypeError, AttributeError, ValueError, OverflowError) as cause:
            reason, detail = (
                cause.args if isinstance(cause, _Unusable) else ("bad-zone", f"a member is wrong: {cause!r}")
            )
            name = feature_name(feature)
            rejected.append(
                Rejected(
                    source=source, received_at_us=received_at_us, reason=reason, detail=f"zone {name}: {detail}",
                    raw=msgspec.json.encode(feature)[:RAW_KEPT_BYTES],
                )
            )  # fmt: skip
    return ZoneFile("ED-318" if is_geojson else "ED-269", tuple(zones), tuple(rejected))


def feature_name(feature: Any) -> str:
    """The identifier of a zone as the file has it, or a question mark."""
    inner = feature.get("properties", feature) if isinstance(feature, dict) else {}
    return str(inner.get("identifier", "?"))[:40] if isinstance(inner, dict) else "?"


def _ed269(feature: Json) -> Zone:
    volumes = [volume for part in feature["geometry"] for volume in _ed269_volumes(part)]
    return _zone(feature, "restriction", "applicability", volumes)


def _ed269_volumes(part: Json) -> Iterator[ZoneVolume]:
    unit = _unit(part["uomDimensions"])
    lower = _limit(part.get("lowerLimit"), part.get("lowerVerticalReference"), unit)
    upper = _limit(part.get("upperLimit"), part.get("upperVerticalReference"), unit)
    shape = part["horizontalProjection"]
    if shape["type"] == "Circle":
        yield _circle(shape["center"], _number(shape["radius"]) * unit, lower, upper)
    elif shape["type"] == "Polygon":
        yield ZoneVolume(_polygon(shape["coordinates"]), None, None, lower, upper)
    else:
        raise _Unusable("unknown-shape", f"the shape {shape['type']!r} is neither Polygon nor Circle")


def _ed318(feature: Json) -> Zone:
    inner = feature["properties"]
    inner = inner.get("UASZone", inner)  # drafts nested it
    return _zone(inner, "type", "limitedApplicability", _ed318_volumes(feature["geometry"]))


def _ed318_volumes(geometry: Json) -> Iterator[ZoneVolume]:
    if geometry["type"] == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _ed318_volumes(part)
        return
    layer = geometry.get("layer") or {}
    unit = _unit(layer.get("uom", "m"))
    lower = _limit(layer.get("lower"), layer.get("lowerReference"), unit)
    upper = _limit(layer.get("upper"), layer.get("upperReference"), unit)
    kind, points = geometry["type"], geometry["coordinates"]
    if kind == "Point" and geometry.get("extent"):
        yield _circle(points, _number(geometry["extent"]["radius"]), lower, upper)
    elif kind in ("Polygon", "MultiPolygon"):
        for rings in [points] if kind == "Polygon" else points:
            yield ZoneVolume(_polygon(rings), None, None, lower, upper)
    else:
        raise _Unusable("unknown-shape", f"a {kind} covers no ground; a polygon, or a point with an extent, is needed")


def _zone(inner: Json, kind: str, periods: str, volumes: Iterable[ZoneVolume]) -> Zone:
    """The members that both formats have, two of them under names of their own."""
    return Zone(
        identifier=_text(inner["identifier"]),
        country=_text(inner["country"]),
        name=_maybe(inner.get("name")),
        kind=_kind(inner[kind]),
        conditions=_maybe(inner.get("restrictionConditions")),
        reasons=_words(inner.get("reason")),
        periods=_periods(inner.get(periods)),
        volumes=_some(tuple(volumes)),
        authorities=_authorities(inner.get("zoneAuthority")),
    )


def _some(volumes: tuple[ZoneVolume, ...]) -> tuple[ZoneVolume, ...]:
    if not volumes:
        raise _Unusable("no-shape", "it has no shape")
    return volumes


def _unit(word: str) -> float:
    if (unit := {"M": 1.0, "FT": FOOT_M}.get(str(word).upper())) is None:
        raise _Unusable("unknown-unit", f"the unit {word!r} is neither m nor ft")
    return unit


def _limit(value: Any, datum: Any, unit: float) -> ZoneLimit:
    if value is None:
        return ZoneLimit(None, ZoneDatum.AGL)
    if datum not in set(ZoneDatum):
        raise _Unusable("unknown-datum", f"the height reference {datum!r} is none of AGL, AMSL, WGS84")
    return ZoneLimit(_number(value) * unit, ZoneDatum(datum))


def _number(value: Any) -> float:
    """A number, also where a file has it as text; never a truth value, never infinite."""
    number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number):
        raise _Unusable("bad-number", f"{value!r} is no number")
    return number


def _point(value: Any) -> tuple[float, float]:
    longitude, latitude = _number(value[0]), _number(value[1])
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise _Unusable("bad-place", f"{value!r} is no longitude and latitude in degrees")
    return longitude, latitude


def _circle(centre: Any, radius_m: float, lower: ZoneLimit, upper: ZoneLimit) -> ZoneVolume:
    if radius_m <= 0:
        raise _Unusable("bad-shape", f"a circle of {radius_m} m covers nothing")
    return ZoneVolume(None, _point(centre), radius_m, lower, upper)


def _polygon(rings: Sequence[Sequence[Any]]) -> shapely.Polygon:
    drawn = [[_point(value) for value in ring] for ring in rings]
    if not drawn or any(len(ring) < 4 for ring in drawn):
        raise _Unusable("bad-shape", "a ring needs four points or more, the last equal to the first")
    outline = shapely.Polygon(drawn[0], drawn[1:])
    if not outline.is_valid or outline.is_empty:
        raise _Unusable("bad-shape", f"its outline is no polygon: {shapely.is_valid_reason(outline)}")
    return outline


def _kind(word: str) -> ZoneKind:
    if (kind := str(word).replace("AUTHORISATION", "AUTHORIZATION")) not in set(ZoneKind):
        raise _Unusable("unknown-kind", f"{word!r} is no kind of zone")
    return ZoneKind(kind)


def _periods(entries: Any) -> tuple[ZonePeriod, ...]:
    """No periods means always; so does one that says it is permanent and has no hours."""
    found = tuple(_period(entry) for entry in _list(entries))
    is_always = any(not period.hours and period.from_us is None and period.to_us is None for period in found)
    return () if is_always else found


def _period(entry: Json) -> ZonePeriod:
    is_permanent = entry.get("permanent") == "YES"
    hours = tuple(_hours(part) for part in _list(entry.get("schedule", entry.get("dailyPeriod"))) if any(part.values()))
    begin, end = (None if is_permanent else entry.get(name) for name in ("startDateTime", "endDateTime"))
    return ZonePeriod(_moment(begin), _moment(end), hours)


def _hours(part: Json) -> ZoneHours:
    if part.get("startEvent") or part.get("endEvent"):
        raise _Unusable("sun-time", "its hours follow sunrise or sunset, which Araz does not compute")
    (start, shift), (end, _) = (_second(part.get(name)) for name in ("startTime", "endTime"))
    # Hours without a day are those of every day: read as no hours at all they would hold all day.
    days = [
        day for word in _words(part.get("day") or "ANY") for day in (range(7) if word == "ANY" else [WEEK.index(word)])
    ]
    return ZoneHours(frozenset((day + shift) % 7 for day in days), start, end)


def _second(text: Any) -> tuple[int, int]:
    """Seconds of the UTC day, and by how many days the offset moves it; no text is midnight, no offset is UTC."""
    if text is None:
        return 0, 0
    time = dt.time.fromisoformat(str(text))
    offset = time.utcoffset() or dt.timedelta()
    second = time.hour * 3600 + time.minute * 60 + time.second - round(offset.total_seconds())
    return second % 86_400, second // 86_400


def _moment(text: Any) -> int | None:
    if text is None:
        return None
    at = dt.datetime.fromisoformat(str(text))
    at = at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
    return round(at.timestamp() * 1e6)


def _authorities(entries: Any) -> tuple[ZoneAuthority, ...]:
    """Offices; the ``contactName`` of both formats is a person's and is left out."""
    return tuple(
        ZoneAuthority(
            name=_maybe(entry.get("name")),
            service=_maybe(entry.get("service")),
            email=_maybe(entry.get("email")),
            phone=_maybe(entry.get("phone")),
            site_url=_maybe(entry.get("siteURL")),
            purpose=_maybe(entry.get("purpose")),
            interval_before=_maybe(entry.get("intervalBefore")),
        )
        for entry in _list(entries)
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in _list(value))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Unusable("no-identifier", "a zone needs an identifier and a country")
    return value.strip()


def _maybe(value: Any) -> str | None:
    """One text out of a plain one, a list, or texts by language (English first)."""
    texts = _list(value)
    by_language = [part for part in texts if isinstance(part, dict) and part.get("text")]
    if by_language:
        english = [part for part in by_language if str(part.get("lang", "")).lower().startswith("en")]
        return str((english or by_language)[0]["text"])
    plain = [str(part) for part in texts if isinstance(part, str) and part]
    return "; ".join(plain) if plain else None
