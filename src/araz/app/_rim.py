"""Where the program meets the person and the clock; nothing else in the app prints or asks for the time."""

from __future__ import annotations

import sys
import time


def wall_clock_us() -> int:
    """Return now, microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def say(text: str) -> None:
    """Print a line at once, also where standard output is a file or a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
