"""What a look keeps for itself while it lasts, all cut from one ``Scratch``, and how much of that it takes."""

from __future__ import annotations

from typing import NamedTuple

from araz.tracking._cluster import Association, bench_reals
from araz.tracking._clutter import CROWD_WHOLES
from araz.tracking._formation import Before
from araz.tracking._grid import plan_wholes
from araz.tracking._kernel import kernel, leaf, part
from araz.tracking._measure import PLOT_REALS
from araz.tracking._rows import LANES
from araz.tracking._scratch import Scratch, cut_flags, cut_reals, cut_table, cut_wholes, scratch_of
from araz.tracking._state import PLACES, Tracks, reals, tracks_in
from araz.vocabulary import BoolArray, FloatArray, IntArray


class Size(NamedTuple):
    """What a look needs room for: its plots K, tracks N, of which so many will have modes, and sensors that look.

    ``pairs`` E and those of the ``largest`` cluster are found out on the way: with more the look begins anew.
    """

    plots: int
    tracks: int
    banks: int
    lookers: int
    pairs: int
    largest: int


class Sheet(NamedTuple):
    """What is written out at the end: tracks [N + K], rows of the scan [K], pairs, plots that began a track, who stays.

    The lengths of ``pairs`` [E], ``began`` [K] and ``stays`` [N + K] are room; how many there are is told.
    """

    table: Tracks
    row: IntArray
    pairs: Association
    began: IntArray
    stays: IntArray


class Notes(NamedTuple):
    """What is known of each plot and each track during a look.

    Of the plots [K] numbers for ``components``, places [K, 3], densities of clutter, of births and of both, of clutter
    on the ground, ages, and the odds of a swarm; of the tracks [N] the chances to be detected and missed, in full and
    whether looked at (``detection_chances``), r pd / (1 - r pd), how long nobody saw them, how they were ``before``,
    and who is kept. ``used`` [PLACES] are the factors on the noise, ``box`` [2, E] the candidate pairs.
    """

    plots: FloatArray
    place: FloatArray
    clutter: FloatArray
    birth: FloatArray
    density: FloatArray
    ground: FloatArray
    back_s: FloatArray
    swarm: FloatArray
    detect: FloatArray
    miss: FloatArray
    full: FloatArray
    looked: FloatArray
    worth: FloatArray
    quiet_s: FloatArray
    before: Before
    keep: BoolArray
    used: FloatArray
    box: IntArray


@part
def sheet_of(size: Size, modes: FloatArray, weight: FloatArray, scratch: Scratch) -> tuple[Sheet, Scratch]:
    """The sheet of a look, with ``modes`` and ``weight`` of its tracks."""
    total = size.tracks + size.plots
    whole, scratch = cut_wholes(scratch, 8 * total)
    flag, scratch = cut_flags(scratch, 2 * total)
    real, scratch = cut_reals(scratch, reals(size.lookers) * total)
    pairs, scratch = cut_wholes(scratch, 2 * size.pairs)
    taken, scratch = cut_reals(scratch, size.pairs)
    free, scratch = cut_reals(scratch, size.plots)
    detected, scratch = cut_reals(scratch, size.tracks)
    row, scratch = cut_wholes(scratch, size.plots)
    began, scratch = cut_wholes(scratch, size.plots)
    stays, scratch = cut_wholes(scratch, total)
    table = tracks_in(size.lookers, whole.reshape((8, total)), flag.reshape((2, total)), real, modes, weight)
    association = Association(pairs[: size.pairs], pairs[size.pairs :], taken, free, detected)
    return Sheet(table, row, association, began, stays), scratch


@part
def notes_of(size: Size, scratch: Scratch) -> tuple[Notes, Scratch]:
    """The notes of a look."""
    plots, scratch = cut_reals(scratch, PLOT_REALS * size.plots)
    place, scratch = cut_table(scratch, size.plots, 3)
    p, scratch = cut_table(scratch, 6, size.plots)
    t, scratch = cut_table(scratch, 8, size.tracks)
    weight, scratch = cut_table(scratch, size.banks, LANES)
    keep, scratch = cut_flags(scratch, size.tracks)
    used, scratch = cut_reals(scratch, PLACES)
    box, scratch = cut_wholes(scratch, 2 * size.pairs)
    before = Before(weight, t[6], t[1], t[7])
    notes = Notes(
        plots,
        place,
        *(p[0], p[1], p[2], p[3], p[4], p[5]),
        *(t[0], t[1], t[2], t[3], t[4], t[5]),
        before,
        keep,
        used,
        box.reshape((2, size.pairs)),
    )
    return notes, scratch


@leaf
def _passing(size: Size) -> tuple[int, int]:
    """Numbers and whole numbers enough for whatever part of a look cuts most and gives it back."""
    k, n, most = size.plots, size.tracks, max(size.plots, size.tracks)
    real = max(bench_reals(size.largest), 32 * (most + LANES) + 1300)
    return real, max(6 * n + 2 * k + 4 * size.largest, n + plan_wholes(most), 6 * k, 2 * (n + k), CROWD_WHOLES) + 4


@kernel
def room_for(size: Size) -> Scratch:
    """Room for a look: its sheet, its notes, what passes, and what lies between the parts, at most 32 at a time."""
    k, n, total, pairs = size.plots, size.tracks, size.tracks + size.plots, size.pairs
    real, whole = _passing(size)
    real += (
        reals(size.lookers) * total + pairs + (PLOT_REALS + 10) * k + 9 * n + size.banks * LANES + PLACES + 32 * LANES
    )
    return scratch_of(real, whole + 9 * total + 2 * k + 4 * pairs, 2 * total + 3 * n)
