"""ROOM 2: bytes into observations, and what each sensor can see.

**Takes** messages (bytes with a source and an arrival time), the site's sensors, the place.
**Gives** observations, sensor reports, scan marks and counted rejects; scans for the tracker; sensor health.
**Keeps** per source the decoder's remainder and what it must remember; per sensor its unfinished look and its health.
**May import** geography and vocabulary.
**Never** raises on input, guesses an unknown value, or reads a clock.
"""

from araz.sensors._decision import decode_decision, encode_decision
from araz.sensors._decoder import Decoder, rejected
from araz.sensors._health import HealthState, clock_offsets_us, flood_limit_per_s, health_init, health_step
from araz.sensors._models import default_sigma, sensor_origins, sensor_table
from araz.sensors._report import encode_report, report_init, report_step
from araz.sensors._scans import ScansState, claim_key, scans_init, scans_step

__all__ = [
    "Decoder",
    "HealthState",
    "ScansState",
    "claim_key",
    "clock_offsets_us",
    "decode_decision",
    "default_sigma",
    "encode_decision",
    "encode_report",
    "flood_limit_per_s",
    "health_init",
    "health_step",
    "rejected",
    "report_init",
    "report_step",
    "scans_init",
    "scans_step",
    "sensor_origins",
    "sensor_table",
]
