"""The score against brute force, against the shelf's scorer, and against trackers whose worth is known."""

import importlib.util
import itertools
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simworld import SCENARIOS, horadiz

from araz.simulation import Truth, TruthEvent, gospa, read_scenario, score, scoreboard_table, simulate
from araz.simulation._gospa import assign
from araz.simulation._score_events import rate
from araz.vocabulary import (
    Alarm,
    AlarmMember,
    AlarmState,
    Area,
    IdentityVerdict,
    Incident,
    IncidentKind,
    Picture,
    Track,
)

START_US = 1_773_345_600_000_000
points = st.lists(st.tuples(st.floats(-90, 90), st.floats(-90, 90)), max_size=5).map(
    lambda v: np.array(v).reshape(-1, 2)
)


def brute_force(truth, tracks, c=50.0, p=2.0):
    """GOSPA by trying every pairing, of every size."""
    best = np.inf
    for size in range(min(len(truth), len(tracks)) + 1):
        for rows in itertools.combinations(range(len(truth)), size):
            for columns in itertools.permutations(range(len(tracks)), size):
                local = sum(np.linalg.norm(truth[i] - tracks[j]) ** p for i, j in zip(rows, columns, strict=True))
                best = min(best, local + c**p / 2 * (len(truth) + len(tracks) - 2 * size))
    return best ** (1 / p)


@given(points, points)
def test_gospa_is_the_best_of_all_pairings(truth, tracks):
    assert gospa(truth, tracks).distance == pytest.approx(brute_force(truth, tracks), abs=1e-9)


@given(points, points, points)
def test_gospa_is_a_metric(a, b, c):
    assert gospa(a, a).distance == pytest.approx(0, abs=1e-9)
    assert gospa(a, b).distance == pytest.approx(gospa(b, a).distance)
    assert gospa(a, c).distance <= gospa(a, b).distance + gospa(b, c).distance + 1e-9


