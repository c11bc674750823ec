"""SAPIENT upward: Araz as one node of a larger fusion system (BSI Flex 335 v2.0, see ``araz.sensors``).

The node registers as a fusion node, reports its fused tracks as detections under one object id a track, its state
every five seconds, and its alarms as alerts. Tasks that come down are not obeyed: people decide here.
"""

from __future__ import annotations

import math
import zlib
from typing import Final

from araz.sensors import (
    encode_sapient_alert,
    encode_sapient_detection,
    encode_sapient_registration,
    encode_sapient_status,
    sapient_ulid,
)
from araz.vocabulary import Alarm, Position, SensorState, Track

_ALERT: Final = {1: 3, 2: 2, 3: 1}
_CLASSES: Final = {
    "multirotor": ("Air Vehicle", "UAV Rotary Wing"),
    "fixed-wing drone": ("Air Vehicle", "UAV Fixed Wing"),
    "manned aircraft": ("Air Vehicle", "Manned Fixed Wing"),
    "balloon": ("Air Vehicle", "Lighter than Air"),
    "bird": ("Animal", "Bird"),
}
#: From the 95 % ellipse's longer half axis to one sigma.
_SIGMA_OF_95: Final = 1.0 / math.sqrt(5.991)


def sapient_hello(node_id: str, at_us: int, site: str) -> bytes:
    """The registration that opens every connection."""
    return encode_sapient_registration(node_id, at_us, name=f"Araz {site}", node_type="fusion node", model="fusion")


def sapient_status(node_id: str, at_us: int, state: SensorState, number: int) -> bytes:
    """The node's own state."""
    return encode_sapient_status(node_id, at_us, state=state, number=number)


def sapient_track(node_id: str, track: Track, at_us: int, number: int) -> bytes:
    """One fused track as a detection: WGS 84, height above the ellipsoid or none, errors as one sigma."""
    key = zlib.crc32(track.track_id.encode())
    names = _CLASSES.get(track.class_name, ("Air Vehicle",))
    return encode_sapient_detection(
        node_id,
        at_us,
        sapient_ulid(track.started_at_us, key),
        Position(
            latitude_deg=track.latitude_deg,
            longitude_deg=track.longitude_deg,
            altitude_hae_m=track.altitude_hae_m if math.isfinite(track.altitude_hae_m) else None,
            speed_mps=track.speed_mps,
            course_deg=track.course_deg,
            climb_mps=track.climb_mps,
            horizontal_sigma_m=_SIGMA_OF_95 * track.ellipse_semi_major_m,
            vertical_sigma_m=track.altitude_sigma_m,
        ),
        classes=tuple((name, round(track.class_probability, 3)) for name in names),
        confidence=round(track.existence, 3),
        number=number,
    )


def sapient_alarm(node_id: str, alarm: Alarm, number: int) -> bytes:
    """One revision of an alarm; priority 1 is critical, 2 a warning, 3 information."""
    return encode_sapient_alert(
        node_id, alarm.changed_at_us, alarm.sentence, alert_type=_ALERT.get(alarm.priority, 2), number=number
    )
