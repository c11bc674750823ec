"""The patrol game over marginals: a linear programme with threshold cuts, whose value no roster can beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array, csr_array

from araz.deployment._instance import Instance, place_of
from araz.deployment._lp import INFINITY, Programme
from araz.deployment._response import (
    ResponseTable,
    cut_coefficients,
    marginal_response,
    response_table,
    summed,
    thresholds,
)
from araz.vocabulary import FloatArray, IntArray

#: Asked before each further round: go on? A room has no clock; the caller has.
GoOn = Callable[[], bool]

#: Cuts of one round, the most violated first: more make every later round slower than the rounds they save.
_CUTS_A_ROUND: Final = 1_000


def always() -> bool:
    """Never stop early."""
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """How often each post should be manned, and what that proves.

    ``coverage`` y [W, P]; ``bound_kg``: no plan with these teams, limits and sensors lets less through;
    ``mixture`` [A]: the smuggler's mix of attacks that proves it; ``converged``: the cuts were exhausted (else the
    bound holds but may be low).
    """

    coverage: FloatArray
    bound_kg: float
    mixture: FloatArray
    converged: bool


def add_move_rows(programme: Programme, instance: Instance, first: int) -> None:
    """Rows for teams that move at most L along the border between windows, y from column ``first`` on.

    With as many teams in the next window, every team can move to a post within L exactly when the cumulated
    marginals F_w(t) = Σ_{post ≤ t} y obey F_w(t) ≤ F_{w+1}(t + L) and F_{w+1}(t) ≤ F_w(t + L) for every t (the
    quantile coupling minimises the longest move on a line). The F_w(t) become columns of their own, behind those the
    programme has: with sums written out the rows would be as long as the border, and most of the solver's work.
    """
    limit, posts, windows = instance.limits.max_move_m, instance.posts, instance.windows
    if limit is None or windows < 2:
        return
    order = np.argsort(instance.post_m, kind="stable")
    place, count, own = instance.post_m[order], posts * windows, programme.columns
    programme.add_columns(0.0, 0.0, INFINITY, csr_array((count, programme.rows)))
    cell = np.arange(count)
    inner = cell[cell % posts > 0]
    y = first + (cell // posts) * posts + order[cell % posts]
    programme.add_rows(
        _rows(programme, (cell, own + cell, 1.0), (inner, own + inner - 1, -1.0), (cell, y, -1.0)), 0.0, 0.0
    )
    reach = np.searchsorted(place, place + limit + 1e-9, side="right")
    near = np.flatnonzero(reach < posts)
    here = own + (np.arange(windows - 1)[:, None] * posts + near).ravel()
    far = own + (np.arange(windows - 1)[:, None] * posts + reach[near] - 1).ravel()
    row = np.arange(len(here))
    for low, high in ((here, far + posts), (here + posts, far)):
        programme.add_rows(_rows(programme, (row, low, 1.0), (row, high, -1.0)), -INFINITY, 0.0)


def _rows(programme: Programme, *parts: tuple[IntArray, IntArray, float]) -> csr_array:
    """Rows over the programme's columns from (row, column, value) triples."""
    row, column = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    value = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    return csr_array(coo_array((value, (row, column)), (int(row.max(initial=-1)) + 1, programme.columns)))


def team_rows(instance: Instance) -> csr_array:
    """Σ_p y_pw per window, [W, P·W]."""
    size = instance.posts * instance.windows
    return csr_array(
        (np.ones(size), (np.repeat(np.arange(instance.windows), instance.posts), np.arange(size))),
        (instance.windows, size),
    )


def patrol_columns(instance: Instance) -> FloatArray:
    """Upper bound of y [P·W]: one team a post, none in a window without teams."""
    return np.repeat((instance.teams > 0).astype(np.float64), instance.posts)


