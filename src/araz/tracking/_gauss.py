"""A Gaussian over a target's state as one row of 27 numbers: six means, then the lower triangle of the covariance.

========  =====================================================================================
columns   meaning
========  =====================================================================================
0..5      east, north, up (m, ENU), v_east, v_north, v_up (m/s)
6..26     covariance, row by row below the diagonal: (0,0) (1,0) (1,1) (2,0) (2,1) (2,2) (3,0) ...
========  =====================================================================================

Half of a covariance is a copy of the other half; leaving it out, and writing the products out by their structure, is
what makes a track cost a microsecond. The functions take rows of numbers or of lanes (``_rows``): one Gaussian, or all
modes of a track at once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from araz.tracking._kernel import leaf
from araz.tracking._rows import LANES, LaneRow, Lanes, NumberRow, Row, beyond, first, lane_row, numbers, total
from araz.vocabulary import FloatArray

WIDTH: Final = 27
Values: TypeAlias = Any
"""A row's columns as a tuple: the processor keeps these in registers, where a row goes through memory each time."""
ROW: Final = np.array([6, 7, 9, 12, 16, 21])
"""Column of the covariance (a, 0); (a, b) stands b further on, for b <= a."""
PLACE: Final = np.array([[ROW[max(a, b)] + min(a, b) for b in range(6)] for a in range(6)])
"""Column of the covariance (a, b), in either order."""
DIAGONAL: Final = np.array([PLACE[a, a] for a in range(6)])


@leaf
def propagate(g: Row, way: Row, out: Row) -> None:
    """Move Gaussian g [27] along p' = p + A v, v' = B v with added noise, into ``out`` (may be the same).

    ``way`` [12] holds s, c, a_u, r, j, b_u with A = [[s, -c], [c, s]], a_u and B = [[r, -j], [j, r]], b_u,
    then the noise of position, of position with velocity and of velocity, horizontal and vertical. With
    C = P_pv, V = P_vv and X = C + A V:

        P_pp' = P_pp + A C^T + X A^T,   P_pv' = X B^T,   P_vv' = B V B^T.
    """
    s, c, up, r, j, keep = way[0], way[1], way[2], way[3], way[4], way[5]
    e, n, u = g[3], g[4], g[5]
    out[0] = g[0] + s * e - c * n
    out[1] = g[1] + c * e + s * n
    out[2] = g[2] + up * u
    out[3] = r * e - j * n
    out[4] = j * e + r * n
    out[5] = keep * u
    v33, v43, v44, v53, v54, v55 = g[15], g[19], g[20], g[24], g[25], g[26]
    c03, c13, c23, c04, c14, c24 = g[12], g[13], g[14], g[16], g[17], g[18]
    c05, c15, c25 = g[21], g[22], g[23]
    x03, x13, x23 = c03 + s * v33 - c * v43, c13 + c * v33 + s * v43, c23 + up * v53
    x04, x14, x24 = c04 + s * v43 - c * v44, c14 + c * v43 + s * v44, c24 + up * v54
    x05, x15, x25 = c05 + s * v53 - c * v54, c15 + c * v53 + s * v54, c25 + up * v55
    out[6] = g[6] + s * c03 - c * c04 + x03 * s - x04 * c + way[6]
    out[7] = g[7] + c * c03 + s * c04 + x13 * s - x14 * c
    out[8] = g[8] + c * c13 + s * c14 + x13 * c + x14 * s + way[6]
    out[9] = g[9] + up * c05 + x23 * s - x24 * c
    out[10] = g[10] + up * c15 + x23 * c + x24 * s
    out[11] = g[11] + up * (c25 + x25) + way[9]
    out[12], out[13], out[14] = x03 * r - x04 * j + way[7], x13 * r - x14 * j, x23 * r - x24 * j
    out[16], out[17], out[18] = x03 * j + x04 * r, x13 * j + x14 * r + way[7], x23 * j + x24 * r
    out[21], out[22], out[23] = x05 * keep, x15 * keep, x25 * keep + way[10]
    y33, y34, y43, y44 = r * v33 - j * v43, r * v43 - j * v44, j * v33 + r * v43, j * v43 + r * v44
    out[15] = y33 * r - y34 * j + way[8]
    out[19] = y43 * r - y44 * j
    out[20] = y43 * j + y44 * r + way[8]
    out[24] = keep * (v53 * r - v54 * j)
    out[25] = keep * (v53 * j + v54 * r)
    out[26] = keep * keep * v55 + way[11]


@leaf
def raw_moments(g: Row, about: Row, out: Row) -> None:
    """First and second moments of Gaussian g [27] about a point [6]: x - about, P + (x - about)(x - about)^T.

    Moments of a mixture are the weighted sum of its parts' moments.
    """
    d0, d1, d2 = g[0] - about[0], g[1] - about[1], g[2] - about[2]
    d3, d4, d5 = g[3] - about[3], g[4] - about[4], g[5] - about[5]
    out[0], out[1], out[2], out[3], out[4], out[5] = d0, d1, d2, d3, d4, d5
    out[6] = g[6] + d0 * d0
    out[7], out[8] = g[7] + d1 * d0, g[8] + d1 * d1
    out[9], out[10], out[11] = g[9] + d2 * d0, g[10] + d2 * d1, g[11] + d2 * d2
    out[12], out[13], out[14] = g[12] + d3 * d0, g[13] + d3 * d1, g[14] + d3 * d2
    out[15], out[16], out[17] = g[15] + d3 * d3, g[16] + d4 * d0, g[17] + d4 * d1
    out[18], out[19], out[20] = g[18] + d4 * d2, g[19] + d4 * d3, g[20] + d4 * d4
    out[21], out[22], out[23] = g[21] + d5 * d0, g[22] + d5 * d1, g[23] + d5 * d2
    out[24], out[25], out[26] = g[24] + d5 * d3, g[25] + d5 * d4, g[26] + d5 * d5


