"""A Gaussian over a target's state as one row of 27 numbers: six means, then the lower triangle of the covariance.

========  =====================================================================================
columns   meaning
========  =====================================================================================
0..5      east, north, up (m, ENU), v_east, v_north, v_up (m/s)
6..26     covariance, row by row below the diagonal: (0,0) (1,0) (1,1) (2,0) (2,1) (2,2) (3,0) ...
========  =====================================================================================

Half of a covariance is a copy of the other half; leaving it out, and writing the products out by their structure, is
what makes a track cost a microsecond. Functions take a table of rows and a row's number, not the row: in Numba each
slice of an array costs a count of its users, which is more than the arithmetic.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from araz.vocabulary import FloatArray

WIDTH: Final = 27
ROW: Final = np.array([6, 7, 9, 12, 16, 21])
"""Column of the covariance (a, 0); (a, b) stands b further on, for b <= a."""
PLACE: Final = np.array([[ROW[max(a, b)] + min(a, b) for b in range(6)] for a in range(6)])
"""Column of the covariance (a, b), in either order."""
DIAGONAL: Final = np.array([PLACE[a, a] for a in range(6)])


@njit(inline="always", error_model="numpy")
def propagate(g: FloatArray, i: int, way: FloatArray, w: int, out: FloatArray, o: int) -> None:
    """Move Gaussian i of g [.., 27] along p' = p + A v, v' = B v with added noise, into row o of out (may be the same).

    Row w of ``way`` [.., 12] holds s, c, a_u, r, j, b_u with A = [[s, -c], [c, s]], a_u and B = [[r, -j], [j, r]], b_u,
    then the noise of position, of position with velocity and of velocity, horizontal and vertical. With
    C = P_pv, V = P_vv and X = C + A V:

        P_pp' = P_pp + A C^T + X A^T,   P_pv' = X B^T,   P_vv' = B V B^T.
    """
    s, c, up, r, j, keep = way[w, 0], way[w, 1], way[w, 2], way[w, 3], way[w, 4], way[w, 5]
    e, n, u = g[i, 3], g[i, 4], g[i, 5]
    out[o, 0] = g[i, 0] + s * e - c * n
    out[o, 1] = g[i, 1] + c * e + s * n
    out[o, 2] = g[i, 2] + up * u
    out[o, 3] = r * e - j * n
    out[o, 4] = j * e + r * n
    out[o, 5] = keep * u
    v33, v43, v44, v53, v54, v55 = g[i, 15], g[i, 19], g[i, 20], g[i, 24], g[i, 25], g[i, 26]
    c03, c13, c23, c04, c14, c24 = g[i, 12], g[i, 13], g[i, 14], g[i, 16], g[i, 17], g[i, 18]
    c05, c15, c25 = g[i, 21], g[i, 22], g[i, 23]
    x03, x13, x23 = c03 + s * v33 - c * v43, c13 + c * v33 + s * v43, c23 + up * v53
    x04, x14, x24 = c04 + s * v43 - c * v44, c14 + c * v43 + s * v44, c24 + up * v54
    x05, x15, x25 = c05 + s * v53 - c * v54, c15 + c * v53 + s * v54, c25 + up * v55
    out[o, 6] = g[i, 6] + s * c03 - c * c04 + x03 * s - x04 * c + way[w, 6]
    out[o, 7] = g[i, 7] + c * c03 + s * c04 + x13 * s - x14 * c
    out[o, 8] = g[i, 8] + c * c13 + s * c14 + x13 * c + x14 * s + way[w, 6]
    out[o, 9] = g[i, 9] + up * c05 + x23 * s - x24 * c
    out[o, 10] = g[i, 10] + up * c15 + x23 * c + x24 * s
    out[o, 11] = g[i, 11] + up * (c25 + x25) + way[w, 9]
    out[o, 12], out[o, 13], out[o, 14] = x03 * r - x04 * j + way[w, 7], x13 * r - x14 * j, x23 * r - x24 * j
    out[o, 16], out[o, 17], out[o, 18] = x03 * j + x04 * r, x13 * j + x14 * r + way[w, 7], x23 * j + x24 * r
    out[o, 21], out[o, 22], out[o, 23] = x05 * keep, x15 * keep, x25 * keep + way[w, 10]
    y33, y34, y43, y44 = r * v33 - j * v43, r * v43 - j * v44, j * v33 + r * v43, j * v43 + r * v44
    out[o, 15] = y33 * r - y34 * j + way[w, 8]
    out[o, 19] = y43 * r - y44 * j
    out[o, 20] = y43 * j + y44 * r + way[w, 8]
    out[o, 24] = keep * (v53 * r - v54 * j)
    out[o, 25] = keep * (v53 * j + v54 * r)
    out[o, 26] = keep * keep * v55 + way[w, 11]


@njit(inline="always", error_model="numpy")
def raw_moments(g: FloatArray, i: int, about: FloatArray, at: int, out: FloatArray, o: int) -> None:
    """First and second moments of Gaussian i of g about a point: x - about, P + (x - about)(x - about)^T, into row o.

    The point is the mean in row ``at`` of ``about``. Moments of a mixture are the weighted sum of its parts' moments.
    """
    d0, d1, d2 = g[i, 0] - about[at, 0], g[i, 1] - about[at, 1], g[i, 2] - about[at, 2]
    d3, d4, d5 = g[i, 3] - about[at, 3], g[i, 4] - about[at, 4], g[i, 5] - about[at, 5]
    out[o, 0], out[o, 1], out[o, 2], out[o, 3], out[o, 4], out[o, 5] = d0, d1, d2, d3, d4, d5
    out[o, 6] = g[i, 6] + d0 * d0
    out[o, 7], out[o, 8] = g[i, 7] + d1 * d0, g[i, 8] + d1 * d1
    out[o, 9], out[o, 10], out[o, 11] = g[i, 9] + d2 * d0, g[i, 10] + d2 * d1, g[i, 11] + d2 * d2
    out[o, 12], out[o, 13], out[o, 14] = g[i, 12] + d3 * d0, g[i, 13] + d3 * d1, g[i, 14] + d3 * d2
    out[o, 15], out[o, 16], out[o, 17] = g[i, 15] + d3 * d3, g[i, 16] + d4 * d0, g[i, 17] + d4 * d1
    out[o, 18], out[o, 19], out[o, 20] = g[i, 18] + d4 * d2, g[i, 19] + d4 * d3, g[i, 20] + d4 * d4
    out[o, 21], out[o, 22], out[o, 23] = g[i, 21] + d5 * d0, g[i, 22] + d5 * d1, g[i, 23] + d5 * d2
    out[o, 24], out[o, 25], out[o, 26] = g[i, 24] + d5 * d3, g[i, 25] + d5 * d4, g[i, 26] + d5 * d5


@njit(inline="always", error_model="numpy")
def from_moments(m: FloatArray, i: int, about: FloatArray, at: int, out: FloatArray, o: int) -> None:
    """The Gaussian with the moments in row i of m about the mean in row ``at``: undoes ``raw_moments``.

    Rows of m and out, and of about and out, may be the same.
    """
    d0, d1, d2, d3, d4, d5 = m[i, 0], m[i, 1], m[i, 2], m[i, 3], m[i, 4], m[i, 5]
    out[o, 6] = m[i, 6] - d0 * d0
    out[o, 7], out[o, 8] = m[i, 7] - d1 * d0, m[i, 8] - d1 * d1
    out[o, 9], out[o, 10], out[o, 11] = m[i, 9] - d2 * d0, m[i, 10] - d2 * d1, m[i, 11] - d2 * d2
    out[o, 12], out[o, 13], out[o, 14] = m[i, 12] - d3 * d0, m[i, 13] - d3 * d1, m[i, 14] - d3 * d2
    out[o, 15], out[o, 16], out[o, 17] = m[i, 15] - d3 * d3, m[i, 16] - d4 * d0, m[i, 17] - d4 * d1
    out[o, 18], out[o, 19], out[o, 20] = m[i, 18] - d4 * d2, m[i, 19] - d4 * d3, m[i, 20] - d4 * d4
    out[o, 21], out[o, 22], out[o, 23] = m[i, 21] - d5 * d0, m[i, 22] - d5 * d1, m[i, 23] - d5 * d2
    out[o, 24], out[o, 25], out[o, 26] = m[i, 24] - d5 * d3, m[i, 25] - d5 * d4, m[i, 26] - d5 * d5
    out[o, 0], out[o, 1], out[o, 2] = d0 + about[at, 0], d1 + about[at, 1], d2 + about[at, 2]
    out[o, 3], out[o, 4], out[o, 5] = d3 + about[at, 3], d4 + about[at, 4], d5 + about[at, 5]


@njit(cache=True, error_model="numpy")
def collapse(gauss: FloatArray, weight: FloatArray) -> FloatArray:
    """One Gaussian a track [N, 27] with the moments of its modes gauss [N, M, 27], weight [N, M].

    Modes of weight zero carry no meaning and are left out.
    """
    count, modes = weight.shape
    rows = gauss.reshape(count * modes, WIDTH)
    out, part = np.empty((count, WIDTH)), np.empty((1, WIDTH))
    for i in range(count):
        first = 0
        while first < modes - 1 and weight[i, first] <= 0.0:
            first += 1
        at = i * modes + first
        if weight[i, first] == 1.0:
            for q in range(WIDTH):
                out[i, q] = rows[at, q]
            continue
        for q in range(WIDTH):
            out[i, q] = 0.0
        for m in range(first, modes):
            if weight[i, m] > 0.0:
                raw_moments(rows, i * modes + m, rows, at, part, 0)
                for q in range(WIDTH):
                    out[i, q] += weight[i, m] * part[0, q]
        from_moments(out, i, rows, at, out, i)
    return out


@njit(cache=True, error_model="numpy")
def unpacked(gauss: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means [N, 6] and full covariances [N, 6, 6] of rows [N, 27]."""
    mean, cov = np.empty((len(gauss), 6)), np.empty((len(gauss), 6, 6))
    for i in range(len(gauss)):
        q = 6
        for a in range(6):
            mean[i, a] = gauss[i, a]
            for b in range(a + 1):
                cov[i, a, b] = gauss[i, q]
                cov[i, b, a] = gauss[i, q]
                q += 1
    return mean, cov


def packed(mean: FloatArray, cov: FloatArray) -> FloatArray:
    """Rows [..., 27] from means [..., 6] and symmetric covariances [..., 6, 6]; the inverse of ``unpacked``."""
    low = np.tril_indices(6)
    return np.concatenate((mean, cov[..., low[0], low[1]]), axis=-1)
