"""The known-association bound of the shelf's `oracles.py`, for scans that are not a second apart and for other modes.

    python bench/_bound.py ../shared/bench/oracles.py IN.npz [--view cart|sph] [--modes 3|5] [--true-noise]

``untold_gospa`` is the same filter, still told which detection is whose but not when a target is there: it reports from
the second detection on (one alone may be a false plot) and ends after so many silent scans, ``silences``, as hindsight
finds best for this file. What lies between the two is what births and deaths cost any tracker.

`oracle-imm` of the shelf knows which detection is whose, but not the manoeuvre; its three modes (straight, left,
right) are written for scans of 1 s. Here the same filter runs with the scenario's own time step. With 5 modes it
also knows hard acceleration and standing still, so that targets that brake do not make the bound an easy one. With
``--true-noise`` it is told the noise that was drawn, not the stated one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

PUSH_NOISE = 4.0
HOVER_NOISE, HOVER_S = 0.3, 1.5
LEAVE_EACH = 0.05
FIRST_SHOWN = 2
PATIENCE = (1, 2, 3, 4, 5, 6)


def load(path: Path) -> ModuleType:
    """The shelf's script as a module; it imports its neighbour by plain name."""
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def modes_for(shelf: ModuleType, dt: float, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """F, Q [count, 6, 6] and the switching matrix over ``dt``, whole seconds, of the shelf's modes and two more."""
    rate = np.deg2rad(9.0)
    f = [shelf.turn_matrix(w, dt) for w in (0.0, rate, -rate, 0.0)]
    q = [shelf.cv_noise(intensity, dt, 0.02) for intensity in (0.05, 0.3, 0.3, PUSH_NOISE)]
    keep = np.exp(-dt / HOVER_S)
    stand = np.kron(np.diag([1.0, 1.0, 0.0]), [[1, HOVER_S * (1 - keep)], [0, keep]])
    stand[4:, 4:] = [[1, dt], [0, 1]]
    f, q = np.array([*f, stand])[:count], np.array([*q, shelf.cv_noise(HOVER_NOISE, dt, 0.02)])[:count]
    _, _, second = shelf.imm_modes()
    if count > 3:
        wide = np.full((count, count), LEAVE_EACH)
        wide[:3, :3] = second * (1 - LEAVE_EACH * (count - 3))
        np.fill_diagonal(wide[3:, 3:], 1 - LEAVE_EACH * (count - 1))
        second = wide
    return f, q, np.linalg.matrix_power(second, max(1, round(dt)))


def bound(shelf: ModuleType, scenario: dict, view: str, count: int, true_noise: bool) -> dict:
    """The shelf's figures for oracle-imm with the modes asked for."""
    if true_noise and "true_sig_cart" in scenario:
        scenario = scenario | {"sig_cart": scenario["true_sig_cart"], "sig_sph": scenario["true_sig_sph"]}
    modes = modes_for(shelf, float(scenario["dt"]), count)
    shelf.N_MODES = count
    shelf.START_MODE_WEIGHTS = np.array([0.7, 0.15, 0.15]) if count == 3 else np.array([0.5, 0.1, 0.1, 0.2, 0.1])
    shelf.imm_modes = lambda: modes
    found, tracks = shelf.oracle(scenario, "imm", view)
    ends = {silent: shelf.score(scenario, untold(scenario, tracks, silent))["gospa"] for silent in PATIENCE}
    best = min(ends, key=lambda silent: ends[silent])
    return found | {"modes": count, "untold_gospa": ends[best], "silences": best}


def untold(scenario: dict, tracks: dict, silences: int) -> dict:
    """The tracks of someone not told who is there: from FIRST_SHOWN detections on, until so many silent scans.

    ``silences`` are those still reported; a target that is gone is reported where it was last.
    """
    scans, ids, places = [], [], []
    for target in np.unique(tracks["id"]):
        mine = tracks["id"] == target
        place = dict(zip(tracks["scan"][mine].tolist(), tracks["xyz"][mine], strict=True))
        seen = np.sort(scenario["scan"][scenario["src"] == target])
        for k in range(FIRST_SHOWN - 1, len(seen)):
            until = seen[k + 1] if k + 1 < len(seen) else len(scenario["alive"])
            for scan in range(seen[k], min(until, seen[k] + silences + 1)):
                scans.append(scan)
                ids.append(target)
                places.append(place.get(scan, place[max(place)]))
    return {"scan": np.array(scans), "id": np.array(ids), "xyz": np.array(places)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracles", type=Path)
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--view", choices=("cart", "sph"), default="cart")
    parser.add_argument("--modes", type=int, choices=(3, 5), default=3)
    parser.add_argument("--true-noise", action="store_true")
    args = parser.parse_args()
    with np.load(args.scenario) as stored:
        scenario = dict(stored)
    print(json.dumps(bound(load(args.oracles), scenario, args.view, args.modes, args.true_noise)))


if __name__ == "__main__":
    main()
