"""BESIDE ROOM 3: nights that never were, as truth and as the bytes Araz would have received; and the score.

**Takes** a scenario's text, a place, a seed; recorded flights as bytes; truth and events to score.
**Gives** truth records, wire messages in order of arrival, recorded flights moved to the site, a scoreboard.
**Keeps** nothing.
**May import** vocabulary, geography, sensors.
**Never** reads a clock or a file, or draws from a random stream that the seed does not fix.
"""

from araz.simulation._board import DropScore, Rate, Scoreboard, SortieScore, scoreboard_table
from araz.simulation._bodies import Body
from araz.simulation._fly import body_from_flight, move_to
from araz.simulation._gospa import gospa
from araz.simulation._night import Night, simulate
from araz.simulation._post import Arrival
from araz.simulation._scenario import Scenario, read_scenario
from araz.simulation._score import score
from araz.simulation._score_events import rate
from araz.simulation._truth import Truth, TruthEvent, TruthRecord, encode_truth, read_truth

__all__ = [
    "Arrival",
    "Body",
    "DropScore",
    "Night",
    "Rate",
    "Scenario",
    "Scoreboard",
    "SortieScore",
    "Truth",
    "TruthEvent",
    "TruthRecord",
    "body_from_flight",
    "encode_truth",
    "gospa",
    "move_to",
    "rate",
    "read_scenario",
    "read_truth",
    "score",
    "scoreboard_table",
    "simulate",
]
