"""What each service sees of a night: the same pipeline over the messages that are open to it, and what it is told.

    journal ─▶ only what the site file opens to the service ─▶ pipeline ─▶ records, live stream, outputs of its own

Nothing is blurred after the fact: what a closed source said never enters, so no figure that leaves can depend on where
that source stands. Beside it stands one yes or no for each published area and window (araz.disclosure), and what two
persons of the owning service released.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, site_from_bundle
from araz.app._data import RECORDS, VIEWS
from araz.app._posts import source_of
from araz.disclosure import (
    Releases,
    Rules,
    Shield,
    VeilState,
    closed_owners,
    is_released,
    next_end_us,
    open_site,
    release_step,
    released_alarm,
    released_track,
    rules_of,
    sees_all,
    shield_keeps,
    shield_moved,
    veil_note,
    withheld_at,
)
from araz.store import Journal, PatientWriter, Records, read_journal
from araz.vocabulary import (
    Alarm,
    AlarmState,
    Event,
    Incident,
    Message,
    Picture,
    Release,
    ReleaseScope,
    ReportReceived,
    Site,
    phrase,
)

#: Araz's own words that everybody may hear: the time, and the weather.
OPEN_WORDS: Final = frozenset({pipeline.TICK_SOURCE, pipeline.WEATHER_SOURCE})
#: Alarms of the whole night that can still be released.
KEPT_ALARMS: Final = 4096


class Whole:
    """What the views share of the whole night: its site, its newest alarms, its last picture, the releases."""

    def __init__(self) -> None:
        self.site: Site | None = None
        self.releases = Releases()
        self.alarms: dict[str, Alarm] = {}
        self.sensors: dict[str, list[str]] = {}
        """Who saw the track of each alarm, so far."""
        self.partial: frozenset[str] = frozenset()
        """The services that see a part: to them something can be released."""
        self.picture: Picture | None = None

    def act(self, message: Message, said: Sequence[Event]) -> None:
        """Follow the night."""
        if message.source == pipeline.RELEASE_SOURCE:
            try:
                self.releases = release_step(self.releases, msgspec.json.decode(message.payload, type=Release))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return  # nobody's step: it releases nothing
        for event in said:
            if isinstance(event, Picture):
                self.picture = event
                seen = {track.track_id: track.sensors for track in event.tracks}
                for alarm in self.alarms.values():
                    if alarm.track_id in seen:
                        self.sensors[alarm.alarm_id] = seen[alarm.track_id]
            elif isinstance(event, Alarm):
                self.alarms.pop(event.alarm_id, None)
                self.alarms[event.alarm_id] = event
        while len(self.alarms) > KEPT_ALARMS:
            self.sensors.pop(next(iter(self.alarms)), None)
            self.alarms.pop(next(iter(self.alarms)))

    def case_owners(self, service: str) -> frozenset[str]:
        """The services that must release a case, which holds every source of the site."""
        if self.site is None:
            return frozenset()
        hidden = {owner for owner, _ in rules_of(self.site, service).hidden.values()}
        return closed_owners(self.site, service, [sensor.id for sensor in self.site.sensors]) | hidden

    def owners(self, alarm: Alarm, service: str, scope: ReleaseScope = ReleaseScope.PICTURE) -> frozenset[str]:
        """The services that must release an alarm before another may see it; all where nobody knows who saw it."""
        if scope is ReleaseScope.CASE or self.site is None or alarm.alarm_id not in self.sensors:
            return self.case_owners(service)
        hidden = {owner for owner, _ in rules_of(self.site, service).hidden.values()}
        return closed_owners(self.site, service, self.sensors[alarm.alarm_id]) | hidden


class View:
    """One service's night."""

    def __init__(self, service: str, out: Path) -> None:
        self.service = service
        self.out = out / VIEWS / slug(service)
        self.records = Records.open(self.out / RECORDS)
        self.records.clear()  # all of it is derived from the journal again
        self._writer = PatientWriter(self.records)
        self.listeners: list[Callable[[Sequence[Event]], None]] = []
        self._state: pipeline.PipelineState | None = None
        self._rules: Rules | None = None
        self._open: frozenset[str] = frozenset()
        self._shield, self._veil = Shield(), VeilState()
        self._released: dict[str, Alarm] = {}
        self._end_us: int | None = None
        self._messages = 0
        self._said: list[Event] = []

    @property
    def believed(self) -> pipeline.PipelineState:
        """What the service's own pipeline believes; ValueError before the first site message."""
        if self._state is None:
            raise ValueError("the night has no site yet")
        return self._state

    def act(self, message: Message, said: Sequence[Event], whole: Whole) -> list[Event]:
        """Take a message of the night and what the whole night made of it; return what the service is told."""
        events: list[Event] = []
        if message.source == SITE_SOURCE and whole.site is not None:
            self._state = pipeline.configured(
                message.received_at_us, message.payload, lambda site: open_site(site, self.service)
            )
            self._rules, self._open = rules_of(whole.site, self.service), frozenset(self._state.line.feeds)
            self._shield, self._veil = Shield(), VeilState()
        if self._state is None or self._rules is None:
            return []
        if message.source in OPEN_WORDS or source_of(message).partition("#")[0] in self._open:
            self._messages += 1
            # Numbered anew: gaps would tell how many messages the closed sources sent, and when.
            own = msgspec.structs.replace(message, seq=self._messages)
            self._state, events = pipeline.step(self._state, own)
        for event in said:
            if isinstance(event, Picture):
                self._veil = veil_note(self._veil, self._rules, event, None)
        events = self._shielded(events, whole)
        is_over = self._end_us is not None and message.received_at_us >= self._end_us
        if is_over or message.source == pipeline.RELEASE_SOURCE or any(isinstance(event, Alarm) for event in said):
            events.extend(self._news_of_released(whole, message.received_at_us))
            self._end_us = next_end_us(whole.releases, self.service, message.received_at_us)
        self._said.extend(events)
        return events

    def _shielded(self, events: Sequence[Event], whole: Whole) -> list[Event]:
        """Without what lies in a hidden place; pictures with what is withheld, in words."""
        assert self._rules is not None
        if self._rules.hidden and any(isinstance(event, Alarm | Incident | ReportReceived) for event in events):
            self._shield, _ = shield_moved(self._rules, pipeline.picture(self.believed))
        kept: list[Event] = []
        for event in events:
            if isinstance(event, Picture):
                self._veil = veil_note(self._veil, self._rules, None, event)
                self._shield, shown = shield_moved(self._rules, event)
                kept.append(self._told(shown, whole))
            elif shield_keeps(self._shield, self._rules, event):
                kept.append(event)
        return kept

    def picture(self, whole: Whole) -> Picture:
        """The service's picture now."""
        assert self._rules is not None
        # Asked by the thread that shows while another one judges: it notes nothing.
        return self._told(shield_moved(self._rules, pipeline.picture(self.believed))[1], whole)

    def _told(self, shown: Picture, whole: Whole) -> Picture:
        assert self._rules is not None
        names = {alarm.track_id for alarm in self._released.values() if alarm.state != AlarmState.CLEARED}
        seen = [] if whole.picture is None else [t for t in whole.picture.tracks if t.track_id in names]
        return replace(
            shown,
            tracks=[*shown.tracks, *map(released_track, seen)],
            withheld=withheld_at(self._veil, self._rules, shown.at_us),
        )

    def _news_of_released(self, whole: Whole, at_us: int) -> list[Event]:
        """What changed of the alarms that were released, or whose release was taken back."""
        news: list[Event] = []
        steps = [one.asked for one in whole.releases.by_id.values()]
        asked = {step.alarm_id: step.service for step in steps if step.to_service == self.service}
        for alarm_id, owner in asked.items():
            alarm, before = whole.alarms.get(alarm_id), self._released.get(alarm_id)
            if alarm is None:
                continue
            owners = whole.owners(alarm, self.service) or frozenset({owner})
            if is_released(whole.releases, alarm_id, self.service, owners, ReleaseScope.PICTURE, at_us):
                if alarm != before:
                    self._released[alarm_id] = alarm
                    news.append(released_alarm(alarm, owner))
            elif before is not None:
                del self._released[alarm_id]
                words = phrase("event.taken-back", owner=owner, alarm=alarm_id)
                ended = replace(released_alarm(before, owner), revision=before.revision + 1, changed_at_us=at_us)
                news.append(
                    replace(ended, state=AlarmState.CLEARED, areas=[], options=[], sentence=str(words), said=words.said)
                )
        return news

    def write(self) -> None:
        """Store and tell what was said since the last time."""
        said, self._said = self._said, []
        self._writer.write(said)
        for listen in self.listeners:
            listen(said)


