"""The Remote ID receiver: a captured frame in, the drone's claims out.

A feed message is ``u16 big-endian link type`` + the frame as captured (127 radiotap, 105 802.11, 251, 256, 272
Bluetooth). Basic ID, operator and text arrive in other frames than the position, so the decoder remembers them per
transmitter address and attaches them; the address may be random and is never the identity. Until a Basic ID came, the
identity is ``mac:<address>``. What is read is a claim: anyone can send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from araz.sensors._ble import heard_in_ble, heard_in_ble_with_header, heard_in_nordic
from araz.sensors._decoder import rejected, sole_sensor
from araz.sensors._drone_id import DroneId, decode_drone_id
from araz.sensors._remote_id_location import (
    STATUSES,
    Location,
    horizontal_sigma_m,
    observed_time_us,
    vertical_sigma_m,
)
from araz.sensors._remote_id_messages import (
    AIRCRAFT_TYPES,
    ID_TYPES,
    BasicId,
    OperatorId,
    RemoteIdMessage,
    SelfId,
    System,
    decode_remote_id_message,
    split_remote_id_payload,
)
from araz.sensors._remote_id_wire import Malformed, mac_text
from araz.sensors._wifi import Heard, heard_in_80211, heard_in_radiotap
from araz.vocabulary import (
    Claim,
    ClaimKind,
    Decoded,
    Features,
    Feed,
    Message,
    Observation,
    Position,
    Rejected,
    Sensor,
    SensorKind,
)

#: Transmitters remembered; a spoofer who invents addresses makes us forget the oldest, never grow.
TRANSMITTERS_MAX = 4096
#: What a transmitter said of itself is forgotten after this silence: addresses are random and are used again.
FORGET_AFTER_US = 300_000_000
_REFRESH_US = 30_000_000
#: Lower is better: a serial number names the aircraft, a session id only the flight, other types nobody knows what.
_ID_RANK = {1: 0, 2: 1, 3: 2, 4: 3}
_OTHER_RANK = 4

LINK_TYPES: Mapping[int, Callable[[bytes], list[Heard]]] = MappingProxyType(
    {
        105: heard_in_80211,
        127: heard_in_radiotap,
        251: heard_in_ble,
        256: heard_in_ble_with_header,
        272: heard_in_nordic,
    }
)


@dataclass(frozen=True, slots=True)
class Known:
    """What one transmitter said of itself in its static messages."""

    heard_at_us: int
    basic_id: BasicId | None = None
    operator_id: str | None = None
    system: System | None = None
    text: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteIdState:
    """The feed's receiver, and what each transmitter said of itself (oldest first)."""

    sensor_id: str
    known: Mapping[bytes, Known] = field(default_factory=lambda: MappingProxyType({}))


def remote_id_init(feed: Feed, sensors: Sequence[Sensor]) -> RemoteIdState:
    """Return the state before the first frame; the sensor is the feed's first ``remote-id-receiver``."""
    ids = (s.id for s in sensors if s.feed == feed.id and s.kind is SensorKind.REMOTE_ID_RECEIVER)
    return RemoteIdState(sensor_id=next(ids, None) or sole_sensor(feed, sensors))


def remote_id_step(state: RemoteIdState, message: Message) -> tuple[RemoteIdState, list[Decoded]]:
    """Decode one captured frame: an observation per position, one for a frame that only names, rejects for the rest.

    A well-formed frame without Remote ID is other people's traffic and gives nothing.
    """
    payload = message.payload
    read = LINK_TYPES.get(int.from_bytes(payload[:2], "big")) if len(payload) >= 2 else None
    if read is None:
        detail = f"link type {payload[:2].hex()} is not one of {sorted(LINK_TYPES)}: set the capture to radiotap or BLE"
        return state, [rejected(message, "unknown-link-type", detail)]
    try:
        heard = read(payload[2:])
    except Malformed as error:
        return state, [rejected(message, error.reason, error.detail)]
    decoded: list[Decoded] = []
    for item in heard:
        state, said = _drone_id(state, message, item) if item.is_drone_id else _remote_id(state, message, item)
        decoded.extend(said)
    return state, decoded


def _drone_id(state: RemoteIdState, message: Message, item: Heard) -> tuple[RemoteIdState, list[Decoded]]:
    try:
        drone_id = decode_drone_id(item.body)
    except Malformed as error:
        return state, [rejected(message, error.reason, error.detail)]
    position = None
    if drone_id.latitude_deg is not None and drone_id.longitude_deg is not None:
        position = Position(latitude_deg=drone_id.latitude_deg, longitude_deg=drone_id.longitude_deg)
    claim = _drone_id_claim(drone_id, item.transmitter)
    return state, [_observation(state, message, item, message.received_at_us, position, claim, drone_id.description)]


def _drone_id_claim(drone_id: DroneId, transmitter: bytes | None) -> Claim:
    address = _address(transmitter)
    return Claim(
        kind=ClaimKind.DRONE_ID,
        identity=drone_id.serial or f"mac:{address}",
        identity_type="mac" if drone_id.serial is None else "serial-number",
        aircraft_type=None if drone_id.product is None else f"dji-{drone_id.product}",
        operator_latitude_deg=drone_id.operator_latitude_deg,
        operator_longitude_deg=drone_id.operator_longitude_deg,
        home_latitude_deg=drone_id.home_latitude_deg,
        home_longitude_deg=drone_id.home_longitude_deg,
        status=drone_id.status,
        transmitter=address,
    )


