"""The patrol game over marginals: a linear programme with threshold cuts, whose value no roster can beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from araz.deployment._instance import Instance
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


def always() -> bool:
    """Never stop early."""
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """How often each post should be manned, and what that proves.

    ``coverage`` y [W, P]; ``bound_kg``: no plan with these teams, limits and sensors lets less through;
    ``mixture`` [A]: the smuggler's mix of attacks that proves it; ``team_price_kg`` [W]: how far the bound falls for
    one more team in a window; ``converged``: the cuts were exhausted (else the bound holds but may be low).
    """

    coverage: FloatArray
    bound_kg: float
    mixture: FloatArray
    team_price_kg: FloatArray
    converged: bool


def move_rows(instance: Instance) -> tuple[csr_array, FloatArray]:
    """Rows M·y ≤ b for teams that move at most L along the border between windows; none without such a limit.

    With as many teams in the next window, every team can move to a post within L exactly when the cumulated
    marginals F_w(t) = Σ_{post ≤ t} y obey F_w(t) ≤ F_{w+1}(t + L) and F_{w+1}(t) ≤ F_w(t + L) for every t (the
    quantile coupling minimises the longest move on a line). Two rows a post and window, sparse as differences.
    """
    limit, posts, windows = instance.limits.max_move_m, instance.posts, instance.windows
    if limit is None or windows < 2:
        return csr_array((0, posts * windows)), np.zeros(0)
    order = np.argsort(instance.post_m, kind="stable")
    place = instance.post_m[order]
    reach = np.searchsorted(place, place + limit + 1e-9, side="right")
    rows, columns, data, row = [], [], [], 0
    for earlier, later in [(w, w + 1) for w in range(windows - 1)] + [(w + 1, w) for w in range(windows - 1)]:
        for k in range(posts):
            if reach[k] < posts:
                columns += [*(earlier * posts + order[: k + 1]), *(later * posts + order[: reach[k]])]
                data += [1.0] * (k + 1) + [-1.0] * int(reach[k])
                rows += [row] * (k + 1 + int(reach[k]))
                row += 1
    return coo_array((data, (rows, columns)), (row, posts * windows)).tocsr(), np.zeros(row)


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
    instance: Instance, detected: FloatArray, *, tolerance_kg: float = 1e-6, go_on: GoOn = always, rounds: int = 400
) -> Marginals:
    """Lower bound on what gets through, over every mixture of rosters, by cutting planes.

    min z, z ≥ 0, such that z + V_a D_a (mτ + Σ_p (q_pa − τ)⁺ y_pw) / m ≥ V_a − c_a for all (a, τ), 0 ≤ y ≤ 1,
    Σ_p y_pw = min(K_w, P) and the moves of ``move_rows``. Each round adds the most violated cut of every (window,
    crossing). Any round's optimum is a valid bound; a round that HiGHS does not finish is not used.
    Fails with ValueError when ``detected`` is not one probability an attack.
    """
    table = response_table(instance)
    stake = stake_of(instance, detected)
    programme, first = _patrol_programme(instance)
    book = _CutBook()
    best: tuple[float, FloatArray, FloatArray, FloatArray] | None = None
    coverage = np.repeat(even_teams(instance) / instance.posts, instance.posts)
    group = instance.window * len(instance.cell_m) + instance.crossing
    converged, value = False, 0.0
    for _ in range(rounds):
        over = attack_values(instance, stake, table, coverage) - value
        chosen = worst_of_each(over, group, tolerance_kg)
        if len(chosen) == 0:
            converged = True
            break
        if best is not None and not go_on():
            break
        book.add(programme, instance, stake, table, chosen, coverage)
        answer = programme.solve()
        if not (answer.proved and answer.feasible):
            break
        value, coverage = float(answer.x[0]), np.clip(answer.x[1:], 0.0, 1.0)
        best = (answer.objective, coverage, answer.row_dual[:first], answer.row_dual[first:])
    if best is None:
        nobody = np.zeros(instance.attacks)
        return Marginals(coverage.reshape(instance.windows, -1), 0.0, nobody, np.zeros(instance.windows), converged)
    bound, coverage, price, weight = best
    return Marginals(
        coverage.reshape(instance.windows, -1),
        max(0.0, bound),
        summed(book.attacks[: len(weight)], np.maximum(weight, 0.0), instance.attacks),
        np.maximum(-price[: instance.windows], 0.0),
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


def _patrol_programme(instance: Instance) -> tuple[Programme, int]:
    """Columns z, y; the rows that do not depend on attacks, and how many they are."""
    upper = np.concatenate([[INFINITY], patrol_columns(instance)])
    cost = np.zeros(len(upper))
    cost[0] = 1.0
    programme = Programme(cost, 0.0, upper)
    moves, right = move_rows(instance)
    # Every team stands somewhere: one more never lets more through, and the moves compare whole teams.
    programme.add_rows(shifted(team_rows(instance), len(upper), 1), even_teams(instance), even_teams(instance))
    programme.add_rows(shifted(moves, len(upper), 1), -INFINITY, right)
    return programme, programme.rows


class _CutBook:
    """Which attack each cut row belongs to."""

    def __init__(self) -> None:
        self.attacks: IntArray = np.zeros(0, dtype=np.int64)

    def add(
        self,
        programme: Programme,
        instance: Instance,
        stake: FloatArray,
        table: ResponseTable,
        chosen: IntArray,
        coverage: FloatArray,
    ) -> None:
        """Add the cuts of some attacks at the marginals where they are violated."""
        add_leak_cuts(
            programme,
            table,
            instance.response_row[chosen],
            instance.net_kg[chosen],
            stake[chosen],
            coverage,
            (1.0, 0),
            1,
        )
        self.attacks = np.concatenate([self.attacks, chosen])


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
