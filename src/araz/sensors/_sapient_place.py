"""Where a SAPIENT message says something is: ranges and bearings, and locations in three coordinate systems.

==============  ==========================================================================================
coordinates     how they are read
==============  ==========================================================================================
LAT_LNG_DEG_M   x longitude, y latitude in degrees; z metres
LAT_LNG_RAD_M   the same in radians
UTM_M           x easting, y northing in metres in ``utm_zone`` ("38S" may be band S, northern, or the southern
                half of zone 38: the one near the sensor is taken)
datum           WGS84_E: z above the ellipsoid; WGS84_G: above the geoid; unspecified: z is not used
range, bearing  degrees or radians, metres or kilometres; true north as it is, grid north by the meridian convergence
                at the sensor; magnetic and platform north are rejected: Araz does not know them
==============  ==========================================================================================

A place further from the sensor than 50 km or three times its range is not believed: samples in circulation have x and y
swapped, or degrees labelled UTM. Errors (``x_error``) are standard deviations in the unit of the coordinate; where that
would be more than 10 km they are metres, which is what several senders write.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, degrees, hypot, isfinite, radians
from typing import Any, Final, NamedTuple

from pyproj import Geod, Proj

from araz.vocabulary import Bearing, Polar, Sensor

_METRES_PER_DEG: Final = 111_195.0
_GEOD: Final = Geod(ellps="WGS84")
_NEAR_M: Final = 50_000.0
_DEG_M, _RAD_M, _UTM = 1, 2, 3
_TRUE, _MAGNETIC, _GRID, _PLATFORM = 1, 2, 3, 4


class UnusableError(Exception):
    """A message that cannot be used; carries the slug to count and the sentence to show."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Spot(NamedTuple):
    """A place on the earth; heights and sigmas ``None`` where not stated."""

    latitude_deg: float
    longitude_deg: float
    altitude_hae_m: float | None
    altitude_amsl_m: float | None
    horizontal_sigma_m: float | None
    vertical_sigma_m: float | None


def stated(message: Any, name: str) -> float | None:
    """Return an optional number, ``None`` when it is absent; fails with ``UnusableError`` for NaN and infinities."""
    if not message.HasField(name):
        return None
    value = float(getattr(message, name))
    if not isfinite(value):
        raise UnusableError("not-a-number", f"The field {name} is {value}.")
    return value


def read_spot(location: Any, sensor: Sensor) -> Spot:
    """Return the place of a ``Location``; fails with ``UnusableError`` when it is not one near ``sensor``."""
    x, y = stated(location, "x"), stated(location, "y")
    if x is None or y is None:
        raise UnusableError("no-position", "A location without x and y.")
    system = location.coordinate_system
    if system == _UTM:
        longitude, latitude = _from_utm(x, y, location.utm_zone, sensor)
    elif system in (_DEG_M, _RAD_M):
        longitude, latitude = (x, y) if system == _DEG_M else (degrees(x), degrees(y))
        _check_near(longitude, latitude, sensor)
    else:
        raise UnusableError("unknown-units", "The location does not state its coordinate system.")
    height = stated(location, "z")
    return Spot(
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_hae_m=height if location.datum == 1 else None,
        altitude_amsl_m=height if location.datum == 2 else None,
        horizontal_sigma_m=_horizontal_sigma(location, latitude),
        vertical_sigma_m=_positive(stated(location, "z_error")),
    )


def _positive(value: float | None) -> float | None:
    """Return a standard deviation, ``None`` for 0 and less: nothing is measured without error."""
    return value if value is not None and value > 0 else None


def _distance_m(longitude_deg: float, latitude_deg: float, sensor: Sensor) -> float:
    return float(_GEOD.inv(sensor.longitude_deg, sensor.latitude_deg, longitude_deg, latitude_deg)[2])


def _is_near(longitude_deg: float, latitude_deg: float, sensor: Sensor) -> bool:
    if abs(latitude_deg) > 90.0 or abs(longitude_deg) > 180.0:
        return False
    return _distance_m(longitude_deg, latitude_deg, sensor) <= max(_NEAR_M, 3.0 * sensor.max_range_m)


def _check_near(longitude_deg: float, latitude_deg: float, sensor: Sensor) -> None:
    if _is_near(longitude_deg, latitude_deg, sensor):
        return
    hint = "Check the node's coordinate system and the sensor's place in the site file."
    if _is_near(latitude_deg, longitude_deg, sensor):
        hint = "x and y look swapped: x is the longitude, y the latitude."
    detail = f"Longitude {longitude_deg:.6g}, latitude {latitude_deg:.6g} is too far from {sensor.id}. {hint}"
    raise UnusableError("implausible-position", detail)


