"""Stone Soup as judge, in its own environment: the adapter, the Kalman filter and the GOSPA distance against theirs.

All in one file: its environment is made once, by one process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from araz.simulation import gospa
from araz.tracking import track, track_polar

HERE = Path(__file__).resolve().parent
KNOWN = {"detection_probability": 0.9, "clutter_per_scan": 4.0, "max_range_m": 3000.0}
SCANS = 30


@pytest.fixture(scope="module")
def stone_soup(oracle_python, root, tmp_path_factory):
    """Return a function (what, case) -> what Stone Soup says."""
    ours = [f"{name}=={version(name)}" for name in ("numba", "msgspec")]
    python = oracle_python("stonesoup", "stonesoup==1.9.1", "rtree", *ours)
    folder = tmp_path_factory.mktemp("stone-soup")

    def ask(what, case):
        path = folder / f"{what}.json"
        path.write_text(json.dumps(case))
        environment = {**os.environ, "PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [str(python), str(HERE / "stone_soup_peer.py"), what, str(path)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return ask


@pytest.fixture(scope="module")
def sky():
    """Three targets of a changing number, four false plots a scan: truth [3, T, 3], times [K], positions [K, 3]."""
    rng = np.random.default_rng(17)
    t = np.arange(SCANS)[:, None]
    starts = np.array([[-900.0, 400, 150], [800.0, 900, 220], [0.0, 1500, 90]])
    rates = np.array([[16.0, 5, 0], [-12.0, 9, 0.4], [3.0, -14, 0]])
    truth = starts[:, None] + t[None] * rates[:, None]
    times, places = [], []
    for k in range(SCANS):
        seen = truth[rng.random(3) < 0.9, k]
        false = rng.uniform((-2000, 100, 0), (2000, 2000, 400), (rng.poisson(4), 3))
        here = np.vstack((seen + rng.normal(0, 8, seen.shape), false))
        places.append(here)
        times += [float(k)] * len(here)
    return truth, np.array(times), np.concatenate(places)


def spherical(places):
    """Stone Soup's elevation, bearing, range."""
    r = np.linalg.norm(places, axis=1)
    return np.column_stack((np.arcsin(places[:, 2] / r), np.arctan2(places[:, 1], places[:, 0]), r))


