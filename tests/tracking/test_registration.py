"""Registration: against dense least squares, finite differences, and skies with known constant errors."""

from __future__ import annotations

import pickle
from dataclasses import replace as with_fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from registration_lab import ADSB, CAMERA, DEG, RADAR_1, RADAR_2, RADAR_3, Run, Site, Target, sky
from tracking_lab import BEARING, POLAR, POSITION, T0, table

from araz.tracking import registration_correct, registration_init, registration_step
from araz.tracking._registration import _updated, _walked
from araz.tracking._registration_kernel import to_place, to_view
from araz.tracking._registration_pairs import Pairs, compare, three
from araz.tracking._registration_rate import SETTLED_US
from araz.tracking._registration_state import Anchors, errors_of, no_anchors
from araz.vocabulary import Scan, TrackingSettings, TrackPicture

ERRORS = np.array([60.0, 1.5 * DEG, 0.5 * DEG, 0.3])
SCALE = np.array([1.0, 1 / DEG, 1 / DEG, 1.0])


def run(sensors, bias, seed, duration_s, *, liar=None, register=True, aircraft=None, change=None):
    rng = np.random.default_rng(seed)
    targets = sky(rng, aircraft=(2 if ADSB in sensors else 0) if aircraft is None else aircraft)
    if change is not None:
        change(targets)
    out = Run(Site(sensors, bias, targets, seed, liar), register=register)
    out.play(duration_s)
    return out


def with_error(sensors):
    bias = np.zeros((len(sensors), 4))
    bias[1] = ERRORS
    return bias


# ---------------------------------------------------------------- the algebra


