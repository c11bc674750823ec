"""Values of small games from nashpy and OpenSpiel, each in an environment of its own."""

import json
import subprocess

import numpy as np
import pytest

from araz.deployment import detection, plan_patrols
from deployment_worlds import nights, payoffs, tiny

NASHPY = """
import json, sys, numpy as np, nashpy
for matrix in json.load(sys.stdin):
    a = np.array(matrix)
    rows, columns = nashpy.Game(-a).linear_program()
    print(float(rows @ a @ columns))
"""
OPEN_SPIEL = """
import json, sys, numpy as np, pyspiel
for matrix in json.load(sys.stdin):
    a = np.array(matrix)
    scale = np.abs(a).max()
    game = pyspiel.create_matrix_game((-a / scale).tolist(), (a / scale).tolist())
    turns = pyspiel.convert_to_turn_based(game)
    solver = pyspiel.CFRPlusSolver(turns)
    for _ in range(4000):
        solver.evaluate_and_update_policy()
    value = -pyspiel.expected_returns(turns.new_initial_state(), solver.average_policy(), -1, True)[0] * scale
    print(value)
"""


def _outside(python, script, matrices):
    done = subprocess.run(
        [str(python), "-c", script], input=json.dumps(matrices), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-800:]
    return [float(line) for line in done.stdout.split()]


@pytest.mark.timeout(900)  # the first run installs the two environments
@pytest.mark.parametrize(
    ("name", "requirements", "script", "tolerance"),
    [("nashpy", ("nashpy==0.0.43",), NASHPY, 1e-6), ("open_spiel", ("open_spiel==2.0.2",), OPEN_SPIEL, 5e-3)],
)
def test_the_value_is_theirs(oracle_python, name, requirements, script, tolerance):
    python = oracle_python(name, *requirements)
    matrices, ours = [], []
    for seed in range(4):
        instance = tiny(seed, teams=2, cells=6)
        detected = detection(instance, np.ones(3))
        rows = [np.r_[payoffs(instance, detected, night), 0.0].tolist() for night in nights(instance)]
        matrices.append(rows)
        ours.append(plan_patrols(instance, np.ones(3), tolerance=1e-7).guarantee_kg)
    assert ours == pytest.approx(_outside(python, script, matrices), rel=tolerance, abs=tolerance)
