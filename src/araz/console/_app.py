"""The application: every path of the console on one page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Response, WebSocket, get, post, websocket
from litestar.exceptions import HTTPException, WebSocketDisconnect
from litestar.static_files import create_static_files_router

from araz.console._described import asks, schema_handler
from araz.console._errors import Refused, on_any, on_http, on_refused
from araz.console._gate import Gate, OfService
from araz.console._hub import Hub
from araz.console._ports import Clock, Reader, Speed, Submit, live_speed
from araz.console._requests import MAX_BODY_BYTES, AnyRequest, json_of, time_of
from araz.console._security import LOCAL_HOSTS, guard
from araz.console._signin import signin_handlers
from araz.console._submissions import Desk, decision_payload, report_payload
from araz.console._wire import PROTOCOL, Hello, Recorded, ReportIn, Screen
from araz.vocabulary import Alarm, Decision, Incident, Picture, Rejected, SensorHealth, Site, phrase

MAX_PICTURES = 2_000
"""More pictures than pixels of the timeline help nobody."""
OVERRUN = 4409
"""WebSocket close code: this browser fell too far behind; it reconnects and reads the records."""
DECISION_SOURCE = "console"
REPORT_SOURCE = "reports"

AnySocket = WebSocket[Any, Any, Any]


def create_app(
    site: Site,
    geometry: Mapping[str, Any],
    reader: Reader,
    submit: Submit,
    hub: Hub,
    clock: Clock,
    *,
    speed: Speed = live_speed,
    static_dir: Path | None = None,
    allowed_hosts: Sequence[str] = LOCAL_HOSTS,
    more: Sequence[Any] = (),
    gate: Gate | None = None,
    of_service: OfService | None = None,
    other_node: str = "",
) -> Litestar:
    """Return the console of ``site``.

    ``geometry`` is `site_geometry`'s object; ``clock`` tells the time of the data, µs UTC, which runs ``speed()`` times
    as fast as the wall clock; ``static_dir`` is the built browser side (None: the API alone); ``allowed_hosts`` the
    names under which it may be opened; ``more`` are handlers of further pages (docs/console.md, "Adding a page").
    ``gate`` asks who is there (None: nobody is asked, for localhost alone), ``of_service`` the application behind the
    gate for each service (None: this one for all). ``other_node`` is the address of the console to which the page goes
    when this one is gone. Fails with ValueError when ``allowed_hosts`` is empty.
    """
    if not allowed_hosts:
        raise ValueError("allowed_hosts is empty, so nobody could open the console; name at least localhost")
    hosts = frozenset(host.lower() for host in allowed_hosts)
    desk = Desk(submit)
    sensor_feeds = {sensor.id: sensor.feed for sensor in site.sensors}
    site_json = msgspec.json.encode(geometry)
    handlers: list[Any] = [
        *_read_handlers(reader, site_json, sensor_feeds),
        *_past_handlers(reader),
        _live_handler(Hello(protocol=PROTOCOL, site=site.name, at_us=0, other_node=other_node), hub, clock, speed),
        *_write_handlers(desk, gate),
        *more,
        *([] if gate is None else signin_handlers(gate)),
        *_page_handlers(static_dir),
    ]
    app = Litestar(
        [*handlers, schema_handler(handlers)],
        exception_handlers={Refused: on_refused, HTTPException: on_http, Exception: on_any},
        openapi_config=None,
        request_max_body_size=MAX_BODY_BYTES + 1,
        logging_config=None,
    )
    # Around everything: middleware of the framework does not see requests that no path answers.
    inner = app.asgi_handler if gate is None else gate.wrap(app.asgi_handler, of_service)
    app.asgi_handler = guard(inner, hosts, other_node)
    return app


def _read_handlers(reader: Reader, site_json: bytes, sensor_feeds: Mapping[str, str]) -> list[Any]:
    @get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False)
    def healthz() -> str:
        return "ok\n"

    @get("/api/site", sync_to_thread=False)
    def get_site() -> Response[bytes]:
        return Response(site_json, media_type="application/json; charset=utf-8")

    @get("/api/alarms", sync_to_thread=True)
    def get_alarms() -> Sequence[Alarm]:
        return reader.alarms()

    @get("/api/incidents", sync_to_thread=True, opt=asks(whole="since_us?"))
    def get_incidents(request: AnyRequest) -> Sequence[Incident]:
        return reader.incidents(time_of(request, "since_us", 0))

    @get("/api/decisions", sync_to_thread=True, opt=asks(whole="since_us?"))
    def get_decisions(request: AnyRequest) -> Sequence[Decision]:
        return reader.decisions(time_of(request, "since_us", 0))

    @get("/api/health", sync_to_thread=True, opt=asks(whole="at_us?"))
    def get_health(request: AnyRequest) -> Sequence[SensorHealth]:
        if "at_us" in request.query_params:
            return reader.health_at(time_of(request, "at_us"))
        return reader.health()

    @get("/api/rejects", sync_to_thread=True, opt=asks(text="sensor"))
    def get_rejects(request: AnyRequest) -> Sequence[Rejected]:
        sensor = request.query_params.get("sensor")
        feed = sensor_feeds.get(sensor or "")
        if feed is None:
            raise Refused(404, "no-sensor", phrase("refused.no-sensor", name=repr(sensor)), phrase("refused.see-site"))
        return reader.rejects(feed)

    records = [get_alarms, get_incidents, get_decisions, get_health, get_rejects]
    return [healthz, get_site, *records]


def _past_handlers(reader: Reader) -> list[Any]:
    @get("/api/pictures", sync_to_thread=True, opt=asks(whole="from_us to_us step_us? limit?"))
    def get_pictures(request: AnyRequest) -> list[Picture]:
        from_us, to_us = time_of(request, "from_us"), time_of(request, "to_us")
        step_us, limit = time_of(request, "step_us", 1_000_000), time_of(request, "limit", MAX_PICTURES)
        if to_us < from_us or step_us < 1 or limit < 1:
            raise Refused(400, "bad-request", phrase("refused.empty-span"), phrase("refused.give-span"))
        return _thinned(reader.pictures(from_us, to_us, min(limit, MAX_PICTURES)), step_us)

    @get("/api/picture", sync_to_thread=True, opt=asks(whole="at_us"))
    def get_picture(request: AnyRequest) -> Picture:
        picture = reader.picture_at(time_of(request, "at_us"))
        if picture is None:
            raise Refused(404, "no-picture", phrase("refused.no-picture"), phrase("refused.later"))
        return picture

    @get("/api/screen", sync_to_thread=True, opt=asks(whole="at_us known_us?"))
    def get_screen(request: AnyRequest) -> Screen:
        at_us = time_of(request, "at_us")
        known_us = time_of(request, "known_us", at_us)
        if known_us < at_us:
            raise Refused(400, "bad-request", phrase("refused.known-before"), phrase("refused.give-known"))
        return Screen(
            at_us=at_us,
            known_us=known_us,
            alarms=list(reader.alarms_known(at_us, known_us)),
            incidents=list(reader.incidents_known(at_us, known_us)),
            decisions=list(reader.decisions_known(at_us, known_us)),
            health=list(reader.health_at(at_us)),
            picture=reader.picture_at(at_us),
        )

    return [get_pictures, get_picture, get_screen]


def _write_handlers(desk: Desk, gate: Gate | None) -> list[Any]:
    @post("/api/decisions", opt=asks(body=Decision))
    async def post_decision(request: AnyRequest) -> Response[Recorded]:
        decision = await json_of(request, Decision, "decision")
        decision = msgspec.structs.replace(decision, officer=_who(request, gate, decision.officer))
        recorded = await desk.record(DECISION_SOURCE, decision.decision_id, decision_payload(decision))
        return Response(recorded, status_code=200 if recorded.repeated else 201)

    @post("/api/reports", opt=asks(body=ReportIn))
    async def post_report(request: AnyRequest) -> Response[Recorded]:
        report = await json_of(request, ReportIn, "report")
        report = msgspec.structs.replace(report, reporter=_who(request, gate, report.reporter))
        recorded = await desk.record(REPORT_SOURCE, report.report_id, report_payload(report))
        return Response(recorded, status_code=200 if recorded.repeated else 201)

    return [post_decision, post_report]


def _who(request: AnyRequest, gate: Gate | None, said: str) -> str:
    """Who acts: the account that is signed in, whatever the browser says; without accounts what it says."""
    found = None if gate is None else gate.session_of(dict(request.scope["headers"]))
    return said if found is None else found[1].account


def _live_handler(hello: Hello, hub: Hub, clock: Clock, speed: Speed) -> Any:
    @websocket("/api/live")
    async def live(socket: AnySocket) -> None:
        await socket.accept()
        subscriber = hub.subscribe()
        gone = asyncio.create_task(_until_gone(socket))
        try:
            await socket.send_data(msgspec.json.encode(msgspec.structs.replace(hello, at_us=clock(), speed=speed())))
            while not gone.done():
                for frame in await subscriber.next_frames(clock, speed):
                    await socket.send_data(frame.decode())
                if subscriber.is_overrun:
                    await socket.close(code=OVERRUN, reason="too far behind")
                    return
        except (WebSocketDisconnect, RuntimeError, OSError):
            return  # the browser left while a frame was on its way
        finally:
            hub.unsubscribe(subscriber)
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await gone

    return live


async def _until_gone(socket: AnySocket) -> None:
    """Return when the browser closes; whatever it sends is ignored, decisions go by POST."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_data(mode="text")


