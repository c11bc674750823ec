"""A simulated microphone hears where the aircraft was: against the closed form for a straight flight."""

from dataclasses import replace

import numpy as np
import simworld

from araz.sensors import sensor_origins, sound_speed_mps
from araz.simulation._course import Course
from araz.simulation._night import _posts
from araz.simulation._post import emitted_s


def test_the_speed_of_sound_is_that_of_the_tables():
    """ISO 2533: 340.29 m/s at 15 degrees, 331.3 at freezing, 349.0 at 30 (dry air)."""
    np.testing.assert_allclose([sound_speed_mps(t) for t in (15.0, 0.0, 30.0)], [340.29, 331.3, 349.02], atol=0.1)


def test_what_is_heard_left_the_aircraft_earlier():
    place = simworld.at_site(acoustic_1={})
    post = _posts(simworld.night(), place, 1)[0]
    ear = sensor_origins(place.site, place)[0]
    at = np.arange(0.0, 120.0, 0.2)
    velocity = np.array([14.0, -9.0, 0.5])
    start = ear + np.array([-700.0, 500.0, 60.0])
    course = Course(0.0, 0.2, start + at[:, None] * velocity, np.tile(velocity, (len(at), 1)))
    heard = np.arange(5.0, 100.0, 1.0)
    left = emitted_s(post, course, heard)
    c = sound_speed_mps(15.0)
    d = start + heard[:, None] * velocity - ear
    along, spare = d @ velocity, c**2 - velocity @ velocity
    exact = heard - (np.sqrt(along**2 + spare * np.sum(d**2, axis=1)) - along) / spare
    np.testing.assert_allclose(left, exact, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(course.at(left)[0] - ear, axis=1), c * (heard - left), atol=1e-3)


def test_an_aircraft_is_heard_after_it_is_gone():
    """Its last sound is still on its way when a flight ends."""
    place = simworld.at_site(acoustic_1={"detection_probability": 1.0})
    night = simworld.night(duration_s=60.0)
    post = _posts(night, place, 1)[0]
    velocity = np.zeros(3)
    here = post.origin_enu_m + np.array([600.0, 0.0, 50.0])
    course = Course(0.0, 0.2, np.tile(here, (100, 1)), np.tile(velocity, (100, 1)))
    left = emitted_s(post, course, np.array([course.end_s + 1.0, course.end_s + 2.5]))
    assert course.alive(left).tolist() == [True, False]
    assert replace(course, start_s=1.0).end_s > course.end_s
