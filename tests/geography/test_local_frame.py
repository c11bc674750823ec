"""The frame against PROJ's geodesics and against the textbook formulas written out once more."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from araz.geography import LocalFrame, turn_direction

GEOD = Geod(ellps="WGS84")
FRAME = LocalFrame(39.45, 47.335, 169.9)

latitudes = st.floats(-89.0, 89.0)
longitudes = st.floats(-180.0, 180.0)
offsets = st.floats(-100_000.0, 100_000.0)


def textbook_enu(frame: LocalFrame, latitude_deg, longitude_deg, hae_m):
    """Geodetic → ECEF → ENU, straight from the definitions of WGS 84."""
    a, f = 6378137.0, 1 / 298.257223563
    e2 = f * (2 - f)

    def ecef(lat_deg, lon_deg, h):
        lat, lon = np.radians(lat_deg), np.radians(lon_deg)
        n = a / np.sqrt(1 - e2 * np.sin(lat) ** 2)
        return np.array(
            [
                (n + h) * np.cos(lat) * np.cos(lon),
                (n + h) * np.cos(lat) * np.sin(lon),
                (n * (1 - e2) + h) * np.sin(lat),
            ]
        )

    lat, lon = np.radians(frame.latitude_deg), np.radians(frame.longitude_deg)
    turn = np.array(
        [
            [-np.sin(lon), np.cos(lon), 0],
            [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)],
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)],
        ]
    )
    return turn @ (
        ecef(latitude_deg, longitude_deg, hae_m) - ecef(frame.latitude_deg, frame.longitude_deg, frame.hae_m)
    )


@given(latitudes, longitudes, offsets, offsets, st.floats(-100, 12_000))
def test_there_and_back_within_a_millimetre(latitude, longitude, east, north, up):
    frame = LocalFrame(latitude, longitude, 100.0)
    lat, lon, hae = frame.to_geodetic(np.array([[east, north, up]]))
    assert np.abs(frame.to_enu(lat, lon, hae)[0] - [east, north, up]).max() < 1e-3


@given(latitudes, longitudes, st.floats(-1, 1), st.floats(-1, 1), st.floats(-100, 12_000))
def test_equals_the_textbook(latitude, longitude, d_latitude, d_longitude, hae):
    frame = LocalFrame(latitude, longitude, 50.0)
    target = (np.clip(latitude + d_latitude, -90, 90), longitude + d_longitude, hae)
    assert np.allclose(frame.to_enu(*target)[0], textbook_enu(frame, *target), atol=1e-4)


def test_distance_and_azimuth_equal_the_geodesic():
    azimuth = np.arange(0.0, 360.0, 7.0)
    for distance in (100.0, 5_000.0, 20_000.0):
        count = np.ones_like(azimuth)
        lon, lat, _ = GEOD.fwd(FRAME.longitude_deg * count, FRAME.latitude_deg * count, azimuth, distance * count)
        enu = FRAME.to_enu(lat, lon, 0.0)
        # The origin is 170 m above the ellipsoid: straight up from the foot, so east and north do not change.
        chord_share = np.hypot(enu[:, 0], enu[:, 1]) / distance
        assert np.abs(chord_share - 1).max() < 3e-6  # sin of the angle at the Earth's centre: r²/6R²
        error = (np.degrees(np.arctan2(enu[:, 0], enu[:, 1])) - azimuth + 180) % 360 - 180
        assert np.abs(error).max() < 2e-5


def angles(vectors):
    """Azimuth and elevation of vectors, radians."""
    return np.arctan2(vectors[:, 0], vectors[:, 1]), np.arcsin(vectors[:, 2] / np.linalg.norm(vectors, axis=1))


def north_of(frame, latitude, longitude):
    """Azimuth in the frame's axes of true north at another place, degrees."""
    axes = frame.local_axes(float(np.squeeze(latitude)), float(np.squeeze(longitude)))
    azimuth, _ = turn_direction(axes, [0.0], [0.0])
    return float(np.degrees(azimuth[0]))


