"""Searching the drop area: where the load lies, given where it was looked for and not found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Final, NamedTuple

import numpy as np

from araz.geography import Place
from araz.vocabulary import Area, FloatArray, frozen_array

#: Sizes a square may have; the smallest that spans the area in ten: a gloved thumb must hit one on a phone.
SIZES_M: Final = (25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0)
SQUARES_ACROSS: Final = 10
#: A person with a torch who walks a square once finds a bag in it this often: an assumption, not a measurement.
WALKED_ONCE: Final = 0.7
#: Points along each side of a square at which the density is taken.
_SAMPLES: Final = 8
#: The grid reaches this far beyond the 90 % area.
_REACH: Final = 1.15


class Square(NamedTuple):
    """A square of the site's lattice: its centre and side, east and north metres in the site's frame."""

    east_m: float
    north_m: float
    side_m: float


@dataclass(frozen=True, slots=True, eq=False)
class SearchGrid:
    """Probability that the load lies in each square, and how thoroughly each was searched."""

    side_m: float
    east_m: FloatArray
    """Centres of the squares [n], site frame."""
    north_m: FloatArray
    probability: FloatArray
    """[n]; with ``outside`` they add up to one."""
    missed: FloatArray
    """[n] chance that a load in the square would have been missed by every search so far; 1 where nobody looked."""
    outside: float


def search_grid(place: Place, area: Area) -> SearchGrid:
    """The squares of a drop area before anybody looked.

    The load's place is Gaussian with ``area`` as its ellipse of probability P: semi-axis = sigma sqrt(-2 ln(1-P)); a
    square holds its integral. **Frame** lattice of the site's east and north. Fails with ValueError for an area that
    holds nothing or everything, or has no size.
    """
    if not 0.0 < area.probability < 1.0 or not area.semi_minor_m > 0.0:
        raise ValueError(f"an area of {area.probability} with a semi-axis of {area.semi_minor_m} m is no Gaussian's")
    side_m = next((s for s in SIZES_M if s * SQUARES_ACROSS >= 2.0 * area.semi_major_m), SIZES_M[-1])
    centre = place.frame.to_enu(area.latitude_deg, area.longitude_deg, place.frame.hae_m)[0, :2]
    reach = ceil(_REACH * area.semi_major_m / side_m)
    steps = np.arange(-reach, reach + 1)
    columns, rows = (np.floor(centre / side_m)[:, None] + steps).tolist()
    centres = ((np.array(columns) + 0.5) * side_m, (np.array(rows) + 0.5) * side_m)
    east, north = (grid.ravel() for grid in np.meshgrid(*centres))
    offsets = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES - 0.5) * side_m
    de, dn = (grid.ravel() for grid in np.meshgrid(offsets, offsets))
    density = _density(area, east[:, None] + de - centre[0], north[:, None] + dn - centre[1])
    probability = density.mean(axis=1) * side_m**2
    probability = probability / max(1.0, float(probability.sum()))
    return SearchGrid(
        side_m=side_m,
        east_m=frozen_array(east, np.float64),
        north_m=frozen_array(north, np.float64),
        probability=frozen_array(probability, np.float64),
        missed=frozen_array(np.ones(east.shape[0]), np.float64),
        outside=1.0 - float(probability.sum()),
    )


def _density(area: Area, east_m: FloatArray, north_m: FloatArray) -> FloatArray:
    """Gaussian density per square metre around the area's centre."""
    azimuth = np.deg2rad(area.azimuth_deg)
    along = east_m * np.sin(azimuth) + north_m * np.cos(azimuth)
    across = east_m * np.cos(azimuth) - north_m * np.sin(azimuth)
    sigmas = np.sqrt(-2.0 * np.log1p(-area.probability))
    major, minor = area.semi_major_m / sigmas, area.semi_minor_m / sigmas
    return np.asarray(np.exp(-0.5 * ((along / major) ** 2 + (across / minor) ** 2)) / (2.0 * np.pi * major * minor))


def search(grid: SearchGrid, square: Square, detection: float) -> SearchGrid:
    """The grid after a square was searched and nothing found.

    Bayes: p_k' = p_k (1 - d_k) / Z, outside' = outside / Z, Z = 1 - sum(d_k p_k), where d_k is ``detection`` times the
    share of square k that was searched. Fails with ValueError when ``detection`` is outside [0, 1], or nothing is left.
    """
    if not 0.0 <= detection <= 1.0:
        raise ValueError(f"the detection probability is {detection}; give 0 to 1")
    reach = (grid.side_m + square.side_m) / 2.0
    least = min(grid.side_m, square.side_m)
    east = np.clip(reach - np.abs(grid.east_m - square.east_m), 0.0, least)
    north = np.clip(reach - np.abs(grid.north_m - square.north_m), 0.0, least)
    found = detection * east * north / grid.side_m**2
    left = 1.0 - float(np.sum(found * grid.probability))
    if left <= 0.0:
        raise ValueError("after this search the load could lie nowhere; no search is that sure, give less than 1")
    return replace(
        grid,
        probability=frozen_array(grid.probability * (1.0 - found) / left, np.float64),
        missed=frozen_array(grid.missed * (1.0 - found), np.float64),
        outside=grid.outside / left,
    )


def square_name(east_m: float, north_m: float, side_m: float) -> str:
    """The name of the lattice's square that holds a point, ``100:-3:12``: side, column east, row north."""
    return f"{side_m:.0f}:{int(np.floor(east_m / side_m))}:{int(np.floor(north_m / side_m))}"


def square_of(name: str) -> Square:
    """The square of a name; ValueError for anything that is none."""
    parts = name.split(":")
    try:
        side, column, row = (int(part) for part in parts)
    except ValueError as error:
        raise ValueError(f"{name!r} is no square; give side:column:row, for example 100:-3:12") from error
    if float(side) not in SIZES_M or max(abs(column), abs(row)) > 100_000:
        raise ValueError(f"{name!r} is no square; its side is one of {', '.join(f'{s:.0f}' for s in SIZES_M)}")
    return Square((column + 0.5) * side, (row + 0.5) * side, float(side))
