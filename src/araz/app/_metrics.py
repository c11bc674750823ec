"""Whether the service lives and is ready, and its figures in the text format that Prometheus reads."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar import MediaType, Response, get

from araz.app import _pipeline as pipeline
from araz.store import Records
from araz.vocabulary import AlarmState, SensorState

#: As https://prometheus.io/docs/instrumenting/exposition_formats names it.
CONTENT_TYPE: Final = "text/plain; version=0.0.4"
OPEN: Final = (AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED, AlarmState.SHELVED)


class Station(NamedTuple):
    """What the figures are made of."""

    believed: pipeline.PipelineState | None
    messages: int
    journalled: int
    waiting: int
    browsers: int
    trouble: str | None
    """Why nothing is taken at the moment; None when all is well."""
    free_bytes: int
    unstored: int = 0
    """Events that wait for a database that is gone."""
    is_paired: bool | None = None
    """Whether the other node has everything that counts; None for a station that is no node of a pair."""
    clock_ahead_s: float | None = None
    """How far the station's clock is ahead of the machine's; None for a recording."""


class Metric(NamedTuple):
    """One family of figures: its name, what it is, and each figure by its labels."""

    name: str
    kind: str
    text: str
    figures: Sequence[tuple[Mapping[str, str], float]]


def metrics(station: Station, records: Records) -> list[Metric]:
    """The figures of a station; counters only rise while it runs."""
    found = [
        Metric("araz_ready", "gauge", "1 when messages are taken and judged", [({}, float(is_ready(station)))]),
        Metric("araz_journal_entries_total", "counter", "Messages in the journal", [({}, station.journalled)]),
        Metric("araz_messages_judged_total", "counter", "Messages judged since the start", [({}, station.messages)]),
        Metric("araz_messages_waiting", "gauge", "Messages that wait for the disk", [({}, station.waiting)]),
        Metric("araz_browsers", "gauge", "Browsers on the live stream", [({}, station.browsers)]),
        Metric("araz_records_waiting", "gauge", "Events that wait for the records", [({}, station.unstored)]),
        Metric("araz_disk_free_bytes", "gauge", "Free on the journal's disk", [({}, station.free_bytes)]),
    ]
    if station.is_paired is not None:
        text = "1 when the other node has all that counts and can take over"
        found.append(Metric("araz_paired", "gauge", text, [({}, float(station.is_paired))]))
    if station.clock_ahead_s is not None:
        text = "The station's clock minus the machine's, where that was set or jumped"
        found.append(Metric("araz_clock_ahead_seconds", "gauge", text, [({}, station.clock_ahead_s)]))
    waiting = Counter(str(alarm.priority) for alarm in records.alarms() if alarm.state in OPEN)
    rejected = [({"feed": one.source, "reason": one.reason}, float(one.total)) for one in records.reject_counts()]
    found += [
        Metric("araz_alarms_open", "gauge", "Alarms not yet rejected or cleared", [
            ({"priority": key}, float(waiting.get(key, 0))) for key in ("1", "2", "3")
        ]),
        Metric("araz_rejected_total", "counter", "Input that could not be used", rejected),
    ]  # fmt: skip
    return found if station.believed is None else found + _of_state(station.believed)


def _of_state(state: pipeline.PipelineState) -> list[Metric]:
    health = sorted(state.health_now.items())
    heard = [({"sensor": name}, one.last_heard_us / 1e6) for name, one in health if one.last_heard_us is not None]
    return [
        Metric("araz_tracks", "gauge", "Confirmed tracks", [({}, len(state.tracking.confirmed_number))]),
        Metric("araz_data_time_seconds", "gauge", "Time of the newest message, UTC", [({}, state.now_us / 1e6)]),
        Metric("araz_sensor_ok", "gauge", "1 when a sensor is alive and believed", [
            ({"sensor": name}, float(one.state == SensorState.OK)) for name, one in health
        ]),
        Metric("araz_sensor_observations_total", "counter", "Observations of a sensor", [
            ({"sensor": name}, float(one.observations)) for name, one in health
        ]),
        Metric("araz_sensor_heard_seconds", "gauge", "When a sensor was last heard, UTC", heard),
    ]  # fmt: skip


def is_ready(station: Station) -> bool:
    """Whether messages are taken and there is a site to judge them by."""
    return station.trouble is None and station.believed is not None


def exposition(found: Iterable[Metric]) -> str:
    """The text format 0.0.4: a family's HELP and TYPE, then one line a figure."""
    lines: list[str] = []
    for metric in found:
        lines += [f"# HELP {metric.name} {_escaped(metric.text)}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.figures:
            pairs = ",".join(f'{name}="{_escaped(text, quote=True)}"' for name, text in labels.items())
            lines.append(f"{metric.name}{{{pairs}}} {value!r}" if pairs else f"{metric.name} {value!r}")
    return "\n".join(lines) + "\n"


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text


def free_bytes(folder: Path) -> int:
    """Free on the disk of a folder."""
    return shutil.disk_usage(folder).free


def metrics_handlers(station: Callable[[], Station], records: Records) -> list[Any]:
    """The paths ``GET /readyz`` and ``GET /metrics``; ``/healthz`` is the console's own."""

    @get("/readyz", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
    def readyz() -> Response[str]:
        # The reason stays in the log and the figures: this path is open to everybody who reaches the port.
        ready = is_ready(station())
        return Response("ready\n" if ready else "not ready\n", status_code=200 if ready else 503)

    @get("/metrics", include_in_schema=False, sync_to_thread=True)
    def get_metrics() -> Response[bytes]:
        return Response(exposition(metrics(station(), records)).encode(), media_type=CONTENT_TYPE)

    return [readyz, get_metrics]
