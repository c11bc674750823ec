"""The books of registration: whether a sensor's leftovers stay where a constant error would put them.

For each sensor the last RING comparisons: with whom, its own apparent error (what is left over plus what is believed,
in its own components), the noise that both sensors' stated errors explain, and whether it fitted. A constant error
leaves a scatter equal to that noise; a sensor that wanders, jumps or invents does not, and if its partners agree with
each other the lie is its own.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from araz.tracking._registration_kernel import LEAST, scatter
from araz.vocabulary import BoolArray, FloatArray, IntArray, SensorTable, phrase

RING: Final = 48
WANDERS: Final = 2.5
"""Scatter over what the stated noise explains; beyond it no constant error fits (twice the stated noise is no lie)."""
AGREES: Final = 1.8
NOISIER: Final = 1.3
"""Scatter above this multiple of the stated noise counts as noise that is larger than stated."""
MISFITS: Final = 0.5
"""Share of comparisons outside the gate at which a sensor's errors are learned anew."""
MOVES: Final = 3
"""A sensor whose errors had to be learned anew so often does not stay where a constant error would put it."""
SHIFTED: Final = 6.0
"""Standard deviations by which the mean of the last LEAST comparisons may lie off what is believed."""
WANDERING: Final = 0.3
"""Correlation of one comparison with the next above which an error wanders; below, it scatters."""
LOOK_MEMORY: Final = 0.97
"""Each expected sighting fades to this share with the next: the last thirty or so count."""
LEAST_LOOKS: Final = 15.0
SEES: Final = 0.25
"""A sensor that shows less than this share of what it states to see where others see, and yet gives plots, invents."""


class Book(NamedTuple):
    """S sensors: ``partner`` [S, RING] (-1 = empty), ``value``, ``noise`` [S, RING, 3] in the sensor's own components
    (m, rad, rad; NaN = not measured), ``fitted`` [S, RING]; ``expected``, ``found``, ``plots`` [S] fading counts of
    looks at targets that others hold, sightings among them, and plots a look.
    """

    partner: IntArray
    value: FloatArray
    noise: FloatArray
    fitted: BoolArray
    expected: FloatArray
    found: FloatArray
    plots: FloatArray


class Verdicts(NamedTuple):
    """What the books say [S]: noise factor, whether to learn anew, lies, disputes, and why (sentences by sensor)."""

    noise_factor: FloatArray
    is_moved: BoolArray
    is_lying: BoolArray
    is_disputed: BoolArray
    reasons: tuple[tuple[str, ...], ...]


def no_book(count: int) -> Book:
    """Empty books."""
    nothing = np.full((count, RING, 3), np.nan)
    return Book(
        partner=np.full((count, RING), -1, np.int64),
        value=nothing,
        noise=nothing.copy(),
        fitted=np.zeros((count, RING), np.bool_),
        expected=np.zeros(count),
        found=np.zeros(count),
        plots=np.zeros(count),
    )


def note(book: Book, sensor: int, partner: IntArray, value: FloatArray, noise: FloatArray, fitted: BoolArray) -> Book:
    """The books with some comparisons of one sensor added, the oldest pushed out."""
    partners, values, noises, fits = book.partner.copy(), book.value.copy(), book.noise.copy(), book.fitted.copy()
    partners[sensor] = np.concatenate([partners[sensor], partner])[-RING:]
    values[sensor] = np.concatenate([values[sensor], value])[-RING:]
    noises[sensor] = np.concatenate([noises[sensor], noise])[-RING:]
    fits[sensor] = np.concatenate([fits[sensor], fitted])[-RING:]
    return book._replace(partner=partners, value=values, noise=noises, fitted=fits)


def note_look(book: Book, sensor: int, expected: int, found: int, plots: int) -> Book:
    """The books after a complete look: ``expected`` targets others hold, ``found`` among them, ``plots`` in all."""
    if expected == 0:
        return book
    columns = []
    for column, gain in ((book.expected, expected), (book.found, found), (book.plots, plots * expected)):
        new = column.copy()
        new[sensor] = column[sensor] * LOOK_MEMORY**expected + gain
        columns.append(new)
    return book._replace(expected=columns[0], found=columns[1], plots=columns[2])


def forget(book: Book, sensor: int) -> Book:
    """The books without a sensor's comparisons, on either side."""
    mine = book.partner == sensor
    mine[sensor] = True
    return book._replace(partner=np.where(mine, -1, book.partner))


class Found(NamedTuple):
    """One sensor's apparent errors against one partner, by component [3]; NaN where fewer than LEAST were measured.

    ``size`` is their scatter in the sensor's units, ``ratio`` the same as a multiple of the noise (1.4826 times the
    median distance from the median, which up to half the comparisons cannot spoil), ``shift`` the mean distance of the
    last LEAST from what is believed, in standard deviations of such a mean, ``memory`` the correlation of neighbours;
    ``misfit`` the share outside the gate.
    """

    size: FloatArray
    ratio: FloatArray
    shift: FloatArray
    memory: FloatArray
    misfit: float