def case_of(sky, view, z, sigma, width=6, **more):
    truth, times, _ = sky
    mapping = [0, 2, 4][: width // 2]
    states = np.zeros((3, SCANS, width))
    states[..., mapping] = truth[..., : width // 2]
    case = {"view": view, "z": z.tolist(), "sigma": sigma, "times_s": times.tolist(), "mapping": mapping}
    case |= {"scan_times_s": [float(k) for k in range(SCANS)], "truth": states.tolist(), "width": width}
    return case | {"places": [[0.0, 0.0, 0.0]], "known": KNOWN} | more


def direct(tracks, truth, dimensions):
    """Our GOSPA of our own call at each scan, and its last rows."""
    values = {}
    for k in range(SCANS):
        here = tracks.position_enu_m[tracks.time_s == k][:, :dimensions]
        values[k] = gospa(truth[:, k, :dimensions], here, 50.0).distance
    return values


@pytest.mark.parametrize("view", ["cart", "ebr", "sph", "plane"])
def test_the_adapter_s_tracks_score_as_ours_do_under_their_own_metric(sky, stone_soup, view):
    truth, times, places = sky
    polar, scans = spherical(places), np.arange(SCANS, dtype=float)
    common = {**KNOWN, "scan_times_s": scans}
    if view == "cart":
        case = case_of(sky, view, places, [8.0, 8.0, 8.0])
        ours = track(times, places, sigma_m=8.0, sensor_enu_m=(0, 0, 0), **common)
    elif view == "plane":
        z = np.column_stack((polar[:, 1], np.linalg.norm(places[:, :2], axis=1)))
        case = case_of(sky, view, z, [0.005, 8.0], width=4)
        ours = track_polar(times, z[:, 1], np.pi / 2 - z[:, 0], sigma=(8.0, 0.005, np.nan, np.nan), **common)
    else:
        rate = np.full((len(places), 1), -5.0) if view == "sph" else np.zeros((len(places), 0))
        sigma = [0.005, 0.005, 8.0, 30.0][: 3 + rate.shape[1]]
        case = case_of(sky, view, np.hstack((polar, rate)), sigma)
        rates = rate[:, 0] if view == "sph" else None
        ours = track_polar(times, polar[:, 2], np.pi / 2 - polar[:, 1], polar[:, 0], rates,
                           sigma=(8.0, 0.005, 0.005, 30.0), **common)  # fmt: skip
    theirs = stone_soup("adapt", case)
    assert theirs["is_tracker"]
    assert theirs["are_tracks"]
    expected = direct(ours, truth, case["width"] // 2)
    assert len(theirs["gospa"]) == SCANS
    for at, value in theirs["gospa"].items():
        assert value == pytest.approx(expected[round(float(at))], abs=1e-6)
    assert theirs["shown"] == [int((ours.time_s == k).sum()) for k in range(SCANS)]
    assert theirs["updates"] > 2 * SCANS
    assert theirs["predictions"] > 0
    np.testing.assert_allclose(theirs["probability_sums"], 1, atol=1e-6)
    last = ours.time_s == SCANS - 1
    order = [0, 3, 1, 4, 2, 5][: case["width"]]
    mine = np.column_stack((ours.position_enu_m[last], ours.velocity_enu_mps[last]))[:, order]
    for mean, cov, _ in theirs["final"]:
        row = int(np.argmin(np.abs(mine - mean).max(axis=1)))
        np.testing.assert_allclose(mean, mine[row], atol=1e-6)
        np.testing.assert_allclose(cov, ours.covariance[last][row][np.ix_(order, order)], atol=1e-6)


def test_two_sensors_and_a_place_of_their_own(sky, stone_soup):
    _, _, places = sky
    here = np.array([300.0, -200.0, 10.0])
    case = case_of(sky, "ebr", spherical(places - here), [0.005, 0.005, 8.0], places=[here.tolist(), [0.0, 0.0, 0.0]])
    theirs = stone_soup("adapt", case)
    assert np.mean([value for at, value in theirs["gospa"].items() if float(at) > 10]) < 40


def moments(tracks, at_s):
    (row,) = np.flatnonzero(tracks.time_s == at_s)
    return np.r_[tracks.position_enu_m[row], tracks.velocity_enu_mps[row]], tracks.covariance[row]


@pytest.mark.parametrize("view", ["cart", "sph"])
def test_birth_prediction_and_update_equal_stone_soup_s_filter(stone_soup, view):
    """A lone target: its first state is the prior, an empty scan gives the prediction, a detection the update."""
    clear = {"clutter_per_scan": 1e-6, "max_range_m": 20_000.0, "min_existence": 0.0}
    first, second = np.array([1500.0, 4000.0, 300.0]), np.array([1531.0, 4019.0, 302.0])
    dts = [0.7, 1.9]
    if view == "cart":
        sigma = [9.0, 11.0, 7.0]
        z = second.tolist()

        def ours(dt, *, seen):
            known = {**clear, "detection_probability": 0.99 if seen else 0.3}
            times, places = ([0.0, dt], [first, second]) if seen else ([0.0], [first])
            return track(times, places, sigma_m=sigma, sensor_enu_m=(0, 0, 0), scan_times_s=[0.0, dt], **known)
    else:
        sigma, rate = [0.003, 0.002, 6.0, 0.8], -3.0
        z = [*spherical(second[None])[0].tolist(), rate]

        def ours(dt, *, seen):
            known = {**clear, "detection_probability": 0.99 if seen else 0.3}
            count = 1 + seen
            polar = spherical(np.array([first, second])[:count])
            columns = (polar[:, 2], np.pi / 2 - polar[:, 1], polar[:, 0], np.full(count, rate))
            return track_polar([0.0, dt][:count], *columns, sigma=(6.0, 0.002, 0.003, 0.8),
                               scan_times_s=[0.0, dt], **known)  # fmt: skip

    born, mine = None, []
    for dt in dts:
        for seen in (False, True):
            tracks = ours(dt, seen=seen)
            born = moments(tracks, 0.0)
            tracks_then = tracks.track_id[tracks.time_s == dt]
            assert len(tracks_then) == 1
            mine.append(moments(tracks, dt))
    flow = np.eye(6)
    flow[:3, 3:] = dts[0] * np.eye(3)
    noise = mine[0][1] - flow @ born[1] @ flow.T
    case = {
        "view": view, "sigma": sigma, "mean": born[0].tolist(), "cov": born[1].tolist(),
        "q": noise[3, 3] / dts[0], "q_up": noise[5, 5] / dts[0],
        "seconds": [dt for dt in dts for _ in (0, 1)], "z": [None, z, None, z],
    }  # fmt: skip
    assert case["q"] > 0
    for (mean, cov), theirs in zip(mine, stone_soup("kalman", case), strict=True):
        np.testing.assert_allclose(mean, theirs["mean"], rtol=1e-4, atol=2e-3)
        np.testing.assert_allclose(cov, theirs["cov"], rtol=1e-3, atol=2e-2)


def test_our_gospa_is_stone_soup_s(stone_soup):
    rng = np.random.default_rng(3)
    sets = [
        (rng.uniform(-100, 100, (m, 3)).tolist(), rng.uniform(-100, 100, (n, 3)).tolist())
        for m, n in [(1, 1), (4, 4), (7, 3), (2, 9), (1, 0), (0, 1), (12, 12), (1, 1)]
    ]
    for power, cutoff in ((2, 50.0), (1, 20.0)):
        theirs = stone_soup("gospa", {"p": power, "c": cutoff, "sets": sets})
        for (truth, tracks), said in zip(sets, theirs, strict=True):
            found = gospa(np.reshape(truth, (-1, 3)), np.reshape(tracks, (-1, 3)), cutoff, power)
            assert found.distance == pytest.approx(said["distance"], abs=1e-9)
            assert found.localisation == pytest.approx(said["localisation"], abs=1e-6)
            assert found.missed * cutoff**power / 2 == pytest.approx(said["missed"])
            assert found.false * cutoff**power / 2 == pytest.approx(said["false"])


def test_models_it_cannot_take_are_refused_with_a_remedy(stone_soup):
    said = stone_soup("refusals", {})
    for name, words in {
        "angles only": "give one of LinearGaussian",
        "turned": "rotate its measurements first",
        "moving": "out of the range rate first",
        "disagree": "make them agree",
        "wide": "position and velocity in two or three dimensions",
        "none": "give the model of each sensor",
        "correlated": "diagonal noise_covar",
        "stranger": "set it on the detection",
    }.items():
        assert words in said[name], name


def test_without_stone_soup_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['stonesoup'] = None\n"
        "from araz.adapters import stone_soup_tracker\n"
        "class LinearGaussian: mapping = (0, 2, 4)\n"
        "stone_soup_tracker([], LinearGaussian(), detection_probability=1.0, clutter_per_scan=0.0, max_range_m=1.0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "pip install 'araz[stonesoup]'" in done.stderr
