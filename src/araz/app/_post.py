"""The command of a post: it watches its part of the sector alone, and passes its journal on when there is a line."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import cyclopts
import msgspec
from cyclopts import Parameter

from araz.app._accounts import check_exposure
from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._data import site_path
from araz.app._live import Live, watch
from araz.app._nats_server import leaf_server
from araz.app._post_book import PostJournal, restore_journal
from araz.app._post_keys import make_keys
from araz.app._posts import POWER_SOURCE
from araz.app._power import POWER_EVERY_S, read_power
from araz.app._rim import say
from araz.feeds import ship_forever
from araz.vocabulary import Alarm, AlarmState, Event, Picture, Site

post = cyclopts.App(name="post", help="A post on the line: watches alone, passes its journal on to the centre.")


@post.default
def run_post(
    *,
    post: Annotated[str, Parameter(help="Its id in the site's [[posts]].")],
    centre: Annotated[
        str, Parameter(help="HOST:PORT of the centre (araz watch --posts); of both nodes, if it has two.")
    ],
    site: Annotated[str, Parameter(help="Site file of the whole sector.")] = "chain",
    out: Annotated[Path, Parameter(help="Folder for journal and records.")] = Path("out/post"),
    keys: Annotated[Path | None, Parameter(help="Folder with ca.crt, POST.crt, POST.key.")] = None,
    power: Annotated[
        Path | None, Parameter(help="JSON file of the battery's meter, or /sys/class/power_supply/X.")
    ] = None,
    host: str = "127.0.0.1",
    port: int = 8471,
    accounts: Annotated[Path | None, Parameter(help="Accounts file; needed beyond localhost.")] = None,
    tls: Annotated[Path | None, Parameter(help="Folder of the console's certificate; needed beyond localhost.")] = None,
) -> int:
    """Watch a post's own sensors: journal, tracks and alarms here, whether or not the centre can be reached.

    Every journal entry reaches the centre once and in order, however often the line is cut and either end killed.

    Example: araz post --site chain --post P03 --centre 10.0.0.5:7422 --keys keys --out /var/lib/araz
             araz post --post P01 --centre 127.0.0.1:7422 --power /sys/class/power_supply/BAT0
             araz post --post P01 --centre 10.0.0.5:7422,10.0.0.6:7422 --keys keys
             araz post keys 10.0.0.5 P01 P02 P03 --out keys
    """
    check_exposure(host, accounts, tls)
    bundle = bundle_from_file(site_path(site), post)
    own, _, _ = site_from_bundle(bundle)
    with leaf_server(out / "nats", centre, post, keys) as server:

        def beside(live: Live) -> Sequence[Coroutine[Any, Any, None]]:
            live.night.listen(NearestPatrol(own, say).note)
            link = ship_forever(server.url, post, PostJournal(live.night.journal.path), say)
            return [server.keep(say), link, *([] if power is None else [_meter(live, power)])]

        return watch(bundle, out, host, port, accounts=accounts, tls=tls, beside=beside)


@post.command(name="keys")
def keys_command(centre: str, *posts: str, out: Path = Path("out/keys"), days: int = 825) -> int:
    """Make the keys of mutual TLS: an authority, the centre's and each post's. Existing ones stay; new posts join.

    Example: araz post keys centre.example P01 P02 P03 --out keys
    """
    if not posts:
        raise ValueError("name the posts that get a key, for example: araz post keys 10.0.0.5 P01 P02")
    make_keys(centre, posts, out, days)
    return 0


@post.command
def restore(
    post: str,
    *,
    journal: Annotated[Path, Parameter(help="The centre's journal.")],
    out: Annotated[Path, Parameter(help="Folder of the post, to be carried to its new disk.")],
) -> int:
    """Make a post's journal again from the centre's, for a post that lost its disk: it goes on under its id.

    Example: araz post restore P03 --journal /var/lib/araz/night.journal --out p03
    """
    count = restore_journal(journal, post, out / "night.journal")
    say(f"{count} entries of {post} in {out}; start it with: araz post --post {post} --out {out}")
    return 0


async def _meter(live: Live, path: Path) -> None:
    """Journal what the battery's meter says, each minute; what it does not say is unknown."""
    while True:
        reading = await asyncio.to_thread(read_power, path, live.clock())
        with contextlib.suppress(OSError, ValueError):  # a full disk: the journal says so, and the post goes on
            await live.take(live.clock(), POWER_SOURCE, msgspec.json.encode(reading))
        await asyncio.sleep(POWER_EVERY_S)


class NearestPatrol:
    """Says each new alarm of priority 1 or 2 once more when it changes, with the patrol that is there first."""

    def __init__(self, site: Site, tell: Callable[[str], None]) -> None:
        self._site = site
        self._tell = tell
        self._said: dict[str, tuple[int, str]] = {}
        self._places: dict[str, tuple[float, float]] = {}

    def note(self, events: Sequence[Event]) -> None:
        """Take what the night said."""
        for event in events:
            if isinstance(event, Picture):
                self._places = {one.track_id: (one.latitude_deg, one.longitude_deg) for one in event.tracks}
            if isinstance(event, Alarm) and event.priority <= 2 and event.state is AlarmState.ACTIVE:
                patrol = self.patrol_for(event)
                if patrol and self._said.get(event.alarm_id) != (event.priority, patrol):
                    self._said[event.alarm_id] = (event.priority, patrol)
                    self._tell(f"ALARM {event.alarm_id} for {patrol}: {event.sentence}")

    def patrol_for(self, alarm: Alarm) -> str:
        """The patrol that the ranking puts first, else the nearest as the crow flies; empty where there is none."""
        if alarm.options:
            return alarm.options[0].patrol_id
        place = self._places.get(alarm.track_id or "")
        if place is None and alarm.areas:
            place = (alarm.areas[0].latitude_deg, alarm.areas[0].longitude_deg)
        if place is None:
            place = (self._site.posts[0].latitude_deg, self._site.posts[0].longitude_deg)
        latitude_deg, longitude_deg = place
        narrow = math.cos(math.radians(latitude_deg))
        able = [one for one in self._site.patrols if one.is_available]
        found = min(
            able,
            key=lambda one: math.hypot(one.latitude_deg - latitude_deg, narrow * (one.longitude_deg - longitude_deg)),
            default=None,
        )
        return "" if found is None else found.id
