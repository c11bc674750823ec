"""What a night came to, in a few lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from araz.vocabulary import Alarm, Event, Incident, Picture, Rejected, SensorHealth, SensorState


def clock_text(at_us: int, zone: str = "UTC") -> str:
    """Return the wall clock of a time at the site, for example ``22:14:05``."""
    try:
        return moment_text(at_us, zone, "%H:%M:%S")
    except (ZoneInfoNotFoundError, ValueError):
        return moment_text(at_us, "UTC", "%H:%M:%SZ")


def moment_text(at_us: int, zone: str, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return the day and the wall clock of a time in a zone."""
    return datetime.fromtimestamp(at_us / 1e6, ZoneInfo(zone)).strftime(form)


class Summary:
    """Counts of a night's events; a sink that keeps the latest revision of each alarm and nothing that grows."""

    def __init__(self) -> None:
        self.first_us: int | None = None
        self.last_us = 0
        self.most_tracks = 0
        self.rejects: Counter[tuple[str, str]] = Counter()
        self.incidents: Counter[str] = Counter()
        self.told: list[tuple[int, str]] = []
        self.alarms: dict[str, Alarm] = {}
        self.health: dict[str, SensorHealth] = {}

    def write(self, events: Sequence[Event]) -> None:
        """Take the events of one batch, in order."""
        for event in events:
            if isinstance(event, Picture):
                self.first_us = event.at_us if self.first_us is None else self.first_us
                self.last_us = event.at_us
                self.most_tracks = max(self.most_tracks, sum(track.is_confirmed for track in event.tracks))
            elif isinstance(event, Rejected):
                self.rejects[(event.source, event.reason)] += 1
            elif isinstance(event, Incident):
                self.incidents[event.kind.value] += 1
                if len(self.told) < 1000:
                    self.told.append((event.known_at_us, event.sentence or event.kind.value))
            elif isinstance(event, Alarm):
                self.alarms[event.alarm_id] = event
            elif isinstance(event, SensorHealth):
                self.health[event.sensor_id] = event

    def text(self, zone: str) -> str:
        """Return the summary: the story of the night, alarms, sensors, rejects."""
        first_us = self.last_us if self.first_us is None else self.first_us
        span_s = (self.last_us - first_us) / 1e6
        lines = [
            f"Night of {span_s / 3600:.1f} h, {clock_text(first_us, zone)} to {clock_text(self.last_us, zone)}; "
            f"at most {self.most_tracks} confirmed tracks at once.",
            "",
            "What happened:",
        ]
        lines += [f"  {clock_text(at_us, zone)}  {sentence}" for at_us, sentence in self.told[:60]] or ["  nothing"]
        lines += ["", "Alarms (latest revision):"]
        for alarm in self.alarms.values():
            when, state = clock_text(alarm.raised_at_us, zone), alarm.state.value
            lines.append(f"  {when}  P{alarm.priority} {alarm.alarm_id} [{state}] {alarm.sentence}")
            lines += [f"            {option.rank}. {option.sentence}" for option in alarm.options[:3]]
        if not self.alarms:
            lines.append("  none")
        unwell = [item for item in self.health.values() if item.state not in (SensorState.OK, SensorState.UNKNOWN)]
        lines += ["", "Sensors: " + ("all well" if not unwell else "; ".join(item.sentence for item in unwell))]
        if self.rejects:
            counted = ", ".join(
                f"{source} {reason} {count}" for (source, reason), count in sorted(self.rejects.items())
            )
            lines.append(f"Rejected input (kept and counted): {counted}")
        return "\n".join(lines)
