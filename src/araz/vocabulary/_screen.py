"""What was on the officer's screen when a decision was taken."""

from __future__ import annotations

import msgspec

from araz.vocabulary._quantities import Count, DurationS, Probability, TimeUs


class ScreenShown(msgspec.Struct, frozen=True, kw_only=True, tag="screen-shown"):
    """The officer's screen at the moment of a decision, as the browser drew it; part of the decision's record."""

    at_us: TimeUs
    """Time of the data on the screen's clock."""
    picture_at_us: TimeUs
    """The newest picture drawn."""
    sentence: str
    """The card's sentence as it was shown, in the screen's language."""
    options: list[str]
    """The options in the order shown, ``1 patrol-2 drop area 82 %``."""
    waiting: list[str]
    """Ids of the other active alarms, in the order shown."""
    tracks: Count
    troubled_sensors: list[str]
    """Sensors shown as not alive, ``acoustic-3 silent``."""
    watched_share: Probability | None = None
    page: str | None = None
    """The page that lay beside the map."""
    saw_why: bool = False
    """Whether every reason was unfolded."""
    language: str = "en"
    width_px: Count = 0
    height_px: Count = 0
    actions: Count = 0
    """Keys and taps from when the card came forward to this decision; three at most are promised."""
    looked_s: DurationS | None = None
    """How long the card had been in front; None when that is not known."""
