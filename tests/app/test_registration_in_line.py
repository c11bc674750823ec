"""From wire bytes of a badly set up radar to the technician's line: the whole pipeline over a simulated half hour."""

from __future__ import annotations

import sys

import pytest

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file
from araz.simulation import simulate
from araz.vocabulary import Message, SensorHealth, SensorState


@pytest.fixture(scope="module")
def world(root):
    sys.path.insert(0, str(root / "tests" / "simulation"))
    try:
        import simworld
    finally:
        sys.path.pop(0)
    return simworld


def drones(world):
    """Five that go to and fro between the radars."""
    legs = [((-3000, 500), (1500, 3500)), ((-1000, 3000), (2500, -1500)), ((-5500, -500), (-1500, 4000)),
            ((0, 5000), (-3500, 1500)), ((2000, 2000), (-2500, -2500))]  # fmt: skip
    out = []
    for i, (a, b) in enumerate(legs):
        points = [world.waypoint(*(a if k % 2 == 0 else b), 120.0 + 60.0 * i, 14.0) for k in range(3)]
        out.append(world.actor(f"d{i}", "quad", points))
    return out


def told(root, world, faults, duration_s=420.0):
    """The newest health of each sensor, and all of radar-2's states."""
    night = simulate(world.night(*drones(world), *faults, duration_s=duration_s), world.horadiz(), 4)
    bundle = bundle_from_file(root / "sites" / "horadiz" / "site.toml")
    state, newest, states = pipeline.init(), {}, []
    for seq, (at_us, source, payload) in enumerate(night.messages):
        if seq == 0:
            state, _ = pipeline.step(state, Message(seq=0, received_at_us=at_us, source=SITE_SOURCE, payload=bundle))
        message = Message(seq=seq + 1, received_at_us=at_us, source=source, payload=payload)
        state, events = pipeline.step(state, message)
        for event in events:
            if isinstance(event, SensorHealth):
                newest[event.sensor_id] = event
                states.append((event.sensor_id, event.state))
    return newest, states


def test_a_badly_set_up_radar_is_measured_and_corrected(root, world):
    fault = '[[faults]]\nkind = "misaligned"\nsensor = "radar-2"\nrange_offset_m = 60.0\nazimuth_offset_deg = 1.5\n'
    clock = '[[faults]]\nkind = "clock-error"\nsensor = "radar-2"\noffset_s = -3.0\n'
    newest, _ = told(root, world, [fault + "elevation_offset_deg = 0.5\n", clock])
    record = newest["radar-2"].registration
    found = {bias.component: bias for bias in record.biases}
    for component, truth, slack in (("range", 60.0, 4.0), ("azimuth", 1.5, 0.05), ("elevation", 0.5, 0.1)):
        bias = found[component]
        assert abs(bias.value - truth) < 3.0 * bias.sigma + slack, component
    assert found["range"].is_applied
    assert found["azimuth"].is_applied
    # the clock's error was found from arrival times, which hold the way to the console as well
    assert abs(found["clock"].value + 3.0) < 1.0
    assert newest["radar-2"].state == SensorState.LYING
    assert not newest["radar-1"].registration.is_lying


def test_a_well_set_up_site_is_not_touched(root, world):
    newest, states = told(root, world, [])
    for name in ("radar-1", "radar-2"):
        record = newest[name].registration
        assert record.pairs > 100
        assert not any(bias.is_applied for bias in record.biases)
        assert not record.is_lying
    assert not any(state == SensorState.LYING for _, state in states)
