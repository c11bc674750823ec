"""What each SAPIENT message says, once its node is known and its time settled."""

from __future__ import annotations

from math import atan2, degrees, isfinite
from typing import Any, Final, NamedTuple

from sapient_msg.bsi_flex_335_v2_0.registration_pb2 import Registration

from araz.sensors._sapient_place import Spot, UnusableError, course_and_speed, read_range_bearing, read_spot, stated
from araz.vocabulary import (
    Bearing,
    Claim,
    ClaimKind,
    Decoded,
    Features,
    Message,
    Observation,
    Polar,
    Position,
    Sensor,
    SensorReport,
    SensorState,
)

_TEXT_LIMIT: Final = 200
EFFECTORS: Final = frozenset(
    {
        Registration.NODE_TYPE_KINETIC,
        Registration.NODE_TYPE_JAMMER,
        Registration.NODE_TYPE_CYBER,
        Registration.NODE_TYPE_LDEW,
        Registration.NODE_TYPE_RFDEW,
    }
)
_SYSTEM: Final = {1: SensorState.OK, 2: SensorState.DEGRADED, 3: SensorState.FAILED, 4: SensorState.SILENT}
_ALERT: Final = {2: SensorState.DEGRADED, 3: SensorState.DEGRADED, 4: SensorState.FAILED, 5: SensorState.FAILED}
_KPH: Final = 2


class Node(NamedTuple):
    """What a node said of itself that later messages need: how long its units of speed are."""

    horizontal_mps: float = 1.0
    vertical_mps: float = 1.0
    is_effector: bool = False
    has_clock: bool = True


class Context(NamedTuple):
    """What every reading of one message shares."""

    sensor: Sensor
    node: Node
    observed_at_us: int
    message: Message


def read_content(sent: Any, content: str, context: Context) -> Decoded:
    """Return what a message says; fails with ``UnusableError`` when it cannot be used."""
    if context.node.is_effector:
        raise UnusableError("effector", "The node registered as a weapon or jammer: Araz only looks.")
    if content == "registration":
        return report_of(context, SensorState.OK, _registration_text(sent.registration))
    if content == "status_report":
        return _status(sent.status_report, context)
    if content == "detection_report":
        return _detection(sent, context)
    return _alert(sent.alert, context)


def report_of(context: Context, state: SensorState, detail: str | None, spot: Spot | None = None) -> SensorReport:
    """Return a report on the sensor itself."""
    return SensorReport(
        sensor_id=context.sensor.id,
        observed_at_us=context.observed_at_us,
        received_at_us=context.message.received_at_us,
        message_seq=context.message.seq,
        state=state,
        detail=detail[:_TEXT_LIMIT] if detail else None,
        latitude_deg=None if spot is None else spot.latitude_deg,
        longitude_deg=None if spot is None else spot.longitude_deg,
        altitude_hae_m=None if spot is None else spot.altitude_hae_m,
    )


def registered(registration: Any, node: Node) -> Node:
    """Return what a registration says of the node; metres per second until kilometres per hour are stated."""
    horizontal = vertical = 1.0
    for mode in registration.mode_definition:
        for definition in mode.detection_definition:
            units = definition.velocity_type.enu_velocity_units
            horizontal = 1 / 3.6 if units.east_north_rate_units == _KPH else horizontal
            vertical = 1 / 3.6 if units.up_rate_units == _KPH else vertical
    types = {definition.node_type for definition in registration.node_definition}
    return node._replace(horizontal_mps=horizontal, vertical_mps=vertical, is_effector=not types.isdisjoint(EFFECTORS))


def _registration_text(registration: Any) -> str:
    names = Registration.NodeType.DESCRIPTOR.values_by_number
    kinds = [
        names[definition.node_type].name.removeprefix("NODE_TYPE_").lower().replace("_", " ")
        for definition in registration.node_definition
        if definition.node_type in names
    ]
    name = registration.name or registration.short_name
    return f"{', '.join(kinds) or 'node'} {name} registered ({registration.icd_version})".replace("  ", " ")


def _status(status: Any, context: Context) -> SensorReport:
    state = _SYSTEM.get(status.system, SensorState.UNKNOWN)
    faults = [item for item in status.status if item.status_level in (2, 3)]
    if state == SensorState.OK and any(item.status_level == 3 for item in faults):
        state = SensorState.DEGRADED
    words = [_fault_text(item) for item in faults[:8]]
    if status.mode:
        words.append(f"mode {status.mode}")
    if status.system == 4:
        words.append("said goodbye")
    spot = None
    if status.HasField("node_location"):
        try:
            spot = read_spot(status.node_location, context.sensor)
        except UnusableError as unusable:
            words.append(f"its place is not believed: {unusable}")
    return report_of(context, state, ", ".join(words) or None, spot)


def _fault_text(item: Any) -> str:
    names = item.DESCRIPTOR.fields_by_name["status_type"].enum_type.values_by_number
    kind = names[item.status_type].name.removeprefix("STATUS_TYPE_").lower() if item.status_type in names else "status"
    return f"{kind.replace('_', ' ')} {item.status_value}".strip()


