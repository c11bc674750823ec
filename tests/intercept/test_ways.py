"""Ways kept between revisions are the ways a fresh question gets, and a way over the line is always seen."""

from __future__ import annotations

import json
import tomllib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.geography import place_from_site
from araz.intercept import rank_options
from araz.intercept._options import _OVER_THE_LINE_M, _every_100_m, _sides, _stay_ours, _ways_to_nodes
from araz.vocabulary import Alarm, AlarmState, Area, Site

NOW_US = 1_760_000_000_000_000


@pytest.fixture(scope="module")
def horadiz(root):
    folder = root / "sites" / "horadiz"
    site = msgspec.convert(tomllib.loads((folder / "site.toml").read_text(encoding="utf-8")), Site)
    files = [json.loads((folder / name).read_text(encoding="utf-8")) for name in (site.border, site.roads, site.towns)]
    return place_from_site(site, *files)


def alarm_at(place, east_m, north_m):
    lat, lon, _ = place.frame.to_geodetic(np.array([[east_m, north_m, 0.0]]))
    area = Area(
        latitude_deg=float(lat[0]), longitude_deg=float(lon[0]), semi_major_m=80.0, semi_minor_m=60.0,
        azimuth_deg=0.0, probability=0.5,
    )  # fmt: skip
    return Alarm(
        alarm_id="A0001", revision=1, priority=1, state=AlarmState.ACTIVE, raised_at_us=NOW_US, changed_at_us=NOW_US,
        sentence="", confidence=0.9, areas=[area],
    )  # fmt: skip


def test_a_question_asked_again_is_answered_the_same(horadiz):
    patrols = horadiz.site.patrols
    alarm = alarm_at(horadiz, -3000.0, 1500.0)
    _ways_to_nodes.cache_clear()
    first = rank_options(horadiz, patrols, alarm, NOW_US)
    assert _ways_to_nodes.cache_info().misses == len(patrols)
    again = rank_options(horadiz, patrols, alarm, NOW_US)
    assert first == again
    assert _ways_to_nodes.cache_info().hits == len(patrols)


def test_a_patrol_that_moved_is_asked_anew(horadiz):
    patrol = horadiz.site.patrols[0]
    alarm = alarm_at(horadiz, -3000.0, 1500.0)
    rank_options(horadiz, [patrol], alarm, NOW_US)
    moved = msgspec.structs.replace(patrol, latitude_deg=patrol.latitude_deg + 0.02)
    kept = rank_options(horadiz, [moved], alarm, NOW_US)
    _ways_to_nodes.cache_clear()
    assert kept == rank_options(horadiz, [moved], alarm, NOW_US)
    assert kept[0].route[0] == (round(moved.longitude_deg, 6), round(moved.latitude_deg, 6))


places = st.tuples(st.floats(-9000, 9000), st.floats(-9000, 9000))


@settings(max_examples=60)
@given(ways=st.lists(st.lists(places, min_size=2, max_size=6), min_size=1, max_size=4))
def test_the_quick_look_at_the_line_is_the_slow_one(horadiz, ways):
    """Bends and lengths settle most ways; the others are walked in steps of 100 m, as all were before."""
    ways = [np.array(way) for way in ways]
    quick = _stay_ours(horadiz, ways)
    for way, answer in zip(ways, quick, strict=True):
        side = _sides(horadiz, _every_100_m(way))
        slow = side.max() <= max(side[0], 0.0) + _OVER_THE_LINE_M and side[-1] < _OVER_THE_LINE_M
        assert answer == slow