def _remote_id(state: RemoteIdState, message: Message, item: Heard) -> tuple[RemoteIdState, list[Decoded]]:
    said, rejects = _messages(message, item.body)
    if not said:
        return state, list(rejects)
    now_us = message.received_at_us
    before = None if item.transmitter is None else state.known.get(item.transmitter)
    if before is None or abs(now_us - before.heard_at_us) > FORGET_AFTER_US:
        known = Known(heard_at_us=now_us)
    else:
        known = before
    for one in said:
        known = _learn(known, one)
    if item.transmitter is not None and (known != before or now_us - known.heard_at_us > _REFRESH_US):
        known = replace(known, heard_at_us=now_us)
        state = replace(state, known=_remember(state.known, item.transmitter, known))
    claim = _claim(known, item.transmitter)
    decoded: list[Decoded] = [
        _observation(state, message, item, observed_time_us(one.tenths, now_us), _position(one), claim, known.text)
        for one in said
        if isinstance(one, Location)
    ]
    if not decoded:
        decoded = [_observation(state, message, item, now_us, None, claim, known.text)]
    return state, decoded + rejects


def _messages(message: Message, body: bytes) -> tuple[list[RemoteIdMessage], list[Rejected]]:
    """Return the messages that could be read and the rejects of the others: one bad message spoils no pack."""
    said: list[RemoteIdMessage] = []
    rejects: list[Rejected] = []
    try:
        parts = split_remote_id_payload(body)
    except Malformed as error:
        return [], [rejected(message, error.reason, error.detail)]
    for part in parts:
        try:
            said.append(decode_remote_id_message(part))
        except Malformed as error:
            rejects.append(rejected(message, error.reason, error.detail, part))
    return said, rejects


def _learn(known: Known, one: RemoteIdMessage) -> Known:
    if isinstance(one, BasicId):
        return _learn_basic_id(known, one)
    if isinstance(one, OperatorId):
        return replace(known, operator_id=one.operator_id)
    if isinstance(one, System):
        return replace(known, system=one)
    if isinstance(one, SelfId):
        return replace(known, text=one.text)
    if isinstance(one, Location):
        return replace(known, status=STATUSES[one.status] if one.status < len(STATUSES) else None)
    return known


def _learn_basic_id(known: Known, one: BasicId) -> Known:
    """A better kind of id wins, the same kind replaces; an empty one says nothing."""
    before = known.basic_id
    if one.uas_id is None:
        return known
    if before is not None and _rank(one) > _rank(before):
        return known
    return replace(known, basic_id=one)


def _rank(one: BasicId) -> int:
    return _ID_RANK.get(one.id_type, _OTHER_RANK)


def _remember(known: Mapping[bytes, Known], transmitter: bytes, value: Known) -> Mapping[bytes, Known]:
    copy = {address: other for address, other in known.items() if address != transmitter}
    while len(copy) >= TRANSMITTERS_MAX:
        del copy[next(iter(copy))]
    copy[transmitter] = value
    return MappingProxyType(copy)


def _claim(known: Known, transmitter: bytes | None) -> Claim:
    address, basic, system = _address(transmitter), known.basic_id, known.system
    latitude_deg = None if system is None else system.operator_latitude_deg
    longitude_deg = None if system is None else system.operator_longitude_deg
    is_take_off = system is not None and system.operator_location_type == 0
    return Claim(
        kind=ClaimKind.REMOTE_ID,
        identity=f"mac:{address}" if basic is None or basic.uas_id is None else basic.uas_id,
        identity_type="mac" if basic is None else _id_type(basic.id_type),
        aircraft_type=None if basic is None else AIRCRAFT_TYPES[basic.aircraft_type],
        operator_id=known.operator_id,
        operator_latitude_deg=latitude_deg,
        operator_longitude_deg=longitude_deg,
        home_latitude_deg=latitude_deg if is_take_off else None,
        home_longitude_deg=longitude_deg if is_take_off else None,
        status=known.status,
        transmitter=address,
    )


def _id_type(code: int) -> str | None:
    return ID_TYPES[code] if 0 < code < len(ID_TYPES) else None


def _position(one: Location) -> Position | None:
    if one.latitude_deg is None or one.longitude_deg is None:
        return None
    return Position(
        latitude_deg=one.latitude_deg,
        longitude_deg=one.longitude_deg,
        altitude_hae_m=one.altitude_hae_m,
        altitude_baro_m=one.altitude_baro_m,
        altitude_agl_m=one.height_m if one.height_is_agl else None,
        speed_mps=one.speed_mps,
        course_deg=one.course_deg,
        climb_mps=one.climb_mps,
        horizontal_sigma_m=horizontal_sigma_m(one.horizontal_accuracy),
        vertical_sigma_m=vertical_sigma_m(one.vertical_accuracy),
    )


def _observation(
    state: RemoteIdState,
    message: Message,
    item: Heard,
    observed_at_us: int,
    position: Position | None,
    claim: Claim,
    description: str | None,
) -> Observation:
    features = None
    if item.signal_dbm is not None or description is not None:
        features = Features(signal_dbm=item.signal_dbm, description=description)
    return Observation(
        sensor_id=state.sensor_id,
        observed_at_us=observed_at_us,
        received_at_us=message.received_at_us,
        message_seq=message.seq,
        measurement=position,
        claim=claim,
        features=features,
    )


def _address(transmitter: bytes | None) -> str:
    return "unknown" if transmitter is None else mac_text(transmitter)
