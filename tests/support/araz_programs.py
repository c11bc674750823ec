"""`araz` commands as people start them, each with a console of its own; and a centre of two nodes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from unittest import mock

import pytest

from araz.app._rim import free_port
from araz.sensors import AsterixPlot, encode_asterix_034, encode_asterix_048
from araz_testing import araz

#: Guards against a hang, never a judgement of speed.
PATIENCE_S = 300
#: A console's certificate signs itself.
UNCHECKED = ssl._create_unverified_context()
PASSWORD = "a long enough password"


def entrance(home, **roles):
    """Accounts of these names, with their roles, and a certificate, as words of the command."""
    accounts, tls = home / "accounts.json", home / "tls"
    with mock.patch.dict(os.environ, ARAZ_PASSWORD=PASSWORD):
        for name, role in roles.items():
            words = ("--role", role, "--service", "border", "--accounts", accounts)
            assert araz("account", "add", name.replace("_", "-"), *words) == 0
    assert araz("account", "certificate", "127.0.0.1", "--out", tls) == 0
    return ["--accounts", accounts, "--tls", tls]


def door(account, purpose="duty"):
    """What a page posts to `/api/session`."""
    return {"account": account, "password": PASSWORD, "purpose": purpose}


def eventually(look, *at):
    """Return the first truthy answer of ``look``, asked ``at`` these."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, urllib.error.URLError):
            if answer := look(*at):
                return answer
        time.sleep(0.1)
    pytest.fail(f"waited {PATIENCE_S} s in vain for {look.__name__}")


class Program:
    """One `araz` command that shows a console, on a port of its own."""

    def __init__(self, folder, *words):
        self.folder, self.http = folder, free_port()
        self.url = f"{'https' if '--tls' in words else 'http'}://127.0.0.1:{self.http}"
        self.command = [sys.executable, "-u", "-m", "araz.app.cli", *map(str, words), "--out", str(folder),
                        "--port", str(self.http)]  # fmt: skip
        self.process = None
        #: Of whoever reports, and of whoever reads the figures; empty where nobody signs in.
        self.cookie = self.overseer = ""

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        eventually(self.is_up)

    def is_up(self):
        assert self.process.poll() is None, self.said()
        return self.get("/healthz").strip() == b"ok"

    def said(self):
        return (self.folder / "log").read_text()

    def get(self, path, cookie=""):
        request = urllib.request.Request(f"{self.url}{path}", headers={"Cookie": cookie})
        with urllib.request.urlopen(request, timeout=10, context=UNCHECKED) as answer:
            return answer.read()

    def sign_in(self, account):
        """Return the cookie of a new session."""
        with self._posted("/api/session", door(account)) as answer:
            return answer.headers["Set-Cookie"].partition(";")[0]

    def _posted(self, path, body):
        request = urllib.request.Request(
            f"{self.url}{path}", data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Cookie": self.cookie}, method="POST",
        )  # fmt: skip
        return urllib.request.urlopen(request, timeout=PATIENCE_S, context=UNCHECKED)

    def post(self, path, body):
        with self._posted(path, body) as answer:
            assert answer.status in (200, 201)  # 200: recorded before
            return json.loads(answer.read())

    def reported(self, number):
        """Send a report ``rNUMBER`` and return its entry's number."""
        body = {"kind": "heard", "reporter": "post-4", "report_id": f"r{number}", "azimuth_deg": 170.0,
                "observed_at_us": time.time_ns() // 1000}  # fmt: skip
        return self.post("/api/reports", body)["seq"]

    def report(self, number):
        """Send a report and return its entry's number, or None where it was not acknowledged."""
        try:
            return self.reported(number)
        except OSError:
            return None

    def end(self, how=signal.SIGKILL):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_S)


def horadiz_at(root, home, udp, sapient=None):
    """Write the demo's site into a folder, with radar-1 heard on one port and SAPIENT on another or not; its file."""
    listens = "" if sapient is None else f"tcp-listen://127.0.0.1:{sapient}"
    text = (root / "sites" / "horadiz" / "site.toml").read_text()
    text = re.sub(r'url = "udp://127.0.0.1:8601"', f'url = "udp://127.0.0.1:{udp}"', text)
    text = re.sub(r'url = "tcp-listen://[^"]*"', f'url = "{listens}"', text)
    text = re.sub(r'url = "(udp://127.0.0.1:8602|tcp://[^"]*)"', 'url = ""', text)
    for name in ("border.geojson", "roads.geojson", "towns.json"):
        (home / name).write_bytes((root / "sites" / "horadiz" / name).read_bytes())
    (home / "site.toml").write_text(text)
    return home / "site.toml"


class Radar:
    """Radar-1 of `horadiz_at`: looks of so many plots to a port, each with its mark; 2,000 plots a second."""

    def __init__(self, udp, looks_per_s=4.0, plots=500):
        self.looks = 0
        self._udp, self._wait_s, self._plots = udp, 1.0 / looks_per_s, plots
        self._ends = threading.Event()

    def start(self):
        threading.Thread(target=self._send, daemon=True).start()

    def stop(self):
        self._ends.set()

    def _send(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not self._ends.wait(self._wait_s):
                clock_s = time.time() % 86400
                for first in range(0, self._plots, 50):
                    plots = [AsterixPlot(2000.0 + 40 * k, (7 * k + self.looks) % 360, altitude_amsl_m=300.0)
                             for k in range(first, min(first + 50, self._plots))]  # fmt: skip
                    out.sendto(encode_asterix_048(25, 1, clock_s, plots), ("127.0.0.1", self._udp))
                out.sendto(encode_asterix_034(25, 1, clock_s), ("127.0.0.1", self._udp))
                self.looks += 1


class Nodes:
    """Both nodes, and the sensors that send to both; with two names, no page can show one's cookie to the other."""

    def __init__(self, root, home, arbiter, *more, has_two_names=False):
        udp = free_port(socket.SOCK_DGRAM)
        site, self.sender = horadiz_at(root, home, udp), Radar(udp)
        words = ("watch", "--site", site, "--pair", home / "pair.toml", *more, "--node")
        self.a, self.b = (Program(home / one, *words, one) for one in "ab")
        #: Where pages find them.
        self.pages = [self.a.url, self.b.url.replace("127.0.0.1", "localhost") if has_two_names else self.b.url]
        both = [f'[[nodes]]\nid = "{node.folder.name}"\nlistens = "127.0.0.1:{free_port()}"\n'
                f'console = "{url}"\n' for node, url in zip((self.a, self.b), self.pages, strict=True)]  # fmt: skip
        (home / "pair.toml").write_text(f'name = "test"\narbiter = "{arbiter}"\n' + "".join(both))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sender.stop()
        self.a.end()
        self.b.end()


def is_ready(node):
    try:
        return node.get("/readyz").strip() == b"ready"
    except urllib.error.HTTPError:
        return False


def is_paired(node):
    return b"araz_paired 1" in node.get("/metrics", node.overseer)
