"""Where the files of a journal lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

SUFFIX: Final = ".seg"
XZ_MAGIC: Final = b"\xfd7zXZ\x00"


def segment_path(directory: Path, number: int) -> Path:
    """The file of segment ``number`` (from 1): ``00000001.seg``."""
    return directory / f"{number:08d}{SUFFIX}"


def segment_numbers(directory: Path) -> list[int]:
    """Numbers of the segments in a journal's directory, in order."""
    return sorted(int(path.stem) for path in directory.glob(f"*{SUFFIX}") if path.stem.isdecimal())


def is_journal(path: Path) -> bool:
    """Tell by content whether ``read_journal`` can read this: a directory of segments, one file, or one packed with xz.

    Any ``.xz`` counts as a journal here; what is wrong inside is told when it is read.
    """
    if path.is_dir():
        return bool(segment_numbers(path))
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(8)
    return start.startswith((b"ARAZJRN\n", XZ_MAGIC))


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, in as many calls as it takes; OSError as the system says it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
