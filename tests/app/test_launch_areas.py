"""The pipeline says once where a drone was launched, and the true place lies near."""

from __future__ import annotations

import numpy as np
import pytest

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file
from araz.app._data import scenario_path, site_path
from araz.simulation import TruthEvent, read_scenario, simulate
from araz.vocabulary import Incident, IncidentKind, Message


@pytest.mark.parametrize("seed", [7])
def test_a_launch_is_named_once_and_held_by_its_area(seed):
    scenario = read_scenario(scenario_path("H1").read_text(encoding="utf-8"))
    bundle = bundle_from_file(site_path("horadiz"))
    site = Message(seq=0, received_at_us=scenario.start_us, source=SITE_SOURCE, payload=bundle)
    state, _ = pipeline.step(None, site)
    place = state.line.place
    night = simulate(scenario, place, seed, [])
    true = next(r for r in night.truth if isinstance(r, TruthEvent) and r.kind == "launch" and r.is_threat)
    found = []
    for seq, (at_us, source, payload) in enumerate(night.messages, start=1):
        if at_us > scenario.start_us + 220_000_000:
            break
        state, events = pipeline.step(state, Message(seq=seq, received_at_us=at_us, source=source, payload=payload))
        found += [e for e in events if isinstance(e, Incident) and e.kind is IncidentKind.LAUNCH]
    assert len(found) == 1
    assert found[0].at_us <= found[0].known_at_us
    fifty, ninety = found[0].areas
    assert (fifty.probability, ninety.probability) == (0.5, 0.9)
    assert fifty.semi_major_m < ninety.semi_major_m

    def plane(it):
        return place.frame.to_enu(it.latitude_deg, it.longitude_deg, site_hae).reshape(-1)[:2]

    site_hae = state.line.site.origin_hae_m
    off = plane(ninety) - plane(true)
    azimuth = np.radians(ninety.azimuth_deg)
    along = off @ np.array([np.sin(azimuth), np.cos(azimuth)])
    across = off @ np.array([np.cos(azimuth), -np.sin(azimuth)])
    assert (along / ninety.semi_major_m) ** 2 + (across / ninety.semi_minor_m) ** 2 <= 1.0
