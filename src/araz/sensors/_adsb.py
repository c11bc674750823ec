"""The ADS-B receiver: SBS lines, Beast or AVR frames in; one observation per position, with what else is known of it.

Velocity, callsign, category and accuracy come in other messages than the position, so the decoder remembers them per
aircraft. Positions in Mode S are compact (``_adsb_cpr.py``): the first needs an even and an odd report within 10 s, the
following ones the last position or another pair. Ground positions need the receiver's own place. The address, callsign
and position are claims: anyone with a transmitter can send them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from araz.sensors._adsb_cpr import GROUND_DEG, decode_cpr_near, decode_cpr_pair
from araz.sensors._adsb_frames import Cut, cut_avr, cut_beast
from araz.sensors._adsb_modes import Said, read_mode_s
from araz.sensors._adsb_sbs import LINE_MAX, read_sbs
from araz.sensors._decoder import rejected, sole_sensor
from araz.sensors._remote_id_wire import Malformed
from araz.vocabulary import Claim, ClaimKind, Decoded, Feed, Message, Observation, Position, Sensor, SensorKind

#: Aircraft remembered, and for how long after their last message.
AIRCRAFT_MAX = 4096
FORGET_AFTER_US = 60_000_000
#: An even and an odd report further apart than this are not one place; a velocity older than this is not current.
PAIR_US = 10_000_000
VELOCITY_US = 10_000_000
#: A place further from the last one than an aircraft can fly is decoded wrongly. (One degree of latitude in metres.)
_DEGREE_M = 111_195.0
_FASTEST_MPS = 1_000.0
_SLACK_M = 3_000.0
#: No receiver hears an aircraft beyond its horizon: 450 km for the highest that fly, with a margin.
_HORIZON_M = 555_000.0


@dataclass(frozen=True, slots=True)
class Aircraft:
    """What is known of one aircraft: latest of each kind, with the time it was heard."""

    heard_at_us: int
    callsign: str | None = None
    aircraft_type: str | None = None
    on_ground: bool | None = None
    velocity: Said | None = None
    velocity_at_us: int = 0
    horizontal_sigma_m: float | None = None
    even: tuple[int, int, int] | None = None
    odd: tuple[int, int, int] | None = None
    place: tuple[float, float, int] | None = None


@dataclass(frozen=True, slots=True)
class AdsbState:
    """The receiver's id and place, the unfinished end of the stream, and the aircraft (longest silent first)."""

    sensor_id: str
    place: tuple[float, float] | None = None
    rest: bytes = b""
    aircraft: Mapping[str, Aircraft] = field(default_factory=lambda: MappingProxyType({}))


def adsb_init(feed: Feed, sensors: Sequence[Sensor]) -> AdsbState:
    """Return the state before the first byte; the sensor is the feed's first ``adsb-receiver``."""
    receivers = [s for s in sensors if s.feed == feed.id and s.kind is SensorKind.ADSB_RECEIVER]
    if not receivers:
        return AdsbState(sensor_id=sole_sensor(feed, sensors))
    return AdsbState(sensor_id=receivers[0].id, place=(receivers[0].latitude_deg, receivers[0].longitude_deg))


def sbs_step(state: AdsbState, message: Message) -> tuple[AdsbState, list[Decoded]]:
    """Decode a chunk of SBS lines; an unfinished last line waits for the next chunk."""
    *lines, rest = (state.rest + message.payload).split(b"\n")
    decoded: list[Decoded] = []
    if len(rest) > LINE_MAX:
        decoded.append(rejected(message, "bad-line", f"{len(rest)} bytes without a line end: this is not SBS", rest))
        rest = b""
    hearing = _Hearing(state, message)
    for line in lines:
        if line.strip():
            decoded += hearing.read(line, _read_sbs_line)
    return hearing.state(rest), decoded


def beast_step(state: AdsbState, message: Message) -> tuple[AdsbState, list[Decoded]]:
    """Decode a chunk of a Beast stream; an unfinished frame waits for the next chunk."""
    return _frames_step(state, message, cut_beast(state.rest + message.payload))


def raw_step(state: AdsbState, message: Message) -> tuple[AdsbState, list[Decoded]]:
    """Decode a chunk of AVR text; an unfinished frame waits for the next chunk."""
    return _frames_step(state, message, cut_avr(state.rest + message.payload))


def _frames_step(state: AdsbState, message: Message, cut: Cut) -> tuple[AdsbState, list[Decoded]]:
    decoded: list[Decoded] = [rejected(message, reason, detail, raw) for reason, detail, raw in cut.faults]
    hearing = _Hearing(state, message)
    for frame in cut.frames:
        decoded += hearing.read(frame, _read_frame)
    return hearing.state(cut.rest), decoded


def _read_sbs_line(line: bytes, received_at_us: int) -> Said | None:
    return read_sbs(line.decode("ascii", "replace").strip(), received_at_us)


def _read_frame(frame: bytes, received_at_us: int) -> Said | None:
    return read_mode_s(frame)


