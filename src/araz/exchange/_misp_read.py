"""MISP events, read: drones that named themselves elsewhere, from objects ``drone-rid-observation`` and ``uav``.

An event is taken as MISP exports it, ``{"Event": …}`` or ``{"response": [{"Event": …}, …]}``, as pymisp writes it, the
event alone, and as a list of any of these. Of an observation only what says *which, when, where* is kept; whatever says
where its operator stood is a person's and is not read. An object that cannot be used is a counted ``Rejected``, the
others stand; objects of other templates, deleted ones and deleted attributes are passed over. Heights above the sea
only where the object says so; speeds m/s, angles degrees. **Source** MISP core format 2.5, templates as in
``araz.exchange._misp``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from araz.vocabulary import LATEST_TIME_US, RAW_KEPT_BYTES, Rejected

_NAMES: Final = ("drone-rid-observation", "uav")
#: Deeper or larger than any event that people share.
MOST_OBJECTS: Final = 200_000


class SharedSighting(NamedTuple):
    """One observation as another organisation tells it; None is what it does not say."""

    event: str
    """What that event says of itself."""
    identity: str
    """Serial number, or the session's."""
    is_serial: bool
    at_us: int
    latitude_deg: float | None
    longitude_deg: float | None
    altitude_amsl_m: float | None
    speed_mps: float | None
    course_deg: float | None
    confidence: float | None
    """Of 0 to 100; 0 where they hold it for a spoof."""
    comment: str


class SharedDrone(NamedTuple):
    """One aircraft as another organisation tells it."""

    event: str
    serial: str
    maker: str
    model: str
    first_us: int | None
    last_us: int | None
    notes: str


class SharedDrones(NamedTuple):
    """What a file says."""

    sightings: list[SharedSighting]
    drones: list[SharedDrone]
    rejected: list[Rejected]
    others: int
    """Objects of other templates."""


def read_misp(data: bytes, *, source: str, received_at_us: int) -> SharedDrones:
    """Read a file of MISP events; ValueError where it is none."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{source} is no JSON: {error}") from None
    told = SharedDrones([], [], [], 0)
    events = list(_events(found))
    if not events:
        raise ValueError(f'{source} holds no MISP event; export one as JSON ("Event", or "response" with events)')
    others, number = 0, 0
    for event in events:
        info = _text(event.get("info"))
        for item in event.get("Object") or [] if isinstance(event.get("Object"), list) else []:
            number += 1
            if not isinstance(item, dict) or item.get("name") not in _NAMES or item.get("deleted") is True:
                others += 1
                continue
            try:
                values = _values(item)
                if item["name"] == "uav":
                    told.drones.append(_drone(info, values))
                else:
                    told.sightings.append(_sighting(info, values))
            except ValueError as error:
                raw = msgspec.json.encode(item)[:RAW_KEPT_BYTES]
                told.rejected.append(Rejected(
                    source=source, received_at_us=received_at_us, message_seq=number, reason="misp-object",
                    detail=f"object {number} ({item['name']}): {error}", raw=raw,
                ))  # fmt: skip
    return told._replace(others=others)


def _events(found: Any) -> Iterator[dict[str, Any]]:
    """The events of a document, whichever of MISP's wraps it has."""
    waiting, left = [found], MOST_OBJECTS
    while waiting and left:
        item, left = waiting.pop(), left - 1
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict) and isinstance(item.get("Event"), dict):
            yield item["Event"]
        elif isinstance(item, dict) and isinstance(item.get("response"), list):
            waiting.append(item["response"])
        elif isinstance(item, dict) and isinstance(item.get("Object"), list):
            yield item


def _values(item: dict[str, Any]) -> dict[str, str]:
    """The object's relations that are not deleted, the first of each."""
    values: dict[str, str] = {}
    for attribute in item.get("Attribute") or []:
        if not isinstance(attribute, dict) or attribute.get("deleted") is True:
            continue
        relation, value = attribute.get("object_relation"), attribute.get("value")
        if isinstance(relation, str) and isinstance(value, str | int | float) and not relation.startswith("operator"):
            values.setdefault(relation, str(value))
    return values


def _sighting(event: str, values: dict[str, str]) -> SharedSighting:
    serial, session = values.get("uas-id", "").strip(), values.get("session-id", "").strip()
    if not serial and not session:
        raise ValueError("it names no uas-id and no session-id")
    at_us = _moment(values, "observation-time")
    if at_us is None:
        raise ValueError("it has no observation-time")
    latitude, longitude = _number(values, "latitude", -90, 90), _number(values, "longitude", -180, 180)
    is_amsl = values.get("height-reference") == "mean-sea-level"
    return SharedSighting(
        event, serial or session, bool(serial), at_us, latitude, longitude,
        _number(values, "altitude-m", -1000, 100_000) if is_amsl else None,
        _number(values, "speed-mps", 0, 1000), _number(values, "heading-deg", -360, 360),
        _number(values, "confidence", 0, 100), values.get("comment", ""),
    )  # fmt: skip


def _drone(event: str, values: dict[str, str]) -> SharedDrone:
    serial = values.get("serial-number", "").strip()
    if not serial:
        raise ValueError("it has no serial-number")
    return SharedDrone(
        event, serial, values.get("manufacturer", ""), values.get("model", ""), _moment(values, "first-seen"),
        _moment(values, "last-seen"), values.get("notes", ""),
    )  # fmt: skip


def _number(values: dict[str, str], name: str, least: float, most: float) -> float | None:
    if name not in values:
        return None
    try:
        number = float(values[name])
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise ValueError(f"{name} {values[name][:40]!r} is no number from {least} to {most}")
    return number


def _moment(values: dict[str, str], name: str) -> int | None:
    if name not in values:
        return None
    try:
        at = dt.datetime.fromisoformat(values[name].strip())
        at = at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)  # MISP tells UTC where it tells no zone
        at_us = round((at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1))
    except (ValueError, OverflowError):
        at_us = -1
    if not 0 <= at_us <= LATEST_TIME_US:
        raise ValueError(f"{name} {values[name][:40]!r} is no time of this age")
    return at_us


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
