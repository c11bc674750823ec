"""A night as it happens: sockets in, journal, pipeline, console out; one process, one loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn

from araz.app import _pipeline as pipeline
from araz.app._accounts import Entrance, check_exposure, names_of, open_entrance, read_accounts
from araz.app._alarms import alarm_handlers
from araz.app._clock import StationClock, mind
from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._coverage import coverage_handlers
from araz.app._data import PACKAGE, REGISTER, site_path
from araz.app._drills import drill_handlers
from araz.app._metrics import Station, free_bytes, metrics_handlers
from araz.app._oidc import read_provider
from araz.app._outputs import Outputs
from araz.app._pair import Pair, in_turn
from araz.app._pair_file import Sides
from araz.app._pair_leader import Fenced
from araz.app._plan_desk import plan_handlers
from araz.app._releases import release_handlers
from araz.app._rim import say, wall_clock_us
from araz.app._runtime import BATCH, Arrival, Night
from araz.app._search import search_handlers
from araz.app._seizure_desk import seizure_handlers
from araz.app._signin_ways import way_handlers
from araz.app._station import Item, keep_door
from araz.app._views import View
from araz.console import Gate, Hub, OfService, Refused, Speed, create_app, live_speed, site_geometry
from araz.disclosure import sees_all
from araz.feeds import run_feeds
from araz.geography import Place
from araz.sensors import sapient_replies
from araz.vocabulary import (
    Alarm,
    Decision,
    Drill,
    Event,
    Feed,
    Format,
    Incident,
    Message,
    Rejected,
    SensorHealth,
    Site,
    phrase,
)

log = logging.getLogger("araz")

#: Wall time between two pictures for the map.
PICTURE_EVERY_S: Final = 0.1
#: Node id under which Araz answers SAPIENT sensors; any fixed UUID that is not a sensor's.
FUSION_NODE_ID: Final = "a7a2b1de-0000-4000-8000-000000000001"
#: Messages that may wait for the disk: past it senders wait, which is TCP's own back pressure.
MAX_WAITING: Final = 20_000
#: Exit status of a node that may lead no more: its supervisor starts it again, to follow.
FENCED: Final = 3


class Live:
    """Takes arrivals one by one, journals them in batches, and tells the console what follows."""

    def __init__(
        self, night: Night, hub: Hub, clock: Callable[[], int], speed: Speed = live_speed, pair: Pair | None = None
    ) -> None:
        self.night = night
        self.pair = pair
        self.hub = hub
        self.clock = clock
        self.speed = speed
        self._queue: asyncio.Queue[tuple[Sequence[Arrival], asyncio.Future[list[Message]]]] = asyncio.Queue(MAX_WAITING)
        self._said: list[tuple[Hub, Event]] = []
        self._view_shown_us: dict[str, int] = {}
        self._news = asyncio.Event()
        self._oldest_us: int | None = None
        self._trouble: str | None = None
        self._ended: Exception | None = None
        """Why nothing is taken any more: another node leads."""
        self.screens: dict[str, Hub] = {}
        """The live streams of the services that see less, by service."""

    def station(self) -> Station:
        """How the night stands, for its figures."""
        return Station(
            believed=self.night.state, messages=self.night.messages, journalled=self.night.journal.next_seq,
            waiting=self._queue.qsize(), browsers=sum(h.subscriber_count for h in (self.hub, *self.screens.values())),
            trouble=self._trouble or (None if self.pair is None else self.pair.trouble),
            free_bytes=free_bytes(self.night.out),
            unstored=self.night.unstored, is_paired=None if self.pair is None else self.pair.is_paired,
            clock_ahead_s=self.clock.ahead_us / 1e6 if isinstance(self.clock, StationClock) else None,
        )  # fmt: skip

    def watch_view(self, view: View) -> None:
        """Give a service's view a live stream of its own."""
        screen = self.screens[view.service] = Hub()
        view.listeners.append(lambda events: self.note(events, screen))

    def note(self, events: Sequence[Event], screen: Hub | None = None) -> None:
        """Collect what the pipeline said, for one stream; called by the night in its worker thread."""
        hub = self.hub if screen is None else screen
        self._said.extend((hub, event) for event in events)

    async def take(self, received_at_us: int, source: str, payload: bytes) -> Message:
        """Return the message once it is on disk and acted on."""
        return (await self.take_all([(received_at_us, source, payload)]))[0]

    async def take_all(self, arrivals: Sequence[Arrival]) -> list[Message]:
        """Return the messages once they are on disk and acted on: all of them in one piece, or none."""
        if self._ended is not None:
            raise self._ended
        done: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()
        await self._queue.put((arrivals, done))
        return await done

    async def submit(self, source: str, payload: bytes) -> Message:
        """Take what a person sent through the console, at the time of the data; Refused when it cannot be kept."""
        if self.pair is not None and not self.pair.is_leading:
            other = self.pair.sides.other
            where = phrase("refused.use-other", where=other.console)
            raise Refused(503, "follows", phrase("refused.follows", id=other.id), where)
        try:
            return await self.take(self.clock(), source, payload)
        except OSError as error:  # a full disk, or another node leads: the log has said it
            raise Refused(503, "not-kept", phrase("refused.not-kept"), phrase("refused.free-disk")) from error

    async def record(self, items: Sequence[Item]) -> str:
        """Record what a command here hands over; empty once both nodes have it, else why it is not recorded."""
        if self.pair is not None and not self.pair.is_leading:
            other = self.pair.sides.other.id
            return f"this node follows node {other}; give the command there"
        try:
            objection = await asyncio.to_thread(self.night.office.objection, items)
            if not objection:
                await self.take_all([(self.clock(), source, payload) for source, payload in items])
        except (OSError, ValueError, msgspec.DecodeError) as error:
            return str(error)
        return objection

    async def carry(self) -> None:
        """Record what lies in the folder since no station ran there, so that the other node has it too."""
        lacking = self.night.office.lacking()
        while (items := await asyncio.to_thread(next, lacking, None)) is not None:
            try:
                await self.take_all([(self.clock(), source, payload) for source, payload in items])
            except (OSError, ValueError) as error:
                log.error("%s lies in this node's folder alone: %s", items[0][0], error)

    async def work(self) -> None:
        """Journal and judge batches for ever; a full disk stops the intake with a clear word, not the process."""
        while True:
            waiting = [await self._queue.get()]
            while sum(len(some) for some, _ in waiting) < BATCH and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            arrivals = [arrival for some, _ in waiting for arrival in some]
            try:
                messages = await asyncio.to_thread(self.night.take, arrivals)
            except (OSError, ValueError) as error:
                log.error("not taken: %s", error)
                self._refuse(waiting, error)
                continue
            except Fenced as error:
                self._ended = ConnectionError(str(error))
                while not self._queue.empty():
                    waiting.append(self._queue.get_nowait())
                self._refuse(waiting, self._ended)
                raise
            self._trouble = None
            begin = 0
            for some, done in waiting:
                begin += len(some)
                if not done.done():
                    done.set_result(messages[begin - len(some) : begin])
            self.tell(min(arrival[0] for arrival in arrivals))

    def _refuse(
        self, waiting: Sequence[tuple[Sequence[Arrival], asyncio.Future[list[Message]]]], why: Exception
    ) -> None:
        self._trouble = str(why)
        for _, done in waiting:
            if not done.done():
                done.set_exception(why)

    def tell(self, oldest_us: int) -> None:
        """Show what was said since the last time; ``oldest_us`` is the time of the oldest message behind it."""
        said, self._said = self._said, []
        for hub, event in said:
            if isinstance(event, Alarm | Incident | Decision | SensorHealth | Drill):
                hub.publish(event)
        self._oldest_us = oldest_us if self._oldest_us is None else self._oldest_us
        self._news.set()

    async def show(self) -> None:
        """Show a picture as soon as there is news, then rest: nothing waits for the next message to be seen."""
        while True:
            await self._news.wait()
            self._news.clear()
            oldest_us, self._oldest_us = self._oldest_us, None
            self.hub.publish_picture(pipeline.picture(self.night.believed), oldest_message_us=oldest_us)
            for view in self.night.views.all():
                self._show_view(view)
            await asyncio.sleep(PICTURE_EVERY_S)

    def _show_view(self, view: View) -> None:
        """Show a service its picture when its own night went on; what others' sources send must not even be felt."""
        if view.believed.now_us != self._view_shown_us.get(view.service):
            self._view_shown_us[view.service] = view.believed.now_us
            self.screens[view.service].publish_picture(view.picture(self.night.views.whole))

    async def tick(self) -> None:
        """Tell the time each second, through the journal, so that silence is noticed and replays alike."""
        while True:
            await asyncio.sleep(1.0)
            with contextlib.suppress(OSError, ValueError):
                await self.take(self.clock(), pipeline.TICK_SOURCE, b"")

    async def problem(self, item: Rejected) -> None:
        """Put into the journal what could not be used, or went wrong; while that cannot be written, the log has it."""
        with contextlib.suppress(OSError, ValueError):
            await self.take(self.clock(), pipeline.PROBLEM_SOURCE, msgspec.json.encode(item))