class Views:
    """The views of a night, one for each service that may see a part of it; who may see nothing has none."""

    def __init__(self, out: Path, services: Sequence[str] = ()) -> None:
        self._out = out
        self._services = sorted(set(services))
        self._views: dict[str, View] = {}
        self._partial: set[str] = set()
        self.whole = Whole()

    def of(self, service: str) -> View | None:
        """The view of a service; None for one that sees all, or nothing."""
        return self._views.get(service) if service in self._partial else None

    def all(self) -> list[View]:
        """The views that are needed by the site as it is."""
        return [view for name, view in self._views.items() if name in self._partial]

    def act(self, message: Message, said: Sequence[Event]) -> None:
        """Take a message of the night and what the whole night made of it."""
        if not self._services:
            return
        if message.source == SITE_SOURCE:
            site = self.whole.site = site_from_bundle(message.payload)[0]
            self._partial = {n for n in self._services if not sees_all(site, n) and open_site(site, n).sensors}
            for name in sorted(self._partial - set(self._views)):
                self._views[name] = View(name, self._out)
            self.whole.partial = frozenset(self._partial)
        self.whole.act(message, said)
        for view in self.all():
            view.act(message, said, self.whole)

    def write(self) -> None:
        """Store and tell what was said since the last time."""
        for view in self._views.values():
            view.write()

    def close(self) -> None:
        """Close the records."""
        for view in self._views.values():
            view.records.close()


