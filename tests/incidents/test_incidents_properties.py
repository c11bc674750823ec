"""Laws of the room: nothing handed in changes, equal input gives equal output, every record passes its own door."""

from __future__ import annotations

import copy
import pickle

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from night import HEAVY, RADAR, RID, START_US, Script, claim, healthy, make_place, make_table, picture, play, smuggler

from araz.geography import ellipse_from_covariance
from araz.incidents import Inputs, cones_of, init, step, tracks_of
from araz.incidents._records import ellipses
from araz.vocabulary import (
    Bearing,
    Cone,
    Decision,
    DecisionAction,
    Event,
    Observation,
    PeopleReport,
    Position,
    ReportKind,
    SensorState,
    Track,
    TrackClass,
)

PLACE = make_place()
TABLE = make_table(PLACE)


@st.composite
def scripts(draw):
    out = []
    for k in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, 10))
        points, t = [], float(start)
        for _ in range(draw(st.integers(2, 5))):
            points.append((t, draw(st.floats(-3000, 3000)), draw(st.floats(-2500, 2500)), draw(st.floats(0, 400))))
            t += draw(st.floats(2.0, 25.0))
        kind = draw(st.sampled_from(list(TrackClass)))
        out.append(
            Script(
                k + 1, points, {kind: draw(st.floats(0, 1))}, draw(st.sampled_from([float("nan"), -30.0, -10.0, 8.0])),
                mask=draw(st.integers(0, 31)), claim_key=draw(st.sampled_from([0, 0, 5, 6])),
                sigma_m=draw(st.floats(0.1, 800.0)), hidden=draw(st.booleans()),
            )
        )  # fmt: skip
    return out


def noisy_inputs(t, _):
    at = START_US + int(t * 1e6)
    lat, lon, _hae = PLACE.frame.to_geodetic(np.array([[100.0 * t, -500.0, 0.0]]))
    seen, decisions = [], []
    if t % 7 == 3:
        report = PeopleReport(kind=list(ReportKind)[int(t) % 4], reporter="post-4", report_id=f"r{t}")
        seen.append(
            Observation(
                sensor_id="post-4", observed_at_us=at, received_at_us=at, report=report,
                measurement=Bearing(azimuth_deg=(40.0 * t) % 360.0),
            )
        )  # fmt: skip
    if t % 5 == 2:
        position = Position(latitude_deg=float(lat[0]), longitude_deg=float(lon[0]))
        seen.append(
            Observation(
                sensor_id="rid-1", observed_at_us=at, received_at_us=at, measurement=position, claim=claim("FIVE")
            )
        )
        seen.append(
            Observation(
                sensor_id="acoustic-3", observed_at_us=at, received_at_us=at, measurement=Bearing(azimuth_deg=9.0)
            )
        )
    if t % 11 == 4:
        decisions.append(
            Decision(
                decision_id=f"d{t}", alarm_id=f"A{1 + int(t) % 3:04d}", revision=1,
                action=list(DecisionAction)[int(t) % 4], officer="desk-1", at_us=at,
            )
        )  # fmt: skip
    return {"observations": seen, "decisions": decisions}


CLAIMS = {5: claim("FIVE"), 6: claim("FRIEND-1")}


def flaky(t):
    return healthy(t, acoustic_3=SensorState.SILENT if 8 < t < 20 else SensorState.OK)


@settings(max_examples=25)
@given(scripts())
def test_any_night_is_deterministic_and_its_records_pass_their_door(tracks):
    nights = [play(PLACE, TABLE, tracks, 45.0, claims=CLAIMS, inputs_at=noisy_inputs, health=flaky) for _ in range(2)]
    first, second = (msgspec.json.encode(events) for _, events in nights)
    assert first == second
    assert b"NaN" not in first
    decoded = msgspec.json.decode(first, type=list[Event])
    assert msgspec.json.encode(decoded) == first
    # JSON writes a NaN as null, which the strict types refuse: decoding proves there is none.
    state = nights[0][0]
    now = picture(PLACE, tracks, 20.0)
    records = tracks_of(state, now, PLACE, CLAIMS, TABLE.sensor_id)
    assert msgspec.json.decode(msgspec.json.encode(records), type=list[Track]) == records
    cones = cones_of(state, START_US + 45_000_000)
    assert msgspec.json.decode(msgspec.json.encode(cones), type=list[Cone]) == cones


