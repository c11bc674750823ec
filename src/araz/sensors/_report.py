"""People's reports on the wire: one JSON object a message, from the patrol's page, the officer or the command line.

==================== ======================================================================
field                meaning
==================== ======================================================================
observed_at_us       true time of the press, not of the delivery
report               ``PeopleReport``: kind, reporter (a post, never a name), report_id, place
azimuth_deg          direction clockwise from true north, if one was given
azimuth_sigma_deg    its honest standard deviation; 15° for a person who points in the dark
==================== ======================================================================

Source: ours. A repeated ``report_id`` is the same press delivered twice and becomes a counted ``duplicate``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from araz.sensors._decoder import rejected, sole_sensor
from araz.vocabulary import LATEST_TIME_US, Bearing, Decoded, Feed, Message, Observation, PeopleReport, Sensor

#: A person who points at a sound at night: median error in our sources is 10-20 degrees.
PERSON_AZIMUTH_SIGMA_DEG = 15.0
#: Reports remembered to recognise a second delivery of the same press.
REMEMBERED_REPORTS = 4096


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    observed_at_us: Annotated[int, Meta(ge=0, le=LATEST_TIME_US)]
    report: PeopleReport
    azimuth_deg: Annotated[float, Meta(ge=0, le=360)] | None = None
    azimuth_sigma_deg: Annotated[float, Meta(gt=0, le=180)] | None = None


class ReportState(msgspec.Struct, frozen=True):
    """Which sensor the reports belong to, and the last report ids."""

    sensor_id: str
    seen: tuple[str, ...] = ()


def encode_report(
    report: PeopleReport,
    observed_at_us: int,
    *,
    azimuth_deg: float | None = None,
    azimuth_sigma_deg: float | None = None,
) -> bytes:
    """Return the wire bytes of one report (see the table above)."""
    return msgspec.json.encode(
        _Wire(
            observed_at_us=observed_at_us,
            report=report,
            azimuth_deg=azimuth_deg,
            azimuth_sigma_deg=azimuth_sigma_deg,
        )
    )


def report_init(feed: Feed, sensors: Sequence[Sensor]) -> ReportState:
    """Return the state before the first report of ``feed``."""
    return ReportState(sensor_id=sole_sensor(feed, sensors))


def report_step(state: ReportState, message: Message) -> tuple[ReportState, list[Decoded]]:
    """Decode one report; anything else is a counted reject."""
    try:
        wire = msgspec.json.decode(message.payload, type=_Wire)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return state, [rejected(message, "bad-report", f"not a report: {error}; see docs/sensors/people.md")]
    report = wire.report
    if report.report_id in state.seen:
        return state, [rejected(message, "duplicate", f"report {report.report_id} was delivered before")]
    if (report.latitude_deg is None) != (report.longitude_deg is None):
        return state, [rejected(message, "bad-report", "a place needs both latitude_deg and longitude_deg")]
    measurement = None
    if wire.azimuth_deg is not None:
        measurement = Bearing(
            azimuth_deg=wire.azimuth_deg,
            azimuth_sigma_deg=PERSON_AZIMUTH_SIGMA_DEG if wire.azimuth_sigma_deg is None else wire.azimuth_sigma_deg,
            latitude_deg=report.latitude_deg,
            longitude_deg=report.longitude_deg,
        )
    observation = Observation(
        sensor_id=state.sensor_id,
        observed_at_us=wire.observed_at_us,
        received_at_us=message.received_at_us,
        message_seq=message.seq,
        measurement=measurement,
        report=report,
    )
    seen = (*state.seen, report.report_id)[-REMEMBERED_REPORTS:]
    return ReportState(sensor_id=state.sensor_id, seen=seen), [observation]
