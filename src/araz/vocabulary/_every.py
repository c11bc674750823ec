"""Everything Araz can say."""

from __future__ import annotations

from araz.vocabulary._drill import Drill
from araz.vocabulary._events import Alarm, Decision, Incident, Picture, ReportReceived, SensorHealth
from araz.vocabulary._observation import Rejected

Event = Picture | Incident | Alarm | Decision | SensorHealth | ReportReceived | Rejected | Drill
