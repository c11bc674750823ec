"""Room to work in: made once a look, cut as it is needed, so that no kernel inside makes an array of its own.

A function takes a ``Scratch``, cuts what it needs and hands the rest on; what it does not give back is free again when
it returns. A look at fifty targets had made eighty arrays, and making and counting them took a twelfth of its time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from araz.tracking._kernel import kernel, part
from araz.tracking._rows import LANES
from araz.vocabulary import BoolArray, FloatArray, IntArray

TOO_SMALL: Final = "the scratch of a look is smaller than what is cut from it: its size was worked out wrongly"


class Scratch(NamedTuple):
    """What is left of the room: numbers, whole numbers and flags, not set to anything."""

    real: FloatArray
    whole: IntArray
    flag: BoolArray


@kernel
def scratch_of(real: int, whole: int, flag: int) -> Scratch:
    """Room for so many numbers, whole numbers and flags."""
    return Scratch(aligned(real), np.empty(whole, np.int64), np.empty(flag, np.bool_))


@kernel
def aligned(count: int) -> FloatArray:
    """So many numbers, not set to anything, that begin where the processor's widest registers are filled at once."""
    room = np.empty(count + LANES)
    skip = -(room.ctypes.data // room.itemsize) % LANES
    return room[skip : skip + count]


@part
def cut_reals(scratch: Scratch, count: int) -> tuple[FloatArray, Scratch]:
    """So many numbers, and the rest, which begins at a multiple of LANES."""
    if count > len(scratch.real):
        raise MemoryError(TOO_SMALL)
    return scratch.real[:count], Scratch(scratch.real[count + -count % LANES :], scratch.whole, scratch.flag)


@part
def cut_table(scratch: Scratch, rows: int, columns: int) -> tuple[FloatArray, Scratch]:
    """A table [rows, columns] of numbers, and the rest as of ``cut_reals``."""
    room, scratch = cut_reals(scratch, rows * columns)
    return room.reshape((rows, columns)), scratch


@part
def cut_wholes(scratch: Scratch, count: int) -> tuple[IntArray, Scratch]:
    """So many whole numbers, and the rest."""
    if count > len(scratch.whole):
        raise MemoryError(TOO_SMALL)
    return scratch.whole[:count], Scratch(scratch.real, scratch.whole[count:], scratch.flag)


@part
def cut_flags(scratch: Scratch, count: int) -> tuple[BoolArray, Scratch]:
    """So many flags, and the rest."""
    if count > len(scratch.flag):
        raise MemoryError(TOO_SMALL)
    return scratch.flag[:count], Scratch(scratch.real, scratch.whole, scratch.flag[count:])