def solve_marginals(
    instance: Instance, detected: FloatArray, *, tolerance_kg: float = 1e-6, go_on: GoOn = always
) -> Marginals:
    """Lower bound on what gets through, over every mixture of rosters, by cutting planes.

    min z, z ≥ 0, such that z + V_a D_a (mτ + Σ_p (q_pa − τ)⁺ y_pw) / m ≥ V_a − c_a for all (a, τ), 0 ≤ y ≤ 1,
    Σ_p y_pw = min(K_w, P) and the moves of ``add_move_rows``. Each round adds the most violated cut of every (window,
    crossing), of 1,000 at most. Any round's optimum is a valid bound; a round that HiGHS does not finish is not used.
    Fails with ValueError when ``detected`` is not one probability an attack.
    """
    table = response_table(instance)
    stake = stake_of(instance, detected)
    upper = np.concatenate([[INFINITY], patrol_columns(instance)])
    programme = Programme(np.arange(len(upper)) == 0, 0.0, upper)  # columns z, y
    add_patrol_rows(programme, instance, 1)
    first = programme.rows
    cut: IntArray = np.zeros(0, dtype=np.int64)
    best: tuple[float, FloatArray, FloatArray] | None = None
    coverage = even_coverage(instance)
    group = place_of(instance)
    converged, value = False, 0.0
    for _ in range(400):
        over = attack_values(instance, stake, table, coverage) - value
        chosen = worst_of_each(over, group, tolerance_kg)
        chosen = chosen[np.argsort(-over[chosen], kind="stable")[:_CUTS_A_ROUND]]
        if len(chosen) == 0:
            converged = True
            break
        if best is not None and not go_on():
            break
        rows = instance.response_row[chosen]
        add_leak_cuts(programme, table, rows, instance.net_kg[chosen], stake[chosen], coverage, (1.0, 0), 1)
        cut = np.concatenate([cut, chosen])
        answer = programme.solve()
        if not (answer.proved and answer.feasible):
            break
        value, coverage = float(answer.x[0]), np.clip(answer.x[1 : len(upper)], 0.0, 1.0)
        best = (answer.objective, coverage, answer.row_dual[first:])
    if best is None:
        best = (0.0, coverage, np.zeros(0))
    bound, coverage, weight = best
    return Marginals(
        coverage.reshape(instance.windows, -1),
        max(0.0, bound),
        summed(cut[: len(weight)], np.maximum(weight, 0.0), instance.attacks),
        converged,
    )


def attack_values(instance: Instance, stake: FloatArray, table: ResponseTable, coverage: FloatArray) -> FloatArray:
    """V_a − c_a − V_a D_a f_a(y): what each attack [A] brings its sender, per sortie, against marginals y [P·W]."""
    return instance.net_kg - stake * marginal_response(table, coverage)[instance.response_row]


def worst_of_each(over: FloatArray, group: IntArray, above: float) -> IntArray:
    """The attack with the largest value in each group, where that is above a threshold."""
    if len(over) == 0:
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort((-over, group))
    first = np.r_[True, np.diff(group[order]) != 0]
    top = order[first]
    return top[over[top] > above]


def stake_of(instance: Instance, detected: FloatArray) -> FloatArray:
    """(V_a + h_a) D_a [A]: what a certain response would save; ValueError unless one probability an attack."""
    detected = np.asarray(detected, dtype=np.float64)
    if detected.shape != (instance.attacks,) or not np.all((detected >= 0) & (detected <= 1)):
        raise ValueError(f"detected needs one probability for each of the {instance.attacks} attacks.")
    return instance.at_stake_kg * detected


def shifted(matrix: csr_array, columns: int, by: int) -> csr_array:
    """The same rows over ``columns`` columns, moved to the right."""
    return csr_array((matrix.data, matrix.indices + by, matrix.indptr), (matrix.shape[0], columns))


def even_teams(instance: Instance) -> FloatArray:
    """Teams of each window [W] that find a post: a post holds one."""
    return np.minimum(instance.teams, instance.posts).astype(np.float64)


def even_coverage(instance: Instance) -> FloatArray:
    """Marginals y [P·W] with the teams of each window shared out evenly over the posts: where searches begin."""
    return np.repeat(even_teams(instance) / instance.posts, instance.posts)


def add_patrol_rows(programme: Programme, instance: Instance, first: int, manned: FloatArray | float = 1.0) -> None:
    """The rows that do not depend on attacks, y from column ``first`` on; windows with ``manned`` 0 stay empty.

    Every team stands somewhere: one more never lets more through, and the moves compare whole teams.
    """
    teams = even_teams(instance) * manned
    programme.add_rows(shifted(team_rows(instance), programme.columns, first), teams, teams)
    add_move_rows(programme, instance, first)


def add_leak_cuts(
    programme: Programme,
    table: ResponseTable,
    rows: IntArray,
    net_kg: FloatArray,
    stake: FloatArray,
    coverage: FloatArray,
    level: tuple[float, int | IntArray],
    first: int,
) -> None:
    """Add ``level`` (coefficient, column) + stake · cut of f(y) at ``coverage`` ≥ net, y from column ``first`` on."""
    cut, column, slope, constant = cut_coefficients(table, rows, thresholds(table, rows, coverage))
    count = len(rows)
    matrix = coo_array(
        (
            np.concatenate([np.full(count, level[0]), stake[cut] * slope]),
            (
                np.concatenate([np.arange(count), cut]),
                np.concatenate([np.broadcast_to(level[1], (count,)), column + first]),
            ),
        ),
        (count, programme.columns),
    ).tocsr()
    programme.add_rows(matrix, net_kg - stake * constant, INFINITY)
