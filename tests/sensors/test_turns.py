"""A radar's turn cut into sectors: every direction is looked at once a turn, every plot in the sector that tells it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.geography import LocalFrame
from araz.sensors import scans_init, scans_step
from araz.vocabulary import Feed, Format, Observation, Polar, ScanMark, Sensor, SensorKind, Site

S = 1_000_000
FRAME = LocalFrame(39.45, 47.34, 200.0)
TURN_S = 2.5
TOLD_S = 0.5
"""The radar sends what it saw this often."""


def make_state(period_s=TURN_S):
    sensor = Sensor(id="far", kind=SensorKind.RADAR, feed="f", latitude_deg=39.45, longitude_deg=47.34,
                    period_s=period_s)  # fmt: skip
    site = Site(
        name="t", time_zone="UTC", origin_latitude_deg=39.45, origin_longitude_deg=47.34, origin_hae_m=200.0,
        geoid_undulation_m=10.0, border="b", own_side="left", feeds=[Feed(id="f", format=Format.ASTERIX)],
        sensors=[sensor],
    )  # fmt: skip
    return scans_init(site, FRAME, np.zeros((1, 3)))


def plot(at_s, azimuth_deg, received_s):
    return Observation(
        sensor_id="far", observed_at_us=round(at_s * S), received_at_us=round(received_s * S),
        measurement=Polar(range_m=5000.0, azimuth_deg=azimuth_deg % 360.0),
    )  # fmt: skip


def turning(targets_deg, turns, period_s=TURN_S, direction=1.0, jitter_deg=None):
    """Messages of a turning radar: (received_s, what it says); each target seen when the beam is on it."""
    said = []
    for k in range(1, turns + 1):
        for number, azimuth in enumerate(targets_deg):
            at = k * period_s + (azimuth / 360.0 % 1.0) * period_s
            told = (np.floor(at / TOLD_S + 1e-9) + 1.0) * TOLD_S
            off = 0.0 if jitter_deg is None else jitter_deg[number % len(jitter_deg)]
            said.append((told, 0, at, plot(at, direction * azimuth + off, told)))
    for k in range(1, turns + 2):
        at = k * period_s
        said.append((at, 1, at, ScanMark(sensor_id="far", observed_at_us=round(at * S), received_at_us=round(at * S))))
    said.sort(key=lambda one: one[:3])
    return [(at, [one[3] for one in group]) for at, group in itertools.groupby(said, key=lambda one: one[0])]


def looks(messages, state=None):
    state = state or make_state()
    got = []
    for at_s, said in messages:
        state, scans = scans_step(state, said, round(at_s * S))
        got.extend((at_s, scan) for scan in scans)
    return got


def width(scan):
    return 2 * np.pi if scan.sector_rad is None else (scan.sector_rad[1] - scan.sector_rad[0]) % (2 * np.pi)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1.0, 359.0), min_size=1, max_size=12),
    st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=5),
)
def test_each_direction_is_looked_at_once_a_turn_and_each_plot_lies_in_its_sector(targets_deg, jitter_deg):
    turns = 6
    got = looks(turning(targets_deg, turns, jitter_deg=jitter_deg))
    rows = sorted(int(at) for _, scan in got for at in scan.at_us)
    assert len(rows) == turns * len(targets_deg)
    whole = [scan for _, scan in got if scan.at_us_end >= 2 * TURN_S * S]
    for scan in whole:
        assert scan.is_complete
        if scan.sector_rad is not None:
            past = (scan.z[:, 1] - scan.sector_rad[0] + 0.05) % (2 * np.pi)
            assert (past <= width(scan) + 0.1).all()
    # how often a direction was looked at, by walking round the compass: once a turn, but for the one not ended yet
    compass = np.radians(np.arange(0.0, 360.0, 0.5) + 0.137_71)
    times = np.zeros(len(compass))
    for scan in whole:
        begin = 0.0 if scan.sector_rad is None else scan.sector_rad[0]
        times += (compass - begin) % (2 * np.pi) <= width(scan)
    assert np.mean(times > times.min() + 1) <= 0.01  # an edge follows a plot, which jitters
    assert abs(sum(width(scan) for scan in whole) / (2 * np.pi) - (turns - 1)) <= 1.0


def test_a_plot_of_a_slow_turn_is_told_before_the_turn_ends():
    got = looks(turning([50.0, 120.0, 200.0, 300.0], 8))
    late_s = [at_s - at / S for at_s, scan in got if scan.at_us_end > 2 * TURN_S * S for at in scan.at_us.tolist()]
    assert max(late_s) <= TOLD_S + 0.25
    whole = looks(turning([50.0, 120.0, 200.0, 300.0], 8), make_state(period_s=1.0))
    assert all(scan.sector_rad is None for _, scan in whole)


@pytest.mark.parametrize("direction", [-1.0, 0.0])
def test_a_radar_whose_beam_is_not_where_a_turn_has_it_gives_whole_turns(direction):
    got = looks(turning([50.0, 120.0, 200.0, 300.0], 8, direction=direction))
    ended = [scan for _, scan in got if scan.at_us_end > 3 * TURN_S * S]
    assert len(ended) == 6
    assert all(scan.sector_rad is None and scan.is_complete and len(scan.at_us) == 4 for scan in ended)


def test_a_plot_that_comes_after_its_sector_makes_whole_turns_of_the_next_ones():
    messages = turning([50.0, 120.0, 200.0, 300.0], 8)
    late = plot(2 * TURN_S + 60.0 / 360.0 * TURN_S, 60.0, 2 * TURN_S + 2.0)
    messages = sorted([*messages, (2 * TURN_S + 2.0, [late])], key=lambda one: one[0])
    got = looks(messages)
    assert sum(len(scan.at_us) for _, scan in got) == 8 * 4 + 1
    after = [scan for _, scan in got if scan.at_us_end > 3 * TURN_S * S + 1]
    assert all(scan.sector_rad is None for scan in after)
    assert any(scan.sector_rad is not None for _, scan in got)