def _measurement(report: Any, context: Context) -> Polar | Bearing | Position:
    which = report.WhichOneof("location_oneof")
    if which is None:
        raise UnusableError("no-position", "It has neither a range and bearing nor a location.")
    if which == "range_bearing":
        return read_range_bearing(report.range_bearing, context.sensor)
    spot = read_spot(report.location, context.sensor)
    return Position(
        latitude_deg=spot.latitude_deg,
        longitude_deg=spot.longitude_deg,
        altitude_hae_m=spot.altitude_hae_m,
        altitude_amsl_m=spot.altitude_amsl_m,
        horizontal_sigma_m=spot.horizontal_sigma_m,
        vertical_sigma_m=spot.vertical_sigma_m,
    )


def _detection(sent: Any, context: Context) -> Observation:
    report = sent.detection_report
    if report.state.lower().startswith("lost"):
        raise UnusableError("no-detection", f"The node lost the object ({report.state[:40]}).")
    measurement = _measurement(report, context)
    if isinstance(measurement, Position) and report.WhichOneof("velocity_oneof") == "enu_velocity":
        measurement = _moving(measurement, report.enu_velocity, context.node)
    claim = None
    if report.object_id:
        claim = Claim(kind=ClaimKind.SENSOR_OBJECT, identity=report.object_id[:_TEXT_LIMIT])
    return _observation(context, measurement, claim, _features(report))


def _observation(
    context: Context, measurement: Polar | Bearing | Position, claim: Claim | None, features: Features | None
) -> Observation:
    return Observation(
        sensor_id=context.sensor.id,
        observed_at_us=context.observed_at_us,
        received_at_us=context.message.received_at_us,
        message_seq=context.message.seq,
        measurement=measurement,
        claim=claim,
        features=features,
    )


def _moving(position: Position, velocity: Any, node: Node) -> Position:
    east, north = stated(velocity, "east_rate"), stated(velocity, "north_rate")
    up = stated(velocity, "up_rate")
    if east is None or north is None:
        return position
    azimuth_deg = degrees(atan2(east, north)) % 360.0
    course, speed = course_and_speed(east * node.horizontal_mps, north * node.horizontal_mps, azimuth_deg)
    return Position(
        latitude_deg=position.latitude_deg,
        longitude_deg=position.longitude_deg,
        altitude_hae_m=position.altitude_hae_m,
        altitude_amsl_m=position.altitude_amsl_m,
        speed_mps=speed,
        course_deg=course,
        climb_mps=None if up is None else up * node.vertical_mps,
        horizontal_sigma_m=position.horizontal_sigma_m,
        vertical_sigma_m=position.vertical_sigma_m,
    )


def _probability(message: Any, name: str) -> float | None:
    if not message.HasField(name):
        return None
    value = getattr(message, name)
    return min(max(float(value), 0.0), 1.0) if isfinite(value) else None


def _features(report: Any) -> Features | None:
    class_name, class_probability = _class(report.classification)
    words = [f"behaviour {item.type}" for item in report.behaviour[:4]]
    words += [f"colour {report.colour}"] if report.colour else []
    words += [f"id {report.id}"] if report.id else []
    signal_dbm = None
    if report.signal:
        strongest = max(report.signal, key=lambda signal: signal.amplitude)
        signal_dbm = float(strongest.amplitude) if isfinite(strongest.amplitude) else None
        words.append(f"signal at {strongest.centre_frequency:g}")
    detection_probability = _probability(report, "detection_confidence")
    if class_name is None and signal_dbm is None and detection_probability is None and not words:
        return None
    return Features(
        signal_dbm=signal_dbm,
        class_name=class_name,
        class_probability=class_probability,
        detection_probability=detection_probability,
        description=", ".join(words)[:_TEXT_LIMIT] or None,
    )


def _class(classes: Any) -> tuple[str | None, float | None]:
    """Return the most confident class as ``type/sub class/…`` with the deepest confidence that is stated."""
    names: list[str] = []
    probability: float | None = None
    while classes and len(names) < 8:
        best = max(classes, key=lambda item: item.confidence if isfinite(item.confidence) else -1.0)
        names.append(best.type)
        stated_here = _probability(best, "confidence")
        probability = probability if stated_here is None else stated_here
        classes = best.sub_class
    return ("/".join(names)[:_TEXT_LIMIT] or None), probability


def _alert(alert: Any, context: Context) -> Observation | SensorReport:
    """Return an observation for an alert that places something new; a known detection would be counted twice."""
    text = alert.description or alert.additional_information or "alert"
    if alert.WhichOneof("location_oneof") is not None and not alert.associated_detection and alert.status in (0, 1):
        features = Features(detection_probability=_probability(alert, "confidence"), description=text[:_TEXT_LIMIT])
        return _observation(context, _measurement(alert, context), None, features)
    return report_of(context, _ALERT.get(alert.alert_type, SensorState.UNKNOWN), f"alert: {text}")
