"""What a service is told of a published area: in each window of the clock, whether something was in it.

    told(area, w) = hidden tracks were followed in w   or   the service's own picture had a track there in w or w - 1

The second part depends on the service's own picture alone. It makes the answer the same whether or not the hidden
source saw what the service sees too: else the place where an open track is, when the answer changes, would tell what
the hidden source reaches. Windows end by the clock, and nothing is told before their end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from araz.disclosure._sources import Rules
from araz.vocabulary import Picture, Track, Withheld

#: Windows remembered: the one that runs, and the two before it.
REMEMBERED = 3


@dataclass(frozen=True, slots=True, eq=False)
class VeilState:
    """For each area the last windows in which hidden tracks, and open ones, were there."""

    followed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    seen: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def veil_note(state: VeilState, rules: Rules, whole: Picture | None, own: Picture | None) -> VeilState:
    """Note what the whole night's picture and the service's own picture hold; either may be None."""
    if whole is not None:
        areas = {_area(rules, track) for track in whole.tracks}
        state = VeilState(_noted(state.followed, areas - {""}, whole.at_us // rules.window_us), state.seen)
    if own is not None and own.tracks:
        places = rules.enu_m([t.latitude_deg for t in own.tracks], [t.longitude_deg for t in own.tracks])
        areas = {name for name, (_, box) in rules.published.items() if any(box.holds(*place) for place in places)}
        state = VeilState(state.followed, _noted(state.seen, areas, own.at_us // rules.window_us))
    return state


def _area(rules: Rules, track: Track) -> str:
    """The area that is told of instead of a track; where it is has no say in that."""
    feeds = (rules.closed_sensors.get(name) for name in track.sensors)
    return next((feed.area for feed in feeds if feed is not None and feed.area), "")


def _noted(windows: Mapping[str, tuple[int, ...]], areas: Collection[str], now: int) -> Mapping[str, tuple[int, ...]]:
    if not areas:
        return windows
    return {**windows, **{name: (*_other(windows.get(name, ()), now), now)[-REMEMBERED:] for name in areas}}


def _other(windows: tuple[int, ...], now: int) -> tuple[int, ...]:
    return tuple(one for one in windows if one != now)


def withheld_at(state: VeilState, rules: Rules, at_us: int) -> list[Withheld]:
    """What the service is told at a time: one entry an area, always in the same order and number."""
    last = at_us // rules.window_us - 1
    from_us, to_us = max(0, last * rules.window_us), max(0, (last + 1) * rules.window_us)
    told = [
        Withheld(
            area_id=name, owner=owner, from_us=from_us, to_us=to_us,
            is_active=last in state.followed.get(name, ()) or bool({last, last - 1} & {*state.seen.get(name, ())}),
        )
        for name, (owner, _) in sorted(rules.published.items())
    ]  # fmt: skip
    blank = [(name, owner) for name, (owner, _) in sorted(rules.hidden.items())]
    blank += [("", owner) for owner in sorted(rules.mute)]
    return told + [Withheld(area_id=name, owner=owner, from_us=from_us, to_us=to_us) for name, owner in blank]
