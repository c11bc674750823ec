"""What seized logs teach the coverage map: crossings known from the drone's own card, seen by us or not.

The map's chance p of a cell and band is a Beta prior worth ``weight`` crossings; a crossing at distance r from the cell
in the same band counts k = exp(-r^2 / 2 reach^2):

    p' = (weight p + sum k seen) / (weight + sum k)

so that two flights we never saw move the cells they flew through, and leave the rest of the map alone. A seized drone
was caught, so its flights may be easier to see than most: the update leans that way, and the count is shown beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from araz.sensors._coverage import Coverage
from araz.vocabulary import BoolArray, FloatArray, frozen_array


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """N crossings of a dwell each: ENU metres [N], height above ground [N], and whether a track was on it [N]."""

    east_m: FloatArray
    north_m: FloatArray
    height_agl_m: FloatArray
    is_seen: BoolArray


class BandCheck(NamedTuple):
    """One band of the map beside what logs say of it."""

    low_agl_m: float
    high_agl_m: float
    crossings: int
    claimed: float
    seen: float


def claimed_at(cover: Coverage, sightings: Sightings) -> FloatArray:
    """The map's ``tracked`` at each crossing [N]; NaN off the map or outside its bands."""
    out = np.full(len(sightings.east_m), np.nan)
    column = np.floor((sightings.east_m - cover.east_m[0]) / cover.cell_m + 0.5).astype(np.int64)
    row = np.floor((sightings.north_m - cover.north_m[0]) / cover.cell_m + 0.5).astype(np.int64)
    on = (column >= 0) & (column < len(cover.east_m)) & (row >= 0) & (row < len(cover.north_m))
    for band, (low, high) in enumerate(cover.bands_agl_m):
        here = on & (sightings.height_agl_m >= low) & (sightings.height_agl_m < high)
        out[here] = cover.tracked[band, row[here], column[here]]
    return out


def check_bands(cover: Coverage, sightings: Sightings) -> list[BandCheck]:
    """Claim beside truth for each band that was flown."""
    claimed = claimed_at(cover, sightings)
    out = []
    for low, high in cover.bands_agl_m:
        here = np.isfinite(claimed) & (sightings.height_agl_m >= low) & (sightings.height_agl_m < high)
        if here.any():
            seen = float(sightings.is_seen[here].mean())
            out.append(BandCheck(low, high, int(here.sum()), float(claimed[here].mean()), seen))
    return out


def learn_sightings(cover: Coverage, sightings: Sightings, weight: float = 20.0, reach_m: float = 750.0) -> Coverage:
    """Return the map after the crossings (formula above). ValueError unless weight and reach are above 0."""
    if not weight > 0 or not reach_m > 0:
        raise ValueError(f"weight and reach_m must be above 0, got {weight} and {reach_m}.")
    tracked = np.array(cover.tracked, dtype=np.float64)
    for band, (low, high) in enumerate(cover.bands_agl_m):
        here = (sightings.height_agl_m >= low) & (sightings.height_agl_m < high)
        if not here.any():
            continue
        across = (cover.east_m[:, None] - sightings.east_m[here]) / reach_m
        along = (cover.north_m[:, None] - sightings.north_m[here]) / reach_m
        kernel_east, kernel_north = np.exp(-0.5 * across**2), np.exp(-0.5 * along**2)
        count = kernel_north @ kernel_east.T
        seen = (kernel_north * sightings.is_seen[here]) @ kernel_east.T
        tracked[band] = (weight * tracked[band] + seen) / (weight + count)
    return replace(cover, tracked=frozen_array(tracked, np.float32))
