"""What an operator relies on: tracks begin, keep their name, and end when they should."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import fields

import numpy as np
import pytest
from tracking_lab import BEARING, POLAR, POSITION, T0, polar_of, scan, table

from araz.tracking import State, init, predict_picture, step
from araz.tracking import _step as stepping
from araz.vocabulary import TrackChange, TrackingSettings

RADAR = {"kind": POLAR, "sigma": (8.0, 0.004, 0.006, 0.5), "clutter": 2.0}
FLAT_RADAR = {"kind": POLAR, "sigma": (8.0, 0.01, np.nan, np.nan), "clutter": 2.0}
CLAIMS = {"kind": POSITION, "sigma": (4.0, 4.0, 8.0, 1.0), "clutter": 0.0, "claims": True, "pd": 0.95}
PEOPLE = {"kind": BEARING, "sigma": (0.1, 0.2, np.nan, np.nan), "people": True, "pd": 0.3, "clutter": 0.2}
START, VELOCITY = np.array([1500.0, 2500.0, 150.0]), np.array([12.0, -8.0, 0.0])


def place(at_s, start=START, velocity=VELOCITY):
    return np.asarray(start, float) + np.asarray(velocity, float) * at_s


def noisy(rng, position, velocity, sensor):
    z = polar_of(position, velocity)
    z = z + rng.normal(size=4) * np.nan_to_num(np.array(sensor["sigma"]))
    z[np.isnan(sensor["sigma"])] = np.nan
    return z


def follow(sensors, state, seconds, *, sensor=RADAR, s=0, first=0, seed=5, every=1.0):
    """Radar scans of one target for a while; gives the state and all events."""
    rng = np.random.default_rng(seed)
    told = []
    for k in range(seconds):
        at = first + k * every
        z = [noisy(rng, place(at), VELOCITY, sensor)]
        state, events = step(state, scan(sensors, s, at, z))
        told.append(events)
    return state, told


def confirmed(picture):
    return picture.track_id[picture.is_confirmed]


def changes(told, kind):
    return [int(i) for events in told for i, c in zip(events.changed_id, events.change, strict=True) if c == kind]


@pytest.mark.parametrize("sensor", [RADAR, FLAT_RADAR], ids=["3-D", "2-D"])
def test_a_target_becomes_one_track_confirmed_once(sensor):
    sensors = table(sensor)
    state, told = follow(sensors, init(sensors, TrackingSettings()), 20, sensor=sensor)
    ids = confirmed(told[-1].picture)
    assert len(ids) == 1
    assert changes(told, TrackChange.CONFIRMED) == [ids[0]]
    assert changes(told, TrackChange.ENDED) == []
    picture = predict_picture(state, T0 + 19_000_000)
    error = np.linalg.norm(picture.position_enu_m[0, :2] - place(19)[:2])
    assert error < 60
    assert picture.covariance[0, 2, 2] > 0


def test_flying_through_north_keeps_the_track():
    sensors = table(RADAR)
    state = init(sensors, TrackingSettings())
    rng, ids = np.random.default_rng(1), set()
    velocity = np.array([-20.0, 0.0, 0.0])
    for k in range(30):
        position = np.array([300.0, 3000.0, 120.0]) + velocity * k
        state, events = step(state, scan(sensors, 0, k, [noisy(rng, position, velocity, RADAR)]))
        ids |= set(confirmed(events.picture).tolist())
    assert len(ids) == 1
    row = int(np.flatnonzero(events.picture.is_confirmed)[0])
    assert np.linalg.norm(events.picture.position_enu_m[row] - position) < 40


def test_a_bearing_never_starts_a_track():
    sensors = table({"kind": BEARING, "sigma": (0.02, 0.02, np.nan, np.nan)})
    state = init(sensors, TrackingSettings())
    for k in range(20):
        state, events = step(state, scan(sensors, 0, k, [[0.5, 0.1]]))
        assert len(events.picture.track_id) == 0


def test_a_bearing_sharpens_an_existing_track_across_its_line():
    finder = {"kind": BEARING, "sigma": (0.002, np.nan, np.nan, np.nan), "origin": (1500.0, -3000.0, 0.0)}
    sensors = table(RADAR, finder)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    z = polar_of(place(9), origin=finder["origin"])
    after, events = step(state, scan(sensors, 1, 9, [[z[1]]], complete=False))
    before = predict_picture(state, state.at_us)
    assert np.trace(events.picture.covariance[0][:3, :3]) < np.trace(before.covariance[0][:3, :3])
    assert events.picture.existence[0] >= before.existence[0]
    assert after.tracks.sensor_mask[0] == 0b11


@pytest.mark.parametrize("other", [PEOPLE, CLAIMS, {"kind": BEARING, "sigma": (0.03, np.nan, np.nan, np.nan)}])
def test_silence_of_people_claims_and_finders_is_no_evidence(other):
    sensors = table(RADAR, other)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    before = state.tracks.existence[0]
    for k in range(20):
        state, _ = step(state, scan(sensors, 1, 9 + 0.01 * k, complete=True))
    assert state.tracks.existence[0] > before - 0.01


def test_a_wide_wrong_bearing_does_not_destroy_a_track():
    sensors = table(RADAR, PEOPLE)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    for k in range(20):
        state, events = step(state, scan(sensors, 1, 9 + 0.01 * k, [[2.8]], complete=False))
    assert events.picture.existence[0] > 0.9


@pytest.mark.parametrize("length", [5, 30])
def test_a_track_ends_within_a_few_scans_of_its_target(length):
    sensors = table(RADAR)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), length)
    ended, scans = [], 0
    while not ended and scans < 10:
        state, events = step(state, scan(sensors, 0, length + scans))
        ended += changes([events], TrackChange.ENDED)
        scans += 1
    assert len(ended) == 1
    assert scans <= 6
    assert len(state.tracks.track_id) == 0


def test_partial_scans_do_not_punish():
    sensors = table(RADAR)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    before = state.tracks.existence[0]
    for k in range(10):
        state, _ = step(state, scan(sensors, 0, 9 + 0.01 * k, complete=False))
    assert state.tracks.existence[0] > before - 0.01


def test_only_the_sector_looked_at_counts():
    sensors = table(RADAR)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    azimuth = polar_of(place(9))[1]
    away, _ = step(state, scan(sensors, 0, 9.1, sector=(azimuth + 0.5, azimuth + 1.5)))
    there, _ = step(state, scan(sensors, 0, 9.1, sector=(azimuth - 0.5, azimuth + 0.5)))
    across = azimuth + 0.5 + 2 * np.pi
    wrapped, _ = step(state, scan(sensors, 0, 9.1, sector=(azimuth - 0.5, across)))
    assert there.tracks.existence[0] < away.tracks.existence[0] - 0.01
    np.testing.assert_allclose(wrapped.tracks.existence[0], there.tracks.existence[0])


def test_two_halves_of_a_turn_say_what_the_whole_says():
    sensors = table(RADAR)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    azimuth = polar_of(place(9))[1]
    whole, _ = step(state, scan(sensors, 0, 9.1))
    edges = azimuth - 1.0, azimuth + 2.0
    halves, _ = step(state, scan(sensors, 0, 9.1, sector=edges))
    halves, _ = step(halves, scan(sensors, 0, 9.1, sector=edges[::-1]))
    for name in ("existence", "echo", "doubt"):
        np.testing.assert_allclose(getattr(halves.tracks, name)[0], getattr(whole.tracks, name)[0], rtol=1e-9)


@pytest.mark.parametrize("edges", [(-0.01, 0.02), (0.01, 0.5), (-2.0, -0.005), (0.03, -0.03)])
def test_the_chance_that_the_beam_passed_is_that_of_the_tracks_bearing(edges):
    """Held against draws of the track's place, counted by their bearing."""
    from araz.tracking._sight import passed, sector_of

    sensors = table(RADAR)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 4)
    g = state.tracks.belief.gauss[0].copy()
    mean, covariance = g[:2], np.array([[9_000.0, -3_000.0], [-3_000.0, 7_000.0]])
    g[6], g[7], g[8] = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    azimuth = np.arctan2(mean[0], mean[1])
    sector = sector_of((azimuth + edges[0], azimuth + edges[1]))
    draws = np.random.default_rng(0).multivariate_normal(mean, covariance, 400_000)
    past = (np.arctan2(draws[:, 0], draws[:, 1]) - sector[0]) % (2 * np.pi)
    assert passed(state.view, 0, g, sector) == pytest.approx(np.mean(past <= sector[1]), abs=0.01)


