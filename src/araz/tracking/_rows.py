"""Rows of numbers, and lanes: the modes of one track side by side, so that one instruction serves all of them.

A **row** is a place in an array of numbers and costs nothing to make (a slice counts its users, which costs more than
the arithmetic on it). ``number_row(table, i)`` reads as one number a column, ``lane_row(table, i)`` as ``LANES``
numbers a column, lane m for mode m. A kernel for rows, ``out[0] = g[0] + s * g[3]``, does one Gaussian or all seven.

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
def where_above(typing: Any, value: Any, limit: Any, yes: Any, no: Any) -> Any:
    """Lane by lane ``yes`` where ``value`` > ``limit``, else ``no``."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], _spread(builder, args[1])), args[2], args[3])

    return signature(_lanes, _lanes, _number, _lanes, _lanes), code


def _lane_by_lane(function: Any) -> None:
    """Let a function of numbers take lanes, one after the other."""

    def choose(self: Any, args: Any, kws: Any) -> Any:
        return signature(_lanes, *args) if args and all(arg == _lanes for arg in args) else None

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        call = context.get_function(function, signature(_number, *[_number] * len(args)))
        value = ir.Constant(_VECTOR, ir.Undefined)
        for m in range(LANES):
            at = ir.IntType(32)(m)
            one = call(builder, [builder.extract_element(arg, at) for arg in args])
            value = builder.insert_element(value, one, at)
        return value

    _typed(function, choose)
    for count in (1, 2):
        _lower_builtin(function, *[LanesType] * count)(code)


for _function in (math.exp, math.log, math.atan2):
    _lane_by_lane(_function)


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
