"""Records by place: what PostGIS finds in its views is what the events say, held against geodesy of our own."""

import math
import random
from pathlib import Path

import pytest
import shapely
from pyproj import Geod
from sqlalchemy import text

from araz.store import Records, url_file
from araz.vocabulary import Area, Incident, IncidentKind, Picture, Track
from araz_testing import missing

WGS84 = Geod(ellps="WGS84")


@pytest.fixture
def records(tmp_path, postgresql):
    if not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        missing("PostGIS (apt install postgresql-postgis)")
    url_file(tmp_path / "records.sqlite").write_text(postgresql)
    with Records.open(tmp_path / "records.sqlite") as opened:
        assert opened.has_geometry
        yield opened


def ask(records, query, **values):
    with records._engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def incident(n, area):
    return Incident(incident_id=f"I{n}", kind=IncidentKind.DROP, at_us=n, known_at_us=n, track_id=f"T{n}", areas=[area])


def track(number, latitude_deg, longitude_deg, **changes):
    fields = {
        "altitude_hae_m": 245.2, "altitude_amsl_m": 235.3, "altitude_agl_m": 72.0, "altitude_sigma_m": 10.0,
        "speed_mps": 13.5, "course_deg": 90.0, "climb_mps": 0.2, "ellipse_semi_major_m": 40.0,
        "ellipse_semi_minor_m": 20.0, "ellipse_azimuth_deg": 30.0, "existence": 0.98, "is_confirmed": True,
        "class_name": "multirotor", "class_probability": 0.9, "started_at_us": 0, "updated_at_us": 0, "sensors": [],
    }  # fmt: skip
    place = {"track_id": f"T{number}", "latitude_deg": latitude_deg, "longitude_deg": longitude_deg}
    return Track(**{**fields, **place, **changes})


def test_an_area_is_the_ellipse_that_the_event_says(records):
    areas = [
        Area(latitude_deg=39.4 + 0.01 * k, longitude_deg=47.0, semi_major_m=40 + 60 * k, semi_minor_m=20 + 10 * k,
             azimuth_deg=35.0 * k, probability=0.9) for k in range(10)
    ]  # fmt: skip
    records.write([incident(k, area) for k, area in enumerate(areas)])
    for (found, at, drawn, size_m2), area in zip(
        ask(records, "select kind, ST_AsText(centre), ST_AsText(area), ST_Area(area::geography) from incident_areas "
                     "order by at_us"), areas, strict=True,
    ):  # fmt: skip
        assert found == "drop"
        centre, ellipse = shapely.from_wkt(at), shapely.from_wkt(drawn)
        assert (centre.x, centre.y) == pytest.approx((area.longitude_deg, area.latitude_deg), abs=1e-9)
        assert ellipse.is_valid
        assert size_m2 == pytest.approx(math.pi * area.semi_major_m * area.semi_minor_m, rel=0.003)
        lon, lat = shapely.get_coordinates(ellipse).T
        many = [centre.x] * len(lon), [centre.y] * len(lon)
        azimuth_deg, _, far_m = WGS84.inv(*many, list(lon), list(lat))
        assert max(far_m) == pytest.approx(area.semi_major_m, rel=1e-6)
        assert min(far_m) == pytest.approx(area.semi_minor_m, rel=1e-6)
        long_way = azimuth_deg[far_m.index(max(far_m))]
        assert (long_way - area.azimuth_deg + 90) % 180 - 90 == pytest.approx(0, abs=1e-3)


def test_tracks_are_found_by_place_as_the_events_have_them(records):
    dice = random.Random(3)
    pictures = [
        Picture(at_us=second, tracks=[
            track(number, dice.uniform(39.3, 39.5), dice.uniform(46.9, 47.2), is_confirmed=dice.random() < 0.8,
                  altitude_hae_m=math.nan if dice.random() < 0.2 else 300.0)
            for number in range(dice.randrange(8))
        ]) for second in range(60)
    ]  # fmt: skip
    records.write(pictures)
    tracks = [(p.at_us, t) for p in pictures for t in p.tracks if t.is_confirmed]
    for radius_m in (500, 5000, 12_000):
        near = {
            (at_us, one.track_id) for at_us, one in tracks
            if WGS84.inv(47.05, 39.4, one.longitude_deg, one.latitude_deg)[2] <= radius_m
        }  # fmt: skip
        query = ("select at_us, track_id from track_points where ST_DWithin(place::geography, "
                 "ST_SetSRID(ST_MakePoint(47.05, 39.4), 4326)::geography, :radius_m)")  # fmt: skip
        assert set(ask(records, query, radius_m=radius_m)) == near
    assert 0 < len(near) < len(tracks)
    flat = sum(math.isnan(one.altitude_hae_m) for _, one in tracks)
    assert ask(records, "select count(*), count(place), count(ST_Z(place)) from track_points") == [
        (len(tracks), len(tracks), len(tracks) - flat)
    ]
    records.clear()
    assert ask(records, "select count(*) from track_points") == [(0,)]


def test_without_postgis_all_else_is_as_it_was(tmp_path):
    with Records.open(tmp_path / "records.sqlite") as plain:
        assert not plain.has_geometry
