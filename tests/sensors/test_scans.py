"""Scans: when a look ends, and that arrays say what the observations said."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.geography import LocalFrame
from araz.sensors import claim_key, scans_init, scans_step
from araz.vocabulary import (
    Bearing,
    Claim,
    ClaimKind,
    Feed,
    Format,
    MeasurementKind,
    Observation,
    Polar,
    Position,
    ScanMark,
    Sensor,
    SensorKind,
    Site,
)

S = 1_000_000
FRAME = LocalFrame(39.45, 47.34, 200.0)


def make_state(origins_enu_m=((0, 0, 5.0), (100, 0, 3.0), (0, 0, 5.0))):
    kinds = [("radar", SensorKind.RADAR), ("ears", SensorKind.ACOUSTIC), ("adsb", SensorKind.ADSB_RECEIVER)]
    sensors = [Sensor(id=i, kind=k, feed="f", latitude_deg=39.45, longitude_deg=47.34) for i, k in kinds]
    site = Site(
        name="t", time_zone="UTC", origin_latitude_deg=39.45, origin_longitude_deg=47.34, origin_hae_m=200.0,
        geoid_undulation_m=10.0, border="b", own_side="left", feeds=[Feed(id="f", format=Format.ASTERIX)],
        sensors=sensors,
    )  # fmt: skip
    return scans_init(site, FRAME, np.array(origins_enu_m))


def plot(at_us, **more):
    return Observation(
        sensor_id="radar", observed_at_us=at_us, received_at_us=at_us + 50_000,
        measurement=Polar(range_m=1000.0, azimuth_deg=90.0, **more),
    )  # fmt: skip


def mark(at_us):
    return ScanMark(sensor_id="radar", observed_at_us=at_us, received_at_us=at_us + 50_000)


def test_a_mark_ends_the_look_and_an_empty_look_counts():
    state, scans = scans_step(make_state(), [plot(S), plot(S + 10), mark(S + 20)], S + 60_000)
    assert [len(scan.at_us) for scan in scans] == [2]
    assert scans[0].is_complete
    _, scans = scans_step(state, [mark(2 * S)], 2 * S)
    assert [len(scan.at_us) for scan in scans] == [0]
    assert scans[0].is_complete


def test_without_marks_the_next_look_or_a_quarter_period_ends_it():
    state, scans = scans_step(make_state(), [plot(S)], S)
    assert scans == []
    state, scans = scans_step(state, [plot(2 * S)], 2 * S)
    assert [list(scan.at_us) for scan in scans] == [[S]]
    _, scans = scans_step(state, [], 2 * S + 50_000 + 260_000)
    assert [list(scan.at_us) for scan in scans] == [[2 * S]]


def test_unknown_columns_are_nan_and_stated_errors_win():
    _, scans = scans_step(make_state(), [plot(S, range_sigma_m=3.0), plot(S, elevation_deg=2.0), mark(S)], S)
    z, sigma = scans[0].z, scans[0].sigma
    assert np.isnan(z[0, 2])
    assert z[1, 2] == pytest.approx(np.radians(2.0))
    assert np.isnan(z[:, 3]).all()
    assert sigma[0, 0] == 3.0
    assert sigma[1, 0] == 10.0
    assert z[0, 1] == pytest.approx(np.pi / 2)
    assert not z.flags.writeable


def test_true_azimuths_become_the_sites():
    # Oracle: a target 2 km due north (true, by geodesy) of an observer 20 km east of the origin.
    east = Bearing(azimuth_deg=0.0, latitude_deg=39.45, longitude_deg=47.573)
    heard = Observation(sensor_id="ears", observed_at_us=S, received_at_us=S, measurement=east)
    _, [scan] = scans_step(make_state(), [heard], S)
    here = FRAME.to_enu(39.45, 47.573, 200.0).reshape(3)
    there = FRAME.to_enu(39.468, 47.573, 200.0).reshape(3)
    expected = np.arctan2(there[0] - here[0], there[1] - here[1])
    assert abs(expected) > np.radians(0.1)
    assert scan.z[0, 0] == pytest.approx(expected, abs=np.radians(0.005))


@pytest.mark.parametrize("tells", ["elevation", "height"])
def test_a_far_radars_plots_lie_where_geodesy_puts_them(tells):
    # Oracle: PROJ's topocentric axes about the radar give what it measures, those about the site where that is.
    radar = LocalFrame(39.30, 47.60, 260.0)
    state = make_state(np.repeat(FRAME.to_enu(39.30, 47.60, 260.0), 3, axis=0))
    latitude, longitude = np.array([39.40, 39.30, 39.22, 39.31]), np.array([47.60, 47.75, 47.50, 47.61])
    expected, seen = FRAME.to_enu(latitude, longitude, 600.0), []
    for east, north, up in radar.to_enu(latitude, longitude, 600.0).tolist():
        range_m = float(np.linalg.norm([east, north, up]))
        by_angle = {"elevation_deg": float(np.degrees(np.arcsin(up / range_m)))}
        told = by_angle if tells == "elevation" else {"altitude_amsl_m": 590.0}
        measured = Polar(range_m=range_m, azimuth_deg=float(np.degrees(np.arctan2(east, north))), **told)
        seen.append(Observation(sensor_id="radar", observed_at_us=S, received_at_us=S, measurement=measured))
    _, [scan] = scans_step(state, [*seen, mark(S)], S)
    range_m, azimuth, elevation = scan.z[:, 0], scan.z[:, 1], scan.z[:, 2]
    flat = range_m * np.cos(elevation)
    away = np.column_stack([flat * np.sin(azimuth), flat * np.cos(azimuth), range_m * np.sin(elevation)])
    found = scan.origin_enu_m + away
    # A height is seen over a sphere of 6,371 km: half a metre at 14 km. Unturned it would be up to 65 m.
    assert np.abs(found - expected).max() < (1e-3 if tells == "elevation" else 1.0)


def test_bearings_and_claims_do_not_wait():
    heard = Observation(sensor_id="ears", observed_at_us=S, received_at_us=S, measurement=Bearing(azimuth_deg=45.0))
    claim = Claim(kind=ClaimKind.ADSB, identity="4b1234")
    plane = Observation(
        sensor_id="adsb", observed_at_us=S, received_at_us=S, claim=claim,
        measurement=Position(
            latitude_deg=39.46, longitude_deg=47.34, altitude_baro_m=1000.0, speed_mps=50.0, course_deg=90.0
        ),
    )  # fmt: skip
    _, scans = scans_step(make_state(), [heard, plane], S)
    assert [scan.kind for scan in scans] == [MeasurementKind.BEARING, MeasurementKind.POSITION]
    assert not any(scan.is_complete for scan in scans)
    where = FRAME.to_enu(39.46, 47.34, 1010.0).reshape(3)
    np.testing.assert_allclose(scans[1].z[0, :3], where, atol=1e-6)
    np.testing.assert_allclose(scans[1].velocity_enu_mps[0, :2], [50.0, 0.0], atol=1e-9)
    assert scans[1].claim_key[0] == claim_key(claim)
    # sound is late by range over its speed, 340.3 m/s at the site's 15 degrees; what radio tells is not
    np.testing.assert_allclose(scans[0].propagation_mps, [340.29], atol=0.05)
    assert scans[1].propagation_mps is None


def test_an_unknown_height_stays_unknown():
    at = Observation(
        sensor_id="adsb",
        observed_at_us=S,
        received_at_us=S,
        measurement=Position(latitude_deg=39.46, longitude_deg=47.3),
    )
    _, [scan] = scans_step(make_state(), [at], S)
    assert np.isnan(scan.z[0, 2])
    assert not np.isnan(scan.z[0, :2]).any()


def test_a_wrong_clock_is_corrected_and_the_future_is_not_believed():
    early = plot(10 * S)
    _, [scan] = scans_step(make_state(), [early, mark(10 * S)], 10 * S, {"radar": 2 * S})
    assert scan.at_us[0] == early.received_at_us


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_every_row_leaves_exactly_once(steps):
    state, seen, total = make_state(), 0, 0
    for i, at in enumerate(itertools.accumulate(steps)):
        decoded = [plot(at * S // 4)] if i % 5 else [plot(at * S // 4), mark(at * S // 4)]
        total += 1
        state, scans = scans_step(state, decoded, at * S // 4 + 50_000)
        seen += sum(len(scan.at_us) for scan in scans)
    _, scans = scans_step(state, [], 10_000 * S)
    assert seen + sum(len(scan.at_us) for scan in scans) == total


def test_equal_identities_have_equal_keys_across_systems():
    assert claim_key(Claim(kind=ClaimKind.ADSB, identity="a")) == claim_key(Claim(kind=ClaimKind.MODE_S, identity="a"))
    assert claim_key(Claim(kind=ClaimKind.ADSB, identity="a")) != claim_key(
        Claim(kind=ClaimKind.REMOTE_ID, identity="a")
    )
    assert claim_key(Claim(kind=ClaimKind.SENSOR_OBJECT, identity="a")) == 0
    assert claim_key(None) == 0


def test_a_height_becomes_the_angle_at_which_it_is_seen():
    # Oracle: place a target by geodesy, and measure its elevation in the ENU frame.
    state = make_state()
    latitude, longitude, hae = FRAME.to_geodetic(np.array([[5000.0, 3000.0, 400.0]]))
    there = FRAME.to_enu(latitude, longitude, hae).reshape(3) - [0, 0, 5.0]
    range_m = float(np.linalg.norm(there))
    seen = Observation(
        sensor_id="radar", observed_at_us=S, received_at_us=S,
        measurement=Polar(range_m=range_m, azimuth_deg=59.0, altitude_amsl_m=float(hae[0]) - 10.0),
    )  # fmt: skip
    _, [scan] = scans_step(state, [seen, mark(S)], S)
    assert scan.z[0, 2] == pytest.approx(np.arcsin(there[2] / range_m), abs=np.radians(0.01))
    impossible = Observation(
        sensor_id="radar", observed_at_us=S, received_at_us=S,
        measurement=Polar(range_m=100.0, azimuth_deg=59.0, altitude_amsl_m=9000.0),
    )  # fmt: skip
    _, [scan] = scans_step(state, [impossible, mark(S)], S)
    assert np.isnan(scan.z[0, 2])
