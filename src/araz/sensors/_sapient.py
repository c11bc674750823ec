"""SAPIENT (BSI Flex 335 v2.0): a TCP stream of framed protobuf messages into observations and reports.

A frame is its length (4 octets, **little-endian**, itself not included) and one ``SapientMessage``. A chunk of the
stream may hold half a frame: the remainder is kept in the state.

=================  ==============================================================================================
message            becomes
=================  ==============================================================================================
Registration       a report (ok) with the node's type and name; its velocity units are remembered
StatusReport       a report: OK ok, WARNING degraded, ERROR failed, GOODBYE silent; with the node's place
DetectionReport    an observation: range and bearing, bearing alone, or location with velocity; class, claim
Alert              an observation when it has a place of its own, else a report
Error              a reject: the peer could not read what it was sent
Task, acks         rejects: Araz gives no tasks and takes none
=================  ==============================================================================================

Weapons and jammers (node types kinetic, jammer, cyber and directed energy) are refused: Araz only looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage

from araz.sensors._decoder import rejected
from araz.sensors._sapient_content import Context, Node, read_content, registered, report_of
from araz.sensors._sapient_place import UnusableError
from araz.vocabulary import (
    LATEST_TIME_US,
    Decoded,
    Feed,
    Message,
    Sensor,
    SensorKind,
    SensorReport,
    SensorState,
)

#: A node whose clock is further off than this has no clock; smaller errors are measured and corrected later.
CLOCK_LIMIT_US: Final = 86_400_000_000
EVERYWHERE_M: Final = 4.0e7
#: Node ids remembered on one stream; a peer that invents more loses what it said of its units.
_NODE_LIMIT: Final = 256
_IGNORED: Final = frozenset({"task", "task_ack", "registration_ack", "alert_ack"})


class SapientState(NamedTuple):
    """What is kept per stream: octets of an unfinished frame, and the nodes heard."""

    feed_id: str
    sensor_of: Mapping[str, Sensor]
    any_sensor: Sensor | None
    takes_all: bool
    max_bytes: int
    remainder: bytes = b""
    nodes: Mapping[str, Node] = {}


def sapient_init(feed: Feed, sensors: Sequence[Sensor]) -> SapientState:
    """Return the state before the first chunk; ``wire_id`` of a sensor is its node id (letter case does not matter).

    Without any sensor (a file is only looked at) each node goes by its own id.
    """
    own = [sensor for sensor in sensors if sensor.feed == feed.id]
    unnamed = [sensor for sensor in own if not sensor.wire_id]
    return SapientState(
        feed_id=feed.id,
        sensor_of={sensor.wire_id.lower(): sensor for sensor in own if sensor.wire_id},
        any_sensor=unnamed[0] if len(unnamed) == len(own) == 1 else None,
        takes_all=not own,
        max_bytes=feed.max_message_bytes,
    )


def sapient_frames(remainder: bytes, chunk: bytes, max_bytes: int) -> tuple[list[bytes], bytes, str | None]:
    """Return (whole frames, octets of the frame not yet whole, problem or ``None``).

    A frame longer than ``max_bytes`` is the problem: the stream is out of step or hostile; what was kept is dropped.
    """
    data, at, frames = remainder + chunk, 0, list[bytes]()
    while len(data) - at >= 4:
        length = int.from_bytes(data[at : at + 4], "little")
        if length > max_bytes:
            return frames, b"", f"A frame of {length} octets, more than the {max_bytes} allowed."
        if len(data) - at - 4 < length:
            break
        frames.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return frames, data[at:], None


def sapient_step(state: SapientState, message: Message) -> tuple[SapientState, list[Decoded]]:
    """Return what the frames that end in this chunk say; each gives at least one item."""
    frames, remainder, problem = sapient_frames(state.remainder, message.payload, state.max_bytes)
    state = state._replace(remainder=remainder)
    said: list[Decoded] = []
    for frame in frames:
        try:
            state, some = _read_frame(state, message, frame)
            said += some
        except UnusableError as unusable:
            said.append(rejected(message, unusable.reason, str(unusable), frame))
        except DecodeError:
            detail = "A frame is not a SAPIENT message: the node must speak BSI Flex 335 v2.0."
            said.append(rejected(message, "bad-protobuf", detail, frame))
    if problem is not None:
        said.append(rejected(message, "too-long", f"{problem} The connection should be closed."))
    return state, said


def _read_frame(state: SapientState, message: Message, frame: bytes) -> tuple[SapientState, list[Decoded]]:
    sent = SapientMessage.FromString(frame)
    content = sent.WhichOneof("content")
    if content is None:
        raise UnusableError("empty-message", "A SAPIENT message without content.")
    if content in _IGNORED:
        raise UnusableError("not-for-us", f"A {content} message: Araz gives and takes no tasks.")
    if content == "error":
        raise UnusableError("peer-error", f"The peer could not read a message: {'; '.join(sent.error.error_message)}")
    sensor = _sensor(state, sent.node_id)
    node_key = sent.node_id.lower()
    node = state.nodes.get(node_key, Node())
    if content == "registration":
        node = registered(sent.registration, node)
    at_us, has_clock = _time_us(sent, message.received_at_us)
    said: list[Decoded] = []
    if node.has_clock and not has_clock:
        said.append(_clock_report(message, sensor, sent))
    node = node._replace(has_clock=has_clock)
    if state.nodes.get(node_key) != node:
        kept = {} if len(state.nodes) >= _NODE_LIMIT else state.nodes
        state = state._replace(nodes={**kept, node_key: node})
    context = Context(sensor, node, at_us, message)
    try:
        said.append(read_content(sent, content, context))
    except UnusableError as unusable:
        said.append(rejected(message, unusable.reason, str(unusable), frame))
    return state, said


def _sensor(state: SapientState, node_id: str) -> Sensor:
    sensor = state.sensor_of.get(node_id.lower(), state.any_sensor)
    if sensor is not None:
        return sensor
    name = node_id[:64]
    if state.takes_all:
        # Its place is not known, so no position is too far from it; only angles to grid north would need it.
        return Sensor(
            id=name,
            kind=SensorKind.RADAR,
            feed=state.feed_id,
            latitude_deg=0.0,
            longitude_deg=0.0,
            max_range_m=EVERYWHERE_M,
        )
    raise UnusableError(
        "unknown-sensor",
        f'No sensor has the node id "{name}". Add to the site file: [[sensors]] id = "sapient-{name[:8]}", '
        f'kind = "radar", feed = "{state.feed_id}", wire_id = "{name}" and its place.',
    )


def _time_us(sent: Any, received_at_us: int) -> tuple[int, bool]:
    """Return (time of the message, whether its clock can be used); without a usable clock it is the arrival.

    A missing time stamp is no fault of the clock.
    """
    if not sent.HasField("timestamp"):
        return received_at_us, True
    at_us = sent.timestamp.seconds * 1_000_000 + sent.timestamp.nanos // 1000
    if not 0 <= at_us <= LATEST_TIME_US or abs(at_us - received_at_us) > CLOCK_LIMIT_US:
        return received_at_us, False
    return at_us, True


def _clock_report(message: Message, sensor: Sensor, sent: Any) -> SensorReport:
    days = (sent.timestamp.seconds - message.received_at_us / 1e6) / 86_400
    detail = f"The node's clock is {days:.0f} days off; times of arrival are used. Set its clock."
    return report_of(Context(sensor, Node(), message.received_at_us, message), SensorState.LYING, detail)
