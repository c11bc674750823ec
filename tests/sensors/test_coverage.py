"""The coverage map against brute force, the simulator's exact rays, and the physics it cites."""

import itertools
import tomllib
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.geography import place_from_site
from araz.sensors import coverage, dwell_chances, look_chances, sensor_table
from araz.sensors._dwell import HITS, WINDOW
from araz.sensors._look_chance import RAIN_ALPHA, RAIN_K, radar_reach_m, reach_m
from araz.simulation._post import radar_probability
from araz.vocabulary import Quarry, SensorHealth, SensorKind, SensorState, Site, Weather

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def horadiz():
    folder = ROOT / "sites" / "horadiz"
    site = msgspec.convert(tomllib.loads((folder / "site.toml").read_text()), type=Site)
    place = place_from_site(site, msgspec.json.decode((folder / "border.geojson").read_bytes()))
    return place, sensor_table(site, place)


def health(place, **states):
    return {
        s.id: SensorHealth(
            sensor_id=s.id, at_us=0, state=states.get(s.id.replace("-", "_"), SensorState.OK), sentence="",
            last_heard_us=None, messages=0, observations=0, rejects=0, reject_reasons={},
        )
        for s in place.site.sensors
    }  # fmt: skip


def one_sensor(table, row, period_s):
    period = table.period_s.copy()
    period[row] = period_s
    return replace(table, period_s=period)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=10))
def test_chance_of_a_track_is_the_sum_over_all_outcomes(horadiz_table, chances):
    brute = 0.0
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        windows = (outcome[max(0, end - WINDOW) : end] for end in range(1, len(outcome) + 1))
        if any(sum(window) >= HITS for window in windows):
            brute += np.prod([p if hit else 1 - p for p, hit in zip(chances, outcome, strict=True)])
    look = np.zeros((len(horadiz_table.sensor_id), 1, len(chances)))
    look[0, 0] = chances
    noticed, tracked = dwell_chances(one_sensor(horadiz_table, 0, 1.0), look, float(len(chances)))
    assert tracked[0] == pytest.approx(brute, abs=1e-3)
    assert noticed[0] == pytest.approx(1 - np.prod(1 - np.array(chances)), abs=1e-9)


@pytest.fixture(scope="module")
def horadiz_table(horadiz):
    return horadiz[1]


def test_look_agrees_with_the_simulators_exact_ray(horadiz):
    place, table = horadiz
    rng = np.random.default_rng(5)
    xy = rng.uniform(-14_000, 14_000, (20_000, 2))
    up = place.terrain.ground_up_m(xy[:, 0], xy[:, 1]) + rng.uniform(5, 400, len(xy))
    points = np.column_stack([xy, up])
    ours = look_chances(place, table, points, Quarry(), Weather())
    for row, sensor in enumerate(place.site.sensors):
        if sensor.kind == SensorKind.RADAR:
            exact = radar_probability(sensor, place, table.origin_enu_m[row], points, Quarry().rcs_dbsm)
            assert (exact > 0).mean() > 0.1
            assert (np.abs(ours[row] - exact) > 0.02).mean() < 0.02  # the mask is a cell coarse at a ridge's edge


@given(st.floats(0.1, 150.0), st.floats(1000.0, 30_000.0))
def test_rain_takes_the_range_that_attenuation_costs(rain, max_range_m):
    dry = radar_reach_m(max_range_m, Quarry(), Weather())
    wet = radar_reach_m(max_range_m, Quarry(), Weather(rain_mm_per_h=rain))
    spreading_gain_db = 40 * np.log10(dry / wet)
    attenuation_db = 2 * RAIN_K * rain**RAIN_ALPHA * wet / 1000
    assert spreading_gain_db == pytest.approx(attenuation_db, rel=1e-6)


def test_fog_blinds_cameras_and_noise_deafens_microphones(horadiz):
    place, _ = horadiz
    sensor = next(s for s in place.site.sensors if s.kind == SensorKind.ACOUSTIC)
    quiet, loud = (reach_m(sensor, Quarry(), Weather(noise_db=db)) for db in (0.0, 20.0))
    assert loud == pytest.approx(quiet / 10)
    camera = msgspec.structs.replace(sensor, kind=SensorKind.CAMERA, max_range_m=3000.0)
    assert reach_m(camera, Quarry(), Weather(visibility_m=500.0)) == pytest.approx(295.0)


def test_dead_radar_leaves_only_what_the_other_sees(horadiz):
    place, table = horadiz
    extent = (-8000.0, -8000.0, 8000.0, 8000.0)
    all_well = coverage(place, table, extent_enu_m=extent)
    dead = coverage(place, table, extent_enu_m=extent, health=health(place, radar_2=SensorState.SILENT))
    assert np.all(dead.tracked <= all_well.tracked + 2e-4)
    assert np.all(dead.look[table.sensor_id.index("radar-2")] == 0)
    far = np.hypot(
        *np.meshgrid(all_well.east_m - table.origin_enu_m[0, 0], all_well.north_m - table.origin_enu_m[0, 1])
    )
    assert dead.tracked[2][far > 9000].max(initial=0.0) == 0.0
    assert all_well.tracked[2][far > 9000].mean() > 0.5
    none_heard = coverage(place, table, extent_enu_m=extent, health={})
    assert none_heard.tracked.max() == 0.0


def test_small_target_is_never_better_seen_than_a_large_one(horadiz):
    place, table = horadiz
    big, small = (coverage(place, table, quarry=Quarry(rcs_dbsm=rcs), cell_m=1000.0) for rcs in (-5.0, -20.0))
    assert np.all(small.tracked <= big.tracked + 2e-4)
    assert small.tracked.sum() < 0.9 * big.tracked.sum()


def test_wrong_calls_say_what_to_do(horadiz):
    place, table = horadiz
    with pytest.raises(ValueError, match="low < high"):
        coverage(place, table, bands_agl_m=[(100.0, 50.0)])
    with pytest.raises(ValueError, match="west < east"):
        coverage(place, table, extent_enu_m=(0.0, 0.0, -1.0, 5.0))
    with pytest.raises(ValueError, match="shape"):
        dwell_chances(table, np.zeros((2, 5)), 30.0)
