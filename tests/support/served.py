"""An application behind a real socket, for a real browser or another program: TLS where a certificate is given."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from pathlib import Path

import uvicorn
from websockets.exceptions import InvalidState


class Served:
    """An application on a free port of this machine, in a thread of its own."""

    def __init__(self, app, tls: Path | None = None, port: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        scheme, self.port = ("http" if tls is None else "https"), self.socket.getsockname()[1]
        self.url = f"{scheme}://localhost:{self.port}"
        files = {} if tls is None else {"ssl_certfile": tls / "console.crt", "ssl_keyfile": tls / "console.key"}
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="websockets-sansio", **files)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        # InvalidState: uvicorn closes a stream that the page is closing at that moment.
        with contextlib.suppress(asyncio.CancelledError, InvalidState):
            asyncio.run(self.serving())

    async def serving(self) -> None:
        """Answer to the end; whoever has more to do in this loop does it around this."""
        await self._server.serve(sockets=[self.socket])

    def __enter__(self) -> Served:
        self._thread.start()
        end = time.monotonic() + 30
        while not self._server.started:
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self.socket.close()
