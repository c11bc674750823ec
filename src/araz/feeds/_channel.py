"""Whole messages between two programs over one TCP connection, for threads that wait.

A message is a length (four bytes, most significant first) and so many bytes. Beyond this machine the line is mutual
TLS, and the peer is who its certificate says.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any, Final

#: The longest entry of a journal, and a batch of smaller ones, with room to spare.
MOST_BYTES: Final = 48 * 1024 * 1024
_LENGTH_BYTES: Final = 4


class Channel:
    """One connection. OSError, which TimeoutError is, when it is over; then it is to be closed."""

    def __init__(self, connected: socket.socket, silence_s: float) -> None:
        """Take an open connection; a peer that says nothing for ``silence_s`` counts as gone."""
        connected.settimeout(silence_s)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected

    def secure(self, context: ssl.SSLContext, *, is_client: bool = False) -> None:
        """Go on under TLS. Both ends show a certificate of one authority."""
        self._socket = context.wrap_socket(self._socket, server_side=not is_client)

    def check_named(self, name: str) -> None:
        """Raise ConnectionError unless the peer's certificate is of this name; without TLS there is none to check."""
        if isinstance(self._socket, ssl.SSLSocket):
            told: Any = (self._socket.getpeercert() or {}).get("subject", ())
            names = [value for part in told for key, value in part if key == "commonName"]
            if names != [name]:
                raise ConnectionError(f"the certificate is of {', '.join(names)}, not of {name}")

    def send(self, data: bytes) -> None:
        """Send one message."""
        self._socket.sendall(len(data).to_bytes(_LENGTH_BYTES) + data)

    def receive(self) -> bytes:
        """Wait for one message."""
        size = int.from_bytes(self._read(_LENGTH_BYTES))
        if size > MOST_BYTES:
            raise ConnectionError(f"a message of {size} bytes is announced, {MOST_BYTES} is the most")
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise ConnectionError("the peer ended the connection")
            data += piece
        return bytes(data)

    def close(self) -> None:
        """Close it, also under a thread that waits at it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def tls_contexts(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Mutual TLS for who listens and for who connects, of ca.crt, NAME.crt and NAME.key; ValueError without them."""
    made = []
    for purpose in (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH):
        try:
            context = ssl.create_default_context(purpose, cafile=folder / "ca.crt")
            context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        except OSError as error:
            raise ValueError(
                f"{folder} holds no usable ca.crt, {name}.crt and {name}.key ({error.strerror}); make them with: "
                f"araz post keys CENTRE-HOST {name} --out {folder}"
            ) from error
        # Who it is stands in the certificate's name, not in the address: see Channel.check_named.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        made.append(context)
    return made[0], made[1]