@lru_cache(maxsize=128)
def _utm(zone: int, is_south: bool) -> Proj:
    return Proj(proj="utm", zone=zone, ellps="WGS84", south=is_south)


def _from_utm(x: float, y: float, zone_text: str, sensor: Sensor) -> tuple[float, float]:
    text = zone_text.strip().upper()
    number, band = text.rstrip("CDEFGHJKLMNPQRSTUVWX"), text.lstrip("0123456789")
    if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= 60 and len(band) <= 1):
        raise UnusableError("unknown-units", f"UTM coordinates in the zone {zone_text[:20]!r}, which is none.")
    if not (100_000 <= x <= 900_000 and 0 <= y <= 10_000_000):
        raise UnusableError("implausible-position", f"x {x:.6g}, y {y:.6g} are no UTM metres: degrees labelled UTM?")
    places = []
    for is_south in (False, True):
        longitude, latitude = _utm(int(number), is_south)(x, y, inverse=True)
        if isfinite(longitude) and isfinite(latitude):
            places.append((float(longitude), float(latitude)))
    for longitude, latitude in places:
        if _is_near(longitude, latitude, sensor):
            return longitude, latitude
    raise UnusableError("implausible-position", f"UTM {text} {x:.0f} {y:.0f} is too far from {sensor.id}.")


def _horizontal_sigma(location: Any, latitude_deg: float) -> float | None:
    x, y = _positive(stated(location, "x_error")), _positive(stated(location, "y_error"))
    errors = [value for value in (x, y) if value is not None]
    if not errors:
        return None
    if location.coordinate_system == _UTM:
        return max(errors)
    per_unit = _METRES_PER_DEG if location.coordinate_system == _DEG_M else degrees(_METRES_PER_DEG)
    metres = max((x or 0.0) * per_unit * cos(radians(latitude_deg)), (y or 0.0) * per_unit)
    return max(errors) if metres > 10_000.0 else metres


def read_range_bearing(message: Any, sensor: Sensor) -> Polar | Bearing:
    """Return a polar plot, or a bearing where no range is given (0 is none: nothing stands in the sensor itself)."""
    per_angle, per_range = _units(message.coordinate_system)
    azimuth = stated(message, "azimuth")
    if azimuth is None:
        raise UnusableError("no-position", "A range and bearing without an azimuth.")
    azimuth_deg = (azimuth * per_angle + _north(message.datum, sensor)) % 360.0
    elevation = _scaled(stated(message, "elevation"), per_angle)
    if elevation is not None and abs(elevation) > 90.0:
        raise UnusableError("implausible-angle", f"An elevation of {elevation:.1f} deg cannot be: degrees as radians?")
    azimuth_sigma = _scaled(_positive(stated(message, "azimuth_error")), per_angle)
    range_m = _scaled(stated(message, "range"), per_range)
    if range_m is not None and range_m < 0:
        raise UnusableError("bad-range", f"A range of {range_m:.1f} m cannot be.")
    if not range_m:
        return Bearing(azimuth_deg=azimuth_deg, elevation_deg=elevation, azimuth_sigma_deg=azimuth_sigma)
    return Polar(
        range_m=range_m,
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation,
        range_sigma_m=_scaled(_positive(stated(message, "range_error")), per_range),
        azimuth_sigma_deg=azimuth_sigma,
        elevation_sigma_deg=_scaled(_positive(stated(message, "elevation_error")), per_angle),
    )


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit


def _units(system: int) -> tuple[float, float]:
    """Return (degrees, metres) of one unit of angle and of range."""
    if system not in (1, 2, 3, 4):
        raise UnusableError("unknown-units", "The range and bearing does not state its coordinate system.")
    return (1.0 if system in (1, 3) else degrees(1.0)), (1.0 if system in (1, 2) else 1000.0)


def _north(datum: int, sensor: Sensor) -> float:
    """Return the degrees to add to an azimuth so that it counts from true north."""
    if datum == _TRUE:
        return 0.0
    if datum == _GRID:
        zone = int((sensor.longitude_deg + 180.0) // 6.0) % 60 + 1
        factors = _utm(zone, sensor.latitude_deg < 0).get_factors(sensor.longitude_deg, sensor.latitude_deg)
        return float(factors.meridian_convergence)
    name = {_MAGNETIC: "magnetic north", _PLATFORM: "the platform's bow"}.get(datum, "an unstated direction")
    raise UnusableError("unknown-north", f"The azimuth counts from {name}: set the node to true or grid north.")


def course_and_speed(east_mps: float, north_mps: float, azimuth_deg: float) -> tuple[float | None, float]:
    """Return (course, ``None`` at rest; speed) of a horizontal velocity whose direction is ``azimuth_deg``."""
    speed = hypot(east_mps, north_mps)
    return (azimuth_deg if speed > 0 else None), speed
