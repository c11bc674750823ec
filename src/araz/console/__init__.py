"""WORLD: what the people see: HTTP API, live stream, the map's built files.

**Takes** the site, a Reader of records, a `submit` that journals before it returns, live events put on the Hub.
**Gives** a Litestar application (`create_app`); people's decisions and reports as journal payloads.
**Keeps** the connected browsers, and the ids of recent submissions so that a repeated press is recorded once.
**May import** vocabulary, geography, sensors, disclosure.
**Never** decides anything, opens the store, reads a feed, or loads anything from another host.
"""

from araz.console._access import ACCESS, OPEN, Role, access_table, rule_of
from araz.console._app import create_app
from araz.console._described import asks
from araz.console._errors import Refused, told_by
from araz.console._gate import (
    Access,
    Account,
    Gate,
    Identity,
    OfService,
    SignIn,
    purpose_objection,
    session_cookie,
)
from araz.console._geometry import site_geometry
from araz.console._hub import Hub, Subscriber
from araz.console._ports import Clock, Reader, Speed, Submit, live_speed
from araz.console._requests import AnyRequest, json_of, time_of
from araz.console._sessions import Session, Sessions, SessionWord
from araz.console._signin import session_of
from araz.console._wire import ClockFrame, LiveEvent, PictureFrame

__all__ = [
    "ACCESS",
    "OPEN",
    "Access",
    "Account",
    "AnyRequest",
    "Clock",
    "ClockFrame",
    "Gate",
    "Hub",
    "Identity",
    "LiveEvent",
    "OfService",
    "PictureFrame",
    "Reader",
    "Refused",
    "Role",
    "Session",
    "SessionWord",
    "Sessions",
    "SignIn",
    "Speed",
    "Submit",
    "Subscriber",
    "access_table",
    "asks",
    "create_app",
    "json_of",
    "live_speed",
    "purpose_objection",
    "rule_of",
    "session_cookie",
    "session_of",
    "site_geometry",
    "time_of",
    "told_by",
]
