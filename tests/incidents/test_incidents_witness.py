"""A camera's or microphone's word that something was let go: believed of the one track it can mean, and of no other."""

from __future__ import annotations

import numpy as np
import pytest
from night import HEAVY, START_US, Script, incidents, play

from araz.vocabulary import Bearing, Features, IncidentKind, Observation

#: Comes in, waits nine seconds at one height 1,000 m inside, and flies on along its course: by its motion no release.
WAITS = [(0, 300, 2000, 60), (214, 300, -1000, 60), (223, 300, -1000, 60), (320, 300, -2350, 60)]


def said(azimuth_deg, words="behaviour payload release", sensor="acoustic-3", at_s=219.0, chance=0.9):
    at_us = START_US + int(at_s * 1e6)
    heard = Observation(
        sensor_id=sensor, observed_at_us=at_us, received_at_us=at_us,
        measurement=Bearing(azimuth_deg=azimuth_deg, azimuth_sigma_deg=2.0),
        features=Features(description=words, detection_probability=chance),
    )  # fmt: skip
    return lambda t, _: {"observations": [heard]} if t == at_s else {}


def azimuth(east=300.0, north=-1000.0):
    """From the sensor, which stands at (0, -2000)."""
    return float(np.degrees(np.arctan2(east, north + 2000.0)) % 360.0)


def drops(place, table, inputs_at=None, others=()):
    return incidents(
        play(place, table, [Script(1, WAITS, HEAVY, -9.0), *others], 275.0, inputs_at=inputs_at)[1], IncidentKind.DROP
    )


def test_a_witness_makes_a_stop_a_release_where_motion_says_nothing(place, table):
    assert not drops(place, table)
    [drop] = drops(place, table, said(azimuth()))
    assert drop.track_id == "T0001"
    assert any("acoustic-3 says that it let something go" in r.text for r in drop.reasons_for)
    centre = place.frame.to_enu(drop.areas[0].latitude_deg, drop.areas[0].longitude_deg, place.frame.hae_m)[0, :2]
    assert np.hypot(*(centre - [300.0, -1000.0])) < 40.0


@pytest.mark.parametrize(
    "inputs",
    [
        said(azimuth() + 25.0),
        said(azimuth(), words="behaviour hovering"),
        said(azimuth(), sensor="rid-1"),
        said(azimuth(), at_s=150.0),
    ],
    ids=["another direction", "other words", "a receiver cannot see it", "a minute before it stopped"],
)
def test_what_is_no_witness_of_it_changes_nothing(place, table, inputs):
    assert not drops(place, table, inputs)


def test_a_word_that_two_tracks_may_be_meant_by_is_believed_of_neither(place, table):
    beside = Script(2, [(t, e + 15.0, n, u) for t, e, n, u in WAITS], HEAVY, -9.0)
    assert not drops(place, table, said(azimuth()), [beside])
