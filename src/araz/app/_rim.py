"""Where the program meets the person, the clock and the ports; nothing else in the app prints or asks for the time."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path


def wall_clock_us() -> int:
    """Return now, microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def say(text: str) -> None:
    """Print a line at once, also where standard output is a file or a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def bytes_of(path: Path, what: str) -> bytes:
    """Read a file that a person named; ValueError, saying what it was to be, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {what} {path}: {error.strerror}") from error


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
