"""SAPIENT frames to send: a node's messages for the simulation, and the replies a fusion node owes."""

from __future__ import annotations

from math import cos, radians, sin
from typing import Any, Final

from google.protobuf.message import DecodeError
from sapient_msg.bsi_flex_335_v2_0.registration_pb2 import Registration
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage

from araz.sensors._sapient import sapient_frames
from araz.sensors._sapient_content import EFFECTORS
from araz.vocabulary import Bearing, Polar, Position, SensorState

ICD_VERSION: Final = "BSI Flex 335 v2.0"
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SYSTEM: Final = {SensorState.OK: 1, SensorState.DEGRADED: 2, SensorState.FAILED: 3, SensorState.SILENT: 4}


def sapient_ulid(at_us: int, number: int) -> str:
    """Return an identifier as the standard wants it (ULID): 48 bits of milliseconds, 80 bits of ``number``."""
    value = (at_us // 1000 % 2**48) << 80 | number % 2**80
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -5, -5))


def _framed(message: Any) -> bytes:
    body: bytes = message.SerializeToString(deterministic=True)
    return len(body).to_bytes(4, "little") + body


def _message(node_id: str, at_us: int) -> Any:
    message = SapientMessage(node_id=node_id)
    message.timestamp.seconds, message.timestamp.nanos = at_us // 1_000_000, at_us % 1_000_000 * 1000
    return message


def encode_sapient_registration(
    node_id: str,
    at_us: int,
    *,
    name: str = "",
    node_type: str = "radar",
    status_interval_s: float = 5.0,
    model: str = "simulated",
) -> bytes:
    """Return the framed registration of a node (``node_id`` a UUID) with degrees, metres, m/s.

    ``node_type`` is a name of the standard in lower case, for example ``passive rf``. A ``fusion node`` reports places
    (WGS 84, height above the ellipsoid), any other range and bearing from true north. Fails with ``ValueError`` for
    another word.
    """
    message = _message(node_id, at_us)
    registration = message.registration
    registration.icd_version, registration.name = ICD_VERSION, name
    registration.node_definition.add(node_type=_node_type(node_type))
    registration.capabilities.add(category="sensor", type=node_type)
    interval = registration.status_definition.status_interval
    interval.units, interval.value = Registration.TIME_UNITS_SECONDS, status_interval_s
    mode = registration.mode_definition.add(mode_name="default", mode_type=Registration.MODE_TYPE_PERMANENT)
    mode.settle_time.units, mode.settle_time.value = Registration.TIME_UNITS_SECONDS, 0.0
    definition = mode.detection_definition.add()
    region = mode.task.region_definition
    region.region_type.append(Registration.REGION_TYPE_AREA_OF_INTEREST)
    for place in (definition.location_type, region.region_area.add()):
        if node_type == "fusion node":
            place.location_units = place.location_datum = 1
        else:
            place.range_bearing_units = place.range_bearing_datum = 1
    definition.velocity_type.location_datum = 1
    units = definition.velocity_type.enu_velocity_units
    units.east_north_rate_units = units.up_rate_units = 1
    registration.config_data.add(manufacturer="Araz", model=model)
    return _framed(message)


def _node_type(name: str) -> Any:
    kinds = Registration.NodeType.DESCRIPTOR.values_by_name
    key = "NODE_TYPE_" + name.upper().replace(" ", "_")
    if key not in kinds:
        words = ", ".join(word.removeprefix("NODE_TYPE_").lower() for word in kinds)
        raise ValueError(f"SAPIENT has no node type {name!r}; use one of {words}.")
    return kinds[key].number


def encode_sapient_status(
    node_id: str,
    at_us: int,
    *,
    state: SensorState = SensorState.OK,
    latitude_deg: float | None = None,
    longitude_deg: float | None = None,
    altitude_hae_m: float | None = None,
    number: int = 0,
) -> bytes:
    """Return a framed status report; ``state`` silent says goodbye. ``number`` makes the report's id unique."""
    message = _message(node_id, at_us)
    status = message.status_report
    status.report_id, status.mode = sapient_ulid(at_us, number), "default"
    status.system, status.info = _SYSTEM.get(state, 0), 1
    if latitude_deg is not None and longitude_deg is not None:
        _place(status.node_location, latitude_deg, longitude_deg, altitude_hae_m, None)
    return _framed(message)


def _place(location: Any, latitude_deg: float, longitude_deg: float, hae_m: float | None, amsl_m: float | None) -> None:
    location.x, location.y = longitude_deg, latitude_deg
    location.coordinate_system = 1
    location.datum = 2 if hae_m is None and amsl_m is not None else 1
    height = amsl_m if hae_m is None else hae_m
    if height is not None:
        location.z = height