@pytest.fixture(scope="module")
def shelf_scorer(shelf):
    spec = importlib.util.spec_from_file_location("tracking_peers", shelf / "bench" / "tracking_peers.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["tracking_peers"] = module
    spec.loader.exec_module(module)
    return module


def test_gospa_agrees_with_the_shelfs_scorer(shelf_scorer, tmp_path):
    path = tmp_path / "s.npz"
    shelf_scorer.gen(str(path), N=8, seed=4, T=30, lam_c=6.0)
    with np.load(path) as arrays:
        scenario = dict(arrays)
    # The detections themselves as tracks: some missed, some false, all off by their noise.
    tracks = {"scan": scenario["scan"], "id": np.arange(len(scenario["scan"])), "xyz": scenario["cart"]}
    theirs = shelf_scorer.score(scenario, tracks)
    ours = []
    for t in range(30):
        truth = scenario["truth"][t][scenario["alive"][t]][:, [0, 2, 4]]
        ours.append(gospa(truth, scenario["cart"][scenario["scan"] == t]))
    assert np.mean([g.distance for g in ours]) == pytest.approx(theirs["gospa"], abs=0.006)
    n_truth = scenario["alive"].sum()
    assert 100 * sum(g.missed for g in ours) / n_truth == pytest.approx(theirs["miss_pct"], abs=0.006)
    assert 100 * sum(g.false for g in ours) / n_truth == pytest.approx(theirs["false_pct"], abs=0.006)


# ------------------------------------------------------------------ whole boards


@pytest.fixture(scope="module")
def truth():
    return simulate(read_scenario((SCENARIOS / "C2.toml").read_text("utf-8")), horadiz(), 3).truth


def place(state, east=0.0, north=0.0, up=0.0):
    """Latitude, longitude and height over the ellipsoid of a place beside a state."""
    frame = horadiz().frame
    enu = np.add(frame.to_enu(state.latitude_deg, state.longitude_deg, state.altitude_hae_m), [east, north, up])
    return tuple(float(v[0]) for v in frame.to_geodetic(enu))


def track(name, state, east=0.0, north=0.0, up=0.0, **more):
    latitude, longitude, hae = place(state, east, north, up)
    usual = Track(
        track_id=name,
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_hae_m=hae,
        altitude_amsl_m=hae - 9.9,
        altitude_agl_m=state.height_agl_m,
        altitude_sigma_m=10.0,
        speed_mps=10.0,
        course_deg=0.0,
        climb_mps=0.0,
        ellipse_semi_major_m=25.0,
        ellipse_semi_minor_m=25.0,
        ellipse_azimuth_deg=0.0,
        existence=0.99,
        is_confirmed=True,
        class_name="multirotor",
        class_probability=0.9,
        started_at_us=START_US,
        updated_at_us=state.at_us,
        sensors=[],
    )
    return msgspec.structs.replace(usual, **more)


def pictures(truth, make, keep=lambda state: True):
    by_time = {}
    for record in truth:
        if isinstance(record, Truth):
            by_time.setdefault(record.at_us, [])
            if keep(record):
                by_time[record.at_us].extend(make(record))
    return [Picture(at_us=at_us, tracks=tracks) for at_us, tracks in sorted(by_time.items())]


def is_heavy(state):
    return state.actor_id.startswith("heavy")


def test_a_perfect_tracker_has_no_error(truth):
    board = score(truth, pictures(truth, lambda s: [track(s.actor_id, s)], is_heavy))
    assert (board.detection_per_sortie.hits, board.detection_per_sortie.cases) == (2, 2)
    assert board.detection_per_second.share == 1.0
    assert board.time_in_track == 1.0
    assert board.gospa_m == pytest.approx(0, abs=1e-4)
    assert board.position_cep50_m == pytest.approx(0, abs=1e-4)
    assert board.altitude_error_p95_m == pytest.approx(0, abs=1e-4)
    assert (board.false_tracks, board.identity_switches, board.redundant_share) == (0, 0, 0.0)
    assert board.ellipse_coverage == 1.0
    assert board.track_latency_p95_s == 0.0
    assert [sortie.tracks for sortie in board.sorties if sortie.is_threat] == [1, 1]


def test_half_the_seconds_half_the_detection(truth):
    seen = pictures(truth, lambda s: [track(s.actor_id, s)] if s.at_us // 1_000_000 % 2 else [], is_heavy)
    board = score(truth, seen)
    assert board.detection_per_second.share == pytest.approx(0.5, abs=0.01)
    assert board.detection_per_sortie.share == 1.0


def test_half_the_sorties_half_the_recall(truth):
    board = score(truth, pictures(truth, lambda s: [track("a", s)], lambda s: s.actor_id == "heavy-1"))
    assert board.detection_per_sortie.share == 0.5
    assert board.detection_per_second.share == pytest.approx(0.5, abs=0.01)


def test_no_pictures_is_no_detection(truth):
    board = score(truth, [])
    assert board.detection_per_second.share == 0.0
    assert board.position_cep50_m is None
    assert board.threats_alarmed.share == 0.0
    assert board.gospa_m > 5
    assert "MISSED" in scoreboard_table(board)


def test_known_errors_come_back(truth):
    rng = np.random.default_rng(2)

    def noisy(state):
        east, north = rng.normal(0, 10, 2)
        return [
            track(state.actor_id, state, east, north, 7.0, ellipse_semi_major_m=24.477, ellipse_semi_minor_m=24.477)
        ]

    board = score(truth, pictures(truth, noisy, is_heavy))
    # Rayleigh: median 1.1774 σ, 95 % 2.4477 σ.
    assert board.position_cep50_m == pytest.approx(11.77, rel=0.08)
    assert board.position_r95_m == pytest.approx(24.48, rel=0.08)
    assert board.altitude_error_p50_m == pytest.approx(7.0, abs=0.01)
    assert board.ellipse_coverage == pytest.approx(0.95, abs=0.02)


def test_the_ellipse_is_turned_the_right_way(truth):
    def along(azimuth):
        # Off by 40 m towards the north-east, inside only when the long axis points there.
        return lambda s: [
            track(
                s.actor_id,
                s,
                28.3,
                28.3,
                ellipse_semi_major_m=60.0,
                ellipse_semi_minor_m=10.0,
                ellipse_azimuth_deg=azimuth,
            )
        ]

    assert score(truth, pictures(truth, along(45.0), is_heavy)).ellipse_coverage == 1.0
    assert score(truth, pictures(truth, along(135.0), is_heavy)).ellipse_coverage == 0.0


def test_another_track_that_passes_nearer_is_no_switch(truth):
    times = sorted(s.at_us for s in truth if isinstance(s, Truth) and s.actor_id == "heavy-1")
    passing = set(times[500:503])

    def shown(state):
        own = track("a", state, 20.0)
        return [own, track("b", state, 0.0 if state.at_us in passing else 400.0)]

    board = score(truth, pictures(truth, shown, lambda s: s.actor_id == "heavy-1"))
    assert board.identity_switches == 0
    assert board.sorties[0].tracks == 1


def test_two_tracks_that_change_places_are_a_switch(truth):
    middle = sorted(s.at_us for s in truth if isinstance(s, Truth) and s.actor_id == "heavy-1")[500]

    def shown(state):
        there, apart = ("a", "b") if state.at_us < middle else ("b", "a")
        return [track(there, state), track(apart, state, 400.0)]

    board = score(truth, pictures(truth, shown, lambda s: s.actor_id == "heavy-1"))
    assert board.identity_switches == 1


def test_errors_are_those_of_the_nearest_pairs(truth):
    """Two tracks change places 100 m apart: within reach no switch is told, and both are known as well as before."""
    lives = [s for s in truth if isinstance(s, Truth) and is_heavy(s)]
    middle = lives[500].at_us

    def aside(state):
        latitude, longitude, hae = place(state, 100.0)
        return msgspec.structs.replace(
            state, actor_id="heavy-2", latitude_deg=latitude, longitude_deg=longitude, altitude_hae_m=hae
        )

    def shown(state):
        here, there = ("a", "b") if state.at_us < middle else ("b", "a")
        return [track(here, state, 3.0), track(there, state, 103.0)]

    board = score([*lives, *map(aside, lives)], pictures(lives, shown))
    assert board.identity_switches == 0
    assert board.position_cep50_m == pytest.approx(3.0, abs=0.1)
    assert board.position_r95_m == pytest.approx(3.0, abs=0.1)


def test_a_renumbered_track_is_a_switch(truth):
    middle = sorted(s.at_us for s in truth if isinstance(s, Truth) and s.actor_id == "heavy-1")[500]
    seen = pictures(truth, lambda s: [track("a" if s.at_us < middle else "b", s)], lambda s: s.actor_id == "heavy-1")
    board = score(truth, seen)
    assert board.identity_switches == 1
    assert board.sorties[0].tracks == 2


def test_a_track_on_nothing_is_false_and_a_twin_is_redundant(truth):
    board = score(truth, pictures(truth, lambda s: [track(s.actor_id, s), track(s.actor_id + "g", s, 900.0)], is_heavy))
    assert board.false_tracks == 2
    assert board.redundant_share == 0.0
    twins = score(truth, pictures(truth, lambda s: [track(s.actor_id, s), track(s.actor_id + "t", s, 30.0)], is_heavy))
    assert twins.false_tracks == 0
    assert twins.redundant_share == pytest.approx(0.5)


def test_a_disowned_claim_is_no_false_track(truth):
    ghost = {"east": 2000.0, "claim": "remote-id:X", "verdict": IdentityVerdict.CONTRADICTED}
    board = score(truth, pictures(truth, lambda s: [track(s.actor_id, s), track("ghost", s, **ghost)], is_heavy))
    assert board.false_tracks == 0
    assert board.gospa_m == pytest.approx(0, abs=1e-4)


def alarm(name, at_us, track_id="heavy-1", incidents=()):
    return Alarm(
        alarm_id=name, revision=1, priority=2, state=AlarmState.ACTIVE, raised_at_us=at_us, changed_at_us=at_us,
        sentence="", confidence=0.9, track_id=track_id, incident_ids=list(incidents),
    )  # fmt: skip


def test_alarm_latency_starts_when_the_alarm_is_due(truth):
    crossing = next(e for e in truth if isinstance(e, TruthEvent) and e.kind == "crossing-in")
    seen = pictures(truth, lambda s: [track(s.actor_id, s)], is_heavy)
    board = score(truth, [*seen, alarm("A1", crossing.at_us - 230_000_000), alarm("A2", crossing.at_us, "heavy-2")])
    first = next(sortie for sortie in board.sorties if sortie.actor_id == "heavy-1")
    assert first.to_alarm_s == pytest.approx(10, abs=1.1)
    second = next(sortie for sortie in board.sorties if sortie.actor_id == "heavy-2")
    assert second.to_alarm_s is None, "an alarm twenty minutes before its track existed is about something else"
    assert board.threats_alarmed.share == 0.5


def test_a_card_for_many_tells_of_a_member_when_it_first_names_it(truth):
    crossing = next(e for e in truth if isinstance(e, TruthEvent) and e.kind == "crossing-in")
    seen = pictures(truth, lambda s: [track(s.actor_id, s)], is_heavy)
    at_us = crossing.at_us - 230_000_000

    def group(at_us, revision, *names):
        members = [
            AlarmMember(name=n, track_id=n, priority=2, confidence=0.5, told_at_us=at_us, sentence="") for n in names
        ]
        return msgspec.structs.replace(alarm("G1", at_us, None), revision=revision, members=members)

    board = score(truth, [*seen, group(at_us - 20_000_000, 1, "nobody"), group(at_us, 2, "nobody", "heavy-1")])
    assert board.sorties[0].to_alarm_s == pytest.approx(10, abs=1.1)
    assert board.nuisance_alarms == 0
    board = score(truth, [*seen, group(at_us, 1, "nobody", "nothing")])
    assert board.sorties[0].to_alarm_s is None
    assert board.nuisance_alarms == 1, "a card for many is a nuisance when none of them was a threat"


def test_nuisance_alarms_and_the_worst_ten_minutes(truth):
    seen = pictures(truth, lambda s: [track(s.actor_id, s)])
    bird = next(s.actor_id for s in truth if isinstance(s, Truth) and s.class_name == "bird")
    start = min(picture.at_us for picture in seen)
    burst = [alarm(f"B{k}", start + k * 30_000_000, bird) for k in range(15)]
    other = [alarm("C1", start, "heavy-1"), alarm("C1", start + 1, "heavy-1"), alarm("C2", start, None)]
    silent = Incident(incident_id="I1", kind=IncidentKind.SENSOR_SILENT, at_us=start, known_at_us=start, sensor_id="x")
    board = score(truth, [*seen, *burst, *other, silent, alarm("D1", start, bird, ["I1"])])
    assert board.alarms == 18, "a card sent again is not a new alarm"
    assert board.nuisance_alarms == 15
    assert board.alarms_worst_ten_minutes == 18
    assert board.share_of_time_in_flood > 0.1


def drop_incident(name, event, east, at_s=5.0, supersedes=None, semi=30.0, known_s=20.0):
    frame = horadiz().frame
    enu = np.add(frame.to_enu(event.latitude_deg, event.longitude_deg, event.altitude_hae_m), [east, 0.0, 0.0])
    latitude, longitude, _ = (float(v[0]) for v in frame.to_geodetic(enu))
    areas = [
        Area(
            latitude_deg=latitude,
            longitude_deg=longitude,
            semi_major_m=size,
            semi_minor_m=size,
            azimuth_deg=0.0,
            probability=p,
        )
        for size, p in ((semi, 0.5), (2 * semi, 0.9))
    ]
    return Incident(
        incident_id=name, kind=IncidentKind.DROP, at_us=event.at_us + round(at_s * 1e6), supersedes=supersedes,
        known_at_us=event.at_us + round(known_s * 1e6), areas=areas,
    )  # fmt: skip


def test_drops_are_found_by_time_and_place(truth):
    first, second = [e for e in truth if isinstance(e, TruthEvent) and e.kind == "drop"]
    events = [
        drop_incident("I1", first, 90.0, known_s=15.0),
        drop_incident("I2", first, 40.0, supersedes="I1", known_s=40.0),
        drop_incident("I3", second, 5000.0),
    ]
    board = score(truth, events)
    assert board.drop_recall.share == 0.5
    assert board.false_drops == 1
    found, lost = board.drops
    assert found.centre_error_m == pytest.approx(40, abs=0.1)
    assert (found.in_50, found.in_90) == (False, True)
    assert found.known_after_s == pytest.approx(15)
    assert not lost.found
    assert board.drop_centre_cep50_m == pytest.approx(40, abs=0.1)
    assert "no" in scoreboard_table(board)


def test_lies_and_honest_claims(truth):
    events = [
        *truth,
        TruthEvent(kind="false-identity", at_us=START_US, claim="remote-id:LIE1"),
        TruthEvent(kind="false-identity", at_us=START_US, claim="remote-id:LIE2"),
        TruthEvent(kind="false-identity", at_us=START_US, claim="remote-id:LIE3"),
        TruthEvent(kind="honest-identity", at_us=START_US, claim="remote-id:TRUE"),
        TruthEvent(kind="sensor-silent", at_us=START_US, sensor_id="radar-1"),
    ]
    state = next(s for s in truth if isinstance(s, Truth))
    contradicted = track("a", state, claim="remote-id:LIE1", verdict=IdentityVerdict.CONTRADICTED)
    honest = track("b", state, claim="remote-id:TRUE", verdict=IdentityVerdict.SUPPORTED)
    incident = Incident(
        incident_id="I",
        kind=IncidentKind.FALSE_IDENTITY,
        at_us=state.at_us,
        known_at_us=state.at_us,
        sentence="LIE2 is nowhere.",
    )
    board = score(events, [Picture(at_us=state.at_us, tracks=[contradicted, honest]), incident])
    assert (board.spoofs_flagged.hits, board.spoofs_flagged.cases) == (2, 3)
    assert board.honest_flagged.share == 0.0
    assert board.silent_sensors_named.share == 0.0


def test_a_stale_picture_is_no_picture(truth):
    seen = pictures(truth, lambda s: [track(s.actor_id, s)], is_heavy)
    board = score(truth, seen[: len(seen) // 2])
    assert board.detection_per_second.share < 0.7


def test_birds_may_be_shown_or_not(truth):
    with_birds = score(truth, pictures(truth, lambda s: [track(s.actor_id, s)]))
    without = score(truth, pictures(truth, lambda s: [track(s.actor_id, s)], is_heavy))
    assert with_birds.gospa_m == pytest.approx(without.gospa_m, abs=1e-3)
    assert with_birds.false_tracks == 0
    assert with_birds.bird_tracks_per_hour > 0


def test_wilson_interval_against_its_definition():
    # The bounds solve (p̂ − p)² = z² p (1 − p) / n.
    r = rate(18, 20)
    for p in (r.low, r.high):
        assert (0.9 - p) ** 2 == pytest.approx(1.959964**2 * p * (1 - p) / 20)
    assert rate(0, 0).share is None


def test_without_truth_it_says_so():
    with pytest.raises(ValueError, match="truth"):
        score([], [])


def test_assign_leaves_far_things_alone():
    rows, columns = assign(np.array([[0.0, 0.0], [100.0, 0.0]]), np.array([[101.0, 0.0], [500.0, 0.0]]), 50.0)
    assert (rows.tolist(), columns.tolist()) == ([1], [0])
