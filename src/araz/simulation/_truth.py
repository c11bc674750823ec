"""What really happened: records of the night that no tracker may read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from araz.vocabulary import CLASS_NAMES, TrackClass


class Truth(msgspec.Struct, frozen=True, kw_only=True, tag="truth"):
    """One thing at one second (birds: every five). Degrees WGS 84, metres above the ellipsoid and above ground."""

    at_us: int
    actor_id: str
    class_name: str = msgspec.field(name="class")
    latitude_deg: float
    longitude_deg: float
    altitude_hae_m: float
    height_agl_m: float
    speed_mps: float
    airborne: bool
    detectable: bool = False
    """Some radar has at least an even chance to see it in this scan: in range, in its beam, not behind terrain."""
    is_threat: bool = False
    inside: bool = False
    """On our side of the line."""


class TruthEvent(msgspec.Struct, frozen=True, kw_only=True, tag="truth-event"):
    """Something that happened.

    ========================  =================================================================================
    kind                      meaning
    ========================  =================================================================================
    launch, landing           an aircraft leaves or ends its flight
    detectable                the first moment some radar has at least an even chance to see it
    crossing-in, crossing-out it passes the line, to our side or away from it
    drop                      a load: place where it met the ground, time of the release
    false-identity            ``claim`` is a lie from here on; honest-identity: it is true
    sensor-silent, …          a fault begins (the names of the scenario's faults)
    heard, seen, …            a person pressed a button
    ========================  =================================================================================
    """

    kind: str
    at_us: int
    actor_id: str | None = None
    sensor_id: str | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    altitude_hae_m: float | None = None
    load_kg: float | None = None
    release_latitude_deg: float | None = None
    release_longitude_deg: float | None = None
    claim: str | None = None
    """``kind:identity`` as tracks carry it."""
    class_name: str | None = msgspec.field(name="class", default=None)
    drone_class: str | None = None
    is_threat: bool = False


TruthRecord = Truth | TruthEvent

DRONES: Final = frozenset({CLASS_NAMES[TrackClass.MULTIROTOR], CLASS_NAMES[TrackClass.FIXED_WING_DRONE]})

_DECODER: Final = msgspec.json.Decoder(TruthRecord)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def encode_truth(record: TruthRecord) -> bytes:
    """Return one line of ``truth.jsonl``, without its end."""
    return _ENCODER.encode(record)


def read_truth(lines: Iterable[bytes | str]) -> list[TruthRecord]:
    """Return the records of ``truth.jsonl``; ValueError names the line that is no truth record."""
    records: list[TruthRecord] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append(_DECODER.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            raise ValueError(f"Line {number} is no truth record: {cause}. araz simulate writes this file.") from cause
    return records
