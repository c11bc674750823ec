"""ROOM 5c: what Araz says, in other systems' words.

**Takes** tracks, alarms, decisions and sensor health as records of the vocabulary.
**Gives** Cursor on Target XML, SAPIENT frames of a fusion node, GeoJSON and CSV, as bytes or plain values.
**Keeps** which tracks an output was told of, as a value.
**May import** sensors (for the SAPIENT encoder), vocabulary; the standard library's XML and CSV.
**Never** opens a socket or a file, invents a height, or exports what was not believed.
"""

from araz.exchange._cot import UNKNOWN_M, cot_of_alarm, cot_of_order, cot_of_track, cot_removed
from araz.exchange._flow import OutputState, output_hello, output_init, output_step
from araz.exchange._geojson import ellipse_ring, geojson_of
from araz.exchange._table import csv_of_tracks

__all__ = [
    "UNKNOWN_M",
    "OutputState",
    "cot_of_alarm",
    "cot_of_order",
    "cot_of_track",
    "cot_removed",
    "csv_of_tracks",
    "ellipse_ring",
    "geojson_of",
    "output_hello",
    "output_init",
    "output_step",
]
