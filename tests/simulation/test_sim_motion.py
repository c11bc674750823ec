"""How things move: limits, the jump after a drop, the fall of a load, birds and balloons."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from simworld import actor, horadiz, night, waypoint

from araz.simulation import simulate
from araz.simulation._bodies import stream
from araz.simulation._drift import balloon, flock, oscillator, wheeling
from araz.simulation._fall import AIR_KG_M3, LOAD_KG_M3, comes_to_rest, fall
from araz.vocabulary import Wind

HEAVY = actor(
    "heavy",
    "multirotor",
    [
        waypoint(-500, -9000, 50, 13),
        waypoint(-2530, -6430, 45, 13),
        waypoint(-3950, -4950, 28, 11, 10),
        waypoint(-500, -9000, 60, 15),
    ],
    mass_kg="18.0",
    drops="[{ waypoint = 2, load_kg = 10.0 }]",
)


def flown(scenario):
    return simulate(scenario, horadiz(), 1).bodies[0]


def test_a_multirotor_keeps_its_speed_and_acceleration():
    body = flown(night(HEAVY, duration_s=2000.0))
    velocity = body.course.velocity_enu_mps
    acceleration = np.linalg.norm(np.diff(velocity, axis=0), axis=1) / body.course.step_s
    assert np.hypot(velocity[:, 0], velocity[:, 1]).max() < 15.01
    assert np.abs(velocity[:, 2]).max() < 4.01
    assert acceleration.max() < 3.01
    moved = np.diff(body.course.position_enu_m, axis=0) / body.course.step_s
    np.testing.assert_allclose(moved, velocity[1:], atol=1e-9)


def test_it_follows_the_ground():
    body = flown(night(HEAVY, duration_s=2000.0))
    height = horadiz().terrain.height_agl_m(body.course.position_enu_m)
    assert height.min() > 15
    assert height.max() < 75


def test_a_drop_makes_it_jump_up():
    body = flown(night(HEAVY, duration_s=2000.0))
    (release,) = body.releases
    at = round((release.at_s - body.course.start_s) / body.course.step_s)
    climb = body.course.velocity_enu_mps[:, 2]
    speed = np.linalg.norm(body.course.velocity_enu_mps, axis=1)
    assert speed[at - 10 : at].max() < 0.7, "it hovers before"
    # g · 10 kg / 18 kg is above the limit of 3 m/s², held for 1.2 s.
    assert climb[at + 12] - climb[at] == pytest.approx(3.0 * 1.2, abs=0.05)


def test_without_the_load_it_turns_faster():
    body = flown(night(HEAVY, duration_s=2000.0))
    at = round((body.releases[0].at_s - body.course.start_s) / body.course.step_s)
    flat = np.hypot(*np.diff(body.course.velocity_enu_mps[:, :2], axis=0).T) / body.course.step_s
    assert flat[:at].max() == pytest.approx(0.6 * 2.4, rel=1e-6)
    assert flat[at:].max() == pytest.approx(2.4, rel=1e-6)


@pytest.mark.parametrize(("load_kg", "height"), [(0.5, 60.0), (10.0, 28.0), (10.0, 400.0)])
def test_the_fall_agrees_with_an_ode_solver(load_kg, height):
    place = horadiz()
    ground = float(place.terrain.ground_up_m(np.array([-4000.0]), np.array([2000.0]))[0])
    start, velocity, wind = (
        np.array([-4000.0, 2000.0, ground + height]),
        np.array([3.0, -2.0, 1.0]),
        Wind(speed_mps=5.0, from_deg=270.0),
    )
    k = 0.5 * AIR_KG_M3 * (load_kg / LOAD_KG_M3) ** (2 / 3) / load_kg

    def move(_, y):
        through = y[3:] - np.array([5.0, 0.0, 0.0])
        return np.concatenate([y[3:], -k * np.linalg.norm(through) * through - [0, 0, 9.81]])

    def hits(_, y):
        return y[2] - place.terrain.ground_up_m(y[:1], y[1:2])[0]

    hits.terminal, hits.direction = True, -1
    oracle = solve_ivp(move, (0, 100), np.concatenate([start, velocity]), events=hits, rtol=1e-9, atol=1e-9)
    where, seconds = fall(place, start, velocity, load_kg, wind)
    assert seconds == pytest.approx(oracle.t_events[0][0], abs=0.03)
    np.testing.assert_allclose(where[:2], oracle.y_events[0][0][:2], atol=0.5)


def test_the_drop_in_the_truth_lies_where_the_load_came_to_rest():
    """Over nights about where it falls in the mean wind, spread as gust, swing and roll say; one night says one."""
    place = horadiz()
    release = simulate(night(HEAVY, duration_s=2000.0), place, 1).bodies[0].releases[0]
    wind, at = place.site.wind, (release.position_enu_m, release.velocity_enu_mps, 10.0)
    middle, seconds = fall(place, *at, wind)
    off = np.array([comes_to_rest(place, *at, wind, np.random.default_rng(k)) - middle for k in range(400)])
    height = float(place.terrain.height_agl_m(release.position_enu_m[None])[0])
    # What a gust of 1 m/s does to the place, by the fall itself: a little less than its time.
    faster = Wind(speed_mps=wind.speed_mps + 1.0, from_deg=wind.from_deg)
    lever = float(np.linalg.norm(fall(place, *at, faster)[0][:2] - middle[:2]))
    assert 0.0 < lever < seconds
    sigma = np.hypot(2.0 * lever, 2.0 + 0.07 * height)
    np.testing.assert_allclose(off[:, :2].std(axis=0), sigma, rtol=0.12)
    assert np.abs(off[:, :2].mean(axis=0)).max() < 4.0 * sigma / 20.0
    ends = middle[:2] + off[:, :2]
    np.testing.assert_allclose(off[:, 2] + middle[2], place.terrain.ground_up_m(*ends.T), atol=1e-6)
    told = [
        [r for r in simulate(night(HEAVY, duration_s=2000.0), place, seed).truth if getattr(r, "kind", "") == "drop"]
        for seed in (1, 1, 2)
    ]
    assert told[0] == told[1] != told[2]
    enu = place.frame.to_enu(told[0][0].latitude_deg, told[0][0].longitude_deg, told[0][0].altitude_hae_m)[0]
    assert np.linalg.norm(enu - middle) < 5.0 * sigma


def test_the_oscillator_has_its_stated_spread():
    x = oscillator(np.random.default_rng(3), 400_000, 100.0, 2.0)
    assert x.std() == pytest.approx(100.0, rel=0.1)
    assert np.gradient(x, 0.5).std() == pytest.approx(2.0, rel=0.25)


def test_birds_never_stand_still():
    path = wheeling(np.random.default_rng(3), 100_000, 350.0, 9.0)
    speed = np.linalg.norm(np.gradient(path, 0.5, axis=0), axis=1)
    assert np.percentile(speed, 1) > 3
    assert np.percentile(speed, 99) < 16
    assert 250 < path.std() < 500


def test_a_flock_stays_together_above_the_ground():
    place = horadiz()
    courses = flock(place, stream(1, "birds"), np.array([0.0, 0.0]), 700.0, 45.0, 9.0, 4, 0.0, 1200.0)
    apart = np.linalg.norm(courses[0].position_enu_m - courses[1].position_enu_m, axis=1)
    assert apart.max() < 200
    assert all(place.terrain.height_agl_m(course.position_enu_m).min() >= 4.99 for course in courses)


def test_a_balloon_goes_where_the_wind_goes():
    place = horadiz()
    course = balloon(
        place, stream(1, "b"), np.array([3000.0, -3000.0]), 250.0, 1.5, Wind(speed_mps=6.0, from_deg=135.0), 0.0, 1000.0
    )
    drift = course.position_enu_m[-1, :2] - course.position_enu_m[0, :2]
    np.testing.assert_allclose(drift, 6000 * np.array([-1, 1]) / np.sqrt(2), atol=400)
    assert place.terrain.height_agl_m(course.position_enu_m[-1:])[0] == pytest.approx(250, abs=40)
