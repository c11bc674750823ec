"""WORLD: what the people see: HTTP API, live stream, the map's built files.

**Takes** the site, a Reader of records, a `submit` that journals before it returns, live events put on the Hub.
**Gives** a Litestar application (`create_app`); people's decisions and reports as journal payloads.
**Keeps** the connected browsers, and the ids of recent submissions so that a repeated press is recorded once.
**May import** vocabulary, geography, sensors.
**Never** decides anything, opens the store, reads a feed, or loads anything from another host.
"""

from araz.console._app import create_app
from araz.console._geometry import site_geometry
from araz.console._hub import Hub, Subscriber
from araz.console._ports import Reader, Submit
from araz.console._wire import ClockFrame, LiveEvent, PictureFrame

__all__ = [
    "ClockFrame",
    "Hub",
    "LiveEvent",
    "PictureFrame",
    "Reader",
    "Submit",
    "Subscriber",
    "create_app",
    "site_geometry",
]
