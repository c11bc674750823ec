"""The defender's best answers: to a mixture of attacks, to an expected traffic, to every stretch at once."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array

from araz.deployment._instance import Instance
from araz.deployment._lp import INFINITY, Programme
from araz.deployment._marginals import (
    GoOn,
    add_leak_cuts,
    add_patrol_rows,
    patrol_columns,
    worst_of_each,
)
from araz.deployment._pool import Block
from araz.deployment._response import ResponseTable, cut_coefficients, marginal_response, summed
from araz.vocabulary import FloatArray, IntArray


class Answerer:
    """The defender's answer to a smuggler's mix: max Σ_a μ_a V_a D_a f_a(y) over marginals, or over placements."""

    def __init__(self, instance: Instance, stake: FloatArray, block: Block) -> None:
        self._instance, self._stake, self._block = instance, stake, block

    def best(self, weight: FloatArray, *, whole: bool, nodes: int = 200) -> tuple[FloatArray, float]:
        """Marginals y [W, P] (0 or 1 when ``whole``) and a proved upper bound on what any placement saves (kg)."""
        block = self._block
        gain = summed(block.row, weight * self._stake[block.attack], len(block.table.q))
        programme, size = self._programme(block.table, gain, whole)
        if whole:
            programme.option("mip_max_nodes", nodes)
            programme.option("mip_rel_gap", 1e-4)
        answer = programme.solve()
        if not answer.feasible:
            return np.zeros((self._instance.windows, self._instance.posts)), INFINITY
        return self._shaped(answer.x[:size]), -answer.bound

    def leaning(
        self, table: ResponseTable, gain: FloatArray, cap_kg: FloatArray, start: FloatArray, go_on: GoOn
    ) -> FloatArray:
        """Marginals y [W, P] that maximise Σ gain · f over rows of ``table``; no attack leaks above its cap [A].

        ``start`` [P·W]: marginals to fall back on when HiGHS finds none.
        """
        block, stake = self._block, self._stake[self._block.attack]
        net = self._instance.net_kg[block.attack]
        programme, size = self._programme(table, gain, False)
        y = start
        for _ in range(60):
            answer = programme.solve()
            if not (answer.proved and answer.feasible and go_on()):
                break
            y = np.clip(answer.x[:size], 0.0, 1.0)
            value = net - stake * marginal_response(block.table, y)[block.row]
            leaks = worst_of_each(value - cap_kg, block.group, 1e-6)
            if len(leaks) == 0:
                break
            rows, over = block.row[leaks], net[leaks] - cap_kg[leaks]
            add_leak_cuts(programme, block.table, rows, over, stake[leaks], y, (0.0, 0), 0)
        return self._shaped(y)

    def spreading(self, region: IntArray, cap_kg: float, start: FloatArray, go_on: GoOn) -> FloatArray:
        """Marginals y [W, P] that minimise the sum of the worst attacks of all regions, none above a cap."""
        block, stake = self._block, self._stake[self._block.attack]
        net, instance = self._instance.net_kg[block.attack], self._instance
        levels, size = int(region.max(initial=0)) + 1, instance.posts * instance.windows
        inside = np.zeros(instance.windows)
        inside[block.windows] = 1.0
        upper = np.concatenate([patrol_columns(instance) * np.repeat(inside, instance.posts), np.full(levels, cap_kg)])
        programme = Programme(np.concatenate([np.zeros(size), np.ones(levels)]), 0.0, upper)
        add_patrol_rows(programme, instance, 0, inside)
        y, level = start, np.zeros(levels)
        for _ in range(60):
            value = net - stake * marginal_response(block.table, y)[block.row]
            leaks = worst_of_each(value - level[region], block.group, 1e-4)
            if len(leaks) == 0:
                break
            rows = block.row[leaks]
            columns = size + region[leaks]
            add_leak_cuts(programme, block.table, rows, net[leaks], stake[leaks], y, (1.0, columns), 0)
            answer = programme.solve()
            if not (answer.proved and answer.feasible and go_on()):
                break
            y, level = np.clip(answer.x[:size], 0.0, 1.0), answer.x[size : size + levels]
        return self._shaped(y)

    def _shaped(self, y: FloatArray) -> FloatArray:
        return np.asarray(np.clip(y, 0.0, 1.0).reshape(self._instance.windows, -1), dtype=np.float64)

    def _programme(self, table: ResponseTable, gain: FloatArray, whole: bool) -> tuple[Programme, int]:
        """Max Σ gain_r f_r, f_r ≤ every threshold's cut, as a programme over y [P·W] and f."""
        instance = self._instance
        inside = np.zeros(instance.windows)
        inside[self._block.windows] = 1.0
        rows = np.flatnonzero(gain > 1e-12)
        size = instance.posts * instance.windows
        upper = np.concatenate([patrol_columns(instance) * np.repeat(inside, instance.posts), np.ones(len(rows))])
        cost = np.concatenate([np.zeros(size), -gain[rows]])
        integer = np.concatenate([np.ones(size, bool), np.zeros(len(rows), bool)]) if whole else None
        programme = Programme(cost, 0.0, upper, integer)
        add_patrol_rows(programme, instance, 0, inside)
        number = np.repeat(np.arange(len(rows)), table.q.shape[1] + 1)
        tau = np.concatenate([table.q[rows], np.zeros((len(rows), 1))], axis=1).ravel()
        cut, column, slope, constant = cut_coefficients(table, rows[number], tau)
        matrix = coo_array(
            (
                np.concatenate([np.ones(len(number)), -slope]),
                (np.concatenate([np.arange(len(number)), cut]), np.concatenate([size + number, column])),
            ),
            (len(number), programme.columns),
        ).tocsr()
        programme.add_rows(matrix, -INFINITY, constant)
        return programme, size
