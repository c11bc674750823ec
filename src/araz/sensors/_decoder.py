"""What every wire format offers, and the pieces they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from araz.vocabulary import RAW_KEPT_BYTES, Decoded, Feed, Message, Rejected, Sensor


class Decoder(NamedTuple):
    """Two verbs: a state for a feed, and (state, message) to (state, what it said).

    ``step`` never raises on any bytes: what cannot be used comes back as ``Rejected``.
    """

    init: Callable[[Feed, Sequence[Sensor]], Any]
    step: Callable[[Any, Message], tuple[Any, list[Decoded]]]


def rejected(message: Message, reason: str, detail: str, raw: bytes | None = None) -> Rejected:
    """Return the counted record of unusable input: a slug to count, a sentence with the remedy, the bytes."""
    return Rejected(
        source=message.source,
        received_at_us=message.received_at_us,
        message_seq=message.seq,
        reason=reason,
        detail=detail[:500],
        raw=(message.payload if raw is None else raw)[:RAW_KEPT_BYTES],
    )


def sole_sensor(feed: Feed, sensors: Sequence[Sensor]) -> str:
    """Return the id of the feed's first sensor, or the feed's own id where the site file names none."""
    return next((sensor.id for sensor in sensors if sensor.feed == feed.id), feed.id)
