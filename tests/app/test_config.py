"""The site at the door: what is wrong is named with its remedy, and the bundle carries all."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.app._config import SiteError, _raster, bundle_from_file, parse_site, site_from_bundle
from araz.app.cli import main


@pytest.fixture(scope="module")
def horadiz(root):
    return root / "sites" / "horadiz" / "site.toml"


def test_a_damaged_raster_is_refused_by_its_name(horadiz, tmp_path):
    """A file cut short or of another kind, and a bit turned anywhere: the site or a sentence, never another error."""
    shutil.copytree(horadiz.parent, tmp_path / "site")
    site, raster = tmp_path / "site" / "site.toml", tmp_path / "site" / "hills.npz"
    site.write_text(horadiz.read_text().replace("[terrain]", '[terrain]\nraster = "hills.npz"'))
    np.savez_compressed(raster, height_amsl_m=np.full((3, 3), 160.0), latitude_deg=[39.0, 39.5, 40.0],
                        longitude_deg=[47.0, 47.5, 48.0])  # fmt: skip
    parsed, good = parse_site(site.read_text()), raster.read_bytes()
    assert site_from_bundle(bundle_from_file(site))[0] == parsed
    npy = io.BytesIO()
    np.save(npy, np.zeros(3))

    def refusal(content):
        try:
            _raster({"hills.npz": base64.b64encode(content).decode()}, parsed)
        except SiteError as error:
            return str(error)
        return ""

    assert refusal(good) == ""
    for content in (b"", b"x", npy.getvalue(), *(good[:size] for size in range(1, len(good), 40))):
        assert "hills.npz is not the raster expected" in refusal(content)
    for place in range(len(good)):
        said = refusal(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert said == "" or "hills.npz is not the raster expected" in said


def test_the_bundle_gives_the_same_site_again(horadiz):
    payload = bundle_from_file(horadiz)
    assert payload == bundle_from_file(horadiz)
    site, place, geometry = site_from_bundle(payload)
    assert site == parse_site(horadiz.read_text())
    assert place.site == site
    assert geometry["border"]["type"] in ("FeatureCollection", "Feature", "LineString")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('name = "Horadiz"', 'nmae = "Horadiz"', "nmae"),
        ("origin_latitude_deg = 39.45", "origin_latitude_deg = 139.45", "origin_latitude_deg"),
        ('own_side = "right"', 'own_side = "east"', "own_side"),
        ('feed = "radar-1"', 'feed = "radar-9"', "radar-9"),
        ('id = "radar-2"\nkind', 'id = "radar-1"\nkind', "twice"),
        ("max_range_m = 8000.0", "max_range_m = -1.0", "max_range_m"),
        ('name = "Horadiz"', "name = ", "not valid TOML"),
    ],
)
def test_an_error_names_the_field(horadiz, old, new, word):
    text = horadiz.read_text()
    assert old in text
    with pytest.raises(SiteError, match=word):
        parse_site(text.replace(old, new, 1))


def test_a_missing_file_is_named(horadiz, tmp_path):
    with pytest.raises(SiteError, match="nowhere"):
        bundle_from_file(tmp_path / "nowhere.toml")
    shutil.copy(horadiz, tmp_path / "site.toml")
    with pytest.raises(SiteError, match=r"border\.geojson"):
        bundle_from_file(tmp_path / "site.toml")


@given(st.binary(max_size=200))
def test_any_other_bytes_are_no_site(payload):
    with pytest.raises(SiteError):
        site_from_bundle(payload)


def test_zones_travel_with_the_site_and_an_unusable_one_stops_it(horadiz, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(horadiz.parent, site)
    path = site / "site.toml"
    path.write_text(f'zones = "zones.json"\n{path.read_text()}')
    with pytest.raises(SiteError, match=r"zones\.json"):
        bundle_from_file(path)
    ring = [[47.30, 39.40], [47.34, 39.40], [47.34, 39.44], [47.30, 39.40]]
    layer = {"upper": 120, "upperReference": "AGL", "lower": 0, "lowerReference": "AGL", "uom": "m"}
    zone = {
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring], "layer": layer},
        "properties": {"identifier": "AZ0001", "country": "AZE", "type": "NO_RESTRICTION", "variant": "COMMON"},
    }  # fmt: skip
    document = {"type": "FeatureCollection", "metadata": {}, "features": [zone]}
    (site / "zones.json").write_text(json.dumps(document))
    _, place, _ = site_from_bundle(bundle_from_file(path))
    assert [found.identifier for found in place.zones] == ["AZ0001"]
    document["features"].append({**zone, "geometry": {"type": "LineString", "coordinates": ring}})
    (site / "zones.json").write_text(json.dumps(document))
    with pytest.raises(SiteError, match=r"^zones\.json: zone AZ0001: a LineString covers no ground"):
        site_from_bundle(bundle_from_file(path))
    (site / "zones.json").write_text("[]")
    with pytest.raises(SiteError, match=r"^zones\.json holds no zones"):
        site_from_bundle(bundle_from_file(path))


def test_the_command_lists_zones_and_writes_the_usable_ones(tmp_path, capsys):
    shape = {"type": "Circle", "center": [47.3, 39.4], "radius": 500}
    limits = {"uomDimensions": "M", "lowerLimit": 0, "lowerVerticalReference": "AGL", "upperLimit": 120,
              "upperVerticalReference": "AGL"}  # fmt: skip
    zone = {"identifier": "AZ1", "country": "AZE", "restriction": "PROHIBITED", "type": "COMMON",
            "geometry": [{**limits, "horizontalProjection": shape}]}  # fmt: skip
    path, out = tmp_path / "z.json", tmp_path / "usable.json"
    path.write_text(json.dumps({"features": [zone, {**zone, "restriction": "?"}]}))

    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["zones", *map(str, arguments)])
        return end.value.code, capsys.readouterr()

    code, said = call(path)
    assert code == 1
    assert "AZ1: PROHIBITED, 0.79 km², 0 m AGL to 120 m AGL; always" in said.out
    assert "unknown-kind" in said.err
    code, said = call(path, "--format", "ed318", "--out", out)
    assert code == 1
    assert "1 zones written" in said.out
    code, said = call(out)
    assert (code, said.err) == (0, "")
    assert "ED-318, 1 zones" in said.out
    path.write_text("{}")
    code, said = call(path)
    assert code == 2
    assert "neither ED-269" in said.err
