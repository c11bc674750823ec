"""Rows of numbers, and lanes: the modes of one track side by side, so that one instruction serves all of them.

A **row** is a place in an array of numbers and costs nothing to make (a slice counts its users, which costs more than
the arithmetic on it). ``number_row(table, i)`` reads as one number a column, ``lane_row(table, i)`` as ``LANES``
numbers a column, lane m for mode m. A kernel for rows, ``out[0] = g[0] + s * g[3]``, does one Gaussian or all eight.

A row does not keep its array alive: make rows only of arrays that came as arguments or are returned, never of one made
in the same function. Arithmetic is IEEE, lane by lane, without fused or reordered operations: every machine gets the
same bits.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final, TypeAlias

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, Signature, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES: Final = 8
"""Numbers side by side: one more than there are modes, and the width of the widest registers in use."""

Lanes: TypeAlias = Any
NumberRow: TypeAlias = Any
LaneRow: TypeAlias = Any
Row: TypeAlias = Any
"""What kernels call these in their signatures; either kind of row where both will do."""

_intrinsic: Any = intrinsic
_lower_builtin: Any = lower_builtin
_register_model: Any = register_model

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ALIGN: Final = 8


class _Simple(types.Type):
    """A type without settings: every instance is the same."""

    def __init__(self) -> None:
        super().__init__(name=type(self).__name__)


class LanesType(_Simple):
    """``LANES`` numbers side by side."""


class NumberRowType(_Simple):
    """Where a row of numbers begins."""


class LaneRowType(_Simple):
    """Where a row of lanes begins."""


@_register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


@_register_model(NumberRowType)
@_register_model(LaneRowType)
class _RowModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.DoubleType().as_pointer())


_lanes, _number_row, _lane_row, _number = LanesType(), NumberRowType(), LaneRowType(), types.float64
_WIDTH = {_number_row: 1, _lane_row: LANES}


def signature(gives: Any, *takes: Any) -> Any:
    """What a function takes and gives."""
    return Signature(gives, takes, None)


def _place(context: Any, builder: Any, kind: Any, table: Any, i: Any) -> Any:
    """Pointer to the first number of ``table[i]``."""
    array = context.make_array(kind)(context, builder, table)
    strides = cgutils.unpack_tuple(builder, array.strides, kind.ndim)
    return cgutils.pointer_add(builder, array.data, builder.mul(i, strides[0]))


def _maker(row: Any) -> Any:
    def make(typing: Any, table: Any, i: Any) -> Any:
        if not (isinstance(table, types.Array) and table.dtype == _number and table.layout == "C"):
            return None

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return _place(context, builder, sig.args[0], args[0], args[1])

        return signature(row, table, types.intp), code

    return make


number_row: Any = _intrinsic(_maker(_number_row))
lane_row: Any = _intrinsic(_maker(_lane_row))


def _spread(builder: Any, number: Any) -> Any:
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(
        one, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def _typed(operation: Any, choose: Any) -> None:
    template = type("_Rows_" + getattr(operation, "__name__", "op"), (AbstractTemplate,), {"generic": choose})
    infer_global(operation)(template)


def _two(self: Any, args: Any, kws: Any) -> Any:
    if len(args) == 2 and _lanes in args and all(arg in (_lanes, _number) for arg in args):
        return signature(_lanes, *args)
    return None


def _lower_two(operation: Any, instruction: str) -> None:
    for left, right in ((_lanes, _lanes), (_lanes, _number), (_number, _lanes)):

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            a, b = (
                value if kind == _lanes else _spread(builder, value) for value, kind in zip(args, sig.args, strict=True)
            )
            return getattr(builder, instruction)(a, b)

        _lower_builtin(operation, type(left) if left is _lanes else left, type(right) if right is _lanes else right)(
            code
        )


for _operations, _instruction in (
    ((operator.add, operator.iadd), "fadd"),
    ((operator.sub, operator.isub), "fsub"),
    ((operator.mul, operator.imul), "fmul"),
    ((operator.truediv, operator.itruediv), "fdiv"),
):
    for _operation in _operations:
        _typed(_operation, _two)
        _lower_two(_operation, _instruction)


def _negated(self: Any, args: Any, kws: Any) -> Any:
    return signature(_lanes, _lanes) if args == (_lanes,) else None


_typed(operator.neg, _negated)


@_lower_builtin(operator.neg, LanesType)
def _negate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fsub(ir.Constant(_VECTOR, [-0.0] * LANES), args[0])


def _get(self: Any, args: Any, kws: Any) -> Any:
    row, column = args
    if row in _WIDTH and isinstance(column, types.Integer):
        return signature(_number if row == _number_row else _lanes, row, types.intp)
    return None


def _set(self: Any, args: Any, kws: Any) -> Any:
    row, column, _ = args
    if row in _WIDTH and isinstance(column, types.Integer):
        return signature(types.none, row, types.intp, _number if row == _number_row else _lanes)
    return None


_typed(operator.getitem, _get)
_typed(operator.setitem, _set)


def _entry(builder: Any, row: Any, pointer: Any, column: Any) -> Any:
    if row == _number_row:
        return builder.gep(pointer, [column])
    at = builder.gep(pointer, [builder.mul(column, column.type(LANES))])
    return builder.bitcast(at, _VECTOR.as_pointer())


@_lower_builtin(operator.getitem, NumberRowType, types.Integer)
@_lower_builtin(operator.getitem, LaneRowType, types.Integer)
def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(_entry(builder, sig.args[0], *args), align=_ALIGN)


@_lower_builtin(operator.setitem, NumberRowType, types.Integer, types.Float)
@_lower_builtin(operator.setitem, LaneRowType, types.Integer, LanesType)
def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    builder.store(args[2], _entry(builder, sig.args[0], args[0], args[1]), align=_ALIGN)
    return context.get_dummy_value()


@_intrinsic
def spread(typing: Any, number: Any) -> Any:
    """One number in every lane."""
    return signature(_lanes, _number), lambda context, builder, sig, args: _spread(builder, args[0])


@_intrinsic
def alike(typing: Any, value: Any, number: Any) -> Any:
    """A number in the form of ``value``: itself, or in every lane."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _spread(builder, args[1]) if sig.args[0] == _lanes else args[1]

    return signature(value, value, _number), code


