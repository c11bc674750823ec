"""ROOM 5b: what one service may see of another's sources, and what it is told of the rest.

**Takes** a site, a service's name, the places of tracks, releases as journalled.
**Gives** the site as that service may see it, withheld areas in words, whether two persons released an alarm.
**Keeps** in which windows of the clock something was in an area; releases and who signed them.
**May import** vocabulary, geography.
**Never** blurs a number that a hidden source moved: a picture is made without that source, or not at all.
"""

from araz.disclosure._places import Shield, shield_keeps, shield_moved
from araz.disclosure._release import (
    GRANTING,
    Releases,
    Standing,
    is_released,
    next_end_us,
    release_objection,
    release_step,
    released_alarm,
    released_track,
)
from araz.disclosure._sources import Box, Rules, box_of, closed_owners, open_site, rules_of, sees_all, site_objection
from araz.disclosure._veil import VeilState, veil_note, withheld_at

__all__ = [
    "GRANTING",
    "Box",
    "Releases",
    "Rules",
    "Shield",
    "Standing",
    "VeilState",
    "box_of",
    "closed_owners",
    "is_released",
    "next_end_us",
    "open_site",
    "release_objection",
    "release_step",
    "released_alarm",
    "released_track",
    "rules_of",
    "sees_all",
    "shield_keeps",
    "shield_moved",
    "site_objection",
    "veil_note",
    "withheld_at",
]