async def serve(
    live: Live,
    host: str,
    port: int,
    others: Sequence[Coroutine[Any, Any, None]],
    *,
    accounts: Path | None = None,
    oidc: Path | None = None,
    tls: Path | None = None,
    register: Path = REGISTER,
    planned: Place | None = None,
) -> None:
    """Run the console and ``others`` until interrupted; the first failure stops all and is raised.

    ``register``: of seizures, for the analyst. ``planned``: the place the plan page speaks of, else the night's own.
    """
    check_exposure(host, accounts, tls, oidc)
    entrance = None
    if accounts is not None or oidc is not None:
        entrance = open_entrance(accounts, oidc, live.submit, wall_clock_us)
        live.night.office.hear_sessions(entrance.gate.sessions.hear_text)
    names = {host, "localhost", "127.0.0.1"} | (set() if tls is None else names_of(tls / "console.crt"))
    app = console_of(live, sorted(names), entrance, register, planned)
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False,
        ssl_certfile=None if tls is None else tls / "console.crt",
        ssl_keyfile=None if tls is None else tls / "console.key",
    )  # fmt: skip
    server = uvicorn.Server(config)
    tasks = [asyncio.ensure_future(item) for item in (live.work(), live.show(), *others)]
    console = asyncio.ensure_future(server.serve())
    done, _ = await asyncio.wait([console, *tasks], return_when=asyncio.FIRST_COMPLETED)
    while console not in done and all(task.exception() is None for task in done):
        done, _ = await asyncio.wait({console, *tasks} - done, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(console, return_exceptions=True)
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def console_of(
    live: Live, names: Sequence[str], entrance: Entrance | None, register: Path = REGISTER, planned: Place | None = None
) -> Any:
    """Return the console, behind the gate that of each service.

    Whoever sees a part of the night is given neither the plan nor the register: both speak of the whole.
    """
    static = PACKAGE / "console" / "static"
    if not (static / "index.html").exists():
        raise ValueError("the map is not built; run: make ui")
    whole = live.night.views.whole
    gate = None if entrance is None else entrance.gate
    ways = [] if entrance is None else way_handlers(entrance.gate, entrance.passkeys, entrance.oidc)

    def made(seen: Any, hub: Hub, submit: Any, gate_before: Gate | None, of_service: OfService | None) -> Any:
        line, records = seen.believed.line, seen.records
        is_whole = seen is live.night
        return create_app(
            line.site,
            site_geometry(line.site, line.place, line.table, line.geometry["border"], line.geometry["roads"]),
            records, submit, hub, static_dir=static, clock=live.clock, speed=live.speed,
            more=[
                *alarm_handlers(records, line.site.time_zone, live.clock),
                *drill_handlers(records, submit, live.clock),
                *search_handlers(records, line.place, live.clock),
                *coverage_handlers(seen, submit),
                *(metrics_handlers(live.station, records) if is_whole else []),
                *release_handlers(whole, submit, live.clock, gate),
                *plan_handlers((planned or line.place) if is_whole else None),
                *seizure_handlers(register if is_whole else None),
                *(ways if is_whole else []),
            ],
            allowed_hosts=names, gate=gate_before, of_service=of_service,
            other_node="" if live.pair is None else live.pair.sides.other.console,
        )  # fmt: skip

    views = {view.service: made(view, live.screens[view.service], _nothing_taken, None, None)
             for view in live.night.views.all()}  # fmt: skip

    def of_service(service: str, all_of_it: Any) -> Any:
        sees_whole = whole.site is None or sees_all(whole.site, service)
        return all_of_it if sees_whole else views.get(service)

    return made(live.night, live.hub, live.submit, gate, of_service)


async def _nothing_taken(source: str, payload: bytes) -> Message:
    """Whoever sees a part decides nothing: the numbers of his alarms are not those of the night."""
    raise Refused(403, "partial-view", phrase("refused.part-only"), phrase("refused.ask-all"))


def services_of(site: Site, accounts: Path | None, oidc: Path | None = None) -> list[str]:
    """The services that see this night; ValueError where nobody says what belongs to whom, or none sees all."""
    services = {output.service or site.service for output in site.outputs} - {""}
    if accounts is None and oidc is None:
        return sorted(services)
    signed = set() if accounts is None else {account.service for account in read_accounts(accounts)}
    signed |= set() if oidc is None else {grant.service for grant in read_provider(oidc)[0].grants}
    if len(signed) > 1 and sees_all(site, "") and not site.service:
        raise ValueError(
            f"{accounts or oidc} has accounts of {', '.join(sorted(signed))}, but the site file does not say whose its "
            "sources are; give it service = … and, where they differ, owner and shown_to (docs/disclosure.md)"
        )
    if not any(sees_all(site, service) for service in signed):
        raise ValueError(
            f"no service of {accounts or oidc} sees all of this site, so nobody could decide; open the feeds and areas "
            "to one of them with shown_to"
        )
    return sorted(services | signed)


def _outputs_for(site: Site, services: Iterable[str]) -> list[Any]:
    return [output for output in site.outputs if (output.service or site.service) in services]


def run_watch(
    site_name: str,
    out: Path,
    host: str,
    port: int,
    *,
    accounts: Path | None = None,
    oidc: Path | None = None,
    tls: Path | None = None,
    posts: str = "",
    keys: Path | None = None,
    register: Path | None = None,
    sides: Sides | None = None,
) -> int:
    """Watch the live feeds of a site until interrupted; with ``posts``, wait there for the posts and what they pass.

    With ``sides`` it is one of two nodes, and does so when it leads.
    """
    check_exposure(host, accounts, tls, oidc)
    bundle = bundle_from_file(site_path(site_name))
    if not posts:
        return watch(
            bundle, out, host, port, accounts=accounts, oidc=oidc, tls=tls, register=register, sides=sides, keys=keys
        )
    from araz.app._centre import open_centre, run_centre

    site, _, _ = site_from_bundle(bundle)
    server = open_centre(site, out, posts, keys)  # refused at once where it cannot be; started when this node leads
    return watch(
        bundle, out, host, port, accounts=accounts, oidc=oidc, tls=tls, register=register, sides=sides, keys=keys,
        not_here=frozenset(feed for post in site.posts for feed in post.feeds),
        beside=lambda live: [run_centre(live, server, site)],
    )  # fmt: skip


def watch(
    bundle: bytes,
    out: Path,
    host: str,
    port: int,
    *,
    accounts: Path | None = None,
    oidc: Path | None = None,
    tls: Path | None = None,
    register: Path | None = None,
    not_here: frozenset[str] = frozenset(),
    beside: Callable[[Live], Sequence[Coroutine[Any, Any, None]]] = lambda _: (),
    sides: Sides | None = None,
    keys: Path | None = None,
) -> int:
    """Watch a site until interrupted: its feeds but those ``not_here``, and what runs ``beside`` it.

    With ``sides`` it is one of two nodes: it follows until it leads, and ends with 3 when the other leads.
    """
    site, _, _ = site_from_bundle(bundle)
    services = services_of(site, accounts, oidc)
    night, clock = Night(out, log_events=False, services=services), StationClock()
    register = register or (REGISTER if sides is None else out / REGISTER.name)
    night.office.register = register if register.parent.resolve() == out.resolve() else None
    if night.journal.recovered:
        say(night.journal.recovered)
    pair = None if sides is None else Pair(sides, keys, night)
    try:
        _open_night(night, bundle, pair, clock)
        live = Live(night, Hub(), clock, pair=pair)
        night.listen(live.note)
        boxes = _boxes(live, site, services)
        feeds = [feed for feed in site.feeds if feed.url and feed.id not in not_here]
        scheme = "http" if tls is None else "https"
        say(f"{site.name}: {len(feeds)} live feeds; console at {scheme}://{host}:{port}  (Ctrl-C stops)")

        def lead() -> list[Coroutine[Any, Any, None]]:
            clock.not_before(night.believed.now_us)
            more = [] if pair is None else [live.carry()]
            return [
                *more,
                live.tick(),
                mind(clock, live.problem),
                _listen(live, feeds),
                *(one for box in boxes for one in box.senders()),
                *beside(live),
            ]

        others = lead() if pair is None else [in_turn(pair, live.tell, lead), keep_door(out, live.record)]
        asyncio.run(serve(live, host, port, others, accounts=accounts, oidc=oidc, tls=tls, register=register))
    except KeyboardInterrupt:
        say("stopped; start again with the same --out to go on")
    except Fenced as fenced:
        say(str(fenced))
        return FENCED
    finally:
        if pair is not None:
            pair.close()
        night.close()
    return 0


def _open_night(night: Night, bundle: bytes, pair: Pair | None, clock: StationClock) -> None:
    """Read the night so far, and put this site at its head, unless another node leads it."""
    if pair is not None:
        pair.begin()
    count = night.resume()
    if count:
        say(f"resumed after {count} messages in {night.out}")
    if pair is None or pair.is_leading:
        clock.not_before(0 if night.state is None else night.state.now_us)
        night.set_site(bundle, clock())
        return
    pair.catch_up()
    if night.bundle != bundle:
        say("the site file of this node is not the one the other node watches by: that one holds until this one leads "
            "and is started again; give both nodes the same")  # fmt: skip


def _boxes(live: Live, site: Site, services: Sequence[str]) -> list[Outputs]:
    """What is to be sent to the outputs, of the whole night and of each service's view, which get live streams too."""
    whole_seers = {"", *(one for one in services if sees_all(site, one))}
    boxes = [Outputs(_outputs_for(site, whole_seers), site.name, wall_clock_us)]
    live.night.listen(boxes[0].note)
    for view in live.night.views.all():
        live.watch_view(view)
        boxes.append(Outputs(_outputs_for(site, {view.service}), site.name, wall_clock_us))
        view.listeners.append(boxes[-1].note)
    return boxes


async def _listen(live: Live, feeds: Sequence[Feed]) -> None:
    formats = {feed.id: feed.format for feed in feeds}

    async def sink(received_at_us: int, source: str, payload: bytes) -> None:
        await live.take(received_at_us, source, payload)

    def problem(item: Rejected) -> None:
        task = asyncio.ensure_future(live.problem(item))
        task.add_done_callback(lambda finished: finished.cancelled() or finished.exception())

    def reply(source: str, payload: bytes, at_us: int) -> bytes:
        if formats.get(source.partition("#")[0]) != Format.SAPIENT:
            return b""
        return sapient_replies(payload, FUSION_NODE_ID, at_us)

    await run_feeds(feeds, sink, problem, live.clock, reply=reply)
