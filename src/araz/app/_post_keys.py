"""Mutual TLS between posts and centre: one small authority, the centre's certificate and one for each post."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from araz.app._certificates import certificate_of, new_certificate_key, write_pair
from araz.app._rim import say


def make_keys(centre: str, posts: Sequence[str], out: Path, days: int) -> None:
    """Make the authority (once), the centre's key (once) and a key for each new post; none is ever overwritten."""
    if (out / "ca.key").exists():
        authority = x509.load_pem_x509_certificate((out / "ca.crt").read_bytes())
        key = load_pem_private_key((out / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
    else:
        key = new_certificate_key()
        authority = certificate_of("araz posts", [], key, None, key, days)
        write_pair(out, "ca", authority, key)
    for name, hosts in [("centre", [centre, "localhost", "127.0.0.1"]), *((post, []) for post in posts)]:
        if (out / f"{name}.key").exists():
            continue
        own = new_certificate_key()
        write_pair(out, name, certificate_of(name, hosts, own, authority, key, days), own)
    say(
        f"In {out}: ca.key stays here; the centre gets ca.crt, centre.crt, centre.key; each post ca.crt and its own two"
    )
