"""Whoever sees the redacted night learns no more of where the hidden radar stands than the published area tells him.

The same least squares on the whole night finds the radar, so the test can fail.
"""

import numpy as np
import pytest

from araz.vocabulary import Picture
from hidden_lab import ATTACKS, OURS, PLACES_M, by_timing, night, seen


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    out = tmp_path_factory.mktemp("nights")
    return [night(place, out / str(k)) for k, place in enumerate(PLACES_M)]


def errors_m(guesses):
    return [float(np.hypot(*(np.array(guess) - place))) for guess, place in zip(guesses, PLACES_M, strict=True)]


CENTRE_M = np.mean(errors_m([(0.0, 0.0)] * len(PLACES_M)))


def unexplained(track):
    return "hidden-radar" in track.sensors


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_least_squares_finds_it_in_the_whole_night_and_not_in_the_redacted_one(nights, attack):
    solve = ATTACKS[attack]
    whole = errors_m([solve(seen(one.whole, unexplained)) for one in nights])
    redacted = errors_m([solve(seen(one.view, unexplained)) for one in nights])
    assert np.mean(whole) < CENTRE_M / 2, whole
    assert np.mean(redacted) >= CENTRE_M, redacted


def test_the_clock_of_what_is_told_does_not_find_it(nights):
    assert np.mean(errors_m([by_timing(one.view) for one in nights])) >= CENTRE_M


def test_every_byte_is_the_same_wherever_the_hidden_radar_stands(nights):
    """The reason for the above, and stronger: pictures, incidents, alarms, health, rejects and their numbers."""
    assert len({one.events for one in nights}) == 1
    assert len({tuple(tuple(p.withheld) for p in one.view) for one in nights}) == 1
    assert len({len(one.whole) for one in nights}) > 1, "the whole nights do differ"
    assert any(track.is_confirmed for picture in nights[0].view for track in picture.tracks), "something is shown"


def test_nothing_names_the_hidden_radar(nights):
    one = nights[0]
    assert b"hidden-radar" not in one.events
    assert [sensor.id for sensor in one.made.believed.line.site.sensors] == ["open-radar"]
    assert one.made.believed.line.table.sensor_id == ("open-radar",)
    assert {w.area_id for w in one.view[-1].withheld} == {"box"}


def test_scrubbed_time_is_the_service_s_own(nights):
    """The records behind every path of the console hold what was told, and nothing else."""
    one = nights[0]
    kept = one.made.records
    last = one.view[-1]
    assert kept.picture_at(last.at_us) == last
    assert kept.pictures(0, last.at_us, 10_000) == one.view
    assert {health.sensor_id for health in kept.health()} <= {"open-radar"}
    assert all("hidden" not in (incident.sensor_id or "") for incident in kept.incidents())
    assert all(isinstance(picture, Picture) for picture in one.view)
    assert one.views.of(OURS) is one.made
