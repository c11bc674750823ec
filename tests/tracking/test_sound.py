"""Sound is late: the closed form against the root of its equation, its Jacobian, and registration by ear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as with_fields
from sound_lab import SOUND_MPS, heard_from, heard_scan, late_bearing, late_update
from tracking_lab import BEARING, POLAR, T0, polar_of, table

from araz.tracking import registration_init
from araz.tracking._registration_pairs import compare, three
from araz.tracking._registration_state import Anchors
from araz.tracking._sound import travel_s
from araz.vocabulary import TrackingSettings, TrackPicture

PLACE = st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000), st.floats(5, 600))
VELOCITY = st.tuples(st.floats(-70, 70), st.floats(-70, 70), st.floats(-10, 10))


@settings(max_examples=200, deadline=None)
@given(PLACE, VELOCITY)
def test_the_closed_form_solves_the_equation(place, velocity):
    _, late = heard_from(place, velocity, np.zeros(3))
    assert abs(travel_s(*place, *velocity, SOUND_MPS) - late) < 1e-9
    assert travel_s(*place, *velocity, np.inf) == travel_s(*place, *velocity, np.nan) == 0.0


@settings(max_examples=100, deadline=None)
@given(PLACE, VELOCITY)
def test_the_jacobian_of_the_place_heard(place, velocity):
    d, v = np.array(place), np.array(velocity)
    late = travel_s(*d, *v, SOUND_MPS)
    p = d - v * late
    u = p / np.linalg.norm(p)
    turn = np.eye(3) - np.outer(v, u) / (SOUND_MPS + u @ v)
    for axis in range(3):
        for by, expected in ((0, turn[:, axis]), (1, -late * turn[:, axis])):
            step = np.zeros((2, 3))
            step[by, axis] = 1e-3
            ends = []
            for sign in (1, -1):
                dd, vv = d + sign * step[0], v + sign * step[1]
                ends.append(dd - vv * travel_s(*dd, *vv, SOUND_MPS))
            np.testing.assert_allclose((ends[0] - ends[1]) / 2e-3, expected, atol=1e-5)


def test_the_textbook_update_by_ear_is_unbiased_and_without_the_delay_it_is_not():
    """A drone at 15 m/s, 700 m off: 2 s late is 30 m or 2.5 degrees, which an update that knows it does not suffer."""
    truth = np.array([700.0, 0.0, 80.0, 0.0, 15.0, 0.0])
    p = np.diag([50.0**2] * 3 + [3.0**2] * 3)
    z = late_bearing(truth, np.zeros(3))
    right, _ = late_update(truth, p, z, np.radians([4, 8]), np.zeros(3))
    wrong, _ = late_update(truth, p, z, np.radians([4, 8]), np.zeros(3), speed=1e9)
    assert np.linalg.norm((right - truth)[:3]) < 1e-6
    assert np.linalg.norm((wrong - truth)[:3]) > 10.0


def test_registration_by_ear_allows_for_the_delay():
    sensors = table(
        {"kind": POLAR, "sigma": (8.0, 0.007, 0.014, 1.0), "origin": (3000.0, 0.0, 10.0)},
        {"kind": BEARING, "sigma": (0.07, 0.14, np.nan, np.nan), "origin": (0.0, 0.0, 2.0)},
    )
    place, velocity = np.array([500.0, 400.0, 90.0]), np.array([15.0, -8.0, 0.0])
    one = np.ones(1, np.int64)
    plot = polar_of(place - velocity * 1.6, velocity, sensors.origin_enu_m[0])[None]
    state = with_fields(
        registration_init(sensors, TrackingSettings()),
        anchors=Anchors(one, one * 0, one * int(POLAR), one * (T0 - 1_600_000), plot, sensors.sigma[:1],
                        sensors.origin_enu_m[:1], one * 0),
    )  # fmt: skip
    picture = TrackPicture(
        at_us=T0, track_id=one, is_confirmed=one > 0, existence=one * 1.0, position_enu_m=place[None],
        velocity_enu_mps=velocity[None], covariance=np.eye(6)[None], class_probability=np.ones((1, 6)) / 6,
        started_at_us=one, updated_at_us=one, update_count=one, sensor_mask=one, claim_key=one * 0,
        rcs_dbsm=np.full(1, np.nan), hidden=one < 0,
    )  # fmt: skip
    heard, zero = heard_scan(sensors, 1, 0.0, place, velocity), np.zeros(1, np.int64)

    def left_over(scan):
        z, sigma = three(scan.kind, scan.z), three(scan.kind, scan.sigma)
        pairs = compare(state, scan, z, sigma, zero, zero, zero, picture)
        return np.abs(pairs.nu[0, 1:]).max() if pairs.compared[0] else np.inf

    assert left_over(heard) < 0.002
    assert left_over(replace(heard, propagation_mps=None)) > 0.02
