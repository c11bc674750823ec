"""The still map against the rooms it was made from."""

import base64

import numpy as np
import pytest

from araz.console import site_geometry
from araz.sensors import sensor_table


def bits(text, count):
    return np.unpackbits(np.frombuffer(base64.b64decode(text), dtype=np.uint8))[:count].astype(bool)


@pytest.fixture
def grid(night):
    """The raster of the answer, and the latitude and longitude of its cells from its corners alone."""
    terrain = night.geometry["terrain"]
    rows, columns = terrain["rows"], terrain["columns"]
    (west, north), (_, _), (east, south), _ = terrain["corners"]
    lon = west + (np.arange(columns) + 0.5) / columns * (east - west)
    lat = south + (np.arange(rows) + 0.5) / rows * (north - south)
    return terrain, lat, lon


def test_heights_and_sides_lie_where_the_browser_draws_them(night, grid):
    terrain, lat, lon = grid
    rows, columns = terrain["rows"], terrain["columns"]
    height = np.frombuffer(base64.b64decode(terrain["height_m"]), dtype="<i2").reshape(rows, columns)
    other = bits(terrain["other_side"], rows * columns).reshape(rows, columns)
    band = bits(terrain["band"], rows * columns).reshape(rows, columns)
    longitude, latitude = np.meshgrid(lon, lat)
    enu = night.place.frame.to_enu(latitude.ravel(), longitude.ravel(), night.site.origin_hae_m)
    ground = night.place.terrain.ground_up_m(enu[:, 0], enu[:, 1]).reshape(rows, columns)
    # A cell is 120 m or so: a slope may put a few metres between the raster and the place the browser computes.
    assert np.percentile(np.abs(height - ground), 99) < 12
    distance = night.place.border.signed_distance_m(enu[:, 0], enu[:, 1]).reshape(rows, columns)
    clear = np.abs(distance) > 2 * terrain["cell_m"]
    assert np.array_equal(other[clear], distance[clear] > 0)
    near = np.abs(np.abs(distance) - terrain["band_m"]) > 2 * terrain["cell_m"]
    assert np.array_equal(band[near], np.abs(distance[near]) <= terrain["band_m"])


def test_coverage_never_reaches_beyond_its_sensor(night, grid):
    terrain, lat, lon = grid
    for one in night.geometry["coverage"]:
        sensor = next(s for s in night.site.sensors if s.id == one["sensor_id"])
        at = night.place.frame.to_enu([sensor.latitude_deg], [sensor.longitude_deg], night.site.origin_hae_m)[0]
        ring = np.array(one["outline"])
        edge = night.place.frame.to_enu(ring[:, 1], ring[:, 0], night.site.origin_hae_m)
        reach = np.hypot(edge[:, 0] - at[0], edge[:, 1] - at[1])
        assert reach.max() <= sensor.max_range_m * 1.01
        assert one["outline"][0] == one["outline"][-1]
        seen = bits(one["mask"], terrain["rows"] * terrain["columns"])
        assert seen.any()
        longitude, latitude = np.meshgrid(lon, lat)
        cells = night.place.frame.to_enu(latitude.ravel()[seen], longitude.ravel()[seen], night.site.origin_hae_m)
        assert np.hypot(cells[:, 0] - at[0], cells[:, 1] - at[1]).max() <= sensor.max_range_m + 2 * terrain["cell_m"]


def test_sound_goes_round_a_ridge_and_radar_does_not(night):
    masks = {one["sensor_id"]: one["mask"] for one in night.geometry["coverage"]}
    count = night.geometry["terrain"]["rows"] * night.geometry["terrain"]["columns"]
    cell = night.geometry["terrain"]["cell_m"]

    def whole(sensor_id):
        return bits(masks[sensor_id], count).sum() * cell**2

    ranges = {sensor.id: sensor.max_range_m for sensor in night.site.sensors}
    assert whole("acoustic-1") == pytest.approx(np.pi * ranges["acoustic-1"] ** 2, rel=0.05)
    assert whole("radar-1") < 0.95 * np.pi * ranges["radar-1"] ** 2


def test_another_sites_table_is_refused(night):
    shorter = type(night.site)(**{name: getattr(night.site, name) for name in night.site.__struct_fields__})
    import msgspec

    fewer = msgspec.structs.replace(shorter, sensors=shorter.sensors[1:])
    with pytest.raises(ValueError, match="another site"):
        site_geometry(fewer, night.place, sensor_table(night.site, night.place), night.geometry["border"])