def _page_handlers(static_dir: Path | None) -> list[Any]:
    def page(name: str) -> Response[bytes]:
        path = None if static_dir is None else static_dir / name
        if path is None or not path.is_file():
            raise Refused(404, "not-built", phrase("refused.not-built"), phrase("refused.make-ui"))
        return Response(path.read_bytes(), media_type="text/html; charset=utf-8", headers={"cache-control": "no-cache"})

    @get("/", include_in_schema=False, sync_to_thread=True)
    def officer() -> Response[bytes]:
        return page("index.html")

    @get("/patrol", include_in_schema=False, sync_to_thread=True)
    def patrol() -> Response[bytes]:
        return page("patrol.html")

    @get("/signin", include_in_schema=False, sync_to_thread=True)
    def signin() -> Response[bytes]:
        return page("signin.html")

    handlers: list[Any] = [officer, patrol, signin]
    if static_dir is not None and (static_dir / "assets").is_dir():
        handlers.append(create_static_files_router("/assets", [static_dir / "assets"]))

        @get("/sw.js", include_in_schema=False, sync_to_thread=True)
        def worker() -> Response[bytes]:
            return Response((static_dir / "sw.js").read_bytes(), media_type="text/javascript; charset=utf-8")

        @get("/favicon.svg", include_in_schema=False, sync_to_thread=True)
        def favicon() -> Response[bytes]:
            return Response((static_dir / "favicon.svg").read_bytes(), media_type="image/svg+xml")

        handlers += [worker, favicon]
    return handlers


def _thinned(pictures: Sequence[Picture], step_us: int) -> list[Picture]:
    """Keep pictures at least ``step_us`` apart, the first one always."""
    kept: list[Picture] = []
    for picture in pictures:
        if not kept or picture.at_us - kept[-1].at_us >= step_us:
            kept.append(picture)
    return kept