@_intrinsic
def at_least(typing: Any, value: Any, limit: Any) -> Any:
    """The larger of a number, or of each lane, and a limit."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        limit = _spread(builder, args[1]) if sig.args[0] == _lanes else args[1]
        return builder.select(builder.fcmp_ordered(">", args[0], limit), args[0], limit)

    return signature(value, value, _number), code


@_intrinsic
def beyond(typing: Any, row: Any, columns: Any) -> Any:
    """The row that begins ``columns`` further on in the same table."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        step = builder.mul(args[1], args[1].type(_WIDTH[sig.args[0]]))
        return builder.gep(args[0], [step])

    return signature(row, row, types.intp), code


@_intrinsic
def copy_row(typing: Any, old: Any, count: Any, new: Any) -> Any:
    """Copy the first ``count`` numbers of a row to another, apart from it: a row at once, where a loop goes singly."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        cgutils.raw_memcpy(builder, args[2], args[0], args[1], _ALIGN)
        return context.get_dummy_value()

    return signature(types.none, _number_row, types.intp, _number_row), code


@_intrinsic
def numbers(typing: Any, row: Any) -> Any:
    """A row of lanes as one of numbers: lane m of column q is number q LANES + m."""
    return signature(_number_row, _lane_row), lambda context, builder, sig, args: args[0]


def _halved(join: Any) -> Any:
    """Code that joins the lower with the upper half of the lanes until one number is left."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, count = args[0], LANES
        while count > 1:
            count //= 2
            none, index = ir.Constant(vector.type, ir.Undefined), ir.VectorType(ir.IntType(32), count)
            picks = [ir.Constant(index, list(range(start, start + count))) for start in (0, count)]
            vector = join(builder, *(builder.shuffle_vector(vector, none, pick) for pick in picks))
        return builder.extract_element(vector, ir.IntType(32)(0))

    return code


@_intrinsic
def total(typing: Any, value: Any) -> Any:
    """Sum over the lanes."""
    return signature(_number, _lanes), _halved(lambda builder, a, b: builder.fadd(a, b))


@_intrinsic
def largest(typing: Any, value: Any) -> Any:
    """The largest of the lanes."""
    return signature(_number, _lanes), _halved(
        lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b)
    )


@_intrinsic
def first(typing: Any, value: Any) -> Any:
    """The number in the first lane."""
    zero = ir.IntType(32)(0)
    return signature(_number, _lanes), lambda context, builder, sig, args: builder.extract_element(args[0], zero)


@_intrinsic
def lane(typing: Any, value: Any, index: Any) -> Any:
    """The number in one lane."""
    return signature(_number, _lanes, types.intp), lambda context, builder, sig, args: builder.extract_element(*args)


@_intrinsic
def where_above(typing: Any, value: Any, limit: Any, yes: Any, no: Any) -> Any:
    """Lane by lane ``yes`` where ``value`` > ``limit``, else ``no``."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], _spread(builder, args[1])), args[2], args[3])

    return signature(_lanes, _lanes, _number, _lanes, _lanes), code


@_intrinsic
def eight(typing: Any, row: Any, start: Any) -> Any:
    """``LANES`` numbers of a row side by side, from column ``start`` on; there must be so many."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        at = builder.bitcast(builder.gep(args[0], [args[1]]), _VECTOR.as_pointer())
        return builder.load(at, align=_ALIGN)

    return signature(_lanes, _number_row, types.intp), code


