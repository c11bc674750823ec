"""Zones against another implementation's records, a slow point-in-zone test, and round trips."""

import itertools
import json
import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from araz.exchange import read_zones, write_zones
from araz.geography import ZoneKind, zones_at
from araz.vocabulary import ZoneFormat

AT_US = 1_773_000_000_000_000  # Sunday 2026-03-08, 20:00 UTC
SQUARE = [[47.30, 39.40], [47.34, 39.40], [47.34, 39.44], [47.30, 39.44], [47.30, 39.40]]
HOLE = [[47.31, 39.41], [47.32, 39.41], [47.32, 39.42], [47.31, 39.42], [47.31, 39.41]]


def ed269(identifier="AZR001", restriction="REQ_AUTHORISATION", **changes):
    volume = {
        "uomDimensions": "FT", "lowerLimit": "0", "lowerVerticalReference": "AGL", "upperLimit": 400,
        "upperVerticalReference": "AMSL", "horizontalProjection": {"type": "Polygon", "coordinates": [SQUARE, HOLE]},
    }  # fmt: skip
    zone = {
        "identifier": identifier, "country": "AZE", "name": "Dam", "type": "COMMON", "restriction": restriction,
        "restrictionConditions": ["ask", "first"], "reason": ["SENSITIVE"],
        "applicability": [{"permanent": "YES", "startDateTime": None, "endDateTime": None,
                           "dailyPeriod": [{"day": [], "startTime": None, "endTime": None}]}],
        "zoneAuthority": [{"name": "Office", "service": "Desk", "contactName": "A Person", "purpose": "INFORMATION"}],
        "geometry": [volume],
    }  # fmt: skip
    return {**zone, **changes}


def circle(radius=500, **changes):
    shape = {"type": "Circle", "center": [47.40, 39.45], "radius": radius}
    return {
        "uomDimensions": "M", "lowerLimit": 20, "lowerVerticalReference": "AGL", "upperLimit": None,
        "upperVerticalReference": "AGL", "horizontalProjection": shape, **changes,
    }  # fmt: skip


def ed318(geometry=None, **changes):
    layer = {"upper": 120, "upperReference": "AGL", "lower": 0, "lowerReference": "AGL", "uom": "m"}
    geometry = geometry or {"type": "Polygon", "coordinates": [SQUARE], "layer": layer}
    properties = {
        "identifier": "AZ0002", "country": "AZE", "type": "NO_RESTRICTION", "variant": "COMMON",
        "name": [{"text": "Sahə", "lang": "az-AZ"}, {"text": "Field", "lang": "en-GB"}], "reason": ["OTHER"],
        "zoneAuthority": [{"purpose": "INFORMATION", "name": [{"text": "Office", "lang": "en-GB"}]}], **changes,
    }  # fmt: skip
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def read(*features, key="features"):
    is_geojson = any("properties" in f for f in features if isinstance(f, dict))
    document = {"type": "FeatureCollection", "metadata": {}} if is_geojson else {"title": "t", "description": ""}
    return read_zones(json.dumps({**document, key: list(features)}).encode(), source="z.json", received_at_us=AT_US)


def at(told, longitude, latitude, agl=50.0, amsl=100.0, at_us=AT_US):
    return [zone.identifier for zone in zones_at(told.zones, latitude, longitude, agl, amsl, amsl + 10, at_us)]


def test_shapes_heights_and_holes():
    told = read(ed269(), ed269("AZR002", geometry=[circle()]), key="UASZoneList")
    assert (told.form, told.rejected) == ("ED-269", ())
    assert at(told, 47.303, 39.403) == ["AZR001"]
    assert at(told, 47.315, 39.415) == [], "in the hole"
    assert at(told, 47.303, 39.403, amsl=122.0) == [], "400 ft above the sea are 121.92 m"
    assert at(told, 47.303, 39.403, amsl=121.9) == ["AZR001"]
    north = Geod(ellps="WGS84").fwd(47.40, 39.45, 33.0, 499.5)
    past = Geod(ellps="WGS84").fwd(47.40, 39.45, 33.0, 500.5)
    assert at(told, north[0], north[1]) == ["AZR002"]
    assert at(told, past[0], past[1]) == []
    assert at(told, 47.40, 39.45, agl=19.0) == []
    assert at(told, 47.40, 39.45, agl=math.nan) == [], "an unknown height is inside no limit"
    feet = read(ed269("AZR002", geometry=[circle(1000, uomDimensions="FT", lowerLimit=0)]))
    assert feet.zones[0].volumes[0].radius_m == pytest.approx(304.8)


