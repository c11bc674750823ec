"""Rows and lanes against numpy: the same numbers, one lane at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from numba.core.errors import NumbaError

from araz.tracking._kernel import leaf
from araz.tracking._rows import (
    LANES,
    alike,
    at_least,
    beyond,
    bits_above,
    eight,
    first,
    lane,
    lane_row,
    largest,
    lowest_bit,
    nearest,
    number_row,
    numbers,
    root,
    spread,
    total,
    two_to_the,
    where_above,
)

lanes = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=LANES, max_size=LANES).map(np.array)


@njit
def arithmetic(a, b, c, out):
    x, y, to = lane_row(a, 0)[0], lane_row(b, 0)[0], lane_row(out, 0)
    to[0] = x + y
    to[1] = x - y
    to[2] = x * y
    to[3] = x / y
    to[4] = c + x
    to[5] = x - c
    to[6] = c * x
    to[7] = c / x
    to[8] = -x
    to[9] = where_above(x, c, y, x)
    to[10] = at_least(x, c)
    to[11] = root(x * x)
    to[12] = nearest(x)
    to[13] = two_to_the(nearest(x * 1e-4))
    to[14] = spread(lane(x, 3))
    to[15] = x
    to[16] = spread(c)
    to[17] = alike(x, c)
    to[18] = y
    to[18] += x
    to[18] -= y * c
    to[18] *= c


@njit
def reductions(a, out):
    x, to = lane_row(a, 0)[0], number_row(out, 0)
    to[0], to[1], to[2], to[3] = total(x), largest(x), first(x), numbers(lane_row(a, 0))[5]
    to[4], to[5], to[6] = at_least(to[2], 3.0), nearest(to[2]), alike(to[2], 4.0)


@given(lanes, lanes, st.floats(-1e3, 1e3))
def test_lanes_do_what_numpy_does_to_the_bit(x, y, c):
    out = np.empty((1, 19, LANES))
    arithmetic(x.reshape(1, 1, LANES), y.reshape(1, 1, LANES), c, out)
    with np.errstate(all="ignore"):
        expected = [x + y, x - y, x * y, x / y, c + x, x - c, c * x, c / x, -x, np.where(x > c, y, x)]
        expected += [np.where(x > c, x, c), np.sqrt(x * x), np.rint(x)]
    for row, right in enumerate(expected):
        np.testing.assert_array_equal(out[0, row], right)
    np.testing.assert_array_equal(out[0, 13], 2.0 ** np.rint(x * 1e-4))
    np.testing.assert_array_equal(out[0, 14], x[3])
    np.testing.assert_array_equal(out[0, 15], x)
    np.testing.assert_array_equal(out[0, 16:18], c)
    np.testing.assert_array_equal(out[0, 18], ((y + x) - y * c) * c)


@njit
def functions(a, b, out):
    x, y, to = lane_row(a, 0)[0], lane_row(b, 0)[0], lane_row(out, 0)
    to[0], to[1] = math.exp(x), math.atan2(y, x)


def of_lanes(x, y):
    """exp(x) and atan2(y, x) as the lanes have them."""
    out = np.empty((1, 2, LANES))
    functions(np.reshape(x, (1, 1, LANES)), np.reshape(y, (1, 1, LANES)), out)
    return out[0]


@given(
    st.lists(st.floats(-750.0, 709.0), min_size=LANES, max_size=LANES),
    *[st.lists(st.floats(-1e9, 1e9).filter(lambda v: v == 0.0 or abs(v) > 1e-200), min_size=LANES, max_size=LANES)] * 2,
)
def test_functions_of_lanes_are_those_of_numbers_to_a_few_units_in_the_last_place(x, east, north):
    got = of_lanes(x, np.zeros(LANES))[0]
    expected = np.array([math.exp(value) if value > -708.0 else 0.0 for value in x])
    assert (np.abs(got - expected) <= 2 * np.spacing(expected)).all()
    got = of_lanes(north, east)[1]
    expected = np.array([math.atan2(e + 0.0, n + 0.0) for e, n in zip(east, north, strict=True)])
    assert (np.abs(got - expected) <= 3 * np.spacing(np.abs(expected))).all()


def test_functions_of_lanes_at_their_edges():
    nan, inf = math.nan, math.inf
    exp = of_lanes([0.0, -inf, nan, inf, -708.5, 709.0, -0.0, 1.0], np.zeros(LANES))[0]
    assert exp[:5].tolist() == [1.0, 0.0, 0.0, exp[5], 0.0]
    np.testing.assert_allclose(exp[5:], [math.exp(709.0), 1.0, math.e], rtol=3e-16)
    north, east = np.array([0.0, 0, 0, 1, -1, 1, -1, 1e-320]), np.array([0.0, 1, -1, 0, 0, 1, 1, 1e3])
    np.testing.assert_allclose(of_lanes(north, east)[1], np.arctan2(east, north), rtol=0, atol=1e-15)


@given(lanes)
def test_reductions_are_sums_by_halves(x):
    out = np.empty((1, 7))
    reductions(x.reshape(1, 1, LANES), out)
    halves = x
    while len(halves) > 1:
        halves = halves[: len(halves) // 2] + halves[len(halves) // 2 :]
    assert out[0, 0] == halves[0]
    assert out[0, 1:].tolist() == [x.max(), x[0], x[5], max(x[0], 3.0), np.rint(x[0]), 4.0]


def test_rows_are_places_in_their_table():
    @njit
    def doubled(table, i):
        row = number_row(table, i)
        for q in range(3):
            row[q] *= 2.0

    table = np.arange(12.0).reshape(4, 3)
    doubled(table, 2)
    np.testing.assert_array_equal(table[2], [12, 14, 16])
    np.testing.assert_array_equal(table[[0, 1, 3]], np.arange(12.0).reshape(4, 3)[[0, 1, 3]])


def test_a_row_of_an_array_with_gaps_is_refused():
    @njit
    def of(table):
        return number_row(table, 0)[0]

    with pytest.raises(NumbaError):
        of(np.zeros((4, 4))[:, ::2])


def test_a_leaf_that_makes_an_array_does_not_compile():
    @leaf
    def makes(count):
        return np.zeros(count)[0]

    with pytest.raises(Exception, match="array"):
        makes(3)


@njit
def _bits(table, start, limit, out):
    row, to = number_row(table, 0), lane_row(out, 0)
    to[0] = eight(row, start)
    beyond(to, 2)[0] = eight(beyond(row, start), 0)
    return bits_above(eight(row, start), limit), bits_above(eight(row, start), eight(row, 0))


@njit
def _lowest(bits):
    return lowest_bit(bits)


@given(st.lists(st.floats() | st.just(1.0), min_size=20, max_size=20), st.integers(0, 12), st.floats(-2, 2))
def test_eight_side_by_side_are_told_by_bits_and_nan_is_never_above(values, start, limit):
    table, out = np.array([values]), np.zeros((1, 3, LANES))
    above, each = _bits(table, start, limit, out)
    told = table[0, start : start + LANES]
    np.testing.assert_array_equal(out[0, [0, 2]], [told, told])
    powers = 2 ** np.arange(LANES)
    assert above == powers[told > limit].sum()
    assert each == powers[told > table[0, :LANES]].sum()


@given(st.integers(1, 2**LANES - 1))
def test_the_lowest_bit(bits):
    assert _lowest(bits) == bin(bits)[::-1].index("1")
