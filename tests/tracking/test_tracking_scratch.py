"""Who may call whom among compiled functions, and what a look's room is good for."""

import ast
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from tracking_lab import POSITION, scan, table

import araz.tracking
from araz.tracking import init, step
from araz.tracking._scratch import cut_reals, scratch_of
from araz.vocabulary import TrackingSettings

ROOM = Path(araz.tracking.__file__).parent


def functions():
    """Every function of the room with the names of its decorators."""
    for path in sorted(ROOM.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                yield node, {d.id for d in node.decorator_list if isinstance(d, ast.Name)}


def test_only_leaves_call_what_gives_parts_of_arrays():
    """A kernel or Python that called such a one would let go of arrays it never took hold of."""
    found = list(functions())
    parts = {node.name for node, how in found if "part" in how}
    assert {"cut_reals", "tracks_in", "plan_grid"} <= parts
    callers = {
        node.name: {
            call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        }
        for node, how in found
        if not how & {"leaf", "part"}
    }
    assert {name for name, called in callers.items() if called & parts} == set()


def test_a_leaf_that_gives_arrays_is_called_a_part():
    giving = {"Array", "Grid", "Plan", "Search", "Tracks", "Learned", "Sheet", "Notes", "Scratch", "Association"}
    for node, how in functions():
        if "leaf" in how and node.returns is not None:
            assert not any(word in ast.unparse(node.returns) for word in giving), node.name


@njit(_nrt=False)  # not cached: the cache would follow this file, not what it calls
def _cut_too_much(scratch):
    first, scratch = cut_reals(scratch, 3)
    second, scratch = cut_reals(scratch, 3)
    first[0] = second[0] = 1.0
    return len(scratch.real)


def test_more_than_there_is_cannot_be_cut():
    with pytest.raises(MemoryError, match="size was worked out wrongly"):
        _cut_too_much(scratch_of(5, 0, 0))


def test_a_row_of_targets_too_close_to_tell_apart_finds_room():
    """Their pairs are one cluster, larger than the first room: the look is done again, and no plot goes lost."""
    sensors = table({"kind": POSITION, "sigma": (20.0, 20.0, 20.0, np.nan), "clutter": 1.0})
    state, rng = init(sensors, TrackingSettings()), np.random.default_rng(3)
    row = np.column_stack((50.0 * np.arange(150), np.zeros(150), np.full(150, 100.0)))
    for k in range(8):
        state, events = step(state, scan(sensors, 0, k, rng.normal(row, 20.0)))
    told = np.bincount(events.pair_row, events.pair_probability, 150)
    assert len(events.pair_row) > 256 + len(state.now.tracks.existence) // 4
    assert (told > 0.5).all()
    assert (told < 1.0 + 1e-6).all()