def test_the_filter_is_dense_least_squares():
    """On linear comparisons the filter's answer is that of one big least squares over all of them and the prior."""
    rng = np.random.default_rng(4)
    sensors = table(RADAR_1, RADAR_2, RADAR_3, ADSB)
    state = registration_init(sensors, TrackingSettings())
    n, count = len(state.mean), 240
    columns = np.stack([rng.choice(n, 11, replace=False) for _ in range(count)])
    jac = rng.normal(size=(count, 3, 11))
    half = rng.normal(size=(count, 3, 3))
    noise = half @ half.transpose(0, 2, 1) + 0.5 * np.eye(3)
    truth = rng.normal(size=n) * state.prior_sigma
    z = np.stack([jac[k] @ truth[columns[k]] + np.linalg.cholesky(noise[k]) @ rng.normal(size=3) for k in range(count)])
    for first in range(0, count, 6):
        rows = np.arange(first, first + 6)
        nu = z[rows] - np.einsum("cij,cj->ci", jac[rows], state.mean[columns[rows]])
        ones = np.zeros(6, np.int64)
        pairs = Pairs(
            ones, ones, nu, noise[rows], jac[rows], columns[rows], ones + 3, noise[rows], ones > 0, ones + 1.0
        )
        state = _updated(state, pairs, np.arange(6), np.zeros(6))
    dense = [np.diag(1 / state.prior_sigma)]
    right = [np.zeros(n)]
    for k in range(count):
        white = np.linalg.inv(np.linalg.cholesky(noise[k]))
        h = np.zeros((3, n))
        h[:, columns[k]] = jac[k]
        dense.append(white @ h)
        right.append(white @ z[k])
    a = np.concatenate(dense)
    best = np.linalg.lstsq(a, np.concatenate(right), rcond=None)[0]
    np.testing.assert_allclose(state.mean, best, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(state.cov, np.linalg.inv(a.T @ a), rtol=1e-5, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.floats(500, 9000), st.floats(-3.1, 3.1), st.floats(-0.05, 0.7))
def test_a_place_and_its_view_are_inverse(r, azimuth, elevation):
    place, back, by_polar, by_place = np.empty(3), np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    to_place(r, azimuth, elevation, place, by_polar)
    to_view(*place, back, by_place)
    np.testing.assert_allclose(back, [r, azimuth, elevation], atol=1e-9)
    np.testing.assert_allclose(by_place @ by_polar, np.eye(3), atol=1e-9)


def one_pair(b_kind, a_kind, place, velocity, gap_s, seed):
    """A state with one waiting plot, a scan with one row of another sensor, both noisy, and the track between them."""
    rng = np.random.default_rng(seed)
    sensors = table(RADAR_1, {**(CAMERA if b_kind == BEARING else RADAR_2 if b_kind == POLAR else ADSB)}, ADSB)
    state = registration_init(sensors, TrackingSettings())
    mean = rng.normal(size=len(state.mean)) * np.concatenate([np.tile([20, 0.005, 0.005, 0.1], 3), np.full(18, 10.0)])
    key = np.zeros(6, np.int64)
    key[0] = 77
    a_sensor = 0 if a_kind == POLAR else 2
    origin = sensors.origin_enu_m

    def measure(kind, s, at):
        if kind == POSITION:
            return np.array([*at, np.nan])
        seen = np.empty(3)
        to_view(*(at - origin[s]), seen, np.empty((3, 3)))
        return np.array([*seen, 0.0]) if kind == POLAR else np.array([seen[1], seen[2], np.nan, np.nan])

    anchors = Anchors(
        np.array([1]), np.array([a_sensor]), np.array([int(a_kind)]), np.array([T0]),
        measure(a_kind, a_sensor, place)[None], sensors.sigma[a_sensor][None], origin[a_sensor][None],
        np.array([0 if a_kind == POLAR else 77]),
    )  # fmt: skip
    later = place + velocity * gap_s
    scan = Scan(
        sensor_index=1, kind=b_kind, at_us_end=T0 + 10**6, is_complete=False, at_us=np.array([T0 + round(gap_s * 1e6)]),
        z=measure(b_kind, 1, later)[None], sigma=sensors.sigma[1][None], origin_enu_m=origin[1][None],
        velocity_enu_mps=np.full((1, 3), np.nan), claim_key=np.array([77 if b_kind == POSITION else 0]),
        rcs_dbsm=np.array([np.nan]), message_seq=np.array([0]),
    )  # fmt: skip
    one = np.ones(1, np.int64)
    picture = TrackPicture(
        at_us=T0, track_id=one, is_confirmed=one > 0, existence=one * 1.0, position_enu_m=place[None],
        velocity_enu_mps=velocity[None], covariance=np.eye(6)[None] * 4.0, class_probability=np.ones((1, 6)) / 6,
        started_at_us=one, updated_at_us=one, update_count=one, sensor_mask=one, claim_key=one * 0,
        rcs_dbsm=np.full(1, np.nan), hidden=one < 0,
    )  # fmt: skip
    return replace(state, mean=mean, slot_key=key, anchors=anchors), scan, picture


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(POLAR, POLAR), (BEARING, POLAR), (POSITION, POLAR), (POLAR, POSITION), (BEARING, POSITION)]),
    st.tuples(st.floats(-4000, 4000), st.floats(-4000, 4000), st.floats(100, 900)),
    st.tuples(st.floats(-60, 60), st.floats(-60, 60), st.floats(-3, 3)),
    st.floats(-0.5, 0.5),
    st.integers(0, 1000),
)
def test_the_derivative_is_that_of_finite_differences(kinds, place, velocity, gap_s, seed):
    place = np.array(place)
    if min(np.linalg.norm(place[:2] - np.array(row["origin"])[:2]) for row in (RADAR_1, RADAR_2, CAMERA)) < 1500:
        return
    state, scan, picture = one_pair(*kinds, place, np.array(velocity), gap_s, seed)
    zero = np.zeros(1, np.int64)

    def nu_at(mean):
        z, sigma = three(scan.kind, scan.z), three(scan.kind, scan.sigma)
        return compare(replace(state, mean=mean), scan, z, sigma, zero, zero, zero, picture)

    pairs = nu_at(state.mean)
    for i, column in enumerate(pairs.columns[0]):
        step = np.zeros(len(state.mean))
        step[column] = 1e-4 * state.prior_sigma[column]
        numeric = (nu_at(state.mean + step).nu - nu_at(state.mean - step).nu)[0] / (2 * step[column])
        if (pairs.columns[0] == column).sum() == 1:
            np.testing.assert_allclose(
                -pairs.jac[0, :, i], numeric, rtol=2e-2, atol=2e-4 * max(1.0, abs(numeric).max())
            )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_taken_off_is_what_was_put_on(seed):
    rng = np.random.default_rng(seed)
    site = Site([RADAR_1, RADAR_2, CAMERA], np.zeros((3, 4)), sky(rng, aircraft=0), seed)
    state = registration_init(site.table, TrackingSettings())
    bias = rng.normal(size=(3, 4)) * [40, 0.02, 0.01, 0.5]
    mean = state.mean.copy()
    mean[:12] = bias.ravel()
    state = replace(state, mean=mean, is_applied=np.ones((3, 4), bool))
    for s in range(3):
        scan = site.scan(s, 10.0)
        z = scan.z.copy()
        shift = bias[s, :3] if s < 2 else bias[s, 1:3]
        z[:, : len(shift)] += shift
        late = with_fields(
            scan, z=z, at_us=scan.at_us + round(bias[s, 3] * 1e6), at_us_end=scan.at_us_end + round(bias[s, 3] * 1e6)
        )
        back = registration_correct(state, late)
        turn = back.z - scan.z
        turn[:, 1 if s < 2 else 0] = np.angle(np.exp(1j * turn[:, 1 if s < 2 else 0]))
        assert np.nanmax(np.abs(turn), initial=0.0) < 1e-6
        assert np.abs(back.at_us - scan.at_us).max(initial=0) <= 1
        known = np.isfinite(scan.sigma)
        assert (back.sigma[known] >= scan.sigma[known]).all()


