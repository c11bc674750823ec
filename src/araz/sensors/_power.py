"""How long a post's battery lasts: hours left with an interval; what is not measured stays unknown.

    energy_wh(t + 1 h) = min(full, energy_wh(t) - load_w + solar_w(t)),   hours left: the first t with energy_wh <= 0

=========  =======================================================  ============  ==================
what       expected                                                 low           high
=========  =======================================================  ============  ==================
full       ``battery_wh`` x cold                                    -1.64 x 10 %  +1.64 x 10 %
cold       1 - 0.6 % for each kelvin below 20 °C, at least one half  at -10 °C     1, where not measured
load_w     mean of the last six hours                               +1.64 sigma   -1.64 sigma
solar_w    mean at this hour of the day, of the last three days      x 0.3         x 1.5
=========  =======================================================  ============  ==================

An hour of the day whose sun was never measured gives nothing, but for the high end, which takes what the panel gave at
best. The 10 % is a battery's age; the cold is half-way between lead-acid (1 %/K) and lithium iron phosphate (0.3 %/K).
Both ends take all errors together, so the interval holds at least 90 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from araz.vocabulary import Phrase, PowerReading, SensorHealth, SensorState, phrase

HOUR_US: Final = 3_600_000_000
#: One reading is kept for so long, three days of them: the sun of three days, and no more memory than that.
BUCKET_US: Final = 600_000_000
KEPT_US: Final = 72 * HOUR_US
LOAD_US: Final = 6 * HOUR_US
LONGEST_H: Final = 240
Z_90: Final = 1.64
AGE_SIGMA: Final = 0.10
LEAST_LOAD_SIGMA: Final = 0.05
COLD_PER_K: Final = 0.006
#: Below this many hours, by the low end, somebody must bring a battery.
SHORT_H: Final = 12.0


class HoursLeft(NamedTuple):
    """Hours until the battery is empty: expected, and the ends of a 90 % interval; ``LONGEST_H`` means that or more."""

    expected_h: float
    low_h: float
    high_h: float


def keep_reading(readings: tuple[PowerReading, ...], reading: PowerReading) -> tuple[PowerReading, ...]:
    """The readings to remember: the newest, and the first of each ten minutes of the last three days."""
    kept = readings
    if len(kept) >= 2 and kept[-1].at_us // BUCKET_US == kept[-2].at_us // BUCKET_US:
        kept = kept[:-1]
    return (*(one for one in kept if one.at_us > reading.at_us - KEPT_US), reading)


def hours_left(readings: Sequence[PowerReading], battery_wh: float | None) -> HoursLeft | None:
    """How long the battery lasts from the newest reading on; None where charge, load or capacity is not known.

    Source: the balance of energy in the module's table; docs/posts.md says how often the interval holds.
    """
    newest = readings[-1]
    charge = newest.charge
    loads = [one.load_w for one in readings if one.load_w is not None and one.at_us > newest.at_us - LOAD_US]
    if battery_wh is None or not loads or charge is None:
        return None
    load_w = sum(loads) / len(loads)
    spread_w = math.sqrt(sum((one - load_w) ** 2 for one in loads) / len(loads))
    sigma_w = max(spread_w, LEAST_LOAD_SIGMA * load_w)
    sun_w, best_w = _sun(readings)
    warm = _cold(newest.temperature_c)
    wide = (_cold(-10.0), 1.0) if newest.temperature_c is None else (warm, warm)

    def lasting(full_wh: float, drawn_w: float, sun: Sequence[float]) -> float:
        return _lasting(full_wh, charge, max(drawn_w, 0.0), sun, newest.at_us)

    age = Z_90 * AGE_SIGMA
    return HoursLeft(
        lasting(battery_wh * warm, load_w, [one or 0.0 for one in sun_w]),
        lasting(battery_wh * wide[0] * (1 - age), load_w + Z_90 * sigma_w, [0.3 * (one or 0.0) for one in sun_w]),
        lasting(
            battery_wh * wide[1] * (1 + age),
            load_w - Z_90 * sigma_w,
            [best_w if one is None else 1.5 * one for one in sun_w],
        ),
    )


def _cold(temperature_c: float | None) -> float:
    """The share of its energy that a battery gives when cold."""
    return 1.0 if temperature_c is None else min(1.0, max(0.5, 1.0 - COLD_PER_K * max(0.0, 20.0 - temperature_c)))


def _sun(readings: Sequence[PowerReading]) -> tuple[list[float | None], float]:
    """Mean power of the panel by hour of the UTC day, None where it was never measured; and the most it ever gave."""
    by_hour: list[list[float]] = [[] for _ in range(24)]
    for one in readings:
        if one.solar_w is not None:
            by_hour[one.at_us // HOUR_US % 24].append(one.solar_w)
    best_w = max((one for hour in by_hour for one in hour), default=0.0)
    return [sum(hour) / len(hour) if hour else None for hour in by_hour], best_w


def _lasting(full_wh: float, charge: float, load_w: float, sun_w: Sequence[float], now_us: int) -> float:
    energy_wh = full_wh * charge
    for hour in range(LONGEST_H):
        lost_wh = load_w - sun_w[(now_us // HOUR_US + hour) % 24]
        if energy_wh - lost_wh <= 0 < lost_wh:
            return hour + max(energy_wh, 0.0) / lost_wh
        energy_wh = min(full_wh, energy_wh - lost_wh)
    return float(LONGEST_H)


def power_health(
    post: str, readings: Sequence[PowerReading], battery_wh: float | None, now_us: int, count: int
) -> SensorHealth:
    """What the technician reads of a post's battery, after its newest reading; ``count`` readings came so far."""
    left, newest = hours_left(readings, battery_wh), readings[-1]
    state = SensorState.UNKNOWN if left is None else SensorState.OK
    if left is not None and left.low_h < SHORT_H:
        state = SensorState.DEGRADED
    sentence = _sentence(post, newest, left, battery_wh)
    return SensorHealth(
        sensor_id=f"power {post}",
        at_us=now_us,
        state=state,
        sentence=str(sentence),
        said=sentence.said,
        last_heard_us=newest.at_us,
        messages=count,
        observations=count,
        rejects=0,
        reject_reasons={},
    )


