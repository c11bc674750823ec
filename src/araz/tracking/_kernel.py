"""The ways a function of this room is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


_njit: Any = njit


class _Decorator(Protocol):
    def __call__(self, function: _Function, /) -> _Function: ...


kernel: _Decorator = _njit(cache=True, error_model="numpy")
"""Compiled, cached on disk, and IEEE where Python would raise on a division by zero."""

leaf: _Decorator = _njit(cache=True, error_model="numpy", _nrt=False)
"""The same for a function that makes and gives no array: those it is handed, and parts of them, pass uncounted.

Counting the users of arrays took a quarter of the tracker's time: a record of ten arrays handed on costs twenty locked
additions. A leaf may call leaves only; one that makes an array does not compile.
"""

part: _Decorator = leaf
"""A leaf that gives parts of the arrays it was handed, in a record or a tuple: only a leaf may call it.

Whoever counts users would take one from arrays that nobody had added one to. tests/tracking/test_tracking_scratch.py
sees to it.
"""


def as_python(function: _Function) -> _Function:
    """A compiled function as it was written: for the few that only rename parts of arrays, which a call would box."""
    plain: Any = function
    return cast(_Function, plain.py_func)
