"""Places in which a service sees nothing, by whatever source: what lies in them is left out of all that it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from araz.disclosure._sources import Rules
from araz.vocabulary import Alarm, Event, Incident, Picture, ReportReceived


@dataclass(frozen=True, slots=True, eq=False)
class Shield:
    """The tracks that are in a hidden place now, by name."""

    inside: frozenset[str] = field(default_factory=frozenset)


def shield_moved(rules: Rules, picture: Picture) -> tuple[Shield, Picture]:
    """Return who is in a hidden place, and the picture without them."""
    if not rules.hidden:
        return Shield(), picture
    inside = frozenset(
        track.track_id for track, is_in in zip(picture.tracks, _are_inside(rules, picture.tracks), strict=True) if is_in
    )
    cones = [cone for cone, is_in in zip(picture.cones, _are_inside(rules, picture.cones), strict=True) if not is_in]
    return Shield(inside), replace(picture, tracks=[t for t in picture.tracks if t.track_id not in inside], cones=cones)


def shield_keeps(shield: Shield, rules: Rules, event: Event) -> bool:
    """Whether an incident, alarm or report may be shown: nothing of it lies in a hidden place."""
    if not rules.hidden:
        return True
    if isinstance(event, ReportReceived):
        is_placed = event.report.latitude_deg is not None and event.report.longitude_deg is not None
        return is_placed and not any(_are_inside(rules, [event.report]))
    if not isinstance(event, Alarm | Incident):
        return True
    if event.track_id in shield.inside or any(_are_inside(rules, event.areas)):
        return False
    return not (isinstance(event, Alarm) and any(_are_inside(rules, event.options)))


def _are_inside(rules: Rules, items: Sequence[Any]) -> list[bool]:
    """Whether each of the things that have a latitude and a longitude lies in a hidden place."""
    places = rules.enu_m([item.latitude_deg for item in items], [item.longitude_deg for item in items])
    return [any(box.holds(*place) for _, box in rules.hidden.values()) for place in places]