def test_no_time_is_moved_beyond_the_present():
    site = Site([RADAR_1, RADAR_2], np.zeros((2, 4)), sky(np.random.default_rng(0), aircraft=0), 0)
    state = registration_init(site.table, TrackingSettings())
    mean, applied = state.mean.copy(), state.is_applied.copy()
    mean[3], applied[0, 3] = -2.0, True
    scan = site.scan(0, 10.0)
    fixed = registration_correct(replace(state, mean=mean, is_applied=applied), scan, scan.at_us_end + 500_000)
    assert fixed.at_us_end == scan.at_us_end + 500_000
    assert (fixed.at_us <= fixed.at_us_end).all()
    assert (fixed.at_us >= scan.at_us).all()


# ---------------------------------------------------------------- skies with known errors


@pytest.fixture(scope="module")
def pair_of_radars():
    return run([RADAR_1, RADAR_2], with_error([RADAR_1, RADAR_2]), 3, 240)


@pytest.fixture(scope="module")
def with_aircraft():
    return run([RADAR_1, RADAR_2, ADSB], with_error([RADAR_1, RADAR_2, ADSB]), 3, 240)


@pytest.mark.parametrize("which", ["pair_of_radars", "with_aircraft"])
def test_known_errors_are_found_within_their_uncertainty(which, request):
    out = request.getfixturevalue(which)
    mean, sigma = errors_of(out.state)
    off = np.abs(mean - out.site.bias)[:2] / sigma[:2]
    assert off.max() < 3.5
    assert np.mean(off < 1.96) >= 0.6  # of one run: its errors are tied to each other; over many runs 0.97 are inside
    assert out.state.is_applied[1, :2].all()
    assert (sigma[1, :3] * SCALE[:3] < [8.0, 0.1, 0.3]).all()
    last = [report for report in out.reports if report.sensor_id == "s1"][-1]
    assert "azimuth +1." in last.sentence
    assert last.sentence.endswith("corrected")
    assert {bias.component: bias.unit for bias in last.biases} == {
        "range": "m", "azimuth": "deg", "elevation": "deg", "clock": "s",
    }  # fmt: skip


def test_errors_drawn_from_the_prior_are_inside_their_intervals():
    """Normalised squared error, averaged over runs: its 99 % band for 8 components and 8 runs is 0.65 to 1.48."""
    squared, inside = [], []
    for seed in range(8):
        state = registration_init(table(RADAR_1, RADAR_2), TrackingSettings())
        bias = np.random.default_rng(900 + seed).normal(size=8) * state.prior_sigma[:8]
        out = run([RADAR_1, RADAR_2], bias.reshape(2, 4), 900 + seed, 120)
        error, cov = out.state.mean[:8] - bias, out.state.cov[:8, :8]
        squared.append(error @ np.linalg.solve(cov, error) / 8)
        inside.append(np.abs(error) < 1.96 * np.sqrt(np.diag(cov)))
    assert 0.4 < np.mean(squared) < 1.48
    assert np.mean(inside) >= 0.90


