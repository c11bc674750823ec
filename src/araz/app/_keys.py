"""The station's key: made at the first use, kept beside the journal, readable by its owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from araz.evidence import Signed, TreeHead, load_key, new_key, public_pem, sign_head


def station_key(folder: Path, given: Path | None) -> tuple[bytes, Path]:
    """Return the station's private key and where it lies; made at the first use, readable by its owner alone."""
    path = given or folder / "keys" / "station.pem"
    if not path.exists():
        if given is not None:
            raise ValueError(f"there is no key {given}; make one with: araz case key {given}")
        pem = new_key()
        write_key(path, pem)
        path.with_suffix(".pub.pem").write_text(public_pem(load_key(pem)))
    return path.read_bytes(), path


def write_key(path: Path, pem: bytes) -> None:
    """Write a private key that nobody else may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def head_signer(folder: Path, by: str = "station") -> Callable[[TreeHead], Signed]:
    """Return what signs the heads of a night's journal with the station's key."""
    key = load_key(station_key(folder, None)[0])
    return lambda head: sign_head(head, by, key)
