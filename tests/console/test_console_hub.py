"""The live stream's promises: the newest picture wins, no event is lost, nobody slow slows the others."""

import asyncio
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.console import Hub, Subscriber
from araz.vocabulary import Alarm, AlarmState, Incident, IncidentKind, Picture, SensorHealth, SensorState


def picture(at_us):
    return Picture(at_us=at_us, tracks=[])


def incident(name):
    return Incident(incident_id=name, kind=IncidentKind.HEARD, at_us=1, known_at_us=1)


def alarm(revision):
    return Alarm(
        alarm_id="a",
        revision=revision,
        priority=1,
        state=AlarmState.ACTIVE,
        raised_at_us=1,
        changed_at_us=1,
        sentence="s",
        confidence=0.5,
    )


def health(sensor, messages):
    return SensorHealth(
        sensor_id=sensor,
        at_us=1,
        state=SensorState.OK,
        sentence="",
        last_heard_us=None,
        messages=messages,
        observations=0,
        rejects=0,
        reject_reasons={},
    )


def run(coroutine):
    return asyncio.run(coroutine)


async def drain(subscriber: Subscriber, seconds=0.05):
    """Everything that is ready, until nothing comes for a while."""
    frames = []
    while True:
        try:
            frames += [
                msgspec.json.decode(f) for f in await asyncio.wait_for(subscriber.next_frames(lambda: 7), seconds)
            ]
        except TimeoutError:
            return frames


def of_type(frames, name):
    return [frame for frame in frames if frame["type"] == name]


def test_a_newer_picture_replaces_an_unsent_one_and_keeps_the_oldest_message():
    async def go():
        hub = Hub()
        browser = hub.subscribe()
        for at_us, oldest_us in ((10, 5), (20, None), (30, 25)):
            hub.publish_picture(picture(at_us), oldest_message_us=oldest_us)
        return await drain(browser)

    shown = of_type(run(go()), "picture")
    assert [(frame["at_us"], frame["oldest_message_us"]) for frame in shown] == [(30, 5)]
    assert shown[0]["sent_at_us"] == 7
    assert shown[0]["picture"] == {"type": "picture", "at_us": 30, "tracks": [], "cones": [], "withheld": []}


def test_pictures_come_at_most_ten_times_a_second():
    async def go():
        hub = Hub()
        browser = hub.subscribe()
        loop = asyncio.get_running_loop()
        times, last = [], None
        for k in range(60):
            hub.publish_picture(picture(k))
            try:
                frames = await asyncio.wait_for(browser.next_frames(lambda: 7), 0.01)
            except TimeoutError:
                continue
            if of_type([msgspec.json.decode(frame) for frame in frames], "picture"):
                times.append(loop.time())
        hub.publish_picture(picture(999))
        last = of_type(await drain(browser, 0.3), "picture")[-1]
        return times, last

    times, last = run(go())
    # A busy machine makes gaps longer, never shorter.
    assert all(after - before > 0.09 for before, after in itertools.pairwise(times))
    assert last["at_us"] == 999, "the newest picture arrives even when nothing follows it"


@given(st.lists(st.sampled_from(["incident", "alarm", "picture", "health"]), max_size=60))
def test_every_event_arrives_once_and_in_order(kinds):
    async def go():
        hub = Hub()
        browser = hub.subscribe()
        sent = []
        for number, kind in enumerate(kinds):
            if kind == "incident":
                hub.publish(incident(f"i-{number}"))
                sent.append(("incident", f"i-{number}"))
            elif kind == "alarm":
                hub.publish(alarm(number))
                sent.append(("alarm", number))
            elif kind == "picture":
                hub.publish_picture(picture(number))
            else:
                hub.publish(health("radar-1", number))
        return sent, await browser.next_frames(lambda: 7)

    sent, raw = run(go())
    frames = [msgspec.json.decode(frame) for frame in raw]
    got = [
        ("incident", frame["incident_id"]) if frame["type"] == "incident" else ("alarm", frame["revision"])
        for frame in frames
        if frame["type"] in ("incident", "alarm")
    ]
    assert got == sent
    healths = [number for number, kind in enumerate(kinds) if kind == "health"]
    assert [frame["messages"] for frame in of_type(frames, "sensor-health")] == healths[-1:]


def test_a_slow_browser_holds_one_picture_and_the_fast_one_is_not_disturbed():
    async def go():
        hub = Hub()
        slow, fast = hub.subscribe(), hub.subscribe()
        seen = []
        for number in range(300):
            hub.publish_picture(picture(number))
            hub.publish(incident(f"i-{number}"))
            if number % 100 == 99:
                seen += await drain(fast, 0.15)
        return seen, await slow.next_frames(lambda: 7)

    seen, waiting = run(go())
    assert len(of_type(seen, "incident")) == 300
    assert of_type(seen, "picture")[-1]["at_us"] == 299
    frames = [msgspec.json.decode(frame) for frame in waiting]
    assert [frame["at_us"] for frame in of_type(frames, "picture")] == [299]
    assert len(of_type(frames, "incident")) == 300


def test_past_the_bound_a_browser_is_overrun_not_thinned():
    async def go():
        hub = Hub(max_events=3)
        browser = hub.subscribe()
        for number in range(5):
            hub.publish(incident(f"i-{number}"))
        return browser, await browser.next_frames(lambda: 7)

    browser, raw = run(go())
    assert browser.is_overrun
    names = [msgspec.json.decode(frame)["incident_id"] for frame in raw if b"incident_id" in frame]
    assert names == ["i-0", "i-1", "i-2"], "what was accepted is sent, in order, before it is closed"


def test_the_clock_ticks_though_nothing_happens():
    async def go():
        browser = Hub().subscribe()
        return [await browser.next_frames(lambda: 42, lambda: 3.0) for _ in range(2)]

    for frames in run(go()):
        assert [msgspec.json.decode(frame) for frame in frames] == [
            {"type": "clock", "at_us": 42, "sent_at_us": 42, "speed": 3.0}
        ]


def test_a_late_browser_gets_the_newest_picture_without_a_latency():
    async def go():
        hub = Hub()
        hub.publish_picture(picture(9), oldest_message_us=3)
        browser = hub.subscribe()
        frames = await drain(browser)
        hub.unsubscribe(browser)
        hub.unsubscribe(browser)
        return frames, hub.subscriber_count

    frames, left = run(go())
    assert [(f["at_us"], f["oldest_message_us"]) for f in of_type(frames, "picture")] == [(9, None)]
    assert left == 0


def test_a_hub_without_room_is_refused():
    with pytest.raises(ValueError, match="at least one event"):
        Hub(max_events=0)
