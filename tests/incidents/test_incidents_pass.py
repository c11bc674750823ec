"""A release in flight: found where a scripted aircraft grew lighter, and not where it only turned for home."""

from __future__ import annotations

import numpy as np
from night import START_US, Script, incidents, play

from araz.vocabulary import IncidentKind, TrackClass

WING = {TrackClass.FIXED_WING_DRONE: 0.7, TrackClass.BIRD: 0.05}


def flight(after_mps, after_agl):
    """In at 22 m/s and 110 m to 2.2 km inside, then 500 m to the side, then home."""
    t1 = 4200.0 / 22.0
    t2 = t1 + 700.0 / after_mps
    t3 = t2 + 500.0 / after_mps
    return t1, Script(
        1,
        [
            (0.0, 0.0, 2000.0, 120.0), (t1, 0.0, -2200.0, 110.0), (t1 + 8.0, 400.0 * 8 / 30, -2200.0 - 150, after_agl),
            (t2, 500.0, -2600.0, after_agl), (t3, 900.0, -2300.0, after_agl),
            (t3 + 3000.0 / after_mps, 900.0, 700.0, after_agl),
        ],
        WING,
        -9.0,
    )  # fmt: skip


def test_the_place_where_it_grew_lighter_is_named(place, table):
    t1, script = flight(25.5, 150.0)
    _, events = play(place, table, [script], t1 + 110.0)
    (drop,) = incidents(events, IncidentKind.DROP)
    assert abs((drop.at_us - START_US) / 1e6 - t1) < 6.0
    area = drop.areas[1]
    middle = np.asarray(place.frame.to_enu(area.latitude_deg, area.longitude_deg, 100.0)).reshape(-1)[:2]
    # It falls for 5 s and keeps some of its way: about 90 m on.
    assert np.hypot(*(middle - np.array([0.0, -2290.0]))) < 130.0
    assert any("never stopped" in reason.text for reason in drop.reasons_against)


def test_a_turn_for_home_alone_is_no_release(place, table):
    t1, script = flight(22.0, 110.0)
    _, events = play(place, table, [script], t1 + 120.0)
    assert not incidents(events, IncidentKind.DROP)
