"""What people send: checked, encoded, journalled, and recorded once however often it is delivered."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict

import msgspec

from araz.console._errors import Refused
from araz.console._ports import Submit
from araz.console._wire import Recorded, ReportIn
from araz.incidents import MAX_SHELVE_S
from araz.sensors import encode_decision, encode_report
from araz.vocabulary import LATEST_TIME_US, Decision, DecisionAction, PeopleReport, ReportKind, phrase

_MAX_ID = 128
_MAX_SQUARES = 400
_SQUARE = re.compile(r"\d{2,4}:-?\d{1,6}:-?\d{1,6}")
_MAX_TEXT = 2_000


class Desk:
    """Takes decisions and reports to the journal; remembers recent ids, so that a repeat is answered, not repeated."""

    def __init__(self, submit: Submit, *, remembered: int = 10_000) -> None:
        self._submit = submit
        self._remembered = remembered
        self._done: OrderedDict[tuple[str, str], asyncio.Future[Recorded]] = OrderedDict()

    async def record(self, source: str, key: str, payload: bytes) -> Recorded:
        """Journal ``payload`` once per ``key``; a second delivery waits for the first and gets its answer."""
        known = self._done.get((source, key))
        if known is not None:
            return msgspec.structs.replace(await asyncio.shield(known), repeated=True)
        future: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._done[source, key] = future
        try:
            message = await self._submit(source, payload)
        except BaseException as error:
            del self._done[source, key]
            future.set_exception(
                error if isinstance(error, Exception) else RuntimeError("the submission was cancelled")
            )
            future.exception()  # read here, so that nobody waiting is not an unhandled error
            raise
        recorded = Recorded(id=key, seq=message.seq, received_at_us=message.received_at_us)
        future.set_result(recorded)
        while len(self._done) > self._remembered:
            self._done.popitem(last=False)
        return recorded


def decision_payload(decision: Decision) -> bytes:
    """Check that a decision is complete, and encode it for the journal."""
    _need(0 < len(decision.decision_id) <= _MAX_ID, "refused.decision-id", "refused.new-id")
    _need(0 < len(decision.officer) <= _MAX_ID, "refused.officer", "refused.name-post")
    action = decision.action
    if action is DecisionAction.SEND:
        _need(bool(decision.patrol_id), "refused.no-patrol", "refused.give-patrol")
    is_same = decision.order is None or decision.order.patrol_id == decision.patrol_id
    _need(is_same, "refused.other-order", "refused.give-order")
    if action is DecisionAction.REJECT:
        _need(bool((decision.reason or "").strip()), "refused.no-reason", "refused.give-reason")
    if action is DecisionAction.SHELVE:
        is_finite = decision.shelve_s is not None and 0 < decision.shelve_s <= MAX_SHELVE_S
        _need(
            is_finite,
            "refused.no-end",
            "refused.give-end",
            most=f"{MAX_SHELVE_S:.0f}",
        )
    _need(len(decision.reason or "") <= _MAX_TEXT, "refused.long-reason", "refused.characters", most=_MAX_TEXT)
    return encode_decision(decision)


def report_payload(report: ReportIn) -> bytes:
    """Check a person's report and encode it for the journal; unknown stays None."""
    kinds = [kind.value for kind in ReportKind]
    choices, text = ", ".join(kinds), repr(report.kind)
    _need(report.kind in kinds, "refused.whole", "refused.use-one", name="kind", text=text, choices=choices)
    _need(0 < len(report.report_id) <= _MAX_ID, "refused.report-id", "refused.new-id")
    _need(0 < len(report.reporter) <= _MAX_ID, "refused.reporter", "refused.name-reporter")
    _need(len(report.text or "") <= _MAX_TEXT, "refused.long-text", "refused.characters", most=_MAX_TEXT)
    is_time = 0 < report.observed_at_us <= LATEST_TIME_US
    _need(is_time, "refused.no-time", "refused.give-time", name="observed_at_us")
    _need_range("azimuth_deg", report.azimuth_deg, 0, 360)
    _need_range("azimuth_sigma_deg", report.azimuth_sigma_deg, 0.1, 180)
    _need_range("latitude_deg", report.latitude_deg, -90, 90)
    _need_range("longitude_deg", report.longitude_deg, -180, 180)
    has_both = (report.latitude_deg is None) == (report.longitude_deg is None)
    _need(has_both, "refused.half-place", "refused.both-or-neither")
    _need(not report.searched or report.kind == "nothing", "refused.only-nothing", "refused.kind-nothing")
    _need(
        len(report.searched) <= _MAX_SQUARES,
        "refused.many-squares",
        "refused.squares-a-report",
        most=_MAX_SQUARES,
    )
    is_named = all(_SQUARE.fullmatch(name) for name in report.searched)
    _need(is_named, "refused.no-square", "refused.square-names")
    _need_range("search_detection", report.search_detection, 0, 0.99)
    people = PeopleReport(
        kind=ReportKind(report.kind),
        reporter=report.reporter,
        report_id=report.report_id,
        latitude_deg=report.latitude_deg,
        longitude_deg=report.longitude_deg,
        text=report.text,
        searched=report.searched,
        search_detection=report.search_detection,
    )
    return encode_report(
        people,
        report.observed_at_us,
        azimuth_deg=report.azimuth_deg,
        azimuth_sigma_deg=report.azimuth_sigma_deg,
    )


def _need(holds: bool, message: str, remedy: str, **values: str | int) -> None:
    """Refuse by two keys of the catalogue, filled with the same values."""
    if not holds:
        raise Refused(422, "incomplete", phrase(message, **values), phrase(remedy, **values))


def _need_range(name: str, value: float | None, low: float, high: float) -> None:
    is_inside = value is None or low <= value <= high
    _need(is_inside, "refused.whole", "refused.in-range", name=name, text=str(value), low=str(low), high=str(high))