def test_every_shape_of_ed318():
    layer = {"upper": 120, "upperReference": "AGL", "lower": 0, "lowerReference": "AGL", "uom": "m"}
    point = {
        "type": "Point",
        "coordinates": [47.4, 39.45],
        "extent": {"subType": "Circle", "radius": 300},
        "layer": layer,
    }
    two = {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[x + 1, y] for x, y in SQUARE]]], "layer": layer}
    both = {"type": "GeometryCollection", "geometries": [point, two]}
    told = read(ed318(), ed318(both, identifier="AZ0003", type="USPACE"))
    assert (told.form, told.rejected) == ("ED-318", ())
    assert told.zones[0].name == "Field"
    assert told.zones[0].kind is ZoneKind.NO_RESTRICTION
    assert at(told, 47.31, 39.41) == ["AZ0002", "AZ0003"]
    assert at(told, 48.31, 39.41) == at(told, 47.401, 39.45) == ["AZ0003"]


@pytest.mark.parametrize(
    ("period", "inside", "outside"),
    [
        ({"startDateTime": "2026-03-08T20:00:00Z", "endDateTime": "2026-03-09T00:00:00+04:00"}, [0], [-1, 1]),
        ({"schedule": [{"day": ["SUN"], "startTime": "19:30:00.00Z", "endTime": "20:30:00.00Z"}]},
         [0, 1799, -1800], [1800, -1801, 86_400]),
        ({"schedule": [{"day": ["SUN"], "startTime": "22:00Z", "endTime": "02:00Z"}]},
         [7200, 6 * 3600 - 1], [7199, 6 * 3600, -86_400 + 7200]),
        ({"schedule": [{"day": ["MON"], "startTime": "00:00:00+04:00", "endTime": "01:00:00+04:00"}]},
         [0, 3599], [-1, 3600]),
        ({"schedule": [{"startTime": "19:30:00Z", "endTime": "20:30:00Z"}]}, [0, 1799, 86_400], [1800, -1801]),
        ({"schedule": [{"day": [], "startTime": "19:30:00Z", "endTime": "20:30:00Z"}]}, [0, -86_400], [1800]),
        ({"schedule": [{"day": ["ANY"], "startTime": "00:00Z", "endTime": "00:00Z"}]}, [0, 12_345, -80_000], []),
    ],
)  # fmt: skip
def test_times(period, inside, outside):
    told = read(ed318(limitedApplicability=[period]))
    assert not told.rejected
    for seconds in (*inside, *outside):
        found = at(told, 47.31, 39.43, at_us=AT_US + seconds * 1_000_000)
        assert bool(found) is (seconds in inside), seconds


BAD = [
    (ed269(restriction="FORBIDDEN"), "unknown-kind"),
    (ed269(geometry=[]), "no-shape"),
    (ed269(geometry=[circle(radius=0)]), "bad-shape"),
    (ed269(geometry=[circle(uomDimensions="NM")]), "unknown-unit"),
    (ed269(geometry=[circle(lowerVerticalReference="FL")]), "unknown-datum"),
    (ed269(geometry=[circle(lowerLimit="high")]), "bad-zone"),
    (ed269(geometry=[circle(lowerLimit=True)]), "bad-number"),
    (ed269(identifier=""), "no-identifier"),
    (ed269(applicability=[{"permanent": "NO", "startDateTime": "soon"}]), "bad-zone"),
    (ed318(limitedApplicability=[{"schedule": [{"day": ["MON"], "startEvent": "SS", "endEvent": "SR"}]}]), "sun-time"),
    (ed318({"type": "LineString", "coordinates": SQUARE}), "unknown-shape"),
    (ed318({"type": "Polygon", "coordinates": [SQUARE[:3]]}), "bad-shape"),
    (ed318({"type": "Polygon", "coordinates": [[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]]}), "bad-shape"),
    (ed318({"type": "Polygon", "coordinates": [[[39.4, 147.3]] * 4]}), "bad-place"),
    (ed318({"type": "Polygon"}), "bad-zone"),
    (ed318({"type": "Polygon", "coordinates": [[[]] * 4]}), "bad-zone"),
    (None, "bad-zone"),
]


