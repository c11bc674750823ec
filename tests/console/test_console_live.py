"""The live stream as a browser hears it."""

import pytest
from litestar.exceptions import WebSocketDisconnect

from araz.vocabulary import Picture


def until(socket, kind):
    for _ in range(50):
        frame = socket.receive_json()
        if frame["type"] == kind:
            return frame
    raise AssertionError(f"no {kind} came")


def test_hello_comes_first_then_what_happens(client, night):
    with client.websocket_connect("ws://127.0.0.1:8000/api/live") as socket:
        hello = socket.receive_json()
        assert (hello["type"], hello["protocol"], hello["site"]) == ("hello", 1, night.site.name)
        assert until(socket, "clock")["at_us"] >= hello["at_us"]
        portal = client.blocking_portal
        at_us = night.clock()
        portal.call(lambda: night.hub.publish_picture(Picture(at_us=at_us, tracks=[]), oldest_message_us=at_us - 9))
        shown = until(socket, "picture")
        assert (shown["at_us"], shown["oldest_message_us"]) == (at_us, at_us - 9)
        assert shown["sent_at_us"] >= at_us
        portal.call(night.raise_alarm, "a-9", "New.")
        assert until(socket, "alarm")["alarm_id"] == "a-9"
        portal.call(night.hub.publish, night.kept_incidents[0])
        assert until(socket, "incident")["incident_id"] == night.kept_incidents[0].incident_id


def test_a_browser_that_leaves_is_forgotten(client, night):
    with client.websocket_connect("ws://127.0.0.1:8000/api/live") as socket:
        until(socket, "clock")
        assert night.hub.subscriber_count == 1
    # The next clock tick finds it gone.
    with client.websocket_connect("ws://127.0.0.1:8000/api/live") as socket:
        until(socket, "clock")
        until(socket, "clock")
        assert night.hub.subscriber_count == 1


def test_a_decision_comes_back_to_every_screen(client, night):
    with client.websocket_connect("ws://127.0.0.1:8000/api/live") as socket:
        until(socket, "clock")
        sent = {
            "type": "decision", "decision_id": "d-5", "alarm_id": "a-1", "revision": 3, "action": "acknowledge",
            "officer": "duty officer", "at_us": night.clock(),
        }  # fmt: skip
        assert client.post("/api/decisions", json=sent).status_code == 201
        assert until(socket, "decision")["decision_id"] == "d-5"
        assert until(socket, "alarm")["state"] == "acknowledged"


def test_another_sites_page_may_not_listen(client):
    with (
        pytest.raises(WebSocketDisconnect) as refusal,
        client.websocket_connect("ws://127.0.0.1:8000/api/live", headers={"origin": "https://evil.example"}),
    ):
        pass
    assert refusal.value.code == 4403
