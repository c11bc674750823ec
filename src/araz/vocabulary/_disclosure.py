"""What one service is told of another's sources: what is withheld, and what two persons released."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from araz.vocabulary._quantities import TimeUs


class Withheld(msgspec.Struct, frozen=True, kw_only=True, tag="withheld"):
    """What a service is told of a published area instead of tracks: the area, a span of the clock, yes or no."""

    area_id: str
    """A published area of the site file; empty for sources of which nothing is ever said."""
    owner: str
    """The service to ask for a release."""
    from_us: TimeUs
    to_us: TimeUs
    """The last whole window of the clock; windows do not depend on what happened in them."""
    is_active: bool | None = None
    """Whether something was in the area, by whatever source; None: nothing is ever said."""


class ReleaseStep(StrEnum):
    """What a person did about a release."""

    ASK = "ask"
    CONFIRM = "confirm"
    REVOKE = "revoke"
    """Takes back: a wish before it was confirmed, a release afterwards."""
    REFUSE = "refuse"


class ReleaseState(StrEnum):
    """How far a release has come."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """Taken back before the second person had answered."""
    REVOKED = "revoked"
    """Taken back after it had been granted."""
    ENDED = "ended"
    """Its time is over, granted or not."""


class ReleaseScope(StrEnum):
    """What is released: the alarm and its track on the screen, or the whole case with every source of the site."""

    PICTURE = "picture"
    CASE = "case"


class Release(msgspec.Struct, frozen=True, kw_only=True, tag="release"):
    """One step of a release by four eyes, as it stands in the journal; the server says who, not the browser."""

    release_id: Annotated[str, Meta(min_length=1, max_length=64)]
    step: ReleaseStep
    alarm_id: str
    """The alarm as its owner numbers it."""
    to_service: str
    scope: ReleaseScope
    reason: str
    account: str
    service: str
    """The service whose sources it releases: that of the account."""
    at_us: TimeUs
    role: str = ""
    """The role in which the account did it; empty in journals older than this field."""
    until_us: TimeUs | None = None
    """When what is asked for ends by itself; None, as in older journals: not by itself."""
