"""Where to look: the squares of an alarm's drop area after everything the patrols reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from litestar import get

from araz.console import AnyRequest, Clock, Refused, asks
from araz.geography import Place
from araz.intercept import WALKED_ONCE, SearchGrid, search, search_grid, square_name, square_of
from araz.vocabulary import Alarm, Area, ReportReceived, SearchPlan, SearchSquare, phrase

#: No search is believed to be surer than this: what is certain cannot be corrected.
SUREST = 0.99


class SearchReader(Protocol):
    """The records a search is followed by."""

    def alarm_history(self, alarm_id: str) -> Sequence[Alarm]:
        """Return the revisions of one alarm in order of change."""

    def reports(self, since_us: int = 0) -> Sequence[ReportReceived]:
        """Return people's reports in order of arrival."""


def search_plan(place: Place, alarm: Alarm, reports: Sequence[ReportReceived], at_us: int) -> SearchPlan | None:
    """Return the squares of an alarm's first area, or None when it has none that a grid can be laid on.

    Every search since the alarm counts, by whoever and under whichever revision of the area: squares lie on the site's
    lattice, and one of another size counts for the share it covers.
    """
    area = _area(alarm)
    if area is None:
        return None
    grid = search_grid(place, area)
    for one in reports:
        if one.observed_at_us >= alarm.raised_at_us and one.received_at_us <= at_us:
            grid = _searched(grid, one)
    return _plan(place, alarm, area, grid, at_us)


def _area(alarm: Alarm) -> Area | None:
    """The widest of the areas that share the first one's centre."""
    if not alarm.areas:
        return None
    first = alarm.areas[0]
    same = [
        one
        for one in alarm.areas
        if (one.latitude_deg, one.longitude_deg) == (first.latitude_deg, first.longitude_deg) and one.semi_minor_m > 0
    ]
    return max((one for one in same if 0 < one.probability < 1), key=lambda one: one.probability, default=None)


def _searched(grid: SearchGrid, one: ReportReceived) -> SearchGrid:
    told = one.report.search_detection
    detection = min(WALKED_ONCE if told is None else told, SUREST)
    for name in one.report.searched:
        try:
            grid = search(grid, square_of(name), detection)
        except ValueError:
            continue  # a name of another lattice; the report itself is kept
    return grid


def _plan(place: Place, alarm: Alarm, area: Area, grid: SearchGrid, at_us: int) -> SearchPlan:
    centre = place.frame.to_enu(area.latitude_deg, area.longitude_deg, place.frame.hae_m)[0, :2]
    enu = np.stack([grid.east_m, grid.north_m, np.zeros_like(grid.east_m)], axis=1)
    latitude, longitude, _ = place.frame.to_geodetic(enu)
    squares = [
        SearchSquare(
            name=square_name(east, north, grid.side_m), east_m=round(east - centre[0], 1),
            north_m=round(north - centre[1], 1), latitude_deg=lat, longitude_deg=lon,
            probability=p, searched=1.0 - missed,
        )
        for east, north, lat, lon, p, missed in zip(
            grid.east_m.tolist(), grid.north_m.tolist(), latitude.tolist(), longitude.tolist(),
            grid.probability.tolist(), grid.missed.tolist(), strict=True,
        )
    ]  # fmt: skip
    return SearchPlan(
        alarm_id=alarm.alarm_id, at_us=at_us, side_m=grid.side_m, latitude_deg=area.latitude_deg,
        longitude_deg=area.longitude_deg, squares=squares, outside=max(0.0, grid.outside), walked_once=WALKED_ONCE,
    )  # fmt: skip


def search_handlers(reader: SearchReader, place: Place, clock: Clock) -> list[Any]:
    """Return the handler of the search page."""

    @get("/api/search", sync_to_thread=True, opt=asks(text="alarm_id"))
    def get_search(request: AnyRequest) -> SearchPlan:
        name = request.query_params.get("alarm_id", "")
        revisions = reader.alarm_history(name)
        since_us = revisions[-1].raised_at_us if revisions else 0
        plan = search_plan(place, revisions[-1], reader.reports(since_us), clock()) if revisions else None
        if plan is None:
            raise Refused(404, "no-area", phrase("refused.no-area", name=repr(name)), phrase("refused.see-alarms"))
        return plan

    return [get_search]
