"""The published yardstick: its truth is made as described, its score adds up, and its bound is a bound."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def bench(root):
    spec = importlib.util.spec_from_file_location("williams15", root / "bench" / "williams15.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["williams15"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runs(bench):
    return [bench.draw(np.random.default_rng([1, seed]), 1e-6, 0.02) for seed in range(40)]


def test_targets_meet_in_the_middle_and_move_by_the_model(bench, runs):
    truth = np.array([run.truth for run in runs])
    middle = truth[:, 40] - [150, 0, 150, 0]
    assert middle.std() == pytest.approx(1e-3, rel=0.1)
    step = truth[:, 1:] - np.einsum("ab,rtnb->rtna", bench.FLOW, truth[:, :-1])
    for part in (step[:, :40], step[:, 40:]):
        rows = part.reshape(-1, 4)
        np.testing.assert_allclose(rows.T @ rows / len(rows), bench.noise_of(0.02), atol=0.001)
    assert np.linalg.norm(truth[:, 0, :, [0, 2]] - 150, axis=0).mean() > 15


def test_plots_are_what_the_sensor_is_said_to_give(bench, runs):
    whose = np.concatenate([run.whose for run in runs])
    error = np.concatenate([(r.plots - r.truth[r.scan, r.whose][:, bench.PLACE])[r.whose >= 0] for r in runs])
    assert error.std() == pytest.approx(1, rel=0.03)
    assert (whose >= 0).sum() / (40 * bench.DEATH.sum()) == pytest.approx(0.9, abs=0.01)
    assert (whose < 0).sum() / (40 * bench.SCANS) == pytest.approx(10, rel=0.03)
    assert not any(((r.whose == 0) & (r.scan >= 40)).any() for r in runs)


def test_the_score_adds_up_and_the_bound_is_below_ours(bench):
    rows = {row["filter"]: row for row in bench.judge("x", 0.1, 0.01, 3)}
    for row in rows.values():
        parts = row["localisation"] ** 2 + row["missed"] ** 2 + row["false"] ** 2
        assert parts == pytest.approx(row["rms_gospa"] ** 2, rel=0.01)
    assert rows["bound"]["false"] == 0
    assert rows["bound"]["rms_gospa"] < 2.2
    for name in ("araz", "araz, speed told", "araz, speed told, confirmed"):
        assert rows["bound"]["rms_gospa"] < rows[name]["rms_gospa"] < 20