def ridge():
    """Terrain 80 cells of 100 m across that hides everything east of 2,400 m below 600 m."""
    lowest = np.full((81, 81), -1e9, np.float32)
    lowest[:, 40 + 24 :] = 600.0
    return lowest


def test_a_track_behind_terrain_keeps_its_name_for_half_a_minute():
    sensors = table(RADAR, raster=ridge())
    settings = TrackingSettings()
    state = init(sensors, settings)
    rng, velocity = np.random.default_rng(2), np.array([15.0, 0.0, 0.0])
    seen_ids, hidden_seen = set(), False
    for k in range(90):
        position = np.array([2000.0, 500.0, 120.0]) + velocity * k
        behind = 2400 < position[0] < 2400 + 15 * 30
        z = [] if behind else [noisy(rng, position, velocity, RADAR)]
        state, events = step(state, scan(sensors, 0, k, z))
        seen_ids |= set(confirmed(events.picture).tolist())
        if behind and position[0] > 2600:
            row = int(np.flatnonzero(events.picture.is_confirmed)[0])
            hidden_seen |= bool(events.picture.hidden[row])
            assert events.picture.existence[row] > 0.8
        assert changes([events], TrackChange.ENDED) == []
    assert hidden_seen
    assert len(seen_ids) == 1


def test_a_track_nobody_sees_again_ends_after_the_coast():
    sensors = table(RADAR, raster=ridge())
    settings = TrackingSettings(coast_max_s=40.0)
    state, rng = init(sensors, settings), np.random.default_rng(2)
    for k in range(20):
        position = np.array([2200.0, 500.0, 120.0]) + np.array([12.0, 0.0, 0.0]) * k
        z = [noisy(rng, position, (12, 0, 0), RADAR)] if position[0] < 2400 else []
        state, _ = step(state, scan(sensors, 0, k, z))
    ended_at = None
    for k in range(20, 100):
        state, events = step(state, scan(sensors, 0, k))
        if changes([events], TrackChange.ENDED):
            ended_at = k
            break
    assert ended_at is not None
    assert 50 <= ended_at <= 60


