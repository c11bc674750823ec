"""ROOM 2: bytes into observations, and what each sensor can see.

**Takes** messages (bytes with a source and an arrival time), the site's sensors, the place.
**Gives** observations, sensor reports, scan marks and counted rejects; scans for the tracker; sensor health.
**Keeps** per source the decoder's remainder and what it must remember; per sensor its unfinished look and its health.
**May import** geography and vocabulary.
**Never** raises on input, guesses an unknown value, or reads a clock.
"""

from araz.sensors._adsb_encode import (
    encode_adsb_identification,
    encode_adsb_position,
    encode_adsb_velocity,
    encode_beast,
    encode_raw,
    encode_sbs_identification,
    encode_sbs_position,
    encode_sbs_velocity,
)
from araz.sensors._asterix_encode import (
    AsterixPlot,
    AsterixTrack,
    encode_asterix_015,
    encode_asterix_034,
    encode_asterix_048,
    encode_asterix_062,
)
from araz.sensors._corridors import Watch, corridor_watches, watch_corridors
from araz.sensors._coverage import (
    BANDS_AGL_M,
    Coverage,
    coverage,
    health_factors,
    look_chances,
    quarry_of,
    weather_of,
)
from araz.sensors._decision import decode_decision, encode_decision
from araz.sensors._decoder import Decoder, rejected
from araz.sensors._decoders import DECODERS
from araz.sensors._dwell import dwell_chances, lone_chances
from araz.sensors._flight import Flight, LogClock, parts_of
from araz.sensors._flight_logs import read_flight
from araz.sensors._health import HealthState, clock_offsets_us, flood_limit_per_s, health_init, health_step
from araz.sensors._models import sensor_origins, sensor_table, sound_speed_mps
from araz.sensors._power import HoursLeft, hours_left, keep_reading, power_health
from araz.sensors._registration_health import health_with_registration
from araz.sensors._remote_id_encode import (
    encode_remote_id_beacon,
    encode_remote_id_ble,
    encode_remote_id_ble_long_range,
    encode_remote_id_nan,
)
from araz.sensors._remote_id_location import Location
from araz.sensors._remote_id_messages import BasicId, OperatorId, SelfId, System
from araz.sensors._report import encode_report, report_init, report_step
from araz.sensors._sapient import sapient_frames
from araz.sensors._sapient_encode import (
    encode_sapient_alert,
    encode_sapient_detection,
    encode_sapient_registration,
    encode_sapient_status,
    sapient_replies,
    sapient_ulid,
)
from araz.sensors._scans import ScansState, claim_key, scans_init, scans_step
from araz.sensors._sightings import Sightings, check_bands, claimed_at, learn_sightings

__all__ = [
    "BANDS_AGL_M",
    "DECODERS",
    "AsterixPlot",
    "AsterixTrack",
    "BasicId",
    "Coverage",
    "Decoder",
    "Flight",
    "HealthState",
    "HoursLeft",
    "Location",
    "LogClock",
    "OperatorId",
    "ScansState",
    "SelfId",
    "Sightings",
    "System",
    "Watch",
    "check_bands",
    "claim_key",
    "claimed_at",
    "clock_offsets_us",
    "corridor_watches",
    "coverage",
    "decode_decision",
    "dwell_chances",
    "encode_adsb_identification",
    "encode_adsb_position",
    "encode_adsb_velocity",
    "encode_asterix_015",
    "encode_asterix_034",
    "encode_asterix_048",
    "encode_asterix_062",
    "encode_beast",
    "encode_decision",
    "encode_raw",
    "encode_remote_id_beacon",
    "encode_remote_id_ble",
    "encode_remote_id_ble_long_range",
    "encode_remote_id_nan",
    "encode_report",
    "encode_sapient_alert",
    "encode_sapient_detection",
    "encode_sapient_registration",
    "encode_sapient_status",
    "encode_sbs_identification",
    "encode_sbs_position",
    "encode_sbs_velocity",
    "flood_limit_per_s",
    "health_factors",
    "health_init",
    "health_step",
    "health_with_registration",
    "hours_left",
    "keep_reading",
    "learn_sightings",
    "lone_chances",
    "look_chances",
    "parts_of",
    "power_health",
    "quarry_of",
    "read_flight",
    "rejected",
    "report_init",
    "report_step",
    "sapient_frames",
    "sapient_replies",
    "sapient_ulid",
    "scans_init",
    "scans_step",
    "sensor_origins",
    "sensor_table",
    "sound_speed_mps",
    "watch_corridors",
    "weather_of",
]