def look_into(book: Book, sensor: int, partner: int, believed: FloatArray) -> Found | None:
    """What the books say of a sensor against one partner; None with fewer than LEAST comparisons."""
    rows = book.partner[sensor] == partner
    if rows.sum() < LEAST:
        return None
    out = scatter(book.value[sensor][rows], book.noise[sensor][rows], believed)
    return Found(out[0], out[1], out[2], out[3], 1.0 - float(book.fitted[sensor][rows].mean()))


def judge(book: Book, sensors: SensorTable, believed: FloatArray, restarts: IntArray, was_lying: BoolArray) -> Verdicts:
    """Hold every sensor's comparisons against those of its partners; ``believed`` [S, 3] are its estimated errors.

    A lie needs a partner that agrees with somebody else; two sensors that contradict each other and have no third are
    both disputed. A claim can acquit a sensor, never accuse one: claims lie too.
    """
    count = len(sensors.sensor_id)
    found: dict[tuple[int, int], Found] = {}
    for s in range(count):
        for p in sorted(set(book.partner[s].tolist()) - {-1}):
            if (one := look_into(book, s, p, believed[s])) is not None:
                found[s, p] = one
    worst, shift, misfit = np.full((count, count), np.nan), np.zeros((count, count)), np.zeros((count, count))
    for (s, p), one in found.items():
        worst[s, p], shift[s, p], misfit[s, p] = _most(one.ratio), _most(one.shift), one.misfit
    known = np.isfinite(worst)
    real = known & ~sensors.is_claim[None, :]
    has_moved = (misfit > MISFITS) | (shift > SHIFTED)
    good = known & (worst < AGREES) & ~has_moved
    moved = real & has_moved
    unsteady = real & (worst > WANDERS) | (moved & (restarts >= MOVES)[:, None])
    agree_elsewhere = good.sum(axis=1)[None, :] - good.T > 0  # [s, p]: p agrees with somebody other than s
    trusted, contradicted = good.any(axis=1), unsteady.any(axis=1)
    lying: BoolArray = contradicted & ~trusted & np.any(unsteady & agree_elsewhere, axis=1)
    lying |= was_lying & ~(trusted & ~contradicted) & known.any(axis=1)
    disputed: BoolArray = contradicted & ~lying & ~trusted
    invented = [_invents(book, sensors, s) for s in range(count)]
    lying |= np.array([bool(text) for text in invented])
    # who disagrees only with a liar is cleared
    disputed &= np.any(unsteady & ~lying[None, :], axis=1) & ~lying
    reasons = tuple(
        _reasons(found, sensors, s, unsteady[s], int(restarts[s]), invented[s]) if lying[s] or disputed[s] else ()
        for s in range(count)
    )
    factor = np.where(known, worst, np.inf).min(axis=1, initial=np.inf)
    factor = np.where(np.isfinite(factor) & (factor > NOISIER), factor, 1.0)
    # a step against one partner is the partner's when that one agrees with nobody and this one does with somebody
    is_moved: BoolArray = np.any(moved & ~(trusted[:, None] & ~trusted[None, :]) & ~lying[None, :], axis=1) & ~lying
    return Verdicts(factor, is_moved, lying, disputed, reasons)


def _most(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else float("nan")


def _reasons(
    found: dict[tuple[int, int], Found],
    sensors: SensorTable,
    s: int,
    against: BoolArray,
    restarts: int,
    invented: str,
) -> tuple[str, ...]:
    out = []
    for p in np.flatnonzero(against).tolist():
        one, partner = found[s, p], sensors.sensor_id[p]
        if not _most(one.ratio) > WANDERS:
            out.append(phrase("health.moved", count=restarts, other=partner))
            continue
        c = int(np.nanargmax(one.ratio))
        amount = f"{one.size[c]:.0f} m" if c == 0 else f"{np.degrees(one.size[c]):.1f}°"
        key = "health.wanders" if one.memory[c] > WANDERING else "health.scatters"
        name = phrase(f"component.{('range', 'azimuth', 'elevation')[c]}")
        out.append(phrase(key, component=name, amount=amount, other=partner, factor=f"{one.ratio[c]:.1f}"))
    return (*out, invented) if invented else tuple(out)


def _invents(book: Book, sensors: SensorTable, s: int) -> str:
    expected, found = float(book.expected[s]), float(book.found[s])
    if expected < LEAST_LOOKS or book.plots[s] < 0.5 * expected:
        return ""
    if found > SEES * float(sensors.detection_probability[s]) * expected:
        return ""
    share, stated = 100.0 * found / expected, 100.0 * float(sensors.detection_probability[s])
    return phrase("health.invents", found=f"{share:.0f}", stated=f"{stated:.0f}")