def test_a_dead_sensor_lets_no_track_live_on():
    sensors = table(RADAR, PEOPLE)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    assert len(predict_picture(state, T0 + 60_000_000).track_id) == 1
    assert len(predict_picture(state, T0 + 75_000_000).track_id) == 0
    state, events = step(state, scan(sensors, 1, 75, complete=False))
    assert changes([events], TrackChange.ENDED) == [1]
    assert len(state.tracks.track_id) == 0


def test_a_claim_makes_one_track_and_a_spoof_beside_it_another():
    sensors = table(CLAIMS)
    state = init(sensors, TrackingSettings())
    rng = np.random.default_rng(4)
    told = []
    for k in range(12):
        both = [place(k) + rng.normal(0, 3, 3), place(k) + 5.0 + rng.normal(0, 3, 3)]
        state, events = step(state, scan(sensors, 0, k, both, keys=[77, 88], velocity=[VELOCITY] * 2, complete=False))
        told.append(events)
    picture = told[-1].picture
    assert sorted(picture.claim_key[picture.is_confirmed].tolist()) == [77, 88]
    assert len(changes(told, TrackChange.CONFIRMED)) == 2
    assert changes(told[:3], TrackChange.CONFIRMED), "two or three consistent claims are enough"


def test_an_airliner_that_claims_only_places_is_one_track():
    """Broadcast positions come without velocity; a drone's speed prior would lose an aircraft at 110 m/s."""
    sensors = table({**CLAIMS, "range_m": np.nan})
    state, rng, told = init(sensors, TrackingSettings()), np.random.default_rng(4), []
    velocity = np.array([-90.0, 60.0, 5.0])
    for k in range(0, 40, 2):
        z = [np.array([30_000.0, 9000.0, 6000.0]) + velocity * k + rng.normal(0, 5, 3)]
        state, events = step(state, scan(sensors, 0, k, z, keys=[31], complete=False))
        told.append(events)
    assert len(changes(told, TrackChange.CONFIRMED)) == 1
    assert len(confirmed(events.picture)) == 1
    np.testing.assert_allclose(events.picture.velocity_enu_mps[0], velocity, atol=8)


