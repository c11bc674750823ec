"""A writer of records that outlives its database: what cannot be stored waits, and the night goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from sqlalchemy.exc import DBAPIError

from araz.store._records import Records
from araz.vocabulary import Event, Picture

log = logging.getLogger("araz")

MOST_WAITING: Final = 100_000
"""Events that wait at most (some 200 MB); beyond, pictures go: the next start derives them from the journal again."""

SLOW_S: Final = 1.0
"""A try that failed after so long is not made again with the next batch: the night would stand still for it."""
PAUSE: Final = 10.0
"""But after so many times as long."""


class PatientWriter:
    """Stores events in order, once each; a batch is one transaction, so a failed one left nothing behind."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: list[Event] = []
        self._has_said = False
        self._not_before_s = 0.0

    @property
    def waiting(self) -> int:
        """Events that the database has not taken yet."""
        return len(self._waiting)

    def write(self, events: Sequence[Event]) -> None:
        """Store what waits and ``events``; while the database is gone, keep them and say so once."""
        self._waiting.extend(events)
        if not self._waiting:
            return
        begun_s = time.monotonic()
        if begun_s < self._not_before_s:
            self._make_room()
            return
        try:
            self._records.write(self._waiting)
        except DBAPIError as error:
            took_s = time.monotonic() - begun_s
            self._not_before_s = begun_s + PAUSE * took_s if took_s > SLOW_S else 0.0
            if not self._has_said:
                cause = str(error.orig).splitlines()[0]
                log.error("the records cannot be written: %s; the journal goes on, and nothing in it is lost. Mend the "
                          "database: what waits is stored when it is back", cause)  # fmt: skip
                self._has_said = True
            self._make_room()
            return
        if self._has_said:
            log.warning("the records are written again, %d that waited among them", len(self._waiting))
            self._has_said = False
        self._waiting = []

    def _make_room(self) -> None:
        if len(self._waiting) > MOST_WAITING:
            kept = [event for event in self._waiting if not isinstance(event, Picture)]
            self._waiting = list[Event](kept[-MOST_WAITING:])
            log.error("too much waits for the records: start again when they are mended, to derive all of them")
