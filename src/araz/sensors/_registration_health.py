"""Registration joins the health record: one sensor, one line for the technician."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from araz.vocabulary import SensorHealth, SensorRegistration, SensorState, phrase


def health_with_registration(
    said: Sequence[SensorHealth],
    before: Mapping[str, SensorHealth],
    reports: Sequence[SensorRegistration],
    clock_offset_us: Mapping[str, int],
    now_us: int,
) -> list[SensorHealth]:
    """Return the health records that are due with each sensor's registration in them, and one more for each new report.

    ``before`` is the newest record of each sensor, ``clock_offset_us`` what arrival times already took off a clock
    (received minus observed): the reported clock error is both together. A sensor that registration calls a liar has
    the state LYING, one that contradicts its only judge DEGRADED, unless it is silent, failed or worse anyway.
    """
    new = {report.sensor_id: _whole_clock(report, clock_offset_us) for report in reports}
    out = []
    for record in said:
        old = before.get(record.sensor_id)
        out.append(_judged(record, new.pop(record.sensor_id, old.registration if old is not None else None)))
    for name, report in new.items():
        if (old := before.get(name)) is not None:
            out.append(_judged(msgspec.structs.replace(_bare(old), at_us=now_us), report))
    return out


def _whole_clock(report: SensorRegistration, clock_offset_us: Mapping[str, int]) -> SensorRegistration:
    """Registration sees what is left after arrival times corrected a clock: its stamp minus the truth is both."""
    offset_s = clock_offset_us.get(report.sensor_id, 0) / 1e6
    if offset_s == 0.0:
        return report
    biases = [
        msgspec.structs.replace(bias, value=round(bias.value - offset_s, 4), is_applied=True)
        if bias.component == "clock"
        else bias
        for bias in report.biases
    ]
    return msgspec.structs.replace(report, biases=biases)


def _bare(record: SensorHealth) -> SensorHealth:
    """The record without a verdict that came from registration."""
    told = record.registration
    if told is None or record.sentence != told.sentence:
        return record
    words = phrase("health.alive", sensor=record.sensor_id)
    return msgspec.structs.replace(record, state=SensorState.OK, sentence=str(words), said=words.said)


def _judged(record: SensorHealth, report: SensorRegistration | None) -> SensorHealth:
    if report is None:
        return record
    record = msgspec.structs.replace(record, registration=report)
    if record.state not in (SensorState.OK, SensorState.UNKNOWN, SensorState.DEGRADED):
        return record
    if report.is_lying:
        return msgspec.structs.replace(record, state=SensorState.LYING, sentence=report.sentence, said=report.said)
    if report.is_disputed:
        return msgspec.structs.replace(record, state=SensorState.DEGRADED, sentence=report.sentence, said=report.said)
    return record
