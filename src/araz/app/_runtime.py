"""Journal first, then act: the part that joins the pure pipeline to the disk.

Every batch is written and synced before its first message is looked at. After a crash the journal is read from its
start and the pipeline arrives at the same state; what the database had not yet stored is derived again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from araz.app import _pipeline as pipeline
from araz.app._aside import OFFICE_SOURCES
from araz.app._config import SITE_SOURCE
from araz.app._data import DERIVED, EVENTS, RECORDS
from araz.app._keys import head_signer, write_key
from araz.app._office import Office
from araz.app._software import note_judge, software
from araz.app._views import Views
from araz.evidence import canonical_json
from araz.store import EventLog, HeadLog, Journal, PatientWriter, Records, read_journal, url_file
from araz.tracking import keep_memory
from araz.vocabulary import SOFTWARE_SOURCE, Event, Message

log = logging.getLogger("araz")

_T = TypeVar("_T")
#: One arrival: when, from which feed, the bytes.
Arrival = tuple[int, str, bytes]
#: Messages a batch holds when there is no hurry: one disk sync each.
BATCH = 2048


def arrivals_of(journal: Path) -> Iterator[Arrival]:
    """Yield what a journal holds as if it arrived again, the site included."""
    return ((message.received_at_us, message.source, message.payload) for message in read_journal(journal))


def judge(messages: Iterable[Message]) -> Iterator[list[Event]]:
    """Yield the events of each message of a journal, judged from its first."""
    keep_memory()
    state = pipeline.init()
    for message in messages:
        state, events = pipeline.step(state, message)
        yield events


def judge_into(journal: Path, out: Path) -> None:
    """Judge a journal again and write its events, one JSON record a line, to ``out``."""
    with EventLog(out) as log:
        for events in judge(read_journal(journal)):
            log.write(events)


def keep_records_at(out: Path, url: str) -> None:
    """Note that a night's records are kept in this PostgreSQL: its owner's alone, for the address holds a password."""
    place = url_file(out / RECORDS)
    place.unlink(missing_ok=True)
    write_key(place, url.encode())


def forget_derived(out: Path) -> list[str]:
    """Remove what follows from a night's journal again, wherever it is kept; returns what it was.

    ValueError when its PostgreSQL does not take it; all else is removed then.
    """
    removed = [name for name in DERIVED if (out / name).exists()]
    for name in removed:
        place = out / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    setting = url_file(out / RECORDS)
    if setting.is_file():
        try:
            with Records.open(out / RECORDS) as records:
                records.clear()
        except DBAPIError as error:
            raise ValueError(
                f"the records that {setting} names are not removed: {str(error.orig).splitlines()[0]}; run the same "
                "command again when the database answers"
            ) from None
        removed.append("the records in PostgreSQL")
    return removed


class Night:
    """One running night: journal, pipeline state, and the records derived from them."""

    def __init__(
        self,
        out: Path,
        *,
        log_events: bool = True,
        listeners: Sequence[Callable[[Sequence[Event]], None]] = (),
        services: Sequence[str] = (),
    ) -> None:
        keep_memory()
        out.mkdir(parents=True, exist_ok=True)
        self.out = out
        self.journal = Journal.open(out / "night.journal")
        self.heads = HeadLog(self.journal.path, head_signer(out))
        self.state = pipeline.init()
        self.messages = 0
        self._is_noted = self._is_judged = False
        """Whether this process told the journal, and the folder of the records, by which software it judges."""
        self._log = EventLog(out / EVENTS) if log_events else None
        self._records = Records.open(out / RECORDS)
        self._writer = PatientWriter(self._records)
        self._listeners = list(listeners)
        self.views = Views(out, services)
        self.office = Office(out)
        self.confirm: Callable[[int], None] = lambda next_seq: None
        """Waits until the entries before a number count: in a pair of nodes, until the other one has them too."""

    @property
    def believed(self) -> pipeline.PipelineState:
        """What is believed now; ValueError before the first site message."""
        if self.state is None:
            raise ValueError("the night has no site yet; give it one with set_site")
        return self.state

    @property
    def records(self) -> Records:
        """The database of what was said."""
        return self._records

    @property
    def unstored(self) -> int:
        """Events that wait for a database that is gone."""
        return self._writer.waiting

    def listen(self, listener: Callable[[Sequence[Event]], None]) -> None:
        """Hand every later batch of events to ``listener`` too, in the thread that judges."""
        self._listeners.append(listener)

    def resume(self) -> int:
        """Read the journal from its start and arrive where it ends; returns the number of messages."""
        self._records.clear()
        count = 0
        for batch in in_batches(read_journal(self.out / "night.journal"), BATCH):
            self._act(batch)
            count += len(batch)
        return count

    def set_site(self, bundle: bytes, at_us: int) -> None:
        """Put the site at the head of the journal, or a new one after a change; the same again says nothing."""
        if self.state is None or self.bundle != bundle:
            self.take([(at_us, SITE_SOURCE, bundle)])

    bundle: bytes | None = None
    """The site in force, as its message says it."""

    def take(self, arrivals: Sequence[Arrival]) -> list[Message]:
        """Journal a batch, then act on it; returns the messages once they are safe and acted on.

        The first batch of a process carries by which software it judges: before all else, but after a site.
        """
        if not arrivals:
            return []
        place = int(arrivals[0][1] == SITE_SOURCE)
        own = [] if self._is_noted else [(arrivals[0][0], SOFTWARE_SOURCE, canonical_json(software()))]
        messages = self.journal.append([*arrivals[:place], *own, *arrivals[place:]])
        self._is_noted = True
        self.confirm(self.journal.next_seq)
        self.act(messages)
        return [*messages[:place], *messages[place + len(own) :]]

    def act(self, messages: Sequence[Message]) -> None:
        """Act on what is in the journal, and safe there.

        A head that cannot be written is logged: the messages were taken, and the next head covers them too.
        """
        self._act(messages)
        try:
            if messages:
                self.heads.note(messages[-1].received_at_us)
        except OSError as error:
            log.error("no head of the journal was written: %s; it is tried again in a minute", error)

    def _act(self, messages: Sequence[Message]) -> None:
        events: list[Event] = []
        for message in messages:
            if message.source == SITE_SOURCE:
                self.bundle = message.payload
            elif message.source in OFFICE_SOURCES:
                self.office.act(message)
            self.state, said = pipeline.step(self.state, message)
            events.extend(said)
            self.views.act(message, said)
        self.messages += len(messages)
        if self._log is not None:
            self._log.write(events)
        self._writer.write(events)
        self.views.write()
        self._is_judged = self._is_judged or note_judge(self.out)
        for listen in self._listeners:
            listen(events)

    def close(self) -> None:
        """Close journal, event log and records."""
        self.journal.close()
        if self._log is not None:
            self._log.close()
        self._records.close()
        self.views.close()


def in_batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Split any iterable into lists of at most ``size``."""
    batch: list[_T] = []
    for item in items:
        batch.append(item)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
