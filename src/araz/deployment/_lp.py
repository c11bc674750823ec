"""A linear or integer programme that grows: HiGHS with warm starts, and statuses that cannot be mistaken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from araz.vocabulary import FloatArray

INFINITY: Final = highspy.kHighsInf


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """An answer: ``proved`` only when HiGHS says optimal (or infeasible, then ``feasible`` is False)."""

    proved: bool
    feasible: bool
    objective: float
    bound: float
    x: FloatArray
    row_dual: FloatArray


class _Quiet(highspy.Highs):
    """HiGHS without its banner: the constructor's callbacks, unused here, print it to standard output."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        self.setOptionValue("output_flag", False)


class Programme:
    """min cost·x, lower ≤ x ≤ upper, rows added as cuts are found."""

    def __init__(self, cost: ArrayLike, lower: ArrayLike, upper: ArrayLike, integer: ArrayLike | None = None) -> None:
        self._highs = _Quiet()
        for option, value in (("threads", 1), ("random_seed", 1)):
            self._highs.setOptionValue(option, value)
        cost = np.asarray(cost, dtype=np.float64)
        self.columns = len(cost)
        none: list[int] = []
        self._highs.addCols(
            self.columns, cost, np.broadcast_to(np.asarray(lower, dtype=np.float64), cost.shape).copy(),
            np.broadcast_to(np.asarray(upper, dtype=np.float64), cost.shape).copy(), 0, none, none, [],
        )  # fmt: skip
        self._integer = integer is not None
        if integer is not None:
            chosen = np.flatnonzero(np.asarray(integer, dtype=np.bool_)).astype(np.int32)
            kinds = np.full(len(chosen), highspy.HighsVarType.kInteger)
            self._highs.changeColsIntegrality(len(chosen), chosen, kinds)

    @property
    def rows(self) -> int:
        """Number of rows so far."""
        return int(self._highs.getNumRow())

    def option(self, name: str, value: float | bool | str) -> None:
        """Set a HiGHS option."""
        self._highs.setOptionValue(name, value)

    def add_rows(self, matrix: csr_array, lower: ArrayLike, upper: ArrayLike) -> None:
        """Add lower ≤ matrix·x ≤ upper, all rows at once; the last basis stays as a warm start."""
        matrix = csr_array(matrix)
        count = matrix.shape[0]
        if count:
            self._highs.addRows(
                count, np.broadcast_to(np.asarray(lower, dtype=np.float64), (count,)).copy(),
                np.broadcast_to(np.asarray(upper, dtype=np.float64), (count,)).copy(), matrix.nnz,
                matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32), matrix.data,
            )  # fmt: skip

    def add_columns(self, cost: ArrayLike, lower: float, upper: float, matrix: csr_array) -> None:
        """Add columns, given as the rows of ``matrix`` [new columns, rows so far]."""
        matrix = csr_array(matrix)
        count = matrix.shape[0]
        self._highs.addCols(
            count, np.broadcast_to(np.asarray(cost, dtype=np.float64), (count,)).copy(), np.full(count, lower),
            np.full(count, upper), matrix.nnz, matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32),
            matrix.data,
        )  # fmt: skip
        self.columns += count

    def bounds(self, columns: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """Change the bounds of columns."""
        chosen = np.asarray(columns, dtype=np.int32)
        self._highs.changeColsBounds(len(chosen), chosen, *_spread(chosen, lower, upper))

    def cost(self, cost: ArrayLike) -> None:
        """Change the whole cost."""
        values = np.asarray(cost, dtype=np.float64)
        self._highs.changeColsCost(len(values), np.arange(len(values), dtype=np.int32), values)

    def solve(self) -> Solved:
        """Run; an unfinished run is ``proved`` False and its objective means nothing beyond ``bound``."""
        self._highs.run()
        status = self._highs.getModelStatus()
        optimal = status == highspy.HighsModelStatus.kOptimal
        infeasible = status == highspy.HighsModelStatus.kInfeasible
        solution, info = self._highs.getSolution(), self._highs.getInfo()
        found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        bound = -INFINITY
        if self._integer:
            bound = float(info.mip_dual_bound)
        elif optimal:
            bound = float(info.objective_function_value)
        return Solved(
            optimal or infeasible,
            found and not infeasible,
            float(info.objective_function_value),
            bound,
            np.array(solution.col_value, dtype=np.float64),
            np.array(solution.row_dual, dtype=np.float64),
        )


def _spread(chosen: NDArray[np.int32], *values: ArrayLike) -> list[FloatArray]:
    return [np.broadcast_to(np.asarray(value, dtype=np.float64), chosen.shape).copy() for value in values]