def test_a_radar_track_takes_on_the_claim_of_its_own_target():
    sensors = table(RADAR, CLAIMS)
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 10)
    for k in range(10, 14):
        state, _ = step(state, scan(sensors, 0, k, [polar_of(place(k), VELOCITY)]))
        state, events = step(state, scan(sensors, 1, k + 0.1, [place(k + 0.1)], keys=[42], complete=False))
    shown = events.picture.is_confirmed
    assert events.picture.claim_key[shown].tolist() == [42]
    assert events.picture.sensor_mask[shown].tolist() == [0b11]


def test_one_claim_heard_three_times_in_a_scan_is_one_track():
    sensors = table(CLAIMS)
    state = init(sensors, TrackingSettings())
    for k in range(5):
        times = [0.8, 0.4, 0.0]
        z = [place(k - back) for back in times]
        state, events = step(
            state, scan(sensors, 0, k, z, keys=[9] * 3, back_s=times, velocity=[VELOCITY] * 3, complete=False)
        )
    assert len(confirmed(events.picture)) == 1
    assert (events.picture.claim_key == 9).sum() == 1
    assert sorted(set(events.pair_row.tolist())) == [0, 1, 2]


def test_detections_keep_their_own_time_within_a_slow_scan():
    """A 4 s rotation: each plot is older than the mark; ignoring that would leave the track a fix behind."""
    sensors = table({**RADAR, "period": 4.0})
    state, rng = init(sensors, TrackingSettings()), np.random.default_rng(8)
    velocity = np.array([25.0, 0.0, 0.0])
    for k in range(15):
        back = 2.5
        position = START + velocity * (4 * k - back)
        state, events = step(state, scan(sensors, 0, 4 * k, [noisy(rng, position, velocity, RADAR)], back_s=back))
    row = int(np.flatnonzero(events.picture.is_confirmed)[0])
    assert abs(events.picture.position_enu_m[row, 0] - (START + velocity * 56)[0]) < 25
    assert events.picture.updated_at_us[row] == T0 + 53_500_000


def test_a_late_scan_is_used_and_a_stale_one_counted():
    sensors = table(RADAR, {**RADAR, "origin": (3000.0, 0.0, 0.0)})
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 50)
    late, events = step(state, scan(sensors, 1, 48, [polar_of(place(48), VELOCITY, (3000.0, 0.0, 0.0))]))
    assert late.late_scans == 0
    assert late.at_us == state.at_us
    assert late.tracks.sensor_mask[0] == 0b11
    row = int(np.flatnonzero(events.picture.is_confirmed)[0])
    assert np.linalg.norm(events.picture.position_enu_m[row] - place(49)) < 40
    stale, events = step(state, scan(sensors, 1, 5.0, [polar_of(place(5), VELOCITY, (3000.0, 0.0, 0.0))]))
    assert stale.late_scans == 1
    assert len(events.pair_row) == 0
    assert stale.now is state.now


def test_the_overflow_drops_the_least_likely_and_counts_them(monkeypatch):
    monkeypatch.setattr(stepping, "TRACK_LIMIT", 30)
    sensors = table({**RADAR, "clutter": 50.0})
    state, _ = follow(sensors, init(sensors, TrackingSettings()), 8)
    rng = np.random.default_rng(0)
    many = np.column_stack((rng.uniform(500, 9000, 80), rng.uniform(0, 6, 80), np.full(80, 0.05), np.zeros(80)))
    state, events = step(state, scan(sensors, 0, 8, [*many, polar_of(place(8), VELOCITY)]))
    assert len(state.tracks.track_id) == 30
    assert state.dropped_tracks > 0
    assert len(confirmed(events.picture)) == 1


