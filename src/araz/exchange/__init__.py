"""ROOM 5c: what Araz says, in other systems' words.

**Takes** tracks, alarms, decisions and sensor health as records of the vocabulary.
**Gives** Cursor on Target XML, SAPIENT frames of a fusion node, GeoJSON, CSV, MISP and the COURAGEOUS trial format, as
bytes or plain values; from another system's trial document its pictures and alarms; from a MISP event its drones; UAS
zones (ED-269, ED-318).
**Keeps** which tracks an output was told of, as a value.
**May import** sensors (for the SAPIENT encoder), geography, vocabulary; the standard library's XML and CSV.
**Never** opens a socket or a file, invents a height, or exports what was not believed.
"""

from araz.exchange._cot import UNKNOWN_M, cot_of_alarm, cot_of_order, cot_of_track, cot_removed
from araz.exchange._courageous import COURAGEOUS_VERSION, Place3d, courageous_of
from araz.exchange._courageous_read import TrialNight, read_courageous
from araz.exchange._flow import OutputState, output_hello, output_init, output_step
from araz.exchange._geojson import ellipse_ring, geojson_of
from araz.exchange._misp import misp_event
from araz.exchange._misp_read import SharedDrone, SharedDrones, SharedSighting, read_misp
from araz.exchange._table import csv_of_tracks
from araz.exchange._zones_read import ZoneFile, read_zones
from araz.exchange._zones_write import write_zones

__all__ = [
    "COURAGEOUS_VERSION",
    "UNKNOWN_M",
    "OutputState",
    "Place3d",
    "SharedDrone",
    "SharedDrones",
    "SharedSighting",
    "TrialNight",
    "ZoneFile",
    "cot_of_alarm",
    "cot_of_order",
    "cot_of_track",
    "cot_removed",
    "courageous_of",
    "csv_of_tracks",
    "ellipse_ring",
    "geojson_of",
    "misp_event",
    "output_hello",
    "output_init",
    "output_step",
    "read_courageous",
    "read_misp",
    "read_zones",
    "write_zones",
]
