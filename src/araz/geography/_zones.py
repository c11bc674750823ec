"""UAS geographical zones: where, how high and when flying drones is free, conditional, by permission, or prohibited."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import shapely
from pyproj import Geod

_GEOD: Final = Geod(ellps="WGS84")
_DAY_S: Final = 86_400


class ZoneKind(StrEnum):
    """What a zone asks of a drone, in the words of ED-318."""

    PROHIBITED = "PROHIBITED"
    REQ_AUTHORIZATION = "REQ_AUTHORIZATION"
    CONDITIONAL = "CONDITIONAL"
    NO_RESTRICTION = "NO_RESTRICTION"
    USPACE = "USPACE"


class ZoneDatum(StrEnum):
    """From where a zone's height is counted."""

    AGL = "AGL"
    AMSL = "AMSL"
    HAE = "WGS84"


@dataclass(frozen=True, slots=True)
class ZoneLimit:
    """A height in metres from its datum; ``height_m`` None: no limit."""

    height_m: float | None
    datum: ZoneDatum


@dataclass(frozen=True, slots=True, eq=False)
class ZoneVolume:
    """A polygon (degrees, longitude first), or a circle round a point, between two heights."""

    outline: shapely.Polygon | None
    centre_deg: tuple[float, float] | None
    """Longitude, latitude."""
    radius_m: float | None
    lower: ZoneLimit
    upper: ZoneLimit


@dataclass(frozen=True, slots=True)
class ZoneHours:
    """Seconds of the UTC day on some weekdays (Monday 0); an end not after the start is on the next day."""

    days: frozenset[int]
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class ZonePeriod:
    """From and to (None: open), and the hours in between (none: all of them)."""

    from_us: int | None
    to_us: int | None
    hours: tuple[ZoneHours, ...]


@dataclass(frozen=True, slots=True)
class ZoneAuthority:
    """Whom to ask: an office, never a person's name."""

    name: str | None = None
    service: str | None = None
    email: str | None = None
    phone: str | None = None
    site_url: str | None = None
    purpose: str | None = None
    interval_before: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """One zone; no ``periods`` means always."""

    identifier: str
    country: str
    name: str | None
    kind: ZoneKind
    conditions: str | None
    reasons: tuple[str, ...]
    periods: tuple[ZonePeriod, ...]
    volumes: tuple[ZoneVolume, ...]
    authorities: tuple[ZoneAuthority, ...]

    @property
    def label(self) -> str:
        """The identifier with the name, where it has one."""
        return self.identifier if self.name is None else f"{self.identifier} ({self.name})"


def zones_at(
    zones: Iterable[Zone], latitude_deg: float, longitude_deg: float, agl_m: float, amsl_m: float, hae_m: float,
    at_us: int,
) -> list[Zone]:  # fmt: skip
    """Return the zones that hold a place at a time, in their order.

    Degrees WGS 84; the three heights are those of the same place, each from its datum, because a zone may count from
    any. Limits belong to the zone. A height that is not known (NaN) is inside no limit but the open ones.
    """
    heights = {ZoneDatum.AGL: agl_m, ZoneDatum.AMSL: amsl_m, ZoneDatum.HAE: hae_m}
    return [
        zone
        for zone in zones
        if _is_active(zone, at_us)
        and any(_is_inside(volume, latitude_deg, longitude_deg, heights) for volume in zone.volumes)
    ]


def _is_inside(volume: ZoneVolume, latitude_deg: float, longitude_deg: float, heights: dict[ZoneDatum, float]) -> bool:
    lower, upper = volume.lower, volume.upper
    if lower.height_m is not None and not heights[lower.datum] >= lower.height_m:
        return False
    if upper.height_m is not None and not heights[upper.datum] <= upper.height_m:
        return False
    if volume.outline is not None:
        return bool(shapely.intersects_xy(volume.outline, longitude_deg, latitude_deg))
    assert volume.centre_deg is not None
    assert volume.radius_m is not None
    _, _, distance_m = _GEOD.inv(*volume.centre_deg, longitude_deg, latitude_deg)
    return bool(distance_m <= volume.radius_m)


def _is_active(zone: Zone, at_us: int) -> bool:
    return not zone.periods or any(_is_within(period, at_us) for period in zone.periods)


def _is_within(period: ZonePeriod, at_us: int) -> bool:
    if period.from_us is not None and at_us < period.from_us:
        return False
    if period.to_us is not None and at_us > period.to_us:
        return False
    if not period.hours:
        return True
    now = dt.datetime.fromtimestamp(at_us / 1e6, dt.UTC)
    second, day = now.hour * 3600 + now.minute * 60 + now.second, now.weekday()
    return any(
        (day in hours.days and hours.start_s <= second < _end_s(hours))
        or ((day - 1) % 7 in hours.days and hours.start_s <= second + _DAY_S < _end_s(hours))
        for hours in period.hours
    )


def _end_s(hours: ZoneHours) -> int:
    return hours.end_s if hours.end_s > hours.start_s else hours.end_s + _DAY_S


def zone_area_km2(zone: Zone) -> float:
    """Return the ground a zone covers, on the ellipsoid, its volumes added (layers of one outline count once each)."""
    total = 0.0
    for volume in zone.volumes:
        if volume.outline is not None:
            total += abs(_GEOD.geometry_area_perimeter(volume.outline)[0])
        elif volume.radius_m is not None:
            total += math.pi * volume.radius_m**2
    return total / 1e6
