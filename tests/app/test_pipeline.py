"""The pipeline: pure, deterministic, and deaf to nothing."""

import math
import pickle

import msgspec
import numpy as np
import pytest

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, SiteError, bundle_from_file
from araz.sensors import AsterixPlot, encode_asterix_034, encode_asterix_048, encode_report
from araz.vocabulary import Alarm, Message, PeopleReport, Picture, Rejected, ReportKind, SensorHealth, SensorState

START_US = 1_790_000_000_000_000


def night(root, seconds=90, seed=0):
    """Messages of a night: the site, then a radar that follows one target through clutter, and odd bytes between."""
    rng = np.random.default_rng(seed)
    out = [(START_US, SITE_SOURCE, bundle_from_file(root / "sites" / "horadiz" / "site.toml"))]
    for k in range(seconds):
        at_us, north_m = START_US + k * 1_000_000, -5000.0 + 12.0 * k
        clock_s = (at_us / 1e6) % 86400
        plots = [
            AsterixPlot(math.hypot(500, north_m) + rng.normal(0, 8), math.degrees(math.atan2(500, north_m)) % 360,
                        altitude_amsl_m=250.0),
            *(AsterixPlot(rng.uniform(300, 8000), rng.uniform(0, 360), altitude_amsl_m=rng.uniform(200, 900))
              for _ in range(4)),
        ]  # fmt: skip
        out.append((at_us + 40_000, "radar-1", encode_asterix_048(25, 1, clock_s, plots)))
        out.append((at_us + 50_000, "radar-1", encode_asterix_034(25, 1, clock_s)))
        if k % 20 == 7:
            out.append((at_us + 60_000, "radar-1", rng.bytes(30)))
    heard = PeopleReport(kind=ReportKind.HEARD, reporter="post-4", report_id="r")
    out.append((START_US + seconds * 1_000_000, "reports", encode_report(heard, START_US, azimuth_deg=170.0)))
    out.append((START_US + seconds * 1_000_000 + 1, pipeline.TICK_SOURCE, b""))
    return [Message(seq=seq, received_at_us=at, source=source, payload=p) for seq, (at, source, p) in enumerate(out)]


def judge(messages, state=None):
    state, events = pipeline.init() if state is None else state, []
    for message in messages:
        state, said = pipeline.step(state, message)
        events += said
    return state, events


@pytest.fixture(scope="module")
def messages(root):
    return night(root)


def test_a_target_is_found_and_told(messages):
    state, events = judge(messages)
    pictures = [event for event in events if isinstance(event, Picture)]
    assert len(pictures) >= 85
    confirmed = [track for track in pictures[-1].tracks if track.is_confirmed]
    assert len(confirmed) == 1
    assert confirmed[0].speed_mps == pytest.approx(12.0, abs=3.0)
    assert 40 < confirmed[0].altitude_agl_m < 140
    assert confirmed[0].sensors == ["radar-1"]
    assert any(isinstance(event, Rejected) for event in events)
    silent = {event.sensor_id for event in events
              if isinstance(event, SensorHealth) and event.state == SensorState.SILENT}  # fmt: skip
    assert "radar-2" in silent
    assert "radar-1" not in silent
    assert any(isinstance(event, Alarm) for event in events)
    assert pipeline.picture(state).at_us == state.now_us


def test_the_same_messages_give_the_same_bytes(messages):
    _, once = judge(messages)
    _, again = judge(messages)
    assert msgspec.json.encode(once, order="deterministic") == msgspec.json.encode(again, order="deterministic")


def test_a_state_is_a_value(messages):
    half, _ = judge(messages[:80])
    kept = pickle.dumps(half.tracking), half.now_us, dict(half.claims), half.health
    _, once = judge(messages[80:], half)
    assert (pickle.dumps(half.tracking), half.now_us, dict(half.claims), half.health) == kept
    _, again = judge(messages[80:], half)
    assert msgspec.json.encode(once) == msgspec.json.encode(again)


def test_without_a_site_nothing_is_judged(messages):
    with pytest.raises(SiteError, match="no site"):
        pipeline.step(pipeline.init(), messages[1])


def test_an_unknown_feed_is_a_counted_reject_with_a_remedy(messages):
    state, _ = judge(messages[:3])
    _, events = pipeline.step(state, Message(seq=9, received_at_us=START_US, source="nobody", payload=b"x"))
    assert isinstance(events[0], Rejected)
    assert "[[feeds]]" in events[0].detail


def test_what_a_socket_refused_reaches_the_technician(messages):
    state, _ = judge(messages[:3])
    refused = Rejected(source="radar-1", received_at_us=START_US, reason="overload", detail="d", raw=b"")
    payload = msgspec.json.encode(refused)
    at_us = START_US + 20_000_000
    state, events = pipeline.step(
        state, Message(seq=9, received_at_us=at_us, source=pipeline.PROBLEM_SOURCE, payload=payload)
    )
    assert events[0] == refused
    assert state.health.rows["radar-1"].reasons["overload"] == 1
    _, events = pipeline.step(
        state, Message(seq=10, received_at_us=at_us, source=pipeline.PROBLEM_SOURCE, payload=b"junk")
    )
    assert isinstance(events[0], Rejected)


def test_a_new_site_starts_anew(messages):
    state, _ = judge(messages)
    state, _ = pipeline.step(state, messages[0])
    assert pipeline.picture(state).tracks == []
    assert state.now_us > messages[0].received_at_us


def test_time_never_runs_backwards(messages):
    state, _ = judge(messages[:40])
    before = state.now_us
    state, _ = pipeline.step(state, messages[2])
    assert state.now_us == before
