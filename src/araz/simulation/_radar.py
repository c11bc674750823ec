"""A radar in the simulated night: plots of what it sees, false plots, and a mark each turn, as ASTERIX datagrams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from araz.sensors import AsterixPlot, encode_asterix_015, encode_asterix_034, encode_asterix_048
from araz.simulation._bodies import Body, stream
from araz.simulation._post import Arrival, Post, living, own_direction_deg, radar_probability, received, to_polar
from araz.vocabulary import FloatArray, SensorState

DAY_US: Final = 86_400_000_000
#: A datagram is sent about this often, when there is something in it.
SECTOR_S: Final = 0.5
#: This share of the false plots falls in one patch of ground (a wood, a pylon line).
HOT_SHARE: Final = 0.3
HOT_SIZE_M: Final = 2_000.0
#: False plots come from trees, cables, insects: mean height above the ground, exponential.
CLUTTER_HEIGHT_M: Final = 60.0
CLUTTER_RATE_MPS: Final = 4.0
STATUS_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Plots:
    """K plots before encoding: when, and as measured. Radians and metres, site axes."""

    at_s: FloatArray
    range_m: FloatArray
    azimuth_rad: FloatArray
    elevation_rad: FloatArray
    range_rate_mps: FloatArray


def radar_messages(post: Post, bodies: Sequence[Body]) -> Iterator[Arrival]:
    """Datagrams of one radar over the night, in order of arrival; plots made at once, bytes made when asked for."""
    phase_s = float(post.rng.uniform(0, post.sensor.period_s))
    turns = np.arange(phase_s, post.duration_s, post.sensor.period_s)
    parts = [_plots_of(post, body, turns) for body, _ in living(bodies, turns)]
    plots = _misaligned(post, _joined([*parts, _clutter(post, turns)]))
    yield from _sent(post, plots, turns)


def _misaligned(post: Post, plots: Plots) -> Plots:
    """What a radar makes of its plots when it was set up wrongly."""
    off = post.misalignment(plots.at_s)
    return Plots(
        plots.at_s,
        np.maximum(plots.range_m + off[:, 0], 1.0),
        plots.azimuth_rad + off[:, 1],
        plots.elevation_rad + off[:, 2],
        plots.range_rate_mps,
    )


def _plots_of(post: Post, body: Body, turns: FloatArray) -> Plots:
    """Plots of one body: the beam meets it at its azimuth's share of the turn."""
    sensor = post.sensor
    nominal, _ = body.course.at(turns)
    azimuth = to_polar(post.origin_enu_m, nominal, np.zeros_like(nominal)).azimuth_rad
    at_s = turns + azimuth / (2 * np.pi) * sensor.period_s
    position, velocity = body.course.at(at_s)
    exists = body.course.alive(at_s)
    chance = np.zeros(len(at_s))
    chance[exists] = radar_probability(sensor, post.place, post.origin_enu_m, position[exists], body.rcs_dbsm)
    hit = post.rng.random(len(at_s)) < chance
    polar = to_polar(post.origin_enu_m, position[hit], velocity[hit])
    noise = post.rng.standard_normal((4, int(hit.sum())))
    return Plots(
        at_s[hit],
        np.maximum(polar.range_m + noise[0] * sensor.range_sigma_m, 1.0),
        polar.azimuth_rad + noise[1] * np.radians(sensor.azimuth_sigma_deg),
        polar.elevation_rad + noise[2] * np.radians(sensor.elevation_sigma_deg),
        polar.range_rate_mps + noise[3] * sensor.range_rate_sigma_mps,
    )


def _clutter(post: Post, turns: FloatArray) -> Plots:
    """False plots: Poisson in number, even in range and azimuth, but for the hot patch; near the ground and slow."""
    sensor, rng = post.sensor, post.rng
    number = rng.poisson(sensor.clutter_per_scan, len(turns))
    turn = np.repeat(turns, number)
    count = len(turn)
    azimuth = rng.uniform(0, 2 * np.pi, count)
    distance = rng.uniform(100.0, sensor.max_range_m, count)
    hot_azimuth, hot_range = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.8) * sensor.max_range_m
    is_hot = rng.random(count) < HOT_SHARE
    spread = rng.uniform(-0.5, 0.5, (2, count)) * HOT_SIZE_M
    azimuth = np.where(is_hot, hot_azimuth + spread[0] / hot_range, azimuth) % (2 * np.pi)
    distance = np.where(is_hot, hot_range + spread[1], distance)
    elevation = _over_ground(post, distance, azimuth, rng.exponential(CLUTTER_HEIGHT_M, count))
    elevation = elevation + rng.standard_normal(count) * np.radians(sensor.elevation_sigma_deg)
    elevation = np.clip(elevation, np.radians(sensor.min_elevation_deg), np.radians(sensor.max_elevation_deg))
    at_s = turn + azimuth / (2 * np.pi) * sensor.period_s
    return Plots(at_s, distance, azimuth, elevation, rng.normal(0.0, CLUTTER_RATE_MPS, count))


def _over_ground(post: Post, distance: FloatArray, azimuth: FloatArray, height_agl_m: FloatArray) -> FloatArray:
    """Elevation [K], radians, of heights above the ground at ranges and azimuths."""
    east = post.origin_enu_m[0] + distance * np.sin(azimuth)
    north = post.origin_enu_m[1] + distance * np.cos(azimuth)
    above = post.place.terrain.ground_up_m(east, north) + height_agl_m - post.origin_enu_m[2]
    return np.asarray(np.arcsin(np.clip(above / distance, -1.0, 1.0)), dtype=np.float64)