def view_of_journal(journal: Path, service: str, out: Path) -> Path | None:
    """Judge a journal as a service may see it, into a folder below ``out``; None where the service sees all.

    The folder gets a journal of the site alone, for where the ground is; nobody but the exporter reads it.
    """
    if not journal.exists():
        raise ValueError(f"{journal} is missing: what a service may see is computed from the journal")
    site = releases_of(journal).site
    if site is not None and sees_all(site, service):
        return None
    if site is not None and not open_site(site, service).sensors:
        raise ValueError(f"nothing of this night is open to {service!r}; see shown_to in docs/disclosure.md")
    views, state = Views(out, [service]), pipeline.init()
    try:
        for message in read_journal(journal):
            state, said = pipeline.step(state, message)
            views.act(message, said)
            if message.source == SITE_SOURCE:
                site_message = message
        views.write()
        view = views.of(service)
        if view is None:
            return None
        with Journal.open(view.out / "night.journal") as book:
            book.append([(site_message.received_at_us, SITE_SOURCE, site_message.payload)])
        return view.out
    finally:
        views.close()


def releases_of(journal: Path) -> Whole:
    """The last site and all releases of a journal."""
    whole = Whole()
    for message in read_journal(journal):
        if message.source == SITE_SOURCE:
            whole.site = site_from_bundle(message.payload)[0]
        whole.act(message, [])
    return whole


def slug(service: str) -> str:
    """A folder's name for a service: readable, and of this service alone."""
    words = re.sub(r"[^a-z0-9]+", "-", service.lower()).strip("-")[:32]
    return f"{words or 'service'}-{hashlib.sha256(service.encode()).hexdigest()[:8]}"