def test_what_cannot_be_seen_is_not_pretended(pair_of_radars):
    """Two radars cannot tell whose clock is wrong: the difference is known, the common part keeps its prior."""
    cov = pair_of_radars.state.cov
    common = 0.25 * (cov[3, 3] + cov[7, 7] + 2 * cov[3, 7])
    apart = cov[3, 3] + cov[7, 7] - 2 * cov[3, 7]
    assert np.sqrt(common) > 0.9 * 0.5 / np.sqrt(2)
    assert np.sqrt(apart) < 0.25


# ---------------------------------------------------------------- how often


def test_what_is_known_is_asked_less_often():
    """Early every scan of a slow radar is learned from; with many comparisons one scan in ten seconds, per sensor."""
    out = Run(Site([RADAR_1, RADAR_2], np.zeros((2, 4)), sky(np.random.default_rng(1), aircraft=0), 1))
    for start_s, since, least_us, most_turns in ((0, 0, 0, 60), (60, 10_000, SETTLED_US, 7)):
        out.state = replace(out.state, since=np.full(2, since))
        turns = []
        for _, scan in out.site.scans(60, start_s):
            out.take(scan)
            turns.append(out.state.turn_us.copy())
        for s in range(2):
            began = np.unique([turn[s] for turn in turns])[1:]
            assert 2 <= len(began) <= most_turns
            assert (np.diff(began) >= least_us).all()


def test_a_scan_that_can_teach_nothing_leaves_the_very_same_state():
    site = Site([RADAR_1, RADAR_2], np.zeros((2, 4)), sky(np.random.default_rng(1), aircraft=0), 1)
    out = Run(site)
    out.play(20)
    nobody = with_fields(out.events, pair_probability=out.events.pair_probability * 0.0)
    mark_s = 1e-6 * (out.state.at_us - T0)
    before = replace(out.state, anchors=no_anchors(), waiting=())
    state, said = registration_step(before, site.scan(0, mark_s + 0.01), nobody)
    assert state is before
    assert not said


def test_a_turn_in_sectors_teaches_what_the_whole_turn_teaches():
    """To the bit, each turn of both radars cut in three: in a part a plot has fewer rivals."""
    site = Site([RADAR_1, RADAR_2], with_error([RADAR_1, RADAR_2]), sky(np.random.default_rng(3), aircraft=0), 3)
    out = Run(site)
    cut = out.state
    for _, scan in site.scans(40):
        order = np.argsort(scan.z[:, 1], kind="stable")
        names = ("at_us", "z", "sigma", "origin_enu_m", "velocity_enu_mps", "claim_key", "rcs_dbsm", "message_seq")
        scan = with_fields(scan, **{name: getattr(scan, name)[order] for name in names})
        out.take(scan)
        third = np.searchsorted(scan.z[:, 1], np.linspace(0.0, 2 * np.pi, 4))
        edges = np.linspace(0.0, 2 * np.pi, 4)
        for k in range(3):
            rows = slice(third[k], third[k + 1])
            part = with_fields(scan, **{name: getattr(scan, name)[rows] for name in names},
                               sector_rad=(edges[k], edges[k + 1]))  # fmt: skip
            own = (out.events.pair_row >= third[k]) & (out.events.pair_row < third[k + 1])
            events = with_fields(
                out.events, pair_track_id=out.events.pair_track_id[own],
                pair_row=out.events.pair_row[own] - third[k], pair_probability=out.events.pair_probability[own],
            )  # fmt: skip
            cut, _ = registration_step(cut, part, events)
    assert not cut.parts
    assert cut.pairs.sum() > 20
    for name in ("mean", "cov", "pairs", "since", "turn_us", "is_applied", "noise_factor"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(out.state, name))


def test_between_turns_errors_walk_on_as_if_every_scan_had_been_looked_at():
    state = registration_init(table(RADAR_1, RADAR_2), TrackingSettings())
    state = replace(state, cov=0.01 * state.cov, at_us=T0)
    once = _walked(state, T0 + 10_000_000)
    for second in range(10):
        state = _walked(state, T0 + 1_000_000 * (second + 1))
    np.testing.assert_allclose(once.cov, state.cov, rtol=1e-12)