@_intrinsic
def bits_above(typing: Any, value: Any, limit: Any) -> Any:
    """In which lanes a value is above a limit, or above the limit's own lane: bit m is lane m; never by NaN."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        limit = args[1] if sig.args[1] == _lanes else _spread(builder, args[1])
        above = builder.bitcast(builder.fcmp_ordered(">", args[0], limit), ir.IntType(LANES))
        return builder.zext(above, ir.IntType(64))

    return signature(types.int64, _lanes, limit), code


@_intrinsic
def lowest_bit(typing: Any, bits: Any) -> Any:
    """The number of the lowest bit that is set; there must be one."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.IntType(1)(1))

    return signature(types.int64, types.int64), code


def _machine_s_own(name: str) -> Any:
    """Code that calls an instruction of the machine, on a number or lane by lane."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = args[0].type
        suffix = f"v{LANES}f64" if sig.args[0] == _lanes else "f64"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind]), f"llvm.{name}.{suffix}"
        )
        return builder.call(function, args)

    return code


@_intrinsic
def root(typing: Any, value: Any) -> Any:
    """Square root, of a number or lane by lane."""
    return signature(value, value), _machine_s_own("sqrt")


@_intrinsic
def nearest(typing: Any, value: Any) -> Any:
    """The nearest whole number, of halves the even one, of a number or lane by lane."""
    return signature(value, value), _machine_s_own("rint")


@_intrinsic
def two_to_the(typing: Any, value: Any) -> Any:
    """Two to the power of whole numbers from -1022 to 1023, lane by lane."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = ir.VectorType(ir.IntType(64), LANES)
        biased = builder.add(builder.fptosi(args[0], whole), ir.Constant(whole, [1023] * LANES))
        return builder.bitcast(builder.shl(biased, ir.Constant(whole, [52] * LANES)), _VECTOR)

    return signature(_lanes, _lanes), code


def _written_for_lanes(function: Any, count: int, body: Any) -> None:
    """Let a function of numbers take lanes, by a body of their arithmetic: faster than one call a lane."""

    def choose(self: Any, args: Any, kws: Any) -> Any:
        return signature(_lanes, *args) if len(args) == count and all(arg == _lanes for arg in args) else None

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.compile_internal(builder, body, sig, args)

    _typed(function, choose)
    _lower_builtin(function, *[LanesType] * count)(code)


def _exponential(x: Lanes) -> Lanes:
    """e^x to two units in the last place; zero below -708 and for NaN, held above 709.

    x = n ln 2 + r with |r| < 0.35; the series of e^r in two interleaved halves to r^13.
    """
    held = -at_least(-at_least(x, -708.0), -709.0)
    n = nearest(held * 1.4426950408889634)
    r = held - n * 0.6931471803691238 - n * 1.9082149292705877e-10
    q = r * r
    even = 1 / 479001600 * q + 1 / 3628800
    even = ((((even * q + 1 / 40320) * q + 1 / 720) * q + 1 / 24) * q + 1 / 2) * q + 1.0
    odd = 1 / 6227020800 * q + 1 / 39916800
    odd = ((((odd * q + 1 / 362880) * q + 1 / 5040) * q + 1 / 120) * q + 1 / 6) * q + 1.0
    return where_above(x, -708.0, (even + r * odd) * two_to_the(n), spread(0.0))


def _angle(y: Lanes, x: Lanes) -> Lanes:
    """atan2(y, x) to three units in the last place; zero where both are below 1e-300.

    The smaller over the larger, brought below tan(pi/8) by atan t = pi/4 + atan((t - 1) / (t + 1)); from there
    atan u = u + u z P(z), z = u^2, P the polynomial through eleven Chebyshev points, wrong by 7e-18 at most.
    """
    high, wide = where_above(y, 0.0, y, -y), where_above(x, 0.0, x, -x)
    steep = high - wide
    t = where_above(steep, 0.0, wide, high) / at_least(where_above(steep, 0.0, high, wide), 1e-300)
    u = where_above(t, 0.41421356237309503, (t - 1.0) / (t + 1.0), t)
    z = u * u
    p = -0.019169476385361265 * z + 0.03922560559586107
    p = (p * z - 0.05085240174154878) * z + 0.05858108856106755
    p = (p * z - 0.06664506835133263) * z + 0.07692182863309693
    p = (p * z - 0.09090904564022367) * z + 0.11111111014909221
    p = (p * z - 0.14285714284662226) * z + 0.199999999999955
    p = u + u * z * (p * z - 0.3333333333333333)
    p = where_above(t, 0.41421356237309503, p + 0.25 * math.pi, p)
    p = where_above(steep, 0.0, 0.5 * math.pi - p, p)
    p = where_above(-x, 0.0, math.pi - p, p)
    return where_above(-y, 0.0, -p, p)


_written_for_lanes(math.exp, 1, _exponential)
_written_for_lanes(math.atan2, 2, _angle)
