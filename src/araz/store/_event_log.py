"""The event log: one JSON object a line, the same bytes for the same events."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from araz.store._closing import Closing
from araz.vocabulary import Event


class EventLog(Closing):
    """Writes ``events.jsonl``: fields in the order of their type, keys of tables sorted, one line an event.

    An existing file is written anew, because the log follows from the journal; ``append=True`` goes on after it.
    """

    def __init__(self, path: Path | str, *, append: bool = False) -> None:
        self._file = Path(path).open("ab" if append else "wb")  # noqa: SIM115 - closed by close()
        self._encoder = msgspec.json.Encoder(order="deterministic")

    def write(self, events: Iterable[Event]) -> None:
        """Add events, in order; the bytes reach the disk when the system likes, at the latest on close."""
        self._file.write(b"".join(self._encoder.encode(event) + b"\n" for event in events))

    def flush(self) -> None:
        """Hand what was written to the operating system, for readers of the file."""
        self._file.flush()

    def close(self) -> None:
        """Write the rest and close; closing twice does nothing."""
        self._file.close()
