"""Every number's unit, frame and range, once.

Records use these annotated types; the glossary, the JSON schema and the browser's types are generated
from them. msgspec checks ``ge``/``le`` when it *decodes*, not in a constructor: data from outside goes
through the door (:func:`araz.vocabulary.decode_record`).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta


def _meta(text: str, unit: str, *, frame: str = "", ge: float | None = None, le: float | None = None) -> Meta:
    extra: dict[str, str] = {"unit": unit}
    if frame:
        extra["frame"] = frame
    return Meta(ge=ge, le=le, description=text, extra=extra, extra_json_schema=dict(extra))


#: 1970-01-01 … 2200-01-01, so that a broken clock is caught at the door.
LATEST_TIME_US = 7_258_118_400_000_000

TimeUs = Annotated[int, _meta("Microseconds since 1970-01-01.", "us", frame="UTC", ge=0, le=LATEST_TIME_US)]
LatitudeDeg = Annotated[float, _meta("Geodetic latitude, north positive.", "deg", frame="WGS 84", ge=-90, le=90)]
LongitudeDeg = Annotated[float, _meta("Longitude, east positive.", "deg", frame="WGS 84", ge=-180, le=180)]
AltitudeHaeM = Annotated[float, _meta("Height above the WGS 84 ellipsoid.", "m", frame="HAE")]
AltitudeAmslM = Annotated[float, _meta("Height above mean sea level (EGM96).", "m", frame="AMSL")]
AltitudeAglM = Annotated[float, _meta("Height above the ground of the site's terrain.", "m", frame="AGL")]
AltitudeBaroM = Annotated[float, _meta("Pressure altitude, 1013.25 hPa.", "m", frame="barometric")]
AzimuthDeg = Annotated[float, _meta("Direction clockwise from true north.", "deg", frame="true north", ge=0, le=360)]
ElevationDeg = Annotated[float, _meta("Angle above the local horizontal.", "deg", ge=-90, le=90)]
RangeM = Annotated[float, _meta("Slant range from the sensor.", "m", ge=0)]
DistanceM = Annotated[float, _meta("Length.", "m", ge=0)]
SpeedMps = Annotated[float, _meta("Speed over ground.", "m/s", ge=0)]
RateMps = Annotated[float, _meta("Signed speed; range rate is positive going away, vertical is positive up.", "m/s")]
AngleDeg = Annotated[float, _meta("Angle, or its standard deviation.", "deg", ge=0)]
DurationS = Annotated[float, _meta("Duration.", "s", ge=0)]
SignedDurationS = Annotated[float, _meta("Signed duration; positive is earlier than the opponent.", "s")]
Probability = Annotated[float, _meta("Probability.", "1", ge=0, le=1)]
SignalDbm = Annotated[float, _meta("Received signal level.", "dBm")]
RcsDbsm = Annotated[float, _meta("Radar cross-section.", "dBsm")]
MassKg = Annotated[float, _meta("Mass.", "kg", ge=0)]
DensityPerM3 = Annotated[float, _meta("Mean number of false plots per cubic metre and scan.", "1/m^3", ge=0)]
Count = Annotated[int, _meta("Count.", "1", ge=0)]
EastM = Annotated[float, _meta("East coordinate.", "m", frame="ENU at the site origin")]
NorthM = Annotated[float, _meta("North coordinate.", "m", frame="ENU at the site origin")]
UpM = Annotated[float, _meta("Up coordinate (not a height far from the origin).", "m", frame="ENU at the site origin")]