@given(st.floats(-80, 80), longitudes, st.floats(-50_000, 50_000), st.floats(-50_000, 50_000))
def test_convergence_is_the_turn_of_north(latitude, longitude, east, north):
    frame = LocalFrame(latitude, longitude, 0.0)
    lat, lon, _ = frame.to_geodetic([[east, north, 0.0]])
    lon2, lat2, _ = GEOD.fwd(lon, lat, [0.0], [100.0])
    step = (frame.to_enu(lat2, lon2, 0.0) - frame.to_enu(lat, lon, 0.0))[0]
    assert north_of(frame, lat, lon) == pytest.approx(np.degrees(np.arctan2(step[0], step[1])), abs=2e-4)


@given(st.floats(-80, 80), longitudes, st.floats(-50_000, 50_000), st.floats(-50_000, 50_000))
def test_local_axes_turn_a_far_sensors_vectors_into_ours(latitude, longitude, east, north):
    frame = LocalFrame(latitude, longitude, 0.0)
    lat, lon, hae = frame.to_geodetic([[east, north, 0.0]])
    local = np.array([[300.0, -4000.0, 500.0], [0.0, 0.0, 1.0], [0.0, 5000.0, 0.0]])
    there = LocalFrame(float(lat[0]), float(lon[0]), float(hae[0]))
    ours = frame.to_enu(*there.to_geodetic(local)) - frame.to_enu(lat, lon, hae)
    rotation = frame.local_axes(float(lat[0]), float(lon[0]))
    assert np.allclose(local @ rotation.T, ours, atol=1e-4)
    slanted, turned = local[[0, 2]], ours[[0, 2]]  # straight up has no azimuth
    assert np.allclose(turn_direction(rotation, *angles(slanted)), angles(turned), atol=1e-6)
    assert np.allclose(turn_direction(rotation.T, *angles(slanted @ rotation.T)), angles(slanted), atol=1e-9)


def test_convergence_matters_at_the_rim_of_the_sector():
    lat, lon, _ = FRAME.to_geodetic([[15_000.0, 0.0, 0.0]])
    assert north_of(FRAME, lat, lon) == pytest.approx(-0.111, abs=0.002)
    assert north_of(FRAME, 39.45, 47.335) == pytest.approx(0.0, abs=1e-12)


def test_an_unknown_elevation_stays_unknown_and_its_azimuth_is_turned_as_if_level():
    there = FRAME.local_axes(39.6, 47.5)
    azimuth, elevation = turn_direction(there, np.radians([10.0, 10.0]), [np.nan, 0.0])
    assert azimuth[0] == azimuth[1]
    assert np.isnan(elevation[0])
    each = turn_direction(np.stack([np.eye(3), there]), np.radians([10.0, 10.0]), [0.0, 0.0])
    assert np.degrees(each[0][0]) == pytest.approx(10.0)
    assert (each[0][1], each[1][1]) == (azimuth[1], elevation[1])


def test_unknown_stays_unknown_and_its_neighbours_are_served():
    enu = FRAME.to_enu([np.nan, 39.5], [47.3, 47.3], 0.0)
    assert np.isnan(enu[0]).all()
    assert np.isfinite(enu[1]).all()
    lat, lon, hae = FRAME.to_geodetic([[np.nan, 0.0, 0.0], [1.0, 2.0, 3.0]])
    assert np.isnan([lat[0], lon[0], hae[0]]).all()
    assert np.isfinite([lat[1], lon[1], hae[1]]).all()


def test_scalars_broadcast_and_shapes_hold():
    assert FRAME.to_enu(39.45, 47.335, 169.9).shape == (1, 3)
    assert FRAME.to_enu(np.full(4, 39.45), 47.335, 169.9).shape == (4, 3)
    assert FRAME.to_enu(np.empty(0), np.empty(0), np.empty(0)).shape == (0, 3)


def test_a_frame_is_a_value():
    assert pickle.loads(pickle.dumps(FRAME)) == FRAME
    with pytest.raises(ValueError, match="no place on Earth"):
        LocalFrame(95.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"\[N, 3\]"):
        FRAME.to_geodetic([[1.0, 2.0]])
