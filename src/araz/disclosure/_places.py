"""Places in which a service sees nothing, by whatever source: what lies in them is left out of all that it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from araz.disclosure._sources import Rules
from araz.vocabulary import Alarm, Area, Event, Incident, Picture, ReportReceived, Track


@dataclass(frozen=True, slots=True, eq=False)
class Shield:
    """The tracks that are in a hidden place now, by name."""

    inside: frozenset[str] = field(default_factory=frozenset)


def shield_moved(rules: Rules, picture: Picture) -> tuple[Shield, Picture]:
    """Return who is in a hidden place, and the picture without them."""
    if not rules.hidden:
        return Shield(), picture
    inside = frozenset(track.track_id for track in picture.tracks if _is_inside(rules, track))
    cones = [cone for cone in picture.cones if not _holds(rules, cone.latitude_deg, cone.longitude_deg)]
    return Shield(inside), replace(picture, tracks=[t for t in picture.tracks if t.track_id not in inside], cones=cones)


def shield_keeps(shield: Shield, rules: Rules, event: Event) -> bool:
    """Whether an incident, alarm or report may be shown: nothing of it lies in a hidden place."""
    if not rules.hidden:
        return True
    if isinstance(event, ReportReceived):
        report = event.report
        is_placed = report.latitude_deg is not None and report.longitude_deg is not None
        return is_placed and not _holds(rules, report.latitude_deg or 0.0, report.longitude_deg or 0.0)
    if not isinstance(event, Alarm | Incident):
        return True
    places: list[Area] = event.areas
    if event.track_id in shield.inside or any(_holds(rules, a.latitude_deg, a.longitude_deg) for a in places):
        return False
    options = event.options if isinstance(event, Alarm) else []
    return not any(_holds(rules, option.latitude_deg, option.longitude_deg) for option in options)


def _is_inside(rules: Rules, track: Track) -> bool:
    return _holds(rules, track.latitude_deg, track.longitude_deg)


def _holds(rules: Rules, latitude_deg: float, longitude_deg: float) -> bool:
    place = rules.enu_m([latitude_deg], [longitude_deg])[0]
    return any(box.holds(*place) for _, box in rules.hidden.values())