def test_ids_are_never_reused_and_pairs_name_rows_of_the_scan():
    sensors = table({**RADAR, "clutter": 20.0})
    state, rng, alive, gone = init(sensors, TrackingSettings()), np.random.default_rng(6), set(), set()
    for k in range(25):
        clutter = np.column_stack((rng.uniform(500, 9000, 15), rng.uniform(0, 6, 15), np.full((15, 2), 0.05)))
        state, events = step(state, scan(sensors, 0, k, [*clutter, polar_of(place(k), VELOCITY)]))
        now = set(events.picture.track_id.tolist())
        assert not now & gone
        gone |= alive - now
        alive = now
        assert set(events.pair_row.tolist()) <= set(range(16))
        assert ((events.pair_probability > 0.01) & (events.pair_probability <= 1 + 1e-9)).all()
    assert set(events.pair_row[events.pair_track_id == confirmed(events.picture)[0]].tolist()) >= {15}


def test_a_fast_high_target_with_a_big_echo_is_not_called_a_multirotor():
    sensors = table({**RADAR, "range_m": 30_000.0})
    state = init(sensors, TrackingSettings())
    velocity = np.array([70.0, 10.0, 0.0])
    assert state.next_number == 1
    for k in range(60):
        z = [polar_of(np.array([-2000.0, 5000.0, 900.0]) + velocity * k, velocity)]
        state, events = step(state, scan(sensors, 0, k, z, rcs=8.0))
        if k == 1:
            assert events.picture.class_probability[0].argmax() == 0
    row = int(np.flatnonzero(events.picture.is_confirmed)[0])
    chances = events.picture.class_probability[row]
    assert chances.sum() == pytest.approx(1)
    assert chances.argmax() == 5
    assert chances[1] < 0.05


def same(a: State, b: State) -> bool:
    def equal(x, y):
        if hasattr(x, "__dataclass_fields__"):
            return all(equal(getattr(x, f.name), getattr(y, f.name)) for f in fields(x))
        if isinstance(x, tuple):
            return len(x) == len(y) and all(map(equal, x, y))
        return x.tobytes() == y.tobytes() if isinstance(x, np.ndarray) else x == y

    return equal(a, b)


def test_two_runs_and_a_resume_from_a_pickle_agree_to_the_bit():
    sensors = table({**RADAR, "clutter": 10.0}, CLAIMS)

    def run(state, first, last):
        for k in range(first, last):
            rng = np.random.default_rng(k)
            clutter = np.column_stack((rng.uniform(500, 9000, 10), rng.uniform(0, 6, 10), np.full((10, 2), 0.05)))
            state, _ = step(state, scan(sensors, 0, k, [*clutter, noisy(rng, place(k), VELOCITY, RADAR)]))
            state, _ = step(state, scan(sensors, 1, k + 0.3, [place(k + 0.3)], keys=[5], complete=False))
        return state

    start = init(sensors, TrackingSettings())
    whole = run(start, 0, 20)
    assert same(whole, run(init(sensors, TrackingSettings()), 0, 20))
    half = run(start, 0, 10)
    frozen = pickle.dumps(half)
    assert same(whole, run(pickle.loads(frozen), 10, 20))
    assert pickle.dumps(half) == frozen, "a step must not write into the state it was given"
    assert same(start, init(sensors, TrackingSettings()))


@pytest.mark.parametrize("field", ["sensor_index", "kind", "z"])
def test_a_wrong_call_is_told_so(field):
    from dataclasses import replace

    sensors = table(RADAR)
    state = init(sensors, TrackingSettings())
    good = scan(sensors, 0, 0, [polar_of(place(0))])
    bad = {"sensor_index": 3, "kind": 9, "z": np.zeros((2, 4))}[field]
    with pytest.raises(ValueError, match=r"sensor table|MeasurementKind|shape"):
        step(state, replace(good, **{field: bad}))


def test_init_refuses_a_table_whose_columns_disagree():
    from dataclasses import replace

    with pytest.raises(ValueError, match="one row for each"):
        init(replace(table(RADAR), period_s=np.ones(3)), TrackingSettings())


