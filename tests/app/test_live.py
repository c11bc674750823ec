"""The running product: real sockets, real crashes. Nothing acknowledged is lost, and one bad peer disturbs nobody."""

import contextlib
import json
import signal
import socket
import struct
import time

import pytest

from araz.app._rim import free_port
from araz.sensors import AsterixPlot, encode_asterix_034, encode_asterix_048, encode_sapient_registration
from araz.store import read_journal, verify_journal
from araz_programs import PATIENCE_S, Program, eventually, horadiz_at

NODE = "6f1f6a0e-3c5b-4b1e-9d55-0a61c0a10001"


class Watch(Program):
    """A running `araz watch` whose feeds are on ports of its own."""

    def __init__(self, root, home):
        super().__init__(home / "out", "watch", "--site", home / "site.toml")
        self.udp, self.sapient = free_port(socket.SOCK_DGRAM), free_port()
        horadiz_at(root, home, self.udp, self.sapient)

    def health(self, sensor_id):
        return next((item for item in json.loads(self.get("/api/health")) if item["sensor_id"] == sensor_id), None)


@pytest.fixture
def watch(root, tmp_path):
    if not (root / "src" / "araz" / "console" / "static" / "index.html").exists():
        from araz_testing import missing

        missing("the built map (make ui)")
    running = Watch(root, tmp_path)
    try:
        running.start()
        yield running
    finally:
        running.end(signal.SIGTERM)


def send_looks(watch, count, first=0):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with out:
        for k in range(first, first + count):
            clock_s = time.time() % 86400
            plots = [AsterixPlot(3000.0 + 10 * k, 200.0, altitude_amsl_m=260.0)]
            out.sendto(encode_asterix_048(25, 1, clock_s, plots), ("127.0.0.1", watch.udp))
            out.sendto(encode_asterix_034(25, 1, clock_s), ("127.0.0.1", watch.udp))
            time.sleep(0.05)


def register(port):
    """Register a SAPIENT node and return its connection and the reply."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    peer.sendall(encode_sapient_registration(NODE, time.time_ns() // 1000))
    size = struct.unpack("<I", peer.recv(4, socket.MSG_WAITALL))[0]
    return peer, peer.recv(size, socket.MSG_WAITALL)


def test_one_bad_peer_disturbs_nobody(watch):
    silent = socket.create_connection(("127.0.0.1", watch.sapient))  # half-open: says nothing for ever
    good, reply = register(watch.sapient)
    assert len(reply) > 10
    huge = socket.create_connection(("127.0.0.1", watch.sapient))
    with contextlib.suppress(OSError):
        huge.sendall(struct.pack("<I", 100_000_000))
        for _ in range(100):
            huge.sendall(bytes(1_000_000))
    send_looks(watch, 20)
    eventually(lambda: (watch.health("radar-1") or {}).get("observations", 0) > 0)
    eventually(lambda: (watch.health("acoustic-1") or {}).get("messages", 0) > 0)
    told = eventually(lambda: (watch.health("feed posts") or {}).get("reject_reasons"))
    assert "too-long" in told
    second, reply = register(watch.sapient)
    assert len(reply) > 10
    for peer in (silent, good, huge, second):
        peer.close()


def test_kill_9_loses_nothing_acknowledged(watch):
    acknowledged = []
    for life in range(3):
        for k in range(5):
            body = {"kind": "heard", "reporter": "post-4", "report_id": f"r{life}-{k}", "azimuth_deg": 170.0,
                    "observed_at_us": time.time_ns() // 1000}  # fmt: skip
            send_looks(watch, 2, first=10 * life + k)
            acknowledged.append((watch.post("/api/reports", body)["seq"], body["report_id"]))
        watch.end()
        journal = watch.folder / "night.journal"
        assert verify_journal(journal).ok or "torn" in verify_journal(journal).sentence
        kept = {message.seq: message.payload for message in read_journal(journal)}
        for seq, report_id in acknowledged:
            assert report_id.encode() in kept[seq]
        if life < 2:
            watch.start()
            assert "resumed after" in watch.said()
    assert [message.seq for message in read_journal(journal)] == list(range(len(kept)))


def test_the_same_report_twice_is_recorded_once(watch):
    body = {"kind": "seen", "reporter": "post-1", "report_id": "twice", "observed_at_us": time.time_ns() // 1000}
    first, second = watch.post("/api/reports", body), watch.post("/api/reports", body)
    assert second["seq"] == first["seq"]
    assert second["repeated"]
