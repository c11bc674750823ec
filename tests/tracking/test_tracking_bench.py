"""The shelf's own scenarios and judge: our tracker against what the best Stone Soup set-up reached on the same file."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

STONE_SOUP_GOSPA = 89.7
"""Measured on this scenario (N = 50, seed 1, Cartesian); see tracking.md of the shelf."""


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("view", "limit"), [("cart", 0.87 * STONE_SOUP_GOSPA), ("sph", 90.0)])
def test_more_accurate_than_the_reference_on_the_shelf_s_scenario(shelf, root, tmp_path, view, limit):
    peers, bench = load(shelf / "bench" / "tracking_peers.py"), load(root / "bench" / "track_npz.py")
    path = tmp_path / "scenario.npz"
    peers.gen(str(path), 50, 1)
    with np.load(path) as stored:
        scenario = dict(stored)
    blind = {name: value for name, value in scenario.items() if name not in ("truth", "alive", "omega", "src")}
    tracks = bench.track(blind, view, 0)["tracks"]
    result = peers.score(scenario, tracks)
    assert result["gospa"] < limit
    assert result["miss_pct"] < 6
    assert result["false_pct"] < 3