def test_an_honest_site_is_untouched_to_the_bit():
    site = Site([RADAR_1, RADAR_2, ADSB], np.zeros((3, 4)), sky(np.random.default_rng(5)), 5)
    out = Run(site)
    for _, scan in site.scans(150):
        assert registration_correct(out.state, scan) is scan
        out.take(scan)
    assert min(out.state.pairs[:2]) > 100
    assert not any(report.is_lying or report.is_disputed for report in out.reports)


def other_birds(s, t, z, rng):
    """Radar 1 follows one bird of a flock; radar 2 sees now and then another one, and never that one."""
    if s == 1:
        z[0, :2] += rng.normal(0.0, [150.0, 1.2 * DEG]) if rng.random() < 0.1 else [9000.0, 0.0]


def test_now_and_then_another_bird_is_no_error_of_the_radars():
    """Honest radars, a flock between them, a drone that hangs where a common range error hardly shows.

    Against the truth, which is zero: the normalised squared range error, averaged over skies, is 1 if calibrated.
    Learned from every lone pair it was 15, and in four of twelve skies plots were moved by 30 to 50 m.
    """
    squared = []
    sensors = [radar | {"pd": 1.0, "clutter": 0.0, "range_m": 12_000.0} for radar in (RADAR_1, RADAR_2)]
    for seed in range(12):
        bird = Target(np.array([-3400.0, 800.0, 90.0]), 9.0, 1.0, 0.2)
        drone = Target(np.array([2700.0, -4400.0, 120.0]), 0.5, 2.0, 0.05)
        out = Run(Site(sensors, np.zeros((2, 4)), [bird, drone], seed, other_birds))
        out.play(90)
        mean, sigma = errors_of(out.state)
        squared.append((mean[:, 0] / sigma[:, 0]) ** 2)
        assert not any(bias.is_applied for report in out.reports for bias in report.biases)
        assert out.state.pairs.min() > 20  # the drone teaches
    assert np.mean(squared) < 1.5


def test_a_true_error_is_found_within_a_minute():
    out = run([RADAR_1, RADAR_2], with_error([RADAR_1, RADAR_2]), 3, 60)
    mean, sigma = errors_of(out.state)
    assert out.state.is_applied[1, :2].all()
    assert (np.abs(mean - out.site.bias)[1, :2] < 3.5 * sigma[1, :2]).all()


def located(out: Run) -> float:
    """Mean distance of true targets to the nearest confirmed track, metres, at most 200 each."""
    picture = out.events.picture
    at_s = (picture.at_us - T0) / 1e6
    truth = np.array([target.at(at_s)[0] for target in out.site.targets])
    tracks = picture.position_enu_m[picture.is_confirmed]
    near = np.linalg.norm(truth[:, None] - tracks[None], axis=2).min(axis=1, initial=200.0)
    return float(np.mean(np.minimum(near, 200.0)))


def test_a_fused_picture_gets_as_good_as_without_errors():
    sensors, zero = [RADAR_1, RADAR_2], np.zeros((2, 4))
    bias = with_error(sensors)
    good, bad, mended = (
        np.mean([located(o) for o in played(sensors, b, register)])
        for b, register in ((zero, False), (bias, False), (bias, True))
    )
    assert bad > 1.5 * good
    assert mended < 1.15 * good


def played(sensors, bias, register):
    """The same sky seen for three minutes, then every second of half a minute."""
    out = Run(Site(sensors, bias, sky(np.random.default_rng(10), aircraft=0), 10), register=register)
    out.play(180)
    for second in range(30):
        out.play(1, 180 + second)
        yield out


# ---------------------------------------------------------------- lies


def wanders(s, t, z, rng):
    if s == 1:
        z[:, 1] += 2.0 * DEG * np.sin(2 * np.pi * t / 50)


def invents(s, t, z, rng):
    if s == 1:
        z[:, 0], z[:, 1] = rng.uniform(300, 18_000, len(z)), rng.uniform(0, 6.28, len(z))


@pytest.mark.parametrize("other", [RADAR_3, ADSB], ids=["radar", "aircraft"])
def test_a_sensor_that_wanders_is_named_with_the_reason(other):
    out = run([RADAR_1, RADAR_2, other], np.zeros((3, 4)), 0, 150, liar=wanders)
    assert out.state.is_lying.tolist() == [False, True, False]
    report = next(report for report in out.reports if report.is_lying)
    assert report.sensor_id == "s1"
    # said first of all; beside aircraft alone it is disputed then, and a lie once it has moved three times
    told = [reason for report in out.reports if report.sensor_id == "s1" for reason in report.reasons]
    assert "azimuth wanders by" in told[0]
    assert other is ADSB or "azimuth wanders by" in report.reasons[0]
    assert not out.state.is_applied[1].any()


