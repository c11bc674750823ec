"""The bench's own scenarios and bound: they must be what they claim, since the tracker is judged by them."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sky(root):
    return load(root / "bench" / "_variants.py")


def variant(sky, name):
    return next(one for one in sky.VARIANTS if one.name == name)


def test_the_fields_are_those_of_the_shelf_s_generator(sky, shelf, tmp_path):
    load(shelf / "bench" / "tracking_peers.py").gen(str(tmp_path / "one.npz"), 20, 5)
    with np.load(tmp_path / "one.npz") as stored:
        theirs = dict(stored)
    ours = sky.generate(variant(sky, "base"), 20, 5)
    assert set(ours) - {"true_sig_cart", "true_sig_sph"} == set(theirs)
    for name, value in theirs.items():
        assert ours[name].ndim == value.ndim, name
        assert ours[name].shape[1:] == value.shape[1:], name
        assert ours[name].dtype.kind == value.dtype.kind, name
    for name in ("dt", "pd", "lam_c", "vol", "q_true", "qz_true", "sig_cart", "sig_sph"):
        np.testing.assert_allclose(ours[name], theirs[name])


@pytest.mark.parametrize("name", ["base", "pd-0.7", "clutter-300", "every-3-s", "noise-x2", "noise-half"])
def test_each_variant_draws_what_it_says(sky, name):
    what = variant(sky, name)
    scene = sky.generate(what, 60, 8)
    mine = scene["src"] >= 0
    where = scene["truth"][scene["scan"][mine], scene["src"][mine]]
    error = scene["cart"][mine] - where[:, 0::2]
    assert error.std() == pytest.approx(10 * what.noise_factor, rel=0.05)
    assert error.std() == pytest.approx(float(scene["true_sig_cart"]), rel=0.05)
    assert mine.sum() / scene["alive"].sum() == pytest.approx(what.pd, abs=0.03)
    assert (~mine).sum() / 100 == pytest.approx(what.clutter, rel=0.05)
    along = scene["truth"][1:, :, 0::2] - scene["truth"][:-1, :, 0::2]
    speed = np.linalg.norm(scene["truth"][..., [1, 3]], axis=-1)
    straight = (np.abs(scene["omega"][:-1]) == 0) & np.isfinite(along[..., 0]) & (float(scene["dt"]) == 1)
    expected = 0.5 * (scene["truth"][1:, :, 1::2] + scene["truth"][:-1, :, 1::2])
    assert not straight.any() or (along - expected)[straight].std() < 0.1
    assert 8 < np.nanmedian(speed) < 32


def test_targets_that_stop_do_stop_and_turn_back(sky):
    velocity = sky.generate(variant(sky, "stops"), 60, 8)["truth"][..., [1, 3]]
    speed = np.linalg.norm(velocity, axis=-1)
    assert 0.1 < np.mean(speed[np.isfinite(speed)] < 2) < 0.5
    turned = np.sum(velocity[20:] * velocity[:-20], axis=-1) / (speed[20:] * speed[:-20])
    assert np.nanmean(turned[(speed[20:] > 5) & (speed[:-20] > 5)] < -0.95) > 0.1
    assert np.nanmax(np.linalg.norm(np.diff(velocity, axis=0), axis=-1)) < 25


def test_equal_seeds_give_equal_scenes_and_others_do_not(sky):
    one, same, other = (sky.generate(sky.VARIANTS[0], 10, seed) for seed in (4, 4, 5))
    assert all(np.array_equal(one[name], same[name], equal_nan=True) for name in one)
    assert len(one["cart"]) != len(other["cart"]) or not np.allclose(one["cart"], other["cart"])


def test_the_bound_is_the_shelf_s_own_where_both_apply(sky, root, shelf):
    tool = load(root / "bench" / "_bound.py")
    scene = sky.generate(sky.VARIANTS[0], 6, 4)
    theirs = tool.load(shelf / "bench" / "oracles.py").oracle(scene, "imm", "cart")[0]
    ours = tool.bound(tool.load(shelf / "bench" / "oracles.py"), scene, "cart", 3, True)
    assert ours["gospa"] == theirs["gospa"]


@pytest.mark.parametrize(("name", "modes"), [("every-3-s", 3), ("stops", 5)])
def test_the_bound_claims_about_the_error_it_makes(sky, root, shelf, name, modes):
    tool = load(root / "bench" / "_bound.py")
    scene = sky.generate(variant(sky, name), 30, 4)
    found = tool.bound(tool.load(shelf / "bench" / "oracles.py"), scene, "cart", modes, True)
    assert found["predicted_rmse"] == pytest.approx(found["rmse_all"], rel=0.2)


def test_who_is_not_told_births_and_deaths_shows_from_the_second_detection_on(root):
    tool = load(root / "bench" / "_bound.py")
    scene = {"scan": np.array([2, 3, 6, 8]), "src": np.array([0, 0, 0, -1]), "alive": np.ones((10, 1), bool)}
    told = {"scan": np.arange(2, 8), "id": np.zeros(6, int), "xyz": np.arange(2.0, 8.0)[:, None]}
    for silences, shown in ((0, [3, 6]), (1, [3, 4, 6, 7]), (2, [3, 4, 5, 6, 7, 8]), (9, [3, 4, 5, 6, 7, 8, 9])):
        found = tool.untold(scene, told, silences)
        assert found["scan"].tolist() == shown
        assert found["xyz"][:, 0].tolist() == [min(scan, 7) for scan in shown]


def test_not_being_told_costs_what_the_births_and_deaths_do(sky, root, shelf):
    tool = load(root / "bench" / "_bound.py")
    oracles = tool.load(shelf / "bench" / "oracles.py")
    scene = sky.generate(variant(sky, "pd-0.7"), 20, 4)
    found = tool.bound(oracles, scene, "cart", 3, True)
    assert found["gospa"] < found["untold_gospa"] < 1.4 * found["gospa"]
    assert found["silences"] > 1