def test_a_target_caught_only_now_and_then_keeps_its_name():
    """The table says 0.9, the echo of a small thing far out gives 0.35: the track learns it and lives on."""
    sensors = table(RADAR)
    state, rng, ids = init(sensors, TrackingSettings()), np.random.default_rng(21), []
    for k in range(240):
        seen = k < 15 or rng.random() < 0.35
        z = [noisy(rng, place(k), VELOCITY, RADAR)] if seen else []
        state, events = step(state, scan(sensors, 0, k, z))
        ids += confirmed(events.picture).tolist()
    assert len(set(ids)) <= 3
    assert state.tracks.echo.shape[1:] == (1, 4)
    np.testing.assert_allclose(state.tracks.echo.sum(axis=2), 1.0)
    assert state.tracks.echo[0, 0, 2:].sum() > 0.5


def test_a_plot_that_errs_underground_begins_above_the_lowest_visible_height():
    low = np.full((81, 81), -50.0, np.float32)
    coarse = {**RADAR, "sigma": (8.0, 0.004, 0.02, np.nan)}
    sensors = table(coarse, raster=low)
    z = polar_of([3000.0, 2000.0, -120.0])
    state, _ = step(init(sensors, TrackingSettings()), scan(sensors, 0, 0, [z[:3]]))
    up, sigma = state.tracks.belief.gauss[0, 2], np.sqrt(state.tracks.belief.gauss[0, 11])
    draws = np.random.default_rng(0).normal(z[0] * np.sin(z[2]), z[0] * np.cos(z[2]) * 0.02, 2_000_000)
    above = draws[draws > -50.0]
    assert up == pytest.approx(above.mean(), abs=1.0)
    assert sigma == pytest.approx(above.std(), abs=1.0)


def test_a_turn_in_sectors_learns_the_same_map_of_false_plots():
    sensors = table({**RADAR, "clutter": 8.0, "range_m": 8000.0})
    whole = cut = init(sensors, TrackingSettings())
    rng = np.random.default_rng(3)
    quarters = np.linspace(0.0, 2 * np.pi, 5)
    for k in range(60):
        n = rng.poisson(8)
        z = np.column_stack((8000 * np.sqrt(rng.uniform(0.05, 1, n)), rng.uniform(0, 2 * np.pi, n), np.full(n, 0.01)))
        whole, _ = step(whole, scan(sensors, 0, 3 * k + 2, z))
        for a, b in itertools.pairwise(quarters):
            part = z[(z[:, 1] >= a) & (z[:, 1] < b)]
            cut, _ = step(cut, scan(sensors, 0, 3 * k + 2 + 0.01 * a, part, sector=(a, b)))
    parts, turns = cut.now.learned_of(0), whole.now.learned_of(0)
    assert parts.scans == turns.scans
    assert parts.mass.sum() == pytest.approx(turns.mass.sum(), rel=0.05)
    together = np.corrcoef(parts.mass.ravel(), turns.mass.ravel())
    assert together[0, 1] > 0.95


def test_false_plots_teach_where_they_lie():
    """Low and slow clutter: a high fast plot then stands out by the ratio of the learned densities."""
    from araz.tracking._clutter import CROWD_WHOLES, densities
    from araz.tracking._measure import plan_positions, prepare
    from araz.tracking._scratch import scratch_of

    sensors = table({**RADAR, "clutter": 8.0, "range_m": 8000.0})
    state, rng = init(sensors, TrackingSettings()), np.random.default_rng(2)
    for k in range(200):
        n = rng.poisson(8)
        reach = 8000 * np.sqrt(rng.uniform(0.05, 1, n))
        z = np.column_stack((reach, rng.uniform(0, 6.28, n), rng.uniform(0, 50, n) / reach, rng.normal(0, 2, n)))
        state, _ = step(state, scan(sensors, 0, k, z))
    two = scan(sensors, 0, 201, [[4000.0, 1.0, 25 / 4000, 0.0], [4000.0, 1.0, 400 / 4000, 15.0]])
    found = prepare(two, sensors, np.arange(2))
    place, (clutter, birth, ground) = np.empty((2, 3)), np.empty((3, 2))
    plan_positions(found, place)
    learned, scratch = state.now.learned_of(0), scratch_of(0, CROWD_WHOLES, 0)
    densities(state.view, 0, 1.0, learned, found, place, clutter, birth, ground, scratch)
    assert clutter[0] / clutter[1] > 30
    assert birth[0] == pytest.approx(birth[1], rel=0.02)
