"""Who sees whom: chance of detection by sensor and track, and which tracks the terrain hides from everyone."""

from __future__ import annotations

import math
from typing import Final

from araz.tracking._gauss import ROW, WIDTH
from araz.tracking._kernel import leaf
from araz.tracking._motion import MODE_COUNT, Belief
from araz.tracking._rows import LANES, NumberRow, lane_row, number_row, numbers
from araz.tracking._scratch import Scratch, cut_reals
from araz.tracking._state import ECHO_LEVELS, View
from araz.vocabulary import FloatArray, IntArray

RASTER_SLACK_M: Final = 3.0
"""Softness of the terrain's edge beside the track's own uncertainty: the raster's heights are not exact."""
SEEN_AFTER_ALL: Final = 0.05
"""Chance of detection granted to a track the model says is out of sight, so that one may prove the model wrong."""
NEVER_SEEN_M: Final = 1e9
ALL_ROUND: Final = (0.0, 2.0 * math.pi + 1.0)
LIFT_SIGMAS: Final = 3.0
"""A height that far below what the sensor can see is no error of measurement: there the terrain model is wrong."""


LEAST_BEARING_RAD: Final = 1e-6
FAR_SIGMAS: Final = 5.0
"""So far from the edge a height is above or below it for certain."""


@leaf
def _above(gap_m: float, spread_m: float) -> float:
    """Chance that a height ``gap_m`` over the edge, uncertain by ``spread_m``, is above it."""
    if abs(gap_m) > FAR_SIGMAS * spread_m:
        return 1.0 if gap_m > 0.0 else 0.0
    chance: float = 0.5 * math.erfc(-gap_m / (spread_m * math.sqrt(2.0)))
    return chance


@leaf
def _clear_of_terrain(g: FloatArray, lowest: FloatArray, east0: float, north0: float, cell: float) -> float:
    """Chance that a track g [27] is above the lowest visible height, over five places within its horizontal error."""
    spread = math.sqrt(g[11] + RASTER_SLACK_M**2)
    side_e, side_n = math.sqrt(g[6]), math.sqrt(g[8])
    total = 0.0
    for place in range(5):
        east = g[0] + (side_e if place == 1 else (-side_e if place == 2 else 0.0))
        north = g[1] + (side_n if place == 3 else (-side_n if place == 4 else 0.0))
        col, row = (east - east0) / cell, (north - north0) / cell
        if not (-0.5 <= col < lowest.shape[1] - 0.5 and -0.5 <= row < lowest.shape[0] - 0.5):
            total += 1.0
            continue
        height = lowest[int(row + 0.5), int(col + 0.5)]
        if math.isnan(height):
            total += 1.0
        elif abs(height) > NEVER_SEEN_M:
            total += 0.0 if height > 0 else 1.0
        else:
            total += _above(g[2] - height, spread)
    return total / 5.0


@leaf
def sight(view: View, s: int, g: FloatArray) -> tuple[bool, float]:
    """Whether one track g [27] is inside sensor s's field of view, and its chance of being clear of terrain.

    Limits that are NaN do not limit.
    """
    e, n, u = g[0] - view.origin[s, 0], g[1] - view.origin[s, 1], g[2] - view.origin[s, 2]
    ground2 = e * e + n * n
    far = view.max_range_m[s]
    if ground2 + u * u > far * far:
        return False, 1.0
    if view.low_rad[s] > -0.5 * math.pi or view.high_rad[s] < 0.5 * math.pi:
        elevation = math.atan2(u, math.sqrt(ground2))
        if elevation < view.low_rad[s] or elevation > view.high_rad[s]:
            return False, 1.0
    if view.is_open[s]:
        return True, 1.0
    return True, _clear_of_terrain(g, view.lowest[s], view.east0, view.north0, view.cell)


def sector_of(sector_rad: tuple[float, float] | None) -> tuple[float, float]:
    """Begin and width of a scan's sector."""
    if sector_rad is None:
        return ALL_ROUND
    return sector_rad[0] % (2.0 * math.pi), (sector_rad[1] - sector_rad[0]) % (2.0 * math.pi) or ALL_ROUND[1]