@settings(max_examples=10)
@given(scripts(), st.integers(5, 40))
def test_a_state_handed_in_is_never_changed_and_survives_pickling(tracks, at_s):
    state, _ = play(PLACE, TABLE, tracks, float(at_s), claims=CLAIMS, inputs_at=noisy_inputs, health=flaky)
    fields = [f for f in state.__dataclass_fields__ if f not in ("context", "stats")]
    before = copy.deepcopy({f: getattr(state, f) for f in fields})
    arrays = {f: getattr(state.stats, f).copy() for f in state.stats.__dataclass_fields__}
    thawed = pickle.loads(pickle.dumps(state))
    kept = [play(PLACE, TABLE, tracks, at_s + 10.0, claims=CLAIMS, inputs_at=noisy_inputs, health=flaky,
                 state=s, from_s=float(at_s))[1] for s in (state, thawed)]  # fmt: skip
    assert kept[0] == kept[1]
    assert {f: getattr(state, f) for f in fields} == before
    for f, values in arrays.items():
        np.testing.assert_array_equal(getattr(state.stats, f), values)


def test_a_step_back_in_time_or_an_empty_sky_is_no_error():
    state = init(PLACE, TABLE)
    for t in (50.0, 10.0, 0.0, 51.0):
        state, events = step(state, Inputs(now_us=START_US + int(t * 1e6), picture=picture(PLACE, [], t)))
        assert events == []
    assert state.last_us == START_US + 51_000_000


def test_nan_rows_are_left_out():
    bad = Script(2, [(0, 0, 900, 50), (60, 0, 100, 50)], HEAVY, jitter=lambda t, p, v: (p * np.nan, v))
    state, events = play(PLACE, TABLE, [smuggler(), bad], 30.0)
    now = picture(PLACE, [smuggler(), bad], 30.0)
    assert [r.track_id for r in tracks_of(state, now, PLACE, {}, TABLE.sensor_id)] == ["T0001"]
    assert b"null" not in msgspec.json.encode([e.areas for e in events])


def test_state_stays_bounded_over_a_busy_night():
    state = None
    rng = np.random.default_rng(0)
    sizes = []
    for block in range(6):
        t0 = block * 600.0
        busy = [
            Script(block * 50 + k + 1, [(t0 + 1, x, 1500, 70), (t0 + 120, x, -1500, 70)], HEAVY, -10.0,
                   mask=RADAR | RID * (k % 2), claim_key=block * 50 + k + 1)
            for k, x in enumerate(rng.uniform(-8000, 8000, 12))
        ]  # fmt: skip
        claims = {s.claim_key: claim(f"ID-{s.claim_key}") for s in busy}
        for t in (0.0, 590.0):
            state, _ = play(PLACE, TABLE, busy, t0 + t + (130.0 if t == 0.0 else 2.0), claims=claims,
                            state=state, from_s=t0 + t, inputs_at=noisy_inputs)  # fmt: skip
        sizes.append(len(pickle.dumps([getattr(state, f) for f in state.__dataclass_fields__ if f != "context"])))
    assert sizes[-1] < 1.3 * max(sizes[2:4])
    assert len(state.memories) <= 50
    assert len(state.cards) < 60


def test_sensors_of_another_site_are_refused():
    import dataclasses

    other = dataclasses.replace(TABLE, sensor_id=("stranger", *TABLE.sensor_id[1:]))
    with pytest.raises(ValueError, match="not in the site file"):
        init(PLACE, other)


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4), st.floats(-0.99, 0.99), st.sampled_from([0.5, 0.95]))
def test_many_ellipses_are_the_one_ellipse(xx, yy, correlation, probability):
    xy = correlation * np.sqrt(xx * yy)
    covariance = np.array([[xx, xy], [xy, yy]])
    major, minor, azimuth = ellipses(covariance[None], probability)
    one = ellipse_from_covariance(covariance, probability)
    assert major[0] == pytest.approx(one[0], rel=1e-6)
    assert minor[0] == pytest.approx(one[1], rel=1e-3, abs=1e-3)
    if one[0] > 1.01 * one[1]:
        apart = abs(azimuth[0] - one[2]) % 180.0
        assert min(apart, 180.0 - apart) < 1e-3
