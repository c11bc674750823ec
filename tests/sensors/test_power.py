"""Hours left of a battery: held against a battery that is run empty, and silent where it cannot know."""

import math

import numpy as np
import pytest

from araz.sensors import hours_left, keep_reading, power_health
from araz.sensors._power import BUCKET_US, HOUR_US, KEPT_US, LONGEST_H
from araz.vocabulary import PowerReading, SensorState

EVENING_US = 1_790_000_000_000_000 // (24 * HOUR_US) * 24 * HOUR_US + 14 * HOUR_US


def reading(at_us=EVENING_US, **known):
    return PowerReading(at_us=at_us, **known)


def remembered(readings):
    kept = ()
    for one in readings:
        kept = keep_reading(kept, one)
    return kept


def test_without_sun_it_is_energy_over_load():
    left = hours_left([reading(charge=0.5, load_w=20.0, temperature_c=20.0)], 1000.0)
    assert left.expected_h == pytest.approx(25.0)
    assert left.low_h < 25.0 < left.high_h


def test_cold_takes_its_share():
    warm, cold = (
        hours_left([reading(charge=1.0, load_w=10.0, temperature_c=celsius)], 1000.0) for celsius in (20.0, -20.0)
    )
    assert cold.expected_h == pytest.approx(0.76 * warm.expected_h, rel=0.01)


def test_an_unknown_temperature_widens_the_interval():
    known, unknown = (
        hours_left([reading(charge=1.0, load_w=10.0, temperature_c=celsius)], 1000.0) for celsius in (20.0, None)
    )
    assert unknown.low_h < known.low_h
    assert unknown.high_h >= known.high_h


@pytest.mark.parametrize(
    ("known", "capacity_wh", "missing"),
    [
        ({"load_w": 10.0}, 1000.0, "charge"),
        ({"charge": 0.0}, 1000.0, "load"),
        ({"charge": 1.0, "load_w": 0.0}, None, "battery_wh"),
    ],
)
def test_unknown_stays_unknown_and_says_what_is_missing(known, capacity_wh, missing):
    one = [reading(**known)]
    assert hours_left(one, capacity_wh) is None
    health = power_health("P3", one, capacity_wh, EVENING_US, 1)
    assert health.state is SensorState.UNKNOWN
    assert "hours left unknown" in health.sentence
    assert missing in health.sentence


def test_an_empty_battery_is_no_unknown_one():
    left = hours_left([reading(charge=0.0, load_w=10.0)], 1000.0)
    assert (left.low_h, left.expected_h, left.high_h) == (0.0, 0.0, 0.0)


def test_more_sun_than_load_lasts_for_good():
    readings = [
        reading(EVENING_US - (72 - hour) * HOUR_US, charge=0.8, load_w=10.0, temperature_c=20.0,
                solar_w=100.0 * max(0.0, math.sin((hour % 24 - 8) / 12 * math.pi)))
        for hour in range(72)
    ]  # fmt: skip
    assert hours_left(readings, 1000.0).expected_h == LONGEST_H
    assert "more than" in power_health("P3", readings, 1000.0, EVENING_US, 72).sentence


def test_a_short_battery_is_told_to_the_technician():
    health = power_health("P3", [reading(charge=0.1, load_w=20.0)], 1000.0, EVENING_US, 1)
    assert health.state is SensorState.DEGRADED
    assert health.sensor_id == "power P3"
    assert "h left (" in health.sentence


def test_the_page_shows_what_is_said(root):
    known = {"charge": 0.62, "load_w": 18.0, "solar_w": 0.0, "temperature_c": 4.0}
    sentence = power_health("P03", [reading(**known)], 2400.0, EVENING_US, 1).sentence
    assert f"    {sentence}\n" in (root / "docs" / "posts.md").read_text()


def test_the_memory_is_three_days_and_one_reading_in_ten_minutes():
    readings = [reading(EVENING_US + minute * 60_000_000, load_w=float(minute)) for minute in range(6 * 24 * 60)]
    kept = remembered(readings)
    assert kept[-1] == readings[-1]
    assert len(kept) <= KEPT_US // BUCKET_US + 2
    assert kept[0].at_us > readings[-1].at_us - KEPT_US
    assert len({one.at_us // BUCKET_US for one in kept}) >= len(kept) - 1


def run_down(dice):
    """A true battery with its own age, sun and load, run empty; what was measured before, and the hours it lasted."""
    full_wh = 1000.0 * dice.normal(1.0, 0.10)
    celsius = dice.uniform(-10, 25)
    given = 1.0 - 0.006 * max(0.0, 20.0 - celsius)
    base_w, clear = dice.uniform(15, 40), dice.uniform(0.0, 0.6)
    history = []
    for step in range(72 * 6):
        hour = step / 6 - 72
        sun_w = 60.0 * clear * max(0.0, math.sin((hour + 14 - 6) % 24 / 12 * math.pi)) * dice.uniform(0.4, 1.4)
        history.append(
            reading(
                EVENING_US + int(hour * HOUR_US), charge=0.9, temperature_c=celsius, solar_w=sun_w,
                load_w=base_w * dice.uniform(0.9, 1.1),
            )
        )  # fmt: skip
    energy_wh, step = 0.9 * full_wh * given, 0
    cloud = dice.uniform(0.4, 1.4)
    while energy_wh > 0 and step < 6 * LONGEST_H:
        hour = step / 6
        if step % 144 == 0:
            cloud = dice.uniform(0.4, 1.4)
        sun_w = 60.0 * clear * cloud * max(0.0, math.sin((hour + 14 - 6) % 24 / 12 * math.pi))
        energy_wh = min(full_wh * given, energy_wh - (base_w * dice.uniform(0.9, 1.1) - sun_w) / 6)
        step += 1
    return remembered(history), step / 6


def test_the_interval_holds_what_it_says():
    """Sixty batteries run empty: the 90 % interval must hold at least 90 %, and must not be the whole line."""
    dice = np.random.default_rng(11)
    held, widths = 0, []
    for _ in range(60):
        kept, hours = run_down(dice)
        left = hours_left(kept, 1000.0)
        held += left.low_h <= hours <= left.high_h
        widths.append((left.high_h - left.low_h) / max(left.expected_h, 1.0))
    assert held >= 54
    assert np.median(widths) < 1.5
