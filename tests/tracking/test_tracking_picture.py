"""What a step hands out and takes in: pictures that make their columns when asked, and scans of any kind of numbers."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
from tracking_lab import POSITION, scan, table

from araz.tracking import init, predict_picture, step
from araz.tracking._gauss import unpacked
from araz.vocabulary import TrackingSettings, TrackPicture

COLUMNS = [field.name for field in fields(TrackPicture) if field.name != "at_us"]


def flown(change=lambda one: one, raster=None):
    """Four drones on straight courses among false plots, ten looks, each scan as ``change`` makes it."""
    sensors, rng = table({"kind": POSITION, "clutter": 5.0}, raster=raster), np.random.default_rng(3)
    state = init(sensors, TrackingSettings())
    for t in range(10):
        z = [rng.normal([300.0 * k + 10 * t, 2000.0 - 8 * t, 100.0], 10.0) for k in range(4)]
        z += list(rng.uniform([-4000, -4000, 20], [4000, 4000, 300], (5, 3)))
        state, events = step(state, change(scan(sensors, 0, t, z, rcs=-20.0)))
    return state, events.picture


def assert_same(one, other):
    assert one.at_us == other.at_us
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_a_picture_is_what_the_state_believes():
    state, picture = flown()
    tracks = state.tracks
    mean, cov = unpacked(tracks.belief.gauss)
    assert len(mean) > 4
    np.testing.assert_array_equal(picture.position_enu_m, mean[:, :3])
    np.testing.assert_array_equal(picture.velocity_enu_mps, mean[:, 3:])
    np.testing.assert_array_equal(picture.covariance, cov)
    np.testing.assert_array_equal(picture.track_id, tracks.number)
    for name in set(COLUMNS) & set(tracks._fields) - {"track_id"}:
        np.testing.assert_array_equal(getattr(picture, name), getattr(tracks, name), err_msg=name)
    assert_same(predict_picture(state, state.at_us), picture)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_cannot_be_written_to_and_is_made_once(name):
    _, picture = flown()
    column = getattr(picture, name)
    assert getattr(picture, name) is column
    with pytest.raises(ValueError, match="read-only"):
        column[...] = 0
    with pytest.raises(AttributeError):
        setattr(picture, name, column)


def test_a_picture_is_a_value_like_any_other():
    _, picture = flown()
    assert_same(pickle.loads(pickle.dumps(picture)), picture)
    later = replace(picture, at_us=picture.at_us + 1)
    assert later.at_us == picture.at_us + 1
    assert_same(replace(later, at_us=picture.at_us), picture)
    with pytest.raises(AttributeError, match="colour"):
        picture.colour  # noqa: B018


def coarse(one):
    """The scan in half the digits, its columns in the other order of memory, keys and times in fewer bytes."""
    real = {name: np.asfortranarray(getattr(one, name).astype(np.float32)) for name in ("z", "sigma", "origin_enu_m")}
    return replace(
        one, **real, claim_key=one.claim_key.astype(np.int32), rcs_dbsm=np.tile(one.rcs_dbsm, (2, 1)).T[:, 0]
    )


def fine(one):
    """The same numbers as the tracker itself would hold them."""
    return replace(one, **{name: getattr(one, name).astype(np.float32).astype(float) for name in ("z", "sigma")})


def test_a_scan_of_other_numbers_is_read_as_what_it_says():
    assert_same(flown(coarse)[1], flown(fine)[1])


def test_a_hill_that_hides_nobody_changes_nothing():
    """Where no terrain stands at all the tracker does not ask it; a hill in the far corner makes it ask."""
    raster = np.full((100, 100), -np.inf)
    raster[0, 0] = 500.0
    (hill, seen), (flat, picture) = flown(raster=raster), flown()
    assert (hill.view.is_open[0], flat.view.is_open[0]) == (0, 1)
    assert_same(seen, picture)


def test_a_scan_without_detections_is_a_look():
    state, _ = flown()
    after, events = step(state, scan(state.sensors, 0, 10))
    assert after.late_scans == 0
    assert len(events.pair_row) == 0
    assert events.picture.existence.max() < state.tracks.existence.max()
