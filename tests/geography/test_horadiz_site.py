"""The shipped sector: its file loads, its line is the real one, its invented ground does what its comments say."""

from __future__ import annotations

import json
import tomllib
import uuid

import msgspec
import numpy as np
import pytest
import shapely

from araz.geography import line_of_sight, place_from_site
from araz.vocabulary import Format, SensorKind, Site


@pytest.fixture(scope="module")
def folder(root):
    return root / "sites" / "horadiz"


@pytest.fixture(scope="module")
def site(folder):
    return msgspec.convert(tomllib.loads((folder / "site.toml").read_text(encoding="utf-8")), Site)


@pytest.fixture(scope="module")
def place(folder, site):
    border, roads, towns = (json.loads((folder / name).read_text()) for name in (site.border, site.roads, site.towns))
    return place_from_site(site, border, roads, towns)


def enu_of(place, latitude_deg, longitude_deg):
    return place.frame.to_enu(latitude_deg, longitude_deg, place.frame.hae_m)[0]


def test_every_sensor_has_its_feed_in_a_format_that_fits(site):
    formats = {feed.id: feed.format for feed in site.feeds}
    fits = {
        SensorKind.RADAR: {Format.ASTERIX},
        SensorKind.ACOUSTIC: {Format.SAPIENT},
        SensorKind.RF_BEARING: {Format.SAPIENT},
        SensorKind.REMOTE_ID_RECEIVER: {Format.REMOTE_ID},
        SensorKind.ADSB_RECEIVER: {Format.SBS, Format.BEAST, Format.RAW},
        SensorKind.PEOPLE: {Format.REPORT},
    }
    for sensor in site.sensors:
        assert formats[sensor.feed] in fits[sensor.kind], sensor.id
    assert Format.DECISION in formats.values()
    for ids in ([s.id for s in site.sensors], [f.id for f in site.feeds], [p.id for p in site.patrols]):
        assert len(set(ids)) == len(ids)


def test_wire_names_are_what_the_wire_carries_and_never_shared(site):
    formats = {feed.id: feed for feed in site.feeds}
    named = [(s.feed, s.wire_id) for s in site.sensors if s.wire_id]
    assert len(set(named)) == len(named)
    for sensor in site.sensors:
        if formats[sensor.feed].format is Format.SAPIENT:
            assert str(uuid.UUID(sensor.wire_id)) == sensor.wire_id
        if formats[sensor.feed].format is Format.ASTERIX:
            sac, sic = (int(part) for part in sensor.wire_id.split("/"))
            assert 0 <= sac <= 255
            assert 0 <= sic <= 255
            assert {"048", "034"} <= set(formats[sensor.feed].editions)


def test_our_towns_are_on_our_side_and_theirs_on_theirs(place, folder):
    towns = json.loads((folder / "towns.json").read_text(encoding="utf-8"))
    assert {"Horadiz", "Aşlān Dūz"} <= {town["name"] for town in towns}
    for town in towns:
        at = enu_of(place, town["lat"], town["lng"])
        assert (place.border.signed_distance_m(at[0], at[1])[0] > 0) == (town["country"] == "IR"), town["name"]


def test_everything_of_ours_stands_on_our_side(place, site):
    for thing in (*site.sensors, *site.patrols, *site.authorised):
        at = enu_of(place, thing.latitude_deg, thing.longitude_deg)
        assert place.border.signed_distance_m(at[0], at[1])[0] < -500, thing
    nodes = place.roads.node_enu_m
    assert (place.border.signed_distance_m(nodes[:, 0], nodes[:, 1]) < 0).all()


def test_our_line_is_the_shelfs_line(shelf, folder):
    """Both were cut from Natural Earth 10m by different code; within 50 m (Hausdorff) in the box they share."""
    shelf_data = json.loads((shelf / "data" / "geo" / "border_az_ir_naturalearth10m.geojson").read_text())
    theirs = shapely.union_all([shapely.geometry.shape(f["geometry"]) for f in shelf_data["features"]])
    ours = shapely.geometry.shape(json.loads((folder / "border.geojson").read_text())["geometry"])
    box = shapely.box(46.95, 39.15, 47.79, 39.70)
    metres_a_degree = np.array([111_320 * np.cos(np.radians(39.45)), 111_035])
    one, other = (
        shapely.transform(shapely.intersection(line, box), lambda c: c * metres_a_degree) for line in (ours, theirs)
    )
    assert shapely.hausdorff_distance(one, other, densify=0.01) < 50
    assert ours.length > 0.9


def test_roads_and_notice_say_what_is_invented(folder):
    roads = json.loads((folder / "roads.geojson").read_text())
    assert "Synthetic" in roads["note"]
    assert all(road["properties"]["synthetic"] is True for road in roads["features"])
    notice = (folder / "NOTICE.md").read_text(encoding="utf-8")
    for word in ("Natural Earth", "GeoNames", "CC BY 4.0", "1–3 km", "invented"):
        assert word in notice


def test_all_roads_hang_together(place):
    seconds, _ = place.roads.travel([0.0, 0.0], place.roads.node_enu_m, 0.001, 1.0)
    assert seconds.max() < 3 * 3600  # at a millimetre a second off the road, only roads can do that


def test_a_low_drone_in_the_valley_is_hidden_for_a_kilometre_and_a_high_one_is_not(place, site):
    radars = [s for s in site.sensors if s.kind is SensorKind.RADAR]
    observers = [enu_of(place, radar.latitude_deg, radar.longitude_deg) for radar in radars]
    for at, radar in zip(observers, radars, strict=True):
        at[2] = place.terrain.ground_up_m(at[0], at[1])[0] + radar.height_agl_m
    along = np.arange(0.0, 6000.0, 50.0)  # down the valley, from 3.3 km outside to 2.7 km inside
    path = np.array([0.0, -8700.0]) + along[:, None] * np.array([-0.745, 0.667])
    ground = place.terrain.ground_up_m(path[:, 0], path[:, 1])

    def seen(height_agl_m):
        targets = np.column_stack([path, ground + height_agl_m])
        return np.array([line_of_sight(place.terrain, observer, targets) for observer in observers])

    hidden_m = 50.0 * (~seen(45.0).any(axis=0)).sum()
    assert 700 < hidden_m < 1300
    assert seen(45.0).any(axis=0)[along > 3400].all()  # the drop zone inside the line is seen by one radar at least
    assert not seen(45.0).all(axis=0).all()
    assert seen(100.0).all()


def site_structs(kind=Site):
    yield kind
    for field in msgspec.structs.fields(kind):
        for inner in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                yield from site_structs(inner)


def default_words(field) -> str:
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{json.dumps(field.default_factory())}`"
    return "see below" if isinstance(field.default, msgspec.Struct) else f"`{json.dumps(field.default)}`"


@pytest.mark.parametrize("kind", sorted({*site_structs()}, key=lambda kind: kind.__name__))
def test_every_field_is_explained_with_its_true_default(root, kind):
    page = (root / "docs" / "site.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {kind.__name__}: ")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    explained = {row[0].strip("`"): row for row in rows}
    assert list(explained) == [field.encode_name for field in msgspec.structs.fields(kind)]
    for field in msgspec.structs.fields(kind):
        row = explained[field.encode_name]
        assert row[2] == default_words(field), f"{kind.__name__}.{field.name}"
        assert len(row[3]) > 5