@leaf
def passed(view: View, s: int, g: FloatArray, sector: tuple[float, float]) -> float:
    """Chance that the beam of sensor s passed over one track g [27] in a sector: its bearing is known to a sigma.

    ``sector`` is where it begins and how wide it is, clockwise; see ``ALL_ROUND``. With a past its begin and b before
    its end, 1 - P(x < -a) - P(x > b); outside, the chance of having been inside by the nearer edge.
    """
    if sector[1] >= 2.0 * math.pi:
        return 1.0
    e, n = g[0] - view.origin[s, 0], g[1] - view.origin[s, 1]
    ground2 = max(e * e + n * n, 1.0)
    across = max((n * n * g[6] - 2.0 * e * n * g[7] + e * e * g[8]) / ground2, 0.0)
    spread = max(math.sqrt(across / ground2), LEAST_BEARING_RAD)
    past = (math.atan2(e, n) - sector[0]) % (2.0 * math.pi)
    if past <= sector[1]:
        return max(_above(past, spread) + _above(sector[1] - past, spread) - 1.0, 0.0)
    return min(_above(sector[1] - past, spread) + _above(past - 2.0 * math.pi, spread), 1.0)


@leaf
def detection_chances(
    view: View,
    s: int,
    silence_counts: bool,
    sector: tuple[float, float],
    moments: FloatArray,
    echo: FloatArray,
    doubt: FloatArray,
    seen: FloatArray,
    miss: FloatArray,
    full: FloatArray,
    looked: FloatArray,
) -> None:
    """Fill the chance of detection where there is a detection to explain, that silence counts with, and the full one.

    Each [N]; the third is the chance by the table and the terrain alone, before how well this sensor sees this target,
    of which ``echo`` [N, lookers, levels] is the belief. ``doubt`` [N, lookers] weakens the terrain's chance: a ridge
    hides a target or not, and goes on doing so, so that each further silence says less: c d / (c d + 1 - c). The last
    is the chance that the beam passed over it: where it did not, silence says nothing. Where silence does not count,
    ``miss`` stays as it is, zeros.
    """
    column = view.looker[s]
    for i in range(len(moments)):
        inside, clear = sight(view, s, moments[i])
        looked[i] = passed(view, s, moments[i], sector)
        share = 1.0
        if column >= 0:
            share = 0.0
            for level in range(len(ECHO_LEVELS)):
                share += echo[i, column, level] * ECHO_LEVELS[level]
            clear *= doubt[i, column] / max(clear * doubt[i, column] + 1.0 - clear, 1e-12)
        full[i] = clear * view.chance[s] if inside else 0.0
        seen[i] = max(full[i] * share, SEEN_AFTER_ALL * view.chance[s] * share)
        if silence_counts:
            miss[i] = min(full[i] * share * looked[i], 0.999)


@leaf
def learn_echo(
    echo: FloatArray,
    doubt: FloatArray,
    column: int,
    full: FloatArray,
    looked: FloatArray,
    chance: float,
    detected: FloatArray,
    rows: IntArray,
) -> None:
    """Bayes on how well a sensor sees each track, in place: echo [N, lookers, levels] by one complete scan.

    q_l <- q_l (b pd_l / sum q pd + (1 - b) (1 - pd_l) / (1 - sum q pd)), b = ``detected`` [N], pd_l = ``full`` x level,
    of a silent one times the chance ``looked`` [N] that the beam passed over it. The doubt [N, lookers] that it is in
    view grows by 1 - pd with silence, pd = ``chance`` x share, and ends when seen. Only the tracks ``rows``, in rising
    order, learn: those that stay; the new ones behind the N are passed over.
    """
    for i in rows:
        if i >= len(detected):
            break
        found = detected[i]
        silent = 1.0 - found
        part = 1.0 if looked[i] >= 1.0 else found + silent * looked[i]
        here = full[i] * part
        if here < 1e-3:
            continue
        q = echo[i, column]
        seen = 0.0
        for k in range(len(ECHO_LEVELS)):
            seen += q[k] * here * ECHO_LEVELS[k]
        doubt[i, column] = found + silent * max(doubt[i, column] * max(1.0 - chance * part * seen / here, 0.05), 1e-3)
        for k in range(len(ECHO_LEVELS)):
            pd = here * ECHO_LEVELS[k]
            q[k] *= found * pd / seen + silent * (1.0 - pd) / (1.0 - seen)
        total = 0.0
        for k in range(len(ECHO_LEVELS)):
            total += q[k]
        for k in range(len(ECHO_LEVELS)):
            q[k] /= total


