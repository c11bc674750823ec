"""DJI DroneID in a Wi-Fi beacon: vendor element 26-37-12, then 58 62 13 and the record kind, little-endian.

Record 0x10, flight telemetry:

=======  =====  ==========================================  =======  =====  ==============================
offset   size   field (version 1 and 2)                     offset   size   version 1
=======  =====  ==========================================  =======  =====  ==============================
0        1      version                                     39       6      pitch, roll, yaw
1        2      sequence                                    45       8      home longitude, latitude
3        2      state (0x10 motors on, 0x20 in the air)     53       1      product
5        16     serial number, ASCII                        54       21     length and bytes of the user id
21       4      longitude, 1e-7 rad                                         version 2
25       4      latitude, 1e-7 rad                          39       2      yaw
29       4      two heights, order and unit disputed        41       8      phone time, ms since 1970
33       6      velocity north, east, up; unit disputed     49       8      phone latitude, longitude
..                                                          57       8      home longitude, latitude
..                                                          65       1      product; 66: user id as above
=======  =====  ==========================================  =======  =====  ==============================

Record 0x11 holds text of the user (serial 16; length 1, id 10; length 1, purpose). Raw angle / 174533 is degrees, 0/0
is unknown. DJI never published the format and its readers disagree on heights and velocities, so those stay raw
numbers in ``description`` and never become a measurement. The format is trivially forged: a claim, like all the others.

Source: the description in Kismet's ``dot11_ie_221_dji_droneid`` and the paper by Bender (2022); the code is ours.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from araz.sensors._remote_id_wire import Malformed, need, position_from, text_from

DRONE_ID_DEGREE_SCALE = 174_533.0
_MAGIC = bytes.fromhex("586213")
_TELEMETRY, _PURPOSE = 0x10, 0x11
_HEAD = struct.Struct("<BHH16siihhhhh")


@dataclass(frozen=True, slots=True)
class DroneId:
    """What a DJI aircraft says in a beacon; unknown is None, disputed units stay raw."""

    serial: str | None
    version: int | None = None
    sequence: int | None = None
    state: int = 0
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    operator_latitude_deg: float | None = None
    operator_longitude_deg: float | None = None
    home_latitude_deg: float | None = None
    home_longitude_deg: float | None = None
    product: int | None = None
    description: str | None = None

    @property
    def status(self) -> str | None:
        """Say "airborne" or "ground" as the aircraft does; None in a record without a state."""
        if self.version is None:
            return None
        return "airborne" if self.state & 0x20 else "ground"


def decode_drone_id(data: bytes) -> DroneId:
    """Decode the element after its OUI (tables above); Malformed when cut off, unknown or off the earth."""
    need(data, 4, "a DroneID element")
    if data[:3] != _MAGIC:
        raise Malformed("unknown-message-type", f"DroneID begins 58 62 13, this one {data[:3].hex(' ')}")
    if data[3] == _TELEMETRY:
        return _telemetry(data[4:])
    if data[3] == _PURPOSE:
        return _purpose(data[4:])
    raise Malformed("unknown-message-type", f"DroneID record 0x{data[3]:02x}; 0x10 and 0x11 are read")


def _telemetry(data: bytes) -> DroneId:
    need(data, 1, "a DroneID record")
    version = data[0]
    if version not in (1, 2):
        raise Malformed("unknown-version", f"DroneID version {version}; 1 and 2 are read")
    need(data, 54 if version == 1 else 66, f"DroneID telemetry version {version}")
    _, sequence, state, serial, longitude, latitude, height1, height2, north, east, up = _HEAD.unpack_from(data)
    place = _place(latitude, longitude, "the aircraft's position")
    operator = None
    if version == 2:
        operator_latitude, operator_longitude = struct.unpack_from("<ii", data, 49)
        operator = _place(operator_latitude, operator_longitude, "the operator's position")
    home_longitude, home_latitude = struct.unpack_from("<ii", data, 45 if version == 1 else 57)
    home = _place(home_latitude, home_longitude, "the home position")
    return DroneId(
        serial=text_from(serial),
        version=version,
        sequence=sequence,
        state=state,
        latitude_deg=None if place is None else place[0],
        longitude_deg=None if place is None else place[1],
        operator_latitude_deg=None if operator is None else operator[0],
        operator_longitude_deg=None if operator is None else operator[1],
        home_latitude_deg=None if home is None else home[0],
        home_longitude_deg=None if home is None else home[1],
        product=data[53 if version == 1 else 65],
        description=f"raw heights {height1}, {height2}; raw velocity north {north}, east {east}, up {up}",
    )


def _purpose(data: bytes) -> DroneId:
    need(data, 28, "a DroneID purpose record")
    own_id = text_from(data[17 : 17 + min(data[16], 10)])
    purpose = text_from(data[28 : 28 + data[27]])
    parts = [part for part in (own_id, purpose) if part]
    return DroneId(serial=text_from(data[:16]), description="; ".join(parts) or None)


def _place(raw_latitude: int, raw_longitude: int, what: str) -> tuple[float, float] | None:
    return position_from(raw_latitude, raw_longitude, DRONE_ID_DEGREE_SCALE, what)
