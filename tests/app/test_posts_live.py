"""The two commands as people start them: a centre and a post, over mutual TLS, each killed once."""

import json
import re
import shutil
import signal
import socket
import time

import pytest

from araz.app._post_book import passed_journal
from araz.app._post_keys import make_keys
from araz.app._rim import free_port
from araz.sensors import encode_asterix_034
from araz.store import read_raw
from araz_posts import chain_of
from araz_programs import Program, eventually
from araz_testing import missing

pytestmark = pytest.mark.timeout(280)


def test_a_post_goes_on_alone_and_the_centre_gets_all_of_it(root, tmp_path):
    if shutil.which("nats-server") is None:
        missing("nats-server (apt install nats-server)")
    if not (root / "src" / "araz" / "console" / "static" / "index.html").exists():
        missing("the built map (make ui)")
    site, udp = chain_of(tmp_path / "site", ["P06"]), free_port(socket.SOCK_DGRAM)
    text = re.sub(r"udp://127.0.0.1:\d+", f"udp://127.0.0.1:{udp}", site.read_text())
    site.write_text(re.sub(r"tcp-listen://127.0.0.1:\d+", f"tcp-listen://127.0.0.1:{free_port()}", text))
    make_keys("127.0.0.1", ["P06"], tmp_path / "keys", 2)
    meter = tmp_path / "meter.json"
    meter.write_text('{"charge": 0.62, "load_w": 18, "solar_w": 0, "temperature_c": 4}')
    address = f"127.0.0.1:{free_port()}"
    both = ("--site", site, "--keys", tmp_path / "keys")
    centre = Program(tmp_path / "centre", "watch", *both, "--posts", address)
    post = Program(tmp_path / "post", "post", *both, "--post", "P06", "--centre", address, "--power", meter)

    def mark(number):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(encode_asterix_034(25, 6, time.time() % 86400 - number), ("127.0.0.1", udp))

    def at_post():
        return [one.message.payload for one in read_raw(tmp_path / "post" / "night.journal")]

    def at_centre():
        return [one.payload for _, one, _ in passed_journal(tmp_path / "centre" / "night.journal", "P06")]

    def battery_is_told():
        health = json.loads(centre.get("/api/health"))
        return next((one["sentence"] for one in health if one["sensor_id"] == "power P06"), None)

    def all_arrived():
        sent = at_post()
        return len(at_centre()) >= len(sent) > 20

    try:
        post.start()  # alone: there is no centre yet
        mark(0)
        eventually(lambda: any(len(payload) == 10 for payload in at_post()))
        centre.start()
        assert "62 % charged" in eventually(battery_is_told)
        centre.end()
        mark(1)
        post.end()  # and its nats-server with it, so that the next start finds the port free
        post.start()
        centre.start()
        eventually(all_arrived)
        post.end(signal.SIGTERM)
        count = len(at_post())
        centre.end(signal.SIGTERM)
        held = at_centre()
        assert held == at_post()[: len(held)]
        assert len(held) >= count - 10
        assert "resumed after" in post.said()
    finally:
        post.end()
        centre.end()
