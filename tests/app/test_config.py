"""The site at the door: what is wrong is named with its remedy, and the bundle carries all."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.app._config import SiteError, bundle_from_file, parse_site, site_from_bundle


@pytest.fixture(scope="module")
def horadiz(root):
    return root / "sites" / "horadiz" / "site.toml"


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