class _Hearing:
    """The aircraft while one chunk is read: copied once a chunk, so that a step stays a pure function."""

    def __init__(self, state: AdsbState, message: Message) -> None:
        self._before = state
        self._message = message
        self._aircraft = dict(state.aircraft)

    def read(self, raw: bytes, read: Callable[[bytes, int], Said | None]) -> list[Decoded]:
        """Return what one frame or line gives: an observation, a reject or nothing."""
        message = self._message
        try:
            said = read(raw, message.received_at_us)
            observation = None if said is None else self._hear(said)
        except Malformed as error:
            return [rejected(message, error.reason, error.detail, raw)]
        return [] if observation is None else [observation]

    def state(self, rest: bytes) -> AdsbState:
        """Return the state after the chunk, without the aircraft that fell silent."""
        aircraft, now_us = self._aircraft, self._message.received_at_us
        while aircraft:
            oldest = next(iter(aircraft))
            if len(aircraft) <= AIRCRAFT_MAX and now_us - aircraft[oldest].heard_at_us <= FORGET_AFTER_US:
                break
            del aircraft[oldest]
        return replace(self._before, rest=rest, aircraft=MappingProxyType(aircraft))

    def _hear(self, said: Said) -> Observation | None:
        now_us = self._message.received_at_us
        before = self._aircraft.pop(said.identity, None)
        if before is None or abs(now_us - before.heard_at_us) > FORGET_AFTER_US:
            before = Aircraft(heard_at_us=now_us)
        known = _learn(before, said, now_us)
        self._aircraft[said.identity] = known
        place = _place(known, said, now_us, self._before.place)
        if place is None:
            return None
        known = replace(known, place=(*place, now_us))
        self._aircraft[said.identity] = known
        return _observation(self._before.sensor_id, self._message, known, said, place)


def _learn(known: Aircraft, said: Said, now_us: int) -> Aircraft:
    report = None if said.cpr is None or said.on_ground else (*said.cpr, now_us)
    return Aircraft(
        heard_at_us=now_us,
        callsign=known.callsign if said.callsign is None else said.callsign,
        aircraft_type=known.aircraft_type if said.aircraft_type is None else said.aircraft_type,
        on_ground=known.on_ground if said.on_ground is None else said.on_ground,
        velocity=said if said.has_velocity else known.velocity,
        velocity_at_us=now_us if said.has_velocity else known.velocity_at_us,
        horizontal_sigma_m=known.horizontal_sigma_m if said.horizontal_sigma_m is None else said.horizontal_sigma_m,
        even=report if report is not None and not said.cpr_is_odd else known.even,
        odd=report if report is not None and said.cpr_is_odd else known.odd,
        place=known.place,
    )


def _place(
    known: Aircraft, said: Said, now_us: int, receiver: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return where the message puts the aircraft; Malformed when that is beyond any horizon of the receiver."""
    if said.latitude_deg is not None and said.longitude_deg is not None:
        return said.latitude_deg, said.longitude_deg
    if said.cpr is None:
        return None
    place = _ground_place(said, receiver) if said.on_ground else _air_place(known, said, now_us)
    if place is not None and receiver is not None and _distance_m(place, receiver) > _HORIZON_M:
        raise Malformed("implausible-position", f"{place[0]:.3f}, {place[1]:.3f} is far beyond the receiver's horizon")
    return place


def _ground_place(said: Said, receiver: tuple[float, float] | None) -> tuple[float, float] | None:
    if said.cpr is None or receiver is None:
        return None
    return decode_cpr_near(said.cpr, said.cpr_is_odd, *receiver, GROUND_DEG)


def _air_place(known: Aircraft, said: Said, now_us: int) -> tuple[float, float] | None:
    even, odd, last = known.even, known.odd, known.place
    if said.cpr is None:
        return None
    if even is not None and odd is not None and abs(even[2] - odd[2]) <= PAIR_US:
        pair = decode_cpr_pair(even[:2], odd[:2], said.cpr_is_odd)
        if pair is not None:
            return pair
    if last is None or now_us - last[2] > FORGET_AFTER_US:
        return None
    near = decode_cpr_near(said.cpr, said.cpr_is_odd, last[0], last[1])
    reach_m = _SLACK_M + _FASTEST_MPS * abs(now_us - last[2]) * 1e-6
    return near if near is not None and _distance_m(near, last[:2]) <= reach_m else None


def _distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return a plausible distance, good to a few per cent: these are gates, not geodesy."""
    east_deg = (one[1] - other[1] + 180.0) % 360.0 - 180.0
    return _DEGREE_M * math.hypot(one[0] - other[0], east_deg * math.cos(math.radians(other[0])))


def _observation(
    sensor_id: str, message: Message, known: Aircraft, said: Said, place: tuple[float, float]
) -> Observation:
    now_us = message.received_at_us
    is_current = now_us - known.velocity_at_us <= VELOCITY_US
    moving = known.velocity if is_current and known.velocity is not None else Said(identity=said.identity)
    hae_m = said.altitude_hae_m
    if hae_m is None and said.altitude_baro_m is not None and moving.hae_minus_baro_m is not None:
        hae_m = said.altitude_baro_m + moving.hae_minus_baro_m
    return Observation(
        sensor_id=sensor_id,
        observed_at_us=now_us if said.observed_at_us is None else said.observed_at_us,
        received_at_us=now_us,
        message_seq=message.seq,
        measurement=Position(
            latitude_deg=place[0],
            longitude_deg=place[1],
            altitude_hae_m=hae_m,
            altitude_baro_m=said.altitude_baro_m,
            speed_mps=moving.speed_mps,
            course_deg=moving.course_deg,
            climb_mps=moving.climb_mps,
            horizontal_sigma_m=known.horizontal_sigma_m,
        ),
        claim=_claim(known, said.identity),
    )


def _claim(known: Aircraft, identity: str) -> Claim:
    return Claim(
        kind=ClaimKind.ADSB,
        identity=identity,
        identity_type="other-address" if identity.startswith("~") else "icao24",
        aircraft_type=known.aircraft_type,
        callsign=known.callsign,
        status=None if known.on_ground is None else "ground" if known.on_ground else "airborne",
    )
