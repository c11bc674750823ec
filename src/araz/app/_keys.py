"""The station's key: made at the first use, kept beside the journal, readable by its owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclopts import Parameter

from araz.evidence import Signed, TreeHead, load_key, new_key, public_pem, sign_head

Password = Annotated[str, Parameter(env_var="ARAZ_KEY_PASSWORD", show=False)]


def station_key(folder: Path, given: Path | None) -> Path:
    """Return where the station's private key lies; made at the first use, readable by its owner alone."""
    path = given or folder / "keys" / "station.pem"
    if not path.exists():
        if given is not None:
            raise ValueError(f"there is no key {given}; make one with: araz case key {given}")
        make_pair(path)
    return path


def make_pair(path: Path, password: str = "") -> str:
    """Make a key that nobody else may read, and beside it its public half, FILE.pub.pem, which is returned (PEM)."""
    pem = new_key(password.encode() or None)
    write_key(path, pem)
    public = public_pem(load_key(pem, password.encode() or None))
    path.with_suffix(".pub.pem").write_text(public)
    return public


def open_key(path: Path, password: str = "") -> Ed25519PrivateKey:
    """Read a private key; the password is for those that are shut, and not asked of the others."""
    pem = path.read_bytes()
    return load_key(pem, password.encode() if password and b"ENCRYPTED" in pem else None)


def write_key(path: Path, pem: bytes) -> None:
    """Write a private key that nobody else may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def head_signer(folder: Path) -> Callable[[TreeHead], Signed]:
    """Return what signs the heads of a night's journal with the station's key."""
    key = open_key(station_key(folder, None))
    return lambda head: sign_head(head, "station", key)
