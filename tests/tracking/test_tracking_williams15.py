"""The published yardstick: its truth is made as described, its score adds up, and its bound is a bound."""

from __future__ import annotations

import importlib.util
import itertools
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def bench(root):
    for name in ("_tomb", "williams15"):  # the second imports the first by its plain name
        spec = importlib.util.spec_from_file_location(name, root / "bench" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
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
    assert rows["bound"]["rms_gospa"] < rows["TOMB/P, true model"]["rms_gospa"] < 5
    for name in ("araz", "araz, speed told", "araz, speed told, confirmed"):
        assert rows["bound"]["rms_gospa"] < rows[name]["rms_gospa"] < 20


def test_the_paper_s_filter_weighs_associations_as_enumeration_does(bench):
    """Where the graph has no loop belief propagation is exact: two tracks, two plots, three of four pairs gated."""
    odds, fresh = np.array([[3.0, 0.8], [0.0, 1.7]]), np.array([0.4, 0.9])
    total, mine, nobodys = 0.0, np.zeros((2, 2)), np.zeros(2)
    for taken in itertools.product((None, 0, 1), repeat=2):
        plots = [plot for plot in taken if plot is not None]
        if len(set(plots)) < len(plots):
            continue
        free = [plot for plot in (0, 1) if plot not in plots]
        weight = np.prod(fresh[free]) * np.prod([odds[i, plot] for i, plot in enumerate(taken) if plot is not None])
        total += weight
        nobodys[free] += weight
        for i, plot in enumerate(taken):
            if plot is not None:
                mine[i, plot] += weight
    found, none = sys.modules["_tomb"].marginals(odds, fresh)
    np.testing.assert_allclose(found, mine / total, atol=1e-9)
    np.testing.assert_allclose(none, nobodys / total, atol=1e-9)


def test_the_paper_s_filter_with_one_sure_target_is_the_kalman_filter(bench):
    tomb = sys.modules["_tomb"]
    rng = np.random.default_rng(2)
    cov = np.diag([50.0, 4, 50, 4]) ** 2
    model = tomb.Model(bench.FLOW, bench.noise_of(0.3), np.eye(4)[bench.PLACE], np.eye(2), 0.999, 1.0, 1e-12, 1e-12,
                       np.zeros(4), cov)  # fmt: skip
    plots = [np.array([[3.0 * k, -2.0 * k]]) + rng.normal(size=(1, 2)) for k in range(8)]
    last = tomb.track_all(model, plots, 1.0)[-1]
    x, p = np.zeros(4), cov
    for k, plot in enumerate(plots):
        if k:
            x, p = model.flow @ x, model.flow @ p @ model.flow.T + model.noise
        gain = p @ model.look.T @ np.linalg.inv(model.look @ p @ model.look.T + model.error)
        x, p = x + gain @ (plot[0] - model.look @ x), p - gain @ model.look @ p
    best = int(np.argmax(last.weight))
    assert last.weight[best] > 0.999
    np.testing.assert_allclose(last.mean[best], x, atol=1e-4)
    np.testing.assert_allclose(last.cov[best], p, atol=1e-4)
