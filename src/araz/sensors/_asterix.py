"""ASTERIX: one UDP datagram of data blocks into observations, marks and reports.

A datagram is one or more data blocks; a block is its category (1 octet), its length (2 octets, itself included) and
records up to that length. Nothing in the bytes says which edition of a category they follow, so the site file does.

Categories 048 (radar plots), 034 (radar service messages), 015 (non-cooperative sensors) and 062 (system tracks).
Written here because the general library parses some 4,700 records a second, and a border site must take 2,000
observations a second beside everything else; that library (libasterix) and tshark judge this decoder in the tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from araz.sensors._asterix_015 import read_015
from araz.sensors._asterix_048 import read_048
from araz.sensors._asterix_062 import read_062
from araz.sensors._asterix_fields import Context
from araz.sensors._asterix_service import read_034
from araz.sensors._asterix_tables import EDITIONS, MalformedError, walk_record
from araz.sensors._decoder import rejected
from araz.vocabulary import Decoded, Feed, Message, Observation, Sensor

#: A datagram that comes again within this time, byte for byte, is a copy (radars send on several ports and lines).
DUPLICATE_WITHIN_US: Final = 2_000_000
_BUCKETS: Final = 64
#: Datagrams remembered in one bucket: 64 of these are more than ten thousand datagrams in two seconds.
_BUCKET_SIZE: Final = 256

_READERS: Final[Mapping[int, Callable[[bytes, dict[str, int], Context], Observation]]] = {
    15: read_015,
    48: read_048,
    62: read_062,
}
_KIND_TEXT: Final = {15: "radar", 34: "radar", 48: "radar", 62: "track-source"}


class AsterixState(NamedTuple):
    """What is kept per feed: who sends under which number, the last sector of each radar, datagrams seen of late."""

    feed_id: str
    sensor_of: Mapping[int, str]
    any_sensor: str | None
    takes_all: bool
    sectors_deg: Mapping[int, float]
    seen: tuple[tuple[tuple[bytes, int], ...], ...]


def asterix_init(feed: Feed, sensors: Sequence[Sensor]) -> AsterixState:
    """Return the state before the first datagram.

    Fails with ``ValueError`` for an edition whose lengths were not checked, a category that is not read, or a
    ``wire_id`` that is not ``SAC/SIC``. A category without an edition in the site file is read by the newest. Without
    any sensor (a file is only looked at) each source goes by its own ``SAC/SIC``.
    """
    for category, edition in feed.editions.items():
        _check_edition(feed.id, category, edition)
    own = [sensor for sensor in sensors if sensor.feed == feed.id]
    open_ids = [sensor.id for sensor in own if not sensor.wire_id]
    return AsterixState(
        feed_id=feed.id,
        sensor_of={_source_number(sensor): sensor.id for sensor in own if sensor.wire_id},
        any_sensor=open_ids[0] if len(open_ids) == len(own) == 1 else None,
        takes_all=not own,
        sectors_deg={},
        seen=((),) * _BUCKETS,
    )


def _check_edition(feed_id: str, category: str, edition: str) -> None:
    known = EDITIONS.get(int(category)) if category.isdecimal() else None
    if known is None:
        readable = ", ".join(f"{number:03d}" for number in EDITIONS)
        raise ValueError(f"Feed {feed_id}: ASTERIX category {category!r} is not read; remove it or use {readable}.")
    if edition not in known:
        raise ValueError(
            f"Feed {feed_id}: edition {edition!r} of ASTERIX category {category} is not supported; "
            f"use {', '.join(known)}."
        )


def _source_number(sensor: Sensor) -> int:
    area, _, system = sensor.wire_id.partition("/")
    if not (area.isdecimal() and system.isdecimal() and int(area) < 256 and int(system) < 256):
        raise ValueError(
            f"Sensor {sensor.id}: wire_id {sensor.wire_id!r} is not SAC/SIC, two numbers below 256, "
            "for example '25/201'."
        )
    return int(area) << 8 | int(system)


def asterix_step(state: AsterixState, message: Message) -> tuple[AsterixState, list[Decoded]]:
    """Return what one datagram says; each record gives at least one item, each unusable stretch one ``Rejected``."""
    state, is_copy = _remember(state, message)
    if is_copy:
        detail = "The same datagram came on this feed less than 2 s ago. Feed Araz from one port or line of the radar."
        return state, [rejected(message, "duplicate", detail)]
    data, at, said = message.payload, 0, list[Decoded]()
    if not data:
        return state, [rejected(message, "truncated", "An empty datagram.")]
    while at < len(data):
        length = int.from_bytes(data[at + 1 : at + 3], "big")
        if len(data) - at < 3 or length < 4:
            detail = f"At octet {at} no data block begins (category, length of 4 or more): the rest cannot be read."
            said.append(rejected(message, "truncated" if len(data) - at < 3 else "bad-length", detail, data[at:]))
            break
        end = at + length
        state = _read_block(state, message, data[at], at + 3, min(end, len(data)), said)
        if end > len(data):
            detail = (
                f"The block at octet {at} says {length} octets, {end - len(data)} are missing. Check the link's MTU."
            )
            said.append(rejected(message, "truncated", detail, data[at:]))
        at = end
    return state, said


def _read_block(
    state: AsterixState, message: Message, category: int, at: int, end: int, said: list[Decoded]
) -> AsterixState:
    """Append what the records from ``at`` to ``end`` say; after a record that cannot be walked the rest is lost."""
    data = message.payload
    if category not in EDITIONS:
        detail = f"ASTERIX category {category:03d} is not read (only {', '.join(f'{c:03d}' for c in EDITIONS)})."
        said.append(rejected(message, "unsupported-category", detail, data[at - 3 : end]))
        return state
    while at < end:
        try:
            items, next_at = walk_record(category, data, at, end)
        except MalformedError as problem:
            said.append(rejected(message, problem.reason, f"CAT{category:03d}: {problem}", data[at:end]))
            return state
        try:
            state = _read_record(state, message, category, items, said)
        except MalformedError as problem:
            said.append(rejected(message, problem.reason, f"CAT{category:03d}: {problem}", data[at:next_at]))
        at = next_at
    return state


def _read_record(
    state: AsterixState, message: Message, category: int, items: dict[str, int], said: list[Decoded]
) -> AsterixState:
    data = message.payload
    context = Context(_sensor(state, data, category, items), message.received_at_us, message.seq)
    reader = _READERS.get(category)
    if reader is not None:
        said.append(reader(data, items, context))
        return state
    source = int.from_bytes(data[items["010"] : items["010"] + 2], "big") if "010" in items else -1
    sector_before = state.sectors_deg.get(source)
    heard, sector_deg = read_034(data, items, context, sector_before)
    said.extend(heard)
    if sector_deg is None or sector_deg == sector_before:
        return state
    return state._replace(sectors_deg={**state.sectors_deg, source: sector_deg})


def _sensor(state: AsterixState, data: bytes, category: int, items: dict[str, int]) -> str:
    """Return the id of the sensor that sent a record; fails with ``MalformedError`` naming the line to add."""
    at = items.get("010")
    if at is not None:
        sensor_id = state.sensor_of.get((data[at] << 8) | data[at + 1], state.any_sensor)
        if sensor_id is not None:
            return sensor_id
        name = f"{data[at]}/{data[at + 1]}"
        if state.takes_all:
            return name
        raise MalformedError(
            "unknown-sensor",
            f'No sensor has SAC/SIC {name}. Add to the site file: [[sensors]] id = "asterix-{name.replace("/", "-")}", '
            f'kind = "{_KIND_TEXT[category]}", feed = "{state.feed_id}", wire_id = "{name}" and its place.',
        )
    if state.any_sensor is not None:
        return state.any_sensor
    raise MalformedError("no-source", "The record does not say who sent it (item 010 is missing).")


def _remember(state: AsterixState, message: Message) -> tuple[AsterixState, bool]:
    """Return (state that remembers the datagram, whether it is a copy of one not yet forgotten)."""
    digest = hashlib.blake2b(message.payload, digest_size=12).digest()
    index = digest[0] % _BUCKETS
    now = message.received_at_us
    bucket = state.seen[index]
    if any(seen == digest and abs(now - at_us) <= DUPLICATE_WITHIN_US for seen, at_us in bucket):
        return state, True
    kept = [entry for entry in bucket if abs(now - entry[1]) <= DUPLICATE_WITHIN_US][-_BUCKET_SIZE + 1 :]
    new = (*kept, (digest, now))
    return state._replace(seen=(*state.seen[:index], new, *state.seen[index + 1 :])), False