def test_a_sensor_that_invents_is_named_with_the_reason():
    def close(targets):
        for target in targets:
            target.start[:2] = np.array([-6000.0, 3000.0]) + 0.4 * (target.start[:2] - [-6000.0, 3000.0])

    out = run([RADAR_1, RADAR_2, RADAR_3], np.zeros((3, 4)), 1, 200, liar=invents, change=close)
    assert out.state.is_lying.tolist() == [False, True, False]
    assert any("not where others see" in reason for reason in out.state.reasons[1])


def test_two_that_contradict_each_other_are_both_in_dispute():
    out = run([RADAR_1, RADAR_2], np.zeros((2, 4)), 1, 200, liar=wanders)
    assert not out.state.is_lying.any()
    assert out.state.is_disputed.all()
    assert not out.state.is_applied.any()


def test_a_mount_that_was_knocked_is_learned_anew():
    def knocked(s, t, z, rng):
        if s == 1 and t > 90:
            z[:, 1] += 1.2 * DEG

    out = run([RADAR_1, RADAR_2, RADAR_3], np.zeros((3, 4)), 0, 220, liar=knocked)
    mean, sigma = errors_of(out.state)
    assert out.state.restarts[1] >= 1
    assert out.state.restarts[[0, 2]].tolist() == [0, 0]
    assert not out.state.is_lying.any()
    assert out.state.is_applied[1, 1]
    assert abs(mean[1, 1] - 1.2 * DEG) < 4 * sigma[1, 1]


def test_a_spoofed_place_moves_no_radar():
    """An aircraft that claims to be 250 m from where it is: its own error is found, the radars stay."""

    def spoof(targets):
        for target in targets:
            target.offset = np.array([250.0, -150.0, 0.0]) if target.key else target.offset

    out = run([RADAR_1, RADAR_2, ADSB], np.zeros((3, 4)), 2, 200, change=spoof)
    mean, _ = errors_of(out.state)
    assert not out.state.is_lying.any()
    assert np.abs(mean[:2, 1]).max() < 0.3 * DEG
    assert np.abs(mean[:2, 0]).max() < 25.0


def test_a_bearing_finder_learns_from_a_radar_and_moves_none():
    """What is heard may stand elsewhere: with a transmitter beneath birds a radar's plots moved by 150 m."""
    bias = np.zeros((2, 4))
    bias[1, 1] = 2.0 * DEG
    out = run([RADAR_1, CAMERA], bias, 2, 60)
    mean, _ = errors_of(out.state)
    np.testing.assert_array_equal(mean[0], 0.0)
    assert out.state.pairs[0] == 0
    assert not out.state.is_applied[0].any()
    assert out.state.pairs[1] > 50
    assert abs(mean[1, 1] - bias[1, 1]) < 0.3 * DEG


# ---------------------------------------------------------------- a value


def test_a_state_is_a_value_and_runs_agree_to_the_bit(pair_of_radars):
    state = pair_of_radars.state
    again = pickle.loads(pickle.dumps(state))
    for name in ("mean", "cov", "pairs", "is_applied"):
        np.testing.assert_array_equal(getattr(again, name), getattr(state, name))
    other = run([RADAR_1, RADAR_2], with_error([RADAR_1, RADAR_2]), 3, 60)
    same = run([RADAR_1, RADAR_2], with_error([RADAR_1, RADAR_2]), 3, 60)
    np.testing.assert_array_equal(other.state.mean, same.state.mean)
    np.testing.assert_array_equal(other.state.cov, same.state.cov)


def test_the_covariance_stays_a_covariance(with_aircraft):
    cov = with_aircraft.state.cov
    np.testing.assert_array_equal(cov, cov.T)
    assert np.linalg.eigvalsh(cov / np.outer(np.sqrt(np.diag(cov)), np.sqrt(np.diag(cov)))).min() > -1e-9
    assert (np.sqrt(np.diag(cov)) <= with_aircraft.state.prior_sigma * (1 + 1e-9)).all()