def encode_sapient_detection(
    node_id: str,
    at_us: int,
    object_id: str,
    measurement: Polar | Bearing | Position,
    *,
    classes: tuple[tuple[str, float], ...] = (),
    confidence: float | None = None,
    number: int = 0,
) -> bytes:
    """Return a framed detection report: degrees from true north and metres, or longitude, latitude and height.

    ``object_id`` is a ULID (see ``sapient_ulid``); ``classes`` are (type, confidence) from the top class to the deepest
    sub class. Speed and climb of a ``Position`` go out as ENU velocity.
    """
    message = _message(node_id, at_us)
    report = message.detection_report
    report.report_id, report.object_id = sapient_ulid(at_us, number), object_id
    if isinstance(measurement, Position):
        _position(report, measurement)
    else:
        _range_bearing(report.range_bearing, measurement)
    if confidence is not None:
        report.detection_confidence = confidence
    level, container = 0, report.classification
    for name, probability in classes:
        added = container.add(type=name, confidence=probability)
        if level:
            added.level = level
        level, container = level + 1, added.sub_class
    return _framed(message)


def _range_bearing(target: Any, measurement: Polar | Bearing) -> None:
    target.coordinate_system, target.datum = 1, 1
    target.azimuth = measurement.azimuth_deg
    values = {"elevation": measurement.elevation_deg, "azimuth_error": measurement.azimuth_sigma_deg}
    if isinstance(measurement, Polar):
        values |= {"range": measurement.range_m, "range_error": measurement.range_sigma_m}
        values["elevation_error"] = measurement.elevation_sigma_deg
    for name, value in values.items():
        if value is not None:
            setattr(target, name, value)


def _position(report: Any, position: Position) -> None:
    _place(
        report.location,
        position.latitude_deg,
        position.longitude_deg,
        position.altitude_hae_m,
        position.altitude_amsl_m,
    )
    if position.horizontal_sigma_m is not None:
        per_deg = 111_195.0
        report.location.y_error = position.horizontal_sigma_m / per_deg
        report.location.x_error = position.horizontal_sigma_m / (per_deg * cos(radians(position.latitude_deg)))
    if position.vertical_sigma_m is not None:
        report.location.z_error = position.vertical_sigma_m
    if position.speed_mps is not None and position.course_deg is not None:
        course = radians(position.course_deg)
        report.enu_velocity.east_rate = position.speed_mps * sin(course)
        report.enu_velocity.north_rate = position.speed_mps * cos(course)
        if position.climb_mps is not None:
            report.enu_velocity.up_rate = position.climb_mps


def encode_sapient_alert(node_id: str, at_us: int, description: str, *, alert_type: int = 2, number: int = 0) -> bytes:
    """Return a framed alert without a place (2 warning, 3 critical, 4 error, 5 fatal)."""
    message = _message(node_id, at_us)
    message.alert.alert_id, message.alert.description = sapient_ulid(at_us, number), description
    message.alert.alert_type, message.alert.status = alert_type, 1
    return _framed(message)


def sapient_replies(payload_frame: bytes, fusion_node_id: str, at_us: int) -> bytes:
    """Return the framed replies a fusion node owes to whole frames (each with its length), empty when it owes none.

    A registration is accepted unless the node is a weapon or jammer; an active alert is acknowledged. What is no
    frame or no message is not answered.
    """
    frames, _, _ = sapient_frames(b"", payload_frame, len(payload_frame))
    return b"".join(_reply(frame, fusion_node_id, at_us) for frame in frames)


def _reply(frame: bytes, fusion_node_id: str, at_us: int) -> bytes:
    try:
        sent = SapientMessage.FromString(frame)
    except DecodeError:
        return b""
    reply = _message(fusion_node_id, at_us)
    reply.destination_id = sent.node_id
    content = sent.WhichOneof("content")
    if content == "registration":
        types = {definition.node_type for definition in sent.registration.node_definition}
        reply.registration_ack.acceptance = types.isdisjoint(EFFECTORS)
        if not reply.registration_ack.acceptance:
            reply.registration_ack.ack_response_reason.append("Araz connects no weapons and no jammers.")
    elif content == "alert" and sent.alert.status in (0, 1):
        reply.alert_ack.alert_id, reply.alert_ack.alert_ack_status = sent.alert.alert_id, 1
    else:
        return b""
    return _framed(reply)
