"""The ground against geodetic heights, scipy's interpolation, and the definition of a ridge."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from araz.geography import LocalFrame, Terrain, TerrainRaster, terrain_from_site
from araz.vocabulary import Ridge, Site
from araz.vocabulary import Terrain as TerrainDescription

SITE = Site(
    name="test",
    time_zone="UTC",
    origin_latitude_deg=39.45,
    origin_longitude_deg=47.335,
    origin_hae_m=200.0,
    geoid_undulation_m=9.9,
    border="",
    own_side="left",
    terrain=TerrainDescription(base_amsl_m=160.0, half_size_m=12_000.0, cell_m=100.0),
)
FRAME = LocalFrame(39.45, 47.335, 200.0)


def with_terrain(**fields) -> Site:
    return msgspec.structs.replace(SITE, terrain=msgspec.structs.replace(SITE.terrain, **fields))


def cells(terrain: Terrain) -> np.ndarray:
    ny, nx = terrain.height_up_m.shape
    east, north = np.meshgrid(
        terrain.east0_m + terrain.cell_m * np.arange(nx), terrain.north0_m + terrain.cell_m * np.arange(ny)
    )
    return np.stack([east.ravel(), north.ravel(), terrain.height_up_m.ravel()], axis=1)


def test_a_plain_is_level_with_the_sea_although_the_earth_bends():
    terrain = terrain_from_site(SITE, FRAME)
    assert terrain.height_up_m.shape == (241, 241)
    _, _, hae = FRAME.to_geodetic(cells(terrain))
    assert np.abs(hae - 169.9).max() < 1e-3
    corner_m = 12_000 * np.sqrt(2)
    assert terrain.height_up_m[0, 0] == pytest.approx(169.9 - 200.0 - corner_m**2 / 2 / 6_371_000, abs=0.3)


def test_a_ridge_is_as_high_as_stated_on_its_crest_and_gone_at_its_foot():
    crest = [(47.30, 39.40), (47.37, 39.50)]
    terrain = terrain_from_site(with_terrain(ridges=[Ridge(crest=crest, height_m=80.0, half_width_m=1000.0)]), FRAME)
    plain = terrain_from_site(SITE, FRAME)
    lon, lat = np.array(crest).T
    ends = FRAME.to_enu(lat, lon, 200.0)[:, :2]
    middle, along = ends.mean(axis=0), (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    across = np.array([-along[1], along[0]])
    for distance, height in ((0.0, 80.0), (500.0, 40.0), (1000.0, 0.0), (3000.0, 0.0)):
        for side in (-1, 1):
            at = middle + side * distance * across
            added = terrain.ground_up_m(*at) - plain.ground_up_m(*at)
            assert added[0] == pytest.approx(height, abs=1.0)  # bilinear cells of 100 m round the crest off a little


def test_crossing_ridges_join_and_do_not_pile_up():
    ridge = Ridge(crest=[(47.30, 39.45), (47.37, 39.45)], height_m=50.0, half_width_m=900.0)
    one = terrain_from_site(with_terrain(ridges=[ridge]), FRAME)
    two = terrain_from_site(with_terrain(ridges=[ridge, ridge]), FRAME)
    assert np.array_equal(one.height_up_m, two.height_up_m)


def test_a_users_raster_comes_out_at_its_own_points():
    latitude, longitude = np.linspace(39.6, 39.3, 61), np.linspace(47.1, 47.6, 71)  # from north to south, as tiles are
    rng = np.random.default_rng(3)
    height = 300 + 100 * np.sin(latitude[:, None] * 60) * np.cos(longitude[None, :] * 50) + rng.normal(0, 1, (61, 71))
    raster = TerrainRaster(height, latitude, longitude)
    oracle = RegularGridInterpolator((latitude[::-1], longitude), height[::-1])
    at = np.stack([rng.uniform(39.31, 39.59, 200), rng.uniform(47.11, 47.59, 200)], axis=1)
    assert np.allclose(raster.amsl_m(at[:, 0], at[:, 1]), oracle(at))
    terrain = terrain_from_site(SITE, FRAME, raster)
    lat, lon, hae = FRAME.to_geodetic(cells(terrain))
    assert np.abs(hae - 9.9 - oracle(np.stack([lat, lon], axis=1))).max() < 0.01


def test_a_raster_with_a_hole_or_a_wrong_axis_is_refused():
    axis = np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="holes"):
        TerrainRaster(np.full((3, 3), np.nan), axis, axis)
    with pytest.raises(ValueError, match="rise or fall"):
        TerrainRaster(np.zeros((3, 3)), axis, np.array([1.0, 3.0, 2.0]))
    with pytest.raises(ValueError, match="shape"):
        TerrainRaster(np.zeros((2, 3)), axis, axis)


def test_ground_is_bilinear_as_scipys_and_repeats_its_edge():
    rng = np.random.default_rng(1)
    height = rng.normal(0, 30, (7, 9))
    terrain = Terrain(height, -400.0, -300.0, 100.0)
    oracle = RegularGridInterpolator((np.arange(7) * 100 - 300.0, np.arange(9) * 100 - 400.0), height)
    east, north = rng.uniform(-400, 400, 500), rng.uniform(-300, 300, 500)
    assert np.allclose(terrain.ground_up_m(east, north), oracle(np.stack([north, east], axis=1)))
    assert terrain.ground_up_m(-9e5, -9e5)[0] == height[0, 0]
    assert terrain.ground_up_m(9e5, 300.0)[0] == height[6, 8]
    assert np.isnan(terrain.ground_up_m(np.nan, 0.0)[0])


def test_height_above_ground_is_the_difference_of_geodetic_heights():
    terrain = terrain_from_site(SITE, FRAME)
    rng = np.random.default_rng(2)
    up = rng.uniform(0, 1000, 100)
    position = np.column_stack([rng.uniform(-11_000, 11_000, (100, 2)), up])
    _, _, hae = FRAME.to_geodetic(position)
    assert np.allclose(terrain.height_agl_m(position), hae - 169.9, atol=0.05)


def test_terrain_cannot_be_changed_or_malformed():
    terrain = Terrain(np.zeros((3, 3)), 0.0, 0.0, 10.0)
    with pytest.raises(ValueError, match="read-only"):
        terrain.height_up_m[0, 0] = 1.0
    with pytest.raises(ValueError, match="2 × 2"):
        Terrain(np.zeros((1, 3)), 0.0, 0.0, 10.0)
    with pytest.raises(ValueError, match="at least one"):
        terrain_from_site(with_terrain(half_size_m=10.0, cell_m=100.0), FRAME)
    with pytest.raises(ValueError, match="crest"):
        terrain_from_site(with_terrain(ridges=[Ridge(crest=[(47.3, 39.4)], height_m=1.0, half_width_m=1.0)]), FRAME)