def _joined(parts: Sequence[Plots]) -> Plots:
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("at_s", "range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")
    ]
    order = np.argsort(columns[0], kind="stable")
    return Plots(*(column[order] for column in columns))


def _sent(post: Post, plots: Plots, turns: FloatArray) -> Iterator[Arrival]:
    """Encode: a north marker at each turn, a datagram at the end of each sector that has plots, floods one by one."""
    period = post.sensor.period_s
    sectors = max(1, round(period / SECTOR_S))
    width = period / sectors
    slot = np.floor((plots.at_s - turns[0]) / width + 1e-9).astype(np.int64) if len(turns) else np.zeros(0, np.int64)
    used, first = np.unique(slot, return_index=True)
    last = np.append(first[1:], len(slot))
    ready_s = turns[0] + (used + 1) * width if len(turns) else np.zeros(0)
    flood = _flood(post)
    # Plots leave before the north marker that closes their turn: the marker of turn k says that turn k - 1 is over.
    sent_s = np.concatenate([ready_s, turns, flood.at_s])
    kind = np.concatenate([np.zeros(len(used)), np.ones(len(turns)), np.full(len(flood.at_s), 2)]).astype(np.int64)
    which = np.concatenate([np.arange(len(used)), np.arange(len(turns)), np.arange(len(flood.at_s))]).astype(np.int64)
    order = np.lexsort((kind, np.round(sent_s, 6)))
    rows, flood_rows = _rows(post, plots), _rows(post, flood)
    encode = _encoder(post)
    arrivals = received(post, sent_s[order])
    sac, sic = _source(post)
    status_every = max(1, round(STATUS_EVERY_S / period))
    for at_us, index in zip(arrivals, order, strict=True):
        item, at_s = int(which[index]), float(sent_s[index])
        if kind[index] == 0:
            payload = encode(rows(int(first[item]), int(last[item])), _day_s(post, at_s))
        elif kind[index] == 1:
            status = SensorState.OK if item % status_every == 0 else None
            payload = encode_asterix_034(sac, sic, _day_s(post, at_s), period_s=period, status=status)
        else:
            payload = encode(flood_rows(item, item + 1), _day_s(post, at_s))
        yield Arrival(at_us, post.feed.id, payload)


def _flood(post: Post) -> Plots:
    """The plots of a flood, one a datagram, anywhere in range; a stream of its own, so that the rest stays as it is."""
    rng = stream(0, "flood", post.sensor.id)
    times = [np.arange(from_s, to_s, 1.0 / rate) for from_s, to_s, rate in post.floods() if rate > 0]
    at_s = np.concatenate(times) if times else np.zeros(0)
    distance, azimuth = rng.uniform(100.0, post.sensor.max_range_m, len(at_s)), rng.uniform(0, 2 * np.pi, len(at_s))
    elevation = _over_ground(post, distance, azimuth, rng.exponential(CLUTTER_HEIGHT_M, len(at_s)))
    return Plots(at_s, distance, azimuth, elevation, rng.normal(0.0, CLUTTER_RATE_MPS, len(at_s)))


def _rows(post: Post, plots: Plots) -> Callable[..., list[AsterixPlot]]:
    """Return a function (from, to) → encodable plots; heights and angles are worked out for all at once."""
    east = plots.range_m * np.cos(plots.elevation_rad) * np.sin(plots.azimuth_rad)
    north = plots.range_m * np.cos(plots.elevation_rad) * np.cos(plots.azimuth_rad)
    up = plots.range_m * np.sin(plots.elevation_rad)
    measured = np.column_stack([east, north, up]) + post.origin_enu_m
    _, _, hae = post.place.frame.to_geodetic(measured)
    altitude = hae - post.place.site.geoid_undulation_m
    azimuth, elevation = own_direction_deg(post, plots.azimuth_rad, plots.elevation_rad)

    def rows(start: int, end: int) -> list[AsterixPlot]:
        return [
            AsterixPlot(
                range_m=float(plots.range_m[k]),
                azimuth_deg=float(azimuth[k]),
                elevation_deg=float(elevation[k]),
                range_rate_mps=float(plots.range_rate_mps[k]),
                altitude_amsl_m=float(altitude[k]),
                time_of_day_s=_day_s(post, float(plots.at_s[k])),
            )
            for k in range(start, end)
        ]

    return rows


def _encoder(post: Post) -> Callable[[list[AsterixPlot], float], bytes]:
    """CAT015 where the feed has an edition for it, else CAT048."""
    sac, sic = _source(post)
    sensor = post.sensor
    if "015" in post.feed.editions:
        encode_015 = partial(
            encode_asterix_015,
            range_sigma_m=sensor.range_sigma_m,
            azimuth_sigma_deg=sensor.azimuth_sigma_deg,
            elevation_sigma_deg=sensor.elevation_sigma_deg,
        )
        return lambda plots, at_s: encode_015(sac, sic, at_s, plots)
    return lambda plots, at_s: encode_asterix_048(sac, sic, at_s, plots)


def _source(post: Post) -> tuple[int, int]:
    sac, _, sic = (post.sensor.wire_id or "1/1").partition("/")
    return int(sac), int(sic or 1)


def _day_s(post: Post, at_s: float) -> float:
    return post.stamp_us(at_s) % DAY_US / 1e6