@leaf
def lowest_seen(lowest: FloatArray, east0: float, north0: float, cell: float, east: float, north: float) -> float:
    """The lowest height that a sensor can see at a place, metres; NaN where none is known, or all or none is seen."""
    col, row = (east - east0) / cell, (north - north0) / cell
    if not (-0.5 <= col < lowest.shape[1] - 0.5 and -0.5 <= row < lowest.shape[0] - 0.5):
        return math.nan
    low: float = lowest[int(row + 0.5), int(col + 0.5)]
    return math.nan if abs(low) > NEVER_SEEN_M else low


@leaf
def lift(view: View, s: int, belief: Belief, detected: FloatArray, scratch: Scratch) -> None:
    """What sensor s has just seen is above the lowest height it can see: condition the tracks on it, in place."""
    room, _ = cut_reals(scratch, WIDTH)
    one, lowest, east0, north0, cell = number_row(room, 0), view.lowest[s], view.east0, view.north0, view.cell
    for i in range(len(detected)):
        if detected[i] < 0.5:
            continue
        b = belief.bank[i]
        if b < 0:
            g = number_row(belief.gauss, i)
            low = lowest_seen(lowest, east0, north0, cell, g[0], g[1])
            if not (math.isnan(low) or g[2] >= low):
                cut_below(g, low, detected[i])
            continue
        modes = numbers(lane_row(belief.modes, b))
        for m in range(MODE_COUNT):
            if belief.weight[b, m] > 0.0:
                low = lowest_seen(lowest, east0, north0, cell, modes[m], modes[LANES + m])
                if math.isnan(low) or modes[2 * LANES + m] >= low:
                    continue
                for q in range(WIDTH):
                    one[q] = modes[q * LANES + m]
                cut_below(one, low, detected[i])
                for q in range(WIDTH):
                    modes[q * LANES + m] = one[q]


@leaf
def cut_below(g: NumberRow, low_m: float, sure: float) -> None:
    """Condition one Gaussian g [27] on being above a height, in place, unless that lies LIFT_SIGMAS off.

    Height is cut off normally at v: with a = (v - m) / s and h = phi(a) / (1 - Phi(a)), mean m + s h, variance
    s^2 (1 + a h - h^2); the other components follow by their correlation. What was seen was this target with
    probability ``sure`` only: p of the mixture is kept, mean m + p s h, variance s^2 (1 + p (a h - p h^2)).
    """
    variance = g[11]
    sigma = math.sqrt(variance)
    a = (low_m - g[2]) / sigma
    if abs(a) > LIFT_SIGMAS:
        return
    hazard = math.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi) / (0.5 * math.erfc(a / math.sqrt(2.0)))
    keep = max(1.0 + a * hazard - hazard * hazard, 0.01)
    scale = sure * (1.0 - keep - (1.0 - sure) * hazard * hazard) / variance
    column = (g[9], g[10], g[11], g[14], g[18], g[23])
    for r in range(6):
        g[r] += sure * column[r] / variance * sigma * hazard
        for c in range(r + 1):
            g[ROW[r] + c] -= column[r] * column[c] * scale


@leaf
def is_hidden(view: View, g: FloatArray) -> bool:
    """Whether terrain masks one track g [27] from every sensor in whose field it lies (at least one must mask)."""
    masked = False
    for s in range(len(view.chance)):
        if view.is_voluntary[s]:
            continue
        inside, clear = sight(view, s, g)
        if inside and clear >= 0.5:
            return False
        masked = masked or inside
    return masked