def _sentence(post: str, newest: PowerReading, left: HoursLeft | None, battery_wh: float | None) -> Phrase:
    charge = (
        phrase("power.no-charge")
        if newest.charge is None
        else phrase("power.charge", charge=f"{100 * newest.charge:.0f}")
    )
    parts = phrase(
        "power.parts",
        draws="" if newest.load_w is None else phrase("power.draws", watts=f"{newest.load_w:.0f}"),
        sun="" if newest.solar_w is None else phrase("power.sun", watts=f"{newest.solar_w:.0f}"),
        cold="" if newest.temperature_c is None else phrase("power.cold", degrees=f"{newest.temperature_c:.0f}"),
    )
    return phrase("power.all", post=post, charge=charge, parts=parts, left=_left(newest, left, battery_wh))


def _left(newest: PowerReading, left: HoursLeft | None, battery_wh: float | None) -> Phrase:
    if left is None:
        known = {"charge": newest.charge, "load": newest.load_w, "capacity": battery_wh}
        missing = [phrase(f"power.miss-{word}") for word, value in known.items() if value is None]
        return phrase("power.left-unknown", missing=missing)
    if left.low_h >= LONGEST_H:
        return phrase("power.lasts", hours=LONGEST_H)
    more = phrase("power.more", hours=LONGEST_H)
    high = f"{left.high_h:.0f}" if left.high_h < LONGEST_H else more
    middle = f"{left.expected_h:.0f}" if left.expected_h < LONGEST_H else more
    return phrase("power.left", middle=middle, low=f"{left.low_h:.0f}", high=high)
