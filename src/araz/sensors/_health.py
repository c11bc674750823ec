"""Which sensor is alive, deaf, flooding or wrong about the time: found by Araz, not by the officer.

Clock error of a sensor: the median of (received - observed) over its last 31 observations, which a few late
messages cannot move. A sensor that says nothing for ``silent_after_s`` is silent: a dead sensor is not a quiet sky.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from araz.vocabulary import (
    Decoded,
    Observation,
    Rejected,
    ScanMark,
    Sensor,
    SensorHealth,
    SensorReport,
    SensorState,
    Site,
    phrase,
    said_of,
)

#: Observations the clock error is a median of.
CLOCK_WINDOW: Final = 31
#: Data time between two health records of a sensor when nothing changed but the counts.
REPEAT_US: Final = 10_000_000
#: Reasons kept by name for one sensor; more are counted under ``other``, so that bad input cannot grow the state.
MAX_REASONS: Final = 32


class _Row(msgspec.Struct, frozen=True):
    """What is known of one sensor, or of one feed that carries several."""

    messages: int = 0
    observations: int = 0
    rejects: int = 0
    reasons: Mapping[str, int] = {}
    last_heard_us: int | None = None
    clock_us: tuple[int, ...] = ()
    clock_error_us: int | None = None
    own_state: SensorState = SensorState.UNKNOWN
    own_detail: str = ""
    window_from_us: int = 0
    window_count: int = 0
    rate_per_s: float = 0.0
    said_us: int = 0
    said_state: SensorState = SensorState.UNKNOWN
    said_counts: tuple[int, int] = (0, 0)


class HealthState(msgspec.Struct, frozen=True):
    """Rows by sensor id; feeds with several sensors have a row of their own, ``feed NAME``."""

    sensors: Mapping[str, Sensor]
    feed_row: Mapping[str, str]
    rows: Mapping[str, _Row]
    started_us: int | None = None
    checked_us: int = 0


def health_init(site: Site) -> HealthState:
    """Return the state before the first message."""
    sensors = {sensor.id: sensor for sensor in site.sensors}
    feed_row: dict[str, str] = {}
    for feed in site.feeds:
        own = [sensor.id for sensor in site.sensors if sensor.feed == feed.id]
        feed_row[feed.id] = own[0] if len(own) == 1 else f"feed {feed.id}"
    rows = {name: _Row() for name in [*sensors, *sorted(set(feed_row.values()) - set(sensors))]}
    return HealthState(sensors=sensors, feed_row=feed_row, rows=rows)


def health_step(
    state: HealthState, source: str, decoded: Sequence[Decoded], now_us: int
) -> tuple[HealthState, list[SensorHealth]]:
    """Count one message of ``source`` and what it gave; return the health records that are due."""
    rows = dict(state.rows)
    feed_row = state.feed_row.get(source.partition("#")[0])
    heard: set[str] = set()
    if feed_row is not None:
        row = rows[feed_row]
        rows[feed_row] = msgspec.structs.replace(row, messages=row.messages + 1)
        # Half a frame decodes to nothing, yet its sender lives; nothing but rejects is no sign of life.
        if feed_row in state.sensors and not (decoded and all(isinstance(item, Rejected) for item in decoded)):
            heard.add(feed_row)
    for item in decoded:
        if isinstance(item, Rejected):
            if feed_row is not None:
                rows[feed_row] = _reject(rows[feed_row], item.reason)
        elif item.sensor_id in rows:
            heard.add(item.sensor_id)
            rows[item.sensor_id] = _hear(rows[item.sensor_id], item)
    for name in heard:
        error_us = _clock_error_us(rows[name])
        rows[name] = msgspec.structs.replace(rows[name], last_heard_us=now_us, clock_error_us=error_us)
    for name in heard - {feed_row}:
        rows[name] = msgspec.structs.replace(rows[name], messages=rows[name].messages + 1)
    started_us = now_us if state.started_us is None else state.started_us
    state = msgspec.structs.replace(state, rows=rows, started_us=started_us)
    return _say(state, now_us)


def clock_offsets_us(state: HealthState) -> dict[str, int]:
    """Return what to add to the observation times of sensors whose clocks are wrong, microseconds by sensor."""
    offsets = {}
    for name, sensor in state.sensors.items():
        error_us = state.rows[name].clock_error_us
        if error_us is not None and abs(error_us) > 1e6 * sensor.clock_tolerance_s:
            offsets[name] = error_us
    return offsets


def _reject(row: _Row, reason: str) -> _Row:
    if reason not in row.reasons and len(row.reasons) >= MAX_REASONS:
        reason = "other"
    reasons = {**row.reasons, reason: row.reasons.get(reason, 0) + 1}
    return msgspec.structs.replace(row, rejects=row.rejects + 1, reasons=reasons)


def _hear(row: _Row, item: Observation | SensorReport | ScanMark) -> _Row:
    if isinstance(item, Observation):
        delay_us = item.received_at_us - item.observed_at_us
        # A person's report may be queued for hours on a phone without a network: no clock error.
        clock = row.clock_us if item.report is not None else (*row.clock_us, delay_us)[-CLOCK_WINDOW:]
        if row.window_count == 0:
            row = msgspec.structs.replace(row, window_from_us=item.received_at_us)
        return msgspec.structs.replace(
            row, observations=row.observations + 1, window_count=row.window_count + 1, clock_us=clock
        )
    if isinstance(item, SensorReport) and item.state != SensorState.UNKNOWN:
        return msgspec.structs.replace(row, own_state=item.state, own_detail=item.detail or "")
    return row


def _clock_error_us(row: _Row) -> int | None:
    if len(row.clock_us) < 5:
        return None
    return sorted(row.clock_us)[len(row.clock_us) // 2]


def _rated(row: _Row, now_us: int) -> _Row:
    """Close the counting window each second or more, so that the rate follows floods and lulls."""
    span_us = now_us - row.window_from_us
    if span_us < 1_000_000:
        return row
    return msgspec.structs.replace(
        row, rate_per_s=round(1e6 * row.window_count / span_us, 1), window_from_us=now_us, window_count=0
    )


def flood_limit_per_s(sensor: Sensor) -> float:
    """Return the rate above which a sensor is called flooding: twenty times what its site entry promises."""
    return max(200.0, 20.0 * (sensor.clutter_per_scan + 10.0) / sensor.period_s)


def _judge(
    name: str, row: _Row, sensor: Sensor | None, now_us: int, started_us: int
) -> tuple[SensorState, str, dict[str, str]]:
    """The state, and the key and values of its sentence: it is put into words only when it is said."""
    if sensor is None:
        return SensorState.OK, "health.several", {}
    heard_us = started_us if row.last_heard_us is None else row.last_heard_us
    silence_s = (now_us - heard_us) / 1e6
    if sensor.silent_after_s > 0 and silence_s > sensor.silent_after_s:
        if row.last_heard_us is None:
            return SensorState.SILENT, "health.silent-start", {"sensor": name}
        return SensorState.SILENT, "health.silent-for", {"sensor": name, "seconds": f"{sensor.silent_after_s:.0f}"}
    if row.own_state == SensorState.FAILED:
        return SensorState.FAILED, "health.failed", {"sensor": name, "detail": row.own_detail}
    error_us = row.clock_error_us
    if error_us is not None and abs(error_us) > 1e6 * sensor.clock_tolerance_s:
        key = "health.clock-behind" if error_us > 0 else "health.clock-ahead"
        return SensorState.LYING, key, {"sensor": name, "seconds": f"{abs(error_us) / 1e6:.1f}"}
    if row.rate_per_s > flood_limit_per_s(sensor):
        return SensorState.DEGRADED, "health.floods", {"sensor": name, "rate": f"{row.rate_per_s:.0f}"}
    if row.own_state == SensorState.DEGRADED:
        return SensorState.DEGRADED, "health.degraded", {"sensor": name, "detail": row.own_detail}
    if row.last_heard_us is None:
        return SensorState.UNKNOWN, "health.unheard", {"sensor": name}
    return SensorState.OK, "health.alive", {"sensor": name}


def _say(state: HealthState, now_us: int) -> tuple[HealthState, list[SensorHealth]]:
    """Return health records of sensors whose state changed, or whose counts did and are due; four checks a second."""
    if now_us - state.checked_us < 250_000:
        return state, []
    rows, said = dict(state.rows), []
    for name, old in state.rows.items():
        row = _rated(old, now_us)
        sensor = state.sensors.get(name)
        started_us = now_us if state.started_us is None else state.started_us
        verdict, key, values = _judge(name, row, sensor, now_us, started_us)
        counts = (row.messages, row.rejects)
        is_due = now_us - row.said_us >= REPEAT_US and counts != row.said_counts
        if verdict != row.said_state or is_due:
            row = msgspec.structs.replace(row, said_us=now_us, said_state=verdict, said_counts=counts)
            error_us, sentence = row.clock_error_us, phrase(key, **values)
            said.append(
                SensorHealth(
                    sensor_id=name,
                    at_us=now_us,
                    state=verdict,
                    sentence=str(sentence),
                    said=said_of(sentence),
                    last_heard_us=row.last_heard_us,
                    messages=row.messages,
                    observations=row.observations,
                    rejects=row.rejects,
                    reject_reasons=dict(sorted(row.reasons.items())),
                    clock_error_s=None if error_us is None else round(error_us / 1e6, 3),
                    rate_per_s=row.rate_per_s,
                )
            )
        rows[name] = row
    return msgspec.structs.replace(state, rows=rows, checked_us=now_us), said
