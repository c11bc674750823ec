"""A writer of records that outlives its database: what cannot be stored waits, and the night goes on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy.exc import DBAPIError

from araz.store._records import Records
from araz.vocabulary import Event, Picture

log = logging.getLogger("araz")

MOST_WAITING: Final = 100_000
"""Events that wait at most (some 200 MB); beyond, pictures go: the next start derives them from the journal again."""


class PatientWriter:
    """Stores events in order, once each; a batch is one transaction, so a failed one left nothing behind."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: list[Event] = []
        self._has_said = False

    @property
    def waiting(self) -> int:
        """Events that the database has not taken yet."""
        return len(self._waiting)

    def write(self, events: Sequence[Event]) -> None:
        """Store what waits and ``events``; while the database is gone, keep them and say so once."""
        self._waiting.extend(events)
        if not self._waiting:
            return
        try:
            self._records.write(self._waiting)
        except DBAPIError as error:
            if not self._has_said:
                cause = str(error.orig).splitlines()[0]
                log.error("the records cannot be written: %s; the journal goes on, and nothing in it is lost. Mend the "
                          "database: what waits is stored when it is back", cause)  # fmt: skip
                self._has_said = True
            if len(self._waiting) > MOST_WAITING:
                kept = [event for event in self._waiting if not isinstance(event, Picture)]
                self._waiting = list[Event](kept[-MOST_WAITING:])
                log.error("too much waits for the records: start again when they are mended, to derive all of them")
            return
        if self._has_said:
            log.warning("the records are written again, %d that waited among them", len(self._waiting))
            self._has_said = False
        self._waiting = []