@pytest.mark.parametrize(("feature", "reason"), BAD)
def test_a_zone_that_cannot_be_used_is_named_and_the_others_stand(feature, reason):
    good = ed269() if feature is None or ("geometry" in feature and "properties" not in feature) else ed318()
    told = read(good, feature)
    assert [item.reason for item in told.rejected] == [reason]
    assert len(told.zones) == 1


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"features": 3}', b"\xff", b"[" * 100_000])
def test_what_is_no_file_of_zones_is_one_sentence(raw):
    with pytest.raises(ValueError, match=r"z\.json"):
        read_zones(raw, source="z.json", received_at_us=0)


def same(one, other):
    assert one.identifier == other.identifier
    assert (one.kind, one.name, one.country, one.reasons) == (other.kind, other.name, other.country, other.reasons)
    assert one.periods == other.periods
    assert len(one.volumes) == len(other.volumes)
    for a, b in zip(one.volumes, other.volumes, strict=True):
        assert (a.outline is None) is (b.outline is None)
        assert a.outline is None or shapely.equals(a.outline, b.outline)
        assert (a.centre_deg, a.radius_m) == (b.centre_deg, b.radius_m)
        assert a.lower.height_m == pytest.approx(b.lower.height_m, abs=0.5)


@pytest.mark.parametrize("form", list(ZoneFormat))
def test_round_trip_and_the_other_implementation_reads_it(form, judge):
    hours = {"day": ["MON", "SUN"], "startTime": "20:00:00.00Z", "endTime": "04:00:00.00Z"}
    dated = {"permanent": "NO", "startDateTime": "2026-03-01T00:00:00Z", "endDateTime": "2026-04-01T00:00:00Z"}
    told = read(ed269(), ed269("AZR002", geometry=[circle()], applicability=[{**dated, "schedule": [hours]}]))
    written, left = write_zones(told.zones, form, title="Test", issued_at_us=AT_US)
    assert not left
    assert b"A Person" not in written, "a person's name stays out"
    again = read_zones(written, source="again.json", received_at_us=0)
    assert again.form == {"ed269": "ED-269", "ed318": "ED-318"}[form.value]
    assert not again.rejected
    for one, other in zip(told.zones, again.zones, strict=True):
        same(one, other)
    theirs = judge(form.value, written)
    assert [zone["identifier"] for zone in theirs] == ["AZR001", "AZR002"]
    assert [zone["kind"].replace("AUTHORIS", "AUTHORIZ") for zone in theirs] == ["REQ_AUTHORIZATION"] * 2
    assert theirs[1]["days"] == ["MON", "SUN"]
    assert theirs[1]["radius"] == 500


def test_what_a_format_cannot_say_is_left_out_and_said():
    layer = {"upper": 300, "upperReference": "WGS84", "lower": 0, "lowerReference": "AGL", "uom": "m"}
    above = ed318({"type": "Polygon", "coordinates": [SQUARE], "layer": layer}, identifier="AZ0004")
    told = read(ed318(type="USPACE"), above, ed318(identifier="TOOLONGNAME"), ed318(identifier="AZ0005"))
    written, left = write_zones(told.zones, ZoneFormat.ED269, title="t", issued_at_us=0)
    assert [zone["identifier"] for zone in json.loads(written)["features"]] == ["AZ0005"]
    assert len(left) == 3


@given(st.floats(47.28, 47.36), st.floats(39.38, 39.46), st.floats(0, 200))
def test_inside_is_what_a_crossing_count_says(longitude, latitude, agl):
    """The slow oracle: how often a ray to the east crosses the rings."""
    crossed = 0
    for ring in (SQUARE, HOLE):
        for (x1, y1), (x2, y2) in itertools.pairwise(ring):
            if (y1 > latitude) != (y2 > latitude) and longitude < x1 + (latitude - y1) / (y2 - y1) * (x2 - x1):
                crossed += 1
    on_edge = (
        min(shapely.LinearRing(ring).distance(shapely.Point(longitude, latitude)) for ring in (SQUARE, HOLE)) < 1e-9
    )
    if not on_edge:
        assert bool(at(ZONES, longitude, latitude, agl=agl, amsl=agl)) is (crossed % 2 == 1 and agl <= 121.92)


ZONES = read(ed269())


@given(st.data())
def test_no_bytes_stop_the_reader(data):
    raw = bytearray(json.dumps({"features": [ed269(), ed269("B", geometry=[circle()])]}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        told = read_zones(bytes(raw), source="z", received_at_us=0)
    except ValueError:
        return
    assert len(told.zones) + len(told.rejected) <= 3
