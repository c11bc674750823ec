"""The live stream: one hub, many browsers, none of which can slow the house down.

Pictures are states: a newer one replaces an older one that was not sent yet. Alarms, incidents and decisions are
events: every one is sent, in order. A browser so slow that ``max_events`` of them wait is closed; it reconnects and
reads the records again, so nothing is lost and nothing grows without bound.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from araz.console._ports import Clock, Speed, live_speed
from araz.console._wire import ClockFrame, LiveEvent, PictureFrame
from araz.vocabulary import Picture, SensorHealth

PICTURE_PERIOD_S = 0.1
"""At most ten pictures a second and browser: the eye needs no more, the browser interpolates."""

CLOCK_PERIOD_S = 1.0


class Subscriber:
    """One browser's waiting room."""

    def __init__(self, max_events: int) -> None:
        self._events: deque[bytes] = deque()
        self._health: dict[str, bytes] = {}
        self._picture: PictureFrame | None = None
        self._wake = asyncio.Event()
        self._max_events = max_events
        self._next_picture_s = 0.0
        self._next_clock_s = 0.0
        self.is_overrun = False

    def offer_event(self, frame: bytes) -> None:
        """Queue an event; past the bound mark this browser as overrun instead of dropping in silence."""
        if len(self._events) >= self._max_events:
            self.is_overrun = True
        else:
            self._events.append(frame)
        self._wake.set()

    def offer_health(self, sensor_id: str, frame: bytes) -> None:
        """Keep the newest health of each sensor."""
        self._health[sensor_id] = frame
        self._wake.set()

    def offer_picture(self, frame: PictureFrame) -> None:
        """Keep the newest picture, with the oldest message of those it replaces."""
        waiting = self._picture
        if waiting is not None and waiting.oldest_message_us is not None:
            oldest = waiting.oldest_message_us
            if frame.oldest_message_us is not None:
                oldest = min(oldest, frame.oldest_message_us)
            frame = msgspec.structs.replace(frame, oldest_message_us=oldest)
        self._picture = frame
        self._wake.set()

    async def next_frames(self, clock: Clock, speed: Speed = live_speed) -> list[bytes]:
        """Wait for something to send and return it: events first, then health, a picture when it is due, the clock."""
        loop = asyncio.get_running_loop()
        while True:
            frames = self._take(loop.time(), clock, speed)
            if frames or self.is_overrun:
                return frames
            self._wake.clear()
            due_s = self._next_clock_s if self._picture is None else min(self._next_clock_s, self._next_picture_s)
            try:
                await asyncio.wait_for(self._wake.wait(), max(0.001, due_s - loop.time()))
                # A picture alone does not shorten the wait for its turn.
                if not self._events and not self._health and self._picture is not None:
                    await asyncio.sleep(max(0.0, min(self._next_picture_s - loop.time(), PICTURE_PERIOD_S)))
            except TimeoutError:
                continue

    def _take(self, now_s: float, clock: Clock, speed: Speed) -> list[bytes]:
        frames = [*self._events, *self._health.values()]
        self._events.clear()
        self._health.clear()
        if self._picture is not None and now_s >= self._next_picture_s:
            frames.append(msgspec.json.encode(msgspec.structs.replace(self._picture, sent_at_us=clock())))
            self._picture = None
            self._next_picture_s = now_s + PICTURE_PERIOD_S
        if now_s >= self._next_clock_s:
            at_us = clock()
            frames.append(msgspec.json.encode(ClockFrame(at_us=at_us, sent_at_us=at_us, speed=speed())))
            self._next_clock_s = now_s + CLOCK_PERIOD_S
        return frames


class Hub:
    """In-process broadcast. Call it from the event loop's thread (``loop.call_soon_threadsafe(hub.publish, …)``)."""

    def __init__(self, *, max_events: int = 10_000) -> None:
        if max_events < 1:
            raise ValueError(f"max_events is {max_events}; a browser needs room for at least one event")
        self._subscribers: set[Subscriber] = set()
        self._max_events = max_events
        self._last_picture: PictureFrame | None = None

    @property
    def subscriber_count(self) -> int:
        """How many browsers listen."""
        return len(self._subscribers)

    def subscribe(self) -> Subscriber:
        """Open a waiting room; the newest picture is already in it."""
        subscriber = Subscriber(self._max_events)
        if self._last_picture is not None:
            subscriber.offer_picture(msgspec.structs.replace(self._last_picture, oldest_message_us=None))
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Close a waiting room; closing twice is harmless."""
        self._subscribers.discard(subscriber)

    def publish(self, event: LiveEvent) -> None:
        """Send an alarm, incident, decision or health to every browser."""
        frame = msgspec.json.encode(event)
        for subscriber in self._subscribers:
            if isinstance(event, SensorHealth):
                subscriber.offer_health(event.sensor_id, frame)
            else:
                subscriber.offer_event(frame)

    def publish_picture(self, picture: Picture, *, oldest_message_us: int | None = None) -> None:
        """Show a picture; ``oldest_message_us`` is when the oldest message that is new in it arrived."""
        frame = PictureFrame(
            at_us=picture.at_us,
            sent_at_us=0,
            oldest_message_us=oldest_message_us,
            # Encoded once, however many browsers listen.
            picture=msgspec.Raw(msgspec.json.encode(picture)),
        )
        self._last_picture = frame
        for subscriber in self._subscribers:
            subscriber.offer_picture(frame)
