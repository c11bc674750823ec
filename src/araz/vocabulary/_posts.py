"""What posts add: how their power stands, and what their late messages change in the history."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from araz.vocabulary._events import Incident
from araz.vocabulary._quantities import Probability, TimeUs

PowerW = Annotated[float, Meta(ge=0, le=1e6, extra={"unit": "W"})]


class PowerReading(msgspec.Struct, frozen=True, kw_only=True, tag="power-reading"):
    """One look at a post's battery; what its meter does not tell is None."""

    at_us: TimeUs
    charge: Probability | None = None
    """State of charge, 1 when full."""
    load_w: PowerW | None = None
    """What the post draws, the sun not counted."""
    solar_w: PowerW | None = None
    """What the panel gives."""
    temperature_c: Annotated[float, Meta(ge=-60, le=90, extra={"unit": "°C"})] | None = None
    """Of the battery."""


class Correction(msgspec.Struct, frozen=True, kw_only=True, tag="correction"):
    """What a span of time looks like once late messages are judged in their place; nothing said before is edited."""

    from_us: TimeUs
    """First and last time at which a late message reached its post."""
    to_us: TimeUs
    upto_seq: int
    """The last journal entry that was judged."""
    posts: list[str]
    """The posts whose messages were late."""
    incidents: list[Incident]
    """New ones, changed ones and ``corrected`` ones; the two last name what they supersede."""
