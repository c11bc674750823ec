"""ASTERIX datagrams for the simulation: the same bit tables as the readers, in the other direction.

Every encoder gives one data block of one category. libasterix decodes what they write in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from araz.sensors._asterix_tables import UAPS
from araz.vocabulary import SensorState

_FOOT_M: Final = 0.3048
_NM_M: Final = 1852.0
_ICAO: Final = {letter: code for code, letter in enumerate(" ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {
    str(digit): 48 + digit for digit in range(10)
}
_FRN: Final = {
    category: {item[0]: index for index, item in enumerate(items) if item is not None}
    for category, items in UAPS.items()
}


class AsterixPlot(NamedTuple):
    """One plot to send: slant range, azimuth from true north; ``None`` is not sent.

    CAT048 sends the height of a 3-D radar (``altitude_amsl_m``), CAT015 the elevation.
    """

    range_m: float
    azimuth_deg: float
    elevation_deg: float | None = None
    range_rate_mps: float | None = None
    altitude_amsl_m: float | None = None
    mode_s: str | None = None
    callsign: str | None = None
    time_of_day_s: float | None = None
    """Its own time; ``None`` is the time of the whole datagram."""


class AsterixTrack(NamedTuple):
    """One system track to send; velocities in east, north, up; ``None`` is not sent."""

    track_number: int
    latitude_deg: float
    longitude_deg: float
    altitude_hae_m: float | None = None
    velocity_mps: tuple[float, float] | None = None
    climb_mps: float | None = None
    mode_s: str | None = None
    callsign: str | None = None
    altitude_baro_m: float | None = None
    time_of_day_s: float | None = None


def _unsigned(value: float, octets: int) -> bytes:
    return min(max(round(value), 0), (1 << 8 * octets) - 1).to_bytes(octets, "big")


def _signed(value: float, octets: int) -> bytes:
    half = 1 << (8 * octets - 1)
    clipped: int = min(max(round(value), -half), half - 1)
    return clipped.to_bytes(octets, "big", signed=True)


def _turn(angle_deg: float) -> bytes:
    return (round(angle_deg % 360.0 * 65536 / 360) % 65536).to_bytes(2, "big")


def _time(time_of_day_s: float) -> bytes:
    return (round(time_of_day_s * 128) % (86_400 * 128)).to_bytes(3, "big")


def _fspec(places: Iterable[int]) -> bytes:
    """Return a field specification with the bits of ``places`` (0 is the first item)."""
    marked = set(places)
    octets = max(marked) // 7 + 1
    bits = [sum(0x80 >> bit for bit in range(7) if 7 * octet + bit in marked) for octet in range(octets)]
    return bytes(value | (octet < octets - 1) for octet, value in enumerate(bits))


def _compound(parts: dict[int, bytes]) -> bytes:
    return _fspec(parts) + b"".join(parts[place] for place in sorted(parts))


def _record(category: int, items: dict[str, bytes | None]) -> bytes:
    places = {_FRN[category][name]: value for name, value in items.items() if value is not None}
    return _compound(places)


def _block(category: int, records: Sequence[bytes]) -> bytes:
    length = 3 + sum(map(len, records))
    if length > 65_507:
        raise ValueError(
            f"{len(records)} records make {length} octets, more than a datagram holds: send fewer at once."
        )
    return bytes([category]) + length.to_bytes(2, "big") + b"".join(records)


def _callsign(text: str) -> bytes:
    bits = 0
    for letter in text.upper().ljust(8)[:8]:
        bits = bits << 6 | _ICAO.get(letter, 0)
    return bits.to_bytes(6, "big")


def _address(mode_s: str) -> bytes:
    octets = bytes.fromhex(mode_s)
    if len(octets) != 3:
        raise ValueError(f"Mode S address {mode_s!r} is not 6 hexadecimal digits.")
    return octets


def encode_asterix_048(sac: int, sic: int, time_of_day_s: float, plots: Sequence[AsterixPlot]) -> bytes:
    """Return a CAT048 block (any edition 1.27 to 1.32) of one radar's plots.

    Steps of the format: 7.2 m in range, 0.0055 deg, 7.6 m in height, 1 m/s, 1/128 s. A range beyond 256 NM fails with
    ``ValueError``: the format keeps it elsewhere.
    """
    return _block(48, [_plot_048(sac, sic, time_of_day_s, plot) for plot in plots])


def _plot_048(sac: int, sic: int, time_of_day_s: float, plot: AsterixPlot) -> bytes:
    if not 0.0 <= plot.range_m < 256 * _NM_M:
        raise ValueError(f"Range {plot.range_m} m is outside CAT048's 0 to 256 NM.")
    height = None
    if plot.altitude_amsl_m is not None:
        height = (round(plot.altitude_amsl_m / (25 * _FOOT_M)) & 0x3FFF).to_bytes(2, "big")
    doppler = None
    if plot.range_rate_mps is not None:
        doppler = _compound({0: (min(max(round(plot.range_rate_mps), -512), 511) & 0x3FF).to_bytes(2, "big")})
    kind = 1 if plot.mode_s is None else 7
    return _record(
        48,
        {
            "010": bytes([sac, sic]),
            "140": _time(time_of_day_s if plot.time_of_day_s is None else plot.time_of_day_s),
            "020": bytes([kind << 5]),
            "040": _unsigned(plot.range_m * 256 / _NM_M, 2) + _turn(plot.azimuth_deg),
            "220": None if plot.mode_s is None else _address(plot.mode_s),
            "240": None if plot.callsign is None else _callsign(plot.callsign),
            "110": height,
            "120": doppler,
        },
    )


def encode_asterix_034(
    sac: int,
    sic: int,
    time_of_day_s: float,
    *,
    sector_deg: float | None = None,
    period_s: float | None = None,
    status: SensorState | None = None,
) -> bytes:
    """Return a CAT034 block: a sector crossing at ``sector_deg``, or a north marker when that is ``None``.

    ``status`` ok, degraded (processor overload) or failed (not released) is sent in I034/050.
    """
    common = {None: None, SensorState.OK: 0, SensorState.DEGRADED: 0x10, SensorState.FAILED: 0x80}.get(status, 0)
    sector = None if sector_deg is None else bytes([round(sector_deg % 360.0 * 256 / 360) % 256])
    items = {
        "010": bytes([sac, sic]),
        "000": bytes([1 if sector is None else 2]),
        "030": _time(time_of_day_s),
        "020": sector,
        "041": None if period_s is None else _unsigned(period_s * 128, 2),
        "050": None if common is None else _compound({0: bytes([common])}),
    }
    return _block(34, [_record(34, items)])


def encode_asterix_015(
    sac: int,
    sic: int,
    time_of_day_s: float,
    plots: Sequence[AsterixPlot],
    *,
    range_sigma_m: float | None = None,
    azimuth_sigma_deg: float | None = None,
    elevation_sigma_deg: float | None = None,
) -> bytes:
    """Return a CAT015 block (editions 1.0 to 1.2) of mono-static measurement plots with elevation and Doppler velocity.

    Steps of the format: 0.1 m in range, 0.0055 deg in azimuth, 0.0027 deg in elevation, 0.01 m/s, 1/128 s.
    """
    sigmas = (range_sigma_m, azimuth_sigma_deg, elevation_sigma_deg)
    return _block(15, [_plot_015(sac, sic, time_of_day_s, plot, sigmas) for plot in plots])


def _plot_015(
    sac: int, sic: int, time_of_day_s: float, plot: AsterixPlot, sigmas: tuple[float | None, float | None, float | None]
) -> bytes:
    ranges = {0: _signed(plot.range_m * 10, 3)}
    if sigmas[0] is not None:
        ranges[2] = _unsigned(sigmas[0] * 10, 3)
    rate = plot.range_rate_mps
    elevation = None
    if plot.elevation_deg is not None:
        elevation = _angle_015(_signed(plot.elevation_deg * 65536 / 180, 2), sigmas[2])
    return _record(
        15,
        {
            "010": bytes([sac, sic]),
            "000": bytes([1 << 1]),
            "020": bytes([0]),
            "145": _time(time_of_day_s if plot.time_of_day_s is None else plot.time_of_day_s),
            "625": _compound(ranges),
            "626": None if rate is None else _compound({0: _signed(rate * 100, 3)}),
            "627": _angle_015(_turn(plot.azimuth_deg), sigmas[1]),
            "628": elevation,
        },
    )


def _angle_015(angle: bytes, sigma_deg: float | None) -> bytes:
    return _compound({0: angle} if sigma_deg is None else {0: angle, 2: _unsigned(sigma_deg * 65536 / 45, 2)})


def encode_asterix_062(sac: int, sic: int, time_of_day_s: float, tracks: Sequence[AsterixTrack]) -> bytes:
    """Return a CAT062 block (editions 1.16 to 1.21) of system tracks.

    Steps of the format: 0.6 m in position, 1.9 m in height, 0.25 m/s, 0.03 m/s in climb, 1/128 s.
    """
    return _block(62, [_track_062(sac, sic, time_of_day_s, track) for track in tracks])


def _track_062(sac: int, sic: int, time_of_day_s: float, track: AsterixTrack) -> bytes:
    derived = {}
    if track.mode_s is not None:
        derived[0] = _address(track.mode_s)
        if track.callsign is not None:
            derived[1] = _callsign(track.callsign)
    velocity = None
    if track.velocity_mps is not None:
        velocity = _signed(track.velocity_mps[0] * 4, 2) + _signed(track.velocity_mps[1] * 4, 2)
    baro, height, climb = track.altitude_baro_m, track.altitude_hae_m, track.climb_mps
    return _record(
        62,
        {
            "010": bytes([sac, sic]),
            "070": _time(time_of_day_s if track.time_of_day_s is None else track.time_of_day_s),
            "105": _signed(track.latitude_deg * 2**25 / 180, 4) + _signed(track.longitude_deg * 2**25 / 180, 4),
            "185": velocity,
            "380": _compound(derived) if derived else None,
            "040": _unsigned(track.track_number, 2),
            "080": bytes([0]),
            "136": None if baro is None else _signed(baro / (25 * _FOOT_M), 2),
            "130": None if height is None else _signed(height / (6.25 * _FOOT_M), 2),
            "220": None if climb is None else _signed(climb * 60 / (6.25 * _FOOT_M), 2),
        },
    )


__all__ = [
    "AsterixPlot",
    "AsterixTrack",
    "encode_asterix_015",
    "encode_asterix_034",
    "encode_asterix_048",
    "encode_asterix_062",
]