@leaf
def from_moments(m: Row, about: Row, out: Row) -> None:
    """The Gaussian with moments m [27] about a point: undoes ``raw_moments``; m and out may be the same."""
    d0, d1, d2, d3, d4, d5 = m[0], m[1], m[2], m[3], m[4], m[5]
    out[6] = m[6] - d0 * d0
    out[7], out[8] = m[7] - d1 * d0, m[8] - d1 * d1
    out[9], out[10], out[11] = m[9] - d2 * d0, m[10] - d2 * d1, m[11] - d2 * d2
    out[12], out[13], out[14] = m[12] - d3 * d0, m[13] - d3 * d1, m[14] - d3 * d2
    out[15], out[16], out[17] = m[15] - d3 * d3, m[16] - d4 * d0, m[17] - d4 * d1
    out[18], out[19], out[20] = m[18] - d4 * d2, m[19] - d4 * d3, m[20] - d4 * d4
    out[21], out[22], out[23] = m[21] - d5 * d0, m[22] - d5 * d1, m[23] - d5 * d2
    out[24], out[25], out[26] = m[24] - d5 * d3, m[25] - d5 * d4, m[26] - d5 * d5
    out[0], out[1], out[2] = d0 + about[0], d1 + about[1], d2 + about[2]
    out[3], out[4], out[5] = d3 + about[3], d4 + about[4], d5 + about[5]


@leaf
def values(g: Row) -> Values:
    """All columns of a row."""
    return (
        *(g[0], g[1], g[2], g[3], g[4], g[5]),
        *(g[6], g[7], g[8], g[9], g[10], g[11]),
        *(g[12], g[13], g[14], g[15], g[16], g[17], g[18], g[19], g[20]),
        *(g[21], g[22], g[23], g[24], g[25], g[26]),
    )


@leaf
def lay(g: Values, out: Row) -> None:
    """Fill a row with all its columns."""
    out[0], out[1], out[2], out[3], out[4], out[5] = g[0], g[1], g[2], g[3], g[4], g[5]
    out[6], out[7], out[8], out[9], out[10], out[11] = g[6], g[7], g[8], g[9], g[10], g[11]
    out[12], out[13], out[14], out[15], out[16], out[17] = g[12], g[13], g[14], g[15], g[16], g[17]
    out[18], out[19], out[20], out[21], out[22], out[23] = g[18], g[19], g[20], g[21], g[22], g[23]
    out[24], out[25], out[26] = g[24], g[25], g[26]


@leaf
def conditioned(
    g: Values, p0: Lanes, p1: Lanes, p2: Lanes, p3: Lanes, p4: Lanes, p5: Lanes, nu: Lanes, s: Lanes
) -> Values:
    """Gaussians g conditioned: x + P H^T nu / S, P - P H^T H P / S, with ``p0`` to ``p5`` = P H^T."""
    one = 1.0 / s
    k0, k1, k2, k3, k4, k5 = p0 * one, p1 * one, p2 * one, p3 * one, p4 * one, p5 * one
    return (
        *(g[0] + k0 * nu, g[1] + k1 * nu, g[2] + k2 * nu, g[3] + k3 * nu, g[4] + k4 * nu, g[5] + k5 * nu),
        *(g[6] - k0 * p0, g[7] - k1 * p0, g[8] - k1 * p1, g[9] - k2 * p0, g[10] - k2 * p1, g[11] - k2 * p2),
        *(g[12] - k3 * p0, g[13] - k3 * p1, g[14] - k3 * p2, g[15] - k3 * p3),
        *(g[16] - k4 * p0, g[17] - k4 * p1, g[18] - k4 * p2, g[19] - k4 * p3, g[20] - k4 * p4),
        *(g[21] - k5 * p0, g[22] - k5 * p1, g[23] - k5 * p2, g[24] - k5 * p3, g[25] - k5 * p4, g[26] - k5 * p5),
    )


SPACE: Final = (1 + 2 * WIDTH) * LANES
"""How many numbers a ``Room`` takes."""


class Room(NamedTuple):
    """Scratch of sums over modes: a point [6], moments and their sums [27] of lanes."""

    about: NumberRow
    raw: LaneRow
    sums: LaneRow


@leaf
def room_in(space: FloatArray) -> Room:
    """Scratch for ``collapse`` and mixing, in SPACE numbers; rows cost nothing to hand on, arrays do."""
    begin = lane_row(space, 0)
    return Room(numbers(begin), beyond(begin, 1), beyond(begin, 1 + WIDTH))


@leaf
def collapse(g: LaneRow, weight: Lanes, work: Room, out: NumberRow) -> None:
    """The one Gaussian with the moments of a mixture g [27] of lanes, weights summing to one, into ``out``."""
    about, raw = work.about, work.raw
    for axis in range(6):
        about[axis] = first(g[axis])
    raw_moments(g, about, raw)
    for q in range(WIDTH):
        out[q] = total(weight * raw[q])
    from_moments(out, about, out)


def unpacked(gauss: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means [..., 6] and full covariances [..., 6, 6] of rows [..., 27]."""
    low, cov = np.tril_indices(6), np.empty((*gauss.shape[:-1], 6, 6))
    cov[..., low[0], low[1]] = cov[..., low[1], low[0]] = gauss[..., 6:]
    return gauss[..., :6], cov


def packed(mean: FloatArray, cov: FloatArray) -> FloatArray:
    """Rows [..., 27] from means [..., 6] and symmetric covariances [..., 6, 6]; the inverse of ``unpacked``."""
    low = np.tril_indices(6)
    return np.concatenate((mean, cov[..., low[0], low[1]]), axis=-1)
