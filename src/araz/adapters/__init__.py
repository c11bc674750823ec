"""AT THE RIM: objects of other libraries come in, and theirs go out.

**Takes** another library's detections, as that library makes them.
**Gives** that library's tracks, made by `araz.tracking`.
**Keeps** the tracker's State of each stream, inside the iterator it hands out.
**May import** tracking, vocabulary; the other library itself, only when it is asked for (an extra of the package).
**Never** touches disk, network or a clock; is never needed by another room.

A room of its own because it makes an object for every track and scan, which `araz.tracking` promises never to do.
"""

from araz.adapters._stone_soup import stone_soup_tracker

__all__ = ["stone_soup_tracker"]
