"""The NATS server beside the centre, and the leaf server beside a post: configured, started and ended by Araz.

Beyond this machine the line between them is mutual TLS, and a post's certificate names it: it may speak on its own
subject and ask for its own stream, nothing else. Clients connect on loopback with a password that is drawn at each
start.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from araz.app._accounts import LOOPBACK
from araz.app._keys import write_key
from araz.app._rim import free_port
from araz.feeds import DOMAIN, inbox_of, link_extra

#: The port on which a centre waits for its posts, unless told otherwise.
LEAF_PORT: Final = 7422
#: The longest entry of a journal, with room for its header.
MAX_PAYLOAD: Final = 34_000_000
START_S: Final = 20.0
_PDEATHSIG: Final = 1


class NatsServer:
    """One server process; it ends with the ``with`` statement, and when this process dies."""

    def __init__(self, folder: Path, settings: dict[str, Any], user: str = "", port: int = 0) -> None:
        link_extra()
        program = shutil.which("nats-server")
        if program is None:
            raise ValueError("posts need nats-server; install it with: apt install nats-server")
        self._program = program
        self._folder = folder
        self._port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {"listen": f"127.0.0.1:{self._port}", "max_payload": MAX_PAYLOAD, **settings}
        self.url = f"nats://{user}127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        config = self._folder / "nats.conf"
        config.unlink(missing_ok=True)
        # It holds a password; the server's configuration language holds JSON.
        write_key(config, json.dumps(self._settings, indent=1).encode())
        self._process = self._spawn()
        log, deadline_s = self._folder / "nats.log", time.monotonic() + START_S
        while not _answers(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                said = log.read_text().strip().splitlines()[-1:] if log.exists() else ["it ended at once"]
                self.close()
                raise ValueError(f"nats-server did not start: {''.join(said)}; its log is {log}")
            time.sleep(0.05)
        return self

    def _spawn(self) -> subprocess.Popen[bytes]:
        words = [self._program, "-c", str(self._folder / "nats.conf"), "-l", str(self._folder / "nats.log")]
        with (self._folder / "nats.err").open("ab") as errors:
            return subprocess.Popen(words, stdout=errors, stderr=errors, preexec_fn=_end_with_parent)

    async def keep(self, tell: Callable[[str], None]) -> NoReturn:
        """Start the server again whenever it ended by itself; ``tell`` hears of it."""
        while True:
            await asyncio.sleep(1.0)
            if self._process is not None and self._process.poll() is not None:
                tell(f"nats-server ended with {self._process.returncode}; started again, its log is {self._folder}")
                self._process = self._spawn()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the server; closing twice does nothing."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def centre_server(folder: Path, address: str, posts: Sequence[str], tls: Path | None, port: int = 0) -> NatsServer:
    """The centre's server, which holds the streams and waits for the posts' leaf servers at ``address``.

    Raises ValueError for an address beyond this machine without ``tls``, and for a folder without its files.
    """
    host, leaf_port = host_and_port(address)
    settings: dict[str, Any] = {
        "server_name": "centre",
        "jetstream": {"store_dir": str((folder / "jetstream").absolute()), "domain": DOMAIN},
        "leafnodes": {"listen": f"{host}:{leaf_port}"},
    }
    if tls is None:
        _only_here(host)
        return NatsServer(folder, settings, port=port)
    password = secrets.token_urlsafe(24)
    settings["leafnodes"]["tls"] = {**_tls_of(tls, "centre"), "verify_and_map": True}
    users: list[dict[str, Any]] = [{"user": "centre", "password": password}]
    users += [{"user": f"CN={post}", "permissions": _allowed(post)} for post in posts]
    settings["accounts"] = {"POSTS": {"jetstream": "enabled", "users": users}}
    return NatsServer(folder, settings, f"centre:{password}@", port)


def leaf_server(folder: Path, address: str, post: str, tls: Path | None, port: int = 0) -> NatsServer:
    """A post's server: it keeps the line to the centre at ``address``, however often that is cut.

    Two addresses with a comma between are the two nodes of a centre, of which the one that leads answers.
    Raises as :func:`centre_server` does.
    """
    places = [host_and_port(one) for one in address.split(",")]
    password = secrets.token_urlsafe(24)
    scheme = "nats-leaf" if tls is None else "tls"
    remote: dict[str, Any] = {"urls": [f"{scheme}://{host}:{leaf_port}" for host, leaf_port in places]}
    if tls is None:
        for host, _ in places:
            _only_here(host)
    else:
        remote["tls"] = _tls_of(tls, post)
    settings = {
        "server_name": post,
        "authorization": {"user": "post", "password": password},
        "leafnodes": {"remotes": [remote], "reconnect": 2},
    }
    return NatsServer(folder, settings, f"post:{password}@", port)


def host_and_port(address: str) -> tuple[str, int]:
    """Host and port of ``HOST`` or ``HOST:PORT``; ValueError with an example for anything else."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", str(LEAF_PORT))
    if not host or not port.isdecimal() or "/" in address:
        raise ValueError(f"{address!r} is no HOST:PORT; give for example centre.example:{LEAF_PORT}")
    return host, int(port)


def _allowed(post: str) -> dict[str, Any]:
    """What a post's server may say and hear at the centre: its own subject, its own stream, answers to it."""
    asks = [f"$JS.{DOMAIN}.API.STREAM.{verb}.POST-{post}" for verb in ("INFO", "MSG.GET")]
    return {"publish": {"allow": [f"araz.post.{post}", *asks]}, "subscribe": {"allow": [f"{inbox_of(post)}.>"]}}


def _tls_of(folder: Path, name: str) -> dict[str, str]:
    files = {"cert_file": folder / f"{name}.crt", "key_file": folder / f"{name}.key", "ca_file": folder / "ca.crt"}
    lost = [str(path) for path in files.values() if not path.is_file()]
    if lost:
        raise ValueError(f"{', '.join(lost)} missing; make the keys with: araz post keys CENTRE-HOST POST... --out DIR")
    return {key: str(path.absolute()) for key, path in files.items()}


def _only_here(host: str) -> None:
    if host not in LOOPBACK:
        raise ValueError(f"{host} is not this machine: give the folder of keys with --keys (araz post keys makes them)")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5):
            return True
    except OSError:
        return False


def _end_with_parent() -> None:
    """In the child: ask Linux to end it when its parent dies, or a killed Araz would leave a server on the port."""
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)
