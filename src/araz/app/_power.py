"""A post's battery at the rim: the kernel's power supply, or a JSON file that the charge controller writes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from araz.vocabulary import PowerReading

#: Time between two looks at the meter.
POWER_EVERY_S: Final = 60.0


def read_power(path: Path, at_us: int) -> PowerReading:
    """One look at the meter; whatever it does not tell, or tells in words nobody knows, is None.

    A folder is Linux's ``power_supply`` (``capacity`` %, ``power_now`` µW or ``current_now`` µA × ``voltage_now`` µV,
    ``temp`` tenths of °C); a file holds JSON with the fields of ``PowerReading``.
    """
    if path.is_dir():
        return _supply(path, at_us)
    try:
        return replace(msgspec.json.decode(path.read_bytes(), type=_Meter), at_us=at_us)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return PowerReading(at_us=at_us)


class _Meter(PowerReading, frozen=True, kw_only=True, tag="power-reading"):
    """As a meter writes it: the time is ours, so it may be left out."""

    at_us: int = 0


def _supply(folder: Path, at_us: int) -> PowerReading:
    percent, tenths = _number(folder / "capacity"), _number(folder / "temp")
    microwatt = _number(folder / "power_now")
    current, voltage = _number(folder / "current_now"), _number(folder / "voltage_now")
    power_w = None if microwatt is None else abs(microwatt) / 1e6
    if power_w is None and current is not None and voltage is not None:
        power_w = abs(current) * voltage / 1e12
    # While it charges, the flow at the battery is not what the post draws.
    is_drawing = _word(folder / "status") == "Discharging"
    return PowerReading(
        at_us=at_us,
        charge=None if percent is None or not 0 <= percent <= 100 else percent / 100,
        load_w=power_w if is_drawing else None,
        temperature_c=None if tenths is None or not -600 <= tenths <= 900 else tenths / 10,
    )


def _word(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _number(path: Path) -> float | None:
    try:
        return float(_word(path))
    except ValueError:
        return None
